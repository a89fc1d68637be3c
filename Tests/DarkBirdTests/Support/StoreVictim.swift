import Foundation

@testable import DarkBird

/// The files of a store with a checkpoint of several blocks and several pages after it, to be damaged.
struct StoreVictim: Sendable {
  static let directory = "/data/store"

  var files: [String: [UInt8]]
  /// The documents at the end.
  let documents: [Int: Member]
  /// Every version that was ever written.
  let versions: [Int: [Member]]
  let lastLSN: UInt64

  /// - Parameters:
  ///   - before: documents before the checkpoint; 0 leaves it out.
  ///   - after: writes after it, a quarter of them removals.
  init(before: Int = 400, after: Int = 120, pages: StoreConfiguration.PageCapacity = .records(25)) throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(.simulated(pages), on: disk)
    var documents: [Int: Member] = [:]
    var versions: [Int: [Member]] = [:]
    func put(_ key: Int, _ version: Int) throws {
      let member = Member(
        name: String(repeating: "n", count: 400) + "\(version)", email: "e\(key)", club: "Ajax", age: version)
      try store.put(member, for: key)
      documents[key] = member
      versions[key, default: []].append(member)
    }
    for key in 0..<before { try put(key, 0) }
    if before > 0 { try store.checkpoint() }
    for step in 1...max(1, after) where after > 0 {
      let key = step * 7 % max(before, 50)
      if step % 4 == 0 {
        try store.remove(key)
        documents[key] = nil
      } else {
        try put(key, step)
      }
    }
    lastLSN = store.memoryLSN
    try store.close()
    files = disk.storeFiles
    files[LogFormat.lockName] = nil
    (self.documents, self.versions) = (documents, versions)
  }

  var pages: [String] { files.keys.filter { $0.hasPrefix("wal-") }.sorted() }
  var checkpoint: String { files.keys.first { $0.hasPrefix("ckpt-") } ?? "" }

  var hasSoundPageHeader: Bool {
    pages.contains { name in files[name]?.withUnsafeBytes { (try? LogPageHeader($0)) != nil } == true }
  }

  /// A disk with these files.
  var disk: SimulatedFileSystem {
    let disk = SimulatedFileSystem.forStores()
    for (name, bytes) in files { disk.setFile("\(Self.directory)/\(name)", bytes) }
    return disk
  }

  /// All parts of the files.
  func dump(_ selection: StoreDump.Selection = .init()) throws -> [StoreDump.Item] {
    let disk = disk
    let before = disk.storeFiles
    var items: [StoreDump.Item] = []
    try StoreInspector.dump(Self.directory, selection, disk) { item in
      items.append(item)
      return true
    }
    try require(disk.storeFiles == before && disk.openFileCount == 0, "the dump changed files or left one open")
    return items
  }

  func frames() throws -> [StoreDump.Frame] { try dump().frames }

  mutating func flip(_ file: String, _ offset: Int, _ mask: UInt8 = 0x10) { files[file]?[offset] ^= mask }
}

extension [StoreDump.Item] {
  var frames: [StoreDump.Frame] { compactMap { if case .frame(let frame) = $0 { frame } else { nil } } }
  var damages: [StoreDump.Damage] { compactMap { if case .damage(let damage) = $0 { damage } else { nil } } }
  var blocks: [StoreDump.Block] { compactMap { if case .block(let block) = $0 { block } else { nil } } }
  var headers: [StoreDump.Page] { compactMap { if case .page(let page) = $0 { page } else { nil } } }
}
