import Histogram

/// Percentiles of the latencies of one kind of operation, in nanoseconds, exact to within 1 %. All zero when nothing
/// was recorded.
public struct LatencySummary: Sendable, Hashable, Codable {
  public var count: UInt64 = 0
  public var p50: UInt64 = 0
  public var p90: UInt64 = 0
  public var p99: UInt64 = 0
  public var p999: UInt64 = 0
  public var max: UInt64 = 0

  public init() {}

  /// - Complexity: one pass over the histogram's buckets up to the largest value, about 40 microseconds.
  init(_ histogram: Histogram<UInt64>) {
    guard histogram.totalCount > 0 else { return }
    count = histogram.totalCount
    max = histogram.maxRecorded
    let fields: [WritableKeyPath<LatencySummary, UInt64>] = [\.p50, \.p90, \.p99, \.p999]
    let ranks = [0.5, 0.9, 0.99, 0.999].map { UInt64(($0 * Double(count)).rounded(.up)) }
    var next = 0
    // One pass for all four: `valueAtPercentile` walks the buckets once for each, and unspecialised.
    for step in histogram.recordedValues() {
      while next < ranks.count, step.totalCountToThisValue >= ranks[next] {
        self[keyPath: fields[next]] = min(step.value, max)
        next += 1
      }
      if next == ranks.count { return }
    }
  }
}

/// The latencies of all operations since the recorder was made.
public struct LatencySnapshot: Sendable, Hashable, Codable {
  /// Kinds that were recorded at least once.
  public var operations: [OperationKind: LatencySummary]

  public init(operations: [OperationKind: LatencySummary] = [:]) { self.operations = operations }

  /// The summary of a kind; all zero if it was never recorded.
  public subscript(kind: OperationKind) -> LatencySummary { operations[kind] ?? LatencySummary() }

  /// Operations of all kinds.
  public var count: UInt64 { operations.values.reduce(0) { $0 + $1.count } }
}
