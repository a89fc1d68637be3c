import NIOCore

/// What a server answers.
enum CQLResponse: Sendable, Equatable {
  case error(CQLFailure)
  case ready
  case authenticate(String)
  case authChallenge([UInt8])
  case authSuccess([UInt8])
  case supported([String: [String]])
  case void
  case rows(CQLRows)
  case setKeyspace(String)
  case prepared(CQLPrepared)
  case schemaChange(CQLSchemaChange)
  case event(CQLEvent)

  init(_ frame: CQLFrame) throws(CQLMalformed) {
    var body = frame.body
    guard !frame.flags.contains(.compressed) else { throw CQLMalformed("compressed, though nobody asked for that") }
    if frame.flags.contains(.tracing) { _ = try body.cqlBytes(count: 16) }
    if frame.flags.contains(.warning) { _ = try body.cqlStringList() }
    if frame.flags.contains(.customPayload) {
      for _ in 0..<(try body.cqlInteger(UInt16.self)) {
        _ = try body.cqlString()
        _ = try body.cqlOptionalBytes()
      }
    }
    switch frame.opcode {
    case .error: self = .error(try CQLFailure(&body))
    case .ready: self = .ready
    case .authenticate: self = .authenticate(try body.cqlString())
    case .authChallenge: self = .authChallenge(Self.bytes(try body.cqlOptionalBytes()))
    case .authSuccess: self = .authSuccess(Self.bytes(try body.cqlOptionalBytes()))
    case .supported: self = .supported(try body.cqlStringMultimap())
    case .result: self = try Self.result(&body)
    case .event: self = .event(try CQLEvent(&body))
    default: throw CQLMalformed("\(frame.opcode) is no answer")
    }
  }

  private static func bytes(_ buffer: ByteBuffer?) -> [UInt8] { buffer.map { Array($0.readableBytesView) } ?? [] }

  private static func result(_ body: inout ByteBuffer) throws(CQLMalformed) -> CQLResponse {
    switch try body.cqlInteger(Int32.self) {
    case 1: return .void
    case 2: return .rows(try CQLRows(&body))
    case 3: return .setKeyspace(try body.cqlString())
    case 4: return .prepared(try CQLPrepared(&body))
    case 5: return .schemaChange(try CQLSchemaChange(&body))
    case let kind: throw CQLMalformed("there is no result \(kind)")
    }
  }
}

struct CQLColumn: Sendable, Equatable {
  var keyspace: String
  var table: String
  var name: String
  var type: CQLType

  /// - Parameter global: keyspace and table of all columns; nil where each has its own.
  static func read(
    _ count: Int, global: (keyspace: String, table: String)?, _ body: inout ByteBuffer
  ) throws(CQLMalformed) -> [CQLColumn] {
    var columns: [CQLColumn] = []
    for _ in 0..<count {
      var (keyspace, table) = global ?? ("", "")
      if global == nil {
        keyspace = try body.cqlString()
        table = try body.cqlString()
      }
      let name = try body.cqlString()
      columns.append(CQLColumn(keyspace: keyspace, table: table, name: name, type: try CQLType.read(&body)))
    }
    return columns
  }
}

/// A page of rows, read one by one.
struct CQLRows: Sendable, Equatable {
  var columns: [CQLColumn]
  /// To ask for the next page with; nil on the last one.
  var pagingState: [UInt8]?
  private(set) var count: Int
  private var cells: ByteBuffer

  init(_ body: inout ByteBuffer) throws(CQLMalformed) {
    let flags = try body.cqlInteger(Int32.self)
    let columnCount = Int(try body.cqlInteger(Int32.self))
    if flags & 2 != 0 { pagingState = try body.cqlOptionalBytes().map { Array($0.readableBytesView) } }
    guard flags & 4 == 0 else { throw CQLMalformed("rows without the types of their columns") }
    let global = flags & 1 != 0 ? (try body.cqlString(), try body.cqlString()) : nil
    // Each column takes at least its name's length and its type.
    guard columnCount >= 0, columnCount <= body.readableBytes / 4 else { throw CQLMalformed("\(columnCount) columns") }
    columns = try CQLColumn.read(columnCount, global: global, &body)
    count = Int(try body.cqlInteger(Int32.self))
    // Each cell takes at least its length.
    guard count >= 0, count == 0 || columnCount > 0, count <= body.readableBytes / 4 / max(1, columnCount) else {
      throw CQLMalformed("no place for \(count) rows of \(columnCount) columns")
    }
    cells = body
    body.moveReaderIndex(to: body.writerIndex)
  }

