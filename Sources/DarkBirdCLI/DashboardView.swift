import DarkBird
import DarkBirdDashboard
import Foundation
import Terminal

/// Checks that there is a terminal to draw on, before anything is opened or made for the dashboard.
func requireTerminal() throws(Failure) {
  do { try CursesScreen.requireUsableTerminal() } catch { throw Failure(error) }
}

/// Shows the dashboard until the user, a signal or a hang-up ends it; each of them is a clean end.
func showDashboard<Key, Document>(
  on store: Store<Key, Document>, title: String, location: String, workload: (any WorkloadMonitor)?,
  glyphs: GlyphTier?
) throws(Failure) {
  var options = DashboardOptions(title: title, location: location, workload: workload, glyphs: glyphs)
  options.startsInBrowse = workload == nil
  do { try Dashboard.run(on: store, options: options) } catch { throw Failure(error) }
}

extension Failure {
  init(_ error: TerminalError) {
    switch error {
    case .notATerminal(let stream):
      self.init(.unavailable, stream, "not a terminal, which the dashboard needs; 'darkbird run --headless' does not")
    case .noTerminalType, .unknownTerminal, .dumbTerminal, .alreadyOpen:
      self.init(.unavailable, "terminal", error.description)
    case .system:
      self.init(.ioError, "terminal", error.description)
    }
  }
}
