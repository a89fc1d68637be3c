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
    let stop = report.isWanted ? StopSignals() : nil
    let store = try onStore(directory) { try RecordStore.open(directory, readOnly: !readWrite) }
    let name = URL(filePath: directory).lastPathComponent
    do {
      if let stop {
        var options = DashboardOptions(title: name, location: "disk \(directory)", glyphs: look.glyphs)
        options.configuration = configuration
        try report.run(on: store, options, stop)
      } else {
        try requireTerminal()
        try showDashboard(
          on: store, title: name, location: "disk \(directory)", workload: nil, allowsChanges: readWrite, look,
          configuration)
      }
    } catch {
      try? store.close()
      throw Failure(error, path: directory)
    }
    try onStore(directory) { try store.close() }
  }
}
