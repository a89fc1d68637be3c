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

  static func draw(_ tour: TourState, _ model: Model, in rect: Rect, with painter: inout Painter) {
    let text = TourText(tour, in: rect)
    let top = text.top(tour.scroll)
    for (y, line) in text.lines.dropFirst(top).prefix(text.visible).enumerated() {
      painter.write(line, in: rect, y: y)
    }
    drawState(tour, model, above: top, below: text.lines.count - top - text.visible, in: rect, with: &painter)
  }

  private static func drawState(
    _ tour: TourState, _ model: Model, above: Int, below: Int, in rect: Rect, with painter: inout Painter
  ) {
    let y = rect.height - 1
    func key(_ name: String) -> String { model.keyMap.binding(named: name)?.keys.first?.name ?? "" }
    var segments: [Segment] = []
    switch tour.phase {
    case .running where tour.isHeld:
      segments.append(Segment(0, Span("it waits", .warning)))
      segments.append(Segment(1, Span(key("pause"), .key), Span(" goes on", .label)))
    case .running:
      segments.append(Segment(0, Span("it happens now", .good)))
      segments.append(Segment(3, Span(key("pause"), .key), Span(" holds it", .label)))
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
    segments.append(Segment(2, Span(key("terms"), .key), Span(" terms", .label)))
    let (up, down) = (Span(key("up"), .key), Span(key("down"), .key))
    if above > 0, below > 0 {
      segments.append(Segment(1, up, Span("/"), down, Span(" more", .label)))
    } else if above > 0 || below > 0 {
      segments.append(Segment(1, above > 0 ? up : down, Span(" \(max(above, below)) more", .label)))
    }
    painter.write(segments.fitted(width: rect.width), in: rect, y: y)
  }

  /// In the place of the panels while there is no store that they could show.
  static func draw(_ absence: TourAbsence, in rect: Rect, with painter: inout Painter) {
    var y = 0
    for line in Format.wrapped(absence.reason, rect.width) {
      painter.write(line, in: rect, y: y, .label)
      y += 1
    }
    for (row, line) in Format.wrapped(absence.news, rect.width).enumerated() {
      painter.write(line, in: rect, y: y + 1 + row, absence.isAlarm ? .alert : .strong)
    }
  }
}

/// The lines of a chapter: what is told, what came out, and where it is done. Where not all of them fit, the newest result
/// is in sight, also for those who do not scroll.
struct TourText {
  private(set) var lines: [[Span]] = []
  /// Lines that are seen at once; the last one of the panel says how it goes on, and does not move.
  let visible: Int
  /// The first line that is seen while the newest result is.
  private(set) var newestTop = 0

  /// Fewer have no room for empty lines between the paragraphs.
  private static let visibleMin = 24

  init(_ tour: TourState, in rect: Rect) {
    visible = max(1, rect.height - 1)
    fill(tour, rect.width, isLow: visible < Self.visibleMin)
    if lines.count > visible { fill(tour, rect.width, isLow: true) }
  }

  func top(_ scroll: Int?) -> Int { min(scroll ?? newestTop, max(0, lines.count - visible)) }

  private mutating func fill(_ tour: TourState, _ width: Int, isLow: Bool) {
    lines = []
    func gap() { if !isLow, !lines.isEmpty { lines.append([]) } }
    for paragraph in tour.chapter.paragraphs {
      gap()
      lines += Format.wrapped(paragraph, width).map { [Span($0)] }
    }
    newestTop = 0
    if !tour.facts.isEmpty {
      gap()
      lines.append([Span("What happened", .label)])
      for fact in tour.facts { lines += Self.lines(fact, width) }
      newestTop = max(0, lines.count - visible)
    }
    gap()
    lines.append([Span("Where, in \(TourChapter.source)", .label)])
    lines += tour.chapter.files.map { [Span($0, .accent)] }
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
}
