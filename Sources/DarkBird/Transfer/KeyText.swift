import Foundation

/// Keys of any kind as text, for the key column of a table: equal keys have equal text, different keys different text.
///
/// Text stands as it is, `ada`, unless it could be taken for something else or has a NUL in it; then, and for all other kinds,
/// it is JSON as `TypedJSON` reads it: `42`, `"42"`, `{"$bytes":"SGk="}`. Text that Unicode calls equivalent is the same key to
/// Swift, so it is written in one form (NFC).
package enum KeyText {
  package static func text(_ key: Value) -> String {
    switch key {
    case .string(let string) where isPlain(string): return composed(string)
    case .int(let number): return String(number)
    default:
      var text = ""
      append(key, to: &text)
      return text
    }
  }

  /// - Throws: `TypedJSON.Malformed` for text that `text` does not write.
  package static func key(_ text: String) throws(TypedJSON.Malformed) -> Value {
    if isPlain(text) { return .string(text) }
    let value: Value
    do throws(BadInput) {
      value = try JSONParser.parse(Array(text.utf8), depthMax: JSONParser.typedDepthMax)
    } catch {
      throw TypedJSON.Malformed(reason: "'\(text.prefix(40))' is no key: \(error.description)")
    }
    return try TypedJSON.value(value)
  }

  /// Whether text cannot be JSON.
  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.utf8.first else { return true }
    switch first {
    case UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "["): return false
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      let bytes = Array(text.utf8)
      if JSONNumber.scan(bytes[...])?.end == bytes.count { return false }
    case UInt8(ascii: "t"): if text == "true" { return false }
    case UInt8(ascii: "f"): if text == "false" { return false }
    case UInt8(ascii: "n"): if text == "null" { return false }
    default: break
    }
    return !text.utf8.contains(0)
  }

  private static func composed(_ text: String) -> String {
    text.utf8.allSatisfy { $0 < 0x80 } ? text : text.precomposedStringWithCanonicalMapping
  }

  /// As `TypedJSON` writes it, but for what Swift takes as equal, and NUL.
  private static func append(_ value: Value, to text: inout String) {
    switch value {
    case .double(let number) where number == 0: text += "0.0"
    case .double(let number) where number.isNaN: TypedJSON.append(.double(.nan), to: &text)
    case .date(let date) where date.timeIntervalSince1970.isNaN:
      TypedJSON.append(.date(Date(timeIntervalSince1970: .nan)), to: &text)
    case .string(let string) where string.utf8.contains(0):
      text += "{\"\(TypedJSON.stringName)\":\"\(Data(composed(string).utf8).base64EncodedString())\"}"
    case .string(let string): TypedJSON.append(.string(composed(string)), to: &text)
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        append(value, to: &text)
      }
      text += "]"
    case .map(let record):
      // As pairs: so names may hold anything.
      text += "{\"\(TypedJSON.mapName)\":["
      for (index, field) in record.fields.enumerated() {
        text += index > 0 ? ",[" : "["
        append(.string(field.name), to: &text)
        text += ","
        append(field.value, to: &text)
        text += "]"
      }
      text += "]}"
    case .null, .bool, .int, .unsigned, .double, .bytes, .date: TypedJSON.append(value, to: &text)
    }
  }
}
