import DarkBird
import Foundation
import Synchronization

/// Rows about what must not slow a store down.
extension Bench {
  /// Pairs of runs, one without and one with an observer, for the figures of two runs a minute apart differ by more.
  ///
  /// Where other programs use the processors too, the time that the runs took says little; `processor_percent` is how much more
  /// of the processors they used, the observer included.
  func sampler(_ row: BenchRow) throws -> BenchResult {
    var losses: [Double] = []
    var costs: [Double] = []
    var watched: [BenchResult] = []
    // The first run of a process pays for its memory.
    _ = try insertAll(row, try BenchStore(.memory))
    for pair in 0..<5 {
      // Each first in turn.
      let before = pair % 2 == 1 ? try watchedInserts(row) : nil
      let alone = try insertAll(row, try BenchStore(.memory))
      let run = try before ?? watchedInserts(row)
      losses.append((1 - run.operationsPerSecond / alone.operationsPerSecond) * 100)
      costs.append((run.processorSeconds / alone.processorSeconds - 1) * 100)
      watched.append(BenchResult(row, run))
    }
    watched.sort { $0.operationsPerSecond < $1.operationsPerSecond }
    var result = watched[watched.count / 2]
    result.figures = ["loss_percent": median(losses), "processor_percent": median(costs)]
    return result
  }

  /// With a subscriber that takes the events, and the statistics, ten times a second.
  private func watchedInserts(_ row: BenchRow) throws -> Run {
    let store = try BenchStore(.memory)
    let subscription = store.events(capacity: 8_192)
    let observer = Repeated(everyMilliseconds: 100) {
      _ = store.statistics()
      _ = subscription.drain()
    }
    let run = try insertAll(row, store)
    _ = try observer.stop()
    return run
  }

  /// Puts at a steady rate, some while no checkpoint is written, and as many while one after the other is.
  func putDuringCheckpoint(_ row: BenchRow) throws -> BenchResult {
    try putDuring(row, "checkpoints") { store, _ in try store.checkpoint() }
  }

  func putDuringBackup(_ row: BenchRow) throws -> BenchResult {
    try putDuring(row, "backups") { store, path in
      try store.backup(to: "\(path).backup")
      unlink("\(path).backup")
    }
  }

  private func putDuring(
    _ row: BenchRow, _ name: String, _ job: @escaping @Sendable (BenchStore, _ path: String) throws -> Void
  ) throws -> BenchResult {
    let puts = max(500, min(20_000, count / 50))
    return try withDirectory(row) { path in
      var configuration = StoreConfiguration.disk(at: path)
      configuration.checkpointLogBytes = nil
      let store = try BenchStore(configuration)
      try fill(store)
      try job(store, path)
      let (alone, _) = try pacedPuts(store, puts)
      let jobs = Repeated { try job(store, path) }
      let (during, seconds) = try pacedPuts(store, puts)
      let count = try jobs.stop()
      try store.close()
      var result = BenchResult(row, threads: 1, operations: puts, seconds: seconds, latency: during)
      guard let alone, let during else { throw BenchFailure(row, "nothing was timed") }
      result.figures = [
        name: Double(count), "p999_ns_without": Double(alone.p999),
        "p999_ratio": Double(during.p999) / Double(max(alone.p999, 1)),
      ]
      return result
    }
  }

  /// One put each 200 microseconds, by one thread.
  private func pacedPuts(_ store: BenchStore, _ puts: Int) throws -> (BenchResult.Latency?, seconds: Double) {
    let interval: UInt64 = 200_000
    var nanoseconds: [UInt64] = []
    nanoseconds.reserveCapacity(puts)
    let start = monotonicNanoseconds()
    for put in 0..<puts {
      let number = randomNumber(put, below: count)
      let document = documents[number]
      let due = start + UInt64(put) * interval
      let now = monotonicNanoseconds()
      if now < due { usleep(UInt32((due - now) / 1_000)) }
      let began = monotonicNanoseconds()
      try store.put(document, for: UInt64(number))
      nanoseconds.append(monotonicNanoseconds() - began)
    }
    let seconds = Double(monotonicNanoseconds() - start) / 1e9
    return (BenchResult.Latency(nanoseconds, interval: interval), seconds)
  }

