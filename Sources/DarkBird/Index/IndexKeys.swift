/// Everything under which one version of a document is indexed. Made outside of all locks by the functions of the schema, for a
/// version that comes and for the one that it replaces; nothing of it is kept with the document.
@usableFromInline
struct IndexKeys: Sendable {
  /// Values of the unique indexes, then of the range fields, in the order of the schema; nil where it is not indexed. With
  /// the hashes of the unique ones.
  @usableFromInline var values: ContiguousArray<(value: IndexValue?, hash: UInt)> = []
  /// Without repetition.
  @usableFromInline var tags: ContiguousArray<Tag> = []

  @usableFromInline
  init() {}

  /// Keeps the memory. One by one, for the library destroys many elements by a function that asks for their types again and
  /// again.
  @inlinable
  mutating func removeAll() {
    while !values.isEmpty { values.removeLast() }
    while !tags.isEmpty { tags.removeLast() }
  }

  /// Compares hashes first, which needs no copy of a name.
  @inlinable @inline(__always)
  func hasTag(_ name: TagName) -> Bool {
    for index in tags.indices where tags[index].name.hash == name.hash && tags[index].name == name { return true }
    return false
  }

  /// Whether there is a value at `index` that others do not have. Counts no references, which a copy of the value would.
  @inline(__always)
  func hasValue(_ index: Int, notIn others: IndexKeys) -> Bool {
    values.withUnsafeBufferPointer { own in
      guard index < own.count, own[index].value != nil else { return false }
      return others.values.withUnsafeBufferPointer { $0.isEmpty || $0[index].value != own[index].value }
    }
  }

  /// Tags from which on they are looked for in a set: a text may have thousands of words.
  @usableFromInline static var manyTags: Int { 64 }

  /// Their names, where there are many.
  var tagSet: Set<TagName>? { tags.count < Self.manyTags ? nil : Set(tags.lazy.map(\.name)) }

  @inlinable
  mutating func append(_ tag: consuming Tag) {
    if !hasTag(tag.name) { tags.append(tag) }
  }

  /// Appends the tags of one field.
  @inlinable
  mutating func append<Values: Collection>(
    _ values: Values, field: UInt32, _ name: (Values.Element) -> TagName?
  ) {
    var seen = tags.count + values.count < Self.manyTags ? nil : Set(tags.lazy.map(\.name))
    for value in values {
      guard let name = name(value), seen?.insert(name).inserted ?? !hasTag(name) else { continue }
      tags.append(Tag(name, field: field))
    }
  }
}

/// Texts such as `club=Ajax`. All by bytes, as a schema puts `club=` before any value: a value may begin with a mark, which joins the
/// sign to one character.
extension String {
  /// What stands before the first "=" and after it; nil if there is none.
  package var nameAndValue: (name: String, value: String)? {
    guard let sign = utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
    return (String(self[..<sign]), String(self[utf8.index(after: sign)...]))
  }

  /// What stands after `name=`; nil if it does not begin so.
  package func value(ofName name: String) -> String? {
    let start = name + "="
    return utf8.starts(with: start.utf8) ? String(self[utf8.index(startIndex, offsetBy: start.utf8.count)...]) : nil
  }
}

/// The text of a tag, in two parts so that `field=value` need not be put together to find it.
@usableFromInline
struct TagName: Sendable, Hashable {
  /// Up to and with the first "="; empty if there is none.
  @usableFromInline let field: String
  @usableFromInline let value: String
  @usableFromInline let hash: UInt

  /// - Parameters:
  ///   - field: ends with the only "=" in it.
  ///   - fieldHash: its hash value.
  @inlinable
  init(field: String, fieldHash: UInt, value: String) {
    self.field = field
    self.value = value
    // Not the same for both: or all tags whose value is their field's name and "=" would have one hash.
    hash = (fieldHash &* 0x9E37_79B9_7F4A_7C15) ^ value.storeHash
  }

  @usableFromInline
  init(_ text: String) {
    if let (name, value) = text.nameAndValue {
      let field = name + "="
      self.init(field: field, fieldHash: field.storeHash, value: value)
    } else {
      self.init(field: "", fieldHash: "".storeHash, value: text)
    }
  }

  var text: String { field + value }

  @inlinable
  static func == (left: TagName, right: TagName) -> Bool {
    left.hash == right.hash && left.value == right.value && left.field == right.field
  }

  @inlinable
  func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}

/// A tag of a document and the number of the tag field in the schema that gave it.
@usableFromInline
struct Tag: Sendable {
  @usableFromInline let name: TagName
  @usableFromInline let field: UInt32

  @inlinable
  init(_ name: TagName, field: UInt32) {
    self.name = name
    self.field = field
  }
}
