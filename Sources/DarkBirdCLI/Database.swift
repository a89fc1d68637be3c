import DarkBirdPostgres
import Foundation

/// The database of a command line: `postgres://user@host:port/database`.
///
/// Connects once, so that a wrong password or name is known before anything is done. If a password is needed and found nowhere,
/// it is asked for on the terminal.
func postgresAddress(_ text: String) throws(Failure) -> PostgresAddress {
  var address: PostgresAddress
  do throws(PostgresError) { address = try PostgresAddress(text) } catch {
    // Nothing of the text, which may have a password in it.
    throw Failure(error, database: "the address")
  }
  do throws(PostgresError) {
    do throws(PostgresError) { try address.check() } catch {
      guard error.kind == .authentication, error.code == nil, let password = askForPassword(of: address) else {
        throw error
      }
      address.password = password
      try address.check()
    }
  } catch {
    throw Failure(error, database: address.description)
  }
  return address
}

/// Nil without a terminal to ask on.
private func askForPassword(of address: PostgresAddress) -> String? {
  let terminal = open("/dev/tty", O_RDWR | O_NOCTTY)
  guard terminal >= 0 else { return nil }
  defer { close(terminal) }
  var settings = termios()
  guard tcgetattr(terminal, &settings) == 0 else { return nil }
  let before = settings
  settings.c_lflag &= ~tcflag_t(ECHO)
  settings.c_lflag |= tcflag_t(ECHONL)
  _ = writeAll(Array("password of \(oneLine(address.description)): ".utf8), to: terminal)
  guard tcsetattr(terminal, TCSAFLUSH, &settings) == 0 else { return nil }
  var old = before
  defer { _ = tcsetattr(terminal, TCSAFLUSH, &old) }
  var bytes: [UInt8] = []
  var byte: UInt8 = 0
  while read(terminal, &byte, 1) == 1, byte != 0x0a { bytes.append(byte) }
  return String(decoding: bytes, as: UTF8.self)
}

/// A message without what stands between `//user:` and `@` in an address.
func withoutPasswords(_ text: String) -> String {
  text.replacing(#/(:\/\/[^:\/@\s]*):[^@\s]*@/#) { "\($0.1):…@" }
    .replacing(#/([?&](?:ssl)?password=)[^&\s]*/#) { "\($0.1)…" }
}
