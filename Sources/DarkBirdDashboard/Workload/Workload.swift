public import DarkBird
import Foundation

/// A workload on a store: threads that load documents and then read and write them, until it is stopped.
///
///     let store = try Store<String, WorkloadDocument>()
///     let workload = Workload(store: store, options: WorkloadOptions(rate: .perSecond(5_000)))
///     workload.start()
///     print(workload.progress().operations, workload.recorder.snapshot()[.get].p99)
///     workload.stop()
///
/// Documents that the store holds already are kept: the load phase adds what is missing to `options.documents`, and a
/// store that has more stays as large as it is. Stop the workload before the store is closed.
public final class Workload: Sendable {
  public let options: WorkloadOptions
  /// The latency of every operation of the mix: the time that the call took. With a limited rate, an operation that
  /// starts late because the one before was slow counts what it took itself, not its wait. The inserts of the load phase
  /// are not among them: nobody waits for them one by one, so that they tell nothing of what a write costs.
  public let recorder: LatencyRecorder
  /// How far its writes must have come before the next; nil without a log.
  let acknowledgement: Acknowledgement?
  private let control: WorkloadControl
  private let threads: [WorkloadThread]
  private let loaders: Int

  /// - Parameter recorder: where latencies go; several runs may share one.
  public convenience init(
    store: Store<String, WorkloadDocument>, options: WorkloadOptions = WorkloadOptions(),
    recorder: LatencyRecorder = LatencyRecorder()
  ) {
    let options = options.corrected
    let level = store.ownAcknowledgement.map { options.acknowledgement ?? $0 }
    if options.preset == .clubs {
      self.init(ClubsScript(store: store, options: options), options, recorder: recorder, acknowledgement: level)
    } else {
      self.init(YCSBScript(store: store, options: options), options, recorder: recorder, acknowledgement: level)
    }
  }

  init(
    _ script: any WorkloadScript, _ options: WorkloadOptions, recorder: LatencyRecorder = LatencyRecorder(),
    acknowledgement: Acknowledgement? = nil
  ) {
    // With nobody to read or write, one thread loads.
    let threadCount = max(options.writers + options.readers, 1)
    let loaders = min(threadCount, max(options.writers, ProcessInfo.processInfo.activeProcessorCount))
    let control = WorkloadControl(rate: options.rate, threads: threadCount)
    self.options = options
    self.control = control
    self.recorder = recorder
    self.acknowledgement = acknowledgement
    self.loaders = loaders
    threads = (0..<threadCount).map { number in
      WorkloadThread(
        number, isLoader: number < loaders, control: control, script: script, options: options, recorder: recorder)
    }
  }

  deinit { control.finish(.stopped) }

  /// Starts the threads. A workload runs once: after it has finished, and when it runs already, this does nothing.
  public func start() {
    guard control.start(loaders: loaders) else { return }
    for thread in threads { thread.start() }
  }

  /// Ends the threads and waits for them: a few milliseconds, and as long as the store needs for the operations that
  /// are under way. Safe to call at any time, from any thread but the workload's own.
  public func stop() { stop(.stopped) }

  func stop(_ reason: WorkloadProgress.FinishedReason) {
    control.finish(reason)
    wait()
  }

  /// Lets the threads sleep after the operations under way. The duration goes on.
  public func pause() { control.setPaused(true) }
  public func resume() { control.setPaused(false) }

  /// The limit of all threads together. A change takes effect at once, and debts of the old rate are forgotten.
  public var rate: WorkloadOptions.Rate {
    get { control.orders.rate }
    set { control.setRate(newValue) }
  }

  /// Waits until the workload has finished: by itself, or because another thread stops it.
  public func wait() { _ = control.wait(.distantFuture) }

  /// Waits at most so long.
  /// - Returns: whether the workload has finished.
  public func wait(atMost timeout: Duration) -> Bool {
    control.wait(.now() + max(timeout / .seconds(1), 0))
  }

  /// Where it stands. - Complexity: O(threads), without waiting for any of them.
  public func progress() -> WorkloadProgress {
    var progress = control.progress
    for (number, thread) in threads.enumerated() {
      if options.preset == .clubs, number < options.writers {
        progress.writersOperations += thread.operations
        progress.writersSkipped += thread.skipped
      }
      progress.operations += thread.operations
      progress.skipped += thread.skipped
    }
    return progress
  }

  /// The last writes that a unique index refused, 256 at most, oldest first.
  public var recentDuplicates: [RefusedDuplicate] { control.duplicates }
}

extension WorkloadOptions {
  /// Numbers below their minimum count as the minimum, those above their maximum as that.
  var corrected: WorkloadOptions {
    var options = self
    options.documents = min(max(documents, 1), Self.documentsMax)
    if case .perSecond(let count) = rate { options.rate = .perSecond(min(max(count, 1), Self.rateMax)) }
    options.writers = max(writers, 0)
    options.readers = max(readers, 0)
    return options
  }
}
