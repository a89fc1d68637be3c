import DarkBird
import Foundation
import Testing

/// The dashboard and a disk that is slow, full, or left in the middle of something.
extension DashboardTests {
  private func importDocuments(_ count: Int) async throws {
    let lines = (0..<count).map { #"{"id":"k\#($0)","text":"\#(String(repeating: "x", count: 200))"}"# }
    #expect(
      try await darkbird("import", directory("store"), "-", "--key", "id", input: lines.joined(separator: "\n")).code
        == 0
    )
  }

  @Test(arguments: [["q"], ["C-c"]]) func aStoreThatTakesLongToOpenShowsHowFarItIs(key: [String]) async throws {
    try await importDocuments(10)
    // A page that never comes to its end.
    let page = directory("store") + "/wal-00000001"
    let names = try FileManager.default.contentsOfDirectory(atPath: directory("store"))
    let name = try #require(names.first { $0.hasPrefix("wal-") }, "\(page)")
    try FileManager.default.removeItem(atPath: directory("store") + "/" + name)
    #expect(mkfifo(directory("store") + "/" + name, 0o600) == 0)
    let tmux = try await terminal()
    try await start(tmux, "open $STORE", showing: "reading the store")
    try await tmux.resize(60, 12)
    try await tmux.waitFor("q quit")
    try await tmux.press(key[0])
    try await expectEnd(tmux, code: 0)
  }

