import Foundation
import Testing

@testable import DarkBird

/// A document that is written and cannot be read if its number is 13.
private struct Unlucky: Document {
  var number: Int

  init(number: Int) { self.number = number }

  init(cbor reader: inout CBORReader) throws {
    number = try reader.readInt()
    if number == 13 { throw Mismatch("13") }
  }

  func encode(cbor writer: inout CBORWriter) { writer.write(number) }
}

/// Events from a known LSN on: out of the log, then live.
@Suite(.timeLimit(.minutes(30)))
struct ResumedEventTests {
  private typealias MemberEvent = Event<Int, Member>

  private func describe(_ event: MemberEvent) -> String {
    switch event {
    case .put(let key, let old, let new, let lsn, _): "\(lsn) put \(key) \(old?.name ?? "-") \(new.name)"
    case .removed(let key, let old, let lsn, _): "\(lsn) removed \(key) \(old.name)"
    case .replayed(let key, let document, let lsn, _): "\(lsn) replayed \(key) \(document?.name ?? "-")"
    case .cleared(let count, let lsn): "\(lsn) cleared \(count.map(String.init) ?? "?")"
    case .gap(let dropped): "gap \(dropped)"
    }
  }

  private func makeStore(
    _ capacity: StoreConfiguration.PageCapacity = .records(4)
  ) throws -> (MemberStore, SimulatedFileSystem) {
    let disk = SimulatedFileSystem.forStores()
    return (try MemberStore(.simulated(capacity), on: disk), disk)
  }

  /// Puts one document for each LSN.
  private func put(_ count: Int, into store: MemberStore) throws {
    for _ in 0..<count {
      let number = Int(store.memoryLSN) + 1
      try store.put(Member(name: "\(number)", age: number), for: number % 10)
    }
  }

  // MARK: The filter

  @Test(arguments: [true, false]) func filterChoosesEvents(isResumed: Bool) async throws {
    let (store, _) = try makeStore()
    let wantsEven: @Sendable (MemberEvent) -> Bool = { ($0.key ?? 1) % 2 == 0 }
    if isResumed {
      try put(30, into: store)
      let events = try store.events(from: 0, where: wantsEven)
      #expect(try events.drain(limit: 4).map(\.lsn) == [2, 4, 6, 8])
      #expect(try events.drain().map(\.lsn) == stride(from: 10, through: 30, by: 2).map { $0 })
      try put(4, into: store)
      #expect(try events.drain().map(\.lsn) == [32, 34])
    } else {
      let events = store.events(where: wantsEven)
      let looped = store.events(capacity: 100, where: wantsEven)
      try put(30, into: store)
      #expect(events.drain(limit: 4).map(\.lsn) == [2, 4, 6, 8])
      #expect(events.drain().count == 11)
      // What is filtered out takes room until it is taken; the gap is told.
      let slow = store.events(capacity: 4, where: wantsEven)
      try put(10, into: store)
      #expect(slow.drain().map(describe) == ["gap 6", "38 put 8 28 38", "40 put 0 30 40"])
      try store.close()
      var lsns: [UInt64] = []
      for await event in looped { lsns.append(event.lsn ?? 0) }
      #expect(lsns == stride(from: 2, through: 40, by: 2).map { $0 })
    }
  }

  /// What a filter writes is for the next call, however fast it writes.
  @Test func filterMayUseTheStore() throws {
    let (store, _) = try makeStore()
    // Would never return if a lock of the store were held.
    let writes: @Sendable (MemberEvent) -> Bool = { event in
      guard let key = event.key else { return false }
      do { try store.put(Member(name: "by the filter"), for: key + 1) } catch { Issue.record("\(error)") }
      return store[key] != nil
    }
    let events = store.events(where: writes)
    try store.put(Member(), for: 1)
    #expect((1...3).map { _ in events.drain().count } == [1, 1, 1])
    #expect((1...3).map { _ in events.drain(limit: 2).count } == [1, 1, 1])
    events.cancel()
    // Those from the log are looked at when they are taken; each call takes what was there when it began, and a little more.
    let resumed = try store.events(from: store.memoryLSN - 1, where: writes)
    for _ in 1...20 {
      let last = store.memoryLSN
      let taken = try resumed.drain()
      #expect(!taken.isEmpty && (taken.last?.lsn ?? 0) >= last && taken.count < 10, "\(taken.count) to \(last)")
    }
  }