  /// Nil after the last one.
  mutating func next() throws(CQLMalformed) -> [CQLValue]? {
    if count == 0 { return nil }
    count -= 1
    var row: [CQLValue] = []
    row.reserveCapacity(columns.count)
    for column in columns { row.append(try CQLValue.read(column.type, from: &cells)) }
    return row
  }
}

struct CQLPrepared: Sendable, Equatable {
  var id: [UInt8]
  /// What is to be given with each execution.
  var parameters: [CQLColumn]
  /// Which of them make the partition key, in its order; empty where that is not known.
  var partitionKey: [Int]

  init(_ body: inout ByteBuffer) throws(CQLMalformed) {
    id = Array(try body.cqlShortBytes().readableBytesView)
    let flags = try body.cqlInteger(Int32.self)
    let columnCount = Int(try body.cqlInteger(Int32.self))
    let keyCount = Int(try body.cqlInteger(Int32.self))
    guard keyCount >= 0, keyCount <= body.readableBytes / 2 else { throw CQLMalformed("\(keyCount) columns of a key") }
    partitionKey = []
    for _ in 0..<keyCount { partitionKey.append(Int(try body.cqlInteger(UInt16.self))) }
    let global = flags & 1 != 0 ? (try body.cqlString(), try body.cqlString()) : nil
    guard columnCount >= 0, columnCount <= body.readableBytes / 4 else { throw CQLMalformed("\(columnCount) columns") }
    parameters = try CQLColumn.read(columnCount, global: global, &body)
    guard partitionKey.allSatisfy({ $0 < columnCount }) else {
      throw CQLMalformed("a key of columns that are not there")
    }
    // The columns of the result follow, which each result says again.
  }
}

struct CQLSchemaChange: Sendable, Equatable {
  /// `CREATED`, `UPDATED` or `DROPPED`.
  var change: String
  /// `KEYSPACE`, `TABLE`, `TYPE`, `FUNCTION` or `AGGREGATE`.
  var target: String
  var keyspace: String
  /// Empty for a keyspace.
  var name = ""
  /// Types, of a function or an aggregate.
  var arguments: [String] = []

  init(_ body: inout ByteBuffer) throws(CQLMalformed) {
    change = try body.cqlString()
    target = try body.cqlString()
    keyspace = try body.cqlString()
    switch target {
    case "KEYSPACE": break
    case "TABLE", "TYPE": name = try body.cqlString()
    case "FUNCTION", "AGGREGATE":
      name = try body.cqlString()
      arguments = try body.cqlStringList()
    default: throw CQLMalformed("a change of a \(target.prefix(20))")
    }
  }
}

enum CQLEvent: Sendable, Equatable {
  /// `NEW_NODE`, `REMOVED_NODE`.
  case topology(String, address: [UInt8], port: Int32)
  /// `UP`, `DOWN`.
  case status(String, address: [UInt8], port: Int32)
  case schema(CQLSchemaChange)

  init(_ body: inout ByteBuffer) throws(CQLMalformed) {
    switch try body.cqlString() {
    case "TOPOLOGY_CHANGE":
      let change = try body.cqlString()
      self = .topology(change, address: try body.cqlAddress(), port: try body.cqlInteger())
    case "STATUS_CHANGE":
      let change = try body.cqlString()
      self = .status(change, address: try body.cqlAddress(), port: try body.cqlInteger())
    case "SCHEMA_CHANGE": self = .schema(try CQLSchemaChange(&body))
    case let other: throw CQLMalformed("an event \(other.prefix(40))")
    }
  }
}
