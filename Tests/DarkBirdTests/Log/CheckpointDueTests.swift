import Dispatch
import Testing

@testable import DarkBird

struct CheckpointDueTests {
  /// The store says who takes checkpoints only when it is there as a whole, and the log may have grown by then.
  @Test func checkpointThatIsDueEarlyIsNotLost() throws {
    var configuration = StoreConfiguration.simulated(.bytes(1 << 20))
    configuration.checkpointLogBytes = 20_000
    let disk = try Disk("/data/store", configuration, SchemaDescription(), SimulatedFileSystem.forStores()) { _ in }
    let log = try #require(disk.log)
    func write(_ count: Int) throws {
      let payload = [1] + [UInt8](repeating: 0, count: count)
      let lsn = try log.append(
        .put, payload: payload, keyLength: 1, try log.reserve(payloadBytes: payload.count))
      try log.wait(for: lsn, .synced)
    }
    try write(30_000)
    // Once a second sync is over, the first one has been looked at.
    try write(1)
    let isCalled = DispatchSemaphore(value: 0)
    log.setCheckpointHandler { isCalled.signal() }
    try write(1)
    #expect(isCalled.wait(timeout: .now() + 20) == .success)
    try disk.close()
  }

  /// Where the log grows faster than checkpoints are taken, one runs and one waits, not ever more.
  @Test func oneCheckpointIsDueAtATime() throws {
    var configuration = StoreConfiguration.simulated(.bytes(1 << 20))
    configuration.checkpointLogBytes = 1_000
    let disk = try Disk("/data/store", configuration, SchemaDescription(), SimulatedFileSystem.forStores()) { _ in }
    let log = try #require(disk.log)
    let calls = Counter()
    log.setCheckpointHandler { calls.next() }
    func write() throws {
      for _ in 0..<2 {
        let payload = [1] + [UInt8](repeating: 0, count: 2_000)
        let lsn = try log.append(
          .put, payload: payload, keyLength: 1, try log.reserve(payloadBytes: payload.count))
        try log.wait(for: lsn, .synced)
      }
    }
    for _ in 0..<5 { try write() }
    #expect(calls.value == 1)
    log.willCheckpoint()
    for _ in 0..<5 { try write() }
    #expect(calls.value == 2)
    try disk.close()
  }

  @Test func checkpointsRecurWhileTheLogGrows() throws {
    var configuration = StoreConfiguration.simulated()
    configuration.checkpointLogBytes = 10_000
    let store = try MemberStore(configuration, on: SimulatedFileSystem.forStores())
    let member = Member(name: String(repeating: "n", count: 400))
    #expect(
      eventually(within: 10) {
        do { for key in 0..<20 { try store.put(member, for: key, ack: .synced) } } catch { Issue.record("\(error)") }
        return store.statistics().log?.checkpoints ?? 0 >= 3
      })
    let log = try #require(store.statistics().log)
    #expect(log.pagesOnDisk < Int(log.page), "no page has gone")
    try store.close()
  }
}