  // MARK: From the log

  @Test func logTellsEveryKindOfChange() throws {
    let (store, _) = try makeStore()
    try store.put(Member(name: "a"), for: 1)
    try store.remove(1)
    try store.batch { batch in
      batch.put(Member(name: "b"), for: 1)
      batch.put(Member(name: "c", email: "c"), for: 2)
    }
    try store.removeAll()
    try store.batch { batch in
      batch.put(Member(name: "d"), for: 3)
      batch.remove(2)
    }
    let expected = [
      "1 replayed 1 a", "2 replayed 1 -", "3 replayed 1 b", "3 replayed 2 c", "4 cleared ?", "5 replayed 3 d",
    ]
    let events = try store.events(from: 0)
    #expect(try events.drain().map(describe) == expected)
    try store.put(Member(name: "e"), for: 3)
    #expect(try events.drain().map(describe) == ["6 put 3 d e"])
    #expect(try store.events(from: 2).drain(limit: 1).map(describe) == ["3 replayed 1 b"])
    guard case .replayed(_, _, _, let shard)? = try store.events(from: 5).drain().first else {
      Issue.record("no event")
      return
    }
    #expect(shard == store.stored(3)?.shard)
  }

  @Test(arguments: [StoreConfiguration.PageCapacity.records(1), .records(7), .bytes(8 << 10)])
  func everyLSNCanBeResumedFrom(_ capacity: StoreConfiguration.PageCapacity) throws {
    let (store, disk) = try makeStore(capacity)
    try put(90, into: store)
    for from in 0...90 as ClosedRange<UInt64> {
      let events = try store.events(from: from)
      #expect(try events.drain().map(\.lsn) == (from..<90).map { $0 + 1 })
      #expect(try events.drain().isEmpty)
    }
    for future in [91, 1_000, .max] as [UInt64] {
      #expect(storeError { _ = try store.events(from: future) } == .unknownLSN(lsn: future, last: 90))
    }
    try store.close()
    let reopened = try MemberStore(.simulated(.records(3)), on: disk)
    let events = try reopened.events(from: 40)
    try put(5, into: reopened)
    #expect(try events.drain().map(\.lsn) == (41...95).map { $0 })
    try reopened.close()
    #expect(try events.drain().isEmpty)
    #expect(storeError { _ = try reopened.events(from: 40) } == .closed)
  }

  @Test func subscriptionFromThePresentIsLive() throws {
    let (store, _) = try makeStore()
    try put(3, into: store)
    let events = try store.events(from: 3)
    #expect(store.statistics().subscribers == 1)
    try store.put(Member(name: "new"), for: 3)
    #expect(try events.drain().map(describe) == ["4 put 3 3 new"])
    events.cancel()
    #expect(store.statistics().subscribers == 0)
    try store.put(Member(), for: 3)
    #expect(try events.drain().isEmpty)
  }

  @Test func recordsLargerThanWhatIsReadAtOnceComeWhole() throws {
    let (store, _) = try makeStore(.bytes(8 << 10))
    for size in [10, 70_000, 100, 300_000, 5] {
      try store.put(Member(name: String(repeating: "x", count: size)), for: size)
    }
    try store.batch { batch in
      for key in 0..<100 { batch.put(Member(name: String(repeating: "y", count: 2_000)), for: key) }
    }
    let events = try store.events(from: 0).drain()
    let sizes = events.prefix(5).map { event -> Int in
      guard case .replayed(_, let document, _, _) = event else { return 0 }
      return document?.name.count ?? 0
    }
    #expect(sizes == [10, 70_000, 100, 300_000, 5])
    #expect(events.count == 105 && events.last?.lsn == 6)
  }

