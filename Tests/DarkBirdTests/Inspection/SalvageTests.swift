import Foundation
import Testing

@testable import DarkBird

@Suite(.timeLimit(.minutes(30)))
struct SalvageTests {
  private static let output = "/data/rescued"

  /// Salvages the files, checks that none of them was changed and that the result is sound, and returns what is in it.
  private func salvage(
    _ victim: StoreVictim, schema: FieldSchema? = nil, on disk: SimulatedFileSystem? = nil
  ) throws -> (report: SalvageReport, documents: [Int: Member]) {
    let disk = disk ?? victim.disk
    let before = disk.storeFiles
    let report = try StoreInspector.salvage(StoreVictim.directory, to: Self.output, schema: schema, disk)
    try require(disk.storeFiles == before, "the damaged store was changed")
    try requireEqual(report.problems, [], "verify of the result")
    try require(disk.openFileCount == 0, "\(disk.openFileCount) files are still open")
    let store = try open(disk)
    let documents = try store.contents()
    try requireEqual(store.audit().problems, [], "audit of the result")
    try requireEqual(documents.count, report.documents, "documents of the report")
    try requireEqual(store.memoryLSN, report.lastLSN, "LSN of the result")
    try store.put(Member(name: "more"), for: 100_000, ack: .synced)
    try store.close()
    return (report, documents)
  }

  private func open(_ disk: SimulatedFileSystem) throws -> MemberStore {
    var configuration = StoreConfiguration.simulated()
    configuration.location = .disk(path: Self.output)
    return try MemberStore(configuration, on: disk)
  }

  private func gap(_ lsns: ClosedRange<UInt64>) -> SalvageReport.Gap {
    SalvageReport.Gap(first: lsns.lowerBound, last: lsns.upperBound)
  }

  @Test(arguments: [0, 400]) func aSoundStoreIsComplete(before: Int) throws {
    let victim = try StoreVictim(before: before)
    let (report, documents) = try salvage(victim)
    #expect(report.isComplete && documents == victim.documents && report.lastLSN == victim.lastLSN)
    #expect(report.identifier != report.salvaged && report.leftOutFile == nil && report.possiblyStale == 0)
    #expect(report.schema == Member.schema.description)
  }

  /// Names of files are anybody's.
  @Test func pagesOfAbsurdNumbersAreNoTrap() throws {
    let victim = try StoreVictim(before: 0)
    let disk = victim.disk
    for number in ["18446744073709551600", "18446744073709551615"] {
      disk.setFile("\(StoreVictim.directory)/wal-\(number)", [UInt8](repeating: 0, count: 100))
    }
    let (report, documents) = try salvage(victim, on: disk)
    #expect(documents == victim.documents && !report.isComplete)
  }

