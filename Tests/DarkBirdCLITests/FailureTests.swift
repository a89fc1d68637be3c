import Foundation
import Testing

/// Everything that can be wrong from outside: one line on standard error, a code of sysexits, nothing changed on disk.
@Suite(.timeLimit(.minutes(30))) struct FailureTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// A small store with a log of a few pages.
  private func makeStore(_ name: String = "store") async throws -> String {
    let lines = (0..<200).map { #"{"id":\#($0),"name":"n\#($0)","age":\#($0 % 50)}"# }.joined(separator: "\n")
    let outcome = try await darkbird(
      "import", directory(name), "-", "--key", "id", "--unique", "name", "--range", "age", input: lines)
    try #require(outcome.code == 0, "\(outcome)")
    return directory(name)
  }

  private func expect(
    _ outcome: Outcome, _ code: Int32, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.code == code && !outcome.wasKilled, "\(outcome)", sourceLocation: sourceLocation)
    #expect(outcome.errors.hasPrefix("darkbird: "), "\(outcome)", sourceLocation: sourceLocation)
    #expect(
      outcome.errors.hasSuffix("\n") && outcome.errors.count(where: \.isNewline) == 1, "\(outcome)",
      sourceLocation: sourceLocation)
    for part in parts {
      #expect(outcome.errors.contains(part), "\(part) in \(outcome)", sourceLocation: sourceLocation)
    }
  }

  /// The commands that read a store.
  private static let readers = [["open"], ["query"], ["stats"], ["verify"]]

  private func read(_ command: [String], _ path: String) async throws -> Outcome {
    try await Program(builtProgram("darkbird"), command + [path]).outcome()
  }

  @Test(arguments: readers) func pathThatDoesNotExist(command: [String]) async throws {
    expect(try await read(command, directory("missing")), 66, directory("missing"))
    #expect(try tree(directory.path).count == 1)
  }

  @Test(arguments: readers) func directoryThatIsNoStore(command: [String]) async throws {
    expect(try await read(command, "/etc"), 66, "/etc", "not a DarkBird store")
  }

  @Test(arguments: readers) func emptyDirectory(command: [String]) async throws {
    try FileManager.default.createDirectory(atPath: directory("empty"), withIntermediateDirectories: false)
    let before = try tree(directory.path)
    expect(try await read(command, directory("empty")), 66, directory("empty"), "not a DarkBird store")
    #expect(try tree(directory.path) == before)
  }

  @Test(arguments: readers) func fileInsteadOfADirectory(command: [String]) async throws {
    let path = try directory.file("file", "x")
    expect(try await read(command, path), 66, path)
  }

  /// The files that a command opens first would take the places of those that are closed, and its messages would go into them.
  @Test(arguments: [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"]) func closedDescriptorsGetNoMessages(
    closed: String
  ) async throws {
    let input = try directory.file("in.ndjson", (0..<300).map { "{\"id\":\($0)}\n" }.joined() + "no JSON\n{}\n")
    let (store, program) = (directory("store"), try builtProgram("darkbird"))
    _ = try await shell("'\(program)' import '\(store)' '\(input)' --key id \(closed); true")
    let verified = try await darkbird("verify", store)
    #expect(verified.code == 0 && verified.output.contains("documents   300"), "\(verified)")
    let file = directory("out.ndjson")
    _ = try await shell("'\(program)' export '\(store)' '\(file)' --range nothing=.. \(closed); true")
    _ = try await shell("'\(program)' export '\(store)' '\(file)' \(closed); true")
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 300 && lines.allSatisfy { $0.hasPrefix("{\"key\":") && $0.hasSuffix("}}") })
  }

  @Test(arguments: ["import", "verify a backup", "export"]) func fullDiskBehindStandardOutputIsTold(
    command: String
  ) async throws {
    let store = try await makeStore()
    let (input, backup) = (try directory.file("in.ndjson", "{\"id\":1}\n"), directory("a.backup"))
    try #require(try await darkbird("backup", store, backup).code == 0)
    let arguments =
      switch command {
      case "import": "import '\(directory("other"))' '\(input)' --key id"
      case "export": "export '\(store)' '\(directory("out.csv"))'"
      default: "verify '\(backup)'"
      }
    expect(
      try await shell("'\(try builtProgram("darkbird"))' \(arguments) >/dev/full"), 74, "standard output", "space")
  }

  /// What is left where a store was being made when its program was killed.
  @Test(arguments: [["LOCK"], ["LOCK", "MANIFEST.new"]]) func unfinishedStoreIsMade(names: [String]) async throws {
    let input = try directory.file("in.ndjson", "{\"id\":1}\n")
    let store = directory("store")
    try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: false)
    for name in names { _ = try directory.file("store/\(name)", "") }
    let outcome = try await darkbird("import", store, input, "--key", "id", "--range", "id")
    #expect(outcome.code == 0, "\(outcome)")
    #expect(try await darkbird("query", store, "--range", "id=..", "--count").output == "1\n")
  }

  @Test func pathIsNamedWhereTheSentenceHasItAsAWord() async throws {
    let input = try directory.file("in.ndjson", "{\"id\":\"c1\"}\n")
    let program = try builtProgram("darkbird")
    let made = try await shell("cd '\(directory.path)' && '\(program)' import store '\(input)' --key id")
    try #require(made.code == 0, "\(made)")
    // Also where the sentence begins with it.
    _ = try await shell("cd '\(directory.path)' && cp -r store d")
    for name in ["store", "d"] {
      expect(
        try await shell("cd '\(directory.path)' && '\(program)' run --headless --duration 1 --store \(name)"), 65,
        "darkbird: \(name): document")
    }
  }

  @Test(arguments: [["--tag", "a", "--tag", "a"], ["--unique", ""]]) func indexesThatMakeNoSense(
    options: [String]
  ) async throws {
    let input = try directory.file("in.ndjson", "{\"id\":1}\n")
    let store = try await makeStore()
    for command in [["import", directory("new"), input, "--key", "id"], ["migrate", store]] {
      expect(try await Program(builtProgram("darkbird"), command + options).outcome(), 64, options[0])
    }
    #expect(!FileManager.default.fileExists(atPath: directory("new")))
  }

  @Test(arguments: readers) func flippedByteInTheFirstPage(command: [String]) async throws {
    let store = try await makeStore()
    let names = try FileManager.default.contentsOfDirectory(atPath: store).filter { $0.hasPrefix("wal-") }.sorted()
    let page = "\(store)/\(try #require(names.first))"
    var bytes = try Data(contentsOf: URL(filePath: page))
    bytes[4_096 + 20] ^= 0x10  // in the first frame
    try bytes.write(to: URL(filePath: page))
    let before = try tree(store)
    let outcome = try await read(command, store)
    if command == ["verify"] {
      #expect(outcome.code == 65 && outcome.output.contains("offset"), "\(outcome)")
    } else {
      expect(outcome, 65, page, "offset")
    }
    #expect(try tree(store) == before)
  }

  @Test(arguments: [["run", "--headless", "--store"], ["open", "--read-write"], ["import"]])
  func storeInUse(command: [String]) async throws {
    let store = try await makeStore()
    let holder = try Program(
      builtProgram("darkbird"), ["run", "--headless", "--documents", "100", "--store", directory("held")])
    defer { holder.send(SIGTERM) }
    try await eventually("the holder has made its store") {
      FileManager.default.fileExists(atPath: directory("held") + "/MANIFEST")
    }
    _ = store
    var arguments = command + [directory("held")]
    if command == ["import"] { arguments += ["/dev/null", "--format", "ndjson", "--key", "id"] }
    let outcome = try await Program(builtProgram("darkbird"), arguments).outcome()
    if command.first == "open" && outcome.code == 69 { return }  // the terminal is looked at first
    expect(outcome, 75, directory("held"), "in use by")
    holder.send(SIGTERM)
    #expect(try await holder.outcome().code == 0)
    #expect(try await darkbird("verify", directory("held")).code == 0)
  }

  @Test func storeOfOneUserIsNoBusinessOfAnother() async throws {
    guard getuid() != 0 else { return }  // root may read everything
    let store = try await makeStore()
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: store)
    defer { try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: store) }
    expect(try await darkbird("stats", store), 77, store)
  }

  @Test func directoryThatCannotBeMade() async throws {
    let path = try directory.file("file", "x") + "/store"
    expect(try await darkbird("run", "--headless", "--store", path), 66, path)
  }

  @Test(arguments: [[], ["run"], ["open", "STORE"]]) func standardOutputThatIsAPipe(command: [String]) async throws {
    let store = try await makeStore()
    let before = try tree(directory.path)
    let arguments = command.map { $0 == "STORE" ? store : $0 }
    expect(try await Program(builtProgram("darkbird"), arguments).outcome(), 69, "standard output")
    #expect(try tree(directory.path) == before)
  }

  @Test(.enabled(if: Tmux.isThere), arguments: ["dumb", "no-such-terminal", ""])
  func terminalThatCannotDraw(type: String) async throws {
    let store = try await makeStore()
    let before = try tree(directory.path)
    let tmux = try await Tmux(environment: ["STORE": store, "TMPDIR": directory.path])
    for command in ["open $STORE", "run", "run --store $STORE/../new"] {
      try await tmux.enter(
        "clear; TERM='\(type)' $DARKBIRD \(command) 2> /dev/shm/err.$$; echo exit=$? lines=$(wc -l < /dev/shm/err.$$)")
      try await tmux.waitFor("exit=69 lines=1")
    }
    try await tmux.enter("rm /dev/shm/err.$$; clear; echo gone")
    try await tmux.waitFor("gone")
    #expect(try tree(directory.path) == before)
  }

  @Test(arguments: [
    (["--nonsense"], "--nonsense"), (["query"], "directory"), (["open", "a", "b"], "'b'"),
    (["run", "--rate", "fast"], "--rate"), (["run", "--rate", "0"], "--rate"),
    (["run", "--ram", "--store", "x"], "--ram"),
    (["run", "--json"], "--headless"), (["run", "--page-records", "0"], "--page-records"),
    (["run", "--page-bytes", "1"], "--page-bytes"), (["run", "--workload", "nothing"], "--workload"),
    (["run", "--scenario", "nothing"], "rush-hour, hot-keys, write-burst, readers-writers"),
    (["run", "--scenario", "nothing", "--headless"], "rush-hour, hot-keys, write-burst, readers-writers"),
    (["run", "--writers", "0", "--readers", "0"], "--writers"), (["run", "--ack", "perhaps"], "--ack"),
    (["query", "x", "--json", "--csv"], "--json"), (["query", "x", "--tag", "a"], "--tag a"),
    (["query", "x", "--limit", "0"], "--limit"), (["import", "x", "y", "--type", "a=b"], "--type"),
  ])
  func commandLinesThatMakeNoSense(arguments: [String], part: String) async throws {
    let outcome = try await Program(builtProgram("darkbird"), arguments, in: directory.path).outcome()
    expect(outcome, 64, part, "see 'darkbird help")
    #expect(try tree(directory.path).count == 1)
  }

  @Test func outputThatNobodyReadsIsNoError() async throws {
    let store = try await makeStore()
    let outcome = try await shell(
      "set -o pipefail; '\(try builtProgram("darkbird"))' query \(store) --json | head -n 1; echo ${PIPESTATUS[0]}")
    #expect(outcome.lines.last == "0" && outcome.errors.isEmpty, "\(outcome)")
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func outputThatCannotBeWritten() async throws {
    let store = try await makeStore()
    let outcome = try await Program(builtProgram("darkbird"), ["query", store], output: "/dev/full").outcome()
    expect(outcome, 74, "standard output")
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func aSecondSignalEndsWhatWaitsForEver(signal: Int32) async throws {
    let pipe = directory("pipe")
    try #require(mkfifo(pipe, 0o600) == 0)
    // Open for both: it is never at its end.
    let writer = try #require(FileHandle(forUpdatingAtPath: pipe))
    try writer.write(contentsOf: Data((#"{"id":"imported before"}"# + "\n").utf8))
    let program = try Program(
      builtProgram("darkbird"), ["import", directory("stalled"), pipe, "--key", "id", "--format", "ndjson"])
    try await eventually("the first line is imported") {
      let log = try? Data(contentsOf: URL(filePath: directory("stalled") + "/wal-000000000001"))
      return log?.firstRange(of: Data("imported before".utf8)) != nil
    }
    program.send(signal)
    try await eventually("it says that it waits") { try program.errors.contains("again to end at once") }
    program.send(signal)
    let outcome = try await program.outcome()
    #expect(outcome.wasKilled && outcome.code == signal, "\(outcome)")
    #expect(outcome.errors == "darkbird: stopping after this step; again to end at once\n", "\(outcome)")
    #expect(try await darkbird("query", directory("stalled"), "--count").output == "1\n")
  }

  /// On a tmpfs of 24 MiB, where this machine lets the tests mount one.
  @Test func fullDisk() async throws {
    let disk = directory("disk")
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
    let mounted = try await shell("mount -t tmpfs -o size=24m none '\(disk)'")
    guard mounted.code == 0 else {
      print("skipped fullDisk: no right to mount a tmpfs here: \(mounted.errors)")
      return
    }
    do {
      try await onFullDisk(disk)
    } catch {
      _ = try await shell("umount '\(disk)'")
      throw error
    }
    _ = try await shell("umount '\(disk)'")
  }

  private func onFullDisk(_ disk: String) async throws {
    let line = #"{"id":1,"text":"\#(String(repeating: "x", count: 1_000))"}"#
    // Documents until the disk is full: an error of the disk, and what was imported is there.
    let lines = (0..<30_000).map { line.replacing(#""id":1"#, with: #""id":\#($0)"#) }.joined(separator: "\n")
    var outcome = try await darkbird("import", disk + "/a", "-", "--key", "id", input: lines)
    // On a slow machine it also tells how far it has come.
    outcome.errors =
      outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("imported ") }.joined(separator: "\n") + "\n"
    expect(outcome, 74, disk + "/a")
    #expect(!outcome.errors.contains("nothing"), "\(outcome)")
    let count = try await darkbird("query", disk + "/a", "--count").lines.first ?? ""
    #expect(outcome.output == "imported \(count), rejected 0\n", "\(outcome)")
    #expect(try await darkbird("verify", disk + "/a").code == 0)
    #expect(try await darkbird("query", disk + "/a", "--key", "0", "--count").output == "1\n")

    // With no byte left, a new store is refused, and so is one more document; what is there stays as it is.
    _ = try await shell("head -c 48m /dev/zero > '\(disk)/filler'")
    let before = try tree(disk, withTimes: false)
    expect(try await darkbird("run", "--headless", "--store", disk + "/b"), 74, disk)
    expect(try await darkbird("import", disk + "/a", "-", "--key", "id", input: line), 74, disk)
    expect(try await darkbird("import", disk + "/c", "-", "--key", "id", input: line), 74, disk)
    #expect(!FileManager.default.fileExists(atPath: disk + "/c"))
    let after = try tree(disk, withTimes: false)
    #expect(
      after.filter { $0.key.hasPrefix("a/wal") || $0.key.hasPrefix("a/ckpt") }
        == before.filter { $0.key.hasPrefix("a/wal") || $0.key.hasPrefix("a/ckpt") })
    #expect(try await darkbird("stats", disk + "/a").code == 0)
  }
}
