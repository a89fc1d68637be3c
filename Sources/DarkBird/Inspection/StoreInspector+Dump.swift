import Foundation

extension StoreInspector {
  /// Hands out what is in the files of a store, part by part: the manifest, the checkpoints with their blocks, the pages
  /// with their frames. For people who want to see the format, or what is wrong.
  ///
  /// A damaged part is handed out as such, and the reading goes on with the next one that is sound. Takes no lock and
  /// changes nothing; while a program writes to the store, the end of the last page may look damaged, and what a
  /// checkpoint removes.
  ///
  /// - Parameters:
  ///   - path: the directory of the store.
  ///   - selection: which parts to hand out; all by default.
  ///   - body: gets each part, and returns whether to go on.
  /// - Throws: `.notAStore`, `.io`.
  /// - Complexity: O(bytes of the files), with one page, or one block of a checkpoint, in memory.
  ///   Where a block is damaged, and holds documents that look like blocks, up to the square of its bytes.
  public static func dump(
    _ path: String, _ selection: StoreDump.Selection = .init(), _ body: (StoreDump.Item) -> Bool
  ) throws(StoreError) {
    try dump(path, selection, PosixFileSystem(), body)
  }

  package static func dump(
    _ path: String, _ selection: StoreDump.Selection, _ fileSystem: any FileSystem, _ body: (StoreDump.Item) -> Bool
  ) throws(StoreError) {
    let files = try DamagedStore(path, fileSystem)
    var manifest: Manifest?
    var problem: StoreDump.Damage?
    do throws(StoreError) {
      manifest = try files.manifest()
    } catch {
      problem = damage(LogFormat.manifestName, error)
    }
    let stores = files.identifiers(manifest)
    if selection.isEverything {
      if let manifest, !body(.manifest(.init(manifest))) { return }
      if let problem, !body(.damage(problem)) { return }
      if let lsn = manifest?.checkpointLSN, !files.checkpoints.contains(lsn),
        (try? fileSystem.exists(files.path(LogFormat.checkpointName(lsn)))) != true,
        !body(damage(LogFormat.checkpointName(lsn), DamagedStore.missingCheckpoint))
      {
        return
      }
      for lsn in files.checkpoints {
        if !dumpCheckpoint(files, lsn, stores.first, isCurrent: lsn == manifest?.checkpointLSN, body) { return }
      }
    }
    var expected = manifest?.firstPage ?? files.pages.first ?? 1
    var end: PageDump.End?
    for sequence in files.pages where selection.page == nil || selection.page == sequence {
      // While unused pages are removed a later one may stay longer; but there is a first one.
      let isFirst = expected == manifest?.firstPage
      if selection.isEverything, sequence > expected, isFirst || !files.isLastBegun(expected - 1) {
        for page in files.missing(expected..<sequence) where !body(.damage(page)) { return }
      }
      expected = max(expected, sequence &+ 1)
      if !dumpPage(files, sequence, stores, selection, after: &end, body) { return }
    }
    guard selection.isEverything else { return }
    if files.pages.isEmpty {
      _ = body(damage(LogFormat.pageName(expected), DamagedStore.noPages))
    } else if let manifest, let last = files.pages.last, last < manifest.firstPage {
      for page in files.missing(expected..<expected + 1) { _ = body(.damage(page)) }
    } else if let manifest, let end, end.chain != nil {
      let reached = max(manifest.reachedLSN, manifest.checkpointLSN ?? 0)
      if end.lsn >= reached { return }
      let reason = "the log ends at LSN \(end.lsn), but had reached \(reached)"
      _ = body(damage(LogFormat.pageName(end.sequence), reason, at: end.offset))
    }
  }

  private static func damage(_ file: String, _ reason: String, at offset: Int = 0) -> StoreDump.Item {
    .damage(.init(file: file, offset: offset, bytes: 0, reason: reason))
  }

  private static func damage(_ file: String, _ error: StoreError) -> StoreDump.Damage {
    if case .corrupt(_, let offset, let reason) = error {
      return .init(file: file, offset: offset, bytes: 0, reason: reason)
    }
    return .init(file: file, offset: 0, bytes: 0, reason: error.description)
  }

