/// Tags and range fields: the indexes that refuse nothing, and so need not be changed by each write.
///
/// A write appends what it changes to a list of its shard, under the shard's lock, which it holds anyway. Whoever looks at these
/// indexes takes their lock, and has everything put in first that was changed up to an LSN, the cut. So what is found is exactly
/// the state of one moment, that of the cut. Many changes are put in at once, sorted by tag or value: a set of documents is found
/// once for all that comes into it. A writer whose list is long does the same, so that neither the lists nor the time that a
/// query takes grow without bound.
///
/// `ShardLists` says why nothing is missed.
///
/// Locks are taken in this order: this one, shards, stripes of unique values.
///
/// Unsafe corner: tables are allocated for as long as this object lives, so that neither references are counted nor accesses
/// checked at run time, and so that a store is loaded by several threads, each with a table of its own.
///
/// Unchecked: tables and `held` are only touched under the lock.
@usableFromInline
final class DeferredIndexes: @unchecked Sendable {
  static let tagTables = 32
  /// How many changes in a shard's list are many, for a writer then puts them in, where there are about so many documents. The
  /// more there are, the more of them come into one set, and the more memory they take: 136 bytes each with two tags and a value,
  /// and one with many tags counts as a quarter of them.
  @inlinable @inline(__always)
  static func listMax(documents: Int, shards: Int) -> Int {
    max(16, min(64 << 10, max(16 << 10, documents / 8)) / shards)
  }

  /// Fewer changes than this are put in one by one.
  private static let bulkMin = 48

  private let uniqueCount: Int
  private let rangeCount: Int
  /// What the tags of each tag field begin with; nil where they are computed.
  private let tagPrefixes: [String?]
  private let lock = Lock()
  private let tags: UnsafeMutablePointer<TagPostings>
  private let ranges: UnsafeMutablePointer<OrderedMap<IndexValue>>
  /// Changes that were taken from the shards, in order for each shard, and how many of them have been put in: the others lie
  /// beyond the last cut.
  private var held: ContiguousArray<(taken: TakenChanges, done: Int)> = []

  private let lists: ShardLists

  /// - Parameter shardLocks: of the shards that change; their owner must keep them for as long as this object is used.
  init(uniques: Int, ranges rangeCount: Int, tagPrefixes: [String?], shardLocks: ContiguousArray<LockWord>) {
    uniqueCount = uniques
    self.rangeCount = rangeCount
    self.tagPrefixes = tagPrefixes
    lists = ShardLists(locks: shardLocks)
    tags = .allocate(capacity: Self.tagTables)
    tags.initialize(repeating: TagPostings(prefixes: tagPrefixes), count: Self.tagTables)
    ranges = .allocate(capacity: rangeCount)
    for range in 0..<rangeCount { (ranges + range).initialize(to: OrderedMap()) }
  }

  /// A copy that shares everything until one of the two changes, of what has been put in. Under the other one's lock.
  convenience init(copying other: DeferredIndexes) {
    self.init(uniques: other.uniqueCount, ranges: other.rangeCount, tagPrefixes: other.tagPrefixes, shardLocks: [])
    for table in 0..<Self.tagTables { tags[table] = other.tags[table] }
    for range in 0..<rangeCount { ranges[range] = other.ranges[range] }
  }

  deinit {
    tags.deinitialize(count: Self.tagTables)
    tags.deallocate()
    ranges.deinitialize(count: rangeCount)
    ranges.deallocate()
  }

  private func table(_ tag: TagName) -> Int { Int(tag.hash % UInt(Self.tagTables)) }

  /// Has what an append begins with fetched from memory. Under no lock.
  @usableFromInline
  func prefetchForChange(shard: Int) { lists.prefetch(shard: shard) }

  // MARK: Writing, under the lock of a shard

  /// To be called before a change in a shard gets its LSN.
  @usableFromInline
  func announce(shard: Int) {
    // Where the change will go, which another processor may have written to last.
    lists[shard].pointee.prefetchEnd()
    lists.announce(shard: shard)
  }

