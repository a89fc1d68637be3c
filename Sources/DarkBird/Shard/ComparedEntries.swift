public import Foundation

extension DocumentKey {
  /// Whether keys may be compared under a lock. Those of the library's own conformances do nothing but compare; the `==` of any
  /// other type is user code, which may read the store, or take a lock that someone holds who writes to it.
  ///
  /// A constant wherever the type is known to the compiler.
  @inlinable @inline(__always)
  static var areComparedUnderLocks: Bool {
    Self.self == UInt64.self || Self.self == Int.self || Self.self == String.self || Self.self == UUID.self
      || Self.self == Int64.self || Self.self == UInt32.self || Self.self == Int32.self || Self.self == Value.self
      || planted(.ownKeysComparedUnderLocks)
  }
}

/// Which entries are under a key whose type has an `==` that must not run under a lock: they are compared under none, and told
/// apart by identity once the lock is held. Refers to them, so that no other entry comes to be where one of them was.
@usableFromInline
struct ComparedEntries<Key: DocumentKey, Document: DarkBird.Document> {
  @usableFromInline typealias Element = Entry<Key, Document>

  /// The one that is under the key, or was.
  @usableFromInline var equal: Element?
  /// Others with the same hash.
  @usableFromInline var different: [ObjectIdentifier: Element] = [:]
  /// Found under the lock and not compared yet.
  @usableFromInline var unknown: [Element] = []

  @inlinable
  init() {}

  /// Under no lock.
  @inlinable
  mutating func compareUnknown(with key: Key) {
    for entry in unknown {
      if entry.key == key { equal = entry } else { different[ObjectIdentifier(entry)] = entry }
    }
    unknown = []
  }
}

extension Shard {
  /// The entry under a key, as far as it was compared. Must be called under the lock; if `unknown` is not empty then, after it
  /// has been compared under no lock again.
  @inlinable
  func find(_ compared: inout ComparedEntries<Key, Document>, hash: UInt) -> Entry<Key, Document>? {
    typealias Word = EntryWord<Entry<Key, Document>>
    let view = WordView<Word>(words: contents.pointee.map.table.words, capacity: contents.pointee.map.table.capacity)
    let equal = view.first(from: Word.home(hash, capacity: view.capacity)) { word in
      if word & Word.bitsMask != Word.bits(hash) { return false }
      let entry = Word.entry(word).takeUnretainedValue()
      if entry === compared.equal { return true }
      if entry.hash == Word.kept(hash), compared.different[ObjectIdentifier(entry)] == nil,
        !planted(.entryNotCompared)
      {
        compared.unknown.append(entry)
      }
      return false
    }
    if equal == nil { return nil }
    // No other can be under the key.
    compared.unknown = []
    return compared.equal
  }
}
