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
    // Without a tour there is none to go back to.
    let all = KeyMap.standard.without(.tour).bindings(in: .overview).map(\.name)
    #expect(names(opened()) == all.filter { $0 != "commands" })
    #expect(names(opened(in: .browse)).contains("sort"))
    #expect(!names(opened()).contains("sort"))
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
