import DarkBird
import Foundation

/// Documents as text for an editor, and back.
enum DraftText {
  /// A field or an element a line, in their order; nothing in it drives a terminal.
  static func json(_ value: Value, indent: Int = 0) -> String {
    var text = ""
    write(value, indent, into: &text)
    return text
  }

  private static func write(_ value: Value, _ indent: Int, into text: inout String) {
    let margin = "\n" + String(repeating: "  ", count: indent + 1)
    let end = "\n" + String(repeating: "  ", count: indent)
    switch value {
    case .map(let record) where !record.isEmpty:
      for (index, field) in record.fields.enumerated() {
        text += (index == 0 ? "{" : ",") + margin
        text += ExportText.harmlessJSON(Value.string(field.name).json) + ": "
        write(field.value, indent + 1, into: &text)
      }
      text += end + "}"
    case .array(let elements) where elements.contains(where: \.isCollection):
      for (index, element) in elements.enumerated() {
        text += (index == 0 ? "[" : ",") + margin
        write(element, indent + 1, into: &text)
      }
      text += end + "]"
    case .array(let elements):
      text += "[" + elements.map { ExportText.harmlessJSON($0.json) }.joined(separator: ", ") + "]"
    default: text += ExportText.harmlessJSON(value.json)
    }
  }

  /// By what is stored: a NaN is the same as itself.
  static func isSame(_ one: Record, _ other: Record) -> Bool {
    guard let one = try? DocumentDigest.encoded(one), let other = try? DocumentDigest.encoded(other) else {
      return false
    }
    return one == other
  }
}

extension Value {
  fileprivate var isCollection: Bool {
    switch self {
    case .array, .map: true
    default: false
    }
  }

  /// What is left of the value in JSON.
  private var inJSON: Value {
    switch self {
    case .date(let date): date.iso8601.map(Value.string) ?? .null
    case .bytes(let bytes): .string(Data(bytes).base64EncodedString())
    case .double(let number): number.isFinite ? self : .null
    case .null, .bool, .int, .unsigned, .string, .array, .map: self
    }
  }

  /// What was typed in JSON, as the kind of value that stood there: a date is a date, bytes are bytes, 3 is 3.0 where numbers
  /// have fractions. What was not touched is exactly what it was.
  fileprivate func typed(like old: Value?) -> Value {
    guard let old else { return self }
    switch (self, old) {
    case (.map(let new), .map(let old)): return .map(new.typed(like: old))
    case (.array(let new), .array(let old)):
      return .array(new.enumerated().map { $1.typed(like: $0 < old.count ? old[$0] : old.last) })
    case _ where self == old.inJSON: return old
    case (.string(let text), .date): return ISODate.parse(Array(text.utf8)).map(Value.date) ?? self
    case (.string(let text), .bytes): return Data(base64Encoded: text).map { .bytes([UInt8]($0)) } ?? self
    case (.int(let number), .double): return .double(Double(number))
    default: return self
    }
  }
}

extension Record {
  /// Field by field; see `Value`.
  func typed(like old: Record) -> Record { Record(fields.map { ($0.name, $0.value.typed(like: old[$0.name])) }) }
}
