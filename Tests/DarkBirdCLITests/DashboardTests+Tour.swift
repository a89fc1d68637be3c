import Foundation
import Testing

extension DashboardTests {
  /// Directories of commands that were not removed.
  private func leftovers() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: directory.path).filter { $0.contains("run-") }
  }

  @Test func theTourGoesForwardBackAndAgain() async throws {
    let tmux = try await terminal()
    try await start(tmux, "tour", showing: "1/11 Memory and a log")
    try await tmux.press("Right")
    try await tmux.waitFor("2/11 A document enters its shard")
    try await tmux.waitFor("size as CBOR")
    try await tmux.press("Left")
    try await tmux.waitFor("1/11 Memory and a log")
    try await tmux.waitFor("Ada is the same")
    try await tmux.press("r")
    try await tmux.waitFor("the end of what was told") { rows in !rows.contains { $0.contains("Ada is the same") } }
    try await tmux.press("b")
    try await tmux.waitFor("2 Results")
    try await tmux.press("t")
    try await tmux.waitFor("1/11 Memory and a log")
    try await tmux.press("q")
    try await expectEnd(tmux, code: 0)
    #expect(try leftovers().isEmpty)
  }

  @Test func theTourGoesOnByItself() async throws {
    let tmux = try await terminal(width: 80, height: 24)
    try await start(tmux, "tour --auto --seconds 1", showing: "/11 ")
    // Whichever chapters these are when somebody looks; the order is tested without a clock.
    var first: Substring?
    try await tmux.waitFor("another chapter") { rows in
      guard let chapter = rows.joined(separator: " ").split(separator: " ").first(where: { $0.hasSuffix("/11") }) else {
        return false
      }
      if first == nil { first = chapter }
      return chapter != first
    }
    try await tmux.press("q")
    try await expectEnd(tmux, code: 0)
  }

  /// However the tour ends in the middle of its chapter about SIGKILL, the other program ends too.
  @Test(arguments: ["q", "TERM", "KILL", "hang-up"]) func theOtherProgramOfTheTourEndsWithIt(how: String) async throws {
    let tmux = try await terminal()
    try await start(tmux, "tour --chapter kill", showing: "the other program is process")
    // Stopped, it stays until it is ended. Whoever comes too late has the chapter done again.
    var other: Int32 = 0
    try await eventually("a process that has stopped") {
      let line = try await tmux.screen().first { $0.contains("the other program is process") }
      guard let process = line?.split(whereSeparator: \.isWhitespace).compactMap({ Int32($0) }).last, process != other
      else { return false }
      other = process
      if kill(other, SIGSTOP) == 0 { return true }
      try await tmux.press("r")
      return false
    }
    switch how {
    case "q": try await tmux.press("q")
    case "TERM": kill(try program(), SIGTERM)
    case "KILL": kill(try program(), SIGKILL)
    default: try await tmux.killServer()
    }
    // Once it goes on it finds nobody who listens.
    kill(other, SIGCONT)
    try await eventually("the end of process \(other)") { kill(other, 0) != 0 && errno == ESRCH }
    if how == "q" || how == "TERM" { try await expectEnd(tmux, code: 0) }
    if how == "KILL" {
      // Nobody was left to remove the directory: the next command does.
      #expect(try !leftovers().isEmpty)
      let next = try await darkbird("tour", "--plain", "--chapter", "events", environment: ["TMPDIR": directory.path])
      #expect(next.code == 0)
    }
    try await eventually("an empty directory") { try leftovers().isEmpty }
  }

  @Test(arguments: [(80, 24), (120, 40), (40, 10)]) func hostileDocumentsStayInTheirPanels(
    width: Int, height: Int
  ) async throws {
    let attacks = [
      #"\u001b]0;PWNED\u0007"#, #"\u001b[2J\u001b[1;1HPWNED"#, #"\u009b31m"#, #"\u202eevil\u202d"#, #"👩‍👩‍👧‍👦🇳🇴"#, #"漢字漢字漢字"#,
      #"a\u0300\u0301\u0302\u0303\u0304\u0305\u0306"#, #"\u0000\u0007\u0008\t\r\n"#,
      String(repeating: "k", count: 10_000),
    ]
    let lines = attacks.enumerated().map { number, attack in
      #"{"id":"\#(attack)","club":"\#(attack)","age":\#(number),"text":"\#(attack)","\#(attack)":1}"#
    }
    let imported = try await darkbird(
      "import", directory("store"), "-", "--key", "id", "--tag", "club", "--unique", "text", "--range", "age",
      input: lines.joined(separator: "\n"))
    #expect(imported.code == 0, "\(imported)")
    let tmux = try await terminal(width: width, height: height)
    try await start(tmux, "open $STORE", showing: "Results")
    for key in ["Down", "Down", "Enter", "Down", "Tab", "Down", "End", "Tab", "F", "End", "Home", "r", "Tab", "o", "b"]
    {
      try await tmux.press(key)
    }
    try await tmux.waitFor("a whole picture") { rows in
      Picture(rows, width: width, height: height).problems.isEmpty && !rows.joined().contains("\u{202E}")
    }
    #expect(try await !tmux.title().contains("PWNED"))
    try await tmux.press("q")
    try await expectEnd(tmux, code: 0)
  }
}
