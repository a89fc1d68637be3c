import NIOCore

/// A type of CQL, as the columns of a result have it.
indirect enum CQLType: Sendable, Hashable, CustomStringConvertible {
  case ascii, bigint, blob, boolean, counter, decimal, double, float, int, timestamp, uuid, text, varint, timeuuid, inet
  case date, time, smallint, tinyint, duration
  case list(CQLType)
  case set(CQLType)
  case map(CQLType, CQLType)
  case tuple([CQLType])
  case udt(keyspace: String, name: String, fields: [Field])
  /// By the name of a class of the server.
  case custom(String)

  struct Field: Sendable, Hashable {
    var name: String
    var type: CQLType
  }

  static let scalars: [UInt16: CQLType] = [
    0x0001: .ascii, 0x0002: .bigint, 0x0003: .blob, 0x0004: .boolean, 0x0005: .counter, 0x0006: .decimal,
    0x0007: .double, 0x0008: .float, 0x0009: .int, 0x000B: .timestamp, 0x000C: .uuid, 0x000D: .text, 0x000E: .varint,
    0x000F: .timeuuid, 0x0010: .inet, 0x0011: .date, 0x0012: .time, 0x0013: .smallint, 0x0014: .tinyint,
    0x0015: .duration,
  ]
  private static let codes = Dictionary(uniqueKeysWithValues: scalars.map { ($1, $0) })
  /// Servers write it so in version 4, to which its code does not belong.
  private static let durationClass = "org.apache.cassandra.db.marshal.DurationType"

  /// [option]
  static func read(_ buffer: inout ByteBuffer, depth: Int = 0) throws(CQLMalformed) -> CQLType {
    guard depth < CQLFormat.typeDepthMax else { throw CQLMalformed("types more than \(depth) deep") }
    let code = try buffer.cqlInteger(UInt16.self)
    if let scalar = scalars[code] { return scalar }
    switch code {
    case 0x0000:
      let name = try buffer.cqlString()
      return name == durationClass ? .duration : .custom(name)
    case 0x0020: return .list(try read(&buffer, depth: depth + 1))
    case 0x0021:
      let key = try read(&buffer, depth: depth + 1)
      return .map(key, try read(&buffer, depth: depth + 1))
    case 0x0022: return .set(try read(&buffer, depth: depth + 1))
    case 0x0030:
      let keyspace = try buffer.cqlString()
      let name = try buffer.cqlString()
      var fields: [Field] = []
      for _ in 0..<(try buffer.cqlInteger(UInt16.self)) {
        let name = try buffer.cqlString()
        fields.append(Field(name: name, type: try read(&buffer, depth: depth + 1)))
      }
      return .udt(keyspace: keyspace, name: name, fields: fields)
    case 0x0031:
      var elements: [CQLType] = []
      for _ in 0..<(try buffer.cqlInteger(UInt16.self)) { elements.append(try read(&buffer, depth: depth + 1)) }
      return .tuple(elements)
    default: throw CQLMalformed("there is no type \(code)")
    }
  }

  func write(to buffer: inout ByteBuffer) throws(CQLMalformed) {
    if self == .duration { return try CQLType.custom(Self.durationClass).write(to: &buffer) }
    if let code = Self.codes[self] {
      buffer.writeInteger(code)
      return
    }
    switch self {
    case .custom(let name):
      buffer.writeInteger(0x0000 as UInt16)
      try buffer.writeCQL(string: name)
    case .list(let element):
      buffer.writeInteger(0x0020 as UInt16)
      try element.write(to: &buffer)
    case .map(let key, let value):
      buffer.writeInteger(0x0021 as UInt16)
      try key.write(to: &buffer)
      try value.write(to: &buffer)
    case .set(let element):
      buffer.writeInteger(0x0022 as UInt16)
      try element.write(to: &buffer)
    case .udt(let keyspace, let name, let fields):
      buffer.writeInteger(0x0030 as UInt16)
      try buffer.writeCQL(string: keyspace)
      try buffer.writeCQL(string: name)
      buffer.writeInteger(UInt16(clamping: fields.count))
      for field in fields {
        try buffer.writeCQL(string: field.name)
        try field.type.write(to: &buffer)
      }
    case .tuple(let elements):
      buffer.writeInteger(0x0031 as UInt16)
      buffer.writeInteger(UInt16(clamping: elements.count))
      for element in elements { try element.write(to: &buffer) }
    default: preconditionFailure("a scalar type without a code")
    }
  }

  /// As CQL writes it.
  var description: String {
    switch self {
    case .ascii: "ascii"
    case .bigint: "bigint"
    case .blob: "blob"
    case .boolean: "boolean"
    case .counter: "counter"
    case .decimal: "decimal"
    case .double: "double"
    case .float: "float"
    case .int: "int"
    case .timestamp: "timestamp"
    case .uuid: "uuid"
    case .text: "text"
    case .varint: "varint"
    case .timeuuid: "timeuuid"
    case .inet: "inet"
    case .date: "date"
    case .time: "time"
    case .smallint: "smallint"
    case .tinyint: "tinyint"
    case .duration: "duration"
    case .list(let element): "list<\(element)>"
    case .set(let element): "set<\(element)>"
    case .map(let key, let value): "map<\(key), \(value)>"
    case .tuple(let elements): "tuple<\(elements.map(\.description).joined(separator: ", "))>"
    case .udt(let keyspace, let name, _): "\(keyspace).\(name)"
    case .custom(let name): "'\(name)'"
    }
  }
}
