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
      """)

  @Argument(help: "The store.")
  var directory: String

  @Flag(help: "Open the store for writing too; needs it for itself.")
  var readWrite = false

  @Option(help: "What the dashboard draws with. (default: the best that the terminal can)")
  var glyphs: GlyphTier?

  func run() throws {
    // What is wrong with the path comes before what is wrong with the terminal; neither may change anything on disk,
    // which opening a store for writing does.
    if readWrite {
      _ = try onStore(directory) { try StoreInspector.describe(directory) }
      try requireTerminal()
    }
    let store = try onStore(directory) { try RecordStore.open(directory, readOnly: !readWrite) }
    do {
      try requireTerminal()
      let name = URL(filePath: directory).lastPathComponent
      try showDashboard(on: store, title: name, location: "disk \(directory)", workload: nil, glyphs: glyphs)
    } catch {
      try? store.close()
      throw Failure(error, path: directory)
    }
    try onStore(directory) { try store.close() }
  }
}
