import Foundation
import Testing

@testable import DarkBird

/// Backups are the store of one moment, whole or not there.
@Suite(.timeLimit(.minutes(30)))
struct BackupTests {
  private let disk = SimulatedFileSystem.forStores()
  private static let path = "/data/a.backup"
  private static let draft = DraftFile.draftPath(path)
  private static let target = "/data/restored"

  private var restoredConfiguration: StoreConfiguration {
    var configuration = StoreConfiguration.simulated()
    configuration.location = .disk(path: Self.target)
    return configuration
  }

  @discardableResult
  private func restore(_ disk: SimulatedFileSystem) throws -> BackupReport {
    let file = try disk.open(Self.path, .read)
    defer { file.close() }
    return try StoreInspector.restore(file, path: Self.path, to: Self.target, disk)
  }

  /// A store with changes of every kind, some of them before a checkpoint.
  private func makeStore(_ configuration: StoreConfiguration = .simulated(), documents: Int = 300) throws -> MemberStore
  {
    let store = try MemberStore(configuration, on: disk)
    for key in 0..<documents {
      try store.put(Member(name: String(repeating: "n", count: 200), email: "e\(key)", age: key), for: key)
      if key == documents / 3 { try store.removeAll() }
      if key == documents / 2 { try store.checkpoint() }
    }
    try store.batch { batch in
      batch.remove(documents - 1)
      batch.put(Member(email: "moved", club: "Ajax", skills: ["swift"]), for: 5_000)
    }
    return store
  }

  /// Or migrations would run again on what they have made.
  @Test func backupOfASnapshotKnowsTheVersionOfItsDocuments() throws {
    var configuration = StoreConfiguration.simulated()
    configuration.schemaVersion = 3
    let store = try makeStore(configuration)
    var inMemory = StoreConfiguration.memory
    inMemory.schemaVersion = 3
    let stores = [store, store.snapshot(), try MemberStore(inMemory, on: disk)]
    for (number, store) in stores.enumerated() {
      let path = "/data/\(number).backup"
      try store.backup(to: path, disk)
      let file = try disk.open(path, .read)
      defer { file.close() }
      let target = "/data/restored-\(number)"
      try StoreInspector.restore(file, path: path, to: target, disk)
      #expect(try Manifest.read(target, disk).schemaVersion == 3)
    }
    try store.close()
  }

