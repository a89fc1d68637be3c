import Foundation

/// What recovery found: where the log ends and goes on.
struct RecoveredLog: Sendable {
  struct Page: Sendable {
    var sequence: UInt64
    /// File offset behind the last record.
    var end: Int
    var records: Int
    var chain: UInt32
  }

  var manifest: Manifest
  /// The page that takes the next record.
  var page: Page
  /// Pages before it, which are sealed.
  var closedPages: [(sequence: UInt64, bytes: Int)] = []
  var lastLSN: UInt64
  var checkpointLSN: UInt64?
  var checkpointBytes = 0
}

/// Reads a store's directory: the manifest, the checkpoint it names, then the pages of the log in order.
///
/// `run` changes nothing on disk. `settle` and `repair` then put the directory in order for writing: a torn tail is set aside and
/// cut, files that a crash left over are removed.
struct Recovery {
  let directory: String
  let fileSystem: any FileSystem
  /// What a pass over a page found; for `verify`.
  var pages: [(name: String, scan: LogPageScan)] = []
  var checkpointDocuments = 0
  /// The checkpoint holds all up to here, in this version or a later one; what is not in it is gone.
  private var settledLSN: UInt64 = 0

  init(_ directory: String, _ fileSystem: any FileSystem) {
    self.directory = directory
    self.fileSystem = fileSystem
  }

  private func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// Hands the records of the checkpoint, then those of the log since it began, to `replay`.
  ///
  /// Records of the checkpoint come in no order and may be newer than those of the log that follow; `replay` must keep the
  /// version with the higher LSN.
  mutating func run(_ replay: (LogRecord) throws(StoreError) -> Void) throws(StoreError) -> RecoveredLog {
    let manifest = try Manifest.read(directory, fileSystem)
    var found = RecoveredLog(
      manifest: manifest, page: .init(sequence: manifest.firstPage, end: 0, records: 0, chain: 0), lastLSN: 0)
    if let lsn = manifest.checkpointLSN {
      let checkpoint = try readCheckpoint(
        path(LogFormat.checkpointName(lsn)), fileSystem, store: manifest.store, endLSN: lsn, replay)
      checkpointDocuments = checkpoint.documents
      settledLSN = checkpoint.startLSN
      found.checkpointLSN = lsn
      found.checkpointBytes = checkpoint.bytes
    }
    try readPages(manifest, &found, replay)
    let reachedLSN = max(manifest.reachedLSN, manifest.checkpointLSN ?? 0)
    if found.lastLSN < reachedLSN {
      throw .corrupt(
        path: path(LogFormat.pageName(found.page.sequence)), offset: found.page.end,
        reason: "the log ends at LSN \(found.lastLSN), but had reached \(reachedLSN)")
    }
    return found
  }

  private mutating func readPages(
    _ manifest: Manifest, _ found: inout RecoveredLog, _ replay: (LogRecord) throws(StoreError) -> Void
  ) throws(StoreError) {
    let names: [String]
    do { names = try fileSystem.list(directory) } catch { throw StoreError(error) }
    let sequences = names.compactMap { LogFormat.number(in: $0, prefix: "wal") }.filter { $0 >= manifest.firstPage }
      .sorted()
    guard sequences.first == manifest.firstPage else {
      throw .corrupt(
        path: path(LogFormat.pageName(manifest.firstPage)), offset: 0, reason: "the first page of the log is missing")
    }
    var previous: LogPageScan?
    for (index, sequence) in sequences.enumerated() {
      guard sequence == manifest.firstPage + UInt64(index) else {
        // A crash while unused pages are removed can leave the later one.
        if try areUnused(sequences[index...]) { return }
        throw .corrupt(
          path: path(LogFormat.pageName(manifest.firstPage + UInt64(index))), offset: 0,
          reason: "a page is missing within the log")
      }
      // Pages that were made ahead of need may follow the last one that was begun.
      let isLast = try areUnused(sequences[(index + 1)...])
      guard let scan = try readPage(sequence, isLast: isLast, manifest, previous, replay) else { break }
      if let previous { found.closedPages.append((sequence - 1, previous.endOffset)) }
      pages.append((LogFormat.pageName(sequence), scan))
      found.page = .init(sequence: sequence, end: scan.endOffset, records: scan.records, chain: scan.chain)
      found.lastLSN = scan.lastLSN
      previous = scan
    }
  }

