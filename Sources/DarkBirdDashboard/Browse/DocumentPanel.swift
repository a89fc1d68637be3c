import DarkBird
import Terminal

/// One document: its fields, what indexes it is in, and where it is.
enum DocumentPanel {
  static func title(_ model: Model) -> String {
    let key = model.browse.opened?.key ?? model.browse.results?.selectedRow?.key
    return "3 Document" + (key.map { "  \($0.text)" } ?? "")
  }

  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let lines = lines(model, width: rect.width - 2)
    let scroll = min(model.browse.documentScroll, max(0, lines.count - rect.height))
    let area = Rect(x: rect.x + 1, y: rect.y, width: rect.width - 2, height: rect.height)
    for (y, line) in lines.dropFirst(scroll).prefix(rect.height).enumerated() { painter.write(line, in: area, y: y) }
    let hidden = lines.count - scroll - rect.height
    if hidden > 0 {
      painter.writeRight([Span(" \(hidden) more ", .label)], in: rect, y: rect.height - 1)
    }
  }

  /// What the pane shows, line by line.
  static func lines(_ model: Model, width: Int) -> [[Span]] {
    guard let row = model.browse.results?.selectedRow else { return [[Span("no document is selected", .label)]] }
    guard let opened = model.browse.opened else { return text(of: row, note: nil, model, width) }
    switch opened.state {
    case .loading: return text(of: row, note: [Span("reading ...", .label)], model, width)
    case .gone: return text(of: row, note: [Span("removed since; this is what it was", .warning)], model, width)
    case .failed(let message): return text(of: row, note: [Span(message, .warning)], model, width)
    case .found(let now):
      let note =
        now.lsn == row.lsn
        ? [Span("as it is now", .good)]
        : [Span("changed since it was listed", .warning), Span("  LSN \(Format.grouped(row.lsn))", .label)]
      return text(of: now, note: note, model, width)
    }
  }

  private static func text(of row: ResultRow, note: [Span]?, _ model: Model, _ width: Int) -> [[Span]] {
    var lines: [[Span]] = []
    if let note { lines.append(note) }
    lines += DocumentText.lines(row.record, width: width)
    lines.append([])
    let entries = IndexEntry.all(of: row.record, in: model.identity.schema)
    for (index, entry) in entries.enumerated() {
      let name = entry.kind == .tag ? "\(entry.name)=\(entry.value)" : entry.name
      let value = entry.kind == .tag ? "" : " " + Format.shortDate(entry.value)
      let room = max(1, width - 9 - displayWidth(name))
      lines.append([
        Span(Format.left(index == 0 ? "IN" : "", 4), .label),
        Span(Format.left(entry.kind.label, 5), entry.kind.role), Span(name),
        Span(Format.clipped(value, room, model.glyphs), .label),
      ])
    }
    let computed = model.identity.schema.computed
    let names = computed.unique + computed.ranges + computed.tags.map { $0.isEmpty ? "tags" : $0 }
    if !names.isEmpty {
      lines.append([Span("    computed by the program: ", .label), Span(names.joined(separator: " "))])
    }
    lines.append([
      Span("AT  ", .label), Span("shard \(row.shard)"), Span("  LSN ", .label), Span(Format.grouped(row.lsn)),
    ])
    lines.append([Span("    encoded in ", .label), Span(Format.bytes(row.bytes))])
    return lines
  }
}

/// A record as indented text, much like JSON, a field a line; long texts are wrapped.
enum DocumentText {
  static func lines(_ record: Record, width: Int) -> [[Span]] {
    var lines: [[Span]] = []
    let widest = record.fields.reduce(0) { max($0, displayWidth($1.name)) }
    let nameWidth = min(widest, max(6, width / 3))
    for field in record.fields { append(field.name, field.value, nameWidth, 0, width, to: &lines) }
    return lines
  }

  private static func append(
    _ name: String, _ value: Value, _ nameWidth: Int, _ indent: Int, _ width: Int, to lines: inout [[Span]]
  ) {
    let blank = String(repeating: " ", count: indent)
    let padding = String(repeating: " ", count: max(0, nameWidth - displayWidth(name)))
    let head = [Span(blank + name, .fieldName), Span(padding + "  ")]
    // Beyond this there is no room left to indent.
    let canNest = indent + 12 < width
    switch value {
    case .map(let record) where canNest && !record.isEmpty:
      lines.append([Span(blank + name, .fieldName), Span(" {", .label)])
      let inner = record.fields.reduce(0) { max($0, min(displayWidth($1.name), 20)) }
      for field in record.fields { append(field.name, field.value, inner, indent + 2, width, to: &lines) }
      lines.append([Span(blank + "}", .label)])
    case .array(let elements) where canNest && elements.contains(where: \.isContainer):
      lines.append([Span(blank + name, .fieldName), Span(" [", .label)])
      for (index, element) in elements.enumerated() {
        append("\(index)", element, 3, indent + 2, width, to: &lines)
      }
      lines.append([Span(blank + "]", .label)])
    default:
      let (text, role) = scalar(value)
      let start = displayWidth(blank) + max(nameWidth, displayWidth(name)) + 2
      let room = max(8, width - start)
      for (index, part) in wrapped(text, room).enumerated() {
        let lead = index == 0 ? head : [Span(String(repeating: " ", count: start))]
        lines.append(lead + [Span(part, role)])
      }
    }
  }

  private static func scalar(_ value: Value) -> (String, Role) {
    switch value {
    case .string(let text): (text, .string)
    case .int, .unsigned, .double: (value.description, .number)
    case .date: (Format.shortDate(value.description), .number)
    case .null, .bool: (value.description, .literal)
    case .array(let elements): ("[" + elements.map(\.description).joined(separator: ", ") + "]", .string)
    case .map: ("{}", .label)
    case .bytes: (value.description, .literal)
    }
  }

  /// Breaks a text at blanks, and where there is none, in the middle of a word.
  static func wrapped(_ text: String, _ width: Int) -> [String] {
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
      var line = ""
      var used = 0
      for word in paragraph.split(separator: " ", omittingEmptySubsequences: false) {
        let wordWidth = displayWidth(String(word))
        if used > 0, used + 1 + wordWidth > width {
          lines.append(line)
          line = ""
          used = 0
        }
        if used > 0 || !line.isEmpty {
          line += " "
          used += 1
        }
        for character in word {
          let columns = displayWidth(String(character))
          if used + columns > width, used > 0 {
            lines.append(line)
            line = ""
            used = 0
          }
          line.append(character)
          used += columns
        }
      }
      lines.append(line)
    }
    return lines
  }
}

extension Value {
  fileprivate var isContainer: Bool {
    switch self {
    case .map, .array: true
    default: false
    }
  }
}
