import DarkBird
import Dispatch
import Foundation
import Synchronization
import Terminal
import Testing

@testable import DarkBirdDashboard

/// Each chapter for real, and what its panel says against the store that it leaves.
@Suite("The tour", .serialized, .timeLimit(.minutes(30))) struct TourTests {
  private let directory: TemporaryDirectory
  private let guide: TourGuide
  private let facts = TourFacts()

  init() throws {
    directory = try TemporaryDirectory()
    guide = TourGuide(
      directory: directory("tour"),
      writer: TourWriterCommand(executable: try builtProgram("darkbird"), arguments: ["tour-writer"]), pace: 0)
  }

  /// Runs a chapter and gives its store.
  private func store(of chapter: TourChapter) throws -> TourStore {
    try guide.perform(chapter) { [facts] in facts.take($0) }
    return try #require(guide.store)
  }

  private func count(_ name: String) throws -> Int {
    guard case .count(let count)? = facts[name] else { throw TourError("no count of '\(name)' in \(facts.all)") }
    return count
  }

  private func text(_ name: String) throws -> String {
    guard case .text(let text)? = facts[name] else { throw TourError("no text of '\(name)' in \(facts.all)") }
    return text
  }

  private func bytes(_ name: String) throws -> Int {
    guard case .bytes(let bytes)? = facts[name] else { throw TourError("no bytes of '\(name)' in \(facts.all)") }
    return bytes
  }

  private func nanoseconds(_ name: String) throws -> UInt64 {
    guard case .nanoseconds(let time)? = facts[name] else { throw TourError("no time of '\(name)' in \(facts.all)") }
    return time
  }

  @Test(arguments: TourChapter.allCases) func namesFilesThatExist(_ chapter: TourChapter) {
    #expect(!chapter.files.isEmpty)
    for file in chapter.files {
      #expect(FileManager.default.fileExists(atPath: "\(packageRoot)/\(TourChapter.source)/\(file)"), "\(file)")
    }
  }

  @Test func documentsAreFoundAgainAfterClosing() throws {
    let store = try store(of: .memory)
    #expect(store.count == 3)
    #expect(try count("documents put") == 3)
    #expect(try count("documents found") == 3)
    #expect(try text("Ada is the same") == "yes")
    #expect(try bytes("bytes written to the log") > 3 * 200)
    #expect(try text("the store's files").contains("wal-"))
  }

  @Test func theDocumentIsInItsShard() throws {
    let store = try store(of: .shard)
    let ada = try #require(store.stored("ada"))
    #expect(try count("shard, 0 to 63") == ada.shard)
    #expect(try count("LSN") == 1 && ada.lsn == 1)
    let shards = store.statistics().shards.map(\.documents)
    #expect(try count("in the fullest shard") == shards.max())
    #expect(try count("in the emptiest shard") == shards.min())
    #expect(try count("documents") == store.count)
    #expect(try count("LSN of the last one") == Int(store.statistics().memoryLSN))
  }

  @Test func indexesSayWhatTheStoreSays() throws {
    let store = try store(of: .indexes)
    let thirties = try store.count(Query(ranges: [.init(field: "age", range: .closed(30, 39))]))
    let removed = TourStage.person(1_234)
    #expect(try count("age 30 to 39") == thirties + ((30...39).contains(removed.age) ? 1 : 0))
    #expect(try count("documents") == store.count + 1)
    #expect(try count("emails after one removal") == store.count)
    #expect(try text("email \(removed.email)") == "u:1234")
    #expect(try text("who has that email now") == "nobody")
    #expect(try text("entries equal a rebuild") == "yes" && store.audit().isClean)
  }

  @Test func aRefusalChangesNothing() throws {
    let store = try store(of: .duplicate)
    #expect(try text("documents, last LSN before") == "501, 501")
    #expect(try text("documents, last LSN after") == "501, 501")
    #expect(try text("refused").contains("ada@analytical-engine.example is taken by document ada"))
    // The race came after it.
    #expect(try count("documents after the race") == 502 && store.count == 502)
    #expect(try text("got it") == store.document(unique: "email", "the.one@race.example")?.key)
    #expect(try text("were refused") == "7 racers and the impostor")
    #expect(store.statistics().operations.duplicatesRefused == 8)
  }

  @Test func theRangeQueryFindsWhatAScanFinds() throws {
    let store = try store(of: .range)
    let found = try store.count(Query(ranges: [.init(field: "age", range: .closed(30, 31))]))
    #expect(try count("found") == found)
    #expect(try count("without the index, found") == found)
    #expect(try count("looked at") < store.count / 5)
    #expect(try count("without it, looked at") == store.count)
    #expect(try text("answered by") == "the range index on age")
  }

  @Test func pagesAreFullWhenTheyHaveFiveHundredRecords() throws {
    let store = try store(of: .pages)
    let log = try #require(store.statistics().log)
    #expect(try count("records written") == store.count)
    #expect(try count("pages that are full") == Int(log.rotations))
    #expect(try count("pages that are full") * 500 + count("records in the open page") == store.count)
    // What is in the pages, not what is reserved for them.
    let names = facts.all.map(\.name).filter { $0.hasPrefix("wal-") }
    #expect(names.count == 3)
    #expect(try bytes(names[0]) < log.bytesOnDisk)
    #expect(try text(names[1]).hasPrefix("\(Format.bytes(log.pageBytes)) of "))
    #expect(try text(names[2]).hasPrefix("0 B of "))
  }

  @Test(.timeLimit(.minutes(5))) func aHeldChapterWaitsForPeopleAndNotForThoseWhoLeave() throws {
    let told = TourFacts()
    let ended = DispatchSemaphore(value: 0)
    let slow = TourGuide(
      directory: directory("slow"),
      writer: TourWriterCommand(executable: try builtProgram("darkbird"), arguments: ["tour-writer"]), pace: 0.1)
    slow.start { _, news in
      told.take(news)
      switch news {
      case .done, .failed: ended.signal()
      case .fact, .absence: break
      }
    }
    // It has threads of its own, and steps between them.
    slow.go(to: .acknowledgement, run: 1)
    slow.hold(true)
    #expect(ended.wait(timeout: .now() + 1) == .timedOut)
    slow.hold(false)
    try #require(ended.wait(timeout: .now() + 120) == .success)
    #expect(told["8 threads, synced writes"] == .count(400))
    slow.go(to: .memory, run: 2)
    slow.hold(true)
    slow.stop()
    #expect(ended.wait(timeout: .now()) == .timedOut)
  }

  /// They are waited for, and timed.
  @Test func threadsOfAHeldChapterComeToTheirEnd() throws {
    let stage = TourStage(
      directory: directory("threads"), source: guide.source, monitor: guide.monitor,
      writer: TourWriterCommand(executable: "", arguments: []), pace: 0.1, deliver: { _ in })
    let store = try stage.open()
    stage.hold(true)
    let ended = DispatchSemaphore(value: 0)
    Thread {
      stage.inThreads(8) { try? stage.put($0 * 10..<$0 * 10 + 10, into: store) }
      ended.signal()
    }.start()
    #expect(ended.wait(timeout: .now() + 120) == .success)
    #expect(store.count == 80)
    try stage.close("")
  }

  @Test func syncsAreSharedByThreads() throws {
    let store = try store(of: .acknowledgement)
    #expect(try count("8 threads, synced writes") == 400 && count("writes of each kind") == 200)
    #expect(try (1..<400).contains(count("syncs that they took")))
    #expect(try nanoseconds("synced, one write") > nanoseconds("memory, one write"))
    // A write that shares its sync with others waits for it all the same: its time is no share of the whole.
    #expect(try nanoseconds("one of them waited") > nanoseconds("all of them took") / 400)
    #expect(try nanoseconds("one of them waited") < nanoseconds("all of them took"))
    #expect(store.count == 3 * 200 + 400)
    #expect(store.statistics().durableLSN == 1_000)
  }

  @Test func whatTheKilledProcessSaidIsThere() throws {
    let store = try store(of: .kill)
    let acknowledged = try count("acknowledged writes")
    #expect(acknowledged >= 500)
    #expect(try count("KILLED by signal 9 at") == acknowledged)
    #expect(try text("it waits until its writes are") == TourWriter.acknowledgement.rawValue)
    #expect(try count("documents found") == store.count)
    #expect(try text("read again").hasPrefix("\(Format.grouped(store.count)) records, "))
    #expect(try text("of the acknowledged writes") == "all \(Format.grouped(acknowledged))")
    #expect(try count("found beyond them") == store.count - acknowledged)
    #expect((0..<acknowledged).allSatisfy { store[Person.key($0)] == TourStage.person($0) })
    let process = try #require(Int32(try text("the other program is process")))
    #expect(Foundation.kill(process, 0) != 0, "it is gone")
  }

  @Test func theTornRecordIsSetAside() throws {
    let store = try store(of: .torn)
    #expect(try count("documents, all synced") == 1_000)
    #expect(try count("with one that is only written") == 1_001)
    #expect(try count("documents now") == 1_000 && store.count == 1_000)
    guard case .disk(let path) = store.configuration.location else { throw TourError("not on disk") }
    let aside = try Data(contentsOf: URL(filePath: "\(path)/\(text("kept as"))"))
    #expect(try bytes("of that record were left") == aside.count)
    #expect(store[Person.key(999)] != nil && store[Person.key(1_000)] == nil)
    #expect(try text("a byte changed in wal-000000000001").hasPrefix("refused: damaged at offset"))
  }

  @Test func theCheckpointReplacesTheLog() throws {
    let store = try store(of: .checkpoint)
    #expect(try count("changes in the log") == 20_000)
    #expect(try count("documents") == 2_000)
    #expect(try bytes("bytes on disk after it") < bytes("bytes on disk"))
    #expect(try count("documents found") == store.count)
    #expect(try store.count == 2_000 + count("put by another thread"))
    #expect(try count("of these during the checkpoint") <= count("put by another thread"))
    #expect((0..<2_000).allSatisfy { store[Person.key($0)] == TourStage.person($0, revision: 9) })
  }

  @Test func theSleeperIsToldWhatItLost() throws {
    let store = try store(of: .events)
    #expect(try count("the sleeper got") == 100)
    #expect(try count("and was told it lost") == 900)
    #expect(try count("of these, read from the log") == 900)
    #expect(try count("documents written") == store.count)
  }

  /// Whoever looks at the tour of the whole chapter sees a count that grows, then how it ended, and no store until then.
  @Test func theOtherProgramIsSeenWritingAndThenKilled() throws {
    let absences = Mutex<[TourAbsence?]>([])
    try guide.perform(.kill) { [facts] news in
      facts.take(news)
      if case .absence(let absence) = news { absences.withLock { $0.append(absence) } }
    }
    let seen = absences.withLock { $0 }
    #expect(seen.last == .some(nil), "its store is open in the end")
    let told = seen.compactMap(\.self)
    let killed = try #require(told.last)
    #expect(try killed.news == "KILLED by signal 9 at \(Format.grouped(count("acknowledged writes"))) acknowledged")
    #expect(killed.isAlarm)
    let counts = told.dropLast().compactMap { Int($0.news.split(separator: " ")[0].filter(\.isNumber)) }
    #expect(counts.count == told.count - 1 && counts == counts.sorted() && counts.first == 0)
    #expect(told.dropLast().allSatisfy { $0.reason.contains("waits until it is written") && !$0.isAlarm })
  }

  /// At 80x24, where nobody scrolls: all that is told of a chapter and all that came out; at 40x10 what came last.
  @Test(arguments: TourChapter.allCases) func resultsAreInSight(_ chapter: TourChapter) throws {
    _ = try store(of: chapter)
    var model = Model(
      identity: guide.source.identity, width: 80, height: 24, glyphs: .braille, tour: TourState(at: chapter))
    _ = model.enterTour()
    _ = model.update(.tour(run: 1, .absence(nil)))
    func words() throws -> String {
      let rect = TourPanel.inner(try #require(TourLayout(model)))
      let lines = Renderer.render(model, colors: .none).lines[rect.y..<rect.y + rect.height - 1]
      return lines.map { String($0.dropFirst(rect.x).prefix(rect.width)) }.joined(separator: " ")
        .split(separator: " ").joined(separator: " ")
    }
    for fact in facts.all {
      _ = model.update(.tour(run: 1, .fact(fact)))
      #expect(try words().contains(fact.name), "\(fact)")
    }
    _ = model.update(.tour(run: 1, .done))
    let large = try words()
    for text in chapter.paragraphs + facts.all.map(\.name) { #expect(large.contains(text), "\(text)") }
    _ = model.update(.resize(width: 40, height: 10))
    let last = try #require(facts.all.last)
    #expect(try words().contains("\(last.name) \(last.text)") || last.text.count > 30, "\(last)")
  }

  @Test func leavesNothingBehind() throws {
    _ = try store(of: .memory)
    _ = try store(of: .shard)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory("tour")) == ["2-shard"])
    try guide.leave()
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory("tour")).isEmpty)
  }
}

