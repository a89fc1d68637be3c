import Foundation

@testable import DarkBird
@testable import DarkBirdDashboard

/// Something that reads bytes from outside. Whatever they are, it must answer or throw; a trap is a finding.
struct FuzzTarget: Sendable {
  let name: String
  /// Valid inputs.
  let seeds: @Sendable () throws -> [[UInt8]]
  let run: @Sendable (UnsafeRawBufferPointer) -> Void

  static let all = [
    value, codable, page, frames, batch, manifest, checkpoint, backup, query, recording, draft, cqlFrame, cqlValue,
  ]
}

private func require(_ condition: Bool, _ what: @autoclosure () -> String) {
  if !condition { fatalError(what()) }
}

private let record: Record = [
  "name": "Ada", "age": .int(36), "score": .double(1.5), "ok": .bool(true), "none": .null,
  "when": .date(Date(timeIntervalSinceReferenceDate: 1)), "bytes": .bytes([1, 2, 3]),
  "list": .array([.int(-1), .unsigned(.max), .string("é")]), "map": .map(["x": .int(1)]),
]

private func encoded(_ value: Value) throws -> [UInt8] {
  var writer = CBORWriter()
  try writer.write(value)
  return writer.bytes
}

// MARK: CBOR

extension FuzzTarget {
  /// Any value: skipping agrees with reading, and what was read can be written and read again.
  private static let value = FuzzTarget(
    name: "cbor-value",
    seeds: {
      try [encoded(.map(record)), encoded(.null), [0x9F, 0x01, 0xFF], [0xBF, 0x61, 0x61, 0xF9, 0x3C, 0x00, 0xFF]]
    },
    run: { bytes in
      var skipping = CBORReader(bytes)
      let couldSkip = (try? skipping.skipValue()) != nil
      guard let value = try? CBORReader.read(bytes, { try $0.readValue() }) else { return }
      require(couldSkip, "skipValue refuses what readValue accepts: \(value)")
      _ = value.description
      guard let once = try? encoded(value) else { return }
      guard let again = try? CBORReader.read(once, { try $0.readValue() }), let twice = try? encoded(again) else {
        fatalError("written, but not read again: \(value)")
      }
      require(once == twice, "changes when it is written and read: \(value)")
    })

  private struct Sample: Codable, Equatable {
    enum Kind: String, Codable { case a, b }
    var name: String
    var age: Int?
    var scores: [Double]
    var flags: [String: Bool]
    var small: UInt8?
    var kind: Kind?
    var when: Date?
    var data: Data?
    var inner: [Sample]?
  }

  private static let codable = FuzzTarget(
    name: "cbor-codable",
    seeds: {
      let inner = Sample(name: "", scores: [], flags: [:])
      let sample = Sample(
        name: "Ada", age: -5, scores: [1, 0.1], flags: ["x": true], small: 200, kind: .b,
        when: Date(timeIntervalSince1970: 1e9), data: Data([1, 2]), inner: [inner])
      return try [sample, inner].map {
        var writer = CBORWriter()
        try CodableBridge.encode($0, to: &writer)
        return writer.bytes
      }
    },
    run: { bytes in
      var reader = CBORReader(bytes)
      guard let sample = try? CodableBridge.decode(Sample.self, from: &reader) else { return }
      var writer = CBORWriter()
      guard (try? CodableBridge.encode(sample, to: &writer)) != nil else { return }
      let again = try? CBORReader.read(writer.bytes) { try CodableBridge.decode(Sample.self, from: &$0) }
      require(again != nil, "written, but not read again: \(sample)")
    })
}

// MARK: The files of a store

/// Reads one file from memory.
private final class MemoryFile: File, @unchecked Sendable {
  // Unchecked: never changed.
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private func refuse(_ call: String) -> SystemError { SystemError(code: EROFS, call: call, path: "") }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    guard offset < bytes.count else { return 0 }
    let part = bytes[offset...].prefix(buffer.count)
    buffer.copyBytes(from: part)
    return part.count
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) -> Int { throw refuse("write") }
  func allocate(at offset: Int, length: Int) throws(SystemError) { throw refuse("allocate") }
  func truncate(to size: Int) throws(SystemError) { throw refuse("truncate") }
  func synchronize() throws(SystemError) { throw refuse("synchronize") }
  func size() throws(SystemError) -> Int { bytes.count }
  func tryLock(exclusive: Bool) throws(SystemError) -> Bool { true }
  func close() {}
}

