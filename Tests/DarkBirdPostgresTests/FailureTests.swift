import DarkBird
import Foundation
import Testing

@testable import DarkBirdPostgres

/// One clear line and a code for everything that goes wrong, nothing half done, and no password anywhere.
@Suite(.timeLimit(.minutes(30))) struct FailureTests {
  private let directory: TemporaryDirectory
  private let database: Database
  private let server: Server

  init() throws {
    directory = try TemporaryDirectory()
    database = try Database(user: "guarded")
    server = try Server.shared.get()
    let store = try RecordStore(.disk(at: directory("store")))
    try store.put(["a": 1], for: "a")
    try store.close()
  }

  private var guarded: String {
    "postgres://guarded@/postgres?host=\(server.directory)&options=-csearch_path%3D\(database.schema)"
  }

  /// Runs `copy` and `load`, which must both fail in the same way.
  private func expectFailure(
    _ url: String, code: Int32, _ reason: String, environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let before = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    for arguments in [
      ["copy", directory("store"), "--to", url], ["mirror", directory("store"), "--to", url],
      ["load", directory("new"), "--from", url],
    ] {
      let outcome = try await Program(builtProgram("darkbird"), arguments, environment: environment).outcome()
      #expect(outcome.code == code, "\(arguments) \(outcome)", sourceLocation: sourceLocation)
      #expect(outcome.output.isEmpty, "\(outcome)", sourceLocation: sourceLocation)
      let lines = outcome.errors.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.count == 2 && lines[0].contains(reason), "\(outcome)", sourceLocation: sourceLocation)
      #expect(!outcome.errors.contains("falsch"), "\(outcome)", sourceLocation: sourceLocation)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == before)
    #expect(try database.run("SELECT count(*) FROM pg_tables WHERE schemaname = '\(database.schema)'") == ["0"])
  }

  @Test func wrongAndMissingPasswords() async throws {
    try await expectFailure(
      guarded, code: 77, "password authentication failed for user \"guarded\"", environment: ["PGPASSWORD": "falsch"])
    try await expectFailure(guarded, code: 77, "a password is needed", environment: ["PGPASSFILE": "/nowhere"])
  }

  @Test func passwordsInTheAddressAreRefusedAndNeverRepeated() async throws {
    for url in [
      "postgres://guarded:falsch@/postgres?host=\(server.directory)", "postgres://guarded@/postgres?password=falsch",
      "postgresql://guarded:falsch@h/d", "postgres://guarded:1?falsch@h/d",
    ] {
      try await expectFailure(url, code: 64, "a password in the address could be read by everyone")
    }
    // What libpq itself cannot read, it quotes.
    for url in [
      "postgres://guarded:fa/falsch@h/d", "postgres://u@h/d?falsch", "mysql://u:falsch@h/d",
      "postgres://guarded:1/falsch@h/d",
    ] {
      try await expectFailure(url, code: 64, "the address: not an address")
    }
    // Whatever characters it has.
    for url in [
      "postgres://guarded:falsch@h/d?password=falsch", "postgres://guarded:x@falsch@h/d",
      "postgres://guarded:x falsch@h/d", "postgres://guarded:x/falsch@h/d", "postgres://guarded:x\nfalsch@h/d",
      "postgres://guarded@x:falsch@h/d", "postgres://:falsch@h/d", "postgres://guarded:x:falsch@h/d",
      "postgres://guarded@h/d?password=x falsch&sslmode=require", "postgres://guarded@h/d?password=x'falsch",
    ] {
      let misplaced = try await darkbird("copy", directory("store"), "--to", guarded, url)
      #expect(misplaced.code == 64 && !misplaced.errors.contains("falsch"), "\(misplaced)")
      #expect(misplaced.errors.contains("Unexpected argument 'postgres://"), "\(misplaced)")
      #expect(misplaced.errors.contains("h/d") && misplaced.errors.contains("…"), "\(misplaced)")
    }
  }

  @Test func passwordsFromTheEnvironmentAndFromAFile() async throws {
    let first = try await darkbird(
      "copy", directory("store"), "--to", guarded, environment: ["PGPASSWORD": "geheim"])
    #expect(first.output == "copied 1: 1 written, 0 removed\n", "\(first)")
    let file = try directory.file("pass", "localhost:5432:*:guarded:geheim\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    let again = try await darkbird("copy", directory("store"), "--to", guarded, environment: ["PGPASSFILE": file])
    // A socket's host in a password file is its directory, or localhost for the default one.
    try Data("*:*:*:guarded:geheim\n".utf8).write(to: URL(filePath: file))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    let third = try await darkbird("copy", directory("store"), "--to", guarded, environment: ["PGPASSFILE": file])
    #expect(again.code == 77 && third.output == "copied 1: 0 written, 0 removed\n", "\(again) \(third)")
  }

  /// Runs `copy` on a terminal, where it asks for the password, and then `after`.
  private func answer(
    _ typed: String, signal: Int32? = nil, then after: String = ""
  ) async throws -> (outcome: Outcome, screen: String) {
    let screen = try directory.file("screen", "")
    let keys = directory("keys")
    #expect(mkfifo(keys, 0o600) == 0)
    let process = directory("process")
    let copy = "\(try builtProgram("darkbird")) copy \(directory("store")) --to '\(guarded)'"
    let command = "(echo $BASHPID > \(process); exec \(copy))" + after
    let program = try Program(
      "/bin/bash", ["-c", "exec script -qefc \"$0\" /dev/null < \"$1\" > \"$2\"", command, keys, screen],
      environment: ["PGPASSFILE": "/nowhere", "SHELL": "/bin/bash"])
    let writer = try FileHandle(forWritingTo: URL(filePath: keys))
    try await eventually("a question") {
      try String(contentsOfFile: screen, encoding: .utf8).contains("password of postgres://guarded@")
    }
    try writer.write(contentsOf: Data(typed.utf8))
    if let signal {
      let number = try String(contentsOfFile: process, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
      #expect(kill(try #require(Int32(number)), signal) == 0)
    }
    let outcome = try await program.outcome()
    return (outcome, try String(contentsOfFile: screen, encoding: .utf8))
  }

  @Test func passwordsFromTheTerminal() async throws {
    let (outcome, shown) = try await answer("geheim\n")
    #expect(outcome.code == 0 && shown.contains("copied 1: 1 written") && !shown.contains("geheim"), "\(shown)")
  }

  @Test(arguments: ["\u{3}", "\u{1c}"]) func terminalShowsAgainWhatIsTypedAfterCtrl(_ key: String) async throws {
    // The shell gets no signal: the process gives it to itself.
    try await expectEcho("gehe\(key)", code: 130)
  }

  @Test(arguments: [SIGTERM, SIGHUP, SIGINT])
  func terminalShowsAgainWhatIsTypedAfterASignal(_ signal: Int32) async throws {
    try await expectEcho("gehe", signal: signal, code: 128 + signal)
  }

  private func expectEcho(_ typed: String, signal: Int32? = nil, code: Int32) async throws {
    let (_, shown) = try await answer(typed, signal: signal, then: "; echo code $?; stty -a")
    #expect(shown.contains("code \(code)"), "\(shown)")
    #expect(shown.contains("isig") && !shown.contains("-isig") && !shown.contains("-echo "), "\(shown)")
    #expect(!shown.contains("gehe"), "\(shown)")
    #expect(try database.run("SELECT to_regclass('documents')") == ["NULL"])
  }

  @Test func databasesAndServersThatAreNotThere() async throws {
    try await expectFailure(
      "postgres://darkbird@/nowhere?host=\(server.directory)", code: 66, "database \"nowhere\" does not exist")
    try await expectFailure("postgres:///postgres?host=\(directory.path)", code: 75, "No such file or directory")
    try await expectFailure("postgres://127.0.0.1:1/postgres", code: 75, "Connection refused")
    try await expectFailure(
      "postgres://nobody@/postgres?host=\(server.directory)", code: 77, "role \"nobody\" does not exist")
    try await expectFailure("postgres:///postgres?sslmode=bogus", code: 64, "invalid sslmode value")
  }

  /// A socket that takes connections, and says nothing, and its address.
  private func listen() throws -> (socket: Int32, url: String) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    try withUnsafeMutablePointer(to: &address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        try #require(bind(listener, pointer, length) == 0 && Foundation.listen(listener, 1) == 0)
        try #require(getsockname(listener, pointer, &length) == 0)
      }
    }
    return (listener, "postgres://darkbird@127.0.0.1:\(UInt16(bigEndian: address.sin_port))/postgres")
  }

  /// Not as one that works later: a mirror would try again for ever.
  @Test(arguments: [
    (answer: "S", options: "sslmode=verify-full&sslrootcert=/nowhere", reason: "root certificate file"),
    (answer: "N", options: "sslmode=require", reason: "server does not support SSL"),
  ])
  func serverThatCannotBeTrustedIsNotAskedAgain(answer: String, options: String, reason: String) async throws {
    let (listener, url) = try listen()
    defer { close(listener) }
    Thread {
      var question = [UInt8](repeating: 0, count: 8)
      // One of each command.
      for _ in 0..<3 {
        let connection = accept(listener, nil, nil)
        _ = recv(connection, &question, 8, 0)
        _ = send(connection, answer, 1, 0)
        // Until the client goes.
        _ = recv(connection, &question, 1, 0)
        close(connection)
      }
    }.start()
    try await expectFailure(url + "?" + options, code: 77, reason)
  }

  @Test func serverThatDoesNotAnswerIsWaitedForAsLongAsTheAddressOrTheEnvironmentSays() async throws {
    let (listener, url) = try listen()
    defer { close(listener) }
    let outcome = try await darkbird("copy", directory("store"), "--to", url + "?connect_timeout=1")
    #expect(outcome.code == 75 && outcome.errors.hasSuffix("no answer within 1 second\n"), "\(outcome)")
    let second = try await darkbird(
      "copy", directory("store"), "--to", url, environment: ["PGCONNECT_TIMEOUT": "1"])
    #expect(second.code == 75 && second.errors.hasSuffix("no answer within 1 second\n"), "\(second)")
    let wrong = try await darkbird("copy", directory("store"), "--to", url + "?connect_timeout=soon")
    #expect(wrong.code == 64 && wrong.errors.contains("connect_timeout is a number of seconds"), "\(wrong)")
  }

  @Test func tablesThatAreNotThereOrNotAllowed() async throws {
    let missing = try await darkbird("load", directory("new"), "--from", database.url, "--table", "nowhere")
    #expect(missing.code == 66 && missing.errors.contains("there is no table"), "\(missing)")
    let noSchema = try await darkbird("copy", directory("store"), "--to", database.url, "--table", "nowhere.t")
    #expect(noSchema.code == 66 && noSchema.errors.contains("nowhere"), "\(noSchema)")
    try database.run("CREATE TABLE secret (id int PRIMARY KEY, place point)")
    let unreadable = try await darkbird("load", directory("new"), "--from", database.url, "--table", "secret")
    #expect(unreadable.code == 65 && unreadable.errors.contains("column 'place' has the type point"), "\(unreadable)")
    try database.run("CREATE TABLE others (id int PRIMARY KEY)")
    let forbidden = try await darkbird(
      "load", directory("new"), "--from", guarded, "--table", "others", "--key", "id",
      environment: ["PGPASSWORD": "geheim"])
    #expect(forbidden.code == 77 && forbidden.errors.contains("permission denied"), "\(forbidden)")
    for arguments in [
      ["--query", "SELECT 1"], ["--table", "t", "--query", "x", "--key", "y"], ["--query", "SELEC", "--key", "y"],
    ] {
      let outcome = try await Program(
        builtProgram("darkbird"), ["load", directory("new"), "--from", database.url] + arguments
      ).outcome()
      #expect(outcome.code == 64 && outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
    }
    let kept = try await darkbird(
      "load", directory("store"), "--from", database.url, "--query", "SELECT 1 AS id", "--key", "id", "--tag", "x")
    #expect(kept.code == 64 && kept.errors.contains("--tag x is new"), "\(kept)")
    #expect(!FileManager.default.fileExists(atPath: directory("new")))
  }

  @Test func storesThatAreNotThereOrInUse() async throws {
    let missing = try await darkbird("copy", directory("nowhere"), "--to", database.url)
    #expect(
      missing.code == 66 && missing.errors.hasPrefix("darkbird: \(directory("nowhere")): not a DarkBird store"),
      "\(missing)")
    let store = try RecordStore.open(directory("store"), readOnly: false)
    let locked = try await darkbird("mirror", directory("store"), "--to", database.url)
    #expect(locked.code == 75 && locked.errors.contains("in use by"), "\(locked)")
    try store.close()
    #expect(try database.run("SELECT to_regclass('documents')") == ["NULL"])
  }
}
