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

  @Test(arguments: Shape.all) func browse(_ shape: Shape) throws {
    try Golden.expect(shape.picture(Browsing.query()), "browse-\(shape.name)")
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

  @Test func noteBeingWritten() throws {
    var model = Script().model(200)
    _ = model.update(.key(.character("a")))
    for character in "swapped the disk" { _ = model.update(.key(.character(character))) }
    let shape = Shape(width: 80, height: 24, glyphs: .braille, colors: .full)
    try Golden.expect(shape.picture(model), "note")
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

  @Test func openedDocument() throws {
    var model = Browsing.query()
    ScriptedStore().answer(model.update(.key(.enter)), in: &model)
    let shape = Shape(width: 80, height: 24, glyphs: .braille, colors: .full)
    try Golden.expect(shape.picture(model), "browse-document")
  }

  @Test func queryThatIsWrong() throws {
    var model = Browsing.query()
    _ = model.update(.key(.character("/")))
    _ = model.update(.key(.control("u")))
    for character in "range agee 20..35" { _ = model.update(.key(.character(character))) }
    _ = model.update(.key(.enter))
    let shape = Shape(width: 120, height: 40, glyphs: .braille, colors: .full)
    try Golden.expect(shape.picture(model), "browse-error")
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
