import Foundation
import Testing

@testable import DarkBird

/// What the original got wrong, one test for each line of the list; the number is that of the line. Those about a
/// storm of threads are in `ConcurrencyTests`, those about subscribers in `EventTests`.
struct DefectTests {
  private let disk = SimulatedFileSystem.forStores()

  // 1
  @Test func removedDocumentIsInNoRange() throws {
    let store = try MemberStore()
    try store.put(Member(age: 5), for: 1)
    #expect(try store.keys(where: "age", in: .halfOpen(0, 10)) == [1])
    try store.remove(1)
    #expect(try store.keys(where: "age", in: .halfOpen(0, 10)) == [])
    #expect(try store.keys(where: "age", in: .all) == [])
  }

  // 2
  @Test func replacedDocumentLeavesNoEntriesBehind() throws {
    let store = try MemberStore()
    try store.put(
      Member(email: "old", badge: 1, club: "PSV", skills: ["go", "c"], age: 5, city: "Aa", score: 1), for: 1)
    try store.put(Member(email: "new", badge: 2, club: "Ajax", skills: ["c"], age: 50, city: "Bb", score: 2), for: 1)
    #expect(try store.keys(tagged: "club=PSV") == [])
    #expect(try store.keys(tagged: "skills=go") == [])
    #expect(try store.keys(tagged: "junior") == [])
    #expect(try store.keys(tagged: "skills=c") == [1])
    #expect(try store.keys(where: "age", in: .exactly(5)) == [])
    #expect(try store.keys(where: "city", in: .all) == [1])
    #expect(try store.document(unique: "email", "old") == nil)
    #expect(try store.document(unique: "badge", 1) == nil)
    #expect(try store.document(unique: "email", "new")?.key == 1)
    #expect(store.audit().problems == [])
  }

  // 3
  @Test func samePutTwiceSucceeds() throws {
    let store = try MemberStore()
    let member = Member(email: "a", badge: 7, club: "Ajax", age: 3)
    #expect(try store.put(member, for: 1) == nil)
    #expect(try store.put(member, for: 1) == member)
    #expect(store.count == 1)
    #expect(store.audit().problems == [])
  }

  // 5
  @Test func uniqueValueIsFreeOnceItsOwnerLeftIt() throws {
    let store = try MemberStore()
    try store.put(Member(email: "a"), for: 1)
    try store.put(Member(email: "b"), for: 1)
    try store.put(Member(email: "a"), for: 2)
    try store.remove(1)
    try store.put(Member(email: "b"), for: 3)
    try store.removeAll()
    try store.put(Member(email: "a"), for: 4)
    #expect(store.audit().problems == [])
  }

