/// Who waits for a sync, and how long the next one should wait for more of them (group commit).
///
/// A sync begins when half of those wait who are known to: those that the last one served come again soon. So there are two
/// groups, and while a sync runs for the one, the other is woken and writes. One for all would leave the disk idle meanwhile, a
/// sync for whoever comes first would leave all others to the next. (On two processors that are busy, most of those that were woken
/// have written again before the log's thread goes on, and the groups become one. To let them wake one another, so that it goes
/// on at once, was tried: twice as many syncs, for as many writes.)
struct SyncGroup {
  private static let patienceMax: UInt64 = 2_000_000

  /// Those that came since the last sync began, and when the first of them did.
  private var waiters = 0
  private var firstArrival: UInt64 = 0
  /// Those that the sync which runs serves.
  private var served = 0
  /// Those that the last sync served and those that came while it ran, when it ended, and how long it took.
  private var expected = 0
  private var lastEnd: UInt64 = 0
  private var lastNanoseconds: UInt64 = 0

  private var isComplete: Bool { waiters * 2 >= expected }

  /// One more waits.
  /// - Returns: whether a sync may be due now.
  mutating func join() -> Bool {
    waiters += 1
    if waiters == 1 { firstArrival = monotonicNanoseconds() }
    return waiters == 1 || isComplete
  }

  /// How long a sync that is due should still wait for others, in nanoseconds: never longer than a sync takes, which is what
  /// those would wait who come too late.
  func delay(_ now: UInt64) -> UInt64 {
    if isComplete { return 0 }
    let patience = min(lastNanoseconds, Self.patienceMax)
    let start = max(firstArrival, lastEnd)
    let waited = now > start ? now - start : 0
    return waited < patience ? patience - waited : 0
  }

  mutating func syncBegins() {
    served = waiters
    waiters = 0
  }

  /// - Parameter isNobodyLeft: whether all are served, also those who came in time for this sync while it ran, or while one ended a page
  ///   that had not begun for them. Counted on, they would be taken for others who wait, and whoever comes next for one of too few to
  ///   wake the writer for. As long as somebody is left the writer wakes by itself: see `delay`.
  mutating func syncEnded(nanoseconds: UInt64, isNobodyLeft: Bool) {
    lastNanoseconds = nanoseconds
    lastEnd = monotonicNanoseconds()
    expected = served + waiters
    if isNobodyLeft, !planted(.servedStillCounted) { waiters = 0 }
  }
}
