import DarkBird
import Foundation

/// Bounds of a range as text: `20..35` (both ends belong to it), `20..<35`, `20..`, `..35`, `..<35`, `34`.
enum RangeText {
  /// - Parameter sample: a value of the field, which tells the type of the bounds; without it, their look decides.
  /// - Throws: `QueryError` at the token.
  static func parse(_ token: QueryToken, field: String, like sample: IndexValue?) throws(QueryError) -> IndexRange {
    guard let dots = token.text.firstRange(of: "..") else {
      let value = try value(token.text, token, field, sample)
      return .closed(value, value)
    }
    let low = String(token.text[..<dots.lowerBound])
    var high = String(token.text[dots.upperBound...])
    let isHalfOpen = high.hasPrefix("<")
    if isHalfOpen { high.removeFirst() }
    if isHalfOpen && high.isEmpty { throw QueryError("..< needs an upper bound", at: token) }
    let lower = low.isEmpty ? nil : try value(low, token, field, sample)
    let upper = high.isEmpty ? nil : try value(high, token, field, sample)
    if let lower, let upper, upper < lower {
      throw QueryError("the lower bound is above the upper one", at: token)
    }
    return IndexRange(
      lower: lower.map { .included($0) } ?? .unbounded,
      upper: upper.map { isHalfOpen ? .excluded($0) : .included($0) } ?? .unbounded)
  }

  static func text(_ range: IndexRange) -> String {
    func text(_ value: IndexValue) -> String { QueryToken.quoted(value.description) }
    if case .included(let low) = range.lower, case .included(let high) = range.upper, low == high { return text(low) }
    let lower =
      switch range.lower {
      case .unbounded: ""
      case .included(let value), .excluded(let value): text(value)
      }
    return switch range.upper {
    case .unbounded: lower.isEmpty ? "" : lower + ".."
    case .included(let value): lower + ".." + text(value)
    case .excluded(let value): lower + "..<" + text(value)
    }
  }

  private static func value(
    _ text: String, _ token: QueryToken, _ field: String, _ sample: IndexValue?
  ) throws(QueryError) -> IndexValue {
    switch sample {
    case nil: return guess(text)
    case .string: return .string(text)
    case .bool:
      guard let value = Bool(text) else { throw QueryError("\(field) is true or false", at: token) }
      return .bool(value)
    case .int, .double:
      if let value = number(text) ?? multiple(text) { return value }
      throw QueryError("\(field) holds numbers, such as 1500, 2.5e6 or 100MB; '\(text)' is none", at: token)
    case .date:
      guard let value = date(text) else {
        throw QueryError("\(field) holds dates, such as 2024-01-31; '\(text)' is none", at: token)
      }
      return .date(value)
    }
  }

  /// What a text most likely is.
  static func guess(_ text: String) -> IndexValue {
    if let value = number(text) { return value }
    if let value = Bool(text) { return .bool(value) }
    if text.contains("-"), let value = date(text) { return .date(value) }
    return .string(text)
  }

  private static func number(_ text: String) -> IndexValue? {
    if let value = Int64(text) { return .int(value) }
    if let value = Double(text), value.isFinite { return .double(value) }
    return nil
  }

  /// A number with a unit, for fields that hold numbers: `100MB`, `1.5k`, `2GiB`.
  private static func multiple(_ text: String) -> IndexValue? {
    let letters = text.drop { !$0.isLetter }
    let unit = letters.lowercased()
    let base = unit.hasSuffix("ib") ? 1_024.0 : 1_000.0
    guard let prefix = unit.first, let power = Array("kmgt").firstIndex(of: prefix),
      ["", "b", "ib"].contains(unit.dropFirst()), let number = Double(text[..<letters.startIndex])
    else { return nil }
    let value = number * pow(base, Double(power + 1))
    guard value.isFinite else { return nil }
    return Int64(exactly: value).map { .int($0) } ?? .double(value)
  }

  /// `2024`, `2024-01`, `2024-01-31` or ISO 8601 with a time; UTC.
  static func date(_ text: String) -> Date? {
    if text.contains("T") { return try? Date(text, strategy: .iso8601) }
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...3).contains(parts.count), let year = parts[0], (1...9_999).contains(year) else { return nil }
    let month = parts.count > 1 ? parts[1] : 1
    let day = parts.count > 2 ? parts[2] : 1
    guard let month, let day, (1...12).contains(month), (1...31).contains(day) else { return nil }
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let components = DateComponents(year: year, month: month, day: day)
    guard let date = calendar.date(from: components), calendar.component(.day, from: date) == day else { return nil }
    return date
  }
}
