import Foundation
import Terminal

/// Percentiles by kind of operation over the last ten seconds, and a heat map of all of them over time.
enum LatencyPanel {
  private static let nameWidth = 6

  static func draw(_ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter) {
    let sample = moment.sample
    guard sample.workload != nil || sample.timed != nil else {
      let lines = ["Nothing can be timed here.", "", "Panel 1 counts what is done to the store."]
      for (y, line) in lines.enumerated() { painter.write(line, in: rect, y: y, .label) }
      return
    }
    // The heat map wants five lines; the table takes the rest, but never fewer than three kinds.
    let kinds = shownKinds(sample, limit: rect.height >= 10 ? rect.height - 6 : max(1, rect.height - 1))
    drawTable(kinds, moment, in: rect, with: &painter)
    var used = 1 + max(1, kinds.count)
    if let timed = sample.timed, rect.height >= used + 4 {
      let share =
        timed.interval == 1 ? "every write is timed" : "1 in \(Format.grouped(timed.interval)) writes is timed"
      painter.write(Format.clipped("\(share), reads are not", rect.width, painter.glyphs), in: rect, y: used, .label)
      used += 1
    }
    let map = Rect(x: rect.x, y: rect.y + used, width: rect.width, height: rect.height - used)
    if map.height >= 3 { HeatMap.draw(model, moment, in: map, with: &painter) }
  }

  /// Kinds in use; the most telling ones if there are too many, always in the same order.
  private static func shownKinds(_ sample: Sample, limit: Int) -> [OperationKind] {
    let importance: [OperationKind] = [
      .get, .put, .update, .insert, .batch, .tag, .range, .remove, .unique, .scan,
    ]
    let kept = Set(importance.filter { sample.latencies[$0] != nil }.prefix(limit))
    return OperationKind.allCases.filter { kept.contains($0) }
  }

  private struct Column: Sendable {
    var title: String
    var value: any KeyPath<LatencySummary, UInt64> & Sendable
    /// Which column goes first when there is no room.
    var rank: Int
  }

  private static let columns = [
    Column(title: "p50", value: \.p50, rank: 0), Column(title: "p90", value: \.p90, rank: 4),
    Column(title: "p99", value: \.p99, rank: 1), Column(title: "p99.9", value: \.p999, rank: 3),
    Column(title: "max", value: \.max, rank: 2),
  ]

  private static func drawTable(
    _ kinds: [OperationKind], _ moment: Moment, in rect: Rect, with painter: inout Painter
  ) {
    let width = rect.width >= nameWidth + 5 * 7 ? 7 : 6
    let fitting = (rect.width - nameWidth) / width
    let kept = columns.filter { $0.rank < fitting }
    let showsCount = width == 7 && fitting > columns.count
    var x = nameWidth
    for column in kept {
      painter.write(Format.right(column.title, width), in: rect, x: x, y: 0, .label)
      x += width
    }
    if showsCount { painter.write(Format.right("ops/s", width), in: rect, x: x, y: 0, .label) }
    if kinds.isEmpty { painter.write(idleText(moment.sample), in: rect, y: 1, .label) }
    for (row, kind) in kinds.enumerated() {
      let summary = moment.sample.latencies[kind] ?? LatencySummary()
      painter.write(kind.rawValue, in: rect, y: row + 1, kind.isWrite ? .write : .read)
      var x = nameWidth
      for column in kept {
        let text = Format.right(Format.time(nanoseconds: summary[keyPath: column.value]), width)
        painter.write(text, in: rect, x: x, y: row + 1, column.title == "p99" ? .strong : .text)
        x += width
      }
      if showsCount {
        let perSecond = Double(summary.count) / moment.sample.latencySeconds
        painter.write(Format.right(Format.rate(perSecond), width), in: rect, x: x, y: row + 1)
      }
    }
  }

  private static func idleText(_ sample: Sample) -> String {
    guard let workload = sample.workload else { return "waiting for writes: this program's are timed" }
    return switch workload.progress.phase {
    case .idle: "the workload has not begun"
    case .loading: "loading, which is not timed"
    case .running: "waiting for the first operations"
    case .paused: "the workload is paused"
    case .finished: "the workload has ended: \(workload.progress.finishedReason?.description ?? "done")"
    }
  }
}

/// Latency against time: the denser and warmer a cell, the more operations took that long then.
enum HeatMap {
  private static let labelWidth = 5

