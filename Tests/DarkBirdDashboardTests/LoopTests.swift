import DarkBird
import Terminal
import Testing

@testable import DarkBirdDashboard

/// A terminal that gives the inputs of a script and keeps what is shown.
private final class ScriptedScreen: DashboardScreen {
  var size = (width: 80, height: 24)
  let colorDepth = ColorDepth.none
  private var inputs: [TerminalInput?]
  private(set) var shown: [Canvas] = []
  private(set) var redraws = 0
  /// Whether each wait had a deadline.
  private(set) var hadDeadline: [Bool] = []

  init(_ inputs: [TerminalInput?]) { self.inputs = inputs }

  /// What happens while the loop waits, told which wait it is.
  var willWait: (Int) -> Void = { _ in }

  func wait(until deadline: ContinuousClock.Instant?) -> TerminalInput? {
    willWait(hadDeadline.count)
    hadDeadline.append(deadline != nil)
    return inputs.isEmpty ? .hangup : inputs.removeFirst()
  }

  func present(_ canvas: Canvas) { shown.append(canvas) }
  func redraw() { redraws += 1 }
  func setMouse(_ isOn: Bool) { isMouseOn = isOn }
  var isMouseOn = false
}

@Suite("Loop") struct LoopTests {
  private func run(
    _ inputs: [TerminalInput?], inbox: Inbox = Inbox {}, perform: @escaping (Effect) -> Void = { _ in }
  ) -> (DashboardExit, ScriptedScreen) {
    let screen = ScriptedScreen(inputs)
    let loop = ScreenLoop(
      screen: screen, inbox: inbox, cost: OwnCost(), frameInterval: .zero, perform: perform)
    return (loop.run(Script().model(3, width: 80, height: 24)).0, screen)
  }

  @Test func endsForTheRightReason() {
    #expect(run([.key(.character("q"))]).0 == .quit)
    #expect(run([.interrupt(.interrupt)]).0 == .interrupted)
    #expect(run([.interrupt(.terminate)]).0 == .terminated)
    #expect(run([.interrupt(.hangUp)]).0 == .hungUp)
    #expect(run([]).0 == .hungUp)
  }

  @Test func drawsOnceAndThenOnlyWhatChanges() {
    let (_, screen) = run([.wake, nil, .wake, .key(.tab), .wake])
    // The first picture, and the one after the key.
    #expect(screen.shown.count == 2)
    #expect(screen.shown[0] != screen.shown[1])
    // Nothing to draw: sleep without an end.
    #expect(screen.hadDeadline.allSatisfy { !$0 })
  }

  @Test func messagesAreDrawn() {
    let inbox = Inbox {}
    let samples = Script().samples(5)
    inbox.send(.sample(samples[3], []))
    inbox.send(.sample(samples[4], []))
    let (_, screen) = run([.wake], inbox: inbox)
    #expect(screen.shown.count == 1)
    #expect(inbox.take().isEmpty)
  }

  @Test func howAJobEndedIsKeptAmongMoreMessagesThanThereIsRoomFor() {
    let inbox = Inbox {}
    inbox.send(.job(id: 1, JobReport(outcome: .done("all of it"))))
    for id in 2..<1_500 { inbox.send(.job(id: id, JobReport())) }
    let taken = inbox.take()
    #expect(taken.count == 1_000)
    guard case .job(1, _) = taken.first, case .job(1_499, _) = taken.last else {
      Issue.record("\(taken.count) messages")
      return
    }
  }

  @Test func resizeGivesAPictureOfThatSize() throws {
    let (_, screen) = run([.resize(width: 120, height: 40)])
    #expect(try #require(screen.shown.last).width == 120)
  }

  @Test func redrawAndQuestionsGoOutside() {
    var asked: [Effect] = []
    let (_, screen) = run([.key(.control("l")), .key(.character("b"))]) { asked.append($0) }
    #expect(screen.redraws == 1)
    #expect(asked.contains(.ask(.outline)))
  }

  @Test func framesAreNoCloserThanTheirInterval() {
    let screen = ScriptedScreen([.key(.tab), .key(.tab), .key(.tab), .key(.character("q"))])
    let loop = ScreenLoop(
      screen: screen, inbox: Inbox {}, cost: OwnCost(), frameInterval: .seconds(3_600), keyInterval: .seconds(3_600),
      perform: { _ in })
    #expect(loop.run(Script().model(3, width: 80, height: 24)).0 == .quit)
    #expect(screen.shown.isEmpty)
    #expect(screen.hadDeadline == [true, true, true, true])
  }

