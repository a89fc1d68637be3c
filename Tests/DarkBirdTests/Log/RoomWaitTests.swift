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
