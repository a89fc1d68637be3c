import Foundation
import Testing

@testable import DarkBird

/// Files whose checksums are right and whose LSNs are none that a store gives: made by hand, or by a program that is wrong.
/// They are damage, which is refused and named; tools that read on behind damage take the rest.
@Suite(.timeLimit(.minutes(30)))
struct ImpossibleLSNTests {
  private static let impossible: [UInt64] = [
    0, 1 << 40, LogFormat.lsnMaxForNewStores + 1, LogFormat.lsnMaxForWriting + 1, LogFormat.lsnMax, UInt64(Int64.max),
    UInt64(Int64.max) + 1, .max,
  ]

  /// A store of ten documents, whose log goes on behind its checkpoint at LSN 5.
  private static func files() throws -> (files: [String: [UInt8]], store: UUID) {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(.simulated(.records(100)), on: disk)
    for key in 1...5 { try store.put(Member(name: "old"), for: key) }
    try store.checkpoint()
    for key in 6...10 { try store.put(Member(name: "new"), for: key) }
    try store.close()
    return (disk.storeFiles, try #require(store.disk?.identifier))
  }

  private static func disk(_ files: [String: [UInt8]]) -> SimulatedFileSystem {
    let disk = SimulatedFileSystem.forStores()
    for (name, bytes) in files { disk.setFile("/data/store/\(name)", bytes) }
    return disk
  }

  /// The file that a refusal names.
  private func refusal(_ body: () throws -> Void) -> String? {
    if case .corrupt(let path, _, _)? = storeError(body) { String(path.dropFirst("/data/store/".count)) } else { nil }
  }

  /// Both kinds of opening refuse the file, `verify` says the same, and the tools come to an end.
  private func check(_ files: [String: [UInt8]], _ name: String, _ what: String) throws {
    #expect(refusal { _ = try MemberStore(on: Self.disk(files)) } == name, "\(what)")
    var reading = StoreConfiguration.simulated()
    reading.isReadOnly = true
    #expect(refusal { _ = try MemberStore(reading, on: Self.disk(files)) } == name, "\(what)")
    let report = try StoreInspector.verify("/data/store", Self.disk(files))
    #expect(report.problems.contains { $0.path.hasSuffix(name) }, "\(what): \(report.problems)")
    try StoreInspector.dump("/data/store", .init(), Self.disk(files)) { _ in true }
    let disk = Self.disk(files)
    let salvaged = try StoreInspector.salvage("/data/store", to: "/data/rescued", disk)
    #expect(salvaged.problems == [] && salvaged.documents > 0 && !salvaged.isComplete, "\(what)")
    // What is written to the new store is there the next time.
    var configuration = StoreConfiguration.simulated()
    configuration.location = .disk(path: "/data/rescued")
    for _ in 0..<2 {
      let store = try MemberStore(configuration, on: disk)
      try store.put(Member(name: "later"), for: 3)
      try store.close()
      let again = try MemberStore(configuration, on: disk)
      #expect(again[3]?.name == "later", "\(what)")
      try again.close()
    }
  }

  @Test(arguments: impossible) func documentOfACheckpoint(_ lsn: UInt64) throws {
    var (files, _) = try Self.files()
    let name = LogFormat.checkpointName(5)
    // The first document of the first block.
    files[name] = Self.resealed(files[name]!) { $0.store(lsn, at: CheckpointFormat.headerBytes + 12) }
    try check(files, name, "a document of LSN \(lsn)")
  }

  @Test(arguments: impossible.filter { $0 > 0 }) func startOfACheckpoint(_ lsn: UInt64) throws {
    var (files, _) = try Self.files()
    let name = LogFormat.checkpointName(5)
    files[name] = Self.resealed(files[name]!) { $0.store(lsn, at: 32) }
    try check(files, name, "a checkpoint from LSN \(lsn) on")
  }

  /// A checkpoint that ends behind the log, or nowhere, under a name and in a manifest that say the same.
  @Test(arguments: impossible) func endOfACheckpoint(_ lsn: UInt64) throws {
    var (files, store) = try Self.files()
    let name = LogFormat.checkpointName(lsn)
    files[name] = Self.resealed(files.removeValue(forKey: LogFormat.checkpointName(5))!) { bytes in
      bytes.store(lsn, at: bytes.count - CheckpointFormat.footerBytes + 8)
    }
    files[LogFormat.manifestName] = Self.manifest(store, checkpointLSN: lsn, reachedLSN: 0)
    // A store that never held anything may have one up to LSN 0, but not with documents.
    let refused = lsn == 0 ? name : lsn <= LogFormat.lsnMax ? LogFormat.pageName(1) : LogFormat.manifestName
    try check(files, refused, "a checkpoint up to LSN \(lsn)")
  }

  @Test(arguments: impossible.dropFirst(2)) func numbersOfTheManifest(_ number: UInt64) throws {
    for field in ["generation", "firstPage", "reachedLSN"] {
      var (files, store) = try Self.files()
      files[LogFormat.manifestName] = Self.manifest(store, checkpointLSN: 5, reachedLSN: 5, (field, number))
      let refused = refusal { _ = try MemberStore(on: Self.disk(files)) }
      // What could be, but is not so, is told of the log; a generation only counts.
      let isPossible = number <= LogFormat.lsnMax
      let expected =
        !isPossible
        ? LogFormat.manifestName
        : field == "generation" ? nil : field == "reachedLSN" ? "wal-000000000001" : LogFormat.pageName(number)
      #expect(refused == expected, "\(field) \(number)")
      _ = try StoreInspector.salvage("/data/store", to: "/data/rescued", Self.disk(files))
    }
  }

  @Test(arguments: impossible) func frameOfAPage(_ lsn: UInt64) throws {
    let name = LogFormat.pageName(1)
    for (field, at) in [("LSN", 8), ("durable LSN", 16)] where lsn > 0 {
      var (files, store) = try Self.files()
      let seed = LogPageHeader.frameSeed(store: store, sequence: 1)
      files[name]!.withUnsafeMutableBytes { page in
        let frame = UnsafeMutableRawBufferPointer(rebasing: page[LogFormat.headerBytes...])
        let length = Int(UnsafeRawBufferPointer(frame).load32(at: 0))
        frame.store(lsn, at: at)
        frame.store(frameChecksum(UnsafeRawBufferPointer(frame), length: length, seed: seed), at: 4)
      }
      try check(files, name, "a frame with \(field) \(lsn)")
    }
  }

  /// The first page, and one that only the reading behind damage comes to, with a frame of that LSN and bytes behind it.
  @Test(arguments: impossible, [UInt64(1), 2]) func pageThatBeginsThere(_ lsn: UInt64, sequence: UInt64) throws {
    var (files, store) = try Self.files()
    if sequence == 2 { files[LogFormat.pageName(1)]![LogFormat.headerBytes + 40] ^= 1 }
    let name = LogFormat.pageName(sequence)
    let buffer = LogBuffer()
    buffer.appendFrame(.put, lsn: lsn, payload: [1, 0xA0], keyLength: 1)
    let frame = buffer.withUnsafeMutableBytes { frame in
      let bytes = UnsafeRawBufferPointer(frame)
      let seed = LogPageHeader.frameSeed(store: store, sequence: sequence)
      frame.store(frameChecksum(bytes, length: Int(bytes.load32(at: 0)), seed: seed), at: 4)
      return Array(frame)
    }
    let header = LogPageHeader(
      store: store, sequence: sequence, firstLSN: lsn, previousChain: 0, capacity: .records(100))
    files[name] = header.encoded() + frame + [1, 2, 3]
    try check(files, LogFormat.pageName(1), "page \(sequence) from LSN \(lsn) on")
  }

  @Test func namesWithTheGreatestNumbers() throws {
    var (files, _) = try Self.files()
    files["ckpt-\(UInt64.max)"] = files[LogFormat.checkpointName(5)]
    files["wal-\(UInt64.max)"] = files[LogFormat.pageName(1)]
    // The page before it has no seal.
    try check(files, LogFormat.pageName(1), "names with the number 2^64-1")
  }

  @Test(arguments: impossible.dropFirst(2)) func backup(_ lsn: UInt64) throws {
    let disk = SimulatedFileSystem.forStores()
    let header = BackupHeader(store: UUID(), lsn: lsn, documents: 1, created: .wholeSecond)
    var writer = try BackupWriter(try disk.open("/data/b", .createNew), header)
    try writer.add(lsn: 1, payload: [1, 0xA0], keyLength: 1)
    _ = try writer.finish()
    let file = try disk.open("/data/b", .read)
    let error = storeError { _ = try StoreInspector.restore(file, path: "/data/b", to: "/data/store", disk) }
    #expect(error == .corrupt(path: "/data/b", offset: 32, reason: "a backup up to LSN \(lsn)"))
  }

  // MARK: Checksums made right again

  private static func resealed(
    _ file: [UInt8], _ change: (UnsafeMutableRawBufferPointer) -> Void
  ) -> [UInt8] {
    var file = file
    file.withUnsafeMutableBytes { all in
      change(all)
      all.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: all[..<60])), at: 60)
      let bytes = UnsafeRawBufferPointer(all)
      var (offset, chain) = (CheckpointFormat.headerBytes, UInt32(0))
      while bytes.load32(at: offset) != 0 {
        let end = offset + Int(bytes.load32(at: offset))
        let start = offset + CheckpointFormat.blockHeaderBytes
        let checksum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        all.store(checksum, at: offset + 8)
        chain = chained(chain, checksum)
        offset = end
      }
      let numbers = UnsafeRawBufferPointer(rebasing: bytes[offset + 4..<offset + 20])
      all.store(CRC32C.checksum(numbers, seed: chain), at: offset + 20)
    }
    return file
  }

  /// A manifest with these numbers, however impossible.
  private static func manifest(
    _ store: UUID, checkpointLSN: UInt64, reachedLSN: UInt64, _ change: (name: String, number: UInt64)? = nil
  ) -> [UInt8] {
    let fields = Member.schema.description
    var record: Record = [
      "store": .string(store.uuidString), "generation": 1, "checkpointLSN": Value(checkpointLSN), "firstPage": 1,
      "reachedLSN": Value(reachedLSN), "fields": Manifest.value(fields.fields),
      "computed": Manifest.value(fields.computed),
    ]
    if let change { record[change.name] = Value(change.number) }
    var payload = CBORWriter()
    do { try record.encode(cbor: &payload) } catch { preconditionFailure("\(error)") }
    var header = [UInt8](repeating: 0, count: 20)
    header.withUnsafeMutableBytes {
      $0.copyBytes(from: Array("DBIRDMAN".utf8))
      $0.store(UInt32(LogFormat.version), at: 8)
      $0.store(UInt32(payload.bytes.count), at: 12)
      $0.store(CRC32C.checksum(payload.bytes), at: 16)
    }
    return header + payload.bytes
  }
}
