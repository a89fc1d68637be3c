import Terminal

/// Where a key means something.
enum KeyContext: Hashable, Sendable, CaseIterable {
  case overview, browse, help
  /// A filter of events or a query is being typed: characters without a binding go into it.
  case filter, query

  var isTyping: Bool { self == .filter || self == .query }
}

/// One line of the key table: the keys, what they do and where, and how people are told.
struct KeyBinding: Hashable, Sendable {
  enum Group: String, Sendable, CaseIterable {
    case everywhere = "Everywhere"
    case panels = "Panels"
    case move = "Move"
    case time = "Time"
    case events = "Events"
    case browse = "Browse"
    case typing = "While typing"
  }

  var keys: [Key]
  var command: Command
  var contexts: Set<KeyContext>
  var group: Group
  /// For the help.
  var help: String
  /// One or two words for the last line of the screen; nil = not shown there.
  var hint: String?
}

/// The one table of keys: it drives dispatch, the help and the hints in the last line.
struct KeyMap: Sendable {
  static let standard = KeyMap(bindings: everywhere + panels + movement + time + events + browsing + sorting + typing)

  /// Signals of the terminal: they never arrive as keys, but people look for them in the help.
  static let signals = [("Ctrl-C", "end, and close the store cleanly"), ("Ctrl-Z", "suspend; `fg` comes back")]

  let bindings: [KeyBinding]
  private let table: [KeyContext: [Key: Command]]

  init(bindings: [KeyBinding]) {
    self.bindings = bindings
    var table: [KeyContext: [Key: Command]] = [:]
    for binding in bindings {
      for context in binding.contexts {
        for key in binding.keys { table[context, default: [:]][key] = binding.command }
      }
    }
    self.table = table
  }

  func command(for key: Key, in context: KeyContext) -> Command? { table[context]?[key] }

  /// The bindings that a context has, in the order of the table.
  func bindings(in context: KeyContext) -> [KeyBinding] { bindings.filter { $0.contexts.contains(context) } }
}

extension KeyMap {
  private static let views: Set<KeyContext> = [.overview, .browse]
  private static let all: Set<KeyContext> = [.overview, .browse, .help]
  private static let line: Set<KeyContext> = [.filter, .query]

  private static let everywhere = [
    KeyBinding(
      keys: [.character("?"), .function(1)], command: .help, contexts: all, group: .everywhere,
      help: "this help", hint: "help"),
    KeyBinding(
      keys: [.character("o")], command: .overview, contexts: [.browse], group: .everywhere,
      help: "overview of the whole store", hint: "overview"),
    KeyBinding(
      keys: [.character("b")], command: .browse, contexts: [.overview], group: .everywhere,
      help: "browse the documents", hint: "browse"),
    KeyBinding(
      keys: [.escape, .backspace], command: .back, contexts: all, group: .everywhere, help: "back by one layer",
      hint: "back"),
    KeyBinding(
      keys: [.character("G")], command: .glyphs, contexts: all, group: .everywhere,
      help: "draw with braille, blocks or ASCII"),
    KeyBinding(
      keys: [.control("l")], command: .redraw, contexts: all, group: .everywhere, help: "draw the screen again"),
    KeyBinding(
      keys: [.character("q"), .function(10)], command: .quit, contexts: all, group: .everywhere,
      help: "quit", hint: "quit"),
  ]

  private static let panels =
    [
      KeyBinding(
        keys: [.tab], command: .nextPanel, contexts: views, group: .panels, help: "next panel", hint: "panel"),
      KeyBinding(keys: [.backTab], command: .previousPanel, contexts: views, group: .panels, help: "panel before"),
      KeyBinding(
        keys: [.character("z")], command: .zoom, contexts: views, group: .panels,
        help: "the panel alone, and back", hint: "zoom"),
    ]
    + (1...6).map { number in
      KeyBinding(
        keys: [.character(Character(String(number)))], command: .panel(number),
        contexts: number <= 3 ? views : [.overview], group: .panels, help: "panel \(number)")
    }

  private static let movement = [
    KeyBinding(keys: [.up, .character("k")], command: .up, contexts: all, group: .move, help: "up"),
    KeyBinding(keys: [.down, .character("j")], command: .down, contexts: all, group: .move, help: "down"),
    KeyBinding(
      keys: [.left, .character("h")], command: .left, contexts: views, group: .move, help: "panel on the left"),
    KeyBinding(
      keys: [.right, .character("l")], command: .right, contexts: views, group: .move, help: "panel on the right"),
    KeyBinding(keys: [.pageUp], command: .pageUp, contexts: all, group: .move, help: "a page up"),
    KeyBinding(keys: [.pageDown], command: .pageDown, contexts: all, group: .move, help: "a page down"),
    KeyBinding(keys: [.control("u")], command: .halfPageUp, contexts: all, group: .move, help: "half a page up"),
    KeyBinding(keys: [.control("d")], command: .halfPageDown, contexts: all, group: .move, help: "half a page down"),
    KeyBinding(keys: [.home], command: .home, contexts: all, group: .move, help: "the first line"),
    KeyBinding(keys: [.end], command: .end, contexts: all, group: .move, help: "the last line"),
  ]

