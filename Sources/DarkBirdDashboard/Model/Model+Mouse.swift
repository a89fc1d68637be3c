import Terminal

/// The mouse, while it is the dashboard's: a click goes to a panel and selects a row of it, the wheel scrolls the panel
/// that it is over. All of it is what keys do too.
extension Model {
  /// Lines that one step of the wheel scrolls.
  private static let wheelLines = 3

  mutating func handle(_ event: MouseEvent) -> [Effect] {
    guard isMouseOn else { return [] }
    let context = keyContext
    if context == .palette { return handle(event, in: PaletteOverlay.rows(self), .older, .newer, .submit) }
    if context == .columns { return handle(event, in: ColumnPicker.rows(self), .up, .down, .toggleColumn) }
    // What is being typed stays what it is.
    if context.isTyping { return [] }
    guard helpScroll == nil else { return scroll(event, in: context) }
    guard let pane = pane(at: event) else { return [] }
    let wasFocused = pane == focusedPane
    focus(pane)
    guard event.action == .press else { return scroll(event, in: keyContext) }
    guard let before = selectedRow else { return [] }
    if before == event.y { return wasFocused && view == .browse ? perform(.open, in: keyContext) : [] }
    return select(row: event.y, .up, .down)
  }

  // MARK: Panels

  /// A panel by its number in its view.
  private func pane(at event: MouseEvent) -> Int? {
    func found<Pane: RawRepresentable<Int>>(_ panes: [(id: Pane, rect: Rect)]) -> Int? {
      panes.first { $0.rect.contains(event) }?.id.rawValue
    }
    switch view {
    case .overview: return found(OverviewLayout(self).panels)
    case .browse: return found(BrowseLayout(self).panes)
    case .alerts: return found(AlertsLayout(self).panes)
    case .workload: return found(WorkloadLayout(self).panes)
    case .jobs: return found(JobsLayout(self).panes)
    // Only the text scrolls.
    case .tour: return TourLayout(self)?.text.contains(event) == true ? 0 : nil
    }
  }

  private var focusedPane: Int {
    switch view {
    case .overview: focus.rawValue
    case .browse: browse.focus.rawValue
    case .alerts: alertsView.focus.rawValue
    case .workload: workloadView.focus.rawValue
    case .jobs: jobs.focus.rawValue
    case .tour: 0
    }
  }

  private mutating func focus(_ number: Int) {
    switch view {
    case .overview: focus = PanelID(rawValue: number) ?? focus
    case .browse: browse.focus = BrowseState.Pane(rawValue: number) ?? browse.focus
    case .alerts: alertsView.focus = AlertsState.Pane(rawValue: number) ?? alertsView.focus
    case .workload: workloadView.focus = WorkloadState.Pane(rawValue: number) ?? workloadView.focus
    case .jobs: jobs.focus = JobsState.Pane(rawValue: number) ?? jobs.focus
    case .tour: break
    }
  }

  // MARK: Rows

  /// Where the selected row stands on the screen: there is the cursor.
  private var selectedRow: Int? { Renderer.render(self, colors: .none).cursor?.y }

  /// Goes up or down by as many rows as it is from the selected one: the list may stand elsewhere then.
  private mutating func select(row: Int, _ up: Command, _ down: Command) -> [Effect] {
    if view == .jobs, !hasOverlay {
      selectJob(row: row)
      return []
    }
    guard let selected = selectedRow, selected != row else { return [] }
    if view == .browse, browse.focus == .explore, !hasOverlay {
      // Among headings, which cannot be selected.
      let index = browse.exploreSelection + row - selected
      let items = exploreItems
      if items.indices.contains(index), items[index].action != nil { browse.exploreSelection = index }
      return []
    }
    var effects: [Effect] = []
    for _ in 0..<min(abs(row - selected), rowsLeft(below: row > selected)) {
      effects += perform(row < selected ? up : down, in: keyContext)
    }
    return effects
  }

  /// Where what is to be selected may have several lines.
  private mutating func selectJob(row: Int) {
    guard let inner = JobsLayout(self).inside(jobs.focus) else { return }
    switch jobs.focus {
    case .runs: if let place = JobRunsPanel.place(at: row, self, in: inner) { jobs.selectedID = jobs.runs[place].id }
    case .kinds: if let place = JobKindsPanel.place(at: row, self, in: inner) { jobs.selectedKind = place }
    }
  }

  /// Before a list would turn a page: a click below the last row is not meant so.
  private func rowsLeft(below: Bool) -> Int {
    guard !hasOverlay, view == .browse, browse.focus == .results, let results = browse.results else { return .max }
    return below ? max(0, results.rows.count - 1 - results.selected) : results.selected
  }

  private mutating func scroll(_ event: MouseEvent, in context: KeyContext) -> [Effect] {
    guard event.action != .press else { return [] }
    var effects: [Effect] = []
    for _ in 0..<Self.wheelLines { effects += perform(event.action == .wheelUp ? .up : .down, in: context) }
    return effects
  }

  /// In a list that lies over the view. A click does with a row what Enter does.
  private mutating func handle(
    _ event: MouseEvent, in rows: Rect?, _ up: Command, _ down: Command, _ enter: Command
  ) -> [Effect] {
    switch event.action {
    case .wheelUp: return perform(up, in: keyContext)
    case .wheelDown: return perform(down, in: keyContext)
    case .press:
      guard let rows, rows.contains(event) else { return [] }
      return select(row: event.y, up, down) + perform(enter, in: keyContext)
    }
  }
}

extension Rect {
  func contains(_ event: MouseEvent) -> Bool {
    event.x >= x && event.x < x + width && event.y >= y && event.y < y + height
  }
}
