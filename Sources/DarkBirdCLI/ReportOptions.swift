import ArgumentParser
import DarkBird
import DarkBirdDashboard
import Foundation

/// What a dashboard without a terminal writes.
struct ReportOptions: ParsableArguments {
  enum Stream: String, ExpressibleByArgument, CaseIterable { case json }

  @Flag(help: "No dashboard: its overview as text, once; with --json, its figures as one JSON object.")
  var once = false

  @Option(help: ArgumentHelp("No dashboard: its figures once a second, a JSON object a line.", valueName: "json"))
  var stream: Stream?

  @Flag(help: "No dashboard: a line in words for each thing that changes, for screen readers and logs.")
  var plain = false

  @Flag(help: "JSON instead of text.")
  var json = false

  var isWanted: Bool { once || stream != nil || plain }

  func validate() throws {
    if [once, stream != nil, plain].count(where: { $0 }) > 1 {
      throw ValidationError("--once, --stream and --plain exclude each other")
    }
    if json && (stream != nil || plain) { throw ValidationError("--json needs --once") }
  }

  private var report: DashboardReport {
    if stream != nil { return .stream }
    if plain { return .lines }
    if json { return .object }
    func size(_ name: String, atLeast least: Int, else otherwise: Int) -> Int {
      ProcessInfo.processInfo.environment[name].flatMap { Int($0) }.map { min(max($0, least), 500) } ?? otherwise
    }
    return .picture(width: size("COLUMNS", atLeast: 40, else: 120), height: size("LINES", atLeast: 10, else: 40))
  }

  /// Watches the store until what is wanted once was written, a signal comes, or nobody reads any more.
  func run<Key, Document>(
    on store: Store<Key, Document>, _ options: DashboardOptions, _ stop: StopSignals
  ) throws(Failure) {
    let output = Output()
    Dashboard.report(
      report, on: store, options: options,
      wait: { nanoseconds in
        stop.wait(milliseconds: Int(min(max(nanoseconds / 1_000_000, 1), 1_000)))
        return !stop.isRequested
      },
      write: { text in
        output.write(text)
        output.flush()
        return output.isOpen
      })
    try output.finish()
  }
}
