import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Documents that are typed") struct EditTests {
  private let record: Record = [
    "name": "Ada", "joined": .date(Date(timeIntervalSince1970: 1_700_000_000.123456)), "photo": .bytes([1, 2, 255]),
    "score": 3.0, "odd": .double(.nan), "tags": ["a", "\u{1b}[2J\u{202e}\""],
    "address": ["city": "Oslo", "moved": .date(Script.start)], "visits": [["at": .date(Script.start), "minutes": 3.5]],
  ]

  private func row(_ record: Record) -> ResultRow {
    ResultRow(key: RowKey(text: "k"), shard: 0, lsn: 1, record: record, bytes: 10)
  }

  private func change(_ record: Record, _ edit: (String) -> String) throws -> DocumentChange? {
    var draft = Draft(replacing: row(record))
    draft.text = edit(draft.text)
    return try draft.change()
  }

  @Test func textIsOneFieldALineAndHarmless() {
    let text = Draft(replacing: row(["a": 1, "b": ["c": [1, 2]], "d": [["e": nil]], "f\u{9b}": [], "g": [:]])).text
    #expect(
      text == """
        {
          "a": 1,
          "b": {
            "c": [1, 2]
          },
          "d": [
            {
              "e": null
            }
          ],
          "f\\u009b": [],
          "g": {}
        }

        """)
    let evil = Draft(replacing: row(record)).text
    #expect(!evil.unicodeScalars.contains { $0 == "\u{1b}" || $0 == "\u{202e}" })
  }

  @Test func whatIsNotTouchedIsNotChanged() throws { #expect(try change(record) { $0 } == nil) }

  /// A date stays a date, bytes stay bytes, a number with a fraction stays one, and all the rest is exactly as it was.
  @Test func valuesKeepTheirKinds() throws {
    let edited = try change(record) { text in
      text.replacing("\"Ada\"", with: "\"Bea\"").replacing("3.0", with: "4").replacing("AQL/", with: "AQID")
        .replacing("2023-11-14T22:13:20Z\"\n", with: "2024-02-29\"\n").replacing("3.5", with: "4")
    }
    var expected = record
    expected["name"] = "Bea"
    expected["score"] = 4.0
    expected["photo"] = .bytes([1, 2, 3])
    let day = Value.date(Date(timeIntervalSince1970: 1_709_164_800))
    expected["address"] = ["city": "Oslo", "moved": day]
    expected["visits"] = [["at": .date(Script.start), "minutes": 4.0]]
    guard case .replace(let key, let was, let now)? = edited else {
      Issue.record("\(String(describing: edited))")
      return
    }
    #expect(key.text == "k" && DraftText.isSame(was, record))
    #expect(DraftText.isSame(now, expected), "\(now)")
  }

  @Test(arguments: [
    ("{\n  \"a\": 1,\n  \"é\": x\n}", "line 3, column 8: 'x' where a value should be"),
    ("{\"a\": 1", "line 1, column 8: the text ends where ',' or '}' should be"),
    ("{\"a\": 1,\n \"a\": 2}", "line 2, column 2: field 'a' appears twice"),
    ("", "line 1, column 1: the text ends where a value should be"),
    ("[1]", "not an object, such as {\"name\": \"Ada\"}"),
  ]) func mistakesAreNamedWithTheirPlace(_ text: String, _ message: String) {
    do {
      _ = try change(record) { _ in text }
      Issue.record("no error")
    } catch {
      #expect((error as? DraftError)?.description == message)
    }
  }

  @Test func newDocumentNeedsAKey() throws {
    var draft = Draft(insertAfter: record)
    #expect(throws: DraftError("the key is still null: give the document one")) { try draft.change() }
    draft.text = draft.text.replacing("null,\n  \"document\"", with: "7,\n  \"document\"")
    guard case .insert(.int(7), let document)? = try draft.change() else {
      Issue.record("\(draft.text)")
      return
    }
    #expect(document["joined"] == record["joined"] && document["photo"] == record["photo"])
    for text in ["{}", "{\"key\": 1}", "{\"key\": 1, \"document\": 3}", "{\"key\": 1, \"document\": {}, \"x\": 1}"] {
      draft.text = text
      #expect(throws: DraftError.self) { try draft.change() }
    }
  }

  // MARK: The store

  private struct Opened {
    let store: Store<Value, Record>
    let source: StoreSource<Value, Record>

    init() throws {
      store = try Store(.memory, schema: IndexSchema(FieldSchema(unique: ["mail"])))
      source = StoreSource(store, title: "", allowsChanges: true)
      for name in ["ada", "bea"] { try store.put(["mail": .string(name)], for: .string(name)) }
    }

    func row(_ key: String) throws -> ResultRow {
      let page = try source.page(.key(key), limit: 1, after: nil)
      return try #require(page.rows.first)
    }
  }

  @Test func storeTakesWhatIsTypedOrSaysWhyNot() throws {
    let it = try Opened()
    let key = try it.source.write(.insert(key: 5, ["mail": "cy"]))
    #expect(key.text == "5" && it.store[5] == ["mail": "cy"])
    let ada = try it.row("ada")
    #expect(try it.source.write(.replace(ada.key, was: ada.record, ["mail": "ada", "age": 3])) == ada.key)
    #expect(it.store["ada"]?["age"] == 3)
    #expect(throws: StoreError.keyExists(key: "5")) { try it.source.write(.insert(key: 5, [:])) }
    #expect(throws: StoreError.duplicate(index: "mail", value: "bea", owner: "bea")) {
      try it.source.write(.insert(key: 6, ["mail": "bea"]))
    }
    // As it was before is not as it is now.
    #expect(throws: ChangeRefused.changedMeanwhile) {
      try it.source.write(.replace(ada.key, was: ada.record, ["mail": "x"]))
    }
    #expect(it.store["ada"] == ["mail": "ada", "age": 3] && it.store[6] == nil)
    try it.store.remove("ada")
    #expect(throws: ChangeRefused.gone) { try it.source.write(.replace(ada.key, was: ada.record, [:])) }
    #expect(it.store["ada"] == nil)
  }

  private struct Member: Document, Codable, Equatable {
    var mail: String
    var age: Int?
  }

  /// A program's own type: what it does not know it would lose, so it is refused.
  @Test func typedStoreKeepsItsType() throws {
    let store = try Store<String, Member>(.memory)
    let source = StoreSource(store, title: "", allowsChanges: true)
    _ = try source.write(.insert(key: "a", ["mail": "x", "age": 4]))
    #expect(store["a"] == Member(mail: "x", age: 4))
    #expect(throws: ChangeRefused.unknownField("email")) {
      try source.write(.insert(key: "b", ["mail": "x", "email": "y"]))
    }
    #expect(throws: CBORError.self) { try source.write(.insert(key: "b", ["age": 4])) }
    #expect(throws: CBORError.self) { try source.write(.insert(key: 5, ["mail": "x"])) }
    #expect(store["b"] == nil)
  }

  // MARK: The model

  private let scripted = ScriptedStore()

  /// Presses a key, and gives what the editor is to edit.
  private func edit(_ key: Character, _ model: inout Model) throws -> EditOrder {
    var effects = model.update(.key(.character(key)))
    for case .ask(let request) in effects {
      let reply = try #require(BrowseAnswers.answer(request, from: scripted))
      effects = model.update(.reply(reply))
    }
    guard case .edit(let order)? = effects.first else {
      Issue.record("\(effects)")
      throw CancellationError()
    }
    return order
  }

  private func line(_ model: Model, _ y: Int = 2) -> String { Renderer.render(model, colors: .none).lines[y] }

  @Test func changeAsksAndNamesTheKey() throws {
    var model = Browsing.query()
    let order = try edit("E", &model)
    #expect(order.path == nil && order.text.contains("\"club\": "))
    let text = order.text.replacing("\"age\": ", with: "\"age\": 1")
    #expect(model.update(.edited(path: "/d.json", .typed(text))) == [.takeTerminalBack])
    #expect(line(model).contains("change u:4: age?"))
    let effects = model.update(.key(.character("y")))
    guard case .ask(.write(.replace(let key, _, _)))? = effects.first else {
      Issue.record("\(effects)")
      return
    }
    let reply = try #require(BrowseAnswers.answer(.write(.replace(key, was: [:], [:])), from: scripted))
    #expect(model.update(.reply(reply)) == [.discardDraft("/d.json"), .ask(.document(key))])
    #expect(model.browse.notice == "u:4 is changed" && model.browse.draft == nil)
  }

  @Test func nothingThatWasTypedIsLost() throws {
    var model = Browsing.query()
    _ = try edit("E", &model)
    // A mistake, then a no, then an editor that fails, then a store that refuses: each time it goes on with the same text.
    #expect(model.update(.edited(path: "/d.json", .typed("{ wrong"))) == [.takeTerminalBack])
    #expect(line(model).contains("line 1, column 3: 'w' where a field's name in quotes should be; E: again"))
    #expect(try edit("E", &model) == EditOrder(text: "{ wrong", path: "/d.json"))
    _ = model.update(.edited(path: "/d.json", .typed("{\"a\": 1}")))
    _ = model.update(.key(.escape))
    #expect(model.browse.notice == "u:4 stays as it is; E: again")
    #expect(try edit("E", &model).text == "{\"a\": 1}")
    _ = model.update(.edited(path: "/d.json", .failed("the editor has ended with code 1", text: "{\"a\": 2}")))
    #expect(line(model).contains("the editor has ended with code 1; E: again"))
    #expect(try edit("E", &model).text == "{\"a\": 2}")
    _ = model.update(.edited(path: "/d.json", .typed("{\"a\": 2}")))
    let effects = model.update(.key(.character("y")))
    guard case .ask(let request)? = effects.first else {
      Issue.record("\(effects)")
      return
    }
    _ = model.update(.reply(.failed(request, ChangeRefused.changedMeanwhile.description)))
    #expect(line(model).contains("not changed: somebody has changed it meanwhile; E: again"))
    #expect(try edit("E", &model) == EditOrder(text: "{\"a\": 2}", path: "/d.json"))
    // Another document begins anew, and the first one waits.
    _ = model.update(.edited(path: "/d.json", .failed("x", text: nil)))
    _ = model.update(.key(.down))
    #expect(try edit("E", &model).path == nil)
    _ = model.update(.editing(path: "/e.json"))
    #expect(model.browse.draft?.path == "/e.json" && model.browse.draftsAside.map(\.path) == ["/d.json"])
    _ = model.update(.edited(path: "/e.json", .failed("x", text: "{\"b\": 1}")))
    #expect(try edit("I", &model).path == nil)
    _ = model.update(.edited(path: "/f.json", .failed("x", text: nil)))
    _ = model.update(.key(.up))
    #expect(try edit("E", &model) == EditOrder(text: "{\"a\": 2}", path: "/d.json"))
    #expect(model.browse.draftsAside.map(\.path) == ["/e.json", "/f.json"])
  }

  /// The keys may have come in one piece, or before the store has answered: the terminal is the editor's, and so is its file.
  @Test func oneEditorAtATime() throws {
    var model = Browsing.query()
    guard case .ask(let late)? = model.update(.key(.character("E"))).first else {
      Issue.record("nothing is asked for")
      return
    }
    _ = try edit("I", &model)
    _ = model.update(.editing(path: "/n.json"))
    for key in ["I", "E"] as [Character] { #expect(model.update(.key(.character(key))).isEmpty) }
    let reply = try #require(BrowseAnswers.answer(late, from: scripted))
    #expect(model.update(.reply(reply)).isEmpty)
    #expect(model.browse.draft?.purpose == .insert)
    _ = model.update(.edited(path: "/n.json", .typed("{\"key\": \"u:9\", \"document\": {}}")))
    #expect(line(model).contains("insert u:9"))
    _ = model.update(.key(.character("n")))
    #expect(try edit("E", &model).path == nil)
  }

  /// The store answers while another document is in the editor: what it has taken is let go, and nothing else.
  @Test func whatIsTakenIsLetGoWhileAnotherIsTyped() throws {
    var model = Browsing.query()
    let order = try edit("E", &model)
    _ = model.update(.editing(path: "/d.json"))
    _ = model.update(.edited(path: "/d.json", .typed(order.text.replacing("\"age\": ", with: "\"age\": 1"))))
    guard case .ask(let request)? = model.update(.key(.character("y"))).first else {
      Issue.record("nothing is written")
      return
    }
    _ = try edit("I", &model)
    _ = model.update(.editing(path: "/n.json"))
    let reply = try #require(BrowseAnswers.answer(request, from: scripted))
    #expect(model.update(.reply(reply)).first == .discardDraft("/d.json"))
    #expect(model.browse.draft?.path == "/n.json" && model.browse.draftsAside.isEmpty)
  }

  /// Not the row of the results that happens to be selected.
  @Test func theDocumentOnTheScreenIsTheOneThatIsRemoved() throws {
    var model = Browsing.query()
    let new = ResultRow(key: RowKey(text: "new"), shard: 0, lsn: 1, record: record, bytes: 10)
    model.browse.opened = OpenedDocument(key: new.key, state: .found(new))
    _ = model.update(.key(.character("D")))
    #expect(model.browse.question == .remove(new.key))
    _ = model.update(.key(.character("n")))
    model.browse.opened = nil
    _ = model.update(.key(.character("D")))
    #expect(line(model).contains("remove u:4 from the store?"))
    _ = model.update(.key(.character("n")))
    model.browse.results?.rows = []
    _ = model.update(.key(.character("D")))
    #expect(model.browse.question == nil && model.browse.notice == "there is no document here")
  }

  @Test func questionsNameTheKeysThatAnswerThem() throws {
    var configuration = DashboardConfiguration()
    configuration.keyMap = KeyMap.standard.rebinding(["yes": [.character("Y")], "no": [.character("N")]])
    var model = Model(
      identity: Script().identity, configuration: configuration, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    scripted.answer(model.update(.key(.character("b"))), in: &model)
    _ = model.update(.key(.character("D")))
    #expect(line(model).hasSuffix("Y yes  N no "), "\(line(model))")
    _ = model.update(.key(.character("y")))
    #expect(model.browse.question != nil)
    _ = model.update(.key(.character("N")))
    #expect(model.browse.question == nil)
  }

  @Test func untouchedTextIsLetGo() throws {
    var model = Browsing.query()
    let order = try edit("E", &model)
    let effects = model.update(.edited(path: "/d.json", .typed(order.text)))
    #expect(effects == [.takeTerminalBack, .discardDraft("/d.json")])
    #expect(model.browse.notice == "nothing was changed" && model.browse.draft == nil)
  }

  @Test func newDocumentIsShown() throws {
    var model = Browsing.query()
    let order = try edit("I", &model)
    _ = model.update(.edited(path: "/n.json", .typed(order.text.replacing("\"key\": null", with: "\"key\": \"u:9\""))))
    #expect(line(model).contains("insert u:9 with 9 fields?"))
    let effects = model.update(.key(.character("y")))
    #expect(effects.count == 1)
    scripted.answer(effects, in: &model)
    #expect(model.browse.notice == "u:9 is inserted")
    #expect(model.browse.opened?.key.text == "u:9" && model.browse.focus == .document)
  }

  @Test func lineOfJSONIsTypedUntilItIsRight() throws {
    var model = Browsing.query()
    func type(_ text: String) { for character in text { _ = model.update(.key(.character(character))) } }
    type("i")
    #expect(model.keyContext == .prompt)
    type("\"u:9\",\"document\":{")
    _ = model.update(.key(.enter))
    #expect(model.browse.notice == "column 26: the text ends where a field's name in quotes should be")
    // As text that is pasted with its line ends.
    type("\"age\":3}}")
    _ = model.update(.key(.enter))
    #expect(line(model).contains("insert u:9 with 1 field?"))
    _ = model.update(.key(.character("n")))
    #expect(model.browse.prompt?.editor.text == "{\"key\":\"u:9\",\"document\":{\"age\":3}}")
    _ = model.update(.key(.enter))
    let effects = model.update(.key(.character("y")))
    #expect(effects == [.ask(.write(.insert(key: "u:9", ["age": 3])))])
    guard case .ask(let request)? = effects.first else { return }
    // Another one waits, so that the line of this one is not lost if it fails.
    type("i")
    #expect(model.browse.prompt == nil)
    #expect(model.browse.notice == "the store has not taken the document before yet")
    _ = model.update(.reply(.failed(request, "email x is taken by document u:5")))
    #expect(model.browse.notice == "not inserted: email x is taken by document u:5")
    #expect(model.browse.prompt?.editor.text == "{\"key\":\"u:9\",\"document\":{\"age\":3}}")
  }

  @Test(arguments: ["E", "I", "i", "D"] as [Character]) func lookingOnlyChangesNothing(_ key: Character) {
    var identity = Script().identity
    (identity.allowsChanges, identity.isReadOnly) = (false, true)
    var model = Model(identity: identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    scripted.answer(model.update(.key(.character("b"))), in: &model)
    #expect(model.update(.key(.character(key))).isEmpty)
    #expect(model.keyContext == .browse)
    #expect(model.browse.notice == "needs 'darkbird open --read-write'")
  }

  /// What would help where there is no such command line.
  @Test(arguments: [
    (true, false, "only the load changes these documents"), (false, false, "the program has not set allowsChanges"),
    (false, true, "only the tour changes these documents"),
  ])
  func whoMayChangeDocumentsIsSaid(_ hasWorkload: Bool, _ isTour: Bool, _ text: String) {
    let script = Script(hasWorkload: hasWorkload)
    var identity = script.identity
    identity.allowsChanges = false
    var model = Model(
      identity: identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt,
      tour: isTour ? TourState(at: .memory) : nil)
    for sample in script.samples(2) { _ = model.update(.sample(sample, [])) }
    scripted.answer(model.update(.key(.character("b"))), in: &model)
    #expect(model.update(.key(.character("D"))).isEmpty)
    #expect(model.browse.notice == text)
  }

  @Test func evilKeysAreHarmlessInQuestions() throws {
    let evil = "\u{1b}]52;c;ZXZpbA==\u{7}\u{9b}2J\u{202e}\nx"
    var model = Browsing.query()
    for question: Question in [
      .remove(RowKey(text: evil)), .write(.insert(key: .string(evil), [evil: 1])),
      .write(.replace(RowKey(text: evil), was: [:], [evil: 1])),
    ] {
      model.browse.question = question
      for (width, height) in [(40, 10), (80, 24), (120, 40)] {
        _ = model.update(.resize(width: width, height: height))
        let canvas = Renderer.render(model, colors: .full)
        #expect(canvas.isConsistent)
        let text = canvas.lines.joined()
        #expect(
          !text.unicodeScalars.contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) || $0 == "\u{202e}" })
        #expect(canvas.lines.contains { $0.contains("y yes  n no") })
      }
    }
  }
}
