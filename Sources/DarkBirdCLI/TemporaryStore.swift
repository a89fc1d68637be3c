import DarkBird
import Foundation

/// The directory of a store that is gone at the end of the command.
///
/// `$TMPDIR/darkbird-UID/` belongs to the user alone; every command has a directory of its own in it, `run-XXXXXX`, with
/// a file `owner` that the command keeps locked. A directory whose owner nobody has locked was left behind by a command
/// that was killed: the next command removes it. Making, locking and removing happen under the lock of
/// `darkbird-UID/sweep`, so that no command takes a directory for abandoned before it is locked.
final class TemporaryStore {
  /// Where the store goes; it does not exist yet.
  let path: String
  private let directory: String
  private let owner: any File

  /// - Parameter base: where to make it instead of `$TMPDIR`.
  /// - Throws: `Failure` if no directory can be made.
  init(in base: String? = nil) throws(Failure) {
    var base = base ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? ""
    while base.count > 1 && base.hasSuffix("/") { base.removeLast() }
    if base.isEmpty { base = "/tmp" }
    let parent = "\(base)/darkbird-\(getuid())"
    try Self.makePrivateDirectory(parent)
    let files = PosixFileSystem()
    do {
      let sweep = try files.open("\(parent)/sweep", .createIfMissing)
      defer { sweep.close() }
      while try !sweep.tryLock(exclusive: true) { usleep(10_000) }
      Self.removeAbandoned(parent, files)

      var template = Array("\(parent)/run-XXXXXX".utf8CString)
      guard let made = mkdtemp(&template) else { throw Failure(.cannotCreate, parent, errorMessage(errno)) }
      directory = String(cString: made)
      path = directory + "/store"
      owner = try files.open(directory + "/owner", .createNew)
      _ = try owner.tryLock(exclusive: true)
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.cannotCreate, parent, "\(error)")
    }
  }

  /// Removes everything. Call it after the store is closed.
  func remove() {
    try? FileManager.default.removeItem(atPath: directory)
    owner.close()
  }

  /// Another user could have made the directory first, to read or to redirect what is put there.
  private static func makePrivateDirectory(_ path: String) throws(Failure) {
    if mkdir(path, 0o700) == 0 { return }
    if errno != EEXIST { throw Failure(.cannotCreate, path, errorMessage(errno)) }
    var status = stat()
    guard lstat(path, &status) == 0 else { throw Failure(path, errorNumber: errno) }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(), status.st_mode & 0o077 == 0 else {
      throw Failure(.noPermission, path, "exists and is not private to this user; set TMPDIR to another directory")
    }
  }

  private static func removeAbandoned(_ parent: String, _ files: PosixFileSystem) {
    guard let names = try? files.list(parent) else { return }
    for name in names where name.hasPrefix("run-") {
      let directory = "\(parent)/\(name)"
      if let owner = try? files.open(directory + "/owner", .readWrite) {
        defer { owner.close() }
        guard (try? owner.tryLock(exclusive: true)) == true else { continue }
      }
      try? FileManager.default.removeItem(atPath: directory)
    }
  }
}
