import Testing

/// Seeded random operations: the store and a plain dictionary must agree on every answer.
struct StoreModelTests {
  @Test(.timeLimit(.minutes(30)), arguments: Effort.chunks(Effort.modelSeeds, 20))
  func storeMatchesModel(seeds: Range<Int>) {
    for seed in seeds {
      do {
        var run = try ModelRun(seed: seed)
        try run.run()
      } catch {
        Issue.record("seed \(seed): \(error)")
        return
      }
    }
  }
}
