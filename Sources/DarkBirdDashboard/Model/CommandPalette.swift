import Terminal

/// The list of commands by name, and what is being typed to find one.
struct CommandPalette: Hashable, Sendable {
  /// Where the command will run: the context that the palette was opened in.
  let context: KeyContext
  /// Whether a recording is shown: what changes its pace is of no use otherwise, and found before what was meant.
  let isReplay: Bool
  var editor = LineEditor()
  /// Index into the matches.
  var selected = 0

  /// Commands of the context that what was typed may mean, the likeliest first. All of them while nothing is typed.
  func matches(in map: KeyMap) -> [KeyBinding] {
    let candidates = map.bindings(in: context).filter {
      $0.command != .palette && (isReplay || !$0.command.isOfReplay)
    }
    let wanted = editor.text.lowercased().split(separator: " ").joined(separator: "-")
    guard !wanted.isEmpty else { return candidates }
    let scored = candidates.enumerated().compactMap { index, binding in
      Self.score(wanted, binding).map { (score: $0, index: index, binding: binding) }
    }
    let found = scored.sorted { ($0.score, $0.index) < ($1.score, $1.index) }.map(\.binding)
    guard found.isEmpty, let first = editor.text.split(separator: " ").first else { return found }
    // A command by its whole name with something behind it is that command.
    return candidates.filter { $0.name == first.lowercased() }
  }

  /// What was typed behind the whole name of a command, most of which take nothing; nil if nothing was.
  func rest(behind binding: KeyBinding) -> String? {
    let words = editor.text.split(separator: " ")
    guard words.count > 1, words[0].lowercased() == binding.name else { return nil }
    return words.dropFirst().joined(separator: " ")
  }

  /// How far a name is from what was typed, 0 = the same; nil if it cannot be meant.
  static func score(_ wanted: String, _ binding: KeyBinding) -> Int? {
    let name = binding.name
    if name == wanted { return 0 }
    if name.hasPrefix(wanted) { return 1 }
    if name.contains("-" + wanted) { return 2 }
    // What a command is about says more than letters that its name happens to have.
    if binding.keywords.contains(where: { $0.hasPrefix(wanted) }) { return 3 }
    if name.contains(wanted) { return 4 }
    // All letters in their order, close together first: `thl` finds `theme-light`.
    if let spread = spread(of: wanted, in: name) { return 5 + spread }
    let text = wanted.replacing("-", with: " ")
    return text.count >= 3 && binding.help.lowercased().contains(text) ? 200 : nil
  }

  /// Characters between the letters of `wanted` where they first stand in `name` in their order; nil if they do not.
  private static func spread(of wanted: String, in name: String) -> Int? {
    var rest = name[...]
    var skipped = 0
    for letter in wanted {
      guard let place = rest.firstIndex(of: letter) else { return nil }
      skipped += rest.distance(from: rest.startIndex, to: place)
      rest = rest[rest.index(after: place)...]
    }
    return skipped
  }
}

extension Model {
  mutating func performPalette(_ command: Command) -> [Effect] {
    guard var palette else { return [] }
    let matches = palette.matches(in: keyMap)
    switch command {
    case .submit:
      guard matches.indices.contains(palette.selected) else { return [] }
      self.palette = nil
      let binding = matches[palette.selected]
      let effects = perform(binding.command, in: palette.context)
      guard let rest = palette.rest(behind: binding) else { return effects }
      switch binding.command {
      case .setting(.scenario): browse.notice = "\(binding.name) takes no '\(rest)': change it here"
      case .setting(let setting): change(setting, to: rest)
      default: browse.notice = "\(binding.name) takes no '\(rest)'"
      }
      return effects
    case .cancel:
      self.palette = nil
      return []
    case .complete:
      guard matches.indices.contains(palette.selected) else { return [] }
      palette.editor = LineEditor(matches[palette.selected].name)
      palette.selected = 0
    case .older: palette.selected = max(0, palette.selected - 1)
    case .newer: palette.selected = max(0, min(matches.count - 1, palette.selected + 1))
    default:
      let before = palette.editor.text
      // Deleting what is not there leaves the line, as Esc does.
      if command == .deleteBackward, before.isEmpty {
        self.palette = nil
        return []
      }
      _ = palette.editor.apply(command)
      if palette.editor.text != before { palette.selected = 0 }
    }
    self.palette = palette
    return []
  }
}
