import DarkBird
import DarkBirdDashboard
import Foundation

/// A workload without a dashboard: a line a second, and a summary.
struct HeadlessRun<Document: DarkBird.Document> {
  private let store: Store<String, Document>
  private let runner: WorkloadRunner
  private let load: WorkloadOptions
  private let isJSON: Bool

  private let stop: StopSignals

  init(
    _ store: Store<String, Document>, _ runner: WorkloadRunner, _ load: WorkloadOptions, isJSON: Bool, stop: StopSignals
  ) {
    self.store = store
    self.runner = runner
    self.load = load
    self.isJSON = isJSON
    self.stop = stop
  }

  /// Returns when the workload has ended, by its duration, by a signal, or because nobody reads the lines any more.
  /// - Throws: `Failure` if it could not go on.
  func run() throws {
    let output = Output()
    // A clock that stands while the machine sleeps, as that of the workload does.
    let start = monotonicNanoseconds()
    let second: UInt64 = 1_000_000_000
    func secondsSinceStart() -> Double { Double(monotonicNanoseconds() - start) / Double(second) }
    var nextLine = start + second
    var (last, lastSeconds) = (LatencySnapshot(), 0.0)
    while !stop.isRequested && output.isOpen {
      let place = runner.advanceScenario(to: monotonicNanoseconds() - start)
      let progress = runner.progress()
      if !progress.isRunning || progress.writersStopped != nil { break }
      let now = monotonicNanoseconds()
      let rest = nextLine > now ? nextLine - now : 0
      stop.wait(milliseconds: min(100, max(1, Int(rest / 1_000_000))))
      if monotonicNanoseconds() < nextLine { continue }
      nextLine += second
      if isJSON { continue }
      let snapshot = runner.recorder.snapshot()
      let seconds = secondsSinceStart()
      let isLoading = progress.phase == .loading && snapshot.count == last.count
      let what =
        isLoading
        ? "loading up to \(grouped(load.documents))"
        : operations(place, snapshot, since: last, seconds: max(seconds - lastSeconds, 0.001))
      output.line("\(decimal(seconds))s  \(what)\(storeText())")
      output.flush()
      (last, lastSeconds) = (snapshot, seconds)
      // After a stop of the whole process no lines are made up for.
      nextLine = max(nextLine, monotonicNanoseconds())
    }
    runner.close()
    let seconds = secondsSinceStart()
    let progress = runner.total()
    if let reason = progress.writersStopped { throw Failure(.ioError, "workload", reason) }
    if case .failed(let reason)? = progress.finishedReason { throw Failure(.ioError, "workload", reason) }
    try store.sync()
    let report = RunReport(
      seconds, load, ack: store.ownAcknowledgement, runner.recorder.snapshot(), store.statistics(), progress)
    output.line(isJSON ? try jsonLine(report) : report.description)
    try output.finish()
  }

  /// What happened a second since the line before; latencies are those since the start.
  private func operations(
    _ place: ScenarioPlace?, _ now: LatencySnapshot, since last: LatencySnapshot, seconds: Double
  ) -> String {
    func perSecond(_ count: UInt64) -> String { grouped(Int((Double(count) / seconds).rounded())) }
    var kinds = ""
    for kind in OperationKind.allCases where now[kind].count > 0 {
      kinds += "  \(kind.rawValue) \(perSecond(now[kind].count - last[kind].count))"
    }
    let slowest = now.operations.values.map(\.p99).max() ?? 0
    let step = place.map { $0.title + "  " } ?? ""
    return
      "\(step)\(perSecond(now.count - last.count)) ops/s\(kinds)  highest p99 so far \(duration(nanoseconds: slowest))"
  }

  private func storeText() -> String {
    let statistics = store.statistics()
    var text = "  \(grouped(statistics.documents)) documents"
    if let log = statistics.log {
      text += "  page \(log.page)  lag \(grouped(statistics.memoryLSN - statistics.durableLSN)) LSN"
      if let failure = log.checkpointFailure { text += "  checkpoint failed: \(oneLine(failure))" }
    }
    return text
  }
}

/// What a workload did. The JSON keys are part of the command's interface: the help of `darkbird run` lists them.
struct RunReport: Encodable, CustomStringConvertible {
  struct Latency: Encodable {
    var p50, p90, p99, p999, max, count: UInt64
  }

  struct LSN: Encodable {
    var memory, written, durable: UInt64
  }

  var loaded: Int
  var loadSeconds: Double
  var seconds: Double
  var workload: String
  var seed: UInt64
  var scenario: String?
  var operations: [String: UInt64]
  var opsPerSecond: Double
  var latencyNanoseconds: [String: Latency]
  var documents: Int
  var pages: Int?
  var rotations: UInt64?
  var lsn: LSN
  var duplicatesRefused: UInt64
  var errors: UInt64
  var lastError: String?
  var skipped: UInt64
  /// How far a write had to come before the next; nil in memory.
  var ack: String?
  /// nil without a limit.
  var rate: Int?
  var writers: Int
  var readers: Int
  /// For people only, as is the one after it.
  private var found: Int
  private var begun: UInt64

  enum CodingKeys: String, CodingKey {
    case loaded
    case loadSeconds = "load_seconds"
    case seconds, workload, ack, rate, writers, readers, seed, scenario, operations
    case opsPerSecond = "ops_per_second"
    case latencyNanoseconds = "latency_ns"
    case documents, pages, rotations, lsn
    case duplicatesRefused = "duplicates_refused"
    case errors
    case lastError = "last_error"
    case skipped
  }

