/// Owners of the values of one unique index, for a part of the values.
///
/// Unchecked, as the other stripes: what they hold is only touched under their lock, which `IndexSet` has.
final class UniqueStripe: @unchecked Sendable {
  var owners: OwnerTable

  init(_ owners: OwnerTable = OwnerTable()) { self.owners = owners }
}

/// The documents of a part of the tags.
final class TagStripe: @unchecked Sendable {
  var postings: TagPostings

  init(_ postings: TagPostings) { self.postings = postings }
}

/// The documents of a range field in the order of their values.
final class RangeStripe: @unchecked Sendable {
  var documents: OrderedMap<IndexValue, DocumentSet>

  init(_ documents: OrderedMap<IndexValue, DocumentSet> = OrderedMap()) { self.documents = documents }
}

final class IndexLock: Sendable {
  let lock = Lock()
}

/// Documents by tag. A copy is a snapshot.
struct TagPostings: Sendable {
  struct Posting: Sendable {
    /// Number of the tag field that first gave the tag.
    let field: Int
    var documents: DocumentSet
  }

  private(set) var byTag: [TagName: Posting] = [:]
  /// Pairs of document and tag, and distinct tags, by tag field.
  private(set) var entries: [Int]
  private(set) var distinct: [Int]

  init(fieldCount: Int) {
    entries = Array(repeating: 0, count: fieldCount)
    distinct = entries
  }

  mutating func insert(_ tag: Tag, _ number: DocumentNumber) {
    if let slot = byTag.index(forKey: tag.name) {
      if byTag.values[slot].documents.insert(number) { entries[byTag.values[slot].field] += 1 }
      return
    }
    let field = Int(tag.field)
    byTag[tag.name] = Posting(field: field, documents: DocumentSet(number))
    entries[field] += 1
    distinct[field] += 1
  }

  mutating func remove(_ tag: TagName, _ number: DocumentNumber) {
    guard let slot = byTag.index(forKey: tag) else { return }
    let field = byTag.values[slot].field
    switch byTag.values[slot].documents.remove(number) {
    case .notThere: break
    case .removed: entries[field] -= 1
    case .removedLast:
      entries[field] -= 1
      distinct[field] -= 1
      byTag.remove(at: slot)
    }
  }

  mutating func removeAll() { self = TagPostings(fieldCount: entries.count) }
}
