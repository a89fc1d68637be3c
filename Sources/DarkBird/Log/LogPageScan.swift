import Foundation

/// Where the valid frames of a page end.
enum LogPageEnd: Equatable, Sendable {
  /// With a seal: the page is complete.
  case sealed
  /// With zeros, or with the end of the file.
  case open
  /// With bytes that are no frame, from `endOffset` on; nothing after them was ever durable.
  case torn(reason: String)
}

/// What one pass over a page found.
struct LogPageScan: Equatable, Sendable {
  var end: LogPageEnd
  /// File offset behind the last valid frame.
  var endOffset: Int
  /// Records, without the seal.
  var records: Int
  /// LSN of the last record; that before the page's first one if it has none.
  var lastLSN: UInt64
  /// The durable LSN that the frames tell of.
  var durableLSN: UInt64
  var chain: UInt32
}

/// Reads the frames of a page whose header is already decoded, and hands each record to `body` in order. A batch is one
/// record of the page; `body` gets its operations one by one, all with the batch's LSN and offset.
///
/// - Parameter isLast: only the last page may lack a seal, and only its tail may be torn.
/// - Throws: `.corrupt` for damage that no crash explains, and what `body` throws.
func scanLogPage(
  _ page: UnsafeRawBufferPointer, header: LogPageHeader, path: String, isLast: Bool,
  _ body: (LogRecord, _ offset: Int) throws(StoreError) -> Void
) throws(StoreError) -> LogPageScan {
  if let stray = LogPageHeader.strayBytes(page) {
    throw .corrupt(path: path, offset: stray.lowerBound, reason: LogPageHeader.strayReason)
  }
  let seed = LogPageHeader.frameSeed(store: header.store, sequence: header.sequence)
  var scan = LogPageScan(
    end: .open, endOffset: LogFormat.headerBytes, records: 0, lastLSN: header.firstLSN - 1, durableLSN: 0,
    chain: header.previousChain)
  while true {
    let offset = scan.endOffset
    let frame: LogFrame
    switch LogFrame.parse(page, at: offset, seed: seed) {
    case .end:
      if isLast && isZero(page, from: offset) { return scan }
      return try unsound(page, scan, expected: scan.lastLSN + 1, seed, path, isLast, "no frame where one must be")
    case .invalid(let reason):
      return try unsound(page, scan, expected: scan.lastLSN + 1, seed, path, isLast, reason)
    case .malformed(let reason):
      throw .corrupt(path: path, offset: offset, reason: reason)
    case .frame(let found):
      frame = found
    }
    let end = offset + LogFormat.aligned(frame.length)
    let padding = offset + frame.length..<end
    // The last word first, for every frame comes by here.
    if end > page.count || page.load64(at: end - 8) >> (64 - 8 * UInt64(padding.count)) != 0,
      let stray = nonZeros(page, padding)
    {
      throw .corrupt(path: path, offset: stray.lowerBound, reason: LogFrame.paddingReason)
    }
    if frame.kind == .seal {
      guard frame.lsn == scan.lastLSN, frame.payload.count == LogFormat.sealPayloadBytes,
        frame.payload.load64(at: 0) == scan.lastLSN, frame.payload.load64(at: 8) == UInt64(scan.records),
        frame.payload.load32(at: 16) == scan.chain
      else { throw .corrupt(path: path, offset: offset, reason: "the seal contradicts the page") }
      scan.end = .sealed
      scan.endOffset = end
      scan.durableLSN = max(scan.durableLSN, frame.durableLSN)
      if let stray = nonZeros(page, end..<page.count) {
        throw .corrupt(path: path, offset: stray.lowerBound, reason: LogFrame.behindSealReason)
      }
      return scan
    }
    guard frame.lsn == scan.lastLSN + 1 else {
      throw .corrupt(path: path, offset: offset, reason: "LSN \(frame.lsn) follows LSN \(scan.lastLSN)")
    }
    if frame.kind == .batch {
      var operations = try operations(of: frame, at: offset, path)
      while let record = operations.next() { try body(record, offset) }
    } else {
      try body(frame.record, offset)
    }
    scan.lastLSN = frame.lsn
    scan.records += 1
    scan.durableLSN = max(scan.durableLSN, frame.durableLSN)
    scan.chain = chained(scan.chain, frame.checksum)
    scan.endOffset = end
  }
}

/// The operations of a batch, whose payload is wrong only if a program wrote it so: its checksum was right.
func operations(of frame: LogFrame, at offset: Int, _ path: String) throws(StoreError) -> LogBatchReader {
  guard frame.keyLength == 0 else {
    throw .corrupt(path: path, offset: offset + 28, reason: "a batch with a key of its own")
  }
  do throws(LogBatchReader.Malformed) {
    return try LogBatchReader(frame.payload, lsn: frame.lsn, durableLSN: frame.durableLSN)
  } catch {
    throw .corrupt(path: path, offset: offset + LogFormat.frameHeaderBytes + error.offset, reason: error.reason)
  }
}

