public import CDarkBird

/// How a query is answered.
extension Store {
  @usableFromInline
  func execution(_ query: Query, limit: Int, after cursor: Cursor?) throws(StoreError) -> QueryExecution {
    try QueryExecution(query, limit: limit, after: cursor, indexes, documents: { count }, memoryLSN: { memoryLSN })
  }

  /// Runs `body` until it has met no document that changed since the indexes were looked at (it sets `isUnchanged` to false
  /// then). After some attempts, when writers are too busy, on a snapshot.
  @inlinable
  func ofOneMoment<R>(
    _ query: Query, limit: Int, after cursor: Cursor?, _ body: (Store, QueryExecution, _ isUnchanged: inout Bool) -> R
  ) throws(StoreError) -> R {
    for attempt in 0..<4 {
      let execution = try execution(query, limit: limit, after: cursor)
      if attempt == 0 { execution.count(in: queries) }
      var isUnchanged = true
      let result = body(self, execution, &isUnchanged)
      if isUnchanged || planted(.pageOfManyMoments) { return result }
    }
    let frozen = snapshot()
    var isUnchanged = true
    return body(frozen, try frozen.execution(query, limit: limit, after: cursor), &isUnchanged)
  }

  /// Whether a document meets all conditions. Of one that has not changed since, the indexes know; of another, only the
  /// schema's functions.
  /// - Parameter isUnchanged: becomes false if it has changed and the query is no scan.
  @inlinable
  func matches(
    _ entry: Entry<Key, Document>, _ execution: QueryExecution, _ isUnchanged: inout Bool
  ) -> Bool {
    if entry.lsn <= execution.lsn || planted(.changedDocumentNotChecked) {
      if execution.isAnsweredByDriver { return true }
      return execution.meetsTagConditions(entry.number)
        && execution.ranges.allSatisfy { field, range in
          indexSchema.ranges[field].value(entry.document).map(range.contains) ?? false
        } && (execution.isInOrder || orderValue(of: entry, execution) != nil)
    }
    if execution.driver == .scan {
      if execution.isAnsweredByDriver { return true }
    } else {
      isUnchanged = false
    }
    guard let keys = try? indexSchema.keys(of: entry.document) else { return false }
    let uniques = indexSchema.uniques.count
    return execution.meetsTagConditions(keys)
      && execution.ranges.allSatisfy { field, range in keys.values[uniques + field].value.map(range.contains) ?? false }
      && execution.orderField.map { keys.values[uniques + $0].value != nil } ?? true
  }

  /// What a document is ordered by; nil if it is not in that index, or no order was asked for.
  @inlinable
  func orderValue(of entry: Entry<Key, Document>, _ execution: QueryExecution) -> IndexValue? {
    execution.orderField.flatMap { indexSchema.ranges[$0].value(entry.document) }
  }

  /// Visits the candidates of a query until `body` returns false; nil is a candidate that has gone. They are not counted as
  /// references, which would have the processor wait for each.
  /// - Parameters:
  ///   - batch: how many candidates to take from the indexes at first; later more, for most of them may meet no other condition.
  ///   - wantsPositions: whether `body` needs to know where they stand.
  ///   - inOrder: whether those of a query with an order must come in it.
  ///   - counts: how many chunks of each shard a scan visits; nil for those that there are when it comes to the shard.
  @inlinable
  func visit(
    _ execution: QueryExecution, batch: Int, wantsPositions: Bool = false, inOrder: Bool = true,
    upTo counts: [Int]? = nil, _ body: (Unmanaged<Entry<Key, Document>>?, Cursor.Position) -> Bool
  ) {
    if execution.driver == .scan { return scanShards(execution, upTo: counts, body) }
    if execution.isSorted && inOrder { return visitSorted(execution, batch: batch, body) }
    var numbers: ContiguousArray<DocumentNumber> = []
    var positions: ContiguousArray<Cursor.Position> = []
    numbers.reserveCapacity(batch)
    if wantsPositions { positions.reserveCapacity(batch) }
    // Of a query with an order, `start` is a place in that order.
    var last = execution.isInOrder ? execution.start : nil
    var batch = batch
    while true {
      numbers.removeAll(keepingCapacity: true)
      positions.removeAll(keepingCapacity: true)
      last = execution.candidates(
        after: last, limit: batch, wantsPositions: wantsPositions, into: &numbers, &positions)
      // In parts, between which what others replace can be freed.
      for first in stride(from: 0, to: numbers.count, by: 1_024) {
        let part = first..<min(first + 1_024, numbers.count)
        let isAll = part.count == numbers.count
        let places = !wantsPositions ? nil : isAll ? positions : ContiguousArray(positions[part])
        if !visit(isAll ? numbers : ContiguousArray(numbers[part]), places, body) { return }
      }
      if numbers.count < batch { return }
      batch = max(batch, min(2 * batch, execution.batchMax))
    }
  }

