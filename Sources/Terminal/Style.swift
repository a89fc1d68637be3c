/// A colour of a cell. The default is the terminal's own, so light and dark backgrounds both stay readable.
public enum Color: Hashable, Sendable {
  case `default`
  /// An index of the xterm palette of 256. A screen with fewer colours draws the nearest it has, or none.
  case palette(UInt8)

  fileprivate var bits: UInt32 {
    switch self {
    case .default: 0
    case .palette(let index): UInt32(index) + 1
    }
  }

  fileprivate init(bits: UInt32) {
    let bits = bits & 0x1FF
    self = bits == 0 ? .default : .palette(UInt8(truncatingIfNeeded: bits - 1))
  }
}

/// How a cell is drawn.
public struct Style: Hashable, Sendable {
  public struct Attributes: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let bold = Attributes(rawValue: 1)
    public static let dim = Attributes(rawValue: 2)
    public static let underline = Attributes(rawValue: 4)
    public static let reverse = Attributes(rawValue: 8)
  }

  /// All of it in 26 bits, for a screen has thousands of them: nine a colour, 0 for the default, and eight of attributes.
  private(set) var bits: UInt32

  public init(foreground: Color = .default, background: Color = .default, attributes: Attributes = []) {
    bits = foreground.bits | background.bits << 9 | UInt32(attributes.rawValue) << 18
  }

  /// From the lower 26 bits.
  init(bits: UInt32) { self.bits = bits & Self.mask }

  static let mask: UInt32 = 1 << 26 - 1

  public var foreground: Color {
    get { Color(bits: bits) }
    set { bits = bits & ~0x1FF | newValue.bits }
  }

  public var background: Color {
    get { Color(bits: bits >> 9) }
    set { bits = bits & ~(0x1FF << 9) | newValue.bits << 9 }
  }

  public var attributes: Attributes {
    get { Attributes(rawValue: UInt8(truncatingIfNeeded: bits >> 18)) }
    set { bits = bits & ~(0xFF << 18) | UInt32(newValue.rawValue) << 18 }
  }

  /// The terminal's own colours, no attributes.
  public static let plain = Style()
}

extension Style: CustomStringConvertible {
  /// `plain`, or what differs from it: `fg=196 bg=17 bold`.
  public var description: String {
    var parts: [String] = []
    if case .palette(let index) = foreground { parts.append("fg=\(index)") }
    if case .palette(let index) = background { parts.append("bg=\(index)") }
    if attributes.contains(.bold) { parts.append("bold") }
    if attributes.contains(.dim) { parts.append("dim") }
    if attributes.contains(.underline) { parts.append("underline") }
    if attributes.contains(.reverse) { parts.append("reverse") }
    return parts.isEmpty ? "plain" : parts.joined(separator: " ")
  }
}

/// How many colours a terminal draws.
public enum ColorDepth: String, Sendable, CaseIterable {
  case none
  case sixteen
  case full
}

/// The characters a terminal and its font can draw, best first.
public enum GlyphTier: String, Sendable, CaseIterable {
  /// Braille patterns for graphs, block elements and box drawing.
  case braille
  /// Block elements and box drawing: for fonts without Braille.
  case blocks
  /// The 95 printable characters of ASCII.
  case ascii
}
