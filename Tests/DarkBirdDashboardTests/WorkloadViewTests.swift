import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Workload screen") struct WorkloadViewTests {
  private func opened(_ keys: [Key] = []) -> Model {
    var model = Script().model(100)
    for key in [Key.character("w")] + keys { _ = model.update(.key(key)) }
    return model
  }

  /// Time is stopped at the moment before the load became another one.
  private func stoppedBefore(_ change: (inout WorkloadOptions) -> Void) throws -> Model {
    var model = opened()
    let last = try #require(model.history.last)
    var sample = last
    (sample.sequence, sample.nanoseconds) = (last.sequence + 1, last.nanoseconds + 100_000_000)
    var options = try #require(sample.workload?.options)
    change(&options)
    sample.workload?.options = options
    _ = model.update(.sample(sample, []))
    model.time = .paused(last.sequence)
    return model
  }

  @Test func nothingRunsBeforeEnter() throws {
    var model = opened([.right])
    #expect(model.workloadView.draft?.preset == .ycsbA)
    #expect(model.runningOptions?.preset == .clubs)
    let effects = model.update(.key(.enter))
    var expected = WorkloadOptions(rate: .max)
    expected.preset = .ycsbA
    #expect(effects == [.workload(.run(expected))])
    #expect(model.workloadView.draft == nil)
    #expect(model.update(.key(.enter)).isEmpty, "nothing is changed")
  }

  /// The settings may be out of sight.
  @Test func keysBesideTheRunChangeNoSettings() {
    var model = opened([.character("2")])
    let before = model.workloadView.selected
    for key in [Key.right, .down, .end, .enter] {
      #expect(model.update(.key(key)).isEmpty)
      #expect(model.workloadView.draft == nil && model.workloadView.selected == before, "\(key)")
    }
    _ = model.update(.key(.left))
    #expect(model.workloadView.draft == nil && model.workloadView.focus == .settings)
  }

  /// What is changed and seen is applied from there, too.
  @Test func enterBesideTheRunAppliesWhatIsSeen() {
    var model = opened([.right, .character("2"), .enter])
    #expect(model.workloadView.draft == nil)
    model = opened([.right, .character("2"), .character("z"), .enter])
    #expect(model.workloadView.draft != nil)
  }

  /// A share that only the load of then has is nothing that the load of now could be given.
  @Test func settingsOfThenThatNowHasNotAreNotChanged() throws {
    var model = try stoppedBefore { $0.preset = .ycsbC }
    model.workloadView.selected = try #require(model.workloadSettings.firstIndex(of: .share(.put)))
    _ = model.update(.key(.right))
    #expect(model.workloadView.draft == nil && model.browse.notice?.hasPrefix("what runs now has no '") ?? false)
    // The list of now is shorter: its last row is the selected one.
    model.workloadView.selected = 99
    model.time = .live
    _ = model.update(.key(.right))
    #expect(model.workloadView.draft != nil)
  }

  /// Both halves of the screen are of the moment that is shown; what is changed is what runs now.
  @Test func stoppedTimeShowsTheSettingsOfThatMoment() throws {
    var model = try stoppedBefore { $0.rate = .perSecond(5_000) }
    let then = Renderer.render(model, colors: .none).lines.joined(separator: "\n")
    #expect(then.contains("as it was then") && !then.contains("5,000"), "\(then)")
    // To the rate.
    model.workloadView.selected = 2
    _ = model.update(.key(.right))
    let draft = try #require(model.workloadView.draft)
    var expected = try #require(model.runningOptions)
    WorkloadSetting.rate.change(&expected, by: 1, scenarios: model.scenarios)
    #expect(draft == expected)
  }

  @Test func escapeForgetsWhatWasChangedBeforeItLeaves() {
    var model = opened([.right, .escape])
    #expect(model.workloadView.draft == nil && model.view == .workload)
    _ = model.update(.key(.escape))
    #expect(model.view == .overview)
  }

  @Test func aChangeTakenBackIsNone() {
    #expect(opened([.right, .left]).workloadView.draft == nil)
  }

  @Test func settingsStepThroughTheirValues() {
    var options = WorkloadOptions(rate: .perSecond(20_000), writers: 1, readers: 0)
    func change(_ setting: WorkloadSetting, _ steps: Int...) -> WorkloadOptions {
      var changed = options
      for step in steps { setting.change(&changed, by: step) }
      return changed
    }
    #expect(change(.rate, 1).rate == .perSecond(50_000))
    #expect(change(.rate, -1).rate == .perSecond(10_000))
    #expect(change(.rate, 1, 1, 1, 1, 1, 1, 1, 1).rate == .max)
    #expect(change(.writers, -1, -1).writers == 1, "somebody has to do something")
    #expect(change(.readers, 1, 1).readers == 2)
    #expect(change(.preset, -1).preset == .ycsbF)
    #expect(change(.distribution, 1).distribution == .latest)
    #expect(change(.documents, 1).documents == 200_000)
    #expect(change(.acknowledgement, 1).acknowledgement == .memory)
    #expect(change(.share(.get), 1).effectiveMix[.get] == 75)
    #expect(change(.share(.range), -1, -1).effectiveMix[.range] == 4)
    #expect(change(.share(.get), 1, -1).mix == nil, "the preset's own")
    options.mix = WorkloadMix()
    #expect(change(.share(.get), -1).effectiveMix[.get] == 0)
    #expect(change(.preset, 1).mix == nil)
  }

  @Test func everySettingSaysWhatItMeans() {
    for preset in WorkloadOptions.Preset.allCases {
      let options = WorkloadOptions(preset: preset)
      for setting in preset.shares.map(WorkloadSetting.share) + [.rate, .writers, .acknowledgement] {
        #expect(!setting.explanation(options).isEmpty && !setting.value(options).isEmpty)
      }
      for share in preset.shares where preset.mix[share] > 0 { #expect(preset.shares.contains(share)) }
    }
  }

  @Test func startStopEndsWhatRunsAndBeginsWhatDoesNot() throws {
    var model = opened()
    #expect(model.update(.key(.character("s"))) == [.workload(.end)])
    var sample = try #require(Script().samples(101).last)
    sample.workload?.progress.phase = .finished
    sample.workload?.progress.finishedReason = .stopped
    _ = model.update(.sample(sample, []))
    let options = try #require(model.runningOptions)
    #expect(model.update(.key(.character("s"))) == [.workload(.run(options))])
    #expect(model.allMarks.last?.text == "run 1 ended: stopped")
  }

  @Test func pauseKnowsWhichWay() throws {
    var model = opened()
    #expect(model.update(.key(.character("p"))) == [.workload(.setPaused(true))])
    var sample = try #require(Script().samples(101).last)
    sample.workload?.progress.phase = .paused
    _ = model.update(.sample(sample, []))
    #expect(model.update(.key(.character("p"))) == [.workload(.setPaused(false))])
  }

  @Test func storesInMemoryHaveNothingToAcknowledge() {
    var model = Script(hasLog: false).model(10)
    _ = model.update(.key(.character("w")))
    #expect(!model.workloadSettings.contains(.acknowledgement))
    #expect(opened().workloadSettings.contains(.acknowledgement))
  }

  @Test func anotherRunIsAMarkAndTheOneBeforeIsKept() throws {
    let model = Changing.workload()
    #expect(
      model.allMarks.map(\.text) == ["run 1: clubs zipfian 2w/2r no limit", "run 2: clubs uniform 2w/2r no limit"])
    let previous = try #require(model.runs.previous)
    #expect(previous.summary == "clubs zipfian 2w/2r no limit")
    #expect(previous.perSecond.count == 44)
    // A second into the second run stands what the first did a second after its beginning.
    let start = model.runs.start
    #expect(model.runs.previous(at: start + 1_500_000_000) == Double(previous.perSecond[1]))
    #expect(model.runs.previous(at: start - 1) == nil)
    #expect(model.runs.previous(at: start + 60_000_000_000) == nil)
  }

  /// What one setting did is compared with the other, and is no mean of both under the first one's name.
  @Test func anotherRateIsComparedWithTheOneBefore() throws {
    var model = Script().model(100)
    var sample = try #require(Script().samples(101).last)
    sample.workload?.summary = "clubs zipfian 2w/2r 100/s at most"
    _ = model.update(.sample(sample, []))
    let previous = try #require(model.runs.previous)
    #expect(previous.summary == "clubs zipfian 2w/2r no limit" && previous.perSecond.count == 9)
    #expect(model.runs.current?.summary == "clubs zipfian 2w/2r 100/s at most")
    #expect(model.runs.start == sample.nanoseconds)
    #expect(model.allMarks.last?.text == "now clubs zipfian 2w/2r 100/s at most")
  }

  /// Slow writes are explained by what they wait for.
  @Test func thePanelsTellWhatWritersWaitFor() {
    func lines(_ store: Acknowledgement?, _ workload: Acknowledgement?, _ key: String) -> String {
      let script = Script()
      var identity = script.identity
      identity.acknowledgement = store
      var model = Model(identity: identity, width: 200, height: 60, glyphs: .ascii, zone: .gmt)
      for var sample in script.samples(3) {
        sample.workload?.options?.acknowledgement = workload
        _ = model.update(.sample(sample, []))
      }
      _ = model.update(.key(.character(Character(key))))
      return Renderer.render(model, colors: .none).lines.joined(separator: "\n")
    }
    #expect(lines(.synced, nil, "4").contains("writers wait for synced"))
    #expect(lines(.memory, nil, "4").contains("writers wait for nothing"))
    #expect(lines(.memory, .written, "4").contains("writers wait for written"))
    #expect(!lines(nil, nil, "4").contains("writers wait"))
    #expect(lines(.synced, nil, "w").contains("as the store, synced"))
  }

  /// Samples of a workload that does 62 % of what its rate calls for.
  private static func late(_ count: Int) -> [Sample] {
    Script().samples(count).map { sample in
      var sample = sample
      sample.workload?.options?.rate = .perSecond(20_000)
      sample.workload?.progress.operations = UInt64(sample.sequence) * 1_240
      sample.workload?.progress.skipped = UInt64(sample.sequence) * 760
      return sample
    }
  }

  @Test(arguments: [(80, 24), (120, 40)]) func beingBehindIsSaidInWords(_ width: Int, _ height: Int) throws {
    var model = Model(identity: Script().identity, width: width, height: height, glyphs: .ascii, zone: .gmt)
    func lines() -> [String] { Renderer.render(model, colors: .none).lines }
    for sample in Self.late(100) {
      _ = model.update(.sample(sample, []))
      // Before it is an alarm.
      if sample.sequence == 30 { #expect(lines()[1].hasPrefix(" 38% behind 20.0k/s "), "\(lines()[1])") }
    }
    #expect(lines()[1].hasPrefix(" ! 38% behind 20.0k/s for "), "\(lines()[1])")
    let mark = try #require(model.allMarks.last)
    #expect(mark.kind == .warning && mark.text == "38% behind 20.0k/s after 5s")
    // Also beside an alarm that is older.
    var other = model
    other.alerts = AlertBook(rules: [AlertRule(.queue, above: 0)])
    for sample in Self.late(102)[100...] { _ = other.update(.sample(sample, [])) }
    let line = Renderer.render(other, colors: .none).lines[1]
    #expect(line.hasPrefix(" ! queue") && line.contains("  38% behind  "), "\(line)")
    model.alerts.muted = ["behind"]
    #expect(lines()[1].hasPrefix(" 38% behind 20.0k/s "), "\(lines()[1])")
    _ = model.update(.key(.character("w")))
    #expect(lines().contains { $0.contains("now 38% behind 20.0k/s") }, "\(lines())")
    if width == 120 { #expect(lines().contains { $0.contains("missed in all 75,240") }, "\(lines())") }
    _ = model.update(.key(.character("b")))
    #expect(lines()[0].contains("38% behind 20.0k/s"), "\(lines()[0])")
  }

  /// Each thread has an equal part of the rate: slow writes alone are what is missing.
  @Test func writesAndReadsAreToldApartWhereOneOfThemIsLate() {
    var model = Model(identity: Script().identity, width: 200, height: 60, glyphs: .ascii, zone: .gmt)
    for var sample in Self.late(100) {
      sample.workload?.options?.acknowledgement = .synced
      // Of 1,000 writes 240 are done, of as many reads all.
      sample.workload?.progress.writersOperations = UInt64(sample.sequence) * 240
      sample.workload?.progress.writersSkipped = UInt64(sample.sequence) * 760
      _ = model.update(.sample(sample, []))
    }
    _ = model.update(.key(.character("w")))
    let lines = Renderer.render(model, colors: .none).lines
    let line = lines.first { $0.contains("now 38% behind 20.0k/s") } ?? ""
    #expect(line.contains("of writes 76%, reads 0%"), "\(lines)")
    #expect(lines[1].hasPrefix(" ! 38% behind 20.0k/s for "), "\(lines[1])")
    #expect(lines[1].contains("s, writes 76%, reads 0%, wait for synced  "), "\(lines[1])")
  }

  /// Few writes that are far behind are an alarm, however many reads are in time.
  @Test func writesThatAreFarBehindAreAnAlarmBesideManyReads() {
    var model = Model(identity: Script().identity, width: 120, height: 40, glyphs: .ascii, zone: .gmt)
    for var sample in Script().samples(100) {
      let number = UInt64(sample.sequence)
      sample.workload?.options?.rate = .perSecond(20_000)
      sample.workload?.progress.operations = number * 1_940
      sample.workload?.progress.skipped = number * 60
      sample.workload?.progress.writersOperations = number * 40
      sample.workload?.progress.writersSkipped = number * 60
      _ = model.update(.sample(sample, []))
    }
    let line = Renderer.render(model, colors: .none).lines[1]
    #expect(line.hasPrefix(" ! 3% behind 20.0k/s for ") && line.contains(", writes 60%, reads 0%"), "\(line)")
  }

  @Test(arguments: [(80, 24), (120, 40)]) func writersThatWaitForAPageAreSeen(_ width: Int, _ height: Int) {
    var model = Model(identity: Script().identity, width: width, height: height, glyphs: .ascii, zone: .gmt)
    for var sample in Self.late(100) {
      sample.statistics.log?.pageWaits = UInt64(sample.sequence) * 10
      sample.statistics.log?.rotations = UInt64(sample.sequence) * 10
      _ = model.update(.sample(sample, []))
    }
    let line = Renderer.render(model, colors: .none).lines[1]
    #expect(line.hasPrefix(" ! 38% behind 20.0k/s for ") && line.contains("s, waits for a page "), "\(line)")
    _ = model.update(.key(.character("4")))
    let lines = Renderer.render(model, colors: .none).lines
    #expect(lines.contains { $0.contains("waits for a page 100/s  rotated") }, "\(lines)")
    if width == 120 { #expect(lines.contains { $0.contains("rotated 990  100/s") }, "\(lines)") }
  }

  /// Half of a number is another number.
  @Test func aLoadThatDoesNotFitSaysSo() throws {
    var model = Model(identity: Script().identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    var sample = try #require(Script().samples(1).last)
    sample.workload?.summary = "clubs ack synced zipfian 2w/2r 1.0k/s at most"
    _ = model.update(.sample(sample, []))
    let line = Renderer.render(model, colors: .none).lines[1]
    #expect(!line.contains("1.0k/s at most") && line.contains("~ "), "\(line)")
  }

  /// What the store does while documents are loaded is not what the workload asks of it.
  @Test func loadingIsNoOperationOfTheWorkload() {
    var model = Model(identity: Script().identity, width: 120, height: 40, glyphs: .ascii, zone: .gmt)
    func screen() -> String { Renderer.render(model, colors: .none).lines.joined(separator: "\n") }
    for var sample in Script().samples(100) {
      if sample.sequence < 30 {
        sample.workload?.progress.phase = .loading
        sample.workload?.progress.loaded = sample.sequence * 40_000
        sample.workload?.latencies = [:]
        sample.workload?.heat = HeatColumn()
      } else {
        // Slower than the loading, which the graph still shows.
        sample.statistics.operations = StoreStatistics.Operations()
        sample.statistics.operations.gets = 500_000 + UInt64(sample.sequence) * 10
      }
      _ = model.update(.sample(sample, []))
      if sample.sequence == 20 {
        for text in ["/s loading", "loading 800,000 of 1,200,000", "loading, which is not timed"] {
          #expect(screen().contains(text), "\(text) in \(screen())")
        }
      }
    }
    #expect(!screen().contains("/s loading") && screen().contains("peak of loading"), "\(screen())")
    #expect(
      model.allMarks.map(\.text) == [
        "run 1: clubs zipfian 2w/2r no limit", "1,200,000 documents loaded, the operations begin",
      ])
  }

  /// At 80x24 all is readable, and at 40x10 what is there.
  @Test(arguments: [(40, 10), (80, 24)]) func nothingIsCutOnASmallScreen(_ width: Int, _ height: Int) {
    for preset in WorkloadOptions.Preset.allCases {
      var model = Script().model(100, width: width, height: height, glyphs: .ascii)
      _ = model.update(.key(.character("w")))
      model.workloadView.draft = WorkloadOptions(preset: preset, rate: .perSecond(1_000_000), writers: 64)
      for (place, setting) in model.workloadSettings.enumerated() {
        model.workloadView.selected = place
        let lines = Renderer.render(model, colors: .none).lines
        #expect(!lines.contains { $0.contains("~") }, "\(lines)")
        if height == 24 {
          for line in Format.wrapped(setting.explanation(model.workloadView.draft ?? WorkloadOptions()), 40) {
            #expect(lines.contains { $0.contains(line) }, "\(line) in \(lines)")
          }
          #expect(lines.contains { $0.contains("1,000,000/s  was no limit") }, "\(lines)")
        }
      }
    }
  }

  /// What is known of both runs is there, on one line or on two.
  @Test func theRunPanelSaysWhatRunsAndWhatRanBefore() {
    for (width, height) in [(80, 24), (120, 40)] {
      var model = Changing.workload()
      _ = model.update(.resize(width: width, height: height))
      let screen = Renderer.render(model, colors: .none).lines.joined(separator: "\n")
      for text in ["run 2 running", "previous run 117.2k/s mean", "clubs zipfian 2w/2r no limit", "1,398"] {
        #expect(screen.contains(text), "\(text) at \(width)")
      }
    }
  }

  @Test func theLineInTheGraphHasAName() {
    var model = Changing.workload()
    _ = model.update(.key(.character("o")))
    #expect(Renderer.render(model, colors: .none).lines.contains { $0.contains("─ previous run ") })
  }

  /// Of what is stopped nothing goes on: neither the run, nor what it is compared with.
  @Test func stoppedTimeShowsTheRunOfThatMomentAndTheOneBeforeIt() throws {
    var model = Changing.workload()
    let first = try #require(model.runs.previous)
    let last = try #require(model.history.last)
    for number in 1...60 {
      var sample = last
      sample.sequence += number
      sample.nanoseconds += UInt64(number) * 100_000_000
      sample.workload?.run = 3
      sample.workload?.summary = "clubs latest 2w/2r no limit"
      sample.workload?.progress.operations = UInt64(number)
      _ = model.update(.sample(sample, []))
    }
    #expect(model.runs.previous?.summary == "clubs uniform 2w/2r no limit")
    let within = last.nanoseconds - 1_000_000_000
    #expect(model.runs.previousRun(at: within) == first)
    #expect(model.runs.previous(at: within) != nil)
    #expect(model.runs.previousRun(at: 1_000_000_000) == nil, "there was none before the first")
    model.time = .paused(last.sequence)
    let screen = Renderer.render(model, colors: .none).lines.joined(separator: "\n")
    #expect(screen.contains("run 2 running") && !screen.contains("latest"), "\(screen)")
    #expect(screen.contains("clubs zipfian 2w/2r no limit"), "\(screen)")
  }

  /// Two runs that differ in nothing else are told apart, also where the end of a line is cut.
  @Test func theNameOfARunSaysEarlyWhatItsWritesWaitFor() {
    let options = WorkloadOptions(rate: .perSecond(20_000))
    #expect(options.title(waitingFor: .synced) == "clubs ack synced zipfian 2w/2r 20.0k/s at most")
    #expect(options.title(waitingFor: .memory).hasPrefix("clubs ack memory "))
    #expect(options.title(waitingFor: nil) == "clubs zipfian 2w/2r 20.0k/s at most", "without a log there is none")
  }

  @Test func aRunThatDoesNotKnowYetWhatToLoadSaysNoFigures() throws {
    var model = Script().model(20)
    var sample = try #require(Script().samples(21).last)
    sample.workload?.progress = WorkloadProgress()
    sample.workload?.progress.phase = .loading
    _ = model.update(.sample(sample, []))
    let line = Renderer.render(model, colors: .none).lines[1]
    #expect(line.contains("workload begins") && !line.contains("0 of 0"), "\(line)")
  }

  /// A mean of a minute goes on long after its cause.
  @Test func pagesThatEndNoMoreHaveNoRhythm() throws {
    var model = Model(identity: Script().identity, width: 120, height: 40, glyphs: .ascii, zone: .gmt)
    func screen() -> String { Renderer.render(model, colors: .none).lines.joined(separator: "\n") }
    for var sample in Script().samples(300) {
      sample.statistics.log?.rotations = UInt64(min(sample.sequence, 100) / 7)
      _ = model.update(.sample(sample, []))
      if sample.sequence == 5 { #expect(screen().contains("none in 60s"), "\(screen())") }
      if sample.sequence == 100 { #expect(screen().contains("every 0.7s"), "\(screen())") }
    }
    #expect(screen().contains("last 20s ago") && !screen().contains("every 0"), "\(screen())")
  }
}
