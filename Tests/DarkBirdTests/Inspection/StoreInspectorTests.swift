import Foundation
import Testing

@testable import DarkBird

@Suite(.timeLimit(.minutes(30)))
struct StoreInspectorTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private var path: String { directory.path + "/store" }
  private typealias Records = Store<Value, Record>

  @discardableResult
  private func makeStore(checkpoint: Bool = false) throws -> [Int: Member] {
    let store = try MemberStore(.disk(at: path))
    for key in 0..<50 { try store.put(Member(name: "m\(key)", email: "e\(key)", age: key), for: key) }
    if checkpoint { try store.checkpoint() }
    try store.remove(7)
    defer { try? store.close() }
    return try store.contents()
  }

  private func bytes() throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: path) {
      files[name] = try Data(contentsOf: URL(filePath: "\(path)/\(name)"))
    }
    return files
  }

  private func isNotAStore(_ error: StoreError?) -> Bool { if case .notAStore? = error { true } else { false } }

  @Test func describeTellsWhatTheManifestSays() throws {
    try makeStore()
    let description = try StoreInspector.describe(path)
    #expect(description.schema == Member.schema.description)
    #expect(description.checkpointLSN == nil && description.firstPage == 1)
    let store = try MemberStore(.disk(at: path))
    // No lock: a store that is open can be described.
    try store.checkpoint()
    let later = try StoreInspector.describe(path)
    #expect(later.checkpointLSN == 51 && later.identifier == description.identifier)
    try store.close()
  }

  @Test func whatIsNoStoreIsNeitherDescribedNorMade() throws {
    for other in [path, directory.path] {
      #expect(isNotAStore(storeError { _ = try StoreInspector.describe(other) }))
      #expect(isNotAStore(storeError { _ = try StoreInspector.verify(other) }))
      #expect(isNotAStore(storeError { _ = try StoreInspector.checkpoint(other) }))
      #expect(isNotAStore(storeError { _ = try Records.open(other) }))
      #expect(isNotAStore(storeError { _ = try Records.open(other, readOnly: false) }))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }

  @Test(arguments: [false, true]) func verifyCountsWhatIsThere(checkpoint: Bool) throws {
    try makeStore(checkpoint: checkpoint)
    let before = try bytes()
    let report = try StoreInspector.verify(path)
    #expect(report.isSound && report.documents == 49 && report.lastLSN == 51 && report.tornTailBytes == 0)
    #expect(report.checkpointDocuments == (checkpoint ? 50 : 0) && report.checkpointLSN == (checkpoint ? 50 : nil))
    #expect(report.pages.count == 1 && report.pages[0].lastLSN == 51 && !report.pages[0].isSealed)
    #expect(try bytes() == before)
  }

  @Test func verifyNamesEveryDamagedPage() throws {
    var victim = try StoreVictim()
    let frames = try victim.frames()
    let hits = [1, 3].compactMap { page in frames.first { $0.file == victim.pages[page] } }
    for hit in hits { victim.flip(hit.file, hit.offset + 33) }
    let disk = victim.disk
    let report = try StoreInspector.verify(StoreVictim.directory, disk)
    #expect(report.problems.map(\.path) == hits.map { "\(StoreVictim.directory)/\($0.file)" })
    #expect(report.problems.map(\.offset) == hits.map(\.offset) && !report.isSound)
    #expect(disk.openFileCount == 0)
  }

  /// The page that was begun last ends in zeros, and one that was made ahead follows it.
  @Test func lastPageOfAKilledStoreIsNoDamageBehindOther() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(.simulated(.records(25)), on: disk)
    for key in 0..<60 { try store.put(Member(name: "m\(key)"), for: key, ack: .synced) }
    #expect(eventually { disk.storeFiles.keys.filter { $0.hasPrefix("wal-") }.max() != disk.pageInUse })
    let killed = disk.killImage()
    try store.close()
    let first = "/data/store/\(LogFormat.pageName(1))"
    var page = try killed.contents(first)
    page[LogFormat.headerBytes + 40] ^= 1
    killed.setFile(first, page)
    let report = try StoreInspector.verify("/data/store", killed)
    #expect(report.problems.map(\.path) == [first], "\(report)")
  }

  @Test func verifyOfAStoreInUseIsRefused() throws {
    let store = try MemberStore(.disk(at: path))
    guard case .locked(_, let holder)? = storeError({ _ = try StoreInspector.verify(path) }) else {
      Issue.record("not refused")
      return
    }
    #expect(holder.hasPrefix("process "))
    try store.close()
    #expect(try StoreInspector.verify(path).isSound)
  }

  @Test func anyStoreOpensForReadingAndRefusesWrites() throws {
    let documents = try makeStore()
    let before = try bytes()
    let store = try Records.open(path)
    #expect(store.count == documents.count && store[.int(3)]?["name"] == "m3")
    #expect(try store.document(unique: "email", "e9")?.key == .int(9))
    #expect(try store.documents(where: "age", in: .closed(10, 12)).documents.map(\.key) == [10, 11, 12])
    #expect(storeError { try store.put(["name": "x"], for: 1) } == .readOnly)
    #expect(storeError { try store.insert(["name": "x"], for: 900) } == .readOnly)
    #expect(storeError { _ = try store.update(.int(1)) { $0["name"] = "x" } } == .readOnly)
    #expect(storeError { try store.remove(.int(1)) } == .readOnly)
    #expect(storeError { try store.remove(.int(900)) } == .readOnly)
    #expect(storeError { try store.removeAll() } == .readOnly)
    #expect(storeError { try store.checkpoint() } == .readOnly)
    #expect(store.count == documents.count && store.audit().isClean)
    // Readers share.
    let other = try Records.open(path)
    try other.close()
    try store.close()
    #expect(try bytes() == before)
  }

  @Test func computedIndexesAreRefusedForWritingOnly() throws {
    try makeStore()
    let before = try bytes()
    guard case .invalidConfiguration(let reason)? = storeError({ _ = try Records.open(path, readOnly: false) }) else {
      Issue.record("not refused")
      return
    }
    #expect(reason.contains("rank"))
    #expect(try bytes() == before)
  }

  @Test func checkpointNeedsNoIndex() throws {
    let documents = try makeStore()
    let description = try StoreInspector.describe(path)
    let report = try StoreInspector.checkpoint(path)
    #expect(report.isNew && report.documents == 49 && report.checkpointLSN == 51)
    let again = try StoreInspector.checkpoint(path)
    #expect(!again.isNew && again.checkpointLSN == 51)
    #expect(try StoreInspector.describe(path).schema == description.schema)
    let store = try MemberStore(.disk(at: path))
    #expect(try store.contents() == documents && store.audit().isClean)
    #expect(storeError { _ = try StoreInspector.checkpoint(path) } != nil)
    try store.close()
  }

  @Test func checkpointDropsTheSealedPages() throws {
    let victim = try StoreVictim(before: 0, after: 120)
    let disk = victim.disk
    let report = try StoreInspector.checkpoint(StoreVictim.directory, disk)
    #expect(report.before.pages == victim.pages.count && report.after.pages == 1)
    #expect(report.before.checkpointBytes == 0 && report.after.checkpointBytes > 0)
    #expect(report.after.bytes < report.before.bytes)
    #expect(report.documents == victim.documents.count && disk.openFileCount == 0)
    #expect(try MemberStore(on: disk).contents() == victim.documents)
  }
}
