import ArgumentParser
import DarkBird
import DarkBirdDashboard
import Foundation
import Terminal

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Put a store under load and watch it. The default command.",
    discussion: """
      Opens a store, loads documents, and keeps reading and writing them at a given rate, while the dashboard shows \
      throughput, latencies, shards, log pages, indexes and events. Without --store and --ram the store is in a \
      temporary directory that is removed at the end. In the dashboard ? lists the keys and q ends it.

        darkbird run --ram --rate max                 how fast is the memory part
        darkbird run --store D --ack synced           every write waits for the disk
        darkbird run --page-records 500               watch pages fill and rotate
        darkbird run --scenario rush-hour             the load changes by itself
        darkbird run --headless --json --duration 20  a report, for scripts

      A checkpoint comes by itself once the log has grown by 256 MiB and by as much as the last one holds; the command \
      checkpoint of the dashboard (:) takes one at once.

      --once, --stream json and --plain watch without a terminal. --headless prints a line a second instead; Ctrl-C, \
      SIGTERM or --duration end it, and a summary follows. With --json there is no line a second, and the summary is one \
      JSON object. Documents are loaded first, without waiting for the disk one by one: that counts apart, and not among \
      the operations.

        loaded              documents that were loaded before the operations
        load_seconds        how long that took
        seconds             from the end of the loading to that of the run
        workload, seed      what was run
        ack                 how far a write had to come before the next (null in memory)
        rate                operations a second at most (null without a limit)
        writers, readers    threads
        scenario            null without one
        operations          count of each kind
        ops_per_second      all kinds
        latency_ns          nanoseconds: p50, p90, p99, p999, max, and the count
        documents           in the store at the end
        pages, rotations    log pages on disk; pages begun (null in memory)
        lsn                 memory, written, durable: the last record at each level
        duplicates_refused  writes that a unique index refused, on purpose
        errors, last_error  operations that failed in any other way
        skipped             operations that --rate called for, and the store was too slow for
      """)

  @OptionGroup(title: "Store")
  var store: StoreOptions

  @OptionGroup(title: "Load")
  var load: LoadOptions

  @OptionGroup(title: "Output")
  var output: OutputOptions

  @OptionGroup(title: "Reports")
  var report: ReportOptions

  @OptionGroup(title: "Look")
  var look: LookOptions

  func validate() throws {
    if output.headless && report.isWanted {
      throw ValidationError("--headless and --once, --stream or --plain exclude each other")
    }
    if report.json && !output.headless && !report.once {
      throw ValidationError("--json needs --headless or --once")
    }
    if report.once && load.duration != nil {
      throw ValidationError("--once ends as soon as it has its figures: it takes no --duration")
    }
    if output.headless && look.glyphs != nil {
      throw ValidationError("--glyphs is for the dashboard, which --headless leaves out")
    }
  }

  func run() throws {
    // Without a dashboard there is nothing that it could change but the load.
    let isConfigured = !output.headless || load.scenario != nil || look.config != nil
    let configuration = isConfigured ? try look.configuration() : DashboardConfiguration()
    var workload = load.workloadOptions
    workload.scenario = try load.scenario(among: configuration.scenarios)
    let isDrawn = !output.headless && !report.isWanted
    if isDrawn { try requireTerminal() }
    // Before there is a directory to remove: a signal that comes meanwhile must not leave it behind. While there is a dashboard
    // signals are its own; they come here again while the store is closed.
    let stop = StopSignals()
    let temporary = store.isTemporary ? try TemporaryStore() : nil
    defer { temporary?.remove() }
    let name = store.ram ? "memory" : temporary?.path ?? store.store ?? ""
    let location = store.isTemporary ? SourceIdentity.temporary : store.ram ? "memory" : "disk \(name)"
    var options = DashboardOptions(title: load.workload.rawValue, location: location, look, configuration)
    options.remembersRuns = true
    let opening = OpeningScreen(options)
    defer { opening.close() }
    let storeConfiguration = store.configuration(temporaryPath: temporary?.path)
    guard let opened = try onStore(name, { try open(storeConfiguration, isDrawn ? opening : nil, stop) }) else {
      return
    }
    do {
      try run(workload, on: opened.keptUntilExit(), &options, isDrawn ? opening : nil, stop)
    } catch {
      try? opened.close()
      throw Failure(error, path: name)
    }
    try onStore(name) { try opened.close() }
  }

  /// - Returns: nil if somebody quit before it was open.
  private func open(
    _ configuration: StoreConfiguration, _ screen: OpeningScreen?, _ stop: StopSignals
  ) throws -> Store<String, WorkloadDocument>? {
    guard let screen, case .disk(let path) = configuration.location else { return try Store(configuration) }
    func isStopped() -> Bool { stop.isRequestedByNow() }
    return try screen.load(path, isStopped: isStopped) { files in
      try Store<String, WorkloadDocument>(configuration, schema: WorkloadDocument.schema, fileSystem: files)
    }
  }

  /// Runs the workload on its store until the user or the duration ends it.
  private func run(
    _ load: WorkloadOptions, on opened: Store<String, WorkloadDocument>, _ options: inout DashboardOptions,
    _ opening: OpeningScreen?, _ stop: StopSignals
  ) throws {
    let runner = WorkloadRunner(store: opened, options: load)
    defer { runner.close() }
    runner.start()
    if output.headless {
      return try HeadlessRun(opened, runner, load, isJSON: report.json, stop: stop).run()
    }
    options.workload = runner
    guard let opening else { return try report.run(on: opened, options, stop) }
    try showDashboard(on: opened, options, opening, stop)
  }
}

