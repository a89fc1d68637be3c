import DarkBird
import DequeModule

/// How long the log's syncs of the last ten seconds took. The store keeps the last ones whenever they were: beside latencies
/// of ten seconds they would be of another time.
struct SyncWindow {
  /// As the latencies of operations.
  static let seconds = LatencyRecorder.recentSeconds
  private static let second: UInt64 = 1_000_000_000

  private var syncs: Deque<(at: UInt64, nanoseconds: UInt64)> = []
  private var counted: UInt64?
  private var times = SyncTimes()
  /// A figure that people read must not flicker, nor a sampler sort ten times a second.
  private var timesDue: UInt64 = 0

  /// What came since the last call; of the syncs before the first one nobody knows when they were.
  mutating func take(_ log: StoreStatistics.Log?, at now: UInt64) -> SyncTimes {
    let count = log?.syncs ?? 0
    let new = counted.map { count - min($0, count) } ?? 0
    for nanoseconds in (log?.recentSyncNanoseconds ?? []).suffix(Int(min(new, 1 << 20))) {
      syncs.append((now, nanoseconds))
    }
    counted = count
    let start = now - min(now, UInt64(Self.seconds) * Self.second)
    while let first = syncs.first, first.at < start { syncs.removeFirst() }
    if now >= timesDue || times.p99 == nil {
      timesDue = now + Self.second
      times = SyncTimes(syncs.map(\.nanoseconds))
    }
    return times
  }
}

/// Percentiles of some syncs, in nanoseconds; nil if there was none.
struct SyncTimes: Hashable, Sendable {
  var p50: UInt64?
  var p99: UInt64?

  init() {}

  init(_ nanoseconds: [UInt64]) {
    guard !nanoseconds.isEmpty else { return }
    let sorted = nanoseconds.sorted()
    func percentile(_ percent: Int) -> UInt64 { sorted[min(sorted.count - 1, sorted.count * percent / 100)] }
    (p50, p99) = (percentile(50), percentile(99))
  }
}
