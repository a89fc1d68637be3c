import DarkBird

/// Has a store time as many of its writes as percentiles want, and turns its counts into latencies.
struct WriteWatch {
  /// Timed writes a second: of ten seconds enough for p99.9, at any pace of the store next to no work for it.
  static let timedPerSecond = 1_000.0

  private let recorder = LatencyRecorder()
  private let slot: LatencyRecorder.Slot
  private var before: WriteTimings?
  private var last: (nanoseconds: UInt64, writes: UInt64)?
  /// Averaged over some samples.
  private var writesPerSecond = 0.0
  private var interval = 0

  init() { slot = recorder.makeSlot() }

  /// - Parameters:
  ///   - writes: of the store so far.
  ///   - nanoseconds: when the sample is taken.
  mutating func take(from source: any Source, writes: UInt64, at nanoseconds: UInt64) -> TimedWrites? {
    if let last, nanoseconds > last.nanoseconds {
      let seconds = Double(nanoseconds - last.nanoseconds) / 1e9
      let rate = Double(writes - min(writes, last.writes)) / seconds
      writesPerSecond += (rate - writesPerSecond) * min(1, seconds)
    }
    last = (nanoseconds, writes)
    let timed = interval
    var wanted = 1
    while Double(wanted) * Self.timedPerSecond < writesPerSecond { wanted *= 2 }
    if wanted != interval {
      interval = wanted
      source.timeWrites(oneIn: wanted)
    }
    guard let timings = source.writeTimings() else { return nil }
    if let before { record(timings, since: before) }
    before = timings
    let taken = recorder.takeInterval(at: nanoseconds)
    return TimedWrites(
      interval: max(1, timed), latencies: taken.recent, latencySeconds: taken.recentSeconds, heat: taken.heat)
  }

  private func record(_ now: WriteTimings, since before: WriteTimings) {
    for kind in WriteTimings.Kind.allCases {
      for (bucket, (now, before)) in zip(now.counts(of: kind), before.counts(of: kind)).enumerated() where now > before
      {
        // The middle of the bucket is off by a thirty-second at most.
        let middle = (WriteTimings.lowerBound(of: bucket) + WriteTimings.lowerBound(of: bucket + 1)) / 2
        slot.record(kind.operation, nanoseconds: middle, count: now - before)
      }
    }
  }
}

extension WriteTimings.Kind {
  var operation: OperationKind {
    switch self {
    case .put: .put
    case .insert: .insert
    case .update: .update
    case .remove: .remove
    case .batch: .batch
    }
  }
}
