import CDarkBird
public import Synchronization

/// What the words of a table are.
@usableFromInline
protocol TableWord {
  /// Where a word belongs in a table of this capacity: never falls when the hash grows, so that a table that is filled from
  /// another one is filled in order.
  static func home(of word: UInt64, capacity: Int) -> Int
  /// Whether there are readers without a lock, who may still look at the memory that a table has left.
  static var isReadWithoutLock: Bool { get }
  /// The fault to plant in the removal of a word.
  static var fault: Mutant { get }
}

/// The memory of a table: words that begin as 0. Before them stands how many there are, for readers without a lock, who find
/// the words only.
@usableFromInline
final class WordMemory {
  @usableFromInline static var headerBytes: Int { 64 }
  @usableFromInline let words: UnsafeMutablePointer<UInt64>
  @usableFromInline let capacity: Int
  /// What the table used before and readers without a lock may still look at, until someone takes care of that.
  @exclusivity(unchecked) @usableFromInline var previous: WordMemory?

  @usableFromInline
  init(capacity: Int) {
    self.capacity = capacity
    let memory = db_allocate_zeroed(Self.headerBytes + capacity * 8)
    words = (memory + Self.headerBytes).bindMemory(to: UInt64.self, capacity: capacity)
    (memory + (Self.headerBytes - 8)).storeBytes(of: capacity, as: Int.self)
    willBeShared(self)
  }

  @inlinable @inline(__always)
  static func capacity(of words: UnsafeMutablePointer<UInt64>) -> Int {
    (UnsafeRawPointer(words) - 8).load(as: Int.self)
  }

  /// A word as readers without a lock see it, and as it must be changed where there may be any.
  @inlinable @inline(__always)
  static func word(_ address: UnsafeMutablePointer<UInt64>) -> UnsafeMutablePointer<Atomic<UInt64>> {
    UnsafeMutableRawPointer(address).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  @usableFromInline
  deinit { db_free_zeroed(UnsafeMutableRawPointer(words) - Self.headerBytes, Self.headerBytes + capacity * 8) }
}

/// The words of a table, for looking at them. Counts no references: whoever uses it holds the table's lock, or the table, or
/// reads without a lock. Then words may move meanwhile, and what is found or not found means nothing until the reader knows
/// that they did not.
@usableFromInline
struct WordView<Word: TableWord> {
  @usableFromInline let words: UnsafeMutablePointer<UInt64>
  @usableFromInline let capacity: Int

  @inlinable @inline(__always)
  init(words: UnsafeMutablePointer<UInt64>, capacity: Int) {
    self.words = words
    self.capacity = capacity
  }

  /// - Parameter words: of a `WordMemory`.
  @inlinable @inline(__always)
  init(of words: UnsafeMutablePointer<UInt64>) {
    self.init(words: words, capacity: WordMemory.capacity(of: words))
  }

  @inlinable @inline(__always)
  subscript(index: Int) -> UInt64 { WordMemory.word(words + index).pointee.load(ordering: .acquiring) }

  /// The first word in a window of some words from `home` on that is `bits` under `mask`; 0 if there is none, or if the window
  /// goes beyond the capacity. Almost every word lies in the window of its home, and finding it there takes no branch that the
  /// processor could guess wrong before the word has come from memory.
  @inlinable @inline(__always)
  func near(_ home: Int, _ bits: UInt64, _ mask: UInt64, window: Int) -> UInt64 {
    if home &+ window > capacity { return 0 }
    var found: UInt64 = 0
    for offset in (0..<window).reversed() {
      let word = self[home &+ offset]
      // Where the bits are 0, an empty word seems to be wanted. Nothing stands behind one, and the answer is the same: none.
      let isWanted: UInt64 = word & mask == bits ? 1 : 0
      found ^= (found ^ word) & (0 &- isWanted)
    }
    return found
  }

  /// The first word from `home` on for which `isWanted` says so.
  @inlinable @inline(__always)
  func first(from home: Int, where isWanted: (UInt64) -> Bool) -> (index: Int, word: UInt64)? {
    var index = home
    // No longer than the table, also where words move while they are looked at.
    for _ in 0..<capacity {
      let word = self[index]
      if word == 0 { return nil }
      if isWanted(word) { return (index, word) }
      index = next(index)
    }
    return nil
  }

