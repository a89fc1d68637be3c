public import Foundation

/// What the manifest of a store on disk says.
public struct StoreDescription: Sendable, Hashable {
  /// Made when the store was, and in every one of its files.
  public var identifier: UUID
  public var schema: SchemaDescription
  /// LSN of the end of the last checkpoint; nil before the first.
  public var checkpointLSN: UInt64?
  /// Sequence number of the first page that the log needs.
  public var firstPage: UInt64
  /// Version of the documents; see `Migration`. 0 before the first.
  public var schemaVersion: UInt64
}

/// What `StoreInspector.verify` found. Nothing on disk was changed.
public struct VerifyReport: Sendable, Hashable, Codable {
  public struct Page: Sendable, Hashable, Codable {
    public var file: String
    public var records: Int
    /// Bytes up to the end of the last sound record.
    public var bytes: Int
    /// LSN of the last record.
    public var lastLSN: UInt64
    /// Whether the page is complete.
    public var isSealed: Bool
  }

  public struct Problem: Sendable, Hashable, Codable {
    public var path: String
    /// Bytes from the beginning of the file; nil where the problem has no place in a file.
    public var offset: Int?
    public var reason: String
  }

  /// The pages that were read, in order.
  public var pages: [Page] = []
  public var records = 0
  public var checkpointLSN: UInt64?
  public var checkpointDocuments = 0
  public var documents = 0
  public var lastLSN: UInt64 = 0
  /// The highest LSN that the files themselves say was durable: records of the log, the manifest of a store that was closed, or
  /// the checkpoint, which is not made before the log is synced up to it.
  public var durableLSN: UInt64 = 0
  /// Bytes behind the last sound record that a crash left; the next opening for writing sets them aside.
  public var tornTailBytes = 0
  public var problems: [Problem] = []
  public var isSound: Bool { problems.isEmpty }
}

/// Looks at stores on disk without knowing the types of their keys and documents.
public enum StoreInspector {
  /// Reads the manifest. Takes no lock.
  /// - Throws: `.notAStore`, `.corrupt`, `.newerFormat`, `.io`.
  public static func describe(_ path: String) throws(StoreError) -> StoreDescription {
    let fileSystem = PosixFileSystem()
    try checkDirectory(path, fileSystem, isReadOnly: true)
    let manifest = try Manifest.read(path, fileSystem)
    return StoreDescription(
      identifier: manifest.store, schema: manifest.schema, checkpointLSN: manifest.checkpointLSN,
      firstPage: manifest.firstPage, schemaVersion: manifest.schemaVersion)
  }

  /// Checks every page, frame, checkpoint block, document and index of a store that nobody has open for writing. Of records that
  /// the checkpoint has settled only the frames.
  ///
  /// Damage is reported, not thrown; behind the first damaged place only the checksums of the other pages are checked.
  /// - Throws: `.notAStore`, `.locked`, `.newerFormat`, `.io`.
  /// - Complexity: O(documents + log records), all documents in memory.
  public static func verify(_ path: String) throws(StoreError) -> VerifyReport {
    try verify(path, PosixFileSystem())
  }

  package static func verify(_ path: String, _ fileSystem: any FileSystem) throws(StoreError) -> VerifyReport {
    let lockFile = try openDirectory(path, fileSystem, isReadOnly: true)
    defer { lockFile?.close() }
    var report = VerifyReport()
    do throws(StoreError) {
      let manifest = try Manifest.read(path, fileSystem)
      (report.checkpointLSN, report.durableLSN) = (manifest.checkpointLSN, manifest.reachedLSN)
      let schema = IndexSchema<Record>(manifest.schema.fields)
      let loader = DocumentLoader<Value, Record>(shardCount: 64, schema: schema, fileSystem: fileSystem)
      var recovery = Recovery(path, fileSystem)
      defer { report.add(recovery) }
      let found = try recovery.run { (record) throws(StoreError) in try loader.replay(record) }
      report.lastLSN = found.lastLSN
      try loader.finish()
      report.documents = loader.documentCount
      try report.add(tornTailOf: found, recovery, path, fileSystem)
      try loader.buildIndexes()
      report.problems += loader.indexProblems().map { .init(path: path, offset: nil, reason: $0) }
    } catch {
      try report.add(error, path)
      report.addDamagedPages(path, fileSystem)
    }
    return report
  }
}

extension VerifyReport {
  fileprivate mutating func add(_ recovery: Recovery) {
    pages = recovery.pages.map { name, scan in
      Page(
        file: name, records: scan.records, bytes: scan.endOffset, lastLSN: scan.lastLSN, isSealed: scan.end == .sealed)
    }
    records = pages.reduce(0) { $0 + $1.records }
    durableLSN = recovery.pages.reduce(max(durableLSN, checkpointLSN ?? 0)) { max($0, $1.scan.durableLSN) }
    checkpointDocuments = recovery.checkpointDocuments
  }

  fileprivate mutating func add(
    tornTailOf found: RecoveredLog, _ recovery: Recovery, _ path: String, _ fileSystem: any FileSystem
  ) throws(StoreError) {
    guard let last = recovery.pages.last else { return }
    do throws(SystemError) {
      for name in try fileSystem.list(path) {
        // Pages behind the last one are not begun, as far as the log is concerned.
        let sequence = LogFormat.number(in: name, prefix: "wal") ?? 0
        if sequence < found.page.sequence { continue }
        let page = try fileSystem.contents("\(path)/\(name)")
        let start = name == last.name ? last.scan.endOffset : 0
        tornTailBytes += max(0, page.withUnsafeBytes { endOfContent($0) } - start)
      }
    } catch { throw StoreError(error) }
  }

  /// Turns damage into a problem; throws what is no damage.
  fileprivate mutating func add(_ error: StoreError, _ path: String) throws(StoreError) {
    switch error {
    case .corrupt(let file, let offset, let reason):
      problems.append(Problem(path: file, offset: offset, reason: reason))
    case .undecodable, .duplicateOnOpen, .invalidIndexValue:
      problems.append(Problem(path: path, offset: nil, reason: error.description))
    default: throw error
    }
  }

  /// Looks for further damage in the pages that the recovery did not come to.
  fileprivate mutating func addDamagedPages(_ path: String, _ fileSystem: any FileSystem) {
    let read = Set(pages.map(\.file) + problems.map { String($0.path.split(separator: "/").last ?? "") })
    let names = ((try? fileSystem.list(path)) ?? []).filter { LogFormat.number(in: $0, prefix: "wal") != nil }
    let last = names.sorted().last { isBegunPage("\(path)/\($0)", fileSystem) }
    for name in names.sorted() where !read.contains(name) {
      let file = "\(path)/\(name)"
      let bytes: [UInt8]
      do { bytes = try fileSystem.contents(file) } catch {
        problems.append(Problem(path: file, offset: nil, reason: "\(error)"))
        continue
      }
      let problem = bytes.withUnsafeBytes { page -> Problem? in
        do throws(LogPageHeader.DecodingFailure) {
          let header = try LogPageHeader(page)
          do throws(StoreError) {
            _ = try scanLogPage(page, header: header, path: file, isLast: name == last) { _, _ in }
          } catch {
            if case .corrupt(_, let offset, let reason) = error {
              return Problem(path: file, offset: offset, reason: reason)
            }
          }
          return nil
        } catch {
          if case .damaged(let reason) = error { return Problem(path: file, offset: 0, reason: reason) }
          return nil
        }
      }
      if let problem { problems.append(problem) }
    }
  }
}
