import ArgumentParser
import DarkBird
import DarkBirdDashboard
import Foundation

struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Write all documents of a store to one file that can be checked by itself.",
    discussion: """
      The file holds the documents, byte for byte as they were written, the names of the indexes, and the number (LSN) of \
      the last change. It is written as FILE.CHECKSUM.part, synced, read back and compared, and then gets its name; what \
      exists is left as it is, also a named pipe. - writes to standard output, which cannot be read back.

      No other process may have the store open for writing meanwhile: a program that has it open makes its own backups, \
      while it goes on, with store.backup(to:).

        darkbird backup D monday.backup
        darkbird backup D - | ssh host 'cat > monday.backup'
        darkbird verify monday.backup
        darkbird restore monday.backup E
      """)

  @Argument(help: "The store.")
  var directory: String

  @Argument(help: "The backup, a file that does not exist; - is standard output.")
  var file: String

  @Flag(help: "One JSON object.")
  var json = false

  func validate() throws {
    if json && file == "-" { throw ValidationError("--json and a backup on standard output exclude each other") }
  }

  func run() throws {
    if file == "-" && isatty(STDOUT_FILENO) == 1 {
      throw Failure(.usage, "standard output", "is a terminal; a backup goes to a file or a pipe")
    }
    let stop = StopSignals()
    let progress = Progress("backed up")
    let report = try job(stop, progress) { update throws(StoreError) in
      if file == "-" {
        return try StoreInspector.backup(
          directory, to: PipeFile(STDOUT_FILENO, name: "standard output"), PosixFileSystem(), progress: update)
      }
      return try StoreInspector.backup(directory, to: file, progress: update)
    }
    if file == "-" { return }
    try printBackup(report, [("backup", file), ("of", directory)], json: json)
  }

  private func job(
    _ stop: StopSignals, _ progress: Progress, _ body: ((JobProgress) -> Bool) throws(StoreError) -> BackupReport
  ) throws -> BackupReport {
    do {
      return try withProgress(stop, progress, body)
    } catch StoreError.locked(let path, let holder) where path == directory {
      throw Failure(
        .temporaryFailure, path,
        "in use by \(holder); a program that has a store open makes its own backups, with store.backup(to:)")
    } catch let code as ExitCode {
      throw code
    } catch {
      throw Failure(error, path: directory)
    }
  }
}

struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Make a store of a backup.",
    discussion: """
      The new store holds what the other one held at the number (LSN) of the backup, and goes on from there. Every byte of \
      the backup is checked before there is a store, and what was written is read back. - reads standard input; the backup \
      may be a pipe.

      A restoration that was killed leaves no store, and can be repeated.

        darkbird restore monday.backup E
        ssh host 'cat monday.backup' | darkbird restore - E
      """)

  @Argument(help: "The backup; - is standard input.")
  var file: String

  @Argument(help: "The new store: a directory that does not exist, or is empty.")
  var directory: String

  @Flag(help: "One JSON object.")
  var json = false

  func run() throws {
    let stop = StopSignals()
    let progress = Progress("restored")
    let isNew = !FileManager.default.fileExists(atPath: directory)
    let report: BackupReport
    do {
      report = try withProgress(stop, progress) { (update) throws(StoreError) in
        if file == "-" {
          let name = "standard input"
          return try StoreInspector.restore(
            PipeFile(STDIN_FILENO, name: name), path: name, to: directory, PosixFileSystem(), progress: update)
        }
        return try StoreInspector.restore(file, to: directory, progress: update)
      }
    } catch {
      // Only if it is empty.
      if isNew { rmdir(directory) }
      if error is ExitCode { throw error }
      throw Failure(error, path: file)
    }
    try printBackup(report, [("store", directory), ("from", file)], json: json)
  }
}

/// Runs a job that shows its progress, and gives up when a signal asks for it.
/// - Throws: `ExitCode` after a signal; otherwise what `body` throws.
func withProgress<R>(
  _ stop: StopSignals, _ progress: Progress, _ body: ((JobProgress) -> Bool) throws(StoreError) -> R
) throws -> R {
  let result = Result<R, StoreError> { () throws(StoreError) in
    try body { update in
      progress.update(update)
      return !stop.isRequested
    }
  }
  progress.clear()
  if case .failure(.cancelled) = result {
    printError("given up; nothing was changed")
    throw ExitCode(128 + (stop.received ?? 0))
  }
  return try result.get()
}

/// What a backup holds, for the commands that write, read and check one.
/// - Parameter verdict: a line at the end, for people.
func printBackup(
  _ report: BackupReport, _ names: [(String, String)], json: Bool, verdict: String? = nil
) throws {
  let output = Output()
  if json {
    output.line(try jsonLine(report))
  } else {
    let lines = [
      ("documents", grouped(report.documents)), ("up to LSN", grouped(report.lsn)),
      ("bytes", Format.bytes(report.bytes)), ("taken", report.created.iso8601 ?? ""),
    ]
    for (name, text) in names + lines {
      output.line("\(name)\(String(repeating: " ", count: 12 - name.count))\(oneLine(text))")
    }
    if let verdict { output.line(verdict) }
  }
  try output.finish()
}
