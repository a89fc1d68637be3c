import Foundation
import Testing

@testable import DarkBird

/// Calls of the disk that fail while a store is open.
@Suite(.timeLimit(.minutes(30)))
struct FaultTests {
  private let disk = SimulatedFileSystem.forStores()

  private func member(_ key: Int, bytes: Int = 300) -> Member {
    Member(name: String(repeating: "n", count: bytes), email: "e\(key)", age: key)
  }

  /// What a poisoned store must do: refuse writes, answer reads, and never sync again.
  private func expectPoisoned(_ store: MemberStore, _ expected: Set<Int>) async throws {
    let syncs = disk.callCount(.synchronize)
    #expect(storeError { try store.put(member(900), for: 900) }?.isPoisoned == true)
    #expect(storeError { try store.insert(member(900), for: 901) }?.isPoisoned == true)
    #expect(storeError { try store.update(1) { $0.age = 0 } }?.isPoisoned == true)
    #expect(storeError { try store.remove(1) }?.isPoisoned == true)
    #expect(storeError { try store.removeAll() }?.isPoisoned == true)
    #expect(storeError { try store.checkpoint() }?.isPoisoned == true)
    #expect(storeError { try store.sync() }?.isPoisoned == true)
    await #expect(throws: StoreError.self) { try await store.sync() }
    #expect(Set(try store.contents().keys) == expected)
    #expect(store[1]?.age == 1)
    #expect(try store.document(unique: "email", "e1")?.key == 1)
    #expect(store.audit().problems == [])
    #expect(store.statistics().log?.failure != nil)
    for _ in 0..<2 { #expect(storeError { try store.close() }?.isPoisoned == true) }
    #expect(disk.callCount(.synchronize) == syncs, "a failed sync was tried again")
  }

  @Test(arguments: [SimulatedCall.write, .synchronize]) func failureOfTheLogPoisonsTheStore(_ call: SimulatedCall)
    async throws
  {
    let store = try MemberStore(on: disk)
    for key in 0..<3 { try store.put(member(key), for: key, ack: .synced) }
    disk.plan(.once(call, error: EIO, path: "wal"))
    #expect(storeError { try store.put(member(3), for: 3, ack: .synced) }?.isPoisoned == true)
    try await expectPoisoned(store, [0, 1, 2, 3])
    let reopened = try MemberStore(on: disk.crashImage(seed: 1))
    #expect(Set(try reopened.contents().keys).isSuperset(of: [0, 1, 2]))
  }

  @Test func everyWaiterOfAFailedSyncThrows() throws {
    let store = try MemberStore(on: disk)
    // From here on there is room for all, so that nothing but their own sync is in the way.
    try store.put(Member(), for: 100, ack: .synced)
    disk.plan(.forever(.synchronize, error: EIO, path: "wal"))
    let outcomes = Seen<Bool>()
    onThreads(8) { thread in
      outcomes.append(storeError { try store.put(Member(), for: thread, ack: .synced) }?.isPoisoned == true)
    }
    #expect(outcomes.all == [Bool](repeating: true, count: 8))
    #expect(throws: StoreError.self) { try store.close() }
  }

  @Test func lateFailureReachesTheNextWriter() throws {
    let store = try MemberStore(on: disk)
    disk.plan(.forever(.write, error: EIO, path: "wal"))
    // Accepted in memory; the failure comes later.
    try store.put(member(1), for: 1)
    #expect(eventually { store.statistics().log?.failure != nil })
    #expect(storeError { try store.put(member(2), for: 2) }?.isPoisoned == true)
    #expect(Set(try store.contents().keys) == [1])
    #expect(storeError { try store.close() }?.isPoisoned == true)
    #expect(disk.openFileCount == 0)
    disk.clearFaults()
    #expect(try MemberStore(on: disk).count == 0)
  }

  @Test(arguments: [StoreConfiguration.PageCapacity.bytes(8 << 10), .records(10)])
  func fullDiskRefusesBeforeAcceptingAndRecoversWithSpace(_ capacity: StoreConfiguration.PageCapacity) throws {
    let store = try MemberStore(.simulated(capacity), on: disk)
    try store.put(member(0), for: 0, ack: .synced)
    disk.bytesMax = disk.bytesUsed + 10_000
    var accepted = 1
    var refusal: StoreError?
    while refusal == nil && accepted < 20_000 {
      do {
        try store.put(member(accepted), for: accepted)
        accepted += 1
      } catch { refusal = error }
    }
    #expect(refusal == .diskFull(path: "/data/store"))
    #expect(store.count == accepted)
    let lsn = store.memoryLSN
    let events = store.events()
    #expect(throws: StoreError.diskFull(path: "/data/store")) {
      try store.put(member(accepted), for: accepted, ack: .synced)
    }
    #expect(store.memoryLSN == lsn && events.drain().isEmpty)
    // What was accepted before becomes durable all the same.
    try store.sync()
    #expect(try MemberStore(on: disk.crashImage(seed: 5)).count == accepted)
    #expect(store[0] == member(0))

    disk.bytesMax = nil
    for key in accepted..<accepted + 50 { try store.put(member(key), for: key) }
    try store.close()
    let reopened = try MemberStore(on: disk)
    #expect(try reopened.contents() == store.contents())
    #expect(reopened.count == accepted + 50)
  }

