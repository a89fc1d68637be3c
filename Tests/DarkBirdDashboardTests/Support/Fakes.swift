import DarkBird
import Synchronization

@testable import DarkBirdDashboard

/// A source that says what a test tells it to.
final class FakeSource: Source {
  private struct State {
    var statistics = StoreStatistics()
    var batch = EventBatch()
    var tagQuestions = 0
  }

  private let state = Mutex(State())
  let identity = Script().identity

  func set(_ change: (inout StoreStatistics, inout EventBatch) -> Void) {
    state.withLock { change(&$0.statistics, &$0.batch) }
  }

  var tagQuestions: Int { state.withLock { $0.tagQuestions } }

  func statistics() -> StoreStatistics { state.withLock { $0.statistics } }

  func takeEvents(matching filter: String, limit: Int) -> EventBatch {
    state.withLock { state in
      defer { state.batch = EventBatch() }
      return state.batch
    }
  }

  func topTags(limit: Int) -> [TagCount] {
    state.withLock { $0.tagQuestions += 1 }
    return []
  }

  func outline(tagsPerField: Int) -> Outline { Outline() }
  func page(_ selection: Selection, limit: Int, after: PageMark?) -> ResultPage { ResultPage(rows: []) }
  func page(_ selection: Selection, limit: Int, before: PageMark?) -> ResultPage { ResultPage(rows: []) }
  func plan(_ selection: Selection) -> PlanSummary? { nil }
  func count(_ selection: Selection) -> Int? { nil }
  func document(_ key: RowKey) -> ResultRow? { nil }
  func versions(of keys: [RowKey]) -> [UInt64?] { [] }
  func histogram(field: String, within: ValueSpan?, of: Query, bucketsMax: Int) -> RangeHistogram? { nil }
  func pages(_ selection: Selection) -> Pages { { _, _ in ResultPage(rows: []) } }
  func remove(_ key: RowKey) -> Bool { false }
  func write(_ change: DocumentChange) throws -> RowKey { throw ChangeRefused.gone }
  func close() {}
}

/// A workload that does nothing by itself.
final class FakeMonitor: WorkloadMonitor {
  let recorder = LatencyRecorder()
  let summary = "fake"
  let runNumber = 1
  private let refused = Mutex<[RefusedDuplicate]>([])

  func refuse(_ duplicate: RefusedDuplicate) { refused.withLock { $0.append(duplicate) } }

  func progress() -> WorkloadProgress { WorkloadProgress() }

  var recentDuplicates: [RefusedDuplicate] { refused.withLock { $0 } }
}
