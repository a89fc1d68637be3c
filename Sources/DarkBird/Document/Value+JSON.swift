package import Foundation

extension Value {
  /// The value as JSON (RFC 8259) on one line.
  ///
  /// Bytes become base64 text; dates ISO 8601 text in UTC. What JSON has no form for becomes null: infinities, NaN, and
  /// dates that are no number of seconds.
  public var json: String {
    var text = ""
    json(into: &text)
    return text
  }

  /// Appends the value as JSON. See `json`.
  public func json(into text: inout String) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .int(let value): text += String(value)
    case .unsigned(let value): text += String(value)
    case .double(let value): text += value.isFinite ? String(value) : "null"
    case .string(let value): appendJSONString(value, to: &text)
    case .bytes(let value): text += "\"\(Data(value).base64EncodedString())\""
    case .date(let value):
      if let value = value.iso8601 { text += "\"\(value)\"" } else { text += "null" }
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        value.json(into: &text)
      }
      text += "]"
    case .map(let record): record.json(into: &text)
    }
  }
}

extension Record {
  /// The record as a JSON object on one line, fields in their order. See `Value.json`.
  public var json: String {
    var text = ""
    json(into: &text)
    return text
  }

  /// Appends the record as a JSON object. See `Value.json`.
  public func json(into text: inout String) {
    text += "{"
    for (index, field) in fields.enumerated() {
      if index > 0 { text += "," }
      appendJSONString(field.name, to: &text)
      text += ":"
      field.value.json(into: &text)
    }
    text += "}"
  }
}

/// Appends a string with quotes around it and with the escapes that JSON demands, and no others.
func appendJSONString(_ string: String, to text: inout String) {
  text += "\""
  if string.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
    text += string
  } else {
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\0"..<" ":
        text += scalar.value < 16 ? "\\u000" : "\\u00"
        text += String(scalar.value, radix: 16)
      default: text.unicodeScalars.append(scalar)
      }
    }
  }
  text += "\""
}

extension Date {
  /// `2024-02-29T12:30:00Z`, with up to six digits of a second where they are not zero; years before 0 and after 9999
  /// with a sign, as ISO 8601 has it. Nil for what is no number of seconds, and beyond 30 million years.
  ///
  /// Written here because Foundation's formatters trap or lie outside of the years they expect.
  package var iso8601: String? {
    let total = timeIntervalSince1970
    guard total.magnitude < 1e15 else { return nil }
    var seconds = Int(total.rounded(.down))
    var micros = Int(((total - total.rounded(.down)) * 1e6).rounded())
    if micros == 1_000_000 { (seconds, micros) = (seconds + 1, 0) }
    let day = Int((Double(seconds) / 86_400).rounded(.down))
    let second = seconds - day * 86_400
    let date = civilDate(daysSince1970: day)

    // As bytes: every date of a copy or an export is written here.
    var text: [UInt8] = []
    text.reserveCapacity(28)
    if date.year < 0 || date.year > 9_999 { text.append(UInt8(ascii: date.year < 0 ? "-" : "+")) }
    for (number, width, end) in [
      (abs(date.year), 4, "-"), (date.month, 2, "-"), (date.day, 2, "T"), (second / 3_600, 2, ":"),
      (second / 60 % 60, 2, ":"),
    ] as [(Int, Int, Unicode.Scalar)] {
      append(number, digits: width, to: &text)
      text.append(UInt8(ascii: end))
    }
    append(second % 60, digits: 2, to: &text)
    if micros > 0 {
      text.append(UInt8(ascii: "."))
      append(micros, digits: 6, to: &text)
      while text.last == UInt8(ascii: "0") { text.removeLast() }
    }
    text.append(UInt8(ascii: "Z"))
    return String(decoding: text, as: UTF8.self)
  }
}

/// With zeros before it.
private func append(_ number: Int, digits: Int, to text: inout [UInt8]) {
  let start = text.count
  var rest = number
  repeat {
    text.append(UInt8(ascii: "0") + UInt8(rest % 10))
    rest /= 10
  } while rest > 0 || text.count - start < digits
  text[start...].reverse()
}

/// The Gregorian date, extended to all times. Counts years from March, so that a leap day is the last day of a year.
private func civilDate(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
  let shifted = days + 719_468  // since 1 March of the year 0
  let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097  // of 400 years
  let dayOfEra = shifted - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let marchMonth = (5 * dayOfYear + 2) / 153
  let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
}
