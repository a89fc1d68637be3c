import DarkBird
import Foundation
import Terminal

/// Everything the screen shows. `update` is the only thing that changes it, and it does nothing else: what is to be done
/// in the world it returns as effects.
struct Model: Sendable {
  enum View: Hashable, Sendable {
    case overview, browse, alerts, workload, jobs, tour

    /// Where one is, beside the name of the store.
    var name: String? {
      switch self {
      case .overview: nil
      case .browse: "browse"
      case .alerts: "alerts"
      case .workload: "workload"
      case .jobs: "jobs"
      case .tour: "tour"
      }
    }
  }
  enum Time: Hashable, Sendable {
    case live
    /// The sequence of the sample that is shown.
    case paused(Int)
  }

  let identity: SourceIdentity
  let zone: TimeZone
  let keyMap: KeyMap
  /// What the key for layouts goes through.
  let arrangements: [Arrangement]
  let scenarios: [Scenario]

  var width: Int
  var height: Int
  var glyphs: GlyphTier
  var theme: Theme.Name
  var arrangement: Arrangement
  var view = View.overview
  var isMouseOn = false
  /// Lines of the help that are scrolled away, while it is shown.
  var helpScroll: Int?
  var helpPage = HelpPage.keys
  /// While a command is looked for by name; it lies over everything else.
  var palette: CommandPalette?

  /// nil: as much as the number of shards allows.
  let historyCapacity: Int?
  var history: History
  var time = Time.live
  var focus = PanelID.throughput
  var isZoomed = false
  /// Seconds that graphs show: an index into `windows`.
  var window: Int
  var shardScroll = 0
  var indexScroll = 0
  var events = EventLog()
  var alerts: AlertBook
  var alertsView = AlertsState()
  var workloadView = WorkloadState()
  var jobs: JobsState
  /// nil if nobody leads through one.
  var tour: TourState?
  var runs: RunBook
  var stillness = Stillness()
  /// Notes and runs; `allMarks` has the alarms too.
  var marks: [Mark] = []
  /// How many there have been; the oldest are forgotten.
  var marksAdded = 0
  /// While a note is being written.
  var annotation: Annotation?
  var browse: BrowseState
  /// The file that is recorded to.
  var recordingPath: String?
  /// Only while a recording is shown.
  var replay: ReplayState?
  /// Whether the last key was told what quitting would stop.
  var isQuitAsked = false
  /// Averaged over the last frames.
  var frameMilliseconds = 0.0

  static let windows = [60, 120, 300, 600, 1_800, 7_200]

  init(
    identity: SourceIdentity, configuration: DashboardConfiguration = DashboardConfiguration(),
    previousRun: RunRecord? = nil, width: Int, height: Int, glyphs: GlyphTier, zone: TimeZone = .current,
    historyCapacity: Int? = nil, tour: TourState? = nil, jobs: [DashboardJob] = []
  ) {
    self.identity = identity
    self.tour = tour
    // Keys that would do nothing are not in the help either.
    keyMap = (tour == nil ? configuration.keyMap.without(.tour) : configuration.keyMap).adding(jobs)
    self.jobs = JobsState(kinds: jobs)
    theme = configuration.theme
    arrangements = configuration.arrangements
    scenarios = configuration.scenarios
    arrangement = configuration.arrangement
    window = configuration.window
    self.width = width
    self.height = height
    self.glyphs = glyphs
    self.zone = zone
    self.historyCapacity = historyCapacity
    alerts = AlertBook(rules: configuration.rules)
    runs = RunBook(lastProgram: previousRun)
    history = historyCapacity.map { History(capacities: [$0, 0, 0]) } ?? History()
    browse = BrowseState(schema: identity.schema)
  }

  /// The sample that is shown; nil before the first.
  var shown: Sample? {
    switch time {
    case .live: history.last
    case .paused(let sequence): history.sample(sequence)
    }
  }

  /// Whether the newest sample changes the picture. One that waits on a paused view does: it says how far that is behind.
  var needsFrame: Bool { stillness.isWorthAFrame || time != .live || !alerts.isQuiet }

