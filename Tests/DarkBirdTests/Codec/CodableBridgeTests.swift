import DarkBird
import Foundation
import Testing

@Suite struct CodableBridgeTests {
  enum Level: String, Codable { case junior, senior }

  enum Shape: Codable, Hashable {
    case circle(radius: Double)
    case square(Int)
    case point
  }

  struct Address: Codable, Hashable {
    var city: String
    var lines: [String]
  }

  struct Person: Document, Codable, Hashable {
    var name: String
    var age: Int8
    var id: UUID
    var born: Date
    var photo: [UInt8]
    var key: Data
    var level: Level
    var address: Address
    var former: [Address]
    var nickname: String?
    var score: Double
    var ratio: Float
    var big: UInt64
    var small: Int64
    var isActive: Bool
    var counts: [String: Int]
    var byYear: [Int: Date]
    var gaps: [Int?]
    var optionalDate: Date??
    var shapes: [Shape]
    var extra: Value
    var more: Record
    var tags: Set<String>
    var grid: [[UInt8]]
  }

  struct Empty: Document, Codable, Hashable {}

  static func person() -> Person {
    Person(
      name: "Ada", age: -7, id: UUID(), born: Date(timeIntervalSince1970: -4_857_000_000.125), photo: [0, 255],
      key: Data([1, 2]), level: .senior, address: Address(city: "London", lines: ["a", ""]),
      former: [Address(city: "Paris", lines: [])], nickname: nil, score: 2, ratio: 0.1, big: .max, small: .min,
      isActive: true, counts: Dictionary(uniqueKeysWithValues: (0..<40).map { ("k\($0)", $0) }),
      byYear: [1_843: Date(timeIntervalSince1970: 0)], gaps: [1, nil, 3], optionalDate: Date(timeIntervalSince1970: 1),
      shapes: [.circle(radius: 1.5), .square(3), .point], extra: ["x": [1, nil, .date(.distantPast)]],
      more: ["y": .bytes([9])], tags: ["b", "a"], grid: [[1, 2], [], [3]])
  }

  @Test func everyKindOfFieldSurvivesARoundTrip() throws {
    let person = Self.person()
    #expect(try decoded(Person.self, encoded(person)) == person)
    #expect(try decoded(Empty.self, encoded(Empty())) == Empty())
  }

  @Test func genericToolsSeeTheFields() throws {
    let person = Self.person()
    let record = try decoded(Record.self, encoded(person))
    #expect(record["name"] == "Ada")
    #expect(record["age"] == -7)
    #expect(record["id"] == .string(person.id.uuidString))
    #expect(record["born"] == .date(person.born))
    #expect(record["photo"] == .bytes([0, 255]))
    #expect(record["key"] == .bytes([1, 2]))
    #expect(record["level"] == "senior")
    #expect(record.value(at: "address.city") == "London")
    #expect(record["nickname"] == nil)
    #expect(record["big"] == .unsigned(.max))
    #expect(record["gaps"] == [1, nil, 3])
    #expect(record["extra"] == person.extra)
    // A tool that writes the record back leaves a document that the type still reads.
    #expect(try decoded(Person.self, encoded(record)) == person)
  }

  @Test func uuidIsSixteenBytesWithTag37() throws {
    struct Holder: Document, Codable { var id: UUID }
    let holder = Holder(id: UUID(uuid: (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)))
    #expect(try encoded(holder) == hex("a1 626964 d825 50 000102030405060708090a0b0c0d0e0f"))
  }

