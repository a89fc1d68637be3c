/// A part of the documents, chosen by the hash of the key, with a lock of its own.
///
/// Unchecked: `contents` is only touched under the lock. It is behind a pointer so that the compiler need not check at run
/// time that accesses to it do not overlap.
@usableFromInline
final class Shard<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  @usableFromInline
  struct Contents {
    @usableFromInline var map = ShardMap<Key, Document>()
    @usableFromInline var operations = StoreStatistics.Operations()
    @usableFromInline var lockWaits: UInt64 = 0
    @usableFromInline var lockWaitNanoseconds: UInt64 = 0

    @usableFromInline
    init() {}
  }

  @usableFromInline let mutex = Lock()
  @usableFromInline let contents: UnsafeMutablePointer<Contents>

  @usableFromInline
  init(_ map: ShardMap<Key, Document> = ShardMap()) {
    contents = .allocate(capacity: 1)
    contents.initialize(to: Contents())
    contents.pointee.map = map
  }

  deinit {
    contents.deinitialize(count: 1)
    contents.deallocate()
  }

  @inlinable @inline(__always)
  func lock() {
    if !mutex.tryLock() { waitAndLock() }
  }

  @inlinable @inline(__always)
  func unlock() { mutex.unlock() }

  @usableFromInline
  func waitAndLock() {
    let start = monotonicNanoseconds()
    mutex.lock()
    contents.pointee.lockWaits += 1
    contents.pointee.lockWaitNanoseconds += monotonicNanoseconds() - start
  }

  @inlinable
  func withLock<R>(_ body: (inout ShardMap<Key, Document>) -> R) -> R {
    lock()
    defer { unlock() }
    return body(&contents.pointee.map)
  }

  /// Must be called under the lock.
  var statistics: StoreStatistics.Shard {
    var statistics = StoreStatistics.Shard()
    statistics.documents = contents.pointee.map.count
    statistics.operations = contents.pointee.operations.writes + contents.pointee.operations.gets
    statistics.lockWaits = contents.pointee.lockWaits
    statistics.lockWaitNanoseconds = contents.pointee.lockWaitNanoseconds
    return statistics
  }
}
