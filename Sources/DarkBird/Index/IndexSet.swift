import CDarkBird
import HeapModule
import Synchronization

/// All indexes of a store.
///
/// The unique indexes are divided into stripes, each with a lock of its own (shared by some where there are more than 64). A
/// write locks the stripes in which the old and the new version of its document differ, in ascending order (so that no two writes
/// can wait for each other), checks the unique owners, and then takes the old entries out and puts the new ones in. Between that
/// lock and its unlock the indexes say either the old or the new version, never both or neither. A write that changes no indexed
/// value touches no index. Tags and range fields refuse nothing; see `DeferredIndexes`.
///
/// The indexes know documents by their numbers. They hold neither documents nor, but for tags and the values of range
/// fields, what documents are indexed under.
///
/// Unsafe corner: each stripe has a cache line of its own: the word of a lock, the number of its
/// changes, and what the stripe holds.
/// They are allocated for as long as this object lives, so that neither references are counted nor accesses checked at run
/// time; indexes into them come from a modulo.
///
/// Unchecked: a stripe is only touched under its lock.
@usableFromInline
final class IndexSet: @unchecked Sendable {
  @usableFromInline let uniqueNames: [String]
  let rangeNames: [String]
  let tagFieldNames: [String]
  /// Whether some tags are computed, and so may be any texts.
  private let areTagsFree: Bool

  @usableFromInline static var stripesPerUniqueIndex: Int { 64 }
  private static let locksMax = 64

  private let uniqueCount: Int
  private let lockCount: Int
  private let stripes: UnsafeMutableRawPointer
  @usableFromInline let uniqueHints: TableHints
  private let keysPool = KeysPool()
  /// Tags and range fields.
  @usableFromInline let deferred: DeferredIndexes

  private init(
    _ uniqueNames: [String], _ rangeNames: [String], _ tagFieldNames: [String], areTagsFree: Bool,
    _ deferred: DeferredIndexes
  ) {
    self.uniqueNames = uniqueNames
    self.rangeNames = rangeNames
    self.tagFieldNames = tagFieldNames
    self.areTagsFree = areTagsFree
    self.deferred = deferred
    uniqueCount = uniqueNames.count * Self.stripesPerUniqueIndex
    lockCount = min(uniqueCount, Self.locksMax)
    uniqueHints = TableHints(count: uniqueCount)
    stripes = .allocate(byteCount: Self.stripeBytes * max(1, uniqueCount), alignment: Self.stripeBytes)
    for stripe in 0..<uniqueCount {
      let start = stripes + stripe * Self.stripeBytes
      start.bindMemory(to: Atomic<UInt32>.self, capacity: 1).initialize(to: Atomic(0))
      (start + 4).bindMemory(to: Atomic<UInt32>.self, capacity: 1).initialize(to: Atomic(0))
      (start + 8).bindMemory(to: OwnerTable.self, capacity: 1).initialize(to: OwnerTable())
    }
  }

  /// - Parameter shardLocks: of the shards whose documents are indexed.
  @usableFromInline
  convenience init<Document>(_ schema: IndexSchema<Document>, shardLocks: ContiguousArray<LockWord>) {
    let deferred = DeferredIndexes(
      uniques: schema.uniques.count, ranges: schema.ranges.count,
      tagPrefixes: schema.tagFields.map { $0.isField ? $0.name + "=" : nil }, shardLocks: shardLocks)
    self.init(
      schema.uniques.map(\.name), schema.ranges.map(\.name), schema.tagFields.map(\.name),
      areTagsFree: schema.tagFields.contains { !$0.isField }, deferred)
  }

  /// A copy that shares everything until one of the two changes. Within `withAllLocked` of the store of `other`.
  convenience init(copying other: IndexSet) {
    self.init(
      other.uniqueNames, other.rangeNames, other.tagFieldNames, areTagsFree: other.areTagsFree,
      DeferredIndexes(copying: other.deferred))
    var left: [AnyObject] = []
    for stripe in 0..<uniqueCount {
      uniques(stripe).pointee = other.uniques(stripe).pointee
      publish(stripe, &left)
    }
  }

