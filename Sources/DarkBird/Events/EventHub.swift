public import CDarkBird
public import Synchronization

/// A change as the store makes it; `Event` is what subscribers get. Publishing copies no document and, but for what is replaced,
/// counts no reference.
///
/// Unsafe corner: `new` is not retained. It is in the store, or was replaced by a later change, which retains it as `old`; or it
/// went with all others, and the later change that says so keeps them. Changes are lost from the oldest on, so whoever has a
/// change and all later ones, under the hub's lock, may look at what is new in it.
@usableFromInline
enum Change<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  // Unchecked: entries are Sendable, and so are references to them.
  /// A document was inserted, replaced or removed; one of the two is there.
  case replaced(old: Entry<Key, Document>?, new: Unmanaged<Entry<Key, Document>>?, lsn: UInt64)
  case cleared(count: Int, lsn: UInt64, keeping: AnyObject)

  @inlinable
  init(old: Entry<Key, Document>?, new: Entry<Key, Document>?, lsn: UInt64) {
    self = .replaced(old: old, new: new.map(Unmanaged.passUnretained), lsn: lsn)
  }

  @inlinable
  var lsn: UInt64 {
    switch self {
    case .replaced(_, _, let lsn), .cleared(_, let lsn, _): lsn
    }
  }
}

/// The subscribers of a store.
///
/// A write appends its change to a list of its shard, under the lock of the shard: subscribers cost writers no lock, and no
/// memory that all processors write to. Who takes events, or has appended to a list that is long, collects the lists of all
/// shards: what is in them up to an LSN is a segment of the order of the log, and every ring gets it as a whole. Changes are put
/// in order, and made events, only for those who take them: a subscriber that is slow loses them as they are.
///
/// Locks are taken in this order: this one, shards.
///
/// Unchecked: everything but the lists, the constants and the atomics is only touched under the lock.
@usableFromInline
final class EventHub<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  @usableFromInline typealias Change = DarkBird.Change<Key, Document>

  @usableFromInline
  struct List: ShardList {
    @usableFromInline var changes: ContiguousArray<Change> = []
    @inlinable var isEmpty: Bool { changes.isEmpty }

    @inlinable
    init() {}
  }

  /// What may go only once the locks are released: what a document does when it goes is user code.
  @usableFromInline
  struct Lost {
    @usableFromInline var segments: ContiguousArray<EventSegment<Key, Document>> = []
    @usableFromInline var events: [[Event<Key, Document>]] = []

    @inlinable
    init() {}
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
  @exclusivity(unchecked) @usableFromInline var held: ContiguousArray<ContiguousArray<Change>> = []
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

  /// Events that subscribers lost.
  /// - Parameter waiting: changes in the lists of all shards.
  func dropped(waiting: Int) -> Int {
    lock.withLock { rings.reduce(droppedBefore) { $0 + max(0, $1.count + waiting - $1.capacity) } }
  }

  /// Changes in the list of a shard. Under its lock.
  func waiting(shard: Int) -> Int { lists[shard].pointee.changes.count }

  @usableFromInline
  var lastLSN: UInt64 { log?.memoryLSN ?? (isFinished ? 0 : memoryLSN.value) }

  /// Runs `body` under the lock, and frees after it what was lost.
  @inlinable
  func withLock<R>(_ body: (inout Lost) -> R) -> R {
    var lost = Lost()
    defer { withExtendedLifetime(lost) {} }
    lock.lock()
    defer { lock.unlock() }
    return body(&lost)
  }

  // MARK: Publishing, under the lock of a shard

  /// Whether to announce and publish a change.
  @inlinable @inline(__always)
  var isActive: Bool { count.load(ordering: .relaxed) > 0 }

  /// Under no lock.
  @inlinable @inline(__always)
  func prefetchForChange(shard: Int) { if isActive { lists.prefetch(shard: shard) } }

  /// To be called before a change in a shard gets its LSN.
  @inlinable
  func announce(shard: Int) {
    // Where the change will go, which another processor may have written to last.
    lists[shard].pointee.changes.withUnsafeBufferPointer {
      if let start = $0.baseAddress { db_prefetch_to_write(start + $0.count) }
    }
    lists.announce(shard: shard)
  }

  /// Takes a change, and returns how many wait in the shard's list.
  @inlinable
  func publish(_ change: consuming Change, shard: Int) -> Int {
    let list = lists[shard]
    list.pointee.changes.append(change)
    lists.didAppend(shard: shard)
    let count = list.pointee.changes.count
    // A list that fills grows once.
    if count == 4 { list.pointee.changes.reserveCapacity(listMax) }
    return count
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
    withExtendedLifetime(lost) {}
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
      if isFinished { ring.finish() } else { rings.append(ring) }
      return lsn
    }
    return (EventSubscription(ring: ring, filter), lsn)
  }

  /// Ends a subscription; events that wait are still delivered.
  func remove(_ ring: EventRing<Key, Document>) {
    withLock { lost in
      if rings.contains(where: { $0 === ring }) {
        collect(&lost)
        ring.settle(&lost)
        rings.removeAll { $0 === ring }
        count.subtract(1, ordering: .relaxed)
      }
      ring.finish()
    }
  }

  /// Makes events of all changes so far, so that nothing that has left the store is kept for them.
  func settle() {
    withLock { lost in
      collect(&lost)
      for ring in rings { ring.settle(&lost) }
    }
  }

  /// Ends all subscriptions.
  func finish() {
    withLock { lost in
      collect(&lost)
      isFinished = true
      for ring in rings {
        ring.settle(&lost)
        ring.finish()
      }
      rings = []
      count.store(0, ordering: .relaxed)
    }
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
    lists.take(areLocked: false) { parts.append($0.changes) }
    if parts.isEmpty { return cut }
    if !planted(.eventsOutOfOrder) {
      for index in parts.indices {
        guard let last = parts[index].last, last.lsn > cut else { continue }
        let count = parts[index].count - parts[index].reversed().prefix { $0.lsn > cut }.count
        held.append(ContiguousArray(parts[index][count...]))
        parts[index].removeSubrange(count...)
      }
    }
    let segment = EventSegment(parts)
    lost.segments.append(segment)
    if segment.count > 0 { for ring in rings { ring.append(segment, &lost) } }
    return cut
  }
}

