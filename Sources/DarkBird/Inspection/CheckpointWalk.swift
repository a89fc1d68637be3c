import Foundation

/// What the walk through a checkpoint comes to.
enum CheckpointPart {
  /// A block whose checksum is right; `bytes` includes its header. `problem` if its count is wrong all the same, or an LSN.
  case block(offset: Int, bytes: [UInt8], documents: Int, problem: String?)
  /// Bytes that are no block. `claim` is what the header of a block with a wrong checksum says.
  case damage(offset: Int, bytes: Int, reason: String, claim: BlockClaim?)
  case footer(offset: Int, documents: UInt64, endLSN: UInt64, checksum: UInt32, computed: UInt32?)

  struct BlockClaim {
    var bytes: Int
    var documents: Int
    var checksum: UInt32
    var computed: UInt32
  }
}

/// Reads a checkpoint however damaged it is: a bad block costs only that block. One block in memory at a time.
///
/// For tools; `readCheckpoint` is what opens a store.
struct CheckpointWalk {
  struct Header {
    var store: UUID
    var startLSN: UInt64
    var checksum: UInt32
  }

  let header: Header?
  /// Why there is no header, or what is wrong with it.
  let headerProblem: String?
  /// Version of the format, if it is one that this program does not know.
  let newerVersion: Int?
  /// Documents so far.
  private(set) var documents = 0
  private let file: any File
  private let endLSN: UInt64
  private let size: Int
  private var offset = CheckpointFormat.headerBytes
  /// Over the checksums of all blocks; nil once one of them is not known.
  private var chain: UInt32? = 0
  private var hasFooter = false
  private var isAtEnd = false

  private static let smallestBlock = CheckpointFormat.blockHeaderBytes + CheckpointFormat.recordHeaderBytes
  private static let footerBytes = 4 + CheckpointFormat.footerBytes
  private static let windowBytes = 256 << 10

