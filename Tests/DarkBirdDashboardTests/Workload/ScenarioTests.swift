import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

/// Time is told in seconds, by the tests.
extension ScenarioPlay {
  fileprivate mutating func advance(seconds: Double, isRunning: Bool = true) -> Bool {
    advance(to: UInt64(seconds * 1e9), isRunning: isRunning)
  }
}

@Suite("Scenarios", .timeLimit(.minutes(30))) struct ScenarioTests {
  static let twoSteps = Scenario(
    "two", "two steps",
    [
      .init("slow", [.rate(.perSecond(100))], seconds: 10),
      .init("fast", [.rate(.perSecond(5_000)), .writers(1)], seconds: 5),
    ])

  private static func options(duration: Duration? = nil) -> WorkloadOptions {
    WorkloadOptions(
      documents: 100, rate: .perSecond(50), writers: 1, readers: 1, duration: duration, scenario: twoSteps)
  }

  @Test func stepsFollowEachOtherAndBeginAnew() throws {
    var play = try #require(ScenarioPlay(Self.options()))
    #expect(play.options.rate == .perSecond(100) && play.options.readers == 1)
    #expect(play.title(nil) == "two 1/2 slow: clubs zipfian 1w/1r 100/s at most")
    #expect(play.advance(seconds: 3) == false, "the clock begins with the first time that is told")
    #expect(play.advance(seconds: 12.9) == false)
    #expect(play.place.left == 100_000_000)
    #expect(play.advance(seconds: 13) == true)
    #expect(play.options.rate == .perSecond(5_000))
    #expect(play.place.step == 1 && play.place.leftText == "5s left")
    #expect(play.advance(seconds: 18) == true)
    #expect(play.place.step == 0 && play.options.rate == .perSecond(100))
  }

  @Test func onlyTimeThatTheWorkloadRunsCounts() throws {
    var play = try #require(ScenarioPlay(Self.options()))
    _ = play.advance(seconds: 0)
    #expect(play.advance(seconds: 9) == false)
    #expect(play.advance(seconds: 60, isRunning: false) == false)
    #expect(play.place.left == 1_000_000_000)
    #expect(play.advance(seconds: 61) == true)
  }

  @Test func aLateClockPassesOverNoStep() throws {
    var play = try #require(ScenarioPlay(Self.options()))
    _ = play.advance(seconds: 0)
    #expect(play.advance(seconds: 3_600) == true)
    #expect(play.place.step == 1 && play.place.left == 5_000_000_000)
  }

  @Test func aScenarioWithoutStepsIsNone() {
    var options = Self.options()
    options.scenario?.steps = []
    #expect(ScenarioPlay(options) == nil)
    options.scenario = nil
    #expect(ScenarioPlay(options) == nil)
  }

  /// No step keeps what the one before has set.
  @Test func aStepChangesWhatTheScenarioBeganWith() throws {
    let preset = Scenario(
      "preset", "", [.init("", [.preset(.ycsbB), .share(.get, 40)], seconds: 1), .init("", [.writers(7)], seconds: 1)])
    var play = try #require(
      ScenarioPlay(WorkloadOptions(writers: 3, distribution: .uniform, mix: WorkloadMix(), scenario: preset)))
    #expect(play.options.preset == .ycsbB && play.options.effectiveDistribution == .zipfian)
    #expect(play.options.effectiveMix[.get] == 40 && play.options.effectiveMix[.update] == 5)
    #expect(play.title(nil).hasPrefix("preset 1/2: ycsb-b own mix"))
    _ = play.advance(seconds: 0)
    #expect(play.advance(seconds: 1) == true)
    #expect(play.options.preset == .clubs && play.options.mix == WorkloadMix())
    #expect(play.options.writers == 7 && play.options.distribution == .uniform)
  }

  @Test func everyStepOfTheStandardOnesHasSomebodyToDoIt() throws {
    for scenario in Scenario.standard {
      #expect(!scenario.summary.isEmpty && scenario.steps.count > 1)
      var play = try #require(ScenarioPlay(WorkloadOptions(scenario: scenario)))
      _ = play.advance(seconds: 0)
      var seen: [WorkloadOptions] = []
      for (number, step) in scenario.steps.enumerated() {
        #expect(!step.name.isEmpty && step.seconds >= 5)
        #expect(play.options.writers + play.options.readers > 0)
        #expect(seen.last != play.options, "a step that changes nothing")
        seen.append(play.options)
        #expect(play.advance(seconds: scenario.steps[...number].reduce(0) { $0 + $1.seconds }) == true)
      }
    }
  }

  // MARK: On a store

  private func running(_ options: WorkloadOptions) throws -> WorkloadRunner {
    let runner = WorkloadRunner(store: try Store<String, WorkloadDocument>(.memory), options: options)
    runner.start()
    #expect(eventually { runner.progress().phase == .running })
    return runner
  }

  /// By the clock of the samples: ten a second, and as long as the steps are.
  @Test func samplesLeadThroughTheSteps() throws {
    let runner = try running(Self.options())
    defer { runner.close() }
    var composer = SampleComposer(source: FakeSource(), monitor: runner)
    func take(_ seconds: UInt64) throws -> WorkloadSample {
      let (sample, _) = composer.take(at: seconds * 1_000_000_000, date: Script.start, filter: "") { 0 }
      return try #require(sample.workload)
    }
    let first = try take(0)
    #expect(first.scenario?.step == 0 && first.options?.rate == .perSecond(100))
    #expect(first.options?.scenario == Self.twoSteps && first.scenario?.base == Self.options())
    _ = try take(9)
    let second = try take(10)
    #expect(second.scenario?.step == 1 && second.summary == "two 2/2 fast: clubs zipfian 1w/1r 5.0k/s at most")
    #expect(second.options?.rate == .perSecond(5_000))
    #expect(try take(15).scenario?.step == 0)
  }

  @Test func anotherNumberOfThreadsIsAnotherRunAndNoEnd() throws {
    var options = Self.options()
    options.scenario?.steps[1].settings.append(.readers(2))
    let runner = try running(options)
    defer { runner.close() }
    _ = runner.advanceScenario(to: 0)
    #expect(runner.advanceScenario(to: 10_000_000_000)?.step == 1)
    var hasEnded = false
    let isNext = eventually {
      if runner.progress().phase == .finished { hasEnded = true }
      return runner.runNumber == 2
    }
    #expect(isNext && !hasEnded)
    #expect(eventually { runner.progress().phase == .running })
    #expect(runner.options.readers == 2)
  }

  @Test func aChangeByHandEndsTheScenario() throws {
    let runner = try running(Self.options())
    defer { runner.close() }
    _ = runner.advanceScenario(to: 0)
    var options = runner.options
    (options.scenario, options.rate) = (nil, .perSecond(777))
    runner.run(options)
    #expect(runner.advanceScenario(to: 10_000_000_000) == nil)
    #expect(eventually { runner.options == options })
    #expect(eventually { runner.summary == "clubs zipfian 1w/1r 777/s at most" })
  }

  private static let everySetting = Scenario(
    "all", "all that a step can set",
    [
      .init("", [.rate(.max), .writers(8), .readers(0)], seconds: 1),
      .init("", [.preset(.ycsbA), .distribution(.latest), .acknowledgement(.synced), .share(.get, 5)], seconds: 1),
    ])

  /// What the runner says, and what its threads do.
  @Test(arguments: 0...2) func theEndOfAScenarioBringsBackWhatWasThereBefore(_ steps: Int) throws {
    var mix = WorkloadOptions.Preset.clubs.mix
    mix[.get] = 40
    var own = WorkloadOptions(
      documents: 100, rate: .perSecond(2_000), writers: 3, readers: 1, distribution: .uniform, mix: mix,
      acknowledgement: .memory)
    let runner = try running(own)
    defer { runner.close() }
    // By hand, and nobody waits until it is carried out.
    own.rate = .perSecond(5_000)
    runner.run(own)
    #expect(runner.options == own && runner.summary == own.title(waitingFor: nil))
    var played = runner.options
    played.scenario = Self.everySetting
    runner.run(played)
    for second in 0...steps {
      #expect(eventually { runner.progress().phase == .running })
      _ = runner.advanceScenario(to: UInt64(second) * 1_000_000_000)
    }
    #expect(runner.options != own)
    var base = try #require(runner.advanceScenario(to: UInt64(steps) * 1_000_000_000)).base
    #expect(base == played)
    base.scenario = nil
    runner.run(base)
    #expect(runner.options == own && runner.summary == own.title(waitingFor: nil))
    // Each step is another run here, and so is what comes after it.
    #expect(eventually { runner.runNumber == 3 + steps })
    var carriedOut = runner.workload.options
    carriedOut.rate = runner.workload.rate
    #expect(carriedOut == own)
  }

  @Test func theOptionsAreThoseOfBeforeAlsoAfterAStop() throws {
    var own = Self.options()
    own.scenario = nil
    let runner = try running(Self.options())
    defer { runner.close() }
    _ = runner.advanceScenario(to: 0)
    #expect(runner.options.rate == .perSecond(100))
    runner.end()
    #expect(runner.options == own)
  }

  /// Readers without a limit would take the processors that the writers need.
  @Test func aWriteBurstIsOneOfWrites() throws {
    let scenario = try #require(Scenario.standard.first { $0.name == "write-burst" })
    var play = try #require(ScenarioPlay(WorkloadOptions(documents: 100, operations: 2_000, scenario: scenario)))
    _ = play.advance(seconds: 0)
    _ = play.advance(seconds: 20)
    #expect(play.place.name == "burst")
    let workload = Workload(store: try Store<String, WorkloadDocument>(.memory), options: play.options)
    workload.start()
    workload.wait()
    let done = workload.recorder.snapshot()
    #expect(OperationKind.allCases.allSatisfy { $0.isWrite || done[$0].count == 0 }, "\(done)")
    #expect(done.count == 2_000)
  }

  @Test func theDurationIsThatOfAllSteps() throws {
    let runner = try running(Self.options(duration: .seconds(12)))
    defer { runner.close() }
    for second in [0, 10, 11] { #expect(runner.advanceScenario(to: UInt64(second) * 1_000_000_000) != nil) }
    #expect(runner.progress().phase == .running)
    #expect(runner.advanceScenario(to: 12_000_000_000) == nil)
    #expect(eventually { runner.progress().finishedReason == .durationElapsed })
  }

  @Test func endEndsTheScenarioToo() throws {
    let runner = try running(Self.options())
    runner.end()
    #expect(runner.advanceScenario(to: 10_000_000_000) == nil)
    #expect(eventually { runner.progress().finishedReason == .stopped })
    runner.close()
  }
}

