import ArgumentParser
import DarkBird
import DarkBirdDashboard
import Foundation

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every page, frame and index of a store, or every byte of a backup.",
    discussion: """
      Reads all of the store, compares every checksum and the chain of pages, loads the documents and compares each \
      index with what the documents say. Every problem is one line, 'file: offset N: what is wrong'. The exit code is \
      0 if the store is sound and 65 if it is not. Nothing in the directory changes.

      A record says which LSN was synced when it was written, so the last ones have none that tells of them: that closing \
      the store has synced them too is written nowhere. The count of synced ones, durable_lsn, is what the records tell, or \
      the checkpoint, before which the log is synced.

      A tail that was torn off when the program was killed is no problem: opening the store for writing cuts it.

      Of a backup every checksum is compared, and what it holds is printed.

      With --json it is one object, for a store: sound, pages (file, records, bytes, last_lsn,
      is_sealed of each), records, documents, last_lsn, durable_lsn,
      checkpoint_lsn, checkpoint_documents, torn_tail_bytes, and problems (path,
      offset, reason of each).
      """)

  @Argument(help: "The store, or a backup of one.")
  var directory: String

  @Flag(help: "One JSON object with the counts and the problems.")
  var json = false

  func run() throws {
    var status = stat()
    if stat(directory, &status) == 0, [S_IFREG, S_IFIFO].contains(status.st_mode & S_IFMT) {
      let report = try onStore(directory) { try StoreInspector.verifyBackup(directory) }
      try printBackup(report, [("backup", directory)], json: json)
      if !json { print("sound") }
      return
    }
    let report = try onStore(directory) { try StoreInspector.verify(directory) }
    let output = Output()
    if json {
      output.line(try jsonLine(VerifyOutput(report: report)))
    } else {
      for line in lines(report) { output.line(oneLine(line)) }
    }
    try output.finish()
    if !report.isSound {
      let count = report.problems.count
      throw Failure(.dataError, directory, "not sound: \(count) problem\(count == 1 ? "" : "s")")
    }
  }

  private func lines(_ report: VerifyReport) -> [String] {
    let checkpoint = report.checkpointLSN.map {
      "up to LSN \(grouped($0)), \(grouped(report.checkpointDocuments)) documents"
    }
    var lines = [
      "checkpoint  \(checkpoint ?? "none")",
      "log         \(Format.counted(report.pages.count, "page")), \(Format.counted(report.records, "record"))",
      "last LSN    \(grouped(report.lastLSN)), "
        + (report.durableLSN >= report.lastLSN
          ? "all of it synced" : "read back; the files tell of \(grouped(report.durableLSN)) that they were synced"),
      "documents   \(grouped(report.documents))",
    ]
    if report.tornTailBytes > 0 {
      lines.append("torn tail   \(Format.bytes(report.tornTailBytes)), which the next opening for writing cuts")
    }
    if report.isSound { return lines + ["sound"] }
    return lines
      + report.problems.map { problem in
        "\(problem.path): \(problem.offset.map { "offset \($0): " } ?? "")\(problem.reason)"
      }
  }
}

/// The report with its verdict.
private struct VerifyOutput: Encodable {
  var report: VerifyReport

  private enum CodingKeys: String, CodingKey { case sound }

  func encode(to encoder: any Encoder) throws {
    try report.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(report.isSound, forKey: .sound)
  }
}
