import Synchronization

/// A query with its names resolved, its driver chosen, and the driver's index as of one moment.
struct QueryExecution {
  let query: Query
  let plan: QueryPlan
  /// Number in `IndexKeys.values` and range, for each range condition.
  private let ranges: [(value: Int, range: IndexRange)]
  private let hasOrderField: Bool

  /// - Parameter documents: how many documents there are; asked only for a scan.
  init(_ query: Query, _ indexes: IndexSet, documents: () -> Int) throws(StoreError) {
    var ranges: [(value: Int, range: IndexRange)] = []
    for condition in query.ranges {
      try condition.range.validate(condition.field)
      ranges.append((indexes.uniqueNames.count + (try indexes.rangeNumber(condition.field)), condition.range))
    }
    if let field = query.orderBy { _ = try indexes.rangeNumber(field) }
    self.query = query
    self.ranges = ranges
    hasOrderField = query.orderBy != nil
    plan = try Self.choose(query, indexes, documents: documents)
  }

  /// The index with the fewest candidates, or that of the order asked for.
  private static func choose(
    _ query: Query, _ indexes: IndexSet, documents: () -> Int
  ) throws(StoreError) -> QueryPlan {
    func plan(range field: String) throws(StoreError) -> QueryPlan {
      let map = indexes.documents(rangeIndex: try indexes.rangeNumber(field))
      let bounds = query.range(of: field).bounds
      return QueryPlan(driver: .range(field), candidates: map.count(from: bounds.lower, to: bounds.upper))
    }
    if let field = query.orderBy { return try plan(range: field) }
    var plans: [QueryPlan] = []
    for (tag, map) in zip(query.allTags, indexes.documents(tagged: query.allTags)) {
      plans.append(QueryPlan(driver: .tag(tag), candidates: map.count))
    }
    if !query.anyTags.isEmpty {
      let total = indexes.documents(tagged: query.anyTags).reduce(0) { $0 + $1.count }
      plans.append(QueryPlan(driver: .anyTag(query.anyTags), candidates: total))
    }
    for condition in query.ranges { plans.append(try plan(range: condition.field)) }
    return plans.min { $0.candidates < $1.candidates } ?? QueryPlan(driver: .scan, candidates: documents())
  }

  /// Whether the driver follows from the query alone, so that every page of it has the same.
  var isPlanForced: Bool { hasOrderField }

  /// Whether a page before this one, when other candidates were fewer, can have ended at `cursor`.
  func accepts(_ cursor: Cursor) -> Bool {
    switch cursor.driver {
    case .scan: plan.driver == .scan
    case .tag(let tag): query.allTags.contains(tag)
    case .anyTag(let tags): query.anyTags == tags
    case .range(let field): query.ranges.contains { $0.field == field }
    }
  }

  /// Whether the driver's candidates are exactly the results.
  var isAnsweredByCount: Bool {
    guard query.noTags.isEmpty else { return false }
    switch plan.driver {
    case .scan: return true
    case .tag: return query.allTags.count == 1 && query.anyTags.isEmpty && query.ranges.isEmpty
    case .anyTag: return query.anyTags.count == 1 && query.allTags.isEmpty && query.ranges.isEmpty
    case .range(let field):
      return query.allTags.isEmpty && query.anyTags.isEmpty && query.ranges.allSatisfy { $0.field == field }
        && query.ranges.count <= 1
    }
  }

  func matches(_ entry: IndexedEntry) -> Bool {
    let keys = entry.keys
    return query.allTags.allSatisfy(keys.hasTag)
      && (query.anyTags.isEmpty || query.anyTags.contains(where: keys.hasTag))
      && !query.noTags.contains(where: keys.hasTag)
      && ranges.allSatisfy { condition in
        keys.values[condition.value].map(condition.range.contains) ?? false
      }
  }

  func count(in counters: QueryCounters) {
    switch plan.driver {
    case .scan: counters.scan.add(1, ordering: .relaxed)
    case .tag, .anyTag: counters.tag.add(1, ordering: .relaxed)
    case .range: counters.range.add(1, ordering: .relaxed)
    }
  }

  /// Visits the driver's candidates in order until `body` returns false.
  func visit(
    _ indexes: IndexSet, after cursor: Cursor?, _ body: (IndexedEntry, Cursor.Position) -> Bool
  ) throws(StoreError) {
    let isDescending = query.order == .descending
    switch cursor?.driver ?? plan.driver {
    case .scan: preconditionFailure("the store scans its shards itself")
    case .tag(let tag): visitTags(indexes.documents(tagged: [tag]), after: cursor, isDescending, body)
    case .anyTag(let tags): visitTags(indexes.documents(tagged: tags), after: cursor, isDescending, body)
    case .range(let field):
      var (lower, upper) = query.range(of: field).bounds
      if case .value(let value, let number)? = cursor?.position {
        let key = RangeKey(value: value, number: number)
        if isDescending { upper = .before(key) } else { lower = .after(key) }
      }
      indexes.documents(rangeIndex: try indexes.rangeNumber(field)).visit(
        from: lower, to: upper, descending: isDescending
      ) { key, entry in body(entry, .value(key.value, key.number)) }
    }
  }

  /// Visits the union of several maps in the order of the document numbers.
  private func visitTags(
    _ maps: [OrderedMap<UInt64>], after cursor: Cursor?, _ isDescending: Bool,
    _ body: (IndexedEntry, Cursor.Position) -> Bool
  ) {
    var position: UInt64?
    if case .number(let number)? = cursor?.position { position = number }
    let batch = maps.count == 1 ? Int.max : 256
    while true {
      let lower: OrderedMapBound<UInt64> = isDescending ? .start : position.map { .after($0) } ?? .start
      let upper: OrderedMapBound<UInt64> = isDescending ? position.map { .before($0) } ?? .end : .end
      if maps.count == 1 {
        maps[0].visit(from: lower, to: upper, descending: isDescending) { number, entry in body(entry, .number(number))
        }
        return
      }
      // The next `batch` of the union are among the next `batch` of each map.
      var next: [UInt64: IndexedEntry] = [:]
      for map in maps {
        var taken = 0
        map.visit(from: lower, to: upper, descending: isDescending) { number, entry in
          next[number] = entry
          taken += 1
          return taken < batch
        }
      }
      if next.isEmpty { return }
      for (number, entry) in next.sorted(by: { isDescending ? $0.key > $1.key : $0.key < $1.key }).prefix(batch) {
        if !body(entry, .number(number)) { return }
        position = number
      }
    }
  }
}

extension Query {
  /// The condition on a range field; everything if there is none. Several conditions on one field: the first drives.
  fileprivate func range(of field: String) -> IndexRange { ranges.first { $0.field == field }?.range ?? .all }
}

extension IndexSet {
  /// - Throws: `.unknownIndex`.
  func rangeNumber(_ field: String) throws(StoreError) -> Int {
    guard let number = rangeNames.firstIndex(of: field) else { throw .unknownIndex(name: field, known: rangeNames) }
    return number
  }
}
