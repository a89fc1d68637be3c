private import CDarkBird
internal import CNCurses

#if canImport(Glibc)
  private import Glibc
#elseif canImport(Musl)
  private import Musl
#else
  private import Darwin
#endif

extension CursesScreen {
  /// How long the rest of a key's sequence may lag behind, on a slow line.
  private static let sequenceTimeout = Duration.milliseconds(50)
  /// How long a paste may pause. What comes after that is keys, so that it is longer than a connection may stall, and short enough
  /// that a paste whose end was lost does not make the keyboard useless.
  private static let pasteTimeout = Duration.seconds(2)

  /// The next input; nil once `deadline` has passed, never if it is nil. The thread sleeps until then. A suspend by Ctrl-Z
  /// happens in here. After `.hangup` every call returns `.hangup`, after `close` nil, at once.
  public func wait(until deadline: ContinuousClock.Instant?) -> TerminalInput? {
    while isOpen {
      takeSignals()
      let mayHaveMore = queue.isEmpty && takeKeys()
      let flush = decoder.isWaiting ? lastRead + timeout : nil
      // Not while keys wait: nobody has looked for the rest.
      if queue.isEmpty, let flush, ContinuousClock.now >= flush { queue += decoder.flush() }
      if !queue.isEmpty { return queue.removeFirst() }
      if isHungUp { return .hangup }

      let now = ContinuousClock.now
      if mayHaveMore, let deadline, now >= deadline { return nil }
      let until = [deadline, flush].compactMap(\.self).min()
      switch poll(milliseconds: until.map { CursesScreen.milliseconds(from: now, to: $0) } ?? -1) {
      case .input(let input): return input
      case .ready: continue
      case .timedOut:
        if let deadline, ContinuousClock.now >= deadline { return nil }
      }
    }
    return nil
  }

  /// How long to wait for the rest of what has begun.
  private var timeout: Duration { decoder.isPasting ? Self.pasteTimeout : Self.sequenceTimeout }

