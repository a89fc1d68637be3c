public import CDarkBird
public import Synchronization

/// Numbered places for references, in chunks. A copy is a snapshot: it shares all chunks until one of the two changes, which
/// then copies the chunk that it touches.
///
/// Readers without a lock find an element by the directory's words, each the address of a chunk.
///
/// Unsafe corner: `bases` are the words of `directory`, which owns the chunks; a slot must be below `capacity`.
///
/// Unchecked: as `WordTable`.
@usableFromInline
struct SlotTable<Element: AnyObject>: @unchecked Sendable {
  @inlinable @inline(__always)
  static var chunkSlots: Int { 256 }
  /// How far before its turn an element is fetched: neighbours in a chunk lie far from each other in memory.
  @inlinable @inline(__always)
  static var slotsAhead: Int { 16 }

  @usableFromInline var bases: UnsafeMutablePointer<UInt64>
  @usableFromInline var chunkCount = 0
  @usableFromInline var directory: SlotDirectory<Element>
  /// What the table has left, and readers without a lock may still look at, until someone takes care of that.
  @usableFromInline var left: [AnyObject] = []

  @inlinable
  init() {
    directory = SlotDirectory(capacity: 4)
    bases = directory.bases.words
  }

  @inlinable
  var capacity: Int { chunkCount &* Self.chunkSlots }

  @inlinable @inline(__always)
  func word(_ slot: Int) -> UnsafeMutablePointer<UInt64> {
    Self.slots(bases[slot / Self.chunkSlots]) + slot % Self.chunkSlots
  }

  /// The slots of a chunk, from its word.
  @inlinable @inline(__always)
  static func slots(_ base: UInt64) -> UnsafeMutablePointer<UInt64> {
    // Only `SlotDirectory` makes them, of chunks.
    UnsafeMutablePointer(bitPattern: UInt(base)).unsafelyUnwrapped
  }

  /// Where a slot is for readers without a lock; nil if the table is not so large.
  /// - Parameter bases: of a table that the readers' epoch keeps.
  @inlinable @inline(__always)
  static func word(_ slot: Int, bases: UnsafeMutablePointer<UInt64>) -> UnsafeMutablePointer<UInt64>? {
    let chunk = slot / chunkSlots
    if chunk >= WordMemory.capacity(of: bases) { return nil }
    let base = WordMemory.word(bases + chunk).pointee.load(ordering: .acquiring)
    return base == 0 ? nil : slots(base) + slot % chunkSlots
  }

  /// The element in a slot, without counting a reference.
  @inlinable @inline(__always)
  func unmanagedElement(_ slot: Int) -> Unmanaged<Element>? { SlotChunk<Element>.element(word(slot).pointee) }

  @inlinable
  func chunk(_ number: Int) -> SlotChunk<Element> { directory.chunks[number] }

  /// The caller keeps what was there for as long as readers without a lock may look at it.
  @inlinable
  mutating func set(_ slot: Int, _ element: Unmanaged<Element>?) {
    let chunk = slot / Self.chunkSlots
    if !isUnshared(&directory) { take(SlotDirectory(copying: directory)) }
    if !isUnshared(&directory.chunks[chunk]) {
      left.append(directory.chunks[chunk])
      directory.replace(chunk, SlotChunk(copying: directory.chunks[chunk]))
    }
    let word = word(slot)
    let old = word.pointee
    WordMemory.word(word).pointee.store(SlotChunk.word(retaining: element), ordering: .releasing)
    SlotChunk<Element>.element(old)?.release()
  }

  /// Adds a chunk of empty slots.
  @inlinable
  mutating func grow() {
    let isAtEnd = chunkCount == directory.capacity
    if isAtEnd || !isUnshared(&directory) {
      take(SlotDirectory(copying: directory, capacity: isAtEnd ? directory.capacity * 2 : directory.capacity))
    }
    directory.append(SlotChunk())
    chunkCount += 1
  }

  @inlinable
  mutating func take(_ other: SlotDirectory<Element>) {
    left.append(directory.bases)
    directory = other
    bases = other.bases.words
  }
}

