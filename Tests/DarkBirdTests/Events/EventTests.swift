import Synchronization
import Testing

@testable import DarkBird

@Suite(.timeLimit(.minutes(30)))
struct EventTests {
  private typealias MemberEvent = Event<Int, Member>

  private func describe(_ event: MemberEvent) -> String {
    switch event {
    case .put(let key, let old, let new, let lsn, _):
      "\(lsn) put \(key) \(old.map(\.name) ?? "-") \(new.name)"
    case .removed(let key, let old, let lsn, _): "\(lsn) removed \(key) \(old.name)"
    case .replayed(let key, let document, let lsn, _): "\(lsn) replayed \(key) \(document?.name ?? "-")"
    case .cleared(let count, let lsn): "\(lsn) cleared \(count.map(String.init) ?? "?")"
    case .gap(let dropped): "gap \(dropped)"
    }
  }

  @Test(arguments: [true, false]) func eventsTellEveryChangeWithOldAndNew(isOnDisk: Bool) throws {
    let store = try MemberStore(isOnDisk ? .simulated() : .memory, on: SimulatedFileSystem.forStores())
    let events = store.events()
    try store.put(Member(name: "a"), for: 1)
    try store.put(Member(name: "b"), for: 1)
    try store.insert(Member(name: "c"), for: 2)
    try store.update(2) { $0.name = "d" }
    try store.remove(1)
    try store.remove(1)
    try store.removeAll()
    let expected = ["1 put 1 - a", "2 put 1 a b", "3 put 2 - c", "4 put 2 c d", "5 removed 1 b", "6 cleared 1"]
    #expect(events.drain().map(describe) == expected)
    #expect(events.drain().isEmpty)
  }

  // Defect 25
  @Test func oneSubscriberGetsEverything() async throws {
    let store = try MemberStore()
    let events = store.events(capacity: 2_000)
    onThreads(4) { thread in
      for step in 0..<500 {
        do { try store.put(Member(), for: thread * 1_000 + step) } catch { Issue.record("\(error)") }
      }
    }
    try store.close()
    var lsns: [UInt64] = []
    for await event in events { lsns.append(event.lsn ?? 0) }
    #expect(lsns == Array(1...2_000))
  }

  @Test(arguments: [true, false]) func everySubscriberSeesTheOrderOfTheLog(isOnDisk: Bool) throws {
    let store = try MemberStore(isOnDisk ? .simulated() : .memory, on: SimulatedFileSystem.forStores())
    let subscriptions = (0..<3).map { _ in store.events(capacity: 100_000) }
    onThreads(4) { thread in
      var generator = SeededGenerator(seed: UInt64(thread))
      for step in 0..<300 {
        let key = generator.below(20)
        do {
          if generator.chance(30) { try store.remove(key) } else { try store.put(Member(name: "\(step)"), for: key) }
        } catch { Issue.record("\(error)") }
      }
    }
    for events in subscriptions {
      var state: [Int: Member] = [:]
      var lsn: UInt64 = 0
      for event in events.drain() {
        lsn += 1
        #expect(event.lsn == lsn)
        switch event {
        case .put(let key, let old, let new, _, _):
          #expect(old == state[key])
          state[key] = new
        case .removed(let key, let old, _, _):
          #expect(old == state[key])
          state[key] = nil
        case .replayed, .cleared, .gap: Issue.record("\(event)")
        }
      }
      #expect(lsn == store.memoryLSN)
      #expect(try state == store.contents())
    }
  }

  // Defect 26
  @Test func stuckSubscriberStallsNobodyAndIsToldWhatItMissed() throws {
    let store = try MemberStore(on: SimulatedFileSystem.forStores())
    let stuck = store.events(capacity: 10)
    let awake = store.events(capacity: 10_000)
    // Would not return if a writer waited for a subscriber that never reads.
    for key in 0..<1_000 { try store.put(Member(), for: key) }
    #expect(awake.drain().count == 1_000)
    #expect(store.statistics().eventsDropped == 990)
    let received = stuck.drain()
    #expect(received.count == 11)
    #expect(received.first.map(describe) == "gap 990")
    #expect(received.dropFirst().map(\.lsn) == (991...1_000).map { $0 })
    try store.put(Member(), for: 0)
    #expect(stuck.drain().map(\.lsn) == [1_001])
  }

