public import CDarkBird
public import Synchronization

/// A change as the store makes it; `Event` is what subscribers get. Publishing copies no document and, but for what is replaced,
/// counts no reference.
///
/// Unsafe corner: entries are not retained here. What is new is in the store, or was replaced by a later change: the list of
/// changes keeps what changes replace, for as long as it has them. Changes are lost from the oldest on, so whoever has a change
/// and all later ones may look at its entries: see `EventRing`.
@usableFromInline
enum Change<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  // Unchecked: entries are Sendable, and so are references to them.
  /// A document was inserted, replaced or removed; one of the two is there.
  case replaced(old: Unmanaged<Entry<Key, Document>>?, new: Unmanaged<Entry<Key, Document>>?, lsn: UInt64)
  case cleared(count: Int, lsn: UInt64)

  @inlinable
  var lsn: UInt64 {
    switch self {
    case .replaced(_, _, let lsn), .cleared(_, let lsn): lsn
    }
  }

  /// Whether it needs something kept that it replaces.
  @inlinable
  var isKeeping: Bool {
    if case .replaced(nil, _, _) = self { false } else { true }
  }
}

/// Changes in the order of their LSNs.
@usableFromInline
struct ChangeList<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  /// Trivial values, so that many are freed at once.
  @usableFromInline var changes: ContiguousArray<Change<Key, Document>> = []
  /// What was replaced: one object for each change that needs it.
  @usableFromInline var kept: ContiguousArray<AnySendableObject> = []
  @inlinable var isEmpty: Bool { changes.isEmpty }

  @inlinable
  init() {}

  @inlinable
  mutating func append(_ change: Change<Key, Document>, keeping old: AnySendableObject?) {
    changes.append(change)
    if let old, !planted(.replacedNotKept) { kept.append(old) }
  }

  /// Takes the changes beyond an LSN away and returns them.
  @inlinable
  mutating func removeBeyond(_ cut: UInt64) -> ChangeList {
    var rest = ChangeList()
    var count = changes.count
    var keptCount = kept.count
    while count > 0, changes[count - 1].lsn > cut {
      count -= 1
      if changes[count].isKeeping { keptCount -= 1 }
    }
    if count == changes.count { return rest }
    rest.changes = ContiguousArray(changes[count...])
    rest.kept = ContiguousArray(kept[keptCount...])
    changes.removeSubrange(count...)
    kept.removeSubrange(keptCount...)
    return rest
  }
}

@usableFromInline typealias AnySendableObject = any AnyObject & Sendable

