import DarkBird
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Columns of the results") struct ColumnTests {
  private func press(_ keys: Key..., on model: inout Model) {
    for key in keys { ScriptedStore().answer(model.update(.key(key)), in: &model) }
  }

  private func type(_ line: String, _ model: inout Model) {
    press(.character("/"), .control("u"), on: &model)
    for character in line { press(.character(character), on: &model) }
    press(.enter, on: &model)
  }

  /// The names of the columns, as they stand on the screen.
  private func names(_ model: Model) throws -> [String] {
    let pane = try #require(BrowseLayout(model).rect(of: .results))
    let line = Renderer.render(model, colors: .none).lines[pane.y + 1]
    return line.dropFirst(pane.x + 1).prefix(pane.width - 2).split(separator: " ").map(String.init)
  }

  /// Opens the list, does with some columns what a key does, and leaves it.
  private func toggle(_ wanted: String..., in model: inout Model) throws {
    press(.character("c"), on: &model)
    for name in wanted {
      press(.home, on: &model)
      let place = try #require(model.resultTable?.choosable.firstIndex { $0.title == name })
      for _ in 0..<place { press(.down, on: &model) }
      press(.character(" "), on: &model)
    }
    press(.escape, on: &model)
    #expect(model.keyContext == .browse)
  }

  @Test func theListHasAllFieldsInTheOrderOfTheTable() throws {
    let model = Browsing.query()
    #expect(
      model.resultTable?.choosable.map(\.title)
        == ["shard", "age", "email", "joined", "salary", "club", "name", "skills", "address", "bio", "encoded"])
    #expect(try names(model) == ["key", "shard", "age", "email", "encoded"])
  }

  /// Two columns of one name would be one too many, whatever the documents have.
  @Test func theBytesOfADocumentAreNoFieldOfIt() throws {
    var model = Browsing.query()
    for field in ["size", "Size", "encoded"] {
      let rows = try #require(model.browse.results?.rows).map { row in
        var row = row
        row.record = [field: 7]
        return row
      }
      model.browse.results?.rows = rows
      #expect(try names(model) == ["key", "shard", field] + (field == "encoded" ? ["as", "CBOR"] : ["encoded"]))
    }
  }

  @Test func fieldsThatOnlyLaterDocumentsHaveCanBeChosen() throws {
    var model = Browsing.query()
    model.browse.results?.rows[7].record["shoes"] = .int(44)
    try toggle("shoes", in: &model)
    #expect(try names(model).contains("shoes"))
  }

  @Test func aColumnIsTakenAwayAndPutBackAndTheKeyStays() throws {
    var model = Browsing.query()
    try toggle("email", in: &model)
    // Nothing takes its place that nobody asked for.
    #expect(try names(model) == ["key", "shard", "age", "encoded"])
    try toggle("shard", "age", "encoded", in: &model)
    #expect(try names(model) == ["key"])
    try toggle("age", "email", in: &model)
    #expect(try names(model) == ["key", "age", "email"])
  }

  @Test func whatIsChosenGetsTheRoomOfWhatIsWider() throws {
    var model = Browsing.query()
    try toggle("shard", "club", in: &model)
    #expect(try names(model) == ["key", "age", "email", "club", "encoded"])
  }

  @Test func whatHasNoRoomSaysSoAndComesBackOnAWiderScreen() throws {
    var model = Browsing.query()
    _ = model.update(.resize(width: 200, height: 60))
    try toggle("bio", "name", in: &model)
    let wide = try names(model)
    #expect(wide.contains("bio") && wide.contains("name"))
    #expect(!Renderer.render(model, colors: .none).lines.contains { $0.contains(" more ") && $0.contains("2 Results") })
    _ = model.update(.resize(width: 40, height: 24))
    let few = try names(model).count
    #expect(few < wide.count)
    let count = wide.count - few
    let title = "  \(count) column\(count == 1 ? "" : "s") more "
    let lines = Renderer.render(model, colors: .none).lines
    #expect(lines.contains { $0.contains("2 Results") && $0.contains(title) }, "\(title) in \(lines)")
    press(.character("c"), on: &model)
    #expect(Renderer.render(model, colors: .none).lines.contains { $0.contains("[x] bio") && $0.contains("no room") })
    _ = model.update(.resize(width: 200, height: 60))
    #expect(try names(model) == wide)
  }

  /// Half of a number is another number.
  @Test func numbersAreWholeOrNotThere() throws {
    var model = Browsing.query()
    model.browse.results?.rows[3].record["age"] = .int(1_377_557_908_123)
    try toggle("salary", "club", "joined", in: &model)
    for width in stride(from: 200, through: 40, by: -1) {
      _ = model.update(.resize(width: width, height: 30))
      let table = try #require(model.resultTable)
      for column in table.columns where column.isNumber {
        let cut = model.browse.results?.rows.first { displayWidth(column.text($0)) > column.width }
        #expect(cut == nil, "\(column.title) at \(width)")
      }
    }
  }

  @Test func theChoiceOutlivesQueriesLayoutsAndOtherViews() throws {
    var model = Browsing.query()
    try toggle("email", "shard", "club", in: &model)
    let chosen = try names(model)
    #expect(chosen == ["key", "age", "club", "encoded"])
    type("tag:club=Ajax", &model)
    press(.character("o"), .character("L"), .character("b"), .character("z"), .character("z"), on: &model)
    #expect(try names(model) == chosen)
    // As many as fit again.
    press(.character("c"), .character("0"), .escape, on: &model)
    #expect(try names(model) == ["key", "shard", "email", "age", "encoded"])
  }

  @Test func documentsOfAnotherKindShowWhatFitsOfThem() throws {
    var model = Browsing.query()
    try toggle("email", "age", in: &model)
    let record: Record = ["pages": 321, "age": 4, "author": "Ada"]
    let rows = model.browse.results?.rows.map { row in
      var row = row
      row.record = record
      return row
    }
    model.browse.results?.rows = try #require(rows)
    #expect(try names(model) == ["key", "shard", "pages", "author", "encoded"])
  }

  @Test func escapeLeavesTheListBeforeAnythingElse() {
    var model = Browsing.query()
    press(.character("c"), on: &model)
    #expect(model.keyContext == .columns)
    press(.escape, on: &model)
    #expect(model.keyContext == .browse && model.view == .browse)
    // The key that opens it closes it too, and a list that is left takes no keys.
    press(.character("c"), .character("c"), .character(" "), on: &model)
    #expect(model.keyContext == .browse && model.time != .live && model.browse.columns.isEmpty)
  }

  @Test func theListComesFromAnyPaneAndGoesWithTheResults() {
    var model = Browsing.query()
    _ = model.update(.resize(width: 60, height: 24))
    press(.character("3"), .character("c"), on: &model)
    #expect(model.browse.focus == .results && model.keyContext == .columns)
    model.browse.focus = .document
    #expect(model.keyContext == .browse)
  }

  @Test func withoutDocumentsThereIsNothingToChoose() {
    var model = Browsing.query()
    type("key x", &model)
    press(.character("c"), on: &model)
    #expect(model.keyContext == .browse)
    #expect(model.browse.notice == "no documents, so no columns to choose from")
  }

  @Test func aClickTogglesTheColumnUnderIt() throws {
    var model = Browsing.query()
    model.isMouseOn = true
    press(.character("c"), on: &model)
    let rows = try #require(ColumnPicker.rows(model))
    let place = try #require(model.resultTable?.choosable.firstIndex { $0.title == "email" })
    _ = model.update(.mouse(MouseEvent(action: .press, x: rows.x + 3, y: rows.y + place)))
    #expect(model.browse.columnPicker == place)
    #expect(try names(model) == ["key", "shard", "age", "encoded"])
    // Beside the list it does nothing.
    _ = model.update(.mouse(MouseEvent(action: .press, x: 3, y: 10)))
    #expect(model.browse.focus == .results && model.keyContext == .columns)
  }
}
