/// One version of a document. Immutable once published, so that a reader that holds it needs no lock.
@usableFromInline
final class Entry<Key: DocumentKey, Document: DarkBird.Document>: IndexedEntry, @unchecked Sendable {
  // Unchecked: `key` and `document` are constants of Sendable types; for the rest see `IndexedEntry`.
  @usableFromInline let key: Key
  @usableFromInline let document: Document

  init(key: Key, document: Document, keys: IndexKeys) {
    self.key = key
    self.document = document
    super.init(keys: keys)
  }
}
