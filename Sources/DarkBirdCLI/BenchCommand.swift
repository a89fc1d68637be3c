import ArgumentParser
import DarkBird
import DarkBirdBench
import Foundation

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "How fast is a store on this machine, and how much memory does a document take.",
    discussion: """
      Measures one row after the other, on typed documents of seven fields and about 190 bytes with a unique index, two \
      tags and a range. Documents are made before the clock starts, but for the memory of the insert rows, which a \
      process of its own measures. Without --only all rows run but those that need ten times the documents.

        darkbird bench                            all rows, a million documents: some minutes
        darkbird bench --only lookup --threads 1  one row
        darkbird bench --documents 100000 --json  for scripts

      The rows:
      \(BenchRow.allCases.map { "\n  \($0.rawValue): \($0.summary)" }.joined())

      With --json it is one object, with the keys documents and threads as given, and rows:

        name, threads          of the row
        operations, seconds    what was done, and how long it took
        operations_per_second  documents a second where one call visits many
        latency_ns             of one call, in nanoseconds: p50, p99, p999, and the samples they come from; or null
        bytes_per_document     resident memory of the rows that insert into memory; or null
        figures                what only this row has, such as the ratio that it is about
      """)

  @Option(help: ArgumentHelp("Documents in the store, 1000 to 1000000.", valueName: "n"))
  var documents = 1_000_000

  @Option(help: ArgumentHelp("Threads that do the work.", valueName: "n"))
  var threads = 2

  @Option(help: ArgumentHelp("This row alone.", valueName: "name"))
  var only: String?

  @Option(
    help: ArgumentHelp(
      "Where the rows on disk make a temporary directory, which they remove. (default: $TMPDIR)", valueName: "dir"))
  var directory: String?

  @Flag(help: "One JSON object.")
  var json = false

  /// A row whose memory this process measures for the one that started it.
  @Option(help: .hidden)
  var resident: String?

  func validate() throws {
    // The largest rows number ten times as many documents with seven digits.
    if !(1_000...1_000_000).contains(documents) {
      throw ValidationError("--documents \(documents): must be 1000 to 1000000")
    }
    if !(1...1_024).contains(threads) { throw ValidationError("--threads \(threads): must be 1 to 1024") }
    for name in [only, resident] { if let name { _ = try Self.row(name) } }
  }

  private static func row(_ name: String) throws -> BenchRow {
    if let row = BenchRow(rawValue: name) { return row }
    let names = BenchRow.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("--only \(name): no such row; there is \(names)")
  }

  func run() throws {
    if let resident {
      let bytes = try Bench.resident(try Self.row(resident), documents: documents, threads: threads)
      print(bytes)
      return
    }
    let rows = try only.map { [try Self.row($0)] } ?? BenchRow.allCases.filter { !$0.isOnlyOnRequest }
    let temporary = try TemporaryStore(in: directory)
    defer { temporary.remove() }
    let stop = StopSignals()
    let output = Output()
    let table = BenchTable()
    var results: [BenchResult] = []
    do {
      try FileManager.default.createDirectory(atPath: temporary.path, withIntermediateDirectories: false)
      let bench = Bench(options(directory: temporary.path))
      if !json { output.line(table.header) }
      for row in rows {
        // A row can take many seconds: each line is to be seen once it is known.
        output.flush()
        if !output.isOpen || stop.isRequested { break }
        let result = try bench.run(row)
        results.append(result)
        if !json { output.line(table.line(result)) }
      }
    } catch let failure as BenchFailure {
      throw Failure(.software, "bench", failure.description)
    } catch let error as POSIXError {
      throw Failure(temporary.path, errorNumber: error.code.rawValue)
    } catch {
      throw Failure(error, path: temporary.path)
    }
    if json { output.line(try jsonLine(BenchReport(documents: documents, threads: threads, rows: results))) }
    try output.finish()
    if let signal = stop.received { throw ExitCode(128 + signal) }
  }

  private func options(directory: String) -> BenchOptions {
    let arguments = ["bench", "--documents", "\(documents)", "--threads", "\(threads)", "--resident"]
    let program = Bundle.main.executablePath ?? CommandLine.arguments[0]
    var options = BenchOptions(directory: directory, residentCommand: (program, arguments))
    options.documents = documents
    options.threads = threads
    return options
  }
}

/// The JSON keys are part of the command's interface: the help of `darkbird bench` lists them.
private struct BenchReport: Encodable {
  var documents: Int
  var threads: Int
  var rows: [BenchResult]
}

/// Lines of one table. Its columns have a fixed width, for a line is printed before the next is known.
private struct BenchTable {
  private let nameWidth = BenchRow.allCases.map(\.rawValue.count).max() ?? 0

  var header: String {
    columns("row", "threads", "operations/s", "p50", "p99", "p99.9", "B/doc") + "  figures"
  }

  func line(_ result: BenchResult) -> String {
    func time(_ value: UInt64?) -> String { value.map { duration(nanoseconds: $0) } ?? "-" }
    let line = columns(
      result.name, "\(result.threads)", grouped(Int(result.operationsPerSecond.rounded())),
      time(result.latencyNs?.p50), time(result.latencyNs?.p99), time(result.latencyNs?.p999),
      result.bytesPerDocument.map { grouped(Int($0.rounded())) } ?? "-")
    let figures = result.figures.sorted { $0.key < $1.key }.map { "\($0.key) \(figure($0.value))" }
    return figures.isEmpty ? line : line + "  " + figures.joined(separator: ", ")
  }

  private func columns(_ name: String, _ rest: String...) -> String {
    let widths = [7, 13, 8, 8, 8, 6]
    return zip(rest, widths).reduce(padded(name, nameWidth)) { line, column in
      line + "  " + String(repeating: " ", count: max(0, column.1 - column.0.count)) + column.0
    }
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private func figure(_ value: Double) -> String {
    if value.magnitude >= 100 { return grouped(Int(value.rounded())) }
    return String(format: "%.2f", value)
  }
}
