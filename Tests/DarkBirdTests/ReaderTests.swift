import CDarkBird
import Foundation
import Synchronization
import Testing

@testable import DarkBird

/// Lookups without a lock: what they look at stays, and what nobody looks at goes.
@Suite(.timeLimit(.minutes(30)))
struct ReaderTests {
  /// Counts its living instances, and knows whether it is one of them.
  final class Witness: Sendable {
    static let aliveMark: UInt64 = 0x11FE_11FE_11FE_11FE
    private let mark = Atomic<UInt64>(aliveMark)
    private let living: Counted

    init(_ living: Counted) {
      self.living = living
      living.count.add(1, ordering: .relaxed)
    }

    deinit {
      mark.store(0, ordering: .relaxed)
      living.count.subtract(1, ordering: .relaxed)
    }

    var isAlive: Bool { mark.load(ordering: .relaxed) == Self.aliveMark }
  }

  final class Counted: Sendable {
    let count = Atomic<Int>(0)
    var living: Int { count.load(ordering: .relaxed) }
  }

  /// A document that exists in memory only.
  struct Watched: Document {
    static let schema: IndexSchema<Watched> = [.unique("name", \.name)]
    var number: Int
    /// Too long to be part of the document's own memory.
    var name: String?
    var witness: Witness

    init(_ number: Int, named: Bool = false, _ living: Counted) {
      self.number = number
      name = named ? Self.name(number) : nil
      witness = Witness(living)
    }

    static func name(_ number: Int) -> String { "the document of number \(number)" }

    init(cbor reader: inout CBORReader) throws { fatalError("never stored") }
    func encode(cbor writer: inout CBORWriter) throws {}
  }

  typealias WatchedStore = Store<Int, Watched>

  init() {
    // As on systems that give no barrier to all threads.
    if ProcessInfo.processInfo.environment["DARKBIRD_READERS_PAY"] != nil { db_make_readers_pay() }
  }

  @Test func documentsStayWhileTheyAreRead() throws {
    let living = Counted()
    let store = try WatchedStore()
    try store.put(Watched(0, living), for: 1)
    let found = try store.withDocument(1) { document in
      for number in 1...1_000 { try store.put(Watched(number, living), for: 1) }
      try store.remove(1)
      // Reads within reads end nothing.
      for _ in 0..<10 { #expect(!store.contains(1)) }
      return (document.number, document.witness.isAlive, living.living)
    }
    #expect(found?.0 == 0)
    #expect(found?.1 == true)
    #expect(found?.2 == 1_001, "all versions that were replaced meanwhile are still there")
    // The changes after it free them. Not the first ones, where a reader of another test has no processor just now.
    #expect(
      eventually {
        for number in 0..<1_000 { _ = try? store.put(Watched(number, living), for: 2) }
        return living.living < 100
      })
  }

