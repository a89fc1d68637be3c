import DarkBird
import Foundation

public struct BenchOptions: Sendable {
  public var documents = 1_000_000
  public var threads = 2
  /// Where the rows on disk put their stores, each in a directory of its own that it removes.
  public var directory: String
  /// How this program measures the memory of one row in a process of its own: a command that calls `Bench.resident` and
  /// prints the number. The name of the row follows the arguments.
  public var residentCommand: (program: String, arguments: [String])

  public init(directory: String, residentCommand: (program: String, arguments: [String])) {
    self.directory = directory
    self.residentCommand = residentCommand
  }
}

/// A row whose figures cannot be right.
public struct BenchFailure: Error, CustomStringConvertible {
  public var description: String

  init(_ row: BenchRow, _ reason: String) { description = "\(row.rawValue): \(reason)" }
}

typealias BenchStore = Store<UInt64, BenchDocument>

/// The rows of one run. What several rows need, the documents and a store that holds them all, is made once and before any
/// clock starts.
public final class Bench {
  let options: BenchOptions
  var count: Int { options.documents }
  var threads: Int { options.threads }

  /// The documents that are inserted, prepared because to make one costs more than to insert it.
  lazy var documents = prepare(0..<options.documents) { BenchDocument(number: $0) }
  private var loaded: BenchStore?

  public init(_ options: BenchOptions) { self.options = options }

  /// Measures one row. `.remove` empties the store that other rows read, so that they would have to fill another.
  public func run(_ row: BenchRow) throws -> BenchResult {
    switch row {
    case .ramInsert: try ramInsert(row, IndexSchema())
    case .ramInsertIndexed: try ramInsert(row, BenchDocument.schema)
    case .diskInsertIndexed: try diskInsert(row)
    case .diskInsertSynced: try diskInsertSynced(row)
    case .lookup: BenchResult(row, try lookups(row, loadedStore(), threads: threads))
    case .lookupMany: try lookupMany(row)
    case .lookupUnique: try lookupUnique(row)
    case .lookupUniqueMany: try lookupUniqueMany(row)
    case .tagDocuments: try tagDocuments(row)
    case .rangeDocuments: try rangeDocuments(row)
    case .scan: try scan(row)
    case .update: try update(row)
    case .mixed: try mixed(row)
    case .lookup16: try lookup16(row)
    case .remove: try remove(row)
    case .reloadIndexed: try reload(row)
    case .sampler: try sampler(row)
    case .putDuringCheckpoint: try putDuringCheckpoint(row)
    case .putDuringBackup: try putDuringBackup(row)
    case .insertScaling: try insertScaling(row)
    case .lookupScaling: try lookupScaling(row)
    }
  }

  /// The indexed store in memory with all documents.
  func loadedStore() throws -> BenchStore {
    if let loaded { return loaded }
    let store = try BenchStore(.memory)
    try fill(store)
    loaded = store
    return store
  }

  /// The same for a row that leaves nothing of it.
  func takeLoadedStore() throws -> BenchStore {
    defer { loaded = nil }
    return try loadedStore()
  }

  /// Inserts all documents, untimed.
  func fill(_ store: BenchStore) throws {
    let documents = documents
    _ = try measure(threads: threads, operations: count) { index, _ in
      try store.insert(documents[index], for: UInt64(index))
    }
  }

  /// Runs `body` with a directory for a store, and removes it.
  func withDirectory<Result>(_ row: BenchRow, _ body: (String) throws -> Result) throws -> Result {
    let path = "\(options.directory)/\(row.rawValue)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  /// Figures are worth nothing if the work was not done.
  func expect(_ found: Int, _ expected: Int, of row: BenchRow) throws {
    if found != expected { throw BenchFailure(row, "found \(found) documents instead of \(expected)") }
  }
}

/// A document's number for the operation with this number: uniform, and the same in every run.
@inline(__always)
func randomNumber(_ operation: Int, below bound: Int) -> Int {
  var random = SplitMix64(seed: UInt64(operation))
  return random.below(bound)
}
