import Foundation

/// Something to find again on the line of time.
struct Mark: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    /// What somebody wrote.
    case note
    /// A workload was started, changed or ended.
    case run
    case warning, critical

    /// How the line of time shows it.
    var letter: String {
      switch self {
      case .note: "a"
      case .run: "r"
      case .warning, .critical: "!"
      }
    }

    var role: Role {
      switch self {
      case .note: .accent
      case .run: .strong
      case .warning: .warning
      case .critical: .alert
      }
    }
  }

  var kind: Kind
  /// Since the dashboard began.
  var nanoseconds: UInt64
  var date: Date
  var text: String
  /// When it was over, for what lasts; nil = it goes on, or has no length.
  var end: UInt64?
}

extension Model {
  static let marksMax = 200

  /// Notes, runs and alarms, oldest first.
  var allMarks: [Mark] {
    let alarms = alerts.episodes.map { episode in
      Mark(
        kind: episode.rule.severity == .critical ? .critical : .warning, nanoseconds: episode.start,
        date: episode.date, text: episode.markText, end: episode.end)
    }
    return (marks + alarms).sorted { $0.nanoseconds < $1.nanoseconds }
  }

  mutating func addMark(_ kind: Mark.Kind, at sample: Sample, _ text: String) {
    addMark(Mark(kind: kind, nanoseconds: sample.nanoseconds, date: sample.date, text: text))
  }

  /// Shows the notes that came with a recording; those of a part that is seen again are there already.
  mutating func addNotes(of sample: Sample) {
    for note in sample.notes {
      let mark = Mark(kind: .note, nanoseconds: note.nanoseconds, date: note.date, text: note.text)
      if !marks.contains(mark) { addMark(mark) }
    }
  }

  private mutating func addMark(_ mark: Mark) {
    // Scenarios make many of their own; what somebody wrote stays as long as it can.
    if marks.count == Self.marksMax { marks.remove(at: marks.firstIndex { $0.kind == .run } ?? 0) }
    marks.append(mark)
    marksAdded += 1
  }
}
