import DequeModule
import Foundation
public import Synchronization

/// The write-ahead log: records go into a buffer in memory, and one thread (`LogWriter`) writes the buffer to the open page,
/// syncs, seals full pages and makes the next page ahead of need.
///
/// A record's place in the log, and so its LSN, is decided in `append`, while the caller holds the locks of the document
/// it changes: log order is memory order. Before that, and under no lock, the caller takes a `Reservation`, which waits
/// for room in the queue and on the disk; so `append` never waits, and a full disk shows before anything is accepted.
///
/// Unchecked: everything below `lock` is only touched under it.
@usableFromInline
final class Log: @unchecked Sendable {
  struct Settings: Sendable {
    var directory: String
    var store: UUID
    var pageCapacity: StoreConfiguration.PageCapacity
    var syncIntervalNanoseconds: UInt64
    var queueBytesMax: Int
    /// Log bytes after which `onCheckpointDue` is called.
    var checkpointLogBytes: Int?
    /// Bytes of the open page above which a checkpoint ends it.
    var keptPageBytes: Int
    /// Bytes at which a page that counts records takes no more.
    var pageBytesMax: Int
  }

  /// Room for one record, to be given to `append` or `release`. Who has it waits for nobody who may wait for room, and calls user
  /// code only as `Store.willCallUserCode` lets it.
  @usableFromInline
  struct Reservation: Sendable {
    fileprivate let bytes: Int
  }

  /// The open page, as far as records are accepted.
  struct OpenPage: Sendable {
    var sequence: UInt64
    /// File offset behind the last accepted record.
    var end: Int
    var records: Int
    /// File offset up to which the disk has room for this page.
    var allocated: Int
  }

  /// Accepted records that the writer has not taken yet.
  struct Queue {
    var bytes = LogBuffer()
    /// Offsets in `bytes` at which a new page begins.
    var pageStarts: [Int] = []
    var records = 0
    var firstAcceptedNanoseconds: UInt64 = 0
  }

  let settings: Settings
  let lock = Lock()
  /// The writer thread waits here, everyone else at `progress`.
  let work = Condition()
  private let progress = Condition()

  // Under the lock:
  var queue = Queue()
  var page: OpenPage
  /// Room in the next page, which is ready; nil while there is none.
  var nextAllocated: Int?
  private(set) var reservedBytes = 0
  private var reservedRecords = 0
  /// Large records that wait for room in the queue, by their turns. Whoever comes later lets them go first, for there is room for a
  /// large one only when the queue is nearly empty.
  private var largeTurns: [UInt64] = []
  private var lastTurn: UInt64 = 0
  /// For how long: user code may write while a reservation of its own keeps the queue from being empty.
  private static let courtesyNanoseconds: UInt64 = 1_000_000_000
  /// Bytes that waiting reservations need in the next page.
  private(set) var demandedBytes = 0
  /// Set to have the writer try for room again, and how often it tried in vain.
  var isRoomWanted = true
  private var roomFailures: UInt64 = 0
  private var lastRoomFailure: SystemError?
  // Written under the lock, read anywhere.
  @usableFromInline let lastLSN: Atomic<UInt64>
  private let written: AckGate
  private let durable: AckGate
  @inlinable var memoryLSN: UInt64 { lastLSN.load(ordering: .acquiring) }
  var writtenLSN: UInt64 { written.lsn }
  var durableLSN: UInt64 { durable.lsn }
  /// The highest LSN that someone waits for, by level.
  private(set) var writeRequested: UInt64 = 0
  private(set) var syncRequested: UInt64 = 0
  /// The last page whose beginning is durable, and the last that a checkpoint waits for.
  private(set) var durablePage: UInt64
  private(set) var pageRequested: UInt64 = 0
  /// Those that wait for a sync; the writer asks it when to sync.
  var syncGroup = SyncGroup()
  private(set) var failure: String?
  private(set) var isClosing = false
  private var isWriterDone = false
  var isWriterWaiting = false
  private var continuations: [(lsn: UInt64, resume: @Sendable (StoreError?) -> Void)] = []
  private var statistics = StoreStatistics.Log()
  private var recentSyncs: Deque<UInt64> = []
  /// When the oldest record that is not written, and not durable, was accepted; 0 if none.
  private var oldestUnwritten: UInt64 = 0
  var oldestUnsynced: UInt64 = 0
  private var closedPages: [(sequence: UInt64, bytes: Int)]
  private var closedBytes: Int
  private var firstPageOnDisk: UInt64
  private var checkpointBytes: Int
  private var bytesSinceCheckpoint: Int
  private var onCheckpointDue: (@Sendable () throws(SystemError) -> Void)?
  /// Whether it was called for a checkpoint that has not begun: one more would only wait behind that.
  private var isCheckpointComing = false