  // 8
  @Test func refusedWriteLeavesNoTraceInLogOrEvents() throws {
    let store = try MemberStore(on: disk)
    try store.put(Member(email: "a"), for: 1, ack: .synced)
    let events = store.events()
    let before = disk.storeFiles.filter { $0.value.contains { $0 != 0 } }
    #expect(throws: StoreError.duplicate(index: "email", value: "a", owner: "1")) {
      try store.put(Member(email: "a"), for: 2, ack: .synced)
    }
    #expect(throws: StoreError.keyExists(key: "1")) { try store.insert(Member(), for: 1, ack: .synced) }
    #expect(throws: StoreError.self) { try store.put(Member(score: .nan), for: 3) }
    #expect(try store.remove(9, ack: .synced) == nil)
    #expect(try store.update(9, ack: .synced) { $0.age = 1 } == nil)
    try store.sync()
    #expect(store.memoryLSN == 1)
    #expect(events.drain().isEmpty)
    let areFilesUntouched = disk.storeFiles.filter { $0.value.contains { $0 != 0 } } == before
    #expect(areFilesUntouched)
    let operations = store.statistics().operations
    #expect(operations.refusals >= 2 && operations.duplicatesRefused == 1 && operations.puts == 1)
  }

  // 10
  @Test func failedWriteToTheLogThrows() throws {
    let store = try MemberStore(on: disk)
    disk.plan(.once(.write, error: EIO, path: "wal"))
    #expect(storeError { try store.put(Member(), for: 1, ack: .written) }?.isPoisoned == true)
  }

  // 11
  @Test func synchronizedWritesSurviveThePowerLoss() throws {
    let store = try MemberStore(on: disk)
    for key in 0..<40 {
      try store.put(Member(name: String(repeating: "n", count: 300), age: key), for: key, ack: .synced)
      for seed in 0..<3 {
        let reopened = try MemberStore(on: disk.crashImage(seed: UInt64(seed)))
        #expect(Set(try reopened.contents().keys) == Set(0...key))
      }
    }
  }

  // 12
  @Test func closeWritesEverything() throws {
    let store = try MemberStore(on: disk)
    for key in 0..<1_000 { try store.put(Member(age: key), for: key) }
    try store.close()
    #expect(disk.openFileCount == 0)
    let reopened = try MemberStore(on: disk.crashImage(seed: 1))
    #expect(reopened.count == 1_000)
  }

  // 13
  @Test func newestVersionWinsAfterManyReopenings() throws {
    let configuration = StoreConfiguration.simulated(.records(3))
    for round in 0..<5 {
      let store = try MemberStore(configuration, on: disk)
      for key in 0..<8 {
        if round > 0 { #expect(store[key]?.age == round - 1) }
        try store.put(Member(age: round), for: key)
      }
      try store.close()
    }
    let store = try MemberStore(configuration, on: disk)
    #expect(try store.keys(where: "age", in: .exactly(4)).count == 8)
    #expect(store.memoryLSN == 40)
  }

  // 14
  @Test func pageCapacityMayChangeAtEveryOpening() throws {
    var key = 0
    for capacity: StoreConfiguration.PageCapacity in [
      .records(10), .records(5), .records(20), .bytes(8 << 10), .bytes(16 << 10), .bytes(8 << 10), .records(1),
    ] {
      let store = try MemberStore(.simulated(capacity), on: disk)
      #expect(Set(try store.contents().keys) == Set(0..<key))
      for _ in 0..<33 {
        try store.put(Member(name: String(repeating: "n", count: 200)), for: key)
        key += 1
      }
      try store.close()
    }
    #expect(try MemberStore(on: disk).count == key)
  }

  // 15
  @Test func missingFileDescriptorAtARotationLosesNothing() throws {
    let store = try MemberStore(.simulated(.records(4)), on: disk)
    disk.plan(.once(.open, error: EMFILE, path: "wal", after: 1))
    var accepted: Set<Int> = []
    for key in 0..<40 {
      do {
        try store.put(Member(), for: key)
        accepted.insert(key)
      } catch { #expect((error as StoreError).isPoisoned == false, "\(error)") }
    }
    #expect(accepted.count >= 39)
    #expect(Set(try store.contents().keys) == accepted)
    try store.close()
    #expect(Set(try MemberStore(on: disk).contents().keys) == accepted)
  }

  // 16
  @Test func tornTailIsCutAndKeptAside() throws {
    let store = try MemberStore(on: disk)
    try store.put(Member(name: "kept"), for: 1, ack: .synced)
    let killed = disk.killImage()
    let page = try #require(killed.pageInUse)
    var bytes = try #require(killed.storeFiles[page])
    let end = try #require(bytes.lastIndex { $0 != 0 }) + 1
    let garbage = Array("garbage, not a frame".utf8)
    bytes.replaceSubrange((end + 7) & ~7..<((end + 7) & ~7) + garbage.count, with: garbage)
    killed.setFile("/data/store/" + page, bytes)
    let reopened = try MemberStore(on: killed)
    #expect(try reopened.contents() == [1: Member(name: "kept")])
    try reopened.close()
    #expect(killed.storeFiles.contains { $0.key != page && $0.value.count == garbage.count && $0.value == garbage })
    #expect(try MemberStore(on: killed).count == 1)
  }

  // 16, on a disk that is full: the zeros behind the tail make room for its copy.
  @Test func tornTailIsKeptAsideOnAFullDisk() throws {
    let store = try MemberStore(on: disk)
    try store.put(Member(name: "kept"), for: 1, ack: .synced)
    let killed = disk.killImage()
    let page = try #require(killed.pageInUse)
    var bytes = try #require(killed.storeFiles[page])
    let end = LogFormat.aligned(try #require(bytes.lastIndex { $0 != 0 }) + 1)
    let garbage = Array("garbage, not a frame".utf8)
    bytes.replaceSubrange(end..<end + garbage.count, with: garbage)
    // The page that was made ahead would make room too.
    for name in killed.storeFiles.keys where name.hasPrefix("wal-") && name != page {
      killed.deleteFile("/data/store/" + name)
    }
    killed.setFile("/data/store/" + page, bytes)
    killed.bytesMax = killed.files.values.reduce(0) { $0 + $1.count }
    let reopened = try MemberStore(on: killed)
    #expect(try reopened.contents() == [1: Member(name: "kept")])
    #expect(killed.storeFiles["torn-\(page)-\(end)"] == garbage)
  }

  // 16, of a process that is killed twice at the same place.
  @Test func everyTornTailIsKept() throws {
    var store = try MemberStore(on: disk)
    try store.put(Member(name: "kept"), for: 1, ack: .synced)
    var killed = disk.killImage()
    let page = try #require(killed.pageInUse)
    let end = LogFormat.aligned(try #require(killed.storeFiles[page]?.lastIndex { $0 != 0 }) + 1)
    let tails = ["first", "second", "third"].map { Array("the \($0) garbage".utf8) }
    for tail in tails {
      killed.setFile("/data/store/" + page, try #require(killed.storeFiles[page]).prefix(end) + tail)
      store = try MemberStore(on: killed)
      #expect(try store.contents() == [1: Member(name: "kept")])
      killed = killed.killImage()
    }
    let kept = killed.storeFiles.filter { $0.key.hasPrefix("torn-\(page)-\(end)") }
    #expect(kept.sorted { $0.key < $1.key }.map(\.value) == tails, "\(kept.keys)")
  }

  // 16, of a process that is killed again before it closes the store: records of one length lie where the old ones did.
  @Test func recordsBehindATornOneDoNotComeBack() throws {
    let store = try MemberStore(on: disk)
    for key in 1...3 { try store.put(Member(name: "old"), for: key, ack: .written) }
    let killed = disk.killImage()
    let page = try #require(killed.pageInUse)
    var bytes = try #require(killed.storeFiles[page])
    let second = LogFormat.headerBytes + LogFormat.aligned(bytes.withUnsafeBytes { Int($0.load32(at: 4_096)) })
    bytes[second + 40] ^= 1
    killed.setFile("/data/store/" + page, bytes)
    let reopened = try MemberStore(on: killed)
    #expect(Set(try reopened.contents().keys) == [1])
    try reopened.put(Member(name: "new"), for: 2, ack: .written)
    let again = try MemberStore(on: killed.killImage())
    #expect(try again.contents() == [1: Member(name: "old"), 2: Member(name: "new")])
  }

  // 17
  @Test func flippedLengthBitIsRefusedWithItsPlace() throws {
    let store = try MemberStore(on: disk)
    for key in 0..<5 { try store.put(Member(), for: key, ack: .synced) }
    let killed = disk.killImage()
    let path = "/data/store/" + (try #require(killed.pageInUse))
    var bytes = try #require(killed.files[path])
    bytes[4_096] ^= 0x40
    killed.setFile(path, bytes)
    let before = killed.files
    guard case .corrupt(path, 4_096, _)? = storeError({ _ = try MemberStore(on: killed) }) else {
      Issue.record("opened, or refused without the place")
      return
    }
    let isUntouched = killed.files == before
    #expect(isUntouched)
  }

  // 18
  @Test func shortWritesAreCompleted() throws {
    let store = try MemberStore(on: disk)
    disk.plan(.short(.write, bytes: 1, times: 5), .short(.write, bytes: 37, after: 3, times: 40))
    for key in 0..<30 { try store.put(Member(name: "name \(key)"), for: key, ack: key % 3 == 0 ? .written : .memory) }
    try store.sync()
    let reopened = try MemberStore(on: disk.crashImage(seed: 3))
    #expect(try reopened.contents() == store.contents())
  }

  // 19
  @Test func secondOpeningIsRefused() throws {
    let store = try MemberStore(on: disk)
    guard case .locked("/data/store", let holder)? = storeError({ _ = try MemberStore(on: disk) }) else {
      Issue.record("opened twice")
      return
    }
    #expect(holder.contains("\(ProcessInfo.processInfo.processIdentifier)"))
    var configuration = StoreConfiguration.simulated()
    configuration.isReadOnly = true
    guard case .locked? = storeError({ _ = try MemberStore(configuration, on: disk) }) else {
      Issue.record("opened for reading while a writer has it")
      return
    }
    try store.close()
    try MemberStore(on: disk).close()
  }

  // 19. A name that a killed writer left in the file is not that of the reader who has the lock now.
  @Test(arguments: [false, true]) func holderIsWhoHoldsTheLock(onRealDisk: Bool) throws {
    let directory = try TemporaryDirectory()
    let fileSystem: any FileSystem = onRealDisk ? PosixFileSystem() : disk
    var configuration = StoreConfiguration.simulated()
    if onRealDisk { configuration.location = .disk(path: directory.path) }
    let path = onRealDisk ? directory.path : "/data/store"
    func open(readOnly: Bool = false) throws(StoreError) -> MemberStore {
      configuration.isReadOnly = readOnly
      return try MemberStore(configuration, schema: Member.schema, fileSystem: fileSystem)
    }
    func holder(_ body: () throws -> Void) -> String? {
      if case .locked(_, let holder)? = storeError(body) { holder } else { nil }
    }
    let lock = "\(path)/\(LogFormat.lockName)"
    try open().close()
    #expect(try fileSystem.contents(lock).isEmpty)
    let file = try fileSystem.open(lock, .readWrite)
    try file.writeAll(Array("process 4711".utf8), at: 0)
    file.close()
    let reader = try open(readOnly: true)
    #expect(holder { _ = try open() } == "a reader")
    // The refusal has not taken the lock from the reader, or kept it from others.
    #expect(holder { _ = try open() } == "a reader")
    try open(readOnly: true).close()
    try reader.close()
    let writer = try open()
    let me = "process \(ProcessInfo.processInfo.processIdentifier)"
    #expect(holder { _ = try open() }?.hasPrefix(me) == true)
    #expect(holder { _ = try open(readOnly: true) }?.hasPrefix(me) == true)
    let salvaging = { _ = try StoreInspector.salvage(path, to: path + "-rescued", fileSystem) }
    #expect(holder(salvaging)?.hasPrefix(me) == true)
    try writer.close()
  }

  // 19, on the real disk
  /// Whoever removes the file of the lock may do so just before another one takes it: then it keeps nobody out.
  @Test func lockWithoutANameIsNone() throws {
    try MemberStore(on: disk).close()
    let locks = Counter()
    disk.observe { [unowned disk] _, call, path in
      if call == .tryLock, path.hasSuffix(LogFormat.lockName), locks.next() == 1 { disk.deleteFile(path) }
    }
    let store = try MemberStore(on: disk)
    disk.observe(nil)
    #expect(locks.value == 2)
    guard case .locked? = storeError({ _ = try MemberStore(on: disk) }) else {
      Issue.record("two stores have one directory open")
      return
    }
    try store.close()
    let path = NSTemporaryDirectory() + "darkbird-name-" + UUID().uuidString
    let file = try PosixFileSystem().open(path, .createNew)
    #expect(try file.hasItsName())
    try PosixFileSystem().rename(path, to: path + "-moved")
    #expect(try !file.hasItsName())
    try PosixFileSystem().open(path, .createNew).close()
    #expect(try !file.hasItsName())
    file.close()
    for path in [path, path + "-moved"] { try PosixFileSystem().remove(path) }
  }

  @Test func secondOpeningOfARealDirectoryIsRefused() throws {
    let directory = try TemporaryDirectory()
    let store = try MemberStore(.disk(at: directory.path))
    guard case .locked? = storeError({ _ = try MemberStore(.disk(at: directory.path)) }) else {
      Issue.record("opened twice")
      return
    }
    try store.put(Member(name: "real"), for: 1, ack: .synced)
    try store.close()
    let reopened = try MemberStore(.disk(at: directory.path))
    #expect(try reopened.contents() == [1: Member(name: "real")])
    try reopened.close()
  }

  // 20, as far as it is about checkpoints
  @Test func checkpointsUnderLoadLoseNothing() throws {
    let store = try MemberStore(.simulated(.records(20)), on: disk)
    let isDone = Counter()
    onThreads(3) { thread in
      do {
        if thread == 0 {
          for _ in 0..<6 { try store.checkpoint() }
          isDone.next()
        } else {
          var generator = SeededGenerator(seed: UInt64(thread))
          var step = 0
          while isDone.value == 0 || step < 300 {
            step += 1
            let key = generator.below(50) * 2 + thread - 1
            if generator.chance(30) { try store.remove(key) } else { try store.put(Member(age: step), for: key) }
          }
        }
      } catch { Issue.record("\(error)") }
    }
    try store.sync()
    #expect(store.audit().problems == [])
    #expect(store.statistics().log?.checkpoints ?? 0 > 0)
    for seed in 0..<5 as Range<UInt64> {
      let reopened = try MemberStore(on: disk.crashImage(seed: seed))
      #expect(try reopened.contents() == store.contents())
      #expect(reopened.audit().problems == [])
    }
  }

  // 21
  @Test func rangesAreTheSameAfterReopening() throws {
    let store = try MemberStore(on: disk)
    for key in 0..<100 { try store.put(Member(age: key % 7, city: "c\(key % 5)", score: Double(key) / 3), for: key) }
    let ranges: [(String, IndexRange)] = [
      ("age", .closed(2, 4)), ("city", .atLeast("c2")), ("score", .halfOpen(1, 20)), ("age", .all),
    ]
    let before = try ranges.map { Set(try store.keys(where: $0.0, in: $0.1)) }
    try store.close()
    let reopened = try MemberStore(on: disk)
    #expect(try ranges.map { Set(try reopened.keys(where: $0.0, in: $0.1)) } == before)
    #expect(before.allSatisfy { !$0.isEmpty })
  }

  // 22
  @Test(.timeLimit(.minutes(30))) func logWithARemoveOpens() throws {
    let store = try MemberStore(on: disk)
    try store.put(Member(email: "a", club: "Ajax"), for: 1)
    try store.remove(1)
    try store.close()
    let reopened = try MemberStore(on: disk)
    #expect(reopened.count == 0)
    #expect(reopened.memoryLSN == 2)
    try reopened.put(Member(email: "a", club: "Ajax"), for: 2)
  }

  // 27
  @Test func invertedRangeIsAnErrorAndNumbersAreOrderedAsNumbers() throws {
    let store = try MemberStore()
    for age in [5, 10, 9, 100, -3] { try store.put(Member(age: age), for: age) }
    #expect(throws: StoreError.invertedRange(field: "age", lower: 10, upper: 5)) {
      try store.keys(where: "age", in: .closed(10, 5))
    }
    #expect(throws: StoreError.self) { try store.count(Query(ranges: [.init(field: "age", range: .closed(10, 5))])) }
    #expect(try store.keys(where: "age", in: .all) == [-3, 5, 9, 10, 100])
    #expect(try store.keys(where: "age", in: .closed(5, 10)) == [5, 9, 10])
    #expect(try store.documents(where: "age", in: .atMost(9.5), order: .descending).documents.map(\.key) == [9, 5, -3])
  }

  // 28
  @Test(.timeLimit(.minutes(30))) func storeMayBeCalledFromWithinItsOwnCallbacks() throws {
    let store = try MemberStore(on: disk)
    try store.put(Member(name: "a", club: "Ajax", age: 1), for: 1)
    _ = try store.withDocument(1) { member in
      try store.put(Member(name: "b" + member.name, age: 2), for: 1)
      try store.put(Member(name: "c", age: 3), for: 2)
      #expect(member.name == "a")
    }
    try store.update(1) { member in
      member.age = 7
      if store[3] == nil {
        // The first try; this change makes it try again, on the changed document.
        try store.put(Member(name: "again"), for: 1)
        try store.put(Member(), for: 3)
        try store.checkpoint()
      }
      #expect(try store.scan().documents.count >= 2)
    }
    #expect(store[1] == Member(name: "again", age: 7))
    for stored in try store.documents(where: "age", in: .all).documents { try store.remove(stored.key) }
    #expect(store.count == 1)
  }

  // 29
  @Test func storeInMemoryTouchesNoFile() throws {
    let store = try MemberStore(.memory, on: disk)
    let calls = disk.callCount
    for key in 0..<100 { try store.put(Member(email: "\(key)"), for: key, ack: .synced) }
    try store.removeAll()
    try store.checkpoint()
    try store.sync()
    try store.close()
    #expect(disk.callCount == calls)
    #expect(disk.files.isEmpty)
  }

  // 30
  @Test(arguments: [true, false]) func everyFailedCallWhileOpeningIsATypedError(isNew: Bool) throws {
    let original = SimulatedFileSystem.forStores()
    if !isNew {
      let store = try MemberStore(.simulated(.records(2)), on: original)
      for key in 0..<5 { try store.put(Member(age: key), for: key) }
      try store.checkpoint()
      try store.put(Member(age: 5), for: 5)
      try store.close()
    }
    let expected = isNew ? 0 : 6
    for failing in 0..<60 {
      let disk = original.killImage()
      disk.plan(SimulatedFault(calls: Set(SimulatedCall.allCases), after: failing, times: .max, effect: .error(EACCES)))
      do {
        let store = try MemberStore(on: disk)
        #expect(failing > 3)
        #expect(store.count == expected)
        try? store.close()
      } catch {
        #expect(error is StoreError, "call \(failing): \(error)")
        #expect(disk.openFileCount == 0, "files are still open after call \(failing) failed")
      }
      disk.clearFaults()
      #expect(try MemberStore(on: disk).count == expected, "after call \(failing) failed")
    }
  }
}

extension StoreError {
  var isPoisoned: Bool { if case .poisoned = self { true } else { false } }
}
