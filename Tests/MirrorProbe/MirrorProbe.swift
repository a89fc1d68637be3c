import DarkBird
import DarkBirdPostgres
import Foundation
import Synchronization

// Writes to a store and mirrors it into a Postgres table at the same time, until it is killed or told to end by SIGTERM:
//
//   MirrorProbe DIR URL WRITES_PER_SECOND
//
// Eight of ten writes are puts, one removes, one is a batch of five, over 100,000 keys; it then waits until the table has
// everything, and says how fast it was.

@main
struct MirrorProbe {
  private static let isStopped = Atomic<Bool>(false)
  private static let writes = Atomic<Int>(0)
  private static let lagMax = Atomic<UInt64>(0)

  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 4, let rate = Double(arguments[3]), rate > 0 else {
      FileHandle.standardError.write(Data("usage: MirrorProbe DIR URL WRITES_PER_SECOND\n".utf8))
      exit(64)
    }
    signal(SIGTERM) { _ in MirrorProbe.isStopped.store(true, ordering: .relaxed) }
    let schema = FieldSchema(tags: ["group"], ranges: ["revision"])
    let store = try RecordStore(.disk(at: arguments[1]), schema: IndexSchema(schema))
    let table = PostgresTable(try PostgresAddress(arguments[2]))
    // A range field gets its column with its first value, and then every row is written again.
    try store.put(["revision": 0, "group": 0, "text": "first"], for: -1)
    let start = ContinuousClock.now
    Thread { write(to: store, rate) }.start()

    var end: ContinuousClock.Instant?
    var waited = 0
    let result = try store.mirror(to: table) { progress in
      let lag = progress.storeLSN - min(progress.storeLSN, progress.lsn ?? 0)
      if progress.lsn != nil { lagMax.store(max(lag, lagMax.load(ordering: .relaxed)), ordering: .relaxed) }
      waited = progress.reconnections
      if isStopped.load(ordering: .relaxed), end == nil { end = .now }
      return !(isStopped.load(ordering: .acquiring) && lag == 0 && hasEnded.load(ordering: .acquiring))
    }
    let written = writes.load(ordering: .relaxed)
    let seconds = ((end ?? .now) - start) / .seconds(1)
    print(
      "\(written) writes in \(Int(seconds)) s, \(Int(Double(written) / seconds))/s; \(result.changes) rows went over, "
        + "\(result.copies) full copies, \(waited) attempts to connect again; at most \(lagMax.load(ordering: .relaxed)) changes behind"
    )
    try store.close()
  }

  private static let hasEnded = Atomic<Bool>(false)

  private static func write(to store: RecordStore, _ rate: Double) {
    do {
      var random = SystemRandomNumberGenerator()
      let start = ContinuousClock.now
      var done = 0
      while !isStopped.load(ordering: .relaxed) {
        // Twenty at a time: what a thread can be woken for.
        for _ in 0..<20 {
          let key = Value.int(Int64.random(in: 0..<100_000, using: &random))
          switch Int.random(in: 0..<10, using: &random) {
          case 0: try store.remove(key)
          case 1:
            try store.batch { batch in
              for _ in 0..<5 {
                batch.put(document(done, &random), for: .int(Int64.random(in: 0..<100_000, using: &random)))
              }
            }
          default: try store.put(document(done, &random), for: key)
          }
          done += 1
        }
        writes.store(done, ordering: .relaxed)
        let due = start + .seconds(Double(done) / rate)
        let early = due - ContinuousClock.now
        if early > .zero { Thread.sleep(forTimeInterval: early / .seconds(1)) }
      }
      hasEnded.store(true, ordering: .releasing)
    } catch {
      FileHandle.standardError.write(Data("MirrorProbe: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func document(_ revision: Int, _ random: inout SystemRandomNumberGenerator) -> Record {
    [
      "revision": .int(Int64(revision)), "group": .int(Int64.random(in: 0..<100, using: &random)),
      "text": .string(String(repeating: "x", count: Int.random(in: 20..<100, using: &random))),
    ]
  }
}

private typealias RecordStore = Store<Value, Record>
