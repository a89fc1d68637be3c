import DarkBird

/// A line of the settings of a workload.
enum WorkloadSetting: Hashable, Sendable {
  case preset, distribution, rate, writers, readers, documents, acknowledgement, scenario
  case share(WorkloadMix.Share)

  var title: String {
    switch self {
    case .preset: "preset"
    case .distribution: "keys"
    case .rate: "rate"
    case .writers: "writers"
    case .readers: "readers"
    case .documents: "documents"
    case .acknowledgement: "acknowledge"
    case .scenario: "scenario"
    case .share(let share): share.rawValue
    }
  }

  var isShare: Bool { if case .share = self { true } else { false } }

  func value(_ options: WorkloadOptions) -> String {
    switch self {
    case .preset: return options.preset.rawValue
    case .distribution: return options.effectiveDistribution.rawValue
    case .rate:
      switch options.rate {
      case .max: return "no limit"
      case .perSecond(let count): return "\(Format.grouped(count))/s"
      }
    case .writers: return String(options.writers)
    case .readers: return String(options.readers)
    case .documents: return Format.grouped(options.documents)
    case .acknowledgement: return options.acknowledgement.map { "\($0)" } ?? "as the store"
    case .scenario: return options.scenario?.name ?? "none"
    case .share(let share): return String(options.effectiveMix[share])
    }
  }

  /// What it means, in a line.
  func explanation(_ options: WorkloadOptions) -> String {
    switch self {
    case .preset: return options.preset.summary
    case .distribution:
      switch options.effectiveDistribution {
      case .uniform: return "all documents alike"
      case .zipfian: return "a few documents get most of the operations"
      case .latest: return "the documents inserted last get most of the operations"
      }
    case .rate: return "operations a second, an equal part for each thread; needs no new run"
    case .writers:
      return options.preset == .clubs ? "threads that write" : "threads: with the readers, all run the whole mix"
    case .readers:
      return options.preset == .clubs ? "threads that read" : "threads: with the writers, all run the whole mix"
    case .documents: return "loaded before the mix begins; those that are there stay"
    case .acknowledgement: return "how far a write must have come before the next"
    case .scenario: return options.scenario?.summary ?? "the load stays as it is set"
    case .share(let share): return Self.explanation(share, options.preset)
    }
  }

  private static func explanation(_ share: WorkloadMix.Share, _ preset: WorkloadOptions.Preset) -> String {
    let what =
      switch share {
      case .get: "lookups by key"
      case .unique: "lookups by email"
      case .tag: "pages of a query by tag"
      case .range: "pages of a query by range"
      case .scan: "scans of 1 to 100 documents"
      case .update: "changes of a document"
      case .put: "documents replaced"
      case .insert: preset == .clubs ? "new documents, and as many removed" : "new documents"
      case .readModifyWrite: "a read and a change of the same document"
      }
    guard preset == .clubs else { return "share of the mix: \(what)" }
    return "share of the \(WorkloadMix.Share.clubsWrites.contains(share) ? "writers" : "readers"): \(what)"
  }

  /// The next value in one direction; ends do not lead round, but for what is a choice.
  func change(_ options: inout WorkloadOptions, by step: Int, scenarios: [Scenario] = []) {
    switch self {
    case .preset:
      options.preset = Self.turned(WorkloadOptions.Preset.allCases, options.preset, step)
      // What another preset does is another thing.
      options.mix = nil
      options.distribution = nil
    case .distribution:
      options.distribution = Self.turned(KeyDistribution.allCases, options.effectiveDistribution, step)
    case .rate:
      let now = if case .perSecond(let count) = options.rate { count } else { Int.max }
      let next = Self.stepped(now, Self.rates + [.max], step)
      options.rate = next == .max ? .max : .perSecond(next)
    case .writers:
      options.writers = max(Self.stepped(options.writers, Self.threads, step), options.readers == 0 ? 1 : 0)
    case .readers:
      options.readers = max(Self.stepped(options.readers, Self.threads, step), options.writers == 0 ? 1 : 0)
    case .documents: options.documents = Self.stepped(options.documents, Self.counts, step)
    case .acknowledgement:
      options.acknowledgement = Self.turned([nil] + Acknowledgement.allCases, options.acknowledgement, step)
    case .scenario: options.scenario = Self.turned([nil] + scenarios, options.scenario, step)
    case .share(let share):
      var mix = options.effectiveMix
      let value = mix[share]
      // Small shares matter: below five in ones.
      mix[share] = step > 0 ? (value < 5 ? value + 1 : value / 5 * 5 + 5) : value <= 5 ? value - 1 : (value - 1) / 5 * 5
      options.mix = mix == options.preset.mix ? nil : mix
    }
  }

