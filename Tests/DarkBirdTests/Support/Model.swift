import DarkBird

/// What a store should hold: a plain dictionary, searched by brute force.
struct Model: Sendable, Equatable {
  var documents: [Int: Member] = [:]

  /// The refusal that a write of `member` under `key` must get, in the order in which the schema names its indexes.
  func duplicate(_ member: Member, for key: Int) -> StoreError? {
    for (owner, other) in documents.sorted(by: { $0.key < $1.key }) where owner != key {
      if let email = member.email, email == other.email {
        return .duplicate(index: "email", value: .string(email), owner: "\(owner)")
      }
    }
    for (owner, other) in documents.sorted(by: { $0.key < $1.key }) where owner != key {
      if let badge = member.badge, badge == other.badge {
        return .duplicate(index: "badge", value: .int(Int64(badge)), owner: "\(owner)")
      }
    }
    return nil
  }

  /// What a batch that comes to `changes` (nil is a removal) must be refused for, in their order.
  func refusal(of changes: [(key: Int, member: Member?, needsAbsence: Bool)]) -> StoreError? {
    var inside = Model()
    for (key, member, _) in changes {
      guard let member else { continue }
      if let refusal = inside.duplicate(member, for: key) { return refusal }
      inside.documents[key] = member
    }
    for (key, _, needsAbsence) in changes where needsAbsence && documents[key] != nil {
      return .keyExists(key: "\(key)")
    }
    var outside = self
    for (key, _, _) in changes { outside.documents[key] = nil }
    for (key, member, _) in changes {
      if let member, let refusal = outside.duplicate(member, for: key) { return refusal }
    }
    return nil
  }

  func keys(where matches: (Member) -> Bool) -> Set<Int> { Set(documents.filter { matches($0.value) }.keys) }
}

/// A range condition on one field of `Member`, with its own idea of what matches.
struct TestRange {
  enum Bound<Value: Comparable> {
    case none
    case included(Value)
    case excluded(Value)
  }

  let field: String
  let range: IndexRange
  let matches: (Member) -> Bool

  static func random(_ generator: inout SeededGenerator) -> TestRange {
    switch generator.below(3) {
    case 0:
      // Integers against bounds that may lie between them.
      let step = generator.chance(50) ? 1 : 0.5
      return numbers("age", &generator, step: step, from: -6, count: 70) { $0.age.map(Double.init) }
    case 1: return numbers("score", &generator, step: 0.25, from: -3, count: 60) { $0.score }
    default:
      let cities = ["", "A", "Aa", "Oslo", "Z", "Zürich", "aa", "東京"]
      let (lower, upper) = bounds(&generator) { cities[$0.below(cities.count)] }
      return make("city", lower, upper) { $0.city }
    }
  }

  private static func numbers(
    _ field: String, _ generator: inout SeededGenerator, step: Double, from first: Double, count: Int,
    value: @escaping (Member) -> Double?
  ) -> TestRange {
    let (lower, upper) = bounds(&generator) { first + Double($0.below(count)) * step }
    return make(field, lower, upper, value: value)
  }

  private static func bounds<Value: Comparable>(
    _ generator: inout SeededGenerator, _ value: (inout SeededGenerator) -> Value
  ) -> (Bound<Value>, Bound<Value>) {
    let pair = [value(&generator), value(&generator)].sorted()
    func bound(_ value: Value) -> Bound<Value> { generator.pick([.none, .included(value), .excluded(value)]) }
    return (bound(pair[0]), bound(pair[1]))
  }

  private static func make<Value: Comparable & IndexValueConvertible>(
    _ field: String, _ lower: Bound<Value>, _ upper: Bound<Value>, value: @escaping (Member) -> Value?
  ) -> TestRange {
    func indexBound(_ bound: Bound<Value>) -> IndexBound {
      switch bound {
      case .none: .unbounded
      case .included(let value): .included(value.indexValue)
      case .excluded(let value): .excluded(value.indexValue)
      }
    }
    return TestRange(field: field, range: IndexRange(lower: indexBound(lower), upper: indexBound(upper))) { member in
      guard let found = value(member) else { return false }
      switch lower {
      case .included(let bound) where found < bound: return false
      case .excluded(let bound) where found <= bound: return false
      default: break
      }
      switch upper {
      case .included(let bound) where found > bound: return false
      case .excluded(let bound) where found >= bound: return false
      default: return true
      }
    }
  }
}

/// A query together with its own idea of what matches.
struct TestQuery {
  var query = Query()
  private var conditions: [(Member) -> Bool] = []

  func matches(_ member: Member) -> Bool { conditions.allSatisfy { $0(member) } }

  static func random(_ generator: inout SeededGenerator) -> TestQuery {
    let tags = [
      "club=Ajax", "club=PSV", "club=FC=Twente", "club=", "skills=swift", "skills=go", "skills=é", "adult", "junior",
      "nobody",
    ]
    func some(_ percent: Int) -> [String] {
      generator.chance(percent) ? (0...generator.below(2)).map { _ in generator.pick(tags) } : []
    }
    var result = TestQuery()
    let (all, any, no) = (some(40), some(25), some(25))
    result.query.allTags = all
    result.query.anyTags = any
    result.query.noTags = no
    result.conditions.append { $0.tags.isSuperset(of: all) && $0.tags.isDisjoint(with: no) }
    if !any.isEmpty { result.conditions.append { !$0.tags.isDisjoint(with: any) } }
    for _ in 0..<generator.below(3) {
      let range = TestRange.random(&generator)
      result.query.ranges.append(.init(field: range.field, range: range.range))
      result.conditions.append(range.matches)
    }
    result.query.order = generator.chance(50) ? .ascending : .descending
    if generator.chance(40) {
      let field = generator.pick(["age", "city", "score"])
      result.query.orderBy = field
      result.conditions.append { $0.indexValue(of: field) != nil }
    }
    return result
  }
}

extension Member {
  func indexValue(of field: String) -> IndexValue? {
    switch field {
    case "age": age.map { .int(Int64($0)) }
    case "city": city.map { .string($0) }
    case "score": score.map { .double($0) }
    default: nil
    }
  }
}
