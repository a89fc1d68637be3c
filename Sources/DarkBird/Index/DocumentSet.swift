/// A set of documents, in the order of their numbers. A copy is a snapshot, as with `OrderedMap`.
///
/// One document takes no memory besides the set itself: most values of a field such as a time stamp have one.
struct DocumentSet: Sendable {
  private enum Storage: Sendable {
    case one(DocumentNumber)
    case many(OrderedMap<DocumentNumber, Nothing>)
  }

  /// For a map whose keys are all there is.
  private struct Nothing: OrderedMapValue {
    static var trivial: Nothing? { Nothing() }
    private init() {}
    init(_ member: Void) {}
    var count: Int { 1 }
    func insert(_ member: Void) -> Bool { false }
    func remove(_ member: Void) -> OrderedMapRemoval { .removedLast }
  }

  private var storage: Storage

  /// The empty set.
  init() { storage = .many(OrderedMap()) }

  var count: Int {
    switch storage {
    case .one: 1
    case .many(let map): map.count
    }
  }
  var isEmpty: Bool { count == 0 }

  /// O(log n).
  func contains(_ number: DocumentNumber) -> Bool {
    switch storage {
    case .one(let only): only == number
    case .many(let map): map.value(number) != nil
    }
  }

  /// Visits the documents after (or before) a number in ascending (or descending) order until `body` returns false.
  /// Returns false if `body` did.
  @discardableResult
  func visit(
    after number: DocumentNumber? = nil, descending: Bool = false, _ body: (DocumentNumber) -> Bool
  ) -> Bool {
    switch storage {
    case .one(let only):
      if let number, descending ? only >= number : only <= number { return true }
      return body(only)
    case .many(let map):
      let lower: OrderedMapBound<DocumentNumber> = descending ? .start : number.map { .after($0) } ?? .start
      let upper: OrderedMapBound<DocumentNumber> = descending ? number.map { .before($0) } ?? .end : .end
      var wasStopped = false
      map.visit(from: lower, to: upper, descending: descending) { number, _ in
        wasStopped = !body(number)
        return !wasStopped
      }
      return !wasStopped
    }
  }

  func structuralProblems() -> [String] {
    if case .many(let map) = storage { map.structuralProblems() } else { [] }
  }
}

extension DocumentSet: OrderedMapValue {
  static var trivial: DocumentSet? { nil }

  init(_ number: DocumentNumber) { storage = .one(number) }

  mutating func insert(_ number: DocumentNumber) -> Bool {
    switch storage {
    case .one(let only):
      if only == number { return false }
      var map = OrderedMap<DocumentNumber, Nothing>()
      map.insert(only, ())
      map.insert(number, ())
      storage = .many(map)
      return true
    case .many(var map):
      storage = .one(0)  // so that `map` is the only reference, and inserting copies nothing
      defer { storage = .many(map) }
      return map.insert(number, ())
    }
  }

  mutating func remove(_ number: DocumentNumber) -> OrderedMapRemoval {
    switch storage {
    case .one(let only): return only == number ? .removedLast : .notThere
    case .many(var map):
      storage = .one(0)
      defer { storage = .many(map) }
      if !map.remove(number, ()) { return .notThere }
      return map.isEmpty ? .removedLast : .removed
    }
  }
}
