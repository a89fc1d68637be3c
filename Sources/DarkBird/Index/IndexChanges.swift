import CDarkBird

/// Changes of tags and range fields that are in memory but not in the indexes yet: what a document no longer has and what it
/// has instead, in the order of the changes.
@usableFromInline
struct IndexChanges: ShardList, ~Copyable {
  /// A document that gets or loses a tag.
  struct Tagged: Sendable {
    let name: TagName
    /// The tag field, and in the highest bit whether it is a removal: so that this takes 48 bytes.
    private let fieldAndKind: UInt32
    let number: DocumentNumber

    init(_ tag: Tag, _ number: DocumentNumber, isRemoval: Bool) {
      name = tag.name
      fieldAndKind = tag.field | (isRemoval ? 1 << 31 : 0)
      self.number = number
    }

    var isRemoval: Bool { fieldAndKind >> 31 == 1 }
    var tag: Tag { Tag(name, field: fieldAndKind & ~(1 << 31)) }
  }

  /// A document that gets or loses a value of a range field.
  struct Ranged: Sendable {
    let value: IndexValue
    let isRemoval: Bool
    let field: UInt16
    let number: DocumentNumber
  }

  /// The end of a change.
  struct Mark: Sendable {
    let lsn: UInt64
    let tags: UInt32
    let ranges: UInt32
  }

  private(set) var marks = GrowingBuffer<Mark>()
  private var tags = GrowingBuffer<Tagged>()
  private var ranges = GrowingBuffer<Ranged>()

  @usableFromInline
  var isEmpty: Bool { marks.count == 0 }

  @usableFromInline
  init() {}

  /// Has the processor fetch the memory that the next change goes to.
  @inline(__always)
  func prefetchEnd() {
    marks.prefetchEnd()
    ranges.prefetchEnd()
    tags.prefetchEnd()
  }

  /// Room for this many changes like those that are there.
  private mutating func reserve(_ count: Int) {
    let present = marks.count
    marks.reserve(count)
    tags.reserve(count * tags.count / present)
    ranges.reserve(count * ranges.count / present)
  }

  /// Appends the difference of two versions of a document.
  /// - Parameters:
  ///   - new: gives up the tags and values that are not of unique indexes: to move them counts no references.
  ///   - uniques: how many of the values are of unique indexes.
  ///   - expected: about how many changes will come before all are taken.
  mutating func append(
    _ lsn: UInt64, _ number: DocumentNumber, old: IndexKeys, new: inout IndexKeys, uniques: Int, expected: Int
  ) {
    let (tagsBefore, rangesBefore) = (tags.count, ranges.count)
    appendRemovals(number, of: old, notIn: new, uniques)
    for index in uniques..<max(uniques, new.values.count) where new.hasValue(index, notIn: old) {
      guard let value = new.values[index].value.take() else { continue }
      ranges.append(Ranged(value: value, isRemoval: false, field: UInt16(index - uniques), number: number))
    }
    while let tag = new.tags.popLast() {
      if !old.hasTag(tag.name) { tags.append(Tagged(tag, number, isRemoval: false)) }
    }
    if tags.count == tagsBefore && ranges.count == rangesBefore { return }
    marks.append(Mark(lsn: lsn, tags: UInt32(tags.count), ranges: UInt32(ranges.count)))
    // A list that fills grows once; many are taken before they fill.
    if marks.count == 8 { reserve(expected) }
  }

  private mutating func appendRemovals(
    _ number: DocumentNumber, of old: IndexKeys, notIn new: IndexKeys, _ uniques: Int
  ) {
    let isReplacement = !new.values.isEmpty
    if !(planted(.oldRangeKept) && isReplacement) {
      for index in uniques..<max(uniques, old.values.count) where old.hasValue(index, notIn: new) {
        guard let value = old.values[index].value else { continue }
        ranges.append(Ranged(value: value, isRemoval: true, field: UInt16(index - uniques), number: number))
      }
    }
    if !(planted(.oldTagKept) && isReplacement) {
      for index in old.tags.indices where !new.hasTag(old.tags[index].name) {
        tags.append(Tagged(old.tags[index], number, isRemoval: true))
      }
    }
  }

  /// How many changes there are up to an LSN; they are in the order of their LSNs.
  func count(upTo lsn: UInt64) -> Int {
    let marks = marks.elements
    if let last = marks.last, last.lsn <= lsn { return marks.count }
    var (low, high) = (0, marks.count)
    while low < high {
      let middle = (low + high) >> 1
      if marks[middle].lsn <= lsn { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The tags and values of some of the changes, for as long as this is there.
  func part(_ range: Range<Int>) -> (tags: UnsafeBufferPointer<Tagged>, ranges: UnsafeBufferPointer<Ranged>) {
    func end(_ count: Int) -> (tags: Int, ranges: Int) {
      count == 0 ? (0, 0) : (Int(marks.elements[count - 1].tags), Int(marks.elements[count - 1].ranges))
    }
    let (start, end) = (end(range.lowerBound), end(range.upperBound))
    return (
      UnsafeBufferPointer(rebasing: tags.elements[start.tags..<end.tags]),
      UnsafeBufferPointer(rebasing: ranges.elements[start.ranges..<end.ranges])
    )
  }
}

/// Changes that were taken from a shard.
final class TakenChanges: Sendable {
  let changes: IndexChanges

  init(_ changes: consuming IndexChanges) { self.changes = changes }
}

/// Elements in one piece of memory, which grows at its end. Not an array: an append to one asks first who else refers to it, in a
/// line of memory of its own, which with the lists of writers is one that another processor has.
///
/// Unsafe corner: there is room for `capacity` elements, of which `count` are initialized.
///
/// Unchecked: nobody else has the memory.
struct GrowingBuffer<Element: Sendable>: ~Copyable, @unchecked Sendable {
  private var start: UnsafeMutablePointer<Element>?
  private var length: UInt32 = 0
  private var capacity: UInt32 = 0

  deinit {
    start?.deinitialize(count: count)
    start?.deallocate()
  }

  var count: Int { Int(length) }

  var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: start, count: count) }

  @inline(__always)
  mutating func append(_ element: consuming Element) {
    if length == capacity { reserve(max(8, 2 * count)) }
    if let start { (start + count).initialize(to: element) }
    length += 1
  }

  mutating func reserve(_ wanted: Int) {
    if wanted <= Int(capacity) { return }
    let grown = UnsafeMutablePointer<Element>.allocate(capacity: wanted)
    if let start {
      grown.moveInitialize(from: start, count: count)
      start.deallocate()
    }
    (start, capacity) = (grown, UInt32(wanted))
  }

  @inline(__always)
  func prefetchEnd() {
    if let start { db_prefetch_to_write(start + count) }
  }
}
