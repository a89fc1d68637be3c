import DarkBird
import Foundation

extension CopyText {
  /// A value in a column of the user's own.
  mutating func cell(_ value: Value) {
    switch value {
    case .null: null()
    case .bool(let flag): plain(flag ? "t" : "f")
    case .int(let number): plain(String(number))
    case .unsigned(let number): plain(String(number))
    case .double(let number): plain(Self.number(number))
    case .string(let string): text(Self.cut(string, max: .max))
    case .bytes(let bytes): text("\\x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    case .date(let date): plain(Self.timestamp(date))
    case .array, .map: json(value)
    }
  }

  /// A value of a range field in a column of one kind: NULL if it is of another.
  mutating func cell(_ value: IndexValue?, _ kind: RangeKind, textMax: Int) {
    switch (kind, value) {
    case (.bool, .bool(let flag)): plain(flag ? "t" : "f")
    case (.number, .int(let number)): plain(String(number))
    case (.number, .double(let number)): plain(Self.number(number))
    case (.date, .date(let date)): plain(Self.timestamp(date))
    case (.text, .string(let string)): text(Self.cut(string, max: textMax))
    case (.mixed, .bool(let flag)): json(.bool(flag))
    case (.mixed, .int(let number)): json(.int(number))
    case (.mixed, .double(let number)) where number.isFinite: json(.double(number == 0 ? 0 : number))
    case (.mixed, .date(let date)): json(.string(Self.timestamp(date)))
    case (.mixed, .string(let string)): json(.string(Self.cut(string, max: textMax)))
    default: null()
    }
  }

  private static func number(_ number: Double) -> String {
    number.isInfinite ? (number < 0 ? "-Infinity" : "Infinity") : number.isNaN ? "NaN" : String(number)
  }

  /// To a microsecond; what has no four digits of a year is infinite, so that the order holds.
  private static func timestamp(_ date: Date) -> String {
    guard let text = date.iso8601 else { return date.timeIntervalSince1970 < 0 ? "-infinity" : "infinity" }
    if text.hasPrefix("+") { return "infinity" }
    return text.hasPrefix("-") || text.hasPrefix("0000") ? "-infinity" : text
  }

  /// Postgres has no NUL: the text ends before it.
  private static func cut(_ text: String, max: Int) -> String {
    var text = text
    if let index = text.utf8.firstIndex(of: 0) { text = String(decoding: Array(text.utf8[..<index]), as: UTF8.self) }
    return text.utf8.count <= max ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(max)))
  }
}
