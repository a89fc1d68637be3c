import Foundation
import Testing

@testable import DarkBird

/// The simulator is what the proofs stand on, so it is tested first.
struct SimulatedFileSystemTests {
  private let fileSystem = SimulatedFileSystem()

  private func write(_ text: String, to file: any File, at offset: Int = 0) throws -> Int {
    try Array(text.utf8).withUnsafeBytes { try file.write($0, at: offset) }
  }

  private func read(_ file: any File, count: Int = 4_096, at offset: Int = 0) throws -> String {
    var bytes = [UInt8](repeating: 0, count: count)
    let done = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
    return String(decoding: bytes[..<done], as: UTF8.self)
  }

  private func code(_ body: () throws -> Void) -> Int32? {
    do {
      try body()
      return nil
    } catch { return (error as? SystemError)?.code }
  }

  @Test func writtenBytesAreReadBackAcrossSectors() throws {
    let file = try fileSystem.open("/f", .createNew)
    let text = String(repeating: "0123456789", count: 200)
    #expect(try write(text, to: file, at: 300) == 2_000)
    #expect(try file.size() == 2_300)
    #expect(try read(file, at: 300) == text)
    #expect(try read(file, count: 4) == "\0\0\0\0")
    #expect(try read(file, at: 2_300) == "")
  }

  @Test func truncatedBytesReadAsZerosWhenTheFileGrowsAgain() throws {
    let file = try fileSystem.open("/f", .createNew)
    _ = try write(String(repeating: "x", count: 1_500), to: file)
    try file.truncate(to: 10)
    try file.allocate(at: 0, length: 1_500)
    #expect(try file.size() == 1_500)
    #expect(try read(file, count: 12) == "xxxxxxxxxx\0\0")
    #expect(try read(file, count: 1, at: 1_200) == "\0")
  }

  @Test func openFollowsItsMode() throws {
    #expect(code { _ = try fileSystem.open("/f", .read) } == ENOENT)
    let file = try fileSystem.open("/f", .createNew)
    _ = try write("kept", to: file)
    #expect(code { _ = try fileSystem.open("/f", .createNew) } == EEXIST)
    #expect(try read(try fileSystem.open("/f", .createIfMissing)) == "kept")
    #expect(code { _ = try write("x", to: try fileSystem.open("/f", .read)) } == EBADF)
    #expect(code { _ = try fileSystem.open("/missing/f", .createNew) } == ENOENT)
    try fileSystem.createDirectory("/d")
    try fileSystem.createDirectory("/d/")
    #expect(code { _ = try fileSystem.open("/d", .readWrite) } == EISDIR)
    #expect(code { _ = try fileSystem.list("/f") } == ENOTDIR)
    #expect(try fileSystem.list("/").sorted() == ["d", "f"])
  }

  @Test func namesChange() throws {
    try fileSystem.createDirectory("d")
    _ = try write("1", to: try fileSystem.open("d/a", .createNew))
    _ = try write("2", to: try fileSystem.open("d/b", .createNew))
    try fileSystem.rename("d/a", to: "d/b")
    #expect(try fileSystem.list("d") == ["b"])
    #expect(try read(try fileSystem.open("d/b", .read)) == "1")
    try fileSystem.remove("d/b")
    #expect(try fileSystem.list("d/") == [])
    #expect(code { try fileSystem.remove("d/b") } == ENOENT)
    #expect(fileSystem.bytesUsed == 2)  // both files can still come back
    try fileSystem.synchronizeDirectory("d")
    #expect(fileSystem.bytesUsed == 0)
  }

  @Test func removedFileLivesWhileItIsOpen() throws {
    let file = try fileSystem.open("/f", .createNew)
    _ = try write("still", to: file)
    try fileSystem.remove("/f")
    #expect(try read(file) == "still")
    file.close()
    #expect(code { _ = try read(file) } == EBADF)
    #expect(fileSystem.openFileCount == 0)
  }

  @Test func exclusiveLockExcludesAndSharedLocksShare() throws {
    let first = try fileSystem.open("/LOCK", .createNew)
    let second = try fileSystem.open("/LOCK", .readWrite)
    #expect(try first.tryLock(exclusive: true))
    #expect(try !second.tryLock(exclusive: false))
    #expect(try first.tryLock(exclusive: false))
    #expect(try second.tryLock(exclusive: false))
    #expect(try !second.tryLock(exclusive: true))
    first.close()
    #expect(try second.tryLock(exclusive: true))
    let image = fileSystem.killImage()
    #expect(try image.open("/LOCK", .readWrite).tryLock(exclusive: true))
  }

