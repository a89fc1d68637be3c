/// The owners of unique values: a hash table that knows of a value nothing but 32 bits of its hash, and of its owner the
/// number. So it takes 8 bytes a word, and whether an owner really has the value, the document itself must tell.
///
/// A word is the 32 bits, then number + 1. All operations are O(1) on average; an insertion that grows the table is O(n).
@usableFromInline
struct OwnerTable: Sendable {
  @usableFromInline
  enum Word: TableWord {
    @usableFromInline static var isReadWithoutLock: Bool { true }
    @usableFromInline static var fault: Mutant { .ownerChainBroken }
    @usableFromInline
    static func home(of word: UInt64, capacity: Int) -> Int { NumberedWord.home(of: word, capacity: capacity) }
  }

  private(set) var table = WordTable<Word>()

  var count: Int { table.count }

  private static func word(_ hash: UInt, _ number: DocumentNumber) -> UInt64 {
    UInt64(hash >> 32) << 32 | (UInt64(number) + 1)
  }

  /// Owners of values with this hash: the first one, and the others, of which there are almost never any. For those who hold
  /// the lock and for those who read without.
  static func candidates(_ hash: UInt, in view: WordView<Word>) -> (first: DocumentNumber?, others: [DocumentNumber]) {
    let bits = UInt64(hash >> 32)
    var first: DocumentNumber?
    var others: [DocumentNumber] = []
    _ = view.first(from: scaled(bits, view.capacity)) { word in
      if word >> 32 == bits {
        let number = DocumentNumber(truncatingIfNeeded: (word & 0xFFFF_FFFF) - 1)
        if first == nil { first = number } else { others.append(number) }
      }
      return false
    }
    return (first, others)
  }

  /// Words that a probable owner is looked for in.
  @inlinable @inline(__always)
  static var window: Int { 8 }

  /// A document with a value of this hash that is found where almost all are found; see `WordView.near`.
  @inlinable @inline(__always)
  static func probable(_ hash: UInt, in view: WordView<Word>) -> DocumentNumber? {
    let bits = UInt64(hash >> 32)
    let word = view.near(scaled(bits, view.capacity), bits << 32, 0xFFFF_FFFF << 32, window: window)
    return word == 0 ? nil : DocumentNumber(truncatingIfNeeded: word &- 1)
  }

  func contains(_ hash: UInt, _ number: DocumentNumber) -> Bool { table.view.index(of: Self.word(hash, number)) != nil }

  mutating func insert(_ hash: UInt, _ number: DocumentNumber) { table.insert(Self.word(hash, number)) }

  mutating func remove(_ hash: UInt, _ number: DocumentNumber) {
    if let index = table.view.index(of: Self.word(hash, number)) { table.remove(at: index) }
  }
}
