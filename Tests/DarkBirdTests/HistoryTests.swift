import Testing

@testable import DarkBird

/// Concurrent histories of real stores, checked for linearizability.
@Suite(.timeLimit(.minutes(30)))
struct HistoryTests {
  private static let threads = 3
  private static let callsPerThread = 8

  /// Records histories until there are enough, and half of enough have calls that overlap, for calls one after the other show
  /// little. On a busy machine threads often miss each other: there a twentieth must do.
  private func record<Operation: Sendable>(
    _ body: @escaping @Sendable (_ history: Int, _ thread: Int, inout SeededGenerator) throws -> Operation
  ) -> [[HistoryCall<Operation>]] {
    let overlappingMin = (Effort.histories + 1) / 2
    var histories: [[HistoryCall<Operation>]] = []
    var overlapping = 0
    while histories.count < Effort.histories || overlapping < overlappingMin {
      if histories.count >= Effort.histories * 10 { break }
      let batch = recordBatch(from: histories.count, count: overlappingMin, body)
      overlapping += batch.count { history in
        let calls = history.sorted { $0.start < $1.start }
        return zip(calls, calls.dropFirst()).contains { $1.start < $0.end }
      }
      histories += batch
    }
    #expect(overlapping >= Effort.histories / 20, "calls overlap in only \(overlapping) of \(histories.count)")
    return histories
  }

  /// Runs `body` on several threads for each of `count` histories; all threads are at the same history together.
  private func recordBatch<Operation: Sendable>(
    from first: Int, count: Int,
    _ body: @escaping @Sendable (_ history: Int, _ thread: Int, inout SeededGenerator) throws -> Operation
  ) -> [[HistoryCall<Operation>]] {
    let clock = Counter()
    let gate = Barrier(Self.threads, spinsMax: 20_000)
    let recorded = Seen<[[HistoryCall<Operation>]]>()
    onThreads(Self.threads) { thread in
      var generator = SeededGenerator(seed: UInt64(Effort.firstSeed + first * Self.threads + thread))
      var mine: [[HistoryCall<Operation>]] = []
      for history in first..<first + count {
        gate.wait()
        var calls: [HistoryCall<Operation>] = []
        for _ in 0..<Self.callsPerThread {
          let start = clock.next()
          do {
            let operation = try body(history, thread, &generator)
            calls.append(HistoryCall(operation: operation, start: start, end: clock.next()))
          } catch { Issue.record("\(error)") }
        }
        mine.append(calls)
      }
      recorded.append(mine)
    }
    return (0..<count).map { history in recorded.all.flatMap { $0[history] } }
  }

  @Test(arguments: [true, false]) func keysAreLinearizable(isOnDisk: Bool) throws {
    let store = try MemberStore(isOnDisk ? .simulated() : .memory, on: SimulatedFileSystem.forStores())
    let histories = record { key, thread, generator -> RegisterOperation in
      let value = generator.below(1_000_000)
      switch generator.below(10) {
      case 0..<3: return .put(value, old: try store.put(Member(age: value), for: key)?.age)
      case 3:
        do {
          try store.insert(Member(age: value), for: key)
          return .insert(value, accepted: true)
        } catch StoreError.keyExists { return .insert(value, accepted: false) }
      case 4..<6:
        return .add(1, new: try store.update(key) { $0.age = ($0.age ?? 0) + 1 }?.age)
      case 6: return .remove(old: try store.remove(key)?.age)
      default: return .get(store[key]?.age)
      }
    }
    for (key, history) in histories.enumerated() {
      #expect(isLinearizable(history, from: Int?.none, RegisterOperation.apply), "key \(key): \(history)")
    }
    #expect(store.audit().problems == [])
  }

