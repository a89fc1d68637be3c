extension Store {
  /// Subscribes to all changes from now on, in the order of the log.
  ///
  /// - Parameters:
  ///   - capacity: how many events may wait (1 or more) before the oldest is dropped and counted.
  ///   - filter: which events the subscriber gets; gaps it gets always. It runs under no lock, when an event is taken: until
  ///     then the others wait, and are dropped and counted, with those that it wants.
  public func events(
    capacity: Int = 1024, where filter: (@Sendable (Event<Key, Document>) -> Bool)? = nil
  ) -> EventSubscription<Key, Document> {
    hub.subscribe(capacity: max(1, capacity), shardBits: shardBits, filter).subscription
  }

  /// Subscribes to all changes after a known one: first to those that the log still has, then to the live ones, in the order
  /// of the log, each once. See `ResumedEvents`.
  ///
  /// An event comes when the change is in memory. A crash may take back the changes that were not durable, and their LSNs are
  /// then given again: whoever must not miss that should not remember an LSN beyond `statistics().durableLSN`.
  ///
  /// - Parameters:
  ///   - capacity: how many live events may wait, as above.
  ///   - lsn: of the last change that the subscriber knows completely, the `resumeLSN` of the subscription before; 0 for all that
  ///     there were.
  ///   - filter: as above.
  /// - Throws: `.logTruncated` if a checkpoint has removed some of the changes after `lsn`, `.unknownLSN` if there is no such
  ///   LSN yet, `.invalidConfiguration` for a store in memory, `.readOnly`, `.closed`, `.poisoned`, `.corrupt`, `.io`. The
  ///   subscription itself throws the same, and `.undecodable`.
  /// - Complexity: O(log pages + bytes of one page); the rest is read when it is asked for, in O(bytes).
  public func events(
    capacity: Int = 1024, from lsn: UInt64, where filter: (@Sendable (Event<Key, Document>) -> Bool)? = nil
  ) throws(StoreError) -> ResumedEvents<Key, Document> {
    try throwIfNotWritable()
    let (disk, log) = try logToFollow()
    return try ResumedEvents(disk, log, hub, after: lsn, capacity: max(1, capacity), shardBits: shardBits, filter)
  }

  /// - Throws: `.invalidConfiguration` for a store in memory, `.readOnly`.
  func logToFollow() throws(StoreError) -> (Disk, Log) {
    guard let disk else { throw .invalidConfiguration(reason: "a store in memory has no log to read events from") }
    guard let log = disk.log else { throw .readOnly }
    return (disk, log)
  }
}
