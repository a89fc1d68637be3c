import Testing

@testable import DarkBird

/// Power lost at any call: the store that comes back is a prefix of the log with everything that was durable.
struct CrashTests {
  private static let imagesPerRun = 50

  @Test(.timeLimit(.minutes(30)), arguments: Effort.chunks((Effort.crashImages + imagesPerRun - 1) / imagesPerRun, 20))
  func powerLossLeavesAPrefixWithAllThatWasDurable(seeds: Range<Int>) {
    for seed in seeds {
      do {
        var run = try CrashRun(seed: seed)
        try run.run(images: Self.imagesPerRun)
      } catch {
        Issue.record("seed \(seed): \(error)")
        return
      }
    }
  }
}
