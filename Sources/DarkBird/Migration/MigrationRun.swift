/// The passes of one migration. Each reads what the one before has dealt out by key (`Spill`), so that their memory does not
/// depend on the number of documents:
///
/// 1. every record of the checkpoint and the log, by its key: the last version of each document is what there is;
/// 2. each of these, changed, by its new key: where several come to one key, the one that was changed last stays;
/// 3. their unique values, by value: where several documents have one value, the one that was changed last stays;
/// 4. what is left, into the new checkpoint.
final class MigrationRun {
  /// What a migration does, whatever the types of the documents.
  struct Plan: Sendable {
    /// How a document is changed; nil leaves it out.
    var change: @Sendable (EncodedDocument) throws -> EncodedDocument?
    /// The values that the new document has in the unique indexes, by their numbers; throws if the store could not hold it.
    var uniqueValues: @Sendable (EncodedDocument) throws -> [(name: String, value: IndexValue?)]
  }

  private enum Flag {
    static let removed: UInt32 = 1
    static let changed: UInt32 = 2
    /// Not a document but the news that the one with this key cannot stay; or a document that has heard it. The payload is the
    /// reason.
    static let mark: UInt32 = 4
    /// Not a document but the news of one that has lost its key to another.
    static let lost: UInt32 = 8
  }

  private let plan: Plan
  private let space: SpillSpace
  private let progress: (JobProgress) -> Bool
  private(set) var report = MigrationReport()
  /// Whether there are documents that cannot stay and are not in the report yet.
  private(set) var hasLosers = false
  private let settled: Spill
  private var versions: Spill?
  private var records = 0
  private var clearLSN: UInt64 = 0
  private var steps = 0

  init(_ plan: Plan, _ space: SpillSpace, progress: @escaping (JobProgress) -> Bool) {
    self.plan = plan
    self.space = space
    self.progress = progress
    versions = Spill(space)
    settled = Spill(space)
  }

  /// Takes a record of the checkpoint, or a later one of the log.
  func take(_ record: LogRecord) throws(StoreError) {
    if record.kind == .clear {
      clearLSN = max(clearLSN, record.lsn)
      return
    }
    try versions?.add(
      SpillItem(
        key: canonicalKey(record.key), flag: record.kind == .remove ? Flag.removed : 0, lsn: record.lsn,
        payload: Array(record.key) + Array(record.document), keyLength: record.key.count))
    records += 1
    if records % 4_096 == 0 { try tell(records, of: nil) }
  }

  /// Changes all documents, and finds out which of them cannot stay.
  /// - Parameter lsn: what the documents that change get.
  func changeAll(lsn: UInt64) throws(StoreError) {
    guard let versions else { return }
    let moved = Spill(space)
    try versions.drain(merge: Self.keepNewer) { items throws(StoreError) in
      for item in items where item.flag != Flag.removed && item.lsn >= clearLSN {
        try change(item, lsn: lsn, into: moved)
      }
    }
    self.versions = nil
    let values = Spill(space)
    try moved.drain(merge: keepLater) { items throws(StoreError) in
      for item in items { try settle(item, values) }
    }
    try values.drain(merge: keepOwner) { _ throws(StoreError) in }
  }

  private static func keepNewer(_ kept: inout SpillItem, _ other: SpillItem) {
    // The same LSN twice is the same version, from the checkpoint and from the log, or a later operation of a batch.
    if other.lsn >= kept.lsn { kept = other }
  }

  private func change(_ item: SpillItem, lsn: UInt64, into moved: Spill) throws(StoreError) {
    let old = EncodedDocument(payload: item.payload, keyLength: item.keyLength)
    report.documents += 1
    try step()
    let new: EncodedDocument?
    do { new = try plan.change(old) } catch { return report.fail(old.keyText, "\(error)") }
    guard let new else {
      report.removed += 1
      return report.note(old, nil)
    }
    // Now, for what the store could not hold keeps its key from no other.
    do { _ = try plan.uniqueValues(new) } catch { return report.fail(old.keyText, "\(error)") }
    let isChanged = new != old
    if isChanged { report.note(old, new) }
    try moved.add(
      SpillItem(
        key: new.withKey { canonicalKey($0) }, flag: isChanged ? Flag.changed : 0, lsn: isChanged ? lsn : item.lsn,
        order: item.lsn, payload: new.payload, keyLength: new.keyLength, note: Array(item.payload[..<item.keyLength])))
  }

