public import ArgumentParser
public import BenchRows
import Foundation

@main struct BenchProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures one row, and prints it as one JSON object as the programs of the peers do.")

  @Argument(help: "One of \(BenchRow.allCases.map(\.rawValue).joined(separator: ", ")).")
  var row: BenchRow

  @Option(help: "Documents in the store.")
  var documents = 1_000_000

  @Option(help: "Threads that do the work.")
  var threads = 2

  @Option(help: "Where the rows on disk make their stores, which they remove.")
  var directory = NSTemporaryDirectory()

  /// Prints the bytes of a document, for the process that started this one.
  @Flag(help: .hidden)
  var resident = false

  func validate() throws {
    if documents < 1 || threads < 1 { throw ValidationError("--documents and --threads must be 1 or more") }
  }

  func run() throws {
    if resident {
      print(try Bench.resident(row, documents: documents, threads: threads))
      return
    }
    let program = Bundle.main.executablePath ?? CommandLine.arguments[0]
    let arguments = ["--resident", "--documents", "\(documents)", "--threads", "\(threads)"]
    var options = BenchOptions(directory: directory, residentCommand: (program, arguments))
    options.documents = documents
    options.threads = threads
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    print(String(decoding: try encoder.encode(try Bench(options).run(row)), as: UTF8.self))
  }
}

extension BenchRow: ExpressibleByArgument {}
