import DarkBird
import Foundation
import Testing

@testable import DarkBirdDashboard

@Suite("Query line") struct QueryLineTests {
  private let vocabulary = QueryVocabulary(ScriptedStore().outline(tagsPerField: 20))

  private func parse(_ line: String) throws -> Selection { try QueryLine.parse(line, vocabulary) }

  private func range(_ field: String, _ range: IndexRange) -> Selection {
    .query(Query(ranges: [.init(field: field, range: range)]), limit: nil)
  }

  @Test func emptyLineIsEverything() throws {
    #expect(try parse("  ") == .query(Query(), limit: nil))
  }

  @Test func lookups() throws {
    #expect(try parse("key u:88123") == .key("u:88123"))
    #expect(try parse("key \"a key with blanks\"") == .key("a key with blanks"))
    #expect(try parse("unique email=x@y") == .unique(index: "email", value: "x@y"))
    #expect(try parse("unique email=a=b") == .unique(index: "email", value: "a=b"))
  }

  /// As characters the sign and the mark behind it are one.
  @Test func valuesMayBeginWithAMark() throws {
    let tag = "club=\u{338}x"
    #expect(try parse("tag:\(tag)") == .query(Query(allTags: [tag]), limit: nil))
    #expect(try parse("unique email=\u{338}x") == .unique(index: "email", value: "\u{338}x"))
    #expect(try parse(QueryLine.text(.query(Query(noTags: [tag]), limit: 3))) == .query(Query(noTags: [tag]), limit: 3))
  }

