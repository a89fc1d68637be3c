/// One version of a document. Immutable once it is in a shard, so that a reader that holds it needs no lock.
///
/// Unchecked: `number`, `hash` and `lsn` are set once, under the shard's lock, before the entry becomes visible through it;
/// the rest are constants of Sendable types.
@usableFromInline
final class Entry<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  @usableFromInline let key: Key
  @usableFromInline let document: Document
  /// The document's place, the same for all its versions; see `DocumentNumber`.
  @usableFromInline var number: DocumentNumber = 0
  /// A part of the key's hash, for tables that grow.
  @usableFromInline var hash: UInt32 = 0
  @usableFromInline var lsn: UInt64 = 0

  @inlinable
  init(key: Key, document: Document) {
    self.key = key
    self.document = document
  }
}

/// Number of the shard (in the upper bits) and of the slot in it: 32 bits, by which the indexes know a document.
///
/// A store thus holds 2^32 documents at most, evenly spread over the shards; with 350 bytes each that is 1.5 TB.
@usableFromInline typealias DocumentNumber = UInt32
