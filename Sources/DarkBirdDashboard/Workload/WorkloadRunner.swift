public import DarkBird
import Dispatch

/// One workload after another on one store: what the dashboard changes while it watches.
public final class WorkloadRunner: WorkloadController {
  private struct State {
    var workload: Workload
    var number = 1
    var isClosed = false
  }

  public let recorder: LatencyRecorder
  private let store: Store<String, WorkloadDocument>
  private let state: Guarded<State>
  /// Ending a run waits for its threads; whoever gives the order does not.
  private let orders = DispatchQueue(label: "workload-orders")

  public init(store: Store<String, WorkloadDocument>, options: WorkloadOptions) {
    self.store = store
    recorder = LatencyRecorder()
    state = Guarded(State(workload: Workload(store: store, options: options, recorder: recorder)))
  }

  public func start() { workload.start() }

  private var workload: Workload { state.withLock { $0.workload } }

  public var options: WorkloadOptions {
    var options = workload.options
    options.rate = workload.rate
    return options
  }

  public var summary: String { workload.summary }
  public var runNumber: Int { state.withLock { $0.number } }
  public func progress() -> WorkloadProgress { workload.progress() }
  public var recentDuplicates: [RefusedDuplicate] { workload.recentDuplicates }

  /// Another rate takes effect in the run that goes on; for anything else that run ends and another one begins, with the
  /// documents that are there.
  public func run(_ options: WorkloadOptions) {
    orders.async { [self] in
      let current = workload
      var rateOnly = current.options
      rateOnly.rate = options.rate
      if rateOnly == options.corrected, current.progress().isRunning {
        current.rate = options.rate
        return
      }
      current.stop()
      let next = Workload(store: store, options: options, recorder: recorder)
      let isWanted = state.withLock { state in
        guard !state.isClosed else { return false }
        state.workload = next
        state.number += 1
        return true
      }
      if isWanted { next.start() }
    }
  }

  public func setPaused(_ isPaused: Bool) {
    orders.async { [self] in if isPaused { workload.pause() } else { workload.resume() } }
  }

  /// Ends the run; `run` begins another.
  public func end() { orders.async { [self] in workload.stop() } }

  /// Ends the run for good and waits until its threads have ended: after that the store can be closed.
  public func close() {
    state.withLock { $0.isClosed = true }
    orders.sync {}
    workload.stop()
  }
}
