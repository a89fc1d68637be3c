import Terminal

/// Where everything of the overview stands. What does not fit is dropped whole, in this order: the line of time and the
/// alerts (`ViewFrame`), panel 3, panel 4; panels 5 and 6 share a place before that. The focused panel is always there.
struct OverviewLayout: Sendable {
  private(set) var panels: [(id: PanelID, rect: Rect)] = []
  /// Where the focused panel is explained.
  private(set) var lesson: Rect?
  /// Whether panels 5 and 6 share a place.
  private(set) var isTabbed = false

  init(_ model: Model) {
    self.init(
      ViewFrame(model), focus: model.focus, isZoomed: model.isZoomed, arrangement: model.arrangement)
  }

  init(_ frame: ViewFrame, focus: PanelID, isZoomed: Bool, arrangement: Arrangement = .watching) {
    var body = frame.body
    guard body.height > 0 else { return }
    if arrangement == .teaching { takeLesson(from: &body) }
    if isZoomed {
      panels = [(focus, body)]
    } else {
      arrange(body, focus: focus, arrangement)
    }
  }

  /// What a panel draws into: within its border and a margin.
  static func inside(_ rect: Rect) -> Rect {
    Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2)
  }

  func rect(of panel: PanelID) -> Rect? { panels.first { $0.id == panel }?.rect }

  /// On the right of a wide screen, at the bottom of a tall one.
  private mutating func takeLesson(from body: inout Rect) {
    if body.width >= 100 {
      let width = body.width >= 160 ? 56 : 40
      body.width -= width
      lesson = Rect(x: body.x + body.width, y: body.y, width: width, height: body.height)
    } else if body.height >= 19 {
      body.height -= 10
      lesson = Rect(x: body.x, y: body.y + body.height, width: body.width, height: 10)
    }
  }

  private mutating func arrange(_ body: Rect, focus: PanelID, _ arrangement: Arrangement) {
    // What 5 and 6 show when they share a place.
    let tab = focus == .indexes ? PanelID.indexes : .events
    var rows = arrangement.rows(width: body.width, height: body.height, tab: tab)
    isTabbed = arrangement == .watching && !rows.contains { $0.contains(.indexes) && $0.contains(.events) }
    if !rows.contains(where: { $0.contains(focus) }) { rows[rows.count - 1][rows[rows.count - 1].count - 1] = focus }
    place(rows, in: body, Self.heights(rows, body.height, arrangement))
  }

  private mutating func place(_ rows: [[PanelID]], in body: Rect, _ heights: [Int]) {
    var y = body.y
    for (row, height) in zip(rows, heights) {
      let left = row.count == 1 ? body.width : Self.leftWidth(row, body.width)
      panels.append((row[0], Rect(x: body.x, y: y, width: left, height: height)))
      if row.count > 1 {
        panels.append((row[1], Rect(x: body.x + left, y: y, width: body.width - left, height: height)))
      }
      y += height
    }
  }

  /// Graphs and lists grow with the screen; shards and log have a fixed number of things to say.
  private static func heights(_ rows: [[PanelID]], _ total: Int, _ arrangement: Arrangement) -> [Int] {
    if arrangement == .browsing, rows.count == 2, rows[0].count == 2 {
      let bottom = max(7, total / 3)
      return [total - bottom, bottom]
    }
    guard arrangement == .watching, rows.count == 3, rows[1].count == 2 else {
      // Equal parts; the first rows take what is left over.
      return rows.indices.map { total / rows.count + ($0 < total % rows.count ? 1 : 0) }
    }
    let middle = total >= 50 ? 12 : total >= 29 ? 8 : 6
    let top = max(8, (total - middle) * 11 / 20)
    return [top, middle, total - middle - top]
  }

  private static func leftWidth(_ row: [PanelID], _ width: Int) -> Int {
    if row[0] == .indexes { return width >= 100 ? max(46, width * 38 / 100) : width / 2 }
    if row[0] == .log || row[0] == .shards && row[1] == .throughput { return width / 2 }
    return width >= 110 ? width * 7 / 12 : width / 2
  }
}
