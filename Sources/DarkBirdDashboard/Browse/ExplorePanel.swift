import DarkBird
import Terminal

/// The tree of what there is to look for.
enum ExplorePanel {
  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let items = model.exploreItems
    guard !items.isEmpty else {
      painter.write("asking ...", in: rect, x: 1, y: 0, .label)
      return
    }
    let selected = model.browse.exploreSelection
    let first = Scroll.top(max(0, selected - rect.height / 2), keeping: selected, visible: rect.height)
    for (y, item) in items.dropFirst(first).prefix(rect.height).enumerated() {
      draw(item, in: rect, y: y, with: &painter)
      // The mark stands beside what the query says, wherever the cursor was last.
      if model.browse.isAskedFor(item) { painter.write(painter.glyphs.selected, in: rect, y: y, .label) }
      if first + y == selected, model.browse.focus == .explore { painter.select(rect, y: y) }
    }
  }

  /// In full where the name has room beside it.
  private static func countText(_ item: BrowseState.ExploreItem, width: Int) -> String {
    guard let count = item.count else { return "" }
    if item.action == nil { return "\(Format.short(count)) tags" }
    let full = Format.grouped(count)
    let lead = item.kind == nil ? 1 : item.kind == .tag ? 2 : 7
    return lead + displayWidth(item.name) + 1 + full.count + 1 <= width ? full : Format.short(count)
  }

  private static func draw(
    _ item: BrowseState.ExploreItem, in rect: Rect, y: Int, with painter: inout Painter
  ) {
    let count = countText(item, width: rect.width)
    let room = rect.width - 2 - count.count - 1
    if item.action == nil {
      painter.write(Format.clipped(item.name, room, painter.glyphs), in: rect, x: 1, y: y, .label)
      painter.writeRight([Span(count, .label), Span(" ")], in: rect, y: y)
      return
    }
    var x = item.kind == nil ? 1 : 2
    if let kind = item.kind, kind != .tag {
      x = painter.write(Format.left(kind.label, 5), in: rect, x: x, y: y, kind.role)
    }
    let role: Role = item.kind == .tag ? .tag : .text
    // Names of one field begin alike more often than query lines do.
    let clip = item.kind == nil ? Format.clipped : Format.clippedMiddle
    painter.write(clip(item.name, room - x + 1, painter.glyphs), in: rect, x: x, y: y, role)
    painter.writeRight([Span(count), Span(" ")], in: rect, y: y)
  }
}
