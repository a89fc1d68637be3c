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

  /// Writes are few when they are slow.
  @Test func tooFewForAPercentileAreJudgedByTheSlowest() throws {
    func run(_ count: UInt64) -> Queue {
      var queue = Queue([AlertRule(.latency(.put), above: 1_000_000, forSeconds: 3)])
      queue.run(seconds: 5, at: 0) { sample in
        var summary = LatencySummary()
        (summary.count, summary.p999, summary.max) = (count, 900_000, 39_000_000)
        sample.workload = WorkloadSample(progress: WorkloadProgress())
        sample.workload?.latencies[.put] = summary
      }
      return queue
    }
    var slow = run(812)
    let alarm = try #require(slow.book.active(at: slow.now).first)
    #expect(alarm.text == "p99.9 put 39ms > 1.0ms for 3s: the slowest of 812 in 10 s")
    #expect(run(2_000).book.states == [.ok])
    #expect(run(0).book.states == [.unknown])
    // The operation is not used any more: nothing is known to be wrong.
    slow.run(seconds: 0.1, at: 0)
    #expect(slow.book.states == [.unknown] && slow.book.active(at: slow.now).isEmpty)
  }

  /// A workload that is called on for 2,000 operations a tenth of a second, and has begun a share of them.
  private struct Late {
    var queue = Queue([AlertRule(.behind, above: 0.1, forSeconds: 5)])
    var progress = WorkloadProgress()
    var options: WorkloadOptions? = WorkloadOptions(rate: .perSecond(20_000))
    var summary = "clubs"

    init(_ phase: WorkloadProgress.Phase = .running) { progress.phase = phase }

    mutating func run(seconds: Double, done: Double) {
      var (progress, options, summary) = (progress, options, summary)
      queue.run(seconds: seconds, at: 0) { sample in
        progress.operations += UInt64(2_000 * done)
        progress.skipped += UInt64(2_000 * (1 - done))
        sample.workload = WorkloadSample(progress: progress, summary: summary, options: options)
      }
      self.progress = progress
    }

    var active: [AlertBook.Episode] { queue.book.active(at: queue.now) }
  }

  @Test func aWorkloadThatStaysBehindItsRateIsAnAlarm() throws {
    var late = Late()
    late.run(seconds: 10, done: 1)
    #expect(late.queue.book.states == [.ok])
    late.run(seconds: 4, done: 0.62)
    #expect(late.active.isEmpty)
    late.run(seconds: 4, done: 0.62)
    let alarm = try #require(late.active.first)
    #expect(alarm.text == "38% behind 20.0k/s for 5s" && alarm.rule.severity == .warning)
    #expect(abs(alarm.worst - 0.38) < 0.001)
    late.run(seconds: 6, done: 1)
    #expect(late.active.isEmpty && late.queue.book.states == [.ok])
    #expect(AlertRule.standard.contains { $0.measure == .behind })
  }

  @Test func oneStallIsNoStayingBehind() {
    var late = Late()
    late.run(seconds: 5, done: 1)
    late.run(seconds: 1.9, done: 0)
    late.run(seconds: 10, done: 1)
    #expect(late.queue.book.episodes.isEmpty)
  }

  @Test(arguments: [WorkloadProgress.Phase.idle, .loading, .paused, .finished])
  func nobodyIsBehindWhoIsCalledOnForNothing(_ phase: WorkloadProgress.Phase) {
    var late = Late(phase)
    late.run(seconds: 5, done: 0.5)
    #expect(late.queue.book.states == [.unknown])
    var free = Late()
    free.options?.rate = .max
    free.run(seconds: 5, done: 0.5)
    #expect(free.queue.book.states == [.unknown])
  }

  @Test func whatWasMissedAtAnotherRateDoesNotCount() {
    var late = Late()
    late.run(seconds: 10, done: 0.5)
    #expect(!late.active.isEmpty)
    late.summary = "slower"
    late.options?.rate = .perSecond(10)
    late.run(seconds: 0.5, done: 1)
    #expect(late.queue.book.states == [.unknown] && late.active.isEmpty)
    late.run(seconds: 2, done: 1)
    #expect(late.queue.book.states == [.ok])
  }

  /// As in a recording.
  @Test func aRateThatNobodyNamesCanBeMissedToo() throws {
    var late = Late()
    late.options = nil
    late.run(seconds: 10, done: 0.25)
    #expect(try #require(late.active.first).text == "75% behind its rate for 5s")
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

  @Test func episodesAreBounded() {
    var queue = Queue([AlertRule(.queue, above: 0.8)])
    for _ in 0..<(AlertBook.episodesMax + 20) {
      queue.run(seconds: 0.1, at: 0.9)
      queue.run(seconds: 2.2, at: 0.1)
    }
    #expect(queue.book.episodes.count == AlertBook.episodesMax)
  }

  /// However many others come and go meanwhile.
  @Test func whatGoesOnIsNotForgotten() {
    var queue = Queue([AlertRule(.logFailed, severity: .critical), AlertRule(.queue, above: 0.8)])
    for _ in 0..<(AlertBook.episodesMax + 20) {
      queue.run(seconds: 0.1, at: 0.9) { $0.statistics.log?.failure = "no space left" }
      queue.run(seconds: 2.2, at: 0.1) { $0.statistics.log?.failure = "no space left" }
    }
    #expect(queue.book.episodes.count == AlertBook.episodesMax)
    #expect(queue.book.active(at: queue.now).map(\.rule.name) == ["log-failed"])
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

  @Test func aNamedLimitOfTheSkewHoldsForAnyNumberOfShards() throws {
    let moment = try #require(Moment(Script(shardCount: 1_024).model(30)))
    let standard = try #require(AlertRule.standard.first { $0.measure == .skew })
    #expect(standard.limit(at: moment) == 160)
    let named = try #require(try standard.changed(by: "10.0 for 5s"))
    #expect(named.limit(at: moment) == 10 && named.text == "10.0 for 5s")
    #expect(try standard.changed(by: standard.text) == standard, "the sample of a configuration changes nothing")
  }

  @Test(arguments: [
    (3_040_000.0, "3.04ms > 3.00ms"), (3_000_400, "3.0004ms > 3.0000ms"), (3_000_001, "just above 3.0ms"),
  ])
  func whatIsAboveItsLimitReadsSo(_ value: Double, _ wanted: String) throws {
    var sample = try #require(Script().samples(1).last)
    sample.syncP99 = UInt64(value)
    let moment = Moment(History(), at: sample, windowSeconds: 60)
    let rule = AlertRule(.sync, above: 3_000_000)
    #expect(rule.text(at: moment, lasting: 12_000_000_000) == "sync p99 \(wanted) for 12s")
  }

  /// What a rule says beside a stopped clock is what it said then.
  @Test func stoppedTimeShowsTheRulesOfThatMoment() throws {
    var model = Script().model(20)
    var sample = try #require(Script().samples(21).last)
    let limit = UInt64(AlertRule.standard.first { $0.measure == .sync }?.threshold ?? 0)
    sample.syncP99 = limit * 4
    _ = model.update(.sample(sample, []))
    _ = model.update(.key(.character("A")))
    func line() -> String {
      Renderer.render(model, colors: .none).lines.first { $0.contains("sync p99") } ?? ""
    }
    #expect(line().contains("near") && line().contains("2.0s"), "\(line())")
    model.time = .paused(10)
    #expect(line().contains("ok") && line().contains("2.9ms"), "\(line())")
    model.time = .paused(20)
    #expect(line().contains("near") && line().contains("2.0s"), "\(line())")
  }

  @Test func enterOnARuleGoesToItsPanelAndToItsLastAlarm() throws {
    var model = Script(failsAfter: 40).model(100)
    _ = model.update(.key(.character("A")))
    let failed = try #require(model.alerts.rules.firstIndex { $0.measure == .logFailed })
    model.alertsView.selectedRule = failed
    _ = model.update(.key(.enter))
    #expect(model.view == .overview && model.focus == .log)
    #expect(model.shown?.sequence == 40)
    _ = model.update(.key(.character("A")))
    model.time = .live
    model.alertsView.selectedRule = try #require(model.alerts.rules.firstIndex { $0.measure == .skew })
    _ = model.update(.key(.enter))
    #expect(model.view == .overview && model.focus == .shards && model.time == .live)
    #expect(model.browse.notice?.hasPrefix("skew: never an alarm") == true)
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
    #expect(model.browse.notice == "log-failed is muted")
    _ = model.update(.key(.character("x")))
    #expect(model.alerts.muted.isEmpty && model.browse.notice == "log-failed is heard of again")
    #expect(Renderer.render(model, colors: .none).lines[1].contains("!! the log takes no more writes"))
  }

  @Test func onlyARuleThatIsSeenIsMuted() {
    var model = Script(failsAfter: 150).model(200, width: 80, height: 17)
    for key: Key in [.character("A"), .tab, .character("x")] { _ = model.update(.key(key)) }
    #expect(model.alerts.muted.isEmpty && model.browse.notice == "rules are muted where they are: in panel 1")
  }

  @Test func allRulesMayBeOff() {
    var configuration = DashboardConfiguration()
    configuration.rules = []
    var model = Model(
      identity: Script().identity, configuration: configuration, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    for sample in Script(failsAfter: 10).samples(50) { _ = model.update(.sample(sample, [])) }
    for key: Key in [.character("A"), .down, .character("x"), .enter, .end, .tab, .enter] {
      _ = model.update(.key(key))
      let lines = Renderer.render(model, colors: .none).lines
      if model.view == .alerts {
        #expect(lines.contains { $0.contains("all are off in the configuration") }, "\(lines)")
      }
    }
  }

  /// Of long ago one sample in ten seconds is kept, and the one that is shown for a mark comes after it.
  @Test func marksAreGoneThroughOneByOneHoweverOldTheyAre() throws {
    var model = Model(
      identity: Script().identity, width: 120, height: 40, glyphs: .ascii, zone: .gmt, historyCapacity: nil)
    var marked: [UInt64] = []
    for sample in Script().samples(9_000) {
      _ = model.update(.sample(sample, []))
      if sample.sequence % 1_000 == 503 {
        model.addMark(.note, at: sample, "note \(sample.sequence)")
        marked.append(sample.nanoseconds)
      }
    }
    var shown: [UInt64] = []
    for _ in 0..<20 {
      _ = model.update(.key(.character("<")))
      if let now = model.shown?.nanoseconds, now != shown.last { shown.append(now) }
    }
    let notes = shown.filter { now in marked.contains { $0 <= now && now - $0 < 10_000_000_000 } }
    #expect(notes.count == marked.count, "\(shown) of \(marked)")
    var back: [UInt64] = []
    for _ in 0..<20 {
      _ = model.update(.key(.character(">")))
      if let now = model.shown?.nanoseconds, now != back.last { back.append(now) }
    }
    #expect(back == Array(shown.reversed().dropFirst()), "\(back)")
  }

  /// Where no line tells of alarms, and while the past is shown, the header does: what is wrong now.
  @Test func whatIsWrongIsToldOnEveryScreen() {
    let failed = Script(failsAfter: 80).model(100)
    func header(_ size: (Int, Int), _ keys: [Key]) -> String {
      var model = failed
      _ = model.update(.resize(width: size.0, height: size.1))
      for key in keys { _ = model.update(.key(key)) }
      return Renderer.render(model, colors: .none).lines[0]
    }
    for (width, height) in [(40, 10), (80, 24), (120, 40), (200, 60)] {
      // On the smallest there is no room for its name beside what watching costs.
      let alarm = width < 60 ? "!! " : "!! log failed"
      for view in ["b", "w", "A", "J", "o"] {
        let header = header((width, height), [.character(Character(view))])
        #expect(header.contains(alarm) == (view == "b" || height < 14), "\(view) at \(width)x\(height)")
        #expect(header.contains("ui ") && header.contains("drop "), "\(header)")
      }
      for overlay in ["?", ":"] {
        #expect(header((width, height), [.character(Character(overlay))]).contains(alarm), "\(overlay)")
      }
      let past = header((width, height), Array(repeating: .character("["), count: 6))
      #expect(past.contains(alarm) && past.contains("-"), "\(past)")
    }
    #expect(!Renderer.render(Script().model(100), colors: .none).lines[0].contains("!"))
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
