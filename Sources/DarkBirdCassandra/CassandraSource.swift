public import DarkBird
import Foundation

/// Rows of a Cassandra or Scylla database as documents: of a copy that `Store.copy(to:)` made, of any table, or of a query.
///
///     let players = try CassandraSource(address, .table("players"), key: ["id"])
///     try store.load(from: players)
///
/// Each row is a document with a field for each column; of which type, says the section Cassandra of the README. Rows come page by page, in bounded
/// memory; what is written meanwhile may be among them or not. A copy gives the documents exactly as they were.
public struct CassandraSource: DocumentSource {
  private static let pageRows: Int32 = 1_000

  private let session: CassandraSession
  private let name: String
  private var statement: Statement
  private var page: CQLRows
  /// Places of the key's columns; nil in a copy.
  private let keys: [Int]?
  private var row = 0

  /// Indexes of the store that the table is a copy of; nil if it is none.
  public let fields: FieldSchema?

  /// Connects, finds out what there is, and begins to read.
  /// - Parameters:
  ///   - rows: a copy is taken as such where `key` is empty.
  ///   - key: columns. Several make a key of their values in an array. Empty: the primary key of the table.
  ///   - condition: CQL, as after WHERE; any column may be in it. Not for a query, which has its own.
  /// - Throws: `DatabaseError`: `.noTable`, `.query`, `.columnType` for a column whose type has no place in a document.
  public init(
    _ address: CassandraAddress, _ rows: DatabaseRows, key: [String] = [], where condition: String? = nil
  ) throws {
    session = try CassandraSession(address)
    // Everything is read, so that it does not matter which rows are looked at.
    let filter = condition.map { " WHERE \($0) ALLOW FILTERING" } ?? ""
    var key = key
    var form: TableForm?
    switch rows {
    case .table(let text):
      let table = try TableName(text, in: address.keyspace)
      try session.checkKeyspace(table.keyspace)
      let columns = try session.columns(of: table)
      if columns.isEmpty { throw DatabaseError(.noTable, "there is no table \(table)") }
      name = table.name
      if key.isEmpty { form = try Self.form(of: table, session) }
      statement = Statement("SELECT \(form == nil ? "*" : "\"key\", \"document\"") FROM \(table)" + filter)
      if key.isEmpty && form == nil {
        let partition = columns.filter { $0.kind == "partition_key" }.sorted { $0.position < $1.position }
        key = (partition + columns.filter { $0.kind == "clustering" }.sorted { $0.position < $1.position }).map(\.name)
      }
    case .query(let text):
      if key.isEmpty { throw DatabaseError(.query, "a query has no primary key; name the columns of one") }
      if condition != nil { throw DatabaseError(.query, "a query has its own WHERE") }
      // There are no transactions that may only read.
      guard Self.withoutCommentsAhead(text).prefix(6).lowercased() == "select" else {
        throw DatabaseError(.query, "a query begins with SELECT; others would change the database")
      }
      name = "query"
      statement = Statement(text)
    }
    fields = form?.fields
    statement.pageSize = Self.pageRows
    guard let first = try session.run(statement) else { throw DatabaseError(.query, "the query has no rows") }
    page = first
    statement.pagingState = first.pagingState
    if form != nil {
      keys = nil
      return
    }
    var names: Set<String> = []
    for column in first.columns {
      guard ColumnValue.isKnown(column.type) else {
        throw DatabaseError(
          .columnType,
          "column '\(column.name)' has the type \(column.type), which no document can hold; leave it out with a query")
      }
      guard names.insert(column.name).inserted else {
        throw DatabaseError(.query, "two columns are named '\(column.name)'")
      }
    }
    keys = try key.map { name in
      guard let index = first.columns.firstIndex(where: { $0.name == name }) else {
        throw DatabaseError(.query, "there is no column '\(name)', which is to be the key")
      }
      return index
    }
  }

  /// A statement without the blanks and comments that it begins with.
  static func withoutCommentsAhead(_ statement: String) -> Substring {
    var rest = statement[...]
    while true {
      rest = rest.drop(while: \.isWhitespace)
      if rest.hasPrefix("--") || rest.hasPrefix("//") {
        rest = rest.drop { !$0.isNewline }
      } else if rest.hasPrefix("/*") {
        rest = rest.firstRange(of: "*/").map { rest[$0.upperBound...] } ?? ""
      } else {
        return rest
      }
    }
  }

  public mutating func next() throws -> (key: Value, document: Record)? {
    while true {
      let cells: [CQLValue]?
      do throws(CQLMalformed) { cells = try page.next() } catch { throw DatabaseError(error) }
      if let cells {
        row += 1
        return keys == nil ? try copied(cells) : try document(cells)
      }
      if statement.pagingState == nil { return nil }
      guard let next = try session.run(statement) else { throw DatabaseError(.refused, "no rows to a SELECT") }
      // The places of the key's columns may be others, and a new column may be of a type that no document can hold.
      if next.columns != page.columns { throw DatabaseError(.query, "the columns have changed while rows were read") }
      page = next
      statement.pagingState = next.pagingState
    }
  }

  private func refused(_ reason: String) -> RefusedDocument { RefusedDocument(place: "row \(row)", reason: reason) }

  private func document(_ cells: [CQLValue]) throws -> (key: Value, document: Record) {
    let values = zip(cells, page.columns).map { ColumnValue.document($0, $1.type) }
    let keys = keys ?? []
    for key in keys where key >= values.count || values[key] == .null {
      throw refused("the key '\(page.columns[key].name)' is null")
    }
    let key = keys.count == 1 ? values[keys[0]] : .array(keys.map { values[$0] })
    return (key, Record(zip(page.columns, values).map { ($0.name, $1) }))
  }

  /// Of a copy.
  private func copied(_ cells: [CQLValue]) throws -> (key: Value, document: Record) {
    guard cells.count == 2, case .text(let key) = cells[0] else { throw refused("no key") }
    guard case .text(let json) = cells[1] else { throw refused("\(key): no document") }
    do {
      let key = try KeyText.key(CassandraReplica.text(ofColumn: key))
      // What keeps a type may take two levels where the document has one.
      let value = try TypedJSON.value(try JSONParser.parse(Array(json.utf8), depthMax: JSONParser.typedDepthMax))
      guard case .map(let document) = value else { throw refused("\(value.kind) instead of a document") }
      return (key, document)
    } catch let error as BadInput {
      throw refused("no JSON: \(error.description)")
    } catch let error as TypedJSON.Malformed {
      throw refused(error.reason)
    }
  }

  /// Of a copy with documents; nil for other tables.
  private static func form(of table: TableName, _ session: CassandraSession) throws -> TableForm? {
    let registry = TableName(keyspace: table.keyspace, name: CopyRegistry.name)
    if try session.columns(of: registry).isEmpty { return nil }
    let form = try CopyRegistry(session, table, leaseSeconds: 0).state()?.form
    return form?.columns == nil ? form : nil
  }
}
