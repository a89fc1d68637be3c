import Foundation

/// One end of a range.
public enum IndexBound: Sendable, Hashable {
  case unbounded
  case included(IndexValue)
  case excluded(IndexValue)

  var value: IndexValue? {
    switch self {
    case .unbounded: nil
    case .included(let value), .excluded(let value): value
    }
  }
}

/// A range of index values: open, half-open or closed at either end.
///
/// With one bound the range stays within the bound's type: `.atLeast(5)` means numbers from 5 upwards, not the strings
/// that the order puts after all numbers.
public struct IndexRange: Sendable, Hashable {
  public var lower: IndexBound
  public var upper: IndexBound

  public init(lower: IndexBound, upper: IndexBound) {
    self.lower = lower
    self.upper = upper
  }

  /// All values of the field.
  public static let all = IndexRange(lower: .unbounded, upper: .unbounded)
  /// One value.
  public static func exactly(_ value: some IndexValueConvertible) -> IndexRange { closed(value, value) }
  /// With both bounds.
  public static func closed(_ lower: some IndexValueConvertible, _ upper: some IndexValueConvertible) -> IndexRange {
    IndexRange(lower: .included(lower.indexValue), upper: .included(upper.indexValue))
  }
  /// With the lower bound, without the upper one.
  public static func halfOpen(_ lower: some IndexValueConvertible, _ upper: some IndexValueConvertible) -> IndexRange {
    IndexRange(lower: .included(lower.indexValue), upper: .excluded(upper.indexValue))
  }
  /// With its bound.
  public static func atLeast(_ value: some IndexValueConvertible) -> IndexRange {
    IndexRange(lower: .included(value.indexValue), upper: .unbounded)
  }
  /// Without its bound.
  public static func greater(than value: some IndexValueConvertible) -> IndexRange {
    IndexRange(lower: .excluded(value.indexValue), upper: .unbounded)
  }
  /// With its bound.
  public static func atMost(_ value: some IndexValueConvertible) -> IndexRange {
    IndexRange(lower: .unbounded, upper: .included(value.indexValue))
  }
  /// Without its bound.
  public static func less(than value: some IndexValueConvertible) -> IndexRange {
    IndexRange(lower: .unbounded, upper: .excluded(value.indexValue))
  }

  public func contains(_ value: IndexValue) -> Bool {
    switch lower {
    case .unbounded: break
    case .included(let bound): if value < bound { return false }
    case .excluded(let bound): if value <= bound { return false }
    }
    switch upper {
    case .unbounded: break
    case .included(let bound): if value > bound { return false }
    case .excluded(let bound): if value >= bound { return false }
    }
    switch (lower.value, upper.value) {
    case (let bound?, nil), (nil, let bound?): return bound.typeRank == value.typeRank
    case (nil, nil), (_?, _?): return true
    }
  }

  /// - Throws: `.invertedRange` if the lower bound is above the upper one; `.invalidIndexValue` for a NaN bound.
  func validate(_ field: String) throws(StoreError) {
    for case let bound? in [lower.value, upper.value] where bound.isNaN {
      throw .invalidIndexValue(index: field, reason: "a bound is NaN, which has no place in an order")
    }
    if let low = lower.value, let high = upper.value, high < low {
      throw .invertedRange(field: field, lower: low, upper: high)
    }
  }

  /// The places in a range index between which the values of this range lie.
  var bounds: (lower: OrderedMapBound<IndexValue>, upper: OrderedMapBound<IndexValue>) {
    let low: OrderedMapBound<IndexValue> =
      switch lower {
      case .unbounded: upper.value?.smallestOfType.map { .before($0) } ?? .start
      case .included(let value): .before(value)
      case .excluded(let value): .after(value)
      }
    let high: OrderedMapBound<IndexValue> =
      switch upper {
      case .unbounded: lower.value?.smallestOfNextType.map { .before($0) } ?? .end
      case .included(let value): .after(value)
      case .excluded(let value): .before(value)
      }
    return (low, high)
  }
}

extension IndexValue {
  /// The first value of this type in the total order.
  fileprivate var smallestOfType: IndexValue? {
    switch self {
    case .bool: .bool(false)
    case .int, .double: .double(-.infinity)
    case .date: .date(Date(timeIntervalSinceReferenceDate: -.infinity))
    case .string: .string("")
    }
  }

