import Foundation

/// What a store's directory holds, in the file `MANIFEST`; see the article <doc:FormatOnDisk>. Replaced as a whole: write, sync,
/// rename, sync of the directory.
struct Manifest: Sendable, Equatable {
  var store: UUID
  /// Grows with every replacement.
  var generation: UInt64 = 0
  /// LSN of the checkpoint's end, which names its file; nil before the first.
  var checkpointLSN: UInt64?
  /// The first page that the log needs.
  var firstPage: UInt64 = 1
  /// The log reached at least this LSN: set when a store is closed and by checkpoints, so that a log that ends before is
  /// known to be damaged, not torn.
  var reachedLSN: UInt64 = 0
  var schema = SchemaDescription()
  /// Version of the documents' schema, which migrations raise; 0 before the first.
  var schemaVersion: UInt64 = 0

  static let magic: [UInt8] = Array("DBIRDMAN".utf8)
  private static let headerBytes = 20

  func encoded() throws(StoreError) -> [UInt8] {
    var payload = CBORWriter()
    var fields: Record = [
      "store": .string(store.uuidString),
      "generation": .int(Int64(generation)),
      "checkpointLSN": checkpointLSN.map { .int(Int64($0)) } ?? .null,
      "firstPage": .int(Int64(firstPage)),
      "reachedLSN": .int(Int64(reachedLSN)),
      "fields": Self.value(schema.fields),
      "computed": Self.value(schema.computed),
    ]
    if schemaVersion > 0 { fields["schemaVersion"] = Value(schemaVersion) }
    do { try fields.encode(cbor: &payload) } catch { throw .encodingFailed(reason: "\(error)") }
    var bytes = [UInt8](repeating: 0, count: Self.headerBytes)
    bytes.withUnsafeMutableBytes { header in
      header.copyBytes(from: Self.magic)
      header.store(UInt32(LogFormat.version), at: 8)
      header.store(UInt32(payload.bytes.count), at: 12)
      header.store(payload.bytes.withUnsafeBytes { CRC32C.checksum($0) }, at: 16)
    }
    return bytes + payload.bytes
  }

  init(store: UUID, schema: SchemaDescription) {
    self.store = store
    self.schema = schema
  }

  /// - Parameter believesVersion: false to read it as this format whatever it says: the checksum does not cover the version.
  /// - Throws: `.corrupt`, `.newerFormat`.
  init(_ bytes: [UInt8], path: String, believesVersion: Bool = true) throws(StoreError) {
    func corrupt(_ reason: String, at offset: Int = 0) -> StoreError {
      .corrupt(path: path, offset: offset, reason: reason)
    }
    guard bytes.count >= Self.headerBytes else { throw corrupt("the manifest is cut off") }
    guard bytes.starts(with: Self.magic) else { throw corrupt("not a manifest") }
    let (version, length, checksum) = bytes.withUnsafeBytes { ($0.load32(at: 8), $0.load32(at: 12), $0.load32(at: 16)) }
    if version > LogFormat.version && believesVersion {
      throw .newerFormat(path: path, found: Int(version), supported: LogFormat.version)
    }
    guard version == LogFormat.version || !believesVersion else { throw corrupt("unknown format \(version)", at: 8) }
    let payload = bytes[Self.headerBytes...]
    guard payload.count == Int(length) else {
      throw corrupt("the manifest has \(payload.count) bytes, not \(length)", at: 12)
    }
    guard payload.withUnsafeBytes({ CRC32C.checksum($0) }) == checksum else {
      throw corrupt("wrong checksum of the manifest", at: 16)
    }
    let record: Record
    do {
      record = try payload.withUnsafeBytes { raw in
        var reader = CBORReader(raw)
        return try Record(cbor: &reader)
      }
    } catch {
      throw corrupt("\(error)", at: Self.headerBytes)
    }
    guard case .string(let name)? = record["store"], let store = UUID(uuidString: name),
      let generation = Self.number(record["generation"]), let firstPage = Self.number(record["firstPage"]),
      let reachedLSN = Self.number(record["reachedLSN"])
    else { throw corrupt("the manifest lacks a field", at: Self.headerBytes) }
    var checkpointLSN: UInt64?
    if let value = record["checkpointLSN"], value != .null {
      checkpointLSN = Self.number(value)
      if checkpointLSN == nil { throw corrupt("the manifest names no checkpoint", at: Self.headerBytes) }
    }
    for number in [generation, firstPage, reachedLSN, checkpointLSN ?? 0] where number > LogFormat.lsnMax {
      throw corrupt("the manifest holds the number \(number), which is too great", at: Self.headerBytes)
    }
    if firstPage == 0 { throw corrupt("the manifest names page 0", at: Self.headerBytes) }
    self.store = store
    self.generation = generation
    self.firstPage = firstPage
    self.reachedLSN = reachedLSN
    self.checkpointLSN = checkpointLSN
    schemaVersion = Self.number(record["schemaVersion"]) ?? 0
    schema.fields = Self.fieldSchema(record["fields"])
    schema.computed = Self.fieldSchema(record["computed"])
  }

