import Testing

@testable import DarkBird

/// Damage to the files of a store, one bit or one cut at a time: it opens with a prefix of what was written, or refuses,
/// says where, and changes nothing.
@Suite(.timeLimit(.minutes(30)))
struct DamageTests {
  /// How the store ended its life.
  enum Ending: String, CaseIterable, Sendable {
    case closed, killed
    /// Closed, after a checkpoint that replaced the first pages.
    case checkpointed
  }

  /// The files of a store and what it held after each LSN.
  struct Victim: Sendable {
    let ending: Ending
    let files: [String: [UInt8]]
    let oracle: CrashOracle

    var lastPage: String? { files.keys.filter { $0.hasPrefix("wal-") }.max() }

    /// LSN that must be back, whatever single bit is hit: the end of a killed store's log cannot be told from a write that
    /// the crash cut short.
    var floor: UInt64 { ending == .killed ? oracle.lastLSN - 1 : oracle.lastLSN }

    /// The same if a file loses its end.
    func floor(losingTheEndOf name: String) -> UInt64 { ending == .killed && name == lastPage ? 8 : floor }

    /// Where a refusal may say that a file is damaged, of which `byte` is the first that is not as it was written: in the part
    /// of it that has this byte, and in no other file.
    func places(_ name: String, _ strike: Strike, _ byte: Int) -> [Place] {
      if name == LogFormat.manifestName {
        // The field of its header that is wrong: for all that follows the header, the checksum or the length.
        let field = strike == .cut ? (byte < 20 ? 0 : 12) : [8, 12, 16].last { $0 <= byte } ?? 0
        return [Place(name: name, offsets: field...field)]
      }
      let parts = parts(of: name)
      guard let start = parts.last(where: { $0 <= byte }), let end = parts.first(where: { $0 > byte }) else {
        return []
      }
      // The checksum of a checkpoint's block is not over the number of its documents: that is wrong where the last one ends.
      if !name.hasPrefix("wal-") { return [Place(name: name, offsets: start...end)] }
      // Of the bytes that must be zero each one is named itself, and where they are cut off the end that there should be.
      var places = [start...start, byte...byte, end...end].map { Place(name: name, offsets: $0) }
      // A last page of which not even the header is left may as well have been made and not begun. Then all that can be said is
      // where the log ends, and that it had gone on.
      if name == lastPage, strike != .flip, byte < LogFormat.headerBytes,
        let number = LogFormat.number(in: name, prefix: "wal"), let end = files[LogFormat.pageName(number - 1)]?.count
      {
        places.append(Place(name: LogFormat.pageName(number - 1), offsets: end...end))
      }
      return places
    }

    /// Where the parts of a page or a checkpoint begin: its header, then frames, or blocks and the footer. And where it ends.
    private func parts(of name: String) -> [Int] {
      guard let bytes = files[name] else { return [] }
      let isPage = name.hasPrefix("wal-")
      return bytes.withUnsafeBytes { raw in
        var starts = [0]
        var offset = isPage ? LogFormat.headerBytes : CheckpointFormat.headerBytes
        while offset < raw.count {
          starts.append(offset)
          // Each begins with its length, a footer with none.
          let length = Int(raw.load32(at: offset))
          offset = length == 0 ? raw.count : offset + (isPage ? LogFormat.aligned(length) : length)
        }
        return starts + [raw.count]
      }
    }
  }

  /// What is done to a file from some byte on.
  enum Strike { case flip, cut, zeros }

  /// What a refusal names.
  struct Place {
    let name: String
    let offsets: ClosedRange<Int>
  }

  private static func makeVictim(_ ending: Ending) throws -> Victim {
    let fileSystem = SimulatedFileSystem.forStores()
    var oracle = CrashOracle()
    oracle.configuration.pageCapacity = .records(4)
    let store = try MemberStore(oracle.configuration, on: fileSystem)
    var state: [Int: Member] = [:]
    for key in 0..<10 {
      // Each record is durable before the next is made, and the next one says so.
      if key == 7 {
        try store.remove(2, ack: .synced)
        state[2] = nil
      } else {
        let member = Member(name: "m\(key)", email: "e\(key)", club: "Ajax", age: key)
        try store.put(member, for: key, ack: .synced)
        state[key] = member
      }
      oracle.append(state)
      if key == 5 && ending == .checkpointed { try store.checkpoint() }
    }
    if ending != .killed { try store.close() }
    // Room ahead of need would only make the files long.
    var files = fileSystem.killImage().storeFiles
    for (name, bytes) in files where name.hasPrefix("wal-") {
      let end = (bytes.lastIndex { $0 != 0 } ?? -1) + 9
      files[name] = end == 8 ? nil : Array(bytes.prefix(max(end & ~7, LogFormat.headerBytes)))
    }
    files[LogFormat.lockName] = nil
    let pages = files.keys.filter { $0.hasPrefix("wal-") }.count
    guard pages == (ending == .checkpointed ? 2 : 3) else { throw Mismatch("a victim of \(pages) pages") }
    return Victim(ending: ending, files: files, oracle: oracle)
  }

