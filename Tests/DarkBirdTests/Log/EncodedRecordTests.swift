import Testing

@testable import DarkBird

/// Documents that do odd things with the writer they are given.
@Suite struct EncodedRecordTests {
  private enum Oddity: CaseIterable {
    case none, emptiesTheWriter, replacesTheWriter
  }

  private struct Odd: Document {
    let number: Int
    var oddity = Oddity.none

    init(_ number: Int, _ oddity: Oddity) { (self.number, self.oddity) = (number, oddity) }
    init(cbor reader: inout CBORReader) throws { number = try reader.readInt() }

    func encode(cbor writer: inout CBORWriter) {
      switch oddity {
      case .none: break
      case .emptiesTheWriter:
        writer.write("what does not count")
        writer.removeAll()
      case .replacesTheWriter: writer = CBORWriter()
      }
      writer.write(number)
    }
  }

  /// With a key that is longer than the document.
  private let key = "a key of some length"

  @Test func emptiedWriterKeepsTheKey() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try Store<String, Odd>(.simulated(), schema: [], fileSystem: disk)
    try store.put(Odd(1, .emptiesTheWriter), for: key, ack: .synced)
    try store.close()
    let again = try Store<String, Odd>(.simulated(), schema: [], fileSystem: disk)
    #expect(again[key]?.number == 1)
    try again.close()
  }

  @Test func otherWriterIsRefused() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try Store<String, Odd>(.simulated(), schema: [], fileSystem: disk)
    try store.put(Odd(1, .none), for: key)
    let refusal = StoreError.encodingFailed(reason: "the document does not write to the writer that it is given")
    #expect(storeError { try store.put(Odd(2, .replacesTheWriter), for: key) } == refusal)
    #expect(storeError { try store.batch { $0.put(Odd(2, .replacesTheWriter), for: key) } } == refusal)
    #expect(store[key]?.number == 1)
    try store.checkpoint()
    try store.close()
    let again = try Store<String, Odd>(.simulated(), schema: [], fileSystem: disk)
    #expect(again[key]?.number == 1 && again.count == 1)
    try again.close()
  }
}
