import ArgumentParser
import DarkBird
import Foundation

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write the documents of a store to an NDJSON, JSON or CSV file.",
    discussion: """
      'darkbird import' without --key makes an equal store of the file. NDJSON is {"key":…,"document":{…}} a line, JSON an \
      array of the same, CSV a table whose header names the types of its columns. Conditions as for 'darkbird query' take \
      a part.

      What JSON has no form for is an object with one field: {"$date":"2024-01-31T08:30:00Z"}, {"$bytes":"SGk="} in \
      base64, {"$double":"nan"}; a name that begins with $ gets a second one. 1 is an integer, 1.0 is floating point. In \
      CSV a column is name:type with the types string, int, double, bool, date, bytes and json, which stands for anything \
      else and for columns of several types; an empty cell is a field that is missing. CSV has the fields of all documents \
      in one order; the others keep the order of each.

      A file is written as FILE.CHECKSUM.part and gets its name when it is whole; what exists is left as it is, also a \
      named pipe. - is standard output.

        darkbird export D people.ndjson
        darkbird export D norway.csv --tag country=NO
        darkbird export D - --format json | jq '.[].document.email'
        darkbird export D - | darkbird import E - --unique email
      """)

  @Argument(help: "The store.")
  var directory: String

  @Argument(help: "A file that does not exist; - is standard output.")
  var file: String

  @Option(help: "The form of the file. (default: by the end of its name; ndjson on standard output)")
  var format: DocumentFormat?

  @OptionGroup var arguments: ConditionArguments

  func validate() throws {
    if format == nil && file != "-" && DocumentFormat(path: file) == nil {
      throw ValidationError("\(file): --format is needed where the name does not end in .ndjson, .json or .csv")
    }
  }

  func run() throws {
    let store = try openForReading(directory)
    let output = try ExportOutput(file)
    let stop = StopSignals()
    let progress = Progress("exported")
    var documents = 0
    do {
      let conditions = try Conditions(arguments, of: store)
      let total = try conditions.count(in: store)
      let format = format ?? DocumentFormat(path: file) ?? .ndjson
      var columns = CSVColumns()
      if format == .csv {
        try conditions.forEach(in: store, limit: .max) { stored in
          columns.look(at: stored.key, stored.document)
          return !stop.isRequested
        }
      }
      var writer = DocumentWriter(format, columns: columns.columns, to: output.write)
      try writer.begin()
      try conditions.forEach(in: store, limit: .max) { stored in
        try writer.write(key: stored.key, stored.document)
        documents += 1
        progress.update(JobProgress(documents: documents, total: total))
        return !stop.isRequested && output.isOpen
      }
      progress.clear()
      if let signal = stop.received {
        output.cancel()
        throw ExitCode(128 + signal)
      }
      try writer.finish()
      try store.close()
      try output.finish()
    } catch {
      progress.clear()
      output.cancel()
      if error is ExitCode { throw error }
      throw Failure(error, path: directory)
    }
    if file != "-" { print("exported \(documents)") }
  }
}

/// A file that has its name when it is whole, or standard output.
private final class ExportOutput {
  private let file: DocumentFile?
  private let standard = Output()

  var isOpen: Bool { standard.isOpen }

  init(_ path: String) throws(Failure) {
    do throws(StoreError) {
      file = path == "-" ? nil : try DocumentFile(path)
    } catch {
      throw Failure(error, path: path)
    }
  }

  func write(_ text: String) throws {
    if let file { try file.write(text) } else { standard.write(text) }
  }

  func finish() throws {
    if let file { try file.finish() } else { try standard.finish() }
  }

  func cancel() { file?.cancel() }
}
