public import CDarkBird
public import Foundation

/// A value in a unique index or a range field.
///
/// Values have one total order: `false` and `true`, then numbers, then dates, then strings. Integers and floating-point
/// numbers compare as numbers (`2 == 2.0 < 2.5`), strings by Swift's Unicode order, never numbers as strings.
public enum IndexValue: Sendable {
  case bool(Bool)
  case int(Int64)
  /// Never NaN in an index: a document with a NaN is refused with `.invalidIndexValue`.
  case double(Double)
  case date(Date)
  case string(String)

  /// Where the types stand in the total order.
  var typeRank: Int {
    switch self {
    case .bool: 0
    case .int, .double: 1
    case .date: 2
    case .string: 3
    }
  }

  @inlinable
  var isNaN: Bool {
    switch self {
    case .double(let value): value.isNaN
    case .date(let value): value.isNaN
    case .bool, .int, .string: false
    }
  }
}

extension Date {
  @usableFromInline
  var isNaN: Bool { timeIntervalSinceReferenceDate.isNaN }

  /// What is kept on disk: since 1970, which is half as fine as what `Date` holds, since 2001. Whoever compared that would have two
  /// values before the store is opened again and one after it.
  var keptSeconds: Double { timeIntervalSince1970 }
}

extension IndexValue {
  /// `==`, which finds out at once that two strings consist of the same bytes.
  @inlinable @inline(__always)
  func isSame(as other: IndexValue) -> Bool {
    if case .string(let own) = self, case .string(let wanted) = other, own.hasBytes(of: wanted) { return true }
    return self == other
  }

  /// Where the bytes of a text are. For whoever wants them fetched, and does not look at them: they may be gone, or have been on
  /// the stack. No more than an address, for then the compiler need not count a reference to the text, which would wait for it.
  @inlinable @inline(__always)
  var textAddress: UInt {
    guard case .string(let text) = self else { return 0 }
    return text.utf8.withContiguousStorageIfAvailable { UInt(bitPattern: $0.baseAddress) } ?? 0
  }
}

extension String {
  @inlinable @inline(__always)
  func hasBytes(of other: String) -> Bool {
    utf8.withContiguousStorageIfAvailable { own in
      other.utf8.withContiguousStorageIfAvailable { wanted in
        own.count == wanted.count && db_are_equal(own.baseAddress, wanted.baseAddress, own.count)
      } ?? false
    } ?? false
  }
}

extension IndexValue: Comparable {
  // The attribute tells callers that no reference is given up here, so that they need not count one for a value they compare.
  @_effects(readonly)
  public static func == (left: IndexValue, right: IndexValue) -> Bool {
    switch (left, right) {
    case (.int(let a), .int(let b)): a == b
    case (.string(let a), .string(let b)): a == b
    case (.double(let a), .double(let b)): a == b
    case (.int(let a), .double(let b)), (.double(let b), .int(let a)): compare(a, b) == 0
    case (.date(let a), .date(let b)): a.keptSeconds == b.keptSeconds
    case (.bool(let a), .bool(let b)): a == b
    default: false
    }
  }

  public static func < (left: IndexValue, right: IndexValue) -> Bool {
    switch (left, right) {
    case (.int(let a), .int(let b)): a < b
    case (.string(let a), .string(let b)): a < b
    case (.double(let a), .double(let b)): a < b
    case (.int(let a), .double(let b)): compare(a, b) < 0
    case (.double(let a), .int(let b)): compare(b, a) > 0
    case (.date(let a), .date(let b)): a.keptSeconds < b.keptSeconds
    case (.bool(let a), .bool(let b)): !a && b
    default: left.typeRank < right.typeRank
    }
  }

  /// Sign of `integer - real`, exact also where a Double cannot hold the integer.
  private static func compare(_ integer: Int64, _ real: Double) -> Int {
    // No store has NaN; whoever compares with it finds it above all integers.
    if real.isNaN || real >= 0x1p63 { return -1 }
    if real < -0x1p63 { return 1 }
    let floor = real.rounded(.down)
    let whole = Int64(floor)
    if integer != whole { return integer < whole ? -1 : 1 }
    return floor == real ? 0 : -1
  }
}

extension IndexValue: Hashable {
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .bool(let value): hasher.combine(value)
    case .int(let value): hasher.combine(value)
    case .double(let value):
      // Equal numbers must hash alike, whichever case holds them.
      if let whole = Int64(exactly: value) { hasher.combine(whole) } else { hasher.combine(value) }
    case .date(let value): hasher.combine(value.keptSeconds)
    case .string(let value): hasher.combine(value)
    }
  }
}

extension IndexValue: CustomStringConvertible {
  public var description: String {
    switch self {
    case .bool(let value): String(value)
    case .int(let value): String(value)
    // Both zeros are one value, and so one tag.
    case .double(let value): String(value == 0 ? 0 : value)
    case .date(let value): value.iso8601 ?? "date out of range"
    case .string(let value): value
    }
  }
}

extension IndexValue: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
  ExpressibleByBooleanLiteral
{
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// A type whose values can be indexed. An enumeration with such values as its raw values need only declare the conformance:
/// `enum Club: String, Codable, IndexValueConvertible`. `UInt` and `UInt64` do not conform, for an index has no integers beyond 63
/// bits: index those as text, or as `Int64` where they are small.
public protocol IndexValueConvertible: SendableMetatype {
  /// The value as an index holds it: equal for equal values, and in their order. Called by writes, and by lookups,
  /// at any time: it should be cheap.
  var indexValue: IndexValue { get }
}

extension IndexValueConvertible where Self: RawRepresentable, RawValue: IndexValueConvertible {
  @inlinable public var indexValue: IndexValue { rawValue.indexValue }
}

extension IndexValue: IndexValueConvertible { public var indexValue: IndexValue { self } }
extension Bool: IndexValueConvertible { @inlinable public var indexValue: IndexValue { .bool(self) } }
extension Int: IndexValueConvertible { @inlinable public var indexValue: IndexValue { .int(Int64(self)) } }
extension Int8: IndexValueConvertible { public var indexValue: IndexValue { .int(Int64(self)) } }
extension Int16: IndexValueConvertible { public var indexValue: IndexValue { .int(Int64(self)) } }
extension Int32: IndexValueConvertible { @inlinable public var indexValue: IndexValue { .int(Int64(self)) } }
extension Int64: IndexValueConvertible { @inlinable public var indexValue: IndexValue { .int(self) } }
extension UInt8: IndexValueConvertible { public var indexValue: IndexValue { .int(Int64(self)) } }
extension UInt16: IndexValueConvertible { public var indexValue: IndexValue { .int(Int64(self)) } }
extension UInt32: IndexValueConvertible { @inlinable public var indexValue: IndexValue { .int(Int64(self)) } }
extension Double: IndexValueConvertible { @inlinable public var indexValue: IndexValue { .double(self) } }
extension Float: IndexValueConvertible { public var indexValue: IndexValue { .double(Double(self)) } }
extension String: IndexValueConvertible { @inlinable public var indexValue: IndexValue { .string(self) } }
extension Date: IndexValueConvertible { @inlinable public var indexValue: IndexValue { .date(self) } }
extension UUID: IndexValueConvertible { public var indexValue: IndexValue { .string(uuidString) } }
