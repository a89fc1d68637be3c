import Testing

/// The checker is tested with histories whose verdict is known, and with registers that are wrong on purpose.
struct LinearizabilityTests {
  private typealias Call = HistoryCall<RegisterOperation>

  private func isLinearizable(_ calls: [Call]) -> Bool {
    DarkBirdTests.isLinearizable(calls, from: Int?.none, RegisterOperation.apply)
  }

  @Test func overlappingCallsMayTakeEffectInAnyOrder() {
    #expect(
      isLinearizable([
        Call(operation: .put(1, old: 2), start: 0, end: 10), Call(operation: .put(2, old: nil), start: 5, end: 8),
        Call(operation: .get(1), start: 11, end: 12),
      ]))
  }

  @Test func staleReadIsCaught() {
    #expect(
      !isLinearizable([
        Call(operation: .put(1, old: nil), start: 0, end: 1), Call(operation: .put(2, old: 1), start: 2, end: 3),
        Call(operation: .get(1), start: 4, end: 5),
      ]))
  }

  @Test func twoWinnersOfOneInsertAreCaught() {
    #expect(
      !isLinearizable([
        Call(operation: .insert(1, accepted: true), start: 0, end: 9),
        Call(operation: .insert(2, accepted: true), start: 1, end: 8),
      ]))
  }

  @Test func lostUpdateIsCaught() {
    #expect(
      !isLinearizable([
        Call(operation: .put(0, old: nil), start: 0, end: 1), Call(operation: .add(1, new: 1), start: 2, end: 9),
        Call(operation: .add(1, new: 1), start: 3, end: 8),
      ]))
  }

  @Test func readsThatDisagreeOnTheOrderAreCaught() {
    // One reader sees 1 then 2, the other, at the same time, 2 then 1.
    #expect(
      !isLinearizable([
        Call(operation: .put(0, old: nil), start: 0, end: 1), Call(operation: .put(1, old: 0), start: 2, end: 90),
        Call(operation: .put(2, old: 1), start: 3, end: 91), Call(operation: .get(1), start: 10, end: 11),
        Call(operation: .get(2), start: 12, end: 13), Call(operation: .get(1), start: 14, end: 15),
      ]))
  }

  @Test func ownershipFollowsClaimsAndReleases() {
    typealias Call = HistoryCall<OwnershipOperation>
    func isLinearizable(_ calls: [Call]) -> Bool {
      DarkBirdTests.isLinearizable(calls, from: Int?.none, OwnershipOperation.apply)
    }
    let won = Call(operation: .claim(by: 1, refusedFor: nil), start: 0, end: 5)
    #expect(isLinearizable([won, Call(operation: .claim(by: 2, refusedFor: 1), start: 1, end: 4)]))
    #expect(!isLinearizable([won, Call(operation: .claim(by: 2, refusedFor: nil), start: 1, end: 4)]))
    #expect(!isLinearizable([won, Call(operation: .claim(by: 2, refusedFor: 3), start: 1, end: 4)]))
    #expect(!isLinearizable([won, Call(operation: .lookup(nil), start: 6, end: 7)]))
    #expect(isLinearizable([won, Call(operation: .release(by: 1, had: false), start: 1, end: 7)]))
    #expect(!isLinearizable([won, Call(operation: .release(by: 1, had: false), start: 6, end: 7)]))
  }

  /// What is wrong with a simulated register.
  enum Mutant: String, CaseIterable, Sendable {
    case none, readsStale, losesUpdates, insertsOverOthers, removesWithoutLooking, appliesTooLate
  }

  @Test(arguments: Mutant.allCases) func plantedMutantsAreCaught(_ mutant: Mutant) {
    let verdicts = (0..<300).map { isLinearizable(simulatedHistory(of: mutant, seed: UInt64($0))) }
    let caught = verdicts.count { !$0 }
    if mutant == .none { #expect(caught == 0) } else { #expect(caught > 0, "not one of 300 histories gave it away") }
  }

  /// A history of four clients of one register: each call reads, waits for others, and takes effect, in an order that
  /// the seed decides.
  private func simulatedHistory(of mutant: Mutant, seed: UInt64) -> [Call] {
    struct Client {
      var steps = 0
      var start = 0
      var kind = 0
      var seen: Int?
    }
    var generator = SeededGenerator(seed: seed)
    var clients = [Client](repeating: Client(), count: 4)
    var (state, before, clock) = (Int?.none, Int?.none, 0)
    var history: [Call] = []
    while history.count < 20 {
      clock += 1
      let index = generator.below(4)
      clients[index].steps += 1
      switch clients[index].steps {
      case 1:
        clients[index].start = clock
        clients[index].kind = generator.below(5)
      case 2: clients[index].seen = state
      default:
        let client = clients[index]
        let value = history.count + 100
        let stale = client.seen
        let present = state
        let operation: RegisterOperation
        switch client.kind {
        case 0:
          operation = .put(value, old: present)
          state = value
        case 1:
          let isFree = mutant == .insertsOverOthers ? stale == nil : present == nil
          operation = .insert(value, accepted: isFree)
          if isFree { state = value }
        case 2:
          let new = (mutant == .losesUpdates ? stale : present).map { $0 + 1 }
          operation = .add(1, new: new)
          if new != nil { state = new }
        case 3:
          operation = .remove(old: mutant == .removesWithoutLooking ? stale : present)
          state = nil
        default: operation = .get(mutant == .readsStale ? before : present)
        }
        if mutant == .appliesTooLate, generator.chance(20) { state = present }
        before = present
        history.append(Call(operation: operation, start: client.start, end: clock))
        clients[index].steps = 0
      }
    }
    return history
  }
}
