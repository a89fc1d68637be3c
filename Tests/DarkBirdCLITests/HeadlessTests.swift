import Foundation
import Testing

@Suite(.timeLimit(.minutes(30))) struct HeadlessTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func report(_ outcome: Outcome) throws -> [String: Any] {
    try #require(outcome.code == 0, "\(outcome)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any], "\(outcome)")
  }

  @Test func reportHasEveryKeyThatTheHelpNames() async throws {
    let report = try report(
      try await darkbird(
        "run", "--store", directory("store"), "--documents", "2000", "--rate", "max", "--duration", "2",
        "--page-records", "500", "--headless", "--json"))
    #expect(
      Set(report.keys) == [
        "loaded", "load_seconds", "seconds", "workload", "ack", "rate", "writers", "readers", "seed", "scenario",
        "operations", "ops_per_second", "latency_ns", "documents", "pages", "rotations", "lsn", "duplicates_refused",
        "errors", "last_error", "skipped",
      ])
    let help = try await darkbird("help", "run").output
    for key in report.keys { #expect(help.contains(key), "\(key) is not in the help") }

    let operations = try #require(report["operations"] as? [String: Int])
    #expect(operations.values.reduce(0, +) > 1_000 && (operations["get"] ?? 0) > 0, "\(operations)")
    #expect(report["loaded"] as? Int == 2_000 && report["load_seconds"] as? Double ?? 0 > 0, "\(report)")
    #expect(report["ack"] as? String == "memory" && report["rate"] is NSNull, "\(report)")
    #expect(report["writers"] as? Int == 2 && report["readers"] as? Int == 2, "\(report)")
    #expect(report["scenario"] is NSNull && report["skipped"] as? Int == 0, "nothing is due without a limit")
    let latencies = try #require(report["latency_ns"] as? [String: [String: Int]])
    for (kind, latency) in latencies {
      #expect(Set(latency.keys) == ["p50", "p90", "p99", "p999", "max", "count"])
      #expect(latency["p50"] ?? 0 <= latency["p999"] ?? 0 && latency["p999"] ?? 0 <= latency["max"] ?? 0, "\(latency)")
      #expect(latency["count"] == operations[kind])
    }
    #expect(report["rotations"] as? Int ?? 0 > 2 && report["errors"] as? Int == 0, "\(report)")
    let lsn = try #require(report["lsn"] as? [String: Int])
    #expect(lsn["memory"] ?? 0 > 0 && lsn["memory"] == lsn["durable"] && lsn["memory"] == lsn["written"], "\(lsn)")

    let verified = try await darkbird("verify", directory("store"), "--json")
    #expect(verified.code == 0, "\(verified)")
    let count = try await darkbird("query", directory("store"), "--count").output
    #expect(count == "\(report["documents"] ?? "")\n")
  }

  @Test(arguments: ["clubs", "ycsb-a", "ycsb-b", "ycsb-c", "ycsb-d", "ycsb-e", "ycsb-f"])
  func everyWorkloadRunsInMemory(workload: String) async throws {
    let report = try report(
      try await darkbird(
        "run", "--ram", "--workload", workload, "--documents", "1000", "--rate", "max", "--duration", "0.5",
        "--headless",
        "--json", in: directory.path))
    #expect(report["errors"] as? Int == 0 && report["documents"] as? Int ?? 0 >= 900, "\(report)")
    #expect(report["pages"] is NSNull && report["rotations"] is NSNull, "\(report)")
    #expect(try tree(directory.path).count == 1)
  }

  @Test func rateIsKept() async throws {
    let report = try report(
      try await darkbird(
        "run", "--ram", "--documents", "100", "--rate", "500", "--duration", "3", "--headless", "--json"))
    let operations = try #require(report["operations"] as? [String: Int]).values.reduce(0, +)
    #expect((1_000...1_600).contains(operations), "\(operations) operations in 3 s at 500 a second")
    #expect(report["loaded"] as? Int == 100 && report["skipped"] as? Int ?? 0 < 500, "\(report)")
  }

  /// Nobody waits for the disk with what is loaded, so that it is no insert that tells what one costs.
  @Test func loadingIsTheSummarysFirstAndNoOperation() async throws {
    let outcome = try await darkbird(
      "run", "--store", directory("store"), "--ack", "synced", "--documents", "2000", "--rate", "100", "--writers", "1",
      "--readers", "0", "--duration", "1.5", "--headless")
    try #require(outcome.code == 0, "\(outcome)")
    #expect(outcome.lines.contains { $0.hasPrefix("loaded 2,000 documents in ") }, "\(outcome)")
    let inserts = outcome.lines.first { $0.hasPrefix("  insert ") }?.split(separator: " ")
    #expect(Int(inserts?[1] ?? "0") ?? .max < 200, "\(outcome)")
    let again = try await darkbird(
      "run", "--store", directory("store"), "--documents", "2000", "--duration", "0.2", "--headless")
    #expect(again.lines.contains { $0.hasPrefix("found ") }, "\(again)")
    #expect(!again.lines.contains { $0.hasPrefix("loaded 2,000") }, "\(again)")
  }

  @Test func aStoreThatIsTooSlowForTheRateIsSaidToBeBehind() async throws {
    let outcome = try await darkbird(
      "run", "--ram", "--documents", "100", "--rate", "500000000", "--duration", "2.5", "--headless")
    #expect(outcome.code == 0, "\(outcome)")
    let line = try #require(outcome.lines.first { $0.contains("% behind ") }, "\(outcome)")
    #expect(line.hasPrefix("100% behind 500,000,000/s: ") && line.hasSuffix(" operations missed"), "\(line)")
  }

  @Test func aScenarioIsPlayedAndNamed() async throws {
    let file = try directory.file(
      "config", "[scenarios]\nmine = slow: rate 50 for 1s / fast: rate 2000 writers 3 for 60s\n")
    let outcome = try await darkbird(
      "run", "--ram", "--documents", "100", "--scenario", "mine", "--config", file, "--duration", "3.5", "--headless")
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome)")
    #expect(outcome.lines.contains { $0.contains("s  mine 2/2 fast  ") }, "\(outcome)")
    let head = try #require(
      outcome.lines.first { $0.hasPrefix("clubs, 2w/2r, 2,000/s at most, seed 1, scenario mine: ") }, "\(outcome)")
    let words = head.split(separator: " ")
    let place = try #require(words.firstIndex(of: "operations"))
    let operations = try #require(Int(words[place - 1].filter(\.isNumber)))
    #expect((1_000...6_000).contains(operations), "50 in the first second, 2,000 in each of the others: \(head)")
    #expect(outcome.lines.contains { $0.hasPrefix("loaded 10") }, "what each run loads is added up: \(outcome)")
  }

  @Test(arguments: [SIGINT, SIGTERM]) func signalsEndItWithASummary(signal: Int32) async throws {
    let output = try directory.file("out", "")
    let program = try Program(
      builtProgram("darkbird"), ["run", "--store", directory("store"), "--documents", "500", "--headless"],
      output: output)
    func text() throws -> String { String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self) }
    try await eventually("two lines of operations") { try text().ranges(of: "ops/s").count >= 2 }
    program.send(signal)
    let outcome = try await program.outcome()
    #expect(outcome.code == 0 && !outcome.wasKilled && outcome.errors.isEmpty, "\(outcome)")
    let lines = try text().split(separator: "\n")
    #expect(lines.contains { $0.contains("ops/s") && $0.contains("page") }, "\(lines)")
    #expect(
      lines.contains { $0.hasPrefix("clubs, ack memory, 2w/2r, 2,000/s at most, seed 1: ") }
        && lines.contains { $0.hasPrefix("LSN memory") }, "\(lines)")
    #expect(try await darkbird("verify", directory("store")).code == 0)
  }

  /// With a reader that leaves after one line, the store is closed as at any other end.
  @Test func readerThatLeavesEndsIt() async throws {
    let outcome = try await shell(
      """
      '\(try builtProgram("darkbird"))' run --store '\(directory("store"))' --documents 500 --headless | head -n 1
      echo ${PIPESTATUS[0]}
      """)
    #expect(outcome.lines.count == 2 && outcome.lines.last == "0" && outcome.errors.isEmpty, "\(outcome)")
    #expect(try await darkbird("verify", directory("store")).code == 0)
  }

  // MARK: The store in a temporary directory

  private func runDirectories() throws -> [String] {
    let parent = directory("darkbird-\(getuid())")
    guard FileManager.default.fileExists(atPath: parent) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: parent).filter { $0.hasPrefix("run-") }
  }

  private func start() async throws -> Program {
    let before = try runDirectories()
    let program = try Program(
      builtProgram("darkbird"), ["run", "--documents", "100", "--headless"], environment: ["TMPDIR": directory.path])
    try await eventually("a store of its own") {
      try runDirectories().contains {
        !before.contains($0)
          && FileManager.default.fileExists(atPath: directory("darkbird-\(getuid())/\($0)/store/MANIFEST"))
      }
    }
    return program
  }

  @Test func temporaryStoreIsGoneAtTheEnd() async throws {
    let program = try await start()
    #expect(try runDirectories().count == 1)
    program.send(SIGTERM)
    #expect(try await program.outcome().code == 0)
    #expect(try runDirectories().isEmpty)
  }

  @Test func storesOfKilledRunsAreRemovedAndThoseOfRunningOnesAreNot() async throws {
    let killed = try await start()
    killed.send(SIGKILL)
    _ = try await killed.outcome()
    let abandoned = try runDirectories()
    #expect(abandoned.count == 1)
    let first = try await start()
    #expect(try runDirectories().count == 1 && runDirectories() != abandoned)
    let second = try await start()
    #expect(try runDirectories().count == 2)
    for program in [first, second] {
      program.send(SIGINT)
      #expect(try await program.outcome().code == 0)
    }
    #expect(try runDirectories().isEmpty)
  }

  @Test func temporaryDirectoryOfSomeoneElseIsNotUsed() async throws {
    try FileManager.default.createDirectory(
      atPath: directory("darkbird-\(getuid())"), withIntermediateDirectories: false,
      attributes: [.posixPermissions: 0o777])
    let outcome = try await darkbird("run", "--headless", environment: ["TMPDIR": directory.path])
    #expect(outcome.code == 77 && outcome.errors.contains("not private"), "\(outcome)")
  }
}
