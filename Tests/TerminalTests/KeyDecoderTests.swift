import Testing

@testable import Terminal
@testable import TerminalProbe

@Suite struct KeyDecoderTests {
  static func inputs(_ bytes: some Sequence<UInt8>) -> [TerminalInput] {
    var decoder = KeyDecoder()
    var inputs: [TerminalInput] = []
    for byte in bytes { inputs += decoder.feed(byte) }
    return inputs + decoder.flush()
  }

  static func decode(_ bytes: some Sequence<UInt8>) -> [Key] {
    inputs(bytes).compactMap { if case .key(let key) = $0 { key } else { nil } }
  }

  @Test(
    arguments: [
      ("\u{1B}[<0;12;5M", [.mouse(MouseEvent(action: .press, x: 11, y: 4))]),
      ("\u{1B}[<64;1;1Mq", [.mouse(MouseEvent(action: .wheelUp, x: 0, y: 0)), .key(.character("q"))]),
      ("\u{1B}[<65;300;90M", [.mouse(MouseEvent(action: .wheelDown, x: 299, y: 89))]),
      // With Shift; letting go; other buttons; nonsense.
      ("\u{1B}[<4;2;2M", [.mouse(MouseEvent(action: .press, x: 1, y: 1))]),
      ("\u{1B}[<0;12;5m", []), ("\u{1B}[<2;1;1M", []), ("\u{1B}[<0;0;1M", []), ("\u{1B}[<0;1M", []),
      ("\u{1B}[<99999999999999999999;1;1M", []), ("\u{1B}[<;;M", []),
      // The mouse of old: three bytes that are no keys.
      ("\u{1B}[M q\u{7F}x", [.key(.character("x"))]), ("\u{1B}[M!", []),
    ] as [(String, [TerminalInput])])
  func theMouseIsNoKey(text: String, expected: [TerminalInput]) {
    #expect(KeyDecoderTests.inputs(text.utf8) == expected)
  }

  @Test(
    arguments: [
      ("q", [.character("q")]), ("é漢😀", [.character("é"), .character("漢"), .character("😀")]),
      ("\u{1B}", [.escape]), ("\u{1B}\u{1B}", [.escape, .escape]), ("\u{1B}q", [.escape, .character("q")]),
      ("\u{1B}[", [.escape, .character("[")]), ("\u{1B}O", [.escape, .character("O")]),
      ("\u{1B}[A\u{1B}OB", [.up, .down]), ("\u{1B}[1;2C", [.shiftRight]), ("\u{1B}[1~\u{1B}[8~", [.home, .end]),
      ("\u{1B}[24~", [.function(12)]), ("\u{1B}OM", [.enter]), ("\u{1B}[Z", [.backTab]),
      ("\u{1B}[201~q", [.unknown, .character("q")]), ("\u{1B}[?2026;2$y", [.unknown]), ("\u{1B}[12", [.unknown]),
      ("\u{1B}[1\u{1B}[A", [.unknown, .up]), ("\r\n\t\u{7F}\u{8}", [.enter, .enter, .tab, .backspace, .backspace]),
      // Alt and Backspace; with Shift as an older Konsole sends it; the keypad in application mode.
      ("\u{1B}\u{7F}x", [.control("w"), .character("x")]), ("\u{1B}O2Rx", [.unknown, .character("x")]),
      ("\u{1B}Op\u{1B}Oy\u{1B}Oj\u{1B}On", [.character("0"), .character("9"), .character("*"), .character(".")]),
      ("\u{0}\u{1}\u{1A}\u{1C}\u{1F}", [.control("@"), .control("a"), .control("z"), .control("\\"), .control("_")]),
    ] as [(String, [Key])])
  func sequencesBecomeKeys(text: String, keys: [Key]) {
    #expect(KeyDecoderTests.decode(text.utf8) == keys)
  }

