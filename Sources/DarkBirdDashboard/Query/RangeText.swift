package import DarkBird
import Foundation

/// Bounds of a range as text: `20..35` (both ends belong to it), `20..<35`, `20..`, `..35`, `..<35`, `34`. The query line and
/// the command line read them alike.
package enum RangeText {
  /// A value that stands for all those of a field, from the smallest and the largest of them; nil if they differ in type.
  package static func sample(_ smallest: IndexValue?, _ largest: IndexValue?) -> IndexValue? {
    switch (smallest, largest) {
    case (.bool, .bool), (.int, .int), (.int, .double), (.double, .int), (.double, .double), (.date, .date),
      (.string, .string):
      smallest
    default: nil
    }
  }

  /// - Parameters:
  ///   - column: characters before the text, for the error.
  ///   - sample: a value of the field, which tells the type of the bounds; without it, their look decides.
  /// - Throws: `QueryError`, which names the text.
  package static func parse(
    _ text: String, column: Int = 0, field: String, like sample: IndexValue?
  ) throws(QueryError) -> IndexRange {
    func wrong(_ message: String) -> QueryError { QueryError(message, token: text, column: column) }
    func bound(_ part: Substring) throws(QueryError) -> IndexValue? {
      // Only in a text blanks mean something.
      if case .string? = sample { return part.isEmpty ? nil : .string(String(part)) }
      let bound = part.trimmingCharacters(in: .whitespaces)
      if bound.isEmpty { return nil }
      guard let value = value(bound, like: sample) else {
        throw wrong("\(field) holds \(kind(sample)); '\(bound)' is none")
      }
      return value
    }
    // By scalars: a text may begin with a mark, which makes one character of itself and what is before it.
    let scalars = text.unicodeScalars
    guard let dots = scalars.firstRange(of: "..".unicodeScalars) else {
      guard let value = try bound(text[...]) else { throw wrong("a value or LOWEST..HIGHEST is needed") }
      return .closed(value, value)
    }
    let isHalfOpen = scalars[dots.upperBound...].first == "<"
    let lower = try bound(Substring(scalars[..<dots.lowerBound]))
    let upper = try bound(Substring(scalars[dots.upperBound...].dropFirst(isHalfOpen ? 1 : 0)))
    if isHalfOpen && upper == nil { throw wrong("..< needs an upper bound") }
    if let lower, let upper, upper < lower { throw wrong("the lower bound is above the upper one") }
    return IndexRange(
      lower: lower.map { .included($0) } ?? .unbounded,
      upper: upper.map { isHalfOpen ? .excluded($0) : .included($0) } ?? .unbounded)
  }

  /// What to say of `100..200MB`, which begins at 100 bytes: the unit may have been meant for both.
  package static func note(_ text: String, like sample: IndexValue?) -> String? {
    switch sample {
    case .int, .double: break
    case nil, .bool, .date, .string: return nil
    }
    guard let dots = text.firstRange(of: "..") else { return nil }
    let lower = text[..<dots.lowerBound].trimmingCharacters(in: .whitespaces)
    let upper = text[dots.upperBound...].drop { $0 == "<" }.trimmingCharacters(in: .whitespaces)
    let unit = upper.drop { !$0.isLetter }
    guard factor(unit) != nil, let low = Double(lower), low > 0,
      let high = Double(upper.dropLast(unit.count).trimmingCharacters(in: .whitespaces)), low < high
    else { return nil }
    let what = unit.lowercased().hasSuffix("b") ? "\(lower) byte\(low == 1 ? "" : "s")" : lower
    return "from \(what); write \(lower)\(unit)..\(text[dots.upperBound...].hasPrefix("<") ? "<" : "")\(upper) for both"
  }

  /// Whether two words of a line that are not of a text are one range: the second begins with the dots, or is what follows
  /// dots, or the unit of a number.
  static func goesOn(_ text: String, _ next: String) -> Bool {
    if next.hasPrefix("..") { return !text.contains("..") }
    if text.hasSuffix("..") || text.hasSuffix("..<") {
      return next.first.map { $0.isNumber || "+-.<".contains($0) } ?? false
    }
    let unit = next.firstRange(of: "..").map { next[..<$0.lowerBound] } ?? next[...]
    return text.last?.isNumber == true && factor(unit) != nil
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

  private static func value(_ text: String, like sample: IndexValue?) -> IndexValue? {
    switch sample {
    case nil, .string: guess(text)
    case .bool: Bool(text).map { .bool($0) }
    case .int, .double: number(text)
    case .date: date(text).map { .date($0) }
    }
  }

  private static func kind(_ sample: IndexValue?) -> String {
    switch sample {
    case nil, .string: "texts"
    case .bool: "true and false"
    case .int, .double: "numbers, such as 1500, 2.5e6 or 100MB"
    case .date: "dates, such as 2024-01-31"
    }
  }

  /// What a text most likely is.
  static func guess(_ text: String) -> IndexValue {
    if let value = plainNumber(text) { return value }
    if let value = Bool(text) { return .bool(value) }
    if text.contains("-"), let value = date(text) { return .date(value) }
    return .string(text)
  }

  private static func plainNumber(_ text: String) -> IndexValue? {
    if let value = Int64(text) { return .int(value) }
    if let value = Double(text), value.isFinite { return .double(value) }
    return nil
  }

  /// A number, also with a unit: `100MB`, `1.5k`, `2 GiB`.
  static func number(_ text: String) -> IndexValue? {
    if let value = plainNumber(text) { return value }
    let letters = text.drop { !$0.isLetter }
    let digits = text[..<letters.startIndex].trimmingCharacters(in: .whitespaces)
    guard let factor = factor(letters), let number = Double(digits), (number * factor).isFinite else { return nil }
    // 8.2 is a bit less than it says, and 8.2M means a whole number.
    let value = number * factor
    let whole = value.rounded()
    if abs(value - whole) <= abs(value) * 1e-12, let whole = Int64(exactly: whole) { return .int(whole) }
    return .double(value)
  }

  /// What a unit multiplies by: thousands for `k` and `kB`, 1,024 for `KiB`.
  private static func factor(_ text: Substring) -> Double? {
    let unit = text.lowercased()
    guard let prefix = unit.first, let power = Array("kmgt").firstIndex(of: prefix),
      ["", "b", "ib"].contains(unit.dropFirst())
    else { return nil }
    return pow(unit.hasSuffix("ib") ? 1_024 : 1_000, Double(power + 1))
  }

  /// `2024`, `2024-01`, `2024-01-31`, also with a time as in ISO 8601; UTC.
  static func date(_ text: String) -> Date? {
    if let date = ISODate.parse(Array(text.utf8)) { return date }
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
