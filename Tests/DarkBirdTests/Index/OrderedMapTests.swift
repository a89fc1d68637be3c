import Testing

@testable import DarkBird

/// An ordered map of sets, as a range index is; a set with few of the keys is what a tag has.
struct OrderedMapTests {
  private typealias Map = OrderedMap<Int>

  private func pairs(
    _ map: Map, _ lower: OrderedMapBound<Int> = .start, _ upper: OrderedMapBound<Int> = .end, descending: Bool = false
  ) -> [[Int]] {
    var pairs: [[Int]] = []
    map.visit(from: lower, to: upper, descending: descending) { key, set in
      set.visit(descending: descending) {
        pairs.append([key, Int($0)])
        return true
      }
    }
    return pairs
  }

  private func keys(_ map: Map) -> [Int] { pairs(map).map { $0[0] } }

  @Test func emptyMapHasNothing() {
    var map = Map()
    #expect(map.isEmpty && map.count == 0 && map.first == nil && map.last == nil)
    let wasThere = map.remove(1, 1)
    #expect(!wasThere)
    #expect(map.value(1) == nil)
    #expect(map.count(from: .start, to: .end) == 0)
    #expect(map.structuralProblems() == [])
  }

  @Test func aPairIsThereOnce() {
    var map = Map()
    let news = [map.insert(1, 7), map.insert(1, 7), map.insert(1, 8), map.insert(1, 8)]
    #expect(news == [true, false, true, false])
    #expect(map.count == 2)
    let removals = [map.remove(1, 9), map.remove(1, 7), map.remove(1, 7), map.remove(1, 8)]
    #expect(removals == [false, true, false, true])
    #expect(map.isEmpty)
  }

  @Test(arguments: [false, true]) func growsAndShrinksInOrder(descending: Bool) {
    var map = Map()
    let order = descending ? Array((0..<5_000).reversed()) : Array(0..<5_000)
    for key in order { map.insert(key, 1) }
    #expect(map.structuralProblems() == [])
    #expect(keys(map) == Array(0..<5_000))
    let removed = order.map { map.remove($0, 1) }
    #expect(!removed.contains(false))
    #expect(map.isEmpty)
    #expect(map.structuralProblems() == [])
  }

  @Test(arguments: 0..<60) func matchesSortedPairs(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var map = Map()
    var model: Set<[Int]> = []
    let domain = generator.pick([3, 10, 100, 1_000, 10_000])
    let documents = generator.pick([1, 4, 1_000])
    var removesPercent = 30
    for step in 0..<2_000 {
      if step % 500 == 499 { removesPercent = generator.pick([10, 30, 60, 90]) }
      let key = generator.below(domain)
      let number = DocumentNumber(generator.below(documents))
      if generator.chance(removesPercent) {
        let wasThere = map.remove(key, number)
        #expect(wasThere == (model.remove([key, Int(number)]) != nil), "seed \(seed)")
      } else {
        let isNew = map.insert(key, number)
        #expect(isNew == model.insert([key, Int(number)]).inserted, "seed \(seed)")
      }
      guard step % 200 == 0 else { continue }
      #expect(map.structuralProblems() == [], "seed \(seed)")
      let sorted = model.sorted { ($0[0], $0[1]) < ($1[0], $1[1]) }
      #expect(pairs(map) == sorted, "seed \(seed)")
      #expect(map.first == sorted.first?[0] && map.last == sorted.last?[0])
      for _ in 0..<10 {
        let (lower, upper) = (bound(&generator, domain), bound(&generator, domain))
        let expected = sorted.filter { !lower.isAbove($0[0]) && upper.isAbove($0[0]) }
        #expect(pairs(map, lower, upper) == expected, "seed \(seed)")
        #expect(pairs(map, lower, upper, descending: true) == expected.reversed(), "seed \(seed)")
        #expect(map.count(from: lower, to: upper) == expected.count, "seed \(seed)")
        let probe = generator.below(domain)
        let found = sorted.filter { $0[0] == probe }
        #expect(map.value(probe)?.count ?? 0 == found.count, "seed \(seed)")
        let number = generator.below(documents)
        #expect(map.value(probe)?.contains(DocumentNumber(number)) ?? false == found.contains([probe, number]))
        var after: [Int] = []
        map.value(probe)?.visit(after: DocumentNumber(number)) {
          after.append(Int($0))
          return true
        }
        #expect(after == found.map { $0[1] }.filter { $0 > number }, "seed \(seed)")
      }
    }
  }

  private func bound(_ generator: inout SeededGenerator, _ domain: Int) -> OrderedMapBound<Int> {
    let key = generator.below(domain + 2) - 1
    return generator.pick([.start, .end, .before(key), .after(key), .before(key), .after(key)])
  }

  @Test func visitStopsWhenItIsToldTo() {
    var map = Map()
    var set = DocumentSet()
    for key in 0..<1_000 {
      map.insert(key, 1)
      _ = set.insert(DocumentNumber(key))
    }
    for descending in [false, true] {
      var seen = 0
      map.visit(from: .start, to: .end, descending: descending) { _, _ in
        seen += 1
        return seen < 300
      }
      #expect(seen == 300)
      let wasCompleted = set.visit(descending: descending) { _ in
        seen += 1
        return seen < 600
      }
      #expect(seen == 600 && !wasCompleted)
    }
  }

