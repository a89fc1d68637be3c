import DarkBird

/// A table's name with its keyspace.
struct TableName: Hashable, CustomStringConvertible {
  var keyspace: String
  var name: String

  /// As CQL writes it.
  var description: String { quoted(keyspace) + "." + quoted(name) }

  init(keyspace: String, name: String) {
    self.keyspace = keyspace
    self.name = name
  }

  /// - Parameter text: as CQL writes it, with or without a keyspace: what is not in quotes is lowercase.
  init(_ text: String, in keyspace: String) throws(DatabaseError) {
    var parts: [String] = []
    var rest = Substring(text)
    let isName = { (c: Character) in c.isASCII && (c.isLetter || c.isNumber || c == "_") }
    while true {
      let isQuoted = rest.hasPrefix("\"")
      if isQuoted { rest.removeFirst() }
      let part = rest.prefix(while: isName)
      rest = rest.dropFirst(part.count)
      guard !part.isEmpty, !isQuoted || rest.hasPrefix("\"") else {
        parts = []
        break
      }
      if isQuoted { rest.removeFirst() }
      parts.append(isQuoted ? String(part) : part.lowercased())
      guard rest.hasPrefix(".") else { break }
      rest.removeFirst()
    }
    guard rest.isEmpty, (1...2).contains(parts.count), parts.allSatisfy({ $0.utf8.count <= 48 }) else {
      throw DatabaseError(.noTable, "'\(text)' is no name of a table")
    }
    self.init(keyspace: parts.count == 2 ? parts[0] : keyspace, name: parts[parts.count - 1])
  }
}

/// What the tables of a cluster are like.
extension CassandraSession {
  struct ColumnDescription {
    var name: String
    /// `partition_key`, `clustering`, `regular`, `static`
    var kind: String
    var position: Int64
  }

  /// Empty for a table that is not there.
  func columns(of table: TableName) throws -> [ColumnDescription] {
    let rows = try run(
      Statement(
        "SELECT column_name, kind, position FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?",
        [.text(table.keyspace), .text(table.name)]))
    return try (rows?.named() ?? []).compactMap { row in
      guard case .text(let name)? = row["column_name"], case .text(let kind)? = row["kind"],
        case .integer(let position)? = row["position"]
      else { return nil }
      return ColumnDescription(name: name, kind: kind, position: position)
    }
  }

  func checkKeyspace(_ name: String) throws {
    let rows = try run(
      Statement("SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?", [.text(name)]))
    if rows?.count != 1 { throw DatabaseError(.noDatabase, "there is no keyspace \(name)") }
  }
}