  /// Until `deadline`, rounded up so that a wait never ends just before it.
  private static func milliseconds(from now: ContinuousClock.Instant, to deadline: ContinuousClock.Instant) -> CInt {
    let left = now.duration(to: deadline).components
    guard left.seconds >= 0, left.attoseconds >= 0 else { return 0 }
    guard left.seconds < 1_000_000 else { return 1_000_000_000 }
    return CInt(left.seconds * 1000 + (left.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }

  private enum Poll {
    case input(TerminalInput)
    /// There may be signals or keys to take.
    case ready
    case timedOut
  }

  /// Sleeps until something happens.
  private func poll(milliseconds: CInt) -> Poll {
    var sources = [
      pollfd(fd: STDIN_FILENO, events: isSuspended ? 0 : Int16(POLLIN), revents: 0),
      pollfd(fd: terminal_guard_signal_fd(), events: Int16(POLLIN), revents: 0),
      pollfd(fd: waker.readEnd, events: Int16(POLLIN), revents: 0),
    ]
    let count = systemPoll(&sources, nfds_t(sources.count), milliseconds)
    guard count > 0 else { return count == 0 ? .timedOut : .ready }
    let terminal = CInt(sources[0].revents)
    // At the end of a terminal it stays readable with nothing to read: without this check an orphan would spin.
    if terminal & (POLLHUP | POLLERR | POLLNVAL) != 0
      || terminal & POLLIN != 0 && terminal_guard_readable_bytes(STDIN_FILENO) == 0
    {
      isHungUp = true
      return .ready
    }
    guard sources[2].revents != 0 else { return .ready }
    waker.drain()
    return .input(.wake)
  }

  func takeSignals() {
    while true {
      let signal = terminal_guard_next_signal()
      // What the keys of a guest do reaches this process too.
      if guest != nil, [SIGINT, SIGTSTP, SIGCONT, SIGWINCH].contains(signal) { continue }
      switch signal {
      case 0: return
      case SIGHUP: put(.interrupt(.hangUp))
      case SIGTERM: put(.interrupt(.terminate))
      case SIGINT: put(.interrupt(.interrupt))
      case SIGTSTP where isAskedToEnd: break
      case SIGTSTP:
        suspend()
        if !isSuspended { queue.append(.resume) }
      case SIGCONT:
        resume()
        if !isSuspended { queue.append(.resume) }
      default: takeSize()
      }
    }
  }

  /// Before all that was typed.
  private func put(_ interrupt: TerminalInput) {
    queue.insert(interrupt, at: queue.firstIndex { !$0.isInterrupt } ?? queue.count)
  }

  /// Whether a signal to end waits to be told.
  var isAskedToEnd: Bool { queue.first?.isInterrupt ?? false }

  /// At most so many at a time: signals and deadlines have their turn while somebody pastes without an end.
  private static let keysMax = 4_096

  /// - Returns: whether there may be more to read.
  private func takeKeys() -> Bool {
    guard isOpen, !isHungUp, !isSuspended else { return false }
    var count = 0
    while count < Self.keysMax {
      let code = wgetch(keyboard)
      if code == ERR { break }
      count += 1
      lastRead = ContinuousClock.now
      if let byte = UInt8(exactly: code) {
        queue += decoder.feed(byte)
      } else if code != KEY_RESIZE, !decoder.isPasting {
        // In a pasted text a key has no meaning.
        queue += decoder.flush() + [.key(CursesScreen.key(code))]
      }
    }
    // ncurses has waited for the rest of a sequence.
    if count < Self.keysMax, decoder.isLoneEscape { queue += decoder.flush() }
    return count == Self.keysMax
  }

  static func configure(keyboard: UnsafeMutablePointer<WINDOW>) {
    set_escdelay(25)
    keypad(keyboard, true)
    nodelay(keyboard, true)
    intrflush(keyboard, false)
    // ncurses would take the beginning of what the mouse does for a key; `KeyDecoder` understands all of it, as it does of
    // Backspace and what is before that.
    define_key(nil, KEY_MOUSE)
    define_key(nil, KEY_BACKSPACE)
  }

  private static func key(_ code: CInt) -> Key {
    switch code {
    case KEY_UP: .up
    case KEY_DOWN: .down
    case KEY_LEFT: .left
    case KEY_RIGHT: .right
    case KEY_SR: .shiftUp
    case KEY_SF: .shiftDown
    case KEY_SLEFT: .shiftLeft
    case KEY_SRIGHT: .shiftRight
    case KEY_PPAGE, KEY_A3: .pageUp
    case KEY_NPAGE, KEY_C3: .pageDown
    case KEY_HOME, KEY_FIND, KEY_A1: .home
    case KEY_END, KEY_SELECT, KEY_LL, KEY_C1: .end
    case KEY_ENTER: .enter
    case KEY_BTAB: .backTab
    case KEY_DC: .delete
    case KEY_IC: .insert
    case KEY_F0 + 1...KEY_F0 + 63: .function(Int(code - KEY_F0))
    default: extendedKey(code)
    }
  }

  /// Keys that terminfo entries define by name beyond the standard ones.
  private static func extendedKey(_ code: CInt) -> Key {
    switch keyname(code).map({ String(cString: $0) }) {
    case "kUP": .shiftUp
    case "kDN": .shiftDown
    default: .unknown
    }
  }
}

extension TerminalInput {
  /// Whether it is what somebody did at the terminal.
  var isTyped: Bool {
    switch self {
    case .key, .mouse, .paste: true
    case .resize, .interrupt, .resume, .hangup, .wake: false
    }
  }

  var isInterrupt: Bool { if case .interrupt = self { true } else { false } }
}

/// Whether a descriptor takes bytes, soon.
func isWritable(_ descriptor: CInt, milliseconds: CInt) -> Bool {
  var sinks = [pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)]
  return systemPoll(&sinks, 1, milliseconds) > 0
}

/// The system call, whose name the method above has taken.
private func systemPoll(_ sources: inout [pollfd], _ count: nfds_t, _ milliseconds: CInt) -> CInt {
  poll(&sources, count, milliseconds)
}
