import DarkBird
import DarkBirdDashboard
import Foundation
import Terminal

/// - Throws: `Failure` if there is no terminal to draw on, before anything is opened or made for it.
func requireTerminal() throws(Failure) {
  if isatty(STDOUT_FILENO) != 1 { throw Failure(.unavailable, "standard output", "not a terminal; see --headless") }
}

/// Shows the dashboard until the user ends it.
func showDashboard<Key, Document>(
  on store: Store<Key, Document>, workload: Workload?, glyphs: GlyphTier?
) throws {
  var options = DashboardOptions()
  options.workload = workload
  options.glyphs = glyphs
  try Dashboard.run(on: store, options: options)
}
