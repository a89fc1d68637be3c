import Foundation

/// The thread that owns the files of the log. It takes the queue of a `Log`, writes it to the open page, syncs when someone
/// waits for it or the interval is over, seals full pages and makes room ahead of need.
///
/// The first failed write or sync ends its work for good: what the disk then holds, only a new recovery can tell.
///
/// Unchecked: after `start`, only its own thread touches it.
final class LogWriter: @unchecked Sendable {
  /// Queued bytes at which the writer does not wait for more, and how long it waits for them otherwise.
  static let batchBytes = 256 << 10
  static let batchNanoseconds: UInt64 = 2_000_000
  /// By how much a page that counts records grows, and the rest at which it grows.
  static let roomChunk = 1 << 20
  static let roomAhead = 512 << 10

  /// Where a first write is slow, what has less than the one filled ahead is filled with as many zeros as the other, if what is
  /// synced at a time is less than the one. A sync of 15 KB then takes 0.19 ms instead of 0.33 (ext4 on a virtual disk); one of much
  /// more would only have twice as much to write.
  private static let smallBatchBytes = 64 << 10
  private static let zeros = [UInt8](repeating: 0, count: 256 << 10)

  private let log: Log
  private let fileSystem: any FileSystem
  /// Of the directory, to see that it is still where it was; nil where nobody holds one.
  private let lockFile: (any File)?
  private var file: any File
  private var sequence: UInt64
  /// File offset behind the last written frame.
  private var offset: Int
  /// File offsets behind the last byte that is synced, behind the zeros that are written ahead, and behind the room there is.
  private var syncedOffset: Int
  private var filled = 0
  private var allocated: Int
  private var isFirstWriteSlow: Bool
  private var records: Int
  private var lastLSN: UInt64
  private var durableLSN: UInt64
  private var chain: UInt32
  private var seed: UInt32
  private var next: (file: any File, allocated: Int)?
  private var queue = Log.Queue()

  /// Takes over the open page that recovery found or made.
  init(log: Log, fileSystem: any FileSystem, start: RecoveredLog, file: any File, lockFile: (any File)?) {
    self.log = log
    self.fileSystem = fileSystem
    self.lockFile = lockFile
    self.file = file
    sequence = start.page.sequence
    offset = start.page.end
    syncedOffset = start.page.end
    allocated = start.page.end
    isFirstWriteSlow = file.isFirstWriteSlow
    records = start.page.records
    lastLSN = start.lastLSN
    durableLSN = start.lastLSN
    chain = start.page.chain
    seed = LogPageHeader.frameSeed(store: log.settings.store, sequence: start.page.sequence)
  }

  func start() throws(SystemError) {
    try fileSystem.startThread("darkbird log") { [self] in
      run()
      log.writerDidEnd()
    }
  }

  private func path(_ sequence: UInt64) -> String { "\(log.settings.directory)/\(LogFormat.pageName(sequence))" }

  // MARK: The loop

  private struct Job {
    var takesQueue = false
    var syncs = false
    /// Whether also a page without a record is to be synced.
    var syncsPage = false
    var room: RoomTask?
    var ends = false
  }

  private enum RoomTask {
    case extendOpenPage(sequence: UInt64, from: Int, to: Int)
    case prepareNextPage(sequence: UInt64, bytes: Int)
    case extendNextPage(sequence: UInt64, bytes: Int)
  }

  private func run() {
    while true {
      let job = waitForJob()
      do throws(SystemError) {
        if job.takesQueue { try writeQueue() }
        if job.syncs && (lastLSN > durableLSN || job.syncsPage) {
          let bytes = offset - syncedOffset
          try synchronize()
          if bytes < Self.smallBatchBytes, !job.ends { try fillAhead() }
        }
      } catch {
        log.didFail(error)
        waitForClose()
        break
      }
      if let room = job.room { makeRoom(room) }
      if job.ends { break }
    }
    shutDown()
  }

