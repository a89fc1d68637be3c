import DarkBird
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("From the overview") struct ShardFromOverviewTests {
  @Test func enterInThePanelOfShardsBrowsesTheHottestOne() throws {
    var model = Script().model(100, width: 120, height: 40)
    #expect(model.update(.key(.enter)).isEmpty && model.view == .overview)
    #expect(model.browse.notice == "Enter in panel 3 browses the hottest shard")
    _ = model.update(.key(.character("3")))
    let effects = model.update(.key(.enter))
    let pages = effects.compactMap { effect -> Selection? in
      if case .ask(.page(_, let selection, _, _)) = effect { selection } else { nil }
    }
    #expect(pages == [.shard(17)] && model.view == .browse, "\(effects)")
  }
}

@Suite("Browse") struct BrowseModelTests {
  private let store = ScriptedStore()

  private func browsing() -> Model {
    var model = Script().model(20)
    store.answer(model.update(.key(.character("b"))), in: &model)
    return model
  }

  private func press(_ key: Key, _ model: inout Model) { store.answer(model.update(.key(key)), in: &model) }

  private func type(_ line: String, _ model: inout Model) {
    press(.character("/"), &model)
    press(.control("u"), &model)
    for character in line { press(.character(character), &model) }
    press(.enter, &model)
  }

  @Test func beginsWithAllDocuments() throws {
    let model = browsing()
    let results = try #require(model.browse.results)
    #expect(results.rows.count == Results.pageSize)
    #expect(results.count == store.count)
    #expect(model.browse.outline?.documents == store.count)
  }

  @Test func cursorWalksOverPages() throws {
    var model = browsing()
    for _ in 0..<Results.pageSize { press(.down, &model) }
    var results = try #require(model.browse.results)
    #expect(results.pageNumber == 1)
    #expect(results.selectedRow?.key.text == "u:200")
    press(.up, &model)
    results = try #require(model.browse.results)
    #expect(results.pageNumber == 0)
    #expect(results.selectedRow?.key.text == "u:199")
  }

  @Test func endAndHomeReachTheLastAndTheFirst() throws {
    let store = ScriptedStore(count: 20_117)
    func press(_ key: Key, _ model: inout Model) { store.answer(model.update(.key(key)), in: &model) }
    var model = Script().model(20)
    press(.character("b"), &model)
    press(.end, &model)
    var results = try #require(model.browse.results)
    #expect(results.selectedRow?.key.text == "u:\(store.count - 1)")
    #expect(results.isLastPage)
    #expect(results.offset + results.rows.count == store.count)
    press(.pageUp, &model)
    #expect(model.browse.results?.isLastPage == true)
    press(.home, &model)
    // The first Home goes to the first page.
    results = try #require(model.browse.results)
    #expect(results.pageNumber == 0)
    #expect(results.selectedRow?.key.text == "u:0")
  }

  @Test func pagesGoBothWaysFromTheEndWithoutGoingThroughAllOfThem() throws {
    let store = ScriptedStore(count: 20_117)
    var asked: [BrowseRequest] = []
    func press(_ key: Key, _ model: inout Model) throws -> (page: Int, key: String?) {
      let effects = model.update(.key(key))
      for case .ask(let request) in effects { asked.append(request) }
      store.answer(effects, in: &model)
      let results = try #require(model.browse.results)
      #expect(results.isLastPage == (results.pageNumber == 100))
      return (results.pageNumber, results.selectedRow?.key.text)
    }
    var model = Script().model(20)
    _ = try press(.character("b"), &model)
    #expect(try press(.end, &model) == (100, "u:20116"))
    for _ in 1..<117 { _ = try press(.up, &model) }
    #expect(try press(.up, &model) == (99, "u:19999"))
    for _ in 1..<200 { _ = try press(.up, &model) }
    #expect(try press(.up, &model) == (98, "u:19799"))
    #expect(try press(.down, &model) == (99, "u:19800"))
    for _ in 1..<200 { _ = try press(.down, &model) }
    #expect(try press(.down, &model) == (100, "u:20000"))
    #expect(try press(.home, &model) == (0, "u:0"))
    #expect(asked.count { if case .lastPage = $0 { true } else { false } } == 0)
    #expect(asked.count { if case .pageBefore = $0 { true } else { false } } == 5)
  }

