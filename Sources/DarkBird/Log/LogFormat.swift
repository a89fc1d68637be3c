import Foundation

/// Every constant of the log on disk. The article <doc:FormatOnDisk> has the tables of bytes, and examples that a test compares
/// with what is written.
public enum LogFormat {
  public static let version = 1
  static let pageMagic: [UInt8] = Array("DBIRDWAL".utf8)
  static let headerBytes = 4096
  static let headerFieldBytes = 64
  static let frameHeaderBytes = 32
  static let sealPayloadBytes = 24
  static let sealBytes = frameHeaderBytes + sealPayloadBytes

  /// The smallest page that `.bytes` may ask for.
  public static let pageBytesMin = 8 << 10
  /// The largest page that `.bytes` may ask for; one that counts records takes no more when it is as long. An opening reads whole
  /// pages.
  public static let pageBytesMax = 1 << 30
  /// The longest encoded key.
  public static let keyBytesMax = 64 << 10
  /// The longest encoded document.
  public static let documentBytesMax = 64 << 20
  /// The most bytes that the keys and documents of a batch take together, with 12 for each operation and 8 for the batch.
  public static let batchBytesMax = 64 << 20

  /// No LSN is greater, in any file: the manifest keeps them as signed numbers, and there must be one more.
  static let lsnMax = UInt64(Int64.max - 1)
  /// Nor is a store opened for writing behind this one, to which none has come: what it would take, the next opening had to
  /// refuse.
  static let lsnMaxForWriting = lsnMax - (1 << 40)
  /// Nor is a new store made of the records of another that go further: it must be one that can be written to.
  static let lsnMaxForNewStores: UInt64 = 1 << 62

  static func pageName(_ sequence: UInt64) -> String { numbered("wal", sequence) }
  static func checkpointName(_ lsn: UInt64) -> String { numbered("ckpt", lsn) }
  static let manifestName = "MANIFEST"
  static let manifestDraftName = "MANIFEST.new"
  static let checkpointDraftName = "ckpt.new"
  static let lockName = "LOCK"
  static let unfinishedName = "UNFINISHED"
  /// What a creation that was interrupted may leave.
  static let namesOfCreation: Set = [lockName, manifestDraftName, pageName(1)]
  /// Temporary files of a migration that was killed just when it made them: this and a number.
  static let migrationPrefix = "migrate-"

  static func isOfMigration(_ name: String) -> Bool {
    name.hasPrefix(migrationPrefix) && name.dropFirst(migrationPrefix.count).allSatisfy { $0.isASCII && $0.isNumber }
      && name.count > migrationPrefix.count
  }

  /// Whether a store that is being made of something else may have a file of this name before it has a manifest.
  static func isOfNewStore(_ name: String) -> Bool {
    [lockName, manifestDraftName, checkpointDraftName, unfinishedName].contains(name)
      || number(in: name, prefix: "wal") != nil || number(in: name, prefix: "ckpt") != nil
  }

  private static func numbered(_ prefix: String, _ number: UInt64) -> String {
    let digits = String(number)
    return "\(prefix)-\(String(repeating: "0", count: max(0, 12 - digits.count)))\(digits)"
  }

  /// The number in a name that `pageName` or `checkpointName` made; nil for any other name.
  static func number(in name: String, prefix: String) -> UInt64? {
    guard name.hasPrefix(prefix + "-"), let number = UInt64(name.dropFirst(prefix.count + 1)),
      numbered(prefix, number) == name
    else { return nil }
    return number
  }

  static func aligned(_ bytes: Int) -> Int { (bytes + 7) & ~7 }

  /// Bytes that a frame with this payload takes in a page.
  static func frameBytes(payload: Int) -> Int { aligned(frameHeaderBytes + payload) }
}

/// What a frame of the log says.
@usableFromInline
enum LogRecordKind: UInt8, Sendable {
  case put = 1
  case remove = 2
  case clear = 3
  /// Several puts and removes as one record; see `LogBatch`.
  case batch = 4
  case seal = 5
}

/// One record of the log, in memory that lives as long as the call it is passed to.
@usableFromInline
struct LogRecord {
  @usableFromInline let kind: LogRecordKind
  @usableFromInline let lsn: UInt64
  @usableFromInline let durableLSN: UInt64
  @usableFromInline let key: UnsafeRawBufferPointer
  @usableFromInline let document: UnsafeRawBufferPointer
}

/// The facts in a page's header.
struct LogPageHeader: Equatable, Sendable {
  var store: UUID
  var sequence: UInt64
  var firstLSN: UInt64
  var previousChain: UInt32
  var capacity: StoreConfiguration.PageCapacity

