import Synchronization

/// A concurrent document store in memory, with unique indexes, tags, range queries, events and, on disk, a write-ahead log.
///
///     let store = try Store<UInt64, Player>(.disk(at: "players"))
///     try store.put(Player(email: "ada@example.org", club: "Ajax", age: 34), for: 1)
///     let ada = try store.document(unique: "email", "ada@example.org")
///     let adults = try store.documents(where: "age", in: .atLeast(18)).documents
///     try store.close()
///
/// Every method may be called from any thread, also from within the closures that the store calls: user code, encoding and
/// I/O never run under a lock. Reads return values. A write with an acknowledgement beyond `.memory` blocks its thread until
/// the disk has it: in asynchronous code write with `.memory` and then `try await store.sync()`.
///
/// This file is the order of a write: extract and encode; reserve room in the log; lock the shard; lock the index stripes;
/// check the unique owners; append to the log, which gives the LSN, and publish; replace the index entries and the
/// document; unlock; wait for the acknowledgement.
public final class Store<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  public let configuration: StoreConfiguration
  let indexSchema: IndexSchema<Document>
  @usableFromInline let shards: [Shard<Key, Document>]
  let indexes: IndexSet
  let hub = EventHub<Key, Document>()
  let queries = QueryCounters()
  /// What a store on disk has besides; nil in memory.
  let disk: Disk?
  private let lastMemoryLSN = Atomic<UInt64>(0)
  private let isClosed = Atomic<Bool>(false)

  /// Opens a store; one on disk is loaded into memory.
  ///
  /// - Throws: `.invalidConfiguration`; for a store on disk also `.notAStore`, `.locked`, `.corrupt`, `.newerFormat`,
  ///   `.undecodable`, `.duplicateOnOpen`, `.diskFull`, `.io`.
  /// - Complexity: O(documents + log records) on disk, O(shards) in memory.
  public convenience init(
    _ configuration: StoreConfiguration = .memory, schema: IndexSchema<Document> = Document.schema
  ) throws(StoreError) {
    try self.init(configuration, schema: schema, fileSystem: PosixFileSystem())
  }

  package init(
    _ configuration: StoreConfiguration, schema: IndexSchema<Document>, fileSystem: any FileSystem
  ) throws(StoreError) {
    try configuration.validate()
    try schema.validate()
    self.configuration = configuration
    indexSchema = schema
    shards = (0..<configuration.shardCount).map { _ in Shard() }
    indexes = IndexSet(schema)
    guard case .disk(let path) = configuration.location else {
      disk = nil
      return
    }
    let loader = DocumentLoader(shards: shards, schema: schema)
    disk = try Disk(path, configuration, schema.description, fileSystem, replay: loader.replay)
    do throws(StoreError) {
      try loader.buildIndexes(indexes)
    } catch {
      // The failure to open is the one to report.
      try? disk?.close()
      throw error
    }
    takeCheckpointsInBackground()
  }

  deinit { try? close() }

  /// Names and kinds of the indexes.
  public var schema: SchemaDescription { indexSchema.description }

  // MARK: Writing

  /// Inserts or replaces the document under a key and returns the old one.
  ///
  /// - Throws: `.duplicate` if another document owns one of its unique values, `.invalidIndexValue`, `.tooLarge`,
  ///   `.encodingFailed`, `.readOnly`, `.closed`, `.diskFull`, `.poisoned`. Except for `.poisoned` while it waits for the
  ///   acknowledgement, nothing was changed then.
  /// - Complexity: O(1) and O(log n) for each index it is in, plus its encoding on disk.
  @discardableResult
  public func put(_ document: Document, for key: Key, ack: Acknowledgement? = nil) throws(StoreError) -> Document? {
    try write(.put, key, document, expecting: .anything, ack).old?.document
  }

  /// Inserts a document under a new key.
  /// - Throws: `.keyExists`; otherwise as `put`.
  public func insert(_ document: Document, for key: Key, ack: Acknowledgement? = nil) throws(StoreError) {
    _ = try write(.insert, key, document, expecting: .absent, ack)
  }

  /// Changes a document in one atomic step and returns the new one; nil if there is none under the key.
  ///
  /// `change` gets a copy and runs under no lock; it runs again if the document was changed meanwhile.
  /// - Throws: what `change` throws, with nothing changed; otherwise as `put`.
  @discardableResult
  public func update(
    _ key: Key, ack: Acknowledgement? = nil, _ change: (inout Document) throws -> Void
  ) throws -> Document? {
    while true {
      guard let current = entry(key) else { return nil }
      var document = current.document
      try change(&document)
      if try write(.update, key, document, expecting: .version(current), ack).isDone { return document }
    }
  }

  /// Removes the document under a key and returns it; nil if there is none.
  /// - Throws: `.readOnly`, `.closed`, `.diskFull`, `.poisoned`.
  @discardableResult
  public func remove(_ key: Key, ack: Acknowledgement? = nil) throws(StoreError) -> Document? {
    // Without this look a removal of nothing would need room on the disk.
    if entry(key) == nil {
      try throwIfNotWritable()
      return nil
    }
    return try write(.remove, key, nil, expecting: .anything, ack).old?.document
  }

  /// Removes all documents in one atomic step and returns how many there were.
  /// - Throws: `.readOnly`, `.closed`, `.diskFull`, `.poisoned`.
  /// - Complexity: O(documents), during which writes and lookups wait.
  @discardableResult
  public func removeAll(ack: Acknowledgement? = nil) throws(StoreError) -> Int {
    try throwIfNotWritable()
    let reservation = try disk?.log?.reserve(payloadBytes: 0)
    for shard in shards { shard.lock() }
    // The old documents are freed after the locks are.
    var old: [ShardMap<Key, Document>] = []
    let result = indexes.withAllStripes { () -> Result<(count: Int, lsn: UInt64), StoreError> in
      let count = shards.reduce(0) { $0 + $1.map.count }
      do throws(StoreError) {
        let lsn = try sequence(.clear, record: .none, reservation) { .cleared(count: count, lsn: $0) }
        indexes.removeAll()
        for shard in shards {
          old.append(shard.map)
          shard.map = ShardMap()
        }
        shards[0].operations.clears += 1
        return .success((count, lsn))
      } catch {
        return .failure(error)
      }
    }
    for shard in shards { shard.unlock() }
    let (count, lsn) = try result.get()
    try wait(for: lsn, ack)
    return count
  }

  private enum Expectation {
    case anything
    case absent
    case version(Entry<Key, Document>)
  }

  /// One write of one key. Returns the entry that was there before, and whether the write was done: not if the document was
  /// changed since the expected version, or if there is nothing to remove.
  private func write(
    _ kind: WriteKind, _ key: Key, _ document: Document?, expecting expectation: Expectation, _ ack: Acknowledgement?
  ) throws(StoreError) -> (old: Entry<Key, Document>?, isDone: Bool) {
    try throwIfNotWritable()
    let new = try document.map { document throws(StoreError) in
      Entry(key: key, document: document, keys: try indexSchema.keys(of: document))
    }
    let log = disk?.log
    let record = log == nil ? EncodedRecord.none : try EncodedRecord(key: key, document: document)
    let reservation = try log?.reserve(payloadBytes: record.payload.count)

    let hash = UInt(bitPattern: key.hashValue)
    let shardNumber = Int(hash & UInt(shards.count - 1))
    let shard = shards[shardNumber]
    shard.lock()
    let old = shard.map.find(key, hash: hash)
    var refusal: Refusal?
    switch expectation {
    case .anything: if old == nil && new == nil { refusal = .nothingToRemove }
    case .absent: if old != nil { refusal = .keyExists }
    case .version(let version): if old !== version { refusal = .versionChanged }
    }
    var lsn: UInt64 = 0
    if refusal == nil {
      refusal = indexes.withStripes(old: old, new: new) {
        if let new, let conflict = indexes.conflict(old: old, new: new) { return .duplicate(conflict) }
        let number = old?.number ?? UInt64(shard.map.nextSlot * shards.count + shardNumber)
        new?.number = number
        do throws(StoreError) {
          lsn = try sequence(new == nil ? .remove : .put, record: record, reservation) { lsn in
            if let new { return .put(key: key, old: old?.document, new: new.document, lsn: lsn, shard: shardNumber) }
            guard let old else { preconditionFailure("a removal of nothing") }
            return .removed(key: key, old: old.document, lsn: lsn, shard: shardNumber)
          }
        } catch {
          return .logFailed(error)
        }
        new?.lsn = lsn
        indexes.replace(old: old, new: new)
        shard.map.apply(old: old, new: new, hash: hash, slot: Int(number) / shards.count)
        return nil
      }
    }
    switch refusal {
    case nil: shard.operations.count(kind)
    case .duplicate:
      shard.operations.duplicatesRefused += 1
      shard.operations.refusals += 1
    case .keyExists, .logFailed: shard.operations.refusals += 1
    case .nothingToRemove, .versionChanged: break
    }
    shard.unlock()

    if let refusal {
      // `sequence` has used up the reservation, whether it succeeded or not.
      if let reservation, !refusal.isFromLog { log?.release(reservation) }
      guard let error = refusal.error(key: key) else { return (nil, false) }
      throw error
    }
    try wait(for: lsn, ack)
    return (old, true)
  }

  /// Gives a change its place: appends it to the log and publishes its event. Under the locks of what it changes.
  private func sequence(
    _ kind: LogRecordKind, record: EncodedRecord, _ reservation: Log.Reservation?,
    _ event: (UInt64) -> Event<Key, Document>
  ) throws(StoreError) -> UInt64 {
    if let log = disk?.log, let reservation {
      return try log.append(kind, payload: record.payload, keyLength: record.keyLength, reservation) { lsn in
        if hub.isActive { hub.publish { event(lsn) } }
      }
    }
    if !hub.isActive { return lastMemoryLSN.add(1, ordering: .relaxed).newValue }
    var lsn: UInt64 = 0
    hub.publish {
      lsn = lastMemoryLSN.add(1, ordering: .relaxed).newValue
      return event(lsn)
    }
    return lsn
  }

  private func wait(for lsn: UInt64, _ ack: Acknowledgement?) throws(StoreError) {
    let level = ack ?? configuration.acknowledgement
    if level != .memory { try disk?.log?.wait(for: lsn, level) }
  }

  private func throwIfNotWritable() throws(StoreError) {
    if configuration.isReadOnly { throw .readOnly }
    if isClosed.load(ordering: .acquiring) { throw .closed }
  }

  /// Why a write did not happen; turned into an error once the locks are released.
  private enum Refusal {
    case nothingToRemove
    case keyExists
    case versionChanged
    case duplicate(UniqueConflict)
    case logFailed(StoreError)

    /// Whether it came after the reservation was used.
    var isFromLog: Bool { if case .logFailed = self { true } else { false } }

    func error(key: Key) -> StoreError? {
      switch self {
      case .nothingToRemove, .versionChanged: return nil
      case .keyExists: return .keyExists(key: key.description)
      case .logFailed(let error): return error
      case .duplicate(let conflict):
        let owner = (conflict.owner as? Entry<Key, Document>)?.key.description ?? ""
        return .duplicate(index: conflict.index, value: conflict.value, owner: owner)
      }
    }
  }

  // MARK: Reading by key

  /// The document under a key. O(1).
  @inlinable
  public subscript(key: Key) -> Document? { counted(key)?.document }

  /// The document under a key with its LSN and shard. O(1).
  public func stored(_ key: Key) -> StoredDocument<Key, Document>? { counted(key).map(stored) }

  /// Calls `body` with the document under a key, without copying it; nil if there is none. No lock is held: `body` sees
  /// the version that was current when it was called.
  @inlinable
  public func withDocument<R>(_ key: Key, _ body: (borrowing Document) throws -> R) rethrows -> R? {
    guard let entry = counted(key) else { return nil }
    return try body(entry.document)
  }

  public func contains(_ key: Key) -> Bool { counted(key) != nil }

  /// Documents in the store. O(shards).
  public var count: Int { shards.reduce(0) { sum, shard in sum + shard.withLock { shard.map.count } } }

  @inlinable
  func counted(_ key: Key) -> Entry<Key, Document>? {
    let hash = UInt(bitPattern: key.hashValue)
    let shard = shards[Int(hash & UInt(shards.count - 1))]
    shard.lock()
    shard.operations.gets += 1
    let entry = shard.map.find(key, hash: hash)
    shard.unlock()
    return entry
  }

  private func entry(_ key: Key) -> Entry<Key, Document>? {
    let hash = UInt(bitPattern: key.hashValue)
    let shard = shards[Int(hash & UInt(shards.count - 1))]
    return shard.withLock { shard.map.find(key, hash: hash) }
  }

  func stored(_ entry: Entry<Key, Document>) -> StoredDocument<Key, Document> {
    StoredDocument(
      key: entry.key, document: entry.document, lsn: entry.lsn, shard: Int(entry.number % UInt64(shards.count)))
  }

  // MARK: Events

  /// Subscribes to all changes from now on, in the order of the log.
  /// - Parameter capacity: how many events may wait (1 or more) before the oldest is dropped and counted.
  public func events(capacity: Int = 1024) -> EventSubscription<Key, Document> {
    hub.subscribe(capacity: max(1, capacity))
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
  var memoryLSN: UInt64 { disk?.log?.lsns.memory ?? disk?.recoveredLSN ?? lastMemoryLSN.load(ordering: .relaxed) }
}