  @Test(
    arguments: [
      ("\u{1B}[200~Dy\rq\u{1B}[201~j", [.paste("Dy\rq"), .key(.character("j"))]),
      ("\u{1B}[200~\u{1B}[201~", [.paste("")]), ("\u{1B}[200~é漢\u{1B}[201~", [.paste("é漢")]),
      // What looks like an end and is none; a beginning within; an end that never comes.
      ("\u{1B}[200~\u{1B}\u{1B}[20\u{1B}[200~q\u{1B}[201~", [.paste("\u{1B}\u{1B}[20\u{1B}[200~q")]),
      ("\u{1B}[200~q", [.paste("q")]),
      // Mouse and cursor keys are text there too.
      ("\u{1B}[200~\u{1B}[<0;1;1M\u{1B}OA\u{1B}[201~", [.paste("\u{1B}[<0;1;1M\u{1B}OA")]),
    ] as [(String, [TerminalInput])])
  func nothingInAPasteIsAKey(text: String, expected: [TerminalInput]) {
    #expect(KeyDecoderTests.inputs(text.utf8) == expected)
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func anyPasteArrivesWhole(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let pieces = ["\u{1B}", "[", "2", "0", "1", "q", "é", "\r", "\n", "\u{1B}[20", "\u{7F}", "\u{0}", "\u{3}"]
    let text = (0..<60).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
    guard !text.contains("\u{1B}[201~") else { return }
    #expect(
      KeyDecoderTests.inputs("k\u{1B}[200~\(text)\u{1B}[201~q".utf8) == [
        .key(.character("k")), .paste(text), .key(.character("q")),
      ])
  }

  @Test func aPasteIsKeptToItsBound() {
    let text = String(repeating: "x", count: TerminalInput.pasteBytesMax + 10)
    let inputs = KeyDecoderTests.inputs("\u{1B}[200~\(text)\u{1B}[201~q".utf8)
    #expect(
      inputs == [.paste(String(repeating: "x", count: TerminalInput.pasteBytesMax)), .key(.character("q"))])
  }

  @Test(
    arguments: [
      [0xFF], [0xC3, 0x28], [0xE2, 0x82], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
    ] as [[UInt8]])
  func wrongUTF8IsUnknown(bytes: [UInt8]) {
    #expect(KeyDecoderTests.decode(bytes).first == .unknown)
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func anyBytesAreSurvived(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var decoder = KeyDecoder()
    for _ in 0..<500 {
      let byte = Bool.random(using: &random) ? UInt8.random(in: 0...255, using: &random) : 0x1B
      _ = decoder.feed(Bool.random(using: &random) ? byte : UInt8(ascii: "["))
      if Int.random(in: 0..<100, using: &random) == 0 { for byte in "\u{1B}[200~".utf8 { _ = decoder.feed(byte) } }
    }
    _ = decoder.flush()
    #expect(!decoder.isWaiting)
    #expect(decoder.feed(UInt8(ascii: "q")) == [.key(.character("q"))])
  }

  /// What another program has asked the terminal, and did not wait for.
  @Test(
    arguments: [
      "\u{1B}]11;rgb:1e1e/1e1e/1e1e\u{7}", "\u{1B}]11;rgb:1e1e/1e1e/1e1e\u{1B}\\", "\u{1B}P>|kitty(0.32)\u{1B}\\",
      "\u{1B}_Gi=31;OK\u{1B}\\", "\u{1B}]52;c;\u{1B}\\",
    ])
  func repliesOfTheTerminalAreNoKeys(text: String) {
    #expect(KeyDecoderTests.inputs("a\(text)b".utf8) == [.key(.character("a")), .key(.character("b"))])
    // Without an end, or with another sequence in its place.
    #expect(KeyDecoderTests.inputs(text.utf8.dropLast()) == [])
    #expect(
      KeyDecoderTests.inputs("\u{1B}]11;rgb\u{1B}[A".utf8) == [.key(.up)])
  }

  @Test func anEndlessSequenceIsDropped() {
    var decoder = KeyDecoder()
    _ = decoder.feed(0x1B)
    _ = decoder.feed(UInt8(ascii: "["))
    var inputs: [TerminalInput] = []
    for byte in (String(repeating: "12;", count: 40) + "cx").utf8 { inputs += decoder.feed(byte) }
    #expect(inputs == [.key(.unknown), .key(.character("x"))])
  }
}
