import Foundation

/// Writes a backup to an open file, or to a pipe: each byte once, in order.
struct BackupWriter {
  private let file: any File
  private let header: BackupHeader
  private var pieces = PieceSync()
  private(set) var offset = 0
  private(set) var documents = 0
  /// The section in the making.
  private var section: [UInt8] = []
  private var sectionDocuments: UInt32 = 0
  private var chain: UInt32 = 0

  init(_ file: any File, _ header: BackupHeader) throws(StoreError) {
    self.file = file
    self.header = header
    do throws(SystemError) { try write(header.encoded()) } catch { throw storeError(error, error.path) }
    var writer = CBORWriter()
    do { try header.description.encode(cbor: &writer) } catch { throw .encodingFailed(reason: "\(error)") }
    begin()
    section += writer.bytes
    do throws(SystemError) { try flush(BackupFormat.Section.description) } catch { throw storeError(error, error.path) }
  }

  /// - Parameter payload: encoded key and document.
  mutating func add(lsn: UInt64, payload: [UInt8], keyLength: Int) throws(SystemError) {
    if section.isEmpty { begin() }
    appendDocument(lsn: lsn, payload: payload, keyLength: keyLength, to: &section)
    sectionDocuments += 1
    documents += 1
    if section.count >= BackupFormat.sectionBytes { try flush(BackupFormat.Section.documents) }
  }

  /// Writes what closes the file. Returns its size in bytes.
  mutating func finish() throws(SystemError) -> Int {
    if !section.isEmpty { try flush(BackupFormat.Section.documents) }
    begin()
    section += [UInt8](repeating: 0, count: BackupFormat.endBytes)
    section.withUnsafeMutableBytes { [documents, header, chain] raw in
      raw.store(UInt64(documents), at: BackupFormat.sectionHeaderBytes)
      raw.store(header.lsn, at: BackupFormat.sectionHeaderBytes + 8)
      raw.store(chain, at: BackupFormat.sectionHeaderBytes + 16)
    }
    try flush(BackupFormat.Section.end)
    return offset
  }

  private mutating func begin() {
    section.append(contentsOf: repeatElement(0, count: BackupFormat.sectionHeaderBytes))
  }

  private mutating func flush(_ kind: UInt32) throws(SystemError) {
    let count = sectionDocuments
    chain = section.withUnsafeMutableBytes { [chain] raw in
      raw.store(UInt32(raw.count), at: 0)
      raw.store(kind, at: 4)
      raw.store(count, at: 8)
      let checksum = sectionChecksum(UnsafeRawBufferPointer(raw))
      raw.store(checksum, at: 12)
      return chained(chain, checksum)
    }
    try write(section)
    section.removeAll(keepingCapacity: true)
    sectionDocuments = 0
  }

  private mutating func write(_ bytes: [UInt8]) throws(SystemError) {
    try file.writeAll(bytes, at: offset)
    offset += bytes.count
    try pieces.wrote(upTo: offset, of: file)
  }
}

/// Of all bytes of a section but the checksum's own.
func sectionChecksum(_ section: UnsafeRawBufferPointer) -> UInt32 {
  let head = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: section[..<12]))
  return CRC32C.checksum(
    UnsafeRawBufferPointer(rebasing: section[BackupFormat.sectionHeaderBytes...]), seed: head)
}