  // MARK: At work

  /// Events, each LSN complete, against the changes as a plain subscriber got them.
  private func check(_ events: [MemberEvent], after lsn: UInt64, _ all: [MemberEvent]) {
    let expected = all.filter { ($0.lsn ?? 0) > lsn }
    #expect(events.count == expected.count)
    for (found, wanted) in zip(events, expected) {
      #expect(found.lsn == wanted.lsn && found.key == wanted.key)
      if case .replayed(_, let document, _, _) = found {
        if case .put(_, _, let new, _, _) = wanted { #expect(document == new) } else { #expect(document == nil) }
      } else if case .put(_, let old, let new, _, _) = found, case .put(_, let wantedOld, let wantedNew, _, _) = wanted
      {
        #expect(old == wantedOld && new == wantedNew)
      }
    }
  }

  private func write(_ store: MemberStore, steps: Int, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for step in 0..<steps {
      do {
        let key = generator.below(30)
        switch generator.below(10) {
        case 0: try store.remove(key)
        case 1 where generator.chance(10): try store.removeAll()
        case 2, 3:
          try store.batch { batch in
            for offset in 0..<generator.below(5) {
              batch.put(Member(name: "\(seed).\(step)", age: offset), for: key + offset)
            }
            batch.remove(generator.below(30))
          }
        default: try store.put(Member(name: "\(seed).\(step)"), for: key)
        }
      } catch { Issue.record("\(error)") }
    }
  }

  @Test(arguments: [0, 1, 2, 3] as [UInt64]) func handOverIsExactWhileWritersWrite(seed: UInt64) throws {
    let (store, _) = try makeStore(.records(20))
    let all = store.events(capacity: 100_000)
    write(store, steps: 200, seed: seed)
    let received = Seen<(from: UInt64, events: [MemberEvent])>()
    let writersLeft = Counter()
    onThreads(5) { thread in
      if thread < 2 {
        write(store, steps: Effort.meetings(800), seed: seed * 10 + UInt64(thread))
        writersLeft.next()
        return
      }
      var generator = SeededGenerator(seed: seed * 100 + UInt64(thread))
      do {
        var isLast = false
        repeat {
          isLast = writersLeft.value == 2
          let from = UInt64(generator.below(Int(store.memoryLSN) + 1))
          let events = try store.events(capacity: 50_000, from: from)
          var mine: [MemberEvent] = []
          var wasLast = false
          repeat {
            wasLast = writersLeft.value == 2 || mine.count > 2_000
            mine += try events.drain(limit: wasLast ? .max : 1 + generator.below(300))
          } while !wasLast
          received.append((from, mine))
        } while !isLast
      } catch { Issue.record("\(error)") }
    }
    let changes = all.drain()
    #expect(changes.last?.lsn == store.memoryLSN)
    for (from, events) in received.all {
      guard let last = events.last?.lsn else { continue }
      // Some stopped before the writers did, in the middle of a batch perhaps.
      let upTo = changes.filter { ($0.lsn ?? 0) > from && ($0.lsn ?? 0) <= last }
      #expect(events.count <= upTo.count && upTo.count - events.count < 8)
      check(events, after: from, Array(changes.filter { ($0.lsn ?? 0) > from }.prefix(events.count)))
    }
    #expect(received.all.contains { $0.events.contains { if case .put = $0 { true } else { false } } })
    #expect(store.statistics().eventsDropped == 0)
  }

  @Test func asynchronousLoopGoesFromTheLogToTheLiveEvents() async throws {
    let (store, _) = try makeStore()
    try put(500, into: store)
    let events = try store.events(from: 100)
    let task = Task {
      var lsns: [UInt64] = []
      for try await event in events {
        lsns.append(event.lsn ?? 0)
        if lsns.count == 900 { break }
      }
      return lsns
    }
    for _ in 0..<50 {
      try put(10, into: store)
      await Task.yield()
    }
    #expect(try await task.value == Array(101...1_000))
  }

  @Test func loopEndsWithItsTaskItsCancellationOrTheStore() async throws {
    let (store, _) = try makeStore()
    try put(50, into: store)
    let ofTask = try store.events(from: 0)
    let task = Task { for try await _ in ofTask {} }
    task.cancel()
    try await task.value

    let cancelled = try store.events(from: 0)
    #expect(try cancelled.drain(limit: 3).count == 3)
    cancelled.cancel()
    for try await event in cancelled { Issue.record("\(event)") }

    // What was written before the store closed is still there to be read.
    let ofStore = try store.events(capacity: 4, from: 10)
    let waiting = Task {
      var count = 0
      for try await _ in ofStore { count += 1 }
      return count
    }
    try store.close()
    #expect(try await waiting.value == 40)
  }

  /// Wherever it was: here nothing was read yet, and the live events are at hand already.
  @Test func cancelledTaskLeavesNoSubscription() async throws {
    let (store, _) = try makeStore()
    try put(50, into: store)
    let events = try store.events(from: 0)
    #expect(store.statistics().subscribers == 1)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      for try await event in events { Issue.record("\(event)") }
    }
    try await task.value
    #expect(store.statistics().subscribers == 0)
    withExtendedLifetime(events) {}
  }

