public import CDarkBird

/// The documents of one shard: a hash table of references to entries, and numbered slots that own them.
///
/// A document keeps its slot through all its versions, and a scan walks the slots, so a scan that is resumed sees each
/// document that stays exactly once, whatever happens meanwhile. A word of the table is the address of an entry with 20 bits of
/// the key's hash around it, so that a lookup touches two places in memory, the word and the entry, and changes of the table
/// touch no entries.
///
/// A copy of the map shares everything with the original until one of them changes: it is a snapshot. The next change then
/// copies the table (8 bytes a word) and the chunk of slots that it touches.
///
/// Lookup, insertion and removal are O(1) on average; an insertion that grows the table is O(n).
///
/// Unsafe corner: a word is an unmanaged reference. The slots hold the managed one for as long as the word is there, in this
/// map and in every copy.
@usableFromInline
struct ShardMap<Key: DocumentKey, Document: DarkBird.Document> {
  @usableFromInline typealias Element = Entry<Key, Document>

  @usableFromInline var table = WordTable<EntryWord<Element>>()
  @usableFromInline var slots = SlotTable<Element>()
  @usableFromInline var freeSlots: ContiguousArray<UInt32> = []
  /// Slots that were ever used.
  @usableFromInline var slotCount = 0

  @usableFromInline
  init() {}

  @inlinable @inline(__always)
  var count: Int { table.count }

  // MARK: By key

  /// The entry under a key. `hash` is the key's hash value.
  @inlinable @inline(__always)
  func find(_ key: Key, hash: UInt) -> Element? {
    Self.find(in: table.view, key, hash)?.takeUnretainedValue()
  }

  /// The entry under a key, for those who hold the lock and for those who read without.
  @inlinable @inline(__always)
  static func find(in view: WordView<EntryWord<Element>>, _ key: Key, _ hash: UInt) -> Unmanaged<Element>? {
    let bits = EntryWord<Element>.bits(hash)
    let home = EntryWord<Element>.home(hash, capacity: view.capacity)
    let word = view.near(home, bits, EntryWord<Element>.bitsMask, window: EntryWord<Element>.window)
    if word != 0 {
      // Almost always the entry.
      let entry = EntryWord<Element>.entry(word)
      // What the caller wants of the document is probably in another cache line than the key.
      db_prefetch(entry.toOpaque(), Element.size)
      if entry._withUnsafeGuaranteedRef({ $0.key == key }) { return entry }
    }
    return findFar(in: view, key, bits, home)
  }

  /// Has the entry that is probably that of a key fetched from memory.
  @inlinable @inline(__always)
  static func prefetchEntry(in view: WordView<EntryWord<Element>>, _ hash: UInt) {
    let home = EntryWord<Element>.home(hash, capacity: view.capacity)
    let word = view.near(
      home, EntryWord<Element>.bits(hash), EntryWord<Element>.bitsMask, window: EntryWord<Element>.window)
    if word != 0 { db_prefetch(EntryWord<Element>.entry(word).toOpaque(), Element.size) }
  }

  @inlinable
  static func findFar(
    in view: WordView<EntryWord<Element>>, _ key: Key, _ bits: UInt64, _ home: Int
  ) -> Unmanaged<Element>? {
    let found = view.first(from: home) { word in
      word & EntryWord<Element>.bitsMask == bits
        && EntryWord<Element>.entry(word)._withUnsafeGuaranteedRef { $0.key == key }
    }
    return found.map { EntryWord<Element>.entry($0.word) }
  }

  // MARK: By slot

  /// The slot that the next new document gets. Mutating, though it changes nothing: otherwise the map would be copied.
  @inlinable @inline(__always)
  var nextSlot: Int { mutating get { freeSlots.isEmpty ? slotCount : Int(freeSlots[freeSlots.count - 1]) } }

  /// The entry in a slot; nil if it is empty, or was never used.
  @inlinable @inline(__always)
  func entry(inSlot slot: Int) -> Element? { unmanagedEntry(inSlot: slot)?.takeUnretainedValue() }

  /// The same without counting a reference.
  @inlinable @inline(__always)
  func unmanagedEntry(inSlot slot: Int) -> Unmanaged<Element>? {
    slot < slotCount ? slots.unmanagedElement(slot) : nil
  }

  /// Has what is in a slot fetched from memory.
  @inlinable @inline(__always)
  func prefetchEntry(inSlot slot: Int) {
    if let entry = unmanagedEntry(inSlot: slot) { db_prefetch(entry.toOpaque(), Element.size) }
  }

