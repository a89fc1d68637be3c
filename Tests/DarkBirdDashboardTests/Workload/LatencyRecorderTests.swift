import Foundation
import Testing

@testable import DarkBirdDashboard

extension WorkloadTests {
  @Suite struct LatencyRecorderTests {
    private let second: UInt64 = 1_000_000_000

    @Test func percentilesAreThoseOfAllValues() {
      let recorder = LatencyRecorder()
      let slot = recorder.makeSlot()
      for microseconds in 1...10_000 as ClosedRange<UInt64> { slot.record(.get, nanoseconds: microseconds * 1_000) }
      let summary = recorder.snapshot()[.get]
      #expect(summary.count == 10_000)
      #expect(summary.max == 10_000_000)
      for (found, exact) in [
        (summary.p50, 5_000_000.0), (summary.p90, 9_000_000), (summary.p99, 9_900_000), (summary.p999, 9_990_000),
      ] {
        #expect(abs(Double(found) / exact - 1) < 0.01)
      }
    }

    @Test func oneValueIsAllPercentiles() {
      let recorder = LatencyRecorder()
      recorder.record(.put, nanoseconds: 777)
      let summary = recorder.snapshot()[.put]
      #expect([summary.p50, summary.p90, summary.p99, summary.p999, summary.max] == [777, 777, 777, 777, 777])
      #expect(recorder.snapshot().operations.keys.map(\.self) == [.put])
      #expect(recorder.snapshot()[.get] == LatencySummary())
    }

    @Test func valuesBeyondTheRangeCountAsItsEnds() {
      let recorder = LatencyRecorder()
      recorder.record(.put, nanoseconds: .max)
      recorder.record(.get, nanoseconds: 0)
      #expect(recorder.snapshot()[.put].max == LatencyRecorder.nanosecondsMax)
      #expect(recorder.snapshot()[.get].count == 1)
      #expect(recorder.snapshot()[.get].p999 == 0)
      let interval = recorder.takeInterval()
      #expect(interval[.put]?.counts.last == 1)
      #expect(interval[.get]?.counts.first == 1)
    }

    @Test func slotsOfManyThreadsAddUp() {
      let recorder = LatencyRecorder()
      DispatchQueue.concurrentPerform(iterations: 8) { thread in
        let slot = recorder.makeSlot()
        for value in 0..<10_000 {
          slot.record(.update, nanoseconds: UInt64(value))
          recorder.record(.scan, nanoseconds: UInt64(value))
          if value % 1_000 == thread { _ = recorder.takeInterval() }
        }
      }
      #expect(recorder.snapshot()[.update].count == 80_000)
      #expect(recorder.snapshot()[.scan].count == 80_000)
      #expect(recorder.snapshot().count == 160_000)
    }

    @Test func anIntervalHoldsWhatCameSinceTheOneBefore() {
      let recorder = LatencyRecorder()
      recorder.record(.get, nanoseconds: 1_000)
      recorder.record(.get, nanoseconds: 3_000)
      let first = recorder.takeInterval(at: 0)
      #expect(first[.get]?.count == 2)
      #expect(first[.get]?.max == 3_000)
      recorder.record(.get, nanoseconds: 2_000)
      _ = recorder.snapshot(at: 50_000_000)
      let second = recorder.takeInterval(at: 100_000_000)
      #expect(second[.get]?.count == 1, "a snapshot takes nothing away")
      #expect(second[.get]?.recent.count == 3)
      let third = recorder.takeInterval(at: 200_000_000)
      #expect(third[.get]?.count == 0)
      #expect(third[.get]?.recent.count == 3)
      #expect(recorder.snapshot()[.get].count == 3)
    }

