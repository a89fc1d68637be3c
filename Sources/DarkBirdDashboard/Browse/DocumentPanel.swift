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
    var scroll = min(model.browse.documentScroll, max(0, lines.count - rect.height))
    if model.browse.focus == .document {
      scroll = Scroll.top(scroll, keeping: model.browse.documentLine, visible: rect.height)
    }
    let area = Rect(x: rect.x + 1, y: rect.y, width: rect.width - 2, height: rect.height)
    for (y, line) in lines.dropFirst(scroll).prefix(rect.height).enumerated() {
      painter.write(line.spans, in: area, y: y)
      guard model.browse.focus == .document, scroll + y == model.browse.documentLine else { continue }
      painter.select(rect, y: y)
    }
    let hidden = lines.count - scroll - rect.height
    if hidden > 0 {
      painter.writeRight([Span(" \(hidden) more ", .label)], in: rect, y: rect.height - 1)
    }
  }

  /// What the pane shows, line by line.
  static func lines(_ model: Model, width: Int) -> [DocumentLine] {
    let listed = model.browse.results?.selectedRow
    guard let opened = model.browse.opened else {
      return listed.map { text(of: $0, note: nil, model, width) }
        ?? [DocumentLine([Span("no document is selected", .label)])]
    }
    guard let row = listed, row.key == opened.key else { return unlisted(opened, model, width) }
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

  /// A document that is not among the results: it was just written.
  private static func unlisted(_ opened: OpenedDocument, _ model: Model, _ width: Int) -> [DocumentLine] {
    switch opened.state {
    case .loading: [DocumentLine([Span("reading ...", .label)])]
    case .gone: [DocumentLine([Span("removed since", .warning)])]
    case .failed(let message): [DocumentLine([Span(message, .warning)])]
    case .found(let now): text(of: now, note: [Span("as it is now", .good)], model, width)
    }
  }

  /// The version that is shown.
  static func row(_ model: Model) -> ResultRow? {
    guard let opened = model.browse.opened else { return model.browse.results?.selectedRow }
    if case .found(let now) = opened.state { return now }
    let listed = model.browse.results?.selectedRow
    return listed?.key == opened.key ? listed : nil
  }

  private static func text(of row: ResultRow, note: [Span]?, _ model: Model, _ width: Int) -> [DocumentLine] {
    let body = DocumentText.lines(
      row.record, width: width, folded: model.browse.folded, glyphs: model.glyphs)
    return (note.map { [DocumentLine($0)] } ?? []) + body + place(of: row, model, width).map { DocumentLine($0) }
  }

  /// In which indexes it is, where, and what happened to it last.
  private static func place(of row: ResultRow, _ model: Model, _ width: Int) -> [[Span]] {
    var lines: [[Span]] = [[]]
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
    if let statistics = model.history.last?.statistics, statistics.log != nil {
      let isDurable = row.lsn <= statistics.durableLSN
      let text = isDurable ? "safe on the disk" : row.lsn <= statistics.writtenLSN ? "written, not synced" : "in memory"
      let place = LogPlace(of: row.lsn, in: model.history)
      lines.append([Span("    "), Span(text, isDurable ? .good : .warning), Span(", \(place)", .label)])
    }
    lines.append([Span("    encoded in ", .label), Span(Format.bytes(row.bytes))])
    return lines + events(of: row, model, width)
  }

  /// What happened to it last, as far as the stream had room for it. Of many events that is a small part: that there is nothing
  /// of this document does not mean that nothing happened to it.
  private static func events(of row: ResultRow, _ model: Model, _ width: Int) -> [[Span]] {
    let events = model.events.entries.lazy.reversed().filter { $0.line.key == row.key.text }.prefix(eventsMax)
    let room = max(1, width - 4)
    let lines = events.enumerated().map { index, entry in
      let text = "\(Format.clock(entry.line.date, in: model.zone)) \(entry.line.kind.rawValue) \(entry.line.detail)"
      return [Span(index == 0 ? "LOG " : "    ", .label), Span(Format.clipped(text, room, model.glyphs))]
    }
    guard lines.isEmpty, !model.events.entries.isEmpty else { return lines }
    let none = Format.clipped("no event of it among those shown", room, model.glyphs)
    return [[Span("LOG ", .label), Span(none, .label)]]
  }

  /// Events of a document that are shown.
  private static let eventsMax = 5
}