  private func title(_ model: Model) throws -> String {
    try #require(Renderer.render(model, colors: .none).lines.first { $0.contains("2 Results") })
  }

  @Test func askingAgainComesBackToThePageAndTheDocument() throws {
    var model = browsing()
    for _ in 0..<Results.pageSize + 5 { press(.down, &model) }
    // Once more before the answer is there.
    _ = model.update(.key(.function(5)))
    press(.function(5), &model)
    let results = try #require(model.browse.results)
    #expect(results.pageNumber == 1 && results.selectedRow?.key.text == "u:205")
    #expect(try title(model).contains("  201-400 of 1,204,117"))
    for _ in 0..<6 { press(.up, &model) }
    #expect(model.browse.results?.selectedRow?.key.text == "u:199")
    for _ in 0..<Results.pageSize + 1 { press(.down, &model) }
    #expect(model.browse.results?.selectedRow?.key.text == "u:400")
  }

  /// What is before the page may have become less or more.
  @Test func afterWritesThePageThatWasComeBackToHasItsPlaceAboutThere() throws {
    var model = browsing()
    for _ in 0..<Results.pageSize + 5 { press(.down, &model) }
    _ = model.update(.sample(Script().samples(21)[20], []))
    press(.function(5), &model)
    #expect(model.browse.results?.selectedRow?.key.text == "u:205")
    #expect(try title(model).contains("  about 201-400 of 1,204,117"))
    press(.home, &model)
    #expect(try title(model).contains("  1-200 of 1,204,117"))
    press(.end, &model)
    #expect(model.browse.results?.isLastPage == true && model.browse.results?.isAbout == false)
  }

  @Test func aPageThatIsGoneGivesWayToTheFirst() throws {
    var model = browsing()
    for _ in 0..<Results.pageSize + 5 { press(.down, &model) }
    let rest = ScriptedStore(count: 150)
    var effects: [Effect] = []
    for case .ask(let request) in model.update(.key(.function(5))) {
      if let reply = BrowseAnswers.answer(request, from: rest) { effects += model.update(.reply(reply)) }
    }
    #expect(model.browse.results?.isRunning == true)
    rest.answer(effects, in: &model)
    let results = try #require(model.browse.results)
    #expect(results.pageNumber == 0 && results.rows.count == 150 && results.selected == 0 && results.isLastPage)
    #expect(try title(model).contains("  1-150 of 150"))
  }

  @Test func anEmptyPageIsNotComeBackTo() throws {
    var model = browsing()
    for _ in 0..<Results.pageSize { press(.down, &model) }
    // All that was behind the first page is removed before the second is asked for.
    let page = ResultPage(rows: [])
    let run = try #require(model.browse.results).run
    _ = model.update(.reply(.page(run: run, number: 1, marks: [], page, nanoseconds: 1)))
    #expect(model.browse.results?.rows.isEmpty == true)
    press(.function(5), &model)
    let results = try #require(model.browse.results)
    #expect(results.pageNumber == 0 && results.rows.count == Results.pageSize)
  }

  /// Of fewer than there were, it is the last that there can be.
  @Test func aPageHasNoPlaceBeyondAllThatThereAre() throws {
    var model = browsing()
    for _ in 0..<Results.pageSize + 5 { press(.down, &model) }
    _ = model.update(.sample(Script().samples(21)[20], []))
    for case .ask(let request) in model.update(.key(.function(5))) {
      guard let reply = BrowseAnswers.answer(request, from: store) else { continue }
      if case .count(let run, _) = reply {
        _ = model.update(.reply(.count(run: run, 250)))
      } else {
        _ = model.update(.reply(reply))
      }
    }
    #expect(try title(model).contains("  about 51-250 of 250"))
  }

  @Test func limitEndsThePages() throws {
    var model = browsing()
    type("range age limit 250", &model)
    var results = try #require(model.browse.results)
    #expect(results.rows.count == 200)
    #expect(!results.isLastPage)
    press(.end, &model)
    results = try #require(model.browse.results)
    #expect(results.rows.count == 50)
    #expect(results.isLastPage)
    #expect(results.count == 250)
  }

