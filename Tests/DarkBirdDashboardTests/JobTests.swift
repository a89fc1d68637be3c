import DarkBird
import Dispatch
import Foundation
import Synchronization
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Jobs") struct JobTests {
  private let directory = URL(filePath: NSTemporaryDirectory()).appending(path: "jobs-\(UUID().uuidString)")

  private func inDirectory(_ body: (String) throws -> Void) throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory.path)
  }

  private func store(_ count: Int) throws -> Store<Int, Record> {
    let store = try Store<Int, Record>(.memory)
    for number in 0..<count { try store.put(["n": .int(Int64(number))], for: number) }
    return store
  }

  private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: directory.path) }

  // MARK: Running

  @Test func rateAndTimeLeftAreOfThePresentPart() {
    var run = JobRun(id: 1, name: "export-to", subject: "", kind: nil, answers: [], date: nil)
    func take(_ documents: Int, _ share: Double, _ seconds: Double) {
      run.take(JobReport(progress: .init(documents: documents, share: share), seconds: seconds))
    }
    take(500_000, 0.5, 5)
    #expect(run.documentsPerSecond == 100_000 && run.secondsLeft == 5)
    // The second part begins.
    take(0, 0, 10)
    #expect(run.secondsLeft == nil)
    take(20_000, 0.02, 12)
    #expect(run.documentsPerSecond == 10_000 && run.secondsLeft.map { ($0 * 10).rounded() } == 980)
  }

  @Test func aBackupCanBeRestored() throws {
    try inDirectory { path in
      let job = DashboardJob.backup(of: try store(3_000))
      let file = path + "/all.backup"
      let report = Working.run { try job.body([file], $0) }
      guard case .done(let text) = report.outcome else {
        Issue.record("\(report)")
        return
      }
      #expect(text.hasPrefix("3,000 documents, ") && text.hasSuffix(", up to LSN 3,000"))
      #expect(report.progress.total == 3_000)
      try StoreInspector.restore(file, to: path + "/store")
      let restored = try Store<Int, Record>(.disk(at: path + "/store"))
      #expect(restored.count == 3_000 && restored[2_999] == ["n": 2_999])
      try restored.close()
    }
  }

  /// Asked for in the middle: not before it has begun to write.
  @Test(arguments: ["all.backup", "all.ndjson", "all.csv"]) func cancellingLeavesNothing(_ name: String) throws {
    try inDirectory { path in
      let store = try store(20_000)
      let isBackup = name.hasSuffix(".backup")
      let job = isBackup ? DashboardJob.backup(of: store) : .export(of: StoreSource(store, title: ""))
      let reports = Working.Reports()
      let runner = JobRunner { reports.add($0, $1) }
      runner.start(1) { progress in
        try job.body([path + "/" + name]) { step in
          if step.documents >= 5_000 {
            #expect((try? names())?.isEmpty == false)
            runner.cancel(1)
          }
          return progress(step)
        }
      }
      #expect(reports.last(1).outcome == .cancelled("there is no \(path)/\(name)"))
      #expect(try names().isEmpty)
      // The same again works.
      runner.start(2) { try job.body([path + "/" + name], $0) }
      #expect(reports.last(2).progress.documents >= (isBackup ? 19_000 : 20_000))
      #expect(try names() == [name])
    }
  }

  @Test func aFailureIsOneLine() throws {
    let job = DashboardJob.backup(of: try store(1))
    let report = Working.run { try job.body(["/nowhere/all.backup"], $0) }
    #expect(report.outcome == .failed("/nowhere/all.backup: open: No such file or directory"))
    let form = DashboardJob.export(of: ScriptedStore(count: 3))
    #expect(
      Working.run { try form.body(["all.xml"], $0) }.outcome
        == .failed("the end of the name says the form: .json, .ndjson or .csv"))
  }

  @Test func aCheckpointIsTakenAndSaysWhatIsOnTheDisk() throws {
    try inDirectory { path in
      let configuration = StoreConfiguration.disk(at: path + "/store")
      let store = try Store<Int, Record>(configuration)
      for number in 0..<100 { try store.put(["n": .int(Int64(number))], for: number) }
      let job = DashboardJob.checkpoint(of: store)
      guard case .done(let text) = Working.run({ try job.body([], $0) }).outcome else {
        Issue.record("not done")
        return
      }
      let log = try #require(store.statistics().log)
      #expect(log.checkpoints == 1 && log.checkpointLSN == 100 && log.checkpointBytes > 0)
      #expect(
        text == "\(Format.bytes(log.checkpointBytes)), up to LSN 100; log 1 page, "
          + Format.bytes(log.bytesOnDisk - log.checkpointBytes))
      guard case .done(let again) = Working.run({ try job.body([], $0) }).outcome else {
        Issue.record("not done")
        return
      }
      #expect(again.hasPrefix("nothing has changed since the last one: ") && again.hasSuffix(", up to LSN 100"))
      #expect(store.statistics().log?.checkpoints == 1)
      // One that is cancelled before it begins takes none.
      try store.put(["n": 1], for: 1)
      #expect(throws: CancellationError.self) { _ = try job.body([]) { _ in false } }
      #expect(store.statistics().log?.checkpoints == 1)
      try store.close()
      #expect(try Store<Int, Record>(configuration)[99] == ["n": 99])
    }
  }

  /// There is nothing to take one of without a log, and nobody may who only reads.
  @Test func checkpointsAreOfferedWhereThereIsALogToWrite() throws {
    try inDirectory { path in
      func names(_ store: Store<Int, Record>) -> [String] {
        DashboardJob.standard(of: store, ScriptedStore(count: 1)).map(\.name)
      }
      #expect(names(try store(1)) == ["backup-to", "export-to"])
      var configuration = StoreConfiguration.disk(at: path + "/store")
      let writing = try Store<Int, Record>(configuration)
      #expect(names(writing) == ["backup-to", "export-to", "checkpoint"])
      // It asks nothing, and is in the palette.
      var model = Model(
        identity: Script().identity, width: 80, height: 24, glyphs: .ascii, jobs: [.checkpoint(of: writing)])
      for character in ":checkpoint" { _ = model.update(.key(.character(character))) }
      #expect(model.update(.key(.enter)) == [.startJob(id: 1, kind: 0, answers: [])])
      #expect(Lesson(of: .log, model).text.joined().contains(":checkpoint"))
      try writing.close()
      configuration.isReadOnly = true
      let reading = try Store<Int, Record>(configuration)
      #expect(names(reading) == ["backup-to", "export-to"])
      try reading.close()
    }
  }

  @Test func theEndCancelsAllJobsAndWaitsForThem() {
    let reports = Working.Reports()
    let runner = JobRunner { reports.add($0, $1) }
    for id in 1...3 {
      runner.start(id) { progress in
        while progress(.init(documents: 1)) {}
        throw CancellationError()
      }
    }
    runner.stop()
    for id in 1...3 { #expect(reports.last(id).outcome == .cancelled("")) }
  }

  // MARK: The model

  @Test func aJobIsFoundByNameAsksAndStarts() {
    var model = Working.start()
    _ = model.update(.key(.character(":")))
    for character in "copy" { _ = model.update(.key(.character(character))) }
    #expect(model.update(.key(.enter)).isEmpty)
    #expect(model.keyContext == .jobAnswer)
    for character in "ada@host/club" { _ = model.update(.key(.character(character))) }
    #expect(model.update(.key(.enter)).isEmpty)
    // What is suggested may be taken.
    let answers = ["postgres://ada@host/club", "documents"]
    #expect(model.update(.key(.enter)) == [.startJob(id: 1, kind: 2, answers: answers)])
    #expect(model.keyContext == .overview)
    _ = model.update(.job(id: 1, JobReport(progress: .init(documents: 300_000, total: 1_200_000), seconds: 3)))
    let line = Renderer.render(model, colors: .none).lines[2]
    for words in ["copy-to postgres://ada@host", "25%", "300.0k of 1.2M", "100.0k/s", "9s left", "J jobs"] {
      #expect(line.contains(words), "\(line)")
    }
  }

  @Test func nothingStartsWithoutAnAnswerThatIsNeeded() {
    var model = Working.start()
    _ = model.perform(.startJob(0), in: .overview)
    #expect(model.update(.key(.enter)).isEmpty && model.keyContext == .jobAnswer)
    #expect(model.update(.key(.escape)).isEmpty && model.keyContext == .overview)
    // An empty line is an answer where that is said, and a job without questions begins at once.
    _ = model.perform(.startJob(3), in: .overview)
    for character in "x.csv" { _ = model.update(.key(.character(character))) }
    _ = model.update(.key(.enter))
    #expect(model.update(.key(.enter)) == [.startJob(id: 1, kind: 3, answers: ["x.csv", ""])])
    #expect(model.perform(.startJob(4), in: .overview) == [.startJob(id: 2, kind: 4, answers: [])])
  }

  @Test func aJobThatSaysSoAsksBeforeItBegins() {
    let job = DashboardJob(
      "load-from", "rows into the store", asking: ["load from"], confirming: "Put these rows into the store?"
    ) { _, _ in "" }
    var model = Working.start(jobs: Working.kinds + [job])
    func answer() {
      _ = model.perform(.startJob(5), in: .overview)
      for character in "players" { _ = model.update(.key(.character(character))) }
      #expect(model.update(.key(.enter)).isEmpty && model.keyContext == .question)
    }
    answer()
    let lines = Renderer.render(model, colors: .none).lines
    #expect(lines.contains { $0.contains("Put these rows into the store?") })
    #expect(lines.contains { $0.contains("load-from players") && $0.contains("y yes  n no") })
    // Other keys are no answer, and nobody quits by accident.
    for key in [Key.character("q"), .down, .character("x")] { #expect(model.update(.key(key)).isEmpty) }
    #expect(model.update(.key(.enter)).isEmpty && model.keyContext == .overview)
    #expect(model.jobs.runs.isEmpty && model.browse.notice == "load-from: nothing was done")
    answer()
    #expect(model.update(.key(.character("y"))) == [.startJob(id: 1, kind: 5, answers: ["players"])])
    #expect(model.keyContext == .overview && model.jobs.runs.count == 1)
  }

  @Test func cancellingAsksFirst() {
    var model = Working.model()
    _ = model.update(.key(.character("J")))
    #expect(model.update(.key(.character("x"))).isEmpty && model.keyContext == .question)
    // Other keys are no answer, and nobody quits by accident.
    for key in [Key.character("q"), .down, .character("x")] { #expect(model.update(.key(key)).isEmpty) }
    #expect(model.update(.key(.enter)).isEmpty && model.keyContext == .jobs)
    _ = model.update(.key(.character("x")))
    #expect(model.update(.key(.character("y"))) == [.cancelJob(4)])
    #expect(Renderer.render(model, colors: .none).lines.contains { $0.contains("stopping  mirror-to") })
    // It ended while somebody thought about it.
    _ = model.update(.key(.character("x")))
    _ = model.update(.job(id: 4, JobReport(outcome: .done("all of it"))))
    #expect(model.keyContext == .jobs && model.update(.key(.character("y"))).isEmpty)
    _ = model.update(.key(.character("x")))
    #expect(model.browse.notice == "no job that runs is selected")
  }

  @Test func whatHasEndedStaysVisible() {
    var model = Working.start()
    for number in 0..<60 {
      _ = model.perform(.startJob(4), in: .overview)
      // One goes on all the time: it is not forgotten.
      guard number > 0 else { continue }
      _ = model.update(.job(id: number + 1, JobReport(seconds: 2, outcome: .failed("reason \(number)"))))
      #expect(model.browse.notice == "sweep failed: reason \(number)")
    }
    #expect(model.jobs.runs.count == JobsState.runsMax && model.jobs.run(1)?.isRunning == true)
    _ = model.update(.key(.character("J")))
    let lines = Renderer.render(model, colors: .none).lines
    #expect(lines.contains { $0.contains("failed") } && lines.contains { $0.contains("reason 59") })
    // The cursor stays with its job when others come in above.
    for _ in 0..<3 { _ = model.update(.key(.down)) }
    let selected = model.jobs.selectedID
    _ = model.update(.job(id: 1, JobReport(outcome: .done(""))))
    #expect(model.jobs.selectedID == selected)
    _ = model.update(.key(.end))
    #expect(model.jobs.selectedID == 1)
  }

  @Test func theSameJobAgainHasTheSameAnswers() {
    var model = Working.model()
    for key in [Key.character("J"), .end, .enter] { _ = model.update(.key(key)) }
    #expect(model.jobs.asking?.editor.text == "monday.backup")
    #expect(model.update(.key(.enter)) == [.startJob(id: 5, kind: 0, answers: ["monday.backup"])])
  }

  /// Whole words, in as many lines as they take; on a small screen those of the selected one.
  @Test func whatCanBeStartedIsToldInFull() throws {
    var model = Working.start()
    for key in [Key.character("J"), .character("2")] { _ = model.update(.key(key)) }
    func words(_ text: String) -> [Substring] { text.split(separator: " ") }
    func shown() throws -> [Substring] {
      let rect = try #require(JobsLayout(model).rect(of: .kinds))
      let lines = Renderer.render(model, colors: .none).lines[rect.y + 1..<rect.y + rect.height - 1]
      return lines.flatMap { words(String($0.dropFirst(rect.x + 1).prefix(rect.width - 2))) }
    }
    for (width, height) in [(120, 40), (200, 60), (80, 40)] {
      _ = model.update(.resize(width: width, height: height))
      #expect(try shown() == Working.kinds.flatMap { [Substring($0.name)] + words($0.summary) }, "\(width)x\(height)")
    }
    _ = model.update(.resize(width: 40, height: 10))
    for kind in Working.kinds {
      #expect(try shown().joined(separator: " ").contains(kind.summary), "\(kind.name)")
      _ = model.update(.key(.down))
    }
  }

  @Test func aLongQuestionHasLinesOfItsOwn() {
    let job = DashboardJob(
      "load-from", "rows into the store", asking: ["columns that are the key, none for the table's own"],
      confirming: "Put these rows into the store?"
    ) { _, _ in "" }
    var model = Working.start(jobs: [job])
    _ = model.update(.resize(width: 40, height: 10))
    _ = model.perform(.startJob(0), in: .overview)
    func screen() -> String { Renderer.render(model, colors: .none).lines.joined(separator: "\n") }
    #expect(screen().contains("columns that are the key, none for") && screen().contains("the table's own"))
    for character in "a column with a name and another one" { _ = model.update(.key(.character(character))) }
    _ = model.update(.key(.enter))
    #expect(screen().contains("load-from a column") && screen().contains("and another one"), "\(screen())")
    #expect(screen().contains("y yes  n no"))
  }

  @Test func quittingSaysWhatItWouldStop() {
    var model = Working.model()
    #expect(model.update(.key(.character("q"))).isEmpty)
    #expect(model.browse.notice == "2 jobs are going on: once more stops them and quits")
    #expect(model.update(.key(.character("q"))) == [.quit])
  }

  /// A name that is taken already stays with the command that has it.
  @Test func aJobTakesNoNameFromAnother() {
    let map = KeyMap.standard.adding([DashboardJob("quit", "mine") { _, _ in "" }] + Working.kinds)
    #expect(map.binding(named: "quit")?.command == .quit)
    #expect(map.binding(named: "sweep")?.command == .startJob(5))
  }

  /// Keys can be given to them by name before there is a store.
  @Test func theTableNamesTheJobsThatEveryStoreHas() throws {
    try inDirectory { path in
      let store = try Store<Int, Record>(.disk(at: path + "/store"))
      let jobs = DashboardJob.standard(of: store, StoreSource(store, title: ""))
      try store.close()
      #expect(jobs.count == 3)
      for job in jobs { #expect(KeyMap.standard.binding(named: job.name)?.help == job.summary) }
      #expect(KeyMap.standard.adding(jobs).binding(named: "checkpoint")?.command == .startJob(2))
      #expect(KeyMap.standard.adding([]).binding(named: "checkpoint") == nil)
    }
  }
}

/// Jobs in all their states.
enum Working {
  static let kinds = [
    DashboardJob(
      "backup-to", "all documents into one file that can be checked by itself", asking: ["back up to"]
    ) { _, _ in "" },
    DashboardJob("export-to", "all documents into an .ndjson, .json or .csv file", asking: ["export to"]) { _, _ in
      ""
    },
    DashboardJob(
      "copy-to", "make a table in Postgres equal to the store",
      asking: [
        .init("address of the database", suggestion: "postgres://"), .init("table", suggestion: "documents"),
      ]
    ) { _, _ in "" },
    DashboardJob(
      "import-from", "documents of a file into the store", asking: ["import from", .init("key", isOptional: true)]
    ) { _, _ in "" },
    DashboardJob("sweep", "remove what is old") { _, _ in "" },
  ]

  static func start(_ count: Int = 700, jobs: [DashboardJob] = Working.kinds) -> Model {
    let script = Script()
    var model = Model(
      identity: script.identity, width: 120, height: 40, glyphs: .braille, zone: .gmt, jobs: jobs)
    for sample in script.samples(count) {
      _ = model.update(.sample(sample, sample.sequence >= count - 100 ? script.events(sample.sequence) : []))
    }
    return model
  }

  /// One that is done, one that failed, one that runs and one without an end.
  static func model(_ count: Int = 700) -> Model {
    var model = start(count)
    func begin(_ kind: Int, _ answers: [String]) {
      _ = model.perform(.startJob(kind), in: .overview)
      for answer in answers {
        model.jobs.asking?.editor = LineEditor(answer)
        _ = model.update(.key(.enter))
      }
    }
    begin(0, ["monday.backup"])
    _ = model.update(
      .job(
        id: 1,
        JobReport(
          progress: .init(documents: 1_204_117, total: 1_204_117), seconds: 4.2,
          outcome: .done("1,204,117 documents, 312.4 MB, up to LSN 9,204,117"))))
    begin(2, ["postgres://ada@db.example.org/club", "players"])
    _ = model.update(
      .job(
        id: 2,
        JobReport(
          seconds: 0.3,
          outcome: .failed(
            "postgres://ada@db.example.org/club: connection to server at \"db.example.org\" (192.0.2.7), port 5432 "
              + "failed: Connection refused"))))
    begin(1, ["players.csv"])
    _ = model.update(
      .job(id: 3, JobReport(progress: .init(documents: 514_000, total: 1_204_117), seconds: 4.1)))
    let mirror = model.jobs.begin("mirror-to", "postgres://ada@localhost/club", at: model.history.last?.date)
    _ = model.update(
      .job(id: mirror, JobReport(progress: .init(documents: 88_123, note: "1,204 behind"), seconds: 61)))
    return model
  }

  /// The reports of jobs, from the threads that they run on.
  final class Reports: Sendable {
    private let reports = Mutex<[Int: JobReport]>([:])
    private let news = DispatchSemaphore(value: 0)

    func add(_ id: Int, _ report: JobReport) {
      reports.withLock { $0[id] = report }
      news.signal()
    }

    /// How a job ended.
    func last(_ id: Int) -> JobReport {
      while true {
        if let report = reports.withLock({ $0[id] }), report.outcome != .running { return report }
        news.wait()
      }
    }
  }

  static func run(_ body: @escaping @Sendable ((DashboardJob.Progress) -> Bool) throws -> String) -> JobReport {
    let reports = Reports()
    JobRunner { reports.add($0, $1) }.start(1, body)
    return reports.last(1)
  }
}
