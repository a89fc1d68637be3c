/// One position of a canvas: 16 bytes without references, so that a picture is made, compared and forgotten at the speed of
/// memory.
public struct Cell: Hashable, Sendable {
  private let base: Unicode.Scalar
  /// The style, and the width above it.
  private var look: UInt32
  private let marks: Glyph.Marks

  private static let widthShift: UInt32 = 28

  /// One grapheme, printable, of `width` columns; "" in the right half of a wide one.
  public var text: String { width == 0 ? "" : glyph.text }

  public internal(set) var style: Style {
    get { Style(bits: look) }
    set { look = look & ~Style.mask | newValue.bits }
  }

  /// 1; 2 for a wide grapheme; 0 in the right half of one.
  public var width: UInt8 { UInt8(truncatingIfNeeded: look >> Self.widthShift) }

  /// A cell with the first glyph of `text`, sanitised as `Canvas.write` does; blank if there is none.
  public init(_ text: String, style: Style = .plain) {
    var first = Glyph.space
    Glyph.forEach(in: text) { glyph in
      first = glyph
      return false
    }
    self.init(first, style: style)
  }

  init(_ glyph: Glyph, style: Style) { self.init(glyph, width: glyph.width, style: style) }

  private init(_ glyph: Glyph, width: Int, style: Style) {
    base = glyph.base
    marks = glyph.marks
    look = style.bits | UInt32(width) << Self.widthShift
  }

  /// What to draw to get this cell again; a space for a right half, which cannot stand alone.
  var glyph: Glyph { Glyph(base, marks, width: max(1, Int(width))) }

  /// A space without style.
  public static let blank = Cell(.space, style: .plain)

  static func blank(_ style: Style) -> Cell { Cell(.space, style: style) }

  static func rightHalf(_ style: Style) -> Cell { Cell(.space, width: 0, style: style) }
}
