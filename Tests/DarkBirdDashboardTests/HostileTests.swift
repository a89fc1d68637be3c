import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

/// Documents as an attack: whatever is in them, every screen keeps its borders, and no control character reaches it.
@Suite("Hostile documents") struct HostileTests {
  private static let attacks = [
    "\u{1B}]0;title\u{7}", "\u{1B}[2J\u{1B}[1;1H", "\u{9B}31m", "\u{202E}evil\u{202D}", "\u{2066}x\u{2069}",
    "👩‍👩‍👧‍👦🇳🇴👍🏽", "漢字かな한글", "a" + String(repeating: "\u{301}", count: 200), "\0\u{7}\u{8}\t\r\n\u{85}\u{2028}",
    String(repeating: "k", count: 10_000), String(repeating: "漢", count: 5_000), "",
  ]

  /// A real store of such documents, in which every attack is a key, a name, a value, a tag and a unique value.
  private func store() throws -> Store<Value, Record> {
    let schema = FieldSchema(unique: ["text"], tags: ["club"], ranges: ["age", "name"])
    let store = try Store<Value, Record>(.memory, schema: IndexSchema(schema))
    for (number, attack) in Self.attacks.enumerated() {
      let nested: Record = [attack + "!": .string(attack), "list": .array([.string(attack), .int(1)])]
      var document: Record = [
        "text": .string(attack), "club": .string(attack), "age": .int(Int64(number)), "name": .string(attack),
      ]
      document[attack + "?"] = .map(nested)
      try store.put(document, for: .string(attack))
    }
    return store
  }

  private func answer(_ effects: [Effect], _ source: any Source, _ model: inout Model) {
    for case .ask(let request) in effects {
      if let reply = BrowseAnswers.answer(request, from: source) { answer(model.update(.reply(reply)), source, &model) }
    }
  }

  private func check(_ model: Model, _ context: String) {
    // The other half of all pairs for other contexts: of a screen there are many.
    let tiers = context.utf8.count % 2 == 0 ? [GlyphTier.ascii, .braille] : [.braille, .ascii]
    for (number, (width, height)) in [(40, 10), (80, 24), (120, 40), (200, 60)].enumerated() {
      let glyphs = tiers[number % 2]
      var model = model
      _ = model.update(.resize(width: width, height: height))
      model.glyphs = glyphs
      let canvas = Renderer.render(model, colors: .full)
      RenderPropertyTests().check(model, canvas, "\(context) \(width)x\(height)")
      let isHarmless = canvas.lines.allSatisfy { line in
        line.unicodeScalars.allSatisfy { scalar in
          scalar.properties.generalCategory != .control && !scalar.properties.isBidiControl
        }
      }
      #expect(isHarmless, "\(context) \(width)x\(height)")
    }
  }

  @Test func areHarmlessOnEveryScreen() throws {
    let store = try store()
    defer { try? store.close() }
    let source = StoreSource(store, title: Self.attacks[1], location: Self.attacks[0])
    defer { source.close() }
    for attack in Self.attacks { try store.put(["text": .string(attack), "age": 3], for: .string(attack)) }
    var composer = SampleComposer(source: source, monitor: nil)
    var model = Model(
      identity: source.identity, width: 120, height: 40, glyphs: .braille, zone: .gmt, historyCapacity: 50,
      tour: TourState())
    for number in 0..<20 {
      if number > 0 { try store.update(.string(Self.attacks[number % Self.attacks.count])) { $0["age"] = 4 } }
      let (sample, lines) = composer.take(
        at: UInt64(number) * 100_000_000, date: Script.start, filter: "", elapsed: { 0 })
      _ = model.update(.sample(sample, lines))
    }
    model.addMark(.note, at: model.history[3], Self.attacks[1])
    check(model, "overview")
    for panel in PanelID.allCases {
      (model.focus, model.isZoomed) = (panel, true)
      check(model, "\(panel)")
    }
    _ = model.enterTour()
    for attack in Self.attacks { _ = model.update(.tour(run: 1, .fact(TourFact(name: attack, value: .text(attack))))) }
    _ = model.update(.tour(run: 1, .absence(TourAbsence(Self.attacks[1], news: Self.attacks[0]))))
    check(model, "tour")
    _ = model.update(.tour(run: 1, .failed(Self.attacks[1])))
    check(model, "failed tour")
    for view in ["A", "w"] {
      _ = model.update(.key(.character(Character(view))))
      check(model, view)
    }
    answer(model.update(.key(.character("b"))), source, &model)
    model.browse.saved = Array(Self.attacks.prefix(KeyMap.savedQueryKeys.count))
    for row in 0..<Self.attacks.count {
      check(model, "row \(row)")
      answer(model.update(.key(.enter)), source, &model)
      check(model, "document \(row)")
      answer(model.update(.key(.escape)), source, &model)
      answer(model.update(.key(.down)), source, &model)
    }
    for key in [Key.character("1"), .end, .home, .character("3"), .character("F"), .character("r"), .right, .tab] {
      answer(model.update(.key(key)), source, &model)
      check(model, "\(key)")
    }
    model.browse.editor = LineEditor(Self.attacks[1])
    answer(model.update(.key(.enter)), source, &model)
    check(model, "a wrong query")
  }

