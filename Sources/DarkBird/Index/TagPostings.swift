/// Documents by tag: a hash table of the tags' names. A copy is a snapshot.
///
/// A word of the table is 32 bits of the name's hash, then its place + 1. So finding a tag computes no hash, for a name brings
/// its own.
struct TagPostings: Sendable {
  struct Posting: Sendable {
    let name: TagName
    /// Number of the tag field that first gave the tag.
    let field: Int
    var documents: DocumentSet
  }

  enum Word: TableWord {
    static var fault: Mutant { .tagChainBroken }
    static func home(of word: UInt64, capacity: Int) -> Int { NumberedWord.home(of: word, capacity: capacity) }
  }

  private var table = WordTable<Word>()
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
  func documents(_ name: TagName) -> DocumentSet? { index(name).map { all[place($0)].documents } }

  private func bits(_ name: TagName) -> UInt64 { UInt64(UInt(bitPattern: name.hash) >> 32) }

  private func word(_ name: TagName, _ place: Int) -> UInt64 { bits(name) << 32 | UInt64(place + 1) }

  /// The place that the word at an index has.
  private func place(_ index: Int) -> Int { Int(table.words[index] & 0xFFFF_FFFF) - 1 }

  /// Index of the word of a tag.
  private func index(_ name: TagName) -> Int? {
    let bits = bits(name)
    return table.view.first(from: scaled(bits, table.capacity)) { word in
      word >> 32 == bits && all[Int(word & 0xFFFF_FFFF) - 1].name == name
    }
  }

  mutating func insert(_ tag: Tag, _ number: DocumentNumber) {
    all.willChange()
    if let index = index(tag.name) {
      let place = place(index)
      if all[place].documents.insert(number) { entries[all[place].field] += 1 }
      return
    }
    let field = Int(tag.field)
    table.insert(word(tag.name, all.count))
    all.append(Posting(name: tag.name, field: field, documents: DocumentSet(number)))
    entries[field] += 1
    distinct[field] += 1
  }

  mutating func remove(_ name: TagName, _ number: DocumentNumber) {
    all.willChange()
    guard let index = index(name) else { return }
    let place = place(index)
    let field = all[place].field
    if !all[place].documents.remove(number) { return }
    entries[field] -= 1
    if !all[place].documents.isEmpty { return }
    distinct[field] -= 1
    table.remove(at: index)
    let last = all.removeLast()
    if place == all.count { return }
    // The last posting moves to the free place.
    guard let moved = table.view.index(of: word(last.name, all.count)) else {
      preconditionFailure("a tag without its word")
    }
    table.willChange()
    table.words[moved] = word(last.name, place)
    all[place] = last
  }

  mutating func removeAll() { self = TagPostings(fieldCount: entries.count) }
}
