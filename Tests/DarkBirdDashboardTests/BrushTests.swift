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
    // No number is a part of the way from one to the other.
    #expect(self.histogram([.double(0), .double(.leastNonzeroMagnitude)], bucketsMax: 64) == nil)
    let greatest = Double.greatestFiniteMagnitude
    #expect(self.histogram([.double(-greatest), .double(greatest)], bucketsMax: 64) == nil)
  }

  @Test func partOfAFieldCountsOnlyThatPart() throws {
    let values = (0..<1_000).map { IndexValue.int($0) }
    let part = try #require(self.histogram(values, bucketsMax: 10, ValueSpan(low: 100, high: 190)))
    #expect(part.total == 91)
    #expect(part.percentiles[1] == .int(145))
  }
}

@Suite("Axis of skewed values") struct LogarithmicHistogramTests {
  private func histogram(_ values: [IndexValue], bucketsMax: Int = 64) throws -> RangeHistogram {
    let span = ValueSpan(low: try #require(values.min()), high: try #require(values.max()))
    let histogram = RangeHistogram(field: "f", span, bucketsMax: bucketsMax) { values.count(where: $0.contains) }
    return try #require(histogram)
  }

  /// Numbers as many at each size, from 10 to the power of one number to that of another.
  private func spread(_ decades: ClosedRange<Double>, _ seed: UInt64) -> [Double] {
    var generator = SeededGenerator(seed: seed)
    return (0..<400).map { _ in pow(10, Double.random(in: decades, using: &generator)) }
  }

  @Test func sizesAreSpreadOverTheBuckets() throws {
    let sizes = try histogram(spread(3...9, 1).map { .int(Int64($0)) })
    #expect(sizes.isLogarithmic && sizes.total == 400)
    // None has more than a tenth, where buckets of one width would have nearly all in the first.
    #expect(sizes.counts.count > 30 && sizes.counts.allSatisfy { $0 <= 40 })
    #expect(sizes.edges.first == 1_000 && sizes.edges.last == 1_000_000_000)
  }

  @Test func edgesAreRoundNumbers() throws {
    for kind in ["int", "double"] {
      for seed in 0..<20 as Range<UInt64> {
        let numbers = spread(-2...Double(3 + seed / 2), seed).map { kind == "int" ? $0.rounded() : $0 }
        let histogram = try histogram(numbers.map { kind == "int" ? .int(Int64($0)) : .double($0) })
        #expect(histogram.isLogarithmic && histogram.counts.count <= 64)
        for edge in histogram.edges {
          let text = edge.description.prefix { $0 != "e" }
          let digits = String(text.filter { $0 != "." }).trimmingCharacters(in: ["0"])
          #expect(digits.count <= 2, "\(edge)")
        }
      }
    }
  }

  @Test(arguments: 0..<100 as Range<UInt64>) func everyValueIsInOneBucket(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let isWhole = Bool.random(using: &generator)
    let values = spread(-4...9, seed).enumerated().map { index, number -> IndexValue in
      let signed = index % 7 == 0 && seed % 3 == 0 ? -number : index % 11 == 0 && seed % 2 == 0 ? 0 : number
      return isWhole ? .int(Int64(signed)) : .double(signed)
    }
    let histogram = try histogram(values, bucketsMax: Int.random(in: 2...64, using: &generator))
    #expect(histogram.total == 400 && histogram.all == 400)
    #expect(histogram.edges == histogram.edges.sorted() && Set(histogram.edges).count == histogram.edges.count)
    for (percentile, rank) in zip(histogram.percentiles, [20, 200, 380]) {
      let exact = values.sorted()[rank - 1]
      guard !isWhole, case .double(let found) = percentile, case .double(let value) = exact else {
        #expect(percentile == exact)
        continue
      }
      // To some millionths of its size, or of the whole where the axis is not logarithmic.
      #expect(abs(found - value) <= (histogram.isLogarithmic ? abs(value) : 2e9) * 1e-5, "\(found) \(value)")
    }
  }

  @Test func zeroAndValuesBelowItHaveTheirPlace() throws {
    let withZero = try histogram(spread(0...6, 2).map { .int(Int64($0)) } + Array(repeating: .int(0), count: 30))
    #expect(withZero.edges.prefix(3) == [0, 1, 2] && withZero.counts[0] == 30)
    let both = try histogram(spread(0...6, 3).enumerated().map { .double($0 % 2 == 0 ? $1 : -$1) })
    #expect(both.isLogarithmic && both.edges.contains(0.0))
    #expect(both.edges.first == -1_000_000.0 && both.edges.last == 1_000_000.0)
    let negative = try histogram(spread(0...6, 4).map { .int(-Int64($0)) })
    #expect(negative.isLogarithmic && negative.edges.first == -1_000_000 && negative.edges.last == -1)
    // The smallest there is, not the smallest that a number can be.
    let tiny = try histogram(spread(-300 ... -290, 5).map { .double($0) } + [.double(1)])
    #expect(tiny.isLogarithmic && tiny.edges.first == 0.0 && tiny.total == 401)
  }

  @Test func evenValuesDatesAndNearOnesKeepStepsOfOneWidth() throws {
    var generator = SeededGenerator(seed: 9)
    let even = (0..<1_000).map { _ in Int64.random(in: 0...1_000_000, using: &generator) }
    #expect(try !histogram(even.map { .int($0) }).isLogarithmic)
    // Around zero, as differences are.
    let hill = (0..<1_000).map { _ in
      (0..<12).reduce(0.0) { sum, _ in sum + Double.random(in: -1...1, using: &generator) }
    }
    #expect(try !histogram(hill.map { .double($0) }).isLogarithmic)
    // Skewed, but the ends are near to each other.
    #expect(try !histogram(spread(0...2, 6).map { .double(1_000_000 + $0) }).isLogarithmic)
    // Each value has a bucket.
    let few: [Int64] = Array(repeating: 1, count: 500) + [2, 60]
    #expect(try !histogram(few.map { .int($0) }).isLogarithmic)
    let dates = spread(0...9, 7).map { IndexValue.date(Date(timeIntervalSince1970: $0)) }
    #expect(try !histogram(dates).isLogarithmic)
  }

  @Test func oneOutlierDoesNotHideAHandful() throws {
    let histogram = try histogram((1...9).map { .int($0) } + [.int(1_000_000_000)])
    #expect(histogram.isLogarithmic && histogram.counts.count { $0 > 0 } >= 6)
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
    #expect(range(model) == .closed(18, 35))
    press(.character("-"), .character("-"), in: &model)
    #expect(range(model) == .halfOpen(20, 34))
    #expect(model.browse.results?.run == run + 6)
    #expect(model.browse.query?.allTags == ["club=Ajax"])
    #expect(model.browse.focus == .brush)
    // Only where it ends is worth being remembered.
    #expect(model.browse.history == lines)
    press(.enter, in: &model)
    #expect(range(model) == .halfOpen(20, 34))
    #expect(model.browse.brush == nil && model.browse.focus == .results && model.view == .browse)
    #expect(model.browse.history.count == lines.count + 1)
  }

  @Test func theKeysOfEveryViewAreThereBesideIt() {
    for (key, view) in [("o", Model.View.overview), ("w", .workload), ("A", .alerts), ("J", .jobs)] {
      var model = brushing()
      #expect(model.keyContext == .brush)
      press(.character(Character(key)), in: &model)
      #expect(model.view == view)
      press(.character("b"), in: &model)
      #expect(model.keyContext == .brush, "as it was left")
    }
    var model = brushing()
    press(.character(" "), in: &model)
    #expect(model.time != .live)
    press(.character("`"), in: &model)
    #expect(model.time == .live)
  }

  @Test func aNarrowBrushLeaps() throws {
    var model = brushing()
    for _ in 0..<20 { press(.character("-"), in: &model) }
    press(.home, in: &model)
    let narrow = try #require(model.browse.brush)
    let axis = try #require(narrow.histogram).counts.count
    #expect(narrow.buckets == 0..<1 && axis >= 20)
    press(.pageDown, in: &model)
    #expect(model.browse.brush?.buckets == axis / 10..<axis / 10 + 1)
    press(.pageUp, in: &model)
    #expect(model.browse.brush?.buckets == 0..<1)
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
    press(.character("i"), in: &model)
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
    press(.right, .character("i"), .character("0"), in: &model)
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

  // MARK: Taking back

  @Test func escapeGivesBackTheQueryAndItsResults() throws {
    var model = brushing()
    let before = try #require(model.browse.results)
    #expect(before.selected == 4)
    press(.right, .right, .shiftRight, .character("i"), .left, in: &model)
    #expect(range(model) != .closed(20, 35))
    press(.escape, in: &model)
    let after = try #require(model.browse.results)
    #expect(after.selection == before.selection && after.rows == before.rows && after.selected == 4)
    #expect(after.plan == before.plan && after.matches == before.matches && !after.isRunning)
    #expect(model.browse.brush == nil && model.browse.focus == .results && model.view == .browse)
    // One can go on with them: what is asked for is newer than all that the brush has asked.
    #expect(after.run == model.browse.runs)
    press(.end, in: &model)
    #expect(model.browse.results?.isLastPage == true && model.browse.results?.isRunning == false)
  }

  @Test func escapeGivesBackAQueryWithoutThatField() {
    var model = Script().model(200)
    store.answer(model.update(.key(.character("b"))), in: &model)
    press(.character("r"), .character("-"), .character("-"), in: &model)
    #expect(range(model) == .halfOpen(18, 65))
    press(.escape, in: &model)
    #expect(model.browse.results?.selection == .query(Query(), limit: nil))
  }

  /// Two fields were brushed over: all of it is taken back.
  @Test func escapeTakesBackWhatWasDoneToOtherFields() {
    var model = brushing()
    press(.right, .character("r"), .escape, in: &model)
    #expect(range(model) == .closed(20, 35))
  }

  @Test func escapeWorksFromTheResultsToo() {
    var model = brushing()
    press(.right, .character("2"), .escape, in: &model)
    #expect(model.browse.brush == nil && model.view == .browse && range(model) == .closed(20, 35))
    press(.escape, in: &model)
    #expect(model.view == .overview)
  }

  @Test func resultsThatWereNotThereYetAreAskedForAgain() {
    var model = brushing()
    _ = model.update(.key(.character("2")))
    let late = model.update(.key(.function(5)))
    press(.character("r"), in: &model)
    press(.right, in: &model)
    store.answer(late, in: &model)
    press(.escape, in: &model)
    #expect(model.browse.results?.isRunning == false && model.browse.results?.rows.isEmpty == false)
    #expect(range(model) == .closed(20, 35))
  }

  @Test func anotherQueryIsWhatTheBrushLiesOverFromThenOn() {
    var model = brushing()
    press(.right, .character("2"), .character("/"), .control("u"), in: &model)
    for character in "range age 40..50" { press(.character(character), in: &model) }
    press(.enter, in: &model)
    #expect(model.browse.brush?.isLoading == false && model.browse.brush?.range == .closed(40, 50))
    #expect(model.browse.brush?.histogram?.matching == .all)
    press(.character("r"), .right, in: &model)
    #expect(range(model) == .halfOpen(41, 52))
    press(.escape, in: &model)
    #expect(range(model) == .closed(40, 50))
  }

  // MARK: Ends as they were written

  private func brushing(_ line: String) -> Model {
    var model = Browsing.query()
    store.answer(model.runLine(line), in: &model)
    press(.character("r"), in: &model)
    return model
  }

  @Test func openEndsStayOpen() {
    var above = brushing("range age 40..")
    press(.right, in: &above)
    #expect(range(above) == .atLeast(41))
    press(.left, .left, .left, in: &above)
    #expect(range(above) == .atLeast(38))
    press(.home, in: &above)
    #expect(range(above) == .atLeast(16))
    press(.end, .right, in: &above)
    #expect(range(above) == .atLeast(66))
    press(.shiftRight, in: &above)
    #expect(range(above) == .atLeast(65))
    press(.shiftLeft, in: &above)
    #expect(range(above) == .halfOpen(65, 66))
    var below = brushing("range age ..<40")
    press(.left, in: &below)
    #expect(range(below) == .less(than: 39))
    press(.home, .left, in: &below)
    #expect(range(below) == .less(than: 17))
  }

  /// Zooming does not close an end either.
  @Test func openEndsStayOpenInAPartOfTheField() {
    var model = brushing("range age 40..")
    press(.character("i"), .right, in: &model)
    #expect(range(model) == .atLeast(41))
    #expect(model.browse.brush?.histogram?.edges.first == 40)
  }

  @Test func endsThatWereNotMovedAreExact() throws {
    // One document a year, in buckets of five years: both ends lie inside one.
    var model = brushing("range age 22..<43")
    let histogram = RangeHistogram(field: "age", ValueSpan(low: 16, high: 67), asked: .halfOpen(22, 43), bucketsMax: 12)
    {
      range in (16...67).count { range.contains(.int($0)) }
    }
    _ = model.update(.reply(.histogram(field: "age", histogram)))
    let brush = try #require(model.browse.brush)
    #expect(brush.buckets == 1..<6 && brush.range == .halfOpen(22, 43) && brush.count == 21)
    press(.right, in: &model)
    #expect(range(model) == .halfOpen(25, 50) && model.browse.brush?.count == 25)
    press(.left, in: &model)
    #expect(range(model) == .halfOpen(22, 43) && model.browse.brush?.count == 21)
    press(.shiftRight, in: &model)
    #expect(range(model) == .halfOpen(15, 50) && model.browse.brush?.count == 34)
    press(.right, in: &model)
    #expect(range(model) == .halfOpen(22, 55) && model.browse.brush?.count == 33)
  }

  @Test func aQueryWithoutTheFieldHasNoConditionOnItAgain() {
    var model = brushing("tag:club=Ajax")
    press(.shiftLeft, in: &model)
    #expect(range(model) == .halfOpen(17, 66))
    press(.shiftRight, in: &model)
    #expect(range(model) == nil)
  }

  @Test func rangesBeyondTheFieldStayAsTheyAre() {
    var model = brushing("range age 90..99")
    #expect(model.browse.brush?.range == .closed(90, 99) && model.browse.brush?.count == 0)
    press(.left, in: &model)
    #expect(range(model) == .halfOpen(65, 66))
  }

  // MARK: The panel

  private func lines(_ model: Model) -> [String] { Renderer.render(model, colors: .none).lines }

  @Test func thePanelSaysWhatItCounts() throws {
    let model = brushing()
    let status = try #require(lines(model).first { $0.contains("match  ") && $0.contains("documents") })
    #expect(status.contains("20 .. 35") && status.contains("of 1,586,000 with age"))
    #expect(status.contains("bright: other conditions met"))
    // The part of all documents, also where only a part of the field is shown.
    var zoomed = model
    press(.character("i"), in: &zoomed)
    #expect(try #require(lines(zoomed).first { $0.contains("match  ") }).contains("of 1,586,000 with age"))
    let plain = brushing("range age 20..")
    #expect(try #require(lines(plain).first { $0.contains("of 1,586,000") }).contains(" 20 ..  "))
  }

  /// Without colours, at the usual size: each side says whose measure it is.
  @Test(arguments: [GlyphTier.ascii, .braille]) func barsOfTwoMeasuresHaveOneOnEitherSide(_ glyphs: GlyphTier) throws {
    var model = brushing()
    _ = model.update(.resize(width: 80, height: 24))
    model.glyphs = glyphs
    #expect(!lines(model).contains { $0.contains(" all ") && $0.contains(" match") && !$0.contains("documents") })
    let span = ValueSpan(low: 16, high: 67)
    var histogram = RangeHistogram(field: "age", span, asked: .closed(20, 35), bucketsMax: 64) { range in
      (16...67).count { range.contains(.int(Int64($0))) } * 4_000
    }
    let few = Array(repeating: 7, count: histogram?.counts.count ?? 0)
    histogram?.matching = .counted(few)
    _ = model.update(.reply(.histogram(field: "age", histogram)))
    let screen = lines(model)
    let sides = try #require(screen.firstIndex { $0.contains("   all ") && $0.contains(" match ") })
    #expect(screen[sides - 1].contains(" 10k ") && screen[sides - 1].contains(" 10 "), "\(screen[sides - 1])")
    #expect(screen[sides - 2].contains("of all 208,000: p5 18  p50 41  p95 65"), "\(screen[sides - 2])")
  }

  @Test func aBrushOverEverythingSaysWhyItStays() throws {
    var model = brushing("tag:club=Ajax")
    for key in [Key.right, .character("i")] {
      press(key, in: &model)
      #expect(try #require(model.browse.notice).contains("Shift-Left makes it narrower"))
    }
    press(.character("-"), .character("i"), in: &model)
    #expect(model.browse.notice == nil && model.browse.brush?.span != nil)
  }

  @Test func aLogarithmicAxisIsNamedAndHasItsPowersOfTen() throws {
    var model = brushing()
    let values = (0..<600).map { pow(10, 3 + Double($0) / 100) }
    let span = ValueSpan(low: .int(1_000), high: .int(980_000_000))
    let histogram = RangeHistogram(field: "age", span, asked: .closed(20, 35), bucketsMax: 64) { range in
      values.count { range.contains(.int(Int64($0))) }
    }
    _ = model.update(.reply(.histogram(field: "age", histogram)))
    let axis = try #require(lines(model).first { $0.contains("log ") && $0.contains("1G") })
    for label in ["10k", "100k", "1M", "10M", "100M"] { #expect(axis.contains("─\(label)─"), "\(label)") }
  }
}
