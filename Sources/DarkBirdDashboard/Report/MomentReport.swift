import DarkBird
import Foundation

/// A moment as scripts get it: the figures of all panels in one object. Times are in nanoseconds, rates over the last
/// second.
struct MomentReport: Encodable {
  struct Rates: Encodable {
    var total: Double
    var writes: Double
    var reads: Double
    var byKind: [String: Double]
  }

  /// What the store did not do, since it was opened and in the last second, whoever asked for it.
  struct Refusals: Encodable {
    var all: UInt64
    var allPerSecond: Double
    /// Of all of them, those of a unique value that another document has.
    var duplicates: UInt64
    var duplicatesPerSecond: Double
  }

  struct Shards: Encodable {
    var count: Int
    var skew: Double
    var hottest: Int
    var documents: [Int]
    var opsPerSecond: [Double]
    var lockWaitsPerSecond: [Double]
    /// Of all threads that waited, together.
    var lockWaitNsPerSecond: [Double]
  }

  struct Log: Encodable {
    var page: UInt64
    var pageRecords: Int
    var pageBytes: Int
    var rotations: UInt64
    /// Writes a second that wait for room: the queue is full, or the next page is not made.
    var queueWaitsPerSecond: Double
    var pageWaitsPerSecond: Double
    var pagesOnDisk: Int
    var bytesOnDisk: Int
    var queueBytes: Int
    var queueBytesMax: Int
    var bytesPerSecond: Double
    var recordsPerSecond: Double
    var writtenLagNs: UInt64
    var durableLagNs: UInt64
    /// Of the syncs in the last ten seconds.
    var syncP50Ns: UInt64?
    var syncP99Ns: UInt64?
    var checkpoints: UInt64
    var checkpointLsn: UInt64?
    var checkpointFailure: String?
    var failure: String?
  }

  struct Index: Encodable {
    var kind: String
    var name: String
    var entries: Int
    var distinct: Int?
  }

  struct Tag: Encodable {
    var tag: String
    var documents: Int
  }

  struct Events: Encodable {
    var counted: UInt64
    var shown: UInt64
    var dropped: UInt64
  }

  struct Workload: Encodable {
    var run: Int
    var summary: String
    var phase: String
    var loaded: Int
    var documents: Int
    var operations: UInt64
    var skipped: UInt64
    /// Share of the operations due in the last three seconds that were not begun; nil without a limit of the rate.
    var behind: Double?
    /// What its writers wait for; nil in memory, and where nobody knows.
    var acknowledgement: String?
    /// Of this run: `refusals` are all.
    var duplicatesRefused: UInt64
    var errors: UInt64
    var lastError: String?
  }

  struct Alert: Encodable {
    var name: String
    var severity: String
    var since: String
    var lastingNs: UInt64
    var text: String
  }

  var time: String
  var title: String
  var location: String
  /// How long the store has been watched, not how long it has been open.
  var uptimeNs: UInt64
  var documents: Int
  var memoryLsn: UInt64
  var writtenLsn: UInt64
  var durableLsn: UInt64
  var opsPerSecond: Rates
  var refusals: Refusals
  /// By kind of operation, of the last ten seconds, as panel 2 has them: of a workload that times its own operations, else of
  /// the writes that the store has timed.
  var latencyNs: [String: LatencySummary]
  /// One in so many writes was timed, and stands for as many; nil where a workload times all it does, or nothing is timed.
  var writesTimedOneIn: Int?
  var shards: Shards
  /// nil in memory, and for a store that is open for reading.
  var log: Log?
  var indexes: [Index]
  var tags: [Tag]
  var events: Events
  /// nil where none runs.
  var workload: Workload?
  var alerts: [Alert]
  /// Shares of a processor: this process, and what watching takes of it.
  var cpu: Double
  var dashboardCpu: Double
  /// Memory of this process that is in RAM; nil where nobody knows.
  var residentBytes: Int?

