import Foundation
import Testing

@testable import DarkBird

struct LogBatchTests {
  private struct Operation: Equatable {
    var kind: LogRecordKind
    var key: [UInt8]
    var document: [UInt8]
  }

  private func encoded(_ operations: [Operation]) -> [UInt8] {
    var encoder = LogBatchEncoder()
    for operation in operations {
      encoder.append(operation.kind, payload: operation.key + operation.document, keyLength: operation.key.count)
    }
    #expect(encoder.count == operations.count)
    return encoder.payload
  }

  private func decoded(_ payload: [UInt8]) throws -> [Operation] {
    try payload.withUnsafeBytes { raw in
      var reader = try LogBatchReader(raw, lsn: 7, durableLSN: 5)
      var operations: [Operation] = []
      while let record = reader.next() {
        #expect(record.lsn == 7 && record.durableLSN == 5)
        operations.append(Operation(kind: record.kind, key: Array(record.key), document: Array(record.document)))
      }
      #expect(operations.count == reader.count)
      return operations
    }
  }

  private let example: [Operation] = [
    Operation(kind: .put, key: [1], document: [0xa0]),
    Operation(kind: .remove, key: [0x61, 0x62], document: []),
    Operation(kind: .put, key: [0x62, 0x63, 0x64], document: Array(repeating: 9, count: 300)),
  ]

  @Test func operationsComeBackInTheirOrder() throws {
    #expect(try decoded(encoded(example)) == example)
    #expect(try decoded(encoded([])) == [])
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<200 {
      let operations = (0..<generator.below(20)).map { _ in
        let isPut = generator.chance(60)
        return Operation(
          kind: isPut ? .put : .remove, key: (0..<generator.below(9)).map { _ in UInt8(generator.below(256)) },
          document: isPut ? (0..<generator.below(99)).map { _ in UInt8(generator.below(256)) } : [])
      }
      #expect(try decoded(encoded(operations)) == operations)
    }
  }

  @Test func theBytesAreThoseOfTheFormat() {
    let bytes = encoded(Array(example.prefix(2)))
    let expected: [UInt8] = [
      2, 0, 0, 0, 0, 0, 0, 0,
      1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xa0,
      2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x61, 0x62,
    ]
    #expect(bytes == expected)
  }

  @Test func everyTruncationIsRefused() {
    let payload = encoded(example)
    for length in 0..<payload.count {
      #expect(throws: LogBatchReader.Malformed.self, "\(length)") { try decoded(Array(payload.prefix(length))) }
    }
    #expect(throws: LogBatchReader.Malformed.self) { try decoded(payload + [0]) }
  }

  /// A flip in a key or a document gives another one: the frame's checksum is what refuses that.
  @Test func noBitFlipTrapsOrReadsBeyondThePayload() {
    let payload = encoded(example)
    for offset in payload.indices {
      for bit in 0..<8 {
        var flipped = payload
        flipped[offset] ^= 1 << UInt8(bit)
        do {
          let operations = try decoded(flipped)
          let bytes = operations.reduce(LogBatch.headerBytes) {
            $0 + LogBatch.operationBytes(payload: $1.key.count + $1.document.count)
          }
          #expect(bytes == payload.count)
        } catch let error as LogBatchReader.Malformed {
          #expect(error.offset >= 0 && error.offset <= payload.count)
        } catch { Issue.record(error) }
      }
    }
  }

  // MARK: In a page

  private static let header = LogPageHeader(
    store: UUID(), sequence: 3, firstLSN: 10, previousChain: 77, capacity: .bytes(8 << 10))

  private func frame(_ kind: LogRecordKind, lsn: UInt64, _ payload: [UInt8], keyLength: Int) -> [UInt8] {
    let buffer = LogBuffer()
    buffer.appendFrame(kind, lsn: lsn, payload: payload, keyLength: keyLength)
    let seed = LogPageHeader.frameSeed(store: Self.header.store, sequence: Self.header.sequence)
    return buffer.withUnsafeMutableBytes { raw in
      let checksum = frameChecksum(
        UnsafeRawBufferPointer(raw), length: LogFormat.frameHeaderBytes + payload.count, seed: seed)
      raw.store(checksum, at: 4)
      return Array(raw)
    }
  }

  private func scan(_ page: [UInt8]) throws -> (LogPageScan, [(LogRecordKind, UInt64, Int)]) {
    var records: [(LogRecordKind, UInt64, Int)] = []
    let scan = try page.withUnsafeBytes { raw in
      try scanLogPage(raw, header: Self.header, path: "page", isLast: true) { record, offset in
        records.append((record.kind, record.lsn, offset))
      }
    }
    return (scan, records)
  }

  @Test func aBatchIsOneRecordOfThePage() throws {
    let put = frame(.put, lsn: 10, [1, 0xa0], keyLength: 1)
    let batch = frame(.batch, lsn: 11, encoded(example), keyLength: 0)
    let (scan, records) = try scan(Self.header.encoded() + put + batch)
    #expect(scan.records == 2 && scan.lastLSN == 11 && scan.end == .open)
    #expect(records.map(\.0) == [.put, .put, .remove, .put])
    #expect(records.map(\.1) == [10, 11, 11, 11])
    #expect(records.map(\.2) == [4096, 4136, 4136, 4136])
  }

  @Test func aMalformedBatchIsDamageAndGivesNoOperation() throws {
    var payload = encoded(example)
    payload[LogBatch.headerBytes + 14] = 3  // the kind of the second operation
    let page = Self.header.encoded() + frame(.batch, lsn: 10, payload, keyLength: 0)
    var seen = 0
    let error = storeError {
      try page.withUnsafeBytes { raw in
        _ = try scanLogPage(raw, header: Self.header, path: "page", isLast: true) { _, _ in seen += 1 }
      }
    }
    let reason = "an operation of a batch that is neither a put nor a remove"
    #expect(error == .corrupt(path: "page", offset: 4096 + 32 + 22, reason: reason))
    #expect(seen == 0)
    let keyed = Self.header.encoded() + frame(.batch, lsn: 10, encoded(example), keyLength: 1)
    #expect(storeError { _ = try scan(keyed) } != nil)
  }
}
