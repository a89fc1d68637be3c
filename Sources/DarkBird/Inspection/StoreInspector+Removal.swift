extension StoreInspector {
  /// Whether there is nothing in a directory but what is left where a store was being made when its program was killed. The
  /// next opening for writing makes it.
  package static func isUnfinished(_ directory: String) -> Bool {
    let fileSystem = PosixFileSystem()
    guard let names = try? fileSystem.list(directory), !names.isEmpty else { return false }
    return names.allSatisfy(LogFormat.namesOfCreation.contains)
      && (try? Disk.needsCreation(directory, fileSystem)) == true
  }

  /// Removes a store in which nothing was ever written, or what is left where one could not be made; the directory stays, empty.
  /// Best effort: whatever else is there stays, and so does a store that another program has open.
  package static func removeUnwritten(_ directory: String) {
    let fileSystem = PosixFileSystem()
    // Not as a store is opened, which writes to the lock: the disk may be full.
    let path = "\(directory)/\(LogFormat.lockName)"
    guard let (lockFile, isLocked) = try? fileSystem.openLocked(path, .readWrite, exclusive: true) else { return }
    defer { lockFile.close() }
    guard isLocked, let names = try? fileSystem.list(directory) else { return }
    if names.contains(LogFormat.manifestName) {
      var recovery = Recovery(directory, fileSystem)
      guard let found = try? recovery.run({ _ in }), found.lastLSN == 0 else { return }
    }
    let order = [LogFormat.manifestName: 0, LogFormat.manifestDraftName: 1, LogFormat.lockName: 3]
    let ours = names.filter { order[$0] != nil || $0.hasPrefix("wal-") }
    // Without its manifest it is no store, whatever happens in between.
    for name in ours.sorted(by: { order[$0] ?? 2 < order[$1] ?? 2 }) { try? fileSystem.remove("\(directory)/\(name)") }
  }
}
