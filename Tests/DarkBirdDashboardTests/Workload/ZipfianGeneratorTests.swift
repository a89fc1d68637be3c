import Foundation
import Testing

@testable import DarkBirdDashboard

extension WorkloadTests {
  @Suite struct ZipfianGeneratorTests {
    /// The probability of each rank by Zipf's law.
    private func law(_ count: Int) -> [Double] {
      let weights = (1...count).map { pow(Double($0), -ZipfianGenerator.theta) }
      let sum = weights.reduce(0, +)
      return weights.map { $0 / sum }
    }

    @Test(arguments: [1, 2, 3, 10, 1_000, 100_000])
    func frequenciesFollowTheLaw(count: Int) {
      let draws = 400_000
      let ranks = ZipfianGenerator(count: count)
      var random = SeededGenerator(seed: 42)
      var counts = [Int](repeating: 0, count: count)
      for _ in 0..<draws { counts[ranks.next(using: &random)] += 1 }
      let law = law(count)
      // The first two ranks are exact: within five standard deviations.
      for rank in 0..<min(count, 2) {
        let expected = law[rank] * Double(draws)
        #expect(abs(Double(counts[rank]) - expected) <= 5 * expected.squareRoot() + 1, "rank \(rank)")
      }
      // The others follow a continuous approximation: the share of each octave of ranks within 10 %, and of
      // the first, where the approximation begins, within 20 %.
      var first = 2
      while first < count {
        let octave = first..<min(first * 2, count)
        let expected = octave.reduce(0) { $0 + law[$1] } * Double(draws)
        let found = Double(octave.reduce(0) { $0 + counts[$1] })
        #expect(
          abs(found - expected) < expected * (first == 2 ? 0.2 : 0.1) + 5 * expected.squareRoot(), "ranks \(octave)")
        first *= 2
      }
    }

    @Test(arguments: [1, 2, 999, 1_000, 1_001, 5_000, 1_000_000])
    func theSumOfTheWeightsIsThatOfTheTerms(count: Int) {
      let terms = (1...count).reversed().reduce(0.0) { $0 + pow(Double($1), -0.99) }
      #expect(abs(ZipfianGenerator.weightSum(count, theta: 0.99) / terms - 1) < 1e-12)
    }

    @Test func aGeneratorThatFollowedIsOneMadeForTheCount() {
      var grown = ZipfianGenerator(count: 1)
      for count in 2...5_000 { grown.follow(count) }
      #expect(grown.count > 4_990 && grown.count <= 5_000)
      let made = ZipfianGenerator(count: grown.count)
      var random = (SeededGenerator(seed: 3), SeededGenerator(seed: 3))
      for _ in 0..<1_000 { #expect(grown.next(using: &random.0) == made.next(using: &random.1)) }
      grown.follow(10)
      #expect(grown.count == 10)
      #expect((0..<1_000).allSatisfy { _ in grown.next(using: &random.0) < 10 })
    }

    @Test(arguments: [1, 2, 3, 4, 5, 64, 1_000, 65_537])
    func aScrambleHitsEveryNumberOnce(count: Int) {
      let scramble = KeyScramble(count: count)
      #expect(Set((0..<count).map { scramble($0) }) == Set(0..<count))
    }

    @Test func aScrambleSpreadsTheHotRanks() {
      let scramble = KeyScramble(count: 100_000)
      let places = (0..<64).map { scramble($0) / 1_000 }
      #expect(Set(places).count > 40, "64 hot ranks in 100 stretches of keys: \(places)")
    }
  }
}
