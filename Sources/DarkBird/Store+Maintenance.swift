import Foundation
import Synchronization

/// What an audit found.
public struct AuditReport: Sendable, Hashable {
  public var documents: Int
  /// Differences between the indexes and what a rebuild from the documents gives; empty if there are none.
  public var problems: [String]
  public var isClean: Bool { problems.isEmpty }
}

extension Store {
  /// Counters of the store: cheap enough to be taken ten times a second under full load. O(shards + stripes).
  public func statistics() -> StoreStatistics {
    var statistics = StoreStatistics()
    var operations = StoreStatistics.Operations()
    for shard in shards {
      let (own, kinds) = shard.withLock { (shard.statistics, shard.operations) }
      statistics.shards.append(own)
      statistics.documents += own.documents
      operations.add(kinds)
    }
    operations.uniqueLookups = queries.unique.load(ordering: .relaxed)
    operations.tagQueries = queries.tag.load(ordering: .relaxed)
    operations.rangeQueries = queries.range.load(ordering: .relaxed)
    operations.scans = queries.scan.load(ordering: .relaxed)
    statistics.operations = operations
    statistics.indexes = indexes.statistics()
    statistics.log = disk?.statistics
    if let log = disk?.log {
      (statistics.memoryLSN, statistics.writtenLSN, statistics.durableLSN) = log.lsns
    } else {
      statistics.memoryLSN = memoryLSN
      // What a store that is only read holds came from the disk.
      statistics.writtenLSN = disk?.recoveredLSN ?? 0
      statistics.durableLSN = disk?.recoveredLSN ?? 0
    }
    statistics.eventsDropped = hub.dropped
    statistics.subscribers = hub.subscribers
    return statistics
  }

  /// Compares all indexes with what a rebuild from the documents would give. Everything waits meanwhile, but for the calls
  /// of the schema's functions.
  /// - Complexity: O(documents × indexes).
  public func audit() -> AuditReport {
    for shard in shards { shard.lock() }
    var entries: [Entry<Key, Document>] = []
    var problems: [String] = []
    for (number, shard) in shards.enumerated() {
      let found = shard.map.slots.compactMap { $0 }
      if found.count != shard.map.count {
        problems.append("shard \(number) counts \(shard.map.count), has \(found.count)")
      }
      for entry in found where shard.map.find(entry.key, hash: UInt(bitPattern: entry.key.hashValue)) !== entry {
        problems.append("a document of shard \(number) is not found under its key")
      }
      entries += found
    }
    problems += indexes.withAllStripes { indexes.problems(comparedTo: entries) }
    for shard in shards { shard.unlock() }
    // What the entries hold is what the schema says now. Outside the locks: the schema's functions are user code.
    for entry in entries {
      guard let keys = try? indexSchema.keys(of: entry.document), keys.values == entry.keys.values,
        keys.tags.map(\.text) == entry.keys.tags.map(\.text)
      else {
        problems.append("document \(entry.key.description) is not indexed as the schema says")
        continue
      }
    }
    return AuditReport(documents: entries.count, problems: problems)
  }

  /// Writes all documents to a checkpoint and removes the log pages that it replaces. Writes and reads go on meanwhile;
  /// the memory it needs does not depend on the number of documents. Nothing to do in memory.
  ///
  /// - Throws: `.readOnly`, `.closed`, `.diskFull`, `.io`, `.poisoned`; the checkpoint before stays then.
  /// - Complexity: O(documents).
  public func checkpoint() throws(StoreError) {
    guard let disk else { return }
    try disk.checkpoint { (add: (UInt64, EncodedRecord) throws(StoreError) -> Void) throws(StoreError) in
      for shard in shards {
        var previous: Int?
        while true {
          let chunk = shard.chunk(after: previous, descending: false, limit: 256)
          for entry in chunk.entries {
            try add(entry.lsn, try EncodedRecord(key: entry.key, document: entry.document))
          }
          guard let last = chunk.lastSlot else { break }
          previous = last
        }
      }
    }
  }

  /// Has a thread of its own take each checkpoint that is due.
  func takeCheckpointsInBackground() {
    // The log's writer must never hold the store: if that were the last reference, `close` would wait for the writer on the
    // writer itself. A checkpoint that fails is due again after as much log.
    let checkpoint: @Sendable () -> Void = { [weak self] in try? self?.checkpoint() }
    disk?.log?.setCheckpointHandler {
      let thread = Thread(block: checkpoint)
      thread.name = "darkbird checkpoint"
      thread.start()
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
    gets += other.gets
    duplicatesRefused += other.duplicatesRefused
    refusals += other.refusals
  }
}
