@testable import DarkBird

/// A value that threads share. With the engine's own lock, which ThreadSanitizer sees: `Synchronization.Mutex` it does not.
///
/// Unchecked: the value is only touched under the lock.
final class Guarded<Value>: @unchecked Sendable {
  private let lock = Lock()
  private var value: Value

  init(_ value: Value) { self.value = value }

  func withLock<Result, Failure: Error>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}

/// Collects values from many threads, in the order in which they arrive.
final class Seen<Element: Sendable>: Sendable {
  private let elements = Guarded<[Element]>([])

  func append(_ element: Element) { elements.withLock { $0.append(element) } }

  var all: [Element] { elements.withLock { $0 } }

  var count: Int { elements.withLock { $0.count } }
}