struct StoreOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Keep the store in this directory, which is made if it does not exist.", valueName: "dir"))
  var store: String?

  @Flag(help: "Keep the store in memory; no file is touched.")
  var ram = false

  @Option(help: ArgumentHelp("A log page is full after this many records. (default: 5000)", valueName: "n"))
  var pageRecords: Int?

  @Option(help: ArgumentHelp("A log page is full after this many bytes.", valueName: "n"))
  var pageBytes: Int?

  @Option(
    help: """
      How far a write must have come before it counts as done: in memory and queued for the log; written, which \
      survives the death of the process; synced, which survives a power loss.
      """)
  var ack = Acknowledgement.memory

  var isTemporary: Bool { store == nil && !ram }

  func validate() throws {
    if ram && store != nil { throw ValidationError("--ram and --store exclude each other") }
    if pageRecords != nil && pageBytes != nil {
      throw ValidationError("--page-records and --page-bytes exclude each other")
    }
    if let pageRecords, pageRecords < 1 { throw ValidationError("--page-records \(pageRecords): must be 1 or more") }
    let sizes = LogFormat.pageBytesMin...LogFormat.pageBytesMax
    if let pageBytes, !sizes.contains(pageBytes) {
      throw ValidationError("--page-bytes \(pageBytes): must be \(sizes.lowerBound) to \(sizes.upperBound)")
    }
    if ram && (pageRecords != nil || pageBytes != nil || ack != .memory) {
      throw ValidationError("a store in memory has no log: --ram takes no --page-records, --page-bytes or --ack")
    }
  }

  func configuration(temporaryPath: String?) -> StoreConfiguration {
    guard let path = temporaryPath ?? store else { return .memory }
    var configuration = StoreConfiguration.disk(at: path)
    configuration.pageCapacity = pageBytes.map { .bytes($0) } ?? .records(pageRecords ?? 5_000)
    configuration.acknowledgement = ack
    return configuration
  }
}

struct LoadOptions: ParsableArguments {
  @Option(help: ArgumentHelp("What is stored and done.\n\(presets)", valueName: "name"))
  var workload = WorkloadOptions.Preset.clubs

  @Option(help: ArgumentHelp("Documents to begin with; clubs keeps their number.", valueName: "n"))
  var documents = 50_000

  @Option(
    help: ArgumentHelp(
      "Operations a second, or max. Each thread, writer or reader, gets an equal part.", valueName: "n|max"))
  var rate = RateArgument.perSecond(2_000)

  @Option(help: ArgumentHelp("Threads that write.", valueName: "n"))
  var writers = 2

  @Option(help: ArgumentHelp("Threads that read.", valueName: "n"))
  var readers = 2

  @Option(help: ArgumentHelp("The same seed gives the same documents.", valueName: "n"))
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("End after this long. (default: never)", valueName: "seconds"))
  var duration: Double?

  @Option(help: "Which documents are chosen. (default: zipfian; latest for ycsb-d)")
  var distribution: KeyDistribution?

  @Option(
    help: ArgumentHelp(
      "Change the load by itself, step by step and round again; the configuration may have more.\n\(scenarios)",
      valueName: "name"))
  var scenario: String?

  private static var scenarios: String {
    Scenario.standard.map { "\($0.name): \($0.summary)" }.joined(separator: "\n")
  }

  private static var presets: String {
    WorkloadOptions.Preset.allCases.map { "\($0.rawValue): \($0.summary)" }.joined(separator: "\n")
  }

  func validate() throws {
    if !(1...WorkloadOptions.documentsMax).contains(documents) {
      throw ValidationError("--documents \(documents): must be 1 to \(WorkloadOptions.documentsMax)")
    }
    if !(0...1_024).contains(writers) { throw ValidationError("--writers \(writers): must be 0 to 1024") }
    if !(0...1_024).contains(readers) { throw ValidationError("--readers \(readers): must be 0 to 1024") }
    if writers + readers == 0 { throw ValidationError("--writers 0 --readers 0: nobody would do anything") }
    if let duration, !(duration > 0 && duration <= 1e9) {
      throw ValidationError("--duration \(duration): must be above 0, and at most 1000000000")
    }
  }

  /// The one that `--scenario` names.
  func scenario(among scenarios: [Scenario]) throws(ValidationError) -> Scenario? {
    guard let scenario else { return nil }
    if let found = scenarios.first(where: { $0.name == scenario }) { return found }
    throw ValidationError(
      "--scenario \(scenario): there is none of that name, but \(scenarios.map(\.name).joined(separator: ", "))")
  }

  var workloadOptions: WorkloadOptions {
    WorkloadOptions(
      preset: workload, documents: documents, rate: rate.rate, writers: writers, readers: readers, seed: seed,
      duration: duration.map { .seconds($0) }, distribution: distribution)
  }
}

struct OutputOptions: ParsableArguments {
  @Flag(help: "No dashboard: a line a second, then a summary.")
  var headless = false
}

/// `--rate`: a number of operations a second, or `max`.
enum RateArgument: Hashable, ExpressibleByArgument {
  case max
  case perSecond(Int)

  init?(argument: String) {
    if argument == "max" {
      self = .max
    } else if let number = Int(argument), (1...WorkloadOptions.rateMax).contains(number) {
      self = .perSecond(number)
    } else {
      return nil
    }
  }

  var defaultValueDescription: String {
    switch self {
    case .max: "max"
    case .perSecond(let number): String(number)
    }
  }

  var rate: WorkloadOptions.Rate {
    switch self {
    case .max: .max
    case .perSecond(let number): .perSecond(number)
    }
  }
}
