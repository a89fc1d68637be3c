import HeapModule
import Synchronization

/// A query with its names resolved, its driver chosen, and all indexes it needs as of one moment.
@usableFromInline
struct QueryExecution: Sendable {
  let query: Query
  @usableFromInline let plan: QueryPlan
  /// The index that gives the candidates: that of the plan, or the one that the page before had.
  @usableFromInline let driver: QueryPlan.Driver
  /// Where the page before ended.
  @usableFromInline let start: Cursor.Position?
  /// Whether every candidate that has not changed since is a result.
  @usableFromInline let isAnsweredByDriver: Bool
  /// LSN of the last change that the indexes hold: a document with a later one may no longer be what they say.
  @usableFromInline let lsn: UInt64
  /// Number of the range field and range, for each range condition.
  @usableFromInline let ranges: [(field: Int, range: IndexRange)]
  private let allTags: [DocumentSet]
  private let anyTags: [DocumentSet]
  private let noTags: [DocumentSet]
  private let rangeMaps: [(field: Int, documents: OrderedMap<IndexValue>)]

  /// - Parameters:
  ///   - limit: how many results are wanted at most.
  ///   - cursor: where the page before ended.
  ///   - documents: how many documents there are; asked only for a scan.
  ///   - memoryLSN: LSN of the last change.
  /// - Throws: `.unknownIndex`, `.invertedRange`, `.invalidIndexValue`, `.invalidConfiguration` for a cursor of another
  ///   query.
  @usableFromInline
  init(
    _ query: Query, limit: Int, after cursor: Cursor?, _ indexes: IndexSet, documents: () -> Int,
    memoryLSN: () -> UInt64
  ) throws(StoreError) {
    if let cursor, !cursor.isOf(query) {
      throw .invalidConfiguration(reason: "the cursor belongs to another query")
    }
    var ranges: [(field: Int, range: IndexRange)] = []
    for condition in query.ranges {
      try condition.range.validate(condition.field)
      ranges.append((try indexes.rangeNumber(condition.field), condition.range))
    }
    var fields = ranges.map(\.field)
    if let field = query.orderBy { fields.append(try indexes.rangeNumber(field)) }
    let tags = query.allTags + query.anyTags + query.noTags
    for tag in tags { try indexes.checkTag(tag) }
    let names = tags.map { TagName($0) }
    let found = indexes.documents(tagged: names, rangeIndexes: fields, asOf: memoryLSN)
    self.query = query
    self.ranges = ranges
    lsn = found.lsn
    let any = query.allTags.count
    let none = any + query.anyTags.count
    allTags = Array(found.tagged[..<any])
    anyTags = Array(found.tagged[any..<none])
    noTags = Array(found.tagged[none...])
    rangeMaps = zip(fields, found.ranges).map { (field: $0, documents: $1) }

    func plan(_ field: String, _ number: Int) -> QueryPlan {
      let bounds = query.range(of: field).bounds
      let map = found.ranges[number]
      return QueryPlan(driver: .range(field), candidates: map.count(from: bounds.lower, to: bounds.upper))
    }
    var plans = zip(query.allTags, allTags).map { QueryPlan(driver: .tag($0), candidates: $1.count) }
    if !query.anyTags.isEmpty {
      plans.append(QueryPlan(driver: .anyTag(query.anyTags), candidates: anyTags.reduce(0) { $0 + $1.count }))
    }
    for (number, condition) in query.ranges.enumerated() where condition.field != query.orderBy {
      plans.append(plan(condition.field, number))
    }
    let fewest = plans.min { $0.candidates < $1.candidates }
    self.plan =
      if let field = query.orderBy {
        Self.cheaper(plan(field, fields.count - 1), fewest, sortedBy: field, limit: limit)
      } else {
        fewest ?? QueryPlan(driver: .scan, candidates: documents())
      }
    start = cursor?.position
    // In an order that was asked for, a place is the same whatever the index.
    driver = query.orderBy == nil ? cursor?.driver ?? self.plan.driver : self.plan.driver
    isAnsweredByDriver =
      switch driver {
      case .scan: noTags.isEmpty
      case .tag: allTags.count == 1 && anyTags.isEmpty && noTags.isEmpty && ranges.isEmpty && query.orderBy == nil
      case .anyTag: allTags.isEmpty && noTags.isEmpty && ranges.isEmpty && query.orderBy == nil
      case .range(let field):
        allTags.isEmpty && anyTags.isEmpty && noTags.isEmpty && query.orderBy ?? field == field
          && (ranges.isEmpty || ranges.count == 1 && query.ranges[0].field == field)
      }
  }

