/// The newest version of each document in the bytes it was logged in, without knowing its type: for tools that must give
/// back exactly what they read. Records may come in any order; a removal is remembered, so that it wins over older puts.
struct DocumentTable {
  struct Version {
    let lsn: UInt64
    /// Key and document; the key alone if this version is a removal.
    let payload: [UInt8]
    let keyLength: Int
    let isRemoved: Bool
    /// The document is known to have been there, in this version, up to this LSN.
    let currentUpTo: UInt64

    var key: [UInt8] { Array(payload[..<keyLength]) }
    var document: [UInt8] { Array(payload[keyLength...]) }
  }

  /// Keys are equal if generic tools take them for equal; a key that is no CBOR item is its bytes.
  private enum Key: Hashable {
    case value(Value)
    case bytes([UInt8])

    init(_ bytes: UnsafeRawBufferPointer) {
      if let value = try? CBORReader.read(bytes, { try $0.readValue() }) {
        self = .value(value)
      } else {
        self = .bytes(Array(bytes))
      }
    }
  }

  private var versions: [Key: Version] = [:]
  private var clearLSN: UInt64 = 0

  /// - Parameter currentUpTo: for a record of a checkpoint, the LSN from which on the log continues it.
  /// - Complexity: O(bytes of the record), a copy.
  mutating func apply(_ record: LogRecord, currentUpTo: UInt64 = 0) {
    if record.kind == .clear {
      clearLSN = max(clearLSN, record.lsn)
      return
    }
    let key = Key(record.key)
    // The same LSN twice is the same version, from a checkpoint and from the log, or a later operation of one batch.
    if let known = versions[key], known.lsn > record.lsn { return }
    versions[key] = Version(
      lsn: record.lsn, payload: Array(record.key) + Array(record.document), keyLength: record.key.count,
      isRemoved: record.kind == .remove,
      currentUpTo: max(record.lsn, currentUpTo, versions[key].map { $0.lsn == record.lsn ? $0.currentUpTo : 0 } ?? 0))
  }

  /// The documents that there are, in the order of their LSNs.
  /// - Complexity: O(documents × log documents).
  func documents() -> [Version] {
    versions.values.filter { !$0.isRemoved && $0.lsn >= clearLSN }.sorted { left, right in
      // Two documents of one batch share its LSN; the bytes of their keys give an order that does not change.
      left.lsn != right.lsn
        ? left.lsn < right.lsn
        : left.payload[..<left.keyLength].lexicographicallyPrecedes(right.payload[..<right.keyLength])
    }
  }
}
