import Foundation
import NIOCore

@testable import DarkBirdCassandra

/// One statement of CQL, read, of the forms that this package sends.
struct MemoryStatement {
  typealias State = MemoryCassandra.State
  typealias Table = MemoryCassandra.Table

  /// A value in the text, or the number of one that comes with the request.
  enum Operand {
    case value(CQLText.Word)
    case parameter(Int)
  }

  struct Condition {
    var column: String
    var sign: String
    var operand: Operand
  }

  enum Selected {
    case column(String)
    case writeTime(String)
  }

  enum Form {
    case use(String)
    case create(TableName, Table)
    case add(TableName, CQLColumn)
    case insert(TableName, [String], [Operand])
    case remove(TableName, [Condition])
    case update(TableName, [(String, Operand)], [Condition], ifs: [Condition])
    /// Nil for all columns.
    case select(TableName, [Selected]?, [Condition])
  }

  private(set) var form = Form.use("")
  /// Those of the request.
  private(set) var parameters: [CQLColumn] = []
  private var timestamp: Operand?
  private var timeToLive: Int?

  init(_ text: String, _ state: State) throws {
    var text = try CQLText(text)
    form = try read(&text, state)
    guard text.next == nil else { throw CQLText.Unreadable(reason: "more than a statement: \(text.next!)") }
  }

  // MARK: Reading

  private mutating func read(_ text: inout CQLText, _ state: State) throws -> Form {
    if text.take("use") { return .use(try text.name()) }
    if text.take("create table if not exists") { return try readCreate(&text) }
    if text.take("alter table") {
      let name = try tableName(&text)
      try text.expect("add")
      return .add(name, try column(&text, name))
    }
    if text.take("insert into") {
      let (name, table) = try table(&text, state)
      try text.expect("(")
      let columns = try text.list { try $0.name() }
      try text.expect(")")
      try text.expect("values")
      try text.expect("(")
      var operands: [Operand] = []
      for column in columns {
        if !operands.isEmpty { try text.expect(",") }
        operands.append(try operand(&text, column, table.type(column), name))
      }
      try text.expect(")")
      try readUsing(&text, name)
      return .insert(name, columns, operands)
    }
    if text.take("delete from") {
      let (name, table) = try table(&text, state)
      try readUsing(&text, name)
      return .remove(name, try conditions(&text, "where", name, table))
    }
    if text.take("update") {
      let (name, table) = try table(&text, state)
      try readUsing(&text, name)
      try text.expect("set")
      var changes: [(String, Operand)] = []
      repeat {
        let column = try text.name()
        try text.expect("=")
        changes.append((column, try operand(&text, column, table.type(column), name)))
      } while text.take(",")
      let place = try conditions(&text, "where", name, table)
      return .update(name, changes, place, ifs: try conditions(&text, "if", name, table))
    }
    try text.expect("select")
    var selected: [Selected]? = []
    if text.take("*") {
      selected = nil
    } else {
      selected = try text.list { text in
        if text.take("writetime (") {
          let name = try text.name()
          try text.expect(")")
          return .writeTime(name)
        }
        return .column(try text.name())
      }
    }
    try text.expect("from")
    let (name, table) = try table(&text, state)
    let conditions = try conditions(&text, "where", name, table)
    _ = text.take("allow filtering")
    for case .column(let column) in selected ?? [] { _ = try table.type(column) }
    return .select(name, selected, conditions)
  }

  private func tableName(_ text: inout CQLText) throws -> TableName {
    let first = try text.name()
    return text.take(".") ? TableName(keyspace: first, name: try text.name()) : TableName(keyspace: "club", name: first)
  }

  private func table(_ text: inout CQLText, _ state: State) throws -> (TableName, Table) {
    let name = try tableName(&text)
    if name.keyspace.hasPrefix("system") { return (name, try SystemTables.table(name, state)) }
    guard let table = state.tables[name] else { throw CQLText.Unreadable(reason: "unconfigured table \(name.name)") }
    return (name, table)
  }

  private func readCreate(_ text: inout CQLText) throws -> Form {
    let name = try tableName(&text)
    try text.expect("(")
    var columns: [CQLColumn] = []
    var keys: [String] = []
    repeat {
      if text.take("primary key (") {
        keys = try text.list { try $0.name() }
        try text.expect(")")
        continue
      }
      columns.append(try column(&text, name))
      if text.take("primary key") { keys.append(columns[columns.count - 1].name) }
    } while text.take(",")
    try text.expect(")")
    return .create(name, Table(columns: columns, keys: keys))
  }

