public import Foundation

/// Reads CBOR items (RFC 8949) one after the other from bytes that someone else owns.
///
/// Every read checks the bounds first, so that no bytes whatever can make it trap. It never reserves more memory than
/// the input that is left could fill. Arrays, maps and strings of indefinite length are accepted; tags that a read does
/// not ask for are passed over.
///
/// The bytes must outlive the reader and must not change meanwhile: use it inside `withUnsafeBytes`, or by
/// `CBORReader.read(_:_:)`.
public struct CBORReader {
  // Safe: every access goes through `take` or `peek`, which compare with `bytes.count` before they touch memory.
  @usableFromInline let bytes: UnsafeRawBufferPointer
  @usableFromInline var position = 0
  /// Arrays and maps of indefinite length that `readArrayHeader` and `readMapHeader` have counted, and whose closing
  /// break is still to be passed over.
  @usableFromInline var breaksDue = 0

  /// Bytes read so far, 0...bytes.count.
  @inlinable public var offset: Int { position }

  @inlinable
  public init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// Reads one item, or a sequence of items, that must take up all of `bytes`.
  /// - Throws: what `body` throws, and `CBORError` if it leaves bytes over.
  public static func read<Result>(
    _ bytes: UnsafeRawBufferPointer, _ body: (inout CBORReader) throws -> Result
  ) throws -> Result {
    var reader = CBORReader(bytes)
    let result = try body(&reader)
    guard reader.isAtEnd else { throw CBORError(offset: reader.offset, reason: "bytes left over after the value") }
    return result
  }

  /// Reads one item, or a sequence of items, that must take up all of `bytes`.
  /// - Throws: what `body` throws, and `CBORError` if it leaves bytes over.
  public static func read<Result>(_ bytes: [UInt8], _ body: (inout CBORReader) throws -> Result) throws -> Result {
    try bytes.withUnsafeBytes { try read($0, body) }
  }

  /// Whether all items have been read.
  public var isAtEnd: Bool {
    let rest = bytes.count - offset
    return rest <= breaksDue && bytes[offset...].allSatisfy { $0 == CBORFormat.break }
  }

  // MARK: Scalars

  /// Passes over a null if one comes next, and says whether it did.
  public mutating func skipNull() -> Bool {
    passBreaks()
    guard offset < bytes.count, bytes[offset] == CBORFormat.null || bytes[offset] == CBORFormat.undefined else {
      return false
    }
    position += 1
    return true
  }

  public mutating func readBool() throws(CBORError) -> Bool {
    let head = try nextHead()
    switch head.first {
    case CBORFormat.false: return false
    case CBORFormat.true: return true
    default: throw mismatch("a boolean", head)
    }
  }

  /// - Throws: also if the integer is outside of `Int64`.
  @inlinable
  public mutating func readInt64() throws(CBORError) -> Int64 {
    let start = position
    if let value = takeArgument(of: CBORFormat.unsigned) {
      if value <= UInt64(Int64.max) { return Int64(value) }
      position = start
    }
    return try readAnyInt64()
  }

  @usableFromInline
  mutating func readAnyInt64() throws(CBORError) -> Int64 {
    try int64(nextHead())
  }

  /// - Throws: also if the integer is outside of `Int`.
  @inlinable
  public mutating func readInt() throws(CBORError) -> Int {
    let start = position
    if let value = takeArgument(of: CBORFormat.unsigned) {
      if let value = Int(exactly: value) { return value }
      position = start
    }
    return try readInteger()
  }

  /// - Throws: also if the integer is negative.
  @inlinable
  public mutating func readUInt64() throws(CBORError) -> UInt64 {
    if let value = takeArgument(of: CBORFormat.unsigned) { return value }
    return try readAnyUInt64()
  }

  @usableFromInline
  mutating func readAnyUInt64() throws(CBORError) -> UInt64 {
    let head = try nextHead()
    guard head.major == CBORFormat.unsigned else { throw mismatch("an integer of 0 or more", head) }
    return head.argument
  }

  /// An integer of any other width.
  /// - Throws: also if the integer does not fit.
  public mutating func readInteger<Integer: FixedWidthInteger>(
    _ type: Integer.Type = Integer.self
  ) throws(CBORError) -> Integer {
    let head = try nextHead()
    let value: Integer?
    if head.major == CBORFormat.unsigned {
      value = Integer(exactly: head.argument)
    } else {
      value = Integer(exactly: try int64(head))
    }
    guard let value else { throw CBORError(offset: head.offset, reason: "the integer does not fit in \(type)") }
    return value
  }

  /// A floating-point number of 2, 4 or 8 bytes, or an integer (rounded to the nearest `Double`).
  @inlinable
  public mutating func readDouble() throws(CBORError) -> Double {
    if let value = takeDouble() { return value }
    return try readAnyNumber()
  }

  @usableFromInline
  mutating func readAnyNumber() throws(CBORError) -> Double {
    let head = try nextHead()
    guard let value = number(head) else { throw mismatch("a number", head) }
    return value
  }

