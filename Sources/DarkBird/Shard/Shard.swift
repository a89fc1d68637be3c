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
    /// Lookups by key; here because a lookup touches this cache line anyway.
    @usableFromInline var gets: UInt64 = 0
    @usableFromInline var map: ShardMap<Key, Document>
    /// All but the lookups.
    @usableFromInline var operations = StoreStatistics.Operations()
    @usableFromInline var lockWaits: UInt64 = 0
    @usableFromInline var lockWaitNanoseconds: UInt64 = 0
  }

  @usableFromInline let mutex: LockWord
  @usableFromInline let contents: UnsafeMutablePointer<Contents>
  @usableFromInline let hint: TableHint

  @inlinable @inline(__always)
  init(mutex: LockWord, contents: UnsafeMutablePointer<Contents>, hint: TableHint) {
    self.mutex = mutex
    self.contents = contents
    self.hint = hint
  }

  /// Has the word of a key fetched from memory, before the lock is taken.
  @inlinable @inline(__always)
  func prefetch(_ hash: UInt) {
    hint.prefetch { EntryWord<Entry<Key, Document>>.home(hash, capacity: $0) }
  }

  @inlinable @inline(__always)
  func lock() {
    if planted(.shardNotLocked) { return }
    if !mutex.tryLock() { waitAndLock() }
  }

  @inlinable @inline(__always)
  func unlock() { mutex.unlock() }

  @usableFromInline
  func waitAndLock() {
    let start = monotonicNanoseconds()
    mutex.waitAndLock()
    contents.pointee.lockWaits += 1
    contents.pointee.lockWaitNanoseconds += monotonicNanoseconds() - start
  }

  @inlinable
  func withLock<R>(_ body: (inout ShardMap<Key, Document>) -> R) -> R {
    lock()
    defer { unlock() }
    return body(&contents.pointee.map)
  }

  /// Replaces `old` by `new`, as `ShardMap.apply`. Must be called under the lock.
  @inlinable @inline(__always)
  func apply(old: Entry<Key, Document>?, new: Entry<Key, Document>?, hash: UInt, slot: Int) {
    contents.pointee.map.apply(old: old, new: new, hash: hash, slot: slot)
    hint.update(contents.pointee.map.table)
  }

  /// Operations by kind. Must be called under the lock.
  var operations: StoreStatistics.Operations {
    var operations = contents.pointee.operations
    operations.gets = contents.pointee.gets
    return operations
  }

  /// Must be called under the lock.
  var statistics: StoreStatistics.Shard {
    var statistics = StoreStatistics.Shard()
    statistics.documents = contents.pointee.map.count
    statistics.operations = operations.writes + operations.gets
    statistics.lockWaits = contents.pointee.lockWaits
    statistics.lockWaitNanoseconds = contents.pointee.lockWaitNanoseconds
    return statistics
  }
}

/// The shards of a store, a power of two of them.
///
/// Unsafe corner: each has a piece of memory of its own, allocated for as long as this object lives: the word of its lock, and
/// eight bytes behind it what it holds, so that a lookup finds both in one cache line.
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
    stride = (8 + MemoryLayout<Contents>.size + 63) & ~63
    hints = TableHints(count: count)
    memory = .allocate(byteCount: stride * count, alignment: 64)
    for shard in 0..<count {
      let start = memory + shard * stride
      start.bindMemory(to: Atomic<UInt32>.self, capacity: 1).initialize(to: Atomic(0))
      (start + 8).bindMemory(to: Contents.self, capacity: 1).initialize(to: Contents(map: map(shard)))
    }
  }

  deinit {
    for shard in self {
      shard.contents.deinitialize(count: 1)
      shard.mutex.word.deinitialize(count: 1)
    }
    memory.deallocate()
  }

  @inlinable
  subscript(index: Int) -> Shard<Key, Document> {
    let start = memory + index &* stride
    return Shard(
      mutex: LockWord(start.assumingMemoryBound(to: Atomic<UInt32>.self)),
      contents: (start + 8).assumingMemoryBound(to: Contents.self),
      hint: hints[index])
  }
}
