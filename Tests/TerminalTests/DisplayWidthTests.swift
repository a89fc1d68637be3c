import Testing

@testable import Terminal
@testable import TerminalProbe

@Suite struct DisplayWidthTests {
  /// What a text becomes in a canvas.
  static func drawn(_ text: String) -> String {
    var canvas = Canvas(width: max(1, displayWidth(text)), height: 1)
    canvas.write(text, x: 0, y: 0)
    return canvas.lines[0]
  }

  @Test(arguments: [
    ("", 0), ("abc", 3), ("héllo", 5), ("e\u{301}", 1), ("漢字", 4), ("ﾊﾝ", 2), ("ｆ", 2), ("한", 2),
    ("\u{1112}\u{1161}\u{11AB}", 2),
    ("😀", 2), ("─│┌█⠿", 5), ("שלום", 4), ("م", 1), ("क्षि", 3), ("\u{FFFD}", 1),
  ])
  func textIsMeasuredAndKept(text: String, width: Int) {
    #expect(displayWidth(text) == width)
    #expect(DisplayWidthTests.drawn(text).unicodeScalars.elementsEqual((text.isEmpty ? " " : text).unicodeScalars))
  }

  @Test(arguments: [
    "\0", "\t", "\n", "\r", "\r\n", "\u{1B}", "\u{7F}", "\u{85}", "\u{9B}", "\u{AD}", "\u{200B}", "\u{200D}",
    "\u{200E}", "\u{202E}",
    "\u{2028}", "\u{2029}", "\u{2066}", "\u{2069}", "\u{61C}", "\u{FEFF}", "\u{FFF9}", "\u{E000}", "\u{378}",
    "\u{FFFF}",
    "\u{10FFFF}", "\u{E0001}", "\u{301}", "\u{20E3}", "\u{FE0F}", "\u{3164}", "🇳", "🇳🇴", "👩‍👩‍👧‍👦", "👍🏽", "🏽",
  ])
  func whatHasNoCertainWidthIsReplacedByOneColumn(text: String) {
    #expect(displayWidth(text) == 1)
    #expect(DisplayWidthTests.drawn(text) == "\u{FFFD}")
  }

  @Test(arguments: [
    ("❤\u{FE0F}", "❤"), ("a\u{200D}b", "ab"), ("می‌خ", "میخ"), ("1\u{FE0F}\u{20E3}", "1\u{20E3}"),
    ("a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}", "a\u{301}\u{302}\u{303}"),
    ("a\u{202E}b", "a\u{FFFD}b"), ("\u{1B}[31mred", "\u{FFFD}[31mred"), ("a\r\nb", "a\u{FFFD}b"),
  ])
  func whatCannotBeShownIsDroppedOrReplaced(text: String, shown: String) {
    #expect(DisplayWidthTests.drawn(text).unicodeScalars.elementsEqual(shown.unicodeScalars))
  }

  @Test func everyScalarHasAWidthAndMayBeWritten() {
    var canvas = Canvas(width: 6, height: 1)
    for value in 0...0x10FFFF as ClosedRange<UInt32> {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let text = String(scalar)
      let width = displayWidth(text)
      guard width == 1 || width == 2, canvas.write(text, x: 1, y: 0) == width else {
        Issue.record("U+\(String(value, radix: 16)) has width \(width)")
        continue
      }
      guard canvas[1, 0].text.unicodeScalars.count == 1, canvas[1, 0].width == width else {
        Issue.record("U+\(String(value, radix: 16)) became \(canvas[1, 0])")
        continue
      }
    }
    #expect(canvas.isConsistent)
  }

  @Test(arguments: Canvas.awkwardTexts)
  func aCellHoldsWhatNcursesCanHold(text: String) {
    Glyph.forEach(in: text) { glyph in
      #expect(glyph.text.unicodeScalars.count <= Glyph.scalarsMax)
      #expect(glyph.width == 1 || glyph.width == 2)
      #expect(displayWidth(glyph.text) == glyph.width)
      return true
    }
  }
}
