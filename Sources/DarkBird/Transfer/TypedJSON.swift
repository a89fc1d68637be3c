package import Foundation

/// JSON that keeps the types which JSON has not, so that reading gives back what was written:
///
/// | value | JSON |
/// |---|---|
/// | bytes | `{"$bytes":"SGVsbG8="}`, base64 |
/// | date | `{"$date":"2024-02-29T12:30:00Z"}`, or seconds since 1970 where ISO 8601 would lose a part |
/// | NaN, infinities | `{"$double":"nan"}`, `"inf"`, `"-inf"` |
/// | map whose names begin with `$` | the same with one more `$` before each of them |
///
/// Databases that cannot hold every text or number need two more forms, which `append` never writes, but reading knows:
/// `{"$string":"YQBi"}` is text in base64, `{"$map":[["name",value],…]}` a map with any names.
///
/// Whole numbers are integers, those with a point or an exponent floating point. What a terminal acts upon is escaped.
package enum TypedJSON {
  package static let bytesName = "$bytes"
  package static let dateName = "$date"
  package static let doubleName = "$double"
  package static let stringName = "$string"
  package static let mapName = "$map"

  // MARK: Writing

  package static func append(_ value: Value, to text: inout String) {
    switch value {
    case .null, .bool, .int, .unsigned: value.json(into: &text)
    case .double(let number):
      if number.isFinite { text += String(number) } else { text += "{\"\(doubleName)\":\"\(number)\"}" }
    case .string(let string): appendHarmless(string, to: &text)
    case .bytes(let bytes): text += "{\"\(bytesName)\":\"\(Data(bytes).base64EncodedString())\"}"
    case .date(let date): text += "{\"\(dateName)\":\(self.date(date))}"
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        append(value, to: &text)
      }
      text += "]"
    case .map(let record): append(record, to: &text)
    }
  }

  package static func append(_ record: Record, to text: inout String) {
    text += "{"
    for (index, field) in record.fields.enumerated() {
      if index > 0 { text += "," }
      appendHarmless(field.name.utf8.first == UInt8(ascii: "$") ? "$" + field.name : field.name, to: &text)
      text += ":"
      append(field.value, to: &text)
    }
    text += "}"
  }

  /// ISO 8601 in quotes where that says all of it, else seconds since 1970.
  package static func date(_ date: Date) -> String {
    if let text = date.iso8601, ISODate.parse(Array(text.utf8))?.timeIntervalSince1970 == date.timeIntervalSince1970 {
      return "\"\(text)\""
    }
    let seconds = date.timeIntervalSince1970
    return seconds.isFinite ? "\(seconds)" : "\"\(seconds)\""
  }

  private static func appendHarmless(_ string: String, to text: inout String) {
    // Escapes of other characters than ASCII's are rare: the bytes tell whether there can be any.
    guard string.utf8.contains(where: { $0 >= 0x7f }), string.unicodeScalars.contains(where: drivesTerminal) else {
      return appendJSONString(string, to: &text)
    }
    var quoted = ""
    appendJSONString(string, to: &quoted)
    for scalar in quoted.unicodeScalars {
      if drivesTerminal(scalar) {
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }

  /// Whether a terminal takes it for a command, or turns the direction of the text behind it.
  package static func drivesTerminal(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7f }
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: return true
    case .format: return scalar.properties.isBidiControl
    default: return false
    }
  }

  // MARK: Reading

  /// Why a value is not what `append` writes.
  package struct Malformed: Error {
    package var reason: String
  }

  /// What a parsed value stands for.
  package static func value(_ value: Value) throws(Malformed) -> Value {
    switch value {
    case .null, .bool, .int, .unsigned, .double, .string, .bytes, .date: return value
    case .array(let values):
      var result: [Value] = []
      result.reserveCapacity(values.count)
      for value in values { result.append(try self.value(value)) }
      return .array(result)
    case .map(let record):
      if record.count == 1, let field = record.fields.first, let typed = try typed(field) { return typed }
      return .map(try self.record(record))
    }
  }

  package static func record(_ record: Record) throws(Malformed) -> Record {
    var fields: [(String, Value)] = []
    fields.reserveCapacity(record.count)
    for field in record.fields {
      var name = field.name
      if name.utf8.first == UInt8(ascii: "$") {
        guard name.utf8.starts(with: "$$".utf8) else {
          throw Malformed(reason: "field '\(name)' is not known; its name would be '$\(name)'")
        }
        name.unicodeScalars.removeFirst()
      }
      fields.append((name, try value(field.value)))
    }
    return Record(fields)
  }

  /// Nil for a field that stands for itself.
  private static func typed(_ field: Record.Field) throws(Malformed) -> Value? {
    switch (field.name, field.value) {
    case (bytesName, .string(let text)):
      guard let data = Data(base64Encoded: text) else { throw Malformed(reason: "'\(text.prefix(40))' is not base64") }
      return .bytes(Array(data))
    case (dateName, let value):
      guard let date = date(value) else { throw Malformed(reason: "not a date: \(value)") }
      return .date(date)
    case (doubleName, .string(let text)):
      guard let number = Double(text) else { throw Malformed(reason: "'\(text.prefix(40))' is not a number") }
      return .double(number)
    case (stringName, .string(let text)):
      guard let data = Data(base64Encoded: text), let string = String(validating: data, as: UTF8.self) else {
        throw Malformed(reason: "'\(text.prefix(40))' is not text in base64")
      }
      return .string(string)
    case (mapName, .array(let pairs)):
      return .map(
        Record(
          try pairs.map { (pair) throws(Malformed) in
            guard case .array(let pair) = pair, pair.count == 2, case .string(let name) = try value(pair[0]) else {
              throw Malformed(reason: "not a name and a value")
            }
            return (name, try value(pair[1]))
          }))
    default: return nil
    }
  }

  static func date(_ value: Value) -> Date? {
    switch value {
    case .string(let text): ISODate.parse(Array(text.utf8)) ?? Double(text).map { Date(timeIntervalSince1970: $0) }
    case .double(let seconds): Date(timeIntervalSince1970: seconds)
    case .int(let seconds): Date(timeIntervalSince1970: Double(seconds))
    // As Postgres writes what was `1e+19`.
    case .unsigned(let seconds): Date(timeIntervalSince1970: Double(seconds))
    default: nil
    }
  }
}
