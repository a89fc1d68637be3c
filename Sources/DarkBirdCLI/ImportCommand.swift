import ArgumentParser
import DarkBird
import Foundation

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Load an NDJSON, JSON or CSV file into a store.",
    discussion: """
      Each line of NDJSON, element of a JSON array or record of CSV becomes a document under the key that it has in the \
      field --key. Without --key the file is one that 'darkbird export' wrote, which has keys and types of its own. A \
      document that is there already under this key is replaced, also if the file itself has the key twice. The store \
      is made if it does not exist.

      --unique, --tag and --range say which fields are indexed; each may be given several times. A dotted name reaches \
      into an object: --tag address.city. A tag field that holds an array gives one tag for each element. A store that \
      exists already knows its indexes: leave the options out, or repeat them exactly.

      CSV has a header line, and its values are typed: numbers as JSON writes them (042 is text), true and false, \
      dates such as 2024-01-31 or 2024-01-31T08:30:00Z; the rest is text, and an empty field is absent. --type says \
      what a column is instead: string, int, double, bool, date, bytes (base64) or json; --type '*=string' is for all others.

      A line that cannot be imported (no JSON, no key, a value that another document has in a unique index) is \
      reported as FILE:LINE: reason; the rest goes on, and the exit code is 65. After Ctrl-C, or on a disk that \
      is full, what was imported stays; a store into which nothing came is not made.

        darkbird import D cities.csv --key id --tag country --range population
        zcat in.ndjson.gz | darkbird import D - --key id --tag address.city
        darkbird import D zip.csv --key code --type code=string
        darkbird import E export.ndjson --unique email
      """)

  @Argument(help: "The store: a directory, made if it does not exist.")
  var directory: String

  @Argument(help: "An NDJSON, JSON or CSV file; - is standard input.")
  var file: String

  @Option(help: ArgumentHelp("The field that is the key of a document; not for exports.", valueName: "field"))
  var key: String?

  @OptionGroup var indexes: IndexArguments

  @Option(help: "Read the file as this, whatever its name and first byte say.")
  var format: DocumentFormat?

  @Option(help: ArgumentHelp("What a column of CSV holds.", valueName: "field=type"))
  var type: [String] = []

  func validate() throws {
    _ = try types()
    if key == nil && !type.isEmpty { throw ValidationError("--type is not for exports, whose columns have types") }
  }

  private func types() throws -> [String: CSVColumn.Kind] {
    var types: [String: CSVColumn.Kind] = [:]
    for text in type {
      guard let sign = text.lastIndex(of: "="),
        let kind = CSVColumn.Kind(rawValue: String(text[text.index(after: sign)...]))
      else {
        let kinds = CSVColumn.Kind.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--type \(text): a field, '=' and one of \(kinds) are needed")
      }
      types[String(text[..<sign])] = kind
    }
    return types
  }

  /// Rejected lines that are reported one by one; more of them are counted.
  private static let reportsMax = 100

  func run() throws {
    // The input comes first: a file that cannot be read must leave no store behind.
    let lines = try LineReader(path: file)
    var reader = try recordReader(lines, format: format, isTyped: key == nil, types: try types())
    let isNew = try onStore(directory) { try isNewStore(directory) }
    let isMissing = isNew && !FileManager.default.fileExists(atPath: directory)
    let stop = StopSignals()
    let store = try openForAdding(directory, indexes.fields)
    let progress = Progress("imported")
    var reports = 0
    var importer = Importer(store: store, key: key, lines: lines) { refusal in
      reports += 1
      guard reports <= Self.reportsMax else { return }
      progress.clear()
      printNote(refusal)
    }
    var failure: (any Error)?
    do {
      while !stop.isRequested, let record = try reader.next() {
        try importer.take(record)
        progress.update(documents: importer.imported, share: importer.share)
      }
    } catch {
      failure = error
    }
    progress.clear()
    do { try store.close() } catch { failure = failure ?? error }
    let isWhole = failure == nil && importer.rejected == 0 && !stop.isRequested
    // Nothing came in of what should have: there is no reason for an empty store.
    if isNew && importer.imported == 0 && !isWhole { removeUnwritten(directory, isMissing: isMissing) }
    if reports > Self.reportsMax { printNote("… and \(grouped(reports - Self.reportsMax)) more") }
    // Also after a failure: what was imported stays.
    do { try printResult(importer.summary) } catch { failure = failure ?? error }
    if let failure { throw Failure(failure, path: directory) }
    if let signal = stop.received { throw ExitCode(128 + signal) }
    if importer.rejected > 0 {
      let all = importer.rejected + importer.imported
      throw Failure(.dataError, directory, "\(importer.rejected) of \(all) documents of \(lines.name) were rejected")
    }
  }
}

/// Reads the documents of a file, whatever its form is.
/// - Parameters:
///   - format: nil goes by the end of the name and the first byte.
///   - isTyped: whether the file is an export, with keys and types of its own.
func recordReader(
  _ lines: LineReader, format: DocumentFormat? = nil, isTyped: Bool, types: [String: CSVColumn.Kind] = [:]
) throws -> any RecordReader {
  let format = format ?? DocumentFormat(of: lines, isTyped: isTyped)
  if format != .csv, let name = types.keys.sorted().first {
    throw Failure(.usage, "--type \(name)", "\(lines.name) is not CSV; JSON has types of its own")
  }
  return switch format {
  case .ndjson: JSONLinesReader(lines, isTyped: isTyped)
  case .json: JSONArrayReader(lines, isTyped: isTyped)
  case .csv: try CSVReader(lines, isTyped: isTyped, types: types)
  }
}

extension DocumentFormat {
  /// By the end of the file's name, else by its first byte. An export without any is NDJSON, of no documents.
  init(of lines: LineReader, isTyped: Bool) {
    let name = DocumentFormat(path: lines.name)
    switch lines.unread.first(where: { $0 > UInt8(ascii: " ") }) {
    case _ where name == .csv: self = .csv
    case UInt8(ascii: "["): self = .json
    case UInt8(ascii: "{"): self = .ndjson
    case nil where isTyped: self = name ?? .ndjson
    default: self = name ?? .csv
    }
  }
}