  private func waitForJob() -> Job {
    log.lock.lock()
    defer { log.lock.unlock() }
    while true {
      let now = monotonicNanoseconds()
      var job = Job()
      var wakeAfter = UInt64.max
      // A checkpoint may end a page behind which no record is queued.
      let hasQueue = log.queue.records > 0 || !log.queue.pageStarts.isEmpty
      job.syncsPage = log.pageRequested > log.durablePage
      if hasQueue || lastLSN > durableLSN || job.syncsPage {
        let age = log.meter.oldestUnsynced == 0 ? 0 : now - log.meter.oldestUnsynced
        let interval = planted(.intervalForgotten) ? .max : log.settings.syncIntervalNanoseconds
        let delay = log.syncRequested > log.durableLSN ? log.syncGroup.delay(now) : age < interval ? interval - age : 0
        job.syncs = log.isClosing || delay == 0 || job.syncsPage
        wakeAfter = delay
      }
      if hasQueue {
        let age = now - log.queue.firstAcceptedNanoseconds
        job.takesQueue =
          job.syncs || log.writeRequested > log.writtenLSN || log.room.isWanted
          || log.queue.bytes.count >= Self.batchBytes || age >= Self.batchNanoseconds
        if !job.takesQueue { wakeAfter = min(wakeAfter, Self.batchNanoseconds - age) }
      }
      if log.room.isWanted && !log.isClosing {
        job.room = roomTask()
        // A success asks again, for there may be more to do; a failure waits until someone needs the room.
        if job.room != nil || !job.takesQueue { log.room.isWanted = false }
      }
      job.ends = log.isClosing
      if job.takesQueue { swap(&queue, &log.queue) }
      if job.syncs { log.syncGroup.syncBegins() }
      if job.takesQueue || job.syncs || job.room != nil || job.ends { return job }
      log.isWriterWaiting = true
      log.work.wait(log.lock, nanoseconds: wakeAfter == .max ? 0 : max(1, wakeAfter))
      log.isWriterWaiting = false
    }
  }

  /// What to do first to make room; under the log's lock.
  private func roomTask() -> RoomTask? {
    let page = log.room.page
    let capacity = log.settings.pageCapacity
    let needed = log.room.demandedBytes + LogFormat.sealBytes
    // Until the page that takes records is also the one being written, its file is `next`: write the queue first.
    guard page.sequence == sequence else { return nil }
    // One that was found when the store was opened ends where its records do, and may never take another.
    let sealed = page.end + LogFormat.sealBytes
    if page.allocated < sealed { return .extendOpenPage(sequence: page.sequence, from: page.allocated, to: sealed) }
    switch capacity {
    case .records:
      if !log.room.isPageComplete, page.allocated - page.end < max(Self.roomAhead, needed) {
        let target = page.end + max(Self.roomChunk, needed)
        return .extendOpenPage(sequence: page.sequence, from: page.allocated, to: target)
      }
    case .bytes(let bytes):
      // Only the page that was found when the store was opened has less room than its capacity.
      if page.allocated < bytes { return .extendOpenPage(sequence: page.sequence, from: page.allocated, to: bytes) }
    }
    let wanted: Int =
      switch capacity {
      case .bytes(let bytes): max(bytes, LogFormat.headerBytes + needed)
      case .records: max(Self.roomChunk, LogFormat.headerBytes + needed)
      }
    guard let allocated = log.room.nextAllocated else {
      return .prepareNextPage(sequence: page.sequence + 1, bytes: wanted)
    }
    return allocated < LogFormat.headerBytes + needed
      ? .extendNextPage(sequence: page.sequence + 1, bytes: wanted) : nil
  }

  private func waitForClose() {
    log.lock.lock()
    while !log.isClosing {
      log.isWriterWaiting = true
      log.work.wait(log.lock)
    }
    log.lock.unlock()
  }

  // MARK: Pages

  private func writeQueue() throws(SystemError) {
    let bytes = queue.bytes.count
    var start = 0
    if planted(.writtenBeforeWrite) {
      log.didWrite(through: log.lsns.memory, records: 0, bytes: 0)
      _ = planted(.writtenBeforeWrite)  // whoever was waiting for it goes on
    }
    for pageStart in queue.pageStarts {
      try writeFrames(start..<pageStart)
      try sealPage()
      try beginNextPage()
      start = pageStart
    }
    try writeFrames(start..<bytes)
    log.didWrite(through: lastLSN, records: queue.records, bytes: bytes)
    queue.bytes.removeAll()
    queue.pageStarts.removeAll(keepingCapacity: true)
    queue.records = 0
  }

