import DarkBird
import Foundation
import Synchronization
import Testing

@testable import DarkBirdPostgres

/// Tables that follow a store.
@Suite(.timeLimit(.minutes(30))) struct MirrorTests {
  private let directory: TemporaryDirectory
  private let database: Database

  init() throws {
    directory = try TemporaryDirectory()
    database = try Database()
  }

  /// `store.mirror` on a thread of its own.
  private final class Mirror: Sendable {
    private let isStopped = Atomic<Bool>(false)
    private let last = Mutex(MirrorProgress())
    private let result = Mutex<Result<MirrorProgress, any Error>?>(nil)
    private let end: AsyncStream<Never>

    init(_ store: RecordStore, _ table: PostgresTable) {
      let (stream, continuation) = AsyncStream<Never>.makeStream()
      end = stream
      Thread { [self] in
        let outcome = Result {
          try store.mirror(to: table) { progress in
            last.withLock { $0 = progress }
            return !isStopped.load(ordering: .relaxed)
          }
        }
        result.withLock { $0 = outcome }
        continuation.finish()
      }.start()
    }

    var progress: MirrorProgress { last.withLock { $0 } }

    func reaches(_ lsn: UInt64) -> Bool { progress.lsn ?? 0 >= lsn || result.withLock { $0 != nil } }

    @discardableResult
    func stop() async throws -> MirrorProgress {
      isStopped.store(true, ordering: .relaxed)
      for await _ in end {}
      return try #require(result.withLock { $0 }).get()
    }
  }

  /// Every row that is written leaves a trace.
  private func watchRows() throws {
    try database.run(
      """
      CREATE TABLE trace (key text, lsn bigint);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
        $$ BEGIN INSERT INTO \(database.schema).trace VALUES (NEW.key, NEW.lsn); RETURN NULL; END $$;
      CREATE TRIGGER note AFTER INSERT OR UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION note()
      """)
  }

  private func expectNothingTwice() throws {
    #expect(try database.run("SELECT key FROM trace GROUP BY key, lsn HAVING count(*) > 1 LIMIT 5") == [])
  }

  private func change(_ store: RecordStore, _ random: inout SplitMix, _ count: Int) throws {
    for _ in 0..<count {
      let key = Value.int(Int64.random(in: 0..<200, using: &random))
      switch Int.random(in: 0..<100, using: &random) {
      case 0: try store.removeAll(ack: .memory)
      case 1..<20: try store.remove(key, ack: .memory)
      case 20..<30:
        let keys = (0..<20).map { _ in Value.int(Int64.random(in: 0..<200, using: &random)) }
        try store.batch(ack: .memory) { batch in
          for (index, key) in keys.enumerated() {
            if index % 3 == 0 { batch.remove(key) } else { batch.put(["n": .int(Int64(index))], for: key) }
          }
        }
      default: try store.put(["n": .int(Int64.random(in: 0..<9, using: &random))], for: key, ack: .memory)
      }
    }
  }

  @Test func followsThroughLostConnectionsAndNewStarts() async throws {
    let store = try RecordStore(.disk(at: directory("store")))
    try store.put(["n": 0], for: 0)
    try store.copy(to: try database.table())
    try watchRows()
    var random = SplitMix(state: 5)
    for round in 0..<4 {
      // What came while no mirror ran is in the log.
      try change(store, &random, 300)
      let mirror = Mirror(store, try database.table())
      try change(store, &random, 300)
      if round % 2 == 0 {
        try await eventually("a connection") { mirror.progress.lsn != nil }
        try database.endConnections()
      }
      try change(store, &random, 300)
      let lsn = store.statistics().memoryLSN
      try await eventually("LSN \(lsn)") { mirror.reaches(lsn) }
      let progress = try await mirror.stop()
      #expect(progress.copies == 0)
      #expect(try database.number("SELECT lsn FROM darkbird_copies") == Int(lsn))
      try expectEqual(store, try loaded(database), "round \(round)")
    }
    try expectNothingTwice()
  }

  @Test func comparesEverythingWhereTheLogDoesNotReach() async throws {
    var configuration = StoreConfiguration.disk(at: directory("store"))
    configuration.pageCapacity = .records(5)
    let store = try RecordStore(configuration)
    for number: Int64 in 0..<100 { try store.put(["n": 1], for: .int(number), ack: .memory) }
    let first = try store.mirror(to: try database.table(), endsWhenComplete: true) { _ in true }
    #expect(first.copies == 1 && first.changes == 100 && first.lsn == store.statistics().memoryLSN)
    try watchRows()
    for number: Int64 in 0..<10 { try store.put(["n": 2], for: .int(number), ack: .memory) }
    try store.remove(50)
    try store.checkpoint()
    try store.put(["n": 3], for: 60)
    let second = try store.mirror(to: try database.table(), endsWhenComplete: true) { _ in true }
    #expect(second.copies == 1 && second.changes == 12, "\(second)")
    try store.put(["n": 4], for: 61)
    let third = try store.mirror(to: try database.table(), endsWhenComplete: true) { _ in true }
    #expect(third.copies == 0 && third.changes == 1, "\(third)")
    try expectEqual(store, try loaded(database))
    try expectNothingTwice()
  }

  @Test func commandBringsTheTableUpToDate() async throws {
    var store = try RecordStore(.disk(at: directory("store")))
    try store.put(["n": 1], for: 1)
    try store.close()
    let first = try await darkbird("mirror", directory("store"), "--to", database.url)
    #expect(first.output == "mirrored 1 changes, up to LSN 1\n", "\(first)")
    store = try RecordStore.open(directory("store"), readOnly: false)
    try store.put(["n": 2], for: 2)
    try store.remove(1)
    try store.close()
    let second = try await darkbird("mirror", directory("store"), "--to", database.url)
    #expect(second.output == "mirrored 2 changes, up to LSN 3\n", "\(second)")
    try expectEqual(try RecordStore.open(directory("store")), try loaded(database))
  }

  @Test func commandThatIsToldToStopSaysWhatStays() async throws {
    let store = try RecordStore(.disk(at: directory("store")))
    try store.batch { batch in for number: Int64 in 0..<40_000 { batch.put(["n": 1], for: .int(number)) } }
    #expect(throws: StoreError.cancelled) { try store.copy(to: try database.table()) { _ in false } }
    try store.close()
    // The signal comes while the first of seven transactions waits.
    let key = "hashtextextended('\(database.schema)', 0)"
    try database.run(
      """
      CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
      AS $$BEGIN PERFORM pg_advisory_xact_lock(\(key)); RETURN NULL; END$$;
      CREATE TRIGGER wait BEFORE INSERT ON documents FOR EACH STATEMENT EXECUTE FUNCTION wait();
      SELECT pg_advisory_lock(\(key))
      """)
    let program = try Program(builtProgram("darkbird"), ["mirror", directory("store"), "--to", database.url])
    try await eventually("a transaction that waits") {
      let waiting = "FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted"
      return try database.number("SELECT count(*) \(waiting) AND application_name = '\(database.schema)'") == 1
    }
    program.send(SIGTERM)
    try database.run("SELECT pg_advisory_unlock(\(key))")
    let outcome = try await program.outcome()
    #expect(outcome.code == 143 && !outcome.wasKilled && outcome.output.isEmpty, "\(outcome)")
    #expect(
      outcome.errors.hasSuffix(
        "darkbird: given up; what went over stays, and the next copy or mirror goes on from there\n"), "\(outcome)")
    let rows = try database.rows()
    #expect(rows % 5_000 == 0 && rows > 5_000 && rows < 40_000, "\(rows)")
  }

  @Test func failuresThatDoNotGoAwayEndIt() throws {
    let store = try RecordStore(.disk(at: directory("store")))
    let server = try Server.shared.get()
    let wrong = try PostgresAddress("postgres://darkbird@/nowhere?host=\(server.directory)")
    #expect(throws: DatabaseError.self) { try store.mirror(to: PostgresTable(wrong)) { _ in true } }
    #expect(throws: StoreError.self) { try RecordStore().mirror(to: try database.table()) { _ in true } }
    try database.run("CREATE TABLE mine (key text)")
    #expect(throws: DatabaseError.self) { try store.mirror(to: try database.table("mine")) { _ in true } }
  }
}
