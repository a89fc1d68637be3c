import Foundation
import NIOCore
import Testing

@testable import DarkBirdCassandra

/// Values as bytes, as the specification says and as another driver has them.
@Suite(.timeLimit(.minutes(30))) struct ValueTests {
  private func bytes(_ value: CQLValue, _ type: CQLType) throws -> String {
    var buffer = ByteBuffer()
    try value.write(as: type, to: &buffer)
    buffer.moveReaderIndex(forwardBy: 4)
    return hex(buffer.readableBytesView)
  }

  private func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private func integer(_ text: String) throws -> CQLInteger { try #require(CQLInteger(text)) }

  /// The table of the specification.
  @Test(arguments: [
    ("0", "00"), ("1", "01"), ("127", "7f"), ("128", "0080"), ("129", "0081"), ("-1", "ff"), ("-128", "80"),
    ("-129", "ff7f"), ("-256", "ff00"),
    ("340282366920938463463374607431768211456", "0100000000000000000000000000000000"),
    ("-0", "00"), ("000000000000000000000000000007", "07"),
  ])
  func varints(_ text: String, _ expected: String) throws {
    let number = try integer(text)
    #expect(try bytes(.varint(number), .varint) == expected)
    #expect(number.description == (text == "-0" ? "0" : text.hasPrefix("00") ? "7" : text))
  }

  @Test func integersOfAnySizeComeBack() throws {
    var random = RandomCQL(seed: 1)
    for _ in 0..<500 {
      let number = CQLInteger(bytes: (0..<random.below(40)).map { _ in UInt8(random.below(256)) })
      #expect(try integer(number.description) == number)
      if let small = number.int64 { #expect(CQLInteger(small) == number && String(small) == number.description) }
    }
    for number in [Int64.min, .max, 0, -1, 1_000_000_000, 999_999_999, -1_000_000_000] {
      #expect(CQLInteger(number).int64 == number && CQLInteger(number).description == String(number))
    }
    #expect(CQLInteger("1.5") == nil && CQLInteger("") == nil && CQLInteger("-") == nil)
  }

  @Test func workedExamples() throws {
    #expect(try bytes(.decimal(unscaled: integer("-12345"), scale: 2), .decimal) == "00000002cfc7")
    #expect(try bytes(.date(days: 0), .date) == "80000000")
    #expect(try bytes(.date(days: -1), .date) == "7fffffff")
    #expect(try bytes(.duration(months: 1, days: 2, nanoseconds: -1), .duration) == "020401")
    #expect(try bytes(.duration(months: 0, days: 0, nanoseconds: .min), .duration) == "0000ffffffffffffffffff")
    #expect(
      try bytes(.map([.init(key: .text("a"), value: .integer(1))]), .map(.text, .int))
        == "00000001" + "00000001" + "61" + "00000004" + "00000001")
    #expect(try bytes(.tuple([.integer(1), .null]), .tuple([.tinyint, .text])) == "00000001" + "01" + "ffffffff")
  }

  @Test func valuesThatAreNotOfTheTypeAreRefused() {
    for (value, type) in [
      (CQLValue.integer(128), CQLType.tinyint), (.integer(1 << 40), .int), (.text("é"), .ascii), (.text("1"), .int),
      (.time(nanoseconds: 86_400_000_000_000), .time), (.date(days: 1 << 31), .date), (.inet([1]), .inet),
      (.tuple([.null, .null]), .tuple([.int])), (.list([.text("x")]), .set(.int)),
    ] {
      #expect(throws: CQLMalformed.self) { try bytes(value, type) }
    }
  }

  /// How Debian's python3-cassandra encodes the same values, which are written here in Python.
  @Test func anotherDriverAgrees() async throws {
    let uuid = "6a0b1d73-5d67-415a-b54e-de9f1505901f"
    let id = CQLValue.uuid(try #require(UUID(uuidString: uuid)))
    let timeuuid = "58e0a7d7-eebc-11d8-9669-0800200c9a66"
    let point = CQLType.udt(
      keyspace: "k", name: "point",
      fields: [.init(name: "x", type: .int), .init(name: "name", type: .text), .init(name: "tags", type: .set(.text))])
    var cases: [(CQLType, CQLValue, String)] = [
      (.ascii, .text("abc"), "'abc'"), (.text, .text("Ünï 東京\0"), "'Ünï 東京\\0'"), (.text, .text(""), "''"),
      (.blob, .blob([0, 255]), "b'\\x00\\xff'"), (.boolean, .boolean(true), "True"),
      (.boolean, .boolean(false), "False"),
      (.float, .float(-1.5), "-1.5"), (.double, .double(0.1), "0.1"), (.double, .double(-.infinity), "float('-inf')"),
      (.uuid, id, "uuid.UUID('\(uuid)')"),
      (.timeuuid, .uuid(try #require(UUID(uuidString: timeuuid))), "uuid.UUID('\(timeuuid)')"),
      (.inet, .inet([127, 0, 0, 1]), "'127.0.0.1'"), (.inet, .inet([UInt8](repeating: 0, count: 15) + [1]), "'::1'"),
      (.date, .date(days: 19_782), "util.Date('2024-02-29')"), (.date, .date(days: -1), "util.Date('1969-12-31')"),
      (.time, .time(nanoseconds: 30_600_250_000_001), "util.Time('08:30:00.250000001')"),
      (.timestamp, .timestamp(milliseconds: 1_709_209_800_500), "datetime.datetime(2024, 2, 29, 12, 30, 0, 500000)"),
      (.timestamp, .timestamp(milliseconds: -62_135_596_800_000), "datetime.datetime(1, 1, 1)"),
      (.list(.int), .list([.integer(3), .integer(-1)]), "[3, -1]"), (.list(.text), .list([]), "[]"),
      (.set(.text), .list([.text("a"), .text("b")]), "util.sortedset(['b', 'a'])"),
      (.map(.text, .list(.int)), .map([.init(key: .text("k"), value: .list([.integer(1)]))]), "{'k': [1]}"),
      (.tuple([.int, .text, .boolean]), .tuple([.integer(1), .null, .boolean(true)]), "(1, None, True)"),
      (point, .tuple([.integer(-7), .text("p"), .list([.text("t")])]), "(-7, 'p', {'t'})"),
      (.list(point), .list([.tuple([.integer(1), .null, .null])]), "[(1, None, None)]"),
    ]
    var random = RandomCQL(seed: 9)
    for (type, bits) in [
      (CQLType.tinyint, 8), (.smallint, 16), (.int, 32), (.bigint, 64), (.counter, 64),
    ] {
      for edge in [Int64.min >> Int64(64 - bits), Int64.max >> Int64(64 - bits), 0] {
        cases.append((type, .integer(edge), "\(edge)"))
      }
    }
    for _ in 0..<100 {
      let number = CQLInteger(bytes: random.bytes())
      cases.append((.varint, .varint(number), number.description))
      let scale = Int32(random.below(30))
      cases.append(
        (.decimal, .decimal(unscaled: number, scale: scale), "decimal.Decimal('\(number)').scaleb(-\(scale), ctx)"))
      // The other driver takes durations of one sign only.
      let sign: Int64 = random.below(2) == 0 ? 1 : -1
      let (months, days, nanoseconds) = (
        Int64(random.below(1 << 20)) * sign, Int64(random.below(1 << 31)) * sign, Int64(random.below(1 << 60)) * sign
      )
      cases.append(
        (
          .duration, .duration(months: Int32(months), days: Int32(days), nanoseconds: nanoseconds),
          "util.Duration(\(months), \(days), \(nanoseconds))"
        ))
    }
    let script = """
      import sys, datetime, decimal, uuid
      from cassandra import cqltypes, util
      ctx = decimal.Context(prec=200)
      for line in sys.stdin.read().split('\\n'):
          name, text = line.split('\\t')
          kind = cqltypes.lookup_casstype(name)
          print(kind.to_binary(eval(text), 4).hex())
      """
    let input = cases.map { "\(javaClass($0.0))\t\($0.2)" }.joined(separator: "\n")
    let outcome = try await Program(
      "/usr/bin/python3", ["-c", script], input: Array(input.utf8), environment: ["PYTHONIOENCODING": "utf-8"]
    ).outcome()
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    try #require(outcome.code == 0 && lines.count == cases.count, "\(outcome)")
    for (item, line) in zip(cases, lines) {
      #expect(try bytes(item.1, item.0) == line, "\(item.0) \(item.2)")
      let digits = line.compactMap(\.hexDigitValue)
      var buffer = ByteBuffer()
      buffer.writeInteger(Int32(digits.count / 2))
      buffer.writeBytes(stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
      #expect(try CQLValue.read(item.0, from: &buffer) == item.1, "\(item.0) \(item.2)")
    }
    // All types but those of the user's own and of a server's class, of which the names are not known here.
    #expect(Set(cases.map(\.0)).isSuperset(of: CQLType.scalars.values))
  }

  /// The class by which the server and the other driver know a type.
  private func javaClass(_ type: CQLType) -> String {
    func list(_ types: [CQLType]) -> String { types.map(javaClass).joined(separator: ",") }
    switch type {
    case .ascii: return "AsciiType"
    case .bigint: return "LongType"
    case .blob: return "BytesType"
    case .boolean: return "BooleanType"
    case .counter: return "CounterColumnType"
    case .decimal: return "DecimalType"
    case .double: return "DoubleType"
    case .float: return "FloatType"
    case .int: return "Int32Type"
    case .timestamp: return "TimestampType"
    case .uuid: return "UUIDType"
    case .text: return "UTF8Type"
    case .varint: return "IntegerType"
    case .timeuuid: return "TimeUUIDType"
    case .inet: return "InetAddressType"
    case .date: return "SimpleDateType"
    case .time: return "TimeType"
    case .smallint: return "ShortType"
    case .tinyint: return "ByteType"
    case .duration: return "DurationType"
    case .list(let element): return "ListType(\(javaClass(element)))"
    case .set(let element): return "SetType(\(javaClass(element)))"
    case .map(let key, let value): return "MapType(\(list([key, value])))"
    case .tuple(let types): return "TupleType(\(list(types)))"
    case .udt(let keyspace, let name, let fields):
      let names = fields.map { "\(hex($0.name.utf8)):\(javaClass($0.type))" }.joined(separator: ",")
      return "UserType(\(keyspace),\(hex(name.utf8)),\(names))"
    case .custom(let name): return name
    }
  }

  /// Tokens as the tests of other drivers have them, from Cassandra itself.
  @Test func tokens() {
    #expect(Murmur3.token([UInt8]()) == 0)
    #expect(Murmur3.token(Array("123".utf8)) == -7_468_325_962_851_647_638)
    let pattern: [UInt8] = [0x00, 0xff, 0x10, 0xfa, 0x99]
    #expect(Murmur3.token(Array((0..<10).map { _ in pattern }.joined())) == 5_837_342_703_291_459_765)
    #expect(Murmur3.token([UInt8](repeating: 0xfe, count: 8)) == -8_927_430_733_708_461_935)
    #expect(Murmur3.token([UInt8](repeating: 0x10, count: 8)) == 1_446_172_840_243_228_796)
    #expect(Murmur3.token(Array("9223372036854775807".utf8)) == 7_162_290_910_810_015_547)
  }

  @Test func anotherDriverHasTheSameTokens() async throws {
    var random = RandomCQL(seed: 4)
    let keys = (0..<200).map { count in (0..<count % 50).map { _ in UInt8(random.below(256)) } }
    let script = """
      import sys
      from cassandra.metadata import Murmur3Token
      for line in sys.stdin.read().split('\\n'): print(Murmur3Token.hash_fn(bytes.fromhex(line)))
      """
    let outcome = try await Program(
      "/usr/bin/python3", ["-c", script], input: Array(keys.map { hex($0) }.joined(separator: "\n").utf8)
    ).outcome()
    #expect(outcome.lines.map(String.init) == keys.map { String(Murmur3.token($0)) }, "\(outcome.errors)")
  }
}
