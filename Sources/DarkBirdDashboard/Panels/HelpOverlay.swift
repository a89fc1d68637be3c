import Terminal

/// All keys, from the key table.
enum HelpOverlay {
  private static let keyWidth = 16

  /// One line of the help: a heading, keys and what they do, or nothing.
  private struct Line {
    var keys = ""
    var text = ""
    var isHeading = false
  }

  static func lineCount(_ map: KeyMap, width: Int) -> Int { columns(map, width).map(\.count).max() ?? 0 }

  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let inner = Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2)
    let columns = columns(model.keyMap, rect.width)
    let count = columns.map(\.count).max() ?? 0
    let width = inner.width / columns.count
    let scroll = min(model.helpScroll ?? 0, max(0, count - inner.height))
    for (index, lines) in columns.enumerated() {
      let area = Rect(x: inner.x + index * width, y: inner.y, width: width - 1, height: inner.height)
      for (y, line) in lines.dropFirst(scroll).prefix(inner.height).enumerated() {
        if line.isHeading {
          painter.write(line.text, in: area, y: y, .strong)
        } else {
          painter.write(line.keys, in: area, x: 1, y: y, .key)
          painter.write(Format.clipped(line.text, area.width - keyWidth, painter.glyphs), in: area, x: keyWidth, y: y)
        }
      }
    }
    let hidden = count - scroll - inner.height
    painter.frame(rect, title: hidden > 0 ? "Keys   \(hidden) more below" : "Keys", focused: true)
  }

  /// Two columns where there is room, both of about the same length.
  private static func columns(_ map: KeyMap, _ width: Int) -> [[Line]] {
    let groups = KeyBinding.Group.allCases.map { lines(map, $0) }.filter { !$0.isEmpty }
    guard width >= 110 else { return [Array(groups.joined())] }
    let total = groups.reduce(0) { $0 + $1.count }
    var left: [Line] = []
    var right: [Line] = []
    for group in groups {
      if right.isEmpty, left.count + group.count / 2 <= total / 2 { left += group } else { right += group }
    }
    return [left, right]
  }

  private static func lines(_ map: KeyMap, _ group: KeyBinding.Group) -> [Line] {
    let bindings = map.bindings.filter { $0.group == group && !$0.keys.isEmpty }
    if bindings.isEmpty { return [] }
    var lines = [Line(text: group.rawValue, isHeading: true)]
    for binding in merged(bindings) {
      lines.append(Line(keys: binding.keys, text: binding.text))
    }
    if group == .everywhere {
      for (key, text) in KeyMap.signals { lines.append(Line(keys: key, text: text)) }
    }
    return lines + [Line()]
  }

  /// The six panels take one line.
  private static func merged(_ bindings: [KeyBinding]) -> [(keys: String, text: String)] {
    var result: [(keys: String, text: String)] = []
    for binding in bindings {
      if case .panel(let number) = binding.command {
        if number == 1 { result.append((keys: "1 ... 6", text: "panel of that number")) }
        continue
      }
      result.append((keys: binding.keys.map(\.name).joined(separator: " "), text: binding.help))
    }
    return result
  }
}
