import Foundation
import Testing

@testable import DarkBird

@Suite(.timeLimit(.minutes(30)))
struct BatchTests {
  private func makeStore(_ isOnDisk: Bool) throws -> (MemberStore, SimulatedFileSystem) {
    let disk = SimulatedFileSystem.forStores()
    return (try MemberStore(isOnDisk ? .simulated() : .memory, on: disk), disk)
  }

  /// What a refused write must not change: all but the counters of refusals.
  private struct Facts: Equatable {
    var contents: [Int: Member]
    var lsn: UInt64
    var operations: StoreStatistics.Operations
    var queueBytes: Int?

    init(_ store: MemberStore) throws {
      contents = try store.contents()
      let statistics = store.statistics()
      lsn = statistics.memoryLSN
      operations = statistics.operations
      operations.refusals = 0
      operations.duplicatesRefused = 0
      operations.scans = 0
    }
  }

  private func expectRefusal(
    _ expected: StoreError, _ store: MemberStore, _ collect: (inout Batch<Int, Member>) throws -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try Facts(store)
    let refusals = store.statistics().operations.refusals
    let events = store.events()
    #expect(storeError { try store.batch(collect) } == expected, sourceLocation: sourceLocation)
    #expect(try Facts(store) == before, sourceLocation: sourceLocation)
    #expect(events.drain().isEmpty, sourceLocation: sourceLocation)
    #expect(store.statistics().operations.refusals == refusals + 1, sourceLocation: sourceLocation)
    #expect(store.audit().problems == [], sourceLocation: sourceLocation)
    // No room in the log is kept for what was refused.
    try store.put(Member(name: "goes on"), for: 999, ack: .written)
    try store.remove(999)
  }

  @Test(arguments: [true, false]) func aBatchIsOneStepWithOneLSN(isOnDisk: Bool) throws {
    let (store, disk) = try makeStore(isOnDisk)
    try store.put(Member(name: "old", email: "a"), for: 1)
    try store.put(Member(name: "gone", badge: 4), for: 2)
    let events = store.events()
    let lsn = try store.batch(ack: .synced) { batch in
      batch.put(Member(name: "new", email: "b"), for: 1)
      batch.remove(2)
      batch.insert(Member(name: "c", badge: 4), for: 3)
      batch.remove(7)
      #expect(batch.count == 4 && !batch.isEmpty)
    }
    #expect(lsn == 3 && store.memoryLSN == 3)
    #expect(store[1]?.name == "new" && store[2] == nil && store.stored(3)?.lsn == 3)
    #expect(try store.document(unique: "badge", 4)?.key == 3)
    let told = events.drain().map { event -> String in
      switch event {
      case .put(let key, let old, let new, let lsn, let shard):
        #expect(shard == store.stored(key)?.shard)
        return "\(lsn) put \(key) \(old?.name ?? "-") \(new.name)"
      case .removed(let key, let old, let lsn, _): return "\(lsn) removed \(key) \(old.name)"
      default: return "\(event)"
      }
    }
    #expect(told == ["3 put 1 old new", "3 removed 2 gone", "3 put 3 - c"])
    let operations = store.statistics().operations
    #expect(operations.batches == 1 && operations.puts == 3 && operations.inserts == 1 && operations.removes == 1)
    #expect(store.audit().problems == [])
    let contents = try store.contents()
    try store.close()
    guard isOnDisk else { return }
    let reopened = try MemberStore(on: disk)
    #expect(try reopened.contents() == contents && reopened.memoryLSN == 3 && reopened.audit().isClean)
    #expect(reopened.stored(3)?.lsn == 3)
  }