  init(settings: Settings, start: RecoveredLog) {
    self.settings = settings
    page = OpenPage(
      sequence: start.page.sequence, end: start.page.end, records: start.page.records, allocated: start.page.end)
    lastLSN = Atomic(start.lastLSN)
    written = AckGate(start.lastLSN)
    durable = AckGate(start.lastLSN)
    durablePage = start.page.sequence
    closedPages = start.closedPages
    closedBytes = start.closedPages.reduce(0) { $0 + $1.bytes }
    firstPageOnDisk = start.closedPages.first?.sequence ?? start.page.sequence
    checkpointBytes = start.checkpointBytes
    bytesSinceCheckpoint = closedBytes + start.page.end
    statistics.checkpointLSN = start.checkpointLSN
  }

  // MARK: Writing

  /// Waits until a record with a payload of `payloadBytes` has room in the queue and on the disk.
  /// - Throws: `.diskFull`, `.io` if no next page can be made, `.poisoned`, `.closed`.
  @usableFromInline
  func reserve(payloadBytes: Int) throws(StoreError) -> Reservation {
    let bytes = LogFormat.frameBytes(payload: payloadBytes)
    lock.lock()
    var turn: UInt64?
    var isLarge = false
    defer {
      if isLarge {
        largeTurns.removeAll { $0 == turn }
        progress.broadcast()
      }
      lock.unlock()
    }
    var failuresSeen: UInt64?
    var courtesyEnd: UInt64?
    while true {
      try throwIfUnusable()
      let now = largeTurns.isEmpty ? 0 : monotonicNanoseconds()
      let isCourteous = largeTurns.first.map { $0 < turn ?? .max } ?? false && now < courtesyEnd ?? .max
      if !isCourteous, hasRoom(bytes) {
        reservedBytes += bytes
        reservedRecords += 1
        return Reservation(bytes: bytes)
      }
      let own = turn ?? lastTurn + 1
      if turn == nil {
        if isCourteous || isQueueFull(bytes) { statistics.queueWaits += 1 } else { statistics.pageWaits += 1 }
        (turn, lastTurn) = (own, own)
      }
      if !isLarge, bytes > settings.queueBytesMax / 4, isQueueFull(bytes), !planted(.largeRecordStarves) {
        isLarge = true
        largeTurns.insert(own, at: largeTurns.firstIndex { $0 > own } ?? largeTurns.count)
      }
      if isCourteous {
        // What the others wait for need not keep this one.
        let end = courtesyEnd ?? now + Self.courtesyNanoseconds
        courtesyEnd = end
        progress.wait(lock, nanoseconds: max(1, end - now))
        continue
      }
      // Whoever waits for the queue only asks for no page.
      if !isQueueFull(bytes) {
        if let seen = failuresSeen, roomFailures > seen, let error = lastRoomFailure {
          if error.isDiskFull { throw .diskFull(path: settings.directory) }
          throw StoreError(error)
        }
        failuresSeen = failuresSeen ?? roomFailures
        demandedBytes = max(demandedBytes, reservedBytes + bytes)
        isRoomWanted = true
      }
      writeRequested = memoryLSN
      wakeWriter()
      progress.wait(lock)
    }
  }

  /// Whether one more record fits together with all outstanding reservations, in whatever order they are appended.
  private func hasRoom(_ bytes: Int) -> Bool {
    if isQueueFull(bytes) { return false }
    let records = reservedRecords + 1
    let needed = reservedBytes + bytes + LogFormat.sealBytes
    let fitsOpenPage = page.end + needed <= page.allocated
    let fitsNextPage = nextAllocated.map { LogFormat.headerBytes + needed <= $0 } ?? false
    switch settings.pageCapacity {
    case .bytes:
      return fitsOpenPage || fitsNextPage
    case .records(let capacity):
      if page.records + records <= capacity, page.end + needed <= settings.pageBytesMax { return fitsOpenPage }
      // That page does not end as well, whatever comes first. A record of any length may have it for itself.
      let staysInNextPage =
        records <= capacity && (records == 1 || LogFormat.headerBytes + needed <= settings.pageBytesMax)
      return fitsNextPage && staysInNextPage && (isPageComplete || fitsOpenPage)
    }
  }

