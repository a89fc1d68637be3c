import Foundation

/// Reads all that can be read of a damaged store.
///
/// A checkpoint that is sound from its header to its footer holds all that was there at its start LSN: records up to that
/// one are then passed over, for a removal among them may be lost. Otherwise every page and every block that there is
/// counts, and the version with the higher LSN wins.
struct Salvage {
  private let files: DamagedStore
  private(set) var report: SalvageReport
  private(set) var table = DocumentTable()
  private(set) var manifest: Manifest?
  private var stores: [UUID] = []
  /// LSNs of the frames that were read.
  private var read: [ClosedRange<UInt64>] = []
  /// Records up to here are in a sound checkpoint.
  private var settledLSN: UInt64 = 0
  /// Whether pages before the first one that the manifest names are only what a crash did not let the store remove.
  private var isLogOfManifest = false

  /// LSNs of the frames that change nothing.
  private var emptyBatches: Set<UInt64> = []

  /// - Throws: `.notAStore`, `.newerFormat`, `.io`.
  init(_ directory: String, _ fileSystem: any FileSystem) throws(StoreError) {
    try self.init(directory, fileSystem, unpublished: [])
    if report.damages.isEmpty { return }
    // What is damaged may be in a checkpoint that was not published, too. That of a migration that was not done has documents of
    // another form: two records without an operation come just before its end.
    let others = files.checkpoints.filter { lsn in
      lsn > namedCheckpoint && !(emptyBatches.contains(lsn) && emptyBatches.contains(lsn - 1))
    }
    if !others.isEmpty { self = try Salvage(directory, fileSystem, unpublished: others) }
  }

  /// - Parameter unpublished: checkpoints that count although the manifest does not name them.
  private init(
    _ directory: String, _ fileSystem: any FileSystem, unpublished: [UInt64]
  ) throws(StoreError) {
    files = try DamagedStore(directory, fileSystem)
    report = SalvageReport(identifier: UUID())
    try readManifest()
    stores = files.identifiers(manifest)
    report.salvaged = stores.first
    try readCheckpoints(unpublished)
    try readPages()
    report.gaps = gaps()
  }

  private mutating func note(_ file: String, _ offset: Int, _ bytes: Int, _ reason: String) {
    report.damages.append(.init(file: file, offset: offset, bytes: bytes, reason: reason))
  }

  /// The new store goes on from there, or from before an LSN that none has come to.
  private mutating func reach(_ lsn: UInt64) {
    if lsn <= LogFormat.lsnMaxForNewStores { report.lastLSN = max(report.lastLSN, lsn) }
  }

  private mutating func readManifest() throws(StoreError) {
    do throws(StoreError) {
      let found = try files.manifest()
      // Of a mix-up, it would have everything that is here taken for another store's.
      let others = files.identifiers(nil)
      guard others.isEmpty || others.contains(found.store) || planted(.foreignManifestBelieved) else {
        (report.isSchemaLost, report.isSchemaVersionLost) = (true, true)
        return note(LogFormat.manifestName, 0, 0, "the manifest of another store, \(found.store)")
      }
      use(found)
    } catch {
      if let found = files.manifestOfWrongVersion() {
        note(LogFormat.manifestName, 8, 4, "a wrong version of the format; all the rest is right")
        return use(found)
      }
      (report.isSchemaLost, report.isSchemaVersionLost) = (true, true)
      switch error {
      case .newerFormat(_, let version, _):
        // With nothing of this format beside it, it is believed.
        if files.identifiers(nil).isEmpty { throw error }
        note(LogFormat.manifestName, 8, 4, "written in format \(version), it says, unlike all the rest")
      case .corrupt(_, let offset, let reason): note(LogFormat.manifestName, offset, 0, reason)
      case .notAStore: note(LogFormat.manifestName, 0, 0, "the manifest is missing")
      default: note(LogFormat.manifestName, 0, 0, error.description)
      }
    }
  }

  private mutating func use(_ found: Manifest) {
    manifest = found
    report.schema = found.schema
    report.schemaVersion = found.schemaVersion
    reach(found.reachedLSN)
  }

  // MARK: Checkpoints

