import Foundation
import Testing

@testable import DarkBird

/// Behind the end of a torn log anything may lie, and what lies there is what users store.
struct LogFrameSearchTests {
  private static let header = LogPageHeader(
    store: UUID(), sequence: 3, firstLSN: 100, previousChain: 7, capacity: .bytes(1 << 20))
  private static let seed = LogPageHeader.frameSeed(store: header.store, sequence: header.sequence)

  /// A frame with a right checksum.
  private func frame(_ lsn: UInt64, durable: UInt64, document: [UInt8]) -> [UInt8] {
    let buffer = LogBuffer()
    buffer.appendFrame(.put, lsn: lsn, payload: [1] + document, keyLength: 1)
    return buffer.withUnsafeMutableBytes { frame in
      frame.store(durable, at: 16)
      let bytes = UnsafeRawBufferPointer(frame)
      frame.store(frameChecksum(bytes, length: Int(bytes.load32(at: 0)), seed: Self.seed), at: 4)
      return Array(frame)
    }
  }

  @Test(arguments: 0..<50) func checksumOfPartsIsThatOfTheWhole(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    func bytes() -> [UInt8] { (0..<generator.below(5_000)).map { _ in UInt8(generator.below(256)) } }
    let (a, b) = (bytes(), bytes())
    #expect(CRC32C.shifted(CRC32C.checksum(a), by: b.count) ^ CRC32C.checksum(b) == CRC32C.checksum(a + b))
  }

  @Test(arguments: 0..<100) func aFrameIsFoundAmongAnything(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    func noise(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(generator.below(generator.pick([256, 6]))) } }
    let before = Self.header.encoded() + noise(8 * (1 + generator.below(200)))
    let lsn = 100 + UInt64(generator.below(max(1, (before.count - 4_096) / 32)))
    let document = noise(generator.below(3_000))
    let page = before + frame(lsn, durable: lsn - 1, document: document) + noise(generator.below(500))
    page.withUnsafeBytes { raw in
      var search = LogFrameSearch(raw, from: LogFormat.headerBytes + 8, seed: Self.seed)
      #expect(search.next(from: 0) { head, _ in head.kind == .put }?.offset == before.count)
      // It proves that what came before it was durable, and no more.
      #expect(search.proof(behind: LogFormat.headerBytes, durable: 100) == (lsn > 100 ? before.count : nil))
      #expect(search.proof(behind: LogFormat.headerBytes, durable: lsn) == nil)
      // A frame that more records precede than there is room for is not of this page.
      #expect(search.proof(behind: before.count - 8, durable: 100) == nil)
    }
  }

  /// What may lie behind the end: small numbers, as arrays of them do, and whole heads of frames, made by somebody who knows
  /// which LSN comes next.
  @Test(arguments: ["numbers", "heads"]) func searchCostsAsMuchAsThereIsToSearch(_ what: String) throws {
    let count = 1 << 20
    var page = Self.header.encoded() + [UInt8](repeating: 0, count: count)
    page.withUnsafeMutableBytes { raw in
      for offset in stride(from: LogFormat.headerBytes, to: raw.count, by: what == "numbers" ? 4 : 32) {
        if what == "numbers" {
          raw.store(UInt32(500_000), at: offset)
          continue
        }
        raw.store(UInt32(raw.count - offset), at: offset)
        raw.store(UInt64(100), at: offset + 8)
        raw.store(UInt64(100), at: offset + 16)
        raw.store(UInt32(LogRecordKind.put.rawValue), at: offset + 24)
      }
    }
    try page.withUnsafeBytes { raw in
      let scan = try scanLogPage(raw, header: Self.header, path: "page", isLast: true) { _, _ in }
      #expect(scan.end != .open && scan.records == 0)
      var search = LogFrameSearch(raw, from: LogFormat.headerBytes, seed: Self.seed)
      #expect(search.proof(behind: LogFormat.headerBytes, durable: 100) == nil)
      #expect(search.bytesChecksummed <= (what == "numbers" ? 0 : 6 * count), "\(search.bytesChecksummed) bytes")
      // The same when a damaged page is walked through.
      var walk = LogPageWalk(raw, seed: Self.seed, lastLSN: 99)
      while walk.next() != nil {}
      #expect(walk.bytesChecksummed <= 6 * count, "\(walk.bytesChecksummed) bytes")
    }
  }
}
