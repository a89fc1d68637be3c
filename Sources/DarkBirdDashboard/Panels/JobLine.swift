import Terminal

/// One line of a job that runs: below the alerts of a view, and below the query whose results are exported.
enum JobLine {
  /// The newest one that has an end, and how many run.
  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let running = model.jobs.running
    guard let run = running.first(where: { $0.share != nil }) ?? running.first else { return }
    let key = model.keyMap.binding(named: "jobs")?.keys.first?.name ?? ""
    draw(
      run, key: key, running.count > 1 ? "jobs (\(running.count))" : "jobs", in: rect, with: &painter)
  }

  static func draw(_ run: JobRun, key: String, _ hint: String, in rect: Rect, with painter: inout Painter) {
    let hints = [Span(key, .key), Span(" \(hint) ", .label)]
    painter.writeRight(hints, in: rect, y: 0)
    let room = rect.width - hints.width - 2
    let figures = JobText.figures(run)
    let titleWidth = run.share == nil ? room - figures.fitted(width: room * 2 / 3).width - 2 : room / 3
    var x = painter.write(Format.clipped(run.title, max(8, titleWidth), painter.glyphs) + " ", in: rect, x: 1, y: 0)
    let width = min(30, room - x - 36)
    if let share = run.share, width >= 6 {
      painter.bar(share, in: rect, x: x, y: 0, width: width)
      x += width + 1
    }
    painter.write(
      figures.fitted(width: room - x), in: Rect(x: rect.x, y: rect.y, width: room, height: 1), x: x, y: 0)
  }
}
