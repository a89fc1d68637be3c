import DarkBird
import Foundation
import Testing

@testable import DarkBirdCLI

/// Documents that leave a store and come back are the same, whatever is in them.
@Suite(.timeLimit(.minutes(30))) struct TransferTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func read(_ format: DocumentFormat, _ text: String) throws -> [(Value, Record)] {
    let lines = try LineReader(path: directory.file("file", text))
    var reader: any RecordReader =
      switch format {
      case .ndjson: JSONLinesReader(lines, isTyped: true)
      case .json: JSONArrayReader(lines, isTyped: true)
      case .csv: try CSVReader(lines, isTyped: true)
      }
    var documents: [(Value, Record)] = []
    while let next = try reader.next() { documents.append((try #require(next.key), try next.content.get())) }
    return documents
  }

  @Test(arguments: DocumentFormat.allCases) func everyValueComesBack(_ format: DocumentFormat) throws {
    for seed in 0..<(ProcessInfo.processInfo.environment["DARKBIRD_TRANSFER_SEEDS"].flatMap(Int.init) ?? 60) {
      var random = RandomDocuments(seed: UInt64(seed))
      let isTable = random.below(2) == 0
      let documents = (0..<random.below(40)).map { _ in
        (random.value(), isTable ? random.row() : random.record())
      }
      var columns = CSVColumns()
      for (key, document) in documents { columns.look(at: key, document) }
      var text = ""
      var writer = DocumentWriter(format, columns: columns.columns()) { text += $0 }
      try writer.begin()
      for (key, document) in documents { try writer.write(key: key, document) }
      try writer.finish()
      for scalar in text.unicodeScalars where scalar.properties.generalCategory == .control {
        #expect(["\n", "\r", "\t"].contains(scalar), "seed \(seed): \(scalar.value)")
      }
      let found = try read(format, text)
      try #require(found.count == documents.count, "seed \(seed)")
      for (found, expected) in zip(found, documents) {
        // A table has one order of its fields.
        let order = columns.columns().map(\.name)
        let document =
          format == .csv
          ? Record(order.dropFirst().compactMap { name in expected.1[name].map { (name, $0) } }) : expected.1
        #expect(try bytes(found.0) == bytes(expected.0), "seed \(seed): \(found.0), not \(expected.0)")
        #expect(try bytes(.map(found.1)) == bytes(.map(document)), "seed \(seed): \(found.1), not \(document)")
      }
    }
  }

  /// An export has its documents one level down, and dates another one.
  @Test(arguments: DocumentFormat.allCases) func deepestDocumentsComeBack(_ format: DocumentFormat) throws {
    var value = Value.date(Date(timeIntervalSince1970: 1_700_000_000.5))
    for _ in 0..<63 { value = .array([value]) }
    let document: Record = ["deep": value]
    var columns = CSVColumns()
    columns.look(at: .int(1), document)
    var text = ""
    var writer = DocumentWriter(format, columns: columns.columns()) { text += $0 }
    try writer.begin()
    try writer.write(key: .int(1), document)
    try writer.finish()
    #expect(try read(format, text).map(\.1) == [document])
  }

  @Test(arguments: ["ndjson", "json", "csv"]) func exportIsImportedAsAnEqualStore(_ format: String) async throws {
    let store = directory("store")
    var random = RandomDocuments(seed: 7)
    do {
      let made = try Store<Value, Record>(
        .disk(at: store), schema: IndexSchema(FieldSchema(unique: ["id"], tags: ["column 5"])))
      for id in 0..<300 {
        var row = random.row()
        row["id"] = .int(Int64(id))
        try made.put(row, for: id % 2 == 0 ? .int(Int64(id)) : .string("\(id)"))
      }
      try made.close()
    }
    let file = directory("out.\(format)")
    let exported = try await darkbird("export", store, file)
    #expect(exported.code == 0 && exported.output == "exported 300\n", "\(exported)")
    let again = directory("again")
    let imported = try await darkbird("import", again, file, "--unique", "id", "--tag", "column 5")
    #expect(imported.code == 0 && imported.output == "imported 300, rejected 0\n", "\(imported)")
    let (left, right) = (try Store<Value, Record>.open(store), try Store<Value, Record>.open(again))
    #expect(left.count == 300 && right.count == 300)
    for stored in try left.scan().documents {
      let found = try #require(right[stored.key], "\(stored.key)")
      func sorted(_ record: Record) -> Value {
        .map(Record(record.fields.sorted { $0.name < $1.name }.map { ($0.name, $0.value) }))
      }
      #expect(try bytes(sorted(found)) == bytes(sorted(stored.document)), "\(stored.key)")
      if format != "csv" { #expect(found.fields.map(\.name) == stored.document.fields.map(\.name)) }
    }
    // The same through a pipe.
    let program = try builtProgram("darkbird")
    let piped = try await shell(
      "set -o pipefail; '\(program)' export '\(store)' - --format \(format) | '\(program)' import '\(directory("piped"))' -"
    )
    #expect(piped.code == 0 && piped.output == "imported 300, rejected 0\n", "\(piped)")
    #expect(try await darkbird("export", store, file).code == 73)
    let part = try await darkbird("export", store, "-", "--unique", "id=7", "--format", "ndjson")
    #expect(part.lines.count == 1 && part.output.hasPrefix(#"{"key":"7","document":{"#), "\(part)")
  }

  @Test func noDocumentsAreAnExportToo() async throws {
    let program = try builtProgram("darkbird")
    #expect(try await darkbird("import", directory("s"), "-", "--key", "id", input: #"{"id":1}"#).code == 0)
    let piped = try await shell(
      "set -o pipefail; '\(program)' export '\(directory("s"))' - --key 2 | '\(program)' import '\(directory("e"))' -")
    #expect(piped.code == 0 && piped.output == "imported 0, rejected 0\n", "\(piped)")
    #expect(try await darkbird("query", directory("e"), "--count").output == "0\n")
  }

  @Test(arguments: ["", "\u{1}\u{7f}nonsense"]) func aStoreIntoWhichNothingCameIsNotMade(text: String) async throws {
    let file = try directory.file("in.json", text)
    try FileManager.default.createDirectory(atPath: directory("there"), withIntermediateDirectories: false)
    for (name, key) in [("new", []), ("there", []), ("new", ["--key", "id"])] {
      let outcome = try await Program(builtProgram("darkbird"), ["import", directory(name), file] + key).outcome()
      #expect(outcome.code == 65 && outcome.output == "imported 0, rejected 1\n", "\(outcome)")
    }
    #expect(Set(try FileManager.default.contentsOfDirectory(atPath: directory.path)) == ["in.json", "there"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory("there")) == [])
    // One that was there stays, although there is nothing in it.
    #expect(try await darkbird("import", directory("old"), "-", input: "").code == 0)
    #expect(try await darkbird("import", directory("old"), file).code == 65)
    #expect(try await darkbird("query", directory("old"), "--count").output == "0\n")
  }

  @Test func aStoreInTheMakingTakesOverOnlyItsOwn() throws {
    let (place, draft) = (directory("people"), directory("people.loading"))
    func refusal() -> String? {
      do { try StoreInTheMaking(place, FieldSchema()).cancel() } catch { return "\(error)" }
      return nil
    }
    // A directory, a file, a link and a store of somebody else.
    try FileManager.default.createDirectory(atPath: draft + "/precious", withIntermediateDirectories: true)
    try Data("years".utf8).write(to: URL(filePath: draft + "/precious/thesis.txt"))
    #expect(refusal()?.hasPrefix(draft + ": exists") == true)
    #expect(try String(contentsOfFile: draft + "/precious/thesis.txt", encoding: .utf8) == "years")
    try FileManager.default.moveItem(atPath: draft, toPath: directory("moved"))
    try FileManager.default.createSymbolicLink(atPath: draft, withDestinationPath: directory("moved"))
    #expect(refusal()?.hasPrefix(draft + ": exists") == true)
    try FileManager.default.removeItem(atPath: draft)
    try Data("years".utf8).write(to: URL(filePath: draft))
    #expect(refusal()?.hasPrefix(draft + ": exists") == true)
    #expect(try String(contentsOfFile: draft, encoding: .utf8) == "years")
    try FileManager.default.removeItem(atPath: draft)
    try RecordStore(.disk(at: draft)).close()
    #expect(refusal()?.hasPrefix(draft + ": exists") == true)
    #expect(try RecordStore.open(draft).count == 0)
    try FileManager.default.removeItem(atPath: draft)

    // One that another process works on, and what a killed one has left.
    let first = try StoreInTheMaking(place, FieldSchema())
    try first.store.put(["old": 1], for: 1)
    #expect(refusal()?.contains("in use by") == true)
    try FileManager.default.copyItem(atPath: draft, toPath: directory("killed"))
    first.cancel()
    #expect(!FileManager.default.fileExists(atPath: draft))
    try FileManager.default.moveItem(atPath: directory("killed"), toPath: draft)
    let second = try StoreInTheMaking(place, FieldSchema())
    #expect(second.store.count == 0)
    try second.store.put(["new": 1], for: 2)
    try second.finish()
    #expect(try RecordStore.open(place).count == 1)
    #expect(Set(try FileManager.default.contentsOfDirectory(atPath: directory.path)) == ["moved", "people"])
  }

  @Test func arraysAreReadElementByElement() async throws {
    let text =
      "\n[ {\"id\": 1, \"a\": [\"]\", {\"b\": \"\\\"}\"}]},\n {\"id\":2}\n ,3, {\"id\":4 \n,\"x\":}, {\"id\":5} ]\n"
    let outcome = try await darkbird("import", directory("s"), "-", "--key", "id", input: text)
    #expect(outcome.output == "imported 3, rejected 2\n", "\(outcome)")
    #expect(outcome.errors.contains("standard input:4: not an object"), "\(outcome)")
    #expect(outcome.errors.contains("standard input:5: column 6"), "\(outcome)")
    for (text, reason) in [
      ("[{\"id\":1}", "the file ends inside the array"), ("[{\"id\":1},]", "a value is missing"),
      ("[{\"id\":1}] 2", "text after the end of the array"), ("[{\"id\":1},,{\"id\":1}]", "a value is missing"),
    ] {
      let outcome = try await darkbird("import", directory("t"), "-", "--key", "id", "--format", "json", input: text)
      #expect(outcome.code == 65 && outcome.errors.contains(reason), "\(text): \(outcome)")
    }
    // The element before is whole.
    let rest = try await darkbird("import", directory("v"), "-", "--key", "id", input: "[{\"id\":1},{\"id\":2}] x")
    #expect(rest.output == "imported 2, rejected 1\n", "\(rest)")
    #expect(
      try await darkbird("import", directory("u"), "-", "--key", "id", input: "[]").output == "imported 0, rejected 0\n"
    )
  }

  @Test func faultsOfArraysAreToldByLineAndColumnOfTheFile() throws {
    for (text, line, column) in [
      ("[{\"id\":1},{\"id\":x}]", 1, 17), ("[\n  {\n    \"a\": 1,\n    \"b\": ?\n  }\n]\n", 4, 10),
      ("[1, {\"a\":\n\n  tru}]", 3, 3),
    ] {
      var reader = JSONArrayReader(try LineReader(path: directory.file("array", text)), isTyped: false)
      var errors: [String] = []
      while let record = try reader.next() {
        guard case .failure(let error) = record.content, let column = error.column else { continue }
        errors.append("\(record.line):\(column)")
      }
      #expect(errors == ["\(line):\(column)"], "\(text)")
    }
  }

  @Test func exportsHaveTextsOfAnyNumberOfLines() throws {
    let text = String(repeating: "ada,x\n", count: CSVReader.recordLinesMax + 1)
    var columns = CSVColumns()
    columns.look(at: 1, ["text": .string(text)])
    var csv = ""
    var writer = DocumentWriter(.csv, columns: columns.columns()) { csv += $0 }
    try writer.begin()
    try writer.write(key: 1, ["text": .string(text)])
    try writer.finish()
    let documents = try read(.csv, csv)
    #expect(documents.count == 1 && documents.first?.1["text"] == .string(text))
    // Of one that is cut off, lines of the text are no documents.
    let lines = try LineReader(path: directory.file("cut", String(csv.dropLast(10))))
    var reader = try CSVReader(lines, isTyped: true)
    let content = try #require(try reader.next()).content
    let error = BadInput(reason: "a quote is opened and never closed; nothing behind it is read")
    #expect(throws: error) { try content.get() }
    #expect(try reader.next() == nil)
  }

  @Test func indexesFollowFieldsThatBecomeOneOrLieDeeper() {
    let one = RecordChanges(renames: [("mail", "email")])
    #expect(one.apply(to: FieldSchema(tags: ["mail", "email"])) == FieldSchema(tags: ["email"]))
    let deeper = RecordChanges(renames: [("a", "a.b")])
    #expect(deeper.apply(to: FieldSchema(ranges: ["a", "a.c"])) == FieldSchema(ranges: ["a.b", "a.b.c"]))
  }

  @Test(arguments: [("1e999", false), ("-1e999", false), ("inf", true), ("nan", true), ("1e300", true)])
  func numbersThatAreTooLargeAreRefused(_ text: String, isNumber: Bool) {
    #expect((CSVColumn(name: "n", kind: .double).value(text) != nil) == isNumber)
  }

  @Test func typesOfColumnsCanBeSaid() async throws {
    let table = try directory.file("zip.csv", "code,n,when,note\n0150,1,86400,42\n9000,x,,\"\"\n")
    let outcome = try await darkbird(
      "import", directory("s"), table, "--key", "code", "--type", "code=string", "--type", "n=double", "--type",
      "when=date", "--type", "*=string")
    #expect(
      outcome.code == 65
        && outcome.errors == """
          \(table):3: column 'n': 'x' is no double
          darkbird: \(directory("s")): 1 of 2 documents of \(table) were rejected

          """,
      "\(outcome)")
    #expect(
      try await darkbird("query", directory("s"), "--json").output
        == #"{"key":"0150","document":{"code":"0150","n":1.0,"when":"1970-01-02T00:00:00Z","note":"42"}}"# + "\n")
    let wrong = try await darkbird("import", directory("t"), table, "--key", "code", "--type", "zip=int")
    #expect(wrong.code == 64 && wrong.errors.contains("no such column"), "\(wrong)")
    #expect(try await darkbird("import", directory("t"), table, "--key", "code", "--type", "code=zip").code == 64)
    let foreign = try await darkbird("import", directory("t"), table)
    #expect(foreign.code == 65 && foreign.errors.contains("--key names the key's field"), "\(foreign)")
    #expect(!FileManager.default.fileExists(atPath: directory("t")))
  }
}
