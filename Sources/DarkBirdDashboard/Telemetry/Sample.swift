import DarkBird
import Foundation
import Histogram

/// Everything the dashboard knows of one moment. Immutable; panels compare two of them to get rates.
struct Sample: Sendable {
  /// Counts up by one; history is addressed by it.
  var sequence: Int
  /// Of the source: samples of two of them cannot be compared.
  var generation = 0
  /// Wall clock, for people.
  var date: Date
  /// Nanoseconds since the dashboard began, from a clock that never jumps.
  var nanoseconds: UInt64
  var statistics: StoreStatistics
  /// p99 of the log's syncs in the last ten seconds, in nanoseconds; nil if there was none. The list itself is not kept.
  var syncP99: UInt64?
  /// Half of them were shorter.
  var syncP50: UInt64?
  /// What the workload did; nil when nothing but the caller's program works on the store.
  var workload: WorkloadSample?
  /// How long its writes took; nil where a workload times its own operations, or nothing can be timed.
  var timed: TimedWrites?
  /// Notes that were written since the sample before; only in a recording, which is where they would be lost otherwise.
  var notes: [Note] = []
  /// Events of the store and refused duplicates since the dashboard began, and those events that subscribers of the program lost because they were slow.
  var eventsCounted: UInt64 = 0
  var eventsDropped: UInt64 = 0
  /// Events that were turned into lines.
  var eventsShown: UInt64 = 0
  /// The most frequent tags.
  var tags: [TagCount] = []
  /// Processor time since the dashboard began: of this process, and of the dashboard's own threads, in nanoseconds.
  var processNanoseconds: UInt64 = 0
  var dashboardNanoseconds: UInt64 = 0
  /// Memory of this process that is in RAM; 0 where nobody knows.
  var residentBytes = 0

  init(sequence: Int, date: Date, nanoseconds: UInt64, statistics: StoreStatistics) {
    self.sequence = sequence
    self.date = date
    self.nanoseconds = nanoseconds
    self.statistics = statistics
    take(SyncTimes(statistics.log?.recentSyncNanoseconds ?? []))
    // Two hours of these stay in memory, and nobody reads the list again.
    self.statistics.log?.recentSyncNanoseconds = []
  }
}

extension Sample {
  mutating func take(_ syncs: SyncTimes) { (syncP50, syncP99) = (syncs.p50, syncs.p99) }

  /// What somebody wrote about a moment: see `Mark`.
  struct Note: Hashable, Sendable {
    var nanoseconds: UInt64
    var date: Date
    var text: String
  }

  /// Percentiles of the last ten seconds by kind of operation; kinds that were not used are missing.
  var latencies: [OperationKind: LatencySummary] { workload?.latencies ?? timed?.latencies ?? [:] }

  /// How long the operations of `latencies` took to happen; nearly ten seconds once there are as many.
  var latencySeconds: Double {
    let known = workload.map(\.latencySeconds) ?? timed?.latencySeconds
    return max(1, known ?? min(10, Double(nanoseconds) / 1e9))
  }

  /// Latencies of all kinds since the sample before this one.
  var heat: HeatColumn { workload?.heat ?? timed?.heat ?? HeatColumn() }

  /// Takes the latencies of an earlier sample in, which this one takes the place of.
  mutating func addHeat(of other: Sample) {
    workload?.heat.add(other.heat)
    timed?.heat.add(other.heat)
  }
}

/// How long the writes of a program took that times none itself, as the store has timed some of them.
struct TimedWrites: Sendable {
  /// One in so many was timed, and stands for as many.
  var interval = 1
  /// As those of a workload.
  var latencies: [OperationKind: LatencySummary] = [:]
  var latencySeconds: Double?
  var heat = HeatColumn()
}

/// A tag and the number of documents that have it.
package struct TagCount: Hashable, Sendable {
  package var tag: String
  package var count: Int

  package init(tag: String, count: Int) {
    self.tag = tag
    self.count = count
  }
}

/// What a workload had done at one moment.
struct WorkloadSample: Sendable {
  var progress: WorkloadProgress
  /// What runs, in a few words, and the how many-eth run it is.
  var summary = ""
  var run = 1
  /// What runs, if it can be changed, or could be when it was recorded.
  var options: WorkloadOptions?
  /// Where the scenario stands that is being played.
  var scenario: ScenarioPlace?
  /// Percentiles of the last ten seconds by kind of operation; kinds that were not used are missing.
  var latencies: [OperationKind: LatencySummary] = [:]
  /// How long those were recorded.
  var latencySeconds: Double?
  /// Latencies of all kinds since the sample before this one.
  var heat = HeatColumn()
}

/// Latencies of one interval, by half octave from 64 ns upwards: small enough to keep thousands of them.
struct HeatColumn: Hashable, Sendable {
  static let firstOctave = 6
  static let bucketCount = 60

  private(set) var counts: [UInt32] = []

  init() {}

  /// What all of them have counted: their buckets are finer and never straddle two of these.
  init(_ histograms: [Histogram<UInt64>]) {
    let used = histograms.filter { $0.totalCount > 0 }
    // Adding them up first is cheaper than looking through each.
    guard var sum = used.first else { return }
    for other in used.dropFirst() { sum.add(other) }
    for step in sum.recordedValues() { add(step.count, nanoseconds: step.value) }
  }

  /// By bucket; what has no bucket is left out.
  init(counts: [UInt64]) {
    guard !counts.isEmpty else { return }
    self.counts = (0..<Self.bucketCount).map { $0 < counts.count ? UInt32(clamping: counts[$0]) : 0 }
  }

  mutating func add(_ count: UInt64, nanoseconds: UInt64) {
    if counts.isEmpty { counts = Array(repeating: 0, count: Self.bucketCount) }
    let bucket = Self.bucket(of: nanoseconds)
    counts[bucket] = UInt32(clamping: UInt64(counts[bucket]) + count)
  }

  mutating func add(_ other: HeatColumn) {
    guard !other.counts.isEmpty else { return }
    guard !counts.isEmpty else {
      counts = other.counts
      return
    }
    for bucket in counts.indices { counts[bucket] &+= min(other.counts[bucket], .max - counts[bucket]) }
  }

  static func bucket(of nanoseconds: UInt64) -> Int {
    guard nanoseconds >= 1 << UInt64(firstOctave) else { return 0 }
    let octave = UInt64.bitWidth - 1 - nanoseconds.leadingZeroBitCount
    let half = Int(nanoseconds >> UInt64(octave - 1)) & 1
    return min((octave - firstOctave) * 2 + half, bucketCount - 1)
  }

  /// The shortest latency of a bucket, in nanoseconds.
  static func lowerBound(of bucket: Int) -> Double {
    let octave = Double(UInt64(1) << UInt64(firstOctave + min(max(bucket, 0), bucketCount) / 2))
    return bucket % 2 == 0 ? octave : octave * 1.5
  }
}
