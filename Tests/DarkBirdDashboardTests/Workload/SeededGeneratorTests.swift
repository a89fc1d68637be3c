import Testing

@testable import DarkBirdDashboard

extension WorkloadTests {
  @Suite struct SeededGeneratorTests {
    @Test func splitMixGivesTheNumbersOfTheReferenceImplementation() {
      var random = SplitMix64(seed: 1_234_567)
      #expect(random.next() == 6_457_827_717_110_365_317)
      #expect(random.next() == 3_203_168_211_198_807_973)
      #expect(random.next() == 9_817_491_932_198_370_423)
    }

    @Test func xoshiroGivesTheNumbersOfTheReferenceImplementation() {
      var random = SeededGenerator(state: (1, 2, 3, 4))
      #expect(random.next() == 11_520)
      #expect(random.next() == 0)
      #expect(random.next() == 1_509_978_240)
      #expect(random.next() == 1_215_971_899_390_074_240)
    }

    @Test func seedAndStreamDecideTheNumbers() {
      func numbers(_ seed: UInt64, _ stream: UInt64) -> [UInt64] {
        var random = SeededGenerator(seed: seed, stream: stream)
        return (0..<8).map { _ in random.next() }
      }
      #expect(numbers(7, 0) == numbers(7, 0))
      #expect(numbers(7, 0) != numbers(7, 1))
      #expect(numbers(7, 0) != numbers(8, 0))
    }

    @Test func numbersBelowABoundAreEvenlySpread() {
      var random = SeededGenerator(seed: 1)
      var counts = [Int](repeating: 0, count: 10)
      for _ in 0..<100_000 { counts[random.below(10)] += 1 }
      #expect(counts.allSatisfy { abs($0 - 10_000) < 400 }, "four standard deviations: \(counts)")
    }

    @Test func unitsLieBetweenZeroAndOne() {
      var random = SeededGenerator(seed: 2)
      let units = (0..<10_000).map { _ in random.unit() }
      #expect(units.allSatisfy { (0..<1).contains($0) })
      let mean: Double = units.reduce(0, +) / 10_000
      #expect((0.48..<0.52).contains(mean))
    }
  }
}
