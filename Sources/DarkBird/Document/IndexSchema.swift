public import CDarkBird

/// What a document type has indexed: unique indexes, tags and range fields.
///
///     static let schema: IndexSchema<Player> = [
///       .unique("email", \.email), .tag("club", \.club), .tag("skill", each: \.skills), .range("age", \.age),
///     ]
///
/// Each element may decide for each document; nil means that this document is not in that index. The name of an element
/// made without `computed` is the name of the field in the encoded document: tools that know nothing of the Swift type
/// rebuild the index from it. So a unique index that leaves out documents whose field has a value, or changes it, must be
/// `computed`: such a tool would find one value with two owners, and refuse the store. Functions must be pure: they run when a
/// version of a document comes and again when it goes, under no lock, and must say the same both times.
public struct IndexSchema<Document>: Sendable, ExpressibleByArrayLiteral {
  public struct Element: Sendable {
    @usableFromInline
    enum Content: Sendable {
      case unique(
        @Sendable (Document) -> IndexValue?, isValue: @Sendable (Document, _ wanted: IndexValue) -> Bool,
        textAddress: @Sendable (Document) -> UInt)
      case range(@Sendable (Document) -> IndexValue?)
      /// Appends the tags of a document, for the tag field of this number.
      case tags(@Sendable (Document, _ field: UInt32, _ keys: inout IndexKeys) -> Void)
    }
    let name: String
    /// Whether `name` is a field of the encoded document.
    let isField: Bool
    let content: Content

    @usableFromInline
    init(name: String, isField: Bool, content: Content) {
      self.name = name
      self.isField = isField
      self.content = content
    }
  }

  @usableFromInline
  struct Values: Sendable {
    @usableFromInline let name: String
    let isField: Bool
    @usableFromInline let function: ValueFunction

    @inlinable
    func value(_ document: Document) -> IndexValue? { function.call(document) }
  }

  @usableFromInline
  struct Tags: Sendable {
    let name: String
    let isField: Bool
    @usableFromInline let function: TagFunction
  }

  // Functions in objects of their own, so that a call need not count a reference to what they have captured: threads that
  // count the same references slow each other more than all else. Unsafe corner: the schema keeps the objects meanwhile.

  @usableFromInline
  final class ValueFunction: Sendable {
    @usableFromInline let function: @Sendable (Document) -> IndexValue?

    init(_ function: @escaping @Sendable (Document) -> IndexValue?) { self.function = function }

    @inlinable @inline(__always)
    func call(_ document: Document) -> IndexValue? { function(document) }
  }

  /// Whether a document has a value, and where its text is, which can be fetched before that question. Made where the value's
  /// type is known, so that no copy of the value leaves the document: counting a reference to its text would have the next lookup
  /// wait for it.
  @usableFromInline
  final class ValueComparison: Sendable {
    @usableFromInline let function: @Sendable (Document, _ wanted: IndexValue) -> Bool
    @usableFromInline let textAddress: @Sendable (Document) -> UInt

    init(
      _ function: @escaping @Sendable (Document, _ wanted: IndexValue) -> Bool,
      textAddress: @escaping @Sendable (Document) -> UInt
    ) {
      self.function = function
      self.textAddress = textAddress
    }

    @inlinable @inline(__always)
    func call(_ document: Document, _ wanted: IndexValue) -> Bool { function(document, wanted) }
  }

  @usableFromInline
  final class TagFunction: Sendable {
    @usableFromInline let function: @Sendable (Document, _ field: UInt32, _ keys: inout IndexKeys) -> Void

    init(_ function: @escaping @Sendable (Document, _ field: UInt32, _ keys: inout IndexKeys) -> Void) {
      self.function = function
    }

    @inlinable @inline(__always)
    func call(_ document: Document, _ field: UInt32, _ keys: inout IndexKeys) { function(document, field, &keys) }
  }

  @usableFromInline let uniques: [Values]
  /// Of the unique indexes.
  @usableFromInline let comparisons: [ValueComparison]
  @usableFromInline let ranges: [Values]
  @usableFromInline let tagFields: [Tags]

  public init(arrayLiteral elements: Element...) { self.init(elements) }

