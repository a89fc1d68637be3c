/// A part of the documents, chosen by the hash of the key, with a lock of its own.
///
/// Unchecked: everything but the lock is only touched under the lock.
@usableFromInline
final class Shard<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  private let mutex = Lock()
  @usableFromInline var map = ShardMap<Key, Document>()
  @usableFromInline var operations = StoreStatistics.Operations()
  private var lockWaits: UInt64 = 0
  private var lockWaitNanoseconds: UInt64 = 0

  init() {}

  @usableFromInline
  func lock() {
    if mutex.tryLock() { return }
    let start = monotonicNanoseconds()
    mutex.lock()
    lockWaits += 1
    lockWaitNanoseconds += monotonicNanoseconds() - start
  }

  @usableFromInline
  func unlock() { mutex.unlock() }

  func withLock<R>(_ body: () -> R) -> R {
    lock()
    defer { unlock() }
    return body()
  }

  /// Must be called under the lock.
  var statistics: StoreStatistics.Shard {
    var statistics = StoreStatistics.Shard()
    statistics.documents = map.count
    statistics.operations = operations.writes + operations.gets
    statistics.lockWaits = lockWaits
    statistics.lockWaitNanoseconds = lockWaitNanoseconds
    return statistics
  }
}
