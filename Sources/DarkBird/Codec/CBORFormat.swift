/// The numbers of RFC 8949 that reader and writer share. Computed, so that programs get them as constants.
@usableFromInline
enum CBORFormat {
  /// Arrays and maps inside each other. A limit, because reading a value recurses.
  @inlinable static var depthMax: Int { 64 }
  static var tooDeep: String { "nested more than \(depthMax) deep" }

  // Major types, in the upper three bits of an item's first byte.
  @inlinable static var unsigned: UInt8 { 0 << 5 }
  @inlinable static var negative: UInt8 { 1 << 5 }
  @inlinable static var bytes: UInt8 { 2 << 5 }
  @inlinable static var text: UInt8 { 3 << 5 }
  @inlinable static var array: UInt8 { 4 << 5 }
  @inlinable static var map: UInt8 { 5 << 5 }
  @inlinable static var tag: UInt8 { 6 << 5 }
  @inlinable static var simple: UInt8 { 7 << 5 }

  // Whole items of major type 7.
  @inlinable static var `false`: UInt8 { 0xF4 }
  @inlinable static var `true`: UInt8 { 0xF5 }
  @inlinable static var null: UInt8 { 0xF6 }
  @inlinable static var undefined: UInt8 { 0xF7 }
  @inlinable static var double: UInt8 { 0xFB }
  @inlinable static var `break`: UInt8 { 0xFF }

  // Tags.
  /// Seconds since 1970 as a number.
  @inlinable static var tagDate: UInt64 { 1 }
  /// A UUID as 16 bytes.
  @inlinable static var tagUUID: UInt64 { 37 }
}
