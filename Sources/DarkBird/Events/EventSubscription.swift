/// A subscription to the events of a store. Ends when it is cancelled, when the store closes, or when the last reference
/// to it goes.
///
/// Events wait in a ring of bounded size. When it is full, the oldest one is dropped and counted: a subscriber that is slow
/// loses events and is told so by `.gap`, and no writer ever waits for it. Have one consumer: either an asynchronous loop or
/// calls of `drain`.
///
///     for await event in store.events() { … }
public final class EventSubscription<Key: DocumentKey, Document: DarkBird.Document>: AsyncSequence, Sendable {
  public typealias Element = Event<Key, Document>

  let ring: EventRing<Key, Document>
  private let hub: EventHub<Key, Document>
  private let filter: (@Sendable (Element) -> Bool)?

  init(
    ring: EventRing<Key, Document>, hub: EventHub<Key, Document>, _ filter: (@Sendable (Element) -> Bool)?
  ) {
    self.ring = ring
    self.hub = hub
    self.filter = filter
  }

  deinit { cancel() }

  /// Takes up to `limit` waiting events, oldest first, without waiting for any. O(events taken).
  public func drain(limit: Int = .max) -> [Event<Key, Document>] {
    guard let filter else { return ring.take(limit) }
    var taken: [Event<Key, Document>] = []
    while taken.count < limit {
      let events = ring.take(limit - taken.count)
      if events.isEmpty { break }
      for event in events where event.passes(filter) { taken.append(event) }
    }
    return taken
  }

  /// Ends the subscription; events that wait are still delivered.
  public func cancel() {
    hub.remove(ring)
    ring.finish()
  }

  public func makeAsyncIterator() -> Iterator { Iterator(subscription: self) }

  public struct Iterator: AsyncIteratorProtocol {
    let subscription: EventSubscription

    public mutating func next() async -> Event<Key, Document>? {
      let ring = subscription.ring
      return await withTaskCancellationHandler {
        while let event = await withCheckedContinuation({ ring.take(for: $0) }) {
          if event.passes(subscription.filter) { return event }
        }
        return nil
      } onCancel: {
        ring.finish()
      }
    }
  }
}

/// The changes that wait for one subscriber.
///
/// Unchecked: everything but the lock is only touched under it.
@usableFromInline
final class EventRing<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  typealias Element = Event<Key, Document>

  @usableFromInline let lock = Lock()
  private let shardBits: UInt32
  /// A circle of changes, `count` of them from `first` on.
  @usableFromInline var changes: [Change<Key, Document>?]
  @usableFromInline var first = 0
  @usableFromInline var count = 0
  @usableFromInline var dropped = 0
  private var isFinished = false
  @usableFromInline var consumer: CheckedContinuation<Event<Key, Document>?, Never>?

  init(capacity: Int, shardBits: UInt32) {
    self.shardBits = shardBits
    changes = Array(repeating: nil, count: capacity)
  }

  /// Adds a change; returns the oldest if it was dropped for it.
  @inlinable
  func push(_ change: Change<Key, Document>) -> Change<Key, Document>? {
    lock.lock()
    defer { lock.unlock() }
    var last = first + count
    if last >= changes.count { last -= changes.count }
    if count == changes.count {
      let oldest = changes[last]
      changes[last] = change
      first = first + 1 == changes.count ? 0 : first + 1
      dropped += planted(.gapNotCounted) ? 0 : 1
      return oldest
    }
    changes[last] = change
    count += 1
    if consumer != nil { wakeConsumer() }
    return nil
  }

  /// Under the lock. What the consumer does next runs on a thread of its own.
  @usableFromInline
  func wakeConsumer() {
    guard let waiting = consumer else { return }
    consumer = nil
    waiting.resume(returning: popFirst())
  }

  func take(_ limit: Int) -> [Element] {
    lock.withLock {
      var taken: [Element] = []
      while taken.count < limit, let event = popFirst() { taken.append(event) }
      return taken
    }
  }

  /// Hands the next event to `continuation`, now or when there is one; nil at the end.
  func take(for continuation: CheckedContinuation<Element?, Never>) {
    let now = lock.withLock { () -> Element?? in
      if let event = popFirst() { return .some(event) }
      if isFinished || consumer != nil { return .some(nil) }
      consumer = continuation
      return nil
    }
    if let now { continuation.resume(returning: now) }
  }

  private func popFirst() -> Element? {
    if dropped > 0 {
      defer { dropped = 0 }
      return .gap(dropped: dropped)
    }
    guard count > 0, let change = changes[first] else { return nil }
    changes[first] = nil
    first = first + 1 == changes.count ? 0 : first + 1
    count -= 1
    return Event(change, shardBits: shardBits)
  }

  func finish() {
    let waiting = lock.withLock {
      isFinished = true
      defer { consumer = nil }
      return consumer
    }
    waiting?.resume(returning: nil)
  }
}
