import DequeModule

/// The events of a store on disk from a known LSN on: first those that its log still has, then the live ones, in the order of
/// the log, each once. Ends when it is cancelled, when the store closes, or when the last reference to it goes.
///
///     let events = try store.events(from: lastSeen)
///     for try await event in events {
///       if case .gap = event { break }  // and again, from `lastSeen`
///       …
///       lastSeen = events.resumeLSN
///     }
///
/// Events out of the log are `.replayed`: the log does not know what was there before. They are read when they are asked for, a
/// part of a page at a time, in the time of the subscriber, who may so take as long as it likes: it loses nothing while it reads
/// the log. Once it has come within half of its capacity of the present it is an `EventSubscription` like any other, which may
/// lose events and says so by `.gap`; then, or after an error, subscribe again from the `resumeLSN` before that.
///
/// No page of the log is kept for a subscriber: if a checkpoint removes one that it has not read, it gets `.logTruncated`, and
/// must begin again with a look at all documents. Have one consumer: either an asynchronous loop or calls of `drain`.
///
/// Unchecked: `source`, `ready` and `complete` are only touched under the lock.
public final class ResumedEvents<Key: DocumentKey, Document: DarkBird.Document>: AsyncSequence, @unchecked Sendable {
  public typealias Element = Event<Key, Document>
  public typealias Failure = StoreError

  /// Where the log is being read.
  private struct Reading {
    var follower: LogFollower
    /// The last LSN to read; it was written.
    var target: UInt64
    /// Has every event after `target`; nil while that is too far away.
    var live: EventSubscription<Key, Document>?
  }

  private enum Source {
    case log(Reading)
    /// A consumer reads the log now.
    case isBusy
    case live(EventSubscription<Key, Document>)
    case failed(StoreError)
    case ended
  }

  private let log: Log
  private let fileSystem: any FileSystem
  private let hub: EventHub<Key, Document>
  private let capacity: Int
  private let shardBits: UInt32
  private let filter: (@Sendable (Element) -> Bool)?
  private let lock = Lock()
  private var source: Source
  /// Events out of the log that nobody has taken yet: of one part of a page at most.
  private var ready: Deque<Element> = []
  /// Of the last change in the log all of whose events were taken.
  private var complete: UInt64

  init(
    _ disk: Disk, _ log: Log, _ hub: EventHub<Key, Document>, after lsn: UInt64, capacity: Int, shardBits: UInt32,
    _ filter: (@Sendable (Element) -> Bool)?
  ) throws(StoreError) {
    self.log = log
    fileSystem = disk.fileSystem
    self.hub = hub
    self.capacity = capacity
    self.shardBits = shardBits
    self.filter = filter
    complete = lsn
    let last = log.lsns.memory
    if lsn > last { throw .unknownLSN(lsn: lsn, last: last) }
    try log.wait(for: lsn, .written)
    let follower = try LogFollower(log, disk.directory, disk.fileSystem, after: lsn)
    source = .ended
    var reading = Reading(follower: follower, target: lsn)
    try catchUp(&reading)
    source = .log(reading)
  }

  // MARK: Taking events

  /// Where `Store.events(from:)` goes on behind what was taken here: the LSN of the last change all of whose events were, those that
  /// the filter leaves out included; and those that were lost before a `.gap` that was taken: to have these, go on from what this
  /// was before. Before the first event, the one that this was asked for.
  public var resumeLSN: UInt64 {
    lock.withLock {
      if case .live(let subscription) = source, ready.isEmpty { return Swift.max(complete, subscription.resumeLSN) }
      return complete
    }
  }

  /// Takes up to `limit` events, oldest first: what the log has, which is read from the disk, then what waits. Waits for
  /// nothing but the disk. O(events taken), those that the filter leaves out included: it goes little further than to the last
  /// change at the time of the call, so that it returns however fast writers are.
  /// - Throws: as the loop, once the events before the error are taken.
  public func drain(limit: Int = .max) throws(StoreError) -> [Element] {
    var taken: [Element] = []
    let last = log.lsns.memory
    var seen = 0
    while taken.count < limit {
      switch step() {
      case .event(let event): if passes(event) { taken.append(event) }
      case .read(let lsn):
        if lsn > last { return taken }
        readMore()
      case .live(let subscription):
        let wanted = limit - taken.count
        let events = subscription.drain(limit: wanted)
        taken += events.filter(passes)
        seen += events.count
        if events.count < wanted || seen >= capacity { return taken }
      case .end(let error):
        if let error, taken.isEmpty { throw error }
        return taken
      }
    }
    return taken
  }