  @Test func queryRunsAndIsRemembered() throws {
    var model = browsing()
    type("range age 20..35", &model)
    let expected = Query(ranges: [.init(field: "age", range: .closed(20, 35))])
    #expect(model.browse.results?.selection == .query(expected, limit: nil))
    #expect(model.browse.results?.plan?.driver == "range(age)")
    type("key u:7", &model)
    #expect(model.browse.results?.rows.map(\.key.text) == ["u:7"])
    press(.character("/"), &model)
    press(.up, &model)
    #expect(model.browse.editor?.text == "key u:7")
    press(.up, &model)
    #expect(model.browse.editor?.text == "range age 20..35")
    press(.down, &model)
    #expect(model.browse.editor?.text == "key u:7")
  }

  /// Scrubbing moves all but the documents: the screen tells of both when they are.
  @Test func aPausedViewTellsWhenTheDocumentsWereRead() throws {
    var model = browsing()
    func title() -> String? { Renderer.render(model, colors: .none).lines.first { $0.contains("2 Results") } }
    #expect(try #require(title()).contains("as of") == false)
    let samples = Script().samples(80)
    for sample in samples.dropFirst(20) { _ = model.update(.sample(sample, [])) }
    press(.character(" "), &model)
    press(.character("["), &model)
    #expect(try #require(title()).contains("2 Results as of 22:13:21"))
    #expect(Renderer.render(model, colors: .none).lines.contains { $0.contains("-10m") && $0.contains("now") })
    // Reading them again is reading them now, whatever the header shows.
    press(.function(5), &model)
    #expect(try #require(title()).contains("2 Results as of 22:13:27"))
    press(.character("`"), &model)
    #expect(try #require(title()).contains("as of") == false)
  }

  @Test func whereInTheLogAWriteIs() {
    var history = History(capacities: [100])
    // Ten records a sample, a page of twenty-five.
    for tick in 0..<20 {
      var statistics = StoreStatistics()
      let written = UInt64(tick * 10)
      (statistics.memoryLSN, statistics.writtenLSN) = (written + 3, written)
      var log = StoreStatistics.Log()
      (log.page, log.pageRecords) = (written / 25 + 1, Int(written % 25))
      log.checkpointLSN = tick > 15 ? 52 : nil
      statistics.log = log
      history.append(
        Sample(sequence: tick, date: Script.start, nanoseconds: UInt64(tick) * 1_000, statistics: statistics))
    }
    #expect(LogPlace(of: 190, in: history) == .page(8))
    #expect(LogPlace(of: 176, in: history) == .page(8))
    #expect(LogPlace(of: 193, in: history) == .noPageYet)
    // Written in a page that had ended when the next sample was taken.
    #expect(LogPlace(of: 175, in: history) == .earlierPage)
    #expect(LogPlace(of: 60, in: history) == .page(3))
    #expect(LogPlace(of: 52, in: history) == .checkpoint)
    #expect(LogPlace(of: 1, in: History()) == .earlierPage)
  }

  @Test func aPasteIsTextAndNeverACommand() throws {
    var model = browsing()
    press(.character("/"), &model)
    press(.control("u"), &model)
    #expect(model.update(.paste("limit 5\r\nD\ty\u{1B}q\n")).isEmpty)
    #expect(model.browse.editor?.text == "limit 5 D y" + "q")
    press(.enter, &model)
    #expect(model.browse.error != nil)
    press(.escape, &model)
    // Without a line, `D` would ask whether to remove, `y` would say yes, and `q` would quit.
    for text in ["D", "y", "q\n", "", "b"] {
      #expect(model.update(.paste(text)).isEmpty)
      #expect(model.browse.question == nil && model.view == .browse)
      #expect(model.browse.notice?.hasPrefix("pasted text is ignored") == true)
    }
    press(.character("D"), &model)
    #expect(model.browse.question != nil)
    #expect(model.update(.paste("y")).isEmpty)
    #expect(model.browse.question != nil)
  }

  @Test func aPasteGoesWhereTheCursorIsAndNoFurtherThanThereIsRoom() {
    var editor = LineEditor("ab", lengthMax: 6)
    _ = editor.apply(.cursorLeft)
    editor.insert("漢\nx\u{9B}yz!")
    #expect(editor.text == "a漢 xyb")
    #expect(editor.suffix == "b")
    editor.insert("more")
    #expect(editor.text == "a漢 xyb")
  }

