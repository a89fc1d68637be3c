private import CDarkBird
internal import CNCurses
internal import Synchronization

#if canImport(Glibc)
  private import Glibc
#elseif canImport(Musl)
  private import Musl
#else
  private import Darwin
#endif

/// The terminal on standard input and output, drawn by ncurses. There is one a process, and one thread uses it.
///
/// While it is open, SIGINT, SIGTERM, SIGHUP and SIGTSTP are inputs of `wait`, and what the process writes to standard error
/// on the same terminal is kept back until `close`. The terminal gets its modes back at `close`, when the process exits, and
/// when it crashes.
public final class CursesScreen {
  public struct Options: Sendable, Hashable {
    /// At most this many colours; nil takes what the terminal has, or none if the environment sets NO_COLOR.
    public var colors: ColorDepth?

    public init(colors: ColorDepth? = nil) { self.colors = colors }
  }

  /// Columns and rows.
  public internal(set) var size: (width: Int, height: Int)
  public let colorDepth: ColorDepth
  /// The best characters that the locale and the type of terminal let one hope for.
  public let glyphs: GlyphTier
  /// For other threads: ends a `wait`.
  public let waker: Waker

  // SCREEN* and WINDOW* of ncurses, which frees them in `close`.
  private let screen: OpaquePointer
  /// Reads keys: a pad, since reading from a window would redraw it.
  let keyboard: UnsafeMutablePointer<WINDOW>
  let isUTF8: Bool
  /// Sent around a frame so that the terminal shows it at once; empty where it might not be understood.
  private let synchronizedUpdate: (begin: String, end: String)
  /// Asks for the marks around what is pasted, and does without them again; empty where it might not be understood. Without them
  /// the keys of a pasted text are commands.
  private let pasteMarks: (on: String, off: String)
  /// Asks for the mouse and gives it back; empty where it might not be understood.
  private let mouseReports: (on: String, off: String)
  /// Whether the mouse is the program's, and not the terminal's, to select text.
  private var isMouseOn = false
  var isOpen = true
  /// Whether the terminal belongs to the shell at the moment.
  var isSuspended = false
  /// The program that has the terminal meanwhile.
  var guest: Guest?

  /// What the window of ncurses holds.
  var shown: Canvas
  var pens: Pens
  var cellBuffer: [cchar_t] = []

  var decoder = KeyDecoder()
  /// When the last byte was read.
  var lastRead = ContinuousClock.now
  var queue: [TerminalInput] = []
  var isHungUp = false

  private static let isTaken = Atomic<Bool>(false)

  /// Takes over the terminal: alternate screen, no echo, hidden cursor.
  public init(_ options: Options = Options()) throws(TerminalError) {
    let type = try CursesScreen.usableTerminalType()
    guard !CursesScreen.isTaken.exchange(true, ordering: .acquiring) else { throw .alreadyOpen }
    do throws(TerminalError) {
      waker = try Waker()
      isUTF8 = cncurses_use_utf8()
      // Before newterm, which installs handlers that end the process at once where it finds none.
      let code = terminal_guard_install(STDOUT_FILENO)
      guard code == 0 else { throw TerminalError.system(call: "tcgetattr", code: code) }
      guard let screen = cncurses_open(type), let keyboard = newpad(1, 1) else {
        let code = errno
        terminal_guard_uninstall(false)
        throw TerminalError.system(call: "newterm", code: code)
      }
      self.screen = screen
      self.keyboard = keyboard
    } catch {
      CursesScreen.isTaken.store(false, ordering: .releasing)
      throw error
    }

    cbreak()
    noecho()
    nonl()
    terminal_guard_take_keys()
    def_prog_mode()
    curs_set(0)
    // Input never delays output; no insert-character tricks, which shift wide characters by halves.
    typeahead(-1)
    leaveok(cncurses_window(), true)
    idcok(cncurses_window(), false)
    CursesScreen.configure(keyboard: keyboard)

    pens = Pens(limit: options.colors ?? (CursesScreen.environment("NO_COLOR") == nil ? .full : ColorDepth.none))
    colorDepth = pens.depth
    glyphs = CursesScreen.glyphs(type, isUTF8: isUTF8)
    size = (Int(cncurses_width()), Int(cncurses_height()))
    shown = Canvas(width: size.width, height: size.height)
    let isECMA48 = CursesScreen.capability("cup")?.hasPrefix("\u{1B}[") ?? false
    synchronizedUpdate = isECMA48 ? ("\u{1B}[?2026h", "\u{1B}[?2026l") : ("", "")
    mouseReports = isECMA48 ? ("\u{1B}[?1000h\u{1B}[?1006h", "\u{1B}[?1006l\u{1B}[?1000l") : ("", "")
    pasteMarks = isECMA48 ? ("\u{1B}[?2004h", "\u{1B}[?2004l") : ("", "")
    let restore = CursesScreen.restoreBytes(before: synchronizedUpdate.end + mouseReports.off + pasteMarks.off)
    terminal_guard_set_restore(restore, restore.count)
    // Without a place to keep it, standard error stays on the terminal.
    _ = terminal_guard_hold_stderr()
    takeReports()
  }