/// Takes what is written in order.
private final class MemoryDraft: File, @unchecked Sendable {
  // Unchecked: of one thread.
  private(set) var bytes: [UInt8] = []

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int { 0 }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    self.bytes += bytes
    return bytes.count
  }

  func allocate(at offset: Int, length: Int) throws(SystemError) {}
  func truncate(to size: Int) throws(SystemError) {}
  func synchronize() throws(SystemError) {}
  func size() throws(SystemError) -> Int { bytes.count }
  func tryLock(exclusive: Bool) throws(SystemError) -> Bool { true }
  func close() {}
}

private struct MemoryFileSystem: FileSystem {
  let bytes: [UInt8]
  /// The only file; every path is it if there is no name.
  var name: String?

  private func refuse(_ call: String) -> SystemError { SystemError(code: EROFS, call: call, path: "") }

  func createDirectory(_ path: String) throws(SystemError) { throw refuse("createDirectory") }
  func list(_ path: String) throws(SystemError) -> [String] { name.map { [$0] } ?? [] }

  func exists(_ path: String) throws(SystemError) -> Bool { name.map { path.hasSuffix("/" + $0) } ?? true }

  func open(_ path: String, _ mode: FileMode) throws(SystemError) -> any File {
    if let name, !path.hasSuffix("/" + name) { throw SystemError(code: ENOENT, call: "open", path: path) }
    return MemoryFile(bytes)
  }

  func rename(_ from: String, to: String) throws(SystemError) { throw refuse("rename") }
  func remove(_ path: String) throws(SystemError) { throw refuse("remove") }
  func synchronizeDirectory(_ path: String) throws(SystemError) { throw refuse("synchronizeDirectory") }
}

private let store = UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))

/// Everything that reads a page must agree on it, and stay inside it.
private func readPage(_ page: UnsafeRawBufferPointer) {
  guard let header = try? LogPageHeader(page) else { return }
  for isLast in [true, false] {
    // Frames that hand out records; a batch may hand out several, or none.
    var frames = 0
    var last = 0
    let scan = try? scanLogPage(page, header: header, path: "page", isLast: isLast) {
      record, offset throws(StoreError) in
      require(offset >= max(last, LogFormat.headerBytes) && offset < page.count, "a record at \(offset)")
      if offset > last { frames += 1 }
      last = offset
      var reader = CBORReader(record.document)
      _ = try? reader.readValue()
    }
    guard let scan else { continue }
    require(
      scan.records >= frames && scan.endOffset <= LogFormat.aligned(page.count), "a scan that contradicts itself")
    require(isLast || scan.end == .sealed, "a page without a seal in the middle of a log")
  }
  let seed = LogPageHeader.frameSeed(store: header.store, sequence: header.sequence)
  var walk = LogPageWalk(page, seed: seed, lastLSN: header.firstLSN &- 1)
  var offset = LogFormat.headerBytes
  while let part = walk.next() {
    switch part {
    case .frame(_, let start), .damage(let start, _, _, _):
      require(start >= offset && walk.offset > start, "a walk that stands still at \(start)")
      offset = walk.offset
    }
  }
}

private func header(_ capacity: StoreConfiguration.PageCapacity = .records(5)) -> [UInt8] {
  LogPageHeader(store: store, sequence: 3, firstLSN: 100, previousChain: 7, capacity: capacity).encoded()
}

/// Frames without checksums, as the queue of the log has them.
private func queuedFrames() throws -> [UInt8] {
  let queue = LogBuffer()
  let key = try encoded(.int(1))
  let document = try encoded(.map(record))
  queue.appendFrame(.put, lsn: 100, payload: key + document, keyLength: key.count)
  queue.appendFrame(.remove, lsn: 101, payload: key, keyLength: key.count)
  var batch = LogBatchEncoder()
  batch.append(.put, payload: key + document, keyLength: key.count)
  batch.append(.remove, payload: key, keyLength: key.count)
  queue.appendFrame(.batch, lsn: 102, payload: batch.payload, keyLength: 0)
  queue.appendFrame(.clear, lsn: 103, payload: [], keyLength: 0)
  queue.appendFrame(.seal, lsn: 103, payload: [UInt8](repeating: 0, count: LogFormat.sealPayloadBytes), keyLength: 0)
  return queue.withUnsafeMutableBytes { Array($0) }
}

