import Foundation
import Testing

/// `query`, `stats` and `verify` on one store: what they print, and that they change nothing.
@Suite(.timeLimit(.minutes(30))) struct QueryTests {
  private let directory: TemporaryDirectory
  private let before: [String: String]

  init() async throws {
    directory = try TemporaryDirectory()
    let clubs = ["Ajax", "PSV", "Feyenoord"]
    let lines = (0..<300).map { number -> String in
      let member = "\"club\":\"\(clubs[number % 3])\",\"email\":\"p\(number)@x\",\"captain\":\(number % 100 == 0)"
      return "{\"id\":\"p\(number)\",\"age\":\(number % 60),\"score\":\(number).5,\(member)}"
    }
    let outcome = try await darkbird(
      "import", directory("store"), "-", "--key", "id", "--unique", "email", "--tag", "club", "--tag", "captain",
      "--range", "age", "--range", "score", input: lines.joined(separator: "\n"))
    try #require(outcome.code == 0, "\(outcome)")
    before = try tree(directory("store"))
  }

  private func run(_ command: String, _ arguments: [String]) async throws -> Outcome {
    let outcome = try await Program(builtProgram("darkbird"), [command, directory("store")] + arguments).outcome()
    #expect(try tree(directory("store")) == before, "\(command) \(arguments) changed the store")
    return outcome
  }

  @Test(arguments: [
    ([], 300), (["--tag", "club=Ajax"], 100), (["--tag", "club=Ajax", "--tag", "captain=true"], 1),
    (["--range", "age=10..19"], 50), (["--range", "age=10..<19"], 45), (["--range", "age=50.."], 50),
    (["--range", "age=..9.5"], 50), (["--range", "age=5..5"], 5), (["--range", "age=5"], 5),
    (["--range", "age=.."], 300),
    (["--range", "age=10..19", "--range", "score=..99"], 20), (["--unique", "email=p7@x"], 1), (["--key", "p7"], 1),
    (["--key", "p7", "--tag", "club=PSV"], 1), (["--key", "p7", "--tag", "club=Ajax"], 0),
    (["--key", "p7", "--unique", "email=p8@x"], 0), (["--key", "nobody"], 0), (["--tag", "club=Milan"], 0),
    (["--range", "age=1000.."], 0), (["--range", "age=..0.01k"], 55), (["--range", "score=0.1 k..<0.2 k"], 100),
    // As the dashboard has it.
    (["--where", ""], 300), (["--where", "tag:club=Ajax range age 10..19"], 15), (["--where", "key p7"], 1),
    (["--where", "unique email=p7@x"], 1), (["--where", "any:club=Ajax any:club=PSV sort:age desc"], 200),
    (["--where", "!tag:club=Ajax limit 30"], 30), (["--where", "key nobody"], 0),
  ])
  func conditionsCombineWithAnd(arguments: [String], count: Int) async throws {
    let counted = try await run("query", arguments + ["--count"])
    #expect(counted.output == "\(count)\n" && counted.code == (count > 0 ? 0 : 1), "\(counted)")
    let printed = try await run("query", arguments + ["--json"])
    #expect(printed.lines.count == count && printed.code == (count > 0 ? 0 : 1), "\(printed)")
  }

  /// Names and values stand in columns of the terminal, lines end as they do, and a UUID is found however it is written.
  @Test func documentsAreAlignedByColumns() async throws {
    let key = "6F1C0B0E-8E55-4E6E-9C0C-3D6B7E1F2A3B"
    let made = try await darkbird(
      "import", directory("wide"), "-", "--key", "id",
      input: #"{"id":"\#(key)","名前":"x","email":"one\r\ntwo"}"#)
    try #require(made.code == 0, "\(made)")
    let found = try await darkbird("query", directory("wide"), "--key", key.lowercased())
    #expect(
      found.lines.map(String.init) == [key, "  id     \(key)", "  名前   x", "  email  one", "         two"], "\(found)")
  }

  @Test func rangesComeInOrderAndLimitsHold() async throws {
    let found = try await run("query", ["--range", "score=100..", "--limit", "3", "--csv"])
    #expect(found.lines.map { $0.prefix(4) } == ["key,", "p100", "p101", "p102"], "\(found)")
    #expect(try await run("query", ["--limit", "2"]).output.contains("club     "))
  }

  @Test(arguments: [
    (["--tag", "city=Rome"], "no tag field 'city'; the store has club, captain"),
    (["--range", "club=a..b"], "no range field 'club'"),
    (["--unique", "age=1"], "no unique index 'age'; the store has email"),
    (["--range", "age=old.."], "numbers, such as 1500, 2.5e6 or 100MB; 'old' is none"),
    (["--range", "age=9..1"], "above"),
    (["--range", "age=1..<"], "needs an upper bound"),
    (["--where", "range city 1..2"], "--where, column 7: 'city'"), (["--where", "tag:"], "--where, column 1:"),
    (["--where", "\u{1b}[2J"], "--where, column 1: '\\u{1b}[2J'"),
    (["--where", "key a", "--key", "a"], "--where stands for all conditions"),
  ])
  func conditionsThatTheStoreCannotAnswer(arguments: [String], reason: String) async throws {
    let outcome = try await run("query", arguments)
    #expect(outcome.code == 64 && outcome.errors.contains(reason), "\(outcome)")
    #expect(outcome.errors.count(where: \.isNewline) == 1 && outcome.output.isEmpty)
  }

  @Test(arguments: [
    ["--tag", "club=Ajxa"], ["--where", "!tag:club=Ajxa"], ["--where", "any:club=Ajxa any:club=PSV"],
  ])
  func aTagThatNobodyHasIsNoted(arguments: [String]) async throws {
    let outcome = try await run("query", arguments + ["--count"])
    #expect(outcome.errors == "darkbird: no document has tag club=Ajxa; did you mean club=Ajax?\n", "\(outcome)")
    #expect(outcome.code == (arguments[0] == "--tag" ? 1 : 0) && outcome.lines.count == 1)
  }

  @Test func fieldsAreChosenForEveryForm() async throws {
    let table = try await run(
      "query", ["--range", "score=298..", "--csv", "--fields", "email,age", "--fields", "nothing,email"])
    #expect(table.output == "key,email,age,nothing\np298,p298@x,58,\np299,p299@x,59,\n", "\(table)")
    #expect(table.errors == "darkbird: no document here has a field nothing\n")
    let json = try await run("query", ["--key", "p7", "--json", "--fields=age"])
    #expect(json.output == "{\"key\":\"p7\",\"document\":{\"age\":7}}\n")
    #expect(try await run("query", ["--key", "p7", "--fields=age"]).output == "p7\n  age  7\n")
    #expect(try await run("query", ["--key", "p7", "--fields", "age,"]).code == 64)
    let near = try await run("query", ["--key", "p7", "--fields", "emial", "--json"])
    #expect(near.errors == "darkbird: no document here has a field emial; did you mean email?\n")
    let typed = try await run("export", ["-", "--format", "csv", "--key", "p7", "--fields", "score,age"])
    #expect(typed.output == "key:string,score:double,age:int\r\np7,7.5,7\r\n", "\(typed)")
    let plain = try await run(
      "export", ["-", "--format", "csv", "--key", "p7", "--fields", "score,age", "--plain-header"])
    #expect(plain.output == "key,score,age\r\np7,7.5,7\r\n", "\(plain)")
    #expect(try await run("export", ["-", "--plain-header"]).code == 64)
  }

  @Test(arguments: [
    (["--range", "age=1..2k"], "age: from 1; write 1k..2k for both"),
    (["--where", "range age 1..2k"], "age: from 1; write 1k..2k for both"),
    (["--range", "age=100MB.."], "the largest age is 59"),
    (["--range", "age=20.5"], "no age is exactly 20.5; 20.5.. is that and above"),
    (["--where", "tag:club=Ajxa"], "no document has tag club=Ajxa; did you mean club=Ajax?"),
  ])
  func whatARangeMayHaveMeantIsNoted(arguments: [String], note: String) async throws {
    #expect(try await run("query", arguments + ["--count"]).errors == "darkbird: \(note)\n")
    #expect(try await run("export", ["-"] + arguments).errors == "darkbird: \(note)\n")
  }

  @Test func anErrorOfAnExportNamesTheFileThatIsWanted() async throws {
    let file = directory("nowhere/x.csv")
    let outcome = try await run("export", [file])
    #expect(outcome.errors.contains("\(file): ") && !outcome.errors.contains(".part"), "\(outcome)")
  }

  @Test func statsNameEverything() async throws {
    let text = try await run("stats", [])
    #expect(text.code == 0 && text.output.contains("300"), "\(text)")
    #expect(text.output.contains("100  club=Ajax") && text.output.contains("0 to 59"), "\(text)")
    let json = try await run("stats", ["--json"])
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any], "\(json)")
    #expect(report["documents"] as? Int == 300)
    #expect(
      Set(report.keys) == [
        "path", "documents", "lsn", "pages", "bytes_on_disk", "checkpoint_bytes", "checkpoint_lsn", "indexes", "tags",
        "computed",
      ])
    let indexes = try #require(report["indexes"] as? [[String: Any]])
    #expect(
      indexes.map { "\($0["kind"] ?? "") \($0["name"] ?? "") \($0["entries"] ?? "")" }.sorted() == [
        "range age 300", "range score 300", "tag captain 300", "tag club 300", "unique email 300",
      ])
  }

  @Test func verifyIsQuietAboutASoundStore() async throws {
    let text = try await run("verify", [])
    #expect(text.code == 0 && text.output.contains("sound") && text.errors.isEmpty, "\(text)")
    let json = try await run("verify", ["--json"])
    let report = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(report["sound"] as? Bool == true && report["last_lsn"] as? Int == 300)
    #expect(report["documents"] as? Int == 300 && (report["problems"] as? [Any])?.isEmpty == true, "\(json)")
    #expect(report["checkpoint_lsn"] is NSNull, "\(json)")
  }
}
