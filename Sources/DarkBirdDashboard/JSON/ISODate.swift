package import Foundation

/// Dates as ISO 8601 writes them, in the forms that data files use:
///
///     2024-01-31                         midnight UTC
///     2024-01-31T08:30:00                UTC
///     2024-01-31T08:30:00.25Z
///     2024-01-31T08:30:00+02:00
///
/// A blank may stand for the `T`. Other forms, and days that no calendar has, are no dates. Foundation's ISO 8601
/// styles each take exactly one of these forms.
package enum ISODate {
  package static func parse(_ text: [UInt8]) -> Date? {
    var scanner = Scanner(text: text)
    guard let year = scanner.digits(4), year >= 1, scanner.take("-"),
      let month = scanner.digits(2), (1...12).contains(month), scanner.take("-"),
      let day = scanner.digits(2), day >= 1, day <= days(in: month, of: year)
    else { return nil }
    var seconds = Double(daysSince1970(year, month, day) * 86_400)
    if scanner.isAtEnd { return Date(timeIntervalSince1970: seconds) }
    guard scanner.take("T") || scanner.take(" "),
      let hour = scanner.digits(2), hour < 24, scanner.take(":"),
      let minute = scanner.digits(2), minute < 60, scanner.take(":"),
      let second = scanner.digits(2), second < 60
    else { return nil }
    seconds += Double(hour * 3_600 + minute * 60 + second)
    if scanner.take(".") {
      guard let fraction = scanner.fraction() else { return nil }
      seconds += fraction
    }
    if !scanner.take("Z") {
      let sign: Double = scanner.take("+") ? -1 : scanner.take("-") ? 1 : 0
      if sign != 0 {
        guard let hours = scanner.digits(2), hours < 24, scanner.take(":"),
          let minutes = scanner.digits(2), minutes < 60
        else { return nil }
        seconds += sign * Double(hours * 3_600 + minutes * 60)
      }
    }
    return scanner.isAtEnd ? Date(timeIntervalSince1970: seconds) : nil
  }

  private static func days(in month: Int, of year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  }

  /// Counts years from March, so that the leap day is the last of its year.
  private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let marchYear = month > 2 ? year : year - 1
    let marchMonth = (month + 9) % 12
    let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
    let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
    // From 0000-03-01 to 1970-01-01 it is 719,468 days.
    return marchYear * 365 + leapDays + dayOfYear - 719_468
  }

  private struct Scanner {
    let text: [UInt8]
    var index = 0

    var isAtEnd: Bool { index == text.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard index < text.count, text[index] == UInt8(ascii: character) else { return false }
      index += 1
      return true
    }

    mutating func digits(_ count: Int) -> Int? {
      var value = 0
      for _ in 0..<count {
        guard let digit else { return nil }
        value = value * 10 + digit
        index += 1
      }
      return value
    }

    /// Digits after a decimal point, one or more.
    mutating func fraction() -> Double? {
      let start = index
      var value = 0.0
      var scale = 1.0
      while let digit {
        scale /= 10
        value += Double(digit) * scale
        index += 1
      }
      return index > start ? value : nil
    }

    private var digit: Int? {
      guard index < text.count, isDigit(text[index]) else { return nil }
      return Int(text[index] - UInt8(ascii: "0"))
    }
  }
}
