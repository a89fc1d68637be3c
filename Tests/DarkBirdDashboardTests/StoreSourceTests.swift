import DarkBird
import Dispatch
import Foundation
import Synchronization
import Terminal
import Testing

@testable import DarkBirdDashboard

private struct Player: Document, Codable {
  var name: String
  var email: String
  var club: String
  var age: Int

  static let schema: IndexSchema<Player> = [
    .unique("email", \.email), .tag("club", \.club), .range("age", \.age),
  ]
}

@Suite("A store as a source") struct StoreSourceTests {
  private let store: Store<Int, Player>
  private let source: StoreSource<Int, Player>

  init() throws {
    store = try Store<Int, Player>(.memory)
    source = StoreSource(store, title: "players")
    for number in 0..<1_000 {
      let player = Player(
        name: "Player \(number)", email: "p\(number)@example.org", club: ["Ajax", "Brann"][number % 2],
        age: 16 + number % 50)
      try store.put(player, for: number)
    }
  }

  @Test func aTextAmongNumbersDoesNotHideThem() throws {
    let schema: IndexSchema<Record> = IndexSchema(FieldSchema(ranges: ["at"]))
    let store = try Store<Int, Record>(.memory, schema: schema)
    for number in 0..<300 { try store.put(["at": .double(Double(number % 181 - 90))], for: number) }
    try store.put(["at": "x"], for: 1_000)
    try store.put(["at": true], for: 1_001)
    let histogram = try #require(
      try StoreSource(store, title: "places").histogram(field: "at", within: nil, of: Query(), bucketsMax: 20))
    #expect(histogram.total == 300)
    // Whole degrees, as they are in the documents.
    for value in histogram.percentiles {
      guard case .double(let number) = value else { continue }
      #expect(number == number.rounded(), "\(number)")
    }
    try store.removeAll()
    try store.put(["at": "x"], for: 1_000)
    let places = StoreSource(store, title: "places")
    #expect(try places.histogram(field: "at", within: nil, of: Query(), bucketsMax: 20) == nil)
  }

  @Test func identityTellsWhatItIs() {
    #expect(source.identity.title == "players")
    #expect(source.identity.location == "memory")
    #expect(source.identity.schema.fields == FieldSchema(unique: ["email"], tags: ["club"], ranges: ["age"]))
  }

  @Test func countsAreExactAgainOnceWritesAreFew() throws {
    func counts() -> [Int] { source.statistics().indexes.map(\.entries) }
    #expect(counts() == [1_000, 1_000, 1_000])
    // Less than a shard's list holds, so that no writer puts them in.
    for number in 1_000..<2_500 {
      try store.put(Player(name: "New", email: "n\(number)", club: "Ajax", age: 20), for: number)
    }
    #expect(counts() == [2_500, 1_000, 1_000])
    #expect(counts() == [2_500, 2_500, 2_500])
    try store.remove(7)
    #expect(counts() == [2_499, 2_499, 2_499])
  }

  @Test func outlineHasFieldsAndTags() throws {
    let outline = try source.outline(tagsPerField: 10)
    #expect(outline.documents == 1_000)
    #expect(outline.uniques == [.init(name: "email", entries: 1_000)])
    #expect(outline.ranges == [.init(name: "age", entries: 1_000, smallest: 16, largest: 65)])
    #expect(outline.tagFields.map(\.name) == ["club"])
    #expect(outline.tagFields.first?.tags.map(\.count) == [500, 500])
    #expect(source.topTags(limit: 1).count == 1)
  }

  @Test func findsByKeyText() throws {
    let rows = try source.page(.key("17"), limit: 10, after: nil).rows
    #expect(rows.map(\.key.text) == ["17"])
    #expect(rows.first?.record["name"] == "Player 17")
    #expect(try source.page(.key("nobody"), limit: 10, after: nil).rows.isEmpty)
  }

  @Test func findsByUniqueValue() throws {
    let rows = try source.page(.unique(index: "email", value: "p17@example.org"), limit: 10, after: nil).rows
    #expect(rows.map(\.key.text) == ["17"])
    #expect(throws: StoreError.self) { try source.page(.unique(index: "mail", value: "x"), limit: 10, after: nil) }
  }

  @Test func pagesThroughAQuery() throws {
    let vocabulary = QueryVocabulary(try source.outline(tagsPerField: 10))
    let selection = try QueryLine.parse("tag:club=Ajax range age 20..<40", vocabulary)
    var keys: Set<String> = []
    var mark: PageMark?
    repeat {
      let page = try source.page(selection, limit: 7, after: mark)
      #expect(page.rows.count <= 7)
      for row in page.rows { #expect(keys.insert(row.key.text).inserted) }
      mark = page.next
    } while mark != nil
    let expected = (0..<1_000).filter { $0 % 2 == 0 && (20..<40).contains(16 + $0 % 50) }.map(String.init)
    #expect(keys == Set(expected))
    #expect(try source.count(selection) == expected.count)
    #expect(try source.plan(selection) != nil)
  }

  @Test func planNamesWhatIsDoneWithTheCandidates() throws {
    let vocabulary = QueryVocabulary(try source.outline(tagsPerField: 10))
    func plan(_ line: String) throws -> PlanSummary? { try source.plan(try QueryLine.parse(line, vocabulary)) }
    #expect(
      try plan("tag:club=Ajax range age 20..<40 !tag:club=PSV any:club=Ajax any:club=PSV limit 5")
        == PlanSummary(
          driver: "range(age)", candidates: 400,
          checks: ["tag:club=Ajax", "any:club=Ajax any:club=PSV", "!tag:club=PSV"],
          unknownTags: [UnknownTag(tag: "club=PSV")]))
    #expect(
      try plan("range age 20..<40 range age 30..")
        == PlanSummary(
          driver: "range(age)", candidates: 400, checks: ["range age"]))
    #expect(
      try plan("tag:club=Ajax sort:age limit 5")
        == PlanSummary(
          driver: "range(age)", candidates: 1_000, checks: ["tag:club=Ajax"]))
    #expect(
      try plan("tag:club=none sort:age")
        == PlanSummary(
          driver: "tag(club=none)", candidates: 0, sortedBy: "age", unknownTags: [UnknownTag(tag: "club=none")]))
    #expect(try plan("key 7") == nil)
  }

  /// What would look at very many documents is not counted: nothing else is answered meanwhile.
  @Test func onlyWhatIndexesCountIsCountedAmongVeryMany() throws {
    let source = StoreSource(store, title: "many", countCandidatesMax: 400)
    let vocabulary = QueryVocabulary(try source.outline(tagsPerField: 10))
    for (line, count) in [
      ("", 1_000), ("tag:club=Ajax", 500), ("range age 20..<40", 400), ("sort:age", 1_000),
      ("range age 20.. sort:age", 920), ("!tag:club=Ajax", nil), ("tag:club=Ajax sort:age", nil),
      ("tag:club=Ajax range age 20.. ", nil), ("tag:club=Ajax range age 20..<40", 200),
    ] as [(String, Int?)] {
      #expect(try source.count(try QueryLine.parse(line, vocabulary)) == count, "\(line)")
    }
  }

  @Test func limitDoesNotChangeHowManyMatch() throws {
    let vocabulary = QueryVocabulary(try source.outline(tagsPerField: 10))
    #expect(try source.count(try QueryLine.parse("tag:club=Ajax limit 5", vocabulary)) == 500)
  }

  @Test(arguments: ["", "tag:club=Ajax range age 20..<40", "range age 20.. sort:age desc", "!tag:club=Ajax sort:age"])
  func pagesFromTheEndAreThoseFromTheBeginning(line: String) throws {
    let selection = try QueryLine.parse(line, QueryVocabulary(try source.outline(tagsPerField: 10)))
    var forwards: [String] = []
    var mark: PageMark?
    repeat {
      let page = try source.page(selection, limit: 37, after: mark)
      forwards += page.rows.map(\.key.text)
      mark = page.next
    } while mark != nil
    var backwards: [String] = []
    repeat {
      let page = try source.page(selection, limit: 41, before: mark)
      backwards = page.rows.map(\.key.text) + backwards
      mark = page.next
    } while mark != nil
    #expect(forwards.count > 100 && backwards == forwards)
  }

  @Test(arguments: [1, 64, 1_024]) func shardsAreListedOneByOne(_ count: Int) throws {
    var configuration = StoreConfiguration.memory
    configuration.shardCount = count
    let store = try Store<Int, Player>(configuration)
    let source = StoreSource(store, title: "players")
    for number in 0..<1_000 {
      try store.put(
        Player(name: "Player \(number)", email: "\(number)", club: "Ajax", age: 16 + number % 50), for: number)
    }
    #expect(try source.outline(tagsPerField: 1).shards.count == count)
    var keys: Set<String> = []
    for shard in 0..<count {
      var mark: PageMark?
      var found = 0
      repeat {
        let page = try source.page(.shard(shard), limit: 3, after: mark)
        #expect(page.rows.allSatisfy { $0.shard == shard } && page.rows.count <= 3)
        found += page.rows.count
        keys.formUnion(page.rows.map(\.key.text))
        mark = page.next
      } while mark != nil
      #expect(try source.count(.shard(shard)) == found)
    }
    #expect(keys.count == 1_000)
    #expect(try source.page(.shard(count), limit: 3, after: nil).rows.isEmpty)
  }

  @Test func versionsTellWhatHasChanged() throws {
    let rows = try source.page(.query(Query(), limit: nil), limit: 3, after: nil).rows
    let numbers = rows.compactMap { Int($0.key.text) }
    _ = try store.update(numbers[0]) { $0.age += 1 }
    try store.remove(numbers[1])
    let versions = try source.versions(of: rows.map(\.key))
    #expect(versions[0].map { $0 > rows[0].lsn } == true)
    #expect(versions[1] == nil)
    #expect(versions[2] == rows[2].lsn)
  }

  @Test func histogramCountsTheField() throws {
    let histogram = try #require(try source.histogram(field: "age", within: nil, of: Query(), bucketsMax: 64))
    #expect(histogram.counts == Array(repeating: 20, count: 48) + [40])
    #expect(histogram.percentiles == [18, 40, 63])
    #expect(throws: StoreError.self) { try source.histogram(field: "wage", within: nil, of: Query(), bucketsMax: 64) }
  }

  @Test func histogramCountsWhatMeetsTheOtherConditions() throws {
    let vocabulary = QueryVocabulary(try source.outline(tagsPerField: 10))
    func histogram(_ line: String) throws -> RangeHistogram? {
      guard case .query(let query, _) = try QueryLine.parse(line, vocabulary) else { return nil }
      return try source.histogram(field: "age", within: nil, of: query, bucketsMax: 64)
    }
    // Players of even numbers, and so of even ages.
    let ajax = try #require(try histogram("range age 20..30 tag:club=Ajax sort:age"))
    #expect(ajax.counts == Array(repeating: 20, count: 48) + [40])
    #expect(ajax.matching == .counted((0..<48).map { $0 % 2 == 0 ? 20 : 0 } + [20]))
    #expect(ajax.all == 1_000 && ajax.asked == .closed(20, 30))
    // The range of the field itself is no other condition, but a second one is.
    #expect(try histogram("range age 20..30 sort:age desc")?.matching == .all)
    #expect(
      try histogram("range age 20..30 range age ..16")?.matching == .counted([20] + Array(repeating: 0, count: 48)))
  }

  @Test func allTagsOfAFieldCanBeCompleted() throws {
    for number in 0..<30 {
      var player = try #require(store[number])
      player.club = number == 29 ? "Zwolle" : "Club \(number)"
      try store.put(player, for: number)
    }
    let vocabulary = QueryVocabulary(try source.outline(tagsPerField: 5))
    #expect(!vocabulary.tags.contains("club=Zwolle") && QueryCompletion.needsAllTags("tag:club=Zw", vocabulary))
    #expect(!QueryCompletion.needsAllTags("range a", vocabulary))
    guard
      case .completion(let line, let completion)? = BrowseAnswers.answer(
        .complete("tag:club=zw", vocabulary), from: source)
    else {
      Issue.record("no completion")
      return
    }
    #expect(line == "tag:club=zw" && completion.text == "tag:club=Zwolle ")
    #expect(!QueryCompletion.needsAllTags("tag:club=Zw", QueryVocabulary(try source.outline(tagsPerField: 100))))
  }

  @Test func rangesBesideAllValuesAreToldTheNearest() throws {
    func notes(_ field: String, _ range: IndexRange) throws -> [String] {
      try store.notes(on: Query(ranges: [.init(field: field, range: range)]))
    }
    #expect(try notes("age", .atLeast(1_000)) == ["the largest age is 65"])
    #expect(try notes("age", .closed(20.5, 20.5)) == ["no age is exactly 20.5; 20.5.. is that and above"])
    #expect(try notes("age", .less(than: 16)) == ["the smallest age is 16"])
    #expect(try notes("age", .atMost(16)).isEmpty && notes("age", .atLeast(65)).isEmpty && notes("age", .all).isEmpty)
  }

  @Test func anOrderTellsWhatItLeavesOut() throws {
    let store = try Store<Value, Record>(
      .memory, schema: IndexSchema(FieldSchema(tags: ["club"], ranges: ["size"])))
    for number in 0..<10 {
      try store.put(
        number < 3 ? ["club": "Ajax"] : ["club": "Ajax", "size": .int(Int64(number))], for: .int(Int64(number)))
    }
    #expect(try store.notes(on: Query(allTags: ["club=Ajax"], orderBy: "size")) == ["3 without size are left out"])
    #expect(try store.notes(on: Query(allTags: ["club=Ajax"])).isEmpty)
    // Whoever asks for a range knows.
    #expect(try store.notes(on: Query(ranges: [.init(field: "size", range: .all)], orderBy: "size")).isEmpty)
  }

  @Test func tagsThatNobodyHasAreToldWithTheNearest() throws {
    func unknown(_ tags: String...) throws -> [String] {
      try store.unknownTags(in: Query(allTags: tags)).map(\.description)
    }
    #expect(try unknown("club=Ajax", "club=Brann").isEmpty)
    #expect(try unknown("club=Ajxa") == ["no document has tag club=Ajxa; did you mean club=Ajax?"])
    #expect(try unknown("club=ajax") == ["no document has tag club=ajax; did you mean club=Ajax?"])
    #expect(try unknown("club=PSV") == ["no document has tag club=PSV"])
    #expect(
      try store.unknownTags(in: Query(anyTags: ["club=Ajax", "club=Bran"], noTags: ["club=Bran", "club=Lyn"]))
        == [UnknownTag(tag: "club=Bran", nearest: "club=Brann"), UnknownTag(tag: "club=Lyn")])
    // It is no error: one may come.
    var player = try #require(store[0])
    (player.club, player.email) = ("PSV", "new")
    try store.put(player, for: 5_000)
    #expect(try unknown("club=PSV").isEmpty)
  }

  @Test func scanReachesEverything() throws {
    var model = Model(identity: source.identity, width: 120, height: 40, glyphs: .ascii, zone: .gmt)
    func answer(_ effects: [Effect]) {
      for case .ask(let request) in effects {
        if let reply = BrowseAnswers.answer(request, from: source) { _ = model.update(.reply(reply)) }
      }
    }
    answer(model.update(.key(.character("b"))))
    #expect(model.browse.results?.count == 1_000)
    answer(model.update(.key(.end)))
    #expect(model.browse.results?.isLastPage == true)
    #expect(model.browse.results?.rows.count == 200)
  }

  /// It begins where it did, and one goes on from there both ways.
  @Test func askingAgainComesBackToAPageThatWasComeToFromTheEnd() throws {
    var model = Model(identity: source.identity, width: 120, height: 40, glyphs: .ascii, zone: .gmt)
    var samples = 0
    func sample() {
      samples += 1
      _ = model.update(
        .sample(
          Sample(
            sequence: samples, date: Script.start, nanoseconds: UInt64(samples) * 100_000_000,
            statistics: source.statistics()), []))
    }
    func press(_ keys: Key...) throws -> Results {
      for key in keys { answer(model.update(.key(key))) }
      return try #require(model.browse.results)
    }
    func answer(_ effects: [Effect]) {
      for case .ask(let request) in effects {
        if let reply = BrowseAnswers.answer(request, from: source) { answer(model.update(.reply(reply))) }
      }
    }
    sample()
    let last = try press(.character("b"), .end)
    model.browse.results?.selected = 0
    let before = try press(.up)
    #expect(before.pageNumber == 3 && before.selected == 199)
    model.browse.results?.selected = 20
    var again = try press(.function(5))
    #expect(again.rows == before.rows && again.pageNumber == 3 && again.selected == 20 && !again.isAbout)

    // The first of them is gone, and so is the one that was selected.
    for row in [before.rows[0], before.rows[20]] { #expect(try source.remove(row.key)) }
    sample()
    again = try press(.function(5))
    #expect(again.rows.first == before.rows[1] && again.selectedRow == before.rows[22] && again.isAbout)
    #expect(again.rows.last == last.rows[1])
    model.browse.results?.selected = 0
    again = try press(.up)
    #expect(again.pageNumber == 2 && again.rows.count == 200)
    again = try press(.down)
    #expect(again.pageNumber == 3 && again.rows.first == before.rows[1])
    model.browse.results?.selected = 199
    again = try press(.down)
    #expect(again.rows.first == last.rows[2] && again.isLastPage)
    #expect(again.offset + again.rows.count == 998)

    // All of what there was from there on is gone: what is left is shown from its beginning.
    for row in last.rows { _ = try source.remove(row.key) }
    sample()
    again = try press(.function(5))
    #expect(again.pageNumber == 0 && again.selected == 0 && !again.isAbout && !again.rows.isEmpty)
  }

  @Test func documentsAreReadAnew() throws {
    let row = try #require(try source.page(.key("17"), limit: 1, after: nil).rows.first)
    _ = try store.update(17) { $0.age = 99 }
    let now = try #require(try source.document(row.key))
    #expect(now.record["age"] == 99)
    #expect(now.lsn > row.lsn)
    try store.remove(17)
    #expect(try source.document(row.key) == nil)
  }

  @Test func eventsAreCountedAndSomeAreLines() throws {
    _ = source.takeEvents(matching: "", limit: 5)
    let player = Player(name: "New", email: "new@example.org", club: "Ajax", age: 20)
    try store.put(player, for: 2_000)
    try store.put(player, for: 2_000)
    try store.remove(2_000)
    let batch = source.takeEvents(matching: "", limit: 5)
    #expect(batch.counted == 3 && batch.passedOver == 0)
    #expect(batch.lines.map(\.kind) == [.insert, .put, .remove])
    #expect(batch.lines.first?.detail == "email=new@example.org age=20 club=Ajax name=New")
  }

  @Test func filterFindsAmongManyEvents() throws {
    _ = source.takeEvents(matching: "", limit: 5)
    for number in 0..<100 { try store.remove(number) }
    let batch = source.takeEvents(matching: "57", limit: 5)
    #expect(batch.counted == 100)
    #expect(batch.lines.contains { $0.key == "57" })
    #expect(batch.lines.allSatisfy { $0.key.contains("57") || $0.shard == 57 })
  }

  @Test func eventsThatArePassedOverAreCounted() throws {
    _ = source.takeEvents(matching: "", limit: 5)
    for _ in 0..<10 { for number in 0..<1_000 { _ = try store.update(number) { $0.age += 1 } } }
    let batch = source.takeEvents(matching: "", limit: 5)
    #expect(batch.counted == 10_000)
    #expect(batch.passedOver > 0)
    #expect(batch.lines.count <= 5)
  }

  /// A subscriber costs writers something: while there are many writes it is there for moments only.
  @Test func manyEventsAreCountedWithoutASubscriber() throws {
    source.close()
    var tap = EventTap(store, busyFrom: 1, calmBelow: 0)
    func write(_ count: Int) throws { for number in 0..<count { _ = try store.update(number) { $0.age += 1 } } }
    func take(isSearched: Bool = false) -> EventTap<Int, Player>.Taken {
      tap.take(limit: 5, isSearched: isSearched, seen: store.statistics().operations.writes)
    }
    for _ in 0..<3 {
      #expect(store.statistics().subscribers == 1)
      try write(100)
      let all = take()
      #expect(all.counted == 100 && all.events.count >= 2 && all.passedOver == 0)
    }
    #expect(store.statistics().subscribers == 0)
    for count in [50, 0, 70] {
      try write(count)
      let some = take()
      #expect(some.counted == UInt64(count) && some.events.isEmpty)
      #expect(store.statistics().subscribers == 0)
    }
    // Who looks for something gets a subscription, and each event is counted once.
    try write(7)
    #expect(take(isSearched: true).counted == 7)
    #expect(store.statistics().subscribers == 1)
    try store.remove(3)
    let last = take(isSearched: true)
    #expect(last.counted == 1 && last.events.count == 1)
    tap.close()
    try write(1)
    #expect(take().counted == 0 && store.statistics().subscribers == 0)
  }

  /// Moments with a subscription are apart; what happens between them is counted all the same, and a store that becomes calm gets
  /// a lasting one at once.
  @Test func momentsAreApartAndNothingIsLeftUncounted() throws {
    source.close()
    let start = ContinuousClock.now
    var tap = EventTap(store, busyFrom: 50, calmBelow: 20, momentsApart: .milliseconds(300), now: start)
    var written: UInt64 = 0
    var counted: UInt64 = 0
    for tick in 1...40 {
      let count = tick <= 30 ? 100 : 1
      for number in 0..<count { _ = try store.update(number) { $0.age += 1 } }
      written += UInt64(count)
      let seen = store.statistics().operations.writes
      counted +=
        tap.take(limit: 5, isSearched: false, seen: seen, now: start + .milliseconds(100 * tick)).counted
      #expect(counted == written, "tick \(tick)")
    }
    #expect(store.statistics().subscribers == 1)
  }

  /// Two events of a tenth of a second are shown: for them nobody subscribes to a thousand.
  @Test func atAModerateLoadThereIsNoLastingSubscription() throws {
    source.close()
    let start = ContinuousClock.now
    var tap = EventTap(store, busyFrom: 2_000, calmBelow: 1_000, now: start)
    var calls = 0
    func take(afterWriting count: Int) throws -> EventTap<Int, Player>.Taken {
      for number in 0..<count { _ = try store.update(number % 1_000) { $0.age += 1 } }
      calls += 1
      return tap.take(
        limit: 2, isSearched: false, seen: store.statistics().operations.writes, now: start + .milliseconds(100 * calls)
      )
    }
    // 1,900 events a second, then 5,000.
    for _ in 0..<5 { #expect(try take(afterWriting: 190).counted == 190) }
    #expect(store.statistics().subscribers == 1)
    for _ in 0..<5 { #expect(try take(afterWriting: 500).counted == 500) }
    #expect(store.statistics().subscribers == 0)
    // Between the limits it stays as it is, and below them all are seen again.
    #expect(try take(afterWriting: 150).counted == 150)
    #expect(store.statistics().subscribers == 0)
    #expect(try take(afterWriting: 90).counted == 90)
    #expect(store.statistics().subscribers == 1)
    let few = try take(afterWriting: 2)
    #expect(few.counted == 2 && few.events.count == 2)
    tap.close()
  }

  @Test func aMomentIsLongEnoughForWhatIsShown() {
    typealias Tap = EventTap<Int, Player>
    #expect(Tap.moment(for: 2, perSecond: 10_000) == 0.000_4)
    #expect(Tap.moment(for: 8, perSecond: 10_000) == 0.001_6)
    #expect(Tap.moment(for: 8, perSecond: 1_000) == 0.01)
    #expect(Tap.moment(for: 2, perSecond: 1e6) == 0.000_2)
  }

  /// In samples as the dashboard takes them, with a limit that a hundred writes of any time pass.
  @Test func subscriptionStaysAwayAsLongAsThereAreManyEvents() throws {
    source.close()
    let source = StoreSource(store, title: "players", busyFrom: 2)
    var composer = SampleComposer(source: source, monitor: nil)
    var counted: UInt64 = 0
    for step in 0..<20 {
      for number in 0..<100 { _ = try store.update(number) { $0.age += 1 } }
      counted = composer.take(at: UInt64(step), date: Date(), filter: "") { 0 }.0.eventsCounted
      if step >= 2 { #expect(store.statistics().subscribers == 0, "after sample \(step)") }
    }
    #expect(counted == 2_000)
    // Nothing was written since: it is calm.
    _ = composer.take(at: 20, date: Date(), filter: "") { 0 }
    #expect(store.statistics().subscribers == 1)
    source.close()
  }

  /// Above the limit writes of the moment in which there is a subscription are still seen.
  @Test func someOfManyEventsAreSeen() throws {
    source.close()
    var tap = EventTap(store, busyFrom: 1, calmBelow: 0)
    for number in 0..<3 {
      try store.remove(number)
      _ = tap.take(limit: 5, isSearched: false, seen: 0)
    }
    #expect(store.statistics().subscribers == 0)
    let isDone = Atomic<Bool>(false)
    let ended = DispatchSemaphore(value: 0)
    Thread { [store] in
      while !isDone.load(ordering: .relaxed) { _ = try? store.update(9) { $0.age += 1 } }
      ended.signal()
    }.start()
    while tap.take(limit: 5, isSearched: false, seen: 0).events.isEmpty {}
    isDone.store(true, ordering: .relaxed)
    ended.wait()
  }

  @Test func closingEndsTheSubscription() {
    #expect(source.statistics().subscribers == 1)
    source.close()
    #expect(source.statistics().subscribers == 0)
  }
}

@Suite("Even samples") struct EvenSampleTests {
  @Test(arguments: [1, 2, 5, 250], [0, 1, 2, 5, 10, 11, 100, 999, 8_192])
  func areSpreadOverAllOfIt(limit: Int, count: Int) {
    var sample = EvenSample<Int>(limit)
    for element in 0..<count { sample.offer(element) }
    let elements = sample.elements
    #expect(elements.count == (count <= limit ? count : min(limit, elements.count)))
    #expect(elements.count * 4 >= min(limit, count), "no less than a quarter")
    #expect(elements == elements.sorted())
    guard elements.count > 1 else { return }
    let gaps = Set(zip(elements, elements.dropFirst()).map { $1 - $0 })
    #expect(gaps.count == 1, "\(gaps)")
  }
}

@Suite("Keys of documents from text") struct KeyTextTests {
  @Test func textBecomesTheKeyOfTheType() throws {
    #expect(DocumentDigest.keys(Int.self, text: "42") == [42])
    #expect(DocumentDigest.keys(Int.self, text: "x").isEmpty)
    #expect(DocumentDigest.keys(String.self, text: "42") == ["42"])
    #expect(DocumentDigest.keys(UInt64.self, text: "18446744073709551615") == [.max])
    #expect(DocumentDigest.keys(Value.self, text: "42") == [.int(42), .string("42")])
    #expect(DocumentDigest.keys(Value.self, text: "1.5") == [.string("1.5"), .double(1.5)])
    #expect(DocumentDigest.keys(Value.self, text: "true") == [.string("true"), .bool(true)])
    let date = Date(timeIntervalSince1970: 1_706_659_200)
    #expect(DocumentDigest.keys(Value.self, text: "2024-01-31") == [.string("2024-01-31"), .date(date)])
    #expect(DocumentDigest.keys(Value.self, text: "inf") == [.string("inf")])
    let uuid = UUID()
    #expect(DocumentDigest.keys(UUID.self, text: uuid.uuidString).first == uuid)
  }
}
