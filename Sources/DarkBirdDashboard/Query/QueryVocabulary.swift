import DarkBird

/// The names that a query line may use, and what is known of their values.
package struct QueryVocabulary: Hashable, Sendable {
  var uniques: [String] = []
  /// Range fields, each with one of its values, which tells their type; nil where there is none, or are several types.
  var ranges: [String: IndexValue?] = [:]
  var tagFields: [String] = []
  /// Some tags, most frequent first, for completion.
  var tags: [String] = []
  /// Fields of which these are all tags.
  var wholeTagFields: Set<String> = []
  /// How many shards there are; nil if nobody knows.
  var shards: Int?

  package init() {}

  /// From names alone, before the store has been asked for values.
  init(_ schema: SchemaDescription) {
    uniques = schema.fields.unique + schema.computed.unique
    for name in schema.fields.ranges + schema.computed.ranges { ranges[name] = .some(nil) }
    tagFields = schema.fields.tags + schema.computed.tags
  }

  package init(_ outline: Outline) {
    uniques = outline.uniques.map(\.name)
    shards = outline.shards.isEmpty ? nil : outline.shards.count
    for range in outline.ranges { ranges[range.name] = .some(RangeText.sample(range.smallest, range.largest)) }
    tagFields = outline.tagFields.map(\.name)
    tags = outline.tagFields.flatMap(\.tags).sorted { ($1.count, $0.tag) < ($0.count, $1.tag) }.map(\.tag)
    wholeTagFields = Set(outline.tagFields.filter { $0.distinct <= $0.tags.count }.map(\.name))
  }

  var rangeNames: [String] { ranges.keys.sorted() }

  /// Whether tags need not look like `field=value`.
  var hasBareTags: Bool { tagFields.contains("") || tagFields.isEmpty && !tags.isEmpty }

  static func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
}
