import Testing

@testable import DarkBird

@Suite struct OneItemTests {
  /// What is quickly found to be one item is one to the reader too, and all of a sound document is.
  @Test(arguments: 0..<20 as Range<UInt64>) func quickLookAgreesWithTheReader(seed: UInt64) throws {
    func isRefused(_ bytes: [UInt8]) -> Bool {
      storeError { try EncodedRecord.requireOneItem(bytes[...], "the document") } != nil
    }
    var random = SeededGenerator(seed: seed)
    var refused = 0
    for number in 0..<300 {
      var bytes = try encoded(random.value(depth: 4))
      #expect(EncodedRecord.isOneItem(bytes[...]) && !isRefused(bytes), "seed \(seed), value \(number): \(bytes)")
      for _ in 0..<20 {
        switch Int.random(in: 0..<3, using: &random) {
        case 0 where !bytes.isEmpty:
          bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1 where !bytes.isEmpty: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
        default: bytes.append(UInt8.random(in: 0...255, using: &random))
        }
        let isSound =
          (try? CBORReader.read(bytes) { reader in
            try reader.skipValue()
            return reader.isAtEnd
          }) ?? false
        #expect(isSound || !EncodedRecord.isOneItem(bytes[...]), "seed \(seed), value \(number): \(bytes)")
        #expect(isSound != isRefused(bytes), "seed \(seed), value \(number): \(bytes)")
        refused += isSound ? 0 : 1
      }
    }
    #expect(refused > 1_000)
  }
}
