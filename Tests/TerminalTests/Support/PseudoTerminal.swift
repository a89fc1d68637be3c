import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A probe on a terminal that the test itself plays: it types, resizes, hangs up, and sees every byte.
final class PseudoTerminal {
  private var master: CInt
  private let name: String
  let reports: Reports
  private(set) var child: ChildProcess?
  /// All that the probe has sent.
  private(set) var output: [UInt8] = []
  private(set) var modesBefore = termios()
  /// Whether the test reads what the probe sends.
  var isRead = true

  /// Opens a terminal and starts the probe on it, or `command`, where `$PROBE` and `$REPORTS` are set.
  init(
    width: Int = 80, height: Int = 24, environment: [String: String] = [:], command: String? = nil
  ) throws {
    (master, name) = try PseudoTerminal.open()
    reports = try Reports()
    resize(width: width, height: height)
    modesBefore = modes

    let probe = try probePath()
    var variables = ["PATH": "/usr/bin:/bin", "TERM": "xterm-256color", "LANG": "C.UTF-8", "HOME": "/"]
    variables.merge(["PROBE": probe, "REPORTS": reports.path]) { $1 }
    variables.merge(environment) { $1 }
    child = try ChildProcess(
      command.map { ["/bin/sh", "-c", $0] } ?? [probe, reports.path],
      environment: variables.filter { !$0.value.isEmpty },
      files: [.path(name), .descriptor(0), .descriptor(0)], newSession: true)
  }

  private static func open() throws -> (master: CInt, name: String) {
    #if os(Linux)
      // What posix_openpt, unlockpt and ptsname do, which Swift's Glibc module lacks; the requests are TIOCSPTLCK and
      // TIOCGPTN, the same on x86 and ARM.
      let master = Glibc.open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
      var (unlocked, number): (CInt, CUnsignedInt) = (0, 0)
      guard master >= 0, ioctl(master, 0x4004_5431, &unlocked) == 0, ioctl(master, 0x8004_5430, &number) == 0
      else { throw SystemFailure("open /dev/ptmx") }
      return (master, "/dev/pts/\(number)")
    #else
      let master = posix_openpt(O_RDWR | O_NOCTTY)
      guard master >= 0, grantpt(master) == 0, unlockpt(master) == 0, let name = ptsname(master) else {
        throw SystemFailure("posix_openpt")
      }
      _ = fcntl(master, F_SETFD, FD_CLOEXEC)
      _ = fcntl(master, F_SETFL, O_NONBLOCK)
      return (master, String(cString: name))
    #endif
  }

  deinit { hangUp() }

  var text: String { String(decoding: output, as: UTF8.self) }

  var modes: termios {
    var modes = termios()
    tcgetattr(master, &modes)
    return modes
  }

  var modesAreAsBefore: Bool {
    let now = modes
    return withUnsafeBytes(of: now) { now in withUnsafeBytes(of: modesBefore) { now.elementsEqual($0) } }
  }

  func type(_ text: String) { _ = write(master, text, text.utf8.count) }

  func type(byte: UInt8) {
    var byte = byte
    _ = write(master, &byte, 1)
  }

  /// Whether the alternate screen was left and the cursor shown after the last `picture`, and all of that before
  /// `message`, which must be the end.
  func restoresBefore(_ message: String, after picture: String) -> Bool {
    let text = text
    guard let shown = text.ranges(of: picture).last, let left = text.ranges(of: "\u{1B}[?1049l").last,
      let cursor = text.ranges(of: "\u{1B}[?25h").last, !text[left.upperBound...].contains("\u{1B}[?1049h")
    else { return false }
    let restored = max(left.upperBound, cursor.upperBound)
    return min(left.lowerBound, cursor.lowerBound) > shown.upperBound
      && (message.isEmpty || text[restored...].contains(message))
  }

  func send(_ signal: CInt) {
    if let child { kill(child.pid, signal) }
  }

  func resize(width: Int, height: Int) {
    var size = winsize(ws_row: UInt16(height), ws_col: UInt16(width), ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(master, UInt(TIOCSWINSZ), &size)
  }

  /// The terminal is gone.
  func hangUp() {
    if master >= 0 { close(master) }
    master = -1
  }

  /// Waits for a report that begins with `prefix`.
  @discardableResult
  func expect(_ prefix: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    var found: String?
    wait {
      found = reports.take(prefix)
      return found != nil
    }
    return try #require(
      found, "no report \(prefix) among \(reports.lines.suffix(20)); terminal: \(text.suffix(2000))",
      sourceLocation: sourceLocation)
  }

  /// Waits until the terminal has been sent `part`.
  func expectOutput(_ part: String, sourceLocation: SourceLocation = #_sourceLocation) {
    let found = wait { text.contains(part) }
    #expect(found, "not sent: \(part)", sourceLocation: sourceLocation)
  }

  /// Waits for the end of the process; its output is complete then.
  func expectEnd(sourceLocation: SourceLocation = #_sourceLocation) throws -> ChildProcess.Ending {
    wait { child?.hasEnded() ?? true }
    drain()
    return try #require(child?.ending, "still running: \(reports.lines)", sourceLocation: sourceLocation)
  }

  /// Forgets the output so far and returns it.
  @discardableResult
  func takeOutput() -> [UInt8] {
    drain()
    defer { output = [] }
    return output
  }

  private func drain() {
    var chunk = [UInt8](repeating: 0, count: 65536)
    while isRead, master >= 0, case let count = read(master, &chunk, chunk.count), count > 0 {
      output += chunk[..<count]
    }
    reports.collect()
  }

  /// Lets the probe run until the condition holds; false after the deadline.
  @discardableResult
  private func wait(until condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + patience
    while true {
      drain()
      if condition() { return true }
      if ContinuousClock.now >= deadline { return false }
      // The end of a process has no descriptor: look every 10 milliseconds.
      var sources = [
        pollfd(fd: reports.descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: !isRead || child?.hasEnded() == true ? -1 : master, events: Int16(POLLIN), revents: 0),
      ]
      poll(&sources, nfds_t(sources.count), 10)
    }
  }
}
