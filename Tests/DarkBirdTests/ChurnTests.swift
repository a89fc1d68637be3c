import Testing

@testable import DarkBird

/// Queries while everything they ask for changes.
@Suite(.timeLimit(.minutes(30)))
struct ChurnTests {
  /// Writers put random documents under few keys; readers ask random queries, of which every result must match. Of the documents
  /// under other keys, which nobody writes, they find those that match, each once.
  @Test func everyDocumentMatchesItsQuery() throws {
    let store = try MemberStore()
    let (keys, stayingKeys) = (0..<150, 150..<200)
    var staying: [Int: Member] = [:]
    var first = SeededGenerator(seed: UInt64(Effort.firstSeed) + 100)
    for key in stayingKeys {
      var member = Member.random(&first, domain: 300)
      // Which a writer might own before.
      member.email = nil
      member.badge = nil
      staying[key] = member
      try store.put(member, for: key)
    }
    let stayers = staying
    let writing = Counter()
    let writers = 2
    let found = Counter()
    onThreads(writers + 2) { thread in
      var generator = SeededGenerator(seed: UInt64(Effort.firstSeed + thread))
      do {
        if thread < writers {
          var written = 0
          while written < 4_000 || found.value == 0 {
            written += 1
            let key = generator.below(keys.count)
            do {
              if generator.chance(20) {
                try store.remove(key)
              } else {
                try store.put(Member.random(&generator, domain: 300), for: key)
              }
            } catch StoreError.duplicate {}
          }
          writing.next()
        }
        while writing.value < writers {
          let test = TestQuery.random(&generator)
          let expected = stayers.filter { test.matches($0.value) }.keys.sorted()
          var stayed: [Int] = []
          if thread % 2 == 0 {
            try store.forEach(test.query) { key, document in
              found.next()
              if stayingKeys.contains(key) { stayed.append(key) }
              let document = copy document
              if !test.matches(document) { Issue.record("\(document) under \(key) does not match \(test.query)") }
            }
            #expect(stayed.sorted() == expected, "\(test.query)")
            continue
          }
          var cursor: Cursor?
          let limit = generator.pick([1, 3, 20, .max])
          repeat {
            let page = try store.documents(test.query, limit: limit, after: cursor)
            for stored in page.documents {
              found.next()
              if stayingKeys.contains(stored.key) { stayed.append(stored.key) }
              if !test.matches(stored.document) { Issue.record("\(stored) does not match \(test.query)") }
            }
            cursor = page.next
          } while cursor != nil
          #expect(stayed.sorted() == expected, "\(test.query), pages of \(limit)")
          let count = try store.count(test.query)
          #expect((expected.count...expected.count + keys.count).contains(count), "\(test.query)")
        }
      } catch { Issue.record("\(error)") }
    }
    #expect(store.audit().problems == [])
  }

  /// While a query looks at its first candidate, a document comes in and then the only other result goes out: at every moment
  /// there was one.
  @Test(arguments: [true, false], [nil, "age"]) func resultsAreThoseOfOneMoment(counts: Bool, orderBy: String?) throws {
    let onLook = Guarded<(@Sendable () -> Void)?>(nil)
    let schema: IndexSchema<Member> = [
      .tag("club", \.club),
      .range("age") { (member: Member) -> Int? in
        if member.name == "looked at", let once = onLook.withLock({ $0.take() }) { once() }
        return member.age
      },
    ]
    var configuration = StoreConfiguration.memory
    configuration.shardCount = 1
    let store = try MemberStore(configuration, schema: schema, fileSystem: SimulatedFileSystem())
    // More candidates than are fetched at once, and by the tag fewer than by the range.
    for key in 0..<300 { try store.put(Member(name: key == 0 ? "looked at" : "", club: "Ajax", age: 0), for: key) }
    try store.put(Member(club: "Ajax", age: 1), for: 300)
    for key in 1_000..<3_000 { try store.put(Member(age: 1), for: key) }
    onLook.withLock {
      $0 = {
        do {
          try store.put(Member(club: "Ajax", age: 1), for: 301)
          try store.put(Member(club: "PSV", age: 1), for: 300)
        } catch { Issue.record("\(error)") }
      }
    }
    let query = Query(allTags: ["club=Ajax"], ranges: [.init(field: "age", range: .atLeast(1))], orderBy: orderBy)
    #expect(try store.explain(query).driver == .tag("club=Ajax"))
    #expect(try store.explain(query).sortedBy == orderBy)
    if counts {
      #expect(try store.count(query) == 1)
    } else {
      #expect(try store.documents(query).documents.map(\.key) == [301])
    }
    #expect(onLook.withLock { $0 == nil }, "the query did not look at its first candidate")
  }
}
