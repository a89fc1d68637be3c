import CDarkBird
import Synchronization

/// What the deferred indexes lack: a list for each shard, to which writes append under the lock of the shard, which they hold
/// anyway, and which others take away as a whole: so what a write tells of its change costs it no lock, and no memory that all
/// processors write to.
///
/// Why nothing is missed: a write announces its change, by the bit of its shard, before it gets its LSN, and appends before it
/// gives the shard back. Whoever reads the last LSN, the cut, and takes the lists then so sees the bits of all writes up to the
/// cut, and has the shard's lock only after such a write is done with the list. What is found there beyond the cut is to be
/// held for the next time: it may lack changes of other shards that came before.
///
/// Unsafe corner: lists are allocated for as long as this object lives, each with a cache line of its own, so that neither
/// references are counted nor accesses checked at run time.
///
/// Unchecked: a list is only touched under the lock of its shard.
final class ShardLists: @unchecked Sendable {
  let locks: ContiguousArray<LockWord>
  let memory: UnsafeMutableRawPointer
  /// Shards that have, or will have, something in their lists: 64 to a word.
  let waiting: UnsafeMutablePointer<Atomic<UInt64>>
  let words: Int

  static var stride: Int { 64 }

  /// - Parameter locks: of the shards that change; their owner must keep them for as long as lists are taken.
  init(locks: ContiguousArray<LockWord>) {
    self.locks = locks
    precondition(MemoryLayout<IndexChanges>.size <= Self.stride)
    memory = .allocate(byteCount: max(1, locks.count) * Self.stride, alignment: Self.stride)
    words = (locks.count + 63) / 64
    waiting = .allocate(capacity: words)
    for word in 0..<words { (waiting + word).initialize(to: Atomic(0)) }
    for shard in locks.indices {
      (memory + shard * Self.stride).bindMemory(to: IndexChanges.self, capacity: 1).initialize(to: IndexChanges())
    }
  }

  deinit {
    for shard in locks.indices { self[shard].deinitialize(count: 1) }
    memory.deallocate()
    waiting.deinitialize(count: words)
    waiting.deallocate()
  }

  subscript(shard: Int) -> UnsafeMutablePointer<IndexChanges> {
    (memory + shard &* Self.stride).assumingMemoryBound(to: IndexChanges.self)
  }

  /// Has what an append begins with fetched from memory. Under no lock.
  func prefetch(shard: Int) { db_prefetch_to_write(memory + shard &* Self.stride) }

  /// To be called under the lock of the shard, before a change there gets its LSN.
  func announce(shard: Int) {
    if self[shard].pointee.isEmpty && !planted(.changeAnnouncedTooLate) { mark(shard) }
  }

  /// To be called after a change was appended, likewise.
  func didAppend(shard: Int) { if planted(.changeAnnouncedTooLate) { mark(shard) } }

  func mark(_ shard: Int) {
    let bit: UInt64 = 1 << UInt64(shard % 64)
    // An earlier write has said so, and nobody has taken the list since, for that needs the lock of the shard. Whoever sees the LSN
    // of this write sees the bit as well.
    if waiting[shard / 64].load(ordering: .relaxed) & bit != 0 { return }
    waiting[shard / 64].bitwiseOr(bit, ordering: .sequentiallyConsistent)
  }

  /// Takes the lists of all shards that have something. O(1) under the lock of each.
  /// - Parameter areLocked: whether the caller has locked all shards.
  func take(areLocked: Bool, _ body: (consuming IndexChanges) -> Void) {
    for word in 0..<words {
      var bits = waiting[word].load(ordering: .sequentiallyConsistent)
      while bits != 0 {
        let bit = bits.trailingZeroBitCount
        bits &= bits - 1
        let shard = word * 64 + bit
        var taken = IndexChanges()
        if !areLocked { locks[shard].lock() }
        swap(&taken, &self[shard].pointee)
        // A write that has announced its change and not made it holds this lock.
        waiting[word].bitwiseAnd(~(1 << UInt64(bit)), ordering: .relaxed)
        if !areLocked { locks[shard].unlock() }
        if !taken.isEmpty { body(taken) }
      }
    }
  }
}
