package import Terminal

extension Dashboard {
  /// Shows a recording on the terminal until somebody quits: the panels are those of a live store.
  package static func replay(_ recording: Recording, options: DashboardOptions) throws(TerminalError) -> DashboardExit {
    let screen = try CursesScreen(CursesScreen.Options(colors: options.colors))
    defer { screen.close() }
    let waker = screen.waker
    let inbox = Inbox { waker.wake() }
    let player = Player(times: recording.times) { inbox.send(.reached($0, seek: $1)) }
    player.start()
    defer { player.stop() }
    var model = Model(
      identity: recording.identity, configuration: options.configuration, width: screen.size.width,
      height: screen.size.height, glyphs: options.glyphs ?? options.configuration.glyphs ?? screen.glyphs)
    model.replay = ReplayState(recording)
    model.browse.notice = recording.tear
    let loop = ScreenLoop(
      screen: screen, inbox: inbox, cost: OwnCost(),
      frameInterval: .nanoseconds(1_000_000_000 / min(max(options.framesPerSecond, 1), 60))
    ) { effect in
      switch effect {
      case .player(let order): player.order(order)
      case .ask(let request): inbox.send(.reply(.failed(request, "a recording has no documents")))
      case .filterEvents, .watchEvents, .workload, .keepQueries, .startJob, .checkExport, .export, .cancelJob, .copy,
        .record, .note, .edit, .takeTerminalBack, .discardDraft, .tour, .holdTour:
        break  // Of what is live.
      case .quit, .redraw, .mouse: break  // The loop's own.
      }
    }
    return loop.run(model).0
  }
}