  /// Names of their fields, and what Tab offers of their tags.
  @Test func areHarmlessInLists() throws {
    let store = try store()
    defer { try? store.close() }
    let source = StoreSource(store, title: Self.attacks[1])
    defer { source.close() }
    var model = Model(identity: source.identity, width: 120, height: 40, glyphs: .braille, zone: .gmt)
    for key in [Key.character("b"), .character("c"), .end, .character(" "), .home, .character(" ")] {
      answer(model.update(.key(key)), source, &model)
      check(model, "columns after \(key)")
    }
    #expect(model.isChoosingColumns)
    for key in [Key.escape, .character("/")] { answer(model.update(.key(key)), source, &model) }
    _ = model.update(.paste("tag:club="))
    answer(model.update(.key(.tab)), source, &model)
    #expect(model.browse.completions.count > 1)
    check(model, "completions")
  }

  /// What is asked about them and about files, and whatever somebody types or pastes.
  @Test func areHarmlessInQuestionsAndLines() {
    var model = Browsing.query()
    for (number, attack) in Self.attacks.enumerated() {
      let (key, record): (RowKey, Record) = (RowKey(text: attack), [attack: .string(attack)])
      let export = ExportRequest(selection: .key(attack), path: attack, format: .csv)
      let questions: [Question] = [
        .remove(key), .write(.replace(key, was: [:], record)), .write(.insert(key: .string(attack), record)),
        .overwrite(export, name: attack),
      ]
      model.browse.question = questions[number % questions.count]
      check(model, "question \(number)")
      model.browse.question = nil
      for kind in [Prompt.Kind.exportName, .document] {
        model.browse.prompt = Prompt(kind, attack)
        check(model, "prompt \(number)")
      }
      _ = model.update(.key(.enter))
      check(model, "what is wrong with it \(number)")
      (model.browse.prompt, model.browse.question) = (nil, nil)
      _ = model.update(.key(.character(":")))
      model.palette?.editor = LineEditor(attack)
      check(model, "palette \(number)")
      _ = model.update(.key(.escape))
      _ = model.update(.key(.character("a")))
      model.annotation?.editor = LineEditor(attack)
      check(model, "note \(number)")
      _ = model.update(.key(.enter))
    }
    for key in ":zoom " { _ = model.update(.key(.character(key))) }
    _ = model.update(.paste(Self.attacks[1]))
    _ = model.update(.key(.enter))
    #expect(model.browse.notice?.hasPrefix("zoom takes no '") == true)
    check(model, "a command with something behind it")
    for key in ["A", "o", "/"] {
      _ = model.update(.key(.character(Character(key))))
      if key == "/" { model.events.editor = LineEditor(Self.attacks[1]) }
      check(model, "after notes \(key)")
    }
    #expect(model.marks.count { $0.kind == .note } > 5)
  }