  /// Finds all results first, sorts them, and visits those behind the place where the page before ended. A document that has
  /// changed meanwhile counts as one that has gone, for then the results are not those of one moment.
  @inlinable
  func visitSorted(
    _ execution: QueryExecution, batch: Int, _ body: (Unmanaged<Entry<Key, Document>>?, Cursor.Position) -> Bool
  ) {
    var found: [(value: IndexValue, number: DocumentNumber)] = []
    var isUnchanged = true
    visit(execution, batch: 256, inOrder: false) { entry, _ in
      guard let entry else {
        isUnchanged = false
        return true
      }
      entry._withUnsafeGuaranteedRef { entry in
        guard matches(entry, execution, &isUnchanged), let value = orderValue(of: entry, execution) else { return }
        if execution.isBehindStart(value, entry.number) { found.append((value, entry.number)) }
      }
      return true
    }
    if !isUnchanged && !body(nil, .number(0)) { return }
    let isDescending = execution.isDescending
    found.sort { left, right in
      if left.value != right.value { return (left.value < right.value) != isDescending }
      return left.number == right.number ? false : (left.number < right.number) != isDescending
    }
    var next = 0
    while next < found.count {
      let part = found[next..<min(next + batch, found.count)]
      next += part.count
      let positions = ContiguousArray(part.map { Cursor.Position.value($0.value, $0.number) })
      if !visit(ContiguousArray(part.map(\.number)), positions, body) { return }
    }
  }

  /// Visits documents until `body` returns false, and says whether it never did.
  ///
  /// Most of what this costs is waiting for memory: first for the slots, then for the documents. So some slots and some
  /// documents are always on their way, while those that have come are handed out.
  /// - Parameter positions: where they stand; nil if `body` need not know.
  @inlinable @inline(__always)
  func visit(
    _ numbers: ContiguousArray<DocumentNumber>, _ positions: ContiguousArray<Cursor.Position>?,
    _ body: (Unmanaged<Entry<Key, Document>>?, Cursor.Position) -> Bool
  ) -> Bool {
    // The documents that are on their way.
    let ahead = 16
    var entries = ContiguousArray<Unmanaged<Entry<Key, Document>>?>(repeating: nil, count: ahead)
    let reader = db_begin_reading()
    defer { db_end_reading(reader) }
    for index in 0..<numbers.count &+ 2 &* ahead {
      if index < numbers.count { prefetchSlot(of: numbers[index]) }
      let come = index &- 2 &* ahead
      if come >= 0 {
        if !body(entries[come & (ahead &- 1)], positions?[come] ?? .number(numbers[come])) { return false }
      }
      let next = index &- ahead
      if next >= 0 && next < numbers.count {
        let entry = look(at: numbers[next])
        if let entry { db_prefetch(entry.toOpaque(), Entry<Key, Document>.size) }
        entries[next & (ahead &- 1)] = entry
      }
    }
    return true
  }

  @inlinable @inline(__always)
  func prefetchSlot(of number: DocumentNumber) { shards[shardNumber(number)].prefetch(slot: slot(number)) }

  /// Visits all documents shard by shard in the order of their slots, a chunk of slots at a time.
  /// - Parameter counts: see `visit`.
  @inlinable
  func scanShards(
    _ execution: QueryExecution, upTo counts: [Int]?,
    _ body: (Unmanaged<Entry<Key, Document>>?, Cursor.Position) -> Bool
  ) {
    let isDescending = execution.isDescending
    let chunkSlots = SlotTable<Entry<Key, Document>>.chunkSlots
    let ahead = SlotTable<Entry<Key, Document>>.slotsAhead
    var start: DocumentNumber?
    if case .number(let number)? = execution.start { start = number }
    let first = start.map(shardNumber) ?? (isDescending ? shards.count - 1 : 0)
    for shard in stride(from: first, through: isDescending ? 0 : shards.count - 1, by: isDescending ? -1 : 1) {
      // The slot before the one to begin with.
      let previous = shard == first ? start.map(slot) : nil
      let count = counts?[shard] ?? chunkCount(shard)
      var chunk = isDescending ? count - 1 : 0
      if let previous { chunk = isDescending ? min(chunk, previous / chunkSlots) : previous / chunkSlots }
      while chunk < count, let entries = self.chunk(chunk, ofShard: shard) {
        var first = 0
        if let previous, previous / chunkSlots == chunk {
          first = isDescending ? chunkSlots - previous % chunkSlots : previous % chunkSlots + 1
        }
        for index in first..<chunkSlots {
          let place = isDescending ? chunkSlots - 1 - index : index
          entries.prefetch(isDescending ? place - ahead : place + ahead, Entry<Key, Document>.size)
          guard let entry = entries[place] else { continue }
          // Nobody keeps it but `entries`, of which this may be the last use.
          if withExtendedLifetime(entry, { !body(.passUnretained(entry), .number(entry.number)) }) { return }
        }
        chunk += isDescending ? -1 : 1
      }
    }
  }

  @inlinable
  func chunkCount(_ shard: Int) -> Int { shards[shard].withLock { $0.slots.chunkCount } }

  /// Where a visit of all documents is to end whose `body` may put others: it would never come to an end of them.
  @inlinable
  func chunkCounts() -> [Int] { shards.indices.map(chunkCount) }

  /// The entries of some hundred slots as they are now; nil beyond the last slot.
  @inlinable
  func chunk(_ chunk: Int, ofShard shard: Int) -> SlotChunk<Entry<Key, Document>>? {
    shards[shard].withLock { chunk >= 0 && chunk < $0.slots.chunkCount ? $0.slots.chunk(chunk) : nil }
  }
}
