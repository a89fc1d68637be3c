import DarkBird
import Foundation
import Synchronization

/// The chapters about the log and the disk.
extension TourStage {
  func pages() throws {
    let store = try open(pageRecords: 500)
    try pause(1)
    try put(0..<2_600, into: store, over: 6) { _ in
      guard let log = store.statistics().log else { return }
      self.tell("records written", Int(clamping: log.recordsWritten))
      self.tell("pages that are full", Int(clamping: log.rotations))
    }
    try store.sync()
    guard let log = store.statistics().log else { return }
    tell("records written", Int(clamping: log.recordsWritten))
    tell("pages that are full", Int(clamping: log.rotations))
    tell("records in the open page", log.pageRecords)
    // The open page and the next one have room reserved: their files are longer than what is in them.
    for (name, bytes) in files(directory).filter({ $0.name.hasPrefix("wal-") }).suffix(3) {
      let page = UInt64(name.dropFirst("wal-".count)) ?? 0
      if page < log.page {
        tell(name, .bytes(bytes))
      } else {
        tell(name, "\(Format.bytes(page == log.page ? log.pageBytes : 0)) of \(Format.bytes(bytes))")
      }
    }
  }

  func acknowledgement() throws {
    let store = try open()
    try pause(1)
    let writes = 200
    tell("writes of each kind", writes)
    var next = 0
    for ack in Acknowledgement.allCases {
      var times: [UInt64] = []
      for part in 0..<10 {
        let people = next..<next + writes / 10
        next = people.upperBound
        times += try timesOfPuts(people, into: store, ack)
        // Whoever watches sees the lag of the log grow and shrink.
        if part % 2 == 0 { try pause(0.2) }
      }
      tell("\(ack), one write", .nanoseconds(Self.median(times)))
      try pause(0.5)
    }
    let before = store.statistics().log?.syncs ?? 0
    let (threads, each) = (8, 50)
    let failure = Mutex<String?>(nil)
    let times = Mutex<[UInt64]>([])
    let first = next
    let (_, nanoseconds) = timed {
      inThreads(threads) { thread in
        do {
          let start = first + thread * each
          let own = try self.timesOfPuts(start..<start + each, into: store, .synced)
          times.withLock { $0 += own }
        } catch {
          failure.withLock { $0 = "\(error)" }
        }
      }
    }
    try throwIfStopped()
    if let failure = failure.withLock({ $0 }) { throw TourError(failure) }
    tell("\(threads) threads, synced writes", threads * each)
    tell("syncs that they took", Int(clamping: (store.statistics().log?.syncs ?? 0) - before))
    tell("all of them took", .nanoseconds(nanoseconds))
    tell("one of them waited", .nanoseconds(Self.median(times.withLock { $0 })))
  }

  /// Puts these people, and gives how long each of them took.
  private func timesOfPuts(
    _ numbers: Range<Int>, into store: TourStore, _ ack: Acknowledgement
  ) throws -> [UInt64] {
    try numbers.map { number in try timed { try put(number..<number + 1, into: store, ack: ack) }.nanoseconds }
  }

  private static func median(_ times: [UInt64]) -> UInt64 { times.isEmpty ? 0 : times.sorted()[times.count / 2] }

  func kill() throws {
    try makeDirectory(directory)
    let path = directory + "/killed"
    let child = try TourWriter(writer, store: path, isPaced: pace > 0)
    mind(child)
    defer { mind(nil) }
    source.show(nil)
    let acknowledged = try watchUntilKilled(child)
    try pause(3)
    let report = try StoreInspector.verify(path)
    let torn = report.tornTailBytes == 0 ? "none torn" : "\(Format.bytes(report.tornTailBytes)) torn"
    tell("read again", "\(Format.counted(report.records, "record")), \(torn)")
    let (store, nanoseconds) = try timed { try open(path, pageRecords: TourWriter.pageRecords) }
    tell("opened in", .nanoseconds(nanoseconds))
    tell("documents found", store.count)
    let missing = (0..<acknowledged).count { store[Person.key($0)] != Self.person($0) }
    tell(
      "of the acknowledged writes",
      missing == 0 ? "all \(Format.grouped(acknowledged))" : "\(Format.grouped(missing)) are missing")
    // It may have written more than it came to tell.
    tell("found beyond them", store.count - (acknowledged - missing))
    tell("entries equal a rebuild", store.audit().isClean ? "yes" : "no")
  }

  /// Shows what the other program says, and kills it in the middle.
  /// - Returns: writes that it has said its log has.
  private func watchUntilKilled(_ child: TourWriter) throws -> Int {
    tell("the other program is process", "\(child.processIdentifier)")
    tell("it waits until its writes are", TourWriter.acknowledgement.rawValue)
    let reason =
      "Process \(child.processIdentifier) has the store open, and writes. Each write waits until it is "
      + "\(TourWriter.acknowledgement); then the process says so. Nothing else is seen of it here."
    let wanted = pace > 0 ? 2_500 : 500
    while true {
      tell("acknowledged writes", child.acknowledged)
      tell(TourAbsence(reason, news: "\(Format.grouped(child.acknowledged)) acknowledged"))
      try pause(0)
      if child.acknowledged >= wanted { break }
      guard child.readMore() else { throw TourError("the other program has ended: \(child.complaint)") }
    }
    child.kill()
    // What it had said before it died is still in the pipe.
    while child.readMore() {}
    let signal = child.wait()
    try throwIfStopped()
    guard let signal else { throw TourError("the other program has ended by itself: \(child.complaint)") }
    let acknowledged = child.acknowledged
    tell("acknowledged writes", acknowledged)
    tell("KILLED by signal \(signal) at", acknowledged)
    tell(
      TourAbsence(
        "Process \(child.processIdentifier) is gone, and has closed nothing. What is left of its store are its files.",
        news: "KILLED by signal \(signal) at \(Format.grouped(acknowledged)) acknowledged", isAlarm: true))
    return acknowledged
  }

