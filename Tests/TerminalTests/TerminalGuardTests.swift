import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Whatever ends the process, the terminal is as it was.
@Suite struct TerminalGuardTests {
  /// A key that crashes the probe, the signals it may die of, and what it says before.
  struct Crash: Sendable, CustomTestStringConvertible {
    let key: String
    let signals: [Int32]
    let message: String
    let testDescription: String
  }

  @Test(arguments: [
    Crash(key: "t", signals: [SIGILL, SIGTRAP], message: "the probe traps", testDescription: "trap"),
    Crash(
      key: "T", signals: [SIGILL, SIGTRAP], message: "a thread of the probe traps", testDescription: "trap of a thread"),
    Crash(key: "s", signals: [SIGSEGV], message: "", testDescription: "bad pointer"),
    Crash(key: "a", signals: [SIGABRT], message: "", testDescription: "abort"),
    Crash(key: "o", signals: [SIGSEGV, SIGBUS], message: "", testDescription: "stack overflow"),
  ])
  func aCrashGivesTheTerminalBack(crash: Crash) throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.expectOutput("ready")
    terminal.type(crash.key)
    let ending = try terminal.expectEnd()
    #expect(crash.signals.map(ChildProcess.Ending.signal).contains(ending))
    #expect(terminal.modesAreAsBefore)
    #expect(terminal.restoresBefore(crash.message, after: "ready"))
  }

  @Test(arguments: [
    SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGQUIT, SIGSYS, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGXCPU,
    SIGXFSZ,
  ])
  func aDeadlySignalGivesTheTerminalBack(signal: Int32) throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.expectOutput("ready")
    terminal.send(signal)
    #expect(try terminal.expectEnd() == .signal(signal))
    #expect(terminal.modesAreAsBefore)
    #expect(terminal.restoresBefore("", after: "ready"))
  }

  @Test(arguments: [(SIGINT, "interrupt"), (SIGTERM, "terminate"), (SIGHUP, "hangUp")])
  func aSignalToEndIsAnInput(signal: Int32, name: String) throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.send(signal)
    try terminal.expect("interrupt \(name)")
    #expect(try terminal.expectEnd() == .exit(0))
    #expect(terminal.modesAreAsBefore)
  }

  /// That of a connection that hangs, for instance: whoever writes to it waits, and no signal was ever seen.
  @Test(arguments: [(SIGINT, "interrupt"), (SIGTERM, "terminate"), (SIGHUP, "hangUp")])
  func aTerminalThatNobodyReadsDoesNotKeepTheProbe(signal: Int32, name: String) throws {
    let terminal = try PseudoTerminal(width: 200, height: 60)
    try terminal.expect("open")
    terminal.type("e")
    try terminal.expect("written")
    terminal.isRead = false
    terminal.type("f")
    try terminal.expect("flood")
    terminal.send(signal)
    try terminal.expect("interrupt \(name)")
    #expect(try terminal.expectEnd() == .exit(0))
    #expect(terminal.modesAreAsBefore)
  }

  @Test func controlCIsAnInterrupt() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.type("\u{03}")
    try terminal.expect("interrupt interrupt")
    #expect(try terminal.expectEnd() == .exit(0))
  }

  @Test func anExitWithoutCloseGivesTheTerminalBack() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.type("x")
    #expect(try terminal.expectEnd() == .exit(3))
    #expect(terminal.modesAreAsBefore)
    #expect(terminal.restoresBefore("", after: "ready"))
  }

  @Test func aTerminalThatGoesAwayEndsTheProbe() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.hangUp()
    #expect(try terminal.expectEnd() == .exit(0))
    #expect(terminal.reports.lines.last == "closed")
  }

  /// Under nohup there is no SIGHUP; the end of the terminal must be seen all the same, or the orphan spins.
  @Test func aTerminalThatGoesAwayIsSeenWithoutItsSignal() throws {
    let terminal = try PseudoTerminal(command: "trap '' HUP; exec $PROBE $REPORTS")
    try terminal.expect("open")
    terminal.hangUp()
    try terminal.expect("hangup")
    #expect(try terminal.expectEnd() == .exit(0))
  }

  @Test func controlZDoesNotStopWhatNoShellWouldContinue() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.type("\u{1A}")
    try terminal.expect("resume")
    terminal.type("k")
    try terminal.expect("key character(\"k\")")
    #expect(!terminal.modesAreAsBefore)
    terminal.type("q")
    #expect(try terminal.expectEnd() == .exit(0))
    #expect(terminal.modesAreAsBefore)
  }

  @Test func aStopByAnotherProcessIsSurvived() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.expectOutput("ready")
    terminal.takeOutput()
    terminal.send(SIGSTOP)
    terminal.send(SIGCONT)
    try terminal.expect("resume")
    terminal.expectOutput("ready")
    terminal.type("q")
    #expect(try terminal.expectEnd() == .exit(0))
    #expect(terminal.modesAreAsBefore)
  }
}
