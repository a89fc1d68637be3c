import Foundation
import Testing

/// Shape and plausibility of what `darkbird bench` reports. Times are not looked at: they are those of a debug build.
@Suite(.timeLimit(.minutes(30))) struct BenchTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private static let documents = 2_000
  /// Operations that each row must report; those that visit documents in calls report documents.
  private static let operations = [
    "ram-insert": documents, "ram-insert-indexed": documents, "disk-insert-indexed": documents,
    "disk-insert-synced": documents / 4, "lookup": 5 * documents, "lookup-many": 5 * documents,
    "lookup-unique": documents, "lookup-unique-many": documents,
    "tag-documents": 5 * documents, "range-documents": 5 * documents, "scan": 10 * documents, "update": documents,
    "mixed-ycsb-a": documents, "lookup-16": 5 * documents, "remove": documents, "reload-indexed": documents,
    "sampler": documents, "put-during-checkpoint": 500, "put-during-backup": 500, "insert-scaling": documents,
    "lookup-scaling": 5 * documents,
  ]
  private static let onRequest: Set = ["insert-scaling", "lookup-scaling"]
  private static let keys: Set = [
    "name", "threads", "operations", "seconds", "operations_per_second", "latency_ns", "bytes_per_document", "figures",
  ]

  private func rows(_ arguments: String...) async throws -> [[String: Any]] {
    let outcome = try await Program(
      builtProgram("darkbird"),
      ["bench", "--documents", "\(Self.documents)", "--json", "--directory", directory.path] + arguments
    ).outcome()
    try #require(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome)")
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any], "\(outcome)")
    #expect(Set(report.keys) == ["documents", "threads", "rows"] && report["documents"] as? Int == Self.documents)
    return try #require(report["rows"] as? [[String: Any]])
  }

  private func check(_ row: [String: Any]) throws {
    #expect(Set(row.keys) == Self.keys, "\(row)")
    let name = try #require(row["name"] as? String)
    #expect(row["operations"] as? Int == Self.operations[name], "\(row)")
    let seconds = try #require(row["seconds"] as? Double)
    let rate = try #require(row["operations_per_second"] as? Double)
    #expect(seconds > 0 && abs(rate * seconds / Double(Self.operations[name] ?? 0) - 1) < 0.01, "\(row)")
    if name != "reload-indexed" {
      let latency = try #require(row["latency_ns"] as? [String: Int])
      #expect(Set(latency.keys) == ["p50", "p99", "p999", "samples"] && latency["samples"] ?? 0 > 0)
      #expect(latency["p50"] ?? 0 > 0 && latency["p50"] ?? 0 <= latency["p99"] ?? 0, "\(row)")
      #expect(latency["p99"] ?? 0 <= latency["p999"] ?? 0, "\(row)")
    } else {
      #expect(row["latency_ns"] is NSNull, "\(row)")
    }
  }

  /// All rows of one run, one after the other on the same store as far as they share one.
  @Test func everyRowDoesItsWork() async throws {
    let rows = try await rows()
    let names = rows.compactMap { $0["name"] as? String }
    #expect(Set(names) == Set(Self.operations.keys).subtracting(Self.onRequest) && names.count == Set(names).count)
    for row in rows { try check(row) }
    func row(_ name: String) throws -> [String: Any] { try #require(rows.first { $0["name"] as? String == name }) }
    func figures(_ name: String) throws -> [String: Double] {
      try #require(try row(name)["figures"] as? [String: Double])
    }

    // With so few documents the pages that the process touches anyway weigh most; it must not be nothing.
    for name in ["ram-insert", "ram-insert-indexed"] {
      #expect(try #require(try row(name)["bytes_per_document"] as? Double) > 100)
    }
    #expect(try row("lookup")["bytes_per_document"] is NSNull)
    let synced = try figures("disk-insert-synced")
    #expect(synced["disk_syncs_per_second"] ?? 0 > 0 && synced["store_syncs"] ?? 0 > 0, "\(synced)")
    #expect((64 * 150...64 * 400).contains(Int(synced["batch_bytes"] ?? 0)), "\(synced)")
    #expect(synced["ratio_to_64_syncs"] ?? 0 > 0, "\(synced)")
    #expect(try row("disk-insert-synced")["threads"] as? Int == 64 && row("lookup-16")["threads"] as? Int == 16)
    #expect(try figures("lookup-16")["ratio_to_2_threads"] ?? 0 > 0)
    #expect(try figures("reload-indexed")["documents_per_second_from_checkpoint"] ?? 0 > 0)
    #expect(try figures("sampler")["loss_percent"] ?? 101 <= 100)
    for (name, jobs) in [("put-during-checkpoint", "checkpoints"), ("put-during-backup", "backups")] {
      let paced = try figures(name)
      #expect(paced[jobs] ?? 0 >= 1 && paced["p999_ns_without"] ?? 0 > 0 && paced["p999_ratio"] ?? 0 > 0, "\(paced)")
    }

    // The temporary directory is gone.
    let parent = directory("darkbird-\(getuid())")
    #expect(try FileManager.default.contentsOfDirectory(atPath: parent).filter { $0.hasPrefix("run-") }.isEmpty)
  }

  @Test(arguments: onRequest.sorted()) func scalingRowsRunOnRequest(name: String) async throws {
    let rows = try await rows("--only", name)
    #expect(rows.compactMap { $0["name"] as? String } == [name])
    for row in rows {
      try check(row)
      let figures = try #require(row["figures"] as? [String: Double])
      #expect(figures["documents_small"] == 200 && figures["documents_large"] == 20_000, "\(figures)")
      #expect(figures["cost_ratio"] ?? 0 > 0, "\(figures)")
    }
  }

  /// Without --json: a head and a line for each row, with the columns below each other.
  @Test func tableIsAligned() async throws {
    let outcome = try await darkbird(
      "bench", "--documents", "1000", "--threads", "3", "--only", "lookup", "--directory", directory.path)
    try #require(outcome.code == 0 && outcome.lines.count == 2, "\(outcome)")
    #expect(outcome.lines[0].hasPrefix("row ") && outcome.lines[1].hasPrefix("lookup "), "\(outcome)")
    func end(_ line: Substring, _ text: String) -> Int? {
      line.range(of: text).map { line.distance(from: line.startIndex, to: $0.upperBound) }
    }
    #expect(end(outcome.lines[0], "threads") == end(outcome.lines[1], " 3"), "\(outcome)")
  }

  @Test(arguments: [
    (["--only", "nothing"], "no such row"), (["--documents", "0"], "1000 to 1000000"),
    (["--documents", "many"], "many"), (["--threads", "0"], "1 to 1024"), (["--fast"], "--fast"),
  ]) func badArgumentIsOneLine(arguments: [String], reason: String) async throws {
    let outcome = try await Program(builtProgram("darkbird"), ["bench"] + arguments).outcome()
    #expect(outcome.code == 64 && outcome.output.isEmpty, "\(outcome)")
    #expect(outcome.errors.hasPrefix("darkbird: ") && outcome.errors.count(where: \.isNewline) == 1, "\(outcome)")
    #expect(outcome.errors.contains(reason), "\(outcome)")
    if arguments.contains("nothing") {
      for name in Self.operations.keys { #expect(outcome.errors.contains(name), "\(name)") }
    }
  }

  @Test func directoryThatDoesNotExist() async throws {
    let outcome = try await darkbird("bench", "--documents", "1000", "--directory", directory("missing"))
    #expect(outcome.code == 73 && outcome.errors.contains(directory("missing")), "\(outcome)")
    #expect(outcome.errors.count(where: \.isNewline) == 1, "\(outcome)")
  }
}
