import ArgumentParser
import DarkBird
import DarkBirdDashboard

/// A store as the generic commands see it: whatever wrote it, keys are values and documents are records.
typealias RecordStore = Store<Value, Record>
typealias StoredRecord = StoredDocument<Value, Record>

func openForReading(_ directory: String) throws(Failure) -> RecordStore {
  try onStore(directory) { try RecordStore.open(directory, readOnly: true).keptUntilExit() }
}

extension Store {
  /// The memory of a store that a command uses to its end goes with the process: to free millions of documents one by one
  /// takes seconds, for which somebody would wait.
  func keptUntilExit() -> Store {
    _ = Unmanaged.passRetained(self)
    return self
  }
}

/// The options of commands that take a part of a store.
struct ConditionArguments: ParsableArguments {
  @Option(help: ArgumentHelp("The document under this key.", valueName: "key"))
  var key: String?

  @Option(help: ArgumentHelp("The document with this value in a unique index.", valueName: "name=value"))
  var unique: [String] = []

  @Option(help: ArgumentHelp("Documents with this tag.", valueName: "name=value"))
  var tag: [String] = []

  @Option(help: ArgumentHelp("Documents with a field in a range.", valueName: "field=lo..hi"))
  var range: [String] = []

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp("All conditions as one line, as the dashboard takes them; Y there copies it.", valueName: "line")
  )
  var line: String?

  func validate() throws {
    if line != nil, key != nil || !unique.isEmpty || !tag.isEmpty || !range.isEmpty {
      throw ValidationError("--where stands for all conditions: it excludes --key, --unique, --tag and --range")
    }
    for (option, texts) in [("--unique", unique), ("--tag", tag), ("--range", range)] {
      for text in texts where text.nameAndValue?.name.isEmpty ?? true {
        throw ValidationError("\(option) \(text): a name, '=' and a value are needed")
      }
    }
  }
}

/// Which fields of a document are wanted.
struct FieldArguments: ParsableArguments {
  @Option(
    name: .customLong("fields"),
    help: ArgumentHelp(
      "Only these fields, in this order, beside the key; as often as you like. address.city is a field of a field.",
      valueName: "a,b,c"))
  var lists: [String] = []

  func validate() throws {
    if lists.contains(where: { $0.split(separator: ",", omittingEmptySubsequences: false).contains("") }) {
      throw ValidationError("--fields: names with a comma between them are needed, such as Package,Size")
    }
  }

  var names: [String] {
    var seen: Set<String> = []
    return lists.flatMap { $0.split(separator: ",").map(String.init) }.filter { seen.insert($0).inserted }
  }

  func part(of document: Record) -> Record { lists.isEmpty ? document : document.only(names) }
}

/// Tells of fields that none of some documents has: most likely a mistake.
struct MissingFields {
  private var missing: [String]
  private var known: Set<String> = []

  init(_ wanted: [String]) { missing = wanted }

  mutating func look(at document: Record) {
    if missing.isEmpty { return }
    missing.removeAll { document.value(at: $0) != nil }
    if !missing.isEmpty { known.formUnion(document.fields.map(\.name)) }
  }

  var notes: [String] {
    missing.map { name in
      let nearest = Spelling.nearest(to: name, in: known.sorted())
      return "no document here has a field \(name)" + (nearest.map { "; did you mean \($0)?" } ?? "")
    }
  }
}

/// What `darkbird query` is asked for, checked against the schema of the store.
struct Conditions {
  private var query = Query()
  /// Documents named by key or unique value that every other condition then filters; nil if none is named.
  private var named: [StoredRecord]?
  /// A limit of the line, and a shard that it asks for.
  private var limit = Int.max
  private var shard: Int?
  private var rangeNotes: [String] = []

