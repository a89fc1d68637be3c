import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Configuration") struct ConfigurationTests {
  private func read(_ text: String) throws -> DashboardConfiguration {
    try DashboardConfiguration(try ConfigurationFile(text: text, path: "config"))
  }

  @Test func theSampleSaysWhatThereIsWithoutAFile() throws {
    let sample = try read(DashboardConfiguration.sample)
    let standard = DashboardConfiguration()
    #expect(sample.rules == standard.rules)
    #expect(sample.theme == standard.theme && sample.arrangement == standard.arrangement)
    #expect(sample.window == standard.window && sample.glyphs == nil)
    for binding in standard.keyMap.bindings {
      #expect(sample.keyMap.binding(named: binding.name)?.keys == binding.keys, "\(binding.name)")
    }
  }

  @Test func setsEverythingThatItNames() throws {
    let configuration = try read(
      """
      # what I like
      theme = dark
        glyphs   =  blocks
      layout = mine
      window = 10m

      [keys]
      quit = Q Ctrl-Q
      shorter-window = + =
      redraw = #
      browse = none

      [alerts]
      p999-insert = 2ms for 12s
      queue = > 50% critical
      behind = 25% for 20s
      skew = off
      log-lag = for 3s
      events-dropped = 100/s
      log-failed = on

      [layouts]
      mine = log events / throughput
      """)
    #expect(configuration.theme == .dark && configuration.glyphs == .blocks)
    #expect(Model.windows[configuration.window] == 600)
    #expect(configuration.arrangement == .own(name: "mine", rows: [[.log, .events], [.throughput]]))
    #expect(configuration.keyMap.binding(named: "layout-mine") != nil)
    #expect(configuration.keyMap.command(for: .control("q"), in: .overview) == .quit)
    #expect(configuration.keyMap.command(for: .character("q"), in: .overview) == nil)
    #expect(configuration.keyMap.command(for: .character("#"), in: .browse) == .redraw)
    #expect(configuration.keyMap.command(for: .character("="), in: .overview) == .narrowerWindow)
    #expect(configuration.keyMap.command(for: .character("b"), in: .overview) == nil)
    func rule(_ name: String) throws -> AlertRule { try #require(configuration.rules.first { $0.name == name }) }
    #expect(try rule("p999-insert").threshold == 2e6)
    #expect(try rule("p999-insert").sustainedNanoseconds == 12_000_000_000)
    #expect(try rule("queue").threshold == 0.5 && rule("queue").severity == .critical)
    #expect(try rule("behind").threshold == 0.25 && rule("behind").sustainedNanoseconds == 20_000_000_000)
    #expect(try rule("log-lag").threshold == 5e9 && rule("log-lag").sustainedNanoseconds == 3_000_000_000)
    #expect(try rule("events-dropped").threshold == 100)
    #expect(!configuration.rules.contains { $0.name == "skew" })
  }

  @Test(arguments: [
    ("theme = drak", "config:1: 'theme' is one of default, light, dark, mono, not 'drak'"),
    ("\n\nthemes = dark", "config:3: no setting is called 'themes' (did you mean 'theme'?)"),
    ("hello", "config:1: expected 'name = value' or '[section]', found 'hello'"),
    ("= x", "config:1: expected 'name = value' or '[section]', found '= x'"),
    ("theme =", "config:1: 'theme' has no value"),
    ("theme = dark\ntheme = light", "config:2: 'theme' is already set in line 1"),
    ("[key]\nquit = x", "config:2: no section is called 'key' (did you mean 'keys'?)"),
    ("[keys]\nquitt = x", "config:2: no command is called 'quitt' (did you mean 'quit'?)"),
    (
      "[keys]\nquit = Hyper-x",
      "config:2: no key is called 'Hyper-x'; keys are such as q, Ctrl-Q, F5, Enter, Space, PgUp"
    ),
    ("[keys]\nquit = x\nzoom = x", "config:3: 'x' is already the key of 'quit'"),
    ("[keys]\nsubmit = x", "config:2: 'x' must stay a character to type; give 'submit' another key"),
    ("[alerts]\nqueues = 1", "config:2: no alert is called 'queues' (did you mean 'queue'?)"),
    ("[alerts]\nqueue = much", "config:2: 'much' is no limit for 'queue', such as '80% for 1s'"),
    ("[alerts]\nbehind = far", "config:2: 'far' is no limit for 'behind', such as '10% for 5s'"),
    ("[alerts]\nqueue = 80% for ever", "config:2: 'for' needs a time, such as 500ms, 12s or 2m"),
    ("[alerts]\nqueue = 80% please", "config:2: 'please' is not understood, such as '80% for 1s'"),
    ("[alerts]\nlog-failed = 3", "config:2: 'log-failed' has no limit: write 'off', or 'for 5s'"),
    ("[layouts]\nmine = logs", "config:2: no panel is called 'logs' (did you mean 'log'?)"),
    ("[layouts]\nmine = log log", "config:2: 'log' is there twice"),
    ("[layouts]\nmine = log /", "config:2: a row has one or two panels; '/' parts the rows"),
    ("[layouts]\nteaching = log", "config:2: the layout 'teaching' is there already; give yours another name"),
    ("layout = mine", "config:1: 'layout' is one of watching, browsing, teaching, not 'mine'"),
  ])
  func errorsNameTheirFileAndLine(_ text: String, _ message: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try read(text) }
    #expect(error.description == message)
  }

  @Test func theOrderOfKeysAndWhoTakesThemDoesNotMatter() throws {
    // Two commands change keys with each other.
    let configuration = try read("[keys]\nbrowse = w\nworkload = b")
    #expect(configuration.keyMap.command(for: .character("w"), in: .overview) == .browse)
    #expect(configuration.keyMap.command(for: .character("b"), in: .overview) == .workload)
  }

  @Test func theHelpAndTheHintsFollow() throws {
    let configuration = try read("[keys]\nquit = x")
    var model = Model(
      identity: Script().identity, configuration: configuration, width: 80, height: 120, glyphs: .ascii, zone: .gmt)
    for sample in Script().samples(3) { _ = model.update(.sample(sample, [])) }
    #expect(Renderer.render(model, colors: .none).lines.last?.contains("x quit") == true)
    _ = model.update(.key(.character("?")))
    #expect(!Renderer.render(model, colors: .none).lines.contains { $0.contains("F10") })
    #expect(model.update(.key(.character("q"))).isEmpty)
    #expect(model.update(.key(.character("x"))) == [.quit])
  }

  @Test func jobsThatAreAddedLaterCanHaveKeys() throws {
    let configuration = try read("[keys]\nbackup-to = Ctrl-K")
    func model(_ jobs: [DashboardJob]) -> Model {
      Model(
        identity: Script().identity, configuration: configuration, width: 80, height: 24, glyphs: .ascii, zone: .gmt,
        jobs: jobs)
    }
    var started = model(Working.kinds)
    _ = started.update(.key(.control("k")))
    #expect(started.jobs.asking?.kind == 0)
    // Which of them there are depends on the store.
    var bare = model([])
    #expect(bare.update(.key(.control("k"))).isEmpty && bare.jobs.asking == nil)
    #expect(bare.keyMap.binding(named: "backup-to") == nil)
    let error = try #require(throws: ConfigurationError.self) { try read("[keys]\nbackup = x") }
    #expect(error.description.hasPrefix("config:2: no command is called 'backup'"))
  }

  @Test func keysOfSavedQueriesAreNamedAsTheyAre() throws {
    var model = Model(
      identity: Script().identity, configuration: try read("[keys]\nsaved-1 = Ctrl-K\nsaved-2 = none"), width: 80,
      height: 24, glyphs: .ascii, zone: .gmt)
    ScriptedStore().answer(model.update(.key(.character("b"))), in: &model)
    _ = model.update(.key(.control("k")))
    #expect(model.browse.notice == "nothing is kept under Ctrl-K yet")
    model.browse.saved = ["limit 5", "limit 6", "limit 7"]
    let names = model.exploreItems.dropFirst(2).prefix(3).map(\.name)
    #expect(names == ["Ctrl-K limit 5", ":saved-2 limit 6", "F4 limit 7"])
  }

  @Test func aFileThatIsNotThereIsNoErrorUnlessItWasAskedFor() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "darkbird-config-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let path = directory.appending(path: "config").path
    let error = try #require(throws: ConfigurationError.self) { try DashboardConfiguration.load(path) }
    #expect(error.description == "\(path): no such file")
    try Data([0xFF, 0xFE, 0x00]).write(to: URL(filePath: path))
    #expect(throws: ConfigurationError(path: path, line: 0, reason: "not UTF-8")) {
      try DashboardConfiguration.load(path)
    }
    try "theme = mono\r\n".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try DashboardConfiguration.load(path).theme == .mono)
  }

  @Test(arguments: 0..<40 as Range<UInt64>) func anyTextIsReadOrRefused(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let pieces = [
      "[", "]", "=", "\n", " ", "#", "keys", "alerts", "quit", "theme", "dark", "é", "\u{0}", "for", "1e999", "%",
    ]
    let text = (0..<60).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
    do { _ = try read(text) } catch { #expect((error as? ConfigurationError)?.line ?? 0 > 0) }
  }

  @Test func whatIsRememberedIsReadBackAndWhatIsBrokenIsNone() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "darkbird-state-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    let state = StateDirectory(directory.path)
    #expect(state.lastRun == nil)
    let record = RunRecord(summary: "clubs", date: Script.start, perSecond: [1, 2, 3])
    state.keep(record)
    #expect(state.lastRun == record)
    try "{".write(to: directory.appending(path: "last-run.json"), atomically: true, encoding: .utf8)
    #expect(state.lastRun == nil)
  }

  @Test func queryLinesOutliveTheProgram() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "darkbird-state-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    let state = StateDirectory(directory.path)
    #expect(state.history.isEmpty)
    state.keep(history: (0..<150).map { "limit \($0 + 1)" })
    #expect(state.history == (50..<150).map { "limit \($0 + 1)" })
    try "\u{1B}[2Jlimit 5\n\n".write(to: directory.appending(path: "history"), atomically: true, encoding: .utf8)
    #expect(state.history == ["[2Jlimit 5"])
  }

  @Test func savedQueriesAreOfferedWhereTheyMeanSomething() {
    var model = Model(identity: Script().identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
    model.browse.outline = Outline()
    model.browse.saved = ["range age 20..35", "range height 1..2", "limit 5"]
    #expect(model.exploreItems.map(\.name) == ["everything", "SAVED", "F2 range age 20..35", "F4 limit 5"])
  }

  /// A load of other settings would only squash the graph.
  @Test(arguments: [("clubs zipfian 2w/2r no limit", 8.0), ("ycsb-a zipfian 4 threads no limit", nil)])
  func theLastRunOfTheSameSettingsIsBehindTheFirstOne(summary: String, shown: Double?) throws {
    let last = RunRecord(summary: summary, date: Script.start, perSecond: [7, 8, 9])
    var model = Model(
      identity: Script().identity, previousRun: last, width: 120, height: 40, glyphs: .ascii, zone: .gmt)
    #expect(model.runs.toKeep == last, "nothing that is worth keeping has run yet")
    for sample in Script().samples(60) { _ = model.update(.sample(sample, [])) }
    #expect(model.runs.previous(at: model.runs.start + 1_000_000_000) == shown)
    #expect(model.runs.toKeep?.summary == "clubs zipfian 2w/2r no limit" && model.runs.toKeep != last)
  }
}