/// Decides whether bytes that are no frame are the torn end of the last page or damage.
private func unsound(
  _ page: UnsafeRawBufferPointer, _ scan: LogPageScan, expected lsn: UInt64, _ seed: UInt32, _ path: String,
  _ isLast: Bool, _ reason: String
) throws(StoreError) -> LogPageScan {
  guard isLast else {
    let offset = planted(.firstFrameBlamed) ? LogFormat.headerBytes : scan.endOffset
    throw .corrupt(path: path, offset: offset, reason: reason)
  }
  var search = LogFrameSearch(page, from: LogFormat.aligned(scan.endOffset + 1), seed: seed)
  if let proof = search.proof(behind: scan.endOffset, durable: lsn), !planted(.laterFrameNotSought) {
    throw .corrupt(
      path: path, offset: scan.endOffset, reason: "\(reason), but the frame at \(proof) was written after it was synced"
    )
  }
  var scan = scan
  scan.end = .torn(reason: reason)
  return scan
}

func isZero(_ bytes: UnsafeRawBufferPointer, from offset: Int) -> Bool { endOfContent(bytes) <= offset }

/// From the first byte of `range` that is not zero to the last one; nil if all are, as far as there are bytes.
func nonZeros(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Range<Int>? {
  var start = range.clamped(to: 0..<bytes.count).lowerBound
  let end = start + endOfContent(UnsafeRawBufferPointer(rebasing: bytes[range.clamped(to: 0..<bytes.count)]))
  if end == start { return nil }
  while start + 8 <= end, bytes.load64(at: start) == 0 { start += 8 }
  while bytes[start] == 0 { start += 1 }
  return start..<end
}

/// Offset behind the last byte that is not zero. By words: a page may end in megabytes of room that was made for it.
func endOfContent(_ bytes: UnsafeRawBufferPointer) -> Int {
  var end = bytes.count
  while end >= 8, bytes.loadUnaligned(fromByteOffset: end - 8, as: UInt64.self) == 0 { end -= 8 }
  while end > 0, bytes[end - 1] == 0 { end -= 1 }
  return end
}

/// A frame whose checksum was verified.
struct LogFrame {
  enum Parsed {
    case frame(LogFrame)
    /// A zero length, or the end of the file.
    case end
    case invalid(String)
    /// The checksum is right: a program wrote it so, and no crash.
    case malformed(String)
  }

  static let paddingReason = "padding behind a frame that is not zero"
  static let behindSealReason = "bytes behind the seal that are not zero"

  let length: Int
  let checksum: UInt32
  let lsn: UInt64
  let durableLSN: UInt64
  let kind: LogRecordKind
  let keyLength: Int
  /// Key and document.
  let payload: UnsafeRawBufferPointer

  var record: LogRecord {
    LogRecord(
      kind: kind, lsn: lsn, durableLSN: durableLSN, key: UnsafeRawBufferPointer(rebasing: payload[..<keyLength]),
      document: UnsafeRawBufferPointer(rebasing: payload[keyLength...]))
  }

  static func parse(_ page: UnsafeRawBufferPointer, at offset: Int, seed: UInt32) -> Parsed {
    guard offset + 4 <= page.count else { return .end }
    let length = Int(page.load32(at: offset))
    if length == 0 { return .end }
    guard length >= LogFormat.frameHeaderBytes, offset + length <= page.count else {
      return .invalid("a frame of \(length) bytes does not fit into the page")
    }
    let frame = UnsafeRawBufferPointer(rebasing: page[offset..<offset + length])
    guard frame.load32(at: 4) == frameChecksum(frame, length: length, seed: seed) else {
      return .invalid("wrong checksum of a frame")
    }
    guard let found = LogFrame(claimedAt: offset, in: page) else {
      return .malformed("a frame of an unknown kind or form, or whose key is longer than itself")
    }
    if let problem = found.problem { return .malformed(problem) }
    return .frame(found)
  }

  /// What cannot be in a frame whose checksum is right.
  var problem: String? {
    let isPossible = lsn <= LogFormat.lsnMax && durableLSN <= lsn && (lsn > 0 || kind == .seal)
    return isPossible ? nil : "a frame with an impossible LSN"
  }
}

extension LogFrame {
  /// What the bytes at `offset` say if they are a frame, whose checksum is not looked at; nil if they cannot be one.
  init?(claimedAt offset: Int, in page: UnsafeRawBufferPointer) {
    guard offset + LogFormat.frameHeaderBytes <= page.count else { return nil }
    let length = Int(page.load32(at: offset))
    let keyLength = Int(page.load32(at: offset + 28))
    guard length >= LogFormat.frameHeaderBytes, offset + length <= page.count,
      // Kind, and the flags and schema version that are 0 in this format.
      page.load32(at: offset + 24) <= UInt8.max, let kind = LogRecordKind(rawValue: page[offset + 24]),
      keyLength <= length - LogFormat.frameHeaderBytes
    else { return nil }
    self.init(
      length: length, checksum: page.load32(at: offset + 4), lsn: page.load64(at: offset + 8),
      durableLSN: page.load64(at: offset + 16), kind: kind, keyLength: keyLength,
      payload: UnsafeRawBufferPointer(rebasing: page[offset + LogFormat.frameHeaderBytes..<offset + length]))
  }
}
