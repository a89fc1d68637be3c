import DarkBird
import Foundation
import Synchronization

/// One thread of a workload: it loads, then it runs its part of the mix on its schedule. A thread of its own, for store
/// operations may block, which would starve Swift's cooperative pool.
final class WorkloadThread: Sendable {
  private static let stepsPerClaim = 32
  private static let backOffNanoseconds: UInt64 = 100_000_000

  private let number: Int
  private let isLoader: Bool
  private let control: WorkloadControl
  private let script: any WorkloadScript
  private let options: WorkloadOptions
  private let recorder: LatencyRecorder
  private let operationsDone = Atomic<UInt64>(0)
  private let operationsSkipped = Atomic<UInt64>(0)

  init(
    _ number: Int, isLoader: Bool, control: WorkloadControl, script: any WorkloadScript, options: WorkloadOptions,
    recorder: LatencyRecorder
  ) {
    self.number = number
    self.isLoader = isLoader
    self.control = control
    self.script = script
    self.options = options
    self.recorder = recorder
  }

  /// Operations of the mix, and those that its schedule has let go.
  var operations: UInt64 { operationsDone.load(ordering: .relaxed) }
  var skipped: UInt64 { operationsSkipped.load(ordering: .relaxed) }

  /// The load is there to be watched: whoever presses a key must not wait for the end of its time slices. Where there is
  /// nobody else to run, this changes nothing.
  private static func letOthersGoFirst() {
    #if os(Linux)
      // Of this thread, where POSIX means the process.
      setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 5)
    #endif
  }

  func start() {
    let thread = Thread { [self] in
      Self.letOthersGoFirst()
      let slot = recorder.makeSlot()
      let timer = OperationTimer(slot: slot)
      var reason: WorkloadProgress.FinishedReason?
      if let population = awaitPopulation() {
        if isLoader { load(population) }
        if awaitMix() { reason = runMix(population, timer) }
      }
      // Who waits for the end finds all latencies in one place.
      recorder.retire(slot)
      control.endThread(reason)
    }
    thread.name = "workload-\(number)"
    thread.start()
  }

  // MARK: Load

  /// The first thread looks what the store holds; the others wait for it.
  private func awaitPopulation() -> Population? {
    if number == 0 {
      let began = monotonicNanoseconds()
      do {
        let population = Population(
          documents: options.documents, capacity: script.capacity, lanes: script.laneCount,
          existing: try script.existingNumbers())
        control.beginLoading(population, since: began)
      } catch {
        control.countError("\(error)")
        control.finish(.failed("\(error)"))
      }
    }
    return awaitOrders { $0.population }
  }

  private func awaitMix() -> Bool {
    awaitOrders { $0.phase == .running ? true : nil } ?? false
  }

  /// Sleeps until the orders have what is asked for; nil if the workload ends before.
  private func awaitOrders<Result>(_ result: (WorkloadControl.Orders) -> Result?) -> Result? {
    while true {
      let orders = control.orders
      if orders.isStopping { return nil }
      if let result = result(orders) { return result }
      control.sleep(thread: number, nanoseconds: nil)
    }
  }

  private func load(_ population: Population) {
    while let steps = control.claimLoadSteps(Self.stepsPerClaim, of: population) {
      for step in steps {
        guard let number = population.loadNumber(step) else { continue }
        if !loadOne(number) { return }
      }
      // Whoever draws the screen comes first, however busy the loaders keep the processors.
      sched_yield()
      if awaitOrders({ $0.isPaused ? nil : true }) == nil { return }
    }
    guard control.endLoader() else { return }
    do {
      try script.finishLoad()
    } catch {
      // The first write of the mix meets it again, and acts on it.
      control.countError("\(error)")
    }
    population.finishLoad()
    control.beginMix(duration: options.duration, at: monotonicNanoseconds())
  }

  /// - Returns: false if the workload is to end.
  private func loadOne(_ number: Int) -> Bool {
    while true {
      do {
        try script.load(number)
        control.countLoaded()
        return true
      } catch StoreError.keyExists {
        // Left by an earlier run: as good as loaded.
        control.countLoaded()
        return true
      } catch {
        switch handle(error, key: script.key(number)) {
        case .goOn: return true
        case .backOff:
          if !backOff() { return false }
        case .stopWriting, .stop:
          control.finish(.failed("\(error)"))
          return false
        }
      }
    }
  }

  // MARK: Mix

  private func runMix(_ population: Population, _ timer: OperationTimer) -> WorkloadProgress.FinishedReason? {
    let hasPart = number < options.writers + options.readers
    let client = hasPart ? script.makeClient(number, population: population, timer: timer) : nil
    let share = options.operations.map { operations in
      client == nil ? 0 : UInt64(max(operations - number + control.threads - 1, 0) / control.threads)
    }
    var epoch = -1
    var orders = control.orders
    var pacer: Pacer?
    var skippedBefore: UInt64 = 0
    /// What is called for and not done is missed; a debt that is not worked off any more is among that.
    func countMissed(until end: UInt64) {
      guard let pacer else { return }
      operationsSkipped.store(skippedBefore + pacer.missed(at: end), ordering: .relaxed)
    }
    timer.tick()
    while true {
      let current = control.epoch
      if current != epoch {
        epoch = current
        let deadline = orders.deadline
        orders = control.orders
        if orders.isStopping { countMissed(until: min(timer.tick(), deadline ?? .max)) }
        skippedBefore += pacer?.skipped ?? 0
        pacer =
          switch orders.rate {
          // In a pause nothing is due.
          case .perSecond where orders.isPaused || client == nil: nil
          case .max: nil
          case .perSecond(let rate): Pacer(start: timer.tick(), perSecond: rate, share: number, of: control.threads)
          }
      }
      if orders.isStopping { return nil }
      if let deadline = orders.deadline, timer.now >= deadline {
        countMissed(until: deadline)
        control.finish(.durationElapsed)
        return nil
      }
      if let share, operations >= share { return .operationsDone }
      guard let client, !orders.isPaused else {
        sleep(until: orders.deadline, timer)
        continue
      }
      if let delay = pacer?.delay(at: timer.now) {
        control.sleep(thread: number, nanoseconds: min(delay, orders.deadline.map { $0 &- timer.now } ?? delay))
        timer.tick()
        continue
      }
      if let pacer { operationsSkipped.store(skippedBefore + pacer.skipped, ordering: .relaxed) }
      if !perform(client) { return nil }
    }
  }

  private func sleep(until deadline: UInt64?, _ timer: OperationTimer) {
    control.sleep(thread: number, nanoseconds: deadline.map { $0 &- timer.now })
    timer.tick()
  }

  /// - Returns: false if this thread is to end.
  private func perform(_ client: any WorkloadClient) -> Bool {
    do {
      try client.perform()
      countOperation()
      return true
    } catch {
      switch handle(error, key: client.writtenKey) {
      case .goOn:
        countOperation()
        return true
      case .backOff: return backOff()
      case .stopWriting:
        control.noteWritersStopped("\(error)")
        return client.stopWriting()
      case .stop: return false
      }
    }
  }

  private func countOperation() {
    // This thread alone writes it: no read-modify-write needed.
    operationsDone.store(operations + 1, ordering: .relaxed)
  }

  // MARK: Errors

  private enum Reaction { case goOn, backOff, stopWriting, stop }

  private func handle(_ error: any Error, key: String) -> Reaction {
    if case StoreError.duplicate(let index, let value, let owner) = error {
      control.countDuplicate(key: key, index: index, value: value.description, owner: owner)
      return .goOn
    }
    control.countError("\(error)")
    switch error {
    case StoreError.diskFull: return .backOff
    case StoreError.poisoned, StoreError.readOnly: return .stopWriting
    case StoreError.closed: return .stop
    default: return .goOn
    }
  }

  /// Gives a full disk a moment. - Returns: false if the workload ends meanwhile.
  private func backOff() -> Bool {
    let end = monotonicNanoseconds() &+ Self.backOffNanoseconds
    while !control.orders.isStopping {
      let now = monotonicNanoseconds()
      if now >= end { return true }
      control.sleep(thread: number, nanoseconds: end - now)
    }
    return false
  }
}
