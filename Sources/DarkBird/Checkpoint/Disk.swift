import CDarkBird
import Foundation
import Synchronization

/// The directory of a store: its lock, its manifest and its log.
///
/// Unchecked: `manifest`, `unsettledCheckpoint` and `lockFile` are only touched under `lock`, `isClosed` under `checkpointLock`,
/// `closeFailure` under `closeLock`.
@usableFromInline
final class Disk: @unchecked Sendable {
  let directory: String
  let fileSystem: any FileSystem
  /// Nil in a store that is open for reading only.
  @usableFromInline let log: Log?
  /// LSN of the last record that was there when the store was opened.
  @usableFromInline let recoveredLSN: UInt64
  private let recoveredStatistics: StoreStatistics.Log
  private let lock = Lock()
  /// Held while a checkpoint is taken: one at a time, and none after the directory is released.
  private let checkpointLock = Lock()
  /// The thread that takes a checkpoint; 0 if none does.
  private let checkpointThread = Atomic<UInt>(0)
  private var isClosed = false
  /// Held while the directory is released: whoever closes a second time returns when it is free too.
  private let closeLock = Lock()
  /// Why the first `close` has failed.
  private var closeFailure: StoreError?
  private var manifest: Manifest
  /// Made when the store was.
  let identifier: UUID
  private let currentSchemaVersion: Atomic<UInt64>
  /// The checkpoint of a manifest that has its name and may not be durable: the disk may name it, `manifest` does not.
  private var unsettledCheckpoint: UInt64?
  private var lockFile: (any File)?

  /// Opens a directory, makes a store in it if it is missing or empty, and hands its records to `replay`.
  /// - Parameter didReplay: ends what works on them, so that the thread of the log is one more than there are at any time.
  init(
    _ directory: String, _ configuration: StoreConfiguration, _ schema: SchemaDescription, _ fileSystem: any FileSystem,
    replay: (LogRecord) throws(StoreError) -> Void, didReplay: () throws(StoreError) -> Void = {}
  ) throws(StoreError) {
    // What is opened later, when the program may have gone to another directory, where another store may be.
    let place = absolutePath(directory)
    let lockFile = try openDirectory(directory, fileSystem, isReadOnly: configuration.isReadOnly)
    do throws(StoreError) {
      if try Self.needsCreation(directory, fileSystem) {
        try Self.create(directory, fileSystem, schema, configuration)
      }
      var recovery = Recovery(directory, fileSystem)
      var found = try recovery.run(replay)
      try didReplay()
      recoveredLSN = found.lastLSN
      recoveredStatistics = Self.statistics(found, configuration)
      if configuration.isReadOnly {
        log = nil
        manifest = found.manifest
      } else {
        if found.lastLSN > LogFormat.lsnMaxForWriting {
          throw .corrupt(
            path: "\(directory)/\(LogFormat.pageName(found.page.sequence))", offset: found.page.end,
            reason: "LSN \(found.lastLSN) leaves no room for more")
        }
        if found.page.sequence > LogFormat.lsnMaxForWriting {
          throw .corrupt(
            path: "\(directory)/\(LogFormat.manifestName)", offset: 0,
            reason: "page \(found.page.sequence) leaves no room for more")
        }
        try recovery.settle(&found)
        let file = try diskErrors(directory) { () throws(SystemError) in
          try recovery.repair(&found, capacity: configuration.pageCapacity)
        }
        manifest = found.manifest
        let log = Log(settings: Log.Settings(place, manifest.store, configuration), start: found)
        let writer = LogWriter(
          log: log, fileSystem: fileSystem, start: found, file: file, lockFile: lockFile)
        try diskErrors(directory) { () throws(SystemError) in try writer.start() }
        self.log = log
      }
    } catch {
      lockFile?.close()
      throw error
    }
    identifier = manifest.store
    currentSchemaVersion = Atomic(manifest.schemaVersion)
    self.directory = place
    self.fileSystem = fileSystem
    self.lockFile = lockFile
  }

