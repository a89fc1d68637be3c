public import Foundation

/// Where a workload stands. All counts are since it was started.
public struct WorkloadProgress: Sendable, Hashable {
  public enum Phase: String, Sendable, Hashable, Codable, CaseIterable {
    /// Not started yet.
    case idle
    /// Documents are being loaded, `loaded` of `documents` so far.
    case loading
    case running
    case paused
    /// All threads have ended, see `finishedReason`.
    case finished
  }

  public enum FinishedReason: Sendable, Hashable, CustomStringConvertible {
    /// `stop()` was called.
    case stopped
    /// The duration of the options is over.
    case durationElapsed
    /// The operations of the options are done.
    case operationsDone
    /// Nothing was left that could go on, with the last error.
    case failed(String)

    public var description: String {
      switch self {
      case .stopped: "stopped"
      case .durationElapsed: "duration elapsed"
      case .operationsDone: "operations done"
      case .failed(let message): "failed: \(message)"
      }
    }
  }

  public var phase = Phase.idle
  /// Documents that the load phase has put or found there.
  public var loaded = 0
  /// Of those, documents that were in the store before it.
  public var found = 0
  /// Documents that the load phase will end with.
  public var documents = 0
  /// How long the load phase took, with the sync at its end; 0 while it goes on.
  public var loadNanoseconds: UInt64 = 0
  /// Operations that the mix has done, refused ones included.
  public var operations: UInt64 = 0
  /// Operations that a limited rate called for and that were dropped, because the store had fallen more than a second
  /// behind; at the end with those that it still had to do.
  public var skipped: UInt64 = 0
  /// Of both, those of threads that do nothing but write; 0 where each thread runs the whole mix.
  var writersOperations: UInt64 = 0
  var writersSkipped: UInt64 = 0
  /// Writes that a unique index refused. The `clubs` preset provokes some.
  public var duplicatesRefused: UInt64 = 0
  /// Operations that failed in any other way.
  public var errors: UInt64 = 0
  public var lastError: String?
  /// Why writers do not write any more, while readers go on; nil while they do.
  public var writersStopped: String?
  public var finishedReason: FinishedReason?

  public init() {}

  /// Threads are at work, or paused.
  public var isRunning: Bool { phase != .idle && phase != .finished }

  /// Documents go into the store that are no operations of the mix. A run with all of them there is not loading.
  var isLoading: Bool { phase == .loading && loaded < documents }

  /// With all that earlier runs on the same store have done.
  func adding(_ earlier: WorkloadProgress) -> WorkloadProgress {
    var sum = self
    sum.loaded += earlier.loaded - found
    sum.found = earlier.found
    sum.loadNanoseconds += earlier.loadNanoseconds
    sum.operations += earlier.operations
    sum.skipped += earlier.skipped
    sum.writersOperations += earlier.writersOperations
    sum.writersSkipped += earlier.writersSkipped
    sum.duplicatesRefused += earlier.duplicatesRefused
    sum.errors += earlier.errors
    sum.lastError = lastError ?? earlier.lastError
    sum.writersStopped = writersStopped ?? earlier.writersStopped
    return sum
  }
}

/// A write that a unique index refused: a line of the event stream.
public struct RefusedDuplicate: Sendable, Hashable {
  /// 1 for the first one of a workload, 2 for the next: what is above the last one seen is new.
  public var ordinal: UInt64
  public var time: Date
  /// Key of the document that was refused.
  public var key: String
  public var index: String
  /// The value that is taken.
  public var value: String
  /// Key of the document that has it.
  public var owner: String

  public init(ordinal: UInt64, time: Date, key: String, index: String, value: String, owner: String) {
    self.ordinal = ordinal
    self.time = time
    self.key = key
    self.index = index
    self.value = value
    self.owner = owner
  }
}
