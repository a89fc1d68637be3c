import Foundation

/// The files of a directory that may be a damaged store, as far as they can be read.
struct DamagedStore {
  let directory: String
  let fileSystem: any FileSystem
  /// Numbers in the names of the pages and checkpoints, ascending.
  let pages: [UInt64]
  let checkpoints: [UInt64]
  let hasManifest: Bool

  /// - Throws: `.notAStore` if there is no file of a store, `.io`.
  init(_ directory: String, _ fileSystem: any FileSystem) throws(StoreError) {
    self.directory = directory
    self.fileSystem = fileSystem
    let names: [String]
    do throws(SystemError) {
      names = try fileSystem.list(directory)
    } catch {
      if error.isMissing { throw .notAStore(path: directory, reason: "no such directory") }
      if error.isNotADirectory { throw .notAStore(path: directory, reason: "not a directory") }
      throw StoreError(error)
    }
    pages = names.compactMap { LogFormat.number(in: $0, prefix: "wal") }.sorted()
    checkpoints = names.compactMap { LogFormat.number(in: $0, prefix: "ckpt") }.sorted()
    hasManifest = names.contains(LogFormat.manifestName)
    if pages.isEmpty && checkpoints.isEmpty && !hasManifest {
      throw .notAStore(path: directory, reason: "there is no MANIFEST, no page and no checkpoint")
    }
  }

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// The manifest; throws what is wrong with it.
  func manifest() throws(StoreError) -> Manifest { try Manifest.read(directory, fileSystem) }

  /// The manifest whose version is damaged, if all the rest of it is sound: its checksum does not cover the version. Nil if it may
  /// be that of another format: then no page and no checkpoint of the same store has a header of this one, whose checksum does.
  func manifestOfWrongVersion() -> Manifest? {
    let path = path(LogFormat.manifestName)
    guard let bytes = try? fileSystem.contents(path),
      let manifest = try? Manifest(bytes, path: path, believesVersion: false),
      identifiers(nil).contains(manifest.store)
    else { return nil }
    return manifest
  }

  /// What the UUID of the store may be, the likeliest first: what the manifest says, then what most headers say.
  func identifiers(_ manifest: Manifest?) -> [UUID] {
    var counts: [UUID: Int] = [:]
    for sequence in pages {
      guard let file = try? fileSystem.open(path(LogFormat.pageName(sequence)), .read) else { continue }
      defer { file.close() }
      let bytes = (try? file.readAll(at: 0, count: LogFormat.headerBytes)) ?? []
      if let header = bytes.withUnsafeBytes({ try? LogPageHeader($0) }) { counts[header.store, default: 0] += 1 }
    }
    for lsn in checkpoints {
      guard let file = try? fileSystem.open(path(LogFormat.checkpointName(lsn)), .read) else { continue }
      defer { file.close() }
      if let store = (try? CheckpointWalk(file, endLSN: lsn))?.header?.store { counts[store, default: 0] += 1 }
    }
    if let manifest { counts[manifest.store] = .max }
    return counts.sorted { ($1.value, $0.key.uuidString) < ($0.value, $1.key.uuidString) }.map(\.key)
  }

  /// Whether no page follows but such as were made ahead of need.
  func isLastBegun(_ sequence: UInt64) -> Bool {
    pages.allSatisfy { $0 <= sequence || !isBegunPage(path(LogFormat.pageName($0)), fileSystem) }
  }

  /// What there is to say of pages that are not there: each one, and of more than a hundred how many.
  func missing(_ pages: Range<UInt64>) -> [StoreDump.Damage] {
    // A name may have any number.
    let count = pages.upperBound - pages.lowerBound
    var damages = (0..<min(count, 100)).map { page in
      StoreDump.Damage(
        file: LogFormat.pageName(pages.lowerBound + page), offset: 0, bytes: 0, reason: "the page is missing")
    }
    if count > 100 {
      damages.append(
        .init(
          file: LogFormat.pageName(pages.lowerBound + 100), offset: 0, bytes: 0,
          reason: "\(count - 100) more pages are missing"))
    }
    return damages
  }

  /// What is wrong with the name of a page.
  func problem(of header: LogPageHeader, _ sequence: UInt64, store: UUID?) -> (offset: Int, reason: String)? {
    if header.store != store { return (16, "a page of another store, \(header.store)") }
    if header.sequence != sequence { return (32, "page \(header.sequence) under the name of \(sequence)") }
    return nil
  }

  static let missingCheckpoint = "the checkpoint that the manifest names is missing"
  static let noPages = "the log has no pages"
  static let unsealed = "the page ends without a seal"
  static let wrongFooter = "the footer contradicts the checkpoint"
  static func foreignCheckpoint(_ store: UUID) -> String { "a checkpoint of another store, \(store)" }

  /// A file and the ranges of it that the disk did not give back; they are zero in `bytes`.
  struct Contents {
    var bytes: [UInt8]
    var unreadable: [Range<Int>] = []
    var error: SystemError?
  }

  /// Reads a file; if the disk refuses, block by block, leaving out those it cannot read.
  /// - Throws: if the file cannot be opened, or is larger than memory.
  func contents(_ name: String) throws(SystemError) -> Contents {
    let file = try fileSystem.open(path(name), .read)
    defer { file.close() }
    let size = try file.sizeInMemory(path(name))
    if let bytes = try? file.readAll(at: 0, count: size) { return Contents(bytes: bytes) }
    var contents = Contents(bytes: [])
    contents.bytes.reserveCapacity(size)
    let blockBytes = 4_096
    for offset in stride(from: 0, to: size, by: blockBytes) {
      let count = min(blockBytes, size - offset)
      var block: [UInt8] = []
      do throws(SystemError) {
        block = try file.readAll(at: offset, count: count)
      } catch {
        contents.error = error
        if contents.unreadable.last?.upperBound == offset {
          contents.unreadable[contents.unreadable.count - 1] =
            contents.unreadable[contents.unreadable.count - 1].lowerBound..<offset + count
        } else {
          contents.unreadable.append(offset..<offset + count)
        }
      }
      contents.bytes += block + [UInt8](repeating: 0, count: count - block.count)
    }
    return contents
  }
}

/// Whether something was written to a page: not to one that was made ahead of need, as far as it can be read.
func isBegunPage(_ path: String, _ fileSystem: any FileSystem) -> Bool {
  guard let file = try? fileSystem.open(path, .read) else { return false }
  defer { file.close() }
  let head = (try? file.readAll(at: 0, count: LogFormat.headerBytes)) ?? []
  return head.withUnsafeBytes { !isZero($0, from: 0) }
}