  /// Either the index of the order asked for, which gives the results one after the other until there are enough, or the one
  /// with the fewest candidates, which are all looked at and then sorted. To compare two values takes about a third of the time
  /// that a look at a document takes.
  private static func cheaper(_ ordered: QueryPlan, _ fewest: QueryPlan?, sortedBy field: String, limit: Int)
    -> QueryPlan
  {
    guard var fewest else { return ordered }
    let count = Double(fewest.candidates)
    let comparisons = Double(Int.bitWidth - fewest.candidates.leadingZeroBitCount)
    // The results lie evenly between the others, as far as one knows.
    let untilLimit = Double(ordered.candidates) * min(1, Double(limit) / max(count, 1))
    if count * (1 + comparisons / 3) >= untilLimit { return ordered }
    fewest.sortedBy = field
    return fewest
  }

  /// How many documents meet all conditions, if the indexes tell by themselves: they do of tags, and of one range.
  /// - Complexity: O(1) for one tag or one range, for several tags O(candidates · tags · log documents).
  @usableFromInline
  var countByIndexes: Int? {
    switch plan.driver {
    case .scan: return noTags.isEmpty ? plan.candidates : nil
    case .range(let field):
      let isAlone =
        query.orderBy ?? field == field && allTags.isEmpty && anyTags.isEmpty && noTags.isEmpty
        && query.ranges.allSatisfy { $0.field == field } && query.ranges.count <= 1
      return isAlone ? plan.candidates : nil
    case .tag, .anyTag:
      if !query.ranges.isEmpty || query.orderBy != nil { return nil }
      if allTags.count + anyTags.count == 1 && noTags.isEmpty { return plan.candidates }
      return countByTags()
    }
  }

  private func countByTags() -> Int {
    var numbers: ContiguousArray<DocumentNumber> = []
    var positions: ContiguousArray<Cursor.Position> = []
    var last: Cursor.Position?
    var count = 0
    let batch = batchMax
    repeat {
      numbers.removeAll(keepingCapacity: true)
      last = candidates(after: last, limit: batch, wantsPositions: false, into: &numbers, &positions)
      count += isAnsweredByDriver ? numbers.count : numbers.count(where: meetsTagConditions)
    } while numbers.count == batch
    return count
  }

  /// Whether a document that has not changed since meets the conditions on tags.
  @usableFromInline
  func meetsTagConditions(_ number: DocumentNumber) -> Bool {
    allTags.allSatisfy { $0.contains(number) } && (anyTags.isEmpty || anyTags.contains { $0.contains(number) })
      && !noTags.contains { $0.contains(number) }
  }

  /// Whether the tags of a document meet the conditions on tags.
  @usableFromInline
  func meetsTagConditions(_ keys: IndexKeys) -> Bool {
    query.allTags.allSatisfy { keys.hasTag(TagName($0)) }
      && (query.anyTags.isEmpty || query.anyTags.contains { keys.hasTag(TagName($0)) })
      && !query.noTags.contains { keys.hasTag(TagName($0)) }
  }

  /// A range field in which a document must have a value.
  @usableFromInline
  var orderField: Int? { query.orderBy == nil ? nil : rangeMaps[rangeMaps.count - 1].field }

  /// Whether the results are to be sorted once they are found.
  @usableFromInline
  var isSorted: Bool { plan.sortedBy != nil }

  /// Whether the candidates come in the order asked for, if one was.
  @usableFromInline
  var isInOrder: Bool { query.orderBy == nil || !isSorted }

  /// Whether a result stands behind the place where the page before ended, in the order asked for.
  @usableFromInline
  func isBehindStart(_ value: IndexValue, _ number: DocumentNumber) -> Bool {
    guard case .value(let last, let lastNumber)? = start else { return true }
    if value != last { return (value < last) == isDescending }
    return number != lastNumber && (number < lastNumber) == isDescending
  }

  /// Where a page goes on whose last result stands at `position`.
  @usableFromInline
  func cursor(after position: Cursor.Position) -> Cursor {
    Cursor(query: query, driver: driver, position: position)
  }

  @usableFromInline
  func count(in counters: QueryCounters) {
    switch driver {
    case .scan: counters.scan.wrappingAdd(1, ordering: .relaxed)
    case .tag, .anyTag: counters.tag.wrappingAdd(1, ordering: .relaxed)
    case .range: counters.range.wrappingAdd(1, ordering: .relaxed)
    }
  }

  @usableFromInline
  var isDescending: Bool { query.order == .descending }

