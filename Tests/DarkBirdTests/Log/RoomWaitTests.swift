import Foundation
import Testing

@testable import DarkBird

/// Statistics tell writes that waited for room in the log, and for which.
@Suite(.timeLimit(.minutes(30)))
struct RoomWaitTests {
  private let disk = SimulatedFileSystem.forStores()
  private let gate = DispatchSemaphore(value: 0)

  /// Has the thread of the log stand still at such calls until the gate opens.
  private func hold(_ held: SimulatedCall, _ name: String) {
    disk.observe { [gate] _, call, path in
      guard call == held, path.hasSuffix(name) else { return }
      gate.wait()
      gate.signal()
    }
  }

  private func log(_ store: MemberStore) -> StoreStatistics.Log { store.statistics().log ?? StoreStatistics.Log() }

  @Test func aWriteThatWaitsForItsPageIsCounted() throws {
    hold(.open, LogFormat.pageName(2))
    let store = try MemberStore(.simulated(.records(1)), on: disk)
    // It may wait for the first page to grow, which is made with its header only.
    try store.put(Member(), for: 1)
    let before = log(store)
    let done = Counter()
    onThreads(1, waits: false) { _ in
      do { try store.put(Member(), for: 2) } catch { Issue.record("\(error)") }
      done.next()
    }
    #expect(eventually { log(store).pageWaits == before.pageWaits + 1 })
    gate.signal()
    #expect(eventually { done.value == 1 })
    #expect(log(store).pageWaits == before.pageWaits + 1 && log(store).queueWaits == 0, "once, however often it looks")
    try store.close()
  }

  /// Small records fill the open page and go on into the next one while that is made larger for a large record.
  @Test func aPageThatBeginsWhileItIsMadeLargerIsNotTheNextOne() throws {
    let store = try MemberStore(on: disk)
    try store.put(Member(), for: 0)
    let next = "/data/store/" + LogFormat.pageName(2)
    #expect(eventually { disk.files[next] != nil && disk.callCount(.synchronizeDirectory) > 0 })
    // It is made and synced before anybody is told of it: what is allocated from now on makes it larger.
    try store.sync()
    hold(.allocate, LogFormat.pageName(2))
    let done = Counter()
    onThreads(1, waits: false) { _ in
      do { try store.put(Member(name: String(repeating: "n", count: 20_000)), for: 1) } catch {
        Issue.record("\(error)")
      }
      done.next()
    }
    #expect(eventually { log(store).pageWaits > 0 })
    var key = 2
    while log(store).page < 2, key < 1_000 {
      try store.put(Member(name: "small"), for: key)
      key += 1
    }
    #expect(log(store).page == 2)
    gate.signal()
    #expect(eventually { done.value == 1 })
    // Through some more pages, each of which must have been made.
    for other in 0..<500 {
      try store.put(Member(name: "more"), for: 10_000 + other)
      key += 1
    }
    try store.close()
    let reopened = try MemberStore(on: disk)
    #expect(reopened.count == key && reopened[1]?.name.count == 20_000)
    try reopened.close()
  }

  /// It would wait for ever where others always come before the queue is empty.
  @Test func smallRecordsLetALargeOneGoFirst() throws {
    var configuration = StoreConfiguration.simulated(.bytes(1 << 20))
    configuration.queueBytesMax = 4_000
    let store = try MemberStore(configuration, on: disk)
    // Behind the second one, the zeros that follow the first are written.
    for _ in 0..<2 { try store.put(Member(), for: 0, ack: .synced) }
    hold(.write, LogFormat.pageName(1))
    // The log takes this one, and stands still with it; the next one waits in the queue.
    try store.put(Member(), for: 1)
    #expect(eventually { log(store).queueBytes == 0 })
    try store.put(Member(), for: 2)
    let done = Counter()
    func put(_ key: Int, _ name: String) {
      onThreads(1, waits: false) { _ in
        do { try store.put(Member(name: name), for: key) } catch { Issue.record("\(error)") }
        done.next()
      }
    }
    put(3, String(repeating: "n", count: 20_000))
    #expect(eventually { log(store).queueWaits == 1 })
    // There is room for it, and it waits all the same.
    put(4, "small")
    #expect(eventually(within: 10) { log(store).queueWaits == 2 })
    // One that comes later does not keep it waiting.
    put(5, String(repeating: "n", count: 20_000))
    #expect(eventually(within: 10) { log(store).queueWaits == 3 })
    gate.signal()
    #expect(eventually { done.value == 3 })
    #expect(store.count == 6)
    try store.close()
  }

  /// What a write calls of the program may write too, while the room of that write keeps the queue from being empty.
  @Test func aSmallRecordDoesNotWaitForeverForALargeOne() throws {
    var configuration = StoreConfiguration.simulated(.bytes(1 << 20))
    configuration.queueBytesMax = 4_000
    let disk = try Disk("/data/store", configuration, SchemaDescription(), disk) { _ in }
    let log = try #require(disk.log)
    let outer = try log.reserve(payloadBytes: 100)
    let done = Counter()
    onThreads(1, waits: false) { _ in
      do { log.release(try log.reserve(payloadBytes: 20_000)) } catch { Issue.record("\(error)") }
      done.next()
    }
    #expect(eventually { log.currentStatistics().queueWaits == 1 })
    log.release(try log.reserve(payloadBytes: 100))
    #expect(done.value == 0)
    log.release(outer)
    #expect(eventually { done.value == 1 })
    try disk.close()
  }

  @Test func aWriteThatWaitsForTheQueueIsCounted() throws {
    var configuration = StoreConfiguration.simulated()
    configuration.queueBytesMax = 1_000
    let store = try MemberStore(configuration, on: disk)
    try store.put(Member(), for: 0)
    #expect(log(store).queueWaits == 0)
    hold(.write, LogFormat.pageName(1))
    let done = Counter()
    onThreads(1, waits: false) { _ in
      for key in 1...100 {
        do { try store.put(Member(), for: key) } catch { Issue.record("\(error)") }
      }
      done.next()
    }
    #expect(eventually { log(store).queueWaits == 1 })
    gate.signal()
    #expect(eventually { done.value == 1 })
    try store.close()
  }
}
