import Foundation

/// What is wrong with a configuration, and where.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  public var path: String
  /// From 1 on; 0 if it is about the whole file.
  public var line: Int
  public var reason: String

  public var description: String { line > 0 ? "\(path):\(line): \(reason)" : "\(path): \(reason)" }
}

/// The lines of a configuration: `name = value`, in sections that begin with `[section]`. A line that begins with `#` is a
/// comment, and so is nothing else: `#` may be a key.
struct ConfigurationFile {
  struct Entry: Hashable {
    var line: Int
    /// "" before the first section.
    var section: String
    var name: String
    var value: String
  }

  static let bytesMax = 1 << 20

  let path: String
  let entries: [Entry]

  init(text: String, path: String) throws(ConfigurationError) {
    self.path = path
    var entries: [Entry] = []
    var section = ""
    var seen: [String: Int] = [:]
    for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let number = index + 1
      func error(_ reason: String) -> ConfigurationError {
        ConfigurationError(path: path, line: number, reason: reason)
      }
      let line = raw.trimmingCharacters(in: .whitespaces)
      if line.isEmpty || line.hasPrefix("#") { continue }
      if line.hasPrefix("["), line.hasSuffix("]"), line.count > 2 {
        section = line.dropFirst().dropLast().trimmingCharacters(in: .whitespaces)
        continue
      }
      guard let sign = line.firstIndex(of: "="), sign > line.startIndex else {
        throw error("expected 'name = value' or '[section]', found '\(line.prefix(40))'")
      }
      let name = line[..<sign].trimmingCharacters(in: .whitespaces)
      let value = line[line.index(after: sign)...].trimmingCharacters(in: .whitespaces)
      if name.isEmpty { throw error("a value without a name") }
      if value.isEmpty { throw error("'\(name)' has no value") }
      if let before = seen.updateValue(number, forKey: section + "\n" + name) {
        throw error("'\(name)' is already set in line \(before)")
      }
      entries.append(Entry(line: number, section: section, name: name, value: value))
    }
    self.entries = entries
  }

  /// - Returns: nil if there is no such file.
  static func read(_ path: String) throws(ConfigurationError) -> ConfigurationFile? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ConfigurationError(path: path, line: 0, reason: "cannot be read")
    }
    guard data.count <= bytesMax else {
      throw ConfigurationError(path: path, line: 0, reason: "larger than 1 MiB: this is no configuration")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw ConfigurationError(path: path, line: 0, reason: "not UTF-8")
    }
    return try ConfigurationFile(text: text, path: path)
  }
}
