import Synchronization

extension Store {
  /// Blocks until everything written before is durable. Returns at once in memory.
  /// - Throws: `.poisoned`.
  public func sync() throws(StoreError) {
    guard let log = disk?.log else { return }
    try log.wait(for: log.lsns.memory, .synced)
  }

  /// As the blocking one, without blocking a thread.
  /// - Throws: `.poisoned`.
  public func sync() async throws(StoreError) {
    guard let log = disk?.log else { return }
    let failure = await withCheckedContinuation { continuation in
      log.whenAllSynced { continuation.resume(returning: $0) }
    }
    if let failure { throw failure }
  }

  /// Ends all subscriptions, writes and syncs everything, and releases the directory. Idempotent. Reads go on to work,
  /// writes throw `.closed`.
  /// - Throws: `.poisoned` if the log could not be completed; `.diskFull`, `.io` if only the manifest could not be written: all
  ///   documents are safe then. `.encodingFailed` with nothing done, if it is called by what encodes a document for a checkpoint.
  public func close() throws(StoreError) {
    try disk?.refuseWithinCheckpoint()
    isClosed.store(true, ordering: .releasing)
    // Also where another thread is at it, so that subscriptions have ended when either returns.
    hub.finish()
    try disk?.close()
  }

  /// LSN of the last change in memory.
  @inlinable
  var memoryLSN: UInt64 { disk?.log?.memoryLSN ?? disk?.recoveredLSN ?? lastMemoryLSN.value }
}
