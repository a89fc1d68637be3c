import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

/// A size, the glyphs and the colours of a picture.
struct Shape: CustomTestStringConvertible, Sendable {
  var width: Int
  var height: Int
  var glyphs: GlyphTier
  var colors: ColorDepth

  static let all: [Shape] = [(40, 10), (80, 24), (120, 40), (200, 60)].flatMap { size in
    [GlyphTier.braille, .ascii].flatMap { glyphs in
      [ColorDepth.full, .none].map { Shape(width: size.0, height: size.1, glyphs: glyphs, colors: $0) }
    }
  }

  var testDescription: String { "\(width)x\(height) \(glyphs) \(colors)" }
  var name: String { "\(width)x\(height)-\(glyphs.rawValue)-\(colors.rawValue)" }

  func picture(_ model: Model) -> Canvas {
    var model = model
    _ = model.update(.resize(width: width, height: height))
    model.glyphs = glyphs
    return Renderer.render(model, colors: colors)
  }
}

@Suite("Golden pictures") struct GoldenTests {
  @Test(arguments: Shape.all) func overview(_ shape: Shape) throws {
    try Golden.expect(shape.picture(Script().model()), "overview-\(shape.name)")
  }

  @Test(arguments: [1, 128, 256, 1_024], Shape.all.filter { $0.glyphs == .braille && $0.colors == .full })
  func anyNumberOfShards(_ count: Int, _ shape: Shape) throws {
    var model = Script(shardCount: count).model(100)
    model.focus = .shards
    try Golden.expect(shape.picture(model), "shards-\(count)-\(shape.name)")
  }

  @Test(arguments: Shape.all) func browse(_ shape: Shape) throws {
    try Golden.expect(shape.picture(Browsing.query()), "browse-\(shape.name)")
  }

  @Test(arguments: Shape.all) func terms(_ shape: Shape) throws {
    var model = Script().model(300)
    (model.helpScroll, model.helpPage) = (0, .terms)
    try Golden.expect(shape.picture(model), "terms-\(shape.name)")
  }

  @Test(arguments: Shape.all) func opening(_ shape: Shape) throws {
    let picture = OpeningPicture(
      title: "players", location: "disk players/", bytes: 700_000_000, total: 1_200_000_000,
      elapsed: .milliseconds(2_340), quit: "q")
    let theme = Theme(depth: shape.colors, name: .standard)
    try Golden.expect(
      picture.canvas(width: shape.width, height: shape.height, glyphs: shape.glyphs, theme: theme),
      "opening-\(shape.name)")
  }

  @Test(arguments: Shape.all) func help(_ shape: Shape) throws {
    var model = Script().model(20)
    _ = model.update(.key(.character("?")))
    try Golden.expect(shape.picture(model), "help-\(shape.name)")
  }

  @Test(arguments: Shape.all) func alerts(_ shape: Shape) throws {
    var model = Script(failsAfter: 640, checkpointsFailAfter: 300).model()
    model.addMark(.note, at: model.history[350], "swapped the disk for a slower one")
    _ = model.update(.key(.character("A")))
    for _ in 0..<4 { _ = model.update(.key(.down)) }
    try Golden.expect(shape.picture(model), "alerts-\(shape.name)")
  }

  @Test(arguments: Shape.all) func browsingLayout(_ shape: Shape) throws {
    var model = Script().model()
    model.arrangement = .browsing
    try Golden.expect(shape.picture(model), "layout-browsing-\(shape.name)")
  }

  @Test(arguments: Shape.all) func teachingLayout(_ shape: Shape) throws {
    var model = Script().model()
    model.arrangement = .teaching
    model.focus = .log
    try Golden.expect(shape.picture(model), "layout-teaching-\(shape.name)")
  }

  @Test(arguments: Theme.Name.allCases, [ColorDepth.full, .sixteen])
  func themes(_ name: Theme.Name, colors: ColorDepth) throws {
    var model = Script(checkpointsFailAfter: 600).model()
    model.theme = name
    let shape = Shape(width: 120, height: 40, glyphs: .blocks, colors: colors)
    try Golden.expect(shape.picture(model), "theme-\(name.rawValue)-\(colors.rawValue)")
  }