  /// Takes a change, and returns how much waits in the shard's list. What changes nothing here is left out.
  /// - Parameter listMax: see there.
  @usableFromInline
  func append(
    _ number: DocumentNumber, old: IndexKeys, new: IndexKeys, lsn: UInt64, shard: Int, listMax: Int
  ) -> Int {
    let list = lists[shard]
    list.pointee.append(lsn, number, old: old, new: new, uniques: uniqueCount, expected: listMax)
    lists.didAppend(shard: shard)
    return list.pointee.weight
  }

  /// The same for a new document, whose keys are of no use afterwards.
  @usableFromInline
  func append(_ number: DocumentNumber, moving new: inout IndexKeys, lsn: UInt64, shard: Int, listMax: Int) -> Int {
    let list = lists[shard]
    list.pointee.append(lsn, number, moving: &new, uniques: uniqueCount, expected: listMax)
    lists.didAppend(shard: shard)
    return list.pointee.weight
  }

  /// Puts changes in if too many wait. Under no lock.
  /// - Parameter count: how many wait in one shard: where another thread puts them in, this one goes on up to twice `listMax`.
  @usableFromInline
  func relieve(_ count: Int, listMax: Int, asOf: () -> UInt64) {
    if !lock.reference.tryLock() {
      if count < 2 * listMax { return }
      lock.lock()
    }
    defer { lock.unlock() }
    putIn(asOf)
  }

  // MARK: Reading

  /// Runs `body` while these indexes are exactly as of the LSN that it gets: that of the last change when this was called, or of
  /// a later one.
  func withAll<R>(asOf: () -> UInt64, body: (_ lsn: UInt64) -> R) -> R {
    lock.lock()
    defer { lock.unlock() }
    return body(putIn(asOf))
  }

  /// Runs `body` while these indexes are as of the last change that was put in.
  func withLock<R>(_ body: () -> R) -> R { lock.withLock(body) }

  /// Puts the rest in while all shards are locked, within `withAll`.
  func putInRest(lsn: UInt64) {
    lists.take(areLocked: true) { held.append((TakenChanges($0), 0)) }
    apply(upTo: lsn)
  }

  func documents(_ tag: TagName) -> DocumentSet { tags[table(tag)].documents(tag) ?? DocumentSet() }

  func documents(range: Int) -> OrderedMap<IndexValue> { ranges[range] }

  var postings: some Sequence<TagPostings> { (0..<Self.tagTables).lazy.map { self.tags[$0] } }

  /// Forgets everything, also what waits, while all shards are locked. The caller frees it after the locks are.
  func removeAll() -> [Any] {
    lists.take(areLocked: true) { held.append((TakenChanges($0), 0)) }
    defer {
      held = []
      for table in 0..<Self.tagTables { tags[table] = TagPostings(prefixes: tagPrefixes) }
      for range in 0..<rangeCount { ranges[range] = OrderedMap() }
    }
    return [held, Array(postings), (0..<rangeCount).map(documents(range:))]
  }

  /// Changes that wait in the lists, while nothing is written.
  var waitingChanges: Int { lists.locks.indices.reduce(0) { $0 + lists[$1].pointee.marks.count } }

  // MARK: Putting in, under the lock

  @discardableResult
  private func putIn(_ asOf: () -> UInt64) -> UInt64 {
    let lsn = asOf()
    lists.take(areLocked: false) { held.append((TakenChanges($0), 0)) }
    apply(upTo: lsn)
    return lsn
  }

  /// Puts in what is held up to an LSN; the rest stays.
  private func apply(upTo lsn: UInt64) {
    if held.isEmpty { return }
    // Keeps what is put in until that is done.
    let before = held
    defer { withExtendedLifetime(before) {} }
    held = []
    var tags: ContiguousArray<UnsafeBufferPointer<IndexChanges.Tagged>> = []
    var ranges: ContiguousArray<UnsafeBufferPointer<IndexChanges.Ranged>> = []
    for (taken, done) in before {
      let all = taken.changes.marks.count
      let count = planted(.changesBeyondTheCut) ? all : taken.changes.count(upTo: lsn)
      let part = taken.changes.part(done..<count)
      tags.append(part.tags)
      ranges.append(part.ranges)
      if count < all, !planted(.heldChangesForgotten) { held.append((taken, count)) }
    }
    apply(tags)
    if rangeCount == 1 { return apply(ranges, range: 0) }
    // Dealt out once: a look at all of them for each field would cost fields x changes.
    var fields = [ContiguousArray<IndexChanges.Ranged>](repeating: [], count: rangeCount)
    for part in ranges {
      for change in part { fields[Int(change.field)].append(change) }
    }
    for range in 0..<rangeCount { apply([fields[range]], range: range) }
  }

