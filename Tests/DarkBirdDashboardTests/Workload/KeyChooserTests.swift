import Foundation
import Testing

@testable import DarkBirdDashboard

extension WorkloadTests {
  @Suite struct KeyChooserTests {
    private static let draws = 200_000

    private func counts(_ distribution: KeyDistribution, _ population: Population, seed: UInt64 = 9) -> [Int: Int] {
      var chooser = KeyChooser(distribution, among: population.lanes)
      var random = SeededGenerator(seed: seed)
      var counts: [Int: Int] = [:]
      for _ in 0..<Self.draws { counts[chooser.next(using: &random)!, default: 0] += 1 }
      return counts
    }

    private func full(_ documents: Int, lanes: Int) -> Population {
      let population = Population(documents: documents, capacity: documents, lanes: lanes)
      population.finishLoad()
      return population
    }

    @Test(arguments: [1, 3]) func uniformPicksAllAlike(lanes: Int) {
      let counts = counts(.uniform, full(100, lanes: lanes))
      #expect(Set(counts.keys) == Set(0..<100))
      #expect(counts.values.allSatisfy { abs($0 - 2_000) < 220 }, "five standard deviations")
    }

    @Test(arguments: [1, 3]) func zipfianPicksFewOftenAndAllSometimes(lanes: Int) {
      let counts = counts(.zipfian, full(1_000, lanes: lanes))
      #expect(counts.keys.allSatisfy { (0..<1_000).contains($0) })
      #expect(counts.count > 990, "each number has its rank")
      let sorted = counts.values.sorted(by: >)
      let sum = (1...1_000).reduce(0.0) { $0 + pow(Double($1), -ZipfianGenerator.theta) }
      for rank in 0..<2 {
        let expected = Double(Self.draws) * pow(Double(rank + 1), -ZipfianGenerator.theta) / sum
        #expect(abs(Double(sorted[rank]) - expected) < 5 * expected.squareRoot(), "rank \(rank)")
      }
    }

    @Test(arguments: [1, 3]) func latestPrefersTheNewest(lanes: Int) {
      let counts = counts(.latest, full(999, lanes: lanes))
      let newest = (999 - lanes..<999).map { counts[$0, default: 0] }.reduce(0, +)
      let oldest = (0..<lanes).map { counts[$0, default: 0] }.reduce(0, +)
      #expect(newest > 100 * max(oldest, 1))
      #expect(counts.keys.allSatisfy { (0..<999).contains($0) })
    }

    @Test func latestFollowsWhatIsInserted() {
      let population = Population(documents: 1_000, capacity: 2_000, lanes: 1)
      population.finishLoad()
      var chooser = KeyChooser(.latest, among: population.lanes)
      var random = SeededGenerator(seed: 4)
      for end in 1_001...2_000 {
        population.lanes[0].advanceEnd()
        #expect(chooser.next(using: &random)! < end)
      }
      let newest = (0..<10_000).count { _ in chooser.next(using: &random) == 1_999 }
      let sum = (1...2_000).reduce(0.0) { $0 + pow(Double($1), -ZipfianGenerator.theta) }
      #expect(abs(Double(newest) - 10_000 / sum) < 5 * (10_000 / sum).squareRoot())
    }

    @Test func popularDocumentsStayPopularWhileOthersComeAndGo() {
      let population = full(1_000, lanes: 2)
      let before = counts(.zipfian, population).sorted { $0.value > $1.value }.prefix(20).map(\.key)
      // A tenth of all documents goes, and as many come.
      for lane in population.lanes {
        for _ in 0..<50 {
          lane.advanceFirst()
          lane.advanceEnd()
        }
      }
      let after = counts(.zipfian, population)
      #expect(after.keys.allSatisfy { (100..<1_100).contains($0) })
      for number in before where number >= 100 {
        #expect(after[number, default: 0] > 1_000, "\(number) was popular")
      }
    }

    @Test(arguments: KeyDistribution.allCases) func anEmptyPopulationHasNothingToChoose(_ distribution: KeyDistribution)
    {
      let population = Population(documents: 10, capacity: 10, lanes: 2)
      var chooser = KeyChooser(distribution, among: population.lanes)
      var random = SeededGenerator(seed: 5)
      #expect(chooser.next(using: &random) == nil)
    }
  }

  @Suite struct PopulationTests {
    private func load(_ population: Population) -> [Int] {
      let numbers = (0..<population.loadSteps).compactMap(population.loadNumber)
      population.finishLoad()
      return numbers
    }

