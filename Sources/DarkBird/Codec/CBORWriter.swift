public import Foundation

/// Appends CBOR items (RFC 8949) to a buffer of bytes: integers in their shortest form, floating point in eight bytes,
/// definite lengths only.
///
/// The caller keeps the structure right: after `beginArray(count: n)` come n items, after `beginMap(count: n)` come n
/// pairs of a name and an item.
public struct CBORWriter: Sendable {
  @usableFromInline var buffer: [UInt8]
  /// Bytes at the beginning that belong to somebody else, and stay.
  @usableFromInline var kept = 0

  /// Everything that was written so far. Costs no copy.
  @inlinable public var bytes: [UInt8] { buffer }

  /// - Parameter capacity: bytes to make room for at once.
  @inlinable
  public init(capacity: Int = 256) {
    buffer = []
    buffer.reserveCapacity(capacity)
  }

  /// With these bytes written.
  init(_ bytes: some Sequence<UInt8>) { buffer = Array(bytes) }

  /// Empties the buffer and keeps its memory, so that one writer can serve many documents. The writer that a document's
  /// `encode(cbor:)` gets may have more in its buffer, which stays, also in copies of it.
  @inlinable
  public mutating func removeAll() {
    buffer.removeSubrange(kept...)
  }

  @inlinable
  public mutating func writeNull() {
    buffer.append(CBORFormat.null)
  }

  @inlinable
  public mutating func write(_ value: Bool) {
    buffer.append(value ? CBORFormat.true : CBORFormat.false)
  }

  @inlinable
  public mutating func write(_ value: Int64) {
    // -1 - n of a negative n is ~n, which cannot overflow.
    if value < 0 {
      writeHead(CBORFormat.negative, UInt64(~value))
    } else {
      writeHead(CBORFormat.unsigned, UInt64(value))
    }
  }

  @inlinable
  public mutating func write(_ value: Int) {
    write(Int64(value))
  }

  @inlinable
  public mutating func write(_ value: UInt64) {
    writeHead(CBORFormat.unsigned, value)
  }

  /// All NaNs alike, for they are equal as keys.
  public mutating func write(_ value: Double) {
    buffer.append(CBORFormat.double)
    append(bigEndian: value.isNaN ? Double.nan.bitPattern : value.bitPattern)
  }

  /// Text.
  /// - Complexity: O(UTF-8 bytes); one copy if the string is native, as all strings on Linux are.
  public mutating func write(_ value: String) {
    // Without a copy of the string, whose references would be counted.
    let isWritten: Void? = value.utf8.withContiguousStorageIfAvailable { text in
      writeHead(CBORFormat.text, UInt64(text.count))
      buffer.append(contentsOf: text)
    }
    if isWritten != nil { return }
    writeHead(CBORFormat.text, UInt64(value.utf8.count))
    buffer.append(contentsOf: value.utf8)
  }

  /// A byte string.
  public mutating func write(_ value: [UInt8]) {
    writeHead(CBORFormat.bytes, UInt64(value.count))
    buffer.append(contentsOf: value)
  }

  /// A byte string.
  public mutating func write(_ value: Data) {
    writeHead(CBORFormat.bytes, UInt64(value.count))
    buffer.append(contentsOf: value)
  }

  /// Tag 1 and the seconds since 1970 as floating point.
  public mutating func write(_ value: Date) {
    writeHead(CBORFormat.tag, CBORFormat.tagDate)
    write(value.timeIntervalSince1970)
  }

  /// Tag 37 and 16 bytes.
  public mutating func write(_ value: UUID) {
    writeHead(CBORFormat.tag, CBORFormat.tagUUID)
    writeHead(CBORFormat.bytes, 16)
    withUnsafeBytes(of: value.uuid) { buffer.append(contentsOf: $0) }
  }

  /// Begins an array; `count` items must follow.
  @inlinable
  public mutating func beginArray(count: Int) {
    precondition(count >= 0)
    writeHead(CBORFormat.array, UInt64(count))
  }

  /// Begins a map; `count` pairs of a name and an item must follow.
  @inlinable
  public mutating func beginMap(count: Int) {
    precondition(count >= 0)
    writeHead(CBORFormat.map, UInt64(count))
  }

  /// - Throws: if arrays and maps lie more than 64 deep in each other, for no reader would take that back.
  public mutating func write(_ value: Value) throws(CBORError) {
    try write(value, depth: 0)
  }

  /// A map of the record's fields in their order.
  /// - Throws: if arrays and maps lie more than 64 deep in each other, for no reader would take that back.
  public mutating func write(_ value: Record) throws(CBORError) {
    try write(value, depth: 0)
  }

  /// - Parameter depth: arrays and maps around the value.
  mutating func write(_ value: Value, depth: Int) throws(CBORError) {
    switch value {
    case .null: writeNull()
    case .bool(let value): write(value)
    case .int(let value): write(value)
    case .unsigned(let value): write(value)
    case .double(let value): write(value)
    case .string(let value): write(value)
    case .bytes(let value): write(value)
    case .date(let value): write(value)
    case .array(let values):
      try checkDepth(depth)
      beginArray(count: values.count)
      for value in values { try write(value, depth: depth + 1) }
    case .map(let record): try write(record, depth: depth)
    }
  }

  private mutating func write(_ record: Record, depth: Int) throws(CBORError) {
    try checkDepth(depth)
    beginMap(count: record.fields.count)
    for field in record.fields {
      write(field.name)
      try write(field.value, depth: depth + 1)
    }
  }

  /// Throws if one more array or map inside `depth` others is one too many.
  func checkDepth(_ depth: Int) throws(CBORError) {
    if depth >= CBORFormat.depthMax {
      throw CBORError(offset: buffer.count, reason: CBORFormat.tooDeep)
    }
  }

  /// The first byte of an item, and its argument in as few bytes as it needs.
  @inlinable
  mutating func writeHead(_ major: UInt8, _ argument: UInt64) {
    if argument < 24 {
      buffer.append(major | UInt8(truncatingIfNeeded: argument))
    } else {
      writeLongHead(major, argument)
    }
  }

  @usableFromInline
  mutating func writeLongHead(_ major: UInt8, _ argument: UInt64) {
    if let argument = UInt8(exactly: argument) {
      buffer.append(major | 24)
      buffer.append(argument)
    } else if let argument = UInt16(exactly: argument) {
      buffer.append(major | 25)
      append(bigEndian: argument)
    } else if let argument = UInt32(exactly: argument) {
      buffer.append(major | 26)
      append(bigEndian: argument)
    } else {
      buffer.append(major | 27)
      append(bigEndian: argument)
    }
  }

  private mutating func append<Integer: FixedWidthInteger>(bigEndian value: Integer) {
    // Safe: the bytes of an integer on the stack, copied before the closure ends.
    withUnsafeBytes(of: value.bigEndian) { buffer.append(contentsOf: $0) }
  }
}
