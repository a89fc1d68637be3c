import DarkBird

/// What is watched, above which value it is wrong, and how long it must be wrong before somebody is told.
struct AlertRule: Hashable, Sendable {
  enum Severity: Int, Sendable, Comparable {
    case warning, critical

    static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
  }

  /// What is measured, and in which unit its threshold is.
  enum Measure: Hashable, Sendable {
    /// p99.9 of one kind of operation over the last ten seconds, in nanoseconds.
    case latency(OperationKind)
    /// Age of the oldest record that is not durable, in nanoseconds.
    case logLag
    /// p99 of the syncs of the last ten seconds, in nanoseconds.
    case sync
    /// Share of the log's queue that is taken, 0...1.
    case queue
    /// Operations of the busiest shard against the mean; see `limit(at:)`.
    case skew
    /// Events a second that subscribers lost, the dashboard among them.
    case eventsDropped
    /// Operations of the workload that fail, a second.
    case operationErrors
    /// Share of the operations that a limited rate calls for and that are not begun in time, 0...1.
    case behind
    /// These are wrong or they are not: there is a reason, or none.
    case logFailed, checkpointFailed, writersStopped, workloadFailed
  }

  /// As the configuration names it, unique.
  var name: String
  var measure: Measure
  /// Values above it are wrong.
  var threshold: Double
  /// The value must be wrong for so long.
  var sustainedNanoseconds: UInt64
  var severity: Severity
  /// Whether the threshold is for up to 64 shards and grows with their number beyond; see `limit(at:)`.
  var growsWithShards = false

  init(
    _ measure: Measure, above threshold: Double = 0, forSeconds seconds: Double = 0, severity: Severity = .warning
  ) {
    name = measure.name
    self.measure = measure
    self.threshold = threshold
    sustainedNanoseconds = UInt64(seconds * 1e9)
    self.severity = severity
    growsWithShards = measure == .skew
  }

  private static let millisecond = 1e6

  /// Rules that hold for any healthy store on a machine of today, and say so when it is not: a percentile of ten seconds
  /// must be wrong for longer than ten seconds, so that a single burst is no alarm.
  static let standard: [AlertRule] =
    [
      AlertRule(.logFailed, severity: .critical),
      AlertRule(.workloadFailed, severity: .critical),
      AlertRule(.writersStopped, severity: .critical),
      AlertRule(.checkpointFailed),
      AlertRule(.operationErrors, above: 0, forSeconds: 0),
      // Longer than the time that it is measured over, so that one stall is no alarm.
      AlertRule(.behind, above: 0.1, forSeconds: 5),
      AlertRule(.queue, above: 0.8, forSeconds: 1),
      AlertRule(.logLag, above: 5_000 * millisecond, forSeconds: 1),
      AlertRule(.sync, above: 500 * millisecond, forSeconds: 15),
      // A zipfian choice of keys alone gives about 6 with 64 shards.
      AlertRule(.skew, above: 10, forSeconds: 10),
      AlertRule(.eventsDropped, above: 0, forSeconds: 5),
    ]
    + OperationKind.allCases.map { kind in
      let limit =
        switch kind {
        case .insert, .put, .update, .remove: 50 * millisecond
        case .batch: 500 * millisecond
        case .get, .unique: 20 * millisecond
        case .tag, .range, .scan: 250 * millisecond
        }
      return AlertRule(.latency(kind), above: limit, forSeconds: 15)
    }

  /// Operations in ten seconds below which p99.9 is no more than the slowest one, which then stands for it: writes are few when
  /// they are slow.
  static let latencyOperationsMin: UInt64 = 2_000
  private static func isEnough(_ summary: LatencySummary) -> Bool { summary.count >= latencyOperationsMin }
  /// Operations a second below which the busiest shard says nothing.
  static let skewOperationsMin = 1_000.0
  /// Shards up to which the limit of the skew is what the rule says.
  static let skewShards = 64

