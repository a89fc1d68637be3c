import DarkBird
import Foundation
import Testing

/// dump, salvage and checkpoint as scripts see them.
@Suite(.timeLimit(.minutes(30))) struct RepairTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private var store: String { directory("store") }

  private func makeStore() async throws {
    var lines = (0..<200).map { #"{"id":\#($0),"name":"n\#($0)","age":\#($0 % 50)}"# }
    lines.append(#"{"id":"\u001b[2J\u009bm\u202e","name":"evil"}"#)
    let outcome = try await darkbird(
      "import", store, "-", "--key", "id", "--unique", "name", "--range", "age", input: lines.joined(separator: "\n"))
    try #require(outcome.code == 0, "\(outcome)")
  }

  private func damage(_ file: String, at offset: Int) throws {
    let url = URL(filePath: "\(store)/\(file)")
    var bytes = try Data(contentsOf: url)
    bytes[offset] ^= 0x10
    try bytes.write(to: url)
  }

  @Test func dumpShowsEveryFrameAndNoControlCharacter() async throws {
    try await makeStore()
    let before = try tree(store)
    for options in [[], ["--json"]] {
      let outcome = try await Program(builtProgram("darkbird"), ["dump", store] + options).outcome()
      #expect(outcome.code == 0 && outcome.errors.isEmpty)
      #expect(outcome.lines.filter { $0.contains("  put ") || $0.contains(#""part":"frame""#) }.count == 201)
      let controls = outcome.output.unicodeScalars.filter {
        $0 != "\n" && $0.properties.generalCategory == .control
      }
      #expect(controls.isEmpty)
    }
    for line in try await darkbird("dump", store, "--json").lines {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(object?["part"] is String, "\(line)")
    }
    #expect(try tree(store) == before)
  }

  @Test func tagsInFiguresDriveNoTerminal() async throws {
    let input = #"{"id":1,"tag":"\u001b[2J\u007f\u009b2J\u202eevil"}"#
    let imported = try await darkbird("import", store, "-", "--key", "id", "--tag", "tag", input: input)
    try #require(imported.code == 0, "\(imported)")
    for options in [[], ["--json"]] {
      let outcome = try await Program(builtProgram("darkbird"), ["stats", store] + options).outcome()
      #expect(outcome.code == 0 && outcome.output.contains("evil"))
      let driving = outcome.output.unicodeScalars.filter {
        $0 != "\n" && ($0.properties.generalCategory == .control || $0.properties.isBidiControl)
      }
      #expect(driving.isEmpty, "\(outcome)")
    }
  }

  @Test func dumpShowsABatchWithItsOperations() async throws {
    let batched = try Store<Int, Record>(.disk(at: store))
    try batched.put(["name": "old"], for: 1)
    try batched.batch { batch in
      batch.remove(1)
      batch.put(["name": "new"], for: 2)
    }
    try batched.close()
    let text = try await darkbird("dump", store, "--kind", "batch")
    #expect(text.code == 0 && text.output.contains("2 operations"), "\(text)")
    #expect(text.lines.count { $0.contains("- put  2 ") || $0.contains("- remove  1 ") } == 2, "\(text)")
    let json = try await darkbird("dump", store, "--kind", "batch", "--json")
    #expect(json.lines.last?.contains(#""kind":"batch""#) == true, "\(json)")
    #expect(json.lines.last?.contains(#""kind":"remove","key":"1""#) == true, "\(json)")
    let verified = try await darkbird("verify", store)
    #expect(verified.code == 0, "\(verified)")
  }

  @Test func dumpChoosesFrames() async throws {
    try await makeStore()
    let outcome = try await darkbird("dump", store, "--from", "10", "--to", "90", "--limit", "3", "--json")
    #expect(outcome.code == 0 && outcome.lines.count == 4, "\(outcome)")
    #expect(outcome.lines.last?.contains(#""lsn":12,"#) == true)
    #expect(try await darkbird("dump", store, "--kind", "remove").output.isEmpty)
    #expect(try await darkbird("dump", store, "--from", "9", "--to", "8").code == 64)
    #expect(try await darkbird("dump", directory("missing")).code == 66)
    #expect(try await darkbird("dump", "/etc").code == 66)
  }

  @Test func damagedStoreIsDumpedAndSalvaged() async throws {
    try await makeStore()
    try damage("wal-000000000001", at: 4_096 + 40)
    let verified = try await darkbird("verify", store)
    #expect(verified.code == 65 && verified.output.contains("documents   not counted; "), "\(verified)")
    #expect(verified.output.contains(" before the damage\n") && !verified.output.contains("synced"), "\(verified)")
    let object = try await darkbird("verify", store, "--json")
    for key in ["documents", "last_lsn", "durable_lsn", "checkpoint_documents"] {
      #expect(object.output.contains(#""\#(key)":null"#), "\(key) in \(object)")
    }
    #expect(object.code == 65 && object.output.contains(#""sound":false"#), "\(object)")
    let before = try tree(store)
    let dump = try await darkbird("dump", store)
    #expect(dump.code == 65 && dump.lines.contains { $0.hasPrefix("! wal-000000000001: offset 4096") }, "\(dump)")
    let salvage = try await darkbird("salvage", store, directory("out"))
    #expect(salvage.code == 65 && salvage.output.contains("missing     LSN 1\n"), "\(salvage)")
    #expect(try tree(store) == before)
    #expect(try await darkbird("verify", directory("out")).code == 0)
    #expect(try await darkbird("query", directory("out"), "--count").output == "200\n")
    #expect(try await darkbird("query", directory("out"), "--unique", "name=n7", "--count").output == "1\n")
    let again = try await darkbird("salvage", store, directory("out"))
    #expect(again.code != 0 && again.errors.contains("not an empty directory"), "\(again)")
  }

  @Test func lostManifestTakesItsIndexesFromTheOptions() async throws {
    try await makeStore()
    try FileManager.default.removeItem(atPath: store + "/MANIFEST")
    let refused = try await darkbird("salvage", store, directory("out"), "--schema-version", "9223372036854775808")
    #expect(refused.code == 64 && refused.errors.contains("--schema-version"), "\(refused)")
    let outcome = try await darkbird(
      "salvage", store, directory("out"), "--unique", "name", "--range", "age", "--schema-version", "5000000000",
      "--json")
    let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    #expect(outcome.code == 65 && report?["documents"] as? Int == 201, "\(outcome)")
    #expect(report?["is_schema_lost"] as? Bool == false)
    #expect(try StoreInspector.describe(directory("out")).schemaVersion == 5_000_000_000)
    #expect(try await darkbird("query", directory("out"), "--range", "age=10..10", "--count").output == "4\n")
  }

  @Test func soundStoreIsSalvagedCompletely() async throws {
    try await makeStore()
    let verified = try await darkbird("verify", store)
    #expect(verified.output.contains(", all of it synced\n"), "it was closed: \(verified)")
    let outcome = try await darkbird("salvage", store, directory("out"))
    #expect(outcome.code == 0 && outcome.lines.last == "complete", "\(outcome)")
  }

  @Test func checkpointSaysWhatItDid() async throws {
    try await makeStore()
    let outcome = try await darkbird("checkpoint", store)
    // One page, which is written to: it stays as it was, and the checkpoint does not count as log.
    let log = try #require(outcome.lines.first { $0.hasPrefix("log         1 page, ") })
    let sizes = log.dropFirst(12).split(separator: "; ").map {
      $0.split(separator: " ").dropLast().joined(separator: " ")
    }
    #expect(outcome.code == 0 && sizes.count == 2 && sizes[0] == sizes[1], "\(outcome)")
    #expect(outcome.lines.contains { $0.hasPrefix("checkpoint  ") && $0.hasSuffix("B, up to LSN 201") }, "\(outcome)")
    let stats = try await darkbird("stats", store).lines
    #expect(stats.contains { $0.hasPrefix("  checkpoint  ") && $0.hasSuffix("B, up to LSN 201") }, "\(stats)")
    #expect(stats.contains("  log         \(sizes[1])"), "\(stats)")
    #expect(try await darkbird("stats", store, "--json").output.contains(#""checkpoint_lsn":201"#))
    let verified = try await darkbird("verify", store)
    #expect(verified.output.contains(", all of it synced\n"), "\(verified)")
    let again = try await darkbird("checkpoint", store, "--json")
    #expect(again.code == 0 && again.output.contains(#""is_new":false"#), "\(again)")
    #expect(try await darkbird("verify", store).code == 0)
    #expect(try await darkbird("query", store, "--count").output == "201\n")
    #expect(try await darkbird("checkpoint", directory("missing")).code == 66)
    #expect(!FileManager.default.fileExists(atPath: directory("missing")))
  }
}
