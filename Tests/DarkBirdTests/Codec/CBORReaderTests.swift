import DarkBird
import Foundation
import Testing

@Suite struct CBORReaderTests {
  static let seeds = (0..<20).map { UInt64($0) }

  @Test(arguments: seeds) func anyValueSurvivesARoundTrip(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<50 {
      let value = random.value(depth: 4)
      let bytes = try encoded(value)
      #expect(try decodeValue(bytes) == value)
      #expect(try CBORReader.read(bytes) { try $0.skipValue() } == ())
    }
  }

  @Test func scalarsAreReadInTheOrderInWhichTheyWereWritten() throws {
    let uuid = UUID()
    var writer = CBORWriter()
    writer.write(true)
    writer.write(Int64.min)
    writer.write(-1)
    writer.write(UInt64.max)
    writer.write(2.5)
    writer.write("fünf")
    writer.write([1, 2] as [UInt8])
    writer.write(Data([3]))
    writer.write(Date(timeIntervalSince1970: -0.25))
    writer.write(uuid)
    writer.writeNull()
    try CBORReader.read(writer.bytes) { reader in
      let integers = try (reader.readBool(), reader.readInt64(), reader.readInt(), reader.readUInt64())
      #expect(integers == (true, .min, -1, .max))
      let nullCame = reader.skipNull()
      #expect(!nullCame)
      let texts = try (reader.readDouble(), reader.readString(), reader.readBytes(), reader.readBytes())
      #expect(texts == (2.5, "fünf", [1, 2], [3]))
      let others = try (reader.readDate(), reader.readUUID())
      #expect(others == (Date(timeIntervalSince1970: -0.25), uuid))
      #expect(!reader.isAtEnd)
      let nullCameAtLast = reader.skipNull()
      #expect(nullCameAtLast)
      #expect(reader.isAtEnd)
      #expect(reader.offset == writer.bytes.count)
    }
  }

  @Test func writerCanBeUsedAgain() throws {
    var writer = CBORWriter(capacity: 10)
    writer.write("first")
    let first = writer.bytes
    writer.removeAll()
    writer.write(1)
    #expect(writer.bytes == [1])
    #expect(first == hex("656669727374"))
  }

