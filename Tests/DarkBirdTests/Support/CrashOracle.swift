import Foundation

@testable import DarkBird

/// Knows what a store held after each LSN, and so whether what a crash left is right: the state after some LSN that is
/// not before the durable one, with sound indexes, and a store that goes on from there.
struct CrashOracle: Sendable {
  /// The documents after each LSN, from 0 on.
  private(set) var states: [[Int: Member]] = [[:]]
  var configuration = StoreConfiguration.simulated()

  var lastLSN: UInt64 { UInt64(states.count - 1) }
  var present: [Int: Member] { states[states.count - 1] }

  mutating func append(_ state: [Int: Member]) { states.append(state) }

  mutating func apply(_ event: Event<Int, Member>) {
    var state = present
    switch event {
    case .put(let key, _, let new, _, _): state[key] = new
    case .removed(let key, _, _, _): state[key] = nil
    case .replayed(let key, let document, _, _): state[key] = document
    case .cleared: state = [:]
    case .gap: return
    }
    // The changes of a batch have one LSN.
    if event.lsn == lastLSN && lastLSN > 0 { states.removeLast() }
    states.append(state)
  }

  /// Forgets what a crash has lost.
  mutating func forget(after lsn: UInt64) { states.removeSubrange((Int(lsn) + 1)...) }

  /// Opens what a crash left and compares it. Returns the open store.
  func open(_ disk: SimulatedFileSystem, floor: UInt64, _ what: String) throws -> MemberStore {
    let store: MemberStore
    do { store = try MemberStore(configuration, on: disk) } catch {
      throw Mismatch("\(what): does not open: \(error)\n\(disk.trace)")
    }
    let lsn = store.memoryLSN
    try require(lsn >= floor, "\(what): LSN \(lsn) is back, but \(floor) was durable")
    try require(lsn <= lastLSN, "\(what): LSN \(lsn) is back, but the last was \(lastLSN)")
    try requireEqual(try store.contents(), states[Int(lsn)], "\(what): documents at LSN \(lsn)")
    try requireEqual(store.audit().problems, [], "\(what): audit")
    return store
  }

  /// A power loss after `disk` was as it is, and recovery. Sometimes the process is killed first, and the power goes
  /// during or after the recovery from that; sometimes the power goes again during the recovery; sometimes the store goes
  /// on, and the power is lost once more.
  func check(_ disk: SimulatedFileSystem, floor: UInt64, seed: UInt64, _ what: String) throws {
    var generator = SeededGenerator(seed: seed &* 31 &+ 7)
    var (floor, image) = (floor, disk)
    if generator.chance(25) {
      image = disk.killImage()
      floor = max(floor, openAndLosePower(image, &generator))
    }
    image = image.crashImage(seed: seed)
    if generator.chance(25) {
      floor = max(floor, openAndLosePower(image, &generator))
      image = image.crashImage(seed: generator.next())
    }
    let store = try open(image, floor: floor, what)
    guard generator.chance(30) else { return try close(store, what) }
    var expected = try store.contents()
    for key in 1_000...1_000 + generator.below(12) {
      let member = Member(name: String(repeating: "m", count: generator.below(900)), age: key)
      expected[key] = member
      do { try store.put(member, for: key, ack: generator.chance(30) ? .synced : .memory) } catch {
        throw Mismatch("\(what): put after recovery: \(error)")
      }
    }
    if generator.chance(30) { try store.checkpoint() }
    do { try store.sync() } catch { throw Mismatch("\(what): sync after recovery: \(error)") }
    image = image.crashImage(seed: generator.next())
    let again: MemberStore
    do { again = try MemberStore(configuration, on: image) } catch {
      throw Mismatch("\(what): does not open after a second power loss: \(error)")
    }
    try requireEqual(try again.contents(), expected, "\(what): documents after a second power loss")
    try requireEqual(again.audit().problems, [], "\(what): audit after a second power loss")
    try close(again, what)
    try close(store, what)
  }

  /// Opens a store while the power goes at some call. Returns an LSN that it said was durable.
  private func openAndLosePower(_ disk: SimulatedFileSystem, _ generator: inout SeededGenerator) -> UInt64 {
    disk.plan(
      SimulatedFault(
        calls: Set(SimulatedCall.allCases), after: generator.below(60), times: .max, effect: .error(EIO)))
    do {
      let store = try MemberStore(configuration, on: disk)
      let durable = store.statistics().durableLSN
      try? store.close()
      return durable
    } catch { return 0 }
  }

  private func close(_ store: MemberStore, _ what: String) throws {
    do { try store.close() } catch { throw Mismatch("\(what): does not close: \(error)") }
  }
}
