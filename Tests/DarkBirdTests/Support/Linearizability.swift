/// One call of a concurrent history: what was asked, what came back, and when, on a clock that only counts events.
struct HistoryCall<Operation: Sendable>: Sendable {
  var operation: Operation
  var start: Int
  var end: Int
}

/// Decides whether a concurrent history could have happened one call at a time, each at some moment between its start
/// and its end (Wing and Gong's search, with a memory of the dead ends).
///
/// - Parameter apply: the sequential meaning: the next state if the call, with the result it had, is possible in this
///   state; nil if it is not.
/// - Complexity: exponential in the number of calls that overlap, so histories are short: 64 calls at most.
func isLinearizable<State: Hashable, Operation>(
  _ history: [HistoryCall<Operation>], from initial: State, _ apply: (State, Operation) -> State?
) -> Bool {
  precondition(history.count <= 64, "the set of finished calls is one word")
  let calls = history.sorted { $0.start < $1.start }
  let all: UInt64 = calls.count == 64 ? .max : (1 << UInt64(calls.count)) - 1
  var deadEnds: Set<LinearizationPoint<State>> = []

  func search(_ done: UInt64, _ state: State) -> Bool {
    if done == all { return true }
    if !deadEnds.insert(LinearizationPoint(done: done, state: state)).inserted { return false }
    // The next call must have begun before every unfinished call has ended.
    var firstEnd = Int.max
    let pending = calls.indices.filter { done & (1 << UInt64($0)) == 0 }
    for index in pending { firstEnd = min(firstEnd, calls[index].end) }
    for index in pending where calls[index].start <= firstEnd {
      let call = calls[index]
      if let next = apply(state, call.operation), search(done | 1 << UInt64(index), next) { return true }
    }
    return false
  }
  return search(0, initial)
}

private struct LinearizationPoint<State: Hashable>: Hashable {
  let done: UInt64
  let state: State
}

/// Calls on the document of one key, whose only content is a number.
enum RegisterOperation: Sendable {
  case put(Int, old: Int?)
  case insert(Int, accepted: Bool)
  case add(Int, new: Int?)
  case remove(old: Int?)
  case get(Int?)

  static func apply(_ state: Int?, _ operation: RegisterOperation) -> Int?? {
    switch operation {
    case .put(let value, let old): old == state ? .some(value) : nil
    case .insert(let value, let accepted):
      accepted == (state == nil) ? .some(accepted ? value : state) : nil
    case .add(let amount, let new): new == state.map { $0 + amount } ? .some(new) : nil
    case .remove(let old): old == state ? .some(nil) : nil
    case .get(let value): value == state ? .some(state) : nil
    }
  }
}

/// Calls on one unique value, each owner a key of its own.
enum OwnershipOperation: Sendable {
  /// A put of a document with the value: accepted, or refused because of `owner`.
  case claim(by: Int, refusedFor: Int?)
  /// A remove, or a put of a document without the value; says whether the key's document had it.
  case release(by: Int, had: Bool)
  case lookup(Int?)

  static func apply(_ owner: Int?, _ operation: OwnershipOperation) -> Int?? {
    switch operation {
    case .claim(let key, nil): owner == nil || owner == key ? .some(key) : nil
    case .claim(let key, let other?): owner == other && other != key ? .some(owner) : nil
    case .release(let key, let had): had == (owner == key) ? .some(had ? nil : owner) : nil
    case .lookup(let found): found == owner ? .some(owner) : nil
    }
  }
}

/// Calls on a few keys that each may have one of a few unique values.
enum AssignmentOperation: Sendable {
  struct Refusal: Sendable, Hashable {
    var value: Int
    var owner: Int
  }

  /// Gives keys values, or takes theirs away, all at once: accepted, or refused because of an owner that is none of them.
  case batch([Int: Int?], refusedFor: Refusal?)
  case lookup(Int, owner: Int?)
  /// The values of all keys at one moment.
  case all([Int?])

  static func apply(_ state: [Int?], _ operation: AssignmentOperation) -> [Int?]? {
    switch operation {
    case .batch(let changes, nil):
      var next = state
      for (key, value) in changes { next[key] = value }
      let values = next.compactMap { $0 }
      return Set(values).count == values.count ? next : nil
    case .batch(let changes, let refusal?):
      let isRight =
        changes[refusal.owner] == nil && state.indices.contains(refusal.owner) && state[refusal.owner] == refusal.value
        && changes.values.contains(refusal.value)
      return isRight ? state : nil
    case .lookup(let value, let owner): return state.firstIndex(of: value) == owner ? state : nil
    case .all(let values): return values == state ? state : nil
    }
  }
}
