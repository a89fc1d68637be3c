import Dispatch
import Foundation
import Testing

@testable import DarkBird

/// The system gives no more threads (`EAGAIN`): nobody waits for one that never runs.
struct ThreadFaultTests {
  private let disk = SimulatedFileSystem.forStores()

  @Test func storeWithoutItsLogsThreadIsRefused() throws {
    disk.plan(.once(.startThread, error: EAGAIN, path: "log"))
    #expect(throws: StoreError.io(path: "darkbird log", operation: "startThread", code: EAGAIN)) {
      _ = try MemberStore(on: disk)
    }
    let store = try MemberStore(on: disk)
    try store.put(Member(), for: 1, ack: .synced)
    try store.close()
  }

  @Test(arguments: [1, Int.max]) func storeOpensWithoutThreadsToLoadIt(failures: Int) throws {
    var configuration = StoreConfiguration.simulated(.bytes(1 << 20))
    configuration.queueBytesMax = 4 << 20
    let store = try MemberStore(configuration, on: disk)
    // Several batches of the loader, which are of 512 KiB.
    let name = String(repeating: "n", count: 2_000)
    for key in 0..<1_500 { try store.put(Member(name: name, age: key), for: key % 1_400) }
    let contents = try store.contents()
    try store.close()
    // The first thread of them, or those after it.
    for after in 0..<min(2, processorCount) {
      disk.plan(
        SimulatedFault(calls: [.startThread], path: "load", after: after, times: failures, effect: .error(EAGAIN)))
      let again = try MemberStore(configuration, on: disk)
      #expect(!disk.hasUntouchedFaults, "there was no thread to be refused")
      #expect(try again.contents() == contents && again.audit().problems.isEmpty)
      try again.close()
      disk.clearFaults()
    }
    // Those that load the store have ended when the log needs one.
    disk.threadsMax = 1
    let narrow = try MemberStore(configuration, on: disk)
    #expect(try narrow.contents() == contents)
    try narrow.close()
  }

  @Test(arguments: [false, true]) func indexesAreBuiltWithTheThreadsThatThereAre(areRefused: Bool) throws {
    let written = try MemberStore(on: disk)
    for key in 0..<100 {
      try written.put(Member(email: "\(key)@example.org", skills: ["\(key % 7)"], age: key), for: key)
    }
    try written.close()
    if areRefused { disk.plan(.forever(.startThread, error: EAGAIN, path: "index")) }
    let store = try MemberStore(on: disk)
    #expect(!disk.hasUntouchedFaults || processorCount == 1, "there was no thread to be refused")
    #expect(store.audit().problems.isEmpty)
    #expect(try store.count(Query(allTags: ["skills=3"])) == 14)
    try store.close()
  }

  @Test(arguments: [0, 1, 2, 1_000]) func jobsInParallelAreDoneOnceAndAnswerInTheirOrder(count: Int) {
    for failures in [0, Int.max] {
      if failures > 0 { disk.plan(.forever(.startThread, error: EAGAIN)) }
      let runs = SharedCounter(0)
      let answers = disk.inParallel(count) { number in
        _ = runs.next()
        return number
      }
      #expect(answers == Array(0..<count))
      #expect(runs.value == UInt64(count))
    }
  }

  @Test(.enabled(if: processorCount > 1)) func jobsGoOnSideBySide() {
    let arrived = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
    // Each of the two waits for the other.
    let met = disk.inParallel(2) { number in
      arrived[number].signal()
      return arrived[1 - number].wait(timeout: .now() + 900) == .success
    }
    #expect(met == [true, true])
  }

  @Test func resumedEventsComeWithoutAThread() async throws {
    let store = try MemberStore(on: disk)
    for key in 1...20 { try store.put(Member(age: key), for: key) }
    disk.plan(.forever(.startThread, error: EAGAIN, path: "resume"))
    var lsns: [UInt64] = []
    for try await event in try store.events(from: 0) {
      lsns.append(try #require(event.lsn))
      if lsns.count == 20 { break }
    }
    #expect(lsns == Array(1...20))
    #expect(!disk.hasUntouchedFaults, "there was no thread to be refused")
    try store.close()
  }

  @Test func checkpointWithoutAThreadIsDueAgain() throws {
    var configuration = StoreConfiguration.simulated(.bytes(1 << 20))
    configuration.checkpointLogBytes = 10_000
    let store = try MemberStore(configuration, on: disk)
    disk.plan(.forever(.startThread, error: EAGAIN, path: "checkpoint"))
    func write() throws {
      for key in 0..<20 { try store.put(Member(name: String(repeating: "n", count: 1_000)), for: key, ack: .synced) }
    }
    try write()
    #expect(eventually { store.statistics().log?.checkpointFailures ?? 0 >= 1 })
    #expect(store.statistics().log?.checkpointFailure?.contains("darkbird checkpoint") == true)
    disk.clearFaults()
    try write()
    #expect(eventually(within: 10) { store.statistics().log?.checkpoints ?? 0 >= 1 })
    try store.close()
  }
}
