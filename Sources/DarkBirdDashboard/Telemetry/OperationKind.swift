/// What a caller asks of a store, as the dashboard counts and times it.
public enum OperationKind: String, CaseIterable, Sendable, Hashable, Codable, CodingKeyRepresentable {
  case insert, put, update, remove
  /// Many writes in one.
  case batch
  /// Lookup by key.
  case get
  /// Lookup by the value of a unique index.
  case unique
  /// One page of a query by tag, of a query by range, of a scan of everything.
  case tag, range, scan

  public var isWrite: Bool {
    switch self {
    case .insert, .put, .update, .remove, .batch: true
    case .get, .unique, .tag, .range, .scan: false
    }
  }

  /// Place in `allCases`, for arrays with one element a kind.
  var position: Int {
    switch self {
    case .insert: 0
    case .put: 1
    case .update: 2
    case .remove: 3
    case .batch: 4
    case .get: 5
    case .unique: 6
    case .tag: 7
    case .range: 8
    case .scan: 9
    }
  }
}
