import Foundation
import Testing

@testable import DarkBird

/// `verify` says of every byte whether it is as it was written, and `dump` shows where one is not.
@Suite(.timeLimit(.minutes(30)))
struct EveryByteTests {
  /// A store with a checkpoint and two pages, both sealed or closed.
  private static func victim() throws -> StoreVictim { try StoreVictim(before: 3, after: 9, pages: .records(6)) }

  /// Names the first damaged place of the file, by both.
  private func expectNoticed(_ victim: StoreVictim, _ name: String, _ offset: Int, _ what: String) throws {
    let report = try StoreInspector.verify(StoreVictim.directory, victim.disk)
    #expect(report.problems.contains { $0.path.hasSuffix(name) && $0.offset == offset }, "\(what): \(report.problems)")
    let damages = try victim.dump().damages
    #expect(damages.contains { $0.file == name && $0.offset == offset }, "\(what): \(damages)")
  }

  @Test func everyChangedByteIsNoticed() throws {
    let victim = try Self.victim()
    var generator = SeededGenerator(seed: UInt64(Effort.firstSeed))
    for (name, bytes) in victim.files {
      // All alike are the bytes behind a header's fields; `DamageTests` takes every one of them.
      let isPage = name.hasPrefix("wal-")
      for offset in bytes.indices where !isPage || !(80..<4_088).contains(offset) || offset % 509 == 0 {
        // Documents are long, and one byte of them is as good as another.
        if !Effort.isExhaustive, offset > 4_300 || !isPage && offset > 200, generator.chance(80) { continue }
        var changed = victim
        changed.flip(name, offset, UInt8(1 << generator.below(8)))
        do {
          let report = try StoreInspector.verify(StoreVictim.directory, changed.disk)
          #expect(!report.isSound, "byte \(offset) of \(name)")
        } catch {
          guard case .newerFormat = error else {
            Issue.record("byte \(offset) of \(name): \(error)")
            continue
          }
        }
        #expect(try !changed.dump().damages.isEmpty, "byte \(offset) of \(name)")
      }
    }
  }

  @Test func bytesBehindTheEndAreNoticed() throws {
    let victim = try Self.victim()
    let (checkpoint, page) = (victim.checkpoint, victim.pages[0])
    for tail: [UInt8] in [[0], [1], [UInt8](repeating: 0, count: 5_000), (0..<5_000).map { UInt8($0 % 251) }] {
      var longer = victim
      longer.files[checkpoint]? += tail
      try expectNoticed(longer, checkpoint, victim.files[checkpoint]!.count, "\(tail.count) bytes behind a checkpoint")
      let report = try StoreInspector.salvage(StoreVictim.directory, to: "/data/rescued", longer.disk)
      #expect(report.gaps == [] && report.possiblyStale == 0 && report.documents == victim.documents.count)
      // Zeros behind a seal are room that was made for frames.
      longer = victim
      longer.files[page]? += tail
      guard let stray = tail.firstIndex(where: { $0 != 0 }) else {
        #expect(try StoreInspector.verify(StoreVictim.directory, longer.disk).isSound)
        #expect(try longer.dump().damages == [])
        continue
      }
      try expectNoticed(longer, page, victim.files[page]!.count + stray, "\(tail.count) bytes behind a seal")
    }
  }

  @Test func paddingAndTheRestOfAHeaderAreNamed() throws {
    let victim = try Self.victim()
    let frame = try #require(try victim.frames().first { $0.bytes % 8 != 0 && $0.file != victim.pages.last })
    var changed = victim
    changed.flip(frame.file, frame.offset + frame.bytes)
    try expectNoticed(changed, frame.file, frame.offset + frame.bytes, "padding")
    #expect(try changed.frames().count == victim.frames().count)
    changed = victim
    changed.flip(victim.pages[1], 1_000)
    try expectNoticed(changed, victim.pages[1], 1_000, "the rest of a header")
    #expect(try changed.frames().count == victim.frames().count)
    // All documents are there, and all that salvage says is where the byte is.
    let report = try StoreInspector.salvage(StoreVictim.directory, to: "/data/rescued", changed.disk)
    #expect(report.damages.map(\.offset) == [1_000] && report.documents == victim.documents.count)
  }

  /// A page that was made and not begun is nothing but zeros.
  @Test func bytesInAPageAheadAreATail() throws {
    var victim = try Self.victim()
    let next = LogFormat.pageName(try #require(LogFormat.number(in: victim.pages.last!, prefix: "wal")) + 1)
    victim.files[next] = [UInt8](repeating: 0, count: 8_192)
    #expect(try StoreInspector.verify(StoreVictim.directory, victim.disk).tornTailBytes == 0)
    victim.files[next]?[5_000] = 1
    #expect(try StoreInspector.verify(StoreVictim.directory, victim.disk).tornTailBytes == 5_001)
  }

  /// Headers whose checksums are right, and which have something where this version has nothing.
  @Test(arguments: [10, 12, 15, 53]) func unknownFormOfAPageIsRefused(_ offset: Int) throws {
    var victim = try Self.victim()
    let page = victim.pages[0]
    victim.files[page]?.withUnsafeMutableBytes { bytes in
      bytes[offset] ^= 2
      bytes.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<64])), at: 64)
    }
    let report = try StoreInspector.verify(StoreVictim.directory, victim.disk)
    #expect(report.problems.first?.reason == "a page header of an unknown form")
  }

  @Test(arguments: [12, 40, 59]) func unknownFormOfACheckpointIsRefused(_ offset: Int) throws {
    var victim = try Self.victim()
    let checkpoint = victim.checkpoint
    victim.files[checkpoint]?.withUnsafeMutableBytes { bytes in
      bytes[offset] = 1
      bytes.store(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<60])), at: 60)
    }
    let report = try StoreInspector.verify(StoreVictim.directory, victim.disk)
    #expect(report.problems.first?.offset == offset)
    #expect(try victim.dump().damages.first?.reason == CheckpointFormat.strayReason)
  }

  /// Also in the last page, where bytes that are no frame may be what a crash left: these were written so.
  @Test(arguments: [24, 25, 26, 27]) func unknownFormOfAFrameIsRefused(_ at: Int) throws {
    var victim = try Self.victim()
    let frame = try #require(try victim.frames().last)
    let store = try #require(try victim.dump().headers.first?.identifier)
    let seed = LogPageHeader.frameSeed(store: store, sequence: frame.page)
    victim.files[frame.file]?.withUnsafeMutableBytes { page in
      let bytes = UnsafeMutableRawBufferPointer(rebasing: page[frame.offset...])
      bytes[at] |= 0x40
      bytes.store(frameChecksum(UnsafeRawBufferPointer(bytes), length: frame.bytes, seed: seed), at: 4)
    }
    // Nor does it count as torn if the manifest knows less of the log.
    let report = try StoreInspector.verify(StoreVictim.directory, victim.disk)
    #expect(report.problems.first?.offset == frame.offset)
    #expect(report.problems.first?.reason.contains("unknown kind or form") == true)
    #expect(try victim.dump().damages.first?.offset == frame.offset)
  }
}
