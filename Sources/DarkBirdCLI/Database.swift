import DarkBird
import DarkBirdCassandra
import DarkBirdPostgres
import Foundation

/// The database of a command line, by the scheme of its address: `postgres://user@host:port/database` or
/// `cassandra://user@host:port/keyspace`.
enum DatabaseAddress: CustomStringConvertible {
  case postgres(PostgresAddress)
  case cassandra(CassandraAddress)

  /// Connects to nothing.
  init(_ text: String) throws(Failure) {
    // Nothing of the text in a failure, which may have a password in it.
    let subject = "the address"
    if text.hasPrefix("cassandra") {
      do throws(DatabaseError) { self = .cassandra(try CassandraAddress(text)) } catch {
        throw Failure(error, database: subject)
      }
    } else if text.hasPrefix("postgres") {
      do throws(DatabaseError) { self = .postgres(try PostgresAddress(text)) } catch {
        throw Failure(error, database: subject)
      }
    } else {
      throw Failure(
        .usage, subject,
        "not an address of the form postgres://user@host:port/database or cassandra://user@host:port/keyspace")
    }
  }

  /// Connects once, so that a wrong password or name is known before anything is done. If a password is needed and found nowhere,
  /// it is asked for on the terminal.
  static func connected(_ text: String) throws(Failure) -> DatabaseAddress {
    try DatabaseAddress(text).connected()
  }

  private func connected() throws(Failure) -> DatabaseAddress {
    do throws(DatabaseError) {
      do throws(DatabaseError) {
        try check()
        return self
      } catch {
        guard error.needsPassword, hasUser, let password = askForPassword(of: description) else { throw error }
        let address = with(password)
        try address.check()
        return address
      }
    } catch {
      throw Failure(error, database: description)
    }
  }

  private func check() throws(DatabaseError) {
    switch self {
    case .postgres(let address): try address.check()
    case .cassandra(let address): try address.check()
    }
  }

  /// Postgres has a default for it.
  private var hasUser: Bool { if case .cassandra(let address) = self { address.user != nil } else { true } }

  private func with(_ password: String) -> DatabaseAddress {
    switch self {
    case .postgres(var address):
      address.password = password
      return .postgres(address)
    case .cassandra(var address):
      address.password = password
      return .cassandra(address)
    }
  }

  /// Where a password is looked for.
  var passwordPlaces: String {
    switch self {
    case .postgres: "PGPASSFILE or PGPASSWORD"
    case .cassandra: "CASSANDRA_PASSWORD"
    }
  }

  /// Without options and password.
  var description: String {
    switch self {
    case .postgres(let address): address.description
    case .cassandra(let address): address.description
    }
  }

  // MARK: Into it

  func copy<Key, Document>(
    _ store: Store<Key, Document>, to table: String, replaces: Bool = false, progress: (JobProgress) -> Bool
  ) throws -> CopyReport {
    switch self {
    case .postgres(let address):
      try store.copy(to: PostgresTable(address, name: table, replaces: replaces), progress: progress)
    case .cassandra(let address):
      try store.copy(to: CassandraTable(address, name: table, replaces: replaces), progress: progress)
    }
  }

  /// - Parameter endsWhenComplete: whether it ends when the table has all changes.
  func mirror<Key, Document>(
    _ store: Store<Key, Document>, to table: String, replaces: Bool = false, endsWhenComplete: Bool,
    progress: (MirrorProgress) -> Bool
  ) throws -> MirrorProgress {
    switch self {
    case .postgres(let address):
      try store.mirror(
        to: PostgresTable(address, name: table, replaces: replaces), endsWhenComplete: endsWhenComplete,
        progress: progress)
    case .cassandra(let address):
      try store.mirror(
        to: CassandraTable(address, name: table, replaces: replaces), endsWhenComplete: endsWhenComplete,
        progress: progress)
    }
  }

  // MARK: Out of it

  /// Begins to read.
  /// - Parameter query: instead of a table.
  func documents(
    of table: String, query: String?, key: [String], where condition: String?
  ) throws -> DatabaseDocuments {
    let rows = query.map { DatabaseRows.query($0) } ?? .table(table)
    switch self {
    case .postgres(let address):
      let source = try PostgresSource(address, rows, key: key, where: condition)
      return DatabaseDocuments(source: source, fields: source.fields, estimatedRows: source.estimatedRows)
    case .cassandra(let address):
      let source = try CassandraSource(address, rows, key: key, where: condition)
      return DatabaseDocuments(source: source, fields: source.fields)
    }
  }
}

extension DatabaseError {
  /// Whether none was found where one is needed: the server has not said a word about it.
  var needsPassword: Bool { kind == .authentication && code == nil }
}

struct DatabaseDocuments {
  var source: any DocumentSource
  /// Indexes of the store that the table is a copy of; nil if it is none.
  var fields: FieldSchema?
  /// Nil if nobody knows.
  var estimatedRows: Int?
}

/// Nil without a terminal to ask on. Ctrl-C, Ctrl-\ and what `StopSignals` takes end the process, but not before the terminal
/// shows again what is typed.
private func askForPassword(of address: String) -> String? {
  let terminal = open("/dev/tty", O_RDWR | O_NOCTTY)
  guard terminal >= 0 else { return nil }
  defer { close(terminal) }
  var settings = termios()
  guard tcgetattr(terminal, &settings) == 0 else { return nil }
  let before = settings
  settings.c_lflag &= ~tcflag_t(ECHO | ISIG)
  settings.c_lflag |= tcflag_t(ECHONL)
  // They end the line, so that they arrive at once; the signal comes from here. Unsafe corner: an array of the system's, whose
  // indexes these are. 0 and 255 stand for no key.
  let keys = withUnsafeMutableBytes(of: &settings.c_cc) { codes in
    (codes[Int(VEOL)], codes[Int(VEOL2)]) = (codes[Int(VINTR)], codes[Int(VQUIT)])
    return [codes[Int(VINTR)], codes[Int(VQUIT)]].filter { ![0, 0xff].contains($0) }
  }
  let stop = StopSignals()
  defer { stop.giveBack() }
  guard tcsetattr(terminal, TCSAFLUSH, &settings) == 0 else { return nil }
  // Only now: what is typed before is neither hidden nor read.
  _ = writeAll(Array("password of \(oneLine(address)): ".utf8), to: terminal)
  var old = before
  var bytes: [UInt8] = []
  var byte: UInt8 = 0
  while true {
    var descriptor = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
    _ = poll(&descriptor, 1, 100)
    if stop.isRequested { break }
    if descriptor.revents == 0 { continue }
    guard read(terminal, &byte, 1) == 1, byte != 0x0a, !keys.contains(byte) else { break }
    bytes.append(byte)
  }
  _ = tcsetattr(terminal, TCSAFLUSH, &old)
  if let signal = stop.received ?? (keys.contains(byte) ? SIGINT : nil) {
    _ = writeAll([0x0a], to: terminal)
    endAtOnce(signal)
  }
  return String(decoding: bytes, as: UTF8.self)
}

/// A message without the passwords of addresses in it. Where one ends nobody knows, for it may have any character in it: all from
/// `//user:` up to the last `@` goes, and what an option has up to the next one or the last quotation mark.
func withoutPasswords(_ text: String) -> String {
  text.replacing(#/(:\/\/[^:]*):(?s:.*)@/#) { "\($0.1):…@" }
    .replacing(#/([?&](?:ssl)?password=)(?:[^&]*(?=['&])|[^&]*)/#) { "\($0.1)…" }
}
