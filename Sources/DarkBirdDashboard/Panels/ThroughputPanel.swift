import DarkBird
import Terminal

/// Operations a second over time, writes below reads, and by kind.
enum ThroughputPanel {
  static func draw(_ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter) {
    let values = values(moment, width: rect.width, painter.glyphs)
    drawSummary(model, moment, values, in: rect, with: &painter)

    let legend = legend(moment, width: rect.width, lines: rect.height >= 9 ? 2 : 1)
    for (index, spans) in legend.enumerated() {
      painter.write(spans, in: rect, y: rect.height - legend.count + index)
    }
    let graph = Rect(
      x: rect.x, y: rect.y + 1, width: rect.width, height: rect.height - 1 - legend.count)
    drawGraph(values.map { $0?.plot }, model, moment, in: graph, with: &painter)
  }

  static func drawGraph(_ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter) {
    let values = values(moment, width: rect.width, painter.glyphs).map { $0?.plot }
    drawGraph(values, model, moment, in: rect, with: &painter)
  }

  private static func drawGraph(
    _ values: [PlotValue?], _ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter
  ) {
    let previous = moment.columns(values.count).map { $0.flatMap { model.runs.previous(at: $0.end) } }
    Graph.draw(values, behind: previous, model, moment, in: rect, with: &painter)
  }

  /// How the graph shows the previous run.
  static func previousMark(_ glyphs: GlyphTier) -> String { glyphs == .ascii ? "-" : "─" }

  private struct Column {
    var plot: PlotValue
    /// Whether documents were loaded at that time: what the store did then were no operations of the workload.
    var isOfLoading: Bool
  }

  private static func values(_ moment: Moment, width: Int, _ glyphs: GlyphTier) -> [Column?] {
    moment.columns(Graph.valueCount(width: width, glyphs)) { slope in
      let writes = slope.perSecond { $0.writes }
      let total = writes + slope.perSecond { $0.reads }
      return Column(plot: PlotValue(writes: writes, total: total), isOfLoading: slope.earlier.isLoading)
    }
  }

  private static func drawSummary(
    _ model: Model, _ moment: Moment, _ columns: [Column?], in rect: Rect, with painter: inout Painter
  ) {
    let writes = moment.rates?.perSecond { $0.operations.writes } ?? 0
    let reads = moment.rates?.perSecond { $0.operations.reads } ?? 0
    let highest = columns.compactMap(\.self).max { $0.plot.total < $1.plot.total }
    let peak = max(highest?.plot.total ?? 0, writes + reads)
    let isPeakOfLoading = peak > writes + reads && highest?.isOfLoading ?? false
    let isLoading = moment.rates?.earlier.workload?.progress.isLoading ?? false
    let swatches = painter.glyphs == .ascii ? ("#", ":") : ("■", painter.theme.isColorless ? "░" : "■")
    let names = rect.width >= 44 ? ("writes", "reads") : ("w", "r")
    func rate(_ value: Double) -> String { Format.right(Format.rate(value), 6) }
    var segments = [
      Segment(0, spans: [Span(rate(writes + reads) + "/s", .strong)] + (isLoading ? [Span(" loading", .accent)] : [])),
      Segment(1, Span("\(swatches.0) \(names.0) ", .write), Span(rate(writes))),
      Segment(1, Span("\(swatches.1) \(names.1) ", .read), Span(rate(reads))),
      Segment(3, Span(isPeakOfLoading ? "peak of loading " : "peak ", .label), Span(rate(peak))),
      Segment(4, Span("window ", .label), Span(Format.ago(seconds: Double(model.windowSeconds)).dropMinus)),
    ]
    // The line in the graph has no other name than this.
    if let previous = model.runs.previous(at: moment.sample.nanoseconds) {
      let name = previousMark(painter.glyphs) + (rect.width >= 44 ? " previous run " : " prev ")
      segments.append(Segment(2, Span(name, .previous), Span(rate(previous))))
    }
    if let load = moment.sample.workload?.summary { segments.append(Segment(5, Span(load, .label))) }
    painter.write(segments.fitted(width: rect.width), in: rect, y: 0)
  }

  /// Kinds that ever happened, with their rates; in a few lines or, if that is too much, without the rarer ones.
  private static func legend(_ moment: Moment, width: Int, lines: Int) -> [[Span]] {
    let used = StoreStatistics.Operations.shown.filter { moment.sample.statistics.operations[keyPath: $0.counter] > 0 }
    guard !used.isEmpty else { return [[Span("no operation yet", .label)]] }
    let fields = used.map { kind in
      let rate = moment.rates?.perSecond { $0.operations[keyPath: kind.counter] } ?? 0
      return [
        Span(Format.left(kind.label, 4), kind.isWrite ? .write : .read), Span(Format.right(Format.rate(rate), 6)),
      ]
    }
    let perLine = max(1, (width + 2) / 12)
    return stride(from: 0, to: fields.count, by: perLine).prefix(lines).map { start in
      Array(fields[start..<min(start + perLine, fields.count)].joined(separator: [Span("  ")]))
    }
  }
}

extension String {
  fileprivate var dropMinus: String { hasPrefix("-") ? String(dropFirst()) : self }
}
