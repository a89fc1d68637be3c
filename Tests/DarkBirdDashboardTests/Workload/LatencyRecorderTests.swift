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
      #expect(interval.heat.counts[HeatColumn.bucket(of: LatencyRecorder.nanosecondsMax)] == 1)
      #expect(interval.heat.counts.first == 1)
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
      #expect(first.heat.counts[HeatColumn.bucket(of: 1_000)] == 1)
      #expect(first.heat.counts[HeatColumn.bucket(of: 3_000)] == 1)
      recorder.record(.get, nanoseconds: 2_000)
      _ = recorder.snapshot()
      let second = recorder.takeInterval(at: 100_000_000, summariesEvery: 0)
      #expect(second.heat.counts.reduce(0, +) == 1, "a snapshot takes nothing away")
      #expect(second.heat.counts[HeatColumn.bucket(of: 2_000)] == 1)
      #expect(second.recent[.get]?.count == 3)
      let third = recorder.takeInterval(at: 200_000_000, summariesEvery: 0)
      #expect(third.heat == HeatColumn())
      #expect(third.recent[.get]?.count == 3)
      #expect(recorder.snapshot()[.get].count == 3)
    }

    @Test func recentLatenciesCanBeForgottenAndTheIntervalStays() {
      let recorder = LatencyRecorder()
      recorder.record(.get, nanoseconds: 1_000)
      _ = recorder.takeInterval(at: 0)
      recorder.record(.scan, nanoseconds: 1_000)
      // Has the recorder take it from the slot.
      _ = recorder.snapshot()
      recorder.record(.put, nanoseconds: 2_000)
      recorder.forgetRecent()
      let interval = recorder.takeInterval(at: 100_000_000)
      #expect(interval.recent[.get] == nil && interval.recent[.scan] == nil)
      #expect(interval.recent[.put]?.count == 1 && interval.heat.counts.reduce(0, +) == 1)
      #expect(recorder.snapshot()[.get].count == 1 && recorder.snapshot()[.scan].count == 1)
    }

    @Test func percentilesMayBeAsOldAsIsGoodEnough() {
      let recorder = LatencyRecorder()
      func take(_ milliseconds: UInt64) -> LatencyRecorder.Interval {
        recorder.takeInterval(at: milliseconds * 1_000_000, summariesEvery: 500_000_000)
      }
      recorder.record(.get, nanoseconds: 1_000)
      #expect(take(0).recent[.get]?.count == 1)
      recorder.record(.get, nanoseconds: 1_000)
      let second = take(100)
      #expect(second.heat.counts.reduce(0, +) == 1 && second.recent[.get]?.count == 1)
      // What is new is told at once.
      recorder.record(.put, nanoseconds: 1_000)
      #expect(take(200).recent[.put]?.count == 1)
      recorder.record(.get, nanoseconds: 1_000)
      #expect(take(699).recent[.get]?.count == 2)
      #expect(take(700).recent[.get]?.count == 3)
    }

    @Test func recentPercentilesForgetWhatIsOlderThanTenSeconds() {
      let recorder = LatencyRecorder()
      recorder.record(.get, nanoseconds: 5_000_000)
      _ = recorder.takeInterval(at: 100 * second)
      for elapsed in 1...9 as ClosedRange<UInt64> {
        recorder.record(.get, nanoseconds: 1_000)
        #expect(recorder.takeInterval(at: (100 + elapsed) * second).recent[.get]?.max == 5_000_000)
      }
      #expect(recorder.takeInterval(at: 110 * second).recent[.get]?.max == 1_000)
      #expect(recorder.takeInterval(at: 118 * second).recent[.get]?.count == 1)
      #expect(recorder.takeInterval(at: 500 * second).recent.isEmpty)
      #expect(recorder.snapshot()[.get].max == 5_000_000)
    }

    @Test func kindsAreOneColumnOfTheHeatMap() {
      let recorder = LatencyRecorder()
      for value in [900, 1_024, 1_500, 2_047, 2_048, 1_000_000] as [UInt64] {
        recorder.record(.get, nanoseconds: value)
        recorder.makeSlot().record(.put, nanoseconds: value)
      }
      let counts = recorder.takeInterval().heat.counts
      // Half octaves: 1024 to 1535 and 1536 to 2047.
      #expect(counts[HeatColumn.bucket(of: 1_024)] == 4)
      #expect(counts[HeatColumn.bucket(of: 1_536)] == 2)
      #expect(counts[HeatColumn.bucket(of: 2_048)] == 2)
      #expect(counts.reduce(0, +) == 12)
    }

    @Test func operationsASecondAreThoseOfTheTimeThatIsCovered() {
      let recorder = LatencyRecorder()
      for tenth in 0..<400 as Range<UInt64> {
        if tenth == 200 { recorder.forgetRecent() }
        for _ in 0..<20 { recorder.record(.get, nanoseconds: 1_000) }
        let interval = recorder.takeInterval(at: 12_300_000_000 + tenth * second / 10, summariesEvery: 0)
        guard tenth % 200 >= 20, let count = interval.recent[.get]?.count else { continue }
        // 200 a second, and those of the first moment.
        #expect(abs(Double(count) / interval.recentSeconds - 200) <= 20 / interval.recentSeconds + 1e-9, "\(tenth)")
      }
    }

    @Test func whatBecomesTooOldStaysInTheSum() {
      let recorder = LatencyRecorder()
      for elapsed in 0..<40 as Range<UInt64> {
        recorder.record(.get, nanoseconds: 1_000)
        let recent = recorder.takeInterval(at: elapsed * second / 2).recent[.get]
        // Of the second before the first of the ten nothing.
        #expect(recent?.count == min(elapsed + 1, 19 + elapsed % 2))
        #expect(recorder.snapshot()[.get].count == elapsed + 1)
      }
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