  /// What a large record needed, and did not get, nobody needs any more.
  @Test(arguments: [StoreConfiguration.PageCapacity.bytes(8 << 10), .records(10)])
  func largeRecordThatFindsNoRoomLeavesRoomForSmallOnes(_ capacity: StoreConfiguration.PageCapacity) throws {
    let store = try MemberStore(.simulated(capacity), on: disk)
    try store.put(member(0), for: 0, ack: .synced)
    // A page that counts records grows by a mebibyte at a time.
    let isCounting = capacity == .records(10)
    disk.bytesMax = disk.bytesUsed + (isCounting ? 4 << 20 : 40_000)
    #expect(throws: StoreError.diskFull(path: "/data/store")) {
      try store.put(member(1, bytes: isCounting ? 8 << 20 : 100_000), for: 1)
    }
    for key in 1...50 { try store.put(member(key), for: key) }
    try store.close()
    #expect(try MemberStore(.simulated(capacity), on: disk).count == 51)
  }

  /// After a sync that failed the kernel takes for written what only its memory has: the next opening reads it, and must not
  /// believe it.
  @Test(arguments: [false, true]) func storeThatGoesOnAfterAFailedSyncSurvivesAPowerLoss(isAtTheSeal: Bool) throws {
    let pageRecords = isAtTheSeal ? 6 : 10
    let store = try MemberStore(.simulated(.records(pageRecords)), on: disk)
    for key in 0..<6 { try store.put(member(key), for: key, ack: .written) }
    disk.plan(.forever(.synchronize, error: EIO, path: LogFormat.pageName(1)))
    // Either the records are written and their sync fails, or that of the seal behind them.
    #expect(
      storeError { if isAtTheSeal { try store.put(member(6), for: 6, ack: .written) } else { try store.sync() } }?
        .isPoisoned == true)
    let killed = disk.killImage()
    let reopened = try MemberStore(.simulated(.records(pageRecords)), on: killed)
    #expect(reopened.count == 6)
    for key in 100..<103 { try reopened.put(member(key), for: key, ack: .synced) }
    for seed in 0..<20 as Range<UInt64> {
      let survivor = try MemberStore(.simulated(.records(pageRecords)), on: killed.crashImage(seed: seed))
      #expect(try survivor.contents() == reopened.contents(), "seed \(seed)")
      try survivor.close()
    }
    try reopened.close()
  }

  /// After a sync of the directory that failed the kernel may take for durable the name of a page that is not: it has to be given
  /// again.
  @Test func pageWhoseNameWasNotSyncedIsMadeAnew() throws {
    // Behind those of the first page, of the manifest and of the opening comes that of the next page.
    disk.plan(.once(.synchronizeDirectory, error: EIO, path: "/data/store", after: 4))
    let store = try MemberStore(on: disk)
    for key in 0..<40 { try store.put(member(key), for: key, ack: .synced) }
    #expect(!disk.hasFaults && disk.pageInUse ?? "" > LogFormat.pageName(2))
    for seed in 0..<20 as Range<UInt64> {
      let survivor = try MemberStore(on: disk.crashImage(seed: seed))
      #expect(try survivor.contents() == store.contents(), "seed \(seed)")
      try survivor.close()
    }
    try store.close()
  }

  // MARK: Names that are not durable

  /// What was acknowledged is there, whatever a power loss takes of the rest.
  private func expectSurvival(_ store: MemberStore, _ disk: SimulatedFileSystem, records: Int? = nil) throws {
    let configuration = StoreConfiguration.simulated(records.map { .records($0) } ?? .bytes(LogFormat.pageBytesMin))
    for seed in 0..<20 as Range<UInt64> {
      do {
        let survivor = try MemberStore(configuration, on: disk.crashImage(seed: seed))
        #expect(try survivor.contents() == store.contents(), "seed \(seed)")
        try survivor.close()
      } catch { Issue.record("seed \(seed): \(error)") }
    }
  }

  /// No call fails here: whoever has made the directory dies before its name is synced.
  @Test func storeInADirectoryThatAKilledProcessMadeSurvivesAPowerLoss() throws {
    let disk = disk
    let killed = Guarded<SimulatedFileSystem?>(nil)
    disk.observe { _, call, path in
      if call == .synchronizeDirectory && path == "/data" { killed.withLock { $0 = disk.killImage() } }
    }
    try MemberStore(on: disk).close()
    disk.observe(nil)
    let image = try #require(killed.withLock { $0 })
    let store = try MemberStore(on: image)
    for key in 0..<3 { try store.put(member(key), for: key, ack: .synced) }
    try expectSurvival(store, image)
    try store.close()
  }

  /// Each sync by which a store is made in its directory fails once: of the first page, of the manifest, of the opening.
  @Test(arguments: 1..<4) func storeThatIsMadeAtTheSecondAttemptSurvivesAPowerLoss(failing: Int) throws {
    disk.plan(.once(.synchronizeDirectory, error: EIO, after: failing))
    #expect(throws: StoreError.self) { try MemberStore(on: disk).close() }
    let store = try MemberStore(on: disk)
    for key in 0..<3 { try store.put(member(key), for: key, ack: .synced) }
    try expectSurvival(store, disk)
    try store.close()
  }

  @Test func storeThatIsMadeAtTheThirdAttemptSurvivesAPowerLoss() throws {
    // That of the manifest, and that of the opening after it.
    for failing in [2, 0] {
      disk.plan(.once(.synchronizeDirectory, error: EIO, after: failing))
      #expect(throws: StoreError.self) { try MemberStore(on: disk).close() }
    }
    let store = try MemberStore(on: disk)
    for key in 0..<3 { try store.put(member(key), for: key, ack: .synced) }
    try expectSurvival(store, disk)
    try store.close()
  }

  /// The last page is sealed, so that an opening makes the next one, and fails there.
  @Test func pageThatIsMadeByAnOpeningThatFailsSurvivesAPowerLoss() throws {
    let store = try MemberStore(.simulated(.records(6)), on: disk)
    for key in 0..<6 { try store.put(member(key), for: key, ack: .written) }
    disk.plan(.forever(.synchronize, error: EIO, path: LogFormat.pageName(1)))
    #expect(storeError { try store.put(member(6), for: 6, ack: .written) }?.isPoisoned == true)
    let killed = disk.killImage()
    killed.plan(.once(.synchronizeDirectory, error: EIO, path: "/data/store", after: 1))
    #expect(throws: StoreError.self) { try MemberStore(.simulated(.records(6)), on: killed).close() }
    let reopened = try MemberStore(.simulated(.records(6)), on: killed)
    for key in 100..<103 { try reopened.put(member(key), for: key, ack: .synced) }
    try expectSurvival(reopened, killed, records: 6)
    try reopened.close()
  }

  /// A store of which the manifest of a checkpoint has its name and is not durable. An opening must not believe it, and remove what
  /// only the one before needs.
  private func storeWithAManifestThatIsNotDurable() throws -> MemberStore {
    let store = try MemberStore(.simulated(.records(4)), on: disk)
    for key in 0..<10 { try store.put(member(key), for: key, ack: .synced) }
    let log = try #require(store.disk?.log)
    #expect(eventually { log.lock.withLock { log.room.nextAllocated != nil } })
    // Behind that of the checkpoint.
    disk.plan(.once(.synchronizeDirectory, error: EIO, path: "/data/store", after: 1))
    #expect(throws: StoreError.self) { try store.checkpoint() }
    return store
  }

  @Test func openingAfterAManifestWasNotSyncedRemovesNothingThatIsNeeded() throws {
    let store = try storeWithAManifestThatIsNotDurable()
    // Not closed before, which would write the manifest again.
    let killed = withExtendedLifetime(store) { disk.killImage() }
    let reopened = try MemberStore(.simulated(.records(4)), on: killed)
    // Makes pages, and so the removals durable.
    for key in 10..<20 { try reopened.put(member(key), for: key, ack: .synced) }
    try expectSurvival(reopened, killed, records: 4)
    try reopened.close()
  }

  /// The same where the manifest cannot be written anew either. What stays goes with the next checkpoint.
  @Test func openingOnAFullDiskRemovesNothingThatIsNeeded() throws {
    let store = try storeWithAManifestThatIsNotDurable()
    let full = withExtendedLifetime(store) { disk.killImage() }
    full.bytesMax = 0
    let reopened = try MemberStore(.simulated(.records(4)), on: full)
    #expect(try reopened.contents() == store.contents())
    try full.synchronizeDirectory("/data/store")
    full.bytesMax = nil
    try expectSurvival(reopened, full, records: 4)
    #expect(full.storeFiles[LogFormat.pageName(1)] != nil)
    try reopened.put(member(10), for: 10)
    try reopened.checkpoint()
    #expect(full.storeFiles[LogFormat.pageName(1)] == nil)
    try reopened.close()
  }

  /// There is no manifest before it.
  @Test func storeWhoseFirstManifestIsNotDurableTakesNothingOnAFullDisk() throws {
    disk.plan(.once(.synchronizeDirectory, error: EIO, after: 2))
    #expect(throws: StoreError.self) { try MemberStore(on: disk).close() }
    disk.bytesMax = 0
    #expect(storeError { _ = try MemberStore(on: disk) } == .diskFull(path: "/data/store"))
    disk.bytesMax = nil
    try MemberStore(on: disk).close()
  }

  /// Nobody may, or the file system syncs no directories; a failure of the disk is another thing.
  @Test(arguments: [EACCES, EINVAL, EIO]) func parentThatCannotBeSynced(code: Int32) throws {
    disk.plan(.once(.synchronizeDirectory, error: code, path: "/data"))
    let error = storeError { try MemberStore(on: disk).close() }
    #expect((error == nil) == (code != EIO), "\(String(describing: error))")
  }

  @Test func pageWhoseNameWasNotSyncedAndThatCannotBeRemovedSurvivesAPowerLoss() throws {
    disk.plan(
      .once(.synchronizeDirectory, error: EIO, path: "/data/store", after: 4),
      .once(.remove, error: EIO, path: LogFormat.pageName(2)))
    let store = try MemberStore(on: disk)
    for key in 0..<40 { try store.put(member(key), for: key, ack: .synced) }
    #expect(!disk.hasFaults)
    try expectSurvival(store, disk)
    try store.close()
  }

  @Test func aStoreThatWasClosedIsOpenedOnAFullDisk() throws {
    let store = try MemberStore(on: disk)
    for key in 0..<10 { try store.put(member(key), for: key) }
    try store.close()
    disk.bytesMax = 0
    let reopened = try MemberStore(on: disk)
    #expect(try reopened.contents() == store.contents())
    // It cannot say how far it came, twice.
    for _ in 0..<2 { #expect(storeError { try reopened.close() } == .diskFull(path: "/data/store")) }
    disk.bytesMax = nil
    try MemberStore(on: disk).close()
  }

  @Test func fullDiskCannotStopRemovalsOfNothingNorReads() throws {
    let store = try MemberStore(on: disk)
    disk.bytesMax = 0
    #expect(try store.remove(1) == nil)
    #expect(try store.contents().isEmpty)
    #expect(try store.update(1) { $0.age = 1 } == nil)
  }

  @Test func fullDiskKeepsAStoreFromBeingMade() throws {
    disk.bytesMax = 100
    #expect(throws: StoreError.diskFull(path: "/data/store")) { _ = try MemberStore(on: disk) }
    disk.bytesMax = nil
    try MemberStore(on: disk).close()
  }

  @Test func failedCheckpointKeepsTheOneBefore() throws {
    let store = try MemberStore(on: disk)
    for key in 0..<30 { try store.put(member(key), for: key) }
    try store.checkpoint()
    for call in [SimulatedCall.write, .synchronize, .rename, .open, .truncate] {
      for path in ["ckpt", "MANIFEST"] {
        for key in 0..<3 { try store.put(member(key + 100), for: key + 100) }
        try store.sync()
        let before = checkpoints()
        disk.plan(.once(call, error: EIO, path: path))
        let error = storeError { try store.checkpoint() }
        if disk.hasFaults { #expect(error == nil) } else { #expect(error != nil, "\(call) of \(path)") }
        disk.clearFaults()
        #expect(error?.isPoisoned != true, "\(call) of \(path) poisoned the log: \(String(describing: error))")
        // One that no manifest names would keep a full disk full. Once it is renamed, the manifest on the disk may name it.
        let isNamed = path == "MANIFEST" && call == .rename
        #expect(checkpoints() <= before + (isNamed ? 1 : 0), "\(call) of \(path) leaves a checkpoint")
        let reopened = try MemberStore(on: disk.crashImage(seed: 2))
        #expect(try reopened.contents() == store.contents(), "\(call) of \(path)")
      }
    }
    try store.checkpoint()
    #expect(checkpoints() == 1)
    try store.close()
    #expect(try MemberStore(on: disk).contents() == store.contents())
  }

  /// The manifest on the disk names the first checkpoint, or not; the second one has its name, for nothing was written between.
  @Test(arguments: [SimulatedCall.write, .synchronize, .rename, .synchronizeDirectory])
  func checkpointThatFailsAgainTakesNothingThatTheManifestNames(_ call: SimulatedCall) throws {
    let store = try MemberStore(on: disk)
    for key in 0..<30 { try store.put(member(key), for: key, ack: .synced) }
    // Behind that of the checkpoint.
    disk.plan(.once(.synchronizeDirectory, error: EIO, path: "/data/store", after: 1))
    #expect(throws: StoreError.self) { try store.checkpoint() }
    // The first write is the header, before which there is nothing that could be removed.
    let path = call == .synchronizeDirectory ? "/data/store" : "ckpt"
    disk.plan(.once(call, error: EIO, path: path, after: call == .write ? 1 : 0))
    #expect(throws: StoreError.self) { try store.checkpoint() }
    #expect(!disk.hasFaults)
    try expectSurvival(store, disk)
    let killed = try MemberStore(on: disk.killImage())
    #expect(try killed.contents() == store.contents())
    try killed.close()
    try store.checkpoint()
    #expect(checkpoints() == 1)
    try store.close()
  }

  private func checkpoints() -> Int { disk.storeFiles.keys.count { $0.hasPrefix("ckpt-") } }

  @Test func failedCheckpointIsCountedUntilOneSucceeds() throws {
    let store = try MemberStore(on: disk)
    try store.put(member(1), for: 1, ack: .synced)
    #expect(store.statistics().log?.checkpointFailure == nil)
    for count in 1...2 {
      disk.plan(.once(.write, error: ENOSPC, path: "ckpt"))
      #expect(storeError { try store.checkpoint() } == .diskFull(path: "/data/store"))
      #expect(store.statistics().log?.checkpointFailures == UInt64(count))
      #expect(store.statistics().log?.checkpointFailure?.contains("no space left") == true)
      // A draft would keep the disk full.
      #expect(disk.storeFiles[LogFormat.checkpointDraftName] == nil)
    }
    #expect(store.statistics().log?.failure == nil)
    try store.checkpoint()
    #expect(store.statistics().log?.checkpointFailure == nil && store.statistics().log?.checkpointFailures == 2)
    try store.close()
    #expect(storeError { try store.checkpoint() } == .closed)
    #expect(store.statistics().log?.checkpointFailures == 2)
  }

  @Test func checkpointThatFailsInTheBackgroundShows() throws {
    var configuration = StoreConfiguration.simulated()
    configuration.checkpointLogBytes = 2_000
    let store = try MemberStore(configuration, on: disk)
    disk.plan(.forever(.open, error: EMFILE, path: "ckpt"))
    for key in 0..<20 { try store.put(member(key), for: key, ack: .synced) }
    #expect(eventually { store.statistics().log?.checkpointFailure != nil })
    disk.clearFaults()
    try store.put(member(20), for: 20, ack: .synced)
    try store.checkpoint()
    #expect(store.statistics().log?.checkpointFailure == nil)
    try store.close()
  }

  /// A store with a checkpoint, sealed pages, a torn tail, and leftovers of a crash, as the process left it.
  private func crashedDisk() throws -> (disk: SimulatedFileSystem, documents: [Int: Member]) {
    let victim = try StoreVictim(before: 30, after: 30, pages: .records(8))
    let disk = victim.disk
    let last = try #require(victim.pages.last)
    var page = try #require(victim.files[last])
    page += [40, 0, 0, 0, 1, 2, 3, 4] + [UInt8](repeating: 7, count: 64)
    disk.setFile("/data/store/\(last)", page)
    disk.setFile("/data/store/\(LogFormat.checkpointDraftName)", [1, 2, 3])
    disk.setFile("/data/store/\(LogFormat.manifestDraftName)", [1, 2, 3])
    disk.setFile("/data/store/\(LogFormat.checkpointName(3))", [1, 2, 3])
    disk.setFile("/data/store/\(LogFormat.pageName(90))", [UInt8](repeating: 0, count: 8_192))
    return (disk, victim.documents)
  }

  @Test func readingOnlyChangesNothingOfWhatACrashLeft() throws {
    let (disk, documents) = try crashedDisk()
    let before = disk.files
    var configuration = StoreConfiguration.simulated(.records(8))
    configuration.isReadOnly = true
    let store = try MemberStore(configuration, on: disk)
    #expect(try store.contents() == documents && store.audit().problems == [])
    #expect(storeError { try store.put(member(1), for: 1) } == .readOnly)
    #expect(storeError { try store.checkpoint() } == .readOnly)
    try store.close()
    #expect(disk.openFileCount == 0)
    #expect(
      disk.files.filter { !$0.key.hasSuffix(LogFormat.lockName) }
        == before.filter { !$0.key.hasSuffix(LogFormat.lockName) })
  }

  private static let faults: [(String, SimulatedFault.Effect, Set<SimulatedCall>)] = [
    ("EIO", .error(EIO), Set(SimulatedCall.allCases)), ("ENOSPC", .error(ENOSPC), Set(SimulatedCall.allCases)),
    ("EMFILE", .error(EMFILE), Set(SimulatedCall.allCases)), ("EINTR", .error(EINTR), Set(SimulatedCall.allCases)),
    ("short", .short(3), [.read, .write]), ("fdatasync", .error(EIO), [.synchronize, .synchronizeDirectory]),
  ]

  /// Each call of an opening that has to repair, and of a checkpoint after it, fails in turn: the store opens or refuses,
  /// and what comes back without the fault, after a power loss too, is whole.
  @Test(arguments: faults.indices, [1, Int.max]) func everyCallOfRepairAndCheckpointFails(kind: Int, times: Int) throws
  {
    let (name, effect, calls) = Self.faults[kind]
    var number = 0
    while true {
      let what = "\(name), call \(number), \(times == 1 ? "once" : "for ever")"
      let (disk, documents) = try crashedDisk()
      disk.plan(SimulatedFault(calls: calls, after: number, times: times, effect: effect))
      do {
        let store = try MemberStore(.simulated(.records(8)), on: disk)
        try requireEqual(try store.contents(), documents, "\(what): opened with a fault")
        if let error = storeError({ try store.checkpoint() }) {
          try require(store.statistics().log?.checkpointFailure == error.description, "\(what): \(error) is not shown")
        }
        try? store.close()
      } catch let error as StoreError {
        // Damage is no explanation for a call that failed.
        if case .corrupt = error { Issue.record("\(what): \(error)") }
      }
      let isBeyondTheEnd = disk.hasUntouchedFaults
      disk.clearFaults()
      try require(disk.openFileCount == 0, "\(what): \(disk.openFileCount) files are still open")
      for image in [disk.crashImage(seed: UInt64(number)), disk.killImage()] {
        let store = try MemberStore(.simulated(.records(8)), on: image)
        try requireEqual(try store.contents(), documents, "\(what): opened again")
        try requireEqual(store.audit().problems, [], "\(what): audit")
        try store.close()
      }
      if isBeyondTheEnd { break }
      number += 1
    }
    #expect(number > (calls.count > 2 ? 60 : 5), "\(name)")
  }

  /// One script of writes, rotations and a checkpoint; each of its calls fails in turn, once or for ever.
  @Test(arguments: [EIO, ENOSPC, EMFILE, EINTR], [1, Int.max]) func everyCallFails(code: Int32, times: Int) throws {
    var number = 0
    var isBeyondTheEnd = false
    while !isBeyondTheEnd {
      let disk = SimulatedFileSystem.forStores()
      let fault = SimulatedFault(
        calls: Set(SimulatedCall.allCases), after: number, times: times, effect: .error(code))
      do {
        var script = FaultScript(disk, fault)
        isBeyondTheEnd = try script.run()
      } catch { Issue.record("call \(number), errno \(code), \(times == 1 ? "once" : "for ever"): \(error)") }
      number += 1
    }
    #expect(number > 40)
  }

  @Test func everyTransferIsShort() throws {
    for bytes in [1, 7, 511] {
      let disk = SimulatedFileSystem.forStores()
      var script = FaultScript(disk, .short(.read, .write, bytes: bytes, times: .max))
      let isBeyondTheEnd = try script.run()
      #expect(!isBeyondTheEnd)
    }
  }
}

