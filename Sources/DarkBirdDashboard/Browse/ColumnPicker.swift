import Terminal

/// The list of the columns that the results can have, over the rows and below the names of those they have.
enum ColumnPicker {
  private static let note = "no room"

  private static func rect(_ columns: [ResultColumn], _ model: Model) -> Rect? {
    guard let pane = BrowseLayout(model).rect(of: .results) else { return nil }
    let names = columns.map { displayWidth($0.title) }.max() ?? 0
    // Borders with a blank each, the box, a gap, the note.
    let width = min(max(28, 4 + 4 + names + 2 + note.count), pane.width - 2)
    let height = min(max(1, columns.count) + 2, pane.height - 2)
    return Rect(x: pane.x + pane.width - 1 - width, y: pane.y + 2, width: width, height: height)
  }

  /// Where the columns stand.
  static func rows(_ model: Model) -> Rect? {
    guard let columns = model.resultTable?.choosable, let rect = rect(columns, model) else { return nil }
    return Rect(x: rect.x + 1, y: rect.y + 1, width: rect.width - 2, height: rect.height - 2)
  }

  static func draw(_ model: Model, with painter: inout Painter) {
    let table = model.resultTable
    let columns = table?.choosable ?? []
    guard let rect = rect(columns, model), let picked = model.browse.columnPicker else { return }
    let inner = Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2)
    let selected = min(picked, columns.count - 1)
    let top = Scroll.top(0, keeping: selected, visible: inner.height)
    let hidden = columns.count - top - inner.height
    painter.canvas.fill(rect)
    painter.frame(rect, title: hidden > 0 ? "Columns   \(hidden) more below" : "Columns", focused: true)
    guard let table, !columns.isEmpty else {
      painter.write("no documents", in: inner, y: 0, .label)
      return
    }
    for (y, column) in columns.dropFirst(top).prefix(inner.height).enumerated() {
      let isWanted = table.isWanted(column.id)
      let hasNote = isWanted && !table.isShown(column.id)
      let x = painter.write(isWanted ? "[x] " : "[ ] ", in: inner, y: y, isWanted ? .strong : .label)
      let room = inner.width - x - (hasNote ? note.count + 1 : 0)
      painter.write(Format.clipped(column.title, room, painter.glyphs), in: inner, x: x, y: y)
      if hasNote { painter.writeRight([Span(note, .warning)], in: inner, y: y) }
      if top + y == selected { painter.select(inner, y: y) }
    }
  }
}
