internal import CNCurses

extension CursesScreen {
  /// Puts a run of cells into the window of ncurses.
  func put(_ run: Canvas.Run) {
    cellBuffer.removeAll(keepingCapacity: true)
    var scalars: [UInt32] = []
    var style = Style.plain
    var pen = pens.pen(for: style)
    for cell in run.cells where cell.width > 0 {
      if cell.style != style {
        style = cell.style
        pen = pens.pen(for: style)
      }
      scalars.removeAll(keepingCapacity: true)
      cell.glyph.forEachScalar { scalars.append($0.value) }
      if isUTF8 || scalars.allSatisfy({ $0 < 0x7F }) {
        append(scalars, pen)
      } else {
        for _ in 0..<cell.width { append([UInt32(UInt8(ascii: "?"))], pen) }
      }
    }
    // A wide character is one element here; ncurses gives it both columns.
    cncurses_put_cells(CInt(run.y), CInt(run.x), cellBuffer, CInt(cellBuffer.count))
  }

  private func append(_ scalars: [UInt32], _ pen: Pens.Pen) {
    var cell = cchar_t()
    cncurses_set_cell(&cell, scalars, CInt(scalars.count), pen.attributes, pen.pair)
    cellBuffer.append(cell)
  }
}

/// Styles as the open terminal has them: attributes and colour pairs, allocated when they are first used.
struct Pens {
  struct Pen {
    var attributes: CInt
    var pair: CInt
  }

  private struct Colors: Hashable {
    var foreground: CInt
    var background: CInt
  }

  let depth: ColorDepth
  private let colors: Int
  /// Whether the terminal can go back to its own colours; else light on dark stands in.
  private var hasOwn = false
  private var pens: [Style: Pen] = [:]
  private var pairs: [Colors: CInt] = [:]
  private let pairsMax: Int

  /// Starts the colours of ncurses, at most `limit`.
  init(limit: ColorDepth) {
    guard limit != .none, cncurses_start_color(&hasOwn) else {
      (depth, colors, pairsMax) = (.none, 0, 0)
      return
    }
    colors = Int(cncurses_colors())
    pairsMax = Int(cncurses_pairs())
    depth = colors >= 256 && limit == .full ? .full : colors >= 8 ? .sixteen : .none
  }

  mutating func pen(for style: Style) -> Pen {
    if let pen = pens[style] { return pen }
    var attributes = style.attributes
    var pair: CInt = 0
    if depth != .none, style.foreground != .default || style.background != .default {
      var foreground = number(style.foreground, ownStandIn: 7)
      var background = number(style.background, ownStandIn: 0)
      if colors < 16 {
        // Eight colours: bold makes a bright foreground, and there is no bright background.
        if foreground >= 8 { attributes.insert(.bold) }
        if foreground >= 0 { foreground &= 7 }
        if background >= 0 { background &= 7 }
      }
      pair = self.pair(Colors(foreground: foreground, background: background))
    }
    let pen = Pen(attributes: CInt(attributes.rawValue), pair: pair)
    pens[style] = pen
    return pen
  }

  private func number(_ color: Color, ownStandIn: CInt) -> CInt {
    guard case .palette(let index) = color else { return hasOwn ? -1 : ownStandIn }
    if depth == .sixteen { return CInt(Palette.sixteen(index)) }
    // A direct colour terminal takes 0xRRGGBB, except for the first eight, which are the palette's.
    guard colors > 256, index >= 8 else { return CInt(index) }
    let rgb = Palette.rgb(index)
    return CInt(rgb.red << 16 | rgb.green << 8 | rgb.blue)
  }

  /// The pair of these colours; the terminal's own once all pairs are taken.
  private mutating func pair(_ colors: Colors) -> CInt {
    if let pair = pairs[colors] { return pair }
    let next = CInt(pairs.count + 1)
    guard Int(next) < pairsMax, cncurses_define_pair(next, colors.foreground, colors.background) else { return 0 }
    pairs[colors] = next
    return next
  }
}
