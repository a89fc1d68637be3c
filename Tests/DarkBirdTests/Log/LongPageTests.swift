import Foundation
import Testing

@testable import DarkBird

/// A checkpoint ends the open page if it is long, for otherwise a page without bound were a log without bound.
struct LongPageTests {
  private static func configuration(_ capacity: StoreConfiguration.PageCapacity) -> StoreConfiguration {
    var configuration = StoreConfiguration.simulated(capacity)
    configuration.keptPageBytes = 64 << 10
    return configuration
  }

  private static func member(_ number: Int) -> Member {
    Member(name: String(repeating: "n", count: 1_000), club: "Ajax", age: number)
  }

  @Test(arguments: [StoreConfiguration.PageCapacity.records(1_000_000), .bytes(4 << 20)])
  func checkpointLeavesAShortLog(capacity: StoreConfiguration.PageCapacity) throws {
    let fileSystem = SimulatedFileSystem.forStores()
    let configuration = Self.configuration(capacity)
    let store = try MemberStore(configuration, on: fileSystem)
    for round in 0..<5 {
      for number in 0..<100 { try store.put(Self.member(number + round), for: number) }
      try store.checkpoint()
      let log = try #require(store.statistics().log)
      #expect(log.pagesOnDisk == 1)
      #expect(log.pageBytes < 8_000)
      // Nothing has changed, so nothing is done.
      try store.checkpoint()
      #expect(store.statistics().log?.checkpoints == UInt64(round + 1))
    }
    let before = try store.contents()
    try store.put(Self.member(7), for: 100)
    try store.close()
    let again = try MemberStore(configuration, on: fileSystem)
    #expect(try again.contents() == before.merging([100: Self.member(7)]) { $1 })
    try again.close()
  }

  /// The page that it has begun is not on the disk, though everything that was written is.
  @Test(arguments: [SimulatedCall.write, .synchronize], 0..<4)
  func checkpointAfterOneThatPoisonedTheLogNamesNoPage(call: SimulatedCall, later: Int) throws {
    let fileSystem = SimulatedFileSystem.forStores()
    let configuration = Self.configuration(.records(1_000_000))
    let store = try MemberStore(configuration, on: fileSystem)
    for number in 0..<100 { try store.put(Self.member(number), for: number, ack: number == 99 ? .synced : .memory) }
    let contents = try store.contents()
    // A page that cannot be made ahead is no failure.
    let log = try #require(store.disk?.log)
    #expect(eventually { log.lock.withLock { log.room.nextAllocated != nil } })
    fileSystem.plan(.once(call, error: EIO, path: "wal", after: later))
    let isPoisoned = storeError { try store.checkpoint() }?.isPoisoned == true
    // Of the first of these calls there is no doubt.
    #expect(isPoisoned || later > 0)
    fileSystem.clearFaults()
    if isPoisoned {
      for _ in 0..<2 { #expect(storeError { try store.checkpoint() }?.isPoisoned == true) }
    }
    for seed in 0..<10 {
      let again = try MemberStore(configuration, on: fileSystem.crashImage(seed: UInt64(seed)))
      #expect(try again.contents() == contents, "seed \(seed)")
      try again.close()
    }
    try? store.close()
  }

  @Test func shortPageStays() throws {
    let store = try MemberStore(Self.configuration(.bytes(4 << 20)), on: .forStores())
    for number in 0..<20 { try store.put(Self.member(number), for: number) }
    let (page, lsn) = (try #require(store.statistics().log).page, store.memoryLSN)
    try store.checkpoint()
    #expect(store.statistics().log?.page == page)
    #expect(store.memoryLSN == lsn)
    try store.close()
  }

  /// Whatever is reserved when a page is ended early must find its room in the next one.
  @Test(arguments: [StoreConfiguration.PageCapacity.records(500), .bytes(200_000)])
  func writersGoOnWhilePagesAreEnded(capacity: StoreConfiguration.PageCapacity) throws {
    let fileSystem = SimulatedFileSystem.forStores()
    var configuration = Self.configuration(capacity)
    configuration.keptPageBytes = LogFormat.headerBytes
    let store = try MemberStore(configuration, on: fileSystem)
    let writers = 4
    let errors = Seen<String>()
    onThreads(writers + 1) { thread in
      do {
        if thread == writers {
          for _ in 0..<30 { try store.checkpoint() }
        } else {
          for number in 0..<1_000 {
            try store.put(Self.member(number), for: thread * 1_000 + number, ack: number % 50 == 0 ? .synced : .memory)
          }
        }
      } catch { errors.append("\(error)") }
    }
    #expect(errors.all == [])
    try store.sync()
    let disk = fileSystem.crashImage(seed: 1)
    let contents = try store.contents()
    #expect(contents.count == writers * 1_000)
    try store.close()
    let again = try MemberStore(configuration, on: disk)
    #expect(try again.contents() == contents)
    try again.close()
  }

  /// A disk without room for a record has none for a checkpoint either, and the store goes on as it was.
  @Test func fullDiskKeepsTheLongPage() throws {
    let fileSystem = SimulatedFileSystem.forStores()
    let configuration = Self.configuration(.records(1_000_000))
    let store = try MemberStore(configuration, on: fileSystem)
    // More than what the end of the page gives back of its room.
    for number in 0..<3_000 { try store.put(Self.member(number), for: number) }
    try store.sync()
    fileSystem.bytesMax = fileSystem.bytesUsed
    #expect(throws: StoreError.self) { try store.checkpoint() }
    let contents = try store.contents()
    fileSystem.bytesMax = nil
    try store.checkpoint()
    try store.close()
    let again = try MemberStore(configuration, on: fileSystem)
    #expect(try again.contents() == contents)
    try again.close()
  }

  /// A page ends where its records do when the store is opened, and a full disk may have no room for the seal.
  @Test func fullDiskAtTheOpeningPoisonsNothing() throws {
    let fileSystem = SimulatedFileSystem.forStores()
    let configuration = Self.configuration(.records(1_000_000))
    let store = try MemberStore(configuration, on: fileSystem)
    for number in 0..<3_000 { try store.put(Self.member(number), for: number) }
    try store.close()
    for room in stride(from: 0, to: 4_000_000, by: 40_000) {
      let image = fileSystem.killImage()
      var narrow = configuration
      narrow.pageCapacity = .records(100)
      let store = try MemberStore(narrow, on: image)
      image.bytesMax = image.bytesUsed + room
      do throws(StoreError) { try store.checkpoint() } catch {
        guard case .diskFull = error else {
          Issue.record("with \(room) bytes: \(error)")
          return
        }
      }
      #expect(store.statistics().log?.failure == nil, "with \(room) bytes")
      image.bytesMax = nil
      try store.put(Self.member(1), for: 5_000, ack: .synced)
      try store.close()
    }
  }

  /// Without the program of the store, and just after the opening, when the next page is not made yet.
  @Test func checkpointOfAClosedStoreLeavesAShortLog() throws {
    let fileSystem = SimulatedFileSystem.forStores()
    let store = try MemberStore(.simulated(.records(1_000_000)), on: fileSystem)
    let name = String(repeating: "n", count: 200_000)
    for number in 0..<100 { try store.put(Member(name: name, age: number), for: number % 3) }
    try store.close()
    let report = try StoreInspector.checkpoint("/data/store", fileSystem)
    #expect(report.before.bytes > 16 << 20 && report.after.bytes < 8_000 && report.documents == 3)
    let again = try MemberStore(.simulated(.records(1_000_000)), on: fileSystem)
    #expect(try again.contents().mapValues(\.age) == [0: 99, 1: 97, 2: 98])
    try again.close()
  }
}
