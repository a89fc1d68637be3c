import CDarkBird
public import Synchronization

/// A mutex: not recursive, and held for a bounded time only, never while user code, a codec or I/O runs.
///
/// A word with three states: free, held, held with threads that may wait. Taking a free lock and giving back one that nobody
/// waits for is one atomic instruction, in the caller's own code. `Synchronization.Mutex` of Swift 6.3 is a
/// priority-inheriting futex on Linux that collapses under contention, and pthread's is a call that cannot be inlined.
/// Atomics of the language are what ThreadSanitizer sees. Ulrich Drepper, Futexes Are Tricky (2011), section 5, mutex 2.
///
/// Unsafe corner: a reference to a word at a fixed address, which its owner keeps as long as anyone may use this.
@usableFromInline
struct LockWord: @unchecked Sendable {
  @usableFromInline static var free: UInt32 { 0 }
  @usableFromInline static var held: UInt32 { 1 }
  @usableFromInline static var heldWithWaiters: UInt32 { 2 }
  /// Looks at a taken lock before the thread goes to sleep: about two microseconds, what going to sleep and waking up would
  /// take. Never without bound: the holder may not be running.
  private static let spinsMax = 100

  @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>

  @inlinable
  init(_ word: UnsafeMutablePointer<Atomic<UInt32>>) { self.word = word }

  @inlinable @inline(__always)
  func lock() {
    if !tryLock() { waitAndLock() }
  }

  @inlinable @inline(__always)
  func tryLock() -> Bool {
    word.pointee.compareExchange(
      expected: Self.free, desired: Self.held, successOrdering: .acquiring, failureOrdering: .relaxed
    ).exchanged
  }

  @inlinable @inline(__always)
  func unlock() {
    if word.pointee.exchange(Self.free, ordering: .releasing) == Self.heldWithWaiters, !planted(.lockWakesNobody) {
      wakeOne()
    }
  }

  @usableFromInline
  func waitAndLock() {
    for _ in 0..<Self.spinsMax {
      if word.pointee.load(ordering: .relaxed) == Self.free, tryLock() { return }
      db_pause()
    }
    while word.pointee.exchange(Self.heldWithWaiters, ordering: .acquiring) != Self.free {
      db_wait_on_word(word, Self.heldWithWaiters, 0)
    }
  }

  @usableFromInline
  func wakeOne() { db_wake_one(word) }
}

/// A lock with a word of its own.
@usableFromInline
struct Lock: ~Copyable, Sendable {
  @usableFromInline let reference: LockWord

  @usableFromInline
  init() { reference = LockWord(allocateWord(LockWord.free)) }

  @usableFromInline
  deinit { freeWord(reference.word) }

  @inlinable @inline(__always)
  func lock() { reference.lock() }

  @inlinable @inline(__always)
  func unlock() { reference.unlock() }

  func withLock<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    lock()
    defer { unlock() }
    return try body()
  }
}

/// A condition variable; its waiters hold the `Lock` they pass, and look at their condition again when they return.
///
/// The word counts the wake-ups: one that comes between the unlock and the sleep changes it, so that none is lost. It begins
/// shortly before it is 0 again, which it is every few days of much work.
///
/// Unsafe corner: as `Lock`.
struct Condition: ~Copyable, @unchecked Sendable {
  private let word: UnsafeMutablePointer<Atomic<UInt32>>
  private let waiters: UnsafeMutablePointer<Atomic<UInt32>>

  init() {
    word = allocateWord(.max - 1)
    waiters = allocateWord(0)
  }

  deinit {
    freeWord(word)
    freeWord(waiters)
  }

  /// - Parameter nanoseconds: the longest time to wait; 0 is for ever.
  func wait(_ lock: borrowing Lock, nanoseconds: UInt64 = 0) {
    let seen = word.pointee.load(ordering: .relaxed)
    waiters.pointee.wrappingAdd(1, ordering: .relaxed)
    lock.unlock()
    db_wait_on_word(word, seen, nanoseconds)
    lock.lock()
    waiters.pointee.wrappingSubtract(1, ordering: .relaxed)
  }

  /// Wakes one waiter. Called under the lock, or after a change that was made under it.
  func signal() {
    if waiters.pointee.load(ordering: .relaxed) == 0 { return }
    word.pointee.wrappingAdd(1, ordering: .relaxed)
    db_wake_one(word)
  }

  /// Wakes all waiters. Called as `signal`.
  func broadcast() {
    if planted(.conditionWakesNobody) { return }
    if waiters.pointee.load(ordering: .relaxed) == 0 { return }
    word.pointee.wrappingAdd(1, ordering: .relaxed)
    db_wake_all(word)
  }
}

/// A word with a cache line to itself, so that two locks never slow each other.
private func allocateWord(_ value: UInt32) -> UnsafeMutablePointer<Atomic<UInt32>> {
  let line = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
  let word = line.bindMemory(to: Atomic<UInt32>.self, capacity: 1)
  word.initialize(to: Atomic(value))
  return word
}

private func freeWord(_ word: UnsafeMutablePointer<Atomic<UInt32>>) {
  word.deinitialize(count: 1)
  UnsafeMutableRawPointer(word).deallocate()
}

/// Nanoseconds of the monotonic clock.
package func monotonicNanoseconds() -> UInt64 { db_monotonic_nanoseconds() }