  /// Opens the files with one of them changed, or missing.
  /// - Parameter places: that a refusal may name.
  private func check(
    _ victim: Victim, _ name: String, _ bytes: [UInt8]?, floor: UInt64, at places: @autoclosure () -> [Place],
    _ what: String
  ) throws {
    let disk = SimulatedFileSystem()
    for (other, content) in victim.files where other != name { disk.setFile("/data/store/" + other, content) }
    if let bytes { disk.setFile("/data/store/" + name, bytes) }
    let before = disk.storeFiles
    do {
      let store = try MemberStore(victim.oracle.configuration, on: disk)
      let lsn = store.memoryLSN
      try require(lsn >= floor && lsn <= victim.oracle.lastLSN, "\(what): opens with LSN \(lsn), not \(floor) or later")
      try requireEqual(try store.contents(), victim.oracle.states[Int(lsn)], "\(what): documents at LSN \(lsn)")
      try requireEqual(store.audit().problems, [], "\(what): audit")
      try store.close()
    } catch let error as StoreError {
      var after = disk.storeFiles
      after[LogFormat.lockName] = nil
      try require(before == after, "\(what): files were changed by a refused opening")
      let places = places()
      func requireNamed(_ path: String, _ offset: Int) throws {
        let isNamed = places.contains { path == "/data/store/" + $0.name && $0.offsets.contains(offset) }
        try require(isNamed, "\(what): refused at \(path), offset \(offset), and not at one of \(places)")
      }
      switch error {
      case .corrupt(let path, let offset, _): try requireNamed(path, offset)
      // Its version is the only one that is looked at before a checksum is.
      case .newerFormat(let path, _, _): try requireNamed(path, 8)
      case .notAStore(let path, _):
        let isMissing = name == LogFormat.manifestName && bytes == nil
        try require(isMissing && path == "/data/store", "\(what): \(path) is taken for no store")
      default: throw Mismatch("\(what): refused with \(error)")
      }
    }
  }

  private func forEachFile(of victim: Victim, _ body: (String, [UInt8]) throws -> Void) {
    for (name, bytes) in victim.files.sorted(by: { $0.key < $1.key }) {
      do { try body(name, bytes) } catch { Issue.record("\(error)") }
    }
  }

  /// The empty part of a page header, but for its beginning and its end.
  private static let rest = LogFormat.headerFieldBytes + 16..<LogFormat.headerBytes - 8

  /// Offsets of a file to strike: all, but of the rest of a page header only some; `everyByteOfTheRestOfAHeader` has the others.
  private func offsets(_ name: String, _ bytes: [UInt8]) -> [Int] {
    bytes.indices.filter { offset in
      Effort.isExhaustive || !name.hasPrefix("wal-") || !Self.rest.contains(offset) || offset % 509 == 0
    }
  }

  /// What an opening makes of a page whose header is damaged here, it makes of what these two readers say, without the files.
  @Test func everyByteOfTheRestOfAHeader() throws {
    let victim = try Self.makeVictim(.killed)
    let name = try #require(victim.lastPage)
    var page = try #require(victim.files[name])
    let header = try page.withUnsafeBytes { try LogPageHeader($0) }
    for offset in Self.rest {
      try page.withUnsafeMutableBytes { bytes in
        let cut = UnsafeRawBufferPointer(rebasing: bytes[..<offset])
        do {
          _ = try LogPageHeader(cut)
          throw Mismatch("cut to \(offset): not refused")
        } catch LogPageHeader.DecodingFailure.damaged {}
        for bit in 0..<8 {
          bytes[offset] ^= 1 << UInt8(bit)
          let flipped = UnsafeRawBufferPointer(bytes)
          if bit == 0 { try requireEqual(try LogPageHeader(flipped), header, "byte \(offset)") }
          let error = storeError {
            _ = try scanLogPage(flipped, header: header, path: name, isLast: true) { _, _ in }
          }
          try requireEqual(
            error, .corrupt(path: name, offset: offset, reason: LogPageHeader.strayReason),
            "bit \(bit) of byte \(offset)")
          bytes[offset] ^= 1 << UInt8(bit)
        }
      }
    }
    // Zeros from anywhere here on are zeros from the first frame on, which `everyZeroTail` has.
    #expect(page[Self.rest].allSatisfy { $0 == 0 })
  }

