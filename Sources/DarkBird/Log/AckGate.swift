import CDarkBird
import Synchronization

/// Where writers wait for a level of acknowledgement. Many may wait for one sync: when it is done they all go on at once,
/// without taking a lock one after the other.
///
/// Unsafe corner: the word has a fixed address for as long as this object lives.
///
/// Unchecked: everything is atomic or constant.
final class AckGate: @unchecked Sendable {
  private let reached: Atomic<UInt64>
  private let hasFailed = Atomic<Bool>(false)
  private let waiters = Atomic<Int>(0)
  /// Counts the wake-ups. Begins shortly before it is 0 again, which it is every few days of much work.
  private let word: UnsafeMutablePointer<Atomic<UInt32>>

  init(_ lsn: UInt64) {
    reached = Atomic(lsn)
    word = .allocate(capacity: 1)
    word.initialize(to: Atomic(.max - 1))
  }

  deinit {
    word.deinitialize(count: 1)
    word.deallocate()
  }

  /// The last LSN that has this level.
  var lsn: UInt64 { reached.load(ordering: .acquiring) }

  /// Raises `lsn`; `wakeAll` must follow. Two steps, so that nobody wakes up to a lock that the caller still holds.
  func raise(to lsn: UInt64) {
    if lsn <= reached.load(ordering: .relaxed) { return }
    reached.store(lsn, ordering: .sequentiallyConsistent)
  }

  /// From now on nothing more is reached.
  func fail() {
    hasFailed.store(true, ordering: .sequentiallyConsistent)
    wakeAll()
  }

  func wakeAll() {
    if waiters.load(ordering: .sequentiallyConsistent) == 0 || planted(.gateWakesNobody) { return }
    word.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
    db_wake_all(word)
  }

  /// Returns true once `lsn` has this level, false if it never will.
  func wait(for lsn: UInt64) -> Bool {
    waiters.wrappingAdd(1, ordering: .sequentiallyConsistent)
    defer { waiters.wrappingSubtract(1, ordering: .relaxed) }
    while true {
      // Before the look at what was reached: a wake-up after it changes the word.
      let seen = word.pointee.load(ordering: .sequentiallyConsistent)
      if reached.load(ordering: .sequentiallyConsistent) >= lsn { return true }
      if hasFailed.load(ordering: .sequentiallyConsistent) { return false }
      db_wait_on_word(word, seen, 0)
    }
  }
}