  /// The first value of the type after this one; nil for strings, the last type.
  fileprivate var smallestOfNextType: IndexValue? {
    switch self {
    case .bool: IndexValue.int(0).smallestOfType
    case .int, .double: IndexValue.date(Date(timeIntervalSinceReferenceDate: 0)).smallestOfType
    case .date: .string("")
    case .string: nil
    }
  }
}

/// Conditions on tags and ranges that a document must all meet. Without any condition it is a scan.
public struct Query: Sendable, Hashable {
  public enum Order: String, Sendable, Hashable, CaseIterable { case ascending, descending }

  public struct RangeCondition: Sendable, Hashable {
    public var field: String
    public var range: IndexRange

    public init(field: String, range: IndexRange) {
      self.field = field
      self.range = range
    }
  }

  /// Tags that it must all have, as whole texts: `club=Ajax`. One that no document has is no error; a text that begins with no
  /// tag field of the schema is one, unless the schema has computed tags, which may be anything.
  public var allTags: [String]
  /// Tags of which it must have at least one, unless there are none here.
  public var anyTags: [String]
  /// Tags of which it must have none.
  public var noTags: [String]
  public var ranges: [RangeCondition]
  /// A range field to order the results by; documents that are not in its index are not found. Without it, the order
  /// is that of the index the planner chose, and stable from page to page.
  public var orderBy: String?
  public var order: Order

  public init(
    allTags: [String] = [], anyTags: [String] = [], noTags: [String] = [], ranges: [RangeCondition] = [],
    orderBy: String? = nil, order: Order = .ascending
  ) {
    self.allTags = allTags
    self.anyTags = anyTags
    self.noTags = noTags
    self.ranges = ranges
    self.orderBy = orderBy
    self.order = order
  }

  /// The tag of a field that has this value, as a schema makes it: `club=Ajax`, `price=2.0`, `on=true`, a date in UTC as
  /// `2026-11-30T09:00:00Z`, a UUID in capitals.
  public static func tag(_ field: String, _ value: some IndexValueConvertible) -> String {
    "\(field)=\(value.indexValue.description)"
  }

  public var isUnconditional: Bool {
    allTags.isEmpty && anyTags.isEmpty && noTags.isEmpty && ranges.isEmpty && orderBy == nil
  }
}

/// How a query is answered: the index that gives candidates, which the other conditions then filter.
public struct QueryPlan: Sendable, Hashable, CustomStringConvertible {
  public enum Driver: Sendable, Hashable {
    case scan
    case tag(String)
    case anyTag([String])
    case range(String)
  }

  public var driver: Driver
  /// Documents that the driver gives.
  public var candidates: Int
  /// The field by which the results are sorted once they are found, for the driver gives them in another order; each page
  /// looks at all candidates then.
  public var sortedBy: String?

  public var description: String {
    let source =
      switch driver {
      case .scan: "scan \(candidates)"
      case .tag(let tag): "tag(\(tag)) \(candidates)"
      case .anyTag(let tags): "any tag(\(tags.joined(separator: ", "))) \(candidates)"
      case .range(let field): "range(\(field)) \(candidates)"
      }
    return sortedBy.map { "\(source), sorted by \($0)" } ?? source
  }
}

/// Where a page of results ended. Valid for the same query, also in the other order, on the same store while it is open; another
/// query refuses it.
public struct Cursor: Sendable, Hashable {
  @usableFromInline
  enum Position: Sendable, Hashable {
    /// After a document's number (scans and tags).
    case number(DocumentNumber)
    /// After a value and a number in a range index.
    case value(IndexValue, DocumentNumber)
  }

  let query: Query
  /// The index that gave the candidates: the next page must go on in it.
  let driver: QueryPlan.Driver
  let position: Position

  /// Whether a query may go on here, forwards or backwards.
  func isOf(_ query: Query) -> Bool {
    var other = query
    other.order = self.query.order
    return other == self.query
  }
}

extension Store {
  /// Where a scan goes on with the first document of a shard; nil for the first shard, with which every scan begins.
  package func cursor(beforeShard number: Int) -> Cursor? {
    guard (1..<shards.count).contains(number) else { return nil }
    // The last slot that the shard before can have.
    let slot = DocumentNumber.slots(shardBits) - 1
    return Cursor(
      query: Query(), driver: .scan,
      position: .number(DocumentNumber(slot: slot, shard: number - 1, shardBits: shardBits)))
  }
}
