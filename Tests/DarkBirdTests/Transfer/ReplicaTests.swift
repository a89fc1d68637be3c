import Foundation
import Testing

@testable import DarkBird

/// Copying and mirroring, into a table that fails again and again.
@Suite(.timeLimit(.minutes(30))) struct ReplicaTests {
  private struct Lost: Error {}

  /// A table in memory, each batch of which may fail before or after it is done.
  private final class Table: Replica {
    struct Row: Equatable {
      var lsn: UInt64
      var document: Record
    }

    private(set) var rows: [String: Row] = [:]
    private var complete: UInt64?
    private var random: SeededGenerator
    /// Of a hundred batches.
    var failures = 0
    /// How often each version of a row came.
    private(set) var versions: [String: Int] = [:]

    /// Whether nobody can be reached.
    var isAway = false

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    func open(_ store: ReplicatedStore) throws -> UInt64? {
      if isAway { throw DatabaseError(.unreachable, "away") }
      return complete
    }

    func rows(after text: String?) -> [(key: String, lsn: UInt64)] {
      let order = rows.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      let rest = order.drop { key in text.map { !$0.utf8.lexicographicallyPrecedes(key.utf8) } ?? false }
      return rest.prefix(7).map { ($0, rows[$0]?.lsn ?? 0) }
    }

    func apply(_ batch: ReplicaBatch) throws {
      if isAway { throw DatabaseError(.unreachable, "away") }
      let fails = random.chance(failures)
      if fails && random.chance(50) { throw Lost() }
      if let lsn = batch.clearedAt { rows = rows.filter { $0.value.lsn >= lsn } }
      for (key, lsn) in batch.removed {
        if batch.isByLSN, let row = rows[key], row.lsn >= lsn { continue }
        rows[key] = nil
      }
      try batch.rows.visit { row in
        let key = KeyText.text(row.key)
        if let old = rows[key], batch.isByLSN ? old.lsn >= row.lsn : old.lsn == row.lsn { return }
        rows[key] = Row(lsn: row.lsn, document: row.document)
        versions["\(key) \(row.lsn)", default: 0] += 1
      }
      complete = batch.reaches
      if fails { throw Lost() }
    }

    func close() {}
  }

  private func change(_ store: MemberStore, _ random: inout SeededGenerator) throws {
    for _ in 0..<random.below(60) {
      let key = random.below(40)
      switch random.below(40) {
      case 0: try store.removeAll()
      case 1: try store.checkpoint()
      case 2..<10: try store.remove(key)
      case 10..<20:
        // Several changes under one LSN.
        try store.batch { batch in
          for number in 0..<7 {
            if number == 3 {
              batch.remove((key + number) % 40)
            } else {
              batch.put(Member(name: "batch", age: number), for: (key + number) % 40)
            }
          }
        }
      default: try store.put(Member(name: "n", age: random.below(100)), for: key)
      }
    }
  }

  private func expectEqual(_ table: Table, _ store: MemberStore, _ comment: Comment) throws {
    var expected: [String: Table.Row] = [:]
    for stored in try store.scan().documents {
      expected["\(stored.key)"] = Table.Row(lsn: stored.lsn, document: try MemberStore.record(stored.document))
    }
    #expect(table.rows == expected, comment)
  }

  @Test(arguments: UInt64(0)..<30) func tableFollowsThroughFailures(seed: UInt64) throws {
    let store = try MemberStore(on: .forStores())
    var random = SeededGenerator(seed: seed)
    let table = Table(seed: seed)
    for round in 0..<8 {
      try change(store, &random)
      table.failures = 40
      while true {
        do {
          // Both go on where either has stopped.
          if random.chance(20) {
            _ = try store.copy(to: table)
          } else {
            let end = try store.mirror(to: table, endsWhenComplete: true, batchMax: 10) { _ in true }
            #expect(end.lsn == store.memoryLSN)
          }
          break
        } catch is Lost {
          if random.chance(30) { try change(store, &random) }
        }
      }
      try expectEqual(table, store, "seed \(seed), round \(round)")
    }
    #expect(table.versions.values.allSatisfy { $0 == 1 }, "seed \(seed): a version came twice")
  }

  @Test func copySendsOnlyWhatDiffers() throws {
    let store = try MemberStore(on: .forStores())
    let table = Table(seed: 0)
    for key in 0..<100 { try store.put(Member(name: "n"), for: key) }
    #expect(try store.copy(to: table).written == 100)
    for key in 0..<5 { try store.put(Member(name: "other"), for: key) }
    for key in 90..<100 { try store.remove(key) }
    let report = try store.copy(to: table)
    #expect(report.written == 5 && report.removed == 10 && report.documents == 90 && report.lsn == store.memoryLSN)
    try expectEqual(table, store, "")
  }

  /// A migration that gives up leaves records in the log that change nothing.
  @Test func mirrorIsCompleteBehindWhatHasNoEvents() throws {
    let store = try MemberStore(on: .forStores())
    let table = Table(seed: 0)
    for key in 0..<10 { try store.put(Member(name: "n"), for: key) }
    _ = try store.mirror(to: table, endsWhenComplete: true) { _ in true }
    let log = try #require(store.disk?.log)
    let nothing = LogBatchEncoder().payload
    _ = try log.append(.batch, payload: nothing, keyLength: 0, try log.reserve(payloadBytes: nothing.count))
    let looks = Counter()
    let end = try store.mirror(to: table, endsWhenComplete: true) { _ in looks.next() < 100 }
    #expect(end.lsn == store.memoryLSN && looks.value < 100)
    try store.put(Member(name: "m"), for: 10)
    _ = try store.mirror(to: table, endsWhenComplete: true) { _ in true }
    try expectEqual(table, store, "")
    try store.close()
  }

  @Test func storeWithoutALogToFollowIsRefusedBeforeAnythingIsCopied() throws {
    let table = Table(seed: 0)
    let memory = try MemberStore(.memory)
    try memory.put(Member(name: "n"), for: 0)
    let refusal = StoreError.invalidConfiguration(reason: "a store in memory has no log to read events from")
    #expect(throws: refusal) { try memory.mirror(to: table) { _ in true } }
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(on: disk)
    try store.put(Member(name: "n"), for: 0)
    try store.close()
    var configuration = StoreConfiguration.simulated()
    configuration.isReadOnly = true
    let reader = try MemberStore(configuration, on: disk)
    #expect(throws: StoreError.readOnly) { try reader.mirror(to: table) { _ in true } }
    #expect(table.versions.isEmpty)
  }

  /// Whoever closes the store waits for the mirror's thread.
  @Test func mirrorEndsWithItsStoreWhileTheTableIsAway() throws {
    let store = try MemberStore(on: .forStores())
    for key in 0..<10 { try store.put(Member(name: "n"), for: key) }
    let table = Table(seed: 0)
    var isClosed = false
    let end = try store.mirror(to: table) { progress in
      if case .waiting = progress.state {
        #expect(!isClosed, "it still waits")
        try? store.close()
        isClosed = true
      }
      // From the first batch on nobody is there.
      table.isAway = true
      _ = try? store.put(Member(name: "m"), for: 1)
      return true
    }
    guard isClosed, case .waiting = end.state else {
      Issue.record("\(end)")
      return
    }
  }

  @Test func keysAsTextAreOneToOne() throws {
    let keys: [Value] = [
      "42", 42, 42.0, "42.0", true, "true", nil, "null", "", " ", "\"", "{", "[", "-", "1e3", 1e3, "a\0", "\0",
      .bytes([]),
      [], ["a"], [["a"]], ["a": 1], ["a\0": 1], .unsigned(.max), .date(Date(timeIntervalSince1970: 0.5)), -0.0,
    ]
    let texts = keys.map(KeyText.text)
    #expect(Set(texts).count == keys.count, "\(texts)")
    for (key, text) in zip(keys, texts) { #expect(try KeyText.key(text) == key, "\(text)") }
    #expect(KeyText.text("e\u{301}").utf8.elementsEqual(KeyText.text("\u{e9}").utf8))
    #expect(KeyText.text(["e\u{301}"]).utf8.elementsEqual(KeyText.text(["\u{e9}"]).utf8))
    #expect(KeyText.text(-0.0) == KeyText.text(0.0))
    // Equal keys, which are not the same in memory.
    let date = Date(timeIntervalSinceReferenceDate: 0.1)
    #expect(KeyText.text(.date(date)) == KeyText.text(.date(Date(timeIntervalSince1970: date.timeIntervalSince1970))))
    #expect(KeyText.text(.double(-.nan)) == KeyText.text(.double(.nan)))
    var deep: Value = 1
    for _ in 0..<40 { deep = ["m": deep] }
    #expect(try KeyText.key(KeyText.text(deep)) == deep)
  }
}
