import Testing

@testable import DarkBird

/// Many threads on one store: what they leave is sound, and what they saw could have happened one call at a time.
@Suite(.timeLimit(.minutes(30)))
struct ConcurrencyTests {
  // Defects 7 and 9, and what issue 2 wants shown.
  @Test(arguments: [StoreConfiguration.PageCapacity.bytes(8 << 10), .records(50)])
  func stormOfWritersLeavesASoundStoreThatReopensTheSame(_ capacity: StoreConfiguration.PageCapacity) throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(.simulated(capacity), on: disk)
    onThreads(8) { thread in
      var generator = SeededGenerator(seed: UInt64(thread))
      for _ in 0..<500 {
        let key = generator.below(60)
        let member = Member.random(&generator, domain: 40)
        do {
          switch generator.below(12) {
          case 0..<5: try store.put(member, for: key)
          case 10, 11:
            let others = (0..<generator.below(8)).map { _ in
              (key: generator.below(60), member: Member.random(&generator, domain: 40), kind: generator.below(4))
            }
            try store.batch { batch in
              batch.put(member, for: key)
              for (key, member, kind) in others {
                switch kind {
                case 0: batch.insert(member, for: key)
                case 1: batch.remove(key)
                default: batch.put(member, for: key)
                }
              }
            }
          case 5: try store.insert(member, for: key)
          case 6: try store.update(key) { $0.age = member.age }
          case 7 where generator.chance(3): try store.removeAll()
          default: try store.remove(key)
          }
        } catch StoreError.duplicate {
        } catch StoreError.keyExists {
        } catch { Issue.record("\(error)") }
      }
    }
    #expect(store.audit().problems == [])
    let contents = try store.contents()
    try store.close()
    let reopened = try MemberStore(on: disk)
    #expect(try reopened.contents() == contents)
    #expect(reopened.audit().problems == [])
  }

  // Defect 9
  @Test func logOrderIsMemoryOrderForOneKey() throws {
    for round in 0..<20 {
      let disk = SimulatedFileSystem.forStores()
      let store = try MemberStore(on: disk)
      try store.put(Member(), for: 1)
      onThreads(8) { thread in
        for step in 0..<20 {
          // Half of the rounds change no index.
          let number = thread * 1_000 + step
          let member = Member(name: "\(number)", age: round % 2 == 0 ? nil : number)
          do { try store.put(member, for: 1) } catch { Issue.record("\(error)") }
        }
      }
      try store.close()
      #expect(try MemberStore(on: disk)[1] == store[1])
    }
  }

  // Defect 4
  @Test func oneOfManyRacersOwnsAUniqueValue() throws {
    let store = try MemberStore()
    let events = store.events(capacity: 10_000)
    let outcomes = Seen<(value: Int, key: Int, owner: String?)>()
    let rounds = 20
    let gate = Barrier(64)
    onThreads(64) { thread in
      for round in 0..<rounds {
        gate.wait()
        let key = round * 64 + thread
        switch storeError({ try store.put(Member(email: "e\(round)"), for: key) }) {
        case nil: outcomes.append((round, key, nil))
        case .duplicate("email", .string("e\(round)"), let owner): outcomes.append((round, key, owner))
        case let error?: Issue.record("\(error)")
        }
      }
    }
    for round in 0..<rounds {
      let racers = outcomes.all.filter { $0.value == round }
      let winners = racers.filter { $0.owner == nil }
      #expect(racers.count == 64 && winners.count == 1)
      #expect(racers.allSatisfy { $0.owner == nil || $0.owner == winners.first.map { "\($0.key)" } })
      #expect(try store.document(unique: "email", "e\(round)")?.key == winners.first?.key)
    }
    #expect(store.count == rounds)
    #expect(store.memoryLSN == UInt64(rounds))
    #expect(events.drain().count == rounds)
    #expect(store.statistics().operations.duplicatesRefused == UInt64(rounds * 63))
  }

  /// The owner of one of two values gives it up for the other, just as a write that wants both looks who it is.
  @Test(arguments: [true, false]) func valuesOfAnOwnerThatChangesStayItsOwn(inBatches: Bool) throws {
    let store = try MemberStore()
    try store.put(Member(email: "a"), for: 1)
    let isDone = Counter()
    let refusals = Counter()
    onThreads(3) { thread in
      var step = 0
      let steps = Effort.meetings(40_000)
      while thread == 0 ? step < steps || refusals.value < 20 && step < Effort.stepsMax : isDone.value == 0 {
        step += 1
        do {
          if thread == 0 {
            try store.put(step % 2 == 0 ? Member(email: "a") : Member(badge: 1), for: 1)
          } else if inBatches {
            try store.batch { batch in
              batch.put(Member(email: "a"), for: thread * 2)
              batch.put(Member(badge: 1), for: thread * 2 + 1)
            }
            Issue.record("accepted")
          } else {
            try store.put(Member(email: "a", badge: 1), for: thread + 1)
            Issue.record("accepted")
          }
        } catch StoreError.duplicate(_, _, let owner) {
          #expect(owner == "1")
          refusals.next()
        } catch { Issue.record("\(error)") }
      }
      isDone.next()
    }
    #expect(store.count == 1)
    #expect(store.audit().problems == [])
  }

  // Defect 6
  @Test func firstUsersOfATagLoseNothing() throws {
    let store = try MemberStore()
    let tags = Effort.meetings(10_000)
    onThreads(2) { thread in
      for number in 0..<tags {
        let member = Member(club: "c\(number)", age: number, city: "c\(number)")
        do { try store.put(member, for: number * 2 + thread) } catch { Issue.record("\(error)") }
      }
    }
    let counts = try store.tags(of: "club")
    #expect(counts.count == tags)
    #expect(counts.allSatisfy { $0.count == 2 })
    for number in stride(from: 0, to: tags, by: 97) {
      #expect(try store.keys(tagged: "club=c\(number)") == [number * 2, number * 2 + 1])
      #expect(Set(try store.keys(where: "age", in: .exactly(number))) == [number * 2, number * 2 + 1])
    }
    #expect(store.audit().problems == [])
  }

  /// A lookup finds the document that stays, and never another one, while writers move everything around it.
  @Test func lookupsBesideWriters() throws {
    let store = try MemberStore()
    for key in 0..<100 { try store.put(Member(age: key), for: key) }
    let isDone = Counter()
    onThreads(4) { thread in
      do {
        if thread < 2 {
          for round in 0..<4 {
            for key in 1_000..<2_000 where key % 2 == thread { try store.put(Member(age: key), for: key) }
            for key in 1_000..<2_000 where key % 2 == thread { try store.remove(key) }
            for key in 0..<100 { try store.put(Member(name: "\(round)", age: key), for: key) }
          }
          isDone.next()
        }
        var key = 0
        while isDone.value < 2 {
          key = key == 1_999 ? 0 : key + 1
          let age = store[key]?.age
          #expect(age == key || age == nil && key >= 100)
          #expect(store.contains(key) || key >= 100)
          #expect(store.stored(key).map { $0.lsn > 0 } ?? (key >= 100))
        }
      } catch { Issue.record("\(error)") }
    }
    #expect(store.count == 100)
    #expect(store.audit().problems == [])
  }

  /// What is removed met the condition, whatever became of it between the look and the removal.
  @Test func removalsOnACondition() throws {
    let store = try MemberStore()
    for key in 0..<8 { try store.put(Member(age: 0), for: key) }
    #expect(try store.remove(1) { $0.age == 1 } == nil && store.remove(99) { _ in true } == nil)
    #expect(try store.remove(1) { $0.age == 0 } == Member(age: 0) && store[1] == nil)
    #expect(throws: CancellationError.self) { try store.remove(2) { _ in throw CancellationError() } }
    #expect(store[2] != nil)
    let isDone = Counter()
    let removed = Counter()
    onThreads(3) { thread in
      do {
        var step = 0
        while thread == 0 ? step < 4_000 || removed.value < 20 && step < Effort.stepsMax : isDone.value == 0 {
          step += 1
          if thread == 0 {
            try store.put(Member(age: step), for: step % 4)
          } else if let member = try store.remove(step % 4, if: { $0.age.map { $0 % 3 == 0 } ?? false }) {
            removed.next()
            #expect(member.age.map { $0 % 3 == 0 } == true)
          }
        }
      } catch { Issue.record("\(error)") }
      isDone.next()
    }
    #expect(store.audit().problems == [])
  }

  /// Whoever comes first puts what the others add to.
  @Test func updatesOfWhatIsNotThereYet() throws {
    let store = try MemberStore()
    onThreads(4) { _ in
      for step in 0..<2_000 {
        do {
          let member = try store.update(step % 400, default: Member(name: "first")) { $0.age = ($0.age ?? 0) + 1 }
          #expect(member.name == "first")
        } catch { Issue.record("\(error)") }
      }
    }
    #expect(store.count == 400 && (0..<400).allSatisfy { store[$0]?.age == 20 })
    #expect(throws: CancellationError.self) {
      try store.update(900, default: { throw CancellationError() }()) { _ in }
    }
    #expect(throws: CancellationError.self) {
      try store.update(900, default: Member()) { _ in throw CancellationError() }
    }
    #expect(store.count == 400)
    let operations = store.statistics().operations
    #expect(operations.inserts == 400 && operations.updates == 7_600 && operations.refusals == 0)
  }

  @Test func updatesAreAtomic() throws {
    let store = try MemberStore()
    try store.put(Member(age: 0), for: 1)
    onThreads(4) { _ in
      for _ in 0..<500 {
        do { try store.update(1) { $0.age = ($0.age ?? 0) + 1 } } catch { Issue.record("\(error)") }
      }
    }
    #expect(store[1]?.age == 2_000)
  }

  // P3: all documents of a page match, although a writer moves them in and out of what is asked for.
  @Test func queriesReturnOnlyWhatMatches() throws {
    let store = try MemberStore()
    for key in 0..<50 { try store.put(Member(club: "Ajax", age: 1), for: key) }
    let isDone = Counter()
    let looks = Counter()
    onThreads(3) { thread in
      do {
        if thread == 0 {
          for step in 0..<Effort.stepsMax where step < 3_000 || looks.value < 20 {
            let isIn = step / 50 % 2 == 1
            try store.put(Member(club: isIn ? "Ajax" : "PSV", age: isIn ? 1 : 2), for: step % 50)
          }
          isDone.next()
        }
        while isDone.value == 0 {
          for stored in try store.documents(tagged: "club=Ajax").documents {
            #expect(stored.document.club == "Ajax" && stored.document.age == 1)
          }
          for stored in try store.documents(where: "age", in: .exactly(1)).documents {
            #expect(stored.document.club == "Ajax" && stored.document.age == 1)
          }
          let query = Query(noTags: ["club=PSV"], ranges: [.init(field: "age", range: .atLeast(0))])
          for stored in try store.documents(query, limit: 7).documents { #expect(stored.document.age == 1) }
          looks.next()
        }
      } catch { Issue.record("\(error)") }
    }
  }

  // A scan that is resumed page by page sees each document that stays exactly once.
  @Test func scanSeesEachStayingDocumentOnce() throws {
    let store = try MemberStore()
    for key in 0..<500 { try store.put(Member(age: key), for: key) }
    let isDone = Counter()
    onThreads(2) { thread in
      do {
        if thread == 0 {
          for _ in 0..<10 {
            var seen: [Int] = []
            var cursor: Cursor?
            repeat {
              let page = try store.scan(limit: 17, after: cursor)
              seen += page.documents.map(\.key).filter { $0 < 500 }
              cursor = page.next
            } while cursor != nil
            #expect(seen.count == 500)
            #expect(Set(seen).count == 500)
          }
          isDone.next()
        } else {
          var key = 500
          while isDone.value == 0 {
            try store.put(Member(age: key), for: key)
            try store.put(Member(age: key), for: key % 500)
            if key % 3 != 0 { try store.remove(key) }
            key = key == 2_000 ? 500 : key + 1
          }
        }
      } catch { Issue.record("\(error)") }
    }
  }

  /// By a range in both orders, by a tag in both, and by a tag in the order of a range, for which the planner may sort each page.
  private static let pagedQueries = [
    Query(ranges: [.init(field: "age", range: .closed(0, 99))], orderBy: "age"),
    Query(ranges: [.init(field: "age", range: .closed(0, 99))], orderBy: "age", order: .descending),
    Query(allTags: ["club=Ajax"]),
    Query(allTags: ["club=Ajax"], order: .descending),
    Query(allTags: ["club=Ajax"], orderBy: "age"),
  ]

  private static func other(_ generator: inout SeededGenerator) -> Member {
    Member(club: generator.pick(["Ajax", "PSV", nil]), age: generator.chance(80) ? generator.below(120) - 10 : nil)
  }

  /// The same of pages that come from an index: others come, go and move before, between and behind those that stay, and of
  /// these changes what no index has.
  @Test(arguments: pagedQueries) func pagesSeeEachStayingDocumentOnceInOrder(query: Query) throws {
    let seed = UInt64(Effort.firstSeed)
    let stayers = 180
    let store = try MemberStore()
    var first = SeededGenerator(seed: seed)
    for key in 0..<stayers {
      // The order of a tag is that of the documents' numbers, which are given in turn.
      try store.put(Self.other(&first), for: 1_000 + key)
      // Three of each age, so that pages end between them.
      try store.put(Member(club: "Ajax", age: 20 + key * 7 % 60), for: key)
    }
    let expected = try store.documents(query).documents.map(\.key).filter { $0 < stayers }
    #expect(expected.count == stayers && Set(expected).count == stayers)
    let (written, isDone) = (Counter(), Counter())
    onThreads(3) { thread in
      var generator = SeededGenerator(seed: seed + 1 + UInt64(thread))
      do {
        if thread == 0 {
          defer { isDone.next() }
          for limit in Effort.choices([1, 3, 17, 40, 7]) {
            var (keys, ages): ([Int], [Int]) = ([], [])
            var cursor: Cursor?
            repeat {
              let before = written.value
              try require(eventually { written.value > before }, "nobody writes between two pages")
              let page = try store.documents(query, limit: limit, after: cursor)
              keys += page.documents.map(\.key)
              ages += page.documents.compactMap(\.document.age)
              cursor = page.next
            } while cursor != nil
            #expect(keys.filter { $0 < stayers } == expected, "seed \(seed), pages of \(limit)")
            if query.orderBy == nil { continue }
            let sorted = query.order == .ascending ? ages.sorted() : ages.sorted(by: >)
            #expect(ages == sorted, "seed \(seed), pages of \(limit)")
          }
        }
        while isDone.value == 0 {
          let (key, age) = (1_000 + generator.below(stayers), generator.below(120) - 10)
          let member = Self.other(&generator)
          switch generator.below(6) {
          case 0: try store.remove(key)
          case 1:
            do { try store.insert(member, for: key) } catch StoreError.keyExists {}
          case 2: try store.update(key) { $0.age = age }
          case 3:
            try store.batch { batch in
              batch.remove(key)
              batch.put(member, for: 1_000 + age + 10)
            }
          case 4: try store.update(generator.below(stayers)) { $0.name = "\(age)" }
          default: try store.put(member, for: key)
          }
          written.next()
        }
      } catch { Issue.record("seed \(seed): \(error)") }
    }
    #expect(store.audit().problems == [])
  }

  @Test func closeWhileWritersWriteLosesNothingThatWasAccepted() throws {
    for _ in 0..<20 {
      let disk = SimulatedFileSystem.forStores()
      let store = try MemberStore(on: disk)
      let accepted = Seen<Int>()
      onThreads(4) { thread in
        for step in 0..<100 {
          if thread == 0 && step == 10 {
            do { try store.close() } catch { Issue.record("\(error)") }
          }
          let key = thread * 1_000 + step
          switch storeError({ try store.put(Member(age: step), for: key) }) {
          case nil: accepted.append(key)
          case .closed: return
          case let error?: Issue.record("\(error)")
          }
        }
      }
      #expect(Set(try MemberStore(on: disk).contents().keys) == Set(accepted.all))
    }
  }

  /// Whoever is not the first to close a store may open the directory again at once, too.
  @Test func everyCloseReturnsWhenTheDirectoryIsFree() throws {
    for _ in 0..<50 {
      let disk = SimulatedFileSystem.forStores()
      let store = try MemberStore(on: disk)
      for key in 0..<100 { try store.put(Member(age: key), for: key) }
      onThreads(4) { thread in
        do {
          try store.close()
          if thread == 0 { try MemberStore(on: disk).close() }
        } catch { Issue.record("\(error)") }
      }
    }
  }

  @Test func checkpointsAndClosesMayMeet() throws {
    for round in 0..<20 {
      let disk = SimulatedFileSystem.forStores()
      let store = try MemberStore(.simulated(.records(5)), on: disk)
      for key in 0..<30 { try store.put(Member(age: key), for: key) }
      onThreads(4) { thread in
        if thread == 3 && round % 2 == 1 {
          do { try store.close() } catch { Issue.record("\(error)") }
          return
        }
        switch storeError({ try store.checkpoint() }) {
        case nil, .closed: break
        case let error?: Issue.record("\(error)")
        }
      }
      try store.close()
      let files = disk.storeFiles
      #expect(throws: StoreError.closed) { try store.checkpoint() }
      let isUntouched = disk.storeFiles == files
      #expect(isUntouched)
      let reopened = try MemberStore(on: disk)
      #expect(try reopened.contents() == store.contents())
    }
  }

  @Test func asynchronousSyncsReturn() async throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(on: disk)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for key in 0..<50 {
        group.addTask {
          try store.put(Member(age: key), for: key)
          try await store.sync()
          #expect(store.statistics().durableLSN > 0)
        }
      }
      try await group.waitForAll()
    }
    #expect(try MemberStore(on: disk.crashImage(seed: 1)).count == 50)
  }
}
