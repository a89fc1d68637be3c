import CDarkBird

/// Changes of tags and range fields that are in memory but not in the indexes yet: what a document no longer has and what it
/// has instead, in the order of the changes.
///
/// Unchecked: addresses that nobody reads from.
@usableFromInline
struct IndexChanges: ShardList, @unchecked Sendable {
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

  private(set) var marks: ContiguousArray<Mark> = []
  private(set) var tags: ContiguousArray<Tagged> = []
  private(set) var ranges: ContiguousArray<Ranged> = []
  /// Where the next elements of the arrays go, or would if the arrays had not grown; nil while there are none.
  private var ends: (marks: UnsafeRawPointer, tags: UnsafeRawPointer, ranges: UnsafeRawPointer)?

  @usableFromInline
  var isEmpty: Bool { marks.isEmpty }

  @usableFromInline
  init() {}

  /// Has the processor fetch the memory that the next change goes to. Changes nothing: a method that is not `mutating` would
  /// count references of all arrays.
  ///
  /// Safe: the addresses are not used for anything else. To ask the arrays for them each time would count references, too.
  @inline(__always)
  mutating func prefetchEnd() {
    guard let ends else { return }
    db_prefetch_to_write(ends.marks)
    db_prefetch_to_write(ends.ranges)
    db_prefetch_to_write(ends.tags)
    db_prefetch_to_write(ends.tags + 64)
  }

  private mutating func noteEnds(tagsBefore: Int, rangesBefore: Int) {
    if let before = ends, marks.count.nonzeroBitCount > 1 {
      ends = (
        before.marks + MemoryLayout<Mark>.stride,
        before.tags + (tags.count - tagsBefore) * MemoryLayout<Tagged>.stride,
        before.ranges + (ranges.count - rangesBefore) * MemoryLayout<Ranged>.stride
      )
    } else if let start = marks.withUnsafeBytes(\.baseAddress) {
      ends = (
        start + marks.count * MemoryLayout<Mark>.stride,
        (tags.withUnsafeBytes(\.baseAddress) ?? start) + tags.count * MemoryLayout<Tagged>.stride,
        (ranges.withUnsafeBytes(\.baseAddress) ?? start) + ranges.count * MemoryLayout<Ranged>.stride
      )
    }
  }

  /// Room for this many changes like those that are there.
  private mutating func reserve(_ count: Int) {
    let present = marks.count
    marks.reserveCapacity(count)
    tags.reserveCapacity(count * tags.count / present)
    ranges.reserveCapacity(count * ranges.count / present)
  }

  /// Appends the difference of two versions of a document.
  /// - Parameter uniques: how many of the values are of unique indexes.
  /// - Parameter expected: about how many changes will come before all are taken.
  mutating func append(
    _ lsn: UInt64, _ number: DocumentNumber, old: IndexKeys, new: IndexKeys, uniques: Int, expected: Int
  ) {
    let (tagsBefore, rangesBefore) = (tags.count, ranges.count)
    append(number, of: old, notIn: new, isRemoval: true, uniques)
    append(number, of: new, notIn: old, isRemoval: false, uniques)
    if tags.count == tagsBefore && ranges.count == rangesBefore { return }
    marks.append(Mark(lsn: lsn, tags: UInt32(tags.count), ranges: UInt32(ranges.count)))
    // A list that fills grows once; many are taken before they fill.
    if marks.count == 8 { reserve(expected) }
    noteEnds(tagsBefore: tagsBefore, rangesBefore: rangesBefore)
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
      for index in keys.tags.indices where others.tags.isEmpty || !others.hasTag(keys.tags[index].name) {
        tags.append(Tagged(keys.tags[index], number, isRemoval: isRemoval))
      }
    }
  }

  /// How many changes there are up to an LSN; they are in the order of their LSNs.
  func count(upTo lsn: UInt64) -> Int {
    if let last = marks.last, last.lsn <= lsn { return marks.count }
    var (low, high) = (0, marks.count)
    while low < high {
      let middle = (low + high) >> 1
      if marks[middle].lsn <= lsn { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The tags and values of the first changes.
  func prefix(_ count: Int) -> (tags: ArraySlice<Tagged>, ranges: ArraySlice<Ranged>) {
    if count == 0 { return ([], []) }
    let end = marks[count - 1]
    return (tags[..<Int(end.tags)], ranges[..<Int(end.ranges)])
  }

  /// What is left without the first changes.
  func dropFirst(_ count: Int) -> IndexChanges {
    var rest = IndexChanges()
    if count == marks.count { return rest }
    let end = count == 0 ? Mark(lsn: 0, tags: 0, ranges: 0) : marks[count - 1]
    rest.marks = ContiguousArray(
      marks[count...].map { Mark(lsn: $0.lsn, tags: $0.tags - end.tags, ranges: $0.ranges - end.ranges) })
    rest.tags = ContiguousArray(tags[Int(end.tags)...])
    rest.ranges = ContiguousArray(ranges[Int(end.ranges)...])
    return rest
  }
}
