public import CDarkBird

// Many lookups in one call. A lookup waits for memory several times in a row: for a word of a table, perhaps for a slot, for the
// document, for the text of a unique value. Here some lookups wait together: what they will look at is fetched step by step for
// all of them, and then each is done as if it were alone. What changes meanwhile was fetched for nothing, and no more.

extension Store {
  /// Lookups that wait together. Each fetches one to three lines of memory at a time, of which a processor has some ten to twenty
  /// under way.
  @inlinable @inline(__always)
  static var lookupsAtOnce: Int { 16 }

  // MARK: By key

  /// The documents under many keys, nil where there is none, in the order of the keys. Each is as of its own moment; of one moment
  /// they are in a `snapshot()`. O(keys); in a store beyond the processor's caches several times as fast as single lookups.
  ///
  /// Up to 16 keys are taken before the document of the first of them is looked up.
  @inlinable
  public func documents(for keys: some Sequence<Key>) -> [Document?] {
    var documents: [Document?] = []
    documents.reserveCapacity(keys.underestimatedCount)
    forEachFetched(keys) { key, hash in
      documents.append(withEntry(key, hash: hash, isCounted: true) { $0.document })
    }
    return documents
  }

  /// Calls `body` with the document under each of many keys, in the order of the keys, as `withDocument` does; keys without a
  /// document are left out. O(keys), and as fast as `documents(for:)`, without its copies. If `body` throws, up to 15 more keys
  /// have been taken.
  @inlinable
  public func withDocuments(
    for keys: some Sequence<Key>, _ body: (Key, borrowing Document) throws -> Void
  ) rethrows {
    try forEachFetched(keys) { key, hash in
      _ = try withEntry(key, hash: hash, isCounted: true) { try body(key, $0.document) }
    }
  }

  /// Calls `body` with each key and its hash value, when what a lookup needs has been fetched.
  @inlinable
  func forEachFetched(_ keys: some Sequence<Key>, _ body: (Key, _ hash: UInt) throws -> Void) rethrows {
    var rest = keys.makeIterator()
    var group: ContiguousArray<(key: Key, hash: UInt)> = []
    group.reserveCapacity(Self.lookupsAtOnce)
    while true {
      while group.count < Self.lookupsAtOnce, let key = rest.next() {
        let hash = key.storeHash
        shard(ofHash: hash).prefetch(hash)
        group.append((key, hash))
      }
      if group.isEmpty { return }
      let reader = db_begin_reading()
      for index in group.indices { shard(ofHash: group[index].hash).prefetchEntry(group[index].hash) }
      db_end_reading(reader)
      for index in group.indices { try body(group[index].key, group[index].hash) }
      // There were no more: nobody may ask again.
      if group.count < Self.lookupsAtOnce { return }
      group.removeAll(keepingCapacity: true)
    }
  }

  @inlinable @inline(__always)
  func shard(ofHash hash: UInt) -> Shard<Key, Document> { shards[Int(hash & UInt(shards.count - 1))] }

  // MARK: By unique value

  /// The documents that own values of a unique index, nil where none does, in the order of the values, as `documents(for:)`.
  /// - Throws: `.unknownIndex`.
  @inlinable
  public func documents(
    unique index: String, _ values: some Sequence<some IndexValueConvertible>
  ) throws(StoreError) -> [StoredDocument<Key, Document>?] {
    let index = try uniqueNumber(index)
    var documents: [StoredDocument<Key, Document>?] = []
    documents.reserveCapacity(values.underestimatedCount)
    forEachFetched(unique: index, values) { value, hash in
      documents.append(withOwner(index, value, hash: hash) { stored($0) })
    }
    return documents
  }

  /// Calls `body` with the document that owns each of many values of a unique index, in the order of the values, as
  /// `withDocument` does; values without an owner are left out. Which these are, `documents(unique:_:)` tells.
  /// - Throws: `.unknownIndex`, and what `body` throws, at once.
  @inlinable
  public func withDocuments(
    unique index: String, _ values: some Sequence<some IndexValueConvertible>,
    _ body: (Key, borrowing Document) throws -> Void
  ) throws {
    let index = try uniqueNumber(index)
    try forEachFetched(unique: index, values) { value, hash in
      _ = try withOwner(index, value, hash: hash) { try body($0.key, $0.document) }
    }
  }

  /// Calls `body` with each value and its hash value, when what a lookup needs has been fetched.
  @inlinable
  func forEachFetched(
    unique index: Int, _ values: some Sequence<some IndexValueConvertible>,
    _ body: (IndexValue, _ hash: UInt) throws -> Void
  ) rethrows {
    var rest = values.makeIterator()
    var group: ContiguousArray<OwnerLookup> = []
    group.reserveCapacity(Self.lookupsAtOnce)
    while true {
      while group.count < Self.lookupsAtOnce, let value = rest.next()?.indexValue {
        let hash = value.storeHash
        indexes.prefetchOwner(uniqueIndex: index, hash: hash)
        group.append(OwnerLookup(value: value, hash: hash))
      }
      if group.isEmpty { return }
      fetchOwners(uniqueIndex: index, &group)
      for lookup in group.indices { try body(group[lookup].value, group[lookup].hash) }
      if group.count < Self.lookupsAtOnce { return }
      group.removeAll(keepingCapacity: true)
    }
  }

  /// What is known of the owner of a value, as long as the thread reads.
  @usableFromInline
  struct OwnerLookup {
    @usableFromInline let value: IndexValue
    @usableFromInline let hash: UInt
    @usableFromInline var number: DocumentNumber?
    @usableFromInline var entry: Unmanaged<Entry<Key, Document>>?

    @inlinable
    init(value: IndexValue, hash: UInt) {
      self.value = value
      self.hash = hash
    }
  }

  /// Fetches the probable owners of values, whose words have been fetched: the slots of all, then their entries, then the
  /// values that they have.
  @inlinable
  func fetchOwners(uniqueIndex index: Int, _ group: inout ContiguousArray<OwnerLookup>) {
    let reader = db_begin_reading()
    defer { db_end_reading(reader) }
    for lookup in group.indices {
      guard let number = indexes.probableOwner(uniqueIndex: index, hash: group[lookup].hash) else { continue }
      group[lookup].number = number
      shards[shardNumber(number)].prefetch(slot: slot(number))
    }
    for lookup in group.indices {
      guard let number = group[lookup].number,
        case .entry(let entry) = shards[shardNumber(number)].look(atSlot: slot(number))
      else { continue }
      group[lookup].entry = entry
      db_prefetch(entry.toOpaque(), Entry<Key, Document>.size)
    }
    if planted(.ownersNotKept, waits: false) { db_end_reading(reader) }
    for lookup in group.indices {
      guard let entry = group[lookup].entry else { continue }
      entry._withUnsafeGuaranteedRef { indexSchema.prefetchUnique(index, of: $0.document) }
    }
    if planted(.ownersNotKept, waits: false) { _ = db_begin_reading() }
  }
}
