import DarkBird
import Foundation

/// Puts a sample together from what the store, the workload and the process say, and makes lines of what is no event of
/// the store: pages that end, checkpoints, duplicates that were refused.
struct SampleComposer {
  /// Lines of events in one sample. More would run past faster than anybody can read; with a filter there are fewer to
  /// choose from, and each is wanted, and a panel that has the screen for itself has room for them.
  static let linesMax = 2
  static let watchedLinesMax = 8
  /// Refusals in one sample of which not every event has a line: more would look as if most writes were refused.
  static let duplicatesMax = 1
  static let tagsMax = 20
  private static let second: UInt64 = 1_000_000_000

  private let source: any Source
  private let monitor: (any WorkloadMonitor)?
  private var sequence = 0
  private var generation = 0
  private var before: StoreStatistics?
  private var counted: UInt64 = 0
  private var passedOver: UInt64 = 0
  /// Events that all subscribers had lost at the last sample, and those that others than the dashboard have for certain.
  private var lostByAll: UInt64 = 0
  private var lost: UInt64 = 0
  private var shown: UInt64 = 0
  private var lastRun = 0
  private var lastDuplicate: UInt64 = 0
  private var writeWatch = WriteWatch()
  private var syncWindow = SyncWindow()
  private var tags: [TagCount] = []
  /// When the tags are to be asked for again.
  private var tagsDue: UInt64 = 0
  /// The last write when they were: without another one they are the same.
  private var tagsLSN: UInt64?

  init(source: any Source, monitor: (any WorkloadMonitor)?) {
    self.source = source
    self.monitor = monitor
  }

  /// - Parameters:
  ///   - nanoseconds: since the dashboard began.
  ///   - isWatched: whether somebody looks at the events and nothing else.
  ///   - elapsed: a clock in nanoseconds, to find out what the question for tags costs.
  mutating func take(
    at nanoseconds: UInt64, date: Date, filter: String, isWatched: Bool = false, elapsed: () -> UInt64
  ) -> (Sample, [EventLine]) {
    let linesMax = filter.isEmpty && !isWatched ? Self.linesMax : Self.watchedLinesMax
    var (batch, statistics, found) = read(filter, linesMax)
    // Another store came in between: what was read may be of both.
    while found != source.generation { (batch, statistics, found) = read(filter, linesMax) }
    if found != generation { begin(found) }
    var sample = Sample(sequence: sequence, date: date, nanoseconds: nanoseconds, statistics: statistics)
    sample.generation = generation
    sample.take(syncWindow.take(statistics.log, at: nanoseconds))
    sequence += 1
    counted += batch.counted
    passedOver += batch.passedOver
    noteLosses(statistics)
    let duplicates = duplicates(refusalsMax(batch, filter))
    counted += duplicates.counted
    shown += UInt64(batch.lines.count + duplicates.lines.count)
    sample.eventsCounted = counted
    sample.eventsDropped = lost
    sample.eventsShown = shown
    sample.workload = workload(at: nanoseconds)
    if monitor == nil {
      sample.timed = writeWatch.take(from: source, at: nanoseconds)
    }
    if nanoseconds >= tagsDue, statistics.memoryLSN != tagsLSN {
      tagsLSN = statistics.memoryLSN
      let start = elapsed()
      tags = source.topTags(limit: Self.tagsMax)
      // Once a second, or so seldom that it takes a two-hundredth of the time.
      tagsDue = nanoseconds + max(Self.second, (elapsed() &- start) &* 200)
    }
    sample.tags = tags
    let lines = batch.lines + duplicates.lines + Self.logLines(before?.log, statistics.log, date)
    before = statistics
    let wanted = EventFilter(filter)
    return (sample, lines.filter(wanted.matches).sorted { $0.date < $1.date })
  }

