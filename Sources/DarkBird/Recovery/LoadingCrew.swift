import CDarkBird
import Foundation

/// The threads that apply records to the shards of a store that is being opened, while another thread reads more of them.
///
/// Records come in batches, and the shards are dealt out into lanes. A lane gets its part of each batch in the order of the
/// batches, by one thread at a time; which thread does not matter, so that all are busy as long as there is work, and the
/// reader may run some batches ahead before it waits. Threads start when there is more than one batch; where the system gives
/// none, the reader does their work.
///
/// Unchecked: `slots` that are pushed are only read, and the others belong to the thread that pushes; everything else is only
/// touched under the lock.
@usableFromInline
final class LoadingCrew<Item: Sendable>: @unchecked Sendable {
  @usableFromInline
  struct Batch: Sendable {
    @usableFromInline var bytes: [UInt8] = []
    /// Bytes of documents and items: a removal has no document.
    @usableFromInline var weight = 0
    /// By lane.
    @usableFromInline var items: [ContiguousArray<Item>]

    init(lanes: Int) { items = Array(repeating: [], count: lanes) }

    /// Keeps the memory.
    mutating func removeAll() {
      bytes.removeAll(keepingCapacity: true)
      weight = 0
      for lane in items.indices { items[lane].removeAll(keepingCapacity: true) }
    }
  }

  typealias Work = @Sendable (ContiguousArray<Item>, UnsafeRawBufferPointer) -> StoreError?

  /// Weight at which a batch is full, and batches that may wait: together what fits into most caches.
  @usableFromInline static var batchBytes: Int { 512 << 10 }
  private static var batchesMax: Int { 4 }

  private let fileSystem: any FileSystem
  private let work: Work
  private let threads: Int
  private let lanes: Int
  private let lock = Lock()
  private let pushed = Condition()
  private let progress = Condition()
  private var slots: [Batch]
  private var pushedCount = 0
  private var doneCount = 0
  /// Lanes that are not done, by slot.
  private var lanesLeft: [Int]
  /// The batch that a lane comes to next, and whether a thread is at it.
  private var next: [Int]
  private var isBusy: [Bool]
  private var running = 0
  private var isEnding = false
  private var failure: StoreError?

  init(_ fileSystem: any FileSystem, threads: Int, lanes: Int, work: @escaping Work) {
    self.fileSystem = fileSystem
    self.threads = threads
    self.lanes = lanes
    self.work = work
    slots = Array(repeating: Batch(lanes: lanes), count: Self.batchesMax)
    lanesLeft = Array(repeating: 0, count: Self.batchesMax)
    next = Array(repeating: 0, count: lanes)
    isBusy = Array(repeating: false, count: lanes)
  }

  /// Has a batch applied and gives back an empty one.
  /// - Throws: the failure of any batch so far.
  func push(_ batch: inout Batch) throws(StoreError) {
    lock.lock()
    defer { lock.unlock() }
    while pushedCount - doneCount == Self.batchesMax { progress.wait(lock) }
    if let failure { throw failure }
    let slot = pushedCount % Self.batchesMax
    swap(&slots[slot], &batch)
    batch.removeAll()
    lanesLeft[slot] = lanes
    pushedCount += 1
    if running == 0 { startThreads() } else { pushed.broadcast() }
    if running == 0 { while workAtALane() {} }
  }

  /// Applies the last batch, and returns when all are applied and the threads have ended.
  /// - Throws: the failure of any batch.
  func finish(_ batch: inout Batch) throws(StoreError) {
    if !batch.items.allSatisfy(\.isEmpty) {
      if lock.withLock({ running == 0 && pushedCount == doneCount }) {
        for items in batch.items {
          if let error = apply(items, batch.bytes) { lock.withLock { failure = failure ?? error } }
        }
        batch.removeAll()
      } else {
        try push(&batch)
      }
    }
    end()
    if let failure = lock.withLock({ failure }) { throw failure }
  }

  /// Returns when no thread is left.
  func end() {
    lock.lock()
    isEnding = true
    pushed.broadcast()
    while running > 0 { progress.wait(lock) }
    isEnding = false
    lock.unlock()
  }

  /// As many of them as the system gives.
  private func startThreads() {
    for _ in 0..<threads {
      do {
        try fileSystem.startThread("darkbird load") { [self] in run() }
        running += 1
      } catch {
        if planted(.threadTakenForStarted) { running += 1 }
        return
      }
    }
  }

  private func run() {
    lock.lock()
    while true {
      if workAtALane() { continue }
      if isEnding && pushedCount == doneCount { break }
      pushed.wait(lock)
    }
    running -= 1
    progress.broadcast()
    lock.unlock()
  }

  /// Applies a lane's part of the batch that it comes to next. Under the lock, which is free meanwhile.
  /// - Returns: whether there was a lane with something to do, and nobody at it.
  private func workAtALane() -> Bool {
    // The lane that is furthest behind.
    let ready = next.indices.filter { !isBusy[$0] && next[$0] < pushedCount }
    guard let lane = ready.min(by: { next[$0] < next[$1] }) else { return false }
    isBusy[lane] = true
    let slot = next[lane] % Self.batchesMax
    let (items, bytes) = (slots[slot].items[lane], slots[slot].bytes)
    let isUseless = failure != nil
    lock.unlock()
    let error = isUseless ? nil : apply(items, bytes)
    lock.lock()
    failure = failure ?? error
    isBusy[lane] = false
    next[lane] += 1
    lanesLeft[slot] -= 1
    if lanesLeft[slot] == 0 {
      doneCount += 1
      progress.broadcast()
      if isEnding { pushed.broadcast() }
    }
    return true
  }

  private func apply(_ items: ContiguousArray<Item>, _ bytes: [UInt8]) -> StoreError? {
    if items.isEmpty { return nil }
    // About what the documents take in memory, as objects and their strings.
    db_prepare_heap(2 * bytes.count / lanes)
    return bytes.withUnsafeBytes { work(items, $0) }
  }
}
