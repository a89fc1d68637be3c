import Synchronization

/// A subscription to the events of a store. Ends when it is cancelled, when the store closes, or when the last reference
/// to it goes.
///
/// Events wait in a ring of bounded size. When it is full, the oldest one is dropped and counted: a subscriber that is slow
/// loses events and is told so by `.gap`, and no writer waits for it, nor while it takes some, however many. Have one consumer:
/// either an asynchronous loop or calls of `drain`.
///
///     for await event in store.events() { … }
public final class EventSubscription<Key: DocumentKey, Document: DarkBird.Document>: AsyncSequence, Sendable {
  public typealias Element = Event<Key, Document>

  @usableFromInline let ring: EventRing<Key, Document>
  @usableFromInline let filter: (@Sendable (Element) -> Bool)?

  init(ring: EventRing<Key, Document>, _ filter: (@Sendable (Element) -> Bool)?) {
    self.ring = ring
    self.filter = filter
  }

  deinit { cancel() }

  /// Where `Store.events(from:)` goes on behind what was taken here: the LSN of the last change all of whose events were, or were
  /// lost before a `.gap` that was taken: to have those, go on from what this was before. Those of a batch have one LSN, so that the
  /// LSN of an event itself is not enough: who stops in the middle of a batch gets all of it again. Before the first event, that of
  /// the last change before the subscription.
  public var resumeLSN: UInt64 { ring.resumeLSN.load(ordering: .acquiring) }

  /// Takes up to `limit` waiting events, oldest first, without waiting for any. O(events taken), those that the filter leaves
  /// out included: of these it looks at no more than can wait at once, so that it returns however fast writers are.
  @inlinable
  public func drain(limit: Int = .max) -> [Event<Key, Document>] {
    guard let filter else { return ring.take(limit) }
    var taken: [Event<Key, Document>] = []
    var seen = 0
    while taken.count < limit, seen < ring.capacity {
      let wanted = limit - taken.count
      let events = ring.take(wanted)
      for event in events where event.passes(filter) { taken.append(event) }
      seen += events.count
      if events.count < wanted { break }
    }
    return taken
  }

  /// Ends the subscription; events that wait are still delivered.
  public func cancel() { ring.settle(isLast: true) }

  public func makeAsyncIterator() -> Iterator { Iterator(subscription: self) }

  public struct Iterator: AsyncIteratorProtocol {
    @usableFromInline let subscription: EventSubscription

    @inlinable
    public mutating func next() async -> Event<Key, Document>? {
      let ring = subscription.ring
      return await withTaskCancellationHandler {
        repeat {
          while let event = ring.take(1, isCollecting: false).first {
            if event.passes(subscription.filter) { return event }
          }
        } while await withCheckedContinuation { ring.wait($0) }
        return nil
      } onCancel: {
        ring.settle(isLast: true)
      }
    }
  }
}
