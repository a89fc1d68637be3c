import Testing

@testable import DarkBird

struct ShardMapTests {
  private typealias MemberEntry = Entry<Int, Member>

  private func entry(_ key: Int) -> MemberEntry { Entry(key: key, document: Member()) }

  /// Hash values that collide in every way: in the whole, in the bits of a word, at the end of the table.
  private func hash(_ key: Int, _ kind: Int) -> UInt {
    switch kind {
    case 0: 0
    case 1: UInt(key % 3) << 62 | UInt(key)
    case 2: UInt.max << 46 | UInt(key) << 40
    default: UInt(truncatingIfNeeded: UInt64(key) &* 0x9E37_79B9_7F4A_7C15)
    }
  }

  @Test(arguments: 0..<40) func matchesADictionary(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var map = ShardMap<Int, Member>()
    var model: [Int: (entry: MemberEntry, slot: Int)] = [:]
    let kind = Int(seed) % 4
    let domain = generator.pick([4, 40, 400])
    for _ in 0..<1_500 {
      let key = generator.below(domain)
      let hash = hash(key, kind)
      #expect(map.find(key, hash: hash) === model[key]?.entry, "seed \(seed)")
      let old = model[key]
      let new = old == nil || generator.chance(50) ? entry(key) : nil
      let slot = old?.slot ?? map.nextSlot
      map.apply(old: old?.entry, new: new, hash: hash, slot: slot)
      model[key] = new.map { ($0, slot) }
      #expect(map.entry(inSlot: slot) === new, "seed \(seed)")
      #expect(map.count == model.count)
    }
    #expect(Set(map.entries.map(\.key)) == Set(model.keys), "seed \(seed)")
  }

  @Test(arguments: 0..<10) func copiesStayAsTheyWere(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var map = ShardMap<Int, Member>()
    var slots: [Int: Int] = [:]
    var copies: [(map: ShardMap<Int, Member>, keys: Set<Int>)] = []
    for step in 0..<3_000 {
      let key = generator.below(700)
      let hash = hash(key, 3)
      let old = map.find(key, hash: hash)
      let new = old == nil || generator.chance(50) ? entry(key) : nil
      let slot = slots[key] ?? map.nextSlot
      map.apply(old: old, new: new, hash: hash, slot: slot)
      slots[key] = new == nil ? nil : slot
      if step % 300 == 0 { copies.append((map, Set(slots.keys))) }
    }
    for (copy, keys) in copies {
      #expect(Set(copy.entries.map(\.key)) == keys, "seed \(seed)")
      for key in 0..<700 { #expect((copy.find(key, hash: hash(key, 3)) != nil) == keys.contains(key), "seed \(seed)") }
    }
  }

  @Test(arguments: [16, 24, 1_000, 1 << 20, 1 << 20 + 1, 40_000_000])
  func wordBelongsWhereItsKeyIsLookedFor(capacity: Int) {
    var generator = SeededGenerator(seed: 1)
    for hash in [0, 1 << 44, UInt.max] + (0..<1_000).map({ _ in UInt.random(in: 0...UInt.max, using: &generator) }) {
      let entry = entry(1)
      entry.hash = EntryWord<MemberEntry>.kept(hash)
      let word = EntryWord.word(.passUnretained(entry), hash)
      #expect(EntryWord<MemberEntry>.entry(word).takeUnretainedValue() === entry)
      let home = EntryWord<MemberEntry>.home(hash, capacity: capacity)
      #expect(home == EntryWord<MemberEntry>.home(of: word, capacity: capacity))
      #expect((0..<capacity).contains(home))
    }
  }

  @Test func slotsAreReused() {
    var map = ShardMap<Int, Member>()
    for key in 0..<1_000 {
      let entry = entry(key)
      let slot = map.nextSlot
      map.insert(.passUnretained(entry), hash: UInt(key) << 48)
      map.remove(entry, hash: UInt(key) << 48, slot: slot)
    }
    #expect(map.slotCount == 1)
    #expect(map.count == 0)
  }
}
