import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The screen in a terminal that others wrote, under a shell with job control.
@Suite(.enabled(if: Tmux.isInstalled, "needs tmux"))
struct TmuxTests {
  @Test func aPictureArrivesAsItWasDrawn() throws {
    let tmux = try Tmux(width: 60, height: 16)
    tmux.type("$PROBE $REPORTS")
    try tmux.expect("open 60x16")
    for _ in 0..<30 {
      tmux.type(key: "n")
      try tmux.expect("picture")
      let expected = tmux.reports.lines.suffix(17).dropLast().map { String($0.dropFirst("line ".count)) }
      tmux.expectPicture(expected)
    }
  }

  @Test func aPictureFollowsTheSizeOfTheWindow() throws {
    let tmux = try Tmux(width: 80, height: 24)
    tmux.type("$PROBE $REPORTS")
    try tmux.expect("open 80x24")
    for (width, height) in [(40, 10), (120, 40), (61, 11)] {
      tmux.resize(width: width, height: height)
      try tmux.expect("resize \(width)x\(height)")
      let inner = width - 2
      func row(_ left: String, _ text: String, _ filler: String, _ right: String) -> String {
        left + text + String(repeating: filler, count: inner - text.count) + right
      }
      tmux.expectPicture(
        [row("┌", "─ probe ", "─", "┐"), row("│", " resized", " ", "│")]
          + Array(repeating: row("│", "", " ", "│"), count: height - 3) + [row("└", "", "─", "┘")])
    }
  }

  @Test(arguments: ["q", "x", "t", "a", "C-c"])
  func theShellFindsItsTerminalAsItLeftIt(key: String) throws {
    let tmux = try Tmux(width: 80, height: 24)
    tmux.type("stty -g | sed 's/^/before /' > $REPORTS; $PROBE $REPORTS; stty -g | sed 's/^/after /' > $REPORTS")
    let before = try tmux.expect("before ")
    try tmux.expect("open")
    tmux.type(key: key)
    let after = try tmux.expect("after ")
    #expect(before.dropFirst("before ".count) == after.dropFirst("after ".count))
    // The shell's line is back: the alternate screen is gone, the cursor shows, and typing echoes.
    tmux.type("echo echoed > $REPORTS")
    try tmux.expect("echoed")
    #expect(tmux.picture().contains { $0.contains("stty -g") })
    #expect(tmux.format("#{alternate_on} #{cursor_flag} #{keypad_cursor_flag}") == "0 1 0")
  }

  @Test func aSuspendedProbeComesBackWithItsPicture() throws {
    let tmux = try Tmux(width: 80, height: 24)
    tmux.type("stty -g | sed 's/^/before /' > $REPORTS; $PROBE $REPORTS")
    let before = try tmux.expect("before ")
    try tmux.expect("open")
    for stop in 1...2 {
      tmux.expectLine("│ ready")
      tmux.type(key: "C-z")
      tmux.expectLine("[1]+  Stopped", count: stop)
      tmux.type("stty -g | sed 's/^/stopped /' > $REPORTS; fg")
      let stopped = try tmux.expect("stopped ")
      #expect(before.dropFirst("before ".count) == stopped.dropFirst("stopped ".count))
      try tmux.expect("resume")
    }
    tmux.expectLine("│ ready")
    #expect(tmux.format("#{alternate_on} #{cursor_flag}") == "1 0")
    tmux.type(key: "Up")
    try tmux.expect("key up")
    tmux.type(key: "q")
    try tmux.expect("closed")
    tmux.type("stty -g | sed 's/^/after /' > $REPORTS")
    #expect(try tmux.expect("after ").dropFirst("after ".count) == before.dropFirst("before ".count))
  }

  @Test func aSuspendedProbeCanBeEnded() throws {
    let tmux = try Tmux(width: 80, height: 24)
    tmux.type("$PROBE $REPORTS")
    try tmux.expect("open")
    tmux.type(key: "C-z")
    tmux.expectLine("[1]+  Stopped")
    tmux.type("stty -g | sed 's/^/stopped /' > $REPORTS; kill %1")
    let stopped = try tmux.expect("stopped ")
    try tmux.expect("interrupt terminate")
    try tmux.expect("closed")
    tmux.type("stty -g | sed 's/^/after /' > $REPORTS; echo still here")
    #expect(try tmux.expect("after ").dropFirst("after ".count) == stopped.dropFirst("stopped ".count))
    tmux.expectLine("still here")
    #expect(tmux.format("#{alternate_on} #{cursor_flag}") == "0 1")
  }

  @Test func aProbeInTheBackgroundLeavesTheTerminalAlone() throws {
    let tmux = try Tmux(width: 80, height: 24)
    tmux.type("$PROBE $REPORTS")
    try tmux.expect("open")
    tmux.type(key: "C-z")
    tmux.expectLine("[1]+  Stopped")
    tmux.type("bg")
    tmux.type("stty -g | sed 's/^/shell /' > $REPORTS; echo still here")
    try tmux.expect("shell")
    tmux.expectLine("still here")
    #expect(tmux.format("#{alternate_on} #{cursor_flag}") == "0 1")
    tmux.type("fg")
    try tmux.expect("resume")
    tmux.expectLine("│ ready")
    tmux.type(key: "q")
    try tmux.expect("closed")
  }

  @Test func aProbeStoppedWithoutAWordComesBack() throws {
    let tmux = try Tmux(width: 80, height: 24)
    tmux.type("$PROBE $REPORTS")
    let pid = try #require(pid_t(try tmux.expect("pid ").dropFirst("pid ".count)))
    try tmux.expect("open")
    tmux.expectLine("│ ready")
    kill(pid, SIGSTOP)
    tmux.expectLine("[1]+  Stopped")
    tmux.type("echo shell > $REPORTS; fg")
    try tmux.expect("shell")
    try tmux.expect("resume")
    tmux.expectLine("│ ready")
    tmux.type(key: "k")
    try tmux.expect("key character(\"k\")")
    tmux.type(key: "q")
    try tmux.expect("closed")
  }

  @Test func aWindowThatIsClosedLeavesNoProcess() throws {
    let tmux = try Tmux(width: 80, height: 24)
    tmux.type("$PROBE $REPORTS")
    let pid = try #require(pid_t(try tmux.expect("pid ").dropFirst("pid ".count)))
    try tmux.expect("open")
    tmux.killServer()
    try tmux.expect("closed")
    #expect(tmux.wait { kill(pid, 0) != 0 })
  }
}