  @Test func slowSubscriberLosesNothingWhileItReadsTheLog() throws {
    let (store, _) = try makeStore(.records(50))
    try put(100, into: store)
    let slow = try store.events(capacity: 10, from: 0)
    var received = try slow.drain(limit: 20)
    // Far more than its ring could hold; no writer waits for it.
    try put(5_000, into: store)
    #expect(store.statistics().subscribers == 0 && store.statistics().eventsDropped == 0)
    received += try slow.drain()
    #expect(received.map(\.lsn) == (1...5_100).map { $0 })
    // From here on it is a subscriber like any other.
    try put(30, into: store)
    #expect(try slow.drain().map { describe($0) }.first == "gap 20")
    #expect(try store.events(from: 5_100).drain().map(\.lsn) == (5_101...5_130).map { $0 })
  }

  // MARK: What is gone

  @Test func checkpointsTruncateTheLog() throws {
    let (store, disk) = try makeStore(.records(4))
    try put(21, into: store)
    let before = try store.events(capacity: 2, from: 0)
    #expect(try before.drain(limit: 2).map(\.lsn) == [1, 2])
    try store.checkpoint()
    // Five pages are full; the sixth is open.
    #expect(storeError { _ = try store.events(from: 0) } == .logTruncated(from: 0, firstAvailable: 21))
    #expect(storeError { _ = try store.events(from: 19) } == .logTruncated(from: 19, firstAvailable: 21))
    #expect(try store.events(from: 20).drain().map(\.lsn) == [21])
    // The second page is open already and read to its end; then the error comes, again and again.
    #expect(try before.drain().map(\.lsn) == (3...8).map { $0 })
    for _ in 0..<2 {
      #expect(storeError { _ = try before.drain() } == .logTruncated(from: 8, firstAvailable: 21))
    }
    try put(3, into: store)
    try store.close()
    let reopened = try MemberStore(.simulated(), on: disk)
    #expect(storeError { _ = try reopened.events(from: 3) } == .logTruncated(from: 3, firstAvailable: 21))
    #expect(try reopened.events(from: 20).drain().map(\.lsn) == [21, 22, 23, 24])
  }

