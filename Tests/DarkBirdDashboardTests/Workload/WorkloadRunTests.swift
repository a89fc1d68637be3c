import DarkBird
import Foundation
import Synchronization
import Testing

@testable import DarkBirdDashboard

extension WorkloadTests {
  /// Threads, phases, schedule and errors, with a script in place of a store.
  @Suite(.timeLimit(.minutes(30))) struct RunTests {
    /// Waits until a count has stood still for a thousand looks at it.
    private func standsStill(_ count: () -> UInt64) -> Bool {
      var (last, looks) = (count(), 0)
      return eventually {
        let now = count()
        looks = now == last ? looks + 1 : 0
        last = now
        return looks == 1_000
      }
    }

    @Test func everyNumberIsLoadedOnceBeforeTheMixBegins() {
      let script = FakeScript()
      let workload = Workload(script, WorkloadOptions(documents: 5_000, rate: .max, operations: 1_000))
      #expect(workload.progress().phase == .idle)
      #expect(!workload.wait(atMost: .zero), "it has not begun")
      workload.start()
      workload.wait()
      let progress = workload.progress()
      #expect(script.calls { $0.loaded.sorted() } == Array(0..<5_000))
      #expect(script.calls { $0.operationsBeforeFinishLoad } == 0)
      #expect(script.calls { $0.finishedLoads } == 1)
      #expect(progress.loaded == 5_000)
      #expect(progress.documents == 5_000)
      #expect(progress.operations == 1_000)
      #expect(progress.finishedReason == .operationsDone)
      #expect(workload.wait(atMost: .zero))
      #expect(workload.recorder.snapshot()[.insert].count == 0, "what is loaded is no operation")
      #expect(progress.loadNanoseconds > 0 && progress.found == 0)
      #expect(workload.recorder.snapshot()[.get].count == 1_000)
    }

    @Test func existingDocumentsAreNotLoadedAgain() {
      let script = FakeScript(existing: Array(0..<90))
      script.fail { number, _ in number == 95 ? .keyExists(key: "95") : nil }
      let workload = Workload(script, WorkloadOptions(documents: 100, rate: .max, operations: 0))
      workload.start()
      workload.wait()
      #expect(script.calls { $0.loaded.sorted() } == [90, 91, 92, 93, 94, 96, 97, 98, 99])
      #expect(workload.progress().loaded == 100)
      #expect(workload.progress().found == 90)
      #expect(workload.progress().errors == 0)
    }

    @Test(arguments: [WorkloadOptions.Rate.max, .perSecond(1)])
    func stopEndsTheThreadsAtOnce(_ rate: WorkloadOptions.Rate) {
      let workload = Workload(FakeScript(), WorkloadOptions(documents: 10, rate: rate, writers: 3, readers: 5))
      workload.start()
      #expect(eventually { workload.progress().operations > 0 })
      let duration = ContinuousClock().measure { workload.stop() }
      #expect(duration < .milliseconds(500))
      #expect(workload.progress().phase == .finished)
      #expect(workload.progress().finishedReason == .stopped)
      workload.stop()
    }

    @Test func stopWorksBeforeTheStartAndDuringTheLoad() {
      let idle = Workload(FakeScript(), WorkloadOptions())
      idle.stop()
      idle.start()
      idle.wait()
      #expect(idle.progress().finishedReason == .stopped)

      let script = FakeScript()
      let loading = Workload(script, WorkloadOptions(documents: 1_000_000_000))
      loading.start()
      #expect(eventually { loading.progress().loaded > 0 })
      #expect(loading.progress().phase == .loading)
      #expect(loading.progress().loadNanoseconds == 0, "it goes on")
      loading.stop()
      #expect(loading.progress().loadNanoseconds > 0)
      #expect(script.calls { $0.finishedLoads } == 0)
      #expect(loading.progress().finishedReason == .stopped)
    }

    @Test func aPausedWorkloadDoesNothing() {
      let workload = Workload(FakeScript(), WorkloadOptions(documents: 10, rate: .max, writers: 1, readers: 1))
      workload.start()
      #expect(eventually { workload.progress().operations > 0 })
      workload.pause()
      #expect(workload.progress().phase == .paused)
      #expect(standsStill { workload.progress().operations })
      workload.resume()
      let before = workload.progress().operations
      #expect(workload.progress().phase == .running)
      #expect(eventually { workload.progress().operations > before })
      workload.stop()
    }

    @Test func theRateIsKeptAndCanBeChanged() {
      let options = WorkloadOptions(
        documents: 10, rate: .perSecond(2_000), writers: 2, readers: 2, duration: .milliseconds(500))
      let workload = Workload(FakeScript(), options)
      workload.start()
      workload.wait()
      #expect((600...1_004).contains(workload.progress().operations), "at most 1,000 are due, and one a thread at once")
      #expect(workload.progress().finishedReason == .durationElapsed)

      let slow = Workload(FakeScript(), WorkloadOptions(documents: 10, rate: .perSecond(1), writers: 1, readers: 0))
      slow.start()
      #expect(eventually { slow.progress().operations == 1 })
      slow.rate = .max
      #expect(slow.rate == .max)
      #expect(eventually { slow.progress().operations > 10_000 })
      slow.stop()
    }

    /// Of what the rate called for, all is in one of the two counts.
    @Test func whatWasNotDoneWasMissed() {
      let script = FakeScript()
      let options = WorkloadOptions(
        documents: 10, rate: .perSecond(500_000_000), writers: 1, readers: 1, duration: .milliseconds(1_500))
      let workload = Workload(script, options)
      workload.start()
      workload.wait()
      let progress = workload.progress()
      let called = 750_000_000.0
      #expect(abs(Double(progress.operations + progress.skipped) - called) < called / 10, "\(progress)")
    }

    @Test func aPauseCallsForNothing() {
      let workload = Workload(
        FakeScript(), WorkloadOptions(documents: 10, rate: .perSecond(1_000), writers: 1, readers: 0))
      workload.start()
      #expect(eventually { workload.progress().operations > 0 })
      workload.pause()
      #expect(eventually { workload.progress().phase == .paused })
      let end = ContinuousClock.now + .milliseconds(400)
      #expect(eventually { ContinuousClock.now > end })
      workload.stop()
      #expect(workload.progress().skipped == 0)
    }

    @Test func refusedDuplicatesAreCountedAndRemembered() {
      let script = FakeScript()
      script.fail { number, isLoad in
        isLoad ? nil : .duplicate(index: "email", value: .int(Int64(number)), owner: "u:1")
      }
      let workload = Workload(
        script, WorkloadOptions(documents: 1, rate: .max, writers: 1, readers: 0, operations: 300))
      workload.start()
      workload.wait()
      #expect(workload.progress().duplicatesRefused == 300)
      #expect(workload.progress().operations == 300)
      #expect(workload.progress().errors == 0)
      let duplicates = workload.recentDuplicates
      #expect(duplicates.map(\.ordinal) == Array(269...300))
      #expect(duplicates.last?.value == "299")
      #expect(duplicates.last?.key == "k299")
      #expect(duplicates.last?.owner == "u:1")
    }

    @Test func aFullDiskIsWaitedFor() {
      let script = FakeScript()
      let attempts = Atomic<Int>(0)
      // Once in the load phase and once in the mix.
      script.fail { number, isLoad in
        let isFirst = number == (isLoad ? 3 : 5) && attempts.add(isLoad ? 1 : 100, ordering: .relaxed).oldValue < 2
        return isFirst ? .diskFull(path: "wal") : nil
      }
      let workload = Workload(
        script, WorkloadOptions(documents: 10, rate: .max, writers: 1, readers: 0, operations: 50))
      let duration = ContinuousClock().measure {
        workload.start()
        workload.wait()
      }
      #expect(script.calls { $0.loaded.sorted() } == Array(0..<10))
      #expect(workload.progress().operations == 50)
      #expect(workload.progress().errors >= 2)
      #expect(workload.progress().lastError?.contains("no space left") == true)
      #expect(duration >= .milliseconds(200), "it backs off 100 ms each time")
    }

    @Test func aPoisonedLogStopsWritersWhileReadersGoOn() {
      let script = FakeScript()
      script.fail { _, isLoad in isLoad ? nil : .poisoned(reason: "fdatasync: EIO") }
      let workload = Workload(script, WorkloadOptions(documents: 10, rate: .max, writers: 2, readers: 1))
      workload.start()
      #expect(eventually { workload.progress().writersStopped?.contains("EIO") == true })
      let before = workload.progress().operations
      #expect(eventually { workload.progress().operations > before + 1_000 })
      #expect(workload.progress().isRunning)
      workload.stop()
      #expect(workload.progress().errors <= 2, "each writer has met it once")
    }

    @Test func withoutReadersAPoisonedLogEndsTheWorkload() {
      let script = FakeScript()
      script.fail { _, isLoad in isLoad ? nil : .poisoned(reason: "EIO") }
      let workload = Workload(script, WorkloadOptions(documents: 10, rate: .max, writers: 2, readers: 0))
      workload.start()
      workload.wait()
      guard case .failed(let message) = workload.progress().finishedReason else {
        Issue.record("\(workload.progress())")
        return
      }
      #expect(message.contains("EIO"))
    }

    @Test(arguments: [StoreError.readOnly, .closed, .poisoned(reason: "EIO")])
    func aStoreThatTakesNothingEndsTheLoad(_ error: StoreError) {
      let script = FakeScript()
      script.fail { _, _ in error }
      let workload = Workload(script, WorkloadOptions(documents: 10))
      workload.start()
      workload.wait()
      #expect(workload.progress().finishedReason == .failed("\(error)"))
    }

    @Test func aWorkloadThatNobodyKeepsEndsByItself() {
      let script = FakeScript()
      var workload: Workload? = Workload(script, WorkloadOptions(documents: 10, rate: .max))
      workload?.start()
      #expect(eventually { script.calls { $0.operations } > 0 })
      workload = nil
      #expect(standsStill { script.calls { $0.operations } })
    }

    @Test func nobodyToReadOrWriteMeansThatDocumentsAreOnlyLoaded() {
      let script = FakeScript()
      let workload = Workload(
        script, WorkloadOptions(documents: 100, writers: 0, readers: 0, duration: .milliseconds(10)))
      workload.start()
      workload.wait()
      #expect(script.calls { $0.loaded.count } == 100)
      #expect(workload.progress().operations == 0)
      #expect(workload.progress().finishedReason == .durationElapsed)
    }
  }
}