  /// - Parameter seconds: from the start, loading included.
  init(
    _ seconds: Double, _ load: WorkloadOptions, ack: Acknowledgement?, _ latencies: LatencySnapshot,
    _ statistics: StoreStatistics, _ progress: WorkloadProgress
  ) {
    func thousandths(_ seconds: Double) -> Double { (seconds * 1_000).rounded() / 1_000 }
    let loadSeconds = Double(progress.loadNanoseconds) / 1e9
    let seconds = max(seconds - loadSeconds, 0)
    (loaded, found) = (progress.loaded - progress.found, progress.found)
    self.loadSeconds = thousandths(loadSeconds)
    self.seconds = thousandths(seconds)
    workload = load.preset.rawValue
    seed = load.seed
    scenario = load.scenario?.name
    self.ack = ack?.rawValue
    rate = if case .perSecond(let count) = load.rate { count } else { nil }
    (writers, readers) = (load.writers, load.readers)
    operations = [:]
    latencyNanoseconds = [:]
    for kind in OperationKind.allCases {
      let summary = latencies[kind]
      operations[kind.rawValue] = summary.count
      if summary.count == 0 { continue }
      latencyNanoseconds[kind.rawValue] = Latency(
        p50: summary.p50, p90: summary.p90, p99: summary.p99, p999: summary.p999, max: summary.max,
        count: summary.count)
    }
    opsPerSecond = (Double(latencies.count) / max(seconds, 0.001)).rounded()
    documents = statistics.documents
    pages = statistics.log?.pagesOnDisk
    rotations = statistics.log?.rotations
    lsn = LSN(memory: statistics.memoryLSN, written: statistics.writtenLSN, durable: statistics.durableLSN)
    duplicatesRefused = progress.duplicatesRefused
    errors = progress.errors
    lastError = progress.lastError
    skipped = progress.skipped
    begun = progress.operations
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(loaded, forKey: .loaded)
    try container.encode(loadSeconds, forKey: .loadSeconds)
    try container.encode(seconds, forKey: .seconds)
    try container.encode(workload, forKey: .workload)
    try container.encode(ack, forKey: .ack)
    try container.encode(rate, forKey: .rate)
    try container.encode(writers, forKey: .writers)
    try container.encode(readers, forKey: .readers)
    try container.encode(seed, forKey: .seed)
    try container.encode(scenario, forKey: .scenario)
    try container.encode(operations, forKey: .operations)
    try container.encode(opsPerSecond, forKey: .opsPerSecond)
    try container.encode(latencyNanoseconds, forKey: .latencyNanoseconds)
    try container.encode(documents, forKey: .documents)
    // Null instead of absent, so that a script finds every key in every report.
    try container.encode(pages, forKey: .pages)
    try container.encode(rotations, forKey: .rotations)
    try container.encode(lsn, forKey: .lsn)
    try container.encode(duplicatesRefused, forKey: .duplicatesRefused)
    try container.encode(errors, forKey: .errors)
    try container.encode(lastError, forKey: .lastError)
    try container.encode(skipped, forKey: .skipped)
  }

  var description: String {
    let done = operations.values.reduce(0, +)
    let played = scenario.map { ", scenario \($0)" } ?? ""
    let waits = ack.map { ", ack \($0)" } ?? ""
    let limit = rate.map { "\(grouped($0))/s at most" } ?? "no limit"
    var lines = [
      "\(workload)\(waits), \(writers)w/\(readers)r, \(limit), seed \(seed)\(played): \(grouped(done)) operations in \(decimal(seconds)) s, "
        + "\(grouped(Int(opsPerSecond)))/s"
    ]
    if loaded > 0 {
      lines.append("loaded \(grouped(loaded)) documents in \(decimal(loadSeconds)) s, not counted as operations")
    }
    if found > 0 { lines.append("found \(grouped(found)) documents") }
    if skipped > 0 { lines.append(behind) }
    let columns = ["", "count", "p50", "p90", "p99", "p99.9", "max"]
    lines.append(Self.row(columns))
    for kind in OperationKind.allCases {
      guard let latency = latencyNanoseconds[kind.rawValue] else { continue }
      let times = [latency.p50, latency.p90, latency.p99, latency.p999, latency.max]
      lines.append(Self.row([kind.rawValue, grouped(latency.count)] + times.map { duration(nanoseconds: $0) }))
    }
    lines.append("documents \(grouped(documents))  duplicates refused \(grouped(duplicatesRefused))")
    if let pages, let rotations {
      lines.append("log pages \(grouped(pages)) on disk, \(grouped(rotations)) begun")
      lines.append(
        "LSN memory \(grouped(lsn.memory))  written \(grouped(lsn.written))  durable \(grouped(lsn.durable))")
    }
    lines.append("errors \(grouped(errors))\(lastError.map { "  last: \(oneLine($0))" } ?? "")")
    return lines.joined(separator: "\n")
  }

  private var behind: String {
    // A scenario has rates of its own.
    let asked = scenario == nil ? rate.map { "\(grouped($0))/s" } ?? "the rate" : "the rate"
    let percent = Int((Double(skipped) / Double(begun + skipped) * 100).rounded(.up))
    return "\(percent)% behind \(asked): \(grouped(skipped)) of \(grouped(begun + skipped)) operations missed"
  }

  /// A name and right-aligned figures.
  private static func row(_ cells: [String]) -> String {
    func padding(_ cell: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - cell.count)) }
    return "  " + cells[0] + padding(cells[0], 8)
      + cells.dropFirst().map { padding($0, 12) + $0 }.joined()
  }
}
