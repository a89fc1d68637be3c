import CDarkBird
import Foundation

/// Frees what readers without a lock may still look at, once none of them can: old versions of documents, and the memory of
/// tables that have grown. See `db_readers.h`.
///
/// What waits is bounded in number and, as long as documents are replaced or removed, in time, for they may be large; but for
/// readers that do not come to an end: `withDocument` says so to those who write them.
///
/// Unchecked: what changes is only touched under the lock. The objects are freed under no lock, for a document may run code of the
/// program then.
@usableFromInline
final class Reclaimer: @unchecked Sendable {
  private struct Batch {
    /// Readers of later epochs cannot have found the objects.
    let epoch: UInt64
    let objects: ContiguousArray<AnyObject>
  }

  /// How many old versions may wait where there are about so many documents: an eighth, but neither very few nor many.
  @inlinable
  static func versionsMax(documents: Int) -> Int { min(256, max(8, documents / 8)) }

  private let lock = Lock()
  private var retired: ContiguousArray<AnyObject> = []
  /// Those for which readers were looked for already, and found.
  private var waiting: [Batch] = []
  /// How many calls of `free` have taken out what was waiting.
  private var freeing = 0
  /// A thread looks for readers until it has freed all up to this epoch; nil where there is none.
  private var lookingUpTo: UInt64?
  /// How long that thread pauses the next time, in seconds: ever longer, and short again once something new has come.
  private var pause = 0.0
  /// Until old versions that are few are freed too, in nanoseconds.
  private let interval: UInt64
  /// When readers were last looked for because it was time.
  private var lookedAt: UInt64 = 0
  private static let pauseMin = 0.001
  private static let pauseMax = 1.0

  @usableFromInline
  init(interval: UInt64 = 10_000_000) { self.interval = interval }

  /// Takes an object that no reader can find any more. Under no lock.
  /// - Parameter waitingMax: how many objects may wait before readers are looked for, unless it is time to.
  @usableFromInline
  func retire(_ object: AnyObject, waitingMax: Int) {
    let now = monotonicNanoseconds()
    lock.lock()
    retired.append(object)
    // Another thread may have been later at the clock, and earlier here.
    // The more batches wait, the less often: a hundred times the interval at most.
    let isTime = now >= lookedAt && (now - lookedAt) / UInt64(min(waiting.count, 99) + 1) >= interval
    if isTime { lookedAt = now }
    free(waitingMax: isTime ? 0 : waitingMax)
  }

  /// Takes what a whole store has left, which is much: it goes soon after the last reader that may look at it, also where nothing
  /// is written any more, unless the system gives no thread. Under no lock.
  @usableFromInline
  func retireAll(_ object: AnyObject) {
    lock.lock()
    retired.append(object)
    guard let epoch = free(waitingMax: 0) else { return }
    let isLookedFor = lock.withLock {
      defer { lookingUpTo = max(lookingUpTo ?? 0, epoch) }
      pause = Self.pauseMin
      return lookingUpTo != nil
    }
    if isLookedFor { return }
    do {
      try startThread("darkbird free") { [weak self] in
        var pause: Double? = Self.pauseMin
        while let seconds = pause {
          Thread.sleep(forTimeInterval: seconds)
          pause = self?.freeWhatIsLookedFor()
        }
      }
    } catch { lock.withLock { lookingUpTo = nil } }
  }

  /// - Returns: after how many seconds to look again; nil if all of it is freed.
  private func freeWhatIsLookedFor() -> Double? {
    lock.lock()
    free(waitingMax: 0)
    return lock.withLock {
      guard let newest = lookingUpTo else { return nil }
      // What another thread has taken out may come back.
      if freeing == 0, !waiting.contains(where: { $0.epoch <= newest }) {
        lookingUpTo = nil
        return nil
      }
      defer { pause = min(2 * pause, Self.pauseMax) }
      return pause
    }
  }

  /// Takes what a table or two have left, likewise. To look for readers stops all processors for a moment, so that some wait.
  @usableFromInline
  func retire(_ objects: [AnyObject]) {
    lock.lock()
    retired += objects
    free(waitingMax: 4)
  }

  /// Under the lock, which it unlocks.
  /// - Parameter waitingMax: how many objects may wait before readers are looked for; 0 to look for them anyway.
  /// - Returns: the epoch of what was retired last, if it waits still and readers were looked for.
  @discardableResult
  private func free(waitingMax: Int) -> UInt64? {
    // Where a reader takes long, there are more and more batches to look at: so they become larger, too.
    if waitingMax > 0, retired.count < max(waitingMax, waiting.count) {
      lock.unlock()
      return nil
    }
    var batches: [Batch] = []
    swap(&batches, &waiting)
    if !retired.isEmpty { batches.append(Batch(epoch: db_end_epoch(), objects: retired)) }
    retired = []
    freeing += 1
    lock.unlock()
    let oldest = planted(.freedUnderReaders) ? .max : db_oldest_reader()
    let rest = batches.filter { $0.epoch >= oldest }
    lock.withLock {
      waiting += rest
      freeing -= 1
    }
    // Here the others are freed.
    batches = []
    return rest.last?.epoch
  }
}
