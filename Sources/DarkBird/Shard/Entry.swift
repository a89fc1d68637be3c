/// One version of a document. Immutable once it is in a shard, so that a reader that holds it needs no lock.
///
/// Unchecked: `number`, `hash` and `lsn` are set once, under the shard's lock, before the entry becomes visible through it;
/// the rest are constants of Sendable types.
@usableFromInline
final class Entry<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  /// The document's place, the same for all its versions; see `DocumentNumber`.
  @exclusivity(unchecked) @usableFromInline var number: DocumentNumber = 0
  /// A part of the key's hash, for tables that grow.
  @exclusivity(unchecked) @usableFromInline var hash: UInt32 = 0
  @exclusivity(unchecked) @usableFromInline var lsn: UInt64 = 0
  // Behind the rest, so that everything that is needed to find a document is in one cache line.
  @usableFromInline let key: Key
  @usableFromInline let document: Document

  /// Bytes of an entry, about.
  @inlinable @inline(__always)
  static var size: Int { 32 + MemoryLayout<Key>.stride + MemoryLayout<Document>.size }

  @inlinable
  init(key: Key, document: consuming Document) {
    self.key = key
    self.document = document
  }
}

/// By what the indexes know a document: the number of its slot, and of its shard in the lower bits. Documents that come one
/// after the other so have numbers that mostly go up, which is what ordered sets take best.
///
/// A store thus holds almost 2^32 documents at most, evenly spread over the shards; with 350 bytes each that is 1.5 TB. Keys with
/// poor hash values can fill one shard long before that: whoever adds a document asks `isFull` first.
@usableFromInline typealias DocumentNumber = UInt32

extension DocumentNumber {
  @inlinable @inline(__always)
  init(slot: Int, shard: Int, shardBits: UInt32) {
    precondition(slot < Self.slots(shardBits), "a document that has no number")
    self = DocumentNumber(truncatingIfNeeded: slot << shardBits | shard)
  }

  /// Documents that a shard can number: the highest number of all is nobody's, for tables add one to it.
  @inlinable @inline(__always)
  static func slots(_ shardBits: UInt32) -> Int { 1 &<< (32 &- Int(shardBits)) &- 1 }

  @inlinable @inline(__always)
  func shard(_ shardBits: UInt32) -> Int { Int(self & (1 &<< shardBits &- 1)) }

  @inlinable @inline(__always)
  func slot(_ shardBits: UInt32) -> Int { Int(self &>> shardBits) }
}