/// What the screen and the line of time make of it.
@Suite("Scenarios on the screen") struct ScenarioViewTests {
  /// A model whose workload plays a scenario, and the samples after those that it has seen.
  static func playing(_ scenario: Scenario = Scenario.standard[0], step: Int = 2, _ count: Int = 100) -> Model {
    var model = Script().model(count)
    for place in 0...step { _ = model.update(.sample(sample(scenario, step: place, count + place), [])) }
    return model
  }

  static func sample(_ scenario: Scenario?, step: Int, _ index: Int) -> Sample {
    var sample = Script().samples(index + 1)[index]
    var options = WorkloadOptions(rate: .max)
    guard let scenario else { return sample }
    options.scenario = scenario
    sample.workload?.scenario = ScenarioPlace(base: options, step: step, left: 11_300_000_000)
    for setting in scenario.steps[step].settings { options.set(setting) }
    sample.workload?.options = options
    sample.workload?.summary =
      "\(scenario.name) \(step + 1)/\(scenario.steps.count) \(scenario.steps[step].name): \(options.title(waitingFor: nil))"
    return sample
  }

  private func type(_ text: String, into model: inout Model) -> [Effect] {
    var effects: [Effect] = []
    for character in text { effects += model.update(.key(.character(character))) }
    return effects + model.update(.key(.enter))
  }

