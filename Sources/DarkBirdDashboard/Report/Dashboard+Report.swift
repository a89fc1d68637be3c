public import DarkBird
import Dispatch
import Foundation
import Terminal

/// What a dashboard without a terminal writes.
public enum DashboardReport: Sendable, Hashable {
  /// The overview as text, once.
  case picture(width: Int, height: Int)
  /// One JSON object, once.
  case object
  /// A JSON object a second, a line each.
  case stream
  /// A line for each thing that changes, in words.
  case lines
}

extension Dashboard {
  private static let tick: UInt64 = 100_000_000
  private static let second: UInt64 = 1_000_000_000

  /// Watches a store without a terminal, with the figures, rules and words of the one that draws.
  ///
  /// What is written once is written when there are rates: after a second, of which a workload that loads first begins when
  /// it has loaded.
  /// - Parameters:
  ///   - wait: waits so many nanoseconds; returns false when it is time to end.
  ///   - write: takes a text that ends with a newline; returns false when nobody reads any more.
  public static func report<Key, Document>(
    _ report: DashboardReport, on store: Store<Key, Document>, options: DashboardOptions = DashboardOptions(),
    wait: (UInt64) -> Bool, write: (String) -> Bool
  ) {
    let source = StoreSource(store, title: options.title, location: options.location)
    defer { source.close() }
    Dashboard.report(report, source: source, options: options, wait: wait, write: write)
  }

  package static func report(
    _ report: DashboardReport, source: any Source, options: DashboardOptions, wait: (UInt64) -> Bool,
    write: (String) -> Bool
  ) {
    var composer = SampleComposer(source: source, monitor: options.workload)
    let cost = OwnCost()
    var (width, height) = (80, 24)
    if case .picture(let wantedWidth, let wantedHeight) = report { (width, height) = (wantedWidth, wantedHeight) }
    let glyphs = options.glyphs ?? options.configuration.glyphs ?? .ascii
    var model = Model(
      identity: source.identity, configuration: options.configuration, width: width, height: height, glyphs: glyphs)
    var lines = PlainLines()
    let start = DispatchTime.now().uptimeNanoseconds
    let processStart = ProcessorTime.ofProcess()
    /// When there was something to tell of.
    var ready: UInt64?
    var told: UInt64 = 0
    while true {
      let now = DispatchTime.now().uptimeNanoseconds - start
      // Of events that have a line each, all are wanted while there are few.
      var (sample, events) = composer.take(at: now, date: Date(), filter: "", isWatched: report == .lines) {
        DispatchTime.now().uptimeNanoseconds
      }
      cost.reportSampler()
      sample.dashboardNanoseconds = cost.nanoseconds
      sample.processNanoseconds = ProcessorTime.ofProcess() - processStart
      sample.residentBytes = (try? residentBytes()) ?? 0
      let phase = sample.workload?.progress.phase
      _ = model.update(.sample(sample, events))
      if ready == nil, phase != .idle, phase != .loading { ready = now }
      let isDue = ready.map { now - $0 >= second } ?? false || phase == .finished
      switch report {
      case .picture where isDue:
        _ = write(Renderer.render(model, colors: .none).text())
        return
      case .object where isDue:
        if let line = object(model) { _ = write(line) }
        return
      case .stream where now - told >= second:
        told = now
        if let line = object(model), !write(line) { return }
      case .lines:
        let news = lines.take(model, events)
        if !news.isEmpty, !write(news.joined(separator: "\n") + "\n") { return }
      case .picture, .object, .stream: break
      }
      // A workload that has ended by itself has no more to tell.
      if phase == .finished, report == .lines || report == .stream { return }
      let next = (now / tick + 1) * tick
      let elapsed = DispatchTime.now().uptimeNanoseconds - start
      if !wait(next > elapsed ? next - elapsed : 1) {
        for line in report == .lines ? lines.end(model) : [] { _ = write(line + "\n") }
        return
      }
    }
  }

  private static func object(_ model: Model) -> String? {
    guard let moment = Moment(model) else { return nil }
    // Figures of a store always encode.
    return (try? MomentReport(model, moment).line()).map { $0 + "\n" }
  }
}