  @Test func keysDoNotWaitForTheNextFrame() {
    let screen = ScriptedScreen([.wake, .key(.tab), .wake, .key(.character("q"))])
    let inbox = Inbox {}
    let loop = ScreenLoop(
      screen: screen, inbox: inbox, cost: OwnCost(), frameInterval: .seconds(1), keyInterval: .zero, perform: { _ in })
    #expect(loop.run(Script().model(3, width: 80, height: 24)).0 == .quit)
    // The first picture, for which a second has passed, and that after the key.
    #expect(screen.shown.count == 2)
  }

  @Test func answersDoNotWaitForTheNextFrameEither() {
    func frames(_ reply: BrowseReply) -> Int {
      let screen = ScriptedScreen([.wake, .wake])
      let inbox = Inbox {}
      inbox.send(.reply(reply))
      let loop = ScreenLoop(
        screen: screen, inbox: inbox, cost: OwnCost(), frameInterval: .seconds(3_600), keyInterval: .zero,
        perform: { _ in })
      #expect(loop.run(Script().model(3, width: 80, height: 24)).0 == .hungUp)
      return screen.shown.count
    }
    #expect(frames(.outline(Outline())) == 1)
    #expect(frames(.versions(run: 1, [], [], lsn: 1)) == 0)
  }

  /// What is asked for a page, with the answer coming while the loop waits for it, or not at all.
  private func turning(answers: Bool, within interval: Duration) -> Int {
    var model = Script().model(3, width: 80, height: 24)
    let store = ScriptedStore()
    store.answer(model.enterBrowse(), in: &model)
    let inbox = Inbox {}
    let screen = ScriptedScreen([.key(.end), nil, nil, .key(.character("q"))])
    var asked: [Effect] = []
    screen.willWait = { number in
      guard answers, number == 1 else { return }
      for case .ask(let request) in asked {
        if let reply = BrowseAnswers.answer(request, from: store) { inbox.send(.reply(reply)) }
      }
    }
    let loop = ScreenLoop(
      screen: screen, inbox: inbox, cost: OwnCost(), frameInterval: .zero, keyInterval: .zero,
      answerInterval: interval, perform: { asked.append($0) })
    #expect(loop.run(model).0 == .quit)
    #expect(!asked.isEmpty)
    return screen.shown.count
  }

  @Test func aPageThatIsThereAtOnceIsOneFrame() {
    // The first picture, and the page.
    #expect(turning(answers: true, within: .seconds(3_600)) == 2)
    // Without an answer in time, that it is being looked for is a frame; with one, the page another.
    #expect(turning(answers: false, within: .zero) == 2)
    #expect(turning(answers: true, within: .zero) == 3)
    #expect(turning(answers: false, within: .seconds(3_600)) == 1)
  }

  @Test func inboxIsBounded() {
    let inbox = Inbox {}
    for _ in 0..<(Inbox.capacity + 10) { inbox.send(.frameCost(milliseconds: 1)) }
    #expect(inbox.take().count == Inbox.capacity)
  }

  @Test func samplerDeliversAndStops() async {
    let (samples, continuation) = AsyncStream.makeStream(of: Int.self)
    let sampler = Sampler(source: FakeSource(), monitor: nil, cost: OwnCost()) { sample, _ in
      continuation.yield(sample.sequence)
    }
    sampler.start()
    for await sequence in samples where sequence == 1 { break }
    sampler.stop()
  }

  @Test func queriesAreAnsweredInTheirOrderAndOldRunsDropped() async {
    let (replies, continuation) = AsyncStream.makeStream(of: BrowseReply.self)
    let queries = QueryThread(source: ScriptedStore()) { continuation.yield($0) }
    queries.ask(.page(run: 1, .key("u:1"), number: 0, from: .first))
    queries.ask(.page(run: 2, .key("u:2"), number: 0, from: .first))
    queries.ask(.outline)
    queries.start()
    var keys: [String] = []
    for await reply in replies {
      if case .page(_, _, _, let page, _) = reply { keys += page.rows.map(\.key.text) }
      if case .outline = reply { break }
    }
    queries.stop()
    #expect(keys == ["u:2"])
  }

  /// A brush that goes on to the next field, or looks closer, does not wait for what it asked before.
  @Test func onlyTheLastHistogramIsAnswered() async {
    let (replies, continuation) = AsyncStream.makeStream(of: BrowseReply.self)
    let queries = QueryThread(source: ScriptedStore()) { continuation.yield($0) }
    for field in ["age", "salary", "joined"] { queries.ask(.histogram(field: field, within: nil, Query())) }
    queries.ask(.outline)
    queries.start()
    var fields: [String] = []
    for await reply in replies {
      if case .histogram(let field, _) = reply { fields.append(field) }
      if case .outline = reply { break }
    }
    queries.stop()
    #expect(fields == ["joined"])
  }
}
