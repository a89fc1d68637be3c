import DarkBird
import Terminal

extension Model {
  mutating func enterBrowse() -> [Effect] {
    view = .browse
    var effects = [Effect.ask(.outline)]
    if browse.results == nil { effects += run(.query(Query(), limit: nil)) }
    return effects
  }

  mutating func performBrowse(_ command: Command) -> [Effect] {
    switch command {
    case .overview: view = .overview
    case .back:
      let effects = backInBrowse()
      keepSelectionVisible()
      return effects
    case .nextPanel, .right: moveBrowseFocus(1)
    case .previousPanel, .left: moveBrowseFocus(-1)
    case .panel(let number):
      if let pane = BrowseState.Pane(rawValue: number), pane != .brush || browse.brush != nil { browse.focus = pane }
    case .brush: return openBrush()
    case .columns: openColumnPicker()
    case .export: return startOrStopExport()
    case .copy: return copyDocument()
    case .copyCommand: return copyCommand()
    case .removeDocument: askToRemove()
    case .editDocument: return editDocument()
    case .insertDocument: return insertDocument()
    case .insertLine: openInsertLine()
    case .fold, .foldAll: fold(command)
    case .saveQuery: return saveQuery()
    case .saved(let place): return runSaved(place)
    case .zoom: browse.isZoomed.toggle()
    case .query: openQueryLine(browse.results.map { QueryLine.text($0.selection) } ?? "")
    case .refresh: return refresh()
    case .sort, .reverse: return sort(command)
    case .open: return open()
    default: return move(command)
    }
    keepSelectionVisible()
    return []
  }

  mutating func performQuery(_ command: Command) -> [Effect] {
    guard let editor = browse.editor else { return [] }
    browse.completions = []
    switch command {
    case .submit:
      do {
        let selection = try QueryLine.parse(editor.text, browse.vocabulary)
        browse.editor = nil
        return run(selection, line: editor.text, notes: QueryLine.notes(editor.text, browse.vocabulary))
      } catch {
        browse.error = error
      }
    case .cancel:
      browse.editor = nil
      browse.error = nil
    case .complete:
      return complete(editor.prefix)
    case .older: recall(browse.historyPosition - 1)
    case .newer: recall(browse.historyPosition + 1)
    default:
      browse.error = nil
      _ = browse.editor?.apply(command)
    }
    return []
  }

  /// From the names that are known, or from all tags, for which the source is asked.
  private mutating func complete(_ line: String) -> [Effect] {
    if QueryCompletion.needsAllTags(line, browse.vocabulary) { return [.ask(.complete(line, browse.vocabulary))] }
    show(QueryCompletion(line, browse.vocabulary), of: line)
    return []
  }

  /// What Tab found for a line, unless that has gone on meanwhile.
  private mutating func show(_ completion: QueryCompletion, of line: String) {
    guard browse.editor?.prefix == line else { return }
    browse.editor?.replacePrefix(with: completion.text)
    browse.completions = completion.candidates.count > 1 ? completion.candidates : []
    if let unknown = completion.unknown { browse.notice = "nothing begins with \(unknown)" }
  }

