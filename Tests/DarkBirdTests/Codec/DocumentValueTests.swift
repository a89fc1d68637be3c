import DarkBird
import Foundation
import Testing

@Suite struct DocumentKeyTests {
  func roundTrip<Key: DocumentKey>(_ keys: Key...) throws {
    for key in keys {
      var writer = CBORWriter()
      try key.encode(cbor: &writer)
      #expect(try CBORReader.read(writer.bytes) { try Key(cbor: &$0) } == key)
      // A generic tool finds the key under the same description.
      #expect(try decodeValue(writer.bytes).description == key.description)
    }
  }

  @Test func everyKindOfKeySurvivesARoundTrip() throws {
    try roundTrip("", "Ada", "水")
    try roundTrip(Int.min, -1, 0, Int.max)
    try roundTrip(Int64.min, Int64.max)
    try roundTrip(UInt64.max, 0)
    try roundTrip(Int32.min, Int32.max)
    try roundTrip(UInt32.max, 0)
    try roundTrip(UUID())
    try roundTrip(Value.int(1), "a", .unsigned(.max), 1.5, .bytes([1]), .null, [1, "a"])
  }

  @Test func keyOfAnotherTypeIsRefused() {
    #expect(throws: CBORError.self) { try CBORReader.read([0x20]) { try UInt32(cbor: &$0) } }
    #expect(throws: CBORError.self) { try CBORReader.read(hex("1b0000000100000000")) { try Int32(cbor: &$0) } }
    #expect(throws: CBORError.self) { try CBORReader.read([1]) { try String(cbor: &$0) } }
  }

  @Test func uuidKeyIsAlsoReadFromItsText() throws {
    let uuid = UUID()
    #expect(try CBORReader.read(encoded(.string(uuid.uuidString))) { try UUID(cbor: &$0) } == uuid)
  }
}

@Suite struct ValueTests {
  @Test func jsonIsThatOfTheRFC() {
    let value: Value = [
      "s": "a\"\\\n\r\t\u{1}\u{1F}/水", "n": nil, "t": true, "i": -3, "u": .unsigned(.max), "d": 1.5, "x": 1e300,
      "inf": .double(.infinity), "b": .bytes([1, 2, 255]), "a": [1, [], [:]],
      "at": .date(Date(timeIntervalSince1970: 1_709_208_000.25)), "\"": .date(Date(timeIntervalSince1970: .nan)),
    ]
    #expect(
      value.json
        == #"{"s":"a\"\\\n\r\t\u0001\u001f/水","n":null,"t":true,"i":-3,"u":18446744073709551615,"d":1.5,"x":1e+300,"#
        + #""inf":null,"b":"AQL/","a":[1,[],{}],"at":"2024-02-29T12:00:00.25Z","\"":null}"#)
  }