  /// How far the view is behind, in nanoseconds; nil while it is live.
  var behind: UInt64? {
    guard case .paused = time, let shown, let last = history.last else { return nil }
    return last.nanoseconds - shown.nanoseconds
  }

  /// Where Esc ends.
  var home: View { tour == nil ? .overview : .tour }

  /// How far a write must have come before its writer goes on, if it does not say so itself: as the workload wants it, else as
  /// the store has it. nil without a log, and where nobody knows.
  func acknowledgement(at sample: Sample?) -> Acknowledgement? {
    identity.isInMemory ? nil : sample?.workload?.options?.acknowledgement ?? identity.acknowledgement
  }

  var windowSeconds: Int { Self.windows[min(max(window, 0), Self.windows.count - 1)] }

  /// Whether Esc leads anywhere.
  var hasLayer: Bool {
    helpScroll != nil || view != home || isZoomed || events.heldSequence != nil || time != .live
  }

  /// Whether something lies over the view that takes the keys.
  var hasOverlay: Bool {
    annotation != nil || palette != nil || jobs.asking != nil || jobs.cancelling != nil || isChoosingColumns
  }

  var keyContext: KeyContext {
    palette == nil ? contextBelowPalette : .palette
  }

  private var contextBelowPalette: KeyContext {
    if annotation != nil { return .annotation }
    if jobs.cancelling != nil { return .question }
    if let asking = jobs.asking { return asking.isConfirming ? .question : .jobAnswer }
    if helpScroll != nil { return .help }
    switch view {
    case .overview: return events.editor != nil ? .filter : .overview
    case .browse: return browse.context
    case .alerts: return .alerts
    case .workload: return .workload
    case .jobs: return .jobs
    case .tour: return .tour
    }
  }

  mutating func update(_ message: Message) -> [Effect] {
    switch message {
    case .key(let key): return respond { $0.handle(key) }
    case .mouse(let event): return respond { $0.handle(event) }
    case .paste(let text): return respond { $0.paste(text) }
    case .resize(let width, let height):
      self.width = width
      self.height = height
      keepSelectionVisible()
    case .sample(let sample, let lines):
      let before = history.last?.generation
      keepingSelectedMark { $0.take(sample, lines) }
      let isOther = before != nil && before != sample.generation
      // A chapter that somebody holds stays held, whatever store it has opened or closed meanwhile.
      if isOther, tour?.isHeld == true { time = .paused(sample.sequence) }
      return (isOther && view == .browse ? enterBrowse() : []) + askForVersions()
        + turnPage(at: sample) + keepTourInStep()
    case .reached(let nanoseconds, let seek):
      if seek == replay?.seek { keepingSelectedMark { $0.play(through: nanoseconds) } }
    case .reply(let reply): return receive(reply)
    case .job(let id, let report): receive(report, ofJob: id)
    case .exportTarget(let request, let target): return receive(target, of: request)
    case .edited(let path, let outcome): return receiveEdit(path, outcome)
    case .editing(let path):
      browse.draft?.path = path
      return []
    case .recording(let path, let text): (recordingPath, browse.notice) = (path, text)
    case .notice(let text): receiveNotice(text)
    case .frameCost(let milliseconds): frameMilliseconds = milliseconds
    case .tour(let run, let news): tour?.take(news, ofRun: run)
    }
    return []
  }

  /// What a person does, and what follows from it.
  private mutating func respond(_ handle: (inout Model) -> [Effect]) -> [Effect] {
    let wasWatching = isWatchingEvents
    var effects = handle(&self) + keepPlayerInStep() + keepTourInStep()
    if isWatchingEvents != wasWatching { effects.append(.watchEvents(isWatchingEvents)) }
    return effects
  }

  /// Whether the events have the screen for themselves.
  private var isWatchingEvents: Bool { view == .overview && isZoomed && focus == .events }

