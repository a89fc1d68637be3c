import DarkBird
import Testing

@Suite struct CRC32CTests {
  @Test func checkValueIsThatOfTheCatalogue() {
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([]) == 0)
    // RFC 3720, B.4.
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
  }

  @Test func instructionAndTableAgreeAtEveryLengthAndAlignment() {
    var random = SeededGenerator(seed: 7)
    let bytes = (0..<600).map { _ in UInt8.random(in: 0...255, using: &random) }
    bytes.withUnsafeBytes { all in
      for start in 0..<9 {
        for end in start...all.count where end < start + 40 || end % 37 == 0 {
          let slice = UnsafeRawBufferPointer(rebasing: all[start..<end])
          #expect(CRC32C.checksum(slice) == CRC32C.portableChecksum(slice))
        }
      }
    }
  }

  @Test func checksumOfPiecesIsThatOfTheWhole() {
    let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let whole = CRC32C.checksum(bytes)
    for split in bytes.indices {
      let first = CRC32C.checksum(Array(bytes[..<split]))
      #expect(CRC32C.checksum(Array(bytes[split...]), seed: first) == whole)
    }
  }
}
