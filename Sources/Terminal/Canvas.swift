/// A picture made of character cells: what panels draw and screens show. A value; drawing outside of it is allowed and
/// does nothing.
///
/// A wide grapheme owns two cells, its own and an empty one to the right of it, both of one style. Drawing over one half
/// turns the other into a space.
public struct Canvas: Hashable, Sendable {
  /// A cell, counted from the top left corner.
  public struct Position: Hashable, Sendable {
    public var x: Int
    public var y: Int

    public init(x: Int, y: Int) {
      self.x = x
      self.y = y
    }
  }

  public let width: Int
  public let height: Int
  /// Where the terminal's own cursor goes: screen readers and magnifiers follow it. nil hides it.
  public var cursor: Position?
  /// Row by row, `width * height` of them.
  private(set) var cells: [Cell]

  /// A canvas of spaces. Negative sizes count as 0.
  public init(width: Int, height: Int) {
    self.width = max(0, width)
    self.height = max(0, height)
    cells = Array(repeating: .blank, count: self.width * self.height)
  }

  public var bounds: Rect { Rect(x: 0, y: 0, width: width, height: height) }

  /// The cell at (x, y); a blank one outside of the canvas. Setting clips as `write` does; setting the right half of a
  /// wide grapheme by hand makes a space.
  public subscript(x: Int, y: Int) -> Cell {
    get { contains(x, y) ? cells[y * width + x] : .blank }
    set {
      guard contains(x, y) else { return }
      place(newValue.glyph, x: x, y: y, style: newValue.style, end: width)
    }
  }

  /// Writes `text` from (x, y) to the right and returns the columns it took, so that `x + columns` is where the next text
  /// goes. Stops before the column `x + maxWidth` and at the edge; columns left of the canvas count, but are not drawn; a
  /// wide grapheme cut by an edge becomes a space. Control, bidi and other characters without a certain width are replaced by
  /// U+FFFD. A row outside of the canvas takes nothing.
  /// - Complexity: O(length of what fits).
  @discardableResult
  public mutating func write(
    _ text: String, x: Int, y: Int, style: Style = .plain, maxWidth: Int? = nil
  ) -> Int {
    guard y >= 0, y < height, x < width else { return 0 }
    let end = min(width, x.saturatingAdding(max(0, maxWidth ?? .max)))
    var column = x
    Glyph.forEach(in: text) { glyph in
      guard column < end else { return false }
      place(glyph, x: column, y: y, style: style, end: end)
      column = min(column + glyph.width, end)
      return true
    }
    return column - x
  }

  /// Fills the part of `rect` inside the canvas with one character. A wide character is repeated every two columns, with a
  /// space in the last column if it does not fit.
  public mutating func fill(_ rect: Rect, with character: Character = " ", style: Style = .plain) {
    let columns = rect.columns(within: width)
    let cell = Cell(String(character), style: style)
    let glyph = cell.glyph
    for y in rect.rows(within: height) {
      for x in stride(from: columns.lowerBound, to: columns.upperBound, by: glyph.width) {
        place(glyph, x: x, y: y, style: style, end: columns.upperBound)
      }
    }
  }

  /// Changes the style of the part of `rect` inside the canvas. A wide grapheme takes the style of its left half.
  public mutating func restyle(_ rect: Rect, _ change: (inout Style) -> Void) {
    let columns = rect.columns(within: width)
    for y in rect.rows(within: height) {
      for x in columns where cells[y * width + x].width > 0 {
        change(&cells[y * width + x].style)
        if cells[y * width + x].width == 2 { cells[y * width + x + 1].style = cells[y * width + x].style }
      }
    }
  }

  /// Draws another canvas with its top left corner at (x, y), clipped.
  public mutating func draw(_ other: Canvas, x: Int, y: Int) {
    for row in 0..<other.height {
      let targetY = y.saturatingAdding(row)
      guard targetY >= 0, targetY < height else { continue }
      for column in 0..<other.width {
        let cell = other.cells[row * other.width + column]
        let targetX = x.saturatingAdding(column)
        guard cell.width > 0, targetX < width else { continue }
        place(cell.glyph, x: targetX, y: targetY, style: cell.style, end: width)
      }
    }
  }

  private func contains(_ x: Int, _ y: Int) -> Bool { x >= 0 && x < width && y >= 0 && y < height }

  /// Puts one glyph into a row of the canvas; what would pass `end` or lies left of the canvas is cut off, and a wide glyph
  /// that is cut becomes a space.
  private mutating func place(_ glyph: Glyph, x: Int, y: Int, style: Style, end: Int) {
    guard x < end, x > -2 else { return }
    if glyph.width == 2, x < 0 || x + 2 > end {
      let visible = max(x, 0)
      if visible < min(x + 2, end) { store(.blank(style), x: visible, y: y) }
      return
    }
    guard x >= 0 else { return }
    if glyph.width == 2 {
      // The right half first: it frees the neighbour before the left half takes its place.
      store(.blank(style), x: x + 1, y: y)
      store(Cell(glyph, style: style), x: x, y: y)
      cells[y * width + x + 1] = .rightHalf(style)
    } else {
      store(Cell(glyph, style: style), x: x, y: y)
    }
  }

  /// Replaces one cell and turns the other half of a wide grapheme it belonged to into a space.
  private mutating func store(_ cell: Cell, x: Int, y: Int) {
    let index = y * width + x
    let old = cells[index]
    if old.width == 2 {
      cells[index + 1] = .blank(old.style)
    } else if old.width == 0 {
      cells[index - 1] = .blank(old.style)
    }
    cells[index] = cell
  }
}

extension Canvas {
  /// Cells side by side that differ between two canvases; it never begins or ends inside a wide grapheme.
  public struct Run: Hashable, Sendable {
    public let y: Int
    public let x: Int
    public let cells: [Cell]
  }

  /// What to draw over `old` so that it becomes this canvas: as few cells as possible. If the sizes differ, everything.
  /// - Complexity: O(cells).
  public func differences(from old: Canvas) -> [Run] {
    var runs: [Run] = []
    let sameSize = old.width == width && old.height == height
    for y in 0..<height {
      let row = y * width
      var x = 0
      while x < width {
        if sameSize, cells[row + x] == old.cells[row + x] {
          x += 1
          continue
        }
        let start = x
        while x < width, !sameSize || cells[row + x] != old.cells[row + x] { x += 1 }
        // The right half of a wide grapheme may equal the old one's.
        while x < width, cells[row + x].width == 0 { x += 1 }
        runs.append(Run(y: y, x: start, cells: Array(cells[row + start..<row + x])))
      }
    }
    return runs
  }

  /// Draws what `differences` found.
  package mutating func apply(_ runs: [Run]) {
    for run in runs {
      for (offset, cell) in run.cells.enumerated() where cell.width > 0 {
        self[run.x + offset, run.y] = cell
      }
    }
  }

  /// Whether every wide grapheme has its right half, in its style, and no right half stands alone.
  package var isConsistent: Bool {
    guard cells.count == width * height else { return false }
    for y in 0..<height {
      for x in 0..<width {
        let cell = self[x, y]
        let next = x + 1 < width ? self[x + 1, y] : .blank
        switch cell.width {
        case 0: if !cell.text.isEmpty || x == 0 || self[x - 1, y].width != 2 { return false }
        case 1: if displayWidth(cell.text) != 1 || next.width == 0 { return false }
        case 2: if next.width != 0 || next.style != cell.style || displayWidth(cell.text) != 2 { return false }
        default: return false
        }
      }
    }
    return true
  }
}
