public import DarkBird
import Foundation

/// Where a Cassandra or Scylla cluster is: `cassandra://user@host:port,host:port/keyspace?option=value`.
///
/// One host that answers is enough; the others of the cluster are found there. With `cassandras://`, connections are encrypted,
/// and the server's certificate is verified. Options:
///
/// | option | |
/// |---|---|
/// | `tls` | `verify-full` (as `cassandras://`), `verify-ca` (any host's certificate), `require` (any certificate), `off` |
/// | `ca` | a file with the certificates to trust, instead of the system's |
/// | `consistency` | how many copies of a row must answer: `local_quorum` (default), `one`, `quorum`, `all` … |
/// | `timeout` | seconds for an answer: 12 |
///
/// A password does not belong into an address, which ends up in lists of processes, histories and logs: one that has a
/// password is refused. It comes from `password`, or from the environment's `CASSANDRA_PASSWORD`.
public struct CassandraAddress: Sendable, CustomStringConvertible {
  struct Host: Hashable, CustomStringConvertible {
    var name: String
    var port: Int

    var description: String { (name.contains(":") ? "[\(name)]" : name) + (port == 9042 ? "" : ":\(port)") }
  }

  enum Encryption: String {
    case off
    case require
    case verifyCA = "verify-ca"
    case verifyFull = "verify-full"
  }

  var hosts: [Host]
  /// Nil for a server that asks for none.
  public internal(set) var user: String?
  var keyspace: String
  var encryption: Encryption
  var certificates: String?
  var consistency = Consistency.localQuorum
  var timeoutSeconds = 12.0
  var retries = RetryPolicy()
  public var password: String?

  /// - Throws: `.address`, in words that repeat nothing of the text, which may have a password in it.
  public init(_ text: String, password: String? = nil) throws(DatabaseError) {
    self.password = password ?? ProcessInfo.processInfo.environment["CASSANDRA_PASSWORD"]
    func refused(_ reason: String) -> DatabaseError { DatabaseError(.address, reason) }
    let form = "not an address of the form cassandra://user@host:port/keyspace"
    guard let scheme = ["cassandra://", "cassandras://"].first(where: text.hasPrefix) else { throw refused(form) }
    let parts = text.dropFirst(scheme.count).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts[0].split(separator: "/", omittingEmptySubsequences: false)
    let authority = path[0].split(separator: "@", omittingEmptySubsequences: false)
    let inAddress = "a password in the address could be read by everyone who sees it; "
    let instead = "use CASSANDRA_PASSWORD, or leave it out and be asked"
    if authority.count == 2, authority[0].contains(":") { throw refused(inAddress + instead) }
    let options = parts.count == 2 ? parts[1].split(separator: "&").map { $0.split(separator: "=", maxSplits: 1) } : []
    if options.contains(where: { $0.first?.lowercased().contains("password") == true }) {
      throw refused(inAddress + instead)
    }
    // A password with a slash or another special character in it would be taken for something else, which messages repeat.
    let unreadable = form + "; special characters in a part of it must be written as %XX"
    func decoded(_ part: some StringProtocol) throws(DatabaseError) -> String {
      guard let text = String(part).removingPercentEncoding, !text.utf8.contains(0) else { throw refused(unreadable) }
      return text
    }
    guard authority.count <= 2, path.count <= 2, !path.dropFirst().contains(where: { $0.contains("@") }) else {
      throw refused(unreadable)
    }
    user = authority.count == 2 && !authority[0].isEmpty ? try decoded(authority[0]) : nil
    keyspace = path.count == 2 ? try decoded(path[1]) : ""
    if keyspace.isEmpty { throw refused("the address names no keyspace: cassandra://user@host:port/keyspace") }
    hosts = []
    for text in (authority.last ?? "").split(separator: ",", omittingEmptySubsequences: false) {
      guard let host = Host(text) else { throw refused(unreadable) }
      hosts.append(host)
    }
    encryption = scheme == "cassandras://" ? .verifyFull : .off
    for option in options {
      guard option.count == 2 else { throw refused(unreadable) }
      let value = try decoded(option[1])
      switch option[0] {
      case "tls":
        guard let known = Encryption(rawValue: value) else {
          throw refused("tls is one of verify-full, verify-ca, require, off")
        }
        encryption = known
      case "ca": certificates = value
      case "consistency":
        guard let known = Consistency.named(value), ![.any, .serial, .localSerial, .eachQuorum].contains(known) else {
          throw refused("consistency is one of one, two, three, quorum, all, local_quorum, local_one")
        }
        consistency = known
      case "timeout":
        guard let seconds = Double(value), seconds > 0, seconds <= 3_600 else {
          throw refused("timeout is a number of seconds up to 3600")
        }
        timeoutSeconds = seconds
      default: throw refused("an option of the address is not known; there are tls, ca, consistency, timeout")
      }
    }
    if certificates != nil && encryption == .off { throw refused("ca needs tls, or cassandras://") }
  }

  /// `cassandra://user@host:port/keyspace`, without the rest.
  public var description: String {
    (encryption == .off ? "cassandra://" : "cassandras://") + (user.map { $0 + "@" } ?? "")
      + hosts.map(\.description).joined(separator: ",") + "/" + keyspace
  }

  /// Connects, and says whether that works.
  /// - Throws: `.authentication`, without a code if a password is needed and was not found; `.noDatabase`, `.unreachable`,
  ///   `.certificate`.
  public func check() throws(DatabaseError) {
    let session = try CassandraSession(self)
    session.close()
  }
}

extension CassandraAddress.Host {
  /// - Parameter text: `host`, `host:9042`, `[::1]:9042`; empty for this machine.
  fileprivate init?(_ text: Substring) {
    var (name, port) = (text, Substring())
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { return nil }
      name = text[text.index(after: text.startIndex)..<end]
      port = text[text.index(after: end)...]
      guard port.isEmpty || port.hasPrefix(":") else { return nil }
      port = port.dropFirst()
    } else if let colon = text.lastIndex(of: ":") {
      name = text[..<colon]
      port = text[text.index(after: colon)...]
    }
    let allowed = { (c: Character) in c.isASCII && (c.isLetter || c.isNumber || "-._:".contains(c)) }
    guard name.allSatisfy(allowed), text.hasPrefix("[") || !name.contains(":"),
      let number = port.isEmpty ? 9042 : Int(port), (1...65_535).contains(number)
    else { return nil }
    self.init(name: name.isEmpty ? "localhost" : String(name), port: number)
  }
}
