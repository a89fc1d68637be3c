import DarkBird
import Terminal

/// Documents, operations and lock waits of each shard side by side, and how unequal they are.
enum ShardsPanel {
  static func draw(_ model: Model, _ moment: Moment, in rect: Rect, with painter: inout Painter) {
    let shards = moment.sample.statistics.shards
    guard !shards.isEmpty else {
      painter.write("no shards", in: rect, y: 0, .label)
      return
    }
    let figures = ShardFigures(moment)
    let (bars, table) = parts(shards.count, of: rect)
    let shared = columns(shards.count, bars.width).shared
    var summary: [Segment] = [
      .field(0, "", Format.counted(shards.count, "shard"), .strong),
      .field(
        1, figures.isAtRest ? "skew of documents" : bars.width < 44 ? "skew" : "skew max/mean",
        Format.decimal(figures.skew, places: 2),
        model.alerts.isFiring(.skew) ? .warning : .text),
      .field(2, "hot", "#\(figures.hottest)"),
      Segment(4, Span("docs / ops / wait, half = mean", .label)),
    ]
    if shared > 1 { summary.append(Segment(3, Span("bar = most of \(shared)", .label))) }
    painter.write(summary.fitted(width: bars.width), in: bars, y: 0)
    if let table { drawTable(model, figures, shards, in: table, with: &painter) }
    drawRows(figures, shards, in: bars, with: &painter)
  }

  private static let tableWidth = 39

  private static func parts(_ count: Int, of rect: Rect) -> (bars: Rect, table: Rect?) {
    var bars = rect
    // A wide panel has room for a table beside the bars, if it does not make them fewer; a high one below them.
    let beside = rect.width - tableWidth - 2
    if beside >= tableWidth, columns(count, beside).shared == columns(count, rect.width).shared {
      bars.width = beside
      return (bars, Rect(x: rect.x + beside + 2, y: rect.y, width: tableWidth, height: rect.height))
    }
    guard rect.height >= 16 else { return (bars, nil) }
    bars.height = 13
    return (bars, Rect(x: rect.x, y: rect.y + bars.height, width: rect.width, height: rect.height - bars.height))
  }

  /// Rows of the table in a panel of this size, without its head.
  static func tableRows(_ count: Int, in rect: Rect) -> Int { max(1, (parts(count, of: rect).table?.height ?? 2) - 1) }

  /// Three rows of bars and the figures of the hottest shard, below the first line.
  private static func drawRows(
    _ figures: ShardFigures, _ shards: [StoreStatistics.Shard], in rect: Rect, with painter: inout Painter
  ) {
    let (labelWidth, shared) = columns(shards.count, rect.width)
    let rows: [(String, [Double], Role)] = [
      ("docs", figures.documents, .read), ("ops", figures.operations, .write), ("wait", figures.waits, .unique),
    ]
    // What is left after the summary and the line of the hottest shard.
    let room = max(3, min(12, rect.height - 2))
    var y = 1
    for (index, (label, values, role)) in rows.enumerated() {
      let height = room / 3 + ([1, 0, 2][index] < room % 3 ? 1 : 0)
      guard y + height <= rect.height else { break }
      painter.write(String(label.prefix(labelWidth - 1)), in: rect, y: y + height - 1, .label)
      let area = Rect(x: rect.x + labelWidth, y: rect.y + y, width: rect.width - labelWidth, height: height)
      drawBars(values, shared, hottest: figures.hottest, role, in: area, with: &painter)
      y += height
    }
    painter.write(hotLine(figures, shards).fitted(width: rect.width), in: rect, y: y)
  }

  /// Shards that share one column, a power of two as their number is, so that all columns stand for as many; and the room
  /// for the name of a row, where a letter is enough if that lets fewer shards share a column.
  private static func columns(_ count: Int, _ width: Int) -> (labelWidth: Int, shared: Int) {
    func shared(_ width: Int) -> Int {
      var shared = 1
      while shared < count, (count + shared - 1) / shared > width { shared *= 2 }
      return shared
    }
    let (word, letter) = (shared(width - 5), shared(width - 2))
    return letter < word ? (2, letter) : (5, word)
  }

