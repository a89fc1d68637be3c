import DarkBird

/// One place where an index holds a document.
struct IndexEntry: Hashable, Sendable {
  var kind: StoreStatistics.Index.Kind
  var name: String
  var value: String

  /// Where a document is found, as far as its fields tell; what the program computes is not among them.
  static func all(of record: Record, in schema: SchemaDescription) -> [IndexEntry] {
    var entries: [IndexEntry] = []
    for name in schema.fields.unique {
      if let value = record.value(at: name)?.indexValue {
        entries.append(IndexEntry(kind: .unique, name: name, value: value.description))
      }
    }
    for name in schema.fields.ranges {
      if let value = record.value(at: name)?.indexValue {
        entries.append(IndexEntry(kind: .range, name: name, value: value.description))
      }
    }
    for name in schema.fields.tags {
      for value in elements(record.value(at: name)) {
        entries.append(IndexEntry(kind: .tag, name: name, value: value.description))
      }
    }
    return entries
  }

  private static func elements(_ value: Value?) -> [IndexValue] {
    if case .array(let elements)? = value { return elements.compactMap(\.indexValue) }
    return value?.indexValue.map { [$0] } ?? []
  }
}
