import Foundation

extension StoreInspector {
  /// Makes a new store of what can be read of a damaged one. The damaged one is not changed.
  ///
  /// Frames and blocks whose checksum is right are taken, wherever in a file they are; the version of a document with the
  /// highest LSN is kept, and a removal that was read wins over older puts. Documents keep their bytes and their LSNs. Of
  /// documents that share a value of a unique index the one with the latest LSN is kept. What is read and left out is in a
  /// file of the new store, `SalvageReport.leftOutFile`. Works without a manifest, without a checkpoint, with pages missing.
  ///
  /// - Parameters:
  ///   - path: the damaged store, which no program has open for writing.
  ///   - output: where the new store goes: nothing, or an empty directory, outside of `path`.
  ///   - schema: the indexes, for a store whose manifest is lost. If it is not, they must be those of the manifest.
  ///   - schemaVersion: of the documents, for such a store; otherwise it must be that of the manifest.
  /// - Throws: `.notAStore` if there is no file of a store in `path`, `.locked`, `.newerFormat`, `.targetExists`
  ///   for an `output` that is not empty or lies in `path`, `.invalidConfiguration` for a `schema` or a `schemaVersion` that
  ///   cannot be, `.io`, `.diskFull`. Nothing is left in `output` then.
  /// - Complexity: O(bytes of the files + documents × log documents), with all documents and one page in memory.
  ///   Where a block of a checkpoint is damaged, and holds documents that look like blocks, up to the square of its bytes.
  public static func salvage(
    _ path: String, to output: String, schema: FieldSchema? = nil, schemaVersion: Int? = nil
  ) throws(StoreError) -> SalvageReport {
    try salvage(path, to: output, schema: schema, schemaVersion: schemaVersion, PosixFileSystem())
  }

  package static func salvage(
    _ path: String, to output: String, schema: FieldSchema? = nil, schemaVersion: Int? = nil,
    _ fileSystem: any FileSystem
  ) throws(StoreError) -> SalvageReport {
    try checkOutput(output, of: path, fileSystem)
    let lockFile = try lockForReading(path, fileSystem)
    defer { lockFile?.close() }
    let salvage = try Salvage(path, fileSystem)
    var report = salvage.report
    if let schema {
      if let manifest = salvage.manifest, manifest.schema.fields != schema {
        throw .invalidConfiguration(reason: "\(path): the manifest is sound and names other indexes")
      }
      report.schema.fields = schema
      report.isSchemaLost = false
      try IndexSchema<Record>(schema).validate()
    }
    if let schemaVersion {
      guard let version = UInt64(exactly: schemaVersion) else {
        throw .invalidConfiguration(reason: "a schema version is not below 0, as \(schemaVersion) is")
      }
      if let manifest = salvage.manifest, manifest.schemaVersion != version {
        throw .invalidConfiguration(reason: "\(path): the manifest is sound and says \(manifest.schemaVersion)")
      }
      report.schemaVersion = version
      report.isSchemaVersionLost = false
    }
    let outputLock = try openDirectory(output, fileSystem, isReadOnly: false)
    defer { outputLock?.close() }
    // Others may have made a store of it meanwhile.
    try requireEmpty(output, fileSystem)
    do throws(StoreError) {
      try SalvageWriter(output, fileSystem).write(salvage.table.documents(), &report)
    } catch {
      removeAll(output, fileSystem)
      throw error
    }
    // The lock would keep the verification out.
    if let outputLock { releaseDirectory(outputLock) }
    report.problems = try verify(output, fileSystem).problems
    return report
  }

  private static func checkOutput(
    _ output: String, of path: String, _ fileSystem: any FileSystem
  ) throws(StoreError) {
    let (inner, outer) = (wholePath(output), wholePath(path))
    if inner == outer || inner.hasPrefix(outer.hasSuffix("/") ? outer : outer + "/") {
      throw .targetExists(path: output, reason: "lies in the store that is to be salvaged")
    }
    try requireEmpty(output, fileSystem)
  }

  /// But for a lock.
  private static func requireEmpty(_ output: String, _ fileSystem: any FileSystem) throws(StoreError) {
    do throws(SystemError) {
      let names = try fileSystem.list(output)
      if names.allSatisfy({ $0 == LogFormat.lockName }) || planted(.targetNotLookedAtAgain) { return }
    } catch {
      if error.isMissing { return }
      if !error.isNotADirectory { throw StoreError(error) }
    }
    throw .targetExists(path: output, reason: "exists and is not an empty directory")
  }

  /// The lock of the damaged store, shared; nil if there is no file to lock.
  private static func lockForReading(_ path: String, _ fileSystem: any FileSystem) throws(StoreError) -> (any File)? {
    let file: any File
    do throws(SystemError) { file = try fileSystem.open("\(path)/\(LogFormat.lockName)", .read) } catch {
      // Where it cannot be seen for another reason than damage, nobody knows whether somebody holds it.
      if error.isMissing || error.code == SystemError.ioErrorCode { return nil }
      throw StoreError(error)
    }
    // A lock that fails for another reason than a holder is part of the damage.
    if (try? file.tryLock(exclusive: false)) != false { return file }
    defer { file.close() }
    throw .locked(path: path, holder: lockHolder(file))
  }