  private func options(_ scenario: String?) -> WorkloadOptions {
    WorkloadOptions(rate: .max, scenario: Scenario.standard.first { $0.name == scenario })
  }

  @Test func thePaletteBeginsAndEndsThem() {
    var model = Script().model(100)
    var effects = type(":scenario off", into: &model)
    #expect(effects.isEmpty)
    #expect(model.browse.notice == "no scenario is played")
    effects = type(":scenario hot-keys", into: &model)
    #expect(effects == [.workload(.run(options("hot-keys")))])
    #expect(model.browse.notice?.hasPrefix("scenario hot-keys: all documents alike") == true)
    model = Self.playing()
    effects = type(":scenario write burst", into: &model)
    #expect(effects == [.workload(.run(options("write-burst")))])
    effects = type(":scenario-off", into: &model)
    #expect(effects == [.workload(.run(options(nil)))], "as it was before")
    #expect(model.browse.notice == "scenario write-burst ended: the load is as before it")
    model = Script(hasWorkload: false).model(100)
    effects = type(":scenario rush-hour", into: &model)
    #expect(effects.isEmpty)
    #expect(model.browse.notice == "no workload runs here that a scenario could change")
  }

  /// Keys may come faster than samples.
  @Test func aScenarioBeginsAndEndsWithWhatWasOrderedLast() {
    var model = Script().model(100)
    for key in [Key.character("w"), .down, .down, .left] { _ = model.update(.key(key)) }
    var own = WorkloadOptions(rate: .perSecond(1_000_000))
    #expect(model.update(.key(.enter)) == [.workload(.run(own))])
    var effects = type(":scenario write-burst", into: &model)
    own.scenario = Scenario.standard.first { $0.name == "write-burst" }
    #expect(effects == [.workload(.run(own))])
    effects = type(":scenario off", into: &model)
    own.scenario = nil
    #expect(effects == [.workload(.run(own))])
    #expect(model.browse.notice == "scenario write-burst ended: the load is as before it")
    // Samples know better after a while: somebody else may have given orders.
    let samples = Script().samples(121)
    for sample in samples[100..<119] { _ = model.update(.sample(sample, [])) }
    #expect(model.runningOptions == own)
    for sample in samples[119...] { _ = model.update(.sample(sample, [])) }
    #expect(model.runningOptions == WorkloadOptions(rate: .max))
  }

