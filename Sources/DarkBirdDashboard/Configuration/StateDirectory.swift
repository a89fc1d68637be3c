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
    try? FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try? data.write(to: lastRunFile, options: .atomic)
  }
}
