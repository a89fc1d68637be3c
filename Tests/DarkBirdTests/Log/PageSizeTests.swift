import Foundation
import Testing

@testable import DarkBird

/// How long pages get: an opening reads whole ones.
@Suite struct PageSizeTests {
  private static func member(_ bytes: Int, _ number: Int) -> Member {
    Member(name: String(repeating: "n", count: bytes), club: "Ajax", age: number)
  }

  @Test(arguments: [LogFormat.pageBytesMin - 1, LogFormat.pageBytesMax + 1, .max, 0, -1])
  func otherSizesAreRefused(bytes: Int) {
    let error = storeError { _ = try MemberStore(.simulated(.bytes(bytes)), on: .forStores()) }
    let reason = "a page must have 8192 to 1073741824 bytes, not \(bytes)"
    #expect(error == .invalidConfiguration(reason: reason))
  }

  /// Also where a record is longer than a page is to be, and where writers wait for room together.
  @Test(arguments: [100, 3_000, 50_000]) func pageOfManyRecordsEndsByItsBytes(documentBytes: Int) throws {
    let disk = SimulatedFileSystem.forStores()
    var configuration = StoreConfiguration.simulated(.records(1_000_000))
    configuration.pageBytesMax = 20_000
    let count = 2_000_000 / (documentBytes + 900)
    let store = try MemberStore(configuration, on: disk)
    onThreads(4) { thread in
      for number in stride(from: thread, to: count, by: 4) {
        #expect(storeError { try store.put(Self.member(documentBytes, number), for: number) } == nil)
      }
    }
    try store.sync()
    let before = try store.contents()
    try store.close()
    let pages = disk.files.filter { $0.key.contains("wal-") }.values.map(\.count)
    #expect(pages.reduce(0, +) > count * documentBytes)
    // One record, the seal and the padding are behind it at most.
    #expect(pages.allSatisfy { $0 < 20_000 + documentBytes + 500 })
    #expect(pages.count > 3)
    let again = try MemberStore(configuration, on: disk)
    #expect(before.count == count)
    #expect(try again.contents() == before)
    try again.close()
  }

  /// The room that a small synced batch will take is filled with zeros ahead, and no more than there is.
  @Test(arguments: [StoreConfiguration.PageCapacity.bytes(LogFormat.pageBytesMin), .bytes(1 << 20), .records(50)])
  func zerosAheadStayWithinThePage(capacity: StoreConfiguration.PageCapacity) throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(.simulated(capacity), on: disk)
    let before = disk.callCount(.write)
    for number in 0..<200 { try store.put(Self.member(200, number), for: number, ack: .synced) }
    // Each put writes one batch, and each new page takes a seal and a header; the rest is zeros.
    let rotations = Int(try #require(store.statistics().log).rotations)
    #expect(disk.callCount(.write) - before - 200 - 2 * rotations > 0)
    let pages = disk.files.filter { $0.key.contains("wal-") }.values.map(\.count)
    switch capacity {
    case .bytes(let bytes): #expect(pages.allSatisfy { $0 <= bytes })
    case .records: #expect(pages.allSatisfy { $0 <= LogWriter.roomChunk + LogFormat.headerBytes })
    }
    let image = try MemberStore(.simulated(capacity), on: disk.crashImage(seed: 1))
    #expect(try image.contents() == store.contents())
    try store.close()
  }
}
