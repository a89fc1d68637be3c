public import DarkBird

/// A load that changes by itself: steps one after the other, and the first one again after the last.
///
///     var options = WorkloadOptions()
///     options.scenario = Scenario(
///       "nights", "quiet, then busy",
///       [.init("night", [.rate(.perSecond(100))], seconds: 60), .init("day", [.rate(.max), .writers(8)], seconds: 20)])
///     let runner = WorkloadRunner(store: store, options: options)
///
/// Each step is the options that the scenario began with and what the step itself sets: no step depends on the one before.
/// Its seconds are those in which the workload runs; loading and pauses do not count. One without steps is none.
public struct Scenario: Sendable, Hashable {
  public enum Setting: Sendable, Hashable {
    /// With the mix and the keys of that preset.
    case preset(WorkloadOptions.Preset)
    case distribution(KeyDistribution)
    case rate(WorkloadOptions.Rate)
    case writers(Int)
    case readers(Int)
    case acknowledgement(Acknowledgement)
    case share(WorkloadMix.Share, Int)
  }

  public struct Step: Sendable, Hashable {
    /// A word or two; may be empty.
    public var name: String
    /// In this order.
    public var settings: [Setting]
    /// Above 0; less counts as one.
    public var seconds: Double

    public init(_ name: String, _ settings: [Setting], seconds: Double) {
      self.name = name
      self.settings = settings
      self.seconds = seconds
    }
  }

  /// Lower case letters, digits and `-`.
  public var name: String
  /// What it shows, in a line.
  public var summary: String
  public var steps: [Step]

  public init(_ name: String, _ summary: String, _ steps: [Step]) {
    self.name = name
    self.summary = summary
    self.steps = steps
  }
}

extension Scenario {
  /// Those that every dashboard has.
  public static let standard = [
    Scenario(
      "rush-hour", "the rate rises to a peak and falls again: what keeps up, and what lags",
      [
        Step("night", [.rate(.perSecond(500))], seconds: 15),
        Step("morning", [.rate(.perSecond(5_000))], seconds: 15),
        Step("rush", [.rate(.perSecond(50_000))], seconds: 15),
        Step("evening", [.rate(.perSecond(5_000))], seconds: 15),
      ]),
    Scenario(
      "hot-keys", "all documents alike, then a few of them get most: the shards part",
      [
        Step("all alike", [.distribution(.uniform), .rate(.perSecond(20_000))], seconds: 20),
        Step("a few hot", [.distribution(.zipfian), .rate(.perSecond(20_000))], seconds: 20),
        Step("the newest", [.distribution(.latest), .rate(.perSecond(20_000))], seconds: 20),
      ]),
    Scenario(
      "write-burst", "eight writers alone: the log fills, lags and catches up",
      [
        Step("calm", [.rate(.perSecond(2_000))], seconds: 20),
        // Readers without a limit would take the processors that the writers need.
        Step("burst", [.rate(.max), .writers(8), .readers(0)], seconds: 10),
        Step("after it", [.rate(.perSecond(2_000))], seconds: 20),
      ]),
    Scenario(
      "readers-writers", "the same rate by readers, by both, by writers: what a write costs",
      [
        Step("readers", [.rate(.perSecond(20_000)), .writers(0), .readers(4)], seconds: 20),
        Step("both", [.rate(.perSecond(20_000)), .writers(2), .readers(2)], seconds: 20),
        Step("writers", [.rate(.perSecond(20_000)), .writers(4), .readers(0)], seconds: 20),
      ]),
  ]
}

extension WorkloadOptions {
  mutating func set(_ setting: Scenario.Setting) {
    switch setting {
    case .preset(let preset): (self.preset, mix, distribution) = (preset, nil, nil)
    case .distribution(let distribution): self.distribution = distribution
    case .rate(let rate): self.rate = rate
    case .writers(let count): writers = count
    case .readers(let count): readers = count
    case .acknowledgement(let level): acknowledgement = level
    case .share(let share, let value):
      var mix = effectiveMix
      mix[share] = value
      self.mix = mix
    }
  }
}

/// Where a scenario stands that is being played.
public struct ScenarioPlace: Sendable, Hashable {
  /// The options that it began with, itself among them.
  public var base: WorkloadOptions
  /// Index of the step that is on.
  public var step: Int
  /// Nanoseconds until the next one, while the workload runs.
  public var left: UInt64

  /// `rush-hour 3/4 rush`
  public var title: String {
    "\(scenario?.name ?? "") \(number)\(name.isEmpty ? "" : " ")\(name)"
  }
}

extension ScenarioPlace {
  var scenario: Scenario? { base.scenario }

  /// `2/4`
  var number: String { "\(step + 1)/\(scenario?.steps.count ?? 0)" }

  /// `rush`, or nothing.
  var name: String {
    guard let steps = scenario?.steps, steps.indices.contains(step) else { return "" }
    return steps[step].name
  }

  /// Whole seconds: a figure that people read must not flicker.
  var leftText: String { Format.span(nanoseconds: (left + 999_999_999) / 1_000_000_000 * 1_000_000_000) + " left" }
}
