import DarkBird
import Foundation
import Synchronization
import Testing

@testable import DarkBirdCassandra

/// Copies are exact, repeatable, and leave alone what is not theirs.
@Suite(.timeLimit(.minutes(30))) struct CopyTests {
  private let directory: TemporaryDirectory
  private let keyspace: Keyspace

  init() throws {
    directory = try TemporaryDirectory()
    keyspace = try Keyspace(.unruly(seed: 3))
  }

  private func store(_ name: String = "store", _ fields: FieldSchema = FieldSchema()) throws -> RecordStore {
    try RecordStore(.disk(at: directory(name)), schema: IndexSchema(fields))
  }

  @Test func everyValueComesBack() throws {
    let made = try store("store", FieldSchema(tags: ["f"], ranges: ["fa"]))
    var random = RandomDocuments(seed: 1)
    while made.count < 500 {
      let key = random.value()
      // A key that is not equal to itself is found by nobody.
      if !KeyText.text(key).contains("\"nan\"") { try made.put(random.record(), for: key, ack: .memory) }
    }
    // A date on the disk has the fractions of a second that a number of seconds since 1970 has.
    try made.close()
    let store = try RecordStore.open(directory("store"))
    let report = try store.copy(to: try keyspace.table())
    #expect(report.written == store.count && report.documents == store.count)
    try expectEqual(store, try keyspace.loaded())
    let again = try store.copy(to: try keyspace.table())
    #expect(again.written == 0 && again.removed == 0, "\(again)")
  }

  @Test func keysThatLookAlikeStayApart() throws {
    let store = try store()
    let keys: [Value] = [
      "42", 42, 42.5, "42.5", "true", true, "null", .null, "", "\"", "\"\"", "{", "[]", .array([]), "-", "-1", -1,
      "1e3",
      1e3, .bytes([0]), "a\0b", "\0", .date(Date(timeIntervalSince1970: 0)), "é", "\\", "a\tb\n", " ",
    ]
    for key in keys { try store.put(["key": key], for: key) }
    #expect(try store.copy(to: try keyspace.table()).written == keys.count)
    try expectEqual(store, try keyspace.loaded())
    #expect(try store.copy(to: try keyspace.table()).written == 0)
    // Another spelling of the same key is the same row.
    try store.put(["key": "other"], for: "e\u{301}")
    try store.remove("")
    let report = try store.copy(to: try keyspace.table())
    #expect(report.written == 1 && report.removed == 1)
    try expectEqual(store, try keyspace.loaded())
    try store.put(["key": 1], for: .bytes([UInt8](repeating: 1, count: 60_000)))
    let error = #expect(throws: DatabaseError.self) { try store.copy(to: try keyspace.table()) }
    #expect(error?.reason.contains("longer than the 65,535 bytes") == true)
  }

  @Test func tagsAndRangesAreColumns() throws {
    let store = try store(
      "store", FieldSchema(tags: ["club"], ranges: ["age", "born", "name", "mixed", "key", "none"]))
    for number in 0..<20 {
      try store.put(
        [
          "club": number % 2 == 0 ? "Ajax" : "a \"b\"",
          "age": number % 5 == 0 ? .double(Double(number) + 0.5) : .int(Int64(number)),
          "born": .date(Date(timeIntervalSince1970: Double(number))), "key": true,
          "name": .string(String(repeating: "n", count: 3_000)),
          "mixed": number % 2 == 0 ? "text" : .int(Int64(number)),
        ], for: .int(Int64(number)))
    }
    try store.copy(to: try keyspace.table())
    let rows = keyspace.database.rows("documents")
    let row = try #require(rows[[.text("10")]])
    #expect(row["tags"] == .list([.text("club=Ajax")]) && row["born"] == .timestamp(milliseconds: 10_000))
    #expect(row["age"] == .decimal(unscaled: CQLInteger(105), scale: 1) && row["mixed"] == .text("\"text\""))
    #expect(row["name"] == .text(String(repeating: "n", count: 500)) && row["key_"] == .boolean(true))
    #expect(row["lsn"] == .integer(11) && rows[[.text("11")]]?["age"] == .decimal(unscaled: CQLInteger(11), scale: 0))
    // A range field gets its column when it has values; all rows are written again.
    try store.put(["none": true], for: "new")
    #expect(try store.copy(to: try keyspace.table()).written == 21)
    #expect(keyspace.database.rows("documents")[[.text("new")]]?["none"] == .boolean(true))
    try expectEqual(store, try keyspace.loaded())
    #expect(try keyspace.loaded().schema.fields == FieldSchema())
    #expect(try CassandraSource(CassandraAddress(keyspace.url), .table("documents")).fields == store.schema.fields)
  }

  @Test func otherIndexesAreOtherColumnsOfTheSameDocuments() throws {
    func copy(_ tags: [String], _ ranges: [String], changes: Bool = false) throws -> CopyReport {
      let store = try self.store("store", FieldSchema(tags: tags, ranges: ranges))
      defer { try? store.close() }
      if changes { try store.put(["country": "IT", "age": 9], for: 0) }
      return try store.copy(to: try keyspace.table())
    }
    func row(_ key: String) throws -> [String: CQLValue] {
      try #require(keyspace.database.rows("documents")[[.text(key)]])
    }
    let made = try self.store()
    for number: Int64 in 0..<5 { try made.put(["country": "NO", "age": .int(number)], for: .int(number)) }
    try made.close()
    #expect(try copy([], []).written == 5)
    #expect(try copy(["country"], ["age"]).written == 5)
    #expect(try row("0")["tags"] == .list([.text("country=NO")]))
    #expect(try row("0")["age"] == .decimal(unscaled: CQLInteger(0), scale: 0))
    #expect(try copy(["country"], ["age"]).written == 0)
    // A column that stays without its index must not keep what was in it.
    #expect(try copy([], [], changes: true).written == 5)
    #expect(try row("1")["tags"] ?? .null == .null && row("1")["age"] ?? .null == .null)
    #expect(try copy(["country"], ["age"]).written == 5)
    #expect(try row("0")["tags"] == .list([.text("country=IT")]))
    #expect(try row("0")["age"] == .decimal(unscaled: CQLInteger(9), scale: 0))
  }

  @Test func repeatedCopyTouchesNothingAndChangesTouchOnlyTheirRows() throws {
    let store = try store()
    for number in 0..<300 { try store.put(["n": .int(Int64(number))], for: .int(Int64(number)), ack: .memory) }
    let table = try keyspace.table()
    try store.copy(to: table)
    let before = keyspace.database.rows("documents")
    let writes = keyspace.writes
    let again = try store.copy(to: table)
    #expect(again.written == 0 && again.removed == 0 && again.documents == 300)
    #expect(keyspace.writes == writes && keyspace.database.rows("documents") == before)

    for number in 0..<50 { try store.put(["n": "changed"], for: .int(Int64(number)), ack: .memory) }
    for number in 100..<130 { try store.remove(.int(Int64(number)), ack: .memory) }
    let report = try store.copy(to: table)
    #expect(report.written == 50 && report.removed == 30 && report.documents == 270)
    #expect(keyspace.writes == writes + 80)
    try expectEqual(store, try keyspace.loaded())
    try store.removeAll()
    #expect(try store.copy(to: table).removed == 270)
    #expect(keyspace.database.rows("documents").isEmpty)
    // What was removed may come again.
    for number in 0..<300 { try store.put(["n": 2], for: .int(Int64(number)), ack: .memory) }
    #expect(try store.copy(to: table).written == 300)
    try expectEqual(store, try keyspace.loaded())
  }

  @Test func columnsOfOnesOwn() throws {
    let store = try store()
    for number in 0..<10 {
      try store.put(
        ["name": .string("n\(number)"), "list": [1, "x"], "when": .date(Date(timeIntervalSince1970: 0))],
        for: .int(Int64(number)))
    }
    var table = try keyspace.table("mine")
    table.columns = TableColumns([
      ("name", "text"), ("list", "text"), ("when", "timestamp"), ("numbers", "set<int>"),
    ]) { key, document in
      [document["name"] ?? .null, document["list"] ?? .null, document["when"] ?? .null, [1, 2]]
    }
    #expect(try store.copy(to: table).written == 10)
    #expect(try store.copy(to: table).written == 0)
    let row = try #require(keyspace.database.rows("mine")[[.text("3")]])
    #expect(row["list"] == .text("[1,\"x\"]") && row["numbers"] == .list([.integer(1), .integer(2)]))
    let back = try RecordStore()
    try back.load(from: CassandraSource(table.address, .table("mine"), key: ["key"]))
    #expect(back["3"]?["when"] == .date(Date(timeIntervalSince1970: 0)) && back["3"]?["numbers"] == [1, 2])
    // The other form is another table.
    let other = #expect(throws: DatabaseError.self) { try store.copy(to: try keyspace.table("mine")) }
    #expect(other?.kind == .otherTable)
    var unfit = try keyspace.table("unfit")
    unfit.columns = TableColumns([("n", "int")]) { _, _ in ["text"] }
    let error = #expect(throws: DatabaseError.self) { try store.copy(to: unfit) }
    #expect(error?.kind == .columnType && error?.reason.contains("column 'n' of type int") == true)
  }

  @Test func whatIsNotTheirsStaysAsItIs() throws {
    let store = try store()
    try store.put(["a": 1], for: "a")
    try keyspace.database.run("CREATE TABLE IF NOT EXISTS documents (key text PRIMARY KEY, document text, lsn bigint)")
    try keyspace.database.insert("documents", ["key": .text("mine")])
    let error = #expect(throws: DatabaseError.self) { try store.copy(to: try keyspace.table()) }
    #expect(error?.kind == .otherTable && error?.reason.contains("not a copy") == true)
    #expect(keyspace.database.rows("documents").count == 1)
    // Also not under the name of a copy that was there before.
    let gone = try keyspace.table("gone")
    try store.copy(to: gone)
    keyspace.database.removeTable("gone")
    try keyspace.database.run("CREATE TABLE IF NOT EXISTS gone (key text PRIMARY KEY)")
    #expect(throws: DatabaseError.self) { try store.copy(to: gone) }

    var table = try keyspace.table("t")
    try store.copy(to: table)
    let other = try self.store("other")
    // The same key by the same number, which is of another change.
    try other.put(["b": "other"], for: "a")
    for number: Int64 in 0..<3 { try other.put(["b": .int(number)], for: .int(number)) }
    let refusal = #expect(throws: DatabaseError.self) { try other.copy(to: table) }
    #expect(refusal?.kind == .otherTable && refusal?.reason.contains("another store") == true)
    #expect(keyspace.database.rows("t").count == 1)
    table.replaces = true
    let report = try other.copy(to: table)
    #expect(report.written == 4 && report.removed == 0)
    try expectEqual(other, try keyspace.loaded("t"))
    // Made anew under its name.
    keyspace.database.removeTable("t")
    #expect(try other.copy(to: try keyspace.table("t")).written == 4)
  }

  /// Timestamps of changes that a store has lost must not win over those that it makes now.
  @Test func storesThatGoBackWriteOverWhatTheyHadWritten() throws {
    var first = try store("first")
    for number: Int64 in 0..<20 { try first.put(["n": .int(number)], for: .int(number)) }
    try first.copy(to: try keyspace.table())
    try first.close()
    try FileManager.default.copyItem(atPath: directory("first"), toPath: directory("second"))
    first = try RecordStore.open(directory("first"), readOnly: false)
    // The future that is lost: rows with later numbers, and removals, which nobody sees.
    for number: Int64 in 0..<10 { try first.put(["n": "lost"], for: .int(number)) }
    for number: Int64 in 10..<20 { try first.remove(.int(number)) }
    for number: Int64 in 100..<200 { try first.put(["n": "lost"], for: .int(number)) }
    for number: Int64 in 100..<200 { try first.remove(.int(number)) }
    // One that was interrupted, after which nobody knows how far it came.
    #expect(throws: StoreError.cancelled) { try first.copy(to: try keyspace.table()) { _ in false } }
    try first.copy(to: try keyspace.table())
    try first.close()
    let second = try RecordStore.open(directory("second"), readOnly: false)
    for number: Int64 in 100..<150 { try second.put(["n": "new"], for: .int(number)) }
    for _ in 0..<2 {
      try second.copy(to: try keyspace.table())
      try expectEqual(second, try keyspace.loaded())
      for number: Int64 in 0..<200 { try second.put(["n": .int(-number)], for: .int(number), ack: .memory) }
    }
    let progress = try second.mirror(to: try keyspace.table(), endsWhenComplete: true) { _ in true }
    #expect(progress.copies == 0 && progress.changes == 200)
    try expectEqual(second, try keyspace.loaded())
  }

  /// The same where the last that the table saw of the future was a copy that stopped in the middle.
  @Test func storesThatGoBackWriteOverACopyThatStopped() throws {
    var first = try store("first")
    for number: Int64 in 0..<20 { try first.put(["n": .int(number)], for: .int(number)) }
    try first.copy(to: try keyspace.table())
    try first.close()
    try FileManager.default.copyItem(atPath: directory("first"), toPath: directory("second"))
    first = try RecordStore.open(directory("first"), readOnly: false)
    for number: Int64 in 0..<10 { try first.remove(.int(number)) }
    for number: Int64 in 100..<200 { try first.put(["n": "lost"], for: .int(number), ack: .memory) }
    let left = Mutex(60)
    keyspace.database.refuse { request in
      guard case .execute(_, let parameters) = request, parameters.values.count == 5 else { return nil }
      return left.withLock { left in
        left -= 1
        return left < 0 ? CQLFailure(.server, "no") : nil
      }
    }
    #expect(throws: DatabaseError.self) { try first.copy(to: try keyspace.table()) }
    keyspace.database.refuse(nil)
    #expect(keyspace.database.rows("documents").count == 70)
    let second = try RecordStore.open(directory("second"), readOnly: false)
    let report = try second.copy(to: try keyspace.table())
    #expect(report.written == 10 && report.removed == 60)
    try expectEqual(second, try keyspace.loaded())
    // Under numbers that are smaller than those which were lost.
    for number: Int64 in 100..<200 { try second.put(["n": "new"], for: .int(number), ack: .memory) }
    let progress = try second.mirror(to: try keyspace.table(), endsWhenComplete: true) { _ in true }
    #expect(progress.copies == 0 && progress.changes == 100)
    try expectEqual(second, try keyspace.loaded())
  }

  /// Calls `body` once someone has tried three times to get the right to write, which another one has.
  private func serverThatIsWaitedAt(_ body: @escaping @Sendable () throws -> Void) throws -> CQLServer {
    let database = keyspace.database
    let before = database.count("UPDATE")
    return try CQLServer { request, connection, stream in
      let count = database.count("UPDATE")
      try database.answer(request, connection, stream)
      if count == before + 2, database.count("UPDATE") == before + 3 { try body() }
    }
  }

  @Test func secondCopyIntoTheSameTableWaits() throws {
    let store = try store()
    try store.put(["n": 1], for: "n")
    try store.copy(to: try keyspace.table())
    try store.put(["n": 2], for: "n")
    // Someone who was killed holds it still.
    let other = try CassandraSession(CassandraAddress(keyspace.url))
    var registry = CopyRegistry(other, TableName(keyspace: "club", name: "documents"), leaseSeconds: 15)
    try registry.lock()
    let database = keyspace.database
    let seen = Mutex<CQLValue?>(nil)
    let server = try serverThatIsWaitedAt {
      seen.withLock { $0 = database.rows("documents")[[.text("n")]]?["lsn"] }
      database.advanceClock(15)
    }
    #expect(try store.copy(to: CassandraTable(CassandraAddress(server))).written == 1)
    #expect(seen.withLock { $0 } == .integer(1))
    // The one who came back too late writes nothing.
    let error = #expect(throws: DatabaseError.self) { try registry.note(CopyState(store: UUID())) }
    #expect(error?.kind == .busy)
  }

  /// Two begin at once where there is no table yet.
  @Test func tableThatIsMadeWhileAnotherStoreWaitsIsNotTakenOver() throws {
    let store = try store()
    try store.put(["n": 1], for: "n")
    let database = keyspace.database
    let session = try CassandraSession(CassandraAddress(keyspace.url))
    var registry = CopyRegistry(session, TableName(keyspace: "club", name: "documents"), leaseSeconds: 15)
    try registry.make()
    try registry.lock()
    try registry.note(CopyState(store: UUID(), version: 1))
    let server = try serverThatIsWaitedAt {
      try database.run(
        "CREATE TABLE IF NOT EXISTS documents (key text PRIMARY KEY, document text, lsn bigint, tags set<text>)")
      database.advanceClock(15)
    }
    let error = #expect(throws: DatabaseError.self) { try store.copy(to: CassandraTable(CassandraAddress(server))) }
    #expect(error?.kind == .otherTable && error?.reason.contains("another store") == true)
  }

  /// A note whose answer was lost is sent again; the first one may be done after later ones.
  @Test func notesThatComeLateUndoNothing() throws {
    let session = try CassandraSession(CassandraAddress(keyspace.url))
    var registry = CopyRegistry(session, TableName(keyspace: "club", name: "documents"), leaseSeconds: 15)
    try registry.make()
    try registry.lock()
    let first = CopyState(store: UUID(), lsn: 1, version: 1)
    try registry.note(first)
    // Its answer was lost.
    try registry.note(first)
    var second = first
    (second.version, second.lsn) = (2, 2)
    try registry.note(second)
    #expect(throws: DatabaseError.self) { try registry.note(first) }
    #expect(try registry.state() == second)
  }

  // MARK: Interrupted

  enum SchemaFault: CaseIterable {
    /// The one who copies is killed before, or after.
    case notDone, doneAndKilled
    /// The answer is lost.
    case doneAndRepeated
  }

  /// While the table is made, and while it gets a column.
  @Test(arguments: SchemaFault.allCases, ["CREATE TABLE IF NOT EXISTS \"club\".\"documents\"", "ALTER"])
  func copiesGoOnWhereTheTableWasBeingMade(_ fault: SchemaFault, _ statement: String) throws {
    let store = try store("store", FieldSchema(ranges: ["age"]))
    try store.put(["n": 1], for: "first")
    let database = keyspace.database
    if statement == "ALTER" { try store.copy(to: try keyspace.table()) }
    try store.put(["age": 2], for: "second")
    let isDue = Mutex(true)
    let server = try CQLServer { request, connection, stream in
      guard case .query(let text, _) = request, text.hasPrefix(statement), isDue.withLock({ $0 }) else {
        return try database.answer(request, connection, stream)
      }
      isDue.withLock { $0 = false }
      if fault != .notDone { _ = try database.reply(to: request) }
      if fault == .doneAndRepeated { return connection.sendAndClose([]) }
      connection.send(.error, stream, try Body.failure(CQLFailure(.server, "killed")))
    }
    let table = CassandraTable(try CassandraAddress(server))
    if fault != .doneAndRepeated {
      let error = #expect(throws: DatabaseError.self) { try store.copy(to: table) }
      #expect(error?.reason == "killed")
    }
    #expect(try store.copy(to: table).written == 2 && !isDue.withLock { $0 })
    #expect(keyspace.database.rows("documents")[[.text("second")]]?["age"] != nil)
    try expectEqual(store, try keyspace.loaded())
  }

  @Test func copiesThatLoseTheirServerAreRepeated() throws {
    let store = try store()
    for number in 0..<400 { try store.put(["n": .int(Int64(number))], for: .int(Int64(number)), ack: .memory) }
    var written: Set<Int> = []
    for (round, moment) in [1, 30, 200, 399].enumerated() {
      keyspace.database.removeTable("documents")
      let left = Mutex(moment)
      // Then all requests fail, for longer than they are repeated; each in a way of its own.
      keyspace.database.refuse { request in
        guard case .execute(_, let parameters) = request, parameters.values.count == 5 else { return nil }
        return left.withLock { left in
          left -= 1
          return left < 0
            ? CQLFailure(
              [.overloaded, .unavailable, .server, .writeTimeout][round], "no",
              round == 1
                ? .unavailable(.quorum, required: 2, alive: 1)
                : round == 3
                  ? .writeTimeout(.quorum, received: 0, required: 1, kind: "SIMPLE") : .none) : nil
        }
      }
      let error = #expect(throws: DatabaseError.self) { try store.copy(to: try keyspace.table()) }
      #expect(error?.reason == "no")
      let rows = keyspace.database.rows("documents").count
      written.insert(rows)
      keyspace.database.refuse(nil)
      let report = try store.copy(to: try keyspace.table())
      #expect(report.written == 400 - rows && report.removed == 0)
      try expectEqual(store, try keyspace.loaded())
    }
    #expect(written.count == 4)
  }

  @Test func copiesGoOnOverConnectionsThatEnd() throws {
    let store = try store()
    for number in 0..<600 { try store.put(["n": .int(Int64(number))], for: .int(Int64(number)), ack: .memory) }
    let seen = Mutex(0)
    let database = keyspace.database
    let server = try CQLServer(.unruly(seed: 8)) { request, connection, stream in
      let number = seen.withLock { seen in
        seen += 1
        return seen
      }
      // Some are done, and nobody hears of it.
      if [200, 500, 900].contains(number) {
        _ = try database.reply(to: request)
        return connection.sendAndClose([])
      }
      try database.answer(request, connection, stream)
    }
    let table = CassandraTable(try CassandraAddress(server))
    #expect(try store.copy(to: table).written == 600)
    try expectEqual(store, try keyspace.loaded())
    #expect(server.accepted.load(ordering: .relaxed) >= 3)
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
    for number in 0..<50 {
      let player = Player(
        id: UUID(), name: "p\(number)", joined: Date(timeIntervalSince1970: Double(number) * 1e6 + 0.25),
        scores: [0.1, 2])
      try store.put(player, for: player.id)
    }
    try store.copy(to: try keyspace.table("\"Players\""))
    let again = try Store<UUID, Player>()
    #expect(try again.load(from: CassandraSource(CassandraAddress(keyspace.url), .table("\"Players\""))).loaded == 50)
    for stored in try store.scan().documents { #expect(again[stored.key] == stored.document) }
  }
}
