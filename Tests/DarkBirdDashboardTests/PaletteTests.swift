import DarkBird
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Command palette") struct PaletteTests {
  private func opened(typing text: String = "", in view: Model.View = .overview) -> Model {
    var model = Script().model(20, width: 80, height: 24)
    model.view = view
    _ = model.update(.key(.character(":")))
    for character in text { _ = model.update(.key(.character(character))) }
    return model
  }

  private func names(_ model: Model) -> [String] {
    model.palette?.matches(in: model.keyMap).map(\.name) ?? []
  }

  @Test func listsTheCommandsOfTheView() {
    // Without a tour there is none to go back to, and this store has no jobs.
    let all = KeyMap.standard.without(.tour).adding([]).bindings(in: .overview).map(\.name)
    let ofReplay: Set = ["faster", "slower", "replay-start", "replay-end"]
    #expect(names(opened()) == all.filter { $0 != "commands" && !ofReplay.contains($0) })
    #expect(names(opened(in: .browse)).contains("sort"))
    #expect(!names(opened()).contains("sort"))
  }

  @Test(arguments: [Model.View.overview, .browse, .jobs]) func aUsualScreenHasRoomForWhatEachCommandDoes(
    _ view: Model.View
  ) {
    var model = Working.start(20)
    model.view = view
    _ = model.update(.key(.character(":")))
    for binding in model.palette?.matches(in: model.keyMap) ?? [] {
      let lines = Renderer.render(model, colors: .none).lines
      #expect(lines.contains { $0.contains(" \(binding.name) ") && $0.contains(binding.help) }, "\(binding.name)")
      _ = model.update(.key(.down))
    }
  }

  @Test func findsByPrefixPartAndLetters() {
    #expect(names(opened(typing: "quit")).first == "quit")
    #expect(names(opened(typing: "ZO")).first == "zoom")
    #expect(names(opened(typing: "page d")).first == "page-down")
    #expect(names(opened(typing: "back")).prefix(3).sorted() == ["back", "leap-back", "step-back"])
    #expect(names(opened(typing: "npl")).first == "next-panel")
    #expect(names(opened(typing: "braille")) == ["glyphs-braille", "glyphs"])
    #expect(names(opened(typing: "xyzzy")).isEmpty)
  }

  @Test func thePaceOfARecordingIsChangedWhereThereIsOne() throws {
    var model = Script().model(20, width: 80, height: 24)
    for isReplay in [false, true] {
      if isReplay { model.replay = ReplayState(try Recording(RecordingTests.file(Script().samples(20)))) }
      _ = model.update(.key(.character(":")))
      #expect(names(model).contains("slower") == isReplay)
      _ = model.update(.key(.escape))
    }
  }

  /// Who asks why writes are slow, or what was skipped, finds what has to do with it.
  @Test(arguments: [
    ("ack", ["load-acknowledge"]), ("synced", ["load-acknowledge"]), ("rate", ["load-rate"]),
    ("skip", ["load-rate", "load-acknowledge", "alerts", "scenario-write-burst", "scenario-rush-hour"]),
    ("slow", ["load-rate", "load-acknowledge", "alerts", "scenario-write-burst", "scenario-rush-hour"]),
    ("behind", ["load-rate", "alerts"]), ("threads", ["load-writers", "load-readers"]),
  ])
  func findsByWhatACommandIsAbout(_ typed: String, _ wanted: [String]) {
    let found = names(opened(typing: typed))
    #expect(Set(found).isSuperset(of: wanted), "\(found)")
    if wanted.count == 1 { #expect(found.first == wanted.first, "\(found)") }
  }

  /// What is on the screen before all there is.
  @Test func theFormatsOfAnExportFindThatOfTheResultsFirst() {
    let found = names(opened(typing: "csv", in: .browse))
    #expect(found.first == "export", "\(found)")
  }

  @Test(arguments: [Model.View.overview, .workload]) func aSettingOfTheLoadIsGoneTo(_ view: Model.View) throws {
    var model = opened(typing: "ack", in: view)
    _ = model.update(.key(.enter))
    #expect(model.view == .workload && model.workloadView.focus == .settings)
    #expect(model.workloadSettings[model.workloadView.selected] == .acknowledgement)
    model = Script(hasLog: false).model(20)
    for key in ":ack" { _ = model.update(.key(.character(key))) }
    _ = model.update(.key(.enter))
    #expect(model.view == .workload)
    #expect(model.browse.notice == "a store in memory has no setting 'acknowledge'")
  }

  @Test func keywordsCanBeTyped() {
    for word in KeyMap.standard.bindings.flatMap(\.keywords) {
      #expect(word.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" }, "\(word)")
    }
  }

  @Test func enterRunsTheSelectedCommandWhereOneWas() {
    var model = opened(typing: "zoom")
    #expect(model.update(.key(.enter)).isEmpty)
    #expect(model.palette == nil && model.isZoomed)
    model = opened(typing: "quit")
    #expect(model.update(.key(.enter)) == [.quit])
    model = opened(typing: "panel-")
    _ = model.update(.key(.down))
    _ = model.update(.key(.enter))
    #expect(model.focus == .latency)
  }

  @Test func aCommandWithSomethingBehindItIsThatCommandAndSaysSo() {
    var model = opened(typing: "load-scenario rush-hour")
    #expect(names(model) == ["load-scenario"])
    _ = model.update(.key(.enter))
    #expect(model.palette == nil && model.view == .workload)
    #expect(model.workloadSettings[model.workloadView.selected] == .scenario)
    #expect(model.browse.notice == "load-scenario takes no 'rush-hour': change it here")
    #expect(names(opened(typing: "load-scenari rush-hour")).isEmpty)
    model = opened(typing: "zoom in")
    _ = model.update(.key(.enter))
    #expect(model.isZoomed && model.browse.notice == "zoom takes no 'in'")
  }

  /// The keys go through them in steps; between those there are values too.
  @Test func aSettingOfTheLoadTakesItsValue() throws {
    var model = opened(typing: "load-rate 25000")
    #expect(model.update(.key(.enter)).isEmpty, "nothing runs before it is applied")
    #expect(model.view == .workload && model.workloadSettings[model.workloadView.selected] == .rate)
    #expect(model.browse.notice == "Enter applies rate 25,000/s")
    let wanted = WorkloadOptions(rate: .perSecond(25_000))
    #expect(model.update(.key(.enter)) == [.workload(.run(wanted))])
    func options(_ text: String) -> WorkloadOptions? {
      var model = opened(typing: text)
      _ = model.update(.key(.enter))
      return model.workloadView.draft
    }
    #expect(options("load-writers 7")?.writers == 7)
    #expect(options("load-readers 0")?.readers == 0)
    #expect(options("load-documents 123456")?.documents == 123_456)
    #expect(options("load-acknowledge synced")?.acknowledgement == .synced)
    #expect(options("load-preset ycsb-b")?.preset == .ycsbB)
  }

  @Test(arguments: [
    ("load-rate fast", "'rate' is 1 to 1000000000, not 'fast'; max is no limit"),
    ("load-rate 25 000", "'rate' takes one value, not '25 000'"),
    ("load-rate max", "rate no limit is what runs"),
    ("load-writers 2000", "'writers' is 0 to 1024, not '2000'"),
    ("load-documents 0", "'documents' is 1 to 4000000000, not '0'"),
    ("load-keys hot", "'keys' is one of uniform, zipfian, latest, not 'hot'"),
  ])
  func aValueThatASettingDoesNotHaveChangesNothing(_ typed: String, _ notice: String) {
    var model = opened(typing: typed)
    #expect(model.update(.key(.enter)).isEmpty)
    #expect(model.browse.notice == notice && model.workloadView.draft == nil)
  }

  @Test func aLoadOfNobodyIsNone() {
    var model = opened(typing: "load-readers 0")
    _ = model.update(.key(.enter))
    for key in ":load-writers 0" { _ = model.update(.key(.character(key))) }
    _ = model.update(.key(.enter))
    #expect(model.browse.notice == "'writers' is 1 or more where nobody else does anything")
    #expect(model.workloadView.draft?.writers == 2 && model.workloadView.draft?.readers == 0)
  }

  @Test func enterOnNothingStays() {
    var model = opened(typing: "xyzzy")
    #expect(model.update(.key(.enter)).isEmpty)
    #expect(model.palette != nil)
  }

  @Test func escapeAndBackspaceOnNothingClose() {
    for key in [Key.escape, .backspace] {
      var model = opened()
      _ = model.update(.key(key))
      #expect(model.palette == nil && model.keyContext == .overview)
    }
    var model = opened(typing: "q")
    _ = model.update(.key(.backspace))
    #expect(model.palette != nil)
  }

  @Test func selectionStaysInTheList() {
    var model = opened(typing: "panel-")
    _ = model.update(.key(.up))
    #expect(model.palette?.selected == 0)
    for _ in 0..<50 { _ = model.update(.key(.down)) }
    #expect(model.palette?.selected == names(model).count - 1)
    _ = model.update(.key(.character("1")))
    #expect(model.palette?.selected == 0)
  }

  @Test func tabCompletesTheName() {
    var model = opened(typing: "npl")
    _ = model.update(.key(.tab))
    #expect(model.palette?.editor.text == "next-panel")
  }

  @Test func opensOverTheHelpAndGoesBackToIt() {
    var model = Script().model(20, width: 80, height: 24)
    _ = model.update(.key(.character("?")))
    _ = model.update(.key(.character(":")))
    #expect(model.keyContext == .palette)
    _ = model.update(.key(.escape))
    #expect(model.keyContext == .help)
  }
}
