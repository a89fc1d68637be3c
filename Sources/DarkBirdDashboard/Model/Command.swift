/// What a key can do.
enum Command: Hashable, Sendable {
  // Everywhere.
  case help, back, quit, redraw, glyphs
  case overview, browse
  // Panels.
  case nextPanel, previousPanel, panel(Int), zoom
  // Time. Steps are samples, negative ones go back.
  case pause, live, step(Int), widerWindow, narrowerWindow
  // Lists.
  case up, down, left, right, pageUp, pageDown, halfPageUp, halfPageDown, home, end
  // Events.
  case filter, hold
  // Browse.
  case query, open, refresh
  // The line that is being typed.
  case submit, cancel, complete, older, newer
  case cursorLeft, cursorRight, cursorStart, cursorEnd
  case deleteBackward, deleteForward, deleteWord, deleteLine
}
