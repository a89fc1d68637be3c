import Testing

@testable import DarkBird

/// Damage to a log of three pages, one bit or one cut at a time: the store opens with a prefix of what was written, or
/// refuses, says where, and changes nothing.
struct DamageTests {
  /// The files of a store and what it held after each LSN.
  struct Victim: Sendable {
    let files: [String: [UInt8]]
    let oracle: CrashOracle
    /// LSN that must be back, whatever single byte of the log is hit.
    let floor: UInt64
  }

  /// - Parameter closes: whether the store was closed in the end, or killed.
  private static func makeVictim(closes: Bool) throws -> Victim {
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
    }
    if closes { try store.close() }
    // Room ahead of need would only make the files long.
    var files = closes ? fileSystem.storeFiles : fileSystem.killImage().storeFiles
    for (name, bytes) in files where name.hasPrefix("wal-") {
      let end = (bytes.lastIndex { $0 != 0 } ?? -1) + 9
      files[name] = Array(bytes.prefix(max(end & ~7, 4_096)))
      if bytes.allSatisfy({ $0 == 0 }) { files[name] = nil }
    }
    files[LogFormat.lockName] = nil
    let pages = files.keys.filter { $0.hasPrefix("wal-") }.count
    guard pages == 3 else { throw Mismatch("a victim of \(pages) pages") }
    return Victim(files: files, oracle: oracle, floor: closes ? oracle.lastLSN : oracle.lastLSN - 1)
  }

  /// Opens the files with one of them changed.
  private func check(_ victim: Victim, _ name: String, _ bytes: [UInt8]?, floor: UInt64, _ what: String) throws {
    let disk = SimulatedFileSystem()
    for (other, content) in victim.files { disk.setFile("/data/store/" + other, content) }
    if let bytes { disk.setFile("/data/store/" + name, bytes) } else { disk.deleteFile("/data/store/" + name) }
    var before = disk.storeFiles
    do {
      let store = try MemberStore(victim.oracle.configuration, on: disk)
      let lsn = store.memoryLSN
      try require(lsn >= floor && lsn <= victim.oracle.lastLSN, "\(what): opens with LSN \(lsn), not \(floor) or later")
      try requireEqual(try store.contents(), victim.oracle.states[Int(lsn)], "\(what): documents at LSN \(lsn)")
      try requireEqual(store.audit().problems, [], "\(what): audit")
      try store.close()
    } catch let error as StoreError {
      var after = disk.storeFiles
      before[LogFormat.lockName] = nil
      after[LogFormat.lockName] = nil
      try require(before == after, "\(what): files were changed by a refused opening")
      switch error {
      case .corrupt(let path, let offset, _):
        try require(path.hasPrefix("/data/store/"), "\(what): the refusal names \(path)")
        try require(offset >= 0 && offset <= (victim.files[name]?.count ?? 0), "\(what): refused at offset \(offset)")
      case .newerFormat(let path, _, _), .notAStore(let path, _):
        try require(path.hasPrefix("/data/store"), "\(what): the refusal names \(path)")
      default: throw Mismatch("\(what): refused with \(error)")
      }
    }
  }

  private func forEach(_ victim: Victim, _ body: (String, [UInt8]) throws -> Void) {
    for (name, bytes) in victim.files.sorted(by: { $0.key < $1.key }) {
      do { try body(name, bytes) } catch { Issue.record("\(error)") }
    }
  }

  /// Offsets of a file to strike: all, but of the empty rest of a page header only some.
  private func offsets(_ name: String, _ bytes: [UInt8]) -> [Int] {
    bytes.indices.filter { offset in
      Effort.isExhaustive || !name.hasPrefix("wal-") || offset < 80 || offset >= 4_088 || offset % 509 == 0
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: [true, false]) func everyTruncation(closes: Bool) throws {
    let victim = try Self.makeVictim(closes: closes)
    let last = victim.files.keys.filter { $0.hasPrefix("wal-") }.max()
    forEach(victim) { name, bytes in
      for length in offsets(name, bytes) {
        // A cut end of the last page looks like one that was never written, unless the store was closed.
        let floor = closes ? victim.oracle.lastLSN : name == last ? 8 : victim.floor
        try check(victim, name, Array(bytes.prefix(length)), floor: floor, "\(name) cut to \(length)")
      }
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: [true, false]) func everyZeroTail(closes: Bool) throws {
    let victim = try Self.makeVictim(closes: closes)
    let last = victim.files.keys.filter { $0.hasPrefix("wal-") }.max()
    forEach(victim) { name, bytes in
      for length in offsets(name, bytes) {
        let floor = closes ? victim.oracle.lastLSN : name == last ? 8 : victim.floor
        let zeroed = Array(bytes.prefix(length)) + [UInt8](repeating: 0, count: bytes.count - length)
        try check(victim, name, zeroed, floor: floor, "\(name) zero from \(length) on")
      }
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: [true, false], 0..<8) func everyBitFlip(closes: Bool, bit: Int) throws {
    let victim = try Self.makeVictim(closes: closes)
    forEach(victim) { name, bytes in
      for offset in offsets(name, bytes) {
        var flipped = bytes
        flipped[offset] ^= 1 << UInt8(bit)
        try check(victim, name, flipped, floor: victim.floor, "\(name), bit \(bit) of byte \(offset)")
      }
    }
  }

  @Test func everyMissingFile() throws {
    for closes in [true, false] {
      let victim = try Self.makeVictim(closes: closes)
      forEach(victim) { name, _ in
        try check(victim, name, nil, floor: victim.floor, "without \(name)")
      }
    }
  }
}
