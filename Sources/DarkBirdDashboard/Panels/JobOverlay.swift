import Terminal

/// What is asked about a job, over whatever view there is.
enum JobOverlay {
  static func draw(_ model: Model, in body: Rect, with painter: inout Painter) {
    if let asking = model.jobs.asking, asking.isConfirming {
      let job = model.jobs.kinds[asking.kind]
      ask(job.title(asking.answers), job.confirmation ?? "", in: body, with: &painter)
    } else if let asking = model.jobs.asking {
      let job = model.jobs.kinds[asking.kind]
      let place = asking.answers.count
      let number = job.questions.count > 1 ? "   \(place + 1) of \(job.questions.count)" : ""
      let label = job.questions[place].label + (job.questions[place].isOptional ? " (may be empty)" : "")
      let inner = frame(label + number, in: body, with: &painter)
      painter.write(asking.editor.spans(width: inner.width - 1), in: inner, y: 0)
    } else if let run = model.jobs.run(model.jobs.cancelling) {
      ask(run.title, "Cancel this job?", in: body, with: &painter)
    }
  }

  /// Yes or no.
  private static func ask(_ text: String, _ title: String, in body: Rect, with painter: inout Painter) {
    let inner = frame(title, in: body, with: &painter)
    let answers = [Span("y", .key), Span(" yes  "), Span("n", .key), Span(" no")]
    let room = inner.width - answers.width - 2
    painter.write(Format.clipped(text, room, painter.glyphs), in: inner, y: 0, .strong)
    painter.writeRight(answers, in: inner, y: 0)
  }

  private static func frame(_ title: String, in body: Rect, with painter: inout Painter) -> Rect {
    let width = min(78, body.width)
    let rect = Rect(x: body.x + (body.width - width) / 2, y: body.y, width: width, height: 3)
    painter.canvas.fill(rect)
    painter.frame(rect, title: title, focused: true)
    return Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: 1)
  }
}
