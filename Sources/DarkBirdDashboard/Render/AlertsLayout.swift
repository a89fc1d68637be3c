import Terminal

/// Where everything of the screen of alerts stands: rules and past side by side, one above the other, or the focused one
/// alone.
struct AlertsLayout: Sendable {
  private(set) var panes: [(id: AlertsState.Pane, rect: Rect)] = []

  init(_ model: Model) {
    let body = ViewFrame(model).body
    guard body.height > 0 else { return }
    if model.alertsView.isZoomed || body.width < 110 && body.height < 18 {
      panes = [(model.alertsView.focus, body)]
    } else if body.width >= 110 {
      let left = min(64, body.width / 2)
      panes = [
        (.rules, Rect(x: 0, y: body.y, width: left, height: body.height)),
        (.past, Rect(x: left, y: body.y, width: body.width - left, height: body.height)),
      ]
    } else {
      let top = min(body.height * 3 / 5, max(1, model.alerts.rules.count) + 3)
      panes = [
        (.rules, Rect(x: 0, y: body.y, width: body.width, height: top)),
        (.past, Rect(x: 0, y: body.y + top, width: body.width, height: body.height - top)),
      ]
    }
  }

  func rect(of pane: AlertsState.Pane) -> Rect? { panes.first { $0.id == pane }?.rect }
}