/// A document as the store holds it.
public struct StoredDocument<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  public let key: Key
  public let document: Document
  /// Of the change that made this version.
  public let lsn: UInt64
  /// Number of its shard.
  public let shard: Int
}

/// A key and a document, encoded for the log.
struct EncodedRecord: Sendable {
  let payload: [UInt8]
  let keyLength: Int

  static let none = EncodedRecord()

  private init() {
    payload = []
    keyLength = 0
  }

  /// - Throws: `.encodingFailed`, `.tooLarge`.
  init<Key: DocumentKey, Document: DarkBird.Document>(key: Key, document: Document?) throws(StoreError) {
    var writer = CBORWriter()
    do { try key.encode(cbor: &writer) } catch { throw .encodingFailed(reason: "the key: \(error)") }
    keyLength = writer.bytes.count
    if keyLength > LogFormat.keyBytesMax {
      throw .tooLarge(what: "the key", bytes: keyLength, limit: LogFormat.keyBytesMax)
    }
    if let document {
      do { try document.encode(cbor: &writer) } catch { throw .encodingFailed(reason: "\(error)") }
    }
    payload = writer.bytes
    let documentBytes = payload.count - keyLength
    if documentBytes > LogFormat.documentBytesMax {
      throw .tooLarge(what: "the document", bytes: documentBytes, limit: LogFormat.documentBytesMax)
    }
  }
}

enum WriteKind { case put, insert, update, remove }

extension StoreStatistics.Operations {
  fileprivate mutating func count(_ kind: WriteKind) {
    switch kind {
    case .put: puts += 1
    case .insert: inserts += 1
    case .update: updates += 1
    case .remove: removes += 1
    }
  }
}
