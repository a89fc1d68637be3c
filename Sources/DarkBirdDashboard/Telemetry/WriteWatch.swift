import DarkBird

/// Has a store time as many of its writes as percentiles want, and turns its counts into latencies.
struct WriteWatch {
  /// Timed writes a second: of ten seconds enough for p99.9, at any pace of the store next to no work for it.
  static let timedPerSecond = 1_000.0

  private let recorder = LatencyRecorder()
  private let slot: LatencyRecorder.Slot
  private var before: WriteTimings?
  private var last: UInt64 = 0
  /// Averaged over some samples. A batch is one call, however many documents it writes.
  private var callsPerSecond = 0.0
  private var interval = 0

  init() { slot = recorder.makeSlot() }

  /// - Parameter nanoseconds: when the sample is taken.
  mutating func take(from source: any Source, at nanoseconds: UInt64) -> TimedWrites? {
    let timed = max(1, interval)
    if interval == 0 { time(oneIn: 1, of: source) }
    guard let timings = source.writeTimings() else { return nil }
    if let before {
      record(timings, since: before)
      if nanoseconds > last {
        let seconds = Double(nanoseconds - last) / 1e9
        // Each that was timed stands for as many as the interval says. Fewer than before are those of another store, whose opening
        // is not seen yet.
        let calls = Self.calls(timings)
        let rate = Double(calls - min(calls, Self.calls(before))) / seconds
        callsPerSecond += (rate - callsPerSecond) * min(1, seconds)
      }
    }
    (before, last) = (timings, nanoseconds)
    var wanted = 1
    while Double(wanted) * Self.timedPerSecond < callsPerSecond { wanted *= 2 }
    if wanted != interval { time(oneIn: wanted, of: source) }
    let taken = recorder.takeInterval(at: nanoseconds)
    return TimedWrites(
      interval: timed, latencies: taken.recent, latencySeconds: taken.recentSeconds, heat: taken.heat)
  }

  private mutating func time(oneIn wanted: Int, of source: any Source) {
    interval = wanted
    source.timeWrites(oneIn: wanted)
  }

  private static func calls(_ timings: WriteTimings) -> UInt64 {
    WriteTimings.Kind.allCases.reduce(0) { $0 + timings.counts(of: $1).reduce(0, +) }
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
