/// What the dashboard watches of a workload that runs in the same process.
public protocol WorkloadMonitor: Sendable {
  /// Where the workload's threads record how long each operation took.
  var recorder: LatencyRecorder { get }
  /// What runs, in a few words, such as `clubs zipfian 0.99 80r/20w`.
  var summary: String { get }
  /// How far it has come. Cheap enough to be called ten times a second.
  func progress() -> WorkloadProgress
  /// The last writes that a unique index refused, oldest first; the dashboard shows some of them as events.
  var recentDuplicates: [RefusedDuplicate] { get }
}

extension Workload: WorkloadMonitor {
  public var summary: String {
    let distribution = options.distribution ?? options.preset.distribution
    let (writers, readers) = (options.writers, options.readers)
    let threads = options.preset == .clubs ? "\(writers)w/\(readers)r" : "\(writers + readers) threads"
    let limit =
      switch rate {
      case .max: "no limit"
      case .perSecond(let count): "\(Format.short(count))/s at most"
      }
    return "\(options.preset.rawValue) \(distribution.rawValue) \(threads) \(limit)"
  }
}
