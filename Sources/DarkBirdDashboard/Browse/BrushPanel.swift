import DarkBird
import Terminal

/// The histogram of a range field with the brush over it: dim bars for all documents, and bright ones before them for those
/// that meet the query's other conditions.
enum BrushPanel {
  private static let axisWidth = 7

  static func title(_ model: Model, width: Int) -> String {
    guard let brush = model.browse.brush else { return "4 Brush" }
    guard let histogram = brush.histogram else { return "4 Brush: \(brush.field)" }
    let names = zip(["p5", "p50", "p95"], histogram.percentiles).map { "\($0) \(short($1))" }
    let start = "4 Brush: \(brush.field)" + (histogram.isLogarithmic ? "  log" : "")
    // Whatever part of them the brush and the query take: of all documents that are drawn.
    let whole = histogram.total == histogram.all ? "all" : "all drawn"
    let percentiles = "   of \(whole) \(Format.grouped(histogram.total)): " + names.joined(separator: "  ")
    let titles = [start + "   \(histogram.counts.count) buckets" + percentiles, start + percentiles]
    return titles.first { displayWidth($0) + 6 <= width } ?? start
  }

  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    guard let brush = model.browse.brush else { return }
    guard let histogram = brush.histogram else {
      let nothing = "nothing to draw: not two numbers below 1e15, or dates, in this field"
      let text = brush.isLoading ? "counting ..." : nothing
      painter.write(Format.clipped(text, rect.width - 2, painter.glyphs), in: rect, x: 1, y: 0, .label)
      return
    }
    let status = status(brush, histogram, matches: model.browse.results?.matches)
    painter.write(status.fitted(width: rect.width - 2), in: rect, x: 1, y: rect.height - 1)
    let height = rect.height - 2
    guard height >= 1 else { return }
    // Bright bars with a measure of their own have it on their own side.
    let right = hasTwoScales(histogram) ? axisWidth : 1
    let area = Rect(x: rect.x + axisWidth, y: rect.y, width: max(1, rect.width - axisWidth - right), height: height)
    writeBars(brush, histogram, in: area, with: &painter)
    writeLabels(histogram, height, in: rect, with: &painter)
    writeAxis(
      brush, histogram, in: Rect(x: area.x, y: rect.y, width: area.width, height: rect.height), height, &painter)
  }

  // MARK: Bars

  private static func most(_ counts: [Int]) -> Double { Plot.niceCeiling(Double(counts.max() ?? 0)) }

  /// What bright bars are measured by: the same as all others, unless they would be too low to have a shape.
  private static func brightTop(_ histogram: RangeHistogram) -> Double? {
    guard case .counted(let counts) = histogram.matching else { return nil }
    let (own, all) = (most(counts), most(histogram.counts))
    return own * 8 <= all ? own : all
  }

  private static func hasTwoScales(_ histogram: RangeHistogram) -> Bool {
    brightTop(histogram).map { $0 != most(histogram.counts) } ?? false
  }

  private static func writeBars(
    _ brush: Brush, _ histogram: RangeHistogram, in area: Rect, with painter: inout Painter
  ) {
    let top = most(histogram.counts)
    var bright: [Int]?
    if case .counted(let counts) = histogram.matching { bright = counts }
    let ownTop = brightTop(histogram)
    for column in 0..<area.width {
      let buckets = Self.buckets(column, of: area.width, histogram.counts.count)
      let isInside = brush.buckets.overlaps(buckets)
      func share(_ counts: [Int], of top: Double) -> Double { Double(counts[buckets].max() ?? 0) / top }
      for row in 0..<area.height {
        func glyph(_ share: Double) -> Character? {
          Self.glyph(share, row: area.height - 1 - row, of: area.height, painter.glyphs)
        }
        let all = glyph(share(histogram.counts, of: top))
        if let bright, let ownTop {
          if let glyph = glyph(share(bright, of: ownTop)) {
            // ASCII has too few signs for two kinds of bars with steps.
            let sign = painter.glyphs == .ascii ? "#" : String(glyph)
            painter.write(sign, in: area, x: column, y: row, isInside ? .write : .text)
          } else if let all {
            painter.write(String(faint(all, painter)), in: area, x: column, y: row, .label)
          }
        } else if let all {
          painter.write(String(all), in: area, x: column, y: row, isInside ? .write : .label)
        }
      }
    }
  }

  /// The buckets that a column shows: one of them, or several where there is little room.
  private static func buckets(_ column: Int, of width: Int, _ count: Int) -> Range<Int> {
    let first = column * count / width
    return first..<max(first + 1, (column + 1) * count / width)
  }

  private static func glyph(_ share: Double, row: Int, of height: Int, _ glyphs: GlyphTier) -> Character? {
    let levels = glyphs.levels
    let steps = levels.count
    guard share > 0 else { return nil }
    let all = max(1, Int((share * Double(height * steps)).rounded()))
    let filled = min(max(all - row * steps, 0), steps)
    return filled > 0 ? levels[filled - 1] : nil
  }

  /// Where no colour tells dim bars from bright ones, glyphs do.
  private static func faint(_ glyph: Character, _ painter: Painter) -> Character {
    if painter.glyphs == .ascii { return glyph == painter.glyphs.levels.last ? ":" : "." }
    return painter.theme.isColorless ? Plot.thin(glyph) : glyph
  }

  // MARK: Around the bars

  /// On the left: how many documents the bars are, and whether the axis is logarithmic. Bright bars that have a measure of their
  /// own have it on the right, and then both sides say whose measure they are.
  private static func writeLabels(
    _ histogram: RangeHistogram, _ height: Int, in rect: Rect, with painter: inout Painter
  ) {
    let top = most(histogram.counts)
    painter.write(Format.right(Format.axis(top), axisWidth - 1), in: rect, y: 0, .label)
    if height >= 4 {
      painter.write(Format.right(Format.axis(top / 2), axisWidth - 1), in: rect, y: height / 2, .label)
    }
    if let own = brightTop(histogram), hasTwoScales(histogram) {
      let x = rect.width - axisWidth + 1
      painter.write(Format.axis(own), in: rect, x: x, y: 0, .write)
      if height >= 2 {
        painter.write(Format.right("all", axisWidth - 1), in: rect, y: 1, .label)
        painter.write("match", in: rect, x: x, y: 1, .write)
      }
      if height >= 4 { painter.write(Format.axis(own / 2), in: rect, x: x, y: height / 2, .write) }
    }
    if histogram.isLogarithmic { painter.write(Format.right("log", axisWidth - 1), in: rect, y: height, .label) }
  }

  /// Below the bars: where the brush is, in brackets, the values at the ends of the field, and powers of ten on a logarithmic
  /// axis.
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
    // The brackets, and labels with a character on either side.
    var taken = [first..<first + 1, last..<last + 1]
    func write(_ label: String, at x: Int) {
      let place = x..<x + displayWidth(label)
      guard x >= 0, place.upperBound <= rect.width, !taken.contains(where: { $0.overlaps(place) }) else { return }
      taken.append(x - 1..<place.upperBound + 1)
      painter.write(label, in: rect, x: x, y: y, first..<last ~= x ? .accent : .label)
    }
    let (low, high) = (text(histogram.edges[0]), text(histogram.edges[count]))
    write(low, at: first == 0 ? 1 : 0)
    write(high, at: rect.width - displayWidth(high) - (last == rect.width - 1 ? 1 : 0))
    guard histogram.isLogarithmic else { return }
    for edge in 1..<count where isDecade(histogram.edges[edge]) {
      let x = (edge * rect.width + count - 1) / count
      write(text(histogram.edges[edge]), at: x)
    }
  }

  /// Zero, or a power of ten.
  private static func isDecade(_ value: IndexValue) -> Bool {
    let digits = value.description.filter { $0 != "-" && $0 != "0" && $0 != "." }
    return digits.isEmpty || digits == "1" || digits.hasPrefix("1e")
  }

  private static func status(_ brush: Brush, _ histogram: RangeHistogram, matches: Int?) -> [Segment] {
    var segments = [Segment(0, Span(brush.range.map(text) ?? "any value", .strong))]
    if case .counted = histogram.matching, let matches {
      segments.append(Segment(1, Span(Format.grouped(matches), .write), Span(" match", .label)))
    }
    segments.append(Segment(1, Span(Format.grouped(brush.count)), Span(" documents", .label)))
    if histogram.all > 0 {
      segments.append(Segment(2, Span(Format.percent(Double(brush.count) / Double(histogram.all)), .text)))
      segments.append(Segment(3, Span("of \(Format.grouped(histogram.all)) with \(brush.field)", .label)))
    }
    if brush.isLoading { segments.append(Segment(1, Span("counting ...", .warning))) }
    switch histogram.matching {
    case .all: break
    case .counted:
      let scale = hasTwoScales(histogram) ? "other conditions met, scale on the right" : "other conditions met"
      segments.append(Segment(4, Span("bright", .write), Span(": \(scale)", .label)))
    case .unknown: segments.append(Segment(4, Span("bars: all documents, too many to check the rest", .label)))
    }
    return segments
  }

  private static func text(_ range: IndexRange) -> String {
    if case .included(let low) = range.lower, case .included(let high) = range.upper, low == high { return text(low) }
    let lower =
      switch range.lower {
      case .unbounded: ""
      case .included(let value), .excluded(let value): text(value) + " "
      }
    return switch range.upper {
    case .unbounded: lower.isEmpty ? "any value" : lower + ".."
    case .included(let value): lower + ".. " + text(value)
    case .excluded(let value): lower + "..< " + text(value)
    }
  }

  /// Three digits and a unit: a percentile is no bound that somebody would type.
  private static func short(_ value: IndexValue) -> String {
    switch value {
    case .int(let whole) where abs(whole) >= 1_000: Format.short(Double(whole))
    case .double(let number) where abs(number) >= 1_000: Format.short(number)
    case .double(let number) where number.isFinite && abs(number) >= 0.1: Format.decimal(number, places: 1)
    case .bool, .int, .double, .date, .string: text(value)
    }
  }

  /// As short as the query line would read it and mean the same: `100k`, `2.5M`.
  private static func text(_ value: IndexValue) -> String {
    let number: Double
    switch value {
    case .int(let whole): number = Double(whole)
    case .double(let double): number = double
    case .bool, .date, .string: return Format.shortDate(value.description)
    }
    if abs(number) >= 10_000 {
      let short = Format.axis(number)
      if RangeText.number(short) == value { return short }
    }
    return number == number.rounded() && abs(number) < 1e15 ? Format.decimal(number, places: 0) : value.description
  }
}
