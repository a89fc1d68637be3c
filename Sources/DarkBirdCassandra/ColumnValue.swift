import DarkBird
import Foundation

/// How the values of a column become those of a document, and the other way round.
///
/// | CQL | document |
/// |---|---|
/// | `boolean` | boolean |
/// | `tinyint`, `smallint`, `int`, `bigint`, `counter` | integer |
/// | `varint`, `decimal` | an integer if there is no point and 64 bits hold it; floating point if that keeps every digit; else text |
/// | `float`, `double` | floating point; a `float` has the digits that show it |
/// | `text`, `varchar`, `ascii` | text |
/// | `blob` | bytes |
/// | `uuid`, `timeuuid` | text, as `UUID.uuidString` |
/// | `inet` | text: `192.0.2.1`, `2001:db8::1` |
/// | `date`, `timestamp` | date |
/// | `time`, `duration` | text: `08:30:00.25`, `P1M2DT3S` |
/// | `list`, `set`, `tuple` | array |
/// | `map` | a map if its keys are text, else an array of pairs |
/// | types of one's own | a map of the fields |
/// | null | null |
enum ColumnValue {
  /// Whether a document can hold it: all but types by the name of a class, such as vectors.
  static func isKnown(_ type: CQLType) -> Bool {
    switch type {
    case .custom: false
    case .list(let element), .set(let element): isKnown(element)
    case .map(let key, let value): isKnown(key) && isKnown(value)
    case .tuple(let types): types.allSatisfy(isKnown)
    case .udt(_, _, let fields): fields.allSatisfy { isKnown($0.type) }
    default: true
    }
  }

  static func document(_ value: CQLValue, _ type: CQLType) -> Value {
    switch (value, type) {
    case (.null, _): .null
    case (.boolean(let flag), _): .bool(flag)
    case (.integer(let number), _): .int(number)
    case (.varint(let number), _): Self.number(number, scale: 0)
    case (.decimal(let unscaled, let scale), _): Self.number(unscaled, scale: Int(scale))
    case (.float(let number), _): .double(number.isFinite ? Double("\(number)") ?? Double(number) : Double(number))
    case (.double(let number), _): .double(number)
    case (.text(let text), _): .string(text)
    case (.blob(let bytes), _): .bytes(bytes)
    case (.uuid(let uuid), _): .string(uuid.uuidString)
    case (.inet(let bytes), _): .string(address(bytes))
    case (.date(let days), _): .date(Date(timeIntervalSince1970: Double(days) * 86_400))
    case (.timestamp(let milliseconds), _): .date(Date(timeIntervalSince1970: Double(milliseconds) / 1_000))
    case (.time(let nanoseconds), _): .string(time(nanoseconds))
    case (.duration(let months, let days, let nanoseconds), _): .string(duration(months, days, nanoseconds))
    case (.list(let values), .list(let element)), (.list(let values), .set(let element)):
      .array(values.map { document($0, element) })
    case (.map(let pairs), .map(let key, let element)): map(pairs, key, element)
    case (.tuple(let values), .tuple(let types)):
      .array(types.indices.map { $0 < values.count ? document(values[$0], types[$0]) : .null })
    case (.tuple(let values), .udt(_, _, let fields)):
      .map(
        Record(
          fields.indices.map { index in
            (fields[index].name, index < values.count ? document(values[index], fields[index].type) : .null)
          }))
    case (.list, _), (.map, _), (.tuple, _): .null
    }
  }

  private static func map(_ pairs: [CQLValue.Pair], _ key: CQLType, _ element: CQLType) -> Value {
    guard key == .text || key == .ascii else {
      return .array(pairs.map { .array([document($0.key, key), document($0.value, element)]) })
    }
    var fields: [(String, Value)] = []
    for pair in pairs {
      guard case .text(let name) = pair.key else { continue }
      fields.append((name, document(pair.value, element)))
    }
    return .map(Record(fields))
  }

  // MARK: Texts