  /// Events are taken while others write: what is taken is always a prefix of the log, whatever writes are under way.
  @Test(arguments: [1, 64]) func eventsTakenWhileOthersWriteAreInOrder(shards: Int) throws {
    var configuration = StoreConfiguration.memory
    configuration.shardCount = shards
    let store = try MemberStore(configuration)
    let events = store.events(capacity: 1_000_000)
    let writersLeft = Counter()
    onThreads(4) { thread in
      if thread > 0 {
        var generator = SeededGenerator(seed: UInt64(thread))
        for step in 0..<3_000 {
          let key = generator.below(200)
          do {
            switch generator.below(8) {
            case 0: try store.remove(key)
            case 1:
              try store.batch { batch in
                for offset in 0..<3 { batch.put(Member(name: "\(thread) \(step)"), for: key + offset) }
              }
            default: try store.put(Member(name: "\(thread) \(step)"), for: key)
            }
          } catch { Issue.record("\(error)") }
        }
        writersLeft.next()
        return
      }
      var state: [Int: Member] = [:]
      var lsn: UInt64 = 0
      var isLast = false
      while !isLast {
        isLast = writersLeft.value == 3
        for event in events.drain(limit: isLast ? .max : 500) {
          let next = event.lsn ?? 0
          #expect(next == lsn || next == lsn + 1)
          lsn = next
          switch event {
          case .put(let key, let old, let new, _, _):
            #expect(old == state[key])
            state[key] = new
          case .removed(let key, let old, _, _):
            #expect(old == state[key])
            state[key] = nil
          case .replayed, .cleared, .gap: Issue.record("\(event)")
          }
        }
      }
      #expect(lsn == store.memoryLSN)
      do { #expect(try state == store.contents()) } catch { Issue.record("\(error)") }
    }
  }

  /// Events refer to documents that have left the store meanwhile, with others or alone, and to the store that has gone.
  @Test(arguments: [3, 100]) func eventsKeepWhatTheyTell(keys: Int) throws {
    var events: EventSubscription<Int, Member>?
    var cancelled: EventSubscription<Int, Member>?
    var expected: [String] = []
    var expectedOfCancelled: [String] = []
    do {
      let store = try MemberStore()
      events = store.events(capacity: 10_000)
      cancelled = store.events(capacity: 10_000)
      var lsn = 0
      for round in 0..<3 {
        for key in 0..<keys {
          lsn += 1
          let name = "a name that is on the heap, \(round) \(key)"
          try store.put(Member(name: name), for: key)
          expected.append("\(lsn) put \(key) - \(name)")
        }
        for key in 0..<keys {
          lsn += 1
          let name = "a name that is on the heap, \(round) \(key)"
          try store.put(Member(name: name + " again"), for: key)
          expected.append("\(lsn) put \(key) \(name) \(name) again")
        }
        if round == 1 {
          cancelled?.cancel()
          expectedOfCancelled = expected
        }
        lsn += 1
        try store.removeAll()
        expected.append("\(lsn) cleared \(keys)")
        // Where the documents were, there are others now.
        try store.batch { batch in
          for key in 0..<keys { batch.put(Member(name: "another name that is on the heap, \(key)"), for: key) }
        }
        try store.removeAll()
        lsn += 2
        for key in 0..<keys { expected.append("\(lsn - 1) put \(key) - another name that is on the heap, \(key)") }
        expected.append("\(lsn) cleared \(keys)")
      }
    }
    #expect(events?.drain().map(describe) == expected)
    #expect(cancelled?.drain().map(describe) == expectedOfCancelled)
  }

  /// However many versions of a document come and go, those that wait for a subscriber that never reads are about as many as it
  /// wants to have.
  @Test func oldDocumentsThatWaitAreFew() throws {
    let living = ReaderTests.Counted()
    let store = try ReaderTests.WatchedStore()
    let events = store.events(capacity: 10)
    for number in 0..<5_000 { try store.put(ReaderTests.Watched(number, living), for: 1) }
    #expect(living.living < 500)
    #expect(events.drain().last?.lsn == 5_000)
  }

  /// A change that was published when nobody was left to tell of it, as of a store that is emptied while its last subscription or
  /// the store itself ends.
  @Test(arguments: [false, true]) func whatNobodyIsToldOfIsLetGo(isClosed: Bool) throws {
    let living = ReaderTests.Counted()
    let store = try ReaderTests.WatchedStore()
    if isClosed { try store.close() }
    let lane = store.hub.beginPublishing()
    store.hub.publish(.cleared(count: 0, lsn: 0), keeping: ReaderTests.Witness(living), in: lane)
    _ = store.hub.endPublishing(lane)
    #expect(living.living == 1)
    store.hub.settle()
    #expect(living.living == 0)
  }

  /// As of a write that has seen the last subscription, which is over when it comes to tell.
  @Test func whatComesAfterTheLastSubscriptionIsLetGo() throws {
    let living = ReaderTests.Counted()
    let store = try ReaderTests.WatchedStore()
    store.events().cancel()
    let lane = store.hub.beginPublishing()
    store.hub.publish(.cleared(count: 0, lsn: 0), keeping: ReaderTests.Witness(living), in: lane)
    store.hub.didPublish(store.hub.endPublishing(lane))
    #expect(living.living == 0)
  }

  /// Also where they all came at once, of which nothing is dropped before all of it can be.
  @Test func oldDocumentsOfALargeBatchAreLetGo() throws {
    let living = ReaderTests.Counted()
    let store = try ReaderTests.WatchedStore()
    for key in 0..<5_000 { try store.put(ReaderTests.Watched(key, living), for: key) }
    let events = store.events(capacity: 10)
    try store.batch { batch in
      for key in 0..<5_000 { batch.put(ReaderTests.Watched(5_000 + key, living), for: key) }
    }
    // By a thread that has begun when the batch returns, and may have to wait for its processor.
    #expect(eventually(within: 900) { store.hub.settling.load(ordering: .sequentiallyConsistent) == 0 })
    // What readers of any store may have found when it was let go of is freed with what goes after them.
    #expect(
      eventually(within: 10) {
        store.reclaimer.retire(ReaderTests.Counted(), waitingMax: 0)
        return living.living < 5_500
      }, "\(living.living)")
    #expect(events.drain().count == 1 + 10)
  }

