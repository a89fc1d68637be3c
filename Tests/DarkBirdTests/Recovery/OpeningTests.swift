import Foundation
import Testing

@testable import DarkBird

/// A document that only some programs can write and read.
private struct Fussy: Document {
  var isWritable = true

  func encode(cbor writer: inout CBORWriter) throws {
    if !isWritable { throw Refusal() }
    writer.write("fussy")
  }

  struct Refusal: Error, CustomStringConvertible { var description: String { "not today" } }
}

extension Fussy {
  init(cbor reader: inout CBORReader) throws {
    if try reader.readString() != "fussy" { throw Refusal() }
  }
}

/// Openings that fail, and errors that no other test is about: each names what and where, and leaves all as it was.
struct OpeningTests {
  private let disk = SimulatedFileSystem.forStores()

  /// Two members of one e-mail address, in a store that does not mind.
  private func makeStore() throws {
    let store = try Store<Int, Member>(.simulated(), schema: [.tag("club", \.club)], fileSystem: disk)
    for key in 1...2 { try store.put(Member(email: "same", club: "Ajax"), for: key) }
    try store.close()
  }

  /// The opening fails, and neither the files nor what they say of the store have changed.
  /// - Parameter manifestWrites: once the directory is in order for writing, and before it is released; 0 where the documents of the
  ///   log cannot be taken.
  private func expectUnchanged(manifestWrites: Int = 2, _ open: () throws -> Void) throws -> StoreError? {
    let (before, renames) = (disk.storeFiles, disk.callCount(.rename))
    let error = storeError(open)
    let after = disk.storeFiles
    // The manifest counts how often it was written, and the lock may name who has tried last.
    let changed = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] && $0 != LogFormat.lockName }
    #expect(changed == (manifestWrites > 0 ? [LogFormat.manifestName] : []))
    #expect(disk.openFileCount == 0)
    #expect(disk.callCount(.rename) - renames == manifestWrites)
    let report = try StoreInspector.verify("/data/store", disk)
    #expect(report.isSound && report.documents == 2, "\(report)")
    #expect(try Manifest.read("/data/store", disk).schema.fields.tags == ["club"])
    return error
  }

  @Test func uniqueIndexThatDocumentsContradictIsNamedAndLeavesTheIndexesAsTheyWere() throws {
    try makeStore()
    let error = try expectUnchanged { _ = try MemberStore(on: disk) }
    guard case .duplicateOnOpen("email", "same", let keys)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(keys.sorted() == ["1", "2"])
    let again = try Store<Int, Member>(.simulated(), schema: [.tag("club", \.club)], fileSystem: disk)
    #expect(try again.documents(tagged: "club=Ajax").documents.count == 2)
    try again.close()
  }

  @Test func documentsOfAnotherTypeAreNamedAndLeaveTheIndexesAsTheyWere() throws {
    try makeStore()
    let error = try expectUnchanged(manifestWrites: 0) {
      _ = try Store<Int, Fussy>(.simulated(), schema: [], fileSystem: disk)
    }
    guard case .undecodable(let key, let lsn, _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(["1", "2"].contains(key) && (1...2).contains(lsn))
  }

  /// Their numbers have 16 bits.
  @Test func tooManyIndexesAreRefused() throws {
    let names = (0...65_536).map { "field\($0)" }
    // Before they take memory: empty unique indexes of so many would take more than a gigabyte.
    for schema in [FieldSchema(unique: names), FieldSchema(tags: names), FieldSchema(ranges: names)] {
      let error = storeError { _ = try Store<Value, Record>(.memory, schema: IndexSchema(schema)) }
      guard case .invalidConfiguration? = error else {
        Issue.record("65,537 indexes of a kind are not refused")
        return
      }
    }
  }

  @Test func fileOfAnybodyThatIsNamedAlmostAsOneOfAMigrationStays() throws {
    try makeStore()
    for name in ["migrate-before.backup", "migrate-", "migrate-7"] {
      try disk.open("/data/store/\(name)", .createNew).close()
    }
    try Store<Int, Member>(.simulated(), schema: [.tag("club", \.club)], fileSystem: disk).close()
    let left = try disk.list("/data/store").filter { $0.hasPrefix("migrate-") }
    #expect(Set(left) == ["migrate-before.backup", "migrate-"])
  }

  /// A program that goes to another directory still has the store that it opened.
  @Test func storeIsWhereItWasOpened() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "darkbird-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let current = FileManager.default.currentDirectoryPath
    let up = current.split(separator: "/").map { _ in "../" }.joined()
    let store = try MemberStore(.disk(at: "\(up)\(directory.dropFirst())"))
    let disk = try #require(store.disk)
    #expect(disk.directory == "\(current)/\(up)\(directory.dropFirst())")
    #expect(disk.log?.settings.directory == disk.directory)
    try store.close()
    #expect(absolutePath("") == "" && absolutePath("/a") == "/a")
  }

  /// Somebody moves the directory of a store away that is open, and makes another one in its place.
  @Test func storeThatTookThePlaceOfAnotherIsLeftAlone() throws {
    let directory = try TemporaryDirectory()
    let (path, moved) = (directory.path + "/data", directory.path + "/data.old")
    var configuration = StoreConfiguration.disk(at: path)
    configuration.pageCapacity = .bytes(LogFormat.pageBytesMin)
    let first = try MemberStore(configuration)
    for key in 0..<10 { try first.put(Member(name: "first", age: key), for: key, ack: .synced) }
    try FileManager.default.moveItem(atPath: path, toPath: moved)
    let second = try MemberStore(configuration)
    for key in 0..<300 { try second.put(Member(name: "second", age: key), for: key) }
    try second.checkpoint()
    try second.put(Member(name: "second"), for: 300, ack: .synced)
    try second.close()
    func files() throws -> [String: Data] {
      var files: [String: Data] = [:]
      for name in try FileManager.default.contentsOfDirectory(atPath: path) {
        files[name] = try Data(contentsOf: URL(filePath: "\(path)/\(name)"))
      }
      return files
    }
    let before = try files()

    // It goes on as long as its pages do, and then says why it cannot.
    var written = 10
    var refusal: StoreError?
    while refusal == nil, written < 10_000 {
      refusal = storeError { try first.put(Member(name: "first", age: written), for: written, ack: .synced) }
      if refusal == nil { written += 1 }
    }
    let away = StoreError.io(path: path, operation: "look for the lock that is held", code: ESTALE)
    #expect(refusal == away)
    #expect(storeError { try first.checkpoint() } == away)
    #expect(storeError { try first.close() } == away)
    #expect(try files() == before)
    let again = try MemberStore(.disk(at: moved))
    #expect(again.count == written && (0..<written).allSatisfy { again[$0]?.age == $0 })
    try again.close()
  }

  @Test func indexesThatTheDocumentsAllowAreAdopted() throws {
    try makeStore()
    let store = try Store<Int, Member>(
      .simulated(), schema: [.tag("club", \.club), .range("age", \.age)], fileSystem: disk)
    #expect(try Manifest.read("/data/store", disk).schema.fields.ranges == ["age"])
    try store.close()
    #expect(try Manifest.read("/data/store", disk).schema.fields.ranges == ["age"])
  }

  @Test func documentThatCannotBeEncodedIsRefusedAndLeavesNoTrace() throws {
    let store = try Store<Int, Fussy>(.simulated(), schema: [], fileSystem: disk)
    try store.put(Fussy(), for: 1)
    let events = store.events()
    let refusal = StoreError.encodingFailed(reason: "not today")
    #expect(storeError { try store.put(Fussy(isWritable: false), for: 2) } == refusal)
    #expect(storeError { try store.update(1) { $0.isWritable = false } } == refusal)
    #expect(
      storeError { try store.batch { $0.put(Fussy(isWritable: false), for: 3) } }
        == .encodingFailed(reason: "document 3: not today"))
    #expect(store.count == 1 && store.memoryLSN == 1 && store[1]?.isWritable == true && events.drain().isEmpty)
    try store.close()
  }

  /// Reads no document of a number below zero, as a program does that has forgotten an old form.
  private struct Forgetful: Document {
    var number: Int

    init(_ number: Int) { self.number = number }
    init(cbor reader: inout CBORReader) throws {
      number = try reader.readInt()
      if number < 0 { throw Fussy.Refusal() }
    }
    func encode(cbor writer: inout CBORWriter) { writer.write(number) }
  }

  /// Its record is still in the page that a checkpoint keeps, and the checkpoint says that it is gone.
  @Test func removedDocumentIsNotReadAgain() throws {
    let store = try Store<Int, Forgetful>(.simulated(), schema: [], fileSystem: disk)
    for number in 0..<10 { try store.put(Forgetful(number), for: number) }
    try store.put(Forgetful(-1), for: 10)
    try store.put(Forgetful(-2), for: 3)
    try store.remove(10)
    try store.put(Forgetful(33), for: 3)
    try store.checkpoint()
    try store.put(Forgetful(7), for: 11)
    try store.remove(5)
    try store.close()
    let again = try Store<Int, Forgetful>(.simulated(), schema: [], fileSystem: disk)
    #expect(again.count == 10 && again[3]?.number == 33 && again[11]?.number == 7)
    #expect(again[10] == nil && again[5] == nil)
    #expect(again.memoryLSN == 16)
    try again.close()
  }

  @Test func keysAndDocumentsThatAreTooLargeAreRefused() throws {
    let store = try Store<String, Member>(.simulated(), schema: [], fileSystem: disk)
    let key = String(repeating: "k", count: LogFormat.keyBytesMax)
    let refusal = storeError { try store.put(Member(), for: key) }
    guard case .tooLarge("the key", let bytes, LogFormat.keyBytesMax)? = refusal else {
      Issue.record("a key that is too large")
      return
    }
    #expect(bytes > LogFormat.keyBytesMax)
    let member = Member(name: String(repeating: "n", count: LogFormat.documentBytesMax))
    let other = storeError { try store.put(member, for: "k") }
    guard case .tooLarge("the document", _, LogFormat.documentBytesMax)? = other else {
      Issue.record("a document that is too large")
      return
    }
    #expect(store.count == 0 && store.memoryLSN == 0)
    try store.put(Member(), for: String(key.dropLast(5)), ack: .synced)
    try store.close()
  }

  @Test func indexThatIsNotThereIsNamedWithThoseThatAre() throws {
    let store = try MemberStore(on: disk)
    #expect(
      storeError { _ = try store.document(unique: "phone", "1") }
        == .unknownIndex(name: "phone", known: ["email", "badge"]))
    let ranges = StoreError.unknownIndex(name: "height", known: ["age", "city", "score"])
    #expect(storeError { _ = try store.documents(where: "height", in: .atLeast(1)) } == ranges)
    #expect(ranges.description == "no index named 'height'; there is age, city, score")
    #expect(storeError { _ = try store.values(of: "height") } == ranges)
    #expect(
      storeError { _ = try store.withDocument(unique: "phone", "1") { _, _ in true } }
        == .unknownIndex(name: "phone", known: ["email", "badge"]))
    #expect(
      storeError { _ = try store.tags(of: "team") } == .unknownIndex(name: "team", known: ["club", "skills", "rank"]))
    try store.close()
  }

  private static let outOfBounds: [@Sendable (inout StoreConfiguration) -> Void] = [
    { $0.syncIntervalMilliseconds = 0 }, { $0.syncIntervalMilliseconds = -1 },
    { $0.syncIntervalMilliseconds = 1_000_000_001 }, { $0.syncIntervalMilliseconds = .max },
    { $0.shardCount = 0 }, { $0.shardCount = -1 }, { $0.shardCount = 3 }, { $0.shardCount = 2_048 },
    { $0.queueBytesMax = 0 }, { $0.queueBytesMax = -1 }, { $0.checkpointLogBytes = 0 }, { $0.checkpointLogBytes = -1 },
    { $0.pageCapacity = .records(0) }, { $0.pageCapacity = .records(-1) }, { $0.pageCapacity = .bytes(0) },
    { $0.pageCapacity = .bytes(LogFormat.pageBytesMin - 1) }, { $0.pageCapacity = .bytes(LogFormat.pageBytesMax + 1) },
  ]

  @Test(arguments: outOfBounds.indices) func configurationOutOfBoundsIsRefused(_ number: Int) {
    var configuration = StoreConfiguration.simulated()
    Self.outOfBounds[number](&configuration)
    guard case .invalidConfiguration? = storeError({ _ = try MemberStore(configuration, on: disk) }) else {
      Issue.record("\(configuration)")
      return
    }
    #expect(disk.storeFiles.isEmpty)
  }

  @Test func storeInMemoryCannotBeReadOnly() {
    var configuration = StoreConfiguration.memory
    configuration.isReadOnly = true
    #expect(
      storeError { _ = try MemberStore(configuration) }
        == .invalidConfiguration(reason: "a store in memory cannot be read-only"))
  }

  @Test func namesOfIndexesAreGivenOnceAndNotEmpty() throws {
    let wrong: [(IndexSchema<Member>, String)] = [
      ([.unique("email", \.email), .unique("email", \.badge)], "two unique indexes named 'email'"),
      ([.range("age", \.age), .range(computed: "age", \.score)], "two range fields named 'age'"),
      ([.tag("club", \.club), .tag("club", each: \.skills)], "two tag fields named 'club'"),
      ([.unique("", \.email)], "a unique index without a name"),
      ([.range("", \.age)], "a range field without a name"),
    ]
    for (schema, reason) in wrong {
      #expect(
        storeError { _ = try Store<Int, Member>(.memory, schema: schema) } == .invalidConfiguration(reason: reason))
    }
    // Kinds do not share their names.
    _ = try Store<Int, Member>(.memory, schema: [.unique("email", \.email), .tag("email", \.email)])
  }

  @Test func documentThatAnAddedIndexCannotHoldIsNamed() throws {
    let store = try Store<Int, Member>(.simulated(), schema: [.tag("club", \.club)], fileSystem: disk)
    try store.put(Member(club: "Ajax", score: 1), for: 1)
    try store.put(Member(club: "Ajax", score: .nan), for: 2)
    try store.close()
    let error = try expectUnchanged {
      _ = try Store<Int, Member>(
        .simulated(), schema: [.tag("club", \.club), .range("score", \.score)], fileSystem: disk)
    }
    #expect(
      error == .invalidIndexValue(index: "score", reason: "document 2: NaN has no place in an order"))
  }

  @Test(arguments: [LogFormat.pageName(1), LogFormat.manifestName]) func fileOfALaterFormatIsSaidToBeOne(name: String)
    throws
  {
    try makeStore()
    var bytes = try #require(disk.storeFiles[name])
    bytes[8] += 1
    if name != LogFormat.manifestName {
      bytes.withUnsafeMutableBytes { page in
        let fields = UnsafeRawBufferPointer(rebasing: page[..<LogFormat.headerFieldBytes])
        page.store(CRC32C.checksum(fields), at: LogFormat.headerFieldBytes)
      }
    }
    disk.setFile("/data/store/\(name)", bytes)
    let before = disk.storeFiles
    #expect(
      storeError { _ = try MemberStore(on: disk) }
        == .newerFormat(
          path: "/data/store/\(name)", found: LogFormat.version + 1, supported: LogFormat.version))
    #expect(disk.storeFiles.filter { $0.key != LogFormat.lockName } == before.filter { $0.key != LogFormat.lockName })
    #expect(disk.openFileCount == 0)
  }
}