  /// What is answered to the questions of a job, what it says of itself, and how it has ended.
  @Test func areHarmlessInJobs() {
    let job = DashboardJob(
      "import-from", "documents of a file into the store", asking: ["import from", .init("key", isOptional: true)],
      confirming: "Import all of it?"
    ) { _, _ in "" }
    var model = Working.start(20, jobs: [job])
    for (number, attack) in Self.attacks.enumerated() {
      _ = model.perform(.startJob(0), in: .overview)
      model.jobs.asking?.editor = LineEditor("a" + attack)
      check(model, "question of job \(number)")
      _ = model.update(.key(.enter))
      model.jobs.asking?.editor = LineEditor(attack)
      _ = model.update(.key(.enter))
      check(model, "before job \(number)")
      guard case .startJob(let id, _, _)? = model.update(.key(.character("y"))).first else {
        Issue.record("there is no job \(number)")
        return
      }
      let progress = DashboardJob.Progress(documents: 3, total: 7, note: attack)
      _ = model.update(.job(id: id, JobReport(progress: progress, seconds: 2)))
      check(model, "job \(number)")
      let outcome: JobReport.Outcome = [.done(attack), .failed(attack), .cancelled(attack)][number % 3]
      _ = model.update(.job(id: id, JobReport(progress: progress, seconds: 3, outcome: outcome)))
      check(model, "end of job \(number)")
    }
    for key in [Key.character("J"), .end, .home] {
      _ = model.update(.key(key))
      check(model, "jobs after \(key)")
    }
    // The same again: its line begins with what was answered.
    _ = model.update(.key(.enter))
    #expect(model.jobs.asking?.editor.text.isEmpty == false)
    check(model, "a job again")
    _ = model.update(.key(.escape))
    let mirror = model.jobs.begin("mirror-to", Self.attacks[1], at: nil)
    _ = model.update(.key(.character("x")))
    #expect(model.jobs.cancelling == mirror)
    check(model, "before a job is cancelled")
  }

  @Test func areHarmlessAsNamesOfIndexes() {
    var schema = SchemaDescription()
    schema.fields = FieldSchema(unique: [Self.attacks[1]], tags: [Self.attacks[3]], ranges: [Self.attacks[5]])
    var identity = Script().identity
    identity.schema = schema
    var model = Model(identity: identity, width: 120, height: 40, glyphs: .braille, zone: .gmt)
    for var sample in Script().samples(20) {
      for place in sample.statistics.indexes.indices {
        sample.statistics.indexes[place].name = Self.attacks[place % Self.attacks.count]
      }
      sample.tags = Self.attacks.map { TagCount(tag: $0, count: 3) }
      sample.statistics.log?.failure = Self.attacks[1]
      sample.workload?.summary = Self.attacks[0]
      sample.workload?.progress.lastError = Self.attacks[1]
      _ = model.update(.sample(sample, Self.attacks.map { EventLine(.put, date: Script.start, key: $0, detail: $0) }))
    }
    for key in ["o", "5", "z", "w", "A", "b"] {
      _ = model.update(.key(.character(Character(key))))
      check(model, key)
    }
  }

  /// A file that somebody sends may say anything.
  @Test func areHarmlessInARecording() throws {
    var identity = Script().identity
    (identity.title, identity.location) = (Self.attacks[1], Self.attacks[0])
    identity.schema.fields = FieldSchema(unique: [Self.attacks[1]], tags: [Self.attacks[3]], ranges: [Self.attacks[5]])
    let samples = Script().samples(20).map { sample in
      var sample = sample
      let attack = Self.attacks[sample.sequence % Self.attacks.count]
      for place in sample.statistics.indexes.indices { sample.statistics.indexes[place].name = attack }
      sample.tags = Self.attacks.map { TagCount(tag: $0, count: 3) }
      sample.statistics.log?.checkpointFailure = attack
      sample.workload?.summary = attack
      sample.workload?.progress.lastError = attack
      var base = WorkloadOptions()
      base.scenario = Scenario(attack, attack, [.init(attack, [], seconds: 1)])
      sample.workload?.options = base
      sample.workload?.scenario = ScenarioPlace(base: base, step: sample.sequence % 3, left: 1)
      return sample
    }
    let lines = Self.attacks.map { EventLine(.put, date: Script.start, key: $0, detail: $0) }
    let path = NSTemporaryDirectory() + "hostile-\(UUID().uuidString).dbrec"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let recorder = Recorder(identity: identity) { _, _ in }
    recorder.start(path)
    for sample in samples {
      recorder.take(Sample.Note(nanoseconds: sample.nanoseconds, date: sample.date, text: Self.attacks[1]))
      recorder.take(sample, lines)
    }
    recorder.stop()
    recorder.finish()
    let recording = try Recording(Data(contentsOf: URL(filePath: path)))
    var model = Model(identity: recording.identity, width: 120, height: 40, glyphs: .braille, zone: .gmt)
    model.replay = ReplayState(recording)
    for time in recording.times {
      _ = model.update(.reached(time, seek: 0))
      check(model, "replay")
    }
    #expect(model.history.count == samples.count)
    for key in ["5", "z", "w", "2", "A", "b", "?"] {
      _ = model.update(.key(.character(Character(key))))
      check(model, "replay \(key)")
    }
  }
}