  /// Above which value it is wrong at that moment. One key that gets a share of all operations makes the skew the larger
  /// the more shards there are, with no harm done by that: beyond 64 shards the limit grows with their number, unless
  /// somebody has named a limit.
  func limit(at moment: Moment?) -> Double {
    guard growsWithShards, let moment else { return threshold }
    return threshold * max(1, Double(moment.sample.statistics.shards.count) / Double(Self.skewShards))
  }

  /// The value of one moment; nil if there is none, as of a log in a store in memory.
  func value(at moment: Moment) -> Double? {
    let statistics = moment.sample.statistics
    switch measure {
    case .latency(let kind):
      return moment.sample.latencies[kind].flatMap { $0.count > 0 ? Double(Self.isEnough($0) ? $0.p999 : $0.max) : nil }
    case .logLag: return statistics.log.map { Double($0.durableLagNanoseconds) }
    case .sync: return moment.sample.syncP99.map { Double($0) }
    case .queue:
      guard let log = statistics.log, log.queueBytesMax > 0 else { return nil }
      return Double(log.queueBytes) / Double(log.queueBytesMax)
    case .skew:
      let skew = ShardSkew(moment)
      return skew.operations > Self.skewOperationsMin ? skew.ratio : nil
    case .eventsDropped: return moment.rates?.perSecond(\.eventsDropped)
    case .operationErrors:
      guard let rates = moment.rates, let before = rates.earlier.workload?.progress,
        let after = moment.sample.workload?.progress
      else { return nil }
      return after.errors > before.errors ? Double(after.errors - before.errors) / rates.seconds : 0
    case .behind: return Shortfall(moment)?.worst
    case .logFailed, .checkpointFailed, .writersStopped, .workloadFailed: return reason(at: moment) == nil ? 0 : 1
    }
  }

  /// Why, where the store or the workload says it.
  func reason(at moment: Moment) -> String? {
    let log = moment.sample.statistics.log
    let progress = moment.sample.workload?.progress
    switch measure {
    case .logFailed: return log?.failure
    // A log that has failed takes no checkpoints either: once is enough.
    case .checkpointFailed: return log?.failure == nil ? log?.checkpointFailure : nil
    case .writersStopped: return progress?.writersStopped
    case .workloadFailed:
      if case .failed(let message)? = progress?.finishedReason { return message }
      return nil
    case .operationErrors: return progress?.lastError
    default: return nil
    }
  }

  /// The alarm in one line. `nanoseconds`: for how long. `word`: `after` where the line stands at the moment when it began,
  /// whose own figures are others.
  func text(at moment: Moment, lasting nanoseconds: UInt64, _ word: String = "for") -> String {
    let reason = reason(at: moment)
    switch measure {
    case .logFailed: return "the log takes no more writes: \(reason ?? "no reason given")"
    case .checkpointFailed: return "the log grows, for a checkpoint failed: \(reason ?? "no reason given")"
    case .writersStopped: return "the workload's writers stopped: \(reason ?? "no reason given")"
    case .workloadFailed: return "the workload failed: \(reason ?? "no reason given")"
    case .operationErrors: return "operations fail: \(reason ?? "no reason given")"
    case .behind: return "\(Shortfall(moment)?.text ?? "behind") \(word) \(Format.span(nanoseconds: nanoseconds))"
    case .queue, .logLag, .sync, .skew, .eventsDropped, .latency:
      let lasting = Format.span(nanoseconds: nanoseconds)
      return "\(measure.title) \(comparison(moment)) \(word) \(lasting)\(remark(moment))"
    }
  }

