/// Why an operation on a store failed. Every case says what and where, the call itself excepted: a write of one document does not
/// repeat its key. `description` is one line for people.
///
///     do { try store.insert(ada, for: "ada") } catch {
///       guard case .duplicate(let index, let value, let owner) = error else { throw error }
///       print("\(index) \(value) is \(owner)'s")
///     }
///
/// (`catch StoreError.duplicate(let index, …)`, behind calls that throw nothing else, crashes the compiler of Swift 6.3.1.)
@nonexhaustive
public enum StoreError: Error, Hashable, Sendable {
  // Refusals: nothing was changed, no log record, no event.

  /// Another document owns this value of a unique index.
  case duplicate(index: String, value: IndexValue, owner: String)
  /// `insert` found a document under this key.
  case keyExists(key: String)
  /// A query named an index, a range field or a tag field that the schema does not have.
  case unknownIndex(name: String, known: [String])
  /// The lower bound of a range lies above the upper one.
  case invertedRange(field: String, lower: IndexValue, upper: IndexValue)
  /// A document gave a value that cannot be indexed, such as a NaN.
  case invalidIndexValue(index: String, reason: String)
  /// A key or a document is larger than the log format can hold.
  case tooLarge(what: String, bytes: Int, limit: Int)
  /// A shard has as many documents as it can number: 2^32 divided by the number of shards, less one. Other keys may still
  /// find room, but this many means that `storeHash` puts far more keys into one shard than into the others.
  case tooManyDocuments(shard: Int, limit: Int)
  /// A document or key could not be encoded.
  case encodingFailed(reason: String)
  /// The configuration contradicts itself or is out of bounds.
  case invalidConfiguration(reason: String)
  /// The store was opened for reading only.
  case readOnly
  /// The store was closed.
  case closed

  /// Events were asked for from an LSN that was not given yet, or was lost in a crash; `last` is the last one that was.
  case unknownLSN(lsn: UInt64, last: UInt64)
  /// The log no longer has all changes after the LSN `from`: a checkpoint has replaced those before `firstAvailable`.
  case logTruncated(from: UInt64, firstAvailable: UInt64)

  // The disk.

  /// The disk cannot take the write; nothing of it was accepted. The store works on when there is space again.
  case diskFull(path: String)
  /// A write to the log or a sync failed; this and every later write throws it, reads go on. Open the store again to
  /// find out what the disk holds.
  case poisoned(reason: String)
  /// A system call failed that does not poison the log, such as making its next page. A write that throws it has changed
  /// nothing.
  case io(path: String, operation: String, code: Int32)

  // Opening.

  /// Another process, or another `Store` of this one, has the directory open.
  case locked(path: String, holder: String)
  /// The path does not exist, is not a directory, or holds something else.
  case notAStore(path: String, reason: String)
  /// A later version of DarkBird wrote this store.
  case newerFormat(path: String, found: Int, supported: Int)
  /// Bytes on disk are not what was written. Nothing was changed.
  case corrupt(path: String, offset: Int, reason: String)
  /// A stored key or document is not of the type that the store was opened with.
  case undecodable(key: String, lsn: UInt64, reason: String)
  /// Two stored documents share a value of an index that is unique in the schema that the store was opened with.
  case duplicateOnOpen(index: String, value: IndexValue, keys: [String])

  // Backups, exports, migrations.

  /// There is something where a new file or directory was to go.
  case targetExists(path: String, reason: String)
  /// The file is no backup.
  case notABackup(path: String, reason: String)
  /// Documents that cannot be migrated, as the report says; the store is as it was.
  indirect case migrationFailed(path: String, report: MigrationReport)
  /// The store's documents are in an older form, and it was opened for reading only.
  case migrationNeeded(path: String, found: Int, needed: Int)
  /// A later version of the program has migrated the store's documents.
  case newerSchema(path: String, found: Int, known: Int)
  /// The caller of a long job gave up. A backup, a restoration or a migration has changed nothing then; of a load or a copy, what
  /// went over stays.
  case cancelled
}

extension StoreError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .duplicate(let index, let value, let owner):
      "\(index) \(value) is taken by document \(owner)"
    case .keyExists(let key):
      "a document with key \(key) exists"
    case .unknownIndex(let name, let known):
      "no index named '\(name)'; there is \(known.isEmpty ? "none" : known.joined(separator: ", "))"
    case .invertedRange(let field, let lower, let upper):
      "range of \(field): the lower bound \(lower) is above the upper bound \(upper)"
    case .invalidIndexValue(let index, let reason):
      "index \(index): \(reason)"
    case .tooLarge(let what, let bytes, let limit):
      "\(what) has \(bytes) bytes; the limit is \(limit)"
    case .tooManyDocuments(let shard, let limit):
      "shard \(shard) takes no more than \(limit) documents"
    case .encodingFailed(let reason):
      "cannot be encoded: \(reason)"
    case .invalidConfiguration(let reason):
      reason
    case .readOnly:
      "the store is open for reading only"
    case .closed:
      "the store is closed"
    case .unknownLSN(let lsn, let last):
      "there is no LSN \(lsn); the last one is \(last)"
    case .logTruncated(let from, let first):
      "the log has no changes after LSN \(from) but those from LSN \(first) on"
    case .diskFull(let path):
      "\(path): no space left on the disk"
    case .poisoned(let reason):
      "the log failed and takes no more writes: \(reason)"
    case .io(let path, let operation, let code):
      "\(path): \(operation): \(errorMessage(code))"
    case .locked(let path, let holder):
      "\(path): in use by \(holder)"
    case .notAStore(let path, let reason):
      "\(path): not a DarkBird store: \(reason)"
    case .newerFormat(let path, let found, let supported):
      "\(path): written in format \(found), this version reads up to \(supported)"
    case .corrupt(let path, let offset, let reason):
      "\(path): damaged at offset \(offset): \(reason)"
    case .undecodable(let key, let lsn, let reason):
      "document \(key) (LSN \(lsn)) is not of the type the store was opened with: \(reason)"
    case .targetExists(let path, let reason):
      "\(path): \(reason)"
    case .notABackup(let path, let reason):
      "\(path): not a backup: \(reason)"
    case .migrationFailed(let path, let report):
      "\(path): \(report.failed) of \(report.documents) documents cannot be migrated; nothing was changed"
        + (report.failures.first.map { "; document \($0.key): \($0.reason)" } ?? "")
    case .migrationNeeded(let path, let found, let needed):
      "\(path): its documents have version \(found), not \(needed): it must be opened for writing once"
    case .newerSchema(let path, let found, let known):
      "\(path): its documents have version \(found); this program knows them up to \(known)"
    case .cancelled:
      "given up"
    case .duplicateOnOpen(let index, let value, let keys):
      "index \(index) cannot be unique: documents \(keys.joined(separator: " and ")) share \(value)"
    }
  }

  package init(_ error: SystemError) {
    self = .io(path: error.path, operation: error.call, code: error.code)
  }

  /// For who has more documents than one: what it is about.
  @usableFromInline
  func about(_ key: some DocumentKey) -> StoreError {
    switch self {
    case .encodingFailed(let reason): .encodingFailed(reason: "document \(key.description): \(reason)")
    case .invalidIndexValue(let index, let reason):
      .invalidIndexValue(index: index, reason: "document \(key.description): \(reason)")
    case .tooLarge("the document", let bytes, let limit):
      .tooLarge(what: "document \(key.description)", bytes: bytes, limit: limit)
    default: self
    }
  }
}
