import DarkBird
import Foundation
import Synchronization

/// The files of the machine, with a count of what is read of them. Of a store that is being opened this says how far it has
/// come; a file that is opened for writing, as the log is afterwards, is not watched.
final class WatchedFileSystem: FileSystem {
  private let files = PosixFileSystem()
  private let counters = ReadCounters()

  /// Bytes read so far.
  var bytes: Int { counters.bytes.load(ordering: .relaxed) }

  /// Makes all reads fail from now on.
  func cancel() { counters.isCancelled.store(true, ordering: .relaxed) }

  /// About what the opening of a store in this directory will read; 0 if there is none.
  func storeBytes(in directory: String) -> Int {
    let names = ((try? files.list(directory)) ?? []).filter { $0.hasPrefix("wal-") || $0.hasPrefix("ckpt-") }
    return names.reduce(0) { total, name in
      var status = stat()
      return stat("\(directory)/\(name)", &status) == 0 ? total + Int(status.st_size) : total
    }
  }

  func open(_ path: String, _ mode: FileMode) throws(SystemError) -> any File {
    let file = try files.open(path, mode)
    return mode == .read ? WatchedFile(file, path, counters) : file
  }

  func createDirectory(_ path: String) throws(SystemError) { try files.createDirectory(path) }
  func list(_ path: String) throws(SystemError) -> [String] { try files.list(path) }
  func exists(_ path: String) throws(SystemError) -> Bool { try files.exists(path) }
  func rename(_ from: String, to: String) throws(SystemError) { try files.rename(from, to: to) }
  func remove(_ path: String) throws(SystemError) { try files.remove(path) }
  func synchronizeDirectory(_ path: String) throws(SystemError) { try files.synchronizeDirectory(path) }
}

private final class ReadCounters: Sendable {
  let bytes = Atomic(0)
  let isCancelled = Atomic(false)
}

private final class WatchedFile: File {
  private let file: any File
  private let path: String
  private let counters: ReadCounters

  init(_ file: any File, _ path: String, _ counters: ReadCounters) {
    self.file = file
    self.path = path
    self.counters = counters
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    if counters.isCancelled.load(ordering: .relaxed) { throw SystemError(code: ECANCELED, call: "pread", path: path) }
    let count = try file.read(into: buffer, at: offset)
    counters.bytes.add(count, ordering: .relaxed)
    return count
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    try file.write(bytes, at: offset)
  }

  func allocate(at offset: Int, length: Int) throws(SystemError) { try file.allocate(at: offset, length: length) }
  var isFirstWriteSlow: Bool { file.isFirstWriteSlow }
  func truncate(to size: Int) throws(SystemError) { try file.truncate(to: size) }
  func synchronize() throws(SystemError) { try file.synchronize() }
  func size() throws(SystemError) -> Int { try file.size() }
  func tryLock(exclusive: Bool) throws(SystemError) -> Bool { try file.tryLock(exclusive: exclusive) }
  func hasItsName() throws(SystemError) -> Bool { try file.hasItsName() }
  func close() { file.close() }
}
