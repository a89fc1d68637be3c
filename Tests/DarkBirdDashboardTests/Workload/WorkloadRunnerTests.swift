import DarkBird
import Foundation
import Testing

@testable import DarkBirdDashboard

extension WorkloadTests {
  /// One run after another on one store.
  @Suite(.timeLimit(.minutes(30))) struct RunnerTests {
    private let first = WorkloadOptions(documents: 100, rate: .max, writers: 1, readers: 1)

    /// To name what is so anyway changes nothing; what a run waits for is in its name.
    @Test func theLevelThatWritesWaitForAnywayBeginsNoRun() throws {
      let directory = FileManager.default.temporaryDirectory.appending(path: "darkbird-workload-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: directory) }
      var configuration = StoreConfiguration.disk(at: directory.path)
      configuration.acknowledgement = .written
      let store = try Store<String, WorkloadDocument>(configuration)
      defer { try? store.close() }
      var options = WorkloadOptions(documents: 100, rate: .perSecond(100), writers: 1, readers: 1)
      let runner = WorkloadRunner(store: store, options: options)
      defer { runner.close() }
      runner.start()
      #expect(runner.summary == "clubs ack written zipfian 1w/1r 100/s at most")
      #expect(eventually { runner.progress().phase == .running })
      (options.acknowledgement, options.rate) = (.written, .perSecond(777))
      runner.run(options)
      #expect(eventually { runner.workload.rate == .perSecond(777) })
      #expect(runner.runNumber == 1)
      options.acknowledgement = .memory
      runner.run(options)
      #expect(eventually { runner.runNumber == 2 })
      #expect(runner.summary == "clubs ack memory zipfian 1w/1r 777/s at most")
      #expect(runner.workload.summary == runner.summary)
    }

    @Test func anotherPresetRunsOnTheSameStore() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      let runner = WorkloadRunner(store: store, options: first)
      runner.start()
      #expect(eventually { runner.progress().operations > 100 })
      var options = first
      options.preset = .ycsbA
      runner.run(options)
      #expect(eventually { runner.runNumber == 2 && runner.progress().operations > 100 })
      #expect(runner.options == options)
      #expect(store[YCSBRecord.key(1)] != nil && store.count > 150)
      #expect(runner.recorder.snapshot()[.update].count > 0)
      runner.close()
      #expect(runner.progress().phase == .finished)
    }

    @Test func anotherRateIsNoOtherRun() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      let runner = WorkloadRunner(store: store, options: first)
      runner.start()
      #expect(eventually { runner.progress().phase == .running })
      var options = first
      options.rate = .perSecond(50)
      runner.run(options)
      #expect(eventually { runner.options.rate == .perSecond(50) })
      #expect(runner.runNumber == 1)
      runner.close()
    }

    @Test func theTotalHasTheRunsBeforeInIt() throws {
      let runner = WorkloadRunner(store: try Store<String, WorkloadDocument>(.memory), options: first)
      runner.start()
      #expect(eventually { runner.progress().operations > 100 })
      var options = first
      (options.preset, options.operations) = (.ycsbC, 50)
      runner.run(options)
      #expect(eventually { runner.progress().finishedReason == .operationsDone })
      let (last, total) = (runner.progress(), runner.total())
      #expect(last.operations == 50 && total.operations > 150)
      // People of the first run, records of the second.
      #expect(last.loaded - last.found == 100 && total.loaded - total.found == 200)
      #expect(total.loadNanoseconds > last.loadNanoseconds && total.finishedReason == .operationsDone)
      runner.close()
    }

    @Test func pausesEndsAndBeginsAgain() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      let runner = WorkloadRunner(store: store, options: first)
      runner.start()
      #expect(eventually { runner.progress().phase == .running })
      runner.setPaused(true)
      #expect(eventually { runner.progress().phase == .paused })
      runner.setPaused(false)
      #expect(eventually { runner.progress().phase == .running })
      runner.end()
      #expect(eventually { runner.progress().finishedReason == .stopped })
      runner.run(first)
      #expect(eventually { runner.runNumber == 2 && runner.progress().operations > 0 })
      runner.close()
    }

    @Test func nothingRunsAfterClose() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      let runner = WorkloadRunner(store: store, options: first)
      runner.start()
      runner.close()
      var options = first
      options.preset = .ycsbC
      runner.run(options)
      runner.close()
      #expect(runner.runNumber == 1 && runner.progress().phase == .finished)
      try store.close()
    }

    @Test func threadsThatEndLeaveTheirLatenciesAndNoSlot() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      let recorder = LatencyRecorder()
      for _ in 0..<3 {
        let workload = Workload(
          store: store, options: WorkloadOptions(documents: 10, rate: .max, operations: 1_000), recorder: recorder)
        workload.start()
        workload.wait()
      }
      #expect(recorder.snapshot().count >= 3_000)
      #expect(recorder.slotCount == 1, "that of threads without one")
    }
  }
}
