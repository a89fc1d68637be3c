import Foundation
import Testing

/// The dashboard in a real terminal.
@Suite(.enabled(if: Tmux.isThere), .timeLimit(.minutes(30))) struct DashboardTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  func terminal(width: Int = 120, height: Int = 40) async throws -> Tmux {
    try await Tmux(
      width: width, height: height,
      environment: [
        "STORE": directory("store"), "TMPDIR": directory.path, "STATE": directory.path,
        "XDG_CONFIG_HOME": directory("config"), "XDG_STATE_HOME": directory("state"),
        "EDITOR": "sh \(directory("editor"))", "VISUAL": "",
      ])
  }

  /// Starts the program, with the modes of the terminal and its process kept, and waits for a text of its first frame.
  func start(_ tmux: Tmux, _ arguments: String, showing text: String = "Throughput") async throws {
    let script = """
      cd "$STATE"
      stty -g > modes
      sh -c 'echo $$ > "$STATE/pid"; exec "$DARKBIRD" \(arguments)'
      echo exit=$? same=$([ "$(stty -g)" = "$(cat "$STATE/modes")" ] && echo yes)

      """
    _ = try directory.file("start", script)
    try await tmux.enter("ulimit -c 0; clear; . $STATE/start")
    try await tmux.waitFor(text)
  }

  /// The program has ended with a code, the modes are as before, the screen is the shell's again, and typing is seen.
  func expectEnd(_ tmux: Tmux, code: Int32) async throws {
    try await tmux.waitFor("exit=\(code) same=yes")
    try await tmux.enter("echo typed-$((40 + 2))")
    let rows = try await tmux.waitFor("typed-42")
    #expect(rows.contains { $0.contains("echo typed-$((40 + 2))") }, "echo is off")
    #expect(!rows.contains { $0.contains("Throughput") })
  }

  /// Waits until the picture is whole at a size.
  func picture(_ tmux: Tmux, _ width: Int, _ height: Int, _ titles: [String]) async throws -> Picture {
    var last = Picture([], width: width, height: height)
    func isWhole(_ picture: Picture) -> Bool {
      picture.problems.isEmpty && titles.allSatisfy { title in picture.boxes.contains { $0.title.hasPrefix(title) } }
    }
    try await tmux.waitFor("a whole picture of \(width)x\(height) with \(titles)") { rows in
      last = Picture(rows, width: width, height: height)
      return isWhole(last)
    }
    return last
  }

  /// Waits until what a panel shows has changed.
  private func expectAlive(_ tmux: Tmux, _ picture: Picture, _ title: String) async throws {
    let box = try #require(picture.boxes.first { $0.title.hasPrefix(title) })
    let before = picture.content(of: box)
    try await tmux.waitFor("life in '\(title)' at \(picture.width)x\(picture.height)") { rows in
      let now = Picture(rows, width: picture.width, height: picture.height)
      return now.problems.isEmpty && now.boxes.contains(box) && now.content(of: box) != before
    }
  }

  @Test func everySizeIsWholeAndAlive() async throws {
    let tmux = try await terminal()
    try await start(tmux, "run --documents 2000")
    let all = ["1 Throughput", "2 Latency", "3 Shards", "4 Log", "5 Index", "6 Events"]
    let large = try await picture(tmux, 120, 40, all)
    for title in all where !title.hasPrefix("5") { try await expectAlive(tmux, large, title) }
    for (width, height, titles) in [
      (80, 24, ["1 Throughput", "2 Latency", "3 Shards", "4 Log"]), (40, 10, ["1 Throughput"]), (200, 60, all),
      (120, 40, all),
    ] {
      try await tmux.resize(width, height)
      let picture = try await picture(tmux, width, height, titles)
      for title in titles where !title.hasPrefix("5") { try await expectAlive(tmux, picture, title) }
    }
    try await tmux.press("q")
    try await expectEnd(tmux, code: 0)
    // The store was in a temporary directory.
    let left = try FileManager.default.subpathsOfDirectory(atPath: directory.path).filter { $0.contains("run-") }
    #expect(left.isEmpty)
  }

  @Test(arguments: [
    ("run --documents 2000 --ram", "1 Throughput", "o"), ("run --documents 2000 --ram", "2 Results", "b"),
    ("tour --chapter pages", "6/11", ""),
  ]) func resizingAllTheTimeLeavesAWholePicture(command: String, title: String, key: String) async throws {
    let tmux = try await terminal()
    try await start(tmux, command, showing: key.isEmpty ? title : "Throughput")
    if !key.isEmpty { try await tmux.press(key) }
    var generator = SplitMix(state: 7)
    for _ in 0..<40 {
      try await tmux.resize(Int.random(in: 5...180, using: &generator), Int.random(in: 2...60, using: &generator))
    }
    try await tmux.resize(100, 30)
    _ = try await picture(tmux, 100, 30, [title])
    try await tmux.press("q")
    try await expectEnd(tmux, code: 0)
  }

  @Test(arguments: [
    ("run --documents 2000 --store $STORE", "1 Throughput"), ("tour --chapter pages", "6/11"),
  ]) func suspendingGivesTheTerminalToTheShell(command: String, title: String) async throws {
    let tmux = try await terminal()
    try await start(tmux, command, showing: title)
    try await tmux.press("C-z")
    // 128 + SIGTSTP.
    try await expectEnd(tmux, code: 148)
    try await tmux.enter("clear; fg; echo again=$?")
    _ = try await picture(tmux, 120, 40, [title])
    try await tmux.press("q")
    try await tmux.waitFor("again=0")
    try await tmux.enter("stty -g | cmp - $STATE/modes && echo same-modes")
    try await tmux.waitFor("the modes as before") { rows in rows.contains { $0.hasPrefix("same-modes") } }
  }

  @Test(arguments: ["C-c", "TERM"]) func cleanStops(how: String) async throws {
    let tmux = try await terminal()
    try await start(tmux, "run --documents 2000 --store $STORE")
    if how == "TERM" { kill(try program(), SIGTERM) } else { try await tmux.press(how) }
    try await expectEnd(tmux, code: 0)
    #expect(try await darkbird("verify", directory("store")).code == 0)
    #expect(try await darkbird("query", directory("store"), "--count").code == 0)
  }

  @Test(arguments: [(SIGTRAP, "TRAP"), (SIGILL, "ILL"), (SIGSEGV, "SEGV"), (SIGABRT, "ABRT")])
  func trapsLeaveTheTerminalUsable(signal: Int32, name: String) async throws {
    let tmux = try await terminal()
    try await start(tmux, "run --documents 2000 --store $STORE")
    kill(try program(), signal)
    try await expectEnd(tmux, code: 128 + signal)
    #expect(try await darkbird("verify", directory("store")).code == 0)
  }

  @Test func hangUpLeavesNoProcessBehind() async throws {
    let tmux = try await terminal()
    try await start(tmux, "run --documents 2000 --store $STORE")
    let pid = try program()
    try await tmux.killServer()
    try await eventually("the end of process \(pid)") { kill(pid, 0) != 0 && errno == ESRCH }
    #expect(try await darkbird("verify", directory("store")).code == 0)
  }

  @Test func openBrowsesAndChangesNothing() async throws {
    let lines = (0..<500).map { #"{"id":"k\#($0)","club":"c\#($0 % 5)","age":\#($0 % 40)}"# }.joined(separator: "\n")
    #expect(
      try await darkbird(
        "import", directory("store"), "-", "--key", "id", "--tag", "club", "--range", "age", input: lines
      ).code == 0)
    let before = try tree(directory("store"))
    let tmux = try await terminal()
    try await start(tmux, "open $STORE", showing: "500")
    try await tmux.press("q")
    try await expectEnd(tmux, code: 0)
    #expect(try tree(directory("store")) == before)
  }

  private func importClubs() async throws {
    let lines = (0..<50).map { #"{"id":"k\#($0)","club":"Ajax","age":\#($0 % 40)}"# }.joined(separator: "\n")
    #expect(
      try await darkbird("import", directory("store"), "-", "--key", "id", "--tag", "club", input: lines).code == 0)
  }

  @Test func documentsAreChangedInAnEditor() async throws {
    try await importClubs()
    _ = try directory.file("editor", "grep -q Ajax \"$1\" && sed -i s/Ajax/Brann/ \"$1\"\n")
    let tmux = try await terminal()
    try await start(tmux, "open $STORE --read-write", showing: "50 docs")
    try await tmux.press("/")
    try await tmux.type("key k7")
    try await tmux.press("Enter")
    try await tmux.waitFor("1 of 1")
    try await tmux.press("E")
    try await tmux.waitFor("change k7: club?")
    try await tmux.press("y")
    try await tmux.waitFor("k7 is changed")
    // The editor does not find what it looks for: nothing is taken, nothing is asked.
    try await tmux.press("E")
    try await tmux.waitFor("the editor has ended with code 1; E: again")
    try await tmux.press("D")
    try await tmux.waitFor("remove k7 from the store?")
    try await tmux.press("n")
    try await tmux.waitFor("k7 stays")
    try await tmux.press("q")
    let rows = try await tmux.waitFor("exit=0 same=yes")
    #expect(rows.contains { $0.hasPrefix("what you typed is still in") })
    #expect(try await darkbird("query", directory("store"), "--key", "k7").output.contains("Brann"))
    #expect(try await darkbird("query", directory("store"), "--where", "tag:club=Ajax", "--count").output == "49\n")
  }

  @Test func signalWhileTheEditorRunsEndsBoth() async throws {
    try await importClubs()
    _ = try directory.file("editor", "stty raw -echo; echo $$ > \"$STATE/editor-pid\"; echo editing; read line\n")
    let tmux = try await terminal()
    try await start(tmux, "open $STORE --read-write", showing: "50 docs")
    try await tmux.press("E")
    try await tmux.waitFor("editing")
    // Ctrl-C and the size of the terminal are the editor's business.
    kill(try program(), SIGINT)
    try await tmux.resize(90, 30)
    let editor = try String(contentsOfFile: directory("editor-pid"), encoding: .utf8)
    kill(try program(), SIGTERM)
    try await expectEnd(tmux, code: 0)
    let process = try #require(Int32(editor.trimmingCharacters(in: .whitespacesAndNewlines)))
    try await eventually("the end of the editor") { kill(process, 0) != 0 && errno == ESRCH }
  }

  @Test func whatIsRecordedIsReplayed() async throws {
    let tmux = try await terminal()
    // The first sample, before which there is nothing to record.
    try await start(tmux, "run --documents 500 --ram", showing: " docs ")
    try await tmux.press("R")
    try await tmux.waitFor("REC LIVE")
    // A sample takes some hundred bytes.
    let folder = directory.path
    try await eventually("some samples in the file") {
      let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      guard let name = files.first(where: { $0.hasSuffix(".dbrec") }) else { return false }
      return ((try? Data(contentsOf: URL(filePath: folder + "/" + name)))?.count ?? 0) > 8_000
    }
    try await tmux.press("[")
    try await tmux.waitFor("REC PAUSED")
    try await tmux.press("R")
    try await tmux.waitFor("'darkbird replay' shows them")
    try await tmux.press("q")
    try await tmux.waitFor("exit=0 same=yes")
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    let name = try #require(files.first { $0.hasSuffix(".dbrec") })
    try await start(tmux, "replay \(name)", showing: "REPLAY")
    try await tmux.press("$")
    try await tmux.waitFor("REPLAY end")
    try await tmux.press("^")
    try await tmux.waitFor("REPLAY 1x")
    try await tmux.press("q")
    try await tmux.waitFor("exit=0 same=yes")
    let whole = try Data(contentsOf: URL(filePath: directory(name)))
    try whole.dropLast(10).write(to: URL(filePath: directory(name)))
    try await start(tmux, "replay \(name)", showing: "REPLAY")
    try await tmux.press("q")
    let rows = try await tmux.waitFor("exit=0 same=yes")
    #expect(rows.contains { $0.contains("darkbird: \(name): cut off at byte") })
    // What cannot be played says so before it needs a terminal.
    try Data("not a recording".utf8).write(to: URL(filePath: directory(name)))
    let garbage = try await darkbird("replay", directory(name))
    #expect(garbage.code == 65 && garbage.errors == "darkbird: \(directory(name)): not a recording of darkbird\n")
    #expect(try await darkbird("replay", directory("nowhere")).code == 66)
    #expect(try await darkbird("replay", directory.path).code == 66)
  }

  @Test(arguments: ["braille", "blocks", "ascii"]) func glyphsAreAChoice(glyphs: String) async throws {
    let tmux = try await terminal()
    try await start(tmux, "run --documents 2000 --ram --glyphs \(glyphs)")
    let rows = try await tmux.waitFor("Throughput")
    #expect(rows.joined().unicodeScalars.allSatisfy(\.isASCII) == (glyphs == "ascii"))
    try await tmux.press("q")
    try await expectEnd(tmux, code: 0)
  }

  @Test func theCursorStandsOnWhatIsSelected() async throws {
    let tmux = try await terminal()
    try await start(tmux, "run --documents 2000 --ram")
    try await eventually("a hidden cursor") { try await tmux.cursor() == nil }
    try await tmux.press("A", "Down", "Down")
    let rows = try await tmux.waitFor("writers stopped")
    let row = try #require(rows.firstIndex { $0.contains("writers stopped") })
    try await eventually("the cursor in row \(row)") { try await tmux.cursor()?.y == row }
    try await tmux.press("o")
    try await eventually("a hidden cursor") { try await tmux.cursor() == nil }
    try await tmux.press("q")
    try await expectEnd(tmux, code: 0)
    // The shell has its cursor back.
    #expect(try await tmux.cursor() != nil)
  }

  @Test func theWorkloadChangesWhileItRuns() async throws {
    let tmux = try await terminal()
    try await start(tmux, "run --documents 2000 --store $STORE")
    try await tmux.waitFor("load clubs")
    try await tmux.press("w")
    try await tmux.waitFor("1 Workload")
    try await tmux.press("Right")
    try await tmux.waitFor("was clubs")
    try await tmux.press("Enter")
    try await tmux.waitFor("run 2 running")
    try await tmux.waitFor("load ycsb-a")
    try await tmux.press("s")
    try await tmux.waitFor("workload ended: stopped")
    try await tmux.press("s")
    try await tmux.waitFor("run 3 running")
    try await tmux.press("q")
    try await expectEnd(tmux, code: 0)
    #expect(try await darkbird("verify", directory("store")).code == 0)
  }

  @Test func keysAreThoseOfTheConfiguration() async throws {
    try FileManager.default.createDirectory(
      atPath: directory("config") + "/darkbird", withIntermediateDirectories: true)
    try "theme = mono\nlayout = teaching\n[keys]\nquit = x\n".write(
      toFile: directory("config") + "/darkbird/config", atomically: true, encoding: .utf8)
    let tmux = try await terminal()
    try await start(tmux, "run --documents 2000 --ram", showing: "What you see")
    try await tmux.waitFor("x quit")
    try await tmux.press("q")
    try await tmux.press(":")
    try await tmux.waitFor("Commands")
    try await tmux.type("watch")
    try await tmux.press("Enter")
    try await tmux.waitFor("2 Latency")
    try await tmux.press("x")
    try await expectEnd(tmux, code: 0)
  }

  /// The process of the program that `start` has started.
  func program() throws -> Int32 {
    let text = try String(contentsOfFile: directory("pid"), encoding: .utf8)
    return try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
  }
}
