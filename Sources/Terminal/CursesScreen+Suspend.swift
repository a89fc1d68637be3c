private import CDarkBird
private import CNCurses

#if canImport(Glibc)
  private import Glibc
#elseif canImport(Musl)
  private import Musl
#else
  private import Darwin
#endif

extension CursesScreen {
  /// Gives the terminal back and stops the process as Ctrl-Z does; returns when the shell continues it in the foreground,
  /// with the picture drawn again, or when it is asked to end, which the next `wait` tells. A process that no shell would
  /// continue does not stop.
  public func suspend() {
    guard isOpen, !isSuspended else { return }
    isSuspended = true
    leaveReports()
    leavePicture()
    terminal_guard_restore_modes()
    terminal_guard_claim(false)
    terminal_guard_stop()
    resume()
  }

  /// Takes the terminal over again after the process was stopped and continued. In the background the shell is using it:
  /// then the process stops again, but a signal to end is obeyed there too, without touching the terminal.
  func resume() {
    guard isOpen else { return }
    while !terminal_guard_is_foreground() {
      if !isSuspended {
        // Stopped without a word by another process; the shell has set its own modes.
        isSuspended = true
        terminal_guard_claim(false)
      }
      if mustEnd() { return }
      // Meanwhile the shell may have given the terminal back.
      if !terminal_guard_is_foreground() { terminal_guard_stop() }
    }
    isSuspended = false
    terminal_guard_claim(true)
    reset_prog_mode()
    takeReports()
    takeSize()
    redraw()
  }

  /// Whether the process is asked to end, or the terminal is gone. Looks for 200 milliseconds: a process that nobody can stop
  /// goes round with this, waiting for the foreground.
  private func mustEnd() -> Bool {
    if isAskedToEnd || terminal_guard_must_end() { return true }
    var sources = [
      pollfd(fd: STDIN_FILENO, events: 0, revents: 0),
      pollfd(fd: terminal_guard_signal_fd(), events: Int16(POLLIN), revents: 0),
    ]
    poll(&sources, nfds_t(sources.count), 200)
    return terminal_guard_must_end() || sources[0].revents != 0
  }
}