  @Test func fewOldVersionsWaitForTheirTimeAlone() {
    let living = Counted()
    let patient = Reclaimer(interval: .max)
    for _ in 0..<10 { patient.retire(Witness(living), waitingMax: 256) }
    #expect(living.living == 10)
    let others = Counted()
    let hasty = Reclaimer(interval: 0)
    // Readers of other stores may keep some for a moment.
    #expect(
      eventually {
        hasty.retire(Witness(others), waitingMax: .max)
        return others.living == 0
      })
  }

  @Test func documentsThatWereReplacedAreFreed() throws {
    let living = Counted()
    let store = try WatchedStore()
    for key in 0..<100 { try store.put(Watched(key, living), for: key) }
    #expect(
      eventually {
        for round in 0..<10_000 { _ = try? store.put(Watched(round, living), for: round % 100) }
        return living.living <= 100 + 64
      })
    #expect(eventually { (try? store.removeAll()) != nil && living.living == 0 })
  }

  @Test func scansKeepWhatTheyVisit() throws {
    let living = Counted()
    var configuration = StoreConfiguration.memory
    configuration.shardCount = 1
    let store = try WatchedStore(configuration)
    let slots = SlotTable<Entry<Int, Watched>>.chunkSlots
    for key in 0..<slots { try store.put(Watched(key, living), for: key) }
    var visited = 0
    try store.forEach(Query()) { key, document in
      visited += 1
      try store.remove(key)
      // Frees what nobody keeps.
      for number in 0..<100 { try store.put(Watched(number, living), for: -1) }
      #expect(document.witness.isAlive && document.number == key)
    }
    #expect(visited == slots)
  }

  /// What many lookups fetch runs the schema's functions, which may do anything.
  @Test func documentsStayWhileTheyAreFetched() throws {
    let living = Counted()
    let onFetch = Guarded<(@Sendable () -> Void)?>(nil)
    let schema: IndexSchema<Watched> = [
      .unique("name") { document in
        if let once = onFetch.withLock({ $0.take() }) { once() }
        #expect(document.witness.isAlive)
        return document.name
      }
    ]
    let store = try WatchedStore(.memory, schema: schema)
    for key in 0..<2 { try store.put(Watched(key, named: true, living), for: key) }
    onFetch.withLock {
      $0 = {
        do {
          for _ in 0..<1_000 { try store.put(Watched(1, named: true, living), for: 1) }
        } catch { Issue.record("\(error)") }
      }
    }
    #expect(try store.documents(unique: "name", [0, 1].map(Watched.name)).map { $0?.key } == [0, 1])
    #expect(onFetch.withLock { $0 == nil }, "nothing was fetched")
  }

  @Test func removingAllLeavesReadersWhatTheyRead() throws {
    let living = Counted()
    let store = try WatchedStore()
    for key in 0..<1_000 { try store.put(Watched(key, living), for: key) }
    let wasAlive = try store.withDocument(1) { document in
      try store.removeAll()
      for key in 0..<10 { try store.put(Watched(key, living), for: key) }
      return document.witness.isAlive
    }
    #expect(wasAlive == true)
    #expect(eventually { (try? store.removeAll()) != nil && living.living == 0 })
  }

  /// Where nothing is written afterwards, nothing else would free it.
  @Test func removingAllFreesItWhileOthersLookUp() throws {
    let living = Counted()
    let store = try WatchedStore()
    let isDone = Counter()
    onThreads(2, waits: false) { _ in
      while isDone.value == 0 { _ = store.withDocument(1) { _ in } }
    }
    defer { isDone.next() }
    for _ in 0..<50 {
      for key in 0..<100 { try store.put(Watched(key, living), for: key) }
      try store.removeAll()
      #expect(eventually { living.living == 0 })
    }
  }

  /// Of two readers the one that came later goes later: what was removed since it came waits for it alone, with no removal or
  /// write after it.
  @Test func everyRemovalOfAllIsFreedAfterItsLastReader() throws {
    let living = Counted()
    let store = try WatchedStore()
    func fill() throws { for key in 0..<100 { try store.put(Watched(key, living), for: key) } }
    let reads = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
    let mayEnd = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
    func beginReading(_ reader: Int) {
      onThreads(1, waits: false) { _ in
        _ = store.withDocument(1) { _ in
          reads[reader].signal()
          mayEnd[reader].wait()
        }
      }
      reads[reader].wait()
    }
    try fill()
    beginReading(0)
    try store.removeAll()
    try fill()
    try store.removeAll()
    try fill()
    beginReading(1)
    try store.removeAll()
    mayEnd[0].signal()
    #expect(eventually { living.living == 100 })
    mayEnd[1].signal()
    #expect(eventually { living.living == 0 })
  }

  @Test(arguments: 0..<4) func nobodySeesAFreedDocument(round: Int) throws {
    let living = Counted()
    let store = try WatchedStore()
    let keys = 50
    for key in 0..<keys { try store.put(Watched(key, named: true, living), for: key) }
    let isDone = Atomic<Int>(0)
    onThreads(4) { thread in
      do {
        var random = SeededGenerator(seed: UInt64(round * 4 + thread))
        if thread == 0 {
          for number in 0..<Effort.meetings(20_000) {
            let key = Int.random(in: 0..<keys, using: &random)
            // Also tables that grow and shrink, and everything at once.
            if number % 7 == 0 {
              try store.remove(key)
            } else {
              try store.put(Watched(key, named: true, living), for: key)
            }
            if number % 2_000 == 1_999 { try store.removeAll() }
            if number % 11 == 0 { try store.put(Watched(keys + number, living), for: keys + number) }
          }
          isDone.store(1, ordering: .releasing)
        }
        func isSound(_ key: Int, _ document: Watched) -> Bool {
          (0..<20).allSatisfy { _ in document.witness.isAlive && document.number == key }
        }
        // One by one, many by their keys, many by their names: at least once.
        repeat {
          let some = (0..<20).map { _ in Int.random(in: 0..<keys, using: &random) }
          switch thread {
          case 1:
            store.withDocuments(for: some) { key, document in #expect(isSound(key, document)) }
          case 2:
            try store.withDocuments(unique: "name", some.map(Watched.name)) { key, document in
              #expect(isSound(key, document))
            }
          default: #expect(store.withDocument(some[0]) { isSound(some[0], $0) } ?? true)
          }
        } while isDone.load(ordering: .acquiring) == 0
      } catch { Issue.record("\(error)") }
    }
  }

  /// A key of which the first ones have one hash, and that may do something when it is compared with a certain other one, or
  /// with any other.
  private struct Busy: DocumentKey {
    final class Plan: Sendable {
      let other: Int?
      private let action: Mutex<(@Sendable () -> Void)?>

      init(whenComparedWith other: Int? = nil, _ action: @escaping @Sendable () -> Void) {
        self.other = other
        self.action = Mutex(action)
      }

      var isDone: Bool { action.withLock { $0 == nil } }

      func carryOut() {
        let action = action.withLock { action in
          defer { action = nil }
          return action
        }
        action?()
      }
    }

    var number: Int
    var plan: Plan?

    func hash(into hasher: inout Hasher) { hasher.combine(number < 10 ? 0 : number) }
    static func == (left: Busy, right: Busy) -> Bool {
      if let plan = left.plan ?? right.plan {
        let isTheOther = left.number == plan.other || right.number == plan.other
        if isTheOther || (plan.other == nil && left.number != right.number) { plan.carryOut() }
      }
      return left.number == right.number
    }

    var description: String { "\(number)" }
    init(_ number: Int, _ plan: Plan? = nil) { (self.number, self.plan) = (number, plan) }
    init(cbor reader: inout CBORReader) throws { self.init(try reader.readInt()) }
    func encode(cbor writer: inout CBORWriter) { writer.write(number) }
  }

  /// The removal of the first document moves the last one to where the lookup has looked already.
  @Test func lookupFindsWhatMovesMeanwhile() throws {
    let store = try Store<Busy, Member>()
    for number in 1...6 { try store.put(Member(age: number), for: Busy(number)) }
    let plan = Busy.Plan(whenComparedWith: 5) { _ = try? store.remove(Busy(1)) }
    #expect(store[Busy(6, plan)]?.age == 6)
    #expect(plan.isDone, "it has moved")
    #expect(store.count == 5)
  }

  /// A table of a size that goes back to the system when it is freed.
  @Test func lookupGoesOnInATableThatWasLeft() throws {
    var configuration = StoreConfiguration.memory
    configuration.shardCount = 1
    let store = try Store<Busy, Member>(configuration)
    for number in 1...10_000 { try store.put(Member(age: number), for: Busy(number)) }
    let plan = Busy.Plan {
      // The snapshot has the table, so that the change copies it; then nobody has it but the lookup.
      let snapshot = store.snapshot()
      _ = try? store.put(Member(), for: Busy(20_000))
      withExtendedLifetime(snapshot) {}
    }
    // The keys of one hash lie in any order, since the table has grown; all but the first are found after others.
    for number in 1..<10 where !plan.isDone { #expect(store[Busy(number, plan)]?.age == number) }
    #expect(plan.isDone, "the table has been left")
  }

  @Test(arguments: [false, true]) func batchesAreSeenAsAWhole(byUniqueValue: Bool) throws {
    let store = try MemberStore()
    let keys = Array(0..<8)
    for key in keys { try store.put(Member(badge: key, age: 0), for: key) }
    @Sendable func age(_ key: Int) throws -> Int? {
      byUniqueValue ? try store.document(unique: "badge", key)?.document.age : store[key]?.age
    }
    let isDone = Counter()
    let looks = Counter()
    onThreads(3) { thread in
      if thread == 0 {
        for age in 1...Effort.stepsMax where isDone.value == 0 {
          if age > Effort.meetings(2_000), looks.value >= 20 { break }
          do {
            try store.batch { batch in for key in keys { batch.put(Member(badge: key, age: age), for: key) } }
          } catch { Issue.record("\(error)") }
        }
        isDone.next()
      }
      while isDone.value == 0 {
        // Whoever has seen one document of a batch sees all, in whatever order they come.
        var seen = 0
        for key in thread == 1 ? keys : keys.reversed() {
          let age = (try? age(key)) ?? -1
          if age < seen {
            isDone.next()
            Issue.record("document \(key) of a later batch was \(age), and another one \(seen)")
            return
          }
          seen = age
        }
        looks.next()
      }
    }
  }

  /// What is fetched for lookups that wait together is no part of their answers: each is as of its own moment.
  @Test(arguments: [false, true]) func lookupsOfManySeeWhatChangesBetweenThem(byUniqueValue: Bool) throws {
    let store = try MemberStore()
    let keys = Array(0..<99)
    let emails = keys.map { "number.\($0)@a.long.domain" }
    for key in keys { try store.put(Member(email: emails[key], age: 0), for: key) }
    var visited: [Int] = []
    func visit(_ key: Int, _ document: borrowing Member) throws {
      visited.append(key)
      // The next document is replaced, and the one behind that goes; another one takes its value.
      switch key % 3 {
      case 0: try store.put(Member(email: emails[key + 1], age: 1), for: key + 1)
      case 1 where key < 100:
        try store.remove(key + 1)
        try store.put(Member(email: emails[key + 1], age: 2), for: key + 1_000)
      default: break
      }
      #expect(document.age == (key > 100 ? 2 : key % 3))
    }
    if byUniqueValue {
      try store.withDocuments(unique: "email", emails, visit)
    } else {
      try store.withDocuments(for: keys, visit)
    }
    #expect(
      visited == keys.compactMap { $0 % 3 < 2 ? $0 : byUniqueValue ? $0 - 1 + 1_000 : nil })
  }

  @Test func lookupsOfManyEndWithTheFirstError() throws {
    struct Enough: Error {}
    let store = try MemberStore()
    for key in 0..<40 { try store.put(Member(badge: key), for: key) }
    var visited = 0
    #expect(throws: Enough.self) {
      try store.withDocuments(for: 0..<40) { _, _ in
        visited += 1
        if visited == 20 { throw Enough() }
      }
    }
    #expect(visited == 20)
    visited = 0
    #expect(throws: Enough.self) {
      try store.withDocuments(unique: "badge", 0..<40) { _, _ in
        visited += 1
        if visited == 20 { throw Enough() }
      }
    }
    #expect(visited == 20)
    for index in ["none", ""] {
      let unknown = StoreError.unknownIndex(name: index, known: ["email", "badge"])
      #expect(throws: unknown) { _ = try store.documents(unique: index, [1]) }
      #expect(throws: unknown) { try store.withDocuments(unique: index, [1]) { _, _ in } }
    }
  }

  @Test func lookupsOfManyInASnapshotAreOfOneMoment() throws {
    let store = try MemberStore()
    for key in 0..<40 { try store.put(Member(badge: key, age: 0), for: key) }
    let frozen = store.snapshot()
    for key in 0..<20 { try store.put(Member(badge: key, age: 1), for: key) }
    for key in 20..<40 { try store.remove(key) }
    #expect(frozen.documents(for: 0..<40).map { $0?.age } == Array(repeating: 0, count: 40))
    #expect(try frozen.documents(unique: "badge", 0..<40).map { $0?.document.age } == Array(repeating: 0, count: 40))
    #expect(store.documents(for: 0..<40).map { $0?.age } == (0..<40).map { $0 < 20 ? 1 : nil })
  }

  /// Sequences that can be gone through once, and that somebody feeds: at their end nobody asks again.
  @Test(arguments: [0, 1, 15, 16, 17, 32]) func lookupsOfManyEndWithTheirSequence(count: Int) throws {
    let store = try MemberStore()
    for key in 0..<40 { try store.put(Member(badge: key), for: key) }
    var ends = 0
    func numbers() -> AnyIterator<Int> {
      var next = 0
      return AnyIterator {
        next += 1
        if next > count { ends += 1 }
        return next > count ? nil : next - 1
      }
    }
    #expect(store.documents(for: AnySequence(numbers)).map { $0?.badge } == Array(0..<count))
    #expect(try store.documents(unique: "badge", AnySequence(numbers)).map { $0?.key } == Array(0..<count))
    #expect(ends == 2)
    let operations = store.statistics().operations
    #expect(operations.gets == UInt64(count) && operations.uniqueLookups == UInt64(count))
  }

  @Test func everyLookupIsCounted() throws {
    let store = try MemberStore()
    for key in 0..<10 { try store.put(Member(age: key), for: key) }
    // More at a time than have a row of their own, and then others in their place.
    for round in 1...3 {
      let allHaveBegun = Barrier(LookupCounters.rowsMax + 20)
      onThreads(LookupCounters.rowsMax + 20) { _ in
        _ = store[0]
        allHaveBegun.wait()
        for key in 1..<20 { _ = store[key] }
        _ = store.documents(for: 0..<40)
        store.withDocuments(for: 20..<60) { _, _ in }
      }
      let statistics = store.statistics()
      let expected = UInt64(round * (LookupCounters.rowsMax + 20) * 100)
      #expect(statistics.operations.gets == expected)
      #expect(statistics.shards.reduce(0) { $0 + $1.operations } == expected + 10)
    }
  }
}
