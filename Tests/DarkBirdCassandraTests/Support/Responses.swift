import Foundation
import NIOCore

@testable import DarkBirdCassandra

/// What a server writes; the client only reads these.
extension CQLResponse {
  var opcode: CQLFormat.Opcode {
    switch self {
    case .error: .error
    case .ready: .ready
    case .authenticate: .authenticate
    case .authChallenge: .authChallenge
    case .authSuccess: .authSuccess
    case .supported: .supported
    case .void, .rows, .setKeyspace, .prepared, .schemaChange: .result
    case .event: .event
    }
  }
}

/// Bodies of answers.
enum Body {
  static func of(_ write: (inout ByteBuffer) throws -> Void) rethrows -> ByteBuffer {
    var buffer = ByteBuffer()
    try write(&buffer)
    return buffer
  }

  static func string(_ text: String) throws -> ByteBuffer { try of { try $0.writeCQL(string: text) } }

  static func void() -> ByteBuffer { of { $0.writeInteger(1 as Int32) } }

  static func setKeyspace(_ name: String) throws -> ByteBuffer {
    try of {
      $0.writeInteger(3 as Int32)
      try $0.writeCQL(string: name)
    }
  }

  static func schemaChange(_ change: String, _ target: String, _ names: [String], _ arguments: [String]? = nil) throws
    -> ByteBuffer
  {
    try of {
      $0.writeInteger(5 as Int32)
      for text in [change, target] + names { try $0.writeCQL(string: text) }
      if let arguments { try strings(arguments, &$0) }
    }
  }

  static func strings(_ list: [String], _ buffer: inout ByteBuffer) throws {
    buffer.writeInteger(UInt16(list.count))
    for text in list { try buffer.writeCQL(string: text) }
  }

  static func supported(_ options: [String: [String]]) throws -> ByteBuffer {
    try of {
      $0.writeInteger(UInt16(options.count))
      for (name, values) in options {
        try $0.writeCQL(string: name)
        try strings(values, &$0)
      }
    }
  }

  /// - Parameter isGlobal: whether keyspace and table are written once for all columns.
  static func columns(_ columns: [CQLColumn], isGlobal: Bool, _ buffer: inout ByteBuffer) throws {
    if isGlobal, let first = columns.first {
      try buffer.writeCQL(string: first.keyspace)
      try buffer.writeCQL(string: first.table)
    }
    for column in columns {
      if !isGlobal {
        try buffer.writeCQL(string: column.keyspace)
        try buffer.writeCQL(string: column.table)
      }
      try buffer.writeCQL(string: column.name)
      try column.type.write(to: &buffer)
    }
  }

  static func rows(
    _ columns: [CQLColumn], _ rows: [[CQLValue]], pagingState: [UInt8]? = nil, isGlobal: Bool = true
  ) throws -> ByteBuffer {
    let isGlobal = isGlobal && !columns.isEmpty
    return try of { buffer in
      buffer.writeInteger(2 as Int32)
      buffer.writeInteger((isGlobal ? 1 : 0) | (pagingState == nil ? 0 : 2) as Int32)
      buffer.writeInteger(Int32(columns.count))
      if let pagingState { buffer.writeCQL(bytes: pagingState) }
      try Body.columns(columns, isGlobal: isGlobal, &buffer)
      buffer.writeInteger(Int32(rows.count))
      for row in rows {
        for (value, column) in zip(row, columns) { try value.write(as: column.type, to: &buffer) }
      }
    }
  }

  static func prepared(
    _ id: [UInt8], _ parameters: [CQLColumn], partitionKey: [Int] = [], result: [CQLColumn] = []
  ) throws -> ByteBuffer {
    try of { buffer in
      buffer.writeInteger(4 as Int32)
      try buffer.writeCQL(shortBytes: id)
      buffer.writeInteger((parameters.isEmpty ? 0 : 1) as Int32)
      buffer.writeInteger(Int32(parameters.count))
      buffer.writeInteger(Int32(partitionKey.count))
      for index in partitionKey { buffer.writeInteger(UInt16(index)) }
      try columns(parameters, isGlobal: !parameters.isEmpty, &buffer)
      buffer.writeInteger((result.isEmpty ? 0 : 1) as Int32)
      buffer.writeInteger(Int32(result.count))
      try columns(result, isGlobal: !result.isEmpty, &buffer)
    }
  }

