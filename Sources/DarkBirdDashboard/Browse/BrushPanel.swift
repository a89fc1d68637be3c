import DarkBird
import Terminal

/// The histogram of a range field with the brush over it.
enum BrushPanel {
  private static let axisWidth = 7

  static func title(_ model: Model, width: Int) -> String {
    guard let brush = model.browse.brush else { return "4 Brush" }
    guard let histogram = brush.histogram else { return "4 Brush: \(brush.field)" }
    let names = zip(["p5", "p50", "p95"], histogram.percentiles).map { "\($0) \(text($1))" }
    let long = "4 Brush: \(brush.field)   \(histogram.counts.count) buckets   " + names.joined(separator: "  ")
    return displayWidth(long) + 6 <= width ? long : "4 Brush: \(brush.field)"
  }

  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    guard let brush = model.browse.brush else { return }
    guard let histogram = brush.histogram else {
      let text = brush.isLoading ? "counting ..." : "nothing to draw: not two numbers or dates in this field"
      painter.write(Format.clipped(text, rect.width - 2, painter.glyphs), in: rect, x: 1, y: 0, .label)
      return
    }
    writeStatus(brush, histogram, model, in: rect, with: &painter)
    let height = rect.height - 2
    guard height >= 1 else { return }
    let area = Rect(x: rect.x + axisWidth, y: rect.y, width: rect.width - axisWidth - 1, height: height)
    let most = histogram.counts.max() ?? 0
    let top = Plot.niceCeiling(Double(most))
    painter.write(Format.right(Format.axis(top), axisWidth - 1), in: rect, y: 0, .label)
    if height >= 4 {
      painter.write(Format.right(Format.axis(top / 2), axisWidth - 1), in: rect, y: height / 2, .label)
    }
    for column in 0..<area.width {
      let buckets = Self.buckets(column, of: area.width, histogram.counts.count)
      let value = histogram.counts[buckets].max() ?? 0
      let isInside = brush.buckets.overlaps(buckets)
      for row in 0..<height {
        let glyph = Self.glyph(Double(value) / top, row: height - 1 - row, of: height, painter.glyphs)
        if let glyph { painter.write(glyph, in: area, x: column, y: row, isInside ? .write : .label) }
      }
    }
    writeAxis(
      brush, histogram, in: Rect(x: area.x, y: rect.y, width: area.width, height: rect.height), height, &painter)
  }

  /// The buckets that a column shows: one of them, or several where there is little room.
  private static func buckets(_ column: Int, of width: Int, _ count: Int) -> Range<Int> {
    let first = column * count / width
    return first..<max(first + 1, (column + 1) * count / width)
  }

  private static func glyph(_ share: Double, row: Int, of height: Int, _ glyphs: GlyphTier) -> String? {
    let levels = glyphs.levels
    let steps = levels.count
    guard share > 0 else { return nil }
    let all = max(1, Int((share * Double(height * steps)).rounded()))
    let filled = min(max(all - row * steps, 0), steps)
    return filled > 0 ? String(levels[filled - 1]) : nil
  }

  /// Below the bars: where the brush is, with brackets, and the values at its ends and at those of the field.
  private static func writeAxis(
    _ brush: Brush, _ histogram: RangeHistogram, in rect: Rect, _ y: Int, _ painter: inout Painter
  ) {
    let count = histogram.counts.count
    let columns = (0..<rect.width).filter { brush.buckets.overlaps(buckets($0, of: rect.width, count)) }
    guard let first = columns.first, let last = columns.last else { return }
    let line = painter.glyphs == .ascii ? "-" : "─"
    painter.write(String(repeating: line, count: rect.width), in: rect, y: y, .border)
    let bar = painter.glyphs == .ascii ? "=" : "━"
    painter.write(String(repeating: bar, count: last - first + 1), in: rect, x: first, y: y, .accent)
    painter.write("[", in: rect, x: first, y: y, .key)
    if last > first { painter.write("]", in: rect, x: last, y: y, .key) }
    let (low, high) = (text(histogram.edges[0]), text(histogram.edges[count]))
    if first > displayWidth(low) + 1 { painter.write(low, in: rect, y: y, .label) }
    if rect.width - 1 - last > displayWidth(high) + 1 {
      painter.write(high, in: rect, x: rect.width - displayWidth(high), y: y, .label)
    }
  }

  private static func writeStatus(
    _ brush: Brush, _ histogram: RangeHistogram, _ model: Model, in rect: Rect, with painter: inout Painter
  ) {
    let (first, end) = (brush.buckets.lowerBound, brush.buckets.upperBound)
    let isLast = end == histogram.counts.count
    let range = "\(text(histogram.edges[first])) \(isLast ? ".." : "..<") \(text(histogram.edges[end]))"
    var segments = [Segment(0, Span(range, .strong))]
    segments.append(.field(1, "", Format.grouped(brush.count)))
    segments[1].spans.append(Span(" documents", .label))
    if histogram.total > 0 {
      segments.append(Segment(2, Span(Format.percent(Double(brush.count) / Double(histogram.total)), .text)))
    }
    if brush.isLoading { segments.append(Segment(1, Span("counting ...", .warning))) }
    segments.append(Segment(3, Span("of all documents, other conditions aside", .label)))
    painter.write(segments.fitted(width: rect.width - 2), in: rect, x: 1, y: rect.height - 1)
  }

  private static func text(_ value: IndexValue) -> String { Format.shortDate(value.description) }
}
