import DarkBird
import Foundation
import Testing

/// migrate as scripts see it, also when it is killed.
@Suite(.serialized, .timeLimit(.minutes(30))) struct MigrationTests {
  private let directory: TemporaryDirectory
  private var store: String { directory("store") }

  /// Kills of a migration, and documents in its store.
  private static let kills = number("DARKBIRD_MIGRATION_KILLS", 10)
  private static let documents = number("DARKBIRD_MIGRATION_DOCUMENTS", 6_000)

  private static func number(_ name: String, _ otherwise: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? otherwise
  }

  init() throws { directory = try TemporaryDirectory() }

  private func make(_ lines: [String], _ options: String...) async throws {
    let outcome = try await Program(
      builtProgram("darkbird"), ["import", store, "-", "--key", "id"] + options,
      input: Array(lines.joined(separator: "\n").utf8)
    ).outcome()
    try #require(outcome.code == 0, "\(outcome)")
  }

  private func query(_ arguments: String...) async throws -> String {
    try await Program(builtProgram("darkbird"), ["query", store] + arguments).outcome().output
  }

  @Test func fieldsKeysAndIndexesChange() async throws {
    try await make(
      [
        #"{"id":1,"mail":"a@x","at":{"city":"Oslo","zip":"0150"},"fax":"1","n":1}"#,
        #"{"id":2,"mail":"b@x","at":{"city":"Rome"},"n":2,"country":"IT"}"#,
      ], "--unique", "mail", "--tag", "at.city", "--range", "n")
    let before = try tree(store)
    let arguments = [
      "migrate", store, "--rename", "mail=email", "--rename", "at.city=town", "--drop", "fax", "--drop", "n",
      "--set", "status=\"new\"", "--set", "tags.first=[1,2]", "--default", "country=\"NO\"", "--key", "email",
      "--tag", "country",
    ]
    let tried = try await Program(builtProgram("darkbird"), arguments + ["--dry-run"]).outcome()
    #expect(tried.code == 0 && tried.output.contains("nothing was changed"), "\(tried)")
    #expect(tried.output.contains("indexes    unique email, tag at.town, tag country"), "\(tried)")
    #expect(tried.output.contains(#"a@x: {"id":1,"email":"a@x","at":{"town":"Oslo","zip":"0150"}"#), "\(tried)")
    #expect(try tree(store) == before)
    let done = try await Program(builtProgram("darkbird"), arguments + ["--json"]).outcome()
    #expect(done.code == 0 && done.output.contains(#""is_committed":true"#), "\(done)")
    #expect(
      try await query("--tag", "at.town=Oslo", "--json")
        == #"{"key":"a@x","document":{"id":1,"email":"a@x","at":{"town":"Oslo","zip":"0150"},"status":"new","#
        + #""tags":{"first":[1,2]},"country":"NO"}}"# + "\n")
    #expect(try await query("--unique", "email=b@x", "--tag", "country=IT", "--count") == "1\n")
    #expect(try await darkbird("verify", store).code == 0)
    // The index of a field that was dropped is gone.
    #expect(try await darkbird("query", store, "--range", "n=1..").code == 64)
  }

  @Test func failuresAreListedAndNothingChanges() async throws {
    try await make((1...5).map { #"{"id":\#($0),"a":"\#($0 % 3)","b":\#($0)}"# } + [#"{"id":6}"#])
    let before = try await query("--json")
    let refused = try await darkbird("migrate", store, "--key", "a")
    #expect(refused.code == 65 && refused.output.contains("nothing was changed"), "\(refused)")
    #expect(
      Set(refused.errors.split(separator: "\n")) == [
        "\(store): document 1: comes to the key 1, as 4 does", "\(store): document 2: comes to the key 2, as 5 does",
        "\(store): document 6: no field 'a', which is the key",
        "darkbird: \(store): 3 of 6 documents cannot be migrated; nothing was changed",
      ])
    #expect(
      Set(try await query("--json").split(separator: "\n")) == Set(before.split(separator: "\n")))
    let twice = try await darkbird("migrate", store, "--rename", "b=a", "--dry-run")
    #expect(twice.code == 65 && twice.errors.contains("field 'b' cannot become 'a', which exists"), "\(twice)")
    // The same with what would be left out, and code 65 as then; what fails is no example.
    let skipped = try await darkbird("migrate", store, "--key", "a", "--skip-failures", "--dry-run")
    #expect(
      skipped.code == 65 && skipped.errors.hasSuffix("darkbird: \(store): 3 of 6 documents would be left out\n"),
      "\(skipped)")
    let examples = skipped.output.split(separator: "\n").filter { $0.hasPrefix("example") }
    #expect(examples.count == 3 && examples.allSatisfy { !$0.contains(" 1:") && !$0.contains(" 2:") }, "\(skipped)")
    let unique = try await darkbird("migrate", store, "--unique", "a", "--skip-failures")
    #expect(unique.code == 65 && unique.errors.contains("document 1: a 1 is taken by document 4"), "\(unique)")
    #expect(unique.errors.contains("2 of 6 documents were left out"), "\(unique)")
    #expect(try await query("--unique", "a=1", "--json") == #"{"key":4,"document":{"id":4,"a":"1","b":4}}"# + "\n")
    #expect(try await query("--count") == "4\n")
    for wrong in [[], ["--set", "a=hello"], ["--rename", "a"], ["--rename", "at.city=at.town"]] {
      let outcome = try await Program(builtProgram("darkbird"), ["migrate", store] + wrong).outcome()
      #expect(outcome.code == 64 && outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
    }
    #expect(try await darkbird("migrate", directory("missing"), "--drop", "a").code == 66)
    #expect(!FileManager.default.fileExists(atPath: directory("missing")))
  }

  /// As a CSV with such a column makes them. The index would be of a field that lies in an object.
  @Test func indexOfAFieldWithADotInItsNameDoesNotGoAstray() async throws {
    try await make([#"{"id":1,"address.city":"Oslo"}"#], "--tag", "address.city")
    let refused = try await darkbird("migrate", store, "--rename", "address.city=town")
    #expect(refused.code == 65, "\(refused)")
    #expect(
      refused.errors.contains("index 'address.city' cannot follow: there is a field with a dot in its own name")
    )
    let done = try await darkbird(
      "migrate", store, "--rename", "address.city=town", "--no-index", "address.city", "--tag", "town")
    #expect(done.code == 0, "\(done)")
    #expect(try await query("--tag", "town=Oslo", "--count") == "1\n")
  }

  @Test(arguments: [
    // Of a field within the one that has the dot, and of one that gets its dot before.
    (#"{"id":1,"a.b":{"c":1}}"#, ["--tag", "a.b.c"], ["--rename", "a.b=d"], false),
    (#"{"id":1,"a":1}"#, ["--tag", "a"], ["--rename", "a=x.y", "--rename", "x.y=z"], false),
    // Of a field that has such a name beside what is renamed, or dropped, with its indexes.
    (#"{"id":1,"a.b":1}"#, ["--tag", "a.b"], ["--rename", "a=c"], false),
    (#"{"id":1,"x":{"a.b":{"c":1}}}"#, ["--tag", "x.a.b.c"], ["--rename", "x.a=c"], false),
    (#"{"id":1,"a":{"b":2},"a.b":1}"#, ["--tag", "a.b"], ["--drop", "a"], false),
    // A field that goes takes its index along, and one within what is renamed keeps its name.
    (#"{"id":1,"a.b":1}"#, ["--tag", "a.b"], ["--drop", "a.b"], true),
    (#"{"id":1,"x":{"a.b":1}}"#, ["--tag", "x.a.b"], ["--rename", "x=y"], true),
    (#"{"id":1,"a.b":1,"a":{"c":1}}"#, ["--tag", "a.c"], ["--rename", "a=d"], true),
    (#"{"id":1,"a.b":1}"#, ["--tag", "a.b"], ["--drop", "a", "--no-index", "a.b"], true),
    // Without an index, and within an object, nothing is in the way.
    (#"{"id":1,"a.b":1}"#, ["--tag", "a"], ["--rename", "a.b=d"], true),
    (#"{"id":1,"a":{"b":1}}"#, ["--tag", "a.b"], ["--rename", "a.b=d"], true),
    (#"{"id":1,"a.b":1}"#, ["--tag", "a.b"], ["--rename", "a.b=d", "--no-index", "a.d"], true),
  ])
  func indexesThatCannotFollowAreRefused(
    _ document: String, _ indexes: [String], _ changes: [String], isDone: Bool
  ) async throws {
    _ = try await Program(
      builtProgram("darkbird"), ["import", store, "-", "--key", "id"] + indexes, input: Array(document.utf8)
    ).outcome()
    let outcome = try await Program(builtProgram("darkbird"), ["migrate", store] + changes).outcome()
    #expect(outcome.code == (isDone ? 0 : 65), "\(outcome)")
  }

  /// A name that an index has before the renames, and another one after them, is the first one's.
  @Test func indexThatGoesIsTheOneOfThatNameBefore() async throws {
    try await make([#"{"id":1,"a":1,"c":3}"#], "--tag", "a", "--range", "c")
    let done = try await darkbird(
      "migrate", store, "--rename", "a=b", "--rename", "c=a", "--no-index", "a", "--dry-run")
    #expect(done.output.contains("indexes    range a\n"), "\(done)")
  }

  @Test func fieldsAndIndexesThatAreNotThereAreNamed() async throws {
    try await make([#"{"id":1,"a":{"b":1},"c":2}"#], "--tag", "c", "--range", "a.b")
    let wrong = try await darkbird("migrate", store, "--no-index", "nothere", "--drop", "c")
    #expect(wrong.code == 64 && wrong.output.isEmpty, "\(wrong)")
    #expect(
      wrong.errors == "darkbird: --no-index nothere: not indexed in \(store); these are: a.b\n", "\(wrong)")
    let gone = try await darkbird(
      "migrate", store, "--drop", "nothere", "--drop", "a.x", "--drop", "a.b", "--rename", "no=yes", "--rename", "c=d",
      "--no-index", "d")
    #expect(gone.code == 0 && gone.output.contains("indexes    none"), "\(gone)")
    #expect(
      gone.errors == """
        --rename no: no document has this field
        --drop nothere: no document has this field
        --drop a.x: no document has this field

        """, "\(gone)")
    let last = try await darkbird("migrate", store, "--no-index", "d")
    #expect(last.code == 64 && last.errors.contains("; none is"), "\(last)")
  }

  @Test func programsIndexesAreLeftToThem() async throws {
    let typed = try Store<Int, Record>(
      .disk(at: store), schema: [.unique(computed: "parity", { _ in nil as Int? })])
    try typed.put(["a": 1], for: 1)
    try typed.close()
    let outcome = try await darkbird("migrate", store, "--drop", "a")
    #expect(outcome.code == 78 && outcome.errors.contains("computes its indexes (parity)"), "\(outcome)")
  }

  /// DARKBIRD_MIGRATION_KILLS=200 DARKBIRD_MIGRATION_DOCUMENTS=1000000 is the bar.
  @Test func migrationKilledAtAnyMomentIsAllOldOrAllNew() async throws {
    do {
      let made = try Store<Value, Record>(
        .disk(at: store), schema: IndexSchema(FieldSchema(unique: ["email"], tags: ["city"])))
      for id in 0..<Self.documents {
        try made.put(
          ["email": .string("e\(id)@example.org"), "city": .string("c\(id % 100)"), "old": .int(Int64(id))],
          for: .int(Int64(id)))
        if id == Self.documents / 2 { try made.checkpoint() }
      }
      try made.close()
    }
    let fresh = directory("fresh")
    try FileManager.default.copyItem(atPath: store, toPath: fresh)
    let arguments = [
      "migrate", store, "--rename", "old=new", "--key", "email", "--range", "new", "--schema-version", "1",
    ]
    let clock = ContinuousClock()
    let start = clock.now
    let whole = try await Program(builtProgram("darkbird"), arguments).outcome()
    let duration = clock.now - start
    try #require(whole.code == 0, "\(whole)")
    var generator = SystemRandomNumberGenerator()
    var (old, new) = (0, 0)
    for kill in 1...Self.kills {
      // What the last one left in between is part of the test: only a migrated store is replaced.
      if try StoreInspector.describe(store).schemaVersion == 1 {
        try FileManager.default.removeItem(atPath: store)
        try FileManager.default.copyItem(atPath: fresh, toPath: store)
      }
      let moment = duration * Double.random(in: 0..<1.1, using: &generator)
      let program = try Program(builtProgram("darkbird"), arguments)
      // The moment is what is tested here, not what is waited for.
      try await Task.sleep(for: moment)
      program.send(SIGKILL)
      _ = try await program.outcome()
      let what = "kill \(kill) after \(moment)"
      let report = try StoreInspector.verify(store)
      #expect(report.isSound, "\(what): \(report.problems)")
      #expect(report.documents == Self.documents, "\(what)")
      let description = try StoreInspector.describe(store)
      let isNew = description.schemaVersion == 1
      if isNew { new += 1 } else { old += 1 }
      #expect(description.schema.fields.ranges == (isNew ? ["new"] : []), "\(what)")
      let opened = try Store<Value, Record>.open(store)
      let last = Self.documents - 1
      let key: Value = isNew ? .string("e\(last)@example.org") : .int(Int64(last))
      #expect(opened[key]?[isNew ? "new" : "old"] == .int(Int64(last)), "\(what)")
      var wrong = 0
      for stored in try opened.scan().documents where (stored.document["new"] != nil) != isNew { wrong += 1 }
      #expect(wrong == 0, "\(what): \(wrong) documents of the other form")
      try opened.close()
      #expect(
        !(try FileManager.default.contentsOfDirectory(atPath: store)).contains { $0.hasPrefix("migrate-") } || !isNew)
    }
    print("migration of \(Self.documents) documents in \(duration), killed \(Self.kills) times: \(old) old, \(new) new")
    #expect(old + new == Self.kills)
  }
}
