import Testing

/// The screen on a terminal that the test plays.
@Suite struct CursesScreenTests {
  @Test func theTerminalIsTakenOverAndGivenBack() throws {
    let terminal = try PseudoTerminal()
    #expect(try terminal.expect("open") == "open 80x24 full braille")
    terminal.expectOutput("ready")
    #expect(!terminal.modesAreAsBefore)
    terminal.type("q")
    #expect(try terminal.expectEnd() == .exit(0))
    #expect(terminal.modesAreAsBefore)
    #expect(terminal.text.contains("\u{1B}[?1049h"))
    let (begin, end) = (terminal.text.ranges(of: "\u{1B}[?2026h"), terminal.text.ranges(of: "\u{1B}[?2026l"))
    let frame = try #require(terminal.text.ranges(of: "ready").first)
    #expect(begin.contains { $0.upperBound < frame.lowerBound } && end.contains { $0.lowerBound > frame.upperBound })
    #expect(terminal.restoresBefore("", after: "ready"))
  }

  @Test(arguments: [
    ("xterm", "", "sixteen braille", "31m"), ("xterm-256color", "", "full braille", "38;5;196m"),
    ("tmux-256color", "", "full braille", "38;5;196m"),
    ("xterm-256color", "1", "none braille", nil), ("linux", "", "sixteen blocks", "31m"),
    ("vt100", "", "none ascii", nil),
  ])
  func coloursAndGlyphsFollowTheTypeOfTerminal(
    type: String, noColor: String, expected: String, red: String?
  ) throws {
    let terminal = try PseudoTerminal(environment: ["TERM": type, "NO_COLOR": noColor])
    #expect(try terminal.expect("open") == "open 80x24 \(expected)")
    terminal.type("=")
    try terminal.expect("shown")
    let picture = String(decoding: terminal.takeOutput(), as: UTF8.self)
    #expect(picture.contains("ready"))
    if let red {
      #expect(picture.contains(red))
    } else {
      #expect(!picture.contains("31m") && !picture.contains("196m"))
    }
    terminal.type("q")
    #expect(try terminal.expectEnd() == .exit(0))
    #expect(terminal.modesAreAsBefore)
    // Where the picture stays, the prompt comes below it.
    #expect(terminal.text.hasSuffix("\r\n") == ["linux", "vt100"].contains(type))
  }

  @Test(arguments: ["POSIX", "de_DE.ISO-8859-1", ""])
  func aLocaleWithoutUTF8StillGetsIt(locale: String) throws {
    let terminal = try PseudoTerminal(environment: ["LANG": locale, "LC_ALL": locale])
    #expect(try terminal.expect("open") == "open 80x24 full braille")
    terminal.expectOutput("└")
  }

  @Test func linesAndColumnsOfTheEnvironmentAreNotBelieved() throws {
    let terminal = try PseudoTerminal(width: 40, height: 10, environment: ["LINES": "50", "COLUMNS": "132"])
    #expect(try terminal.expect("open").hasPrefix("open 40x10 "))
  }

  @Test(arguments: [
    ("dumb", "probe: the terminal type TERM=dumb cannot place the cursor"),
    ("no-such-terminal", "probe: unknown terminal type TERM=no-such-terminal"),
    ("", "probe: the environment variable TERM is not set"),
  ])
  func aTerminalThatCannotBeUsedIsRefusedInOneLine(type: String, message: String) throws {
    let terminal = try PseudoTerminal(environment: ["TERM": type])
    #expect(try terminal.expectEnd() == .exit(69))
    #expect(terminal.text == message + "\r\n")
    #expect(terminal.modesAreAsBefore)
  }

  @Test(arguments: [
    ("$PROBE $REPORTS | cat", "probe: standard output is not a terminal\r\n"),
    ("$PROBE $REPORTS < /dev/null", "probe: standard input is not a terminal\r\n"),
  ])
  func aPipeOrFileIsRefusedInOneLine(command: String, message: String) throws {
    let terminal = try PseudoTerminal(command: command)
    _ = try terminal.expectEnd()
    #expect(terminal.text == message)
    #expect(terminal.modesAreAsBefore)
  }

