import Terminal

/// All keys, from the key table.
enum HelpOverlay {
  /// A column that is narrower has no room for keys and words.
  private static let columnWidthMin = 53

  /// One line of the help: a heading, keys and what they do, or nothing.
  private struct Line {
    var keys = ""
    var text = ""
    var isHeading = false
  }

  /// The help in columns of the same width.
  private struct Layout {
    var columns: [[Line]]
    var columnWidth: Int
    /// Keys with the margin before them and the gap behind.
    var keyWidth: Int
    var height: Int { columns.map(\.count).max() ?? 0 }
  }

  static func lineCount(_ model: Model) -> Int { layout(model, innerWidth: model.width - 4).height }

  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let inner = Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2)
    let layout = layout(model, innerWidth: inner.width)
    let scroll = min(model.helpScroll ?? 0, max(0, layout.height - inner.height))
    for (index, lines) in layout.columns.enumerated() {
      let area = Rect(
        x: inner.x + index * layout.columnWidth, y: inner.y, width: layout.columnWidth - 1, height: inner.height)
      for (y, line) in lines.dropFirst(scroll).prefix(inner.height).enumerated() {
        if line.isHeading {
          painter.write(line.text, in: area, y: y, .strong)
        } else {
          painter.write(Format.clipped(line.keys, layout.keyWidth - 3, painter.glyphs), in: area, x: 1, y: y, .key)
          painter.write(line.text, in: area, x: layout.keyWidth, y: y)
        }
      }
    }
    let hidden = layout.height - scroll - inner.height
    painter.frame(rect, title: hidden > 0 ? "Keys   \(hidden) more below" : "Keys", focused: true)
  }

  /// As many columns as there is room for, all of about the same length, and no text cut.
  private static func layout(_ model: Model, innerWidth: Int) -> Layout {
    let count = max(1, innerWidth / columnWidthMin)
    let columnWidth = innerWidth / count
    // What can be done here comes first.
    let own = model.browse.focus == .brush && model.view == .browse ? [.brush, .browse] : groups(of: model.view)
    let order = own + KeyBinding.Group.allCases.filter { !own.contains($0) }
    let groups = order.map { entries(model.keyMap, $0) }.filter { !$0.isEmpty }
    let keyWidth = min(columnWidth / 2, (groups.joined().map { displayWidth($0.keys) }.max() ?? 0) + 3)
    let blocks = groups.map { $0.flatMap { wrapped($0, columnWidth - 1 - keyWidth) } }
    let total = blocks.reduce(0) { $0 + $1.count + 1 }
    // The lowest height that needs no more columns than there are.
    var height = total / count
    var columns = stacked(blocks, height)
    while columns.count > count {
      height += 1
      columns = stacked(blocks, height)
    }
    return Layout(columns: columns, columnWidth: columnWidth, keyWidth: keyWidth)
  }

  /// Groups one below the other with a line between them, and the next column where one would be longer than that.
  private static func stacked(_ blocks: [[Line]], _ height: Int) -> [[Line]] {
    var columns: [[Line]] = []
    for block in blocks {
      if let last = columns.last, last.count + 1 + block.count <= height {
        columns[columns.count - 1] += [Line()] + block
      } else {
        columns.append(block)
      }
    }
    return columns
  }

  private static func groups(of view: Model.View) -> [KeyBinding.Group] {
    switch view {
    case .overview: [.panels, .time, .events]
    case .browse: [.browse]
    case .alerts: [.alerts]
    case .workload: [.workload]
    case .jobs: [.jobs]
    case .tour: [.tour]
    }
  }

  private static func wrapped(_ line: Line, _ width: Int) -> [Line] {
    if line.isHeading { return [line] }
    return Format.wrapped(line.text, width).enumerated().map { index, text in
      Line(keys: index == 0 ? line.keys : "", text: text)
    }
  }

  private static func entries(_ map: KeyMap, _ group: KeyBinding.Group) -> [Line] {
    let bindings = map.bindings.filter { $0.group == group && !$0.keys.isEmpty }
    if bindings.isEmpty { return [] }
    var lines = [Line(text: group.rawValue, isHeading: true)] + merged(bindings)
    if group == .everywhere { lines += KeyMap.signals.map { Line(keys: $0.0, text: $0.1) } }
    return lines
  }

  private static func panelKeys(_ bindings: [KeyBinding]) -> String {
    let names = bindings.flatMap { binding -> [String] in
      if case .panel = binding.command { binding.keys.map(\.name) } else { [] }
    }
    return names == (1...6).map(String.init) ? "1 ... 6" : names.joined(separator: " ")
  }

  /// The six panels take one line, and so do saved queries.
  private static func merged(_ bindings: [KeyBinding]) -> [Line] {
    var lines: [Line] = []
    for binding in bindings {
      if case .panel(let number) = binding.command {
        if number == 1 { lines.append(Line(keys: panelKeys(bindings), text: "panel of that number")) }
        continue
      }
      if case .saved = binding.command {
        let keys = bindings.flatMap { other in
          if case .saved = other.command { other.keys.map(\.name) } else { [String]() }
        }
        let line = Line(keys: keys.joined(separator: " "), text: "saved query")
        if lines.last?.text != line.text { lines.append(line) }
        continue
      }
      lines.append(Line(keys: binding.keys.map(\.name).joined(separator: " "), text: binding.help))
    }
    return lines
  }
}