  @Test func wrongQueryKeepsTheLineAndTheResults() {
    var model = browsing()
    let rows = model.browse.results?.rows
    type("range wage 20..35", &model)
    #expect(model.browse.error?.token == "wage")
    #expect(model.browse.editor?.text == "range wage 20..35")
    #expect(model.browse.results?.rows == rows)
    press(.escape, &model)
    #expect(model.browse.error == nil && model.browse.editor == nil)
  }

  @Test func resultsAreHeldUntilAskedAgain() throws {
    var model = browsing()
    for _ in 0..<3 { press(.down, &model) }
    let run = try #require(model.browse.results).run
    for sample in Script().samples(60)[20...] { _ = model.update(.sample(sample, [])) }
    #expect(model.browse.results?.run == run)
    press(.function(5), &model)
    let results = try #require(model.browse.results)
    #expect(results.run != run)
    #expect(results.selectedRow?.key.text == "u:3")
  }

  @Test(arguments: [(1, "HELD 1 write behind"), (2, "HELD 2 writes behind")])
  func heldResultsCountWhatCameSince(_ writes: UInt64, _ text: String) throws {
    var model = Browsing.query()
    var sample = Script().samples(201)[200]
    sample.statistics.memoryLSN = try #require(model.browse.results).lsn + writes
    _ = model.update(.sample(sample, []))
    #expect(Renderer.render(model, colors: .none).lines.contains { $0.contains(text) })
  }

  @Test func answersOfAnOlderRunAreIgnored() throws {
    var model = browsing()
    let old = try #require(model.browse.results).run
    type("key u:7", &model)
    let page = ResultPage(rows: [store.row(1)])
    _ = model.update(.reply(.page(run: old, number: 0, marks: [], page, nanoseconds: 1)))
    #expect(model.browse.results?.rows.map(\.key.text) == ["u:7"])
  }

  @Test func documentOpensAndClosesAgain() {
    var model = browsing()
    press(.down, &model)
    press(.enter, &model)
    #expect(model.browse.opened?.state == .found(store.row(1)))
    #expect(model.browse.focus == .document)
    press(.escape, &model)
    #expect(model.browse.opened == nil && model.browse.focus == .results)
    press(.escape, &model)
    #expect(model.view == .overview)
  }

  @Test func documentThatIsGoneSaysSo() {
    var model = browsing()
    let effects = model.update(.key(.enter))
    #expect(effects == [.ask(.document(RowKey(text: "u:0")))])
    _ = model.update(.reply(.document(RowKey(text: "u:0"), nil)))
    #expect(model.browse.opened?.state == .gone)
    let text = DocumentPanel.lines(model, width: 60).first?.text
    #expect(text == "removed since; this is what it was")
  }

  @Test func failureOfTheStoreIsShown() {
    var model = browsing()
    let run = model.browse.runs
    _ = model.update(.reply(.failed(.plan(run: run, .query(Query(), limit: nil)), "the store is closed")))
    #expect(model.browse.results?.failure == "the store is closed")
    #expect(model.browse.results?.isRunning == false)
  }

  /// Nobody has to ask again for them, and no line moves below the cursor.
  @Test func countsOfTheTreeAreThoseOfNow() throws {
    var model = browsing()
    let before = model.exploreItems
    func count(_ name: String) -> Int? { model.exploreItems.first { $0.name == name }?.count }
    let samples = Script().samples(41)
    var sample = samples[30]
    let place = try #require(sample.statistics.indexes.firstIndex { $0.name == "club" })
    sample.statistics.indexes[place].distinct = 90
    _ = model.update(.sample(sample, []))
    #expect(count("everything") == sample.statistics.documents && count("email") == 1_104_470)
    #expect(count("joined") == sample.statistics.documents - 970)
    #expect(count("s17") == sample.statistics.shards[17].documents)
    #expect(count("TAGS club") == 90 && model.exploreItems.contains { $0.name == "... 87 more" })
    // A sample has few of the tags: theirs are of when they were asked for.
    #expect(count("Ajax") == 41_882)
    #expect(model.exploreItems.map(\.action) == before.map(\.action))
    // Documents are of now, also while the view shows an earlier moment.
    press(.character(" "), &model)
    _ = model.update(.sample(samples[40], []))
    #expect(count("email") == 1_105_960)
  }

