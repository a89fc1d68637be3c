import Terminal

/// One bar of a graph: how much of it is writes, and how much it is in all. nil in a plot: no data then.
struct PlotValue: Hashable, Sendable {
  var writes: Double
  var total: Double
}

/// An area graph in braille (2 x 4 dots a cell), blocks (8 steps a cell) or ASCII (3 steps a cell).
enum Plot {
  /// Values that one column of cells holds.
  static func valuesPerColumn(_ glyphs: GlyphTier) -> Int { glyphs == .braille ? 2 : 1 }

  /// Draws `values`, oldest first and as many as `rect.width * valuesPerColumn`, against `top`.
  static func draw(_ values: [PlotValue?], top: Double, in rect: Rect, with painter: inout Painter) {
    guard rect.width > 0, rect.height > 0, top > 0 else { return }
    let perColumn = valuesPerColumn(painter.glyphs)
    for column in 0..<rect.width {
      let first = column * perColumn
      let inColumn = (0..<perColumn).map { first + $0 < values.count ? values[first + $0] : nil }
      if inColumn.allSatisfy({ $0 == nil }) { continue }
      for row in 0..<rect.height {
        let rowFromBottom = rect.height - 1 - row
        guard let (glyph, role) = cell(inColumn, rowFromBottom, rect.height, top, painter.glyphs) else { continue }
        let isThin = painter.theme.isColorless && role == .read
        painter.write(String(isThin ? thin(glyph) : glyph), in: rect, x: column, y: row, role)
      }
    }
  }

  /// Draws a line over what is there: one character in each column that has a value.
  static func drawLine(_ values: [Double?], top: Double, in rect: Rect, with painter: inout Painter) {
    guard rect.height > 0, top > 0 else { return }
    let perColumn = valuesPerColumn(painter.glyphs)
    for column in 0..<rect.width {
      let known = (0..<perColumn).compactMap {
        column * perColumn + $0 < values.count ? values[column * perColumn + $0] : nil
      }
      guard let most = known.max(), most > 0, most.isFinite else { continue }
      let row = min(rect.height - 1, max(0, Int((most / top * Double(rect.height)).rounded(.up)) - 1))
      painter.write(
        ThroughputPanel.previousMark(painter.glyphs), in: rect, x: column, y: rect.height - 1 - row, .previous)
    }
  }

  private static func cell(
    _ values: [PlotValue?], _ row: Int, _ height: Int, _ top: Double, _ glyphs: GlyphTier
  ) -> (Character, Role)? {
    let steps = glyphs == .braille ? 4 : glyphs == .blocks ? 8 : 3
    /// Steps of this cell that a value fills.
    func filled(_ value: Double) -> Int {
      guard value > 0, value.isFinite else { return 0 }
      let all = max(1, Int((value / top * Double(height * steps)).rounded()))
      return min(max(all - row * steps, 0), steps)
    }
    let totals = values.map { filled($0?.total ?? 0) }
    guard totals.contains(where: { $0 > 0 }) else { return nil }
    let writes = values.map { filled($0?.writes ?? 0) }
    // A cell has one colour: that of the larger part of its dots.
    let role: Role = writes.reduce(0, +) * 2 > totals.reduce(0, +) ? .write : .read
    switch glyphs {
    case .braille: return (braille(left: totals[0], right: totals.count > 1 ? totals[1] : 0), role)
    case .blocks: return (GlyphTier.blocks.levels[totals[0] - 1], role)
    case .ascii: return (role == .write ? "#" : totals[0] == steps ? ":" : totals[0] == 2 ? ":" : ".", role)
    }
  }

  /// A cell of reads where there are no colours: every other dot of braille, a shade for blocks. Boldness alone tells nothing on
  /// many terminals.
  static func thin(_ glyph: Character) -> Character {
    guard let scalar = glyph.unicodeScalars.first else { return glyph }
    switch scalar.value {
    case 0x2801...0x28FF:
      let checked = scalar.value & 0xFF & 0b0110_1010
      return checked == 0 ? glyph : Unicode.Scalar(0x2800 + checked).map(Character.init) ?? glyph
    case 0x2581...0x2583: return "·"
    case 0x2584...0x2588: return "░"
    default: return glyph
    }
  }

  /// The braille pattern with that many dots filled from the bottom of its two columns.
  static func braille(left: Int, right: Int) -> Character {
    let leftDots: [UInt32] = [0, 0x40, 0x44, 0x46, 0x47]
    let rightDots: [UInt32] = [0, 0x80, 0xA0, 0xB0, 0xB8]
    let pattern = 0x2800 + leftDots[min(max(left, 0), 4)] + rightDots[min(max(right, 0), 4)]
    return Unicode.Scalar(pattern).map(Character.init) ?? " "
  }

  /// The smallest of 1, 2, 5, 10, 20 ... that is not below `value`: an axis that seldom changes.
  static func niceCeiling(_ value: Double) -> Double {
    guard value.isFinite, value > 1 else { return 1 }
    var decade = 1.0
    while decade * 10 < value { decade *= 10 }
    for step in [1.0, 2, 2.5, 5, 10] where step * decade >= value { return step * decade }
    return decade * 10
  }

  /// One character a value, between the smallest and the largest of them. Less than a hundredth of the largest is shown
  /// as none: noise must not look like a change.
  static func sparkline(_ values: [Double?], glyphs: GlyphTier) -> String {
    let known = values.compactMap { $0 }
    guard let low = known.min(), let high = known.max() else { return String(repeating: " ", count: values.count) }
    let levels = glyphs.levels
    let span = max(high - low, high.magnitude / 100)
    return String(
      values.map { value -> Character in
        guard let value else { return " " }
        return span > 0 ? levels[Int(((value - low) / span * Double(levels.count - 1)).rounded())] : levels[0]
      })
  }
}

extension Double {
  /// The binary logarithm of a positive number, by its exponent and a straight line between powers of two: good to 0.09,
  /// which is less than a line of any graph here, and the same on every machine.
  var log2Value: Double {
    guard self > 0, isFinite else { return 0 }
    return Double(exponent) + (significand - 1)
  }
}
