/// Why something with a Cassandra or Scylla database did not work; `description` is one line for people. It never has a password
/// in it.
public struct CassandraError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Sendable, Hashable {
    /// The address is none, or has a password in it.
    case address
    /// The servers cannot be reached, have gone away, or are too busy to answer in time: works later.
    case unreachable
    /// A password is needed, or is wrong.
    case authentication
    /// The server's certificate cannot be trusted.
    case certificate
    case noKeyspace
    case noTable
    /// The user may not do this.
    case permission
    /// Someone else copies into the table just now: works later.
    case busy
    /// The table is not what it should be: made by someone else, or the copy of another store.
    case otherTable
    /// A column of a type that cannot be mapped.
    case columnType
    /// A statement that is no CQL, or names what is not there.
    case query
    /// The server refused for another reason, or does not speak the protocol.
    case refused
  }

  public var kind: Kind
  public var reason: String
  /// Of the native protocol, where the server said one: 0x2200.
  public var code: Int32?

  public init(_ kind: Kind, _ reason: String, code: Int32? = nil) {
    self.kind = kind
    // Text of a server may have several lines.
    self.reason = reason.split(whereSeparator: \.isNewline).joined(separator: " ")
    self.code = code
  }

  public var description: String { reason }

  init(_ failure: CQLFailure) {
    let kind: Kind =
      switch failure.known {
      case .badCredentials: .authentication
      case .unavailable, .overloaded, .bootstrapping, .writeTimeout, .readTimeout: .unreachable
      case .unauthorized: .permission
      case .invalid where Self.namesMissingKeyspace(failure.message): .noKeyspace
      case .invalid where Self.namesMissingTable(failure.message): .noTable
      case .syntax, .invalid: .query
      default: .refused
      }
    self.init(kind, failure.message.isEmpty ? "the server gives no reason" : failure.message, code: failure.code)
  }

  /// Cassandra: `Keyspace 'x' does not exist`, `keyspace x does not exist`. Scylla: `Can't find a keyspace x`. There is one code
  /// for all of these.
  private static func namesMissingKeyspace(_ message: String) -> Bool {
    let message = message.lowercased()
    return message.contains("keyspace") && (message.contains("does not exist") || message.contains("can't find"))
  }

  /// Cassandra: `table x does not exist`, `unconfigured table x`. Scylla: `unconfigured table x`.
  private static func namesMissingTable(_ message: String) -> Bool {
    let message = message.lowercased()
    return message.contains("table") && (message.contains("does not exist") || message.contains("unconfigured"))
  }

  init(_ malformed: CQLMalformed) {
    self.init(.refused, "the server does not speak the protocol of Cassandra, version 4: \(malformed)")
  }
}
