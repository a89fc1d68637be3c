import DarkBird
import Terminal

/// The documents that were found, one a line.
enum ResultsPanel {
  static func title(_ model: Model) -> String {
    guard let results = model.browse.results, !results.rows.isEmpty else { return "2 Results" }
    let range = "\(Format.grouped(results.offset + 1))-\(Format.grouped(results.offset + results.rows.count))"
    let total = results.count.map { " of \(Format.grouped($0))" } ?? " and more"
    // The store has only its documents of now: whoever looks at the past of everything else must be told.
    let date = model.time == .live ? nil : results.date
    return "2 Results" + (date.map { " as of \(Format.clock($0, in: model.zone))" } ?? "") + "  \(range)\(total)"
  }

  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    guard let results = model.browse.results else { return }
    if results.rows.isEmpty {
      let text =
        results.failure ?? (results.isRunning ? "running ..." : emptyText(results.selection))
      painter.write(Format.clipped(text, rect.width - 2, painter.glyphs), in: rect, x: 1, y: 0, .label)
      return
    }
    let columns = ResultColumns.layout(results, model.identity.schema, width: rect.width - 3)
    for column in columns {
      let title = Format.clipped(column.title, column.width, painter.glyphs)
      let text = column.isNumber ? Format.right(title, column.width) : title
      painter.write(text, in: rect, x: 2 + column.x, y: 0, .label)
    }
    let visible = max(0, rect.height - 1)
    let top = Scroll.top(results.top, keeping: results.selected, visible: max(1, visible))
    for (line, row) in results.rows.dropFirst(top).prefix(visible).enumerated() {
      let y = line + 1
      for column in columns {
        let text = Format.clipped(column.text(row), column.width, painter.glyphs)
        let aligned = column.isNumber ? Format.right(text, column.width) : text
        painter.write(aligned, in: rect, x: 2 + column.x, y: y, column.role)
      }
      let isSelected = top + line == results.selected
      if isSelected, model.browse.focus == .results { painter.select(rect, y: y) }
      if let fate = results.fates[row.key] {
        let role: Role =
          isSelected && model.browse.focus == .results ? .selection : fate == .removed ? .alert : .warning
        painter.write(fate == .removed ? "x" : "*", in: rect, x: rect.width - 1, y: y, role)
      }
      guard isSelected else { continue }
      painter.write(painter.glyphs.selected, in: rect, y: y, model.browse.focus == .results ? .selection : .label)
    }
  }

  private static func emptyText(_ selection: Selection) -> String {
    switch selection {
    case .key(let key): "no document with key \(key)"
    case .unique(let index, let value): "no document with \(index) \(value)"
    case .shard(let number): "no document in shard \(number)"
    case .query(let query, _): query.isUnconditional ? "the store is empty" : "no document matches"
    }
  }
}

/// A column of the results.
struct ResultColumn {
  var title: String
  var width: Int
  /// As wide as its widest text.
  var naturalWidth = 0
  var x = 0
  var isNumber = false
  var role = Role.text
  var text: (ResultRow) -> String
}

enum ResultColumns {
  private static let gap = 2

  /// The key, then shard, fields and size as far as they fit. Fields of the query come first, then those that are
  /// indexed, then the others. Widths come from the whole page, so that scrolling moves nothing.
  static func layout(_ results: Results, _ schema: SchemaDescription, width: Int) -> [ResultColumn] {
    let keyWidth = min(max(8, widest(results.rows, 3) { $0.key.text }), max(8, width / 2))
    let names = fieldNames(results, schema)
    // A field of that name has it.
    let size = ResultColumn(
      title: names.contains("size") ? "encoded" : "size", width: 8, isNumber: true, role: .label,
      text: { Format.bytes($0.bytes) })
    var columns = [ResultColumn(title: "key", width: keyWidth, role: .strong, text: { $0.key.text })]
    var left = width - keyWidth
    let hasSize = left >= 8 + gap + 12
    if hasSize { left -= size.width + gap }
    if left >= 24 {
      columns.append(ResultColumn(title: "shard", width: 5, isNumber: true, role: .label, text: { "s\($0.shard)" }))
      left -= 5 + gap
    }
    // Several narrow columns tell more than one wide one.
    let widthMax = min(28, max(10, width / 4))
    for name in names {
      var column = fieldColumn(name, results.rows)
      guard left >= min(column.width, 8) + gap else { continue }
      column.width = min(column.width, widthMax, left - gap)
      columns.append(column)
      left -= column.width + gap
    }
    // What is left over goes to the first column that was cut.
    if let index = columns.firstIndex(where: { $0.width < $0.naturalWidth }) {
      columns[index].width = min(columns[index].naturalWidth, columns[index].width + max(0, left))
    }
    if hasSize { columns.append(size) }
    var x = 0
    for index in columns.indices {
      columns[index].x = x
      x += columns[index].width + gap
    }
    return columns
  }

  private static func fieldColumn(_ name: String, _ rows: [ResultRow]) -> ResultColumn {
    let values = rows.prefix(50).compactMap { $0.record.value(at: name) }
    let isNumber = !values.isEmpty && values.allSatisfy(\.isNumber)
    let width = max(displayWidth(name), widest(rows, 1) { text($0.record.value(at: name)) })
    return ResultColumn(
      title: name, width: width, naturalWidth: width, isNumber: isNumber, text: { text($0.record.value(at: name)) })
  }

  private static func text(_ value: Value?) -> String {
    switch value {
    case nil, .null?: ""
    case .array(let elements)?: elements.map(\.description).joined(separator: " ")
    case .date?: Format.shortDate(value?.description ?? "")
    case let value?: value.description
    }
  }

  private static func fieldNames(_ results: Results, _ schema: SchemaDescription) -> [String] {
    var names: [String] = []
    if case .query(let query, _) = results.selection {
      names += query.ranges.map(\.field)
      if let field = query.orderBy { names.append(field) }
    }
    if case .unique(let index, _) = results.selection { names.append(index) }
    names += schema.fields.unique + schema.fields.ranges + schema.fields.tags
    names += results.rows.first?.record.fields.map(\.name) ?? []
    var seen: Set<String> = []
    return names.filter { name in
      seen.insert(name).inserted && results.rows.prefix(20).contains { $0.record.value(at: name) != nil }
    }
  }

  private static func widest(_ rows: [ResultRow], _ least: Int, _ text: (ResultRow) -> String) -> Int {
    rows.reduce(least) { max($0, displayWidth(text($1))) }
  }
}

extension Value {
  fileprivate var isNumber: Bool {
    switch self {
    case .int, .unsigned, .double: true
    default: false
    }
  }
}

extension Format {
  /// `2024-01-31T00:00:00Z` without a time that says nothing.
  static func shortDate(_ text: String) -> String {
    text.hasSuffix("T00:00:00Z") ? String(text.dropLast("T00:00:00Z".count)) : text
  }
}