  static func failure(_ failure: CQLFailure) throws -> ByteBuffer {
    try of { buffer in
      buffer.writeInteger(failure.code)
      try buffer.writeCQL(string: failure.message)
      func numbers(_ consistency: Consistency, _ numbers: Int32...) {
        buffer.writeInteger(consistency.rawValue)
        for number in numbers { buffer.writeInteger(number) }
      }
      switch failure.detail {
      case .none: break
      case .unavailable(let consistency, let required, let alive): numbers(consistency, required, alive)
      case .writeTimeout(let consistency, let received, let required, let kind):
        numbers(consistency, received, required)
        try buffer.writeCQL(string: kind)
      case .readTimeout(let consistency, let received, let required, let hasData):
        numbers(consistency, received, required)
        buffer.writeInteger((hasData ? 1 : 0) as UInt8)
      case .readFailure(let consistency, let received, let required, let failures, let hasData):
        numbers(consistency, received, required, failures)
        buffer.writeInteger((hasData ? 1 : 0) as UInt8)
      case .writeFailure(let consistency, let received, let required, let failures, let kind):
        numbers(consistency, received, required, failures)
        try buffer.writeCQL(string: kind)
      case .functionFailure(let keyspace, let function, let arguments):
        try buffer.writeCQL(string: keyspace)
        try buffer.writeCQL(string: function)
        try strings(arguments, &buffer)
      case .alreadyExists(let keyspace, let table):
        try buffer.writeCQL(string: keyspace)
        try buffer.writeCQL(string: table)
      case .unprepared(let id): try buffer.writeCQL(shortBytes: id)
      }
    }
  }

  /// One of each code, with all it says besides.
  static let failures: [CQLFailure] = [
    CQLFailure(.server, "bug"), CQLFailure(.protocol, "what?"), CQLFailure(.badCredentials, "no"),
    CQLFailure(.unavailable, "too few", .unavailable(.quorum, required: 2, alive: 1)),
    CQLFailure(.overloaded, "busy"), CQLFailure(.bootstrapping, "not yet"), CQLFailure(.truncate, "no"),
    CQLFailure(.writeTimeout, "late", .writeTimeout(.quorum, received: 1, required: 2, kind: "SIMPLE")),
    CQLFailure(.readTimeout, "late", .readTimeout(.localOne, received: 0, required: 1, hasData: false)),
    CQLFailure(.readFailure, "broken", .readFailure(.one, received: 1, required: 2, failures: 1, hasData: true)),
    CQLFailure(
      .functionFailure, "f", .functionFailure(keyspace: "k", function: "f", arguments: ["int", "text"])),
    CQLFailure(.writeFailure, "broken", .writeFailure(.all, received: 2, required: 3, failures: 1, kind: "BATCH")),
    CQLFailure(.syntax, "line 1"), CQLFailure(.unauthorized, "no"), CQLFailure(.invalid, "no"),
    CQLFailure(.configuration, "no"), CQLFailure(.alreadyExists, "there", .alreadyExists(keyspace: "k", table: "t")),
    CQLFailure(.unprepared, "who?", .unprepared(id: [1, 2, 3])),
  ]
}

extension CQLFrame {
  static func answer(_ opcode: CQLFormat.Opcode, stream: Int16, _ body: ByteBuffer = ByteBuffer()) -> CQLFrame {
    CQLFrame(isResponse: true, stream: stream, opcode: opcode, body: body)
  }

  var bytes: [UInt8] {
    var buffer = ByteBuffer()
    write(to: &buffer)
    return Array(buffer.readableBytesView)
  }
}
