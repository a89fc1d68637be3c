import DarkBird
import Synchronization

/// The store of the tour: now this one, now another, now none.
final class TourSource: Source {
  private struct State {
    var source: (any Source)?
    var generation = 0
  }

  let identity: SourceIdentity
  private let state = Mutex(State())

  init() {
    // A store in memory costs nothing and knows what all of them index.
    let schema = (try? Store<String, Person>(.memory))?.schema ?? SchemaDescription()
    identity = SourceIdentity(title: "people", location: SourceIdentity.temporary, schema: schema)
  }

  /// Shows another store from now on, or none.
  func show(_ source: (any Source)?) {
    let before = state.withLock { state in
      defer {
        state.source = source
        state.generation += 1
      }
      return state.source
    }
    before?.close()
  }

  private var current: (any Source)? { state.withLock { $0.source } }

  var generation: Int { state.withLock { $0.generation } }

  func statistics() -> StoreStatistics { current?.statistics() ?? StoreStatistics() }

  func takeEvents(matching filter: String, limit: Int) -> EventBatch {
    current?.takeEvents(matching: filter, limit: limit) ?? EventBatch()
  }

  func topTags(limit: Int) -> [TagCount] { current?.topTags(limit: limit) ?? [] }

  func outline(tagsPerField: Int) throws -> Outline { try current?.outline(tagsPerField: tagsPerField) ?? Outline() }

  func page(_ selection: Selection, limit: Int, after mark: PageMark?) throws -> ResultPage {
    try current?.page(selection, limit: limit, after: mark) ?? ResultPage(rows: [])
  }

  func page(_ selection: Selection, limit: Int, before mark: PageMark?) throws -> ResultPage {
    try current?.page(selection, limit: limit, before: mark) ?? ResultPage(rows: [])
  }

  func plan(_ selection: Selection) throws -> PlanSummary? { try current?.plan(selection) }

  func count(_ selection: Selection) throws -> Int? { try current?.count(selection) }

  func document(_ key: RowKey) throws -> ResultRow? { try current?.document(key) }

  func versions(of keys: [RowKey]) throws -> [UInt64?] {
    try current?.versions(of: keys) ?? Array(repeating: nil, count: keys.count)
  }

  func histogram(field: String, within span: ValueSpan?, of query: Query, bucketsMax: Int) throws -> RangeHistogram? {
    try current?.histogram(field: field, within: span, of: query, bucketsMax: bucketsMax)
  }

  func pages(_ selection: Selection) throws -> Pages {
    try current?.pages(selection) ?? { _, _ in ResultPage(rows: []) }
  }

  // The tour's own chapters change its store; the model offers nobody else to.
  func remove(_ key: RowKey) throws -> Bool { try current?.remove(key) ?? false }

  func write(_ change: DocumentChange) throws -> RowKey {
    guard let current else { throw StoreError.closed }
    return try current.write(change)
  }

  func close() { show(nil) }
}
