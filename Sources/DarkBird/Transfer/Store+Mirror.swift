import Foundation
import Synchronization

/// How far a mirror has come.
public struct MirrorProgress: Sendable, Hashable {
  public enum State: Sendable, Hashable {
    /// Changes go over as they come.
    case following
    /// All documents are compared with the table, because the log does not reach back to what the table has.
    case copying(JobProgress)
    /// The connection was lost, for the reason given; it is tried again.
    case waiting(reason: String)
  }

  public var state = State.following
  /// The table is complete up to this LSN; nil if it never was.
  public var lsn: UInt64?
  /// Of the last change of the store.
  public var storeLSN: UInt64 = 0
  /// Changes that went over: the last one of each document in a batch.
  public var changes = 0
  /// How often all documents were compared.
  public var copies = 0
  /// How often the connection was lost and made again.
  public var reconnections = 0

  public init() {}
}

extension Store {
  /// Keeps a table equal to the store, a fraction of a second behind, until `progress` returns false or the store closes.
  ///
  /// Changes go over in batches; with each, in the same transaction, the table notes the LSN up to which it is complete.
  /// Whoever is killed in between, the next one goes on there: nothing is missed and nothing comes twice. A change goes over
  /// when it is durable here. A connection that is lost is tried again, at first after 0.1 s, then ever later, up to 10 s.
  /// - Parameters:
  ///   - endsWhenComplete: also ends once the table has all changes.
  ///   - batchMax: changes of a transaction, but for those of one LSN, which stay together.
  /// - Throws: `.invalidConfiguration` for a store in memory, `.readOnly`, what the first connection throws; later what does not go
  ///   away by itself.
  package func mirror(
    to replica: some Replica, endsWhenComplete: Bool = false, batchMax: Int = 10_000,
    progress: (MirrorProgress) -> Bool
  ) throws -> MirrorProgress {
    _ = try logToFollow()
    var run = MirrorRun(store: self, replica: replica, endsWhenComplete: endsWhenComplete, batchMax: batchMax)
    defer { replica.close() }
    while true {
      do {
        try run.follow(progress)
        return run.progress
      } catch StoreError.cancelled {
        // In the middle of a comparison of all documents.
        return run.progress
      } catch let error as DatabaseError where run.hasConnected && error.isTemporary {
        replica.close()
        if isClosed.load(ordering: .acquiring) { return run.progress }
        run.progress.state = .waiting(reason: "\(error)")
        if try !run.wait(run.delay, progress) { return run.progress }
        run.delay = min(run.delay * 2, .seconds(10))
        run.progress.reconnections += 1
      }
    }
  }
}

/// One call of `mirror`.
private struct MirrorRun<Key: DocumentKey, Document: DarkBird.Document, Table: Replica> {
  /// Between two transactions, while changes come slower than they could go.
  private static var pause: Duration { .milliseconds(50) }
  private static var delayMin: Duration { .milliseconds(100) }

  let store: Store<Key, Document>
  let replica: Table
  let endsWhenComplete: Bool
  let batchMax: Int
  var progress = MirrorProgress()
  var hasConnected = false
  var delay = Self.delayMin

  init(store: Store<Key, Document>, replica: Table, endsWhenComplete: Bool, batchMax: Int) {
    self.store = store
    self.replica = replica
    self.endsWhenComplete = endsWhenComplete
    self.batchMax = batchMax
  }

  /// Until it is to end.
  mutating func follow(_ report: (MirrorProgress) -> Bool) throws {
    var position = try replica.open(try store.replicated(store.replicaIdentifier))
    hasConnected = true
    while true {
      progress.lsn = position
      let events: ResumedEvents<Key, Document>
      do throws(StoreError) {
        guard let position else { throw StoreError.logTruncated(from: 0, firstAvailable: 0) }
        events = try store.events(capacity: 1 << 16, from: position)
      } catch {
        switch error {
        case .logTruncated, .unknownLSN: position = try copy(report)
        case .closed: return
        default: throw error
        }
        continue
      }
      do {
        if try follow(events, &position, report) { return }
      } catch StoreError.logTruncated {
        position = try copy(report)
      }
    }
  }