  /// What the store says of a write, and what it tells of it, agree also where the store is closed in the middle of it.
  @Test func writeThatMeetsTheEndOfTheStoreIsRefused() throws {
    for change in [
      { (store: MemberStore) in _ = try store.put(Member(club: "closes"), for: 1) },
      { store in try store.batch { $0.put(Member(club: "closes"), for: 1) } },
    ] {
      let closing = Closing()
      let store = try MemberStore(
        .memory, schema: [.tag("club") { (member: Member) in closing.asked(member.club) }])
      closing.store = store
      let events = store.events()
      #expect(storeError { try change(store) } == .closed)
      #expect(store.count == 0 && store.memoryLSN == 0 && events.drain().isEmpty)
    }
  }

  /// Closes a store when it is asked for the tag of a document that says so.
  ///
  /// Unchecked: it is given its store before anything is asked.
  private final class Closing: @unchecked Sendable {
    weak var store: MemberStore?

    func asked(_ club: String?) -> String? {
      if club == "closes" { #expect(throws: Never.self) { try store?.close() } }
      return club
    }
  }

  /// A subscriber that begins while others write gets every change from some LSN on.
  @Test func subscriptionHasNoHoleWhenItBegins() throws {
    let store = try MemberStore()
    let isDone = Counter()
    let checked = Counter()
    onThreads(3) { thread in
      if thread > 0 {
        for step in 0..<Effort.stepsMax where step < 4_000 || checked.value < 5 {
          do { try store.put(Member(), for: step % 100) } catch { Issue.record("\(error)") }
        }
        isDone.next()
        return
      }
      while isDone.value < 2 {
        let events = store.events(capacity: 100_000)
        var lsns: [UInt64] = []
        while lsns.count < 20, isDone.value < 2 { lsns += events.drain().compactMap(\.lsn) }
        guard let first = lsns.first else { continue }
        #expect(lsns == (first..<first + UInt64(lsns.count)).map { $0 })
        checked.next()
      }
    }
  }

