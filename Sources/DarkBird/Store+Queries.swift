import Synchronization

/// A part of the results of a query, in order.
public struct DocumentPage<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  public var documents: [StoredDocument<Key, Document>]
  /// Pass it as `after` to go on; nil when there is no more.
  public var next: Cursor?
  /// Candidates that were looked at.
  public var examined: Int
}

/// Queries by kind, counted outside of any lock.
final class QueryCounters: Sendable {
  let unique = Atomic<UInt64>(0)
  let tag = Atomic<UInt64>(0)
  let range = Atomic<UInt64>(0)
  let scan = Atomic<UInt64>(0)
}

extension Store {
  public typealias Page = DocumentPage<Key, Document>

  /// The document that owns a value of a unique index. O(1).
  /// - Throws: `.unknownIndex`.
  public func document(
    unique index: String, _ value: some IndexValueConvertible
  ) throws(StoreError) -> StoredDocument<Key, Document>? {
    guard let number = indexes.uniqueNames.firstIndex(of: index) else {
      throw .unknownIndex(name: index, known: indexes.uniqueNames)
    }
    queries.unique.add(1, ordering: .relaxed)
    return indexes.owner(uniqueIndex: number, value.indexValue).map { stored(typed($0)) }
  }

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
  /// moment for each shard); no lock is held while conditions are checked.
  ///
  /// - Parameters:
  ///   - limit: the most documents to return.
  ///   - cursor: `next` of the page before, of the same query.
  /// - Throws: `.unknownIndex`, `.invertedRange`, `.invalidIndexValue`, `.invalidConfiguration` for a cursor of another
  ///   query.
  /// - Complexity: O(log n + candidates looked at); see `explain`.
  public func documents(_ query: Query, limit: Int = .max, after cursor: Cursor? = nil) throws(StoreError) -> Page {
    let execution = try QueryExecution(query, indexes, documents: { self.count })
    execution.count(in: queries)
    if let cursor, cursor.driver != execution.plan.driver, execution.isPlanForced || !execution.accepts(cursor) {
      throw .invalidConfiguration(reason: "the cursor belongs to another query")
    }
    var page = Page(documents: [], next: nil, examined: 0)
    if limit <= 0 { return page }
    var last: Cursor.Position?
    try visit(execution, after: cursor) { entry, position in
      page.examined += 1
      guard execution.matches(entry) else { return true }
      if page.documents.count == limit {
        page.next = last.map { Cursor(driver: cursor?.driver ?? execution.plan.driver, position: $0) }
        return false
      }
      page.documents.append(stored(typed(entry)))
      last = position
      return true
    }
    return page
  }

  /// How many documents meet all conditions. O(log n) for one tag or one range, otherwise as `documents`.
  /// - Throws: as `documents`.
  public func count(_ query: Query) throws(StoreError) -> Int {
    let execution = try QueryExecution(query, indexes, documents: { self.count })
    execution.count(in: queries)
    if execution.isAnsweredByCount { return execution.plan.candidates }
    var count = 0
    try visit(execution, after: nil) { entry, _ in
      if execution.matches(entry) { count += 1 }
      return true
    }
    return count
  }

  /// How a query would be answered now. O(log n) for each condition.
  /// - Throws: as `documents`.
  public func explain(_ query: Query) throws(StoreError) -> QueryPlan {
    try QueryExecution(query, indexes, documents: { self.count }).plan
  }

  /// The most frequent tags of a tag field with their counts, most frequent first.
  /// - Parameter field: name of a tag field.
  /// - Throws: `.unknownIndex`.
  /// - Complexity: O(distinct tags).
  public func tags(of field: String, limit: Int = .max) throws(StoreError) -> [(tag: String, count: Int)] {
    guard let number = indexes.tagFieldNames.firstIndex(of: field) else {
      throw .unknownIndex(name: field, known: indexes.tagFieldNames)
    }
    let all = indexes.tags(ofField: number).sorted { ($1.count, $0.tag) < ($0.count, $1.tag) }
    return Array(all.prefix(max(0, limit)))
  }

  /// The smallest and the largest value of a range field; nil if no document is in its index. O(log n).
  /// - Throws: `.unknownIndex`.
  public func values(of field: String) throws(StoreError) -> (min: IndexValue, max: IndexValue)? {
    let documents = indexes.documents(rangeIndex: try indexes.rangeNumber(field))
    guard let first = documents.first, let last = documents.last else { return nil }
    return (first.value, last.value)
  }

  /// Every index entry came from an `Entry` of this store.
  func typed(_ entry: IndexedEntry) -> Entry<Key, Document> { unsafeDowncast(entry, to: Entry<Key, Document>.self) }

  /// Visits the candidates of a query's driver until `body` returns false.
  private func visit(
    _ execution: QueryExecution, after cursor: Cursor?, _ body: (IndexedEntry, Cursor.Position) -> Bool
  ) throws(StoreError) {
    switch cursor?.driver ?? execution.plan.driver {
    case .scan: scanShards(execution.query.order, after: cursor, body)
    case .tag, .anyTag, .range: try execution.visit(indexes, after: cursor, body)
    }
  }

  /// Visits all documents shard by shard in the order of their slots, some hundred at a time under the shard's lock.
  private func scanShards(
    _ order: Query.Order, after cursor: Cursor?, _ body: (IndexedEntry, Cursor.Position) -> Bool
  ) {
    let isDescending = order == .descending
    var start: (shard: Int, slot: Int)?
    if case .number(let number)? = cursor?.position {
      start = (Int(number % UInt64(shards.count)), Int(number / UInt64(shards.count)))
    }
    let first = start?.shard ?? (isDescending ? shards.count - 1 : 0)
    for shard in isDescending ? Array((0...first).reversed()) : Array(first..<shards.count) {
      // The slot before the one to begin with.
      var previous = shard == start?.shard ? start?.slot : nil
      while true {
        let chunk = shards[shard].chunk(after: previous, descending: isDescending, limit: 256)
        for entry in chunk.entries where !body(entry, .number(entry.number)) { return }
        guard let last = chunk.lastSlot else { break }
        previous = last
      }
    }
  }
}

extension Shard {
  /// Documents of the slots after (or before) a slot, up to `limit` slots; and the last slot looked at, nil at the end.
  func chunk(after slot: Int?, descending: Bool, limit: Int) -> (entries: [Entry<Key, Document>], lastSlot: Int?) {
    withLock {
      let range: Range<Int>
      if descending {
        let end = min(slot ?? map.slots.count, map.slots.count)
        range = max(0, end - limit)..<end
      } else {
        let begin = min(slot.map { $0 + 1 } ?? 0, map.slots.count)
        range = begin..<min(begin + limit, map.slots.count)
      }
      let entries = map.slots[range].compactMap { $0 }
      if range.isEmpty { return ([], nil) }
      return (descending ? entries.reversed() : entries, descending ? range.lowerBound : range.upperBound - 1)
    }
  }
}
