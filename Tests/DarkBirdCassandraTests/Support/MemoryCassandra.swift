import Foundation
import NIOCore
import Synchronization

@testable import DarkBirdCassandra

/// A database in memory that stores what the statements say which this package sends: rows whose cells have timestamps, of which the
/// later one wins, and of a write and a removal at the same one the removal.
final class MemoryCassandra: Sendable {
  struct Cell {
    var timestamp: Int64
    var value: CQLValue
    /// By the clock of the test; nil for never.
    var expires: Int?
  }

  struct Row {
    var key: [CQLValue]
    var removed = Int64.min
    var marker = Int64.min
    var cells: [String: Cell] = [:]
  }

  struct Table {
    /// In the order of their making.
    var columns: [CQLColumn]
    var keys: [String]
    var rows: [[UInt8]: Row] = [:]

    func type(_ name: String) throws -> CQLType {
      guard let column = columns.first(where: { $0.name == name }) else {
        throw CQLText.Unreadable(reason: "Undefined column name \(name)")
      }
      return column.type
    }
  }

  struct Node {
    var address: [UInt8] = [127, 0, 0, 1]
    var dataCenter = "here"
    var tokens: [Int64] = [0]
    /// Keys of rows that were written through it.
    var written: [CQLValue] = []
  }

  struct State {
    var nodes = [Node()]
    /// The one that is asked.
    var node = 0
    var tables: [TableName: Table] = [:]
    var keyspaces: Set<String> = ["club"]
    var prepared: [[UInt8]: String] = [:]
    var clock = 0
    var statements: [String: Int] = [:]
    /// What a request is refused with, instead of being done.
    var refuse: (@Sendable (CQLRequest) -> CQLFailure?)?
    var pageMax = Int32.max
    /// A node that executes nothing, and how often it said so.
    var busyNode: Int?
    var refusals = 0
  }

  let state = Mutex(State())
  let users: [String: String]

  init(users: [String: String] = [:]) { self.users = users }

  /// How often a statement that begins so was executed.
  func count(_ prefix: String) -> Int {
    state.withLock { $0.statements.filter { $0.key.hasPrefix(prefix) }.reduce(0) { $0 + $1.value } }
  }

  func forgetPrepared() { state.withLock { $0.prepared = [:] } }
  func advanceClock(_ seconds: Int) { state.withLock { $0.clock += seconds } }

  func refuse(_ body: (@Sendable (CQLRequest) -> CQLFailure?)?) { state.withLock { $0.refuse = body } }

  /// Answers everything, on any connection.
  @Sendable func answer(_ request: CQLRequest, _ connection: CQLServer.Connection, _ stream: Int16) throws {
    let (opcode, body) = try reply(to: request)
    connection.send(opcode, stream, body)
  }

  /// The same as one of several nodes.
  func answer(as node: Int) -> CQLServer.Answer {
    { request, connection, stream in
      let (opcode, body) = try self.reply(to: request, node)
      connection.send(opcode, stream, body)
    }
  }

  func reply(to request: CQLRequest, _ node: Int = 0) throws -> (CQLFormat.Opcode, ByteBuffer) {
    do {
      return try state.withLock { state in
        state.node = node
        if case .execute = request, node == state.busyNode {
          state.refusals += 1
          return (.error, try Body.failure(CQLFailure(.overloaded, "busy")))
        }
        if let failure = state.refuse?(request) { return (.error, try Body.failure(failure)) }
        return try reply(to: request, &state)
      }
    } catch let error as CQLText.Unreadable {
      return (.error, try Body.failure(CQLFailure(.invalid, error.reason)))
    } catch let failure as Refusal {
      return (.error, try Body.failure(failure.failure))
    }
  }

  struct Refusal: Error {
    var failure: CQLFailure
  }

  private func reply(to request: CQLRequest, _ state: inout State) throws -> (CQLFormat.Opcode, ByteBuffer) {
    switch request {
    case .options: return (.supported, try Body.supported(["CQL_VERSION": ["3.4.5"]]))
    case .startup:
      return users.isEmpty ? (.ready, ByteBuffer()) : (.authenticate, try Body.string("PasswordAuthenticator"))
    case .authResponse(let token):
      let parts = token.split(separator: 0, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
      }
      guard parts.count == 3, users[parts[1]] == parts[2] else {
        throw Refusal(failure: CQLFailure(.badCredentials, "Provided username x and/or password are incorrect"))
      }
      return (.authSuccess, Body.of { $0.writeInteger(-1 as Int32) })
    case .prepare(let text):
      let statement = try MemoryStatement(text, state)
      let id = Array("\(text.hashValue)".utf8)
      state.prepared[id] = text
      let keys = statement.keyPlaces
      return (.result, try Body.prepared(id, statement.parameters, partitionKey: keys))
    case .execute(let id, let parameters):
      guard let text = state.prepared[id] else {
        throw Refusal(failure: CQLFailure(.unprepared, "unknown statement", .unprepared(id: id)))
      }
      return (.result, try run(text, parameters, &state))
    case .query(let text, let parameters): return (.result, try run(text, parameters, &state))
    case .batch(let batch):
      for entry in batch.entries {
        var parameters = CQLParameters()
        parameters.values = entry.values
        switch entry.statement {
        case .query(let text): _ = try run(text, parameters, &state)
        case .prepared(let id): _ = try run(state.prepared[id] ?? "", parameters, &state)
        }
      }
      return (.result, Body.void())
    case .register: return (.ready, ByteBuffer())
    }
  }

