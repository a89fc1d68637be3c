import DarkBird
import Testing

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
}
