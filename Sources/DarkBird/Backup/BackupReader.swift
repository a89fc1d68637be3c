import Foundation

/// Reads a backup from a file or a pipe, each byte once, in order, one section in memory at a time. Nothing is believed before
/// its checksum is right, and the whole only once the end is.
struct BackupReader {
  private(set) var header: BackupHeader
  private(set) var offset = 0
  private let file: any File
  /// For messages.
  private let path: String
  private var documents = 0
  private var chain: UInt32 = 0

  /// Reads up to the first document.
  /// - Throws: `.notABackup`, `.newerFormat`, `.corrupt`, `.io`.
  init(_ file: any File, path: String) throws(StoreError) {
    self.file = file
    self.path = path
    header = BackupHeader(store: UUID(), lsn: 0, documents: 0, created: Date(timeIntervalSince1970: 0))
    let bytes = try read(BackupFormat.headerBytes)
    guard bytes.starts(with: BackupFormat.magic) else {
      throw .notABackup(path: path, reason: bytes.isEmpty ? "it is empty" : "it does not begin as a backup does")
    }
    guard bytes.count == BackupFormat.headerBytes else { throw corrupt("the backup is cut off", bytes.count) }
    let (checksum, computed, readableBy, lsn) = bytes.withUnsafeBytes {
      (
        $0.load32(at: 60), CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[..<60])), $0.load32(at: 12),
        $0.load64(at: 32)
      )
    }
    guard checksum == computed else { throw corrupt("wrong checksum of the backup's header", 60) }
    // Whatever version wrote it: what counts is who can read it.
    if readableBy > BackupFormat.version {
      throw .newerFormat(path: path, found: Int(readableBy), supported: BackupFormat.version)
    }
    var uuid = UUID().uuid
    withUnsafeMutableBytes(of: &uuid) { $0.copyBytes(from: bytes[16..<32]) }
    header.store = UUID(uuid: uuid)
    header.lsn = lsn
    guard lsn <= LogFormat.lsnMaxForNewStores else { throw corrupt("a backup up to LSN \(lsn)", 32) }
    let start = offset
    let (kind, section) = try nextSection()
    guard kind == BackupFormat.Section.description,
      let description = try? section.withUnsafeBytes({ raw in
        try CBORReader.read(UnsafeRawBufferPointer(rebasing: raw[BackupFormat.sectionHeaderBytes...])) {
          try $0.readRecord()
        }
      }), header.take(description)
    else { throw corrupt("a backup without a description", start) }
  }

  /// Hands all documents to `body`, then checks the end.
  /// - Throws: `.corrupt` naming the offset, `.newerFormat`, `.io`; what `body` throws.
  mutating func forEachDocument(_ body: (LogRecord) throws(StoreError) -> Void) throws(StoreError) {
    while true {
      let start = offset
      let before = chain
      let (kind, section) = try nextSection()
      switch kind {
      case BackupFormat.Section.documents:
        let result = section.withUnsafeBytes { raw in
          Result<Int, StoreError> { () throws(StoreError) in
            try readDocuments(
              UnsafeRawBufferPointer(rebasing: raw[BackupFormat.sectionHeaderBytes...]),
              count: Int(raw.load32(at: 8)), endLSN: header.lsn, path: path,
              offset: start + BackupFormat.sectionHeaderBytes, body)
          }
        }
        documents += try result.get()
      case BackupFormat.Section.end:
        return try checkEnd(section, start, chain: before)
      case _ where kind & BackupFormat.Section.optional != 0: continue
      default: throw corrupt("a section of unknown kind \(kind)", start)
      }
    }
  }

  private mutating func checkEnd(_ section: [UInt8], _ start: Int, chain: UInt32) throws(StoreError) {
    guard section.count >= BackupFormat.sectionHeaderBytes + BackupFormat.endBytes else {
      throw corrupt("an end of \(section.count) bytes", start)
    }
    let (count, lsn, sum) = section.withUnsafeBytes {
      (
        $0.load64(at: BackupFormat.sectionHeaderBytes), $0.load64(at: BackupFormat.sectionHeaderBytes + 8),
        $0.load32(at: BackupFormat.sectionHeaderBytes + 16)
      )
    }
    guard count == UInt64(documents), documents == header.documents, lsn == header.lsn, sum == chain else {
      throw corrupt("the end contradicts the backup", start)
    }
    if try !read(1).isEmpty { throw corrupt("bytes behind the end of the backup", offset - 1) }
  }

  /// The kind and all bytes of the next section, whose checksum is right.
  private mutating func nextSection() throws(StoreError) -> (UInt32, [UInt8]) {
    let start = offset
    var section = try read(BackupFormat.sectionHeaderBytes)
    guard section.count == BackupFormat.sectionHeaderBytes else { throw corrupt("the backup is cut off", offset) }
    let (length, kind, checksum) = section.withUnsafeBytes {
      (Int($0.load32(at: 0)), $0.load32(at: 4), $0.load32(at: 12))
    }
    guard length > BackupFormat.sectionHeaderBytes, length <= BackupFormat.sectionBytesMax else {
      throw corrupt("a section of \(length) bytes", start)
    }
    // In pieces: a length that is wrong must not cost its memory before the file turns out to be shorter.
    while section.count < length {
      let part = try read(min(length - section.count, 1 << 20))
      if part.isEmpty { throw corrupt("the backup is cut off", offset) }
      section += part
    }
    guard section.withUnsafeBytes(sectionChecksum) == checksum else {
      throw corrupt("wrong checksum of a section", start)
    }
    chain = chained(chain, checksum)
    return (kind, section)
  }

  /// The next bytes; fewer than asked for only at the end of the file.
  private mutating func read(_ count: Int) throws(StoreError) -> [UInt8] {
    do throws(SystemError) {
      let bytes = try file.readAll(at: offset, count: count)
      offset += bytes.count
      return bytes
    } catch {
      throw StoreError(error)
    }
  }

  private func corrupt(_ reason: String, _ offset: Int) -> StoreError {
    .corrupt(path: path, offset: offset, reason: reason)
  }
}

extension BackupReport {
  init(_ header: BackupHeader, bytes: Int) {
    self.init(
      lsn: header.lsn, documents: header.documents, bytes: bytes, store: header.store, created: header.created,
      schema: header.schema)
  }
}
