import DarkBird
import Terminal

/// The query line and the line below it, which tells what came of it.
enum QueryBar {
  static func drawQuery(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let x = painter.write("> ", in: rect, x: 1, y: 0, .key)
    if let editor = model.browse.editor {
      painter.write(editor.spans(width: rect.width - x - 1), in: rect, x: x, y: 0)
      // A word in quotes does not stand there as it is meant: the arrow below shows that one.
      if let error = model.browse.error, !error.token.isEmpty, displayWidth(editor.prefix) < rect.width - x - 1,
        editor.text.dropFirst(error.column).hasPrefix(error.token)
      {
        let start = displayWidth(String(editor.text.prefix(error.column)))
        painter.write(error.token, in: rect, x: x + start, y: 0, .alert)
      }
      return
    }
    let text = model.browse.results.map { QueryLine.text($0.selection) } ?? ""
    // Whether that is how it still is does not give way to a long query.
    let state = model.browse.results.map { held(model, $0).fitted(width: max(7, rect.width - x - 24), gap: 1) } ?? []
    let shown = Format.clipped(text, rect.width - x - state.width - 3, painter.glyphs)
    let end =
      text.isEmpty
      ? painter.write("all documents", in: rect, x: x, y: 0, .label)
      : painter.write(shown, in: rect, x: x, y: 0, .strong)
    painter.writeRight(state + [Span(" ")], in: rect, y: 0, after: end + 1)
  }

  /// Results stay as they were found; this tells how far the store has gone on.
  private static func held(_ model: Model, _ results: Results) -> [Segment] {
    let lsn = model.history.last?.statistics.memoryLSN ?? results.lsn
    guard lsn > results.lsn else { return [Segment(0, Span("up to date", .good))] }
    let behind = lsn - results.lsn
    return [
      Segment(0, Span("HELD", .warning)),
      Segment(2, Span(Format.short(behind) + (behind == 1 ? " write" : " writes") + " behind", .label)),
      Segment(1, Span(model.keyMap.key(of: .refresh, in: .browse), .key)),
    ]
  }

  static func drawPlan(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let browse = model.browse
    if let question = browse.question {
      drawQuestion(question, model.keyMap.answers + [Span(" ")], in: rect, with: &painter)
    } else if let prompt = browse.prompt, hasRoom(for: browse.notice, beside: prompt, rect.width) {
      let x = painter.write(prompt.kind.label, in: rect, x: 1, y: 0, .key)
      painter.write(prompt.editor.spans(width: rect.width - x - 1), in: rect, x: x, y: 0)
      if let notice = browse.notice {
        painter.writeRight([Span(notice, .accent), Span(" ")], in: rect, y: 0)
      } else if let hint = model.exportHint, hasRoom(for: hint, beside: prompt, rect.width) {
        painter.writeRight([Span(hint, .label), Span(" ")], in: rect, y: 0)
      }
    } else if let error = browse.error {
      drawError(error, of: browse.editor?.text ?? "", in: rect, with: &painter)
    } else if let notice = browse.notice {
      painter.write(Format.clipped(notice, rect.width - 2, painter.glyphs), in: rect, x: 1, y: 0, .accent)
    } else if let export = model.jobs.run(browse.exportJob) {
      JobLine.draw(export, key: model.keyMap.key(of: .export, in: .browse), "stop", in: rect, with: &painter)
    } else if !browse.completions.isEmpty {
      let text = completionText(browse.completions)
      painter.write(Format.clipped(text, rect.width - 2, painter.glyphs), in: rect, x: 1, y: 0, .label)
    } else if browse.editor != nil {
      painter.write(grammar.fitted(width: rect.width - 2, gap: 3), in: rect, x: 1, y: 0)
    } else if let results = browse.results {
      painter.write(plan(results, browse).fitted(width: rect.width - 2), in: rect, x: 1, y: 0)
    }
  }

  /// What all begin with, such as `tag:city=`, stands there once.
  private static func completionText(_ candidates: [String]) -> String {
    let shared = candidates.dropFirst().reduce(candidates[0]) { shared, next in
      String(zip(shared, next).prefix { $0 == $1 }.map(\.0))
    }
    let begin = shared.lastIndex { $0 == ":" || $0 == "=" }.map { shared[...$0] } ?? ""
    let ends = candidates.map { String($0.dropFirst(begin.count)) }
    return ((begin.isEmpty ? [] : [String(begin)]) + ends).joined(separator: "  ")
  }

  /// Whether what there is to say stands to the right of the line that is typed; else it is there alone until the next key.
  private static func hasRoom(for notice: String?, beside prompt: Prompt, _ width: Int) -> Bool {
    guard let notice else { return true }
    return displayWidth(prompt.kind.label + prompt.editor.text) + displayWidth(notice) + 6 <= width
  }

  /// What a query may say; on a narrow screen what is asked most.
  private static let grammar = [
    (2, "key K"), (4, "unique N=V"), (1, "tag:F=V"), (5, "!tag: any:"), (0, "range F LO..HI"), (3, "sort:F desc"),
    (6, "limit N"), (7, "shard N"),
  ].map { Segment($0.0, Span($0.1, .label)) }

