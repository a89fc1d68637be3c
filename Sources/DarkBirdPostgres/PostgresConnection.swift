import CLibPQ
import DarkBird
import Foundation

/// One connection to a database. It is used by one thread at a time, and blocks it.
///
/// Unsafe corner: the pointer is made in `init`, used here only, and freed in `deinit`; texts that libpq hands out are copied
/// before the next call, and lists of options end with one that has no keyword.
final class PostgresConnection {
  private let pointer: OpaquePointer
  /// Unless the address, the environment or a service file has a `connect_timeout`.
  private static let connectSeconds = 10

  /// - Throws: `.address` for values of options that cannot be, as far as libpq says so first, `.unreachable`, `.certificate`,
  ///   `.noDatabase`, `.authentication`: without a code if no password was given where one is needed.
  init(_ address: PostgresAddress) throws(DatabaseError) {
    var options = address.options
    if let password = address.password { options.append(("password", password)) }
    func addDefault(_ keyword: String, _ value: String) {
      if !options.contains(where: { $0.keyword == keyword }) { options.append((keyword, value)) }
    }
    addDefault("fallback_application_name", "darkbird")
    // A server that is cut off without a word is noticed after a minute.
    addDefault("keepalives_idle", "30")
    addDefault("tcp_user_timeout", "60000")
    options.append(("client_encoding", "UTF8"))
    var keywords = options.map { UnsafePointer(strdup($0.keyword)) } + [nil]
    var values = options.map { UnsafePointer(strdup($0.value)) } + [nil]
    defer { for text in keywords + values { free(UnsafeMutablePointer(mutating: text)) } }
    guard let pointer = PQconnectStartParams(&keywords, &values, 0) else {
      throw DatabaseError(.unreachable, "no memory for a connection")
    }
    self.pointer = pointer
    // libpq itself does not look at it in connections that are made step by step; 0 is for ever.
    var seconds: Int? = Self.connectSeconds
    if let text = Self.option("connect_timeout", of: pointer), !text.isEmpty {
      guard let number = Int(text), number < 1_000_000 else {
        throw DatabaseError(.address, "connect_timeout is a number of seconds")
      }
      seconds = number > 0 ? number : nil
    }
    // With codes, for messages are in the language of the server.
    PQsetErrorVerbosity(pointer, PQERRORS_VERBOSE)
    // Without one, libpq prints what the server remarks.
    _ = PQsetNoticeReceiver(pointer, { _, _ in }, nil)
    try connect(within: seconds)
    _ = PQsetErrorVerbosity(pointer, PQERRORS_DEFAULT)
    // Values as text have one form each.
    try run(
      """
      SET datestyle = 'ISO, YMD'; SET intervalstyle = 'iso_8601'; SET timezone = 'UTC'; SET bytea_output = 'hex';
      SET extra_float_digits = 3; SET standard_conforming_strings = on
      """)
  }

  deinit { PQfinish(pointer) }

  /// What libpq found for an option: in the address, in the environment, in a service file.
  private static func option(_ keyword: String, of pointer: OpaquePointer) -> String? {
    guard let options = PQconninfo(pointer) else { return nil }
    defer { PQconninfoFree(options) }
    var option = options
    while let name = option.pointee.keyword {
      if String(cString: name) == keyword { return option.pointee.val.map { String(cString: $0) } }
      option += 1
    }
    return nil
  }

  private func connect(within seconds: Int?) throws(DatabaseError) {
    let deadline = seconds.map { ContinuousClock.now + .seconds($0) }
    // libpq looks at the values of some options only here, before it looks for the server.
    let refusal = String(cString: PQerrorMessage(pointer))
    if PQstatus(pointer) == CONNECTION_BAD, refusal.hasPrefix("invalid ") { throw DatabaseError(.address, refusal) }
    var events = Int16(POLLOUT)
    while PQstatus(pointer) != CONNECTION_BAD {
      let left = deadline.map { ($0 - ContinuousClock.now) / .milliseconds(1) }
      if let left, let seconds, left <= 0 {
        throw DatabaseError(.unreachable, "no answer within \(seconds) second\(seconds == 1 ? "" : "s")")
      }
      var descriptor = pollfd(fd: PQsocket(pointer), events: events, revents: 0)
      _ = poll(&descriptor, 1, left.map { Int32($0.rounded(.up)) } ?? -1)
      if descriptor.revents == 0 { continue }
      switch PQconnectPoll(pointer) {
      case PGRES_POLLING_OK: return
      case PGRES_POLLING_READING: events = Int16(POLLIN)
      case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
      default: throw connectionFailure()
      }
    }
    throw connectionFailure()
  }

  /// `connection to server at … failed: FATAL:  28P01: password authentication failed …`
  private func connectionFailure() -> DatabaseError {
    let lines = String(cString: PQerrorMessage(pointer)).split(separator: "\n")
    let text = lines.last { $0.contains("FATAL:") } ?? lines.first ?? "no reason given"
    let isPasswordMissing = PQconnectionNeedsPassword(pointer) == 1
    if isPasswordMissing { return DatabaseError(.authentication, "a password is needed") }
    // Severity is translated, the code stands between the first ":  " and the next ": ".
    if let start = text.firstRange(of: ":  "), let end = text[start.upperBound...].firstRange(of: ": ") {
      let code = text[start.upperBound..<end.lowerBound]
      if code.utf8.count == 5 {
        return DatabaseError(code: String(code), String(text[end.upperBound...]), isConnecting: true)
      }
    }
    // There are no codes for these. With another kind they would be tried again for ever. Before " failed: " stands the address.
    let reason = text.ranges(of: " failed: ").last.map { text[$0.upperBound...] } ?? text
    let isAboutTrust = ["certificate", "does not support SSL"].contains { reason.contains($0) }
    return DatabaseError(isAboutTrust ? .certificate : .unreachable, String(text))
  }

