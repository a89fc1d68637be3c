import DarkBird
import Foundation

extension Sample {
  /// Whether nothing has happened in the store since another sample: no operation, nothing written, no news of the
  /// workload. What watching itself costs does not count.
  func isStill(since other: Sample) -> Bool {
    let (now, before) = (statistics, other.statistics)
    return now.operations == before.operations && now.documents == before.documents
      && now.memoryLSN == before.memoryLSN && now.writtenLSN == before.writtenLSN
      && now.durableLSN == before.durableLSN && Self.isStill(now.log, before.log)
      && workload?.progress == other.workload?.progress && workload?.summary == other.workload?.summary
      && eventsDropped == other.eventsDropped
  }

  private static func isStill(_ now: StoreStatistics.Log?, _ before: StoreStatistics.Log?) -> Bool {
    guard let now, let before else { return now == nil && before == nil }
    return now.syncs == before.syncs && now.bytesWritten == before.bytesWritten && now.queueBytes == before.queueBytes
      && now.durableLagNanoseconds == 0 && now.rotations == before.rotations && now.checkpoints == before.checkpoints
      && now.checkpointFailures == before.checkpointFailures && now.failure == before.failure
      && now.bytesOnDisk == before.bytesOnDisk
  }
}

/// How long the sampler may sleep: a tenth of a second while something happens, a second while nothing does. Watching a
/// store at rest should cost next to nothing.
struct SamplerPace {
  static let busyNanoseconds: UInt64 = 100_000_000
  static let stillNanoseconds: UInt64 = 1_000_000_000
  /// Samples without news before the pace slows down.
  static let stillSamples = 20

  private var last: Sample?
  private var still = 0

  /// The time from this sample to the next.
  mutating func interval(after sample: Sample) -> UInt64 {
    if let last, sample.isStill(since: last) { still += 1 } else { still = 0 }
    last = sample
    return still >= Self.stillSamples ? Self.stillNanoseconds : Self.busyNanoseconds
  }
}

/// When something last happened, as the screen tells it.
struct Stillness: Sendable {
  /// After so long without news the header says since when it is quiet.
  static let quietNanoseconds: UInt64 = 3_000_000_000
  /// A picture in which nothing moves is drawn again after so long, for the line of time and the header.
  static let refreshNanoseconds: UInt64 = 60_000_000_000

  private var before: Sample?
  /// The last sample that brought news.
  private(set) var lastNews: (nanoseconds: UInt64, date: Date)?
  private var lastFrame: UInt64 = 0
  /// Whether the newest sample changes anything that can be seen.
  private(set) var isWorthAFrame = true

  /// - Parameter windowSeconds: graphs move until what they show is as quiet as the store.
  mutating func take(_ sample: Sample, windowSeconds: Int) {
    if before.map({ !sample.isStill(since: $0) }) ?? true { lastNews = (sample.nanoseconds, sample.date) }
    before = sample
    let quiet = sample.nanoseconds - (lastNews?.nanoseconds ?? 0)
    let moves = quiet < UInt64(windowSeconds) * 1_000_000_000 + Self.quietNanoseconds + 2_000_000_000
    isWorthAFrame = moves || sample.nanoseconds - lastFrame >= Self.refreshNanoseconds
    if isWorthAFrame { lastFrame = sample.nanoseconds }
  }

  /// Since when nothing has happened, if that is long enough to be told.
  func quietSince(at sample: Sample) -> Date? {
    guard let lastNews, sample.nanoseconds >= lastNews.nanoseconds + Self.quietNanoseconds else { return nil }
    return lastNews.date
  }
}
