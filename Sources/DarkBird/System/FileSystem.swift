/// The seam between the store and the system: the disk, and the threads that work for it. `PosixFileSystem` is the real one; tests
/// put a simulated one in its place that loses unsynced blocks, fails calls and fills up.
///
/// Every call maps to one system call, so that a test can fail each of them by itself.
@usableFromInline
package protocol FileSystem: Sendable {
  /// Makes one directory. No error if it exists already.
  func createDirectory(_ path: String) throws(SystemError)
  /// Names (not paths) of the entries of a directory, in no order, without `.` and `..`.
  func list(_ path: String) throws(SystemError) -> [String]
  /// Whether there is an entry of this name, whatever it is: a link counts for itself, and nothing is opened.
  func exists(_ path: String) throws(SystemError) -> Bool
  func open(_ path: String, _ mode: FileMode) throws(SystemError) -> any File
  func rename(_ from: String, to: String) throws(SystemError)
  func remove(_ path: String) throws(SystemError)
  /// Makes created, renamed and removed names in a directory survive a power loss.
  func synchronizeDirectory(_ path: String) throws(SystemError)
  /// Starts a thread that nobody waits for; `EAGAIN` where there may be no more of them.
  func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError)
}

@usableFromInline
package enum FileMode: Sendable {
  /// Existing file, reads only.
  case read
  /// Existing file, reads and writes.
  case readWrite
  /// Reads and writes; made if it does not exist, kept as it is if it does.
  case createIfMissing
  /// The same, but what a link leads to is not touched: `ELOOP`.
  case createOrTakeOver
  /// Reads and writes; fails with `EEXIST` if it exists.
  case createNew
}

/// An open file. One owner; closed by `close()`, or at the latest when the last reference goes.
@usableFromInline
package protocol File: AnyObject, Sendable {
  /// Reads up to `buffer.count` bytes at `offset`; 0 at the end of the file. May be short.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int
  /// Writes up to `bytes.count` bytes at `offset` and returns how many. May be short.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) -> Int
  /// Reserves disk space for `offset ..< offset + length` and grows the file with zeros to cover it. Where a file system of
  /// Linux cannot reserve, the zeros are written, in several calls; where one of macOS cannot, this only grows the file.
  func allocate(at offset: Int, length: Int) throws(SystemError)
  func truncate(to size: Int) throws(SystemError)
  /// Whether the first write to room that was reserved makes the next `synchronize` take longer than writing over it does.
  var isFirstWriteSlow: Bool { get }
  /// `fdatasync`: contents and size survive a power loss once this returns.
  func synchronize() throws(SystemError)
  func size() throws(SystemError) -> Int
  /// Takes the advisory lock without waiting; false if another open file holds it in a conflicting mode.
  func tryLock(exclusive: Bool) throws(SystemError) -> Bool
  /// Whether the path it was opened with still leads to it: who removes or renames a file may have done so between an opening
  /// and a lock.
  func hasItsName() throws(SystemError) -> Bool
  /// Idempotent.
  func close()
}

extension File {
  package var isFirstWriteSlow: Bool { false }

  package func hasItsName() throws(SystemError) -> Bool { true }
}

extension FileSystem {
  package func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    try DarkBird.startThread(name, body)
  }

  /// Opens a file and locks it without waiting; again where the name has gone to another file meanwhile.
  package func openLocked(
    _ path: String, _ mode: FileMode, exclusive: Bool
  ) throws(SystemError) -> (file: any File, isLocked: Bool) {
    while true {
      let file = try open(path, mode)
      do throws(SystemError) {
        if try !file.tryLock(exclusive: exclusive) { return (file, false) }
        if planted(.nameNotLookedAtAgain) { return (file, true) }
        if try file.hasItsName() { return (file, true) }
      } catch {
        file.close()
        throw error
      }
      file.close()
    }
  }
}

/// A failed system call: which, on what, and why.
@usableFromInline
package struct SystemError: Error, Hashable, CustomStringConvertible {
  package var code: Int32
  package var call: String
  package var path: String

  package init(code: Int32, call: String, path: String) {
    self.code = code
    self.call = call
    self.path = path
  }

  @usableFromInline package var description: String { "\(call) \(path): \(errorMessage(code))" }
}