  /// Reads one page. Nil for a page that was made but not begun, or whose beginning never became durable.
  private func readPage(
    _ sequence: UInt64, isLast: Bool, _ manifest: Manifest, _ previous: LogPageScan?,
    _ replay: (LogRecord) throws(StoreError) -> Void
  ) throws(StoreError) -> LogPageScan? {
    let path = path(LogFormat.pageName(sequence))
    let bytes: [UInt8]
    do { bytes = try fileSystem.contents(path) } catch { throw StoreError(error) }
    let result = bytes.withUnsafeBytes { page -> Result<LogPageScan?, StoreError> in
      do throws(StoreError) {
        let header: LogPageHeader
        do throws(LogPageHeader.DecodingFailure) {
          header = try LogPageHeader(page)
        } catch {
          return .success(try withoutHeader(page, error, sequence, isLast: isLast, manifest, previous, path))
        }
        try check(header, sequence, manifest, previous, path)
        let scan = try scanLogPage(page, header: header, path: path, isLast: isLast) { record, _ throws(StoreError) in
          if record.lsn > settledLSN || planted(.settledRecordReplayed) { try replay(record) }
        }
        return .success(scan)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// A page whose header cannot be read: fine if it is the last one and nothing in it was ever durable.
  private func withoutHeader(
    _ page: UnsafeRawBufferPointer, _ failure: LogPageHeader.DecodingFailure, _ sequence: UInt64, isLast: Bool,
    _ manifest: Manifest, _ previous: LogPageScan?, _ path: String
  ) throws(StoreError) -> LogPageScan? {
    if case .newer(let version) = failure {
      throw .newerFormat(path: path, found: version, supported: LogFormat.version)
    }
    let reason = if case .damaged(let reason) = failure { reason } else { "the page header is missing" }
    guard isLast, let previous, previous.end == .sealed || failure == .unused else {
      throw .corrupt(path: path, offset: 0, reason: reason)
    }
    let seed = LogPageHeader.frameSeed(store: manifest.store, sequence: sequence)
    var search = LogFrameSearch(page, from: LogFormat.headerBytes, seed: seed)
    if let proof = search.proof(behind: LogFormat.headerBytes - 1, durable: previous.lastLSN + 1) {
      throw .corrupt(
        path: path, offset: 0, reason: "\(reason), but the frame at \(proof) was written after it was synced")
    }
    return nil
  }

  private func check(
    _ header: LogPageHeader, _ sequence: UInt64, _ manifest: Manifest, _ previous: LogPageScan?, _ path: String
  ) throws(StoreError) {
    func corrupt(_ reason: String, _ offset: Int) -> StoreError { .corrupt(path: path, offset: offset, reason: reason) }
    guard header.store == manifest.store else { throw corrupt("a page of another store", 16) }
    guard header.sequence == sequence else {
      throw corrupt("page \(header.sequence) under the name of \(sequence)", 32)
    }
    guard let previous else {
      guard header.firstLSN <= (manifest.checkpointLSN ?? 0) + 1 else {
        throw corrupt("the log begins at LSN \(header.firstLSN); what came before is missing", 40)
      }
      return
    }
    guard previous.end == .sealed else { throw corrupt("the page before is not sealed", 0) }
    guard header.firstLSN == previous.lastLSN + 1 else {
      throw corrupt("begins at LSN \(header.firstLSN) after LSN \(previous.lastLSN)", 40)
    }
    guard header.previousChain == previous.chain else { throw corrupt("does not continue the page before", 48) }
  }

  private func areUnused(_ sequences: ArraySlice<UInt64>) throws(StoreError) -> Bool {
    for sequence in sequences where try !isUnused(sequence) { return false }
    return true
  }

  /// Whether a page was made ahead of need and not begun.
  private func isUnused(_ sequence: UInt64) throws(StoreError) -> Bool {
    do throws(SystemError) {
      let file = try fileSystem.open(path(LogFormat.pageName(sequence)), .read)
      defer { file.close() }
      return try file.readAll(at: 0, count: LogFormat.headerBytes).withUnsafeBytes { isZero($0, from: 0) }
    } catch {
      if error.isMissing { return false }
      throw StoreError(error)
    }
  }

  // MARK: Putting the directory in order

  /// Makes the manifest durable and removes what it does not need. On a full disk what only the manifest before needs stays.
  func settle(_ found: inout RecoveredLog) throws(StoreError) {
    if try makeDurable(&found.manifest) { return try removeLeftovers(found, isManifestDurable: true) }
    try removeLeftovers(found, isManifestDurable: false)
    // That may have made room.
    if try makeDurable(&found.manifest) { return try removeLeftovers(found, isManifestDurable: true) }
    // There is no manifest before the first one: records behind it would be lost with it.
    if found.lastLSN == 0 { throw .diskFull(path: directory) }
  }

  /// The manifest may come from a rename whose sync failed: another sync need not do anything for that name, and what only the
  /// manifest before needs is about to be removed. Written anew it has a name that can be synced.
  /// - Returns: false on a full disk, which must not keep a store from being opened.
  private func makeDurable(_ manifest: inout Manifest) throws(StoreError) -> Bool {
    if planted(.manifestTakenForDurable) { return true }
    do throws(StoreError) {
      try manifest.write(directory, fileSystem)
      return true
    } catch {
      guard case .diskFull = error else { throw error }
      return false
    }
  }

  /// Cuts a torn tail, and opens the page that takes the next record.
  func repair(_ found: inout RecoveredLog, capacity: StoreConfiguration.PageCapacity) throws(SystemError) -> any File {
    let last = pages[pages.count - 1].scan
    if last.end == .sealed {
      // The seal may have been written and not synced.
      let sealed = try fileSystem.open(path(LogFormat.pageName(found.page.sequence)), .readWrite)
      defer { sealed.close() }
      try rewrite(sealed, through: found.page.end)
      try sealed.synchronize()
      found.closedPages.append((found.page.sequence, found.page.end))
      found.page = .init(
        sequence: found.page.sequence + 1, end: LogFormat.headerBytes, records: 0, chain: found.page.chain)
      return try createPage(header(found, capacity))
    }
    let name = LogFormat.pageName(found.page.sequence)
    let file = try fileSystem.open(path(name), .readWrite)
    if case .torn = last.end, !planted(.tornTailNotKept) {
      try setAside(file, from: found.page.end, name: "torn-\(name)-\(found.page.end)")
    }
    if found.page.records == 0, found.page.sequence > found.manifest.firstPage {
      // An opening may have made it and failed before its name was durable.
      file.close()
      return try createPage(header(found, capacity))
    }
    if !planted(.tornTailNotCut) { try file.truncate(to: found.page.end) }
    // A store that was closed has synced all of it.
    if found.lastLSN > found.manifest.reachedLSN { try rewrite(file, through: found.page.end) }
    try file.synchronize()
    return file
  }

  /// Writes a page as it was read. After a sync that failed the kernel may take for written what is in its memory only: then
  /// reading finds it, and another sync does nothing for it.
  private func rewrite(_ file: any File, through end: Int) throws(SystemError) {
    if planted(.lastPageNotRewritten) { return }
    var offset = 0
    while offset < end {
      let bytes = try file.readAll(at: offset, count: min(1 << 20, end - offset))
      if bytes.isEmpty { return }
      try file.writeAll(bytes, at: offset)
      offset += bytes.count
    }
  }

  private func header(_ found: RecoveredLog, _ capacity: StoreConfiguration.PageCapacity) -> LogPageHeader {
    LogPageHeader(
      store: found.manifest.store, sequence: found.page.sequence, firstLSN: found.lastLSN + 1,
      previousChain: found.page.chain, capacity: capacity)
  }

  /// Makes a page with its header, durable. In the place of one without records, if there is one.
  func createPage(_ header: LogPageHeader) throws(SystemError) -> any File {
    let file = try fileSystem.openAnew(path(LogFormat.pageName(header.sequence)))
    try file.writeAll(header.encoded(), at: 0)
    try file.synchronize()
    try fileSystem.synchronizeDirectory(directory)
    return file
  }

  /// Keeps the bytes behind the last valid frame, but for the zeros at the end, in a file of their own: `name`, or if an
  /// earlier tail has it, `name-2` and so on.
  private func setAside(_ file: any File, from offset: Int, name: String) throws(SystemError) {
    var end = offset
    try file.forEachPiece(from: offset) { piece, place in
      let count = endOfContent(piece)
      if count > 0 { end = place + count }
      return true
    }
    if end == offset { return }
    // The zeros behind it are room that a full disk may need for the copy.
    try? file.truncate(to: end)
    let taken = Set(try fileSystem.list(directory))
    var (free, number) = (name, 1)
    while taken.contains(free), !planted(.tailOverwritten) {
      number += 1
      free = "\(name)-\(number)"
    }
    let copy = try fileSystem.open(path(free), .createIfMissing)
    defer { copy.close() }
    do throws(SystemError) {
      try copy.truncate(to: 0)
      try file.forEachPiece(from: offset) { (piece, place) throws(SystemError) in
        let rest = UnsafeRawBufferPointer(rebasing: piece.prefix(end - place))
        try copy.writeAll(rest, at: place - offset)
        return place + piece.count < end
      }
      try copy.synchronize()
      try fileSystem.synchronizeDirectory(directory)
    } catch {
      // Or each opening that fails would leave one more.
      try? fileSystem.remove(path(free))
      throw error
    }
  }

  /// Removes pages and checkpoints that the manifest does not need, drafts, and a page that was made ahead of need.
  private func removeLeftovers(_ found: RecoveredLog, isManifestDurable: Bool) throws(StoreError) {
    try diskErrors(directory) { () throws(SystemError) in
      try fileSystem.synchronizeDirectory(directory)
      try removeNames(found, isManifestDurable)
    }
  }

  private func removeNames(_ found: RecoveredLog, _ isManifestDurable: Bool) throws(SystemError) {
    var behind: [String] = []
    for name in try fileSystem.list(directory) {
      if let sequence = LogFormat.number(in: name, prefix: "wal") {
        if sequence < found.manifest.firstPage {
          if isManifestDurable { try fileSystem.remove(path(name)) }
        } else if sequence > found.page.sequence {
          behind.append(name)
        }
      } else if let lsn = LogFormat.number(in: name, prefix: "ckpt") {
        if lsn != found.manifest.checkpointLSN, isManifestDurable { try fileSystem.remove(path(name)) }
      } else if name == LogFormat.manifestDraftName || name == LogFormat.checkpointDraftName
        || name == LogFormat.unfinishedName || LogFormat.isOfMigration(name)
      {
        try fileSystem.remove(path(name))
      }
    }
    // Last: the others make the room that what is set aside may need.
    for name in behind {
      let file = try fileSystem.open(path(name), .readWrite)
      defer { file.close() }
      try setAside(file, from: 0, name: "torn-\(name)-0")
      try fileSystem.remove(path(name))
    }
  }
}