  /// Its manifest could not be written; but it has what a page that is lost had.
  @Test func checkpointThatWasNotPublishedStandsInForTheLog() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(on: disk)
    for key in 0..<20 { try store.put(Member(name: "n", age: key), for: key) }
    disk.plan(.once(.rename, error: EIO, path: LogFormat.manifestDraftName))
    #expect(throws: StoreError.self) { try store.checkpoint() }
    // As if the process died here.
    let image = disk.killImage()
    try store.close()
    let whole = try StoreInspector.salvage(StoreVictim.directory, to: Self.output, image.killImage())
    #expect(whole.documents == 20 && whole.isComplete)
    image.deleteFile("\(StoreVictim.directory)/\(LogFormat.pageName(1))")
    let report = try StoreInspector.salvage(StoreVictim.directory, to: Self.output, image)
    #expect(report.documents == 20 && !report.isComplete)
    #expect(report.damages.contains { $0.reason.contains("taken for what is damaged") })
  }

  /// It is not what the store was: its documents have another form, and those that it leaves out are not gone.
  @Test func checkpointOfAMigrationThatFailedIsLeftOut() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(on: disk)
    for key in 0..<20 { try store.put(Member(name: "old", age: key), for: key) }
    try store.close()
    var migrator = Migrator(
      StoreVictim.directory,
      [
        Migration(to: 1, from: Member.self, to: Member.self) { member in
          member.age == 7 ? nil : Member(name: "new", age: member.age)
        }
      ])
    migrator.fileSystem = disk
    // The manifest that each opening writes, and then the one that names the checkpoint.
    var (failing, old) = (0, 0)
    while true {
      let image = disk.killImage()
      image.plan(.once(.rename, error: EIO, path: LogFormat.manifestDraftName, after: failing))
      migrator.fileSystem = image
      do {
        _ = try migrator.run(to: (Int.self, Member.self))
        break
      } catch {}
      image.clearFaults()
      failing += 1
      let report = try StoreInspector.salvage(StoreVictim.directory, to: Self.output, image)
      let rescued = try open(image)
      let isOld = report.schemaVersion == 0
      if isOld { old += 1 }
      #expect(try rescued.contents().count == (isOld ? 20 : 19))
      #expect(try rescued.contents().allSatisfy { $0.value.name == (isOld ? "old" : "new") })
      try rescued.close()
    }
    // When it opened the store, and when it was to name its checkpoint; what fails behind that is no failure of the migration.
    #expect(old == 2 && failing == old)
  }

  @Test func anEmptyStoreGivesAnEmptyOne() throws {
    let (report, documents) = try salvage(try StoreVictim(before: 0, after: 0))
    #expect(report.isComplete && documents.isEmpty)
  }

  @Test func documentsKeepTheirLSNs() throws {
    let victim = try StoreVictim()
    let disk = victim.disk
    let original = try MemberStore(.simulated(), on: disk)
    _ = try salvage(victim, on: disk.killImage())
    let rescuedDisk = victim.disk
    _ = try StoreInspector.salvage(StoreVictim.directory, to: Self.output, rescuedDisk)
    let rescued = try open(rescuedDisk)
    for key in victim.documents.keys { #expect(rescued.stored(key)?.lsn == original.stored(key)?.lsn) }
  }

  @Test func damagedFrameLosesThatFrameAlone() throws {
    var victim = try StoreVictim()
    let hit = try #require(try victim.frames().filter { $0.kind == .put && $0.lsn > 400 }.dropFirst(10).first)
    victim.flip(hit.file, hit.offset + 45)
    let (report, documents) = try salvage(victim)
    let damage = StoreDump.Damage(
      file: hit.file, offset: hit.offset, bytes: LogFormat.aligned(hit.bytes), reason: "wrong checksum of a frame")
    #expect(report.damages == [damage] && report.gaps == [gap(hit.lsn...hit.lsn)])
    guard case .int(let key)? = hit.operations.first?.key else {
      Issue.record("no key")
      return
    }
    #expect(documents.filter { $0.key != Int(key) } == victim.documents.filter { $0.key != Int(key) })
    // What is there of it is an older version, and the report counts it.
    #expect(victim.versions[Int(key), default: []].contains(documents[Int(key)] ?? Member()))
    #expect(report.staleBefore == hit.lsn && report.possiblyStale > 0 && !report.isComplete)
  }

  @Test func damagedPutBeforeALaterVersionLosesNothing() throws {
    var victim = try StoreVictim(before: 0, after: 160)
    let frames = try victim.frames()
    let hit = try #require(
      frames.first { frame in
        frame.kind == .put
          && frames.contains { $0.lsn > frame.lsn && $0.operations.first?.key == frame.operations.first?.key }
      })
    victim.flip(hit.file, hit.offset + 40)
    let (report, documents) = try salvage(victim)
    #expect(documents == victim.documents && report.gaps == [gap(hit.lsn...hit.lsn)])
  }

  @Test func lostRemovalIsCountedAsStale() throws {
    var victim = try StoreVictim()
    let hit = try #require(try victim.frames().last { $0.kind == .remove })
    victim.flip(hit.file, hit.offset + 24)
    let (report, documents) = try salvage(victim)
    guard case .int(let key)? = hit.operations.first?.key else {
      Issue.record("no key")
      return
    }
    #expect(victim.documents[Int(key)] == nil && documents[Int(key)] != nil)
    #expect(report.possiblyStale > 0 && report.leftOutFile == "salvage.ndjson")
  }

  @Test func missingPageIsAGap() throws {
    var victim = try StoreVictim()
    let lost = try victim.frames().filter { $0.file == victim.pages[2] && $0.kind != .seal }
    let name = victim.pages[2]
    victim.files[name] = nil
    let (report, documents) = try salvage(victim)
    #expect(report.damages.map(\.file) == [name] && report.damages[0].reason == "the page is missing")
    #expect(report.gaps == [gap(lost[0].lsn...lost[lost.count - 1].lsn)])
    let touched = Set(lost.compactMap { $0.operations.first?.key })
    for (key, member) in victim.documents where !touched.contains(.int(Int64(key))) {
      #expect(documents[key] == member)
    }
  }

  @Test func missingLastPageIsAGapUpToWhatTheManifestKnows() throws {
    var victim = try StoreVictim()
    let name = try #require(victim.pages.last)
    let lost = try victim.frames().filter { $0.file == name }
    victim.files[name] = nil
    let (report, _) = try salvage(victim)
    #expect(report.lastLSN == victim.lastLSN && report.gaps == [gap(lost[0].lsn...victim.lastLSN)])
  }

  @Test func damagedPageHeaderLosesNothing() throws {
    var victim = try StoreVictim()
    for offset in 0..<68 {
      victim.flip(victim.pages[1], offset)
      let (report, documents) = try salvage(victim)
      #expect(documents == victim.documents && report.gaps == [], "byte \(offset)")
      #expect(report.damages.count == 1 && report.damages[0].file == victim.pages[1], "byte \(offset)")
      victim.flip(victim.pages[1], offset)
    }
  }

  @Test func zeroedMiddleOfAPageIsOneDamage() throws {
    var victim = try StoreVictim()
    let frames = try victim.frames().filter { $0.file == victim.pages[1] }
    for offset in frames[3].offset + 5..<frames[6].offset + 9 { victim.files[victim.pages[1]]?[offset] = 0 }
    let (report, _) = try salvage(victim)
    #expect(report.damages.map(\.offset) == [frames[3].offset])
    #expect(report.gaps == [gap(frames[3].lsn...frames[6].lsn)])
  }

  @Test func tornTailIsNoGap() throws {
    var victim = try StoreVictim()
    let name = try #require(victim.pages.last)
    victim.files[name]? += [1, 2, 3, 4, 5, 6, 7, 8, 9]
    let (report, documents) = try salvage(victim)
    #expect(documents == victim.documents && report.gaps == [])
    #expect(report.damages.count == 1 && report.damages[0].reason.contains("torn"))
  }

  @Test func cutPageLosesWhatWasCut() throws {
    var victim = try StoreVictim()
    let frames = try victim.frames().filter { $0.file == victim.pages[1] && $0.kind != .seal }
    victim.files[victim.pages[1]] = Array(try #require(victim.files[victim.pages[1]]).prefix(frames[10].offset))
    let (report, _) = try salvage(victim)
    #expect(report.gaps == [gap(frames[10].lsn...frames[frames.count - 1].lsn)])
    #expect(report.damages.map(\.reason) == ["the page ends without a seal"])
  }

  @Test(arguments: [0, 4, 8, 30, 200]) func damagedBlockLosesThatBlockAlone(byte: Int) throws {
    var victim = try StoreVictim()
    let block = try victim.dump().blocks[1]
    victim.flip(victim.checkpoint, block.offset + byte, 0x01)
    let (report, documents) = try salvage(victim)
    #expect(report.damages.first?.offset == block.offset || byte == 4)
    // A wrong count loses nothing.
    let lost = byte == 4 ? 0 : block.documents
    #expect(report.checkpointDocuments == 400 - lost)
    let missing = victim.documents.keys.filter { documents[$0] == nil }
    #expect(missing.count <= lost && (lost == 0 || !missing.isEmpty))
    for (key, member) in documents { #expect(victim.documents[key] == member) }
  }

  @Test func damagedFooterLosesNothing() throws {
    var victim = try StoreVictim()
    victim.flip(victim.checkpoint, try #require(victim.files[victim.checkpoint]).count - 3)
    #expect(try salvage(victim).documents == victim.documents)
  }

  @Test func damagedCheckpointHeaderLosesNothing() throws {
    var victim = try StoreVictim()
    for offset in [0, 8, 20, 33, 61] {
      victim.flip(victim.checkpoint, offset)
      let (report, documents) = try salvage(victim)
      #expect(documents == victim.documents && report.damages.first?.file == victim.checkpoint)
      victim.flip(victim.checkpoint, offset)
    }
  }

  @Test func missingCheckpointIsAGapFromTheBeginning() throws {
    var victim = try StoreVictim()
    let first = try #require(try victim.frames().first)
    let name = victim.checkpoint
    victim.files[name] = nil
    let (report, documents) = try salvage(victim)
    #expect(report.damages.map(\.file) == [name])
    #expect(report.gaps == (first.lsn > 1 ? [gap(1...first.lsn - 1)] : []))
    for (key, member) in documents { #expect(victim.documents[key] == member) }
  }

  @Test(arguments: [true, false]) func lostManifestLosesTheSchemaAlone(isMissing: Bool) throws {
    var victim = try StoreVictim()
    if isMissing { victim.files[LogFormat.manifestName] = nil } else { victim.flip(LogFormat.manifestName, 30) }
    let (report, documents) = try salvage(victim)
    #expect(report.isSchemaLost && report.schema == SchemaDescription() && documents == victim.documents)
    #expect(report.damages.map(\.file) == [LogFormat.manifestName])
    let given = FieldSchema(unique: ["email"], tags: ["club"], ranges: ["age"])
    let (again, _) = try salvage(victim, schema: given)
    #expect(!again.isSchemaLost && again.schema.fields == given && again.leftOut.isEmpty)
  }

  /// Or migrations that were done would be done again.
  @Test func theSchemaVersionIsKept() throws {
    let disk = SimulatedFileSystem.forStores()
    var configuration = StoreConfiguration.simulated()
    // As of a time: 2024-01-31.
    let newest = 20_240_131_120_000
    configuration.schemaVersion = newest
    let store = try MemberStore(configuration, on: disk)
    try store.put(Member(name: "a"), for: 1)
    try store.close()
    func salvage(version: Int? = nil, to output: String) throws -> (UInt64, SalvageReport) {
      let report = try StoreInspector.salvage(StoreVictim.directory, to: output, schemaVersion: version, disk)
      return (try Manifest.read(output, disk).schemaVersion, report)
    }
    let (kept, report) = try salvage(to: "/data/kept")
    #expect(kept == UInt64(newest) && report.schemaVersion == kept && !report.isSchemaVersionLost)
    guard case .invalidConfiguration? = storeError({ _ = try salvage(version: 2, to: "/data/other") }) else {
      Issue.record("another version than that of a sound manifest is not refused")
      return
    }
    try disk.remove("\(StoreVictim.directory)/\(LogFormat.manifestName)")
    let (lost, lostReport) = try salvage(to: "/data/lost")
    #expect(lost == 0 && lostReport.isSchemaVersionLost)
    let (given, givenReport) = try salvage(version: newest, to: "/data/given")
    #expect(given == UInt64(newest) && !givenReport.isSchemaVersionLost)
  }

  /// The version of a manifest has no checksum. Pages and checkpoints have one, and say what the store is.
  @Test(arguments: [0, 10]) func aFlippedVersionOfTheManifestLosesNothingElse(before: Int) throws {
    let sound = try StoreVictim(before: before, after: 10)
    for bit in 0..<32 {
      var victim = sound
      victim.flip(LogFormat.manifestName, 8 + bit / 8, UInt8(1 << (bit % 8)))
      let (report, documents) = try salvage(victim)
      #expect(documents == sound.documents && !report.isSchemaLost && !report.isSchemaVersionLost, "bit \(bit)")
      #expect(report.damages.map(\.file) == [LogFormat.manifestName], "bit \(bit)")
    }
    // With other damage, only the manifest is lost.
    var worse = sound
    worse.flip(LogFormat.manifestName, 9, 1)
    worse.flip(LogFormat.manifestName, 40, 1)
    let (report, documents) = try salvage(worse)
    #expect(documents == sound.documents && report.isSchemaLost)
    // With nothing beside it, it may be right.
    var victim = sound
    victim.flip(LogFormat.manifestName, 9, 1)
    victim.files = victim.files.filter { $0.key == LogFormat.manifestName }
    guard case .newerFormat? = storeError({ _ = try salvage(victim) }) else {
      Issue.record("a manifest of a newer format is not believed")
      return
    }
  }

  /// On a real disk, for there are no links on the simulated one.
  @Test func outputWithinTheStoreIsRefusedHoweverItIsWritten() throws {
    let directory = URL(filePath: NSTemporaryDirectory()).appending(path: "darkbird-\(UUID().uuidString)")
    let path = directory.path(percentEncoded: false)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let store = try MemberStore(.disk(at: "\(path)/store"))
    try store.put(Member(), for: 1, ack: .synced)
    try store.close()
    try FileManager.default.createSymbolicLink(atPath: "\(path)/link", withDestinationPath: "store")
    try FileManager.default.createDirectory(atPath: "\(path)/a/b", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: "\(path)/deep", withDestinationPath: "a/b")
    let before = try FileManager.default.contentsOfDirectory(atPath: "\(path)/store").sorted()
    for (broken, output) in [
      ("store", "store/out"), ("store", "link/out"), ("link", "store/out"), ("link", "link/a/b"),
      ("store", "./store/../store/out"),
      ("store/", "store"), ("store", "link"), ("store", "deep/../../store/out"),
    ] {
      guard
        case .targetExists? = storeError({
          _ = try StoreInspector.salvage("\(path)/\(broken)", to: "\(path)/\(output)")
        })
      else {
        Issue.record("\(broken) to \(output) is not refused")
        continue
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(path)/store").sorted() == before)
    _ = try StoreInspector.salvage("\(path)/link", to: "\(path)/store-out")
  }

  @Test func otherIndexesThanThoseOfASoundManifestAreRefused() throws {
    let victim = try StoreVictim(before: 0, after: 10)
    guard case .invalidConfiguration? = storeError({ _ = try salvage(victim, schema: FieldSchema(unique: ["name"])) })
    else {
      Issue.record("not refused")
      return
    }
  }

  @Test func filesOfAnotherStoreAreNotMixedIn() throws {
    var victim = try StoreVictim()
    let other = try StoreVictim()
    let name = victim.pages[1]
    victim.files[name] = other.files[name]
    let (report, _) = try salvage(victim)
    #expect(report.damages.count == 1 && report.damages[0].reason.hasPrefix("a page of another store"))
    var foreign = try StoreVictim()
    foreign.files[foreign.checkpoint] = other.files[other.checkpoint]
    #expect(try salvage(foreign).report.checkpointDocuments == 0)
  }

  @Test func manifestOfAnotherStoreIsNotBelieved() throws {
    var victim = try StoreVictim()
    victim.files[LogFormat.manifestName] = try StoreVictim().files[LogFormat.manifestName]
    let (report, _) = try salvage(victim)
    #expect(report.damages.count == 1 && report.damages[0].reason.hasPrefix("the manifest of another store"))
    #expect(report.isSchemaLost && report.checkpointDocuments > 0 && report.documents == victim.documents.count)
  }

  @Test func laterDocumentKeepsAUniqueValueThatTwoShare() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(.simulated(), on: disk)
    try store.put(Member(name: "one", email: "a"), for: 1)
    try store.put(Member(name: "one", email: "b"), for: 1, ack: .synced)  // gives a away
    try store.put(Member(name: "two", email: "a"), for: 2)
    try store.close()
    let page = try #require(disk.pageInUse)
    var bytes = try #require(disk.storeFiles[page])
    var frames: [StoreDump.Frame] = []
    try StoreInspector.dump(StoreVictim.directory, .init(), disk) { item in
      if case .frame(let frame) = item { frames.append(frame) }
      return true
    }
    bytes[frames[1].offset + 50] ^= 1
    disk.setFile("\(StoreVictim.directory)/\(page)", bytes)
    let report = try StoreInspector.salvage(StoreVictim.directory, to: Self.output, disk)
    #expect(report.leftOut.map(\.key) == ["1"] && report.leftOut[0].reason.contains("email a is taken by document 2"))
    #expect(report.problems == [] && report.documents == 1)
    let rescued = try open(disk)
    #expect(try rescued.contents() == [2: Member(name: "two", email: "a")])
    let notes = String(decoding: disk.files["\(Self.output)/salvage.ndjson"] ?? [], as: UTF8.self)
    #expect(notes.contains(#""what":"conflict","key":1,"lsn":1"#) && notes.contains(#""name":"one""#))
    try rescued.close()
  }

  @Test func undecodableDocumentsAreLeftOutWithTheirKeys() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try Store<String, Broken>(.simulated(), schema: [], fileSystem: disk)
    try store.put(Broken(isBroken: false), for: "good")
    try store.put(Broken(isBroken: true), for: "bad")
    try store.close()
    let report = try StoreInspector.salvage(StoreVictim.directory, to: Self.output, disk)
    #expect(report.leftOut.map(\.key) == ["bad"] && report.documents == 1 && report.problems == [])
    #expect(report.leftOutFile != nil && !report.isComplete)
  }

  /// Writes what is no CBOR map.
  private struct Broken: Document {
    var isBroken: Bool
    init(isBroken: Bool) { self.isBroken = isBroken }
    init(cbor reader: inout CBORReader) throws { isBroken = false }
    func encode(cbor writer: inout CBORWriter) {
      if isBroken { writer.write("no map") } else { writer.beginMap(count: 0) }
    }
  }

  @Test func clearWinsOverOlderPuts() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(.simulated(.records(5)), on: disk)
    for key in 0..<20 { try store.put(Member(age: key), for: key) }
    try store.removeAll()
    try store.put(Member(age: 1), for: 1)
    try store.close()
    let report = try StoreInspector.salvage(StoreVictim.directory, to: Self.output, disk)
    #expect(report.isComplete && report.documents == 1)
  }

  @Test func outputThatIsNotEmptyIsRefusedAndKept() throws {
    let victim = try StoreVictim(before: 0, after: 10)
    let disk = victim.disk
    disk.setFile("/data/rescued/mine", [1])
    let before = disk.files
    for output in ["/data/rescued", "/data/store", "/data/store/inside", "/data/rescued/mine"] {
      let error = storeError { _ = try StoreInspector.salvage(StoreVictim.directory, to: output, disk) }
      guard case .targetExists? = error else {
        Issue.record("\(output): \(String(describing: error))")
        continue
      }
    }
    #expect(disk.files == before)
  }

  @Test func storeInUseIsRefused() throws {
    let disk = try StoreVictim(before: 0, after: 10).disk
    let store = try MemberStore(.simulated(), on: disk)
    let error = storeError { _ = try StoreInspector.salvage(StoreVictim.directory, to: Self.output, disk) }
    guard case .locked? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    try store.close()
  }

  @Test func unreadableBlocksOfTheDiskAreDamage() throws {
    let victim = try StoreVictim()
    let disk = victim.disk
    let name = victim.pages[1]
    // Behind two looks at its header the whole file is refused, then one block of it.
    disk.plan(.once(.read, error: EIO, path: name, after: 2), .once(.read, error: EIO, path: name, after: 3))
    let (report, _) = try salvage(victim, on: disk)
    #expect(
      report.damages.contains { $0.file == name && $0.reason.contains("Input/output error") }, "\(report.damages)")
  }

  /// Every call that writes the result fails once: an error, and nothing left, or a result.
  @Test(arguments: [EIO, ENOSPC, EMFILE]) func failureLeavesNoHalfStore(code: Int32) throws {
    let victim = try StoreVictim(before: 60, after: 10)
    for number in 0..<200 {
      let disk = victim.disk
      disk.plan(
        SimulatedFault(calls: Set(SimulatedCall.allCases), path: "rescued", after: number, effect: .error(code)))
      let error = storeError { _ = try StoreInspector.salvage(StoreVictim.directory, to: Self.output, disk) }
      if disk.hasFaults {
        #expect(error == nil && number > 10)
        return
      }
      disk.clearFaults()
      #expect(disk.openFileCount == 0)
      if error == nil { continue }
      // The directory takes another try, unless its removal or its verification was what failed.
      let left = disk.files.keys.filter { $0.hasPrefix(Self.output) }
      if left.isEmpty { _ = try salvage(victim, on: disk) }
    }
  }

  /// Random bytes of random files: no trap, no document that was never written, and all that the dump still shows is there.
  @Test(arguments: 0..<100) func randomDamage(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed + UInt64(Effort.firstSeed))
    var victim = try StoreVictim(
      before: generator.pick([0, 300]), after: 80, pages: generator.pick([.records(9), .records(25), .bytes(8 << 10)]))
    let names = victim.files.keys.sorted()
    for _ in 0..<1 + generator.below(5) {
      let name = generator.pick(names)
      guard let bytes = victim.files[name], !bytes.isEmpty else { continue }
      let start = generator.below(bytes.count)
      let range = start..<min(start + 1 + generator.below(600), bytes.count)
      switch generator.below(6) {
      case 0...1: victim.flip(name, start, UInt8(1 << generator.below(8)))
      case 2: for index in range { victim.files[name]?[index] = UInt8(generator.below(256)) }
      case 3: for index in range { victim.files[name]?[index] = 0 }
      case 4: victim.files[name] = Array(bytes.prefix(start))
      default: if generator.chance(30) { victim.files[name] = nil } else { victim.files[name]?.removeSubrange(range) }
      }
    }
    if victim.files.isEmpty { return }
    let expected = try Expectation(victim)
    do {
      let (report, documents) = try salvage(victim)
      try requireEqual(report.checkpointDocuments, expected.blockDocuments, "documents of sound blocks")
      for (key, member) in documents {
        try require(victim.versions[key]?.contains(member) == true, "document \(key) was never written so: \(member)")
      }
      for (key, lsn) in expected.puts {
        try require(documents[key] != nil || expected.mayBeGone(key, lsn), "document \(key) of LSN \(lsn) is gone")
        // Without the manifest nobody knows how far the log had come.
        if lsn >= report.staleBefore ?? 0, !report.damages.contains(where: { $0.file == LogFormat.manifestName }) {
          try requireEqual(
            documents[key], victim.documents[key], "document \(key), said not to be stale, \(report.gaps)")
        }
      }
    } catch let error as StoreError {
      // Only if not a file of a store is left, or none that says it is of this format.
      switch error {
      case .notAStore: break
      case .newerFormat where !victim.hasSoundPageHeader: break
      default: throw Mismatch("seed \(seed): \(error)")
      }
    }
  }

  /// The last version of each key among the frames that a dump shows to be sound.
  private struct Expectation {
    var puts: [Int: UInt64] = [:]
    var blockDocuments = 0
    private var removals: [Int: UInt64] = [:]

    init(_ victim: StoreVictim) throws {
      let items = try victim.dump()
      for block in items.blocks where block.isSound { blockDocuments += block.documents }
      for frame in items.frames where frame.isSound {
        for operation in frame.operations {
          guard case .int(let key)? = operation.key else { continue }
          if operation.kind == .put {
            puts[Int(key)] = max(puts[Int(key)] ?? 0, frame.lsn)
          } else {
            removals[Int(key)] = max(removals[Int(key)] ?? 0, frame.lsn)
          }
        }
      }
    }

    func mayBeGone(_ key: Int, _ lsn: UInt64) -> Bool { removals[key] ?? 0 > lsn }
  }
}
