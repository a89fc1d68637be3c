import DarkBird
import Foundation

/// A table that is a copy of a store; see `PostgresTable`.
final class PostgresReplica: Replica {
  static let registry = "darkbird_copies"
  /// Of the longest text that every index takes.
  private static let tagBytesMax = 2_000
  private static let textMax = 500
  /// COPY goes over in pieces of this size.
  private static let pieceBytes = 64 << 10

  private let table: PostgresTable
  private var connection: PostgresConnection?
  private var name = TableName(schema: "", name: "")
  private var form = TableForm()
  /// Of the store, in the order in which rows have their values.
  private var rangeFields: [String] = []
  /// Whether there can be no row of the keys that come: then COPY needs no detour.
  private var isFresh = false
  private var hasStage = false
  private var hasIndexes = false
  /// Whether what was in the table has given way: once, not each time that a lost connection is made again.
  private var hasReplaced = false

  init(_ table: PostgresTable) { self.table = table }

  func close() { connection = nil }

  private func connected() throws(DatabaseError) -> PostgresConnection {
    guard let connection else { throw DatabaseError(.unreachable, "there is no connection") }
    return connection
  }

  // MARK: Opening

  func open(_ store: ReplicatedStore) throws -> UInt64? {
    let connection = try PostgresConnection(table.address)
    self.connection = connection
    (hasStage, hasIndexes) = (false, false)
    rangeFields = store.ranges.map(\.field)
    name = try TableName(table.name, connection)
    try lock(connection)
    let lsn = try connection.transaction { () throws -> UInt64? in
      try makeRegistry(connection)
      let known = try knownCopy(connection)
      let exists = try name.exists(connection)
      let isOther = known.map { $0.store != store.identifier } ?? false
      let before = exists ? known?.form ?? TableForm() : TableForm()
      form = before
      if exists {
        try KnownTable(name: "\(name)", copy: known.map { ($0.store, $0.form) })
          .check(store, table, columns: columns, found: try name.columns(connection))
      }
      form = before.adapted(
        to: store, columns: table.columns?.names, taken: Set(Self.documentColumns + Self.systemColumns))
      if !exists { try makeTable(connection) }
      for range in form.ranges where !before.ranges.contains(range) && exists {
        try connection.run("ALTER TABLE \(name) ADD COLUMN \(quoted(range.column)) \(Self.type(range.kind))")
      }
      // Numbers of another store, or of changes that this one has lost, say nothing, and other indexes want other values: every
      // row is written again.
      let isAhead = known?.lsn.map { $0 > store.lsn } ?? false
      let replaces = table.replaces && !hasReplaced
      let isReset = exists && (replaces || isOther || isAhead || form.makesOtherRows(than: before))
      if isReset { try connection.run("UPDATE \(name) SET lsn = 0 WHERE lsn <> 0") }
      let lsn = exists && !isReset ? known?.lsn : nil
      try note(store.identifier, lsn, connection)
      isFresh = try connection.run("SELECT FROM \(name) LIMIT 1").count == 0
      return lsn
    }
    hasReplaced = true
    return lsn
  }

  /// Until the connection ends. One that was killed may still hold it for a moment.
  private func lock(_ connection: PostgresConnection) throws {
    try connection.run("SET lock_timeout = '10s'")
    do throws(DatabaseError) {
      try connection.run(
        "SELECT pg_advisory_lock(hashtextextended('darkbird ' || $1 || ' ' || $2, 0))", [name.schema, name.name])
    } catch {
      guard error.kind == .busy else { throw error }
      throw DatabaseError(.busy, "someone else is copying into table \(name)", code: error.code)
    }
    try connection.run("SET lock_timeout = 0")
  }

  private var registry: String { quoted(name.schema) + "." + Self.registry }

  private func makeRegistry(_ connection: PostgresConnection) throws {
    if try TableName(schema: name.schema, name: Self.registry).exists(connection) { return }
    // Two that make it at once: the second waits, and then finds it.
    try connection.run("SELECT pg_advisory_xact_lock(hashtextextended('darkbird ' || $1, 0))", [name.schema])
    try connection.run(
      """
      CREATE TABLE IF NOT EXISTS \(registry) (
        table_name text PRIMARY KEY, store uuid NOT NULL, lsn bigint, form json NOT NULL, changed timestamptz NOT NULL)
      """)
  }

  private func knownCopy(
    _ connection: PostgresConnection
  ) throws -> (store: UUID, lsn: UInt64?, form: TableForm)? {
    let rows = try connection.run("SELECT store, lsn, form FROM \(registry) WHERE table_name = $1", [name.name])
    guard rows.count == 1, let store = rows.text(0, 0).flatMap(UUID.init(uuidString:)), let form = rows.text(0, 2)
    else { return nil }
    return (
      store, rows.text(0, 1).flatMap(UInt64.init),
      try JSONDecoder().decode(TableForm.self, from: Data(form.utf8))
    )
  }

