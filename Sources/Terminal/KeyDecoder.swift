/// Bytes of a terminal to keys and the mouse: UTF-8, control characters, and the escape sequences that terminfo does not
/// list for this terminal (ncurses has decoded the others). A sequence may arrive in any number of pieces.
struct KeyDecoder {
  private enum State {
    case idle
    case escape
    /// ESC [ and what followed.
    case csi([UInt8])
    /// ESC O, and whether parameters followed, as of a key with Shift.
    case ss3(isPlain: Bool)
    /// ESC and a letter that begins a text for the program, such as a colour that some other program has asked for, up to BEL or
    /// ESC \; and whether ESC was the last. It is no key.
    case reply(isEscaped: Bool)
    case utf8([UInt8], length: Int)
    /// ESC [ M: a mouse as terminals without SGR mode tell of it, in so many bytes more. They are no keys.
    case oldMouse(missing: Int)
    /// Between ESC [ 200 ~ and ESC [ 201 ~: what was pasted.
    case paste(PastedText)
  }

  private var state = State.idle

  /// Bytes of a control sequence that are kept.
  private static let sequenceBytesMax = 32

  /// Whether more bytes are needed to tell what this is.
  var isWaiting: Bool {
    if case .idle = state { return false }
    return true
  }

  /// Whether all that is there is ESC, whose rest would have followed at once.
  var isLoneEscape: Bool {
    if case .escape = state { return true }
    return false
  }

  /// Whether what comes is pasted, not typed.
  var isPasting: Bool {
    if case .paste = state { return true }
    return false
  }

  /// The keys that end with this byte, what the mouse did, or what was pasted.
  mutating func feed(_ byte: UInt8) -> [TerminalInput] {
    if case .paste(var pasted) = state {
      // A copy of the text each byte would take the square of its length.
      state = .idle
      if pasted.append(byte) { return [.paste(pasted.text)] }
      state = .paste(pasted)
      return []
    }
    if case .csi(PastedText.beginning) = state, byte == UInt8(ascii: "~") {
      state = .paste(PastedText())
      return []
    }
    if case .csi(let bytes) = state, let input = mouse(bytes, byte) { return input }
    return keys(byte).map(TerminalInput.key)
  }

  private mutating func keys(_ byte: UInt8) -> [Key] {
    switch state {
    case .idle:
      return start(byte)
    case .escape:
      switch byte {
      case UInt8(ascii: "["): state = .csi([])
      case UInt8(ascii: "O"): state = .ss3(isPlain: true)
      case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
        state = .reply(isEscaped: false)
      case 0x08, 0x7F:
        // Alt and Backspace, which deletes a word wherever lines are typed.
        state = .idle
        return [.control("w")]
      default:
        // With Alt, or after Escape: what comes in one piece over a slow line nobody can tell apart.
        state = .idle
        return [.escape] + start(byte)
      }
      return []
    case .ss3(let isPlain):
      if (0x30...0x3B).contains(byte) {
        state = .ss3(isPlain: false)
        return []
      }
      state = .idle
      return [isPlain ? KeyDecoder.ss3Key(byte) : .unknown]
    case .reply(let isEscaped):
      if byte == 0x1B {
        state = .reply(isEscaped: true)
      } else if byte == 0x07 || isEscaped && byte == UInt8(ascii: "\\") {
        state = .idle
      } else if isEscaped {
        // Another sequence has begun.
        state = .escape
        return keys(byte)
      }
      return []
    case .csi(let bytes):
      return feedSequence(bytes, byte)
    case .utf8(let bytes, let length):
      return feedCharacter(bytes, length, byte)
    case .oldMouse(let missing):
      state = missing > 1 ? .oldMouse(missing: missing - 1) : .idle
      return []
    case .paste: return []  // `feed` has taken it.
    }
  }

  /// What the mouse did, if this is the end of its sequence; nil if it is none of the mouse.
  private mutating func mouse(_ bytes: [UInt8], _ byte: UInt8) -> [TerminalInput]? {
    if bytes.isEmpty, byte == UInt8(ascii: "M") {
      state = .oldMouse(missing: 3)
      return []
    }
    guard bytes.first == UInt8(ascii: "<"), byte == UInt8(ascii: "M") || byte == UInt8(ascii: "m") else { return nil }
    state = .idle
    let numbers = String(decoding: bytes.dropFirst(), as: UTF8.self).split(
      separator: ";", omittingEmptySubsequences: false
    ).map { Int($0) }
    guard byte == UInt8(ascii: "M"), numbers.count == 3, let button = numbers[0], let column = numbers[1],
      let row = numbers[2], column > 0, row > 0
    else { return [] }
    // Shift, Meta and Ctrl are bits 2 to 4.
    let action: MouseEvent.Action? =
      switch button & ~0b11100 {
      case 0: .press
      case 64: .wheelUp
      case 65: .wheelDown
      default: nil
      }
    return action.map { [.mouse(MouseEvent(action: $0, x: column - 1, y: row - 1))] } ?? []
  }

