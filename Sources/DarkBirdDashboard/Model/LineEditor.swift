/// One line that is being typed, with a cursor.
struct LineEditor: Hashable, Sendable {
  static let lengthMax = 1_000

  private let lengthMax: Int
  private(set) var characters: [Character]
  /// Characters before the cursor.
  private(set) var cursor: Int
  /// Whether the text is one that nobody has typed yet: it stands as selected text does, and what is typed takes its place.
  private(set) var isSuggestion: Bool

  init(_ text: String = "", isSuggestion: Bool = false, lengthMax: Int = LineEditor.lengthMax) {
    self.isSuggestion = isSuggestion
    self.lengthMax = lengthMax
    characters = Array(text.prefix(lengthMax))
    cursor = characters.count
  }

  var text: String { String(characters) }
  var prefix: String { String(characters[..<cursor]) }
  var suffix: String { String(characters[cursor...]) }

  /// What was typed or pasted: its newlines and tabs become blanks, other control characters go.
  mutating func insert(_ text: String) {
    let line = text.compactMap { character -> Character? in
      if character.isNewline || character == "\t" { return " " }
      return character.unicodeScalars.contains { $0.properties.generalCategory == .control } ? nil : character
    }
    if isSuggestion { (characters, cursor, isSuggestion) = ([], 0, false) }
    let added = line.prefix(max(0, lengthMax - characters.count))
    characters.insert(contentsOf: added, at: cursor)
    cursor += added.count
  }

  /// Puts a completion in the place of what stands before the cursor.
  mutating func replacePrefix(with text: String) {
    let rest = characters[cursor...]
    characters = Array(text.prefix(lengthMax)) + rest
    cursor = characters.count - rest.count
  }

  /// - Returns: whether the command was one of editing.
  mutating func apply(_ command: Command) -> Bool {
    let isSelected = isSuggestion
    isSuggestion = false
    switch command {
    case .deleteBackward where isSelected, .deleteForward where isSelected:
      characters = []
      cursor = 0
    case .cursorLeft: cursor = max(0, cursor - 1)
    case .cursorRight: cursor = min(characters.count, cursor + 1)
    case .cursorStart: cursor = 0
    case .cursorEnd: cursor = characters.count
    case .deleteBackward:
      if cursor > 0 {
        characters.remove(at: cursor - 1)
        cursor -= 1
      }
    case .deleteForward:
      if cursor < characters.count { characters.remove(at: cursor) }
    case .deleteWord:
      var start = cursor
      while start > 0, characters[start - 1].isWhitespace { start -= 1 }
      while start > 0, !characters[start - 1].isWhitespace { start -= 1 }
      characters.removeSubrange(start..<cursor)
      cursor = start
    case .deleteLine:
      characters = []
      cursor = 0
    default: return false
    }
    return true
  }
}