/// Where in the log a write is, as far as the figures that were seen tell: they name the open page and how many records it had.
enum LogPlace: Hashable, CustomStringConvertible {
  case checkpoint
  case page(UInt64)
  /// Of a time that nobody watched, or that was seen too seldom.
  case earlierPage
  case noPageYet

  /// - Complexity: O(log samples).
  init(of lsn: UInt64, in history: History) {
    guard let now = history.last?.statistics, let log = now.log else {
      self = .earlierPage
      return
    }
    if let end = log.checkpointLSN, lsn <= end {
      self = .checkpoint
    } else if lsn > now.writtenLSN {
      self = .noPageYet
    } else {
      // The first sample that had it written tells, if the page that was open then had begun before it.
      var (low, high) = (0, history.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if history[middle].statistics.writtenLSN >= lsn { high = middle } else { low = middle + 1 }
      }
      let then = history[low].statistics
      let begin = then.writtenLSN - min(UInt64(then.log?.pageRecords ?? 0), then.writtenLSN)
      self = then.log.map { lsn > begin ? .page($0.page) : .earlierPage } ?? .earlierPage
    }
  }

  var description: String {
    switch self {
    case .checkpoint: "in the checkpoint"
    case .page(let number): "page \(Format.grouped(number))"
    case .earlierPage: "in an earlier page"
    case .noPageYet: "in no page yet"
    }
  }
}

/// A line of the document pane. One that begins a part that can be folded has the part's path.
struct DocumentLine: Hashable, Sendable {
  var spans: [Span]
  var part: String?

  init(_ spans: [Span], part: String? = nil) {
    self.spans = spans
    self.part = part
  }

  var text: String { spans.map(\.text).joined() }
}

/// A record as indented text, much like JSON, a field a line; long texts are wrapped, and parts can be folded.
enum DocumentText {
  /// Of a text, or of an array's elements, as much is shown: each picture breaks it all into lines anew.
  static let scalarsMax = 16 << 10
  /// Lines beyond which the rest is left out, for the same reason.
  static let linesMax = 4_000

  static func lines(
    _ record: Record, width: Int, folded: Set<String> = [], glyphs: GlyphTier = .blocks
  ) -> [DocumentLine] {
    var writer = Writer(width: width, folded: folded, glyphs: glyphs)
    let widest = record.fields.reduce(0) { max($0, displayWidth($1.name)) }
    let nameWidth = min(widest, max(6, width / 3))
    writer.append(record, nameWidth, 0) { $0 }
    return writer.lines
  }

  /// Paths of everything that can be folded.
  static func parts(of record: Record) -> Set<String> {
    var parts: Set<String> = []
    func visit(_ value: Value, _ path: String) {
      switch value {
      case .map(let record) where !record.isEmpty:
        parts.insert(path)
        for field in record.fields { visit(field.value, path + "\u{0}" + field.name) }
      case .array(let elements) where elements.contains(where: \.isContainer):
        parts.insert(path)
        for (index, element) in elements.enumerated() { visit(element, path + "\u{0}\(index)") }
      default: break
      }
    }
    for field in record.fields { visit(field.value, field.name) }
    return parts
  }

  private struct Writer {
    let width: Int
    let folded: Set<String>
    let glyphs: GlyphTier
    var lines: [DocumentLine] = []

    private var isFull: Bool { lines.count >= DocumentText.linesMax }

    private mutating func appendRest(_ count: Int, _ blank: String) {
      let more = "\(glyphs == .ascii ? "..." : "…") \(Format.grouped(count)) more"
      lines.append(DocumentLine([Span(blank + more, .label)]))
    }

