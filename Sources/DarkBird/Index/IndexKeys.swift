/// A tag of a document and the number of the tag field in the schema that gave it.
struct Tag: Sendable {
  let text: String
  let field: UInt32
}

/// Everything under which one version of a document is indexed.
@usableFromInline
struct IndexKeys: Sendable {
  /// Values of the unique indexes, then of the range fields, in the order of the schema; nil where it is not indexed.
  var values: ContiguousArray<IndexValue?> = []
  /// Without repetition.
  var tags: ContiguousArray<Tag> = []

  static let none = IndexKeys()

  func hasTag(_ text: String) -> Bool { tags.contains { $0.text == text } }
}

/// What an index knows of a document: its number, its version and its index keys. The generic `Entry` adds the rest, so
/// that the indexes need not be generic.
///
/// Unchecked: `number` and `lsn` are set once, under the shard's lock, before the entry becomes visible through it.
@usableFromInline
class IndexedEntry: @unchecked Sendable {
  /// The document's place: slot times shards plus shard. The same for all versions of a document.
  final var number: UInt64 = 0
  @usableFromInline final var lsn: UInt64 = 0
  final let keys: IndexKeys

  init(keys: IndexKeys) { self.keys = keys }
}