    @Test(arguments: [(1, 1), (10, 1), (10, 3), (2, 5), (1_000, 7)])
    func anEmptyStoreGetsTheFirstNumbers(documents: Int, lanes: Int) {
      let population = Population(documents: documents, capacity: documents, lanes: lanes)
      let count = max(documents, lanes)
      #expect(load(population).sorted() == Array(0..<count))
      #expect(population.loaded == count)
      #expect(population.lanes.allSatisfy { $0.count == $0.target && $0.target >= 1 })
    }

    @Test(arguments: [1, 2, 5]) func aStoreIsFilledUpBehindItsNewestDocument(lanes: Int) {
      let population = Population(documents: 100, capacity: 100, lanes: lanes, existing: Array(40..<90))
      #expect(population.found == 50)
      #expect(load(population).sorted() == Array(90..<140))
      #expect(population.lanes.map { $0.number($0.first) }.sorted() == Array(40..<40 + lanes))
    }

    @Test func aLargerStoreStaysAsLargeAsItIs() {
      let population = Population(documents: 10, capacity: 10, lanes: 2, existing: Array(0..<100))
      #expect(load(population).isEmpty)
      #expect(population.loaded == 100)
      #expect(population.lanes.map(\.target) == [50, 50])
    }

    @Test func gapsAreNotCounted() {
      let population = Population(documents: 60, capacity: 60, lanes: 2, existing: (0..<100).filter { $0 % 2 == 0 })
      #expect(population.lanes.map(\.found) == [50, 0])
      #expect(load(population).count == 30, "lane 1 has none of its 30")
    }

    @Test(arguments: [[1 << 40], [0], [0, 1, 2, 3]]) func strayNumbersAreLeftAlone(_ strays: [Int]) {
      let population = Population(documents: 60, capacity: 60, lanes: 1, existing: Array(50_000..<50_050) + strays)
      #expect(population.found == 50)
      #expect(load(population) == Array(50_050..<50_060))
    }
  }

  @Suite struct PacerTests {
    private let second: UInt64 = 1_000_000_000

    @Test func operationsAreDueByTheScheduleHoweverLongTheyTook() {
      var pacer = Pacer(start: 0, perSecond: 100, share: 0, of: 1)
      var now: UInt64 = 0
      var done = 0
      while now <= second {
        if let delay = pacer.delay(at: now) {
          now += delay
        } else {
          done += 1
          // Every tenth takes longer than its turn.
          now += done % 10 == 0 ? 35_000_000 : 1_000_000
        }
      }
      #expect((99...101).contains(done))
      #expect(pacer.skipped == 0)
    }

    @Test func threadsTakeTurns() {
      var first = Pacer(start: 0, perSecond: 10, share: 0, of: 2)
      var second = Pacer(start: 0, perSecond: 10, share: 1, of: 2)
      #expect(first.delay(at: 0) == nil)
      #expect(first.delay(at: 0) == 200_000_000)
      #expect(second.delay(at: 0) == 100_000_000)
    }

    @Test func sleepsAreNotShorterThanAMillisecond() {
      var pacer = Pacer(start: 0, perSecond: 1_000_000, share: 0, of: 1)
      #expect(pacer.delay(at: 0) == nil)
      #expect(pacer.delay(at: 0) == Pacer.sleepNanosecondsMin)
    }

    @Test func atTheEndADebtIsMissedAndASleepIsNot() {
      var pacer = Pacer(start: 0, perSecond: 1_000, share: 0, of: 1)
      #expect(pacer.missed(at: Pacer.lateNanosecondsMin) == 0)
      #expect(pacer.delay(at: 0) == nil)
      // One was begun of those that were due at 0, 1, ... 500 ms.
      #expect(pacer.missed(at: second / 2) == 500)
      while pacer.delay(at: 10 * second) == nil {}
      #expect(pacer.skipped > 0 && pacer.missed(at: 10 * second) == pacer.skipped)
    }

    @Test func aScheduleThatIsASecondBehindLetsOperationsGo() {
      var pacer = Pacer(start: 0, perSecond: 1_000, share: 0, of: 1)
      #expect(pacer.delay(at: 10 * second) == nil)
      #expect(pacer.skipped == 9_000)
      var burst = 0
      while pacer.delay(at: 10 * second) == nil { burst += 1 }
      #expect((999...1_001).contains(burst), "what is left is made up for")
      #expect(pacer.skipped == 9_000)
    }
  }
}
