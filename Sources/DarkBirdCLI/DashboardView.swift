import ArgumentParser
import DarkBird
import DarkBirdDashboard
import Foundation
import Terminal

/// Checks that there is a terminal to draw on, before anything is opened or made for the dashboard.
func requireTerminal() throws(Failure) {
  do { try CursesScreen.requireUsableTerminal() } catch { throw Failure(error) }
}

/// How the dashboard looks.
struct LookOptions: ParsableArguments {
  @Option(help: "What the dashboard draws with. (default: the best that the terminal can)")
  var glyphs: GlyphTier?

  @Option(
    help: ArgumentHelp(
      "Keys, colours, alerts, layouts and scenarios; see 'darkbird help config'. (default: ~/.config/darkbird/config)",
      valueName: "file"))
  var config: String?

  /// - Throws: with the file and the line that is wrong.
  func configuration() throws(Failure) -> DashboardConfiguration {
    do { return try DashboardConfiguration.load(config) } catch { throw Failure(error) }
  }
}

extension DashboardOptions {
  init(title: String, location: String, _ look: LookOptions, _ configuration: DashboardConfiguration) {
    self.init(title: title, location: location, glyphs: look.glyphs)
    self.configuration = configuration
  }
}

/// Shows the dashboard, with jobs for databases, until the user, a signal or a hang-up ends it; each of them is a clean end.
func showDashboard<Key, Document>(
  on store: Store<Key, Document>, _ options: DashboardOptions, _ opening: OpeningScreen, _ stop: StopSignals
) throws(Failure) {
  var options = options
  options.jobs += DashboardJob.databases(of: store)
  do {
    // It comes more than once, from the kernel and from the shell, and there is a store to close.
    let exit = try Dashboard.run(
      on: store, options: options, opening: opening, isStopped: { stop.isRequestedByNow() })
    if exit == .hungUp { signal(SIGHUP, SIG_IGN) }
  } catch {
    throw Failure(error)
  }
}

extension Failure {
  init(_ error: ConfigurationError) {
    self.init(.configuration, error.line > 0 ? "\(error.path):\(error.line)" : error.path, error.reason)
  }

  init(_ error: TerminalError) {
    switch error {
    case .notATerminal(let stream):
      self.init(
        .unavailable, stream,
        "not a terminal, which the dashboard needs; 'run', 'open' and 'tour' with --plain do not, nor 'run' and 'open' with --once"
      )
    case .noTerminalType, .unknownTerminal, .dumbTerminal, .alreadyOpen:
      self.init(.unavailable, "terminal", error.description)
    case .system:
      self.init(.ioError, "terminal", error.description)
    }
  }
}
