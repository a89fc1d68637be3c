import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Samples and history") struct TelemetryTests {
  private func sample(_ sequence: Int, at nanoseconds: UInt64, gets: UInt64 = 0) -> Sample {
    var statistics = StoreStatistics()
    statistics.operations.gets = gets
    return Sample(sequence: sequence, date: Script.start, nanoseconds: nanoseconds, statistics: statistics)
  }

  /// The store keeps its last syncs, however long ago they were; beside latencies of ten seconds stand those of ten seconds.
  @Test func syncsAreThoseOfTheLastTenSeconds() {
    var window = SyncWindow()
    var log = StoreStatistics.Log()
    (log.syncs, log.recentSyncNanoseconds) = (2, [9_000_000, 9_000_000])
    func second(_ count: Int) -> UInt64 { UInt64(count) * 1_000_000_000 }
    #expect(window.take(log, at: second(1)) == SyncTimes(), "of an unknown time")
    log.syncs += 3
    log.recentSyncNanoseconds += [1_000_000, 2_000_000, 4_000_000]
    #expect(window.take(log, at: second(2)) == SyncTimes([1_000_000, 2_000_000, 4_000_000]))
    #expect(window.take(log, at: second(11)).p50 == 2_000_000)
    #expect(window.take(log, at: second(13)) == SyncTimes())
  }

  @Test func historyIsBoundedAndFoundBySequenceAndTime() {
    var history = History(capacities: [5])
    for index in 0..<12 { history.append(sample(index, at: UInt64(index) * 100)) }
    #expect(history.count == 5)
    #expect(history.sample(9)?.sequence == 9)
    #expect(history.sample(0)?.sequence == 7)
    #expect(history.sample(99)?.sequence == 11)
    #expect(history.sample(atOrBefore: 950)?.sequence == 9)
    #expect(history.sample(atOrBefore: 900)?.sequence == 9)
    #expect(history.sample(atOrBefore: 699) == nil)
    #expect(history.sample(atOrAfter: 901)?.sequence == 10)
    #expect(history.sample(atOrAfter: 1_101) == nil)
    #expect(history.samples(after: 800, through: 1_000).map(\.sequence) == [9, 10])
    #expect(history.samples(after: 5_000, through: 6_000).isEmpty)
    #expect(history.samples(after: 900, through: 800).isEmpty)
  }

  @Test func historyThinsOutWhatIsOlder() throws {
    var history = History(capacities: [20, 10, 6])
    for index in 0..<1_000 {
      var sample = sample(index, at: UInt64(index) * 100_000_000, gets: UInt64(index))
      sample.workload = WorkloadSample(progress: WorkloadProgress())
      sample.workload?.heat.add(1, nanoseconds: 1_000)
      history.append(sample)
    }
    // Two seconds of all samples, ten of one a second, 60 of one in ten seconds.
    #expect(history.count == 20 + 10 + 6)
    #expect(history.last?.sequence == 999)
    let ages = history.map { 99.9 - Double($0.nanoseconds) / 1e9 }
    #expect(zip(ages, ages.dropFirst()).allSatisfy { $0 > $1 })
    #expect(ages.suffix(20).allSatisfy { $0 < 2 })
    for (older, newer) in zip(history, history.dropFirst()) {
      let gap = newer.nanoseconds - older.nanoseconds
      let age = 99.9 - Double(newer.nanoseconds) / 1e9
      #expect(gap <= (age < 2 ? 100_000_000 : age < 12 ? 1_000_000_000 : 10_000_000_000))
    }
    // No operation of the time that is kept is lost.
    let first = try #require(history.first)
    let heat = history.dropFirst().reduce(0) { $0 + ($1.workload?.heat.counts.reduce(0) { $0 + Int($1) } ?? 0) }
    #expect(heat == 999 - first.sequence)
    let points = history.points(after: first.nanoseconds, through: .max)
    #expect(points.count == history.count - 1)
    #expect(points.reduce(0) { $0 + $1.heat.counts.reduce(0) { $0 + Int($1) } } == heat)
    // What was thinned out is found in what took its place.
    #expect(try #require(history.sample(995)).sequence == 995)
    #expect(try #require(history.sample(901)).sequence == 909)
  }

  @Test func theDefaultHistoryReachesTwoHours() throws {
    var history = History()
    for index in 0..<80_000 { history.append(sample(index, at: UInt64(index) * 100_000_000)) }
    let (first, last) = (try #require(history.first), try #require(history.last))
    let reach = last.nanoseconds - first.nanoseconds
    #expect(reach >= 7_190_000_000_000 && history.count <= 2_520)
    #expect(history.samples(after: reach - 600_000_000_000, through: reach).count >= 600)
  }

  @Test func ratesUseTheTimeThatPassed() throws {
    var history = History()
    history.append(sample(0, at: 0))
    // The second sample was late: a machine under load.
    history.append(sample(1, at: 400_000_000, gets: 4_000))
    let last = sample(2, at: 1_000_000_000, gets: 10_000)
    history.append(last)
    let rates = try #require(Rates(history, at: last))
    #expect(rates.perSecond { $0.operations.gets } == 10_000)
    #expect(rates.perSecond { $0.log?.rotations } == 0)
  }

  @Test func columnsStandOnTheirOwnTime() throws {
    var model = Model(identity: Script().identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    for index in 0..<300 {
      _ = model.update(.sample(sample(index, at: UInt64(index) * 100_000_000, gets: UInt64(index) * 100), []))
    }
    let before = try #require(Moment(model)).columns(60)
    _ = model.update(.sample(sample(300, at: 30_000_000_000, gets: 30_000), []))
    let after = try #require(Moment(model)).columns(60)
    // A second later the picture has moved by exactly one column.
    #expect(before.dropFirst().compactMap { $0?.end } == after.dropLast().compactMap { $0?.end })
    let values = try #require(Moment(model)).columns(60) { $0.perSecond { $0.reads } }.compactMap(\.self)
    #expect(values.allSatisfy { ($0 - 1_000).magnitude < 1e-6 })
    #expect(values.count == 30)
  }

  @Test func heatColumnsAddUp() {
    var column = HeatColumn()
    column.add(3, nanoseconds: 0)
    column.add(2, nanoseconds: 1_000)
    column.add(.max, nanoseconds: .max)
    var sum = HeatColumn()
    sum.add(column)
    sum.add(column)
    #expect(sum.counts[0] == 6)
    #expect(sum.counts[HeatColumn.bucket(of: 1_000)] == 4)
    #expect(sum.counts[HeatColumn.bucketCount - 1] == .max)
    for bucket in 1..<HeatColumn.bucketCount {
      #expect(HeatColumn.bucket(of: UInt64(HeatColumn.lowerBound(of: bucket))) == bucket)
    }
  }

  @Test func composerCountsEventsAndMakesLines() throws {
    let source = FakeSource()
    let monitor = FakeMonitor()
    var composer = SampleComposer(source: source, monitor: monitor)
    var log = StoreStatistics.Log()
    log.page = 4
    source.set { statistics, batch in
      statistics.log = log
      batch.counted = 40
      batch.passedOver = 3
      statistics.eventsDropped = 10
      batch.lines = [EventLine(.put, date: Script.start, key: "a")]
    }
    let (first, lines) = composer.take(at: 0, date: Script.start, filter: "") { 0 }
    #expect(first.eventsCounted == 40 && first.eventsDropped == 0 && first.eventsShown == 1)
    #expect(lines.map(\.kind) == [.put])
    log.page = 6
    log.rotations = 2
    log.checkpoints = 1
    source.set { statistics, _ in statistics.log = log }
    monitor.refuse(
      RefusedDuplicate(ordinal: 1, time: Script.start, key: "u:2", index: "email", value: "x@y", owner: "u:1"))
    monitor.recorder.record(.get, nanoseconds: 1_000)
    let (second, more) = composer.take(at: 100_000_000, date: Script.start, filter: "") { 0 }
    #expect(second.sequence == 1 && second.eventsCounted == 41)
    // Of ten that were lost the dashboard itself passed over three.
    #expect(second.eventsDropped == 7)
    #expect(more.map(\.kind) == [.duplicate, .rotation, .checkpoint])
    #expect(more[0].detail == "refused: u:1 has email x@y")
    #expect(more[1].detail == "pages 4-5 are full, page 6 begins")
    let workload = try #require(second.workload)
    #expect(workload.latencies[.get]?.count == 1)
    #expect(workload.heat.counts.reduce(0, +) == 1)
    // The same duplicate is shown once.
    #expect(composer.take(at: 200_000_000, date: Script.start, filter: "") { 0 }.1.isEmpty)
  }

  /// Most events have no line; where somebody looks at nothing else, each of seven refusals between two samples has one, and of
  /// more than there is room for, the rest is counted.
  @Test func everyDuplicateIsShownOrCounted() throws {
    let monitor = FakeMonitor()
    let source = FakeSource()
    var composer = SampleComposer(source: source, monitor: monitor)
    func refuse(_ ordinals: ClosedRange<UInt64>) {
      for ordinal in ordinals {
        monitor.refuse(
          RefusedDuplicate(ordinal: ordinal, time: Script.start, key: "u:2", index: "email", value: "x", owner: "u:1"))
      }
    }
    refuse(1...7)
    let (first, lines) = composer.take(at: 0, date: Script.start, filter: "", isWatched: true) { 0 }
    #expect(lines.count == 7 && first.eventsCounted == 7 && first.eventsShown == 7)
    refuse(8...40)
    let (second, more) = composer.take(at: 100_000_000, date: Script.start, filter: "u:2") { 0 }
    #expect(more.count == SampleComposer.watchedLinesMax)
    #expect(second.eventsCounted == 40 && second.eventsShown == 15)
    // Beside events of which not all have a line, few refusals have one, also where somebody looks at nothing else.
    source.set { _, batch in
      batch.counted = 100
      batch.lines = [EventLine(.put, date: Script.start, key: "a")]
    }
    refuse(41...50)
    let (third, few) = composer.take(at: 200_000_000, date: Script.start, filter: "", isWatched: true) { 0 }
    #expect(few.filter { $0.kind == .duplicate }.count == SampleComposer.duplicatesMax)
    #expect(third.eventsCounted == 150 && third.eventsShown == 17)
    // Beside those of which none has one this time, none.
    source.set { _, batch in (batch.counted, batch.lines) = (100, []) }
    refuse(51...52)
    let (fourth, none) = composer.take(at: 300_000_000, date: Script.start, filter: "", isWatched: true) { 0 }
    #expect(none.isEmpty && fourth.eventsCounted == 252 && fourth.eventsShown == 17)
    // One event that is shown, and seven racers who came too late.
    source.set { _, batch in
      batch.counted = 1
      batch.lines = [EventLine(.put, date: Script.start, key: "a")]
    }
    refuse(53...59)
    #expect(composer.take(at: 400_000_000, date: Script.start, filter: "") { 0 }.1.count == 8)
  }

  /// As of the store of a later chapter: its first sample tells nothing of the time before it.
  @Test func theHeatMapBeginsWithTheFirstSample() throws {
    var model = Script().model(0)
    for var sample in Script().samples(3) {
      sample.nanoseconds += 50_000_000_000
      _ = model.update(.sample(sample, []))
    }
    (model.focus, model.isZoomed) = (.latency, true)
    let lines = Renderer.render(model, colors: .none).lines
    let shades = Set(model.glyphs.shades)
    let columns = lines.dropFirst(10).dropLast(3).map { line in line.count { shades.contains($0) } }
    let most = try #require(columns.max())
    #expect((1...4).contains(most), "\(lines.joined(separator: "\n"))")
  }

  /// A stream that is too long for what is kept reaches as far back, and of what is old every other line is left.
  @Test func oldLinesBecomeFewer() throws {
    var log = EventLog()
    let count = EventLog.capacity * 3
    for number in 0..<count {
      log.append([EventLine(.put, date: Script.start, key: "u:\(number)")], sequence: number)
    }
    #expect(log.entries.count <= EventLog.capacity && log.entries.count > EventLog.capacity / 2)
    let numbers = log.entries.map(\.sequence)
    let first = try #require(numbers.first)
    #expect(numbers == numbers.sorted() && first < count / 20, "from \(first)")
    // The newest are all there.
    #expect(Array(numbers.suffix(EventLog.capacity / 4)) == Array(count - EventLog.capacity / 4..<count))
  }

  /// The store is at rest since a burst of which two lines in a hundred are there.
  @Test func whatIsShownIsToldOfTheLinesThatOneSees() {
    var model = Script().model(0)
    for tick in 0..<100 {
      var sample = sample(tick, at: UInt64(tick) * 100_000_000)
      sample.eventsCounted = tick < 10 ? 0 : 1_000
      sample.eventsShown = tick < 10 ? 0 : 20
      let lines = (0..<20).map { EventLine(.put, date: Script.start, key: "u:\($0 * 50)") }
      _ = model.update(.sample(sample, tick == 10 ? lines : []))
    }
    (model.focus, model.isZoomed) = (.events, true)
    #expect(Renderer.render(model, colors: .none).lines.contains { $0.contains("0/s counted   1:50 shown") })
  }

  @Test func filterAppliesToAllLines() {
    let source = FakeSource()
    let monitor = FakeMonitor()
    var composer = SampleComposer(source: source, monitor: monitor)
    monitor.refuse(
      RefusedDuplicate(ordinal: 1, time: Script.start, key: "u:2", index: "email", value: "x", owner: "u:1"))
    let (_, lines) = composer.take(at: 0, date: Script.start, filter: "rot") { 0 }
    #expect(lines.isEmpty)
  }

  @Test func tagsAreNotAskedForAgainWhileNothingIsWritten() {
    let source = FakeSource()
    var composer = SampleComposer(source: source, monitor: nil)
    for tick in 0..<80 {
      _ = composer.take(at: UInt64(tick) * 1_000_000_000, date: Script.start, filter: "") { 0 }
    }
    #expect(source.tagQuestions == 1)
  }

  @Test func tagsAreAskedForSeldomIfThatIsSlow() {
    let source = FakeSource()
    var composer = SampleComposer(source: source, monitor: nil)
    var clock: UInt64 = 0
    // Each question takes 20 ms: then four seconds must pass.
    for tick in 0..<80 {
      source.set { statistics, _ in statistics.memoryLSN += 1 }
      _ = composer.take(at: UInt64(tick) * 100_000_000, date: Script.start, filter: "") {
        clock += 20_000_000
        return clock
      }
    }
    #expect(source.tagQuestions == 2)
  }
}
