public import Foundation

/// A backup: all documents of a store as of one LSN, in one file that can be checked by itself. Sections follow a header, each
/// with its length and checksum; the last one closes over all of them.
/// The bytes are in the article <doc:BackupFormat>.
enum BackupFormat {
  static let magic: [UInt8] = Array("DBIRDBAK".utf8)
  /// What is written.
  static let version = 1
  /// The oldest version whose readers understand what is written.
  static let readableBy = 1
  static let headerBytes = 64
  static let sectionHeaderBytes = 16
  /// Documents are written when there are so many bytes of them.
  static let sectionBytes = 64 << 10
  /// The longest section that a sound file can have: one document of the largest size behind others.
  static let sectionBytesMax =
    sectionHeaderBytes + sectionBytes + CheckpointFormat.recordHeaderBytes + LogFormat.keyBytesMax
    + LogFormat.documentBytesMax
  static let endBytes = 24

  enum Section {
    static let description: UInt32 = 1
    static let documents: UInt32 = 2
    static let end: UInt32 = 3
    /// Readers pass over a section with this bit whose kind they do not know.
    static let optional: UInt32 = 0x8000_0000
  }
}

/// What the beginning of a backup says of the rest.
struct BackupHeader: Equatable, Sendable {
  /// The store that was backed up.
  var store: UUID
  /// Of the last change that is in it.
  var lsn: UInt64
  var schema = SchemaDescription()
  /// Version of the documents' schema; see `Migrator`.
  var schemaVersion: UInt64 = 0
  var documents: Int
  var created: Date

  /// The first bytes of the file.
  func encoded() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: BackupFormat.headerBytes)
    bytes.withUnsafeMutableBytes { raw in
      raw.copyBytes(from: BackupFormat.magic)
      raw.store(UInt32(BackupFormat.version), at: 8)
      raw.store(UInt32(BackupFormat.readableBy), at: 12)
      withUnsafeBytes(of: store.uuid) { UnsafeMutableRawBufferPointer(rebasing: raw[16..<32]).copyBytes(from: $0) }
      raw.store(lsn, at: 32)
      raw.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[..<60])), at: 60)
    }
    return bytes
  }

  /// The content of the section behind them.
  var description: Record {
    [
      "documents": .int(Int64(documents)),
      "created": .date(created),
      "schemaVersion": Value(schemaVersion),
      "fields": Manifest.value(schema.fields),
      "computed": Manifest.value(schema.computed),
    ]
  }

  mutating func take(_ description: Record) -> Bool {
    guard case .int(let count)? = description["documents"], let documents = Int(exactly: count), documents >= 0,
      case .date(let created)? = description["created"], created.iso8601 != nil,
      let version = Manifest.number(description["schemaVersion"])
    else { return false }
    self.documents = documents
    self.created = created
    schemaVersion = version
    schema.fields = Manifest.fieldSchema(description["fields"])
    schema.computed = Manifest.fieldSchema(description["computed"])
    return true
  }
}

/// What a backup holds.
public struct BackupReport: Sendable, Hashable, Codable {
  /// Of the last change that is in it.
  public var lsn: UInt64
  public var documents: Int
  public var bytes: Int
  /// Made when the store was that it was taken of.
  public var store: UUID
  public var created: Date
  public var schema: SchemaDescription
}

extension Date {
  /// Now, in a form that every encoding of a date gives back.
  static var wholeSecond: Date { Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down)) }
}
