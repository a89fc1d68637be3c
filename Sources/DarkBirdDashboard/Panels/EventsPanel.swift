import Terminal

/// What happens in the store, newest first: all of it counted, some of it shown.
enum EventsPanel {
  static func draw(_ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter) {
    let entries = model.events.shownEntries(
      through: moment.sample.sequence, skip: model.events.scroll, limit: max(0, rect.height - 1))
    let summary = summary(model, moment, entries, width: rect.width)
    let left = painter.write(summary.fitted(width: rect.width), in: rect, y: 0)
    if model.events.editor == nil, model.view == .overview {
      let keys = [Command.filter, .hold].map { model.keyMap.key(of: $0, in: .overview) }
      painter.writeRight(
        [Span(keys[0], .key), Span(" filter  ", .label), Span(keys[1], .key), Span(" hold", .label)], in: rect, y: 0,
        after: left + 2)
    }
    let lines = entries.map(\.line)
    if lines.isEmpty {
      let isQuiet = moment.rates.map { $0.perSecond(\.eventsCounted) == 0 } ?? true
      let text =
        !model.events.activeFilter.isEmpty
        ? "nothing that is kept contains that; newer events will, if they do"
        : isQuiet ? "quiet: no document has changed" : "the events of this moment are no longer kept"
      painter.write(Format.clipped(text, rect.width, painter.glyphs), in: rect, y: 1, .label)
    }
    for (index, line) in lines.enumerated() { draw(line, model, in: rect, y: index + 1, with: &painter) }
  }

  private static func summary(
    _ model: Model, _ moment: Moment, _ entries: [EventLog.Entry], width: Int
  ) -> [Segment] {
    if let editor = model.events.editor {
      return [Segment(0, spans: [Span("/", .key)] + editor.spans(width: min(40, width - 2)))]
    }
    let counted = moment.rates?.perSecond(\.eventsCounted) ?? 0
    var segments: [Segment] = []
    if model.events.heldSequence != nil { segments.append(Segment(0, Span("HELD", .warning))) }
    if !model.events.filter.isEmpty {
      segments.append(Segment(1, Span("only ", .label), Span("\"\(model.events.filter)\"", .accent)))
    }
    segments.append(Segment(2, Span(Format.right(Format.rate(counted), 6) + "/s", .strong), Span(" counted", .label)))
    segments.append(Segment(3, Span(Format.right(ratio(of: entries, moment), 5)), Span(" shown", .label)))
    return segments
  }

  /// How much of what happened the lines are that one sees: of the time from the oldest of them to the newest, not of this second,
  /// in which there may be none.
  private static func ratio(of entries: [EventLog.Entry], _ moment: Moment) -> String {
    let newest = entries.first.flatMap { moment.history.sample($0.sequence) } ?? moment.sample
    let before: Sample?
    if let oldest = entries.last {
      let first = moment.history.first?.sequence ?? 0
      before = oldest.sequence > first ? moment.history.sample(oldest.sequence - 1) : nil
    } else {
      before = moment.rates?.earlier
    }
    func rise(_ count: KeyPath<Sample, UInt64>) -> UInt64 {
      let (now, then) = (newest[keyPath: count], before?[keyPath: count] ?? 0)
      return now - min(now, then)
    }
    let (counted, shown) = (rise(\.eventsCounted), rise(\.eventsShown))
    if counted <= shown { return "all" }
    return shown > 0 ? "1:\((counted + shown - 1) / shown)" : "none"
  }

  private static func draw(_ line: EventLine, _ model: Model, in rect: Rect, y: Int, with painter: inout Painter) {
    let clock = Format.clock(line.date, in: model.zone, milliseconds: rect.width >= 56)
    var x = painter.write(clock + " ", in: rect, y: y, .label)
    x = painter.write(line.kind.rawValue + " ", in: rect, x: x, y: y, line.kind.role)
    if rect.width >= 44 {
      x = painter.write(Format.left(line.shard.map { "s\($0)" } ?? "", 4) + " ", in: rect, x: x, y: y, .label)
    }
    let bytes = rect.width >= 56 ? line.bytes.map { Format.right(Format.bytes($0), 8) } ?? "" : ""
    let room = rect.width - x - bytes.count
    let key = Format.clipped(line.key, min(room, 40), painter.glyphs)
    x = painter.write(key.isEmpty ? "" : key + " ", in: rect, x: x, y: y, .strong)
    let detail = Format.clipped(line.detail, rect.width - x - bytes.count, painter.glyphs)
    painter.write(detail, in: rect, x: x, y: y, line.kind == .duplicate ? .warning : .text)
    painter.writeRight([Span(bytes, .label)], in: rect, y: y, after: x)
  }
}

extension EventLine.Kind {
  var role: Role {
    switch self {
    case .insert: .good
    case .put: .write
    case .remove, .clear: .unique
    case .rotation, .checkpoint: .accent
    case .duplicate, .gap: .warning
    }
  }
}

extension LineEditor {
  /// The line with its cursor, cut on the left if it is too long.
  func spans(width: Int) -> [Span] {
    let under = cursor < characters.count ? String(characters[cursor]) : " "
    var room = max(1, width - max(1, displayWidth(under)))
    /// As many of the characters as there is room for.
    func fitting(_ characters: some Sequence<Character>) -> [Character] {
      Array(
        characters.prefix { character in
          room -= displayWidth(String(character))
          return room >= 0
        })
    }
    let before = String(fitting(characters[..<cursor].reversed()).reversed())
    let after = String(fitting(characters[cursor...].dropFirst()))
    return [Span(before, isSuggestion ? .caret : .strong), Span(under, .caret), Span(after, .strong)]
  }
}
