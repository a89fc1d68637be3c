import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Documents on their way out") struct ExportTests {
  private let directory = URL(filePath: NSTemporaryDirectory()).appending(path: "export-\(UUID().uuidString)")
  private let evil = "\u{1b}]52;c;ZXZpbA==\u{7}\u{9b}2J\u{202e}\"a,b\"\nnew\tline"

  private func export(_ records: [Record], _ name: String, limit: Int? = nil) throws -> (JobReport, String?) {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let store = try Store<Value, Record>(.memory)
    for (number, record) in records.enumerated() { try store.put(record, for: .int(Int64(number))) }
    let path = directory.appending(path: name).path
    let format = try #require(DocumentFormat(path: name))
    let request = ExportRequest(selection: .query(Query(), limit: limit), path: path, format: format)
    let report = Working.run { try request.write(from: StoreSource(store, title: ""), $0) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [name])
    return (report, try? String(contentsOfFile: path, encoding: .utf8))
  }

  @Test func formatIsTheEndOfTheName() {
    #expect(DocumentFormat(path: "a/b.JSON") == .json)
    #expect(DocumentFormat(path: "b.ndjson") == .ndjson && DocumentFormat(path: "b.jsonl") == .ndjson)
    #expect(DocumentFormat(path: "b.csv") == .csv)
    #expect(DocumentFormat(path: "csv") == nil && DocumentFormat(path: "b.txt") == nil)
  }

  @Test func everyDocumentIsInEachForm() throws {
    let records = (0..<2_500).map { number -> Record in
      ["n": .int(Int64(number)), "text": .string("\(number) \(evil)")]
    }
    let (done, lines) = try export(records, "all.ndjson")
    #expect(done.progress == .init(documents: 2_500, total: 2_500))
    guard case .done(let result) = done.outcome, result.hasPrefix("2,500 documents in /") else {
      Issue.record("\(done)")
      return
    }
    let texts = try #require(lines).split(separator: "\n")
    var numbers: Set<Int> = []
    for text in texts {
      let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      let document = try #require(object["document"] as? [String: Any])
      let number = try #require(document["n"] as? Int)
      #expect(document["text"] as? String == "\(number) \(evil)")
      #expect(numbers.insert(number).inserted)
    }
    #expect(numbers.count == 2_500)
    let (_, array) = try export(records, "all.json")
    let objects = try JSONSerialization.jsonObject(with: Data(try #require(array).utf8)) as? [[String: Any]]
    #expect(objects?.count == 2_500)
    let (_, table) = try export(records, "all.csv")
    #expect(try #require(table).hasPrefix("key:int,n:int,text:json\r\n"))
  }

  @Test(arguments: DocumentFormat.allCases) func nothingInAFileDrivesATerminal(_ format: DocumentFormat) throws {
    let record: Record = ["field\u{1b}[31m": .string(evil), "list": ["\u{9b}", "\u{7f}"]]
    let (_, text) = try export([record], "evil.\(format.rawValue)")
    for scalar in try #require(text).unicodeScalars where scalar.properties.generalCategory == .control {
      #expect(["\n", "\r", "\t"].contains(scalar), "\(scalar.value)")
    }
    #expect(!(try #require(text).unicodeScalars.contains("\u{202e}")))
  }

  @Test func tableHasTheFieldsOfAllDocuments() throws {
    let (_, text) = try export([["a": 1], ["b": .string("x\"y")], ["a": .null, "c": [1, 2]]], "t.csv")
    let lines = Set(try #require(text).split(separator: "\r\n").map(String.init))
    let header = Set(["key:int", "a:json", "b:string", "c:json"])
    #expect(lines.contains { $0.hasPrefix("key:int,") && Set($0.split(separator: ",").map(String.init)) == header })
    #expect(lines.contains { $0.contains("\"x\"\"y\"") } && lines.contains { $0.contains("\"[1,2]\"") })
  }

  /// In the form that `darkbird import` takes back.
  @Test func kindsThatJSONHasNotAreKept() throws {
    let (_, text) = try export([["d": .date(Date(timeIntervalSince1970: 0)), "b": .bytes([1])]], "kinds.ndjson")
    #expect(
      text == "{\"key\":0,\"document\":{\"d\":{\"$date\":\"1970-01-01T00:00:00Z\"},\"b\":{\"$bytes\":\"AQ==\"}}}\n")
  }

  @Test func nothingIsAnEmptyFile() throws {
    #expect(try export([], "none.json").1 == "[]\n")
    #expect(try export([], "none.ndjson").1 == "")
  }

  @Test func limitHolds() throws {
    let (done, text) = try export((0..<50).map { ["n": .int($0)] }, "some.ndjson", limit: 7)
    #expect(done.progress == .init(documents: 7, total: 7))
    #expect(text?.split(separator: "\n").count == 7)
  }

  @Test func existingFileIsLeftAsItIs() throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let path = directory.appending(path: "mine.json")
    try Data("mine".utf8).write(to: path)
    let request = ExportRequest(selection: .query(Query(), limit: nil), path: path.path, format: .json)
    let report = Working.run { try request.write(from: ScriptedStore(count: 3), $0) }
    #expect(report.outcome == .failed("\(path.path): exists already, and is left as it is"))
    #expect(try String(contentsOf: path, encoding: .utf8) == "mine")
    try FileManager.default.removeItem(at: directory)
  }

  @Test func cancelledOrFailedExportLeavesNothing() throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let path = directory.appending(path: "half.ndjson").path
    var request = ExportRequest(selection: .query(Query(), limit: nil), path: path, format: .ndjson)
    let cancelled = Working.run { [request] _ in
      try request.write(from: ScriptedStore(count: 100_000)) { $0.documents < 50_000 }
    }
    #expect(cancelled.outcome == .cancelled("there is no \(path)"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    request.path = directory.path + "/nowhere/x.ndjson"
    let failed = Working.run { [request] in try request.write(from: ScriptedStore(count: 100_000), $0) }
    #expect(failed.outcome == .failed("\(request.path): open: No such file or directory"))
    try FileManager.default.removeItem(at: directory)
  }

  @Test func wordsOfAShellAreQuoted() {
    #expect(ExportText.shell("age") == "age")
    #expect(ExportText.shell("") == "''")
    #expect(ExportText.shell("range age 20..35") == "'range age 20..35'")
    #expect(ExportText.shell("it's $(rm)") == "'it'\\''s $(rm)'")
    #expect(ExportText.shell("a\u{1b}'\\\u{9b}") == "$'a\\x1b\\'\\\\\\xc2\\x9b'")
    #expect(ExportText.shell("-x~") == "'-x~'")
  }

  // MARK: The model

  private let store = ScriptedStore()

  @Test func exportAsksForAFileAndShowsProgress() throws {
    var model = Browsing.query()
    _ = model.update(.key(.character("e")))
    #expect(model.keyContext == .prompt)
    _ = model.update(.key(.control("u")))
    for character in "hit.txt" { _ = model.update(.key(.character(character))) }
    #expect(model.update(.key(.enter)).isEmpty)
    #expect(model.browse.notice?.contains(".ndjson") == true)
    for _ in 0..<3 { _ = model.update(.key(.backspace)) }
    for character in "csv" { _ = model.update(.key(.character(character))) }
    let selection = try #require(model.browse.results).selection
    let request = ExportRequest(selection: selection, path: "hit.csv", format: .csv)
    #expect(model.update(.key(.enter)) == [.checkExport(request)])
    #expect(model.update(.exportTarget(request, .nothing)) == [.export(id: 1, request)])
    _ = model.update(.job(id: 1, JobReport(progress: .init(documents: 600_000, total: 1_200_000), seconds: 2)))
    let line = Renderer.render(model, colors: .none).lines[2]
    #expect(line.contains("export hit.csv") && line.contains("50%") && line.contains("600.0k of 1.2M"))
    // What quitting would stop is said once.
    #expect(model.update(.key(.character("q"))).isEmpty)
    #expect(model.browse.notice == "export is going on: once more stops it and quits")
    #expect(model.update(.key(.down)).isEmpty && model.update(.key(.character("q"))).isEmpty)
    #expect(model.update(.key(.character("q"))) == [.quit])
    #expect(model.update(.key(.character("e"))) == [.cancelJob(1)])
    _ = model.update(.job(id: 1, JobReport(outcome: .done("1,200,000 documents in hit.csv"))))
    #expect(model.browse.notice == "export: 1,200,000 documents in hit.csv" && model.browse.exportJob == nil)
  }

  @Test func whatIsTypedTakesThePlaceOfTheSuggestedName() throws {
    var model = Browsing.query()
    _ = model.update(.key(.character("e")))
    #expect(model.browse.prompt?.fileName.hasSuffix(".ndjson") == true)
    for character in "u2.csv" { _ = model.update(.key(.character(character))) }
    #expect(model.browse.prompt?.fileName == "u2.csv")
    guard case .checkExport(let request)? = model.update(.key(.enter)).first else { throw ChangeRefused.gone }
    _ = model.update(.exportTarget(request, .nothing))
    _ = model.update(.job(id: 1, JobReport(outcome: .done("done"))))
    // The form that was wanted last is the next suggestion, and an arrow keeps it.
    _ = model.update(.key(.character("e")))
    let suggestion = try #require(model.browse.prompt?.fileName)
    #expect(suggestion.hasSuffix(".csv"))
    for key in [Key.end, .character("x")] { _ = model.update(.key(key)) }
    #expect(model.browse.prompt?.fileName == suggestion + "x")
    for key in [Key.escape, .character("e"), .backspace] { _ = model.update(.key(key)) }
    #expect(model.browse.prompt?.fileName == "")
  }

  @Test func chosenColumnsAreThoseOfTheTable() throws {
    var model = Browsing.query()
    model.browse.columns = [.field("name"): true, .field("age"): true, .field("email"): false, .shard: true]
    var request = try named("hit.csv", &model)
    #expect(request.fields == ["age", "name"])
    #expect(Renderer.render(model, colors: .none).lines[2].contains("2 columns of 9, header with types"))
    _ = model.update(.key(.escape))
    #expect(
      model.update(.key(.character("Y"))).contains { effect in
        if case .copy(let text) = effect { text.hasSuffix("--fields=age,name") } else { false }
      })
    request = try named("hit.json", &model)
    #expect(request.fields.isEmpty)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    request = ExportRequest(
      selection: request.selection, path: directory.appending(path: "two.csv").path, format: .csv,
      fields: ["name", "age"])
    let report = Working.run { [request] in try request.write(from: ScriptedStore(count: 2), $0) }
    #expect(report.progress.documents == 2)
    let text = try String(contentsOfFile: request.path, encoding: .utf8)
    #expect(
      text
        == "key:json,name:string,age:int\r\nu:0,Ada Østby,20\r\nu:1,Linus Brandt,27\r\n".replacing(
          "key:json", with: "key:string"))
  }

  /// The line with a name, and what is looked for when Enter is pressed.
  private func named(_ name: String, _ model: inout Model) throws -> ExportRequest {
    for key in [Key.character("e"), .control("u")] { _ = model.update(.key(key)) }
    for character in name { _ = model.update(.key(.character(character))) }
    guard case .checkExport(let request)? = model.update(.key(.enter)).first else { throw ChangeRefused.gone }
    return request
  }

  @Test func anExportAsksBeforeItReplacesAFileAndNamesIt() throws {
    var model = Browsing.query()
    var request = try named("hit.csv", &model)
    #expect(model.update(.exportTarget(request, .file)).isEmpty && model.keyContext == .question)
    #expect(Renderer.render(model, colors: .none).lines[2].contains("overwrite hit.csv, which is there already?"))
    // Other keys are no answer; Enter is no, and leaves the line with its text for another name.
    for key in [Key.character("x"), .character("e"), .character("q")] { #expect(model.update(.key(key)).isEmpty) }
    #expect(model.update(.key(.enter)).isEmpty && model.keyContext == .prompt && model.jobs.runs.isEmpty)
    let line = Renderer.render(model, colors: .none).lines[2]
    #expect(line.contains("export to hit.csv") && line.contains("hit.csv stays as it is"), "\(line)")
    #expect(model.update(.key(.enter)) == [.checkExport(request)])
    _ = model.update(.exportTarget(request, .file))
    request.replaces = true
    #expect(model.update(.key(.character("y"))) == [.export(id: 1, request)])
    #expect(model.keyContext == .browse && model.jobs.run(1)?.title == "export hit.csv")
  }

  @Test func aNameThatIsNoFilesIsRefusedAndTheLineStays() throws {
    var model = Browsing.query()
    _ = model.update(.resize(width: 40, height: 10))
    let request = try named("hit.csv", &model)
    #expect(model.update(.exportTarget(request, .other)).isEmpty && model.keyContext == .prompt)
    func screen() -> String { Renderer.render(model, colors: .none).lines.joined() }
    #expect(screen().contains("hit.csv is there already"))
    _ = model.update(.key(.right))
    #expect(screen().contains("export to hit.csv"))
    // An answer about a name that stands there no more is none about the one that does.
    _ = model.update(.key(.backspace))
    #expect(model.update(.exportTarget(request, .nothing)).isEmpty && model.keyContext == .prompt)
    _ = model.update(.key(.escape))
    #expect(model.update(.exportTarget(request, .nothing)).isEmpty && model.keyContext == .browse)
  }

  @Test func whatHasANameIsSeen() throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.path
    try Data("mine".utf8).write(to: directory.appending(path: "mine.csv"))
    try FileManager.default.createSymbolicLink(atPath: path + "/link.csv", withDestinationPath: "nowhere")
    #expect(ExportTarget(path + "/none.csv") == .nothing && ExportTarget(path + "/mine.csv") == .file)
    #expect(ExportTarget(path) == .other && ExportTarget(path + "/link.csv") == .other)
  }

  /// The file that is there stays until the new one is whole.
  @Test func aFileIsReplacedAtOnceOrNotAtAll() throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appending(path: "mine.ndjson").path
    func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
    try Data("mine".utf8).write(to: URL(filePath: path))
    var request = ExportRequest(selection: .query(Query(), limit: nil), path: path, format: .ndjson)
    request.replaces = true
    let cancelled = Working.run { [request] _ in
      try request.write(from: ScriptedStore(count: 100_000)) { $0.documents < 50_000 }
    }
    #expect(try cancelled.outcome == .cancelled("there is no new \(path)") && text() == "mine")
    let done = Working.run { [request] in try request.write(from: ScriptedStore(count: 3), $0) }
    #expect(done.outcome == .done("3 documents in \(path)"))
    #expect(try text().split(separator: "\n").count == 3)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["mine.ndjson"])
  }

  @Test func copiesTheDocumentAndTheCommand() {
    var model = Browsing.query()
    let effects = model.update(.key(.character("y")))
    guard case .copy(let text)? = effects.first else {
      Issue.record("\(effects)")
      return
    }
    #expect(text.hasPrefix("{\"key\":\"u:4\",\"document\":{\"name\":"))
    #expect(
      model.update(.key(.character("Y"))) == [
        .copy("darkbird query players '--where=range age 20..35 tag:club=Ajax sort:age desc'")
      ])
  }

  /// A command that only would fail is worse than none.
  @Test func theCopiedCommandSaysWhenItWorks() {
    func notice(_ key: Character, _ change: (inout SourceIdentity) -> Void = { _ in }) -> String? {
      var identity = Script().identity
      change(&identity)
      var model = Model(identity: identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
      store.answer(model.update(.key(.character("b"))), in: &model)
      for case .copy in model.update(.key(.character(key))) { _ = model.update(.notice("31 B copied")) }
      return model.browse.notice
    }
    #expect(notice("Y") == "31 B copied; works after this program")
    #expect(notice("Y") { $0.isReadOnly = true } == "31 B copied")
    #expect(notice("y") == "31 B copied", "a document is one anywhere")
    #expect(
      notice("Y") { $0.location = SourceIdentity.temporary }
        == "a temporary store ends with its program: no command can ask it")
    #expect(notice("Y") { $0.directory = nil } == "a store in memory ends with its program: no command can ask it")
  }

  @Test func removalAsksAndNamesTheKey() {
    var model = Browsing.query()
    #expect(model.update(.key(.character("D"))).isEmpty)
    #expect(model.keyContext == .question)
    #expect(Renderer.render(model, colors: .none).lines[2].contains("remove u:4 from the store?"))
    // Other keys are no answer.
    for key in [Key.character("x"), .down, .character("D"), .character("q")] {
      #expect(model.update(.key(key)).isEmpty)
    }
    #expect(model.keyContext == .question)
    _ = model.update(.key(.enter))
    #expect(model.browse.question == nil && model.browse.notice == "u:4 stays")
    _ = model.update(.key(.character("D")))
    let effects = model.update(.key(.character("y")))
    #expect(effects == [.ask(.remove(RowKey(text: "u:4")))])
    store.answer(effects, in: &model)
    #expect(model.browse.notice == "u:4 is removed")
    #expect(model.browse.results?.fates[RowKey(text: "u:4")] == .removed)
  }

  /// Unless somebody wants it, documents are only looked at.
  @Test func documentsAreNotChangedUnlessThatIsAllowed() {
    var identity = Script().identity
    (identity.allowsChanges, identity.isReadOnly) = (false, true)
    var model = Model(identity: identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    store.answer(model.update(.key(.character("b"))), in: &model)
    #expect(model.update(.key(.character("D"))).isEmpty)
    #expect(model.keyContext == .browse && model.browse.notice?.contains("--read-write") == true)
  }
}
