public import Synchronization

/// What waits for one subscriber, in order of the log: the events of one segment, of which some were taken, and then whole
/// segments. When there is more than its capacity, the oldest are dropped, in pieces as they are, and exactly when someone
/// takes some.
///
/// Who takes events takes the oldest pieces out under the lock of the hub, whatever their size in one step, and makes events
/// of them when the lock is given back: no writer waits for that. Meanwhile the ring keeps all later changes, also those that
/// it drops, and with them what events are made of: see `Change`.
///
/// Locks are taken in this order: `taking`, that of the hub.
///
/// Unchecked: everything but the constants is only touched under the lock of the hub.
@usableFromInline
final class EventRing<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  @usableFromInline typealias Hub = EventHub<Key, Document>
  @usableFromInline typealias Element = Event<Key, Document>
  @usableFromInline typealias Segment = EventSegment<Key, Document>

  @usableFromInline let hub: Hub
  @usableFromInline let shardBits: UInt32
  @usableFromInline let capacity: Int
  /// Held by whoever takes events: one at a time.
  @usableFromInline let taking = Lock()
  /// Of the last change all of whose events were taken, or lost. Changed by whoever takes events.
  @usableFromInline let resumeLSN = Atomic<UInt64>(0)
  /// The oldest, the very oldest last.
  @exclusivity(unchecked) @usableFromInline var ready: [Element] = []
  /// The others, from `first` on.
  @exclusivity(unchecked) @usableFromInline var segments: ContiguousArray<Segment?> = []
  @exclusivity(unchecked) @usableFromInline var first = 0
  /// Events and changes that are here, or were taken out and will come back.
  @exclusivity(unchecked) @usableFromInline var count = 0
  /// Whether someone makes events of what was taken out.
  @exclusivity(unchecked) @usableFromInline var isMaking = false
  /// How many of those will come back, as the oldest; `ready` is empty until then.
  @exclusivity(unchecked) @usableFromInline var returning = 0
  /// Later changes that are not here, kept until the events are made.
  @exclusivity(unchecked) @usableFromInline var kept: ContiguousArray<Segment> = []
  /// Events that were dropped and that the subscriber was not told of.
  @exclusivity(unchecked) @usableFromInline var dropped = 0
  /// Whether the last change is here, and whether all events are made besides.
  @exclusivity(unchecked) @usableFromInline var isComplete = false
  @exclusivity(unchecked) @usableFromInline var isFinished = false
  @exclusivity(unchecked) @usableFromInline var consumer: Hub.Lost.Consumer?

  init(_ hub: Hub, capacity: Int, shardBits: UInt32) {
    self.hub = hub
    self.shardBits = shardBits
    self.capacity = capacity
  }

  // MARK: Under the lock of the hub

  /// Events that are here and count as dropped.
  @inlinable
  var overflow: Int { max(0, count - capacity) }

  @inlinable
  func append(_ segment: Segment, _ lost: inout Hub.Lost) {
    if isComplete { return kept.append(segment) }
    segments.append(segment)
    count += segment.count
    while true {
      let oldest = ready.count + returning
      if oldest > 0, count - oldest >= capacity {
        didDrop(oldest)
        lost.events.append(ready)
        (ready, returning) = ([], 0)
      } else if oldest == 0, let segment = segments[first], count - segment.count >= capacity {
        didDrop(segment.count)
        if isMaking && !planted(.laterChangesNotKept) { kept.append(segment) } else { lost.segments.append(segment) }
        removeFirst()
      } else {
        break
      }
    }
    wakeConsumer(&lost)
  }

  @inlinable
  func didDrop(_ number: Int) {
    count -= number
    dropped += planted(.gapNotCounted) ? 0 : number
    hub.droppedBefore += number
  }

  @inlinable
  func removeFirst() {
    segments[first] = nil
    first += 1
    if first == segments.count || (first >= 64 && 2 * first >= segments.count) {
      segments.removeFirst(first)
      first = 0
    }
  }

  @inlinable
  func wakeConsumer(_ lost: inout Hub.Lost) {
    guard let waiting = consumer else { return }
    consumer = nil
    hub.sleepers.wrappingSubtract(1, ordering: .relaxed)
    lost.woken.append(waiting)
  }

  func finish(_ lost: inout Hub.Lost) {
    isFinished = true
    wakeConsumer(&lost)
  }

  /// Takes out what `limit` events are made of, or everything.
  @inlinable
  func takeOut(_ limit: Int?) -> EventsTaken<Key, Document> {
    var taken = EventsTaken<Key, Document>(toDrop: overflow)
    didDrop(taken.toDrop)
    if let limit {
      taken.gap = dropped
      dropped = 0
      taken.wanted = min(count, taken.gap > 0 ? limit - 1 : limit)
    }
    count -= taken.wanted
    var missing = limit == nil ? taken.toDrop + count : taken.toDrop + taken.wanted
    if missing == 0 { return taken }
    swap(&taken.ready, &ready)
    missing -= taken.ready.count
    while missing > 0, let segment = segments[first] {
      taken.segments.append(segment)
      missing -= segment.count
      removeFirst()
    }
    returning = limit == nil ? count : -missing
    isMaking = true
    return taken
  }

  /// Puts back what is left, unless it was dropped meanwhile.
  @inlinable
  func putBack(_ taken: inout EventsTaken<Key, Document>, _ lost: inout Hub.Lost) {
    if returning > 0 { swap(&ready, &taken.ready) }
    (returning, isMaking) = (0, false)
    lost.events.append(taken.ready)
    lost.events.append(taken.dropped)
    lost.segments += taken.segments
    lost.segments += kept
    kept = []
  }

  // MARK: Under no lock

  /// Takes up to `limit` events.
  /// - Parameter isCollecting: whether those that the shards still have are wanted too.
  @inlinable
  func take(_ limit: Int, isCollecting: Bool = true) -> [Element] {
    if limit <= 0 { return [] }
    return take(limit, isCollecting: isCollecting) { $0.makeEvents(shardBits) }
  }

  /// - Parameter make: makes events of what was taken out, while writers write.
  @inlinable
  func take(
    _ limit: Int, isCollecting: Bool, _ make: (inout EventsTaken<Key, Document>) -> [Element]
  ) -> [Element] {
    // Others that it wakes do not wait until the events of this one are made.
    if isCollecting { _ = hub.withLock { lost in hub.collect(&lost) } }
    var lost = Hub.Lost()
    taking.lock()
    var taken = hub.withLock(&lost) { _ in takeOut(limit) }
    if planted(.eventsMadeUnderTheLock) { hub.lock.lock() }
    let events = make(&taken)
    if planted(.eventsMadeUnderTheLock) { hub.lock.unlock() }
    // Events of one LSN are in one segment, so that the next ones, if they have the same, go back.
    if let lsn = events.last?.lsn {
      let isWhole = taken.ready.last?.lsn != lsn || planted(.resumedWithinAnLSN)
      resumeLSN.store(isWhole ? lsn : lsn - 1, ordering: .releasing)
    }
    // Only who holds `taking` changes it.
    if isMaking { hub.withLock(&lost) { lost in putBack(&taken, &lost) } }
    taking.unlock()
    lost.letGo()
    return events
  }

  /// Makes events of everything, which may then stay when changes of documents that it refers to are no longer told.
  /// - Parameter isLast: whether the subscription ends here.
  @usableFromInline
  func settle(isLast: Bool) {
    _ = hub.withLock { lost in hub.collect(&lost) }
    var lost = Hub.Lost()
    taking.lock()
    // What comes in between is here, or waits in a lane that keeps what it replaces.
    var taken = hub.withLock(&lost) { _ in
      if isLast { isComplete = true }
      return takeOut(nil)
    }
    _ = taken.makeEvents(shardBits)
    hub.withLock(&lost) { lost in
      putBack(&taken, &lost)
      if isLast {
        hub.forget(self)
        // What was published meanwhile, if nobody is left to collect it.
        if hub.rings.isEmpty { hub.collect(&lost) }
        finish(&lost)
      }
    }
    taking.unlock()
    lost.letGo()
  }

  /// Tells `continuation` when there may be events to take: true, now or later; false if there will be none.
  @inlinable
  func wait(_ continuation: Hub.Lost.Consumer) {
    let now = hub.withLock { lost -> Bool? in
      if count > 0 || dropped > 0 { return true }
      if isFinished || consumer != nil { return false }
      // Before the look: who publishes after it sees this, for both have a fence between what they say and what they look at.
      hub.sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
      atomicMemoryFence(ordering: .sequentiallyConsistent)
      consumer = continuation
      hub.collect(&lost)
      // A change whose LSN was not seen yet: its writer may have looked for sleepers before there was one.
      if consumer != nil, !hub.held.isEmpty { hub.collect(&lost) }
      return nil
    }
    if let now { continuation.resume(returning: now) }
  }
}

