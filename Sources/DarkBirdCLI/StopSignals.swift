import CDarkBird
import Dispatch
import Foundation
import Synchronization

/// Takes SIGINT, SIGTERM and SIGHUP while it lives, for commands without a dashboard: they end by themselves, with the
/// store closed, instead of at once. Whatever they wait for may never come: what has not ended after a moment says so, and the
/// next signal ends it at once.
final class StopSignals {
  /// What the queue of the signals and the command share.
  private final class State: Sendable {
    private struct Received {
      var first: Int32?
      /// Whether the next signal ends the program. The first may come several times, as when a terminal goes away.
      var isLast = false
      /// Whether the command is done with its work.
      var isOver = false
    }

    private let received = Mutex(Received())
    let arrived = DispatchSemaphore(value: 0)

    var first: Int32? { received.withLock { $0.first } }

    func take(_ number: Int32, on queue: DispatchQueue) {
      let (isFirst, isLast) = received.withLock { received in
        defer { received.first = received.first ?? number }
        return (received.first == nil, received.isLast)
      }
      if isLast { endAtOnce(number) }
      if isFirst { queue.asyncAfter(deadline: .now() + .seconds(1)) { [self] in arm() } }
      arrived.signal()
    }

    private func arm() {
      let isWaiting = received.withLock { received in
        received.isLast = true
        return !received.isOver
      }
      guard isWaiting else { return }
      // Where a terminal that is stopped keeps nobody from taking the next signal.
      Thread.detachNewThread {
        // Over the bar of the progress.
        if isatty(STDERR_FILENO) == 1 { _ = writeAll(Array("\r\u{1b}[K".utf8), to: STDERR_FILENO) }
        printError("stopping after this step; again to end at once")
      }
    }

    func end() { received.withLock { $0.isOver = true } }
  }

  private let state = State()
  private let queue = DispatchQueue(label: "darkbird.signals")
  /// The end of a pipe that gives the numbers of signals; negative without one.
  private let numbers: Int32
  /// Nil without a pipe, as where no more files may be open: then signals do what they did before.
  private let source: (any DispatchSourceRead)?

  /// From here on no signal is lost, nor ends the program.
  init() {
    numbers = stop_signals_take()
    guard numbers >= 0 else {
      source = nil
      return
    }
    let source = DispatchSource.makeReadSource(fileDescriptor: numbers, queue: queue)
    source.setEventHandler { [state, numbers, queue] in Self.take(numbers, state, queue) }
    source.resume()
    self.source = source
  }

  private static func take(_ numbers: Int32, _ state: State, _ queue: DispatchQueue) {
    var number: UInt8 = 0
    while read(numbers, &number, 1) == 1 { state.take(Int32(number), on: queue) }
  }

  deinit {
    state.end()
    source?.cancel()
  }

  /// Lets signals do what they did before. Otherwise none does anything after this has gone: what comes then is short.
  func giveBack() { stop_signals_give_back() }

  /// The first signal that came; nil if none did.
  var received: Int32? { state.first }

  var isRequested: Bool { received != nil }

  /// The same, also of a signal that has come this instant. Costs a call of the system.
  func isRequestedByNow() -> Bool {
    if numbers >= 0 { Self.take(numbers, state, queue) }
    return isRequested
  }

  /// Waits for a signal, this long at most.
  func wait(milliseconds: Int) {
    _ = state.arrived.wait(timeout: .now() + .milliseconds(milliseconds))
  }
}

/// Lets a signal do what it does by default. The thread may have it blocked.
func endAtOnce(_ number: Int32) -> Never {
  signal(number, SIG_DFL)
  var signals = sigset_t()
  sigemptyset(&signals)
  sigaddset(&signals, number)
  pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  raise(number)
  // Without a default action that ends it, it ends as a shell would say it.
  _exit(128 + number)
}
