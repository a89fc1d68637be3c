import Histogram

/// The latencies of one kind of operation since the sampler last asked: one column of the heat map, with the
/// percentiles of the last ten seconds beside it.
///
/// The buckets divide each octave in four: 0, 1, 2, 3, 4, 5, 6, 7, 8-9, 10-11, 12-13, 14-15, 16-19 … nanoseconds.
public struct IntervalHistogram: Sendable, Hashable {
  /// Buckets that reach to 60 seconds, the longest latency recorded.
  public static let bucketCount = bucket(of: LatencyRecorder.nanosecondsMax) + 1

  /// Operations in each bucket, `bucketCount` of them.
  public private(set) var counts: [UInt64]
  /// Operations in this interval.
  public private(set) var count: UInt64 = 0
  /// Longest latency of this interval, in nanoseconds.
  public private(set) var max: UInt64 = 0
  /// Percentiles over the last ten seconds (the current second and the nine before it).
  public var recent: LatencySummary

  /// An interval in which nothing happened.
  public init(recent: LatencySummary = LatencySummary()) {
    counts = [UInt64](repeating: 0, count: Self.bucketCount)
    self.recent = recent
  }

  init(_ histogram: Histogram<UInt64>, recent: LatencySummary) {
    self.init(recent: recent)
    guard histogram.totalCount > 0 else { return }
    // The histogram's own buckets are finer and never straddle two of these.
    for step in histogram.recordedValues() { record(step.value, count: step.count) }
    max = histogram.maxRecorded
  }

  /// Adds operations that took `nanoseconds` each.
  public mutating func record(_ nanoseconds: UInt64, count: UInt64 = 1) {
    counts[min(Self.bucket(of: nanoseconds), Self.bucketCount - 1)] += count
    self.count += count
    max = Swift.max(max, nanoseconds)
  }

  /// Adds another interval of the same kind; `recent` becomes the other's.
  public mutating func add(_ later: IntervalHistogram) {
    for bucket in counts.indices { counts[bucket] += later.counts[bucket] }
    count += later.count
    max = Swift.max(max, later.max)
    recent = later.recent
  }

  /// Operations whose bucket begins inside `nanoseconds`: one cell of the heat map.
  public func count(in nanoseconds: Range<UInt64>) -> UInt64 {
    var total: UInt64 = 0
    for bucket in counts.indices where nanoseconds.contains(Self.lowerBound(of: bucket)) { total += counts[bucket] }
    return total
  }

  /// The bucket that counts a latency: the place of the highest bit and the two bits after it.
  public static func bucket(of nanoseconds: UInt64) -> Int {
    guard nanoseconds >= 4 else { return Int(nanoseconds) }
    let octave = UInt64.bitWidth - 1 - nanoseconds.leadingZeroBitCount
    return (octave - 1) * 4 + Int(nanoseconds >> (octave - 2)) & 3
  }

  /// The shortest latency that a bucket counts, in nanoseconds. `lowerBound(of: bucketCount)` is the end of the last.
  public static func lowerBound(of bucket: Int) -> UInt64 {
    guard bucket >= 4 else { return UInt64(Swift.max(bucket, 0)) }
    return UInt64(4 + bucket & 3) << UInt64(bucket / 4 - 1)
  }
}
