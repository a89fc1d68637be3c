import Terminal

/// What a key can do.
enum Command: Hashable, Sendable {
  // Everywhere.
  case help, terms, palette, back, quit, redraw, mouse, glyphs, theme, arrangement
  case setGlyphs(GlyphTier)
  case setTheme(Theme.Name)
  case setArrangement(Arrangement)
  case overview, browse, alerts, workload, jobs, tour
  // Panels.
  case nextPanel, previousPanel, zoom
  case panel(Int)
  // Time.
  case record, faster, slower, replayStart, replayEnd
  case pause, live, widerWindow, narrowerWindow, previousMark, nextMark, annotate
  /// Sixtieths of the window; negative goes back.
  case step(Int)
  // Lists.
  case up, down, left, right, pageUp, pageDown, halfPageUp, halfPageDown, home, end
  // Events.
  case filter, hold
  // Alerts.
  case mute
  // Workload.
  case startStop, pauseWorkload
  /// Goes to a setting of it.
  case setting(WorkloadSetting)
  /// Plays the scenario of that name.
  case scenario(String)
  case endScenario
  // Jobs.
  case cancelJob
  /// Begins with the questions of the job of that place; -1 is one that nobody has added yet.
  case startJob(Int)
  // The tour.
  case tourNext, tourPrevious, tourRepeat, tourAuto
  // Browse.
  case query, open, refresh, sort, reverse, fold, foldAll
  case saveQuery
  /// Runs the saved query of that place.
  case saved(Int)
  // Documents on their way out, and those that are removed.
  case export, copy, copyCommand, removeDocument, editDocument, insertDocument, insertLine, yes, no
  // The brush of a range field.
  case brush, brushAll
  /// Buckets at either end; negative makes it smaller.
  case grow(Int)
  // The columns of the results.
  case columns, toggleColumn, columnsDone, columnsThatFit
  // The line that is being typed.
  case submit, cancel, complete, older, newer
  case cursorLeft, cursorRight, cursorStart, cursorEnd
  case deleteBackward, deleteForward, deleteWord, deleteLine

  /// Whether it is of use only while a recording is shown.
  var isOfReplay: Bool {
    switch self {
    case .faster, .slower, .replayStart, .replayEnd: true
    default: false
    }
  }
}
