import DarkBird
import Histogram

/// Latencies of operations by kind, recorded by many threads and read by one sampler.
///
/// Each thread records into a slot of its own, so that threads never wait for each other; the reader takes what the
/// slots hold and adds it up. Values are kept with two significant digits (HdrHistogram) from 1 ns to 60 s; longer
/// ones count as 60 s.
///
/// Memory: 30 KiB for each pair of thread and kind in use, and at most 3.5 MiB for the sums.
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
    var total = LatencyRecorder.empty
    var interval = LatencyRecorder.empty
    var recent = RecentLatencies()
    /// Percentiles of `recent`, and when they were found.
    var summaries: [OperationKind: LatencySummary] = [:]
    var summarizedAt: UInt64?

    mutating func drain(at nanoseconds: UInt64) {
      recent.advance(to: nanoseconds)
      for slot in slots {
        for (position, counts) in slot.take().enumerated() where counts.totalCount > 0 {
          total[position].add(counts)
          interval[position].add(counts)
          recent.add(counts, at: position)
        }
      }
    }
  }

  private let shared = Slot()
  private let merged: Guarded<Merged>

  public init() {
    merged = Guarded(Merged(slots: [shared]))
  }

  /// A slot for the calling thread. It lives until it is retired.
  public func makeSlot() -> Slot {
    let slot = Slot()
    merged.withLock { $0.slots.append(slot) }
    return slot
  }

  var slotCount: Int { merged.withLock { $0.slots.count } }

  /// Keeps what a slot holds and forgets the slot: its thread is about to end.
  func retire(_ slot: Slot) {
    merged.withLock { merged in
      merged.drain(at: monotonicNanoseconds())
      merged.slots.removeAll { $0 === slot }
    }
  }

  /// Counts one operation of a thread that has no slot of its own. All such threads share one.
  public func record(_ kind: OperationKind, nanoseconds: UInt64) {
    shared.record(kind, nanoseconds: nanoseconds)
  }

  /// Percentiles since the recorder was made.
  /// - Complexity: about 40 microseconds for each kind in use.
  public func snapshot() -> LatencySnapshot {
    snapshot(at: monotonicNanoseconds())
  }

  func snapshot(at nanoseconds: UInt64) -> LatencySnapshot {
    let total = merged.withLock { merged in
      merged.drain(at: nanoseconds)
      return merged.total
    }
    var snapshot = LatencySnapshot()
    for kind in OperationKind.allCases where total[kind.position].totalCount > 0 {
      snapshot.operations[kind] = LatencySummary(total[kind.position])
    }
    return snapshot
  }

  /// Has the percentiles of the last ten seconds begin anew. What the next interval holds stays.
  func forgetRecent() {
    merged.withLock { merged in
      merged.recent = RecentLatencies()
      (merged.summaries, merged.summarizedAt) = ([:], nil)
    }
  }

  /// What was recorded since the last call, by kind, with percentiles over the last ten seconds. A kind that was not
  /// used in those ten seconds is not in the result. Meant for one sampler: two callers would share the intervals out
  /// among them.
  /// - Complexity: about 60 microseconds for each kind in use, and a few for each slot.
  public func takeInterval() -> [OperationKind: IntervalHistogram] {
    takeInterval(at: monotonicNanoseconds(), summariesEvery: Self.summaryNanoseconds)
  }

  /// - Parameter summariesEvery: percentiles that are younger than that are good enough.
  func takeInterval(
    at nanoseconds: UInt64, summariesEvery age: UInt64 = 0
  ) -> [OperationKind: IntervalHistogram] {
    let (interval, summaries) = merged.withLock { merged in
      merged.drain(at: nanoseconds)
      let interval = merged.interval
      merged.interval = LatencyRecorder.empty
      // A kind that has just begun is not kept waiting.
      let isNew = OperationKind.allCases.contains {
        merged.summaries[$0] == nil && interval[$0.position].totalCount > 0
      }
      if isNew || merged.summarizedAt.map({ nanoseconds &- $0 >= age }) ?? true {
        merged.summarizedAt = nanoseconds
        merged.summaries = [:]
        for kind in OperationKind.allCases where merged.recent.total[kind.position].totalCount > 0 {
          merged.summaries[kind] = LatencySummary(merged.recent.total[kind.position])
        }
      }
      return (interval, merged.summaries)
    }
    var result: [OperationKind: IntervalHistogram] = [:]
    for (kind, summary) in summaries {
      result[kind] = IntervalHistogram(interval[kind.position], recent: summary)
    }
    return result
  }
}

/// The sum of the latencies of the last ten seconds: one histogram a second, and their sum.
struct RecentLatencies: Sendable {
  private(set) var total = LatencyRecorder.empty
  /// Oldest first; the last one is the current second.
  private var seconds = [[LatencyRecorder.Counts]](
    repeating: LatencyRecorder.empty, count: LatencyRecorder.recentSeconds)
  private var currentSecond: UInt64?

  /// Forgets what has become too old. Time that runs backwards changes nothing.
  mutating func advance(to nanoseconds: UInt64) {
    let second = nanoseconds / 1_000_000_000
    guard let current = currentSecond else {
      currentSecond = second
      return
    }
    guard second > current else { return }
    currentSecond = second
    let elapsed = Int(min(second - current, UInt64(seconds.count)))
    seconds.removeFirst(elapsed)
    seconds.append(contentsOf: repeatElement(LatencyRecorder.empty, count: elapsed))
    total = LatencyRecorder.empty
    for counts in seconds {
      for position in counts.indices where counts[position].totalCount > 0 { total[position].add(counts[position]) }
    }
  }

  mutating func add(_ counts: LatencyRecorder.Counts, at position: Int) {
    total[position].add(counts)
    seconds[seconds.count - 1][position].add(counts)
  }
}