  /// Checkpoints take pages away under subscribers: each gets an unbroken run of LSNs, and then more of it or the error.
  @Test func checkpointsUnderSubscribersNeverMakeAHole() throws {
    let (store, _) = try makeStore(.records(5))
    try put(50, into: store)
    let isDone = Counter()
    let truncated = Counter()
    onThreads(3) { thread in
      do {
        if thread == 0 {
          for _ in 0..<200 {
            try put(10, into: store)
            try store.checkpoint()
          }
          isDone.next()
          return
        }
        var generator = SeededGenerator(seed: UInt64(thread))
        while isDone.value == 0 {
          let present = Int(store.memoryLSN)
          var last = UInt64(max(0, present - generator.below(60)))
          do {
            let events = try store.events(capacity: 2, from: last)
            for _ in 0..<10 {
              for event in try events.drain(limit: 1 + generator.below(20)) {
                if case .gap(let dropped) = event {
                  last += UInt64(dropped)
                } else {
                  last += 1
                  #expect(event.lsn == last)
                }
              }
            }
          } catch StoreError.logTruncated(let from, let firstAvailable) {
            #expect(from >= last && firstAvailable > from)
            truncated.next()
          }
        }
      } catch { Issue.record("\(error)") }
    }
    #expect(truncated.value > 0)
    #expect(store.statistics().subscribers == 0)
  }

