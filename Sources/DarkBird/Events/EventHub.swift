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

/// Changes of a shard, in order.
///
/// Unchecked: `start` is an address that nobody reads from.
@usableFromInline
struct ChangeList<Key: DocumentKey, Document: DarkBird.Document>: ShardList, @unchecked Sendable {
  /// Trivial values, so that many are freed at once.
  @usableFromInline var changes: ContiguousArray<Change<Key, Document>> = []
  /// What was replaced: one object for each change that needs it.
  @usableFromInline var kept: ContiguousArray<AnySendableObject> = []
  /// Where the changes begin, or began before they last grew.
  @usableFromInline var start: UnsafeRawPointer?
  @inlinable var isEmpty: Bool { changes.isEmpty }

  @inlinable
  init() {}

  /// - Parameter expected: about how many changes will come before all are taken.
  @inlinable
  mutating func append(_ change: Change<Key, Document>, keeping old: AnySendableObject?, expected: Int) {
    changes.append(change)
    if let old, !planted(.replacedNotKept) { kept.append(old) }
    // A list that fills grows once.
    if changes.count == 4 { changes.reserveCapacity(expected) }
    if changes.count.nonzeroBitCount == 1 { start = changes.withUnsafeBytes { $0.baseAddress } }
  }

  /// Has the processor fetch the memory that the next change goes to.
  ///
  /// Safe: the address is not used for anything else. To ask the array for it each time would count references.
  @inlinable @inline(__always)
  func prefetchEnd() {
    if let start { db_prefetch_to_write(start + changes.count &* MemoryLayout<Change<Key, Document>>.stride) }
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
/// A write appends its change to a list of its shard, under the lock of the shard: subscribers cost writers no lock, and no
/// memory that all processors write to. Who takes events, or has appended to a list that is long, collects the lists of all
/// shards: what is in them up to an LSN is a segment of the order of the log, and every ring gets it as a whole. Changes are put
/// in order, and made events, only for those who take them: a subscriber that is slow loses them as they are.
///
/// Locks are taken in this order: that of a ring, this one, shards.
///
/// Unchecked: everything but the lists, the constants and the atomics is only touched under the lock.
@usableFromInline
final class EventHub<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  @usableFromInline typealias List = ChangeList<Key, Document>

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

  /// Changes that wait in all shards, about, before a writer collects them; at most twice as many.
  @usableFromInline static var changesMax: Int { 4 << 10 }

  @usableFromInline let lists: ShardLists<List>
  /// How many changes in a shard's list are many.
  @usableFromInline let listMax: Int
  @usableFromInline let lock = Lock()
  private let memoryLSN: SharedCounter.Reference
  private let log: Log?
  @exclusivity(unchecked) @usableFromInline var rings: ContiguousArray<EventRing<Key, Document>> = []
  /// Changes that were taken from the shards but lie beyond the last cut, in order for each shard.
  @exclusivity(unchecked) @usableFromInline var held: ContiguousArray<List> = []
  @exclusivity(unchecked) @usableFromInline var isFinished = false
  @exclusivity(unchecked) @usableFromInline var droppedBefore = 0
  @usableFromInline let count = Atomic<Int>(0)
  /// Subscribers that sleep until something happens.
  @usableFromInline let sleepers = Atomic<Int>(0)

  /// The locks and the counter belong to the store. They are not touched after `finish`, which it calls before it goes.
  /// - Parameter log: what gives LSNs; nil if `memoryLSN` does.
  init(shardLocks: ContiguousArray<LockWord>, memoryLSN: SharedCounter.Reference, log: Log?) {
    lists = ShardLists(locks: shardLocks)
    listMax = max(16, Self.changesMax / max(1, shardLocks.count))
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

  /// Whether to announce and publish a change.
  @inlinable @inline(__always)
  var isActive: Bool { count.load(ordering: .acquiring) > 0 }

  /// Under no lock.
  @inlinable @inline(__always)
  func prefetchForChange(shard: Int) { if isActive { lists.prefetch(shard: shard) } }

  /// To be called before a change in a shard gets its LSN.
  @inlinable
  func announce(shard: Int) {
    // Where the change will go, which another processor may have written to last.
    lists[shard].pointee.prefetchEnd()
    lists.announce(shard: shard)
  }

  /// Takes a change of a document, and returns how many changes wait in the shard's list.
  @inlinable
  func publish(old: Entry<Key, Document>?, new: Entry<Key, Document>?, lsn: UInt64, shard: Int) -> Int {
    publish(
      .replaced(old: old.map(Unmanaged.passUnretained), new: new.map(Unmanaged.passUnretained), lsn: lsn),
      keeping: old, shard: shard)
  }

  /// - Parameter old: what the change replaces.
  @inlinable
  func publish(_ change: Change<Key, Document>, keeping old: AnySendableObject?, shard: Int) -> Int {
    let list = lists[shard]
    list.pointee.append(change, keeping: old, expected: listMax)
    lists.didAppend(shard: shard)
    return list.pointee.changes.count
  }

  /// Has subscribers woken that wait for something to happen, and lists collected that are long. To be called after changes
  /// were published, under no lock.
  /// - Parameter count: how many wait in one shard: where another thread collects, this one goes on up to twice `listMax`.
  @inlinable
  func didPublish(_ count: Int) {
    if count >= listMax || sleepers.load(ordering: .sequentiallyConsistent) > 0 { collect(count) }
  }

  @inlinable @inline(never)
  func collect(_ count: Int) {
    let isWanted = sleepers.load(ordering: .sequentiallyConsistent) > 0 && !planted(.subscriberNotWoken)
    if !isWanted && count < listMax { return }
    if !lock.reference.tryLock() {
      if !isWanted && count < 2 * listMax { return }
      lock.lock()
    }
    var lost = Lost()
    collect(&lost)
    lock.unlock()
    lost.letGo()
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
        for shard in lists.locks {
          shard.lock()
          shard.unlock()
        }
      }
      let lsn = collect(&lost)
      if isFinished { ring.finish(&lost) } else { rings.append(ring) }
      return lsn
    }
    return (EventSubscription(ring: ring, filter), lsn)
  }

