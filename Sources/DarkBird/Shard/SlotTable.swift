public import CDarkBird

/// Numbered places for references, in chunks. A copy is a snapshot: it shares all chunks until one of the two changes, which
/// then copies the chunk that it touches.
///
/// Unsafe corner: `bases` are the addresses of the chunks that `directory` owns; a slot must be below `capacity`.
///
/// Unchecked: as `WordTable`.
@usableFromInline
struct SlotTable<Element: AnyObject>: @unchecked Sendable {
  @usableFromInline static var chunkSlots: Int { 256 }

  @usableFromInline var bases: UnsafeMutablePointer<UnsafeMutablePointer<Element?>>
  @usableFromInline var chunkCount = 0
  @usableFromInline var directory: SlotDirectory<Element>

  @inlinable
  init() {
    directory = SlotDirectory(capacity: 4)
    bases = directory.bases
  }

  @inlinable
  var capacity: Int { chunkCount &* Self.chunkSlots }

  @inlinable @inline(__always)
  func address(_ slot: Int) -> UnsafeMutablePointer<Element?> {
    bases[slot / Self.chunkSlots] + slot % Self.chunkSlots
  }

  @inlinable @inline(__always)
  func prefetchElement(_ slot: Int, size: Int) {
    // Safe: an optional reference is one word, 0 for nil, and this one is only told to the processor.
    let element = UnsafeRawPointer(address(slot)).load(as: UnsafeRawPointer?.self)
    if let element { db_prefetch(element, size) }
  }

  @inlinable
  func chunk(_ number: Int) -> SlotChunk<Element> { directory.chunks[number] }

  @inlinable
  mutating func set(_ slot: Int, _ element: Element?) {
    let chunk = slot / Self.chunkSlots
    if !isUnshared(&directory) { take(SlotDirectory(copying: directory)) }
    if !isUnshared(&directory.chunks[chunk]) { directory.replace(chunk, SlotChunk(copying: directory.chunks[chunk])) }
    address(slot).pointee = element
  }

  /// Adds a chunk of empty slots.
  @inlinable
  mutating func grow() {
    if !isUnshared(&directory) || chunkCount == directory.capacity {
      take(SlotDirectory(copying: directory, capacity: directory.capacity * 2))
    }
    directory.append(SlotChunk())
    chunkCount += 1
  }

  @inlinable
  mutating func take(_ other: SlotDirectory<Element>) {
    directory = other
    bases = other.bases
  }
}

/// The chunks of a table.
@usableFromInline
final class SlotDirectory<Element: AnyObject> {
  @exclusivity(unchecked) @usableFromInline var chunks: ContiguousArray<SlotChunk<Element>> = []
  /// Where each begins.
  @usableFromInline let bases: UnsafeMutablePointer<UnsafeMutablePointer<Element?>>
  @usableFromInline let capacity: Int

  @inlinable
  init(capacity: Int) {
    self.capacity = capacity
    bases = .allocate(capacity: capacity)
  }

  @inlinable
  convenience init(copying other: SlotDirectory, capacity: Int? = nil) {
    self.init(capacity: capacity ?? other.capacity)
    for chunk in other.chunks { append(chunk) }
  }

  @usableFromInline
  deinit { bases.deallocate() }

  @inlinable
  func append(_ chunk: SlotChunk<Element>) {
    bases[chunks.count] = chunk.slots
    chunks.append(chunk)
  }

  @inlinable
  func replace(_ number: Int, _ chunk: SlotChunk<Element>) {
    chunks[number] = chunk
    bases[number] = chunk.slots
  }
}

/// Some hundred slots. Immutable for as long as anyone but the table refers to it.
@usableFromInline
final class SlotChunk<Element: AnyObject>: @unchecked Sendable {
  @usableFromInline let slots: UnsafeMutablePointer<Element?>

  @inlinable
  init() {
    slots = .allocate(capacity: SlotTable<Element>.chunkSlots)
    slots.initialize(repeating: nil, count: SlotTable<Element>.chunkSlots)
  }

  @inlinable
  init(copying other: SlotChunk) {
    slots = .allocate(capacity: SlotTable<Element>.chunkSlots)
    slots.initialize(from: other.slots, count: SlotTable<Element>.chunkSlots)
  }

  @usableFromInline
  deinit {
    slots.deinitialize(count: SlotTable<Element>.chunkSlots)
    slots.deallocate()
  }

  @inlinable
  subscript(place: Int) -> Element? { slots[place] }
}