  @Test(arguments: CBORReaderTests.seeds) func jsonIsReadByFoundation(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let record = random.record(depth: 3)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(record.json.utf8), options: []) as? [String: Any])
    #expect(Set(object.keys) == Set(record.fields.map(\.name)))
    for field in record.fields {
      if case .string(let text) = field.value { #expect(object[field.name] as? String == text) }
    }
  }

  @Test(arguments: [
    (0.0, "1970-01-01T00:00:00Z"), (-1.0, "1969-12-31T23:59:59Z"), (-0.5, "1969-12-31T23:59:59.5Z"),
    (951_782_400.0, "2000-02-29T00:00:00Z"), (1_709_251_199.999_999, "2024-02-29T23:59:59.999999Z"),
    (1_709_251_199.999_999_9, "2024-03-01T00:00:00Z"), (253_402_300_799.0, "9999-12-31T23:59:59Z"),
    (253_402_300_800.0, "+10000-01-01T00:00:00Z"), (-62_135_596_800.0, "0001-01-01T00:00:00Z"),
    (-62_167_219_200.0, "0000-01-01T00:00:00Z"), (-62_167_219_201.0, "-0001-12-31T23:59:59Z"),
    (-2_203_891_200.0, "1900-03-01T00:00:00Z"), (1.000_001, "1970-01-01T00:00:01.000001Z"),
  ]) func dateIsISO8601(_ seconds: Double, _ expected: String) {
    #expect(Date(timeIntervalSince1970: seconds).iso8601 == expected)
  }

  /// Against a calendar on the wall: 400 years, after which the Gregorian calendar repeats itself.
  @Test func everyDayOfFourHundredYearsFollowsTheDayBefore() {
    var (year, month, day) = (1_570, 1, 1)
    var wrong: [String] = []
    for number in -146_097..<0 {
      let text = Date(timeIntervalSince1970: Double(number) * 86_400).iso8601 ?? "none"
      let expected = "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)T00:00:00Z"
      if text != expected { wrong.append(text) }
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let lastDay = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
      (month, day) = day == lastDay ? (month + 1, 1) : (month, day + 1)
      if month > 12 { (year, month) = (year + 1, 1) }
    }
    #expect(wrong == [])
    #expect((year, month, day) == (1_970, 1, 1))
  }

  @Test func descriptionIsShort() {
    #expect(Value.string("Ada").description == "Ada")
    #expect(Value.int(-3).description == "-3")
    #expect(Value.bool(true).description == "true")
    #expect(Value.null.description == "null")
    #expect(Value.bytes([0, 15, 255]).description == "000fff")
    #expect(Value.bytes([UInt8](repeating: 1, count: 1_000)).description.hasSuffix("01… (1000 bytes)"))
    #expect(Value.date(Date(timeIntervalSince1970: 0)).description == "1970-01-01T00:00:00Z")
    #expect(Value.date(Date(timeIntervalSince1970: .infinity)).description == "date out of range")
    #expect((["a": [1, "b"], "c": [:]] as Value).description == #"{a: [1, "b"], c: {}}"#)
    #expect(Value.array((0..<10_000).map { .int($0) }).description.count < 130)
    #expect(Value.array([.string(String(repeating: "x", count: 10_000))]).description.count < 130)
    let wide: Record = Record((0..<1_000).map { ("field\($0)", .int($0)) })
    #expect(wide.description.count < 150)
    #expect(Value.map(wide).description == wide.description)
  }

  @Test func integersAboveInt64AreUnsigned() {
    #expect(Value(UInt64(5)) == .int(5))
    #expect(Value(UInt64.max) == .unsigned(.max))
    // One number is one value, as it is on disk.
    #expect(Value.unsigned(5) == .int(5) && Set<Value>([.unsigned(5), .int(5), [.unsigned(5)], [.int(5)]]).count == 2)
    #expect(Value.unsigned(5).indexValue == .int(5) && Value.unsigned(.max).indexValue == nil)
    #expect(Value.unsigned(.max) != .int(-1) && Set<Value>([.unsigned(.max), .int(-1)]).count == 2)
  }

  @Test func otherCodersTakeValuesToo() throws {
    let value: Value = ["a": [1, 2.5, "x", nil, true, .unsigned(.max)]]
    #expect(try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value)) == value)
  }
}

@Suite struct RecordTests {
  @Test func fieldsKeepTheirOrderAndPlaces() {
    var record: Record = ["b": 1, "a": 2, "b": 3]
    #expect(record.fields == [Record.Field(name: "b", value: 3), Record.Field(name: "a", value: 2)])
    record["c"] = 4
    record["b"] = 5
    record["a"] = nil
    record["none"] = nil
    #expect(record == ["b": 5, "c": 4])
    #expect(record != ["c": 4, "b": 5])
    #expect(record.count == 2)
    #expect(!record.isEmpty)
    #expect(Record().isEmpty)
  }

  @Test func pathsLeadIntoMaps() {
    let record: Record = [
      "address": ["city": "Delft", "geo": ["lat": 52.0]], "a.b": 1, "a": ["b": 2, "c": 3], "x.y": ["z": 4], "list": [1],
    ]
    #expect(record.value(at: "address.city") == "Delft")
    #expect(record.value(at: "address.geo.lat") == 52.0)
    #expect(record.value(at: "address.geo.lon") == nil)
    #expect(record.value(at: "address.city.name") == nil)
    #expect(record.value(at: "a.b") == 1)
    #expect(record.value(at: "a.c") == 3)
    #expect(record.value(at: "x.y.z") == 4)
    let beside: Record = ["a": ["x": 1, "b": ["d": 3]], "a.b": ["c": 2]]
    #expect((["a": ["b.c": 1], "a.b": ["c": 2]] as Record).value(at: "a.b.c") == 1)
    #expect(beside.value(at: "a.b.c") == 2 && beside.value(at: "a.b.d") == 3 && beside.value(at: "a.x") == 1)
    #expect(record.value(at: "list.0") == nil)
    #expect(record.value(at: "") == nil)
    #expect(record.value(at: ".") == nil)
    #expect(record.value(at: "address.") == nil)
  }

  @Test func manyFieldsWithOneNameTwiceAreRefused() throws {
    var writer = CBORWriter()
    writer.beginMap(count: 40)
    for index in 0..<40 {
      writer.write("field\(index == 39 ? 3 : index)")
      writer.write(index)
    }
    #expect(reason { _ = try decoded(Record.self, writer.bytes) } == "a field occurs twice in a map")
  }

  @Test func anArrayIsNoRecord() {
    #expect(reason { _ = try decoded(Record.self, [0x80]) } == "expected a map, found an array")
  }
}