  /// - Parameter endLSN: the number in the checkpoint's name.
  init(_ file: any File, endLSN: UInt64) throws(SystemError) {
    self.file = file
    self.endLSN = endLSN
    size = try file.size()
    let bytes = (try? file.readAll(at: 0, count: min(size, CheckpointFormat.headerBytes))) ?? []
    var header: Header?
    var problem: String?
    var newer: Int?
    bytes.withUnsafeBytes { raw in
      guard raw.count == CheckpointFormat.headerBytes else {
        problem = "the checkpoint's header is cut off"
        return
      }
      guard raw.starts(with: CheckpointFormat.magic) else {
        problem = "not a checkpoint"
        return
      }
      let checksum = raw.load32(at: 60)
      guard checksum == CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[..<60])) else {
        problem = "wrong checksum of the checkpoint's header"
        return
      }
      guard raw.load32(at: 8) == LogFormat.version else {
        newer = Int(raw.load32(at: 8))
        problem = "written in format \(raw.load32(at: 8))"
        return
      }
      var uuid = UUID().uuid
      withUnsafeMutableBytes(of: &uuid) { $0.copyBytes(from: raw[16..<32]) }
      if CheckpointFormat.strayBytes(bytes) != nil { problem = CheckpointFormat.strayReason }
      let startLSN = raw.load64(at: 32)
      header = Header(store: UUID(uuid: uuid), startLSN: startLSN, checksum: checksum)
      if endLSN > LogFormat.lsnMaxForNewStores || startLSN > endLSN {
        problem = "a checkpoint that begins at LSN \(startLSN) and ends at LSN \(endLSN)"
      }
    }
    self.header = header
    headerProblem = problem
    newerVersion = newer
  }

  mutating func next() -> CheckpointPart? {
    if isAtEnd { return nil }
    guard offset + 4 <= size || hasFooter else {
      isAtEnd = true
      return .damage(
        offset: min(offset, size), bytes: max(0, size - offset), reason: "the checkpoint is cut off", claim: nil)
    }
    if hasFooter {
      isAtEnd = true
      return .damage(
        offset: offset, bytes: size - offset, reason: CheckpointFormat.behindFooterReason, claim: nil)
    }
    if let footer = footer() {
      offset += Self.footerBytes
      hasFooter = true
      isAtEnd = offset == size
      return footer
    }
    switch block(at: offset) {
    case .sound(let bytes, let count, let claimed, let newest):
      defer { offset += bytes.count }
      documents += count
      chain = chain.map { chained($0, bytes.withUnsafeBytes { $0.load32(at: 8) }) }
      var problem = claimed == count ? nil : "a block of \(count) documents that says it has \(claimed)"
      if newest > endLSN { problem = "a document of LSN \(newest) in what ends at LSN \(endLSN)" }
      return .block(offset: offset, bytes: bytes, documents: count, problem: problem)
    case .bad(let reason, let claim):
      chain = nil
      let start = offset
      offset = nextBlock(claimedEnd: claim.map { start + $0.bytes })
      isAtEnd = offset >= size
      return .damage(offset: start, bytes: offset - start, reason: reason, claim: claim)
    }
  }

  // MARK: Parts

  /// The footer, if `offset` is where it must be: at the end of the file, or anywhere if its checksum says so.
  private func footer() -> CheckpointPart? {
    guard offset + Self.footerBytes <= size, let bytes = read(offset, Self.footerBytes) else { return nil }
    return bytes.withUnsafeBytes { raw in
      if raw.load32(at: 0) != 0 { return nil }
      let numbers = UnsafeRawBufferPointer(rebasing: raw[4..<20])
      let computed = chain.map { CRC32C.checksum(numbers, seed: $0) }
      guard offset + Self.footerBytes == size || computed == raw.load32(at: 20) else { return nil }
      return .footer(
        offset: offset, documents: raw.load64(at: 4), endLSN: raw.load64(at: 12), checksum: raw.load32(at: 20),
        computed: computed)
    }
  }

  private enum Block {
    case sound([UInt8], documents: Int, claimed: Int, newest: UInt64)
    case bad(String, CheckpointPart.BlockClaim?)
  }

  private func block(at offset: Int) -> Block {
    guard let head = read(offset, CheckpointFormat.blockHeaderBytes) else {
      return .bad("a block that cannot be read", nil)
    }
    let (length, count, checksum) = head.withUnsafeBytes {
      (Int($0.load32(at: 0)), Int($0.load32(at: 4)), $0.load32(at: 8))
    }
    guard length >= Self.smallestBlock, length <= CheckpointFormat.blockBytesMax, offset + length <= size else {
      return .bad("a block of \(length) bytes", nil)
    }
    guard let bytes = read(offset, length) else { return .bad("a block that cannot be read", nil) }
    return bytes.withUnsafeBytes { raw in
      let computed = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[CheckpointFormat.blockHeaderBytes...]))
      let claim = CheckpointPart.BlockClaim(bytes: length, documents: count, checksum: checksum, computed: computed)
      guard checksum == computed else { return .bad("wrong checksum of a block", claim) }
      var (oldest, newest) = (UInt64.max, UInt64(0))
      let documents = forEachDocument(inBlock: raw) { record in
        oldest = min(oldest, record.lsn)
        newest = max(newest, record.lsn)
      }
      guard let documents else { return .bad("a block that ends within a document", claim) }
      guard oldest > 0, newest <= LogFormat.lsnMaxForNewStores else {
        return .bad("a document with an impossible LSN", claim)
      }
      return .sound(bytes, documents: documents, claimed: count, newest: newest)
    }
  }

  private func read(_ offset: Int, _ count: Int) -> [UInt8]? {
    guard let bytes = try? file.readAll(at: offset, count: count), bytes.count == count else { return nil }
    return bytes
  }

  // MARK: Finding the next block

  /// Offset of the next sound block, of the footer, or of the end of the file.
  private func nextBlock(claimedEnd: Int?) -> Int {
    let footer = size - Self.footerBytes
    if let claimedEnd {
      if claimedEnd == footer { return footer }
      if isSoundBlock(claimedEnd) { return claimedEnd }
    }
    var start = offset + 1
    while start + Self.smallestBlock <= size {
      let count = min(Self.windowBytes, size - start)
      // A part of the disk that cannot be read holds no block.
      if let window = read(start, count) {
        let found = window.withUnsafeBytes { raw in
          (0...count - Self.smallestBlock).first { isPlausible(raw, $0, at: start + $0) && isSoundBlock(start + $0) }
        }
        if let found { return start + found }
      }
      // What begins in the last bytes of a window was not looked at yet.
      start += count - Self.smallestBlock + 1
    }
    return offset < footer && (read(footer, 4).map { $0 == [0, 0, 0, 0] } ?? false) ? footer : size
  }

  private func isSoundBlock(_ offset: Int) -> Bool {
    guard offset + Self.smallestBlock <= size, case .sound = block(at: offset) else { return false }
    return true
  }

  /// Whether the headers of a block and of its first document make sense. Spares most offsets the reading of a block.
  private func isPlausible(_ window: UnsafeRawBufferPointer, _ index: Int, at offset: Int) -> Bool {
    let length = Int(window.load32(at: index))
    guard length >= Self.smallestBlock, length <= CheckpointFormat.blockBytesMax, offset + length <= size else {
      return false
    }
    let count = Int(window.load32(at: index + 4))
    let first = index + CheckpointFormat.blockHeaderBytes
    return count >= 1 && CheckpointFormat.blockHeaderBytes + count * CheckpointFormat.recordHeaderBytes <= length
      && Self.smallestBlock + Int(window.load32(at: first + 8)) + Int(window.load32(at: first + 12)) <= length
  }
}

/// Hands the documents of a block, header included, to `body`. Returns their number, whatever the header says; nil if the
/// last one does not end where the block does.
func forEachDocument(inBlock block: UnsafeRawBufferPointer, _ body: (LogRecord) -> Void) -> Int? {
  var position = CheckpointFormat.blockHeaderBytes
  var count = 0
  while position < block.count {
    let key = position + CheckpointFormat.recordHeaderBytes
    guard key <= block.count else { return nil }
    let document = key + Int(block.load32(at: position + 8))
    let end = document + Int(block.load32(at: position + 12))
    guard end <= block.count else { return nil }
    body(
      LogRecord(
        kind: .put, lsn: block.load64(at: position), durableLSN: 0,
        key: UnsafeRawBufferPointer(rebasing: block[key..<document]),
        document: UnsafeRawBufferPointer(rebasing: block[document..<end])))
    position = end
    count += 1
  }
  return count
}