/// The subscribers of a store.
///
/// A write appends its change to a list that is its own while it lasts, so that subscribers cost writers no memory that all
/// processors write to; see `ChangeLanes`. Who takes events, or has appended to a list that is long, collects all lists: what
/// is in them up to an LSN is a segment of the order of the log, and every ring gets it as a whole. Changes are put in order,
/// and made events, only for those who take them: a subscriber that is slow loses them as they are.
///
/// Locks are taken in this order: that of a ring, this one, lanes; and this one, shards.
///
/// Unchecked: everything but the lists, the constants and the atomics is only touched under the lock.
@usableFromInline
final class EventHub<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  @usableFromInline typealias List = ChangeList<Key, Document>
  @usableFromInline typealias Lane = ChangeLanes<Key, Document>.Lane

  /// What may happen only once the locks are released. Things go: what a document does then is user code. Tasks are woken: the
  /// runtime takes a lock of a task for that, under which it also calls what cancels a subscription, and so takes the hub's.
  @usableFromInline
  struct Lost {
    @usableFromInline typealias Consumer = CheckedContinuation<Bool, Never>
    @usableFromInline var segments: ContiguousArray<EventSegment<Key, Document>> = []
    @usableFromInline var events: [[Event<Key, Document>]] = []
    @usableFromInline var woken: [Consumer] = []

    @inlinable
    init() {}

    /// To be called under no lock.
    @inlinable
    consuming func letGo() {
      for consumer in woken { consumer.resume(returning: true) }
    }
  }

  /// The most changes that wait in a lane before a writer collects all.
  @usableFromInline static var laneMaxMost: Int { 2 << 10 }
  @usableFromInline static var laneMaxLeast: Int { 64 }

  /// Changes that wait in a lane before a writer collects all; at most twice as many. No more than the largest ring takes, for
  /// what waits keeps what it replaces.
  @usableFromInline let laneMax = Atomic<Int>(laneMaxLeast)
  @usableFromInline let lanes = ChangeLanes<Key, Document>()
  private let shardLocks: ContiguousArray<LockWord>
  @usableFromInline let lock = Lock()
  private let memoryLSN: SharedCounter.Reference
  private let log: Log?
  @exclusivity(unchecked) @usableFromInline var rings: ContiguousArray<EventRing<Key, Document>> = []
  /// Changes that were taken from the lanes but lie beyond the last cut, each list in order.
  @exclusivity(unchecked) @usableFromInline var held: ContiguousArray<List> = []
  @exclusivity(unchecked) @usableFromInline var isFinished = false
  @exclusivity(unchecked) @usableFromInline var droppedBefore = 0
  @usableFromInline let count = Atomic<Int>(0)
  /// Subscribers that sleep until something happens.
  @usableFromInline let sleepers = Atomic<Int>(0)
  /// 1 while a thread is at `settle`, 2 if it shall be again.
  let settling = Atomic<Int>(0)

  /// The locks and the counter belong to the store. They are not touched after `finish`, which it calls before it goes.
  /// - Parameter log: what gives LSNs; nil if `memoryLSN` does.
  init(shardLocks: ContiguousArray<LockWord>, memoryLSN: SharedCounter.Reference, log: Log?) {
    self.shardLocks = shardLocks
    self.memoryLSN = memoryLSN
    self.log = log
  }

  var subscribers: Int { count.load(ordering: .relaxed) }

  /// Events that subscribers lost. Never falls. Under no lock.
  func dropped() -> Int {
    withLock { lost in
      if !rings.isEmpty { collect(&lost) }
      return rings.reduce(droppedBefore) { $0 + $1.overflow }
    }
  }

  @usableFromInline
  var lastLSN: UInt64 { log?.memoryLSN ?? (isFinished ? 0 : memoryLSN.value) }

  /// Runs `body` under the lock, and after it lets go what was lost.
  @inlinable
  func withLock<R>(_ body: (inout Lost) -> R) -> R {
    var lost = Lost()
    let result = withLock(&lost, body)
    lost.letGo()
    return result
  }

  /// The same for who lets go later, for it holds another lock.
  @inlinable
  func withLock<R>(_ lost: inout Lost, _ body: (inout Lost) -> R) -> R {
    lock.lock()
    defer { lock.unlock() }
    return body(&lost)
  }

  // MARK: Publishing, under the lock of a shard

  /// Whether to publish a change.
  @inlinable @inline(__always)
  var isActive: Bool { count.load(ordering: .acquiring) > 0 }

  /// A lane that is the caller's until it calls `endPublishing`. To be called before a change gets its LSN.
  @inlinable
  func beginPublishing() -> Lane { lanes.lock() }

  /// Takes a change of a document.
  @inlinable
  func publish(old: Entry<Key, Document>?, new: Entry<Key, Document>?, lsn: UInt64, in lane: Lane) {
    publish(
      .replaced(old: old.map(Unmanaged.passUnretained), new: new.map(Unmanaged.passUnretained), lsn: lsn),
      keeping: old, in: lane)
  }

  /// - Parameter old: what the change replaces.
  @inlinable
  func publish(_ change: Change<Key, Document>, keeping old: AnySendableObject?, in lane: Lane) {
    lane.list.pointee.append(change, keeping: old)
  }

  /// To be called when the store is as the published changes say.
  /// - Returns: how many changes wait in the lane.
  @inlinable
  func endPublishing(_ lane: Lane) -> Int {
    let count = lane.list.pointee.changes.count
    lane.count.pointee.store(count, ordering: .relaxed)
    lane.lock.unlock()
    return count
  }

  /// Has subscribers woken that wait for something to happen, and lanes collected that are long, or that nobody will collect. To be
  /// called after changes were published, under no lock.
  /// - Parameter count: how many wait in one lane: where another thread collects, this one goes on up to twice `laneMax`.
  @inlinable
  func didPublish(_ count: Int) {
    let isLong = count >= laneMax.load(ordering: .relaxed)
    // See `EventRing.wait`.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if isLong || sleepers.load(ordering: .sequentiallyConsistent) > 0 || !isActive { collect(count) }
  }

  @inlinable @inline(never)
  func collect(_ count: Int) {
    let most = laneMax.load(ordering: .relaxed)
    let isWanted =
      sleepers.load(ordering: .sequentiallyConsistent) > 0 && !planted(.subscriberNotWoken) || !isActive
    if !isWanted && count < most { return }
    if !lock.reference.tryLock() {
      if !isWanted && count < 2 * most { return }
      lock.lock()
      // Whoever had the lock may have woken all; who sleeps again collects first.
      if count < most, sleepers.load(ordering: .sequentiallyConsistent) == 0, isActive { return lock.unlock() }
    }
    var lost = Lost()
    collect(&lost)
    lock.unlock()
    lost.letGo()
    // A large batch, of which rings drop nothing before all of it is to be dropped.
    if count > 2 * most, isActive, !planted(.largeBatchKept) { settleSoon() }
  }

  // MARK: Subscribing

  /// Subscribes to all changes after an LSN, that of the last one now.
  func subscribe(
    capacity: Int, shardBits: UInt32, _ filter: (@Sendable (Event<Key, Document>) -> Bool)? = nil
  ) -> (subscription: EventSubscription<Key, Document>, lsn: UInt64) {
    let ring = EventRing(self, capacity: capacity, shardBits: shardBits)
    let lsn = withLock { lost in
      if !isFinished, count.add(1, ordering: .relaxed).newValue == 1 {
        // Writes that did not know are over when their shards have been locked once.
        for shard in shardLocks {
          shard.lock()
          shard.unlock()
        }
      }
      let lsn = collect(&lost)
      if isFinished {
        ring.finish(&lost)
      } else {
        rings.willChange()
        rings.append(ring)
      }
      ring.resumeLSN.store(lsn, ordering: .releasing)
      fitLanes()
      return lsn
    }
    return (EventSubscription(ring: ring, filter), lsn)
  }

  /// Gives a ring that has made all its events no more changes. Under the lock.
  @usableFromInline
  func forget(_ ring: EventRing<Key, Document>) {
    guard let place = rings.firstIndex(where: { $0 === ring }) else { return }
    rings.willChange()
    rings.remove(at: place)
    fitLanes()
    // Who reads it no longer keeps what is replaced: everything has been looked at before.
    count.subtract(1, ordering: .releasing)
    // As a sleeper does: who still publishes sees this, or what it has published is seen here.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
  }

  /// Under the lock.
  @inlinable
  func fitLanes() {
    let largest = rings.reduce(0) { max($0, $1.capacity) }
    laneMax.store(min(max(largest, Self.laneMaxLeast), Self.laneMaxMost), ordering: .relaxed)
  }

  /// Has `settle` run soon, on another thread: who takes events may be at it, and events of a million changes take their time.
  /// Where there is no thread, what has left the store stays until events are taken.
  @usableFromInline
  func settleSoon() {
    // One thread at a time: it may wait for who takes events.
    if settling.compareExchange(expected: 1, desired: 2, ordering: .sequentiallyConsistent).original == 2 { return }
    guard settling.compareExchange(expected: 0, desired: 1, ordering: .sequentiallyConsistent).exchanged else { return }
    do {
      try startThread("darkbird events") { [self] in
        repeat {
          settling.store(1, ordering: .sequentiallyConsistent)
          settle()
        } while !settling.compareExchange(expected: 1, desired: 0, ordering: .sequentiallyConsistent).exchanged
      }
    } catch { settling.store(0, ordering: .sequentiallyConsistent) }
  }

  /// Makes events of all changes so far, so that nothing that has left the store is kept for them.
  func settle() {
    let all = withLock { lost in
      // Also where nobody is left to tell of it.
      collect(&lost)
      rings.willBeShared()
      return rings
    }
    for ring in all { ring.settle(isLast: false) }
  }

  /// Ends all subscriptions, which get all changes so far. Nobody looks at an entry for them when it returns. To be called when no
  /// write gets an LSN any more that locks its shard from now on.
  func finish() {
    for shard in shardLocks {
      shard.lock()
      shard.unlock()
    }
    let last = withLock { lost in
      collect(&lost)
      isFinished = true
      rings.willBeShared()
      return rings
    }
    for ring in last { ring.settle(isLast: true) }
    _ = withLock { lost in collect(&lost) }
  }

  // MARK: Collecting, under the lock

  /// Gives the rings all changes up to the last LSN, which it returns, and wakes those who wait for some.
  @inlinable
  @discardableResult
  func collect(_ lost: inout Lost) -> UInt64 {
    let cut = lastLSN
    // While events are still made, what was published after the end keeps what they are made of.
    if isFinished && !rings.isEmpty { return cut }
    var parts = held
    held = []
    lanes.take { parts.append($0) }
    if parts.isEmpty { return cut }
    if isFinished {
      lost.segments.append(EventSegment(parts))
      return cut
    }
    for index in parts.indices where !planted(.eventsOutOfOrder) {
      let rest = parts[index].removeBeyond(cut)
      if !rest.isEmpty { held.append(rest) }
    }
    let segment = EventSegment(parts)
    lost.segments.append(segment)
    if segment.count > 0 { for ring in rings { ring.append(segment, &lost) } }
    return cut
  }
}

