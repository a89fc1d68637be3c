import DarkBird
import Testing

@Suite struct CBORNameTests {
  /// Which field a name is, by literals of all lengths that are compared differently.
  private func field(_ bytes: [UInt8]) throws -> Int? {
    try CBORReader.read(bytes) { reader in
      switch try reader.readName() {
      case "": 0
      case "a": 1
      case "ab": 2
      case "abc": 3
      case "abcdefg": 7
      case "abcdefgh": 8
      case "abcdefghijklmnopqrstuvwx": 24
      case "größe": 5
      default: nil
      }
    }
  }

  @Test(arguments: [
    ("", 0), ("a", 1), ("b", nil), ("ab", 2), ("ac", nil), ("bb", nil), ("abc", 3), ("abcdefg", 7), ("abcdefh", nil),
    ("abcdefgh", 8), ("Abcdefgh", nil), ("abcdefghijklmnopqrstuvwx", 24), ("abcdefghijklmnopqrstuvwy", nil),
    ("größe", 5), ("gro\u{308}ße", nil), ("\u{0}", nil),
  ]) func isChosenByLiterals(name: String, expected: Int?) throws {
    var writer = CBORWriter()
    writer.write(name)
    #expect(try field(writer.bytes) == expected)
    try CBORReader.read(writer.bytes) { reader in
      let read = try reader.readName()
      #expect(read.description == name)
      #expect(read == name)
      #expect(!(read == name + "x"))
    }
    // In pieces, one for each character, and with a tag.
    let pieces = name.flatMap { character in
      var writer = CBORWriter()
      writer.write(String(character))
      return writer.bytes
    }
    let indefinite = [0xC2, 0x7F] + pieces + [0xFF]
    #expect(try field(indefinite) == expected)
    try CBORReader.read(indefinite) { reader in
      let read = try reader.readName()
      #expect(read.description == name)
      #expect(read == name)
      #expect(!(read == name + "x"))
    }
  }

  @Test(arguments: ["63616263", "7803616263", "790003616263", "7a00000003616263", "7b0000000000000003616263"])
  func headsOfAllLengthsAreRead(text: String) throws {
    #expect(try field(hex(text)) == 3)
    #expect(try CBORReader.read(hex(text)) { try $0.readString() } == "abc")
    for length in hex(text).indices {
      let cut = Array(hex(text)[..<length])
      #expect(reason { _ = try field(cut) } == "the input ends inside a value")
      #expect(reason { _ = try CBORReader.read(cut) { try $0.readString() } } == "the input ends inside a value")
    }
  }

  @Test func whatIsNoTextIsRefused() {
    #expect(reason { _ = try field([1]) } == "expected a string, found an integer")
    #expect(reason { _ = try field(hex("43616263")) } == "expected a string, found bytes")
    #expect(reason { _ = try field(hex("ff")) } == "a break without a beginning")
    #expect(reason { _ = try field(hex("7c")) } == "not CBOR: reserved length")
    #expect(reason { _ = try field(hex("7bffffffffffffffff61")) } == "the input ends inside a value")
    for text in ["61ff", "62c328", "63616280", "6861626364656667ff", "7f61ffff"] {
      let error = #expect(throws: CBORError.self) { try field(hex(text)) }
      #expect(error?.reason == "text is not valid UTF-8")
    }
  }

  /// In the last, and in each other, place of texts of all short lengths: they are checked several bytes at a time.
  @Test func everyByteIsChecked() throws {
    for count in 1...40 {
      for place in 0..<count {
        var bytes: [UInt8] = count < 24 ? [0x60 | UInt8(count)] : [0x78, UInt8(count)]
        let start = bytes.count
        bytes += [UInt8](repeating: 0x61, count: count)
        bytes[start + place] = 0xFF
        #expect(reason { _ = try field(bytes) } == "text is not valid UTF-8")
        #expect(reason { _ = try CBORReader.read(bytes) { try $0.readString() } } == "text is not valid UTF-8")
      }
    }
  }

  @Test func namesComeAfterTheBreaksOfWhatWasReadBefore() throws {
    // {_ "a": [_ 1], "b": 2}
    try CBORReader.read(hex("bf61619f01ff616202ff")) { reader in
      var found: [Int] = []
      try reader.readMap { name, reader in
        switch name {
        case "a": for _ in 0..<(try reader.readArrayHeader()) { found.append(try reader.readInt()) }
        case "b": found.append(try reader.readInt())
        default: Issue.record("\(name)")
        }
      }
      #expect(found == [1, 2])
    }
  }

  @Test(arguments: ["00", "17", "1818", "18ff", "190100", "1a00010000", "1b0000000100000000", "1bffffffffffffffff"])
  func integersOfAllLengthsAreReadAlike(text: String) throws {
    let bytes = hex(text)
    let value = try CBORReader.read(bytes) { try $0.readUInt64() }
    #expect(try decodeValue(bytes) == Value(value))
    let tagged = [0xC2] + bytes
    #expect(try CBORReader.read(tagged) { try $0.readUInt64() } == value)
    if let small = Int64(exactly: value) {
      #expect(try CBORReader.read(bytes) { try $0.readInt64() } == small)
      #expect(try CBORReader.read(bytes) { try $0.readInt() } == Int(small))
      #expect(try CBORReader.read(tagged) { try $0.readDouble() } == Double(small))
    } else {
      #expect(reason { _ = try CBORReader.read(bytes) { try $0.readInt64() } } == "the integer does not fit in Int64")
      #expect(reason { _ = try CBORReader.read(bytes) { try $0.readInt() } } == "the integer does not fit in Int")
    }
    for length in bytes.indices {
      let cut = Array(bytes[..<length])
      #expect(reason { _ = try CBORReader.read(cut) { try $0.readUInt64() } } == "the input ends inside a value")
      #expect(reason { _ = try CBORReader.read(cut) { try $0.readInt() } } == "the input ends inside a value")
      #expect(reason { _ = try CBORReader.read(cut) { try $0.readDouble() } } == "the input ends inside a value")
    }
  }
}
