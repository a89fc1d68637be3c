import Foundation
import Testing

@testable import DarkBird

/// The worked examples of the article on the format are what the code writes, byte for byte.
struct FormatArticleTests {
  private static let store = UUID(uuid: (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))

  private func article(_ title: String = "FormatOnDisk") throws -> String {
    var url = URL(filePath: #filePath)
    for _ in 0..<4 { url.deleteLastPathComponent() }
    return try String(
      contentsOf: url.appending(path: "Sources/DarkBird/DarkBird.docc/\(title).md"), encoding: .utf8)
  }

  /// The blocks of an article that are marked `hex NAME`: lines of an offset, two blanks, bytes, and perhaps a remark behind
  /// a bar. The offset is checked too.
  private func example(_ name: String, in title: String) throws -> [UInt8] {
    let article = try article(title)
    let body = try #require(article.components(separatedBy: "```hex \(name)\n").dropFirst().first, "no example \(name)")
    var bytes: [UInt8] = []
    var start: Int?
    for line in body.components(separatedBy: "\n```")[0].split(separator: "\n") {
      let fields = line.split(separator: "|")[0].split(separator: " ")
      let offset = try #require(Int(fields[0], radix: 16))
      if start == nil { start = offset }
      #expect(offset == start! + bytes.count, "\(name): \(line)")
      for field in fields.dropFirst() { bytes.append(try #require(UInt8(field, radix: 16), "\(line)")) }
    }
    return bytes
  }

  /// Compares, and prints the bytes for the article if they differ.
  private func expect(
    _ name: String, _ bytes: [UInt8], at offset: Int = 0, in title: String = "FormatOnDisk"
  ) throws {
    let found = (try? example(name, in: title)) ?? []
    if found == bytes { return }
    var text = ""
    for row in stride(from: 0, to: bytes.count, by: 8) {
      let hex = bytes[row..<min(row + 8, bytes.count)].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      let address = String(offset + row, radix: 16)
      text +=
        String(repeating: "0", count: max(0, 4 - address.count)) + address + "  " + hex.joined(separator: " ") + "\n"
    }
    Issue.record("the article's example '\(name)' is not what is written:\n```hex \(name)\n\(text)```")
  }

  private func page() throws -> [UInt8] {
    // Through the log's own writer: a store with the UUID of the article, and a page of four records.
    let disk = SimulatedFileSystem.forStores()
    try disk.createDirectory("/data/store")
    var manifest = Manifest(store: Self.store, schema: SchemaDescription())
    let header = LogPageHeader(
      store: Self.store, sequence: 1, firstLSN: 1, previousChain: 0, capacity: .records(4))
    try Recovery("/data/store", disk).createPage(header).close()
    try manifest.write("/data/store", disk)
    let recovery = Recovery("/data/store", disk)
    var opened = recovery
    var found = try opened.run { _ in }
    let file = try opened.repair(&found, capacity: .records(4))
    let log = Log(
      settings: Log.Settings("/data/store", Self.store, .simulated(.records(4))), start: found)
    try LogWriter(log: log, fileSystem: disk, start: found, file: file, lockFile: nil).start()
    func append(_ kind: LogRecordKind, _ payload: [UInt8], keyLength: Int) throws {
      let reservation = try log.reserve(payloadBytes: payload.count)
      let lsn = try log.append(kind, payload: payload, keyLength: keyLength, reservation)
      // Each record is durable before the next is made, so that its frame says so.
      try log.wait(for: lsn, .synced)
    }
    try append(.put, [0x01, 0xa0], keyLength: 1)
    try append(.remove, [0x01], keyLength: 1)
    var batch = LogBatchEncoder()
    batch.append(.put, payload: [0x02, 0xa1, 0x61, 0x61, 0x05], keyLength: 1)
    batch.append(.remove, payload: [0x03], keyLength: 1)
    try append(.batch, batch.payload, keyLength: 0)
    try append(.clear, [], keyLength: 0)
    // The fifth record is in the next page, so the first is sealed.
    try append(.put, [0x04, 0xa0], keyLength: 1)
    try log.close()
    return try #require(disk.storeFiles["wal-000000000001"])
  }

  @Test func thePageIsWhatTheLogWrites() throws {
    let page = try page()
    try expect("page-header", Array(page[..<72]))
    #expect(page[72..<4096].allSatisfy { $0 == 0 })
    var offset = LogFormat.headerBytes
    for name in ["put", "remove", "batch", "clear", "seal"] {
      let length = page.withUnsafeBytes { Int($0.load32(at: offset)) }
      let end = offset + LogFormat.aligned(length)
      try expect(name, Array(page[offset..<end]), at: offset)
      offset = end
    }
    #expect(offset == page.count)
    let header = try page.withUnsafeBytes { try LogPageHeader($0) }
    let scan = try page.withUnsafeBytes { raw in
      try scanLogPage(raw, header: header, path: "page", isLast: false) { _, _ in }
    }
    #expect(scan.end == .sealed && scan.records == 4 && scan.lastLSN == 4)
  }

  @Test func theCheckpointIsWhatItsWriterWrites() throws {
    let disk = SimulatedFileSystem.forStores()
    try disk.createDirectory("/data/store")
    var writer = try CheckpointWriter("/data/store", disk, store: Self.store, startLSN: 5)
    try writer.add(lsn: 5, payload: [0x04, 0xa0], keyLength: 1)
    _ = try writer.finish(endLSN: 5)
    let bytes = try #require(disk.storeFiles["ckpt-000000000005"])
    try expect("checkpoint-header", Array(bytes[..<64]))
    try expect("checkpoint-block", Array(bytes[64..<94]), at: 64)
    try expect("checkpoint-footer", Array(bytes[94...]), at: 94)
  }

  @Test func theManifestIsWhatIsWritten() throws {
    var manifest = Manifest(store: Self.store, schema: SchemaDescription())
    manifest.generation = 1
    try expect("manifest", try manifest.encoded())
  }

  @Test func theBackupIsWhatItsWriterWrites() throws {
    let disk = SimulatedFileSystem.forStores()
    let header = BackupHeader(store: Self.store, lsn: 5, documents: 1, created: Date(timeIntervalSince1970: 0))
    var writer = try BackupWriter(try disk.open("/data/b", .createNew), header)
    let start = writer.offset
    try writer.add(lsn: 5, payload: [0x04, 0xa0], keyLength: 1)
    _ = try writer.finish()
    let bytes = try #require(disk.files["/data/b"])
    try expect("backup-header", Array(bytes[..<64]), in: "BackupFormat")
    let end = bytes.count - BackupFormat.sectionHeaderBytes - BackupFormat.endBytes
    try expect("backup-documents", Array(bytes[start..<end]), at: start, in: "BackupFormat")
    try expect("backup-end", Array(bytes[end...]), at: end, in: "BackupFormat")
  }

  @Test func theArticleNamesEveryConstant() throws {
    let article = try article()
    for (kind, number) in [
      ("put", LogRecordKind.put), ("remove", .remove), ("clear", .clear), ("batch", .batch), ("seal", .seal),
    ] {
      #expect(article.contains("\(number.rawValue) \(kind)"), "\(kind)")
    }
    for magic in [LogFormat.pageMagic, CheckpointFormat.magic, Manifest.magic] {
      #expect(article.contains("`\(String(decoding: magic, as: UTF8.self))`"))
    }
    for name in [
      LogFormat.manifestName, LogFormat.manifestDraftName, LogFormat.checkpointDraftName, LogFormat.lockName,
      LogFormat.unfinishedName, "\(LogFormat.migrationPrefix)1",
    ] {
      #expect(article.contains("`\(name)`"))
    }
    #expect(LogFormat.pageName(1).hasPrefix("wal-") && LogFormat.checkpointName(1).hasPrefix("ckpt-"))
    #expect(article.contains("`wal-<sequence>`") && article.contains("`ckpt-<LSN>`"))
    #expect(article.contains("key has at most \(LogFormat.keyBytesMax >> 10) KiB"))
    #expect(article.contains("document \(LogFormat.documentBytesMax >> 20) MiB"))
    #expect(LogFormat.batchBytesMax == LogFormat.documentBytesMax)
  }
}