/// A short life of a store with one planned fault. Whatever it refuses, what it holds afterwards, and what is on its disk
/// after the fault is gone, follows from what it accepted.
private struct FaultScript {
  private let disk: SimulatedFileSystem
  private var oracle = CrashOracle()

  init(_ disk: SimulatedFileSystem, _ fault: SimulatedFault) {
    self.disk = disk
    disk.plan(fault)
  }

  /// Returns whether the fault never struck.
  mutating func run() throws -> Bool {
    var floor: UInt64 = 0
    if let store = try open() {
      floor = try write(store)
      do { try store.close() } catch {}
      floor = max(floor, store.disk?.log?.lsns.durable ?? 0)
    }
    let hasStruck = !disk.hasUntouchedFaults
    disk.clearFaults()
    try require(disk.openFileCount == 0, "\(disk.openFileCount) files are still open")
    for (image, what) in [(disk.crashImage(seed: 4), "after a power loss"), (disk.killImage(), "opened again")] {
      let store = try oracle.open(image, floor: floor, what)
      try store.put(Member(name: "more"), for: 500, ack: .synced)
      try store.close()
    }
    return !hasStruck
  }

  private func open() throws -> MemberStore? {
    do { return try MemberStore(oracle.configuration, on: disk) } catch {
      try require(error is StoreError, "opening threw \(error)")
      return nil
    }
  }