  /// Completes the queued frames in `range` and writes them to the open page.
  private func writeFrames(_ range: Range<Int>) throws(SystemError) {
    if range.isEmpty { return }
    var failure: SystemError?
    queue.bytes.withUnsafeMutableBytes { all in
      let frames = UnsafeMutableRawBufferPointer(rebasing: all[range])
      var position = 0
      while position < frames.count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: frames[position...])
        let length = Int(UnsafeRawBufferPointer(rest).load32(at: 0))
        complete(rest, length: length)
        lastLSN = UnsafeRawBufferPointer(rest).load64(at: 8)
        records += 1
        position += LogFormat.aligned(length)
      }
      do throws(SystemError) {
        try file.writeAll(UnsafeRawBufferPointer(frames), at: offset)
        offset += frames.count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  /// Fills in the durable LSN and the checksum of a frame and adds it to the chain.
  private func complete(_ frame: UnsafeMutableRawBufferPointer, length: Int) {
    frame.store(durableLSN, at: 16)
    let checksum = frameChecksum(UnsafeRawBufferPointer(frame), length: length, seed: seed)
    frame.store(checksum, at: 4)
    chain = chained(chain, checksum)
  }

  /// Ends the open page: nothing of the next one may reach the disk before this one is durable.
  private func sealPage() throws(SystemError) {
    var seal = [UInt8](repeating: 0, count: LogFormat.sealBytes)
    let chainBeforeSeal = chain
    seal.withUnsafeMutableBytes { frame in
      frame.store(UInt32(frame.count), at: 0)
      frame.store(lastLSN, at: 8)
      frame[24] = LogRecordKind.seal.rawValue
      frame.store(lastLSN, at: 32)
      frame.store(UInt64(records), at: 40)
      frame.store(chainBeforeSeal, at: 48)
      complete(frame, length: frame.count)
    }
    chain = chainBeforeSeal
    try write(seal)
    if !planted(.sealNotSynced) { try synchronize() }
    // Gives back the room that the page did not need. Best effort: nobody reads behind a seal.
    try? file.truncate(to: offset)
    file.close()
    log.didClosePage(sequence, bytes: offset)
  }

  private func beginNextPage() throws(SystemError) {
    guard let next else { preconditionFailure("a page was begun before it was made") }
    self.next = nil
    sequence += 1
    file = next.file
    isFirstWriteSlow = file.isFirstWriteSlow
    (offset, syncedOffset, filled, allocated) = (0, 0, 0, next.allocated)
    records = 0
    seed = LogPageHeader.frameSeed(store: log.settings.store, sequence: sequence)
    let header = LogPageHeader(
      store: log.settings.store, sequence: sequence, firstLSN: lastLSN + 1, previousChain: chain,
      capacity: log.settings.pageCapacity)
    try write(header.encoded())
  }

  private func write(_ bytes: [UInt8]) throws(SystemError) {
    try file.writeAll(bytes, at: offset)
    offset += bytes.count
  }

  private func synchronize() throws(SystemError) {
    let start = monotonicNanoseconds()
    if planted(.durableBeforeSync) { log.didSync(through: lastLSN, page: sequence, nanoseconds: 0) }
    if planted(.syncRetried) { try? file.synchronize() }
    if !planted(.ackWithoutSync) { try file.synchronize() }
    durableLSN = lastLSN
    syncedOffset = offset
    log.didSync(through: durableLSN, page: sequence, nanoseconds: monotonicNanoseconds() - start)
  }

  /// Writes zeros to the room that the next records will take; they are synced together with those.
  private func fillAhead() throws(SystemError) {
    let start = max(offset, filled)
    guard isFirstWriteSlow, start - offset < Self.smallBatchBytes, start < allocated else { return }
    let end = planted(.filledBeyondTheRoom) ? start + Self.zeros.count : min(allocated, start + Self.zeros.count)
    let count = end - start
    try file.writeAll(count == Self.zeros.count ? Self.zeros : Array(Self.zeros.prefix(count)), at: start)
    filled = end
  }

  // MARK: Room

  private func makeRoom(_ task: RoomTask) {
    do throws(SystemError) {
      switch task {
      case .extendOpenPage(let page, let from, let to):
        try file.allocate(at: from, length: to - from)
        allocated = to
        log.withRoom { $0.didExtendPage(page, allocated: to) }
      case .prepareNextPage(let page, let bytes):
        try prepareNextPage(page, bytes: bytes)
      case .extendNextPage(let page, let bytes):
        guard let next else { return }
        try next.file.allocate(at: next.allocated, length: bytes - next.allocated)
        self.next = (next.file, bytes)
        if planted(.nextPageInvented) { log.withRoom { $0.didPrepareNextPage(allocated: bytes) } }
        log.withRoom { $0.didExtendNextPage(page, allocated: bytes) }
      }
    } catch {
      log.withRoom { $0.didFail(error) }
    }
  }

  private func prepareNextPage(_ page: UInt64, bytes: Int) throws(SystemError) {
    try requireInPlace()
    let file = try fileSystem.openAnew(path(page))
    do throws(SystemError) {
      try file.allocate(at: 0, length: bytes)
      try file.synchronize()
      // The name must be durable before the first record in the page is.
      if !planted(.pageNameNotSynced) { try fileSystem.synchronizeDirectory(log.settings.directory) }
    } catch {
      file.close()
      // Best effort: a page that was not begun is recognised, and removed, at the next opening.
      if (try? requireInPlace()) != nil { try? fileSystem.remove(path(page)) }
      throw error
    }
    next = (file, bytes)
    log.withRoom { $0.didPrepareNextPage(allocated: bytes) }
  }

  private func requireInPlace() throws(SystemError) {
    if let lockFile { try DarkBird.requireInPlace(lockFile, log.settings.directory) }
  }

  private func shutDown() {
    if log.failureReason == nil {
      // Best effort: the zeros behind the last frame do no harm.
      try? file.truncate(to: offset)
      if let next {
        next.file.close()
        if (try? requireInPlace()) != nil { try? fileSystem.remove(path(sequence + 1)) }
      }
    }
    next?.file.close()
    file.close()
  }
}
