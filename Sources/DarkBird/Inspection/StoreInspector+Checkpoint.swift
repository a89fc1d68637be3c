/// What `StoreInspector.checkpoint` did.
public struct CheckpointReport: Sendable, Hashable, Codable {
  /// Pages of the log and their bytes, and those of the checkpoint, 0 without one. The page that is written to stays until it
  /// is full, or longer than 16 MiB: a checkpoint removes only those before it.
  public struct Size: Sendable, Hashable, Codable {
    public var pages: Int
    public var bytes: Int
    public var checkpointBytes: Int

    init(_ statistics: StoreStatistics.Log) {
      pages = statistics.pagesOnDisk
      checkpointBytes = statistics.checkpointBytes
      bytes = statistics.bytesOnDisk - checkpointBytes
    }
  }

  public var documents = 0
  /// LSN of the checkpoint's end.
  public var checkpointLSN: UInt64 = 0
  /// False if nothing had changed since the last checkpoint, which is still there then.
  public var isNew = false
  public var before: Size
  public var after: Size
  /// With opening and closing the store.
  public var nanoseconds: UInt64 = 0
}

extension StoreInspector {
  /// Opens a store for writing, takes a checkpoint, which drops the pages of the log that it replaces, and closes it.
  ///
  /// Documents are copied in the bytes they were written in, and no index is needed: this works on any store, also one
  /// whose indexes only its program can compute.
  ///
  /// - Throws: `.notAStore`, `.locked`, `.corrupt`, `.newerFormat`, `.diskFull`, `.io`, `.poisoned`.
  /// - Complexity: O(documents × log documents + log records), all documents in memory.
  public static func checkpoint(_ path: String) throws(StoreError) -> CheckpointReport {
    try checkpoint(path, PosixFileSystem())
  }

  package static func checkpoint(_ path: String, _ fileSystem: any FileSystem) throws(StoreError) -> CheckpointReport {
    let start = monotonicNanoseconds()
    // Before the directory is opened for writing, which would make a store where there is none.
    try checkDirectory(path, fileSystem, isReadOnly: true)
    let schema = try Manifest.read(path, fileSystem).schema
    var configuration = StoreConfiguration.disk(at: path)
    configuration.checkpointLogBytes = nil
    var table = DocumentTable()
    let disk = try Disk(path, configuration, schema, fileSystem) { record in table.apply(record) }
    let documents = table.documents()
    let before = disk.statistics
    do throws(StoreError) {
      try disk.checkpoint(encoded: documents)
    } catch {
      // The failed checkpoint is the one to report.
      try? disk.close()
      throw error
    }
    let after = disk.statistics
    try disk.close()
    return CheckpointReport(
      documents: documents.count, checkpointLSN: after.checkpointLSN ?? 0,
      isNew: after.checkpoints > before.checkpoints,
      before: .init(before), after: .init(after),
      nanoseconds: monotonicNanoseconds() - start)
  }
}
