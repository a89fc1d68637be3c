import DarkBird
import Foundation

/// What happens in a store, as the dashboard takes it: every event while there are few of them, a sample while there are many.
///
/// A subscriber costs every write something, and who takes events frees what they replaced: at 120,000 writes a second on two
/// cores a subscription took 6 % of them, and at 10,000 the dashboard's thread had 4 % of a core to do for two events that were
/// shown. So above a limit there is a subscription only for a moment now and then, and what happened otherwise is counted by
/// the counters of the store.
struct EventTap<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  /// Events that may wait between two calls. Of more some are passed over, and counted: it costs less to let the ring forget
  /// them than to take them out.
  private static var capacity: Int { 512 }
  /// Events taken at once: writers wait that long at most.
  private static var chunk: Int { 256 }
  /// Calls in a row that must have found so many: those that come all at once are no reason.
  private static var busyCallsMin: Int { 3 }

  /// How long a subscription lasts while there are many events: until about twice as many as are wanted have come. Seconds.
  static func moment(for wanted: Int, perSecond rate: Double) -> TimeInterval {
    min(0.01, max(0.000_2, 2 * Double(wanted) / max(rate, 1)))
  }

  struct Taken {
    var events: [Event<Key, Document>] = []
    var counted: UInt64 = 0
    /// Those of them that a ring had to forget.
    var passedOver: UInt64 = 0
  }

  private let store: Store<Key, Document>
  /// Events a second from which on there is no lasting subscription, and below which there is one again.
  private let busyFrom: Double
  private let calmBelow: Double
  /// Nil while there are many, and after the end.
  private var subscription: EventSubscription<Key, Document>?
  private var isClosed = false
  /// Writes that are counted already, while there is no subscription that counts.
  private var writes: UInt64 = 0
  private var busyCalls = 0
  private var last: ContinuousClock.Instant
  /// Between two moments: nobody reads as many lines as could be had.
  private let momentsApart: Duration
  private var lastMoment: ContinuousClock.Instant?

  init(
    _ store: Store<Key, Document>, busyFrom: Double, calmBelow: Double, momentsApart: Duration = .zero,
    now: ContinuousClock.Instant = .now
  ) {
    self.store = store
    self.momentsApart = momentsApart
    last = now
    self.busyFrom = busyFrom
    self.calmBelow = calmBelow
    subscription = store.events(capacity: Self.capacity)
  }

  mutating func close() {
    isClosed = true
    subscription?.cancel()
    subscription = nil
  }

  /// What happened since the last call.
  /// - Parameters:
  ///   - limit: events that are given at most.
  ///   - isSearched: whether events are looked for: then none is left out without need.
  ///   - seen: writes of the store when it was last asked: since the last call.
  mutating func take(limit: Int, isSearched: Bool, seen: UInt64, now: ContinuousClock.Instant = .now) -> Taken {
    guard !isClosed else { return Taken() }
    let seconds = max(1e-6, (now - last) / .seconds(1))
    last = now
    var taken = Taken()
    var kept = EvenSample<Event<Key, Document>>(limit)
    if let subscription {
      Self.drain(subscription, into: &taken, &kept)
      busyCalls = !isSearched && Double(taken.counted) > busyFrom * seconds ? busyCalls + 1 : 0
      if busyCalls == Self.busyCallsMin {
        busyCalls = 0
        self.subscription = nil
        subscription.cancel()
        // What came before the end.
        Self.drain(subscription, into: &taken, &kept)
        writes = store.statistics(exactIndexCounts: false).operations.writes
      }
    } else {
      taken.counted = seen - min(seen, writes)
      writes = max(writes, seen)
      let isCalm = Double(taken.counted) < calmBelow * seconds
      if !isSearched, !isCalm, let lastMoment, now - lastMoment < momentsApart { return taken }
      lastMoment = now
      let current = store.events(capacity: Self.capacity)
      if isSearched || isCalm {
        subscription = current
        taken.counted += store.statistics(exactIndexCounts: false).operations.writes - writes
      } else {
        Thread.sleep(forTimeInterval: Self.moment(for: limit, perSecond: Double(taken.counted) / seconds))
        // First, so that it loses nothing that it does not tell of.
        current.cancel()
        var part = Taken()
        Self.drain(current, into: &part, &kept)
        taken.passedOver = part.passedOver
      }
    }
    taken.events = kept.elements
    return taken
  }

  /// All that could wait at the beginning; what comes meanwhile is for the next call.
  private static func drain(
    _ subscription: EventSubscription<Key, Document>, into taken: inout Taken,
    _ kept: inout EvenSample<Event<Key, Document>>
  ) {
    var count = 0
    while count <= capacity {
      let part = subscription.drain(limit: chunk)
      count += part.count
      for event in part {
        if case .gap(let dropped) = event {
          taken.counted += UInt64(dropped)
          taken.passedOver += UInt64(dropped)
        } else {
          taken.counted += 1
          kept.offer(event)
        }
      }
      if part.count < chunk { break }
    }
  }
}
