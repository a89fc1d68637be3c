import Foundation
import Testing

/// A terminal of its own for a test: a tmux server that reads no configuration and nobody else talks to.
final class Tmux: Sendable {
  /// `.enabled(if: Tmux.isThere)` for tests that need it.
  static let isThere = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
    FileManager.default.isExecutableFile(atPath: "\($0)/tmux")
  }

  private let socket = "darkbird-test-\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString.prefix(8))"

  /// Opens a window that runs bash, which knows the built program as `$DARKBIRD`.
  init(width: Int = 120, height: Int = 40, environment: [String: String] = [:]) async throws {
    var variables = [
      "DARKBIRD": try builtProgram("darkbird"), "PS1": "ready$ ", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
    ]
    variables.merge(environment) { $1 }
    let settings = variables.flatMap { ["-e", "\($0)=\($1)"] }
    try await tmux(
      ["new-session", "-d", "-x", "\(width)", "-y", "\(height)"] + settings + ["bash", "--norc", "--noprofile"])
    try await tmux(["set-option", "-g", "remain-on-exit", "on"])
    try await waitFor("ready$")
  }

  deinit {
    // Takes the programs in the window with it.
    if let program = try? Program("/usr/bin/env", ["tmux", "-L", socket, "kill-server"]) {
      Task { _ = try? await program.outcome() }
    }
  }

  /// Ends the server; the program in the window is hung up.
  func killServer() async throws { try await tmux(["kill-server"]) }

  @discardableResult
  private func tmux(_ arguments: [String]) async throws -> String {
    let outcome = try await Program("/usr/bin/env", ["tmux", "-L", socket, "-f", "/dev/null"] + arguments).outcome()
    guard outcome.code == 0 else {
      throw TmuxFailure(description: "tmux \(arguments.joined(separator: " ")): \(outcome)")
    }
    return outcome.output
  }

  /// Types characters as they are.
  func type(_ text: String) async throws { try await tmux(["send-keys", "-l", text]) }

  /// Presses keys by tmux's names: `Enter`, `C-c`, `Up`.
  func press(_ keys: String...) async throws { try await tmux(["send-keys"] + keys) }

  /// Types a command line and Enter.
  func enter(_ line: String) async throws {
    try await type(line)
    try await press("Enter")
  }

  func resize(_ width: Int, _ height: Int) async throws {
    try await tmux(["resize-window", "-x", "\(width)", "-y", "\(height)"])
  }

  /// The rows of the screen, without trailing blanks.
  func screen() async throws -> [String] {
    try await tmux(["capture-pane", "-p"]).split(separator: "\n", omittingEmptySubsequences: false)
      .map { String($0) }
  }

  /// Column and row of the cursor; nil while it is hidden.
  func cursor() async throws -> (x: Int, y: Int)? {
    let fields = try await tmux(["display-message", "-p", "#{cursor_flag} #{cursor_x} #{cursor_y}"])
      .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    return fields.count == 3 && fields[0] == 1 ? (fields[1], fields[2]) : nil
  }

  /// The title of the window, which programs set by escape sequences.
  func title() async throws -> String { try await tmux(["display-message", "-p", "#{pane_title}"]) }

  /// Waits until the screen is as `condition` wants it and returns it.
  @discardableResult
  func waitFor(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: ([String]) -> Bool
  ) async throws -> [String] {
    var rows: [String] = []
    do {
      try await eventually(what, sourceLocation: sourceLocation) {
        rows = try await screen()
        return condition(rows)
      }
    } catch {
      Issue.record("the screen was:\n\(rows.joined(separator: "\n"))", sourceLocation: sourceLocation)
      throw error
    }
    return rows
  }

  /// Waits until the screen shows a text.
  @discardableResult
  func waitFor(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> [String] {
    try await waitFor("'\(text)' on the screen", sourceLocation: sourceLocation) { rows in
      rows.contains { $0.contains(text) }
    }
  }
}

struct TmuxFailure: Error, CustomStringConvertible {
  var description: String
}
