import DarkBird
import Foundation
import Terminal

@testable import DarkBirdDashboard

/// A scripted store: the same samples and events every time, without a clock and without chance.
struct Script {
  var hasLog = true
  var hasWorkload = true
  var shardCount = 64
  /// A failure of the log from then on, in samples.
  var failsAfter: Int?
  /// A failure of checkpoints from then on, in samples.
  var checkpointsFailAfter: Int?

  static let start = Date(timeIntervalSince1970: 1_700_000_000)  // 22:13:20 UTC

  static let schema: SchemaDescription = {
    var schema = SchemaDescription()
    schema.fields = FieldSchema(unique: ["email"], tags: ["club", "skill"], ranges: ["age", "joined", "salary"])
    return schema
  }()

  var identity: SourceIdentity {
    SourceIdentity(
      title: "clubs", location: hasLog ? "disk players/" : "memory", directory: hasLog ? "players" : nil,
      isInMemory: !hasLog, allowsChanges: true, schema: Self.schema)
  }

  /// Operations a second around sample `index`: slow waves and a burst.
  private func pace(_ index: Int) -> Double {
    let phase = index % 200
    let wave = phase < 100 ? Double(phase) : Double(200 - phase)
    let burst = (400..<430).contains(index) ? 60_000.0 : 0
    return 80_000 + wave * 700 + burst
  }

  /// Samples 0..<count, a tenth of a second apart.
  func samples(_ count: Int) -> [Sample] {
    var statistics = StoreStatistics()
    statistics.documents = 1_204_117
    statistics.shards = Array(repeating: StoreStatistics.Shard(), count: shardCount)
    if hasLog {
      var log = StoreStatistics.Log()
      log.page = 210
      log.pageCapacity = .records(50_000)
      log.queueBytesMax = 8 << 20
      log.pagesOnDisk = 31
      statistics.log = log
    }
    return (0..<count).map { index in
      advance(&statistics, index)
      return sample(index, statistics)
    }
  }

  private func advance(_ statistics: inout StoreStatistics, _ index: Int) {
    let operations = pace(index) / 10
    func share(_ percent: Int) -> UInt64 { UInt64(operations * Double(percent) / 100) }
    statistics.operations.inserts += share(5)
    statistics.operations.puts += share(12)
    statistics.operations.updates += share(5)
    statistics.operations.removes += share(5)
    statistics.operations.gets += share(60)
    statistics.operations.uniqueLookups += share(5)
    statistics.operations.tagQueries += share(4)
    statistics.operations.rangeQueries += share(3)
    statistics.operations.scans += share(1)
    statistics.operations.duplicatesRefused += 2
    let hot = min(17, shardCount - 1)
    for shard in statistics.shards.indices {
      let weight = shard == hot ? 1.7 : 0.8 + Double(shard * 7 % 11) / 25
      statistics.shards[shard].documents = 18_814 + shard * 13 % 97 + (shard == hot ? 588 : 0)
      statistics.shards[shard].operations += UInt64(operations / Double(shardCount) * weight)
      statistics.shards[shard].lockWaits += UInt64(shard == hot ? 12 : shard % 3)
      statistics.shards[shard].lockWaitNanoseconds += UInt64(shard == hot ? 372_000 : shard % 3 * 2_100)
    }
    let writes = share(27)
    statistics.memoryLSN += writes
    statistics.documents = 1_204_117 + index % 50
    statistics.indexes = [
      .init(kind: .unique, name: "email", entries: 1_100_000 + index * 149),
      .init(kind: .range, name: "age", entries: statistics.documents, distinct: nil),
      .init(kind: .range, name: "joined", entries: statistics.documents - 1_000 + index),
      .init(kind: .range, name: "salary", entries: 602_000 + index % 40 * 11),
      .init(kind: .tag, name: "club", entries: 702_004 + index % 30, distinct: 83),
      .init(kind: .tag, name: "skill", entries: 1_904_220 + index * 3, distinct: 41),
    ]
    advanceLog(&statistics, index, writes)
  }

  private func advanceLog(_ statistics: inout StoreStatistics, _ index: Int, _ writes: UInt64) {
    guard var log = statistics.log else { return }
    log.recordsWritten += writes
    log.bytesWritten += writes * 288
    log.pageRecords += Int(writes)
    if log.pageRecords >= 50_000 {
      log.pageRecords -= 50_000
      log.page += 1
      log.rotations += 1
    }
    log.pageBytes = log.pageRecords * 288
    log.bytesOnDisk = 1_200_000_000 + index * 100_000
    log.queueBytes = 90_000 + index % 10 * 20_000
    log.syncs += 3
    log.recentSyncNanoseconds = (0..<100).map { 800_000 + UInt64($0) * 21_000 }
    log.writtenLagNanoseconds = 12_000_000
    log.durableLagNanoseconds = UInt64(index % 10) * 90_000_000
    log.checkpoints = UInt64(index / 250)
    log.checkpointLSN = index >= 250 ? 900_000 : nil
    if let failsAfter, index >= failsAfter { log.failure = "players/wal-241: fdatasync: Input/output error" }
    if let checkpointsFailAfter, index >= checkpointsFailAfter {
      log.checkpointFailures = 3
      log.checkpointFailure = "players: no space left on the disk; nothing was written"
    }
    statistics.log = log
    statistics.writtenLSN = statistics.memoryLSN - 120
    statistics.durableLSN = statistics.memoryLSN - UInt64(index % 10) * 400
  }

