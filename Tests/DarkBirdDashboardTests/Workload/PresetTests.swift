import DarkBird
import Foundation
import Testing

@testable import DarkBirdDashboard

extension WorkloadTests {
  /// The presets on a real store.
  @Suite(.timeLimit(.minutes(30))) struct PresetTests {
    @Test func numbersThatNoMachineReachesCountAsTheGreatest() {
      let options = WorkloadOptions(documents: .max, rate: .perSecond(.max), writers: -1, readers: -1).corrected
      #expect(options.documents == WorkloadOptions.documentsMax && options.rate == .perSecond(WorkloadOptions.rateMax))
      #expect(options.writers == 0 && options.readers == 0)
      #expect(WorkloadOptions(documents: .min, rate: .perSecond(.min)).corrected.rate == .perSecond(1))
    }

    private func clubs(
      _ store: Store<String, WorkloadDocument>, documents: Int = 500, writers: Int = 2, readers: Int = 2,
      operations: Int,
      seed: UInt64 = 1
    ) -> Workload {
      let workload = Workload(
        store: store,
        options: WorkloadOptions(
          documents: documents, rate: .max, writers: writers, readers: readers, seed: seed, operations: operations))
      workload.start()
      workload.wait()
      return workload
    }

    private func documents(_ store: Store<String, WorkloadDocument>) throws -> [String: WorkloadDocument] {
      let all = try store.scan().documents
      return Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0.document) })
    }

    @Test func theNumberOfPeopleStays() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      let workload = clubs(store, documents: 500, writers: 3, readers: 1, operations: 20_000)
      #expect((497...500).contains(store.count), "each writer is at most one removal behind")
      let progress = workload.progress()
      #expect(progress.operations == 20_000)
      #expect(progress.errors == 0, "\(progress.lastError ?? "")")
      let latencies = workload.recorder.snapshot()
      for kind in OperationKind.allCases where kind != .scan && kind != .batch {
        #expect(latencies[kind].count > 0, "\(kind)")
      }
      #expect(store.audit().isClean)
      // The people have changed: the oldest have gone, and others have come.
      let numbers = try documents(store).keys.compactMap(Person.number(ofKey:))
      #expect(numbers.min()! > 500)
    }

    @Test func aboutOneWriteInAHundredIsADuplicate() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      let workload = clubs(store, writers: 1, readers: 0, operations: 10_000)
      #expect((50...150).contains(workload.progress().duplicatesRefused))
      let duplicate = try #require(workload.recentDuplicates.last)
      #expect(duplicate.index == "email")
      #expect(duplicate.value.contains("@"))
      #expect(duplicate.key.hasPrefix("u:") && duplicate.owner.hasPrefix("u:"))
      #expect(duplicate.key != duplicate.owner)
    }

    @Test func oneWriterOfTheSameSeedLeavesTheSameDocuments() throws {
      let stores = try (0..<3).map { _ in try Store<String, WorkloadDocument>(.memory) }
      let runs = zip(stores, [1, 1, 2] as [UInt64]).map {
        clubs($0, documents: 200, writers: 1, readers: 0, operations: 5_000, seed: $1)
      }
      let left = try stores.map(documents)
      #expect(left[0] == left[1])
      #expect(runs[0].progress().duplicatesRefused == runs[1].progress().duplicatesRefused)
      #expect(left[0] != left[2])
    }

    @Test func aSecondRunGoesOnWithWhatTheFirstHasLeft() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      _ = clubs(store, documents: 300, writers: 2, operations: 5_000)
      let left = try documents(store)
      let second = clubs(store, documents: 300, writers: 3, operations: 0)
      #expect(second.progress().loaded == 300)
      #expect(second.progress().errors == 0)
      #expect(store.count == 300)
      #expect(try documents(store).filter { left[$0.key] != nil } == left, "nothing was replaced")
      let third = clubs(store, documents: 300, writers: 3, operations: 20_000)
      #expect(third.progress().errors == 0)
      #expect((297...300).contains(store.count))
      // A smaller number of documents takes none away, a larger one adds.
      _ = clubs(store, documents: 10, writers: 1, operations: 5_000)
      #expect((296...300).contains(store.count))
      _ = clubs(store, documents: 400, writers: 1, operations: 0)
      #expect(store.count == 400)
    }

    @Test(arguments: Acknowledgement.allCases)
    func aReopenedStoreGoesOnWhereItWas(_ acknowledgement: Acknowledgement) throws {
      let directory = FileManager.default.temporaryDirectory.appending(path: "darkbird-workload-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: directory) }
      var configuration = StoreConfiguration.disk(at: directory.path)
      configuration.pageCapacity = .records(100)
      var left: [String: WorkloadDocument] = [:]
      for run in 1...3 {
        let store = try Store<String, WorkloadDocument>(configuration)
        #expect(try documents(store) == left)
        let workload = Workload(
          store: store,
          options: WorkloadOptions(
            documents: 200, rate: .max, writers: run, readers: 1, operations: 600, acknowledgement: acknowledgement))
        workload.start()
        workload.wait()
        #expect(workload.progress().errors == 0, "\(workload.progress())")
        #expect((200 - run...200).contains(store.count))
        #expect(store.audit().isClean)
        left = try documents(store)
        try store.close()
      }
    }

    @Test func aClosedStoreEndsTheWorkload() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      let workload = Workload(
        store: store, options: WorkloadOptions(documents: 10, rate: .max, writers: 1, readers: 0))
      workload.start()
      #expect(!workload.wait(atMost: .milliseconds(1)))
      try store.close()
      workload.wait()
      #expect(workload.progress().finishedReason == .failed("the store is closed"))
    }

    @Test func foreignKeysAreLeftAlone() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      let person = Person(
        kind: .player, name: "Guest", email: "guest@example", age: 30, salary: 1, joined: Person.today)
      try store.insert(.person(person), for: "guest")
      _ = clubs(store, documents: 50, operations: 5_000)
      #expect(store["guest"] == .person(person))
    }

    @Test func readersFindWhatTheyLookFor() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      let workload = clubs(store, documents: 1_000, writers: 0, readers: 2, operations: 5_000)
      #expect(store.count == 1_000)
      #expect(workload.progress().errors == 0)
      let latencies = workload.recorder.snapshot()
      let shares = [OperationKind.get: 0.7, .unique: 0.12, .tag: 0.1, .range: 0.08]
      for (kind, share) in shares {
        #expect(abs(Double(latencies[kind].count) / 5_000 - share) < 0.03, "\(kind)")
      }
      #expect(latencies[.insert].count == 0, "what is loaded is no operation")
    }

    @Test(
      arguments: [
        (.ycsbA, [.get: 0.5, .update: 0.5]), (.ycsbB, [.get: 0.95, .update: 0.05]), (.ycsbC, [.get: 1]),
        (.ycsbD, [.get: 0.95, .insert: 0.05]), (.ycsbE, [.scan: 0.95, .insert: 0.05]),
        (.ycsbF, [.get: 1, .update: 0.5]),
      ] as [(WorkloadOptions.Preset, [OperationKind: Double])])
    func ycsbKeepsTheSharesOfItsMix(_ preset: WorkloadOptions.Preset, shares: [OperationKind: Double]) throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      let (documents, operations) = (1_000, 5_000)
      let workload = Workload(
        store: store,
        options: WorkloadOptions(preset: preset, documents: documents, rate: .max, operations: operations))
      workload.start()
      workload.wait()
      #expect(workload.progress().errors == 0)
      #expect(workload.progress().operations == UInt64(operations))
      let latencies = workload.recorder.snapshot()
      for kind in OperationKind.allCases where kind != .remove {
        let share = Double(latencies[kind].count) / Double(operations)
        #expect(abs(share - shares[kind, default: 0]) < 0.03, "\(kind)")
      }
      #expect(store.count == documents + Int(latencies[.insert].count) - Int(latencies[.remove].count))
    }

    @Test func aMixOfOnesOwnIsKept() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      var mix = WorkloadMix()
      (mix[.update], mix[.get], mix[.range]) = (10, 3, 1)
      let options = WorkloadOptions(
        documents: 200, rate: .max, writers: 1, readers: 1, operations: 8_000, mix: mix)
      let workload = Workload(store: store, options: options)
      workload.start()
      workload.wait()
      let latencies = workload.recorder.snapshot()
      #expect(latencies[.update].count == 4_000)
      #expect(latencies[.put].count + latencies[.remove].count + latencies[.unique].count == 0)
      #expect(abs(Double(latencies[.get].count) / 4_000 - 0.75) < 0.03)
      #expect(latencies[.get].count + latencies[.range].count == 4_000)
    }

    @Test func threadsWithoutAShareOfTheMixDoNothing() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      var mix = WorkloadMix()
      mix[.get] = 1
      let options = WorkloadOptions(
        documents: 50, rate: .max, writers: 2, readers: 2, operations: 1_000, mix: mix)
      let workload = Workload(store: store, options: options)
      workload.start()
      workload.wait()
      #expect(workload.progress().operations == 500, "that of the readers")
      #expect(workload.progress().finishedReason == .operationsDone)
    }

    @Test func oneStoreHoldsWhatAllPresetsNeed() throws {
      let directory = FileManager.default.temporaryDirectory.appending(path: "darkbird-workload-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: directory) }
      let store = try Store<String, WorkloadDocument>(.disk(at: directory.path))
      for preset in WorkloadOptions.Preset.allCases {
        let workload = Workload(
          store: store, options: WorkloadOptions(preset: preset, documents: 100, rate: .max, operations: 500))
        workload.start()
        workload.wait()
        #expect(workload.progress().errors == 0, "\(preset) \(workload.progress())")
      }
      #expect(store.audit().isClean)
      let left = try documents(store)
      try store.close()
      let reopened = try Store<String, WorkloadDocument>(.disk(at: directory.path))
      #expect(try documents(reopened) == left)
      #expect(left.values.contains { $0.person != nil } && left.values.contains { $0.person == nil })
      try reopened.close()
    }

    @Test func insertsOfYCSBStopAtTwiceTheDocuments() throws {
      let store = try Store<String, WorkloadDocument>(.memory)
      let workload = Workload(
        store: store,
        options: WorkloadOptions(preset: .ycsbD, documents: 100, rate: .max, writers: 1, readers: 1, operations: 10_000)
      )
      workload.start()
      workload.wait()
      #expect(store.count == 200)
      #expect(store[YCSBRecord.key(0)] == nil, "the oldest has gone")
      #expect(workload.recorder.snapshot()[.remove].count > 100)
    }
  }
}
