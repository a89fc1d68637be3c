package import DarkBird

/// A tag of a query that no document has now, and the one of those there are that may be meant.
package struct UnknownTag: Hashable, Sendable, CustomStringConvertible {
  package var tag: String
  package var nearest: String?

  package init(tag: String, nearest: String? = nil) {
    self.tag = tag
    self.nearest = nearest
  }

  package var description: String {
    "no document has tag \(tag)" + (nearest.map { "; did you mean \($0)?" } ?? "")
  }
}

extension Store {
  /// Tags of a field that are compared with one that is unknown: more would take too long.
  private static var comparedTagsMax: Int { 200_000 }

  /// The tags of a query that no document has. That is no error: one may come that does.
  /// - Complexity: O(log n) for each tag, and O(distinct tags of its field) for one that is unknown.
  package func unknownTags(in query: Query) throws -> [UnknownTag] {
    var asked: Set<String> = []
    let unknown = try (query.allTags + query.anyTags + query.noTags).filter { tag in
      guard asked.insert(tag).inserted else { return false }
      return try explain(Query(allTags: [tag])).candidates == 0
    }
    return try unknown.map { UnknownTag(tag: $0, nearest: try nearestTag(to: $0)) }
  }

  /// What else there is to say of a query, in words: a range beside all values, a number that no document has, documents that an
  /// order leaves out.
  /// - Complexity: O(log n) for each range; what an order leaves out is counted, if no more than `candidatesMax` documents have
  ///   to be looked at for that.
  package func notes(on query: Query, candidatesMax: Int = .max) throws -> [String] {
    var notes: [String] = []
    for condition in query.ranges {
      guard let values = try values(of: condition.field) else { continue }
      let isAbove =
        switch condition.range.lower {
        case .unbounded: false
        case .included(let value): value > values.max
        case .excluded(let value): value >= values.max
        }
      let isBelow =
        switch condition.range.upper {
        case .unbounded: false
        case .included(let value): value < values.min
        case .excluded(let value): value <= values.min
        }
      if isAbove { notes.append("the largest \(condition.field) is \(Self.text(values.max))") }
      if isBelow { notes.append("the smallest \(condition.field) is \(Self.text(values.min))") }
      if !isAbove, !isBelow, let number = Self.only(condition.range) {
        var query = Query()
        query.ranges = [condition]
        if try count(query) == 0 {
          notes.append("no \(condition.field) is exactly \(Self.text(number)); \(number).. is that and above")
        }
      }
    }
    if let field = query.orderBy, !query.ranges.contains(where: { $0.field == field }) {
      var unordered = query
      unordered.orderBy = nil
      let conditions = query.allTags.count + query.anyTags.count + query.noTags.count + query.ranges.count
      if conditions == 0 ? true : try explain(unordered).candidates <= candidatesMax {
        let missing = try count(unordered) - count(query)
        if missing > 0 { notes.append("\(Format.grouped(missing)) without \(field) are left out") }
      }
    }
    return notes
  }

  /// The number that a range is, if it has but one.
  private static func only(_ range: IndexRange) -> IndexValue? {
    guard case .included(let low) = range.lower, case .included(let high) = range.upper, low == high else { return nil }
    return switch low {
    case .int, .double: low
    case .bool, .date, .string: nil
    }
  }

  private static func text(_ value: IndexValue) -> String {
    if case .int(let number) = value { return Format.grouped(Int(number)) }
    return Format.shortDate(value.description)
  }

  private func nearestTag(to tag: String) throws -> String? {
    let fields = schema.fields.tags + schema.computed.tags
    let field = fields.first { !$0.isEmpty && tag.value(ofName: $0) != nil } ?? ""
    guard fields.contains(field) else { return nil }
    let prefix = field.isEmpty ? "" : field + "="
    let distinct = statistics(exactIndexCounts: false).indexes.first { $0.kind == .tag && $0.name == field }?.distinct
    guard distinct ?? 0 <= Self.comparedTagsMax else { return nil }
    func value(_ tag: String) -> String { field.isEmpty ? tag : tag.value(ofName: field) ?? tag }
    let known = try tags(of: field).map { value($0.tag) }
    return Spelling.nearest(to: value(tag), in: known).map { prefix + $0 }
  }
}
