import BenchRows
import Foundation

// bench ROW --documents N --threads N --directory DIR: one row as one JSON object, as the programs of the peers print it.
// `--resident ROW` prints the bytes of a document, for the process that started this one.

func stop(_ message: String) -> Never {
  FileHandle.standardError.write(Data("bench: \(message)\n".utf8))
  exit(64)
}

func row(_ name: String) -> BenchRow {
  guard let row = BenchRow(rawValue: name) else { stop("no row \(name)") }
  return row
}

let arguments = CommandLine.arguments
var documents = 1_000_000
var threads = 2
var directory = NSTemporaryDirectory()
var measured: BenchRow?
var resident: BenchRow?
var index = 1
while index < arguments.count {
  guard arguments[index].hasPrefix("--") else {
    measured = row(arguments[index])
    index += 1
    continue
  }
  guard index + 1 < arguments.count else { stop("\(arguments[index]) needs a value") }
  let value = arguments[index + 1]
  switch arguments[index] {
  case "--documents": documents = Int(value) ?? 0
  case "--threads": threads = Int(value) ?? 0
  case "--directory": directory = value
  case "--resident": resident = row(value)
  default: stop("no option \(arguments[index])")
  }
  index += 2
}
guard documents > 0, threads > 0 else { stop("documents and threads must be 1 or more") }

if let resident {
  print(try Bench.resident(resident, documents: documents, threads: threads))
} else if let measured {
  let program = Bundle.main.executablePath ?? arguments[0]
  let command = ["--documents", "\(documents)", "--threads", "\(threads)", "--resident"]
  var options = BenchOptions(directory: directory, residentCommand: (program, command))
  options.documents = documents
  options.threads = threads
  let encoder = JSONEncoder()
  encoder.keyEncodingStrategy = .convertToSnakeCase
  print(String(decoding: try encoder.encode(try Bench(options).run(measured)), as: UTF8.self))
} else {
  stop("which row? one of \(BenchRow.allCases.map(\.rawValue).joined(separator: ", "))")
}
