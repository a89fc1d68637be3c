import Dispatch

/// What some of the documents are indexed under, dealt out into buckets: one for each thread that takes part in filling the
/// indexes, and small enough that what a bucket touches stays in the processor's cache.
@usableFromInline
struct IndexColumns: Sendable {
  struct Owner: Sendable {
    let hash: UInt
    let number: DocumentNumber
  }
  struct Tagged: Sendable {
    let tag: Tag
    let number: DocumentNumber
  }
  struct Ranged: Sendable {
    let value: IndexValue
    let number: DocumentNumber
  }

  // As an index set divides them, so that no two buckets want the same lock; but nothing breaks if it divides them otherwise.
  static let ownerBuckets = 16
  static let tagBuckets = 32

  let uniqueCount: Int
  /// The owners of unique values: by index, then by the hash of the value.
  fileprivate(set) var owners: [ContiguousArray<Owner>]
  /// By the hash of the tag.
  fileprivate(set) var tags: [ContiguousArray<Tagged>]
  /// By range field.
  fileprivate(set) var ranges: [ContiguousArray<Ranged>]

  @usableFromInline
  init<Document>(_ schema: IndexSchema<Document>) {
    uniqueCount = schema.uniques.count
    owners = Array(repeating: [], count: uniqueCount * Self.ownerBuckets)
    tags = Array(repeating: [], count: schema.tagFields.isEmpty ? 0 : Self.tagBuckets)
    ranges = Array(repeating: [], count: schema.ranges.count)
  }

  /// Takes a document. Numbers must come in ascending order, which is what sets of documents take best.
  @usableFromInline
  mutating func add(_ number: DocumentNumber, _ keys: IndexKeys) {
    for (index, (value, hash)) in keys.values.enumerated() {
      guard let value else { continue }
      if index < uniqueCount {
        owners[index * Self.ownerBuckets + Int(hash % UInt(Self.ownerBuckets))].append(Owner(hash: hash, number: number))
      } else {
        ranges[index - uniqueCount].append(Ranged(value: value, number: number))
      }
    }
    for tag in keys.tags {
      tags[Int(UInt(bitPattern: tag.name.hash) % UInt(Self.tagBuckets))].append(Tagged(tag: tag, number: number))
    }
  }
}

/// Fills the indexes of a store that is being opened, by all processors: each thread takes one bucket of one index at a time.
struct IndexBuilder: Sendable {
  /// Documents that may own the unique value, of the index with this number, that a document has.
  typealias Claim = @Sendable (_ index: Int, _ owners: [DocumentNumber], _ number: DocumentNumber) -> StoreError?

  let indexes: IndexSet
  let uniqueCount: Int
  let rangeCount: Int
  /// Says whether one of them really does.
  let check: Claim

  /// Puts documents into the indexes, after those of earlier calls.
  /// - Parameter parts: documents in ascending order of their numbers.
  func add(_ parts: [IndexColumns], _ fail: @Sendable (StoreError) -> Void) {
    guard let first = parts.first else { return }
    // Ranges first, because each is the longest piece of work.
    let ranges = first.ranges.count
    let owners = first.owners.count
    DispatchQueue.concurrentPerform(iterations: ranges + owners + first.tags.count) { job in
      if job < ranges {
        addRanges(parts, job)
      } else if job < ranges + owners {
        if let error = addOwners(parts, bucket: job - ranges) { fail(error) }
      } else {
        addTags(parts, bucket: job - ranges - owners)
      }
    }
  }

  private func addOwners(_ parts: [IndexColumns], bucket: Int) -> StoreError? {
    let index = bucket / IndexColumns.ownerBuckets
    var writer = Writer(self)
    for part in parts {
      for owner in part.owners[bucket] {
        // The index keeps the hash of a value only; any value will do.
        writer.keys.values[index] = (true, owner.hash)
        if let others = writer.insert(owner.number), let error = check(index, others, owner.number) { return error }
      }
    }
    return nil
  }

  private func addTags(_ parts: [IndexColumns], bucket: Int) {
    var writer = Writer(self)
    for part in parts {
      for tagged in part.tags[bucket] {
        writer.keys.tags.removeAll(keepingCapacity: true)
        writer.keys.tags.append(tagged.tag)
        _ = writer.insert(tagged.number)
      }
    }
  }

  private func addRanges(_ parts: [IndexColumns], _ range: Int) {
    var writer = Writer(self)
    for ranged in sorted(parts, range) {
      writer.keys.values[uniqueCount + range].value = ranged.value
      _ = writer.insert(ranged.number)
    }
  }

  /// By value, then by number: then all that goes into one place of the index goes there in a row.
  private func sorted(_ parts: [IndexColumns], _ range: Int) -> ContiguousArray<IndexColumns.Ranged> {
    var all: ContiguousArray<IndexColumns.Ranged> = []
    all.reserveCapacity(parts.reduce(0) { $0 + $1.ranges[range].count })
    for part in parts { all.append(contentsOf: part.ranges[range]) }
    all.sort { $0.value < $1.value || ($0.value == $1.value && $0.number < $1.number) }
    return all
  }

  /// Inserts under the stripes' locks: which the buckets of one call do not share, but which say what is whose.
  private struct Writer {
    let indexes: IndexSet
    let none = IndexKeys()
    /// Of one document in one index; all other values are nil.
    var keys = IndexKeys()

    init(_ builder: IndexBuilder) {
      indexes = builder.indexes
      keys.values = ContiguousArray(repeating: (nil, 0), count: builder.uniqueCount + builder.rangeCount)
    }

    /// Returns the documents that may own the unique value already, if there are any.
    func insert(_ number: DocumentNumber) -> [DocumentNumber]? {
      let stripes = indexes.mask(old: none, new: keys)
      indexes.lock(stripes)
      defer { indexes.unlock(stripes) }
      let claims = indexes.claims(old: none, new: keys) { _ in false }
      indexes.replace(number, old: none, new: keys)
      return claims.first?.owners
    }
  }
}
