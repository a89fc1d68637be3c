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

      The types in the header of CSV are for 'darkbird import'; --plain-header leaves them out, for a spreadsheet. A \
      column of several types is JSON, texts in quotes; 'darkbird query --csv' has them plain. --fields takes some fields in their order, and what import makes of them is not equal.

        darkbird export D people.ndjson
        darkbird export D large.csv --where 'range Size 100MB.. sort:Size desc' --fields Package,Size --plain-header
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

  @Flag(help: "CSV whose header has names alone, without the types that import needs.")
  var plainHeader = false

  @OptionGroup var fields: FieldArguments

  @OptionGroup var arguments: ConditionArguments

  func validate() throws {
    if plainHeader, (format ?? DocumentFormat(path: file) ?? .ndjson) != .csv {
      throw ValidationError("--plain-header is for CSV")
    }
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
    var missing = MissingFields(fields.names)
    var notes: [String] = []
    do {
      let conditions = try Conditions(arguments, of: store)
      notes = try conditions.notes(on: store)
      let total = try conditions.count(in: store)
      let format = format ?? DocumentFormat(path: file) ?? .ndjson
      var columns = CSVColumns()
      if format == .csv {
        try conditions.forEach(in: store, limit: .max) { stored in
          columns.look(at: stored.key, fields.part(of: stored.document))
          return !stop.isRequested
        }
      }
      var writer = DocumentWriter(
        format, columns: columns.columns(fields.names), hasPlainHeader: plainHeader, to: output.write)
      try writer.begin()
      try conditions.forEach(in: store, limit: .max) { stored in
        missing.look(at: stored.document)
        try writer.write(key: stored.key, fields.part(of: stored.document))
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
    if documents > 0 { notes += missing.notes }
    for note in notes { printError(harmless(note)) }
    if file != "-" { try printResult("exported \(documents)") }
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
