import DarkBird
import Terminal

/// The first line: what is watched, what watching costs, and whether this is live.
enum HeaderLine {
  static func draw(_ model: Model, _ moment: Moment?, in rect: Rect, with painter: inout Painter) {
    let isNarrow = rect.width < 60
    var right = time(model, moment, isNarrow: isNarrow)
    var segments = segments(model, moment, isNarrow: isNarrow)
    // What watching costs and what was lost is always there; the clock goes first, the name of an alarm last.
    let needed = segments.filter { $0.rank <= Self.neededRank }.fitted(width: .max).width
    if right.count > 1, rect.width - right.width - 3 < needed { right.removeLast() }
    if let behind = model.behind, rect.width - right.width - 3 < needed {
      right = [Span("-" + Format.span(nanoseconds: behind), .warning)]
    }
    if rect.width - right.width - 3 < needed, let alarm = segments.firstIndex(where: { $0.rank == Self.alarmRank }) {
      segments[alarm].spans.removeLast()
    }
    let left = segments.fitted(width: rect.width - right.width - 3)
    painter.write(left, in: rect, x: 1, y: 0)
    painter.writeRight(right + [Span(" ")], in: rect, y: 0)
  }

  /// Of the dashboard's own cost and of losses.
  private static let neededRank = 2
  /// Of an alarm: its mark and its name.
  private static let alarmRank = 0

  private static func segments(_ model: Model, _ moment: Moment?, isNarrow: Bool) -> [Segment] {
    var segments = [Segment(5, Span("DARKBIRD", .accent))]
    var title = [Span(model.identity.title, .strong)]
    if let view = model.view.name { title.append(Span(" > \(view)", .label)) }
    segments.append(Segment(4, spans: title))
    let location = model.identity.location + (model.identity.isReadOnly ? " (read only)" : "")
    segments.append(Segment(6, Span(location, .label)))
    if let alarm = alarm(model) { segments.append(Segment(alarmRank, spans: alarm)) }
    guard let moment else { return segments }
    let sample = moment.sample
    // Elsewhere the second line says it.
    if model.view == .browse, let behind = AlertLine.behind(moment) { segments.append(Segment(3, behind)) }
    segments.append(Segment(3, Span(Format.grouped(sample.statistics.documents), .strong), Span(" docs", .label)))
    let isQuiet = model.time == .live && model.stillness.quietSince(at: sample) != nil
    // How old the store is, nobody knows.
    if !isQuiet { segments.append(.field(8, "watched", Format.uptime(nanoseconds: sample.nanoseconds))) }
    // Over two seconds: a figure that people can read must not flicker.
    let rates = Rates(moment.history, at: sample, over: 2_000_000_000)
    let process = (rates?.perSecond(\.processNanoseconds) ?? 0) / 1e9
    segments.append(.field(7, "cpu", Format.right(Format.cpu(process), 4)))
    if sample.residentBytes > 0 {
      segments.append(.field(7, "mem", Format.right(Format.bytes(sample.residentBytes), 8)))
    }
    let own = (rates?.perSecond(\.dashboardNanoseconds) ?? 0) / 1e9
    let frame = Format.decimal(model.frameMilliseconds, places: 1) + "ms"
    segments.append(
      Segment(
        1, Span("ui ", .label), Span(Format.right(Format.cpu(own), 4) + " " + Format.right(frame, 5)),
        Span(isNarrow ? "" : "/frame", .label)))
    let dropped = sample.eventsDropped
    segments.append(Segment(2, Span("drop ", .label), Span(Format.short(dropped), dropped > 0 ? .warning : .text)))
    return segments
  }

  /// What is wrong now where no other line says it: the one of alarms is left out of small screens and of browsing, lies below the
  /// help and the palette, and in the past it tells of then.
  private static func alarm(_ model: Model) -> [Span]? {
    let isSeen = model.view != .browse && model.helpScroll == nil && model.palette == nil
    let isTold = model.time == .live && isSeen && ViewFrame(model).alerts != nil
    guard !isTold, let now = model.history.last?.nanoseconds, let worst = model.alerts.active(at: now).first else {
      return nil
    }
    let (mark, role): (String, Role) = worst.rule.severity == .critical ? ("!!", .alert) : ("!", .warning)
    return [Span(mark, role), Span(" " + worst.rule.name.replacing("-", with: " "), role)]
  }

  /// On a narrow screen as much as leaves room for what watching costs.
  private static func time(_ model: Model, _ moment: Moment?, isNarrow: Bool) -> [Span] {
    guard let moment else { return [Span("starting", .label)] }
    if let replay = model.replay { return time(of: replay, model, moment, isNarrow: isNarrow) }
    let recording = model.recordingPath == nil ? [] : [Span("REC ", .alert)]
    return recording + live(model, moment, isNarrow: isNarrow)
  }

  /// Where in a recording one is.
  private static func time(
    of replay: ReplayState, _ model: Model, _ moment: Moment, isNarrow: Bool
  ) -> [Span] {
    let recording = replay.recording
    let place = Format.span(nanoseconds: moment.sample.nanoseconds - min(recording.start, moment.sample.nanoseconds))
    let state =
      model.time != .live
      ? Span("PAUSED ", .warning)
      : replay.isAtEnd ? Span("REPLAY end ", .strong) : Span("REPLAY \(replay.speed)x ", .accent)
    let clock = isNarrow ? "" : " " + Format.clock(moment.sample.date, in: model.zone)
    return [state, Span(place + "/" + Format.span(nanoseconds: recording.end - recording.start) + clock)]
  }

  private static func live(_ model: Model, _ moment: Moment, isNarrow: Bool) -> [Span] {
    let clock = Format.clock(moment.sample.date, in: model.zone)
    guard let behind = model.behind else {
      // Without news there is nothing that a running clock could tell, and nothing that must be sent to the terminal.
      if let since = model.stillness.quietSince(at: moment.sample) {
        let words = isNarrow ? [Span("quiet ", .label)] : [Span("LIVE", .good), Span(" quiet since ", .label)]
        return words + [Span(Format.clock(since, in: model.zone))]
      }
      return [Span("LIVE", .good), Span(" " + clock)]
    }
    let paused = Span("PAUSED -" + Format.span(nanoseconds: behind), .warning)
    return isNarrow ? [paused] : [paused, Span(" " + clock)]
  }
}
