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

    var text = ""
    if date.year < 0 || date.year > 9_999 { text += date.year < 0 ? "-" : "+" }
    text += padded(abs(date.year), 4) + "-" + padded(date.month, 2) + "-" + padded(date.day, 2)
    text += "T" + padded(second / 3_600, 2) + ":" + padded(second / 60 % 60, 2) + ":" + padded(second % 60, 2)
    if micros > 0 {
      var digits = padded(micros, 6)
      while digits.hasSuffix("0") { digits.removeLast() }
      text += "." + digits
    }
    return text + "Z"
  }
}

private func padded(_ number: Int, _ width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
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
