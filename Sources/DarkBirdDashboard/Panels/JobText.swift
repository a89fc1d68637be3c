import Terminal

/// A job in words and figures, the same wherever it is shown.
enum JobText {
  /// How it is.
  static func state(_ run: JobRun) -> (text: String, role: Role) {
    switch run.report.outcome {
    case .running: run.isCancelled ? ("stopping", .warning) : ("running", .accent)
    case .done: ("done", .good)
    case .cancelled: ("cancelled", .warning)
    case .failed: ("failed", .alert)
    }
  }

  /// What came of it.
  static func result(_ run: JobRun) -> String {
    switch run.report.outcome {
    case .running: ""
    case .done(let text), .cancelled(let text), .failed(let text): text
    }
  }

  /// How it ended, in a line.
  static func ending(_ run: JobRun) -> String {
    let result = result(run)
    return switch run.report.outcome {
    case .running, .done: "\(run.name): \(result)"
    case .cancelled: "\(run.name): cancelled" + (result.isEmpty ? "" : "; \(result)")
    case .failed: "\(run.name) failed: \(result)"
    }
  }

  /// How far it has come, most telling first.
  static func figures(_ run: JobRun) -> [Segment] {
    let progress = run.report.progress
    var segments: [Segment] = []
    if let share = run.share { segments.append(Segment(0, Span(Format.right(Format.percent(share), 4), .strong))) }
    let total = progress.total.map { " of \(Format.short($0))" } ?? ""
    segments.append(Segment(2, Span(Format.short(progress.documents) + total)))
    segments.append(Segment(3, Span(Format.rate(run.documentsPerSecond) + "/s")))
    if !progress.note.isEmpty { segments.append(Segment(4, Span(progress.note, .label))) }
    if let seconds = run.secondsLeft {
      segments.append(Segment(1, Span(left(seconds)), Span(" left", .label)))
    }
    return segments
  }

  /// How long one has taken: `0.4s`, `12s`, `14m`.
  static func lasting(_ seconds: Double) -> String {
    Format.span(nanoseconds: UInt64(min(max(0, seconds.isNaN ? 0 : seconds), 1e9) * 1e9))
  }

  /// `12s`, `4m07s`, `2h14m`: what is left of a job is worth more digits than how long something lasts.
  static func left(_ seconds: Double) -> String {
    let seconds = Int(min(max(0, seconds.isFinite ? seconds : 0), 3.5e7).rounded(.up))
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
    if seconds < 60 { return "\(seconds)s" }
    if seconds < 3_600 { return "\(seconds / 60)m\(two(seconds % 60))s" }
    return "\(seconds / 3_600)h\(two(seconds / 60 % 60))m"
  }
}
