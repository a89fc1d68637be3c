import Foundation
import Testing

@testable import DarkBird

@Suite("Timed writes") struct WriteTimingTests {
  private func total(_ store: Store<Int, Record>, _ kind: WriteTimings.Kind) -> UInt64 {
    store.writeTimings()?.counts(of: kind).reduce(0, +) ?? 0
  }

  @Test func everyKindOfWriteIsTimedWhileItIsWanted() throws {
    let store = try Store<Int, Record>(.memory)
    try store.put(["n": 0], for: 0)
    #expect(store.writeTimings() == nil)
    store.timeWrites(oneIn: 1)
    for key in 1...5 { try store.insert(["n": 1], for: key) }
    for key in 1...4 { try store.put(["n": 2], for: key) }
    for key in 1...3 { try store.update(key) { $0["n"] = 3 } }
    for key in 1...2 { try store.remove(key) }
    try store.batch { batch in for key in 10..<20 { batch.put(["n": 4], for: key) } }
    // Refused, or of nothing.
    #expect(throws: StoreError.self) { try store.insert(["n": 5], for: 5) }
    try store.remove(1_000)
    #expect(WriteTimings.Kind.allCases.map { total(store, $0) } == [4, 5, 3, 2, 1])
    store.timeWrites(oneIn: 0)
    try store.put(["n": 6], for: 5)
    #expect(total(store, .put) == 4)
  }

  @Test func aWriteThatWaitsForTheDiskIsTimedUntilItIsThere() throws {
    let files = SimulatedFileSystem.forStores()
    let store = try Store<Int, Record>(.disk(at: "/data/store"), schema: IndexSchema(), fileSystem: files)
    // Behind what waits for the first page.
    try store.put(["n": 0], for: 0, ack: .synced)
    // A disk that takes its time.
    files.observe { _, call, path in if call == .synchronize, path.contains("wal-") { usleep(20_000) } }
    store.timeWrites(oneIn: 1)
    try store.put(["n": 0], for: 0, ack: .synced)
    #expect(total(store, .put) == 1)
    let bucket = try #require(store.writeTimings()?.counts(of: .put).enumerated().first { $0.element > 0 }).offset
    #expect(WriteTimings.lowerBound(of: bucket + 1) > 20_000_000)
    files.observe(nil)
    try store.close()
  }

  /// A pattern of sixteen writes, of which chance picks all alike.
  @Test func theTimedOnesStandForAllOfThem() throws {
    let store = try Store<Int, Record>(.memory)
    // Made 16.
    store.timeWrites(oneIn: 9)
    for number in 0..<64_000 {
      if number % 16 == 0 { try store.remove(15) } else { try store.put(["n": 1], for: number % 16) }
    }
    #expect((45_000...75_000).contains(total(store, .put)))
    #expect((2_000...6_400).contains(total(store, .remove)))
    #expect(total(store, .put) % 16 == 0)
  }

  @Test func bucketsAreInOrderWithoutGaps() {
    for bucket in 0..<WriteTimings.bucketCount {
      let (low, next) = (WriteTimings.lowerBound(of: bucket), WriteTimings.lowerBound(of: bucket + 1))
      #expect(low < next)
      #expect(WriteTimings.bucket(of: low) == bucket && WriteTimings.bucket(of: next - 1) == bucket)
      #expect(next - low <= max(1, low / 16))
    }
    #expect(WriteTimings.lowerBound(of: WriteTimings.bucketCount) > 60_000_000_000)
  }

  @Test func threadsMeetAtTheCountsWhileTheyAreReadAndSwitched() throws {
    let store = try Store<Int, Record>(.memory)
    onThreads(4) { thread in
      for number in 0..<2_000 {
        if thread == 0, number % 50 == 0 { store.timeWrites(oneIn: number / 50 % 3) }
        if thread == 1, number % 20 == 0 { _ = store.writeTimings() }
        _ = try? store.put(["n": 1], for: number)
      }
    }
    store.timeWrites(oneIn: 1)
    let before = total(store, .put)
    try store.put(["n": 1], for: 1)
    #expect(total(store, .put) == before + 1)
  }
}