  @Test(arguments: [true, false]) func nothingToDoIsNoRecord(isOnDisk: Bool) throws {
    let (store, _) = try makeStore(isOnDisk)
    let events = store.events()
    #expect(try store.batch { _ in } == nil)
    #expect(try store.batch { $0.remove(1) } == nil)
    #expect(
      try store.batch { batch in
        batch.insert(Member(), for: 1)
        batch.remove(1)
      } == nil)
    #expect(store.memoryLSN == 0 && events.drain().isEmpty && store.statistics().operations.writes == 0)
    #expect(store.statistics().operations.batches == 0)
  }

  @Test func theLastOperationOnAKeyCounts() throws {
    let store = try MemberStore()
    try store.put(Member(name: "before", email: "taken"), for: 4)
    let events = store.events()
    try store.batch { batch in
      batch.put(Member(name: "a", email: "x"), for: 1)
      batch.put(Member(name: "b", email: "y"), for: 1)
      batch.put(Member(email: "z"), for: 2)
      batch.remove(2)
      batch.insert(Member(name: "c"), for: 3)
      batch.put(Member(name: "d", email: "x"), for: 3)
      // As if one after the other: what was removed can be inserted.
      batch.remove(4)
      batch.insert(Member(name: "again"), for: 4)
    }
    #expect(try store.contents().mapValues(\.name) == [1: "b", 3: "d", 4: "again"])
    #expect(events.drain().count == 3)
    #expect(store.audit().problems == [])
  }

  @Test(arguments: [true, false]) func uniqueValuesMoveAndSwapWithinABatch(isOnDisk: Bool) throws {
    let (store, disk) = try makeStore(isOnDisk)
    try store.put(Member(email: "a", badge: 1), for: 1)
    try store.put(Member(email: "b", badge: 2), for: 2)
    try store.put(Member(email: "c", badge: 3), for: 3)
    // A circle.
    try store.batch { batch in
      batch.put(Member(email: "b", badge: 1), for: 1)
      batch.put(Member(email: "c", badge: 3), for: 2)
      batch.put(Member(email: "a", badge: 2), for: 3)
    }
    #expect(try ["a", "b", "c"].map { try store.document(unique: "email", $0)?.key } == [3, 1, 2])
    #expect(try [1, 2, 3].map { try store.document(unique: "badge", $0)?.key } == [1, 3, 2])
    // To a new document, from one that goes.
    try store.batch { batch in
      batch.insert(Member(email: "a"), for: 4)
      batch.remove(3)
    }
    #expect(try store.document(unique: "email", "a")?.key == 4)
    #expect(store.audit().problems == [])
    try store.close()
    if isOnDisk { #expect(try MemberStore(on: disk).contents() == store.contents()) }
  }

  @Test(arguments: [true, false]) func refusedBatchChangesNothing(isOnDisk: Bool) throws {
    let (store, disk) = try makeStore(isOnDisk)
    try store.put(Member(name: "one", email: "a", badge: 1), for: 1)
    try store.put(Member(name: "two", email: "b"), for: 2)
    try expectRefusal(.keyExists(key: "2"), store) { batch in
      batch.put(Member(name: "x"), for: 1)
      batch.insert(Member(), for: 2)
    }
    try expectRefusal(.keyExists(key: "2"), store) { batch in
      batch.insert(Member(), for: 2)
      batch.put(Member(), for: 2)
      batch.remove(2)
    }
    try expectRefusal(.keyExists(key: "3"), store) { batch in
      batch.put(Member(), for: 3)
      batch.insert(Member(), for: 3)
    }
    // An owner outside of the batch, and one in it that keeps its value.
    try expectRefusal(.duplicate(index: "email", value: .string("b"), owner: "2"), store) { batch in
      batch.put(Member(email: "c"), for: 1)
      batch.put(Member(email: "b"), for: 3)
    }
    try expectRefusal(.duplicate(index: "email", value: .string("b"), owner: "2"), store) { batch in
      batch.put(Member(name: "still", email: "b"), for: 2)
      batch.put(Member(email: "b"), for: 3)
    }
    try expectRefusal(.duplicate(index: "badge", value: .int(9), owner: "5"), store) { batch in
      batch.put(Member(badge: 9), for: 5)
      batch.remove(1)
      batch.put(Member(badge: 9), for: 6)
    }
    try expectRefusal(.duplicate(index: "email", value: .string("a"), owner: "1"), store) { batch in
      // Gives up another value than the one that is claimed.
      batch.put(Member(email: "a"), for: 1)
      batch.put(Member(email: "a"), for: 2)
    }
    // The first that is refused says why, also if the owner owns what a later one wants, in an index that comes first.
    try expectRefusal(.duplicate(index: "badge", value: .int(1), owner: "1"), store) { batch in
      batch.put(Member(badge: 1), for: 3)
      batch.put(Member(email: "a"), for: 4)
    }
    let before = try Facts(store)
    let nan = storeError {
      try store.batch { batch in
        batch.remove(1)
        batch.put(Member(score: .nan), for: 3)
      }
    }
    guard case .invalidIndexValue("score", _)? = nan else {
      Issue.record("\(String(describing: nan))")
      return
    }
    #expect(throws: Mismatch.self) {
      try store.batch { batch in
        batch.remove(1)
        throw Mismatch("on purpose")
      }
    }
    #expect(try Facts(store) == before)
    try store.close()
    #expect(storeError { try store.batch { $0.remove(1) } } == .closed)
    if isOnDisk { #expect(try MemberStore(on: disk).contents() == before.contents) }
  }

  @Test func tooLargeABatchIsRefused() throws {
    let (store, _) = try makeStore(true)
    let name = String(repeating: "n", count: 1 << 20)
    let error = storeError {
      try store.batch { batch in for key in 0..<64 { batch.put(Member(name: name), for: key) } }
    }
    guard case .tooLarge("the batch", let bytes, LogFormat.batchBytesMax)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(bytes > 64 << 20)
    #expect(store.count == 0 && store.memoryLSN == 0)
    // Larger than the queue and a page, and still one record.
    try store.batch(ack: .synced) { batch in for key in 0..<20 { batch.put(Member(name: name), for: key) } }
    #expect(store.count == 20 && store.memoryLSN == 1)
    try store.put(Member(), for: 1, ack: .synced)
  }

  @Test func fullAndBrokenDisksTakeNothingOfABatch() throws {
    let (store, disk) = try makeStore(true)
    try store.put(Member(name: "kept"), for: 1, ack: .synced)
    let events = store.events()
    disk.bytesMax = disk.bytesUsed
    let large = Member(name: String(repeating: "n", count: 20_000))
    let full = storeError {
      try store.batch { batch in
        batch.remove(1)
        batch.put(large, for: 2)
      }
    }
    #expect(full == .diskFull(path: "/data/store"))
    #expect(store.memoryLSN == 1 && store.count == 1 && events.drain().isEmpty)
    disk.bytesMax = nil
    try store.batch(ack: .synced) { $0.put(large, for: 2) }
    #expect(store.memoryLSN == 2 && events.drain().count == 1)

    disk.plan(.forever(.write, error: EIO))
    #expect(throws: StoreError.self) { try store.batch(ack: .synced) { $0.put(Member(), for: 3) } }
    let (contents, lsn) = (try store.contents(), store.memoryLSN)
    _ = events.drain()
    #expect(throws: StoreError.self) { try store.batch { $0.remove(1) } }
    #expect(try store.contents() == contents && store.memoryLSN == lsn && events.drain().isEmpty)
    #expect(store.audit().problems == [])
  }

  /// A document whose schema tells a test when it is asked.
  private struct Watched: Document {
    nonisolated(unsafe) static var asked: ((Int) -> Void)?
    var number = 0

    static let schema: IndexSchema<Watched> = [
      .unique("number") { document in
        asked?(document.number)
        return document.number
      }
    ]

    init(_ number: Int) { self.number = number }
    init(cbor reader: inout CBORReader) throws { number = try reader.readInt() }
    func encode(cbor writer: inout CBORWriter) throws { writer.write(number) }
  }

  /// What others do between the looks of a batch: replace, remove and insert what it replaces, removes and inserts.
  @Test func whatChangesMeanwhileIsPartOfTheNextAttempt() throws {
    let disk = SimulatedFileSystem.forStores()
    var store = try Store<Int, Watched>(.simulated(), schema: Watched.schema, fileSystem: disk)
    for key in 1...5 { try store.put(Watched(key), for: key) }
    var steps: [() throws -> Void] = [
      { [store] in try store.put(Watched(11), for: 1) },
      { [store] in try store.remove(2) },
      { [store] in try store.remove(3) },
      { [store] in try store.put(Watched(33), for: 3) },
      { [store] in try store.put(Watched(66), for: 6) },
    ]
    var isInside = false
    Watched.asked = { number in
      // Of an old document only, and not of those that the step itself writes.
      if isInside || number >= 100 || steps.isEmpty { return }
      isInside = true
      defer { isInside = false }
      #expect(throws: Never.self) { try steps.removeFirst()() }
    }
    defer { Watched.asked = nil }
    let lsn = try store.batch { batch in
      batch.put(Watched(101), for: 1)
      batch.remove(2)
      batch.put(Watched(103), for: 3)
      batch.remove(4)
      batch.put(Watched(106), for: 6)
      batch.remove(7)
    }
    #expect(steps.isEmpty && lsn == store.memoryLSN)
    for _ in 0..<2 {
      let found = try store.scan().documents.map { [$0.key, $0.document.number] }.sorted { $0[0] < $1[0] }
      #expect(found == [[1, 101], [3, 103], [5, 5], [6, 106]])
      #expect(store.audit().problems.isEmpty)
      try store.close()
      store = try Store(.simulated(), schema: Watched.schema, fileSystem: disk)
    }
    try store.close()
  }

  @Test func readOnlyStoresRefuseBatches() throws {
    let (store, disk) = try makeStore(true)
    #expect(storeError { try store.snapshot().batch { $0.remove(1) } } == .readOnly)
    try store.close()
    var configuration = StoreConfiguration.simulated()
    configuration.isReadOnly = true
    let reader = try MemberStore(configuration, on: disk)
    #expect(storeError { try reader.batch { $0.put(Member(), for: 1) } } == .readOnly)
  }

  @Test func theClosureMayUseTheStore() throws {
    let store = try MemberStore()
    try store.put(Member(age: 1), for: 1)
    try store.batch { batch in
      guard let member = store[1] else { return }
      try store.put(Member(age: 2), for: 2)
      try store.batch { $0.put(Member(age: 3), for: 3) }
      batch.put(member, for: 4)
    }
    #expect(store.count == 4)
  }

  @Test func aSlowSubscriberLosesTheOldestEventsOfABatch() throws {
    let store = try MemberStore()
    let events = store.events(capacity: 3)
    try store.batch { batch in for key in 0..<10 { batch.put(Member(), for: key) } }
    let received = events.drain()
    #expect(received.count == 4)
    guard case .gap(7)? = received.first else {
      Issue.record("\(received)")
      return
    }
  }

  @Test func slotsOfManyNewAndRemovedDocumentsAreRight() throws {
    let store = try MemberStore()
    var generator = SeededGenerator(seed: 5)
    var expected: [Int: Member] = [:]
    for round in 0..<Effort.meetings(60) {
      try store.batch { batch in
        for _ in 0..<generator.below(200) {
          let key = generator.below(2_000)
          if generator.chance(50) {
            let member = Member(club: "c\(generator.below(5))", age: round)
            batch.put(member, for: key)
            expected[key] = member
          } else {
            batch.remove(key)
            expected[key] = nil
          }
        }
      }
      #expect(store.audit().problems == [])
    }
    #expect(try store.contents() == expected)
  }

  // MARK: Readers

  /// Two documents swap a value, and a third takes another back and forth: always exactly one owner.
  @Test(arguments: [true, false]) func readersAlwaysFindOneOwner(isOnDisk: Bool) throws {
    let (store, _) = try makeStore(isOnDisk)
    try store.put(Member(email: "a", club: "Ajax"), for: 1)
    try store.put(Member(email: "b", club: "PSV"), for: 2)
    try store.put(Member(email: "m"), for: 3)
    let isDone = Counter()
    let looks = Counter()
    onThreads(3) { thread in
      do {
        if thread == 0 {
          for step in 0..<Effort.stepsMax where step < Effort.meetings(2_000) || looks.value < 20 {
            let (first, second) = step % 2 == 0 ? (2, 1) : (1, 2)
            try store.batch { batch in
              batch.put(Member(email: "a", club: "Ajax"), for: first)
              batch.put(Member(email: "b", club: "PSV"), for: second)
              batch.remove(step % 2 == 0 ? 3 : 4)
              batch.put(Member(email: "m"), for: step % 2 == 0 ? 4 : 3)
            }
          }
          isDone.next()
        }
        while isDone.value == 0 {
          for email in ["a", "b", "m"] {
            let owner = try store.document(unique: "email", email)
            #expect(owner?.document.email == email)
          }
          #expect(try store.count(Query(allTags: ["club=Ajax"])) == 1)
          #expect(try store.documents(tagged: "club=PSV").documents.count == 1)
          let frozen = try store.snapshot().contents()
          #expect(frozen.count == 3 && Set(frozen.values.map(\.email)) == ["a", "b", "m"])
          looks.next()
        }
      } catch { Issue.record("\(error)") }
    }
    #expect(store.audit().problems == [])
  }

  /// Of the racers for two keys one gets both.
  @Test func insertsMakeBatchesExclusive() throws {
    let store = try MemberStore()
    let won = Counter()
    onThreads(8) { thread in
      for round in 0..<100 {
        do {
          try store.batch { batch in
            batch.insert(Member(age: thread), for: round * 2)
            batch.insert(Member(age: thread), for: round * 2 + 1)
          }
          won.next()
        } catch StoreError.keyExists {
        } catch { Issue.record("\(error)") }
      }
    }
    #expect(won.value == 100 && store.count == 200 && store.memoryLSN == 100)
    for round in 0..<100 { #expect(store[round * 2]?.age == store[round * 2 + 1]?.age) }
  }

  // MARK: On disk

  /// Files with batches in several pages, each batch of four new documents that replace the four before.
  private func makeFiles() throws -> (SimulatedFileSystem, store: MemberStore) {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(.simulated(.records(4)), on: disk)
    for round in 0..<10 {
      try store.batch { batch in
        for number in 0..<4 {
          batch.put(Member(name: "\(round)", email: "e\(number)"), for: round * 4 + number)
          batch.remove(round * 4 + number - 4)
        }
      }
    }
    try store.close()
    return (disk, store)
  }

  private func frames(_ disk: SimulatedFileSystem) throws -> [StoreDump.Frame] {
    var frames: [StoreDump.Frame] = []
    try StoreInspector.dump("/data/store", .init(), disk) { item in
      if case .frame(let frame) = item { frames.append(frame) }
      return true
    }
    return frames
  }

  @Test func dumpShowsTheOperationsOfABatch() throws {
    let (disk, _) = try makeFiles()
    let batches = try frames(disk).filter { $0.kind != .seal }
    #expect(batches.map(\.lsn) == Array(1...10) && !batches.contains { $0.kind != .batch })
    // In the first round there is nothing to remove.
    #expect(batches[0].operations.map(\.kind) == [.put, .put, .put, .put])
    #expect(batches[5].operations.map(\.kind) == [.put, .remove, .put, .remove, .put, .remove, .put, .remove])
    #expect(batches[5].operations.map(\.key) == [20, 16, 21, 17, 22, 18, 23, 19].map { .int($0) })
  }

  @Test func damageInABatchLosesItAsAWhole() throws {
    let (disk, _) = try makeFiles()
    let hit = try #require(try frames(disk).last { $0.kind == .batch })
    var bytes = try #require(disk.storeFiles[hit.file])
    bytes[hit.offset + hit.bytes - 3] ^= 1
    disk.setFile("/data/store/\(hit.file)", bytes)
    #expect(throws: StoreError.self) { try MemberStore(on: disk) }
    let report = try StoreInspector.salvage("/data/store", to: "/data/rescued", disk)
    #expect(report.gaps == [.init(first: 10, last: 10)] && report.problems == [])
    var configuration = StoreConfiguration.simulated()
    configuration.location = .disk(path: "/data/rescued")
    let rescued = try MemberStore(configuration, on: disk)
    #expect(Set(try rescued.contents().keys) == [32, 33, 34, 35])
    #expect(try rescued.document(unique: "email", "e2")?.key == 34)
  }

  /// Cut anywhere, the log holds the batch or does not.
  @Test func tornBatchIsThereAsAWholeOrNotAtAll() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(on: disk)
    try store.put(Member(name: "first", email: "e"), for: 0)
    try store.batch { batch in
      batch.remove(0)
      for key in 1..<9 { batch.put(Member(name: "n\(key)", email: key == 3 ? "e" : nil), for: key) }
    }
    // The log alone: closing would note how far it reached.
    try store.sync()
    let files = disk.storeFiles
    let name = try #require(disk.pageInUse)
    let page = try #require(files[name])
    let batch = try #require(try frames(disk).last)
    for length in batch.offset...batch.offset + batch.bytes {
      let image = SimulatedFileSystem.forStores()
      for (file, bytes) in files where file != LogFormat.lockName { image.setFile("/data/store/\(file)", bytes) }
      image.setFile("/data/store/\(name)", Array(page.prefix(length)))
      let opened = try MemberStore(on: image)
      let isWhole = length == batch.offset + batch.bytes
      #expect(opened.memoryLSN == (isWhole ? 2 : 1))
      #expect(Set(try opened.contents().keys) == (isWhole ? Set(1..<9) : [0]))
      #expect(opened.audit().problems == [])
    }
    try store.close()
  }

  @Test func checkpointsMayComeInTheMiddleOfBatches() throws {
    for round in 0..<10 {
      let disk = SimulatedFileSystem.forStores()
      let store = try MemberStore(.simulated(.records(6)), on: disk)
      onThreads(2) { thread in
        do {
          for step in 0..<60 {
            if thread == 1 {
              try store.checkpoint()
            } else {
              try store.batch { batch in
                for key in 0..<20 { batch.put(Member(email: "e\((key + step) % 20)", age: step), for: key) }
              }
            }
          }
        } catch { Issue.record("\(error)") }
      }
      try store.put(Member(), for: 100, ack: .synced)
      let reopened = try MemberStore(on: disk.crashImage(seed: UInt64(round)))
      #expect(try reopened.contents() == store.contents())
      #expect(reopened.audit().problems == [])
      try store.close()
    }
  }
}