  /// Makes the names of the indexes those of the manifest: once the indexes are built, for a store that cannot be opened with
  /// them keeps those that it has.
  func adopt(_ schema: SchemaDescription) throws(StoreError) {
    if log == nil { return }
    try lock.withLock { () throws(StoreError) in
      if manifest.schema == schema { return }
      var next = manifest
      next.schema = schema
      try next.write(directory, fileSystem)
      manifest = next
    }
  }

  /// What a checkpoint calls must not ask for another, nor close the store: either would wait for the end of the first.
  func refuseWithinCheckpoint() throws(StoreError) {
    if checkpointThread.load(ordering: .relaxed) == db_current_thread(), !planted(.checkpointWithinACheckpoint) {
      throw .encodingFailed(
        reason: "what encodes a document for a checkpoint asks for another one, or closes the store")
    }
  }

  /// Completes the log and releases the directory. The second time it only says again what came of it: the directory may be
  /// another process's.
  func close() throws(StoreError) {
    closeLock.lock()
    defer { closeLock.unlock() }
    let wasClosed = checkpointLock.withLock {
      defer { isClosed = true }
      return isClosed
    }
    if !wasClosed {
      do throws(StoreError) { try complete() } catch { closeFailure = error }
    }
    if let closeFailure { throw closeFailure }
  }

  private func complete() throws(StoreError) {
    defer {
      lock.withLock {
        if let lockFile, log != nil { releaseDirectory(lockFile) }
        lockFile?.close()
        lockFile = nil
      }
    }
    guard let log else { return }
    try log.close()
    let reached = log.lsns.durable
    try lock.withLock { () throws(StoreError) in
      try requireInPlace()
      manifest.reachedLSN = reached
      try manifest.write(directory, fileSystem)
    }
  }

  /// Under the lock.
  private func requireInPlace() throws(StoreError) {
    guard let lockFile else { return }
    do throws(SystemError) { try DarkBird.requireInPlace(lockFile, directory) } catch { throw StoreError(error) }
  }

  /// Under no lock: that of the manifest is held while it is written.
  var schemaVersion: UInt64 { currentSchemaVersion.load(ordering: .relaxed) }

  var statistics: StoreStatistics.Log { log?.currentStatistics() ?? recoveredStatistics }

  // MARK: Making a store

  /// Whether the directory holds no store yet: there is no manifest, and nothing but what an interrupted creation leaves.
  static func needsCreation(_ directory: String, _ fileSystem: any FileSystem) throws(StoreError) -> Bool {
    try diskErrors(directory) { () throws(SystemError) in
      let names = try fileSystem.list(directory)
      if names.contains(LogFormat.manifestName) { return false }
      let firstPage = LogFormat.pageName(1)
      guard names.contains(firstPage) else { return true }
      // The first page is made before the manifest, and takes records only after it.
      let page = try fileSystem.contents("\(directory)/\(firstPage)")
      return page.withUnsafeBytes { isZero($0, from: LogFormat.headerBytes) }
    }
  }

  private static func create(
    _ directory: String, _ fileSystem: any FileSystem, _ schema: SchemaDescription,
    _ configuration: StoreConfiguration
  ) throws(StoreError) {
    var manifest = Manifest(store: UUID(), schema: schema)
    manifest.schemaVersion = UInt64(configuration.schemaVersion)
    let header = LogPageHeader(
      store: manifest.store, sequence: 1, firstLSN: 1, previousChain: 0, capacity: configuration.pageCapacity)
    try diskErrors(directory) { () throws(SystemError) in
      try Recovery(directory, fileSystem).createPage(header).close()
    }
    // Last: a directory with a manifest is a store.
    try manifest.write(directory, fileSystem)
  }