  @Test func thereIsOneScreenAProcess() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.type("2")
    #expect(try terminal.expect("second").contains("in use"))
    terminal.type("q")
    #expect(try terminal.expectEnd() == .exit(0))
    #expect(terminal.modesAreAsBefore)
  }

  @Test func aScreenCanBeOpenedAgain() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.type("3")
    #expect(try terminal.expect("open").hasPrefix("open 80x24"))
    terminal.type("k")
    try terminal.expect("key character(\"k\")")
    terminal.type("q")
    #expect(try terminal.expectEnd() == .exit(0))
    #expect(terminal.modesAreAsBefore)
  }

  @Test func nothingIsSentIfNothingChanged() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.type("=")
    try terminal.expect("shown")
    terminal.takeOutput()
    terminal.type("=")
    try terminal.expect("shown")
    #expect(terminal.takeOutput().isEmpty)
    terminal.type("r")
    try terminal.expect("redrawn")
    #expect(terminal.takeOutput().count > 100)
  }

  @Test func aNewSizeIsReportedAndDrawn() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.expectOutput("ready")
    for (width, height) in [(100, 30), (40, 10), (1, 1), (200, 60)] {
      terminal.takeOutput()
      terminal.resize(width: width, height: height)
      try terminal.expect("resize \(width)x\(height)")
    }
    terminal.expectOutput("resized")
    terminal.expectOutput("\u{1B}[?2026l")
    terminal.type("q")
    #expect(try terminal.expectEnd() == .exit(0))
  }

  @Test(arguments: ["xterm-256color", "tmux-256color", "xterm"])
  func theMouseIsTakenOnlyWhenAskedFor(type: String) throws {
    let terminal = try PseudoTerminal(environment: ["TERM": type])
    try terminal.expect("open")
    terminal.expectOutput("ready")
    #expect(!terminal.text.contains("\u{1B}[?1000h"))
    terminal.type("m")
    terminal.expectOutput("\u{1B}[?1000h\u{1B}[?1006h")
    terminal.type("\u{1B}[<0;5;3M\u{1B}[<0;5;3m\u{1B}[<65;80;24Mx")
    #expect(try terminal.expect("mouse") == "mouse press 4,2")
    #expect(try terminal.expect("mouse") == "mouse wheelDown 79,23")
    // The key after it is a key again, and ends the probe without closing the screen.
    #expect(try terminal.expectEnd() == .exit(3))
    #expect(terminal.text.ranges(of: "\u{1B}[?1006l\u{1B}[?1000l").count == 1)
    #expect(terminal.modesAreAsBefore)
  }

  @Test func theMouseIsTheTerminalsAgainAfterwards() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.type("mM")
    terminal.expectOutput("\u{1B}[?1006l\u{1B}[?1000l")
    terminal.type("mq")
    #expect(try terminal.expectEnd() == .exit(0))
    #expect(terminal.text.ranges(of: "\u{1B}[?1006l\u{1B}[?1000l").count >= 2)
  }

  @Test(arguments: [("q", "open"), ("x", "open"), ("s", "open"), ("t", "open")])
  func pastesAreMarkedOnlyWhileTheScreenIsOpen(key: String, report: String) throws {
    let terminal = try PseudoTerminal()
    try terminal.expect(report)
    terminal.expectOutput("\u{1B}[?2004h")
    terminal.type("=")
    try terminal.expect("shown")
    #expect(!terminal.text.contains("\u{1B}[?2004l"))
    terminal.type(key)
    _ = try terminal.expectEnd()
    #expect(terminal.text.ranges(of: "\u{1B}[?2004l").count == 1)
    #expect(terminal.modesAreAsBefore)
  }

  @Test func aPasteIsOneInputAndNoKey() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    // In pieces, with what would be keys: cursor up, Enter, Ctrl-U, and `q`, which would end the probe.
    terminal.type("\u{1B}[200~a\u{1B}OA\r\u{15}")
    terminal.type("q\u{1B}[20")
    terminal.type("1~k")
    #expect(try terminal.expect("paste") == "paste [97, 13, 21, 113]")
    try terminal.expect("key character(\"k\")")
    #expect(terminal.reports.lines.filter { $0.hasPrefix("key") }.count == 1)
  }

  @Test func aPasteWithoutAnEndDoesNotKeepTheKeyboard() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.type("\u{1B}[200~abc")
    #expect(try terminal.expect("paste") == "paste [97, 98, 99]")
    terminal.type("q")
    #expect(try terminal.expectEnd() == .exit(0))
  }

  @Test func aWaitEndsAtItsDeadline() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.type("\u{14}")
    #expect(try terminal.expect("waited") == "waited nil")
  }

  @Test func anotherThreadEndsAWait() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.type("w")
    try terminal.expect("wake")
    terminal.type("w")
    try terminal.expect("wake")
  }

  @Test(arguments: [
    ("b", "character(\"b\")"), ("é", "character(\"é\")"), ("漢", "character(\"漢\")"), ("😀", "character(\"😀\")"),
    ("\u{1B}OA", "up"), ("\u{1B}[A", "up"), ("\u{1B}[1;2A", "shiftUp"), ("\u{1B}[1;2D", "shiftLeft"),
    ("\u{1B}[5~", "pageUp"), ("\u{1B}[6~", "pageDown"), ("\u{1B}OH", "home"), ("\u{1B}[4~", "end"),
    ("\u{1B}[Z", "backTab"),
    ("\u{1B}[3~", "delete"), ("\u{1B}OP", "function(1)"), ("\u{1B}[21~", "function(10)"), ("\u{7F}", "backspace"),
    ("\r", "enter"), ("\t", "tab"), ("\u{15}", "control(\"u\")"), ("\u{13}", "control(\"s\")"),
    ("\u{16}", "control(\"v\")"), ("\u{1B}[1;5A", "unknown"),
    ("\u{1B}[27;5;9~", "unknown"), ("\u{1B}", "escape"),
  ])
  func keysArrive(bytes: String, key: String) throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.type(bytes)
    try terminal.expect("key")
    // In a second piece or all alone, and then a key to see that nothing else came of it.
    for byte in bytes.utf8 { terminal.type(byte: byte) }
    terminal.type("k")
    try terminal.expect("key character(\"k\")")
    #expect(
      terminal.reports.lines.filter { $0.hasPrefix("key") } == ["key \(key)", "key \(key)", "key character(\"k\")"])
  }

  @Test func standardErrorIsHeldUntilTheEnd() throws {
    let terminal = try PseudoTerminal()
    try terminal.expect("open")
    terminal.type("e")
    try terminal.expect("written")
    terminal.type("q")
    #expect(try terminal.expectEnd() == .exit(0))
    #expect(terminal.restoresBefore("a line on standard error", after: "ready"))
  }
}
