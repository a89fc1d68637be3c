import DarkBird
import Foundation

/// What is recorded, field by field. Another order or other fields are another version of the format.
extension FieldCoder {
  mutating func identity(_ identity: inout SourceIdentity) throws {
    try text(&identity.title)
    try text(&identity.location)
    try flag(&identity.isReadOnly)
    try flag(&identity.isInMemory)
    try optional(&identity.acknowledgement, blank: .memory) { try $0.choice(&$1) }
    for fields in [\SchemaDescription.fields, \SchemaDescription.computed] {
      try texts(&identity.schema[keyPath: fields].unique)
      try texts(&identity.schema[keyPath: fields].tags)
      try texts(&identity.schema[keyPath: fields].ranges)
    }
  }

  /// What has no fixed number comes last, so that the numbers before it keep their places.
  mutating func sample(_ sample: inout Sample, _ lines: inout [EventLine]) throws {
    try number(&sample.generation)
    try number(&sample.nanoseconds)
    try date(&sample.date)
    try statistics(&sample.statistics)
    try optional(&sample.syncP50, blank: 0) { try $0.number(&$1) }
    try optional(&sample.syncP99, blank: 0) { try $0.number(&$1) }
    try number(&sample.eventsCounted)
    try number(&sample.eventsDropped)
    try number(&sample.eventsShown)
    try number(&sample.processNanoseconds)
    try number(&sample.dashboardNanoseconds)
    try number(&sample.residentBytes)
    try optional(&sample.workload, blank: WorkloadSample(progress: WorkloadProgress())) { try $0.workload(&$1) }
    try list(&sample.tags, blank: TagCount(tag: "", count: 0)) { coder, tag in
      try coder.text(&tag.tag)
      try coder.number(&tag.count)
    }
    try list(&lines, blank: EventLine(.put, date: .distantPast)) { try $0.line(&$1) }
    try optional(&sample.timed, blank: TimedWrites()) { coder, timed in
      try coder.number(&timed.interval)
      try coder.seconds(&timed.latencySeconds)
      try coder.latencies(&timed.latencies, &timed.heat)
    }
    try list(&sample.notes, blank: Sample.Note(nanoseconds: 0, date: .distantPast, text: "")) { coder, note in
      try coder.number(&note.nanoseconds)
      try coder.date(&note.date)
      try coder.text(&note.text)
    }
  }

  private mutating func statistics(_ statistics: inout StoreStatistics) throws {
    try number(&statistics.documents)
    for count in [
      \StoreStatistics.memoryLSN, \.writtenLSN, \.durableLSN, \.eventsDropped, \.operations.puts, \.operations.inserts,
      \.operations.updates, \.operations.removes, \.operations.clears, \.operations.batches, \.operations.gets,
      \.operations.uniqueLookups, \.operations.tagQueries, \.operations.rangeQueries, \.operations.scans,
      \.operations.duplicatesRefused, \.operations.refusals,
    ] { try number(&statistics[keyPath: count]) }
    try number(&statistics.subscribers)
    try list(&statistics.shards, blank: StoreStatistics.Shard()) { coder, shard in
      try coder.number(&shard.documents)
      try coder.number(&shard.operations)
      try coder.number(&shard.lockWaits)
      try coder.number(&shard.lockWaitNanoseconds)
    }
    try list(&statistics.indexes, blank: StoreStatistics.Index(kind: .unique, name: "", entries: 0)) { coder, index in
      try coder.choice(&index.kind)
      try coder.text(&index.name)
      try coder.number(&index.entries)
      try coder.optional(&index.distinct, blank: 0) { try $0.number(&$1) }
    }
    try optional(&statistics.log, blank: StoreStatistics.Log()) { try $0.log(&$1) }
  }

  private mutating func log(_ log: inout StoreStatistics.Log) throws {
    for count in [
      \StoreStatistics.Log.pageRecords, \.pageBytes, \.pagesOnDisk, \.bytesOnDisk, \.checkpointBytes, \.queueBytes,
      \.queueBytesMax,
    ] { try number(&log[keyPath: count]) }
    for count in [
      \StoreStatistics.Log.page, \.rotations, \.queueWaits, \.pageWaits, \.recordsWritten, \.bytesWritten, \.syncs,
      \.syncNanosecondsTotal,
      \.writtenLagNanoseconds, \.durableLagNanoseconds, \.checkpoints, \.checkpointFailures,
    ] { try number(&log[keyPath: count]) }
    var (isCountedInBytes, capacity) =
      switch log.pageCapacity {
      case .records(let count): (false, count)
      case .bytes(let count): (true, count)
      }
    try flag(&isCountedInBytes)
    try number(&capacity)
    log.pageCapacity = isCountedInBytes ? .bytes(capacity) : .records(capacity)
    try optional(&log.checkpointLSN, blank: 0) { try $0.number(&$1) }
    try optional(&log.checkpointFailure, blank: "") { try $0.text(&$1) }
    try optional(&log.failure, blank: "") { try $0.text(&$1) }
  }

