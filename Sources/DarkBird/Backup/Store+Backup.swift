import Foundation

extension Store {
  /// Writes all documents, as they are at one moment, to one file that can be checked by itself; see
  /// `StoreInspector.restore`. Writes and reads go on meanwhile.
  ///
  /// The file is written under another name, synced, read back and compared, and only then gets its name; whatever fails, or
  /// kills the process, leaves no file of this name. The backup may hold changes that were not durable yet when it began.
  ///
  /// Old versions of documents that are replaced meanwhile stay in memory until they are written: at most as much memory
  /// again as the documents take, but for what is written already.
  /// - Parameters:
  ///   - path: a file that does not exist, in a directory that does.
  ///   - progress: called now and then; false gives up.
  /// - Throws: `.targetExists`, `.cancelled`, `.diskFull`, `.io`, `.encodingFailed`, `.tooLarge` for a document of a store in
  ///   memory, which measures none, `.locked` if another process writes to this file just now, `.corrupt` if the disk does not
  ///   give back what was written.
  /// - Complexity: O(shards), during which everything waits, and O(documents).
  @discardableResult
  public func backup(
    to path: String, progress: (JobProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> BackupReport {
    try backup(to: path, disk?.fileSystem ?? PosixFileSystem(), progress: progress)
  }

  @discardableResult
  package func backup(
    to path: String, _ fileSystem: any FileSystem, progress: (JobProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> BackupReport {
    try writeBackup(to: path, fileSystem, progress) { file throws(StoreError) in
      try backup(to: file, progress: progress)
    }
  }

  /// The same to a file or a pipe that is open.
  @discardableResult
  package func backup(
    to file: any File, progress: (JobProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> BackupReport {
    let (frozen, lsn) = frozenDocuments()
    var header = BackupHeader(
      store: disk?.identifier ?? UUID(), lsn: lsn, schema: schema, documents: 0, created: .wholeSecond)
    header.schemaVersion = schemaVersion
    header.documents = frozen.reduce(0) { $0 + $1.contents.pointee.map.count }
    var writer = try BackupWriter(file, header)
    for shard in frozen {
      for entry in shard.contents.pointee.map.entries {
        let record = try EncodedRecord(named: entry.key, document: entry.document)
        do throws(SystemError) {
          try writer.add(lsn: entry.lsn, payload: record.payload, keyLength: record.keyLength)
        } catch { throw storeError(error, error.path) }
        if writer.documents % Self.documentsPerReport == 0,
          !progress(JobProgress(documents: writer.documents, total: header.documents))
        {
          throw .cancelled
        }
      }
      // Old versions that only this shard kept are freed here.
      shard.contents.pointee.map = ShardMap()
    }
    do throws(SystemError) {
      return BackupReport(header, bytes: try writer.finish())
    } catch { throw storeError(error, error.path) }
  }

  private static var documentsPerReport: Int { 1_024 }

  /// The documents as they are now, all of one moment, without indexes, and the LSN of that moment.
  private func frozenDocuments() -> (ShardTable<Key, Document>, UInt64) {
    let early = memoryLSN
    if planted(.backupTooLate) { return (withAllLocked { ShardTable(copying: shards) }, early) }
    for shard in shards { shard.lock() }
    defer { for shard in shards { shard.unlock() } }
    // Every change gets its LSN and comes into memory while its shard is locked.
    return (ShardTable(copying: shards), memoryLSN)
  }
}

/// Writes a backup with `write` and reads it back before it gets its name.
func writeBackup(
  to path: String, _ fileSystem: any FileSystem, _ progress: (JobProgress) -> Bool,
  _ write: (any File) throws(StoreError) -> BackupReport
) throws(StoreError) -> BackupReport {
  let draft = try DraftFile(path, fileSystem)
  let report: BackupReport
  do throws(StoreError) { report = try write(draft.file) } catch {
    draft.cancel()
    if case .diskFull = error { throw .diskFull(path: path) }
    throw error
  }
  try draft.publish { () throws(StoreError) in
    if planted(.backupNotReadBack) { return }
    let file = try draft.reopened()
    defer { file.close() }
    let found = try StoreInspector.readBackup(file, path: path) { _ in
      progress(JobProgress(documents: report.documents, total: report.documents))
    }
    guard found == report else {
      throw .corrupt(path: path, offset: 0, reason: "the disk gives back another backup than was written")
    }
  }
  return report
}
