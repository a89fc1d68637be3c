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
/// (Indic conjuncts) becomes several glyphs; marks after the third are dropped.
struct Glyph: Hashable, Sendable {
  /// Up to three scalars of 21 bits, the first one lowest.
  typealias Marks = UInt64

  let base: Unicode.Scalar
  private(set) var marks: Marks
  /// 1 or 2.
  let width: Int

  init(_ base: Unicode.Scalar, _ marks: Marks = 0, width: Int) {
    self.base = base
    self.marks = marks
    self.width = width
  }

  static let space = Glyph(" ", width: 1)
  static let replacement = Glyph("\u{FFFD}", width: 1)

  /// Base and marks. A cell of ncurses holds one more (CCHARW_MAX).
  static let scalarsMax = 4

  /// The base and its marks.
  var text: String {
    var text = ""
    forEachScalar { text.unicodeScalars.append($0) }
    return text
  }

  func forEachScalar(_ body: (Unicode.Scalar) -> Void) {
    body(base)
    var rest = marks
    while rest != 0 {
      if let mark = Unicode.Scalar(UInt32(rest & 0x1F_FFFF)) { body(mark) }
      rest >>= 21
    }
  }

  /// Adds a mark if there is room.
  fileprivate mutating func add(_ mark: Unicode.Scalar) {
    for place in 0..<UInt64(Self.scalarsMax - 1) where marks >> (21 * place) == 0 {
      marks |= UInt64(mark.value) << (21 * place)
      return
    }
  }

  /// Calls `body` with the glyphs of `text` in order until it returns false.
  /// - Complexity: O(length of what is consumed).
  @inline(__always)
  static func forEach(in text: String, _ body: (Glyph) -> Bool) {
    let scalars = text.unicodeScalars
    var index = scalars.startIndex
    while index < scalars.endIndex {
      let scalar = scalars[index]
      // Most text is of these, and before another of them no mark can follow.
      if ScalarWidth.isSimple(scalar) {
        let following = scalars.index(after: index)
        if following == scalars.endIndex || ScalarWidth.isSimple(scalars[following]) {
          guard body(Glyph(scalar, width: 1)) else { return }
          index = following
          continue
        }
      }
      let cluster = text[index].unicodeScalars
      index = text.index(after: index)
      for glyph in glyphs(ofCluster: cluster) {
        guard body(glyph) else { return }
      }
    }
  }

  private static func glyphs(ofCluster scalars: Character.UnicodeScalarView) -> [Glyph] {
    var glyphs: [Glyph] = []
    var open: Glyph?
    for scalar in scalars {
      switch ScalarWidth.of(scalar) {
      case 0:
        if open != nil { open?.add(scalar) } else if glyphs.isEmpty { glyphs.append(.replacement) }
      case let width where width > 0:
        if let glyph = open {
          if scalars.contains(where: ScalarWidth.isEmoji) { return [.replacement] }
          glyphs.append(glyph)
        }
        open = Glyph(scalar, width: width)
      default:
        if scalar.properties.isEmojiModifier { return [.replacement] }
        if scalar.properties.isDefaultIgnorableCodePoint, open != nil { continue }
        // CR LF is one cluster and gets one replacement.
        if glyphs.isEmpty, open == nil { glyphs.append(.replacement) }
      }
    }
    if let glyph = open { glyphs.append(glyph) }
    return glyphs
  }
}

/// Columns of one scalar.
enum ScalarWidth {
  /// Printable ASCII, box drawing, blocks, Braille: most of a dashboard. One column each, and none joins another.
  @inline(__always)
  static func isSimple(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x20...0x7E, 0x2500...0x259F, 0x2800...0x28FF: true
    default: false
    }
  }

  /// 1 or 2; 0 for a mark that joins the cell before it; -1 for what must not be drawn.
  static func of(_ scalar: Unicode.Scalar) -> Int {
    if isSimple(scalar) { return 1 }
    switch scalar.value {
    case 0xA1...0xAC, 0xAE...0xFF: return 1
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
