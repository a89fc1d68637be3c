import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Stores at rest") struct StillnessTests {
  /// Samples of a store in which nothing happens, from `start` seconds on, one a second.
  private func still(_ last: Sample, seconds: Int) -> [Sample] {
    (1...seconds).map { second in
      var sample = last
      sample.sequence += second
      sample.nanoseconds += UInt64(second) * 1_000_000_000
      sample.date += Double(second)
      sample.dashboardNanoseconds += UInt64(second) * 3_000_000
      sample.statistics.log?.durableLagNanoseconds = 0
      sample.workload?.heat = HeatColumn()
      return sample
    }
  }

  private func last(_ script: Script = Script(), _ count: Int = 100) throws -> Sample {
    var sample = try #require(script.samples(count).last)
    sample.statistics.log?.durableLagNanoseconds = 0
    return sample
  }

  @Test func theSamplerSlowsDownWhereNothingHappensAndIsBackAtOnce() throws {
    var pace = SamplerPace()
    var sample = try last()
    #expect(pace.interval(after: sample) == SamplerPace.busyNanoseconds)
    for _ in 1..<SamplerPace.stillSamples { #expect(pace.interval(after: sample) == SamplerPace.busyNanoseconds) }
    #expect(pace.interval(after: sample) == SamplerPace.stillNanoseconds)
    sample.statistics.operations.gets += 1
    #expect(pace.interval(after: sample) == SamplerPace.busyNanoseconds)
  }

  @Test func whatCountsAsNews() throws {
    let sample = try last()
    #expect(sample.isStill(since: sample))
    let changes: [(inout Sample) -> Void] = [
      { $0.statistics.memoryLSN += 1 }, { $0.statistics.durableLSN += 1 }, { $0.statistics.operations.scans += 1 },
      { $0.statistics.log?.durableLagNanoseconds = 1 }, { $0.statistics.log?.failure = "broken" },
      { $0.statistics.log = nil }, { $0.workload?.progress.phase = .paused }, { $0.eventsDropped += 1 },
    ]
    for (index, change) in changes.enumerated() {
      var changed = sample
      change(&changed)
      #expect(!changed.isStill(since: sample), "change \(index)")
    }
    var watched = sample
    watched.dashboardNanoseconds += 1
    watched.processNanoseconds += 1
    #expect(watched.isStill(since: sample))
  }

  @Test func theHeaderSaysSinceWhenItIsQuiet() throws {
    var model = Script().model(100)
    for sample in still(try last(), seconds: 5) { _ = model.update(.sample(sample, [])) }
    let header = Renderer.render(model, colors: .none).lines[0]
    // The lag of the log went to zero one second after the last operation.
    #expect(header.contains("LIVE quiet since 22:13:"))
    #expect(!header.contains(" up "))
  }

  @Test func aPictureInWhichNothingMovesIsNotDrawnAgain() throws {
    var model = Script().model(100)
    var frames: [Int] = []
    var pictures: Set<Canvas> = []
    for (second, sample) in still(try last(), seconds: 200).enumerated() {
      _ = model.update(.sample(sample, []))
      if model.needsFrame { frames.append(second) }
      // Until the graphs are as quiet as the store, and a minute after that.
      if second > 70, second < 120 { pictures.insert(Renderer.render(model, colors: .full)) }
    }
    #expect(frames.prefix(60) == Array(0..<60)[...])
    #expect(frames.count < 70, "\(frames)")
    #expect(frames.last ?? 0 > 120, "the line of time goes on")
    // What was left out would have been the same, but for the line of time.
    let texts = Set(pictures.map { $0.lines.dropLast(2).joined(separator: "\n") })
    #expect(texts.count == 1, "\(texts.joined(separator: "\n"))")
  }

  @Test func anAlarmAndAPausedViewAreDrawn() throws {
    var model = Script(failsAfter: 50).model(100)
    for sample in still(try last(Script(failsAfter: 50)), seconds: 100) { _ = model.update(.sample(sample, [])) }
    #expect(model.needsFrame)
    var paused = Script().model(100)
    _ = paused.update(.key(.character("[")))
    for sample in still(try last(), seconds: 100) { _ = paused.update(.sample(sample, [])) }
    #expect(paused.needsFrame)
  }
}

/// The terminal's own cursor stands where somebody would look.
@Suite("Cursor") struct CursorTests {
  private func cursor(_ keys: [Key], in start: Model) -> (Canvas.Position?, Canvas) {
    var model = start
    for key in keys { _ = model.update(.key(key)) }
    let canvas = Renderer.render(model, colors: .none)
    return (canvas.cursor, canvas)
  }

  private func row(_ canvas: Canvas, _ position: Canvas.Position?) -> String {
    position.map { canvas.lines[$0.y] } ?? ""
  }

  @Test func isHiddenWhereNothingIsSelected() {
    #expect(cursor([], in: Script().model(20)).0 == nil)
    #expect(cursor([.character("?")], in: Script().model(20)).0 == nil)
  }

  @Test func standsOnWhatIsSelected() {
    let (rule, rules) = cursor([.character("A"), .down, .down], in: Script().model(20))
    #expect(row(rules, rule).contains("writers stopped"))
    let (setting, settings) = cursor([.character("w"), .down], in: Script().model(20))
    #expect(row(settings, setting).contains("keys"))
    let (command, palette) = cursor([.character(":"), .down], in: Script().model(20))
    #expect(row(palette, command).contains("terms"))
    let (document, browse) = cursor([], in: Browsing.query())
    #expect(row(browse, document).contains("u:4"))
  }

  @Test func standsWhereOneTypes() throws {
    let (note, canvas) = cursor([.character("a"), .character("x"), .character("y"), .left], in: Script().model(20))
    let position = try #require(note)
    #expect(canvas[position.x, position.y].text == "y" && canvas[position.x - 1, position.y].text == "x")
    let (filter, _) = cursor([.character("/")], in: Script().model(20))
    #expect(filter != nil)
  }
}