  private static func statistics(_ found: RecoveredLog, _ configuration: StoreConfiguration) -> StoreStatistics.Log {
    var statistics = StoreStatistics.Log()
    statistics.page = found.page.sequence
    statistics.pageRecords = found.page.records
    statistics.pageBytes = found.page.end
    statistics.pageCapacity = configuration.pageCapacity
    statistics.pagesOnDisk = found.closedPages.count + 1
    statistics.bytesOnDisk = found.closedPages.reduce(found.page.end + found.checkpointBytes) { $0 + $1.bytes }
    statistics.checkpointBytes = found.checkpointBytes
    statistics.checkpointLSN = found.checkpointLSN
    return statistics
  }

  // MARK: Checkpoints

  /// Takes a checkpoint of what `documents` hands out, and removes the pages that it replaces. One at a time. A failure is
  /// also kept for the statistics: a checkpoint that is taken in the background has nobody to throw it to.
  ///
  /// - Parameter documents: calls its argument with the LSN and encoding of every document that was there throughout, in a
  ///   version not older than when it was called.
  func checkpoint(
    _ documents: ((UInt64, EncodedRecord) throws(StoreError) -> Void) throws(StoreError) -> Void
  ) throws(StoreError) {
    try writeCheckpoint({ (writer: inout CheckpointWriter) throws(StoreError) in
      try documents { (lsn, record) throws(StoreError) in
        do throws(SystemError) {
          try writer.add(lsn: lsn, payload: record.payload, keyLength: record.keyLength)
        } catch {
          throw storeError(error, directory)
        }
      }
    })
  }

  /// The same of documents as they are encoded already.
  func checkpoint(encoded versions: [DocumentTable.Version]) throws(StoreError) {
    try writeCheckpoint({ (writer: inout CheckpointWriter) throws(StoreError) in
      do throws(SystemError) {
        for version in versions {
          try writer.add(lsn: version.lsn, payload: version.payload, keyLength: version.keyLength)
        }
      } catch {
        throw storeError(error, directory)
      }
    })
  }

  /// Replaces all documents by those that `documents` hands to its argument, with LSN and encoding, and the indexes by others:
  /// with the new manifest, all at once. Nobody else writes meanwhile, and pages take one record each.
  ///
  /// Two records without an operation go to the log first. The log begins at the second one then: so no record of an old
  /// document is read again, and whoever has followed the log up to here learns that it was cut, instead of hearing nothing.
  /// Documents that were changed have the second one's LSN, `recoveredLSN + 2`.
  func replaceAll(
    schema: SchemaDescription, schemaVersion: UInt64,
    _ documents: ((UInt64, [UInt8], Int) throws(StoreError) -> Void) throws(StoreError) -> Void
  ) throws(StoreError) {
    guard let log else { throw .readOnly }
    let nothing = LogBatchEncoder().payload
    for _ in 0..<(planted(.migrationKeepsTheLog) ? 0 : 2) {
      let reservation = try log.reserve(payloadBytes: nothing.count)
      let lsn = try log.append(.batch, payload: nothing, keyLength: 0, reservation)
      try log.wait(for: lsn, .synced)
    }
    let replacing = { (manifest: inout Manifest) in
      manifest.schema = schema
      manifest.schemaVersion = schemaVersion
    }
    try writeCheckpoint(changing: replacing) { (writer: inout CheckpointWriter) throws(StoreError) in
      try documents { (lsn, payload, keyLength) throws(StoreError) in
        try diskErrors(directory) { () throws(SystemError) in
          try writer.add(lsn: lsn, payload: payload, keyLength: keyLength)
        }
      }
    }
  }

  private func writeCheckpoint(
    changing change: (inout Manifest) -> Void = { _ in },
    _ documents: (inout CheckpointWriter) throws(StoreError) -> Void
  ) throws(StoreError) {
    guard let log else { throw .readOnly }
    try refuseWithinCheckpoint()
    checkpointLock.lock()
    checkpointThread.store(db_current_thread(), ordering: .relaxed)
    defer {
      checkpointThread.store(0, ordering: .relaxed)
      checkpointLock.unlock()
    }
    log.willCheckpoint()
    if isClosed { throw .closed }
    do throws(StoreError) {
      try takeCheckpoint(log, change, documents)
    } catch {
      log.didFailCheckpoint(error)
      throw error
    }
  }

