import DarkBird
import Dispatch
import Foundation
import Synchronization

typealias TourStore = Store<String, Person>

/// Where a chapter takes place: a directory, the store that is open in it, and those who watch.
///
/// One thread uses it, the guide's, but for `stop`.
final class TourStage: Sendable {
  /// Of this chapter alone; it does not exist at first.
  let directory: String
  let source: TourSource
  let monitor: TourMonitor
  /// How to start the program that the chapter about SIGKILL kills.
  let writer: TourWriterCommand
  /// As the text of the chapters has it; each shard gets a column of its own on most screens.
  static let shardCount = 64
  /// What a second of waiting lasts; 0 where nobody watches.
  let pace: Double
  private let deliver: @Sendable (TourNews) -> Void

  private struct State {
    var store: TourStore?
    var isStopped = false
    var isHeld = false
    var child: TourWriter?
  }

  private let state = Mutex(State())
  /// That it was stopped, held or let go on.
  private let changed = DispatchSemaphore(value: 0)

  init(
    directory: String, source: TourSource, monitor: TourMonitor, writer: TourWriterCommand, pace: Double,
    deliver: @escaping @Sendable (TourNews) -> Void
  ) {
    self.directory = directory
    self.source = source
    self.monitor = monitor
    self.writer = writer
    self.pace = pace
    self.deliver = deliver
  }

  /// The store that is open.
  var store: TourStore? { state.withLock { $0.store } }

  // MARK: Telling

  func tell(_ name: String, _ value: TourFact.Value) { deliver(.fact(TourFact(name: name, value: value))) }
  func tell(_ name: String, _ count: Int) { tell(name, .count(count)) }
  func tell(_ name: String, _ lsn: UInt64) { tell(name, .count(Int(clamping: lsn))) }
  func tell(_ name: String, _ text: String) { tell(name, .text(text)) }

  /// No store is open in this process, and what there is to see instead.
  func tell(_ absence: TourAbsence) { deliver(.absence(absence)) }

  // MARK: Time

  /// Lets people look for so long, and as long as they hold the chapter.
  /// - Throws: `CancellationError` when somebody has gone to another chapter.
  func pause(_ seconds: Double) throws {
    let end = DispatchTime.now() + seconds * pace
    while pace > 0 {
      let (isStopped, isHeld) = state.withLock { ($0.isStopped, $0.isHeld) }
      if isStopped || !isHeld && .now() >= end { break }
      _ = changed.wait(timeout: isHeld ? .distantFuture : end)
    }
    try throwIfStopped()
  }

  func throwIfStopped() throws { if state.withLock({ $0.isStopped }) { throw CancellationError() } }

  /// Ends the chapter soon, from any thread.
  func stop() {
    let child = state.withLock { state in
      state.isStopped = true
      return state.child
    }
    child?.kill()
    changed.signal()
  }

  /// Keeps the chapter at its next step, or lets it go on; from any thread.
  func hold(_ isHeld: Bool) {
    state.withLock { $0.isHeld = isHeld }
    changed.signal()
  }

  /// How long something takes, in nanoseconds.
  func timed<Result>(_ body: () throws -> Result) rethrows -> (result: Result, nanoseconds: UInt64) {
    let start = monotonicNanoseconds()
    let result = try body()
    return (result, monotonicNanoseconds() - start)
  }

  /// Does an operation that the panel of latencies shows.
  @discardableResult
  func recorded<Result>(_ kind: OperationKind, _ body: () throws -> Result) rethrows -> Result {
    let (result, nanoseconds) = try timed(body)
    monitor.recorder.record(kind, nanoseconds: nanoseconds)
    return result
  }

  // MARK: The store

  /// Opens the store of the chapter and shows it.
  @discardableResult
  func open(_ path: String? = nil, pageRecords: Int = 5_000) throws -> TourStore {
    var configuration = StoreConfiguration.disk(at: path ?? directory)
    configuration.pageCapacity = .records(pageRecords)
    configuration.shardCount = Self.shardCount
    let store = try Self.open(configuration)
    state.withLock { $0.store = store }
    source.show(StoreSource(store, title: source.identity.title, location: source.identity.location))
    deliver(.absence(nil))
    return store
  }

