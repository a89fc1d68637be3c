import Foundation

/// Makes or finds the directory, takes its lock, and refuses one that holds something else.
///
/// - Parameter isUnfinished: whether it may hold what an interrupted `NewStoreDirectory` has left.
/// - Returns: the locked file; nil for a directory without one that is opened for reading only.
func openDirectory(
  _ directory: String, _ fileSystem: any FileSystem, isReadOnly: Bool, isUnfinished: Bool = false
) throws(StoreError) -> (any File)? {
  if !isUnfinished { try checkDirectory(directory, fileSystem, isReadOnly: isReadOnly) }
  // By this name it is looked for again, when the program may have gone to another directory.
  let path = "\(absolutePath(directory))/\(LogFormat.lockName)"
  let file: any File
  let isLocked: Bool
  do throws(SystemError) {
    (file, isLocked) = try fileSystem.openLocked(path, isReadOnly ? .read : .createIfMissing, exclusive: !isReadOnly)
  } catch {
    if isReadOnly && error.isMissing { return nil }
    throw storeError(error, directory)
  }
  if !isLocked && !planted(.directoryNotLocked) {
    defer { file.close() }
    throw .locked(path: directory, holder: lockHolder(file))
  }
  if !isReadOnly {
    // Best effort: a full disk must not keep a store from being opened.
    let holder = Array(processDescription().utf8)
    try? file.truncate(to: 0)
    try? file.writeAll(holder, at: 0)
  }
  return file
}

/// Who holds the lock of a directory that cannot be had. A writer names itself in the file, and what a killed one left there
/// names nobody once a reader has the lock: that one is told by the shared lock, which it leaves to others.
func lockHolder(_ file: any File) -> String {
  if (try? file.tryLock(exclusive: false)) == true { return "a reader" }
  let holder = String(decoding: (try? file.readAll(at: 0, count: file.size())) ?? [], as: UTF8.self)
  return holder.isEmpty ? "another process" : holder
}

/// Whether the path of a store that is open still leads to it: not where somebody has moved its directory away, or has put another
/// in its place. To write there by name would destroy what is another store's. (Who does that at this very moment is not seen.)
/// - Throws: `ESTALE` if not.
func requireInPlace(_ lockFile: any File, _ directory: String) throws(SystemError) {
  if try lockFile.hasItsName() || planted(.otherStoreWrittenTo) { return }
  throw SystemError(code: ESTALE, call: "look for the lock that is held", path: directory)
}

/// Gives back what `openDirectory` has locked for writing, without the name of this process. That is best effort: a name that
/// stays there does no harm.
func releaseDirectory(_ lockFile: any File) {
  try? lockFile.truncate(to: 0)
  lockFile.close()
}

func checkDirectory(
  _ directory: String, _ fileSystem: any FileSystem, isReadOnly: Bool
) throws(StoreError) {
  let names: [String]
  do throws(SystemError) {
    names = try fileSystem.list(directory)
  } catch {
    if error.isNotADirectory { throw .notAStore(path: directory, reason: "not a directory") }
    guard error.isMissing else { throw storeError(error, directory) }
    if isReadOnly { throw .notAStore(path: directory, reason: "no such directory") }
    try diskErrors(directory) { () throws(SystemError) in try fileSystem.createDirectory(directory) }
    return try synchronizeParent(of: directory, fileSystem)
  }
  if names.contains(LogFormat.manifestName) { return }
  if names.isEmpty && isReadOnly { throw .notAStore(path: directory, reason: "the directory is empty") }
  if names.contains(LogFormat.unfinishedName) {
    throw .notAStore(path: directory, reason: "a restoration into it was interrupted; restore to it again")
  }
  // An interrupted creation leaves these; there is no document in them, for a store is one only with its manifest.
  if let stranger = names.sorted().first(where: { !LogFormat.namesOfCreation.contains($0) }) {
    throw .notAStore(path: directory, reason: "there is no MANIFEST, but there is \(stranger)")
  }
  if isReadOnly { throw .notAStore(path: directory, reason: "there is no MANIFEST") }
  // Whoever has made it may have died before.
  try synchronizeParent(of: directory, fileSystem)
}

/// Or a power loss takes the whole store, however well its files were synced. Some file systems sync no directories, and not
/// everybody may read each: there nothing better can be done.
private func synchronizeParent(of directory: String, _ fileSystem: any FileSystem) throws(StoreError) {
  do throws(SystemError) {
    try fileSystem.synchronizeDirectory(parentDirectory(of: wholePath(directory)))
  } catch {
    if !error.isRefusal { throw storeError(error, directory) }
  }
}

package func parentDirectory(of path: String) -> String {
  let head = path.split(separator: "/").dropLast().joined(separator: "/")
  if path.hasPrefix("/") { return "/" + head }
  return head.isEmpty ? "." : head
}

/// Runs `body` and turns its system errors into errors of the store in `directory`.
func diskErrors<R>(_ directory: String, _ body: () throws(SystemError) -> R) throws(StoreError) -> R {
  do { return try body() } catch { throw storeError(error, directory) }
}

func storeError(_ error: SystemError, _ directory: String) -> StoreError {
  error.isDiskFull ? .diskFull(path: directory) : StoreError(error)
}
