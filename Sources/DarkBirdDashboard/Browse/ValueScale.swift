import DarkBird
import Foundation

/// Values that have a distance: whole numbers, numbers, dates.
struct ValueScale {
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

  // MARK: Buckets of one width

  /// Multiples of a round step that cover all of it.
  func edges(_ countMax: Int) -> [IndexValue] {
    let step = step(countMax)
    // Ends so close, or so far from each other, that no number stands for a part of the way.
    guard step > 0, step.isFinite, (low / step).isFinite, (high / step).isFinite else { return [] }
    let first = (low / step).rounded(.down)
    let last = max(first + 1, (high / step).rounded(.up))
    // 3 / 10 is 0.3, and 3 * 0.1 is not.
    let inverse = (1 / step).rounded()
    let isFraction = step < 1 && abs(inverse * step - 1) < 1e-9
    return stride(from: first, through: last, by: 1).map { value(isFraction ? $0 / inverse : $0 * step) }
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

  // MARK: Buckets of one ratio

  /// Decades from the smallest magnitude to the largest are at most so many; what is smaller is as good as zero.
  private static let decadesMax = 12

  /// Steps within a decade, in tenths, coarse to fine: round numbers of about the same ratio.
  private static let steps = [
    [10], [10, 30], [10, 20, 50], [10, 15, 20, 30, 50, 70], [10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82],
  ].map { $0.map(Double.init) }

  /// Round numbers, each a multiple of the one before, to both sides of zero if there are such values.
  /// - Parameter count: documents in a range.
  /// - Returns: nil where buckets of one width show more.
  func logarithmicEdges(_ countMax: Int, _ count: (IndexRange) throws -> Int) rethrows -> [IndexValue]? {
    guard try isSkewed(countMax, count) else { return nil }
    let most = max(abs(low), abs(high))
    let least = try smallestMagnitude(most, count)
    for steps in Self.steps.reversed() {
      var edges: [Double] = []
      if low < 0 {
        let isApart = -high >= least
        edges += magnitudes(from: isApart ? -high : least, to: max(-low, least), steps).reversed().map { -$0 }
        if !isApart { edges.append(0) }
      }
      if high > 0 {
        let isApart = low >= least
        if !isApart, edges.isEmpty { edges.append(0) }
        edges += magnitudes(from: isApart ? low : least, to: max(high, least), steps)
      }
      if (2...countMax + 1).contains(edges.count) { return edges.map(value) }
    }
    return nil
  }

  /// Whether values are so small beside the largest that they would be one bar or two: half of them at most a thirty-second of
  /// it, or nine tenths of them an eighth.
  private func isSkewed(_ countMax: Int, _ count: (IndexRange) throws -> Int) rethrows -> Bool {
    if kind == .date || kind == .int && high - low < Double(countMax) { return false }
    let most = max(abs(low), abs(high))
    let least = low > 0 ? low : high < 0 ? -high : 0
    guard countMax > 1, most >= 100 * least else { return false }
    let below = try count(IndexRange(lower: .unbounded, upper: .excluded(value(low))))
    let total = try count(IndexRange(lower: .included(value(low)), upper: .included(value(high))))
    func are(_ values: [IndexValue], upTo magnitude: Double) -> Bool {
      values.allSatisfy { abs(Self.number($0)?.1 ?? most) <= magnitude }
    }
    let ofHalf = low < 0 && high > 0 ? [25, 75] : [50]
    let half = try percentiles(ofHalf, of: total, below: below, isRelative: false, count)
    if are(half, upTo: most / 32) { return true }
    let nearlyAll = try percentiles([5, 95], of: total, below: below, isRelative: false, count)
    return are(nearlyAll, upTo: most / 8)
  }

  /// Of the values that are not zero; for numbers that are not whole a power of ten that is not above it.
  private func smallestMagnitude(_ most: Double, _ count: (IndexRange) throws -> Int) rethrows -> Double {
    if kind == .int { return max(1, low > 0 ? low : high < 0 ? -high : 1) }
    var least = pow(10, log10(most).rounded(.down))
    for _ in 0..<Self.decadesMax {
      var inside = 0
      if high > 0 { inside += try count(IndexRange(lower: .excluded(value(0)), upper: .excluded(value(least)))) }
      if low < 0 { inside += try count(IndexRange(lower: .excluded(value(-least)), upper: .excluded(value(0)))) }
      if inside == 0 { break }
      least /= 10
    }
    return least
  }

  /// From the last step that is not above one magnitude to the first that is not below another.
  private func magnitudes(from least: Double, to most: Double, _ steps: [Double]) -> [Double] {
    var all: [Double] = []
    for exponent in Int(log10(least).rounded(.down)) - 2...Int(log10(most).rounded(.up)) {
      for step in steps {
        // By a whole power of ten either way, which is exact.
        let power = pow(10, Double(abs(exponent)))
        let number = exponent < 0 ? step / power : step * power
        let edge = kind == .int ? number.rounded() : number
        if edge > all.last ?? 0 { all.append(edge) }
      }
    }
    let first = all.lastIndex { $0 <= least } ?? 0
    let last = all.firstIndex { $0 >= most } ?? all.count - 1
    return first <= last ? Array(all[first...last]) : []
  }

  // MARK: Percentiles

  /// Values that so many percent of the documents do not exceed.
  /// - Parameters:
  ///   - total: of so many documents.
  ///   - below: those that are below all of them.
  ///   - isRelative: whether a small value needs to be as exact as a large one, for its size.
  func percentiles(
    _ percents: [Int], of total: Int, below: Int, isRelative: Bool, _ count: (IndexRange) throws -> Int
  ) rethrows -> [IndexValue] {
    try percents.map { percent in
      let rank = below + max(1, (total * percent + 99) / 100)
      return try smallest(isRelative: isRelative) {
        try count(IndexRange(lower: .unbounded, upper: .included($0))) >= rank
      }
    }
  }

  /// The smallest value for which something is true that stays true above.
  private func smallest(isRelative: Bool, where isTrue: (IndexValue) throws -> Bool) rethrows -> IndexValue {
    let unit = kind == .int ? 1 : max((high - low) / 1e6, .leastNormalMagnitude)
    var (below, above) = (low - unit, high)
    if isRelative, kind == .double, low <= 0, high > 0 {
      if try isTrue(value(0)) { above = 0 } else { below = 0 }
      if above == 0, low == 0 { return value(0) }
    }
    var exactness = unit
    // A hundred halves are a double's whole width.
    for _ in 0..<100 {
      if isRelative, kind == .double { exactness = max(abs(below), abs(above)) / 1e6 }
      let middle = kind == .int ? ((below + above) / 2).rounded(.down) : (below + above) / 2
      guard above - below > exactness, middle > below, middle < above else { break }
      if try isTrue(value(middle)) { above = middle } else { below = middle }
    }
    return value(rounded(above, exactness))
  }

  /// Without digits that the search has made up: none that is smaller than its last step.
  private func rounded(_ number: Double, _ unit: Double) -> Double {
    switch kind {
    case .int: return number
    case .date: return high - low >= 1_000 ? number.rounded() : number
    case .double:
      let digits = log10(max(unit, .leastNormalMagnitude)).rounded(.up)
      guard abs(digits) <= 300 else { return number }
      // By a whole power of ten either way, which is exact.
      let power = pow(10, abs(digits))
      return digits < 0 ? (number * power).rounded() / power : (number / power).rounded() * power
    }
  }
}
