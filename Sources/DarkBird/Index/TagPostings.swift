/// Documents by tag: a hash table of the tags' names. A copy is a snapshot.
///
/// Open addressing with linear probing over words of (32 bits of the name's hash, place + 1); 0 is empty; removal shifts the
/// chain back. So finding a tag computes no hash, for a name brings its own.
struct TagPostings: Sendable {
  struct Posting: Sendable {
    let name: TagName
    /// Number of the tag field that first gave the tag.
    let field: Int
    var documents: DocumentSet
  }

  private var words = ContiguousArray<UInt64>(repeating: 0, count: 16)
  /// In no order; a tag that goes leaves its place to the last one.
  private(set) var all: ContiguousArray<Posting> = []
  /// Pairs of document and tag, and distinct tags, by tag field.
  private(set) var entries: [Int]
  private(set) var distinct: [Int]

  init(fieldCount: Int) {
    entries = Array(repeating: 0, count: fieldCount)
    distinct = entries
  }

  /// The documents with a tag; nil if there are none.
  func documents(_ name: TagName) -> DocumentSet? { word(name).map { all[place(words[$0])].documents } }

  private func place(_ word: UInt64) -> Int { Int(word & 0xFFFF_FFFF) - 1 }
  private func tag(_ name: TagName) -> UInt64 { UInt64(UInt(bitPattern: name.hash) >> 32) }

  /// Index of the word of a tag.
  private func word(_ name: TagName) -> Int? {
    let tag = tag(name)
    let mask = words.count - 1
    var index = Int(truncatingIfNeeded: tag) & mask
    while words[index] != 0 {
      if words[index] >> 32 == tag, all[place(words[index])].name == name { return index }
      index = (index + 1) & mask
    }
    return nil
  }

  mutating func insert(_ tag: Tag, _ number: DocumentNumber) {
    words.willChange()
    all.willChange()
    if let word = word(tag.name) {
      let place = place(words[word])
      if all[place].documents.insert(number) { entries[all[place].field] += 1 }
      return
    }
    let field = Int(tag.field)
    if (all.count + 1) * 4 > words.count * 3 { grow() }
    all.append(Posting(name: tag.name, field: field, documents: DocumentSet(number)))
    add(self.tag(tag.name) << 32 | UInt64(all.count))
    entries[field] += 1
    distinct[field] += 1
  }

  private mutating func grow() {
    let old = words
    words = ContiguousArray(repeating: 0, count: old.count * 2)
    for word in old where word != 0 { add(word) }
  }

  private mutating func add(_ word: UInt64) {
    let mask = words.count - 1
    var index = Int(truncatingIfNeeded: word >> 32) & mask
    while words[index] != 0 { index = (index + 1) & mask }
    words[index] = word
  }

  mutating func remove(_ name: TagName, _ number: DocumentNumber) {
    words.willChange()
    all.willChange()
    guard let word = word(name) else { return }
    let place = place(words[word])
    let field = all[place].field
    if !all[place].documents.remove(number) { return }
    entries[field] -= 1
    if !all[place].documents.isEmpty { return }
    distinct[field] -= 1
    empty(word)
    let last = all.removeLast()
    if place == all.count { return }
    // The last posting moves to the free place, before its word is looked for by name.
    let tag = tag(last.name)
    let mask = words.count - 1
    var index = Int(truncatingIfNeeded: tag) & mask
    while words[index] != tag << 32 | UInt64(all.count + 1) { index = (index + 1) & mask }
    words[index] = tag << 32 | UInt64(place + 1)
    all[place] = last
  }

  private mutating func empty(_ word: Int) {
    let mask = words.count - 1
    var hole = word
    var next = (hole + 1) & mask
    while words[next] != 0 {
      let home = Int(truncatingIfNeeded: words[next] >> 32) & mask
      // Move the word into the hole unless its home lies cyclically in (hole, next].
      if (next &- home) & mask >= (next &- hole) & mask || planted(.tagChainBroken) {
        words[hole] = words[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    words[hole] = 0
  }

  mutating func removeAll() { self = TagPostings(fieldCount: entries.count) }
}
