/// What the dashboard watches of a workload that runs in the same process.
public protocol WorkloadMonitor: Sendable {
  /// Where the workload's threads record how long each operation took.
  var recorder: LatencyRecorder { get }
  /// What runs, in a few words, such as `clubs zipfian 0.99 80r/20w`.
  var summary: String { get }
  /// How far it has come. Cheap enough to be called ten times a second.
  func progress() -> WorkloadProgress
  /// Writes that a unique index refused since the last call, `limit` at most; the dashboard shows them as events.
  func takeRefusedDuplicates(limit: Int) -> [RefusedDuplicate]
}
