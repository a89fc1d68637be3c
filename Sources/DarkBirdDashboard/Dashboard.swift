public import DarkBird
import Foundation
public import Terminal

/// How the dashboard looks and what it watches besides the store.
public struct DashboardOptions: Sendable {
  /// Name of the store in the first line.
  public var title: String
  /// Where the store is, for the first line, such as `disk players/`; nil tells memory from disk, no more.
  public var location: String?
  /// Keys, colours, alerts and layouts; `.load()` reads those of the user.
  public var configuration = DashboardConfiguration()
  /// Whether the throughput of the last run of a workload is kept in the user's state directory, and shown behind that of
  /// the next one.
  public var remembersRuns = false
  /// A workload that runs on the store, for latencies and progress; nil if there is none.
  public var workload: (any WorkloadMonitor)?
  /// Characters to draw with; nil takes the best that the terminal is likely to have.
  public var glyphs: GlyphTier?
  /// At most this many colours; nil takes what the terminal has, none if NO_COLOR is set.
  public var colors: ColorDepth?
  /// Whether documents may be removed, changed and added from the dashboard, each after a question that names the key. Not
  /// unless somebody wants it: what is watched belongs to the program that has opened it.
  public var allowsChanges = false
  /// Begins with the documents instead of the overview, for stores at rest.
  public var startsInBrowse = false
  /// Long work that can be started from the dashboard, besides backups, exports and checkpoints.
  public var jobs: [DashboardJob] = []
  /// Frames a second at most, 1...60.
  public var framesPerSecond = 30

  public init(
    title: String = "store", location: String? = nil, workload: (any WorkloadMonitor)? = nil,
    glyphs: GlyphTier? = nil, colors: ColorDepth? = nil
  ) {
    self.title = title
    self.location = location
    self.workload = workload
    self.glyphs = glyphs
    self.colors = colors
  }
}

/// Why the dashboard ended.
public enum DashboardExit: String, Sendable, Hashable, CaseIterable {
  /// Somebody quit with `q`.
  case quit
  /// SIGINT: Ctrl-C.
  case interrupted
  /// SIGTERM.
  case terminated
  /// The terminal is gone, or SIGHUP came. Nothing can be shown any more.
  case hungUp
}

/// The dashboard: watches and browses a store on the terminal of this process.
public enum Dashboard {
  /// Shows a store on the terminal and blocks the calling thread until somebody quits or the program is asked to end.
  ///
  /// The terminal is given back as it was before this returns. The store stays open: closing it is the caller's business,
  /// also after SIGINT, SIGTERM and a hang-up, which end the dashboard and not the process.
  ///
  ///     let store = try Store<UInt64, Player>(.disk(at: "players"))
  ///     try Dashboard.run(on: store, options: DashboardOptions(title: "players"))
  ///     try store.close()
  ///
  /// - Throws: if there is no terminal that can be drawn on; the description is one line for people.
  /// - Complexity: a few percent of a processor under load, for ten samples and frames a second; next to nothing while
  ///   nothing happens in the store.
  @discardableResult
  public static func run<Key, Document>(
    on store: Store<Key, Document>, options: DashboardOptions = DashboardOptions()
  ) throws(TerminalError) -> DashboardExit {
    try run(on: store, options: options, opening: nil)
  }

  /// Goes on with the terminal that shows how the store was opened.
  /// - Parameter isStopped: whether the program was asked to end before this took its signals.
  package static func run<Key, Document>(
    on store: Store<Key, Document>, options: DashboardOptions, opening: OpeningScreen?,
    isStopped: () -> Bool = { false }
  ) throws(TerminalError) -> DashboardExit {
    let source = StoreSource(
      store, title: options.title, location: options.location, allowsChanges: options.allowsChanges)
    defer { source.close() }
    var options = options
    options.jobs.insert(contentsOf: DashboardJob.standard(of: store, source), at: 0)
    return try run(source: source, options: options, opening: opening, isStopped: isStopped)
  }

