import DarkBird

/// How fast things went between two samples.
struct Rates {
  let earlier: Sample
  let later: Sample
  let seconds: Double

  /// Over the second before `later`: long enough to be calm, short enough to be live.
  static let windowNanoseconds: UInt64 = 1_000_000_000

  /// nil until there are two samples.
  init?(_ history: History, at later: Sample, over window: UInt64 = windowNanoseconds) {
    guard let first = history.first else { return nil }
    let start = later.nanoseconds > window ? later.nanoseconds - window : 0
    let earlier = history.sample(atOrBefore: start) ?? first
    guard later.nanoseconds > earlier.nanoseconds else { return nil }
    self.init(from: earlier, to: later)
  }

  init(from earlier: Sample, to later: Sample) {
    self.earlier = earlier
    self.later = later
    seconds = Double(later.nanoseconds - earlier.nanoseconds) / 1e9
  }

  /// A counter's rise a second.
  func perSecond(_ counter: (StoreStatistics) -> UInt64?) -> Double {
    guard let before = counter(earlier.statistics), let after = counter(later.statistics), after > before
    else { return 0 }
    return Double(after - before) / seconds
  }

  /// A sample's own counter's rise a second.
  func perSecond(_ counter: KeyPath<Sample, UInt64>) -> Double {
    let (before, after) = (earlier[keyPath: counter], later[keyPath: counter])
    return after > before ? Double(after - before) / seconds : 0
  }
}

extension StoreStatistics.Operations {
  /// The counters in the order in which panels show them, with labels of at most four letters.
  static let shown: [(label: String, name: String, isWrite: Bool, counter: any KeyPath<Self, UInt64> & Sendable)] = [
    ("ins", "insert", true, \.inserts), ("put", "put", true, \.puts), ("upd", "update", true, \.updates),
    ("del", "remove", true, \.removes), ("clr", "clear", true, \.clears), ("get", "get", false, \.gets),
    ("uniq", "unique", false, \.uniqueLookups), ("tag", "tag", false, \.tagQueries),
    ("rng", "range", false, \.rangeQueries), ("scan", "scan", false, \.scans),
  ]
}