/// Changes that follow one another in the log, in lists that are in order each.
@usableFromInline
final class EventSegment<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  @usableFromInline let count: Int
  @usableFromInline let parts: ContiguousArray<ChangeList<Key, Document>>

  /// A document of long ago is fetched from memory while as many others of its list are looked at.
  @inlinable static var changesAhead: Int { 16 }

  @inlinable
  init(_ parts: ContiguousArray<ChangeList<Key, Document>>) {
    self.parts = parts
    var count = 0
    for part in parts { count += part.changes.count }
    self.count = count
  }

  /// Appends the changes as events, the last one first. By whoever has all later changes.
  /// - Complexity: O(changes · lists), of which there are a few.
  @inlinable
  func appendReversed(to events: inout [Event<Key, Document>], shardBits: UInt32) {
    events.reserveCapacity(events.count + count)
    // What is left of each list, and the LSN at the end of that. Changes of a batch have one LSN, and are in one list.
    var left = ContiguousArray(parts.map(\.changes.count))
    var lsns = ContiguousArray(parts.map { $0.changes.last?.lsn ?? 0 })
    for _ in 0..<count {
      var last = 0
      for part in lsns.indices where lsns[part] > lsns[last] { last = part }
      left[last] -= 1
      let index = left[last]
      if index >= Self.changesAhead,
        case .replaced(let old, let new, _) = parts[last].changes[index - Self.changesAhead]
      {
        if let old { db_prefetch(old.toOpaque(), Entry<Key, Document>.size) }
        if let new { db_prefetch(new.toOpaque(), Entry<Key, Document>.size) }
      }
      events.append(Event(parts[last].changes[index], shardBits: shardBits))
      lsns[last] = index > 0 ? parts[last].changes[index - 1].lsn : 0
    }
  }
}
