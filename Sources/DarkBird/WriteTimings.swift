private import CDarkBird
public import Synchronization

/// How long the writes of a store took: see `Store.timeWrites`.
public struct WriteTimings: Sendable, Hashable {
  public enum Kind: Int, Sendable, Hashable, CaseIterable { case put, insert, update, remove, batch }

  /// Each octave of nanoseconds has sixteen buckets, so that a time is known to 6 %; the last one takes what is longer than a
  /// minute.
  public static let bucketCount = bucket(of: 60_000_000_000) + 1

  /// By kind and bucket.
  private var counts: [UInt64]

  init(_ counts: [UInt64]) { self.counts = counts }

  /// Writes of a kind by how long they took, `bucketCount` of them: an estimate, for each write that was timed stands for as
  /// many as the interval says.
  public func counts(of kind: Kind) -> ArraySlice<UInt64> {
    counts[kind.rawValue * Self.bucketCount..<(kind.rawValue + 1) * Self.bucketCount]
  }

  /// The bucket of a time in nanoseconds: its highest bit and the four after it.
  public static func bucket(of nanoseconds: UInt64) -> Int {
    guard nanoseconds >= 16 else { return Int(nanoseconds) }
    let octave = UInt64.bitWidth - 1 - nanoseconds.leadingZeroBitCount
    return (octave - 3) * 16 + Int(nanoseconds >> UInt64(octave - 4)) & 15
  }

  /// The shortest time of a bucket, in nanoseconds.
  public static func lowerBound(of bucket: Int) -> UInt64 {
    guard bucket >= 16 else { return UInt64(max(bucket, 0)) }
    return UInt64(16 + bucket & 15) << UInt64(bucket / 16 - 1)
  }
}

extension Store {
  /// Times one in `interval` writes from now on, by chance; none of them for 0, as at first. Meant for whoever watches a store,
  /// one at a time: the last call counts.
  ///
  /// A write is timed from its beginning, encoding included, until it is acknowledged. Those that are refused and those that
  /// change nothing are not counted.
  ///
  /// - Parameter interval: made a power of two, the next larger one. The more writes a second, the larger it may be: for p99.9
  ///   of ten seconds 1,000 timed writes a second are plenty.
  /// - Complexity: without timing a write pays one load of a word that nobody changes; with it some ten instructions more and,
  ///   if its turn has come, two looks at the clock, about 60 ns. The counts take 25 KB, from the first call on.
  public func timeWrites(oneIn interval: Int) { timer.setInterval(interval) }

  /// The writes timed so far; nil if none was to be. The counts only grow: compare two of them.
  /// - Complexity: about 5 microseconds.
  public func writeTimings() -> WriteTimings? { timer.timings }
}

/// Counts how long writes took, without a lock: so few are timed that their threads seldom meet at a word.
///
/// Unsafe corner: the table of counts is made once, before the first timed write can see an interval, and freed with the store;
/// places in it come from kinds and buckets.
@usableFromInline
struct WriteTimer: ~Copyable, Sendable {
  private typealias Table = UnsafeMutablePointer<Atomic<UInt64>>
  private static var wordCount: Int { WriteTimings.Kind.allCases.count * WriteTimings.bucketCount }

  /// A power of two; 0 while nothing is timed.
  @usableFromInline let interval = Atomic<UInt64>(0)
  /// The address of the counts; 0 before there are any.
  private let table = Atomic<UInt>(0)

  init() {}

  deinit { Table(bitPattern: table.load(ordering: .acquiring))?.deallocate() }

  /// When a write begins that is to be timed; 0 for one that is not.
  @inlinable @inline(__always)
  func begin() -> UInt64 { interval.load(ordering: .relaxed) == 0 ? 0 : beginIfItsTurn() }

  @inlinable @inline(__always)
  func end(_ kind: WriteTimings.Kind, _ began: UInt64) { if began != 0 { record(kind, began) } }

  @usableFromInline
  func beginIfItsTurn() -> UInt64 {
    let interval = interval.load(ordering: .relaxed)
    return interval != 0 && db_is_one_in(interval) ? monotonicNanoseconds() : 0
  }

  @usableFromInline
  func record(_ kind: WriteTimings.Kind, _ began: UInt64) {
    let nanoseconds = monotonicNanoseconds() &- began
    guard let table = Table(bitPattern: table.load(ordering: .acquiring)) else { return }
    let bucket = min(WriteTimings.bucket(of: nanoseconds), WriteTimings.bucketCount - 1)
    // It may have been switched off meanwhile.
    let weight = max(1, interval.load(ordering: .relaxed))
    table[kind.rawValue * WriteTimings.bucketCount + bucket].wrappingAdd(weight, ordering: .relaxed)
  }

  func setInterval(_ wanted: Int) {
    if wanted > 0, table.load(ordering: .acquiring) == 0 {
      let made = Table.allocate(capacity: Self.wordCount)
      for word in 0..<Self.wordCount { (made + word).initialize(to: Atomic(0)) }
      let (isOurs, _) = table.compareExchange(
        expected: 0, desired: UInt(bitPattern: made), ordering: .acquiringAndReleasing)
      if !isOurs { made.deallocate() }
    }
    let limit = min(max(wanted, 0), 1 << 32)
    let power = limit <= 1 ? limit : 1 << (Int.bitWidth - (limit - 1).leadingZeroBitCount)
    interval.store(UInt64(power), ordering: .releasing)
  }

  var timings: WriteTimings? {
    guard let table = Table(bitPattern: table.load(ordering: .acquiring)) else { return nil }
    return WriteTimings((0..<Self.wordCount).map { table[$0].load(ordering: .relaxed) })
  }
}

extension WriteKind {
  @usableFromInline var timed: WriteTimings.Kind {
    switch self {
    case .put: .put
    case .insert: .insert
    case .update: .update
    case .remove: .remove
    }
  }
}
