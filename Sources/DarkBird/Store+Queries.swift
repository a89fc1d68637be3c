public import CDarkBird
import Synchronization

/// A part of the results of a query, in order.
public struct DocumentPage<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  public var documents: [StoredDocument<Key, Document>]
  /// Pass it as `after` to go on; nil when there is no more.
  public var next: Cursor?
  /// Candidates that were looked at.
  public var examined: Int

  @inlinable
  init(documents: [StoredDocument<Key, Document>], next: Cursor?, examined: Int) {
    self.documents = documents
    self.next = next
    self.examined = examined
  }
}

/// Queries for many documents by kind, counted outside of any lock.
@usableFromInline
final class QueryCounters: Sendable {
  let tag = Atomic<UInt64>(0)
  let range = Atomic<UInt64>(0)
  let scan = Atomic<UInt64>(0)
}

extension Store {
  public typealias Page = DocumentPage<Key, Document>

  // MARK: One document

  /// The document that owns a value of a unique index. O(1).
  /// - Throws: `.unknownIndex`.
  @inlinable
  public func document(
    unique index: String, _ value: some IndexValueConvertible
  ) throws(StoreError) -> StoredDocument<Key, Document>? {
    let value = value.indexValue
    return withOwner(try uniqueNumber(index), value, hash: value.storeHash) { stored($0) }
  }

  /// Calls `body` with the document that owns a value of a unique index, without copying it; nil if there is none.
  /// - Throws: `.unknownIndex`, and what `body` throws.
  @inlinable
  public func withDocument<R>(
    unique index: String, _ value: some IndexValueConvertible, _ body: (Key, borrowing Document) throws -> R
  ) throws -> R? {
    let value = value.indexValue
    return try withOwner(try uniqueNumber(index), value, hash: value.storeHash) { try body($0.key, $0.document) }
  }

  /// Calls `body` with the entry that owns a value, which stays for as long as `body` runs.
  /// - Parameters:
  ///   - index: number of the unique index.
  ///   - hash: of the value.
  @inlinable @inline(__always)
  func withOwner<R>(
    _ index: Int, _ value: IndexValue, hash: UInt, _ body: (Entry<Key, Document>) throws -> R
  ) rethrows -> R? {
    let reader = db_begin_reading()
    defer { db_end_reading(reader) }
    lookups.count(shards.count, by: reader)
    // A document that has the value at a moment of this call is the answer, wherever its number comes from. Almost always this
    // is all, and so short that the processor has the next lookup begin while it waits for the memory of this one.
    if !planted(.movedValueNotFollowed, waits: false),
      let number = indexes.probableOwner(uniqueIndex: index, hash: hash), let found = look(at: number),
      found._withUnsafeGuaranteedRef({ indexSchema.isUnique(index, of: $0.document, value) })
        || planted(.probableOwnerNotAsked)
    {
      return try found._withUnsafeGuaranteedRef(body)
    }
    return try owner(index, value, hash).map { try $0._withUnsafeGuaranteedRef(body) }
  }

  /// The entry that owns a value, for as long as the thread reads. Must be called between `db_begin_reading` and
  /// `db_end_reading`.
  @inlinable @inline(never)
  func owner(_ index: Int, _ value: IndexValue, _ hash: UInt) -> Unmanaged<Entry<Key, Document>>? {
    while true {
      let (first, others, lsn) = indexes.owners(uniqueIndex: index, hash: hash) { memoryLSN }
      _ = planted(.movedValueNotFollowed)
      guard var owner = first else { return nil }
      var hasChanged = false
      for next in 0...others.count {
        if next > 0 { owner = others[next - 1] }
        guard let found = look(at: owner) else {
          hasChanged = true
          continue
        }
        let (isOwner, isLater) = found._withUnsafeGuaranteedRef { entry in
          (indexSchema.isUnique(index, of: entry.document, value), entry.lsn > lsn)
        }
        if isOwner { return found }
        if isLater { hasChanged = true }
      }
      // Otherwise the value may have moved from one document to another between the two looks.
      if !hasChanged || planted(.movedValueNotFollowed) { return nil }
    }
  }

  @inlinable @inline(__always)
  func uniqueNumber(_ index: String) throws(StoreError) -> Int {
    for number in indexes.uniqueNames.indices where indexes.uniqueNames[number] == index { return number }
    throw .unknownIndex(name: index, known: indexes.uniqueNames)
  }

