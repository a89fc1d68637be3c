import Foundation
import Synchronization

/// Runs `body` on `count` threads of their own, which all begin together, and returns when the last has ended, or at once.
func onThreads(_ count: Int, waits: Bool = true, _ body: @escaping @Sendable (_ thread: Int) -> Void) {
  let gate = Barrier(count)
  let group = DispatchGroup()
  for index in 0..<count {
    group.enter()
    let thread = Thread {
      gate.wait()
      body(index)
      group.leave()
    }
    thread.stackSize = 1 << 20
    thread.start()
  }
  if waits { group.wait() }
}

/// Lets threads wait for one another, any number of times: `wait` returns when all have called it.
final class Barrier: Sendable {
  private let count: Int
  private let spinsMax: Int
  private let arrived = Atomic<Int>(0)

  /// - Parameter spinsMax: looks before a waiting thread gives up its processor. Many, where there are about as many
  ///   threads as processors, make the threads leave at the same moment.
  init(_ count: Int, spinsMax: Int = 100) {
    self.count = count
    self.spinsMax = spinsMax
  }

  func wait() {
    let ticket = arrived.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
    let target = (ticket / count + 1) * count
    var spins = 0
    while arrived.load(ordering: .acquiring) < target {
      spins += 1
      if spins > spinsMax { sched_yield() }
    }
  }
}

/// Looks again and again until `condition` holds. A machine has few processors, and runs other tests too: after some looks it
/// sleeps between them, for a millisecond at most.
/// - Returns: false if it does not within `seconds`; then the test fails, for nothing here waits that long.
func eventually(within seconds: Double = 30, _ condition: () -> Bool) -> Bool {
  let deadline = ContinuousClock.now + .seconds(seconds)
  var looks: UInt32 = 0
  while !condition() {
    if ContinuousClock.now > deadline { return false }
    looks += 1
    if looks <= 100 { sched_yield() } else { usleep(min(looks - 100, 1_000)) }
  }
  return true
}

/// A counter for many threads.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  init() {}

  var value: Int { count.load(ordering: .sequentiallyConsistent) }

  /// Adds one and returns the new value.
  @discardableResult
  func next() -> Int { count.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }

  /// Raises the count to `value` if it is lower.
  func raise(to value: Int) { count.max(value, ordering: .sequentiallyConsistent) }
}
