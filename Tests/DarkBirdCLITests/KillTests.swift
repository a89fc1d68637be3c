import Foundation
import Testing

/// Programs that are killed with -9 in the middle of their work, again and again on the same store.
@Suite(.serialized, .timeLimit(.minutes(30))) struct KillTests {
  private let directory: TemporaryDirectory

  /// Kills in both tests together. A round of the workload takes three times as long as one of the probe.
  private static let kills = max(8, number("DARKBIRD_KILLS") ?? 100)
  /// Other workloads, and other moments, in each run of a long test.
  private static let firstSeed = number("DARKBIRD_FIRST_SEED") ?? 0
  private static let workloadKills = kills / 4
  private static let probeKills = kills - workloadKills

  private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap(Int.init) }

  init() throws { directory = try TemporaryDirectory() }

  @Test func workloadKilledAgainAndAgain() async throws {
    let store = directory("store")
    var lastLSN = 0
    for round in 1...Self.workloadKills {
      let output = try directory.file("out\(round)", "")
      let program = try Program(
        builtProgram("darkbird"),
        [
          "run", "--store", store, "--documents", "1000", "--rate", "5000", "--page-records", "400", "--seed",
          "\(Self.firstSeed + round)",
          "--duration", "20", "--headless",
        ], output: output)
      // Killed while it loads, or in the middle of the mix.
      if round % 2 == 0 {
        try await eventually("a line of round \(round)") { try !Data(contentsOf: URL(filePath: output)).isEmpty }
      } else {
        try await eventually("a page of round \(round)") {
          FileManager.default.fileExists(atPath: store + "/MANIFEST")
        }
      }
      program.send(SIGKILL)
      let outcome = try await program.outcome()
      #expect(outcome.wasKilled && outcome.code == SIGKILL, "\(outcome)")

      let verified = try await darkbird("verify", store, "--json")
      #expect(verified.code == 0, "round \(round): \(verified)")
      let report = try #require(try JSONSerialization.jsonObject(with: Data(verified.output.utf8)) as? [String: Any])
      let documents = try #require(report["documents"] as? Int)
      let counted = try await darkbird("query", store, "--count")
      #expect(counted.output == "\(documents)\n", "round \(round)")
      let lsn = try #require(report["last_lsn"] as? Int)
      #expect(lsn >= lastLSN, "round \(round)")
      lastLSN = lsn
    }
    #expect(lastLSN > min(1_000, 100 * Self.workloadKills))
  }

  @Test func everyAcknowledgedWriteIsThere() async throws {
    let store = directory("store")
    var acknowledged: [String: Int] = [:]
    for round in 1...Self.probeKills {
      let output = try directory.file("acks\(round)", "")
      // Standard output is a file: what is in it was acknowledged before the kill.
      let program = try Program(
        builtProgram("KillProbe"), [store, "4", round % 2 == 0 ? "written" : "synced"], output: output)
      // First seeds are multiples of 10,000.
      let wanted = 100 + (Self.firstSeed / 10_000 * 17 + round * 29) % 1_000
      try await eventually("\(wanted) acknowledgements") {
        try Data(contentsOf: URL(filePath: output)).count { $0 == UInt8(ascii: "\n") } >= wanted
      }
      program.send(SIGKILL)
      let outcome = try await program.outcome()
      #expect(outcome.wasKilled, "\(outcome)")

      let text = String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self)
      for line in text.split(separator: "\n") {
        let parts = line.split(separator: " ")
        let revision = try #require(Int(parts[1]))
        acknowledged[String(parts[0])] = revision
      }
      let verified = try await darkbird("verify", store)
      #expect(verified.code == 0, "round \(round): \(verified)")

      let found = try await darkbird("query", store, "--json")
      var revisions: [String: Int] = [:]
      for line in found.lines {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let document = try #require(object["document"] as? [String: Any])
        revisions[try #require(object["key"] as? String)] = try #require(document["revision"] as? Int)
      }
      for (key, revision) in acknowledged {
        #expect(revisions[key] ?? 0 >= revision, "round \(round): \(key) was acknowledged at \(revision)")
      }
    }
    #expect(acknowledged.count == 40)
  }
}
