import Foundation
import Testing

@testable import DarkBird

/// A document of an earlier form, without an index.
private struct OldMember: Document, Codable, Hashable {
  var name = ""
  var mail: String?
  var years: Int?
}

/// Stores whose documents take a newer form: all of them, or none.
@Suite(.timeLimit(.minutes(30)))
struct MigrationTests {
  private let disk = SimulatedFileSystem.forStores()
  private static let path = "/data/store"

  private static let toMembers = Migration(to: 1, from: (Int.self, OldMember.self), to: (Int.self, Member.self)) {
    key, old in
    if old.name == "gone" { return nil }
    return (key + 1_000, Member(name: old.name, email: old.mail, age: old.years))
  }

  private func migrator(_ migrations: [Migration] = [toMembers], on disk: SimulatedFileSystem? = nil) -> Migrator {
    var migrator = Migrator(Self.path, migrations)
    migrator.fileSystem = disk ?? self.disk
    migrator.scratchDirectory = "/data"
    return migrator
  }

  private func openOld(_ disk: SimulatedFileSystem? = nil) throws -> Store<Int, OldMember> {
    try Store(.simulated(), schema: OldMember.schema, fileSystem: disk ?? self.disk)
  }

  /// A closed store with a checkpoint and log records of every kind behind it; returns what is in it, and its last LSN.
  @discardableResult
  private func makeOld(_ count: Int = 60, takesCheckpoint: Bool = true) throws -> (
    documents: [Int: OldMember], lsn: UInt64
  ) {
    let store = try openOld()
    for key in 0..<10 { try store.put(OldMember(name: "before the clear"), for: key + 500) }
    try store.removeAll()
    for key in 0..<count {
      try store.put(OldMember(name: String(repeating: "n", count: key), mail: "e\(key)", years: key), for: key)
    }
    if takesCheckpoint { try store.checkpoint() }
    try store.put(OldMember(name: "gone"), for: 3)
    try store.remove(5)
    try store.batch { batch in
      batch.put(OldMember(name: "batched", mail: "e6"), for: 6)
      batch.remove(7)
    }
    defer { try? store.close() }
    var documents: [Int: OldMember] = [:]
    for stored in try store.scan().documents { documents[stored.key] = stored.document }
    return (documents, store.memoryLSN)
  }

  private func migrated(_ old: [Int: OldMember]) -> [Int: Member] {
    var new: [Int: Member] = [:]
    for (key, member) in old where member.name != "gone" {
      new[key + 1_000] = Member(name: member.name, email: member.mail, age: member.years)
    }
    return new
  }

  private func fields(_ store: Store<Int, OldMember>) throws -> [Int: OldMember] {
    var documents: [Int: OldMember] = [:]
    for stored in try store.scan().documents { documents[stored.key] = stored.document }
    return documents
  }

  @Test(arguments: [true, false]) func documentsTakeTheirNewForm(takesCheckpoint: Bool) throws {
    let (old, lsn) = try makeOld(takesCheckpoint: takesCheckpoint)
    let before = disk.storeFiles
    let tried = try migrator().dryRun(to: (Int.self, Member.self))
    #expect(disk.storeFiles == before && disk.files.count == before.count, "a dry run changes files")
    #expect(!tried.isCommitted && tried.changed == old.count - 1 && tried.removed == 1 && tried.failed == 0)
    #expect(tried.examples.count == 5 && tried.examples.allSatisfy { $0.document.contains("name") })
    let report = try migrator().run(to: (Int.self, Member.self))
    #expect(report.isCommitted && report.changed == tried.changed && report.removed == 1)
    #expect(report.oldVersion == 0 && report.version == 1 && report.schema == Member.schema.description)
    #expect(disk.openFileCount == 0)
    #expect(!disk.files.keys.contains { $0.contains(LogFormat.migrationPrefix) })
    let store = try MemberStore(on: disk)
    #expect(try store.contents() == migrated(old))
    #expect(store.audit().problems == [])
    #expect(try store.document(unique: "email", "e6")?.key == 1_006)
    #expect(store.memoryLSN == lsn + 2)
    #expect(store.stored(1_006)?.lsn == lsn + 2)
    // Whoever followed the log is told; whoever begins now is not.
    #expect(storeError { _ = try store.events(from: lsn) } == .logTruncated(from: lsn, firstAvailable: lsn + 2))
    _ = try store.events(from: lsn + 2)
    try store.put(Member(email: "next"), for: 1, ack: .synced)
    try store.close()
    #expect(try StoreInspector.verify(Self.path, disk).isSound)
    let again = try migrator().run(to: (Int.self, Member.self))
    #expect(again.documents == 0 && !again.isCommitted)
  }

