import Foundation

/// A value behind a lock.
///
/// Why not `Synchronization.Mutex`: ThreadSanitizer does not see the futex that it is made of on Linux, and reports a
/// race at each use.
///
/// Unchecked: `value` is touched by nobody but `withLock`, which holds the lock.
final class Guarded<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var value: Value

  init(_ value: Value) { self.value = value }

  /// Calls `body` alone with the value. Not recursive; keep it short.
  func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}
