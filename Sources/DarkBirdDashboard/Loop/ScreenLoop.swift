import DequeModule
import Terminal

/// The loop of the thread that owns the screen: take what has come, change the model, draw it.
struct ScreenLoop {
  let screen: any DashboardScreen
  let inbox: Inbox
  let cost: OwnCost
  let frameInterval: Duration
  /// After a key the next frame need not wait so long: somebody is looking. Keys that come faster share frames.
  var keyInterval = Duration.milliseconds(4)
  /// The frame after a key waits so long for the answer to what the key has asked for: a page that is there at once is one
  /// frame, not two, of which the first says that it is being looked for.
  var answerInterval = Duration.milliseconds(8)
  /// Does what the model wants done outside; quitting and drawing are the loop's own business.
  let perform: (Effect) -> Void

  /// Does `effects`, then runs until somebody or something ends it.
  /// - Returns: why it has ended, and the model as it was then.
  func run(_ initial: Model, _ effects: [Effect] = []) -> (DashboardExit, Model) {
    var model = initial
    if apply(effects) { return (.quit, model) }
    var isDirty = true
    var isAwaited = false
    /// Until then an answer is waited for.
    var answerDue: ContinuousClock.Instant?
    var lastFrame = ContinuousClock.now - .seconds(1)
    var meter = FrameMeter()
    while true {
      var effects: [Effect] = []
      for message in inbox.take() {
        effects += model.update(message)
        // A store at rest is drawn once: nothing changes, nothing is written.
        if case .sample = message, !model.needsFrame { continue }
        // What a key has asked for is waited for as its own frame is; for versions nobody has asked.
        switch message {
        case .reply(.versions): break
        case .reply: isAwaited = true
        default: break
        }
        isDirty = true
      }
      if !model.isWaitingForPage { answerDue = nil }
      if apply(effects) { return (.quit, model) }
      let now = ContinuousClock.now
      let interval = isAwaited ? min(keyInterval, frameInterval) : frameInterval
      let due = max(lastFrame + interval, answerDue ?? lastFrame)
      if isDirty, now >= due {
        screen.present(Renderer.render(model, colors: screen.colorDepth))
        isDirty = false
        isAwaited = false
        answerDue = nil
        lastFrame = now
        if let milliseconds = meter.add(from: now, to: ContinuousClock.now) {
          _ = model.update(.frameCost(milliseconds: milliseconds))
        }
        cost.reportScreen()
      }
      guard let input = screen.wait(until: isDirty ? due : nil) else { continue }
      switch input {
      case .key(let key):
        isDirty = true
        isAwaited = true
        let wasWaiting = model.isWaitingForPage
        if apply(model.update(.key(key))) { return (.quit, model) }
        if model.isWaitingForPage, !wasWaiting { answerDue = .now + answerInterval }
      case .mouse(let event):
        isDirty = true
        isAwaited = true
        if apply(model.update(.mouse(event))) { return (.quit, model) }
      case .paste(let text):
        isDirty = true
        isAwaited = true
        if apply(model.update(.paste(text))) { return (.quit, model) }
      case .resize(let width, let height):
        isDirty = true
        isAwaited = true
        _ = model.update(.resize(width: width, height: height))
      case .resume: isDirty = true
      case .wake: break
      case .interrupt(.interrupt): return (.interrupted, model)
      case .interrupt(.terminate): return (.terminated, model)
      case .interrupt(.hangUp), .hangup: return (.hungUp, model)
      }
    }
  }

  /// - Returns: whether it is time to end.
  private func apply(_ effects: [Effect]) -> Bool {
    for effect in effects {
      switch effect {
      case .quit: return true
      case .redraw: screen.redraw()
      case .mouse(let isOn): screen.setMouse(isOn)
      case .filterEvents, .watchEvents, .ask, .workload, .keepQueries, .tour, .holdTour, .startJob, .checkExport,
        .export, .cancelJob, .copy, .record, .note, .player, .edit, .takeTerminalBack, .discardDraft:
        perform(effect)
      }
    }
    return false
  }
}

/// Averages what frames cost, so that the figure in the header can be read.
struct FrameMeter {
  private var total = Duration.zero
  private var frames = 0
  private var since: ContinuousClock.Instant?

  /// - Returns: milliseconds a frame once a second, and after the first frame.
  mutating func add(from start: ContinuousClock.Instant, to end: ContinuousClock.Instant) -> Double? {
    total += start.duration(to: end)
    frames += 1
    guard let since else {
      self.since = end
      return average
    }
    guard since.duration(to: end) >= .seconds(1) else { return nil }
    let result = average
    self.since = end
    total = .zero
    frames = 0
    return result
  }

  private var average: Double {
    let parts = total.components
    return (Double(parts.seconds) * 1e3 + Double(parts.attoseconds) / 1e15) / Double(max(1, frames))
  }
}