  @Test(arguments: Shape.all) func workload(_ shape: Shape) throws {
    try Golden.expect(shape.picture(Changing.workload()), "workload-\(shape.name)")
  }

  @Test(arguments: Shape.all.filter { $0.glyphs == .braille && $0.colors == .none })
  func scenario(_ shape: Shape) throws {
    var model = ScenarioViewTests.playing()
    _ = model.update(.key(.character("w")))
    for _ in 0..<7 { _ = model.update(.key(.down)) }
    try Golden.expect(shape.picture(model), "workload-scenario-\(shape.name)")
  }

  @Test(arguments: Shape.all) func jobs(_ shape: Shape) throws {
    var model = Working.model()
    _ = model.update(.key(.character("J")))
    try Golden.expect(shape.picture(model), "jobs-\(shape.name)")
  }

  @Test(arguments: Shape.all) func overviewWithAJob(_ shape: Shape) throws {
    var model = Working.model()
    model.browse.notice = nil
    try Golden.expect(shape.picture(model), "overview-job-\(shape.name)")
  }

  @Test(arguments: Shape.all) func questionOfAJob(_ shape: Shape) throws {
    var model = Working.model()
    _ = model.perform(.startJob(2), in: .overview)
    for character in "me@localhost/club" { _ = model.update(.key(.character(character))) }
    try Golden.expect(shape.picture(model), "job-question-\(shape.name)")
  }

  @Test(arguments: Shape.all) func questionBeforeAJobIsCancelled(_ shape: Shape) throws {
    var model = Working.model()
    for key in [Key.character("J"), .character("x")] { _ = model.update(.key(key)) }
    try Golden.expect(shape.picture(model), "job-cancel-\(shape.name)")
  }

  @Test(arguments: Shape.all) func tour(_ shape: Shape) throws {
    try Golden.expect(shape.picture(Touring.model(at: .kill)), "tour-\(shape.name)")
  }

  @Test(arguments: Shape.all) func tourWithoutAStore(_ shape: Shape) throws {
    var model = Touring.model(at: .kill)
    let reason = "Process 4711 is gone, and has closed nothing. What is left of its store are its files."
    let news = "KILLED by signal 9 at 2,561 acknowledged"
    _ = model.update(.tour(run: 1, .absence(TourAbsence(reason, news: news, isAlarm: true))))
    try Golden.expect(shape.picture(model), "tour-absent-\(shape.name)")
  }

  @Test func tourHelp() throws {
    var model = Touring.model(at: .shard)
    _ = model.update(.key(.character("?")))
    let shape = Shape(width: 120, height: 50, glyphs: .braille, colors: .full)
    try Golden.expect(shape.picture(model), "tour-help")
  }

  @Test func throughputWithThePreviousRunBehind() throws {
    var model = Changing.workload()
    _ = model.update(.key(.character("o")))
    let shape = Shape(width: 120, height: 40, glyphs: .braille, colors: .full)
    try Golden.expect(shape.picture(model), "overview-previous-run")
  }

  @Test func workloadThatCannotBeChanged() throws {
    var model = Script(hasLog: false, hasWorkload: false).model(100)
    _ = model.update(.key(.character("w")))
    let shape = Shape(width: 80, height: 24, glyphs: .braille, colors: .full)
    try Golden.expect(shape.picture(model), "workload-none")
  }

  @Test(arguments: Shape.all) func noteBeingWritten(_ shape: Shape) throws {
    var model = Script().model(200)
    _ = model.update(.key(.character("a")))
    for character in "swapped the disk" { _ = model.update(.key(.character(character))) }
    try Golden.expect(shape.picture(model), "note-\(shape.name)")
  }

  @Test(arguments: Shape.all) func palette(_ shape: Shape) throws {
    var model = Script().model(200)
    _ = model.update(.key(.character(":")))
    for character in "pa" { _ = model.update(.key(.character(character))) }
    _ = model.update(.key(.down))
    try Golden.expect(shape.picture(model), "palette-\(shape.name)")
  }

