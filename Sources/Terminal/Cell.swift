/// One position of a canvas.
public struct Cell: Hashable, Sendable {
  /// One grapheme, printable, of `width` columns; "" in the right half of a wide one.
  public let text: String
  public internal(set) var style: Style
  /// 1; 2 for a wide grapheme; 0 in the right half of one.
  public let width: UInt8

  /// A cell with the first glyph of `text`, sanitised as `Canvas.write` does; blank if there is none.
  public init(_ text: String, style: Style = .plain) {
    var first = Glyph.space
    Glyph.forEach(in: text) { glyph in
      first = glyph
      return false
    }
    self.init(first, style: style)
  }

  init(_ glyph: Glyph, style: Style) {
    self.text = glyph.text
    self.width = UInt8(glyph.width)
    self.style = style
  }

  private init(rightHalf style: Style) {
    text = ""
    width = 0
    self.style = style
  }

  /// What to draw to get this cell again; a space for a right half, which cannot stand alone.
  var glyph: Glyph { width == 0 ? .space : Glyph(text: text, width: Int(width)) }

  /// A space without style.
  public static let blank = Cell(.space, style: .plain)

  static func blank(_ style: Style) -> Cell { Cell(.space, style: style) }

  static func rightHalf(_ style: Style) -> Cell { Cell(rightHalf: style) }
}
