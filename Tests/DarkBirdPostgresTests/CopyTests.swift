import DarkBird
import Foundation
import Testing

@testable import DarkBirdPostgres

/// Copies are exact, repeatable, and leave alone what is not theirs.
@Suite(.timeLimit(.minutes(30))) struct CopyTests {
  private let directory: TemporaryDirectory
  private let database: Database

  init() throws {
    directory = try TemporaryDirectory()
    database = try Database()
  }

  private func store(_ name: String = "store", _ fields: FieldSchema = FieldSchema()) throws -> RecordStore {
    try RecordStore(.disk(at: directory(name)), schema: IndexSchema(fields))
  }

  @Test func everyValueComesBack() throws {
    let made = try store("store", FieldSchema(tags: ["f"], ranges: ["fa"]))
    var random = RandomDocuments(seed: 1)
    while made.count < 2_000 {
      let key = random.value()
      // A key that is not equal to itself is found by nobody.
      if !KeyText.text(key).contains("\"nan\"") { try made.put(random.record(), for: key, ack: .memory) }
    }
    // A date on the disk has the fractions of a second that a number of seconds since 1970 has.
    try made.close()
    let store = try RecordStore.open(directory("store"))
    let report = try store.copy(to: try database.table())
    #expect(report.written == store.count && report.documents == store.count)
    try expectEqual(store, try loaded(database))
    let again = try store.copy(to: try database.table())
    #expect(again.written == 0 && again.removed == 0, "\(again)")
  }

  @Test func numbersKeepTheirTypes() throws {
    let store = try store()
    let numbers: [Value] = [
      .int(.min), .int(.max), .unsigned(.max), .unsigned(1 << 63), .int(1 << 53 + 1), .double(1e15), .double(1e16),
      .double(-1e17), .double(1e18), .double(1e19), .double(1e20), .double(0x1p63), .double(0x1p64), .double(0x1p65),
      .double(-0x1p63), .double(.greatestFiniteMagnitude), .double(.leastNonzeroMagnitude), .double(-0.0), .double(0),
      .double(.nan), .double(.infinity), .double(-.infinity), .double(0.1), .int(0),
    ]
    for (index, number) in numbers.enumerated() { try store.put(["number": number], for: .int(Int64(index))) }
    for (index, number) in numbers.enumerated() where number == number {
      try store.put(["key": true], for: .array([number, .int(Int64(index))]))
    }
    try store.copy(to: try database.table())
    try expectEqual(store, try loaded(database))
  }

  @Test func keysThatLookAlikeStayApart() throws {
    let store = try store()
    let keys: [Value] = [
      "42", 42, 42.5, "42.5", "true", true, "null", .null, "", "\"", "{", "[]", .array([]), "-", "-1", -1, "1e3", 1e3,
      .bytes([0]), "a\0b", "\0", .date(Date(timeIntervalSince1970: 0)), "é", "\\N", "\\", "a\tb\n",
    ]
    for key in keys { try store.put(["key": key], for: key) }
    #expect(try store.copy(to: try database.table()).written == keys.count)
    try expectEqual(store, try loaded(database))
    #expect(
      try database.run("SELECT key FROM documents WHERE key IN ('42', '\"42\"', 'é') ORDER BY 1") == [
        "\"42\"", "42", "é",
      ])
    // Another spelling of the same key is the same row.
    try store.put(["key": "other"], for: "e\u{301}")
    let report = try store.copy(to: try database.table())
    #expect(report.written == 1 && report.removed == 0)
    try expectEqual(store, try loaded(database))
  }

  @Test func tagsAndRangesAreColumnsWithIndexes() throws {
    let store = try store(
      "store",
      FieldSchema(unique: ["email"], tags: ["club", "skills"], ranges: ["age", "born", "name", "key", "none"]))
    for number in 0..<200 {
      try store.put(
        [
          "email": .string("\(number)@example.org"), "club": .string(number % 2 == 0 ? "Ajax" : "a \"b\" \\ {c},d"),
          "skills": ["x", .int(Int64(number % 3))],
          "age": number % 5 == 0 ? .double(Double(number) + 0.5) : .int(Int64(number)),
          "born": .date(Date(timeIntervalSince1970: Double(number) * 86_400)),
          "name": .string(String(repeating: "n", count: 3_000) + "\(number)"),
          "key": number % 2 == 0 ? "text" : .int(Int64(number)),
        ], for: .int(Int64(number)))
    }
    try store.copy(to: try database.table())
    for tag in ["club=Ajax", "club=a \"b\" \\ {c},d", "skills=x", "skills=1"] {
      let query = "SELECT count(*) FROM documents WHERE tags @> ARRAY[\(literal(tag))]"
      #expect(try database.number(query) == store.documents(tagged: tag).documents.count, "\(tag)")
    }
    #expect(
      try database.number("SELECT count(*) FROM documents WHERE age >= 99.5")
        == store.count(Query(ranges: [.init(field: "age", range: .atLeast(99.5))])))
    #expect(try database.number("SELECT count(*) FROM documents WHERE born < '1970-01-11'") == 10)
    #expect(try database.number("SELECT count(*) FROM documents WHERE length(name) = 500") == 200)
    #expect(try database.number("SELECT count(*) FROM documents WHERE key_ = '\"text\"'") == 100)
    let indexes = try database.run(
      "SELECT indexdef FROM pg_indexes WHERE tablename = 'documents' AND schemaname = '\(database.schema)'")
    #expect(indexes.count == 6, "\(indexes)")
    // A range field gets its column when it has values; all rows are written again.
    try store.put(["none": true], for: "new")
    #expect(try store.copy(to: try database.table()).written == 201)
    #expect(try database.run("SELECT key FROM documents WHERE \"none\"") == ["new"])
    try expectEqual(store, try loaded(database))
  }

  @Test func otherIndexesAreOtherColumnsOfTheSameDocuments() throws {
    func copy(_ tags: [String], _ ranges: [String], changes: Bool = false) throws -> CopyReport {
      let store = try self.store("store", FieldSchema(tags: tags, ranges: ranges))
      defer { try? store.close() }
      if changes { try store.put(["country": "IT", "age": 9], for: 0) }
      return try store.copy(to: try database.table())
    }
    let made = try self.store()
    for number: Int64 in 0..<5 { try made.put(["country": "NO", "age": .int(number)], for: .int(number)) }
    try made.close()
    let tagged = "SELECT count(*) FROM documents WHERE tags = '{country=NO}'"
    #expect(try copy([], []).written == 5)
    #expect(try copy(["country"], []).written == 5)
    #expect(try database.number(tagged) == 5)
    #expect(try copy(["country"], []).written == 0)
    #expect(try copy([], ["age"]).written == 5)
    #expect(try database.number("SELECT count(*) FROM documents WHERE tags = '{}' AND age IS NOT NULL") == 5)
    // A column that stays without its index must not keep what was in it.
    #expect(try copy([], [], changes: true).written == 5)
    #expect(try database.number("SELECT count(*) FROM documents WHERE age IS NULL") == 5)
    #expect(try copy([], ["age"]).written == 5)
    #expect(try database.run("SELECT age FROM documents ORDER BY key") == ["9", "1", "2", "3", "4"])
    // The mirror as well.
    let store = try self.store("store", FieldSchema(tags: ["country"], ranges: ["age"]))
    let mirrored = try store.mirror(to: try database.table(), endsWhenComplete: true) { _ in true }
    #expect(mirrored.changes == 5 && mirrored.copies == 1, "\(mirrored)")
    #expect(try database.number(tagged) == 4)
    try expectEqual(store, try loaded(database))
  }

  @Test func repeatedCopyTouchesNothingAndChangesTouchOnlyTheirRows() throws {
    let store = try store()
    for number in 0..<500 { try store.put(["n": .int(Int64(number))], for: .int(Int64(number))) }
    let table = try database.table()
    try store.copy(to: table)
    let versions =
      "SELECT key || ' ' || ctid || ' ' || xmin FROM documents UNION SELECT lsn || ' ' || ctid || ' ' || xmin FROM darkbird_copies"
    let before = Set(try database.run(versions))
    let again = try store.copy(to: table)
    #expect(again.written == 0 && again.removed == 0 && again.documents == 500)
    #expect(Set(try database.run(versions)) == before)

    for number in 0..<50 { try store.put(["n": "changed"], for: .int(Int64(number))) }
    for number in 100..<130 { try store.remove(.int(Int64(number))) }
    try store.batch { batch in for number in 500..<520 { batch.put(["n": "new"], for: .int(Int64(number))) } }
    let report = try store.copy(to: table)
    #expect(report.written == 70 && report.removed == 30 && report.documents == 490)
    #expect(before.subtracting(try database.run(versions)).count == 50 + 30 + 1)
    try expectEqual(store, try loaded(database))
    try store.removeAll()
    #expect(try store.copy(to: table).removed == 490)
    #expect(try database.rows() == 0)
  }

  @Test func typedStoresAreCopiedAndLoaded() throws {
    struct Player: Document, Codable, Hashable {
      var id: UUID
      var name: String
      var joined: Date
      var scores: [Double]
      static let schema: IndexSchema<Player> = [.range("joined", \.joined), .tags { ["all", "n=\($0.name)"] }]
    }
    let store = try Store<UUID, Player>(.disk(at: directory("typed")))
    for number in 0..<100 {
      let player = Player(
        id: UUID(), name: "p\(number)", joined: Date(timeIntervalSince1970: Double(number) * 1e6 + 0.25),
        scores: [0.1, 2])
      try store.put(player, for: player.id)
    }
    try store.copy(to: try database.table("\"Players\""))
    #expect(try database.number("SELECT count(*) FROM \"Players\" WHERE tags @> '{all}'") == 100)
    let again = try Store<UUID, Player>()
    #expect(try again.load(from: PostgresSource(database.address, .table("\"Players\""))).loaded == 100)
    for stored in try store.scan().documents { #expect(again[stored.key] == stored.document) }
  }

  @Test func columnsOfOnesOwn() throws {
    let store = try store()
    for number in 0..<10 {
      try store.put(
        ["name": .string("n\(number)"), "list": [1, "x"], "when": .date(Date(timeIntervalSince1970: 0))],
        for: .int(Int64(number)))
    }
    var table = try database.table("mine")
    table.columns = TableColumns([
      ("name", "varchar(20)"), ("list", "jsonb"), ("when", "timestamptz"), ("bytes", "bytea"),
    ]) { key, document in
      [document["name"] ?? .null, document["list"] ?? .null, document["when"] ?? .null, .bytes([0, 255])]
    }
    #expect(try store.copy(to: table).written == 10)
    #expect(try store.copy(to: table).written == 0)
    #expect(
      try database.run("SELECT key || name || list || \"when\" || bytes FROM mine WHERE key = '3'") == [
        "3n3[1, \"x\"]1970-01-01 00:00:00+00\\x00ff"
      ])
    let back = try RecordStore()
    try back.load(from: PostgresSource(database.address, .table("mine"), key: ["key"]))
    #expect(back["3"]?["list"] == [1, "x"] && back["3"]?["bytes"] == .bytes([0, 255]))
    // The other form is another table.
    #expect(throws: DatabaseError.self) { try store.copy(to: try database.table("mine")) }
  }

  @Test func whatIsNotTheirsStaysAsItIs() throws {
    let store = try store()
    try store.put(["a": 1], for: "a")
    try database.run(
      "CREATE TABLE documents (key text PRIMARY KEY, document jsonb, lsn bigint); INSERT INTO documents VALUES ('mine')"
    )
    let error = #expect(throws: DatabaseError.self) { try store.copy(to: try database.table()) }
    #expect(error?.kind == .otherTable && error?.reason.contains("not a copy") == true)
    #expect(try database.run("SELECT key FROM documents") == ["mine"])
    #expect(try database.run("SELECT to_regclass('darkbird_copies')") == ["NULL"])
    // Also not under the name of a copy that was there before.
    let gone = try database.table("gone")
    try store.copy(to: gone)
    try database.run("DROP TABLE gone; CREATE TABLE gone (key text PRIMARY KEY); INSERT INTO gone VALUES ('mine')")
    #expect(throws: DatabaseError.self) { try store.copy(to: gone) }
    #expect(try database.run("SELECT key FROM gone") == ["mine"])

    var table = try database.table("t")
    try store.copy(to: table)
    let other = try self.store("other")
    for number: Int64 in 0..<3 { try other.put(["b": .int(number)], for: .int(number)) }
    let refusal = #expect(throws: DatabaseError.self) { try other.copy(to: table) }
    #expect(refusal?.kind == .otherTable && refusal?.reason.contains("another store") == true)
    #expect(try database.rows(of: "t") == 1)
    table.replaces = true
    let report = try other.copy(to: table)
    #expect(report.written == 3 && report.removed == 1)
    try expectEqual(other, try loaded(database, "t"))
  }

  @Test func tableThatIsAheadOfTheStoreIsWrittenAgain() throws {
    let store = try store()
    for number: Int64 in 0..<20 { try store.put(["n": .int(number)], for: .int(number)) }
    try store.copy(to: try database.table())
    // As after the restoration of an older state of the directory: the numbers stand for other changes.
    try database.run("UPDATE documents SET document = '{\"n\":\"lost\"}'; UPDATE darkbird_copies SET lsn = 1000")
    #expect(try store.copy(to: try database.table()).written == 20)
    try expectEqual(store, try loaded(database))
  }

  @Test func secondCopyIntoTheSameTableWaits() async throws {
    let store = try store()
    try store.put(["n": 1], for: "n")
    try store.close()
    let lock = "(hashtextextended('darkbird \(database.schema) documents', 0))"
    try database.run("SELECT pg_advisory_lock\(lock)")
    let program = try Program(builtProgram("darkbird"), ["copy", directory("store"), "--to", database.url])
    try await eventually("a copy that waits") {
      let waiting = "FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted"
      return try database.number("SELECT count(*) \(waiting) AND application_name = '\(database.schema)'") == 1
    }
    #expect(try database.rows() == 0)
    try database.run("SELECT pg_advisory_unlock\(lock)")
    let outcome = try await program.outcome()
    #expect(outcome.output == "copied 1: 1 written, 0 removed\n", "\(outcome)")
  }
}