  @Test func versionsRunInOrderAndOnlyOnce() throws {
    let (old, _) = try makeOld()
    let renamed = Migration(to: 2, from: Member.self, to: Member.self) { member in
      var member = member
      member.name += "!"
      return member
    }
    // Given in any order.
    let migrations = [renamed, Self.toMembers]
    let configuration = try MemberStore.migrated(.simulated(), Member.schema, migrations, disk)
    var store = try Store<Int, Member>(configuration, schema: Member.schema, fileSystem: disk)
    var expected = migrated(old)
    for key in expected.keys { expected[key]?.name += "!" }
    #expect(try store.contents() == expected)
    try store.close()
    store = try Store(
      try MemberStore.migrated(.simulated(), Member.schema, migrations, disk), schema: Member.schema, fileSystem: disk)
    #expect(try store.contents() == expected)
    #expect(store.disk?.schemaVersion == 2)
    try store.close()
    // A program that knows less must not touch it.
    #expect(
      storeError { _ = try MemberStore.migrated(.simulated(), Member.schema, [Self.toMembers], disk) }
        == .newerSchema(path: Self.path, found: 2, known: 1))
    let third = Migration(to: 3, from: Member.self, to: Member.self) { $0 }
    var readOnly = StoreConfiguration.simulated()
    readOnly.isReadOnly = true
    #expect(
      storeError { _ = try MemberStore.migrated(readOnly, Member.schema, migrations + [third], disk) }
        == .migrationNeeded(path: Self.path, found: 2, needed: 3))
    // Documents that no step changes keep their LSN.
    #expect(try migrator(migrations + [third]).run(to: (Int.self, Member.self)).unchanged == expected.count)
    #expect(
      storeError { _ = try migrator([third, third]).run(to: (Int.self, Member.self)) }?.description
        == "two migrations to version 3")
  }

  /// Or documents would be changed twice: a store may be migrated between the look at its version and the lock.
  @Test func versionIsLookedAtUnderTheLock() throws {
    let store = try MemberStore(on: disk)
    for key in 0..<10 { try store.put(Member(name: "n", age: key), for: key) }
    try store.close()
    let older = Migration(to: 1, from: Member.self, to: Member.self) { member in
      var member = member
      member.age = member.age.map { $0 * 100 + 1 }
      return member
    }
    let isMigrated = Counter()
    let other = migrator([older])
    disk.observe { _, call, path in
      guard call == .open, path.hasSuffix(LogFormat.lockName), isMigrated.next() == 1 else { return }
      do {
        #expect(try other.run(to: (Int.self, Member.self)).isCommitted)
      } catch { Issue.record("\(error)") }
    }
    let report = try migrator([older]).run(to: (Int.self, Member.self))
    disk.observe(nil)
    #expect(!report.isCommitted)
    #expect(try MemberStore(on: disk).contents().allSatisfy { $0.value.age == $0.key * 100 + 1 })
  }

  /// Between the look at its version and its lock.
  @Test func storeThatALaterProgramMigratesMeanwhileIsRefused() throws {
    func step(_ version: Int) -> Migration {
      Migration(to: version, from: Member.self, to: Member.self) { member in
        var member = member
        member.name += " \(version)"
        return member
      }
    }
    func open() throws -> MemberStore {
      try MemberStore(.simulated(), schema: Member.schema, migrations: [step(1)], fileSystem: disk)
    }
    let locks = Counter()
    let isLock: @Sendable (SimulatedCall, String) -> Bool = { $0 == .open && $1.hasSuffix(LogFormat.lockName) }
    disk.observe { _, call, path in if isLock(call, path) { locks.next() } }
    let store = try open()
    // The last one of an opening is that of the store itself.
    let last = locks.value
    for key in 0..<10 { try store.put(Member(name: "n"), for: key) }
    try store.close()
    let seen = Counter()
    let later = migrator([step(1), step(2)])
    disk.observe { _, call, path in
      guard isLock(call, path), seen.next() == last else { return }
      do { #expect(try later.run(to: (Int.self, Member.self)).isCommitted) } catch { Issue.record("\(error)") }
    }
    #expect(storeError { _ = try open() } == .newerSchema(path: Self.path, found: 2, known: 1))
    disk.observe(nil)
    #expect(disk.openFileCount == 0)
    let again = try MemberStore(.simulated(), schema: Member.schema, migrations: [step(1), step(2)], fileSystem: disk)
    #expect(again.count == 10 && (0..<10).allSatisfy { again[$0]?.name == "n 2" })
    try again.close()
  }

  @Test func newStoreBeginsWithTheNewestVersion() throws {
    let configuration = try MemberStore.migrated(.simulated(), Member.schema, [Self.toMembers], disk)
    let store = try Store<Int, Member>(configuration, schema: Member.schema, fileSystem: disk)
    #expect(store.disk?.schemaVersion == 1)
    try store.put(Member(name: "new"), for: 1)
    try store.checkpoint()
    try store.close()
    _ = try MemberStore.migrated(.simulated(), Member.schema, [Self.toMembers], disk)
    #expect(try MemberStore(on: disk).contents() == [1: Member(name: "new")])
  }

  /// Also where there is nothing to migrate yet: a store that was made so could not be opened again.
  @Test(arguments: [[-1], [0], [1, 1]]) func versionsThatCannotBeAreRefused(versions: [Int]) throws {
    let migrations = versions.map { Migration(to: $0, from: Member.self, to: Member.self) { $0 } }
    for configuration in [StoreConfiguration.simulated(), .memory] {
      let error = storeError { _ = try MemberStore.migrated(configuration, Member.schema, migrations, disk) }
      guard case .invalidConfiguration? = error else {
        Issue.record("\(versions): \(String(describing: error))")
        continue
      }
    }
    #expect(disk.storeFiles.isEmpty)
  }

  @Test func versionOutlivesCheckpointsAndBackups() throws {
    try makeOld()
    _ = try migrator().run(to: (Int.self, Member.self))
    try StoreInspector.backup(Self.path, to: "/data/b", disk)
    let file = try disk.open("/data/b", .read)
    try StoreInspector.restore(file, path: "/data/b", to: "/data/restored", disk)
    #expect(try Manifest.read("/data/restored", disk).schemaVersion == 1)
    _ = try StoreInspector.checkpoint(Self.path, disk)
    #expect(try Manifest.read(Self.path, disk).schemaVersion == 1)
  }

  // MARK: Failures

  @Test func documentsThatFailAreNamedAndNothingIsCommitted() throws {
    let (old, _) = try makeOld()
    let failing = Migration(to: 1, from: (Int.self, OldMember.self), to: (Int.self, Member.self)) { key, old in
      if key % 10 == 0 { throw Mismatch("no tens") }
      // Two keys for one, two owners of a unique value, and a NaN, which no index takes.
      let email = key == 12 ? "e11" : old.mail
      // What the store could not hold takes a key from no other.
      let newKey = [14: 13, 18: 17][key] ?? key
      return (newKey, Member(name: old.name, email: email, score: key == 16 || key == 18 ? .nan : 1))
    }
    var migrator = migrator([failing])
    let tried = try migrator.dryRun(to: (Int.self, Member.self))
    let error = storeError { _ = try migrator.run(to: (Int.self, Member.self)) }
    guard case .migrationFailed(_, let report)? = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(report.failures == tried.failures && report.failed == tried.failed && !report.isCommitted)
    let reasons = Dictionary(uniqueKeysWithValues: report.failures.map { ($0.key, $0.reason) })
    #expect(
      reasons == [
        "0": "no tens", "10": "no tens", "20": "no tens", "30": "no tens", "40": "no tens", "50": "no tens",
        "11": "email e11 is taken by document 12", "13": "comes to the key 13, as 14 does",
        "16": "index score: NaN has no place in an order", "18": "index score: NaN has no place in an order",
      ])
    #expect(try fields(openOld()) == old)
    migrator.skipsFailures = true
    let skipped = try migrator.run(to: (Int.self, Member.self))
    #expect(skipped.isCommitted && skipped.failed == 10 && skipped.changed == old.count - 10)
    let store = try MemberStore(on: disk)
    #expect(Set(try store.contents().keys) == Set(old.keys).subtracting([0, 10, 20, 30, 40, 50, 11, 14, 16, 18]))
    // The later one stays: 14 is now 13.
    #expect(store[13]?.name == old[14]?.name)
    #expect(store.audit().problems == [])
  }

  @Test func documentsOfAnotherTypeAreRefused() throws {
    let (old, _) = try makeOld()
    let wrong = Migration(to: 1, from: (String.self, OldMember.self), to: (Int.self, Member.self)) { _, _ in nil }
    let error = storeError { _ = try migrator([wrong]).run(to: (Int.self, Member.self)) }
    #expect(error?.description.contains("not String and OldMember") == true, "\(error as Any)")
    // The last step makes something else than the store is opened as.
    let error2 = storeError { _ = try migrator().run(to: (String.self, Member.self)) }
    #expect(error2?.description.contains("the new document is not String and Member") == true, "\(error2 as Any)")
    #expect(try fields(openOld()) == old)
  }

  @Test func equalKeysOfOtherBytesAreOneDocument() throws {
    let store = try Store<String, OldMember>(.simulated(), schema: OldMember.schema, fileSystem: disk)
    try store.put(OldMember(name: "composed"), for: "\u{e9}")
    try store.put(OldMember(name: "decomposed"), for: "e\u{301}")
    #expect(store.count == 1)
    try store.close()
    let same = Migration(to: 1, from: OldMember.self, to: OldMember.self) { $0 }
    #expect(try migrator([same]).run(to: (String.self, OldMember.self)).documents == 1)
    let again = try Store<String, OldMember>(.simulated(), schema: OldMember.schema, fileSystem: disk)
    #expect(again["\u{e9}"]?.name == "decomposed" && again.count == 1)
  }

  @Test func givingUpChangesNothing() throws {
    let (old, _) = try makeOld(3_000)
    for limit in [0, 2, 4] {
      var calls = 0
      let error = storeError {
        _ = try migrator().run(to: (Int.self, Member.self)) { _ in
          calls += 1
          return calls <= limit
        }
      }
      #expect(error == .cancelled, "\(limit)")
      #expect(disk.openFileCount == 0)
    }
    #expect(try fields(openOld()) == old)
  }

  /// The bar of a migration: whatever call fails, and whenever the process or the power goes, the store is all old or all new.
  @Test func migrationInterruptedAtAnyCallIsAllOldOrAllNew() throws {
    let (old, lsn) = try makeOld()
    let new = migrated(old)
    /// Whether it is the new one.
    func check(_ image: SimulatedFileSystem, _ what: String) throws -> Bool {
      let isNew = try Manifest.read(Self.path, image).schemaVersion == 1
      if isNew {
        let store = try MemberStore(on: image)
        #expect(try store.contents() == new, "\(what)")
        #expect(store.audit().problems == [] && store.memoryLSN == lsn + 2, "\(what)")
        try store.put(Member(name: "on"), for: 7_000, ack: .synced)
        try store.close()
      } else {
        let store = try openOld(image)
        #expect(try fields(store) == old, "\(what)")
        #expect(store.memoryLSN >= lsn, "\(what)")
        try store.put(OldMember(name: "on"), for: 7_000, ack: .synced)
        try store.close()
      }
      #expect(try StoreInspector.verify(Self.path, image).isSound, "\(what)")
      let names = image.storeFiles.keys
      #expect(!names.contains { $0.hasPrefix(LogFormat.migrationPrefix) }, "\(what): \(names)")
      return isNew
    }
    let images = Seen<(SimulatedFileSystem, String)>()
    let running = disk.killImage()
    running.observe { [unowned running] number, call, path in
      images.append((running.killImage(), "killed before call \(number), \(call) \(path)"))
      for seed in 0..<3 {
        let seed = UInt64(Effort.firstSeed + number * 3 + seed)
        images.append((running.crashImage(seed: seed), "no power before call \(number), \(call) \(path), seed \(seed)"))
      }
    }
    _ = try migrator(on: running).run(to: (Int.self, Member.self))
    running.observe(nil)
    images.append((running.crashImage(seed: 1), "no power at the end"))
    var whole = 0
    for (image, what) in images.all { if try check(image, what) { whole += 1 } }
    #expect(whole > 0 && whole < images.count)
    for code in [EIO, ENOSPC] {
      var call = 0
      while true {
        let image = disk.killImage()
        image.plan(SimulatedFault(calls: Set(SimulatedCall.allCases), after: call, effect: .error(code)))
        let error = storeError { _ = try migrator(on: image).run(to: (Int.self, Member.self)) }
        let hasStruck = !image.hasUntouchedFaults
        image.clearFaults()
        if !hasStruck { break }
        let isNew = try check(image, "call \(call) fails")
        // What fails after the manifest is in place, such as the removal of an old page, may still be told.
        #expect(isNew || error != nil, "call \(call)")
        call += 1
      }
      #expect(call > 20)
    }
  }

  @Test func migrationThatIsDoneDoesNotFailBecauseItsStoreIsClosed() throws {
    let (old, _) = try makeOld(takesCheckpoint: false)
    // The manifest of the opening, that of the migration, and then the one that closing writes.
    disk.plan(.once(.rename, error: EIO, path: LogFormat.manifestDraftName, after: 2))
    let report = try migrator().run(to: (Int.self, Member.self))
    #expect(report.isCommitted && !disk.hasUntouchedFaults)
    let store = try MemberStore(on: disk)
    #expect(try store.contents() == migrated(old))
    try store.close()
  }

  /// Random documents and changes, also with so little memory that temporary files are dealt out again.
  @Test(arguments: Effort.chunks(40, 4)) func migrationMatchesAModel(seeds: Range<Int>) throws {
    for seed in seeds {
      var generator = SeededGenerator(seed: UInt64(seed))
      let disk = SimulatedFileSystem.forStores()
      let store = try openOld(disk)
      var model: [Int: (OldMember, UInt64)] = [:]
      for _ in 0..<generator.below(400) {
        let key = generator.below(80)
        if generator.chance(20) {
          if try store.remove(key) != nil { model[key] = nil }
        } else {
          let old = OldMember(name: String(repeating: "x", count: generator.below(30)), mail: "e\(generator.below(60))")
          try store.put(old, for: key)
          model[key] = (old, store.memoryLSN)
        }
        if generator.chance(2) { try store.checkpoint() }
      }
      try store.close()
      let modulus = generator.pick([1, 7, 50, 1_000])
      let step = Migration(to: 1, from: (Int.self, OldMember.self), to: (Int.self, Member.self)) { key, old in
        if old.name.count == 3 { throw Mismatch("three") }
        if old.name.count == 4 { return nil }
        return (key % modulus, Member(name: old.name, email: old.mail))
      }
      // Of one key the later one stays, then of one email.
      var byKey: [Int: (Int, OldMember, UInt64)] = [:]
      for (key, (old, lsn)) in model where old.name.count != 3 && old.name.count != 4 {
        if let other = byKey[key % modulus], other.2 > lsn { continue }
        byKey[key % modulus] = (key, old, lsn)
      }
      var owners: [String: UInt64] = [:]
      for (_, old, lsn) in byKey.values { owners[old.mail ?? ""] = max(lsn, owners[old.mail ?? ""] ?? 0) }
      var expected: [Int: Member] = [:]
      for (key, (_, old, lsn)) in byKey where owners[old.mail ?? ""] == lsn {
        expected[key] = Member(name: old.name, email: old.mail)
      }
      var migrator = migrator([step], on: disk)
      migrator.skipsFailures = true
      let report = try migrator.run(to: (Int.self, Member.self))
      let new = try MemberStore(on: disk)
      #expect(try new.contents() == expected, "seed \(seed)")
      #expect(new.audit().problems == [], "seed \(seed)")
      #expect(report.documents == model.count && report.changed + report.unchanged == expected.count, "seed \(seed)")
      #expect(report.removed + report.failed + expected.count == model.count, "seed \(seed): \(report)")
    }
  }
}