  @Test func aProgramThatIsKilledLeavesNoHalfExport() async throws {
    try await importDocuments(20_000)
    let folder = directory("out")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    let tmux = try await terminal()
    try await start(tmux, "open $STORE", showing: "20,000 docs")
    try await tmux.press("e", "C-u")
    try await tmux.type("out/all.ndjson")
    let pid = try program()
    try await tmux.press("Enter")
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder) }
    // As soon as there is something of it.
    while try names().isEmpty { await Task.yield() }
    kill(pid, SIGKILL)
    try await tmux.waitFor("exit=137")
    if FileManager.default.fileExists(atPath: folder + "/all.ndjson") {
      let text = try String(contentsOfFile: folder + "/all.ndjson", encoding: .utf8)
      #expect(text.split(separator: "\n").count == 20_000)
    } else {
      #expect(try names() == [DraftFile.draftPath("all.ndjson")])
    }
    // The next one takes the rest over.
    try await tmux.enter("stty sane; reset; clear")
    try await start(tmux, "open $STORE", showing: "20,000 docs")
    try await tmux.press("e", "C-u")
    try await tmux.type("out/again.ndjson")
    try await tmux.press("Enter")
    try await tmux.waitFor("20,000 documents in out/again.ndjson")
    try await tmux.press("q")
    try await tmux.waitFor("exit=0")
    #expect(try !names().contains { $0.hasPrefix("again.ndjson.") })
  }

  @Test func anExportAsksBeforeItReplacesAFile() async throws {
    try await importDocuments(10)
    let path = directory.path + "/mine.csv"
    try Data("mine".utf8).write(to: URL(filePath: path))
    let tmux = try await terminal(width: 80, height: 24)
    try await start(tmux, "open $STORE", showing: "10 docs")
    try await tmux.press("e", "C-u")
    try await tmux.type("mine.csv")
    try await tmux.press("Enter")
    try await tmux.waitFor("overwrite mine.csv, which is there already?")
    try await tmux.press("n")
    try await tmux.waitFor("export to mine.csv")
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
    try await tmux.press("Enter")
    try await tmux.waitFor("overwrite mine.csv, which is there already?")
    try await tmux.press("y")
    try await tmux.waitFor("10 documents in mine.csv")
    #expect(try String(contentsOfFile: path, encoding: .utf8).split(separator: "\r\n").count == 11)
    try await tmux.press("q")
    try await tmux.waitFor("exit=0")
  }

  @Test func aBackupRunsAsAJobAndStaysInTheList() async throws {
    try await importDocuments(2_000)
    let tmux = try await terminal()
    try await start(tmux, "open $STORE --read-write", showing: "2,000 docs")
    try await tmux.press("J", "Tab")
    for name in ["backup-to", "export-to", "copy-to", "mirror-to", "import-from", "load-from"] {
      try await tmux.waitFor(name)
    }
    try await tmux.waitFor("what each does, in whole words") { rows in !rows.joined().contains("…") }
    try await tmux.press("Enter")
    try await tmux.waitFor("back up to")
    try await tmux.type("all.backup")
    try await tmux.press("Enter")
    try await tmux.waitFor("done      backup-to all.backup")
    // By name, from anywhere; what fails is a line, and both stay.
    try await tmux.press("b", ":")
    try await tmux.type("backup-to")
    try await tmux.press("Enter")
    try await tmux.type("all.backup")
    try await tmux.press("Enter")
    try await tmux.waitFor("backup-to failed: ")
    try await tmux.press("J")
    try await tmux.waitFor("failed    backup-to all.backup")
    try await tmux.waitFor("all.backup: exists already, and is left as it is")
    try await tmux.waitFor("2,000 documents, ")
    try await tmux.press("q")
    try await tmux.waitFor("exit=0")
    #expect(try await darkbird("verify", directory.path + "/all.backup").code == 0)
  }

  /// On a tmpfs of 2 MiB, where this machine lets the tests mount one.
  @Test func aFullDiskIsSaidOnceAndTheDashboardGoesOn() async throws {
    let disk = directory("disk")
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
    guard try await shell("mount -t tmpfs -o size=2m none '\(disk)'").code == 0 else {
      print("skipped: no right to mount a tmpfs here")
      return
    }
    var failure: (any Error)?
    do { try await onFullDisk(disk) } catch { failure = error }
    _ = try await shell("umount -l '\(disk)'")
    if let failure { throw failure }
  }

  private func onFullDisk(_ disk: String) async throws {
    let tmux = try await terminal()
    try await start(tmux, "run --documents 10000 --ram")
    try await tmux.waitFor("load clubs")
    // The working directory of the program is beside the disk.
    try await tmux.press("b")
    try await tmux.waitFor("2 Results  1-200 of")
    try await tmux.press("e", "C-u")
    try await tmux.type("disk/all.ndjson")
    try await tmux.press("Enter")
    try await tmux.waitFor("disk/all.ndjson: no space left on the disk")
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk).isEmpty)
    try await tmux.press("o")
    try await tmux.waitFor("LIVE")
    try await tmux.press("q")
    try await expectEnd(tmux, code: 0)
    // A recording that the disk takes a part of.
    _ = try await shell("head -c 2060000 /dev/zero > '\(disk)/filler'")
    let recording = try await Tmux(environment: ["TMPDIR": directory.path, "DISK": disk])
    try await recording.enter("clear; cd $DISK; $DARKBIRD run --documents 2000 --ram; cd /; echo exit=$?")
    // With a sample: before it there is nothing to record.
    try await recording.waitFor("load clubs")
    try await recording.press("R")
    try await recording.waitFor("No space left on device; the recording has ended")
    try await recording.waitFor("LIVE")
    try await recording.press("q")
    try await recording.waitFor("exit=0")
    let names = try FileManager.default.contentsOfDirectory(atPath: disk).filter { $0.hasSuffix(".dbrec") }
    let name = try #require(names.first)
    // What is there is whole: nothing is said of a place where it was cut off.
    let replay = try await Tmux(environment: ["FILE": disk + "/" + name])
    try await replay.enter("clear; $DARKBIRD replay $FILE; echo exit=$?")
    try await replay.waitFor("REPLAY")
    try await replay.press("q")
    let rows = try await replay.waitFor("exit=0")
    #expect(!rows.contains { $0.contains("cut off") })
  }
}
