import Foundation

/// A directory that is removed when the test lets go of it.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "darkbird-cli-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file and returns its path.
  func file(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
    try Data(bytes).write(to: URL(filePath: self(name)))
    return self(name)
  }

  func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }
}

/// Every name below a directory with its kind, size, time of change and bytes: equal before and after means that
/// nothing was written; with times, not even the same bytes again.
func tree(_ path: String, withTimes: Bool = true) throws -> [String: String] {
  var entries: [String: String] = [:]
  for name in try FileManager.default.subpathsOfDirectory(atPath: path) + [""] {
    let full = "\(path)/\(name)"
    let attributes = try FileManager.default.attributesOfItem(atPath: full)
    let isFile = attributes[.type] as? FileAttributeType == .typeRegular
    let bytes = isFile ? try Data(contentsOf: URL(filePath: full)) : Data()
    let changed = !withTimes ? 0 : (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
    entries[name] = "\(attributes[.type] ?? "") \(changed) \(bytes.count) \(bytes.hashValue)"
  }
  return entries
}
