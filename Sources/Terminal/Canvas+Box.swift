extension Canvas {
  /// Draws a border along the inside of `rect` and `title`, if there is room, into its top edge. A focused box has double
  /// lines, or `=` in ASCII, so that focus shows without colour. What is inside stays as it is. Nothing is drawn if `rect` is
  /// smaller than 2x2.
  public mutating func box(
    _ rect: Rect, glyphs: GlyphTier, style: Style = .plain, title: String = "", titleStyle: Style? = nil,
    focused: Bool = false
  ) {
    guard rect.width >= 2, rect.height >= 2 else { return }
    let border = Border(glyphs, focused: focused)
    let right = rect.x.saturatingAdding(rect.width - 1)
    let bottom = rect.y.saturatingAdding(rect.height - 1)
    for y in [rect.y, bottom] {
      fill(Rect(x: rect.x, y: y, width: rect.width, height: 1), with: border.horizontal, style: style)
    }
    for x in [rect.x, right] {
      fill(Rect(x: x, y: rect.y, width: 1, height: rect.height), with: border.vertical, style: style)
    }
    for (x, y, corner) in [
      (rect.x, rect.y, border.topLeft), (right, rect.y, border.topRight),
      (rect.x, bottom, border.bottomLeft), (right, bottom, border.bottomRight),
    ] {
      fill(Rect(x: x, y: y, width: 1, height: 1), with: corner, style: style)
    }
    // Corner, line, space, title, space, corner.
    guard !title.isEmpty, rect.width >= 6 else { return }
    var x = rect.x.saturatingAdding(2)
    x += write(" ", x: x, y: rect.y, style: style)
    x += write(title, x: x, y: rect.y, style: titleStyle ?? style, maxWidth: rect.width - 5)
    write(" ", x: x, y: rect.y, style: style)
  }
}

/// The characters of a border.
private struct Border {
  let horizontal: Character
  let vertical: Character
  let topLeft: Character
  let topRight: Character
  let bottomLeft: Character
  let bottomRight: Character

  init(_ glyphs: GlyphTier, focused: Bool) {
    let characters: [Character] =
      switch (glyphs, focused) {
      case (.ascii, false): ["-", "|", "+", "+", "+", "+"]
      case (.ascii, true): ["=", "|", "+", "+", "+", "+"]
      case (.blocks, false), (.braille, false): ["─", "│", "┌", "┐", "└", "┘"]
      case (.blocks, true), (.braille, true): ["═", "║", "╔", "╗", "╚", "╝"]
      }
    horizontal = characters[0]
    vertical = characters[1]
    topLeft = characters[2]
    topRight = characters[3]
    bottomLeft = characters[4]
    bottomRight = characters[5]
  }
}