  // Defect 16
  @Test(arguments: Ending.allCases) func everyTruncation(_ ending: Ending) throws {
    let victim = try Self.makeVictim(ending)
    forEachFile(of: victim) { name, bytes in
      for length in offsets(name, bytes) {
        try check(
          victim, name, Array(bytes.prefix(length)), floor: victim.floor(losingTheEndOf: name),
          at: victim.places(name, .cut, length), "\(name) cut to \(length)")
      }
    }
  }

  // Defect 16
  @Test(arguments: Ending.allCases) func everyZeroTail(_ ending: Ending) throws {
    let victim = try Self.makeVictim(ending)
    forEachFile(of: victim) { name, bytes in
      for length in offsets(name, bytes) {
        let zeroed = Array(bytes.prefix(length)) + [UInt8](repeating: 0, count: bytes.count - length)
        // Some of them were zero before.
        let first = bytes[length...].firstIndex { $0 != 0 }
        let floor = first == nil ? victim.oracle.lastLSN : victim.floor(losingTheEndOf: name)
        try check(
          victim, name, zeroed, floor: floor, at: first.map { victim.places(name, .zeros, $0) } ?? [],
          "\(name) zero from \(length) on")
      }
    }
  }

  @Test(arguments: Ending.allCases, 0..<8) func everyBitFlip(_ ending: Ending, bit: Int) throws {
    let victim = try Self.makeVictim(ending)
    forEachFile(of: victim) { name, bytes in
      for offset in offsets(name, bytes) {
        var flipped = bytes
        flipped[offset] ^= 1 << UInt8(bit)
        try check(
          victim, name, flipped, floor: victim.floor, at: victim.places(name, .flip, offset),
          "\(name), bit \(bit) of byte \(offset)")
      }
    }
  }

  @Test(arguments: Ending.allCases) func everyMissingFile(_ ending: Ending) throws {
    let victim = try Self.makeVictim(ending)
    forEachFile(of: victim) { name, _ in
      try check(
        victim, name, nil, floor: victim.floor(losingTheEndOf: name), at: victim.places(name, .cut, 0),
        "without \(name)")
    }
  }

  @Test(arguments: Ending.allCases) func filesOfAnotherStoreAreRefused(_ ending: Ending) throws {
    let (victim, other) = (try Self.makeVictim(ending), try Self.makeVictim(ending))
    forEachFile(of: victim) { name, _ in
      guard let foreign = other.files[name] else { return }
      // A manifest is believed: it is the file that is read next, by these names, whose header has another identifier.
      let next = victim.files.keys.filter { $0 > name }.min()
      let named = name == LogFormat.manifestName ? next ?? name : name
      try check(
        victim, name, foreign, floor: .max, at: [Place(name: named, offsets: 16...16)], "\(name) of another store")
    }
  }

  @Test func zerosAfterTheLastRecordAreNoDamage() throws {
    let victim = try Self.makeVictim(.killed)
    let name = try #require(victim.lastPage)
    for count in [1, 7, 8, 4_096, 100_000] {
      let padded = try #require(victim.files[name]) + [UInt8](repeating: 0, count: count)
      try check(victim, name, padded, floor: victim.oracle.lastLSN, at: [], "\(count) zeros more")
    }
  }

  @Test func documentsOutliveTheirLostManifest() throws {
    let fileSystem = SimulatedFileSystem.forStores()
    let store = try MemberStore(.simulated(.records(100)), on: fileSystem)
    for key in 0..<3 { try store.put(Member(age: key), for: key) }
    try store.close()
    let manifest = try #require(fileSystem.storeFiles[LogFormat.manifestName])
    fileSystem.deleteFile("/data/store/" + LogFormat.manifestName)
    guard storeError({ _ = try MemberStore(on: fileSystem) }) != nil else {
      Issue.record("a store without its manifest was taken for a new one")
      return
    }
    fileSystem.setFile("/data/store/" + LogFormat.manifestName, manifest)
    #expect(try MemberStore(on: fileSystem).count == 3)
  }
}
