import DarkBird
import Foundation

/// A table that is a copy of a store; see `CassandraTable`, and `CopyState` for the order of what is written.
final class CassandraReplica: Replica {
  /// Of a row's key.
  private static let keyBytesMax = 65_535
  private static let tagBytesMax = 2_000
  private static let textMax = 500
  private static let pageRows: Int32 = 5_000
  /// Timestamps that are reserved at once.
  private static let reserved: Int64 = 1 << 20

  private let table: CassandraTable
  private let leaseSeconds: Int
  private let renewAge: Duration?
  private var session: CassandraSession?
  private var registry: CopyRegistry?
  private var name = TableName(keyspace: "", name: "")
  private var state = CopyState(store: UUID())
  /// Of the store, in the order in which rows have their values.
  private var rangeFields: [String] = []
  /// Rows are compared, and then written.
  private var isCopying = false
  /// Whether the copy has its `base`.
  private var hasBegun = false
  private var pagingState: [UInt8]?
  /// Of the columns of the user's own.
  private var types: [CQLType] = []

  /// - Parameters: of the right to write to the table; see `CopyRegistry`.
  init(_ table: CassandraTable, leaseSeconds: Int = 15, renewAge: Duration? = nil) {
    self.table = table
    self.leaseSeconds = leaseSeconds
    self.renewAge = renewAge
  }

  func close() {
    registry?.release()
    registry?.session.close()
    session?.close()
    (registry, session) = (nil, nil)
  }

  /// Whether what was in the table has given way: once, not each time that a lost connection is made again.
  private var hasReplaced = false

  private func connected() throws(DatabaseError) -> CassandraSession {
    guard let session else { throw DatabaseError(.unreachable, "there is no connection") }
    return session
  }

  // MARK: Opening

  func open(_ store: ReplicatedStore) throws -> UInt64? {
    let session = try CassandraSession(table.address)
    self.session = session
    (isCopying, hasBegun, pagingState) = (false, false, nil)
    rangeFields = store.ranges.map(\.field)
    name = try TableName(table.name, in: table.address.keyspace)
    try session.checkKeyspace(name.keyspace)
    // The lease is renewed while statements of the other session wait to be sent again.
    var registry = CopyRegistry(
      try CassandraSession(table.address), name, leaseSeconds: leaseSeconds, renewAge: renewAge)
    session.willRepeat = { [unowned self] in try self.registry?.hold(state) }
    try registry.make()
    try registry.lock()
    self.registry = registry
    let known = try registry.state()
    // Before there was the lease, another store could still make the table.
    let there = Set(try session.columns(of: name).map(\.name))
    let exists = !there.isEmpty
    let isOther = known.map { $0.store != store.identifier } ?? false
    if exists {
      try KnownTable(name: "\(name)", copy: known.map { ($0.store, $0.form) })
        .check(store, table, columns: ownColumns, found: there)
    }
    let before = exists ? known?.form ?? TableForm() : TableForm()
    state = known ?? CopyState(store: store.identifier)
    state.store = store.identifier
    state.form = before.adapted(
      to: store, columns: table.columns?.names, taken: there.union(Self.documentColumns))
    let missing = state.form.ranges.filter { !there.contains($0.column) }
    // Numbers of another store, or of changes that this one has lost, say nothing, and other indexes or columns want other values:
    // every row is written again.
    let isAhead = known?.lsn.map { $0 > store.lsn } ?? false
    let isReset =
      exists
      && (table.replaces && !hasReplaced || isOther || isAhead || !missing.isEmpty
        || state.form.makesOtherRows(than: before))
    if isReset {
      state.base = state.ceiling
      state.validAfter = state.base
    }
    if isReset || !exists { state.lsn = nil }
    // Whatever of the table is made after this: whoever comes next knows whose it is, and makes the rest.
    if state != known { try note() }
    hasReplaced = true
    if exists {
      for range in missing { try add(range, session) }
    } else {
      try makeTable(session)
    }
    if table.columns != nil {
      let parameters = try session.parameters(of: insertion)
      types = parameters.dropFirst().prefix(columns.count - 2).map(\.type)
    }
    return state.lsn
  }

  private func note() throws {
    // Answers to the rows before may have been a long time coming.
    try registry?.hold(state)
    state.version += 1
    try registry?.note(state)
  }

  private static let documentColumns = ["key", "document", "lsn", "tags"]