  private func note(_ store: UUID, _ lsn: UInt64?, _ connection: PostgresConnection) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let form = String(decoding: try encoder.encode(form), as: UTF8.self)
    try connection.run(
      """
      INSERT INTO \(registry) AS old VALUES ($1, $2, $3, $4, now())
      ON CONFLICT (table_name) DO UPDATE
      SET store = excluded.store, lsn = excluded.lsn, form = excluded.form, changed = now()
      WHERE (old.store, old.form::text) IS DISTINCT FROM (excluded.store, excluded.form::text)
        OR old.lsn IS DISTINCT FROM excluded.lsn
      """, [name.name, store.uuidString, lsn.map(String.init), form])
  }

  private static let documentColumns = ["key", "document", "field_order", "lsn", "tags"]
  /// Of every table, by other names than those of a program: it refuses others.
  private static let systemColumns = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"]

  private func makeTable(_ connection: PostgresConnection) throws {
    var columns = ["key text COLLATE \"C\" PRIMARY KEY"]
    if let own = table.columns {
      columns += zip(own.names, own.types).map { "\(quoted($0)) \($1)" } + ["lsn bigint NOT NULL"]
    } else {
      columns += ["document jsonb NOT NULL", "field_order json", "lsn bigint NOT NULL", "tags text[] NOT NULL"]
      columns += form.ranges.map { "\(quoted($0.column)) \(Self.type($0.kind))" }
    }
    try connection.run("CREATE TABLE \(name) (\(columns.joined(separator: ", ")))")
  }

  private static func type(_ kind: RangeKind) -> String {
    switch kind {
    case .bool: "boolean"
    case .number: "numeric"
    case .date: "timestamptz"
    case .text: "text COLLATE \"C\""
    case .mixed: "jsonb"
    }
  }

  // MARK: Comparing

  func rows(after text: String?) throws -> [(key: String, lsn: UInt64)] {
    let condition = text == nil ? "" : "WHERE key > $1 "
    let rows = try connected().run(
      "SELECT key, lsn FROM \(name) \(condition)ORDER BY key LIMIT 20000", text.map { [$0] } ?? [])
    return (0..<rows.count).map { (rows.text($0, 0) ?? "", rows.text($0, 1).flatMap(UInt64.init) ?? 0) }
  }

  // MARK: Writing

  func apply(_ batch: ReplicaBatch) throws {
    let connection = try connected()
    if isFresh && batch.removed.isEmpty && batch.clearedAt == nil && !batch.isByLSN {
      do {
        return try connection.transaction {
          try deferSync(batch, connection)
          try send(batch.rows, to: name.description, connection)
          try finish(batch, connection)
        }
      } catch let error as DatabaseError where error.code == "23505" {
        // Someone else put a row there: no more shortcuts.
        isFresh = false
      }
    }
    isFresh = false
    try makeStage(connection)
    try connection.transaction {
      try deferSync(batch, connection)
      if let lsn = batch.clearedAt { try connection.run("DELETE FROM \(name) WHERE lsn < \(lsn)") }
      if !batch.removed.isEmpty { try remove(batch, connection) }
      if batch.rows.count > 0 {
        try send(batch.rows, to: "pg_temp.darkbird_stage", connection)
        let names = columns.map(quoted)
        try connection.run(
          """
          INSERT INTO \(name) AS old (\(names.joined(separator: ", ")))
          SELECT \(names.joined(separator: ", ")) FROM pg_temp.darkbird_stage
          ON CONFLICT (key) DO UPDATE SET \(names.dropFirst().map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
          WHERE old.lsn \(batch.isByLSN ? "<" : "<>") excluded.lsn
          """)
      }
      try finish(batch, connection)
    }
  }

  /// The disk need not have a part of a copy before the next begins: the last one, which says that the table is complete, waits
  /// for all of them. What a server that dies loses of them, the next copy finds missing.
  private func deferSync(_ batch: ReplicaBatch, _ connection: PostgresConnection) throws(DatabaseError) {
    if batch.reaches == nil { try connection.run("SET LOCAL synchronous_commit = off") }
  }

  /// Tables of the session, whose rows go with the transaction.
  private func makeStage(_ connection: PostgresConnection) throws {
    if hasStage { return }
    try connection.run(
      """
      CREATE TEMP TABLE darkbird_stage (LIKE \(name)) ON COMMIT DELETE ROWS;
      CREATE TEMP TABLE darkbird_removed (key text COLLATE "C", lsn bigint) ON COMMIT DELETE ROWS
      """)
    hasStage = true
  }

  private func remove(_ batch: ReplicaBatch, _ connection: PostgresConnection) throws {
    try connection.copyIn("COPY pg_temp.darkbird_removed FROM STDIN") { send in
      var text = CopyText()
      for (key, lsn) in batch.removed {
        text.text(key)
        text.plain(String(lsn))
        text.endRow()
        if text.bytes.count >= Self.pieceBytes {
          try send(text.bytes)
          text.removeAll()
        }
      }
      try send(text.bytes)
    }
    try connection.run(
      """
      DELETE FROM \(name) AS old USING pg_temp.darkbird_removed AS removed
      WHERE old.key = removed.key\(batch.isByLSN ? " AND old.lsn < removed.lsn" : "")
      """)
  }

  private func finish(_ batch: ReplicaBatch, _ connection: PostgresConnection) throws {
    if batch.reaches != nil, !hasIndexes {
      try makeIndexes(connection)
      hasIndexes = true
    }
    try connection.run(
      "UPDATE \(registry) SET lsn = $1, changed = now() WHERE table_name = $2 AND lsn IS DISTINCT FROM $1::bigint",
      [batch.reaches.map(String.init), name.name])
  }

  /// When the table is complete for the first time: made of all rows at once, an index takes a fraction of the time.
  private func makeIndexes(_ connection: PostgresConnection) throws {
    if form.columns != nil { return }
    let rows = try connection.run(
      """
      SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      WHERE i.indrelid = \(literal(name.description))::regclass
      """)
    let indexed = Set((0..<rows.count).compactMap { rows.text($0, 0) })
    if !indexed.contains("tags") { try connection.run("CREATE INDEX ON \(name) USING gin (tags)") }
    for range in form.ranges where !indexed.contains(range.column) {
      try connection.run("CREATE INDEX ON \(name) (\(quoted(range.column)))")
    }
  }

  private var columns: [String] {
    if let own = table.columns { return ["key"] + own.names + ["lsn"] }
    return Self.documentColumns + form.ranges.map(\.column)
  }

  private func send(_ rows: ReplicaRows, to target: String, _ connection: PostgresConnection) throws {
    if rows.count == 0 { return }
    let ranges = form.ranges.map { rangeFields.firstIndex(of: $0.field) }
    try connection.copyIn("COPY \(target) (\(columns.map(quoted).joined(separator: ", "))) FROM STDIN") { send in
      var text = CopyText()
      try rows.visit { row in
        try append(row, ranges, to: &text)
        if text.bytes.count >= Self.pieceBytes {
          try send(text.bytes)
          text.removeAll()
        }
      }
      try send(text.bytes)
    }
  }

  private func append(_ row: ReplicaRow, _ ranges: [Int?], to text: inout CopyText) throws {
    text.text(KeyText.text(row.key))
    if let own = table.columns {
      for value in try own.values(of: row) { text.cell(value) }
      text.plain(String(row.lsn))
    } else {
      text.json(row.document)
      text.order(row.document)
      text.plain(String(row.lsn))
      text.array(row.tags.filter { $0.utf8.count <= Self.tagBytesMax })
      for (column, range) in zip(form.ranges, ranges) {
        text.cell(range.flatMap { $0 < row.ranges.count ? row.ranges[$0] : nil }, column.kind, textMax: Self.textMax)
      }
    }
    text.endRow()
  }
}

