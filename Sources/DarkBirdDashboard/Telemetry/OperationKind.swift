/// What a caller asks of a store, as the dashboard counts and times it.
public enum OperationKind: String, CaseIterable, Sendable, Hashable, Codable, CodingKeyRepresentable {
  case insert, put, update, remove
  /// Lookup by key.
  case get
  /// Lookup by the value of a unique index.
  case unique
  /// One page of a query by tag, of a query by range, of a scan of everything.
  case tag, range, scan

  public var isWrite: Bool {
    switch self {
    case .insert, .put, .update, .remove: true
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
    case .get: 4
    case .unique: 5
    case .tag: 6
    case .range: 7
    case .scan: 8
    }
  }
}
