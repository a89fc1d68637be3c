import DarkBird

/// What the dashboard watches of a workload that runs in the same process.
public protocol WorkloadMonitor: Sendable {
  /// Where the workload's threads record how long each operation took.
  var recorder: LatencyRecorder { get }
  /// What runs, in a few words, such as `clubs zipfian 0.99 80r/20w`.
  var summary: String { get }
  /// How far it has come. Cheap enough to be called ten times a second.
  func progress() -> WorkloadProgress
  /// The last writes that a unique index refused, oldest first; the dashboard shows some of them as events.
  var recentDuplicates: [RefusedDuplicate] { get }
  /// Counts up when another run begins, with counts of its own.
  var runNumber: Int { get }
}

/// A workload that the dashboard can change. Orders do not wait until they are carried out.
public protocol WorkloadController: WorkloadMonitor {
  /// What is run, or was last.
  var options: WorkloadOptions { get }
  /// Runs this from now on.
  func run(_ options: WorkloadOptions)
  func setPaused(_ isPaused: Bool)
  func end()
  /// Tells the scenario of the options the time, in nanoseconds of a clock that never jumps; called with each sample.
  /// - Returns: where it stands then; nil if there is none.
  func advanceScenario(to nanoseconds: UInt64) -> ScenarioPlace?
}

extension WorkloadController {
  /// Without scenarios.
  public func advanceScenario(to nanoseconds: UInt64) -> ScenarioPlace? { nil }

  func carryOut(_ order: WorkloadOrder) {
    switch order {
    case .run(let options): run(options)
    case .setPaused(let isPaused): setPaused(isPaused)
    case .end: end()
    }
  }
}

extension Workload: WorkloadMonitor {
  public var summary: String {
    var options = options
    options.rate = rate
    return options.title(waitingFor: acknowledgement)
  }

  public var runNumber: Int { 1 }
}

extension WorkloadOptions {
  /// `clubs ack synced zipfian 2w/2r 20.0k/s at most`; what makes the greatest difference is not the first to be cut off.
  /// - Parameter level: how far a write must have come before the next; nil without a log, or where nobody knows.
  func title(waitingFor level: Acknowledgement?) -> String {
    let threads = preset == .clubs ? "\(writers)w/\(readers)r" : "\(writers + readers) threads"
    let limit =
      switch rate {
      case .max: "no limit"
      case .perSecond(let count): "\(Format.short(count))/s at most"
      }
    let mix = effectiveMix == preset.mix ? "" : " own mix"
    let ack = level.map { " ack \($0.rawValue)" } ?? ""
    return "\(preset.rawValue)\(ack)\(mix) \(effectiveDistribution.rawValue) \(threads) \(limit)"
  }
}