  /// What there is in what is left when nothing followed for a while: ESC alone is the key Escape, and a paste whose end never
  /// came is over.
  mutating func flush() -> [TerminalInput] {
    defer { state = .idle }
    let keys: [Key]
    switch state {
    case .idle, .oldMouse, .reply: keys = []
    case .escape: keys = [.escape]
    case .ss3: keys = [.escape, .character("O")]
    case .csi(let bytes): keys = bytes.isEmpty ? [.escape, .character("[")] : [.unknown]
    case .utf8: keys = [.unknown]
    case .paste(let pasted): return [.paste(pasted.text)]
    }
    return keys.map(TerminalInput.key)
  }

  private mutating func start(_ byte: UInt8) -> [Key] {
    switch byte {
    case 0x1B:
      state = .escape
      return []
    case 0x08, 0x7F: return [.backspace]
    case 0x09: return [.tab]
    case 0x0A, 0x0D: return [.enter]
    case 0x00...0x1F:
      // Ctrl clears the bits above the fifth: 1 is Ctrl-A, 0x1C is Ctrl-\.
      let base = byte >= 1 && byte <= 26 ? byte | 0x60 : byte | 0x40
      return [.control(Character(Unicode.Scalar(base)))]
    case 0x20...0x7E: return [.character(Character(Unicode.Scalar(byte)))]
    case 0xC2...0xDF: state = .utf8([byte], length: 2)
    case 0xE0...0xEF: state = .utf8([byte], length: 3)
    case 0xF0...0xF4: state = .utf8([byte], length: 4)
    default: return [.unknown]
    }
    return []
  }

  private mutating func feedCharacter(_ bytes: [UInt8], _ length: Int, _ byte: UInt8) -> [Key] {
    guard (0x80...0xBF).contains(byte) else {
      state = .idle
      return [.unknown] + start(byte)
    }
    let bytes = bytes + [byte]
    guard bytes.count == length else {
      state = .utf8(bytes, length: length)
      return []
    }
    state = .idle
    guard let text = String(validating: bytes, as: UTF8.self), let character = text.first else { return [.unknown] }
    return [.character(character)]
  }

  private mutating func feedSequence(_ bytes: [UInt8], _ byte: UInt8) -> [Key] {
    switch byte {
    case 0x20...0x3F:
      // What is too long is none that we know, and goes on until its end.
      state = .csi(bytes.count < KeyDecoder.sequenceBytesMax ? bytes + [byte] : bytes)
      return []
    case 0x40...0x7E:
      state = .idle
      return [KeyDecoder.csiKey(String(decoding: bytes, as: UTF8.self), byte)]
    default:
      state = .idle
      return byte < 0x20 ? [.unknown] + start(byte) : [.unknown]
    }
  }

  /// Sequences as xterm, the Linux console and most of their kin send them.
  private static func csiKey(_ parameters: String, _ final: UInt8) -> Key {
    switch (parameters, Character(Unicode.Scalar(final))) {
    case (let number, "~"): numberedKeys[number] ?? .unknown
    case ("", let letter), ("1", let letter): plainKeys[letter] ?? .unknown
    case ("1;2", "A"): .shiftUp
    case ("1;2", "B"): .shiftDown
    case ("1;2", "C"): .shiftRight
    case ("1;2", "D"): .shiftLeft
    default: .unknown
    }
  }

  private static func ss3Key(_ byte: UInt8) -> Key {
    let letter = Character(Unicode.Scalar(byte))
    if letter == "M" { return .enter }
    // The keypad of a terminal in application mode: `*` is `j`, and so on in the order of ASCII.
    if (UInt8(ascii: "j")...UInt8(ascii: "y")).contains(byte) {
      return .character(Character(Unicode.Scalar(byte - UInt8(ascii: "j") + UInt8(ascii: "*"))))
    }
    return plainKeys[letter] ?? .unknown
  }

  private static let plainKeys: [Character: Key] = [
    "A": .up, "B": .down, "C": .right, "D": .left, "H": .home, "F": .end, "Z": .backTab,
    "P": .function(1), "Q": .function(2), "R": .function(3), "S": .function(4),
  ]

  private static let numberedKeys: [String: Key] = [
    "1": .home, "2": .insert, "3": .delete, "4": .end, "5": .pageUp, "6": .pageDown, "7": .home, "8": .end,
    "11": .function(1), "12": .function(2), "13": .function(3), "14": .function(4), "15": .function(5),
    "17": .function(6), "18": .function(7), "19": .function(8), "20": .function(9), "21": .function(10),
    "23": .function(11), "24": .function(12),
  ]
}

/// What comes between the marks of a bracketed paste (`?2004`), as far as there is room for it.
private struct PastedText {
  /// The parameter of the sequence that begins a paste.
  static let beginning = Array("200".utf8)
  private static let end = Array("\u{1B}[201~".utf8)

  private var bytes: [UInt8] = []
  /// How much of the end has come.
  private var matched = 0

  var text: String { String(decoding: bytes, as: UTF8.self) }

  /// - Returns: whether this byte ends it.
  mutating func append(_ byte: UInt8) -> Bool {
    if byte == Self.end[matched] {
      matched += 1
      return matched == Self.end.count
    }
    // It was text after all. Only the first byte of the end is ESC, so that no other part of it can begin one.
    keep(Self.end[..<matched])
    matched = byte == Self.end[0] ? 1 : 0
    if matched == 0 { keep([byte]) }
    return false
  }

  private mutating func keep(_ more: some Collection<UInt8>) {
    bytes += more.prefix(max(0, TerminalInput.pasteBytesMax - bytes.count))
  }
}
