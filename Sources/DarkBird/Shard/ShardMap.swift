public import CDarkBird

/// The documents of one shard: a hash table of references to entries, and numbered slots that own them.
///
/// A document keeps its slot through all its versions, and a scan walks the slots, so a scan that is resumed sees each
/// document that stays exactly once, whatever happens meanwhile. The table is open addressing with linear probing; a word
/// is the address of an entry with 16 bits of the key's hash above it, so that a lookup touches two cache lines: the word
/// and the entry. 0 is empty; removal shifts the chain back, so there are no tombstones.
///
/// A copy of the map shares everything with the original until one of them changes: it is a snapshot. The next change then
/// copies the table (8 bytes a word) and the chunk of slots that it touches.
///
/// Lookup, insertion and removal are O(1) on average; an insertion that grows the table is O(n).
///
/// Unsafe corner: a word is an unmanaged reference. The slots hold the managed one for as long as the word is there, in this
/// map and in every copy. User addresses have 48 bits at most on the systems that Swift supports.
@usableFromInline
struct ShardMap<Key: DocumentKey, Document: DarkBird.Document> {
  @usableFromInline typealias Element = Entry<Key, Document>

  @usableFromInline static var chunkSlots: Int { 256 }
  @usableFromInline static var addressMask: UInt64 { 0xFFFF_FFFF_FFFF }

  @usableFromInline var words: ContiguousArray<UInt64>
  @usableFromInline var chunks: ContiguousArray<ContiguousArray<Element?>> = []
  @usableFromInline var freeSlots: ContiguousArray<UInt32> = []
  /// Slots that were ever used.
  @usableFromInline var slotCount = 0
  @usableFromInline var count = 0

  @usableFromInline
  init() { words = ContiguousArray(repeating: 0, count: 16) }

  // MARK: By key

