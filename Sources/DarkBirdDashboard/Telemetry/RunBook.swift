import DarkBird
import Foundation

/// Throughput of one run of a workload, second by second from its first operation on.
struct RunRecord: Hashable, Sendable, Codable {
  static let secondsMax = 7_200

  var summary: String
  var date: Date
  /// Operations a second of the store.
  var perSecond: [Float] = []

  var mean: Double {
    perSecond.isEmpty ? 0 : Double(perSecond.reduce(0, +)) / Double(perSecond.count)
  }
}

/// The run that goes on, and the one before it, which graphs show behind it.
struct RunBook: Sendable {
  private struct Past: Sendable {
    var start: UInt64
    var end: UInt64
    var previous: RunRecord?
  }

  private static let pastMax = 64

  /// Shorter runs are not worth comparing with.
  static let secondsMin = 3
  /// A run that begins so soon after its settings were told of is no news.
  private static let toldNanoseconds: UInt64 = 2_000_000_000

  private(set) var current: RunRecord?
  /// When the current run began, in nanoseconds since the dashboard did.
  private(set) var start: UInt64 = 0
  private(set) var previous: RunRecord?
  /// The last run of the program before. Nobody asked to see a load of other settings beside this program's first: it is
  /// compared with that only if they are the same.
  private let lastProgram: RunRecord?
  /// What was on before the current run, oldest first, each with the run that it is compared with.
  private var past: [Past] = []
  /// Run, summary and scenario that were seen last.
  private var number = 0
  private var summary = ""
  private var scenario: String?
  /// When the summary was told of.
  private var toldAt: UInt64 = 0
  private var hasEnded = false
  /// Whether documents are still to be loaded.
  private var isLoading = false

  /// - Parameter lastProgram: the run before this program was started.
  init(lastProgram: RunRecord? = nil) { self.lastProgram = lastProgram }

  /// Looks at the newest sample.
  /// - Returns: what has become of the workload, in a few words, if that is news.
  mutating func update(_ sample: Sample, _ history: History) -> String? {
    guard let workload = sample.workload else { return nil }
    var news: String?
    if workload.run != number {
      keepCurrent(sample)
      // The run that a step of a scenario begins follows what was told of the step.
      let isTold = number > 0 && workload.summary == summary && sample.nanoseconds < toldAt + Self.toldNanoseconds
      (number, summary, hasEnded) = (workload.run, workload.summary, false)
      if !isTold { news = "run \(number): \(summary)" }
    } else if workload.summary != summary {
      // What comes now is not to be compared as if it were of the same settings.
      keepCurrent(sample)
      (summary, toldAt) = (workload.summary, sample.nanoseconds)
      news = "now \(summary)"
    }
    let name = workload.scenario?.scenario?.name
    if let scenario, name == nil { news = "scenario \(scenario) ended" + (news.map { "; \($0)" } ?? "") }
    scenario = name
    switch workload.progress.phase {
    case .running, .paused:
      // What the store did before this were no operations of the workload.
      if isLoading, workload.progress.phase == .running {
        isLoading = false
        let loaded = "\(Format.counted(workload.progress.documents, "document")) loaded, the operations begin"
        news = news.map { "\($0); \(loaded)" } ?? loaded
      }
      if current == nil {
        if past.isEmpty, previous == nil, lastProgram?.summary == summary { previous = lastProgram }
        current = RunRecord(summary: summary, date: sample.date)
        start = sample.nanoseconds
      }
      record(sample, history)
    case .finished where !hasEnded:
      hasEnded = true
      news = "run \(number) ended: \(workload.progress.finishedReason?.description ?? "done")"
    case .loading: if workload.progress.isLoading { isLoading = true }
    case .finished, .idle: break
    }
    return news
  }

  private mutating func keepCurrent(_ sample: Sample) {
    if current != nil {
      if past.count == Self.pastMax { past.removeFirst() }
      past.append(Past(start: start, end: sample.nanoseconds, previous: previous))
    }
    if let current, current.perSecond.count >= Self.secondsMin { previous = current }
    current = nil
  }

  private mutating func record(_ sample: Sample, _ history: History) {
    let seconds = min(Int((sample.nanoseconds - start) / 1_000_000_000), RunRecord.secondsMax)
    guard var record = current, seconds > record.perSecond.count, let rates = Rates(history, at: sample) else { return }
    let rate = Float(rates.perSecond { $0.operations.reads + $0.operations.writes })
    // Of seconds without a sample the next one tells.
    while record.perSecond.count < seconds { record.perSecond.append(rate) }
    current = record
  }

  /// The run before the one that was on at a moment, or that began next.
  func previousRun(at nanoseconds: UInt64) -> RunRecord? {
    guard let next = past.first(where: { nanoseconds < $0.end }) else { return previous }
    return next.previous
  }

  /// What the run before the one of a moment did so long after its beginning as the moment is after that of its own run.
  func previous(at nanoseconds: UInt64) -> Double? {
    let own = past.first { nanoseconds < $0.end }
    guard let start = own?.start ?? (current == nil ? nil : start), nanoseconds >= start,
      let previous = own == nil ? previous : own?.previous
    else { return nil }
    let second = Int((nanoseconds - start) / 1_000_000_000)
    return previous.perSecond.indices.contains(second) ? Double(previous.perSecond[second]) : nil
  }

  /// The run to compare the next program's first one with.
  var toKeep: RunRecord? {
    if let current, current.perSecond.count >= Self.secondsMin { return current }
    return previous ?? lastProgram
  }
}
