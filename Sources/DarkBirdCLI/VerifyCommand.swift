import ArgumentParser
import DarkBird

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every page, frame and index of a store.",
    discussion: """
      Reads all of the store, compares every checksum and the chain of pages, loads the documents and compares each \
      index with what the documents say. Every problem is one line, 'file: offset N: what is wrong'. The exit code is \
      0 if the store is sound and 65 if it is not. Nothing in the directory changes.

      A tail that was torn off when the program was killed is no problem: opening the store for writing cuts it.
      """)

  @Argument(help: "The store.")
  var directory: String

  @Flag(help: "One JSON object with the counts and the problems.")
  var json = false

  func run() throws {
    let report = try onStore(directory) { try StoreInspector.verify(directory) }
    let output = Output()
    if json {
      output.line(try jsonLine(report))
    } else {
      for line in lines(report) { output.line(oneLine(line)) }
    }
    try output.finish()
    if !report.isSound { throw Failure(.dataError, directory, "not sound") }
  }

  private func lines(_ report: VerifyReport) -> [String] {
    []
  }
}
