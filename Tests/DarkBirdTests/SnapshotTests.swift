import Testing

@testable import DarkBird

/// Snapshots that are taken, read and dropped while writers write.
@Suite(.timeLimit(.minutes(30)))
struct SnapshotTests {
  /// What a store holds after each LSN, from its events.
  private func states(_ events: EventSubscription<Int, Member>) -> [[Int: Member]] {
    var oracle = CrashOracle()
    for event in events.drain() { oracle.apply(event) }
    return oracle.states
  }

  @Test func tablesGrowWithTheDocumentsNotWithTheSnapshots() throws {
    var configuration = StoreConfiguration.memory
    configuration.shardCount = 1
    let store = try MemberStore(configuration)
    var kept = store.snapshot()
    for chunk in 0..<40 {
      for key in 0..<256 { try store.put(Member(), for: chunk * 256 + key) }
      kept = store.snapshot()
    }
    #expect(kept.count == 40 * 256)
    let capacity = store.shards[0].withLock { $0.slots.directory.capacity }
    #expect(capacity == 64, "40 chunks")
  }

  @Test(arguments: [true, false]) func snapshotIsTheStoreOfOneMoment(isOnDisk: Bool) throws {
    let store = try MemberStore(isOnDisk ? .simulated() : .memory, on: SimulatedFileSystem.forStores())
    let events = store.events(capacity: 100_000)
    let taken = Seen<(lsn: UInt64, contents: [Int: Member])>()
    let writing = Counter()
    let writers = 2
    onThreads(writers + 1) { thread in
      do {
        if thread < writers {
          var generator = SeededGenerator(seed: UInt64(Effort.firstSeed + thread))
          for _ in 0..<1_500 {
            let key = generator.below(80)
            do {
              switch generator.below(20) {
              case 0: try store.removeAll()
              case 1..<5: try store.remove(key)
              default: try store.put(Member.random(&generator, domain: 80), for: key)
              }
            } catch StoreError.duplicate {}
          }
          writing.next()
        } else {
          while writing.value < writers {
            let snapshot = store.snapshot()
            let contents = try snapshot.contents()
            taken.append((snapshot.memoryLSN, contents))
            #expect(snapshot.audit().problems == [])
            #expect(snapshot.count == contents.count)
            let adults = try snapshot.keys(tagged: "adult")
            #expect(adults == Set(contents.filter { $0.value.tags.contains("adult") }.keys))
            let ages = try snapshot.keys(where: "age", in: .all)
            #expect(Set(ages) == Set(contents.filter { $0.value.age != nil }.keys))
            for member in contents.values {
              guard let email = member.email else { continue }
              #expect(try snapshot.document(unique: "email", email)?.document == member)
            }
            #expect(storeError { try snapshot.put(Member(), for: 1) } == .readOnly)
            // Still the same, whatever was written meanwhile.
            #expect(try snapshot.contents() == contents)
          }
        }
      } catch { Issue.record("\(error)") }
    }
    let states = states(events)
    for (lsn, contents) in taken.all { #expect(contents == states[Int(lsn)], "snapshot at LSN \(lsn)") }
    #expect(Set(taken.all.map(\.lsn)).count > 1, "no write fell between two snapshots")
    // The store itself is none the worse.
    #expect(try store.contents() == states.last)
    #expect(store.audit().problems == [])
  }

  @Test func snapshotOutlivesItsStore() throws {
    var store: MemberStore? = try MemberStore(on: SimulatedFileSystem.forStores())
    for key in 0..<1_000 { try store?.put(Member(email: "e\(key)", age: key), for: key) }
    let snapshot = try #require(store?.snapshot())
    try store?.removeAll()
    try store?.close()
    store = nil
    #expect(snapshot.count == 1_000)
    #expect(snapshot.statistics().documents == 1_000)
    #expect(try snapshot.document(unique: "email", "e7")?.key == 7)
    #expect(try snapshot.keys(where: "age", in: .atLeast(990)) == Array(990..<1_000))
    #expect(snapshot.audit().problems == [])
  }
}
