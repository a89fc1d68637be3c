import DarkBird
import Foundation

/// How the values of a column become those of a document.
///
/// | Postgres | document |
/// |---|---|
/// | `bool`, `int2`, `int4`, `int8`, `oid` | boolean, integer |
/// | `float4`, `float8` | floating point, of the digits that Postgres shows |
/// | `numeric` | an integer if there is no point and 64 bits hold it; floating point if that keeps every digit; else text |
/// | `text`, `varchar`, `char`, `name`, enumerations | text; `char(n)` without the blanks that fill it |
/// | `uuid` | text, as `UUID.uuidString` |
/// | `bytea` | bytes |
/// | `date`, `timestamp` (taken as UTC), `timestamptz` | date |
/// | `time`, `timetz`, `interval` | text: `08:30:00`, `P1DT2H` |
/// | `json`, `jsonb` | what it is |
/// | arrays of these | arrays, in each other if they have several dimensions |
/// | NULL | null |
indirect enum ColumnType: Equatable {
  case bool, integer, float, numeric, text, blankPadded, uuid, bytes, date, timestamp, json
  case array(ColumnType)

  /// - Throws: `.columnType` with the column and the type.
  static func types(
    _ columns: [(name: String, type: UInt32)], _ connection: PostgresConnection
  ) throws(DatabaseError) -> [ColumnType] {
    let list = "{" + Set(columns.map(\.type)).map(String.init).joined(separator: ",") + "}"
    let rows = try connection.run(
      """
      SELECT t.oid, t.typname, t.typtype, t.typnamespace = 'pg_catalog'::regnamespace, format_type(t.oid, NULL),
        e.typname, e.typtype, e.typnamespace = 'pg_catalog'::regnamespace, t.typcategory, t.typdelim
      FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A' WHERE t.oid = ANY ($1::oid[])
      """, [list])
    var known: [UInt32: (name: String, type: ColumnType?)] = [:]
    for row in 0..<rows.count {
      func text(_ column: Int) -> String { rows.text(row, column) ?? "" }
      var type = scalar(text(1), kind: text(2), isBuiltIn: text(3) == "t")
      if text(8) == "A", let element = scalar(text(5), kind: text(6), isBuiltIn: text(7) == "t"), text(9) == "," {
        type = .array(element)
      }
      known[UInt32(text(0)) ?? 0] = (text(4), type)
    }
    var types: [ColumnType] = []
    for column in columns {
      let found = known[column.type]
      guard let type = found?.type else {
        throw DatabaseError(
          .columnType,
          "column '\(column.name)' has the type \(found?.name ?? "\(column.type)"), which no document can hold; "
            + "leave it out, or cast it in a query: \(quoted(column.name))::text")
      }
      types.append(type)
    }
    return types
  }

  private static func scalar(_ name: String, kind: String, isBuiltIn: Bool) -> ColumnType? {
    if kind == "e" { return .text }
    guard isBuiltIn && kind == "b" else { return nil }
    switch name {
    case "bool": return .bool
    case "int2", "int4", "int8", "oid": return .integer
    case "float4", "float8": return .float
    case "numeric": return .numeric
    case "text", "varchar", "name", "char", "time", "timetz", "interval": return .text
    case "bpchar": return .blankPadded
    case "uuid": return .uuid
    case "bytea": return .bytes
    case "date": return .date
    case "timestamp", "timestamptz": return .timestamp
    case "json", "jsonb": return .json
    default: return nil
    }
  }

  struct Unreadable: Error {
    var reason: String
  }

  /// - Parameter text: as the server writes it with the settings of `PostgresConnection`.
  func value(_ text: [UInt8]) throws(Unreadable) -> Value {
    switch self {
    case .text: return .string(String(decoding: text, as: UTF8.self))
    case .integer: if let integer = JSONNumber.integer(text[...]) { return integer }
    case .bool: return .bool(text == [UInt8(ascii: "t")])
    case .float: if let number = Self.double(text) { return .double(number) }
    case .numeric: return Self.numeric(text)
    case .blankPadded:
      let end = text.lastIndex { $0 != UInt8(ascii: " ") }.map { $0 + 1 } ?? 0
      return .string(String(decoding: text[..<end], as: UTF8.self))
    case .uuid: return .string(String(decoding: text, as: UTF8.self).uppercased())
    case .bytes: if let bytes = Self.bytes(text) { return .bytes(bytes) }
    case .date, .timestamp: if let date = PostgresDate.parse(text) { return .date(date) }
    case .json:
      do throws(BadInput) { return try JSONParser.parse(text) } catch { throw Unreadable(reason: error.description) }
    case .array(let element):
      var reader = ArrayReader(text: text, element: element)
      return try reader.array()
    }
    throw Unreadable(reason: "'\(String(decoding: text.prefix(40), as: UTF8.self))' is no value of its type")
  }

  private static func double(_ text: [UInt8]) -> Double? {
    switch text.first {
    case UInt8(ascii: "N"): .nan
    case UInt8(ascii: "I"): .infinity
    case UInt8(ascii: "-") where text.dropFirst().first == UInt8(ascii: "I"): -.infinity
    default: Double(String(decoding: text, as: UTF8.self))
    }
  }

  private static func numeric(_ text: [UInt8]) -> Value {
    let string = String(decoding: text, as: UTF8.self)
    if !text.contains(UInt8(ascii: ".")) {
      if let integer = JSONNumber.scan(text[...]).flatMap({ _ in JSONNumber.integer(text[...]) }) { return integer }
      if let number = double(text), !number.isFinite { return .double(number) }
    }
    // Fifteen digits come back from a Double as they were.
    let digits = text.filter(isDigit).drop { $0 == UInt8(ascii: "0") }
    let significant = digits.lastIndex { $0 != UInt8(ascii: "0") }.map { $0 + 1 - digits.startIndex } ?? 0
    if significant <= 15, let number = Double(string), number.isNormal || significant == 0 { return .double(number) }
    return .string(string)
  }

  /// `\x0aff`
  private static func bytes(_ text: [UInt8]) -> [UInt8]? {
    guard text.count >= 2, text.count % 2 == 0, text[0] == UInt8(ascii: "\\"), text[1] == UInt8(ascii: "x") else {
      return nil
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 2)
    for index in stride(from: 2, to: text.count, by: 2) {
      guard let high = digit(text[index]), let low = digit(text[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}

/// `{1,NULL,"a \"b\""}`, nested for several dimensions, with `[0:2]=` before it where it does not begin at 1.
private struct ArrayReader {
  let text: [UInt8]
  let element: ColumnType
  var index = 0

  private var next: UInt8? { index < text.count ? text[index] : nil }

  private func malformed() -> ColumnType.Unreadable {
    ColumnType.Unreadable(reason: "'\(String(decoding: text.prefix(40), as: UTF8.self))' is no array")
  }

  /// Arrays in each other; Postgres has no more.
  private static let dimensionsMax = 6

  mutating func array(inside dimensions: Int = 0) throws(ColumnType.Unreadable) -> Value {
    if dimensions == Self.dimensionsMax { throw malformed() }
    if index == 0, next == UInt8(ascii: "["), let sign = text.firstIndex(of: UInt8(ascii: "=")) { index = sign + 1 }
    guard next == UInt8(ascii: "{") else { throw malformed() }
    index += 1
    var values: [Value] = []
    if next == UInt8(ascii: "}") {
      index += 1
      return .array(values)
    }
    while true {
      values.append(next == UInt8(ascii: "{") ? try array(inside: dimensions + 1) : try item())
      switch next {
      case UInt8(ascii: ","): index += 1
      case UInt8(ascii: "}"):
        index += 1
        return .array(values)
      default: throw malformed()
      }
    }
  }

  private mutating func item() throws(ColumnType.Unreadable) -> Value {
    var item: [UInt8] = []
    guard next == UInt8(ascii: "\"") else {
      while let byte = next, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}") {
        item.append(byte)
        index += 1
      }
      return item.elementsEqual("NULL".utf8) ? .null : try element.value(item)
    }
    index += 1
    while let byte = next, byte != UInt8(ascii: "\"") {
      if byte == UInt8(ascii: "\\") { index += 1 }
      guard let byte = next else { throw malformed() }
      item.append(byte)
      index += 1
    }
    index += 1
    return try element.value(item)
  }
}

/// Dates as Postgres writes them in ISO style in UTC: `2024-02-29`, `2024-02-29 12:30:00.25+00`, `0044-03-15 BC`, `infinity`.
enum PostgresDate {
  static func parse(_ text: [UInt8]) -> Date? {
    if text.elementsEqual("infinity".utf8) { return Date(timeIntervalSince1970: .infinity) }
    if text.elementsEqual("-infinity".utf8) { return Date(timeIntervalSince1970: -.infinity) }
    let isBC = text.suffix(3).elementsEqual(" BC".utf8)
    var text = isBC ? Array(text.dropLast(3)) : text
    if text.suffix(3).elementsEqual("+00".utf8) { text.removeLast(3) }
    guard let dash = text.firstIndex(of: UInt8(ascii: "-")),
      let written = Int(String(decoding: text[..<dash], as: UTF8.self)), (0...9_999_999).contains(written)
    else { return nil }
    // The calendar repeats every 400 years, in which no year before 1 is needed.
    let year = isBC ? 1 - written : written
    let era = (Double(year) / 400).rounded(.down)
    let inEra = year - Int(era) * 400
    let digits = String(2_000 + inEra)
    guard let date = ISODate.parse(Array(digits.utf8) + text[dash...]) else { return nil }
    let daysInEra = 146_097.0
    return Date(timeIntervalSince1970: date.timeIntervalSince1970 + (era - 5) * daysInEra * 86_400)
  }
}
