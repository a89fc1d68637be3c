import Foundation

/// Takes the documents of a store on disk to a newer form, before the store is opened; `Store.init` with migrations does it
/// by itself.
///
///     let report = try Migrator("players", migrations).run(to: (String.self, Player.self))
///
/// The new documents go to a checkpoint of their own, and replacing the manifest is what makes the store the new one: however
/// the process ends, the store is all old or all new. Every document must go through, and every key and every unique value
/// have one owner; otherwise the store stays as it is, and the report names the documents.
///
/// Documents that change get a new LSN. Events from before the migration are gone, as they are after a checkpoint:
/// `events(from:)` throws `.logTruncated`.
public struct Migrator: Sendable {
  public let path: String
  /// In the order of their versions.
  public let migrations: [Migration]
  /// Leaves out the documents that do not go through, and reports them. Of several that come to one key the one that was changed
  /// last keeps it, then likewise each unique value. A document that loses one of its values is left out, and what it has kept
  /// others from, a key or another value, is nobody's then.
  public var skipsFailures = false
  /// Where a dry run puts temporary files; a migration has them in the store's directory. They may take twice the room that
  /// the documents do, and have no name.
  public var scratchDirectory = NSTemporaryDirectory()
  package var fileSystem: any FileSystem = PosixFileSystem()

  public init(_ path: String, _ migrations: [Migration]) {
    self.path = path
    self.migrations = migrations.sorted { $0.version < $1.version }
  }

