/// A part of the indexes with a lock of its own. What the subclasses hold is only touched under it.
class IndexStripe: @unchecked Sendable {
  let lock = Lock()
}

/// Owners of the values of one unique index, for a part of the values.
final class UniqueStripe: IndexStripe, @unchecked Sendable {
  // Unchecked: see `IndexStripe`.
  var owners: [IndexValue: IndexedEntry] = [:]
}

/// The documents of a range field in the order of their values.
final class RangeStripe: IndexStripe, @unchecked Sendable {
  // Unchecked: see `IndexStripe`.
  var documents = OrderedMap<RangeKey>()
}

/// The documents of a part of the tags.
final class TagStripe: IndexStripe, @unchecked Sendable {
  // Unchecked: see `IndexStripe`.
  struct Postings {
    /// Number of the tag field that first gave the tag.
    let field: Int
    /// By document number.
    var documents = OrderedMap<UInt64>()
  }

  private(set) var postings: [String: Postings] = [:]
  /// Pairs of document and tag, and distinct tags, by tag field.
  private(set) var entries: [Int]
  private(set) var distinct: [Int]

  init(fieldCount: Int) {
    entries = Array(repeating: 0, count: fieldCount)
    distinct = entries
  }

  func insert(_ tag: Tag, _ entry: IndexedEntry) {
    if let slot = postings.index(forKey: tag.text) {
      if postings.values[slot].documents.set(entry.number, entry) { entries[postings.values[slot].field] += 1 }
      return
    }
    var first = Postings(field: Int(tag.field))
    first.documents.set(entry.number, entry)
    postings[tag.text] = first
    entries[first.field] += 1
    distinct[first.field] += 1
  }

  func remove(_ tag: Tag, _ entry: IndexedEntry) {
    guard let slot = postings.index(forKey: tag.text) else { return }
    let field = postings.values[slot].field
    if postings.values[slot].documents.remove(entry.number) { entries[field] -= 1 }
    if postings.values[slot].documents.isEmpty {
      postings.remove(at: slot)
      distinct[field] -= 1
    }
  }

  func removeAll() {
    postings = [:]
    for field in entries.indices {
      entries[field] = 0
      distinct[field] = 0
    }
  }
}
