import DarkBird
import Foundation

/// Everything of the browse view that is not the store's.
struct BrowseState: Sendable {
  enum Pane: Int, Sendable, CaseIterable {
    case explore = 1
    case results = 2
    case document = 3
    /// Only while there is a brush.
    case brush = 4
  }

  var outline: Outline?
  var vocabulary: QueryVocabulary
  /// Whoever goes elsewhere is done with the columns.
  var focus = Pane.results {
    didSet { if focus != .results { columnPicker = nil } }
  }
  var isZoomed = false
  /// Index into the items of the tree.
  var exploreSelection = 0
  var editor: LineEditor?
  /// Query lines that were run, oldest first, without repetitions in a row.
  var history: [String] = []
  /// Which of them the editor shows; `history.count` = a new one.
  var historyPosition = 0
  /// What was typed before an older line was called back.
  var unsent = ""
  var error: QueryError?
  var completions: [String] = []
  var results: Results?
  var opened: OpenedDocument?
  /// Line of the document that is selected, and lines above that are scrolled away.
  var documentLine = 0
  var documentScroll = 0
  /// Paths of the parts of documents that are folded.
  var folded: Set<String> = []
  var brush: Brush?
  /// Columns of the results that somebody wants, and those that somebody does not; others are shown where there is room.
  var columns: [ResultColumn.ID: Bool] = [:]
  /// While columns are chosen: which of them is selected.
  var columnPicker: Int?
  /// Query lines under the function keys.
  var saved: [String] = []
  /// A line that is typed below the query.
  var prompt: Prompt?
  /// The number of the job that exports results.
  var exportJob: Int?
  /// The name that was typed last, until an export to it has worked.
  var exportName: String?
  /// The form of the last export.
  var exportFormat: DocumentFormat?
  /// What is typed for a document, from when an editor was opened until the store has taken it.
  var draft: Draft?
  /// Whether the editor has the terminal.
  var isEditing = false
  /// What was typed before that for other documents, and waits.
  var draftsAside: [Draft] = []
  /// The line that a document to be inserted was typed in, and what it asks for, while the question waits and the store works.
  var typedLine: (text: String, change: DocumentChange)?
  /// What waits for yes or no.
  var question: Question?
  /// What the last key did, where the picture does not tell.
  var notice: String?
  /// What there is to say of a copy, until it is known what came of that.
  var copyRemark: String?
  var runs = 0
  /// What a candidate costs, learnt from the pages that were read.
  var nanosecondsPerCandidate = 1_000.0

  static let historyMax = 100

  /// Whether there is something to be said that the panes do not show.
  var hasNews: Bool {
    editor != nil || prompt != nil || question != nil || exportJob != nil || notice != nil || error != nil
  }

  var context: KeyContext {
    if question != nil { return .question }
    if prompt != nil { return .prompt }
    if editor != nil { return .query }
    if columnPicker != nil { return .columns }
    return focus == .brush ? .brush : .browse
  }

  /// What is shown, if it is more than one document.
  var query: Query? {
    if case .query(let query, _)? = results?.selection { query } else { nil }
  }

  init(schema: SchemaDescription) { vocabulary = QueryVocabulary(schema) }

  /// The same questions to another store: answers of the one before come too late.
  init(schema: SchemaDescription, keeping before: BrowseState) {
    self.init(schema: schema)
    (saved, history, historyPosition) = (before.saved, before.history, before.history.count)
    columns = before.columns
    runs = before.runs + 1
    // What is being typed stays until it is done, or its letters would be commands.
    editor = before.editor
    if before.prompt?.kind == .exportName { prompt = before.prompt }
  }

  /// A line of the tree.
  struct ExploreItem: Hashable, Sendable {
    enum Action: Hashable, Sendable {
      case run(Selection)
      /// Runs what a query line says.
      case line(String)
      /// Puts this into the query line, for a value to be added.
      case type(String)
      /// Asks for a tag of a field, whatever else the query asks for.
      case tag(String, field: String)
      /// Asks for what has a field, whatever else the query asks for.
      case range(String)
      /// Puts the field into the query line, for one of its other tags.
      case moreTags(of: String)
    }

    var kind: StoreStatistics.Index.Kind?
    var name: String
    var count: Int?
    /// nil for a heading.
    var action: Action?
  }

