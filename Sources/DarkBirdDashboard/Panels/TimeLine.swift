import Terminal

/// The line of time at the bottom: how much of the past is kept, what was marked in it, and where the view is.
enum TimeLine {
  /// Minutes that the line may stand for: the fewest that hold all that is kept.
  private static let spans: [UInt64] = [10, 30, 120]
  /// A shorter line is none.
  private static let lengthMin = 10

  static func draw(_ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter) {
    guard let first = model.history.first, let last = model.history.last else { return }
    let kept = last.nanoseconds - first.nanoseconds
    let minute: UInt64 = 60_000_000_000
    let span = (spans.first { $0 * minute >= kept } ?? spans[spans.count - 1]) * minute
    let right = notes(model, moment, width: rect.width / 3)
    let start = painter.write(
      Format.right(Format.ago(seconds: Double(span) / 1e9), 5) + " ", in: rect, x: 1, y: 0, .label)
    let end = rect.width - right.width - 6
    guard end - start >= lengthMin else { return }
    /// The column of a time.
    func column(_ nanoseconds: UInt64) -> Int {
      let back = Double(last.nanoseconds - min(nanoseconds, last.nanoseconds)) / Double(span)
      return start + Int(((1 - min(1, back)) * Double(end - start - 1)).rounded())
    }
    let (line, lost, here) = painter.glyphs == .ascii ? ("=", "-", "O") : ("━", "┄", "●")
    let oldest = column(first.nanoseconds)
    painter.write(String(repeating: lost, count: max(0, oldest - start)), in: rect, x: start, y: 0, .border)
    painter.write(String(repeating: line, count: max(0, end - oldest)), in: rect, x: oldest, y: 0, .label)
    for mark in model.allMarks where mark.nanoseconds + span >= last.nanoseconds {
      painter.write(mark.kind.letter, in: rect, x: column(mark.nanoseconds), y: 0, mark.kind.role)
    }
    let isLive = model.time == .live
    painter.write(here, in: rect, x: column(moment.sample.nanoseconds), y: 0, isLive ? .good : .warning)
    painter.write("now", in: rect, x: end + 1, y: 0, .label)
    painter.writeRight(right, in: rect, y: 0, after: end + 4)
  }

  /// Whether the keys of time stand on it.
  static func namesKeys(_ model: Model, in rect: Rect?) -> Bool {
    guard let rect, let shown = model.shown, markNear(shown, model) == nil else { return false }
    return rect.width - keys(model).width - 13 >= lengthMin
  }

  /// The mark that the view stands on, or the keys.
  private static func notes(_ model: Model, _ moment: Moment, width: Int) -> [Span] {
    guard let near = markNear(moment.sample, model) else { return keys(model) }
    return [
      Span("  " + near.kind.letter + " ", near.kind.role), Span(Format.clipped(near.text, width, model.glyphs) + " "),
    ]
  }

  private static func markNear(_ sample: Sample, _ model: Model) -> Mark? {
    guard model.time != .live else { return nil }
    let now = sample.nanoseconds
    return model.allMarks.last { $0.nanoseconds <= now && now - $0.nanoseconds < model.stepNanoseconds }
  }

  private static func keys(_ model: Model) -> [Span] {
    let keys = [
      ("pause", " pause  "), ("step-back", " "), ("step-forward", " step  "), ("leap-back", " "),
      ("leap-forward", " ten "),
    ]
    return keys.flatMap { name, text in
      [Span(model.keyMap.binding(named: name)?.keys.first?.name ?? "", .key), Span(text, .label)]
    }
  }
}
