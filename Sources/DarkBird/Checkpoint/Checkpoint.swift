import Foundation

/// A checkpoint: all documents at some moment between two LSNs, in the file `ckpt-<end LSN>`. It is fuzzy: writes go on
/// while it is taken, each document is there in some version of that span, and the replay of the log from the start LSN
/// on makes them whole.
/// The bytes are in the article <doc:FormatOnDisk>.
enum CheckpointFormat {
  static let magic: [UInt8] = Array("DBIRDCKP".utf8)
  static let headerBytes = 64
  static let blockHeaderBytes = 12
  static let recordHeaderBytes = 16
  static let footerBytes = 20
  /// A block is written when it has grown to this.
  static let blockBytes = 64 << 10
  /// The largest block: one that a document as large as can be makes larger than that.
  static let blockBytesMax = blockBytes + recordHeaderBytes + LogFormat.keyBytesMax + LogFormat.documentBytesMax

  /// Bytes of the header that are not zero, though no field is there; nil if there are none.
  static func strayBytes(_ header: [UInt8]) -> Range<Int>? {
    header.withUnsafeBytes { nonZeros($0, 12..<16) ?? nonZeros($0, 40..<60) }
  }
  static let strayReason = "a byte of the checkpoint's header that must be zero"
  static let behindFooterReason = "bytes behind the checkpoint's footer"
}

/// Writes one checkpoint to a draft file, block by block.
struct CheckpointWriter {
  private let fileSystem: any FileSystem
  private let directory: String
  private let draft: String
  private let file: any File
  private var pieces = PieceSync()
  private var offset = 0
  private var block: [UInt8] = []
  private var blockDocuments: UInt32 = 0
  private var documents: UInt64 = 0
  private var chain: UInt32 = 0

  init(_ directory: String, _ fileSystem: any FileSystem, store: UUID, startLSN: UInt64) throws(SystemError) {
    self.fileSystem = fileSystem
    self.directory = directory
    draft = "\(directory)/\(LogFormat.checkpointDraftName)"
    file = try fileSystem.open(draft, .createIfMissing)
    var header = [UInt8](repeating: 0, count: CheckpointFormat.headerBytes)
    header.withUnsafeMutableBytes { raw in
      raw.copyBytes(from: CheckpointFormat.magic)
      raw.store(UInt32(LogFormat.version), at: 8)
      withUnsafeBytes(of: store.uuid) { UnsafeMutableRawBufferPointer(rebasing: raw[16..<32]).copyBytes(from: $0) }
      raw.store(startLSN, at: 32)
      raw.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[..<60])), at: 60)
    }
    do throws(SystemError) {
      try file.truncate(to: 0)
      try write(header)
    } catch {
      cancel()
      throw error
    }
  }

  /// - Parameter payload: encoded key and document.
  mutating func add(lsn: UInt64, payload: [UInt8], keyLength: Int) throws(SystemError) {
    if block.isEmpty { block.append(contentsOf: repeatElement(0, count: CheckpointFormat.blockHeaderBytes)) }
    appendDocument(lsn: lsn, payload: payload, keyLength: keyLength, to: &block)
    blockDocuments += 1
    documents += 1
    if block.count >= CheckpointFormat.blockBytes { try flush() }
  }

  private mutating func flush() throws(SystemError) {
    if block.isEmpty { return }
    let count = blockDocuments
    chain = block.withUnsafeMutableBytes { [chain] raw in
      let body = UnsafeRawBufferPointer(rebasing: raw[CheckpointFormat.blockHeaderBytes...])
      let checksum = CRC32C.checksum(body)
      raw.store(UInt32(raw.count), at: 0)
      raw.store(count, at: 4)
      raw.store(checksum, at: 8)
      return chained(chain, checksum)
    }
    try write(block)
    block.removeAll(keepingCapacity: true)
    blockDocuments = 0
  }

  private mutating func write(_ bytes: [UInt8]) throws(SystemError) {
    try file.writeAll(bytes, at: offset)
    offset += bytes.count
    try pieces.wrote(upTo: offset, of: file)
  }

  /// Writes the footer, syncs and gives the file its name. Returns its size in bytes.
  mutating func finish(endLSN: UInt64) throws(SystemError) -> Int {
    try flush()
    var footer = [UInt8](repeating: 0, count: 4 + CheckpointFormat.footerBytes)
    footer.withUnsafeMutableBytes { raw in
      raw.store(documents, at: 4)
      raw.store(endLSN, at: 12)
      raw.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[4..<20]), seed: chain), at: 20)
    }
    try write(footer)
    // Sync before rename: a crash must never expose an empty checkpoint.
    if !planted(.checkpointNotSynced) { try file.synchronize() }
    file.close()
    try fileSystem.rename(draft, to: "\(directory)/\(LogFormat.checkpointName(endLSN))")
    try fileSystem.synchronizeDirectory(directory)
    return offset
  }

  /// Removes the draft.
  func cancel() {
    file.close()
    try? fileSystem.remove(draft)
  }
}

