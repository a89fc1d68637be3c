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
  /// Names of the indexes that follow a rename, before all of them.
  var indexed: [String] = []
  /// The field that becomes the key.
  var key: String?
  private let found = FieldsFound()

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
      try Self.change(&document, at: from) { (map, name) throws(Refusal) in
        if map[name] != nil {
          found.add(from)
          // An index of this name is of what lies within an object too; it can follow one of the two.
          if name.contains("."), isIndexed(from, before: number) {
            throw Refusal(
              description: "field '\(from)' has a dot in its own name, so its index cannot follow; "
                + "remove that with --no-index, and add one of the new name")
          }
        }
        try Self.rename(name, to, in: &map)
      }
    }
    for field in drops {
      try Self.change(&document, at: field) { map, name in
        if map[name] != nil { found.add(field) }
        map[name] = nil
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

  /// Whether there is an index of the field, or of one within it, when it is the turn of a rename.
  private func isIndexed(_ field: String, before number: Int) -> Bool {
    let earlier = RecordChanges(renames: Array(renames[..<number]))
    return earlier.apply(to: indexed).contains { $0 == field || $0.hasPrefix(field + ".") }
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
      for (from, to) in renames {
        let parent = from.lastIndex(of: ".").map { String(from[...$0]) } ?? ""
        if name == from {
          name = parent + to
        } else if name.hasPrefix(from + ".") {
          name = parent + to + name.dropFirst(from.count)
        }
      }
      if drops.contains(where: { name == $0 || name.hasPrefix($0 + ".") }) { continue }
      // Both may have had an index, though no document has both fields.
      if !renamed.contains(name) { renamed.append(name) }
    }
    return renamed
  }
}

/// Names of fields that were in a document.
private final class FieldsFound: Sendable {
  let names = Mutex<Set<String>>([])

  func add(_ name: String) { names.withLock { _ = $0.insert(name) } }
}
