import Foundation
import Terminal

/// Long work beside the view: what is asked before it, how far it is, and how it ended.
extension Model {
  mutating func performJobs(_ command: Command) -> [Effect] {
    switch command {
    case .overview: view = .overview
    case .browse: return enterBrowse()
    case .nextPanel, .previousPanel, .left, .right: jobs.focus = jobs.focus == .runs ? .kinds : .runs
    case .panel(let number): jobs.focus = JobsState.Pane(rawValue: number) ?? jobs.focus
    case .zoom: jobs.isZoomed.toggle()
    case .back:
      if jobs.isZoomed { jobs.isZoomed = false } else { view = home }
    case .cancelJob: askToCancel()
    case .open:
      if jobs.focus == .kinds { return ask(jobs.selectedKind) }
      // The same again.
      guard let run = jobs.run(jobs.selectedID) else { return [] }
      if let kind = run.kind { return ask(kind, earlier: run.answers) }
      browse.notice = "this one began with results: \(keyMap.key(of: .export, in: .browse)) beside them asks again"
    default: moveInJobs(command)
    }
    return []
  }

  private mutating func moveInJobs(_ command: Command) {
    let page = max(1, (JobsLayout(self).rect(of: jobs.focus)?.height ?? 4) - 3)
    switch jobs.focus {
    case .runs:
      let place = Scroll.selected(jobs.selected, by: command, page: max(1, page / 2), count: jobs.runs.count)
      if jobs.runs.indices.contains(place) { jobs.selectedID = jobs.runs[place].id }
    case .kinds:
      jobs.selectedKind = Scroll.selected(jobs.selectedKind, by: command, page: page, count: jobs.kinds.count)
    }
  }

  /// Begins with the first question of a job, or at once with one that has none.
  mutating func ask(_ kind: Int, earlier: [String] = []) -> [Effect] {
    guard jobs.kinds.indices.contains(kind) else { return [] }
    jobs.asking = JobsState.Asking(kind: kind, earlier: earlier, editor: LineEditor())
    return askNext()
  }

  private mutating func askNext() -> [Effect] {
    guard var asking = jobs.asking else { return [] }
    let job = jobs.kinds[asking.kind]
    let place = asking.answers.count
    if place < job.questions.count {
      let text = asking.earlier.indices.contains(place) ? asking.earlier[place] : job.questions[place].suggestion
      asking.editor = LineEditor(text)
      jobs.asking = asking
      return []
    }
    if job.confirmation != nil {
      jobs.asking?.isConfirming = true
      return []
    }
    return begin(asking)
  }

  private mutating func begin(_ asking: JobsState.Asking) -> [Effect] {
    jobs.asking = nil
    let job = jobs.kinds[asking.kind]
    let id = jobs.begin(
      job.name, job.subject(asking.answers), kind: asking.kind, answers: asking.answers, at: history.last?.date)
    return [.startJob(id: id, kind: asking.kind, answers: asking.answers)]
  }

  mutating func performJobAnswer(_ command: Command) -> [Effect] {
    guard let asking = jobs.asking else { return [] }
    switch command {
    case .cancel: jobs.asking = nil
    case .submit:
      let answer = asking.editor.text.trimmingCharacters(in: .whitespaces)
      let question = jobs.kinds[asking.kind].questions[asking.answers.count]
      if answer.isEmpty, !question.isOptional { return [] }
      jobs.asking?.answers.append(answer)
      return askNext()
    default: _ = jobs.asking?.editor.apply(command)
    }
    return []
  }

  private mutating func askToCancel() {
    if let run = jobs.run(jobs.selectedID), run.isRunning, jobs.focus == .runs {
      jobs.cancelling = run.id
    } else {
      browse.notice = "no job that runs is selected"
    }
  }

  /// - Returns: nil if no job is in question.
  mutating func performJobQuestion(_ command: Command) -> [Effect]? {
    if let asking = jobs.asking, asking.isConfirming {
      if command == .yes { return begin(asking) }
      if command == .no {
        jobs.asking = nil
        browse.notice = "\(jobs.kinds[asking.kind].name): nothing was done"
      }
      return []
    }
    guard let id = jobs.cancelling else { return nil }
    guard command == .yes || command == .no else { return [] }
    jobs.cancelling = nil
    // It may have ended while one thought about it.
    guard command == .yes, let run = jobs.run(id), run.isRunning else { return [] }
    return cancel(id)
  }

  mutating func cancel(_ id: Int) -> [Effect] {
    jobs.change(id) { $0.isCancelled = true }
    return [.cancelJob(id)]
  }

  mutating func receive(_ report: JobReport, ofJob id: Int) {
    guard jobs.run(id) != nil else { return }
    jobs.change(id) { $0.take(report) }
    guard let run = jobs.run(id), !run.isRunning else { return }
    if jobs.cancelling == id { jobs.cancelling = nil }
    browse.notice = JobText.ending(run)
    guard id == browse.exportJob else { return }
    browse.exportJob = nil
    if case .done = report.outcome { browse.exportName = nil }
  }
}
