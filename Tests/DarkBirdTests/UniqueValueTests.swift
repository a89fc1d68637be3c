import Testing

@testable import DarkBird

/// Unique values whose hashes the owner table cannot tell apart, and owners that change while a write looks at them.
@Suite(.timeLimit(.minutes(30)))
struct UniqueValueTests {
  /// Two badges that share everything an index knows of a value: its stripe, and 32 bits of its hash. Hash values differ from
  /// process to process, so they are searched for: among 1.5 million numbers four such pairs are to be expected.
  private static let collision: (Int, Int) = {
    var keys: [UInt64] = []
    var first = 0
    while true {
      for number in first..<first + 1_500_000 {
        let hash = UInt64(IndexValue.int(Int64(number)).storeHash)
        // 32 bits of the word in the owner table, 6 of the stripe, then the number.
        keys.append((hash >> 32) << 32 | (hash & 63) << 26 | UInt64(number - first))
      }
      keys.sort()
      for (left, right) in zip(keys, keys.dropFirst()) where left >> 26 == right >> 26 {
        return (first + Int(left & 0x3FF_FFFF), first + Int(right & 0x3FF_FFFF))
      }
      keys = []
      first += 1_500_000
    }
  }()

  @Test(arguments: [true, false]) func valuesOfOneHashAreTwoValues(isOnDisk: Bool) throws {
    let (a, b) = Self.collision
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(isOnDisk ? .simulated() : .memory, on: disk)
    try store.put(Member(badge: a), for: 1)
    try store.put(Member(badge: b), for: 2)
    #expect(try store.document(unique: "badge", a)?.key == 1, "badges \(a) and \(b)")
    #expect(try store.document(unique: "badge", b)?.key == 2, "badges \(a) and \(b)")
    for (badge, owner) in [(a, "1"), (b, "2")] {
      #expect(throws: StoreError.duplicate(index: "badge", value: .int(Int64(badge)), owner: owner)) {
        try store.put(Member(badge: badge), for: 3)
      }
    }
    #expect(store.audit().problems == [])
    try store.remove(1)
    #expect(try store.document(unique: "badge", a) == nil)
    #expect(try store.document(unique: "badge", b)?.key == 2)
    try store.put(Member(badge: a), for: 2)
    #expect(try store.document(unique: "badge", b) == nil)
    try store.put(Member(badge: b), for: 1)
    #expect(store.audit().problems == [])
    try store.close()
    if isOnDisk {
      let reopened = try MemberStore(on: disk)
      #expect(try reopened.document(unique: "badge", b)?.key == 1)
      #expect(reopened.audit().problems == [])
    }
  }

  /// A write finds that the owner of a hash does not own its value, but before it tries again that document takes the value.
  @Test func ownerThatTakesTheValueMeanwhileIsNotPassedOver() throws {
    let (a, b) = Self.collision
    let onLook = Guarded<(@Sendable () -> Void)?>(nil)
    let schema: IndexSchema<Member> = [
      .unique("badge") { member in
        if member.name == "looked at", let once = onLook.withLock({ $0.take() }) { once() }
        return member.badge
      }
    ]
    let store = try MemberStore(.memory, schema: schema, fileSystem: SimulatedFileSystem())
    try store.put(Member(name: "looked at", badge: a), for: 1)
    onLook.withLock {
      $0 = {
        do { try store.put(Member(name: "changed", badge: b), for: 1) } catch { Issue.record("\(error)") }
      }
    }
    #expect(throws: StoreError.duplicate(index: "badge", value: .int(Int64(b)), owner: "1")) {
      try store.put(Member(badge: b), for: 2)
    }
    #expect(onLook.withLock { $0 == nil }, "nobody looked at the owner")
    #expect(store.count == 1)
    #expect(store.audit().problems == [])
  }

  /// One value goes from document to document, each time in one batch: at every moment exactly one has it.
  @Test(arguments: [true, false]) func valueThatMovesHasOneOwner(isOnDisk: Bool) throws {
    let store = try MemberStore(isOnDisk ? .simulated() : .memory, on: SimulatedFileSystem.forStores())
    let keys = 8
    try store.put(Member(email: "moves"), for: 0)
    let isDone = Counter()
    onThreads(3) { thread in
      do {
        if thread == 0 {
          for step in 1...Effort.meetings(2_000) {
            try store.batch { batch in
              batch.put(Member(name: "\(step)"), for: (step - 1) % keys)
              batch.put(Member(email: "moves"), for: step % keys)
            }
          }
          isDone.next()
        }
        repeat {
          let found = try store.document(unique: "email", "moves")
          #expect(found?.document.email == "moves", "owned by none")
          let snapshot = thread == 1 ? try store.snapshot().contents() : [:]
          if thread == 1 { #expect(snapshot.values.count { $0.email != nil } == 1) }
          #expect(throws: StoreError.self, "owned by two") { try store.put(Member(email: "moves"), for: keys + thread) }
        } while isDone.value == 0
      } catch { Issue.record("\(error)") }
    }
    #expect(store.audit().problems == [])
  }

  /// Refused writes give back the room that they reserved in the log.
  @Test func refusedWritesLeaveRoomForOthers() throws {
    var configuration = StoreConfiguration.simulated()
    configuration.queueBytesMax = 1_000
    let store = try MemberStore(configuration, on: SimulatedFileSystem.forStores())
    try store.put(Member(email: "taken"), for: 0)
    let done = Counter()
    onThreads(1, waits: false) { _ in
      for key in 1...100 {
        #expect(throws: StoreError.self) { try store.put(Member(email: "taken"), for: key) }
        #expect(throws: StoreError.self) { try store.insert(Member(), for: 0) }
        done.next()
      }
    }
    #expect(eventually(within: 10) { done.value == 100 }, "a writer waits for room that nobody uses")
  }

  @Test func writersOfManyValuesNeverWaitForOneAnother() throws {
    let store = try MemberStore()
    onThreads(4) { thread in
      var random = SeededGenerator(seed: UInt64(thread))
      for _ in 0..<300 {
        do {
          try store.batch { batch in
            for key in 0..<6 {
              let email = "\(thread) \(random.below(1_000)) \(key)"
              let badge = thread << 20 + random.below(1_000) << 3 + key
              batch.put(Member(email: email, badge: badge), for: thread << 4 + key)
            }
          }
        } catch { Issue.record("\(error)") }
      }
    }
    #expect(store.audit().problems == [])
  }
}