  @Test(arguments: [true, false]) func uniqueValuesAreLinearizable(isOnDisk: Bool) throws {
    let store = try MemberStore(isOnDisk ? .simulated() : .memory, on: SimulatedFileSystem.forStores())
    let histories = record { history, thread, generator -> OwnershipOperation in
      let email = "e\(history)"
      let key = history * Self.threads + thread
      switch generator.below(10) {
      case 0..<4:
        do {
          try store.put(Member(email: email), for: key)
          return .claim(by: key, refusedFor: nil)
        } catch StoreError.duplicate(_, _, let owner) { return .claim(by: key, refusedFor: Int(owner) ?? -1) }
      case 4..<6: return .release(by: key, had: try store.remove(key)?.email != nil)
      case 6: return .release(by: key, had: try store.put(Member(), for: key)?.email != nil)
      default: return .lookup(try store.document(unique: "email", email)?.key)
      }
    }
    for (number, history) in histories.enumerated() {
      #expect(isLinearizable(history, from: Int?.none, OwnershipOperation.apply), "value \(number): \(history)")
    }
    #expect(store.audit().problems == [])
  }

  /// A tag is a set of keys; each thread puts its own key in and takes it out, and asks for the whole set.
  @Test func tagsAreLinearizable() throws {
    enum Call: Sendable {
      case set(Int, isIn: Bool)
      case members(Set<Int>)
    }
    let store = try MemberStore()
    let histories = record { history, thread, generator -> Call in
      let tag = "c\(history)"
      if generator.chance(40) { return .members(Set(try store.keys(tagged: "club=" + tag).map { $0 % Self.threads })) }
      let isIn = generator.chance(60)
      try store.put(Member(club: isIn ? tag : nil), for: history * Self.threads + thread)
      return .set(thread, isIn: isIn)
    }
    for (number, history) in histories.enumerated() {
      let isSound = isLinearizable(history, from: Set<Int>()) { members, call in
        switch call {
        case .set(let key, true): members.union([key])
        case .set(let key, false): members.subtracting([key])
        case .members(let found): found == members ? members : nil
        }
      }
      #expect(isSound, "tag \(number): \(history)")
    }
  }

  /// Batches that move, swap and take away unique values; lookups of a value, and snapshots of all.
  @Test(arguments: [true, false]) func batchesAreLinearizable(isOnDisk: Bool) throws {
    let store = try MemberStore(isOnDisk ? .simulated() : .memory, on: SimulatedFileSystem.forStores())
    let histories = record { history, thread, generator -> AssignmentOperation in
      func email(_ value: Int) -> String { "e\(history).\(value)" }
      func value(_ email: String?) -> Int? { email.flatMap { $0.split(separator: ".").last }.flatMap { Int($0) } }
      let value0 = generator.below(2)
      switch generator.below(10) {
      case 0..<5:
        var changes: [Int: Int?] = [:]
        let start = generator.below(3)
        for offset in 0..<2 + generator.below(2) {
          changes[(start + offset) % 3] = .some(offset < 2 ? (value0 + offset) % 2 : nil)
        }
        if generator.chance(20) { changes[start] = .some(nil) }
        do {
          try store.batch { batch in
            for (key, value) in changes { batch.put(Member(email: value.map(email)), for: history * 3 + key) }
          }
          return .batch(changes, refusedFor: nil)
        } catch StoreError.duplicate(_, .string(let email), let owner) {
          return .batch(changes, refusedFor: .init(value: value(email) ?? -1, owner: (Int(owner) ?? -1) % 3))
        }
      case 5..<8:
        return .lookup(value0, owner: try store.document(unique: "email", email(value0)).map { $0.key % 3 })
      default:
        let frozen = store.snapshot()
        return .all((0..<3).map { value(frozen[history * 3 + $0]?.email) })
      }
    }
    for (number, history) in histories.enumerated() {
      let isSound = isLinearizable(history, from: [Int?](repeating: nil, count: 3), AssignmentOperation.apply)
      #expect(isSound, "history \(number): \(history)")
    }
    #expect(store.audit().problems == [])
  }
}
