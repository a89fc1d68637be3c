public import CDarkBird

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

  @usableFromInline let ring: EventRing<Key, Document>
  private let hub: EventHub<Key, Document>
  @usableFromInline let filter: (@Sendable (Element) -> Bool)?

  init(
    ring: EventRing<Key, Document>, hub: EventHub<Key, Document>, _ filter: (@Sendable (Element) -> Bool)?
  ) {
    self.ring = ring
    self.hub = hub
    self.filter = filter
  }

  deinit { cancel() }

  /// Takes up to `limit` waiting events, oldest first, without waiting for any. O(events taken).
  @inlinable
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

/// The lock that a hub and its rings have in common, so that publishing takes only one.
@usableFromInline
final class EventLock: Sendable {
  @usableFromInline let lock = Lock()

  init() {}
}

/// The changes that wait for one subscriber.
///
/// Writers wait for whoever holds the lock. So a consumer takes all changes by leaving an empty circle for the full one, and
/// makes events of them, and frees them, afterwards.
///
/// Unchecked: everything but the constants is only touched under the lock.
@usableFromInline
final class EventRing<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  @usableFromInline typealias Element = Event<Key, Document>
  @usableFromInline typealias Circle = ContiguousArray<Change<Key, Document>?>
  /// A change that is going to be taken or dropped refers to a document of long ago, which is fetched from memory while as many
  /// others are taken or dropped.
  @inlinable static var changesAhead: Int { 8 }

  @usableFromInline let shared: EventLock
  @usableFromInline let shardBits: UInt32
  @usableFromInline let capacity: Int
  /// `count` changes from `first` on.
  @exclusivity(unchecked) @usableFromInline var circle: Circle
  @exclusivity(unchecked) @usableFromInline var first = 0
  @exclusivity(unchecked) @usableFromInline var count = 0
  @exclusivity(unchecked) @usableFromInline var dropped = 0
  /// An empty circle to leave for the other; nil before the first one is needed, and while a consumer has it.
  @exclusivity(unchecked) @usableFromInline var spare: Circle?
  private var isFinished = false
  @exclusivity(unchecked) @usableFromInline var consumer: CheckedContinuation<Event<Key, Document>?, Never>?

  init(_ lock: EventLock, capacity: Int, shardBits: UInt32) {
    shared = lock
    self.shardBits = shardBits
    self.capacity = capacity
    circle = Circle(repeating: nil, count: capacity)
  }

  /// Adds a change; returns the oldest if it was dropped for it. Under the lock.
  @inlinable
  func push(_ change: Change<Key, Document>) -> Change<Key, Document>? {
    var last = first &+ count
    if last >= circle.count { last &-= circle.count }
    if count == circle.count {
      // Exchanged, for a copy would count references.
      var oldest: Change<Key, Document>? = change
      swap(&circle[last], &oldest)
      Self.prefetch(last &+ Self.changesAhead, of: circle)
      first = first &+ 1 == circle.count ? 0 : first &+ 1
      dropped &+= planted(.gapNotCounted) ? 0 : 1
      return oldest
    }
    circle[last] = change
    count &+= 1
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

  /// Has the documents of a change fetched from memory.
  ///
  /// Safe: reads the first two words of a place, where a change keeps its references, as numbers. Where it does not, the
  /// processor is told useless addresses.
  @inlinable @inline(__always)
  static func prefetch(_ place: Int, of circle: Circle) {
    circle.withUnsafeBufferPointer { places in
      guard place < places.count, let start = places.baseAddress else { return }
      let words = UnsafeRawPointer(start + place)
      if let old = words.loadUnaligned(as: UnsafeRawPointer?.self) { db_prefetch_to_write(old) }
      if let new = words.loadUnaligned(fromByteOffset: 8, as: UnsafeRawPointer?.self) { db_prefetch_to_write(new) }
    }
  }

  @inlinable
  func take(_ limit: Int) -> [Element] {
    if limit <= 0 { return [] }
    shared.lock.lock()
    let empty = spare
    spare = nil
    shared.lock.unlock()
    var taken = empty ?? Circle(repeating: nil, count: capacity)
    shared.lock.lock()
    let gap = dropped
    let number = min(count, gap > 0 ? limit - 1 : limit)
    let start = first
    dropped = 0
    if number == count {
      swap(&circle, &taken)
      (first, count) = (0, 0)
    } else {
      for place in places(start, number) { swap(&circle[place], &taken[place]) }
      first = (start + number) % capacity
      count -= number
    }
    shared.lock.unlock()
    var events: [Element] = []
    events.reserveCapacity(number + 1)
    if gap > 0 { events.append(.gap(dropped: gap)) }
    for place in places(start, number) {
      Self.prefetch(place &+ Self.changesAhead, of: taken)
      var change: Change<Key, Document>?
      swap(&change, &taken[place])
      if let change { events.append(Event(change, shardBits: shardBits)) }
    }
    shared.lock.lock()
    spare = taken
    shared.lock.unlock()
    return events
  }

  /// The places of changes in the order of their publication.
  @inlinable
  func places(_ start: Int, _ count: Int) -> some Sequence<Int> {
    let capacity = capacity
    return (start..<start + count).lazy.map { $0 < capacity ? $0 : $0 - capacity }
  }

  /// Hands the next event to `continuation`, now or when there is one; nil at the end.
  func take(for continuation: CheckedContinuation<Element?, Never>) {
    let now = shared.lock.withLock { () -> Element?? in
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
    guard count > 0, let change = circle[first] else { return nil }
    circle[first] = nil
    first = first + 1 == circle.count ? 0 : first + 1
    count -= 1
    return Event(change, shardBits: shardBits)
  }

  func finish() {
    let waiting = shared.lock.withLock {
      isFinished = true
      defer { consumer = nil }
      return consumer
    }
    waiting?.resume(returning: nil)
  }
}
