/// Operations on many keys that a store does all at once or not at all; `Store.batch` hands one out to be filled.
///
/// They mean what they would mean one after the other, with nothing in between: the last operation on a key decides what is
/// under it, and an `insert` fails if there is a document under its key at that point. Only where the store is full
/// (`.tooManyDocuments`) a removal makes no room for a new document of the same batch.
public struct Batch<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  /// What all operations on one key come to.
  @usableFromInline
  struct Operation: Sendable {
    @usableFromInline let key: Key
    /// Nil if the key is to be removed.
    @usableFromInline let document: Document?
    @usableFromInline let kind: WriteKind
    /// Whether there must be no document under the key before the batch.
    @usableFromInline let needsAbsence: Bool

    @inlinable
    init(key: Key, document: Document?, kind: WriteKind, needsAbsence: Bool) {
      self.key = key
      self.document = document
      self.kind = kind
      self.needsAbsence = needsAbsence
    }
  }

  /// In the order in which their keys came first.
  @usableFromInline var operations: ContiguousArray<Operation> = []
  @usableFromInline var positions: [Key: Int] = [:]
  /// The key of the first `insert` that found a document of the batch itself.
  @usableFromInline var keyInsertedTwice: Key?

  @inlinable
  init() {}

  /// Different keys that the batch has operations on.
  public var count: Int { operations.count }
  public var isEmpty: Bool { operations.isEmpty }

  /// Inserts or replaces the document under a key. O(1).
  @inlinable
  public mutating func put(_ document: Document, for key: Key) { add(.put, key, document) }

  /// Inserts a document under a new key. The whole batch fails with `.keyExists` if there is a document under it, from before
  /// the batch or from an operation before this one. O(1).
  @inlinable
  public mutating func insert(_ document: Document, for key: Key) { add(.insert, key, document) }

  /// Removes the document under a key; nothing happens if there is none. O(1).
  @inlinable
  public mutating func remove(_ key: Key) { add(.remove, key, nil) }

  @inlinable
  mutating func add(_ kind: WriteKind, _ key: Key, _ document: Document?) {
    guard let position = positions[key] else {
      positions[key] = operations.count
      operations.append(Operation(key: key, document: document, kind: kind, needsAbsence: kind == .insert))
      return
    }
    let before = operations[position]
    if kind == .insert && before.document != nil && keyInsertedTwice == nil { keyInsertedTwice = key }
    operations[position] = Operation(key: key, document: document, kind: kind, needsAbsence: before.needsAbsence)
  }
}

/// One operation while a store does it.
@usableFromInline
struct BatchItem<Key: DocumentKey, Document: DarkBird.Document> {
  @usableFromInline let kind: WriteKind
  @usableFromInline let needsAbsence: Bool
  @usableFromInline let key: Key
  @usableFromInline let hash: UInt
  @usableFromInline let shard: Int
  @usableFromInline let new: Entry<Key, Document>?
  @usableFromInline let newKeys: IndexKeys
  /// Empty in memory.
  @usableFromInline let record: EncodedRecord
  /// The document that is replaced or removed, and what the schema says of it, as last seen. The batch is done only if all of
  /// these are still there.
  @usableFromInline var old: Entry<Key, Document>?
  @usableFromInline var oldKeys = IndexKeys()
  /// Used if keys are not compared under locks.
  @usableFromInline var compared = ComparedEntries<Key, Document>()

  @inlinable
  init(
    _ operation: Batch<Key, Document>.Operation, shardCount: Int, _ schema: IndexSchema<Document>, isLogged: Bool
  ) throws(StoreError) {
    kind = operation.kind
    needsAbsence = operation.needsAbsence
    key = operation.key
    hash = operation.key.storeHash
    shard = Int(hash & UInt(shardCount - 1))
    new = operation.document.map { Entry(key: operation.key, document: $0) }
    do throws(StoreError) {
      newKeys = if let document = operation.document { try schema.keys(of: document) } else { IndexKeys() }
      record = isLogged ? try EncodedRecord(key: operation.key, document: operation.document) : .none
    } catch { throw error.about(operation.key) }
  }

  /// Whether there is something to do: not if there is nothing to remove.
  @inlinable var isEffective: Bool { new != nil || old != nil }
}
