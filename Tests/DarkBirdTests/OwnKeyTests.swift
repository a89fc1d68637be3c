import Testing

@testable import DarkBird

/// What happens when keys are compared: the `==` of a user's type may call anything.
///
/// Unchecked: `reaction` is only touched under the lock, which ThreadSanitizer sees.
private final class Curiosity: @unchecked Sendable {
  private let lock = Lock()
  private var reaction: (@Sendable () -> Void)?

  /// - Parameter once: whether only the next comparison has it happen.
  func react(once: Bool = false, _ body: @escaping @Sendable () -> Void) {
    lock.withLock {
      reaction = {
        if once { self.lock.withLock { self.reaction = nil } }
        body()
      }
    }
  }

  func isCompared() { lock.withLock { reaction }?() }
}

/// Four keys have one hash value.
private struct CuriousKey: DocumentKey {
  let number: Int
  let curiosity: Curiosity

  init(_ number: Int, _ curiosity: Curiosity) { (self.number, self.curiosity) = (number, curiosity) }

  init(cbor reader: inout CBORReader) throws { self.init(try reader.readInteger(), Curiosity()) }
  func encode(cbor writer: inout CBORWriter) { writer.write(Int64(number)) }
  func hash(into hasher: inout Hasher) { hasher.combine(number) }

  var description: String { "\(number)" }
  var storeHash: UInt { (number / 4).storeHash }

  static func == (left: CuriousKey, right: CuriousKey) -> Bool {
    left.curiosity.isCompared()
    return left.number == right.number
  }
}

/// A key that is a number, and one that is one of some texts.
private struct MemberID: RawRepresentable, DocumentKey { var rawValue: UInt64 }
private enum Seat: String, DocumentKey { case first, second }