  private func sample(_ index: Int, _ statistics: StoreStatistics) -> Sample {
    let nanoseconds = UInt64(index + 1) * 100_000_000
    var sample = Sample(
      sequence: index, date: Self.start.addingTimeInterval(Double(index) / 10), nanoseconds: nanoseconds,
      statistics: statistics)
    sample.tags = [
      TagCount(tag: "club=Ajax", count: 41_882 + index % 7), TagCount(tag: "skill=swift", count: 40_117),
      TagCount(tag: "club=Vålerenga", count: 39_004 - index % 5), TagCount(tag: "skill=rust", count: 38_550),
    ]
    sample.eventsCounted = statistics.memoryLSN
    sample.eventsShown = UInt64(index) * 20
    sample.eventsDropped = UInt64(index / 300) * 12
    sample.processNanoseconds = nanoseconds / 100 * 143
    sample.dashboardNanoseconds = nanoseconds / 1_000 * 6
    sample.residentBytes = 512_000_000 + index * 9_000
    if hasWorkload { sample.workload = workload(index) }
    return sample
  }

  private func workload(_ index: Int) -> WorkloadSample {
    var progress = WorkloadProgress()
    progress.phase = .running
    progress.loaded = 1_200_000
    progress.documents = 1_200_000
    progress.operations = UInt64(index) * 18_000
    progress.duplicatesRefused = UInt64(index) * 2
    var workload = WorkloadSample(progress: progress, summary: "clubs zipfian 2w/2r no limit")
    workload.options = WorkloadOptions(rate: .max)
    for kind in OperationKind.allCases where kind != .batch { workload.latencies[kind] = summary(kind, index) }
    let slow = (400..<430).contains(index)
    for step in 0..<9 {
      // Most take a few microseconds, some much longer, more of them during the burst.
      let nanoseconds = UInt64(700) << UInt64(step + (slow ? 2 : 0))
      workload.heat.add(UInt64(9_000 >> step) + UInt64(index % 4), nanoseconds: nanoseconds)
    }
    if index % 37 == 0 { workload.heat.add(1, nanoseconds: 4_100_000) }
    return workload
  }

  private func summary(_ kind: OperationKind, _ index: Int) -> LatencySummary {
    var summary = LatencySummary()
    let base: UInt64 =
      switch kind {
      case .insert, .put, .update, .remove, .batch: 4_000
      case .get: 900
      case .unique: 1_600
      case .tag, .range: 88_000
      case .scan: 240_000
      }
    summary.count = kind == .get ? 1_200_000 : kind.isWrite ? 190_000 : 60_000
    summary.p50 = base + UInt64(index % 5) * 100
    summary.p90 = base * 5 / 2
    summary.p99 = base * 12
    summary.p999 = base * 40
    summary.max = kind == .insert ? 9_200_000 : base * 95
    return summary
  }

  /// Events of sample `index`.
  func events(_ index: Int) -> [EventLine] {
    let date = Self.start.addingTimeInterval(Double(index) / 10)
    var lines = (0..<3).map { step in
      let number = 88_000 + index * 3 + step
      return EventLine(
        [.put, .insert, .remove][(index + step) % 3], date: date.addingTimeInterval(Double(step) / 100),
        shard: number * 7 % shardCount, key: "u:\(number)",
        detail: (index + step) % 3 == 2 ? "" : "name=Ada Østby age=\(20 + number % 40) club=Ajax",
        bytes: (index + step) % 3 == 2 ? nil : 280 + number % 60)
    }
    if index % 4 == 0 {
      lines.append(
        EventLine(
          .duplicate, date: date.addingTimeInterval(0.05), key: "u:\(90_000 + index)",
          detail: "refused: u:88007 has email ada\(index)@example.org"))
    }
    if index % 20 == 0 {
      lines.append(
        EventLine(.rotation, date: date.addingTimeInterval(0.06), detail: "page \(210 + index / 20) begins"))
    }
    return lines
  }

  /// A model that has seen `count` samples.
  func model(_ count: Int = 700, width: Int = 120, height: Int = 40, glyphs: GlyphTier = .braille) -> Model {
    var model = Model(
      identity: identity, width: width, height: height,
      glyphs: glyphs, zone: .gmt)
    for sample in samples(count) {
      // Only the last minute's events: what is older is never seen.
      _ = model.update(.sample(sample, sample.sequence >= count - 100 ? events(sample.sequence) : []))
    }
    _ = model.update(.frameCost(milliseconds: 1.1))
    return model
  }
}
