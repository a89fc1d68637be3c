import Testing

@testable import DarkBird

struct ShardMapTests {
  private typealias MemberEntry = Entry<Int, Member>

  private func entry(_ key: Int) -> MemberEntry { Entry(key: key, document: Member(), keys: .none) }

  /// Hash values that collide in every way: in the whole, in the upper half, at the end of the table.
  private func hash(_ key: Int, _ kind: Int) -> UInt {
    switch kind {
    case 0: 0
    case 1: UInt(key % 3) << 32
    case 2: UInt(truncatingIfNeeded: key % 5 + 13) << 32 | UInt(key)
    default: UInt(truncatingIfNeeded: UInt64(key) &* 0x9E37_79B9_7F4A_7C15)
    }
  }

  @Test(arguments: 0..<40) func matchesADictionary(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var map = ShardMap<Int, Member>()
    var model: [Int: MemberEntry] = [:]
    let kind = Int(seed) % 4
    let domain = generator.pick([4, 40, 400])
    for _ in 0..<1_500 {
      let key = generator.below(domain)
      let hash = hash(key, kind)
      #expect(map.find(key, hash: hash) === model[key], "seed \(seed)")
      let old = model[key]
      let new = old == nil || generator.chance(50) ? entry(key) : nil
      let slot = old == nil ? map.nextSlot : map.slots.firstIndex { $0 === old } ?? -1
      map.apply(old: old, new: new, hash: hash, slot: slot)
      model[key] = new
      if let new { #expect(map.slots[slot] === new, "seed \(seed)") }
      #expect(map.count == model.count)
    }
    #expect(Set(map.slots.compactMap { $0?.key }) == Set(model.keys), "seed \(seed)")
  }

  @Test func slotsAreReused() {
    var map = ShardMap<Int, Member>()
    for key in 0..<1_000 {
      let entry = entry(key)
      map.insert(entry, hash: UInt(key) << 32)
      map.remove(entry, hash: UInt(key) << 32)
    }
    #expect(map.slots.count == 1)
    #expect(map.count == 0)
  }
}
