import DarkBird

/// What a preset does to its store.
protocol WorkloadScript: Sendable {
  /// Lanes that the numbers are dealt out to: as many as there are threads that insert.
  var laneCount: Int { get }
  /// Documents that the mix keeps to, if more than are loaded.
  var capacity: Int { get }
  /// Numbers of the documents that are in the store already. - Complexity: a scan.
  func existingNumbers() throws -> [Int]
  /// The key of the document with this number.
  func key(_ number: Int) -> String
  /// Inserts one document of the load phase. It is no operation of the mix, and is not timed as one.
  func load(_ number: Int) throws
  /// Called once, when everything is loaded.
  func finishLoad() throws
  /// The part in the mix of one thread of 0 ..< writers + readers, of which the writers are the first; nil if its share of
  /// the mix is nothing.
  func makeClient(_ thread: Int, population: Population, timer: OperationTimer) -> (any WorkloadClient)?
}

/// One thread's part of a mix. Used on that thread only.
protocol WorkloadClient: AnyObject {
  /// The key that was written last, or was to be.
  var writtenKey: String { get }
  /// Prepares one operation and does it; the timer measures only the doing.
  /// - Throws: what the store throws; the next call does something else.
  func perform() throws
  /// Goes on without writes.
  /// - Returns: false if nothing is left to do.
  func stopWriting() -> Bool
}

/// Times the operations of one thread: from the call to its return, so that what the panels show is what the store
/// needs. With a limited rate that is not the time since the operation was due.
final class OperationTimer {
  private let slot: LatencyRecorder.Slot
  /// When the last operation ended, in nanoseconds.
  private(set) var now: UInt64

  init(slot: LatencyRecorder.Slot) {
    self.slot = slot
    now = monotonicNanoseconds()
  }

  /// Reads the clock outside of an operation.
  @discardableResult
  func tick() -> UInt64 {
    now = monotonicNanoseconds()
    return now
  }

  func measure<Result, Failure: Error>(
    _ kind: OperationKind, _ operation: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let start = monotonicNanoseconds()
    defer {
      now = monotonicNanoseconds()
      slot.record(kind, nanoseconds: now &- start)
    }
    return try operation()
  }
}

extension Store {
  /// The numbers in the keys of all documents.
  func numbers(_ number: (Key) -> Int?) throws -> [Int] {
    var numbers: [Int] = []
    var cursor: Cursor?
    repeat {
      let page = try scan(limit: 1_000, after: cursor)
      numbers.append(contentsOf: page.documents.compactMap { number($0.key) })
      cursor = page.next
    } while cursor != nil
    return numbers
  }
}
