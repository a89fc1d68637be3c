import Foundation
import Testing

/// The dashboard without a terminal, and its configuration.
@Suite(.timeLimit(.minutes(30))) struct WatchingTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func object(_ text: some StringProtocol) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
  }

  private func makeStore() async throws -> String {
    let lines = (0..<200).map { #"{"id":"k\#($0)","age":\#($0 % 50)}"# }.joined(separator: "\n")
    let outcome = try await darkbird("import", directory("store"), "-", "--key", "id", "--range", "age", input: lines)
    try #require(outcome.code == 0, "\(outcome)")
    return directory("store")
  }

  @Test func onceJSONHasTheFiguresOfARun() async throws {
    let outcome = try await darkbird("run", "--ram", "--documents", "500", "--once", "--json")
    #expect(outcome.code == 0 && outcome.errors.isEmpty && outcome.lines.count == 1, "\(outcome)")
    let object = try object(outcome.output)
    #expect((object["ops_per_second"] as? [String: Any])?["total"] as? Double ?? 0 > 100, "\(outcome)")
    #expect((object["workload"] as? [String: Any])?["phase"] as? String == "running")
    #expect(object["log"] == nil)
  }

  @Test func onceOnAStoreReadsAndChangesNothing() async throws {
    let store = try await makeStore()
    let before = try tree(store)
    let outcome = try await darkbird("open", store, "--once", "--json")
    #expect(outcome.code == 0, "\(outcome)")
    #expect(try object(outcome.output)["documents"] as? Int == 200)
    let picture = try await darkbird("open", store, "--once", environment: ["COLUMNS": "80", "LINES": "24"])
    #expect(picture.code == 0 && picture.output.count { $0 == "\n" } == 24, "\(picture)")
    #expect(picture.output.contains("1 Throughput") && picture.output.contains("200 docs"))
    #expect(picture.output.unicodeScalars.allSatisfy { $0.isASCII && ($0.value >= 32 || $0 == "\n") })
    #expect(try tree(store) == before)
  }

  @Test func streamIsAnObjectALineUntilTheRunEnds() async throws {
    let outcome = try await darkbird(
      "run", "--ram", "--documents", "200", "--duration", "2.5", "--stream", "json")
    #expect(outcome.code == 0 && outcome.lines.count >= 2, "\(outcome)")
    for line in outcome.lines { #expect(try object(line)["title"] as? String == "clubs") }
  }

  @Test func streamEndsWithItsReader() async throws {
    let outcome = try await shell(
      #""$DARKBIRD" run --ram --documents 200 --stream json | head -n 1 | wc -l; echo ${PIPESTATUS[0]}"#,
      environment: ["DARKBIRD": builtProgram("darkbird")])
    #expect(outcome.lines == ["1", "0"], "\(outcome)")
  }

  @Test func plainTellsWhatChanges() async throws {
    let outcome = try await darkbird(
      "run", "--store", directory("plain"), "--documents", "2000", "--page-records", "500", "--duration", "2", "--plain"
    )
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome)")
    for text in ["run 1: clubs ack memory zipfian", "documents, ", "run 1 ended: duration elapsed"] {
      #expect(outcome.output.contains(text), "\(text) in \(outcome)")
    }
    // More than one page may be full when it looks again.
    #expect(outcome.output.contains(/page 1 is full|pages 1-\d are full/), "\(outcome)")
    #expect(try await darkbird("verify", directory("plain")).code == 0)
  }

  @Test func plainTellsOfEachDocumentWhileFewChange() async throws {
    let outcome = try await darkbird(
      "run", "--ram", "--documents", "10", "--rate", "2", "--writers", "1", "--readers", "0", "--duration", "4",
      "--plain")
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome)")
    #expect(outcome.output.contains(#/ (?:new|changed|removed) \S+ in shard \d+/#), "\(outcome)")
  }

  @Test(arguments: [
    ["run", "--headless", "--once"], ["run", "--json"], ["run", "--once", "--plain"], ["open", "x", "--json"],
    ["run", "--stream", "xml"], ["run", "--ram", "--rate", "9223372036854775807"],
    ["run", "--ram", "--documents", "9223372036854775807"],
  ])
  func optionsThatMakeNoSense(arguments: [String]) async throws {
    let outcome = try await Program(builtProgram("darkbird"), arguments).outcome()
    #expect(outcome.code == 64 && outcome.errors.count(where: \.isNewline) == 1, "\(outcome)")
  }

  @Test func theConfigurationThatIsPrintedIsSound() async throws {
    let printed = try await darkbird("config")
    #expect(printed.code == 0 && printed.output.contains("quit = q F10"))
    let file = try directory.file("config", printed.output)
    let checked = try await darkbird("config", "--check", "--config", file)
    #expect(checked.code == 0 && checked.output.isEmpty && checked.errors.isEmpty, "\(checked)")
  }

  @Test func aWrongLineIsNamedAndNothingIsMade() async throws {
    let file = try directory.file("config", "theme = dark\n\n[keys]\nquitt = x\n")
    let before = try tree(directory.path)
    let wrong = "darkbird: \(file):4: no command is called 'quitt' (did you mean 'quit'?)\n"
    for arguments in [
      ["config", "--check", "--config", file], ["run", "--store", directory("new"), "--config", file, "--once"],
    ] {
      let outcome = try await Program(builtProgram("darkbird"), arguments).outcome()
      #expect(outcome.code == 78 && outcome.errors == wrong, "\(outcome)")
    }
    #expect(try tree(directory.path) == before)
  }

  @Test func theConfigurationIsWhereXDGSaysAndIsNeverWritten() async throws {
    let home = directory("home")
    try FileManager.default.createDirectory(atPath: home + "/darkbird", withIntermediateDirectories: true)
    try "nonsense\n".write(toFile: home + "/darkbird/config", atomically: true, encoding: .utf8)
    let outcome = try await darkbird("config", "--check", environment: ["XDG_CONFIG_HOME": home])
    #expect(outcome.code == 78 && outcome.errors.contains("\(home)/darkbird/config:1: "), "\(outcome)")
    try FileManager.default.removeItem(atPath: home + "/darkbird/config")
    let run = try await darkbird(
      "run", "--ram", "--documents", "100", "--once", environment: ["XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home])
    #expect(run.code == 0, "\(run)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: home + "/darkbird").isEmpty)
  }
}