  @Test func powerLossKeepsWhatWasSyncedAndAnySubsetOfTheRest() throws {
    try fileSystem.createDirectory("/d")
    try fileSystem.synchronizeDirectory("/")
    let file = try fileSystem.open("/d/f", .createNew)
    try fileSystem.synchronizeDirectory("/d")
    _ = try write(String(repeating: "A", count: 1_024), to: file)
    try file.synchronize()
    _ = try write(String(repeating: "B", count: 1_024), to: file)
    _ = try write(String(repeating: "C", count: 512), to: file, at: 1_024)
    var seen: Set<String> = []
    for seed in 0..<200 {
      let image = fileSystem.crashImage(seed: UInt64(seed))
      let bytes = try #require(image.files["/d/f"])
      #expect([1_024, 1_536].contains(bytes.count))
      seen.insert(String(decoding: stride(from: 0, to: bytes.count, by: 512).map { bytes[$0] }, as: UTF8.self))
    }
    #expect(seen.isSubset(of: ["AA", "AB", "BA", "BB", "AAC", "ABC", "BAC", "BBC", "AA\0", "AB\0", "BA\0", "BB\0"]))
    #expect(seen.isSuperset(of: ["AA", "AB", "BA", "BB", "AAC", "BBC", "AA\0"]))
    try file.synchronize()
    for seed in 0..<20 {
      #expect(fileSystem.crashImage(seed: UInt64(seed)).files["/d/f"]?.count == 1_536)
      #expect(fileSystem.crashImage(seed: UInt64(seed)).files == fileSystem.files)
    }
  }

  @Test func powerLossMayBringBackAnyVersionOfASector() throws {
    let file = try fileSystem.open("/f", .createNew)
    try fileSystem.synchronizeDirectory("/")
    for text in ["1", "2", "3"] { _ = try write(text, to: file) }
    let seen = Set((0..<100).map { fileSystem.crashImage(seed: $0).files["/f"] })
    #expect(seen == [[], [0], Array("1".utf8), Array("2".utf8), Array("3".utf8)])
  }

  @Test func namesAreLostUntilTheDirectoryIsSynced() throws {
    let file = try fileSystem.open("/a", .createNew)
    _ = try write("text", to: file)
    try file.synchronize()
    func names() -> Set<Set<String>> { Set((0..<100).map { Set(fileSystem.crashImage(seed: $0).files.keys) }) }
    #expect(names() == [[], ["/a"]])
    try fileSystem.rename("/a", to: "/b")
    #expect(names() == [[], ["/a"], ["/b"]])
    try fileSystem.synchronizeDirectory("/")
    #expect(names() == [["/b"]])
    try fileSystem.remove("/b")
    #expect(names() == [[], ["/b"]])
    #expect((0..<9).allSatisfy { fileSystem.crashImage(seed: $0).files["/b"].map { $0 == Array("text".utf8) } ?? true })
    try fileSystem.createDirectory("/d")
    let codes = (0..<50).map { seed in code { _ = try fileSystem.crashImage(seed: seed).list("/d") } }
    #expect(Set(codes) == [nil, ENOENT])
  }

  @Test func renameOverAFileIsAllOrNothing() throws {
    _ = try write("old", to: try fileSystem.open("/m", .createNew))
    let new = try fileSystem.open("/m.new", .createNew)
    _ = try write("new", to: new)
    try new.synchronize()
    try fileSystem.open("/m", .readWrite).synchronize()
    try fileSystem.synchronizeDirectory("/")
    try fileSystem.rename("/m.new", to: "/m")
    let seen = Set((0..<50).map { String(decoding: fileSystem.crashImage(seed: $0).files["/m"] ?? [], as: UTF8.self) })
    #expect(seen == ["old", "new"])
  }

  @Test func failedSyncForgetsWhatWasDirty() throws {
    let file = try fileSystem.open("/f", .createNew)
    try fileSystem.synchronizeDirectory("/")
    _ = try write(String(repeating: "A", count: 512), to: file)
    fileSystem.plan(.once(.synchronize, error: EIO))
    #expect(code { try file.synchronize() } == EIO)
    _ = try write(String(repeating: "B", count: 512), to: file, at: 512)
    try file.synchronize()
    let seen = Set((0..<50).map { fileSystem.crashImage(seed: $0).files["/f"]?.map { $0 } ?? [] })
    #expect(seen.allSatisfy { $0.count == 1_024 && $0[512] == 0x42 })
    #expect(Set(seen.map { $0[0] }) == [0, 0x41])
  }

