/// Rebuilds shards and indexes from the records of a checkpoint and the log, before anyone else sees them.
///
/// The thread that reads the disk decodes keys and collects records; when there are enough of them, a `LoadingCrew` decodes
/// their documents, while the next ones are read. Records of one key stay in their order.
///
/// Unchecked: `filling` belongs to the thread that calls `replay`, and two threads of the crew never touch one shard.
@usableFromInline
final class DocumentLoader<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  /// One record whose document is `range` of the batch's bytes; empty for a removal.
  @usableFromInline
  struct Item: Sendable {
    @usableFromInline let key: Key
    @usableFromInline let hash: UInt
    @usableFromInline let lsn: UInt64
    @usableFromInline let isRemoval: Bool
    @usableFromInline let range: Range<Int>

    @inlinable
    init(key: Key, hash: UInt, lsn: UInt64, isRemoval: Bool, range: Range<Int>) {
      self.key = key
      self.hash = hash
      self.lsn = lsn
      self.isRemoval = isRemoval
      self.range = range
    }
  }

  /// Where an item goes is fetched from memory while as many others are decoded.
  @inlinable static var itemsAhead: Int { 4 }

  @usableFromInline let shards: ShardTable<Key, Document>
  @usableFromInline let shardBits: UInt32
  @usableFromInline let schema: IndexSchema<Document>
  @usableFromInline let indexes: IndexSet
  /// The parts of the work that are compiled for the types of the program.
  private let collectKeys: @Sendable (Range<Int>, inout IndexColumns) -> StoreError?
  private let checkClaim: IndexBuilder.Claim

  private let fileSystem: any FileSystem
  @usableFromInline let crew: LoadingCrew<Item>
  /// Shards are dealt out into as many lanes.
  @usableFromInline let lanes: Int
  @exclusivity(unchecked) @usableFromInline var filling: LoadingCrew<Item>.Batch

  /// - Parameter fileSystem: gives the threads; nil for the real one.
  @inlinable
  convenience init(shardCount: Int, schema: IndexSchema<Document>, fileSystem: (any FileSystem)? = nil) {
    let shards = ShardTable<Key, Document>(count: shardCount)
    let indexes = IndexSet(schema, shardLocks: ContiguousArray(shards.map(\.mutex)))
    let shardBits = UInt32(shardCount.trailingZeroBitCount)
    self.init(
      shards, shardBits, schema, indexes, fileSystem,
      applyItems: { Self.apply($0, $1, to: shards, shardBits) },
      collectKeys: { Self.collect(shards, $0, schema, &$1) },
      checkClaim: { Self.check(shards, shardBits, schema.uniques[$0], $1, $2) })
  }

  @usableFromInline
  init(
    _ shards: ShardTable<Key, Document>, _ shardBits: UInt32, _ schema: IndexSchema<Document>, _ indexes: IndexSet,
    _ fileSystem: (any FileSystem)?,
    applyItems: @escaping @Sendable (ContiguousArray<Item>, UnsafeRawBufferPointer) -> StoreError?,
    collectKeys: @escaping @Sendable (Range<Int>, inout IndexColumns) -> StoreError?,
    checkClaim: @escaping @Sendable (Int, [DocumentNumber], DocumentNumber) -> StoreError?
  ) {
    self.shards = shards
    self.shardBits = shardBits
    self.schema = schema
    self.indexes = indexes
    self.collectKeys = collectKeys
    self.checkClaim = checkClaim
    self.fileSystem = fileSystem ?? PosixFileSystem()
    // More lanes than threads, so that no thread waits for another to come to the end of one.
    lanes = min(shards.count, 4 * processorCount)
    crew = LoadingCrew(self.fileSystem, threads: min(processorCount, lanes), lanes: lanes, work: applyItems)
    filling = LoadingCrew.Batch(lanes: lanes)
  }

  deinit { crew.end() }

  // MARK: Documents

  /// Takes one record. It counts unless the document is already there in a later version.
  ///
  /// Unique values are not checked here: a checkpoint runs ahead of the log that follows it, so an owner that gives its value
  /// away in the log may still hold it.
  /// - Throws: `.undecodable`, of this record or an earlier one.
  @inlinable
  func replay(_ record: LogRecord) throws(StoreError) {
    if record.kind == .clear { return try clear(before: record.lsn) }
    let key: Key
    do {
      var reader = CBORReader(record.key)
      key = try Key(cbor: &reader)
    } catch {
      throw .undecodable(key: describeKey(record), lsn: record.lsn, reason: "the key: \(error)")
    }
    let hash = key.storeHash
    let start = filling.bytes.count
    filling.bytes.append(contentsOf: record.document)
    filling.weight += record.document.count + MemoryLayout<Item>.stride
    filling.items[Int(hash & UInt(shards.count - 1)) % lanes].append(
      Item(
        key: key, hash: hash, lsn: record.lsn, isRemoval: record.kind == .remove,
        range: start..<filling.bytes.count))
    if filling.weight >= LoadingCrew<Item>.batchBytes { try apply() }
  }

  @usableFromInline
  func clear(before lsn: UInt64) throws(StoreError) {
    try finish()
    for number in shards.indices {
      let shard = shards[number]
      let map = shard.contents.pointee.map
      if map.slotCount == 0 { continue }
      var left: [AnyObject] = []
      // As when it happened: slots begin anew, or the next one of many would look at all of them again.
      shard.contents.pointee.map = ShardMap()
      shard.publish(&left)
      // A checkpoint may run ahead of the log.
      for entry in map.entries where entry.lsn >= lsn {
        let slot = shard.contents.pointee.map.nextSlot
        entry.number = DocumentNumber(slot: slot, shard: number, shardBits: shardBits)
        shard.apply(old: nil, new: entry, hash: entry.key.storeHash, slot: slot, &left)
      }
    }
  }

  /// Returns when all records are applied.
  /// - Throws: as `replay`.
  func finish() throws(StoreError) { try crew.finish(&filling) }

  /// Has the records applied that were collected so far.
  @usableFromInline
  func apply() throws(StoreError) { try crew.push(&filling) }

  @inlinable
  static func apply(
    _ items: ContiguousArray<Item>, _ bytes: UnsafeRawBufferPointer, to shards: ShardTable<Key, Document>,
    _ shardBits: UInt32
  ) -> StoreError? {
    // There are no readers yet.
    var left: [AnyObject] = []
    for (index, item) in items.enumerated() {
      if index + Self.itemsAhead < items.count {
        let coming = items[index + Self.itemsAhead].hash
        shards[Int(coming & UInt(shards.count - 1))].prefetch(coming)
      }
      let shardNumber = Int(item.hash & UInt(shards.count - 1))
      let contents = shards[shardNumber].contents
      let old = shards[shardNumber].find(item.key, hash: item.hash)
      if let old, old.lsn >= item.lsn { continue }
      var new: Entry<Key, Document>?
      if !item.isRemoval {
        if old == nil, shards[shardNumber].isFull(shardBits) {
          return .tooManyDocuments(shard: shardNumber, limit: DocumentNumber.slots(shardBits))
        }
        do {
          var reader = CBORReader(UnsafeRawBufferPointer(rebasing: bytes[item.range]))
          new = Entry(key: item.key, document: try Document(cbor: &reader))
        } catch {
          return .undecodable(key: item.key.description, lsn: item.lsn, reason: "\(error)")
        }
      }
      let slot = old?.number.slot(shardBits) ?? contents.pointee.map.nextSlot
      new?.number = DocumentNumber(slot: slot, shard: shardNumber, shardBits: shardBits)
      new?.lsn = item.lsn
      shards[shardNumber].apply(old: old, new: new, hash: item.hash, slot: slot, &left)
    }
    return nil
  }

  // MARK: Indexes

  /// Indexes all documents.
  ///
  /// All processors first collect what some documents are indexed under, each of other documents, and then put it into the
  /// indexes, each into a part of its own. In rounds, so that what is collected takes little memory.
  /// - Throws: `.duplicateOnOpen`, `.invalidIndexValue`.
  func buildIndexes() throws(StoreError) {
    try finish()
    if schema.isEmpty { return }
    let slots = shards.map { $0.contents.pointee.map.slotCount }.max() ?? 0
    let slotsPerPart = max(1, Self.documentsPerPart / shards.count)
    let parts = (slots + slotsPerPart - 1) / slotsPerPart
    let builder = IndexBuilder(
      indexes: indexes, uniqueCount: schema.uniques.count, rangeCount: schema.ranges.count, fileSystem: fileSystem,
      check: checkClaim)
    for first in stride(from: 0, to: parts, by: Self.partsPerRound) {
      let results = fileSystem.inParallel(min(Self.partsPerRound, parts - first)) {
        [schema, collectKeys] part -> Result<IndexColumns, StoreError> in
        var columns = IndexColumns(schema)
        let start = (first + part) * slotsPerPart
        if let error = collectKeys(start..<min(slots, start + slotsPerPart), &columns) { return .failure(error) }
        return .success(columns)
      }
      var columns: [IndexColumns] = []
      for result in results { columns.append(try result.get()) }
      try builder.add(columns)
    }
  }

  private static var documentsPerPart: Int { 16 << 10 }
  private static var partsPerRound: Int { 16 }

  /// Adds what the documents in these slots, of all shards, are indexed under.
  @inlinable
  static func collect(
    _ shards: ShardTable<Key, Document>, _ slots: Range<Int>, _ schema: IndexSchema<Document>,
    _ columns: inout IndexColumns
  ) -> StoreError? {
    var keys = IndexKeys()
    // The memory of documents that come soon is fetched meanwhile; 32 of them, to wait for none.
    let ahead = max(1, 32 / shards.count)
    for slot in slots {
      for shard in shards { shard.contents.pointee.map.prefetchEntry(inSlot: slot + ahead) }
      for shard in shards {
        guard let entry = shard.contents.pointee.map.entry(inSlot: slot) else { continue }
        keys.removeAll()
        do throws(StoreError) {
          try schema.fillUniques(&keys, of: entry.document)
          try schema.fillRest(&keys, of: entry.document)
        } catch {
          return error.about(entry.key)
        }
        columns.add(entry.number, keys)
      }
    }
    return nil
  }

  /// Whether one of `owners` has the same unique value as a document.
  @inlinable
  static func check(
    _ shards: ShardTable<Key, Document>, _ shardBits: UInt32, _ unique: IndexSchema<Document>.Values,
    _ owners: [DocumentNumber], _ number: DocumentNumber
  ) -> StoreError? {
    guard let entry = Self.entry(shards, shardBits, number) else { return nil }
    guard let value = unique.value(entry.document) else { return nil }
    for owner in owners {
      guard let other = Self.entry(shards, shardBits, owner) else { continue }
      guard unique.value(other.document) == value else { continue }
      return .duplicateOnOpen(
        index: unique.name, value: value, keys: [other.key.description, entry.key.description])
    }
    return nil
  }

  @inlinable
  static func entry(
    _ shards: ShardTable<Key, Document>, _ shardBits: UInt32, _ number: DocumentNumber
  ) -> Entry<Key, Document>? {
    shards[number.shard(shardBits)].contents.pointee.map.entry(inSlot: number.slot(shardBits))
  }

  // MARK: For verification

  var documentCount: Int { shards.reduce(0) { $0 + $1.contents.pointee.map.count } }

  /// How the indexes differ from the documents.
  func indexProblems() -> [String] {
    var documents: [(number: DocumentNumber, keys: IndexKeys)] = []
    for shard in shards {
      for entry in shard.contents.pointee.map.entries {
        if let keys = try? schema.keys(of: entry.document) { documents.append((entry.number, keys)) }
      }
    }
    return indexes.problems(comparedTo: documents)
  }

  /// The key as any tool can read it.
  @usableFromInline
  func describeKey(_ record: LogRecord) -> String {
    var reader = CBORReader(record.key)
    return (try? reader.readValue().description) ?? "of \(record.key.count) bytes"
  }
}
