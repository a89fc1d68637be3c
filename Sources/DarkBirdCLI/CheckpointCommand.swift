import ArgumentParser
import DarkBird
import DarkBirdDashboard

struct CheckpointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Write all documents of a store to a checkpoint and drop the log before it.",
    discussion: """
      A store opens faster with a short log. This opens the store for writing, which no other process may have open \
      then, writes a checkpoint, and removes the pages that it replaces: the full ones. The page that is written to \
      stays until it is full or longer than 16 MiB, so that a log of one short page is as long after it as before. It prints the pages of the log and \
      their bytes before and after, the bytes of the checkpoint, and the time. It needs no index, and so works on any \
      store. A store without a change since its last checkpoint is left as it is.

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
      output.line("log         \(text(report.before)) before; \(text(report.after)) after")
      let end = "up to LSN \(grouped(report.checkpointLSN))\(report.isNew ? "" : ", which was there")"
      output.line("checkpoint  \(Format.bytes(report.after.checkpointBytes)), \(end)")
      output.line("time        \(duration(nanoseconds: report.nanoseconds)), with opening and closing")
    }
    try output.finish()
  }

  private func text(_ size: CheckpointReport.Size) -> String {
    "\(Format.counted(size.pages, "page")), \(Format.bytes(size.bytes))"
  }
}