  @Test func storeInMemoryWithoutWorkload() throws {
    let shape = Shape(width: 120, height: 40, glyphs: .braille, colors: .full)
    let model = Script(hasLog: false, hasWorkload: false).model(300)
    try Golden.expect(shape.picture(model), "overview-memory-idle")
  }

  @Test func failedLogAndPausedView() throws {
    var model = Script(failsAfter: 600).model()
    for _ in 0..<3 { _ = model.update(.key(.character("{"))) }
    let shape = Shape(width: 80, height: 24, glyphs: .braille, colors: .full)
    try Golden.expect(shape.picture(model), "overview-failed-paused")
  }

  @Test func failedCheckpoint() throws {
    let shape = Shape(width: 120, height: 40, glyphs: .braille, colors: .full)
    try Golden.expect(shape.picture(Script(checkpointsFailAfter: 600).model()), "overview-checkpoint-failed")
  }

  @Test(arguments: PanelID.allCases) func zoomed(_ panel: PanelID) throws {
    var model = Script().model()
    _ = model.update(.key(.character(Character(String(panel.rawValue)))))
    _ = model.update(.key(.character("z")))
    let shape = Shape(width: 100, height: 30, glyphs: .braille, colors: .full)
    try Golden.expect(shape.picture(model), "zoom-\(panel.rawValue)")
  }

  @Test(arguments: Shape.all) func brush(_ shape: Shape) throws {
    var model = Browsing.query()
    let store = ScriptedStore()
    for key in [Key.character("r"), .right, .right, .shiftRight] {
      store.answer(model.update(.key(key)), in: &model)
    }
    try Golden.expect(shape.picture(model), "brush-\(shape.name)")
  }

  @Test(arguments: Shape.all) func rowsThatChanged(_ shape: Shape) throws {
    var model = Browsing.query()
    model.browse.saved = ["tag:club=Ajax range age 16..18", "range joined 2023.. desc"]
    ScriptedStore().answer(model.update(.sample(Script().samples(201)[200], [])), in: &model)
    model.browse.focus = .document
    while model.documentPart == nil { _ = model.update(.key(.down)) }
    _ = model.update(.key(.enter))
    try Golden.expect(shape.picture(model), "browse-changed-\(shape.name)")
  }

  @Test(arguments: Shape.all) func columnsBeingChosen(_ shape: Shape) throws {
    var model = Browsing.query()
    let space = Key.character(" ")
    for key in [Key.character("c"), .down, .down, space, .end, .up, space, .up, .up, .up, .up, space] {
      _ = model.update(.key(key))
    }
    try Golden.expect(shape.picture(model), "browse-columns-\(shape.name)")
  }

  @Test(arguments: Shape.all) func exportInProgress(_ shape: Shape) throws {
    var model = Browsing.query()
    _ = model.update(.key(.character("e")))
    for case .checkExport(let request) in model.update(.key(.enter)) {
      _ = model.update(.exportTarget(request, .nothing))
    }
    _ = model.update(.job(id: 1, JobReport(progress: .init(documents: 412_000, total: 1_204_117), seconds: 3.5)))
    try Golden.expect(shape.picture(model), "browse-export-\(shape.name)")
  }

  @Test(arguments: Shape.all) func questionBeforeARemoval(_ shape: Shape) throws {
    var model = Browsing.query()
    _ = model.update(.key(.character("D")))
    try Golden.expect(shape.picture(model), "browse-remove-\(shape.name)")
  }

  @Test(arguments: Shape.all) func questionBeforeAChange(_ shape: Shape) throws {
    var model = Browsing.query()
    let row = ScriptedStore().row(4)
    var changed = row.record
    changed["age"] = 35
    changed["club"] = "Brann"
    model.browse.question = .write(.replace(row.key, was: row.record, changed))
    try Golden.expect(shape.picture(model), "browse-change-\(shape.name)")
  }

