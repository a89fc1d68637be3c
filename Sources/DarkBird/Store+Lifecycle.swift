import Synchronization

extension Store {
  // MARK: Events

  /// Subscribes to all changes from now on, in the order of the log.
  /// - Parameter capacity: how many events may wait (1 or more) before the oldest is dropped and counted.
  public func events(capacity: Int = 1024) -> EventSubscription<Key, Document> {
    hub.subscribe(EventRing(capacity: max(1, capacity), shardBits: shardBits))
  }

  // MARK: Durability

  /// Blocks until everything written before is durable. Returns at once in memory.
  /// - Throws: `.poisoned`.
  public func sync() throws(StoreError) {
    guard let log = disk?.log else { return }
    try log.wait(for: log.lsns.memory, .synced)
  }

  /// As the blocking one, without blocking a thread.
  public func sync() async throws {
    guard let log = disk?.log else { return }
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      log.whenAllSynced { error in
        if let error { continuation.resume(throwing: error) } else { continuation.resume() }
      }
    }
  }

  /// Ends all subscriptions, writes and syncs everything, and releases the directory. Idempotent. Reads go on to work,
  /// writes throw `.closed`.
  /// - Throws: `.poisoned` if the log could not be completed.
  public func close() throws(StoreError) {
    if isClosed.exchange(true, ordering: .acquiringAndReleasing) { return }
    hub.finish()
    try disk?.close()
  }

  /// LSN of the last change in memory.
  @usableFromInline
  var memoryLSN: UInt64 { disk?.log?.lsns.memory ?? disk?.recoveredLSN ?? lastMemoryLSN.load(ordering: .relaxed) }
}
