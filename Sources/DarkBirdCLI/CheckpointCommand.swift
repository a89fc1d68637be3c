import ArgumentParser
import DarkBird

struct CheckpointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Write all documents of a store to a checkpoint and drop the log before it.",
    discussion: """
      A store opens faster with a short log. This opens the store for writing, which no other process may have open \
      then, writes a checkpoint, and removes the pages that it replaces; it prints the pages and bytes before and after, \
      and the time. It needs no index, and so works on any store. A store without a change since its last checkpoint is \
      left as it is.

        darkbird checkpoint D
      """)

  @Argument(help: "The store.")
  var directory: String

  @Flag(help: "One JSON object.")
  var json = false

  func run() throws {
    let report = try onStore(directory) { try StoreInspector.checkpoint(directory) }
    let output = Output()
    if json {
      output.line(try jsonLine(report))
    } else {
      output.line("documents   \(grouped(report.documents))")
      output.line("checkpoint  up to LSN \(grouped(report.checkpointLSN))\(report.isNew ? "" : ", which was there")")
      output.line("log         \(text(report.before)) before, \(text(report.after)) after")
      output.line("time        \(duration(nanoseconds: report.nanoseconds)), with opening and closing")
    }
    try output.finish()
  }

  private func text(_ size: CheckpointReport.Size) -> String {
    "\(grouped(size.pages)) page\(size.pages == 1 ? "" : "s") and \(byteCount(size.bytes))"
  }
}