  /// Whether the open page, if it counts records, takes no more.
  var isPageComplete: Bool {
    guard case .records(let capacity) = settings.pageCapacity else { return false }
    return page.records >= capacity || page.end >= settings.pageBytesMax && !planted(.longPageGoesOn)
  }

  private func isQueueFull(_ bytes: Int) -> Bool {
    let queued = queue.bytes.count + reservedBytes
    return queued > 0 && queued + bytes > settings.queueBytesMax
  }

  /// Gives back room that was not needed.
  @usableFromInline
  func release(_ reservation: Reservation) {
    if planted(.reservationNotReleased) { return }
    lock.withLock { giveBack(reservation.bytes) }
  }

  private func giveBack(_ bytes: Int) {
    reservedBytes -= bytes
    reservedRecords -= 1
    progress.broadcast()
  }

  /// Puts a record into the queue and returns its LSN. A copy of the payload in memory; waits for nothing.
  /// - Parameter payload: encoded key and document, as long as `reservation` was made for, or shorter.
  /// - Throws: `.poisoned`, `.closed`; then nothing was put into the queue.
  @usableFromInline
  func append(
    _ kind: LogRecordKind, payload: [UInt8], keyLength: Int, _ reservation: Reservation
  ) throws(StoreError) -> UInt64 {
    lock.lock()
    defer { lock.unlock() }
    let reserved = reservation.bytes
    reservedBytes -= reserved
    reservedRecords -= 1
    try throwIfUnusable()
    let frameBytes = LogFormat.frameBytes(payload: payload.count)
    beginNextPageIfFull(frameBytes)
    let lsn = lastLSN.wrappingAdd(1, ordering: .releasing).newValue
    let now = monotonicNanoseconds()
    if queue.records == 0 { queue.firstAcceptedNanoseconds = now }
    if oldestUnwritten == 0 { oldestUnwritten = now }
    if oldestUnsynced == 0 { oldestUnsynced = now }
    queue.bytes.appendFrame(kind, lsn: lsn, payload: payload, keyLength: keyLength)
    queue.records += 1
    page.end += frameBytes
    page.records += 1
    bytesSinceCheckpoint += frameBytes
    if case .records = settings.pageCapacity, page.allocated - page.end < LogWriter.roomAhead { isRoomWanted = true }
    if isWriterWaiting && (queue.records == 1 || queue.bytes.count >= LogWriter.batchBytes) { wakeWriter() }
    return lsn
  }

  private func beginNextPageIfFull(_ frameBytes: Int) {
    guard isPageComplete || page.end + frameBytes + LogFormat.sealBytes > page.allocated else { return }
    guard let allocated = nextAllocated else { preconditionFailure("a reservation without room") }
    beginNextPage(allocated)
  }

  /// Ends the open page if it is long, and returns when the beginning of the next one is durable, so that the manifest may name
  /// that. The page stays where no next one with room for all that is reserved can be made, as on a full disk.
  /// - Throws: `.poisoned`.
  func endLongPage() throws(StoreError) {
    lock.lock()
    defer { lock.unlock() }
    let failuresSeen = roomFailures
    while true {
      // First: where the page that a checkpoint has begun failed, the next checkpoint must not name it.
      if let failure, !planted(.failedPageNamed) { throw .poisoned(reason: failure) }
      if page.end <= settings.keptPageBytes { return }
      if let allocated = nextAllocated, LogFormat.headerBytes + reservedBytes + LogFormat.sealBytes <= allocated,
        page.end + LogFormat.sealBytes <= page.allocated
      {
        beginNextPage(allocated)
        break
      }
      if roomFailures > failuresSeen { return }
      demandedBytes = max(demandedBytes, reservedBytes)
      isRoomWanted = true
      wakeWriter()
      progress.wait(lock)
    }
    let next = page.sequence
    if planted(.pageNotBegun) { return }
    pageRequested = next
    wakeWriter()
    while durablePage < next {
      if let failure { throw .poisoned(reason: failure) }
      progress.wait(lock)
    }
  }

  private func beginNextPage(_ allocated: Int) {
    queue.pageStarts.append(queue.bytes.count)
    statistics.rotations += 1
    page = OpenPage(sequence: page.sequence + 1, end: LogFormat.headerBytes, records: 0, allocated: allocated)
    nextAllocated = nil
    isRoomWanted = true
  }

  // MARK: Waiting

