/// A change of a store, told in the order of the log.
public enum Event<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  /// A document was inserted (`old` is nil) or replaced.
  case put(key: Key, old: Document?, new: Document, lsn: UInt64, shard: Int)
  case removed(key: Key, old: Document, lsn: UInt64, shard: Int)
  /// `removeAll` removed this many documents.
  case cleared(count: Int, lsn: UInt64)
  /// The subscriber was too slow: the `dropped` events before the next one are lost.
  case gap(dropped: Int)

  /// Nil for a gap.
  public var lsn: UInt64? {
    switch self {
    case .put(_, _, _, let lsn, _), .removed(_, _, let lsn, _), .cleared(_, let lsn): lsn
    case .gap: nil
    }
  }
}
