import NIOCore

/// An ERROR of a server, with what some of them say besides.
struct CQLFailure: Sendable, Equatable {
  enum Code: Int32, CaseIterable {
    case server = 0x0000
    case `protocol` = 0x000A
    case badCredentials = 0x0100
    case unavailable = 0x1000
    case overloaded = 0x1001
    case bootstrapping = 0x1002
    case truncate = 0x1003
    case writeTimeout = 0x1100
    case readTimeout = 0x1200
    case readFailure = 0x1300
    case functionFailure = 0x1400
    case writeFailure = 0x1500
    case syntax = 0x2000
    case unauthorized = 0x2100
    case invalid = 0x2200
    case configuration = 0x2300
    case alreadyExists = 0x2400
    case unprepared = 0x2500
  }

  enum Detail: Sendable, Equatable {
    case none
    case unavailable(Consistency, required: Int32, alive: Int32)
    /// `kind` as `SIMPLE`, `BATCH`, `CAS`.
    case writeTimeout(Consistency, received: Int32, required: Int32, kind: String)
    case readTimeout(Consistency, received: Int32, required: Int32, hasData: Bool)
    case readFailure(Consistency, received: Int32, required: Int32, failures: Int32, hasData: Bool)
    case writeFailure(Consistency, received: Int32, required: Int32, failures: Int32, kind: String)
    case functionFailure(keyspace: String, function: String, arguments: [String])
    case alreadyExists(keyspace: String, table: String)
    case unprepared(id: [UInt8])
  }

  /// One that is not in `Code` has no details.
  var code: Int32
  var message: String
  var detail: Detail

  var known: Code? { Code(rawValue: code) }
  /// As the protocol's specification writes it.
  var codeText: String { "0x" + String(repeating: "0", count: max(0, 4 - hexadecimal.count)) + hexadecimal }
  private var hexadecimal: String { String(UInt32(bitPattern: code), radix: 16, uppercase: true) }

  init(_ code: Code, _ message: String, _ detail: Detail = .none) {
    self.code = code.rawValue
    self.message = message
    self.detail = detail
  }

  init(_ body: inout ByteBuffer) throws(CQLMalformed) {
    code = try body.cqlInteger()
    message = try body.cqlString()
    switch Code(rawValue: code) {
    case .unavailable:
      detail = .unavailable(try Consistency(&body), required: try body.cqlInteger(), alive: try body.cqlInteger())
    case .writeTimeout:
      detail = .writeTimeout(
        try Consistency(&body), received: try body.cqlInteger(), required: try body.cqlInteger(),
        kind: try body.cqlString())
    case .readTimeout:
      detail = .readTimeout(
        try Consistency(&body), received: try body.cqlInteger(), required: try body.cqlInteger(),
        hasData: try body.cqlInteger(UInt8.self) != 0)
    case .readFailure:
      detail = .readFailure(
        try Consistency(&body), received: try body.cqlInteger(), required: try body.cqlInteger(),
        failures: try body.cqlInteger(), hasData: try body.cqlInteger(UInt8.self) != 0)
    case .writeFailure:
      detail = .writeFailure(
        try Consistency(&body), received: try body.cqlInteger(), required: try body.cqlInteger(),
        failures: try body.cqlInteger(), kind: try body.cqlString())
    case .functionFailure:
      detail = .functionFailure(
        keyspace: try body.cqlString(), function: try body.cqlString(), arguments: try body.cqlStringList())
    case .alreadyExists: detail = .alreadyExists(keyspace: try body.cqlString(), table: try body.cqlString())
    case .unprepared: detail = .unprepared(id: Array(try body.cqlShortBytes().readableBytesView))
    default: detail = .none
    }
  }
}