  /// Those that the table is made with.
  private var ownColumns: [String] { table.columns.map { ["key"] + $0.names + ["lsn"] } ?? Self.documentColumns }

  /// Those that a row is written with.
  private var columns: [String] { ownColumns + state.form.ranges.map(\.column) }

  private func add(_ range: TableForm.RangeColumn, _ session: CassandraSession) throws {
    try session.runSchemaChange("ALTER TABLE \(name) ADD \(quoted(range.column)) \(Self.type(range.kind))") {
      try session.columns(of: name).contains { $0.name == range.column }
    }
  }

  private func makeTable(_ session: CassandraSession) throws {
    var definitions = ["\"key\" text PRIMARY KEY"]
    if let own = table.columns {
      definitions += zip(own.names, own.types).map { "\(quoted($0)) \($1)" } + ["\"lsn\" bigint"]
    } else {
      definitions += ["\"document\" text", "\"lsn\" bigint", "\"tags\" set<text>"]
      definitions += state.form.ranges.map { "\(quoted($0.column)) \(Self.type($0.kind))" }
    }
    try session.runSchemaChange("CREATE TABLE IF NOT EXISTS \(name) (\(definitions.joined(separator: ", ")))")
  }

  private static func type(_ kind: RangeKind) -> String {
    switch kind {
    case .bool: "boolean"
    case .number: "decimal"
    case .date: "timestamp"
    case .text, .mixed: "text"
    }
  }

  // MARK: Comparing

  func rows(after text: String?) throws -> [(key: String, lsn: UInt64)] {
    if text == nil {
      (isCopying, hasBegun, pagingState) = (true, false, nil)
    } else if pagingState == nil {
      return []
    }
    try registry?.hold(state)
    var rows: [(key: String, lsn: UInt64)] = []
    // Pages may be empty: what was removed is skipped.
    repeat {
      let page = try page(pagingState)
      pagingState = page.pagingState
      rows = page.rows
    } while rows.isEmpty && pagingState != nil
    return rows
  }

  private func page(_ pagingState: [UInt8]?) throws -> (rows: [(key: String, lsn: UInt64)], pagingState: [UInt8]?) {
    var statement = Statement("SELECT \"key\", \"lsn\", WRITETIME(\"lsn\") FROM \(name)")
    statement.pageSize = Self.pageRows
    statement.pagingState = pagingState
    guard var page = try connected().run(statement) else { throw DatabaseError(.refused, "no rows to a SELECT") }
    var rows: [(key: String, lsn: UInt64)] = []
    do throws(CQLMalformed) {
      while let row = try page.next() {
        guard row.count == 3, case .text(let key) = row[0] else { continue }
        guard case .integer(let lsn) = row[1], case .integer(let timestamp) = row[2], timestamp > state.validAfter
        else {
          rows.append((Self.text(ofColumn: key), 0))
          continue
        }
        rows.append((Self.text(ofColumn: key), UInt64(bitPattern: lsn)))
      }
    } catch {
      throw DatabaseError(error)
    }
    return (rows, page.pagingState)
  }

  /// A key cannot be empty in Cassandra: it is the JSON of the empty text, which no other key has.
  private static func column(ofText text: String) -> String { text.isEmpty ? "\"\"" : text }
  static func text(ofColumn column: String) -> String { column == "\"\"" ? "" : column }

  // MARK: Writing

  func apply(_ batch: ReplicaBatch) throws {
    let session = try connected()
    try registry?.hold(state)
    let hasWrites = batch.clearedAt != nil || !batch.removed.isEmpty || batch.rows.count > 0
    if isCopying && hasWrites && !hasBegun {
      // Before all that was ever written, and complete up to nothing until the end.
      state.base = state.ceiling
      state.lsn = nil
      hasBegun = true
      try note()
    }
    if let lsn = batch.clearedAt { try clear(before: lsn, session) }
    for (key, lsn) in batch.removed {
      try remove(key, isCopying ? state.base : try timestamp(lsn), session)
    }
    let ranges = state.form.ranges.map { rangeFields.firstIndex(of: $0.field) }
    try batch.rows.visit { row in
      let timestamp = try timestamp(row.lsn)
      try registry?.hold(state)
      try session.submit(Statement(insertion, try values(row, ranges) + [.integer(timestamp)]))
    }
    try session.drain()
    if let reaches = batch.reaches {
      // From here on come changes, not rows of a comparison.
      (isCopying, hasBegun) = (false, false)
      if state.lsn != reaches {
        state.lsn = reaches
        try note()
      }
    }
  }

