import Foundation
import Testing

@testable import DarkBird

/// Queries with an order, which go through the index of the order or sort what another index gives.
@Suite struct QueryTests {
  /// 20,000 members, of whom one in a hundred has no score; of each club one in so many.
  private func members() throws -> MemberStore {
    let store = try MemberStore(.memory)
    for key in 0..<20_000 {
      let club = key % 400 == 7 ? "few" : key % 10 == 3 ? "some" : "many"
      let score = key % 100 == 7 && key % 800 != 7 ? nil : Double(key * 7_919 % 1_009)
      try store.put(Member(name: "\(key)", club: club, score: score), for: key)
    }
    return store
  }

  /// - Returns: keys and scores in order, documents of one score in the order of the pages of the other plan.
  private func found(
    _ store: MemberStore, _ query: Query, pages: [Int]
  ) throws -> (keys: [Int], scores: [Double], examined: [Int]) {
    var keys: [Int] = []
    var scores: [Double] = []
    var examined: [Int] = []
    var cursor: Cursor?
    for number in 0... {
      let page = try store.documents(query, limit: number < pages.count ? pages[number] : .max, after: cursor)
      keys += page.documents.map(\.key)
      scores += page.documents.map { $0.document.score ?? .nan }
      examined.append(page.examined)
      cursor = page.next
      if cursor == nil { break }
    }
    return (keys, scores, examined)
  }

  @Test(arguments: Query.Order.allCases) func fewCandidatesAreSorted(order: Query.Order) throws {
    let store = try members()
    let query = Query(allTags: ["club=few"], orderBy: "score", order: order)
    let plan = try store.explain(query, limit: 7)
    #expect(plan.driver == .tag("club=few") && plan.sortedBy == "score" && plan.candidates == 50)
    #expect(plan.description == "tag(club=few) 50, sorted by score")
    let pages = try found(store, query, pages: Array(repeating: 7, count: 10))
    #expect(pages.keys.count == 25, "those without a score are not found")
    #expect(Set(pages.keys) == Set((0..<20_000).filter { $0 % 800 == 7 }))
    #expect(pages.scores == pages.scores.sorted { order == .ascending ? $0 < $1 : $0 > $1 })
    #expect(pages.examined == [50, 50, 50, 50], "each page looks at the candidates, and at nothing else")
    #expect(try store.count(query) == 25)
    var visited: [Int] = []
    try store.forEach(query) { key, _ in visited.append(key) }
    #expect(visited == pages.keys)
  }

  private struct Enough: Error {}