  /// Ends the subscription. Of the live events, those that wait are still delivered.
  public func cancel() {
    // What goes is destroyed under no lock: what a document does then is user code.
    var (left, events): (Source, Deque<Element>) = (.ended, [])
    let live = lock.withLock { () -> EventSubscription<Key, Document>? in
      if case .live(let subscription) = source { return subscription }
      swap(&left, &source)
      swap(&events, &ready)
      return nil
    }
    withExtendedLifetime((left, events)) {}
    live?.cancel()
  }

  public func makeAsyncIterator() -> Iterator { Iterator(events: self) }

  public struct Iterator: AsyncIteratorProtocol {
    let events: ResumedEvents

    public mutating func next() async throws(StoreError) -> Element? { try await events.next() }

    public mutating func next(isolation actor: isolated (any Actor)?) async throws(StoreError) -> Element? {
      try await events.next()
    }
  }

  private func next() async throws(StoreError) -> Element? {
    while !Task.isCancelled {
      switch step() {
      case .event(let event): if passes(event) { return event }
      case .read:
        await withCheckedContinuation { continuation in
          let read: @Sendable () -> Void = {
            self.readMore()
            continuation.resume()
          }
          // This waits for the disk: on a thread of the pool that runs tasks only where the system gives no other.
          do { try fileSystem.startThread("darkbird resume", read) } catch { read() }
        }
      case .live(let subscription):
        var iterator = subscription.makeAsyncIterator()
        guard let event = await iterator.next() else { return nil }
        if passes(event) { return event }
      case .end(let error):
        if let error { throw error }
        return nil
      }
    }
    cancel()
    return nil
  }

  private func passes(_ event: Element) -> Bool { event.passes(filter) }

  private enum Step {
    case event(Element)
    /// On from an LSN.
    case read(UInt64)
    case live(EventSubscription<Key, Document>)
    case end(StoreError?)
  }

  private func step() -> Step {
    lock.withLock {
      if let event = ready.popFirst() {
        // Of a batch all are there, or none.
        if let lsn = event.lsn { complete = ready.first?.lsn == lsn && !planted(.resumedWithinAnLSN) ? lsn - 1 : lsn }
        return .event(event)
      }
      switch source {
      case .log(let reading): return .read(reading.follower.lastLSN)
      case .live(let subscription): return .live(subscription)
      case .failed(let error): return .end(error)
      case .isBusy, .ended: return .end(nil)
      }
    }
  }

  // MARK: Reading the log

  /// Reads one part of the log, under no lock, or goes over to the live events.
  private func readMore() {
    let reading = lock.withLock { () -> Reading? in
      guard case .log(let reading) = source else { return nil }
      source = .isBusy
      return reading
    }
    guard var reading else { return }
    var events: [Element] = []
    var next: Source
    do throws(StoreError) {
      if reading.follower.lastLSN == reading.target { try catchUp(&reading) }
      if reading.follower.lastLSN < reading.target {
        try reading.follower.read(through: reading.target) { (record) throws(StoreError) in
          events.append(try event(record))
        }
      }
      next = .log(reading)
      if reading.follower.lastLSN == reading.target, let live = reading.live { next = .live(live) }
    } catch {
      // Of a batch all or nothing: who has an event of it may go on from there.
      let complete = reading.follower.lastLSN
      while let lsn = events.last?.lsn, lsn > complete { events.removeLast() }
      next = .failed(error)
    }
    lock.withLock {
      guard case .isBusy = source else { return }
      ready.append(contentsOf: events)
      source = next
    }
  }

  /// Sets the target to what is in memory now, and, once that is near, subscribes to all that comes after it.
  private func catchUp(_ reading: inout Reading) throws(StoreError) {
    if reading.live != nil { return }
    let read = reading.follower.lastLSN
    if log.lsns.memory - read <= UInt64(Swift.max(1, capacity / 2)) {
      let (subscription, lsn) = hub.subscribe(capacity: capacity, shardBits: shardBits)
      (reading.target, reading.live) = (lsn, subscription)
    } else {
      reading.target = log.lsns.memory
    }
    try log.wait(for: reading.target, .written)
  }

  private func event(_ record: LogRecord) throws(StoreError) -> Element {
    if record.kind == .clear { return .cleared(count: nil, lsn: record.lsn) }
    var key: Key?
    do {
      var reader = CBORReader(record.key)
      let found = try Key(cbor: &reader)
      key = found
      reader = CBORReader(record.document)
      let document = record.kind == .put ? try Document(cbor: &reader) : nil
      let shard = Int(found.storeHash & (1 << UInt(shardBits) - 1))
      return .replayed(key: found, document: document, lsn: record.lsn, shard: shard)
    } catch {
      throw .undecodable(
        key: key?.description ?? "of \(record.key.count) bytes", lsn: record.lsn, reason: "\(error)")
    }
  }
}
