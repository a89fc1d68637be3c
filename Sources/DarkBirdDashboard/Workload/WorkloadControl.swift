import DarkBird
import DequeModule
import Foundation
import Synchronization

/// What the threads of a workload and its owner tell each other.
///
/// Orders (pause, another rate, stop) are rare: each of them changes `epoch`, which a thread compares before every
/// operation, and wakes all that sleep.
final class WorkloadControl: Sendable {
  static let rememberedDuplicates = 32

  /// What the threads are to do now.
  struct Orders: Sendable {
    var phase = WorkloadProgress.Phase.idle
    var isPaused = false
    var rate: WorkloadOptions.Rate
    /// When the mix ends, by the clock of `monotonicNanoseconds`.
    var deadline: UInt64?
    var finishedReason: WorkloadProgress.FinishedReason?
    /// There from the load phase on.
    var population: Population?

    var isStopping: Bool { finishedReason != nil }
  }

  private struct State: Sendable {
    var orders: Orders
    var loadersLeft = 0
    var threadsLeft = 0
    var isStarted = false
    /// When the load phase began, until it is over, and how long it took.
    var loadBegan: UInt64?
    var loadNanoseconds: UInt64 = 0
    /// Why a thread has ended by itself.
    var threadReason: WorkloadProgress.FinishedReason?
    var duplicatesRefused: UInt64 = 0
    var duplicates = Deque<RefusedDuplicate>()
    var errors: UInt64 = 0
    var lastError: String?
    var writersStopped: String?

    mutating func endLoading(at now: UInt64) {
      guard let began = loadBegan else { return }
      loadBegan = nil
      loadNanoseconds = max(now &- began, 1)
    }
  }

  private let state: Guarded<State>
  private let epochNumber = Atomic<Int>(0)
  /// The threads sleep on these: one each, so that no wake-up is taken by another.
  private let beds: [DispatchSemaphore]
  private let nextLoadStep = Atomic<Int>(0)
  private let loadedDocuments = Atomic<Int>(0)
  private let ended = DispatchGroup()

  init(rate: WorkloadOptions.Rate, threads: Int) {
    state = Guarded(State(orders: Orders(rate: rate)))
    beds = (0..<threads).map { _ in DispatchSemaphore(value: 0) }
  }

  var threads: Int { beds.count }
  var epoch: Int { epochNumber.load(ordering: .acquiring) }
  var orders: Orders { state.withLock { $0.orders } }

  private func order(_ change: (inout State) -> Void) {
    state.withLock { change(&$0) }
    epochNumber.add(1, ordering: .acquiringAndReleasing)
    for bed in beds { bed.signal() }
  }

  /// Sleeps until somebody gives an order, or so many nanoseconds. May return earlier.
  func sleep(thread: Int, nanoseconds: UInt64?) {
    guard let nanoseconds else { return beds[thread].wait() }
    _ = beds[thread].wait(timeout: .now() + .nanoseconds(Int(min(nanoseconds, 1 << 40))))
  }

  // MARK: Life

  /// - Returns: false if it was started before.
  func start(loaders: Int) -> Bool {
    state.withLock { state in
      if state.isStarted { return false }
      // Under the lock, so that nobody finds the workload started and waits for no thread.
      for _ in 0..<threads { ended.enter() }
      state.isStarted = true
      state.loadersLeft = loaders
      state.threadsLeft = threads
      if !state.orders.isStopping { state.orders.phase = .loading }
      return true
    }
  }

  /// - Parameter began: when the look at what the store holds began, which is part of loading.
  func beginLoading(_ population: Population, since began: UInt64) {
    loadedDocuments.store(population.found, ordering: .relaxed)
    order { state in
      state.orders.population = population
      state.loadBegan = began
    }
  }

  /// The next steps of the load phase for a thread; nil when all are taken.
  func claimLoadSteps(_ count: Int, of population: Population) -> Range<Int>? {
    let first = nextLoadStep.add(count, ordering: .relaxed).oldValue
    return first < population.loadSteps ? first..<min(first + count, population.loadSteps) : nil
  }

  func countLoaded() { loadedDocuments.add(1, ordering: .relaxed) }

  /// One thread has no more to load. - Returns: true for the last one, which ends the load phase.
  func endLoader() -> Bool {
    state.withLock { state in
      state.loadersLeft -= 1
      return state.loadersLeft == 0
    }
  }

  func beginMix(duration: Duration?, at now: UInt64) {
    order { state in
      state.endLoading(at: now)
      state.orders.phase = .running
      if let duration {
        let nanoseconds = duration / .nanoseconds(1)
        state.orders.deadline = now &+ UInt64(min(max(nanoseconds, 0), 0x1p62))
      }
    }
  }

  func setPaused(_ isPaused: Bool) { order { $0.orders.isPaused = isPaused } }
  func setRate(_ rate: WorkloadOptions.Rate) { order { $0.orders.rate = rate } }

  /// Ends everything; the first reason stays.
  func finish(_ reason: WorkloadProgress.FinishedReason) {
    order { state in
      if state.orders.finishedReason == nil { state.orders.finishedReason = reason }
      if !state.isStarted { state.orders.phase = .finished }
    }
  }

  /// A thread is about to end. The last one ends the workload.
  func endThread(_ reason: WorkloadProgress.FinishedReason?) {
    let now = monotonicNanoseconds()
    state.withLock { state in
      state.threadsLeft -= 1
      state.threadReason = state.threadReason ?? reason
      guard state.threadsLeft == 0 else { return }
      state.endLoading(at: now)
      if state.orders.finishedReason == nil {
        state.orders.finishedReason = state.threadReason ?? .failed(state.lastError ?? "all threads have ended")
      }
      state.orders.phase = .finished
    }
    ended.leave()
  }

  /// Waits until all threads have ended; false if that takes longer, or if they have not begun.
  func wait(_ timeout: DispatchTime) -> Bool {
    ended.wait(timeout: timeout) == .success && orders.phase == .finished
  }

  // MARK: Losses

  func countDuplicate(key: String, index: String, value: String, owner: String) {
    let time = Date()
    state.withLock { state in
      state.duplicatesRefused += 1
      if state.duplicates.count == Self.rememberedDuplicates { state.duplicates.removeFirst() }
      state.duplicates.append(
        RefusedDuplicate(
          ordinal: state.duplicatesRefused, time: time, key: key, index: index, value: value, owner: owner))
    }
  }

  func countError(_ message: String) {
    state.withLock { state in
      state.errors += 1
      state.lastError = message
    }
  }

  func noteWritersStopped(_ message: String) {
    state.withLock { $0.writersStopped = $0.writersStopped ?? message }
  }

  var duplicates: [RefusedDuplicate] { state.withLock { Array($0.duplicates) } }

  /// All but what the threads count themselves.
  var progress: WorkloadProgress {
    var progress = WorkloadProgress()
    state.withLock { state in
      let isPaused = state.orders.isPaused && (state.orders.phase == .loading || state.orders.phase == .running)
      progress.phase = isPaused ? .paused : state.orders.phase
      progress.documents = state.orders.population?.loaded ?? 0
      progress.found = state.orders.population?.found ?? 0
      progress.loadNanoseconds = state.loadNanoseconds
      progress.duplicatesRefused = state.duplicatesRefused
      progress.errors = state.errors
      progress.lastError = state.lastError
      progress.writersStopped = state.writersStopped
      progress.finishedReason = state.orders.phase == .finished ? state.orders.finishedReason : nil
    }
    progress.loaded = loadedDocuments.load(ordering: .relaxed)
    return progress
  }
}