/// Changes that follow one another in the log: those of each shard in order.
///
/// Unchecked: `parts` never change, but when they are freed.
@usableFromInline
final class EventSegment<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  @usableFromInline typealias Change = DarkBird.Change<Key, Document>

  @usableFromInline let count: Int
  @exclusivity(unchecked) @usableFromInline var parts: ContiguousArray<ContiguousArray<Change>>

  /// A document of long ago is fetched from memory while as many others are looked at.
  @inlinable static var changesAhead: Int { 16 }

  @inlinable
  init(_ parts: ContiguousArray<ContiguousArray<Change>>) {
    self.parts = parts
    count = parts.reduce(0) { $0 + $1.count }
  }

  @inlinable
  deinit {
    var parts = ContiguousArray<ContiguousArray<Change>>()
    swap(&parts, &self.parts)
    while var part = parts.popLast() {
      for place in part.indices.suffix(Self.changesAhead) { Self.prefetch(place, of: part) }
      while let last = part.indices.last {
        Self.prefetch(last - Self.changesAhead, of: part)
        part.removeLast()
      }
    }
  }

  /// Appends the changes as events, the last one first. Under the lock of the hub, by whoever has all later changes.
  @inlinable
  func appendReversed(to events: inout [Event<Key, Document>], shardBits: UInt32) {
    var places = ContiguousArray<(lsn: UInt64, part: Int, index: Int)>()
    places.reserveCapacity(count)
    for (part, changes) in parts.enumerated() {
      for (index, change) in changes.enumerated() { places.append((change.lsn, part, index)) }
    }
    // Those of a batch have one LSN, and are in one part.
    places.sort { $0.lsn != $1.lsn ? $0.lsn > $1.lsn : $0.index > $1.index }
    events.reserveCapacity(events.count + count)
    for (number, place) in places.enumerated() {
      if number + Self.changesAhead < places.count {
        let coming = places[number + Self.changesAhead]
        Self.prefetch(coming.index, of: parts[coming.part])
      }
      events.append(Event(parts[place.part][place.index], shardBits: shardBits))
    }
  }

  /// Has the documents of a change fetched from memory.
  ///
  /// Safe: reads the first two words of a place, where a change keeps its references, as numbers. Where it does not, the
  /// processor is told useless addresses.
  @inlinable @inline(__always)
  static func prefetch(_ place: Int, of part: ContiguousArray<Change>) {
    part.withUnsafeBufferPointer { places in
      guard place >= 0, let start = places.baseAddress else { return }
      let words = UnsafeRawPointer(start + place)
      let size = Entry<Key, Document>.size
      if let old = words.loadUnaligned(as: UnsafeRawPointer?.self) { db_prefetch(old, size) }
      if let new = words.loadUnaligned(fromByteOffset: 8, as: UnsafeRawPointer?.self) { db_prefetch(new, size) }
    }
  }
}