  /// Gives a ring that has made all its events no more changes. Under the lock.
  @usableFromInline
  func forget(_ ring: EventRing<Key, Document>) {
    guard let place = rings.firstIndex(where: { $0 === ring }) else { return }
    rings.remove(at: place)
    // Who reads it no longer keeps what is replaced: everything has been looked at before.
    count.subtract(1, ordering: .releasing)
  }

  /// Makes events of all changes so far, so that nothing that has left the store is kept for them.
  func settle() {
    for ring in withLock({ _ in rings }) { ring.settle(isLast: false) }
  }

  /// Ends all subscriptions. Nobody looks at an entry for them when it returns.
  func finish() {
    let last = withLock { lost in
      collect(&lost)
      isFinished = true
      return rings
    }
    for ring in last { ring.settle(isLast: true) }
  }

  // MARK: Collecting, under the lock

  /// Gives the rings all changes up to the last LSN, which it returns, and wakes those who wait for some.
  @inlinable
  @discardableResult
  func collect(_ lost: inout Lost) -> UInt64 {
    let cut = lastLSN
    if isFinished { return cut }
    var parts = held
    held = []
    lists.take(areLocked: false) { parts.append($0) }
    if parts.isEmpty { return cut }
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

/// Changes that follow one another in the log: those of each shard in order.
@usableFromInline
final class EventSegment<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  @usableFromInline let count: Int
  @usableFromInline let parts: ContiguousArray<ChangeList<Key, Document>>

  /// A document of long ago is fetched from memory while as many others are looked at.
  @inlinable static var changesAhead: Int { 16 }

  @inlinable
  init(_ parts: ContiguousArray<ChangeList<Key, Document>>) {
    self.parts = parts
    var count = 0
    for part in parts { count += part.changes.count }
    self.count = count
  }

  /// Appends the changes as events, the last one first. By whoever has all later changes.
  @inlinable
  func appendReversed(to events: inout [Event<Key, Document>], shardBits: UInt32) {
    var places = ContiguousArray<(lsn: UInt64, part: Int, index: Int)>()
    places.reserveCapacity(count)
    for part in parts.indices {
      for index in parts[part].changes.indices { places.append((parts[part].changes[index].lsn, part, index)) }
    }
    // Those of a batch have one LSN, and are in one part.
    places.sort { $0.lsn != $1.lsn ? $0.lsn > $1.lsn : $0.index > $1.index }
    events.reserveCapacity(events.count + count)
    for number in places.indices {
      if number + Self.changesAhead < places.count {
        let coming = places[number + Self.changesAhead]
        if case .replaced(let old, let new, _) = parts[coming.part].changes[coming.index] {
          if let old { db_prefetch(old.toOpaque(), Entry<Key, Document>.size) }
          if let new { db_prefetch(new.toOpaque(), Entry<Key, Document>.size) }
        }
      }
      let place = places[number]
      events.append(Event(parts[place.part].changes[place.index], shardBits: shardBits))
    }
  }
}
