import Testing

@testable import DarkBird

struct OrderedMapTests {
  private func entry() -> IndexedEntry { IndexedEntry(keys: .none) }

  private func all<Key>(
    _ map: OrderedMap<Key>, _ lower: OrderedMapBound<Key> = .start, _ upper: OrderedMapBound<Key> = .end,
    descending: Bool = false
  ) -> [Key] {
    var keys: [Key] = []
    map.visit(from: lower, to: upper, descending: descending) { key, _ in
      keys.append(key)
      return true
    }
    return keys
  }

  @Test func emptyMapHasNothing() {
    var map = OrderedMap<Int>()
    #expect(map.isEmpty && map.count == 0 && map.first == nil && map.last == nil)
    let wasThere = map.remove(1)
    #expect(!wasThere)
    #expect(map.entry(1) == nil)
    #expect(map.count(from: .start, to: .end) == 0)
    #expect(map.structuralProblems() == [])
  }

  @Test func setReplacesTheEntryOfAnEqualKey() {
    var map = OrderedMap<Int>()
    let (first, second) = (entry(), entry())
    let news = [map.set(1, first), map.set(1, second)]
    #expect(news == [true, false])
    #expect(map.entry(1) === second)
    #expect(map.count == 1)
  }

  @Test(arguments: [false, true]) func growsAndShrinksInOrder(descending: Bool) {
    var map = OrderedMap<Int>()
    let keys = descending ? Array((0..<5_000).reversed()) : Array(0..<5_000)
    for key in keys { map.set(key, entry()) }
    #expect(map.structuralProblems() == [])
    #expect(all(map) == Array(0..<5_000))
    #expect(all(map, descending: true) == Array((0..<5_000).reversed()))
    let removed = keys.map { map.remove($0) }
    #expect(!removed.contains(false))
    #expect(map.isEmpty)
    #expect(map.structuralProblems() == [])
  }

  @Test(arguments: 0..<40) func matchesASortedArray(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var map = OrderedMap<Int>()
    var model: [Int: IndexedEntry] = [:]
    let domain = generator.pick([10, 100, 1_000, 10_000])
    var removesPercent = 30
    for step in 0..<2_000 {
      if step % 500 == 499 { removesPercent = generator.pick([10, 30, 60, 90]) }
      let key = generator.below(domain)
      if generator.chance(removesPercent) {
        let wasThere = map.remove(key)
        #expect(wasThere == (model.removeValue(forKey: key) != nil), "seed \(seed)")
      } else {
        let entry = entry()
        let isNew = map.set(key, entry)
        #expect(isNew == (model.updateValue(entry, forKey: key) == nil), "seed \(seed)")
      }
      guard step % 200 == 0 else { continue }
      #expect(map.structuralProblems() == [], "seed \(seed)")
      let sorted = model.keys.sorted()
      #expect(all(map) == sorted, "seed \(seed)")
      #expect(map.first == sorted.first && map.last == sorted.last)
      for _ in 0..<10 {
        let (lower, upper) = (bound(&generator, domain), bound(&generator, domain))
        let expected = sorted.filter { !lower.isAbove($0) && upper.isAbove($0) }
        #expect(all(map, lower, upper) == expected, "seed \(seed)")
        #expect(all(map, lower, upper, descending: true) == expected.reversed(), "seed \(seed)")
        #expect(map.count(from: lower, to: upper) == expected.count, "seed \(seed)")
        let probe = generator.below(domain)
        #expect(map.entry(probe) === model[probe], "seed \(seed)")
      }
    }
  }

  private func bound(_ generator: inout SeededGenerator, _ domain: Int) -> OrderedMapBound<Int> {
    let key = generator.below(domain + 2) - 1
    return generator.pick([.start, .end, .before(key), .after(key), .before(key), .after(key)])
  }

  @Test func visitStopsWhenItIsToldTo() {
    var map = OrderedMap<Int>()
    for key in 0..<1_000 { map.set(key, entry()) }
    for descending in [false, true] {
      var seen = 0
      map.visit(from: .start, to: .end, descending: descending) { _, _ in
        seen += 1
        return seen < 300
      }
      #expect(seen == 300)
    }
  }

  @Test(arguments: 0..<10) func snapshotsStayAsTheyWere(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var map = OrderedMap<Int>()
    var snapshots: [(map: OrderedMap<Int>, keys: [Int])] = []
    for step in 0..<3_000 {
      let key = generator.below(500)
      if generator.chance(45) { map.remove(key) } else { map.set(key, entry()) }
      if step % 100 == 0 { snapshots.append((map, all(map))) }
    }
    for (snapshot, keys) in snapshots {
      #expect(all(snapshot) == keys, "seed \(seed)")
      #expect(snapshot.count == keys.count)
      #expect(snapshot.structuralProblems() == [])
    }
    // A snapshot is a map of its own, too.
    snapshots[5].map.set(-1, entry())
    #expect(all(snapshots[5].map) == [-1] + snapshots[5].keys)
    #expect(map.entry(-1) == nil)
  }

  @Test func snapshotsAreReadWhileTheMapChanges() {
    let shared = SharedMap()
    onThreads(3) { thread in
      var generator = SeededGenerator(seed: UInt64(thread))
      for _ in 0..<300 {
        if thread == 0 {
          shared.change { map in
            // Both keys of a pair come and go together.
            let key = generator.below(400)
            for key in [key, key + 1_000] where !map.remove(key) { map.set(key, IndexedEntry(keys: .none)) }
          }
        } else {
          let snapshot = shared.snapshot()
          let keys = self.all(snapshot)
          #expect(keys.count == snapshot.count)
          #expect(keys.filter { $0 < 1_000 } == keys.filter { $0 >= 1_000 }.map { $0 - 1_000 })
        }
      }
    }
  }

  @Test func rangeKeysOrderByValueThenNumber() {
    let keys = [
      RangeKey(value: .bool(true), number: 9), RangeKey(value: .int(-1), number: 5), RangeKey(value: 2, number: 1),
      RangeKey(value: 2.0, number: 2), RangeKey(value: .double(2.5), number: 0), RangeKey(value: "", number: 3),
      RangeKey(value: "a", number: 1),
    ]
    #expect(keys.shuffled().sorted() == keys)
  }
}

/// A map that threads share as an index does: changed and copied under a lock, read without it.
///
/// Unchecked: `map` is only touched under the lock.
private final class SharedMap: @unchecked Sendable {
  private let lock = Lock()
  private var map = OrderedMap<Int>()

  func change(_ body: (inout OrderedMap<Int>) -> Void) { lock.withLock { body(&map) } }

  func snapshot() -> OrderedMap<Int> { lock.withLock { map } }
}
