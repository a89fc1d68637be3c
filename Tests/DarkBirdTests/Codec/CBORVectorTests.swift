import DarkBird
import Foundation
import Testing

/// The examples of RFC 8949, appendix A.
@Suite struct CBORVectorTests {
  struct Vector: CustomTestStringConvertible {
    var hex: String
    var value: Value
    var testDescription: String { hex }

    init(_ hex: String, _ value: Value) {
      self.hex = hex
      self.value = value
    }
  }

  /// Written by `CBORWriter` exactly as in the RFC.
  static let canonical: [Vector] = [
    Vector("00", 0), Vector("01", 1), Vector("0a", 10), Vector("17", 23), Vector("1818", 24), Vector("1819", 25),
    Vector("1864", 100), Vector("1903e8", 1_000), Vector("1a000f4240", 1_000_000),
    Vector("1b000000e8d4a51000", 1_000_000_000_000), Vector("1bffffffffffffffff", .unsigned(.max)),
    Vector("20", -1), Vector("29", -10), Vector("3863", -100), Vector("3903e7", -1_000),
    Vector("3b7fffffffffffffff", .int(.min)), Vector("1b7fffffffffffffff", .int(.max)),
    Vector("fb3ff199999999999a", 1.1), Vector("fb7e37e43c8800759c", 1.0e+300), Vector("fbc010666666666666", -4.1),
    Vector("fb7ff0000000000000", .double(.infinity)), Vector("fbfff0000000000000", .double(-.infinity)),
    Vector("f4", false), Vector("f5", true), Vector("f6", nil),
    Vector("c1fb41d452d9ec200000", .date(Date(timeIntervalSince1970: 1_363_896_240.5))),
    Vector("40", .bytes([])), Vector("4401020304", .bytes([1, 2, 3, 4])),
    Vector("60", ""), Vector("6161", "a"), Vector("6449455446", "IETF"), Vector("62225c", "\"\\"),
    Vector("62c3bc", "ü"), Vector("63e6b0b4", "水"), Vector("64f0908591", "𐅑"),
    Vector("80", []), Vector("83010203", [1, 2, 3]), Vector("8301820203820405", [1, [2, 3], [4, 5]]),
    Vector("98190102030405060708090a0b0c0d0e0f101112131415161718181819", .array((1...25).map { .int($0) })),
    Vector("a0", [:]), Vector("a26161016162820203", ["a": 1, "b": [2, 3]]),
    Vector("826161a161626163", ["a", ["b": "c"]]),
    Vector("a56161614161626142616361436164614461656145", ["a": "A", "b": "B", "c": "C", "d": "D", "e": "E"]),
  ]