/// A page with a sound header and `frames`, whose checksums are made right as far as their lengths make sense; also LSNs and
/// the seal, but for frames with an odd checksum.
private func soundPage(_ frames: UnsafeRawBufferPointer) -> [UInt8] {
  var page = header() + frames
  page.withUnsafeMutableBytes { all in
    let seed = LogPageHeader.frameSeed(store: store, sequence: 3)
    var offset = LogFormat.headerBytes
    var (lsn, chain, records): (UInt64, UInt32, UInt64) = (99, 7, 0)
    while offset + LogFormat.frameHeaderBytes <= all.count {
      let length = Int(UnsafeRawBufferPointer(all).load32(at: offset))
      guard length >= LogFormat.frameHeaderBytes, offset + length <= all.count else { return }
      let frame = UnsafeMutableRawBufferPointer(rebasing: all[offset..<offset + length])
      let isSeal = frame[24] == LogRecordKind.seal.rawValue
      if frame[4] & 1 == 0 {
        if !isSeal { lsn += 1 }
        frame.store(lsn, at: 8)
        if isSeal && length == LogFormat.sealBytes {
          frame.store(lsn, at: 32)
          frame.store(records, at: 40)
          frame.store(chain, at: 48)
        }
      }
      let checksum = frameChecksum(UnsafeRawBufferPointer(frame), length: length, seed: seed)
      frame.store(checksum, at: 4)
      if !isSeal {
        chain = chained(chain, checksum)
        records += 1
      }
      offset += LogFormat.aligned(length)
    }
  }
  return page
}

extension FuzzTarget {
  /// Any bytes behind any header.
  private static let page = FuzzTarget(
    name: "log-page",
    seeds: { try [header(), queuedFrames().withUnsafeBytes { soundPage($0) }] },
    run: readPage)

  /// Frames whose checksums are right.
  private static let frames = FuzzTarget(
    name: "log-frames",
    seeds: { try [queuedFrames()] },
    run: { frames in soundPage(frames).withUnsafeBytes(readPage) })

  private static let batch = FuzzTarget(
    name: "log-batch",
    seeds: {
      let key = try encoded(.int(1))
      var batch = LogBatchEncoder()
      batch.append(.put, payload: key + (try encoded(.map(record))), keyLength: key.count)
      batch.append(.remove, payload: key, keyLength: key.count)
      return [LogBatchEncoder().payload, batch.payload]
    },
    run: { bytes in
      guard var batch = try? LogBatchReader(bytes, lsn: 1, durableLSN: 0) else { return }
      var again = LogBatchEncoder()
      var count = 0
      while let operation = batch.next() {
        count += 1
        again.append(
          operation.kind, payload: Array(operation.key) + Array(operation.document), keyLength: operation.key.count)
      }
      require(count == batch.count, "\(count) operations, not \(batch.count)")
      require(again.payload.elementsEqual(bytes), "a batch that is not what its operations make")
    })

  /// Odd first byte: the rest is the whole file; even: it is the content, under a sound header.
  private static let manifest = FuzzTarget(
    name: "manifest",
    seeds: {
      let bytes = try Manifest(store: store, schema: SchemaDescription()).encoded()
      return [[1] + bytes, [0] + bytes[20...]]
    },
    run: { bytes in
      guard let form = bytes.first else { return }
      var file = Array(bytes.dropFirst())
      if form & 1 == 0 {
        let checksum = file.withUnsafeBytes { CRC32C.checksum($0) }
        var header = [UInt8](repeating: 0, count: 20)
        header.withUnsafeMutableBytes {
          $0.copyBytes(from: Array("DBIRDMAN".utf8))
          $0.store(UInt32(LogFormat.version), at: 8)
          $0.store(UInt32(file.count), at: 12)
          $0.store(checksum, at: 16)
        }
        file = header + file
      }
      guard let manifest = try? Manifest(file, path: "MANIFEST") else { return }
      guard let again = try? Manifest(manifest.encoded(), path: "MANIFEST") else {
        fatalError("written, but not read again: \(manifest)")
      }
      require(again == manifest, "changes when it is written and read: \(manifest)")
    })

