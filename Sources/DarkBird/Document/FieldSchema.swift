/// Fields of schemaless documents that are indexed, by name. A dotted name reaches into nested maps; a tag field that
/// holds an array gives one tag for each element.
public struct FieldSchema: Sendable, Hashable, Codable {
  public var unique: [String]
  public var tags: [String]
  public var ranges: [String]

  public init(unique: [String] = [], tags: [String] = [], ranges: [String] = []) {
    self.unique = unique
    self.tags = tags
    self.ranges = ranges
  }

  public var isEmpty: Bool { unique.isEmpty && tags.isEmpty && ranges.isEmpty }
}

/// Names of the indexes of a store: those made of fields, which any tool can rebuild, and those that the program computes.
public struct SchemaDescription: Sendable, Hashable, Codable {
  public var fields = FieldSchema()
  public var computed = FieldSchema()

  public init() {}
}

extension IndexSchema where Document == Record {
  /// The schema of a store of records, from names known at run time.
  public init(_ fields: FieldSchema) {
    self.init(
      fields.unique.map { name in .unique(name) { $0.value(at: name)?.indexValue } }
        + fields.ranges.map { name in .range(name) { $0.value(at: name)?.indexValue } }
        + fields.tags.map { name in .tag(name, each: { $0.value(at: name)?.indexValues }) })
  }
}

extension Value {
  /// The value as an index holds it; nil for null, bytes, arrays, maps, NaN and integers beyond Int64.
  public var indexValue: IndexValue? {
    switch self {
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .double(let value): value.isNaN ? nil : .double(value)
    case .string(let value): .string(value)
    case .date(let value): value.isNaN ? nil : .date(value)
    case .unsigned(let value): Int64(exactly: value).map { .int($0) }
    case .null, .bytes, .array, .map: nil
    }
  }

  /// An array's elements, anything else as itself.
  fileprivate var indexValues: [IndexValue] {
    if case .array(let elements) = self { return elements.compactMap(\.indexValue) }
    return indexValue.map { [$0] } ?? []
  }
}
