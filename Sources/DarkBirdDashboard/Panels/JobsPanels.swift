import Terminal

/// The screen of jobs: what runs and what has run, the newest first.
enum JobRunsPanel {
  private static let stateWidth = 10
  /// Of the reason why one failed.
  private static let resultLinesMax = 3

  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let runs = model.jobs.runs
    guard !runs.isEmpty else {
      let key = model.keyMap.binding(named: "panel-2")?.keys.first?.name ?? ""
      painter.write("nothing has run so far", in: rect, y: 0, .label)
      painter.write([Span(key, .key), Span(" goes to what can be started", .label)], in: rect, y: 1)
      return
    }
    var y = 0
    for run in runs.dropFirst(first(runs, model.jobs.selected, in: rect)) {
      guard y < rect.height else { return }
      draw(run, model, in: rect, y: y, with: &painter)
      if run.id == model.jobs.selectedID, model.jobs.focus == .runs { painter.select(rect, y: y) }
      y += height(run, rect.width)
    }
  }

  /// The place of the run on a line.
  static func place(at y: Int, _ model: Model, in rect: Rect) -> Int? {
    let runs = model.jobs.runs
    guard !runs.isEmpty, y >= rect.y else { return nil }
    var end = rect.y
    for place in first(runs, model.jobs.selected, in: rect)..<runs.count {
      end += height(runs[place], rect.width)
      if y < end { return place }
    }
    return nil
  }

  /// The first run to be shown, so that the selected one is whole.
  private static func first(_ runs: [JobRun], _ selected: Int, in rect: Rect) -> Int {
    var first = selected
    var room = rect.height - height(runs[selected], rect.width)
    while first > 0, height(runs[first - 1], rect.width) <= room {
      first -= 1
      room -= height(runs[first], rect.width)
    }
    return first
  }

  /// A line that names it, and what there is to say.
  private static func height(_ run: JobRun, _ width: Int) -> Int { 1 + max(1, result(run, width).count) }

  private static func result(_ run: JobRun, _ width: Int) -> [String] {
    let lines = Format.wrapped(JobText.result(run), width - stateWidth)
    guard lines.count > resultLinesMax else { return lines }
    // The rest is clipped where it is drawn.
    return Array(lines.prefix(resultLinesMax - 1)) + [lines.dropFirst(resultLinesMax - 1).joined(separator: " ")]
  }

  private static func draw(_ run: JobRun, _ model: Model, in rect: Rect, y: Int, with painter: inout Painter) {
    let (state, role) = JobText.state(run)
    painter.write(state, in: rect, y: y, role)
    let clock = run.date.map { Format.clock($0, in: model.zone) } ?? ""
    let time = run.isRunning ? clock : "\(clock) in \(JobText.lasting(run.report.seconds))"
    let isWide = rect.width >= 60
    let room = rect.width - stateWidth - (isWide ? time.count + 2 : 0)
    let end = painter.write(
      Format.clipped(run.title, room, painter.glyphs), in: rect, x: stateWidth, y: y, .strong)
    if isWide { painter.writeRight([Span(time, .label)], in: rect, y: y, after: end + 1) }
    guard run.isRunning else {
      for (row, line) in result(run, rect.width).enumerated() {
        painter.write(
          Format.clipped(line, rect.width - stateWidth, painter.glyphs), in: rect, x: stateWidth, y: y + 1 + row,
          role == .alert ? .warning : .text)
      }
      return
    }
    let figures = JobText.figures(run)
    let width = min(40, rect.width / 3 - 4)
    var x = stateWidth
    if let share = run.share, width >= 8 {
      painter.bar(share, in: rect, x: x, y: y + 1, width: width)
      x += width + 1
    } else if rect.width < 60 {
      x = 0
    }
    painter.write(figures.fitted(width: rect.width - x), in: rect, x: x, y: y + 1)
  }
}

/// What can be started.
enum JobKindsPanel {
  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let kinds = model.jobs.kinds
    guard !kinds.isEmpty else {
      painter.write("there is nothing to start here", in: rect, y: 0, .label)
      return
    }
    let nameWidth = nameWidth(kinds, rect)
    let selected = min(model.jobs.selectedKind, kinds.count - 1)
    let (top, heights) = rows(kinds, selected, rect)
    var y = 0
    for place in top..<kinds.count where y < rect.height {
      let kind = kinds[place]
      painter.write(Format.clipped(kind.name, nameWidth - 1, painter.glyphs), in: rect, y: y, .strong)
      let lines = Format.wrapped(kind.summary, rect.width - nameWidth, lines: heights[place], painter.glyphs)
      for (row, line) in lines.enumerated() { painter.write(line, in: rect, x: nameWidth, y: y + row) }
      if place == selected, model.jobs.focus == .kinds {
        for row in (0..<heights[place]).reversed() { painter.select(rect, y: y + row) }
      }
      y += heights[place]
    }
  }

  private static func nameWidth(_ kinds: [DashboardJob], _ rect: Rect) -> Int {
    min(kinds.map { displayWidth($0.name) }.max() ?? 0, rect.width / 2) + 2
  }

  /// The place of the kind on a line.
  static func place(at y: Int, _ model: Model, in rect: Rect) -> Int? {
    let kinds = model.jobs.kinds
    guard !kinds.isEmpty, y >= rect.y else { return nil }
    let (top, heights) = rows(kinds, min(model.jobs.selectedKind, kinds.count - 1), rect)
    var end = rect.y
    for place in top..<kinds.count {
      end += heights[place]
      if y < end { return place }
    }
    return nil
  }

  /// The first kind to be shown, so that the selected one is whole, and how many lines each has.
  private static func rows(_ kinds: [DashboardJob], _ selected: Int, _ rect: Rect) -> (top: Int, heights: [Int]) {
    let heights = heights(kinds, selected, rect.width - nameWidth(kinds, rect), rect.height)
    var top = 0
    while top < selected, heights[top...selected].reduce(0, +) > rect.height { top += 1 }
    return (top, heights)
  }

  /// All words of each if there is room for that, else of the selected one.
  private static func heights(_ kinds: [DashboardJob], _ selected: Int, _ width: Int, _ room: Int) -> [Int] {
    let all = kinds.map { min(max(1, Format.wrapped($0.summary, width).count), max(1, room)) }
    return all.reduce(0, +) <= room ? all : all.indices.map { $0 == selected ? all[$0] : 1 }
  }
}
