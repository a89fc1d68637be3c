import Foundation
import Terminal

/// A job that runs or has run.
struct JobRun: Hashable, Sendable {
  let id: Int
  let name: String
  /// What is done to what.
  let subject: String
  /// Index into the kinds; nil for results that are exported from the view that browses.
  let kind: Int?
  let answers: [String]
  /// When it began; nil before the first sample.
  let date: Date?
  private(set) var report = JobReport()
  /// The report with which the present part of the work began: a mirror that must compare all again, the second pass of a CSV
  /// export.
  private(set) var start = JobReport()
  /// Whether it was asked to give up.
  var isCancelled = false

  var isRunning: Bool { report.outcome == .running }
  var title: String { subject.isEmpty ? name : "\(name) \(subject)" }

  /// 0...1, nil if nobody knows.
  var share: Double? { report.progress.share.map { min(1, max(0, $0.isFinite ? $0 : 0)) } }

  mutating func take(_ new: JobReport) {
    let before = share ?? 0
    let documents = report.progress.documents
    report = new
    if new.progress.documents < documents || (share ?? 0) < before { start = new }
  }

  var documentsPerSecond: Double {
    max(0, Double(report.progress.documents) - Double(start.progress.documents)) / max(0.001, seconds)
  }

  /// What a share of the work took says how long the rest takes; nil while that says little.
  var secondsLeft: Double? {
    guard let share else { return nil }
    let done = share - min(1, max(0, start.progress.share ?? 0))
    return done > 0.01 && seconds > 1 ? seconds * (1 - share) / done : nil
  }

  /// Since the present part began.
  private var seconds: Double { report.seconds - start.seconds }
}

/// What the screen of jobs shows, and what is asked for a job before it begins.
struct JobsState: Sendable {
  enum Pane: Int, Sendable, CaseIterable {
    case runs = 1
    case kinds = 2
  }

  /// Questions of a job that are being answered.
  struct Asking: Hashable, Sendable {
    let kind: Int
    /// What was answered the last time, for the lines to begin with.
    var earlier: [String] = []
    var answers: [String] = []
    var editor: LineEditor
    /// Whether all is answered, and asked is whether it is to begin.
    var isConfirming = false
  }

  /// Runs that are remembered; those that go on are never forgotten.
  static let runsMax = 50

  let kinds: [DashboardJob]
  /// The newest first.
  private(set) var runs: [JobRun] = []
  private var runCount = 0
  var focus = Pane.runs
  var isZoomed = false
  /// The run that is selected, by its number: others come in above it.
  var selectedID: Int?
  var selectedKind = 0
  var asking: Asking?
  /// The job that somebody wants to cancel, while that is asked.
  var cancelling: Int?

  init(kinds: [DashboardJob]) { self.kinds = kinds }

  var running: [JobRun] { runs.filter(\.isRunning) }

  /// The place of the selected run.
  var selected: Int { runs.firstIndex { $0.id == selectedID } ?? 0 }

  func run(_ id: Int?) -> JobRun? { id.flatMap { id in runs.first { $0.id == id } } }

  /// - Returns: its number.
  mutating func begin(
    _ name: String, _ subject: String, kind: Int? = nil, answers: [String] = [], at date: Date?
  ) -> Int {
    runCount += 1
    runs.insert(
      JobRun(id: runCount, name: name, subject: subject, kind: kind, answers: answers, date: date), at: 0)
    if runs.count > Self.runsMax, let oldest = runs.lastIndex(where: { !$0.isRunning }) { runs.remove(at: oldest) }
    selectedID = runCount
    return runCount
  }

  mutating func change(_ id: Int, _ change: (inout JobRun) -> Void) {
    if let place = runs.firstIndex(where: { $0.id == id }) { change(&runs[place]) }
  }
}