  /// Puts tags in, of each document in the order of its changes. A thread that has all tags of some tables to itself may do so
  /// while others put in the rest.
  func apply(_ parts: ContiguousArray<some Collection<IndexChanges.Tagged>>) {
    let count = parts.reduce(0) { $0 + $1.count }
    if count < Self.bulkMin {
      for part in parts {
        for change in part {
          let table = table(change.name)
          if change.isRemoval {
            tags[table].remove(change.name, change.number)
          } else {
            tags[table].insert(change.tag, change.number)
          }
        }
      }
      return
    }
    var order = BulkOrder(capacity: count)
    for part in parts {
      for change in part {
        let table = table(change.name)
        let place = tags[table].place(of: change.tag)
        let key = UInt64(place * Self.tagTables + table)
        order.append(BulkItem(key: key, change.number, isRemoval: change.isRemoval))
      }
    }
    order.sort()
    var emptied: [Int] = []
    order.forEachSet { key, inserted, removed in
      let (place, table) = Int(key).quotientAndRemainder(dividingBy: Self.tagTables)
      if !planted(.bulkRemovalForgotten) {
        for number in removed { tags[table].remove(number, at: place) }
      }
      if !inserted.isEmpty { tags[table].insert(inserted, at: place) }
      if !removed.isEmpty { emptied.append(Int(key)) }
    }
    // The last places first: what moves to a place that becomes free is none of them.
    for key in emptied.reversed() { tags[key % Self.tagTables].removeIfEmpty(key / Self.tagTables) }
  }

  /// The same for a range field, of which all the changes are.
  func apply(_ parts: ContiguousArray<some Collection<IndexChanges.Ranged>>, range: Int) {
    let count = parts.reduce(0) { $0 + $1.count }
    if count < Self.bulkMin {
      for part in parts {
        for change in part {
          if change.isRemoval {
            ranges[range].remove(change.value, change.number)
          } else {
            ranges[range].insert(change.value, change.number)
          }
        }
      }
      return
    }
    var order = BulkOrder(capacity: count)
    let value = sortKeys(parts) { order.append($0) }
    order.sort()
    order.forEachSet { key, inserted, removed in
      let value = value(key)
      if !planted(.bulkRemovalForgotten) {
        for number in removed { ranges[range].remove(value, number) }
      }
      if !inserted.isEmpty { ranges[range].insert(value, inserted) }
    }
  }

  /// Calls `body` with each change of a range field, its value as a number with the same order, and returns what gives the value
  /// back. Integers, as most values are, need no look at others for that.
  private func sortKeys(
    _ parts: ContiguousArray<some Collection<IndexChanges.Ranged>>, _ body: (BulkItem) -> Void
  ) -> (UInt64) -> IndexValue {
    let sign = UInt64(1) << 63
    let areIntegers = parts.allSatisfy { part in
      part.allSatisfy { change in
        if case .int = change.value { return true }
        return false
      }
    }
    if areIntegers {
      for part in parts {
        for change in part {
          guard case .int(let value) = change.value else { continue }
          body(BulkItem(key: UInt64(bitPattern: value) ^ sign, change.number, isRemoval: change.isRemoval))
        }
      }
      return { .int(Int64(bitPattern: $0 ^ sign)) }
    }
    var values = parts.flatMap { $0.lazy.map(\.value) }
    values.sort()
    var distinct: [IndexValue] = []
    for value in values where distinct.last != value { distinct.append(value) }
    for part in parts {
      for change in part {
        var (low, high) = (0, distinct.count - 1)
        while low < high {
          let middle = (low + high) >> 1
          if distinct[middle] < change.value { low = middle + 1 } else { high = middle }
        }
        body(BulkItem(key: UInt64(low), change.number, isRemoval: change.isRemoval))
      }
    }
    return { distinct[Int($0)] }
  }
}
