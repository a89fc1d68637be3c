/// The payload of a batch frame: several operations that are one record of the log, with one LSN and one checksum, so that
/// all of them are there after a crash or none is.
/// The bytes are in the article <doc:FormatOnDisk>.
@usableFromInline
enum LogBatch {
  static let headerBytes = 8
  static let operationHeaderBytes = 12

  /// Bytes that an operation takes in the payload.
  static func operationBytes(payload: Int) -> Int { operationHeaderBytes + payload }

  /// Bytes of the payload of these operations.
  /// - Throws: `.tooLarge`.
  @usableFromInline
  static func payloadBytes(_ operations: [EncodedRecord]) throws(StoreError) -> Int {
    let bytes = operations.reduce(headerBytes) { $0 + operationBytes(payload: $1.payload.count) }
    if bytes > LogFormat.batchBytesMax {
      throw .tooLarge(what: "the batch", bytes: bytes, limit: LogFormat.batchBytesMax)
    }
    return bytes
  }

  /// The payload of puts and removes, each key once.
  /// - Complexity: O(bytes), a copy.
  @usableFromInline
  static func payload(_ operations: [(isPut: Bool, record: EncodedRecord)]) -> [UInt8] {
    var encoder = LogBatchEncoder()
    for (isPut, record) in operations {
      encoder.append(isPut ? .put : .remove, payload: record.payload, keyLength: record.keyLength)
    }
    return encoder.payload
  }
}

/// Makes the payload of a batch frame, one operation after the other.
struct LogBatchEncoder {
  /// The payload so far; complete after every `append`.
  private(set) var payload = [UInt8](repeating: 0, count: LogBatch.headerBytes)
  private(set) var count = 0

  /// Adds a put, or a remove, whose `payload` is then the key alone.
  ///
  /// Operations are replayed in their order, but all have the same LSN: give each key once.
  /// - Parameter operation: encoded key and document; both are within the limits of `LogFormat`.
  /// - Complexity: O(bytes), a copy.
  mutating func append(_ kind: LogRecordKind, payload operation: [UInt8], keyLength: Int) {
    precondition(kind == .put || kind == .remove, "a batch holds puts and removes")
    precondition(keyLength <= operation.count && (kind == .put || keyLength == operation.count))
    withUnsafeTemporaryAllocation(byteCount: LogBatch.operationHeaderBytes, alignment: 4) { header in
      header.store(UInt32(kind.rawValue), at: 0)
      header.store(UInt32(keyLength), at: 4)
      header.store(UInt32(operation.count - keyLength), at: 8)
      payload.append(contentsOf: header)
    }
    payload.append(contentsOf: operation)
    count += 1
    let total = UInt32(count)
    payload.withUnsafeMutableBytes { $0.store(total, at: 0) }
  }
}

/// Walks the operations of a batch frame. Made only of a payload that is well formed to its last byte, so that no operation
/// is handed out of a batch that is not whole.
struct LogBatchReader {
  /// What is wrong with a payload, and where in it.
  struct Malformed: Error, Hashable {
    let offset: Int
    let reason: String
  }

  let count: Int
  private let payload: UnsafeRawBufferPointer
  private let lsn: UInt64
  private let durableLSN: UInt64
  // Safe: `init` has walked all operations, so every position that `next` comes to was compared with the payload's end.
  private var position = LogBatch.headerBytes

  /// - Complexity: O(operations).
  init(_ payload: UnsafeRawBufferPointer, lsn: UInt64, durableLSN: UInt64) throws(Malformed) {
    guard payload.count >= LogBatch.headerBytes else { throw Malformed(offset: 0, reason: "a batch without a count") }
    count = Int(payload.load32(at: 0))
    guard payload.load32(at: 4) == 0 else { throw Malformed(offset: 4, reason: "a batch of an unknown form") }
    var position = LogBatch.headerBytes
    for number in 0..<count {
      guard position + LogBatch.operationHeaderBytes <= payload.count else {
        throw Malformed(offset: position, reason: "a batch of \(count) operations that ends after \(number)")
      }
      let kind = payload.load32(at: position)
      let documentLength = Int(payload.load32(at: position + 8))
      let isPut = kind == UInt32(LogRecordKind.put.rawValue)
      guard isPut || kind == UInt32(LogRecordKind.remove.rawValue) && documentLength == 0 else {
        throw Malformed(offset: position, reason: "an operation of a batch that is neither a put nor a remove")
      }
      let end = position + LogBatch.operationHeaderBytes + Int(payload.load32(at: position + 4)) + documentLength
      guard end <= payload.count else {
        throw Malformed(offset: position, reason: "an operation that does not fit into its batch")
      }
      position = end
    }
    guard position == payload.count else {
      throw Malformed(offset: position, reason: "bytes behind the operations of a batch")
    }
    self.payload = payload
    self.lsn = lsn
    self.durableLSN = durableLSN
  }

  /// The next operation as a record with the LSN of the batch; nil after the last. The payload must still be there.
  mutating func next() -> LogRecord? {
    guard position < payload.count else { return nil }
    let key = position + LogBatch.operationHeaderBytes
    let document = key + Int(payload.load32(at: position + 4))
    let end = document + Int(payload.load32(at: position + 8))
    let isPut = payload[position] == LogRecordKind.put.rawValue
    position = end
    return LogRecord(
      kind: isPut ? .put : .remove, lsn: lsn, durableLSN: durableLSN,
      key: UnsafeRawBufferPointer(rebasing: payload[key..<document]),
      document: UnsafeRawBufferPointer(rebasing: payload[document..<end]))
  }
}