  /// `3.04ms > 3.00ms`: with as many digits as it takes to see which is more.
  private func comparison(_ moment: Moment) -> String {
    let limit = limit(at: moment)
    guard let value = value(at: moment) else { return "- > \(format(limit))" }
    // An alarm that goes on for a while after the value is right again shows it.
    guard value > limit else { return "\(format(value)), was > \(format(limit))" }
    if format(value) != format(limit) { return "\(format(value)) > \(format(limit))" }
    let (scale, unit): (Double, String) =
      switch measure {
      case .latency, .sync, .logLag: limit < 1e6 ? (1e3, "us") : limit < 1e9 ? (1e6, "ms") : (1e9, "s")
      case .queue, .behind: (0.01, "%")
      default: (1, "")
      }
    for places in 2...4 {
      let (more, less) = (Format.decimal(value / scale, places: places), Format.decimal(limit / scale, places: places))
      if more != less { return "\(more)\(unit) > \(less)\(unit)" }
    }
    return "just above \(format(limit))"
  }

  /// What to make of it.
  private func remark(_ moment: Moment) -> String {
    switch measure {
    case .queue: ": writers wait for the disk"
    case .skew: ": shard #\(ShardSkew(moment).hottest)"
    case .latency(let kind):
      if let summary = moment.sample.latencies[kind], !Self.isEnough(summary) {
        ": the slowest of \(Format.grouped(summary.count)) in 10 s"
      } else {
        ""
      }
    default: ""
    }
  }

  /// A value in the unit of the measure.
  func format(_ value: Double) -> String {
    switch measure {
    case .latency, .sync, .logLag: Format.time(nanoseconds: value)
    case .queue, .behind: Format.percent(value)
    case .skew: Format.decimal(value, places: 1)
    case .eventsDropped, .operationErrors: Format.rate(value) + "/s"
    case .logFailed, .checkpointFailed, .writersStopped, .workloadFailed: value > 0 ? "yes" : "no"
    }
  }

  /// Whether there is a threshold at all.
  var hasThreshold: Bool {
    switch measure {
    case .logFailed, .checkpointFailed, .writersStopped, .workloadFailed: false
    default: true
    }
  }
}

extension AlertRule.Measure {
  var name: String {
    switch self {
    case .latency(let kind): "p999-\(kind.rawValue)"
    case .logLag: "log-lag"
    case .sync: "sync"
    case .queue: "queue"
    case .skew: "skew"
    case .eventsDropped: "events-dropped"
    case .operationErrors: "operation-errors"
    case .behind: "behind"
    case .logFailed: "log-failed"
    case .checkpointFailed: "checkpoint-failed"
    case .writersStopped: "writers-stopped"
    case .workloadFailed: "workload-failed"
    }
  }

  /// As people read it.
  var title: String {
    switch self {
    case .latency(let kind): "p99.9 \(kind.rawValue)"
    case .logLag: "log lag"
    case .sync: "sync p99"
    case .queue: "queue"
    case .skew: "skew"
    case .eventsDropped: "events dropped"
    case .operationErrors: "operations fail"
    case .behind: "workload behind"
    case .logFailed: "log failed"
    case .checkpointFailed: "checkpoint failed"
    case .writersStopped: "writers stopped"
    case .workloadFailed: "workload failed"
    }
  }
}

/// How unequally the shards work, without the rest of `ShardFigures`: it is asked for at every sample.
struct ShardSkew {
  /// Operations a second of all shards.
  let operations: Double
  /// Largest against mean; 1 if nothing happens.
  let ratio: Double
  let hottest: Int

  init(_ moment: Moment) {
    let now = moment.sample.statistics.shards
    guard let rates = moment.rates, rates.earlier.statistics.shards.count == now.count, !now.isEmpty else {
      (operations, ratio, hottest) = (0, 1, 0)
      return
    }
    var (total, most, hottest): (Double, Double, Int) = (0, 0, 0)
    for index in now.indices {
      let (before, after) = (rates.earlier.statistics.shards[index].operations, now[index].operations)
      let rise = after > before ? Double(after - before) : 0
      total += rise
      if rise > most { (most, hottest) = (rise, index) }
    }
    operations = total / rates.seconds
    ratio = total > 0 ? most * Double(now.count) / total : 1
    self.hottest = hottest
  }
}
