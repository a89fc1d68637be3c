package import DarkBird
import Foundation
import Synchronization

/// A store in this process as a source.
package final class StoreSource<Key: DocumentKey, Document: DarkBird.Document>: Source {
  /// Events that are made into text to be compared with a filter, in one call.
  private static var filteredMax: Int { 250 }
  /// A query that its indexes do not count by themselves is counted only if it looks at no more candidates than this.
  private let countCandidatesMax: Int
  /// The bars of a histogram are counted for the conditions of a query only if that looks at no more candidates than this.
  private static var barCandidatesMax: Int { 2_000_000 }

  package let identity: SourceIdentity
  private let store: Store<Key, Document>
  private let events: Guarded<EventTap<Key, Document>>
  /// Writes that the store had when its statistics were last asked for.
  private let writes = Atomic<UInt64>(0)
  /// Writes between two questions for statistics from which on they need not count what writers have not put in yet.
  private static var manyWrites: UInt64 { 1_000 }
  private let areManyWrites = Atomic<Bool>(false)

  /// - Parameter busyFrom: events a second from which on there is a subscription for moments only.
  package init(
    _ store: Store<Key, Document>, title: String, location: String? = nil, allowsChanges: Bool = false,
    busyFrom: Double = 2_000, countCandidatesMax: Int = 1_000_000
  ) {
    self.store = store
    self.countCandidatesMax = countCandidatesMax
    events = Guarded(
      EventTap(store, busyFrom: busyFrom, calmBelow: busyFrom / 2, momentsApart: .milliseconds(300)))
    var directory: String?
    if case .disk(let path) = store.configuration.location { directory = path }
    identity = SourceIdentity(
      title: title, location: location ?? directory.map { "disk \($0)" } ?? "memory",
      // Other programs have a working directory of their own.
      directory: directory.map { URL(filePath: $0).standardizedFileURL.path },
      isReadOnly: store.configuration.isReadOnly, isInMemory: store.configuration.location == .memory,
      allowsChanges: allowsChanges && !store.configuration.isReadOnly,
      acknowledgement: store.ownAcknowledgement,
      schema: store.schema)
  }

  package func statistics() -> StoreStatistics {
    let wereManyWrites = areManyWrites.load(ordering: .relaxed)
    var statistics = store.statistics(exactIndexCounts: !wereManyWrites)
    let before = writes.exchange(statistics.operations.writes, ordering: .relaxed)
    let areMany = statistics.operations.writes - min(before, statistics.operations.writes) >= Self.manyWrites
    areManyWrites.store(areMany, ordering: .relaxed)
    // What stands still is exact.
    if wereManyWrites, !areMany {
      statistics = store.statistics()
      writes.store(statistics.operations.writes, ordering: .relaxed)
    }
    return statistics
  }

  package func timeWrites(oneIn interval: Int) { store.timeWrites(oneIn: interval) }
  package func writeTimings() -> WriteTimings? { store.writeTimings() }

  package func close() {
    events.withLock { $0.close() }
    // Nobody watches any more.
    store.timeWrites(oneIn: 0)
  }

  // MARK: Browsing

  package func topTags(limit: Int) -> [TagCount] {
    let fields = store.schema.fields.tags + store.schema.computed.tags
    let all = fields.flatMap { field in (try? store.tags(of: field, limit: limit)) ?? [] }
    return all.sorted { ($1.count, $0.tag) < ($0.count, $1.tag) }.prefix(limit).map {
      TagCount(tag: $0.tag, count: $0.count)
    }
  }

  package func outline(tagsPerField: Int) throws -> Outline {
    let statistics = store.statistics()
    var outline = Outline()
    outline.documents = statistics.documents
    outline.shards = statistics.shards.map(\.documents)
    for index in statistics.indexes {
      switch index.kind {
      case .unique: outline.uniques.append(.init(name: index.name, entries: index.entries))
      case .range:
        let values = try store.values(of: index.name)
        outline.ranges.append(
          .init(name: index.name, entries: index.entries, smallest: values?.min, largest: values?.max))
      case .tag:
        let tags = try store.tags(of: index.name, limit: tagsPerField)
        outline.tagFields.append(
          .init(
            name: index.name, distinct: index.distinct ?? tags.count,
            tags: tags.map { TagCount(tag: $0.tag, count: $0.count) }))
      }
    }
    return outline
  }

  package func page(_ selection: Selection, limit: Int, after mark: PageMark?) throws -> ResultPage {
    try page(selection, of: store, limit: limit, after: mark)
  }

  package func page(_ selection: Selection, limit: Int, before mark: PageMark?) throws -> ResultPage {
    guard case .query(var query, nil) = selection else { return ResultPage(rows: []) }
    // The other way round: a mark is a place, from which one can go either way.
    query.order = query.order == .ascending ? .descending : .ascending
    var page = try page(.query(query, limit: nil), of: store, limit: limit, after: mark)
    page.rows.reverse()
    return page
  }

  package func pages(_ selection: Selection) throws -> Pages {
    let snapshot = store.snapshot()
    return { limit, mark in try self.page(selection, of: snapshot, limit: limit, after: mark) }
  }

  package func remove(_ key: RowKey) throws -> Bool {
    try store.remove(try DocumentDigest.key(Key.self, encoded: key.encoded)) != nil
  }

  package func write(_ change: DocumentChange) throws -> RowKey {
    switch change {
    case .insert(let value, let record):
      let key = try DocumentDigest.key(Key.self, encoded: DocumentDigest.encoded(value))
      try store.insert(try document(record), for: key)
      return RowKey(text: key.description, encoded: try DocumentDigest.encoded(key))
    case .replace(let rowKey, let was, let record):
      let new = try document(record)
      let changed = try store.update(try DocumentDigest.key(Key.self, encoded: rowKey.encoded)) { document in
        guard DraftText.isSame(try DocumentDigest(document).record, was) else { throw ChangeRefused.changedMeanwhile }
        document = new
      }
      if changed == nil { throw ChangeRefused.gone }
      return rowKey
    }
  }

  /// - Throws: also for a field that the type of the documents does not know and would lose.
  private func document(_ record: Record) throws -> Document {
    let document = try DocumentDigest.encoded(record).withUnsafeBytes { bytes in
      var reader = CBORReader(bytes)
      return try Document(cbor: &reader)
    }
    let kept = try DocumentDigest(document).record
    if let lost = record.fields.first(where: { $0.value != .null && kept[$0.name] == nil }) {
      throw ChangeRefused.unknownField(lost.name)
    }
    return document
  }

  private func page(
    _ selection: Selection, of store: Store<Key, Document>, limit: Int, after mark: PageMark?
  ) throws -> ResultPage {
    switch selection {
    case .key(let text):
      for key in DocumentDigest.keys(Key.self, text: text) {
        if let stored = store.stored(key) { return ResultPage(rows: [try row(stored)]) }
      }
      return ResultPage(rows: [], examined: 0)
    case .unique(let index, let text):
      // The text may mean a string or a number, and the index knows which it holds.
      for value in Set([IndexValue.string(text), RangeText.guess(text)]) {
        if let stored = try store.document(unique: index, value) { return ResultPage(rows: [try row(stored)]) }
      }
      return ResultPage(rows: [], examined: 0)
    case .shard(let number): return try shardPage(number, of: store, limit: limit, after: mark)
    case .query(let query, _):
      var cursor: Cursor?
      if case .cursor(let place)? = mark { cursor = place }
      let page = try store.documents(query, limit: limit, after: cursor)
      return ResultPage(
        rows: try page.documents.map(row), next: page.next.map { .cursor($0) }, examined: page.examined)
    }
  }

  package func plan(_ selection: Selection) throws -> PlanSummary? {
    guard case .query(let query, let limit) = selection else { return nil }
    let plan = try store.explain(query, limit: min(limit ?? .max, Results.pageSize))
    let driver =
      switch plan.driver {
      case .scan: "scan"
      case .tag(let tag): "tag(\(tag))"
      case .anyTag(let tags): "any tag(\(tags.joined(separator: ", ")))"
      case .range(let field): "range(\(field))"
      }
    return PlanSummary(
      driver: driver, candidates: plan.candidates, checks: Self.checks(query, plan.driver), sortedBy: plan.sortedBy,
      unknownTags: try store.unknownTags(in: query),
      notes: try store.notes(on: query, candidatesMax: countCandidatesMax))
  }

  /// The conditions that the driver does not answer.
  private static func checks(_ query: Query, _ driver: QueryPlan.Driver) -> [String] {
    var rest = query
    switch driver {
    case .scan: break
    case .tag(let tag): rest.allTags.removeAll { $0 == tag }
    case .anyTag: rest.anyTags = []
    case .range(let field):
      if let first = rest.ranges.firstIndex(where: { $0.field == field }) { rest.ranges.remove(at: first) }
    }
    return rest.allTags.map { "tag:" + QueryToken.quoted($0) }
      + (rest.anyTags.isEmpty ? [] : ["any:" + rest.anyTags.map(QueryToken.quoted).joined(separator: " any:")])
      + rest.noTags.map { "!tag:" + QueryToken.quoted($0) }
      + rest.ranges.map { "range \(QueryToken.quoted($0.field))" }
  }

  package func count(_ selection: Selection) throws -> Int? {
    if case .shard(let number) = selection {
      let shards = store.statistics().shards
      return shards.indices.contains(number) ? shards[number].documents : 0
    }
    guard case .query(let query, _) = selection else { return nil }
    let conditions = query.allTags.count + query.anyTags.count + query.noTags.count + query.ranges.count
    // Nothing else is answered while candidates are looked at.
    let isOfOrderAlone =
      query.allTags.isEmpty && query.anyTags.isEmpty && query.ranges.allSatisfy { $0.field == query.orderBy }
    let isCounted = conditions <= 1 && query.noTags.isEmpty && (query.orderBy == nil || isOfOrderAlone)
    if !isCounted, try store.explain(query).candidates > countCandidatesMax { return nil }
    return try store.count(query)
  }

  package func document(_ key: RowKey) throws -> ResultRow? {
    try store.stored(try DocumentDigest.key(Key.self, encoded: key.encoded)).map(row)
  }

  package func versions(of keys: [RowKey]) throws -> [UInt64?] {
    try keys.map { store.stored(try DocumentDigest.key(Key.self, encoded: $0.encoded))?.lsn }
  }

  package func histogram(
    field: String, within span: ValueSpan?, of query: Query, bucketsMax: Int
  ) throws -> RangeHistogram? {
    guard let span = try span ?? scale(of: field) else { return nil }
    var others = query
    let place = others.ranges.firstIndex { $0.field == field }
    let asked = place.map { others.ranges.remove(at: $0).range } ?? .all
    // A document in a bucket is in the order of its field too.
    if others.orderBy == field { others.orderBy = nil }
    var histogram = try RangeHistogram(field: field, span, asked: asked, bucketsMax: bucketsMax) { range in
      try store.count(Query(ranges: [.init(field: field, range: range)]))
    }
    if let bars = histogram { histogram?.matching = try matching(others, bars) }
    return histogram
  }

  /// Of each bucket of a histogram the documents that meet some conditions.
  private func matching(_ query: Query, _ histogram: RangeHistogram) throws -> RangeHistogram.Matching {
    if query.isUnconditional { return .all }
    let buckets = histogram.counts.indices.map { bucket in
      var inBucket = query
      inBucket.ranges.append(.init(field: histogram.field, range: histogram.range(bucket..<bucket + 1)))
      return inBucket
    }
    var candidates = 0
    for bucket in buckets {
      candidates += try store.explain(bucket).candidates
      if candidates > Self.barCandidatesMax { return .unknown }
    }
    return .counted(try buckets.map { try store.count($0) })
  }

  /// From the smallest to the largest of a field's values that have a distance: a text among numbers does not hide them.
  private func scale(of field: String) throws -> ValueSpan? {
    guard let values = try store.values(of: field) else { return nil }
    func isMeasured(_ value: IndexValue) -> Bool {
      switch value {
      case .int, .double, .date: true
      case .bool, .string: false
      }
    }
    func first(_ order: Query.Order) throws -> IndexValue? {
      let range = IndexRange(lower: .excluded(.bool(true)), upper: .excluded(.string("")))
      let page = try store.documents(where: field, in: range, order: order, limit: 1)
      guard let document = page.documents.first?.document else { return nil }
      return try DocumentDigest(document).record.value(at: field)?.indexValue
    }
    let low = isMeasured(values.min) ? values.min : try first(.ascending)
    let high = isMeasured(values.max) ? values.max : try first(.descending)
    guard let low, let high else { return nil }
    return ValueSpan(low: low, high: high)
  }

  /// The store goes through its shards one after the other.
  private func shardPage(
    _ number: Int, of store: Store<Key, Document>, limit: Int, after mark: PageMark?
  ) throws -> ResultPage {
    var cursor: Cursor?
    if case .cursor(let place)? = mark { cursor = place } else { cursor = store.cursor(beforeShard: number) }
    var rows: [ResultRow] = []
    var examined = 0
    while rows.count < limit {
      let page = try store.documents(Query(), limit: limit - rows.count, after: cursor)
      examined += page.examined
      for stored in page.documents where stored.shard == number { rows.append(try row(stored)) }
      cursor = page.next
      if cursor == nil || page.documents.last.map({ $0.shard > number }) ?? true {
        return ResultPage(rows: rows, next: nil, examined: examined)
      }
    }
    // Whether there is more, the next document tells.
    let next = try store.documents(Query(), limit: 1, after: cursor)
    let isMore = next.documents.first?.shard == number
    return ResultPage(rows: rows, next: isMore ? cursor.map { .cursor($0) } : nil, examined: examined)
  }

  private func row(_ stored: StoredDocument<Key, Document>) throws -> ResultRow {
    let digest = try DocumentDigest(stored.document)
    let key = RowKey(text: stored.key.description, encoded: try DocumentDigest.encoded(stored.key))
    return ResultRow(key: key, shard: stored.shard, lsn: stored.lsn, record: digest.record, bytes: digest.bytes)
  }

  // MARK: Events

  package func takeEvents(matching filter: String, limit: Int) -> EventBatch {
    // Without a filter as many as are wanted; with one, many more are read to find those that match.
    let taken = events.withLock {
      $0.take(
        limit: filter.isEmpty ? limit : Self.filteredMax, isSearched: !filter.isEmpty,
        seen: writes.load(ordering: .relaxed))
    }
    var batch = EventBatch()
    batch.counted = taken.counted
    batch.passedOver = taken.passedOver
    let now = Date()
    let wanted = EventFilter(filter)
    for event in taken.events {
      guard let line = line(event, now), wanted.matches(line) else { continue }
      batch.lines.append(line)
      if batch.lines.count == limit { break }
    }
    return batch
  }

  /// nil for a gap, which the header counts.
  private func line(_ event: Event<Key, Document>, _ date: Date) -> EventLine? {
    switch event {
    case .put(let key, let old, let new, _, let shard):
      let digest = try? DocumentDigest(new)
      return EventLine(
        old == nil ? .insert : .put, date: date, shard: shard, key: key.description,
        detail: digest.map { DocumentDigest.summary($0.record, identity.schema) } ?? "", bytes: digest?.bytes)
    case .removed(let key, _, _, let shard):
      return EventLine(.remove, date: date, shard: shard, key: key.description)
    case .replayed(let key, let document, _, let shard):
      let digest = document.flatMap { try? DocumentDigest($0) }
      return EventLine(
        document == nil ? .remove : .put, date: date, shard: shard, key: key.description,
        detail: digest.map { DocumentDigest.summary($0.record, identity.schema) } ?? "", bytes: digest?.bytes)
    case .cleared(let count, _):
      let number = count.map { Format.grouped($0) + " " } ?? ""
      return EventLine(.clear, date: date, detail: "all \(number)documents removed")
    case .gap: return nil
    }
  }
}

extension Store {
  /// How far a write must have come that does not say so itself; nil where nothing is written to a log.
  package var ownAcknowledgement: Acknowledgement? {
    configuration.location == .memory || configuration.isReadOnly ? nil : configuration.acknowledgement
  }
}
