import DequeModule
import Synchronization

/// Messages from other threads to the one that owns the screen. Bounded: if nobody takes them, the oldest go.
final class Inbox: Sendable {
  static let capacity = 1_000

  private let messages = Mutex(Deque<Message>())
  private let wake: @Sendable () -> Void

  /// - Parameter wake: ends the wait of the screen's thread.
  init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

  func send(_ message: Message) {
    messages.withLock { messages in
      if messages.count == Self.capacity { messages.removeFirst() }
      messages.append(message)
    }
    wake()
  }

  /// All that have come since the last call, in their order.
  func take() -> Deque<Message> {
    messages.withLock { messages in
      let taken = messages
      messages = []
      return taken
    }
  }
}