/// Items that meet by key, in little memory.
struct SpillTests {
  private func addLSN(_ kept: inout SpillItem, _ other: SpillItem) { kept.lsn += other.lsn }

  @Test(arguments: [1_000, 100_000, 100_000_000]) func itemsOfOneKeyMeet(memoryMax: Int) throws {
    var generator = SeededGenerator(seed: 5)
    let disk = SimulatedFileSystem.forStores()
    var expected: [[UInt8]: UInt64] = [:]
    do {
      let spill = Spill(SpillSpace(prefix: "/data/x", disk), memoryMax: memoryMax)
      for number in 0..<20_000 {
        let key = Array("\(generator.below(6_000))".utf8)
        expected[key, default: 0] += UInt64(number)
        try spill.add(
          SpillItem(
            key: key, flag: 3, lsn: UInt64(number), order: 9,
            payload: [UInt8](repeating: 7, count: generator.below(300)), keyLength: 1, note: [1, 2]))
      }
      #expect((disk.openFileCount > 0) && !disk.files.keys.contains { $0.hasPrefix("/data/x") })
      var found: [[UInt8]: UInt64] = [:]
      try spill.drain(merge: addLSN) { items throws(StoreError) in
        for item in items {
          #expect(found.updateValue(item.lsn, forKey: item.key) == nil, "a key twice")
          #expect(item.flag == 3 && item.order == 9 && item.keyLength == 1 && item.note == [1, 2])
        }
      }
      #expect(found == expected)
    }
    #expect(disk.openFileCount == 0)
  }
}