  // MARK: Scaling

  /// Nanoseconds of an insert into a store that has nine tenths of its documents, and the same at a hundred times as many.
  func insertScaling(_ row: BenchRow) throws -> BenchResult {
    let small = max(10, count / 10)
    let large = count * 10
    // Many small stores, so that both figures come from as much work.
    var run = try insertLastTenth(row, small)
    for _ in 1..<10 {
      let next = try insertLastTenth(row, small)
      run.operations += next.operations
      run.seconds += next.seconds
    }
    return scaling(row, small: small, run, large: large, try insertLastTenth(row, large))
  }

  private func insertLastTenth(_ row: BenchRow, _ documents: Int) throws -> Run {
    let store = try BenchStore(.memory)
    var sum = Run(threads: threads, operations: 0, seconds: 0)
    let timedFrom = documents - documents / 10
    let chunk = max(1, min(documents / 10, 100_000))
    var first = 0
    while first < documents {
      let range = first..<min(first + chunk, first < timedFrom ? timedFrom : documents)
      // In pieces, for ten million prepared documents would need more memory than the store.
      let prepared = prepare(range) { BenchDocument(number: $0) }
      let run = try measure(threads: threads, operations: range.count) { index, _ in
        try store.insert(prepared[index], for: UInt64(range.lowerBound + index))
      }
      if first >= timedFrom {
        sum.operations += run.operations
        sum.seconds += run.seconds
        sum.latency = run.latency
      }
      first = range.upperBound
    }
    try expect(store.count, documents, of: row)
    return sum
  }

  func lookupScaling(_ row: BenchRow) throws -> BenchResult {
    let small = max(10, count / 10)
    let large = count * 10
    return scaling(
      row, small: small, try lookupsOfFilled(row, small), large: large, try lookupsOfFilled(row, large))
  }

  private func lookupsOfFilled(_ row: BenchRow, _ documents: Int) throws -> Run {
    let store = try BenchStore(.memory)
    _ = try measure(threads: threads, operations: documents) { number, _ in
      try store.insert(BenchDocument(number: number), for: UInt64(number))
    }
    // As often as there are documents, untimed: the first to touch them pay for that.
    for (operations, isTimed) in [(documents, false), (count * 5, true)] {
      let run = try measure(threads: threads, operations: operations) { operation, tally in
        _ = store.withDocument(UInt64(randomNumber(operation, below: documents))) { tally.visit($0.age) }
      }
      try expect(run.tally.documents, run.operations, of: row)
      if isTimed { return run }
    }
    preconditionFailure("one of them is timed")
  }

  private func scaling(_ row: BenchRow, small: Int, _ few: Run, large: Int, _ many: Run) -> BenchResult {
    func nanoseconds(_ run: Run) -> Double { 1e9 / run.operationsPerSecond }
    var result = BenchResult(row, many)
    result.figures = [
      "documents_small": Double(small), "documents_large": Double(large), "ns_small": nanoseconds(few),
      "ns_large": nanoseconds(many), "cost_ratio": nanoseconds(many) / nanoseconds(few),
    ]
    return result
  }
}

/// A thread that does something again and again until it is stopped.
private final class Repeated: Sendable {
  private let rounds = Atomic(0)
  private let isEnding = Atomic(false)
  private let failure = Mutex<(any Error)?>(nil)
  private let ended = DispatchSemaphore(value: 0)

  init(everyMilliseconds pause: UInt32 = 0, _ body: @escaping @Sendable () throws -> Void) {
    Thread { [self] in
      do {
        while !isEnding.load(ordering: .acquiring) {
          try body()
          rounds.add(1, ordering: .relaxed)
          if pause > 0 { usleep(pause * 1_000) }
        }
      } catch {
        failure.withLock { $0 = error }
      }
      ended.signal()
    }.start()
  }

  /// Waits for the round that is under way and returns how many there were.
  /// - Throws: the error that ended it earlier.
  func stop() throws -> Int {
    isEnding.store(true, ordering: .releasing)
    ended.wait()
    if let error = failure.withLock({ $0 }) { throw error }
    return rounds.load(ordering: .relaxed)
  }
}
