/// Has what is appended to a file on the disk piece by piece: syncing a large file at its end would take long, during which
/// nobody can give up, and the log of the store would wait for the disk.
struct PieceSync {
  static let bytes = 32 << 20
  private var synced = 0

  mutating func wrote(upTo offset: Int, of file: any File) throws(SystemError) {
    if offset - synced < Self.bytes { return }
    try file.synchronize()
    synced = offset
  }
}

/// A file that has its name only once it is whole: written under another name, synced, renamed, and the directory synced. It
/// replaces what is there already only if that is wanted, and then at once: whoever looks finds the one file or the other.
package struct DraftFile {
  let file: any File
  private var pieces = PieceSync()
  private let path: String
  private let draft: String
  private let fileSystem: any FileSystem
  private let replaces: Bool

  /// - Parameter replaces: whether a file of this name gives way.
  /// - Throws: `.targetExists`, `.locked` if another process writes this file just now, `.diskFull`, `.io`.
  package init(_ path: String, _ fileSystem: any FileSystem, replaces: Bool = false) throws(StoreError) {
    self.path = path
    self.fileSystem = fileSystem
    self.replaces = replaces
    draft = Self.draftPath(path)
    if !replaces { try Self.requireNothing(at: path, fileSystem) }
    let isLocked: Bool
    do throws(SystemError) {
      (file, isLocked) = try fileSystem.openLocked(draft, .createOrTakeOver, exclusive: true)
    } catch {
      throw Self.named(path, error)
    }
    if !isLocked {
      file.close()
      throw .locked(path: draft, holder: "another process that writes it")
    }
    do throws(SystemError) { try file.truncate(to: 0) } catch {
      cancel()
      throw named(error)
    }
  }

  /// Where the file is until it has its name. One that was killed leaves it behind, and the next one takes it over; that it is
  /// ours, and nobody else's, is known by the checksum of the file's name in it. A mere `.part` may be anybody's.
  package static func draftPath(_ path: String) -> String {
    let name = path.split(separator: "/").last.map { Array($0.utf8) } ?? []
    let mark = String(CRC32C.checksum(Array("DarkBird ".utf8) + name), radix: 16)
    return "\(path).\(String(repeating: "0", count: 8 - mark.count))\(mark).part"
  }

  /// - Throws: `.diskFull`, `.io`.
  package mutating func append(_ bytes: [UInt8], at offset: Int) throws(StoreError) {
    do throws(SystemError) {
      try file.writeAll(bytes, at: offset)
      try pieces.wrote(upTo: offset + bytes.count, of: file)
    } catch { throw named(error) }
  }

  /// Makes what was written durable, has `check` look at it, and gives the file its name.
  /// - Throws: what `check` throws; nothing is left then.
  package func publish(_ check: () throws(StoreError) -> Void = {}) throws(StoreError) {
    do throws(StoreError) {
      // Sync before rename: a crash must never expose an empty file.
      try errors { () throws(SystemError) in try file.synchronize() }
      try check()
      if !replaces { try Self.requireNothing(at: path, fileSystem) }
      try errors { () throws(SystemError) in try fileSystem.rename(draft, to: path) }
    } catch {
      cancel()
      throw error
    }
    file.close()
    do throws(SystemError) { try fileSystem.synchronizeDirectory(parentDirectory(of: path)) } catch {
      // Some directories cannot be synced, or not by everybody.
      if error.isRefusal { return }
      // What is said to have failed is not to be there; what was there before is gone already.
      if !replaces { try? fileSystem.remove(path) }
      throw named(error)
    }
  }

  /// Reads the draft through a handle of its own.
  func reopened() throws(StoreError) -> any File {
    try errors { () throws(SystemError) in try fileSystem.open(draft, .read) }
  }

  package func cancel() {
    // While the lock is held: what another process writes under this name must stay.
    try? fileSystem.remove(draft)
    file.close()
  }

  private func errors<R>(_ body: () throws(SystemError) -> R) throws(StoreError) -> R {
    do throws(SystemError) { return try body() } catch { throw named(error) }
  }

  private func named(_ error: SystemError) -> StoreError { Self.named(path, error) }

  /// An error of the draft, which nobody has heard of, as one of the file that is wanted.
  private static func named(_ path: String, _ error: SystemError) -> StoreError {
    storeError(SystemError(code: error.code, call: error.call, path: path), path)
  }

  private static func requireNothing(at path: String, _ fileSystem: any FileSystem) throws(StoreError) {
    // Not by opening it: a named pipe would be waited for.
    if try diskErrors(path, { () throws(SystemError) in try fileSystem.exists(path) }) {
      throw .targetExists(path: path, reason: "exists already, and is left as it is")
    }
  }
}