  /// How many candidates to take at once at most. A union looks into all of its sets each time, so that it pays for as many.
  @usableFromInline
  var batchMax: Int {
    if case .anyTag = driver { return max(1_024, anyTags.count) }
    return 1_024
  }

  /// Appends the next of the driver's candidates, up to `limit` in order, and says where the last one stands. Not for a scan:
  /// the store does that itself.
  /// - Parameters:
  ///   - position: where the candidate before stands; nil at the beginning.
  ///   - wantsPositions: whether to append where each candidate stands.
  @usableFromInline
  func candidates(
    after position: Cursor.Position?, limit: Int, wantsPositions: Bool,
    into numbers: inout ContiguousArray<DocumentNumber>, _ positions: inout ContiguousArray<Cursor.Position>
  ) -> Cursor.Position? {
    func add(_ sets: [DocumentSet]) -> Cursor.Position? {
      var after: DocumentNumber?
      if case .number(let number)? = position { after = number }
      if sets.count == 1 && !wantsPositions && !isDescending {
        sets[0].append(after: after, limit: limit, to: &numbers)
      } else {
        visitUnion(sets, after: after) { number in
          numbers.append(number)
          if wantsPositions { positions.append(.number(number)) }
          return numbers.count < limit
        }
      }
      return numbers.last.map { .number($0) }
    }
    switch driver {
    case .scan: preconditionFailure("the store scans its shards itself")
    case .tag(let tag): return query.allTags.firstIndex(of: tag).flatMap { add([allTags[$0]]) }
    case .anyTag: return add(anyTags)
    case .range(let field):
      guard let (_, map) = rangeMap(field) else { return nil }
      var (lower, upper) = query.range(of: field).bounds
      var lastValue: IndexValue?
      func add(_ value: IndexValue, _ documents: DocumentSet, after: DocumentNumber?) -> Bool {
        lastValue = value
        if !wantsPositions && !isDescending {
          documents.append(after: after, limit: limit, to: &numbers)
          return numbers.count < limit
        }
        return documents.visit(after: after, descending: isDescending) { number in
          numbers.append(number)
          if wantsPositions { positions.append(.value(value, number)) }
          return numbers.count < limit
        }
      }
      if case .value(let value, let number)? = position {
        // The rest of the value where the last batch ended, then the values beyond it.
        if let rest = map.value(value), !add(value, rest, after: number) {
          return numbers.last.map { .value(value, $0) }
        }
        if isDescending { upper = .before(value) } else { lower = .after(value) }
      }
      map.visit(from: lower, to: upper, descending: isDescending) { add($0, $1, after: nil) }
      guard let lastValue, let number = numbers.last else { return nil }
      return .value(lastValue, number)
    }
  }

  private func rangeMap(_ field: String) -> (field: Int, documents: OrderedMap<IndexValue>)? {
    if let index = query.ranges.firstIndex(where: { $0.field == field }) { return rangeMaps[index] }
    return query.orderBy == field ? rangeMaps.last : nil
  }

  /// Visits the union of several sets in the order of the document numbers. Of each set some numbers are taken out ahead; the
  /// least of all is the next, or in descending order the greatest.
  private func visitUnion(_ sets: [DocumentSet], after start: DocumentNumber?, _ body: (DocumentNumber) -> Bool) {
    if sets.count == 1 {
      sets[0].visit(after: start, descending: isDescending, body)
      return
    }
    struct Head: Comparable {
      let number: DocumentNumber
      let set: Int

      static func < (left: Head, right: Head) -> Bool { (left.number, left.set) < (right.number, right.set) }
    }
    let aheadMax = max(4, 256 / sets.count)
    var ahead = [(numbers: ContiguousArray<DocumentNumber>, next: Int)](repeating: ([], 0), count: sets.count)
    var heads = Heap<Head>()
    func advance(_ set: Int, after number: DocumentNumber?) {
      if ahead[set].next == ahead[set].numbers.count {
        var numbers: ContiguousArray<DocumentNumber> = []
        sets[set].visit(after: number, descending: isDescending) {
          numbers.append($0)
          return numbers.count < aheadMax
        }
        ahead[set] = (numbers, 0)
        if numbers.isEmpty { return }
      }
      heads.insert(Head(number: ahead[set].numbers[ahead[set].next], set: set))
      ahead[set].next += 1
    }
    for set in sets.indices { advance(set, after: start) }
    var last: DocumentNumber?
    while let head = isDescending ? heads.popMax() : heads.popMin() {
      if head.number != last {
        last = head.number
        if !body(head.number) { return }
      }
      advance(head.set, after: head.number)
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