  /// What a sample does not tell of this store stays as it was told.
  @Test func countsOfAnotherStoreAreNoneOfTheTree() {
    var model = Script(shardCount: 8).model(20)
    store.answer(model.update(.key(.character("b"))), in: &model)
    #expect(model.exploreItems.first?.count == store.count)
    #expect(model.exploreItems.first { $0.name == "email" }?.count == store.count)
    #expect(model.exploreItems.last?.count == store.outline(tagsPerField: 20).shards.last)
  }

  @Test func treeSkipsHeadingsAndRunsWhatIsChosen() {
    var model = browsing()
    press(.character("1"), &model)
    press(.down, &model)
    #expect(model.exploreItems[model.browse.exploreSelection].name == "age")
    press(.up, &model)
    #expect(model.exploreItems[model.browse.exploreSelection].name == "everything")
    press(.end, &model)
    #expect(model.exploreItems[model.browse.exploreSelection].name == "s63")
    for _ in 0..<64 { press(.up, &model) }
    #expect(model.exploreItems[model.browse.exploreSelection].name == "... 39 more")
    press(.up, &model)
    #expect(model.exploreItems[model.browse.exploreSelection].name == "rust")
    press(.enter, &model)
    #expect(model.browse.results?.selection == .query(Query(allTags: ["skill=rust"]), limit: nil))
    #expect(model.browse.focus == .results)
  }

  /// Puts the cursor of the tree on a line and chooses it.
  private func choose(_ name: String, after heading: String, _ model: inout Model) throws {
    let items = model.exploreItems
    let start = try #require(items.firstIndex { $0.name == heading })
    model.browse.exploreSelection = try #require(items[start...].firstIndex { $0.name == name })
    model.browse.focus = .explore
    press(.enter, &model)
  }

  private func line(_ model: Model) -> String? { model.browse.results.map { QueryLine.text($0.selection) } }

  @Test func aTagOfTheTreeTakesThePlaceOfOneOfItsFieldAndKeepsTheRest() throws {
    var model = Browsing.query()
    #expect(line(model) == "range age 20..35 tag:club=Ajax sort:age desc")
    try choose("Vålerenga", after: "TAGS club", &model)
    #expect(line(model) == "range age 20..35 tag:club=Vålerenga sort:age desc")
    try choose("rust", after: "TAGS skill", &model)
    #expect(line(model) == "range age 20..35 tag:club=Vålerenga tag:skill=rust sort:age desc")
    let asked = model.exploreItems.filter { model.browse.isAskedFor($0) }
    #expect(asked.map(\.name) == ["age", "Vålerenga", "rust"])
    // All documents are where one begins anew.
    try choose("everything", after: "everything", &model)
    #expect(line(model) == "" && model.exploreItems.filter { model.browse.isAskedFor($0) }.count == 1)
  }

  @Test func tagsThatTheTreeHasNoRoomForLeadToTheQueryLine() throws {
    var model = Browsing.query()
    try choose("... 80 more", after: "TAGS club", &model)
    #expect(model.browse.editor?.text == "range age 20..35 sort:age desc tag:club=")
    #expect(model.browse.completions.count == 3)
  }

  @Test func uniqueIndexOfTheTreeAsksForAValue() throws {
    var model = browsing()
    press(.character("1"), &model)
    let item = try #require(model.exploreItems.firstIndex { $0.kind == .unique })
    while model.browse.exploreSelection != item { press(.down, &model) }
    press(.enter, &model)
    #expect(model.browse.editor?.text == "unique email=")
  }

  @Test func shardOfTheTreeIsListed() {
    var model = browsing()
    press(.character("1"), &model)
    press(.end, &model)
    press(.enter, &model)
    #expect(model.browse.results?.selection == .shard(63))
    #expect(model.browse.history.last == "shard 63")
  }

