import CDarkBird
import Synchronization

/// Tags and range fields: the indexes that refuse nothing, and so need not be changed by each write.
///
/// A write appends what it changes to a list of its shard, under the shard's lock, which it holds anyway. Whoever looks at these
/// indexes takes their lock, and has everything put in first that was changed up to an LSN, the cut. So what is found is exactly
/// the state of one moment, that of the cut. Many changes are put in at once, sorted by tag or value: a set of documents is found
/// once for all that comes into it. A writer whose list is long does the same, so that neither the lists nor the time that a
/// query takes grow without bound.
///
/// Why nothing is missed: a write sets the bit of its shard before it gets its LSN, and appends to the list before it gives the
/// shard back. Whoever reads the cut and then the bits so sees those of all writes up to the cut, and has the shard's lock
/// only after such a write is done with the list. What is found there beyond the cut is held for the next time.
///
/// Locks are taken in this order: this one, shards, stripes of unique values.
///
/// Unsafe corner: tables and lists are allocated for as long as this object lives, so that neither references are counted nor
/// accesses checked at run time, and so that a store is loaded by several threads, each with a table of its own.
///
/// Unchecked: tables and `held` are only touched under the lock, a shard's list under the shard's.
@usableFromInline
final class DeferredIndexes: @unchecked Sendable {
  static let tagTables = 32
  /// Changes that wait in all shards, about, before a writer puts them in; at most twice as many.
  private static let changesMax = 16 << 10
  /// Fewer changes than this are put in one by one.
  private static let bulkMin = 48

  private let uniqueCount: Int
  private let rangeCount: Int
  private let tagFieldCount: Int
  private let lock = Lock()
  private let tags: UnsafeMutablePointer<TagPostings>
  private let ranges: UnsafeMutablePointer<OrderedMap<IndexValue>>
  /// Changes that were taken from the shards but lie beyond the last cut, in order for each shard.
  private var held: ContiguousArray<IndexChanges> = []

  private let shardLocks: ContiguousArray<LockWord>
  private let lists: UnsafeMutableRawPointer
  /// Shards that have, or will have, something in their lists: 64 to a word.
  private let waiting: UnsafeMutablePointer<Atomic<UInt64>>
  private let waitingWords: Int
  /// How many changes in a shard's list are many.
  @usableFromInline let listMax: Int

  /// - Parameter shardLocks: of the shards that change; their owner must keep them for as long as this object is used.
  init(uniques: Int, ranges rangeCount: Int, tagFields: Int, shardLocks: ContiguousArray<LockWord>) {
    uniqueCount = uniques
    self.rangeCount = rangeCount
    tagFieldCount = tagFields
    self.shardLocks = shardLocks
    tags = .allocate(capacity: Self.tagTables)
    tags.initialize(repeating: TagPostings(fieldCount: tagFields), count: Self.tagTables)
    ranges = .allocate(capacity: rangeCount)
    for range in 0..<rangeCount { (ranges + range).initialize(to: OrderedMap()) }
    let shards = shardLocks.count
    listMax = max(16, Self.changesMax / max(1, shards))
    lists = .allocate(byteCount: max(1, shards) * Self.listBytes, alignment: Self.listBytes)
    waitingWords = (shards + 63) / 64
    waiting = .allocate(capacity: waitingWords)
    for word in 0..<waitingWords { (waiting + word).initialize(to: Atomic(0)) }
    for shard in 0..<shards {
      (lists + shard * Self.listBytes).bindMemory(to: IndexChanges.self, capacity: 1).initialize(to: IndexChanges())
    }
  }

  /// A copy that shares everything until one of the two changes, of what has been put in. Under the other one's lock.
  convenience init(copying other: DeferredIndexes) {
    self.init(uniques: other.uniqueCount, ranges: other.rangeCount, tagFields: other.tagFieldCount, shardLocks: [])
    for table in 0..<Self.tagTables { tags[table] = other.tags[table] }
    for range in 0..<rangeCount { ranges[range] = other.ranges[range] }
  }

  deinit {
    tags.deinitialize(count: Self.tagTables)
    tags.deallocate()
    ranges.deinitialize(count: rangeCount)
    ranges.deallocate()
    for shard in shardLocks.indices { list(shard).deinitialize(count: 1) }
    lists.deallocate()
    waiting.deinitialize(count: waitingWords)
    waiting.deallocate()
  }

  /// Each list has a cache line of its own.
  private static var listBytes: Int { 64 }

  private func list(_ shard: Int) -> UnsafeMutablePointer<IndexChanges> {
    (lists + shard * Self.listBytes).assumingMemoryBound(to: IndexChanges.self)
  }

  private func table(_ tag: TagName) -> Int { Int(tag.hash % UInt(Self.tagTables)) }

  /// Has what an append begins with fetched from memory. Under no lock.
  @usableFromInline
  func prefetchForChange(shard: Int) { db_prefetch_to_write(lists + shard * Self.listBytes) }

  // MARK: Writing, under the lock of a shard

  /// To be called before a change in a shard gets its LSN.
  @usableFromInline
  func announce(shard: Int) {
    if !list(shard).pointee.isEmpty || planted(.changeAnnouncedTooLate) {
      // Where the change will go, which another processor may have written to last.
      list(shard).pointee.prefetchEnd()
      return
    }
    waiting[shard / 64].bitwiseOr(1 << UInt64(shard % 64), ordering: .relaxed)
  }

