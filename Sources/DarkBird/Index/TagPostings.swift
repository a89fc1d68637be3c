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
    if !byTag.values[slot].documents.remove(number) { return }
    entries[field] -= 1
    if byTag.values[slot].documents.isEmpty {
      distinct[field] -= 1
      byTag.remove(at: slot)
    }
  }

  mutating func removeAll() { self = TagPostings(fieldCount: entries.count) }
}
