public import CDarkBird

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
  public subscript(key: Key) -> Document? { withEntry(key, isCounted: true) { $0.document } }

  /// The document under a key with its LSN and shard. O(1).
  @inlinable
  public func stored(_ key: Key) -> StoredDocument<Key, Document>? {
    withEntry(key, isCounted: true) { stored($0) }
  }

  /// Calls `body` with the document under a key, without copying it; nil if there is none. No lock is held: `body` sees
  /// the version that was current when it was called, and may call anything.
  ///
  /// While `body` runs, no version of a document that others replace or remove is freed: for work that takes long, copy the
  /// document.
  @inlinable
  public func withDocument<R>(_ key: Key, _ body: (borrowing Document) throws -> R) rethrows -> R? {
    try withEntry(key, isCounted: true) { try body($0.document) }
  }

  /// Whether there is a document under the key. Counts as a lookup. O(1).
  @inlinable
  public func contains(_ key: Key) -> Bool { withEntry(key, isCounted: true) { _ in true } ?? false }

  /// Documents in the store. O(shards).
  public var count: Int { shards.reduce(0) { sum, shard in sum + shard.withLock { $0.count } } }

  /// Calls `body` with the entry under a key, which stays for as long as `body` runs. Takes no lock unless the shard is
  /// changing just now.
  @inlinable @inline(__always)
  func withEntry<R>(
    _ key: Key, isCounted: Bool, _ body: (Entry<Key, Document>) throws -> R
  ) rethrows -> R? {
    try withEntry(key, hash: key.storeHash, isCounted: isCounted, body)
  }

  @inlinable @inline(__always)
  func withEntry<R>(
    _ key: Key, hash: UInt, isCounted: Bool, _ body: (Entry<Key, Document>) throws -> R
  ) rethrows -> R? {
    let number = Int(hash & UInt(shards.count - 1))
    let reader = db_begin_reading()
    defer { db_end_reading(reader) }
    if isCounted { lookups.count(number, by: reader) }
    switch shards[number].look(for: key, hash: hash) {
    case .entry(let entry): return try entry._withUnsafeGuaranteedRef(body)
    case .nothing: return nil
    case .unclear: return try lockedEntry(key, hash, number).map(body)
    }
  }

  @inlinable
  func lockedEntry(_ key: Key, _ hash: UInt, _ shard: Int) -> Entry<Key, Document>? {
    let shard = shards[shard]
    if Key.areComparedUnderLocks {
      shard.lock()
      defer { shard.unlock() }
      return shard.find(key, hash: hash)
    }
    var compared = ComparedEntries<Key, Document>()
    while true {
      shard.lock()
      let found = shard.find(&compared, hash: hash)
      shard.unlock()
      if compared.unknown.isEmpty { return found }
      compared.compareUnknown(with: key)
    }
  }

  @inlinable
  func entry(_ key: Key) -> Entry<Key, Document>? { withEntry(key, isCounted: false) { $0 } }

  @inlinable
  func stored(_ entry: Entry<Key, Document>) -> StoredDocument<Key, Document> {
    StoredDocument(key: entry.key, document: entry.document, lsn: entry.lsn, shard: shardNumber(entry.number))
  }
}