  private func read(_ filter: String, _ linesMax: Int) -> (EventBatch, StoreStatistics, generation: Int) {
    let generation = source.generation
    // First: what the events are compared with is of this sample, not of the one before.
    let statistics = source.statistics()
    let batch = source.takeEvents(matching: filter, limit: linesMax)
    return (batch, statistics, generation)
  }

  /// Nothing that is known of one store is true of another.
  private mutating func begin(_ found: Int) {
    generation = found
    before = nil
    (counted, passedOver, shown) = (0, 0, 0)
    (lostByAll, lost) = (0, 0)
    (tags, tagsDue, tagsLSN) = ([], 0, nil)
    writeWatch = WriteWatch()
    syncWindow = SyncWindow()
    monitor?.recorder.forgetRecent()
  }

  /// What the dashboard passes over counts as lost in the store; the rest others have lost. The two are not read at the same
  /// moment. Of what all had lost at the last sample the dashboard has passed over no more than it has by now, so that this
  /// never says too much.
  private mutating func noteLosses(_ statistics: StoreStatistics) {
    lost = max(lost, lostByAll - min(passedOver, lostByAll))
    lostByAll = statistics.eventsDropped
  }

  private func workload(at nanoseconds: UInt64) -> WorkloadSample? {
    guard let monitor else { return nil }
    // First: what is told of the load is then of the step that is on.
    let controller = monitor as? any WorkloadController
    let place = controller?.advanceScenario(to: nanoseconds)
    let interval = monitor.recorder.takeInterval()
    var sample = WorkloadSample(
      progress: monitor.progress(), summary: monitor.summary, run: monitor.runNumber,
      options: controller?.options)
    // It may have been ended in between.
    if sample.options?.scenario != nil { sample.scenario = place }
    (sample.latencies, sample.latencySeconds, sample.heat) = (interval.recent, interval.recentSeconds, interval.heat)
    return sample
  }

  /// All that were refused where all events are shown, or looked for; none beside events that have no line this time.
  private func refusalsMax(_ batch: EventBatch, _ filter: String) -> Int {
    if !filter.isEmpty || batch.counted == UInt64(batch.lines.count) { return Self.watchedLinesMax }
    return batch.lines.isEmpty ? 0 : Self.duplicatesMax
  }

  /// How many duplicates there were since the last call, and the newest of them as lines.
  private mutating func duplicates(_ linesMax: Int) -> (counted: UInt64, lines: [EventLine]) {
    guard let monitor else { return (0, []) }
    if monitor.runNumber != lastRun { (lastRun, lastDuplicate) = (monitor.runNumber, 0) }
    let recent = monitor.recentDuplicates
    guard let newest = recent.last, newest.ordinal > lastDuplicate else { return (0, []) }
    let new = recent.filter { $0.ordinal > lastDuplicate }.suffix(linesMax)
    defer { lastDuplicate = newest.ordinal }
    let lines = new.map { refused in
      EventLine(
        .duplicate, date: refused.time, key: refused.key,
        detail: "refused: \(refused.owner) has \(refused.index) \(refused.value)")
    }
    return (newest.ordinal - lastDuplicate, lines)
  }

  /// What became of the log between two samples.
  static func logLines(
    _ before: StoreStatistics.Log?, _ after: StoreStatistics.Log?, _ date: Date
  ) -> [EventLine] {
    guard let before, let after else { return [] }
    var lines: [EventLine] = []
    if after.rotations > before.rotations {
      let full =
        after.page > before.page + 1 ? "pages \(before.page)-\(after.page - 1) are full" : "page \(before.page) is full"
      lines.append(EventLine(.rotation, date: date, detail: "\(full), page \(after.page) begins"))
    }
    if after.checkpoints > before.checkpoints {
      let place = after.checkpointLSN.map { " at LSN \(Format.grouped($0))" } ?? ""
      lines.append(
        EventLine(
          .checkpoint, date: date,
          detail: "checkpoint\(place), log and checkpoint \(Format.bytes(after.bytesOnDisk))"))
    }
    return lines
  }
}
