/// The numbers of RFC 8949 that reader and writer share.
@usableFromInline
enum CBORFormat {
  /// Arrays and maps inside each other. A limit, because reading a value recurses.
  @usableFromInline static let depthMax = 64

  // Major types, in the upper three bits of an item's first byte.
  @usableFromInline static let unsigned: UInt8 = 0 << 5
  @usableFromInline static let negative: UInt8 = 1 << 5
  @usableFromInline static let bytes: UInt8 = 2 << 5
  @usableFromInline static let text: UInt8 = 3 << 5
  @usableFromInline static let array: UInt8 = 4 << 5
  @usableFromInline static let map: UInt8 = 5 << 5
  @usableFromInline static let tag: UInt8 = 6 << 5
  @usableFromInline static let simple: UInt8 = 7 << 5

  // Whole items of major type 7.
  @usableFromInline static let `false`: UInt8 = 0xF4
  @usableFromInline static let `true`: UInt8 = 0xF5
  @usableFromInline static let null: UInt8 = 0xF6
  @usableFromInline static let undefined: UInt8 = 0xF7
  @usableFromInline static let double: UInt8 = 0xFB
  @usableFromInline static let `break`: UInt8 = 0xFF

  // Tags.
  /// Seconds since 1970 as a number.
  @usableFromInline static let tagDate: UInt64 = 1
  /// A UUID as 16 bytes.
  @usableFromInline static let tagUUID: UInt64 = 37
}
