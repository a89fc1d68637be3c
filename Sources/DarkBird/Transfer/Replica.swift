package import Foundation

/// A table in a database that is to equal a store: what copying and mirroring need of any database.
///
/// Every row has the LSN of the change that made its document. The table knows whose copy it is and up to which LSN it is
/// complete, so that copying sends only what differs, and mirroring goes on where it stopped.
package protocol Replica: AnyObject {
  /// Connects, keeps others from copying into the table, and makes it if it is not there.
  /// - Returns: the LSN up to which it is a complete copy of the store; nil if it has never been one.
  func open(_ store: ReplicatedStore) throws -> UInt64?
  /// The next rows in an order of the table's own, after the last one that was returned or from the first on; empty after the last.
  func rows(after text: String?) throws -> [(key: String, lsn: UInt64)]
  /// All of a batch or nothing of it; or so that the same, or a longer one, applied after a part of it makes up for that.
  func apply(_ batch: ReplicaBatch) throws
  /// Ends the connection. Without effect if there is none.
  func close()
}

/// A store as a table of it knows it.
package struct ReplicatedStore: Sendable {
  package var identifier: UUID
  /// Of the last change.
  package var lsn: UInt64
  package var schema: SchemaDescription
  /// What the values of each range field have in common, in the order of `ReplicaRow.ranges`; nil where there are none yet.
  package var ranges: [(field: String, kind: RangeKind?)]
}

/// What the values of a range field are.
package enum RangeKind: String, Sendable, Codable {
  case bool, number, date, text
  /// Several of these.
  case mixed

  init(_ values: (min: IndexValue, max: IndexValue)) {
    // The order of index values goes by type first: both ends of one type, all of one type.
    switch (values.min, values.max) {
    case (.bool, .bool): self = .bool
    case (.int, .int), (.int, .double), (.double, .int), (.double, .double): self = .number
    case (.date, .date): self = .date
    case (.string, .string): self = .text
    default: self = .mixed
    }
  }
}

package struct ReplicaRow: Sendable {
  package var key: Value
  package var document: Record
  package var lsn: UInt64
  package var tags: [String]
  /// Nil where the document is not in the index.
  package var ranges: [IndexValue?]
}

/// Rows that are made one by one when they go over, and again if they have to go over again: in the store's memory are the
/// documents, and nothing else of them.
package struct ReplicaRows {
  package var count: Int
  package var visit: ((ReplicaRow) throws -> Void) throws -> Void

  static var none: ReplicaRows { ReplicaRows([]) { (row: ReplicaRow) in row } }

  init<Element>(_ elements: [Element], _ row: @escaping (Element) throws -> ReplicaRow) {
    count = elements.count
    visit = { body in for element in elements { try body(try row(element)) } }
  }
}

package struct ReplicaBatch {
  /// All rows with a smaller LSN go first.
  package var clearedAt: UInt64?
  /// Each key once in these two together.
  package var rows = ReplicaRows.none
  /// Keys as `KeyText` writes them, with the LSN of the removal.
  package var removed: [(key: String, lsn: UInt64)] = []
  /// Whether a row stays that has a larger LSN than what the batch says of its key.
  package var isByLSN = false
  /// The LSN up to which the table is complete after this batch. Nil while a copy goes on: the table is then a mixture of
  /// moments, of which no log makes a whole, and complete up to no LSN until the end of this copy or of the next.
  package var reaches: UInt64?
}

/// What `copy` did.
public struct CopyReport: Sendable, Hashable, Codable {
  /// In the store.
  public var documents = 0
  /// Rows that were new or changed.
  public var written = 0
  /// Rows of documents that the store does not have.
  public var removed = 0
  /// Of the last change that the copy has.
  public var lsn: UInt64 = 0

  public init() {}
}

extension Store {
  /// What a document is like in a table.
  func replicaRow(_ key: Key, _ document: Document, lsn: UInt64) throws -> ReplicaRow {
    var row = ReplicaRow(
      key: try Self.value(key), document: try Self.record(document), lsn: lsn, tags: [], ranges: [])
    if !indexSchema.isEmpty {
      let keys = try indexSchema.keys(of: document)
      row.tags = keys.tags.map(\.name.text)
      row.ranges = keys.values.dropFirst(indexSchema.uniques.count).map(\.value)
    }
    return row
  }

  /// - Parameter identifier: of the store; one in memory has none of its own.
  func replicated(_ identifier: UUID) throws(StoreError) -> ReplicatedStore {
    var ranges: [(field: String, kind: RangeKind?)] = []
    for range in indexSchema.ranges {
      ranges.append((range.name, try values(of: range.name).map { RangeKind($0) }))
    }
    return ReplicatedStore(identifier: identifier, lsn: memoryLSN, schema: schema, ranges: ranges)
  }

  /// Of a store on disk; one in memory is another one each time.
  var replicaIdentifier: UUID { disk?.identifier ?? UUID() }
}
