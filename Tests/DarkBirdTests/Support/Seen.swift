import Synchronization

/// Collects values from many threads, in the order in which they arrive.
final class Seen<Element: Sendable>: Sendable {
  private let elements = Mutex<[Element]>([])

  func append(_ element: Element) { elements.withLock { $0.append(element) } }

  var all: [Element] { elements.withLock { $0 } }

  var count: Int { elements.withLock { $0.count } }
}