  static func value(_ fields: FieldSchema) -> Value {
    func names(_ list: [String]) -> Value { .array(list.map { .string($0) }) }
    return .map(["unique": names(fields.unique), "tags": names(fields.tags), "ranges": names(fields.ranges)])
  }

  static func fieldSchema(_ value: Value?) -> FieldSchema {
    func names(_ value: Value?) -> [String] {
      guard case .array(let elements)? = value else { return [] }
      return elements.compactMap { if case .string(let name) = $0 { name } else { nil } }
    }
    guard case .map(let record)? = value else { return FieldSchema() }
    return FieldSchema(unique: names(record["unique"]), tags: names(record["tags"]), ranges: names(record["ranges"]))
  }

  static func number(_ value: Value?) -> UInt64? {
    if case .int(let number)? = value { UInt64(exactly: number) } else { nil }
  }

  // MARK: On disk

  static func read(_ directory: String, _ fileSystem: any FileSystem) throws(StoreError) -> Manifest {
    let path = "\(directory)/\(LogFormat.manifestName)"
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try fileSystem.contents(path)
    } catch {
      throw error.isMissing ? .notAStore(path: directory, reason: "its MANIFEST is missing") : StoreError(error)
    }
    return try Manifest(bytes, path: path)
  }

  /// Replaces the manifest on disk, with the next generation.
  mutating func write(_ directory: String, _ fileSystem: any FileSystem) throws(StoreError) {
    try writeDraft(directory, fileSystem)
    try Self.publishDraft(directory, fileSystem)
  }

  /// The first half of `write`: what fails here has changed nothing.
  mutating func writeDraft(_ directory: String, _ fileSystem: any FileSystem) throws(StoreError) {
    generation = min(generation + 1, LogFormat.lsnMax)
    let bytes = try encoded()
    try diskErrors(directory) { () throws(SystemError) in
      let file = try fileSystem.open("\(directory)/\(LogFormat.manifestDraftName)", .createIfMissing)
      defer { file.close() }
      try file.truncate(to: 0)
      try file.writeAll(bytes, at: 0)
      // Sync before rename: a crash must never expose an empty manifest.
      if !planted(.manifestNotSynced) { try file.synchronize() }
    }
  }

  /// The second half. What fails here may have come to the disk.
  static func publishDraft(_ directory: String, _ fileSystem: any FileSystem) throws(StoreError) {
    try diskErrors(directory) { () throws(SystemError) in
      try fileSystem.rename(
        "\(directory)/\(LogFormat.manifestDraftName)", to: "\(directory)/\(LogFormat.manifestName)")
      if !planted(.manifestNameNotSynced) { try fileSystem.synchronizeDirectory(directory) }
    }
  }
}
