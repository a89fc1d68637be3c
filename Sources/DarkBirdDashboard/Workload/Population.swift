import Synchronization

/// The numbers that have documents, as all threads of a workload see them.
///
/// Numbers are dealt out to lanes like cards: lane 2 of 4 has 2, 6, 10 and so on. A lane belongs to one thread, which
/// alone inserts at its end and removes at its beginning; others only read where it begins and ends. So no thread can
/// bring back a document that another one has just removed, and a count that is kept stays kept for ever.
final class Population: Sendable {
  final class Lane: Sendable {
    private let offset: Int
    private let stride: Int
    private let firstPlace: Atomic<Int>
    private let endPlace: Atomic<Int>
    /// Documents of this lane when the lane was made.
    let found: Int
    /// Documents that the load phase ends with.
    let loaded: Int
    /// Documents that the mix keeps to; `loaded` or more.
    let target: Int

    fileprivate init(offset: Int, stride: Int, places: Range<Int>, found: Int, loaded: Int, target: Int) {
      self.offset = offset
      self.stride = stride
      firstPlace = Atomic(places.lowerBound)
      endPlace = Atomic(places.upperBound)
      self.found = found
      self.loaded = max(loaded, found)
      self.target = max(target, self.loaded)
    }

    func number(_ place: Int) -> Int { place * stride + offset }

    /// Place of the oldest document, and the place after the newest. Others see changes a little later.
    var first: Int { firstPlace.load(ordering: .relaxed) }
    var end: Int { endPlace.load(ordering: .relaxed) }
    var count: Int { end - first }

    /// Owner only.
    func advanceFirst() { firstPlace.store(first + 1, ordering: .relaxed) }
    func advanceEnd(by places: Int = 1) { endPlace.store(end + places, ordering: .relaxed) }

    /// The number that stands for `position`, 0 ..< target: always the same one while its document lives, so that what
    /// is popular stays popular while old documents go and new ones come. Nil if it has no document just now.
    func number(at position: Int) -> Int? {
      let (first, end) = (first, end)
      let start = max(first, end - target)
      let behind = (position - start) % target
      let place = start + (behind < 0 ? behind + target : behind)
      return place < end ? number(place) : nil
    }
  }

  let lanes: [Lane]

  /// - Parameters:
  ///   - documents: how many to load; existing ones count.
  ///   - capacity: how many to keep to, if more.
  ///   - existing: numbers of the documents that are there already, in any order. Single ones far from all others are
  ///     not the work of a workload, and are left alone.
  init(documents: Int, capacity: Int, lanes laneCount: Int, existing: [Int] = []) {
    let documents = max(documents, laneCount)
    let dense = Self.densePart(of: existing)
    let (low, end) = (dense.first ?? 0, (dense.last ?? -1) + 1)
    var found = [Int](repeating: 0, count: laneCount)
    for number in dense { found[number % laneCount] += 1 }
    lanes = (0..<laneCount).map { offset in
      func share(_ count: Int) -> Int { (count - offset + laneCount - 1) / laneCount }
      return Lane(
        offset: offset, stride: laneCount, places: share(low)..<share(end), found: found[offset],
        loaded: share(documents), target: share(max(capacity, documents)))
    }
  }

  /// The numbers in order, without groups of strays that would stretch them to much more than their count: while they
  /// are too thin, the smaller side of the widest gap goes.
  private static func densePart(of numbers: [Int]) -> ArraySlice<Int> {
    var dense = numbers.sorted()[...]
    while let low = dense.first, let high = dense.last, high - low > dense.count * 4 + 1_024 {
      let gaps = dense.indices.dropLast()
      guard let widest = gaps.max(by: { dense[$0 + 1] - dense[$0] < dense[$1 + 1] - dense[$1] }) else { break }
      let (below, above) = (dense[...widest], dense[(widest + 1)...])
      dense = below.count > above.count ? below : above
    }
    return dense
  }

  /// The number in a key such as `u:17`, if it is one that a workload can reach.
  static func number(ofKey key: String, prefix: String) -> Int? {
    guard key.hasPrefix(prefix), let number = Int(key.dropFirst(prefix.count)) else { return nil }
    return (0..<1 << 48).contains(number) ? number : nil
  }

  /// Documents that were there, and that are there when everything is loaded.
  var found: Int { lanes.reduce(0) { $0 + $1.found } }
  var loaded: Int { lanes.reduce(0) { $0 + $1.loaded } }

  /// Steps of the load phase: `loadNumber` for each step in `0 ..< loadSteps`, by any thread, then `finishLoad`.
  var loadSteps: Int { (lanes.map { $0.loaded - $0.found }.max() ?? 0) * lanes.count }

  /// The number that a step of the load phase inserts; nil if its lane has enough.
  func loadNumber(_ step: Int) -> Int? {
    let lane = lanes[step % lanes.count]
    let round = step / lanes.count
    return round < lane.loaded - lane.found ? lane.number(lane.end + round) : nil
  }

  /// Makes the loaded documents visible to `KeyChooser`.
  func finishLoad() {
    for lane in lanes { lane.advanceEnd(by: lane.loaded - lane.found) }
  }
}
