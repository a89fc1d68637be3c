import Foundation
import Testing

@testable import DarkBird

/// Keys and values that are not equal to themselves, have no name, or join what stands before them.
struct AwkwardValueTests {
  typealias RecordStore = Store<Value, Record>

  private let schema = IndexSchema<Record>(FieldSchema(unique: ["mail"], tags: ["at", "club"], ranges: ["seen"]))

  @Test(
    arguments: [
      .double(.nan), .date(Date(timeIntervalSince1970: .nan)), [1, .double(.nan)], ["at": .double(.nan)],
    ] as [Value]) func keyOfNaNIsOneKey(key: Value) throws
  {
    let disk = SimulatedFileSystem.forStores()
    var store = try RecordStore(.simulated(), schema: schema, fileSystem: disk)
    try store.put(["mail": "a"], for: key)
    try store.checkpoint()
    try store.put(["mail": "b"], for: key)
    #expect(store.count == 1 && store[key] == ["mail": "b"])
    #expect(store.audit().problems.isEmpty)
    try store.close()
    store = try RecordStore(.simulated(), schema: schema, fileSystem: disk)
    #expect(store.count == 1 && store[key] == ["mail": "b"])
    #expect(try store.remove(key) == ["mail": "b"] && store.count == 0)
    try store.close()
  }

  @Test func bothZerosAreOneValueAndOneTag() throws {
    let store = try Store<Int, Member>(.memory, schema: [.tag("score", \.score), .range("score", \.score)])
    for (key, score) in [(1, 0.0), (2, -0.0)] { try store.put(Member(score: score), for: key) }
    #expect(try store.documents(where: "score", in: .exactly(0)).documents.count == 2)
    #expect(try store.documents(tagged: "score=0.0").documents.count == 2)
    #expect(try store.tags(of: "score").map(\.count) == [2])
    #expect(store.audit().problems.isEmpty)
  }

  @Test func notANumberIsEqualWhateverTheirBits() throws {
    let (one, other) = (Value.double(.nan), Value.double(Double(bitPattern: Double.nan.bitPattern | 5)))
    #expect(one == other && one.hashValue == other.hashValue && one != .double(0))
    func bytes(_ value: Value) throws -> [UInt8] {
      var writer = CBORWriter()
      try value.encode(cbor: &writer)
      return writer.bytes
    }
    #expect(try bytes(one) == bytes(other))
  }

  @Test(arguments: [Double.infinity, -.infinity, 1e300, .nan]) func datesBeyondAllTimeHaveTags(seconds: Double) throws {
    let store = try RecordStore(.memory, schema: schema)
    try store.put(["at": .date(Date(timeIntervalSince1970: seconds)), "club": "x"], for: 1)
    // NaN is not indexed; the document is there all the same.
    #expect(try store.documents(tagged: "at=date out of range").documents.count == (seconds.isNaN ? 0 : 1))
    #expect(try store.documents(tagged: "club=x").documents.count == 1)
    try store.put(["seen": .date(Date(timeIntervalSince1970: seconds))], for: 2)
    #expect(try store.documents(where: "seen", in: .all).documents.count == (seconds.isNaN ? 0 : 1))
    #expect(store.audit().problems.isEmpty)
  }

  @Test func dateHasTheTagOfItsOwnTime() throws {
    let store = try RecordStore(.memory, schema: schema)
    try store.put(["at": .date(Date(timeIntervalSince1970: 1_709_208_000))], for: 1)
    try store.put(["at": .date(Date(timeIntervalSince1970: 1_709_208_000.25))], for: 2)
    let tag = "at=2024-02-29T12:00:00"
    #expect(try store.documents(tagged: tag + "Z").documents.map(\.key) == [1])
    #expect(try store.documents(tagged: tag + ".25Z").documents.map(\.key) == [2])
  }

