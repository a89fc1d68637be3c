/// A change of a store, told in the order of the log.
public enum Event<Key: DocumentKey, Document: DarkBird.Document>: Sendable {
  /// A document was inserted (`old` is nil) or replaced.
  case put(key: Key, old: Document?, new: Document, lsn: UInt64, shard: Int)
  case removed(key: Key, old: Document, lsn: UInt64, shard: Int)
  /// A put or a removal as the log has it: the document that is under the key from then on, nil if it was removed. What was
  /// there before, the log does not know. Only `Store.events(from:)` tells of the past.
  case replayed(key: Key, document: Document?, lsn: UInt64, shard: Int)
  /// `removeAll` removed this many documents; nil if that is read from the log, which does not know.
  case cleared(count: Int?, lsn: UInt64)
  /// The subscriber was too slow: the `dropped` events before the next one are lost.
  case gap(dropped: Int)

  /// Nil for a gap.
  public var lsn: UInt64? {
    switch self {
    case .put(_, _, _, let lsn, _), .removed(_, _, let lsn, _), .replayed(_, _, let lsn, _), .cleared(_, let lsn): lsn
    case .gap: nil
    }
  }

  /// Nil if all documents, or none, are meant.
  public var key: Key? {
    switch self {
    case .put(let key, _, _, _, _), .removed(let key, _, _, _), .replayed(let key, _, _, _): key
    case .cleared, .gap: nil
    }
  }

  /// Whether a subscriber with this filter wants it. A gap is for everyone.
  @inlinable
  func passes(_ filter: (@Sendable (Event) -> Bool)?) -> Bool {
    guard let filter else { return true }
    if case .gap = self { return true }
    return filter(self)
  }
}

extension Event {
  /// By whoever has all later changes.
  @inlinable
  init(_ change: Change<Key, Document>, shardBits: UInt32) {
    switch change {
    // Not retained either: see `Change`.
    case .replaced(let old, let new?, let lsn):
      self = new._withUnsafeGuaranteedRef { new in
        .put(
          key: new.key, old: old?._withUnsafeGuaranteedRef(\.document), new: new.document, lsn: lsn,
          shard: new.number.shard(shardBits))
      }
    case .replaced(let old?, nil, let lsn):
      self = old._withUnsafeGuaranteedRef { old in
        .removed(key: old.key, old: old.document, lsn: lsn, shard: old.number.shard(shardBits))
      }
    case .replaced(nil, nil, _): preconditionFailure("a change of nothing")
    case .cleared(let count, let lsn): self = .cleared(count: count, lsn: lsn)
    }
  }
}