  init(_ model: Model, _ moment: Moment) {
    let sample = moment.sample
    let statistics = sample.statistics
    let rates = moment.rates
    time = sample.date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    title = model.identity.title
    location = model.identity.location
    uptimeNs = sample.nanoseconds
    documents = statistics.documents
    (memoryLsn, writtenLsn, durableLsn) = (statistics.memoryLSN, statistics.writtenLSN, statistics.durableLSN)
    let writes = rates?.perSecond { $0.operations.writes } ?? 0
    let reads = rates?.perSecond { $0.operations.reads } ?? 0
    opsPerSecond = Rates(
      total: writes + reads, writes: writes, reads: reads,
      byKind: Dictionary(
        uniqueKeysWithValues: StoreStatistics.Operations.shown.map { kind in
          (kind.name, rates?.perSecond { $0.operations[keyPath: kind.counter] } ?? 0)
        }))
    let operations = statistics.operations
    refusals = Refusals(
      all: operations.refusals, allPerSecond: rates?.perSecond { $0.operations.refusals } ?? 0,
      duplicates: operations.duplicatesRefused,
      duplicatesPerSecond: rates?.perSecond { $0.operations.duplicatesRefused } ?? 0)
    latencyNs = Dictionary(uniqueKeysWithValues: sample.latencies.map { ($0.key.rawValue, $0.value) })
    writesTimedOneIn = sample.timed?.interval
    let figures = ShardFigures(moment)
    shards = Shards(
      count: statistics.shards.count, skew: figures.skew, hottest: figures.hottest,
      documents: statistics.shards.map(\.documents), opsPerSecond: figures.operations,
      lockWaitsPerSecond: figures.waitCounts, lockWaitNsPerSecond: figures.waits)
    log = statistics.log.map { log in
      Log(
        page: log.page, pageRecords: log.pageRecords, pageBytes: log.pageBytes, rotations: log.rotations,
        queueWaitsPerSecond: rates?.perSecond { $0.log?.queueWaits } ?? 0,
        pageWaitsPerSecond: rates?.perSecond { $0.log?.pageWaits } ?? 0, pagesOnDisk: log.pagesOnDisk,
        bytesOnDisk: log.bytesOnDisk, queueBytes: log.queueBytes, queueBytesMax: log.queueBytesMax,
        bytesPerSecond: rates?.perSecond { $0.log?.bytesWritten } ?? 0,
        recordsPerSecond: rates?.perSecond { $0.log?.recordsWritten } ?? 0, writtenLagNs: log.writtenLagNanoseconds,
        durableLagNs: log.durableLagNanoseconds, syncP50Ns: sample.syncP50, syncP99Ns: sample.syncP99,
        checkpoints: log.checkpoints,
        checkpointLsn: log.checkpointLSN, checkpointFailure: log.checkpointFailure, failure: log.failure)
    }
    indexes = statistics.indexes.map {
      Index(kind: $0.kind.rawValue, name: $0.name, entries: $0.entries, distinct: $0.distinct)
    }
    tags = sample.tags.map { Tag(tag: $0.tag, documents: $0.count) }
    events = Events(counted: sample.eventsCounted, shown: sample.eventsShown, dropped: sample.eventsDropped)
    workload = sample.workload.map { Workload($0, model, moment) }
    alerts = model.alerts.active(at: sample.nanoseconds).map { Alert($0, moment) }
    cpu = (rates?.perSecond(\.processNanoseconds) ?? 0) / 1e9
    dashboardCpu = (rates?.perSecond(\.dashboardNanoseconds) ?? 0) / 1e9
    residentBytes = sample.residentBytes > 0 ? sample.residentBytes : nil
  }

  /// One line, the names in snake case and in order, without characters that a terminal acts upon.
  func line() throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return ExportText.harmlessJSON(String(decoding: try encoder.encode(self), as: UTF8.self))
  }
}

extension MomentReport.Workload {
  init(_ sample: WorkloadSample, _ model: Model, _ moment: Moment) {
    let progress = sample.progress
    self.init(
      run: sample.run, summary: sample.summary, phase: progress.phase.rawValue, loaded: progress.loaded,
      documents: progress.documents, operations: progress.operations, skipped: progress.skipped,
      behind: Shortfall(moment)?.missed, acknowledgement: model.acknowledgement(at: moment.sample)?.rawValue,
      duplicatesRefused: progress.duplicatesRefused, errors: progress.errors, lastError: progress.lastError)
  }
}

extension MomentReport.Alert {
  init(_ episode: AlertBook.Episode, _ moment: Moment) {
    let lasting = moment.sample.nanoseconds - min(episode.start, moment.sample.nanoseconds)
    self.init(
      name: episode.rule.name, severity: episode.rule.severity == .critical ? "critical" : "warning",
      since: episode.date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)), lastingNs: lasting,
      text: episode.rule.hasThreshold ? episode.rule.text(at: moment, lasting: lasting) : episode.text)
  }
}
