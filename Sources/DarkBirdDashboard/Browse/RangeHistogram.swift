package import DarkBird
import Foundation

/// From one value of a range field to another; both belong to it.
package struct ValueSpan: Hashable, Sendable {
  package var low: IndexValue
  package var high: IndexValue

  package init(low: IndexValue, high: IndexValue) {
    self.low = low
    self.high = high
  }
}

/// How many documents have a range field in each of some buckets, and its median and other percentiles.
package struct RangeHistogram: Hashable, Sendable {
  package let field: String
  /// Where buckets begin and the last one ends: one more than `counts`. Steps are round numbers.
  package let edges: [IndexValue]
  package let counts: [Int]
  /// Values below which 5, 50 and 95 percent of the documents are.
  package let percentiles: [IndexValue]

  package var total: Int { counts.reduce(0, +) }

  /// - Parameter count: documents in a range.
  /// - Returns: nil for texts, truth values and a field with a single value: there is no distance between them.
  /// - Complexity: a count for each bucket, and some forty for each percentile.
  package init?(
    field: String, _ span: ValueSpan, bucketsMax: Int, count: (IndexRange) throws -> Int
  ) rethrows {
    guard bucketsMax > 0, let scale = ValueScale(span) else { return nil }
    let edges = scale.edges(bucketsMax)
    guard edges.count >= 2 else { return nil }
    self.field = field
    self.edges = edges
    var counts: [Int] = []
    for index in 0..<edges.count - 1 { counts.append(try count(Self.range(edges, index..<index + 1))) }
    self.counts = counts
    let below = try count(IndexRange(lower: .unbounded, upper: .excluded(edges[0])))
    let total = counts.reduce(0, +)
    percentiles = try [5, 50, 95].map { percent in
      let rank = below + max(1, (total * percent + 99) / 100)
      return try scale.smallest { try count(IndexRange(lower: .unbounded, upper: .included($0))) >= rank }
    }
  }

  /// The values of some buckets. The last bucket has its end in it.
  package func range(_ buckets: Range<Int>) -> IndexRange { Self.range(edges, buckets) }

  /// The same as what can be looked at by itself.
  package func span(_ buckets: Range<Int>) -> ValueSpan {
    ValueSpan(low: edges[buckets.lowerBound], high: edges[buckets.upperBound])
  }

  private static func range(_ edges: [IndexValue], _ buckets: Range<Int>) -> IndexRange {
    let end = edges[buckets.upperBound]
    return IndexRange(
      lower: .included(edges[buckets.lowerBound]),
      upper: buckets.upperBound == edges.count - 1 ? .included(end) : .excluded(end))
  }
}

/// Values that have a distance: whole numbers, numbers, dates.
private struct ValueScale {
  private enum Kind { case int, double, date }

  private let kind: Kind
  private let low: Double
  private let high: Double

  init?(_ span: ValueSpan) {
    guard let (kind, low) = Self.number(span.low), let (other, high) = Self.number(span.high), low < high,
      (kind == .date) == (other == .date), low > -1e15, high < 1e15
    else { return nil }
    self.kind = kind == other ? kind : .double
    self.low = low
    self.high = high
  }

  private static func number(_ value: IndexValue) -> (Kind, Double)? {
    switch value {
    case .int(let number): (.int, Double(number))
    case .double(let number): number.isFinite ? (.double, number) : nil
    case .date(let date): (.date, date.timeIntervalSince1970)
    case .bool, .string: nil
    }
  }

  private func value(_ number: Double) -> IndexValue {
    switch kind {
    case .int: .int(Int64(number))
    case .double: .double(number)
    case .date: .date(Date(timeIntervalSince1970: number))
    }
  }

  /// Multiples of a round step that cover all of it.
  func edges(_ countMax: Int) -> [IndexValue] {
    let step = step(countMax)
    let first = (low / step).rounded(.down)
    let last = max(first + 1, (high / step).rounded(.up))
    return stride(from: first, through: last, by: 1).map { value($0 * step) }
  }

  private func step(_ countMax: Int) -> Double {
    // Both ends may lie inside a step.
    let least = (high - low) / Double(max(1, countMax - 1))
    if kind == .date, let step = Self.times.first(where: { $0 >= least }) { return step }
    let decade = pow(10, log10(least).rounded(.down))
    let step = [1, 2, 5, 10].map { $0 * decade }.first { $0 >= least } ?? least
    return kind == .int ? max(1, step.rounded()) : step
  }

  /// From a second to a hundred years.
  private static let times: [Double] = [
    1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400, 604_800, 2_419_200, 7_862_400, 31_557_600, 157_788_000, 631_152_000,
    3_155_760_000,
  ]

  /// The smallest value for which something is true that stays true above.
  func smallest(where isTrue: (IndexValue) throws -> Bool) rethrows -> IndexValue {
    let unit = kind == .int ? 1 : max((high - low) / 1e6, .leastNormalMagnitude)
    var (below, above) = (low - unit, high)
    while above - below > unit {
      let middle = kind == .int ? ((below + above) / 2).rounded(.down) : (below + above) / 2
      guard middle > below, middle < above else { break }
      if try isTrue(value(middle)) { above = middle } else { below = middle }
    }
    return value(rounded(above, unit))
  }

  /// Without digits that the search has made up: none that is smaller than its last step.
  private func rounded(_ number: Double, _ unit: Double) -> Double {
    switch kind {
    case .int: return number
    case .date: return high - low >= 1_000 ? number.rounded() : number
    case .double:
      let digits = log10(unit).rounded(.up)
      // By a whole power of ten either way, which is exact.
      let power = pow(10, abs(digits))
      return digits < 0 ? (number * power).rounded() / power : (number / power).rounded() * power
    }
  }
}
