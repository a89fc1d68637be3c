import Foundation

struct Options {
  var documents = 1_000_000
  var rounds = 5
  var only: String?
  /// The peers to compare with.
  var against = Contender.allCases
  /// Where darkbird's programs are, and where the peers.
  var programs = ""
  var peers = ""

  init() {}

  struct Mistake: Error, CustomStringConvertible { var description: String }

  init(arguments: [String]) throws {
    var rest = arguments[...]
    while let name = rest.popFirst() {
      guard let value = rest.popFirst() else { throw Mistake(description: "\(name) needs a value") }
      switch name {
      case "--documents": documents = try Self.number(name, value, 1_000...1_000_000)
      case "--rounds": rounds = try Self.number(name, value, 1...1_000)
      case "--only":
        guard comparedRows.contains(where: { $0.name == value }) else {
          let names = comparedRows.map(\.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
          throw Mistake(description: "--only \(value): no such row; there is \(names.joined(separator: ", "))")
        }
        only = value
      case "--against":
        guard let peer = Contender(rawValue: value), peer != .darkbird else {
          let names = Contender.allCases.dropFirst().map(\.rawValue)
          throw Mistake(description: "--against \(value): no such peer; there is \(names.joined(separator: ", "))")
        }
        against = [.darkbird, peer]
      case "--programs": programs = value
      case "--peers": peers = value
      default: throw Mistake(description: "no option \(name); there is --documents, --rounds, --only, --against")
      }
    }
  }

  private static func number(_ name: String, _ text: String, _ range: ClosedRange<Int>) throws -> Int {
    guard let number = Int(text), range.contains(number) else {
      throw Mistake(description: "\(name) \(text): must be \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}

/// What a program prints; all of them print more than is looked at here.
private struct Printed: Decodable {
  var operationsPerSecond: Double
  var bytesPerDocument: Double?
  var latencyNs: Latency?
  var figures: [String: Double]?

  struct Latency: Decodable { var p999: Double }
}

/// Runs one row of one contender in a process of its own, with a directory that is gone afterwards.
struct Runner {
  private let options: Options

  init(_ options: Options) { self.options = options }

  func run(_ contender: Contender, _ row: ComparedRow) throws -> [String: Double] {
    let directory = FileManager.default.temporaryDirectory.appending(path: "darkbird-compare-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let program = (contender == .darkbird ? options.programs : options.peers) + "/" + contender.program
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = [
      contender == .darkbird ? row.name : row.peerName ?? row.name, "--documents", "\(options.documents)", "--threads",
      "\(row.threads)", "--directory", directory.path,
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      stop("\(program) \(row.name): ended with \(process.terminationStatus)", code: 70)
    }
    let printed: Printed
    do { printed = try decoder.decode(Printed.self, from: data) } catch {
      stop("\(program) \(row.name): printed '\(String(decoding: data, as: UTF8.self))', \(error)", code: 70)
    }
    var figures = printed.figures ?? [:]
    figures["operations"] = printed.operationsPerSecond
    figures["bytes"] = printed.bytesPerDocument
    figures["p999"] = printed.latencyNs?.p999
    return figures
  }
}

/// What runs now, on a line that the next one replaces; nothing where nobody watches.
func note(_ message: String) {
  if isatty(STDERR_FILENO) == 1 { FileHandle.standardError.write(Data("\r\u{1B}[K\(message)".utf8)) }
}

func stop(_ message: String, code: Int32) -> Never {
  FileHandle.standardError.write(Data("compare: \(message)\n".utf8))
  exit(code)
}

/// The middle of some figures, of which there is at least one; of an even number the mean of the two in the middle.
func median(_ figures: [Double]) -> Double {
  let sorted = figures.sorted()
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