  /// Returns when the record `lsn` has come as far as `level`.
  /// - Throws: `.poisoned` if it never will.
  @usableFromInline
  func wait(for lsn: UInt64, _ level: Acknowledgement) throws(StoreError) {
    let gate: AckGate
    switch level {
    case .memory: return
    case .written: gate = written
    case .synced: gate = durable
    }
    if gate.lsn >= lsn { return }
    lock.lock()
    if gate.lsn < lsn && failure == nil { request(lsn, level) }
    lock.unlock()
    if gate.wait(for: lsn) { return }
    throw .poisoned(reason: failureReason ?? "")
  }

  /// Calls `resume` once everything accepted so far is durable, or never will be.
  func whenAllSynced(_ resume: @escaping @Sendable (StoreError?) -> Void) {
    let result: StoreError?? = lock.withLock {
      if durableLSN >= memoryLSN { return .some(nil) }
      if let failure { return .some(.poisoned(reason: failure)) }
      continuations.append((memoryLSN, resume))
      request(memoryLSN, .synced)
      return nil
    }
    if let result { resume(result) }
  }

  private func request(_ lsn: UInt64, _ level: Acknowledgement) {
    if level == .written {
      writeRequested = max(writeRequested, lsn)
      wakeWriter()
      return
    }
    syncRequested = max(syncRequested, lsn)
    if syncGroup.join() { wakeWriter() }
  }

  private func wakeWriter() {
    if isWriterWaiting { work.signal() }
  }

  private func throwIfUnusable() throws(StoreError) {
    if let failure, !planted(.failureForgotten) { throw .poisoned(reason: failure) }
    if isClosing { throw .closed }
  }

  // MARK: What the writer reports; under the lock, or taking it

  func didWrite(through lsn: UInt64, records: Int, bytes: Int) {
    lock.withLock {
      written.raise(to: lsn)
      oldestUnwritten = queue.records > 0 ? queue.firstAcceptedNanoseconds : 0
      statistics.recordsWritten += UInt64(records)
      statistics.bytesWritten += UInt64(bytes)
      progress.broadcast()
    }
    written.wakeAll()
  }

  /// - Parameter page: the one that was synced.
  func didSync(through lsn: UInt64, page: UInt64, nanoseconds: UInt64) {
    let ready = lock.withLock {
      written.raise(to: lsn)
      durable.raise(to: lsn)
      durablePage = page
      syncGroup.syncEnded(nanoseconds: nanoseconds)
      // What is not written waits for the sync as well, for as long.
      oldestUnsynced = memoryLSN > durableLSN ? (oldestUnwritten > 0 ? oldestUnwritten : monotonicNanoseconds()) : 0
      statistics.syncs += 1
      statistics.syncNanosecondsTotal += nanoseconds
      if recentSyncs.count == 256 { recentSyncs.removeFirst() }
      recentSyncs.append(nanoseconds)
      let ready = continuations.filter { $0.lsn <= durableLSN }
      continuations.removeAll { $0.lsn <= durableLSN }
      progress.broadcast()
      return ready
    }
    written.wakeAll()
    durable.wakeAll()
    for (_, resume) in ready { resume(nil) }
    callCheckpointIfDue()
  }

  private func callCheckpointIfDue() {
    let call = lock.withLock { () -> (@Sendable () throws(SystemError) -> Void)? in
      // What is due before there is somebody to call stays due.
      guard let onCheckpointDue, let threshold = settings.checkpointLogBytes, failure == nil, !isClosing,
        bytesSinceCheckpoint >= max(threshold, checkpointBytes), !isCheckpointComing
      else { return nil }
      bytesSinceCheckpoint = 0
      isCheckpointComing = !planted(.checkpointsPileUp)
      return onCheckpointDue
    }
    do throws(SystemError) {
      try call?()
    } catch {
      // No thread to take it: it is due again after as much log.
      if !planted(.checkpointGivenUp) { lock.withLock { isCheckpointComing = false } }
      didFailCheckpoint(StoreError(error))
    }
  }

  func didFail(_ error: SystemError) {
    let waiting = lock.withLock {
      failure = error.description
      written.fail()
      durable.fail()
      let waiting = continuations
      continuations = []
      progress.broadcast()
      return waiting
    }
    for (_, resume) in waiting { resume(.poisoned(reason: error.description)) }
  }

  func didPrepareNextPage(allocated: Int) {
    lock.withLock {
      nextAllocated = allocated
      demandedBytes = 0
      isRoomWanted = true
      progress.broadcast()
    }
  }

