import Foundation

extension Store {
  /// Makes a table equal to the store as it is at one moment: rows that are missing or have another LSN are written, rows that
  /// the store has not are removed, all others stay untouched. So it may be repeated, and goes on where one that was killed
  /// has stopped.
  package func copy(
    to replica: some Replica, progress: (JobProgress) -> Bool = { _ in true }
  ) throws -> CopyReport {
    defer { replica.close() }
    _ = try replica.open(try replicated(replicaIdentifier))
    return try copySnapshot(to: replica, progress)
  }

  /// The same into a table that is open.
  func copySnapshot(to replica: some Replica, _ progress: (JobProgress) -> Bool) throws -> CopyReport {
    // Taken while nobody else can write to the table: no row of it is newer.
    let frozen = snapshot()
    // A crash must not take back what the table has.
    try sync()
    var report = CopyReport()
    report.documents = frozen.count
    report.lsn = frozen.memoryLSN
    let current = try frozen.compareRows(of: replica, &report, progress)

    var done = current.count
    var entries: [Entry<Key, Document>] = []
    func batch() -> ReplicaBatch {
      ReplicaBatch(rows: ReplicaRows(entries) { try self.replicaRow($0.key, $0.document, lsn: $0.lsn) })
    }
    for shard in frozen.shards {
      for entry in shard.contents.pointee.map.entries where !current.contains(entry.number) {
        entries.append(entry)
        if entries.count == ReplicaBatch.rowsMax {
          try replica.apply(batch())
          report.written += entries.count
          done += entries.count
          entries.removeAll(keepingCapacity: true)
          if !progress(JobProgress(documents: done, total: report.documents)) { throw StoreError.cancelled }
        }
      }
    }
    var last = batch()
    last.reaches = report.lsn
    try replica.apply(last)
    report.written += entries.count
    return report
  }

  /// Removes the rows that this snapshot does not have, and returns the documents whose rows are as they should be.
  private func compareRows(
    of replica: some Replica, _ report: inout CopyReport, _ progress: (JobProgress) -> Bool
  ) throws -> NumberSet {
    var current = NumberSet()
    var last: String?
    while true {
      let rows = try replica.rows(after: last)
      guard let end = rows.last else { return current }
      last = end.key
      var batch = ReplicaBatch()
      for row in rows {
        if let value = try? KeyText.key(row.key), KeyText.text(value).utf8.elementsEqual(row.key.utf8),
          let key = try? Self.key(value), let entry = entry(key)
        {
          if entry.lsn == row.lsn || planted(.oldRowTakenForCurrent) { current.insert(entry.number) }
        } else {
          batch.removed.append((row.key, row.lsn))
        }
      }
      if !batch.removed.isEmpty { try replica.apply(batch) }
      report.removed += batch.removed.count
      if !progress(JobProgress(documents: current.count, total: report.documents)) { throw StoreError.cancelled }
    }
  }
}

extension ReplicaBatch {
  /// Rows of a batch of a copy: enough that its commit does not count, few enough that memory does not.
  static let rowsMax = 5_000
}

/// A set of documents by their numbers, one bit each.
private struct NumberSet {
  private var words: [UInt64] = []
  private(set) var count = 0

  func contains(_ number: DocumentNumber) -> Bool {
    let word = Int(number >> 6)
    return word < words.count && words[word] >> UInt64(number & 63) & 1 == 1
  }

  mutating func insert(_ number: DocumentNumber) {
    if contains(number) { return }
    let word = Int(number >> 6)
    if word >= words.count {
      words.append(contentsOf: repeatElement(0, count: max(word + 1 - words.count, words.count / 2)))
    }
    words[word] |= 1 << UInt64(number & 63)
    count += 1
  }
}