  /// LSN of the checkpoint that a sound manifest names, 0 if it names none. No page has gone for a later one.
  private var namedCheckpoint: UInt64 { manifest.map { $0.checkpointLSN ?? 0 } ?? .max }

  private mutating func readCheckpoints(_ unpublished: [UInt64]) throws(StoreError) {
    if let lsn = manifest?.checkpointLSN, !files.checkpoints.contains(lsn) {
      note(LogFormat.checkpointName(lsn), 0, 0, DamagedStore.missingCheckpoint)
    }
    let named = namedCheckpoint
    let checkpoints = files.checkpoints.filter {
      $0 <= named || unpublished.contains($0) || planted(.unpublishedCheckpointTaken)
    }
    // The newest sound one makes older ones, and their damage, irrelevant.
    var sound: UInt64?
    for lsn in checkpoints.reversed() where sound == nil {
      var probe = self
      if let startLSN = try probe.readCheckpoint(lsn, isProbe: true) { (sound, settledLSN) = (lsn, startLSN) }
    }
    for lsn in checkpoints where lsn >= sound ?? 0 { _ = try readCheckpoint(lsn, isProbe: false) }
    if let sound, sound > named {
      note(LogFormat.checkpointName(sound), 0, 0, "not named by the manifest, and taken for what is damaged")
    }
    isLogOfManifest = sound != nil && sound == manifest?.checkpointLSN || manifest?.checkpointLSN == nil
  }

  /// Returns the start LSN if the checkpoint is sound. A probe keeps no document.
  private mutating func readCheckpoint(_ lsn: UInt64, isProbe: Bool) throws(StoreError) -> UInt64? {
    let name = LogFormat.checkpointName(lsn)
    let file: any File
    var walk: CheckpointWalk
    do throws(SystemError) {
      file = try files.fileSystem.open(files.path(name), .read)
      walk = try CheckpointWalk(file, endLSN: lsn)
    } catch {
      note(name, 0, 0, error.description)
      return nil
    }
    defer { file.close() }
    if let version = walk.newerVersion, version > LogFormat.version {
      throw .newerFormat(path: files.path(name), found: version, supported: LogFormat.version)
    }
    if let header = walk.header, header.store != stores.first {
      note(name, 0, 0, DamagedStore.foreignCheckpoint(header.store))
      return nil
    }
    if let problem = walk.headerProblem { note(name, 0, CheckpointFormat.headerBytes, problem) }
    var (isSound, hasEnded) = (walk.headerProblem == nil, false)
    let startLSN = isSound ? walk.header?.startLSN ?? 0 : 0
    while let part = walk.next() {
      switch part {
      case .block(let offset, let bytes, let documents, let problem):
        report.checkpointDocuments += documents
        if let problem {
          isSound = false
          note(name, offset + 4, 4, problem)
        }
        let newest = bytes.withUnsafeBytes { raw in
          var newest: UInt64 = 0
          _ = forEachDocument(inBlock: raw) { record in
            newest = max(newest, record.lsn)
            if !isProbe { table.apply(record, currentUpTo: startLSN) }
          }
          return newest
        }
        reach(newest)
      case .damage(let offset, let bytes, let reason, let claim):
        // What lies behind the footer takes nothing from what is before it.
        if !hasEnded { isSound = false }
        let lost = claim.map { ", which says it has \($0.documents) documents" } ?? ""
        note(name, offset, bytes, reason + lost)
      case .footer(let offset, let documents, let endLSN, let checksum, let computed):
        hasEnded = true
        if let computed, checksum != computed {
          isSound = false
          note(name, offset, CheckpointFormat.footerBytes + 4, "wrong checksum of the checkpoint's footer")
        } else if computed != nil {
          reach(endLSN)
          if documents != UInt64(walk.documents) || endLSN != lsn {
            isSound = false
            note(name, offset, 0, DamagedStore.wrongFooter)
          }
        }
      }
    }
    return isSound ? startLSN : nil
  }

  // MARK: Pages

