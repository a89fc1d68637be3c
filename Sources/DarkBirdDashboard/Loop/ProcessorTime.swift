import Foundation
import Synchronization

/// Processor time spent, in nanoseconds.
enum ProcessorTime {
  static func ofProcess() -> UInt64 { read(CLOCK_PROCESS_CPUTIME_ID) }
  static func ofThisThread() -> UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    guard clock_gettime(clock, &time) == 0 else { return 0 }
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

/// What the dashboard itself costs: the sum over its threads, each of which reports its own time now and then.
final class OwnCost: Sendable {
  private let screen = Atomic<UInt64>(0)
  private let sampler = Atomic<UInt64>(0)
  private let queries = Atomic<UInt64>(0)

  /// To be called on the thread of the screen.
  func reportScreen() { screen.store(ProcessorTime.ofThisThread(), ordering: .relaxed) }
  /// To be called on the thread of the sampler.
  func reportSampler() { sampler.store(ProcessorTime.ofThisThread(), ordering: .relaxed) }
  /// To be called on the thread that answers questions.
  func reportQueries() { queries.store(ProcessorTime.ofThisThread(), ordering: .relaxed) }

  var nanoseconds: UInt64 {
    screen.load(ordering: .relaxed) + sampler.load(ordering: .relaxed) + queries.load(ordering: .relaxed)
  }
}