  private func isLater(_ left: SpillItem, than right: SpillItem) -> Bool {
    left.order != right.order ? left.order > right.order : right.note.lexicographicallyPrecedes(left.note)
  }

  private func keepLater(_ kept: inout SpillItem, _ other: SpillItem) throws(StoreError) {
    if planted(.collisionNotSeen) {
      kept = other
      return
    }
    var loser = other
    if isLater(other, than: kept) { swap(&kept, &loser) }
    hasLosers = true
    let reason = "comes to the key \(EncodedDocument.keyText(kept.key)), as \(EncodedDocument.keyText(kept.note)) does"
    // Under a key that no document has: its own from before, behind a byte that begins no CBOR item.
    try settled.add(
      SpillItem(key: [0xff] + loser.note, flag: Flag.lost, payload: Array(reason.utf8), note: loser.note))
  }

  /// Takes a document that has its key to itself.
  private func settle(_ item: SpillItem, _ values: Spill) throws(StoreError) {
    let document = EncodedDocument(payload: item.payload, keyLength: item.keyLength)
    let unique: [(name: String, value: IndexValue?)]
    do { unique = try plan.uniqueValues(document) } catch {
      return report.fail(EncodedDocument.keyText(item.note), "\(error)")
    }
    try settled.add(item)
    for (index, (name, value)) in unique.enumerated() {
      guard let value else { continue }
      try values.add(
        SpillItem(
          key: canonicalValue(value, index: index), order: item.order, payload: Array("\(name) \(value)".utf8),
          note: item.key))
    }
  }

  private func keepOwner(_ kept: inout SpillItem, _ other: SpillItem) throws(StoreError) {
    var loser = other
    if isLater(other, than: kept) { swap(&kept, &loser) }
    hasLosers = true
    let value = String(decoding: kept.payload, as: UTF8.self)
    let reason = "\(value) is taken by document \(EncodedDocument.keyText(kept.note))"
    try settled.add(SpillItem(key: loser.note, flag: Flag.mark, payload: Array(reason.utf8)))
  }

  /// Hands the documents that stay to `write`, and reports the others.
  func finish(
    _ write: (_ lsn: UInt64, _ payload: [UInt8], _ keyLength: Int) throws(StoreError) -> Void
  ) throws(StoreError) {
    try settled.drain(
      merge: { kept, other in
        let reason =
          (kept.flag | other.flag) & Flag.mark != 0 ? (kept.flag & Flag.mark != 0 ? kept : other).payload : nil
        // The document itself knows its key from before.
        if kept.note.isEmpty { kept = other }
        guard let reason else { return }
        kept.flag |= Flag.mark
        kept.payload = reason
      },
      body: { items throws(StoreError) in
        for item in items {
          if item.flag & (Flag.lost | Flag.mark) != 0 {
            report.fail(EncodedDocument.keyText(item.note), String(decoding: item.payload, as: UTF8.self))
            continue
          }
          try write(item.lsn, item.payload, item.keyLength)
          if item.flag & Flag.changed != 0 { report.changed += 1 } else { report.unchanged += 1 }
          try step()
        }
      })
  }

  // Reading is one half, writing the other.
  private func step() throws(StoreError) {
    steps += 1
    if steps % 1_024 == 0 { try tell(steps / 2, of: records) }
  }

  private func tell(_ documents: Int, of total: Int?) throws(StoreError) {
    if !progress(JobProgress(documents: documents, total: total)) { throw .cancelled }
  }
}
