import DarkBird
import Terminal

/// What the workload is to do, a line a setting.
enum WorkloadSettingsPanel {
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
    let room = rect.height >= 8 ? min(max(rect.height - 1 - settings.count, 1), 3) : 0
    let explanation = Format.wrapped(words, rect.width, lines: room, painter.glyphs)
    let visible = max(1, rect.height - explanation.count - 1)
    let top = Scroll.top(0, keeping: selected, visible: visible)
    for (row, place) in (top..<min(top + visible, settings.count)).enumerated() {
      let isShare = settings[place].isShare
      let titleWidth = settings.filter { $0.isShare == isShare }.map { displayWidth($0.title) }.max() ?? 0
      draw(settings[place], options, model, titleWidth + 2, in: rect, y: row, with: &painter)
      if place == selected, model.workloadView.focus == .settings { painter.select(rect, y: row) }
    }
    for (row, line) in explanation.enumerated() {
      painter.write(line, in: rect, y: rect.height - 1 - explanation.count + row, .label)
    }
    drawState(model, in: rect, y: rect.height - 1, with: &painter)
  }

  private static func draw(
    _ setting: WorkloadSetting, _ options: WorkloadOptions, _ model: Model, _ titleWidth: Int, in rect: Rect, y: Int,
    with painter: inout Painter
  ) {
    let isChanged =
      !model.isPastWorkload && model.runningOptions.map { setting.value($0) != setting.value(options) } ?? false
    painter.write(isChanged ? "*" : " ", in: rect, y: y, .warning)
    painter.write(setting.title, in: rect, x: 1, y: y, .label)
    var value = setting.value(options)
    if setting == .acknowledgement, options.acknowledgement == nil, let own = model.identity.acknowledgement {
      value += ", \(own.rawValue)"
    }
    let x = painter.write(value, in: rect, x: titleWidth, y: y, isChanged ? .warning : .strong)
    if setting == .scenario, !isChanged, let place = model.shownScenarioPlace {
      painter.write(ScenarioText.segments(place).fitted(width: rect.width - x - 2, gap: 1), in: rect, x: x + 2, y: y)
    } else if case .share(let share) = setting {
      let barX = titleWidth + 4
      let fraction = Double(options.effectiveMix[share]) / Double(WorkloadMix.shareMax)
      painter.bar(fraction, in: rect, x: barX, y: y, width: rect.width - barX - 1)
    } else if isChanged, let running = model.runningOptions {
      // Whole or not at all: half of a number is another number.
      let was = ["  was ", " was "].map { $0 + setting.value(running) }.first { x + displayWidth($0) <= rect.width }
      if let was { painter.write(was, in: rect, x: x, y: y, .label) }
    }
  }

  private static func drawState(_ model: Model, in rect: Rect, y: Int, with painter: inout Painter) {
    let isRunning = model.history.last?.workload?.progress.isRunning ?? false
    func key(_ name: String) -> String { model.keyMap.binding(named: name)?.keys.first?.name ?? "" }
    let spans: [Span] =
      if model.replay != nil {
        [Span("as it was recorded", .label)]
      } else if model.isPastWorkload {
        [
          Span("as it was then; ", .label), Span(key("left"), .key), Span(" ", .label), Span(key("right"), .key),
          Span(" change what is now", .label),
        ]
      } else if model.workloadView.draft != nil {
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

/// Which step of a scenario is on, and how long.
enum ScenarioText {
  static func segments(_ place: ScenarioPlace) -> [Segment] {
    let name = place.name.isEmpty ? [] : [Segment(3, Span(place.name, .accent))]
    return [Segment(1, Span(place.number))] + name + [Segment(2, Span(place.leftText, .label))]
  }
}

/// How the run goes, and how the one before it went.
enum WorkloadRunPanel {
  static func draw(_ model: Model, _ moment: Moment?, in rect: Rect, with painter: inout Painter) {
    if model.tour != nil {
      painter.write("nothing runs: the tour itself uses its store", in: rect, y: 0, .label)
      return
    }
    guard let moment, let workload = moment.sample.workload else {
      painter.write("nothing runs", in: rect, y: 0, .label)
      return
    }
    let progress = workload.progress
    // Where there is room, what does not fit beside a text stands below it.
    let isTall = rect.height >= 14
    var y = 0
    let state = [Span("run \(workload.run) ", .label), Span(progress.phase.rawValue, role(progress.phase))]
    write(state, workload.summary, isTall: isTall, in: rect, y: &y, with: &painter)
    if progress.phase == .loading, progress.documents > 0 {
      drawLoading(progress, in: rect, y: y, with: &painter)
    } else {
      painter.write(counts(progress, rect.width).fitted(width: rect.width), in: rect, y: y)
    }
    y += 1
    // The store does not do what is asked of it: that has a line of its own, or it would be the first to go.
    let late = late(progress, moment).fitted(width: rect.width)
    if !late.isEmpty {
      painter.write(late, in: rect, y: y)
      y += 1
    }
    if let reason = progress.finishedReason?.description ?? progress.lastError {
      for line in Format.wrapped(reason, rect.width, lines: isTall ? 3 : 1, painter.glyphs) {
        painter.write(line, in: rect, y: y, .warning)
        y += 1
      }
    } else if let previous = model.runs.previousRun(at: moment.sample.nanoseconds) {
      let mean = [
        Span(ThroughputPanel.previousMark(painter.glyphs) + " ", .previous), Span("previous run ", .label),
        Span(Format.rate(previous.mean) + "/s", .strong), Span(" mean", .label),
      ]
      write(mean, previous.summary, isTall: isTall, in: rect, y: &y, with: &painter)
    }
    if let place = workload.scenario, let name = place.scenario?.name {
      let title = [Segment(4, Span("scenario", .label)), Segment(0, Span(name, .strong))]
      painter.write((title + ScenarioText.segments(place)).fitted(width: rect.width, gap: 1), in: rect, y: y)
      y += 1
    }
    let graph = Rect(x: rect.x, y: rect.y + y + 1, width: rect.width, height: rect.height - y - 1)
    if graph.height >= 3 { ThroughputPanel.drawGraph(model, moment, in: graph, with: &painter) }
  }

  private static func write(
    _ spans: [Span], _ text: String, isTall: Bool, in rect: Rect, y: inout Int, with painter: inout Painter
  ) {
    let x = painter.write(spans, in: rect, y: y)
    if x + 2 + displayWidth(text) <= rect.width {
      painter.write(text, in: rect, x: x + 2, y: y, .label)
    } else if isTall {
      y += 1
      painter.write(Format.clipped(text, rect.width - 2, painter.glyphs), in: rect, x: 2, y: y, .label)
    }
    y += 1
  }

  private static func drawLoading(
    _ progress: WorkloadProgress, in rect: Rect, y: Int, with painter: inout Painter
  ) {
    let fraction = progress.documents > 0 ? Double(progress.loaded) / Double(progress.documents) : 0
    let text = " \(Format.grouped(progress.loaded)) of \(Format.grouped(progress.documents))"
    painter.bar(fraction, in: rect, x: 0, y: y, width: max(0, rect.width - text.count))
    painter.writeRight([Span(text)], in: rect, y: y)
  }

  private static func role(_ phase: WorkloadProgress.Phase) -> Role {
    switch phase {
    case .running: .good
    case .paused, .finished: .warning
    case .idle, .loading: .accent
    }
  }

  private static func counts(_ progress: WorkloadProgress, _ width: Int) -> [Segment] {
    var segments = [Segment.field(0, "done", Format.grouped(progress.operations))]
    if progress.duplicatesRefused > 0 {
      let label = width < 44 ? "dup" : "duplicates refused"
      segments.append(.field(1, label, Format.grouped(progress.duplicatesRefused)))
    }
    if progress.errors > 0 { segments.append(.field(1, "errors", Format.grouped(progress.errors), .warning)) }
    return segments
  }

  /// How far it is behind its rate, and what it has missed of it in this run.
  private static func late(_ progress: WorkloadProgress, _ moment: Moment) -> [Segment] {
    let now = Shortfall(moment).flatMap { $0.isTold ? $0 : nil }.map { shortfall in
      [Segment(0, Span("now ", .label), Span(shortfall.text, .warning))]
        + (shortfall.partsText.map { [Segment(2, Span("of ", .label), Span($0, .warning))] } ?? [])
    }
    if progress.skipped == 0 { return now ?? [] }
    return (now ?? []) + [.field(1, "missed in all", Format.grouped(progress.skipped))]
  }
}
