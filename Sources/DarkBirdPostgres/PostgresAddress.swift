import CLibPQ
public import DarkBird

/// Where a Postgres database is: `postgres://user@host:port/database?option=value`, all parts optional, as libpq takes it.
///
/// A password does not belong into an address, which ends up in lists of processes, histories and logs: one that has a
/// password is refused. It comes from `password`, from the file that `PGPASSFILE` names (by default `~/.pgpass`), or from
/// `PGPASSWORD`.
public struct PostgresAddress: Sendable, CustomStringConvertible {
  /// Keywords of libpq and their values.
  let options: [(keyword: String, value: String)]
  public var password: String?

  /// - Throws: `.address`, in words that repeat nothing of the text, which may have a password in it.
  public init(_ text: String, password: String? = nil) throws(DatabaseError) {
    self.password = password
    let form = "postgres://user@host:port/database"
    guard text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") else {
      throw DatabaseError(.address, "not an address of the form \(form)")
    }
    let unreadable = DatabaseError(
      .address, "not an address of the form \(form); special characters in a part of it must be written as %XX")
    var message: UnsafeMutablePointer<CChar>?
    // The list ends with an entry without a keyword; it is copied and freed.
    let list = PQconninfoParse(text, &message)
    defer {
      PQconninfoFree(list)
      PQfreemem(message)
    }
    guard let list else { throw unreadable }
    var options: [(keyword: String, value: String)] = []
    var entry = list
    while let keyword = entry.pointee.keyword {
      if let value = entry.pointee.val { options.append((String(cString: keyword), String(cString: value))) }
      entry += 1
    }
    if options.contains(where: { ["password", "sslpassword"].contains($0.keyword) && !$0.value.isEmpty }) {
      throw DatabaseError(
        .address,
        "a password in the address could be read by everyone who sees it; "
          + "use PGPASSFILE, PGPASSWORD, or leave it out and be asked")
    }
    // A password with a slash in it would be taken for a port and a database, which messages repeat.
    let path = text.split(separator: "/", maxSplits: 3).dropFirst(2).joined().prefix { $0 != "?" }
    let isPort = { (port: String) in port.allSatisfy { $0.isNumber || $0 == "," } }
    if path.contains("@") || options.contains(where: { $0.keyword == "port" && !isPort($0.value) }) { throw unreadable }
    self.options = options
  }

  /// `postgres://user@host:port/database`, without the rest.
  public var description: String {
    func value(_ keyword: String) -> String { options.first { $0.keyword == keyword }?.value ?? "" }
    let user = value("user")
    let port = value("port")
    let host = value("host")
    return "postgres://" + (user.isEmpty ? "" : user + "@") + (host.hasPrefix("/") ? "" : host)
      + (port.isEmpty ? "" : ":" + port) + "/" + value("dbname")
      + (host.hasPrefix("/") ? "?host=" + host : "")
  }

  /// Connects, and says whether that works.
  /// - Throws: `.authentication`, without a code if a password is needed and was not found; `.address` for values of options
  ///   that cannot be, `.certificate`, `.noDatabase`, `.unreachable`.
  public func check() throws(DatabaseError) { _ = try PostgresConnection(self) }
}
