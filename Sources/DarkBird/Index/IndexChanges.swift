import CDarkBird

/// Changes of tags and range fields that are in memory but not in the indexes yet: what a document no longer has and what it
/// has instead, in the order of the changes.
struct IndexChanges: ~Copyable, Sendable {
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

  var isEmpty: Bool { marks.count == 0 }

  /// How much waits, in changes of four tags and values at most: one document may have thousands.
  var weight: Int { max(marks.count, (tags.count + ranges.count) / 4) }

  init() {}

  /// Has the processor fetch the memory that the next change goes to.
  @inline(__always)
  func prefetchEnd() {
    marks.prefetchEnd()
    ranges.prefetchEnd()
    // A tag or two take two lines of memory.
    tags.prefetchEnd()
    tags.prefetchEnd(offset: 64)
  }

  /// Room for this many changes like those that are there, but not for more than a few tags and values each.
  private mutating func reserve(_ count: Int) {
    let present = marks.count
    marks.reserve(count)
    tags.reserve(min(count * tags.count / present, 4 * count))
    ranges.reserve(min(count * ranges.count / present, 4 * count))
  }

  /// Appends the difference of two versions of a document.
  /// - Parameters:
  ///   - uniques: how many of the values are of unique indexes.
  ///   - expected: about how many changes will come before all are taken.
  mutating func append(
    _ lsn: UInt64, _ number: DocumentNumber, old: IndexKeys, new: IndexKeys, uniques: Int, expected: Int
  ) {
    append(number, of: old, notIn: new, isRemoval: true, uniques)
    append(number, of: new, notIn: old, isRemoval: false, uniques)
    mark(lsn, expected)
  }

  /// Appends everything that a new document is indexed under, which moves here: that counts no references.
  mutating func append(
    _ lsn: UInt64, _ number: DocumentNumber, moving new: inout IndexKeys, uniques: Int, expected: Int
  ) {
    for index in uniques..<max(uniques, new.values.count) {
      guard let value = new.values[index].value.take() else { continue }
      ranges.append(Ranged(value: value, isRemoval: false, field: UInt16(index - uniques), number: number))
    }
    while let tag = new.tags.popLast() { tags.append(Tagged(tag, number, isRemoval: false)) }
    mark(lsn, expected)
  }

  /// Ends a change, unless there is nothing of it.
  private mutating func mark(_ lsn: UInt64, _ expected: Int) {
    let last = marks.elements.last
    if tags.count == Int(last?.tags ?? 0) && ranges.count == Int(last?.ranges ?? 0) { return }
    marks.append(Mark(lsn: lsn, tags: UInt32(tags.count), ranges: UInt32(ranges.count)))
    // A list that fills grows once; many are taken before they fill.
    if marks.count == 8 { reserve(expected) }
  }

  private mutating func append(
    _ number: DocumentNumber, of keys: IndexKeys, notIn others: IndexKeys, isRemoval: Bool, _ uniques: Int
  ) {
    let isReplacement = isRemoval && !others.values.isEmpty
    if !(planted(.oldRangeKept) && isReplacement) {
      for index in uniques..<max(uniques, keys.values.count) where keys.hasValue(index, notIn: others) {
        guard let value = keys.values[index].value else { continue }
        ranges.append(Ranged(value: value, isRemoval: isRemoval, field: UInt16(index - uniques), number: number))
      }
    }
    if !(planted(.oldTagKept) && isReplacement) {
      let set = keys.tags.count < 8 ? nil : others.tagSet
      for index in keys.tags.indices {
        let name = keys.tags[index].name
        if set.map({ $0.contains(name) }) ?? others.hasTag(name) { continue }
        tags.append(Tagged(keys.tags[index], number, isRemoval: isRemoval))
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
    func counts(_ changes: Int) -> (tags: Int, ranges: Int) {
      changes == 0 ? (0, 0) : (Int(marks.elements[changes - 1].tags), Int(marks.elements[changes - 1].ranges))
    }
    let (start, end) = (counts(range.lowerBound), counts(range.upperBound))
    return (
      UnsafeBufferPointer(rebasing: tags.elements[start.tags..<end.tags]),
      UnsafeBufferPointer(rebasing: ranges.elements[start.ranges..<end.ranges])
    )
  }
}

/// Changes that were taken from a shard: an object, so that an array can hold it.
final class TakenChanges: Sendable {
  let changes: IndexChanges

  init(_ changes: consuming IndexChanges) { self.changes = changes }
}

/// Elements in one piece of memory, which grows at its end. Not an array: an append to one asks first who else refers to it, in a
/// line of memory of its own, which with the lists of writers is one that another processor has.
///
/// Unsafe corner: there is room for `capacity` elements, of which `count` are initialized. What `elements` returns is good until the
/// next append, and while this is there.
///
/// Unchecked: nobody else changes the memory.
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
    guard let start else { preconditionFailure("a buffer without room") }
    (start + count).initialize(to: element)
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
  func prefetchEnd(offset: Int = 0) {
    if let start { db_prefetch_to_write(UnsafeRawPointer(start + count) + offset) }
  }
}
