import Foundation
import Synchronization
import Testing

@testable import DarkBird

/// What happens in the store while events are made of changes that a subscriber takes.
@Suite(.timeLimit(.minutes(30)))
struct SlowSubscriberTests {
  private static let keys = 500
  /// More changes than a lane holds when a writer must wait for whoever collects.
  private static var rounds: Int { 5 * EventHub<Int, Member>.laneMaxMost / keys }

  private func store() throws -> MemberStore {
    var configuration = StoreConfiguration.memory
    configuration.shardCount = 1
    return try MemberStore(configuration)
  }

  private func name(_ round: Int, _ key: Int) -> String { "a name that is on the heap, \(round) \(key)" }

  private func putAll(_ store: MemberStore, round: Int) {
    for key in 0..<Self.keys {
      do { try store.put(Member(name: name(round, key)), for: key) } catch { Issue.record("\(error)") }
    }
  }

  /// LSNs of the events, and how many the gaps before the first one tell of.
  private func lsns(_ events: [Event<Int, Member>]) -> (gap: Int, lsns: [UInt64]) {
    var gap = 0
    var lsns: [UInt64] = []
    for event in events {
      if case .gap(let dropped) = event { gap += dropped } else { lsns.append(event.lsn ?? 0) }
    }
    return (gap, lsns)
  }

  /// Would not return if a writer waited. What the events tell of is replaced meanwhile, and those changes are dropped.
  @Test func writersGoOnWhileEventsAreMade() throws {
    let store = try store()
    let events = store.events(capacity: 1_000)
    putAll(store, round: 0)
    let taken = events.ring.take(.max, isCollecting: true) { taken in
      for round in 1...Self.rounds { putAll(store, round: round) }
      return taken.makeEvents(events.ring.shardBits)
    }
    #expect(taken.map(\.lsn) == (1...UInt64(Self.keys)).map { $0 })
    for (key, event) in taken.enumerated() {
      guard case .put(key, nil, let new, _, _) = event else {
        Issue.record("\(event)")
        continue
      }
      #expect(new.name == name(0, key))
    }
    let later = lsns(events.drain())
    #expect(later.gap == Self.rounds * Self.keys - 1_000)
    #expect(later.lsns == (store.memoryLSN - 999...store.memoryLSN).map { $0 })
    #expect(store.statistics().eventsDropped == UInt64(later.gap))
  }

  /// Would not return if it waited for whoever takes events.
  @Test func everythingIsRemovedWhileEventsAreMade() throws {
    let store = try store()
    let events = store.events(capacity: 1_000)
    putAll(store, round: 0)
    let taken = events.ring.take(.max, isCollecting: true) { taken in
      for _ in 0..<20 {
        do { try store.removeAll() } catch { Issue.record("\(error)") }
      }
      // One thread waits for this.
      #expect(store.hub.settling.load(ordering: .sequentiallyConsistent) > 0)
      return taken.makeEvents(events.ring.shardBits)
    }
    #expect(taken.count == Self.keys)
    #expect(lsns(events.drain()).lsns.first == UInt64(Self.keys) + 1)
    #expect(store.count == 0)
  }

