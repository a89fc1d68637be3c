public import Foundation

/// Any value a document's field can have, for tools that do not know the document's type.
///
/// Values of different cases are never equal: `.int(2)` is not `.double(2)`.
public enum Value: Hashable, Sendable {
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
