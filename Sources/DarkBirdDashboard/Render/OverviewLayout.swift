import Terminal

/// Where everything of the overview stands. What does not fit is dropped whole, in this order: the line of time and the
/// alerts (`ViewFrame`), panel 3, panel 4; panels 5 and 6 share a place before that. The focused panel is always there.
struct OverviewLayout: Sendable {
  private(set) var panels: [(id: PanelID, rect: Rect)] = []
  /// Whether panels 5 and 6 share a place.
  private(set) var isTabbed = false

  init(_ model: Model) {
    self.init(width: model.width, height: model.height, focus: model.focus, isZoomed: model.isZoomed)
  }

  init(width: Int, height: Int, focus: PanelID, isZoomed: Bool) {
    let body = ViewFrame(width: width, height: height).body
    guard body.height > 0 else { return }
    if isZoomed {
      panels = [(focus, body)]
    } else {
      arrange(body, focus: focus)
    }
  }

  func rect(of panel: PanelID) -> Rect? { panels.first { $0.id == panel }?.rect }

  private mutating func arrange(_ body: Rect, focus: PanelID) {
    // What 5 and 6 show when they share a place.
    let tab = focus == .indexes ? PanelID.indexes : .events
    var rows: [[PanelID]]
    if body.width < 76 {
      let order = [PanelID.throughput, .latency, tab, .log, .shards]
      let kept = order.prefix(max(1, min(order.count, body.height / 6)))
      rows = [PanelID.throughput, .latency, .shards, .log, tab].filter { kept.contains($0) }.map { [$0] }
    } else {
      switch body.height {
      case 29...: rows = [[.throughput, .latency], [.shards, .log], [.indexes, .events]]
      case 19...: rows = [[.throughput, .latency], [.shards, .log], [tab]]
      case 16...: rows = [[.throughput, .latency], [.log, tab]]
      case 12...: rows = [[.throughput, .latency], [tab]]
      default: rows = [[.throughput, .latency]]
      }
    }
    isTabbed = !rows.contains { $0.contains(.indexes) && $0.contains(.events) }
    if !rows.contains(where: { $0.contains(focus) }) { rows[rows.count - 1][rows[rows.count - 1].count - 1] = focus }
    place(rows, in: body)
  }

  private mutating func place(_ rows: [[PanelID]], in body: Rect) {
    let heights = Self.heights(rows, body.height)
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
  private static func heights(_ rows: [[PanelID]], _ total: Int) -> [Int] {
    guard rows.count == 3, rows[1].count == 2 else {
      // Equal parts; the first rows take what is left over.
      return rows.indices.map { total / rows.count + ($0 < total % rows.count ? 1 : 0) }
    }
    let middle = total >= 50 ? 12 : total >= 29 ? 8 : 6
    let top = max(8, (total - middle) * 11 / 20)
    return [top, middle, total - middle - top]
  }

  private static func leftWidth(_ row: [PanelID], _ width: Int) -> Int {
    if row[0] == .indexes { return width >= 100 ? max(46, width * 38 / 100) : width / 2 }
    if row[0] == .log { return width * 50 / 100 }
    return width >= 110 ? width * 7 / 12 : width / 2
  }
}