  private func column(_ text: inout CQLText, _ table: TableName) throws -> CQLColumn {
    CQLColumn(keyspace: table.keyspace, table: table.name, name: try text.name(), type: try type(&text))
  }

  private func type(_ text: inout CQLText) throws -> CQLType {
    let name = try text.name()
    func types() throws -> [CQLType] {
      try text.expect("<")
      let types = try text.list { try type(&$0) }
      try text.expect(">")
      return types
    }
    switch name {
    case "list": return .list(try types()[0])
    case "set": return .set(try types()[0])
    case "frozen": return try types()[0]
    case "tuple": return .tuple(try types())
    case "map":
      let types = try types()
      return .map(types[0], types[1])
    case "point":
      return .udt(
        keyspace: "club", name: "point", fields: [.init(name: "x", type: .int), .init(name: "y", type: .text)])
    case "vector": return .custom("org.apache.cassandra.db.marshal.VectorType(FloatType, 3)")
    case "varchar": return .text
    default:
      guard let known = CQLType.scalars.values.first(where: { $0.description == name }) else {
        throw CQLText.Unreadable(reason: "Unknown type \(name)")
      }
      return known
    }
  }

  private mutating func readUsing(_ text: inout CQLText, _ table: TableName) throws {
    guard text.take("using") else { return }
    if text.take("ttl") {
      guard case .number(let number) = try text.word() else { throw CQLText.Unreadable(reason: "no number") }
      timeToLive = Int(number)
    } else {
      try text.expect("timestamp")
      timestamp = try operand(&text, "[timestamp]", .bigint, table)
    }
  }

  private mutating func operand(
    _ text: inout CQLText, _ column: String, _ type: CQLType, _ table: TableName
  ) throws -> Operand {
    let word = try text.word()
    guard word == .symbol("?") else { return .value(word) }
    parameters.append(CQLColumn(keyspace: table.keyspace, table: table.name, name: column, type: type))
    return .parameter(parameters.count - 1)
  }

  private mutating func conditions(
    _ text: inout CQLText, _ word: String, _ name: TableName, _ table: Table
  ) throws -> [Condition] {
    guard text.take(word) else { return [] }
    var conditions: [Condition] = []
    repeat {
      let column = try text.name()
      guard let sign = [">", "<", "="].first(where: { text.take($0) }) else {
        throw CQLText.Unreadable(reason: "no sign")
      }
      let full = sign != "=" && text.take("=") ? sign + "=" : sign
      conditions.append(
        Condition(column: column, sign: full, operand: try operand(&text, column, table.type(column), name)))
    } while text.take("and")
    return conditions
  }

  /// Which parameters are the key.
  var keyPlaces: [Int] {
    switch form {
    case .insert(_, let columns, let operands):
      for (column, operand) in zip(columns, operands) where ["key", "id"].contains(column) {
        if case .parameter(let index) = operand { return [index] }
      }
    case .remove(_, let conditions), .update(_, _, let conditions, _), .select(_, _, let conditions):
      if conditions.count == 1, case .parameter(let index) = conditions[0].operand { return [index] }
    default: break
    }
    return []
  }

  // MARK: Running

  private struct Values {
    var parameters: [CQLValue]

    func value(_ operand: Operand, _ type: CQLType) throws -> CQLValue {
      switch operand {
      case .parameter(let index): return parameters[index]
      case .value(.string(let text)): return .text(text)
      case .value(.name("null")): return .null
      case .value(.name("true")): return .boolean(true)
      case .value(.number(let text)):
        guard let number = Int64(text) else { throw CQLText.Unreadable(reason: "no number: \(text)") }
        return .integer(number)
      case .value(let word): throw CQLText.Unreadable(reason: "no value: \(word)")
      }
    }

    func matches(_ conditions: [Condition], _ row: (String) -> CQLValue, _ table: Table) throws -> Bool {
      try conditions.allSatisfy { condition in
        let value = try value(condition.operand, table.type(condition.column))
        if condition.sign == "=" { return row(condition.column) == value }
        guard case .integer(let left) = row(condition.column), case .integer(let right) = value else { return false }
        switch condition.sign {
        case ">": return left > right
        case "<": return left < right
        case ">=": return left >= right
        default: return left <= right
        }
      }
    }
  }

