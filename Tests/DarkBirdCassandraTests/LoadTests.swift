import DarkBird
import Foundation
import Synchronization
import Testing

@testable import DarkBirdCassandra

/// Tables that others have made.
@Suite(.timeLimit(.minutes(30))) struct LoadTests {
  private let keyspace: Keyspace

  init() throws { keyspace = try Keyspace() }

  private func load(
    _ rows: DatabaseRows, key: [String] = [], where condition: String? = nil
  ) throws -> RecordStore {
    let store = try RecordStore()
    try store.load(from: CassandraSource(CassandraAddress(keyspace.server), rows, key: key, where: condition))
    return store
  }

  private func date(_ text: String) throws -> Value { .date(try #require(ISODate.parse(Array(text.utf8)))) }

  private func decimal(_ digits: String, _ scale: Int32) throws -> CQLValue {
    .decimal(unscaled: try #require(CQLInteger(digits)), scale: scale)
  }

  @Test func everyColumnType() throws {
    let database = keyspace.database
    try database.run(
      """
      CREATE TABLE IF NOT EXISTS every (id int PRIMARY KEY, a ascii, b bigint, bl blob, bo boolean, c counter, d decimal, \
      d2 decimal, d3 decimal, db double, f float, ip inet, ip6 inet, si smallint, ti tinyint, t text, ts timestamp, \
      dt date, tm time, u uuid, tu timeuuid, vi varint, vi2 varint, du duration, l list<int>, s set<text>, \
      m map<text, int>, m2 map<int, text>, tp tuple<int, text>, p point, nested list<frozen<map<text, frozen<set<int>>>>>)
      """)
    let uuid = try #require(UUID(uuidString: "6A0B1D73-5D67-415A-B54E-DE9F1505901F"))
    try database.insert(
      "every",
      [
        "id": .integer(1), "a": .text("a"), "b": .integer(.min), "bl": .blob([0, 255]), "bo": .boolean(true),
        "c": .integer(5), "d": decimal("1250", 2), "d2": decimal("12345678901234567890123", 3), "d3": decimal("5", -3),
        "db": .double(0.1), "f": .float(0.1), "ip": .inet([192, 0, 2, 1]),
        "ip6": .inet([0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]), "si": .integer(-5),
        "ti": .integer(-128), "t": .text("Ünïcødé 東京 👩‍👩‍👧 \0"), "ts": .timestamp(milliseconds: 1_709_209_800_500),
        "dt": .date(days: 19_782), "tm": .time(nanoseconds: 30_600_250_000_000), "u": .uuid(uuid), "tu": .uuid(uuid),
        "vi": .varint(CQLInteger(-7)), "vi2": .varint(try #require(CQLInteger("-12345678901234567890123"))),
        "du": .duration(months: 14, days: -3, nanoseconds: 3_723_500_000_000),
        "l": .list([.integer(1), .integer(-2)]), "s": .list([.text("a"), .text("b")]),
        "m": .map([.init(key: .text("k"), value: .integer(1))]),
        "m2": .map([.init(key: .integer(1), value: .text("x"))]),
        "tp": .tuple([.integer(1), .null]), "p": .tuple([.integer(3)]),
        "nested": .list([.map([.init(key: .text("k"), value: .list([.integer(9)]))])]),
      ])
    try database.insert("every", ["id": .integer(2)])
    let store = try load(.table("every"))
    let row = try #require(store[1])
    let expected: Record = [
      "id": 1, "a": "a", "b": .int(.min), "bl": .bytes([0, 255]), "bo": true, "c": 5, "d": 12.5,
      "d2": "12345678901234567890.123", "d3": 5000, "db": 0.1, "f": 0.1, "ip": "192.0.2.1", "ip6": "2001:db8::1",
      "si": -5, "ti": -128, "t": "Ünïcødé 東京 👩‍👩‍👧 \0", "ts": try date("2024-02-29T12:30:00.5Z"),
      "dt": try date("2024-02-29"), "tm": "08:30:00.25", "u": .string(uuid.uuidString), "tu": .string(uuid.uuidString),
      "vi": -7, "vi2": "-12345678901234567890123", "du": "P1Y2M-3DT1H2M3.5S", "l": [1, -2], "s": ["a", "b"],
      "m": ["k": 1], "m2": [[1, "x"]], "tp": [1, nil], "p": ["x": 3, "y": nil], "nested": [["k": [9]]],
    ]
    for field in expected.fields {
      #expect(row[field.name] == field.value, "\(field.name): \(row[field.name] ?? .null)")
    }
    #expect(row.fields.map(\.name) == expected.fields.map(\.name))
    #expect(try #require(store[2]).fields.dropFirst().allSatisfy { $0.value == .null })
  }

  @Test func decimalsKeepEveryDigit() throws {
    for (digits, scale, expected) in [
      ("0", 0, 0), ("0", 5, 0.0), ("-15", 1, -1.5), ("1", 20, 1e-20), ("1", 100, 1e-100), ("7", -2, 700),
      ("9223372036854775807", 0, .int(.max)), ("18446744073709551615", 0, .unsigned(.max)),
      ("-9223372036854775809", 0, "-9223372036854775809"), ("1234567890123456", 3, "1234567890123.456"),
      ("12345678901234567", 30, "0.000000000000012345678901234567"), ("1", 5_000, "1e-5000"), ("1", -400, "1e400"),
      ("5", .max, "5e-2147483647"),
    ] as [(String, Int32, Value)] {
      #expect(ColumnValue.document(try decimal(digits, scale), .decimal) == expected, "\(digits) \(scale)")
    }
    for number in [0, 1, -1, 36, 36.5, 0.1, 1e300, -1e-300, .pi, 1e16, .leastNonzeroMagnitude, 123_456_789.125]
      as [Double]
    {
      let value = try #require(ColumnValue.decimal(number))
      guard case .decimal(let unscaled, let scale) = value else { continue }
      #expect(Double(ColumnValue.decimal(unscaled, scale: Int(scale))) == number, "\(number)")
    }
    #expect(ColumnValue.decimal(.nan) == nil && ColumnValue.decimal(.infinity) == nil)
  }

  @Test func addressesAreShort() {
    for (groups, text) in [
      ([0, 0, 0, 0, 0, 0, 0, 0], "::"), ([0, 0, 0, 0, 0, 0, 0, 1], "::1"), ([1, 0, 0, 2, 0, 0, 0, 3], "1:0:0:2::3"),
      ([1, 0, 2, 3, 4, 5, 6, 7], "1:0:2:3:4:5:6:7"), ([0xfe80, 0, 0, 0, 0, 0, 0, 0], "fe80::"),
    ] as [([UInt16], String)] {
      let bytes = groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
      #expect(ColumnValue.document(.inet(bytes), .inet) == .string(text))
    }
  }

  @Test func typesThatNoDocumentHoldsAreNamed() throws {
    try keyspace.database.run("CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, good text, bad list<vector>)")
    let error = #expect(throws: DatabaseError.self) { try load(.table("t")) }
    #expect(error?.kind == .columnType && error?.reason.hasPrefix("column 'bad' has the type list<") == true)
    #expect(try load(.query("SELECT id, good FROM t"), key: ["id"]).count == 0)
  }

  @Test func keysConditionsAndQueries() throws {
    let database = keyspace.database
    try database.run("CREATE TABLE IF NOT EXISTS t (b text, a int, v int, PRIMARY KEY (b, a))")
    for (b, a, v) in [("x", 1, 10), ("x", 2, 20), ("y", 1, 30)] as [(String, Int64, Int64)] {
      try database.insert("t", ["b": .text(b), "a": .integer(a), "v": .integer(v)])
    }
    #expect(try load(.table("t"))[.array(["x", 2])]?["v"] == 20)
    #expect(try load(.table("club.t"), where: "v > 15").count == 2)
    #expect(try load(.query("SELECT v FROM t"), key: ["v"])[10] == ["v": 10])
    #expect(try load(.table("t"), key: ["v"])[30]?["b"] == "y")
    for (rows, key, kind) in [
      (DatabaseRows.table("nowhere"), ["a"], DatabaseError.Kind.noTable), (.table("t"), ["z"], .query),
      (.query("SELEC 1"), ["a"], .query), (.query("SELECT * FROM nowhere"), ["a"], .noTable),
      (.table("a b c"), ["a"], .noTable), (.table("other.t"), [], .noDatabase), (.query("SELECT v FROM t"), [], .query),
    ] {
      let error = #expect(throws: DatabaseError.self) { try load(rows, key: key) }
      #expect(error?.kind == kind, "\(rows) \(String(describing: error))")
    }
    // What would change the database is not sent.
    for query in [
      "DELETE FROM t WHERE b = 'x'", " \n update t SET v = 1 WHERE b = 'x' AND a = 1", "-- select\nDELETE FROM t",
      "/* select */ DELETE FROM t", "/* select v FROM t", "-- select v FROM t",
    ] {
      let error = #expect(throws: DatabaseError.self) { try load(.query(query), key: ["a"]) }
      #expect(error?.reason.hasPrefix("a query begins with SELECT") == true, "\(String(describing: error))")
    }
    #expect(try load(.query(" select v FROM t"), key: ["v"]).count == 3)
  }

  @Test(arguments: ["-- all\n", "// all\r\n", "/* a\nll */", " /**/--\n\t//\n /* - */ "])
  func queriesMayBeginWithComments(_ comment: String) {
    #expect(CassandraSource.withoutCommentsAhead(comment + "select v FROM t") == "select v FROM t")
  }

  @Test func tableNamesAreThoseOfCQL() throws {
    for (text, keyspace, name) in [
      ("Players", "club", "players"), ("\"Players\"", "club", "Players"), ("k.t", "k", "t"), ("\"K\".\"T\"", "K", "T"),
    ] {
      #expect(try TableName(text, in: "club") == TableName(keyspace: keyspace, name: name))
    }
    for text in ["", ".", "a.", "a.b.c", "a b", "\"a", "a;b", "\"a\"\"b\"", "ä", String(repeating: "a", count: 49)] {
      #expect(throws: DatabaseError.self) { try TableName(text, in: "club") }
    }
  }

  @Test func rowsThatChangeWhileTheyAreReadComePageByPage() throws {
    let database = keyspace.database
    try database.run("CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, v int)")
    for number: Int64 in 0..<100 { try database.insert("t", ["id": .integer(number), "v": .integer(1)]) }
    database.state.withLock { $0.pageMax = 7 }
    var source = try CassandraSource(CassandraAddress(keyspace.server), .table("t"))
    var keys: Set<Value> = []
    while let (key, _) = try source.next() {
      if keys.count == 50 { for number: Int64 in 200..<220 { try database.insert("t", ["id": .integer(number)]) } }
      #expect(keys.insert(key).inserted)
    }
    #expect(keys.isSuperset(of: (0..<100).map { .int($0) }))
  }
}
