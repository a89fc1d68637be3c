import Synchronization
import Testing

@testable import DarkBird

/// A checkpoint whose documents ask for something while they are encoded for it.
@Suite(.timeLimit(.minutes(30))) struct ReentrantCheckpointTests {
  private final class Plan: Sendable {
    let body = Mutex<(@Sendable () -> Void)?>(nil)
  }

  private struct Asking: Document {
    let number: Int
    let plan: Plan?

    init(_ number: Int, _ plan: Plan) { (self.number, self.plan) = (number, plan) }
    init(cbor reader: inout CBORReader) throws { (number, plan) = (try reader.readInt(), nil) }

    func encode(cbor writer: inout CBORWriter) {
      plan?.body.withLock { $0 }?()
      writer.write(number)
    }
  }

  @Test func encodingCannotAskForACheckpointNorClose() throws {
    let plan = Plan()
    let store = try Store<Int, Asking>(.simulated(), schema: [], fileSystem: SimulatedFileSystem.forStores())
    for key in 0..<3 { try store.put(Asking(key, plan), for: key) }
    let answers = Seen<StoreError?>()
    plan.body.withLock {
      $0 = {
        answers.append(storeError { try store.checkpoint() })
        answers.append(storeError { try store.close() })
      }
    }
    try store.checkpoint()
    let refusal = StoreError.encodingFailed(
      reason: "what encodes a document for a checkpoint asks for another one, or closes the store")
    #expect(answers.all == Array(repeating: refusal, count: 6))
    #expect(store.statistics().log?.checkpoints == 1 && store.count == 3)

    // For the log, a document is encoded under no lock.
    plan.body.withLock { body in
      body = {
        plan.body.withLock { $0 = nil }
        answers.append(storeError { try store.checkpoint() })
      }
    }
    try store.put(Asking(3, plan), for: 3)
    #expect(answers.all.count == 7 && answers.all.last == .some(nil))
    plan.body.withLock { $0 = nil }
    try store.checkpoint()
    try store.close()
  }
}
