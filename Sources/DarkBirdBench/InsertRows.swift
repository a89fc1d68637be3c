import DarkBird
import Foundation

extension Bench {
  func ramInsert(_ row: BenchRow, _ schema: IndexSchema<BenchDocument>) throws -> BenchResult {
    var result = BenchResult(row, try insertAll(row, try BenchStore(.memory, schema: schema)))
    result.bytesPerDocument = try residentOfChild(row)
    return result
  }

  func diskInsert(_ row: BenchRow) throws -> BenchResult {
    try withDirectory(row) { path in
      let store = try BenchStore(.disk(at: path))
      let run = try insertAll(row, store) { try store.sync() }
      try store.close()
      return BenchResult(row, run)
    }
  }

  /// Many writers share one sync, so that each waits for two at most: the one that was under way, and its own.
  func diskInsertSynced(_ row: BenchRow) throws -> BenchResult {
    let writers = 64
    let operations = max(1, count / 4)
    let documents = documents
    return try withDirectory(row) { path in
      let store = try BenchStore(.disk(at: path))
      let run = try measure(threads: writers, operations: operations) { index, _ in
        try store.insert(documents[index], for: UInt64(index), ack: .synced)
      }
      try expect(store.count, operations, of: row)
      let log = store.statistics().log
      try store.close()
      var result = BenchResult(row, run)
      guard let log, log.recordsWritten > 0 else { throw BenchFailure(row, "the store has no log") }
      let batchBytes = writers * Int(log.bytesWritten / log.recordsWritten)
      let rate = try DiskProbe.syncsPerSecond(
        path: path + "/probe", bytes: batchBytes, count: max(20, min(5_000, operations / writers)))
      result.figures = [
        "disk_syncs_per_second": rate, "store_syncs": Double(log.syncs), "batch_bytes": Double(batchBytes),
        "ratio_to_64_syncs": run.operationsPerSecond / (Double(writers) * rate),
      ]
      return result
    }
  }

  /// Inserts all documents into an empty store, and checks that they are there. They are made before the clock starts and moved
  /// into the store, as a program does with what it has received. The clock runs until tags and ranges, which the store puts in
  /// after the documents, have them all.
  func insertAll(_ row: BenchRow, _ store: BenchStore, finish: () throws -> Void = {}) throws -> Run {
    let prepared = PreparedDocuments(prepare(0..<count, BenchDocument.init(number:)))
    nonisolated(unsafe) let documents = prepared.documents
    let finishAll = {
      _ = store.statistics()
      try finish()
    }
    let run = try measure(threads: threads, operations: count, finish: finishAll) { index, _ in
      try store.insert((documents + index).move(), for: UInt64(index))
    }
    try expect(store.count, count, of: row)
    return run
  }

  // MARK: Memory

  /// Resident bytes that one more document needs, with documents that exist nowhere else.
  /// - Parameter row: one of those that insert into memory.
  public static func resident(_ row: BenchRow, documents: Int, threads: Int) throws -> Double {
    let store = try BenchStore(.memory, schema: row == .ramInsert ? IndexSchema() : BenchDocument.schema)
    let before = try residentBytes()
    let run = try measure(threads: threads, operations: documents) { number, _ in
      try store.insert(BenchDocument(number: number), for: UInt64(number))
    }
    _ = store.statistics()
    let after = try residentBytes()
    if store.count != run.operations { throw BenchFailure(row, "the documents are not all there") }
    return Double(after - before) / Double(documents)
  }

  private func residentOfChild(_ row: BenchRow) throws -> Double {
    let child = Process()
    child.executableURL = URL(filePath: options.residentCommand.program)
    child.arguments = options.residentCommand.arguments + [row.rawValue]
    let output = Pipe()
    child.standardOutput = output
    try child.run()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    child.waitUntilExit()
    guard child.terminationStatus == 0, let bytes = Double(text.filter { !$0.isWhitespace }) else {
      throw BenchFailure(row, "the process that measures the memory ended with \(child.terminationStatus)")
    }
    return bytes
  }
}

/// Documents to be moved into a store, each by the operation of its number: in memory of their own, for to take them out of an
/// array counts references that all threads share.
///
/// Unsafe corner: each operation takes another document, whatever its thread. A run that fails ends the program, and leaves
/// documents here that are never freed.
private final class PreparedDocuments {
  let documents: UnsafeMutablePointer<BenchDocument>

  init(_ documents: [BenchDocument]) {
    self.documents = .allocate(capacity: documents.count)
    self.documents.initialize(from: documents, count: documents.count)
  }

  deinit { documents.deallocate() }
}
