import DarkBird
import Terminal

/// Draws a model. The same model gives the same picture, whatever the terminal.
enum Renderer {
  static func render(_ model: Model, colors: ColorDepth) -> Canvas {
    let theme = Theme(depth: colors, name: model.theme)
    var painter = Painter(canvas: Canvas(width: model.width, height: model.height), theme: theme, glyphs: model.glyphs)
    if model.width < ViewFrame.widthMin || model.height < ViewFrame.heightMin {
      let text = "DarkBird needs \(ViewFrame.widthMin)x\(ViewFrame.heightMin)"
      painter.write(text, in: painter.canvas.bounds, y: 0)
      return painter.canvas
    }
    if model.helpScroll != nil {
      drawHelp(model, with: &painter)
    } else {
      switch model.view {
      case .overview: drawOverview(model, with: &painter)
      case .browse: drawBrowse(model, with: &painter)
      case .alerts: drawAlerts(model, with: &painter)
      case .workload: drawWorkload(model, with: &painter)
      case .jobs: drawJobs(model, with: &painter)
      case .tour: drawTour(model, with: &painter)
      }
    }
    // What is selected below something else is not where one is.
    if model.hasOverlay { painter.canvas.cursor = nil }
    if model.isChoosingColumns { ColumnPicker.draw(model, with: &painter) }
    if let annotation = model.annotation {
      AnnotationOverlay.draw(annotation, model, in: ViewFrame(model).body, with: &painter)
    }
    JobOverlay.draw(model, in: ViewFrame(model).body, with: &painter)
    if let palette = model.palette {
      PaletteOverlay.draw(palette, model, in: PaletteOverlay.body(model), with: &painter)
    }
    return painter.canvas
  }

  private static func drawHelp(_ model: Model, with painter: inout Painter) {
    let bounds = painter.canvas.bounds
    let layout = ViewFrame(model)
    HeaderLine.draw(model, Moment(model), in: layout.header, with: &painter)
    let rect = Rect(x: 0, y: 1, width: bounds.width, height: bounds.height - 2)
    switch model.helpPage {
    case .keys: HelpOverlay.draw(model, in: rect, with: &painter)
    case .terms: TermsOverlay.draw(model, in: rect, with: &painter)
    }
    FooterLine.draw(model, in: layout.footer, with: &painter)
  }

