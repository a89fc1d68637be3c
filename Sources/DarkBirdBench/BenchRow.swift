/// What can be measured. The raw values are what users type.
public enum BenchRow: String, CaseIterable, Sendable {
  case ramInsert = "ram-insert"
  case ramInsertIndexed = "ram-insert-indexed"
  case diskInsertIndexed = "disk-insert-indexed"
  case diskInsertSynced = "disk-insert-synced"
  case lookup
  case lookupMany = "lookup-many"
  case lookupUnique = "lookup-unique"
  case lookupUniqueMany = "lookup-unique-many"
  case tagDocuments = "tag-documents"
  case rangeDocuments = "range-documents"
  case scan
  case update
  case mixed = "mixed-ycsb-a"
  case lookup16 = "lookup-16"
  case remove
  case reloadIndexed = "reload-indexed"
  case sampler
  case putDuringCheckpoint = "put-during-checkpoint"
  case putDuringBackup = "put-during-backup"
  case insertScaling = "insert-scaling"
  case lookupScaling = "lookup-scaling"

  /// Left out unless it is asked for: needs ten times the documents.
  public var isOnlyOnRequest: Bool { self == .insertScaling || self == .lookupScaling }

  /// What one operation is, for people.
  public var summary: String {
    switch self {
    case .ramInsert: "insert into a store in memory without indexes"
    case .ramInsertIndexed: "insert into a store in memory with a unique index, two tags and a range"
    case .diskInsertIndexed: "the same on disk, acknowledged in memory, with one sync at the end"
    case .diskInsertSynced: "the same on disk by 64 threads, each write synced"
    case .lookup: "read a field of a document in place, random keys"
    case .lookupMany: "the same, a hundred keys a call"
    case .lookupUnique: "find a document by its unique email, random"
    case .lookupUniqueMany: "the same, a hundred emails a call"
    case .tagDocuments: "visit a document by tag, a thousandth of all a query"
    case .rangeDocuments: "visit a document by range, about a thousandth of all a query"
    case .scan: "visit a document of a scan"
    case .update: "change the age of a document in one atomic step, random keys"
    case .mixed: "half lookups, half updates, some keys far more often than others"
    case .lookup16: "lookup by 16 threads, and what two do in the same run"
    case .remove: "remove a document"
    case .reloadIndexed: "load a document from the log when a store is opened; also from a checkpoint"
    case .sampler: "ram-insert-indexed while statistics and events are taken ten times a second"
    case .putDuringCheckpoint: "a paced put while checkpoints are written, and while none is"
    case .putDuringBackup: "the same while backups are"
    case .insertScaling: "insert at a tenth and at ten times the documents"
    case .lookupScaling: "lookup at a tenth and at ten times the documents"
    }
  }
}
