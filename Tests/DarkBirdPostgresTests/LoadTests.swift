import DarkBird
import Foundation
import Testing

@testable import DarkBirdPostgres

/// Tables that others have made.
@Suite(.timeLimit(.minutes(30))) struct LoadTests {
  private let directory: TemporaryDirectory
  private let database: Database

  init() throws {
    directory = try TemporaryDirectory()
    database = try Database()
  }

  private func load(
    _ rows: DatabaseRows, key: [String] = [], where condition: String? = nil
  ) throws -> RecordStore {
    let store = try RecordStore()
    try store.load(from: PostgresSource(database.address, rows, key: key, where: condition))
    return store
  }

  private func date(_ text: String) throws -> Value { .date(try #require(ISODate.parse(Array(text.utf8)))) }

  @Test func everyColumnType() throws {
    try database.run(
      """
      CREATE TYPE mood AS ENUM ('sad', 'ça va');
      CREATE DOMAIN positive AS int CHECK (VALUE > 0);
      CREATE TABLE every (
        id int PRIMARY KEY, b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, n2 numeric(10,2),
        t text, v varchar(10), c char(5), nm name, by bytea, u uuid, d date, ti time, tz timetz, ts timestamp,
        tstz timestamptz, iv interval, j json, jb jsonb, m mood, p positive, o oid,
        ai int[], at text[], an numeric[][], am mood[], ab bytea[], ad date[]);
      INSERT INTO every VALUES (
        1, true, -32768, 2147483647, 9223372036854775807, 0.1, 0.1, 12345678901234567890123, 12.50,
        E'Ünïcødé 東京 👩‍👩‍👧 \\t\\n\\\\ "', 'v', 'ab', 'nm', '\\x00ff', '6a0b1d73-5d67-415a-b54e-de9f1505901f', '2024-02-29',
        '08:30:00.25', '08:30:00+02', '2024-02-29 12:30:00.5', '2024-02-29 12:30:00+02', '1 day 2 hours', '{"a": [1, 2.0, null]}',
        '{"$date": 1}', 'ça va', 7, 42,
        '{1,NULL,3}', '{"a,b","c\\"d\\\\e",NULL,"NULL",""}', '{{1,2.5},{3,4}}', '{"ça va",sad}', '{"\\\\x00ff"}', '{2024-02-29}');
      INSERT INTO every (id) VALUES (2);
      INSERT INTO every (id, f4, f8, n, d, ts, tstz, ai, c, t) VALUES
        (3, 'NaN', '-Infinity', 'NaN', '0044-03-15 BC', 'infinity', '20000-01-01 00:00:00+00', '[0:1]={5,6}', '', ''),
        (4, 1e30, 5e-324, 0.1234567890123456789, '-infinity', '0001-01-01', '1969-12-31 23:59:59.999999+00', '{}', 'a b', ' ');
      """)
    let store = try load(.table("every"))
    #expect(store.count == 4)
    let row = try #require(store[1])
    let expected: Record = [
      "id": 1, "b": true, "i2": -32_768, "i4": 2_147_483_647, "i8": .int(.max), "f4": 0.1, "f8": 0.1,
      "n": "12345678901234567890123", "n2": 12.5, "t": "Ünïcødé 東京 👩‍👩‍👧 \t\n\\ \"", "v": "v", "c": "ab", "nm": "nm",
      "by": .bytes([0, 255]), "u": "6A0B1D73-5D67-415A-B54E-DE9F1505901F", "d": try date("2024-02-29"),
      "ti": "08:30:00.25",
      "tz": "08:30:00+02", "ts": try date("2024-02-29T12:30:00.5Z"), "tstz": try date("2024-02-29T10:30:00Z"),
      "iv": "P1DT2H",
      "j": ["a": [1, 2.0, nil]], "jb": ["$date": 1], "m": "ça va", "p": 7, "o": 42, "ai": [1, nil, 3],
      "at": ["a,b", "c\"d\\e", nil, "NULL", ""], "an": [[1, 2.5], [3, 4]], "am": ["ça va", "sad"],
      "ab": [.bytes([0, 255])],
      "ad": [try date("2024-02-29")],
    ]
    for field in expected.fields { #expect(row[field.name] == field.value, "\(field.name)") }
    #expect(row.fields.map(\.name) == expected.fields.map(\.name))
    #expect(try #require(store[2]).fields.dropFirst().allSatisfy { $0.value == .null })
    let third = try #require(store[3])
    if case .double(let number)? = third["f4"] { #expect(number.isNaN) } else { Issue.record("\(third)") }
    if case .double(let number)? = third["n"] { #expect(number.isNaN) } else { Issue.record("\(third)") }
    #expect(third["f8"] == .double(-.infinity) && third["ts"] == .date(Date(timeIntervalSince1970: .infinity)))
    #expect(third["ai"] == [5, 6] && third["c"] == "" && third["t"] == "")
    #expect(third["tstz"] == .date(Date(timeIntervalSince1970: 568_971_820_800)))
    let fourth = try #require(store[4])
    #expect(fourth["f4"] == 1e30 && fourth["f8"] == .double(.leastNonzeroMagnitude))
    #expect(fourth["n"] == "0.1234567890123456789")
    #expect(try fourth["d"] == .date(Date(timeIntervalSince1970: -.infinity)) && fourth["ts"] == date("0001-01-01"))
    #expect(fourth["ai"] == [] && fourth["c"] == "a b" && fourth["t"] == " ")
  }

  @Test func datesAreThoseOfTheServer() throws {
    for text in [
      "0044-03-15 BC", "4713-01-01 BC", "0001-12-31 BC", "0001-01-01", "1582-10-15", "1900-03-01", "2000-02-29",
      "9999-12-31",
      "10000-01-01", "294276-12-31", "5874897-12-31",
    ] {
      let seconds = try #require(Double(try database.run("SELECT extract(epoch FROM '\(text)'::date)")[0]))
      #expect(PostgresDate.parse(Array(text.utf8)) == Date(timeIntervalSince1970: seconds), "\(text)")
    }
  }

  /// Of a server that says something else than it has described.
  @Test func whatIsNoRowAndNoValueIsNoticed() {
    var row = CopyRow(Array("a\t".utf8))
    for cell in [Array("a".utf8), []] {
      #expect(!row.isAtEnd)
      let next = row.next()
      #expect(next == cell)
    }
    #expect(row.isAtEnd)
    for (type, text) in [
      (ColumnType.integer, "1.5"), (.integer, ""), (.integer, "-"), (.array(.integer), "{1,,2}"),
      (.array(.integer), String(repeating: "{", count: 100_000)), (.date, "9223372036854775807-01-01"),
    ] {
      #expect(throws: ColumnType.Unreadable.self, "\(text.prefix(20))") { try type.value(Array(text.utf8)) }
    }
  }

  @Test(arguments: ["inet", "point", "tsvector", "int4range", "money", "xml", "bit(3)", "inet[]", "own"])
  func typesThatNoDocumentHoldsAreNamed(_ type: String) throws {
    try database.run("CREATE TYPE own AS (a int); CREATE TABLE t (id int PRIMARY KEY, good text, bad \(type))")
    let error = #expect(throws: DatabaseError.self) { try load(.table("t")) }
    #expect(
      error?.kind == .columnType && error?.reason.hasPrefix("column 'bad' has the type ") == true,
      "\(String(describing: error))")
    #expect(try load(.query("SELECT id, bad::text FROM t;  "), key: ["id"]).count == 0)
  }

  @Test func keysConditionsAndQueries() throws {
    try database.run(
      "CREATE TABLE t (a int, b text, v int, PRIMARY KEY (b, a)); INSERT INTO t VALUES (1, 'x', 10), (2, 'x', 20), (1, 'y', 30)"
    )
    #expect(try load(.table("t"))[.array(["x", 2])]?["v"] == 20)
    #expect(try load(.table("t"), where: "v > 15 -- more").count == 2)
    #expect(try load(.query("SELECT v FROM t ORDER BY v; "), key: ["v"], where: "v < 15")[10] == ["v": 10])
    #expect(
      try load(.query("WITH w AS (SELECT 1 AS n) SELECT n, 'a\\b' AS t FROM w -- end"), key: ["n"])[1]?["t"] == "a\\b")
    for (rows, key, kind) in [
      (DatabaseRows.table("nowhere"), ["a"], DatabaseError.Kind.noTable), (.table("t"), ["z"], .query),
      (.query("SELEC 1"), ["a"], .query), (.query("SELECT 1 AS a, 2 AS a"), ["a"], .query),
      (.table("a b c"), ["a"], .noTable), (.query("SELECT * FROM nowhere"), ["a"], .noTable),
      (.query("SELECT 1; SELECT 2"), ["a"], .query),
    ] {
      let error = #expect(throws: DatabaseError.self) { try load(rows, key: key) }
      #expect(error?.kind == kind, "\(rows) \(String(describing: error))")
    }
  }

  @Test func queryChangesNothing() async throws {
    try database.run(
      """
      CREATE TABLE t (key int); INSERT INTO t VALUES (1), (2); CREATE SEQUENCE s;
      CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM t RETURNING key'
      """)
    for query in [
      "DELETE FROM t RETURNING key", "WITH d AS (DELETE FROM t RETURNING key) SELECT * FROM d", "SELECT f() AS key",
      "SELECT nextval('s') AS key", "INSERT INTO t VALUES (3) RETURNING key",
      "SELECT set_config('transaction_read_only', 'off', false) AS key",
    ] {
      let outcome = try await darkbird(
        "load", directory("s"), "--from", database.url, "--query", query, "--key", "key")
      #expect(outcome.code != 0 && outcome.errors.split(separator: "\n").count == 1, "\(query) \(outcome)")
      #expect(outcome.errors.contains("read-only") || outcome.errors.contains("read-write"), "\(query) \(outcome)")
      #expect(!FileManager.default.fileExists(atPath: directory("s")), "\(query)")
    }
    #expect(try database.run("SELECT key FROM t ORDER BY 1") == ["1", "2"])
  }

  @Test func newStoreNeedsTheDirectoryByItsName() async throws {
    try database.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    let empty = directory("empty")
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
    for path in [".", "./", "../empty/."] {
      let outcome = try await darkbird("load", path, "--from", database.url, "--table", "t", in: empty)
      #expect(outcome.code == 64 && outcome.output.isEmpty, "\(path) \(outcome)")
      #expect(outcome.errors == "darkbird: \(path): a new store needs the directory by its name\n", "\(outcome)")
    }
    // One that is there is added to where it is.
    try RecordStore(.disk(at: directory("there"))).close()
    let added = try await darkbird("load", ".", "--from", database.url, "--table", "t", in: directory("there"))
    #expect(added.output == "loaded 1, refused 0\n", "\(added)")
  }

  @Test func rowsThatCannotComeInAreReportedAndTheRestGoesOn() async throws {
    try database.run(
      """
      CREATE TABLE t (id int, email text, j json);
      INSERT INTO t VALUES (1, 'a', '1'), (NULL, 'b', '1'), (3, 'a', '1'), (4, 'd', '{"x":1,"x":2}'), (5, 'e', '1e400'), (6, 'f', '1')
      """)
    let outcome = try await darkbird(
      "load", directory("s"), "--from", database.url, "--table", "t", "--key", "id", "--unique", "email")
    #expect(outcome.code == 65 && outcome.output == "loaded 2, refused 4\n", "\(outcome)")
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.count == 5 && lines.prefix(4).allSatisfy { $0.hasPrefix("t: ") }, "\(outcome)")
    #expect(lines.last == "darkbird: \(directory("s")): 4 of 6 documents were refused", "\(outcome)")
    #expect(lines[0] == "t: row 2: the key 'id' is NULL", "\(outcome)")
    #expect(lines[1].contains("email a is taken"), "\(outcome)")
    #expect(lines[2].contains("row 4: column 'j'"), "\(outcome)")
  }

  @Test func pgbenchAccounts() async throws {
    let programs = try await shell("ls /usr/lib/postgresql/*/bin/pgbench")
    guard let program = programs.lines.last else { return }
    let server = try Server.shared.get()
    let made = try await shell(
      "PGOPTIONS='-c search_path=\(database.schema)' \(program) -i -s 1 -q -h \(server.directory) -U darkbird postgres")
    #expect(made.code == 0, "\(made)")
    let count = 1_000
    let outcome = try await darkbird(
      "load", directory("s"), "--from", database.url, "--table", "pgbench_accounts", "--where", "aid <= \(count)",
      "--tag", "bid")
    #expect(outcome.output == "loaded \(count), refused 0\n", "\(outcome)")
    let store = try RecordStore.open(directory("s"))
    #expect(store[17] == ["aid": 17, "bid": 1, "abalance": 0, "filler": ""])
    #expect(try store.documents(tagged: "bid=1", limit: 5).documents.count == 5)
  }
}
