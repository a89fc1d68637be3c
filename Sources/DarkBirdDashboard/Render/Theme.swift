import Terminal

/// What a piece of text is for. Panels name roles; only `Theme` knows colours.
enum Role: Hashable, Sendable {
  case text, label, strong
  case border, borderFocused, title, titleFocused
  case accent
  /// Work that changes documents, work that only reads them.
  case write, read
  case unique, tag, range
  case good, warning, alert
  case selection
  /// Bars: the full part, the empty part.
  case bar, track
  /// Names of keys in the last line and in the help.
  case key
  /// Cells of the heat map, `0..<Theme.heatLevels`.
  case heat(Int)
  /// Names and values in a document.
  case fieldName, string, number, literal
}

/// Roles as styles, for a depth of colour. Backgrounds stay the terminal's own, and every colour is of middle lightness,
/// so that light and dark terminals both read well. Without colour, bold, dim and reverse make the difference.
struct Theme: Sendable {
  static let heatLevels = 8

  let depth: ColorDepth

  func style(_ role: Role) -> Style {
    switch depth {
    case .full: Self.full(role)
    case .sixteen: Self.sixteen(role)
    case .none: Self.plain(role)
    }
  }

  private static func full(_ role: Role) -> Style {
    switch role {
    case .text: .plain
    case .label: color(244)
    case .strong: bold()
    case .border: color(242)
    case .borderFocused: color(33)
    case .title: bold(247)
    case .titleFocused: bold(33)
    case .accent: bold(33)
    case .write: color(166)
    case .read: color(32)
    case .unique: color(133)
    case .tag: color(37)
    case .range: color(68)
    case .good: color(34)
    case .warning: bold(172)
    case .alert: bold(196)
    case .selection: Style(attributes: .reverse)
    case .bar: color(33)
    case .track: color(242)
    case .key: bold(33)
    case .heat(let level): color([60, 61, 62, 31, 37, 72, 107, 178][clamped(level)])
    case .fieldName: color(68)
    case .string: color(71)
    case .number: color(172)
    case .literal: color(133)
    }
  }

  private static func sixteen(_ role: Role) -> Style {
    switch role {
    case .text: .plain
    case .label, .border, .track: Style(attributes: .dim)
    case .strong: bold()
    case .borderFocused, .bar: color(6)
    case .title: bold()
    case .titleFocused, .accent, .key: bold(6)
    case .write: color(3)
    case .read: color(6)
    case .unique, .literal: color(5)
    case .tag, .string: color(2)
    case .range, .fieldName: color(6)
    case .good: color(2)
    case .warning: bold(3)
    case .alert: bold(1)
    case .selection: Style(attributes: .reverse)
    case .number: color(3)
    case .heat(let level): color([4, 4, 4, 6, 6, 2, 2, 3][clamped(level)])
    }
  }

  private static func plain(_ role: Role) -> Style {
    switch role {
    case .text, .title, .read, .unique, .tag, .range, .good, .string, .number, .literal, .bar: .plain
    case .label, .border, .track: Style(attributes: .dim)
    case .strong, .borderFocused, .titleFocused, .accent, .write, .key, .fieldName: bold()
    case .warning: Style(attributes: [.bold, .underline])
    case .alert: Style(attributes: [.bold, .reverse])
    case .selection: Style(attributes: .reverse)
    case .heat(let level): Style(attributes: level >= heatLevels / 2 ? .bold : [])
    }
  }

  private static func clamped(_ level: Int) -> Int { min(max(level, 0), heatLevels - 1) }
  private static func color(_ index: UInt8) -> Style { Style(foreground: .palette(index)) }
  private static func bold(_ index: UInt8? = nil) -> Style {
    Style(foreground: index.map(Color.palette) ?? .default, attributes: .bold)
  }
}