  public init(_ elements: [Element]) {
    uniques = elements.compactMap {
      if case .unique(let value, _, _) = $0.content {
        Values(name: $0.name, isField: $0.isField, function: ValueFunction(value))
      } else {
        nil
      }
    }
    comparisons = elements.compactMap {
      if case .unique(_, let isValue, let textAddress) = $0.content {
        ValueComparison(isValue, textAddress: textAddress)
      } else {
        nil
      }
    }
    ranges = elements.compactMap {
      if case .range(let value) = $0.content {
        Values(name: $0.name, isField: $0.isField, function: ValueFunction(value))
      } else {
        nil
      }
    }
    tagFields = elements.compactMap {
      if case .tags(let tags) = $0.content {
        Tags(name: $0.name, isField: $0.isField, function: TagFunction(tags))
      } else {
        nil
      }
    }
  }

  /// Nothing is indexed.
  public init() { self.init([]) }

  @inlinable
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

  /// Of each kind: their numbers have 16 bits.
  static var indexesMax: Int { 65_536 }

  /// - Throws: `.invalidConfiguration` if two elements of one kind share a name, or a name is empty.
  @usableFromInline
  func validate() throws(StoreError) {
    for (kind, kinds, names) in [
      ("unique index", "unique indexes", uniques.map(\.name)), ("range field", "range fields", ranges.map(\.name)),
      ("tag field", "tag fields", tagFields.map(\.name)),
    ] {
      var seen: Set<String> = []
      for name in names {
        if name.isEmpty && kind != "tag field" { throw .invalidConfiguration(reason: "a \(kind) without a name") }
        if !seen.insert(name).inserted { throw .invalidConfiguration(reason: "two \(kinds) named '\(name)'") }
      }
      if names.count > Self.indexesMax {
        throw .invalidConfiguration(reason: "\(names.count) \(kinds); there can be \(Self.indexesMax)")
      }
    }
  }

  /// Everything under which a document is indexed.
  /// - Throws: `.invalidIndexValue` for a NaN.
  @inlinable
  func keys(of document: Document) throws(StoreError) -> IndexKeys {
    var keys = IndexKeys()
    if isEmpty { return keys }
    keys.values.reserveCapacity(uniques.count + ranges.count)
    keys.tags.reserveCapacity(tagFields.count)
    try fillUniques(&keys, of: document)
    try fillRest(&keys, of: document)
    return keys
  }

  /// The first part of the same, in keys that are empty but may have memory: unique values and their hashes.
  @inlinable
  func fillUniques(_ keys: inout IndexKeys, of document: Document) throws(StoreError) {
    // By index, and without a method of the element: a copy of it would count references.
    for index in uniques.indices {
      let value = Unmanaged.passUnretained(uniques[index].function)._withUnsafeGuaranteedRef { $0.call(document) }
      if let value, value.isNaN { throw Self.nan(uniques[index].name) }
      keys.values.append((value, value.map { $0.storeHash } ?? 0))
    }
  }

  /// The second part: range fields and tags.
  @inlinable
  func fillRest(_ keys: inout IndexKeys, of document: Document) throws(StoreError) {
    for index in ranges.indices {
      let value = Unmanaged.passUnretained(ranges[index].function)._withUnsafeGuaranteedRef { $0.call(document) }
      if let value, value.isNaN { throw Self.nan(ranges[index].name) }
      keys.values.append((value, 0))
    }
    for index in tagFields.indices {
      Unmanaged.passUnretained(tagFields[index].function)._withUnsafeGuaranteedRef {
        $0.call(document, UInt32(index), &keys)
      }
    }
  }

  /// Whether a document has a value of a unique index.
  @inlinable @inline(__always)
  func isUnique(_ index: Int, of document: Document, _ wanted: IndexValue) -> Bool {
    Unmanaged.passUnretained(comparisons[index])._withUnsafeGuaranteedRef { $0.call(document, wanted) }
  }

  /// Has the text of a document's value of a unique index fetched from memory: its beginning, which is often all of it.
  @inlinable @inline(__always)
  func prefetchUnique(_ index: Int, of document: Document) {
    let address = Unmanaged.passUnretained(comparisons[index])._withUnsafeGuaranteedRef { $0.textAddress(document) }
    if let text = UnsafeRawPointer(bitPattern: address) { db_prefetch(text, 64) }
  }

