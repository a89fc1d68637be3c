public import DarkBird
import Dispatch

/// One workload after another on one store: what the dashboard changes while it watches, and what a scenario changes.
public final class WorkloadRunner: WorkloadController {
  private struct State {
    var workload: Workload
    var number = 1
    /// From the end of a run to the beginning of the next.
    var isBetweenRuns = false
    var isClosed = false
    /// What is wanted, from the moment that somebody says so: carrying it out may take a while. In a scenario what it began
    /// with, and what comes after it.
    var load: WorkloadOptions
    var play: ScenarioPlay?
    /// What the runs before this one have done.
    var earlier: WorkloadProgress?
  }

  public let recorder: LatencyRecorder
  private let store: Store<String, WorkloadDocument>
  private let state: Guarded<State>
  /// Ending a run waits for its threads; whoever gives the order does not.
  private let orders = DispatchQueue(label: "workload-orders")

  public init(store: Store<String, WorkloadDocument>, options: WorkloadOptions) {
    self.store = store
    recorder = LatencyRecorder()
    let play = ScenarioPlay(options)
    var load = options.corrected
    load.scenario = nil
    let workload = Workload(store: store, options: play?.options ?? load, recorder: recorder)
    state = Guarded(State(workload: workload, load: load, play: play))
  }

  public func start() { workload.start() }

  /// The run that goes on, or went on last.
  var workload: Workload { state.withLock { $0.workload } }

  /// In a scenario those of its step.
  public var options: WorkloadOptions {
    let (load, play) = state.withLock { ($0.load, $0.play) }
    guard let play else { return load }
    var options = play.options
    (options.scenario, options.duration) = (play.scenario, play.base.duration)
    return options
  }

  public var summary: String {
    let (load, play) = state.withLock { ($0.load, $0.play) }
    if let play { return play.title(store.ownAcknowledgement) }
    return load.title(waitingFor: store.ownAcknowledgement.map { load.acknowledgement ?? $0 })
  }

  public var runNumber: Int { state.withLock { $0.number } }

  public func progress() -> WorkloadProgress {
    let workload = workload
    var progress = workload.progress()
    // A run that makes place for another has not ended as far as anybody else is concerned. Asked only now: it may have
    // been told to end since it was looked for.
    if progress.phase == .finished, state.withLock({ $0.isBetweenRuns || $0.workload !== workload }) {
      (progress.phase, progress.finishedReason) = (.loading, nil)
    }
    return progress
  }

  /// What all runs have done since the runner was made, each step of a scenario that is a run of its own among them.
  public func total() -> WorkloadProgress {
    state.withLock { state in
      let progress = state.workload.progress()
      return state.earlier.map(progress.adding) ?? progress
    }
  }

  public var recentDuplicates: [RefusedDuplicate] { workload.recentDuplicates }

  /// Another rate takes effect in the run that goes on; for anything else that run ends and another one begins, with the
  /// documents that are there. A scenario that goes on ends, and that of the options begins.
  public func run(_ options: WorkloadOptions) {
    state.withLock { state in
      state.load = options.corrected
      state.load.scenario = nil
      state.play = ScenarioPlay(options)
      order(state.play?.options ?? state.load)
    }
  }

  /// Called with the lock, so that orders are carried out in the order of what `play` says.
  private func order(_ options: WorkloadOptions) {
    let options = options.corrected
    orders.async { [self] in carryOut(options) }
  }

  private func carryOut(_ options: WorkloadOptions) {
    let current = workload
    var rateOnly = current.options
    rateOnly.rate = options.rate
    // To name the level that writes wait for anyway changes nothing either.
    let own = store.ownAcknowledgement
    if (rateOnly.acknowledgement ?? own) == (options.acknowledgement ?? own) {
      rateOnly.acknowledgement = options.acknowledgement
    }
    if rateOnly == options, current.progress().isRunning {
      current.rate = options.rate
      return
    }
    state.withLock { $0.isBetweenRuns = true }
    current.stop()
    let next = Workload(store: store, options: options, recorder: recorder)
    let isWanted = state.withLock { state in
      state.isBetweenRuns = false
      guard !state.isClosed else { return false }
      let done = current.progress()
      state.earlier = state.earlier.map(done.adding) ?? done
      state.workload = next
      state.number += 1
      return true
    }
    if isWanted { next.start() }
  }

  public func advanceScenario(to nanoseconds: UInt64) -> ScenarioPlace? {
    let isRunning = progress().phase == .running
    return state.withLock { state in
      guard var play = state.play else { return nil }
      let isNext = play.advance(to: nanoseconds, isRunning: isRunning)
      if play.isOver {
        state.play = nil
        orders.async { [self] in workload.stop(.durationElapsed) }
        return nil
      }
      state.play = play
      if isNext { order(play.options) }
      return play.place
    }
  }

  public func setPaused(_ isPaused: Bool) {
    orders.async { [self] in if isPaused { workload.pause() } else { workload.resume() } }
  }

  /// Ends the run, and the scenario; `run` begins another. The options are then those that were there before it.
  public func end() {
    state.withLock { state in
      state.play = nil
      orders.async { [self] in workload.stop() }
    }
  }

  /// Ends the run for good and waits until its threads have ended: after that the store can be closed.
  public func close() {
    state.withLock { $0.isClosed = true }
    orders.sync {}
    workload.stop()
  }
}
