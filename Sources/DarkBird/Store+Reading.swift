/// A document as the store holds it.
public struct StoredDocument<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  public let key: Key
  public let document: Document
  /// Of the change that made this version.
  public let lsn: UInt64
  /// Number of its shard.
  public let shard: Int

  @inlinable
  init(key: Key, document: Document, lsn: UInt64, shard: Int) {
    self.key = key
    self.document = document
    self.lsn = lsn
    self.shard = shard
  }
}

extension Store {
  /// The document under a key. O(1).
  @inlinable
  public subscript(key: Key) -> Document? { counted(key)?.document }

  /// The document under a key with its LSN and shard. O(1).
  public func stored(_ key: Key) -> StoredDocument<Key, Document>? { counted(key).map(stored) }

  /// The documents under many keys, nil where there is none, each as of its own moment; of one moment in a `snapshot()`.
  /// O(keys).
  @inlinable
  public func documents(for keys: some Sequence<Key>) -> [Document?] { keys.map { self[$0] } }

  /// Calls `body` with the document under a key, without copying it; nil if there is none. No lock is held: `body` sees
  /// the version that was current when it was called.
  @inlinable
  public func withDocument<R>(_ key: Key, _ body: (borrowing Document) throws -> R) rethrows -> R? {
    guard let entry = counted(key) else { return nil }
    return try body(entry.document)
  }

  @inlinable
  public func contains(_ key: Key) -> Bool { counted(key) != nil }

  /// Documents in the store. O(shards).
  public var count: Int { shards.reduce(0) { sum, shard in sum + shard.withLock { $0.count } } }

  @inlinable
  func counted(_ key: Key) -> Entry<Key, Document>? {
    let hash = UInt(bitPattern: key.hashValue)
    let shard = shards[Int(hash & UInt(shards.count - 1))]
    shard.prefetch(hash)
    if !planted(.lookupNotLocked) { shard.lock() }
    defer { shard.unlock() }
    shard.contents.pointee.gets &+= 1
    return shard.contents.pointee.map.find(key, hash: hash)
  }

  @inlinable
  func entry(_ key: Key) -> Entry<Key, Document>? {
    let hash = UInt(bitPattern: key.hashValue)
    let shard = shards[Int(hash & UInt(shards.count - 1))]
    shard.prefetch(hash)
    shard.lock()
    defer { shard.unlock() }
    return shard.contents.pointee.map.find(key, hash: hash)
  }

  @inlinable
  func stored(_ entry: Entry<Key, Document>) -> StoredDocument<Key, Document> {
    StoredDocument(key: entry.key, document: entry.document, lsn: entry.lsn, shard: shardNumber(entry.number))
  }
}
