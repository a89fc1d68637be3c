/// The room for records, in the queue and in the pages on disk: how much there is, how much of it is promised to records that come
/// soon, and how much more those need who wait. All of it is under the lock of the log.
struct LogRoom {
  /// The open page, as far as records are accepted.
  struct OpenPage: Sendable {
    var sequence: UInt64
    /// File offset behind the last accepted record.
    var end: Int
    var records: Int
    /// File offset up to which the disk has room for this page.
    var allocated: Int
  }

  let pageCapacity: StoreConfiguration.PageCapacity
  /// Bytes at which a page that counts records takes no more.
  let pageBytesMax: Int
  let queueBytesMax: Int

  private(set) var page: OpenPage
  /// Room in the next page, which is ready; nil while there is none.
  private(set) var nextAllocated: Int?
  private(set) var reservedBytes = 0
  private var reservedRecords = 0

  /// Bytes that waiting reservations need in the next page.
  private(set) var demandedBytes = 0
  /// Set to have the writer try for room again, and how often it tried in vain.
  var isWanted = true
  private(set) var failures: UInt64 = 0
  private(set) var lastFailure: SystemError?

  /// Large records that wait for room in the queue, by their turns. Whoever comes later lets them go first, for there is room for a
  /// large one only when the queue is nearly empty.
  private var largeTurns: [UInt64] = []
  private var lastTurn: UInt64 = 0

  init(_ settings: Log.Settings, page: RecoveredLog.Page) {
    pageCapacity = settings.pageCapacity
    pageBytesMax = settings.pageBytesMax
    queueBytesMax = settings.queueBytesMax
    self.page = OpenPage(sequence: page.sequence, end: page.end, records: page.records, allocated: page.end)
  }

  // MARK: Reservations

  /// Whether one more record fits together with all outstanding reservations, in whatever order they are appended.
  /// - Parameter queued: bytes in the queue.
  func fits(_ bytes: Int, queued: Int) -> Bool {
    if isQueueFull(bytes, queued: queued) { return false }
    let records = reservedRecords + 1
    let needed = reservedBytes + bytes + LogFormat.sealBytes
    let fitsOpenPage = page.end + needed <= page.allocated
    let fitsNextPage = nextAllocated.map { LogFormat.headerBytes + needed <= $0 } ?? false
    switch pageCapacity {
    case .bytes:
      return fitsOpenPage || fitsNextPage
    case .records(let capacity):
      if page.records + records <= capacity, page.end + needed <= pageBytesMax { return fitsOpenPage }
      // That page does not end as well, whatever comes first. A record of any length may have it for itself.
      let staysInNextPage =
        records <= capacity && (records == 1 || LogFormat.headerBytes + needed <= pageBytesMax)
      return fitsNextPage && staysInNextPage && (isPageComplete || fitsOpenPage)
    }
  }

  func isQueueFull(_ bytes: Int, queued: Int) -> Bool {
    let promised = queued + reservedBytes
    return promised > 0 && promised + bytes > queueBytesMax
  }

  mutating func reserve(_ bytes: Int) {
    reservedBytes += bytes
    reservedRecords += 1
  }

  mutating func giveBack(_ bytes: Int) {
    reservedBytes -= bytes
    reservedRecords -= 1
  }

  /// Has the writer make room for what is reserved and `bytes` more.
  mutating func demand(_ bytes: Int = 0) {
    demandedBytes = max(demandedBytes, reservedBytes + bytes)
    isWanted = true
  }

  // MARK: Turns

  var isLargeWaiting: Bool { !largeTurns.isEmpty }

  /// - Parameter turn: nil for who has none yet.
  func isLargeWaiting(before turn: UInt64?) -> Bool { largeTurns.first.map { $0 < turn ?? .max } ?? false }

  mutating func nextTurn() -> UInt64 {
    lastTurn += 1
    return lastTurn
  }

  mutating func beginLargeTurn(_ turn: UInt64) {
    largeTurns.insert(turn, at: largeTurns.firstIndex { $0 > turn } ?? largeTurns.count)
  }

  mutating func endLargeTurn(_ turn: UInt64) { largeTurns.removeAll { $0 == turn } }

  // MARK: Pages

  /// Whether the open page, if it counts records, takes no more.
  var isPageComplete: Bool {
    guard case .records(let capacity) = pageCapacity else { return false }
    return page.records >= capacity || page.end >= pageBytesMax && !planted(.longPageGoesOn)
  }

  /// Whether a record of that length belongs into the next page.
  func isPageFull(_ frameBytes: Int) -> Bool {
    isPageComplete || page.end + frameBytes + LogFormat.sealBytes > page.allocated
  }

  /// Whether the open page can end now, and the next one takes all that is reserved.
  var canBeginNextPage: Bool {
    guard let nextAllocated else { return false }
    return LogFormat.headerBytes + reservedBytes + LogFormat.sealBytes <= nextAllocated
      && page.end + LogFormat.sealBytes <= page.allocated
  }

  mutating func beginNextPage() {
    guard let allocated = nextAllocated else { preconditionFailure("a reservation without room") }
    page = OpenPage(sequence: page.sequence + 1, end: LogFormat.headerBytes, records: 0, allocated: allocated)
    nextAllocated = nil
    isWanted = true
  }

  mutating func didAppend(_ frameBytes: Int) {
    page.end += frameBytes
    page.records += 1
    if case .records = pageCapacity, page.allocated - page.end < LogWriter.roomAhead { isWanted = true }
  }

  // MARK: What the writer made

  mutating func didPrepareNextPage(allocated: Int) {
    nextAllocated = allocated
    demandedBytes = 0
    isWanted = true
  }

  /// The page that was made ahead has more room. Meanwhile it may have become the one that takes records: then there is no next
  /// one yet.
  mutating func didExtendNextPage(_ sequence: UInt64, allocated: Int) {
    if page.sequence == sequence {
      page.allocated = max(page.allocated, allocated)
    } else {
      nextAllocated = allocated
    }
    demandedBytes = 0
    isWanted = true
  }

  mutating func didExtendPage(_ sequence: UInt64, allocated: Int) {
    if page.sequence == sequence { page.allocated = max(page.allocated, allocated) }
    isWanted = true
  }

  mutating func didFail(_ error: SystemError) {
    failures += 1
    lastFailure = error
    // Who waited for so much gives up. Whoever comes later says itself how much it needs.
    if !planted(.refusedDemandKept) { demandedBytes = 0 }
  }
}