  /// Runs the migrations that the store has not had yet, in order; nothing if there are none.
  ///
  /// - Parameters:
  ///   - types: of keys and documents after the last migration. Every new document is read as one.
  ///   - schema: the indexes that the store has then.
  ///   - progress: called now and then; false gives up.
  /// - Throws: `.migrationFailed` with the report if a document does not go through, unless failures are skipped;
  ///   `.invalidConfiguration`, `.newerSchema`, `.notAStore`, `.locked`, `.corrupt`, `.newerFormat`, `.cancelled`, `.diskFull`, `.io`, `.poisoned`. The
  ///   store is as it was then.
  /// - Complexity: O(documents + log records). Memory: some tens of megabytes and a page of the log, however many there are.
  public func run<Key: DocumentKey, New: Document>(
    to types: (Key.Type, New.Type), schema: IndexSchema<New> = New.schema,
    progress: (JobProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> MigrationReport {
    try migrate(types, schema, isDryRun: false, progress)
  }

  /// Finds out what `run` would do, and changes nothing. Failures are in the report.
  /// - Throws: as `run`, but for `.migrationFailed`.
  public func dryRun<Key: DocumentKey, New: Document>(
    to types: (Key.Type, New.Type), schema: IndexSchema<New> = New.schema,
    progress: (JobProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> MigrationReport {
    try migrate(types, schema, isDryRun: true, progress)
  }

  private func migrate<Key: DocumentKey, New: Document>(
    _ types: (Key.Type, New.Type), _ schema: IndexSchema<New>, isDryRun: Bool, _ progress: (JobProgress) -> Bool
  ) throws(StoreError) -> MigrationReport {
    try checkVersions()
    let newest = UInt64(migrations.last?.version ?? 0)
    while true {
      try checkDirectory(path, fileSystem, isReadOnly: true)
      let manifest = try Manifest.read(path, fileSystem)
      if manifest.schemaVersion > newest {
        throw .newerSchema(path: path, found: Int(manifest.schemaVersion), known: Int(newest))
      }
      let due = migrations.filter { UInt64($0.version) > manifest.schemaVersion }
      if due.isEmpty {
        var report = MigrationReport()
        (report.oldVersion, report.version, report.schema) = (newest, newest, manifest.schema)
        return report
      }
      let versions = (manifest.schemaVersion, newest)
      let report = try migrate(due.map(\.change), versions, types, schema, isDryRun: isDryRun, progress)
      // Another process may have migrated it before it was locked: then what is due is something else.
      if let report { return report }
    }
  }

  /// - Throws: `.invalidConfiguration` for a version below 1, and for two migrations to one.
  func checkVersions() throws(StoreError) {
    for (index, migration) in migrations.enumerated() {
      guard migration.version >= 1 else {
        throw .invalidConfiguration(reason: "a migration to version \(migration.version); the first is 1")
      }
      if index > 0, migrations[index - 1].version == migration.version {
        throw .invalidConfiguration(reason: "two migrations to version \(migration.version)")
      }
    }
  }

  /// Changes every document of a store, whatever its version.
  /// - Parameters:
  ///   - change: one after the other; nil leaves a document out.
  ///   - version: of the documents then; nil leaves it as it is.
  package func migrate<Key: DocumentKey, New: Document>(
    changing change: @escaping @Sendable (Key, New) throws -> (Key, New)?, version: UInt64? = nil,
    schema: IndexSchema<New>, isDryRun: Bool, progress: (JobProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> MigrationReport {
    let types = (Key.self, New.self)
    let changes = [Migration(to: 1, from: types, to: types, change).change]
    guard let report = try migrate(changes, (nil, version), types, schema, isDryRun: isDryRun, progress) else {
      preconditionFailure("a migration of any version depends on none")
    }
    return report
  }

  /// - Parameter versions: of the documents before, nil for any, and after, nil for the same.
  /// - Returns: nil, with nothing changed, if the documents are not of the version before.
  private func migrate<Key: DocumentKey, New: Document>(
    _ changes: [@Sendable (EncodedDocument) throws -> EncodedDocument?], _ versions: (old: UInt64?, new: UInt64?),
    _ types: (Key.Type, New.Type), _ schema: IndexSchema<New>, isDryRun: Bool, _ progress: (JobProgress) -> Bool
  ) throws(StoreError) -> MigrationReport? {
    try schema.validate()
    let names = schema.uniques.map(\.name)
    let plan = MigrationRun.Plan(
      change: { document in
        var document: EncodedDocument? = document
        for change in changes {
          guard let current = document else { return nil }
          document = try change(current)
        }
        return document
      },
      uniqueValues: { document in
        // What no store of these types could open must not get into one.
        let new: New
        do {
          new = try document.withDocument { raw in
            var reader = CBORReader(raw)
            return try New(cbor: &reader)
          }
          _ = try document.withKey { raw in
            var reader = CBORReader(raw)
            return try Key(cbor: &reader)
          }
        } catch {
          throw MigrationFailure(reason: "the new document is not \(Key.self) and \(New.self): \(error)")
        }
        return Array(zip(names, try schema.keys(of: new).values.map(\.0)).map { (name: $0, value: $1) })
      })
    let start = monotonicNanoseconds()
    var report = try withoutActuallyEscaping(progress) { progress throws(StoreError) in
      isDryRun
        ? try simulate(plan, versions, schema.description, progress)
        : try commit(plan, versions, schema.description, progress)
    }
    report?.nanoseconds = monotonicNanoseconds() - start
    return report
  }

  private func simulate(
    _ plan: MigrationRun.Plan, _ versions: (old: UInt64?, new: UInt64?), _ schema: SchemaDescription,
    _ progress: @escaping (JobProgress) -> Bool
  ) throws(StoreError) -> MigrationReport? {
    let lockFile = try openDirectory(path, fileSystem, isReadOnly: true)
    defer { lockFile?.close() }
    let run = MigrationRun(
      plan, SpillSpace(prefix: "\(scratchDirectory)/darkbird-\(UUID().uuidString)-", fileSystem), progress: progress)
    var recovery = Recovery(path, fileSystem)
    let found = try recovery.run(run.take)
    if let old = versions.old, old != found.manifest.schemaVersion { return nil }
    try run.changeAll(lsn: found.lastLSN + 2)
    try run.finish { _, _, _ in }
    return described(run.report, found.manifest.schemaVersion, versions.new, schema)
  }

  private func commit(
    _ plan: MigrationRun.Plan, _ versions: (old: UInt64?, new: UInt64?), _ schema: SchemaDescription,
    _ progress: @escaping (JobProgress) -> Bool
  ) throws(StoreError) -> MigrationReport? {
    // Before the directory is opened for writing, which would make a store where there is none.
    try checkDirectory(path, fileSystem, isReadOnly: true)
    let manifest = try Manifest.read(path, fileSystem)
    var configuration = StoreConfiguration.disk(at: path)
    configuration.checkpointLogBytes = nil
    // A page for each record: see `Disk.replaceAll`.
    configuration.pageCapacity = .records(1)
    let run = MigrationRun(
      plan, SpillSpace(prefix: "\(path)/\(LogFormat.migrationPrefix)", fileSystem), progress: progress)
    let disk = try Disk(path, configuration, manifest.schema, fileSystem, replay: run.take)
    let oldVersion = disk.schemaVersion
    if let old = versions.old, old != oldVersion, !planted(.versionTakenForLocked) {
      try disk.close()
      return nil
    }
    var report: MigrationReport
    do throws(StoreError) {
      try run.changeAll(lsn: disk.recoveredLSN + 2)
      let isRefused = !skipsFailures && (run.hasLosers || run.report.failed > 0)
      if isRefused {
        try run.finish { _, _, _ in }
      } else {
        try disk.replaceAll(schema: schema, schemaVersion: versions.new ?? oldVersion) { write throws(StoreError) in
          try run.finish(write)
        }
      }
      report = described(run.report, oldVersion, versions.new, schema)
      if isRefused { throw .migrationFailed(path: path, report: report) }
      report.isCommitted = true
    } catch {
      // The failed migration is what there is to report.
      try? disk.close()
      throw error
    }
    // It is done, whatever comes of this: what closing writes is there already.
    try? disk.close()
    return report
  }

  private func described(
    _ report: MigrationReport, _ oldVersion: UInt64, _ version: UInt64?, _ schema: SchemaDescription
  ) -> MigrationReport {
    var report = report
    report.oldVersion = oldVersion
    report.version = version ?? oldVersion
    report.schema = schema
    return report
  }
}

extension Store {
  /// Opens a store whose documents may still be in an older form: runs the migrations that it has not had yet first. A new
  /// store begins with the newest version.
  ///
  /// - Throws: what `Migrator.run` does, with nothing changed; `.migrationNeeded` if a store that is opened for reading only is
  ///   older, `.newerSchema` if a later version of the program has migrated it; otherwise as the other `init`.
  @inlinable
  public convenience init(
    _ configuration: StoreConfiguration, schema: IndexSchema<Document> = Document.schema, migrations: [Migration]
  ) throws(StoreError) {
    try self.init(configuration, schema: schema, migrations: migrations, fileSystem: nil)
  }

  /// As the public one.
  /// - Parameter fileSystem: nil for the real one.
  @inlinable
  convenience init(
    _ configuration: StoreConfiguration, schema: IndexSchema<Document>, migrations: [Migration],
    fileSystem: (any FileSystem)?
  ) throws(StoreError) {
    let configuration = try Self.migrated(configuration, schema, migrations, fileSystem)
    if let fileSystem {
      try self.init(configuration, schema: schema, fileSystem: fileSystem)
    } else {
      try self.init(configuration, schema: schema)
    }
    try throwIfMigratedMeanwhile()
  }

  /// A later version of the program may have opened it between the look at its version and the lock.
  @usableFromInline
  func throwIfMigratedMeanwhile() throws(StoreError) {
    let known = configuration.schemaVersion
    guard case .disk(let path) = configuration.location, schemaVersion != UInt64(known) else { return }
    if planted(.migratedMeanwhileTaken) { return }
    let found = Int(schemaVersion)
    // Nobody has it yet. The manifest may name this program's indexes now, which the next opening changes back.
    try? close()
    throw .newerSchema(path: path, found: found, known: known)
  }

  /// The configuration with which a store is opened once its documents have the newest version.
  @usableFromInline
  package static func migrated(
    _ configuration: StoreConfiguration, _ schema: IndexSchema<Document>, _ migrations: [Migration],
    _ fileSystem: (any FileSystem)?
  ) throws(StoreError) -> StoreConfiguration {
    let fileSystem = fileSystem ?? PosixFileSystem()
    var configuration = configuration
    try Migrator("", migrations).checkVersions()
    let newest = migrations.map(\.version).max() ?? 0
    configuration.schemaVersion = newest
    guard case .disk(let path) = configuration.location, let manifest = try manifest(path, fileSystem) else {
      return configuration
    }
    if manifest.schemaVersion < newest && configuration.isReadOnly {
      throw .migrationNeeded(path: path, found: Int(manifest.schemaVersion), needed: newest)
    }
    var migrator = Migrator(path, migrations)
    migrator.fileSystem = fileSystem
    _ = try migrator.run(to: (Key.self, Document.self), schema: schema)
    return configuration
  }

  /// Nil where there is no store yet; what else is wrong the opening says.
  private static func manifest(_ path: String, _ fileSystem: any FileSystem) throws(StoreError) -> Manifest? {
    do throws(StoreError) { return try Manifest.read(path, fileSystem) } catch {
      if case .notAStore = error { return nil }
      throw error
    }
  }
}
