/// A key of the keyboard, as far as a terminal tells.
public enum Key: Hashable, Sendable {
  case character(Character)
  /// Ctrl and a letter, which is lower case; also `@`, `[`, `\`, `]`, `^`, `_`. Ctrl-H, Ctrl-I, Ctrl-J, Ctrl-M and Ctrl-[
  /// are `backspace`, `tab`, `enter`, `enter` and `escape`: a terminal cannot tell them apart. Ctrl-C and Ctrl-Z are
  /// signals, never keys.
  case control(Character)
  case up
  case down
  case left
  case right
  case shiftUp
  case shiftDown
  case shiftLeft
  case shiftRight
  case pageUp
  case pageDown
  case home
  case end
  case enter
  case escape
  case tab
  case backTab
  case backspace
  case delete
  case insert
  /// F1 is `function(1)`.
  case function(Int)
  /// A key, or a sequence of the terminal, that has no name here. Meant to be ignored.
  case unknown
}

/// What the mouse did, where the program has asked to be told.
public struct MouseEvent: Hashable, Sendable {
  public enum Action: Hashable, Sendable {
    /// The first button was pressed.
    case press
    case wheelUp
    case wheelDown
  }

  public var action: Action
  /// Column and row, from 0.
  public var x: Int
  public var y: Int

  public init(action: Action, x: Int, y: Int) {
    self.action = action
    self.x = x
    self.y = y
  }
}

/// What happened at the terminal.
public enum TerminalInput: Hashable, Sendable {
  /// What is pasted beyond these bytes is dropped.
  public static let pasteBytesMax = 64 << 10

  /// Which signal asked the program to end.
  public enum Interrupt: String, Hashable, Sendable {
    /// SIGINT: Ctrl-C.
    case interrupt
    /// SIGTERM.
    case terminate
    /// SIGHUP.
    case hangUp
  }

  case key(Key)
  case mouse(MouseEvent)
  /// Text that was pasted: not a key of it was pressed, and nothing in it is a command. At most `pasteBytesMax` bytes in UTF-8,
  /// as they came: with its newlines, and whatever other control characters the terminal let through.
  case paste(String)
  /// The terminal has a new size, in cells. The next `present` should bring a canvas of that size.
  case resize(width: Int, height: Int)
  /// The program was asked to end.
  case interrupt(Interrupt)
  /// The program was suspended and is back in the foreground; the picture has been drawn again.
  case resume
  /// The terminal is gone. Nothing can be shown or read any more: end the program.
  case hangup
  /// Another thread called `wake()`.
  case wake
}