  /// Removes what an unfinished salvage made in a directory that was empty. Best effort.
  private static func removeAll(_ output: String, _ fileSystem: any FileSystem) {
    for name in (try? fileSystem.list(output)) ?? []
    where LogFormat.isOfNewStore(name) || [LogFormat.manifestName, SalvageWriter.leftOutFile].contains(name) {
      try? fileSystem.remove("\(output)/\(name)")
    }
  }
}

/// Writes salvaged documents as a new store: a checkpoint that holds them, and a log that begins behind it.
private struct SalvageWriter {
  static let leftOutFile = "salvage.ndjson"
  private let directory: String
  private let fileSystem: any FileSystem
  private var notes: [UInt8] = []

  init(_ directory: String, _ fileSystem: any FileSystem) {
    self.directory = directory
    self.fileSystem = fileSystem
  }

  consuming func write(_ versions: [DocumentTable.Version], _ report: inout SalvageReport) throws(StoreError) {
    let kept = keep(versions, &report)
    let staleBefore = report.gaps.last?.last
    report.staleBefore = staleBefore
    report.documents = kept.count
    for version in kept where version.currentUpTo < staleBefore ?? 0 {
      report.possiblyStale += 1
      note("possibly_stale", version, key: describe(version), reason: "LSNs after this version are missing", nil)
    }
    var manifest = Manifest(store: report.identifier, schema: report.schema)
    if !planted(.salvageForgetsTheVersion) { manifest.schemaVersion = report.schemaVersion }
    if report.lastLSN > 0 {
      manifest.checkpointLSN = report.lastLSN
      manifest.reachedLSN = report.lastLSN
    }
    try diskErrors(directory) { () throws(SystemError) in
      if report.lastLSN > 0 {
        var writer = try CheckpointWriter(directory, fileSystem, store: report.identifier, startLSN: report.lastLSN)
        do throws(SystemError) {
          for version in kept {
            try writer.add(lsn: version.lsn, payload: version.payload, keyLength: version.keyLength)
          }
          _ = try writer.finish(endLSN: report.lastLSN)
        } catch {
          writer.cancel()
          throw error
        }
      }
      if !notes.isEmpty {
        let file = try fileSystem.open("\(directory)/\(Self.leftOutFile)", .createNew)
        defer { file.close() }
        try file.writeAll(notes, at: 0)
        try file.synchronize()
        report.leftOutFile = Self.leftOutFile
      }
      let header = LogPageHeader(
        store: report.identifier, sequence: 1, firstLSN: report.lastLSN + 1, previousChain: 0,
        capacity: StoreConfiguration.disk(at: directory).pageCapacity)
      try Recovery(directory, fileSystem).createPage(header).close()
    }
    // Last: a directory with a manifest is a store.
    try manifest.write(directory, fileSystem)
  }

  /// The documents that a store with this schema can hold, in the order of their LSNs.
  private mutating func keep(
    _ versions: [DocumentTable.Version], _ report: inout SalvageReport
  ) -> [DocumentTable.Version] {
    let names = report.schema.fields.unique
    let schema = IndexSchema<Record>(report.schema.fields)
    var owners: [[IndexValue: String]] = names.map { _ in [:] }
    var kept: [DocumentTable.Version] = []
    // From the last LSN on: the later document keeps its unique values.
    for version in versions.reversed() {
      let key = describe(version)
      func leaveOut(_ what: String, _ reason: String, _ document: Record?) {
        report.leftOut.append(.init(key: key, lsn: version.lsn, reason: reason))
        note(what, version, key: key, reason: reason, document)
      }
      let document: Record
      do {
        _ = try CBORReader.read(version.key) { try $0.readValue() }
      } catch {
        leaveOut("undecodable", "the key cannot be decoded: \(error)", nil)
        continue
      }
      do {
        document = try version.document.withUnsafeBytes { raw in
          var reader = CBORReader(raw)
          return try Record(cbor: &reader)
        }
      } catch {
        leaveOut("undecodable", "the document cannot be decoded: \(error)", nil)
        continue
      }
      do throws(StoreError) {
        _ = try schema.keys(of: document)
      } catch {
        leaveOut("not_indexable", error.description, document)
        continue
      }
      let values = names.map { document.value(at: $0)?.indexValue }
      if let index = names.indices.first(where: { index in values[index].map { owners[index][$0] != nil } ?? false }),
        let value = values[index], let owner = owners[index][value]
      {
        leaveOut("conflict", "\(names[index]) \(value) is taken by document \(owner), which is later", document)
        continue
      }
      for (index, value) in values.enumerated() { if let value { owners[index][value] = key } }
      kept.append(version)
    }
    report.leftOut.reverse()
    return kept.reversed()
  }

  private func describe(_ version: DocumentTable.Version) -> String {
    (try? CBORReader.read(version.key) { try $0.readValue().description }) ?? "of \(version.keyLength) bytes"
  }

  /// One line of the file of what was left out.
  private mutating func note(
    _ what: String, _ version: DocumentTable.Version, key: String, reason: String, _ document: Record?
  ) {
    var line: Record = [
      "what": .string(what), "key": (try? CBORReader.read(version.key) { try $0.readValue() }) ?? .string(key),
      "lsn": Value(version.lsn), "reason": .string(reason),
    ]
    if what != "possibly_stale" {
      line["document"] = document.map { .map($0) } ?? .null
      // JSON loses types; these are the bytes as they were.
      line["key_cbor"] = .bytes(version.key)
      line["document_cbor"] = .bytes(version.document)
    }
    notes += Array(line.json.utf8) + [UInt8(ascii: "\n")]
  }
}