  mutating func receive(_ reply: BrowseReply) -> [Effect] {
    switch reply {
    case .completion(let line, let completion): show(completion, of: line)
    case .outline(let outline):
      browse.outline = outline
      browse.vocabulary = QueryVocabulary(outline)
      let items = exploreItems
      browse.exploreSelection = min(browse.exploreSelection, max(0, items.count - 1))
    case .page(let run, let number, let marks, let page, let nanoseconds):
      guard browse.results?.run == run else { return [] }
      if browse.results?.hasLost(page, number: number) == true { return beginAnew() }
      browse.results?.show(page, number: number, marks: marks, nanoseconds: nanoseconds)
      return hasTurned(page, nanoseconds)
    case .pageBefore(let run, let number, let page, let nanoseconds):
      guard browse.results?.run == run else { return [] }
      browse.results?.showBefore(page, number: number, nanoseconds: nanoseconds)
      return hasTurned(page, nanoseconds)
    case .plan(let run, let plan):
      if browse.results?.run == run { browse.results?.plan = plan }
    case .count(let run, let count):
      if browse.results?.run == run, let count { browse.results?.matches = count }
    case .document(let key, let row):
      guard browse.opened?.key == key else { return [] }
      browse.opened?.state = row.map { .found($0) } ?? .gone
    case .versions(let run, let keys, let versions, let lsn):
      if browse.results?.run == run { browse.results?.compare(keys, versions, lsn: lsn) }
    case .histogram(let field, let histogram):
      guard browse.brush?.field == field else { return [] }
      let range = browse.query?.ranges.first { $0.field == field }?.range
      browse.brush?.show(histogram, covering: range)
    case .removed(let key, let wasThere): receiveRemoval(of: key, wasThere)
    case .draft(let key, let row): return receiveDocumentToEdit(key, row)
    case .written(let change, let key): return receiveWritten(change, key)
    case .failed(let request, let message): receiveFailure(of: request, message)
    }
    return []
  }

  /// From the first page: the one that was to be come back to is there no more.
  private mutating func beginAnew() -> [Effect] {
    browse.results?.beginAnew()
    return browse.results.map { [.ask($0.request)] } ?? []
  }

  private mutating func hasTurned(_ page: ResultPage, _ nanoseconds: UInt64) -> [Effect] {
    learnCost(examined: page.examined, nanoseconds: nanoseconds)
    keepSelectionVisible()
    return askForVersions()
  }

  private mutating func receiveFailure(of request: BrowseRequest, _ message: String) {
    switch request {
    case .page(let run, _, _, _), .pageBefore(let run, _, _, _, _), .lastPage(let run, _, _, _), .plan(let run, _):
      guard browse.results?.run == run else { return }
      browse.results?.isRunning = false
      browse.results?.failure = message
    case .versions: browse.results?.isChecking = false
    case .histogram:
      browse.brush?.isLoading = false
      browse.notice = message
    case .remove(let key): fail("\(key.text) was not removed: \(message)")
    case .draft(let key): fail("\(key.text): \(message)")
    case .write(let change): receiveWriteFailure(change, message)
    case .count: break  // The results are there; how many there are in all stays unknown.
    case .outline, .complete: fail(message)
    case .document(let key): if browse.opened?.key == key { browse.opened?.state = .failed(message) }
    }
  }

  /// Runs a selection from its first page.
  /// - Parameter before: results of the same selection, to whose page it comes back.
  mutating func run(
    _ selection: Selection, line: String? = nil, notes: [String] = [], comingBackTo before: Results? = nil,
    remembers: Bool = true, focus: BrowseState.Pane = .results
  ) -> [Effect] {
    browse.runs += 1
    browse.error = nil
    browse.opened = nil
    resetDocument()
    browse.focus = focus
    if remembers { remember(line ?? QueryLine.text(selection)) }
    var results = Results(
      run: browse.runs, selection: selection, lsn: history.last?.statistics.memoryLSN ?? 0, date: history.last?.date)
    results.notes = notes
    if let before { results.comeBack(to: before) }
    browse.results = results
    let run = browse.runs
    var effects = [Effect.ask(results.request)]
    switch selection {
    case .query: effects += [.ask(.plan(run: run, selection)), .ask(.count(run: run, selection))]
    case .shard: effects.append(.ask(.count(run: run, selection)))
    case .key, .unique: break
    }
    if focus != .brush, browse.brush != nil {
      // Another query: that is what the brush lies over from now on.
      browse.brush?.before = nil
      effects += askForHistogram()
    }
    return effects
  }

  /// Shows results that were put aside, as they were then.
  mutating func show(again before: Results) -> [Effect] {
    // A page that was on its way to them has gone elsewhere.
    if before.isRunning || before.failure != nil { return run(before.selection, remembers: false) }
    browse.runs += 1
    browse.opened = nil
    resetDocument()
    var results = before
    results.run = browse.runs
    results.isChecking = false
    browse.results = results
    guard case .query = results.selection else { return askForVersions() }
    var effects: [Effect] = []
    if results.plan == nil { effects.append(.ask(.plan(run: results.run, results.selection))) }
    if results.matches == nil { effects.append(.ask(.count(run: results.run, results.selection))) }
    return effects + askForVersions()
  }

