import DarkBird
import DequeModule

/// The samples of the last two hours: all of the last two minutes, one a second of the ten minutes before them, one in
/// ten seconds of the rest. Bounded: what is thinned out goes, its counters live on in the next sample that stays.
struct History: Sendable, RandomAccessCollection {
  /// Nanoseconds between the samples of each tier, the newest tier first.
  static let intervals: [UInt64] = [0, 1_000_000_000, 10_000_000_000]
  static let capacitiesDefault = [1_200, 600, 720]

  /// What samples are found by, and graphs of a whole window are made of: apart from them, for a search must not copy whole
  /// samples, and hundreds of columns neither.
  struct Point {
    var sequence: Int
    var nanoseconds: UInt64
    var writes: UInt64
    var reads: UInt64
    /// By the log.
    var bytesWritten: UInt64
    /// Of its pages.
    var rotations: UInt64
    var isLoading: Bool
    var heat: HeatColumn

    init(_ sample: Sample) {
      sequence = sample.sequence
      nanoseconds = sample.nanoseconds
      let operations = sample.statistics.operations
      (writes, reads) = (operations.writes, operations.reads)
      bytesWritten = sample.statistics.log?.bytesWritten ?? 0
      rotations = sample.statistics.log?.rotations ?? 0
      heat = sample.heat
      isLoading = sample.workload?.progress.isLoading ?? false
    }
  }

  /// The newest tier first; in each the oldest sample first.
  private var tiers: [Deque<Sample>]
  private var points: [Deque<Point>]
  let capacities: [Int]

  /// - Parameter capacities: samples to keep in each tier, the newest first; 0 leaves a tier out.
  init(capacities: [Int] = capacitiesDefault) {
    self.capacities = [Swift.max(2, capacities[0])] + capacities.dropFirst()
    tiers = capacities.map { _ in [] }
    points = capacities.map { _ in [] }
  }

  /// Samples to keep of a store with so many shards: two hours, less where a sample takes much memory (about 4 kB and
  /// 32 bytes a shard; all of them together stay below 25 MB).
  static func capacities(shards: Int) -> [Int] {
    capacitiesDefault.map { shards <= 128 ? $0 : Swift.max($0 / 10, $0 * 128 / shards) }
  }

  var startIndex: Int { 0 }
  var endIndex: Int { tiers.reduce(0) { $0 + $1.count } }

  /// All samples, oldest first.
  subscript(position: Int) -> Sample {
    let (tier, place) = place(of: position)
    return tiers[tier][place]
  }

  private func place(of position: Int) -> (tier: Int, place: Int) {
    var place = position
    for tier in tiers.indices.reversed() {
      if place < tiers[tier].count { return (tier, place) }
      place -= tiers[tier].count
    }
    preconditionFailure("no sample \(position)")
  }

  private func point(_ position: Int) -> Point {
    let (tier, place) = place(of: position)
    return points[tier][place]
  }

  mutating func append(_ sample: Sample) { append(sample, tier: 0) }

  private mutating func append(_ sample: Sample, tier: Int) {
    guard tier < tiers.count, capacities[tier] > 0 else { return }
    let interval = Self.intervals[tier]
    if interval > 0, let last = points[tier].last, last.nanoseconds / interval == sample.nanoseconds / interval {
      // Of each interval the last sample stays, for counters only grow; what it counted itself is added up.
      var merged = sample
      merged.addHeat(of: tiers[tier].removeLast())
      tiers[tier].append(merged)
      points[tier][points[tier].count - 1] = Point(merged)
      return
    }
    if tiers[tier].count == capacities[tier], let oldest = tiers[tier].popFirst() {
      points[tier].removeFirst()
      append(oldest, tier: tier + 1)
    }
    tiers[tier].append(sample)
    points[tier].append(Point(sample))
  }

  /// The sample with this sequence number, or, if that is gone, the one that took its place: the next that is there.
  func sample(_ sequence: Int) -> Sample? {
    let index = partitioningIndex { $0.sequence >= sequence }
    return index < count ? self[index] : last
  }

  /// The last sample taken at that time or before it; nil if there is none.
  /// - Complexity: O(log count).
  func sample(atOrBefore nanoseconds: UInt64) -> Sample? {
    let index = partitioningIndex { $0.nanoseconds > nanoseconds }
    return index > 0 ? self[index - 1] : nil
  }

  /// The first sample taken at that time or after it; nil if there is none.
  func sample(atOrAfter nanoseconds: UInt64) -> Sample? {
    let index = partitioningIndex { $0.nanoseconds >= nanoseconds }
    return index < count ? self[index] : nil
  }

  /// Of the last sample taken at that time or before it; nil if there is none.
  func point(atOrBefore nanoseconds: UInt64) -> Point? {
    let index = partitioningIndex { $0.nanoseconds > nanoseconds }
    return index > 0 ? point(index - 1) : nil
  }

  /// Of the first sample taken at that time or after it; nil if there is none.
  func point(atOrAfter nanoseconds: UInt64) -> Point? {
    let index = partitioningIndex { $0.nanoseconds >= nanoseconds }
    return index < count ? point(index) : nil
  }

  /// Of the samples taken after `start`, up to and including `end`, oldest first.
  func points(after start: UInt64, through end: UInt64) -> [Point] {
    let lower = partitioningIndex { $0.nanoseconds > start }
    let upper = partitioningIndex { $0.nanoseconds > end }
    return (lower..<Swift.max(lower, upper)).map(point)
  }

  /// The samples taken after `start`, up to and including `end`, oldest first.
  func samples(after start: UInt64, through end: UInt64) -> Slice<History> {
    let lower = partitioningIndex { $0.nanoseconds > start }
    let upper = partitioningIndex { $0.nanoseconds > end }
    return self[lower..<Swift.max(lower, upper)]
  }

  /// The first index whose element satisfies a predicate that, once true, stays true.
  private func partitioningIndex(where belongsInSecond: (Point) -> Bool) -> Int {
    var before = 0
    for tier in points.reversed() {
      // In this tier, or in a newer one.
      guard let last = tier.last, belongsInSecond(last) else {
        before += tier.count
        continue
      }
      var low = 0
      var high = tier.count - 1
      while low < high {
        let middle = (low + high) / 2
        if belongsInSecond(tier[middle]) { high = middle } else { low = middle + 1 }
      }
      return before + low
    }
    return before
  }
}
