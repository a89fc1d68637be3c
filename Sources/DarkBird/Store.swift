public import Synchronization

/// A concurrent document store in memory, with unique indexes, tags, range queries, events and, on disk, a write-ahead log.
///
///     let store = try Store<UInt64, Player>(.disk(at: "players"))
///     try store.put(Player(email: "ada@example.org", club: "Ajax", age: 34), for: 1)
///     let ada = try store.document(unique: "email", "ada@example.org")
///     let adults = try store.documents(where: "age", in: .atLeast(18)).documents
///     try store.close()
///
/// Every method may be called from any thread, also from within the closures that the store calls: user code, encoding and
/// I/O never run under a lock that a read or a write takes. `checkpoint` and `close` throw `.encodingFailed`
/// when they are called by what encodes a document for a checkpoint. And what compares keys, or finds the values of a schema, should
/// not write to a store on disk whose documents others change at the same time: a write that they have overtaken four times keeps
/// its room in the log during such calls, and where there is none for both, the two wait for each other.
///
/// Reads return values. A write with an acknowledgement beyond `.memory` blocks its thread until the disk has it: in asynchronous
/// code write with `.memory` and then `try await store.sync()`. With `.memory` it waits only while `queueBytesMax` are queued, or
/// the next page of the log is made.
///
/// Here is what a program calls; how a write comes about is in `Store+Write.swift`, how queries are answered in
/// `Store+Queries.swift`.
///
/// What is `@inlinable` is compiled for the types of the program that uses it; without, every access to a key or a document
/// would go through tables of functions.
public final class Store<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  /// How it was opened.
  public let configuration: StoreConfiguration
  @usableFromInline let indexSchema: IndexSchema<Document>
  @usableFromInline let shards: ShardTable<Key, Document>
  /// How many bits of a document's number are its shard.
  @usableFromInline let shardBits: UInt32
  @usableFromInline let indexes: IndexSet
  @usableFromInline let hub: EventHub<Key, Document>
  @usableFromInline let queries = QueryCounters()
  @usableFromInline let lookups: LookupCounters
  @usableFromInline let reclaimer = Reclaimer()
  /// What a store on disk has besides; nil in memory.
  @usableFromInline let disk: Disk?
  /// The last LSN of a store without a log. Who takes the next one sees that the shards of earlier writers are changing:
  /// the lock of another shard alone would not tell a lookup.
  @usableFromInline let lastMemoryLSN: SharedCounter
  @usableFromInline let isClosed = Atomic<Bool>(false)
  @usableFromInline let timer = WriteTimer()

  /// Opens a store; one on disk is loaded into memory, on as many threads as there are processors.
  ///
  /// - Throws: `.invalidConfiguration`; for a store on disk also `.notAStore`, `.locked`, `.corrupt`, `.newerFormat`,
  ///   `.undecodable`, `.duplicateOnOpen`, `.invalidIndexValue`, `.tooManyDocuments`, `.diskFull`, `.io`. The version of the
  ///   documents is not looked at: that `init(_:schema:migrations:)` does.
  /// - Complexity: O(documents + log records) on disk, O(shards) in memory.
  @inlinable
  public convenience init(
    _ configuration: StoreConfiguration = .memory, schema: IndexSchema<Document> = Document.schema
  ) throws(StoreError) {
    try configuration.validate()
    try schema.validate()
    let loader = DocumentLoader<Key, Document>(shardCount: configuration.shardCount, schema: schema)
    try self.init(configuration, schema: schema, loading: loader) { record throws(StoreError) in
      try loader.replay(record)
    }
  }

  @usableFromInline
  convenience init(
    _ configuration: StoreConfiguration, schema: IndexSchema<Document>, loading loader: DocumentLoader<Key, Document>,
    replay: (LogRecord) throws(StoreError) -> Void
  ) throws(StoreError) {
    try self.init(configuration, schema: schema, fileSystem: PosixFileSystem(), loading: loader, replay: replay)
  }

  /// As the public one, on other files: those of a test, or those of a program that watches how far the opening has come.
  @inlinable
  package convenience init(
    _ configuration: StoreConfiguration, schema: IndexSchema<Document>, fileSystem: any FileSystem
  ) throws(StoreError) {
    try configuration.validate()
    try schema.validate()
    let loader = DocumentLoader<Key, Document>(
      shardCount: configuration.shardCount, schema: schema, fileSystem: fileSystem)
    try self.init(configuration, schema: schema, fileSystem: fileSystem, loading: loader) {
      record throws(StoreError) in try loader.replay(record)
    }
  }

  @usableFromInline
  init(
    _ configuration: StoreConfiguration, schema: IndexSchema<Document>, fileSystem: any FileSystem,
    loading loader: DocumentLoader<Key, Document>, replay: (LogRecord) throws(StoreError) -> Void
  ) throws(StoreError) {
    self.configuration = configuration
    indexSchema = schema
    shards = loader.shards
    shardBits = loader.shardBits
    lookups = LookupCounters(shards: shards.count)
    indexes = loader.indexes
    lastMemoryLSN = SharedCounter(0)
    let shardLocks = ContiguousArray(shards.map(\.mutex))
    guard case .disk(let path) = configuration.location else {
      disk = nil
      hub = EventHub(shardLocks: shardLocks, memoryLSN: lastMemoryLSN.reference, log: nil)
      return
    }
    disk = try Disk(
      path, configuration, schema.description, fileSystem, replay: replay,
      didReplay: { () throws(StoreError) in try loader.finish() })
    hub = EventHub(shardLocks: shardLocks, memoryLSN: lastMemoryLSN.reference, log: disk?.log)
    do throws(StoreError) {
      try loader.buildIndexes()
      try disk?.adopt(schema.description)
    } catch {
      // The failure to open is the one to report.
      try? disk?.close()
      throw error
    }
    takeCheckpointsInBackground()
  }

  /// A store in memory with documents that are there already.
  init(
    _ configuration: StoreConfiguration, _ schema: IndexSchema<Document>, shards: ShardTable<Key, Document>,
    shardBits: UInt32, indexes: IndexSet, lsn: UInt64
  ) {
    self.configuration = configuration
    indexSchema = schema
    self.shards = shards
    lookups = LookupCounters(shards: shards.count)
    self.shardBits = shardBits
    self.indexes = indexes
    lastMemoryLSN = SharedCounter(lsn)
    hub = EventHub(shardLocks: [], memoryLSN: lastMemoryLSN.reference, log: nil)
    disk = nil
  }

  deinit { try? close() }

  /// Names and kinds of the indexes.
  public var schema: SchemaDescription { indexSchema.description }
  /// Of the documents; see `Migration`.
  var schemaVersion: UInt64 { disk?.schemaVersion ?? UInt64(configuration.schemaVersion) }

  // MARK: Writing

  /// Inserts or replaces the document under a key and returns the old one.
  ///
  /// What is said of encoding and of sizes is of stores on disk: in memory nothing is encoded, and nothing refused for it.
  ///
  /// - Throws: `.duplicate` if another document owns one of its unique values, `.invalidIndexValue`, `.tooLarge`,
  ///   `.tooManyDocuments`, `.encodingFailed`, `.readOnly`, `.closed`, `.diskFull`, `.io`, `.poisoned`. Except for `.poisoned`
  ///   while it waits for the acknowledgement, nothing was changed then.
  /// - Complexity: O(1) and O(log n) for each index it is in, plus its encoding on disk.
  @inlinable
  @discardableResult
  public func put(
    _ document: consuming Document, for key: Key, ack: Acknowledgement? = nil
  ) throws(StoreError) -> Document? {
    try write(.put, key, consume document, expecting: .anything, ack).old?.document
  }

  /// Inserts a document under a new key.
  /// - Throws: `.keyExists`; otherwise as `put`.
  @inlinable
  public func insert(_ document: consuming Document, for key: Key, ack: Acknowledgement? = nil) throws(StoreError) {
    _ = try write(.insert, key, consume document, expecting: .absent, ack)
  }

  /// Changes a document in one atomic step and returns the new one; nil if there is none under the key.
  ///
  /// `change` gets a copy and runs under no lock; it runs again if the document was changed meanwhile. So it must not write to the
  /// same key by itself each time: it would run for ever.
  /// - Throws: what `change` throws, with nothing changed; otherwise as `put`.
  @inlinable
  @discardableResult
  public func update(
    _ key: Key, ack: Acknowledgement? = nil, _ change: (inout Document) throws -> Void
  ) throws -> Document? {
    while true {
      guard let current = entry(key) else {
        try throwIfNotWritable()
        return nil
      }
      var document = current.document
      try change(&document)
      if try write(.update, key, document, expecting: .version(current), seen: current, ack).isDone { return document }
    }
  }

  /// Changes the document under a key, or the one that `fallback` gives where there is none, in one atomic step, and returns the new
  /// one.
  ///
  ///     try store.update(word, default: Count(0)) { $0.number += 1 }
  ///
  /// `fallback` and `change` run under no lock, and again if the document was changed meanwhile; neither must write to the same key.
  /// - Throws: what they throw, with nothing changed; otherwise as `put`.
  @inlinable
  @discardableResult
  public func update(
    _ key: Key, default fallback: @autoclosure () throws -> Document, ack: Acknowledgement? = nil,
    _ change: (inout Document) throws -> Void
  ) throws -> Document {
    while true {
      let current = entry(key)
      var document = try current?.document ?? fallback()
      try change(&document)
      let kind: WriteKind = current == nil ? .insert : .update
      if try write(kind, key, document, expecting: .version(current), seen: current, ack).isDone { return document }
    }
  }

  /// Removes the document under a key if it meets a condition, in one atomic step, and returns it; nil if there is none, or it does
  /// not. `condition` runs under no lock, and again if the document was changed meanwhile.
  /// - Throws: what `condition` throws, with nothing changed; otherwise as `remove(_:ack:)`.
  @inlinable
  @discardableResult
  public func remove(
    _ key: Key, ack: Acknowledgement? = nil, if condition: (borrowing Document) throws -> Bool
  ) throws -> Document? {
    while true {
      guard let current = entry(key), try condition(current.document) else {
        try throwIfNotWritable()
        return nil
      }
      let expected: Expectation = planted(.changedSinceTheCondition) ? .anything : .version(current)
      let (old, isDone) = try write(.remove, key, nil, expecting: expected, seen: current, ack)
      if isDone { return old?.document }
    }
  }

  /// Removes the document under a key and returns it; nil if there is none.
  /// - Throws: `.readOnly`, `.closed`, `.diskFull`, `.io`, `.poisoned`.
  @inlinable
  @discardableResult
  public func remove(_ key: Key, ack: Acknowledgement? = nil) throws(StoreError) -> Document? {
    // Without this look a removal of nothing would need room on the disk.
    guard let current = entry(key) else {
      try throwIfNotWritable()
      return nil
    }
    return try write(.remove, key, nil, expecting: .anything, seen: current, ack).old?.document
  }

  /// Removes all documents in one atomic step and returns how many there were.
  /// - Throws: `.readOnly`, `.closed`, `.diskFull`, `.io`, `.poisoned`.
  /// - Complexity: O(shards), during which writes and lookups wait; O(documents) to free them afterwards: here, or soon after on
  ///   another thread if a `withDocument` is under way or somebody subscribes to events.
  @discardableResult
  public func removeAll(ack: Acknowledgement? = nil) throws(StoreError) -> Int {
    try throwIfNotWritable()
    var reservation = try disk?.log?.reserve(payloadBytes: 0)
    // Freed after the locks are.
    let retired = RetiredStore<Key, Document>()
    var (isWatched, published) = (false, 0)
    let result = withAllLocked { () -> Result<(count: Int, lsn: UInt64), StoreError> in
      let count = shards.reduce(0) { $0 + $1.contents.pointee.map.count }
      for shard in shards { shard.beginChange() }
      defer { for shard in shards { shard.endChange() } }
      isWatched = hub.isActive
      let lane = isWatched ? hub.beginPublishing() : nil
      defer { if let lane { published = hub.endPublishing(lane) } }
      do throws(StoreError) {
        let lsn = try sequence(.clear, payload: [], keyLength: 0, &reservation)
        if let lane { hub.publish(.cleared(count: count, lsn: lsn), keeping: retired, in: lane) }
        retired.indexes = indexes.removeAll()
        for shard in shards {
          retired.maps.append(shard.contents.pointee.map)
          shard.contents.pointee.map = ShardMap()
          shard.publish(&retired.tables)
        }
        shards[0].contents.pointee.operations.clears += 1
        return .success((count, lsn))
      } catch {
        return .failure(error)
      }
    }
    giveBack(&reservation)
    if published > 0 { hub.didPublish(published) }
    if isWatched { hub.settleSoon() }
    reclaimer.retireAll(retired)
    let (count, lsn) = try result.get()
    try wait(for: lsn, ack)
    return count
  }

  /// Runs `body` while nothing can change: the deferred indexes are locked, which have everything put in so far that there is
  /// time for, all shards, and then all index stripes.
  func withAllLocked<R>(_ body: () -> R) -> R {
    func withShardsLocked() -> R {
      if planted(.storeNotLockedAsAWhole) { return body() }
      for shard in shards { shard.lock() }
      defer { for shard in shards { shard.unlock() } }
      return indexes.withAllStripes(body)
    }
    return indexes.deferred.withAll(asOf: { memoryLSN }, body: { _ in withShardsLocked() })
  }

  // MARK: Numbers of documents

  @inlinable @inline(__always)
  func shardNumber(_ number: DocumentNumber) -> Int { number.shard(shardBits) }

  @inlinable @inline(__always)
  func slot(_ number: DocumentNumber) -> Int { number.slot(shardBits) }

  @inlinable
  func entry(_ number: DocumentNumber) -> Entry<Key, Document>? {
    let shard = shards[shardNumber(number)]
    shard.lock()
    defer { shard.unlock() }
    return shard.contents.pointee.map.entry(inSlot: slot(number))
  }
}

/// What was in a store that was emptied, which readers may still look at, and subscribers hear of.
///
/// Unchecked: changed under the locks of all shards, and only kept after that.
private final class RetiredStore<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  var maps: [ShardMap<Key, Document>] = []
  var indexes: [Any] = []
  var tables: [AnyObject] = []
}