/// The command, without a terminal.
@Suite("darkbird tour", .timeLimit(.minutes(30))) struct TourCommandTests {
  @Test func plainTellsEveryChapterAndEnds() async throws {
    let directory = try TemporaryDirectory()
    let outcome = try await darkbird("tour", "--plain", environment: ["TMPDIR": directory.path])
    #expect(outcome.code == 0, "\(outcome)")
    for chapter in TourChapter.allCases {
      let count = TourChapter.allCases.count
      #expect(outcome.output.contains("Chapter \(chapter.number) of \(count): \(chapter.title)\n"))
      for file in chapter.files { #expect(outcome.output.contains("\(TourChapter.source)/\(file)")) }
    }
    #expect(outcome.output.contains("- of the acknowledged writes: all "))
    let left = try FileManager.default.subpathsOfDirectory(atPath: directory.path)
    #expect(!left.contains { $0.contains("run-") }, "\(left)")
  }

  @Test func aReaderWhoGoesAwayEndsIt() async throws {
    let directory = try TemporaryDirectory()
    let program = try builtProgram("darkbird")
    let outcome = try await shell(
      "'\(program)' tour --plain | head -1; exit ${PIPESTATUS[0]}", environment: ["TMPDIR": directory.path])
    #expect(outcome.code == 0, "\(outcome)")
    let left = try FileManager.default.subpathsOfDirectory(atPath: directory.path)
    #expect(!left.contains { $0.contains("run-") }, "\(left)")
  }

  @Test func chaptersAreNumberedFromOneWhereverTheyAreNamed() async throws {
    let directory = try TemporaryDirectory()
    let help = try await darkbird("tour", "--help").output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let names = TourChapter.allCases.map(\.name).joined(separator: ", ")
    #expect(help.contains("1 to 11, or its name: \(names). (default: 1)") && !help.contains("values: 0"), "\(help)")
    for wrong in ["0", "12", "none"] {
      let outcome = try await darkbird("tour", "--plain", "--chapter", wrong)
      #expect(outcome.code == 64 && outcome.errors.contains("must be 1 to 11, or one of \(names)"), "\(outcome)")
    }
    for last in ["11", "events"] {
      let outcome = try await darkbird("tour", "--plain", "--chapter", last, environment: ["TMPDIR": directory.path])
      #expect(outcome.code == 0 && outcome.output.hasPrefix("Chapter 11 of 11: "), "\(outcome)")
    }
  }

  @Test(
    arguments: [
      (["tour", "--chapter", "none"], 64), (["tour", "--seconds", "0", "--auto"], 64),
      (["tour", "--seconds", "9"], 64), (["tour", "--plain", "--glyphs", "ascii"], 64),
      (["tour", "--plain", "--auto"], 64),
      (["tour"], 69),
    ] as [([String], Int32)]) func mistakesAreOneLine(_ arguments: [String], code: Int32) async throws
  {
    let outcome = try await Program(builtProgram("darkbird"), arguments).outcome()
    #expect(outcome.code == code, "\(outcome)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
  }
}