  @Test func rowsTellWhatBecameOfThemOnceTheStoreGoesOn() throws {
    var model = browsing()
    #expect(model.browse.results?.fates.isEmpty == true)
    let samples = Script().samples(22)
    var effects = model.update(.sample(samples[20], []))
    #expect(effects.count == 1)
    // Not again while the answer is on its way.
    #expect(model.update(.sample(samples[21], [])).isEmpty)
    store.answer(effects, in: &model)
    let results = try #require(model.browse.results)
    #expect(results.fates[RowKey(text: "u:3")] == .removed)
    #expect(results.fates[RowKey(text: "u:1")] == .changed)
    #expect(results.fates[RowKey(text: "u:2")] == nil)
    let lines = Renderer.render(model, colors: .none).lines
    #expect(lines.contains { $0.contains("u:3 ") && $0.contains("x║") })
    #expect(lines.contains { $0.contains("u:1 ") && $0.contains("*║") })
    // Nor when neither the store nor the rows are others; asking again forgets what was.
    var later = samples[21]
    later.statistics.memoryLSN = samples[20].statistics.memoryLSN
    effects = model.update(.sample(later, []))
    #expect(effects.isEmpty)
    press(.function(5), &model)
    #expect(model.browse.results?.fates.isEmpty == true)
  }

  @Test func whatTheMarksMeanStandsOverThemWhereThereIsRoom() throws {
    var model = browsing()
    let legend = "* changed  x removed"
    func title(_ width: Int) throws -> String {
      _ = model.update(.resize(width: width, height: 40))
      return try #require(Renderer.render(model, colors: .none).lines.first { $0.contains("2 Results") })
    }
    #expect(try !title(120).contains(legend))
    store.answer(model.update(.sample(Script().samples(21)[20], [])), in: &model)
    #expect(try title(200).contains("1-200 of 1,204,117  " + legend))
    #expect(try title(120).contains("1-200 of 1.2M  " + legend))
    #expect(try title(80).contains(legend))
    #expect(try title(40).contains("1-200 of 1,204,117 ") && !title(40).contains("changed"))
  }

  @Test func narrowScreensDropWordsButCutNone() {
    var model = browsing()
    _ = model.update(.resize(width: 40, height: 10))
    press(.character("/"), &model)
    #expect(Renderer.render(model, colors: .none).lines[2] == "╔ key K   tag:F=V   range F LO..HI     ╗")
    press(.escape, &model)
    press(.character("D"), &model)
    #expect(Renderer.render(model, colors: .none).lines[2] == "╔ remove u:0?              y yes  n no ╗")
  }

  @Test func answersAboutRowsOfAnotherRunAreIgnored() throws {
    var model = browsing()
    let old = try #require(model.browse.results).run
    press(.function(5), &model)
    _ = model.update(.reply(.versions(run: old, [RowKey(text: "u:1")], [nil], lsn: 1)))
    #expect(model.browse.results?.fates.isEmpty == true)
  }

  @Test func queriesAreKeptUnderFunctionKeys() {
    var model = browsing()
    type("range age 20..35", &model)
    #expect(model.update(.key(.character("B"))) == [.keepQueries(["range age 20..35"])])
    type("key u:7", &model)
    #expect(model.update(.key(.character("B"))) == [.keepQueries(["range age 20..35", "key u:7"])])
    press(.function(2), &model)
    #expect(model.browse.results.map { QueryLine.text($0.selection) } == "range age 20..35")
    #expect(model.exploreItems.contains { $0.name == "F3 key u:7" })
    // The same key lets it go.
    #expect(model.update(.key(.character("B"))) == [.keepQueries(["key u:7"])])
    #expect(model.update(.key(.function(9))).isEmpty)
    #expect(model.browse.notice == "nothing is kept under F9 yet")
  }

  @Test func keptQueryThatThisStoreCannotAnswerIsThereToBeChanged() {
    var model = browsing()
    model.browse.saved = ["range wage 20..35"]
    press(.function(2), &model)
    #expect(model.browse.editor?.text == "range wage 20..35")
    #expect(model.browse.error?.token == "wage")
  }

  @Test func partsOfADocumentFold() throws {
    var model = browsing()
    press(.character("3"), &model)
    let all = model.documentLines
    while model.documentPart == nil { press(.down, &model) }
    #expect(model.documentPart == "address")
    press(.enter, &model)
    let folded = model.documentLines
    #expect(folded.count < all.count)
    #expect(folded[model.browse.documentLine].text.contains("address {…}  3 fields"))
    press(.character("f"), &model)
    #expect(model.documentLines == all)
    press(.character("F"), &model)
    #expect(model.documentLines == folded)
    press(.character("F"), &model)
    #expect(model.documentLines == all)
  }

