/// The documents of one shard: a hash table over numbered slots.
///
/// A document keeps its slot through all its versions, and a scan walks the slots, so a scan that is resumed sees each
/// document that stays exactly once, whatever happens meanwhile. The table is open addressing with linear probing over words of
/// (32 bits of the hash, slot + 1); 0 is empty; removal shifts the chain back, so there are no tombstones.
///
/// Lookup, insertion and removal are O(1) on average; an insertion that grows the table is O(n).
@usableFromInline
struct ShardMap<Key: DocumentKey, Document: DarkBird.Document> {
  @usableFromInline var words: ContiguousArray<UInt64>
  @usableFromInline var slots: ContiguousArray<Entry<Key, Document>?> = []
  var freeSlots: ContiguousArray<UInt32> = []
  var count = 0

  init() { words = ContiguousArray(repeating: 0, count: 16) }

  /// The entry under a key. `hash` is the key's hash value.
  @inlinable
  func find(_ key: Key, hash: UInt) -> Entry<Key, Document>? {
    let mask = words.count - 1
    let tag = UInt64(hash >> 32)
    var index = Int(truncatingIfNeeded: tag) & mask
    while true {
      let word = words[index]
      if word == 0 { return nil }
      if word >> 32 == tag, let entry = slots[Int(word & 0xFFFF_FFFF) - 1], entry.key == key { return entry }
      index = (index + 1) & mask
    }
  }

  private func position(of entry: Entry<Key, Document>, hash: UInt) -> Int? {
    let mask = words.count - 1
    let tag = UInt64(hash >> 32)
    var index = Int(truncatingIfNeeded: tag) & mask
    while words[index] != 0 {
      if words[index] >> 32 == tag, slots[Int(words[index] & 0xFFFF_FFFF) - 1] === entry { return index }
      index = (index + 1) & mask
    }
    return nil
  }

  /// The slot that `insert` will use next.
  var nextSlot: Int { freeSlots.last.map(Int.init) ?? slots.count }

  /// Puts an entry whose key is not there into `nextSlot`.
  mutating func insert(_ entry: Entry<Key, Document>, hash: UInt) {
    if (count + 1) * 4 > words.count * 3 { grow() }
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = Int(free)
      slots[slot] = entry
    } else {
      slot = slots.count
      slots.append(entry)
    }
    count += 1
    place(UInt64(hash >> 32) << 32 | UInt64(slot + 1))
  }

  /// Replaces `old`, which is in `slot`, by `new`; either may be missing, then it is an insertion or a removal.
  mutating func apply(
    old: Entry<Key, Document>?, new: Entry<Key, Document>?, hash: UInt, slot: Int
  ) {
    switch (old, new) {
    case (.some, let new?): slots[slot] = new
    case (let old?, nil): remove(old, hash: hash)
    case (nil, let new?): insert(new, hash: hash)
    case (nil, nil): break
    }
  }

  mutating func remove(_ entry: Entry<Key, Document>, hash: UInt) {
    guard var hole = position(of: entry, hash: hash) else { return }
    let slot = Int(words[hole] & 0xFFFF_FFFF) - 1
    slots[slot] = nil
    freeSlots.append(UInt32(slot))
    count -= 1
    let mask = words.count - 1
    var next = (hole + 1) & mask
    while words[next] != 0 {
      let home = Int(truncatingIfNeeded: words[next] >> 32) & mask
      // Move the word into the hole unless its home lies cyclically in (hole, next].
      if (next &- home) & mask >= (next &- hole) & mask {
        words[hole] = words[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    words[hole] = 0
  }

  private mutating func grow() {
    let old = words
    words = ContiguousArray(repeating: 0, count: old.count * 2)
    for word in old where word != 0 { place(word) }
  }

  private mutating func place(_ word: UInt64) {
    let mask = words.count - 1
    var index = Int(truncatingIfNeeded: word >> 32) & mask
    while words[index] != 0 { index = (index + 1) & mask }
    words[index] = word
  }
}