  @Test func anOrderThatASampleShowsIsNoneAnyMore() {
    var model = Self.playing()
    _ = type(":scenario off", into: &model)
    #expect(model.scenarioPlace == nil && model.runningOptions == WorkloadOptions(rate: .max))
    _ = model.update(.sample(Self.sample(Scenario.standard[0], step: 2, 103), []))
    #expect(model.scenarioPlace == nil, "taken before it was carried out")
    _ = model.update(.sample(Self.sample(nil, step: 0, 104), []))
    #expect(model.workloadView.ordered == nil)
  }

  private func onScenario(_ start: Model) throws -> Model {
    var model = start
    _ = model.update(.key(.character("w")))
    let place = try #require(model.workloadSettings.firstIndex(of: .scenario))
    for _ in 0..<place { _ = model.update(.key(.down)) }
    return model
  }

  @Test func theWorkloadScreenChoosesOne() throws {
    var model = try onScenario(Script().model(100))
    _ = model.update(.key(.right))
    #expect(model.workloadView.draft == options("rush-hour"))
    #expect(model.update(.key(.enter)) == [.workload(.run(options("rush-hour")))])
    // Back to none is the load that was there before, not what a step has made of it.
    model = try onScenario(Self.playing())
    #expect(model.runningOptions?.rate == .perSecond(50_000))
    _ = model.update(.key(.left))
    #expect(model.workloadView.draft == options(nil))
    _ = model.update(.key(.right))
    #expect(model.workloadView.draft == nil, "taken back")
  }

  @Test func aSettingThatIsChangedEndsTheScenarioAndSaysSo() {
    var model = Self.playing()
    for key in [Key.character("w"), .down, .down, .right] { _ = model.update(.key(key)) }
    let screen = Renderer.render(model, colors: .none).lines.joined(separator: "\n")
    #expect(screen.contains("none  was rush-hour"))
    var expected = WorkloadOptions(rate: .perSecond(100_000))
    expected.scenario = nil
    #expect(model.update(.key(.enter)) == [.workload(.run(expected))])
    #expect(model.browse.notice == "scenario rush-hour ended: the load was changed by hand")
  }

