import DarkBird

/// Something that somebody should look at.
struct Alert: Hashable, Sendable {
  enum Severity: Int, Sendable, Comparable {
    case warning, critical

    static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
  }

  var severity: Severity
  var text: String

  static let queueFractionMax = 0.8
  static let durableLagSecondsMax: UInt64 = 5
  /// A zipfian choice of keys alone gives about 6 with 64 shards.
  static let skewMax = 10.0
  /// Below this rate the busiest shard says nothing.
  static let skewOperationsMin = 1_000.0

  /// What is wrong at one moment, the worst first.
  static func all(at moment: Moment) -> [Alert] {
    var alerts: [Alert] = []
    let statistics = moment.sample.statistics
    if let log = statistics.log {
      if let failure = log.failure {
        alerts.append(Alert(severity: .critical, text: "the log takes no more writes: \(failure)"))
      }
      if log.failure == nil, let failure = log.checkpointFailure {
        alerts.append(Alert(severity: .warning, text: "the log grows, for a checkpoint failed: \(failure)"))
      }
      if log.queueBytesMax > 0, Double(log.queueBytes) > queueFractionMax * Double(log.queueBytesMax) {
        alerts.append(Alert(severity: .warning, text: "the log's queue is nearly full: writers wait for the disk"))
      }
      if log.durableLagNanoseconds > durableLagSecondsMax * 1_000_000_000 {
        let lag = Format.seconds(nanoseconds: log.durableLagNanoseconds)
        alerts.append(Alert(severity: .warning, text: "not durable for \(lag)"))
      }
    }
    if let workload = workload(moment) { alerts.append(workload) }
    let figures = ShardFigures(moment)
    if figures.skew > skewMax, figures.operations.reduce(0, +) > skewOperationsMin {
      let skew = Format.decimal(figures.skew, places: 1)
      alerts.append(Alert(severity: .warning, text: "shard #\(figures.hottest) does \(skew) times the mean"))
    }
    return alerts.sorted { $1.severity < $0.severity }
  }
  private static func workload(_ moment: Moment) -> Alert? {
    guard let progress = moment.sample.workload?.progress else { return nil }
    if let reason = progress.writersStopped {
      return Alert(severity: .critical, text: "the workload's writers stopped: \(reason)")
    }
    if case .failed(let message)? = progress.finishedReason {
      return Alert(severity: .critical, text: "the workload failed: \(message)")
    }
    guard let earlier = moment.rates?.earlier.workload?.progress, progress.errors > earlier.errors else { return nil }
    return Alert(severity: .warning, text: "operations fail: \(progress.lastError ?? "no reason given")")
  }
}
