import DarkBird
import Foundation

extension DatabaseError {
  init(_ failure: CQLFailure) {
    let kind: Kind =
      switch failure.known {
      case .badCredentials: .authentication
      case .unavailable, .overloaded, .bootstrapping, .writeTimeout, .readTimeout: .unreachable
      case .unauthorized: .permission
      case .invalid where Self.namesMissingKeyspace(failure.message): .noDatabase
      case .invalid where Self.namesMissingTable(failure.message): .noTable
      case .syntax, .invalid: .query
      default: .refused
      }
    self.init(kind, failure.message.isEmpty ? "the server gives no reason" : failure.message, code: failure.codeText)
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
