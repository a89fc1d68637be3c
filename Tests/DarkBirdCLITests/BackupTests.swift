import DarkBird
import Foundation
import Testing

/// backup, restore, and verify of a backup, as scripts see them.
@Suite(.timeLimit(.minutes(30))) struct BackupTests {
  private let directory: TemporaryDirectory
  private var store: String { directory("store") }
  private var file: String { directory("a.backup") }

  init() throws { directory = try TemporaryDirectory() }

  private func makeStore() async throws {
    let lines = (0..<500).map { #"{"id":\#($0),"name":"n\#($0)","age":\#($0 % 50)}"# }
    let outcome = try await darkbird(
      "import", store, "-", "--key", "id", "--unique", "name", "--range", "age", input: lines.joined(separator: "\n"))
    try #require(outcome.code == 0, "\(outcome)")
  }

  @Test func fileAndPipeGiveTheStoreBack() async throws {
    try await makeStore()
    let before = try tree(store)
    let made = try await darkbird("backup", store, file, "--json")
    #expect(made.code == 0 && made.output.contains(#""documents":500"#), "\(made)")
    let year = Calendar(identifier: .gregorian).component(.year, from: Date())
    #expect(made.output.contains("\"created\":\"\(year)-"), "\(made)")
    #expect(try tree(store) == before)
    let verified = try await darkbird("verify", file)
    #expect(
      verified.code == 0 && verified.output.hasSuffix("sound\n") && verified.output.contains("LSN   500"), "\(verified)"
    )
    #expect(try await darkbird("restore", file, directory("restored")).code == 0)
    let program = try builtProgram("darkbird")
    let piped = try await shell(
      "set -o pipefail; '\(program)' backup '\(store)' - | '\(program)' restore - '\(directory("piped"))'")
    #expect(piped.code == 0, "\(piped)")
    let expected = try await darkbird("query", store, "--json", "--range", "age=..").output
    for copy in ["restored", "piped"] {
      #expect(try await darkbird("verify", directory(copy)).code == 0)
      #expect(
        Set(try await darkbird("query", directory(copy), "--json", "--range", "age=..").lines)
          == Set(expected.split(separator: "\n")))
      #expect(try await darkbird("query", directory(copy), "--unique", "name=n7", "--count").output == "1\n")
    }
  }

  @Test(arguments: ["backup", "export"]) func whatSomebodyElseHasBesideAFileStays(command: String) async throws {
    try await makeStore()
    let target = directory("out.ndjson")
    let others = ["\(target).part": "precious", directory("thesis"): "also"]
    for (path, text) in others { try Data(text.utf8).write(to: URL(filePath: path)) }
    #expect(try await darkbird(command, store, target).code == 0)
    try FileManager.default.removeItem(atPath: target)
    // Nor is a link followed where the draft goes.
    let draft = DraftFile.draftPath(target)
    try FileManager.default.createSymbolicLink(atPath: draft, withDestinationPath: directory("thesis"))
    #expect(try await darkbird(command, store, target).code != 0)
    try FileManager.default.removeItem(atPath: draft)
    for (path, text) in others { #expect(try String(contentsOfFile: path, encoding: .utf8) == text) }
    // What a killed one has left is taken over.
    try Data(repeating: 7, count: 1 << 20).write(to: URL(filePath: draft))
    #expect(try await darkbird(command, store, target).code == 0)
    #expect(!FileManager.default.fileExists(atPath: draft))
    #expect(try FileManager.default.attributesOfItem(atPath: target)[.size] as? Int != 1 << 20)
  }

  @Test func namedPipesAreReadAndNotReplaced() async throws {
    try await makeStore()
    let pipe = directory("pipe.ndjson")
    try #require(mkfifo(pipe, 0o600) == 0)
    for command in ["backup", "export"] {
      let refused = try await darkbird(command, store, pipe)
      #expect(refused.code == 73 && refused.errors.contains("exists already"), "\(refused)")
    }
    #expect(try await darkbird("backup", store, file).code == 0)
    let program = try builtProgram("darkbird")
    for command in ["verify '\(pipe)'", "restore '\(pipe)' '\(directory("again"))'"] {
      let read = try await shell("cat '\(file)' > '\(pipe)' & '\(program)' \(command)")
      #expect(read.code == 0 && read.output.contains("documents   500"), "\(read)")
    }
    let substituted = try await shell("'\(program)' restore <(cat '\(file)') '\(directory("third"))'")
    #expect(substituted.code == 0, "\(substituted)")
    for copy in ["again", "third"] { #expect(try await darkbird("verify", directory(copy)).code == 0) }
  }

  @Test func refusalsAreOneLineAndLeaveNothing() async throws {
    try await makeStore()
    #expect(try await darkbird("backup", store, file).code == 0)
    func expect(_ outcome: Outcome, _ code: Int32, _ text: String) {
      #expect(outcome.code == code && outcome.errors.contains(text), "\(outcome)")
      #expect(outcome.errors.split(separator: "\n").count == 1 && outcome.output.isEmpty, "\(outcome)")
    }
    let sound = try Data(contentsOf: URL(filePath: file))
    expect(try await darkbird("backup", store, file), 73, "exists already")
    #expect(try Data(contentsOf: URL(filePath: file)) == sound)
    expect(try await darkbird("restore", file, store), 73, "is not empty")
    expect(try await darkbird("backup", directory("missing"), directory("b")), 66, "no such directory")
    expect(try await darkbird("restore", directory("missing"), directory("new")), 66, "No such file")
    expect(try await darkbird("backup", store, directory("nowhere/b")), 66, "No such file")
    var damaged = sound
    damaged[damaged.count / 2] ^= 4
    let names = ["garbage": Data("hello".utf8), "cut": sound.dropLast(5), "flipped": damaged, "empty": Data()]
    for (name, bytes) in names {
      try bytes.write(to: URL(filePath: directory(name)))
      let code: Int32 = name == "garbage" || name == "empty" ? 66 : 65
      expect(try await darkbird("restore", directory(name), directory("new")), code, directory(name))
      expect(try await darkbird("verify", directory(name)), code, directory(name))
      #expect(!FileManager.default.fileExists(atPath: directory("new")))
    }
    #expect(try await shell("'\(builtProgram("darkbird"))' backup '\(store)' /dev/full").code == 73)
    // A file of at most 4 or 8 KiB, as the shell counts.
    let limited = try await shell(
      "ulimit -f 8; exec '\(builtProgram("darkbird"))' backup '\(store)' '\(directory("limited"))'")
    expect(limited, 74, "File too large")
    let remains = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(!remains.contains { $0.hasPrefix("limited") }, "\(remains)")
    // While another program has it open.
    let open = try Store<Value, Record>.open(store, readOnly: false)
    expect(try await darkbird("backup", store, directory("b")), 75, "makes its own backups, with store.backup(to:)")
    try open.backup(to: directory("b"))
    try open.close()
    #expect(try await darkbird("verify", directory("b")).code == 0)
    let left = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(Set(left) == Set(["store", "a.backup", "b"] + names.keys))
  }
}