  /// One subscriber sleeps while another has much to take: it is not woken only when that has its events.
  @Test func sleepersDoNotWaitForEventsOfOthers() async throws {
    let store = try store()
    let events = store.events(capacity: 1_000)
    let sleeper = store.events()
    let isWoken = DispatchSemaphore(value: 0)
    Task.detached {
      for await _ in sleeper {
        isWoken.signal()
        break
      }
    }
    // On a thread of its own: tasks need theirs, which tests that compute have for minutes.
    let taken = await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        #expect(eventually(within: 900) { store.hub.sleepers.load(ordering: .sequentiallyConsistent) == 1 })
        // As a writer whose change can be seen before it comes to wake somebody.
        let lane = store.hub.beginPublishing()
        store.hub.publish(.cleared(count: 0, lsn: 0), keeping: nil, in: lane)
        _ = store.hub.endPublishing(lane)
        let taken = events.ring.take(.max, isCollecting: true) { taken in
          #expect(isWoken.wait(timeout: .now() + .seconds(900)) == .success)
          return taken.makeEvents(events.ring.shardBits)
        }
        continuation.resume(returning: taken)
      }
    }
    #expect(taken.count == 1)
  }

  @Test func removalOfEverythingWakesWithoutTheThreadThatSettles() async throws {
    let store = try store()
    let sleeper = store.events()
    // As if that thread were held up.
    store.hub.settling.store(2, ordering: .sequentiallyConsistent)
    let isWoken = DispatchSemaphore(value: 0)
    let event = Task.detached {
      let event = await sleeper.first { _ in true }
      isWoken.signal()
      return event
    }
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        #expect(eventually(within: 900) { store.hub.sleepers.load(ordering: .sequentiallyConsistent) == 1 })
        do { try store.removeAll() } catch { Issue.record("\(error)") }
        #expect(isWoken.wait(timeout: .now() + 900) == .success)
        sleeper.cancel()
        continuation.resume()
      }
    }
    if case .cleared(count: 0, lsn: _) = await event.value { return }
    Issue.record("another event, or none")
  }

  /// Of what was taken out only a part is wanted: the rest goes back, or is dropped while it is away.
  @Test(arguments: [1, 9, 10, 400, 1_000, 5_000]) func restGoesBackOrIsCountedAsDropped(writtenMeanwhile: Int) throws {
    let store = try store()
    let events = store.events(capacity: 100)
    for key in 0..<95 { try store.put(Member(), for: key) }
    let taken = events.ring.take(4, isCollecting: true) { taken in
      for key in 0..<writtenMeanwhile {
        do { try store.put(Member(), for: key % 10) } catch { Issue.record("\(error)") }
        // Collects.
        if key % 50 == 0 { _ = store.statistics() }
      }
      return taken.makeEvents(events.ring.shardBits)
    }
    #expect(lsns(taken).lsns == [1, 2, 3, 4])
    let dropped = max(0, 91 + writtenMeanwhile - 100)
    #expect(store.statistics().eventsDropped == UInt64(dropped))
    var gap = 0
    var rest: [UInt64] = []
    while true {
      let (more, next) = lsns(events.drain(limit: 7))
      if more == 0 && next.isEmpty { break }
      gap += more
      rest += next
    }
    #expect(gap == dropped)
    #expect(rest == (5 + UInt64(dropped)...store.memoryLSN).map { $0 })
  }

  /// Events are made while the store is emptied and closed, and other subscriptions end.
  @Test func storeEndsWhileEventsAreMade() throws {
    for round in 0..<Effort.meetings(15) {
      let store = try MemberStore()
      let events = store.events(capacity: 1_000_000)
      let cancelled = store.events(capacity: 1_000_000)
      let isClosed = Counter()
      onThreads(4) { thread in
        switch thread {
        case 0:
          for step in 0..<400 {
            do {
              try store.put(Member(name: name(step, round)), for: step % 50)
              if step % 100 == 99 { try store.removeAll() }
            } catch { Issue.record("\(error)") }
          }
          do { try store.close() } catch { Issue.record("\(error)") }
          isClosed.next()
        case 1:
          var state: [Int: String] = [:]
          var lsn: UInt64 = 0
          var isLast = false
          while !isLast {
            isLast = isClosed.value == 1
            for event in events.drain(limit: isLast ? .max : 30) {
              lsn += 1
              #expect(event.lsn == lsn)
              switch event {
              case .put(let key, let old, let new, _, _):
                #expect(old?.name == state[key])
                state[key] = new.name
              case .cleared(let count, _):
                #expect(count == state.count)
                state = [:]
              case .removed, .replayed, .gap: Issue.record("\(event)")
              }
            }
          }
          #expect(lsn == store.memoryLSN)
        case 2:
          var lsns: [UInt64] = []
          while isClosed.value == 0 { lsns += cancelled.drain(limit: 20).compactMap(\.lsn) }
          lsns += cancelled.drain().compactMap(\.lsn)
          #expect(lsns == lsns.indices.map { UInt64($0 + 1) })
        default: cancelled.cancel()
        }
      }
    }
  }
}