  /// Read, but written in another form.
  static let readable: [Vector] = [
    Vector("f90000", 0.0), Vector("f98000", -0.0), Vector("f93c00", 1.0), Vector("f93e00", 1.5),
    Vector("f97bff", 65_504.0), Vector("fa47c35000", 100_000.0), Vector("fa7f7fffff", 3.4028234663852886e+38),
    Vector("f90001", 5.960464477539063e-8), Vector("f90400", 0.00006103515625), Vector("f9c400", -4.0),
    Vector("f97c00", .double(.infinity)), Vector("f9fc00", .double(-.infinity)),
    Vector("fa7f800000", .double(.infinity)), Vector("faff800000", .double(-.infinity)),
    Vector("f7", nil),
    Vector("c249010000000000000000", .bytes([1, 0, 0, 0, 0, 0, 0, 0, 0])),
    Vector("c349010000000000000000", .bytes([1, 0, 0, 0, 0, 0, 0, 0, 0])),
    Vector("c074323031332d30332d32315432303a30343a30305a", "2013-03-21T20:04:00Z"),
    Vector("c11a514b67b0", .date(Date(timeIntervalSince1970: 1_363_896_240))),
    Vector("d74401020304", .bytes([1, 2, 3, 4])), Vector("d818456449455446", .bytes(hex("6449455446"))),
    Vector("d82076687474703a2f2f7777772e6578616d706c652e636f6d", "http://www.example.com"),
    Vector("5f42010243030405ff", .bytes([1, 2, 3, 4, 5])), Vector("7f657374726561646d696e67ff", "streaming"),
    Vector("9fff", []), Vector("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
    Vector("9f01820203820405ff", [1, [2, 3], [4, 5]]), Vector("83018202039f0405ff", [1, [2, 3], [4, 5]]),
    Vector("83019f0203ff820405", [1, [2, 3], [4, 5]]),
    Vector("9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", .array((1...25).map { .int($0) })),
    Vector("bf61610161629f0203ffff", ["a": 1, "b": [2, 3]]), Vector("826161bf61626163ff", ["a", ["b": "c"]]),
    Vector("bf6346756ef563416d7421ff", ["Fun": true, "Amt": -2]),
  ]

  @Test(arguments: canonical) func isWrittenAndReadAsInTheRFC(_ vector: Vector) throws {
    #expect(try encoded(vector.value) == hex(vector.hex))
    #expect(try decodeValue(hex(vector.hex)) == vector.value)
    #expect(try CBORReader.read(hex(vector.hex)) { try $0.skipValue() } == ())
  }

  @Test(arguments: readable) func isRead(_ vector: Vector) throws {
    #expect(try decodeValue(hex(vector.hex)) == vector.value)
    #expect(try CBORReader.read(hex(vector.hex)) { try $0.skipValue() } == ())
  }

  @Test(arguments: ["f97e00", "fa7fc00000", "fb7ff8000000000000"]) func isNotANumber(_ text: String) throws {
    let value = try decodeValue(hex(text))
    guard case .double(let number) = value else {
      Issue.record("\(value) is no double")
      return
    }
    #expect(number.isNaN)
  }

  @Test(arguments: [
    ("3bffffffffffffffff", "the integer does not fit in Int64"),
    ("a201020304", "expected a field name, found an integer"),
    ("f0", "expected a value, found an unassigned simple value"),
    ("f8ff", "expected a value, found an unassigned simple value"),
  ]) func isWellFormedButNoValue(_ text: String, _ expected: String) throws {
    #expect(reason { _ = try decodeValue(hex(text)) } == expected)
    #expect(try CBORReader.read(hex(text)) { try $0.skipValue() } == ())
  }

  @Test(arguments: [
    ("", "the input ends inside a value"), ("18", "the input ends inside a value"),
    ("1c", "not CBOR: reserved length"), ("1f", "not CBOR: reserved length"), ("df00", "not CBOR: reserved length"),
    ("ff", "a break without a beginning"), ("82ff01", "a break without a beginning"),
    ("bf6161ff", "a break without a beginning"), ("f818", "not CBOR: simple value in two bytes instead of one"),
    ("5f6161ff", "not CBOR: a string of indefinite length holds a string"),
    ("7f7f6161ffff", "not CBOR: a string of indefinite length holds a string"),
    ("9f01", "the input ends inside a value"), ("d825", "the input ends inside a value"),
    ("0000", "bytes left over after the value"),
  ]) func isNotWellFormed(_ text: String, _ expected: String) {
    #expect(reason { _ = try decodeValue(hex(text)) } == expected)
    #expect(reason { try CBORReader.read(hex(text)) { try $0.skipValue() } } == expected)
  }

  @Test(arguments: [
    ("61ff", "text is not valid UTF-8"), ("62c0af", "text is not valid UTF-8"),
    ("63eda080", "text is not valid UTF-8"), ("7f61c361bcff", "text is not valid UTF-8"),
    ("d82543010203", "a UUID of 3 bytes instead of 16"), ("a2616101616102", "a field occurs twice in a map"),
    ("c1f0", "expected seconds since 1970, found an unassigned simple value"),
  ]) func isRefused(_ text: String, _ expected: String) {
    #expect(reason { _ = try decodeValue(hex(text)) } == expected)
  }
}
