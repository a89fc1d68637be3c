import DarkBird
import Foundation
import Synchronization
import Testing

@testable import DarkBirdCassandra

/// `darkbird copy`, `load` and `mirror`: what they do, one clear line and a code for everything that goes wrong, and no password
/// anywhere.
@Suite(.timeLimit(.minutes(30))) struct CommandTests {
  private let directory: TemporaryDirectory
  private let keyspace: Keyspace

  init() throws {
    directory = try TemporaryDirectory()
    keyspace = try Keyspace(users: ["ada": "geheim"])
    let store = try RecordStore(.disk(at: directory("store")), schema: IndexSchema(FieldSchema(tags: ["club"])))
    for number: Int64 in 0..<30 { try store.put(["n": .int(number), "club": "Ajax"], for: .int(number), ack: .memory) }
    try store.close()
  }

  private func url(_ keyspace: String = "club", user: String = "ada@") -> String {
    "cassandra://\(user)127.0.0.1:\(self.keyspace.server.port)/\(keyspace)"
  }

  private static let password = ["CASSANDRA_PASSWORD": "geheim"]

  private func run(_ arguments: String..., environment: [String: String] = Self.password) async throws -> Outcome {
    try await Program(builtProgram("darkbird"), arguments, environment: environment).outcome()
  }

  @Test func storesGoOverComeBackAndAreFollowed() async throws {
    let copied = try await run("copy", directory("store"), "--to", url())
    #expect(copied.output == "copied 30: 30 written, 0 removed\n", "\(copied)")
    let again = try await run("copy", directory("store"), "--to", url())
    #expect(again.output == "copied 30: 0 written, 0 removed\n", "\(again)")
    let loaded = try await run("load", directory("again"), "--from", url())
    #expect(loaded.output == "loaded 30, refused 0\n", "\(loaded)")
    let store = try RecordStore.open(directory("store"), readOnly: false)
    let back = try RecordStore.open(directory("again"))
    try expectEqual(store, back)
    #expect(back.schema == store.schema)
    try store.put(["n": "new"], for: "new")
    try store.remove(3)
    let lsn = store.statistics().memoryLSN
    try store.close()
    let mirrored = try await run("mirror", directory("store"), "--to", url())
    #expect(mirrored.output == "mirrored 2 changes, up to LSN \(lsn)\n", "\(mirrored)")
    #expect(keyspace.database.rows("documents").count == 30)
    let part = try await run(
      "load", directory("part"), "--from", url(), "--table", "documents", "--key", "key", "--where", "lsn > 20")
    #expect(part.output == "loaded 11, refused 0\n", "\(part)")
  }

  @Test func commandsOfTheREADMEWorkAsTheyAreWritten() async throws {
    let readme = try String(contentsOfFile: packageRoot + "/README.md", encoding: .utf8)
    let section = try #require(readme.split(separator: "\n### Cassandra and Scylla\n").last)
    let lines = section.split(separator: "```")[1].split(separator: "\n")
    let commands = lines.filter { !$0.contains("example.org") }  // that would need two hosts and their certificates
    #expect(commands.count >= 4)
    try keyspace.database.run("CREATE TABLE IF NOT EXISTS players (name text PRIMARY KEY, born int)")
    for born: Int64 in [1999, 2001] {
      try keyspace.database.insert("players", ["name": .text("from \(born)"), "born": .integer(born)])
    }
    try FileManager.default.moveItem(atPath: directory("store"), toPath: directory("people"))
    let programs = URL(filePath: try builtProgram("darkbird")).deletingLastPathComponent().path
    let server = "127.0.0.1:\(keyspace.server.port)"
    for command in commands {
      let outcome = try await shell(
        "cd '\(directory.path)' && PATH='\(programs)':$PATH && \(command.replacing("localhost", with: server))",
        environment: Self.password)
      #expect(outcome.code == 0, "\(command): \(outcome)")
    }
    let young = try RecordStore.open(directory("young"))
    #expect(young.count == 1 && young["from 2001"]?["born"] == 2001)
  }

  @Test func copyThatWasKilledIsRepeated() async throws {
    let held = Mutex(0)
    let database = keyspace.database
    // Twelve rows are taken, the others wait for ever.
    let server = try CQLServer { request, connection, stream in
      if case .execute(_, let parameters) = request, parameters.values.count == 5 {
        let number = held.withLock { held in
          held += 1
          return held
        }
        if number > 12 { return }
      }
      try database.answer(request, connection, stream)
    }
    let slow = "cassandra://ada@127.0.0.1:\(server.port)/club"
    let program = try Program(
      builtProgram("darkbird"), ["copy", directory("store"), "--to", slow], environment: Self.password)
    try await eventually("thirteen rows") { held.withLock { $0 } > 12 }
    program.send(SIGKILL)
    #expect(try await program.outcome().wasKilled)
    let rows = database.rows("documents").count
    #expect(rows == 12)
    // The lease of the one that was killed lapses.
    database.advanceClock(15)
    let again = try await run("copy", directory("store"), "--to", url())
    #expect(again.output == "copied 30: \(30 - rows) written, 0 removed\n", "\(again)")
  }

  // MARK: What goes wrong

  /// Runs `copy`, `mirror` and `load`, which must all fail in the same way.
  private func expectFailure(
    _ url: String, code: Int32, _ reason: String, environment: [String: String] = Self.password,
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
    #expect(keyspace.database.rows("documents").isEmpty, sourceLocation: sourceLocation)
  }

  @Test func wrongAndMissingPasswords() async throws {
    try await expectFailure(url(), code: 77, "wrong user or password", environment: ["CASSANDRA_PASSWORD": "falsch"])
    try await expectFailure(url(), code: 77, "a password is needed", environment: [:])
    try await expectFailure(url(user: ""), code: 77, "the server wants a user")
  }

  @Test func passwordsInTheAddressAreRefusedAndNeverRepeated() async throws {
    for url in [
      "cassandra://ada:falsch@h/d", "cassandra://ada@h/d?password=falsch", "cassandras://ada:1?falsch@h/d",
    ] {
      try await expectFailure(
        url, code: 64, url.contains("1?") ? "the address: " : "a password in the address could be read")
    }
    for url in [
      "cassandra://ada:fa/falsch@h/d", "cassandra://ada@h/d?falsch", "cassandra://a@b@falsch/d",
      "cassandra://h:falsch/d",
      "cassandra://h/d/falsch", "cassandra://h/d?tls=falsch", "cassandra://h", "cassandra://h/d?falsch=1",
    ] {
      try await expectFailure(url, code: 64, "the address: ")
    }
  }

  @Test func keyspacesAndServersThatAreNotThere() async throws {
    try await expectFailure(url("nowhere"), code: 66, "there is no keyspace nowhere")
    try await expectFailure("cassandra://127.0.0.1:1/club", code: 75, "Connection refused")
  }

  @Test func tablesThatAreNotThereOrCannotBeTaken() async throws {
    let missing = try await run("load", directory("new"), "--from", url(), "--table", "nowhere")
    #expect(missing.code == 66 && missing.errors.contains("there is no table"), "\(missing)")
    let named = try await run("copy", directory("store"), "--to", url(), "--table", "no name")
    #expect(named.code == 66 && named.errors.contains("is no name of a table"), "\(named)")
    try keyspace.database.run("CREATE TABLE IF NOT EXISTS other (id int PRIMARY KEY, place vector)")
    let unknown = try await run("load", directory("new"), "--from", url(), "--table", "other")
    #expect(unknown.code == 65 && unknown.errors.contains("column 'place' has the type"), "\(unknown)")
    let mine = try await run("copy", directory("store"), "--to", url(), "--table", "other")
    #expect(mine.code == 73 && mine.errors.contains("is not a copy of a store"), "\(mine)")
    let query = try await run("load", directory("new"), "--from", url(), "--query", "SELEC", "--key", "id")
    #expect(query.code == 64 && query.errors.split(separator: "\n").count == 1, "\(query)")
    #expect(!FileManager.default.fileExists(atPath: directory("new")))
  }

  @Test func serverThatGoesAwayLeavesNothingHalfDone() async throws {
    _ = try await run("copy", directory("store"), "--to", url())
    keyspace.database.state.withLock { $0.pageMax = 10 }
    let pages = Mutex(0)
    let database = keyspace.database
    let server = try CQLServer { request, connection, stream in
      if case .execute(_, let parameters) = request, parameters.pagingState != nil { pages.withLock { $0 += 1 } }
      // Then it neither answers nor takes new connections.
      if pages.withLock({ $0 }) > 0 { return connection.sendAndClose([]) }
      try database.answer(request, connection, stream)
    }
    let outcome = try await run("load", directory("new"), "--from", "cassandra://ada@127.0.0.1:\(server.port)/club")
    #expect(outcome.code == 75 && outcome.output.isEmpty, "\(outcome)")
    // One line, after those of the progress on a machine that is slow.
    let lines = outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("loaded ") }
    #expect(lines.count == 1 && lines.last?.hasSuffix("; nothing was made") == true, "\(outcome)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["store"])
  }
}