  private static func drawOverview(_ model: Model, with painter: inout Painter) {
    let layout = OverviewLayout(model)
    let moment = Moment(model)
    drawFrame(ViewFrame(model), model, moment, with: &painter)
    if let absence = model.tour?.absence {
      return drawAbsence(absence, in: ViewFrame(model).body, with: &painter)
    }
    for (panel, rect) in layout.panels {
      painter.frame(rect, title: title(panel, layout, rect), focused: panel == model.focus)
      let inner = OverviewLayout.inside(rect)
      if let moment {
        draw(panel, model, moment, in: inner, with: &painter)
      } else {
        painter.write("waiting for the first sample", in: inner, y: 0, .label)
      }
    }
    if let rect = layout.lesson {
      painter.frame(rect, title: LessonPanel.title(model), focused: false)
      let inner = Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2)
      LessonPanel.draw(model, in: inner, with: &painter)
    }
  }

  /// The lines around a view.
  private static func drawFrame(_ frame: ViewFrame, _ model: Model, _ moment: Moment?, with painter: inout Painter) {
    HeaderLine.draw(model, moment, in: frame.header, with: &painter)
    FooterLine.draw(model, in: frame.footer, timeline: frame.timeline, with: &painter)
    if let rect = frame.job { JobLine.draw(model, in: rect, with: &painter) }
    guard let moment else { return }
    if let rect = frame.alerts { AlertLine.draw(model, moment, in: rect, with: &painter) }
    if let rect = frame.timeline { TimeLine.draw(model, moment, in: rect, with: &painter) }
  }

  /// A place that two panels share names the other one.
  private static func title(_ panel: PanelID, _ layout: OverviewLayout, _ rect: Rect) -> String {
    guard layout.isTabbed, rect.width >= 50 else { return panel.title }
    switch panel {
    case .indexes: return "\(panel.title)   (\(PanelID.events.title))"
    case .events: return "\(panel.title)   (\(PanelID.indexes.title))"
    default: return panel.title
    }
  }

  private static func draw(
    _ panel: PanelID, _ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter
  ) {
    switch panel {
    case .throughput: ThroughputPanel.draw(model, moment, in: rect, with: &painter)
    case .latency: LatencyPanel.draw(model, moment, in: rect, with: &painter)
    case .shards: ShardsPanel.draw(model, moment, in: rect, with: &painter)
    case .log: LogPanel.draw(model, moment, in: rect, with: &painter)
    case .indexes: IndexesPanel.draw(model, moment, in: rect, with: &painter)
    case .events: EventsPanel.draw(model, moment, in: rect, with: &painter)
    }
  }

  private static func drawAlerts(_ model: Model, with painter: inout Painter) {
    let layout = AlertsLayout(model)
    let moment = Moment(model)
    drawFrame(ViewFrame(model), model, moment, with: &painter)
    for (pane, rect) in layout.panes {
      let title =
        switch pane {
        case .rules: AlertRulesPanel.title(model, rows: rect.height - 3)
        case .past: "2 Alerts, notes and runs"
        }
      painter.frame(rect, title: title, focused: pane == model.alertsView.focus)
      let inner = Rect(x: rect.x + 1, y: rect.y + 1, width: rect.width - 2, height: rect.height - 2)
      switch pane {
      case .rules: AlertRulesPanel.draw(model, moment, in: inner, with: &painter)
      case .past: AlertPastPanel.draw(model, moment, in: inner, with: &painter)
      }
    }
  }

  private static func drawWorkload(_ model: Model, with painter: inout Painter) {
    let moment = Moment(model)
    drawFrame(ViewFrame(model), model, moment, with: &painter)
    for (pane, rect) in WorkloadLayout(model).panes {
      let inner = Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2)
      switch pane {
      case .settings:
        painter.frame(rect, title: "1 Workload", focused: model.workloadView.focus == pane)
        WorkloadSettingsPanel.draw(model, in: inner, with: &painter)
      case .run:
        painter.frame(rect, title: "2 This run", focused: model.workloadView.focus == pane)
        WorkloadRunPanel.draw(model, moment, in: inner, with: &painter)
      }
    }
  }

  private static func drawJobs(_ model: Model, with painter: inout Painter) {
    drawFrame(ViewFrame(model), model, Moment(model), with: &painter)
    let layout = JobsLayout(model)
    for (pane, rect) in layout.panes {
      guard let inner = layout.inside(pane) else { continue }
      let title =
        switch pane {
        case .runs: "1 Jobs"
        case .kinds: "2 Start"
        }
      painter.frame(rect, title: title, focused: pane == model.jobs.focus)
      switch pane {
      case .runs: JobRunsPanel.draw(model, in: inner, with: &painter)
      case .kinds: JobKindsPanel.draw(model, in: inner, with: &painter)
      }
    }
  }

  private static func drawTour(_ model: Model, with painter: inout Painter) {
    let moment = Moment(model)
    drawFrame(ViewFrame(model), model, moment, with: &painter)
    guard let tour = model.tour, let layout = TourLayout(model) else { return }
    painter.frame(layout.text, title: TourPanel.title(tour), focused: true)
    TourPanel.draw(tour, model, in: TourPanel.inner(layout), with: &painter)
    for (panel, rect) in layout.panels {
      painter.frame(rect, title: panel.title, focused: false)
      let inner = Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2)
      // The first sample of a store that was just opened comes after the news of it.
      if let moment, !moment.sample.statistics.shards.isEmpty {
        draw(panel, model, moment, in: inner, with: &painter)
      } else {
        painter.write("waiting for the first sample", in: inner, y: 0, .label)
      }
    }
    if let rect = layout.absence, let absence = tour.absence { drawAbsence(absence, in: rect, with: &painter) }
  }

  /// In the place of panels that would show a store which is not there.
  private static func drawAbsence(_ absence: TourAbsence, in rect: Rect, with painter: inout Painter) {
    painter.frame(rect, title: "No store is open here", focused: false)
    let inner = Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2)
    TourPanel.draw(absence, in: inner, with: &painter)
  }

  private static func drawBrowse(_ model: Model, with painter: inout Painter) {
    let layout = BrowseLayout(model)
    let moment = Moment(model)
    HeaderLine.draw(model, moment, in: layout.header, with: &painter)
    QueryBar.drawQuery(model, in: layout.query, with: &painter)
    FooterLine.draw(model, in: layout.footer, timeline: layout.timeline, with: &painter)
    if let rect = layout.timeline, let moment { TimeLine.draw(model, moment, in: rect, with: &painter) }
    if let absence = model.tour?.absence {
      drawAbsence(absence, in: layout.body, with: &painter)
    } else {
      drawPanes(layout, model, with: &painter)
    }
    if let rect = layout.plan {
      QueryBar.drawPlan(model, in: rect, with: &painter)
    } else if model.browse.hasNews, let first = layout.panes.first?.rect {
      // Without a line of its own it takes the place of a title.
      let rect = Rect(x: first.x + 1, y: first.y, width: first.width - 2, height: 1)
      painter.canvas.fill(rect)
      QueryBar.drawPlan(model, in: rect, with: &painter)
    }
  }

  private static func drawPanes(_ layout: BrowseLayout, _ model: Model, with painter: inout Painter) {
    for (pane, rect) in layout.panes {
      let title =
        switch pane {
        case .explore: "1 Explore"
        case .results: ResultsPanel.title(model, width: rect.width)
        case .document: DocumentPanel.title(model)
        case .brush: BrushPanel.title(model, width: rect.width)
        }
      painter.frame(rect, title: title, focused: pane == model.browse.focus)
      let inner = Rect(x: rect.x + 1, y: rect.y + 1, width: rect.width - 2, height: rect.height - 2)
      switch pane {
      case .explore: ExplorePanel.draw(model, in: inner, with: &painter)
      case .results: ResultsPanel.draw(model, in: inner, with: &painter)
      case .document: DocumentPanel.draw(model, in: inner, with: &painter)
      case .brush: BrushPanel.draw(model, in: inner, with: &painter)
      }
    }
  }
}
