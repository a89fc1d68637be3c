/// What some of the documents are indexed under, dealt out into buckets: one for each thread that takes part in filling the
/// indexes, and small enough that what a bucket touches stays in the processor's cache.
@usableFromInline
struct IndexColumns: Sendable {
  struct Owner: Sendable {
    let hash: UInt
    let number: DocumentNumber
  }
  // As the indexes divide them, so that no two buckets want the same table.
  static let ownerBuckets = 16
  static let tagBuckets = DeferredIndexes.tagTables

  let uniqueCount: Int
  /// The owners of unique values: by index, then by the hash of the value.
  fileprivate(set) var owners: [ContiguousArray<Owner>]
  /// By the hash of the tag.
  fileprivate(set) var tags: [ContiguousArray<IndexChanges.Tagged>]
  /// By range field.
  fileprivate(set) var ranges: [ContiguousArray<IndexChanges.Ranged>]

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
        let bucket = index * Self.ownerBuckets + Int(hash % UInt(Self.ownerBuckets))
        owners[bucket].append(Owner(hash: hash, number: number))
      } else {
        let field = index - uniqueCount
        ranges[field].append(.init(value: value, isRemoval: false, field: UInt16(field), number: number))
      }
    }
    for tag in keys.tags {
      tags[Int(tag.name.hash % UInt(Self.tagBuckets))].append(
        .init(tag, number, isRemoval: false))
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
  /// Gives the threads.
  let fileSystem: any FileSystem
  /// Says whether one of them really does.
  let check: Claim

  /// Puts documents into the indexes, after those of earlier calls.
  /// - Parameter parts: documents in ascending order of their numbers.
  /// - Throws: what `check` finds.
  func add(_ parts: [IndexColumns]) throws(StoreError) {
    guard let first = parts.first else { return }
    // Ranges first, because each is the longest piece of work.
    let ranges = first.ranges.count
    let owners = first.owners.count
    let errors = fileSystem.inParallel(ranges + owners + first.tags.count) { job -> StoreError? in
      if job < ranges {
        indexes.deferred.apply(ContiguousArray(parts.map { $0.ranges[job] }), range: job)
      } else if job < ranges + owners {
        return addOwners(parts, bucket: job - ranges)
      } else {
        indexes.deferred.apply(ContiguousArray(parts.map { $0.tags[job - ranges - owners] }))
      }
      return nil
    }
    if let error = errors.lazy.compactMap({ $0 }).first { throw error }
  }

  private func addOwners(_ parts: [IndexColumns], bucket: Int) -> StoreError? {
    let index = bucket / IndexColumns.ownerBuckets
    var writer = Writer(indexes, valueCount: index + 1)
    defer { writer.unlock() }
    for part in parts {
      for owner in part.owners[bucket] {
        // The index keeps the hash of a value only; any value will do.
        writer.keys.values[index] = (true, owner.hash)
        writer.lock()
        let claims = indexes.claims(old: writer.none, new: writer.keys) { _ in false }
        writer.insert(owner.number)
        if let claim = claims.first, let error = check(index, claim.owners, owner.number) { return error }
      }
    }
    return nil
  }

  /// Inserts under the stripes' locks. The buckets of one call do not share them, so that one is held for many documents.
  private struct Writer {
    let indexes: IndexSet
    let none = IndexKeys()
    /// Of one document in one index; all other values are nil.
    var keys = IndexKeys()
    private var held: IndexSet.LockMask = 0

    init(_ indexes: IndexSet, valueCount: Int) {
      self.indexes = indexes
      keys.values = ContiguousArray(repeating: (nil, 0), count: valueCount)
    }

    /// What `keys` need, and nothing else.
    mutating func lock() {
      let stripes = indexes.mask(old: none, new: keys)
      if stripes == held { return }
      indexes.unlock(held)
      held = stripes
      indexes.lock(held)
    }

    func unlock() { indexes.unlock(held) }

    func insert(_ number: DocumentNumber) {
      // There are no readers yet.
      var left: [AnyObject] = []
      indexes.replace(number, old: none, new: keys, &left)
    }
  }
}
