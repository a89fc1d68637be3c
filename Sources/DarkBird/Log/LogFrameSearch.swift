/// Looks for sound frames among bytes that may be anything, at every multiple of 8.
///
/// A candidate can be as long as all that follows it, and documents may be full of bytes that look like the heads of frames: a
/// checksum over each would take time that grows with the square of the page. So the bytes are summed up once, and the checksum
/// of a candidate is put together of the sums at its beginning and its end.
struct LogFrameSearch {
  private static let stepBytes = 64

  private let page: UnsafeRawBufferPointer
  private let seed: UInt32
  /// Where the search begins at the earliest.
  private let start: Int
  let endOfContent: Int
  /// CRC of the bytes from `start` on, up to each multiple of the step; empty until there is a candidate.
  private var sums: [UInt32] = []
  /// What the search has cost: at most about six times what there is to search.
  private(set) var bytesChecksummed = 0

  /// - Parameter start: of the first candidate that there may be; a multiple of 8.
  init(_ page: UnsafeRawBufferPointer, from start: Int, seed: UInt32) {
    self.page = page
    self.seed = seed
    self.start = start
    endOfContent = DarkBird.endOfContent(page)
  }

  /// The next frame at or behind `offset` whose checksum is right and which `isWanted`, as its head alone must tell.
  mutating func next(
    from offset: Int, _ isWanted: (_ head: LogFrame, _ offset: Int) -> Bool
  ) -> (frame: LogFrame, offset: Int)? {
    var candidate = LogFormat.aligned(max(offset, start))
    while candidate < endOfContent, candidate + LogFormat.frameHeaderBytes <= page.count {
      if let frame = LogFrame(claimedAt: candidate, in: page), isWanted(frame, candidate),
        frame.checksum == checksum(candidate, frame.length)
      {
        return (frame, candidate)
      }
      candidate += 8
    }
    return nil
  }

  /// Offset of a frame behind `offset`, where a frame is missing, which says that the record with LSN `lsn` was durable.
  mutating func proof(behind offset: Int, durable lsn: UInt64) -> Int? {
    next(from: offset + 1) { frame, candidate in
      // No frame is shorter than its header, so the LSNs behind the missing one are limited.
      frame.durableLSN >= lsn && frame.durableLSN <= frame.lsn
        && frame.lsn - lsn <= UInt64((candidate - offset) / LogFormat.frameHeaderBytes)
    }?.offset
  }

  /// The same as `frameChecksum`.
  private mutating func checksum(_ frame: Int, _ length: Int) -> UInt32 {
    if sums.isEmpty { sumUp() }
    let afterLength = sum(frame..<frame + 4, seed)
    // CRC(a + b) is CRC(a), shifted by the length of b, plus CRC(b): what lies before the frame is so taken away again.
    let before = sumUpTo(frame + 8)
    return sumUpTo(frame + length) ^ CRC32C.shifted(before ^ afterLength, by: length - 8)
  }

  private mutating func sumUp() {
    sums.reserveCapacity((page.count - start) / Self.stepBytes + 1)
    sums.append(0)
    var offset = start
    while offset + Self.stepBytes <= page.count {
      sums.append(sum(offset..<offset + Self.stepBytes, sums[sums.count - 1]))
      offset += Self.stepBytes
    }
  }

  private mutating func sumUpTo(_ end: Int) -> UInt32 {
    let steps = (end - start) / Self.stepBytes
    return sum(start + steps * Self.stepBytes..<end, sums[steps])
  }

  private mutating func sum(_ range: Range<Int>, _ seed: UInt32) -> UInt32 {
    bytesChecksummed += range.count
    return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: page[range]), seed: seed)
  }
}
