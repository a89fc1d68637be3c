import ArgumentParser
import DarkBird
import DarkBirdDashboard
import Foundation
import Terminal

struct OpenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open",
    abstract: "Browse a store.",
    discussion: """
      Opens the dashboard on an existing store, whatever program wrote it: page through its documents, find them by \
      key, unique value, tag or range. Nothing in the directory changes, unless --read-write is given.

        darkbird open cities
        darkbird open cities --once --json       its figures, for scripts
      """)

  @Argument(help: "The store.")
  var directory: String

  @Flag(help: "Open the store for writing too; needs it for itself.")
  var readWrite = false

  @OptionGroup(title: "Reports")
  var report: ReportOptions

  @OptionGroup(title: "Look")
  var look: LookOptions

  func validate() throws {
    if report.json && !report.once { throw ValidationError("--json needs --once") }
  }

  func run() throws {
    let configuration = try look.configuration()
    // What is wrong with the path comes before what is wrong with the terminal; neither may change anything on disk,
    // which opening a store for writing does.
    if readWrite {
      _ = try onStore(directory) { try StoreInspector.describe(directory) }
      if !report.isWanted { try requireTerminal() }
    }
    let name = URL(filePath: directory).lastPathComponent
    var options = DashboardOptions(title: name, location: "disk \(directory)", look, configuration)
    options.startsInBrowse = true
    options.allowsChanges = readWrite
    // While there is a dashboard signals are its own; they come here again while the store is closed.
    let stop = StopSignals()
    if report.isWanted {
      let store = try onStore(directory) { try RecordStore.open(directory, readOnly: !readWrite) }
      return try close(store) { try report.run(on: store, options, stop) }
    }
    let opening = OpeningScreen(options)
    defer { opening.close() }
    guard
      let store = try onStore(
        directory, { try opening.load(directory, isStopped: { stop.isRequestedByNow() }, open) })
    else {
      // Without one nothing was shown.
      return try requireTerminal()
    }
    try close(store.keptUntilExit()) {
      try requireTerminal()
      if readWrite { options.jobs += [.importing(into: store), .loading(into: store)] }
      try showDashboard(on: store, options, opening, stop)
    }
  }

  @Sendable private func open(_ files: any FileSystem) throws -> RecordStore {
    try RecordStore.open(directory, readOnly: !readWrite, files)
  }

  /// Closes the store after `body`, whatever becomes of it.
  private func close(_ store: RecordStore, after body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      try? store.close()
      throw Failure(error, path: directory)
    }
    try onStore(directory) { try store.close() }
  }
}