  @Test func errorsNameTheFieldAndWhatIsWrong() throws {
    let record = try decoded(Record.self, encoded(Self.person()))

    func complaint(_ change: (inout Record) -> Void) -> String? {
      var changed = record
      change(&changed)
      return reason { _ = try decoded(Person.self, encoded(changed)) }
    }

    #expect(complaint { _ in } == nil)
    #expect(complaint { $0["name"] = nil } == "field 'name' is missing")
    #expect(complaint { $0["name"] = 3 } == "field 'name': expected a string, found an integer")
    #expect(complaint { $0["name"] = .null } == "field 'name': expected a string, found null")
    #expect(complaint { $0["age"] = 300 } == "field 'age': 300 does not fit in Int8")
    #expect(complaint { $0["age"] = 3.5 } == "field 'age': expected an integer, found a floating-point number")
    #expect(complaint { $0["born"] = "1843" } == "field 'born': expected a date, found a string")
    #expect(complaint { $0["id"] = "x" } == "field 'id': expected a UUID, found a string")
    #expect(complaint { $0["key"] = 1 } == "field 'key': expected bytes, found an integer")
    #expect(complaint { $0["address"] = 1 } == "field 'address': expected a map, found an integer")
    #expect(complaint { $0["address"] = ["city": "x"] } == "field 'address.lines' is missing")
    #expect(
      complaint { $0["address"] = ["city": "x", "lines": ["a", 2]] }
        == "field 'address.lines[1]': expected a string, found an integer")
    #expect(complaint { $0["former"] = [["city": "x"]] } == "field 'former[0].lines' is missing")
    #expect(complaint { $0["former"] = "x" } == "field 'former': expected an array, found a string")
    #expect(complaint { $0["level"] = "boss" }?.hasPrefix("field 'level': ") == true)
    #expect(complaint { $0["score"] = true } == "field 'score': expected a number, found a boolean")
  }

  @Test func notAMapIsRefused() {
    struct Wrapper: Document, Codable {
      var value: Int
      init(value: Int) { self.value = value }
      init(from decoder: any Decoder) throws { value = try decoder.singleValueContainer().decode(Int.self) }
      func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
      }
    }
    #expect(reason { _ = try encoded(Wrapper(value: 1)) } == "Wrapper does not encode as a map of fields")
    #expect(reason { _ = try decoded(Person.self, [1]) } == "expected a map, found an integer")
  }

  @Test func encodingTooDeepIsRefused() {
    indirect enum Chain: Codable, Sendable {
      case end
      case link(Chain)
    }
    struct Holder: Document, Codable { var chain: Chain }
    var chain = Chain.end
    // The second needs more than a stack has.
    for depth in 1...3_000 {
      chain = .link(chain)
      if depth != 100 && depth != 3_000 { continue }
      #expect(reason { _ = try encoded(Holder(chain: chain)) } == "nested more than 64 deep", "\(depth)")
    }
  }

  @Test func contradictoryContainersAreRefused() {
    struct Odd: Document, Codable {
      init() {}
      init(from decoder: any Decoder) throws {}
      func encode(to encoder: any Encoder) throws {
        var array = encoder.unkeyedContainer()
        try array.encode(1)
        var single = encoder.singleValueContainer()
        try single.encode(2)
      }
    }
    struct Holder: Document, Codable { var odd = Odd() }
    #expect(reason { _ = try encoded(Holder()) }?.contains("two different containers") == true)
  }

  @Test func superclassesAndNestedContainersHaveTheirPlace() throws {
    struct Manual: Document, Codable, Hashable {
      var left: Int
      var right: [Int]

      enum Keys: String, CodingKey { case inner, list, left }

      init(left: Int, right: [Int]) { (self.left, self.right) = (left, right) }

      func encode(to encoder: any Encoder) throws {
        var outer = encoder.container(keyedBy: Keys.self)
        var inner = outer.nestedContainer(keyedBy: Keys.self, forKey: .inner)
        var list = outer.nestedUnkeyedContainer(forKey: .list)
        for number in right { try list.encode(number) }
        try inner.encode(left, forKey: .left)
        try right.encode(to: outer.superEncoder())
      }

      init(from decoder: any Decoder) throws {
        let outer = try decoder.container(keyedBy: Keys.self)
        left = try outer.nestedContainer(keyedBy: Keys.self, forKey: .inner).decode(Int.self, forKey: .left)
        var list = try outer.nestedUnkeyedContainer(forKey: .list)
        right = []
        while !list.isAtEnd { right.append(try list.decode(Int.self)) }
        let again = try [Int](from: outer.superDecoder())
        #expect(right == again)
      }
    }
    let manual = Manual(left: 3, right: [4, 5])
    #expect(try decoded(Record.self, encoded(manual)) == ["inner": ["left": 3], "list": [4, 5], "super": [4, 5]])
    #expect(try decoded(Manual.self, encoded(manual)) == manual)
  }

  /// As other encoders do: what each half of a program writes into a container is in it.
  @Test func containerThatIsAskedForTwiceHoldsBothHalves() throws {
    struct Halves: Document, Codable, Hashable {
      var street = "a"
      var city = "b"

      enum Keys: String, CodingKey { case address, list, street, city }

      init() {}

      func encode(to encoder: any Encoder) throws {
        var outer = encoder.container(keyedBy: Keys.self)
        var first = outer.nestedContainer(keyedBy: Keys.self, forKey: .address)
        try first.encode(street, forKey: .street)
        var second = outer.nestedContainer(keyedBy: Keys.self, forKey: .address)
        try second.encode(city, forKey: .city)
        var list = outer.nestedUnkeyedContainer(forKey: .list)
        try list.encode(1)
        var rest = outer.nestedUnkeyedContainer(forKey: .list)
        try rest.encode(2)
      }

      init(from decoder: any Decoder) throws {
        let outer = try decoder.container(keyedBy: Keys.self)
        let inner = try outer.nestedContainer(keyedBy: Keys.self, forKey: .address)
        street = try inner.decode(String.self, forKey: .street)
        city = try inner.decode(String.self, forKey: .city)
      }
    }
    #expect(
      try decoded(Record.self, encoded(Halves())) == ["address": ["street": "a", "city": "b"], "list": [1, 2]])
    #expect(try decoded(Halves.self, encoded(Halves())) == Halves())
  }
}
