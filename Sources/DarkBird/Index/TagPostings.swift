/// Documents by tag: a hash table of the tags' names. A copy is a snapshot.
///
/// A word of the table is 32 bits of the name's hash, then its place + 1. So finding a tag computes no hash, for a name brings
/// its own.
struct TagPostings: Sendable {
  struct Posting: Sendable {
    let name: TagName
    /// Number of its tag field: of the one that its name begins with, or else of the one that first gave it.
    let field: Int
    var documents: DocumentSet
  }

  /// Pairs of document and tag, and distinct tags, of one field.
  struct Counts: Sendable {
    var entries = 0
    var distinct = 0
  }

  enum Word: TableWord {
    static var isReadWithoutLock: Bool { false }
    static var fault: Mutant { .tagChainBroken }
    static func home(of word: UInt64, capacity: Int) -> Int { NumberedWord.home(of: word, capacity: capacity) }
  }

  private var table = WordTable<Word>()
  /// In no order; a tag that goes leaves its place to the last one.
  private(set) var all: ContiguousArray<Posting> = []
  /// By tag field.
  private(set) var counts: ContiguousArray<Counts>
  /// What the tags of each field begin with; nil for a field whose tags are computed.
  private let prefixes: [String?]

  init(prefixes: [String?]) {
    self.prefixes = prefixes
    counts = ContiguousArray(repeating: Counts(), count: prefixes.count)
    counts.willBeShared()
  }

  /// The documents with a tag; nil if there are none.
  func documents(_ name: TagName) -> DocumentSet? { index(name).map { all[place($0)].documents } }

  private func bits(_ name: TagName) -> UInt64 { UInt64(name.hash >> 32) }

  private func word(_ name: TagName, _ place: Int) -> UInt64 { bits(name) << 32 | UInt64(place + 1) }

  /// The place that the word at an index has.
  private func place(_ index: Int) -> Int { Int(table.words[index] & 0xFFFF_FFFF) - 1 }

  /// Index of the word of a tag.
  private func index(_ name: TagName) -> Int? {
    let bits = bits(name)
    return table.view.first(from: scaled(bits, table.capacity)) { word in
      word >> 32 == bits && all[Int(word & 0xFFFF_FFFF) - 1].name == name
    }?.index
  }

  mutating func insert(_ tag: Tag, _ number: DocumentNumber) {
    let place = place(of: tag)
    withUnsafePointer(to: number) { insert(UnsafeBufferPointer(start: $0, count: 1), at: place) }
  }

  mutating func remove(_ name: TagName, _ number: DocumentNumber) {
    guard let index = index(name) else { return }
    let place = place(index)
    remove(number, at: place)
    removeIfEmpty(place)
  }

  // MARK: Changes by place

  /// See `ContiguousArray.willChange`.
  private mutating func willChange() {
    all.willChange()
    counts.willChange()
  }

  /// Where a tag is; it gets a place if it has none. No place changes until `removeIfEmpty` is called.
  mutating func place(of tag: Tag) -> Int {
    if let index = index(tag.name) { return place(index) }
    table.insert(word(tag.name, all.count))
    willChange()
    // A computed tag may be one of another field, which counts it then, whichever of them gave it first. Any other is of its own
    // field, also where the name of that has another field's name in front.
    let own = Int(tag.field)
    let field = prefixes[own] == nil ? prefixes.firstIndex { $0 == tag.name.field } ?? own : own
    all.append(Posting(name: tag.name, field: field, documents: DocumentSet()))
    counts[field].distinct += 1
    return all.count - 1
  }

  /// Adds documents in ascending order.
  mutating func insert(_ numbers: UnsafeBufferPointer<DocumentNumber>, at place: Int) {
    willChange()
    counts[all[place].field].entries += all[place].documents.insert(numbers)
  }

  mutating func remove(_ number: DocumentNumber, at place: Int) {
    willChange()
    if all[place].documents.remove(number) { counts[all[place].field].entries -= 1 }
  }

  /// Removes a tag that no document has. The last one moves to its place.
  mutating func removeIfEmpty(_ place: Int) {
    guard all[place].documents.isEmpty else { return }
    willChange()
    counts[all[place].field].distinct -= 1
    table.remove(at: wordIndex(all[place].name, place))
    let last = all.removeLast()
    if place == all.count { return }
    let moved = wordIndex(last.name, all.count)
    table.willChange()
    table.set(moved, word(last.name, place))
    all[place] = last
  }

  private func wordIndex(_ name: TagName, _ place: Int) -> Int {
    guard let index = table.view.index(of: word(name, place)) else { preconditionFailure("a tag without its word") }
    return index
  }

  mutating func removeAll() { self = TagPostings(prefixes: prefixes) }
}
