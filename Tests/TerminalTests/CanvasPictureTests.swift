import Testing

@testable import Terminal

/// Boxes, fills and the text forms of a canvas, as pictures.
@Suite struct CanvasPictureTests {
  @Test(arguments: [
    (GlyphTier.ascii, false, ["+- title +", "|        |", "+--------+"]),
    (GlyphTier.ascii, true, ["+= title +", "|        |", "+========+"]),
    (GlyphTier.blocks, false, ["┌─ title ┐", "│        │", "└────────┘"]),
    (GlyphTier.braille, true, ["╔═ title ╗", "║        ║", "╚════════╝"]),
  ])
  func aBoxIsDrawnInEveryTier(glyphs: GlyphTier, focused: Bool, picture: [String]) {
    var canvas = Canvas(width: 10, height: 3)
    canvas.box(canvas.bounds, glyphs: glyphs, title: "title", focused: focused)
    #expect(canvas.lines == picture)
  }

  @Test func aTitleIsCutToTheBox() {
    var canvas = Canvas(width: 10, height: 8)
    canvas.box(Rect(x: 0, y: 0, width: 10, height: 2), glyphs: .ascii, title: "much too long")
    canvas.box(Rect(x: 0, y: 2, width: 8, height: 2), glyphs: .ascii, title: "漢字")
    canvas.box(Rect(x: 0, y: 4, width: 5, height: 2), glyphs: .ascii, title: "none")
    canvas.box(Rect(x: 0, y: 6, width: 6, height: 2), glyphs: .ascii, title: "one")
    #expect(
      canvas.lines == [
        "+- much  +", "+--------+", "+- 漢  +  ", "+------+  ", "+---+     ", "+---+     ", "+- o +    ", "+----+    ",
      ])
  }

  @Test func aBoxIsClippedAndLeavesItsInsideAlone() {
    var canvas = Canvas(width: 6, height: 4)
    canvas.fill(canvas.bounds, with: ".")
    canvas.box(Rect(x: -1, y: 1, width: 4, height: 9), glyphs: .blocks)
    #expect(canvas.lines == ["......", "──┐...", "..│...", "..│..."])
  }

  @Test func aBoxTooSmallIsNotDrawn() {
    var canvas = Canvas(width: 3, height: 3)
    for (width, height) in [(1, 3), (3, 1), (0, 0), (-4, 5)] {
      canvas.box(Rect(x: 0, y: 0, width: width, height: height), glyphs: .ascii)
    }
    #expect(canvas == Canvas(width: 3, height: 3))
    canvas.box(Rect(x: 0, y: 0, width: 2, height: 2), glyphs: .ascii, title: "x")
    #expect(canvas.lines == ["++ ", "++ ", "   "])
  }

  @Test func aWideFillLeavesASpaceAtTheEnd() {
    var canvas = Canvas(width: 5, height: 2)
    canvas.fill(Rect(x: 0, y: 0, width: 5, height: 1), with: "漢")
    canvas.fill(Rect(x: 1, y: 1, width: 3, height: 1), with: "\u{7}")
    #expect(canvas.lines == ["漢漢 ", " \u{FFFD}\u{FFFD}\u{FFFD} "])
  }

  @Test func stylesBecomeLettersWithALegend() {
    var canvas = Canvas(width: 6, height: 2)
    canvas.write("ab", x: 1, y: 0, style: Style(foreground: .palette(196), attributes: .bold))
    canvas.write("漢", x: 3, y: 0, style: Style(background: .palette(17)))
    canvas.restyle(Rect(x: 0, y: 1, width: 6, height: 1)) { $0.attributes.insert(.reverse) }
    #expect(canvas.styleLines == [".aabb.", "cccccc", "a = fg=196 bold", "b = bg=17", "c = reverse"])
  }

  @Test func moreStylesThanLettersShareOne() {
    var canvas = Canvas(width: 100, height: 1)
    for x in 0..<100 { canvas.write("x", x: x, y: 0, style: Style(foreground: .palette(UInt8(x)))) }
    #expect(canvas.styleLines.count == 101)
    #expect(canvas.styleLines[0].count == 100)
    #expect(canvas.styleLines[0].filter { $0 == "?" }.count == 38)
  }

  @Test func aWideCharacterTakesTheStyleOfItsLeftHalf() {
    var canvas = Canvas(width: 4, height: 1)
    canvas.write("漢字", x: 0, y: 0)
    canvas.restyle(Rect(x: 1, y: 0, width: 2, height: 1)) { $0.attributes = .bold }
    #expect(canvas.styleLines == ["..aa", "a = bold"])
    #expect(canvas.isConsistent)
  }

  @Test func plainTextHasNoEscapesAndNoBlankEnds() {
    var canvas = Canvas(width: 8, height: 3)
    canvas.write("漢 x", x: 1, y: 0, style: Style(foreground: .palette(9), attributes: .bold))
    canvas.fill(Rect(x: 0, y: 2, width: 8, height: 1), style: Style(background: .palette(4)))
    #expect(canvas.text() == " 漢 x\n\n\n")
  }

  @Test func colouredTextEndsEveryRowInThePlainStyle() {
    var canvas = Canvas(width: 4, height: 2)
    canvas.write("ab", x: 0, y: 0, style: Style(foreground: .palette(196), attributes: [.bold, .underline]))
    canvas.write("c", x: 2, y: 0)
    canvas.fill(Rect(x: 0, y: 1, width: 2, height: 1), style: Style(background: .palette(21)))
    #expect(
      canvas.text(colors: .full)
        == "\u{1B}[0;1;4;38;5;196mab\u{1B}[0mc\n\u{1B}[0;48;5;21m  \u{1B}[0m\n")
    #expect(canvas.text(colors: .sixteen) == "\u{1B}[0;1;4;91mab\u{1B}[0mc\n\u{1B}[0;44m  \u{1B}[0m\n")
  }
}