  mutating func take(_ sample: Sample, _ lines: [EventLine]) {
    if let last = history.last, last.generation != sample.generation { forget() }
    if history.count == 0, historyCapacity == nil {
      history = History(capacities: History.capacities(shards: sample.statistics.shards.count))
    }
    if history.count == 0 { browse.results?.begin(at: sample) }
    history.append(sample)
    events.append(lines, sequence: sample.sequence)
    workloadView.take(sample)
    stillness.take(sample, windowSeconds: windowSeconds)
    addNotes(of: sample)
    if let news = runs.update(sample, history) { addMark(.run, at: sample, news) }
    alerts.update(at: Moment(history, at: sample, windowSeconds: windowSeconds))
  }

  /// Begins anew with another store: nothing that was seen of the one before is of this one.
  private mutating func forget() {
    history = historyCapacity.map { History(capacities: [$0, 0, 0]) } ?? History()
    time = .live
    let (filter, editor) = (events.filter, events.editor)
    events = EventLog()
    (events.filter, events.editor) = (filter, editor)
    (shardScroll, indexScroll) = (0, 0)
    let muted = alerts.muted
    alerts = AlertBook(rules: alerts.rules)
    alerts.muted = muted
    runs = RunBook()
    stillness = Stillness()
    marks = []
    // A note that is being written stays until it is done, or its letters would be commands; its moment is gone.
    annotation?.sample = nil
    // Nor are answers about that one answers about this one.
    browse = BrowseState(schema: identity.schema, keeping: browse)
  }

  private mutating func handle(_ key: Key) -> [Effect] {
    let context = keyContext
    browse.notice = nil
    if browse.editor == nil { browse.error = nil }
    let command = keyMap.command(for: key, in: context)
    if command != .quit { isQuitAsked = false }
    if let command { return perform(command, in: context) }
    if context.isTyping, case .character(let character) = key { return type(String(character)) }
    if KeyMap.views.contains(context), keyMap.isUsed(key) { browse.notice = "\(key.name) does nothing here" }
    return []
  }

  /// Text goes where text is typed. Elsewhere its letters would be commands, which nobody has given.
  private mutating func paste(_ text: String) -> [Effect] {
    browse.notice = nil
    isQuitAsked = false
    if keyContext.isTyping { return type(text.trimmingCharacters(in: .newlines)) }
    browse.notice = "pasted text is ignored: no line is open that it could go to"
    return []
  }

  /// What would be lost by it is said once.
  private mutating func quit() -> [Effect] {
    let running = jobs.running
    guard let first = running.first, !isQuitAsked else { return [.quit] }
    isQuitAsked = true
    browse.notice =
      running.count == 1
      ? "\(first.name) is going on: once more stops it and quits"
      : "\(running.count) jobs are going on: once more stops them and quits"
    return []
  }

  private mutating func changeLook(_ command: Command) {
    func next<Value: Equatable>(_ value: Value, _ all: [Value]) -> Value {
      all[((all.firstIndex(of: value) ?? 0) + 1) % all.count]
    }
    switch command {
    case .glyphs: glyphs = next(glyphs, GlyphTier.allCases)
    case .theme: theme = next(theme, Theme.Name.allCases)
    case .arrangement: arrangement = next(arrangement, arrangements)
    case .setGlyphs(let tier): glyphs = tier
    case .setTheme(let name): theme = name
    case .setArrangement(let wanted): (arrangement, view) = (wanted, .overview)
    default: break
    }
    switch command {
    case .arrangement, .setArrangement: browse.notice = layoutNotice
    default: break
    }
  }

  /// Which layout there is now: the panels alone do not tell.
  private var layoutNotice: String {
    let isWithoutText = arrangement == .teaching && OverviewLayout(self).lesson == nil
    return "layout: \(arrangement.name)" + (isWithoutText ? ", no room for text" : "")
  }

