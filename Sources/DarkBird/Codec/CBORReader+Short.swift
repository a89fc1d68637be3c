/// The forms that almost all items have: no tag, a definite length, a whole item within the bytes.
///
/// Each returns nil and moves nothing for any other form, and for whatever is wrong; the general reads then take it or say
/// what it is. None needs to pass over breaks, which are no such form. Inlinable, because programs decode their documents
/// by them.
extension CBORReader {
  /// The argument of an item of a major type.
  @inlinable @inline(__always)
  mutating func takeArgument(of major: UInt8) -> UInt64? {
    guard position < bytes.count else { return nil }
    let first = bytes[position]
    guard first & 0xE0 == major else { return nil }
    if first & 0x1F < 24 {
      position &+= 1
      return UInt64(first & 0x1F)
    }
    return takeLongArgument(first & 0x1F)
  }

  @inlinable
  mutating func takeLongArgument(_ length: UInt8) -> UInt64? {
    let rest = bytes.count &- position
    let argument: UInt64
    // Safe: a head of 1 + 1, 2, 4 or 8 bytes is there before it is read.
    switch length {
    case 24:
      guard rest >= 2 else { return nil }
      argument = UInt64(bytes[position &+ 1])
      position &+= 2
    case 25:
      guard rest >= 3 else { return nil }
      argument = UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: position &+ 1, as: UInt16.self)))
      position &+= 3
    case 26:
      guard rest >= 5 else { return nil }
      argument = UInt64(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: position &+ 1, as: UInt32.self)))
      position &+= 5
    case 27:
      guard rest >= 9 else { return nil }
      argument = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: position &+ 1, as: UInt64.self))
      position &+= 9
    default: return nil
    }
    return argument
  }

  /// The bytes of a text of ASCII only.
  @inlinable @inline(__always)
  mutating func takeASCII() -> UnsafeRawBufferPointer? {
    let start = position
    guard let count = takeArgument(of: CBORFormat.text) else { return nil }
    guard count <= UInt64(bytes.count &- position) else {
      position = start
      return nil
    }
    // Safe: within the bounds, as the guard says.
    let text = UnsafeRawBufferPointer(start: bytes.baseAddress.unsafelyUnwrapped + position, count: Int(count))
    guard isASCII(text) else {
      position = start
      return nil
    }
    position &+= text.count
    return text
  }

  @inlinable @inline(__always)
  mutating func takeDouble() -> Double? {
    guard bytes.count &- position >= 9, bytes[position] == CBORFormat.double else { return nil }
    defer { position &+= 9 }
    // Safe: nine bytes are left.
    return Double(
      bitPattern: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: position &+ 1, as: UInt64.self)))
  }
}

/// By words, the last of which may overlap the one before.
@inlinable
func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
  let count = bytes.count
  // Safe: each load lies within the bounds, as the conditions say.
  if count >= 8 {
    var found = bytes.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    var offset = 0
    while offset &+ 8 < count {
      found |= bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      offset &+= 8
    }
    return found & 0x8080_8080_8080_8080 == 0
  }
  if count >= 4 {
    let found =
      bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
      | bytes.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
    return found & 0x8080_8080 == 0
  }
  if count == 0 { return true }
  return (bytes[0] | bytes[count / 2] | bytes[count &- 1]) & 0x80 == 0
}
