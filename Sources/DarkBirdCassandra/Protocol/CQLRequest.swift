import NIOCore

/// What a client sends.
enum CQLRequest: Sendable, Equatable {
  case startup([Option])
  case options
  case authResponse([UInt8])
  case query(String, CQLParameters)
  case prepare(String)
  case execute(id: [UInt8], CQLParameters)
  case batch(CQLBatch)
  case register([String])

  struct Option: Sendable, Equatable {
    var name: String
    var value: String
  }

  var opcode: CQLFormat.Opcode {
    switch self {
    case .startup: .startup
    case .options: .options
    case .authResponse: .authResponse
    case .query: .query
    case .prepare: .prepare
    case .execute: .execute
    case .batch: .batch
    case .register: .register
    }
  }

  func write(to buffer: inout ByteBuffer) throws(CQLMalformed) {
    switch self {
    case .startup(let options): try buffer.writeCQL(stringMap: options.map { ($0.name, $0.value) })
    case .options: break
    case .authResponse(let token): buffer.writeCQL(bytes: token)
    case .query(let text, let parameters):
      buffer.writeCQL(longString: text)
      try parameters.write(to: &buffer)
    case .prepare(let text): buffer.writeCQL(longString: text)
    case .execute(let id, let parameters):
      try buffer.writeCQL(shortBytes: id)
      try parameters.write(to: &buffer)
    case .batch(let batch): try batch.write(to: &buffer)
    case .register(let events):
      buffer.writeInteger(UInt16(clamping: events.count))
      for event in events { try buffer.writeCQL(string: event) }
    }
  }

  /// As a server reads it.
  init(opcode: CQLFormat.Opcode, _ body: ByteBuffer) throws(CQLMalformed) {
    var body = body
    switch opcode {
    case .startup:
      var options: [Option] = []
      for _ in 0..<(try body.cqlInteger(UInt16.self)) {
        let name = try body.cqlString()
        options.append(Option(name: name, value: try body.cqlString()))
      }
      self = .startup(options)
    case .options: self = .options
    case .authResponse: self = .authResponse(Array(try body.cqlOptionalBytes()?.readableBytesView ?? ByteBufferView()))
    case .query:
      let text = try body.cqlLongString()
      self = .query(text, try CQLParameters(&body))
    case .prepare: self = .prepare(try body.cqlLongString())
    case .execute:
      let id = Array(try body.cqlShortBytes().readableBytesView)
      self = .execute(id: id, try CQLParameters(&body))
    case .batch: self = .batch(try CQLBatch(&body))
    case .register: self = .register(try body.cqlStringList())
    default: throw CQLMalformed("\(opcode) is no request")
    }
    guard body.readableBytes == 0 else { throw CQLMalformed("more bytes than a request has") }
  }
}

/// How a statement is to be run, and its values, which are encoded already.
struct CQLParameters: Sendable, Equatable {
  var consistency = Consistency.localQuorum
  /// [value]s, one after the other.
  var values: [ByteBuffer?] = []
  /// Rows of a page; nil for all at once.
  var pageSize: Int32?
  /// Where the page before ended.
  var pagingState: [UInt8]?
  /// Of conditional statements.
  var serialConsistency: Consistency?
  /// Microseconds; nil for the server's clock.
  var timestamp: Int64?

  struct Flags: OptionSet {
    var rawValue: UInt8
    static let values = Flags(rawValue: 0x01)
    static let skipMetadata = Flags(rawValue: 0x02)
    static let pageSize = Flags(rawValue: 0x04)
    static let pagingState = Flags(rawValue: 0x08)
    static let serialConsistency = Flags(rawValue: 0x10)
    static let timestamp = Flags(rawValue: 0x20)
    static let names = Flags(rawValue: 0x40)
  }

  init() {}

  func write(to buffer: inout ByteBuffer) throws(CQLMalformed) {
    buffer.writeInteger(consistency.rawValue)
    var flags: Flags = []
    if !values.isEmpty { flags.insert(.values) }
    if pageSize != nil { flags.insert(.pageSize) }
    if pagingState != nil { flags.insert(.pagingState) }
    if serialConsistency != nil { flags.insert(.serialConsistency) }
    if timestamp != nil { flags.insert(.timestamp) }
    buffer.writeInteger(flags.rawValue)
    if !values.isEmpty { try Self.write(values, to: &buffer) }
    if let pageSize { buffer.writeInteger(pageSize) }
    if let pagingState { buffer.writeCQL(bytes: pagingState) }
    if let serialConsistency { buffer.writeInteger(serialConsistency.rawValue) }
    if let timestamp { buffer.writeInteger(timestamp) }
  }

