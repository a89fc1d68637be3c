import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Histogram of a range field") struct RangeHistogramTests {
  private func histogram(_ values: [IndexValue], bucketsMax: Int = 10, _ span: ValueSpan? = nil) -> RangeHistogram? {
    let sorted = values.sorted()
    guard let low = sorted.first, let high = sorted.last else { return nil }
    return RangeHistogram(field: "f", span ?? ValueSpan(low: low, high: high), bucketsMax: bucketsMax) { range in
      values.count(where: range.contains)
    }
  }

  @Test func everyValueIsInOneBucket() throws {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<200 {
      let spread = Int64.random(in: 1...1_000_000, using: &generator)
      let values = (0..<100).map { _ in IndexValue.int(Int64.random(in: -spread...spread, using: &generator)) }
      let bucketsMax = Int.random(in: 2...64, using: &generator)
      let histogram = try #require(self.histogram(values, bucketsMax: bucketsMax))
      #expect(histogram.total == 100)
      #expect(histogram.counts.count <= bucketsMax)
      #expect(histogram.edges == histogram.edges.sorted())
      let sorted = values.sorted()
      #expect(histogram.percentiles == [sorted[4], sorted[49], sorted[94]])
    }
  }

  @Test func stepsAreRound() throws {
    let ages = try #require(self.histogram((16...67).map { .int($0) }))
    #expect(ages.edges.first == .int(10) && ages.edges.last == .int(70))
    #expect(ages.counts.count == 6)
    let days = (0..<400).map { IndexValue.date(Date(timeIntervalSince1970: Double($0) * 86_400)) }
    let months = try #require(self.histogram(days, bucketsMax: 20))
    #expect(months.edges[1] == .date(Date(timeIntervalSince1970: 2_419_200)))
    let parts = try #require(self.histogram([.double(0.1), .double(0.9)], bucketsMax: 11))
    #expect(parts.counts.reduce(0, +) == 2 && parts.counts.count <= 11)
  }

  @Test func textsAndSingleValuesHaveNone() {
    #expect(self.histogram([.string("a"), .string("b")]) == nil)
    #expect(self.histogram([.bool(false), .bool(true)]) == nil)
    #expect(self.histogram([.int(5), .int(5)]) == nil)
    #expect(self.histogram([.int(.min), .int(.max)]) == nil)
  }

  @Test func partOfAFieldCountsOnlyThatPart() throws {
    let values = (0..<1_000).map { IndexValue.int($0) }
    let part = try #require(self.histogram(values, bucketsMax: 10, ValueSpan(low: 100, high: 190)))
    #expect(part.total == 91)
    #expect(part.percentiles[1] == .int(145))
  }
}

@Suite("Brush") struct BrushTests {
  private let store = ScriptedStore()

  private func press(_ keys: Key..., in model: inout Model) {
    for key in keys { store.answer(model.update(.key(key)), in: &model) }
  }

  private func brushing() -> Model {
    var model = Browsing.query()
    press(.character("r"), in: &model)
    return model
  }

  private func range(_ model: Model) -> IndexRange? { model.browse.query?.ranges.first { $0.field == "age" }?.range }

  @Test func beginsOverWhatTheQueryAsksFor() throws {
    let brush = try #require(brushing().browse.brush)
    #expect(brush.field == "age")
    let histogram = try #require(brush.histogram)
    #expect(histogram.edges[brush.buckets.lowerBound] == .int(20))
    #expect(histogram.edges[brush.buckets.upperBound] == .int(36))
  }

  @Test func theQueryRunsAsTheBrushMoves() throws {
    var model = brushing()
    let run = try #require(model.browse.results).run
    let lines = model.browse.history
    press(.right, in: &model)
    #expect(range(model) == .halfOpen(21, 37))
    press(.left, .left, in: &model)
    #expect(range(model) == .halfOpen(19, 35))
    press(.shiftRight, in: &model)
    #expect(range(model) == .halfOpen(18, 36))
    press(.character("-"), .character("-"), in: &model)
    #expect(range(model) == .halfOpen(20, 34))
    #expect(model.browse.results?.run == run + 6)
    #expect(model.browse.query?.allTags == ["club=Ajax"])
    #expect(model.browse.focus == .brush)
    // Only where it ends is worth being remembered.
    #expect(model.browse.history == lines)
    press(.escape, in: &model)
    #expect(model.browse.brush == nil && model.browse.focus == .results && model.view == .browse)
    #expect(model.browse.history.count == lines.count + 1)
  }

  @Test func stopsAtBothEnds() {
    var model = brushing()
    press(.home, in: &model)
    #expect(range(model) == .halfOpen(16, 32))
    press(.left, in: &model)
    #expect(range(model) == .halfOpen(16, 32))
    press(.end, .right, in: &model)
    #expect(range(model) == .closed(51, 67))
    for _ in 0..<100 { press(.character("+"), in: &model) }
    #expect(range(model) == .closed(16, 67))
    for _ in 0..<100 { press(.character("-"), in: &model) }
    #expect(model.browse.brush?.buckets.count == 1)
  }

  @Test func zoomsIntoTheBrushAndOutAgain() throws {
    var model = brushing()
    press(.enter, in: &model)
    #expect(model.browse.brush?.histogram?.edges.first == .int(20))
    #expect(model.browse.brush?.histogram?.edges.last == .int(36))
    press(.character("0"), in: &model)
    #expect(model.browse.brush?.histogram?.edges.first == .int(16))
    #expect(range(model) == nil)
  }

  @Test func sameKeyGoesOnToTheNextField() {
    var model = brushing()
    press(.character("r"), in: &model)
    #expect(model.browse.brush?.field == "joined")
    #expect(model.browse.brush?.histogram == nil && model.browse.brush?.isLoading == false)
    press(.right, .enter, .character("0"), in: &model)
    press(.character("r"), .character("r"), in: &model)
    #expect(model.browse.brush?.field == "age")
  }

  @Test func answersForAnotherFieldAreIgnored() {
    var model = Browsing.query()
    let effects = model.update(.key(.character("r")))
    _ = model.update(.key(.character("r")))
    store.answer(effects, in: &model)
    #expect(model.browse.brush?.field == "joined" && model.browse.brush?.isLoading == true)
  }
}