@Suite(.timeLimit(.minutes(30)))
struct OwnKeyTests {
  @Test func rawValuesAreKeys() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try Store<MemberID, Member>(.simulated(), schema: Member.schema, fileSystem: disk)
    for number in 0..<50 as Range<UInt64> {
      try store.put(Member(email: "e\(number)"), for: MemberID(rawValue: number))
    }
    #expect("\(MemberID(rawValue: 7))" == "7")
    #expect(
      storeError { try store.insert(Member(email: "e3"), for: MemberID(rawValue: 99)) }
        == .duplicate(index: "email", value: "e3", owner: "3"))
    try store.close()
    // As its raw value it is on disk.
    let plain = try Store<UInt64, Member>(.simulated(), schema: Member.schema, fileSystem: disk)
    #expect(plain.count == 50 && plain[7]?.email == "e7")
    try plain.close()

    let seats = try Store<Seat, Member>(
      .simulated(), schema: Member.schema, fileSystem: SimulatedFileSystem.forStores())
    try seats.put(Member(name: "a"), for: .first)
    #expect(seats[.first]?.name == "a" && seats[.second] == nil)
    try seats.close()
  }

  @Test func rawValueThatTheTypeDoesNotHaveIsNamed() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try Store<String, Member>(.simulated(), schema: Member.schema, fileSystem: disk)
    try store.put(Member(), for: "third")
    try store.close()
    let error = storeError { _ = try Store<Seat, Member>(.simulated(), schema: Member.schema, fileSystem: disk) }
    guard case .undecodable(_, lsn: 1, let reason)? = error, reason.contains("Seat has no value third") else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  private func store(isOnDisk: Bool = false) throws -> Store<CuriousKey, Member> {
    var configuration = isOnDisk ? StoreConfiguration.simulated() : .memory
    configuration.shardCount = 1
    return try Store(configuration, schema: Member.schema, fileSystem: SimulatedFileSystem.forStores())
  }

  /// What others do while keys are compared between two attempts is part of the next one.
  @Test(arguments: [true, false]) func batchGoesOnFromWhatItFound(isOnDisk: Bool) throws {
    let store = try store(isOnDisk: isOnDisk)
    let curiosity = Curiosity()
    let keys = (0..<12).map { CuriousKey($0, curiosity) }
    for key in keys[..<6] { try store.put(Member(email: "\(key)"), for: key) }
    curiosity.react(once: true) { [weak store] in
      // Replaced, removed, and new.
      #expect(throws: Never.self) {
        try store?.put(Member(email: "other"), for: keys[0])
        try store?.remove(keys[1])
        try store?.put(Member(email: "new"), for: keys[7])
      }
    }
    try store.batch { batch in
      for key in keys { batch.put(Member(email: "mine \(key)"), for: key) }
      batch.remove(keys[2])
      batch.remove(keys[11])
    }
    #expect(store.count == 10 && store[keys[2]] == nil && store[keys[11]] == nil)
    for key in keys where key.number != 2 && key.number != 11 { #expect(store[key]?.email == "mine \(key)") }
    #expect(store.audit().problems.isEmpty)
  }

  /// Would not return if keys were compared under a lock.
  @Test(arguments: [true, false]) func keysMayLookAtTheStoreWhenTheyAreCompared(isOnDisk: Bool) throws {
    let store = try store(isOnDisk: isOnDisk)
    let curiosity = Curiosity()
    let keys = (0..<12).map { CuriousKey($0, curiosity) }
    let comparisons = Counter()
    curiosity.react { [weak store] in
      comparisons.next()
      #expect(store.map { $0.count <= 12 } ?? true)
    }
    var expected: [Int: String] = [:]
    var generator = SeededGenerator(seed: 1)
    for step in 0..<600 {
      let key = keys[generator.below(keys.count)]
      let old = expected[key.number]
      let member = Member(name: "\(step)")
      switch generator.below(6) {
      case 0:
        #expect(try store.put(member, for: key)?.name == old)
        expected[key.number] = member.name
      case 1:
        if old == nil {
          try store.insert(member, for: key)
          expected[key.number] = member.name
        } else {
          #expect(throws: StoreError.keyExists(key: key.description)) { try store.insert(member, for: key) }
        }
      case 2:
        #expect(try store.update(key) { $0.name = member.name } == (old == nil ? nil : member))
        if old != nil { expected[key.number] = member.name }
      case 3:
        #expect(try store.remove(key)?.name == old)
        expected[key.number] = nil
      case 4:
        let other = keys[generator.below(keys.count)]
        try store.batch { batch in
          batch.remove(other)
          batch.put(member, for: key)
        }
        expected[other.number] = nil
        expected[key.number] = member.name
      default: #expect(store[key]?.name == old)
      }
    }
    #expect(comparisons.value > 600)
    for key in keys { #expect(store[key]?.name == expected[key.number]) }
    #expect(store.count == expected.count)
    #expect(store.audit().problems.isEmpty)
  }

  /// A lookup that finds the shard changed looks again, under the lock.
  @Test func lookupMayWriteWhenItCompares() throws {
    let store = try store()
    let curiosity = Curiosity()
    try store.put(Member(name: "a"), for: CuriousKey(0, curiosity))
    for round in 0..<10 {
      curiosity.react(once: true) {
        // From now on every comparison looks at the store; those of this put too.
        curiosity.react { _ = store.count }
        do { try store.put(Member(name: "\(round)"), for: CuriousKey(0, curiosity)) } catch { Issue.record("\(error)") }
      }
      #expect(store[CuriousKey(0, curiosity)]?.name == "\(round)")
    }
  }

  /// What another writer puts in after the keys were compared is compared too.
  @Test func documentThatComesAfterTheComparisonIsSeen() throws {
    let curiosity = Curiosity()
    let wanted = CuriousKey(1, curiosity)
    for isBatch in [false, true] {
      let store = try store()
      try store.put(Member(), for: CuriousKey(0, curiosity))
      curiosity.react(once: true) {
        do { try store.insert(Member(name: "first"), for: wanted) } catch { Issue.record("\(error)") }
      }
      #expect(throws: StoreError.keyExists(key: "1")) {
        if isBatch {
          try store.batch { $0.insert(Member(name: "second"), for: wanted) }
        } else {
          try store.insert(Member(name: "second"), for: wanted)
        }
      }
      #expect(store[wanted]?.name == "first")
      #expect(store.count == 2)
      #expect(store.audit().problems.isEmpty)
    }
  }

  @Test func writersOfKeysWithOneHashLoseNothing() throws {
    let store = try store()
    let curiosity = Curiosity()
    let batches = Counter()
    onThreads(4) { thread in
      for step in 0..<300 {
        let key = CuriousKey((step + thread) % 4, curiosity)
        do {
          switch step % 3 {
          case 0:
            if try store.update(key, { $0.age = ($0.age ?? 0) + 1 }) == nil {
              do { try store.insert(Member(age: 1), for: key) } catch StoreError.keyExists {
                try store.update(key) { $0.age = ($0.age ?? 0) + 1 }
              }
            }
          case 1: try store.update(key) { $0.name += "x" }
          default:
            // Comes and goes among those that stay.
            try store.put(Member(), for: CuriousKey(4 + thread, curiosity))
            try store.batch { $0.remove(CuriousKey(4 + thread, curiosity)) }
            batches.next()
          }
        } catch { Issue.record("\(error)") }
      }
    }
    #expect(batches.value == 400)
    #expect((0..<4).reduce(0) { $0 + (store[CuriousKey($1, curiosity)]?.age ?? 0) } == 400)
    #expect(store.count == 4)
    #expect(store.audit().problems.isEmpty)
  }
}
