public import Synchronization

/// A change as the store makes it; `Event` is what subscribers get. It holds entries, so that publishing copies no document.
@usableFromInline
enum Change<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  /// A document was inserted, replaced or removed; one of the two is there.
  case replaced(old: Entry<Key, Document>?, new: Entry<Key, Document>?, lsn: UInt64)
  case cleared(count: Int, lsn: UInt64)
}

/// Changes that slow subscribers lost, to be freed once the locks are released: what a document does when it goes is user
/// code.
@usableFromInline
struct LostChanges<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  @usableFromInline var first: Change<Key, Document>?
  @usableFromInline var others: [Change<Key, Document>] = []

  @inlinable
  init() {}

  @inlinable
  mutating func append(_ change: consuming Change<Key, Document>) {
    if first == nil { first = change } else { others.append(change) }
  }
}

/// The subscribers of a store. Publishing is O(subscribers), and nothing but an atomic load when there are none.
///
/// Unchecked: `rings` and `isFinished` are only touched under the lock.
@usableFromInline
final class EventHub<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  @usableFromInline let shared = EventLock()
  @exclusivity(unchecked) @usableFromInline var rings: [EventRing<Key, Document>] = []
  private var isFinished = false
  @usableFromInline let count = Atomic<Int>(0)
  @usableFromInline let droppedCount = Atomic<UInt64>(0)

  init() {}

  @inlinable
  var isActive: Bool { count.load(ordering: .acquiring) > 0 }
  var subscribers: Int { count.load(ordering: .relaxed) }
  var dropped: UInt64 { droppedCount.load(ordering: .relaxed) }

  /// A ring for `subscribe`.
  func ring(capacity: Int, shardBits: UInt32) -> EventRing<Key, Document> {
    EventRing(shared, capacity: capacity, shardBits: shardBits)
  }

  func subscribe(
    _ ring: EventRing<Key, Document>, _ filter: (@Sendable (Event<Key, Document>) -> Bool)? = nil
  ) -> EventSubscription<Key, Document> {
    let isTooLate = shared.lock.withLock {
      if isFinished { return true }
      rings.append(ring)
      count.store(rings.count, ordering: .releasing)
      return false
    }
    if isTooLate { ring.finish() }
    return EventSubscription(ring: ring, hub: self, filter)
  }

  func remove(_ ring: EventRing<Key, Document>) {
    shared.lock.withLock {
      rings.removeAll { $0 === ring }
      count.store(rings.count, ordering: .releasing)
    }
  }

  /// Publishes what `change` returns. Calls happen one after the other, so an LSN that `change` takes is in the order of
  /// publication.
  @inlinable
  func publish(_ lost: inout LostChanges<Key, Document>, _ change: () -> Change<Key, Document>) {
    let early = planted(.eventsOutOfOrder) ? (change(), planted(.eventsOutOfOrder)).0 : nil
    shared.lock.lock()
    let change = early ?? change()
    for ring in rings {
      guard let dropped = ring.push(change) else { continue }
      lost.append(dropped)
      droppedCount.add(1, ordering: .relaxed)
    }
    shared.lock.unlock()
  }

  /// Publishes `count` changes with one LSN, with nothing between them, and returns the LSN.
  @inlinable
  func publish(
    _ lost: inout LostChanges<Key, Document>, count: Int, lsn: () -> UInt64,
    _ change: (_ position: Int, _ lsn: UInt64) -> Change<Key, Document>
  ) -> UInt64 {
    shared.lock.lock()
    defer { shared.lock.unlock() }
    let lsn = lsn()
    for position in 0..<count {
      for ring in rings {
        guard let dropped = ring.push(change(position, lsn)) else { continue }
        lost.append(dropped)
        droppedCount.add(1, ordering: .relaxed)
      }
    }
    return lsn
  }

  /// Ends all subscriptions.
  func finish() {
    let ended = shared.lock.withLock {
      defer {
        isFinished = true
        rings = []
        count.store(0, ordering: .releasing)
      }
      return rings
    }
    for ring in ended { ring.finish() }
  }
}
