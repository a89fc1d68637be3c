import Synchronization

/// All indexes of a store, divided into stripes, each with a lock of its own (shared by some where there are more than 64).
///
/// A write locks the stripes in which the old and the new version of its document differ, in ascending order (so that no
/// two writes can wait for each other), checks the unique owners, and then takes the old entries out and puts the new ones
/// in. Between that lock and its unlock the indexes say either the old or the new version, never both or neither. A write
/// that changes no indexed value touches no index.
///
/// The indexes know documents by their numbers. They hold neither documents nor, but for tags and the values of range
/// fields, what documents are indexed under.
///
/// Unsafe corner: each stripe has a cache line of its own: the word of a lock, and eight bytes behind it what the stripe holds.
/// They are allocated for as long as this object lives, so that neither references are counted nor accesses checked at run
/// time; indexes into them come from a modulo.
///
/// Unchecked: a stripe is only touched under its lock.
@usableFromInline
final class IndexSet: @unchecked Sendable {
  @usableFromInline let uniqueNames: [String]
  let rangeNames: [String]
  let tagFieldNames: [String]

  private static let stripesPerUniqueIndex = 16
  private static let tagStripeCount = 32

  private static let locksMax = 64

  private let uniqueCount: Int
  private let stripeCount: Int
  private let lockCount: Int
  private let stripes: UnsafeMutableRawPointer
  private let uniqueHints: TableHints
  /// The locks of the range fields, if these are the last ones and nothing else uses them.
  @usableFromInline let rangeLocks: LockMask

  private init(_ uniqueNames: [String], _ rangeNames: [String], _ tagFieldNames: [String]) {
    self.uniqueNames = uniqueNames
    self.rangeNames = rangeNames
    self.tagFieldNames = tagFieldNames
    uniqueCount = uniqueNames.count * Self.stripesPerUniqueIndex
    stripeCount = uniqueCount + Self.tagStripeCount + rangeNames.count
    lockCount = min(stripeCount, Self.locksMax)
    let firstRange = uniqueCount + Self.tagStripeCount
    rangeLocks =
      stripeCount <= Self.locksMax && !rangeNames.isEmpty ? ~0 << firstRange & ~0 >> (Self.locksMax - stripeCount) : 0
    uniqueHints = TableHints(count: uniqueCount)
    stripes = .allocate(byteCount: Self.stripeBytes * stripeCount, alignment: Self.stripeBytes)
    for stripe in 0..<stripeCount {
      let start = stripes + stripe * Self.stripeBytes
      start.bindMemory(to: Atomic<UInt32>.self, capacity: 1).initialize(to: Atomic(0))
      switch stripe {
      case ..<uniqueCount: (start + 8).bindMemory(to: OwnerTable.self, capacity: 1).initialize(to: OwnerTable())
      case ..<firstRange:
        (start + 8).bindMemory(to: TagPostings.self, capacity: 1)
          .initialize(to: TagPostings(fieldCount: tagFieldNames.count))
      default: (start + 8).bindMemory(to: OrderedMap<IndexValue>.self, capacity: 1).initialize(to: OrderedMap())
      }
    }
  }

  @usableFromInline
  convenience init<Document>(_ schema: IndexSchema<Document>) {
    self.init(schema.uniques.map(\.name), schema.ranges.map(\.name), schema.tagFields.map(\.name))
  }

  /// A copy that shares everything until one of the two changes. All stripes of `other` must be locked.
  convenience init(copying other: IndexSet) {
    self.init(other.uniqueNames, other.rangeNames, other.tagFieldNames)
    for stripe in 0..<uniqueCount { uniques(stripe).pointee = other.uniques(stripe).pointee }
    for number in 0..<Self.tagStripeCount { tags(number).pointee = other.tags(number).pointee }
    for range in rangeNames.indices { ranges(range).pointee = other.ranges(range).pointee }
  }

  deinit {
    for stripe in 0..<uniqueCount { uniques(stripe).deinitialize(count: 1) }
    for number in 0..<Self.tagStripeCount { tags(number).deinitialize(count: 1) }
    for range in rangeNames.indices { ranges(range).deinitialize(count: 1) }
    stripes.deallocate()
  }

  // MARK: Stripes

  private static var stripeBytes: Int { 64 }

  /// Owners of the values of each unique index, by the hash of the value.
  private func uniques(_ stripe: Int) -> UnsafeMutablePointer<OwnerTable> {
    (stripes + (stripe * Self.stripeBytes + 8)).assumingMemoryBound(to: OwnerTable.self)
  }
  private func tags(_ number: Int) -> UnsafeMutablePointer<TagPostings> {
    (stripes + ((uniqueCount + number) * Self.stripeBytes + 8)).assumingMemoryBound(to: TagPostings.self)
  }
  /// The documents of a range field in the order of their values.
  private func ranges(_ range: Int) -> UnsafeMutablePointer<OrderedMap<IndexValue>> {
    (stripes + ((uniqueCount + Self.tagStripeCount + range) * Self.stripeBytes + 8))
      .assumingMemoryBound(to: OrderedMap<IndexValue>.self)
  }
  /// Stripes, numbered from the first unique one to the last range, use the locks in turn.
  private func lock(_ number: Int) -> LockWord {
    LockWord((stripes + number * Self.stripeBytes).assumingMemoryBound(to: Atomic<UInt32>.self))
  }