  @Test func aStopEndsItAndAStartAfterAFailureBeginsItAnew() {
    var model = Self.playing()
    for key in [Key.character("w"), .character("s")] {
      let effects = model.update(.key(key))
      if key == .character("s") { #expect(effects == [.workload(.end)]) }
    }
    #expect(model.browse.notice == "scenario rush-hour ended: with the run")
    var sample = Self.sample(Scenario.standard[0], step: 2, 103)
    sample.workload?.progress.phase = .finished
    _ = model.update(.sample(sample, []))
    #expect(model.update(.key(.character("s"))) == [.workload(.run(options("rush-hour")))])
  }

  @Test func theStepAndTheTimeLeftAreOnTheScreen() {
    var model = Self.playing()
    _ = model.update(.key(.character("w")))
    for (width, height) in [(80, 24), (120, 40)] {
      _ = model.update(.resize(width: width, height: height))
      let lines = Renderer.render(model, colors: .none).lines
      #expect(lines.contains { $0.contains("rush-hour 3/4 rush 12s left") }, "\(width)")
    }
  }

  @Test func eachStepIsAMarkOnceAndSoIsTheEnd() {
    var model = Self.playing(Scenario.standard[3])
    var sample = Self.sample(Scenario.standard[3], step: 2, 103)
    // The run that the step has begun.
    sample.workload?.run = 2
    _ = model.update(.sample(sample, []))
    sample = Self.sample(nil, step: 0, 104)
    sample.workload?.run = 2
    _ = model.update(.sample(sample, []))
    #expect(
      model.allMarks.map(\.text) == [
        "run 1: clubs zipfian 2w/2r no limit",
        "now readers-writers 1/3 readers: clubs zipfian 0w/4r 20.0k/s at most",
        "now readers-writers 2/3 both: clubs zipfian 2w/2r 20.0k/s at most",
        "now readers-writers 3/3 writers: clubs zipfian 4w/0r 20.0k/s at most",
        "scenario readers-writers ended; now clubs zipfian 2w/2r no limit",
      ])
    #expect(model.allMarks.allSatisfy { $0.kind == .run })
  }

  // MARK: Of the configuration

  private func read(_ text: String) throws -> DashboardConfiguration {
    try DashboardConfiguration(try ConfigurationFile(text: text, path: "config"))
  }

  @Test func theConfigurationHasItsOwn() throws {
    let configuration = try read(
      """
      [scenarios]
      mine = all night: rate 100 for 2m / rate max writers 8 keys uniform get 40 acknowledge synced for 20s
      [keys]
      scenario-mine = F11
      """)
    #expect(configuration.scenarios.count == Scenario.standard.count + 1)
    let mine = try #require(configuration.scenarios.last)
    #expect(
      mine.steps == [
        .init("all night", [.rate(.perSecond(100))], seconds: 120),
        .init(
          "", [.rate(.max), .writers(8), .distribution(.uniform), .share(.get, 40), .acknowledgement(.synced)],
          seconds: 20),
      ])
    #expect(configuration.keyMap.command(for: .function(11), in: .alerts) == .scenario("mine"))
    var model = Model(
      identity: Script().identity, configuration: configuration, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    _ = model.update(.sample(Script().samples(1)[0], []))
    var expected = WorkloadOptions(rate: .max)
    expected.scenario = mine
    #expect(model.update(.key(.function(11))) == [.workload(.run(expected))])
  }

  @Test(arguments: [
    (
      "mine = rate 100",
      "a step ends with its time, such as 'night: rate 100 for 60s / day: rate max writers 8 for 20s'"
    ),
    ("mine = rate 100 for 10s /", "a step ends with its time, such as"),
    ("mine = rate 0 for 10s", "'rate' is 1 to 1000000000, not '0'"),
    ("mine = rate for 10s", "'rate' is 1 to 1000000000, not 'for'"),
    ("mine = writers 8 for soon", "'for' needs a time of a second or more, such as 12s or 2m"),
    ("mine = writers 8 for 10s for 4s", "'for' after the time of a step: '/' parts the steps"),
    ("mine = writes 8 for 10s", "no setting is called 'writes' (did you mean 'writers'?)"),
    ("mine = keys hot for 10s", "'keys' is one of uniform, zipfian, latest, not 'hot'"),
    ("Mine = writers 8 for 10s", "the name of a scenario has lower case letters, digits and '-': 'Mine'"),
    ("hot-keys = writers 8 for 10s", "the scenario 'hot-keys' is there already; give yours another name"),
    ("off = writers 8 for 10s", "the scenario 'off' is there already; give yours another name"),
  ])
  func whatIsNoScenarioIsAnError(_ line: String, _ reason: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try read("[scenarios]\n" + line) }
    #expect(error.line == 2 && error.reason.hasPrefix(reason), "\(error)")
  }
}
