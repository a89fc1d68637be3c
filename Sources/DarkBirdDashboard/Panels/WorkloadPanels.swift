import DarkBird
import Terminal

/// What the workload is to do, a line a setting.
enum WorkloadSettingsPanel {
  private static let titleWidth = 19

  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    guard let options = model.workloadOptions else {
      let lines = [
        "no workload runs here", "", "'darkbird run' starts one;", "a program that shows its own",
        "store may bring its own.",
      ]
      for (y, line) in lines.enumerated() { painter.write(line, in: rect, y: y, .label) }
      return
    }
    let settings = model.workloadSettings
    let selected = min(model.workloadView.selected, settings.count - 1)
    // The lines below the list explain the selected one and say what is pending.
    let words = settings[selected].explanation(options)
    let explanation = rect.height >= 8 ? Format.wrapped(words, rect.width).prefix(rect.height >= 20 ? 3 : 1) : []
    let visible = max(1, rect.height - explanation.count - 1)
    let top = Scroll.top(0, keeping: selected, visible: visible)
    for (row, place) in (top..<min(top + visible, settings.count)).enumerated() {
      draw(settings[place], options, model, in: rect, y: row, with: &painter)
      if place == selected, model.workloadView.focus == .settings { painter.select(rect, y: row) }
    }
    for (row, line) in explanation.enumerated() {
      painter.write(
        Format.clipped(line, rect.width, painter.glyphs), in: rect, y: rect.height - 1 - explanation.count + row, .label
      )
    }
    drawState(model, in: rect, y: rect.height - 1, with: &painter)
  }

  private static func draw(
    _ setting: WorkloadSetting, _ options: WorkloadOptions, _ model: Model, in rect: Rect, y: Int,
    with painter: inout Painter
  ) {
    let isChanged = model.runningOptions.map { setting.value($0) != setting.value(options) } ?? false
    painter.write(isChanged ? "*" : " ", in: rect, y: y, .warning)
    painter.write(setting.title, in: rect, x: 1, y: y, .label)
    var value = setting.value(options)
    if setting == .acknowledgement, options.acknowledgement == nil, let own = model.identity.acknowledgement {
      value += ", \(own.rawValue)"
    }
    let x = painter.write(value, in: rect, x: titleWidth, y: y, isChanged ? .warning : .strong)
    if case .share(let share) = setting {
      let barX = titleWidth + 4
      let fraction = Double(options.effectiveMix[share]) / Double(WorkloadMix.shareMax)
      painter.bar(fraction, in: rect, x: barX, y: y, width: rect.width - barX - 1)
    } else if isChanged, let running = model.runningOptions {
      painter.write(
        Format.clipped("  was \(setting.value(running))", rect.width - x, painter.glyphs), in: rect, x: x, y: y, .label)
    }
  }

  private static func drawState(_ model: Model, in rect: Rect, y: Int, with painter: inout Painter) {
    let isRunning = model.history.last?.workload?.progress.isRunning ?? false
    func key(_ name: String) -> String { model.keyMap.binding(named: name)?.keys.first?.name ?? "" }
    let spans: [Span] =
      if model.workloadView.draft != nil {
        [
          Span("* ", .warning), Span(key("apply"), .key), Span(" applies, ", .label), Span(key("back"), .key),
          Span(" forgets", .label),
        ]
      } else {
        [
          Span(key("left"), .key), Span(" ", .label), Span(key("right"), .key), Span(" change  ", .label),
          Span(key("start-stop"), .key), Span(isRunning ? " stop" : " start", .label),
        ]
      }
    painter.write(spans, in: rect, y: y)
  }
}

/// How the run goes, and how the one before it went.
enum WorkloadRunPanel {
  static func draw(_ model: Model, _ moment: Moment?, in rect: Rect, with painter: inout Painter) {
    guard let moment, let workload = moment.sample.workload else {
      painter.write("nothing runs", in: rect, y: 0, .label)
      return
    }
    let progress = workload.progress
    painter.write(
      [
        Segment(0, Span("run \(workload.run) ", .label), Span(progress.phase.rawValue, role(progress.phase))),
        Segment(1, Span(workload.summary)),
      ].fitted(width: rect.width), in: rect, y: 0)
    if progress.phase == .loading {
      let fraction = progress.documents > 0 ? Double(progress.loaded) / Double(progress.documents) : 0
      let text = " \(Format.grouped(progress.loaded)) of \(Format.grouped(progress.documents))"
      painter.bar(fraction, in: rect, x: 0, y: 1, width: max(0, rect.width - text.count))
      painter.writeRight([Span(text)], in: rect, y: 1)
    } else {
      painter.write(counts(progress).fitted(width: rect.width), in: rect, y: 1)
    }
    let reason = progress.finishedReason?.description ?? progress.lastError
    if let reason {
      painter.write(Format.clipped(reason, rect.width, painter.glyphs), in: rect, y: 2, .warning)
    } else if let previous = model.runs.previous {
      let line = [
        Span(ThroughputPanel.previousMark(painter.glyphs) + " ", .previous), Span("previous run ", .label),
        Span(Format.rate(previous.mean) + "/s", .strong), Span(" mean  ", .label),
        Span(Format.clipped(previous.summary, max(0, rect.width - 33), painter.glyphs), .label),
      ]
      painter.write(line, in: rect, y: 2)
    }
    let graph = Rect(x: rect.x, y: rect.y + 4, width: rect.width, height: rect.height - 4)
    if graph.height >= 3 { ThroughputPanel.drawGraph(model, moment, in: graph, with: &painter) }
  }

  private static func role(_ phase: WorkloadProgress.Phase) -> Role {
    switch phase {
    case .running: .good
    case .paused, .finished: .warning
    case .idle, .loading: .accent
    }
  }

  private static func counts(_ progress: WorkloadProgress) -> [Segment] {
    var segments = [Segment.field(0, "done", Format.grouped(progress.operations))]
    if progress.duplicatesRefused > 0 {
      segments.append(.field(1, "duplicates refused", Format.grouped(progress.duplicatesRefused)))
    }
    if progress.skipped > 0 { segments.append(.field(2, "skipped", Format.grouped(progress.skipped))) }
    if progress.errors > 0 { segments.append(.field(1, "errors", Format.grouped(progress.errors), .warning)) }
    return segments
  }
}