  /// Returns whether to go on.
  private static func dumpCheckpoint(
    _ files: DamagedStore, _ lsn: UInt64, _ store: UUID?, isCurrent: Bool, _ body: (StoreDump.Item) -> Bool
  ) -> Bool {
    let name = LogFormat.checkpointName(lsn)
    let file: any File
    var walk: CheckpointWalk
    do throws(SystemError) {
      file = try files.fileSystem.open(files.path(name), .read)
      walk = try CheckpointWalk(file, endLSN: lsn)
    } catch {
      return body(.damage(.init(file: name, offset: 0, bytes: 0, reason: error.description)))
    }
    defer { file.close() }
    if let header = walk.header {
      let item = StoreDump.Checkpoint(
        file: name, identifier: header.store, startLSN: header.startLSN, checksum: header.checksum, isCurrent: isCurrent
      )
      if !body(.checkpoint(item)) { return false }
      if header.store != store, !body(damage(name, DamagedStore.foreignCheckpoint(header.store), at: 16)) {
        return false
      }
    }
    if let problem = walk.headerProblem {
      let damage = StoreDump.Damage(file: name, offset: 0, bytes: CheckpointFormat.headerBytes, reason: problem)
      if !body(.damage(damage)) { return false }
    }
    while let part = walk.next() {
      for item in items(part, name) where !body(item) { return false }
      // Where its checksum is right.
      if case .footer(let offset, let documents, let endLSN, let checksum, let computed) = part, checksum == computed,
        documents != UInt64(walk.documents) || endLSN != lsn,
        !body(damage(name, DamagedStore.wrongFooter, at: offset))
      {
        return false
      }
    }
    return true
  }

  private static func items(_ part: CheckpointPart, _ name: String) -> [StoreDump.Item] {
    switch part {
    case .block(let offset, let bytes, let documents, let problem):
      let checksum = bytes.withUnsafeBytes { $0.load32(at: 8) }
      let block = StoreDump.Block(
        file: name, offset: offset, bytes: bytes.count, documents: documents, checksum: checksum,
        computedChecksum: checksum)
      guard let problem else { return [.block(block)] }
      return [.block(block), .damage(.init(file: name, offset: offset + 4, bytes: 4, reason: problem))]
    case .damage(let offset, let bytes, let reason, let claim):
      let damage = StoreDump.Item.damage(.init(file: name, offset: offset, bytes: bytes, reason: reason))
      guard let claim else { return [damage] }
      let block = StoreDump.Block(
        file: name, offset: offset, bytes: claim.bytes, documents: claim.documents, checksum: claim.checksum,
        computedChecksum: claim.computed)
      return [.block(block), damage]
    case .footer(let offset, let documents, let endLSN, let checksum, let computed):
      let footer = StoreDump.Footer(
        file: name, offset: offset, documents: documents, endLSN: endLSN, checksum: checksum,
        computedChecksum: computed)
      guard let computed, computed != checksum else { return [.footer(footer)] }
      let reason = "wrong checksum of the checkpoint's footer"
      return [.footer(footer), .damage(.init(file: name, offset: offset, bytes: 24, reason: reason))]
    }
  }

  /// Returns whether to go on.
  private static func dumpPage(
    _ files: DamagedStore, _ sequence: UInt64, _ stores: [UUID], _ selection: StoreDump.Selection,
    after end: inout PageDump.End?, _ body: (StoreDump.Item) -> Bool
  ) -> Bool {
    let name = LogFormat.pageName(sequence)
    // Before it is read: a page is sealed before the next one begins.
    let isLast = files.isLastBegun(sequence)
    let contents: DamagedStore.Contents
    do throws(SystemError) {
      contents = try files.contents(name)
    } catch {
      return body(.damage(.init(file: name, offset: 0, bytes: 0, reason: error.description)))
    }
    for range in contents.unreadable {
      let reason = contents.error?.description ?? ""
      if !body(.damage(.init(file: name, offset: range.lowerBound, bytes: range.count, reason: reason))) {
        return false
      }
    }
    return contents.bytes.withUnsafeBytes { page in
      var dump = PageDump(files, name, sequence, page, stores, selection, isLast: isLast, after: end)
      let goesOn = dump.run(body)
      end = dump.end ?? end
      return goesOn
    }
  }
}

