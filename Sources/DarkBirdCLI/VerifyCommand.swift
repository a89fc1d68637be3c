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

      A record says which LSN was synced when it was written, and closing a store writes how far it came: only after a kill \
      have the last records none that tells of them. durable_lsn is what they, the manifest and the checkpoint tell.

      Of a damaged store what lies before the damage is counted, but not its documents: 'darkbird salvage' tells what can be \
      read. A store that is open for writing elsewhere is left alone.

      A tail that was torn off when the program was killed is no problem: opening the store for writing cuts it.

      Of a backup every checksum is compared, and what it holds is printed.

      With --json it is one object, for a store: sound, pages (file, records, bytes, last_lsn,
      is_sealed of each), records, documents, last_lsn, durable_lsn,
      checkpoint_lsn, or null, checkpoint_documents, torn_tail_bytes, and problems (path, \
      reason and, where it is at one place of a file, offset of each). Where damage kept the documents from being counted, \
      documents, last_lsn, durable_lsn and checkpoint_documents are null.
      """)

  @Argument(help: "The store, or a backup of one.")
  var directory: String

  @Flag(help: "One JSON object with the counts and the problems.")
  var json = false

  func run() throws {
    var status = stat()
    if stat(directory, &status) == 0, [S_IFREG, S_IFIFO].contains(status.st_mode & S_IFMT) {
      let report = try onStore(directory) { try StoreInspector.verifyBackup(directory) }
      try printBackup(report, [("backup", directory)], json: json, verdict: "sound")
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
      "up to LSN \(grouped($0))" + (report.isLoaded ? ", \(grouped(report.checkpointDocuments)) documents" : "")
    }
    let log = "\(Format.counted(report.pages.count, "page")), \(Format.counted(report.records, "record"))"
    guard report.isLoaded else {
      return [
        "checkpoint  \(checkpoint ?? "none")", "log         \(log) before the damage",
        "documents   not counted; 'darkbird salvage' takes what can be read into a new store",
      ] + problems(report)
    }
    var lines = [
      "checkpoint  \(checkpoint ?? "none")",
      "log         \(log)",
      "last LSN    \(grouped(report.lastLSN)), "
        + (report.durableLSN >= report.lastLSN
          ? "all of it synced" : "read back; the files tell of \(grouped(report.durableLSN)) that they were synced"),
      "documents   \(grouped(report.documents))",
    ]
    if report.tornTailBytes > 0 {
      lines.append("torn tail   \(Format.bytes(report.tornTailBytes)), which the next opening for writing cuts")
    }
    return lines + (report.isSound ? ["sound"] : problems(report))
  }

  private func problems(_ report: VerifyReport) -> [String] {
    report.problems.map { problem in
      "\(problem.path): \(problem.offset.map { "offset \($0): " } ?? "")\(problem.reason)"
    }
  }
}

extension VerifyReport {
  /// Whether the documents could be read, if not to the end.
  fileprivate var isLoaded: Bool { isSound || lastLSN > 0 }
}

/// The report with its verdict, and without figures that nobody has found.
private struct VerifyOutput: Encodable {
  var report: VerifyReport

  private enum CodingKeys: String, CodingKey {
    case sound, documents, lastLSN, durableLSN, checkpointLSN, checkpointDocuments
  }

  func encode(to encoder: any Encoder) throws {
    try report.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(report.isSound, forKey: .sound)
    if report.checkpointLSN == nil { try container.encodeNil(forKey: .checkpointLSN) }
    guard !report.isLoaded else { return }
    for key in [CodingKeys.documents, .lastLSN, .durableLSN, .checkpointDocuments] {
      try container.encodeNil(forKey: key)
    }
  }
}
