import Testing

@testable import DarkBird

/// A checkpoint that fails because of a document, not of the disk.
@Suite struct CheckpointFailureTests {
  /// Can be encoded as long as its mood lasts.
  private struct Moody: Document {
    let number: Int
    var mood: Counter?

    init(_ number: Int, _ mood: Counter) { (self.number, self.mood) = (number, mood) }
    init(cbor reader: inout CBORReader) throws { number = try reader.readInt() }

    func encode(cbor writer: inout CBORWriter) throws {
      if number == 3, mood?.value != 0 { throw Refusal() }
      writer.write(number)
    }
  }

  private struct Refusal: Error, CustomStringConvertible { var description: String { "not today" } }

  @Test func documentThatCannotBeEncodedLeavesTheCheckpointBefore() throws {
    let disk = SimulatedFileSystem.forStores()
    let mood = Counter()
    let store = try Store<Int, Moody>(.simulated(), schema: [], fileSystem: disk)
    for key in 0..<10 { try store.put(Moody(key, mood), for: key) }
    try store.checkpoint()
    try store.put(Moody(10, mood), for: 10, ack: .synced)
    func otherFiles() -> [String: [UInt8]] { disk.storeFiles.filter { !$0.key.hasPrefix("wal-") } }
    let before = otherFiles()
    mood.next()
    let refusal = StoreError.encodingFailed(reason: "document 3: not today")
    #expect(storeError { try store.checkpoint() } == refusal)
    #expect(otherFiles() == before)
    let log = try #require(store.statistics().log)
    #expect(log.checkpoints == 1 && log.checkpointLSN == 10)
    #expect(log.checkpointFailures == 1 && log.checkpointFailure == refusal.description)
    // The store goes on, and so does what comes after it.
    try store.put(Moody(11, mood), for: 11, ack: .synced)
    for image in [disk.crashImage(seed: 1), disk.killImage()] {
      let again = try Store<Int, Moody>(.simulated(), schema: [], fileSystem: image)
      #expect(again.count == 12 && (0..<12).allSatisfy { again[$0]?.number == $0 })
      try again.close()
    }
    try store.close()
  }
}
