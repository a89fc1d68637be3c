import DarkBird
import DarkBirdDashboard
import Foundation
import Testing

@testable import DarkBirdCLI

@Suite struct CSVReaderTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Each record as `line: JSON`, or `line! reason`.
  private func read(_ text: some Sequence<UInt8>) throws -> [String] {
    var reader = try CSVReader(LineReader(path: directory.file("in.csv", Array(text))))
    var found: [String] = []
    while let record = try reader.next() {
      switch record.content {
      case .success(let document): found.append("\(record.line): \(document.json)")
      case .failure(let error): found.append("\(record.line)! \(error.description)")
      }
    }
    return found
  }

  private func read(_ text: String) throws -> [String] { try read(Array(text.utf8)) }

  @Test func quotedFieldsHoldCommasQuotesAndLineEnds() throws {
    let text = "id,text\r\n1,\"a,b\"\r\n2,\"say \"\"hi\"\"\"\r\n3,\"two\r\nlines\"\r\n4,plain\r\n"
    #expect(
      try read(text) == [
        #"2: {"id":1,"text":"a,b"}"#, #"3: {"id":2,"text":"say \"hi\""}"#, #"4: {"id":3,"text":"two\r\nlines"}"#,
        #"6: {"id":4,"text":"plain"}"#,
      ])
  }

  @Test func lastLineNeedsNoNewlineAndByteOrderMarkIsNoName() throws {
    #expect(try read(Array("\u{feff}id,b\n1,x\n\n2,\"y\"".utf8)) == [#"2: {"id":1,"b":"x"}"#, #"4: {"id":2,"b":"y"}"#])
  }

  @Test(arguments: [
    ("7", Value.int(7)), ("-7", .int(-7)), ("0", .int(0)), ("042", .string("042")), ("+7", .string("+7")),
    ("1.50", .double(1.5)), ("1e-05", .double(1e-05)), (".5", .string(".5")), ("1.", .string("1.")),
    ("9223372036854775808", .unsigned(9_223_372_036_854_775_808)),
    ("123456789012345678901234567890", .string("123456789012345678901234567890")), ("1e999", .string("1e999")),
    ("true", .bool(true)), ("false", .bool(false)), ("TRUE", .string("TRUE")), ("nan", .string("nan")),
    (" 7", .string(" 7")), ("2024-02-29", .date(Date(timeIntervalSince1970: 1_709_164_800))),
    ("2023-02-29", .string("2023-02-29")), ("12:30", .string("12:30")),
  ])
  func valuesAreTyped(text: String, value: Value) {
    #expect(CSVReader.value(text) == value)
  }

  @Test func emptyFieldsAreAbsent() throws {
    #expect(try read("a,b,c\n1,,\"\"\n,,3\n") == [#"2: {"a":1}"#, #"3: {"c":3}"#])
  }

  @Test func badRecordsCostTheirOwnLineOnly() throws {
    let text = "a,b\n1,2,3\n4\n5,x\"y\n6,\"x\"y\n7,ok\n"
    #expect(
      try read(text) == [
        "2! 3 fields where the header has 2", "3! 1 fields where the header has 2",
        "4! column 4: a quote inside a field that does not begin with one", "5! column 6: text after a closing quote",
        #"6: {"a":7,"b":"ok"}"#,
      ])
  }

  @Test func quoteThatIsNeverClosedCostsOneLine() throws {
    #expect(
      try read("a,b\n1,\"open\n2,x\n3,y\n") == [
        "2! a quote is opened and never closed", #"3: {"a":2,"b":"x"}"#, #"4: {"a":3,"b":"y"}"#,
      ])
    // The next opening quote looks like the closing one, and the text after it does not fit.
    #expect(
      try read("a,b\n1,\"open\n2,\"x\"\n3,\"y\"\n") == [
        "2! text after a closing quote, 1 line below the opening one", #"3: {"a":2,"b":"x"}"#, #"4: {"a":3,"b":"y"}"#,
      ])
  }

  @Test func fieldsThatAreNotUTF8AreReported() throws {
    #expect(
      try read(Array("a,b\n1,".utf8) + [0xff, 0x0a] + Array("2,x\n".utf8)) == [
        "2! field 2 is not UTF-8", #"3: {"a":2,"b":"x"}"#,
      ])
  }

  @Test(arguments: [
    ("", "no header line"), ("a,,b\n", "column 2 has no name"), ("a,b,a\n", "two columns are named 'a'"),
    ("a,\"b\n", "a quote is opened and never closed"),
  ])
  func badHeadersAreRefused(text: String, reason: String) {
    #expect { _ = try read(text) } throws: { ($0 as? Failure)?.description.hasSuffix(reason) == true }
  }

  /// Random fields, written with and without needless quotes, come back as they were.
  @Test(arguments: [UInt64(1), 2, 3])
  func whatIsWrittenIsRead(seed: UInt64) throws {
    var generator = SplitMix(state: seed)
    let pieces = ["a", ",", "\"", "\n", "\r\n", "é", " ", "x"]
    var expected: [[String]] = []
    var text = "p,q\n"
    for _ in 0..<300 {
      let fields = (0..<2).map { _ in
        "t"
          + (0..<Int.random(in: 0...6, using: &generator))
          .map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
      }
      expected.append(fields)
      let written = fields.map { field in
        let quoted = ExportText.csv(field)
        return quoted == field && Bool.random(using: &generator) ? "\"\(field)\"" : quoted
      }
      text += written.joined(separator: ",") + (Bool.random(using: &generator) ? "\n" : "\r\n")
    }
    var reader = try CSVReader(LineReader(path: directory.file("random.csv", text)))
    for fields in expected {
      let record = try #require(try reader.next()).content.get()
      #expect(record.fields.map(\.value) == fields.map { .string($0) }, "seed \(seed)")
    }
    #expect(try reader.next()?.line == nil)
  }
}
