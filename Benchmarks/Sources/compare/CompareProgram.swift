import ArgumentParser
import Foundation

@main struct CompareProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract:
      "Runs the rows of darkbird and of its peers turn by turn, each in a process of its own, and prints one table.",
    discussion: "Benchmarks/run builds all of them and calls this.")

  @Option(help: "Documents in each store: 1000 to 1000000.")
  var documents = 1_000_000

  @Option(help: "How often each row is run; the table shows medians.")
  var rounds = 5

  @Option(help: "This row alone: \(ComparedRow.names).")
  var only: String?

  @Option(help: "This peer alone: \(Contender.peers.map(\.rawValue).joined(separator: ", ")).")
  var against: Contender?

  @Option(help: "Where darkbird's programs are.")
  var programs: String

  @Option(help: "Where the peers are.")
  var peers: String

  func validate() throws {
    if !(1_000...1_000_000).contains(documents) {
      throw ValidationError("--documents \(documents): must be 1000 to 1000000")
    }
    if !(1...1_000).contains(rounds) { throw ValidationError("--rounds \(rounds): must be 1 to 1000") }
    if let only, !comparedRows.contains(where: { $0.name == only }) {
      throw ValidationError("--only \(only): no such row; there is \(ComparedRow.names)")
    }
    if against == .darkbird { throw ValidationError("--against darkbird: is no peer of itself") }
  }

  func run() throws {
    let rows = comparedRows.filter { only == nil ? !$0.isOnlyOnRequest : $0.name == only }
    let all: [Contender] = [.darkbird] + (against.map { [$0] } ?? Contender.peers)
    let runner = Runner(programs: programs, peers: peers, documents: documents)
    var figures: [Measured: [[String: Double]]] = [:]
    for row in rows {
      for round in 1...rounds {
        // Each after the other in turn.
        let contenders = round % 2 == 1 ? all : all.reversed()
        for contender in contenders where contender.has(row) {
          note("\(row.label): \(contender.rawValue), round \(round) of \(rounds)")
          let figure = try runner.run(contender, row)
          figures[Measured(row: row.label, contender: contender), default: []].append(figure)
        }
      }
      // A whole run takes an hour: what is known is shown, whatever becomes of the rest.
      note("")
      tell(Report(rows: [row], figures: figures).summary)
    }

    let report = Report(rows: rows, figures: figures)
    print(report.comparison)
    if !report.own.isEmpty { print("\n\(report.own)") }
    if only == nil {
      let left = comparedRows.filter(\.isOnlyOnRequest).map(\.name).joined(separator: ", ")
      print("\nnot run, for they need ten times the documents: \(left)")
    }
  }
}

extension Contender: ExpressibleByArgument {}

/// What runs now, on a line that the next one replaces; nothing where nobody watches.
private func note(_ message: String) {
  if isatty(STDERR_FILENO) == 1 { FileHandle.standardError.write(Data("\r\u{1B}[K\(message)".utf8)) }
}

private func tell(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
