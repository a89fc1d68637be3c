package import DarkBird
package import Foundation

/// What the dashboard watches and browses: a store whose types it does not know. Every call may come from any thread.
///
/// `statistics` and `takeEvents` are called ten times a second and must not wait for anything but a moment; the others run on a thread
/// of their own and may take as long as they need.
package protocol Source: Sendable {
  var identity: SourceIdentity { get }

  /// Counts up when the source shows another store, whose counters begin anew. Most sources show one for ever.
  var generation: Int { get }

  func statistics() -> StoreStatistics

  /// Times one in `interval` writes from now on, none for 0: see `Store.timeWrites`.
  func timeWrites(oneIn interval: Int)

  /// The writes timed so far; nil if nothing can be, or none was to be.
  func writeTimings() -> WriteTimings?

  /// What happened since the last call. `limit` events at most are made into lines, spread over all that contain `filter`.
  func takeEvents(matching filter: String, limit: Int) -> EventBatch

  /// The most frequent tags of all tag fields, most frequent first.
  func topTags(limit: Int) -> [TagCount]

  /// What there is to look for.
  func outline(tagsPerField: Int) throws -> Outline

  /// One page of results.
  func page(_ selection: Selection, limit: Int, after: PageMark?) throws -> ResultPage

  /// The page of a query without a limit that ends before a mark, or at the end. Its own `next` is where the page before it
  /// ends.
  func page(_ selection: Selection, limit: Int, before: PageMark?) throws -> ResultPage

  /// How the store will find the first page of them; nil for a lookup.
  func plan(_ selection: Selection) throws -> PlanSummary?

  /// How many match, whatever the limit, or nil if only reading them all would tell.
  func count(_ selection: Selection) throws -> Int?

  /// A document as it is now; nil if it is not there any more.
  func document(_ key: RowKey) throws -> ResultRow?

  /// LSNs of the documents as they are now, nil for those that are not there any more.
  func versions(of keys: [RowKey]) throws -> [UInt64?]

  /// How the values of a range field are distributed, in all documents and in those that meet the other conditions of a query;
  /// nil where there is nothing to draw.
  func histogram(field: String, within: ValueSpan?, of: Query, bucketsMax: Int) throws -> RangeHistogram?

  /// All results as they are at this moment, a page at a time.
  func pages(_ selection: Selection) throws -> Pages

  /// Removes a document.
  /// - Returns: whether it was there.
  func remove(_ key: RowKey) throws -> Bool

  /// Adds or changes a document.
  /// - Returns: its key.
  /// - Throws: `ChangeRefused` or what the store says, with nothing changed.
  func write(_ change: DocumentChange) throws -> RowKey

  /// Ends the subscription to events. Idempotent.
  func close()
}

extension Source {
  package var generation: Int { 0 }

  // Of a source that is no store of this process.
  package func timeWrites(oneIn interval: Int) {}
  package func writeTimings() -> WriteTimings? { nil }
}

/// One page after the other: the most rows that are wanted, and where the page before ended.
package typealias Pages = (_ limit: Int, _ after: PageMark?) throws -> ResultPage

/// What does not change while a store is open.
package struct SourceIdentity: Sendable, Hashable {
  package var title: String
  /// Such as `memory` or `disk players/`.
  package var location: String
  /// Where the store is, for other programs; nil in memory.
  package var directory: String?
  package var isReadOnly: Bool
  /// Whether documents may be changed by whoever watches.
  package var allowsChanges: Bool
  /// Without a log because it lives in memory only, not because it was opened for reading.
  package var isInMemory: Bool
  /// How far a write must have come that does not say itself; nil without a log.
  package var acknowledgement: Acknowledgement?
  package var schema: SchemaDescription

  package init(
    title: String, location: String, directory: String? = nil, isReadOnly: Bool = false, isInMemory: Bool = false,
    allowsChanges: Bool = false, acknowledgement: Acknowledgement? = nil,
    schema: SchemaDescription = SchemaDescription()
  ) {
    self.title = title
    self.location = location
    self.directory = directory
    self.isReadOnly = isReadOnly
    self.isInMemory = isInMemory
    self.allowsChanges = allowsChanges
    self.acknowledgement = acknowledgement
    self.schema = schema
  }
}

extension SourceIdentity {
  /// The location of a store that is removed when its program ends.
  package static let temporary = "temporary disk store"

  var isTemporary: Bool { location == Self.temporary }
}