  /// The current version of a document, for as long as the thread reads. Must be called between `db_begin_reading` and
  /// `db_end_reading`: then no reference is counted, which would have the processor wait for the entry's memory.
  @inlinable @inline(__always)
  func look(at number: DocumentNumber) -> Unmanaged<Entry<Key, Document>>? {
    let shard = shards[shardNumber(number)]
    switch shard.look(atSlot: slot(number)) {
    case .entry(let entry): return entry
    case .nothing: return nil
    case .unclear: return lookUnderLock(at: number)
    }
  }

  @inlinable @inline(never)
  func lookUnderLock(at number: DocumentNumber) -> Unmanaged<Entry<Key, Document>>? {
    let shard = shards[shardNumber(number)]
    shard.lock()
    defer { shard.unlock() }
    return shard.contents.pointee.map.unmanagedEntry(inSlot: slot(number))
  }

  // MARK: Many documents

  /// The documents with a tag, such as `club=Ajax`; see `documents(_:limit:after:)`.
  public func documents(tagged tag: String, limit: Int = .max, after cursor: Cursor? = nil) throws(StoreError) -> Page {
    try documents(Query(allTags: [tag]), limit: limit, after: cursor)
  }

  /// The documents whose value of a range field lies in a range, ordered by it; see `documents(_:limit:after:)`.
  public func documents(
    where field: String, in range: IndexRange, order: Query.Order = .ascending, limit: Int = .max,
    after cursor: Cursor? = nil
  ) throws(StoreError) -> Page {
    try documents(
      Query(ranges: [.init(field: field, range: range)], orderBy: field, order: order), limit: limit, after: cursor)
  }

  /// All documents, in an order that is stable from page to page: one that is there throughout is seen exactly once.
  public func scan(limit: Int = .max, after cursor: Cursor? = nil) throws(StoreError) -> Page {
    try documents(Query(), limit: limit, after: cursor)
  }

  /// The documents that meet all conditions of a query.
  ///
  /// The results are those of one moment during the call, for each page (a scan and a query with nothing but `noTags`: of one
  /// moment for some hundred documents); no lock is held while conditions are checked.
  ///
  /// - Parameters:
  ///   - limit: the most documents to return. With 0 or less the page is empty, and `next` is nil.
  ///   - cursor: `next` of the page before, of the same query.
  /// - Throws: `.unknownIndex`, `.invertedRange`, `.invalidIndexValue`, `.invalidConfiguration` for a cursor of another
  ///   query.
  /// - Complexity: O(log n + candidates looked at); see `explain`. Besides, as whenever tags or ranges are looked at, what was
  ///   changed since the last look is put into these indexes first: about 0.2 microseconds a change, 128 Ki of them at most.
  @inlinable
  public func documents(_ query: Query, limit: Int = .max, after cursor: Cursor? = nil) throws(StoreError) -> Page {
    try ofOneMoment(query, limit: limit, after: cursor) { store, execution, isUnchanged in
      var page = Page(documents: [], next: nil, examined: execution.isSorted ? execution.plan.candidates : 0)
      if limit <= 0 { return page }
      var last: Cursor.Position?
      store.visit(execution, batch: min(limit, 255) + 1, wantsPositions: true) { found, position in
        if !execution.isSorted { page.examined += 1 }
        guard let found else {
          isUnchanged = false
          return false
        }
        return found._withUnsafeGuaranteedRef { entry in
          if !store.matches(entry, execution, &isUnchanged) { return isUnchanged }
          if page.documents.count == limit {
            page.next = last.map(execution.cursor)
            return false
          }
          page.documents.append(store.stored(entry))
          last = position
          return isUnchanged
        }
      }
      return page
    }
  }

  /// How many documents meet all conditions, at one moment. There are two queries whose count is of several moments:
  /// without conditions, the documents of each shard are counted at a moment of its own; with nothing but `noTags`, some hundred
  /// documents at a time. Those of a `snapshot()` are always of one moment.
  /// - Throws: as `documents`.
  /// - Complexity: O(log n) for one tag or one range; for several tags O(numbers of documents) of the rarest of `allTags`, or of all
  ///   `anyTags` together, and no document is looked at; otherwise as `documents`.
  @inlinable
  public func count(_ query: Query) throws(StoreError) -> Int {
    try ofOneMoment(query, limit: .max, after: nil) { store, execution, isUnchanged in
      if let count = execution.countByIndexes { return count }
      var count = 0
      store.visit(execution, batch: 256, inOrder: false) { found, _ in
        if let found {
          if found._withUnsafeGuaranteedRef({ store.matches($0, execution, &isUnchanged) }) { count += 1 }
        } else {
          isUnchanged = false
        }
        return isUnchanged
      }
      return count
    }
  }

