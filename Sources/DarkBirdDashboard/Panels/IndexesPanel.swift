import DarkBird
import Terminal

/// How much each index holds, the most frequent tags, and how that changed over the window.
enum IndexesPanel {
  /// A line: an index, or a tag.
  struct Row: Hashable, Sendable {
    var kind: StoreStatistics.Index.Kind
    var name: String
    var entries: Int
    var distinct: Int?
    var isTag: Bool
  }

  static func rows(_ sample: Sample) -> [Row] {
    sample.statistics.indexes.map {
      Row(
        kind: $0.kind, name: $0.name.isEmpty ? "(tags)" : $0.name, entries: $0.entries, distinct: $0.distinct,
        isTag: false)
    } + sample.tags.map { Row(kind: .tag, name: $0.tag, entries: $0.count, distinct: nil, isTag: true) }
  }

  static func draw(_ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter) {
    let rows = rows(moment.sample)
    guard !rows.isEmpty else {
      painter.write("nothing is indexed: documents are found by key", in: rect, y: 0, .label)
      return
    }
    let entriesWidth = rows.reduce(7) { max($0, Format.grouped($1.entries).count) } + 1
    let distinctWidth = rect.width >= 50 ? 9 : 0
    let sparkMax = rect.width >= 90 ? 40 : rect.width >= 70 ? 20 : 10
    let sparkWidth = max(0, min(sparkMax, rect.width - 5 - 10 - entriesWidth - distinctWidth - 1))
    let nameWidth = rect.width - 5 - entriesWidth - distinctWidth - (sparkWidth > 0 ? sparkWidth + 1 : 0)
    drawTitles(moment, rect, nameWidth, entriesWidth, distinctWidth, sparkWidth, model, &painter)

    let visible = rect.height - 1
    let first = min(model.indexScroll, max(0, rows.count - visible))
    let times = sparkTimes(moment, sparkWidth)
    for (line, row) in rows.dropFirst(first).prefix(max(0, visible)).enumerated() {
      let y = line + 1
      painter.write(row.isTag ? "" : row.kind.label, in: rect, y: y, row.kind.role)
      let name = (row.isTag ? "  " : "") + row.name
      painter.write(Format.clipped(name, nameWidth - 1, painter.glyphs), in: rect, x: 5, y: y)
      var x = 5 + nameWidth
      painter.write(Format.right(Format.grouped(row.entries), entriesWidth), in: rect, x: x, y: y)
      x += entriesWidth
      if distinctWidth > 0 {
        let text = row.distinct.map { Format.short($0) } ?? ""
        painter.write(Format.right(text, distinctWidth), in: rect, x: x, y: y, .label)
        x += distinctWidth
      }
      if sparkWidth > 0 {
        let line = Plot.sparkline(times.map { $0.flatMap { entries(of: row, in: $0) } }, glyphs: painter.glyphs)
        painter.write(line, in: rect, x: x + 1, y: y, row.kind.role)
      }
    }
    let hidden = rows.count - first - visible
    if hidden > 0 { painter.writeRight([Span(" +\(hidden) more", .label)], in: rect, y: rect.height - 1) }
  }

  private static func drawTitles(
    _ moment: Moment, _ rect: Rect, _ name: Int, _ entries: Int, _ distinct: Int, _ spark: Int, _ model: Model,
    _ painter: inout Painter
  ) {
    painter.write("kind", in: rect, y: 0, .label)
    painter.write("name", in: rect, x: 5, y: 0, .label)
    painter.write(Format.right("entries", entries), in: rect, x: 5 + name, y: 0, .label)
    if distinct > 0 { painter.write(Format.right("distinct", distinct), in: rect, x: 5 + name + entries, y: 0, .label) }
    // Between the name and the number of entries.
    let room = name + entries - 15
    let duplicates = duplicates(moment).fitted(width: room)
    if duplicates.width <= room { painter.write(duplicates, in: rect, x: 11, y: 0) }
    if spark > 0 {
      let text = Format.ago(seconds: Double(model.windowSeconds))
      painter.write(text, in: rect, x: rect.width - spark, y: 0, .label)
    }
  }

  /// Those that all unique indexes together have refused since the store was opened: it does not count them one by one.
  private static func duplicates(_ moment: Moment) -> [Segment] {
    let refused = moment.sample.statistics.operations.duplicatesRefused
    guard refused > 0 else { return [] }
    let rate = moment.rates?.perSecond { $0.operations.duplicatesRefused } ?? 0
    return [.field(0, "dup", Format.short(refused)), Segment(1, Span(Format.rate(rate) + "/s"))]
  }

  /// Samples at the ends of equal parts of the window.
  private static func sparkTimes(_ moment: Moment, _ count: Int) -> [Sample?] {
    moment.columns(count).map { span in span.flatMap { moment.history.sample(atOrBefore: $0.end) } }
  }

  private static func entries(of row: Row, in sample: Sample) -> Double? {
    if row.isTag { return sample.tags.first { $0.tag == row.name }.map { Double($0.count) } }
    return sample.statistics.indexes.first {
      $0.kind == row.kind && ($0.name == row.name || $0.name.isEmpty && row.name == "(tags)")
    }.map { Double($0.entries) }
  }
}

extension StoreStatistics.Index.Kind {
  var label: String {
    switch self {
    case .unique: "uniq"
    case .tag: "tag"
    case .range: "rng"
    }
  }

  var role: Role {
    switch self {
    case .unique: .unique
    case .tag: .tag
    case .range: .range
    }
  }
}
