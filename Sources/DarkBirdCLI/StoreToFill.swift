import ArgumentParser
import DarkBird
import Foundation

/// The options that say which fields are indexed.
struct IndexArguments: ParsableArguments {
  @Option(help: ArgumentHelp("A field of which no two documents share a value.", valueName: "field"))
  var unique: [String] = []

  @Option(help: ArgumentHelp("A field to find documents by, as field=value.", valueName: "field"))
  var tag: [String] = []

  @Option(help: ArgumentHelp("A field to find documents by ranges of.", valueName: "field"))
  var range: [String] = []

  var fields: FieldSchema { FieldSchema(unique: unique, tags: tag, ranges: range) }

  func validate() throws {
    for (option, names) in [("--unique", unique), ("--tag", tag), ("--range", range)] {
      if names.contains("") { throw ValidationError("\(option): a field has a name") }
      var seen: Set<String> = []
      if let name = names.first(where: { !seen.insert($0).inserted }) {
        throw ValidationError("\(option) \(name) is there twice")
      }
    }
  }
}

/// The store at a path that documents are added to, with the indexes that are wanted; made if there is none.
func openForAdding(_ directory: String, _ wanted: FieldSchema) throws(Failure) -> RecordStore {
  try onStore(directory) {
    if try isNewStore(directory) {
      let isMissing = try !PosixFileSystem().exists(directory)
      do { return try RecordStore(.disk(at: directory), schema: IndexSchema(wanted)) } catch {
        removeUnwritten(directory, isMissing: isMissing)
        throw error
      }
    }
    try checkIndexes(wanted, of: directory)
    return try RecordStore.open(directory, readOnly: false)
  }
}

/// Leaves nothing of a store that was made and not written to.
/// - Parameter isMissing: whether there was not even a directory before.
func removeUnwritten(_ directory: String, isMissing: Bool) {
  StoreInspector.removeUnwritten(directory)
  if isMissing { rmdir(directory) }
}

/// Before a store is opened for writing, which already changes the directory.
/// - Throws: if indexes are wanted that are not those of the store.
func checkIndexes(_ wanted: FieldSchema, of directory: String) throws {
  if wanted.isEmpty { return }
  let existing = try StoreInspector.describe(directory).schema.fields
  let kinds = [
    ("--unique", wanted.unique, existing.unique), ("--tag", wanted.tags, existing.tags),
    ("--range", wanted.ranges, existing.ranges),
  ]
  let differences = kinds.flatMap { option, wanted, existing in
    wanted.filter { !existing.contains($0) }.map { "\(option) \($0) is new" }
      + existing.filter { !wanted.contains($0) }.map { "\(option) \($0) is missing" }
  }
  if !differences.isEmpty {
    throw Failure(.usage, directory, "the store exists with other indexes: \(differences.joined(separator: ", "))")
  }
}

/// Whether there is no store to add to: nothing at the path, an empty directory, or one with what a killed process has left
/// that was to make a store there.
func isNewStore(_ directory: String) throws -> Bool {
  var status = stat()
  if stat(directory, &status) != 0 {
    if errno == ENOENT { return true }
    throw Failure(directory, errorNumber: errno)
  }
  guard status.st_mode & S_IFMT == S_IFDIR else { return false }
  do { return try PosixFileSystem().list(directory).isEmpty || StoreInspector.isUnfinished(directory) } catch {
    throw StoreError(error)
  }
}

/// A store that is made beside its place, and gets there when it is whole: in a directory of its own, which a file marks as
/// ours. What stands there without the mark is somebody else's, and is left as it is.
struct StoreInTheMaking {
  private static let markName = "DARKBIRD-LOADING"
  private static let storeName = "store"

  let directory: String
  private let draft: String
  private let mark: any File
  let store: RecordStore

