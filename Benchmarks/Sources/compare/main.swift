import Foundation

// compare --programs DIR --peers DIR [--documents N] [--rounds N] [--only ROW] [--against PEER]: runs every row of darkbird
// and of its peers turn by turn, each in a fresh process, and prints one table. `Benchmarks/run` builds all of them and
// calls this.

var options = Options()
do {
  options = try Options(arguments: Array(CommandLine.arguments.dropFirst()))
} catch {
  stop("\(error)", code: 64)
}

let rows = comparedRows.filter { options.only == nil ? !$0.isOnlyOnRequest : $0.name == options.only }
let runner = Runner(options)
var figures: [Measured: [[String: Double]]] = [:]
for row in rows {
  for round in 1...options.rounds {
    // Each after the other in turn.
    let contenders = round % 2 == 1 ? options.against : options.against.reversed()
    for contender in contenders where contender.has(row) {
      note("\(row.label): \(contender.rawValue), round \(round) of \(options.rounds)")
      let figure = try runner.run(contender, row)
      figures[Measured(row: row.label, contender: contender), default: []].append(figure)
    }
  }
  // A whole run takes an hour: what is known is shown, whatever becomes of the rest.
  note("")
  FileHandle.standardError.write(Data("\(Report(rows: [row], figures: figures).summary)\n".utf8))
}

let report = Report(rows: rows, figures: figures)
print(report.comparison)
if !report.own.isEmpty { print("\n\(report.own)") }
if options.only == nil {
  let left = comparedRows.filter(\.isOnlyOnRequest).map(\.name).joined(separator: ", ")
  print("\nnot run, for they need ten times the documents: \(left)")
}