  /// The query as it is with this tag in the place of those it has of the field; nil is none of them.
  func selection(taggedWith tag: String?, of field: String) -> Selection {
    guard case .query(var query, let limit)? = results?.selection else {
      return .query(Query(allTags: tag.map { [$0] } ?? []), limit: nil)
    }
    let others = vocabulary.tagFields.filter { !$0.isEmpty }
    func isOfField(_ tag: String) -> Bool {
      field.isEmpty ? !others.contains { tag.value(ofName: $0) != nil } : tag.value(ofName: field) != nil
    }
    query.allTags.removeAll(where: isOfField)
    query.anyTags.removeAll(where: isOfField)
    query.noTags.removeAll { $0 == tag }
    if let tag { query.allTags.append(tag) }
    return .query(query, limit: limit)
  }

  /// The query as it is, of documents that have the field.
  func selection(having field: String) -> Selection {
    guard case .query(var query, let limit)? = results?.selection else {
      return .query(Query(ranges: [.init(field: field, range: .all)]), limit: nil)
    }
    if !query.ranges.contains(where: { $0.field == field }) { query.ranges.append(.init(field: field, range: .all)) }
    return .query(query, limit: limit)
  }

  /// Whether what is shown was asked for by what this line of the tree stands for.
  func isAskedFor(_ item: ExploreItem) -> Bool {
    switch item.action {
    case .tag(let tag, _)?: query.map { $0.allTags.contains(tag) || $0.anyTags.contains(tag) } ?? false
    case .range(let field)?: query.map { $0.ranges.contains { $0.field == field } || $0.orderBy == field } ?? false
    case .run(.query(_, _))?: query?.isUnconditional ?? false
    case .run(let selection)?: results?.selection == selection
    case .line(let line)?: results.map { QueryLine.text($0.selection) == line } ?? false
    case .type(let text)?:
      if case .unique(let index, _)? = results?.selection { text == "unique \(index)=" } else { false }
    case .moreTags?, nil: false
    }
  }
}

/// Documents found by one query, a page of them at a time. They stay as they were found until somebody asks again.
struct Results: Sendable {
  /// Rows of a page.
  static let pageSize = 200

  /// Where the cursor goes when a page arrives.
  enum Landing: Hashable, Sendable {
    case first
    case last
    /// On the document with this key, if it is still there.
    case key(RowKey)
  }

  var run: Int
  let selection: Selection
  /// LSN of the last write when it was run: how far the store has gone on since then.
  private(set) var lsn: UInt64
  /// When that was.
  private(set) var date: Date?
  var isRunning = true
  var landing = Landing.first
  var pageNumber = 0
  /// After which rows pages begin, by their numbers, as far as they have been read; the first one has none.
  private(set) var marks: [Int: PageMark] = [:]
  /// Before which rows pages end that were come to from the last one, by their numbers.
  private(set) var marksBefore: [Int: PageMark] = [:]
  /// Whether nobody has counted what is before the page since the store went on: it was come back to.
  private(set) var isAbout = false
  var rows: [ResultRow] = []
  var isLastPage = false
  var selected = 0
  /// First row that is visible.
  var top = 0
  var examined = 0
  var nanoseconds: UInt64 = 0
  var plan: PlanSummary?
  /// What the line that was typed may have meant otherwise.
  var notes: [String] = []
  /// How many match, whatever the limit; nil as long as nobody knows.
  var matches: Int?
  var failure: String?
  /// What became of documents that are no longer as they were found.
  var fates: [RowKey: RowFate] = [:]
  /// The last write and the first row when the versions were asked for.
  var checked: (lsn: UInt64, top: Int) = (0, 0)
  var isChecking = false

  init(run: Int, selection: Selection, lsn: UInt64, date: Date? = nil) {
    self.run = run
    self.selection = selection
    self.lsn = lsn
    self.date = date
    checked.lsn = lsn
  }

  /// How many can be come to; nil as long as nobody knows.
  var count: Int? {
    if let matches { return min(matches, selection.limit ?? .max) }
    return isLastPage ? offset + rows.count : nil
  }

