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
  /// Address of the words that say where the slots are; 0 until someone writes.
  @usableFromInline let slotBases: UnsafeMutablePointer<Atomic<UInt>>
  @usableFromInline let contents: UnsafeMutablePointer<Contents>
  @usableFromInline let hint: TableHint

  @inlinable @inline(__always)
  init(
    mutex: LockWord, sequence: UnsafeMutablePointer<Atomic<UInt32>>, slotBases: UnsafeMutablePointer<Atomic<UInt>>,
    contents: UnsafeMutablePointer<Contents>, hint: TableHint
  ) {
    self.mutex = mutex
    self.sequence = sequence
    self.slotBases = slotBases
    self.contents = contents
    self.hint = hint
  }

  /// Has the word of a key fetched from memory. Under no lock.
  @inlinable @inline(__always)
  func prefetch(_ hash: UInt) {
    hint.prefetch(window: EntryWord<Entry<Key, Document>>.window) {
      EntryWord<Entry<Key, Document>>.home(hash, capacity: $0)
    }
  }

  /// Has the entry of a key, whose word has been fetched, fetched from memory. Must be called between `db_begin_reading` and
  /// `db_end_reading`.
  @inlinable @inline(__always)
  func prefetchEntry(_ hash: UInt) {
    if let words = hint.words { ShardMap<Key, Document>.prefetchEntry(in: WordView(of: words), hash) }
  }

  /// `prefetch` with what every change of the shard writes to, which probably another processor has written to last.
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

  /// The entry under a key. Must be called under the lock. Not by a method of the map: the whole map would be copied, and its
  /// references counted.
  @inlinable @inline(__always)
  func find(_ key: Key, hash: UInt) -> Entry<Key, Document>? {
    let view = WordView<EntryWord<Entry<Key, Document>>>(
      words: contents.pointee.map.table.words, capacity: contents.pointee.map.table.capacity)
    return ShardMap.find(in: view, key, hash)?.takeUnretainedValue()
  }

  /// Whether there is no number for one more document. Must be called under the lock.
  @inlinable @inline(__always)
  func isFull(_ shardBits: UInt32) -> Bool { contents.pointee.map.nextSlot >= DocumentNumber.slots(shardBits) }

  @inlinable
  func withLock<R>(_ body: (inout ShardMap<Key, Document>) -> R) -> R {
    lock()
    defer { unlock() }
    return body(&contents.pointee.map)
  }

  /// Replaces `old` by `new`, as `ShardMap.apply`. Must be called under the lock, and within a change if there may be readers:
  /// those may still look at `old`, and at what is added to `left`.
  @inlinable @inline(__always)
  func apply(old: Entry<Key, Document>?, new: Entry<Key, Document>?, hash: UInt, slot: Int, _ left: inout [AnyObject]) {
    contents.pointee.map.apply(old: old, new: new, hash: hash, slot: slot)
    publish(&left)
  }

  /// Tells readers where the table and the slots are now, as `apply` does.
  @inlinable @inline(__always)
  func publish(_ left: inout [AnyObject]) {
    // First without the table, of which a copy would count references.
    if !hint.isOf(contents.pointee.map.table.words), let memory = hint.update(contents.pointee.map.table) {
      left.append(memory)
    }
    let bases = UInt(bitPattern: contents.pointee.map.slots.bases)
    if slotBases.pointee.load(ordering: .relaxed) != bases { slotBases.pointee.store(bases, ordering: .releasing) }
    if contents.pointee.map.slots.left.isEmpty { return }
    left += contents.pointee.map.slots.left
    contents.pointee.map.slots.left = []
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
    let found = ShardMap<Key, Document>.find(in: WordView(of: words), key, hash)
    if !planted(.lookupNotChecked), sequence.pointee.load(ordering: .relaxed) != before { return .unclear }
    return found.map { .entry($0) } ?? .nothing
  }

  /// The entry in a slot, likewise. That no change is under way when it begins is enough for a single word: what changes
  /// meanwhile may be seen or not, and whoever has seen a part of a change finds the shards of the others changing, or changed.
  @inlinable @inline(__always)
  func look(atSlot slot: Int) -> Sight {
    let isChanging = sequence.pointee.load(ordering: .acquiring) & 1 != 0
    guard !isChanging || planted(.slotSeenTooEarly, waits: false), let bases else { return .unclear }
    guard let word = SlotTable<Entry<Key, Document>>.word(slot, bases: bases),
      let entry = SlotChunk<Entry<Key, Document>>.element(WordMemory.word(word).pointee.load(ordering: .acquiring))
    else { return .nothing }
    return .entry(entry)
  }

  /// Has a slot fetched from memory. Likewise.
  @inlinable @inline(__always)
  func prefetch(slot: Int) {
    if let bases, let word = SlotTable<Entry<Key, Document>>.word(slot, bases: bases) { db_prefetch_line(word) }
  }

  /// Where the slots are, for readers that they wait for.
  @inlinable @inline(__always)
  var bases: UnsafeMutablePointer<UInt64>? {
    UnsafeMutablePointer(bitPattern: slotBases.pointee.load(ordering: .acquiring))
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
    stride = (16 + MemoryLayout<Contents>.size + 127) & ~127
    hints = TableHints(count: count)
    memory = .allocate(byteCount: stride * count, alignment: 128)
    for shard in 0..<count {
      let start = memory + shard * stride
      start.bindMemory(to: Atomic<UInt32>.self, capacity: 1).initialize(to: Atomic(0))
      (start + 4).bindMemory(to: Atomic<UInt32>.self, capacity: 1).initialize(to: Atomic(0))
      (start + 8).bindMemory(to: Atomic<UInt>.self, capacity: 1).initialize(to: Atomic(0))
      (start + 16).bindMemory(to: Contents.self, capacity: 1).initialize(to: Contents(map: map(shard)))
      // There are no readers yet.
      var left: [AnyObject] = []
      self[shard].publish(&left)
    }
  }

  deinit {
    for shard in self {
      shard.contents.deinitialize(count: 1)
      shard.mutex.word.deinitialize(count: 1)
      shard.sequence.deinitialize(count: 1)
      shard.slotBases.deinitialize(count: 1)
    }
    memory.deallocate()
  }

  @inlinable
  subscript(index: Int) -> Shard<Key, Document> {
    let start = memory + index &* stride
    return Shard(
      mutex: LockWord(start.assumingMemoryBound(to: Atomic<UInt32>.self)),
      sequence: (start + 4).assumingMemoryBound(to: Atomic<UInt32>.self),
      slotBases: (start + 8).assumingMemoryBound(to: Atomic<UInt>.self),
      contents: (start + 16).assumingMemoryBound(to: Contents.self),
      hint: hints[index])
  }
}
