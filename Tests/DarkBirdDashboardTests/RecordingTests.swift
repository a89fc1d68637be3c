import DarkBird
import Foundation
import Synchronization
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Recordings") struct RecordingTests {
  static func file(_ samples: [Sample], _ identity: SourceIdentity = Script().identity) throws -> Data {
    let path = NSTemporaryDirectory() + "recording-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let recorder = Recorder(identity: identity) { _, _ in }
    recorder.start(path)
    for (number, sample) in samples.enumerated() {
      recorder.take(sample, Script().events(sample.sequence))
      // No disk is as fast as this loop.
      if number % Recorder.waitingMax == 0 { recorder.finish() }
    }
    recorder.stop()
    recorder.finish()
    return try Data(contentsOf: URL(filePath: path))
  }

  /// All samples of a recording.
  private static func samples(_ recording: Recording) throws -> [(sample: Sample, lines: [EventLine])] {
    var reader = recording.samples
    var all: [(sample: Sample, lines: [EventLine])] = []
    for _ in recording.times { all.append(try #require(try reader.next())) }
    return all
  }

  @Test func givesBackTheSamePictures() throws {
    // As of a tour: in the middle comes another store.
    let samples = Script(failsAfter: 60).samples(80).map { sample in
      var sample = sample
      sample.generation = sample.sequence / 40
      return sample
    }
    let recording = try Recording(Self.file(samples))
    #expect(recording.tear == nil && recording.times.count == 80)
    #expect(recording.identity.schema == Script.schema && recording.identity.title == "clubs")
    var live = Model(identity: recording.identity, width: 120, height: 40, glyphs: .braille, zone: .gmt)
    var replayed = live
    for sample in samples { _ = live.update(.sample(sample, Script().events(sample.sequence))) }
    for (sample, lines) in try Self.samples(recording) { _ = replayed.update(.sample(sample, lines)) }
    for panel in PanelID.allCases {
      live.focus = panel
      replayed.focus = panel
      #expect(Renderer.render(live, colors: .full).lines == Renderer.render(replayed, colors: .full).lines)
    }
  }

  /// A workload whose writers wait for pages and stay behind, among readers that do not, in a scenario.
  private static func lateWriters(_ count: Int) -> (identity: SourceIdentity, samples: [Sample]) {
    var identity = Script().identity
    identity.acknowledgement = .synced
    let step = Scenario.Step("rush", [.rate(.perSecond(50_000))], seconds: 15)
    var base = WorkloadOptions(documents: 3_000, writers: 1, readers: 7)
    (base.scenario, base.mix) = (Scenario("late", "writers that wait", [step, step]), WorkloadMix())
    base.mix?[.put] = 7
    let samples = Script().samples(count).map { sample in
      var sample = sample
      let number = UInt64(sample.sequence)
      sample.statistics.log?.pageWaits = number * 20
      sample.statistics.log?.queueWaits = number
      sample.statistics.log?.checkpointBytes = 70_000
      sample.workload?.progress.operations = number * 4_400
      sample.workload?.progress.skipped = number * 600
      sample.workload?.progress.writersOperations = number * 25
      sample.workload?.progress.writersSkipped = number * 600
      sample.workload?.progress.found = 12
      sample.workload?.options = base
      sample.workload?.options?.rate = .perSecond(50_000)
      sample.workload?.options?.acknowledgement = .written
      sample.workload?.scenario = ScenarioPlace(base: base, step: 1, left: 7_000_000_000)
      sample.workload?.latencySeconds = 4.5
      return sample
    }
    return (identity, samples)
  }

  /// Everything that a screen of a live store shows of its workload and its log, a recording shows too; and its alarms.
  @Test func tellsOfWritersThatAreLateAsTheLiveStoreDid() throws {
    let (identity, samples) = Self.lateWriters(150)
    let recording = try Recording(Self.file(samples, identity))
    #expect(recording.identity.acknowledgement == .synced)
    var live = Model(identity: recording.identity, width: 160, height: 40, glyphs: .braille, zone: .gmt)
    var replayed = live
    for sample in samples { _ = live.update(.sample(sample, Script().events(sample.sequence))) }
    for (sample, lines) in try Self.samples(recording) { _ = replayed.update(.sample(sample, lines)) }
    #expect(live.alerts.isFiring(.behind))
    #expect(replayed.alerts.episodes == live.alerts.episodes)
    for view in [Model.View.overview, .workload, .alerts] {
      (live.view, replayed.view) = (view, view)
      let lines = Renderer.render(live, colors: .full).lines
      #expect(Renderer.render(replayed, colors: .full).lines == lines)
      if view == .overview { #expect(lines[1].contains("waits for a page")) }
      if view == .workload { #expect(lines.contains { $0.contains("late") && $0.contains("rush") }) }
    }
    func report(_ model: Model) throws -> String {
      let moment = try #require(Moment(model))
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      return String(decoding: try encoder.encode(MomentReport(model, moment)), as: UTF8.self)
    }
    #expect(try report(replayed) == report(live))
  }

  @Test func aWorkloadThatIsOverIsNotChanged() throws {
    let (identity, samples) = Self.lateWriters(20)
    var model = Model(identity: identity, width: 120, height: 40, glyphs: .ascii, zone: .gmt)
    model.replay = ReplayState(try Recording(Self.file(samples, identity)))
    _ = model.update(.reached(.max, seek: 0))
    _ = model.update(.key(.character("w")))
    for key in [Key.right, .left, .enter, .character("s"), .character("p")] {
      model.browse.notice = nil
      #expect(model.update(.key(key)).isEmpty && model.workloadView.draft == nil)
      if key != .enter { #expect(model.browse.notice == "a recording cannot be changed") }
    }
    let lines = Renderer.render(model, colors: .none).lines
    #expect(lines.contains { $0.contains("as it was recorded") } && lines.last?.contains("stop") == false)
    for command in [Command.scenario("rush-hour"), .endScenario] {
      model.browse.notice = nil
      #expect(model.perform(command, in: .workload).isEmpty)
      #expect(model.browse.notice == "a recording cannot be changed")
    }
  }

  /// Keys, tags and names may be as long as they like: what is longer than a line of a screen is recorded up to there.
  @Test(arguments: [5_000, 2_000_000]) func longTextsAreCut(_ length: Int) throws {
    let long = String(repeating: "漢", count: length / 3)
    var identity = Script().identity
    identity.title = long
    var samples = Script().samples(3)
    for place in samples.indices {
      samples[place].tags = [TagCount(tag: "\(place)" + long, count: 1)]
      samples[place].workload?.summary = long
    }
    let read = try Self.samples(Recording(Self.file(samples, identity)))
    #expect(read.count == 3)
    for (place, sample) in read.map(\.sample).enumerated() {
      let tag = try #require(sample.tags.first?.tag)
      #expect(tag.hasPrefix("\(place)漢漢") && tag.hasSuffix("…") && !tag.contains("\u{fffd}"))
      #expect(tag.utf8.count <= RecordingEncoder.textBytesMax)
    }
  }

  /// In a recording the notes are those that were written while it went on, each at its moment, once.
  @Test func notesAreReplayed() throws {
    let samples = Script().samples(40)
    let path = NSTemporaryDirectory() + "notes-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let recorder = Recorder(identity: Script().identity) { _, _ in }
    var live = Model(identity: Script().identity, width: 120, height: 40, glyphs: .braille, zone: .gmt)
    func write(_ note: String) {
      for key in [Key.character("a")] + note.map(Key.character) + [.enter] {
        for case .note(let note) in live.update(.key(key)) { recorder.take(note) }
      }
    }
    for (number, sample) in samples.enumerated() {
      _ = live.update(.sample(sample, []))
      recorder.take(sample, [])
      if number == 3 { write("before") }
      if number == 5 { recorder.start(path) }
      if number == 10 { write("first") }
      if number == 20 { write("second") }
    }
    recorder.stop()
    recorder.finish()
    let recording = try Recording(Data(contentsOf: URL(filePath: path)))
    var model = Model(identity: recording.identity, width: 120, height: 40, glyphs: .braille, zone: .gmt)
    model.replay = ReplayState(recording)
    for _ in 0..<2 {
      _ = model.update(.reached(recording.end, seek: model.replay?.seek ?? 0))
      let notes = model.marks.filter { $0.kind == .note }
      #expect(notes.map(\.text) == ["first", "second"])
      #expect(notes.map(\.nanoseconds) == [samples[10].nanoseconds, samples[20].nanoseconds])
      _ = model.update(.key(.character("^")))
    }
  }

  /// Cut anywhere, a file is good up to the last whole sample, or is no recording at all.
  @Test func loadsUpToTheTear() throws {
    let whole = try Self.file(Script().samples(6))
    var ends: [Int] = []
    for count in 1...6 { ends.append(try Self.file(Array(Script().samples(6).prefix(count))).count) }
    for length in 0...whole.count {
      let count = ends.count { $0 <= length }
      if count == 0 {
        #expect(throws: RecordingError.self) { try Recording(whole.prefix(length)) }
        continue
      }
      let recording = try Recording(whole.prefix(length))
      #expect(recording.times.count == count)
      let tear = ends.contains(length) ? nil : "cut off at byte \(Format.grouped(ends[count - 1])); "
      #expect(recording.tear?.hasPrefix(tear ?? "?") == (tear == nil ? nil : true))
    }
  }

  /// One wrong bit anywhere: nothing wrong is shown, and all before it is.
  @Test func damageIsSeenAndWhatIsBeforeItIsRead() throws {
    let good = try Self.file(Script().samples(3))
    let samples = try Self.samples(Recording(good))
    for place in good.indices {
      var data = good
      data[place] ^= UInt8(1 << (place % 8))
      guard let recording = try? Recording(data) else { continue }
      #expect(recording.tear != nil, "byte \(place)")
      #expect(recording.times.count < 3)
      for (old, new) in zip(samples, try Self.samples(recording)) {
        #expect(old.sample.statistics == new.sample.statistics && old.lines == new.lines)
      }
    }
  }

  @Test func garbageIsOneClearLine() throws {
    func error(_ data: Data) -> String? {
      do {
        _ = try Recording(data)
        return nil
      } catch { return error.description }
    }
    for text in ["", "\n", "{}\n", "hello world, this is no recording", "DARKREC", "\u{0}\u{1b}[2J"] {
      #expect(error(Data(text.utf8)) == "not a recording of darkbird")
    }
    #expect(error(Data(RecordingFormat.start)) == "cut off at byte 8")
    var good = try Self.file(Script().samples(3))
    good[7] = 9
    #expect(error(good) == "a recording of version 9; this darkbird reads version 4")
    #expect(error(try Self.file([])) == "a recording without a sample")
  }

  /// Right checksums around anything at all: no trap, no memory without end.
  @Test func noPayloadTraps() throws {
    var generator = SeededGenerator(seed: 3)
    let samples = Script().samples(3)
    var encoder = RecordingEncoder()
    var identity = Script().identity
    try encoder.identity(&identity)
    let header = RecordingFormat.start + RecordingFormat.frame(encoder.bytes)
    for _ in 0..<400 {
      var encoder = RecordingEncoder()
      var data = header
      for var sample in samples {
        var lines = Script().events(sample.sequence)
        encoder.begin()
        try encoder.sample(&sample, &lines)
        var payload = encoder.bytes
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
          let place = Int.random(in: 0..<payload.count, using: &generator)
          payload[place] = UInt8.random(in: 0...255, using: &generator)
        }
        if Int.random(in: 0..<9, using: &generator) == 0 {
          payload.removeLast(Int.random(in: 0..<payload.count, using: &generator))
        }
        data += RecordingFormat.frame(payload)
      }
      guard let recording = try? Recording(Data(data)) else { continue }
      var model = Model(identity: recording.identity, width: 80, height: 24, glyphs: .ascii, zone: .gmt)
      model.replay = ReplayState(recording)
      _ = model.update(.reached(.max, seek: 0))
      #expect(model.history.count == recording.times.count)
      _ = Renderer.render(model, colors: .none)
    }
  }

  @Test(arguments: [1, 1_024]) func anyNumberOfShardsIsRecorded(_ count: Int) throws {
    let samples = Script(shardCount: count).samples(20)
    let read = try Self.samples(Recording(Self.file(samples)))
    #expect(read.map(\.sample.statistics.shards) == samples.map(\.statistics.shards))
  }

  /// Ten minutes of a busy store of 64 shards, ten samples a second.
  @Test func tenMinutesAreSmall() throws {
    let samples = Script().samples(600)
    let bytes = try Self.file(samples).count
    #expect(bytes / 60 < 10_000, "\(bytes / 60) bytes a second")
  }

  @Test func recorderWritesWhatAReaderReads() throws {
    let path = NSTemporaryDirectory() + "recording-\(UUID().uuidString).dbrec"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let said = Mutex<[String]>([])
    let recorder = Recorder(identity: Script().identity) { _, text in said.withLock { $0.append(text) } }
    let samples = Script().samples(5)
    recorder.take(samples[0], [])
    recorder.start(path)
    let evil = EventLine(.put, date: Script.start, key: "\u{1b}[2J\u{9b}", detail: "\u{202e}")
    for sample in samples[1...3] { recorder.take(sample, [evil]) }
    recorder.stop()
    recorder.take(samples[4], [])
    recorder.finish()
    let data = try Data(contentsOf: URL(filePath: path))
    let read = try Self.samples(Recording(data))
    // It begins with what the screen showed.
    #expect(read.map(\.sample.nanoseconds) == samples[0...3].map(\.nanoseconds))
    #expect(read[0].lines == [] && read[1].lines == [evil])
    let end = "4 samples, \(Format.bytes(data.count)), are in \(path); 'darkbird replay' shows them"
    #expect(said.withLock { $0 } == ["recording to \(path); the same key ends it", end])
    // Never over a file that is there.
    recorder.start(path)
    recorder.finish()
    #expect(said.withLock { $0.last } == "cannot record to \(path): File exists")
    #expect(try Data(contentsOf: URL(filePath: path)) == data)
  }

  @Test func aDiskThatHangsHoldsNobodyUpAndWhatItMissedIsCounted() throws {
    let path = NSTemporaryDirectory() + "recording-\(UUID().uuidString).dbrec"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let said = Mutex<[String]>([])
    let disk = DispatchQueue(label: "disk")
    let recorder = Recorder(identity: Script().identity, queue: disk) { _, text in said.withLock { $0.append(text) } }
    let samples = Script().samples(Recorder.waitingMax + 20)
    disk.suspend()
    recorder.start(path)
    for sample in samples { recorder.take(sample, []) }
    recorder.stop()
    #expect(said.withLock { $0.isEmpty })
    disk.resume()
    recorder.finish()
    let text = "\(Recorder.waitingMax) samples (20 left out: the disk was too slow), "
    #expect(said.withLock { $0.last?.hasPrefix(text) } == true)
    let times = try Recording(Data(contentsOf: URL(filePath: path))).times
    #expect(times == samples.prefix(Recorder.waitingMax).map(\.nanoseconds))
  }

  @Test func recorderSaysWhereThereIsNoPlace() throws {
    let said = Mutex<[String]>([])
    let recorder = Recorder(identity: Script().identity) { path, text in
      said.withLock { $0.append("\(path ?? "-") \(text)") }
    }
    recorder.start("/nowhere/at all.dbrec")
    recorder.finish()
    #expect(said.withLock { $0.last } == "- cannot record to /nowhere/at all.dbrec: No such file or directory")
  }

  @Test func paceFollowsTheSpeed() {
    var pace = PlayerPace(position: 1_000)
    #expect(pace.nanoseconds(until: 3_000) == 2_000)
    pace.advance(500)
    #expect(pace.position == 1_500)
    pace.obey(.setSpeed(60))
    pace.advance(100)
    #expect(pace.position == 7_500 && pace.nanoseconds(until: 7_561) == 2)
    pace.obey(.setPlaying(false))
    pace.advance(1_000)
    #expect(pace.position == 7_500 && pace.nanoseconds(until: 9_000) == nil)
    pace.obey(.seek(2_000, number: 4))
    pace.obey(.setSpeed(1_000))
    pace.obey(.setPlaying(true))
    pace.advance(1)
    #expect(pace.position == 2_060 && pace.seek == 4)
    #expect(pace.nanoseconds(until: 1) == 0)
  }

  @Test func playerReachesTheEndAndGoesBack() throws {
    let reached = Mutex<[(UInt64, Int)]>([])
    let changed = DispatchSemaphore(value: 0)
    let player = Player(times: [0, 50_000_000, 100_000_000]) { position, seek in
      reached.withLock { $0.append((position, seek)) }
      changed.signal()
    }
    player.start()
    player.order(.setSpeed(60))
    while reached.withLock({ $0.last.map { $0.0 < 100_000_000 } ?? true }) {
      try #require(changed.wait(timeout: .now() + .seconds(60)) == .success)
    }
    player.order(.setPlaying(false))
    player.order(.seek(10, number: 1))
    while reached.withLock({ $0.last.map { $0.1 != 1 } ?? true }) {
      try #require(changed.wait(timeout: .now() + .seconds(60)) == .success)
    }
    player.stop()
    #expect(reached.withLock { $0.last.map { $0.0 == 10 } } == true)
  }

  @Test func recordKeyBeginsAndEnds() {
    var model = Script().model(10)
    #expect(model.update(.key(.character("R"))) == [.record("clubs-20231114-221320.dbrec")])
    _ = model.update(.recording(path: "clubs.ndjson", "recording to clubs.ndjson"))
    #expect(Renderer.render(model, colors: .none).lines[0].contains("REC LIVE"))
    #expect(Renderer.render(model, colors: .none).lines.last?.contains("recording to clubs.ndjson") == true)
    #expect(model.update(.key(.character("R"))) == [.record(nil)])
  }

  @Test func strangeTitlesMakePlainFileNames() {
    for (title, name) in [
      ("clubs", "clubs"), ("../../etc", "etc"), ("\u{1b}[2J/\u{202e}", "2J--"), ("-rf", "rf"), ("", "store"),
      ("東京", "store"),
    ] {
      var identity = Script().identity
      identity.title = title
      #expect(Model(identity: identity, width: 80, height: 24, glyphs: .ascii).fileName == name)
    }
  }

  // MARK: Replay

  private func replay(_ count: Int = 200, reaching index: Int) throws -> Model {
    let recording = try Recording(Self.file(Script().samples(count)))
    var model = Model(identity: recording.identity, width: 120, height: 40, glyphs: .ascii, zone: .gmt)
    model.replay = ReplayState(recording)
    _ = model.update(.reached(recording.times[index], seek: 0))
    return model
  }

  private func press(_ keys: String, _ model: inout Model) -> [Effect] {
    keys.flatMap { model.update(.key(.character($0))) }
  }

  /// As of a tour, whose chapters have stores of their own.
  @Test func stepsBackGoOverTheBeginningOfAStore() throws {
    let samples = Script().samples(100).map { sample in
      var sample = sample
      sample.generation = sample.sequence / 50
      return sample
    }
    let recording = try Recording(Self.file(samples))
    var model = Model(identity: recording.identity, width: 120, height: 40, glyphs: .ascii, zone: .gmt)
    model.replay = ReplayState(recording)
    _ = model.update(.reached(recording.times[55], seek: 0))
    #expect(model.history.first?.sequence == 50)
    _ = press("[[[[", &model)
    let shown = try #require(model.shown)
    #expect(shown.generation == 0 && model.time != .live && model.history.first?.sequence == 0, "\(shown.sequence)")
    // At the very first there is nothing before.
    _ = press(String(repeating: "{", count: 20), &model)
    #expect(model.shown?.sequence == 0 && model.browse.notice == "what is kept begins here")
  }

  @Test func speedsGoFromOneToSixty() throws {
    var model = try replay(reaching: 49)
    #expect(press(")", &model) == [.player(.setSpeed(2))])
    _ = press(")))))))))", &model)
    #expect(model.replay?.speed == 60)
    #expect(press("(", &model) == [.player(.setSpeed(30))])
    #expect(Renderer.render(model, colors: .none).lines[0].contains("REPLAY 30x 4.9s/20s"))
    _ = press("((((((((", &model)
    #expect(model.replay?.speed == 1)
  }

  @Test func pauseStopsThePlayerAndStepsGoBothWays() throws {
    var model = try replay(reaching: 49)
    #expect(press(" ", &model) == [.player(.setPlaying(false))])
    #expect(Renderer.render(model, colors: .none).lines[0].contains("PAUSED 4.9s/20s"))
    // Back and forward through what was shown is the model's own business; a step is a second.
    #expect(press("[[", &model).isEmpty && model.shown?.sequence == 29)
    #expect(press("]]", &model).isEmpty && model.shown?.sequence == 49)
    // Beyond it is more.
    #expect(press("]", &model) == [.player(.seek(6_000_000_000, number: 1))])
    #expect(model.shown?.sequence == 59 && model.time == .paused(59))
    // What the player had reached before is of no interest.
    _ = model.update(.reached(.max, seek: 0))
    #expect(model.history.last?.sequence == 59)
    #expect(press("}}}", &model).count == 3 && model.shown?.sequence == 199)
    #expect(press(" ", &model) == [.player(.seek(100_000_000, number: 5)), .player(.setPlaying(true))])
    #expect(model.history.last?.sequence == 0)
  }

  @Test func playingGoesOnFromWhereOneSteppedBackTo() throws {
    var model = try replay(reaching: 99)
    #expect(press("[", &model) == [.player(.setPlaying(false))])
    #expect(model.shown?.sequence == 89)
    let effects = press(" ", &model)
    #expect(effects == [.player(.seek(9_000_000_000, number: 1)), .player(.setPlaying(true))])
    #expect(model.time == .live && model.history.last?.sequence == 89)
    // As if it had never been further.
    var other = try replay(reaching: 89)
    _ = other.update(.frameCost(milliseconds: model.frameMilliseconds))
    #expect(Renderer.render(model, colors: .full).lines == Renderer.render(other, colors: .full).lines)
    // Esc leads out of a pause, and the player goes on.
    _ = press(" ", &model)
    #expect(model.update(.key(.escape)) == [.player(.setPlaying(true))])
  }

  @Test func endSaysSoAndSpaceBeginsAgain() throws {
    var model = try replay(reaching: 10)
    #expect(press("$", &model) == [.player(.seek(20_000_000_000, number: 1))])
    #expect(Renderer.render(model, colors: .none).lines[0].contains("REPLAY end 20s/20s"))
    #expect(press("^", &model) == [.player(.seek(100_000_000, number: 2))])
    #expect(model.history.count == 1)
    _ = press("$", &model)
    #expect(press(" ", &model) == [.player(.seek(100_000_000, number: 4))])
  }

  @Test func aRecordingHasNoDocuments() throws {
    var model = try replay(reaching: 10)
    #expect(press("R", &model).isEmpty && model.browse.notice == "this is a recording already")
    _ = press("b", &model)
    for key in ["e", "y", "Y", "D"] {
      #expect(press(key, &model).isEmpty)
      #expect(model.browse.notice == "a recording has no documents")
    }
  }

  @Test func onlyARecordingHasASpeed() {
    var model = Script().model(10)
    #expect(press(")^", &model).isEmpty)
    #expect(model.browse.notice?.contains("darkbird replay FILE") == true)
  }
}