  /// The part of a hash value that an entry keeps and that gives its place in the table.
  @inlinable @inline(__always)
  static func kept(_ hash: UInt) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 16) }

  /// The part of a hash value that a word has.
  @inlinable @inline(__always)
  static func tag(_ hash: UInt) -> UInt64 { UInt64(hash >> 48) << 48 }

  /// The entry of a word that is not 0.
  @inlinable @inline(__always)
  static func unmanaged(_ word: UInt64) -> Unmanaged<Element> {
    // Only `apply` makes words, of entries.
    Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: UInt(word & addressMask)).unsafelyUnwrapped)
  }

  @inlinable @inline(__always)
  static func word(_ entry: Element, _ hash: UInt) -> UInt64 {
    UInt64(UInt(bitPattern: Unmanaged.passUnretained(entry).toOpaque())) | tag(hash)
  }

  /// The entry under a key. `hash` is the key's hash value.
  @inlinable
  func find(_ key: Key, hash: UInt) -> Element? {
    words.withUnsafeBufferPointer { words in
      let mask = words.count &- 1
      let tag = Self.tag(hash)
      var index = Int(truncatingIfNeeded: Self.kept(hash)) & mask
      while true {
        // Within bounds: the mask is one less than the count, a power of two.
        let word = words[index]
        if word == 0 { return nil }
        if word & ~Self.addressMask == tag {
          let entry = Self.unmanaged(word)
          if entry._withUnsafeGuaranteedRef({ $0.key == key }) { return entry.takeUnretainedValue() }
        }
        index = (index &+ 1) & mask
      }
    }
  }

  @inlinable
  func position(of word: UInt64, kept: UInt32) -> Int {
    let mask = words.count - 1
    var index = Int(truncatingIfNeeded: kept) & mask
    while words[index] != word {
      precondition(words[index] != 0, "an entry without its word")
      index = (index + 1) & mask
    }
    return index
  }

  // MARK: By slot

  /// The slot that the next new document gets.
  @inlinable
  var nextSlot: Int { freeSlots.last.map(Int.init) ?? slotCount }

  /// The entry in a slot; nil if it is empty, or was never used.
  @inlinable
  func entry(inSlot slot: Int) -> Element? {
    let chunk = slot / Self.chunkSlots
    return chunk < chunks.count ? chunks[chunk][slot % Self.chunkSlots] : nil
  }

  /// Has the entry of a slot fetched from memory.
  @inlinable
  func prefetch(slot: Int) {
    let chunk = slot / Self.chunkSlots
    guard chunk < chunks.count else { return }
    chunks[chunk].withUnsafeBytes { entries in
      // Safe: an optional reference is one word, 0 for nil, and this one is only told to the processor.
      let address = entries.load(fromByteOffset: slot % Self.chunkSlots * 8, as: UnsafeRawPointer?.self)
      if let address { db_prefetch(address) }
    }
  }

  /// All entries in the order of their slots.
  var entries: some Sequence<Element> { chunks.lazy.joined().compactMap { $0 } }

  // MARK: Changes

  /// Replaces `old` by `new` in a slot: that of `old`, or else `nextSlot`. Either may be missing, then it is an insertion or
  /// a removal. The caller keeps `old` alive.
  @inlinable
  mutating func apply(old: Element?, new: Element?, hash: UInt, slot: Int) {
    words.willChange()
    chunks.willChange()
    if slot / Self.chunkSlots < chunks.count { chunks[slot / Self.chunkSlots].willChange() }
    switch (old, new) {
    case (let old?, let new?):
      words[position(of: Self.word(old, hash), kept: Self.kept(hash))] = Self.word(new, hash)
      new.hash = Self.kept(hash)
      chunks[slot / Self.chunkSlots][slot % Self.chunkSlots] = new
    case (let old?, nil): remove(old, hash: hash, slot: slot)
    case (nil, let new?): insert(new, hash: hash)
    case (nil, nil): break
    }
  }

  /// Puts an entry whose key is not there into `nextSlot`.
  @inlinable
  mutating func insert(_ entry: Element, hash: UInt) {
    if (count + 1) * 4 > words.count * 3 { grow() }
    entry.hash = Self.kept(hash)
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = Int(free)
    } else {
      slot = slotCount
      slotCount += 1
      if slot / Self.chunkSlots == chunks.count {
        chunks.append(ContiguousArray(repeating: nil, count: Self.chunkSlots))
      }
    }
    chunks[slot / Self.chunkSlots][slot % Self.chunkSlots] = entry
    count += 1
    place(Self.word(entry, hash), kept: entry.hash)
  }

  @inlinable
  mutating func remove(_ entry: Element, hash: UInt, slot: Int) {
    chunks[slot / Self.chunkSlots][slot % Self.chunkSlots] = nil
    freeSlots.append(UInt32(slot))
    count -= 1
    var hole = position(of: Self.word(entry, hash), kept: Self.kept(hash))
    let mask = words.count - 1
    var next = (hole + 1) & mask
    while words[next] != 0 {
      let kept = Self.unmanaged(words[next])._withUnsafeGuaranteedRef { $0.hash }
      let home = Int(truncatingIfNeeded: kept) & mask
      // Move the word into the hole unless its home lies cyclically in (hole, next].
      if (next &- home) & mask >= (next &- hole) & mask || planted(.wordChainBroken) {
        words[hole] = words[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    words[hole] = 0
  }

  @inlinable
  mutating func grow() {
    let old = words
    words = ContiguousArray(repeating: 0, count: old.count * 2)
    for word in old where word != 0 {
      place(word, kept: Self.unmanaged(word)._withUnsafeGuaranteedRef { $0.hash })
    }
  }

  @inlinable
  mutating func place(_ word: UInt64, kept: UInt32) {
    let mask = words.count - 1
    var index = Int(truncatingIfNeeded: kept) & mask
    while words[index] != 0 { index = (index + 1) & mask }
    words[index] = word
  }
}