  /// Takes a change, and returns how many wait in the shard's list. What changes nothing here is left out.
  @usableFromInline
  func append(
    _ number: DocumentNumber, old: IndexKeys, new: IndexKeys, lsn: UInt64, shard: Int
  ) -> Int {
    let list = list(shard)
    list.pointee.append(lsn, number, old: old, new: new, uniques: uniqueCount, expected: listMax)
    if planted(.changeAnnouncedTooLate) {
      waiting[shard / 64].bitwiseOr(1 << UInt64(shard % 64), ordering: .relaxed)
    }
    return list.pointee.marks.count
  }

  /// Puts changes in if too many wait. Under no lock.
  /// - Parameter count: how many wait in one shard: where another thread puts them in, this one goes on up to twice `listMax`.
  @usableFromInline
  func relieve(_ count: Int, asOf: () -> UInt64) {
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

  /// Puts the rest in while all shards are locked, within `withAll`.
  func putInRest(lsn: UInt64) {
    take(areLocked: true)
    apply(upTo: lsn)
  }

  func documents(_ tag: TagName) -> DocumentSet { tags[table(tag)].documents(tag) ?? DocumentSet() }

  func documents(range: Int) -> OrderedMap<IndexValue> { ranges[range] }

  var postings: some Sequence<TagPostings> { (0..<Self.tagTables).lazy.map { self.tags[$0] } }

  /// Forgets everything, also what waits, while all shards are locked. The caller frees it after the locks are.
  func removeAll() -> [Any] {
    take(areLocked: true)
    defer {
      held = []
      for table in 0..<Self.tagTables { tags[table] = TagPostings(fieldCount: tagFieldCount) }
      for range in 0..<rangeCount { ranges[range] = OrderedMap() }
    }
    return [held, Array(postings), (0..<rangeCount).map(documents(range:))]
  }

  /// Changes that wait in the lists, while nothing is written.
  var waitingChanges: Int { shardLocks.indices.reduce(0) { $0 + list($1).pointee.marks.count } }

  // MARK: Putting in, under the lock

  @discardableResult
  private func putIn(_ asOf: () -> UInt64) -> UInt64 {
    let lsn = asOf()
    take(areLocked: false)
    apply(upTo: lsn)
    return lsn
  }

  /// Takes the lists of all shards. O(1) under the lock of each.
  private func take(areLocked: Bool) {
    for word in 0..<waitingWords {
      var bits = waiting[word].load(ordering: .relaxed)
      while bits != 0 {
        let bit = bits.trailingZeroBitCount
        bits &= bits - 1
        let shard = word * 64 + bit
        var taken = IndexChanges()
        if !areLocked { shardLocks[shard].lock() }
        swap(&taken, &list(shard).pointee)
        // A write that has announced its change and not made it holds this lock.
        waiting[word].bitwiseAnd(~(1 << UInt64(bit)), ordering: .relaxed)
        if !areLocked { shardLocks[shard].unlock() }
        if !taken.isEmpty { held.append(taken) }
      }
    }
  }

  /// Puts in what is held up to an LSN; the rest stays.
  private func apply(upTo lsn: UInt64) {
    if held.isEmpty { return }
    var tags: ContiguousArray<ArraySlice<IndexChanges.Tagged>> = []
    var ranges: ContiguousArray<ArraySlice<IndexChanges.Ranged>> = []
    var rest: ContiguousArray<IndexChanges> = []
    for changes in held {
      let count = planted(.changesBeyondTheCut) ? changes.marks.count : changes.count(upTo: lsn)
      let prefix = changes.prefix(count)
      tags.append(prefix.tags)
      ranges.append(prefix.ranges)
      if count < changes.marks.count { rest.append(changes.dropFirst(count)) }
    }
    held = planted(.heldChangesForgotten) ? [] : rest
    apply(tags)
    for range in 0..<rangeCount { apply(ranges, range: range) }
  }

  /// Puts tags in, of each document in the order of its changes. A thread that has all tags of some tables to itself may do so
  /// while others put in the rest.
  func apply(_ parts: ContiguousArray<ArraySlice<IndexChanges.Tagged>>) {
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

  /// The same for a range field: puts in those of the changes that are of this one.
  func apply(_ parts: ContiguousArray<ArraySlice<IndexChanges.Ranged>>, range: Int) {
    let count = parts.reduce(0) { $0 + $1.count }
    if count < Self.bulkMin {
      for part in parts {
        for change in part where Int(change.field) == range {
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
    let value = sortKeys(parts, range) { order.append($0) }
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
    _ parts: ContiguousArray<ArraySlice<IndexChanges.Ranged>>, _ range: Int, _ body: (BulkItem) -> Void
  ) -> (UInt64) -> IndexValue {
    let sign = UInt64(1) << 63
    let areIntegers = parts.allSatisfy { part in
      part.allSatisfy { change in
        if case .int = change.value { return true }
        return Int(change.field) != range
      }
    }
    if areIntegers {
      for part in parts {
        for change in part where Int(change.field) == range {
          guard case .int(let value) = change.value else { continue }
          body(BulkItem(key: UInt64(bitPattern: value) ^ sign, change.number, isRemoval: change.isRemoval))
        }
      }
      return { .int(Int64(bitPattern: $0 ^ sign)) }
    }
    var values = parts.flatMap { $0.lazy.filter { Int($0.field) == range }.map(\.value) }
    values.sort()
    var distinct: [IndexValue] = []
    for value in values where distinct.last != value { distinct.append(value) }
    for part in parts {
      for change in part where Int(change.field) == range {
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
