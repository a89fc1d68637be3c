import ArgumentParser
import DarkBird
import DarkBirdDashboard
import Terminal

struct QueryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query",
    abstract: "Print the documents of a store that meet all conditions.",
    discussion: """
      Any number of conditions; a document must meet them all. Without any, every document is printed.

        --tag club=Ajax           the field club is Ajax, or an array with Ajax
        --range age=30..39        from 30 to 39; 30..<39 leaves 39 out
        --range age=30..          30 and above; ..39 is 39 and below
        --unique email=ada@b.org  the one document with this value
        --key 42                  the document under this key, text or number

      Bounds are read as what the field holds: numbers, also with a unit as in 1.5k, 100MB and 2GiB, dates such as \
      2024-01-31, true and false, or text. With one --range the documents come in the order of that field. A tag that \
      no document has is no error, but a note on standard error tells it, with the one that may be meant.

      The store is opened for reading only; nothing in its directory changes. The exit code is 0 if a document was \
      found and 1 if none was, as with grep.

      --where takes a line of the dashboard: tag:F=V, any:F=V, !tag:F=V, range F LO..HI, sort:F asc or desc, limit N.

      The header of --csv has names alone; 'darkbird export' writes types into it, Size:int, for 'darkbird import', or none \
      with --plain-header.

        darkbird query D --tag Section=games --range Size=100MB.. --limit 3
        darkbird query D --where 'tag:Section=games range Size 100MB.. sort:Size desc' --csv --fields Package,Size
        darkbird query D --tag Tag=implemented-in::c++ --count
        darkbird query D --where 'any:Section=games any:Section=net range Size desc limit 3'
        darkbird query D --key bash --json | jq .document.Depends
      """)

  @Argument(help: "The store.")
  var directory: String

  @OptionGroup var arguments: ConditionArguments

  @Option(help: "Print this many documents at most.")
  var limit: Int?

  @Flag(help: "Print how many there are instead of them.")
  var count = false

  @Flag(help: #"One JSON object a line: {"key":…,"document":{…}}. Dates are ISO 8601 strings, bytes base64."#)
  var json = false

  @Flag(help: "CSV with a header of names: key, then every field that a printed document has.")
  var csv = false

  @OptionGroup var fields: FieldArguments

  func validate() throws {
    if json && csv { throw ValidationError("--json and --csv exclude each other") }
    if count && !fields.lists.isEmpty { throw ValidationError("--count prints no --fields") }
    if count && (csv || limit != nil) { throw ValidationError("--count takes neither --csv nor --limit") }
    if let limit, limit < 1 { throw ValidationError("--limit \(limit): must be 1 or more") }
  }

  func run() throws {
    let store = try openForReading(directory)
    let output = Output()
    var notes: [String] = []
    let found = try onStore(directory) {
      let conditions = try Conditions(arguments, of: store)
      notes = try conditions.notes(on: store)
      if count { return try printCount(conditions, store, output) }
      return try printDocuments(conditions, store, output, &notes)
    }
    try onStore(directory) { try store.close() }
    try output.finish()
    for note in notes { printError(harmless(note)) }
    if !found { throw ExitCode(1) }
  }

  private func printCount(_ conditions: Conditions, _ store: RecordStore, _ output: Output) throws -> Bool {
    let number = try conditions.count(in: store)
    output.line(json ? "{\"count\":\(number)}" : String(number))
    return number > 0
  }

  private func printer() -> any DocumentPrinter {
    if json { return JSONPrinter() }
    return csv ? CSVPrinter(fields.names) : TextPrinter()
  }

  private func printDocuments(
    _ conditions: Conditions, _ store: RecordStore, _ output: Output, _ notes: inout [String]
  ) throws -> Bool {
    var found = false
    var missing = MissingFields(fields.names)
    var printer = printer()
    try conditions.forEach(in: store, limit: limit ?? .max) { document in
      found = true
      missing.look(at: document.document)
      printer.print(document.key, fields.part(of: document.document), to: output)
      return output.isOpen
    }
    printer.finish(output)
    if found { notes += missing.notes }
    return found
  }
}

/// A document that the generic commands print.
protocol DocumentPrinter {
  mutating func print(_ key: Value, _ document: Record, to output: Output)
  mutating func finish(_ output: Output)
}

private struct JSONPrinter: DocumentPrinter {
  func print(_ key: Value, _ document: Record, to output: Output) {
    output.line(ExportText.json(key: key, document: document))
  }

  func finish(_ output: Output) {}
}

/// Holds the documents back until the end: the header names the fields of all of them.
private struct CSVPrinter: DocumentPrinter {
  private var rows: [(key: Value, document: Record)] = []
  private var columns: [String]
  private var known: Set<String>

  /// - Parameter columns: those that are there in any case, first.
  init(_ columns: [String]) { (self.columns, known) = (columns, Set(columns)) }

  mutating func print(_ key: Value, _ document: Record, to output: Output) {
    rows.append((key, document))
    for field in document.fields where known.insert(field.name).inserted { columns.append(field.name) }
  }

  func finish(_ output: Output) {
    if rows.isEmpty { return }
    output.line((["key"] + columns).map(ExportText.csv).joined(separator: ","))
    for row in rows {
      if !output.isOpen { return }
      let values = columns.map { row.document[$0]?.plainText ?? "" }
      output.line(([row.key.plainText] + values).map(ExportText.csv).joined(separator: ","))
    }
  }
}

/// The key, then one field a line.
private struct TextPrinter: DocumentPrinter {
  private var isFirst = true

  mutating func print(_ key: Value, _ document: Record, to output: Output) {
    if !isFirst { output.line("") }
    isFirst = false
    output.line(oneLine(key.plainText))
    let width = document.fields.map { displayWidth(oneLine($0.name)) }.max() ?? 0
    for field in document.fields {
      let padding = String(repeating: " ", count: width - displayWidth(oneLine(field.name)))
      let lines = field.value.plainText
        .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { oneLine(String($0)) }
      let indent = "\n" + String(repeating: " ", count: width + 4)
      output.line("  \(oneLine(field.name))\(padding)  \(lines.joined(separator: indent))")
    }
  }

  func finish(_ output: Output) {}
}
