import CDarkBird

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The file system of the machine.
package struct PosixFileSystem: FileSystem {
  package init() {}

  package func createDirectory(_ path: String) throws(SystemError) {
    if mkdir(path, 0o777) != 0 && errno != EEXIST { throw SystemError("mkdir", path) }
  }

  package func list(_ path: String) throws(SystemError) -> [String] {
    guard let directory = opendir(path) else { throw SystemError("opendir", path) }
    defer { closedir(directory) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(directory) else {
        if errno != 0 { throw SystemError("readdir", path) }
        return names
      }
      // The name is a C string inside the entry, which lives until the next readdir.
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
  }

  package func exists(_ path: String) throws(SystemError) -> Bool {
    var status = stat()
    if lstat(path, &status) == 0 { return true }
    if errno == ENOENT { return false }
    throw SystemError("lstat", path)
  }

  package func open(_ path: String, _ mode: FileMode) throws(SystemError) -> any File {
    try PosixFile(path, mode)
  }

  package func rename(_ from: String, to: String) throws(SystemError) {
    #if canImport(Darwin)
      let result = Darwin.rename(from, to)
    #elseif canImport(Glibc)
      let result = Glibc.rename(from, to)
    #elseif canImport(Musl)
      let result = Musl.rename(from, to)
    #endif
    if result != 0 { throw SystemError("rename", from) }
  }

  package func remove(_ path: String) throws(SystemError) {
    if unlink(path) != 0 { throw SystemError("unlink", path) }
  }

  package func synchronizeDirectory(_ path: String) throws(SystemError) {
    let descriptor = retrying { openDescriptor(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    if descriptor < 0 { throw SystemError("open", path) }
    defer { _ = closeDescriptor(descriptor) }
    #if canImport(Darwin)
      // `fsync` leaves the name in the drive's cache. Not every file system knows the other call for a directory.
      if retrying({ fcntl(descriptor, F_FULLFSYNC) }) == 0 { return }
      guard errno == ENOTSUP || errno == EINVAL || errno == ENOTTY else { throw SystemError("fcntl", path) }
    #endif
    if retrying({ fsync(descriptor) }) != 0 { throw SystemError("fsync", path) }
  }
}

/// A file descriptor with one owner.
///
/// Unchecked: the descriptor changes only in `close()`, and the owner, one thread at a time, makes no call after it.
final class PosixFile: File, @unchecked Sendable {
  /// Of one call: macOS refuses more than 2 GiB.
  private static let bytesMax = 1 << 30

  private var descriptor: Int32
  private let path: String

  init(_ path: String, _ mode: FileMode) throws(SystemError) {
    let flags: Int32 =
      switch mode {
      case .read: O_RDONLY
      case .readWrite: O_RDWR
      case .createIfMissing: O_RDWR | O_CREAT
      case .createOrTakeOver: O_RDWR | O_CREAT | O_NOFOLLOW
      case .createNew: O_RDWR | O_CREAT | O_EXCL
      }
    self.path = path
    descriptor = retrying { openDescriptor(path, flags | O_CLOEXEC) }
    if descriptor < 0 { throw SystemError("open", path) }
  }

  deinit { close() }

  func close() {
    if descriptor >= 0 { _ = closeDescriptor(descriptor) }
    descriptor = -1
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    let count = retrying { pread(descriptor, buffer.baseAddress, min(buffer.count, Self.bytesMax), off_t(offset)) }
    if count < 0 { throw SystemError("pread", path) }
    return count
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    let count = retrying { pwrite(descriptor, bytes.baseAddress, min(bytes.count, Self.bytesMax), off_t(offset)) }
    if count < 0 { throw SystemError("pwrite", path) }
    return count
  }

  func allocate(at offset: Int, length: Int) throws(SystemError) {
    #if canImport(Darwin)
      var store = fstore_t(
        fst_flags: UInt32(F_ALLOCATEALL), fst_posmode: F_PEOFPOSMODE, fst_offset: 0, fst_length: off_t(length),
        fst_bytesalloc: 0)
      if fcntl(descriptor, F_PREALLOCATE, &store) != 0 && errno != ENOTSUP { throw SystemError("fcntl", path) }
      if try size() < offset + length { try truncate(to: offset + length) }
    #else
      let before = try size()
      if retrying({ db_allocate(descriptor, Int64(offset), Int64(length)) }) == 0 { return }
      // Some file systems cannot reserve: there zeros are written, or a full disk would show only when records are.
      guard errno == EOPNOTSUPP || errno == ENOSYS else {
        let error = SystemError("fallocate", path)
        // ext4 keeps what it found before there was no more: room that is not enough would keep a full disk full.
        try? truncate(to: before)
        throw error
      }
      try writeZeros(upTo: offset + length)
    #endif
  }

  var isFirstWriteSlow: Bool { db_first_write_is_slow(descriptor) }

  /// Makes the file as long as that, if it is shorter.
  func writeZeros(upTo end: Int) throws(SystemError) {
    let zeros = [UInt8](repeating: 0, count: 1 << 20)
    let size = try size()
    var place = size
    do throws(SystemError) {
      while place < end {
        try writeAll(end - place < zeros.count ? Array(zeros.prefix(end - place)) : zeros, at: place)
        place += zeros.count
      }
    } catch {
      // Room that is not enough would keep a full disk full.
      try? truncate(to: size)
      throw error
    }
  }

  func truncate(to size: Int) throws(SystemError) {
    if retrying({ ftruncate(descriptor, off_t(size)) }) != 0 { throw SystemError("ftruncate", path) }
  }

  func synchronize() throws(SystemError) {
    // Never retried but for EINTR: after a failed sync the kernel may have dropped the pages it could not write.
    #if canImport(Darwin)
      if retrying({ fcntl(descriptor, F_FULLFSYNC) }) != 0 { throw SystemError("fcntl", path) }
    #else
      if retrying({ fdatasync(descriptor) }) != 0 { throw SystemError("fdatasync", path) }
    #endif
  }

  func size() throws(SystemError) -> Int {
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw SystemError("fstat", path) }
    return Int(status.st_size)
  }

  func tryLock(exclusive: Bool) throws(SystemError) -> Bool {
    if retrying({ flock(descriptor, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) }) == 0 { return true }
    if errno == EWOULDBLOCK { return false }
    throw SystemError("flock", path)
  }

  func hasItsName() throws(SystemError) -> Bool {
    var (own, named) = (stat(), stat())
    if fstat(descriptor, &own) != 0 { throw SystemError("fstat", path) }
    if stat(path, &named) != 0 {
      if errno == ENOENT { return false }
      throw SystemError("stat", path)
    }
    return own.st_dev == named.st_dev && own.st_ino == named.st_ino
  }
}

/// Repeats a call that a signal interrupted.
func retrying<R: SignedInteger>(_ call: () -> R) -> R {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}

func openDescriptor(_ path: String, _ flags: Int32) -> Int32 { open(path, flags, 0o666) }
func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }

extension SystemError {
  /// The error that the last call left in `errno`.
  init(_ call: String, _ path: String) { self.init(code: errno, call: call, path: path) }
}

extension SystemError {
  /// No room: on the disk, or in the user's share of it.
  var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }
  var isMissing: Bool { code == ENOENT }
  var isNotADirectory: Bool { code == ENOTDIR }
  /// Not a failure of the disk: nobody may do this here, or it cannot be done.
  var isRefusal: Bool { [EACCES, EPERM, EINVAL, EROFS].contains(code) }
  static var ioErrorCode: Int32 { EIO }
}

/// Who this process is, for the holder of a lock.
func processDescription() -> String { "process \(getpid()) (\(programName()))" }

private func programName() -> String {
  let path = CommandLine.arguments.first ?? ""
  return path.split(separator: "/").last.map(String.init) ?? "unknown"
}
