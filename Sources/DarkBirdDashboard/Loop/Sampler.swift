import DarkBird
import Dispatch
import Foundation
import Synchronization

/// The thread that takes a sample ten times a second, and once a second while nothing happens. It never waits for the screen, and the screen never for it.
final class Sampler: Sendable {
  private struct State {
    var isStopped = false
    var filter = ""
    var isWatched = false
  }

  private let state = Mutex(State())
  private let source: any Source
  private let monitor: (any WorkloadMonitor)?
  private let cost: OwnCost
  private let deliver: @Sendable (Sample, [EventLine]) -> Void
  private let stopping = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  init(
    source: any Source, monitor: (any WorkloadMonitor)?, cost: OwnCost,
    deliver: @escaping @Sendable (Sample, [EventLine]) -> Void
  ) {
    self.source = source
    self.monitor = monitor
    self.cost = cost
    self.deliver = deliver
  }

  func start() {
    let thread = Thread { [self] in
      Thread.nameCurrent("darkbird-sampler")
      run()
      ended.signal()
    }
    thread.start()
  }

  /// Ends the thread and waits until it has. To be called once, after `start`.
  func stop() {
    state.withLock { $0.isStopped = true }
    stopping.signal()
    ended.wait()
  }

  func setFilter(_ filter: String) { state.withLock { $0.filter = filter } }
  /// Whether somebody looks at the events and nothing else.
  func setWatched(_ isWatched: Bool) { state.withLock { $0.isWatched = isWatched } }

  private func run() {
    var composer = SampleComposer(source: source, monitor: monitor)
    let start = DispatchTime.now().uptimeNanoseconds
    let processStart = ProcessorTime.ofProcess()
    var pace = SamplerPace()
    while true {
      let wanted = state.withLock { $0 }
      if wanted.isStopped { return }
      let now = DispatchTime.now().uptimeNanoseconds - start
      var (sample, lines) = composer.take(at: now, date: Date(), filter: wanted.filter, isWatched: wanted.isWatched) {
        DispatchTime.now().uptimeNanoseconds
      }
      cost.reportSampler()
      sample.dashboardNanoseconds = cost.nanoseconds
      sample.processNanoseconds = ProcessorTime.ofProcess() - processStart
      sample.residentBytes = (try? residentBytes()) ?? 0
      deliver(sample, lines)
      // The next multiple of the interval: a late sample does not make the others late.
      let interval = pace.interval(after: sample)
      let tick = (DispatchTime.now().uptimeNanoseconds - start) / interval + 1
      let next = DispatchTime(uptimeNanoseconds: start + tick * interval)
      _ = stopping.wait(timeout: next)
    }
  }
}
