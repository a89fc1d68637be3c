import Synchronization
import Testing

@testable import DarkBird

/// What the schema calls may write too: under no lock, and mostly while the write that calls it keeps no room in the log.
@Suite(.timeLimit(.minutes(30)))
struct WritingSchemaTests {
  /// Has something happen once, when the schema is asked for a value of the old document.
  private final class Reaction: Sendable {
    private let next = Mutex<(@Sendable () -> Void)?>(nil)

    func plan(_ body: @escaping @Sendable () -> Void) { next.withLock { $0 = body } }

    func asked(_ member: Member) -> String? {
      if member.city == "old" {
        let body = next.withLock { next in
          defer { next = nil }
          return next
        }
        body?()
      }
      return member.email
    }

    var hasHappened: Bool { next.withLock { $0 == nil } }
  }

  enum Write: CaseIterable { case put, update, remove, duplicate, batch, batchOfWhatChanged, duplicateInABatch }

  /// Among busy writers a write that waits for room again and again would always find that something has changed.
  @Test(arguments: [false, true]) func roomIsKeptAfterSomeAttempts(isBatch: Bool) throws {
    let reaction = Reaction()
    let store = try MemberStore(
      .simulated(.bytes(1 << 20)), schema: [.tag("club") { reaction.asked($0) }],
      fileSystem: SimulatedFileSystem.forStores())
    let log = try #require(store.disk?.log)
    try store.put(Member(city: "old", score: 0), for: 1)
    let isKept = Seen<Bool>()
    @Sendable func overtake(_ times: Int) {
      if times == 0 { return }
      reaction.plan {
        isKept.append(log.lock.withLock { log.room.reservedBytes } > 0)
        do { try store.put(Member(city: "old", score: Double(times)), for: 1) } catch { Issue.record("\(error)") }
        overtake(times - 1)
      }
    }
    overtake(7)
    if isBatch { try store.batch { $0.put(Member(), for: 1) } } else { try store.put(Member(), for: 1) }
    #expect(isKept.all == [false, false, false, false, false, true, true])
    #expect(store[1] == Member() && log.lock.withLock { log.room.reservedBytes } == 0)
    try store.close()
  }

  /// A page for one record, which the outer one would have; and a queue for one of the two.
  private static let narrow = [
    StoreConfiguration.simulated(.records(1)),
    {
      var configuration = StoreConfiguration.simulated(.bytes(1 << 20))
      configuration.queueBytesMax = 4_000
      return configuration
    }(),
  ]

  @Test(arguments: narrow.indices, Write.allCases)
  func writesWithinAWriteFindRoom(configuration: Int, write: Write) throws {
    let reaction = Reaction()
    let store = try MemberStore(
      Self.narrow[configuration], schema: [.unique("email") { reaction.asked($0) }],
      fileSystem: SimulatedFileSystem.forStores())
    func member(_ email: String, city: String = "") -> Member {
      Member(name: String(repeating: "n", count: 3_000), email: email, city: city)
    }
    try store.put(member("old", city: "old"), for: 1)
    let inner = member("inner")
    let writeAnother: @Sendable () -> Void = {
      do { try store.put(inner, for: 2) } catch { Issue.record("\(error)") }
    }
    if write == .batchOfWhatChanged {
      let changed = member("changed", city: "old")
      reaction.plan {
        do { try store.put(changed, for: 1) } catch { Issue.record("\(error)") }
        reaction.plan(writeAnother)
      }
    } else {
      reaction.plan(writeAnother)
    }
    let done = Counter()
    let (new, duplicate) = (member("new"), member("old"))
    onThreads(1, waits: false) { _ in
      let error = storeError {
        switch write {
        case .put: try store.put(new, for: 1)
        case .update: try store.update(1) { $0 = new }
        case .remove: try store.remove(1)
        case .duplicate: try store.put(duplicate, for: 3)
        case .batch, .batchOfWhatChanged: try store.batch { $0.put(new, for: 1) }
        case .duplicateInABatch: try store.batch { $0.put(duplicate, for: 3) }
        }
      }
      let isDuplicate = [.duplicate, .duplicateInABatch].contains(write)
      #expect(error == (isDuplicate ? .duplicate(index: "email", value: "old", owner: "1") : nil))
      done.next()
    }
    try #require(eventually(within: 300) { done.value == 1 }, "it waits for itself")
    #expect(reaction.hasHappened && store[2]?.email == "inner")
    try store.close()
  }
}