  /// Takes over what a killed process has left.
  init(_ directory: String, _ fields: FieldSchema) throws(Failure) {
    let directory = try Self.place(directory)
    var path = directory
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    let draft = path + ".loading"
    self.directory = directory
    self.draft = draft
    (mark, store) = try onStore(directory) {
      let mark: any File
      do { mark = try Self.claim(draft) } catch let error as SystemError { throw StoreError(error) }
      do {
        return (mark, try RecordStore(.disk(at: "\(draft)/\(Self.storeName)"), schema: IndexSchema(fields)))
      } catch {
        Self.remove(draft, mark)
        throw error
      }
    }
  }

  /// The directory itself where its name is a link, for a link makes way for no directory; nor does one that another file system
  /// is mounted on.
  private static func place(_ directory: String) throws(Failure) -> String {
    guard let real = realpath(directory, nil) else {
      var status = stat()
      if lstat(directory, &status) != 0 { return directory }
      throw Failure(.cannotCreate, directory, "is a link that leads nowhere")
    }
    defer { free(real) }
    let path = String(cString: real)
    var (own, parent) = (stat(), stat())
    guard stat(path, &own) == 0, stat(parentDirectory(of: path), &parent) == 0, own.st_dev == parent.st_dev else {
      throw Failure(.cannotCreate, directory, "another file system begins here; name a directory in it")
    }
    return path
  }

  /// Makes the directory, or takes over one with nothing in it but what is ours.
  /// - Returns: the mark, locked.
  private static func claim(_ draft: String) throws -> any File {
    let files = PosixFileSystem()
    if mkdir(draft, 0o777) != 0 {
      if errno != EEXIST { throw Failure(draft, errorNumber: errno) }
      var status = stat()
      guard lstat(draft, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { throw taken(draft) }
      let names = Set(try files.list(draft))
      guard names.isEmpty || names.contains(markName) && names.isSubset(of: [markName, storeName]) else {
        throw taken(draft)
      }
    }
    let (mark, isLocked) = try files.openLocked("\(draft)/\(markName)", .createOrTakeOver, exclusive: true)
    // Not one that another process works on.
    guard isLocked else {
      throw StoreError.locked(path: draft, holder: "another process that loads it")
    }
    let left = "\(draft)/\(storeName)"
    if try files.exists(left) { try FileManager.default.removeItem(atPath: left) }
    return mark
  }

  private static func taken(_ draft: String) -> StoreError {
    .targetExists(path: draft, reason: "exists, and is not what darkbird has begun to load; it is left as it is")
  }

  /// Nothing is left of it where this throws, but for a store that has its place and is perhaps not on the disk yet.
  func finish() throws(Failure) {
    do throws(Failure) {
      try onStore(directory) { try store.close() }
      if StoreInspector.isUnfinished(directory) { StoreInspector.removeUnwritten(directory) }
      if rename("\(draft)/\(Self.storeName)", directory) != 0 { throw Self.refusal(of: directory, errno) }
    } catch {
      Self.remove(draft, mark)
      var failure = error
      failure.description += "; nothing was made"
      throw failure
    }
    Self.remove(draft, mark)
    do { try PosixFileSystem().synchronizeDirectory(parentDirectory(of: draft)) } catch {
      var failure = Failure(StoreError(error), path: directory)
      failure.description += "; the store is loaded, and may be gone after a power loss"
      throw failure
    }
  }

  /// Why a store cannot take its place.
  private static func refusal(of directory: String, _ errorNumber: Int32) -> Failure {
    var failure = Failure(directory, errorNumber: errorNumber)
    if [EEXIST, ENOTEMPTY, EBUSY].contains(errorNumber) { failure.code = .cannotCreate }
    return failure
  }

  /// Best effort: nothing is left.
  func cancel() {
    try? store.close()
    Self.remove(draft, mark)
  }

  /// The mark last: a draft without it is not known for one.
  private static func remove(_ draft: String, _ mark: any File) {
    try? FileManager.default.removeItem(atPath: "\(draft)/\(storeName)")
    unlink("\(draft)/\(markName)")
    rmdir(draft)
    mark.close()
  }
}
