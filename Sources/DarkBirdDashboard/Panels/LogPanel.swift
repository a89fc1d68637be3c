import DarkBird
import Terminal

/// The write-ahead log: how full its page is, how fast it grows, what waits, what is durable.
enum LogPanel {
  static func draw(_ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter) {
    let statistics = moment.sample.statistics
    guard let log = statistics.log else {
      // All stores of a tour have a log: its first sample has not come.
      if model.tour != nil {
        painter.write("waiting for the first sample", in: rect, y: 0, .label)
        return
      }
      let isInMemory = model.identity.isInMemory
      // Of a tour that was recorded.
      if !isInMemory, !model.identity.isReadOnly {
        painter.write("no store was open at this moment", in: rect, y: 0, .label)
        return
      }
      let lines: [[Span]] = [
        isInMemory
          ? [Span("in memory", .strong), Span("  no log, no file is touched")]
          : [Span("read only", .strong), Span("  the log is read, never written")],
        [Span("LSN ", .label), Span(Format.grouped(statistics.memoryLSN))],
        [Span(isInMemory ? "what is in it ends with this process" : "nothing on the disk is changed", .label)],
      ]
      for (y, spans) in lines.enumerated() { painter.write(spans, in: rect, y: y) }
      return
    }
    var y = 0
    if let failure = log.failure {
      painter.write(Format.clipped("FAILED: \(failure)", rect.width, painter.glyphs), in: rect, y: y, .alert)
      y += 1
    } else if let failure = log.checkpointFailure {
      let text = "CHECKPOINT FAILED: \(failure)"
      painter.write(Format.clipped(text, rect.width, painter.glyphs), in: rect, y: y, .alert)
      y += 1
    }
    drawPage(log, in: rect, y: y, with: &painter)
    painter.write(writing(moment, log, rect.width).fitted(width: rect.width), in: rect, y: y + 1)
    drawQueue(log, in: rect, y: y + 2, with: &painter)
    painter.write(rotation(moment, log).fitted(width: rect.width), in: rect, y: y + 3)
    drawStrip(moment, in: rect, y: y + 4, with: &painter)
    painter.write(numbers(model, moment, width: rect.width).fitted(width: rect.width), in: rect, y: y + 5)
    painter.write(checkpoints(log).fitted(width: rect.width), in: rect, y: y + 6)
    let graph = Rect(x: rect.x, y: rect.y + y + 9, width: rect.width, height: rect.height - y - 9)
    if graph.height >= 4 {
      painter.write("bytes a second, to the operating system", in: rect, y: y + 8, .label)
      drawWriting(model, moment, in: graph, with: &painter)
    }
  }

  private static func drawWriting(_ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter) {
    let count = Graph.valueCount(width: rect.width, painter.glyphs)
    let values = moment.columns(count) { slope in
      let bytes = slope.perSecond { $0.bytesWritten }
      return PlotValue(writes: bytes, total: bytes)
    }
    Graph.draw(values, model, moment, in: rect, with: &painter)
  }

  private static func drawPage(_ log: StoreStatistics.Log, in rect: Rect, y: Int, with painter: inout Painter) {
    let (fraction, text) = fill(log)
    let x = painter.write([Span("page ", .label), Span("\(log.page)", .strong), Span(" ")], in: rect, y: y)
    let right = [Span(text + " "), Span(Format.right(Format.percent(fraction), 4), .strong)]
    let bar = max(4, rect.width - x - right.width - 1)
    painter.bar(fraction, in: rect, x: x, y: y, width: bar)
    painter.writeRight(right, in: rect, y: y, after: x + bar)
  }

