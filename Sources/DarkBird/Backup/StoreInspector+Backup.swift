import Foundation

extension StoreInspector {
  /// Writes a backup of a store that no program has open for writing. `Store.backup(to:)` does it for one that is in use.
  ///
  /// Documents are copied in the bytes they were written in, and no index is needed: this works on any store.
  /// - Throws: `.notAStore`, `.locked`, `.corrupt`, `.newerFormat`; otherwise as `Store.backup(to:)`.
  /// - Complexity: O(documents × log documents + log records), all documents in memory.
  @discardableResult
  public static func backup(
    _ path: String, to file: String, progress: (JobProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> BackupReport {
    try backup(path, to: file, PosixFileSystem(), progress: progress)
  }

  @discardableResult
  package static func backup(
    _ path: String, to output: String, _ fileSystem: any FileSystem, progress: (JobProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> BackupReport {
    try writeBackup(to: output, fileSystem, progress) { file throws(StoreError) in
      try backup(path, to: file, fileSystem, progress: progress)
    }
  }

  /// The same to a file or a pipe that is open.
  @discardableResult
  package static func backup(
    _ path: String, to file: any File, _ fileSystem: any FileSystem, progress: (JobProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> BackupReport {
    let lockFile = try openDirectory(path, fileSystem, isReadOnly: true)
    defer { lockFile?.close() }
    var table = DocumentTable()
    var recovery = Recovery(path, fileSystem)
    let found = try recovery.run { record throws(StoreError) in table.apply(record) }
    let documents = table.documents()
    var header = BackupHeader(
      store: found.manifest.store, lsn: found.lastLSN, schema: found.manifest.schema, documents: documents.count,
      created: .wholeSecond)
    header.schemaVersion = found.manifest.schemaVersion
    var writer = try BackupWriter(file, header)
    for version in documents {
      do throws(SystemError) {
        try writer.add(lsn: version.lsn, payload: version.payload, keyLength: version.keyLength)
      } catch { throw storeError(error, error.path) }
      if writer.documents % 1_024 == 0, !progress(JobProgress(documents: writer.documents, total: documents.count)) {
        throw .cancelled
      }
    }
    do throws(SystemError) {
      return BackupReport(header, bytes: try writer.finish())
    } catch { throw storeError(error, error.path) }
  }

  // MARK: Reading one

  /// Checks every byte of a backup.
  /// - Throws: `.notABackup`, `.newerFormat`, `.corrupt` naming the offset, `.io`.
  /// - Complexity: O(bytes), one section in memory.
  public static func verifyBackup(_ path: String) throws(StoreError) -> BackupReport {
    try readBackup(opened(path), path: path)
  }

  /// A backup is read in order, so that it may be a pipe.
  private static func opened(_ path: String) throws(StoreError) -> any File {
    do throws(SystemError) { return try PipeFile(reading: path) } catch { throw StoreError(error) }
  }

  static func readBackup(
    _ file: any File, path: String, progress: (Int) -> Bool = { _ in true }
  ) throws(StoreError) -> BackupReport {
    var reader = try BackupReader(file, path: path)
    var documents = 0
    try reader.forEachDocument { _ throws(StoreError) in
      documents += 1
      if documents % 1_024 == 0, !progress(documents) { throw .cancelled }
    }
    return BackupReport(reader.header, bytes: reader.offset)
  }

  // MARK: Making a store of one

  /// Makes a store of a backup. It holds what the other one held at the backup's LSN, and goes on from there; it has an
  /// identifier of its own.
  ///
  /// The directory is a store only once all of the backup was read and found sound, and what was written was read back. What
  /// a failure leaves is removed; what a killed process leaves is no store, and the next `restore` to there takes it over.
  /// - Parameters:
  ///   - path: a file that `backup` wrote, or a pipe that one comes through.
  ///   - directory: where the store goes: nothing, or an empty directory.
  ///   - progress: called now and then; false gives up.
  /// - Throws: `.notABackup`, `.newerFormat`, `.corrupt` naming the offset in the backup, `.targetExists` for a directory that
  ///   holds something, `.locked`, `.cancelled`, `.diskFull`, `.io`.
  /// - Complexity: O(bytes), one section in memory.
  @discardableResult
  public static func restore(
    _ path: String, to directory: String, progress: (JobProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> BackupReport {
    try restore(opened(path), path: path, to: directory, PosixFileSystem(), progress: progress)
  }

  /// The same from a file or a pipe that is open; `path` names it in errors.
  @discardableResult
  package static func restore(
    _ file: any File, path: String, to directory: String, _ fileSystem: any FileSystem,
    progress: (JobProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> BackupReport {
    // A file that is no backup must leave no directory behind.
    var reader = try BackupReader(file, path: path)
    let place = try NewStoreDirectory(directory, fileSystem)
    do throws(StoreError) {
      let report = try restore(&reader, to: directory, fileSystem, progress)
      place.finish()
      return report
    } catch {
      place.cancel()
      throw error
    }
  }

  private static func restore(
    _ reader: inout BackupReader, to directory: String, _ fileSystem: any FileSystem,
    _ progress: (JobProgress) -> Bool
  ) throws(StoreError) -> BackupReport {
    let header = reader.header
    var manifest = Manifest(store: UUID(), schema: header.schema)
    manifest.schemaVersion = header.schemaVersion
    if header.lsn > 0 {
      manifest.checkpointLSN = header.lsn
      manifest.reachedLSN = header.lsn
    }
    let store = manifest.store
    var writer = try diskErrors(directory) { () throws(SystemError) in
      try CheckpointWriter(directory, fileSystem, store: store, startLSN: header.lsn)
    }
    do throws(StoreError) {
      var documents = 0
      try reader.forEachDocument { record throws(StoreError) in
        try diskErrors(directory) { () throws(SystemError) in
          try writer.add(
            lsn: record.lsn, payload: Array(record.key) + Array(record.document), keyLength: record.key.count)
        }
        documents += 1
        if documents % 1_024 == 0, !progress(JobProgress(documents: documents, total: header.documents)) {
          throw .cancelled
        }
      }
      if header.lsn > 0 {
        _ = try diskErrors(directory) { () throws(SystemError) in try writer.finish(endLSN: header.lsn) }
      } else {
        writer.cancel()
      }
    } catch {
      writer.cancel()
      throw error
    }
    if header.lsn > 0 {
      let name = "\(directory)/\(LogFormat.checkpointName(header.lsn))"
      let found = try readCheckpoint(name, fileSystem, store: store, endLSN: header.lsn) { _ throws(StoreError) in }
      guard found.documents == header.documents else {
        throw .corrupt(path: name, offset: 0, reason: "the disk gives back another checkpoint than was written")
      }
    }
    let page = LogPageHeader(
      store: store, sequence: 1, firstLSN: header.lsn + 1, previousChain: 0,
      capacity: StoreConfiguration.disk(at: directory).pageCapacity)
    try diskErrors(directory) { () throws(SystemError) in
      try Recovery(directory, fileSystem).createPage(page).close()
    }
    // Last: a directory with a manifest is a store.
    try manifest.write(directory, fileSystem)
    return BackupReport(header, bytes: reader.offset)
  }
}

/// A directory in which a store is being made of something else. A file in it says so until it is one: then what a killed
/// process leaves is known for what it is, and not taken for a damaged store.
struct NewStoreDirectory {
  private let directory: String
  private let fileSystem: any FileSystem
  private let lockFile: (any File)?

  /// - Throws: `.targetExists`, `.locked`, `.diskFull`, `.io`.
  init(_ directory: String, _ fileSystem: any FileSystem) throws(StoreError) {
    self.directory = directory
    self.fileSystem = fileSystem
    var names = try Self.names(in: directory, fileSystem)
    let isLeftover = names.contains(LogFormat.unfinishedName) && names.allSatisfy(LogFormat.isOfNewStore)
    guard names.isEmpty || isLeftover || names == [LogFormat.lockName] else {
      let foreign = names.sorted().first { !LogFormat.isOfNewStore($0) } ?? LogFormat.manifestName
      throw .targetExists(path: directory, reason: "is not empty: it has '\(foreign)'")
    }
    lockFile = try openDirectory(directory, fileSystem, isReadOnly: false, isUnfinished: isLeftover)
    do throws(StoreError) {
      // Others may have made a store of it before it was locked.
      names = try Self.names(in: directory, fileSystem)
      let isTaken = isLeftover ? !names.allSatisfy(LogFormat.isOfNewStore) : names != [LogFormat.lockName]
      if isTaken && !planted(.targetNotLookedAtAgain) { throw .targetExists(path: directory, reason: "is not empty") }
    } catch {
      lockFile?.close()
      throw error
    }
    do throws(StoreError) {
      try diskErrors(directory) { () throws(SystemError) in
        // Durable before anything else is: an image of the disk with the rest has this too.
        if !planted(.unfinishedNotMarked) {
          try fileSystem.open("\(directory)/\(LogFormat.unfinishedName)", .createIfMissing).close()
          try fileSystem.synchronizeDirectory(directory)
        }
        for name in names where name != LogFormat.lockName && name != LogFormat.unfinishedName {
          try fileSystem.remove("\(directory)/\(name)")
        }
      }
    } catch {
      cancel()
      throw error
    }
  }

  private static func names(in directory: String, _ fileSystem: any FileSystem) throws(StoreError) -> [String] {
    do throws(SystemError) { return try fileSystem.list(directory) } catch {
      if error.isMissing { return [] }
      if error.isNotADirectory { throw .targetExists(path: directory, reason: "is not a directory") }
      throw StoreError(error)
    }
  }

  /// The store is whole.
  func finish() {
    // Best effort: beside a manifest it means nothing, and the next opening removes it.
    try? fileSystem.remove("\(directory)/\(LogFormat.unfinishedName)")
    if let lockFile { releaseDirectory(lockFile) }
  }

  /// Removes what was made; the directory itself stays, with what others have put there. Best effort, the mark last but for the lock.
  func cancel() {
    let names = ((try? fileSystem.list(directory)) ?? []).filter {
      LogFormat.isOfNewStore($0) || $0 == LogFormat.manifestName
    }
    // Without its manifest it is no store, whatever happens in between; and without the mark nobody would know what the rest is.
    // A disk keeps the removals in this order only if it is told.
    let order = [LogFormat.manifestName: 0, LogFormat.unfinishedName: 2, LogFormat.lockName: 3]
    for name in names.sorted(by: { order[$0] ?? 1 < order[$1] ?? 1 }) {
      if name == LogFormat.unfinishedName { try? fileSystem.synchronizeDirectory(directory) }
      try? fileSystem.remove("\(directory)/\(name)")
      if name == LogFormat.manifestName { try? fileSystem.synchronizeDirectory(directory) }
    }
    lockFile?.close()
  }
}
