import DequeModule

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

  init(ring: EventRing<Key, Document>, hub: EventHub<Key, Document>) {
    self.ring = ring
    self.hub = hub
  }

  deinit { cancel() }

  /// Takes up to `limit` waiting events, oldest first, without waiting for any. O(events taken).
  public func drain(limit: Int = .max) -> [Event<Key, Document>] { ring.take(limit) }

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
        await withCheckedContinuation { ring.take(for: $0) }
      } onCancel: {
        ring.finish()
      }
    }
  }
}

/// The events that wait for one subscriber.
///
/// Unchecked: everything but the lock is only touched under it.
final class EventRing<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  typealias Element = Event<Key, Document>

  private let lock = Lock()
  private let capacity: Int
  private var events: Deque<Element> = []
  private var dropped = 0
  private var isFinished = false
  private var consumer: CheckedContinuation<Element?, Never>?

  init(capacity: Int) { self.capacity = capacity }

  /// Adds an event; returns how many were dropped for it (0 or 1).
  func push(_ event: Element) -> Int {
    let (waiting, lost) = lock.withLock { () -> (CheckedContinuation<Element?, Never>?, Int) in
      if isFinished { return (nil, 0) }
      if let waiting = consumer {
        consumer = nil
        return (waiting, 0)
      }
      var lost = 0
      if events.count >= capacity {
        events.removeFirst()
        dropped += 1
        lost = 1
      }
      events.append(event)
      return (nil, lost)
    }
    waiting?.resume(returning: event)
    return lost
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
    return events.popFirst()
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
