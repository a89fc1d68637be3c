import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Alerts") struct AlertTests {
  /// Samples ten times a second, each with the share of the log's queue that is taken.
  private struct Queue {
    var history = History()
    var book: AlertBook
    var tick = 0

    init(_ rules: [AlertRule]) { book = AlertBook(rules: rules) }

    mutating func run(seconds: Double, at share: Double, change: (inout Sample) -> Void = { _ in }) {
      for _ in 0..<Int(seconds * 10) {
        var statistics = StoreStatistics()
        var log = StoreStatistics.Log()
        log.queueBytes = Int(share * 1_000)
        log.queueBytesMax = 1_000
        statistics.log = log
        let time = UInt64(tick) * 100_000_000
        var sample = Sample(
          sequence: tick, date: Script.start.addingTimeInterval(Double(tick) / 10), nanoseconds: time,
          statistics: statistics)
        change(&sample)
        history.append(sample)
        book.update(at: Moment(history, at: sample, windowSeconds: 60))
        tick += 1
      }
    }

    var now: UInt64 { history.last?.nanoseconds ?? 0 }
  }

  private let rule = AlertRule(.queue, above: 0.8, forSeconds: 5)

  @Test func firesOnlyWhenItWasWrongForLongEnough() throws {
    var queue = Queue([rule])
    queue.run(seconds: 10, at: 0.5)
    #expect(queue.book.states == [.ok])
    queue.run(seconds: 4.9, at: 0.9)
    #expect(queue.book.states == [.pending(since: 10_000_000_000)])
    #expect(queue.book.active(at: queue.now).isEmpty)
    queue.run(seconds: 1, at: 0.95)
    #expect(queue.book.states == [.firing(since: 10_000_000_000)])
    let active = try #require(queue.book.active(at: queue.now).first)
    #expect(active.worst == 0.95 && active.date == Script.start.addingTimeInterval(10))
  }

  @Test func oneGoodMomentBeginsAnew() {
    var queue = Queue([rule])
    queue.run(seconds: 4, at: 0.9)
    queue.run(seconds: 0.1, at: 0.5)
    queue.run(seconds: 4, at: 0.9)
    #expect(queue.book.episodes.isEmpty)
  }

  @Test func aValueThatWaversIsOneAlarm() throws {
    var queue = Queue([rule])
    queue.run(seconds: 6, at: 0.9)
    for _ in 0..<10 {
      queue.run(seconds: 1, at: 0.7)
      queue.run(seconds: 1, at: 0.9)
    }
    #expect(queue.book.episodes.count == 1)
    let right = queue.now + 100_000_000
    queue.run(seconds: 3, at: 0.1)
    #expect(queue.book.states == [.ok])
    #expect(try #require(queue.book.episodes.first).end == right)
    #expect(queue.book.active(at: queue.now).isEmpty)
    // Who looks back sees what was wrong then.
    #expect(queue.book.active(at: right - 1).count == 1)
    #expect(queue.book.active(at: 1_000_000_000).isEmpty)
  }

  @Test func theWorstComesFirstAndMutedRulesAreSilent() {
    var queue = Queue([AlertRule(.queue, above: 0.8), AlertRule(.logFailed, severity: .critical)])
    queue.run(seconds: 1, at: 0.9) { $0.statistics.log?.failure = "no space left" }
    #expect(queue.book.active(at: queue.now).map(\.rule.name) == ["log-failed", "queue"])
    #expect(queue.book.active(at: queue.now).first?.text == "the log takes no more writes: no space left")
    queue.book.muted = ["log-failed"]
    #expect(queue.book.active(at: queue.now).map(\.rule.name) == ["queue"])
  }

  @Test func latenciesOfFewOperationsSayNothing() {
    var queue = Queue([AlertRule(.latency(.get), above: 1e6, forSeconds: 1)])
    var summary = LatencySummary()
    summary.p999 = 5_000_000
    summary.count = 100
    func workload(_ sample: inout Sample) {
      sample.workload = WorkloadSample(progress: WorkloadProgress())
      sample.workload?.latencies[.get] = summary
    }
    queue.run(seconds: 5, at: 0, change: workload)
    #expect(queue.book.states == [.unknown])
    summary.count = 50_000
    queue.run(seconds: 5, at: 0, change: workload)
    #expect(queue.book.active(at: queue.now).count == 1)
    // The operation is not used any more: nothing is known to be wrong.
    queue.run(seconds: 0.1, at: 0)
    #expect(queue.book.states == [.unknown] && queue.book.active(at: queue.now).isEmpty)
  }

  @Test func episodesAreBounded() {
    var queue = Queue([AlertRule(.queue, above: 0.8)])
    for _ in 0..<(AlertBook.episodesMax + 20) {
      queue.run(seconds: 0.1, at: 0.9)
      queue.run(seconds: 2.2, at: 0.1)
    }
    #expect(queue.book.episodes.count == AlertBook.episodesMax)
  }

  @Test func aHealthyStoreIsQuiet() {
    #expect(Script().model(700).alerts.episodes.isEmpty)
    #expect(Script(hasLog: false, hasWorkload: false).model(300).alerts.episodes.isEmpty)
  }

  /// The share of all operations that one key gets says whether it is hot, not the number of shards.
  @Test(arguments: [1, 2, 64, 128, 1_024]) func aHotKeyIsHotWithAnyNumberOfShards(_ count: Int) throws {
    func alarms(share: Double) -> [AlertBook.Episode] {
      var queue = Queue(AlertRule.standard)
      queue.run(seconds: 15, at: 0) { sample in
        let total = Double(sample.sequence) * 100_000
        sample.statistics.shards = (0..<count).map { number in
          var shard = StoreStatistics.Shard()
          shard.operations = UInt64(total * ((1 - share) / Double(count) + (number == count / 2 ? share : 0)))
          return shard
        }
      }
      return queue.book.active(at: queue.now)
    }
    // As a zipfian choice of 100,000 keys.
    #expect(alarms(share: 0.08).isEmpty)
    let alarm = alarms(share: 0.3).first
    #expect(alarm?.rule.measure == (count >= 64 ? .skew : nil))
    if count == 128 { #expect(try #require(alarm).text == "skew 39.1 > 20.0 for 10s: shard #64") }
  }

  @Test func rulesHaveNamesOfTheirOwn() {
    let names = AlertRule.standard.map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test func enterOnAnAlarmShowsItsMoment() throws {
    var model = Script(checkpointsFailAfter: 100).model(300)
    _ = model.update(.key(.character("A")))
    _ = model.update(.key(.character("2")))
    _ = model.update(.key(.enter))
    #expect(model.view == .overview)
    #expect(try #require(model.shown).sequence == 100)
    #expect(Renderer.render(model, colors: .none).lines[1].contains("! the log grows, for a checkpoint failed"))
  }

  @Test func muteIsUndoneByTheSameKey() {
    var model = Script(failsAfter: 50).model(100)
    _ = model.update(.key(.character("A")))
    _ = model.update(.key(.character("x")))
    #expect(model.alerts.muted == ["log-failed"])
    #expect(!Renderer.render(model, colors: .none).lines[1].contains("!!"))
    _ = model.update(.key(.character("x")))
    #expect(model.alerts.muted.isEmpty)
    #expect(Renderer.render(model, colors: .none).lines[1].contains("!! the log takes no more writes"))
  }

  @Test func aFailedCheckpointIsAWarningUntilTheLogItselfFails() throws {
    let model = Script(checkpointsFailAfter: 50).model(100)
    let shown = try #require(model.shown)
    let alarm = try #require(model.alerts.active(at: shown.nanoseconds).first)
    #expect(alarm.rule.severity == .warning && alarm.text.contains("checkpoint failed: players: no space left"))
    let failed = Script(failsAfter: 50, checkpointsFailAfter: 50).model(100)
    let active = failed.alerts.active(at: shown.nanoseconds)
    #expect(active.map(\.rule.severity) == [.critical])
    #expect(active[0].text == "the log takes no more writes: players/wal-241: fdatasync: Input/output error")
  }
}