  @Test(arguments: Shape.all) func lineOfANewDocument(_ shape: Shape) throws {
    var model = Browsing.query()
    for key in "i\"u:9\"," { _ = model.update(.key(.character(key))) }
    try Golden.expect(shape.picture(model), "browse-insert-\(shape.name)")
  }

  @Test(arguments: Shape.all) func replay(_ shape: Shape) throws {
    var model = Model(
      identity: Script().identity, width: 120, height: 40, glyphs: .braille, zone: .gmt)
    model.replay = ReplayState(try Recording(RecordingTests.file(Script().samples(600))))
    model.replay?.speed = 10
    _ = model.update(.reached(30_000_000_000, seek: 0))
    try Golden.expect(shape.picture(model), "replay-\(shape.name)")
  }

  @Test(arguments: Shape.all) func openedDocument(_ shape: Shape) throws {
    var model = Browsing.query()
    ScriptedStore().answer(model.update(.key(.enter)), in: &model)
    try Golden.expect(shape.picture(model), "browse-document-\(shape.name)")
  }

  @Test(arguments: Shape.all) func queryThatIsWrong(_ shape: Shape) throws {
    var model = Browsing.query()
    _ = model.update(.key(.character("/")))
    _ = model.update(.key(.control("u")))
    for character in "range agee 20..35" { _ = model.update(.key(.character(character))) }
    _ = model.update(.key(.enter))
    try Golden.expect(shape.picture(model), "browse-error-\(shape.name)")
  }
}

enum Touring {
  static let facts: [TourFact] = [
    TourFact(name: "the other program is process", value: .text("4711")),
    TourFact(name: "acknowledged writes", value: .count(2_561)),
    TourFact(name: "KILLED by signal 9 at", value: .count(2_561)),
    TourFact(name: "read again", value: .text("2,562 records, 312 B torn")),
    TourFact(name: "opened in", value: .nanoseconds(12_345_678)),
    TourFact(name: "of the acknowledged writes", value: .text("all 2,561")),
    TourFact(name: "a byte changed in wal-000000000001", value: .text("damaged at offset 80920: wrong checksum")),
  ]

  /// A model in the middle of a chapter that is done.
  static func model(at chapter: TourChapter, _ count: Int = 300) -> Model {
    let script = Script()
    var model = Model(
      identity: script.identity, width: 120, height: 40, glyphs: .braille, zone: .gmt,
      tour: TourState(at: chapter))
    _ = model.enterTour()
    for sample in script.samples(count) {
      _ = model.update(.sample(sample, sample.sequence >= count - 100 ? script.events(sample.sequence) : []))
    }
    _ = model.update(.tour(run: 1, .absence(nil)))
    for fact in facts { _ = model.update(.tour(run: 1, .fact(fact))) }
    _ = model.update(.tour(run: 1, .done))
    return model
  }
}

enum Changing {
  /// A model whose workload has been changed once, and is about to be changed again.
  static func workload() -> Model {
    var model = Script().model(450)
    for var sample in Script().samples(700).dropFirst(450) {
      sample.workload?.run = 2
      sample.workload?.summary = "clubs uniform 2w/2r no limit"
      sample.workload?.options?.distribution = .uniform
      _ = model.update(.sample(sample, []))
    }
    for key in [Key.character("w"), .down, .down, .left, .down, .right]
      + Array(repeating: Key.down, count: 6) + [.right]
    {
      _ = model.update(.key(key))
    }
    return model
  }
}

enum Browsing {
  /// A model that browses, with the results of a range query.
  static func query() -> Model {
    var model = Script().model(200)
    let store = ScriptedStore()
    store.answer(model.update(.key(.character("b"))), in: &model)
    _ = model.update(.key(.character("/")))
    for character in "range age 20..35 tag:club=Ajax desc" { _ = model.update(.key(.character(character))) }
    store.answer(model.update(.key(.enter)), in: &model)
    for _ in 0..<4 { _ = model.update(.key(.down)) }
    return model
  }
}
