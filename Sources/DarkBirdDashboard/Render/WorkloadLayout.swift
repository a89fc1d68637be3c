import Terminal

/// Where everything of the screen of the workload stands: settings and run side by side, or the focused one alone.
struct WorkloadLayout: Sendable {
  private(set) var panes: [(id: WorkloadState.Pane, rect: Rect)] = []

  init(_ model: Model) {
    let body = ViewFrame(model).body
    guard body.height > 0 else { return }
    // A value, what it was before and the time that a step has left want their room; the graph can do with less.
    let left = min(50, max(44, body.width / 2))
    if model.workloadView.isZoomed || body.width < 76 {
      panes = [(model.workloadView.focus, body)]
    } else {
      panes = [
        (.settings, Rect(x: 0, y: body.y, width: left, height: body.height)),
        (.run, Rect(x: left, y: body.y, width: body.width - left, height: body.height)),
      ]
    }
  }

  func rect(of pane: WorkloadState.Pane) -> Rect? { panes.first { $0.id == pane }?.rect }
}
