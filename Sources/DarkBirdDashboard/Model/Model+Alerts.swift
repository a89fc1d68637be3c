import Terminal

/// What the screen of alerts shows besides the alerts.
struct AlertsState: Hashable, Sendable {
  enum Pane: Int, Sendable, CaseIterable {
    case rules = 1
    case past = 2
  }

  var focus = Pane.rules
  var isZoomed = false
  /// Index into the rules.
  var selectedRule = 0
  /// Index into the marks, 0 = the newest.
  var selectedMark = 0
}

extension Model {
  mutating func performAlerts(_ command: Command) -> [Effect] {
    switch command {
    case .overview: view = .overview
    case .browse: return enterBrowse()
    case .nextPanel, .previousPanel, .left, .right:
      alertsView.focus = alertsView.focus == .rules ? .past : .rules
    case .panel(let number): alertsView.focus = AlertsState.Pane(rawValue: number) ?? alertsView.focus
    case .zoom: alertsView.isZoomed.toggle()
    case .back:
      if alertsView.isZoomed { alertsView.isZoomed = false } else { view = home }
    case .mute: muteRule()
    case .open where alertsView.focus == .rules: goToRule()
    case .open:
      guard let mark = selectedMark else { return [] }
      jump(to: mark)
      view = .overview
    default: moveInAlerts(command)
    }
    return []
  }

  /// Nil where the configuration has all rules off.
  private var selectedRule: AlertRule? {
    alerts.rules.isEmpty ? nil : alerts.rules[min(alertsView.selectedRule, alerts.rules.count - 1)]
  }

  private var selectedMark: Mark? {
    let marks = allMarks
    // There may be fewer of them than there were, in a replay that went back.
    return marks.isEmpty ? nil : marks[marks.count - 1 - min(alertsView.selectedMark, marks.count - 1)]
  }

  /// Does what may add marks, and leaves the one selected that somebody looks at: it moves down.
  mutating func keepingSelectedMark(_ body: (inout Model) -> Void) {
    let selected = view == .alerts && alertsView.focus == .past ? selectedMark : nil
    body(&self)
    guard let selected else { return }
    let marks = allMarks
    // How long it lasts and how bad it was may have changed.
    let index = marks.lastIndex { $0.nanoseconds == selected.nanoseconds && $0.kind.letter == selected.kind.letter }
    if let index { alertsView.selectedMark = marks.count - 1 - index }
  }

  /// Only a rule that one sees.
  private mutating func muteRule() {
    guard alertsView.focus == .rules, let name = selectedRule?.name else {
      browse.notice = alerts.rules.isEmpty ? "there are no rules" : "rules are muted where they are: in panel 1"
      return
    }
    if alerts.muted.remove(name) != nil {
      browse.notice = "\(name) is heard of again"
    } else {
      alerts.muted.insert(name)
      browse.notice = "\(name) is muted"
    }
  }

  /// Shows the panel that a rule's value is in, at the last moment that it became wrong.
  private mutating func goToRule() {
    guard let rule = selectedRule else { return }
    (view, focus) = (.overview, rule.measure.panel)
    if let last = alerts.episodes.last(where: { $0.rule.name == rule.name }) {
      jump(to: last.start)
    } else {
      browse.notice = "\(rule.measure.title): never an alarm so far; panel \(focus.rawValue) shows it"
    }
  }

  private mutating func moveInAlerts(_ command: Command) {
    let page = max(1, (AlertsLayout(self).rect(of: alertsView.focus)?.height ?? 4) - 3)
    switch alertsView.focus {
    case .rules:
      alertsView.selectedRule = Scroll.selected(
        alertsView.selectedRule, by: command, page: page, count: alerts.rules.count)
    case .past:
      alertsView.selectedMark = Scroll.selected(
        alertsView.selectedMark, by: command, page: page, count: allMarks.count)
    }
  }
}

extension AlertRule.Measure {
  /// Where one looks for more.
  fileprivate var panel: PanelID {
    switch self {
    case .latency: .latency
    case .logLag, .sync, .queue, .logFailed, .checkpointFailed, .writersStopped: .log
    case .skew: .shards
    case .eventsDropped: .events
    case .operationErrors, .behind, .workloadFailed: .throughput
    }
  }
}