  func torn() throws {
    try makeDirectory(directory)
    let store = try open(directory + "/running", pageRecords: 400)
    try put(0..<1_000, into: store, over: 1.5)
    try store.sync()
    tell("documents, all synced", store.count)
    try put(1_000..<1_001, into: store, ack: .written)
    tell("with one that is only written", store.count)
    let copy = directory + "/after-power-loss"
    try copyFiles(from: directory + "/running", to: copy)
    try close("The power is gone. What is left are the files, and not all of the last record.")
    let before = try StoreInspector.verify(copy)
    guard let last = before.pages.last, let first = before.pages.first else { throw TourError("there is no page") }
    let cut = 40
    try truncate("\(copy)/\(last.file)", to: last.bytes - cut)
    tell("cut off \(last.file)", .bytes(cut))
    try pause(2)
    let report = try StoreInspector.verify(copy)
    tell("of that record were left", .bytes(report.tornTailBytes))
    let reopened = try open(copy, pageRecords: 400)
    tell("documents now", reopened.count)
    tell("kept as", files(copy).first { $0.name.hasPrefix("torn-") }?.name ?? "nothing")
    try pause(2)
    let damaged = directory + "/damaged"
    try copyFiles(from: copy, to: damaged)
    try flipByte(of: "\(damaged)/\(first.file)", at: first.bytes / 2)
    do {
      let store = try TourStore(.disk(at: damaged))
      try store.close()
      throw TourError("the damaged store was opened")
    } catch let error as StoreError {
      let reason = error.description.replacing("\(damaged)/\(first.file): ", with: "")
      tell("a byte changed in \(first.file)", "refused: \(reason)")
    }
  }

  func checkpoint() throws {
    let (people, rounds) = (2_000, 10)
    let filled = try open(pageRecords: 4_000)
    for round in 0..<rounds {
      try put(0..<people, revision: UInt64(round), into: filled, over: 0.3)
      tell("changes in the log", filled.statistics().memoryLSN)
    }
    tell("documents", filled.count)
    try filled.sync()
    try close("Closed, to see how long opening takes.")
    tell("bytes on disk", .bytes(files(directory).reduce(0) { $0 + $1.bytes }))
    let (store, nanoseconds) = try timed { try open(pageRecords: 4_000) }
    tell("opening read all that in", .nanoseconds(nanoseconds))
    try pause(2)
    let newcomers = Newcomers(store, from: people)
    let (before, result) = (newcomers.count, timed { Result { try store.checkpoint() } })
    let meanwhile = newcomers.count - before
    newcomers.stop()
    try result.result.get()
    tell("the checkpoint took", .nanoseconds(result.nanoseconds))
    tell("put by another thread", newcomers.count)
    tell("of these during the checkpoint", meanwhile)
    let count = store.count
    try pause(2)
    try close("Closed once more.")
    tell("bytes on disk after it", .bytes(files(directory).reduce(0) { $0 + $1.bytes }))
    let (reopened, after) = try timed { try open(pageRecords: 4_000) }
    tell("opening takes now", .nanoseconds(after))
    tell("documents found", reopened.count)
    if reopened.count != count { throw TourError("there were \(count)") }
  }

  // MARK: Files

  private func makeDirectory(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  private func copyFiles(from: String, to: String) throws {
    try makeDirectory(to)
    let manager = FileManager.default
    for (name, _) in files(from) { try manager.copyItem(atPath: "\(from)/\(name)", toPath: "\(to)/\(name)") }
  }

  private func truncate(_ path: String, to bytes: Int) throws {
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    defer { try? file.close() }
    try file.truncate(atOffset: UInt64(bytes))
  }

  private func flipByte(of path: String, at offset: Int) throws {
    let file = try FileHandle(forUpdating: URL(filePath: path))
    defer { try? file.close() }
    try file.seek(toOffset: UInt64(offset))
    guard let byte = try file.read(upToCount: 1)?.first else { throw TourError("\(path) is too short") }
    try file.seek(toOffset: UInt64(offset))
    try file.write(contentsOf: [byte ^ 1])
  }
}

/// A thread that puts one new person after the other.
private final class Newcomers: Sendable {
  private let written = Atomic(0)
  private let isOver = Atomic(false)
  private let ended = DispatchSemaphore(value: 0)

  /// Returns when the first one is there.
  init(_ store: TourStore, from first: Int) {
    let begun = DispatchSemaphore(value: 0)
    Thread { [self] in
      while !isOver.load(ordering: .relaxed) {
        let number = first + count
        do { try store.put(TourStage.person(number), for: Person.key(number)) } catch { break }
        if written.add(1, ordering: .relaxed).newValue == 1 { begun.signal() }
        usleep(100)
      }
      begun.signal()
      ended.signal()
    }.start()
    begun.wait()
  }

  var count: Int { written.load(ordering: .relaxed) }

  func stop() {
    isOver.store(true, ordering: .relaxed)
    ended.wait()
  }
}
