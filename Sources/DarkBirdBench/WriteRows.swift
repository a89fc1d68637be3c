import DarkBird

extension Bench {
  func update(_ row: BenchRow) throws -> BenchResult {
    let store = try loadedStore()
    let count = count
    let run = try measure(threads: threads, operations: count) { operation, tally in
      let age = operation % BenchDocument.ages
      let changed = try store.update(UInt64(randomNumber(operation, below: count))) { $0.age = age }
      if changed != nil { tally.documents += 1 }
    }
    try expect(run.tally.documents, count, of: row)
    return BenchResult(row, run)
  }

  /// Workload A of YCSB: half reads, half updates, keys by Zipf's law. The keys are chosen before the clock starts.
  func mixed(_ row: BenchRow) throws -> BenchResult {
    let store = try loadedStore()
    let zipfian = ZipfianGenerator(count: count)
    let scramble = KeyScramble(count: count)
    // The lowest bit tells a lookup from an update.
    let choices = prepare(0..<count) { operation -> UInt64 in
      var random = SplitMix64(seed: UInt64(operation))
      return UInt64(scramble(zipfian.next(using: &random))) << 1 | random.next() & 1
    }
    let run = try measure(threads: threads, operations: count) { operation, tally in
      let key = choices[operation] >> 1
      if choices[operation] & 1 == 0 {
        _ = store.withDocument(key) { tally.visit($0.age) }
      } else if try store.update(key, { $0.age = ($0.age + 1) % BenchDocument.ages }) != nil {
        tally.documents += 1
      }
    }
    try expect(run.tally.documents, count, of: row)
    return BenchResult(row, run)
  }

  /// Removes all documents in an order that has nothing to do with that of their insertion.
  func remove(_ row: BenchRow) throws -> BenchResult {
    let store = try takeLoadedStore()
    let scramble = KeyScramble(count: count)
    let run = try measure(threads: threads, operations: count) { operation, tally in
      if try store.remove(UInt64(scramble(operation))) != nil { tally.documents += 1 }
    }
    try expect(run.tally.documents, count, of: row)
    try expect(store.count, 0, of: row)
    return BenchResult(row, run)
  }

  /// Opens a store from its log alone, then from a checkpoint.
  func reload(_ row: BenchRow) throws -> BenchResult {
    try withDirectory(row) { path in
      var configuration = StoreConfiguration.disk(at: path)
      configuration.checkpointLogBytes = nil
      let store = try BenchStore(configuration)
      try fill(store)
      try store.close()
      // Those before stay: each opening gets fresh memory, as in a program that starts with it, and not what they have freed,
      // which lies scattered.
      let (reloaded, seconds) = try open(row, configuration)
      var result = BenchResult(row, threads: 1, operations: count, seconds: seconds)
      try reloaded.checkpoint()
      try reloaded.close()
      let (again, secondsFromCheckpoint) = try open(row, configuration)
      result.figures = ["documents_per_second_from_checkpoint": Double(count) / secondsFromCheckpoint]
      try again.close()
      withExtendedLifetime((store, reloaded)) {}
      return result
    }
  }

  private func open(_ row: BenchRow, _ configuration: StoreConfiguration) throws -> (BenchStore, seconds: Double) {
    let began = monotonicNanoseconds()
    let store = try BenchStore(configuration)
    let seconds = Double(monotonicNanoseconds() - began) / 1e9
    try expect(store.count, count, of: row)
    let last = BenchDocument(number: count - 1)
    guard try store.document(unique: "email", last.email)?.document == last else {
      throw BenchFailure(row, "the last document is not what was written")
    }
    return (store, seconds)
  }
}
