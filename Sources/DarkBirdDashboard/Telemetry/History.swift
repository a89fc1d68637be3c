import DequeModule

/// The samples of the last ten minutes. Bounded: the oldest goes when a new one comes.
struct History: Sendable {
  static let capacityDefault = 6_000

  private var samples: Deque<Sample> = []
  let capacity: Int

  init(capacity: Int = capacityDefault) { self.capacity = max(2, capacity) }

  /// Samples to keep of a store with so many shards: ten minutes, fewer where a sample takes much memory (about 4 kB and
  /// 32 bytes a shard; all of them together stay below 50 MB).
  static func capacity(shards: Int) -> Int {
    shards <= 128 ? capacityDefault : max(capacityDefault / 10, capacityDefault * 128 / shards)
  }

  var count: Int { samples.count }
  var first: Sample? { samples.first }
  var last: Sample? { samples.last }

  mutating func append(_ sample: Sample) {
    if samples.count == capacity { samples.removeFirst() }
    samples.append(sample)
  }

  /// The sample with this sequence number, or the nearest one that is still there.
  func sample(_ sequence: Int) -> Sample? {
    guard let first = samples.first else { return nil }
    return samples[min(max(sequence - first.sequence, 0), samples.count - 1)]
  }

  /// The last sample taken at that time or before it; nil if there is none.
  /// - Complexity: O(log count).
  func sample(atOrBefore nanoseconds: UInt64) -> Sample? {
    guard let first = samples.first, first.nanoseconds <= nanoseconds else { return nil }
    var low = 0
    var high = samples.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if samples[middle].nanoseconds <= nanoseconds { low = middle } else { high = middle }
    }
    return samples[low]
  }

  /// The samples taken after `start`, up to and including `end`, oldest first.
  func samples(after start: UInt64, through end: UInt64) -> Slice<Deque<Sample>> {
    let lower = samples.partitioningIndex { $0.nanoseconds > start }
    let upper = samples.partitioningIndex { $0.nanoseconds > end }
    return samples[lower..<max(lower, upper)]
  }
}

extension Deque {
  /// The first index whose element satisfies a predicate that, once true, stays true.
  fileprivate func partitioningIndex(where belongsInSecond: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if belongsInSecond(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