  @Test func boundsMayBeginWithAMark() throws {
    // It is known for a tag, of a field that this store does not have.
    #expect(throws: QueryError("tags look like club=VALUE", token: "tag:\u{301}x", column: 0)) {
      try parse("tag:\u{301}x")
    }
    func range(_ text: String) throws -> IndexRange { try RangeText.parse(text, field: "name", like: .string("")) }
    #expect(try range("a..\u{301}x") == .closed("a", "\u{301}x"))
    #expect(try range("a..<\u{301}x") == IndexRange(lower: .included("a"), upper: .excluded("\u{301}x")))
  }

  /// Marks make one character of themselves and a quote, a blank or a backslash before them.
  @Test(arguments: ["\u{301} x", "a\"\u{301} b", "\\\u{301}", "a \u{301}", "\u{600}\" x", "\u{301}\"", "\u{600}"])
  func anyTextComesBackAsOneToken(text: String) throws {
    for text in [text, "tag:club=" + text] {
      let line = "x " + QueryToken.quoted(text) + " y"
      #expect(
        try QueryToken.split(line).map { Array($0.text.unicodeScalars) }
          == ["x", text, "y"].map { Array($0.unicodeScalars) })
      #expect(Array(QueryToken.last(of: QueryToken.begun(text)).text.unicodeScalars) == Array(text.unicodeScalars))
    }
  }

  @Test func shards() throws {
    #expect(try parse("shard 17") == .shard(17))
    #expect(throws: QueryError.self) { try parse("shard -1") }
    #expect(throws: QueryError.self) { try parse("shard 17 limit 3") }
    #expect(QueryLine.text(.shard(17)) == "shard 17")
  }

  @Test func bounds() throws {
    #expect(try parse("range age 20..35") == range("age", .closed(20, 35)))
    #expect(try parse("range age 20..<35") == range("age", .halfOpen(20, 35)))
    #expect(try parse("range age 20..") == range("age", .atLeast(20)))
    #expect(try parse("range age ..35") == range("age", .atMost(35)))
    #expect(try parse("range age ..<35") == range("age", .less(than: 35)))
    #expect(try parse("range age 34") == range("age", .exactly(34)))
    #expect(try parse("range age ..") == range("age", .all))
    #expect(try parse("range age") == range("age", .all))
    #expect(try parse("range salary -1.5..2.5") == range("salary", .closed(-1.5, 2.5)))
  }

  @Test func numbersMayHaveUnits() throws {
    #expect(try parse("range salary 100MB..") == range("salary", .atLeast(100_000_000)))
    #expect(try parse("range salary 1.5k..2GiB") == range("salary", .closed(1_500, 2_147_483_648)))
    #expect(try parse("range age ..<3kib") == range("age", .less(than: 3_072)))
    #expect(try parse("range salary 8.2M..") == range("salary", .atLeast(8_200_000)))
    for wrong in ["k", "3x", "3kk", "3ib", "inf", "1e300tb1"] {
      #expect(throws: QueryError.self) { try parse("range age \(wrong)..") }
    }
  }

  /// Nothing else could be meant by a unit, or by dots, after a number.
  @Test(arguments: [
    ("100 MB..", IndexRange.atLeast(100_000_000)), ("1 k .. 2 MiB", .closed(1_000, 2_097_152)),
    ("1 .. 2", .closed(1, 2)), ("1.. 2", .closed(1, 2)), ("1 ..< 2 k", .halfOpen(1, 2_000)),
    (".. 2 kB", .atMost(2_000)),
    ("5 k", .exactly(5_000)), ("\"100 MB..\"", .atLeast(100_000_000)),
    ("100 MB.. tag:club=Ajax", .atLeast(100_000_000)),
  ]) func boundsMayHaveBlanks(_ text: String, _ expected: IndexRange) throws {
    guard case .query(let query, nil) = try parse("range salary \(text)") else {
      Issue.record("no query")
      return
    }
    #expect(query.ranges == [.init(field: "salary", range: expected)])
  }

  @Test func datesMayHaveBlanks() throws {
    let january = Date(timeIntervalSince1970: 1_704_067_200)  // 2024-01-01 UTC
    #expect(try parse("range joined 2024-01 .. 2024-01-01") == range("joined", .closed(january, january)))
    #expect(
      try parse("range joined .. 2024 limit 5")
        == .query(
          Query(ranges: [.init(field: "joined", range: .atMost(january))]), limit: 5))
  }

  @Test(arguments: [("100 megabytes..", "megabytes..", 17), ("100 2", "2", 17), ("1..2 3", "3", 18)])
  func whatCannotBeABoundIsToldHowToWriteOne(_ text: String, _ token: String, _ column: Int) {
    let error = #expect(throws: QueryError.self) { try parse("range salary \(text)") }
    #expect(error?.token == token && error?.column == column)
    #expect(error?.message == "bounds are LOWEST..HIGHEST, such as 1500..20000 or 100MB..2GB")
  }

  /// A field with numbers and texts in it has no type: the look of a bound decides, as for a field without values.
  @Test func fieldsOfSeveralTypesTakeAllOfThem() throws {
    #expect(RangeText.sample(1, 2.5) == 1 && RangeText.sample(1, "x") == nil && RangeText.sample(nil, nil) == nil)
    #expect(try RangeText.parse("a..b", field: "f", like: nil) == .closed("a", "b"))
    #expect(try RangeText.parse("2", field: "f", like: nil) == .exactly(2))
  }

  @Test(arguments: [
    ("gamse", "games"), ("Games", "games"), ("gmaes", "games"), ("gams", "games"), ("gamess", "games"),
    ("libdevl", "libdevel"), ("xlibdevle", "libdevel"), ("ne", nil), ("NET", "net"), ("nets", "net"), ("gaemz", nil),
    ("", nil), ("zzzzzz", nil), ("gomis", nil), ("東凶", nil), ("東京都庁", "東京都廳"),
  ]) func misspeltWordsAreRecognized(_ word: String, _ nearest: String?) {
    #expect(Spelling.nearest(to: word, in: ["net", "games", "libdevel", "東京都廳", "東京"]) == nearest)
  }

  @Test func ofWordsThatAreAsNearTheOneOfTheSameLengthIsMeant() {
    let known = ["implemented-in::c", "implemented-in::c++", "implemented-in::perl"]
    #expect(Spelling.nearest(to: "implemented-in::cpp", in: known) == "implemented-in::c++")
    #expect(Spelling.nearest(to: "implemented-in::d", in: known) == "implemented-in::c")
  }

  @Test(arguments: [
    ("100..200MB", "salary: from 100 bytes; write 100MB..200MB for both"),
    ("1..<2k", "salary: from 1; write 1k..<2k for both"),
    ("1 .. 2 MB", "salary: from 1 byte; write 1MB..2 MB for both"),
    ("100MB..200MB", nil), ("300..200MB", nil), ("0..200MB", nil), ("..200MB", nil), ("100..200", nil),
    ("100MB..", nil),
  ]) func aUnitThatOnlyTheUpperBoundHasIsNoted(_ bounds: String, _ note: String?) throws {
    let line = "tag:club=Ajax range salary \(bounds) limit 3"
    #expect(QueryLine.notes(line, vocabulary) == (note.map { [$0] } ?? []))
    #expect(throws: Never.self) { try parse(line) }
  }

  @Test func datesAreDates() throws {
    let january = Date(timeIntervalSince1970: 1_704_067_200)  // 2024-01-01 UTC
    let february = Date(timeIntervalSince1970: 1_706_745_600)
    #expect(try parse("range joined 2024..<2024-02") == range("joined", .halfOpen(january, february)))
    #expect(try parse("range joined 2024-01-01..") == range("joined", .atLeast(january)))
    #expect(try parse("range joined 2024-01-01T00:00:00Z..") == range("joined", .atLeast(january)))
    #expect(RangeText.date("2024-02-30") == nil)
  }

  @Test func everythingTogether() throws {
    let line = "tag:club=Ajax !tag:skill=go any:skill=swift any:skill=rust range age 20..35 sort:joined desc limit 500"
    let query = Query(
      allTags: ["club=Ajax"], anyTags: ["skill=swift", "skill=rust"], noTags: ["skill=go"],
      ranges: [.init(field: "age", range: .closed(20, 35))], orderBy: "joined", order: .descending)
    #expect(try parse(line) == .query(query, limit: 500))
  }

  @Test func oneRangeIsAnOrderByItself() throws {
    let query = Query(ranges: [.init(field: "age", range: .all)], orderBy: "age", order: .descending)
    #expect(try parse("range age desc") == .query(query, limit: nil))
  }

  @Test func quotesKeepBlanks() throws {
    let query = Query(allTags: ["club=FC Oslo"])
    #expect(try parse("tag:\"club=FC Oslo\"") == .query(query, limit: nil))
    #expect(try parse("\"tag:club=FC Oslo\"") == .query(query, limit: nil))
    #expect(try parse("tag:club=FC\\ Oslo") == .query(query, limit: nil))
  }

  static let wrong: [(line: String, token: String, column: Int)] = [
    ("wat", "wat", 0), ("range wage 1..2", "wage", 6), ("range", "range", 0), ("range age x..2", "x..2", 10),
    ("range age 35..20", "35..20", 10), ("range age 20..<", "20..<", 10), ("range joined tomorrow..", "tomorrow..", 13),
    ("unique", "unique", 0), ("unique email", "email", 7), ("unique mail=x", "mail=x", 7),
    ("tag:clob=x", "tag:clob=x", 0), ("tag:", "tag:", 0), ("tag:vip", "tag:vip", 0), ("limit", "limit", 0),
    ("limit 0", "0", 6), ("limit many", "many", 6), ("desc", "desc", 0), ("sort:club", "sort:club", 0),
    ("key a b", "b", 6), ("limit 3 key a", "key", 8), ("tag:\"club=x", "\"club=x", 4),
  ]

  @Test(arguments: wrong) func errorsNameTheWord(_ line: String, _ token: String, _ column: Int) throws {
    let error = #expect(throws: QueryError.self) { try parse(line) }
    #expect(error?.token == token)
    #expect(error?.column == column)
  }

  @Test func messagesTellWhatThereIs() {
    let error = #expect(throws: QueryError.self) { try parse("range wage 1..2") }
    #expect(error?.description == "'wage': no such range field; there is age, joined, salary")
    let shard = #expect(throws: QueryError.self) { try parse("shard 64") }
    #expect(shard?.description == "'64': no such shard; there is 0 to 63")
  }

  @Test(arguments: [
    ("age>30", "write 'range age LOWEST..HIGHEST'; either may be left out"),
    ("age", "write 'range age LOWEST..HIGHEST'; either may be left out"),
    ("club=Ajax", "write 'tag:club=Ajax'"), ("club", "write 'tag:club=VALUE'"),
    ("email:a@b", "write 'unique email=a@b'"), ("Tag:club=Ajax", "write 'tag:club=Ajax'"),
    ("tag club=Ajax", "write 'tag:club=Ajax'"), ("Any:club=Ajax", "write 'any:club=Ajax'"),
    ("range age 20.. sort age desc", "write 'sort:age'"), ("SORT:age", "write 'sort:age'"),
    ("range:age 20..", "write 'range age'"), ("Range age 20..", "write 'range age'"),
  ]) func aFieldInTheWrongPlaceIsShownItsRightOne(_ line: String, _ message: String) {
    let error = #expect(throws: QueryError.self) { try parse(line) }
    #expect(error?.description.hasSuffix(message) == true, "\(error?.description ?? "")")
  }

  /// What a menu or the history puts into the line means the same when it is read again.
  @Test(arguments: [
    "key \"a b\"", "unique email=x@y",
    "range age 20..35 tag:club=Ajax !tag:skill=go any:skill=rust sort:age desc limit 7",
    "range age 20..<35", "range age ..35", "range age 34", "range joined 2024-01-31..", "tag:\"club=FC Oslo\"", "",
  ]) func textOfASelectionGivesItBack(_ line: String) throws {
    let selection = try parse(line)
    #expect(try parse(QueryLine.text(selection)) == selection)
  }

  @Test func completion() {
    func complete(_ text: String) -> QueryCompletion { QueryCompletion(text, vocabulary) }
    #expect(complete("ra").text == "range ")
    #expect(complete("range a").text == "range age ")
    #expect(complete("range ").candidates == ["age", "joined", "salary"])
    #expect(complete("unique e").text == "unique email=")
    #expect(complete("range age 1..2 so").text == "range age 1..2 sort:")
    #expect(complete("sort:j").text == "sort:joined ")
    #expect(complete("tag:skill=s").text == "tag:skill=swift ")
    #expect(complete("any:").candidates == ["any:club=", "any:skill="])
    #expect(complete("range AG").text == "range age " && complete("sort:jo").text == "sort:joined ")
    #expect(complete("SO").text == "sort:" && complete("tag:CLUB=aj").text == "tag:club=Ajax ")
    #expect(complete("nothing").candidates.isEmpty && complete("nothing").unknown == "nothing")
    #expect(complete("tag:club=Xy").unknown == "Xy" && complete("range ").unknown == nil)
    #expect(complete("limit 5").unknown == nil && complete("tag:club=Ajax").unknown == nil)
    #expect(complete("nothing").text == "nothing")
  }

  /// A name with blanks is completed into quotes, whether somebody has typed one or not.
  @Test(arguments: ["tag:club=V", "tag:\"club=V", "\"tag:club=V"]) func namesWithBlanksAreCompleted(_ typed: String) {
    var vocabulary = vocabulary
    vocabulary.tags = ["club=Ajax", "club=VfB \"1893\" Oslo", "club=VfB Bergen"]
    let first = QueryCompletion("limit 5 " + typed, vocabulary)
    #expect(first.text == "limit 5 tag:\"club=VfB ")
    #expect(first.candidates == ["tag:\"club=VfB \\\"1893\\\" Oslo\"", "tag:\"club=VfB Bergen\""])
    #expect(QueryCompletion(first.text + "B", vocabulary).text == "limit 5 tag:\"club=VfB Bergen\" ")
    #expect(QueryCompletion(first.text + "\\\"", vocabulary).text == "limit 5 tag:\"club=VfB \\\"1893\\\" Oslo\" ")
  }

  @Test(arguments: 0..<200) func noTextTraps(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let pieces =
      QueryLine.words + ["age", "20..35", "..", "<", "\"", "\\", "=", "club=Ajax", " ", "é", "-", "1e400", "limit 1"]
    for _ in 0..<50 {
      let line = (0..<Int.random(in: 0...8, using: &generator)).map { _ in
        pieces.randomElement(using: &generator) ?? ""
      }.joined(separator: Bool.random(using: &generator) ? " " : "")
      if let selection = try? QueryLine.parse(line, vocabulary) { _ = QueryLine.text(selection) }
      _ = QueryCompletion(line, vocabulary)
    }
  }
}