  @Test func gapsAndEventsTogetherCoverEverything() throws {
    let store = try MemberStore()
    let events = store.events(capacity: 3)
    let isDone = Counter()
    onThreads(2) { thread in
      if thread == 0 {
        for key in 0..<5_000 {
          do { try store.put(Member(), for: key % 10) } catch { Issue.record("\(error)") }
        }
        isDone.next()
      } else {
        var covered: UInt64 = 0
        var isLast = false
        while !isLast {
          isLast = isDone.value == 1
          for event in events.drain(limit: isLast ? .max : 2) {
            if case .gap(let dropped) = event {
              covered += UInt64(dropped)
            } else {
              covered += 1
              #expect(event.lsn == covered)
            }
          }
        }
        #expect(covered == 5_000)
      }
    }
  }

  @Test func asynchronousLoopReceivesWhatHappensWhileItWaits() async throws {
    let store = try MemberStore()
    let events = store.events()
    let task = Task {
      var lsns: [UInt64] = []
      for await event in events {
        lsns.append(event.lsn ?? 0)
        if lsns.count == 100 { break }
      }
      return lsns
    }
    for key in 0..<100 {
      try store.put(Member(), for: key)
      if key % 10 == 0 { await Task.yield() }
    }
    #expect(await task.value == Array(1...100))
  }

  @Test func subscriptionEndsWithItsTaskItsCancellationOrTheStore() async throws {
    let store = try MemberStore()
    let ofTask = store.events()
    let task = Task { for await _ in ofTask {} }
    task.cancel()
    await task.value

    let cancelled = store.events()
    try store.put(Member(name: "waits"), for: 1)
    cancelled.cancel()
    try store.put(Member(name: "too late"), for: 2)
    var received: [String] = []
    for await event in cancelled { received.append(describe(event)) }
    #expect(received == ["1 put 1 - waits"])

    let ofStore = store.events()
    let waiting = Task { for await _ in ofStore {} }
    try store.close()
    await waiting.value
    for await _ in store.events() { Issue.record("an event of a closed store") }
  }

  @Test func droppedSubscriptionIsForgotten() throws {
    let store = try MemberStore()
    do {
      let events = store.events()
      #expect(store.statistics().subscribers == 1)
      _ = events.drain()
    }
    #expect(store.statistics().subscribers == 0)
  }

  @Test func droppedEventsNeverBecomeFewer() async throws {
    let store = try MemberStore()
    let events = store.events(capacity: 10)
    for key in 0..<15 { try store.put(Member(age: key), for: key) }
    #expect(store.statistics().eventsDropped == 5)
    var iterator = events.makeAsyncIterator()
    guard case .gap(dropped: 5)? = await iterator.next() else {
      Issue.record("no gap of five")
      return
    }
    for _ in 0..<6 { _ = await iterator.next() }
    #expect(store.statistics().eventsDropped == 5)
  }

  /// The runtime calls what cancels a subscription under a lock that it also takes to wake the task.
  @Test func tasksMayBeCancelledWhileTheyAreWoken() async throws {
    let store = try MemberStore()
    let isDone = Counter()
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        var key = 0
        while isDone.value == 0 {
          _ = try? store.put(Member(age: key), for: key % 10)
          key += 1
          await Task.yield()
        }
      }
      for _ in 0..<3_000 {
        let waiting = (0..<4).map { _ in
          let events = store.events(capacity: 100)
          return Task { for await _ in events {} }
        }
        await Task.yield()
        for task in waiting { task.cancel() }
        for task in waiting { await task.value }
      }
      isDone.next()
    }
    #expect(store.statistics().subscribers == 0)
  }
}
