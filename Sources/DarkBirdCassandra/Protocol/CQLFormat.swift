import NIOCore

/// The native protocol of Cassandra, version 4: numbers that are written and read.
///
/// A frame is a header of nine bytes and a body. The header of `OPTIONS` on stream 5, which has no body:
///
///     04        version 4; answers have the highest bit set, 84
///     00        flags
///     00 05     stream: which request this answers; negative for events
///     05        opcode
///     00000000  bytes of the body
enum CQLFormat {
  static let version: UInt8 = 4
  static let responseBit: UInt8 = 0x80
  static let headerBytes = 9
  /// What the servers take and send at most, by default.
  static let bodyBytesMax = 256 << 20
  /// Types within types, such as `list<frozen<map<text, tuple<…>>>>`.
  static let typeDepthMax = 32

  enum Opcode: UInt8, CaseIterable {
    case error = 0x00
    case startup = 0x01
    case ready = 0x02
    case authenticate = 0x03
    case options = 0x05
    case supported = 0x06
    case query = 0x07
    case result = 0x08
    case prepare = 0x09
    case execute = 0x0A
    case register = 0x0B
    case event = 0x0C
    case batch = 0x0D
    case authChallenge = 0x0E
    case authResponse = 0x0F
    case authSuccess = 0x10
  }

  struct Flags: OptionSet {
    var rawValue: UInt8
    static let compressed = Flags(rawValue: 0x01)
    static let tracing = Flags(rawValue: 0x02)
    static let customPayload = Flags(rawValue: 0x04)
    static let warning = Flags(rawValue: 0x08)
  }
}

/// Bytes that are not what the protocol says.
struct CQLMalformed: Error, Equatable, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}

/// How many copies of a row must have answered.
enum Consistency: UInt16, CaseIterable {
  case any = 0x0000
  case one = 0x0001
  case two = 0x0002
  case three = 0x0003
  case quorum = 0x0004
  case all = 0x0005
  case localQuorum = 0x0006
  case eachQuorum = 0x0007
  case serial = 0x0008
  case localSerial = 0x0009
  case localOne = 0x000A

  /// `local_quorum`
  var name: String {
    String("\(self)".flatMap { $0.isUppercase ? "_" + $0.lowercased() : String($0) })
  }

  static func named(_ name: String) -> Consistency? { allCases.first { $0.name == name.lowercased() } }
}

struct CQLFrame: Sendable, Equatable {
  var isResponse: Bool
  var flags: CQLFormat.Flags = []
  var stream: Int16
  var opcode: CQLFormat.Opcode
  var body: ByteBuffer

  func write(to buffer: inout ByteBuffer) {
    buffer.writeInteger(CQLFormat.version | (isResponse ? CQLFormat.responseBit : 0))
    buffer.writeInteger(flags.rawValue)
    buffer.writeInteger(stream)
    buffer.writeInteger(opcode.rawValue)
    buffer.writeInteger(UInt32(body.readableBytes))
    buffer.writeImmutableBuffer(body)
  }

  /// Nil until all of a frame is there; then it is taken from the buffer.
  /// - Throws: where what comes cannot be a frame, as soon as that shows.
  static func read(from buffer: inout ByteBuffer) throws(CQLMalformed) -> CQLFrame? {
    let start = buffer.readerIndex
    guard let first = buffer.getInteger(at: start, as: UInt8.self) else { return nil }
    let isResponse = first & CQLFormat.responseBit != 0
    guard first & ~CQLFormat.responseBit <= 6, first & ~CQLFormat.responseBit >= 1 else {
      throw CQLMalformed("no frame begins with \(first)")
    }
    guard buffer.readableBytes >= CQLFormat.headerBytes,
      let flags = buffer.getInteger(at: start + 1, as: UInt8.self),
      let stream = buffer.getInteger(at: start + 2, as: Int16.self),
      let code = buffer.getInteger(at: start + 4, as: UInt8.self),
      let length = buffer.getInteger(at: start + 5, as: UInt32.self)
    else { return nil }
    guard let opcode = CQLFormat.Opcode(rawValue: code) else { throw CQLMalformed("there is no opcode \(code)") }
    // A server that does not speak version 4 says so in a version of its own.
    if first & ~CQLFormat.responseBit != CQLFormat.version && opcode != .error {
      throw CQLMalformed("a frame of version \(first & ~CQLFormat.responseBit)")
    }
    guard length <= CQLFormat.bodyBytesMax else { throw CQLMalformed("a frame of \(length) bytes") }
    guard buffer.readableBytes >= CQLFormat.headerBytes + Int(length) else { return nil }
    buffer.moveReaderIndex(forwardBy: CQLFormat.headerBytes)
    guard let body = buffer.readSlice(length: Int(length)) else { return nil }
    return CQLFrame(
      isResponse: isResponse, flags: CQLFormat.Flags(rawValue: flags), stream: stream, opcode: opcode, body: body)
  }
}
