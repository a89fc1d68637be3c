public import Synchronization

/// What waits for one subscriber, in order of the log: the events of one segment, of which some were taken, and then whole
/// segments. When there is more than its capacity, the oldest are dropped, in pieces as they are, and exactly when someone
/// takes some.
///
/// Unchecked: everything but the constants is only touched under the lock of the hub.
@usableFromInline
final class EventRing<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  @usableFromInline typealias Hub = EventHub<Key, Document>
  @usableFromInline typealias Element = Event<Key, Document>

  @usableFromInline let hub: Hub
  @usableFromInline let shardBits: UInt32
  @usableFromInline let capacity: Int
  /// The oldest, the very oldest last.
  @exclusivity(unchecked) @usableFromInline var ready: [Element] = []
  /// The others, from `first` on.
  @exclusivity(unchecked) @usableFromInline var segments: ContiguousArray<EventSegment<Key, Document>?> = []
  @exclusivity(unchecked) @usableFromInline var first = 0
  /// Events and changes that are here.
  @exclusivity(unchecked) @usableFromInline var count = 0
  /// Events that were dropped and that the subscriber was not told of.
  @exclusivity(unchecked) @usableFromInline var dropped = 0
  @exclusivity(unchecked) @usableFromInline var isFinished = false
  @exclusivity(unchecked) @usableFromInline var consumer: CheckedContinuation<Element?, Never>?

  init(_ hub: Hub, capacity: Int, shardBits: UInt32) {
    self.hub = hub
    self.shardBits = shardBits
    self.capacity = capacity
  }

  // MARK: Under the lock

  /// Events that are here and count as dropped.
  @inlinable
  var overflow: Int { max(0, count - capacity) }

  @inlinable
  func append(_ segment: EventSegment<Key, Document>, _ lost: inout Hub.Lost) {
    segments.append(segment)
    count += segment.count
    while true {
      if count - ready.count >= capacity, !ready.isEmpty {
        count -= ready.count
        didDrop(ready.count)
        lost.events.append(ready)
        ready = []
      } else if ready.isEmpty, let oldest = segments[first], count - oldest.count >= capacity {
        count -= oldest.count
        didDrop(oldest.count)
        lost.segments.append(oldest)
        removeFirst()
      } else {
        break
      }
    }
    if consumer != nil { wakeConsumer(&lost) }
  }

  @inlinable
  func didDrop(_ number: Int) {
    dropped += planted(.gapNotCounted) ? 0 : number
    hub.droppedBefore += number
  }

  @inlinable
  func removeFirst() {
    segments[first] = nil
    first += 1
    if first == segments.count || first >= 64 {
      segments.removeFirst(first)
      first = 0
    }
  }

  /// Takes the oldest event.
  @inlinable
  func next(_ lost: inout Hub.Lost) -> Element? {
    if ready.isEmpty {
      guard first < segments.count, let segment = segments[first] else { return nil }
      segment.appendReversed(to: &ready, shardBits: shardBits)
      // It may be the last reference.
      lost.segments.append(segment)
      removeFirst()
    }
    count -= 1
    return ready.removeLast()
  }

  /// Drops the oldest events.
  @inlinable
  func discard(_ number: Int, _ lost: inout Hub.Lost) {
    if number == 0 { return }
    var events: [Element] = []
    while events.count < number, let event = next(&lost) { events.append(event) }
    didDrop(events.count)
    lost.events.append(events)
  }

  /// Makes events of everything, which may then stay when changes of documents that it refers to are no longer told.
  @usableFromInline
  func settle(_ lost: inout Hub.Lost) {
    discard(overflow, &lost)
    var events: [Element] = []
    for case let segment? in segments.reversed() {
      segment.appendReversed(to: &events, shardBits: shardBits)
      lost.segments.append(segment)
    }
    ready = events + ready
    (segments, first) = ([], 0)
  }

  @inlinable
  func wakeConsumer(_ lost: inout Hub.Lost) {
    guard let waiting = consumer, let event = nextEvent(&lost) else { return }
    consumer = nil
    hub.sleepers.subtract(1, ordering: .relaxed)
    lost.woken.append((waiting, event))
  }

  @inlinable
  func nextEvent(_ lost: inout Hub.Lost) -> Element? {
    discard(overflow, &lost)
    if dropped > 0 {
      defer { dropped = 0 }
      return .gap(dropped: dropped)
    }
    return next(&lost)
  }

  func finish(_ lost: inout Hub.Lost) {
    isFinished = true
    guard let waiting = consumer else { return }
    consumer = nil
    hub.sleepers.subtract(1, ordering: .relaxed)
    lost.woken.append((waiting, nil))
  }

  // MARK: Taking events, under no lock

  @inlinable
  func take(_ limit: Int) -> [Element] {
    if limit <= 0 { return [] }
    return hub.withLock { lost in
      hub.collect(&lost)
      discard(overflow, &lost)
      let number = min(count, dropped > 0 ? limit - 1 : limit)
      var events: [Element] = []
      events.reserveCapacity(number + 1)
      if dropped > 0 { events.append(.gap(dropped: dropped)) }
      dropped = 0
      for _ in 0..<number { if let event = next(&lost) { events.append(event) } }
      return events
    }
  }

  /// Hands the next event to `continuation`, now or when there is one; nil at the end.
  @inlinable
  func take(for continuation: CheckedContinuation<Element?, Never>) {
    let now = hub.withLock { lost -> Element?? in
      if let event = nextEvent(&lost) { return .some(event) }
      if isFinished || consumer != nil { return .some(nil) }
      // Before the look: who publishes after it sees this.
      hub.sleepers.add(1, ordering: .sequentiallyConsistent)
      consumer = continuation
      hub.collect(&lost)
      return nil
    }
    if let now { continuation.resume(returning: now) }
  }
}
