import Foundation
import Testing

@testable import DarkBird

/// How far a write has come when its call returns, which the store says or the call (P5).
@Suite(.timeLimit(.minutes(30))) struct AcknowledgementTests {
  private let disk = SimulatedFileSystem.forStores()

  /// Every kind of write, to be done one after the other.
  private static let writes: [(name: String, body: @Sendable (MemberStore, Acknowledgement?) throws -> Void)] = [
    ("put", { try $0.put(Member(name: "a", age: 1), for: 1, ack: $1) }),
    ("insert", { try $0.insert(Member(name: "b", age: 2), for: 2, ack: $1) }),
    ("update", { try $0.update(1, ack: $1) { $0.age = 3 } }),
    ("update of nothing", { try $0.update(3, default: Member(), ack: $1) { $0.age = 4 } }),
    ("remove", { try $0.remove(2, ack: $1) }),
    ("remove on a condition", { try $0.remove(3, ack: $1) { $0.age == 4 } }),
    ("batch", { try $0.batch(ack: $1) { batch in for key in 5..<9 { batch.put(Member(age: key), for: key) } } }),
    ("removeAll", { try $0.removeAll(ack: $1) }),
  ]

  private func expectThere(_ store: MemberStore, _ level: Acknowledgement, _ what: String) throws {
    let images = level == .synced ? (0..<5).map { disk.crashImage(seed: $0) } : [disk.killImage()]
    for image in images {
      let survivor = try MemberStore(on: image)
      #expect(try survivor.contents() == store.contents(), "\(what), \(level)")
      #expect(survivor.memoryLSN == store.memoryLSN, "\(what), \(level)")
      try survivor.close()
    }
  }

  @Test(arguments: [Acknowledgement.written, .synced])
  func levelOfTheStoreIsThatOfItsWrites(_ level: Acknowledgement) throws {
    var configuration = StoreConfiguration.simulated()
    configuration.acknowledgement = level
    let store = try MemberStore(configuration, on: disk)
    for (name, write) in Self.writes {
      try write(store, nil)
      try expectThere(store, level, name)
    }
    #expect(store.memoryLSN == UInt64(Self.writes.count))
    try store.close()
  }

  @Test(arguments: [Acknowledgement.written, .synced])
  func levelOfACallIsThatOfItsWrite(_ level: Acknowledgement) throws {
    let store = try MemberStore(on: disk)
    for (name, write) in Self.writes {
      try write(store, level)
      try expectThere(store, level, name)
    }
    #expect(store.memoryLSN == UInt64(Self.writes.count))
    try store.close()
  }

  @Test func callThatAsksForLessThanItsStoreWaitsForNoSync() throws {
    var configuration = StoreConfiguration.simulated()
    configuration.acknowledgement = .synced
    let store = try MemberStore(configuration, on: disk)
    try store.put(Member(), for: 0)
    for (_, write) in Self.writes { try write(store, .memory) }
    // Nobody has asked for a sync since, and none is due within the hour.
    #expect(store.statistics().durableLSN == 1)
    try store.close()
  }

  /// A sync begins when half of those wait who are known to. Who joins the one that runs, which it is in time for, is not one of them.
  @Test func whoWaitsForTheRunningSyncIsNotCountedForTheNext() throws {
    let store = try MemberStore(on: disk)
    try store.put(Member(), for: 0, ack: .synced)
    try store.put(Member(), for: 0, ack: .synced)
    let log = try #require(store.disk?.log)
    let (begun, mayEnd) = (Counter(), Counter())
    disk.observe { _, call, path in
      guard call == .synchronize, path.contains("wal-") else { return }
      let number = begun.next()
      #expect(eventually { mayEnd.value >= number })
    }
    let returned = Counter()
    func waits(for lsn: UInt64, _ body: @escaping @Sendable () throws -> Void) {
      onThreads(1, waits: false) { _ in
        do { try body() } catch { Issue.record("\(error)") }
        returned.next()
      }
      #expect(eventually { log.lock.withLock { log.syncRequested } == lsn })
    }
    // One sync runs, and four wait for the next.
    let first = store.memoryLSN
    waits(for: first + 1) { try store.put(Member(), for: 1, ack: .synced) }
    #expect(eventually { begun.value == 1 })
    for number in 2...5 {
      waits(for: first + UInt64(number)) { try store.put(Member(), for: number, ack: .synced) }
    }
    try store.put(Member(), for: 6)
    mayEnd.next()
    #expect(eventually { begun.value == 2 })
    // That has all, and one more comes for it.
    waits(for: first + 6) { try store.sync() }
    mayEnd.raise(to: 1_000)
    #expect(eventually { returned.value == 6 })
    // Now one waits, alone.
    try store.put(Member(), for: 7)
    #expect(eventually { log.writtenLSN == first + 7 })
    waits(for: first + 7) { try store.sync() }
    #expect(eventually(within: 10) { returned.value == 7 }, "the writer sleeps until the interval is over")
    disk.observe(nil)
    try store.close()
  }

  /// The sync that ends a page serves those who wait for the next one, and there is none for whom it would begin. (On a busy machine
  /// the log may give up waiting for others first, and a round shows nothing: this fault is planted for the test before.)
  @Test func whoIsServedByTheEndOfAPageIsNotCountedForTheNext() throws {
    let store = try MemberStore(.simulated(.records(2)), on: disk)
    let log = try #require(store.disk?.log)
    for round in 0..<20 {
      // Four who are served at once, as the first of a page.
      try store.put(Member(), for: 0)
      let served = Counter()
      for _ in 0..<4 { log.whenAllSynced { _ in served.next() } }
      try #require(eventually { served.value == 4 }, "round \(round)")
      // One waits, and before the log has given up waiting for others, the next record ends the page.
      try store.put(Member(), for: 1)
      log.whenAllSynced { _ in served.next() }
      try store.put(Member(), for: 2, ack: .written)
      try #require(eventually { served.value == 5 }, "round \(round)")
      onThreads(1, waits: false) { _ in
        do { try store.sync() } catch { Issue.record("\(error)") }
        served.next()
      }
      try #require(
        eventually(within: 10) { served.value == 6 }, "round \(round): the writer sleeps until the interval is over")
      // The second of its page.
      try store.put(Member(), for: 3, ack: .synced)
    }
    try store.close()
  }

  @Test func storeSyncsByItself() throws {
    var configuration = StoreConfiguration.simulated()
    configuration.syncIntervalMilliseconds = 1
    let store = try MemberStore(configuration, on: disk)
    for (name, write) in Self.writes {
      try write(store, .memory)
      try #require(eventually(within: 10) { store.statistics().durableLSN == store.memoryLSN }, "\(name)")
      try expectThere(store, .synced, name)
    }
    try store.close()
  }
}
