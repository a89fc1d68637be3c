import Terminal

/// Moving through the tree, the results and the document.
extension Model {
  mutating func move(_ command: Command) -> [Effect] {
    let layout = BrowseLayout(self)
    switch browse.focus {
    case .explore:
      moveInTree(command, page: layout.visibleRows(.explore))
      return []
    case .document:
      let visible = layout.visibleRows(.document)
      browse.documentLine = Scroll.selected(
        browse.documentLine, by: command, page: visible, count: documentLines.count)
      browse.documentScroll = Scroll.top(browse.documentScroll, keeping: browse.documentLine, visible: visible)
      return []
    case .brush: return []
    case .results: return moveInResults(command, page: layout.visibleRows(.results))
    }
  }

  private mutating func moveInTree(_ command: Command, page: Int) {
    let items = exploreItems
    guard !items.isEmpty else { return }
    var index = Scroll.selected(browse.exploreSelection, by: command, page: page, count: items.count)
    // Headings cannot be chosen: go on in the same direction, and back where that ends.
    let step = index >= browse.exploreSelection ? 1 : -1
    while items.indices.contains(index), items[index].action == nil { index += step }
    if items.indices.contains(index) { browse.exploreSelection = index }
  }

  private mutating func moveInResults(_ command: Command, page: Int) -> [Effect] {
    guard let results = browse.results, !results.isRunning, !results.rows.isEmpty else { return [] }
    let last = results.rows.count - 1
    switch command {
    case .home where results.pageNumber > 0: return turn(to: 0, landing: .first)
    case .end where !results.isLastPage: return turnToLast()
    case .down, .pageDown, .halfPageDown:
      if results.selected == last, !results.isLastPage { return turn(to: results.pageNumber + 1, landing: .first) }
    case .up, .pageUp, .halfPageUp:
      if results.selected == 0, results.pageNumber > 0 { return turn(to: results.pageNumber - 1, landing: .last) }
    default: break
    }
    let selected = Scroll.selected(results.selected, by: command, page: page, count: results.rows.count)
    guard selected != results.selected else { return [] }
    browse.results?.selected = selected
    browse.opened = nil
    resetDocument()
    keepSelectionVisible()
    return askForVersions()
  }

  private mutating func turn(to number: Int, landing: Results.Landing) -> [Effect] {
    guard let results = browse.results else { return [] }
    if let start = number == 0 ? PageStart.first : results.marks[number].map(PageStart.after) {
      startTurning(landing)
      return [.ask(.page(run: results.run, results.selection, number: number, from: start))]
    }
    let isLast = number == results.lastPageNumber && results.marksBefore[number] == nil
    return isLast ? turnToLast(landing) : turnBack(to: number, landing)
  }

  /// A page that was come to from the end.
  private mutating func turnBack(to number: Int, _ landing: Results.Landing) -> [Effect] {
    guard let results = browse.results, let mark = results.marksBefore[number] else { return [] }
    startTurning(landing)
    return [
      .ask(
        .pageBefore(run: results.run, results.selection, number: number, rows: Results.pageSize, before: mark))
    ]
  }

  private mutating func turnToLast(_ landing: Results.Landing = .last) -> [Effect] {
    guard let results = browse.results else { return [] }
    if let count = results.count, let number = results.lastPageNumber {
      startTurning(landing)
      // From here on pages are counted by how many there are now.
      if results.isAbout { browse.results?.forgetMarks() }
      let rows = count - number * Results.pageSize
      return [.ask(.pageBefore(run: results.run, results.selection, number: number, rows: rows, before: nil))]
    }
    guard let (number, mark) = results.marks.max(by: { $0.key < $1.key }) else { return [] }
    startTurning(landing)
    return [.ask(.lastPage(run: results.run, results.selection, number: number, after: mark))]
  }

  /// Whether a page of documents is being looked for.
  var isWaitingForPage: Bool { view == .browse && browse.results?.isRunning == true }

  private mutating func startTurning(_ landing: Results.Landing) {
    browse.results?.isRunning = true
    browse.results?.landing = landing
    browse.opened = nil
    resetDocument()
  }

  /// Scrolls lists so that what is selected can be seen, for instance after a change of size.
  mutating func keepSelectionVisible() {
    guard let results = browse.results else { return }
    let visible = BrowseLayout(self).visibleRows(.results)
    browse.results?.top = Scroll.top(results.top, keeping: results.selected, visible: visible)
  }
}