  init(_ body: inout ByteBuffer) throws(CQLMalformed) {
    consistency = try Consistency(&body)
    let flags = Flags(rawValue: try body.cqlInteger())
    guard flags.isDisjoint(with: [.names, .skipMetadata]) else { throw CQLMalformed("flags \(flags.rawValue)") }
    if flags.contains(.values) { values = try Self.values(&body) }
    if flags.contains(.pageSize) { pageSize = try body.cqlInteger() }
    if flags.contains(.pagingState) { pagingState = try body.cqlOptionalBytes().map { Array($0.readableBytesView) } }
    if flags.contains(.serialConsistency) { serialConsistency = try Consistency(&body) }
    if flags.contains(.timestamp) { timestamp = try body.cqlInteger() }
  }

  static func write(_ values: [ByteBuffer?], to buffer: inout ByteBuffer) throws(CQLMalformed) {
    guard let count = UInt16(exactly: values.count) else { throw CQLMalformed("more than 65,535 values") }
    buffer.writeInteger(count)
    for value in values {
      buffer.writeInteger(value.map { Int32(clamping: $0.readableBytes) } ?? -1)
      if let value { buffer.writeImmutableBuffer(value) }
    }
  }

  static func values(_ body: inout ByteBuffer) throws(CQLMalformed) -> [ByteBuffer?] {
    var values: [ByteBuffer?] = []
    for _ in 0..<(try body.cqlInteger(UInt16.self)) { values.append(try body.cqlOptionalBytes()) }
    return values
  }
}

extension Consistency {
  init(_ body: inout ByteBuffer) throws(CQLMalformed) {
    let code = try body.cqlInteger(UInt16.self)
    guard let found = Consistency(rawValue: code) else { throw CQLMalformed("there is no consistency \(code)") }
    self = found
  }
}

/// Several statements that are run as one: with a log of the server's own, all or none of them in the end.
struct CQLBatch: Sendable, Equatable {
  enum Kind: UInt8 {
    case logged = 0
    case unlogged = 1
    case counter = 2
  }

  enum Statement: Sendable, Equatable {
    case query(String)
    case prepared([UInt8])
  }

  struct Entry: Sendable, Equatable {
    var statement: Statement
    var values: [ByteBuffer?]
  }

  var kind = Kind.logged
  var entries: [Entry] = []
  var consistency = Consistency.localQuorum
  var serialConsistency: Consistency?
  var timestamp: Int64?

  init(_ kind: Kind = .logged) { self.kind = kind }

  func write(to buffer: inout ByteBuffer) throws(CQLMalformed) {
    buffer.writeInteger(kind.rawValue)
    guard let count = UInt16(exactly: entries.count) else { throw CQLMalformed("more than 65,535 statements") }
    buffer.writeInteger(count)
    for entry in entries {
      switch entry.statement {
      case .query(let text):
        buffer.writeInteger(0 as UInt8)
        buffer.writeCQL(longString: text)
      case .prepared(let id):
        buffer.writeInteger(1 as UInt8)
        try buffer.writeCQL(shortBytes: id)
      }
      try CQLParameters.write(entry.values, to: &buffer)
    }
    buffer.writeInteger(consistency.rawValue)
    var flags: CQLParameters.Flags = []
    if serialConsistency != nil { flags.insert(.serialConsistency) }
    if timestamp != nil { flags.insert(.timestamp) }
    buffer.writeInteger(flags.rawValue)
    if let serialConsistency { buffer.writeInteger(serialConsistency.rawValue) }
    if let timestamp { buffer.writeInteger(timestamp) }
  }

  init(_ body: inout ByteBuffer) throws(CQLMalformed) {
    let code = try body.cqlInteger(UInt8.self)
    guard let kind = Kind(rawValue: code) else { throw CQLMalformed("there is no batch \(code)") }
    self.kind = kind
    for _ in 0..<(try body.cqlInteger(UInt16.self)) {
      let statement: Statement
      switch try body.cqlInteger(UInt8.self) {
      case 0: statement = .query(try body.cqlLongString())
      case 1: statement = .prepared(Array(try body.cqlShortBytes().readableBytesView))
      case let other: throw CQLMalformed("there is no statement \(other)")
      }
      entries.append(Entry(statement: statement, values: try CQLParameters.values(&body)))
    }
    consistency = try Consistency(&body)
    let flags = CQLParameters.Flags(rawValue: try body.cqlInteger())
    guard flags.isSubset(of: [.serialConsistency, .timestamp]) else { throw CQLMalformed("flags \(flags.rawValue)") }
    if flags.contains(.serialConsistency) { serialConsistency = try Consistency(&body) }
    if flags.contains(.timestamp) { timestamp = try body.cqlInteger() }
  }
}