  /// Of a change; reserved before it is used.
  private func timestamp(_ lsn: UInt64) throws -> Int64 {
    guard let number = Int64(exactly: lsn), number < Int64.max / 4, state.base < Int64.max / 4 else {
      throw DatabaseError(.refused, "there are no more timestamps for changes; copy into another table")
    }
    let timestamp = state.base + number
    if timestamp > state.ceiling {
      state.ceiling = timestamp + Self.reserved
      try note()
    }
    return timestamp
  }

  /// There is no removal of all rows up to a timestamp: it takes one for each.
  private func clear(before lsn: UInt64, _ session: CassandraSession) throws {
    let timestamp = try timestamp(lsn)
    var next: [UInt8]?
    repeat {
      let page = try page(next)
      next = page.pagingState
      for row in page.rows where row.lsn < lsn { try remove(row.key, timestamp, session) }
      try session.drain()
      try registry?.hold(state)
    } while next != nil
  }

  private func remove(_ key: String, _ timestamp: Int64, _ session: CassandraSession) throws {
    // Rows of others, which a copy takes away as well, may have any key.
    try session.submit(
      Statement(
        "DELETE FROM \(name) USING TIMESTAMP ? WHERE \"key\" = ?",
        [.integer(timestamp), .text(Self.column(ofText: key))]))
  }

  private var insertion: String {
    let names = columns.map(quoted).joined(separator: ", ")
    let places = columns.map { _ in "?" }.joined(separator: ", ")
    return "INSERT INTO \(name) (\(names)) VALUES (\(places)) USING TIMESTAMP ?"
  }

  private func values(_ row: ReplicaRow, _ ranges: [Int?]) throws -> [CQLValue] {
    let key = Self.column(ofText: KeyText.text(row.key))
    guard key.utf8.count <= Self.keyBytesMax else {
      throw DatabaseError(.refused, "the key \(key.prefix(40))… is longer than the 65,535 bytes that a key may have")
    }
    let lsn = CQLValue.integer(Int64(bitPattern: row.lsn))
    if let own = table.columns {
      var cells: [CQLValue] = [.text(key)]
      for (index, value) in try own.values(of: row).enumerated() {
        guard let cell = ColumnValue.column(value, types[index]) else {
          throw DatabaseError(
            .columnType,
            "document \(key.prefix(40)): \(value.kind) for column '\(own.names[index])' of type \(types[index])")
        }
        cells.append(cell)
      }
      return cells + [lsn]
    }
    var document = ""
    TypedJSON.append(row.document, to: &document)
    let tags = row.tags.filter { $0.utf8.count <= Self.tagBytesMax }.map { CQLValue.text($0) }
    var cells: [CQLValue] = [.text(key), .text(document), lsn, tags.isEmpty ? .null : .list(tags)]
    for (column, range) in zip(state.form.ranges, ranges) {
      cells.append(Self.cell(range.flatMap { $0 < row.ranges.count ? row.ranges[$0] : nil }, column.kind))
    }
    return cells
  }

  /// A value of a range field in a column of one kind: null if it is of another.
  private static func cell(_ value: IndexValue?, _ kind: RangeKind) -> CQLValue {
    switch (kind, value) {
    case (.bool, .bool(let flag)): .boolean(flag)
    case (.number, .int(let number)): .decimal(unscaled: CQLInteger(number), scale: 0)
    case (.number, .double(let number)): ColumnValue.decimal(number) ?? .null
    case (.date, .date(let date)): ColumnValue.milliseconds(date).map { .timestamp(milliseconds: $0) } ?? .null
    case (.text, .string(let text)): .text(cut(text))
    case (.mixed, .bool(let flag)): json(.bool(flag))
    case (.mixed, .int(let number)): json(.int(number))
    case (.mixed, .double(let number)): json(.double(number))
    case (.mixed, .date(let date)): json(.date(date))
    case (.mixed, .string(let text)): json(.string(cut(text)))
    default: .null
    }
  }

  private static func cut(_ text: String) -> String {
    text.utf8.count <= textMax ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(textMax)))
  }

  private static func json(_ value: Value) -> CQLValue {
    var text = ""
    TypedJSON.append(value, to: &text)
    return .text(text)
  }
}
