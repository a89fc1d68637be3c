import DarkBird
import Terminal

/// The query line and the line below it, which tells what came of it.
enum QueryBar {
  static func drawQuery(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let x = painter.write("> ", in: rect, x: 1, y: 0, .key)
    if let editor = model.browse.editor {
      painter.write(editor.spans(width: rect.width - x - 1), in: rect, x: x, y: 0)
      if let error = model.browse.error, !error.token.isEmpty, editor.cursor < rect.width - x - 1 {
        let start = displayWidth(String(editor.text.prefix(error.column)))
        painter.write(error.token, in: rect, x: x + start, y: 0, .alert)
      }
      return
    }
    let text = model.browse.results.map { QueryLine.text($0.selection) } ?? ""
    let shown = Format.clipped(text, rect.width - x - 1, painter.glyphs)
    let end =
      text.isEmpty
      ? painter.write("all documents", in: rect, x: x, y: 0, .label)
      : painter.write(shown, in: rect, x: x, y: 0, .strong)
    guard let results = model.browse.results else { return }
    painter.writeRight(held(model, results) + [Span(" ")], in: rect, y: 0, after: end + 2)
  }

  /// Results stay as they were found; this tells how far the store has gone on.
  private static func held(_ model: Model, _ results: Results) -> [Span] {
    let lsn = model.history.last?.statistics.memoryLSN ?? results.lsn
    guard lsn > results.lsn else { return [Span("up to date", .good)] }
    return [
      Span("HELD ", .warning), Span(Format.short(lsn - results.lsn) + " writes behind  ", .label), Span("F5", .key),
    ]
  }

  static func drawPlan(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let browse = model.browse
    if let error = browse.error {
      let text = Format.clipped(error.description, rect.width - 2, painter.glyphs)
      painter.write(text, in: rect, x: 1, y: 0, .warning)
    } else if !browse.completions.isEmpty {
      let text = browse.completions.joined(separator: "  ")
      painter.write(Format.clipped(text, rect.width - 2, painter.glyphs), in: rect, x: 1, y: 0, .label)
    } else if browse.editor != nil {
      let text = "key K   unique N=V   tag:F=V !tag: any:   range F LO..HI   sort:F desc   limit N"
      painter.write(Format.clipped(text, rect.width - 2, painter.glyphs), in: rect, x: 1, y: 0, .label)
    } else if let results = browse.results {
      painter.write(plan(results).fitted(width: rect.width - 2), in: rect, x: 1, y: 0)
    }
  }

  private static func plan(_ results: Results) -> [Segment] {
    if let failure = results.failure { return [Segment(0, Span(failure, .warning))] }
    var segments: [Segment] = []
    switch results.selection {
    case .key: segments.append(.field(1, "plan", "lookup by key"))
    case .unique(let index, _): segments.append(.field(1, "plan", "unique(\(index))"))
    case .query:
      if let plan = results.plan {
        segments.append(.field(1, "plan", plan.driver))
        segments.append(.field(3, "estimated", Format.grouped(plan.candidates)))
      }
    }
    if results.isRunning {
      segments.insert(Segment(0, Span("running ...", .warning)), at: 0)
      return segments
    }
    let found = Format.grouped(results.offset + results.rows.count)
    segments.append(.field(0, "matches", results.count.map { Format.grouped($0) } ?? "more than \(found)", .strong))
    segments.append(.field(4, "examined", Format.grouped(results.examined)))
    segments.append(.field(2, "took", Format.time(nanoseconds: results.nanoseconds)))
    return segments
  }
}
