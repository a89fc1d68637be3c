/// The schedule of one thread at a limited rate. It is absolute: operation n is due at start + n intervals, however long
/// the ones before took, so that a slow store gets the load it was promised as soon as it recovers.
struct Pacer {
  /// Sleeps are not shorter than this: a burst of two operations a millisecond costs less than a wake-up for each.
  static let sleepNanosecondsMin: UInt64 = 1_000_000
  /// A schedule that is further behind lets operations go.
  static let debtNanosecondsMax: UInt64 = 1_000_000_000

  /// One that keeps up is late by a sleep or a time slice at any moment: that misses nothing.
  static let lateNanosecondsMin: UInt64 = 100_000_000

  private let start: UInt64
  private let intervalNanoseconds: Double
  private var issued: UInt64 = 0
  /// Operations that were let go.
  private(set) var skipped: UInt64 = 0

  /// - Parameters:
  ///   - start: the time now, in nanoseconds.
  ///   - perSecond: operations of all threads together, 1 or more.
  ///   - share: which of `threads` threads this is; they take turns.
  init(start: UInt64, perSecond: Int, share: Int, of threads: Int) {
    let turn = 1e9 / Double(max(perSecond, 1))
    intervalNanoseconds = turn * Double(threads)
    self.start = start &+ UInt64(turn * Double(share))
  }

  /// Operations that were let go, with those that were due at the end of the schedule and will not be begun any more.
  func missed(at end: UInt64) -> UInt64 {
    let due = start &+ UInt64(Double(issued) * intervalNanoseconds)
    guard end > due, end - due > Self.lateNanosecondsMin else { return skipped }
    return skipped + UInt64(Double(end - due) / intervalNanoseconds) + 1
  }

  /// Takes the next operation off the schedule if it is due, and returns nil; otherwise how long to sleep.
  mutating func delay(at now: UInt64) -> UInt64? {
    let due = start &+ UInt64(Double(issued) * intervalNanoseconds)
    if now < due { return max(due - now, Self.sleepNanosecondsMin) }
    issued += 1
    if now - due > Self.debtNanosecondsMax {
      let late = UInt64(Double(now - due - Self.debtNanosecondsMax) / intervalNanoseconds)
      issued += late
      skipped += late
    }
    return nil
  }
}