  @Test func visitEndsWithWhatItsBodyThrows() throws {
    let store = try members()
    for query in [Query(), Query(allTags: ["club=few"]), Query(orderBy: "score"), Query(noTags: ["club=many"])] {
      var visited = 0
      #expect(throws: Enough.self) {
        try store.forEach(query) { _, _ in
          visited += 1
          if visited == 3 { throw Enough() }
        }
      }
      #expect(visited == 3, "\(query)")
    }
  }

  @Test(arguments: [0, -1, Int.min]) func noResultsAreWantedAndNoneCome(limit: Int) throws {
    let store = try members()
    for query in [Query(), Query(allTags: ["club=few"]), Query(allTags: ["club=few"], orderBy: "score")] {
      let page = try store.documents(query, limit: limit)
      #expect(page.documents.isEmpty && page.next == nil, "\(query)")
    }
  }

  @Test func ownerOfAUniqueValueIsLookedAtWhereItIs() throws {
    let store = try MemberStore()
    try store.put(Member(email: "a", badge: 7, age: 30), for: 1)
    #expect(try store.withDocument(unique: "badge", 7) { key, member in "\(key) \(member.age ?? 0)" } == "1 30")
    #expect(try store.withDocument(unique: "email", "b") { _, _ in true } == nil)
    #expect(throws: Enough.self) { try store.withDocument(unique: "email", "a") { _, _ in throw Enough() } }
  }

  /// As the schema makes them, of whatever type.
  @Test func tagsAreAskedForByTheirValues() throws {
    let date = Date(timeIntervalSince1970: 1_764_493_200)
    let identifier = UUID()
    let store = try Store<Int, Record>(
      .memory,
      schema: [
        .tag("price") { $0["price"]?.indexValue }, .tag("on") { $0["on"]?.indexValue },
        .tag("at") { $0["at"]?.indexValue },
        .tag("id") { _ in identifier },
      ])
    try store.put(["price": 2.0, "on": true, "at": .date(date)], for: 1)
    #expect(Query.tag("price", 2.0) == "price=2.0" && Query.tag("at", date) == "at=2025-11-30T09:00:00Z")
    for tag in [Query.tag("price", 2.0), Query.tag("on", true), Query.tag("at", date), Query.tag("id", identifier)] {
      #expect(try store.documents(tagged: tag).documents.map(\.key) == [1], "\(tag)")
    }
  }

  @Test func tagThatNobodyHasCostsNothing() throws {
    let page = try members().documents(Query(allTags: ["club=none"], orderBy: "score"), limit: 200)
    #expect(page.documents.isEmpty && page.next == nil && page.examined == 0)
  }

  /// The plan depends on how many results are wanted; a page goes on where another plan's ended.
  @Test(arguments: Query.Order.allCases) func pagesOfBothPlansFollowEachOther(order: Query.Order) throws {
    let store = try members()
    let query = Query(allTags: ["club=some"], orderBy: "score", order: order)
    #expect(try store.explain(query, limit: 5).sortedBy == nil)
    #expect(try store.explain(query).sortedBy == "score")
    let whole = try found(store, query, pages: [])
    #expect(whole.keys.count == 2_000 && Set(whole.keys).count == 2_000)
    #expect(whole.scores == whole.scores.sorted { order == .ascending ? $0 < $1 : $0 > $1 })
    for pages in [[5], [5, .max], Array(repeating: 5, count: 30)] {
      #expect(try found(store, query, pages: pages).keys == whole.keys)
    }
  }

  @Test(arguments: [1, 4, 1_024]) func scanMayBeginWithAnyShard(shards: Int) throws {
    var configuration = StoreConfiguration.memory
    configuration.shardCount = shards
    let store = try MemberStore(configuration)
    for key in 0..<2_000 { try store.put(Member(), for: key) }
    var all = try store.scan().documents.map(\.key)
    for shard in 0..<shards {
      let own = (0..<2_000).count { Int($0.storeHash & UInt(shards - 1)) == shard }
      #expect(try store.scan(after: store.cursor(beforeShard: shard)).documents.map(\.key) == all)
      all.removeFirst(own)
    }
    #expect(all.isEmpty && store.cursor(beforeShard: shards) == nil)
  }

  @Test func cursorOfAnotherOrderIsRefused() throws {
    let store = try members()
    let byScore = try store.documents(Query(allTags: ["club=few"], orderBy: "score"), limit: 5).next
    let cursor = try #require(byScore)
    #expect(throws: StoreError.self) {
      try store.documents(Query(allTags: ["club=few"], orderBy: "age"), limit: 5, after: cursor)
    }
    #expect(throws: StoreError.self) { try store.documents(Query(allTags: ["club=few"]), limit: 5, after: cursor) }
  }

  @Test func cursorGoesBackInTheOtherOrder() throws {
    let store = try members()
    let range = IndexRange.closed(100.0, 200.0)
    let first = try store.documents(where: "score", in: range, limit: 5)
    let second = try store.documents(where: "score", in: range, limit: 5, after: first.next)
    let back = try store.documents(where: "score", in: range, order: .descending, after: second.next)
    let expected = first.documents + second.documents.dropLast()
    #expect(back.documents.map(\.key) == expected.reversed().map(\.key))
  }

  /// Or what lies between its place and the other range would be taken for results.
  @Test(arguments: Query.Order.allCases) func cursorOfAnotherRangeIsRefused(order: Query.Order) throws {
    let store = try members()
    let page = try store.documents(where: "score", in: .closed(100.0, 200.0), order: order, limit: 5)
    let cursor = try #require(page.next)
    for other in [IndexRange.closed(300.0, 400.0), .closed(0.0, 50.0), .closed(100.0, 199.0)] {
      #expect(
        storeError { _ = try store.documents(where: "score", in: other, order: order, limit: 5, after: cursor) }
          == .invalidConfiguration(reason: "the cursor belongs to another query"))
    }
  }

  @Test func unionOfManyTagsHasEachDocumentOnceInOrder() throws {
    let store = try MemberStore(.memory)
    var generator = SeededGenerator(seed: 5)
    for key in 0..<3_000 {
      try store.put(
        Member(skills: (0..<generator.below(4)).map { _ in "s\(generator.below(200))" }, age: generator.below(90)),
        for: key)
    }
    let tags = (0..<150).map { "skills=s\($0)" }
    let expected = Set(
      try store.contents().filter { _, member in member.skills.contains { tags.contains("skills=\($0)") } }.keys)
    for order in Query.Order.allCases {
      let query = Query(anyTags: tags, order: order)
      var numbers: [DocumentNumber] = []
      var keys: [Int] = []
      var cursor: Cursor?
      repeat {
        let page = try store.documents(query, limit: 97, after: cursor)
        keys += page.documents.map(\.key)
        numbers += page.documents.map { store.entry($0.key)!.number }
        cursor = page.next
      } while cursor != nil
      #expect(keys.count == expected.count && Set(keys) == expected)
      #expect(numbers == numbers.sorted(by: { order == .ascending ? $0 < $1 : $0 > $1 }))
    }
    #expect(try store.count(Query(anyTags: tags)) == expected.count)
    let others = expected.filter { store[$0]?.skills.contains("s0") == false }
    #expect(try store.count(Query(anyTags: tags, noTags: ["skills=s0"])) == others.count)
  }

  /// Copies of copies would be visited too.
  @Test(arguments: [1, 8], [Query(), Query(order: .descending), Query(noTags: ["club=PSV"])])
  func visitingEndsThoughItsBodyPutsOthers(shards: Int, query: Query) throws {
    var configuration = StoreConfiguration.memory
    configuration.shardCount = shards
    let store = try MemberStore(configuration)
    for key in 0..<3_000 { try store.put(Member(age: key), for: key) }
    var visits = 0
    try store.forEach(query) { key, document in
      visits += 1
      if visits > 20_000 { throw CancellationError() }
      try store.put(copy document, for: key + visits * 1_000_000)
    }
    // And of the others at most what finds room in the last chunk of a shard.
    #expect((3_000...3_000 + 256 * shards).contains(visits))
  }

  @Test func pageAfterARemovalOfEverythingHasWhatCameSince() throws {
    var configuration = StoreConfiguration.memory
    configuration.shardCount = 1
    let store = try MemberStore(configuration)
    for key in 0..<1_000 { try store.put(Member(), for: key) }
    let query = Query(order: .descending)
    let first = try store.documents(query, limit: 10)
    try store.removeAll()
    for key in 0..<100 { try store.put(Member(), for: key) }
    let second = try store.documents(query, after: first.next)
    #expect(Set(second.documents.map(\.key)) == Set(0..<100))
  }

  @Test func tagIsOfItsFieldHoweverThatIsSpelled() throws {
    let store = try Store<Int, Member>(.memory, schema: [.tag("caf\u{e9}", \.club)])
    try store.put(Member(club: "x"), for: 1)
    #expect(try store.documents(tagged: "cafe\u{301}=x").documents.map(\.key) == [1])
    #expect(storeError { _ = try store.documents(tagged: "cafe=x") } != nil)
  }

  /// Many have the same count; of those the first in the alphabet come first, however few are asked for.
  @Test func mostFrequentTagsComeFirst() throws {
    var generator = SeededGenerator(seed: 5)
    let store = try Store<Int, Member>(.memory, schema: [.tag("club", \.club), .tag("city", \.city)])
    var counts: [String: Int] = [:]
    for key in 0..<3_000 {
      let club = "c\(Int.random(in: 0..<400, using: &generator) * Int.random(in: 0..<3, using: &generator))"
      counts["club=" + club, default: 0] += 1
      try store.put(Member(club: club, city: "Oslo"), for: key)
    }
    let expected = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
    for limit in [0, 1, 2, 7, 100, expected.count - 1, expected.count, 10_000, .max, -1] {
      let found = try store.tags(of: "club", limit: limit).map { "\($0.tag) \($0.count)" }
      #expect(found == Array(expected.prefix(max(0, limit))))
    }
  }

  @Test func tagsAreNotMadeToHaveOneHash() {
    let hashes = (0..<1_000).map { TagName("k\($0)=k\($0)=").hash }
    #expect(Set(hashes).count == 1_000)
  }

  @Test func visitingSkipsWhatNoLongerMatches() throws {
    for change in [
      { (store: MemberStore, key: Int) in _ = try store.remove(key) },
      { store, key in try store.put(Member(club: "PSV", age: 1), for: key) },
    ] {
      for query in [Query(allTags: ["club=Ajax"]), Query(allTags: ["club=Ajax"], orderBy: "age")] {
        let store = try MemberStore(.memory)
        for key in 0..<10 { try store.put(Member(club: "Ajax", age: key), for: key) }
        var visited: [Int] = []
        try store.forEach(query) { key, _ in
          visited.append(key)
          for other in 0..<10 where other != key { try change(store, other) }
        }
        #expect(visited.count == 1)
      }
    }
  }
}

