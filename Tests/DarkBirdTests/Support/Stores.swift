import Foundation

@testable import DarkBird

/// The store that most tests are about.
typealias MemberStore = Store<Int, Member>

extension StoreConfiguration {
  /// A store on a simulated disk, small in everything, so that tests are fast and pages rotate soon.
  static func simulated(_ pageCapacity: PageCapacity = .bytes(LogFormat.pageBytesMin)) -> StoreConfiguration {
    var configuration = StoreConfiguration.disk(at: "/data/store")
    configuration.pageCapacity = pageCapacity
    configuration.shardCount = 4
    configuration.checkpointLogBytes = nil
    // Only what asks for a sync is synced, so that there is something to lose.
    configuration.syncIntervalMilliseconds = 3_600_000
    return configuration
  }
}

extension SimulatedFileSystem {
  /// A disk with the parent directory of `StoreConfiguration.simulated`.
  static func forStores() -> SimulatedFileSystem {
    let fileSystem = SimulatedFileSystem()
    do {
      try fileSystem.createDirectory("/data")
      try fileSystem.synchronizeDirectory("/")
    } catch { preconditionFailure("an empty simulated disk makes a directory: \(error)") }
    return fileSystem
  }

  /// The bytes of the files of `StoreConfiguration.simulated`, by name.
  var storeFiles: [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for (path, bytes) in self.files where path.hasPrefix("/data/store/") {
      files[String(path.dropFirst("/data/store/".count))] = bytes
    }
    return files
  }

  /// Name of the last page of the log that has been begun.
  var pageInUse: String? {
    storeFiles.filter { $0.key.hasPrefix("wal-") && $0.value.contains { $0 != 0 } }.keys.max()
  }
}

extension Store where Key == Int, Document == Member {
  convenience init(_ configuration: StoreConfiguration = .simulated(), on fileSystem: SimulatedFileSystem) throws {
    try self.init(configuration, schema: Member.schema, fileSystem: fileSystem)
  }

  /// All documents, through the scan.
  func contents() throws -> [Int: Member] {
    var contents: [Int: Member] = [:]
    for stored in try scan().documents { contents[stored.key] = stored.document }
    return contents
  }

  func keys(tagged tag: String) throws -> Set<Int> { Set(try documents(tagged: tag).documents.map(\.key)) }

  func keys(where field: String, in range: IndexRange) throws -> [Int] {
    try documents(where: field, in: range).documents.map(\.key)
  }
}

/// A directory of its own on the real disk, which is gone when the value is.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "darkbird-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The error that `body` throws, if it is one of the store.
func storeError(_ body: () throws -> Void) -> StoreError? {
  do {
    try body()
    return nil
  } catch { return error as? StoreError }
}
