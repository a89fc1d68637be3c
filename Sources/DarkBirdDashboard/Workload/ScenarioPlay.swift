import DarkBird

/// A scenario on its way through its steps. It has no clock: whoever takes samples tells it the time.
struct ScenarioPlay: Sendable {
  let scenario: Scenario
  /// The options that it began with.
  let base: WorkloadOptions
  private var step = 0
  /// Nanoseconds that the workload has run: in this step, and in all.
  private var ran: UInt64 = 0
  private var ranInAll: UInt64 = 0
  private var last: UInt64?

  /// nil if the options name no scenario, or one without steps.
  init?(_ options: WorkloadOptions) {
    guard let scenario = options.scenario, !scenario.steps.isEmpty else { return nil }
    self.scenario = scenario
    base = options
  }

  /// What is to run now. Of the duration the play itself takes care: each step may be a run of its own.
  var options: WorkloadOptions {
    var options = base
    (options.scenario, options.duration) = (nil, nil)
    for setting in scenario.steps[step].settings { options.set(setting) }
    return options
  }

  var place: ScenarioPlace { ScenarioPlace(base: base, step: step, left: length - min(ran, length)) }

  /// `rush-hour 3/4 rush: clubs ack memory zipfian 2w/2r 50.0k/s at most`
  /// - Parameter own: what the store's configuration says of how far a write must have come; nil without a log.
  func title(_ own: Acknowledgement?) -> String {
    let options = options
    return "\(place.title): \(options.title(waitingFor: own.map { options.acknowledgement ?? $0 }))"
  }

  /// The duration of the options is over.
  var isOver: Bool { base.duration.map { Double(ranInAll) >= $0 / .nanoseconds(1) } ?? false }

  private var length: UInt64 {
    let seconds = scenario.steps[step].seconds
    return UInt64((seconds > 0 && seconds.isFinite ? min(seconds, 1e9) : 1) * 1e9)
  }

  /// The time goes on. However late that is told, no step is passed over.
  /// - Returns: whether another step begins.
  mutating func advance(to nanoseconds: UInt64, isRunning: Bool) -> Bool {
    let passed = last.map { nanoseconds - min($0, nanoseconds) } ?? 0
    last = nanoseconds
    guard isRunning else { return false }
    ran += passed
    ranInAll += passed
    guard ran >= length else { return false }
    step = (step + 1) % scenario.steps.count
    ran = 0
    return true
  }
}
