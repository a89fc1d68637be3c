import Terminal

/// The command palette: a line to type in, and below it the commands that may be meant.
enum PaletteOverlay {
  /// As much as the longest explanation takes.
  private static let widthMax = 114
  private static let rowsMax = 16

  /// What lies below the lines around a view.
  static func body(_ model: Model) -> Rect { Rect(x: 0, y: 1, width: model.width, height: model.height - 2) }

  private static func rect(matches: Int, in body: Rect) -> Rect {
    let rows = min(rowsMax, max(1, body.height - 3), max(1, matches))
    let width = min(widthMax, body.width)
    return Rect(x: body.x + (body.width - width) / 2, y: body.y, width: width, height: rows + 3)
  }

  /// Where the commands stand, below the line that is typed.
  static func rows(_ model: Model) -> Rect? {
    guard let palette = model.palette else { return nil }
    let matches = palette.matches(in: model.keyMap).count
    let rect = rect(matches: matches, in: body(model))
    return Rect(x: rect.x + 1, y: rect.y + 2, width: rect.width - 2, height: min(matches, rect.height - 3))
  }

  static func draw(_ palette: CommandPalette, _ model: Model, in body: Rect, with painter: inout Painter) {
    let matches = palette.matches(in: model.keyMap)
    let rect = rect(matches: matches.count, in: body)
    let rows = rect.height - 3
    painter.canvas.fill(rect)
    let inner = Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2)
    painter.write([Span(":", .key)] + palette.editor.spans(width: inner.width - 2), in: inner, y: 0)
    let top = Scroll.top(0, keeping: palette.selected, visible: rows)
    let nameWidth = min(inner.width >= 100 ? 26 : 20, inner.width / 2)
    let keysWidth = inner.width >= 50 ? 14 : inner.width >= 36 ? 8 : 0
    for (row, binding) in matches.dropFirst(top).prefix(rows).enumerated() {
      let y = row + 1
      painter.write(Format.clipped(binding.name, nameWidth - 1, painter.glyphs), in: inner, y: y, .strong)
      if keysWidth > 0 {
        let keys = binding.keys.map(\.name).joined(separator: " ")
        painter.write(Format.clipped(keys, keysWidth - 1, painter.glyphs), in: inner, x: nameWidth, y: y, .key)
      }
      let x = nameWidth + keysWidth
      painter.write(Format.clipped(binding.help, inner.width - x, painter.glyphs), in: inner, x: x, y: y)
      if top + row == palette.selected { painter.select(inner, y: y) }
    }
    if matches.isEmpty { painter.write("no command of that name here", in: inner, y: 1, .label) }
    let hidden = matches.count - top - rows
    painter.frame(rect, title: hidden > 0 ? "Commands   \(hidden) more below" : "Commands", focused: true)
  }
}