  /// The page that can be come to from the end; nil if nobody knows how many there are, or the selection goes only forwards.
  var lastPageNumber: Int? {
    guard case .query(_, nil) = selection, let count, count > 0 else { return nil }
    return (count - 1) / Self.pageSize
  }

  /// Rows before the page that is shown: as many as were counted, but no more than there can be.
  var offset: Int {
    let offset = pageNumber * Self.pageSize
    guard isAbout, let matches else { return offset }
    let most = max(0, min(matches, selection.limit ?? .max) - rows.count)
    return isLastPage ? most : min(offset, most)
  }
  var selectedRow: ResultRow? { rows.indices.contains(selected) ? rows[selected] : nil }

  /// Results that were asked for before there was a sample are as old as the first one.
  mutating func begin(at sample: Sample) {
    lsn = sample.statistics.memoryLSN
    date = sample.date
    checked.lsn = lsn
  }

  /// Begins with the page of earlier results of the same selection, and with the row that was selected there.
  mutating func comeBack(to before: Results) {
    // Where there is nothing, nobody wants to come back to.
    if before.rows.isEmpty, !before.isRunning, before.failure == nil { return }
    landing = before.selectedRow.map { .key($0.key) } ?? before.landing
    (selected, pageNumber) = (before.selected, before.pageNumber)
    // A mark is a place in the order, whatever has become of the rows around it.
    marks = before.marks.filter { $0.key <= pageNumber }
    marksBefore = before.marksBefore
    isAbout = pageNumber > 0 && (before.isAbout || lsn > before.lsn)
  }

  /// Whether the page that was come back to is there no more.
  func hasLost(_ page: ResultPage, number: Int) -> Bool {
    if case .key = landing { number > 0 && page.rows.isEmpty } else { false }
  }

  mutating func beginAnew() {
    (pageNumber, landing, selected, isAbout) = (0, .first, 0, false)
    forgetMarks()
  }

  mutating func forgetMarks() { (marks, marksBefore) = ([:], [:]) }

  /// Asks for the page to begin with.
  var request: BrowseRequest {
    let start = marks[pageNumber].map(PageStart.after) ?? marksBefore[pageNumber - 1].map(PageStart.with)
    return .page(run: run, selection, number: start == nil ? 0 : pageNumber, from: start ?? .first)
  }

  /// - Parameter newMarks: where pages begin up to this one, as far as that was not known.
  mutating func show(_ page: ResultPage, number: Int, marks newMarks: [PageMark], nanoseconds: UInt64) {
    show(page, number: number, nanoseconds)
    isLastPage = page.next == nil
    if number == 0, isAbout {
      isAbout = false
      forgetMarks()
    }
    for (place, mark) in newMarks.enumerated() { marks[number + 1 - newMarks.count + place] = mark }
    // Also where a mark of before is known: between that one and this page there may be rows by now.
    if let next = page.next { marks[number + 1] = next }
    // The last page tells how many there are, unless the limit ends it.
    if isLastPage, !isAbout, offset + rows.count < selection.limit ?? .max { matches = offset + rows.count }
  }

  /// Shows a page that was come to from the one after it, or is the last.
  mutating func showBefore(_ page: ResultPage, number: Int, nanoseconds: UInt64) {
    show(page, number: number, nanoseconds)
    isLastPage = number == lastPageNumber && marksBefore[number] == nil
    if isLastPage { isAbout = false }
    if let next = page.next { marksBefore[number - 1] = next }
  }

  private mutating func show(_ page: ResultPage, number: Int, _ nanoseconds: UInt64) {
    isRunning = false
    failure = nil
    pageNumber = number
    rows = page.rows
    examined = page.examined
    self.nanoseconds = nanoseconds
    switch landing {
    case .first: selected = 0
    case .last: selected = max(0, rows.count - 1)
    case .key(let key): selected = rows.firstIndex { $0.key == key } ?? min(selected, max(0, rows.count - 1))
    }
    top = 0
    isChecking = false
  }
}

/// What became of a document since it was found.
enum RowFate: Hashable, Sendable { case changed, removed }

/// A document that was opened, as it is in the store now.
struct OpenedDocument: Hashable, Sendable {
  enum State: Hashable, Sendable {
    case loading
    case found(ResultRow)
    case gone
    case failed(String)
  }

  var key: RowKey
  var state = State.loading
}
