/// Counters of a store at one moment. All counts are since the store was opened unless said otherwise.
public struct StoreStatistics: Sendable, Hashable {
  /// Operations by kind. A refused write counts as `refusals` only, and a refused batch as one.
  public struct Operations: Sendable, Hashable {
    public var puts: UInt64 = 0
    public var inserts: UInt64 = 0
    public var updates: UInt64 = 0
    public var removes: UInt64 = 0
    /// Calls of `removeAll`.
    public var clears: UInt64 = 0
    /// Batches that changed something; their puts, inserts and removes are also counted as such.
    public var batches: UInt64 = 0
    /// Lookups by key, found or not.
    public var gets: UInt64 = 0
    public var uniqueLookups: UInt64 = 0
    public var tagQueries: UInt64 = 0
    public var rangeQueries: UInt64 = 0
    /// Pages of unconditional scans.
    public var scans: UInt64 = 0
    /// Those of `refusals` that were for a unique value of another document.
    public var duplicatesRefused: UInt64 = 0
    /// Writes that were refused when it was their turn: duplicates, `insert` of a key that exists, a full shard, a log that failed.
    /// Not those that did not come so far: what cannot be encoded or indexed or is too large, a full disk, a closed store.
    public var refusals: UInt64 = 0

    public init() {}
    public var writes: UInt64 { puts + inserts + updates + removes + clears }
    public var reads: UInt64 { gets + uniqueLookups + tagQueries + rangeQueries + scans }
  }

  public struct Shard: Sendable, Hashable {
    public var documents = 0
    /// Lookups and writes of this shard.
    public var operations: UInt64 = 0
    /// Times a thread found the shard's lock taken.
    public var lockWaits: UInt64 = 0
    public var lockWaitNanoseconds: UInt64 = 0

    public init() {}
  }

  public struct Index: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable { case unique, tag, range }
    public var kind: Kind
    /// Name of the unique index or range field; for `.tag`, the tag field ("" holds the computed tags).
    public var name: String
    /// Documents in a unique or range index; (document, tag) pairs for a tag field.
    public var entries: Int
    /// Distinct tags of a tag field; for unique and range indexes nil.
    public var distinct: Int?

    public init(kind: Kind, name: String, entries: Int, distinct: Int? = nil) {
      self.kind = kind
      self.name = name
      self.entries = entries
      self.distinct = distinct
    }
  }

  public struct Log: Sendable, Hashable {
    /// Sequence number of the open page.
    public var page: UInt64 = 0
    public var pageRecords = 0
    public var pageBytes = 0
    public var pageCapacity = StoreConfiguration.PageCapacity.bytes(0)
    /// Pages begun since the store was opened.
    public var rotations: UInt64 = 0
    /// Writes that had to wait because the queue was full, whatever they wait for afterwards.
    public var queueWaits: UInt64 = 0
    /// Writes that had to wait because their page was not made yet, as where pages are so small that they fill faster than the
    /// disk makes them.
    public var pageWaits: UInt64 = 0
    public var pagesOnDisk = 0
    /// Bytes of log and checkpoint. Torn tails that were set aside are not counted.
    public var bytesOnDisk = 0
    /// Of these, the bytes of the checkpoint; 0 without one.
    public var checkpointBytes = 0
    /// Bytes accepted and not yet handed to the operating system.
    public var queueBytes = 0
    /// The bound of these at which writers wait.
    public var queueBytesMax = 0
    /// Records handed to the operating system.
    public var recordsWritten: UInt64 = 0
    /// Bytes of these.
    public var bytesWritten: UInt64 = 0
    public var syncs: UInt64 = 0
    public var syncNanosecondsTotal: UInt64 = 0
    /// Durations of the last syncs (256 at most), oldest first.
    public var recentSyncNanoseconds: [UInt64] = []
    /// Nanoseconds since the oldest record that is not yet written was accepted; 0 if none.
    public var writtenLagNanoseconds: UInt64 = 0
    /// Nanoseconds since the oldest record that is not yet durable was accepted; 0 if none.
    public var durableLagNanoseconds: UInt64 = 0
    public var checkpoints: UInt64 = 0
    /// LSN of the last checkpoint's end; nil before the first.
    public var checkpointLSN: UInt64?
    /// Checkpoints that failed. The log grows until one succeeds.
    public var checkpointFailures: UInt64 = 0
    /// Why the last one failed; nil once one succeeds.
    public var checkpointFailure: String?
    /// Why the log takes no more writes; nil while it does.
    public var failure: String?

    public init() {}
  }

  public var operations = Operations()
  public var documents = 0
  public var shards: [Shard] = []
  public var indexes: [Index] = []
  /// nil for a store in memory.
  public var log: Log?
  /// `memoryLSN >= writtenLSN >= durableLSN`. All zero in a fresh store; the last two stay zero in memory.
  public var memoryLSN: UInt64 = 0
  public var writtenLSN: UInt64 = 0
  public var durableLSN: UInt64 = 0
  /// Events that slow subscribers lost, all subscribers together.
  public var eventsDropped: UInt64 = 0
  public var subscribers = 0

  public init() {}
}