  private func run(_ text: String, _ parameters: CQLParameters, _ state: inout State) throws -> ByteBuffer {
    state.statements[text, default: 0] += 1
    let statement = try MemoryStatement(text, state)
    return try statement.run(parameters, &state)
  }
}

// MARK: For tests

extension MemoryCassandra {
  /// What a client sees of a table: rows by their keys.
  func rows(_ name: String, keyspace: String = "club") -> [[CQLValue]: [String: CQLValue]] {
    state.withLock { state in
      guard let table = state.tables[TableName(keyspace: keyspace, name: name)] else { return [:] }
      var rows: [[CQLValue]: [String: CQLValue]] = [:]
      for row in table.rows.values where row.isVisible(state.clock) {
        rows[row.key] = row.cells.compactMapValues { $0.isVisible(row, state.clock) ? $0.value : nil }
      }
      return rows
    }
  }

  func removeTable(_ name: String) {
    state.withLock { state in state.tables[TableName(keyspace: "club", name: name)] = nil }
  }

  /// Runs a statement without values.
  @discardableResult
  func run(_ text: String) throws -> [[CQLValue]] {
    let (opcode, body) = try reply(to: .query(text, CQLParameters()))
    switch try CQLResponse(.answer(opcode, stream: 0, body)) {
    case .rows(var rows):
      var result: [[CQLValue]] = []
      while let row = try rows.next() { result.append(row) }
      return result
    case .error(let failure): throw Refusal(failure: failure)
    default: return []
    }
  }

  /// Puts a row with values of any types, at timestamp 1.
  func insert(_ name: String, _ values: [String: CQLValue]) throws {
    try state.withLock { state in
      let name = TableName(keyspace: "club", name: name)
      guard var table = state.tables[name] else { throw CQLText.Unreadable(reason: "no table") }
      try table.write(values, at: 1, expires: nil)
      state.tables[name] = table
    }
  }
}

extension MemoryCassandra.Row {
  func isVisible(_ clock: Int) -> Bool {
    marker > removed || cells.values.contains { $0.value != .null && $0.isVisible(self, clock) }
  }
}

extension MemoryCassandra.Cell {
  func isVisible(_ row: MemoryCassandra.Row, _ clock: Int) -> Bool {
    timestamp > row.removed && (expires.map { $0 > clock } ?? true)
  }

  /// Of two cells the one that stays.
  func yields(to other: MemoryCassandra.Cell) -> Bool {
    if timestamp != other.timestamp { return timestamp < other.timestamp }
    if value == .null || other.value == .null { return other.value == .null }
    return "\(value)" < "\(other.value)"
  }
}

extension MemoryCassandra.Table {
  /// The bytes of the partition key, by which the rows of a table are ordered.
  func place(_ values: [String: CQLValue]) throws -> [UInt8] {
    var bytes: [UInt8] = []
    for key in keys {
      guard let value = values[key], value != .null else {
        throw CQLText.Unreadable(reason: "Invalid null value for partition key part \(key)")
      }
      var buffer = ByteBuffer()
      try value.write(as: type(key), to: &buffer)
      if keys.count == 1 { buffer.moveReaderIndex(forwardBy: 4) }
      guard buffer.readableBytes > 0 else { throw CQLText.Unreadable(reason: "Key may not be empty") }
      guard buffer.readableBytes <= 65_535 else {
        throw CQLText.Unreadable(reason: "Key length is longer than maximum")
      }
      bytes += Array(buffer.readableBytesView)
    }
    return bytes
  }

  mutating func write(_ values: [String: CQLValue], at timestamp: Int64, expires: Int?, isInsert: Bool = true) throws {
    let place = try place(values)
    var row = rows[place] ?? MemoryCassandra.Row(key: keys.map { values[$0] ?? .null })
    if isInsert { row.marker = max(row.marker, timestamp) }
    for (name, value) in values where !keys.contains(name) {
      let cell = MemoryCassandra.Cell(timestamp: timestamp, value: value, expires: expires)
      if row.cells[name]?.yields(to: cell) ?? true { row.cells[name] = cell }
    }
    rows[place] = row
  }

  mutating func remove(_ values: [String: CQLValue], at timestamp: Int64) throws {
    let place = try place(values)
    var row = rows[place] ?? MemoryCassandra.Row(key: keys.map { values[$0] ?? .null })
    row.removed = max(row.removed, timestamp)
    rows[place] = row
  }
}
