public import DarkBird
import Foundation

/// Rows of a Postgres database as documents: of a copy that `Store.copy(to:)` made, of any table, or of a query.
///
///     let players = try PostgresSource(address, .table("players"), key: ["id"])
///     try store.load(from: players)
///
/// Each row is a document with a field for each column; of which type, says the section Postgres of the README. All rows are of one moment, and
/// come one after the other, in bounded memory. A copy gives the documents exactly as they were.
public struct PostgresSource: DocumentSource {
  private let connection: PostgresConnection
  private let columns: [(name: String, type: ColumnType)]
  /// Places of the key's columns; nil in a copy.
  private let keys: [Int]?
  private var row = 0
  private var isAtEnd = false
  private var lastOrder: (text: [UInt8], order: Value)?

  /// Indexes of the store that the table is a copy of; nil if it is none.
  public let fields: FieldSchema?
  /// Rows, as the server estimates them for a whole table; nil if nobody knows.
  public let estimatedRows: Int?

  /// Connects, finds out what there is, and begins to read.
  /// - Parameters:
  ///   - rows: a copy is taken as such where `key` is empty.
  ///   - key: columns. Several make a key of their values in an array. Empty: the primary key of the table.
  ///   - condition: SQL, as after WHERE.
  /// - Throws: `DatabaseError`: `.noTable`, `.query`, `.columnType` for a column whose type has no place in a document.
  public init(
    _ address: PostgresAddress, _ rows: DatabaseRows, key: [String] = [], where condition: String? = nil
  ) throws {
    connection = try PostgresConnection(address)
    // A query may be any statement that has rows, and call any function.
    try connection.run("SET default_transaction_read_only = on")
    let filter = condition.map { "\nWHERE (\($0)\n)" } ?? ""
    var key = key
    var query: String
    var form: TableForm?
    var estimate: Int?
    switch rows {
    case .table(let text):
      let name = try TableName(text, connection)
      guard try name.exists(connection) else { throw DatabaseError(.noTable, "there is no table \(name)") }
      query = "SELECT * FROM \(name)" + filter
      if key.isEmpty { form = try Self.form(of: name, connection) }
      if form != nil {
        query = "SELECT key, document, field_order FROM \(name)" + filter
      } else if key.isEmpty {
        key = try Self.primaryKey(of: name, connection)
        if key.isEmpty { throw DatabaseError(.query, "table \(name) has no primary key; name the columns of one") }
      }
      if condition == nil { estimate = try Self.estimate(name, connection) }
    case .query(let text):
      if key.isEmpty { throw DatabaseError(.query, "a query has no primary key; name the columns of one") }
      query = text
      while let last = query.last, last == ";" || last.isWhitespace { query.removeLast() }
      if condition != nil { query = "SELECT * FROM (\(query)\n) AS rows" + filter }
    }
    fields = form?.fields
    estimatedRows = estimate
    // In one transaction, so that nobody changes the table between the look at its columns and its rows.
    try connection.run("BEGIN")
    let described = try connection.columns(of: query)
    if form != nil {
      columns = []
      keys = nil
    } else {
      let types = try ColumnType.types(described, connection)
      var names: Set<String> = []
      for column in described where !names.insert(column.name).inserted {
        throw DatabaseError(.query, "two columns are named '\(column.name)'")
      }
      columns = zip(described, types).map { ($0.name, $1) }
      keys = try key.map { name in
        guard let index = described.firstIndex(where: { $0.name == name }) else {
          throw DatabaseError(.query, "there is no column '\(name)', which is to be the key")
        }
        return index
      }
    }
    try connection.beginCopyOut("COPY (\(query)\n) TO STDOUT")
  }

  public mutating func next() throws -> (key: Value, document: Record)? {
    if isAtEnd { return nil }
    guard let bytes = try connection.copyOutRow() else {
      isAtEnd = true
      // All rows are here: it matters only where the server may still say that they are not of one moment.
      do throws(DatabaseError) { try connection.run("COMMIT") } catch {
        if error.kind != .unreachable || error.code == "40001" { throw error }
      }
      return nil
    }
    row += 1
    var cells = CopyRow(bytes)
    return keys == nil ? try copied(&cells) : try document(&cells)
  }

  private func refused(_ reason: String) -> RefusedDocument { RefusedDocument(place: "row \(row)", reason: reason) }

  private func document(_ cells: inout CopyRow) throws -> (key: Value, document: Record) {
    var values: [Value] = []
    values.reserveCapacity(columns.count)
    for column in columns {
      if cells.isAtEnd { throw refused("has fewer than \(columns.count) columns") }
      guard let cell = cells.next() else {
        values.append(.null)
        continue
      }
      do throws(ColumnType.Unreadable) { values.append(try column.type.value(cell)) } catch {
        throw refused("column '\(column.name)': \(error.reason)")
      }
    }
    let keys = keys ?? []
    for key in keys where values[key] == .null { throw refused("the key '\(columns[key].name)' is NULL") }
    let key = keys.count == 1 ? values[keys[0]] : .array(keys.map { values[$0] })
    return (key, Record(zip(columns, values).map { ($0.name, $1) }))
  }

  /// Of a copy.
  private mutating func copied(_ cells: inout CopyRow) throws -> (key: Value, document: Record) {
    let text = cells.next() ?? []
    let json = cells.next() ?? []
    let order = cells.next()
    do {
      let key = try KeyText.key(String(decoding: text, as: UTF8.self))
      // What keeps a type may take two levels where the document has one.
      var value = try TypedJSON.value(try JSONParser.parse(json, depthMax: JSONParser.typedDepthMax))
      if let order {
        if lastOrder?.text != order { lastOrder = (order, try TypedJSON.value(try JSONParser.parse(order))) }
        if let lastOrder { value = FieldOrder.applied(lastOrder.order, to: value) }
      }
      guard case .map(let document) = value else { throw refused("\(value.kind) instead of a document") }
      return (key, document)
    } catch let error as BadInput {
      throw refused("no JSON: \(error.description)")
    } catch let error as TypedJSON.Malformed {
      throw refused(error.reason)
    }
  }

  // MARK: What there is

  /// Of a copy with documents; nil for other tables.
  private static func form(of name: TableName, _ connection: PostgresConnection) throws -> TableForm? {
    let registry = TableName(schema: name.schema, name: PostgresReplica.registry)
    guard try registry.exists(connection) else { return nil }
    let rows = try connection.run("SELECT form FROM \(registry) WHERE table_name = $1", [name.name])
    guard rows.count == 1, let text = rows.text(0, 0) else { return nil }
    let form = try JSONDecoder().decode(TableForm.self, from: Data(text.utf8))
    return form.columns == nil ? form : nil
  }

  private static func primaryKey(
    of name: TableName, _ connection: PostgresConnection
  ) throws(DatabaseError) -> [String] {
    let rows = try connection.run(
      """
      SELECT a.attname FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(number, place)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
      WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY k.place
      """, [name.description])
    return (0..<rows.count).compactMap { rows.text($0, 0) }
  }

  private static func estimate(_ name: TableName, _ connection: PostgresConnection) throws(DatabaseError) -> Int? {
    let rows = try connection.run(
      "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass($1) AND reltuples > 0", [name.description])
    return rows.count == 1 ? rows.text(0, 0).flatMap(Int.init) : nil
  }
}
