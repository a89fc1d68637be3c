import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("A line that is typed") struct LineEditorWidthTests {
  @Test(arguments: [10, 11, 40, 80]) func theCursorIsInSightBehindWideCharacters(_ width: Int) {
    for text in [String(repeating: "漢", count: 60), String(repeating: "a漢", count: 40), "short", ""] {
      var editor = LineEditor(text)
      for _ in 0...editor.characters.count {
        let spans = editor.spans(width: width)
        #expect(spans.width <= width && spans.count == 3)
        #expect(spans[1].text == (editor.suffix.first.map(String.init) ?? " "))
        #expect(editor.prefix.hasSuffix(spans[0].text))
        _ = editor.apply(.cursorLeft)
      }
    }
  }
}

@Suite("Model") struct ModelTests {
  private func press(_ keys: String, _ model: inout Model) -> [Effect] {
    keys.flatMap { model.update(.key(.character($0))) }
  }

  @Test func aKeyThatMeansSomethingElsewhereSaysSo() {
    var model = Script().model(3)
    #expect(press("y", &model).isEmpty)
    #expect(Renderer.render(model, colors: .none).lines.last?.contains("y does nothing here") == true)
    // Nobody would know what to make of that of a key that no screen has.
    _ = press("Z", &model)
    #expect(model.browse.notice == nil)
  }

  @Test func pauseStopsTheViewAndNotTheSampling() throws {
    var model = Script().model(100)
    _ = press(" ", &model)
    let samples = Script().samples(150)
    for sample in samples[100...] { _ = model.update(.sample(sample, [])) }
    #expect(try #require(model.shown).sequence == 99)
    #expect(model.history.last?.sequence == 149)
    #expect(model.behind == 5_000_000_000)
    _ = press(" ", &model)
    #expect(try #require(model.shown).sequence == 149)
    #expect(model.behind == nil)
  }

  @Test func stepsGoBackAndForthWithinTheHistory() throws {
    var model = Script().model(100)
    _ = press("[", &model)
    #expect(try #require(model.shown).sequence == 89)
    _ = press("[[", &model)
    #expect(try #require(model.shown).sequence == 69)
    _ = press("]", &model)
    #expect(try #require(model.shown).sequence == 79)
    _ = press("{{", &model)
    #expect(try #require(model.shown).sequence == 0)
    _ = press("}}", &model)
    #expect(try #require(model.shown).sequence == 99)
    _ = press("`", &model)
    #expect(model.time == .live)
  }

  @Test func aPausedViewMovesOnWhenItsSampleIsForgotten() throws {
    var model = Model(
      identity: Script().identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt, historyCapacity: 10)
    for sample in Script().samples(10) { _ = model.update(.sample(sample, [])) }
    _ = press("{", &model)
    #expect(try #require(model.shown).sequence == 0)
    for sample in Script().samples(15)[10...] { _ = model.update(.sample(sample, [])) }
    #expect(try #require(model.shown).sequence == 5)
  }

  @Test func focusMovesInCircles() {
    var model = Script().model(2)
    for expected in [PanelID.latency, .shards, .log, .indexes, .events, .throughput] {
      _ = model.update(.key(.tab))
      #expect(model.focus == expected)
    }
    _ = model.update(.key(.backTab))
    #expect(model.focus == .events)
    _ = press("4", &model)
    #expect(model.focus == .log)
    _ = press("h", &model)
    #expect(model.focus == .shards)
  }

