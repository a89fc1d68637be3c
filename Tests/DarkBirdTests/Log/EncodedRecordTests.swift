import Testing

@testable import DarkBird

/// Documents that do odd things with the writer they are given.
@Suite struct EncodedRecordTests {
  private enum Oddity: CaseIterable {
    case none, emptiesTheWriter, replacesTheWriter, writesNothing, countsTooFew, countsTooMany, writesTwo
  }

  private struct Odd: Document {
    let number: Int
    var oddity = Oddity.none

    init(_ number: Int, _ oddity: Oddity = .none) { (self.number, self.oddity) = (number, oddity) }
    init(cbor reader: inout CBORReader) throws { number = try reader.readInt() }

    func encode(cbor writer: inout CBORWriter) {
      switch oddity {
      case .none: break
      case .emptiesTheWriter:
        writer.write("what does not count")
        writer.removeAll()
      case .replacesTheWriter: writer = CBORWriter()
      case .writesNothing: return
      case .countsTooFew, .countsTooMany:
        writer.beginMap(count: oddity == .countsTooFew ? 1 : 3)
        for name in ["a", "b"] {
          writer.write(name)
          writer.write(number)
        }
        return
      case .writesTwo: writer.write(number)
      }
      writer.write(number)
    }
  }

  private let counts = "see the counts of its maps and arrays"
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

  @Test func whatIsNotWrittenBehindTheKeyIsRefused() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try Store<String, Odd>(.simulated(), schema: [], fileSystem: disk)
    try store.put(Odd(1, .none), for: key)
    for (oddity, reason) in [
      (Oddity.replacesTheWriter, "the document does not write to the writer that it is given"),
      (.writesNothing, "the document writes nothing, which must be one CBOR item"),
      (.countsTooFew, "the document is more than one CBOR item: 3 bytes are left over"),
      (.countsTooMany, "the document is no whole CBOR item: the input ends inside a value (byte 7)"),
      (.writesTwo, "the document is more than one CBOR item: 1 bytes are left over"),
    ] {
      let reason = reason.contains("whole") || reason.contains("more") ? "\(reason); \(counts)" : reason
      let refusal = StoreError.encodingFailed(reason: reason)
      #expect(storeError { try store.put(Odd(2, oddity), for: key) } == refusal)
      #expect(
        storeError { try store.batch { $0.put(Odd(2, oddity), for: key) } }
          == .encodingFailed(reason: "document \(key): \(reason)"))
    }
    #expect(store[key]?.number == 1)
    try store.checkpoint()
    try store.close()
    let again = try Store<String, Odd>(.simulated(), schema: [], fileSystem: disk)
    #expect(again[key]?.number == 1 && again.count == 1)
    try again.close()
  }

  private struct OddKey: DocumentKey {
    let number: Int
    var description: String { "\(number)" }

    init(_ number: Int) { self.number = number }
    init(cbor reader: inout CBORReader) throws { number = try reader.readInt() }
    func encode(cbor writer: inout CBORWriter) {
      if number > 0 { writer.write(number) }
      if number < 0 { writer.beginArray(count: 1) }
    }
  }

  @Test func keyThatIsNotOneItemIsRefused() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try Store<OddKey, Odd>(.simulated(), schema: [], fileSystem: disk)
    try store.put(Odd(1), for: OddKey(1))
    for (number, reason) in [
      (0, "the key writes nothing, which must be one CBOR item"),
      (-1, "the key is no whole CBOR item: the input ends inside a value (byte 1); \(counts)"),
    ] {
      #expect(storeError { try store.put(Odd(2), for: OddKey(number)) } == .encodingFailed(reason: reason))
      #expect(
        storeError { try store.batch { $0.put(Odd(2), for: OddKey(number)) } }
          == .encodingFailed(reason: "document \(number): \(reason)"))
    }
    try store.close()
    let again = try Store<OddKey, Odd>(.simulated(), schema: [], fileSystem: disk)
    #expect(again.count == 1)
    try again.close()
  }
}
