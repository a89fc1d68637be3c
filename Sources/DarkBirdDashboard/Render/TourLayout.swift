import Terminal

/// Where everything of the tour stands: the text on the right, panels of the overview beside it. A narrow screen has one
/// panel below the text, a small one the text alone. While no store is open, one place tells why instead of the panels.
struct TourLayout: Sendable {
  private(set) var text: Rect
  private(set) var panels: [(id: PanelID, rect: Rect)] = []
  private(set) var absence: Rect?

  /// nil where there is no tour, or no room.
  init?(_ model: Model) {
    guard let tour = model.tour else { return nil }
    let body = ViewFrame(model).body
    guard body.height > 0 else { return nil }
    text = body
    if body.width >= 76 {
      text.width = body.width >= 160 ? 68 : body.width >= 110 ? 54 : 43
      text.x = body.width - text.width
      fill(Rect(x: 0, y: body.y, width: text.x, height: body.height), tour)
    } else if body.height >= 26 {
      text.height = body.height - 9
      fill(Rect(x: 0, y: body.y + text.height, width: body.width, height: 9), tour)
    }
  }

  private mutating func fill(_ rect: Rect, _ tour: TourState) {
    if tour.absence == nil { stack(tour.chapter.panels, in: rect) } else { absence = rect }
  }

  private mutating func stack(_ wanted: [PanelID], in rect: Rect) {
    let shown = wanted.prefix(max(1, rect.height / 8))
    var y = rect.y
    for (place, panel) in shown.enumerated() {
      let height = rect.height / shown.count + (place < rect.height % shown.count ? 1 : 0)
      panels.append((panel, Rect(x: rect.x, y: y, width: rect.width, height: height)))
      y += height
    }
  }
}
