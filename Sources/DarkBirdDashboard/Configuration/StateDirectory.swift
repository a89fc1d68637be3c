import Foundation

/// Where the XDG base directory specification wants files.
enum XDG {
  /// The directory of this program under a variable of the environment, or under the home directory without it. A
  /// relative path counts as none, as the specification says.
  static func directory(_ variable: String, else fallback: String) -> String {
    let environment = ProcessInfo.processInfo.environment
    if let base = environment[variable], base.hasPrefix("/") { return base + "/darkbird" }
    let home = environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path
    return "\(home)/\(fallback)/darkbird"
  }
}

/// What the program remembers between two runs, apart from the configuration: `$XDG_STATE_HOME/darkbird`, or
/// `~/.local/state/darkbird`. Nothing depends on it: what cannot be read is as good as not there, and what cannot be written
/// is let go.
struct StateDirectory: Sendable {
  let path: String

  init(_ path: String? = nil) { self.path = path ?? XDG.directory("XDG_STATE_HOME", else: ".local/state") }

  private var lastRunFile: URL { URL(filePath: path).appending(path: "last-run.json") }

  /// The run of a workload that the next one is compared with.
  var lastRun: RunRecord? {
    guard let data = try? Data(contentsOf: lastRunFile), data.count <= 1 << 20,
      var record = try? JSONDecoder().decode(RunRecord.self, from: data)
    else { return nil }
    record.perSecond = record.perSecond.prefix(RunRecord.secondsMax).map { $0.isFinite && $0 >= 0 ? $0 : 0 }
    record.summary = String(record.summary.prefix(200))
    return record
  }

  func keep(_ record: RunRecord) {
    guard let data = try? JSONEncoder().encode(record) else { return }
    write(data, to: lastRunFile)
  }

  private var queriesFile: URL { URL(filePath: path).appending(path: "queries") }

  /// Query lines under the function keys, a line each.
  var queries: [String] { Array(lines(of: queriesFile).prefix(KeyMap.savedQueryKeys.count)) }

  private func lines(of file: URL) -> [String] {
    guard let data = try? Data(contentsOf: file), data.count <= 1 << 20 else { return [] }
    let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
    // What somebody put into the file goes to the screen: as a line that could have been typed.
    let typed = lines.map { line in LineEditor(String(line.filter { !$0.isControl })).text }
    return typed.filter { !$0.isEmpty }
  }

  func keep(queries: [String]) {
    write(Data(queries.map { $0 + "\n" }.joined().utf8), to: queriesFile)
  }

  private var historyFile: URL { URL(filePath: path).appending(path: "history") }

  /// Query lines that were run, oldest first.
  var history: [String] { Array(lines(of: historyFile).suffix(BrowseState.historyMax)) }

  func keep(history: [String]) {
    write(Data(history.map { $0 + "\n" }.joined().utf8), to: historyFile)
  }

  /// What was copied last, for terminals without a clipboard.
  /// - Returns: the file; nil if it cannot be written.
  func keep(copied text: String) -> String? {
    let file = URL(filePath: path).appending(path: "copied")
    return write(Data((text + "\n").utf8), to: file) ? file.path : nil
  }

  @discardableResult
  private func write(_ data: Data, to file: URL) -> Bool {
    try? FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    return (try? data.write(to: file, options: .atomic)) != nil
  }
}

extension Character {
  fileprivate var isControl: Bool { unicodeScalars.contains { $0.properties.generalCategory == .control } }
}
