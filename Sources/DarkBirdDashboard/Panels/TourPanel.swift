import Terminal

/// The text of a chapter: what happens, what came out, which file does it, and how it goes on.
enum TourPanel {
  static func title(_ tour: TourState) -> String {
    "\(tour.chapter.number)/\(TourChapter.allCases.count) \(tour.chapter.title)"
  }

  static func inner(_ layout: TourLayout) -> Rect {
    let rect = layout.text
    return Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2)
  }

  /// The last line says how it goes on, and does not move.
  static func visibleLines(_ layout: TourLayout) -> Int { max(1, inner(layout).height - 1) }

  static func lineCount(_ tour: TourState, width: Int) -> Int { lines(tour, width: width, isLow: false).count }

  static func draw(_ tour: TourState, _ model: Model, in rect: Rect, with painter: inout Painter) {
    let visible = max(1, rect.height - 1)
    var lines = lines(tour, width: rect.width, isLow: false)
    // Without the empty lines it may fit.
    if lines.count > visible { lines = self.lines(tour, width: rect.width, isLow: true) }
    let top = min(tour.scroll, max(0, lines.count - visible))
    for (y, line) in lines.dropFirst(top).prefix(visible).enumerated() { painter.write(line, in: rect, y: y) }
    let hidden = lines.count - top - visible
    drawState(tour, model, hidden: hidden, in: rect, with: &painter)
  }

  private static func lines(_ tour: TourState, width: Int, isLow: Bool) -> [[Span]] {
    var lines: [[Span]] = []
    func gap() { if !isLow, !lines.isEmpty { lines.append([]) } }
    for paragraph in tour.chapter.paragraphs {
      gap()
      lines += Format.wrapped(paragraph, width).map { [Span($0)] }
    }
    if !tour.facts.isEmpty {
      gap()
      lines.append([Span("What happened", .label)])
    }
    for fact in tour.facts { lines += self.lines(fact, width) }
    gap()
    lines.append([Span("Where, in \(TourChapter.source)", .label)])
    return lines + tour.chapter.files.map { [Span($0, .accent)] }
  }

  /// The name on the left, the figure on the right; below each other where they do not fit.
  private static func lines(_ fact: TourFact, _ width: Int) -> [[Span]] {
    let missing = width - displayWidth(fact.name) - displayWidth(fact.text)
    if missing >= 2 {
      return [[Span(fact.name), Span(String(repeating: " ", count: missing)), Span(fact.text, .strong)]]
    }
    return Format.wrapped(fact.name, width).map { [Span($0)] }
      + broken(fact.text, width - 2).map { [Span("  "), Span($0, .strong)] }
  }

  /// Words that are longer than a line, such as names of files, are cut into lines too.
  private static func broken(_ text: String, _ width: Int) -> [String] {
    guard width > 0 else { return [] }
    return Format.wrapped(text, width).flatMap { line in
      var rest = line[...]
      var parts: [String] = []
      while displayWidth(String(rest)) > width {
        parts.append(String(rest.prefix(width)))
        rest = rest.dropFirst(width)
      }
      return parts + (rest.isEmpty ? [] : [String(rest)])
    }
  }

  private static func drawState(
    _ tour: TourState, _ model: Model, hidden: Int, in rect: Rect, with painter: inout Painter
  ) {
    let y = rect.height - 1
    func key(_ name: String) -> String { model.keyMap.binding(named: name)?.keys.first?.name ?? "" }
    var segments: [Segment] = []
    switch tour.phase {
    case .running: segments.append(Segment(0, Span("it happens now", .good)))
    case .failed(let reason):
      painter.write(Format.clipped("failed: \(reason)", rect.width, painter.glyphs), in: rect, y: y, .alert)
      return
    case .done:
      if let seconds = tour.seconds {
        let now = model.history.last?.nanoseconds ?? 0
        let spent = Double(now - min(tour.since ?? now, now)) / 1e9
        segments.append(Segment(0, Span("goes on in \(max(0, Int((seconds - spent).rounded(.up))))s", .good)))
      } else if tour.chapter.next != nil {
        segments.append(Segment(0, Span(key("tour-next"), .key), Span(" next chapter", .label)))
      } else {
        segments.append(Segment(0, Span("the end", .good), Span("  "), Span(key("quit"), .key), Span(" quits", .label)))
      }
    }
    if hidden > 0 { segments.append(Segment(1, Span(key("down"), .key), Span(" \(hidden) more", .label))) }
    painter.write(segments.fitted(width: rect.width), in: rect, y: y)
  }
}