  func run(_ request: CQLParameters, _ state: inout State) throws -> ByteBuffer {
    guard request.values.count == parameters.count else {
      throw CQLText.Unreadable(reason: "Invalid amount of bind variables")
    }
    let values = Values(
      parameters: try zip(request.values, parameters).map { bytes, column in
        guard let bytes else { return .null }
        var buffer = ByteBuffer()
        buffer.writeInteger(Int32(bytes.readableBytes))
        buffer.writeImmutableBuffer(bytes)
        return try CQLValue.read(column.type, from: &buffer)
      })
    switch form {
    case .use(let name):
      guard state.keyspaces.contains(name) else {
        throw CQLText.Unreadable(reason: "Keyspace '\(name)' does not exist")
      }
      return try Body.setKeyspace(name)
    case .create(let name, let table):
      guard state.keyspaces.contains(name.keyspace) else {
        throw CQLText.Unreadable(reason: "Keyspace '\(name.keyspace)' doesn't exist")
      }
      if state.tables[name] == nil { state.tables[name] = table }
      return try Body.schemaChange("CREATED", "TABLE", [name.keyspace, name.name])
    case .add(let name, let column):
      guard let table = state.tables[name] else { throw CQLText.Unreadable(reason: "unconfigured table \(name.name)") }
      if table.columns.contains(where: { $0.name == column.name }) {
        throw CQLText.Unreadable(
          reason: "Invalid column name \(column.name) because it conflicts with an existing column")
      }
      state.tables[name]?.columns.append(column)
      return try Body.schemaChange("UPDATED", "TABLE", [name.keyspace, name.name])
    case .insert(let name, let columns, let operands):
      let table = state.tables[name]!
      var row: [String: CQLValue] = [:]
      for (column, operand) in zip(columns, operands) { row[column] = try values.value(operand, table.type(column)) }
      try state.tables[name]!.write(row, at: try time(values), expires: nil)
      if let key = row["key"] { state.nodes[state.node].written.append(key) }
      return Body.void()
    case .remove(let name, let conditions):
      try state.tables[name]!.remove(try key(conditions, values, state.tables[name]!), at: try time(values))
      return Body.void()
    case .update(let name, let changes, let place, let ifs):
      return try update(name, changes, place, ifs, values, &state)
    case .select(let name, let selected, let conditions):
      return try select(name, selected, conditions, values, request, state)
    }
  }

  private func time(_ values: Values) throws -> Int64 {
    guard let timestamp, case .integer(let number) = try values.value(timestamp, .bigint) else {
      throw CQLText.Unreadable(reason: "a write without a timestamp")
    }
    return number
  }

  private func key(_ conditions: [Condition], _ values: Values, _ table: Table) throws -> [String: CQLValue] {
    var key: [String: CQLValue] = [:]
    for condition in conditions {
      key[condition.column] = try values.value(condition.operand, table.type(condition.column))
    }
    return key
  }

  /// A lightweight transaction: at the server's own time, which only goes forward.
  private func update(
    _ name: TableName, _ changes: [(String, Operand)], _ place: [Condition], _ ifs: [Condition], _ values: Values,
    _ state: inout State
  ) throws -> ByteBuffer {
    guard var table = state.tables[name], !ifs.isEmpty else { throw CQLText.Unreadable(reason: "an UPDATE without IF") }
    var row = try key(place, values, table)
    let known = try table.rows[table.place(row)]
    func current(_ column: String) -> CQLValue {
      guard let known, let cell = known.cells[column], cell.isVisible(known, state.clock) else { return .null }
      return cell.value
    }
    let applied = CQLColumn(keyspace: name.keyspace, table: name.name, name: "[applied]", type: .boolean)
    guard try values.matches(ifs, current, table) else {
      let columns = try ifs.map { condition in
        CQLColumn(
          keyspace: name.keyspace, table: name.name, name: condition.column, type: try table.type(condition.column))
      }
      return try Body.rows([applied] + columns, [[.boolean(false)] + columns.map { current($0.name) }])
    }
    for (column, operand) in changes { row[column] = try values.value(operand, table.type(column)) }
    let time = (known?.cells.values.map(\.timestamp).max() ?? 0) + 1
    try table.write(row, at: time, expires: timeToLive.map { state.clock + $0 }, isInsert: false)
    state.tables[name] = table
    return try Body.rows([applied], [[.boolean(true)]])
  }