  deinit { close() }

  /// Gives the terminal back exactly as it was. May be called again. After a hang-up SIGHUP stays ignored, so that the
  /// program can finish its work.
  public func close() {
    guard isOpen else { return }
    if !isSuspended { leaveReports() }
    isOpen = false
    endGuest()
    if !isSuspended { leavePicture() }
    delwin(keyboard)
    delscreen(screen)
    terminal_guard_uninstall(isHungUp)
    terminal_guard_release_stderr()
    CursesScreen.isTaken.store(false, ordering: .releasing)
  }

  /// Goes back to what the terminal showed before. Without an alternate screen the picture stays, and the prompt comes below it.
  func leavePicture() {
    writing { endwin() }
    if Self.capability("rmcup") == nil { send("\r\n") }
  }

  /// Sends the whole picture again, over whatever another program left there.
  public func redraw() {
    guard isOpen, !isSuspended else { return }
    cncurses_repaint()
    update()
  }

  /// Makes clicks and the wheel inputs of `wait`, or leaves them to the terminal, which selects text with them. Off at first.
  public func setMouse(_ isOn: Bool) {
    guard isOpen, isOn != isMouseOn else { return }
    isMouseOn = isOn
    if !isSuspended { send(isOn ? mouseReports.on : mouseReports.off) }
  }

  /// While the terminal is somebody else's, so are the mouse and what is pasted.
  func leaveReports() { send((isMouseOn ? mouseReports.off : "") + pasteMarks.off) }
  func takeReports() { send(pasteMarks.on + (isMouseOn ? mouseReports.on : "")) }

  /// Shows `canvas`; only what differs from the last one is sent, and nothing if nothing does. A canvas of another size than
  /// the terminal is cut or surrounded by spaces.
  public func present(_ canvas: Canvas) {
    guard isOpen, !isHungUp, !isSuspended else { return }
    terminal_guard_trim_stderr()
    var next = canvas
    if canvas.width != size.width || canvas.height != size.height {
      next = Canvas(width: size.width, height: size.height)
      next.draw(canvas, x: 0, y: 0)
      next.cursor = canvas.cursor
    }
    let runs = next.differences(from: shown)
    guard !runs.isEmpty || next.cursor != shown.cursor || mustUpdate else { return }
    for run in runs { put(run) }
    shown = next
    update()
  }

  /// Whether ncurses has something to send although no cell changed: at first, and after a new size.
  var mustUpdate = true

  private func update() {
    mustUpdate = false
    send(synchronizedUpdate.begin)
    cncurses_place_cursor(CInt(shown.cursor?.x ?? 0), CInt(shown.cursor?.y ?? 0), shown.cursor != nil)
    writing { cncurses_update() }
    send(synchronizedUpdate.end)
  }

  /// Bytes of a text that terminals let into their clipboard.
  public static let copyBytesMax = 74_994

  /// Puts a text into the clipboard of the terminal (OSC 52), encoded, so that nothing in it is a command.
  /// - Returns: false for a text of more than `copyBytesMax` bytes, and once the screen is closed. Whether the terminal has a
  ///   clipboard nobody knows.
  public func copy(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard isOpen, !isHungUp, !isSuspended, bytes.count <= Self.copyBytesMax else { return false }
    send("\u{1B}]52;c;\(base64(bytes))\u{07}")
    return true
  }

