import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Reports without a terminal") struct ReportTests {
  private func object(_ model: Model) throws -> [String: Any] {
    let moment = try #require(Moment(model))
    let line = try MomentReport(model, moment).line()
    #expect(!line.contains("\n"))
    return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  @Test func theObjectHasTheFiguresOfThePanels() throws {
    let object = try object(Script(checkpointsFailAfter: 600).model())
    #expect(object["title"] as? String == "clubs" && object["documents"] as? Int == 1_204_166)
    let rates = try #require(object["ops_per_second"] as? [String: Any])
    #expect(abs((rates["total"] as? Double ?? 0) - 146_100) < 100)
    #expect(Set((rates["by_kind"] as? [String: Double] ?? [:]).keys).isSuperset(of: ["insert", "get", "range"]))
    let log = try #require(object["log"] as? [String: Any])
    #expect(log["checkpoint_failure"] as? String == "players: no space left on the disk; nothing was written")
    let shards = try #require(object["shards"] as? [String: Any])
    #expect(shards["hottest"] as? Int == 17 && (shards["documents"] as? [Int])?.count == 64)
    // A tenth of a second each.
    let (waits, waited) = (shards["lock_waits_per_second"] as? [Double], shards["lock_wait_ns_per_second"] as? [Double])
    #expect(waits?[17] == 120 && waited?[17] == 3_720_000 && waited?.count == 64)
    let latency = try #require((object["latency_ns"] as? [String: [String: Int]])?["get"])
    #expect(latency["p999"] == 36_000)
    #expect(object["writes_timed_one_in"] == nil, "a workload times all it does")
    #expect((object["workload"] as? [String: Any])?["latency_ns"] == nil, "that is told once")
    #expect(object["resident_bytes"] as? Int == 518_291_000)
    // As the first line has it: so long it was watched.
    #expect(object["uptime_ns"] as? Int == 70_000_000_000)
    let line = Renderer.render(Script().model(width: 200), colors: .none).lines[0]
    #expect(line.contains("  watched 01:10  ") && !line.contains(" up "), "\(line)")
    let alerts = try #require(object["alerts"] as? [[String: Any]])
    #expect(alerts.map { $0["name"] as? String } == ["checkpoint-failed"])
    #expect(alerts.first?["since"] as? String == "2023-11-14T22:14:20.000Z")
  }

  /// What panel 2 shows of a program that has no workload.
  @Test func theObjectHasTheTimedWritesOfAProgram() throws {
    let store = try Store<Int, Record>(.memory)
    defer { try? store.close() }
    let source = StoreSource(store, title: "own")
    defer { source.close() }
    var composer = SampleComposer(source: source, monitor: nil)
    var model = Model(identity: source.identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    for tick in 0..<5 as Range<UInt64> {
      if tick == 3 { for key in 0..<50 { try store.put(["n": 1], for: key) } }
      _ = model.update(
        .sample(composer.take(at: tick * 100_000_000, date: Script.start, filter: "") { 0 }.0, []))
    }
    let object = try object(model)
    let latencies = try #require(object["latency_ns"] as? [String: [String: Int]])
    #expect(latencies.keys.sorted() == ["put"] && latencies["put"]?["count"] == 50, "\(latencies)")
    #expect(latencies["put"]?["p50"] ?? 0 > 0)
    #expect(object["writes_timed_one_in"] as? Int == 1 && object["workload"] == nil)
    #expect(object["resident_bytes"] == nil, "nobody has said it")
  }

  /// As the README has it, through nothing but what is public.
  @Test func theObjectHasWhatAProgramTimesItself() throws {
    let store = try Store<Int, Record>(.memory)
    defer { try? store.close() }
    let timed = Timed()
    var options = DashboardOptions(title: "own")
    options.workload = timed
    #expect(timed.time(.get) { store[7] } == nil)
    var text = ""
    Dashboard.report(
      .object, on: store, options: options,
      wait: { nanoseconds in
        Thread.sleep(forTimeInterval: Double(nanoseconds) / 1e9)
        return true
      },
      write: {
        text = $0
        return true
      })
    let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let latencies = try #require(object["latency_ns"] as? [String: [String: Int]])
    #expect(latencies.keys.sorted() == ["get"] && latencies["get"]?["count"] == 1, "\(latencies)")
    #expect((object["workload"] as? [String: Any])?["summary"] as? String == "the betting office")
  }

  private final class Timed: WorkloadMonitor {
    let recorder = LatencyRecorder()
    let summary = "the betting office", runNumber = 1
    let recentDuplicates: [RefusedDuplicate] = []

    func progress() -> WorkloadProgress {
      var progress = WorkloadProgress()
      progress.phase = .running
      return progress
    }

    func time<Result>(_ kind: OperationKind, _ body: () throws -> Result) rethrows -> Result {
      let start = ContinuousClock.now
      defer { recorder.record(kind, nanoseconds: UInt64((ContinuousClock.now - start) / .nanoseconds(1))) }
      return try body()
    }
  }

  @Test func tagsInTheObjectDriveNoTerminal() throws {
    var model = Model(identity: Script().identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    var sample = try #require(Script().samples(1).last)
    sample.tags = [TagCount(tag: "\u{1b}[2J\u{7f}\u{9b}2J\u{202e}", count: 3)]
    _ = model.update(.sample(sample, []))
    let line = try MomentReport(model, try #require(Moment(model))).line()
    #expect(!line.unicodeScalars.contains(where: TypedJSON.drivesTerminal), "\(line)")
    let tags = try object(model)["tags"] as? [[String: Any]]
    #expect(tags?.first?["tag"] as? String == sample.tags[0].tag)
  }

  @Test func theObjectSaysHowFarALoadIsBehindAndWhatWritesWaitFor() throws {
    var model = Model(identity: Script().identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    for var sample in Script().samples(100) {
      let number = UInt64(sample.sequence)
      sample.workload?.options?.rate = .perSecond(20_000)
      sample.workload?.options?.acknowledgement = .synced
      sample.workload?.progress.operations = number * 1_240
      sample.workload?.progress.skipped = number * 760
      sample.statistics.log?.queueWaits = number * 3
      sample.statistics.log?.pageWaits = number * 10
      _ = model.update(.sample(sample, []))
    }
    let object = try object(model)
    let workload = try #require(object["workload"] as? [String: Any])
    #expect(workload["acknowledgement"] as? String == "synced")
    #expect(abs((workload["behind"] as? Double ?? 0) - 0.38) < 0.001, "\(workload)")
    let log = try #require(object["log"] as? [String: Any])
    #expect(abs((log["queue_waits_per_second"] as? Double ?? 0) - 30) < 0.01, "\(log)")
    #expect(abs((log["page_waits_per_second"] as? Double ?? 0) - 100) < 0.01, "\(log)")
  }

  /// A program without a workload sees what its unique indexes refuse, and beside a workload all see who else is refused: what
  /// that counts is of its run.
  @Test(arguments: [false, true]) func refusalsAreThoseOfTheStore(hasWorkload: Bool) throws {
    let store = try Store<Int, Record>(.memory, schema: IndexSchema(FieldSchema(unique: ["mail"])))
    defer { try? store.close() }
    let source = StoreSource(store, title: "own")
    defer { source.close() }
    var composer = SampleComposer(source: source, monitor: hasWorkload ? FakeMonitor() : nil)
    var model = Model(identity: source.identity, width: 120, height: 40, glyphs: .ascii, zone: .gmt)
    var (lines, told) = (PlainLines(), [String]())
    try store.put(["mail": "x"], for: 1)
    for tick in 0..<40 as Range<UInt64> {
      if tick == 35 {
        for key in 2...4 { #expect(throws: StoreError.self) { try store.put(["mail": "x"], for: key) } }
        #expect(throws: StoreError.self) { try store.insert(["mail": "y"], for: 1) }
      }
      let (sample, _) = composer.take(at: tick * 100_000_000, date: Script.start, filter: "") { 0 }
      _ = model.update(.sample(sample, []))
      told += lines.take(model)
    }
    let picture = Renderer.render(model, colors: .none).lines
    #expect(picture[1].contains("  dup 3 "), "\(picture[1])")
    #expect(picture.contains { $0.contains(" name  dup 3 ") }, "\(picture)")
    let object = try object(model)
    let refusals = try #require(object["refusals"] as? [String: Any])
    #expect(refusals["all"] as? Int == 4 && refusals["duplicates"] as? Int == 3)
    #expect(refusals["duplicates_per_second"] as? Double == 3 && refusals["all_per_second"] as? Double == 4)
    let ofTheRun = (object["workload"] as? [String: Any])?["duplicates_refused"] as? Int
    #expect(ofTheRun == (hasWorkload ? 0 : nil))
    #expect(told.last?.hasSuffix(" 1 documents, 3.0 duplicates refused a second") == true, "\(told)")
  }

  @Test func whatIsNotThereIsLeftOut() throws {
    let object = try object(Script(hasLog: false, hasWorkload: false).model(20))
    #expect(object["log"] == nil && object["workload"] == nil)
    #expect((object["alerts"] as? [Any])?.isEmpty == true)
  }

  @Test func linesTellWhatChangesAndNothingElse() {
    var lines = PlainLines()
    var model = Script(failsAfter: 150).model(1)
    var told: [String] = lines.take(model)
    for sample in Script(failsAfter: 150).samples(200).dropFirst() {
      _ = model.update(.sample(sample, []))
      told += lines.take(model)
    }
    #expect(told.first == "22:13:20 run 1: clubs zipfian 2w/2r no limit")
    #expect(told.contains { $0.hasSuffix("page 211 begins") })
    #expect(told.filter { $0.contains("ALARM the log takes no more writes") }.count == 1)
    #expect(told.contains { $0.contains("1,204,1") && $0.contains(" operations a second, ") })
    // Twenty seconds of a store that works as it did: its waves, its pages, its alarm.
    #expect(told.count < 60, "\(told)")
    #expect(lines.take(model).isEmpty, "no sample, no news")
  }

  @Test func linesTellOfEveryStepHoweverManyThereWere() {
    var (lines, told) = (PlainLines(), [String]())
    var model = Model(identity: Script().identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    for var sample in Script().samples(2 * Model.marksMax) {
      sample.workload?.summary = "load \(sample.sequence)"
      _ = model.update(.sample(sample, []))
      told += lines.take(model)
    }
    #expect(model.marks.count == Model.marksMax)
    // What somebody wrote is not lost to what a scenario does.
    let sample = Script().samples(1)[0]
    model.addMark(.note, at: sample, "written")
    for number in 0..<2 * Model.marksMax { model.addMark(.run, at: sample, "step \(number)") }
    #expect(model.marks.count == Model.marksMax && model.marks.first?.text == "written")
    for number in 0..<Model.marksMax { model.addMark(.note, at: sample, "note \(number)") }
    #expect(model.marks.count == Model.marksMax && model.marks.first?.text == "note 0")
    #expect((1..<2 * Model.marksMax).allSatisfy { number in told.contains { $0.hasSuffix(" now load \(number)") } })
  }

  /// Of a second in which loading ends no rate is true; writes that give way to reads are news.
  @Test func linesTellOperationsWithoutTheLoadingAndTheShareOfWrites() {
    var (lines, told) = (PlainLines(), [String]())
    var model = Model(identity: Script().identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    for var sample in Script().samples(100) {
      let number = UInt64(sample.sequence)
      sample.workload?.progress.phase = sample.sequence < 30 ? .loading : .running
      if sample.sequence < 30 { sample.workload?.progress.loaded = 0 }
      // 30,000 loaded a second, then 2,000 done of which half write, then a fifth.
      let (loading, running) = (min(number, 30), number - min(number, 30))
      let late = running - min(running, 40)
      sample.statistics.operations = StoreStatistics.Operations()
      sample.statistics.operations.puts = loading * 3_000 + min(running, 40) * 100 + late * 40
      sample.statistics.operations.gets = min(running, 40) * 100 + late * 160
      _ = model.update(.sample(sample, []))
      told += lines.take(model)
    }
    let figures = told.filter { $0.contains(" a second") }
    #expect(figures.count >= 3, "\(told)")
    #expect(figures.first?.contains("loading 30.0k a second") == true, "\(figures)")
    #expect(figures.dropFirst().first?.contains("2.0k operations a second, 1.0k of them writes") == true, "\(figures)")
    #expect(figures.last?.contains("2.0k operations a second, ") == true, "\(figures)")
    #expect(figures.last?.contains("1.0k of them") == false, "\(figures)")
  }

  @Test func linesOfAStoreAtRestEnd() throws {
    var lines = PlainLines()
    var model = Script(hasWorkload: false).model(30)
    _ = lines.take(model)
    var sample = try #require(model.history.last)
    var told: [String] = []
    for _ in 0..<100 {
      sample.sequence += 1
      sample.nanoseconds += 100_000_000
      _ = model.update(.sample(sample, []))
      told += lines.take(model)
    }
    #expect(told.count == 1 && told[0].contains("documents, quiet"), "\(told)")
  }

  /// With nothing of a key that a terminal acts upon.
  @Test func linesTellOfEachEventWhileThereAreFew() throws {
    let store = try Store<String, Record>(.memory, schema: IndexSchema(FieldSchema(ranges: ["age"])))
    defer { try? store.close() }
    let source = StoreSource(store, title: "own", busyFrom: 1e12)
    defer { source.close() }
    var composer = SampleComposer(source: source, monitor: nil)
    var model = Model(identity: source.identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    var lines = PlainLines()
    var tick: UInt64 = 0
    func told(_ ticks: Int) -> [String] {
      (0..<ticks).flatMap { _ in
        let (sample, events) = composer.take(
          at: tick * 100_000_000, date: Script.start, filter: "", isWatched: true, elapsed: { 0 })
        tick += 1
        _ = model.update(.sample(sample, events))
        return lines.take(model, events).filter { !$0.contains(" documents, ") }
      }
    }
    #expect(told(1).isEmpty)
    let (evil, shown) = ("ada\u{1b}[2J\n\u{202e}", "ada\u{FFFD}[2J\u{FFFD}\u{FFFD}")
    try store.put(["age": 34], for: evil)
    let new = told(1)
    #expect(new.count == 1 && new[0].hasPrefix("22:13:20 new \(shown) in shard "), "\(new)")
    #expect(new.first?.hasSuffix(" B") == true && new.first?.contains(", age=34, ") == true, "\(new)")
    try store.put(["age": 35], for: evil)
    try store.remove(evil)
    try store.put(["age": 1], for: String(repeating: "k", count: 10_000))
    let more = told(1)
    #expect(more.count == 3 && more.allSatisfy { $0.count < 300 }, "\(more)")
    let changed = more.first { $0.hasPrefix("22:13:20 changed \(shown) in shard ") }
    #expect(changed?.contains(", age=35, ") == true, "\(more)")
    #expect(more.contains { $0.hasPrefix("22:13:20 removed \(shown) in shard ") }, "\(more)")
    #expect(told(30).isEmpty)
    // Of more than are read there is their number, and then each has a line again.
    for key in 0..<1_234 { try store.put(["age": 3], for: "\(key)") }
    #expect(told(30) == ["22:13:20 1,234 events, not listed one by one"])
    try store.removeAll()
    #expect(told(5) == ["22:13:20 cleared, all 1,235 documents removed"])
  }

  @Test func linesTellTheNumberOfManyEventsNowAndThen() {
    var (lines, told) = (PlainLines(), [String]())
    var model = Model(identity: Script().identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    var samples = Script().samples(700)
    samples[699].workload?.progress.phase = .finished
    for sample in samples {
      _ = model.update(.sample(sample, []))
      told += lines.take(model)
    }
    let numbers = told.filter { $0.hasSuffix(" events, not listed one by one") }.map { line in
      UInt64(line.split(separator: " ")[1].filter(\.isNumber)) ?? 0
    }
    // After a second, a minute later, and what is left at the end.
    #expect(numbers.count == 3, "\(told)")
    #expect(numbers.reduce(0, +) == samples[699].eventsCounted - samples[0].eventsCounted)
  }

  @Test func textsOfTheStoreAreHarmless() {
    #expect(PlainLines.harmless("a\u{1B}[2Jb\nc\u{202E}d\u{9B}é") == "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d\u{FFFD}é")
  }

  @Test(arguments: [DashboardReport.object, .picture(width: 80, height: 24)])
  func whatIsWrittenOnceIsWrittenOnce(_ report: DashboardReport) throws {
    var texts: [String] = []
    Dashboard.report(
      report, source: FakeSource(), options: DashboardOptions(),
      wait: { _ in
        sched_yield()
        return true
      },
      write: {
        texts.append($0)
        return true
      })
    #expect(texts.count == 1 && texts[0].hasSuffix("\n"))
    if report != .object { #expect(texts[0].split(separator: "\n", omittingEmptySubsequences: false).count == 25) }
  }

  @Test func aStreamEndsWhenNobodyReads() {
    var count = 0
    Dashboard.report(
      .stream, source: FakeSource(), options: DashboardOptions(),
      wait: { _ in
        sched_yield()
        return true
      },
      write: { line in
        count += 1
        return !line.hasPrefix("{")
      })
    #expect(count == 1)
  }

  @Test func reportsEndWhenTheyAreAskedTo() {
    for report in [DashboardReport.object, .stream, .lines] {
      Dashboard.report(
        report, source: FakeSource(), options: DashboardOptions(), wait: { _ in false }, write: { _ in true })
    }
  }
}