  private func select(
    _ name: TableName, _ selected: [Selected]?, _ conditions: [Condition], _ values: Values, _ request: CQLParameters,
    _ state: State
  ) throws -> ByteBuffer {
    let table = try name.keyspace.hasPrefix("system") ? SystemTables.table(name, state) : state.tables[name]!
    let selected = selected ?? table.columns.map { .column($0.name) }
    let columns = try selected.map { part in
      switch part {
      case .column(let column):
        CQLColumn(keyspace: name.keyspace, table: name.name, name: column, type: try table.type(column))
      case .writeTime(let column):
        CQLColumn(keyspace: name.keyspace, table: name.name, name: "writetime(\(column))", type: .bigint)
      }
    }
    func cell(_ row: MemoryCassandra.Row, _ column: String) -> CQLValue {
      if let index = table.keys.firstIndex(of: column) { return row.key[index] }
      guard let cell = row.cells[column], cell.isVisible(row, state.clock) else { return .null }
      return cell.value
    }
    // In the order of tokens, as a server has them.
    var places = table.rows.keys.map { (token: Murmur3.token($0), place: $0) }
    places.sort { $0.token != $1.token ? $0.token < $1.token : $0.place.lexicographicallyPrecedes($1.place) }
    let after = request.pagingState.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
    var rows: [[CQLValue]] = []
    let pageSize = Int(min(request.pageSize ?? .max, state.pageMax))
    for (token, place) in places {
      if let after, token <= after { continue }
      let row = table.rows[place]!
      guard row.isVisible(state.clock), try values.matches(conditions, { cell(row, $0) }, table) else { continue }
      rows.append(
        selected.map { part in
          switch part {
          case .column(let column): return cell(row, column)
          case .writeTime(let column):
            guard let found = row.cells[column], found.isVisible(row, state.clock) else { return .null }
            return .integer(found.timestamp)
          }
        })
      if rows.count == pageSize { return try Body.rows(columns, rows, pagingState: Array("\(token)".utf8)) }
    }
    return try Body.rows(columns, rows)
  }
}

/// What a server says of its tables.
private enum SystemTables {
  static func table(_ name: TableName, _ state: MemoryCassandra.State) throws -> MemoryCassandra.Table {
    func column(_ column: String, _ type: CQLType) -> CQLColumn {
      CQLColumn(keyspace: name.keyspace, table: name.name, name: column, type: type)
    }
    if name.keyspace == "system" {
      var table = MemoryCassandra.Table(
        columns: [
          column("peer", .inet), column("rpc_address", .inet), column("data_center", .text),
          column("partitioner", .text),
          column("tokens", .set(.text)), column("schema_version", .uuid),
        ], keys: ["peer"])
      for (index, node) in state.nodes.enumerated() where (name.name == "local") == (index == state.node) {
        try table.write(
          [
            "peer": .inet(node.address), "rpc_address": .inet(node.address), "data_center": .text(node.dataCenter),
            "partitioner": .text("org.apache.cassandra.dht.Murmur3Partitioner"),
            "tokens": .list(node.tokens.map { .text(String($0)) }), "schema_version": .uuid(UUID(high: 0, low: 1)),
          ], at: 1, expires: nil)
      }
      return table
    }
    if name.name == "keyspaces" {
      var table = MemoryCassandra.Table(columns: [column("keyspace_name", .text)], keys: ["keyspace_name"])
      for keyspace in state.keyspaces { try table.write(["keyspace_name": .text(keyspace)], at: 1, expires: nil) }
      return table
    }
    let keys = ["keyspace_name", "table_name", "column_name"]
    var table = MemoryCassandra.Table(
      columns: keys.map { column($0, .text) } + [column("kind", .text), column("position", .int)], keys: keys)
    for (name, other) in state.tables {
      for column in other.columns {
        let place = other.keys.firstIndex(of: column.name)
        try table.write(
          [
            "keyspace_name": .text(name.keyspace), "table_name": .text(name.name), "column_name": .text(column.name),
            "kind": .text(place == nil ? "regular" : place == 0 ? "partition_key" : "clustering"),
            "position": .integer(place == nil ? -1 : Int64(max(0, (place ?? 0) - 1))),
          ], at: 1, expires: nil)
      }
    }
    return table
  }
}
