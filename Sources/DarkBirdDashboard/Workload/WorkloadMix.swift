/// How often the threads of a workload do what, as shares of any sum.
public struct WorkloadMix: Sendable, Hashable {
  public enum Share: String, Sendable, Hashable, CaseIterable {
    case get, unique, tag, range, scan
    case update, put
    /// `clubs` removes as many as it inserts.
    case insert
    /// A read and an update of the same document.
    case readModifyWrite = "read-modify-write"
  }

  public static let shareMax = 100

  private var shares: [Int]

  /// Nothing at all, to be filled in.
  public init() { shares = Array(repeating: 0, count: Share.allCases.count) }

  init(_ shares: [Share: Int]) {
    self.init()
    for (share, value) in shares { self[share] = value }
  }

  /// 0...`shareMax`; other values count as the nearest.
  public subscript(share: Share) -> Int {
    get { shares[share.position] }
    set { shares[share.position] = min(max(newValue, 0), Self.shareMax) }
  }

  func sum(_ kinds: [Share]) -> Int { kinds.reduce(0) { $0 + self[$1] } }
}

extension WorkloadMix.Share {
  fileprivate var position: Int {
    switch self {
    case .get: 0
    case .unique: 1
    case .tag: 2
    case .range: 3
    case .scan: 4
    case .update: 5
    case .put: 6
    case .insert: 7
    case .readModifyWrite: 8
    }
  }

  static let clubsWrites: [WorkloadMix.Share] = [.update, .put, .insert]
  static let clubsReads: [WorkloadMix.Share] = [.get, .unique, .tag, .range]
  static let ycsb: [WorkloadMix.Share] = [.get, .scan, .update, .insert, .readModifyWrite]
}

extension WorkloadOptions.Preset {
  /// The mix that is used when the options name none. In `clubs`, writers share out what writes, readers what reads.
  public var mix: WorkloadMix {
    switch self {
    case .clubs:
      WorkloadMix([.update: 45, .put: 35, .insert: 20, .get: 70, .unique: 12, .tag: 10, .range: 8])
    case .ycsbA: WorkloadMix([.get: 50, .update: 50])
    case .ycsbB: WorkloadMix([.get: 95, .update: 5])
    case .ycsbC: WorkloadMix([.get: 100])
    case .ycsbD: WorkloadMix([.get: 95, .insert: 5])
    case .ycsbE: WorkloadMix([.scan: 95, .insert: 5])
    case .ycsbF: WorkloadMix([.get: 50, .readModifyWrite: 50])
    }
  }

  /// What can have a share.
  public var shares: [WorkloadMix.Share] {
    self == .clubs ? WorkloadMix.Share.clubsWrites + WorkloadMix.Share.clubsReads : WorkloadMix.Share.ycsb
  }
}
