/// Where a store lives and how its log behaves. Start from `.memory` or `.disk(at:)` and change what you need:
///
///     var configuration = StoreConfiguration.disk(at: "players")
///     configuration.pageCapacity = .records(5_000)
///     configuration.acknowledgement = .synced
public struct StoreConfiguration: Sendable, Hashable {
  public enum Location: Sendable, Hashable {
    /// Documents live in memory only; no file is touched.
    case memory
    /// Documents live in memory, and every change is logged in this directory, which is made if it does not exist.
    case disk(path: String)
  }

  /// When a page of the log is full and the next one begins. May differ from one opening of a store to the next.
  public enum PageCapacity: Sendable, Hashable {
    /// Records in a page, 1 or more. A page of `LogFormat.pageBytesMax` bytes (1 GiB) takes no more all the same.
    case records(Int)
    /// Bytes in a page, `LogFormat.pageBytesMin` (8 KiB) to `LogFormat.pageBytesMax` (1 GiB). A larger record gets a page of its own.
    case bytes(Int)
  }

  public var location: Location
  /// Opens an existing directory, changes nothing in it, and refuses every write with `.readOnly`. Others may read it at the same time;
  /// nobody may write: who opens it for writing meanwhile gets `.locked`, as whoever reads while somebody writes.
  public var isReadOnly = false
  public var pageCapacity = PageCapacity.bytes(16 << 20)
  /// How far a write must have come before its call returns, unless the call says otherwise.
  public var acknowledgement = Acknowledgement.memory
  /// The log is synced at least this often while there is something to sync, in milliseconds.
  public var syncIntervalMilliseconds = 1_000
  /// Writers wait when this many bytes are queued for the log.
  public var queueBytesMax = 8 << 20
  /// A checkpoint is taken when the log has grown by this many bytes (and by as much as the last checkpoint holds);
  /// nil leaves checkpoints to `Store.checkpoint()`. Fewer bytes, and a store opens faster and takes less of the disk; but each
  /// checkpoint encodes and writes all documents again.
  public var checkpointLogBytes: Int? = 256 << 20
  /// Shards, a power of two in 1...1024. More shards, less waiting; and about 3 kB for each when the store is empty.
  public var shardCount = 128

  /// A checkpoint ends the open page if it is longer than this, for a page without bound would be a log without bound. It leaves
  /// shorter ones to whoever resumes at an event of the last moments.
  var keptPageBytes = 16 << 20
  /// Bytes at which a page that counts records takes no more.
  var pageBytesMax = LogFormat.pageBytesMax
  /// Version of the documents in a store that is made; see `Migration`.
  @usableFromInline var schemaVersion = 0

  public init(location: Location) { self.location = location }

  public static var memory: StoreConfiguration { StoreConfiguration(location: .memory) }
  public static func disk(at path: String) -> StoreConfiguration { StoreConfiguration(location: .disk(path: path)) }
}

/// How far a write must have come before its call returns.
public enum Acknowledgement: String, Sendable, Hashable, CaseIterable {
  /// Applied in memory and queued for the log. Lost if the process dies before the log's next write.
  case memory
  /// Handed to the operating system: survives the death of the process, not a power loss.
  case written
  /// `fdatasync`ed, one sync for all writers that wait: survives a power loss.
  case synced
}

extension StoreConfiguration {
  @usableFromInline
  func validate() throws(StoreError) {
    func require(_ condition: Bool, _ reason: String) throws(StoreError) {
      if !condition { throw .invalidConfiguration(reason: reason) }
    }
    switch pageCapacity {
    case .records(let count): try require(count >= 1, "a page must hold 1 record or more, not \(count)")
    case .bytes(let count):
      try require(
        (LogFormat.pageBytesMin...LogFormat.pageBytesMax).contains(count),
        "a page must have \(LogFormat.pageBytesMin) to \(LogFormat.pageBytesMax) bytes, not \(count)")
    }
    try require(
      (1...1_000_000_000).contains(syncIntervalMilliseconds),
      "the sync interval must be 1 ms to 1,000,000,000 ms, not \(syncIntervalMilliseconds)")
    try require(queueBytesMax >= 1, "the log's queue must hold 1 byte or more, not \(queueBytesMax)")
    try require(
      (1...1024).contains(shardCount) && shardCount.nonzeroBitCount == 1,
      "the number of shards must be a power of two in 1...1024, not \(shardCount)")
    if let bytes = checkpointLogBytes {
      try require(bytes >= 1, "a checkpoint after \(bytes) bytes of log is not possible")
    }
    if isReadOnly, location == .memory { throw .invalidConfiguration(reason: "a store in memory cannot be read-only") }
  }
}
