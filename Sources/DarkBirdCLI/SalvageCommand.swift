import ArgumentParser
import DarkBird
import DarkBirdDashboard

struct SalvageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "salvage",
    abstract: "Take what can be read of a damaged store into a new one.",
    discussion: """
      Reads every page and every block of a checkpoint that can be read, also behind damage, and makes a new store of the \
      last version of each document. The damaged store is not changed. What is lost is reported: each damaged place, the \
      numbers (LSNs) of log records that are missing, and how many documents are older than those, so that their last \
      version may be lost. Of two documents with the same value in a unique index the later one is kept. Every document \
      that was left out, or may be stale, is a line of OUT/salvage.ndjson.

      The new store is verified in the end. The exit code is 0 if nothing was missing, 65 if something was.

      A store whose manifest is lost has lost the names of its indexes: --unique, --tag and --range give them, as for \
      'darkbird import'; and how far its documents were migrated, which --schema-version gives. With --json the report is \
      one object.

        darkbird salvage broken rescued
        darkbird salvage broken rescued --unique email --tag city
      """)

  /// Places, gaps and documents that are printed one by one; more of them are counted.
  static let linesMax = 100

  @Argument(help: "The damaged store.")
  var directory: String

  @Argument(help: "The new store: a directory that does not exist, or is empty.")
  var output: String

  @OptionGroup var indexes: IndexArguments

  @Option(help: ArgumentHelp("Version of the documents, if the manifest is lost.", valueName: "N"))
  var schemaVersion: SchemaVersionArgument?

  @Flag(help: "One JSON object.")
  var json = false

  func run() throws {
    let fields = indexes.fields
    let report = try onStore(directory) {
      do {
        return try StoreInspector.salvage(
          directory, to: output, schema: fields.isEmpty ? nil : fields, schemaVersion: schemaVersion?.number)
      } catch StoreError.invalidConfiguration(let reason) {
        // The options contradict the store.
        throw Failure(.usage, "--unique, --tag, --range, --schema-version", reason)
      }
    }
    let lines = Output()
    if json {
      lines.line(try jsonLine(report))
    } else {
      for line in text(report) { lines.line(oneLine(line)) }
    }
    try lines.finish()
    if !report.problems.isEmpty { throw Failure(.software, output, "the new store is not sound") }
    if !report.isComplete {
      throw Failure(.dataError, directory, "not everything could be read; the rest is in \(output)")
    }
  }

  private func text(_ report: SalvageReport) -> [String] {
    var lines = [
      "read        \(Format.counted(report.pages, "page")), \(Format.counted(report.records, "record")), "
        + "\(Format.counted(report.checkpointDocuments, "document")) of checkpoints",
      "documents   \(grouped(report.documents)) in \(output), up to LSN \(grouped(report.lastLSN))",
    ]
    if report.isSchemaLost {
      lines.append("indexes     lost with the manifest; --unique, --tag and --range can name them")
    }
    if report.isSchemaVersionLost {
      lines.append("version     of the documents lost with the manifest, 0 now; --schema-version can give it")
    }
    let computed = report.schema.computed
    let names = computed.unique + computed.tags + computed.ranges
    if !names.isEmpty {
      lines.append("indexes     computed by the program, not checked: \(names.joined(separator: ", "))")
    }
    lines += limited(report.damages) { damage in
      "damage      \(damage.file): offset \(damage.offset): \(damage.reason)"
        + (damage.bytes > 0 ? " (\(grouped(damage.bytes)) bytes)" : "")
    }
    lines += limited(report.gaps) { gap in
      "missing     LSN \(grouped(gap.first))\(gap.count > 1 ? " to \(grouped(gap.last))" : "")"
    }
    if let lsn = report.staleBefore {
      lines.append(
        "may be stale  \(grouped(report.possiblyStale)) documents, older than LSN \(grouped(lsn)), the end of what is missing"
      )
    }
    lines += limited(report.leftOut) { "left out    \($0.key) (LSN \(grouped($0.lsn))): \($0.reason)" }
    if let file = report.leftOutFile { lines.append("see         \(output)/\(file)") }
    lines += report.problems.map { "unsound     \($0.path): \($0.reason)" }
    if report.isComplete { lines.append("complete") }
    return lines
  }

  private func limited<Element>(_ elements: [Element], _ line: (Element) -> String) -> [String] {
    elements.prefix(Self.linesMax).map(line)
      + (elements.count > Self.linesMax ? ["            … and \(grouped(elements.count - Self.linesMax)) more"] : [])
  }
}