/// Appends a document to a block, in the form that `readDocuments` reads.
func appendDocument(lsn: UInt64, payload: [UInt8], keyLength: Int, to block: inout [UInt8]) {
  withUnsafeTemporaryAllocation(byteCount: CheckpointFormat.recordHeaderBytes, alignment: 8) { header in
    header.store(lsn, at: 0)
    header.store(UInt32(keyLength), at: 8)
    header.store(UInt32(payload.count - keyLength), at: 12)
    block.append(contentsOf: header)
  }
  block.append(contentsOf: payload)
}

/// Reads and verifies a checkpoint.
/// - Returns: the LSN at its start, the number of documents, and the size of the file in bytes.
/// - Throws: `.corrupt` naming the offset; what `body` throws.
func readCheckpoint(
  _ path: String, _ fileSystem: any FileSystem, store: UUID, endLSN: UInt64,
  _ body: (LogRecord) throws(StoreError) -> Void
) throws(StoreError) -> (startLSN: UInt64, documents: Int, bytes: Int) {
  func corrupt(_ reason: String, _ offset: Int) -> StoreError { .corrupt(path: path, offset: offset, reason: reason) }
  let file: any File
  let size: Int
  do throws(SystemError) {
    file = try fileSystem.open(path, .read)
    size = try file.size()
  } catch {
    if error.isMissing { throw corrupt("the checkpoint that the manifest names is missing", 0) }
    throw StoreError(error)
  }
  defer { file.close() }
  func bytes(at offset: Int, _ count: Int) throws(StoreError) -> [UInt8] {
    guard offset + count <= size else { throw corrupt("the checkpoint is cut off", offset) }
    let found: [UInt8]
    do { found = try file.readAll(at: offset, count: count) } catch { throw StoreError(error) }
    guard found.count == count else { throw corrupt("the checkpoint is cut off", offset) }
    return found
  }

  let header = try bytes(at: 0, CheckpointFormat.headerBytes)
  guard header.starts(with: CheckpointFormat.magic) else { throw corrupt("not a checkpoint", 0) }
  let isHeaderSound = header.withUnsafeBytes {
    CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[..<60])) == $0.load32(at: 60)
  }
  guard isHeaderSound else { throw corrupt("wrong checksum of the checkpoint's header", 60) }
  let version = header.withUnsafeBytes { $0.load32(at: 8) }
  guard version == LogFormat.version else {
    throw .newerFormat(path: path, found: Int(version), supported: LogFormat.version)
  }
  let isOfStore = withUnsafeBytes(of: store.uuid) { $0.elementsEqual(header[16..<32]) }
  guard isOfStore else { throw corrupt("a checkpoint of another store", 16) }
  if let stray = CheckpointFormat.strayBytes(header) { throw corrupt(CheckpointFormat.strayReason, stray.lowerBound) }
  let startLSN = header.withUnsafeBytes { $0.load64(at: 32) }
  guard endLSN <= LogFormat.lsnMax, startLSN <= endLSN else {
    throw corrupt("a checkpoint that begins at LSN \(startLSN) and ends at LSN \(endLSN)", 32)
  }

  var offset = CheckpointFormat.headerBytes
  var chain: UInt32 = 0
  var documents = 0
  while true {
    let length = try bytes(at: offset, 4).withUnsafeBytes { Int($0.load32(at: 0)) }
    if length == 0 { break }
    guard length > CheckpointFormat.blockHeaderBytes, length <= CheckpointFormat.blockBytesMax else {
      throw corrupt("a block of \(length) bytes", offset)
    }
    let block = try bytes(at: offset, length)
    let result = block.withUnsafeBytes { raw -> Result<(Int, UInt32), StoreError> in
      do throws(StoreError) {
        return .success(try readCheckpointBlock(raw, endLSN: endLSN, path: path, offset: offset, body))
      } catch {
        return .failure(error)
      }
    }
    let (count, checksum) = try result.get()
    documents += count
    chain = chained(chain, checksum)
    offset += length
  }
  let footer = try bytes(at: offset + 4, CheckpointFormat.footerBytes)
  let (count, lastLSN, checksum, expected) = footer.withUnsafeBytes {
    (
      $0.load64(at: 0), $0.load64(at: 8), $0.load32(at: 16),
      CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[..<16]), seed: chain)
    )
  }
  guard checksum == expected else { throw corrupt("wrong checksum of the checkpoint's footer", offset + 20) }
  guard count == UInt64(documents), lastLSN == endLSN else {
    throw corrupt("the footer contradicts the checkpoint", offset + 4)
  }
  let end = offset + 4 + CheckpointFormat.footerBytes
  guard end == size else { throw corrupt(CheckpointFormat.behindFooterReason, end) }
  return (startLSN, documents, size)
}