  /// - Throws: `Failure` if a condition cannot be read, `StoreError` if it names no index of the store.
  init(_ arguments: ConditionArguments, of store: RecordStore) throws {
    if let line = arguments.line {
      try take(line, of: store)
      return
    }
    let fields = store.schema.fields
    for text in arguments.tag {
      let (name, _) = split(text)
      if !fields.tags.contains(name) { throw unknown("--tag \(text)", "tag field", name, fields.tags) }
      query.allTags.append(text)
    }
    for text in arguments.range {
      let (field, bounds) = split(text)
      if !fields.ranges.contains(field) { throw unknown("--range \(text)", "range field", field, fields.ranges) }
      let values = try store.values(of: field)
      do {
        let range = try RangeText.parse(bounds, field: field, like: RangeText.sample(values?.min, values?.max))
        query.ranges.append(Query.RangeCondition(field: field, range: range))
        if let note = RangeText.note(bounds, like: RangeText.sample(values?.min, values?.max)) {
          rangeNotes.append("\(field): \(note)")
        }
      } catch {
        throw Failure(.usage, "--range \(text)", error.message)
      }
    }
    if query.ranges.count == 1 { query.orderBy = query.ranges[0].field }
    if let key = arguments.key { restrict(to: readings(of: key).compactMap { store.stored($0) }) }
    for text in arguments.unique {
      let (name, value) = split(text)
      if !fields.unique.contains(name) { throw unknown("--unique \(text)", "unique index", name, fields.unique) }
      restrict(
        to: try readings(of: value).compactMap(\.indexValue).compactMap { try store.document(unique: name, $0) })
    }
  }

  /// Takes a line of the dashboard.
  private mutating func take(_ line: String, of store: RecordStore) throws {
    let source = StoreSource(store, title: "")
    defer { source.close() }
    let vocabulary = QueryVocabulary(try source.outline(tagsPerField: 1))
    let selection: Selection
    do { selection = try QueryLine.parse(line, vocabulary) } catch {
      throw Failure(.usage, "--where, column \(error.column + 1)", harmless(error.description))
    }
    rangeNotes = QueryLine.notes(line, vocabulary)
    switch selection {
    case .query(let query, let limit):
      self.query = query
      self.limit = limit ?? .max
    case .key(let key): restrict(to: readings(of: key).compactMap { store.stored($0) })
    case .unique(let index, let value):
      restrict(
        to: try readings(of: value).compactMap(\.indexValue).compactMap { try store.document(unique: index, $0) })
    case .shard(let number): shard = number
    }
  }

  private mutating func restrict(to documents: [StoredRecord]) {
    guard let before = named else {
      named = documents
      return
    }
    named = before.filter { document in documents.contains { $0.key == document.key } }
  }

  /// What somebody may have mistyped without its being an error.
  func notes(on store: RecordStore) throws -> [String] {
    try rangeNotes + store.unknownTags(in: query).map(\.description) + store.notes(on: query)
  }

  func count(in store: RecordStore) throws -> Int {
    if named == nil, shard == nil { return min(limit, try store.count(query)) }
    var number = 0
    try forEach(in: store, limit: .max) { _ in
      number += 1
      return true
    }
    return number
  }

  /// Calls `body` with each document, in order, until it returns false.
  func forEach(in store: RecordStore, limit: Int, _ body: (StoredRecord) throws -> Bool) throws {
    var rest = min(limit, self.limit)
    if let named, query.isUnconditional {
      for document in named.prefix(rest) where try !body(document) { return }
      return
    }
    let keys = named.map { Set($0.map(\.key)) }
    var cursor: Cursor?
    repeat {
      let page = try store.documents(query, limit: min(keys == nil && shard == nil ? rest : .max, 1_000), after: cursor)
      for document in page.documents
      where keys?.contains(document.key) ?? true && shard ?? document.shard == document.shard {
        guard rest > 0, try body(document) else { return }
        rest -= 1
      }
      cursor = page.next
    } while cursor != nil && rest > 0
  }
}

private func unknown(_ option: String, _ kind: String, _ name: String, _ known: [String]) -> Failure {
  let list = known.isEmpty ? "the store has none" : "the store has \(known.joined(separator: ", "))"
  return Failure(.usage, option, "no \(kind) '\(name)'; \(list)")
}

/// `name=value` at its first `=`.
func split(_ text: String) -> (name: String, value: String) { text.nameAndValue ?? (text, "") }