  @inlinable @inline(__always)
  func index(of word: UInt64) -> Int? { first(from: Word.home(of: word, capacity: capacity)) { $0 == word }?.index }

  @inlinable @inline(__always)
  func next(_ index: Int) -> Int { index &+ 1 == capacity ? 0 : index &+ 1 }

  @inlinable @inline(__always)
  func distance(_ start: Int, _ end: Int) -> Int { end >= start ? end &- start : end &- start &+ capacity }
}

/// A hash table of 64-bit words, each of which tells its hash and what it stands for. A copy is a snapshot: it shares the memory
/// until one of the two changes.
///
/// Open addressing with linear probing; 0 is empty; removal shifts the chain back, so there are no tombstones. A word's
/// home is the hash scaled to the capacity, which therefore need not be a power of two: a table grows by a half, and is half full
/// then.
///
/// All operations are O(1) on average; an insertion that grows the table, and the first change after a copy, are O(n).
///
/// Unsafe corner: the memory lives as long as its owner, `memory`; indexes run from a home, below the capacity, to the
/// capacity and on from 0.
///
/// Unchecked: memory that two tables share is never changed (`isUnshared` decides), and a table is changed under a lock only.
@usableFromInline
struct WordTable<Word: TableWord>: @unchecked Sendable {
  @usableFromInline var words: UnsafeMutablePointer<UInt64>
  @usableFromInline var capacity: Int
  @usableFromInline var count = 0
  @usableFromInline var memory: WordMemory

  @inlinable @inline(__always)
  var view: WordView<Word> { WordView(words: words, capacity: capacity) }

  @inlinable
  init() {
    memory = WordMemory(capacity: 16)
    words = memory.words
    capacity = memory.capacity
  }

  /// To be called before `words` are changed.
  @inlinable @inline(__always)
  mutating func willChange() {
    if !isUnshared(&memory) { take(WordMemory(capacity: capacity), copying: true) }
  }

  /// Adds a word that is not there.
  @inlinable
  mutating func insert(_ word: UInt64) {
    if (count &+ 1) &* 4 > capacity &* 3 {
      take(WordMemory(capacity: capacity + capacity / 2), copying: false)
    } else {
      willChange()
    }
    place(word)
    count &+= 1
  }

  @inlinable
  func place(_ word: UInt64) {
    var index = Word.home(of: word, capacity: capacity)
    while words[index] != 0 { index = view.next(index) }
    set(index, word)
  }

  /// Every change of a word: readers without a lock may look at it, and then at what it stands for.
  @inlinable @inline(__always)
  func set(_ index: Int, _ word: UInt64) { WordMemory.word(words + index).pointee.store(word, ordering: .releasing) }

  /// Goes on with other memory, to which all words are copied or, where its capacity is another one, moved to their places.
  @inlinable
  mutating func take(_ other: WordMemory, copying: Bool) {
    // Until the end: its owner may be the only one.
    let old = memory
    if Word.isReadWithoutLock { other.previous = old }
    (memory, words, capacity) = (other, other.words, other.capacity)
    if copying {
      words.update(from: old.words, count: capacity)
    } else {
      for index in 0..<old.capacity where old.words[index] != 0 { place(old.words[index]) }
    }
    withExtendedLifetime(old) {}
  }

  @inlinable
  mutating func remove(at index: Int) {
    willChange()
    count &-= 1
    var hole = index
    let view = view
    var next = view.next(hole)
    while words[next] != 0 {
      let home = Word.home(of: words[next], capacity: capacity)
      // Move the word into the hole unless its home lies cyclically in (hole, next].
      if view.distance(home, next) >= view.distance(hole, next) || planted(Word.fault) {
        set(hole, words[next])
        hole = next
      }
      next = view.next(next)
    }
    set(hole, 0)
  }
}

/// Scales 32 bits of a hash to an index below `capacity`.
@inlinable @inline(__always)
func scaled(_ hash: UInt64, _ capacity: Int) -> Int { Int(truncatingIfNeeded: (hash &* UInt64(capacity)) >> 32) }

/// 32 bits of a hash above a number.
@usableFromInline
enum NumberedWord {
  @inlinable @inline(__always)
  static func home(of word: UInt64, capacity: Int) -> Int { scaled(word >> 32, capacity) }
}
