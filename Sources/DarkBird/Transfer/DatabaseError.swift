/// Why something with a database did not work; `description` is one line for people. It never has a password in it.
public struct DatabaseError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Sendable, Hashable {
    /// The address is none, has a password in it, or an option that cannot be.
    case address
    /// The server cannot be reached, shuts down, has gone away, or is too busy to answer in time: works later.
    case unreachable
    /// A password is needed, or is wrong, or the user may not connect.
    case authentication
    /// The server's certificate cannot be trusted, or there is none where one is asked for.
    case certificate
    /// No database or no keyspace of this name.
    case noDatabase
    case noTable
    /// The user may not do this.
    case permission
    /// Someone else copies into the table just now: works later.
    case busy
    /// The table is not what it should be: made by someone else, or the copy of another store.
    case otherTable
    /// A column of a type that cannot be mapped.
    case columnType
    /// A query that the database does not understand, or that names what is not there.
    case query
    /// The server's disk is full, or broken.
    case disk
    /// The server refused for another reason, which `code` tells, or does not speak the protocol.
    case refused
  }

  public var kind: Kind
  public var reason: String
  /// Where the server has answered: SQLSTATE of Postgres, `0x2200` of the native protocol of Cassandra.
  public var code: String?

  public init(_ kind: Kind, _ reason: String, code: String? = nil) {
    self.kind = kind
    // Text of a server may have several lines.
    self.reason = reason.split(whereSeparator: \.isNewline).joined(separator: " ")
    self.code = code
  }

  public var description: String { reason }

  /// Whether it may be gone after a while, with a new connection.
  var isTemporary: Bool { kind == .unreachable || kind == .busy }
}
