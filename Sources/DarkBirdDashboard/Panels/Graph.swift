import Terminal

/// A plot with its axes: amounts on the left, time below.
enum Graph {
  private static let axisWidth = 5

  /// Values that a graph of that width shows.
  static func valueCount(width: Int, _ glyphs: GlyphTier) -> Int {
    max(0, width - axisWidth - 1) * Plot.valuesPerColumn(glyphs)
  }

  /// Needs two lines or more; draws nothing in less.
  /// - Parameter behind: values to compare with, drawn as a line; as many as `values`, or none.
  static func draw(
    _ values: [PlotValue?], behind: [Double?] = [], _ model: Model, _ moment: Moment, in rect: Rect,
    with painter: inout Painter
  ) {
    guard rect.height >= 2 else { return }
    let plot = Rect(x: rect.x + axisWidth + 1, y: rect.y, width: rect.width - axisWidth - 1, height: rect.height - 1)
    let most = values.reduce(0) { max($0, $1?.total ?? 0) }
    let top = Plot.niceCeiling(behind.reduce(most) { max($0, $1 ?? 0) })
    let (line, corner) = painter.glyphs == .ascii ? ("|", "+") : ("│", "└")
    for y in 0..<plot.height { painter.write(line, in: rect, x: axisWidth, y: y, .border) }
    painter.write(Format.right(Format.axis(top), axisWidth), in: rect, y: 0, .label)
    if plot.height >= 5 {
      painter.write(Format.right(Format.axis(top / 2), axisWidth), in: rect, y: plot.height / 2, .label)
    }
    painter.write(Format.right("0", axisWidth), in: rect, y: rect.height - 1, .label)
    painter.write(corner, in: rect, x: axisWidth, y: rect.height - 1, .border)
    Plot.draw(values, top: top, in: plot, with: &painter)
    Plot.drawLine(behind, top: top, in: plot, with: &painter)
    let axis = Rect(x: plot.x, y: rect.y, width: plot.width, height: rect.height)
    TimeAxis.draw(
      reach: moment.reach(values.count), isLive: model.time == .live, in: axis, y: rect.height - 1, with: &painter)
  }
}
