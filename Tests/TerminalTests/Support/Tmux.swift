import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A tmux server of its own with one window, in which a shell with job control runs.
final class Tmux {
  let reports: Reports
  private let environment: [String: String]
  private var socket: String { reports.directory + "/tmux" }

  static var isInstalled: Bool {
    (try? output(of: ["tmux", "-V"], environment: ["PATH": "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin"])) != nil
  }

  init(width: Int, height: Int) throws {
    reports = try Reports()
    environment = [
      "PATH": "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin", "TERM": "xterm-256color", "LANG": "C.UTF-8",
      "HOME": reports.directory, "PROBE": try probePath(), "REPORTS": reports.path, "PS1": "$ ",
      "HISTFILE": "/dev/null",
    ]
    try run(
      "set-option", "-g", "default-terminal", "tmux-256color", ";", "set-option", "-g", "status", "off", ";",
      "new-session", "-d", "-x", "\(width)", "-y", "\(height)", "bash --norc --noprofile -i")
  }

  deinit {
    killServer()
    unlink(socket)
  }

  func killServer() { _ = try? run("kill-server") }

  /// Types a line and Enter.
  func type(_ line: String) {
    _ = try? run("send-keys", "-l", line)
    type(key: "Enter")
  }

  /// Types a key by the name tmux has for it.
  func type(key: String) { _ = try? run("send-keys", key) }

  func resize(width: Int, height: Int) { _ = try? run("resize-window", "-x", "\(width)", "-y", "\(height)") }

  /// What the window shows, without spaces at the ends of lines.
  func picture() -> [String] {
    let text = (try? run("capture-pane", "-p")) ?? ""
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.trimmingTrailingSpaces() }
  }

  func format(_ format: String) -> String {
    ((try? run("display-message", "-p", format)) ?? "").split(separator: "\n").first.map(String.init) ?? ""
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
      found, "no report \(prefix) among \(reports.lines.suffix(20)); window: \(picture())",
      sourceLocation: sourceLocation)
  }

  /// Waits until the window shows exactly these lines.
  func expectPicture(_ lines: [String], sourceLocation: SourceLocation = #_sourceLocation) {
    let expected = lines.map { $0.trimmingTrailingSpaces() }
    if !wait(until: { picture().prefix(expected.count) == expected[...] }) {
      let shown = picture()
      for (line, expected) in zip(shown, expected) where line != expected {
        Issue.record("shown    \(line)\nexpected \(expected)", sourceLocation: sourceLocation)
      }
    }
  }

  /// Waits until `count` lines of the window, or more, begin like this.
  func expectLine(_ prefix: String, count: Int = 1, sourceLocation: SourceLocation = #_sourceLocation) {
    let found = wait { picture().count { $0.hasPrefix(prefix) } >= count }
    #expect(found, "no line \(prefix) in \(picture())", sourceLocation: sourceLocation)
  }

  /// Looks until the condition holds; false after the deadline.
  @discardableResult
  func wait(until condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + patience
    while true {
      reports.collect()
      if condition() { return true }
      if ContinuousClock.now >= deadline { return false }
      var source = pollfd(fd: reports.descriptor, events: Int16(POLLIN), revents: 0)
      poll(&source, 1, 20)
    }
  }

  @discardableResult
  private func run(_ arguments: String...) throws -> String {
    let result = try output(of: ["tmux", "-S", socket, "-f", "/dev/null"] + arguments, environment: environment)
    guard result.ending == .exit(0) else { throw SystemFailure("tmux \(arguments)", ECHILD) }
    return result.text
  }
}

extension StringProtocol {
  func trimmingTrailingSpaces() -> String {
    var end = endIndex
    while end > startIndex, self[index(before: end)] == " " { end = index(before: end) }
    return String(self[..<end])
  }
}