/// Counts what it is told to do. Writers are the first threads, as in `clubs`.
final class FakeScript: WorkloadScript {
  struct Calls: Sendable {
    var loaded: [Int] = []
    var finishedLoads = 0
    var operations: UInt64 = 0
    var operationsBeforeFinishLoad: UInt64 = 0
    /// What to throw instead of an operation on a number, in the load phase or in the mix.
    var failure: (@Sendable (_ number: Int, _ isLoad: Bool) -> StoreError?)?
  }

  private let mutex = Guarded(Calls())
  private let existing: [Int]
  private let writers: Int

  init(existing: [Int] = [], writers: Int = 2) {
    self.existing = existing
    self.writers = writers
  }

  func calls<Result: Sendable>(_ body: (inout Calls) -> Result) -> Result { mutex.withLock { body(&$0) } }
  func fail(_ failure: @escaping @Sendable (Int, Bool) -> StoreError?) { calls { $0.failure = failure } }

  var laneCount: Int { 2 }
  var capacity: Int { 0 }
  func existingNumbers() -> [Int] { existing }
  func key(_ number: Int) -> String { "k\(number)" }

  func load(_ number: Int) throws {
    if let error = calls({ $0.failure?(number, true) }) { throw error }
    calls { $0.loaded.append(number) }
  }

  func finishLoad() {
    calls {
      $0.finishedLoads += 1
      $0.operationsBeforeFinishLoad = $0.operations
    }
  }

  func makeClient(_ thread: Int, population: Population, timer: OperationTimer) -> (any WorkloadClient)? {
    FakeClient(script: self, writes: thread < writers, timer: timer)
  }

  private final class FakeClient: WorkloadClient {
    let script: FakeScript
    let writes: Bool
    let timer: OperationTimer
    var number = 0
    var writtenKey: String { "k\(number - 1)" }

    init(script: FakeScript, writes: Bool, timer: OperationTimer) {
      self.script = script
      self.writes = writes
      self.timer = timer
    }

    func perform() throws {
      defer { number += 1 }
      if writes, let error = script.calls({ $0.failure?(number, false) }) { throw error }
      timer.measure(.get) { script.calls { $0.operations += 1 } }
    }

    func stopWriting() -> Bool { !writes }
  }
}