  /// Text.
  /// - Throws: also if it is not valid UTF-8.
  /// - Complexity: O(bytes): one pass to validate, one copy.
  @inlinable
  public mutating func readString() throws(CBORError) -> String {
    if let text = takeASCII() { return String(decoding: text, as: UTF8.self) }
    return try readAnyString()
  }

  @usableFromInline
  mutating func readAnyString() throws(CBORError) -> String {
    try string(nextHead())
  }

  /// Text that is the name of a field, to choose by it: like `readString`, but makes no string.
  /// - Throws: also if it is not valid UTF-8.
  /// - Complexity: O(bytes), without memory.
  @inlinable
  public mutating func readName() throws(CBORError) -> CBORName {
    if let text = takeASCII() { return CBORName(text.baseAddress.unsafelyUnwrapped, count: text.count) }
    return try readAnyName()
  }

  @usableFromInline
  mutating func readAnyName() throws(CBORError) -> CBORName {
    let head = try nextHead()
    let start = position
    let text = try string(head)
    // Safe: there was a head, so that there are bytes; and the text came right behind it.
    let place = bytes.baseAddress.unsafelyUnwrapped + start
    return head.isIndefinite ? CBORName(joined: text, near: place) : CBORName(place, count: position - start)
  }

  /// A byte string.
  public mutating func readBytes() throws(CBORError) -> [UInt8] {
    try byteString(nextHead())
  }

  /// Tag 1 and a number of seconds since 1970.
  public mutating func readDate() throws(CBORError) -> Date {
    let head = try nextHead()
    guard head.tag == CBORFormat.tagDate, let seconds = number(head) else { throw mismatch("a date", head) }
    return Date(timeIntervalSince1970: seconds)
  }

  /// A byte string of 16 bytes, or text in the form of `UUID.uuidString`.
  public mutating func readUUID() throws(CBORError) -> UUID {
    let head = try nextHead()
    let uuid: UUID?
    switch head.major {
    case CBORFormat.bytes: uuid = UUID(bytes: try byteString(head))
    case CBORFormat.text: uuid = UUID(uuidString: try string(head))
    default: uuid = nil
    }
    guard let uuid else { throw mismatch("a UUID", head) }
    return uuid
  }

  // MARK: Arrays and maps

  /// Begins an array and returns how many items follow, which the caller must read or skip.
  /// - Complexity: O(1); O(bytes of the array) if its length is indefinite.
  @inlinable
  public mutating func readArrayHeader() throws(CBORError) -> Int {
    let start = position
    if let count = takeArgument(of: CBORFormat.array) {
      // Every item takes at least one byte.
      if count <= UInt64(bytes.count &- position) { return Int(count) }
      position = start
    }
    return try readAnyArrayHeader()
  }

  @usableFromInline
  mutating func readAnyArrayHeader() throws(CBORError) -> Int {
    let head = try nextHead()
    guard head.major == CBORFormat.array else { throw mismatch("an array", head) }
    return try containerCount(head, itemsPerElement: 1)
  }

  /// Begins a map and returns how many pairs follow, which the caller must read or skip.
  /// - Complexity: O(1); O(bytes of the map) if its length is indefinite.
  @inlinable
  public mutating func readMapHeader() throws(CBORError) -> Int {
    let start = position
    if let count = takeArgument(of: CBORFormat.map) {
      if count <= UInt64((bytes.count &- position) / 2) { return Int(count) }
      position = start
    }
    return try readAnyMapHeader()
  }

  @usableFromInline
  mutating func readAnyMapHeader() throws(CBORError) -> Int {
    let head = try nextHead()
    guard head.major == CBORFormat.map else { throw mismatch("a map", head) }
    return try containerCount(head, itemsPerElement: 2)
  }

  /// Reads a map whose names are text: calls `body` for each name, with the reader before the field's value. A value
  /// that `body` does not read is skipped, so that unknown fields need no care. `switch name` chooses by literals.
  @inlinable
  public mutating func readMap(_ body: (_ name: CBORName, _ reader: inout CBORReader) throws -> Void) throws {
    for _ in 0..<(try readMapHeader()) {
      let name = try readName()
      if breaksDue > 0 { passBreaks() }
      let start = position
      try body(name, &self)
      if position == start { try skipValue() }
    }
  }

  /// Reads any item.
  ///
  /// Tag 1 gives a date, tag 37 the UUID's text; other tags are passed over. Undefined becomes null.
  /// - Throws: also for what a `Value` cannot hold: a negative integer below `Int64.min`, a map with names that are not
  ///   text or that occur twice, a simple value without meaning, more than 64 arrays and maps inside each other.
  public mutating func readValue() throws(CBORError) -> Value {
    try value(nextHead(), depth: 0)
  }

  /// Passes over one item of any kind, and checks that it is well formed. Text is not checked for UTF-8.
  /// - Complexity: O(items), without memory.
  public mutating func skipValue() throws(CBORError) {
    try skip(nextHead(), depth: 0)
  }
}