  /// `Date` holds the seconds since 2001, the disk those since 1970.
  @Test func datesAreAsFineAsTheyAreOnDisk() throws {
    let date = Date(timeIntervalSinceReferenceDate: 800_000_000)
    let next = Date(timeIntervalSinceReferenceDate: date.timeIntervalSinceReferenceDate.nextUp)
    #expect(date != next && date.timeIntervalSince1970 == next.timeIntervalSince1970)
    #expect(Value.date(date) == .date(next) && Value.date(date).hashValue == Value.date(next).hashValue)
    let disk = SimulatedFileSystem.forStores()
    let schema = IndexSchema<Record>(FieldSchema(unique: ["at"]))
    var store = try RecordStore(.simulated(), schema: schema, fileSystem: disk)
    try store.put(["at": .date(date)], for: 1)
    #expect(throws: StoreError.self) { try store.put(["at": .date(next)], for: 2) }
    try store.put([:], for: .date(date))
    try store.put(["at": nil], for: .date(next))
    #expect(store.count == 2)
    try store.close()
    store = try RecordStore(.simulated(), schema: schema, fileSystem: disk)
    #expect(store.count == 2 && store[.date(date)] == ["at": nil])
    try store.close()
  }

  @Test func tagsOfATypeAreThoseOfItsRecord() throws {
    struct Reading: Document {
      var score: Double
      init(_ score: Double) { self.score = score }
      init(cbor reader: inout CBORReader) throws { score = try reader.readDouble() }
      func encode(cbor writer: inout CBORWriter) throws { writer.write(score) }
      static let schema: IndexSchema<Reading> = [.tag("score", \.score), .tag("all", each: { [$0.score, 1] })]
    }
    let store = try Store<Int, Reading>(.memory, schema: Reading.schema)
    try store.put(Reading(.nan), for: 1)
    #expect(try store.tags(of: "score").isEmpty)
    #expect(try store.tags(of: "all").map(\.tag) == ["all=1.0"])
  }

  @Test(arguments: ["\u{338}x", "\u{200D}", "\u{FE0F}a", "\u{1F3FD}", "\u{93E}", "=", "\u{301}=\u{301}"])
  func tagThatJoinsTheSignBeforeItIsFound(value: String) throws {
    let store = try RecordStore(.memory, schema: schema)
    try store.put(["club": .string(value)], for: 1)
    try store.put(["club": "other"], for: 2)
    let tag = "club=" + value
    #expect(try store.documents(tagged: tag).documents.map(\.key) == [1])
    #expect(try store.documents(Query(noTags: [tag])).documents.map(\.key) == [2])
    #expect(try store.documents(Query(allTags: [tag], noTags: ["club=other"])).documents.map(\.key) == [1])
    for found in try store.tags(of: "club") {
      #expect(try store.documents(tagged: found.tag).documents.count == found.count)
    }
    try store.put(["club": "other"], for: 1)
    #expect(try store.documents(tagged: tag).documents.isEmpty)
    #expect(store.audit().problems.isEmpty)
  }

  @Test(arguments: [7, 63, 64, 65, 500]) func manyTagsAreEachThereOnce(count: Int) throws {
    let store = try RecordStore(.memory, schema: schema)
    func words(_ numbers: some Sequence<Int>) -> Value { .array(numbers.map { .string("w\($0)") }) }
    func check(_ present: Set<Int>) throws {
      let tags = try store.tags(of: "club")
      #expect(Set(tags.map(\.tag)) == Set(present.map { "club=w\($0)" }))
      #expect(tags.allSatisfy { $0.count == 1 })
      #expect(store.audit().problems.isEmpty)
    }
    // Each of them twice.
    try store.put(["club": words(Array(0..<count) + Array(0..<count))], for: 1)
    try check(Set(0..<count))
    try store.put(["club": words((0..<count).map { $0 + count / 2 })], for: 1)
    try check(Set((0..<count).map { $0 + count / 2 }))
    try store.put(["club": words(0..<3)], for: 1)
    try check([0, 1, 2])
    try store.remove(1)
    try check([])
  }
}