/// The dump of one page.
private struct PageDump {
  /// What the next page begins with.
  struct End {
    var sequence: UInt64
    var offset: Int
    var isSealed: Bool
    var lsn: UInt64
    /// Nil if damage keeps it from being known.
    var chain: UInt32?
  }

  private let files: DamagedStore
  /// Whether no later page has begun.
  private let isLast: Bool
  /// Of the last page before that has begun.
  private let previous: End?
  private let store: UUID?
  private let name: String
  private let sequence: UInt64
  private let page: UnsafeRawBufferPointer
  private let selection: StoreDump.Selection
  private let beginning: LogPageBeginning
  private var walk: LogPageWalk
  /// Of the records so far; nil behind damage.
  private var chain: UInt32?
  private var records: UInt64 = 0
  private var hasShownHeader = false

  init(
    _ files: DamagedStore, _ name: String, _ sequence: UInt64, _ page: UnsafeRawBufferPointer, _ stores: [UUID],
    _ selection: StoreDump.Selection, isLast: Bool, after previous: End?
  ) {
    self.files = files
    self.isLast = isLast
    self.previous = previous
    store = stores.first
    self.name = name
    self.sequence = sequence
    self.page = page
    self.selection = selection
    beginning = LogPageBeginning(page, sequence: sequence, stores: stores)
    walk = beginning.walk(page)
    chain = beginning.header?.previousChain
  }

  /// Nil if the page has not begun.
  var end: End? {
    if beginning.isUnused { return nil }
    // Nothing needs to continue a page that is out of place.
    let isInPlace = beginning.header.flatMap(problem(of:)) == nil
    return End(
      sequence: sequence, offset: walk.offset, isSealed: walk.isSealed, lsn: walk.lastLSN,
      chain: isInPlace ? chain : nil)
  }

  /// Returns whether to go on with the next page.
  mutating func run(_ body: (StoreDump.Item) -> Bool) -> Bool {
    let showsAll = selection.kind == nil && selection.lsns == nil
    let isDamaged =
      beginning.problem != nil || beginning.strayBytes != nil || beginning.header.flatMap(problem(of:)) != nil
    if showsAll || isDamaged, !showHeader(body) { return false }
    if beginning.isUnused { return !showsAll || showRoom(from: 0, body) }
    while let part = walk.next() {
      switch part {
      case .frame(let frame, let offset):
        let item = item(frame, offset)
        if selection.contains(item), !showHeader(body) || !body(.frame(item)) { return false }
        if let seal = item.seal, let chain,
          seal.chain != chain || seal.records != records || seal.lastLSN != walk.lastLSN
        {
          let reason = "the seal contradicts the page"
          let damage = StoreDump.Damage(file: name, offset: offset, bytes: item.bytes, reason: reason)
          if !showHeader(body) || !body(.damage(damage)) { return false }
        }
      case .damage(let offset, let bytes, let reason, _):
        chain = nil
        if !showHeader(body) { return false }
        // A frame that the walk refuses for its content is shown with the content's damage alone.
        if let frame = suspect(offset), !frame.isSound, !body(.frame(frame)) { return false }
        if !body(.damage(.init(file: name, offset: offset, bytes: bytes, reason: reason))) { return false }
      }
    }
    if showsAll, walk.room > 0, !showRoom(from: walk.offset, body) { return false }
    // A page that others follow was sealed; damage was told.
    if walk.isSealed || chain == nil || isLast { return true }
    if !showHeader(body) { return false }
    return body(.damage(.init(file: name, offset: walk.offset, bytes: 0, reason: DamagedStore.unsealed)))
  }

  private func showRoom(from offset: Int, _ body: (StoreDump.Item) -> Bool) -> Bool {
    body(.room(file: name, offset: offset, bytes: page.count - offset))
  }

