import DarkBird
import Dispatch
import Foundation
import Synchronization

/// Leads through the tour, on a thread of its own: a chapter at a time, in any order.
package final class TourGuide: Sendable {
  private struct State {
    var wanted: (chapter: TourChapter, run: Int)?
    var stage: TourStage?
    var runs = 0
    var isStopped = false
    var isHeld = false
  }

  let source = TourSource()
  let monitor = TourMonitor()
  private let directory: String
  private let writer: TourWriterCommand
  private let pace: Double
  private let state = Mutex(State())
  private let work = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - directory: for the stores. Whoever made it removes it.
  ///   - pace: what a second of waiting lasts; 0 where nobody watches.
  package init(directory: String, writer: TourWriterCommand, pace: Double = 1) {
    self.directory = directory
    self.writer = writer
    self.pace = pace
  }

  /// Does a chapter on this thread, and leaves its store open.
  /// - Throws: what went wrong, or `CancellationError`.
  package func perform(_ chapter: TourChapter, _ deliver: @escaping @Sendable (TourNews) -> Void) throws {
    do { try leave() } catch {
      deliver(.failed("\(error)"))
      throw error
    }
    let number = state.withLock { state in
      state.runs += 1
      return state.runs
    }
    monitor.begin(chapter)
    let stage = TourStage(
      directory: "\(directory)/\(number)-\(chapter.name)", source: source, monitor: monitor, writer: writer,
      pace: pace, deliver: deliver)
    let isStopped = state.withLock { state in
      state.stage = stage
      stage.hold(state.isHeld)
      return state.isStopped || state.wanted != nil
    }
    if isStopped { stage.stop() }
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try stage.perform(chapter)
      deliver(.done)
    } catch {
      if !(error is CancellationError) { deliver(.failed("\(error)")) }
      throw error
    }
  }

  /// The store of the last chapter.
  var store: TourStore? { state.withLock { $0.stage }?.store }

  /// Closes what is open and removes its files.
  package func leave() throws {
    let stage = state.withLock { state in
      defer { state.stage = nil }
      return state.stage
    }
    guard let stage else { return }
    defer { try? FileManager.default.removeItem(atPath: stage.directory) }
    try stage.close("")
  }

  // MARK: On its thread

  func start(_ deliver: @escaping @Sendable (Int, TourNews) -> Void) {
    let thread = Thread { [self] in
      while let (chapter, run) = next() {
        // What went wrong was told, and the next chapter has a store of its own.
        try? perform(chapter) { deliver(run, $0) }
      }
      try? leave()
      ended.signal()
    }
    thread.name = "darkbird-tour"
    thread.start()
  }

  /// Leaves the chapter that is shown for another one.
  func go(to chapter: TourChapter, run: Int) {
    let stage = state.withLock { state in
      state.wanted = (chapter, run)
      state.isHeld = false
      return state.stage
    }
    stage?.stop()
    work.signal()
  }

  /// Keeps the chapter that is shown at its next step, or lets it go on.
  func hold(_ isHeld: Bool) {
    state.withLock { state in
      state.isHeld = isHeld
      state.stage?.hold(isHeld)
    }
  }

  /// Ends everything: the chapter, a process that it has started, the thread. To be called once, after `start`.
  func stop() {
    let stage = state.withLock { state in
      state.isStopped = true
      return state.stage
    }
    stage?.stop()
    work.signal()
    ended.wait()
  }

  private func next() -> (TourChapter, Int)? {
    while true {
      let (wanted, isStopped) = state.withLock { state in
        defer { state.wanted = nil }
        return (state.wanted, state.isStopped)
      }
      if isStopped { return nil }
      if let wanted { return wanted }
      work.wait()
    }
  }
}

extension TourStage {
  fileprivate func perform(_ chapter: TourChapter) throws {
    switch chapter {
    case .memory: try memory()
    case .shard: try shard()
    case .indexes: try indexes()
    case .duplicate: try duplicate()
    case .range: try range()
    case .pages: try pages()
    case .acknowledgement: try acknowledgement()
    case .kill: try kill()
    case .torn: try torn()
    case .checkpoint: try checkpoint()
    case .events: try events()
    }
  }
}