  /// Calls `body` with each document that meets all conditions of a query, in order, without copying it.
  ///
  /// Each document matches at the moment when it is visited; in a `snapshot()`, all do so at one moment. No lock is held while
  /// `body` runs; versions of documents that others replace meanwhile are freed after some hundred documents.
  ///
  /// A query without conditions, or with nothing but `noTags`, goes through the places of the documents, some hundred at a time, each
  /// hundred as it was at one moment. A document that is put meanwhile, by `body` too, is visited only if it gets a place further on
  /// that was there at the beginning: so the visit ends.
  /// - Throws: as `documents`, and what `body` throws, at once.
  /// - Complexity: O(log n + candidates looked at), a few tens of nanoseconds for each.
  @inlinable
  public func forEach(
    _ query: Query = Query(), _ body: (_ key: Key, _ document: borrowing Document) throws -> Void
  ) throws {
    let execution = try execution(query, limit: .max, after: nil)
    execution.count(in: queries)
    if query.isUnconditional && query.order == .ascending { return try forEachDocument(body) }
    var failure: (any Error)?
    var isUnchanged = true
    let isScan = execution.driver == .scan
    visit(execution, batch: 1024, upTo: isScan ? chunkCounts() : nil) { found, _ in
      guard var found else { return true }
      // It may have changed while others were visited, if anything has.
      if memoryLSN != execution.lsn, !isScan {
        guard let current = look(at: found._withUnsafeGuaranteedRef { $0.number }) else { return true }
        found = current
      }
      return found._withUnsafeGuaranteedRef { entry in
        if !matches(entry, execution, &isUnchanged) { return true }
        do {
          try body(entry.key, entry.document)
          return true
        } catch {
          failure = error
          return false
        }
      }
    }
    if let failure { throw failure }
  }

  /// All documents. A chunk of slots is a reference to memory that no longer changes, so that visiting counts no references.
  @inlinable
  func forEachDocument(_ body: (_ key: Key, _ document: borrowing Document) throws -> Void) throws {
    let counts = chunkCounts()
    for shard in shards.indices {
      var number = 0
      while number < counts[shard], let chunk = chunk(number, ofShard: shard) {
        try chunk.forEach(size: Entry<Key, Document>.size) { entry in
          try entry._withUnsafeGuaranteedRef { try body($0.key, $0.document) }
        }
        number += 1
      }
    }
  }

  /// How a query would be answered now. O(log n) for each condition.
  /// - Parameter limit: how many results would be asked for: where an order was asked for, what is best depends on it.
  /// - Throws: as `documents`.
  public func explain(_ query: Query, limit: Int = .max) throws(StoreError) -> QueryPlan {
    try execution(query, limit: limit, after: nil).plan
  }

  // MARK: Indexes

  /// The most frequent tags of a tag field with their counts, most frequent first.
  /// - Parameter field: name of a tag field.
  /// - Throws: `.unknownIndex`.
  /// - Complexity: O(distinct tags of all fields + d log `limit`) for d of this field.
  public func tags(of field: String, limit: Int = .max) throws(StoreError) -> [(tag: String, count: Int)] {
    guard let number = indexes.tagFieldNames.firstIndex(of: field) else {
      throw .unknownIndex(name: field, known: indexes.tagFieldNames)
    }
    return indexes.tags(ofField: number, limit: limit) { memoryLSN }
  }

  /// The smallest and the largest value of a range field; nil if no document is in its index. O(log n).
  /// - Throws: `.unknownIndex`.
  public func values(of field: String) throws(StoreError) -> (min: IndexValue, max: IndexValue)? {
    let documents = indexes.documents(rangeIndex: try indexes.rangeNumber(field)) { memoryLSN }
    guard let first = documents.first, let last = documents.last else { return nil }
    return (first, last)
  }
}
