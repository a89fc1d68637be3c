import Foundation
import Testing

@testable import DarkBird

@Suite(.timeLimit(.minutes(30)))
struct DumpTests {
  @Test func aSoundStoreIsShownToItsLastByte() throws {
    let victim = try StoreVictim()
    let items = try victim.dump()
    #expect(items.damages == [])
    guard case .manifest(let manifest) = items[0], case .checkpoint(let checkpoint) = items[1] else {
      Issue.record("\(items.prefix(2))")
      return
    }
    #expect(manifest.reachedLSN == victim.lastLSN && manifest.checkpointLSN == 400)
    #expect(manifest.schema.fields.unique == ["email", "badge"] && manifest.schema.computed.tags == ["rank"])
    #expect(checkpoint.isCurrent && checkpoint.startLSN == 400 && checkpoint.identifier == manifest.identifier)

    #expect(items.blocks.count > 2 && !items.blocks.contains { !$0.isSound })
    guard case .footer(let footer)? = items.first(where: { if case .footer = $0 { true } else { false } }) else {
      Issue.record("no footer")
      return
    }
    #expect(footer.isSound && footer.documents == 400 && footer.endLSN == 400)
    #expect(items.blocks.reduce(0) { $0 + $1.documents } == 400)
    var end = CheckpointFormat.headerBytes
    for block in items.blocks {
      #expect(block.offset == end)
      end += block.bytes
    }
    #expect(footer.offset == end && victim.files[victim.checkpoint]?.count == end + 24)

    let frames = items.frames
    #expect(items.headers.map(\.file) == victim.pages && victim.pages.count > 3)
    #expect(!frames.contains { !$0.isSound })
    let lsns = frames.filter { $0.kind != .seal }.map(\.lsn)
    #expect(lsns == Array(lsns[0]...victim.lastLSN))
    for page in items.headers {
      var offset = LogFormat.headerBytes
      let own = frames.filter { $0.file == page.file }
      for frame in own {
        #expect(frame.offset == offset && frame.page == page.sequence)
        offset += LogFormat.aligned(frame.bytes)
      }
      #expect(victim.files[page.file]?.count == offset)
      if page.file == victim.pages.last { continue }
      let seal = try #require(own.last?.seal)
      #expect(seal.chain == seal.computedChain && seal.records == UInt64(own.count - 1))
    }
    let remove = try #require(frames.first { $0.kind == .remove })
    #expect(remove.operations.first?.key != nil && remove.operations.first?.documentBytes == 0)
  }

  @Test func selectionsChooseFrames() throws {
    let victim = try StoreVictim()
    let all = try victim.frames()
    let removes = try victim.dump(.init(kind: .remove))
    #expect(removes.frames == all.filter { $0.kind == .remove } && !removes.frames.isEmpty)
    let some = try victim.dump(.init(lsns: 430...432))
    #expect(some.frames.map(\.lsn) == [430, 431, 432] && some.headers.count == 1 && some.blocks.isEmpty)
    let page = try #require(all.last?.page)
    let last = try victim.dump(.init(page: page))
    #expect(last.frames == all.filter { $0.page == page } && last.headers.map(\.sequence) == [page])
    var count = 0
    try StoreInspector.dump(StoreVictim.directory, .init(), victim.disk) { _ in
      count += 1
      return count < 5
    }
    #expect(count == 5)
  }

