import Terminal

/// The line of time under a graph: how far its left end lies back, and `now`.
enum TimeAxis {
  static func draw(reach: UInt64, isLive: Bool, in rect: Rect, y: Int, with painter: inout Painter) {
    let line = painter.glyphs == .ascii ? "-" : "─"
    painter.write(String(repeating: line, count: max(0, rect.width)), in: rect, y: y, .border)
    let seconds = Double(reach) / 1e9
    let parts = rect.width >= 48 ? 4 : 2
    for part in 0..<parts {
      let text = Format.ago(seconds: seconds * Double(parts - part) / Double(parts))
      // Blanks keep the sign apart from a line of dashes.
      painter.write(part > 0 ? " \(text) " : text + " ", in: rect, x: rect.width * part / parts, y: y, .label)
    }
    painter.writeRight([Span(isLive ? " now" : " then", .label)], in: rect, y: y)
  }
}
