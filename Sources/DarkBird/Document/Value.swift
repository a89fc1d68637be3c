public import Foundation

/// Any value a document's field can have, for tools that do not know the document's type.
///
/// Values of different kinds are never equal: `.int(2)` is not `.double(2)`. Dates are as fine as they are on disk. Unlike the
/// numbers themselves, NaN equals NaN, in a double and in a date: a value is a key too, and what is not equal to itself is never
/// found.
public enum Value: Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  /// An integer above `Int64.max`. Smaller ones are `.int`; `Value(_: UInt64)` chooses.
  case unsigned(UInt64)
  case double(Double)
  case string(String)
  case bytes([UInt8])
  case date(Date)
  case array([Value])
  case map(Record)

  /// `.int` where it fits, else `.unsigned`.
  public init(_ value: UInt64) {
    if let value = Int64(exactly: value) {
      self = .int(value)
    } else {
      self = .unsigned(value)
    }
  }

  /// What it is, for messages: "a string", "an integer".
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .int, .unsigned: "an integer"
    case .double: "a floating-point number"
    case .string: "a string"
    case .bytes: "bytes"
    case .date: "a date"
    case .array: "an array"
    case .map: "a map"
    }
  }
}

extension Value: Hashable {
  public static func == (left: Value, right: Value) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.unsigned(let a), .unsigned(let b)): a == b
    // The same bytes on disk.
    case (.int(let a), .unsigned(let b)), (.unsigned(let b), .int(let a)): a >= 0 && UInt64(a) == b
    case (.double(let a), .double(let b)): a == b || a.isNaN && b.isNaN
    case (.string(let a), .string(let b)): a == b
    case (.bytes(let a), .bytes(let b)): a == b
    case (.date(let a), .date(let b)): a.keptSeconds == b.keptSeconds || a.isNaN && b.isNaN
    case (.array(let a), .array(let b)): a == b
    case (.map(let a), .map(let b)): a == b
    default: false
    }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(rank)
    switch self {
    case .null: break
    case .bool(let value): hasher.combine(value)
    case .int(let value): hasher.combine(value)
    case .unsigned(let value): hasher.combine(Int64(truncatingIfNeeded: value))
    case .double(let value): if !value.isNaN { hasher.combine(value) }
    case .string(let value): hasher.combine(value)
    case .bytes(let value): hasher.combine(value)
    case .date(let value): if !value.isNaN { hasher.combine(value.keptSeconds) }
    case .array(let value): hasher.combine(value)
    case .map(let value): hasher.combine(value)
    }
  }

  private var rank: UInt8 {
    switch self {
    case .null: 0
    case .bool: 1
    case .int, .unsigned: 2
    case .double: 3
    case .string: 4
    case .bytes: 5
    case .date: 6
    case .array: 7
    case .map: 8
    }
  }
}

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: Value...) { self = .array(elements) }

  /// The last of several values under one name is kept.
  public init(dictionaryLiteral elements: (String, Value)...) { self = .map(Record(elements)) }
}

extension Value: CustomStringConvertible {
  /// One line for lists on screens and for messages.
  ///
  /// Strings stand as they are, without quotes; dates as in ISO 8601; bytes in hexadecimal, the first 32 of them;
  /// arrays and maps like JSON, cut after about 120 characters.
  public var description: String {
    switch self {
    case .null: return "null"
    case .bool(let value): return String(value)
    case .int(let value): return String(value)
    case .unsigned(let value): return String(value)
    case .double(let value): return String(value)
    case .string(let value): return value
    case .date(let value): return value.iso8601 ?? "date out of range"
    case .bytes(let bytes):
      let shown = hexadecimal(bytes.prefix(32))
      return bytes.count <= 32 ? shown : "\(shown)… (\(bytes.count) bytes)"
    case .array, .map:
      var text = ""
      appendSummary(to: &text)
      return text
    }
  }

  /// Appends a JSON-like form, and stops soon after `text` has 120 bytes.
  func appendSummary(to text: inout String) {
    switch self {
    case .string(let value):
      appendJSONString(value.utf8.count <= 120 ? value : value.prefix(119) + "…", to: &text)
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += ", " }
        guard text.utf8.count < 120 else {
          text += "…"
          break
        }
        value.appendSummary(to: &text)
      }
      text += "]"
    case .map(let record): record.appendSummary(to: &text)
    default: text += description
    }
  }

  private func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
    var text = ""
    for byte in bytes {
      if byte < 16 { text += "0" }
      text += String(byte, radix: 16)
    }
    return text
  }
}

/// For other coders, such as `JSONEncoder`. Formats without dates or bytes do not give the same cases back.
extension Value: Codable {
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .array(let values): return try values.encode(to: encoder)
    case .map(let record): return try record.encode(to: encoder)
    default: break
    }
    var container = encoder.singleValueContainer()
    switch self {
    case .bool(let value): try container.encode(value)
    case .int(let value): try container.encode(value)
    case .unsigned(let value): try container.encode(value)
    case .double(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .bytes(let value): try container.encode(Data(value))
    case .date(let value): try container.encode(value)
    case .null, .array, .map: try container.encodeNil()
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .int(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = Value(value)
    } else if let value = try? container.decode(Double.self) {
      self = .double(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([Value].self) {
      self = .array(value)
    } else {
      self = .map(try container.decode(Record.self))
    }
  }
}
