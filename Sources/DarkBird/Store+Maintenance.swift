import Foundation
import Synchronization

/// What an audit found.
public struct AuditReport: Sendable, Hashable {
  /// How many documents there were.
  public var documents: Int
  /// Differences between the indexes and what a rebuild from the documents gives; empty if there are none.
  public var problems: [String]
  public var isClean: Bool { problems.isEmpty }
}

extension Store {
  /// Counters of the store: cheap enough to be taken ten times a second under full load. O(shards + stripes).
  ///
  /// - Parameter exactIndexCounts: tags and range fields are counted exactly, for which changes are put into these indexes that
  ///   writers have left for later: about 0.2 microseconds each. Without, the counts are those before these changes, 128 Ki at
  ///   most.
  public func statistics(exactIndexCounts: Bool = true) -> StoreStatistics {
    var statistics = StoreStatistics()
    var operations = StoreStatistics.Operations()
    let lookups = lookups.totals()
    // Unlike `zip` this is no generic code: a sampler spent a tenth of its time there.
    for number in 0..<shards.count {
      let (shard, gets) = (shards[number], lookups.byShard[number])
      var (own, kinds) = shard.withLock { _ in (shard.statistics, shard.contents.pointee.operations) }
      own.operations += gets
      kinds.gets = gets
      statistics.shards.append(own)
      statistics.documents += own.documents
      operations.add(kinds)
    }
    operations.uniqueLookups = lookups.unique
    operations.tagQueries = queries.tag.load(ordering: .relaxed)
    operations.rangeQueries = queries.range.load(ordering: .relaxed)
    operations.scans = queries.scan.load(ordering: .relaxed)
    statistics.operations = operations
    statistics.indexes = indexes.statistics(isExact: exactIndexCounts) { memoryLSN }
    statistics.log = disk?.statistics
    if let log = disk?.log {
      (statistics.memoryLSN, statistics.writtenLSN, statistics.durableLSN) = log.lsns
    } else {
      statistics.memoryLSN = memoryLSN
      // What a store that is only read holds came from the disk.
      statistics.writtenLSN = disk?.recoveredLSN ?? 0
      statistics.durableLSN = disk?.recoveredLSN ?? 0
    }
    statistics.eventsDropped = UInt64(hub.dropped())
    statistics.subscribers = hub.subscribers
    return statistics
  }

  /// A store that holds the documents and indexes of this one as they are now, all of one moment, for reading only.
  ///
  /// It shares its memory with this store; what either changes or frees later is copied or kept then. So keep it for as long
  /// as a job takes, not for ever.
  /// - Complexity: O(shards), during which everything waits. The first write to a shard afterwards copies its table, 8 bytes
  ///   a slot.
  public func snapshot() -> Store {
    var settings = StoreConfiguration.memory
    settings.shardCount = configuration.shardCount
    settings.isReadOnly = true
    settings.schemaVersion = Int(schemaVersion)
    return withAllLocked {
      indexes.deferred.putInRest(lsn: memoryLSN)
      return Store(
        settings, indexSchema, shards: ShardTable(copying: shards), shardBits: shardBits,
        indexes: IndexSet(copying: indexes), lsn: memoryLSN)
    }
  }

  /// Compares all indexes with what a rebuild from the documents would give, as of one moment. Writes go on meanwhile.
  /// - Complexity: O(documents × indexes).
  public func audit() -> AuditReport {
    let frozen = snapshot()
    var documents: [(number: DocumentNumber, keys: IndexKeys)] = []
    var problems: [String] = []
    for (number, shard) in frozen.shards.enumerated() {
      let map = shard.contents.pointee.map
      var found = 0
      for entry in map.entries {
        found += 1
        if map.find(entry.key, hash: entry.key.storeHash) !== entry {
          problems.append("a document of shard \(number) is not found under its key")
        }
        if frozen.shardNumber(entry.number) != number || map.entry(inSlot: frozen.slot(entry.number)) !== entry {
          problems.append("document \(entry.key.description) is not where its number says")
        }
        if entry.lsn > frozen.memoryLSN { problems.append("document \(entry.key.description) is from the future") }
        do throws(StoreError) {
          documents.append((entry.number, try indexSchema.keys(of: entry.document)))
        } catch {
          problems.append("document \(entry.key.description): \(error)")
        }
      }
      if found != map.count { problems.append("shard \(number) counts \(map.count), has \(found)") }
    }
    problems += frozen.indexes.problems(comparedTo: documents)
    return AuditReport(documents: documents.count, problems: problems)
  }

  /// Writes all documents to a checkpoint and removes the log pages that it replaces. Writes and reads go on meanwhile;
  /// the memory it needs does not depend on the number of documents. Nothing to do in memory.
  ///
  /// The open page of the log stays, for whoever resumes at an event of the last moments, unless it is longer than 16 MiB.
  ///
  /// - Throws: `.readOnly`, `.closed`, `.encodingFailed`, `.tooLarge`, `.diskFull`, `.io`, `.poisoned`; the checkpoint before stays
  ///   then.
  /// - Complexity: O(documents).
  public func checkpoint() throws(StoreError) {
    guard let disk else { return }
    try disk.checkpoint { (add: (UInt64, EncodedRecord) throws(StoreError) -> Void) throws(StoreError) in
      for shard in shards.indices {
        var number = 0
        while let chunk = chunk(number, ofShard: shard) {
          try chunk.forEach(size: Entry<Key, Document>.size) { entry throws(StoreError) in
            let entry = entry.takeUnretainedValue()
            try add(entry.lsn, try EncodedRecord(named: entry.key, document: entry.document))
          }
          number += 1
        }
      }
    }
  }

  /// Has a thread of its own take each checkpoint that is due.
  func takeCheckpointsInBackground() {
    // The log's writer must never hold the store: if that were the last reference, `close` would wait for the writer on the
    // writer itself. A checkpoint that fails is due again after as much log.
    let checkpoint: @Sendable () -> Void = { [weak self] in try? self?.checkpoint() }
    guard let disk else { return }
    let fileSystem = disk.fileSystem
    disk.log?.setCheckpointHandler { [weak self] () throws(SystemError) in
      let store = planted(.logHoldsTheStore) ? self : nil
      defer { withExtendedLifetime(store) {} }
      try fileSystem.startThread("darkbird checkpoint", checkpoint)
    }
  }
}

extension StoreStatistics.Operations {
  fileprivate mutating func add(_ other: Self) {
    puts += other.puts
    inserts += other.inserts
    updates += other.updates
    removes += other.removes
    clears += other.clears
    batches += other.batches
    gets += other.gets
    duplicatesRefused += other.duplicatesRefused
    refusals += other.refusals
  }
}