  /// `LogFormat.headerBytes` bytes.
  func encoded() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: LogFormat.headerBytes)
    bytes.withUnsafeMutableBytes { raw in
      raw.copyBytes(from: LogFormat.pageMagic)
      raw.store(UInt16(LogFormat.version), at: 8)
      raw.store(UInt32(LogFormat.headerBytes), at: 12)
      withUnsafeBytes(of: store.uuid) { UnsafeMutableRawBufferPointer(rebasing: raw[16..<32]).copyBytes(from: $0) }
      raw.store(sequence, at: 32)
      raw.store(firstLSN, at: 40)
      raw.store(previousChain, at: 48)
      switch capacity {
      case .bytes(let count):
        raw.store(UInt32(0), at: 52)
        raw.store(UInt64(count), at: 56)
      case .records(let count):
        raw.store(UInt32(1), at: 52)
        raw.store(UInt64(count), at: 56)
      }
      raw.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[..<LogFormat.headerFieldBytes])), at: 64)
    }
    return bytes
  }

  enum DecodingFailure: Error, Equatable {
    /// All zero: a page made ahead of need and not begun.
    case unused
    case damaged(String)
    case newer(Int)
  }

  init(
    store: UUID, sequence: UInt64, firstLSN: UInt64, previousChain: UInt32, capacity: StoreConfiguration.PageCapacity
  ) {
    self.store = store
    self.sequence = sequence
    self.firstLSN = firstLSN
    self.previousChain = previousChain
    self.capacity = capacity
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    if isZero(UnsafeRawBufferPointer(rebasing: bytes.prefix(LogFormat.headerBytes)), from: 0) { throw .unused }
    guard bytes.count >= LogFormat.headerBytes else { throw .damaged("the page header is cut off") }
    guard bytes.prefix(8).elementsEqual(LogFormat.pageMagic) else { throw .damaged("not a log page") }
    let fields = UnsafeRawBufferPointer(rebasing: bytes[..<LogFormat.headerFieldBytes])
    guard bytes.load32(at: 64) == CRC32C.checksum(fields) else { throw .damaged("wrong checksum of the page header") }
    guard bytes.load16(at: 8) == LogFormat.version else { throw .newer(Int(bytes.load16(at: 8))) }
    guard bytes.load16(at: 10) == 0, bytes.load32(at: 12) == LogFormat.headerBytes, bytes.load32(at: 52) <= 1 else {
      throw .damaged("a page header of an unknown form")
    }
    var uuid = UUID().uuid
    withUnsafeMutableBytes(of: &uuid) { $0.copyBytes(from: bytes[16..<32]) }
    store = UUID(uuid: uuid)
    sequence = bytes.load64(at: 32)
    firstLSN = bytes.load64(at: 40)
    guard (1...LogFormat.lsnMax).contains(firstLSN) else { throw .damaged("a page that begins at LSN \(firstLSN)") }
    previousChain = bytes.load32(at: 48)
    let count = Int(truncatingIfNeeded: bytes.load64(at: 56))
    capacity = bytes.load32(at: 52) == 1 ? .records(count) : .bytes(count)
  }

  /// Bytes behind the fields that are not zero, as all there must be; nil if there are none.
  static func strayBytes(_ page: UnsafeRawBufferPointer) -> Range<Int>? {
    nonZeros(page, LogFormat.headerFieldBytes + 4..<LogFormat.headerBytes)
  }
  static let strayReason = "a byte of the page header that must be zero"

  /// The CRC state with which each frame of this page begins.
  static func frameSeed(store: UUID, sequence: UInt64) -> UInt32 {
    let seed = withUnsafeBytes(of: store.uuid) { CRC32C.checksum($0) }
    return withUnsafeBytes(of: sequence.littleEndian) { CRC32C.checksum($0, seed: seed) }
  }
}

/// The CRC of the frame that starts at `frame`.
func frameChecksum(_ frame: UnsafeRawBufferPointer, length: Int, seed: UInt32) -> UInt32 {
  let afterLength = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: frame[0..<4]), seed: seed)
  return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: frame[8..<length]), seed: afterLength)
}

func chained(_ chain: UInt32, _ checksum: UInt32) -> UInt32 {
  withUnsafeBytes(of: checksum.littleEndian) { CRC32C.checksum($0, seed: chain) }
}

// Little-endian access. The caller has checked the bounds.
extension UnsafeRawBufferPointer {
  func load16(at offset: Int) -> UInt16 { UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }
  func load32(at offset: Int) -> UInt32 { UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
  func load64(at offset: Int) -> UInt64 { UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
}

extension UnsafeMutableRawBufferPointer {
  func store<I: FixedWidthInteger>(_ value: I, at offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: I.self)
  }
}
