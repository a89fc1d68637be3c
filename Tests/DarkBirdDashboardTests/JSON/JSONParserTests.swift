import DarkBird
import Foundation
import Testing

@testable import DarkBirdDashboard

@Suite struct JSONParserTests {
  private func parse(_ text: String) throws -> Value { try JSONParser.parse(Array(text.utf8)) }

  private func error(_ bytes: some Sequence<UInt8>) -> BadInput? {
    do {
      _ = try JSONParser.parse(Array(bytes))
      return nil
    } catch {
      return error
    }
  }

  @Test func integersDecimalsAndBooleansStayApart() throws {
    #expect(
      try parse("[1,1.0,true,0,0.0,false,-0,1e2,-7]")
        == .array([
          .int(1), .double(1), .bool(true), .int(0), .double(0), .bool(false), .int(0), .double(100), .int(-7),
        ]))
  }

  @Test(arguments: [
    ("9223372036854775807", Value.int(.max)),
    ("9223372036854775808", .unsigned(9_223_372_036_854_775_808)),
    ("18446744073709551615", .unsigned(.max)),
    ("18446744073709551616", .double(18_446_744_073_709_551_616)),
    ("-9223372036854775808", .int(.min)),
    ("-9223372036854775809", .double(-9_223_372_036_854_775_808)),
    ("5e-324", .double(.leastNonzeroMagnitude)),
    ("1E+2", .double(100)),
    ("1e-9999", .double(0)),
  ])
  func numbersAtTheLimits(text: String, value: Value) throws {
    #expect(try parse(text) == value)
  }

  @Test func fieldsKeepTheirOrderAndObjectsNest() throws {
    let value = try parse(#" { "z" : 1 , "a" : { "c" : [ ] , "b" : { } } , "m" : null } "#)
    #expect(value.json == #"{"z":1,"a":{"c":[],"b":{}},"m":null}"#)
    guard case .map(let record) = value else { return #expect(Bool(false)) }
    #expect(record.value(at: "a.c") == .array([]))
  }

  @Test func escapesBecomeCharacters() throws {
    let text = #""\" \\ \/ \b \f \n \r \t \u00e9 \ud83d\ude00 \u0000 é""#
    #expect(try parse(text) == .string("\" \\ / \u{8} \u{c} \n \r \t é 😀 \0 é"))
  }

  @Test(arguments: [
    (#"{"a":1,"b":2,"a":3}"#, 14, "field 'a' appears twice"),
    (#"{"a":{"b":1,"\u0062":2}}"#, 13, "field 'b' appears twice"),
    (#"{"a":1"#, 7, "the text ends where ',' or '}' should be"),
    (#"{"a":1,}"#, 8, "'}' where a field's name in quotes should be"),
    (#"{"a" 1}"#, 6, "'1' where ':' should be"),
    ("[1,]", 4, "']' where a value should be"),
    ("[1 2]", 4, "'2' where ',' or ']' should be"),
    ("tru", 1, "'t' where a value should be"),
    ("01", 1, "not a number as JSON writes it"),
    ("1.", 1, "not a number as JSON writes it"),
    (".5", 1, "'.' where a value should be"),
    ("+5", 1, "'+' where a value should be"),
    ("1e", 1, "not a number as JSON writes it"),
    ("-", 1, "not a number as JSON writes it"),
    ("1e999", 1, "a number out of range"),
    ("NaN", 1, "'N' where a value should be"),
    ("", 1, "the text ends where a value should be"),
    ("{} {}", 4, "text after the end of the JSON value"),
    (#""abc"#, 5, "the text ends inside a string"),
    (#""\x""#, 3, #"'x' where an escape (one of " \ / b f n r t u) should be"#),
    (#""\u12g4""#, 6, "'g' where a hexadecimal digit should be"),
    (#""\ud800""#, 2, "half of a surrogate pair"),
    (#""\ud800\u0041""#, 2, "half of a surrogate pair"),
    (#""\udc00""#, 2, "half of a surrogate pair"),
    ("\"a\tb\"", 3, "control character 9 in a string; it must be escaped"),
  ])
  func badTextNamesItsColumn(text: String, column: Int, reason: String) {
    #expect(error(text.utf8) == BadInput(column: column, reason: reason))
  }

  @Test func bytesThatAreNotUTF8AreRefused() {
    #expect(error([0x22, 0xff, 0x22])?.reason == "not UTF-8")
    #expect(error([0x22, 0x5c, 0x6e, 0xc3, 0x22])?.reason == "not UTF-8")
    #expect(error([0xff])?.reason == "byte 255 where a value should be")
  }

  @Test func nestingIsLimitedToWhatAStoreCanRead() {
    let fits = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(error(fits.utf8) == nil)
    #expect(error(("[" + fits + "]").utf8) == BadInput(column: 65, reason: "nested more than 64 levels deep"))
    #expect(error(String(repeating: "[", count: 1_000_000).utf8)?.column == 65)
  }

  @Test func manyFieldsAreCheckedForRepetition() {
    let names = (0..<100).map { "\"f\($0)\":\($0)" }
    #expect(error("{\(names.joined(separator: ","))}".utf8) == nil)
    #expect(error("{\(names.joined(separator: ",")),\"f7\":0}".utf8)?.reason == "field 'f7' appears twice")
    #expect(error("{\(names.joined(separator: ",")),\"f50\":0}".utf8)?.reason == "field 'f50' appears twice")
  }

  /// What Foundation reads from a random text, this reads too, and the reverse.
  @Test(arguments: [UInt64(1), 2, 3, 4])
  func agreesWithFoundationOnRandomTexts(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let pieces = [
      "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\\n\"", "1", "-0.5", "2e3", "true", "null", " ", "\"", "\\", "x",
    ]
    for _ in 0..<2_000 {
      let text = (0..<Int.random(in: 1...9, using: &generator))
        .map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
      let expected = try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
      let found = error(text.utf8)
      if found?.reason.contains("appears twice") == true { continue }  // Foundation keeps one of the two
      #expect((found == nil) == (expected != nil), "seed \(seed): \(text)")
    }
  }
}