/// Which tag field a tag is counted for.
struct TagFieldTests {
  private static let schema: IndexSchema<Member> = [
    .tags(computed: "extra") { $0.skills }, .tag("club", \.club), .range("age", \.age),
  ]

  @Test func tagIsOfTheFieldThatItNames() throws {
    let store = try Store<Int, Member>(.memory, schema: Self.schema)
    try store.put(Member(skills: ["club=Ajax", "vip"]), for: 1)
    try store.put(Member(club: "Ajax"), for: 2)
    #expect(try store.tags(of: "club").map(\.count) == [2])
    #expect(try store.tags(of: "extra").map(\.tag) == ["vip"])
    try store.remove(1)
    #expect(try store.tags(of: "club").map(\.count) == [1])
    let counts = store.statistics().indexes.filter { $0.kind == .tag }.map(\.entries)
    #expect(counts == [0, 1])
    #expect(store.audit().problems == [])
  }

  /// The name of one field in front of the other's, as the tags of it are spelled.
  @Test func fieldWhoseNameBeginsWithAnotherHasItsOwnTags() throws {
    let store = try Store<Int, Member>(.memory, schema: [.tag("a", \.club), .tag("a=b", \.city)])
    try store.put(Member(club: "x", city: "y"), for: 1)
    #expect(try store.tags(of: "a").map(\.tag) == ["a=x"])
    #expect(try store.tags(of: "a=b").map(\.tag) == ["a=b=y"])
    #expect(store.statistics().indexes.map(\.entries) == [1, 1])
    #expect(try store.documents(tagged: "a=b=y").documents.map(\.key) == [1])
  }

  @Test func tagOfNoFieldIsRefusedUnlessTagsAreComputed() throws {
    let strict = try Store<Int, Member>(.memory, schema: [.tag("club", \.club), .tag("skills", each: \.skills)])
    for (tag, name) in [("clbu=Ajax", "clbu"), ("vip", "vip"), ("=", ""), ("", "")] {
      let error = StoreError.unknownIndex(name: name, known: ["club", "skills"])
      #expect(storeError { _ = try strict.documents(tagged: tag) } == error)
      #expect(storeError { _ = try strict.count(Query(noTags: [tag])) } == error)
      #expect(storeError { _ = try strict.explain(Query(anyTags: ["club=Ajax", tag])) } == error)
    }
    #expect(try strict.documents(tagged: "club=nobody").documents.isEmpty)
    #expect(try strict.snapshot().documents(tagged: "club=").documents.isEmpty)
    let free = try Store<Int, Member>(.memory, schema: Self.schema)
    #expect(try free.documents(tagged: "clbu=Ajax").documents.isEmpty)
  }
}