  private func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var text = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let word = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for digit in 0...group.count { text.append(digits[word >> (18 - 6 * digit) & 63]) }
      text += String(repeating: "=", count: 3 - group.count)
    }
    return text
  }

  /// Does what may wait for whoever reads the terminal.
  @discardableResult
  func writing<Result>(_ body: () -> Result) -> Result {
    terminal_guard_note_write()
    defer { terminal_guard_note_write() }
    return body()
  }

  /// Sends bytes past ncurses, whose buffer is empty before and after an update.
  private func send(_ text: String) { writing { sendAll(text) } }

  private func sendAll(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      // A terminal that somebody has made non-blocking: what is cut off would be taken for a part of what follows.
      if written < 0, errno == EAGAIN, isWritable(STDOUT_FILENO, milliseconds: 1_000) { continue }
      guard written > 0 else { return }
      bytes = bytes.dropFirst(written)
    }
  }

  /// Tells ncurses the size of the terminal. Returns whether it changed.
  @discardableResult
  func takeSize() -> Bool {
    var (width, height): (CInt, CInt) = (0, 0)
    guard terminal_guard_size(&width, &height) == 0, (Int(width), Int(height)) != size else { return false }
    guard resizeterm(height, width) != ERR else { return false }
    size = (Int(width), Int(height))
    // Terminals move or cut what they show when their size changes: start from an empty picture.
    werase(cncurses_window())
    cncurses_repaint()
    shown = Canvas(width: size.width, height: size.height)
    mustUpdate = true
    queue.append(.resize(width: size.width, height: size.height))
    return true
  }

  /// vt100 and its kin have no others than ASCII's; vte is another one.
  static func glyphs(_ type: String, isUTF8: Bool) -> GlyphTier {
    let isVT = type.hasPrefix("vt") && type.dropFirst(2).first?.isNumber == true
    return !isUTF8 || isVT ? .ascii : type.hasPrefix("linux") ? .blocks : .braille
  }

  /// Says whether a screen can be made here, without making it: for programs that open or make something else first.
  /// - Throws: what `init` would throw for the terminal.
  public static func requireUsableTerminal() throws(TerminalError) { _ = try usableTerminalType() }

  private static func usableTerminalType() throws(TerminalError) -> String {
    guard isatty(STDOUT_FILENO) == 1 else { throw .notATerminal("standard output") }
    guard isatty(STDIN_FILENO) == 1 else { throw .notATerminal("standard input") }
    guard let type = environment("TERM") else { throw .noTerminalType }
    switch cncurses_look_up(type) {
    case CNCURSES_USABLE: return type
    case CNCURSES_DUMB: throw .dumbTerminal(type)
    default: throw type == "dumb" ? .dumbTerminal(type) : .unknownTerminal(type)
    }
  }

  /// A variable of the environment that is set and not empty.
  private static func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }

  /// What makes the terminal usable after a crash, when ncurses cannot be asked.
  private static func restoreBytes(before: String) -> [CChar] {
    let capabilities = ["sgr0", "op", "rmkx", "cnorm", "rmcup"].map { capability($0) ?? "" }
    let text = before + capabilities.map(withoutPadding).joined()
    // Without an alternate screen the prompt comes below the picture.
    return (capabilities.last == "" ? text + "\r\n" : text).utf8.map { CChar(bitPattern: $0) }
  }

  private static func capability(_ name: String) -> String? {
    cncurses_capability(name).map { String(cString: $0) }
  }

  /// A capability without its delays, `$<5/>`, which a crash has no time for.
  static func withoutPadding(_ capability: String) -> String {
    var result = ""
    var rest = capability[...]
    while let start = rest.firstIndex(of: "$") {
      let after = rest.index(after: start)
      guard after < rest.endIndex, rest[after] == "<", let end = rest[after...].firstIndex(of: ">") else {
        result += rest[...start]
        rest = rest[after...]
        continue
      }
      result += rest[..<start]
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }
}