    /// - Parameter path: of a field by its name.
    mutating func append(_ record: Record, _ nameWidth: Int, _ indent: Int, path: (String) -> String) {
      for (index, field) in record.fields.enumerated() {
        if isFull { return appendRest(record.count - index, String(repeating: " ", count: indent)) }
        append(field.name, field.value, nameWidth, indent, path: path(field.name))
      }
    }

    private mutating func append(_ name: String, _ value: Value, _ nameWidth: Int, _ indent: Int, path: String) {
      let blank = String(repeating: " ", count: indent)
      // Beyond this there is no room left to indent.
      let canNest = indent + 12 < width
      switch value {
      case .map(let record) where canNest && !record.isEmpty:
        guard open(blank, name, "{", "}", "\(record.count) fields", path) else { return }
        let inner = record.fields.reduce(0) { max($0, min(displayWidth($1.name), 20)) }
        append(record, inner, indent + 2) { path + "\u{0}" + $0 }
        lines.append(DocumentLine([Span(blank + "}", .label)]))
      case .array(let elements) where canNest && elements.contains(where: \.isContainer):
        guard open(blank, name, "[", "]", "\(elements.count) elements", path) else { return }
        for (index, element) in elements.enumerated() {
          if isFull {
            appendRest(elements.count - index, blank + "  ")
            break
          }
          append("\(index)", element, 3, indent + 2, path: path + "\u{0}\(index)")
        }
        lines.append(DocumentLine([Span(blank + "]", .label)]))
      default:
        let padding = String(repeating: " ", count: max(0, nameWidth - displayWidth(name)))
        let (text, role, rest) = scalar(value)
        let start = displayWidth(blank) + max(nameWidth, displayWidth(name)) + 2
        let room = max(8, width - start)
        for (index, part) in wrapped(text, room).enumerated() {
          let lead =
            index == 0
            ? [Span(blank + name, .fieldName), Span(padding + "  ")]
            : [Span(String(repeating: " ", count: start))]
          lines.append(DocumentLine(lead + [Span(part, role)]))
        }
        if let rest {
          let more = "\(glyphs == .ascii ? "..." : "…") \(rest) more"
          lines.append(DocumentLine([Span(String(repeating: " ", count: start)), Span(more, .label)]))
        }
      }
    }

    /// - Returns: whether what is inside is to be written too.
    private mutating func open(
      _ blank: String, _ name: String, _ begin: String, _ end: String, _ size: String, _ path: String
    ) -> Bool {
      var spans = [Span(blank + name, .fieldName), Span(" " + begin, .label)]
      let isFolded = folded.contains(path)
      if isFolded { spans.append(Span("\(glyphs == .ascii ? "..." : "…")\(end)  \(size)", .label)) }
      lines.append(DocumentLine(spans, part: path))
      return !isFolded
    }
  }

  /// - Returns: what is shown of a value, and how much is not, if any.
  private static func scalar(_ value: Value) -> (text: String, role: Role, rest: String?) {
    switch value {
    case .string(let text):
      let shown = beginning(text)
      let rest = text.utf8.count - shown.utf8.count
      return (shown, .string, rest > 0 ? "\(Format.grouped(rest)) bytes" : nil)
    case .int, .unsigned, .double: return (value.description, .number, nil)
    case .date: return (Format.shortDate(value.description), .number, nil)
    case .null, .bool: return (value.description, .literal, nil)
    case .array(let elements):
      var text = "["
      var shown = 0
      for element in elements where text.utf8.count < scalarsMax {
        if shown > 0 { text += ", " }
        if case .string(let content) = element { text += beginning(content) } else { text += element.description }
        shown += 1
      }
      let rest = elements.count - shown
      return (text + "]", .string, rest > 0 ? Format.grouped(rest) + (rest == 1 ? " element" : " elements") : nil)
    case .map: return ("{}", .label, nil)
    case .bytes: return (value.description, .literal, nil)
    }
  }

  private static func beginning(_ text: String) -> String { String(text.unicodeScalars.prefix(scalarsMax)) }

  /// Breaks a text at blanks, and where there is none, in the middle of a word.
  static func wrapped(_ text: String, _ width: Int) -> [String] {
    var lines: [String] = []
    for paragraph in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
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
