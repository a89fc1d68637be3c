import Foundation
import Synchronization
import Testing

@testable import DarkBird
@testable import DarkBirdCassandra

/// Tables that follow a store.
@Suite(.timeLimit(.minutes(30))) struct MirrorTests {
  private let directory: TemporaryDirectory
  private let keyspace: Keyspace

  init() throws {
    directory = try TemporaryDirectory()
    keyspace = try Keyspace(.unruly(seed: 4))
  }

  /// `store.mirror` on a thread of its own.
  private final class Mirror: Sendable {
    private let isStopped = Atomic<Bool>(false)
    private let last = Mutex(MirrorProgress())
    private let result = Mutex<Result<MirrorProgress, any Error>?>(nil)
    private let end: AsyncStream<Never>

    init(_ store: RecordStore, _ table: CassandraTable) {
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

    func stop() async throws -> MirrorProgress {
      isStopped.store(true, ordering: .relaxed)
      for await _ in end {}
      return try #require(result.withLock { $0 }).get()
    }
  }

  private func change(_ store: RecordStore, _ random: inout SplitMix, _ count: Int) throws {
    for _ in 0..<count {
      let key = Value.int(Int64.random(in: 0..<100, using: &random))
      switch Int.random(in: 0..<100, using: &random) {
      case 0: try store.removeAll(ack: .memory)
      case 1..<20: try store.remove(key, ack: .memory)
      case 20..<30:
        let keys = (0..<20).map { _ in Value.int(Int64.random(in: 0..<100, using: &random)) }
        try store.batch(ack: .memory) { batch in
          // Also one key twice, written and removed by the same change.
          for (index, key) in keys.enumerated() {
            if index % 3 == 0 { batch.remove(key) } else { batch.put(["n": .int(Int64(index))], for: key) }
          }
        }
      default: try store.put(["n": .int(Int64.random(in: 0..<9, using: &random))], for: key, ack: .memory)
      }
    }
  }

  @discardableResult
  private func mirror(_ store: RecordStore) throws -> MirrorProgress {
    try store.mirror(to: keyspace.table(), endsWhenComplete: true) { _ in true }
  }

  @Test func followsThroughLostConnectionsAndNewStarts() async throws {
    let store = try RecordStore(.disk(at: directory("store")))
    try store.put(["n": 0], for: 0)
    try store.copy(to: try keyspace.table())
    var random = SplitMix(state: 5)
    for round in 0..<4 {
      // What came while no mirror ran is in the log.
      try change(store, &random, 100)
      let mirror = Mirror(store, try keyspace.table())
      try change(store, &random, 100)
      if round % 2 == 0 {
        try await eventually("a connection") { mirror.progress.lsn != nil }
        keyspace.server.dropConnections()
      }
      try change(store, &random, 100)
      let lsn = store.statistics().memoryLSN
      try await eventually("LSN \(lsn)") { mirror.reaches(lsn) }
      let progress = try await mirror.stop()
      #expect(progress.copies == 0)
      try expectEqual(store, try keyspace.loaded(), "round \(round)")
    }
  }

  /// Whatever of a batch went over before the end of a mirror: the next one makes the table equal, in the order of changes.
  @Test func batchesThatWereCutAnywhereAreMadeWhole() throws {
    let store = try RecordStore(.disk(at: directory("store")))
    try store.copy(to: try keyspace.table())
    var random = SplitMix(state: 6)
    var failures = 0
    for round in 0..<12 {
      try change(store, &random, 80)
      let left = Mutex(Int.random(in: 0..<80, using: &random))
      keyspace.database.refuse { request in
        guard case .execute = request else { return nil }
        return left.withLock { left in
          left -= 1
          return left < 0 ? CQLFailure(.server, "no") : nil
        }
      }
      do { try mirror(store) } catch is DatabaseError { failures += 1 }
      keyspace.database.refuse(nil)
      // The lease of one that was killed lapses.
      keyspace.database.advanceClock(20)
      if round % 3 == 2 { continue }
      #expect(try mirror(store).copies == 0)
      try expectEqual(store, try keyspace.loaded(), "round \(round)")
    }
    #expect(failures > 6)
  }

  @Test func batchOfWhichOneRowFailedIsNotNoted() throws {
    let store = try RecordStore(.disk(at: directory("store")))
    try store.copy(to: try keyspace.table())
    for number: Int64 in 0..<20 { try store.put(["n": .int(number)], for: .int(number), ack: .memory) }
    let seen = Mutex(0)
    keyspace.database.refuse { request in
      guard case .execute(_, let parameters) = request, parameters.values.count == 5 else { return nil }
      return seen.withLock { seen in
        seen += 1
        return seen == 10 ? CQLFailure(.server, "no") : nil
      }
    }
    #expect(throws: DatabaseError.self) { try mirror(store) }
    keyspace.database.refuse(nil)
    #expect(keyspace.database.rows("darkbird_copies")[[.text("documents")]]?["lsn"] == .integer(0))
    #expect(try mirror(store).changes == 20)
    try expectEqual(store, try keyspace.loaded())
  }

  /// A lease of which the last row has taken all the time.
  @Test func rowsThatTakeLongerThanTheLeaseAreNoted() throws {
    let store = try RecordStore(.disk(at: directory("store")))
    for number: Int64 in 0..<20 { try store.put(["n": .int(number)], for: .int(number), ack: .memory) }
    let database = keyspace.database
    let seen = Mutex(0)
    let server = try CQLServer { request, connection, stream in
      try database.answer(request, connection, stream)
      guard case .execute(_, let parameters) = request, parameters.values.count == 5 else { return }
      if seen.withLock({ seen in
        seen += 1
        return seen == 20
      }) {
        database.advanceClock(16)
      }
    }
    let replica = CassandraReplica(CassandraTable(try CassandraAddress(server)), renewAge: .zero)
    #expect(try store.copy(to: replica) { _ in true }.written == 20)
    #expect(seen.withLock { $0 } == 20)
    #expect(try mirror(store).copies == 0)
    try expectEqual(store, try keyspace.loaded())
  }

  /// A row that a server was too busy for, until the lease had lapsed and someone else had come.
  @Test func rowsAreNotSentAgainWithoutTheLease() throws {
    let store = try RecordStore(.disk(at: directory("store")))
    try store.put(["n": 1], for: "n")
    let database = keyspace.database
    let sent = Mutex(0)
    let server = try CQLServer { request, connection, stream in
      guard case .execute(_, let parameters) = request, parameters.values.count == 5 else {
        return try database.answer(request, connection, stream)
      }
      sent.withLock { $0 += 1 }
      try database.state.withLock { state in
        try state.tables[TableName(keyspace: "club", name: "darkbird_copies")]?.write(
          ["table_name": .text("documents"), "holder": .uuid(UUID())], at: 1 << 40, expires: nil, isInsert: false)
      }
      connection.send(.error, stream, try Body.failure(CQLFailure(.overloaded, "busy")))
    }
    let replica = CassandraReplica(CassandraTable(try CassandraAddress(server)), renewAge: .zero)
    let error = #expect(throws: DatabaseError.self) { try store.copy(to: replica) { _ in true } }
    #expect(error?.kind == .busy && sent.withLock { $0 } == 1)
  }

  /// The table of a copy that was killed: of a row that it had sent nobody knows when a server writes it.
  @Test func rowsThatArriveAfterTheRemovalOfAllStayRemoved() throws {
    let store = try RecordStore(.disk(at: directory("store")))
    try store.copy(to: try keyspace.table())
    try store.put(["n": 1], for: "late")
    try store.put(["n": 2], for: "again")
    try store.removeAll()
    try store.put(["n": 3], for: "again")
    #expect(try mirror(store).copies == 0)
    guard case .integer(let base)? = keyspace.database.rows("darkbird_copies")[[.text("documents")]]?["base"] else {
      Issue.record("no base")
      return
    }
    for (key, lsn) in [("late", 1), ("again", 2)] as [(String, Int64)] {
      try keyspace.database.run(
        "INSERT INTO documents (key, document, lsn) VALUES ('\(key)', '{}', \(lsn)) USING TIMESTAMP \(base + lsn)")
    }
    try expectEqual(store, try keyspace.loaded())
  }

  @Test func comparesEverythingWhereTheLogDoesNotReach() throws {
    var configuration = StoreConfiguration.disk(at: directory("store"))
    configuration.pageCapacity = .records(5)
    let store = try RecordStore(configuration)
    for number: Int64 in 0..<100 { try store.put(["n": 1], for: .int(number), ack: .memory) }
    let first = try mirror(store)
    #expect(first.copies == 1 && first.changes == 100 && first.lsn == store.statistics().memoryLSN)
    for number: Int64 in 0..<10 { try store.put(["n": 2], for: .int(number), ack: .memory) }
    try store.remove(50)
    try store.checkpoint()
    try store.put(["n": 3], for: 60)
    let second = try mirror(store)
    #expect(second.copies == 1 && second.changes == 12, "\(second)")
    try store.put(["n": 4], for: 61)
    let writes = keyspace.writes
    let third = try mirror(store)
    #expect(third.copies == 0 && third.changes == 1 && keyspace.writes == writes + 1, "\(third)")
    try expectEqual(store, try keyspace.loaded())
  }

  /// A server that was restarted with nothing of what it had prepared, while a mirror waited for changes.
  @Test func leasesThatLapseAreTakenAgainUnlessSomeoneElseCame() throws {
    let store = try RecordStore(.disk(at: directory("store")))
    let replica = CassandraReplica(try keyspace.table(), leaseSeconds: 1, renewAge: .zero)
    defer { replica.close() }
    #expect(try replica.open(store.replicated(store.replicaIdentifier)) == nil)
    var batch = ReplicaBatch()
    batch.reaches = 1
    try replica.apply(batch)
    // Nobody came.
    keyspace.database.advanceClock(1)
    batch.reaches = 2
    try replica.apply(batch)
    // Someone came and wrote.
    keyspace.database.advanceClock(1)
    let other = CassandraReplica(try keyspace.table(), leaseSeconds: 1, renewAge: .zero)
    #expect(try other.open(store.replicated(store.replicaIdentifier)) == nil)
    batch.reaches = 3
    try other.apply(batch)
    other.close()
    batch.reaches = 4
    let error = #expect(throws: DatabaseError.self) { try replica.apply(batch) }
    #expect(error?.kind == .busy)
  }

  @Test func failuresThatDoNotGoAwayEndIt() throws {
    let store = try RecordStore(.disk(at: directory("store")))
    let port = keyspace.server.port
    let wrong = try CassandraAddress("cassandra://127.0.0.1:\(port)/nowhere")
    #expect(throws: DatabaseError.self) { try store.mirror(to: CassandraTable(wrong)) { _ in true } }
    let memory = try RecordStore()
    #expect(throws: StoreError.self) { try memory.mirror(to: try keyspace.table()) { _ in true } }
    try keyspace.database.run("CREATE TABLE IF NOT EXISTS mine (key text PRIMARY KEY)")
    #expect(throws: DatabaseError.self) { try store.mirror(to: try keyspace.table("mine")) { _ in true } }
  }
}