  private mutating func readPages() throws(StoreError) {
    var expected = manifest?.firstPage ?? files.pages.first ?? 1
    for sequence in files.pages {
      if isLogOfManifest, let manifest, sequence < manifest.firstPage { continue }
      if sequence > expected {
        for page in files.missing(expected..<sequence) { note(page.file, page.offset, page.bytes, page.reason) }
      }
      expected = max(expected, sequence &+ 1)
      try readPage(sequence)
    }
    if files.pages.isEmpty { note(LogFormat.pageName(expected), 0, 0, DamagedStore.noPages) }
  }

  private mutating func readPage(_ sequence: UInt64) throws(StoreError) {
    let name = LogFormat.pageName(sequence)
    let contents: DamagedStore.Contents
    do throws(SystemError) { contents = try files.contents(name) } catch {
      return note(name, 0, 0, error.description)
    }
    for range in contents.unreadable {
      note(name, range.lowerBound, range.count, contents.error?.description ?? "cannot be read")
    }
    var failure: StoreError?
    contents.bytes.withUnsafeBytes { page in
      do throws(StoreError) { try read(page, sequence) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private mutating func read(_ page: UnsafeRawBufferPointer, _ sequence: UInt64) throws(StoreError) {
    let name = LogFormat.pageName(sequence)
    let beginning = LogPageBeginning(page, sequence: sequence, stores: stores)
    if let version = beginning.newerVersion, version > LogFormat.version {
      throw .newerFormat(path: files.path(name), found: version, supported: LogFormat.version)
    }
    if beginning.isUnused { return }
    if let problem = beginning.problem { note(name, 0, min(page.count, LogFormat.headerBytes), problem) }
    if let stray = beginning.strayBytes { note(name, stray.lowerBound, stray.count, LogPageHeader.strayReason) }
    if let header = beginning.header {
      if let (offset, reason) = files.problem(of: header, sequence, store: stores.first) {
        if header.store != stores.first { return note(name, 0, page.count, reason) }
        note(name, offset, 0, reason)
      }
      reach(header.firstLSN - 1)
    }
    report.pages += 1
    var walk = beginning.walk(page)
    while let part = walk.next() {
      switch part {
      case .frame(let frame, _): take(frame)
      case .damage(let offset, let bytes, let reason, let isLast):
        let mayBeTorn = isLast && files.isLastBegun(sequence) && walk.lastLSN >= manifest?.reachedLSN ?? 0
        note(name, offset, bytes, reason + (mayBeTorn ? "; the torn end of the log, if the program was killed" : ""))
      }
    }
    // A page that others follow was sealed. Damage at its end was noted already.
    if !walk.isSealed, report.damages.last?.file != name, !files.isLastBegun(sequence) {
      note(name, walk.offset, 0, DamagedStore.unsealed)
    }
  }

  private mutating func take(_ frame: LogFrame) {
    reach(max(frame.lsn, frame.durableLSN))
    if frame.kind == .seal { return }
    report.records += 1
    if let last = read.last, last.upperBound + 1 == frame.lsn {
      read[read.count - 1] = last.lowerBound...frame.lsn
    } else {
      read.append(frame.lsn...frame.lsn)
    }
    if frame.lsn <= settledLSN { return }
    if frame.kind == .batch {
      // The walk has checked that it is whole.
      guard var operations = try? LogBatchReader(frame.payload, lsn: frame.lsn, durableLSN: frame.durableLSN) else {
        return
      }
      var isEmpty = true
      while let record = operations.next() {
        table.apply(record)
        isEmpty = false
      }
      if isEmpty { emptyBatches.insert(frame.lsn) }
    } else {
      table.apply(frame.record)
    }
  }

  // MARK: What is missing

  /// LSNs up to the last one that neither a sound checkpoint nor a frame covers.
  private func gaps() -> [SalvageReport.Gap] {
    var gaps: [SalvageReport.Gap] = []
    var next = settledLSN + 1
    for range in read.sorted(by: { $0.lowerBound < $1.lowerBound }) where range.upperBound >= next {
      if range.lowerBound > next { gaps.append(.init(first: next, last: range.lowerBound - 1)) }
      next = range.upperBound + 1
    }
    if next <= report.lastLSN { gaps.append(.init(first: next, last: report.lastLSN)) }
    return gaps
  }
}