  @Test(arguments: [(80, 24, 128), (100, 30, 64), (200, 60, 64), (80, 24, 1_024)])
  func everyShardCanBeScrolledTo(width: Int, height: Int, shards: Int) throws {
    var script = Script()
    script.shardCount = shards
    var model = script.model(30)
    _ = model.update(.resize(width: width, height: height))
    _ = press("3z", &model)
    var seen: Set<String> = []
    let number = try Regex("#[0-9]+ ")
    func look() {
      for line in Renderer.render(model, colors: .none).lines {
        seen.formUnion(line.matches(of: number).map { String(line[$0.range]) })
      }
    }
    look()
    var seenBefore = 0
    while seen.count > seenBefore {
      seenBefore = seen.count
      _ = model.update(.key(.pageDown))
      look()
    }
    #expect(seen.count == shards)
    // However often it is pressed, it stays at the end.
    for _ in 0..<3 { _ = model.update(.key(.pageDown)) }
    let atTheEnd = Renderer.render(model, colors: .none).lines
    _ = model.update(.key(.pageUp))
    #expect(Renderer.render(model, colors: .none).lines != atTheEnd)
    let last = try #require(
      model.shown.flatMap { ShardFigures(Moment(model.history, at: $0, windowSeconds: 60)).order.last })
    _ = model.update(.key(.end))
    #expect(Renderer.render(model, colors: .none).lines.contains { $0.contains("#\(last) ") })
  }

  @Test func theMarkThatIsSelectedStaysSo() throws {
    let samples = Script(failsAfter: 40).samples(120)
    var model = Model(identity: Script().identity, width: 120, height: 40, glyphs: .braille, zone: .gmt)
    for sample in samples[..<30] {
      _ = model.update(.sample(sample, []))
      if sample.sequence % 10 == 5 {
        for key in [Key.character("a")] + "note \(sample.sequence)".map(Key.character) + [.enter] {
          _ = model.update(.key(key))
        }
      }
    }
    _ = press("A2", &model)
    _ = model.update(.key(.down))
    _ = model.update(.key(.down))
    func selected() -> Mark { model.allMarks[model.allMarks.count - 1 - model.alertsView.selectedMark] }
    let (before, count) = (selected(), model.allMarks.count)
    #expect(before.text == "note 5")
    for sample in samples[30...] { _ = model.update(.sample(sample, [])) }
    #expect(model.allMarks.count > count && selected() == before)
  }

  @Test func escapeGoesBackLayerByLayer() {
    var model = Script().model(20)
    _ = press(" zf", &model)
    #expect(model.isZoomed && model.events.heldSequence != nil && model.time != .live)
    _ = model.update(.key(.escape))
    #expect(!model.isZoomed && model.events.heldSequence != nil)
    _ = model.update(.key(.escape))
    #expect(model.events.heldSequence == nil && model.time != .live)
    _ = model.update(.key(.escape))
    #expect(model.time == .live)
  }

  @Test func zoomedEventsAreWatched() {
    var model = Script().model(5)
    #expect(press("6", &model).isEmpty)
    #expect(press("z", &model) == [.watchEvents(true)])
    #expect(press("1", &model) == [.watchEvents(false)])
    #expect(press("6", &model) == [.watchEvents(true)])
    #expect(model.update(.key(.escape)) == [.watchEvents(false)])
  }

  @Test func filterActsWhileItIsTyped() throws {
    var model = Script().model(100)
    #expect(press("/", &model).isEmpty)
    #expect(press("dup", &model) == [.filterEvents("d"), .filterEvents("du"), .filterEvents("dup")])
    let sequence = try #require(model.shown).sequence
    #expect(model.events.lines(through: sequence, skip: 0, limit: 100).allSatisfy { $0.kind == .duplicate })
    #expect(model.update(.key(.enter)) == [.filterEvents("dup")])
    #expect(model.keyContext == .overview)
    #expect(model.events.filter == "dup")
    // Leaving the line keeps the filter that was there.
    _ = press("/", &model)
    _ = model.update(.key(.control("u")))
    #expect(model.update(.key(.escape)) == [.filterEvents("dup")])
    #expect(model.events.filter == "dup")
  }

  @Test func keysWithMeaningAreTextWhileTyping() {
    var model = Script().model(5)
    _ = press("/q? b", &model)
    #expect(model.events.activeFilter == "q? b")
    #expect(model.view == .overview && model.helpScroll == nil)
  }

  /// The terms are a page of the help: a key leads there from everywhere, and from the keys.
  @Test func termsAreOneLineEachAndAKeyAway() {
    var model = Script().model(5, width: 80, height: 24)
    func screen() -> [String] { Renderer.render(model, colors: .none).lines }
    _ = press("?", &model)
    #expect(screen().contains { $0.contains("Keys ") })
    _ = press("g", &model)
    #expect(TermsOverlay.lineCount(width: 80) == TermsOverlay.terms.count)
    for (name, meaning) in TermsOverlay.terms {
      #expect(screen().contains { $0.contains(" \(name) ") && $0.contains(meaning) }, "\(name)")
    }
    _ = press("?", &model)
    #expect(screen().contains { $0.contains("Keys ") })
    _ = press("gg", &model)
    #expect(model.helpScroll == nil)
    // What does not fit is scrolled to.
    _ = model.update(.resize(width: 40, height: 10))
    _ = press("g", &model)
    _ = model.update(.key(.end))
    #expect(screen().contains { $0.contains("this program") } && !screen().contains { $0.contains("more below") })
    _ = model.update(.key(.escape))
    #expect(model.helpScroll == nil && model.view == .overview)
  }

  @Test func heldEventsStayWhileOthersCome() throws {
    var model = Script().model(100)
    _ = press("f", &model)
    let before = model.events.lines(through: 99, skip: 0, limit: 5)
    let sample = Script().samples(101)[100]
    _ = model.update(.sample(sample, Script().events(100)))
    #expect(model.events.lines(through: 100, skip: 0, limit: 5) == before)
    _ = press("f", &model)
    #expect(model.events.lines(through: 100, skip: 0, limit: 5) != before)
  }

  @Test func scrollingEventsHoldsThem() {
    var model = Script().model(100)
    _ = press("6", &model)
    _ = model.update(.key(.pageDown))
    #expect(model.events.heldSequence == 99)
    #expect(model.events.scroll > 0)
    _ = model.update(.key(.home))
    #expect(model.events.scroll == 0)
  }

  @Test func glyphsCycle() {
    var model = Script().model(2)
    _ = press("G", &model)
    #expect(model.glyphs == .blocks)
    _ = press("G", &model)
    #expect(model.glyphs == .ascii)
    _ = press("G", &model)
    #expect(model.glyphs == .braille)
  }

  @Test func windowStaysWithinItsBounds() {
    var model = Script().model(2)
    _ = press("+", &model)
    #expect(model.windowSeconds == 60)
    _ = press("--------", &model)
    #expect(model.windowSeconds == 7_200)
    _ = press("+", &model)
    #expect(model.windowSeconds == 1_800)
  }

  @Test(arguments: [Key.character("q"), .function(10)]) func quits(_ key: Key) {
    var model = Script().model(2)
    #expect(model.update(.key(key)) == [.quit])
    _ = press("b", &model)
    #expect(model.update(.key(key)) == [.quit])
    _ = press("?", &model)
    #expect(model.update(.key(key)) == [.quit])
  }

  @Test(arguments: [40, 47, 60, 80]) func theHeaderAlwaysSaysWhatWatchingCosts(width: Int) throws {
    var model = Script().model(100, width: width, height: 10)
    _ = model.update(.frameCost(milliseconds: 119.2))
    var sample = try #require(Script().samples(101).last)
    sample.eventsDropped = 123_456
    sample.dashboardNanoseconds += 200_000_000
    _ = model.update(.sample(sample, []))
    for keys in ["", "A", "w", "b", " ", "?"] {
      var changed = model
      _ = press(keys, &changed)
      let header = Renderer.render(changed, colors: .none).lines[0]
      #expect(header.contains("ui ") && header.contains("119.2ms") && header.contains("drop 123.5k"), "\(header)")
    }
  }

  @Test func filtersIgnoreTheCaseOfLetters() {
    let line = EventLine(.duplicate, date: Script.start, shard: 17, key: "U:88", detail: "Ada Østby is taken")
    for text in ["", "dup", "u:88", "ada", "Østby", "s17", "TAKEN"] {
      #expect(EventFilter(text).matches(line), "\(text)")
    }
    for text in ["x", "østby", "s18", "is taken by", "u:888"] { #expect(!EventFilter(text).matches(line), "\(text)") }
  }

  @Test func stepsGrowWithTheWindow() throws {
    var model = Script().model(700)
    _ = press("-[", &model)
    #expect(try #require(model.shown).sequence == 679)
    _ = press("`-{", &model)
    #expect(try #require(model.shown).sequence == 199)
  }

  @Test(arguments: [Model.View.overview, .browse, .alerts]) func timeStopsAndGoesOnEverywhere(_ view: Model.View) {
    var model = Script().model(100)
    model.view = view
    _ = press(" ", &model)
    #expect(model.time == .paused(99))
    _ = press("[", &model)
    #expect(model.time == .paused(89))
    _ = press("`", &model)
    #expect(model.time == .live && model.view == view)
  }

  @Test func historyIsShorterForManyShards() {
    #expect(History.capacities(shards: 64) == [1_200, 600, 720])
    #expect(History.capacities(shards: 256) == [600, 300, 360])
    #expect(History.capacities(shards: 1_024) == [150, 75, 90])
    #expect(History.capacities(shards: 1 << 20) == [120, 60, 72])
  }

  @Test func notesAreMarksThatOneCanGoBackTo() throws {
    var model = Script().model(300)
    _ = press("{a", &model)
    #expect(model.keyContext == .annotation)
    _ = press("disk swapped? q", &model)
    _ = model.update(.key(.enter))
    let note = try #require(model.allMarks.last)
    #expect(note.text == "disk swapped? q" && note.kind == .note)
    _ = press("`<", &model)
    #expect(try #require(model.shown).nanoseconds == note.nanoseconds)
    #expect(Renderer.render(model, colors: .none).lines.contains { $0.contains("a disk swapped? q") })
    _ = press("a", &model)
    _ = model.update(.key(.escape))
    _ = press("a  ", &model)
    _ = model.update(.key(.enter))
    #expect(model.allMarks.count { $0.kind == .note } == 1)
  }

  @Test func eventRingIsBounded() {
    var log = EventLog()
    let lines = Array(repeating: EventLine(.put, date: Script.start), count: 24)
    for sequence in 0..<2_000 {
      log.append(lines, sequence: sequence)
      #expect(log.entries.count <= EventLog.capacity)
    }
    #expect(log.entries.last?.sequence == 1_999)
  }
}
