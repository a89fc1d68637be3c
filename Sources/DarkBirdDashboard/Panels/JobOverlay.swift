import Terminal

extension KeyMap {
  /// How a question is answered.
  var answers: [Span] {
    let (yes, no) = (key(of: .yes, in: .question), key(of: .no, in: .question))
    return [Span(yes, .key), Span(" yes  "), Span(no, .key), Span(" no")]
  }
}

/// What is asked about a job, over whatever view there is.
enum JobOverlay {
  static func draw(_ model: Model, in body: Rect, with painter: inout Painter) {
    if let asking = model.jobs.asking, asking.isConfirming {
      let job = model.jobs.kinds[asking.kind]
      ask(job.title(asking.answers), job.confirmation ?? "", model.keyMap.answers, in: body, with: &painter)
    } else if let asking = model.jobs.asking {
      let job = model.jobs.kinds[asking.kind]
      let place = asking.answers.count
      let number = job.questions.count > 1 ? "   \(place + 1) of \(job.questions.count)" : ""
      let label = job.questions[place].label + (job.questions[place].isOptional ? " (may be empty)" : "")
      let inner = frame(label + number, in: body, with: &painter)
      painter.write(asking.editor.spans(width: inner.width - 1), in: inner, y: 0)
    } else if let run = model.jobs.run(model.jobs.cancelling) {
      ask(run.title, "Cancel this job?", model.keyMap.answers, in: body, with: &painter)
    }
  }

  /// Yes or no.
  private static func ask(
    _ text: String, _ title: String, _ answers: [Span], in body: Rect, with painter: inout Painter
  ) {
    let room = min(widthMax, body.width) - 4 - answers.width - 2
    let lines = Format.wrapped(text, room, lines: linesMax, painter.glyphs)
    let inner = frame(title, lines: lines.count, in: body, with: &painter)
    for (y, line) in lines.enumerated() {
      painter.write(Format.clipped(line, room, painter.glyphs), in: inner, y: y, .strong)
    }
    painter.writeRight(answers, in: inner, y: 0)
  }

  private static let widthMax = 78
  private static let linesMax = 3

  /// A title that has no room in the border goes on in lines of its own below it.
  private static func frame(_ title: String, lines: Int = 1, in body: Rect, with painter: inout Painter) -> Rect {
    let width = min(widthMax, body.width)
    let words = displayWidth(title) + 6 > width ? Format.wrapped(title, width - 4) : []
    let rect = Rect(
      x: body.x + (body.width - width) / 2, y: body.y, width: width, height: words.count + max(1, lines) + 2)
    painter.canvas.fill(rect)
    painter.frame(rect, title: words.isEmpty ? title : "", focused: true)
    let inner = Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2)
    for (y, line) in words.enumerated() { painter.write(line, in: inner, y: y, .label) }
    return Rect(x: inner.x, y: inner.y + words.count, width: inner.width, height: inner.height - words.count)
  }
}
