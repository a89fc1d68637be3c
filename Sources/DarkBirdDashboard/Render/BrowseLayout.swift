import Terminal

/// Where everything of the browse view stands. The brush lies below the others; a low screen shows it alone. A narrow screen drops the document first (Enter opens it alone), then the
/// tree; the focused pane is always there.
struct BrowseLayout: Sendable {
  private(set) var header = Rect(x: 0, y: 0, width: 0, height: 0)
  private(set) var query = Rect(x: 0, y: 0, width: 0, height: 0)
  private(set) var plan: Rect?
  /// Only while the view is paused: where in time the header is, and not the documents.
  private(set) var timeline: Rect?
  private(set) var footer = Rect(x: 0, y: 0, width: 0, height: 0)
  /// Where the panes are.
  private(set) var body = Rect(x: 0, y: 0, width: 0, height: 0)
  private(set) var panes: [(id: BrowseState.Pane, rect: Rect)] = []

  init(_ model: Model) {
    self.init(
      width: model.width, height: model.height, focus: model.browse.focus, isZoomed: model.browse.isZoomed,
      hasBrush: model.browse.brush != nil, isPaused: model.time != .live)
  }

  init(width: Int, height: Int, focus: BrowseState.Pane, isZoomed: Bool, hasBrush: Bool = false, isPaused: Bool = false)
  {
    guard width >= ViewFrame.widthMin, height >= ViewFrame.heightMin else { return }
    header = Rect(x: 0, y: 0, width: width, height: 1)
    query = Rect(x: 0, y: 1, width: width, height: 1)
    footer = Rect(x: 0, y: height - 1, width: width, height: 1)
    body = Rect(x: 0, y: 2, width: width, height: height - 3)
    if height >= 12 {
      plan = Rect(x: 0, y: 2, width: width, height: 1)
      body.y += 1
      body.height -= 1
    }
    if isPaused, height >= 14 {
      timeline = Rect(x: 0, y: height - 2, width: width, height: 1)
      body.height -= 1
    }
    var body = body
    if hasBrush, !isZoomed {
      let brushHeight = height >= 50 ? 13 : height >= 36 ? 9 : 7
      if height < 18 {
        if focus == .brush {
          panes = [(.brush, body)]
          return
        }
      } else {
        panes = [(.brush, Rect(x: 0, y: body.y + body.height - brushHeight, width: width, height: brushHeight))]
        body.height -= brushHeight
      }
    }
    // With the brush in hand one looks at the results.
    let focus = focus == .brush && !isZoomed ? BrowseState.Pane.results : focus
    let treeWidth = width >= 160 ? 34 : width >= 100 ? 26 : 22
    let documentWidth = width >= 160 ? width / 3 : 40
    if isZoomed {
      panes.append((focus, body))
    } else if width >= 110 {
      place([(.explore, treeWidth), (.results, width - treeWidth - documentWidth), (.document, documentWidth)], body)
    } else if width >= 64, focus != .document {
      place([(.explore, treeWidth), (.results, width - treeWidth)], body)
    } else {
      panes.append((focus, body))
    }
  }

  func rect(of pane: BrowseState.Pane) -> Rect? { panes.first { $0.id == pane }?.rect }

  /// Lines of a list that can be seen; 1 or more, also while the pane is not shown.
  func visibleRows(_ pane: BrowseState.Pane) -> Int {
    let inner = (rect(of: pane)?.height ?? 3) - 2
    // The names of the columns.
    return max(1, pane == .results ? inner - 1 : inner)
  }

  private mutating func place(_ columns: [(BrowseState.Pane, Int)], _ body: Rect) {
    var x = body.x
    for (pane, width) in columns {
      panes.append((pane, Rect(x: x, y: body.y, width: width, height: body.height)))
      x += width
    }
  }
}