  /// To what somebody typed, as the configuration writes it for a step of a scenario.
  func change(_ options: inout WorkloadOptions, to text: String) throws(Scenario.TextError) {
    guard !text.contains(where: { " /:".contains($0) }) else {
      throw Scenario.TextError(reason: "'\(title)' takes one value, not '\(text)'")
    }
    if self == .documents {
      guard let count = Int(text), (1...WorkloadOptions.documentsMax).contains(count) else {
        throw Scenario.TextError(reason: "'\(title)' is 1 to \(WorkloadOptions.documentsMax), not '\(text)'")
      }
      options.documents = count
    } else {
      do throws(Scenario.TextError) {
        let steps = try Scenario.steps("\(title) \(text) for 1s")
        for setting in steps.flatMap(\.settings) { options.set(setting) }
      } catch {
        throw self == .rate ? Scenario.TextError(reason: error.reason + "; max is no limit") : error
      }
    }
    if options.writers + options.readers == 0 {
      throw Scenario.TextError(reason: "'\(title)' is 1 or more where nobody else does anything")
    }
  }

  private static let rates = [10, 100, 1_000, 10_000, 100_000].flatMap { [$0, $0 * 2, $0 * 5] } + [1_000_000]
  private static let counts = [100, 1_000, 10_000, 100_000, 1_000_000].flatMap { [$0, $0 * 2, $0 * 5] } + [10_000_000]
  private static let threads = Array(0...8) + [12, 16, 24, 32, 48, 64]

  private static func turned<Value: Equatable>(_ values: [Value], _ value: Value, _ step: Int) -> Value {
    let place = values.firstIndex(of: value) ?? 0
    return values[(place + step + values.count) % values.count]
  }

  /// The next larger or smaller of some values in order.
  private static func stepped(_ value: Int, _ values: [Int], _ step: Int) -> Int {
    if step > 0 { return values.first { $0 > value } ?? value }
    return values.last { $0 < value } ?? value
  }
}

/// The screen that changes the workload.
struct WorkloadState: Sendable {
  enum Pane: Int, Sendable, CaseIterable {
    case settings = 1
    case run = 2
  }

  var focus = Pane.settings
  var isZoomed = false
  /// What is being put together, until it is applied or forgotten.
  var draft: WorkloadOptions?
  /// Index into the settings.
  var selected = 0
  /// What was ordered last, until a sample shows it: keys may come faster than samples, and what one of them changes is
  /// what the one before has made.
  private(set) var ordered: WorkloadOptions?
  private var orderedAt: UInt64 = 0

  /// After so long samples are believed whatever was ordered.
  private static let orderNanosecondsMax: UInt64 = 2_000_000_000

  /// - Parameter nanoseconds: of the newest sample.
  mutating func order(_ options: WorkloadOptions?, at nanoseconds: UInt64) {
    (ordered, orderedAt) = (options, nanoseconds)
  }

  mutating func take(_ sample: Sample) {
    guard let ordered else { return }
    let shown = sample.workload.flatMap { $0.scenario?.base ?? $0.options }
    if shown == ordered || sample.nanoseconds >= orderedAt + Self.orderNanosecondsMax { self.ordered = nil }
  }
}
