import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

/// Any size, any keys, any answers: no trap, every line of the exact width, no border broken.
@Suite("Rendering, by chance") struct RenderPropertyTests {
  /// Each seed is fifty messages; DARKBIRD_SCREEN_SEEDS asks for more of them, DARKBIRD_FIRST_SEED for others.
  static let seeds: Range<UInt64> = {
    func number(_ name: String, _ otherwise: UInt64) -> UInt64 {
      ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } ?? otherwise
    }
    let first = number("DARKBIRD_FIRST_SEED", 0)
    return first..<first + number("DARKBIRD_SCREEN_SEEDS", 30)
  }()

  @Test(arguments: seeds) func anyMessagesAndSizes(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let script = Script(
      hasLog: Bool.random(using: &generator), hasWorkload: Bool.random(using: &generator),
      shardCount: 1 << Int.random(in: 0...10, using: &generator),
      failsAfter: Bool.random(using: &generator) ? 30 : nil)
    let store = ScriptedStore(count: [0, 1, 7, 1_000_000].randomElement(using: &generator) ?? 0)
    var samples = script.samples(60)[...]
    var model = Model(
      identity: script.identity, width: 80, height: 24, glyphs: .braille, zone: .gmt,
      historyCapacity: 40, tour: Bool.random(using: &generator) ? TourState(at: .kill, seconds: 1) : nil,
      jobs: Working.kinds)
    _ = model.enterTour()
    model.isMouseOn = Bool.random(using: &generator)
    var shown = Canvas(width: 80, height: 24)
    let keys = KeyMap.standard.bindings.flatMap(\.keys).filter { $0 != .character("q") }
    let text = Array("range age 20..35 tag:é東\u{301}\u{202E}\u{7}").map(Key.character)
    for _ in 0..<50 {
      switch Int.random(in: 0..<12, using: &generator) {
      case 0, 1:
        let width = Int.random(in: 1...250, using: &generator)
        _ = model.update(.resize(width: width, height: Int.random(in: 1...80, using: &generator)))
      case 2, 3:
        guard var sample = samples.popFirst() else { continue }
        sample.generation = sample.sequence / 25
        _ = model.update(.sample(sample, script.events(sample.sequence)))
      case 6:
        let event = MouseEvent(
          action: [.press, .wheelUp, .wheelDown].randomElement(using: &generator) ?? .press,
          x: Int.random(in: 0..<250, using: &generator), y: Int.random(in: 0..<80, using: &generator))
        store.answer(model.update(.mouse(event)), in: &model)
      case 4: _ = model.update(.key((text.randomElement(using: &generator) ?? .enter)))
      case 7: store.answer(model.update(surprise(&generator)), in: &model)
      case 5:
        let run = (model.tour?.run ?? 0) - Int.random(in: 0...1, using: &generator)
        let news: TourNews =
          switch Int.random(in: 0..<6, using: &generator) {
          case 0: .done
          case 1: .failed(String(repeating: "長い\u{1B}[2J", count: 40))
          case 2: .absence(nil)
          case 3:
            .absence(
              TourAbsence(
                String(repeating: "no store ", count: 60), news: String(repeating: "長い\u{1B}[2J ", count: 9)))
          case 4: .fact(TourFact(name: "LSN", value: .count(.max)))
          default:
            .fact(
              TourFact(name: String(repeating: "name ", count: 20), value: .text(String(repeating: "é東", count: 99))))
          }
        _ = model.update(.tour(run: run, news))
      default: store.answer(model.update(.key(keys.randomElement(using: &generator) ?? .enter)), in: &model)
      }
      let colors = ColorDepth.allCases.randomElement(using: &generator) ?? .full
      let canvas = Renderer.render(model, colors: colors)
      check(model, canvas, "seed \(seed)")
      // What a terminal shows after the difference is what it would show after all of it.
      var drawn = canvas.width == shown.width && canvas.height == shown.height ? shown : blank(like: canvas)
      drawn.apply(canvas.differences(from: shown))
      drawn.cursor = canvas.cursor
      #expect(drawn == canvas, "seed \(seed)")
      shown = canvas
    }
  }

  /// What comes from other threads at any time, also what nobody has asked for.
  private func surprise(_ generator: inout SeededGenerator) -> Message {
    let evil = "\u{1b}]52;c;x\u{7}\u{9b}2J\u{202e}長い名前\n"
    let row = ScriptedStore().row(Int.random(in: 0..<99, using: &generator))
    let change = DocumentChange.replace(row.key, was: row.record, [evil: .string(evil)])
    let messages: [Message] = [
      .job(id: 1, JobReport(progress: .init(documents: .max, total: 0, note: evil), seconds: .infinity)),
      .job(id: 1, JobReport(progress: .init(documents: 3, total: 7, share: .nan), seconds: -1)),
      .job(id: 2, JobReport(progress: .init(documents: 3, total: 1), seconds: 1e300)),
      .job(id: 1, JobReport(outcome: .done(evil))), .job(id: 2, JobReport(outcome: .failed(evil))),
      .job(id: 3, JobReport(outcome: .cancelled(evil))), .recording(path: evil, evil), .recording(path: nil, evil),
      .exportTarget(ExportRequest(selection: .key(evil), path: evil, format: .csv), .file),
      .paste(evil), .paste(String(repeating: evil + "Dyq", count: 1_000)),
      .notice(evil), .reached(.max, seek: 0), .edited(path: nil, .failed(evil, text: nil)),
      .edited(path: evil, .typed("{\"key\": \"\(row.key.text)\", \"document\": {}}")),
      .edited(path: evil, .typed(evil)),
      .reply(.removed(row.key, Bool.random(using: &generator))), .reply(.draft(row.key, nil)),
      .reply(.draft(row.key, row)),
      .reply(.written(change, row.key)), .reply(.failed(.write(change), evil)), .reply(.failed(.remove(row.key), evil)),
      .reply(.failed(.draft(row.key), evil)),
    ]
    return messages.randomElement(using: &generator) ?? .notice("")
  }

  private func blank(like canvas: Canvas) -> Canvas { Canvas(width: canvas.width, height: canvas.height) }

  /// Values at the edge of what a store can report.
  @Test func extremeFigures() {
    var statistics = StoreStatistics()
    statistics.documents = .max
    statistics.memoryLSN = .max
    statistics.operations.gets = .max
    statistics.operations.puts = .max / 2
    statistics.shards = Array(
      repeating: { () -> StoreStatistics.Shard in
        var shard = StoreStatistics.Shard()
        shard.documents = .max / 2048
        shard.operations = .max
        shard.lockWaitNanoseconds = .max
        return shard
      }(), count: 1024)
    var log = StoreStatistics.Log()
    log.pageBytes = .max
    log.pageCapacity = .bytes(0)
    log.queueBytes = .max
    log.queueBytesMax = 1
    log.durableLagNanoseconds = .max
    log.recordsWritten = .max
    log.failure = String(repeating: "very long\n", count: 100)
    statistics.log = log
    statistics.indexes = [
      .init(kind: .tag, name: "", entries: .max, distinct: .max),
      .init(kind: .range, name: String(repeating: "長い", count: 60), entries: 0),
    ]
    var model = Script().model(3)
    let samples = [StoreStatistics(), statistics, statistics].enumerated().map { index, statistics in
      Sample(
        sequence: 3 + index, date: .distantFuture, nanoseconds: UInt64(index + 4) * 100_000_000, statistics: statistics)
    }
    for sample in samples { _ = model.update(.sample(sample, [EventLine(.put, date: .distantPast, key: "\u{0}")])) }
    for (width, height) in [(1, 1), (40, 10), (41, 13), (79, 23), (80, 24), (120, 40), (250, 80)] {
      for glyphs in GlyphTier.allCases {
        _ = model.update(.resize(width: width, height: height))
        model.glyphs = glyphs
        check(model, Renderer.render(model, colors: .full), "\(width)x\(height)")
      }
    }
  }

  @Test func asciiTierDrawsNothingElse() {
    var model = Script().model(100)
    model.glyphs = .ascii
    // The texts of the store are its own.
    model.events = EventLog()
    for (width, height) in [(40, 10), (80, 24), (120, 40), (200, 60)] {
      _ = model.update(.resize(width: width, height: height))
      for line in Renderer.render(model, colors: .none).lines {
        let own = line.filter { $0 != "å" }
        #expect(own.utf8.count == own.count, "\(line)")
      }
    }
  }

  @Test(arguments: [(39, 10), (40, 9), (1, 1), (10, 3)]) func tooSmallSaysSoInOneLine(_ width: Int, _ height: Int) {
    let model = Script().model(3, width: width, height: height)
    let lines = Renderer.render(model, colors: .full).lines
    #expect(lines[0] == String(String("DarkBird needs 40x10").prefix(width)).padded(width))
    #expect(lines.dropFirst().allSatisfy { $0.allSatisfy { $0 == " " } })
  }

  func check(_ model: Model, _ canvas: Canvas, _ context: String) {
    #expect(canvas.width == model.width && canvas.height == model.height, "\(context)")
    #expect(canvas.isConsistent, "\(context)")
    #expect(canvas.lines.allSatisfy { displayWidth($0) == model.width }, "\(context)")
    guard model.width >= ViewFrame.widthMin, model.height >= ViewFrame.heightMin else { return }
    // These lie over borders.
    if model.hasOverlay { return }
    if model.helpScroll != nil {
      return checkBorder(
        canvas, Rect(x: 0, y: 1, width: model.width, height: model.height - 2), model.glyphs, true, context)
    }
    if model.tour?.absence != nil, model.view == .overview || model.view == .browse {
      let rect = model.view == .overview ? ViewFrame(model).body : BrowseLayout(model).body
      // On a low screen what is typed below the query has the place of the title.
      return checkBorder(canvas, rect, model.glyphs, false, context)
    }
    switch model.view {
    case .overview:
      let layout = OverviewLayout(model)
      #expect(layout.rect(of: model.focus) != nil, "\(context)")
      for (panel, rect) in layout.panels {
        checkBorder(canvas, rect, model.glyphs, panel == model.focus, context)
      }
    case .alerts:
      for (pane, rect) in AlertsLayout(model).panes {
        checkBorder(canvas, rect, model.glyphs, pane == model.alertsView.focus, context)
      }
    case .workload:
      for (pane, rect) in WorkloadLayout(model).panes {
        checkBorder(canvas, rect, model.glyphs, pane == model.workloadView.focus, context)
      }
    case .jobs:
      for (pane, rect) in JobsLayout(model).panes {
        checkBorder(canvas, rect, model.glyphs, pane == model.jobs.focus, context)
      }
    case .tour:
      guard let layout = TourLayout(model) else {
        Issue.record("no tour, \(context)")
        return
      }
      checkBorder(canvas, layout.text, model.glyphs, true, context)
      for rect in layout.panels.map(\.rect) + [layout.absence].compactMap(\.self) {
        checkBorder(canvas, rect, model.glyphs, false, context)
      }
    case .browse:
      let layout = BrowseLayout(model)
      #expect(layout.rect(of: model.browse.focus) != nil, "\(context)")
      for (pane, rect) in layout.panes {
        checkBorder(canvas, rect, model.glyphs, pane == model.browse.focus, context)
      }
    }
  }

  /// The left, right and lower edge are whole; the upper one has a title in it and both corners.
  private func checkBorder(
    _ canvas: Canvas, _ rect: Rect, _ glyphs: GlyphTier, _ isFocused: Bool, _ context: String
  ) {
    var expected = Canvas(width: canvas.width, height: canvas.height)
    expected.box(rect, glyphs: glyphs, focused: isFocused)
    let (right, bottom) = (rect.x + rect.width - 1, rect.y + rect.height - 1)
    for y in rect.y...bottom {
      #expect(canvas[rect.x, y].text == expected[rect.x, y].text, "\(context) left edge, row \(y)")
      #expect(canvas[right, y].text == expected[right, y].text, "\(context) right edge, row \(y)")
    }
    for x in rect.x...right {
      #expect(canvas[x, bottom].text == expected[x, bottom].text, "\(context) lower edge, column \(x)")
    }
  }
}

extension String {
  fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