/// Hands the documents of one block to `body`; returns their number and the block's checksum.
private func readCheckpointBlock(
  _ block: UnsafeRawBufferPointer, endLSN: UInt64, path: String, offset: Int,
  _ body: (LogRecord) throws(StoreError) -> Void
) throws(StoreError) -> (Int, UInt32) {
  let checksum = block.load32(at: 8)
  let count = Int(block.load32(at: 4))
  let content = UnsafeRawBufferPointer(rebasing: block[CheckpointFormat.blockHeaderBytes...])
  guard CRC32C.checksum(content) == checksum else {
    throw .corrupt(path: path, offset: offset, reason: "wrong checksum of a block")
  }
  let contentOffset = offset + CheckpointFormat.blockHeaderBytes
  return (
    try readDocuments(content, count: count, endLSN: endLSN, path: path, offset: contentOffset, body), checksum
  )
}

/// Hands `count` documents, one behind the other, to `body`.
/// - Parameters:
///   - endLSN: no document may be newer: the log goes on there, and what it said of such a document would not count.
///   - offset: where the content begins in the file, for errors.
func readDocuments(
  _ content: UnsafeRawBufferPointer, count: Int, endLSN: UInt64, path: String, offset: Int,
  _ body: (LogRecord) throws(StoreError) -> Void
) throws(StoreError) -> Int {
  var position = 0
  for _ in 0..<count {
    guard position + CheckpointFormat.recordHeaderBytes <= content.count else {
      throw .corrupt(path: path, offset: offset + position, reason: "a block that ends within a document")
    }
    let lsn = content.load64(at: position)
    let key = position + CheckpointFormat.recordHeaderBytes
    let document = key + Int(content.load32(at: position + 8))
    let end = document + Int(content.load32(at: position + 12))
    guard end <= content.count else {
      throw .corrupt(path: path, offset: offset + position, reason: "a block that ends within a document")
    }
    guard lsn > 0, lsn <= endLSN || planted(.documentBeyondTheEnd) else {
      throw .corrupt(
        path: path, offset: offset + position, reason: "a document of LSN \(lsn) in what ends at LSN \(endLSN)")
    }
    try body(
      LogRecord(
        kind: .put, lsn: lsn, durableLSN: 0, key: UnsafeRawBufferPointer(rebasing: content[key..<document]),
        document: UnsafeRawBufferPointer(rebasing: content[document..<end])))
    position = end
  }
  guard position == content.count else {
    throw .corrupt(path: path, offset: offset + position, reason: "bytes behind the documents of a block")
  }
  return count
}