  static func decimal(_ unscaled: CQLInteger, scale: Int) -> String {
    let digits = unscaled.digits
    let sign = unscaled.isNegative ? "-" : ""
    if scale == 0 || digits == "0" && scale < 0 { return sign + digits }
    // Many zeros say less than an exponent.
    guard scale > 0, scale <= digits.count + 20 else { return "\(sign)\(digits)e\(-scale)" }
    let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
    return sign + padded.dropLast(scale) + "." + padded.suffix(scale)
  }

  /// The longest number that is worth a text in decimal digits, which takes time by the square of its length.
  private static let numberBytesMax = 4_096

  private static func number(_ unscaled: CQLInteger, scale: Int) -> Value {
    if unscaled.bytes.count > numberBytesMax { return .bytes(unscaled.bytes) }
    if scale == 0 {
      if let number = unscaled.int64 { return .int(number) }
      if let number = UInt64(unscaled.description) { return Value(number) }
    }
    let text = decimal(unscaled, scale: scale)
    let digits = unscaled.digits
    let significant =
      digits == "0"
      ? 0 : (digits.lastIndex { $0 != "0" }.map { digits.distance(from: digits.startIndex, to: $0) + 1 } ?? 0)
    // Fifteen digits come back from a Double as they were.
    if significant <= 15, let number = Double(text), number.isNormal || significant == 0 {
      if scale < 0, let whole = Int64(exactly: number), number.magnitude < 0x1p53 { return .int(whole) }
      return .double(number)
    }
    return .string(text)
  }