  private static func fill(_ log: StoreStatistics.Log) -> (Double, String) {
    switch log.pageCapacity {
    case .records(let capacity):
      (
        Double(log.pageRecords) / Double(max(1, capacity)),
        "\(Format.grouped(log.pageRecords))/\(Format.grouped(capacity))"
      )
    case .bytes(let capacity):
      (
        Double(log.pageBytes) / Double(max(1, capacity)),
        "\(Format.right(Format.bytes(log.pageBytes), 8))/\(Format.bytes(capacity))"
      )
    }
  }

  private static func writing(_ moment: Moment, _ log: StoreStatistics.Log, _ width: Int) -> [Segment] {
    let bytes = moment.rates?.perSecond { $0.log?.bytesWritten } ?? 0
    let records = moment.rates?.perSecond { $0.log?.recordsWritten } ?? 0
    let syncs = moment.rates?.perSecond { $0.log?.syncs } ?? 0
    return [
      .field(0, "write", Format.right(Format.bytes(bytes), 8) + "/s"),
      .field(2, "", Format.right(Format.rate(records), 6) + " rec/s"),
      Segment(1, spans: syncTimes(moment.sample, width)),
      .field(3, "", Format.right(Format.rate(syncs), 4) + " syncs/s"),
    ]
  }

  /// `sync p50 1.1ms p99 4.0ms (10s)`, over the ten seconds of the latencies: what a write that waits for the disk waits for.
  private static func syncTimes(_ sample: Sample, _ width: Int) -> [Span] {
    func time(_ nanoseconds: UInt64?) -> Span {
      Span(Format.right(nanoseconds.map { Format.time(nanoseconds: $0) } ?? "-", 5))
    }
    let half = width < 46 ? [] : sample.syncP50.map { [Span("p50 ", .label), time($0), Span(" ")] } ?? []
    let span = width < 60 ? [] : [Span(" (10s)", .label)]
    return [Span("sync ", .label)] + half + [Span("p99 ", .label), time(sample.syncP99)] + span
  }

  private static func drawQueue(_ log: StoreStatistics.Log, in rect: Rect, y: Int, with painter: inout Painter) {
    let fraction = log.queueBytesMax > 0 ? Double(log.queueBytes) / Double(log.queueBytesMax) : 0
    let x = painter.write("queue ", in: rect, y: y, .label)
    let width = max(4, min(12, rect.width - 42))
    painter.bar(fraction, in: rect, x: x, y: y, width: width, fraction > 0.8 ? .alert : .bar)
    let percent = Format.right(Format.percent(fraction), 4)
    let next = painter.write(percent, in: rect, x: x + width + 1, y: y, fraction > 0.8 ? .alert : .text)
    painter.write(
      [
        .field(0, "lag durable", Format.seconds(nanoseconds: log.durableLagNanoseconds)),
        .field(1, "written", Format.seconds(nanoseconds: log.writtenLagNanoseconds)),
      ].fitted(width: rect.width - next - 1), in: rect, x: next + 1, y: y)
  }

  private static func rotation(_ moment: Moment, _ log: StoreStatistics.Log) -> [Segment] {
    let waits = moment.rates?.perSecond { $0.log?.pageWaits } ?? 0
    // Writers wait for the disk whatever their acknowledgement: that comes before all else.
    let waiting = waits > 0 ? [Segment.field(0, "waits for a page", Format.rate(waits) + "/s", .warning)] : []
    return waiting + [
      .field(0, "rotated", Format.grouped(log.rotations)), rhythm(moment),
      .field(2, "disk", Format.bytes(log.bytesOnDisk)),
      .field(3, "", "\(Format.grouped(log.pagesOnDisk)) page\(log.pagesOnDisk == 1 ? "" : "s")"),
    ]
  }

  private static let rhythmNanoseconds: UInt64 = 60_000_000_000
  private static let rhythmPagesMax = 6

