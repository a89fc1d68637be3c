/// What a document type has indexed: unique indexes, tags and range fields.
///
///     static let schema: IndexSchema<Player> = [
///       .unique("email", \.email), .tag("club", \.club), .tag("skill", each: \.skills), .range("age", \.age),
///     ]
///
/// Each element may decide for each document; nil means that this document is not in that index. The name of an element
/// made without `computed` is the name of the field in the encoded document: tools that know nothing of the Swift type
/// rebuild the index from it. Functions must be pure: they run once for each version of a document, under no lock.
public struct IndexSchema<Document>: Sendable, ExpressibleByArrayLiteral {
  public struct Element: Sendable {
    enum Content: Sendable {
      case unique(@Sendable (Document) -> IndexValue?)
      case range(@Sendable (Document) -> IndexValue?)
      /// Gives whole tags.
      case tags(@Sendable (Document) -> [String])
    }
    let name: String
    /// Whether `name` is a field of the encoded document.
    let isField: Bool
    let content: Content
  }

  let uniques: [(name: String, isField: Bool, value: @Sendable (Document) -> IndexValue?)]
  let ranges: [(name: String, isField: Bool, value: @Sendable (Document) -> IndexValue?)]
  let tagFields: [(name: String, isField: Bool, tags: @Sendable (Document) -> [String])]

  public init(arrayLiteral elements: Element...) { self.init(elements) }

  public init(_ elements: [Element]) {
    uniques = elements.compactMap {
      if case .unique(let value) = $0.content { ($0.name, $0.isField, value) } else { nil }
    }
    ranges = elements.compactMap {
      if case .range(let value) = $0.content { ($0.name, $0.isField, value) } else { nil }
    }
    tagFields = elements.compactMap {
      if case .tags(let tags) = $0.content { ($0.name, $0.isField, tags) } else { nil }
    }
  }

  /// Nothing is indexed.
  public init() { self.init([]) }

  public var isEmpty: Bool { uniques.isEmpty && ranges.isEmpty && tagFields.isEmpty }

  /// Names and kinds, as the manifest of a store on disk keeps them.
  public var description: SchemaDescription {
    var description = SchemaDescription()
    description.fields.unique = uniques.filter(\.isField).map(\.name)
    description.fields.ranges = ranges.filter(\.isField).map(\.name)
    description.fields.tags = tagFields.filter(\.isField).map(\.name)
    description.computed.unique = uniques.filter { !$0.isField }.map(\.name)
    description.computed.ranges = ranges.filter { !$0.isField }.map(\.name)
    description.computed.tags = tagFields.filter { !$0.isField }.map(\.name)
    return description
  }

  /// - Throws: `.invalidConfiguration` if two elements of one kind share a name, or a name is empty.
  func validate() throws(StoreError) {
    for (kind, names) in [
      ("unique index", uniques.map(\.name)), ("range field", ranges.map(\.name)), ("tag field", tagFields.map(\.name)),
    ] {
      var seen: Set<String> = []
      for name in names {
        if name.isEmpty && kind != "tag field" { throw .invalidConfiguration(reason: "a \(kind) without a name") }
        if !seen.insert(name).inserted { throw .invalidConfiguration(reason: "two \(kind)s named '\(name)'") }
      }
    }
  }

  /// Everything under which a document is indexed.
  /// - Throws: `.invalidIndexValue` for a NaN.
  func keys(of document: Document) throws(StoreError) -> IndexKeys {
    if isEmpty { return IndexKeys.none }
    var keys = IndexKeys()
    keys.values.reserveCapacity(uniques.count + ranges.count)
    for (name, _, value) in uniques { keys.values.append(try checked(value(document), name)) }
    for (name, _, value) in ranges { keys.values.append(try checked(value(document), name)) }
    for (field, element) in tagFields.enumerated() {
      for text in element.tags(document) where !keys.hasTag(text) {
        keys.tags.append(Tag(text: text, field: UInt32(field)))
      }
    }
    return keys
  }

  private func checked(_ value: IndexValue?, _ name: String) throws(StoreError) -> IndexValue? {
    if let value, value.isNaN { throw .invalidIndexValue(index: name, reason: "NaN has no place in an order") }
    return value
  }
}

extension IndexSchema.Element {
  /// At most one document for each value of a field.
  public static func unique<V: IndexValueConvertible>(
    _ field: String, _ value: @escaping @Sendable (Document) -> V?
  ) -> Self {
    Self(name: field, isField: true, content: .unique { value($0)?.indexValue })
  }

  /// At most one document for each computed value.
  public static func unique<V: IndexValueConvertible>(
    computed name: String, _ value: @escaping @Sendable (Document) -> V?
  ) -> Self {
    Self(name: name, isField: false, content: .unique { value($0)?.indexValue })
  }

  /// An ordered index of a field, for range queries.
  public static func range<V: IndexValueConvertible>(
    _ field: String, _ value: @escaping @Sendable (Document) -> V?
  ) -> Self {
    Self(name: field, isField: true, content: .range { value($0)?.indexValue })
  }

  /// An ordered index of a computed value.
  public static func range<V: IndexValueConvertible>(
    computed name: String, _ value: @escaping @Sendable (Document) -> V?
  ) -> Self {
    Self(name: name, isField: false, content: .range { value($0)?.indexValue })
  }

  /// One tag a document: `field=value`.
  public static func tag<V: IndexValueConvertible>(
    _ field: String, _ value: @escaping @Sendable (Document) -> V?
  ) -> Self {
    Self(name: field, isField: true, content: .tags { value($0).map { [tagText(field, $0.indexValue)] } ?? [] })
  }

  /// One tag `field=value` for each element.
  public static func tag<C: Collection & SendableMetatype>(
    _ field: String, each values: @escaping @Sendable (Document) -> C?
  ) -> Self where C.Element: IndexValueConvertible {
    Self(
      name: field, isField: true,
      content: .tags { values($0)?.map { tagText(field, $0.indexValue) } ?? [] })
  }

  /// Tags as they are, such as `vip`.
  public static func tags(
    computed name: String = "", _ tags: @escaping @Sendable (Document) -> [String]
  ) -> Self {
    Self(name: name, isField: false, content: .tags(tags))
  }
}

/// The tag of a field's value: `field=value`.
func tagText(_ field: String, _ value: IndexValue) -> String { "\(field)=\(value)" }

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
    case .date(let value): .date(value)
    case .null, .unsigned, .bytes, .array, .map: nil
    }
  }

  /// An array's elements, anything else as itself.
  fileprivate var indexValues: [IndexValue] {
    if case .array(let elements) = self { return elements.compactMap(\.indexValue) }
    return indexValue.map { [$0] } ?? []
  }
}
