import Histogram

/// One row of figures.
public struct BenchResult: Codable, Sendable {
  public struct Latency: Codable, Sendable {
    public var p50: UInt64
    public var p99: UInt64
    public var p999: UInt64
    /// Operations that were timed.
    public var samples: Int
  }

  public var name: String
  public var threads: Int
  /// Documents for the rows that visit many in one call.
  public var operations: Int
  public var seconds: Double
  public var operationsPerSecond: Double
  /// Nanoseconds of one call; nil where there is only one.
  public var latencyNs: Latency?
  /// Resident memory, of a process of its own; nil but for the rows that insert into memory.
  public var bytesPerDocument: Double?
  /// What only this row has.
  public var figures: [String: Double]

  init(_ row: BenchRow, threads: Int, operations: Int, seconds: Double, latency: Latency? = nil) {
    name = row.rawValue
    self.threads = threads
    self.operations = operations
    self.seconds = seconds
    operationsPerSecond = Double(operations) / seconds
    latencyNs = latency
    figures = [:]
  }

  init(_ row: BenchRow, _ run: Run) {
    self.init(row, threads: run.threads, operations: run.operations, seconds: run.seconds, latency: run.latency)
  }

  enum CodingKeys: CodingKey {
    case name, threads, operations, seconds, operationsPerSecond, latencyNs, bytesPerDocument, figures
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(threads, forKey: .threads)
    try container.encode(operations, forKey: .operations)
    try container.encode(seconds, forKey: .seconds)
    try container.encode(operationsPerSecond, forKey: .operationsPerSecond)
    // Null instead of absent, so that a script finds every key in every row.
    try container.encode(latencyNs, forKey: .latencyNs)
    try container.encode(bytesPerDocument, forKey: .bytesPerDocument)
    try container.encode(figures, forKey: .figures)
  }
}

extension BenchResult.Latency {
  /// - Parameters:
  ///   - nanoseconds: what was timed, in any order.
  ///   - interval: of paced operations, the time from one to the next: those that a slow one delayed count as slow too.
  init?(_ nanoseconds: [UInt64], interval: UInt64? = nil) {
    if nanoseconds.isEmpty { return nil }
    let limit: UInt64 = 60_000_000_000
    var histogram = Histogram<UInt64>(
      lowestDiscernibleValue: 1, highestTrackableValue: limit, numberOfSignificantValueDigits: .three)
    for value in nanoseconds {
      if let interval {
        _ = histogram.recordCorrectedValue(min(value, limit), expectedInterval: interval)
      } else {
        _ = histogram.record(min(value, limit))
      }
    }
    self.init(
      p50: histogram.valueAtPercentile(50), p99: histogram.valueAtPercentile(99),
      p999: histogram.valueAtPercentile(99.9), samples: nanoseconds.count)
  }
}