  @Test func lastEventsOfADocumentStandBelowIt() {
    var model = browsing()
    let line = EventLine(.put, date: Script.start, key: "u:0", detail: "age=34")
    let other = EventLine(.remove, date: Script.start, key: "u:1")
    _ = model.update(.sample(Script().samples(21)[20], [line, other]))
    let text = model.documentLines.map(\.text)
    #expect(text.contains { $0.hasPrefix("LOG ") && $0.contains("PUT age=34") })
    #expect(!text.contains { $0.contains("DEL") || $0.contains("no event") })
  }

  /// Only some of many events are kept: silence would be taken for rest.
  @Test func aDocumentWithoutEventsAmongThoseShownSaysSo() {
    var model = browsing()
    #expect(model.documentLines.last?.text == "LOG no event of it among those shown")
    model.events.removeAll()
    #expect(!model.documentLines.contains { $0.text.hasPrefix("LOG ") }, "nothing has happened at all")
  }

  @Test func errorPointsAtItsColumn() throws {
    var model = browsing()
    model.width = 120
    type("range wage 20..35", &model)
    let lines = Renderer.render(model, colors: .none).lines
    let column = try #require(lines[1].firstRange(of: "wage")).lowerBound.utf16Offset(in: lines[1])
    #expect(lines[2].dropFirst(column).hasPrefix("^ 'wage': no such range field"))
    model.width = 60
    #expect(Renderer.render(model, colors: .none).lines[2].hasPrefix(" column 7: 'wage'"))
    model.height = 10
    #expect(Renderer.render(model, colors: .none).lines[2].contains("column 7: 'wage'"))
  }

  /// The word is meant without its quotes, so the line shows it as it was typed.
  @Test func wordInQuotesStaysAsItWasTyped() throws {
    var model = browsing()
    model.width = 120
    type(#"tag:"clubb=FC Oslo""#, &model)
    #expect(model.browse.error != nil)
    #expect(Renderer.render(model, colors: .none).lines[1].contains(#"tag:"clubb=FC Oslo""#))
  }

  @Test func lineThatWasNotSentComesBackAfterOlderOnes() throws {
    var model = browsing()
    model.browse.history = ["shard 1", "shard 2"]
    _ = model.update(.key(.character("/")))
    _ = model.update(.key(.control("u")))
    for character in "tag:cl" { _ = model.update(.key(.character(character))) }
    let lines: [(Key, String)] = [
      (.up, "shard 2"), (.up, "shard 1"), (.up, "shard 1"), (.down, "shard 2"), (.down, "tag:cl"), (.down, "tag:cl"),
    ]
    for (key, line) in lines {
      _ = model.update(.key(key))
      #expect(model.browse.editor?.text == line)
    }
    // Not in the next line.
    _ = model.update(.key(.escape))
    _ = model.update(.key(.character("/")))
    _ = model.update(.key(.control("u")))
    for key in [Key.up, .down] { _ = model.update(.key(key)) }
    #expect(model.browse.editor?.text == "")
  }

  @Test func sortGoesThroughRangeFieldsOnly() {
    var model = browsing()
    func query() -> Query? {
      guard case .query(let query, _)? = model.browse.results?.selection else { return nil }
      return query
    }
    for field in ["age", "joined", "salary", nil] {
      press(.character("s"), &model)
      #expect(query()?.orderBy == field)
    }
    press(.character("S"), &model)
    #expect(query()?.orderBy == "age" && query()?.order == .descending)
  }

  @Test func tabCompletesAndTellsTheChoices() {
    var model = browsing()
    press(.character("/"), &model)
    press(.control("u"), &model)
    for character in "tag:cl" { press(.character(character), &model) }
    press(.tab, &model)
    #expect(model.browse.editor?.text == "tag:club=")
    press(.tab, &model)
    #expect(model.browse.completions == ["tag:club=Ajax", "tag:club=Vålerenga", "tag:club=東京"])
  }
}