  @Test func storesWithoutALogRefuse() throws {
    let memory = try MemberStore()
    for lsn in [0, 5] as [UInt64] {
      let error = storeError { _ = try memory.events(from: lsn) }
      guard case .invalidConfiguration? = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
    let (store, disk) = try makeStore()
    try store.close()
    var configuration = StoreConfiguration.simulated()
    configuration.isReadOnly = true
    let reader = try MemberStore(configuration, on: disk)
    #expect(storeError { _ = try reader.events(from: 0) } == .readOnly)
  }

  @Test func lsnThatACrashTookBackIsUnknown() throws {
    let disk = SimulatedFileSystem.forStores()
    var configuration = StoreConfiguration.simulated(.records(100))
    // Nothing is synced by itself meanwhile, however slow the machine is.
    configuration.syncIntervalMilliseconds = 1_000_000
    let store = try MemberStore(configuration, on: disk)
    try put(5, into: store)
    try store.sync()
    try put(5, into: store)
    let remembered = store.memoryLSN
    let image = disk.killImage()
    var reopened = try MemberStore(on: image.crashImage(seed: 0))
    // A power loss may leave what was not synced all the same.
    for seed in 1..<100 as Range<UInt64> where reopened.memoryLSN == remembered {
      reopened = try MemberStore(on: image.crashImage(seed: seed))
    }
    let last = reopened.memoryLSN
    try #require(last < remembered)
    #expect(storeError { _ = try reopened.events(from: remembered) } == .unknownLSN(lsn: 10, last: last))
    #expect(try reopened.events(from: 0).drain().map(\.lsn) == (1...last).map { $0 })
  }

  @Test func damagedAndUnreadablePagesAreErrorsAfterWhatWasSound() throws {
    let (store, disk) = try makeStore(.records(10))
    try put(40, into: store)
    try store.sync()
    let name = try #require(disk.storeFiles.keys.filter { $0.hasPrefix("wal-") }.sorted().dropFirst(2).first)
    var bytes = try #require(disk.storeFiles[name])
    bytes[LogFormat.headerBytes + 40] ^= 1
    disk.setFile("/data/store/\(name)", bytes)
    let events = try store.events(capacity: 2, from: 0)
    #expect(try events.drain().map(\.lsn) == (1...20).map { $0 })
    let path = "/data/store/\(name)"
    let error = storeError { _ = try events.drain() }
    #expect(error == .corrupt(path: path, offset: 4_096, reason: "wrong checksum of a frame"))
    bytes[LogFormat.headerBytes + 3] = 0x7f
    disk.setFile(path, bytes)
    let length = storeError { _ = try store.events(capacity: 2, from: 20).drain() }
    guard case .corrupt(path, offset: 4_096, _)? = length else {
      Issue.record("\(String(describing: length))")
      return
    }
    let readers = disk.readerCount
    disk.plan(.once(.read, error: EIO))
    let unreadable = storeError { _ = try store.events(capacity: 2, from: 0) }
    guard case .io(_, _, EIO)? = unreadable else {
      Issue.record("\(String(describing: unreadable))")
      return
    }
    #expect(disk.readerCount == readers)
  }

  /// Wherever a subscriber stops, and goes on from there: it gets everything, and twice only what is left over of a batch.
  @Test(arguments: [false, true]) func whoStopsWithinABatchGetsAllOfItAgain(fromLog: Bool) throws {
    let (store, _) = try makeStore()
    try store.put(Member(), for: 0)
    let live = fromLog ? [] : (0...12).map { _ in store.events() }
    try store.put(Member(), for: 1)
    try store.batch { batch in for key in 0..<5 { batch.put(Member(age: key), for: key) } }
    try store.removeAll()
    try store.batch { batch in for key in 5..<9 { batch.put(Member(age: key), for: key) } }
    try store.put(Member(), for: 1)
    try store.sync()
    // One event, five, one, four, one.
    let lsns: [UInt64] = [2] + [3, 3, 3, 3, 3] + [4] + [5, 5, 5, 5] + [6]
    for taken in 0...12 {
      let (before, resume): ([UInt64?], UInt64)
      if fromLog {
        let events = try store.events(from: 1)
        (before, resume) = (try events.drain(limit: taken).map(\.lsn), events.resumeLSN)
      } else {
        (before, resume) = (live[taken].drain(limit: taken).map(\.lsn), live[taken].resumeLSN)
      }
      #expect(before == Array(lsns.prefix(taken)))
      let next = taken < lsns.count ? lsns[taken] : 7
      #expect(resume == next - 1, "after \(taken) events")
      #expect(try store.events(from: resume).drain().map(\.lsn) == lsns.filter { $0 > resume })
    }
    // Beyond what the log had.
    let events = try store.events(from: 1)
    #expect(try events.drain().count == lsns.count && events.resumeLSN == 6)
    try store.put(Member(), for: 20)
    try store.batch { batch in for key in 30..<33 { batch.put(Member(), for: key) } }
    #expect(try events.drain(limit: 2).map(\.lsn) == [7, 8] && events.resumeLSN == 7)
    #expect(try events.drain().map(\.lsn) == [8, 8] && events.resumeLSN == 8)
  }

  /// What is lost is passed over, for the subscriber is told of it; who was told may go back.
  @Test func resumptionAfterAGapIsTheSubscribersChoice() throws {
    let (store, _) = try makeStore()
    let events = store.events(capacity: 2)
    try put(2, into: store)
    #expect(events.drain(limit: 1).map(\.lsn) == [1] && events.resumeLSN == 1)
    try put(4, into: store)
    let before = events.resumeLSN
    #expect(events.drain().map(\.lsn) == [nil, 5, 6] && events.resumeLSN == 6)
    try store.sync()
    #expect(try store.events(from: before).drain().map(\.lsn) == [2, 3, 4, 5, 6])
  }

  /// Who has one event of a batch goes on behind it.
  @Test func batchThatCannotBeDecodedIsNotToldInParts() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try Store<Int, Unlucky>(.simulated(), schema: [], fileSystem: disk)
    try store.put(Unlucky(number: 1), for: 1)
    try store.batch { batch in for number in 11...14 { batch.put(Unlucky(number: number), for: number) } }
    let events = try store.events(from: 0)
    #expect(try events.drain().map(\.lsn) == [1])
    guard case .undecodable(key: "13", lsn: 2, reason: _)? = storeError({ _ = try events.drain() }) else {
      Issue.record("the batch was decoded")
      return
    }
  }

  @Test func filesAreClosedWhenSubscriptionsAre() throws {
    let (store, disk) = try makeStore()
    try put(50, into: store)
    try store.sync()
    let before = disk.readerCount
    do {
      let events = try store.events(capacity: 2, from: 0)
      #expect(try events.drain(limit: 3).count == 3)
      #expect(disk.readerCount == before + 1)
      let finished = try store.events(capacity: 2, from: 0)
      #expect(try finished.drain().count == 50)
      #expect(disk.readerCount == before + 1)
      let cancelled = try store.events(capacity: 2, from: 0)
      cancelled.cancel()
      #expect(disk.readerCount == before + 1)
    }
    #expect(disk.readerCount == before)
  }
}