  private static let time = [
    KeyBinding(
      keys: [.character(" ")], command: .pause, contexts: [.overview], group: .time,
      help: "pause the view; sampling goes on", hint: "pause"),
    KeyBinding(
      keys: [.character("[")], command: .step(-1), contexts: [.overview], group: .time,
      help: "a sample back (0.1 s)"),
    KeyBinding(
      keys: [.character("]")], command: .step(1), contexts: [.overview], group: .time, help: "a sample forward"),
    KeyBinding(
      keys: [.character("{")], command: .step(-10), contexts: [.overview], group: .time, help: "ten samples back"),
    KeyBinding(
      keys: [.character("}")], command: .step(10), contexts: [.overview], group: .time, help: "ten samples forward"),
    KeyBinding(keys: [.character("`")], command: .live, contexts: [.overview], group: .time, help: "live again"),
    KeyBinding(
      keys: [.character("-")], command: .widerWindow, contexts: [.overview], group: .time,
      help: "graphs over a longer time"),
    KeyBinding(
      keys: [.character("+"), .character("=")], command: .narrowerWindow, contexts: [.overview], group: .time,
      help: "graphs over a shorter time"),
  ]

  private static let events = [
    KeyBinding(
      keys: [.character("/")], command: .filter, contexts: [.overview], group: .events,
      help: "show only events that contain a text", hint: "filter"),
    KeyBinding(
      keys: [.character("f")], command: .hold, contexts: [.overview], group: .events,
      help: "hold the events, follow them again", hint: "hold"),
  ]

  private static let browsing = [
    KeyBinding(
      keys: [.character("/")], command: .query, contexts: [.browse], group: .browse,
      help: "type a query", hint: "query"),
    KeyBinding(
      keys: [.enter], command: .open, contexts: [.browse], group: .browse,
      help: "open a document or an index", hint: "open"),
    KeyBinding(
      keys: [.function(5)], command: .refresh, contexts: [.browse], group: .browse,
      help: "ask again; results are held until then", hint: "again"),
  ]

  private static let sorting = [
    KeyBinding(
      keys: [.character("s")], command: .sort, contexts: [.browse], group: .browse,
      help: "sort by the next range field, or not at all", hint: "sort"),
    KeyBinding(
      keys: [.character("S")], command: .reverse, contexts: [.browse], group: .browse, help: "reverse the order"),
  ]

  private static let typing = [
    KeyBinding(
      keys: [.enter], command: .submit, contexts: line, group: .typing, help: "run the query, keep the filter",
      hint: "done"),
    KeyBinding(
      keys: [.escape], command: .cancel, contexts: line, group: .typing, help: "leave the line", hint: "leave"),
    KeyBinding(
      keys: [.tab], command: .complete, contexts: [.query], group: .typing,
      help: "complete a name or a tag", hint: "complete"),
    KeyBinding(
      keys: [.up], command: .older, contexts: [.query], group: .typing, help: "the query before", hint: "history"),
    KeyBinding(keys: [.down], command: .newer, contexts: [.query], group: .typing, help: "the query after"),
    KeyBinding(keys: [.left], command: .cursorLeft, contexts: line, group: .typing, help: "a character left"),
    KeyBinding(keys: [.right], command: .cursorRight, contexts: line, group: .typing, help: "a character right"),
    KeyBinding(
      keys: [.home, .control("a")], command: .cursorStart, contexts: line, group: .typing, help: "to the start"),
    KeyBinding(
      keys: [.end, .control("e")], command: .cursorEnd, contexts: line, group: .typing, help: "to the end"),
    KeyBinding(
      keys: [.backspace], command: .deleteBackward, contexts: line, group: .typing,
      help: "delete the character before"),
    KeyBinding(
      keys: [.delete], command: .deleteForward, contexts: line, group: .typing, help: "delete the character here"),
    KeyBinding(
      keys: [.control("w")], command: .deleteWord, contexts: line, group: .typing, help: "delete the word before"),
    KeyBinding(
      keys: [.control("u")], command: .deleteLine, contexts: line, group: .typing, help: "delete the line"),
  ]
}

extension Key {
  /// As the help names it.
  var name: String {
    switch self {
    case .character(" "): "Space"
    case .character(let character): String(character)
    case .control(let letter): "Ctrl-" + letter.uppercased()
    case .up: "Up"
    case .down: "Down"
    case .left: "Left"
    case .right: "Right"
    case .shiftUp: "Shift-Up"
    case .shiftDown: "Shift-Down"
    case .shiftLeft: "Shift-Left"
    case .shiftRight: "Shift-Right"
    case .pageUp: "PgUp"
    case .pageDown: "PgDn"
    case .home: "Home"
    case .end: "End"
    case .enter: "Enter"
    case .escape: "Esc"
    case .tab: "Tab"
    case .backTab: "Shift-Tab"
    case .backspace: "Backspace"
    case .delete: "Del"
    case .insert: "Ins"
    case .function(let number): "F\(number)"
    case .unknown: "?"
    }
  }
}
