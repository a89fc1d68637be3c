import DequeModule
import Synchronization

/// Messages from other threads to the one that owns the screen. Bounded: if nobody takes them, as behind a connection that stands
/// still, the oldest of those go that come again and again.
final class Inbox: Sendable {
  static let capacity = 1_000

  private let messages = Mutex(Deque<Message>())
  private let wake: @Sendable () -> Void

  /// - Parameter wake: ends the wait of the screen's thread.
  init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

  func send(_ message: Message) {
    messages.withLock { messages in
      if messages.count == Self.capacity { messages.remove(at: messages.firstIndex(where: \.comesAgain) ?? 0) }
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
