public import Foundation

/// What `StoreInspector.salvage` took from a damaged store, and what is lost.
public struct SalvageReport: Sendable, Hashable, Codable {
  /// LSNs of which no record could be read, both ends included.
  public struct Gap: Sendable, Hashable, Codable {
    public var first: UInt64
    public var last: UInt64
    public var count: UInt64 { last - first + 1 }
  }

  /// A document that was read and is not in the new store; its bytes are in `SalvageReport.leftOutFile`.
  public struct LeftOut: Sendable, Hashable, Codable {
    public var key: String
    public var lsn: UInt64
    public var reason: String
  }

  /// UUID of the new store.
  public var identifier: UUID
  /// UUID of the damaged one; nil if no file says it.
  public var salvaged: UUID?
  public var schema = SchemaDescription()
  /// Whether the names of the indexes were lost with the manifest, and none were given.
  public var isSchemaLost = false
  /// Of the documents, as the manifest has it or as it was given; 0 before the first migration.
  public var schemaVersion: UInt64 = 0
  /// Whether it was lost with the manifest, and none was given: then `schemaVersion` is 0, and a program with migrations takes
  /// all of them for due.
  public var isSchemaVersionLost = false
  /// Places that are not as they were written, by file and offset. Files that are missing have offset 0 and 0 bytes.
  public var damages: [StoreDump.Damage] = []
  public var gaps: [Gap] = []
  /// Pages of the log that were read, and the frames in them.
  public var pages = 0
  public var records = 0
  /// Documents read from checkpoints.
  public var checkpointDocuments = 0
  /// Documents in the new store.
  public var documents = 0
  /// Of these, how many were written before a gap: a lost record may have changed or removed them.
  public var possiblyStale = 0
  /// Documents with this LSN or a later one are not stale; nil if there is no gap.
  public var staleBefore: UInt64?
  public var leftOut: [LeftOut] = []
  /// File in the new store's directory with one JSON object for each document that was left out, and for each that may be
  /// stale; nil if there is none.
  public var leftOutFile: String?
  /// The last LSN that the damaged store is known to have given; the new one goes on behind it.
  public var lastLSN: UInt64 = 0
  /// What `verify` says of the new store: nothing, unless the salvage itself went wrong.
  public var problems: [VerifyReport.Problem] = []

  /// Whether nothing is missing: every byte of the log and of the checkpoint was as it was written.
  public var isComplete: Bool { damages.isEmpty && gaps.isEmpty && leftOut.isEmpty && problems.isEmpty }

  init(identifier: UUID) { self.identifier = identifier }
}
