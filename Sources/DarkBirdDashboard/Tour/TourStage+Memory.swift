import DarkBird
import Foundation
import Synchronization

/// The chapters about documents, shards and indexes.
extension TourStage {
  func memory() throws {
    let people = [Self.ada, Self.person(1), Self.person(2)]
    let first = try open()
    try pause(1)
    for (person, key) in zip(people, ["ada", "u:1", "u:2"]) {
      try recorded(.put) { try first.put(person, for: key) }
      tell("documents put", first.count)
      try pause(0.7)
    }
    try first.sync()
    let bytes = first.statistics().log.map { Int(clamping: $0.bytesWritten) } ?? 0
    tell("bytes written to the log", .bytes(bytes))
    tell("the store's files", files(directory).map(\.name).joined(separator: ", "))
    try pause(1)
    try close("The store is closed. What is left of it are its files.")
    try pause(2)
    let (second, nanoseconds) = try timed { try open() }
    tell("opened again in", .nanoseconds(nanoseconds))
    tell("documents found", second.count)
    tell("Ada is the same", second["ada"] == Self.ada ? "yes" : "no")
  }

  func shard() throws {
    let store = try open()
    try pause(1)
    try recorded(.put) { try store.put(Self.ada, for: "ada") }
    guard let stored = store.stored("ada") else { throw TourError("the document is not there") }
    tell("key", stored.key)
    tell("size as CBOR", .bytes(try DocumentDigest(stored.document).bytes))
    tell("shard, 0 to \(store.configuration.shardCount - 1)", stored.shard)
    tell("LSN", stored.lsn)
    try pause(2)
    try put(1..<2_001, into: store, over: 3) { _ in self.tell("documents", store.count) }
    let shards = store.statistics().shards.map(\.documents)
    tell("in the fullest shard", shards.max() ?? 0)
    tell("in the emptiest shard", shards.min() ?? 0)
    tell("LSN of the last one", store.statistics().memoryLSN)
  }

  func indexes() throws {
    let store = try open()
    try put(1..<2_001, into: store, over: 2)
    tell("documents", store.count)
    let person = Self.person(1_234)
    let owner = try recorded(.unique) { try store.document(unique: "email", person.email) }
    tell("email \(person.email)", owner?.key ?? "nobody")
    let tag = try store.tags(of: "skills", limit: 1).first
    if let tag { tell("tag \(tag.tag)", tag.count) }
    try pause(1)
    let thirties = try recorded(.range) {
      try store.count(Query(ranges: [.init(field: "age", range: .closed(30, 39))]))
    }
    tell("age 30 to 39", thirties)
    try pause(1)
    try recorded(.remove) { _ = try store.remove(Person.key(1_234)) }
    try pause(0.5)
    let entries = store.statistics().indexes.first { $0.name == "email" }?.entries ?? 0
    tell("emails after one removal", entries)
    tell("who has that email now", try store.document(unique: "email", person.email)?.key ?? "nobody")
    tell("entries equal a rebuild", store.audit().isClean ? "yes" : "no")
  }

  func duplicate() throws {
    let store = try open()
    try recorded(.put) { try store.put(Self.ada, for: "ada") }
    try put(1..<501, into: store, over: 1)
    func figures() -> String {
      let now = store.statistics()
      return "\(Format.grouped(now.documents)), \(Format.grouped(now.memoryLSN))"
    }
    tell("documents, last LSN before", figures())
    try pause(1)
    var impostor = Self.person(501)
    impostor.email = Self.ada.email
    do {
      try store.put(impostor, for: "impostor")
      throw TourError("the duplicate was not refused")
    } catch let error as StoreError {
      monitor.noteDuplicate(key: "impostor", error)
      tell("refused", error.description)
    }
    tell("documents, last LSN after", figures())
    try pause(2)
    let winners = Mutex<[String]>([])
    let refusals = Mutex(0)
    inThreads(8) { number in
      var racer = Self.person(600 + number)
      racer.email = "the.one@race.example"
      do {
        try store.put(racer, for: "racer \(number)")
        winners.withLock { $0.append("racer \(number)") }
      } catch {
        if let error = error as? StoreError { self.monitor.noteDuplicate(key: "racer \(number)", error) }
        refusals.withLock { $0 += 1 }
      }
    }
    tell("got it", winners.withLock { $0.joined(separator: ", ") })
    tell("were refused", "\(Format.counted(refusals.withLock { $0 }, "racer")) and the impostor")
    tell("documents after the race", store.count)
  }

  func range() throws {
    let store = try open()
    try put(1..<20_001, into: store, over: 2) { self.tell("documents", $0) }
    let range = IndexRange.closed(30, 31)
    let query = Query(ranges: [.init(field: "age", range: range)])
    let plan = try store.explain(query)
    let driver = if case .range(let field) = plan.driver { "the range index on \(field)" } else { "\(plan.driver)" }
    tell("answered by", driver)
    try pause(1)
    // The first time finds nothing in the processor's caches, which the comparison is not about.
    _ = try store.documents(query)
    let (page, nanoseconds) = try timed { try recorded(.range) { try store.documents(query) } }
    tell("found", page.documents.count)
    tell("looked at", page.examined)
    tell("took", .nanoseconds(nanoseconds))
    try pause(2)
    var seen = 0
    let (found, scanNanoseconds) = try timed {
      try recorded(.scan) {
        try store.scan().documents.count { stored in
          seen += 1
          return range.contains(.int(Int64(stored.document.age)))
        }
      }
    }
    tell("without the index, found", found)
    tell("without it, looked at", seen)
    tell("without it, took", .nanoseconds(scanNanoseconds))
  }

  func events() throws {
    let store = try open()
    let slow = store.events(capacity: 100)
    defer { slow.cancel() }
    try pause(1)
    let written = 1_000
    var busy: UInt64 = 0
    for part in 0..<20 {
      let (_, nanoseconds) = try timed { try put(part * written / 20..<(part + 1) * written / 20, into: store) }
      busy += nanoseconds
      tell("documents written", (part + 1) * written / 20)
      try pause(0.2)
    }
    tell("each write took", .nanoseconds(busy / UInt64(written)))
    // Events before the first one that it got are those that it lost.
    var (events, lost, first) = (0, 0, UInt64.max)
    for event in slow.drain() {
      if case .gap(let count) = event { lost += count } else { events += 1 }
      if let lsn = event.lsn { first = min(first, lsn) }
    }
    tell("the sleeper got", events)
    tell("and was told it lost", lost)
    try pause(2)
    let resumed = try store.events(from: 0)
    defer { resumed.cancel() }
    var fromLog = 0
    while true {
      let chunk = try resumed.drain(limit: 500)
      if chunk.isEmpty { break }
      fromLog += chunk.count { $0.lsn.map { $0 < first } ?? false }
    }
    tell("of these, read from the log", fromLog)
  }
}

/// A chapter that did not go as it tells.
struct TourError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
