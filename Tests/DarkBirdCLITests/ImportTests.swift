import Foundation
import Testing

@Suite(.timeLimit(.minutes(30))) struct ImportTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func query(_ arguments: String...) async throws -> Outcome {
    try await Program(builtProgram("darkbird"), ["query", directory("store")] + arguments).outcome()
  }

  @Test func linesThatAreWrongAreReportedAndTheRestGoesOn() async throws {
    let file = try directory.file(
      "people.ndjson",
      """
      {"id":1,"email":"a@x","age":30}
      {"id":2,"email":"b@x"

      {"email":"c@x"}
      {"id":null}
      {"id":3,"email":"a@x"}
      [1]
      {"id":4,"email":"d@x","age":31}
      {"id":1,"email":"a@x","age":32}
      """)
    let outcome = try await darkbird(
      "import", directory("store"), file, "--key", "id", "--unique", "email", "--range", "age")
    #expect(outcome.code == 65)
    #expect(
      outcome.errors == """
        \(file):2: column 22: the text ends where ',' or '}' should be
        \(file):4: no field 'id', which is the key
        \(file):5: the key 'id' is null
        \(file):6: email a@x is taken by document 1
        \(file):7: not an object; a document looks like {"name": "Ada"}
        darkbird: \(directory("store")): 5 of 8 documents of \(file) were rejected

        """)
    #expect(outcome.output == "imported 3, rejected 5 (1 of them replaced a document with the same key)\n")
    #expect(
      try await query("--json", "--range", "age=..").output == """
        {"key":4,"document":{"id":4,"email":"d@x","age":31}}
        {"key":1,"document":{"id":1,"email":"a@x","age":32}}

        """)
  }

  @Test func csvIsTypedAndArraysOfNDJSONGiveTags() async throws {
    let csv = try directory.file("in.csv", "id,name,when,score\n7,\"a,b\",2024-01-31,1.5\n8,c,2024-02-01,\n")
    #expect(
      try await darkbird(
        "import", directory("csv"), csv, "--key", "id", "--range", "when", "--range", "score"
      ).code == 0)
    let found = try await darkbird("query", directory("csv"), "--range", "when=2024-02-01..", "--json")
    #expect(found.output == #"{"key":8,"document":{"id":8,"name":"c","when":"2024-02-01T00:00:00Z"}}"# + "\n")
    #expect(
      try await darkbird("query", directory("csv"), "--range", "score=1..<2", "--csv").output
        == "key,id,name,when,score\n7,7,\"a,b\",2024-01-31T00:00:00Z,1.5\n")

    let lines = """
      {"id":"x","at":{"city":"Oslo"},"skills":["swift","c"]}
      {"id":"y","at":{"city":"Rome"},"skills":["c"]}
      """
    #expect(
      try await darkbird(
        "import", directory("store"), "-", "--key", "id", "--tag", "at.city", "--tag", "skills", input: lines
      ).code == 0)
    #expect(try await query("--tag", "skills=c", "--count").output == "2\n")
    #expect(try await query("--tag", "skills=c", "--tag", "at.city=Rome", "--json").output.contains(#""key":"y""#))
  }

  @Test func aStoreKeepsItsIndexes() async throws {
    let one = #"{"id":1,"a":1,"b":"x"}"#
    #expect(
      try await darkbird(
        "import", directory("store"), "-", "--key", "id", "--unique", "a", "--tag", "b", input: one
      ).code == 0)
    let two = #"{"id":2,"a":2,"b":"x"}"#
    #expect(try await darkbird("import", directory("store"), "-", "--key", "id", input: two).code == 0)
    let same = try await darkbird(
      "import", directory("store"), "-", "--key", "id", "--tag", "b", "--unique", "a", input: two)
    #expect(same.code == 0 && same.output.contains("imported 1"), "\(same)")
    let before = try tree(directory("store"))
    let other = try await darkbird("import", directory("store"), "-", "--key", "id", "--unique", "b", input: two)
    #expect(other.code == 64, "\(other)")
    #expect(other.errors.contains("--unique b is new, --unique a is missing, --tag b is missing"), "\(other)")
    #expect(try tree(directory("store")) == before)
    #expect(try await query("--tag", "b=x", "--count").output == "2\n")
  }

  @Test func typesAreForColumnsOfCSV() async throws {
    let file = try directory.file("in.ndjson", #"{"id":1,"zip":150}"#)
    let json = try await darkbird("import", directory("store"), file, "--key", "id", "--type", "zip=string")
    #expect(json.code == 64 && json.errors.contains("--type zip: \(file) is not CSV"), "\(json)")
    let csv = try await darkbird(
      "import", directory("store"), "-", "--key", "id", "--format", "csv", "--type", "nope=string", input: "id\n1\n")
    #expect(csv.code == 64 && csv.errors.contains("--type nope: "), "\(csv)")
    #expect(!FileManager.default.fileExists(atPath: directory("store")))
  }

  @Test func inputThatCannotBeReadLeavesNoStoreBehind() async throws {
    #expect(try await darkbird("import", directory("store"), directory("missing"), "--key", "id").code == 66)
    #expect(
      try await darkbird("import", directory("store"), "-", "--key", "id", "--format", "csv", input: "").code == 65)
    #expect(try tree(directory.path).count == 1)
  }

  @Test func manyBadLinesAreCounted() async throws {
    let outcome = try await darkbird(
      "import", directory("store"), "-", "--key", "id", "--format", "ndjson",
      input: String(repeating: "{\n", count: 150) + #"{"id":1}"#)
    #expect(outcome.code == 65)
    #expect(outcome.errors.split(separator: "\n").count == 102)
    let end = "darkbird: \(directory("store")): 150 of 151 documents of standard input were rejected\n"
    #expect(outcome.errors.hasSuffix("… and 50 more\n\(end)"), "\(outcome)")
    #expect(outcome.output == "imported 1, rejected 150\n")
  }
}