  /// Odd first byte: the rest is the whole file; even: the start LSN, the end LSN, and blocks, whose checksums are made right,
  /// under a sound header and with a footer.
  private static let checkpoint = FuzzTarget(
    name: "checkpoint",
    seeds: {
      let key = try encoded(.int(1))
      let document = try encoded(.map(record))
      var content = [UInt8](repeating: 0, count: CheckpointFormat.recordHeaderBytes)
      content.withUnsafeMutableBytes {
        $0.store(UInt64(5), at: 0)
        $0.store(UInt32(key.count), at: 8)
        $0.store(UInt32(document.count), at: 12)
      }
      content += key + document
      var block = [UInt8](repeating: 0, count: CheckpointFormat.blockHeaderBytes)
      block.withUnsafeMutableBytes {
        $0.store(UInt32(CheckpointFormat.blockHeaderBytes + content.count), at: 0)
        $0.store(UInt32(1), at: 4)
      }
      let footer = [UInt8](repeating: 0, count: 4 + CheckpointFormat.footerBytes)
      let blocks = block + content + footer
      let lsns: [UInt8] = [4, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]
      return [[0] + lsns + blocks, [1] + soundCheckpoint(blocks, startLSN: 4, endLSN: 9)]
    },
    run: { bytes in
      guard let form = bytes.first else { return }
      var file = Array(bytes.dropFirst())
      var endLSN: UInt64 = 9
      if form & 1 == 0 {
        guard bytes.count >= 17 else { return }
        endLSN = bytes.load64(at: 9)
        file = soundCheckpoint(Array(bytes.dropFirst(17)), startLSN: bytes.load64(at: 1), endLSN: endLSN)
      }
      let disk = MemoryFileSystem(bytes: file, name: LogFormat.checkpointName(endLSN))
      let path = "/" + LogFormat.checkpointName(endLSN)
      var documents = 0
      let found = try? readCheckpoint(path, disk, store: store, endLSN: endLSN) { record throws(StoreError) in
        documents += 1
        require(record.lsn > 0 && record.lsn <= endLSN, "a document of LSN \(record.lsn) before \(endLSN)")
        var reader = CBORReader(record.document)
        _ = try? reader.readValue()
      }
      if let found { require(found.documents == documents, "\(found.documents) documents, not \(documents)") }
      // What opens a store makes of the same documents.
      if found != nil {
        let loader = DocumentLoader<Value, Record>(shardCount: 1, schema: IndexSchema<Record>(FieldSchema()))
        let isLoaded =
          (try? readCheckpoint(path, disk, store: store, endLSN: endLSN) { record throws(StoreError) in
            try loader.replay(record)
          }) != nil
        if isLoaded { try? loader.finish() }
      }
      // And what saves the documents of a damaged one.
      if let salvage = try? Salvage("", disk) {
        let versions = salvage.table.documents()
        require(versions.allSatisfy { $0.lsn <= salvage.report.lastLSN }, "documents beyond the end of a salvage")
        require(found == nil || versions.count <= documents, "\(versions.count) documents were salvaged")
      }
      guard var walk = try? CheckpointWalk(MemoryFile(file), endLSN: endLSN) else { return }
      var parts = 0
      while let part = walk.next() {
        parts += 1
        require(parts <= file.count + 2, "a walk that does not end")
        if case .block(_, let bytes, _, _) = part {
          bytes.withUnsafeBytes { raw in _ = forEachDocument(inBlock: raw) { _ in } }
        }
      }
    })

  private static func soundCheckpoint(_ blocks: [UInt8], startLSN: UInt64, endLSN: UInt64) -> [UInt8] {
    var file = [UInt8](repeating: 0, count: CheckpointFormat.headerBytes) + blocks
    file.withUnsafeMutableBytes { all in
      all.copyBytes(from: CheckpointFormat.magic)
      all.store(UInt32(LogFormat.version), at: 8)
      withUnsafeBytes(of: store.uuid) { UnsafeMutableRawBufferPointer(rebasing: all[16..<32]).copyBytes(from: $0) }
      all.store(startLSN, at: 32)
      all.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: all[..<60])), at: 60)
      var offset = CheckpointFormat.headerBytes
      var chain: UInt32 = 0
      var documents: UInt64 = 0
      while offset + 4 <= all.count {
        let length = Int(UnsafeRawBufferPointer(all).load32(at: offset))
        if length == 0 {
          guard offset + 4 + CheckpointFormat.footerBytes <= all.count else { return }
          let footer = UnsafeMutableRawBufferPointer(rebasing: all[(offset + 4)...])
          footer.store(documents, at: 0)
          footer.store(endLSN, at: 8)
          footer.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: footer[..<16]), seed: chain), at: 16)
          return
        }
        guard length > CheckpointFormat.blockHeaderBytes, offset + length <= all.count else { return }
        let block = UnsafeMutableRawBufferPointer(rebasing: all[offset..<offset + length])
        let content = UnsafeRawBufferPointer(rebasing: block[CheckpointFormat.blockHeaderBytes...])
        let checksum = CRC32C.checksum(content)
        block.store(checksum, at: 8)
        documents += UInt64(UnsafeRawBufferPointer(block).load32(at: 4))
        chain = chained(chain, checksum)
        offset += length
      }
    }
    return file
  }
}