  @Test(arguments: 0..<10) func snapshotsStayAsTheyWere(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var map = Map()
    // One node, or several.
    let keys = generator.pick([100, 3_000])
    var snapshots: [(map: Map, pairs: [[Int]])] = []
    for step in 0..<3_000 {
      let (key, number) = (generator.below(keys), DocumentNumber(generator.below(30)))
      if generator.chance(45) { map.remove(key, number) } else { map.insert(key, number) }
      if step % 100 == 0 { snapshots.append((map, pairs(map))) }
    }
    for (snapshot, expected) in snapshots {
      #expect(pairs(snapshot) == expected, "seed \(seed)")
      #expect(snapshot.count == expected.count)
      #expect(snapshot.structuralProblems() == [])
    }
    // A snapshot is a map of its own, too.
    snapshots[5].map.insert(-1, 4)
    #expect(pairs(snapshots[5].map) == [[-1, 4]] + snapshots[5].pairs)
    #expect(map.value(-1) == nil)
  }

  @Test(arguments: 0..<10) func setsStayAsTheyWere(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var set = DocumentSet()
    var model: Set<DocumentNumber> = []
    var snapshots: [(set: DocumentSet, numbers: [DocumentNumber])] = []
    func numbers(_ set: DocumentSet) -> [DocumentNumber] {
      var numbers: [DocumentNumber] = []
      set.visit {
        numbers.append($0)
        return true
      }
      return numbers
    }
    for step in 0..<4_000 {
      let number = DocumentNumber(generator.below(3_000))
      if generator.chance(35) {
        let wasThere = set.remove(number)
        #expect(wasThere == (model.remove(number) != nil), "seed \(seed)")
      } else {
        let isNew = set.insert(number)
        #expect(isNew == model.insert(number).inserted, "seed \(seed)")
      }
      if step % 200 == 0 { snapshots.append((set, model.sorted())) }
    }
    #expect(numbers(set) == model.sorted(), "seed \(seed)")
    #expect(set.structuralProblems() == [], "seed \(seed)")
    for (snapshot, expected) in snapshots {
      #expect(numbers(snapshot) == expected, "seed \(seed)")
      #expect(snapshot.count == expected.count && snapshot.structuralProblems() == [], "seed \(seed)")
    }
  }

  /// Runs of ascending numbers: mostly above those that are there, sometimes among them.
  @Test(arguments: 0..<15) func runsGoIntoASetAsTheirNumbersWould(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var set = DocumentSet()
    var model: Set<DocumentNumber> = []
    var snapshots: [(set: DocumentSet, numbers: [DocumentNumber])] = []
    func check(_ set: DocumentSet, _ expected: [DocumentNumber]) {
      var found: [DocumentNumber] = []
      set.visit {
        found.append($0)
        return true
      }
      #expect(found == expected, "seed \(seed)")
      #expect(set.count == expected.count && set.structuralProblems() == [], "seed \(seed)")
      // The same in parts, each after the last number of the one before.
      var taken: ContiguousArray<DocumentNumber> = []
      var before: Int
      repeat {
        before = taken.count
        let limit = before + 1 + generator.below(3_000)
        set.append(after: taken.last, limit: limit, to: &taken)
        #expect(taken.count == min(limit, expected.count), "seed \(seed)")
      } while taken.count > before
      #expect(Array(taken) == expected, "seed \(seed)")
    }
    let longest = generator.pick([3, 100, 5_000])
    let spread = generator.pick([1, 2, 7])
    var top = 0
    for step in 0..<60 {
      let start = generator.chance(70) ? max(0, top - generator.below(20)) : generator.below(top + 1)
      var run: [DocumentNumber] = []
      var number = start
      for _ in 0...generator.below(longest) {
        number += 1 + generator.below(spread)
        run.append(DocumentNumber(number))
      }
      top = max(top, number)
      let added = run.withUnsafeBufferPointer { set.insert($0) }
      #expect(added == run.count { model.insert($0).inserted }, "seed \(seed)")
      if generator.chance(30) {
        for _ in 0..<generator.below(longest) {
          let gone = DocumentNumber(generator.below(top))
          #expect(set.remove(gone) == (model.remove(gone) != nil), "seed \(seed)")
        }
      }
      if step % 10 == 0 { snapshots.append((set, model.sorted())) }
    }
    check(set, model.sorted())
    for snapshot in snapshots { check(snapshot.set, snapshot.numbers) }
  }

  @Test func snapshotsAreReadWhileTheMapChanges() {
    let shared = SharedMap()
    let readersDone = Counter()
    onThreads(3) { thread in
      var generator = SeededGenerator(seed: UInt64(thread))
      if thread == 0 {
        // For as long as somebody reads, however late the readers come to run.
        while readersDone.value < 2 {
          shared.change { map in
            // Both keys of a pair come and go together.
            let key = generator.below(400)
            for key in [key, key + 1_000] where !map.remove(key, 1) { map.insert(key, 1) }
          }
        }
        return
      }
      for _ in 0..<300 {
        // Not within `#expect`, whose library would let go of it unseen by ThreadSanitizer.
        let snapshot = shared.snapshot()
        let (keys, count) = (self.keys(snapshot), snapshot.count)
        #expect(keys.count == count)
        #expect(keys.filter { $0 < 1_000 } == keys.filter { $0 >= 1_000 }.map { $0 - 1_000 })
      }
      readersDone.next()
    }
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
