import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

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
    #expect(terminal.text.hasSuffix("\u{1B}[?1049l") || terminal.text.contains("\u{1B}[?1049l"))
  }
}
