import DarkBird
import Synchronization

/// What `darkbird migrate` does to each document. A dotted name reaches into objects, as the names of indexes do; a field
/// whose own name has dots comes first.
struct RecordChanges: Sendable {
  /// Why a document cannot be changed.
  struct Refusal: Error, CustomStringConvertible {
    var description: String
  }

  var renames: [(from: String, to: String)] = []
  var drops: [String] = []
  var sets: [(field: String, value: Value)] = []
  var defaults: [(field: String, value: Value)] = []
  /// The field that becomes the key.
  var key: String?
  private let found = FieldsFound()
  /// The indexes of what each rename, and each drop, is about, by their names before it.
  private var followers: (renames: [[String]], drops: [[String]]) = ([], [])

  init(renames: [(from: String, to: String)] = [], drops: [String] = [], key: String? = nil) {
    (self.renames, self.drops, self.key) = (renames, drops, key)
  }

  /// Of `renames` and `drops`, those that were in no document so far.
  var missing: (renames: [String], drops: [String]) {
    found.names.withLock { found in
      (renames.map(\.from).filter { !found.contains($0) }, drops.filter { !found.contains($0) })
    }
  }

  /// In the order: rename, drop, set, default, key.
  func apply(_ key: Value, _ document: Record) throws(Refusal) -> (Value, Record) {
    var document = document
    for (number, (from, to)) in renames.enumerated() {
      let indexed = number < followers.renames.count ? followers.renames[number] : []
      let values = indexed.map { document.value(at: $0) }
      try Self.change(&document, at: from) { (map, name) throws(Refusal) in
        if map[name] != nil { found.add(from) }
        try Self.rename(name, to, in: &map)
      }
      // An index of such a name is of what lies within objects too; it can follow one of the two.
      for (index, value) in zip(indexed, values) {
        if let value, document.value(at: Self.renamed(index, from, to)) != value {
          throw Refusal(
            description:
              "index '\(index)' cannot follow: there is a field with a dot in its own name, by which it is of another "
              + "one afterwards; remove it with --no-index, and add one of the new name")
        }
      }
    }
    for (number, field) in drops.enumerated() {
      try Self.change(&document, at: field) { map, name in
        if map[name] != nil { found.add(field) }
        map[name] = nil
      }
      let indexed = number < followers.drops.count ? followers.drops[number] : []
      if let index = indexed.first(where: { document.value(at: $0) != nil }) {
        throw Refusal(
          description:
            "index '\(index)' would go with '\(field)', and a field of that name stays, for one has a dot in its own "
            + "name; remove it with --no-index")
      }
    }
    for (field, value) in sets {
      try Self.change(&document, at: field, makesMaps: true) { map, name in map[name] = value }
    }
    for (field, value) in defaults {
      try Self.change(&document, at: field, makesMaps: true) { map, name in if map[name] == nil { map[name] = value } }
    }
    return (try newKey(key, document), document)
  }

  private func newKey(_ key: Value, _ document: Record) throws(Refusal) -> Value {
    guard let field = self.key else { return key }
    guard let value = document.value(at: field) else {
      throw Refusal(description: "no field '\(field)', which is the key")
    }
    switch value {
    case .null, .array, .map: throw Refusal(description: "the key '\(field)' is \(value.kind)")
    case .bool, .int, .unsigned, .double, .string, .bytes, .date: return value
    }
  }

  /// The field keeps its place.
  private static func rename(_ name: String, _ new: String, in map: inout Record) throws(Refusal) {
    guard map[name] != nil, name != new else { return }
    if map[new] != nil { throw Refusal(description: "field '\(name)' cannot become '\(new)', which exists") }
    map = Record(map.fields.map { ($0.name == name ? new : $0.name, $0.value) })
  }

  /// Calls `body` with the map that has the field at `path`, or would have it, and the field's name in it.
  private static func change(
    _ map: inout Record, at path: String, makesMaps: Bool = false,
    _ body: (inout Record, String) throws(Refusal) -> Void
  ) throws(Refusal) {
    var dot = map[path] == nil ? path.firstIndex(of: ".") : nil
    if dot == nil { return try body(&map, path) }
    while let end = dot {
      let head = String(path[..<end])
      let rest = String(path[path.index(after: end)...])
      switch map[head] {
      case .map(var inner)?:
        try change(&inner, at: rest, makesMaps: makesMaps, body)
        map[head] = .map(inner)
        return
      case let value?:
        if makesMaps { throw Refusal(description: "field '\(head)' is \(value.kind), not an object") }
        return
      case nil: dot = path[path.index(after: end)...].firstIndex(of: ".")
      }
    }
    guard makesMaps, let end = path.firstIndex(of: ".") else { return }
    var inner = Record()
    try change(&inner, at: String(path[path.index(after: end)...]), makesMaps: true, body)
    map[String(path[..<end])] = .map(inner)
  }

  /// The indexes that are there before all changes, and shall follow their fields. To be called after `renames` and `drops` are set.
  mutating func follow(_ indexes: [String]) {
    func within(_ field: String, _ names: [String]) -> [String] {
      names.filter { $0 == field || $0.hasPrefix(field + ".") }
    }
    var names = indexes
    followers = ([], [])
    for rename in renames {
      followers.renames.append(within(rename.from, names))
      names = names.map { Self.renamed($0, rename.from, rename.to) }
    }
    followers.drops = drops.map { within($0, names) }
  }

  /// Indexes follow the fields that they are of.
  func apply(to schema: FieldSchema) -> FieldSchema {
    FieldSchema(
      unique: apply(to: schema.unique), tags: apply(to: schema.tags), ranges: apply(to: schema.ranges))
  }

  /// Names of indexes after all renames, without those that are dropped.
  func apply(to names: [String]) -> [String] {
    var renamed: [String] = []
    for var name in names {
      for (from, to) in renames { name = Self.renamed(name, from, to) }
      if drops.contains(where: { name == $0 || name.hasPrefix($0 + ".") }) { continue }
      // Both may have had an index, though no document has both fields.
      if !renamed.contains(name) { renamed.append(name) }
    }
    return renamed
  }

  private static func renamed(_ index: String, _ from: String, _ to: String) -> String {
    let parent = from.lastIndex(of: ".").map { String(from[...$0]) } ?? ""
    if index == from { return parent + to }
    return index.hasPrefix(from + ".") ? parent + to + index.dropFirst(from.count) : index
  }
}

/// Names of fields that were in a document.
private final class FieldsFound: Sendable {
  let names = Mutex<Set<String>>([])

  func add(_ name: String) { names.withLock { _ = $0.insert(name) } }
}
