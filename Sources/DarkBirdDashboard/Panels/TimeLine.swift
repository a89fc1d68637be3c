import Terminal

/// The line of time at the bottom: how much of the past is kept, and where the view is.
enum TimeLine {
  static func draw(_ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter) {
    guard let first = model.history.first, let last = model.history.last else { return }
    let capacity = UInt64(model.history.capacity) * 100_000_000
    let keys = [
      Span("Space", .key), Span(" pause  ", .label), Span("[ ]", .key), Span(" step  ", .label), Span("{ }", .key),
      Span(" ten ", .label),
    ]
    let start = painter.write(
      Format.right(Format.ago(seconds: Double(capacity) / 1e9), 5) + " ", in: rect, x: 1, y: 0, .label)
    let end = rect.width - keys.width - 6
    guard end - start >= 10 else { return }
    let span = Double(end - start - 1)
    /// The column of a time.
    func column(_ nanoseconds: UInt64) -> Int {
      let back = Double(last.nanoseconds - min(nanoseconds, last.nanoseconds)) / Double(max(1, capacity))
      return start + Int(((1 - min(1, back)) * span).rounded())
    }
    let (kept, lost, mark) = painter.glyphs == .ascii ? ("=", "-", "O") : ("━", "┄", "●")
    let oldest = column(first.nanoseconds)
    painter.write(String(repeating: lost, count: max(0, oldest - start)), in: rect, x: start, y: 0, .border)
    painter.write(String(repeating: kept, count: max(0, end - oldest)), in: rect, x: oldest, y: 0, .label)
    let isLive = model.time == .live
    painter.write(mark, in: rect, x: column(moment.sample.nanoseconds), y: 0, isLive ? .good : .warning)
    painter.write("now", in: rect, x: end + 1, y: 0, .label)
    painter.writeRight(keys, in: rect, y: 0, after: end + 4)
  }
}
