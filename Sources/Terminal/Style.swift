/// A colour of a cell. The default is the terminal's own, so light and dark backgrounds both stay readable.
public enum Color: Hashable, Sendable {
  case `default`
  /// An index of the xterm palette of 256. A screen with fewer colours draws the nearest it has, or none.
  case palette(UInt8)
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

  public var foreground: Color
  public var background: Color
  public var attributes: Attributes

  public init(foreground: Color = .default, background: Color = .default, attributes: Attributes = []) {
    self.foreground = foreground
    self.background = background
    self.attributes = attributes
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