  @Test func failedSyncOfADirectoryForgetsItsNames() throws {
    func names() -> Set<Set<String>> { Set((0..<100).map { Set(fileSystem.crashImage(seed: $0).files.keys) }) }
    func failToSynchronize() {
      fileSystem.plan(.once(.synchronizeDirectory, error: EIO))
      #expect(code { try fileSystem.synchronizeDirectory("/") } == EIO)
    }
    _ = try fileSystem.open("/a", .createNew)
    failToSynchronize()
    _ = try fileSystem.open("/b", .createNew)
    try fileSystem.synchronizeDirectory("/")
    #expect(names() == [["/b"], ["/a", "/b"]])
    #expect((0..<100).allSatisfy { fileSystem.killImage().crashImage(seed: $0).files["/b"] != nil })
    // A name that is given again is a new one.
    try fileSystem.remove("/a")
    _ = try write("old", to: try fileSystem.open("/a", .createNew))
    try fileSystem.synchronizeDirectory("/")
    #expect(names() == [["/a", "/b"]])
    // Of a rename both names are forgotten, and each may be given again.
    try fileSystem.rename("/a", to: "/c")
    failToSynchronize()
    try fileSystem.synchronizeDirectory("/")
    #expect(names() == [["/a", "/b"], ["/b", "/c"]])
    _ = try fileSystem.open("/a", .createNew)
    try fileSystem.synchronizeDirectory("/")
    #expect(names() == [["/a", "/b"], ["/a", "/b", "/c"]])
    #expect(fileSystem.files == ["/a": [], "/b": [], "/c": Array("old".utf8)])
    // So is that a name was taken away.
    try fileSystem.remove("/b")
    failToSynchronize()
    try fileSystem.synchronizeDirectory("/")
    #expect(names() == [["/a"], ["/a", "/b"], ["/a", "/c"], ["/a", "/b", "/c"]])
  }

  @Test func killKeepsWhatWasWritten() throws {
    let file = try fileSystem.open("/f", .createNew)
    _ = try write("text", to: file)
    let image = fileSystem.killImage()
    _ = try write("later", to: file)
    #expect(image.files == ["/f": Array("text".utf8)])
    #expect((0..<50).contains { image.crashImage(seed: $0).files.isEmpty })
  }

  @Test func imagesAreTheSameForTheSameSeed() throws {
    for number in 0..<20 {
      let file = try fileSystem.open("/f\(number)", .createNew)
      _ = try write(String(repeating: "x", count: 3_000), to: file)
    }
    for seed in 0..<10 as Range<UInt64> {
      #expect(fileSystem.crashImage(seed: seed).files == fileSystem.crashImage(seed: seed).files)
    }
  }

  @Test func plannedFaultsStrikeTheirCalls() throws {
    let file = try fileSystem.open("/wal-1", .createNew)
    let other = try fileSystem.open("/ckpt-1", .createNew)
    fileSystem.plan(.once(.write, error: EIO, path: "wal", after: 1))
    #expect(try write("1", to: other) == 1)
    #expect(try write("1", to: file) == 1)
    #expect(code { _ = try write("2", to: file, at: 1) } == EIO)
    #expect(try write("3", to: file, at: 1) == 1)
    #expect(try read(file) == "13")
    fileSystem.plan(.short(.write, .read, bytes: 2, times: 2))
    #expect(try write("abcdef", to: file) == 2)
    #expect(try read(file) == "ab")
    #expect(try read(file, count: 1) == "a")
    fileSystem.plan(.forever(.open, .list, error: EMFILE))
    for _ in 0..<3 { #expect(code { _ = try fileSystem.list("/") } == EMFILE) }
    #expect(code { _ = try fileSystem.open("/x", .createNew) } == EMFILE)
    fileSystem.clearFaults()
    #expect(try fileSystem.list("/").count == 2)
  }

  @Test func spaceRunsOut() throws {
    let file = try fileSystem.open("/f", .createNew)
    fileSystem.bytesMax = 10
    #expect(try write("12345678", to: file) == 8)
    #expect(try write("12345678", to: file, at: 8) == 2)
    #expect(code { _ = try write("1", to: file, at: 10) } == ENOSPC)
    #expect(code { try file.allocate(at: 0, length: 11) } == ENOSPC)
    #expect(try write("87654321", to: file) == 8)
    try file.truncate(to: 5)
    try file.allocate(at: 0, length: 10)
    fileSystem.bytesMax = nil
    try file.allocate(at: 0, length: 11)
    #expect(fileSystem.bytesUsed == 11)
  }

  @Test func afterPowerOffNothingReachesTheDisk() throws {
    let file = try fileSystem.open("/f", .createNew)
    try fileSystem.synchronizeDirectory("/")
    fileSystem.powerOff()
    #expect(code { _ = try write("x", to: file) } == EIO)
    #expect(code { _ = try fileSystem.list("/") } == EIO)
    #expect(fileSystem.crashImage(seed: 1).files == ["/f": []])
  }

  @Test func callsAreCountedAndObserved() throws {
    let seen = Seen<String>()
    fileSystem.observe { number, call, path in seen.append("\(number) \(call) \(path)") }
    let file = try fileSystem.open("/f", .createNew)
    _ = try write("x", to: file)
    try file.synchronize()
    fileSystem.observe(nil)
    _ = try file.size()
    #expect(seen.all == ["0 open /f", "1 write /f", "2 synchronize /f"])
    #expect(fileSystem.callCount == 4)
    #expect(fileSystem.callCount(.write) == 1)
  }
}
