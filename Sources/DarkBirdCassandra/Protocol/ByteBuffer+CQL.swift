import Foundation
import NIOCore

/// The notations of the protocol's specification: [int], [string], [bytes] and so on. Lengths are checked against what is there
/// before anything is made of them.
extension ByteBuffer {
  mutating func cqlInteger<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(CQLMalformed) -> Number
  {
    guard let number = readInteger(as: type) else { throw CQLMalformed("ends within a number") }
    return number
  }

  mutating func cqlBytes(count: Int) throws(CQLMalformed) -> ByteBuffer {
    guard count >= 0, let bytes = readSlice(length: count) else { throw CQLMalformed("ends within \(count) bytes") }
    return bytes
  }

  private mutating func text(count: Int) throws(CQLMalformed) -> String {
    let bytes = try cqlBytes(count: count)
    guard let text = String(validating: bytes.readableBytesView, as: UTF8.self) else { throw CQLMalformed("no UTF-8") }
    return text
  }

  /// [string]
  mutating func cqlString() throws(CQLMalformed) -> String { try text(count: Int(try cqlInteger(UInt16.self))) }

  /// [long string]
  mutating func cqlLongString() throws(CQLMalformed) -> String { try text(count: Int(try cqlInteger(Int32.self))) }

  /// [string list]
  mutating func cqlStringList() throws(CQLMalformed) -> [String] {
    let count = Int(try cqlInteger(UInt16.self))
    var list: [String] = []
    for _ in 0..<count { list.append(try cqlString()) }
    return list
  }

  /// [string multimap]
  mutating func cqlStringMultimap() throws(CQLMalformed) -> [String: [String]] {
    let count = Int(try cqlInteger(UInt16.self))
    var map: [String: [String]] = [:]
    for _ in 0..<count { map[try cqlString()] = try cqlStringList() }
    return map
  }

  /// [bytes], and the answers of [value]: nil for a negative length.
  mutating func cqlOptionalBytes() throws(CQLMalformed) -> ByteBuffer? {
    let count = Int(try cqlInteger(Int32.self))
    return count < 0 ? nil : try cqlBytes(count: count)
  }

  /// [short bytes]
  mutating func cqlShortBytes() throws(CQLMalformed) -> ByteBuffer {
    try cqlBytes(count: Int(try cqlInteger(UInt16.self)))
  }

  /// [inetaddr] of 4 or 16 bytes.
  mutating func cqlAddress() throws(CQLMalformed) -> [UInt8] {
    let count = Int(try cqlInteger(UInt8.self))
    guard count == 4 || count == 16 else { throw CQLMalformed("an address of \(count) bytes") }
    return Array(try cqlBytes(count: count).readableBytesView)
  }

  /// [unsigned vint]: as many ones as bytes follow the first, then the number.
  mutating func cqlUnsignedVarint() throws(CQLMalformed) -> UInt64 {
    let first = try cqlInteger(UInt8.self)
    let more = (~first).leadingZeroBitCount
    var number = more == 8 ? 0 : UInt64(first & (0xff >> UInt8(more)))
    for _ in 0..<more { number = number << 8 | UInt64(try cqlInteger(UInt8.self)) }
    return number
  }

  /// [vint]: zigzag.
  mutating func cqlVarint() throws(CQLMalformed) -> Int64 {
    let number = try cqlUnsignedVarint()
    return Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
  }

  // MARK: Writing

  mutating func writeCQL(string: String) throws(CQLMalformed) {
    guard let count = UInt16(exactly: string.utf8.count) else { throw CQLMalformed("text of more than 65,535 bytes") }
    writeInteger(count)
    writeString(string)
  }

  mutating func writeCQL(longString: String) {
    writeInteger(Int32(clamping: longString.utf8.count))
    writeString(longString)
  }

  mutating func writeCQL(stringMap: [(String, String)]) throws(CQLMalformed) {
    writeInteger(UInt16(clamping: stringMap.count))
    for (name, value) in stringMap {
      try writeCQL(string: name)
      try writeCQL(string: value)
    }
  }

  mutating func writeCQL(bytes: some Collection<UInt8>) {
    writeInteger(Int32(clamping: bytes.count))
    writeBytes(bytes)
  }

  mutating func writeCQL(shortBytes: some Collection<UInt8>) throws(CQLMalformed) {
    guard let count = UInt16(exactly: shortBytes.count) else { throw CQLMalformed("more than 65,535 bytes") }
    writeInteger(count)
    writeBytes(shortBytes)
  }

  mutating func writeCQL(unsignedVarint number: UInt64) {
    let bits = 64 - number.leadingZeroBitCount
    // The first byte has room for 7 bits less one for each that follows.
    let more = min(8, max(0, (bits - 1) / 7))
    let mask: UInt8 = more == 8 ? 0xff : ~(0xff >> UInt8(more))
    let high = more == 8 ? 0 : UInt8(truncatingIfNeeded: number >> UInt64(8 * more))
    writeInteger(mask | high)
    for index in stride(from: more - 1, through: 0, by: -1) {
      writeInteger(UInt8(truncatingIfNeeded: number >> UInt64(8 * index)))
    }
  }

  mutating func writeCQL(varint number: Int64) {
    writeCQL(unsignedVarint: UInt64(bitPattern: number << 1) ^ UInt64(bitPattern: number >> 63))
  }
}
