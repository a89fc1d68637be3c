private import CDarkBird
private import CNCurses
internal import Dispatch

#if canImport(Glibc)
  private import Glibc
#elseif canImport(Musl)
  private import Musl
#else
  private import Darwin
#endif

/// How a program ended that had the terminal for a while.
public enum GuestEnd: Hashable, Sendable {
  case exited(Int32)
  case signaled(Int32)
}

extension CursesScreen {
  /// Gives the terminal, with the modes that it had before the screen was opened, to another program, such as an editor.
  ///
  /// The program runs in the foreground: keys and Ctrl-C are its own, and Ctrl-Z stops both. Until `takeBack` the screen draws
  /// nothing and gives no keys, but `wait` still returns when it is woken or asked to end. A `close` ends the program.
  ///
  /// - Parameters:
  ///   - command: the path of the program and its arguments; its standard error is the terminal.
  ///   - ended: called once, on another thread.
  /// - Throws: `TerminalError.system` if the program cannot be started; the screen is as before then.
  public func lend(to command: [String], ended: @escaping @Sendable (GuestEnd) -> Void) throws(TerminalError) {
    guard isOpen, !isHungUp, !isSuspended else { throw .system(call: "posix_spawn", code: EBUSY) }
    // What was pressed before is not for what is shown after it.
    queue.removeAll(where: \.isTyped)
    leaveReports()
    isSuspended = true
    writing { endwin() }
    terminal_guard_restore_modes()
    terminal_guard_claim(false)
    var words = command.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    // Ctrl-\ is one of its keys.
    terminal_guard_heed_quit(false)
    let code = terminal_guard_spawn(&words, &process)
    guard code == 0 else {
      terminal_guard_heed_quit(true)
      resume()
      throw .system(call: "posix_spawn", code: code)
    }
    let guest = Guest(process: process)
    self.guest = guest
    DispatchQueue(label: "darkbird.guest").async {
      let end = guest.wait()
      guest.ended.signal()
      ended(end)
    }
  }

  /// Takes the terminal back from a program that has ended, and draws everything again. Without effect if there is none, or if it
  /// goes on.
  public func takeBack() {
    guard isOpen, let guest, guest.ended.wait(timeout: .now()) == .success else { return }
    // What was pressed for the other program.
    takeSignals()
    self.guest = nil
    terminal_guard_heed_quit(true)
    resume()
  }

  /// Ends the program that has the terminal, kindly at first.
  func endGuest() {
    guard let guest else { return }
    self.guest = nil
    defer {
      // It may have died without tidying up.
      terminal_guard_restore_modes()
      terminal_guard_heed_quit(true)
    }
    // Its number may belong to another process by now.
    guard guest.ended.wait(timeout: .now()) == .timedOut else { return }
    kill(guest.process, SIGHUP)
    kill(guest.process, SIGCONT)
    if guest.ended.wait(timeout: .now() + .seconds(2)) == .timedOut {
      kill(guest.process, SIGKILL)
      guest.ended.wait()
    }
  }
}

/// A program that has the terminal.
struct Guest: Sendable {
  let process: Int32
  let ended: DispatchSemaphore

  init(process: Int32) {
    self.process = process
    ended = DispatchSemaphore(value: 0)
  }

  func wait() -> GuestEnd {
    var number: CInt = 0
    return terminal_guard_wait(process, &number) ? .signaled(number) : .exited(number)
  }
}
