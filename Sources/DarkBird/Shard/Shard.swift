public import CDarkBird
public import Synchronization

/// A part of the documents, chosen by the hash of the key, with a lock of its own.
///
/// Unsafe corner: a reference to memory that a `ShardTable` owns. It is passed around without counting references, for threads
/// that count the same references slow each other more than the lock does.
///
/// Unchecked: `contents` is only touched under the lock.
@usableFromInline
struct Shard<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  @usableFromInline
  struct Contents {
    @usableFromInline var map: ShardMap<Key, Document>
    /// All but the lookups.
    @usableFromInline var operations = StoreStatistics.Operations()
    @usableFromInline var lockWaits: UInt64 = 0
    @usableFromInline var lockWaitNanoseconds: UInt64 = 0
  }

  @usableFromInline let mutex: LockWord
  /// Odd while the contents change, and another number after each change: what lookups without a lock look at. Changed under
  /// the lock only. Hans Boehm, Can seqlocks get along with programming language memory models? (2012); every word that they
  /// read is an atomic that is written with release, so that no fences are needed.
  @usableFromInline let sequence: UnsafeMutablePointer<Atomic<UInt32>>
  @usableFromInline let contents: UnsafeMutablePointer<Contents>
  @usableFromInline let hint: TableHint

  @inlinable @inline(__always)
  init(
    mutex: LockWord, sequence: UnsafeMutablePointer<Atomic<UInt32>>, contents: UnsafeMutablePointer<Contents>,
    hint: TableHint
  ) {
    self.mutex = mutex
    self.sequence = sequence
    self.contents = contents
    self.hint = hint
  }

  /// Has the word of a key fetched from memory, before the lock is taken.
  @inlinable @inline(__always)
  func prefetch(_ hash: UInt) {
    hint.prefetch { EntryWord<Entry<Key, Document>>.home(hash, capacity: $0) }
  }

  /// The same with what every change of the shard writes to, which probably another processor has written to last.
  @inlinable @inline(__always)
  func prefetchForChange(_ hash: UInt) {
    db_prefetch_to_write(sequence)
    db_prefetch_to_write(UnsafeRawPointer(sequence) + 64)
    hint.prefetchForChange { EntryWord<Entry<Key, Document>>.home(hash, capacity: $0) }
  }

  @inlinable @inline(__always)
  func lock() {
    if planted(.shardNotLocked) { return }
    if !mutex.tryLock() { waitAndLock() }
  }

  @inlinable @inline(__always)
  func unlock() { mutex.unlock() }

  /// To be called under the lock when a change is certain, before anyone can know of it: from then on lookups wait for the lock.
  @inlinable @inline(__always)
  func beginChange() { sequence.pointee.store(sequence.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }

  @inlinable @inline(__always)
  func endChange() { sequence.pointee.store(sequence.pointee.load(ordering: .relaxed) &+ 1, ordering: .releasing) }

  @usableFromInline
  func waitAndLock() {
    let start = monotonicNanoseconds()
    mutex.waitAndLock()
    contents.pointee.lockWaits += 1
    contents.pointee.lockWaitNanoseconds += monotonicNanoseconds() - start
  }

  /// The entry under a key. Must be called under the lock.
  @inlinable @inline(__always)
  func find(_ key: Key, hash: UInt) -> Entry<Key, Document>? {
    ShardMap<Key, Document>.find(
      WordView(words: contents.pointee.map.table.words, capacity: contents.pointee.map.table.capacity), key, hash: hash)
  }

  @inlinable
  func withLock<R>(_ body: (inout ShardMap<Key, Document>) -> R) -> R {
    lock()
    defer { unlock() }
    return body(&contents.pointee.map)
  }

  /// Replaces `old` by `new`, as `ShardMap.apply`. Must be called under the lock, and within a change if there may be readers:
  /// those may still look at `old`, and at what is returned.
  @inlinable @inline(__always)
  @discardableResult
  func apply(old: Entry<Key, Document>?, new: Entry<Key, Document>?, hash: UInt, slot: Int) -> WordMemory? {
    contents.pointee.map.apply(old: old, new: new, hash: hash, slot: slot)
    // First without the table, of which a copy would count references.
    return hint.isOf(contents.pointee.map.table.words) ? nil : hint.update(contents.pointee.map.table)
  }

  /// What a lookup without the lock found.
  @usableFromInline
  enum Sight {
    /// The entry, for as long as the thread reads.
    case entry(Unmanaged<Entry<Key, Document>>)
    case nothing
    /// The shard changed meanwhile, or nobody has written to it yet.
    case unclear
  }

  /// The entry under a key, as if the lock were held. Must be called between `db_begin_reading` and `db_end_reading`.
  ///
  /// Nothing of this writes to memory that others use, nor waits for memory before the next lookup can begin: the processor
  /// overlaps what lookups wait for.
  @inlinable @inline(__always)
  func look(for key: Key, hash: UInt) -> Sight {
    let before = sequence.pointee.load(ordering: .acquiring)
    guard before & 1 == 0, let words = hint.words else { return .unclear }
    let capacity = (UnsafeRawPointer(words) - 8).load(as: Int.self)
    let bits = EntryWord<Entry<Key, Document>>.bits(hash)
    var index = EntryWord<Entry<Key, Document>>.home(hash, capacity: capacity)
    var found = Sight.nothing
    // No longer than the table, also where words move while they are looked at.
    for _ in 0..<capacity {
      let word = UnsafeMutableRawPointer(words + index).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
        .load(ordering: .acquiring)
      if word == 0 { break }
      if word & EntryWord<Entry<Key, Document>>.bitsMask == bits {
        let entry = EntryWord<Entry<Key, Document>>.entry(word)
        db_prefetch(entry.toOpaque(), Entry<Key, Document>.size)
        if entry._withUnsafeGuaranteedRef({ $0.key == key }) {
          found = .entry(entry)
          break
        }
      }
      index = index &+ 1 == capacity ? 0 : index &+ 1
    }
    if planted(.lookupNotChecked) { return found }
    return sequence.pointee.load(ordering: .relaxed) == before ? found : .unclear
  }

  /// Must be called under the lock; lookups are counted elsewhere.
  var statistics: StoreStatistics.Shard {
    var statistics = StoreStatistics.Shard()
    statistics.documents = contents.pointee.map.count
    statistics.operations = contents.pointee.operations.writes
    statistics.lockWaits = contents.pointee.lockWaits
    statistics.lockWaitNanoseconds = contents.pointee.lockWaitNanoseconds
    return statistics
  }
}