  mutating func remember(_ line: String) {
    // The file of them has one a line.
    if !line.isEmpty, browse.history.last != line, !line.contains(where: \.isNewline) {
      browse.history.append(line)
      if browse.history.count > BrowseState.historyMax { browse.history.removeFirst() }
    }
    browse.historyPosition = browse.history.count
  }

  private mutating func recall(_ position: Int) {
    guard position >= 0, position <= browse.history.count else { return }
    if browse.historyPosition == browse.history.count { browse.unsent = browse.editor?.text ?? "" }
    browse.historyPosition = position
    browse.editor = LineEditor(position < browse.history.count ? browse.history[position] : browse.unsent)
    browse.error = nil
  }

  mutating func openQueryLine(_ text: String) {
    browse.historyPosition = browse.history.count
    browse.editor = LineEditor(text)
    browse.error = nil
    browse.completions = []
  }

  private mutating func refresh() -> [Effect] {
    let effects = [Effect.ask(.outline)]
    guard let results = browse.results else { return effects }
    return effects + run(results.selection, comingBackTo: results)
  }

  /// Only what a range index keeps in order can be sorted without reading everything.
  private mutating func sort(_ command: Command) -> [Effect] {
    guard case .query(var query, let limit)? = browse.results?.selection else { return [] }
    let fields = browse.vocabulary.rangeNames
    if command == .reverse {
      query.order = query.order == .ascending ? .descending : .ascending
      // Without a field there is no order that could be reversed in words.
      if query.orderBy == nil { query.orderBy = query.ranges.first?.field ?? fields.first }
      guard query.orderBy != nil else { return [] }
    } else {
      let next = query.orderBy.flatMap { fields.firstIndex(of: $0) }.map { $0 + 1 } ?? 0
      query.orderBy = next < fields.count ? fields[next] : nil
      if query.orderBy == nil { query.order = .ascending }
    }
    return run(.query(query, limit: limit))
  }

  private mutating func open() -> [Effect] {
    switch browse.focus {
    case .explore:
      let items = exploreItems
      guard items.indices.contains(browse.exploreSelection) else { return [] }
      switch items[browse.exploreSelection].action {
      case .run(let selection)?: return run(selection)
      case .line(let line)?: return runLine(line)
      case .type(let text)?: openQueryLine(text)
      case .tag(let tag, let field)?: return run(browse.selection(taggedWith: tag, of: field))
      case .range(let field)?: return run(browse.selection(having: field))
      case .moreTags(let field)?:
        let prefix = field.isEmpty ? "tag:" : "tag:\(QueryToken.begun(field + "="))"
        let rest = QueryLine.text(browse.selection(taggedWith: nil, of: field))
        openQueryLine(rest.isEmpty ? prefix : "\(rest) \(prefix)")
        return complete(browse.editor?.prefix ?? "")
      case nil: break
      }
      return []
    case .document where documentPart != nil:
      fold(.fold)
      return []
    case .brush: return []
    case .results, .document:
      guard let row = browse.results?.selectedRow else { return [] }
      browse.focus = .document
      resetDocument()
      browse.opened = OpenedDocument(key: row.key)
      return [.ask(.document(row.key))]
    }
  }

  private mutating func backInBrowse() -> [Effect] {
    if browse.isZoomed {
      browse.isZoomed = false
    } else if browse.opened != nil || browse.focus != .results {
      browse.opened = nil
      resetDocument()
      browse.focus = .results
    } else if browse.brush != nil {
      return cancelBrush()
    } else {
      view = home
    }
    return []
  }

  private mutating func moveBrowseFocus(_ step: Int) {
    let panes = BrowseState.Pane.allCases.filter { $0 != .brush || browse.brush != nil }
    let position = panes.firstIndex(of: browse.focus) ?? 0
    browse.focus = panes[(position + step + panes.count) % panes.count]
  }
}
