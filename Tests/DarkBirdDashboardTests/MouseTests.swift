import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("The mouse") struct MouseTests {
  private func click(_ x: Int, _ y: Int) -> Message { .mouse(MouseEvent(action: .press, x: x, y: y)) }
  private func wheel(_ action: MouseEvent.Action, _ x: Int, _ y: Int) -> Message {
    .mouse(MouseEvent(action: action, x: x, y: y))
  }

  @Test func isTheTerminalsUntilSomebodyWantsIt() {
    var model = Script().model(100)
    #expect(model.update(click(100, 30)).isEmpty)
    #expect(model.focus == .throughput)
    #expect(model.update(.key(.character("m"))) == [.mouse(true)])
    _ = model.update(click(100, 30))
    #expect(model.focus == .events)
    #expect(model.update(.key(.character("m"))) == [.mouse(false)])
    _ = model.update(click(1, 5))
    #expect(model.focus == .events)
  }

  @Test func aClickGoesToEachPanel() {
    var model = Script().model(100)
    model.isMouseOn = true
    for (panel, rect) in OverviewLayout(model).panels {
      _ = model.update(click(rect.x + rect.width - 1, rect.y + rect.height - 1))
      #expect(model.focus == panel)
    }
    // Header and footer are no panels.
    let before = model.focus
    _ = model.update(click(3, 0))
    _ = model.update(click(3, 39))
    #expect(model.focus == before)
  }

  @Test func theWheelScrollsWhatItIsOver() {
    var model = Script().model(300)
    model.isMouseOn = true
    let rect = OverviewLayout(model).rect(of: .events) ?? Rect(x: 0, y: 0, width: 0, height: 0)
    _ = model.update(wheel(.wheelDown, rect.x + 2, rect.y + 2))
    #expect(model.focus == .events && model.events.scroll == 3)
    _ = model.update(wheel(.wheelUp, rect.x + 2, rect.y + 2))
    #expect(model.events.scroll == 0)
  }

  /// What can be started may have two lines, and either is it.
  @Test func aClickOnAnyLineOfAJobSelectsIt() throws {
    var model = Working.start()
    model.isMouseOn = true
    for key in [Key.character("J"), .character("2")] { _ = model.update(.key(key)) }
    let rect = try #require(JobsLayout(model).rect(of: .kinds))
    // Lines of the list, each with the kind that it belongs to.
    var rows: [Int] = []
    for kind in model.jobs.kinds.indices {
      model.jobs.selectedKind = kind
      rows.append(try #require(Renderer.render(model, colors: .none).cursor?.y))
    }
    #expect(rows[1] > rows[0] + 1, "the first has more than one line")
    for from in rows.indices {
      for y in rows[0]..<(rows.last ?? 0) + 1 {
        model.jobs.selectedKind = from
        #expect(model.update(click(rect.x + 3, y)).isEmpty)
        #expect(model.jobs.selectedKind == rows.lastIndex { $0 <= y }, "from \(from) to line \(y)")
      }
    }
  }

  /// Also where the list is scrolled: the selected one, whose words are all there, is the last that has room.
  @Test func aClickInAScrolledListOfJobsSelectsWhatIsThere() throws {
    var model = Working.start(jobs: (1...12).map { DashboardJob("job-\($0)", "does something") { _, _ in "" } })
    model.isMouseOn = true
    for key in [Key.character("J"), .character("2"), .character("z")] { _ = model.update(.key(key)) }
    _ = model.update(.resize(width: 40, height: 10))
    let kinds = model.jobs.kinds
    let rect = try #require(JobsLayout(model).inside(.kinds))
    var isScrolled = false
    for y in rect.y..<rect.y + rect.height {
      model.jobs.selectedKind = kinds.count - 1
      let lines = Renderer.render(model, colors: .none).lines.map { $0.dropFirst(rect.x) }
      func place(_ line: Substring) -> Int? { kinds.firstIndex { line.hasPrefix($0.name + " ") } }
      let shown = (rect.y...y).compactMap { place(lines[$0]) }
      isScrolled = isScrolled || place(lines[rect.y]) != 0
      _ = model.update(click(rect.x + 3, y))
      #expect(model.jobs.selectedKind == shown.last, "\(lines[y])")
    }
    #expect(isScrolled)
  }

  @Test func aClickSelectsTheRowAndAnotherOpensIt() throws {
    var model = Browsing.query()
    model.isMouseOn = true
    let rect = try #require(BrowseLayout(model).rect(of: .results))
    let selected = try #require(model.browse.results?.selected)
    let row = try #require(Renderer.render(model, colors: .none).cursor?.y)
    let effects = model.update(click(rect.x + 5, row + 7))
    #expect(model.browse.results?.selected == selected + 7)
    #expect(Renderer.render(model, colors: .none).cursor?.y == row + 7)
    ScriptedStore().answer(effects, in: &model)
    let opened = model.update(click(rect.x + 5, row + 7))
    #expect(opened.contains { if case .ask(.document) = $0 { true } else { false } }, "\(opened)")
  }

  @Test func aClickBelowTheLastRowTurnsNoPage() throws {
    var model = Browsing.query()
    model.isMouseOn = true
    _ = model.update(.resize(width: 200, height: 300))
    let rect = try #require(BrowseLayout(model).rect(of: .results))
    let effects = model.update(click(rect.x + 5, rect.y + rect.height - 2))
    #expect(model.browse.results?.pageNumber == 0)
    #expect(model.browse.results?.selected == (model.browse.results?.rows.count ?? 0) - 1)
    #expect(!effects.contains { if case .ask(.page) = $0 { true } else { false } })
  }

  @Test func aClickInTheTreePassesOverHeadings() throws {
    var model = Browsing.query()
    model.isMouseOn = true
    let rect = try #require(BrowseLayout(model).rect(of: .explore))
    let lines = Renderer.render(model, colors: .none).lines
    let row = try #require(lines.firstIndex { $0.prefix(26).contains("skill") || $0.prefix(26).contains("salary") })
    _ = model.update(click(rect.x + 3, row))
    #expect(model.browse.focus == .explore)
    #expect(Renderer.render(model, colors: .none).cursor?.y == row)
  }

  @Test func aClickRunsACommandOfThePalette() throws {
    var model = Script().model(100)
    model.isMouseOn = true
    _ = model.update(.key(.character(":")))
    for character in "theme" { _ = model.update(.key(.character(character))) }
    let lines = Renderer.render(model, colors: .none).lines
    let row = try #require(lines.firstIndex { $0.contains("theme-mono") })
    let column = (120 - 78) / 2 + 5
    _ = model.update(click(column, row))
    #expect(model.palette == nil)
    #expect(model.theme == .mono)
  }

  /// The row that is clicked, also where the list stands elsewhere once another one is selected.
  @Test(arguments: [0, 3, 9, 15, 25, 40]) func aClickInAScrolledListIsMeantForTheRowBelowIt(_ down: Int) throws {
    for offset in -9...9 {
      var model = Script().model(100)
      model.isMouseOn = true
      _ = model.update(.key(.character(":")))
      for _ in 0..<down { _ = model.update(.key(.down)) }
      let selected = try #require(model.palette?.selected)
      let row = try #require(Renderer.render(model, colors: .none).cursor?.y)
      let rows = try #require(PaletteOverlay.rows(model))
      guard (rows.y..<rows.y + rows.height).contains(row + offset), selected + offset >= 0 else { continue }
      // What a click submits is the command that is selected then: a copy of the model tells which.
      var clicked = model
      _ = clicked.update(click(rows.x + 2, row + offset))
      var pressed = model
      for _ in 0..<abs(offset) { _ = pressed.update(.key(offset < 0 ? .up : .down)) }
      _ = pressed.update(.key(.enter))
      #expect(
        Renderer.render(clicked, colors: .none).lines == Renderer.render(pressed, colors: .none).lines,
        "\(down) down, \(offset) rows off")
    }
  }

  @Test func aClickInALongTreeSelectsItsLine() throws {
    var model = Browsing.query()
    model.isMouseOn = true
    _ = model.update(.resize(width: 120, height: 24))
    let rect = try #require(BrowseLayout(model).rect(of: .explore))
    let items = model.exploreItems
    try #require(items.count > rect.height, "it scrolls")
    _ = model.update(.key(.character("1")))
    for _ in 0..<items.count / 2 { _ = model.update(.key(.down)) }
    for y in rect.y + 1..<rect.y + rect.height - 1 {
      let before = model.browse.exploreSelection
      let cursor = try #require(Renderer.render(model, colors: .none).cursor?.y)
      // A click on what is selected opens it.
      if y == cursor { continue }
      _ = model.update(click(rect.x + 3, y))
      let target = before + y - cursor
      let isChoice = items.indices.contains(target) && items[target].action != nil
      #expect(model.browse.exploreSelection == (isChoice ? target : before))
      model.browse.exploreSelection = before
    }
  }

  @Test func theTextOfTheTourScrolls() {
    var model = Touring.model(at: .torn, 50)
    model.isMouseOn = true
    _ = model.update(.resize(width: 60, height: 12))
    _ = model.update(.key(.home))
    _ = model.update(wheel(.wheelDown, 5, 5))
    #expect(model.tour?.scroll == 3)
    _ = model.update(wheel(.wheelUp, 5, 5))
    #expect(model.tour?.scroll == 0)
  }
}