/// A table's name with its schema.
struct TableName: CustomStringConvertible {
  var schema: String
  var name: String

  /// As SQL writes it.
  var description: String { quoted(schema) + "." + quoted(name) }

  init(schema: String, name: String) {
    self.schema = schema
    self.name = name
  }

  /// - Parameter text: as SQL writes it, with or without a schema.
  init(_ text: String, _ connection: PostgresConnection) throws(DatabaseError) {
    let parts: PostgresRows
    do throws(DatabaseError) {
      parts = try connection.run(
        "SELECT cardinality(p), p[1], p[2], current_schema() FROM parse_ident($1) AS p", [text])
    } catch {
      if error.kind == .unreachable { throw error }
      throw DatabaseError(.noTable, "'\(text)' is no name of a table", code: error.code)
    }
    switch (parts.text(0, 0), parts.text(0, 1), parts.text(0, 2)) {
    case ("1", let name?, _):
      guard let schema = parts.text(0, 3) else {
        throw DatabaseError(.noTable, "no schema for table \(name) in the search path")
      }
      self.init(schema: schema, name: name)
    case ("2", let schema?, let name?): self.init(schema: schema, name: name)
    default: throw DatabaseError(.noTable, "'\(text)' is no name of a table")
    }
  }

  func columns(_ connection: PostgresConnection) throws(DatabaseError) -> Set<String> {
    let rows = try connection.run(
      "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
      [description])
    return Set((0..<rows.count).compactMap { rows.text($0, 0) })
  }

  func exists(_ connection: PostgresConnection) throws(DatabaseError) -> Bool {
    try connection.run("SELECT to_regclass($1)", [description]).text(0, 0) != nil
  }
}
