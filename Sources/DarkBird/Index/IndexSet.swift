/// All indexes of a store, divided into stripes, each with a lock of its own.
///
/// A write locks the stripes that the old and the new version of its document touch, in ascending order (so that no two
/// writes can wait for each other), checks the unique owners, and then takes the old entry out and puts the new one in.
/// Between that lock and its unlock the indexes say either the old or the new version, never both or neither.
@usableFromInline
final class IndexSet: Sendable {
  let uniqueNames: [String]
  let rangeNames: [String]
  let tagFieldNames: [String]

  private static let stripesPerUniqueIndex = 16
  private static let tagStripeCount = 32

  private let uniques: [UniqueStripe]
  private let tags: [TagStripe]
  private let ranges: [RangeStripe]
  /// All of the above in the order in which they are locked.
  private let stripes: [IndexStripe]

  init<Document>(_ schema: IndexSchema<Document>) {
    uniqueNames = schema.uniques.map(\.name)
    rangeNames = schema.ranges.map(\.name)
    tagFieldNames = schema.tagFields.map(\.name)
    let fieldCount = tagFieldNames.count
    uniques = (0..<uniqueNames.count * Self.stripesPerUniqueIndex).map { _ in UniqueStripe() }
    tags = (0..<Self.tagStripeCount).map { _ in TagStripe(fieldCount: fieldCount) }
    ranges = rangeNames.map { _ in RangeStripe() }
    stripes = uniques + tags + ranges
  }

  // MARK: Stripes

  private func uniqueStripe(_ index: Int, _ value: IndexValue) -> Int {
    index * Self.stripesPerUniqueIndex + value.hashValue.stripe(of: Self.stripesPerUniqueIndex)
  }
  private func tagStripe(_ tag: String) -> Int { tag.hashValue.stripe(of: Self.tagStripeCount) }

  private func addStripes(of keys: IndexKeys, to list: inout StripeList) {
    for (index, value) in keys.values.enumerated() {
      guard let value else { continue }
      list.add(
        index < uniqueNames.count ? uniqueStripe(index, value) : uniques.count + tags.count + index - uniqueNames.count)
    }
    for tag in keys.tags { list.add(uniques.count + tagStripe(tag.text)) }
  }

  /// Runs `body` while the stripes of both versions are locked.
  @usableFromInline
  func withStripes<R>(old: IndexedEntry?, new: IndexedEntry?, _ body: () -> R) -> R {
    let capacity = (old?.keys.stripesMax ?? 0) + (new?.keys.stripesMax ?? 0)
    if capacity == 0 { return body() }
    return withUnsafeTemporaryAllocation(of: Int32.self, capacity: capacity) { buffer in
      var list = StripeList(buffer)
      if let old { addStripes(of: old.keys, to: &list) }
      if let new { addStripes(of: new.keys, to: &list) }
      for stripe in list.stripes { stripes[Int(stripe)].lock.lock() }
      defer { for stripe in list.stripes { stripes[Int(stripe)].lock.unlock() } }
      return body()
    }
  }

  /// Runs `body` while every stripe is locked.
  func withAllStripes<R>(_ body: () -> R) -> R {
    for stripe in stripes { stripe.lock.lock() }
    defer { for stripe in stripes { stripe.lock.unlock() } }
    return body()
  }

  // MARK: Changes, under the stripes' locks

  /// The unique value of `new` that a document other than `old` owns.
  @usableFromInline
  func conflict(old: IndexedEntry?, new: IndexedEntry) -> UniqueConflict? {
    for index in uniqueNames.indices where index < new.keys.values.count {
      guard let value = new.keys.values[index],
        let owner = uniques[uniqueStripe(index, value)].owners[value], owner !== old
      else { continue }
      return UniqueConflict(index: uniqueNames[index], value: value, owner: owner)
    }
    return nil
  }

  @usableFromInline
  func replace(old: IndexedEntry?, new: IndexedEntry?) {
    if let old { remove(old, unless: new?.keys) }
    if let new { insert(new) }
  }

  /// Takes out what `entry` has and `next`, under the same number, will not overwrite.
  private func remove(_ entry: IndexedEntry, unless next: IndexKeys?) {
    for (index, value) in entry.keys.values.enumerated() {
      guard let value else { continue }
      if let kept = next?.values[index], kept == value { continue }
      if index < uniqueNames.count {
        uniques[uniqueStripe(index, value)].owners[value] = nil
      } else {
        ranges[index - uniqueNames.count].documents.remove(RangeKey(value: value, number: entry.number))
      }
    }
    for tag in entry.keys.tags {
      if let next, next.hasTag(tag.text) { continue }
      tags[tagStripe(tag.text)].remove(tag, entry)
    }
  }

  private func insert(_ entry: IndexedEntry) {
    for (index, value) in entry.keys.values.enumerated() {
      guard let value else { continue }
      if index < uniqueNames.count {
        uniques[uniqueStripe(index, value)].owners[value] = entry
      } else {
        ranges[index - uniqueNames.count].documents.set(RangeKey(value: value, number: entry.number), entry)
      }
    }
    for tag in entry.keys.tags { tags[tagStripe(tag.text)].insert(tag, entry) }
  }

  /// Empties every index; all stripes must be locked.
  func removeAll() {
    for stripe in uniques { stripe.owners = [:] }
    for stripe in tags { stripe.removeAll() }
    for stripe in ranges { stripe.documents = OrderedMap() }
  }

  // MARK: Lookups

  func owner(uniqueIndex index: Int, _ value: IndexValue) -> IndexedEntry? {
    let stripe = uniques[uniqueStripe(index, value)]
    return stripe.lock.withLock { stripe.owners[value] }
  }

