import Testing

@testable import DarkBird

/// Tags and range fields are put into their indexes when someone looks at them, or when many changes wait.
struct DeferredIndexesTests {
  private func store(shards: Int) throws -> MemberStore {
    var configuration = StoreConfiguration.memory
    configuration.shardCount = shards
    return try MemberStore(configuration)
  }

  @Test(arguments: 0..<20) func manyChangesAtOnceAreTheSameAsOneByOne(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let store = try store(shards: generator.pick([1, 4, 64]))
    var clubs: [Int: String?] = [:]
    var ages: [Int: Int?] = [:]
    let keys = generator.pick([20, 500])
    let clubNames: [String?] = [nil, "Ajax", "PSV", "Feyenoord", "A club whose name does not fit into fifteen bytes"]
    for _ in 0..<6 {
      for _ in 0..<generator.pick([5, 200, 2_000]) {
        let key = generator.below(keys)
        if generator.chance(25) {
          try store.remove(key)
          (clubs[key], ages[key]) = (.some(nil), .some(nil))
        } else {
          let member = Member(club: generator.pick(clubNames), age: generator.chance(10) ? nil : generator.below(12))
          try store.put(member, for: key)
          (clubs[key], ages[key]) = (member.club, member.age)
        }
      }
      // Statistics first: they too must have everything put in.
      let statistics = store.statistics().indexes
      let tagged = clubs.values.compactMap(\.self)
      let club = try #require(statistics.first { $0.kind == .tag && $0.name == "club" })
      #expect(club.entries == tagged.count && club.distinct == Set(tagged).count, "seed \(seed)")
      #expect(
        statistics.first { $0.kind == .range && $0.name == "age" }?.entries == ages.values.compactMap(\.self).count,
        "seed \(seed)")
      for name in clubNames.compactMap(\.self) {
        let found = try store.documents(tagged: "club=\(name)").documents.map(\.key)
        #expect(found.sorted() == clubs.filter { $0.value == name }.map(\.key).sorted(), "seed \(seed)")
      }
      for age in 0..<12 {
        let found = try store.documents(where: "age", in: .exactly(age)).documents.map(\.key)
        #expect(found.sorted() == ages.filter { $0.value == age }.map(\.key).sorted(), "seed \(seed)")
      }
      #expect(store.audit().problems == [], "seed \(seed)")
    }
  }

  @Test func countsThatNeedNotBeExactLeaveTheWorkToWriters() throws {
    let store = try store(shards: 4)
    for key in 0..<10 { try store.put(Member(club: "Ajax", age: key), for: key) }
    func entries(_ statistics: StoreStatistics) -> [Int] {
      statistics.indexes.filter { $0.kind != .unique }.map(\.entries)
    }
    #expect(entries(store.statistics(exactIndexCounts: false)).allSatisfy { $0 == 0 })
    #expect(store.indexes.deferred.waitingChanges == 10)
    let exact = entries(store.statistics())
    #expect(exact.max() == 10)
    #expect(entries(store.statistics(exactIndexCounts: false)) == exact)
  }

  /// Changes that come while a query takes the lists lie beyond its moment: it must not see them, and the next one must.
  @Test(arguments: [3, 300]) func changesAfterTheMomentOfAQueryWaitForTheNext(count: Int) throws {
    let store = try store(shards: 4)
    for key in 0..<count { try store.put(Member(club: "Ajax", age: key), for: key) }
    let deferred = store.indexes.deferred
    var failure: (any Error)?
    func lsnBeforeMoreWrites() -> UInt64 {
      let lsn = store.memoryLSN
      do {
        for key in 0..<count { try store.put(Member(club: "PSV", age: key + 1_000), for: key) }
        for key in count..<count + 40 { try store.put(Member(club: "Ajax", age: key), for: key) }
      } catch { failure = error }
      return lsn
    }
    func look(_ lsn: UInt64) -> (lsn: UInt64, ajax: Int, psv: Int, oldest: IndexValue?) {
      let (ajax, psv) = (TagName("club=Ajax"), TagName("club=PSV"))
      return (lsn, deferred.documents(ajax).count, deferred.documents(psv).count, deferred.documents(range: 0).last)
    }
    let during = deferred.withAll(asOf: lsnBeforeMoreWrites, body: look)
    if let failure { throw failure }
    #expect(during == (UInt64(count), count, 0, .int(Int64(count - 1))))
    #expect(try store.count(Query(allTags: ["club=Ajax"])) == 40)
    #expect(try store.count(Query(allTags: ["club=PSV"])) == count)
    #expect(store.audit().problems == [])
  }

  /// A document changes its club all the time. A query may find the old one or the new one, but what it returns has the club
  /// that was asked for: it must know of every change up to its moment.
  @Test func queryKnowsOfWritesThatAreUnderWay() throws {
    let store = try store(shards: 64)
    let done = Counter()
    let queries = Counter()
    onThreads(3) { thread in
      do {
        if thread == 0 {
          var step = 0
          while step < 3_000 || queries.value < 200 {
            step += 1
            try store.put(Member(club: step % 2 == 0 ? "Ajax" : "PSV", age: step), for: 1)
          }
          done.next()
        }
        while done.value == 0 {
          for club in ["Ajax", "PSV"] {
            for found in try store.documents(tagged: "club=\(club)").documents where found.document.club != club {
              Issue.record("\(found) is not of \(club)")
            }
          }
          queries.next()
        }
      } catch { Issue.record("\(error)") }
    }
  }

  /// Writers put in what waits, so that neither the lists nor the next query grow without bound.
  @Test func listsStayShort() throws {
    let store = try store(shards: 1_024)
    let deferred = store.indexes.deferred
    let listMax = DeferredIndexes.listMax(documents: 1, shards: 1_024)
    // All of one shard.
    for step in 0..<10 * listMax {
      try store.put(Member(club: "Ajax", age: step), for: 7)
      #expect(deferred.waitingChanges < listMax)
    }
    try store.batch { batch in
      for key in 0..<20_000 { batch.put(Member(club: "Ajax", age: 1), for: key) }
    }
    #expect(try store.count(Query(allTags: ["club=Ajax"])) == store.count)
    #expect(store.audit().problems == [])
  }

  /// What waits takes memory for each tag, not for each document.
  @Test func documentsOfManyTagsWaitInSmallNumbers() throws {
    let store = try store(shards: 1)
    for key in 0..<100 {
      try store.put(Member(skills: (0..<1_000).map { "\(key) \($0)" }), for: key)
      #expect(store.indexes.deferred.waitingChanges < 70)
    }
    #expect(try store.documents(tagged: "skills=99 999").documents.map(\.key) == [99])
  }

  @Test func removalOfAllForgetsWhatWaits() throws {
    let store = try store(shards: 4)
    for key in 0..<100 { try store.put(Member(club: "Ajax", age: key), for: key) }
    try store.removeAll()
    #expect(try store.count(Query(allTags: ["club=Ajax"])) == 0)
    try store.put(Member(club: "Ajax", age: 3), for: 1)
    #expect(try store.documents(tagged: "club=Ajax").documents.map(\.key) == [1])
    #expect(store.audit().problems == [])
  }

  /// Values of several types in one range field have one order, also where many come at once.
  @Test func manyValuesOfAnyTypeAreSorted() throws {
    var generator = SeededGenerator(seed: 1)
    let store = try Store<Int, Record>(schema: IndexSchema(FieldSchema(ranges: ["value"])))
    var values: [IndexValue] = []
    for key in 0..<2_000 {
      let number = generator.below(200)
      let value: Value = generator.pick([
        .int(Int64(number)), .double(Double(number) / 2), .string("n\(number)"), .bool(number % 2 == 0),
      ])
      try store.put(["value": value], for: key)
      if let value = value.indexValue { values.append(value) }
    }
    let found = try store.documents(where: "value", in: .all).documents
    #expect(found.map { $0.document.value(at: "value")?.indexValue } == values.sorted())
    #expect(store.audit().problems == [])
  }
}
