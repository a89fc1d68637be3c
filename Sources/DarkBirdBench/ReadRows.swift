import DarkBird

extension Bench {
  /// Five lookups for each document, after one that is not timed: the first to touch a table that was just filled pay for
  /// it.
  func lookups(_ row: BenchRow, _ store: BenchStore, threads: Int) throws -> Run {
    let count = count
    func pass(_ operations: Int) throws -> Run {
      let run = try measure(threads: threads, operations: operations) { operation, tally in
        _ = store.withDocument(UInt64(randomNumber(operation, below: count))) { tally.visit($0.age) }
      }
      try expect(run.tally.documents, run.operations, of: row)
      return run
    }
    _ = try pass(count)
    return try pass(count * 5)
  }

  /// By 16 threads, against as many lookups by two.
  func lookup16(_ row: BenchRow) throws -> BenchResult {
    let store = try loadedStore()
    var ratios: [Double] = []
    var results: [BenchResult] = []
    for _ in 0..<3 {
      let two = try lookups(row, store, threads: 2)
      let sixteen = try lookups(row, store, threads: 16)
      ratios.append(sixteen.operationsPerSecond / two.operationsPerSecond)
      results.append(BenchResult(row, sixteen))
    }
    results.sort { $0.operationsPerSecond < $1.operationsPerSecond }
    var result = results[results.count / 2]
    result.figures = ["ratio_to_2_threads": median(ratios)]
    return result
  }

  /// Keys and unique values that one call looks up where it looks up many.
  private static let callSize = 100
  private static func calls(_ lookups: Int) -> Int { (lookups + callSize - 1) / callSize }
  private static func part(_ call: Int, of lookups: Int) -> Range<Int> {
    call * callSize..<min((call + 1) * callSize, lookups)
  }

  /// As `lookups`, some keys a call, which is also what is timed.
  func lookupMany(_ row: BenchRow) throws -> BenchResult {
    let store = try loadedStore()
    let count = count
    func pass(_ lookups: Int) throws -> Run {
      let run = try measure(threads: threads, operations: Self.calls(lookups), timingOneIn: 1) { call, tally in
        let keys = Self.part(call, of: lookups).lazy.map { UInt64(randomNumber($0, below: count)) }
        store.withDocuments(for: keys) { tally.visit($1.age) }
      }
      try expect(run.tally.documents, lookups, of: row)
      return run
    }
    _ = try pass(count)
    return BenchResult(row, try pass(count * 5).countingDocuments)
  }

  /// Emails in random order. Made anew: strings that share their buffer with the index would be equal at a glance.
  private func randomEmails() -> [String] {
    let count = count
    return prepare(0..<count) { BenchDocument.email(randomNumber($0, below: count)) }
  }

  func lookupUniqueMany(_ row: BenchRow) throws -> BenchResult {
    let store = try loadedStore()
    let emails = randomEmails()
    let run = try measure(threads: threads, operations: Self.calls(emails.count), timingOneIn: 1) { call, tally in
      try store.withDocuments(unique: "email", emails[Self.part(call, of: emails.count)]) { tally.visit($1.age) }
    }
    try expect(run.tally.documents, count, of: row)
    return BenchResult(row, run.countingDocuments)
  }

  func lookupUnique(_ row: BenchRow) throws -> BenchResult {
    let store = try loadedStore()
    let emails = randomEmails()
    let run = try measure(threads: threads, operations: count) { operation, tally in
      _ = try store.withDocument(unique: "email", emails[operation]) { tally.visit($1.age) }
    }
    try expect(run.tally.documents, count, of: row)
    return BenchResult(row, run)
  }

  private static let queryCount = 5_000

  func tagDocuments(_ row: BenchRow) throws -> BenchResult {
    let store = try loadedStore()
    let queries = (0..<BenchDocument.cities).map { Query(allTags: ["city=\(BenchDocument.city($0))"]) }
    let run = try measure(threads: threads, operations: Self.queryCount, timingOneIn: 1) { operation, tally in
      try store.forEach(queries[operation % queries.count]) { _, document in tally.visit(document.age) }
    }
    try expect(run.tally.documents, count * Self.queryCount / BenchDocument.cities, of: row)
    return BenchResult(row, run.countingDocuments)
  }

  func rangeDocuments(_ row: BenchRow) throws -> BenchResult {
    let store = try loadedStore()
    // Ten values of age, a thousandth of all.
    let width = 10
    let queries = stride(from: 0, to: BenchDocument.ages, by: width).map {
      Query(ranges: [.init(field: "age", range: .closed($0, $0 + width - 1))], orderBy: "age")
    }
    let run = try measure(threads: threads, operations: Self.queryCount, timingOneIn: 1) { operation, tally in
      try store.forEach(queries[operation % queries.count]) { _, document in tally.visit(document.age) }
    }
    try expect(run.tally.documents, count * Self.queryCount / queries.count, of: row)
    return BenchResult(row, run.countingDocuments)
  }

  /// One call visits all documents.
  func scan(_ row: BenchRow) throws -> BenchResult {
    let store = try loadedStore()
    let scans = 10
    let run = try measure(threads: threads, operations: scans, timingOneIn: 1) { _, tally in
      try store.forEach(Query()) { _, document in tally.visit(document.age) }
    }
    try expect(run.tally.documents, scans * count, of: row)
    return BenchResult(row, run.countingDocuments)
  }
}
