import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("The tour, as a model") struct TourModelTests {
  /// A model that has begun with a chapter, and what it wants done.
  private func model(at chapter: TourChapter = .first, seconds: Double? = nil) -> (Model, [Effect]) {
    var model = Model(
      identity: Script().identity, width: 120, height: 40, glyphs: .braille, zone: .gmt,
      tour: TourState(at: chapter, seconds: seconds))
    let effects = model.enterTour()
    return (model, effects)
  }

  @Test func keysLeadForwardBackAndAgain() {
    var (model, effects) = model()
    #expect(effects == [.tour(.memory, run: 1)])
    #expect(model.update(.key(.right)) == [.tour(.shard, run: 2)])
    #expect(model.update(.key(.character("n"))) == [.tour(.indexes, run: 3)])
    #expect(model.update(.key(.left)) == [.tour(.shard, run: 4)])
    #expect(model.update(.key(.character("r"))) == [.tour(.shard, run: 5)])
    #expect(model.update(.key(.left)) == [.tour(.memory, run: 6)])
    #expect(model.update(.key(.left)).isEmpty, "before the first there is none")
  }

  @Test func afterTheLastChapterThereIsNone() {
    var (model, _) = model(at: .events)
    #expect(model.update(.key(.right)).isEmpty)
    #expect(model.tour?.chapter == .events)
  }

  @Test func newsOfAChapterThatWasLeftAreIgnored() {
    var (model, _) = model()
    _ = model.update(.tour(run: 1, .fact(TourFact(name: "documents", value: .count(3)))))
    #expect(model.tour?.facts.count == 1)
    _ = model.update(.key(.right))
    #expect(model.tour?.facts.isEmpty == true)
    _ = model.update(.tour(run: 1, .fact(TourFact(name: "documents", value: .count(4)))))
    _ = model.update(.tour(run: 1, .failed("it was cancelled")))
    #expect(model.tour?.facts.isEmpty == true)
    #expect(model.tour?.phase == .running)
  }

  @Test func aFactThatComesAgainReplacesTheFirst() {
    var (model, _) = model()
    for count in [1, 2] { _ = model.update(.tour(run: 1, .fact(TourFact(name: "puts", value: .count(count))))) }
    #expect(model.tour?.facts == [TourFact(name: "puts", value: .count(2))])
  }

  @Test func goesOnByItselfWhenTheChapterIsOverAndWasSeen() {
    var (model, _) = model(at: .events, seconds: 2)
    var effects: [Effect] = []
    for sample in Script().samples(40) {
      // The chapter is over after a second, but stays for two.
      if sample.sequence == 10 { effects += model.update(.tour(run: 1, .done)) }
      effects += model.update(.sample(sample, []))
      if sample.sequence == 19 { #expect(effects.isEmpty) }
    }
    #expect(effects == [.tour(.memory, run: 2)], "from the last chapter to the first, and not on before that is over")
  }

  @Test func doesNotGoOnWhileSomebodyLooksAround() {
    var (model, _) = model(seconds: 1)
    _ = model.update(.tour(run: 1, .done))
    _ = model.update(.key(.character("o")))
    #expect(model.view == .overview)
    #expect(Script().samples(30).flatMap { model.update(.sample($0, [])) }.isEmpty)
    _ = model.update(.key(.escape))
    #expect(model.view == .tour)
    _ = model.update(.key(.character("t")))
    #expect(model.tour?.seconds == nil)
  }

  @Test func aChapterWaitsWhileTheViewIsPaused() {
    var (model, _) = model()
    for sample in Script().samples(3) { _ = model.update(.sample(sample, [])) }
    func screen() -> String { Renderer.render(model, colors: .none).lines.joined(separator: "\n") }
    #expect(screen().contains("it happens now") && screen().contains("Space holds it"))
    #expect(model.update(.key(.character(" "))) == [.holdTour(true)])
    #expect(screen().contains("it waits") && screen().contains("Space goes on"))
    #expect(model.update(.key(.character("["))).isEmpty, "it is held already")
    #expect(model.update(.key(.character(" "))) == [.holdTour(false)])
    // Another store than before is part of the chapter.
    _ = model.update(.key(.character(" ")))
    var other = Script().samples(5)[4]
    other.generation = 1
    #expect(model.update(.sample(other, [])).isEmpty && model.time == .paused(other.sequence))
    #expect(model.update(.key(.character(" "))) == [.holdTour(false)])
    // Of a chapter that begins, nobody has seen anything.
    _ = model.update(.key(.character(" ")))
    #expect(model.update(.key(.right)) == [.tour(.shard, run: 2)])
    #expect(model.time == .live && model.tour?.isHeld == false)
  }

  @Test(arguments: ["o", "b", "A", "w"]) func everyViewLeadsBack(_ key: Character) {
    var (model, _) = model()
    for sample in Script().samples(3) { _ = model.update(.sample(sample, [])) }
    _ = model.update(.key(.character(key)))
    #expect(model.view != .tour)
    _ = model.update(.key(.character("t")))
    #expect(model.view == .tour)
    _ = model.update(.key(.character(key)))
    _ = model.update(.key(.escape))
    #expect(model.view == .tour)
  }

  /// What is not open is not read only, and what writes is no workload.
  @Test func withoutAStoreNoViewSpeaksOfOne() {
    var (model, _) = model(at: .kill)
    var sample = Script().samples(2)[1]
    sample.statistics = StoreStatistics()
    _ = model.update(.sample(sample, []))
    _ = model.update(.tour(run: 1, .absence(TourAbsence("The process is gone."))))
    func screen() -> String { Renderer.render(model, colors: .none).lines.joined(separator: "\n") }
    _ = model.update(.key(.character("o")))
    _ = model.update(.key(.character("4")))
    #expect(screen().contains("The process is gone.") && !screen().contains("read only"))
    _ = model.update(.key(.character("b")))
    #expect(screen().contains("The process is gone.") && !screen().contains("Explore"))
    _ = model.update(.key(.character("w")))
    #expect(screen().contains("the tour itself uses its store") && !screen().contains("running"))
  }

  @Test func theTourSaysThatItHasOneLayoutOnly() {
    var (model, _) = model()
    let before = model.arrangement
    _ = model.update(.key(.character("L")))
    #expect(model.arrangement == before && model.view == .tour)
    #expect(Renderer.render(model, colors: .none).lines.contains { $0.contains("the tour has one layout only") })
    _ = model.update(.key(.character("o")))
    _ = model.update(.key(.character("L")))
    #expect(model.arrangement != before)
  }

  @Test func anotherStoreBeginsAnotherHistory() {
    var (model, _) = model()
    for sample in Script().samples(30) { _ = model.update(.sample(sample, Script().events(sample.sequence))) }
    _ = model.update(.key(.character("[")))
    #expect(model.time != .live)
    var sample = Script().samples(31)[30]
    sample.generation = 1
    _ = model.update(.sample(sample, []))
    #expect(model.history.count == 1)
    // A chapter that is looked at waits, also in its next store.
    #expect(model.time == .paused(sample.sequence))
    #expect(model.events.entries.isEmpty)
  }

  @Test func aNoteThatIsBeingWrittenDoesNotBecomeCommands() {
    var (model, _) = model(seconds: 1)
    for sample in Script().samples(30) { _ = model.update(.sample(sample, [])) }
    _ = model.update(.tour(run: 1, .done))
    _ = model.update(.key(.character("a")))
    _ = model.update(.key(.character("x")))
    // Long enough for the next chapter, and another store.
    var effects: [Effect] = []
    for var sample in Script().samples(90)[30...] {
      sample.generation = 1
      effects += model.update(.sample(sample, []))
    }
    #expect(effects.isEmpty && model.annotation?.editor.text == "x")
    #expect(model.update(.key(.character("q"))).isEmpty && model.annotation?.editor.text == "xq")
    #expect(model.update(.key(.enter)).isEmpty)
    #expect(
      !model.marks.contains { $0.kind == .note }
        && model.browse.notice == "the moment of the note is gone with its store")
  }

  @Test func aQueryThatIsBeingTypedDoesNotBecomeCommands() {
    var (model, _) = model()
    for sample in Script().samples(3) { _ = model.update(.sample(sample, [])) }
    for key in "b/ag" { _ = model.update(.key(.character(key))) }
    var sample = Script().samples(4)[3]
    sample.generation = 1
    _ = model.update(.sample(sample, []))
    #expect(model.update(.key(.character("q"))).allSatisfy { $0 != .quit })
    #expect(model.browse.editor?.text.hasSuffix("agq") ?? false, "\(String(describing: model.browse.editor?.text))")
  }

  @Test func answersAboutOneStoreAreNotShownAsThoseAboutTheNext() {
    var (model, _) = model()
    _ = model.update(.key(.character("b")))
    for sample in Script().samples(3) { _ = model.update(.sample(sample, [])) }
    #expect(model.browse.results != nil)
    let run = model.browse.runs
    var sample = Script().samples(4)[3]
    sample.generation = 1
    let effects = model.update(.sample(sample, []))
    #expect(effects.contains(.ask(.outline)) && model.browse.runs > run)
    #expect(effects.contains { if case .ask(.page) = $0 { true } else { false } }, "\(effects)")
  }

  @Test func withoutATourThereAreNoKeysForIt() {
    let model = Script().model(3)
    #expect(model.keyMap.bindings.allSatisfy { $0.group != .tour })
    #expect(model.home == .overview)
  }

  @Test func textThatDoesNotFitIsScrolled() throws {
    var model = Touring.model(at: .torn)
    _ = model.update(.resize(width: 40, height: 10))
    let before = Renderer.render(model, colors: .none).lines
    #expect(before.contains { $0.contains(" more ") })
    _ = model.update(.key(.end))
    let after = Renderer.render(model, colors: .none).lines
    #expect(after.contains { $0.contains("Recovery/Recovery.swift") }, "\(after)")
    #expect(!after.contains { $0.contains("Down") })
  }

  /// Whoever does not scroll sees what came last; whoever reads something else keeps it, until the next chapter.
  @Test(arguments: [(80, 16), (40, 10)]) func theNewestResultIsInSight(_ width: Int, _ height: Int) {
    var (model, _) = model(at: .torn)
    _ = model.update(.resize(width: width, height: height))
    func screen() -> String { Renderer.render(model, colors: .none).lines.joined(separator: "\n") }
    let beginning = String(TourChapter.torn.paragraphs[0].prefix(24))
    #expect(screen().contains(beginning))
    func tell(_ number: Int) {
      let fact = TourFact(name: "result \(number)", value: .count(number))
      _ = model.update(.tour(run: model.tour?.run ?? 0, .fact(fact)))
    }
    for number in 1...20 {
      tell(number)
      #expect(screen().contains("result \(number) "))
    }
    #expect(!screen().contains(beginning))
    _ = model.update(.key(.home))
    tell(21)
    #expect(screen().contains(beginning) && !screen().contains("result 21"))
    // Back at the newest one, the next is followed again.
    for _ in 0..<60 where !screen().contains("result 21 ") { _ = model.update(.key(.down)) }
    tell(22)
    #expect(screen().contains("result 22 "))
    _ = model.update(.key(.home))
    _ = model.update(.key(.right))
    for number in 1...20 { tell(number) }
    #expect(screen().contains("result 20 "))
  }

  /// One place instead of two panels that would say the same.
  @Test func withoutAStoreItIsSaidOnceWhy() throws {
    var model = Touring.model(at: .kill)
    let absence = TourAbsence("Process 4711 writes.", news: "KILLED by signal 9 at 2,561 acknowledged", isAlarm: true)
    _ = model.update(.tour(run: 1, .absence(absence)))
    for (width, height) in [(80, 24), (120, 40), (60, 40)] {
      _ = model.update(.resize(width: width, height: height))
      let place = try #require(TourLayout(model)?.absence)
      let lines = Renderer.render(model, colors: .none).lines
      #expect(lines.count { $0.contains("Process 4711 writes.") } == 1, "\(width)x\(height)")
      let text = lines[place.y..<place.y + place.height].map { $0.dropFirst(place.x + 1).prefix(place.width - 2) }
        .joined(separator: " ").split(separator: " ").joined(separator: " ")
      #expect(text.contains(absence.news), "\(text)")
    }
    _ = model.update(.tour(run: 1, .absence(nil)))
    // Between two stores there is nothing to be said about one.
    var sample = Script().samples(1)[0]
    sample.statistics = StoreStatistics()
    (sample.sequence, sample.generation) = (300, 1)
    _ = model.update(.sample(sample, []))
    let screen = Renderer.render(model, colors: .none).lines.joined()
    #expect(screen.contains("waiting for the first sample") && !screen.contains("read only"))
    #expect(TourLayout(model)?.absence == nil && TourLayout(model)?.panels.isEmpty == false)
  }
}
