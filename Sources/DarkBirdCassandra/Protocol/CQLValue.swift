import Foundation
import NIOCore

/// A value of CQL. Its type, which the bytes do not tell, is that of the column.
indirect enum CQLValue: Sendable, Hashable {
  case null
  case boolean(Bool)
  /// Of `tinyint`, `smallint`, `int`, `bigint` and `counter`.
  case integer(Int64)
  case varint(CQLInteger)
  /// `unscaled` / 10^`scale`
  case decimal(unscaled: CQLInteger, scale: Int32)
  case float(Float)
  case double(Double)
  /// Of `text` and `ascii`.
  case text(String)
  case blob([UInt8])
  /// Of `uuid` and `timeuuid`.
  case uuid(UUID)
  /// 4 or 16 bytes.
  case inet([UInt8])
  /// Days since 1970-01-01.
  case date(days: Int64)
  /// Since midnight.
  case time(nanoseconds: Int64)
  /// Since 1970.
  case timestamp(milliseconds: Int64)
  case duration(months: Int32, days: Int32, nanoseconds: Int64)
  /// Of `list` and `set`.
  case list([CQLValue])
  case map([Pair])
  /// Of `tuple` and types of the user's own; those that are missing at the end are null.
  case tuple([CQLValue])

  struct Pair: Sendable, Hashable {
    var key: CQLValue
    var value: CQLValue
  }

  /// Why a value is none of a type.
  private static func unfit(_ value: CQLValue, _ type: CQLType) -> CQLMalformed {
    CQLMalformed("\(String(describing: value).prefix(60)) is no \(type)")
  }

  // MARK: Writing

  /// [value] with its length before it.
  func write(as type: CQLType, to buffer: inout ByteBuffer) throws(CQLMalformed) {
    if case .null = self {
      buffer.writeInteger(-1 as Int32)
      return
    }
    let start = buffer.writerIndex
    buffer.writeInteger(0 as Int32)
    try writeBytes(as: type, to: &buffer)
    guard let count = Int32(exactly: buffer.writerIndex - start - 4) else { throw CQLMalformed("more than 2 GB") }
    buffer.setInteger(count, at: start)
  }

  private func writeBytes(as type: CQLType, to buffer: inout ByteBuffer) throws(CQLMalformed) {
    switch (type, self) {
    case (.ascii, .text(let text)):
      guard text.utf8.allSatisfy({ $0 < 0x80 }) else { throw Self.unfit(self, type) }
      buffer.writeString(text)
    case (.text, .text(let text)): buffer.writeString(text)
    case (.blob, .blob(let bytes)), (.custom, .blob(let bytes)): buffer.writeBytes(bytes)
    case (.boolean, .boolean(let flag)): buffer.writeInteger((flag ? 1 : 0) as UInt8)
    case (.bigint, .integer(let number)), (.counter, .integer(let number)): buffer.writeInteger(number)
    case (.int, .integer(let number)): buffer.writeInteger(try Self.fitting(number, type) as Int32)
    case (.smallint, .integer(let number)): buffer.writeInteger(try Self.fitting(number, type) as Int16)
    case (.tinyint, .integer(let number)): buffer.writeInteger(try Self.fitting(number, type) as Int8)
    case (.varint, .varint(let number)): buffer.writeBytes(number.bytes)
    case (.decimal, .decimal(let unscaled, let scale)):
      buffer.writeInteger(scale)
      buffer.writeBytes(unscaled.bytes)
    case (.float, .float(let number)): buffer.writeInteger(number.bitPattern)
    case (.double, .double(let number)): buffer.writeInteger(number.bitPattern)
    case (.uuid, .uuid(let uuid)), (.timeuuid, .uuid(let uuid)):
      withUnsafeBytes(of: uuid.uuid) { _ = buffer.writeBytes($0) }
    case (.inet, .inet(let bytes)):
      guard bytes.count == 4 || bytes.count == 16 else { throw Self.unfit(self, type) }
      buffer.writeBytes(bytes)
    case (.date, .date(let days)):
      guard let number = UInt32(exactly: days + 0x8000_0000) else { throw Self.unfit(self, type) }
      buffer.writeInteger(number)
    case (.time, .time(let nanoseconds)):
      guard (0..<86_400_000_000_000).contains(nanoseconds) else { throw Self.unfit(self, type) }
      buffer.writeInteger(nanoseconds)
    case (.timestamp, .timestamp(let milliseconds)): buffer.writeInteger(milliseconds)
    case (.duration, .duration(let months, let days, let nanoseconds)):
      buffer.writeCQL(varint: Int64(months))
      buffer.writeCQL(varint: Int64(days))
      buffer.writeCQL(varint: nanoseconds)
    case (.list(let element), .list(let values)), (.set(let element), .list(let values)):
      buffer.writeInteger(Int32(clamping: values.count))
      for value in values { try value.write(as: element, to: &buffer) }
    case (.map(let keyType, let valueType), .map(let pairs)):
      buffer.writeInteger(Int32(clamping: pairs.count))
      for pair in pairs {
        try pair.key.write(as: keyType, to: &buffer)
        try pair.value.write(as: valueType, to: &buffer)
      }
    case (.tuple(let types), .tuple(let values)):
      guard values.count <= types.count else { throw Self.unfit(self, type) }
      for (type, value) in zip(types, values) { try value.write(as: type, to: &buffer) }
    case (.udt(_, _, let fields), .tuple(let values)):
      guard values.count <= fields.count else { throw Self.unfit(self, type) }
      for (field, value) in zip(fields, values) { try value.write(as: field.type, to: &buffer) }
    default: throw Self.unfit(self, type)
    }
  }

  private static func fitting<Number: FixedWidthInteger>(
    _ number: Int64, _ type: CQLType
  ) throws(CQLMalformed) -> Number {
    guard let number = Number(exactly: number) else { throw unfit(.integer(number), type) }
    return number
  }

  // MARK: Reading

  /// [bytes] with its length before it.
  static func read(_ type: CQLType, from buffer: inout ByteBuffer) throws(CQLMalformed) -> CQLValue {
    guard var bytes = try buffer.cqlOptionalBytes() else { return .null }
    let value = try readBytes(type, &bytes)
    guard bytes.readableBytes == 0 else { throw CQLMalformed("a \(type) of too many bytes") }
    return value
  }

  private static func readBytes(_ type: CQLType, _ bytes: inout ByteBuffer) throws(CQLMalformed) -> CQLValue {
    switch type {
    case .text, .ascii:
      guard let text = String(validating: bytes.readableBytesView, as: UTF8.self) else {
        throw CQLMalformed("no UTF-8")
      }
      bytes.moveReaderIndex(to: bytes.writerIndex)
      return .text(text)
    case .blob, .custom: return .blob(bytes.readBytes(length: bytes.readableBytes) ?? [])
    default: break
    }
    // Any type has an empty value, which old tools could write; it says no more than null.
    if bytes.readableBytes == 0 { return .null }
    switch type {
    case .boolean: return .boolean(try bytes.cqlInteger(UInt8.self) != 0)
    case .bigint, .counter: return .integer(try bytes.cqlInteger())
    case .int: return .integer(Int64(try bytes.cqlInteger(Int32.self)))
    case .smallint: return .integer(Int64(try bytes.cqlInteger(Int16.self)))
    case .tinyint: return .integer(Int64(try bytes.cqlInteger(Int8.self)))
    case .varint: return .varint(CQLInteger(bytes: bytes.readBytes(length: bytes.readableBytes) ?? []))
    case .decimal:
      let scale = try bytes.cqlInteger(Int32.self)
      return .decimal(unscaled: CQLInteger(bytes: bytes.readBytes(length: bytes.readableBytes) ?? []), scale: scale)
    case .float: return .float(Float(bitPattern: try bytes.cqlInteger()))
    case .double: return .double(Double(bitPattern: try bytes.cqlInteger()))
    case .uuid, .timeuuid:
      let (high, low) = (try bytes.cqlInteger(UInt64.self), try bytes.cqlInteger(UInt64.self))
      return .uuid(UUID(high: high, low: low))
    case .inet:
      let count = bytes.readableBytes
      guard count == 4 || count == 16 else { throw CQLMalformed("an address of \(count) bytes") }
      return .inet(bytes.readBytes(length: count) ?? [])
    case .date: return .date(days: Int64(try bytes.cqlInteger(UInt32.self)) - 0x8000_0000)
    case .time: return .time(nanoseconds: try bytes.cqlInteger())
    case .timestamp: return .timestamp(milliseconds: try bytes.cqlInteger())
    case .duration:
      guard let months = Int32(exactly: try bytes.cqlVarint()), let days = Int32(exactly: try bytes.cqlVarint()) else {
        throw CQLMalformed("a duration of too many months or days")
      }
      return .duration(months: months, days: days, nanoseconds: try bytes.cqlVarint())
    case .list(let element), .set(let element):
      var values: [CQLValue] = []
      for _ in 0..<(try count(&bytes)) { values.append(try read(element, from: &bytes)) }
      return .list(values)
    case .map(let keyType, let valueType):
      var pairs: [Pair] = []
      for _ in 0..<(try count(&bytes)) {
        let key = try read(keyType, from: &bytes)
        pairs.append(Pair(key: key, value: try read(valueType, from: &bytes)))
      }
      return .map(pairs)
    case .tuple(let types): return .tuple(try elements(types, &bytes))
    case .udt(_, _, let fields): return .tuple(try elements(fields.map(\.type), &bytes))
    case .ascii, .text, .blob, .custom: preconditionFailure("read above")
    }
  }

  /// Each element takes at least the four bytes of its length.
  private static func count(_ bytes: inout ByteBuffer) throws(CQLMalformed) -> Int {
    let count = Int(try bytes.cqlInteger(Int32.self))
    guard count >= 0, count <= bytes.readableBytes / 4 else { throw CQLMalformed("no place for \(count) elements") }
    return count
  }

  /// Fewer than types, where fields have been added since they were written.
  private static func elements(_ types: [CQLType], _ bytes: inout ByteBuffer) throws(CQLMalformed) -> [CQLValue] {
    var values: [CQLValue] = []
    for type in types where bytes.readableBytes > 0 { values.append(try read(type, from: &bytes)) }
    return values
  }
}

extension UUID {
  init(high: UInt64, low: UInt64) {
    func byte(_ index: UInt64) -> UInt8 {
      UInt8(truncatingIfNeeded: index < 8 ? high >> (56 - 8 * index) : low >> (120 - 8 * index))
    }
    self.init(
      uuid: (
        byte(0), byte(1), byte(2), byte(3), byte(4), byte(5), byte(6), byte(7), byte(8), byte(9), byte(10), byte(11),
        byte(12), byte(13), byte(14), byte(15)
      ))
  }
}
