import DarkBird
import NIOCore

@testable import DarkBirdCassandra

// What a server of Cassandra may send, and what else comes from a port that is thought to be one.
extension FuzzTarget {
  private static func frame(_ opcode: CQLFormat.Opcode, _ hex: String, isResponse: Bool = true) -> [UInt8] {
    let digits = hex.filter { $0 != " " }.compactMap(\.hexDigitValue)
    let body = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    var buffer = ByteBuffer()
    CQLFrame(isResponse: isResponse, stream: 1, opcode: opcode, body: ByteBuffer(bytes: body)).write(to: &buffer)
    return Array(buffer.readableBytesView)
  }

  /// A stream of frames, with everything in them read.
  static let cqlFrame = FuzzTarget(
    name: "cql-frame",
    seeds: {
      [
        frame(.ready, ""), frame(.authenticate, "0001 61"), frame(.supported, "0001 0001 61 0001 0001 62"),
        frame(.error, "00001100 0001 61 0004 00000001 00000002 0003 434153"), frame(.error, "00002500 0000 0001 07"),
        frame(.error, "00001400 0001 61 0001 6b 0001 66 0001 0003 696e74"), frame(.result, "00000001"),
        frame(.result, "00000003 0001 6b"),
        frame(.result, "00000005 0007 43524541544544 0005 5441424c45 0001 6b 0001 74"),
        frame(
          .result,
          "00000002 00000003 00000002 00000001 ff 0002 6b73 0001 74 0001 6b 000d 0001 76 0022 0009 00000001 00000001 61 "
            + "00000008 00000001 ffffffff"),
        frame(.result, "00000004 0001 07 00000001 00000001 00000001 0000 0001 6b 0001 74 0001 63 0031 0002 0009 000d"),
        frame(.query, "00000006 53454c454354 0006 00", isResponse: false),
        frame(
          .batch, "01 0002 01 0001 09 0001 ffffffff 00 00000001 58 0000 0006 20 0000000000000002", isResponse: false),
      ]
    },
    run: { bytes in
      var buffer = ByteBuffer(bytes: bytes)
      while let frame = try? CQLFrame.read(from: &buffer) {
        if frame.isResponse {
          guard let answer = try? CQLResponse(frame) else { continue }
          if case .error(let failure) = answer { _ = DatabaseError(failure) }
          if case .rows(var rows) = answer { while (try? rows.next()) ?? nil != nil {} }
        } else if let request = try? CQLRequest(opcode: frame.opcode, frame.body) {
          var body = ByteBuffer()
          guard (try? request.write(to: &body)) != nil else { fatalError("read, but not written: \(request)") }
          guard (try? CQLRequest(opcode: frame.opcode, body)) == request else {
            fatalError("changes when it is written and read: \(request)")
          }
        }
      }
    })

  /// A type and a value of it: what was read is written and read again as the same.
  static let cqlValue = FuzzTarget(
    name: "cql-value",
    seeds: {
      func bytes(_ type: CQLType, _ value: CQLValue) throws -> [UInt8] {
        var buffer = ByteBuffer()
        try type.write(to: &buffer)
        try value.write(as: type, to: &buffer)
        return Array(buffer.readableBytesView)
      }
      return try [
        bytes(.list(.text), .list([.text("a"), .null])),
        bytes(.duration, .duration(months: 1, days: -2, nanoseconds: 3)),
        bytes(
          .map(.int, .decimal), .map([.init(key: .integer(1), value: .decimal(unscaled: CQLInteger(5), scale: 1))])),
        bytes(.tuple([.inet, .double]), .tuple([.inet([1, 2, 3, 4]), .double(.nan)])),
        bytes(.udt(keyspace: "k", name: "u", fields: [.init(name: "f", type: .date)]), .tuple([.date(days: 1)])),
      ]
    },
    run: { bytes in
      var buffer = ByteBuffer(bytes: bytes)
      guard let type = try? CQLType.read(&buffer), let value = try? CQLValue.read(type, from: &buffer) else { return }
      _ = ColumnValue.document(value, type)
      func written(_ value: CQLValue) -> ByteBuffer? {
        var buffer = ByteBuffer()
        return (try? value.write(as: type, to: &buffer)) == nil ? nil : buffer
      }
      // Text of a server need not be ASCII where its type says so, and times may be of no day.
      guard let once = written(value) else { return }
      var copy = once
      guard let again = try? CQLValue.read(type, from: &copy), written(again) == once else {
        fatalError("changes when it is written and read: \(value)")
      }
    })
}
