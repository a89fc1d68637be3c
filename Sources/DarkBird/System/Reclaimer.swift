import CDarkBird

/// Frees what readers without a lock may still look at, once none of them can: old versions of documents, and the memory of
/// tables that have grown. See `db_readers.h`.
///
/// What waits is bounded, but for readers that do not come to an end: `withDocument` says so to those who write them.
///
/// Unchecked: `waiting` is only touched under the lock. The objects are freed under no lock, for a document may run code of the
/// program then.
@usableFromInline
final class Reclaimer: @unchecked Sendable {
  private struct Retired {
    let object: AnyObject
    let epoch: UInt64
  }

  /// How many old versions may wait where there are about so many documents: an eighth, but neither very few nor many.
  @inlinable
  static func versionsMax(documents: Int) -> Int { min(256, max(8, documents / 8)) }

  private let lock = Lock()
  private var waiting: ContiguousArray<Retired> = []
  /// At how many objects to look for readers again, where some were still there the last time.
  private var limit = 0

  @usableFromInline
  init() {}

  /// Takes an object that no reader can find any more. Under no lock.
  /// - Parameter waitingMax: how many objects may wait before readers are looked for.
  @usableFromInline
  func retire(_ object: AnyObject, waitingMax: Int) {
    lock.lock()
    waiting.append(Retired(object: object, epoch: db_end_epoch()))
    if waiting.count < max(waitingMax, limit) { return lock.unlock() }
    var candidates: ContiguousArray<Retired> = []
    swap(&candidates, &waiting)
    lock.unlock()
    let oldest = planted(.freedUnderReaders) ? .max : db_oldest_reader()
    let rest = candidates.filter { $0.epoch >= oldest }
    lock.withLock {
      limit = rest.count * 2
      waiting.append(contentsOf: rest)
    }
    candidates.removeAll()
  }

  var waitingCount: Int { lock.withLock { waiting.count } }
}