  @usableFromInline
  static func nan(_ name: String) -> StoreError {
    .invalidIndexValue(index: name, reason: "NaN has no place in an order")
  }
}

extension IndexSchema.Element {
  /// At most one document for each value of a field.
  /// - Parameter value: that of the field as it is encoded; nil only where the field has none.
  @inlinable
  public static func unique<V: IndexValueConvertible>(
    _ field: String, _ value: @escaping @Sendable (Document) -> V?
  ) -> Self {
    // To make a text of another value takes longer than to wait for memory.
    let isText = V.self == String.self
    return Self(
      name: field, isField: true,
      content: uniqueContent(value) { isText ? value($0)?.indexValue.textAddress ?? 0 : 0 })
  }

  /// At most one document for each computed value.
  @inlinable
  public static func unique<V: IndexValueConvertible>(
    computed name: String, _ value: @escaping @Sendable (Document) -> V?
  ) -> Self {
    // To compute a value takes longer than to wait for memory.
    Self(name: name, isField: false, content: uniqueContent(value) { _ in 0 })
  }

  @inlinable @inline(__always)
  static func uniqueContent<V: IndexValueConvertible>(
    _ value: @escaping @Sendable (Document) -> V?, textAddress: @escaping @Sendable (Document) -> UInt
  ) -> Content {
    .unique(
      { value($0)?.indexValue }, isValue: { value($0)?.indexValue.isSame(as: $1) ?? false },
      textAddress: textAddress)
  }

  /// An ordered index of a field, for range queries.
  @inlinable
  public static func range<V: IndexValueConvertible>(
    _ field: String, _ value: @escaping @Sendable (Document) -> V?
  ) -> Self {
    Self(name: field, isField: true, content: .range { value($0)?.indexValue })
  }

  /// An ordered index of a computed value.
  @inlinable
  public static func range<V: IndexValueConvertible>(
    computed name: String, _ value: @escaping @Sendable (Document) -> V?
  ) -> Self {
    Self(name: name, isField: false, content: .range { value($0)?.indexValue })
  }

  /// One tag a document: `field=value`. NaN is none.
  @inlinable
  public static func tag<V: IndexValueConvertible>(
    _ field: String, _ value: @escaping @Sendable (Document) -> V?
  ) -> Self {
    let prefix = TagPrefix(field)
    return Self(
      name: field, isField: true,
      content: .tags { document, number, keys in
        if let value = value(document), let name = prefix.tag(value.indexValue) {
          keys.append(Tag(name, field: number))
        }
      })
  }

  /// One tag `field=value` for each element that is not NaN.
  @inlinable
  public static func tag<C: Collection & SendableMetatype>(
    _ field: String, each values: @escaping @Sendable (Document) -> C?
  ) -> Self where C.Element: IndexValueConvertible {
    let prefix = TagPrefix(field)
    return Self(
      name: field, isField: true,
      content: .tags { document, number, keys in
        guard let values = values(document) else { return }
        keys.append(values, field: number) { prefix.tag($0.indexValue) }
      })
  }

  /// Tags as they are, such as `vip`.
  public static func tags(
    computed name: String = "", _ tags: @escaping @Sendable (Document) -> [String]
  ) -> Self {
    Self(
      name: name, isField: false,
      content: .tags { document, number, keys in
        keys.append(tags(document), field: number) { TagName($0) }
      })
  }
}

/// What the tags of a field begin with.
@usableFromInline
struct TagPrefix: Sendable {
  @usableFromInline let text: String
  @usableFromInline let hash: UInt
  /// Whether the sign at the end is the only one.
  @usableFromInline let isWhole: Bool

  @usableFromInline
  init(_ field: String) {
    text = "\(field)="
    hash = text.storeHash
    isWhole = !field.utf8.contains(UInt8(ascii: "="))
  }

  @inlinable
  func tag(_ value: IndexValue) -> TagName? {
    if isWhole, case .string(let value) = value {
      return TagName(field: text, fieldHash: hash, value: value)
    }
    return slowTag(value)
  }

  @usableFromInline
  func slowTag(_ value: IndexValue) -> TagName? {
    if value.isNaN { return nil }
    return isWhole
      ? TagName(field: text, fieldHash: hash, value: value.description) : TagName(text + value.description)
  }
}
