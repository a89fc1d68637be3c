import DarkBird
import Foundation
import Synchronization
import Testing

@testable import DarkBirdPostgres

/// A Postgres server of the tests' own, on a socket in a temporary directory, as an ordinary user. One for all suites: started
/// when the first test asks for it, and stopped when the tests end, however they end.
final class Server: Sendable {
  static let shared = Result { try Server() }

  /// Of the socket, the data and the log.
  let directory: String
  /// The shell that stops the server and removes all of it once this closes.
  private let leash: FileHandle

  struct Missing: Error, CustomStringConvertible {
    var description: String
  }

  /// Users: `darkbird`, who is trusted, and `guarded`, whose password is `geheim`.
  private init() throws {
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
    let programs = versions.sorted { $0.localizedStandardCompare($1) == .orderedAscending }
      .map { "/usr/lib/postgresql/\($0)/bin" }
      .last { FileManager.default.isExecutableFile(atPath: $0 + "/initdb") }
    guard let programs else { throw Missing(description: "no Postgres server here; apt-get install postgresql") }
    // A path of a socket has 107 bytes at most.
    var template = Array("/tmp/darkbird-pg-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Missing(description: "no temporary directory") }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let script = """
      set -eu
      cd "$1"
      run=
      # Postgres refuses to run as root.
      if [ "$(id -u)" = 0 ]; then
        chown postgres .
        run='setpriv --reuid=postgres --regid=postgres --init-groups'
      fi
      printf geheim > password
      chmod 644 password
      trap 'rm -rf "$1"' EXIT
      $run "$2/initdb" -D data -U darkbird --auth=trust --no-sync --encoding=UTF8 --locale=C > init.log 2>&1 < /dev/null
      printf 'local all guarded scram-sha-256\\nlocal all all trust\\n' > data/pg_hba.conf
      start() {
        $run "$2/postgres" -D data -k "$1" -c listen_addresses= -c fsync=off -c max_connections=60 \\
          -c max_wal_size=4GB > log 2>&1 < /dev/null &
        server=$!
        until $run "$2/pg_isready" -q -h "$1" < /dev/null; do
          kill -0 $server
          sleep 0.05
        done
      }
      start "$@"
      "$2/psql" -qh "$1" -U darkbird -d postgres -c "CREATE ROLE guarded LOGIN PASSWORD 'geheim'" < /dev/null
      echo ready
      # Stopped for N seconds when told so; for ever when the tests are gone.
      while read -r seconds; do
        kill -INT $server
        wait $server || true
        sleep "$seconds"
        start "$@"
        echo ready
      done
      kill -QUIT $server
      wait $server || true
      """
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", script, "server", directory, programs]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    leash = input.fileHandleForWriting
    readiness = output.fileHandleForReading
    // Programs that tests start must not hold it.
    _ = fcntl(leash.fileDescriptor, F_SETFD, FD_CLOEXEC)
    try awaitReadiness()
  }

  private let readiness: FileHandle

  private func awaitReadiness() throws {
    guard let said = try readiness.read(upToCount: 6), String(decoding: said, as: UTF8.self) == "ready\n" else {
      throw Missing(description: "the Postgres server does not start")
    }
  }

  /// Stops the server, and starts it again after some seconds.
  func restart(after seconds: Int) throws {
    try leash.write(contentsOf: Data("\(seconds)\n".utf8))
    try awaitReadiness()
  }
}

func environment(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap(Int.init) }

/// A schema of the server for one test.
final class Database {
  let url: String
  let schema: String
  private let connection: PostgresConnection

  /// - Parameter user: who has the schema.
  init(user: String = "darkbird") throws {
    let server = try Server.shared.get()
    schema = "s" + UUID().uuidString.replacing("-", with: "").lowercased()
    // The name by which a test finds its own connections.
    url =
      "postgres://darkbird@/postgres?host=\(server.directory)&application_name=\(schema)"
      + "&options=-csearch_path%3D\(schema)"
    connection = try PostgresConnection(
      PostgresAddress("postgres://darkbird@/postgres?host=\(server.directory)&options=-csearch_path%3D\(schema)"))
    try connection.run("CREATE SCHEMA \(schema) AUTHORIZATION \(user)")
  }

  var address: PostgresAddress { get throws { try PostgresAddress(url) } }
  func table(_ name: String = "documents") throws -> PostgresTable { PostgresTable(try address, name: name) }

  /// The first row's cells, or all cells of the first column.
  @discardableResult
  func run(_ sql: String) throws -> [String] {
    let rows = try connection.run(sql)
    return (0..<rows.count).map { rows.text($0, 0) ?? "NULL" }
  }

  func number(_ sql: String) throws -> Int { try #require(Int(try run(sql).first ?? "")) }

  /// Of the table, 0 if there is none.
  func rows(of table: String = "documents") throws -> Int {
    try run("SELECT to_regclass('\(table)')") == ["NULL"] ? 0 : try number("SELECT count(*) FROM \(table)")
  }

  /// Ends all connections of the test's own.
  func endConnections() throws {
    try run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(schema)'")
  }
}