  private static func hotLine(_ figures: ShardFigures, _ shards: [StoreStatistics.Shard]) -> [Segment] {
    let hot = figures.hottest
    return [
      .field(0, "hot", "#\(hot)", .strong),
      .field(1, "docs", Format.grouped(shards[hot].documents)),
      .field(2, "ops/s", Format.right(Format.rate(figures.operations[hot]), 6)),
      .field(3, "waits/s", Format.right(Format.rate(figures.waitCounts[hot]), 6)),
      .field(4, "each", figures.waitText(hot)),
    ]
  }

  /// One bar a shard; the mean is half of the height.
  private static func drawBars(
    _ values: [Double], _ shared: Int, hottest: Int, _ role: Role, in rect: Rect, with painter: inout Painter
  ) {
    let mean = values.reduce(0, +) / Double(values.count)
    guard mean > 0, rect.width > 0 else { return }
    // Several shards in one column show the largest; few shards get several columns each.
    let columns = (values.count + shared - 1) / shared
    let wide = max(1, min(4, rect.width / columns))
    let levels = painter.glyphs.levels
    for column in 0..<columns {
      let members = column * shared..<min((column + 1) * shared, values.count)
      let value = values[members].max() ?? 0
      let steps = min(Double(rect.height * levels.count), value / mean / 2 * Double(rect.height * levels.count))
      let filled = value > 0 ? max(1, Int(steps.rounded())) : 0
      for row in 0..<rect.height {
        let here = min(levels.count, filled - row * levels.count)
        guard here > 0 else { break }
        let text = String(repeating: levels[here - 1], count: wide)
        let style: Role = members.contains(hottest) ? .strong : role
        painter.write(text, in: rect, x: column * wide, y: rect.height - 1 - row, style)
      }
    }
  }

  private static func drawTable(
    _ model: Model, _ figures: ShardFigures, _ shards: [StoreStatistics.Shard], in rect: Rect,
    with painter: inout Painter
  ) {
    painter.write("shard documents   ops/s waits/s    each", in: rect, y: 0, .label)
    let visible = rect.height - 1
    let first = min(model.shardScroll, max(0, shards.count - visible))
    for (row, shard) in figures.order.dropFirst(first).prefix(visible).enumerated() {
      let columns = [
        Format.right("#\(shard)", 5), Format.right(Format.grouped(shards[shard].documents), 10),
        Format.right(Format.rate(figures.operations[shard]), 8),
        Format.right(Format.rate(figures.waitCounts[shard]), 8), Format.right(figures.waitText(shard), 8),
      ]
      painter.write(columns.joined(), in: rect, y: row + 1, shard == figures.hottest ? .strong : .text)
    }
  }
}

/// Figures of the shards at one moment.
struct ShardFigures {
  let documents: [Double]
  /// Operations a second.
  let operations: [Double]
  /// Nanoseconds waited for the lock in a second, and waits a second.
  let waits: [Double]
  let waitCounts: [Double]
  /// Whether nothing happens.
  let isAtRest: Bool
  /// Largest against mean: of the operations, or of the documents at rest.
  let skew: Double
  let hottest: Int
  private let load: [Double]

  init(_ moment: Moment) {
    let now = moment.sample.statistics.shards
    let rates = moment.rates
    let before = rates?.earlier.statistics.shards ?? []
    // Closures: key paths to hundreds of shards took a fiftieth of a frame.
    func rate(_ counter: (StoreStatistics.Shard) -> UInt64) -> [Double] {
      now.indices.map { index in
        guard let rates, before.indices.contains(index) else { return 0 }
        let (old, new) = (counter(before[index]), counter(now[index]))
        return new > old ? Double(new - old) / rates.seconds : 0
      }
    }
    documents = now.map { Double($0.documents) }
    operations = rate { $0.operations }
    waits = rate { $0.lockWaitNanoseconds }
    waitCounts = rate { $0.lockWaits }
    isAtRest = !operations.contains { $0 > 0 }
    load = isAtRest ? documents : operations
    let mean = load.reduce(0, +) / Double(max(1, load.count))
    skew = mean > 0 ? (load.max() ?? 0) / mean : 1
    hottest = load.max().flatMap(load.firstIndex) ?? 0
  }

  /// The busiest first.
  var order: [Int] { load.indices.sorted { (load[$1], $0) < (load[$0], $1) } }

  /// How long a wait took on average.
  func waitText(_ shard: Int) -> String {
    waitCounts[shard] > 0 ? Format.time(nanoseconds: waits[shard] / waitCounts[shard]) : "-"
  }
}
