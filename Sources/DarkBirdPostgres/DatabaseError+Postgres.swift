import DarkBird

extension DatabaseError {
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
      // A transaction that may only read, as all are on a standby.
      case "25006": .permission
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
