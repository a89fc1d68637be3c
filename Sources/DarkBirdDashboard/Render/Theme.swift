import Terminal

/// What a piece of text is for. Panels name roles; only `Theme` knows colours.
enum Role: Hashable, Sendable {
  case text, label, strong
  case border, borderFocused, title, titleFocused
  case accent
  /// Work that changes documents, work that only reads them.
  case write, read
  /// What was before, in a graph of what is.
  case previous
  case unique, tag, range
  case good, warning, alert
  case selection
  /// The character that is typed next, in a line that is being edited: the terminal's own cursor stands there too.
  case caret
  /// Bars: the full part, the empty part.
  case bar, track
  /// Names of keys in the last line and in the help.
  case key
  /// Cells of the heat map, `0..<Theme.heatLevels`.
  case heat(Int)
  /// Names and values in a document.
  case fieldName, string, number, literal
}

/// Roles as styles, for a depth of colour. Backgrounds stay the terminal's own. Nothing is told by colour alone: words,
/// signs, bold and reverse say the same, and are all that is left without colour.
struct Theme: Sendable {
  enum Name: String, Sendable, CaseIterable {
    /// Of middle lightness, for light and dark terminals, in colours that all kinds of colour vision tell apart.
    case standard = "default"
    /// For a light and for a dark background: more contrast there.
    case light, dark
    /// No colours.
    case mono

    var explanation: String {
      switch self {
      case .standard: "for any background and any eyes"
      case .light: "for a light background"
      case .dark: "for a dark background"
      case .mono: "none, only bold and reverse"
      }
    }
  }

  static let heatLevels = 8

  let depth: ColorDepth
  let name: Name

  init(depth: ColorDepth, name: Name = .standard) {
    self.depth = depth
    self.name = name
  }

  /// Whether glyphs must tell what colours tell elsewhere.
  var isColorless: Bool { name == .mono || depth == .none }

  func style(_ role: Role) -> Style {
    if name == .mono { return Self.plain(role) }
    return switch depth {
    case .full: Self.colored(role, colors)
    case .sixteen: Self.colored(role, sixteenColors)
    case .none: Self.plain(role)
    }
  }

  /// Indices of the xterm palette; nil is the terminal's own colour, dimmed.
  private struct Colors {
    var label: UInt8?
    var border: UInt8?
    var title: UInt8?
    var accent: UInt8
    var write: UInt8
    var read: UInt8
    var previous: UInt8
    var unique: UInt8
    var tag: UInt8
    var range: UInt8
    var good: UInt8
    var warning: UInt8
    var alert: UInt8
    var string: UInt8
    var heat: [UInt8]
  }

  private var colors: Colors {
    switch name {
    case .standard, .mono:
      Colors(
        label: 244, border: 242, title: 247, accent: 33, write: 166, read: 32, previous: 214, unique: 96, tag: 70,
        range: 68, good: 36, warning: 172, alert: 196, string: 37, heat: [60, 61, 62, 67, 72, 107, 143, 178])
    case .light:
      Colors(
        label: 241, border: 245, title: 238, accent: 25, write: 130, read: 25, previous: 238, unique: 53, tag: 64,
        range: 61, good: 23, warning: 94, alert: 160, string: 23, heat: [189, 152, 110, 74, 31, 25, 18, 17])
    case .dark:
      Colors(
        label: 250, border: 240, title: 252, accent: 117, write: 215, read: 75, previous: 228, unique: 168, tag: 157,
        range: 111, good: 79, warning: 221, alert: 203, string: 80, heat: [24, 25, 31, 38, 43, 79, 150, 228])
    }
  }

  private var sixteenColors: Colors {
    switch name {
    case .standard, .mono:
      Colors(
        accent: 6, write: 3, read: 6, previous: 3, unique: 5, tag: 2, range: 6, good: 6, warning: 3, alert: 1,
        string: 2, heat: [4, 4, 4, 6, 6, 2, 2, 3])
    case .light:
      Colors(
        accent: 4, write: 1, read: 4, previous: 5, unique: 5, tag: 4, range: 4, good: 4, warning: 5, alert: 1,
        string: 4, heat: [6, 6, 6, 4, 4, 5, 5, 1])
    case .dark:
      Colors(
        accent: 14, write: 11, read: 14, previous: 15, unique: 13, tag: 10, range: 14, good: 14, warning: 11,
        alert: 9, string: 10, heat: [4, 4, 12, 12, 6, 14, 10, 11])
    }
  }

  private static func colored(_ role: Role, _ colors: Colors) -> Style {
    switch role {
    case .text: .plain
    case .label: color(colors.label)
    case .strong: bold()
    case .border, .track: color(colors.border)
    case .borderFocused, .bar: color(colors.accent)
    case .title: bold(colors.title)
    case .titleFocused, .accent, .key: bold(colors.accent)
    case .write, .number: color(colors.write)
    case .read: color(colors.read)
    case .previous: bold(colors.previous)
    case .unique, .literal: color(colors.unique)
    case .tag: color(colors.tag)
    case .range, .fieldName: color(colors.range)
    case .good: color(colors.good)
    case .warning: bold(colors.warning)
    case .alert: bold(colors.alert)
    case .selection, .caret: Style(attributes: .reverse)
    case .heat(let level): color(colors.heat[clamped(level)])
    case .string: color(colors.string)
    }
  }

  private static func plain(_ role: Role) -> Style {
    switch role {
    case .text, .title, .read, .unique, .tag, .range, .good, .string, .number, .literal, .bar: .plain
    case .label, .border, .track: Style(attributes: .dim)
    case .strong, .borderFocused, .titleFocused, .accent, .write, .previous, .key, .fieldName: bold()
    case .warning: Style(attributes: [.bold, .underline])
    case .alert: Style(attributes: [.bold, .reverse])
    case .selection, .caret: Style(attributes: .reverse)
    case .heat(let level): Style(attributes: level >= heatLevels / 2 ? .bold : [])
    }
  }

  private static func clamped(_ level: Int) -> Int { min(max(level, 0), heatLevels - 1) }

  private static func color(_ index: UInt8?) -> Style {
    index.map { Style(foreground: .palette($0)) } ?? Style(attributes: .dim)
  }

  private static func bold(_ index: UInt8? = nil) -> Style {
    Style(foreground: index.map(Color.palette) ?? .default, attributes: .bold)
  }
}