  /// The documents of several tags, all as of one moment.
  func documents(tagged texts: [String]) -> [OrderedMap<UInt64>] {
    let touched = Set(texts.map(tagStripe)).sorted()
    for stripe in touched { tags[stripe].lock.lock() }
    defer { for stripe in touched { tags[stripe].lock.unlock() } }
    return texts.map { tags[tagStripe($0)].postings[$0]?.documents ?? OrderedMap() }
  }

  func documents(rangeIndex index: Int) -> OrderedMap<RangeKey> {
    ranges[index].lock.withLock { ranges[index].documents }
  }

  /// All tags of a tag field with their counts, each stripe as of one moment.
  func tags(ofField field: Int) -> [(tag: String, count: Int)] {
    tags.flatMap { stripe in
      stripe.lock.withLock {
        stripe.postings.filter { $0.value.field == field }.map { (tag: $0.key, count: $0.value.documents.count) }
      }
    }
  }

  func statistics() -> [StoreStatistics.Index] {
    var found: [StoreStatistics.Index] = []
    for (index, name) in uniqueNames.enumerated() {
      let entries = stripes(ofUniqueIndex: index).reduce(0) { sum, stripe in
        sum + stripe.lock.withLock { stripe.owners.count }
      }
      found.append(.init(kind: .unique, name: name, entries: entries))
    }
    for (index, name) in rangeNames.enumerated() {
      found.append(.init(kind: .range, name: name, entries: documents(rangeIndex: index).count))
    }
    for (field, name) in tagFieldNames.enumerated() {
      var index = StoreStatistics.Index(kind: .tag, name: name, entries: 0, distinct: 0)
      for stripe in tags {
        stripe.lock.withLock {
          index.entries += stripe.entries[field]
          index.distinct = (index.distinct ?? 0) + stripe.distinct[field]
        }
      }
      found.append(index)
    }
    return found
  }

  private func stripes(ofUniqueIndex index: Int) -> ArraySlice<UniqueStripe> {
    uniques[index * Self.stripesPerUniqueIndex..<(index + 1) * Self.stripesPerUniqueIndex]
  }

  /// How the indexes differ from what `entries`, all current documents, would give. All stripes must be locked.
  func problems(comparedTo entries: [IndexedEntry]) -> [String] {
    var problems: [String] = []
    var uniqueCounts = uniqueNames.map { _ in 0 }
    var rangeCounts = rangeNames.map { _ in 0 }
    var tagCount = 0
    for entry in entries {
      for (index, value) in entry.keys.values.enumerated() {
        guard let value else { continue }
        if index < uniqueNames.count {
          uniqueCounts[index] += 1
          if uniques[uniqueStripe(index, value)].owners[value] !== entry {
            problems.append("unique \(uniqueNames[index]): \(value) does not lead to its document")
          }
        } else {
          let range = index - uniqueNames.count
          rangeCounts[range] += 1
          if ranges[range].documents.entry(RangeKey(value: value, number: entry.number)) !== entry {
            problems.append("range \(rangeNames[range]): \(value) does not lead to its document")
          }
        }
      }
      for tag in entry.keys.tags {
        tagCount += 1
        if tags[tagStripe(tag.text)].postings[tag.text]?.documents.entry(entry.number) !== entry {
          problems.append("tag \(tag.text) does not lead to its document")
        }
      }
    }
    for (index, name) in uniqueNames.enumerated() {
      let found = stripes(ofUniqueIndex: index).reduce(0) { $0 + $1.owners.count }
      if found != uniqueCounts[index] {
        problems.append("unique \(name): \(found) entries, not \(uniqueCounts[index])")
      }
    }
    for (name, (stripe, expected)) in zip(rangeNames, zip(ranges, rangeCounts)) {
      let found = stripe.documents.count
      if found != expected { problems.append("range \(name): \(found) entries, not \(expected)") }
      problems += stripe.documents.structuralProblems().map { "range \(name): \($0)" }
    }
    var found = 0
    for stripe in tags {
      let entries = stripe.postings.reduce(0) { $0 + $1.value.documents.count }
      if stripe.entries.reduce(0, +) != entries { problems.append("tags: wrong count of entries") }
      if stripe.distinct.reduce(0, +) != stripe.postings.count { problems.append("tags: wrong count of distinct tags") }
      for (tag, postings) in stripe.postings {
        problems += postings.documents.structuralProblems().map { "tag \(tag): \($0)" }
      }
      found += entries
    }
    if found != tagCount { problems.append("tags: \(found) entries, not \(tagCount)") }
    return problems
  }
}

/// A unique value that another document owns.
@usableFromInline
struct UniqueConflict {
  let index: String
  let value: IndexValue
  @usableFromInline let owner: IndexedEntry
}

/// Stripe numbers, ascending and without repetition, in memory that the caller lends.
private struct StripeList {
  private let buffer: UnsafeMutableBufferPointer<Int32>
  private var count = 0

  init(_ buffer: UnsafeMutableBufferPointer<Int32>) { self.buffer = buffer }

  mutating func add(_ stripe: Int) {
    let stripe = Int32(stripe)
    var index = count
    while index > 0 && buffer[index - 1] > stripe { index -= 1 }
    if index > 0 && buffer[index - 1] == stripe { return }
    var last = count
    while last > index {
      buffer[last] = buffer[last - 1]
      last -= 1
    }
    buffer[index] = stripe
    count += 1
  }

  var stripes: Slice<UnsafeMutableBufferPointer<Int32>> { buffer[..<count] }
}

extension IndexKeys {
  /// An upper bound of the stripes that a document touches.
  fileprivate var stripesMax: Int { values.count + tags.count }
}

extension Int {
  /// A stripe for this hash value.
  fileprivate func stripe(of count: Int) -> Int { Int(truncatingIfNeeded: UInt(bitPattern: self) % UInt(count)) }
}
