package import DarkBird

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
  /// What is known of the documents that meet the query's other conditions too.
  package enum Matching: Hashable, Sendable {
    /// It has no others: all documents do.
    case all
    /// How many there are in each bucket.
    case counted([Int])
    /// Too many would have to be looked at.
    case unknown
  }

  package let field: String
  /// Where buckets begin and the last one ends: one more than `counts`. They are round numbers.
  package let edges: [IndexValue]
  package let counts: [Int]
  /// Whether each bucket is a multiple of the one before instead of as wide: nearly all values are small beside the largest.
  package let isLogarithmic: Bool
  /// Values below which 5, 50 and 95 percent of the documents are.
  package let percentiles: [IndexValue]
  /// Documents that have the field, whatever its value.
  package let all: Int
  /// What the query asked for of the field.
  package let asked: IndexRange
  /// Documents that the buckets of that have beyond its lower and its upper end. Negative if it reaches beyond the buckets.
  package let askedLeavesOut: [Int]
  package var matching = Matching.all

  package var total: Int { counts.reduce(0, +) }

  /// - Parameters:
  ///   - asked: what the query asks for of the field.
  ///   - count: documents in a range.
  /// - Returns: nil for texts, truth values and a field with a single value: there is no distance between them.
  /// - Complexity: a count for each bucket, and some forty for each of a few percentiles.
  package init?(
    field: String, _ span: ValueSpan, asked: IndexRange = .all, bucketsMax: Int, count: (IndexRange) throws -> Int
  ) rethrows {
    guard bucketsMax > 0, let scale = ValueScale(span) else { return nil }
    let logarithmic = try scale.logarithmicEdges(bucketsMax, count)
    let edges = logarithmic ?? scale.edges(bucketsMax)
    guard edges.count >= 2 else { return nil }
    self.field = field
    self.edges = edges
    self.asked = asked
    isLogarithmic = logarithmic != nil
    var counts: [Int] = []
    for index in 0..<edges.count - 1 { counts.append(try count(Self.range(edges, index..<index + 1))) }
    self.counts = counts
    let below = try count(IndexRange(lower: .unbounded, upper: .excluded(edges[0])))
    percentiles = try scale.percentiles(
      [5, 50, 95], of: counts.reduce(0, +), below: below, isRelative: isLogarithmic, count)
    all = try count(.all)
    let buckets = Self.buckets(edges, covering: asked)
    let bars = Self.range(edges, buckets)
    askedLeavesOut = [
      try Self.below(asked.lower, count) - Self.below(bars.lower, count),
      try Self.above(asked.upper, count) - Self.above(bars.upper, count),
    ]
  }

  /// The values of some buckets. The last bucket has its end in it.
  package func range(_ buckets: Range<Int>) -> IndexRange { Self.range(edges, buckets) }

  /// The same as what can be looked at by itself.
  package func span(_ buckets: Range<Int>) -> ValueSpan {
    ValueSpan(low: edges[buckets.lowerBound], high: edges[buckets.upperBound])
  }

  /// The buckets that have values of a range, or the one that is nearest to it.
  package func buckets(covering range: IndexRange) -> Range<Int> { Self.buckets(edges, covering: range) }

  private static func range(_ edges: [IndexValue], _ buckets: Range<Int>) -> IndexRange {
    let end = edges[buckets.upperBound]
    return IndexRange(
      lower: .included(edges[buckets.lowerBound]),
      upper: buckets.upperBound == edges.count - 1 ? .included(end) : .excluded(end))
  }

  private static func buckets(_ edges: [IndexValue], covering range: IndexRange) -> Range<Int> {
    let count = edges.count - 1
    let first = (0..<count).first { bucket in
      switch range.lower {
      case .unbounded: true
      case .included(let value), .excluded(let value): value < edges[bucket + 1] || bucket == count - 1
      }
    }
    let last = (0..<count).last { bucket in
      switch range.upper {
      case .unbounded: true
      case .included(let value): edges[bucket] <= value || bucket == 0
      case .excluded(let value): edges[bucket] < value || bucket == 0
      }
    }
    let low = first ?? 0
    return low..<max(last ?? count - 1, low) + 1
  }

  /// Documents below the lower end of a range.
  private static func below(_ bound: IndexBound, _ count: (IndexRange) throws -> Int) rethrows -> Int {
    switch bound {
    case .unbounded: 0
    case .included(let value): try count(IndexRange(lower: .unbounded, upper: .excluded(value)))
    case .excluded(let value): try count(IndexRange(lower: .unbounded, upper: .included(value)))
    }
  }

  /// Documents above the upper end of a range.
  private static func above(_ bound: IndexBound, _ count: (IndexRange) throws -> Int) rethrows -> Int {
    switch bound {
    case .unbounded: 0
    case .included(let value): try count(IndexRange(lower: .excluded(value), upper: .unbounded))
    case .excluded(let value): try count(IndexRange(lower: .included(value), upper: .unbounded))
    }
  }
}