  /// As the blocking one, without blocking a thread of Swift's concurrency: the dashboard has a thread of its own.
  ///
  ///     try await Dashboard.run(on: store, options: DashboardOptions(title: "players"))
  ///
  /// Cancelling the task does not end the dashboard: it belongs to whoever sits before it.
  @discardableResult
  public static func run<Key, Document>(
    on store: Store<Key, Document>, options: DashboardOptions = DashboardOptions()
  ) async throws(TerminalError) -> DashboardExit {
    let result = await withCheckedContinuation { (continuation: CheckedContinuation<Ended, Never>) in
      let thread = Thread {
        do throws(TerminalError) {
          continuation.resume(returning: .success(try run(on: store, options: options)))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
      thread.name = "darkbird-dashboard"
      thread.start()
    }
    return try result.get()
  }

  private typealias Ended = Result<DashboardExit, TerminalError>

  /// Shows any source until somebody quits.
  /// - Parameters:
  ///   - guide: leads through a tour, if there is one.
  ///   - tour: where it begins.
  ///   - opening: has the terminal already, perhaps.
  ///   - isStopped: whether the program was asked to end before this took its signals.
  package static func run(
    source: any Source, options: DashboardOptions, guide: TourGuide? = nil, tour: TourOptions = TourOptions(),
    opening: OpeningScreen? = nil, isStopped: () -> Bool = { false }
  ) throws(TerminalError) -> DashboardExit {
    let screen: CursesScreen
    if let shown = opening?.screen {
      screen = shown
    } else {
      screen = try CursesScreen(CursesScreen.Options(colors: options.colors))
    }
    defer { screen.close() }
    if isStopped() { return .terminated }
    let waker = screen.waker
    let inbox = Inbox { waker.wake() }
    let cost = OwnCost()
    let recorder = Recorder(identity: source.identity) { inbox.send(.recording(path: $0, $1)) }
    defer {
      recorder.stop()
      recorder.finish()
    }
    let sampler = Sampler(source: source, monitor: options.workload, cost: cost) {
      recorder.take($0, $1)
      inbox.send(.sample($0, $1))
    }
    let queries = QueryThread(source: source, cost: cost) { inbox.send(.reply($0)) }
    sampler.start()
    queries.start()
    guide?.start { inbox.send(.tour(run: $0, $1)) }
    defer {
      guide?.stop()
      queries.stop()
      sampler.stop()
    }
    let state = options.remembersRuns ? StateDirectory() : nil
    var model = Model(
      identity: source.identity, configuration: options.configuration, previousRun: state?.lastRun,
      width: screen.size.width, height: screen.size.height,
      glyphs: options.glyphs ?? options.configuration.glyphs ?? screen.glyphs,
      tour: guide == nil ? nil : TourState(at: tour.first, seconds: tour.seconds), jobs: options.jobs)
    let saved = StateDirectory()
    let runner = JobRunner { inbox.send(.job(id: $0, $1)) }
    defer { runner.stop() }
    let editor = ExternalEditor(
      saved, begin: { inbox.send(.editing(path: $0)) }, deliver: { inbox.send(.edited(path: $0, $1)) })
    model.browse.saved = saved.queries
    let lines = saved.history
    (model.browse.history, model.browse.historyPosition) = (lines, lines.count)
    let loop = ScreenLoop(
      screen: screen, inbox: inbox, cost: cost,
      frameInterval: .nanoseconds(1_000_000_000 / min(max(options.framesPerSecond, 1), 60))
    ) { effect in
      switch effect {
      case .filterEvents(let filter): sampler.setFilter(filter)
      case .watchEvents(let isWatched): sampler.setWatched(isWatched)
      case .ask(let request): queries.ask(request)
      case .workload(let order): (options.workload as? any WorkloadController)?.carryOut(order)
      case .record(let path?): recorder.start(path)
      case .record(nil): recorder.stop()
      case .note(let note): recorder.take(note)
      case .player: break  // There is none.
      case .startJob(let id, let kind, let answers):
        let body = options.jobs[kind].body
        runner.start(id) { progress in try body(answers, progress) }
      case .checkExport(let request): inbox.send(.exportTarget(request, ExportTarget(request.path)))
      case .export(let id, let request): runner.start(id) { progress in try request.write(from: source, progress) }
      case .cancelJob(let id): runner.cancel(id)
      case .copy(let text): inbox.send(.notice(Clipboard.copy(text, to: screen, saved)))
      case .keepQueries(let lines): saved.keep(queries: lines)
      case .edit(let order): editor.edit(order, on: screen)
      case .takeTerminalBack: screen.takeBack()
      case .discardDraft(let path): unlink(path)
      case .tour(let chapter, let run): guide?.go(to: chapter, run: run)
      case .holdTour(let isHeld): guide?.hold(isHeld)
      case .quit, .redraw, .mouse: break  // The loop's own.
      }
    }
    let effects =
      guide != nil ? model.enterTour() : options.startsInBrowse ? model.enterBrowse() : []
    let (exit, last) = loop.run(model, effects)
    if last.browse.history != lines { saved.keep(history: last.browse.history) }
    if let state, let record = last.runs.toKeep { state.keep(record) }
    for path in (last.browse.draftsAside + [last.browse.draft]).compactMap({ $0?.path }) {
      // Standard error is held back while there is a picture.
      try? FileHandle.standardError.write(contentsOf: Data("what you typed is still in \(path)\n".utf8))
    }
    return exit
  }
}
