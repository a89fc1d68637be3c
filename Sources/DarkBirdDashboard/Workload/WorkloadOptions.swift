public import DarkBird

/// What a workload does, to how many documents, how fast, and from which seed. The defaults can run all
/// day.
public struct WorkloadOptions: Sendable, Hashable {
  /// Which documents and which mix of operations.
  public enum Preset: String, Sendable, Hashable, CaseIterable, Codable {
    /// Players of clubs and developers of companies: every kind of index, and a count of documents that stays.
    case clubs
    /// Update heavy: half reads, half updates, zipfian.
    case ycsbA = "ycsb-a"
    /// Read mostly: 95 % reads, 5 % updates, zipfian.
    case ycsbB = "ycsb-b"
    /// Read only, zipfian.
    case ycsbC = "ycsb-c"
    /// Read latest: 95 % reads of what was inserted last, 5 % inserts.
    case ycsbD = "ycsb-d"
    /// Short ranges: 95 % scans of 1 to 100 documents, 5 % inserts, zipfian.
    case ycsbE = "ycsb-e"
    /// Half reads, half read-modify-writes, zipfian.
    case ycsbF = "ycsb-f"

    /// The distribution that is used when the options name none.
    public var distribution: KeyDistribution { self == .ycsbD ? .latest : .zipfian }

    /// One line for a help text.
    public var summary: String {
      switch self {
      case .clubs: "players of clubs and developers of companies, all indexes, a steady number of documents"
      case .ycsbA: "YCSB A: 50 % reads, 50 % updates"
      case .ycsbB: "YCSB B: 95 % reads, 5 % updates"
      case .ycsbC: "YCSB C: reads only"
      case .ycsbD: "YCSB D: 95 % reads of the latest documents, 5 % inserts"
      case .ycsbE: "YCSB E: 95 % scans of 1 to 100 documents, 5 % inserts"
      case .ycsbF: "YCSB F: 50 % reads, 50 % read-modify-writes"
      }
    }
  }

  /// How many operations are started, all threads together.
  public enum Rate: Sendable, Hashable {
    /// As fast as the store and the machine allow.
    case max
    /// Operations a second, 1 or more; smaller numbers count as 1.
    case perSecond(Int)
  }

  public var preset: Preset
  /// Documents that are loaded before the mix begins, 1 or more. `clubs` keeps their number; D and E of YCSB insert
  /// more.
  public var documents: Int
  /// Limit of the mix. The load phase always runs as fast as it can.
  public var rate: Rate
  /// Threads that write (`clubs`), 0 or more. The presets of YCSB run their whole mix on `writers + readers` threads.
  public var writers: Int
  /// Threads that read (`clubs`), 0 or more.
  public var readers: Int
  /// The same seed gives the same documents and, with one writer and no readers, the same operations.
  public var seed: UInt64
  /// The workload stops by itself this long after the mix began; nil = never.
  public var duration: Duration?
  /// The workload stops by itself after this many operations of the mix; nil = never.
  public var operations: Int?
  /// Which documents are chosen; nil = the preset's own distribution.
  public var distribution: KeyDistribution?
  /// How often the threads do what; nil = the preset's own mix.
  public var mix: WorkloadMix?
  /// How far each write must have come before the next; nil = what the store's configuration says.
  public var acknowledgement: Acknowledgement?
  /// Changes the other options as it goes on; nil = they stay. A `WorkloadRunner` plays it while a dashboard or a report
  /// takes samples; a single `Workload` does not know it.
  public var scenario: Scenario?

  public init(
    preset: Preset = .clubs, documents: Int = 100_000, rate: Rate = .perSecond(20_000), writers: Int = 2,
    readers: Int = 2, seed: UInt64 = 1, duration: Duration? = nil, operations: Int? = nil,
    distribution: KeyDistribution? = nil, mix: WorkloadMix? = nil, acknowledgement: Acknowledgement? = nil,
    scenario: Scenario? = nil
  ) {
    self.preset = preset
    self.documents = documents
    self.rate = rate
    self.writers = writers
    self.readers = readers
    self.seed = seed
    self.duration = duration
    self.operations = operations
    self.distribution = distribution
    self.mix = mix
    self.acknowledgement = acknowledgement
    self.scenario = scenario
  }
}

extension WorkloadOptions {
  /// More documents or operations a second than these count as as many; no store and no machine comes near.
  public static let documentsMax = 4_000_000_000
  public static let rateMax = 1_000_000_000

  public var effectiveDistribution: KeyDistribution { distribution ?? preset.distribution }
  public var effectiveMix: WorkloadMix { mix ?? preset.mix }
}

/// Which of the documents an operation picks.
public enum KeyDistribution: String, Sendable, Hashable, CaseIterable, Codable {
  /// All alike.
  case uniform
  /// A few documents get most of the operations (theta 0.99); they are spread over all keys and shards.
  case zipfian
  /// Like zipfian, and the document inserted last is the most popular.
  case latest
}
