import Testing

@testable import Terminal

@Suite struct CanvasTests {
  @Test func aTextIsWrittenAndMeasured() {
    var canvas = Canvas(width: 8, height: 2)
    #expect(canvas.write("héllo", x: 1, y: 1) == 5)
    #expect(canvas.lines == ["        ", " héllo  "])
  }

  @Test func textIsClippedAtEveryEdge() {
    var canvas = Canvas(width: 4, height: 1)
    #expect(canvas.write("abcdefgh", x: -2, y: 0) == 6)
    #expect(canvas.lines == ["cdef"])
    #expect(canvas.write("xyz", x: 3, y: 0) == 1)
    #expect(canvas.lines == ["cdex"])
    #expect(canvas.write("no", x: 4, y: 0) == 0)
    #expect(canvas.write("no", x: 0, y: 1) == 0)
    #expect(canvas.write("no", x: 0, y: -1) == 0)
    #expect(canvas.write("123", x: 0, y: 0, maxWidth: 2) == 2)
    #expect(canvas.write("9", x: 0, y: 0, maxWidth: -1) == 0)
    #expect(canvas.lines == ["12ex"])
  }

  @Test(arguments: [Int.min, Int.min + 1, -1, 0, 3, Int.max - 1, Int.max])
  func anyCoordinateIsAllowed(_ extreme: Int) {
    var canvas = Canvas(width: 3, height: 3)
    for other in [Int.min, -2, 1, Int.max] {
      canvas.write("漢字", x: extreme, y: other, maxWidth: extreme)
      let rect = Rect(x: extreme, y: other, width: other, height: extreme)
      canvas.fill(rect, with: "漢")
      canvas.restyle(rect) { $0.attributes.insert(.bold) }
      canvas.box(rect, glyphs: .braille, title: "title")
      canvas.box(rect.inset(by: extreme), glyphs: .ascii, title: "title")
      canvas.draw(canvas, x: other, y: extreme)
      canvas[extreme, other] = Cell("漢")
      #expect(canvas.isConsistent)
    }
  }

  @Test func aWideCharacterAtAnEdgeBecomesASpace() {
    var canvas = Canvas(width: 3, height: 1)
    #expect(canvas.write("漢字", x: 0, y: 0) == 3)
    #expect(canvas.lines == ["漢 "])
    #expect(canvas.write("字漢", x: -1, y: 0) == 4)
    #expect(canvas.lines == [" 漢"])
    #expect(canvas.write("漢字", x: 0, y: 0, maxWidth: 1) == 1)
    #expect(canvas.lines == [" 漢"])
  }

  @Test func writingOverHalfOfAWideCharacterFreesTheOtherHalf() {
    var canvas = Canvas(width: 4, height: 1)
    canvas.write("漢字", x: 0, y: 0)
    canvas.write("x", x: 1, y: 0)
    #expect(canvas.lines == [" x字"])
    canvas.write("漢", x: 1, y: 0)
    #expect(canvas.lines == [" 漢 "])
    canvas.write("ab", x: 2, y: 0)
    #expect(canvas.lines == ["  ab"])
  }
}