  /// A process that another thread starts has all our open files until it runs, and with them the lock of a store that was
  /// closed meanwhile: for that moment the store is in use.
  private static func open(_ configuration: StoreConfiguration) throws -> TourStore {
    for _ in 0..<100 {
      do { return try TourStore(configuration) } catch { guard case .locked = error else { throw error } }
      usleep(10_000)
    }
    return try TourStore(configuration)
  }

  /// Closes the store.
  /// - Parameter reason: why there is none now.
  func close(_ reason: String) throws {
    let store = state.withLock { state in
      defer { state.store = nil }
      return state.store
    }
    guard let store else { return }
    source.show(nil)
    tell(TourAbsence(reason))
    try store.close()
  }

  /// The program that is to be killed at the end, whatever happens; nil when it has ended.
  func mind(_ child: TourWriter?) {
    let isStopped = state.withLock { state in
      state.child = child
      return state.isStopped
    }
    if isStopped { child?.kill() }
  }

  // MARK: People

  static func person(_ number: Int, revision: UInt64 = 0) -> Person {
    Person(seed: 1, number: number, revision: revision)
  }

  static let ada = Person(
    kind: .developer, name: "Ada Lovelace", email: "ada@analytical-engine.example", company: "Analytical Engine",
    skills: ["mathematics", "poetry"], age: 36, salary: 120_000, joined: Date(timeIntervalSince1970: 1_700_000_000),
    bio: "Wrote the first program for a machine that was never built.")

  /// Puts these people, spread over some seconds.
  func put(
    _ numbers: Range<Int>, revision: UInt64 = 0, into store: TourStore, over seconds: Double = 0,
    ack: Acknowledgement? = nil, _ told: (Int) -> Void = { _ in }
  ) throws {
    let steps = seconds > 0 && pace > 0 ? max(1, Int(seconds * 20)) : 1
    for step in 0..<steps {
      for number in numbers.lowerBound + numbers.count * step / steps..<numbers.lowerBound + numbers.count
        * (step + 1) / steps
      {
        let person = Self.person(number, revision: revision)
        try recorded(.put) { try store.put(person, for: Person.key(number), ack: ack) }
      }
      told(numbers.count * (step + 1) / steps)
      // What is timed, or done in several threads, does not wait within.
      if seconds > 0 { try pause(seconds / Double(steps)) } else { try throwIfStopped() }
    }
  }

  /// Runs a body in some threads at once, and waits for all.
  func inThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let ended = DispatchGroup()
    for number in 0..<count {
      ended.enter()
      Thread {
        body(number)
        ended.leave()
      }.start()
    }
    ended.wait()
  }

  /// The files of a directory with their sizes, in order; not the lock, which is empty.
  func files(_ path: String) -> [(name: String, bytes: Int)] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { $0 != "LOCK" }.sorted().map { name in
      let size = try? FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")[.size] as? NSNumber
      return (name, size?.intValue ?? 0)
    }
  }
}

/// What the panel of latencies and the stream of events watch of the tour besides its stores.
final class TourMonitor: WorkloadMonitor {
  let recorder = LatencyRecorder()

  private struct State {
    var chapter = TourChapter.first
    var run = 0
    var duplicates: [RefusedDuplicate] = []
  }

  private let state = Mutex(State())

  func begin(_ chapter: TourChapter) {
    state.withLock { state in
      state.chapter = chapter
      state.run += 1
      state.duplicates = []
    }
  }

  func noteDuplicate(key: String, _ error: StoreError) {
    guard case .duplicate(let index, let value, let owner) = error else { return }
    state.withLock { state in
      state.duplicates.append(
        RefusedDuplicate(
          ordinal: UInt64(state.duplicates.count + 1), time: Date(), key: key, index: index, value: "\(value)",
          owner: owner))
    }
  }

  var summary: String { state.withLock { "\($0.chapter.title)" } }
  var runNumber: Int { state.withLock { $0.run } }
  var recentDuplicates: [RefusedDuplicate] { state.withLock { $0.duplicates } }

  func progress() -> WorkloadProgress {
    var progress = WorkloadProgress()
    progress.phase = .running
    progress.duplicatesRefused = UInt64(recentDuplicates.count)
    return progress
  }
}
