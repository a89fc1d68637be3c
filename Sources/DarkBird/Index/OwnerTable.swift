/// The owners of unique values: a hash table that knows of a value nothing but 32 bits of its hash, and of its owner the
/// number. So it takes 8 bytes a word, and whether an owner really has the value, the document itself must tell.
///
/// Open addressing with linear probing over words of (32 bits of the hash, number + 1); 0 is empty; removal shifts the chain
/// back. All operations are O(1) on average; an insertion that grows the table is O(n).
struct OwnerTable: Sendable {
  private var words = ContiguousArray<UInt64>(repeating: 0, count: 16)
  private(set) var count = 0

  private static func word(_ hash: UInt, _ number: DocumentNumber) -> UInt64 {
    UInt64(hash >> 32) << 32 | (UInt64(number) + 1)
  }

  /// Owners of values with this hash: the first one, and the others, of which there are almost never any.
  func candidates(_ hash: UInt) -> (first: DocumentNumber?, others: [DocumentNumber]) {
    let mask = words.count - 1
    let tag = UInt64(hash >> 32)
    var index = Int(truncatingIfNeeded: tag) & mask
    var first: DocumentNumber?
    var others: [DocumentNumber] = []
    while words[index] != 0 {
      if words[index] >> 32 == tag {
        let number = DocumentNumber(truncatingIfNeeded: (words[index] & 0xFFFF_FFFF) - 1)
        if first == nil { first = number } else { others.append(number) }
      }
      index = (index + 1) & mask
    }
    return (first, others)
  }

  func contains(_ hash: UInt, _ number: DocumentNumber) -> Bool { position(Self.word(hash, number)) != nil }

  private func position(_ word: UInt64) -> Int? {
    let mask = words.count - 1
    var index = Int(truncatingIfNeeded: word >> 32) & mask
    while words[index] != word {
      if words[index] == 0 { return nil }
      index = (index + 1) & mask
    }
    return index
  }

  mutating func insert(_ hash: UInt, _ number: DocumentNumber) {
    words.willChange()
    if (count + 1) * 4 > words.count * 3 {
      let old = words
      words = ContiguousArray(repeating: 0, count: old.count * 2)
      for word in old where word != 0 { place(word) }
    }
    place(Self.word(hash, number))
    count += 1
  }

  private mutating func place(_ word: UInt64) {
    let mask = words.count - 1
    var index = Int(truncatingIfNeeded: word >> 32) & mask
    while words[index] != 0 { index = (index + 1) & mask }
    words[index] = word
  }

  mutating func remove(_ hash: UInt, _ number: DocumentNumber) {
    words.willChange()
    guard var hole = position(Self.word(hash, number)) else { return }
    count -= 1
    let mask = words.count - 1
    var next = (hole + 1) & mask
    while words[next] != 0 {
      let home = Int(truncatingIfNeeded: words[next] >> 32) & mask
      // Move the word into the hole unless its home lies cyclically in (hole, next].
      if (next &- home) & mask >= (next &- hole) & mask || planted(.ownerChainBroken) {
        words[hole] = words[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    words[hole] = 0
  }
}