  private mutating func showHeader(_ body: (StoreDump.Item) -> Bool) -> Bool {
    if hasShownHeader { return true }
    hasShownHeader = true
    if let header = beginning.header {
      let item = StoreDump.Page(
        file: name, bytes: page.count, identifier: header.store, sequence: header.sequence, firstLSN: header.firstLSN,
        previousChain: header.previousChain, capacity: header.capacity, checksum: page.load32(at: 64))
      if !body(.page(item)) { return false }
      if let (offset, reason) = problem(of: header),
        !body(.damage(.init(file: name, offset: offset, bytes: 0, reason: reason)))
      {
        return false
      }
      guard let stray = beginning.strayBytes else { return true }
      return body(
        .damage(.init(file: name, offset: stray.lowerBound, bytes: stray.count, reason: LogPageHeader.strayReason)))
    }
    guard let problem = beginning.problem else { return true }
    let bytes = min(page.count, LogFormat.headerBytes)
    return body(.damage(.init(file: name, offset: 0, bytes: bytes, reason: problem)))
  }

  /// What keeps the page from being the next one of the log.
  private func problem(of header: LogPageHeader) -> (offset: Int, reason: String)? {
    if let problem = files.problem(of: header, sequence, store: store) { return problem }
    guard let previous, previous.sequence &+ 1 == sequence, previous.isSealed, let chain = previous.chain else {
      return nil
    }
    if header.firstLSN != previous.lsn + 1 { return (40, "begins at LSN \(header.firstLSN) after LSN \(previous.lsn)") }
    return header.previousChain == chain ? nil : (48, "does not continue the page before")
  }

  private mutating func item(_ frame: LogFrame, _ offset: Int) -> StoreDump.Frame {
    var item = StoreDump.Frame(
      file: name, page: sequence, offset: offset, bytes: frame.length, lsn: frame.lsn, durableLSN: frame.durableLSN,
      kind: StoreDump.Kind(frame.kind), checksum: frame.checksum, computedChecksum: frame.checksum)
    switch frame.kind {
    case .put, .remove: item.operations = [operation(frame.record)]
    case .batch:
      guard var reader = try? LogBatchReader(frame.payload, lsn: frame.lsn, durableLSN: frame.durableLSN) else { break }
      while let record = reader.next() { item.operations.append(operation(record)) }
    case .clear: break
    case .seal:
      item.seal = StoreDump.Seal(
        lastLSN: frame.payload.load64(at: 0), records: frame.payload.load64(at: 8), chain: frame.payload.load32(at: 16),
        computedChain: chain)
    }
    if frame.kind != .seal {
      chain = chain.map { chained($0, frame.checksum) }
      records += 1
    }
    return item
  }

  private func operation(_ record: LogRecord) -> StoreDump.Operation {
    StoreDump.Operation(
      kind: StoreDump.Kind(record.kind), key: try? CBORReader.read(record.key) { try $0.readValue() },
      keyBytes: record.key.count, documentBytes: record.document.count)
  }

  /// The header of a frame that is not sound, if its length is possible.
  private func suspect(_ offset: Int) -> StoreDump.Frame? {
    guard offset % 8 == 0, offset + LogFormat.frameHeaderBytes <= page.count else { return nil }
    let length = Int(page.load32(at: offset))
    guard length >= LogFormat.frameHeaderBytes, offset + length <= page.count else { return nil }
    let frame = UnsafeRawBufferPointer(rebasing: page[offset..<offset + length])
    return StoreDump.Frame(
      file: name, page: sequence, offset: offset, bytes: length, lsn: frame.load64(at: 8),
      durableLSN: frame.load64(at: 16), kind: LogRecordKind(rawValue: frame[24]).map { .init($0) },
      checksum: frame.load32(at: 4), computedChecksum: frameChecksum(frame, length: length, seed: walk.seed))
  }
}

extension StoreDump.Manifest {
  fileprivate init(_ manifest: Manifest) {
    self.init(
      file: LogFormat.manifestName, identifier: manifest.store, generation: manifest.generation,
      checkpointLSN: manifest.checkpointLSN, firstPage: manifest.firstPage, reachedLSN: manifest.reachedLSN,
      schema: manifest.schema)
  }
}