  /// On a narrow screen the key keeps its place, and the words around it give way. A list is cut, a sentence goes.
  private static func drawQuestion(
    _ question: Question, _ answers: [Span], in rect: Rect, with painter: inout Painter
  ) {
    let room = rect.width - 2 - answers.width
    let (verb, key, rest) = question.words
    let name = Format.clipped(key, room - displayWidth(verb) - 2, painter.glyphs)
    var x = painter.write(verb + " ", in: rect, x: 1, y: 0, .warning)
    x = painter.write(name, in: rect, x: x, y: 0, .strong)
    let hasRoom = x + displayWidth(rest) < room || rest.hasPrefix(":")
    painter.write(Format.clipped(hasRoom ? rest + "?" : "?", room - x, painter.glyphs), in: rect, x: x, y: 0, .warning)
    painter.writeRight(answers, in: rect, y: 0)
  }

  /// What is wrong, with an arrow below the word that is meant: to its right where there is room, else to its left.
  private static func drawError(
    _ error: QueryError, of line: String, in rect: Rect, with painter: inout Painter
  ) {
    let text = error.description
    let width = displayWidth(text)
    // The line begins after a margin and the prompt.
    let before = line.prefix(error.column)
    let column = 3 + displayWidth(String(before)) + error.column - before.count
    if error.token.isEmpty || column >= rect.width - 1 {
      let place = error.token.isEmpty ? "" : "column \(error.column + 1): "
      painter.write(Format.clipped(place + text, rect.width - 2, painter.glyphs), in: rect, x: 1, y: 0, .warning)
    } else if column + 2 + width < rect.width {
      let x = painter.write("^ ", in: rect, x: column, y: 0, .alert)
      painter.write(text, in: rect, x: x, y: 0, .warning)
    } else if width + 2 < column {
      painter.write(text, in: rect, x: column - width - 1, y: 0, .warning)
      painter.write("^", in: rect, x: column, y: 0, .alert)
    } else {
      let place = "column \(error.column + 1): "
      painter.write(Format.clipped(place + text, rect.width - 2, painter.glyphs), in: rect, x: 1, y: 0, .warning)
    }
  }

  private static func plan(_ results: Results, _ browse: BrowseState) -> [Segment] {
    if let failure = results.failure { return [Segment(0, Span(failure, .warning))] }
    var segments = results.notes.map { Segment(0, Span($0, .warning)) }
    switch results.selection {
    case .key: segments.append(.field(1, "plan", "lookup by key"))
    case .unique(let index, _): segments.append(.field(1, "plan", "unique(\(index))"))
    case .shard(let number): segments.append(.field(1, "plan", "scan of shard \(number)"))
    case .query(let query, let limit):
      if let plan = results.plan {
        for tag in plan.unknownTags { segments.append(Segment(0, Span(tag.description, .warning))) }
        for note in plan.notes { segments.append(Segment(0, Span(note, .warning))) }
        segments.append(Segment(1, spans: steps(query, limit, plan)))
        let (candidates, atMost) = expected(query, limit, plan)
        let time = Format.time(nanoseconds: Double(candidates) * browse.nanosecondsPerCandidate)
        segments.append(.field(3, atMost ? "est up to" : "est", "\(Format.short(candidates)) read, \(time)"))
      }
    }
    if results.isRunning {
      segments.insert(Segment(0, Span("running ...", .warning)), at: 0)
      return segments
    }
    let time = Format.time(nanoseconds: results.nanoseconds)
    segments.append(.field(2, "actual", "\(Format.short(results.examined)) read, \(time)"))
    segments.append(.field(0, "matches", matches(results), .strong))
    return segments
  }

  private static func matches(_ results: Results) -> String {
    guard let matches = results.matches else {
      let found = (results.isAbout ? "about " : "") + Format.grouped(results.offset + results.rows.count)
      return results.isLastPage ? "\(found) or more" : "more than \(found)"
    }
    guard let limit = results.selection.limit, limit < matches else { return Format.grouped(matches) }
    return "\(Format.grouped(limit)) of \(Format.grouped(matches))"
  }

  /// The index that gives the candidates and how many there are, then what is done with them.
  private static func steps(_ query: Query, _ limit: Int?, _ plan: PlanSummary) -> [Span] {
    var spans = [Span("plan ", .label), Span(plan.driver), Span(" " + Format.grouped(plan.candidates), .label)]
    for check in plan.checks { spans.append(Span(" -> \(check)", .label)) }
    if let field = plan.sortedBy { spans.append(Span(" -> sort by \(field)", .label)) }
    if let limit { spans.append(Span(" -> first \(Format.grouped(limit))", .label)) }
    return spans
  }

  /// Candidates that the first page will look at: all where they must be sorted, a page of them where nothing else is to be
  /// checked, and otherwise at most all.
  private static func expected(_ query: Query, _ limit: Int?, _ plan: PlanSummary) -> (count: Int, atMost: Bool) {
    if plan.sortedBy != nil { return (plan.candidates, false) }
    if !plan.checks.isEmpty { return (plan.candidates, true) }
    return (min(plan.candidates, limit ?? .max, Results.pageSize + 1), false)
  }
}
