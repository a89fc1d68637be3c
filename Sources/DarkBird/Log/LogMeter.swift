import DequeModule

/// What the log says of itself: its counts, its last syncs, for how long the oldest record waits, and what lies on disk. All of it
/// is under the lock of the log.
struct LogMeter {
  private static let recentSyncsMax = 256

  var counts = StoreStatistics.Log()
  private var recentSyncs: Deque<UInt64> = []
  /// When the oldest record that is not written, and not durable, was accepted; 0 if none.
  private var oldestUnwritten: UInt64 = 0
  private(set) var oldestUnsynced: UInt64 = 0

  private var closedPages: [(sequence: UInt64, bytes: Int)]
  private var closedBytes: Int
  /// The first page that no checkpoint has replaced.
  private(set) var firstPage: UInt64
  private(set) var checkpointBytes: Int

  init(_ start: RecoveredLog) {
    closedPages = start.closedPages
    closedBytes = start.closedPages.reduce(0) { $0 + $1.bytes }
    firstPage = start.closedPages.first?.sequence ?? start.page.sequence
    checkpointBytes = start.checkpointBytes
    counts.checkpointLSN = start.checkpointLSN
  }

  mutating func didAppend(_ now: UInt64) {
    if oldestUnwritten == 0 { oldestUnwritten = now }
    if oldestUnsynced == 0 { oldestUnsynced = now }
  }

  /// - Parameter oldestQueued: when the oldest record that is still queued was accepted; 0 if none is.
  mutating func didWrite(records: Int, bytes: Int, oldestQueued: UInt64) {
    oldestUnwritten = oldestQueued
    counts.recordsWritten += UInt64(records)
    counts.bytesWritten += UInt64(bytes)
  }

  mutating func didSync(nanoseconds: UInt64, isAllDurable: Bool) {
    // What is not written waits for the sync as well, for as long.
    oldestUnsynced = isAllDurable ? 0 : oldestUnwritten > 0 ? oldestUnwritten : monotonicNanoseconds()
    counts.syncs += 1
    counts.syncNanosecondsTotal += nanoseconds
    if recentSyncs.count == Self.recentSyncsMax { recentSyncs.removeFirst() }
    recentSyncs.append(nanoseconds)
  }

  mutating func didClosePage(_ sequence: UInt64, bytes: Int) {
    closedPages.append((sequence, bytes))
    closedBytes += bytes
  }

  /// A checkpoint of `bytes` has replaced the pages before `page`.
  mutating func didCheckpoint(lsn: UInt64, bytes: Int, firstPage page: UInt64) {
    closedPages.removeAll { $0.sequence < page }
    closedBytes = closedPages.reduce(0) { $0 + $1.bytes }
    firstPage = max(firstPage, page)
    checkpointBytes = bytes
    counts.checkpoints += 1
    counts.checkpointFailure = nil
    counts.checkpointLSN = lsn
  }

  /// - Parameter queued: bytes in the queue.
  func statistics(_ room: LogRoom, queued: Int) -> StoreStatistics.Log {
    let now = monotonicNanoseconds()
    var current = counts
    current.page = room.page.sequence
    current.pageRecords = room.page.records
    current.pageBytes = room.page.end
    current.pageCapacity = room.pageCapacity
    current.pagesOnDisk = closedPages.count + 1
    current.checkpointBytes = checkpointBytes
    current.bytesOnDisk = closedBytes + room.page.end + checkpointBytes
    current.queueBytes = queued
    current.queueBytesMax = room.queueBytesMax
    // Making an empty array of an empty deque writes to memory that all empty arrays share, which ThreadSanitizer reports.
    current.recentSyncNanoseconds = recentSyncs.isEmpty ? [] : Array(recentSyncs)
    current.writtenLagNanoseconds = oldestUnwritten == 0 ? 0 : now - oldestUnwritten
    current.durableLagNanoseconds = oldestUnsynced == 0 ? 0 : now - oldestUnsynced
    return current
  }
}