  private static func address(_ bytes: [UInt8]) -> String {
    if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
    let groups = stride(from: 0, to: bytes.count - 1, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
    // The longest run of zeros, if there are two or more, is written as "::".
    var best = 0..<0
    var start = 0
    while start < groups.count {
      let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
      if end - start > max(1, best.count) { best = start..<end }
      start = max(end, start + 1)
    }
    func text(_ groups: ArraySlice<UInt16>) -> String { groups.map { String($0, radix: 16) }.joined(separator: ":") }
    return best.isEmpty ? text(groups[...]) : text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
  }

  private static func time(_ nanoseconds: Int64) -> String {
    func two(_ number: Int64) -> String { (number < 10 ? "0" : "") + String(number) }
    let seconds = nanoseconds / 1_000_000_000
    return two(seconds / 3_600) + ":" + two(seconds / 60 % 60) + ":" + two(seconds % 60)
      + fraction(nanoseconds % 1_000_000_000)
  }

  /// `.25`; nothing for none.
  private static func fraction(_ nanoseconds: Int64) -> String {
    if nanoseconds == 0 { return "" }
    var digits = String(nanoseconds.magnitude)
    digits = String(repeating: "0", count: max(0, 9 - digits.count)) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return "." + digits
  }

  /// ISO 8601, with a sign before each part as it has one.
  private static func duration(_ months: Int32, _ days: Int32, _ nanoseconds: Int64) -> String {
    var text = "P"
    if months / 12 != 0 { text += "\(months / 12)Y" }
    if months % 12 != 0 { text += "\(months % 12)M" }
    if days != 0 { text += "\(days)D" }
    let second: Int64 = 1_000_000_000
    let (hours, minutes, rest) = (
      nanoseconds / (3_600 * second), nanoseconds / (60 * second) % 60, nanoseconds % (60 * second)
    )
    if nanoseconds != 0 {
      text += "T"
      if hours != 0 { text += "\(hours)H" }
      if minutes != 0 { text += "\(minutes)M" }
      if rest != 0 { text += (rest < 0 ? "-" : "") + "\((rest / second).magnitude)" + fraction(rest % second) + "S" }
    }
    return text == "P" ? "PT0S" : text
  }

  // MARK: Columns of the user's own

  /// Nil where it is no value of the type.
  static func column(_ value: Value, _ type: CQLType) -> CQLValue? {
    switch (type, value) {
    case (_, .null): return .null
    case (.boolean, .bool(let flag)): return .boolean(flag)
    case (.bigint, .int(let number)), (.counter, .int(let number)): return .integer(number)
    case (.int, .int(let number)): return Int32(exactly: number).map { .integer(Int64($0)) }
    case (.smallint, .int(let number)): return Int16(exactly: number).map { .integer(Int64($0)) }
    case (.tinyint, .int(let number)): return Int8(exactly: number).map { .integer(Int64($0)) }
    case (.varint, .int(let number)): return .varint(CQLInteger(number))
    case (.varint, .unsigned(let number)): return CQLInteger(String(number)).map { .varint($0) }
    case (.decimal, .int(let number)): return .decimal(unscaled: CQLInteger(number), scale: 0)
    case (.decimal, .unsigned(let number)): return CQLInteger(String(number)).map { .decimal(unscaled: $0, scale: 0) }
    case (.decimal, .double(let number)): return decimal(number)
    case (.float, .double(let number)): return .float(Float(number))
    case (.float, .int(let number)): return .float(Float(number))
    case (.double, .double(let number)): return .double(number)
    case (.double, .int(let number)): return .double(Double(number))
    case (.text, .string(let text)): return .text(text)
    case (.ascii, .string(let text)): return text.utf8.allSatisfy { $0 < 0x80 } ? .text(text) : nil
    case (.text, _):
      var text = ""
      TypedJSON.append(value, to: &text)
      return .text(text)
    case (.blob, .bytes(let bytes)): return .blob(bytes)
    case (.uuid, .string(let text)), (.timeuuid, .string(let text)): return UUID(uuidString: text).map { .uuid($0) }
    case (.timestamp, .date(let date)): return milliseconds(date).map { .timestamp(milliseconds: $0) }
    case (.date, .date(let date)):
      return Int32(exactly: (date.timeIntervalSince1970 / 86_400).rounded(.down)).map { .date(days: Int64($0)) }
    case (.list(let element), .array(let values)), (.set(let element), .array(let values)):
      var list: [CQLValue] = []
      for value in values {
        guard value != .null, let item = column(value, element) else { return nil }
        list.append(item)
      }
      return .list(list)
    case (.map(.text, let element), .map(let record)):
      var pairs: [CQLValue.Pair] = []
      for field in record.fields {
        guard field.value != .null, let item = column(field.value, element) else { return nil }
        pairs.append(CQLValue.Pair(key: .text(field.name), value: item))
      }
      return .map(pairs)
    case (.tuple(let types), .array(let values)) where values.count == types.count:
      var list: [CQLValue] = []
      for (type, value) in zip(types, values) {
        guard let item = column(value, type) else { return nil }
        list.append(item)
      }
      return .tuple(list)
    case (.udt(_, _, let fields), .map(let record)):
      var list: [CQLValue] = []
      for field in fields {
        guard let item = column(record[field.name] ?? .null, field.type) else { return nil }
        list.append(item)
      }
      return .tuple(list)
    default: return nil
    }
  }

  static func milliseconds(_ date: Date) -> Int64? {
    Int64(exactly: (date.timeIntervalSince1970 * 1_000).rounded(.down))
  }

  /// The digits that show the number, and no others; nil for what is no number.
  static func decimal(_ number: Double) -> CQLValue? {
    guard number.isFinite else { return nil }
    let parts = "\(number)".lowercased().split(separator: "e")
    guard let mantissa = parts.first else { return nil }
    let fraction = mantissa.split(separator: ".").dropFirst().first.map(String.init) ?? ""
    let exponent = parts.count > 1 ? Int32(parts[1]) ?? 0 : 0
    guard var unscaled = CQLInteger(mantissa.replacing(".", with: "")) else { return nil }
    var scale = Int32(fraction.utf8.count) - exponent
    if fraction == "0" {
      // 36.0 is 36.
      unscaled = CQLInteger(mantissa.prefix { $0 != "." }) ?? unscaled
      scale -= 1
    }
    return .decimal(unscaled: unscaled, scale: scale)
  }
}