  private mutating func workload(_ workload: inout WorkloadSample) throws {
    try text(&workload.summary)
    try number(&workload.run)
    try progress(&workload.progress)
    try optional(&workload.options, blank: WorkloadOptions()) { try $0.options(&$1) }
    let nowhere = ScenarioPlace(base: WorkloadOptions(), step: 0, left: 0)
    try optional(&workload.scenario, blank: nowhere) { coder, place in
      try coder.options(&place.base)
      try coder.number(&place.step)
      // No longer than a reader takes.
      place.left = min(place.left, RecordingDecoder.numberMax)
      try coder.number(&place.left)
    }
    try seconds(&workload.latencySeconds)
    try latencies(&workload.latencies, &workload.heat)
  }

  /// What is shown of them: not the seed, nor when the run ends by itself, which the end then tells.
  private mutating func options(_ options: inout WorkloadOptions) throws {
    try choice(&options.preset)
    try number(&options.documents)
    var rate: Int? = if case .perSecond(let count) = options.rate { count } else { nil }
    try optional(&rate, blank: 0) { try $0.number(&$1) }
    options.rate = rate.map { WorkloadOptions.Rate.perSecond($0) } ?? .max
    try number(&options.writers)
    try number(&options.readers)
    try optional(&options.distribution, blank: .uniform) { try $0.choice(&$1) }
    try optional(&options.mix, blank: WorkloadMix()) { coder, mix in
      for share in WorkloadMix.Share.allCases { try coder.number(&mix[share]) }
    }
    try optional(&options.acknowledgement, blank: .memory) { try $0.choice(&$1) }
    try optional(&options.scenario, blank: Scenario("", "", [])) { coder, scenario in
      try coder.text(&scenario.name)
      try coder.text(&scenario.summary)
      // Of the steps their names: what they set shows in the options.
      var names = scenario.steps.prefix(RecordingDecoder.countMax).map(\.name)
      try coder.texts(&names)
      scenario.steps = names.map { Scenario.Step($0, [], seconds: 1) }
    }
  }

  /// To the microsecond.
  private mutating func seconds(_ value: inout Double?) throws {
    var micros = value.map { UInt64(min(max($0 * 1e6, 0), 1e15).rounded()) }
    try optional(&micros, blank: 0) { try $0.number(&$1) }
    value = micros.map { Double($0) / 1e6 }
  }

  private mutating func latencies(
    _ latencies: inout [OperationKind: LatencySummary], _ column: inout HeatColumn
  ) throws {
    for kind in OperationKind.allCases {
      try optional(&latencies[kind], blank: LatencySummary()) { coder, latency in
        for figure in [\LatencySummary.count, \.p50, \.p90, \.p99, \.p999, \.max] {
          try coder.number(&latency[keyPath: figure])
        }
      }
    }
    var heat = column.counts.map(UInt64.init)
    try list(&heat, blank: 0) { try $0.number(&$1) }
    column = HeatColumn(counts: heat)
  }

  private mutating func progress(_ progress: inout WorkloadProgress) throws {
    try choice(&progress.phase)
    try number(&progress.loaded)
    try number(&progress.found)
    try number(&progress.documents)
    try number(&progress.loadNanoseconds)
    try number(&progress.operations)
    try number(&progress.skipped)
    try number(&progress.writersOperations)
    try number(&progress.writersSkipped)
    try number(&progress.duplicatesRefused)
    try number(&progress.errors)
    try optional(&progress.lastError, blank: "") { try $0.text(&$1) }
    try optional(&progress.writersStopped, blank: "") { try $0.text(&$1) }
    try optional(&progress.finishedReason, blank: .stopped) { coder, reason in
      // In the words that people see.
      var text = reason.description
      try coder.text(&text)
      reason = .init(description: text)
    }
  }

  private mutating func line(_ line: inout EventLine) throws {
    try choice(&line.kind)
    try date(&line.date)
    try optional(&line.shard, blank: 0) { try $0.number(&$1) }
    try text(&line.key)
    try text(&line.detail)
    try optional(&line.bytes, blank: 0) { try $0.number(&$1) }
  }
}

extension WorkloadProgress.FinishedReason {
  /// What `description` says.
  fileprivate init(description: String) {
    let known: [Self] = [.stopped, .durationElapsed, .operationsDone]
    self =
      known.first { $0.description == description }
      ?? .failed(description.hasPrefix("failed: ") ? String(description.dropFirst(8)) : description)
  }
}
