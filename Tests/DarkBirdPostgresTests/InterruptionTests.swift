import DarkBird
import Foundation
import Testing

@testable import DarkBirdPostgres

/// Copies and loads that are killed or lose their connection, and are then repeated.
@Suite(.timeLimit(.minutes(60))) struct InterruptionTests {
  private let directory: TemporaryDirectory
  private let database: Database

  init() throws {
    directory = try TemporaryDirectory()
    database = try Database()
  }

  /// Enough for three transactions.
  private static let documents = 12_000

  private func makeStore(_ name: String) throws -> RecordStore {
    let store = try RecordStore(.disk(at: directory(name)))
    for number in 0..<Self.documents {
      try store.put(["n": .int(Int64(number))], for: .int(Int64(number)), ack: .memory)
    }
    return store
  }

  @Test func copyKilledAtRandomMomentsIsRepeated() async throws {
    try makeStore("store").close()
    var random = SplitMix(state: 3)
    var sizes: Set<Int> = []
    for round in 1...(environment("DARKBIRD_POSTGRES_KILLS") ?? 2) {
      try database.run("DROP TABLE IF EXISTS documents")
      let program = try Program(builtProgram("darkbird"), ["copy", directory("store"), "--to", database.url])
      let wanted = Int.random(in: 0..<3, using: &random) * 5_000 - Int.random(in: 0...1, using: &random)
      try await eventually("\(wanted) rows") { try database.rows() >= wanted }
      program.send(SIGKILL)
      let outcome = try await program.outcome()
      #expect(outcome.wasKilled || outcome.code == 0, "\(outcome)")
      let rows = try database.rows()
      sizes.insert(rows)
      #expect(rows % 5_000 == 0 || rows == Self.documents, "a part of a transaction: \(rows) rows")
      let again = try await darkbird("copy", directory("store"), "--to", database.url)
      #expect(again.code == 0, "round \(round): \(again)")
      #expect(
        again.output.hasPrefix("copied \(Self.documents): \(Self.documents - rows) written, 0 removed"), "\(again)")
    }
    #expect(!sizes.isEmpty)
    try expectEqual(try RecordStore.open(directory("store")), try loaded(database))
  }

  @Test func copyThatLosesItsConnectionIsRepeated() throws {
    let store = try makeStore("store")
    let error = #expect(throws: DatabaseError.self) {
      try store.copy(to: try database.table()) { progress in
        if progress.documents == 5_000 { _ = try? database.endConnections() }
        return true
      }
    }
    #expect(error?.kind == .unreachable && error?.reason.contains("\n") == false, "\(String(describing: error))")
    #expect(try database.rows() == 5_000)
    #expect(try store.copy(to: try database.table()).written == Self.documents - 5_000)
    try expectEqual(store, try loaded(database))
  }

  @Test func copyThatIsGivenUpIsRepeated() throws {
    let store = try makeStore("store")
    #expect(throws: StoreError.cancelled) { try store.copy(to: try database.table()) { $0.documents < 10_000 } }
    #expect(try database.rows() == 10_000)
    #expect(try store.copy(to: try database.table()).written == Self.documents - 10_000)
  }

  @Test func loadThatLosesItsConnectionLeavesNothing() async throws {
    try database.run("CREATE TABLE slow AS SELECT n AS id, repeat('x', 10000) AS text FROM generate_series(1, 3000) n")
    let query = "SELECT id, text, pg_sleep(0.01)::text FROM slow"
    let program = try Program(
      builtProgram("darkbird"), ["load", directory("new"), "--from", database.url, "--query", query, "--key", "id"])
    try await eventually("a store in the making") {
      FileManager.default.fileExists(atPath: directory("new") + ".loading/store/MANIFEST")
    }
    try database.endConnections()
    let outcome = try await program.outcome()
    #expect(outcome.code == 75 && outcome.output.isEmpty, "\(outcome)")
    // One line, after those of the progress on a machine that is slow.
    let lines = outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("loaded ") }
    #expect(lines.count == 1 && lines.last?.hasSuffix("; nothing was made") == true, "\(outcome)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
  }

  @Test func loadThatWasKilledIsRepeated() async throws {
    try database.run("CREATE TABLE slow AS SELECT n AS id, 'x' AS text FROM generate_series(1, 3000) n")
    let program = try Program(
      builtProgram("darkbird"),
      [
        "load", directory("new"), "--from", database.url, "--query",
        "SELECT id, repeat('x', 10000), pg_sleep(0.01)::text FROM slow",
        "--key", "id",
      ])
    try await eventually("a store in the making") {
      FileManager.default.fileExists(atPath: directory("new") + ".loading/store/MANIFEST")
    }
    program.send(SIGKILL)
    #expect(try await program.outcome().wasKilled)
    #expect(!FileManager.default.fileExists(atPath: directory("new")))
    let again = try await darkbird("load", directory("new"), "--from", database.url, "--table", "slow", "--key", "id")
    #expect(again.output == "loaded 3000, refused 0\n", "\(again)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["new"])
  }
}
