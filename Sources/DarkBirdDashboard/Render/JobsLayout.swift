import Terminal

/// Where everything of the screen of jobs stands: what runs and has run, and what can be started, side by side, one above the
/// other, or the focused one alone.
struct JobsLayout: Sendable {
  private(set) var panes: [(id: JobsState.Pane, rect: Rect)] = []

  init(_ model: Model) {
    let body = ViewFrame(model).body
    guard body.height > 0 else { return }
    if model.jobs.isZoomed || body.width < 110 && body.height < 16 {
      panes = [(model.jobs.focus, body)]
    } else if body.width >= 110 {
      let left = body.width - min(60, body.width * 2 / 5)
      panes = [
        (.runs, Rect(x: 0, y: body.y, width: left, height: body.height)),
        (.kinds, Rect(x: left, y: body.y, width: body.width - left, height: body.height)),
      ]
    } else {
      let bottom = min(body.height / 3, max(4, model.jobs.kinds.count + 2))
      panes = [
        (.runs, Rect(x: 0, y: body.y, width: body.width, height: body.height - bottom)),
        (.kinds, Rect(x: 0, y: body.y + body.height - bottom, width: body.width, height: bottom)),
      ]
    }
  }

  func rect(of pane: JobsState.Pane) -> Rect? { panes.first { $0.id == pane }?.rect }

  /// The part of it within its frame.
  func inside(_ pane: JobsState.Pane) -> Rect? {
    rect(of: pane).map { Rect(x: $0.x + 1, y: $0.y + 1, width: $0.width - 2, height: $0.height - 2) }
  }
}