  private func takeCheckpoint(
    _ log: Log, _ change: (inout Manifest) -> Void, _ documents: (inout CheckpointWriter) throws(StoreError) -> Void
  ) throws(StoreError) {
    let (current, unsettled) = lock.withLock { (manifest.checkpointLSN, unsettledCheckpoint) }
    if current == log.memoryLSN { return }
    try lock.withLock { () throws(StoreError) in try requireInPlace() }
    if !planted(.longPageKept) { try log.endLongPage() }
    let (startLSN, firstPage) = log.checkpointStart()
    /// Best effort, and never one that a manifest on the disk may name.
    func removeCheckpoint(_ lsn: UInt64) {
      if lsn == unsettled { return }
      try? fileSystem.remove("\(directory)/\(LogFormat.checkpointName(lsn))")
    }
    let store = log.settings.store
    var writer: CheckpointWriter
    do throws(SystemError) {
      writer = try CheckpointWriter(directory, fileSystem, store: store, startLSN: startLSN)
    } catch {
      throw storeError(error, directory)
    }
    do throws(StoreError) {
      try documents(&writer)
    } catch {
      writer.cancel()
      throw error
    }
    // No version in the checkpoint may be newer than the log: a crash would leave a hole.
    let endLSN = log.lsns.memory
    do throws(StoreError) {
      if !planted(.checkpointAheadOfTheLog) { try log.wait(for: endLSN, .synced) }
    } catch {
      writer.cancel()
      throw error
    }
    // Documents have taken their time. What was written goes with its directory, and nothing is tidied up by a path that is another's.
    try lock.withLock { () throws(StoreError) in try requireInPlace() }
    let bytes: Int
    do throws(SystemError) {
      bytes = try writer.finish(endLSN: endLSN)
    } catch {
      // What is left behind would keep a full disk full.
      writer.cancel()
      removeCheckpoint(endLSN)
      throw storeError(error, directory)
    }
    try lock.withLock { () throws(StoreError) in
      var next = manifest
      next.checkpointLSN = endLSN
      next.firstPage = firstPage
      next.reachedLSN = endLSN
      change(&next)
      if planted(.pagesRemovedBeforeManifest) {
        try? fileSystem.remove("\(directory)/\(LogFormat.pageName(firstPage - 1))")
      }
      try requireInPlace()
      do throws(StoreError) {
        try next.writeDraft(directory, fileSystem)
      } catch {
        // It is as large as the documents, and nobody will read it. After the next step the disk may name it.
        removeCheckpoint(endLSN)
        throw error
      }
      manifest.generation = next.generation
      unsettledCheckpoint = endLSN
      try Manifest.publishDraft(directory, fileSystem)
      unsettledCheckpoint = nil
      manifest = next
      currentSchemaVersion.store(next.schemaVersion, ordering: .relaxed)
    }
    log.dropPages(before: firstPage, checkpointLSN: endLSN, checkpointBytes: bytes)
    // Best effort: the next opening removes what is left.
    // The checkpoint before, those whose manifest could not be written, and pages that an opening on a full disk has left.
    for name in (try? fileSystem.list(directory)) ?? [] {
      let isOld =
        LogFormat.number(in: name, prefix: "ckpt").map { $0 != endLSN }
        ?? LogFormat.number(in: name, prefix: "wal").map { $0 < firstPage } ?? false
      if isOld { try? fileSystem.remove("\(directory)/\(name)") }
    }
  }
}

extension Log.Settings {
  init(_ directory: String, _ store: UUID, _ configuration: StoreConfiguration) {
    self.directory = directory
    self.store = store
    pageCapacity = configuration.pageCapacity
    syncIntervalNanoseconds = UInt64(configuration.syncIntervalMilliseconds) * 1_000_000
    queueBytesMax = configuration.queueBytesMax
    checkpointLogBytes = configuration.checkpointLogBytes
    keptPageBytes = configuration.keptPageBytes
    pageBytesMax = configuration.pageBytesMax
  }
}
