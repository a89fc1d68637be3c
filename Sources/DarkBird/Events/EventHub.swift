import Synchronization

/// The subscribers of a store. Publishing is O(subscribers), and nothing but an atomic load when there are none.
///
/// Unchecked: `rings` and `isFinished` are only touched under the lock.
final class EventHub<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  private let lock = Lock()
  private var rings: [EventRing<Key, Document>] = []
  private var isFinished = false
  private let count = Atomic<Int>(0)
  private let droppedCount = Atomic<UInt64>(0)

  var isActive: Bool { count.load(ordering: .acquiring) > 0 }
  var subscribers: Int { count.load(ordering: .relaxed) }
  var dropped: UInt64 { droppedCount.load(ordering: .relaxed) }

  func subscribe(capacity: Int) -> EventSubscription<Key, Document> {
    let ring = EventRing<Key, Document>(capacity: capacity)
    lock.withLock {
      if isFinished { return ring.finish() }
      rings.append(ring)
      count.store(rings.count, ordering: .releasing)
    }
    return EventSubscription(ring: ring, hub: self)
  }

  func remove(_ ring: EventRing<Key, Document>) {
    lock.withLock {
      rings.removeAll { $0 === ring }
      count.store(rings.count, ordering: .releasing)
    }
  }

  /// Publishes what `event` returns. Calls happen one after the other, so an LSN that `event` takes is in the order of
  /// publication.
  func publish(_ event: () -> Event<Key, Document>) {
    lock.withLock {
      let event = event()
      for ring in rings {
        let lost = ring.push(event)
        if lost > 0 { droppedCount.add(UInt64(lost), ordering: .relaxed) }
      }
    }
  }

  /// Ends all subscriptions.
  func finish() {
    let ended = lock.withLock {
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
