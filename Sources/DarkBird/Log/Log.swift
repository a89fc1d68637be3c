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
  /// For how long those that came later let a large record go first: user code may write while a reservation of its own keeps the
  /// queue from being empty.
  private static let courtesyNanoseconds: UInt64 = 1_000_000_000

  // Under the lock:
  var queue = Queue()
  var room: LogRoom
  private(set) var meter: LogMeter
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
  private var bytesSinceCheckpoint: Int
  private var onCheckpointDue: (@Sendable () throws(SystemError) -> Void)?
  /// Whether it was called for a checkpoint that has not begun: one more would only wait behind that.
  private var isCheckpointComing = false

  init(settings: Settings, start: RecoveredLog) {
    self.settings = settings
    room = LogRoom(settings, page: start.page)
    meter = LogMeter(start)
    lastLSN = Atomic(start.lastLSN)
    written = AckGate(start.lastLSN)
    durable = AckGate(start.lastLSN)
    durablePage = start.page.sequence
    bytesSinceCheckpoint = start.closedPages.reduce(start.page.end) { $0 + $1.bytes }
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
      if isLarge, let turn {
        room.endLargeTurn(turn)
        progress.broadcast()
      }
      lock.unlock()
    }
    var failuresSeen: UInt64?
    var courtesyEnd: UInt64?
    while true {
      try throwIfUnusable()
      let queued = queue.bytes.count
      let now = room.isLargeWaiting ? monotonicNanoseconds() : 0
      let isCourteous = room.isLargeWaiting(before: turn) && now < courtesyEnd ?? .max
      if !isCourteous, room.fits(bytes, queued: queued) {
        room.reserve(bytes)
        return Reservation(bytes: bytes)
      }
      let isQueueFull = room.isQueueFull(bytes, queued: queued)
      let own = turn ?? room.nextTurn()
      if turn == nil {
        if isCourteous || isQueueFull { meter.counts.queueWaits += 1 } else { meter.counts.pageWaits += 1 }
        turn = own
      }
      if !isLarge, bytes > settings.queueBytesMax / 4, isQueueFull, !planted(.largeRecordStarves) {
        isLarge = true
        room.beginLargeTurn(own)
      }
      if isCourteous {
        // What the others wait for need not keep this one.
        let end = courtesyEnd ?? now + Self.courtesyNanoseconds
        courtesyEnd = end
        progress.wait(lock, nanoseconds: max(1, end - now))
        continue
      }
      // Whoever waits for the queue only asks for no page.
      if !isQueueFull {
        if let seen = failuresSeen, room.failures > seen, let error = room.lastFailure {
          if error.isDiskFull { throw .diskFull(path: settings.directory) }
          throw StoreError(error)
        }
        failuresSeen = failuresSeen ?? room.failures
        room.demand(bytes)
      }
      writeRequested = memoryLSN
      wakeWriter()
      progress.wait(lock)
    }
  }

  /// Gives back room that was not needed.
  @usableFromInline
  func release(_ reservation: Reservation) {
    if planted(.reservationNotReleased) { return }
    lock.withLock {
      room.giveBack(reservation.bytes)
      progress.broadcast()
    }
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
    room.giveBack(reservation.bytes)
    try throwIfUnusable()
    let frameBytes = LogFormat.frameBytes(payload: payload.count)
    if room.isPageFull(frameBytes) { beginNextPage() }
    let lsn = lastLSN.wrappingAdd(1, ordering: .releasing).newValue
    let now = monotonicNanoseconds()
    if queue.records == 0 { queue.firstAcceptedNanoseconds = now }
    meter.didAppend(now)
    queue.bytes.appendFrame(kind, lsn: lsn, payload: payload, keyLength: keyLength)
    queue.records += 1
    room.didAppend(frameBytes)
    bytesSinceCheckpoint += frameBytes
    if isWriterWaiting && (queue.records == 1 || queue.bytes.count >= LogWriter.batchBytes) { wakeWriter() }
    return lsn
  }

  /// Ends the open page if it is long, and returns when the beginning of the next one is durable, so that the manifest may name
  /// that. The page stays where no next one with room for all that is reserved can be made, as on a full disk.
  /// - Throws: `.poisoned`.
  func endLongPage() throws(StoreError) {
    lock.lock()
    defer { lock.unlock() }
    let failuresSeen = room.failures
    while true {
      // First: where the page that a checkpoint has begun failed, the next checkpoint must not name it.
      if let failure, !planted(.failedPageNamed) { throw .poisoned(reason: failure) }
      if room.page.end <= settings.keptPageBytes { return }
      if room.canBeginNextPage {
        beginNextPage()
        break
      }
      if room.failures > failuresSeen { return }
      room.demand()
      wakeWriter()
      progress.wait(lock)
    }
    let next = room.page.sequence
    if planted(.pageNotBegun) { return }
    pageRequested = next
    wakeWriter()
    while durablePage < next {
      if let failure { throw .poisoned(reason: failure) }
      progress.wait(lock)
    }
  }

  private func beginNextPage() {
    queue.pageStarts.append(queue.bytes.count)
    meter.counts.rotations += 1
    room.beginNextPage()
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
      let oldestQueued = queue.records > 0 ? queue.firstAcceptedNanoseconds : 0
      meter.didWrite(records: records, bytes: bytes, oldestQueued: oldestQueued)
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
      syncGroup.syncEnded(nanoseconds: nanoseconds, isNobodyLeft: syncRequested <= durableLSN)
      meter.didSync(nanoseconds: nanoseconds, isAllDurable: memoryLSN <= durableLSN)
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
        bytesSinceCheckpoint >= max(threshold, meter.checkpointBytes), !isCheckpointComing
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

  /// The writer tells what room it made, or that it could not.
  func withRoom(_ change: (inout LogRoom) -> Void) {
    lock.withLock {
      change(&room)
      progress.broadcast()
    }
  }

  func didClosePage(_ sequence: UInt64, bytes: Int) {
    lock.withLock { meter.didClosePage(sequence, bytes: bytes) }
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
      isCheckpointComing = planted(.checkpointComesOnce)
      bytesSinceCheckpoint = 0
    }
  }

  /// The last LSN so far, and the page that holds all later records: where the replay after a checkpoint that begins now
  /// must start.
  func checkpointStart() -> (lsn: UInt64, page: UInt64) { lock.withLock { (memoryLSN, room.page.sequence) } }

  /// The first page that no checkpoint has replaced, and the one that takes the next record.
  var firstPage: UInt64 { lock.withLock { meter.firstPage } }
  var pageInUse: UInt64 { lock.withLock { room.page.sequence } }

  func setCheckpointHandler(_ handler: @escaping @Sendable () throws(SystemError) -> Void) {
    lock.withLock { onCheckpointDue = handler }
  }

  /// Forgets the pages before `firstPage`, which a checkpoint replaces.
  func dropPages(before firstPage: UInt64, checkpointLSN: UInt64, checkpointBytes: Int) {
    lock.withLock { meter.didCheckpoint(lsn: checkpointLSN, bytes: checkpointBytes, firstPage: firstPage) }
  }

  func didFailCheckpoint(_ error: StoreError) {
    lock.withLock {
      meter.counts.checkpointFailures += 1
      meter.counts.checkpointFailure = error.description
    }
  }

  func currentStatistics() -> StoreStatistics.Log {
    lock.withLock {
      var current = meter.statistics(room, queued: queue.bytes.count)
      current.failure = failure
      return current
    }
  }
}
