import Terminal

/// SplitMix64: the same pictures on every machine.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

extension Canvas {
  /// What breaks borders: wide characters, marks, clusters of several code points, controls, right-to-left text.
  static let awkwardTexts = [
    "plain text", "x", "héllo wörld", "漢字かな交じり", "한국어 텍스트", "\u{1112}\u{1161}\u{11AB}", "e\u{301}a\u{308}o\u{302}",
    "Z\u{351}\u{36B}\u{343}\u{36A}\u{302}\u{36B}\u{33D}\u{34F}", "😀🎉🚀", "👩‍👩‍👧‍👦", "🇳🇴🇪🇺", "👍🏽", "❤️ ☎︎", "1️⃣", "क्षत्रिय", "ක්‍ෂ", "שלום",
    "مرحبا",
    "می‌خواهم", "a\u{202E}b\u{2066}c", "tab\tnew\nline\r\nesc\u{1B}[31m", "\u{301}lone mark", "\u{200B}\u{FEFF}\u{AD}",
    "┌─┬─┐│░▒▓█▁▂▃", "⠁⠃⠇⡇⣇⣧⣷⣿", "\u{E000}\u{10FFFF}\u{378}", "ｆｕｌｌ　ｗｉｄｔｈ", "ﾊﾝｶｸ",
  ]

  /// A picture made of many overlapping pieces, some of them outside.
  static func random(width: Int, height: Int, using random: inout some RandomNumberGenerator) -> Canvas {
    var canvas = Canvas(width: width, height: height)
    for _ in 0..<Int.random(in: 0...60, using: &random) {
      canvas.scribble(using: &random)
    }
    return canvas
  }

  /// Draws one random thing at a random place.
  mutating func scribble(using random: inout some RandomNumberGenerator) {
    let x = Int.random(in: -8...width + 8, using: &random)
    let y = Int.random(in: -2...height + 2, using: &random)
    let rect = Rect(
      x: x, y: y, width: Int.random(in: -1...20, using: &random), height: Int.random(in: -1...6, using: &random))
    let style = Style.random(using: &random)
    let text = Canvas.awkwardTexts.randomElement(using: &random) ?? ""
    switch Int.random(in: 0..<10, using: &random) {
    case 0: fill(rect, with: text.first ?? " ", style: style)
    case 1: restyle(rect) { $0 = style }
    case 2:
      box(
        rect, glyphs: GlyphTier.allCases.randomElement(using: &random) ?? .ascii, style: style, title: text,
        focused: Bool.random(using: &random))
    case 3: self[x, y] = Cell(text, style: style)
    case 4: write(text, x: x, y: y, style: style, maxWidth: Int.random(in: -1...9, using: &random))
    default: write(text, x: x, y: y, style: style)
    }
  }
}

extension Style {
  static func random(using random: inout some RandomNumberGenerator) -> Style {
    func color(using random: inout some RandomNumberGenerator) -> Color {
      Bool.random(using: &random) ? .default : .palette(UInt8.random(in: 0...255, using: &random))
    }
    return Style(
      foreground: color(using: &random), background: color(using: &random),
      attributes: Attributes(rawValue: UInt8.random(in: 0...15, using: &random)))
  }
}