  mutating func perform(_ command: Command, in context: KeyContext) -> [Effect] {
    switch command {
    case .help: return toggleHelp(.keys)
    case .terms: return toggleHelp(.terms)
    case .palette:
      palette = CommandPalette(context: context, isReplay: replay != nil)
      return []
    case .quit: return quit()
    case .redraw: return [.redraw]
    case .mouse:
      isMouseOn.toggle()
      return [.mouse(isMouseOn)]
    case .arrangement where context == .tour: return performTour(command)
    case .glyphs, .theme, .arrangement, .setGlyphs, .setTheme, .setArrangement:
      changeLook(command)
      return []
    case .alerts:
      view = .alerts
      return []
    case .workload:
      view = .workload
      return []
    case .jobs:
      view = .jobs
      return []
    case .startJob(let kind): return ask(kind)
    case .setting(let setting): return show(setting)
    case .scenario(let name): return play(scenarios.first { $0.name == name })
    case .endScenario: return play(nil)
    case .tour:
      if tour != nil { view = .tour }
      return []
    default: break
    }
    if !context.isTyping {
      if let effects = performReplay(command) ?? performRecord(command) { return effects }
      if let effects = performTime(command) { return effects }
    }
    switch context {
    case .help:
      scrollHelp(command)
      return []
    case .overview: return performOverview(command)
    case .filter: return performFilter(command)
    case .browse: return performBrowse(command)
    case .query: return performQuery(command)
    case .brush: return performBrush(command)
    case .columns: return performColumns(command)
    case .prompt: return performPrompt(command)
    case .question: return performJobQuestion(command) ?? performQuestion(command)
    case .jobAnswer: return performJobAnswer(command)
    case .palette: return performPalette(command)
    case .annotation: return performAnnotation(command)
    case .alerts: return performAlerts(command)
    case .workload: return performWorkload(command)
    case .jobs: return performJobs(command)
    case .tour: return performTour(command)
    }
  }

  private mutating func type(_ text: String) -> [Effect] {
    if palette != nil {
      palette?.editor.insert(text)
      palette?.selected = 0
      return []
    }
    if annotation != nil {
      annotation?.editor.insert(text)
      return []
    }
    if jobs.asking != nil {
      jobs.asking?.editor.insert(text)
      return []
    }
    if events.editor != nil, view == .overview {
      events.editor?.insert(text)
      events.scroll = 0
      return [.filterEvents(events.activeFilter)]
    }
    if browse.prompt != nil {
      browse.prompt?.editor.insert(text)
      return []
    }
    browse.editor?.insert(text)
    browse.error = nil
    browse.completions = []
    return []
  }

  private mutating func toggleHelp(_ page: HelpPage) -> [Effect] {
    (helpScroll, helpPage) = (helpScroll != nil && helpPage == page ? nil : 0, page)
    return []
  }

  private mutating func scrollHelp(_ command: Command) {
    guard let scroll = helpScroll else { return }
    if command == .back {
      helpScroll = nil
      return
    }
    let page = max(1, height - 4)
    let count =
      switch helpPage {
      case .keys: HelpOverlay.lineCount(self)
      case .terms: TermsOverlay.lineCount(width: width)
      }
    helpScroll = Scroll.moved(scroll, by: command, page: page, count: count, visible: page)
  }
}

/// What the help tells.
enum HelpPage: Sendable {
  case keys, terms
}

/// Moving through lists.
enum Scroll {
  /// Where a first visible line goes.
  static func moved(_ top: Int, by command: Command, page: Int, count: Int, visible: Int) -> Int {
    min(max(0, target(top, command, page, count)), max(0, count - visible))
  }

  /// Where a selected line goes.
  static func selected(_ index: Int, by command: Command, page: Int, count: Int) -> Int {
    min(max(0, target(index, command, page, count)), max(0, count - 1))
  }

  private static func target(_ index: Int, _ command: Command, _ page: Int, _ count: Int) -> Int {
    switch command {
    case .up: index - 1
    case .down: index + 1
    case .pageUp: index - max(1, page)
    case .pageDown: index + max(1, page)
    case .halfPageUp: index - max(1, page / 2)
    case .halfPageDown: index + max(1, page / 2)
    case .home: 0
    case .end: count - 1
    default: index
    }
  }

  /// The first visible line that keeps a selected one in sight.
  static func top(_ top: Int, keeping selected: Int, visible: Int) -> Int {
    guard visible > 0 else { return selected }
    return max(0, min(max(top, selected - visible + 1), selected))
  }
}