  static func draw(_ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter) {
    let axisHeight = rect.height >= 6 ? 1 : 0
    let map = Rect(
      x: rect.x + labelWidth + 1, y: rect.y, width: rect.width - labelWidth - 1, height: rect.height - axisHeight)
    guard map.width > 0, map.height > 0 else { return }
    let columns = columns(moment, map.width)
    let buckets = bucketRange(columns)
    let rows = rows(map.height, buckets)
    let cells = columns.map { column in rows.map { count(column, in: $0) } }
    let most = max(1, cells.joined().max() ?? 1)
    let labels = labels(map.height, buckets)
    let bar = painter.glyphs == .ascii ? "|" : "│"
    for row in rows.indices {
      let y = map.height - 1 - row
      painter.write(bar, in: rect, x: labelWidth, y: y, .border)
      if let label = labels[row] { painter.write(Format.right(label, labelWidth), in: rect, y: y, .label) }
      for (x, column) in cells.enumerated() where column[row] > 0 {
        let share = most > 1 ? log2Ratio(column[row], most) : 1
        let level = min(Theme.heatLevels - 1, Int(share * Double(Theme.heatLevels)))
        painter.write(String(painter.glyphs.shades[level]), in: map, x: x, y: y, .heat(level))
      }
    }
    if axisHeight > 0 {
      painter.write(painter.glyphs == .ascii ? "+" : "└", in: rect, x: labelWidth, y: rect.height - 1, .border)
      let axis = Rect(x: map.x, y: rect.y, width: map.width, height: rect.height)
      TimeAxis.draw(
        reach: moment.reach(map.width), isLive: model.time == .live, in: axis, y: rect.height - 1, with: &painter)
    }
  }

  private static func columns(_ moment: Moment, _ count: Int) -> [HeatColumn] {
    moment.columns(count).map { span in
      var sum = HeatColumn()
      guard let span else { return sum }
      let inside = moment.history.points(after: span.start, through: span.end)
      for point in inside { sum.add(point.heat) }
      // Where samples are rarer than columns, the next one tells of this time too; the first not of what was before it.
      if inside.isEmpty, let first = moment.history.first, first.nanoseconds <= span.start,
        let next = moment.history.point(atOrAfter: span.end + 1)
      {
        sum.add(next.heat)
      }
      return sum
    }
  }

  /// The buckets that are in use, widened to whole decades of time: an axis that seldom changes.
  private static func bucketRange(_ columns: [HeatColumn]) -> ClosedRange<Double> {
    var lowest = Int.max
    var highest = Int.min
    for column in columns {
      for (bucket, count) in column.counts.enumerated() where count > 0 {
        lowest = min(lowest, bucket)
        highest = max(highest, bucket)
      }
    }
    guard lowest <= highest else { return position(1e3)...position(1e6) }
    var low = 100.0
    while low * 10 <= HeatColumn.lowerBound(of: lowest) { low *= 10 }
    var high = low * 1_000
    while high < HeatColumn.lowerBound(of: highest + 1) { high *= 10 }
    return position(low)...position(high)
  }

  /// Where a time stands among the buckets, which divide octaves in two.
  private static func position(_ nanoseconds: Double) -> Double {
    2 * (nanoseconds.log2Value - Double(HeatColumn.firstOctave))
  }

  private static func time(at position: Double) -> Double { exp2(position / 2 + Double(HeatColumn.firstOctave)) }

  private static func rows(_ height: Int, _ buckets: ClosedRange<Double>) -> [Range<Double>] {
    let step = (buckets.upperBound - buckets.lowerBound) / Double(height)
    return (0..<height).map { row in
      buckets.lowerBound + step * Double(row)..<buckets.lowerBound + step * Double(row + 1)
    }
  }

  private static func count(_ column: HeatColumn, in range: Range<Double>) -> UInt64 {
    guard !column.counts.isEmpty else { return 0 }
    // A row thinner than a bucket shows the bucket that it lies in.
    let first = max(0, Int(range.lowerBound.rounded()))
    let end = max(first + 1, Int(range.upperBound.rounded()))
    guard first < column.counts.count else { return 0 }
    return column.counts[first..<min(end, column.counts.count)].reduce(0) { $0 + UInt64($1) }
  }

  /// Each decade at the row whose lower edge is nearest; where there are more of them than rows, each row its lower edge.
  private static func labels(_ height: Int, _ buckets: ClosedRange<Double>) -> [Int: String] {
    let step = (buckets.upperBound - buckets.lowerBound) / Double(height)
    var labels: [Int: String] = [:]
    if step > position(1_000) - position(100) {
      for row in 0..<height { labels[row] = axisLabel(time(at: buckets.lowerBound + step * Double(row))) }
      return labels
    }
    var decade = 100.0
    while position(decade) <= buckets.upperBound, decade < 1e12 {
      let row = Int(((position(decade) - buckets.lowerBound) / step).rounded())
      if (0..<height).contains(row), labels[row] == nil { labels[row] = axisLabel(decade) }
      decade *= 10
    }
    return labels
  }

  private static func axisLabel(_ nanoseconds: Double) -> String {
    Format.time(nanoseconds: nanoseconds).replacing(".0", with: "")
  }

  private static func log2Ratio(_ count: UInt64, _ most: UInt64) -> Double {
    Double(count + 1).log2Value / Double(most + 1).log2Value * 0.999
  }
}