  /// The page that was made ahead has more room. Meanwhile it may have become the one that takes records: then there is no next
  /// one yet.
  func didExtendNextPage(_ sequence: UInt64, allocated: Int) {
    lock.withLock {
      if page.sequence == sequence {
        page.allocated = max(page.allocated, allocated)
      } else {
        nextAllocated = allocated
      }
      demandedBytes = 0
      isRoomWanted = true
      progress.broadcast()
    }
  }

  func didExtendPage(_ sequence: UInt64, allocated: Int) {
    lock.withLock {
      if page.sequence == sequence { page.allocated = max(page.allocated, allocated) }
      isRoomWanted = true
      progress.broadcast()
    }
  }

  func didFailToMakeRoom(_ error: SystemError) {
    lock.withLock {
      roomFailures += 1
      lastRoomFailure = error
      // Who waited for so much gives up. Whoever comes later says itself how much it needs.
      if !planted(.refusedDemandKept) { demandedBytes = 0 }
      progress.broadcast()
    }
  }

  func didClosePage(_ sequence: UInt64, bytes: Int) {
    lock.withLock {
      closedPages.append((sequence, bytes))
      closedBytes += bytes
    }
  }

  func writerDidEnd() {
    lock.withLock {
      isWriterDone = true
      progress.broadcast()
    }
  }

  // MARK: The rest

  /// Has everything written and synced, then ends the writer thread. Idempotent.
  func close() throws(StoreError) {
    lock.lock()
    isClosing = true
    wakeWriter()
    while !isWriterDone { progress.wait(lock) }
    let failure = self.failure
    lock.unlock()
    if let failure { throw .poisoned(reason: failure) }
  }

  var lsns: (memory: UInt64, written: UInt64, durable: UInt64) {
    lock.withLock { (memoryLSN, writtenLSN, durableLSN) }
  }

  var failureReason: String? { lock.withLock { failure } }

  /// A checkpoint begins, of all that was written so far.
  func willCheckpoint() {
    lock.withLock {
      isCheckpointComing = false
      bytesSinceCheckpoint = 0
    }
  }

  /// The last LSN so far, and the page that holds all later records: where the replay after a checkpoint that begins now
  /// must start.
  func checkpointStart() -> (lsn: UInt64, page: UInt64) { lock.withLock { (memoryLSN, page.sequence) } }

  /// The first page that no checkpoint has replaced, and the one that takes the next record.
  var firstPage: UInt64 { lock.withLock { firstPageOnDisk } }
  var pageInUse: UInt64 { lock.withLock { page.sequence } }

  func setCheckpointHandler(_ handler: @escaping @Sendable () throws(SystemError) -> Void) {
    lock.withLock { onCheckpointDue = handler }
  }

  /// Forgets the pages before `firstPage`, which a checkpoint replaces.
  func dropPages(before firstPage: UInt64, checkpointLSN: UInt64, checkpointBytes: Int) {
    lock.withLock {
      closedPages.removeAll { $0.sequence < firstPage }
      closedBytes = closedPages.reduce(0) { $0 + $1.bytes }
      firstPageOnDisk = max(firstPageOnDisk, firstPage)
      self.checkpointBytes = checkpointBytes
      statistics.checkpoints += 1
      statistics.checkpointFailure = nil
      statistics.checkpointLSN = checkpointLSN
    }
  }

  func didFailCheckpoint(_ error: StoreError) {
    lock.withLock {
      statistics.checkpointFailures += 1
      statistics.checkpointFailure = error.description
    }
  }

  func currentStatistics() -> StoreStatistics.Log {
    lock.withLock {
      let now = monotonicNanoseconds()
      var current = statistics
      current.page = page.sequence
      current.pageRecords = page.records
      current.pageBytes = page.end
      current.pageCapacity = settings.pageCapacity
      current.pagesOnDisk = closedPages.count + 1
      current.checkpointBytes = checkpointBytes
      current.bytesOnDisk = closedBytes + page.end + checkpointBytes
      current.queueBytes = queue.bytes.count
      current.queueBytesMax = settings.queueBytesMax
      // Making an empty array of an empty deque writes to memory that all empty arrays share, which ThreadSanitizer reports.
      current.recentSyncNanoseconds = recentSyncs.isEmpty ? [] : Array(recentSyncs)
      current.writtenLagNanoseconds = oldestUnwritten == 0 ? 0 : now - oldestUnwritten
      current.durableLagNanoseconds = oldestUnsynced == 0 ? 0 : now - oldestUnsynced
      current.failure = failure
      return current
    }
  }
}
