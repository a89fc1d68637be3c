import Terminal

/// The line in which a note is written.
enum AnnotationOverlay {
  static func draw(_ annotation: Annotation, _ model: Model, in body: Rect, with painter: inout Painter) {
    let width = min(78, body.width)
    let rect = Rect(x: body.x + (body.width - width) / 2, y: body.y, width: width, height: 3)
    painter.canvas.fill(rect)
    let inner = Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: 1)
    painter.write(annotation.editor.spans(width: inner.width - 1), in: inner, y: 0)
    let clock = annotation.sample.flatMap(model.history.sample).map { Format.clock($0.date, in: model.zone) } ?? ""
    painter.frame(rect, title: "Note at \(clock)", focused: true)
  }
}
