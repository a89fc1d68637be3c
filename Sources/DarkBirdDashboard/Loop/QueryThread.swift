import DequeModule
import Dispatch
import Foundation
import Synchronization

/// The thread that asks the source on behalf of the browse view, so that the screen never stalls.
final class QueryThread: Sendable {
  private struct State {
    var waiting: Deque<BrowseRequest> = []
    /// The newest run that was asked for: older ones are of no interest any more.
    var run = 0
    var isStopped = false
  }

  private let state = Mutex(State())
  private let work = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private let source: any Source
  private let cost: OwnCost
  private let deliver: @Sendable (BrowseReply) -> Void

  init(source: any Source, cost: OwnCost = OwnCost(), deliver: @escaping @Sendable (BrowseReply) -> Void) {
    self.source = source
    self.cost = cost
    self.deliver = deliver
  }

  func start() {
    let thread = Thread { [self] in
      Thread.nameCurrent("darkbird-query")
      while let request = next() {
        answer(request)
        cost.reportQueries()
      }
      ended.signal()
    }
    thread.start()
  }

  func ask(_ request: BrowseRequest) {
    state.withLock { state in
      if let run = request.run, run > state.run {
        state.run = run
        state.waiting.removeAll { $0.run.map { $0 < run } ?? false }
      }
      // There is one brush: what it asked before is of no interest either.
      if request.isHistogram { state.waiting.removeAll(where: \.isHistogram) }
      state.waiting.append(request)
    }
    work.signal()
  }

  /// Ends the thread. A question that takes long is not waited for: it ends by itself, and its answer goes nowhere.
  func stop() {
    state.withLock { $0.isStopped = true }
    work.signal()
    _ = ended.wait(timeout: .now() + .milliseconds(500))
  }

  /// nil when it is over.
  private func next() -> BrowseRequest? {
    while true {
      let (request, isStopped) = state.withLock { ($0.waiting.popFirst(), $0.isStopped) }
      if isStopped { return nil }
      if let request { return request }
      work.wait()
    }
  }

  private func answer(_ request: BrowseRequest) {
    let reply = BrowseAnswers.answer(request, from: source) { [self] in
      state.withLock { state in state.isStopped || request.run.map { $0 < state.run } ?? false }
    }
    if let reply { deliver(reply) }
  }
}

extension BrowseRequest {
  fileprivate var isHistogram: Bool {
    if case .histogram = self { true } else { false }
  }

  /// The run of a query that it belongs to.
  var run: Int? {
    switch self {
    case .page(let run, _, _, _), .pageBefore(let run, _, _, _, _), .lastPage(let run, _, _, _), .plan(let run, _),
      .count(let run, _), .versions(let run, _, _):
      run
    case .outline, .complete, .document, .histogram, .remove, .draft, .write: nil
    }
  }
}