  private func uniqueStripe(_ index: Int, _ hash: UInt) -> Int {
    index * Self.stripesPerUniqueIndex + Int(hash % UInt(Self.stripesPerUniqueIndex))
  }
  private func tagStripe(_ tag: TagName) -> Int { uniqueCount + tagNumber(tag) }
  private func tagNumber(_ tag: TagName) -> Int { Int(UInt(bitPattern: tag.hash) % UInt(Self.tagStripeCount)) }
  /// - Parameter index: in the values of `IndexKeys`.
  private func rangeStripe(_ index: Int) -> Int { uniqueCount + Self.tagStripeCount + index - uniqueNames.count }

  /// Locks by number, one bit each.
  @usableFromInline typealias LockMask = UInt64

  private func lock(ofStripe stripe: Int) -> LockMask { 1 << UInt64(stripe % Self.locksMax) }

  /// The locks of the stripes in which `keys` are and `others` are not.
  private func mask(of keys: IndexKeys, notIn others: IndexKeys) -> LockMask {
    var mask: LockMask = 0
    for index in keys.values.indices where keys.value(index, notIn: others) != nil {
      mask |= lock(
        ofStripe: index < uniqueNames.count ? uniqueStripe(index, keys.values[index].hash) : rangeStripe(index))
    }
    for tag in keys.tags where !others.hasTag(tag.name) { mask |= lock(ofStripe: tagStripe(tag.name)) }
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
      lock(rest.trailingZeroBitCount).lock()
      rest &= rest - 1
    }
  }

  @usableFromInline
  func unlock(_ mask: LockMask) {
    var rest = mask
    while rest != 0 {
      lock(rest.trailingZeroBitCount).unlock()
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
      guard let value = new.value(index, notIn: old) else { continue }
      let hash = new.values[index].hash
      let candidates = uniques(uniqueStripe(index, hash)).pointee.candidates(hash)
      guard let first = candidates.first else { continue }
      let owners = ([first] + candidates.others).filter { !passingOver($0) }
      if planted(.uniqueNotChecked) { continue }
      if !owners.isEmpty { claims.append(UniqueClaim(index: index, value: value, owners: owners)) }
    }
    return claims
  }

  @usableFromInline
  func replace(_ number: DocumentNumber, old: IndexKeys, new: IndexKeys) {
    replaceInRanges(number, old, new)
    replaceElsewhere(number, old, new)
  }

  /// Unlocks the stripes in `mask` besides, those of range fields as early as may be: all writers meet there.
  @usableFromInline
  func replace(_ number: DocumentNumber, old: IndexKeys, new: IndexKeys, unlocking mask: LockMask) {
    replaceInRanges(number, old, new)
    unlock(mask & rangeLocks)
    replaceElsewhere(number, old, new)
    unlock(mask & ~rangeLocks)
  }

  private func replaceInRanges(_ number: DocumentNumber, _ old: IndexKeys, _ new: IndexKeys) {
    for range in rangeNames.indices {
      let index = uniqueNames.count + range
      if let value = old.value(index, notIn: new), !planted(.oldRangeKept) || new.values.isEmpty {
        ranges(range).pointee.remove(value, number)
      }
      if let value = new.value(index, notIn: old) { ranges(range).pointee.insert(value, number) }
    }
  }

  private func replaceElsewhere(_ number: DocumentNumber, _ old: IndexKeys, _ new: IndexKeys) {
    for index in uniqueNames.indices {
      if old.value(index, notIn: new) != nil, !planted(.oldUniqueKept) || new.values.isEmpty {
        let hash = old.values[index].hash
        uniques(uniqueStripe(index, hash)).pointee.remove(hash, number)
      }
      if new.value(index, notIn: old) != nil {
        let hash = new.values[index].hash
        let stripe = uniqueStripe(index, hash)
        uniques(stripe).pointee.insert(hash, number)
        uniqueHints[stripe].update(uniques(stripe).pointee.table)
      }
    }
    if !planted(.oldTagKept) || new.values.isEmpty {
      for tag in old.tags where !new.hasTag(tag.name) { tags(tagNumber(tag.name)).pointee.remove(tag.name, number) }
    }
    for tag in new.tags where !old.hasTag(tag.name) { tags(tagNumber(tag.name)).pointee.insert(tag, number) }
  }

  /// Has the words of the unique values fetched from memory. Under no lock.
  @usableFromInline
  func prefetch(_ keys: IndexKeys) {
    for index in uniqueNames.indices where keys.values[index].value != nil {
      prefetch(uniqueIndex: index, hash: keys.values[index].hash)
    }
  }

  @usableFromInline
  func prefetch(uniqueIndex index: Int, hash: UInt) {
    uniqueHints[uniqueStripe(index, hash)].prefetch { scaled(UInt64(hash >> 32), $0) }
  }

  /// Empties every index; all stripes must be locked.
  func removeAll() {
    for stripe in 0..<uniqueCount { uniques(stripe).pointee = OwnerTable() }
    for stripe in 0..<Self.tagStripeCount { tags(stripe).pointee.removeAll() }
    for range in rangeNames.indices { ranges(range).pointee = OrderedMap() }
  }

  // MARK: Lookups

  /// Documents that may own a value, and what `asOf` says at that moment.
  @usableFromInline
  func owners(
    uniqueIndex index: Int, hash: UInt, asOf: () -> UInt64
  ) -> (first: DocumentNumber?, others: [DocumentNumber], lsn: UInt64) {
    let stripe = uniqueStripe(index, hash)
    let mask = lock(ofStripe: stripe)
    lock(mask)
    defer { unlock(mask) }
    let (first, others) = uniques(stripe).pointee.candidates(hash)
    return (first, others, asOf())
  }

  /// The documents of tags and of range fields, all as of one moment, and what `asOf` says at that moment.
  func documents(
    tagged names: [TagName], rangeIndexes: [Int], asOf: () -> UInt64
  ) -> (tagged: [DocumentSet], ranges: [OrderedMap<IndexValue>], lsn: UInt64) {
    var mask: LockMask = 0
    for name in names { mask |= lock(ofStripe: tagStripe(name)) }
    for index in rangeIndexes { mask |= lock(ofStripe: rangeStripe(uniqueNames.count + index)) }
    lock(mask)
    defer { unlock(mask) }
    return (
      names.map { tags(tagNumber($0)).pointee.documents($0) ?? DocumentSet() },
      rangeIndexes.map { ranges($0).pointee }, asOf()
    )
  }

  func documents(rangeIndex index: Int) -> OrderedMap<IndexValue> {
    documents(tagged: [], rangeIndexes: [index], asOf: { 0 }).ranges[0]
  }

  /// All tags of a tag field with their counts, each stripe as of one moment.
  func tags(ofField field: Int) -> [(tag: String, count: Int)] {
    (0..<Self.tagStripeCount).flatMap { number in
      let postings = withLocks(lock(ofStripe: uniqueCount + number)) { tags(number).pointee }
      return postings.all.filter { $0.field == field }.map { (tag: $0.name.text, count: $0.documents.count) }
    }
  }

  func statistics() -> [StoreStatistics.Index] {
    var uniqueEntries = uniqueNames.map { _ in 0 }
    for stripe in 0..<uniqueCount {
      uniqueEntries[stripe / Self.stripesPerUniqueIndex] += withLocks(lock(ofStripe: stripe)) {
        uniques(stripe).pointee.count
      }
    }
    var tagEntries = tagFieldNames.map { _ in 0 }
    var tagDistinct = tagEntries
    for number in 0..<Self.tagStripeCount where !tagFieldNames.isEmpty {
      withLocks(lock(ofStripe: uniqueCount + number)) {
        for field in tagEntries.indices {
          tagEntries[field] += tags(number).pointee.entries[field]
          tagDistinct[field] += tags(number).pointee.distinct[field]
        }
      }
    }
    return zip(uniqueNames, uniqueEntries).map { .init(kind: .unique, name: $0, entries: $1) }
      + rangeNames.enumerated().map { index, name in
        .init(kind: .range, name: name, entries: documents(rangeIndex: index).count)
      }
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
          if ranges(range).pointee.value(value)?.contains(number) != true {
            problems.append("range \(rangeNames[range]): \(value) does not lead to its document")
          }
        }
      }
      for tag in keys.tags {
        tagCount += 1
        if tags(tagNumber(tag.name)).pointee.documents(tag.name)?.contains(number) != true {
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
      let found = ranges(range).pointee.count
      if found != expected { problems.append("range \(name): \(found) entries, not \(expected)") }
      problems += ranges(range).pointee.structuralProblems().map { "range \(name): \($0)" }
    }
    var found = 0
    for stripe in 0..<Self.tagStripeCount {
      let postings = tags(stripe).pointee
      let entries = postings.all.reduce(0) { $0 + $1.documents.count }
      if postings.entries.reduce(0, +) != entries { problems.append("tags: wrong count of entries") }
      if postings.distinct.reduce(0, +) != postings.all.count {
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
