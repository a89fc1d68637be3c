import Dispatch
import Foundation
import Synchronization

/// Takes SIGINT, SIGTERM and SIGHUP while it lives, for commands without a dashboard: they end by themselves, with the
/// store closed, instead of at once.
final class StopSignals {
  /// What the queue of the signals and the command share.
  private final class State: Sendable {
    let received = Mutex<Int32?>(nil)
    let arrived = DispatchSemaphore(value: 0)

    func take(_ number: Int32) {
      received.withLock { $0 = $0 ?? number }
      arrived.signal()
    }
  }

  private let state = State()
  private let sources: [any DispatchSourceSignal]

  init() {
    let queue = DispatchQueue(label: "darkbird.signals")
    sources = [SIGINT, SIGTERM, SIGHUP].map { [state] number in
      signal(number, SIG_IGN)  // the source sees it all the same
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { state.take(number) }
      source.resume()
      return source
    }
  }

  deinit {
    for source in sources { source.cancel() }
  }

  /// The first signal that came; nil if none did.
  var received: Int32? { state.received.withLock { $0 } }

  var isRequested: Bool { received != nil }

  /// Waits for a signal, this long at most.
  func wait(milliseconds: Int) {
    _ = state.arrived.wait(timeout: .now() + .milliseconds(milliseconds))
  }
}