// MARK: Backups

extension FuzzTarget {
  /// Odd first byte: the rest is the whole file; even: sections, whose checksums are made right, and the end too, under a sound
  /// header.
  private static let backup = FuzzTarget(
    name: "backup",
    seeds: {
      let file = MemoryDraft()
      let header = BackupHeader(store: store, lsn: 9, documents: 2, created: Date(timeIntervalSince1970: 0))
      var writer = try BackupWriter(file, header)
      for number in 1...2 {
        let key = try encoded(.int(Int64(number)))
        try writer.add(lsn: UInt64(number), payload: key + (try encoded(.map(record))), keyLength: key.count)
      }
      _ = try writer.finish()
      let bytes = file.bytes
      return [[1] + bytes, [0] + bytes[BackupFormat.headerBytes...], [1] + bytes.dropLast(9)]
    },
    run: { bytes in
      guard let form = bytes.first else { return }
      let rest = Array(bytes.dropFirst())
      let file = form & 1 == 0 ? soundBackup(rest) : rest
      guard var reader = try? BackupReader(MemoryFile(file), path: "backup") else { return }
      var documents = 0
      let isSound =
        (try? reader.forEachDocument { record throws(StoreError) in
          documents += 1
          var reader = CBORReader(record.document)
          _ = try? reader.readValue()
        }) != nil
      if isSound { require(reader.header.documents == documents && reader.offset == file.count, "a backup in part") }
    })

  private static func soundBackup(_ sections: [UInt8]) -> [UInt8] {
    let header = BackupHeader(store: store, lsn: 9, documents: 0, created: Date(timeIntervalSince1970: 0))
    var file = header.encoded() + sections
    file.withUnsafeMutableBytes { all in
      var (offset, chain, documents) = (BackupFormat.headerBytes, UInt32(0), UInt64(0))
      while offset + BackupFormat.sectionHeaderBytes <= all.count {
        let length = Int(UnsafeRawBufferPointer(all).load32(at: offset))
        guard length >= BackupFormat.sectionHeaderBytes, offset + length <= all.count else { return }
        let section = UnsafeMutableRawBufferPointer(rebasing: all[offset..<offset + length])
        let kind = UnsafeRawBufferPointer(section).load32(at: 4)
        let contentStart = BackupFormat.sectionHeaderBytes
        if kind == BackupFormat.Section.end, length >= contentStart + BackupFormat.endBytes {
          section.store(documents, at: contentStart)
          section.store(UInt64(9), at: contentStart + 8)
          section.store(chain, at: contentStart + 16)
        }
        let checksum = sectionChecksum(UnsafeRawBufferPointer(section))
        section.store(checksum, at: 12)
        chain = chained(chain, checksum)
        if kind == BackupFormat.Section.documents { documents += UInt64(UnsafeRawBufferPointer(section).load32(at: 8)) }
        offset += length
      }
    }
    return file
  }
}

// MARK: The query line

extension FuzzTarget {
  private static let query = FuzzTarget(
    name: "query-line",
    seeds: {
      [
        "key u:88123", "unique email=ada@example.org",
        "tag:club=Ajax !tag:vip any:skill=swift any:skill=c range age 20..<35 sort:created desc limit 500",
        "range age >= 5 range name \"a\"...\"b\"", "range created 2024-01-01...2024-12-31T10:00:00Z",
      ].map { Array($0.utf8) }
    },
    run: { bytes in
      let line = String(decoding: bytes, as: UTF8.self)
      var schema = SchemaDescription()
      schema.fields = FieldSchema(unique: ["email"], tags: ["club", "skill"], ranges: ["age", "created", "name"])
      var vocabulary = QueryVocabulary(schema)
      for vocabulary in [QueryVocabulary(), vocabulary] { _ = try? QueryLine.parse(line, vocabulary) }
      vocabulary.ranges = [
        "age": .some(.int(1)), "created": .some(.date(Date(timeIntervalSince1970: 0))), "name": .some(.string("a")),
        "score": .some(.double(1)), "ok": .some(.bool(true)),
      ]
      vocabulary.tags = ["club=Ajax", "vip"]
      _ = try? QueryLine.parse(line, vocabulary)
    })
}