  deinit {
    for stripe in 0..<uniqueCount { uniques(stripe).deinitialize(count: 1) }
    stripes.deallocate()
  }

  // MARK: Memory of keys

  /// Empty keys for a change in a shard, which fetches what that change begins with. Under no lock.
  @usableFromInline
  func takeKeys(forChangeIn shard: Int) -> IndexKeys {
    deferred.prefetchForChange(shard: shard)
    return keysPool.take()
  }

  @usableFromInline
  func giveBack(_ keys: consuming IndexKeys) { keysPool.give(keys) }

  // MARK: Stripes

  private static var stripeBytes: Int { 64 }

  /// Owners of the values of each unique index, by the hash of the value.
  private func uniques(_ stripe: Int) -> UnsafeMutablePointer<OwnerTable> {
    (stripes + (stripe * Self.stripeBytes + 8)).assumingMemoryBound(to: OwnerTable.self)
  }
  /// Stripes use the locks in turn.
  private func lock(_ number: Int) -> LockWord {
    LockWord((stripes + number * Self.stripeBytes).assumingMemoryBound(to: Atomic<UInt32>.self))
  }

  /// Odd while the lock is held: what lookups without it look at, as at `Shard.sequence`.
  private func sequence(_ number: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    (stripes + (number * Self.stripeBytes + 4)).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  @inlinable @inline(__always)
  func uniqueStripe(_ index: Int, _ hash: UInt) -> Int {
    index &* Self.stripesPerUniqueIndex &+ Int(hash % UInt(Self.stripesPerUniqueIndex))
  }

  /// Locks by number, one bit each.
  @usableFromInline typealias LockMask = UInt64

  private func lock(ofStripe stripe: Int) -> LockMask { 1 << UInt64(stripe % Self.locksMax) }

  /// The locks of the stripes in which unique values of `keys` are and those of `others` are not.
  private func mask(of keys: IndexKeys, notIn others: IndexKeys) -> LockMask {
    var mask: LockMask = 0
    for index in uniqueNames.indices where keys.hasValue(index, notIn: others) {
      mask |= lock(ofStripe: uniqueStripe(index, keys.values[index].hash))
    }
    return mask
  }

  /// The locks of the stripes in which two versions differ.
  @usableFromInline
  func mask(old: IndexKeys, new: IndexKeys) -> LockMask { mask(of: old, notIn: new) | mask(of: new, notIn: old) }

  /// In ascending order, so that no two threads wait for each other.
  @usableFromInline
  func lock(_ mask: LockMask) {
    if planted(.stripesNotLocked) { return }
    let above = mask & (mask &- 1)
    if planted(.stripesLockedInAnyOrder), mask & 2 == 0, above != 0 { return (lock(above), lock(mask & ~above)).0 }
    var rest = mask
    while rest != 0 {
      let number = rest.trailingZeroBitCount
      lock(number).lock()
      sequence(number).pointee.store(sequence(number).pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
      rest &= rest - 1
    }
  }

  @usableFromInline
  func unlock(_ mask: LockMask) {
    var rest = mask
    while rest != 0 {
      let number = rest.trailingZeroBitCount
      sequence(number).pointee.store(sequence(number).pointee.load(ordering: .relaxed) &+ 1, ordering: .releasing)
      lock(number).unlock()
      rest &= rest - 1
    }
  }

  private func withLocks<R>(_ mask: LockMask, _ body: () -> R) -> R {
    lock(mask)
    defer { unlock(mask) }
    return body()
  }

  /// Runs `body` while every stripe is locked.
  func withAllStripes<R>(_ body: () -> R) -> R {
    withLocks((0..<lockCount).reduce(0) { $0 | lock(ofStripe: $1) }, body)
  }

  // MARK: Changes, under the stripes' locks

  /// The unique values of `new` that `old` does not have and that documents, besides those with a number that is passed
  /// over, may own. Almost always none.
  @usableFromInline
  func claims(old: IndexKeys, new: IndexKeys, passingOver: (DocumentNumber) -> Bool) -> [UniqueClaim] {
    var claims: [UniqueClaim] = []
    for index in uniqueNames.indices where index < new.values.count {
      guard new.hasValue(index, notIn: old) else { continue }
      let hash = new.values[index].hash
      // Without a copy of the table, which would count references.
      let owners = uniques(uniqueStripe(index, hash))
      let candidates = OwnerTable.candidates(
        hash, in: WordView(words: owners.pointee.table.words, capacity: owners.pointee.table.capacity))
      guard let first = candidates.first, let value = new.values[index].value else { continue }
      let others = ([first] + candidates.others).filter { !passingOver($0) }
      if planted(.uniqueNotChecked) { continue }
      if !others.isEmpty { claims.append(UniqueClaim(index: index, value: value, owners: others)) }
    }
    return claims
  }

  /// Replaces the unique values of a document.
  /// - Parameter left: gets memory that readers without a lock may still look at.
  @usableFromInline
  func replace(_ number: DocumentNumber, old: IndexKeys, new: IndexKeys, _ left: inout [AnyObject]) {
    for index in uniqueNames.indices {
      if old.hasValue(index, notIn: new), !planted(.oldUniqueKept) || new.values.isEmpty {
        let hash = old.values[index].hash
        let stripe = uniqueStripe(index, hash)
        uniques(stripe).pointee.remove(hash, number)
        publish(stripe, &left)
      }
      if new.hasValue(index, notIn: old) {
        let hash = new.values[index].hash
        let stripe = uniqueStripe(index, hash)
        uniques(stripe).pointee.insert(hash, number)
        publish(stripe, &left)
      }
    }
  }

  /// What readers find the table by. Without a copy of the table, which would count references.
  private func publish(_ stripe: Int, _ left: inout [AnyObject]) {
    if uniqueHints[stripe].isOf(uniques(stripe).pointee.table.words) { return }
    if let memory = uniqueHints[stripe].update(uniques(stripe).pointee.table) { left.append(memory) }
  }

  /// Has what an insertion of unique values looks at and writes to fetched from memory. Under no lock.
  @usableFromInline
  func prefetchForChange(_ keys: IndexKeys) {
    for index in uniqueNames.indices {
      let hash = keys.values[index].hash
      let stripe = uniqueStripe(index, hash)
      db_prefetch_to_write(stripes + stripe * Self.stripeBytes)
      uniqueHints[stripe].prefetchForChange { scaled(UInt64(hash >> 32), $0) }
    }
  }

  /// Empties every index, within `withAllLocked` of the store. Returns what was there, to be kept for as long as readers without
  /// a lock may look at it.
  func removeAll() -> [Any] {
    let owners = (0..<uniqueCount).map { uniques($0).pointee }
    var left: [AnyObject] = []
    for stripe in 0..<uniqueCount {
      uniques(stripe).pointee = OwnerTable()
      publish(stripe, &left)
    }
    return [owners, left] + deferred.removeAll()
  }

  // MARK: Lookups

  /// Has the word of a value fetched from memory. Under no lock.
  @inlinable @inline(__always)
  func prefetchOwner(uniqueIndex index: Int, hash: UInt) {
    uniqueHints[uniqueStripe(index, hash)].prefetch(window: OwnerTable.window) { scaled(UInt64(hash >> 32), $0) }
  }

  /// A document that owned a value of this hash, if not just now then before; nil does not say that there is none. Whether it
  /// owns the value now, the document says. Must be called between `db_begin_reading` and `db_end_reading`.
  @inlinable @inline(__always)
  func probableOwner(uniqueIndex index: Int, hash: UInt) -> DocumentNumber? {
    uniqueHints[uniqueStripe(index, hash)].words.flatMap { OwnerTable.probable(hash, in: WordView(of: $0)) }
  }

  /// Documents that may own a value, and what `asOf` says at that moment. Must be called between `db_begin_reading` and
  /// `db_end_reading`; takes no lock unless the stripe is locked just now.
  @usableFromInline
  func owners(
    uniqueIndex index: Int, hash: UInt, asOf: () -> UInt64
  ) -> (first: DocumentNumber?, others: [DocumentNumber], lsn: UInt64) {
    let stripe = uniqueStripe(index, hash)
    let sequence = sequence(stripe % Self.locksMax)
    let before = sequence.pointee.load(ordering: .acquiring)
    if before & 1 == 0, let words = uniqueHints[stripe].words {
      let isUnchecked = planted(.ownersNotChecked)
      let (first, others) = OwnerTable.candidates(hash, in: WordView(of: words))
      let lsn = asOf()
      if isUnchecked || sequence.pointee.load(ordering: .relaxed) == before { return (first, others, lsn) }
    }
    // Nothing is changed: others may look without the lock meanwhile.
    let word = lock(stripe % Self.locksMax)
    word.lock()
    defer { word.unlock() }
    let (first, others) = OwnerTable.candidates(hash, in: uniques(stripe).pointee.table.view)
    return (first, others, asOf())
  }

  /// - Throws: `.unknownIndex` for a tag that no document can have, since what stands before its "=" is no tag field.
  func checkTag(_ tag: String) throws(StoreError) {
    // By its bytes for a field with "=" in its name, else as names are compared everywhere.
    let name = tag.nameAndValue?.name
    if areTagsFree || tagFieldNames.contains(where: { $0 == name || tag.value(ofName: $0) != nil }) { return }
    throw .unknownIndex(name: name ?? tag, known: tagFieldNames)
  }

  /// The documents of tags and of range fields, all as of one moment, that of the LSN.
  /// - Parameter asOf: the LSN of the last change.
  func documents(
    tagged names: [TagName], rangeIndexes: [Int], asOf: () -> UInt64
  ) -> (tagged: [DocumentSet], ranges: [OrderedMap<IndexValue>], lsn: UInt64) {
    deferred.withAll(asOf: asOf) { lsn in
      (names.map(deferred.documents), rangeIndexes.map(deferred.documents(range:)), lsn)
    }
  }

  func documents(rangeIndex index: Int, asOf: () -> UInt64) -> OrderedMap<IndexValue> {
    deferred.withAll(asOf: asOf) { _ in deferred.documents(range: index) }
  }

  /// The `limit` most frequent tags of a tag field with their counts, of one moment, most frequent first.
  func tags(ofField field: Int, limit: Int, asOf: () -> UInt64) -> [(tag: String, count: Int)] {
    var best = Heap<FrequentTag>()
    if limit <= 0 { return [] }
    let all = deferred.withAll(asOf: asOf) { _ in Array(deferred.postings) }
    for postings in all {
      for posting in postings.all where posting.field == field {
        let count = posting.documents.count
        // A text is only made of those that may stay.
        if best.count == limit, let worst = best.min, count < worst.count { continue }
        best.insert(FrequentTag(tag: posting.name.text, count: count))
        if best.count > limit { best.removeMin() }
      }
    }
    return best.unordered.sorted(by: >).map { ($0.tag, $0.count) }
  }

  /// - Parameter isExact: whether tags and range fields are counted as of the LSN that `asOf` gives, or as they are put in.
  func statistics(isExact: Bool, asOf: () -> UInt64) -> [StoreStatistics.Index] {
    var uniqueEntries = uniqueNames.map { _ in 0 }
    for stripe in 0..<uniqueCount {
      uniqueEntries[stripe / Self.stripesPerUniqueIndex] += withLocks(lock(ofStripe: stripe)) {
        uniques(stripe).pointee.count
      }
    }
    var tagEntries = tagFieldNames.map { _ in 0 }
    var tagDistinct = tagEntries
    func count() -> [Int] {
      for postings in deferred.postings {
        for field in tagEntries.indices {
          tagEntries[field] += postings.counts[field].entries
          tagDistinct[field] += postings.counts[field].distinct
        }
      }
      return rangeNames.indices.map { deferred.documents(range: $0).count }
    }
    let rangeEntries = isExact ? deferred.withAll(asOf: asOf) { _ in count() } : deferred.withLock(count)
    return zip(uniqueNames, uniqueEntries).map { .init(kind: .unique, name: $0, entries: $1) }
      + zip(rangeNames, rangeEntries).map { .init(kind: .range, name: $0, entries: $1) }
      + tagFieldNames.enumerated().map { field, name in
        .init(kind: .tag, name: name, entries: tagEntries[field], distinct: tagDistinct[field])
      }
  }

  // MARK: Audit

  /// How the indexes differ from what `documents`, all current ones, would give. Nothing may change meanwhile.
  func problems(comparedTo documents: [(number: DocumentNumber, keys: IndexKeys)]) -> [String] {
    var problems: [String] = []
    var uniqueCounts = uniqueNames.map { _ in 0 }
    var rangeCounts = rangeNames.map { _ in 0 }
    var tagCount = 0
    var owned = uniqueNames.map { _ in Set<IndexValue>() }
    for (number, keys) in documents {
      for (index, (value, hash)) in keys.values.enumerated() {
        guard let value else { continue }
        if index < uniqueNames.count {
          uniqueCounts[index] += 1
          if !owned[index].insert(value).inserted {
            problems.append("unique \(uniqueNames[index]): \(value) has two owners")
          }
          if !uniques(uniqueStripe(index, hash)).pointee.contains(hash, number) {
            problems.append("unique \(uniqueNames[index]): \(value) does not lead to its document")
          }
        } else {
          let range = index - uniqueNames.count
          rangeCounts[range] += 1
          if deferred.documents(range: range).value(value)?.contains(number) != true {
            problems.append("range \(rangeNames[range]): \(value) does not lead to its document")
          }
        }
      }
      for tag in keys.tags {
        tagCount += 1
        if !deferred.documents(tag.name).contains(number) {
          problems.append("tag \(tag.name.text) does not lead to its document")
        }
      }
    }
    for (index, name) in uniqueNames.enumerated() {
      let first = index * Self.stripesPerUniqueIndex
      let found = (first..<first + Self.stripesPerUniqueIndex).reduce(0) { $0 + uniques($1).pointee.count }
      if found != uniqueCounts[index] {
        problems.append("unique \(name): \(found) entries, not \(uniqueCounts[index])")
      }
    }
    for (range, (name, expected)) in zip(rangeNames, rangeCounts).enumerated() {
      let found = deferred.documents(range: range).count
      if found != expected { problems.append("range \(name): \(found) entries, not \(expected)") }
      problems += deferred.documents(range: range).structuralProblems().map { "range \(name): \($0)" }
    }
    var found = 0
    for postings in deferred.postings {
      let entries = postings.all.reduce(0) { $0 + $1.documents.count }
      if postings.counts.reduce(0, { $0 + $1.entries }) != entries { problems.append("tags: wrong count of entries") }
      if postings.counts.reduce(0, { $0 + $1.distinct }) != postings.all.count {
        problems.append("tags: wrong count of distinct tags")
      }
      for posting in postings.all {
        if posting.documents.isEmpty { problems.append("tag \(posting.name.text): an empty set") }
        problems += posting.documents.structuralProblems().map { "tag \(posting.name.text): \($0)" }
      }
      found += entries
    }
    if found != tagCount { problems.append("tags: \(found) entries, not \(tagCount)") }
    return problems
  }
}

/// A unique value that a write claims, and the documents that may own it already. Whether one does, only its document can
/// tell, and so a function of the schema, which is called under no lock.
@usableFromInline
struct UniqueClaim {
  @usableFromInline let index: Int
  @usableFromInline let value: IndexValue
  @usableFromInline let owners: [DocumentNumber]
}

/// A tag is less than another if fewer documents have it; among equals, if it comes later in the alphabet.
private struct FrequentTag: Comparable {
  let tag: String
  let count: Int

  static func < (a: Self, b: Self) -> Bool { a.count != b.count ? a.count < b.count : a.tag > b.tag }
}
