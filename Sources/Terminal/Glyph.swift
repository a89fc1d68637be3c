private import CNCurses

/// What one grapheme cluster becomes on a screen. Terminals, libc and Unicode disagree on the width of some clusters, and
/// one column of disagreement breaks every border to the right of it. So only what libc's `wcwidth` (and with it ncurses
/// and tmux) measures for certain is drawn; the rest is replaced by U+FFFD, one column wide:
///
/// - control characters, line and paragraph separators, bidi controls and other format characters,
/// - private use and unassigned code points,
/// - marks that have nothing to stand on,
/// - emoji made of several code points (joined by ZWJ, with a skin tone, flags).
///
/// Variation selectors and joiners inside a cluster are dropped; a cluster of other scripts that takes several cells
/// (Indic conjuncts) becomes several glyphs; marks after the fourth are dropped, since a cell of ncurses holds five scalars.
struct Glyph: Hashable, Sendable {
  /// The base and its marks.
  let text: String
  /// 1 or 2.
  let width: Int

  static let space = Glyph(text: " ", width: 1)
  static let replacement = Glyph(text: "\u{FFFD}", width: 1)

  /// Scalars of a cell in ncurses (CCHARW_MAX).
  static let scalarsMax = 5

  /// Calls `body` with the glyphs of `text` in order until it returns false.
  /// - Complexity: O(length of what is consumed).
  static func forEach(in text: String, _ body: (Glyph) -> Bool) {
    let utf8 = text.utf8
    var index = text.startIndex
    while index < text.endIndex {
      let byte = utf8[index]
      let following = utf8.index(after: index)
      // Most text is ASCII, and before another ASCII character no mark can follow.
      if (0x20...0x7E).contains(byte), following == text.endIndex || utf8[following] < 0x80 {
        guard body(ascii[Int(byte - 0x20)]) else { return }
        index = following
        continue
      }
      let scalars = text[index].unicodeScalars
      index = text.index(after: index)
      if scalars.count == 1, let scalar = scalars.first {
        let width = ScalarWidth.of(scalar)
        guard body(width > 0 ? Glyph(text: String(scalar), width: width) : .replacement) else { return }
      } else {
        for glyph in glyphs(ofCluster: scalars) {
          guard body(glyph) else { return }
        }
      }
    }
  }

  private static let ascii = (0x20...0x7E).map { Glyph(text: String(Unicode.Scalar(UInt8($0))), width: 1) }

  private static func glyphs(ofCluster scalars: Character.UnicodeScalarView) -> [Glyph] {
    var glyphs: [Glyph] = []
    var text = ""
    var width = 0
    var count = 0
    func finished() -> [Glyph] { width > 0 ? [Glyph(text: text, width: width)] : [] }
    for scalar in scalars {
      switch ScalarWidth.of(scalar) {
      case 0:
        if width > 0 {
          if count < scalarsMax {
            text.unicodeScalars.append(scalar)
            count += 1
          }
        } else if glyphs.isEmpty {
          glyphs.append(.replacement)
        }
      case let scalarWidth where scalarWidth > 0:
        if width > 0, scalars.contains(where: ScalarWidth.isEmoji) { return [.replacement] }
        glyphs += finished()
        (text, width, count) = (String(scalar), scalarWidth, 1)
      default:
        if scalar.properties.isEmojiModifier { return [.replacement] }
        if scalar.properties.isDefaultIgnorableCodePoint, width > 0 { continue }
        // CR LF is one cluster and gets one replacement.
        if glyphs.isEmpty, width == 0 { glyphs.append(.replacement) }
      }
    }
    return glyphs + finished()
  }
}

/// Columns of one scalar.
enum ScalarWidth {
  /// 1 or 2; 0 for a mark that joins the cell before it; -1 for what must not be drawn.
  static func of(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0x20...0x7E, 0xA1...0xAC, 0xAE...0xFF: return 1
    case 0x2500...0x259F, 0x2800...0x28FF: return 1  // box drawing, blocks, Braille: most of a dashboard
    case 0x1F1E6...0x1F1FF, 0x1F3FB...0x1F3FF: return -1  // halves of flags, skin tones: they join what stands before
    default: break
    }
    guard scalar.value < tableCount else { return -1 }
    let width = Int(table[Int(scalar.value)])
    guard width >= 0 else { return -1 }
    let properties = scalar.properties
    if properties.isDefaultIgnorableCodePoint { return -1 }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: return -1
    default: return width
    }
  }

  static func isEmoji(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value > 0xFF && scalar.properties.isEmoji
  }

  /// The planes with printable characters; those above hold tags, selectors and private use.
  private static let tableCount: UInt32 = 0x40000

  /// `wcwidth` of each code point: measured once, about 2 milliseconds, so that it depends neither on the locale of the
  /// process nor on who calls first.
  private static let table: [Int8] = [Int8](unsafeUninitializedCapacity: Int(tableCount)) { buffer, count in
    guard let base = buffer.baseAddress else { return }
    // Safe: the function writes exactly `tableCount` elements, the capacity of the buffer.
    cncurses_fill_widths(base, tableCount)
    count = Int(tableCount)
  }
}

/// Columns that `text` takes in a canvas, where control characters and the like are replaced by U+FFFD.
/// - Complexity: O(length).
public func displayWidth(_ text: String) -> Int {
  // Most text is, and a frame asks for the width of hundreds of texts.
  if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return text.utf8.count }
  var width = 0
  Glyph.forEach(in: text) { glyph in
    width += glyph.width
    return true
  }
  return width
}