  @Test(arguments: [true, false]) func restoredStoreIsTheOneThatWasBackedUp(isOnDisk: Bool) throws {
    let store = try makeStore(isOnDisk ? .simulated() : .memory)
    let report = try store.backup(to: Self.path, disk)
    let expected = try store.contents()
    #expect(report.documents == expected.count && report.lsn == store.memoryLSN && report.schema == store.schema)
    #expect(report.bytes == disk.files[Self.path]?.count)
    #expect(disk.files[Self.draft] == nil)
    // What comes later is not in it.
    try store.put(Member(email: "late"), for: 9_000)
    try store.close()
    #expect(try restore(disk) == report)
    let restored = try MemberStore(restoredConfiguration, on: disk)
    #expect(try restored.contents() == expected)
    #expect(restored.memoryLSN == report.lsn)
    #expect(restored.audit().problems == [])
    for (key, _) in expected { #expect(restored.stored(key)?.lsn ?? 0 <= report.lsn) }
    // A store of its own, which goes on.
    #expect(restored.disk?.identifier != report.store)
    try restored.put(Member(email: "next"), for: 9_001, ack: .synced)
    #expect(restored.memoryLSN == report.lsn + 1)
    try restored.close()
    #expect(try StoreInspector.verify(Self.target, disk).isSound)
    #expect(disk.openFileCount == 0)
  }

  @Test func emptyStoreIsAnEmptyStoreAgain() throws {
    try MemberStore(on: disk).close()
    let report = try StoreInspector.backup("/data/store", to: Self.path, disk)
    #expect(report.lsn == 0 && report.documents == 0)
    try restore(disk)
    let restored = try MemberStore(restoredConfiguration, on: disk)
    #expect(restored.count == 0 && restored.memoryLSN == 0)
    try restored.put(Member(), for: 1)
    try restored.close()
    #expect(try MemberStore(restoredConfiguration, on: disk).count == 1)
  }

  @Test func closedStoreIsBackedUpAsItsBytesAre() throws {
    let store = try makeStore()
    try store.backup(to: "/data/live.backup", disk)
    #expect(storeError { _ = try StoreInspector.backup("/data/store", to: Self.path, disk) }?.isLocked == true)
    #expect(disk.files[Self.path] == nil && disk.files[Self.draft] == nil)
    try store.close()
    let before = disk.storeFiles
    try StoreInspector.backup("/data/store", to: Self.path, disk)
    #expect(disk.storeFiles == before)
    func documents(_ path: String) throws -> [[UInt8]: [UInt8]] {
      var documents: [[UInt8]: [UInt8]] = [:]
      var reader = try BackupReader(try disk.open(path, .read), path: path)
      try reader.forEachDocument { documents[Array($0.key)] = Array($0.document) }
      return documents
    }
    #expect(try documents(Self.path) == documents("/data/live.backup"))
  }

  /// The bar of a backup under load: it is what the store held at its LSN, whatever was written meanwhile.
  @Test func backupUnderLoadIsTheStoreOfOneMoment() throws {
    var configuration = StoreConfiguration.simulated()
    configuration.checkpointLogBytes = 200_000
    let store = try MemberStore(configuration, on: disk)
    let events = store.events(capacity: 200_000)
    for key in 0..<200 { try store.put(Member(name: "first", age: key), for: key) }
    let writing = Counter()
    let taken = Seen<BackupReport>()
    let writers = 3
    onThreads(writers + 1) { thread in
      do {
        if thread < writers {
          var generator = SeededGenerator(seed: UInt64(Effort.firstSeed + thread))
          for _ in 0..<Effort.meetings(2_000) {
            let key = generator.below(200)
            do {
              switch generator.below(20) {
              case 0..<3: try store.remove(key)
              case 3:
                try store.batch { batch in
                  for _ in 0..<4 { batch.put(Member.random(&generator, domain: 200), for: generator.below(200)) }
                }
              default: try store.put(Member.random(&generator, domain: 200), for: key)
              }
            } catch StoreError.duplicate {}
          }
          writing.next()
        } else {
          while writing.value < writers { taken.append(try store.backup(to: "/data/\(taken.count).backup", disk)) }
        }
      } catch { Issue.record("\(error)") }
    }
    var oracle = CrashOracle()
    for event in events.drain() { oracle.apply(event) }
    #expect(oracle.states.count == Int(store.memoryLSN) + 1, "events were lost")
    #expect(Set(taken.all.map(\.lsn)).count > 2, "no write fell between two backups")
    for (number, report) in taken.all.enumerated() {
      let path = "/data/\(number).backup"
      var configuration = configuration
      configuration.location = .disk(path: "/data/r\(number)")
      let file = try disk.open(path, .read)
      defer { file.close() }
      #expect(try StoreInspector.restore(file, path: path, to: "/data/r\(number)", disk) == report)
      let restored = try MemberStore(configuration, on: disk)
      #expect(try restored.contents() == oracle.states[Int(report.lsn)], "backup at LSN \(report.lsn)")
      #expect(restored.audit().problems == [])
      try restored.close()
    }
    #expect(store.audit().problems == [])
    try store.close()
  }

  // MARK: Refusals

  @Test func nothingIsReplaced() throws {
    let store = try makeStore(documents: 20)
    disk.setFile(Self.path, [1, 2, 3])
    #expect(
      storeError { try store.backup(to: Self.path, disk) }
        == .targetExists(path: Self.path, reason: "exists already, and is left as it is"))
    #expect(disk.files[Self.path] == [1, 2, 3] && disk.files[Self.draft] == nil)
    disk.deleteFile(Self.path)
    // What a killed backup left is taken over.
    disk.setFile(Self.draft, [UInt8](repeating: 7, count: 100_000))
    try store.backup(to: Self.path, disk)
    try store.close()
    let before = disk.storeFiles
    let file = try disk.open(Self.path, .read)
    #expect(
      storeError { _ = try StoreInspector.restore(file, path: Self.path, to: "/data/store", disk) }
        == .targetExists(path: "/data/store", reason: "is not empty: it has 'MANIFEST'"))
    #expect(disk.storeFiles == before)
    #expect(
      storeError { _ = try StoreInspector.restore(file, path: Self.path, to: Self.path, disk) }?.isTargetExists == true)
  }

  @Test func twoBackupsToOneFileDoNotMix() throws {
    let store = try makeStore(documents: 2_000)
    var inner: StoreError?
    let report = try store.backup(to: Self.path, disk) { _ in
      inner = inner ?? storeError { try store.backup(to: Self.path, disk) }
      return true
    }
    #expect(inner?.isLocked == true)
    #expect(try restore(disk) == report)
    try store.close()
  }

  @Test func givingUpLeavesNothing() throws {
    let store = try makeStore(documents: 2_000)
    #expect(storeError { try store.backup(to: Self.path, disk) { _ in false } } == .cancelled)
    #expect(!disk.files.keys.contains { $0.hasPrefix(Self.path) })
    // Also when all is written, and is read back.
    #expect(storeError { try store.backup(to: Self.path, disk) { $0.documents < 1_100 } } == .cancelled)
    #expect(!disk.files.keys.contains { $0.hasPrefix(Self.path) })
    try store.backup(to: Self.path, disk)
    let file = try disk.open(Self.path, .read)
    let given = storeError {
      _ = try StoreInspector.restore(file, path: Self.path, to: Self.target, disk) { _ in false }
    }
    file.close()
    #expect(given == .cancelled)
    #expect(!disk.files.keys.contains { $0.hasPrefix(Self.target) })
    try restore(disk)
    try store.close()
  }

  /// The last sync has little to do: while it goes on nobody can give up.
  @Test func largeBackupIsSyncedPieceByPiece() throws {
    let store = try MemberStore(.memory)
    let name = String(repeating: "n", count: 1 << 20)
    for key in 0..<40 { try store.put(Member(name: name), for: key) }
    let sizes = Seen<Int>()
    let disk = disk
    disk.observe { _, call, path in
      if call == .synchronize, path == Self.draft { sizes.append(disk.files[path]?.count ?? 0) }
    }
    let report = try store.backup(to: Self.path, disk)
    disk.observe(nil)
    #expect(sizes.all.count == 2 && sizes.all.last == report.bytes)
    #expect((PieceSync.bytes..<PieceSync.bytes + (2 << 20)).contains(sizes.all[0]))
  }

  @Test func diskThatLiesIsFoundOut() throws {
    let store = try makeStore(documents: 20)
    let disk = disk
    disk.observe { _, call, path in
      guard call == .synchronize, path == Self.draft, var bytes = disk.files[path] else { return }
      bytes[bytes.count / 2] ^= 1
      disk.setFile(path, bytes)
    }
    #expect(storeError { try store.backup(to: Self.path, disk) }?.isCorrupt == true)
    disk.observe(nil)
    #expect(!disk.files.keys.contains { $0.hasPrefix(Self.path) })
    try store.close()
  }

  @Test func everyTruncationAndEveryFlippedBitIsRefused() throws {
    let store = try makeStore(documents: 40)
    try store.backup(to: Self.path, disk)
    try store.close()
    let sound = try #require(disk.files[Self.path])
    func expectRefusal(_ bytes: [UInt8], _ what: String) throws {
      let disk = SimulatedFileSystem.forStores()
      disk.setFile(Self.path, bytes)
      let error = storeError { try restore(disk) }
      #expect(
        error?.isCorrupt == true || error?.isNotABackup == true || error?.isNewerFormat == true,
        "\(what): \(error as Any)")
      #expect(!disk.files.keys.contains { $0.hasPrefix(Self.target) }, "\(what) leaves something")
      #expect(disk.openFileCount == 0, "\(what)")
    }
    for length in stride(from: 0, to: sound.count, by: Effort.isExhaustive ? 1 : 7) {
      try expectRefusal(Array(sound[..<length]), "cut at \(length)")
    }
    for offset in stride(from: 0, to: sound.count, by: Effort.isExhaustive ? 1 : 5) {
      for bit in 0..<8 {
        var bytes = sound
        bytes[offset] ^= 1 << bit
        try expectRefusal(bytes, "bit \(bit) of byte \(offset)")
      }
    }
    try expectRefusal(sound + [0], "a byte behind the end")
    try expectRefusal(sound + sound, "twice")
    try expectRefusal(Array("{\"a\":1}\n".utf8), "JSON")
    try expectRefusal([UInt8](repeating: 0, count: 1_000), "zeros")
  }

  // MARK: Versions

  /// A backup of the next format version, with a section that this one does not know.
  private func backup(version: UInt32, readableBy: UInt32, section kind: UInt32?) throws -> [UInt8] {
    let store = try makeStore(.memory, documents: 20)
    let path = "/data/first.backup"
    try store.backup(to: path, disk)
    var bytes = try #require(disk.files[path])
    disk.deleteFile(path)
    var end = [UInt8](bytes.suffix(BackupFormat.sectionHeaderBytes + BackupFormat.endBytes))
    bytes.removeLast(end.count)
    bytes.withUnsafeMutableBytes { raw in
      raw.store(version, at: 8)
      raw.store(readableBy, at: 12)
      raw.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[..<60])), at: 60)
    }
    if let kind {
      var section = [UInt8](repeating: 0, count: BackupFormat.sectionHeaderBytes) + Array("what it means".utf8)
      let checksum = section.withUnsafeMutableBytes { raw in
        raw.store(UInt32(raw.count), at: 0)
        raw.store(kind, at: 4)
        let checksum = sectionChecksum(UnsafeRawBufferPointer(raw))
        raw.store(checksum, at: 12)
        return checksum
      }
      bytes += section
      end.withUnsafeMutableBytes { raw in
        raw.store(chained(UnsafeRawBufferPointer(raw).load32(at: 32), checksum), at: 32)
        raw.store(sectionChecksum(UnsafeRawBufferPointer(raw)), at: 12)
      }
    }
    return bytes + end
  }

  @Test func nextVersionIsReadAsFarAsItSaysSo() throws {
    let optional = BackupFormat.Section.optional | 77
    disk.setFile(Self.path, try backup(version: 2, readableBy: 1, section: optional))
    let report = try restore(disk)
    #expect(try MemberStore(restoredConfiguration, on: disk).count == report.documents)
    for (bytes, expected) in [
      (try backup(version: 2, readableBy: 2, section: nil), "written in format 2, this version reads up to 1"),
      (try backup(version: 1, readableBy: 1, section: 77), "a section of unknown kind 77"),
    ] {
      let disk = SimulatedFileSystem.forStores()
      disk.setFile(Self.path, bytes)
      #expect(storeError { try restore(disk) }?.description.contains(expected) == true)
    }
  }

  // MARK: Failures

  @Test(arguments: [EIO, ENOSPC]) func everyFailingCallOfABackupIsOneErrorAndNoFile(_ code: Int32) throws {
    let store = try makeStore(documents: 40)
    var call = 0
    while true {
      disk.plan(SimulatedFault(calls: Set(SimulatedCall.allCases), path: "a.backup", after: call, effect: .error(code)))
      let error = storeError { try store.backup(to: Self.path, disk) }
      let hasStruck = !disk.hasUntouchedFaults
      disk.clearFaults()
      if !hasStruck { break }
      #expect(error != nil, "call \(call)")
      if code == ENOSPC, let error {
        #expect(error == .diskFull(path: Self.path) || error.isIO, "call \(call): \(error)")
      }
      #expect(disk.files[Self.path] == nil, "call \(call)")
      call += 1
    }
    #expect(call > 8)
    #expect(disk.files[Self.path] != nil)
    try store.close()
    #expect(disk.openFileCount == 0)
  }

  /// When it has its name already. In a directory of its own: pages of the log are made in the store's meanwhile.
  @Test func directoryThatCannotBeSyncedLeavesNoBackupOrAWholeOne() throws {
    let store = try makeStore(documents: 40)
    let path = "/backups/a.backup"
    try disk.createDirectory("/backups")
    disk.plan(.once(.synchronizeDirectory, error: EIO, path: "/backups"))
    #expect(storeError { try store.backup(to: path, disk) }?.isIO == true)
    #expect(!disk.hasUntouchedFaults && disk.files[path] == nil)
    disk.plan(.once(.synchronizeDirectory, error: EACCES, path: "/backups"))
    try store.backup(to: path, disk)
    #expect(!disk.hasUntouchedFaults && disk.files[path] != nil)
    try store.close()
  }

  @Test func directoryWithAFileOfAnybodyIsNoLeftover() throws {
    let store = try makeStore(documents: 40)
    try store.backup(to: Self.path, disk)
    try store.close()
    try disk.createDirectory(Self.target)
    for name in [LogFormat.unfinishedName, "diary.txt"] {
      try disk.open("\(Self.target)/\(name)", .createNew).close()
    }
    #expect(storeError { try restore(disk) }?.isTargetExists == true)
    #expect(disk.files["\(Self.target)/diary.txt"] != nil)
  }

  @Test func fullDiskLeavesNothingOfABackup() throws {
    let store = try makeStore(documents: 200)
    try store.sync()
    disk.bytesMax = disk.bytesUsed + 20_000
    #expect(storeError { try store.backup(to: Self.path, disk) } == .diskFull(path: Self.path))
    #expect(!disk.files.keys.contains { $0.hasPrefix(Self.path) })
    disk.bytesMax = nil
    try store.backup(to: Self.path, disk)
    try store.close()
  }

  @Test func backupKilledAtAnyCallIsWholeOrNotThere() throws {
    let store = try makeStore(documents: 60)
    let expected = try store.contents()
    let images = Seen<SimulatedFileSystem>()
    let disk = disk
    disk.observe { number, _, _ in
      images.append(disk.killImage())
      images.append(disk.crashImage(seed: UInt64(Effort.firstSeed + number)))
    }
    try store.backup(to: Self.path, disk)
    disk.observe(nil)
    images.append(disk.crashImage(seed: 1))
    var whole = 0
    for image in images.all where image.files[Self.path] != nil {
      whole += 1
      try restore(image)
      #expect(try MemberStore(restoredConfiguration, on: image).contents() == expected)
    }
    #expect(whole > 0 && whole < images.count)
    try store.close()
  }

  /// A store that somebody makes where a restoration, or a salvage, was to go stays as it is.
  @Test(arguments: [true, false]) func storeThatIsMadeMeanwhileIsLeftAlone(isSalvage: Bool) throws {
    let store = try makeStore(documents: 60)
    try store.backup(to: Self.path, disk)
    try store.close()
    let isMade = Counter()
    let configuration = restoredConfiguration
    disk.observe { [unowned disk] _, call, path in
      guard call == .open, path == "\(Self.target)/\(LogFormat.lockName)", isMade.next() == 1 else { return }
      do {
        let other = try MemberStore(configuration, on: disk)
        try other.put(Member(name: "other"), for: 1, ack: .synced)
        try other.close()
      } catch { Issue.record("\(error)") }
    }
    let error = storeError {
      if isSalvage {
        _ = try StoreInspector.salvage("/data/store", to: Self.target, disk)
      } else {
        try restore(disk)
      }
    }
    disk.observe(nil)
    guard case .targetExists? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    let other = try MemberStore(configuration, on: disk)
    #expect(try other.contents().mapValues(\.name) == [1: "other"])
    try other.close()
  }

  @Test func restorationThatFailsOrIsKilledLeavesNoStoreAndCanBeRepeated() throws {
    let store = try makeStore(documents: 60)
    let expected = try store.contents()
    try store.backup(to: Self.path, disk)
    try store.close()
    try disk.synchronizeDirectory("/data")
    let manifest = "\(Self.target)/\(LogFormat.manifestName)"
    /// The directory holds nothing or all, and where it holds nothing there will be all.
    func expectAllOrNothing(_ image: SimulatedFileSystem, _ what: String) throws -> Bool {
      let isWhole = image.files[manifest] != nil
      if !isWhole { try restore(image) }
      let restored = try MemberStore(restoredConfiguration, on: image)
      #expect(try restored.contents() == expected, "\(what)")
      try restored.put(Member(), for: 9_999, ack: .synced)
      try restored.close()
      #expect(try StoreInspector.verify(Self.target, image).isSound, "\(what)")
      return isWhole
    }
    // Every call fails once.
    var call = 0
    while true {
      let image = disk.killImage()
      image.plan(SimulatedFault(calls: Set(SimulatedCall.allCases), after: call, effect: .error(EIO)))
      // The power may go while it is undone.
      let undone = Seen<SimulatedFileSystem>()
      image.observe { [unowned image] number, kind, _ in
        if kind == .remove, !image.hasUntouchedFaults { undone.append(image.crashImage(seed: UInt64(number))) }
      }
      var error: (any Error)?
      do { try restore(image) } catch let caught { error = caught }
      image.observe(nil)
      for (number, image) in undone.all.enumerated() {
        _ = try expectAllOrNothing(image, "power loss \(number) after failed call \(call)")
      }
      let hasStruck = !image.hasUntouchedFaults
      image.clearFaults()
      if !hasStruck { break }
      // Once there is a manifest only the mark is left to remove, which may fail.
      #expect(error != nil || image.files[manifest] != nil, "call \(call)")
      if error != nil { #expect(image.files[manifest] == nil, "call \(call)") }
      _ = try expectAllOrNothing(image, "failed call \(call)")
      call += 1
    }
    // Killed, or without power, before every call.
    let images = Seen<SimulatedFileSystem>()
    let running = disk.killImage()
    running.observe { [unowned running] number, _, _ in
      images.append(running.killImage())
      images.append(running.crashImage(seed: UInt64(Effort.firstSeed + number)))
    }
    try restore(running)
    running.observe(nil)
    images.append(running.crashImage(seed: 1))
    var whole = 0
    for (number, image) in images.all.enumerated() {
      if try expectAllOrNothing(image, "image \(number)") { whole += 1 }
    }
    #expect(whole > 0 && whole < images.count)
  }
}

extension StoreError {
  var isLocked: Bool { if case .locked = self { true } else { false } }
  var isCorrupt: Bool { if case .corrupt = self { true } else { false } }
  var isIO: Bool { if case .io = self { true } else { false } }
  var isNotABackup: Bool { if case .notABackup = self { true } else { false } }
  var isTargetExists: Bool { if case .targetExists = self { true } else { false } }
  var isNewerFormat: Bool { if case .newerFormat = self { true } else { false } }
}