  /// What a call that failed has left behind.
  private func failure(_ result: OpaquePointer?) -> DatabaseError {
    defer { PQclear(result) }
    func field(_ code: Int8) -> String? { PQresultErrorField(result, Int32(code)).map { String(cString: $0) } }
    let isAlive = PQstatus(pointer) == CONNECTION_OK
    if let code = field(Int8(UInt8(ascii: "C"))), let message = field(Int8(UInt8(ascii: "M"))) {
      let error = DatabaseError(code: code, message)
      return isAlive || error.kind == .unreachable ? error : DatabaseError(.unreachable, message, code: code)
    }
    let lines = String(cString: PQerrorMessage(pointer)).split(separator: "\n")
    return DatabaseError(isAlive ? .refused : .unreachable, lines.first.map(String.init) ?? "the connection is lost")
  }

  // MARK: Statements

  /// Runs one statement, or several without parameters, and returns the rows of the last.
  @discardableResult
  func run(_ sql: String, _ parameters: [String?] = []) throws(DatabaseError) -> PostgresRows {
    let result: OpaquePointer?
    if parameters.isEmpty {
      result = PQexec(pointer, sql)
    } else {
      let texts = parameters.map { $0.map { UnsafePointer(strdup($0)) } ?? nil }
      defer { for text in texts { free(UnsafeMutablePointer(mutating: text)) } }
      result = PQexecParams(pointer, sql, Int32(texts.count), nil, texts, nil, nil, 0)
    }
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK: return PostgresRows(result)
    default: throw failure(result)
    }
  }

  /// Names and types of what a query returns.
  func columns(of query: String) throws(DatabaseError) -> [(name: String, type: UInt32)] {
    let prepared = PQprepare(pointer, "", query, 0, nil)
    guard PQresultStatus(prepared) == PGRES_COMMAND_OK else { throw failure(prepared) }
    PQclear(prepared)
    let described = PQdescribePrepared(pointer, "")
    guard PQresultStatus(described) == PGRES_COMMAND_OK else { throw failure(described) }
    defer { PQclear(described) }
    return (0..<PQnfields(described)).map { (String(cString: PQfname(described, $0)), PQftype(described, $0)) }
  }

  /// Runs `body` in a transaction: all of it happens, or nothing.
  func transaction<R>(_ body: () throws -> R) throws -> R {
    try run("BEGIN")
    do {
      let result = try body()
      try run("COMMIT")
      return result
    } catch {
      // The error is the one to report; a connection that is lost has rolled back.
      _ = try? run("ROLLBACK")
      throw error
    }
  }

  // MARK: COPY

  /// Sends rows in COPY's text form.
  /// - Parameter body: calls its argument with piece after piece.
  func copyIn(_ sql: String, _ body: (([UInt8]) throws -> Void) throws -> Void) throws {
    let begun = PQexec(pointer, sql)
    guard PQresultStatus(begun) == PGRES_COPY_IN else { throw failure(begun) }
    PQclear(begun)
    var bodyError: (any Error)?
    do {
      try body { bytes in
        if bytes.isEmpty { return }
        let status = bytes.withUnsafeBytes { raw in
          PQputCopyData(pointer, raw.assumingMemoryBound(to: CChar.self).baseAddress, Int32(raw.count))
        }
        if status != 1 { throw failure(nil) }
      }
    } catch {
      bodyError = error
    }
    // Also after a failure: the server may have said why.
    _ = PQputCopyEnd(pointer, bodyError == nil ? nil : "given up")
    var serverError: DatabaseError?
    while let result = PQgetResult(pointer) {
      if PQresultStatus(result) == PGRES_COMMAND_OK { PQclear(result) } else { serverError = failure(result) }
    }
    if let bodyError, !(bodyError is DatabaseError) { throw bodyError }
    if let serverError { throw serverError }
    if let bodyError { throw bodyError }
  }

  func beginCopyOut(_ sql: String) throws(DatabaseError) {
    let begun = PQexec(pointer, sql)
    guard PQresultStatus(begun) == PGRES_COPY_OUT else { throw failure(begun) }
    PQclear(begun)
  }

  /// The next row of COPY's text form, without the line's end; nil after the last.
  func copyOutRow() throws(DatabaseError) -> [UInt8]? {
    var row: UnsafeMutablePointer<CChar>?
    let count = PQgetCopyData(pointer, &row, 0)
    if count > 0, let row {
      defer { PQfreemem(row) }
      let isLine = row[Int(count) - 1] == 0x0a
      return Array(UnsafeRawBufferPointer(start: row, count: isLine ? Int(count) - 1 : Int(count)))
    }
    if count == -2 { throw failure(nil) }
    while let result = PQgetResult(pointer) {
      guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw failure(result) }
      PQclear(result)
    }
    return nil
  }
}

/// Rows of a statement, as text.
///
/// Unsafe corner: owns the result, which is freed with it.
final class PostgresRows {
  private let result: OpaquePointer?

  fileprivate init(_ result: OpaquePointer?) { self.result = result }

  deinit { PQclear(result) }

  var count: Int { Int(PQntuples(result)) }

  /// Nil for NULL.
  func text(_ row: Int, _ column: Int) -> String? {
    if PQgetisnull(result, Int32(row), Int32(column)) == 1 { return nil }
    return String(cString: PQgetvalue(result, Int32(row), Int32(column)))
  }
}

/// A name in SQL.
func quoted(_ name: String) -> String { "\"" + name.escaping("\"", with: "\"") + "\"" }

/// A text in SQL.
func literal(_ text: String) -> String { "'" + text.escaping("'", with: "'") + "'" }
