/// Why something with a Postgres database did not work; `description` is one line for people. It never has a password in it.
public struct PostgresError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Sendable, Hashable {
    /// The address is none, or has a password in it.
    case address
    /// The server cannot be reached, shuts down, or has gone away: works later.
    case unreachable
    /// A password is needed, or is wrong, or the user may not connect.
    case authentication
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
    /// A query that is no SQL, or names what is not there.
    case query
    /// The server's disk is full, or broken.
    case disk
    /// The server refused for another reason, which `code` tells.
    case refused
  }

  public var kind: Kind
  public var reason: String
  /// SQLSTATE, where the server said one.
  public var code: String?

  public init(_ kind: Kind, _ reason: String, code: String? = nil) {
    self.kind = kind
    self.reason = reason
    self.code = code
  }

  public var description: String { reason }

  /// - Parameters:
  ///   - code: SQLSTATE.
  ///   - isConnecting: whether there was no connection yet, where some codes mean something else.
  init(code: String, _ reason: String, isConnecting: Bool = false) {
    let kind: Kind =
      switch code {
      case "28000", "28P01": .authentication
      case "3D000": .noDatabase
      case "42P01", "3F000": .noTable
      case "42501": isConnecting ? .authentication : .permission
      case "55P03": .busy
      case "53100", "58030": .disk
      // Too many connections, shutting down, starting up, the connection failed, a standby was in the way, a deadlock.
      case "53300", "57P01", "57P02", "57P03", "57P05", "40001", "40P01": .unreachable
      case _ where code.hasPrefix("08"): .unreachable
      case _ where code.hasPrefix("42"), _ where code.hasPrefix("22"): .query
      default: .refused
      }
    self.init(kind, reason, code: code)
  }
}