  /// How often the last pages ended, while pages do; else how long ago the last one did.
  private static func rhythm(_ moment: Moment) -> Segment {
    let now = moment.sample.nanoseconds
    var turns: [(at: UInt64, count: UInt64)] = []
    var before: UInt64?
    for point in moment.history.points(after: now - min(now, rhythmNanoseconds), through: now) {
      if let before, point.rotations > before { turns.append((point.nanoseconds, point.rotations)) }
      before = point.rotations
    }
    turns = turns.suffix(rhythmPagesMax)
    guard let first = turns.first, let last = turns.last else { return Segment(1, Span("none in 60s", .label)) }
    let since = now - last.at
    let every = last.count > first.count ? Double(last.at - first.at) / Double(last.count - first.count) : .infinity
    // Three of them have not come: it is over.
    if Double(since) > max(3 * every, 5e9) || !every.isFinite {
      return Segment(1, Span("last ", .label), Span(Format.span(nanoseconds: since)), Span(" ago", .label))
    }
    if every < 0.1e9 { return Segment(1, Span(Format.rate(1e9 / every) + "/s")) }
    return .field(1, "every", Format.decimal(every / 1e9, places: 1) + "s")
  }

  /// A second a column, the last one on the right: a bar where a page ended, a line where one went on.
  private static func drawStrip(_ moment: Moment, in rect: Rect, y: Int, with painter: inout Painter) {
    let x = painter.write("pages ", in: rect, y: y, .label)
    let note = "1 column = 1s"
    let width = rect.width - x - (rect.width >= 44 ? note.count + 2 : 0)
    guard width > 0, y < rect.height else { return }
    let (turn, line) = painter.glyphs == .ascii ? ("|", "=") : ("┃", "━")
    let second: UInt64 = 1_000_000_000
    let last = moment.sample.nanoseconds / second
    for column in 0..<width {
      let back = UInt64(width - column)
      guard last >= back, let before = moment.history.point(atOrBefore: (last - back) * second),
        let after = moment.history.point(atOrBefore: (last - back + 1) * second)
      else { continue }
      let turned = after.rotations > before.rotations
      painter.write(turned ? turn : line, in: rect, x: x + column, y: y, turned ? .accent : .track)
    }
    if rect.width >= 44 { painter.writeRight([Span(note, .label)], in: rect, y: y) }
  }

  private static func numbers(_ model: Model, _ moment: Moment, width: Int) -> [Segment] {
    let statistics = moment.sample.statistics
    let ack = model.acknowledgement(at: moment.sample)
    let isWaiting = (moment.rates?.perSecond { $0.log?.pageWaits } ?? 0) > 0
    func behind(_ lsn: UInt64) -> String {
      let distance = statistics.memoryLSN - min(lsn, statistics.memoryLSN)
      return distance == 0 ? "all" : "-" + Format.short(distance)
    }
    return [
      .field(0, "LSN", Format.grouped(statistics.memoryLSN)),
      // How far the log is behind, the panel says in seconds too.
      .field(2, "durable", Format.left(behind(statistics.durableLSN), 6)),
      .field(3, "written", Format.left(behind(statistics.writtenLSN), 6)),
    ]
      + (ack.map { level in
        let awaited = (level == .memory ? [] : [level.rawValue]) + (isWaiting ? ["a page"] : [])
        return [
          .field(
            1, width < 60 ? "wait for" : "writers wait for",
            awaited.isEmpty ? "nothing" : awaited.joined(separator: " and "), isWaiting ? .warning : .text)
        ]
      } ?? [])
  }

  private static func checkpoints(_ log: StoreStatistics.Log) -> [Segment] {
    [
      // One that was there already is the last one, and does not count.
      .field(
        0, "checkpoints",
        log.checkpoints == 0 && log.checkpointLSN != nil ? "0 since opened" : Format.grouped(log.checkpoints)),
      log.checkpointLSN.map { .field(1, "last at LSN", Format.grouped($0)) } ?? .field(1, "", "none yet"),
    ] + (log.checkpointFailures > 0 ? [.field(2, "failed", Format.grouped(log.checkpointFailures))] : [])
  }
}
