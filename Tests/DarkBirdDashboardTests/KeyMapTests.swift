import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Key table") struct KeyMapTests {
  private let map = KeyMap.standard

  @Test func noKeyMeansTwoThingsInOneContext() {
    for context in KeyContext.allCases {
      var seen: [Key: Command] = [:]
      for binding in map.bindings(in: context) {
        for key in binding.keys {
          #expect(seen[key] == nil, "\(key.name) is bound twice in \(context)")
          seen[key] = binding.command
        }
      }
    }
  }

  @Test func everyBindingIsDispatchedAndDocumented() {
    for binding in map.bindings {
      #expect(!binding.help.isEmpty && !binding.contexts.isEmpty)
      for context in binding.contexts {
        for key in binding.keys { #expect(map.command(for: key, in: context) == binding.command) }
      }
    }
  }

  @Test func everyBindingIsInTheHelp() {
    var model = Touring.model(at: .shard, 2)
    _ = model.update(.resize(width: 100, height: 200))
    _ = model.update(.key(.character("?")))
    let help = Renderer.render(model, colors: .none).lines.joined(separator: "\n")
    for binding in map.bindings {
      if case .panel = binding.command { continue }
      if binding.keys.isEmpty { continue }
      if case .saved = binding.command {} else { #expect(help.contains(binding.help), "\(binding.help)") }
      for key in binding.keys { #expect(help.contains(key.name)) }
    }
    for (key, text) in KeyMap.signals { #expect(help.contains(key) && help.contains(text)) }
  }

  /// Texts are wrapped, so each word is looked for, as often as it is said.
  @Test(arguments: [40, 80, 120, 200]) func noWordOfTheHelpIsCut(_ width: Int) {
    func counted(_ text: String) -> [Substring: Int] {
      Dictionary(text.split { " \n|=+".contains($0) }.map { ($0, 1) }, uniquingKeysWith: +)
    }
    var model = Script().model(2, width: width, height: 400, glyphs: .ascii)
    _ = model.update(.key(.character("?")))
    let shown = counted(Renderer.render(model, colors: .none).lines.dropFirst().dropLast().joined(separator: "\n"))
    let texts = model.keyMap.bindings.filter {
      !$0.keys.isEmpty && !$0.name.hasPrefix("panel-") && !$0.name.hasPrefix("saved-")
    }.map(\.help)
    for (word, count) in counted(texts.joined(separator: " ")) {
      #expect(shown[word, default: 0] >= count, "\(word)")
    }
  }

  @Test func aWideScreenHasAllKeysInThreeColumns() {
    var model = Script().model(2, width: 200, height: 60, glyphs: .ascii)
    _ = model.update(.key(.character("?")))
    let lines = Renderer.render(model, colors: .none).lines
    #expect(lines[1].hasPrefix("+= Keys ="))
    let headings = KeyBinding.Group.allCases.map(\.rawValue)
    let first = lines[2].dropFirst(2).split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(first.count { headings.contains($0) } == 3)
  }

  /// A key of the table that changes nothing anywhere would be a lie in the help.
  @Test func everyCommandDoesSomethingSomewhere() {
    for context in KeyContext.allCases {
      let situations = Situations.all(context).map { ($0, Renderer.render($0, colors: .none)) }
      // The way back to the tour is tested with the tour.
      for binding in map.bindings(in: context) where binding.command != .tour {
        let works = situations.contains { model, picture in
          binding.keys.allSatisfy { key in
            var changed = model
            return !changed.update(.key(key)).isEmpty || changed.windowSeconds != model.windowSeconds
              || changed.glyphs != model.glyphs || changed.theme != model.theme
              || Renderer.render(changed, colors: .none) != picture
          }
        }
        #expect(works, "\(binding.keys.map(\.name)) in \(context)")
      }
    }
  }

  @Test func everyCommandHasANameOfItsOwn() {
    let names = map.bindings.map(\.name)
    #expect(Set(names).count == names.count)
    for name in names { #expect(name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" }, "\(name)") }
  }

  @Test func keyNamesReadBack() {
    for key in map.bindings.flatMap(\.keys) { #expect(Key(name: key.name) == key) }
    #expect(Key(name: "ctrl-x") == .control("x"))
    #expect(Key(name: "PGDN") == .pageDown)
    #expect(Key(name: "F12") == .function(12))
    for name in ["", "F13", "F0", "Ctrl-C", "Ctrl-I", "Ctrl-", "Hyper-x", "unknown"] {
      #expect(Key(name: name) == nil, "\(name)")
    }
  }

  @Test func aReboundKeyMovesFromOneCommandToAnother() {
    let own = map.rebinding(["quit": [.character("x"), .control("q")], "zoom": [.character("q")]])
    #expect(own.command(for: .character("x"), in: .overview) == .quit)
    #expect(own.command(for: .control("q"), in: .browse) == .quit)
    #expect(own.command(for: .function(10), in: .overview) == nil)
    #expect(own.command(for: .character("q"), in: .overview) == .zoom)
    #expect(own.command(for: .character("z"), in: .overview) == nil)
    // Where a command does not exist its key keeps its meaning.
    let query = map.rebinding(["filter": [.character("s")]])
    #expect(query.command(for: .character("s"), in: .overview) == .filter)
    #expect(query.command(for: .character("s"), in: .browse) == .sort)
    var configuration = DashboardConfiguration()
    configuration.keyMap = own
    var model = Model(
      identity: Script().identity, configuration: configuration, width: 80, height: 120, glyphs: .ascii, zone: .gmt)
    _ = model.update(.key(.character("?")))
    #expect(Renderer.render(model, colors: .none).lines.contains { $0.contains(" x Ctrl-Q") && $0.contains("quit") })
    #expect(model.update(.key(.character("x"))) == [.quit])
  }

  @Test(arguments: [(120, 40), (200, 60), (200, 24)])
  func aKeyIsNamedOnceAtTheFootOfTheScreen(_ width: Int, _ height: Int) {
    func foot(_ model: Model) -> String {
      Renderer.render(model, colors: .none).lines.suffix(2).joined(separator: "\n")
    }
    var model = Script().model(100, width: width, height: height, glyphs: .ascii)
    model.addMark(.note, at: model.history[50], "a note")
    for key in ["w", "A", "J", "o"] {
      _ = model.update(.key(.character(Character(key))))
      #expect(foot(model).ranges(of: "Space pause").count == 1, "\(foot(model))")
    }
    // A mark takes the place of the keys; the last line has it as far as there is room.
    model.time = .paused(50)
    #expect(foot(model).ranges(of: "Space pause").count == (width > 120 ? 1 : 0), "\(foot(model))")
  }

  @Test(arguments: KeyContext.allCases) func hintsFitTheLastLine(_ context: KeyContext) throws {
    var model = try #require(Situations.all(context).first)
    _ = model.update(.resize(width: 40, height: 10))
    let line = try #require(Renderer.render(model, colors: .none).lines.last)
    #expect(line.contains(context == .question ? "y yes" : context.isTyping ? "Enter" : "q quit"))
  }
}

/// Models in which the keys of a context have something to do.
private enum Situations {
  static func all(_ context: KeyContext) -> [Model] {
    switch context {
    case .overview: overview()
    case .browse: browse() + brush().map(leavingTheBrush)
    case .brush: brush()
    case .columns: columns()
    case .prompt: typing(Browsing.query(), "e", "some.json")
    case .question: question()
    case .help: [help(scrolled: 0), help(scrolled: 5)]
    case .filter: typing(Script().model(100, width: 80, height: 24), "/", "some text")
    case .query: queries()
    case .palette: palettes()
    case .alerts: alerts()
    case .workload: workload()
    case .jobs: jobs()
    case .jobAnswer: jobAnswer()
    case .tour: tour()
    case .annotation: typing(Script().model(100, width: 80, height: 24), "a", "some text")
    }
  }

  /// The first, one in between and the last chapter, the text scrolled, the view paused.
  private static func tour() -> [Model] {
    [TourChapter.memory, .torn, .events].map { chapter in
      var model = Touring.model(at: chapter, 100)
      _ = model.update(.resize(width: 40, height: 10))
      for place in [10, 90] { model.addMark(.note, at: model.history[place], "a note") }
      for key in [Key.down, .down, .character("{")] { _ = model.update(.key(key)) }
      model.time = .paused(50)
      return model
    }
  }

  private static func overview() -> [Model] {
    var models: [Model] = []
    for panel in [PanelID.throughput, .events, .log] {
      for isPaused in [false, true] {
        var model = Script().model(100, width: 80, height: 24)
        model.focus = panel
        model.isZoomed = isPaused
        model.window = isPaused ? 1 : 0
        if isPaused { model.time = .paused(50) }
        model.addMark(.note, at: model.history[20], "a note")
        model.addMark(.note, at: model.history[80], "another note")
        models.append(model)
      }
    }
    var scrolled = Script().model(100, width: 80, height: 24)
    scrolled.focus = .events
    scrolled.events.heldSequence = 99
    scrolled.events.scroll = 30
    return models + [scrolled]
  }

  private static func alerts() -> [Model] {
    var models: [Model] = []
    for pane in AlertsState.Pane.allCases {
      var model = Script(failsAfter: 200).model(300, width: 80, height: 24)
      model.view = .alerts
      model.alertsView.focus = pane
      for _ in 0..<30 {
        model.addMark(.note, at: model.history[100], "a note")
        model.addMark(.note, at: model.history[250], "another note")
      }
      models.append(model)
      model.time = .paused(150)
      model.window = 1
      model.alertsView.selectedRule = 8
      model.alertsView.selectedMark = 8
      models.append(model)
    }
    return models
  }

  private static func workload() -> [Model] {
    var models: [Model] = []
    for selected in [0, 6] {
      for pane in WorkloadState.Pane.allCases {
        var model = Script().model(300, width: 80, height: 24)
        model.addMark(.note, at: model.history[100], "a note")
        model.addMark(.note, at: model.history[250], "another note")
        model.view = .workload
        model.workloadView.focus = pane
        model.workloadView.selected = selected
        models.append(model)
        model.time = .paused(150)
        model.window = 1
        model.workloadView.draft = WorkloadOptions(preset: .ycsbA)
        models.append(model)
      }
    }
    return models
  }

  private static func jobs() -> [Model] {
    JobsState.Pane.allCases.flatMap { pane in
      var model = Working.model(300)
      _ = model.update(.resize(width: 80, height: 24))
      model.addMark(.note, at: model.history[100], "a note")
      model.addMark(.note, at: model.history[250], "another note")
      _ = model.update(.key(.character("J")))
      model.jobs.focus = pane
      var below = model
      for _ in 0..<3 { _ = below.update(.key(.down)) }
      below.time = .paused(150)
      return [model, below]
    }
  }

  private static func jobAnswer() -> [Model] {
    var model = Working.model(100)
    _ = model.update(.resize(width: 80, height: 24))
    _ = model.perform(.startJob(2), in: .overview)
    for character in "me@host/club" { _ = model.update(.key(.character(character))) }
    var middle = model
    for _ in 0..<3 { _ = middle.update(.key(.left)) }
    return [model, middle]
  }

  private static func browse() -> [Model] {
    var models = [Browsing.query()]
    for pane in BrowseState.Pane.allCases where pane != .brush {
      var model = Browsing.query()
      model.browse.focus = pane
      models.append(model)
    }
    var paused = Browsing.query()
    paused.time = .paused(100)
    paused.addMark(.note, at: paused.history[20], "a note")
    paused.addMark(.note, at: paused.history[180], "another note")
    models.append(paused)
    var middle = Browsing.query()
    for _ in 0..<3 { _ = middle.update(.key(.pageDown)) }
    var saved = middle
    saved.browse.saved = (0..<KeyMap.savedQueryKeys.count).map { "range age \($0).." }
    var folding = Browsing.query()
    folding.browse.focus = .document
    while folding.documentPart == nil { _ = folding.update(.key(.down)) }
    return models + [middle, saved, folding]
  }

  private static func question() -> [Model] {
    var model = Browsing.query()
    _ = model.update(.key(.character("D")))
    return [model]
  }

  private static func leavingTheBrush(_ model: Model) -> Model {
    var model = model
    model.browse.focus = .results
    return model
  }

  private static func brush() -> [Model] {
    var model = Browsing.query()
    let store = ScriptedStore()
    store.answer(model.update(.key(.character("r"))), in: &model)
    var moved = model
    for key in [Key.right, .right, .shiftRight, .down, .character("i")] {
      store.answer(moved.update(.key(key)), in: &moved)
    }
    var paused = model
    for sample in Script().samples(100) { _ = paused.update(.sample(sample, [])) }
    for place in [10, 90] { paused.addMark(.note, at: paused.history[place], "a note") }
    paused.time = .paused(50)
    return [model, moved, paused]
  }

  /// The first and the last of a list that is longer than its box.
  private static func columns() -> [Model] {
    var model = Browsing.query()
    _ = model.update(.resize(width: 80, height: 14))
    _ = model.update(.key(.character("c")))
    var last = model
    for key in [Key.end, .character(" ")] { _ = last.update(.key(key)) }
    return [model, last]
  }

  private static func help(scrolled: Int) -> Model {
    var model = Script().model(5, width: 80, height: 24)
    model.helpScroll = scrolled
    return model
  }

  private static func typing(_ start: Model, _ key: Character, _ text: String) -> [Model] {
    var model = start
    _ = model.update(.key(.character(key)))
    _ = model.update(.key(.control("u")))
    for character in text { _ = model.update(.key(.character(character))) }
    var middle = model
    for _ in 0..<3 { _ = middle.update(.key(.left)) }
    return [model, middle]
  }

  private static func palettes() -> [Model] {
    var model = Script().model(100, width: 80, height: 24)
    _ = model.update(.key(.character(":")))
    var lower = model
    _ = lower.update(.key(.down))
    return typing(Script().model(100, width: 80, height: 24), ":", "he e") + [model, lower]
  }

  private static func queries() -> [Model] {
    var older = Browsing.query()
    _ = older.update(.key(.character("/")))
    _ = older.update(.key(.up))
    _ = older.update(.key(.up))
    return typing(Browsing.query(), "/", "range age 20..35 tag:cl") + [older]
  }
}
