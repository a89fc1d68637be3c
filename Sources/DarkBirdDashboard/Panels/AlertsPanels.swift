import Terminal

/// The screen of alerts: what is watched, and what has happened.
enum AlertRulesPanel {
  private static let stateWidth = 8

  /// - Parameter rows: how many rules can be seen.
  static func title(_ model: Model, rows: Int) -> String {
    let hidden = model.alerts.rules.count - Scroll.top(0, keeping: model.alertsView.selectedRule, visible: rows) - rows
    return hidden > 0 ? "1 Rules   \(hidden) more below" : "1 Rules"
  }

  static func draw(_ model: Model, _ moment: Moment?, in rect: Rect, with painter: inout Painter) {
    let columns = columns(rect.width, isLive: model.time == .live)
    let titleWidth = rect.width - stateWidth - columns.reduce(0) { $0 + $1.width }
    var x = stateWidth + titleWidth
    painter.write("state", in: rect, y: 0, .label)
    painter.write("rule", in: rect, x: stateWidth, y: 0, .label)
    for column in columns {
      painter.write(Format.right(column.title, column.width), in: rect, x: x, y: 0, .label)
      x += column.width
    }
    let visible = max(1, rect.height - 1)
    if model.alerts.rules.isEmpty {
      painter.write("all are off in the configuration", in: rect, y: 1, .label)
      return
    }
    let selected = min(model.alertsView.selectedRule, model.alerts.rules.count - 1)
    let top = Scroll.top(0, keeping: selected, visible: visible)
    for (row, place) in (top..<min(top + visible, model.alerts.rules.count)).enumerated() {
      let y = row + 1
      let rule = model.alerts.rules[place]
      let standing = standing(model, place, moment)
      let (text, role) = state(model, place, standing.state)
      painter.write(text, in: rect, y: y, role)
      painter.write(
        Format.clipped(rule.measure.title, titleWidth - 1, painter.glyphs), in: rect, x: stateWidth, y: y,
        role == .label ? .label : .text)
      var x = stateWidth + titleWidth
      for column in columns {
        let text = Format.right(column.text(rule, standing, moment), column.width)
        painter.write(text, in: rect, x: x, y: y, column.isValue && role != .label ? role : .text)
        x += column.width
      }
      if place == selected, model.alertsView.focus == .rules { painter.select(rect, y: y) }
    }
  }

  private typealias Standing = (state: AlertBook.State, value: Double?)

  /// While time is stopped, that of the moment which is shown.
  private static func standing(_ model: Model, _ place: Int, _ moment: Moment?) -> Standing {
    guard model.time != .live, let moment else { return (model.alerts.states[place], model.alerts.values[place]) }
    return model.alerts.standing(place, at: moment)
  }

  /// In words, so that it needs no colour.
  private static func state(_ model: Model, _ place: Int, _ state: AlertBook.State) -> (String, Role) {
    if model.alerts.muted.contains(model.alerts.rules[place].name) { return ("muted", .label) }
    return switch state {
    case .unknown: ("-", .label)
    case .ok: ("ok", .good)
    case .pending: ("near", .warning)
    case .firing: model.alerts.rules[place].severity == .critical ? ("!! BAD", .alert) : ("! ALERT", .warning)
    }
  }

  private struct Column {
    var title: String
    var width: Int
    var isValue = false
    var text: (AlertRule, Standing, Moment?) -> String
  }

  /// What fits, the most telling first.
  private static func columns(_ width: Int, isLive: Bool) -> [Column] {
    var columns = [
      Column(title: isLive ? "now" : "then", width: 7, isValue: true) { rule, standing, _ in
        standing.value.map(rule.format) ?? "-"
      },
      Column(title: "limit", width: 7) { rule, _, moment in
        rule.hasThreshold ? rule.format(rule.limit(at: moment)) : ""
      },
    ]
    if width >= 50 {
      columns.append(
        Column(title: "after", width: 6) { rule, _, _ in
          rule.sustainedNanoseconds > 0 ? Format.span(nanoseconds: rule.sustainedNanoseconds) : ""
        })
    }
    if width >= 58 {
      columns.append(
        Column(title: "lasts", width: 7) { _, standing, moment in
          let now = moment?.sample.nanoseconds ?? 0
          return switch standing.state {
          case .pending(let since), .firing(let since): Format.span(nanoseconds: now - min(since, now))
          case .unknown, .ok: ""
          }
        })
    }
    return columns
  }
}

/// Alarms, notes and runs, the newest first.
enum AlertPastPanel {
  static func draw(_ model: Model, _ moment: Moment?, in rect: Rect, with painter: inout Painter) {
    let marks = model.allMarks
    guard !marks.isEmpty else {
      painter.write("nothing was wrong so far", in: rect, y: 0, .label)
      let text = "notes that you write stand here too"
      painter.write(Format.clipped(text, rect.width, painter.glyphs), in: rect, y: 1, .label)
      return
    }
    let visible = max(1, rect.height)
    let selected = min(model.alertsView.selectedMark, marks.count - 1)
    let top = Scroll.top(0, keeping: selected, visible: visible)
    let now = moment?.history.last?.nanoseconds ?? 0
    for (row, mark) in marks.reversed().dropFirst(top).prefix(visible).enumerated() {
      var x = painter.write(Format.clock(mark.date, in: model.zone) + " ", in: rect, y: row, .label)
      x = painter.write(mark.kind.letter + " ", in: rect, x: x, y: row, mark.kind.role)
      if rect.width >= 44 { x = painter.write(length(mark, now) + " ", in: rect, x: x, y: row) }
      painter.write(
        Format.clipped(mark.text, rect.width - x, painter.glyphs), in: rect, x: x, y: row,
        mark.kind == .critical && mark.end == nil ? .alert : .text)
      if top + row == selected, model.alertsView.focus == .past { painter.select(rect, y: row) }
    }
  }

  private static func length(_ mark: Mark, _ now: UInt64) -> String {
    switch mark.kind {
    case .note, .run: return Format.right("", 7)
    case .warning, .critical:
      let end = mark.end ?? now
      let span = Format.span(nanoseconds: end - min(mark.nanoseconds, end))
      return Format.right(mark.end == nil ? span + "+" : span, 7)
    }
  }
}