/// A line of the event stream.
package struct EventLine: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A document under a new key, one that replaces another, one that is gone, all that are gone.
    case insert = "INS"
    case put = "PUT"
    case remove = "DEL"
    case clear = "CLR"
    /// The log began another page, or wrote a checkpoint.
    case rotation = "ROT"
    case checkpoint = "CKP"
    /// A write that a unique index refused.
    case duplicate = "DUP"
    /// Events were lost because the dashboard was too slow.
    case gap = "GAP"
  }

  package var kind: Kind
  package var date: Date
  package var shard: Int?
  package var key: String
  package var detail: String
  package var bytes: Int?

  package init(_ kind: Kind, date: Date, shard: Int? = nil, key: String = "", detail: String = "", bytes: Int? = nil) {
    self.kind = kind
    self.date = date
    self.shard = shard
    self.key = key
    self.detail = detail
    self.bytes = bytes
  }
}

/// What `takeEvents` gives: all of it counted, some of it as lines.
package struct EventBatch: Sendable {
  /// Events that happened, about: while there are very many, the store's own count of writes.
  package var counted: UInt64 = 0
  /// Those of them that were passed over unseen.
  package var passedOver: UInt64 = 0
  package var lines: [EventLine] = []

  package init() {}
}

/// Indexes and tags, for the tree beside the results.
package struct Outline: Sendable, Hashable {
  package struct Unique: Sendable, Hashable {
    package var name: String
    package var entries: Int

    package init(name: String, entries: Int) {
      self.name = name
      self.entries = entries
    }
  }

  package struct Range: Sendable, Hashable {
    package var name: String
    package var entries: Int
    package var smallest: IndexValue?
    package var largest: IndexValue?

    package init(name: String, entries: Int, smallest: IndexValue? = nil, largest: IndexValue? = nil) {
      self.name = name
      self.entries = entries
      self.smallest = smallest
      self.largest = largest
    }
  }

  package struct TagField: Sendable, Hashable {
    /// "" for tags that the program computes.
    package var name: String
    package var distinct: Int
    /// The most frequent ones.
    package var tags: [TagCount]

    package init(name: String, distinct: Int, tags: [TagCount]) {
      self.name = name
      self.distinct = distinct
      self.tags = tags
    }
  }

  package var documents = 0
  package var uniques: [Unique] = []
  package var ranges: [Range] = []
  package var tagFields: [TagField] = []
  /// Documents in each shard.
  package var shards: [Int] = []

  package init() {}
}

/// What to look for.
package enum Selection: Sendable, Hashable {
  case key(String)
  case unique(index: String, value: String)
  /// The documents of one shard.
  case shard(Int)
  /// A query without conditions gives everything.
  case query(Query, limit: Int?)

  var limit: Int? {
    guard case .query(_, let limit) = self else { return nil }
    return limit
  }
}

/// A key as people read it and as the store knows it.
package struct RowKey: Sendable, Hashable {
  package var text: String
  /// The key in CBOR.
  package var encoded: [UInt8]

  package init(text: String, encoded: [UInt8] = []) {
    self.text = text
    self.encoded = encoded
  }
}

/// A document in a list of results.
package struct ResultRow: Sendable, Hashable {
  package var key: RowKey
  package var shard: Int
  package var lsn: UInt64
  package var record: Record
  /// Size of the encoded document.
  package var bytes: Int

  package init(key: RowKey, shard: Int, lsn: UInt64, record: Record, bytes: Int) {
    self.key = key
    self.shard = shard
    self.lsn = lsn
    self.record = record
    self.bytes = bytes
  }
}

/// Where a page ended.
package enum PageMark: Sendable, Hashable {
  case cursor(Cursor)
  case offset(Int)
}

package struct ResultPage: Sendable {
  package var rows: [ResultRow]
  /// nil after the last page.
  package var next: PageMark?
  /// Candidates that were looked at.
  package var examined: Int

  package init(rows: [ResultRow], next: PageMark? = nil, examined: Int? = nil) {
    self.rows = rows
    self.next = next
    self.examined = examined ?? rows.count
  }
}

/// Which index answers, how many candidates it gives, and what is done with them.
package struct PlanSummary: Sendable, Hashable {
  package var driver: String
  package var candidates: Int
  /// The conditions that each candidate is then checked for, as the query line has them.
  package var checks: [String]
  /// The field by which the results are sorted once all are found.
  package var sortedBy: String?
  /// Tags of the query that no document has.
  package var unknownTags: [UnknownTag]
  /// What else there is to say of the query.
  package var notes: [String]

  package init(
    driver: String, candidates: Int, checks: [String] = [], sortedBy: String? = nil, unknownTags: [UnknownTag] = [],
    notes: [String] = []
  ) {
    self.notes = notes
    self.unknownTags = unknownTags
    self.driver = driver
    self.candidates = candidates
    self.checks = checks
    self.sortedBy = sortedBy
  }
}
