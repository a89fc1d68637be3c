import Foundation
import Testing

/// The gate always has the program.
enum Compare {
  static var isWanted: Bool {
    (try? builtProgram("compare")) != nil || ProcessInfo.processInfo.environment["CI"] != nil
  }
}

/// The table of `Benchmarks/run`, of programs whose figures are given. The program is part of the build that `Tests/run` makes.
@Suite(.enabled(if: Compare.isWanted), .timeLimit(.minutes(30))) struct CompareTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: directory("rust/target/release"), withIntermediateDirectories: true)
  }

  /// A program that prints the next of these lines each time that it is called, and writes down how.
  private func contender(_ name: String, _ lines: [String], code: Int = 0) throws {
    let script = """
      #!/bin/sh
      echo "$*" >> "$0.calls"
      sed -n "$(wc -l < "$0.calls")p" "$0.lines"
      exit \(code)
      """
    let path = try directory.file(name, script)
    _ = try directory.file("\(name).lines", lines.map { $0 + "\n" }.joined())
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  private func compare(_ arguments: String...) async throws -> Outcome {
    try await Program(
      builtProgram("compare"), ["--programs", directory.path, "--peers", directory.path] + arguments
    ).outcome()
  }

  private func cells(_ outcome: Outcome) -> [[String]] {
    outcome.lines.map { $0.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) } }
  }

  @Test func ratiosAreOfTheRoundsAndTheirMedianIsHeldAgainstTheBar() async throws {
    try contender(
      "bench",
      [(150, 60.0), (400, 61), (190, 59)].map {
        #"{"operations_per_second": \#($0.0), "bytes_per_document": \#($0.1)}"#
      })
    // The second round begins with the peer.
    try contender(
      "rust/target/release/seed",
      [(100, 100), (100, 100), (50, 100)].map {
        #"{"operations_per_second": \#($0.0), "bytes_per_document": \#($0.1)}"#
      })
    let outcome = try await compare("--only", "ram-insert-indexed", "--against", "seed", "--rounds", "3")
    #expect(outcome.code == 0, "\(outcome)")
    #expect(
      cells(outcome) == [
        ["row", "darkbird", "seed", "ratio", "must", "met"],
        ["ram-insert-indexed", "190", "100", "3.80 (1.50-4.00)", "4.0", "NO"],
        ["bytes a document", "60.00", "100", "0.60 (0.59-0.61)", "0.6", "yes"],
      ], "\(outcome)")
    #expect(outcome.errors == "ram-insert-indexed: darkbird 190, seed 100\n")
    let calls = try String(contentsOfFile: directory("bench.calls"), encoding: .utf8).split(separator: "\n")
    #expect(calls.count == 3)
    #expect(calls.allSatisfy { $0.hasPrefix("ram-insert-indexed --documents 1000000 --threads 2 --directory ") })
  }

  @Test func barsThatNoPeerSetsHaveATableOfTheirOwn() async throws {
    try contender("bench", [3, 9].map { #"{"operations_per_second": 1, "figures": {"loss_percent": \#($0)}}"# })
    let outcome = try await compare("--only", "sampler", "--against", "seed", "--rounds", "2", "--documents", "1000")
    #expect(outcome.code == 0, "\(outcome)")
    #expect(
      cells(outcome).suffix(2) == [
        ["row", "figure", "median", "rounds", "must", "met"],
        ["sampler", "loss of inserts by a sampler and a subscriber, %", "6.00", "3.00 to 9.00", "below 5", "NO"],
      ], "\(outcome)")
  }

  @Test func programThatFailsOrPrintsSomethingElseIsNamed() async throws {
    let row = ["--only", "scan", "--against", "seed", "--rounds", "1"]
    func failure() async throws -> Outcome { try await compare(row[0], row[1], row[2], row[3], row[4], row[5]) }
    var outcome = try await failure()
    #expect(outcome.code == 70 && outcome.errors == "compare: \(directory("bench")): cannot be started\n", "\(outcome)")
    try contender("bench", ["{}"])
    outcome = try await failure()
    #expect(outcome.code == 70 && outcome.errors.contains("bench scan: printed '{}\n', not its figures"), "\(outcome)")
    try contender("bench", [], code: 3)
    outcome = try await failure()
    #expect(outcome.code == 70 && outcome.errors.contains("bench scan: ended with 3"), "\(outcome)")
  }

  @Test(arguments: [
    ("--only", "ram-inserts", "there is ram-insert, ram-insert-indexed"), ("--against", "seeds", "'seed'"),
    ("--against", "darkbird", "is no peer of itself"), ("--rounds", "0", "must be 1 to 1000"),
    ("--documents", "999", "must be 1000 to 1000000"),
  ])
  func wrongOptionsAreRefused(option: String, value: String, reason: String) async throws {
    let outcome = try await compare(option, value)
    #expect(outcome.code == 64 && outcome.output.isEmpty && outcome.errors.contains(reason), "\(outcome)")
  }
}
