import Terminal

/// Text in one role.
struct Span: Hashable, Sendable, ExpressibleByStringLiteral {
  var text: String
  var role: Role

  init(_ text: String, _ role: Role = .text) {
    self.text = text
    self.role = role
  }

  init(stringLiteral text: String) { self.init(text) }
}

extension [Span] {
  var width: Int { reduce(0) { $0 + displayWidth($1.text) } }
}

/// A part of a line that is shown whole or not at all. When the line is too narrow, the highest rank goes first.
struct Segment {
  var spans: [Span]
  var rank: Int

  init(_ rank: Int, _ spans: Span...) {
    self.rank = rank
    self.spans = spans
  }

  init(_ rank: Int, spans: [Span]) {
    self.rank = rank
    self.spans = spans
  }

  /// A label and its value, such as `rotated 240`.
  static func field(_ rank: Int, _ label: String, _ value: String, _ role: Role = .text) -> Segment {
    Segment(rank, spans: label.isEmpty ? [Span(value, role)] : [Span(label + " ", .label), Span(value, role)])
  }
}

extension [Segment] {
  /// The segments that fit, in their order, `gap` columns apart.
  func fitted(width: Int, gap: Int = 2) -> [Span] {
    var kept = [Int](indices)
    func total() -> Int {
      kept.reduce(0) { $0 + self[$1].spans.width } + gap * Swift.max(0, kept.count - 1)
    }
    while kept.count > 1, total() > width {
      // Of equal ranks the last one.
      var worst = 0
      for (place, index) in kept.enumerated() where self[index].rank >= self[kept[worst]].rank { worst = place }
      kept.remove(at: worst)
    }
    var spans: [Span] = []
    for index in kept {
      if !spans.isEmpty { spans.append(Span(String(repeating: " ", count: gap))) }
      spans += self[index].spans
    }
    return spans
  }
}

/// Draws into one canvas. Coordinates are relative to a rectangle, and nothing is drawn outside it.
struct Painter {
  var canvas: Canvas
  let theme: Theme
  let glyphs: GlyphTier

  /// - Returns: the column after the text, relative to the rectangle.
  @discardableResult
  mutating func write(_ text: String, in rect: Rect, x: Int = 0, y: Int, _ role: Role = .text) -> Int {
    guard y >= 0, y < rect.height, x >= 0, x < rect.width else { return x }
    if role == .caret { canvas.cursor = Canvas.Position(x: rect.x + x, y: rect.y + y) }
    return x + canvas.write(text, x: rect.x + x, y: rect.y + y, style: theme.style(role), maxWidth: rect.width - x)
  }

  @discardableResult
  mutating func write(_ spans: [Span], in rect: Rect, x: Int = 0, y: Int) -> Int {
    var column = x
    for span in spans { column = write(span.text, in: rect, x: column, y: y, span.role) }
    return column
  }

  /// Ends at the right edge; not drawn at all if that would cover what ends at column `after`.
  mutating func writeRight(_ spans: [Span], in rect: Rect, y: Int, after column: Int = 0) {
    let x = rect.width - spans.width
    if x >= column { write(spans, in: rect, x: x, y: y) }
  }

  /// A bar of `width` columns of which `fraction` is full.
  mutating func bar(_ fraction: Double, in rect: Rect, x: Int, y: Int, width: Int, _ role: Role = .bar) {
    guard width > 0 else { return }
    let share = min(max(fraction.isFinite ? fraction : 0, 0), 1)
    let full = min(width, share > 0 ? max(1, Int((share * Double(width)).rounded(.down))) : 0)
    write(String(repeating: glyphs.barFull, count: full), in: rect, x: x, y: y, role)
    write(String(repeating: glyphs.barEmpty, count: width - full), in: rect, x: x + full, y: y, .track)
  }

  mutating func frame(_ rect: Rect, title: String, focused: Bool) {
    canvas.box(
      rect, glyphs: glyphs, style: theme.style(focused ? .borderFocused : .border), title: title,
      titleStyle: theme.style(focused ? .titleFocused : .title), focused: focused)
  }

  /// Shows a row as selected, and puts the cursor there.
  mutating func select(_ rect: Rect, y: Int) {
    guard y >= 0, y < rect.height else { return }
    let style = theme.style(.selection)
    canvas.cursor = Canvas.Position(x: rect.x, y: rect.y + y)
    // One style for all of it: reversed colours of single words would be patches.
    canvas.restyle(Rect(x: rect.x, y: rect.y + y, width: rect.width, height: 1)) { $0 = style }
  }
}

extension GlyphTier {
  var barFull: Character { self == .ascii ? "#" : "█" }
  var barEmpty: Character { self == .ascii ? "-" : "░" }
  var selected: String { self == .ascii ? ">" : "▸" }
  var ellipsis: String { self == .ascii ? "~" : "…" }

  /// From nearly nothing to full, for sparklines.
  var levels: [Character] { self == .ascii ? Self.asciiLevels : Self.blockLevels }
  /// From few to many, for heat maps.
  var shades: [Character] { self == .ascii ? Self.asciiShades : Self.blockShades }

  private static let asciiLevels = Array("_.:-=+*#")
  private static let blockLevels = Array("▁▂▃▄▅▆▇█")
  private static let asciiShades = Array(".:-+*x%#")
  private static let blockShades = Array("··░░▒▒▓█")
}
