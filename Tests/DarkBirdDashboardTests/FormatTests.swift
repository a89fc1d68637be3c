import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Numbers and times") struct FormatTests {
  @Test(arguments: [
    (0.0, "0"), (7, "7"), (999.4, "999"), (999.6, "1.0k"), (41_000, "41.0k"), (184_200, "184.2k"), (999_949, "999.9k"),
    (999_999, "1.0M"), (1_204_117, "1.2M"), (-2_500, "-2.5k"), (.infinity, "-"), (.nan, "-"),
  ]) func short(_ value: Double, _ text: String) { #expect(Format.short(value) == text) }

  @Test(arguments: [
    (85.0, "85ns"), (999.6, "1.0us"), (4_000, "4.0us"), (31_000, "31us"), (999_600, "1.0ms"), (1_100_000, "1.1ms"),
    (31_000_000, "31ms"), (1_200_000_000, "1.2s"), (75_000_000_000, "75s"), (-1, "-"),
  ]) func time(_ nanoseconds: Double, _ text: String) { #expect(Format.time(nanoseconds: nanoseconds) == text) }

  /// Columns of figures must not jump: whatever the value, it fits.
  @Test func widthsAreBounded() {
    var value = 0.001
    while value < 1e18 {
      #expect(Format.short(value).count <= 6, "\(value)")
      #expect(Format.rate(value).count <= 6, "\(value)")
      #expect(Format.time(nanoseconds: min(value, 9e12)).count <= 5, "\(value)")
      #expect(Format.bytes(value).count <= 8, "\(value)")
      value *= 1.07
    }
  }

  @Test func grouped() {
    #expect(Format.grouped(0) == "0")
    #expect(Format.grouped(999) == "999")
    #expect(Format.grouped(1_204_117) == "1,204,117")
    #expect(Format.grouped(-12_345) == "-12,345")
    #expect(Format.grouped(Int.min).count == 26)
  }

  @Test func partsNeverReadAsNothingOrAll() {
    #expect(Format.percent(0) == "0%")
    #expect(Format.percent(0.0001) == "<1%")
    #expect(Format.percent(0.624) == "62%")
    #expect(Format.percent(0.9999) == "99%")
    #expect(Format.percent(1) == "100%")
  }

  @Test func clocks() throws {
    let date = Date(timeIntervalSince1970: 1_700_000_000.2045)
    #expect(Format.clock(date, in: .gmt) == "22:13:20")
    #expect(Format.clock(date, in: .gmt, milliseconds: true) == "22:13:20.204")
    let zone = try #require(TimeZone(secondsFromGMT: 3_600))
    #expect(Format.clock(date, in: zone) == "23:13:20")
    #expect(Format.uptime(nanoseconds: 849_000_000_000) == "14:09")
    #expect(Format.uptime(nanoseconds: 8_049_000_000_000) == "2:14:09")
    #expect(Format.ago(seconds: 60) == "-60s")
    #expect(Format.ago(seconds: 450) == "-7.5m")
  }

  @Test func clippingCountsColumns() {
    #expect(Format.clipped("Oslo", 4, .ascii) == "Oslo")
    #expect(Format.clipped("Trondheim", 5, .ascii) == "Tron~")
    #expect(Format.clipped("東京タワー", 5, .braille) == "東京…")
    #expect(Format.clipped("東京タワー", 4, .braille) == "東…")
    #expect(Format.clipped("abc", 0, .ascii).isEmpty)
  }

  @Test func namesThatBeginAlikeAreToldApartByTheirEnds() {
    #expect(Format.clippedMiddle("created_at", 10, .ascii) == "created_at")
    #expect(Format.clippedMiddle("created_at", 7, .ascii) == "cre~_at")
    #expect(Format.clippedMiddle("created_by", 6, .ascii) == "cre~by")
    #expect(Format.clippedMiddle("created_by", 4, .ascii) == "cre~")
    for width in 0...12 { #expect(displayWidth(Format.clippedMiddle("東京タワー大", width, .braille)) <= width) }
  }

  @Test func axesAreRound() {
    #expect(Plot.niceCeiling(0) == 1)
    #expect(Plot.niceCeiling(146_100) == 200_000)
    #expect(Plot.niceCeiling(220_000) == 250_000)
    #expect(Plot.niceCeiling(1_000) == 1_000)
    #expect(Format.axis(200_000) == "200k")
    #expect(Format.axis(2_500) == "2.5k")
    // The middle of an axis that ends at 1, at 5: not rounded to a label that is there already.
    #expect(Format.axis(0.5) == "0.5" && Format.axis(2.5) == "2.5" && Format.axis(5) == "5")
  }

  @Test func braillePatternsFillFromBelow() {
    #expect(Plot.braille(left: 0, right: 0) == "⠀")
    #expect(Plot.braille(left: 1, right: 0) == "⡀")
    #expect(Plot.braille(left: 4, right: 4) == "⣿")
    #expect(Plot.braille(left: 2, right: 3) == "⣴")
  }

  @Test func sparklinesDoNotMagnifyNoise() {
    #expect(Plot.sparkline([1_000_000, 1_000_010], glyphs: .braille) == "▁▁")
    #expect(Plot.sparkline([0, 50, 100, nil], glyphs: .braille) == "▁▅█ ")
    #expect(Plot.sparkline([], glyphs: .ascii).isEmpty)
  }

  @Test func documentsOfManyLinesAreCut() {
    let points = (0..<20_000).map { Value.array([.int(Int64($0)), .int(1)]) }
    let lines = DocumentText.lines(["first": 1, "points": .array(points), "last": 2], width: 60).map(\.text)
    #expect(lines.count < DocumentText.linesMax + 10)
    let shown = lines.count { $0.contains(", 1]") }
    #expect(lines.contains { $0.hasSuffix(" \(Format.grouped(20_000 - shown)) more") } && shown > 1_000)
    // What lies behind is told of as well.
    #expect(lines.last?.hasSuffix(" 1 more") == true, "\(lines.suffix(3))")
  }

  @Test func longTextsAndArraysAreCut() {
    let long: Record = [
      "text": .string(String(repeating: "ä", count: DocumentText.scalarsMax + 1_500)),
      "list": .array(Array(repeating: .string("0123456789"), count: 10_000)),
      "short": .array([1, 2, 3]),
    ]
    let lines = DocumentText.lines(long, width: 80).map(\.text)
    #expect(lines.count < 600)
    #expect(lines.contains { $0.hasSuffix("  … 3,000 bytes more") })
    // Twelve characters each with the comma: 1,366 are more than 16,384.
    #expect(lines.contains { $0.hasSuffix("  … 8,634 elements more") })
    #expect(lines.last?.hasSuffix("[1, 2, 3]") == true)
  }

  @Test func wrappingKeepsWordsAndColumns() {
    #expect(DocumentText.wrapped("one two three", 8) == ["one two", "three"])
    #expect(DocumentText.wrapped("abcdefghij", 4) == ["abcd", "efgh", "ij"])
    #expect(DocumentText.wrapped("東京 タワー", 5) == ["東京", "タワ", "ー"])
    #expect(DocumentText.wrapped("", 5) == [""])
    #expect(DocumentText.wrapped("one\r\ntwo\n\nthree", 8) == ["one", "two", "", "three"])
  }

  @Test func segmentsGoByRank() {
    let segments = [Segment(1, Span("name")), Segment(3, Span("place")), Segment(2, Span("size"))]
    func text(_ width: Int) -> String { segments.fitted(width: width).map(\.text).joined() }
    #expect(text(40) == "name  place  size")
    #expect(text(12) == "name  size")
    #expect(text(5) == "name")
    #expect(text(0) == "name")
  }
}
