import CDarkBird

/// A mutex. Not recursive; held for a bounded time and never while user code, a codec or I/O runs.
///
/// Unsafe corner: the pthread mutex lives at a fixed heap address for as long as this value, which has one owner.
struct Lock: ~Copyable, @unchecked Sendable {
  fileprivate let pointer: UnsafeMutablePointer<db_lock_t>

  init() {
    pointer = .allocate(capacity: 1)
    db_lock_init(pointer)
  }

  deinit {
    db_lock_destroy(pointer)
    pointer.deallocate()
  }

  func lock() { db_lock_lock(pointer) }
  func tryLock() -> Bool { db_lock_try(pointer) }
  func unlock() { db_lock_unlock(pointer) }

  func withLock<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    lock()
    defer { unlock() }
    return try body()
  }
}

/// A condition variable; its waiters hold the `Lock` they pass.
///
/// Unsafe corner: as `Lock`.
struct Condition: ~Copyable, @unchecked Sendable {
  private let pointer: UnsafeMutablePointer<db_condition_t>

  init() {
    pointer = .allocate(capacity: 1)
    db_condition_init(pointer)
  }

  deinit {
    db_condition_destroy(pointer)
    pointer.deallocate()
  }

  func wait(_ lock: borrowing Lock) { db_condition_wait(pointer, lock.pointer) }
  func wait(_ lock: borrowing Lock, nanoseconds: UInt64) {
    _ = db_condition_wait_for(pointer, lock.pointer, nanoseconds)
  }
  func signal() { db_condition_signal(pointer) }
  func broadcast() { db_condition_broadcast(pointer) }
}

/// Nanoseconds of the monotonic clock.
package func monotonicNanoseconds() -> UInt64 { db_monotonic_nanoseconds() }
