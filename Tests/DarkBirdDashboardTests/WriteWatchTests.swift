import Foundation
import Terminal
import Testing

@testable import DarkBird
@testable import DarkBirdDashboard

@Suite("Timed writes of a program") struct WriteWatchTests {
  private static let tick: UInt64 = 100_000_000

  @Test func aProgramsOwnWritesAreTimedWhileItIsWatched() throws {
    let store = try Store<Int, Record>(.memory)
    let source = StoreSource(store, title: "own")
    var composer = SampleComposer(source: source, monitor: nil)
    func take(_ tick: UInt64) -> Sample {
      composer.take(at: tick * Self.tick, date: Script.start, filter: "") { 0 }.0
    }
    #expect(take(0).timed?.latencies == [:])
    for key in 0..<50 { try store.put(["n": 1], for: key) }
    try store.batch { batch in for key in 50..<60 { batch.put(["n": 1], for: key) } }
    let sample = take(1)
    #expect(sample.timed?.interval == 1)
    #expect(sample.latencies[.put]?.count == 50 && sample.latencies[.batch]?.count == 1)
    #expect((sample.latencies[.put]?.p50 ?? 0) > 0)
    #expect(sample.heat.counts.reduce(0, +) == 51)
    // Ten seconds later nothing is left of it.
    _ = take(2)
    #expect(take(150).latencies == [:])
    // Nobody watches: nothing is timed.
    source.close()
    let before = try #require(store.writeTimings())
    try store.put(["n": 2], for: 1)
    #expect(store.writeTimings() == before)
  }

  @Test func theMoreWritesTheFewerOfThemAreTimed() {
    let source = TimedSource()
    var watch = WriteWatch()
    for tick in 0..<100 as Range<UInt64> {
      _ = watch.take(from: source, at: tick * Self.tick)
      source.write(50_000)
    }
    // Of 500,000 writes a second about a thousand.
    #expect(source.intervals.last == 512)
    for tick in 100..<300 as Range<UInt64> { _ = watch.take(from: source, at: tick * Self.tick) }
    #expect(source.intervals.last == 1)
    // Another store, which has had fewer of them.
    source.forgetAll()
    _ = watch.take(from: source, at: 300 * Self.tick)
    #expect(source.intervals.last == 1)
  }

  /// However many documents it writes, a batch is one that can be timed.
  @Test func aFewLargeBatchesAreAllTimed() throws {
    let store = try Store<Int, Record>(.memory)
    let source = StoreSource(store, title: "batches")
    var composer = SampleComposer(source: source, monitor: nil)
    var timed: UInt64 = 0
    for tick in 0..<30 as Range<UInt64> {
      let sample = composer.take(at: tick * Self.tick, date: Script.start, filter: "") { 0 }.0
      #expect(sample.timed?.interval == 1)
      timed = UInt64(sample.latencies[.batch]?.count ?? 0)
      try store.batch { batch in for key in 0..<1_000 { batch.put(["n": 1], for: key) } }
    }
    // They are counted half a second at a time.
    #expect((24...29).contains(timed))
    source.close()
  }

  @Test func panelAndRulesShowThem() throws {
    var model = Model(
      identity: Script().identity, configuration: DashboardConfiguration(), width: 120, height: 40, glyphs: .ascii,
      zone: .gmt)
    for tick in 0..<40 {
      var sample = Sample(
        sequence: tick, date: Script.start, nanoseconds: UInt64(tick) * Self.tick, statistics: StoreStatistics())
      var summary = LatencySummary()
      (summary.count, summary.max, summary.p999) = (500, 39_000_000, 38_000_000)
      sample.timed = TimedWrites(interval: 64, latencies: [.batch: summary])
      _ = model.update(.sample(sample, []))
    }
    let lines = Renderer.render(model, colors: .none).lines
    #expect(lines.contains { $0.contains("batch") && $0.contains("38ms") })
    #expect(lines.contains { $0.contains("1 in 64 writes is timed, reads are not") })
    let place = try #require(model.alerts.rules.firstIndex { $0.measure == .latency(.batch) })
    #expect(model.alerts.values[place] == 39_000_000)
  }

  /// Remembers how many it was asked to time.
  private final class TimedSource: Source {
    private let asked = Guarded<[Int]>([])
    private let written = Guarded<UInt64>(0)
    let identity = Script().identity

    var intervals: [Int] { asked.withLock { $0 } }

    func write(_ count: UInt64) { written.withLock { $0 += count } }
    func forgetAll() { written.withLock { $0 = 0 } }
    func writeTimings() -> WriteTimings? {
      let count = written.withLock { $0 }
      return WriteTimings(
        (0..<WriteTimings.Kind.allCases.count * WriteTimings.bucketCount).map { $0 == 200 ? count : 0 })
    }
    func timeWrites(oneIn interval: Int) { asked.withLock { $0.append(interval) } }
    func statistics() -> StoreStatistics { StoreStatistics() }
    func takeEvents(matching filter: String, limit: Int) -> EventBatch { EventBatch() }
    func topTags(limit: Int) -> [TagCount] { [] }
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
}