  /// Returns an LSN that was durable.
  private mutating func write(_ store: MemberStore) throws -> UInt64 {
    var floor: UInt64 = 0
    let events = store.events()
    for step in 0..<14 {
      let before = store.memoryLSN
      do {
        switch step {
        case 5: try store.remove(1, ack: .written)
        case 9: try store.checkpoint()
        case 10:
          try store.batch(ack: .written) { batch in
            for key in 0..<4 { batch.put(Member(name: "batch", email: "b\(key)"), for: key * 3) }
            batch.remove(2)
          }
        case 12: try store.removeAll(ack: .synced)
        default:
          try store.put(
            Member(name: String(repeating: "n", count: 900), email: "e\(step)"), for: step,
            ack: step % 3 == 0 ? .synced : .memory)
        }
        if step % 3 == 0 { floor = store.memoryLSN }
      } catch {
        try require(
          (error as? StoreError)?.isPoisoned == true || store.memoryLSN == before,
          "step \(step) was refused with \(error), and done")
      }
      for event in events.drain() { oracle.apply(event) }
      try requireEqual(oracle.lastLSN, store.memoryLSN, "LSN after step \(step)")
      try requireEqual(try store.contents(), oracle.present, "documents after step \(step)")
    }
    try requireEqual(store.audit().problems, [], "audit")
    return floor
  }
}