/// The chunks of a table.
@usableFromInline
final class SlotDirectory<Element: AnyObject> {
  @exclusivity(unchecked) @usableFromInline var chunks: ContiguousArray<SlotChunk<Element>> = []
  /// Where each begins. An object of its own: readers without a lock need it for longer than the chunks, which would be
  /// taken for shared and copied if anyone kept them too.
  @usableFromInline let bases: WordMemory

  @inlinable
  init(capacity: Int) {
    bases = WordMemory(capacity: capacity)
    willBeShared(self)
  }

  @inlinable
  convenience init(copying other: SlotDirectory, capacity: Int? = nil) {
    self.init(capacity: capacity ?? other.capacity)
    for chunk in other.chunks { append(chunk) }
  }

  @inlinable
  var capacity: Int { bases.capacity }

  @inlinable
  func append(_ chunk: SlotChunk<Element>) {
    chunks.willChange()
    chunks.append(chunk)
    chunks.willBeShared()
    publish(chunks.count - 1)
  }

  @inlinable
  func replace(_ number: Int, _ chunk: SlotChunk<Element>) {
    chunks.willChange()
    chunks[number] = chunk
    publish(number)
  }

  @inlinable
  func publish(_ number: Int) {
    WordMemory.word(bases.words + number).pointee.store(
      UInt64(UInt(bitPattern: chunks[number].slots)), ordering: .releasing)
  }
}

/// Some hundred slots. Immutable for as long as anyone but the table refers to it.
///
/// Unsafe corner: a slot is a word, 0 or a reference that the chunk has counted, so that readers without a lock can look at it.
@usableFromInline
final class SlotChunk<Element: AnyObject>: @unchecked Sendable {
  @usableFromInline let slots: UnsafeMutablePointer<UInt64>

  @inlinable
  init() {
    slots = .allocate(capacity: SlotTable<Element>.chunkSlots)
    slots.initialize(repeating: 0, count: SlotTable<Element>.chunkSlots)
    willBeShared(self)
  }

  @inlinable
  init(copying other: SlotChunk) {
    slots = .allocate(capacity: SlotTable<Element>.chunkSlots)
    for place in 0..<SlotTable<Element>.chunkSlots {
      (slots + place).initialize(to: Self.word(retaining: Self.element(other.slots[place])))
    }
    willBeShared(self)
  }

  @usableFromInline
  deinit {
    for place in 0..<SlotTable<Element>.chunkSlots { Self.element(slots[place])?.release() }
    slots.deallocate()
  }

  @inlinable
  subscript(place: Int) -> Element? { Self.element(slots[place])?.takeUnretainedValue() }

  /// Calls `body` with all elements, in order, without counting references.
  /// - Parameter size: bytes of an element, about.
  @inlinable @inline(__always)
  func forEach<Failure: Error>(size: Int, _ body: (Unmanaged<Element>) throws(Failure) -> Void) throws(Failure) {
    // Nobody else may keep the elements, and the last use of the slots be that of the chunk.
    defer { withExtendedLifetime(self) {} }
    for place in 0..<SlotTable<Element>.chunkSlots {
      prefetch(place &+ SlotTable<Element>.slotsAhead, size)
      if let element = Self.element(slots[place]) { try body(element) }
    }
  }

  /// Has an element fetched from memory, if there is one.
  @inlinable @inline(__always)
  func prefetch(_ place: Int, _ size: Int) {
    if place >= 0 && place < SlotTable<Element>.chunkSlots, let element = Self.element(slots[place]) {
      db_prefetch(element.toOpaque(), size)
    }
  }

  @inlinable @inline(__always)
  static func element(_ word: UInt64) -> Unmanaged<Element>? {
    UnsafeRawPointer(bitPattern: UInt(word)).map { .fromOpaque($0) }
  }

  @inlinable @inline(__always)
  static func word(retaining element: Unmanaged<Element>?) -> UInt64 {
    element.map { UInt64(UInt(bitPattern: $0.retain().toOpaque())) } ?? 0
  }
}