  /// All entries in the order of their slots.
  var entries: some Sequence<Element> { (0..<slotCount).lazy.compactMap { entry(inSlot: $0) } }

  // MARK: Changes

  /// Replaces `old` by `new` in a slot: that of `old`, or else `nextSlot`. Either may be missing, then it is an insertion or
  /// a removal. The caller keeps `old` alive.
  @inlinable
  mutating func apply(old: Element?, new: Element?, hash: UInt, slot: Int) {
    // Not a switch over both: a pair of them would count references.
    guard let new else {
      if let old { remove(old, hash: hash, slot: slot) }
      return
    }
    // Likewise.
    let entry = Unmanaged.passUnretained(new)
    defer { withExtendedLifetime(new) {} }
    guard let old else { return insert(entry, hash: hash) }
    entry._withUnsafeGuaranteedRef { $0.hash = EntryWord<Element>.kept(hash) }
    table.willChange()
    table.set(index(of: old, hash), EntryWord.word(entry, hash))
    slots.set(slot, entry)
  }

  /// Puts an entry whose key is not there into `nextSlot`.
  @inlinable
  mutating func insert(_ entry: Unmanaged<Element>, hash: UInt) {
    entry._withUnsafeGuaranteedRef { $0.hash = EntryWord<Element>.kept(hash) }
    if let free = freeSlots.popLast() {
      slots.set(Int(free), entry)
    } else {
      if slotCount == slots.capacity { slots.grow() }
      slots.set(slotCount, entry)
      slotCount &+= 1
    }
    table.insert(EntryWord.word(entry, hash))
  }

  @inlinable
  mutating func remove(_ entry: Element, hash: UInt, slot: Int) {
    table.remove(at: index(of: entry, hash))
    slots.set(slot, nil)
    freeSlots.append(UInt32(slot))
  }

  @inlinable
  func index(of entry: Element, _ hash: UInt) -> Int {
    guard let index = table.view.index(of: EntryWord.word(.passUnretained(entry), hash)) else {
      preconditionFailure("an entry without its word")
    }
    return index
  }
}

/// The address of an entry, whose lowest 4 bits are 0 because objects are aligned, and whose upper 16 bits are 0 on the systems
/// that Swift supports. In their place: the upper 20 bits of what an entry keeps of its key's hash.
@usableFromInline
enum EntryWord<Element: HashedEntry>: TableWord {
  @usableFromInline static var bitsMask: UInt64 { 0xFFFF_0000_0000_000F }
  /// Words that an entry is looked for in first.
  @inlinable @inline(__always)
  static var window: Int { 4 }
  /// As long as a table has no more words, those bits say where a word belongs, and growing touches no entry.
  @usableFromInline static var capacityOfBits: Int { 1 << 20 }
  @usableFromInline static var isReadWithoutLock: Bool { true }
  @usableFromInline static var fault: Mutant { .wordChainBroken }

  /// The part of a hash value that an entry keeps. The lower bits choose the shard.
  @inlinable @inline(__always)
  static func kept(_ hash: UInt) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 32) }

  @inlinable @inline(__always)
  static func bits(_ hash: UInt) -> UInt64 { UInt64(hash >> 48) << 48 | UInt64(hash >> 44 & 15) }

  @inlinable @inline(__always)
  static func word(_ entry: Unmanaged<Element>, _ hash: UInt) -> UInt64 {
    UInt64(UInt(bitPattern: entry.toOpaque())) | bits(hash)
  }

  /// The entry of a word that is not 0.
  @inlinable @inline(__always)
  static func entry(_ word: UInt64) -> Unmanaged<Element> {
    // Only `word` makes words, of entries.
    Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: UInt(word & ~bitsMask)).unsafelyUnwrapped)
  }

  @inlinable @inline(__always)
  static func home(_ hash: UInt, capacity: Int) -> Int {
    scaled(capacity <= capacityOfBits ? UInt64(hash >> 44) << 12 : UInt64(kept(hash)), capacity)
  }

  @inlinable @inline(__always)
  static func home(of word: UInt64, capacity: Int) -> Int {
    if capacity <= capacityOfBits { return scaled((word >> 48) << 16 | (word & 15) << 12, capacity) }
    return scaled(UInt64(entry(word)._withUnsafeGuaranteedRef { $0.hash }), capacity)
  }
}

/// What a word of a table refers to.
@usableFromInline
protocol HashedEntry: AnyObject {
  var hash: UInt32 { get }
}

extension Entry: HashedEntry {}