    @Test func recentLatenciesCanBeForgottenAndTheIntervalStays() {
      let recorder = LatencyRecorder()
      recorder.record(.get, nanoseconds: 1_000)
      _ = recorder.takeInterval(at: 0)
      recorder.record(.put, nanoseconds: 2_000)
      recorder.forgetRecent()
      let interval = recorder.takeInterval(at: 100_000_000)
      #expect(interval[.get] == nil)
      #expect(interval[.put]?.count == 1 && interval[.put]?.recent.count == 1)
      #expect(recorder.snapshot()[.get].count == 1)
    }

    @Test func percentilesMayBeAsOldAsIsGoodEnough() {
      let recorder = LatencyRecorder()
      func take(_ milliseconds: UInt64) -> [OperationKind: IntervalHistogram] {
        recorder.takeInterval(at: milliseconds * 1_000_000, summariesEvery: 500_000_000)
      }
      recorder.record(.get, nanoseconds: 1_000)
      #expect(take(0)[.get]?.recent.count == 1)
      recorder.record(.get, nanoseconds: 1_000)
      let second = take(100)
      #expect(second[.get]?.count == 1 && second[.get]?.recent.count == 1)
      // What is new is told at once.
      recorder.record(.put, nanoseconds: 1_000)
      #expect(take(200)[.put]?.recent.count == 1)
      recorder.record(.get, nanoseconds: 1_000)
      #expect(take(699)[.get]?.recent.count == 2)
      #expect(take(700)[.get]?.recent.count == 3)
    }

    @Test func recentPercentilesForgetWhatIsOlderThanTenSeconds() {
      let recorder = LatencyRecorder()
      recorder.record(.get, nanoseconds: 5_000_000)
      _ = recorder.takeInterval(at: 100 * second)
      for elapsed in 1...9 as ClosedRange<UInt64> {
        recorder.record(.get, nanoseconds: 1_000)
        #expect(recorder.takeInterval(at: (100 + elapsed) * second)[.get]?.recent.max == 5_000_000)
      }
      #expect(recorder.takeInterval(at: 110 * second)[.get]?.recent.max == 1_000)
      #expect(recorder.takeInterval(at: 118 * second)[.get]?.recent.count == 1)
      #expect(recorder.takeInterval(at: 500 * second).isEmpty)
      #expect(recorder.snapshot()[.get].max == 5_000_000)
    }

    @Test func bucketsFollowEachOtherWithoutAGap() {
      for bucket in 0..<IntervalHistogram.bucketCount {
        let (lower, next) = (IntervalHistogram.lowerBound(of: bucket), IntervalHistogram.lowerBound(of: bucket + 1))
        #expect(lower < next)
        #expect(IntervalHistogram.bucket(of: lower) == bucket)
        #expect(IntervalHistogram.bucket(of: next - 1) == bucket)
      }
      #expect(IntervalHistogram.lowerBound(of: IntervalHistogram.bucketCount) > LatencyRecorder.nanosecondsMax)
    }

    @Test func aCellOfTheHeatMapCountsItsRange() {
      let recorder = LatencyRecorder()
      for value in [900, 1_024, 1_500, 2_047, 2_048, 1_000_000] as [UInt64] {
        recorder.record(.get, nanoseconds: value)
      }
      var interval = recorder.takeInterval()[.get]!
      #expect(interval.count(in: 1_024..<2_048) == 3)
      #expect(interval.count(in: 0..<1_024) == 1)
      #expect(interval.count(in: 2_048..<UInt64.max) == 2)
      interval.add(interval)
      #expect(interval.count == 12)
      #expect(interval.count(in: 1_024..<2_048) == 6)
    }

    @Test func aSnapshotIsAnObjectByKindInJSON() throws {
      let recorder = LatencyRecorder()
      recorder.record(.unique, nanoseconds: 9)
      let data = try JSONEncoder().encode(recorder.snapshot())
      let text = String(decoding: data, as: UTF8.self)
      #expect(text.contains(#""unique":{"#), "\(text)")
      #expect(try JSONDecoder().decode(LatencySnapshot.self, from: data) == recorder.snapshot())
    }
  }
}