  @Test func damageIsShownWhereItIsAndTheRestIsThere() throws {
    var victim = try StoreVictim()
    let whole = try victim.dump()
    let hit = try #require(whole.frames.filter { $0.kind == .put }.dropFirst(5).first)
    victim.flip(hit.file, hit.offset + 60)
    let block = whole.blocks[1]
    victim.flip(victim.checkpoint, block.offset + 50)
    let items = try victim.dump()
    #expect(
      items.damages == [
        .init(file: victim.checkpoint, offset: block.offset, bytes: block.bytes, reason: "wrong checksum of a block"),
        .init(
          file: hit.file, offset: hit.offset, bytes: LogFormat.aligned(hit.bytes), reason: "wrong checksum of a frame"),
      ])
    #expect(items.frames.filter(\.isSound).map(\.offset) == whole.frames.filter { $0 != hit }.map(\.offset))
    let shown = try #require(items.frames.first { !$0.isSound })
    #expect(shown.offset == hit.offset && shown.checksum == hit.checksum && shown.computedChecksum != hit.checksum)
    #expect(items.blocks.filter(\.isSound) == whole.blocks.filter { $0 != block })
  }

  /// What keeps a store from being opened though each of its parts is sound.
  @Test func partsThatDoNotBelongTogetherAreDamage() throws {
    let other = try StoreVictim()
    let changes: [(what: String, reason: String, change: (inout StoreVictim) throws -> Void)] = [
      ("a page", "the page is missing", { $0.files[$0.pages[2]] = nil }),
      ("the first page", "the page is missing", { $0.files[$0.pages[0]] = nil }),
      ("the last page", "the log ends at LSN", { $0.files[$0.pages.last!] = nil }),
      (
        "the last record", "the log ends at LSN",
        { victim in
          let last = try #require(try victim.frames().last)
          victim.files[last.file]?.removeSubrange(last.offset...)
        }
      ),
      (
        "all pages but one that is not needed", "the page is missing",
        { victim in
          victim.files[LogFormat.pageName(0)] = victim.files[victim.pages[0]]
          for page in victim.pages.dropFirst() { victim.files[page] = nil }
        }
      ),
      (
        "a record of a seal", "the seal contradicts the page",
        { victim in
          let seal = try #require(try victim.frames().first { $0.kind == .seal })
          let store = try #require(try victim.dump().headers.first?.identifier)
          victim.files[seal.file]?.withUnsafeMutableBytes { page in
            let bytes = UnsafeMutableRawBufferPointer(rebasing: page[seal.offset...])
            bytes[LogFormat.frameHeaderBytes + 8] ^= 1
            let seed = LogPageHeader.frameSeed(store: store, sequence: seal.page)
            bytes.store(frameChecksum(UnsafeRawBufferPointer(bytes), length: seal.bytes, seed: seed), at: 4)
          }
        }
      ),
      ("all pages", "the log has no pages", { victim in for page in victim.pages { victim.files[page] = nil } }),
      (
        "the checkpoint", "the checkpoint that the manifest names is missing", { $0.files[$0.checkpoint] = nil }
      ),
      (
        "a checkpoint of another store", "a checkpoint of another store",
        { $0.files[$0.checkpoint] = other.files[$0.checkpoint] }
      ),
      ("a page of another store", "a page of another store", { $0.files[$0.pages[1]] = other.files[$0.pages[1]] }),
      (
        "a checkpoint under another name", "the footer contradicts the checkpoint",
        { victim in
          victim.files[LogFormat.checkpointName(401)] = victim.files[victim.checkpoint]
        }
      ),
      ("a page under another name", "under the name of", { $0.files[$0.pages[1]] = $0.files[$0.pages[2]] }),
      (
        "a page without its seal", "the page ends without a seal",
        { victim in
          let page = victim.pages[1]
          let seal = try #require(try victim.frames().last { $0.file == page && $0.kind == .seal })
          victim.files[page]?.removeSubrange(seal.offset...)
        }
      ),
      (
        "a page that follows another one", "does not continue the page before",
        { victim in
          let page = victim.pages[1]
          var bytes = try #require(victim.files[page])
          let header = try bytes.withUnsafeBytes { try LogPageHeader($0) }
          let changed = LogPageHeader(
            store: header.store, sequence: header.sequence, firstLSN: header.firstLSN,
            previousChain: header.previousChain ^ 1, capacity: header.capacity)
          bytes.replaceSubrange(0..<LogFormat.headerBytes, with: changed.encoded())
          victim.files[page] = bytes
        }
      ),
    ]
    for (what, reason, change) in changes {
      var victim = try StoreVictim()
      try change(&victim)
      let damages = try victim.dump().damages
      #expect(damages.contains { $0.reason.contains(reason) }, "\(what): \(damages)")
      let error = storeError { try MemberStore(.simulated(.records(25)), on: victim.disk).close() }
      #expect(error != nil || what == "a checkpoint under another name", "\(what)")
    }
  }

  /// Pages that are not needed, however many of them a crash has left, and pages ahead.
  @Test func whatACrashLeavesIsNoDamage() throws {
    var victim = try StoreVictim()
    let first = try #require(LogFormat.number(in: victim.pages[0], prefix: "wal"))
    try #require(first > 5)
    victim.files[LogFormat.pageName(first - 2)] = victim.files[victim.pages[1]]
    let last = try #require(LogFormat.number(in: victim.pages.last!, prefix: "wal"))
    victim.files[LogFormat.pageName(last + 2)] = [UInt8](repeating: 0, count: 8_192)
    // Under its own name it would fit.
    victim.files[LogFormat.pageName(first - 2)]?.withUnsafeMutableBytes { bytes in
      bytes.store(first - 2, at: 32)
      bytes.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<64])), at: 64)
    }
    #expect(try StoreInspector.verify(StoreVictim.directory, victim.disk).isSound)
    let file = LogFormat.pageName(first - 2)
    #expect(try victim.dump().damages.filter { $0.file != file } == [])
  }

  @Test func damageOfAHeaderIsToldWhateverIsChosen() throws {
    var victim = try StoreVictim()
    victim.files[victim.pages[1]] = try StoreVictim().files[victim.pages[1]]
    for selection in [StoreDump.Selection(kind: .clear), .init(lsns: 1...1)] {
      #expect(try victim.dump(selection).damages.map(\.offset) == [16])
    }
  }

  /// A larger file than there is memory for is refused, and not asked for.
  @Test(arguments: [true, false]) func fileLargerThanMemoryIsAnError(isPage: Bool) throws {
    let directory = try TemporaryDirectory()
    let store = try MemberStore(
      .disk(at: directory.path + "/store"), schema: Member.schema, fileSystem: PosixFileSystem())
    try store.put(Member(), for: 1)
    try store.close()
    let name = isPage ? LogFormat.pageName(1) : LogFormat.manifestName
    try #require(truncate("\(directory.path)/store/\(name)", 1 << 42) == 0)
    #expect(storeError { _ = try StoreInspector.verify(directory.path + "/store") } != nil)
    var damages = 0
    try StoreInspector.dump(directory.path + "/store") { item in
      if case .damage = item { damages += 1 }
      return true
    }
    #expect(damages > 0)
  }

  @Test func framesAreFoundBehindALengthThatIsWrong() throws {
    var victim = try StoreVictim()
    let whole = try victim.frames()
    let hit = whole[3]
    for (index, byte) in [UInt8(0xff), 0xff, 0xff, 0x7f].enumerated() {
      victim.files[hit.file]?[hit.offset + index] = byte
    }
    let items = try victim.dump()
    #expect(items.damages.map(\.offset) == [hit.offset] && items.damages[0].bytes == LogFormat.aligned(hit.bytes))
    #expect(items.frames == whole.filter { $0 != hit }.map { unchained($0, items) })
  }

  /// Behind damage the chain is not known.
  private func unchained(_ frame: StoreDump.Frame, _ items: [StoreDump.Item]) -> StoreDump.Frame {
    var frame = frame
    if items.damages.contains(where: { $0.file == frame.file }) { frame.seal?.computedChain = nil }
    return frame
  }

  @Test(arguments: ["manifest", "header", "both"]) func framesAreReadWithoutManifestOrHeader(_ what: String) throws {
    var victim = try StoreVictim()
    let whole = try victim.frames()
    if what != "header" { victim.files[LogFormat.manifestName] = nil }
    if what != "manifest" { victim.flip(victim.pages[1], 20) }
    let items = try victim.dump()
    #expect(items.frames.map(\.lsn) == whole.map(\.lsn) && !items.frames.contains { !$0.isSound })
    #expect(items.damages.count == (what == "both" ? 2 : 1))
  }

  @Test func whatIsNoStoreIsRefused() throws {
    let disk = SimulatedFileSystem.forStores()
    disk.setFile("/data/store/notes.txt", [1])
    for path in ["/data/store", "/data/missing"] {
      let error = storeError { try StoreInspector.dump(path, .init(), disk) { _ in true } }
      guard case .notAStore? = error else {
        Issue.record("\(path): \(String(describing: error))")
        continue
      }
    }
  }

  @Test(arguments: 0..<150) func noBytesTrap(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var victim = try StoreVictim(before: 40, after: 30, pages: .records(8))
    let names = victim.files.keys.sorted()
    for _ in 0..<1 + generator.below(6) {
      let name = generator.pick(names)
      guard let bytes = victim.files[name], !bytes.isEmpty else { continue }
      let start = generator.below(bytes.count)
      switch generator.below(4) {
      case 0: victim.flip(name, start, UInt8(1 << generator.below(8)))
      case 1: victim.files[name] = Array(bytes.prefix(start))
      case 2: for index in start..<min(start + 200, bytes.count) { victim.files[name]?[index] = 0 }
      default:
        for index in start..<min(start + 200, bytes.count) { victim.files[name]?[index] = UInt8(generator.below(256)) }
      }
    }
    for frame in try victim.frames() where frame.isSound { #expect(frame.lsn <= victim.lastLSN) }
  }
}