/// The shards of a store, a power of two of them.
///
/// Unsafe corner: each has a piece of memory of its own, allocated for as long as this object lives: the word of its lock, the
/// number of its changes, and behind them what it holds.
///
/// Unchecked: see `Shard`.
@usableFromInline
final class ShardTable<Key: DocumentKey, Document: DarkBird.Document>: RandomAccessCollection, @unchecked Sendable {
  @usableFromInline typealias Contents = Shard<Key, Document>.Contents

  @usableFromInline let count: Int
  @usableFromInline let memory: UnsafeMutableRawPointer
  @usableFromInline let stride: Int
  @usableFromInline let hints: TableHints

  @inlinable var startIndex: Int { 0 }
  @inlinable var endIndex: Int { count }

  @usableFromInline
  convenience init(count: Int) { self.init(count: count) { _ in ShardMap() } }

  /// Shards that share all documents with others until one of the two changes. Those must be locked.
  convenience init(copying other: ShardTable) {
    self.init(count: other.count) { other[$0].contents.pointee.map }
  }

  private init(count: Int, _ map: (Int) -> ShardMap<Key, Document>) {
    self.count = count
    // Processors fetch cache lines in pairs; a write needs the first two.
    stride = (8 + MemoryLayout<Contents>.size + 127) & ~127
    hints = TableHints(count: count)
    memory = .allocate(byteCount: stride * count, alignment: 128)
    for shard in 0..<count {
      let start = memory + shard * stride
      start.bindMemory(to: Atomic<UInt32>.self, capacity: 1).initialize(to: Atomic(0))
      (start + 4).bindMemory(to: Atomic<UInt32>.self, capacity: 1).initialize(to: Atomic(0))
      (start + 8).bindMemory(to: Contents.self, capacity: 1).initialize(to: Contents(map: map(shard)))
      _ = hints[shard].update((start + 8).assumingMemoryBound(to: Contents.self).pointee.map.table)
    }
  }

  deinit {
    for shard in self {
      shard.contents.deinitialize(count: 1)
      shard.mutex.word.deinitialize(count: 1)
      shard.sequence.deinitialize(count: 1)
    }
    memory.deallocate()
  }

  @inlinable
  subscript(index: Int) -> Shard<Key, Document> {
    let start = memory + index &* stride
    return Shard(
      mutex: LockWord(start.assumingMemoryBound(to: Atomic<UInt32>.self)),
      sequence: (start + 4).assumingMemoryBound(to: Atomic<UInt32>.self),
      contents: (start + 8).assumingMemoryBound(to: Contents.self),
      hint: hints[index])
  }
}
