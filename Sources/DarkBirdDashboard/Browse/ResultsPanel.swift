import DarkBird
import Terminal

/// The documents that were found, one a line.
enum ResultsPanel {
  /// Of a pane: its borders, the mark of the selected row with a blank, a blank and what became of a row.
  static let columnsBesideTable = 6

  /// What the marks beside rows mean stands here while there are any, and how many chosen columns have no room; for that the
  /// number of all gives way.
  static func title(_ model: Model, width: Int) -> String {
    guard let results = model.browse.results, !results.rows.isEmpty else { return "2 Results" }
    // The store has only its documents of now: whoever looks at the past of everything else must be told.
    let date = model.time == .live ? nil : results.date
    let (first, last) = (results.offset + 1, results.offset + results.rows.count)
    let range = (results.isAbout ? "about " : "") + "\(Format.grouped(first))-\(Format.grouped(last))"
    let start = "2 Results" + (date.map { " as of \(Format.clock($0, in: model.zone))" } ?? "") + "  " + range
    let total = results.count.map { " of \(Format.grouped($0))" } ?? " and more"
    let shortTotal = results.count.map { " of \(Format.short($0))" } ?? total
    let hidden = model.browse.columns.isEmpty ? 0 : model.resultTable?.hiddenCount ?? 0
    let notes =
      (results.fates.isEmpty ? "" : "  * changed  x removed")
      + (hidden == 0 ? "" : "  \(hidden) column\(hidden == 1 ? "" : "s") more")
    guard !notes.isEmpty else { return start + total }
    let titles = [total, shortTotal, ""].map { start + $0 + notes }
    return titles.first { displayWidth($0) + 5 <= width } ?? start + total
  }

  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    guard let results = model.browse.results else { return }
    if results.rows.isEmpty {
      let text =
        results.failure ?? (results.isRunning ? "running ..." : emptyText(results.selection))
      painter.write(Format.clipped(text, rect.width - 2, painter.glyphs), in: rect, x: 1, y: 0, .label)
      return
    }
    guard let columns = model.resultTable?.columns else { return }
    for column in columns {
      let title = Format.clipped(column.title, column.width, painter.glyphs)
      let text = column.isNumber ? Format.right(title, column.width) : title
      painter.write(text, in: rect, x: 2 + column.x, y: 0, .label)
    }
    let visible = max(0, rect.height - 1)
    let top = Scroll.top(results.top, keeping: results.selected, visible: max(1, visible))
    for (line, row) in results.rows.dropFirst(top).prefix(visible).enumerated() {
      let y = line + 1
      for column in columns {
        let text = Format.clipped(column.text(row), column.width, painter.glyphs)
        let aligned = column.isNumber ? Format.right(text, column.width) : text
        painter.write(aligned, in: rect, x: 2 + column.x, y: y, column.role)
      }
      let isSelected = top + line == results.selected
      if isSelected, model.browse.focus == .results { painter.select(rect, y: y) }
      if let fate = results.fates[row.key] {
        let role: Role =
          isSelected && model.browse.focus == .results ? .selection : fate == .removed ? .alert : .warning
        painter.write(fate == .removed ? "x" : "*", in: rect, x: rect.width - 1, y: y, role)
      }
      guard isSelected else { continue }
      painter.write(painter.glyphs.selected, in: rect, y: y, model.browse.focus == .results ? .selection : .label)
    }
  }

  private static func emptyText(_ selection: Selection) -> String {
    switch selection {
    case .key(let key): "no document with key \(key)"
    case .unique(let index, let value): "no document with \(index) \(value)"
    case .shard(let number): "no document in shard \(number)"
    case .query(let query, _): query.isUnconditional ? "the store is empty" : "no document matches"
    }
  }
}