/// What was taken out of a ring, oldest first: events, then segments to make events of.
@usableFromInline
struct EventsTaken<Key: DocumentKey, Document: DarkBird.Document> {
  @usableFromInline typealias Element = Event<Key, Document>

  /// The very oldest last.
  @usableFromInline var ready: [Element] = []
  @usableFromInline var segments: ContiguousArray<EventSegment<Key, Document>> = []
  /// How many of the oldest are to be dropped, and how many are wanted then. The others go back.
  @usableFromInline let toDrop: Int
  @usableFromInline var wanted = 0
  /// The subscriber is to be told of as many that it lost.
  @usableFromInline var gap = 0
  /// Those that were to be dropped.
  @usableFromInline var dropped: [Element] = []

  @inlinable
  init(toDrop: Int) { self.toDrop = toDrop }

  /// Returns the events that are wanted. Those that go back are in `ready` then.
  @inlinable
  mutating func makeEvents(_ shardBits: UInt32) -> [Element] {
    var events: [Element] = []
    events.reserveCapacity(wanted + 1)
    if gap > 0 { events.append(.gap(dropped: gap)) }
    var made = 0
    for number in 0..<toDrop + wanted {
      if ready.isEmpty {
        segments[made].appendReversed(to: &ready, shardBits: shardBits)
        made += 1
      }
      if number < toDrop { dropped.append(ready.removeLast()) } else { events.append(ready.removeLast()) }
    }
    if made == segments.count { return events }
    var rest: [Element] = []
    for segment in segments[made...].reversed() { segment.appendReversed(to: &rest, shardBits: shardBits) }
    ready = rest + ready
    return events
  }
}
