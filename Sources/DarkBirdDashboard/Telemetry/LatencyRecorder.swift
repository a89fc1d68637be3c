import DarkBird
import Histogram

/// Latencies of operations by kind, recorded by many threads and read by one sampler.
///
/// Each thread records into a slot of its own, so that threads never wait for each other; the reader takes what the
/// slots hold and adds it up. Values are kept with two significant digits (HdrHistogram) from 1 ns to 60 s; longer
/// ones count as 60 s.
///
/// Memory: 30 KiB for each pair of thread and kind in use, and at most 4 MiB for the sums.
public final class LatencyRecorder: Sendable {
  /// The longest latency that is told apart from longer ones.
  public static let nanosecondsMax: UInt64 = 60_000_000_000
  static let recentSeconds = 10
  /// Percentiles of ten seconds need not be found ten times a second.
  static let summaryNanoseconds: UInt64 = 500_000_000

  typealias Counts = Histogram<UInt64>
  /// One empty histogram a kind. Copies share its storage until something is recorded in them.
  static let empty = [Counts](
    repeating: Counts(
      lowestDiscernibleValue: 1, highestTrackableValue: nanosecondsMax, numberOfSignificantValueDigits: .two),
    count: OperationKind.allCases.count)

  /// The part of a recorder that one thread writes. Make it on that thread, so that two threads' slots do not share a
  /// cache line.
  public final class Slot: Sendable {
    private let pending = Guarded(LatencyRecorder.empty)

    /// Counts one operation.
    /// - Complexity: O(1), about 30 ns. The first one of a kind after the reader came by copies 30 KiB.
    public func record(_ kind: OperationKind, nanoseconds: UInt64) { record(kind, nanoseconds: nanoseconds, count: 1) }

    /// Counts operations that took equally long.
    func record(_ kind: OperationKind, nanoseconds: UInt64, count: UInt64) {
      let value = min(nanoseconds, LatencyRecorder.nanosecondsMax)
      pending.withLock { _ = $0[kind.position].record(value, count: count) }
    }

    /// What was recorded since the last call.
    func take() -> [Counts] {
      pending.withLock { counts in
        let taken = counts
        counts = LatencyRecorder.empty
        return taken
      }
    }
  }

  private struct Merged: Sendable {
    var slots: [Slot]
    /// Of the seconds before those that `recent` holds.
    var past = LatencyRecorder.empty
    /// Since the last interval was taken; not in `recent` yet.
    var interval = LatencyRecorder.empty
    var recent = RecentLatencies()
    /// Percentiles of `recent`, and when they were found.
    var summaries: [OperationKind: LatencySummary] = [:]
    var summarizedSeconds = 0.0
    var summarizedAt: UInt64?

    /// Adding histograms up is most of what a sampler does with them: each is added once on its way.
    mutating func drain() {
      for slot in slots { LatencyRecorder.add(slot.take(), to: &interval) }
    }

    mutating func forgetRecent() {
      for second in recent.seconds { LatencyRecorder.add(second, to: &past) }
      LatencyRecorder.add(interval, to: &past)
      (recent, interval) = (RecentLatencies(), LatencyRecorder.empty)
      (summaries, summarizedAt) = ([:], nil)
    }
  }

  static func add(_ counts: [Counts], to sums: inout [Counts]) {
    for position in counts.indices where counts[position].totalCount > 0 {
      if sums[position].totalCount == 0 {
        sums[position] = counts[position]
      } else {
        sums[position].add(counts[position])
      }
    }
  }

  private let shared = Slot()
  private let merged: Guarded<Merged>

  public init() {
    merged = Guarded(Merged(slots: [shared]))
  }

  /// A slot for the calling thread, which takes up to 30 KiB until it is retired.
  public func makeSlot() -> Slot {
    let slot = Slot()
    merged.withLock { $0.slots.append(slot) }
    return slot
  }

  var slotCount: Int { merged.withLock { $0.slots.count } }

  /// Keeps what a slot holds and forgets the slot, to be called when its thread is about to end.
  public func retire(_ slot: Slot) {
    merged.withLock { merged in
      merged.drain()
      merged.slots.removeAll { $0 === slot }
    }
  }

  /// Counts one operation of a thread that has no slot of its own. All such threads share one.
  public func record(_ kind: OperationKind, nanoseconds: UInt64) {
    shared.record(kind, nanoseconds: nanoseconds)
  }

