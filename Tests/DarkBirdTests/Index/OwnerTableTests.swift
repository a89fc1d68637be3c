import Testing

@testable import DarkBird

struct OwnerTableTests {
  private static func all(_ found: (first: DocumentNumber?, others: [DocumentNumber])) -> [DocumentNumber] {
    (found.first.map { [$0] } ?? []) + found.others
  }

  @Test(arguments: 0..<40) func matchesASetOfPairs(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var table = OwnerTable()
    var model: [DocumentNumber: UInt] = [:]
    // Few hash values, so that many collide; some that differ only where the table does not look.
    let hashes = generator.pick([1, 3, 50, 5_000])
    for _ in 0..<3_000 {
      let number = DocumentNumber(generator.below(600))
      if let hash = model.removeValue(forKey: number) {
        table.remove(hash, number)
        #expect(!table.contains(hash, number), "seed \(seed)")
      } else {
        // Spread over the table, not all at its beginning.
        let spread = UInt32(truncatingIfNeeded: generator.below(hashes)) &* 0x9E37_79B1
        let hash = UInt(spread) << 32 | UInt(generator.below(4))
        table.insert(hash, number)
        model[number] = hash
      }
      #expect(table.count == model.count, "seed \(seed)")
    }
    for (number, hash) in model {
      #expect(table.contains(hash, number))
      let sharing = model.filter { $0.value >> 32 == hash >> 32 }.map(\.key)
      #expect(Self.all(OwnerTable.candidates(hash, in: table.table.view)).sorted() == sharing.sorted(), "seed \(seed)")
    }
  }
}
