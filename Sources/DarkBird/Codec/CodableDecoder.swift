internal import Foundation

/// Gives the parts of a value to a `Decodable` type.
///
/// Strict: an integer must be an integer that fits, a string a string. Only floating point also takes integers, and a
/// UUID also its text.
struct CodableDecoder: Decoder {
  let value: Value
  /// Path of the container that the value was taken from, and its key there. Put together only for an error or a
  /// container, for that costs an allocation.
  private let container: [any CodingKey]
  private let key: (any CodingKey)?

  init(value: Value, container: [any CodingKey] = [], key: (any CodingKey)? = nil) {
    self.value = value
    self.container = container
    self.key = key
  }

  var codingPath: [any CodingKey] { key.map { container + [$0] } ?? container }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .map(let record) = value else { throw mismatch([String: Value].self, "a map") }
    return KeyedDecodingContainer(CodableKeyedDecoder<Key>(record, codingPath))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    switch value {
    case .array(let values): return CodableUnkeyedDecoder(values: values, codingPath: codingPath)
    case .bytes(let bytes):
      return CodableUnkeyedDecoder(values: bytes.map { .int(Int64($0)) }, codingPath: codingPath)
    default: throw mismatch([Value].self, "an array")
    }
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { self }

  func mismatch(_ type: any Any.Type, _ expected: String) -> DecodingError {
    .typeMismatch(type, context("expected \(expected), found \(value.kind)"))
  }

  func context(_ reason: String) -> DecodingError.Context {
    DecodingError.Context(codingPath: codingPath, debugDescription: reason)
  }
}

extension CodableDecoder: SingleValueDecodingContainer {
  func decodeNil() -> Bool { value == .null }

  func decode(_ type: Bool.Type) throws -> Bool {
    guard case .bool(let value) = value else { throw mismatch(type, "a boolean") }
    return value
  }

  func decode(_ type: String.Type) throws -> String {
    guard case .string(let value) = value else { throw mismatch(type, "a string") }
    return value
  }

  func decode(_ type: Double.Type) throws -> Double {
    switch value {
    case .double(let value): return value
    case .int(let value): return Double(value)
    case .unsigned(let value): return Double(value)
    default: throw mismatch(type, "a number")
    }
  }

  func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }

  func decode<T: Decodable & FixedWidthInteger>(_ type: T.Type) throws -> T {
    let result: T?
    switch value {
    case .int(let value): result = T(exactly: value)
    case .unsigned(let value): result = T(exactly: value)
    default: throw mismatch(type, "an integer")
    }
    guard let result else { throw DecodingError.dataCorrupted(context("\(value) does not fit in \(type)")) }
    return result
  }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    // Comparing the types first is much cheaper than a cast.
    if T.self == Date.self, let result = try date() as? T { return result }
    if T.self == UUID.self, let result = try uuid() as? T { return result }
    if T.self == Data.self, let result = try Data(bytes()) as? T { return result }
    if T.self == [UInt8].self, case .bytes(let bytes) = value, let result = bytes as? T { return result }
    if T.self == Value.self, let result = value as? T { return result }
    if T.self == Record.self, case .map(let record) = value, let result = record as? T { return result }
    return try T(from: self)
  }

  private func date() throws -> Date {
    guard case .date(let date) = value else { throw mismatch(Date.self, "a date") }
    return date
  }

  private func bytes() throws -> [UInt8] {
    guard case .bytes(let bytes) = value else { throw mismatch(Data.self, "bytes") }
    return bytes
  }

  private func uuid() throws -> UUID {
    switch value {
    case .string(let text): if let uuid = UUID(uuidString: text) { return uuid }
    case .bytes(let bytes): if let uuid = UUID(bytes: bytes) { return uuid }
    default: break
    }
    throw mismatch(UUID.self, "a UUID")
  }
}

private struct CodableKeyedDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let record: Record
  let codingPath: [any CodingKey]
  /// Where each name stands, if there are too many to search.
  private let places: [String: Int]

  init(_ record: Record, _ codingPath: [any CodingKey]) {
    self.record = record
    self.codingPath = codingPath
    let places = record.count <= 16 ? [] : record.fields.enumerated().map { ($1.name, $0) }
    // The names of a record are distinct; were they not, the first would do.
    self.places = Dictionary(places) { first, _ in first }
  }

  var allKeys: [Key] { record.fields.compactMap { Key(stringValue: $0.name) } }

  func contains(_ key: Key) -> Bool { value(key.stringValue) != nil }
  func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).decodeNil() }
  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try decoder(key).decode(type) }
  func decode(_ type: String.Type, forKey key: Key) throws -> String { try decoder(key).decode(type) }
  func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try decoder(key).decode(type) }
  func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try decoder(key).decode(type) }

  func decode<T: Decodable & FixedWidthInteger>(_ type: T.Type, forKey key: Key) throws -> T {
    try decoder(key).decode(type)
  }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try decoder(key).decode(type) }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try decoder(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try decoder(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { try decoder(CodableKey.super) }
  func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }

  private func value(_ name: String) -> Value? {
    places.isEmpty ? record[name] : places[name].map { record.fields[$0].value }
  }

  private func decoder(_ key: any CodingKey) throws -> CodableDecoder {
    guard let value = value(key.stringValue) else {
      let context = DecodingError.Context(codingPath: codingPath, debugDescription: "no such field")
      throw DecodingError.keyNotFound(key, context)
    }
    return CodableDecoder(value: value, container: codingPath, key: key)
  }
}

private struct CodableUnkeyedDecoder: UnkeyedDecodingContainer {
  let values: [Value]
  let codingPath: [any CodingKey]
  private(set) var currentIndex = 0

  init(values: [Value], codingPath: [any CodingKey]) {
    self.values = values
    self.codingPath = codingPath
  }

  var count: Int? { values.count }
  var isAtEnd: Bool { currentIndex == values.count }

  /// A null that is there is passed over; any other value stays the next one.
  mutating func decodeNil() throws -> Bool {
    guard try decoder().decodeNil() else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode(_ type: Bool.Type) throws -> Bool { try next { try $0.decode(type) } }
  mutating func decode(_ type: String.Type) throws -> String { try next { try $0.decode(type) } }
  mutating func decode(_ type: Double.Type) throws -> Double { try next { try $0.decode(type) } }
  mutating func decode(_ type: Float.Type) throws -> Float { try next { try $0.decode(type) } }

  mutating func decode<T: Decodable & FixedWidthInteger>(_ type: T.Type) throws -> T {
    try next { try $0.decode(type) }
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next { try $0.decode(type) } }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    try next { try $0.container(keyedBy: type) }
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try next { try $0.unkeyedContainer() }
  }

  mutating func superDecoder() throws -> any Decoder { try next { $0 } }

  /// Goes on to the next value only if this one could be decoded.
  private mutating func next<T>(_ body: (CodableDecoder) throws -> T) throws -> T {
    let result = try body(decoder())
    currentIndex += 1
    return result
  }

  private func decoder() throws -> CodableDecoder {
    let key = CodableKey(index: currentIndex)
    guard !isAtEnd else {
      throw DecodingError.valueNotFound(
        Value.self,
        DecodingError.Context(
          codingPath: codingPath + [key], debugDescription: "the array has only \(values.count) elements"))
    }
    return CodableDecoder(value: values[currentIndex], container: codingPath, key: key)
  }
}