  private mutating func copy(_ report: (MirrorProgress) -> Bool) throws -> UInt64 {
    progress.copies += 1
    var progress = progress
    let copied = try store.copySnapshot(to: replica) { job in
      progress.state = .copying(job)
      progress.storeLSN = store.memoryLSN
      return report(progress)
    }
    self.progress.changes += copied.written + copied.removed
    return copied.lsn
  }

  /// - Returns: false if events were lost and must be asked for again from `position` on.
  private mutating func follow(
    _ events: ResumedEvents<Key, Document>, _ position: inout UInt64?, _ report: (MirrorProgress) -> Bool
  ) throws -> Bool {
    // Events of the last LSN that was taken, which may have more.
    var rest: [Event<Key, Document>] = []
    while true {
      let (isLast, seen) = (store.isClosed.load(ordering: .acquiring), store.memoryLSN)
      let taken = try events.drain(limit: batchMax)
      if case .gap? = taken.first(where: { if case .gap = $0 { true } else { false } }) { return false }
      let isFull = taken.count >= batchMax
      var changes = rest + taken
      rest = []
      if isFull, let last = changes.last?.lsn, !planted(.mirrorEndsWithinAnLSN) {
        let start = changes.lastIndex { $0.lsn != last }.map { $0 + 1 } ?? 0
        rest = Array(changes[start...])
        changes.removeSubrange(start...)
      }
      if let last = changes.last?.lsn {
        try store.sync()
        try replica.apply(try batch(changes, reaching: last))
        position = last
        delay = Self.delayMin
      } else if rest.isEmpty, let before = position, !store.isClosed.load(ordering: .acquiring) {
        // What a migration writes before it gives up has LSNs, and no events. A store that is closed no longer tells of all.
        position = max(before, seen)
      }
      progress.state = .following
      progress.lsn = position
      progress.storeLSN = store.memoryLSN
      if isLast && changes.isEmpty && rest.isEmpty { return true }
      if endsWhenComplete, rest.isEmpty, progress.storeLSN == position { return true }
      if !report(progress) { return true }
      if !isFull { Thread.sleep(forTimeInterval: Self.pause / .seconds(1)) }
    }
  }

  private mutating func batch(_ events: [Event<Key, Document>], reaching lsn: UInt64) throws -> ReplicaBatch {
    var last: [Key: (document: Document?, lsn: UInt64)] = [:]
    var batch = ReplicaBatch(isByLSN: true, reaches: lsn)
    for event in events {
      switch event {
      case .put(let key, _, let document, let lsn, _): last[key] = (document, lsn)
      case .removed(let key, _, let lsn, _): last[key] = (nil, lsn)
      case .replayed(let key, let document, let lsn, _): last[key] = (document, lsn)
      case .cleared(_, let lsn):
        // What an earlier try of the same changes has sent may still arrive at a table whose rows go over one by one, after it was
        // looked at for what is to be removed.
        last = last.mapValues { _ in (nil, lsn) }
        batch.clearedAt = lsn
      case .gap: preconditionFailure("a gap among changes")
      }
    }
    var rows: [(key: Key, document: Document, lsn: UInt64)] = []
    for (key, change) in last {
      if let document = change.document {
        rows.append((key, document, change.lsn))
      } else {
        batch.removed.append((KeyText.text(try Store<Key, Document>.value(key)), change.lsn))
      }
    }
    batch.rows = ReplicaRows(rows) { [store] in try store.replicaRow($0.key, $0.document, lsn: $0.lsn) }
    progress.changes += last.count
    return batch
  }

  /// - Returns: false if it is to end.
  func wait(_ time: Duration, _ report: (MirrorProgress) -> Bool) throws -> Bool {
    let end = ContinuousClock.now + time
    while true {
      if !report(progress) || store.isClosed.load(ordering: .acquiring) { return false }
      let rest = end - ContinuousClock.now
      if rest <= .zero { return true }
      Thread.sleep(forTimeInterval: min(rest, .milliseconds(50)) / .seconds(1))
    }
  }
}
