import DarkBird
import Terminal

/// The second line: what is wrong, or what the workload does, and three figures that tell trouble first.
enum AlertLine {
  static func draw(_ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter) {
    let alarms = model.alerts.active(at: moment.sample.nanoseconds)
    let worst = alarms.first
    // What is broken takes the whole line.
    var right = worst?.rule.severity == .critical ? [] : figures(moment)
    // Slow operations are an alarm too, and may be the older one; that they keep the workload from its rate is not hidden.
    if let worst, worst.rule.measure != .behind, let shortfall = Shortfall(moment), shortfall.isTold {
      right.insert(Segment(-1, Span("\(Format.percent(shortfall.missed)) behind", .warning)), at: 0)
    }
    if !alarms.isEmpty, model.view != .alerts {
      let key = model.keyMap.binding(named: "alerts")?.keys.first?.name
      right.append(Segment(-1, Span(key ?? "", .key), Span(" alerts (\(alarms.count))", .label)))
    }
    let reasons =
      worst?.rule.measure == .behind ? [Shortfall(moment)?.partsText, waiting(model, moment)].compactMap(\.self) : []
    // Why writes are late comes before figures that say what they always say.
    let wanted = reasons.isEmpty ? 0 : 30 + reasons.reduce(0) { $0 + 2 + displayWidth($1) }
    let figures = right.fitted(width: min(rect.width / 2, max(16, rect.width - 4 - wanted)))
    let room = rect.width - figures.width - 4
    painter.writeRight(figures + [Span(" ")], in: rect, y: 0)
    guard let worst else {
      let behind = behind(moment)
      let state = behind ?? Span("ok", .good)
      let left = room - displayWidth(state.text) - 2
      var rest = workload(model, moment).fitted(width: left)
      if rest.width > left {
        // Beside what is worth a word, half a word is none; else it says that it goes on.
        let text = Format.clipped(rest.map(\.text).joined(), max(0, left), painter.glyphs)
        rest = behind != nil ? [] : [Span(text)]
      }
      // What is too long all the same ends where the figures begin.
      painter.write([state, Span("  ")] + rest, in: Rect(x: rect.x, y: rect.y, width: room + 2, height: 1), x: 1, y: 0)
      return
    }
    // Reasons stay as they were; figures are those of the moment.
    let now = moment.sample.nanoseconds
    let text =
      worst.rule.hasThreshold
      ? worst.rule.text(at: moment, lasting: now - min(worst.start, now)) : worst.text
    let sign = worst.rule.severity == .critical ? "!! " : "! "
    var line = sign + text
    for reason in reasons where displayWidth(line) + 2 + displayWidth(reason) <= room { line += ", " + reason }
    painter.write(
      Format.clipped(line, room, painter.glyphs), in: rect, x: 1, y: 0,
      worst.rule.severity == .critical ? .alert : .warning)
  }

  /// What writers wait for: what is in nobody's acknowledgement first.
  private static func waiting(_ model: Model, _ moment: Moment) -> String? {
    guard let rates = moment.rates else { return nil }
    if rates.perSecond({ $0.log?.pageWaits }) > 0 { return "waits for a page" }
    if rates.perSecond({ $0.log?.queueWaits }) > 0 { return "waits for the queue" }
    switch model.acknowledgement(at: moment.sample) {
    case .synced: return "wait for synced"
    case .written: return "wait for written"
    case .memory, nil: return nil
    }
  }

  /// `38% behind 20.0k/s`, also before that is an alarm, and where nobody wants to hear of it.
  static func behind(_ moment: Moment) -> Span? {
    guard let shortfall = Shortfall(moment), shortfall.isTold else { return nil }
    return Span(shortfall.text, .warning)
  }

  private static func workload(_ model: Model, _ moment: Moment) -> [Segment] {
    guard let sample = moment.sample.workload else {
      return [Segment(0, Span("no workload: watching only", .label))] + duplicates(moment)
    }
    let progress = sample.progress
    var segments: [Segment] = []
    switch progress.phase {
    case .idle: segments.append(Segment(0, Span("workload not started", .label)))
    // Nobody knows yet how many are to be loaded, nor whether any are.
    case .loading where progress.documents == 0: segments.append(Segment(0, Span("workload begins")))
    case .loading:
      let fraction = progress.documents > 0 ? Double(progress.loaded) / Double(progress.documents) : 0
      segments.append(
        .field(0, "loading", "\(Format.grouped(progress.loaded)) of \(Format.grouped(progress.documents))", .strong))
      segments.append(Segment(1, Span(Format.percent(fraction))))
    case .running: segments.append(.field(0, model.tour == nil ? "load" : "chapter", sample.summary))
    case .paused: segments.append(Segment(0, Span("workload paused", .warning)))
    case .finished:
      segments.append(.field(0, "workload ended:", progress.finishedReason?.description ?? "done"))
    }
    segments += duplicates(moment)
    if progress.errors > 0 { segments.append(.field(1, "errors", Format.short(progress.errors), .warning)) }
    if progress.skipped > 0 { segments.append(.field(3, "missed in all", Format.short(progress.skipped))) }
    return segments
  }

  /// Those that the store has refused since it was opened, whoever wrote them. What a workload counts is of its run.
  private static func duplicates(_ moment: Moment) -> [Segment] {
    let refused = moment.sample.statistics.operations.duplicatesRefused
    return refused > 0 ? [.field(2, "dup", Format.short(refused))] : []
  }

  private static func figures(_ moment: Moment) -> [Segment] {
    var segments: [Segment] = []
    if let log = moment.sample.statistics.log {
      segments.append(.field(1, "log lag", Format.seconds(nanoseconds: log.durableLagNanoseconds)))
      let fraction = log.queueBytesMax > 0 ? Double(log.queueBytes) / Double(log.queueBytesMax) : 0
      segments.append(.field(0, "queue", Format.right(Format.percent(fraction), 3)))
    }
    segments.append(.field(2, "skew", Format.decimal(ShardFigures(moment).skew, places: 2)))
    return segments
  }
}