  /// Percentiles since the recorder was made.
  /// - Complexity: about 100 microseconds for each kind in use.
  public func snapshot() -> LatencySnapshot {
    let total = merged.withLock { merged in
      merged.drain()
      var total = merged.past
      for second in merged.recent.seconds { Self.add(second, to: &total) }
      Self.add(merged.interval, to: &total)
      return total
    }
    var snapshot = LatencySnapshot()
    for kind in OperationKind.allCases where total[kind.position].totalCount > 0 {
      snapshot.operations[kind] = LatencySummary(total[kind.position])
    }
    return snapshot
  }

  /// Has the percentiles of the last ten seconds begin anew. What threads have recorded since the last interval stays.
  func forgetRecent() { merged.withLock { $0.forgetRecent() } }

  /// What was recorded between two calls, and lately.
  struct Interval: Sendable {
    /// All kinds since the last call.
    var heat = HeatColumn()
    /// The last ten seconds (the current second and the nine before it) by kind; kinds not used in them are missing.
    var recent: [OperationKind: LatencySummary] = [:]
    /// How long those were recorded.
    var recentSeconds = 0.0
  }

  /// What was recorded since the last call. Meant for one sampler: two callers would share the intervals out among them.
  /// - Parameter age: percentiles that are younger than that are good enough.
  /// - Complexity: about 20 microseconds for each kind in use and for each slot.
  func takeInterval(
    at nanoseconds: UInt64 = monotonicNanoseconds(), summariesEvery age: UInt64 = summaryNanoseconds
  ) -> Interval {
    let (taken, summaries, seconds) = merged.withLock { merged in
      merged.drain()
      let taken = merged.interval
      merged.interval = Self.empty
      for second in merged.recent.advance(to: nanoseconds) { Self.add(second, to: &merged.past) }
      merged.recent.add(taken)
      // A kind that has just begun is not kept waiting.
      let isNew = OperationKind.allCases.contains {
        merged.summaries[$0] == nil && taken[$0.position].totalCount > 0
      }
      if isNew || merged.summarizedAt.map({ nanoseconds &- $0 >= age }) ?? true {
        merged.summarizedAt = nanoseconds
        let total = merged.recent.total
        merged.summarizedSeconds = merged.recent.seconds(at: nanoseconds)
        merged.summaries = [:]
        for kind in OperationKind.allCases where total[kind.position].totalCount > 0 {
          merged.summaries[kind] = LatencySummary(total[kind.position])
        }
      }
      return (taken, merged.summaries, merged.summarizedSeconds)
    }
    return Interval(heat: HeatColumn(taken), recent: summaries, recentSeconds: seconds)
  }
}

/// The latencies of the last ten seconds: the histograms of each of them.
struct RecentLatencies: Sendable {
  /// Oldest first; the last one is the current second.
  private(set) var seconds = [[LatencyRecorder.Counts]](
    repeating: LatencyRecorder.empty, count: LatencyRecorder.recentSeconds)
  /// The sum of all but the last.
  private var before = LatencyRecorder.empty
  private var currentSecond: UInt64?
  private var start: UInt64?

  /// - Returns: what has become too old. Time that runs backwards changes nothing.
  mutating func advance(to nanoseconds: UInt64) -> [[LatencyRecorder.Counts]] {
    if start == nil { start = nanoseconds }
    let second = nanoseconds / 1_000_000_000
    guard let current = currentSecond, second != current else {
      currentSecond = second
      return []
    }
    guard second > current else { return [] }
    currentSecond = second
    let elapsed = Int(min(second - current, UInt64(seconds.count)))
    let old = Array(seconds.prefix(elapsed))
    seconds.removeFirst(elapsed)
    before = LatencyRecorder.empty
    for counts in seconds { LatencyRecorder.add(counts, to: &before) }
    seconds.append(contentsOf: repeatElement(LatencyRecorder.empty, count: elapsed))
    return old
  }

  mutating func add(_ counts: [LatencyRecorder.Counts]) {
    LatencyRecorder.add(counts, to: &seconds[seconds.count - 1])
  }

  /// How long they reach back.
  func seconds(at nanoseconds: UInt64) -> Double {
    let whole = UInt64(seconds.count - 1) * 1_000_000_000 + nanoseconds % 1_000_000_000
    return Double(min(whole, nanoseconds - min(start ?? nanoseconds, nanoseconds))) / 1e9
  }

  var total: [LatencyRecorder.Counts] {
    var total = before
    if let current = seconds.last { LatencyRecorder.add(current, to: &total) }
    return total
  }
}
