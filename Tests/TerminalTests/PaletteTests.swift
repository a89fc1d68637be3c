import Testing

@testable import Terminal

@Suite struct PaletteTests {
  @Test func theCubeAndTheGreysAreXterms() {
    #expect(Palette.rgb(16) == Palette.RGB(red: 0, green: 0, blue: 0))
    #expect(Palette.rgb(39) == Palette.RGB(red: 0, green: 175, blue: 255))
    #expect(Palette.rgb(231) == Palette.RGB(red: 255, green: 255, blue: 255))
    #expect(Palette.rgb(232) == Palette.RGB(red: 8, green: 8, blue: 8))
    #expect(Palette.rgb(255) == Palette.RGB(red: 238, green: 238, blue: 238))
  }

  @Test(arguments: [
    (0, 0), (9, 9), (15, 15), (196, 9), (46, 10), (226, 11), (231, 15), (16, 0), (244, 8), (124, 1), (28, 2),
  ])
  func theNearestOfSixteenIsTaken(index: UInt8, named: UInt8) {
    #expect(Palette.sixteen(index) == named)
  }

  @Test(arguments: [
    ("\u{1B}[m", "\u{1B}[m"), ("\u{1B}[m\u{F}$<2>", "\u{1B}[m\u{F}"), ("a$<5/>b$<10*>c", "abc"), ("$", "$"),
    ("a$<b", "a$<b"),
  ])
  func delaysAreTakenOutOfACapability(capability: String, bytes: String) {
    #expect(CursesScreen.withoutPadding(capability) == bytes)
  }
}