  @Test func readsOfAnotherKindSayWhatTheyFound() {
    #expect(reason { _ = try CBORReader.read([1]) { try $0.readString() } } == "expected a string, found an integer")
    #expect(reason { _ = try CBORReader.read([0x60]) { try $0.readInt() } } == "expected an integer, found a string")
    #expect(reason { _ = try CBORReader.read([0xF6]) { try $0.readBool() } } == "expected a boolean, found null")
    #expect(reason { _ = try CBORReader.read([0x40]) { try $0.readDouble() } } == "expected a number, found bytes")
    #expect(reason { _ = try CBORReader.read([0xA0]) { try $0.readArrayHeader() } } == "expected an array, found a map")
    #expect(reason { _ = try CBORReader.read([0x80]) { try $0.readMapHeader() } } == "expected a map, found an array")
    #expect(reason { _ = try CBORReader.read([0x01]) { try $0.readDate() } } == "expected a date, found an integer")
    #expect(reason { _ = try CBORReader.read([0x41, 0]) { try $0.readUUID() } } == "expected a UUID, found bytes")
    #expect(
      reason { _ = try CBORReader.read([0x20]) { try $0.readUInt64() } }
        == "expected an integer of 0 or more, found an integer")
    #expect(
      reason { _ = try CBORReader.read([0x19, 1, 0]) { try $0.readInteger(UInt8.self) } }
        == "the integer does not fit in UInt8")
  }

  @Test func errorsNameTheByte() throws {
    let error = #expect(throws: CBORError.self) { try decodeValue(hex("830161ff00")) }
    #expect(error?.offset == 2)
    #expect(error?.description == "text is not valid UTF-8 (byte 2)")
  }

  @Test func containersOfIndefiniteLengthAreCountedAhead() throws {
    // [_ 1, [_ "a", {_ "b": 2}], 3], 4
    try CBORReader.read(hex("9f019f6161bf616202ffff03ff04")) { reader in
      let outer = try (reader.readArrayHeader(), reader.readInt())
      let inner = try (reader.readArrayHeader(), reader.readString())
      let map = try (reader.readMapHeader(), reader.readString(), reader.readInt())
      let rest = try (reader.readInt(), reader.readInt())
      #expect(outer == (3, 1))
      #expect(inner == (2, "a"))
      #expect(map == (1, "b", 2))
      #expect(rest == (3, 4))
      #expect(reader.isAtEnd)
    }
    // Breaks at the end count as read.
    try CBORReader.read(hex("9f9f9fffffff")) { reader in
      let outer = try reader.readArrayHeader()
      #expect(!reader.isAtEnd)
      let inner = try (reader.readArrayHeader(), reader.readArrayHeader())
      #expect(outer == 1)
      #expect(inner == (1, 0))
      #expect(reader.isAtEnd)
    }
    #expect(reason { _ = try CBORReader.read(hex("9f8201ffff")) { try $0.readArrayHeader() } } != nil)
  }

  @Test func readMapSkipsWhatIsNotRead() throws {
    let record: Record = ["known": 1, "unknown": ["deep": [1, 2, 3]], "last": "z"]
    var known = 0
    var last = ""
    for bytes in [try encoded(record), hex("bf656b6e6f776e016775 6e6b6e6f776e9f01ff646c617374617aff")] {
      try CBORReader.read(bytes) { reader in
        try reader.readMap { name, reader in
          switch name {
          case "known": known = try reader.readInt()
          case "last": last = try reader.readString()
          default: break
          }
        }
      }
      #expect(known == 1)
      #expect(last == "z")
      (known, last) = (0, "")
    }
  }

  // MARK: Damage

  @Test func everyTruncationThrows() throws {
    var random = SeededGenerator(seed: 1)
    let bytes = try encoded(Record((0..<40).map { ("\($0)", random.value(depth: 1)) }))
    #expect(bytes.count > 500)
    for length in bytes.indices {
      #expect(throws: CBORError.self) { try decodeValue(Array(bytes[..<length])) }
      #expect(throws: CBORError.self) { try CBORReader.read(Array(bytes[..<length])) { try $0.skipValue() } }
    }
  }

  @Test(arguments: seeds) func everyFlippedBitGivesAValueOrAnError(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var bytes = try encoded(.map(random.record(depth: 2)))
    if bytes.count > 1_500 { bytes = try encoded(["a": 1, "b": ["c": "text", "d": .bytes([1, 2, 3])], "e": 1.5]) }
    for bit in 0..<bytes.count * 8 {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      let value = try? decodeValue(bytes)
      // What could be read can be written, shown and read again.
      if let value {
        _ = value.json
        _ = value.description
        _ = try decodeValue(encoded(value))
      }
      _ = try? CBORReader.read(bytes) { try $0.skipValue() }
      _ = try? decoded(Record.self, bytes)
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
  }

  @Test(arguments: seeds) func noiseGivesAValueOrAnError(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2_000 {
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      _ = try? decodeValue(bytes)
      // A caller that asks for anything in any order is safe, too.
      _ = try? CBORReader.read(bytes) { reader in
        while !reader.isAtEnd {
          switch Int.random(in: 0..<11, using: &random) {
          case 0: _ = try reader.readArrayHeader()
          case 1: _ = try reader.readMapHeader()
          case 2: _ = try reader.readString()
          case 3: _ = try reader.readBytes()
          case 4: _ = try reader.readDate()
          case 5: _ = try reader.readUUID()
          case 6: _ = try reader.readInteger(Int8.self)
          case 7: _ = try reader.readDouble()
          case 8: try reader.readMap { _, _ in }
          case 9: _ = try reader.readName().description
          default: try reader.skipValue()
          }
        }
      }
    }
  }

  @Test(arguments: ["81", "9f", "a16161", "bf6161", "c181", "81a16161"]) func depthIsBounded(unit: String) {
    let bytes = Array(repeatElement(hex(unit), count: 100_000).joined())
    #expect(reason { _ = try decodeValue(bytes) } == "nested more than 64 deep")
    #expect(reason { try CBORReader.read(bytes) { try $0.skipValue() } } == "nested more than 64 deep")
  }

  @Test func tagsCanBeManyWithoutRecursion() throws {
    #expect(try decodeValue([UInt8](repeating: 0xC2, count: 1_000_000) + [1]) == 1)
  }

  @Test func whatIsWrittenIsNoDeeperThanWhatIsRead() throws {
    var value: Value = []
    for _ in 1..<64 { value = [value] }
    #expect(try decodeValue(encoded(value)) == value)
    #expect(reason { _ = try encoded([value]) } == "nested more than 64 deep")
    #expect(reason { _ = try encoded(["a": value] as Record) } == "nested more than 64 deep")
    var writer = CBORWriter()
    #expect(throws: CBORError.self) { try Value.array([value]).encode(cbor: &writer) }
  }

  @Test(arguments: ["9", "b", "5", "7"]) func lengthsBeyondTheInputAreRefused(major: String) {
    for length in [
      "b7fffffffffffffff", "bffffffffffffffff", "b8000000000000000", "b0000000000000010", "affffffff", "a7fffffff",
      "a00000010", "9ffff", "8ff",
    ] {
      let bytes = hex(major + length) + [0]
      #expect(reason { _ = try decodeValue(bytes) } == "the input ends inside a value")
      #expect(reason { try CBORReader.read(bytes) { try $0.skipValue() } } == "the input ends inside a value")
      #expect(reason { _ = try CBORReader.read(bytes) { try $0.readArrayHeader() } } != nil)
      #expect(reason { _ = try CBORReader.read(bytes) { try $0.readMapHeader() } } != nil)
    }
  }
}
