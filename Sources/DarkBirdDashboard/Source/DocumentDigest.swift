import DarkBird
import Foundation

/// A document of any type as the dashboard shows it, by way of its encoded form.
struct DocumentDigest {
  let record: Record
  /// Size of the encoded document.
  let bytes: Int

  /// - Throws: what the document's own encoding throws.
  init(_ document: some Document) throws {
    var writer = CBORWriter()
    try document.encode(cbor: &writer)
    bytes = writer.bytes.count
    record = try writer.bytes.withUnsafeBytes { bytes in
      var reader = CBORReader(bytes)
      return try Record(cbor: &reader)
    }
  }

  /// The key in CBOR.
  static func encoded(_ key: some DocumentKey) throws -> [UInt8] {
    var writer = CBORWriter()
    try key.encode(cbor: &writer)
    return writer.bytes
  }

  /// The record in CBOR.
  static func encoded(_ record: Record) throws -> [UInt8] {
    var writer = CBORWriter()
    try writer.write(record)
    return writer.bytes
  }

  static func key<Key: DocumentKey>(_ type: Key.Type, encoded: [UInt8]) throws -> Key {
    try encoded.withUnsafeBytes { bytes in
      var reader = CBORReader(bytes)
      return try Key(cbor: &reader)
    }
  }

  /// Keys of a type that a text can mean, the likeliest first: a number typed for a store of numbers is a number.
  static func keys<Key: DocumentKey>(_ type: Key.Type, text: String) -> [Key] {
    var values: [Value] = []
    if let number = Int64(text) { values.append(.int(number)) }
    if let number = UInt64(text), number > UInt64(Int64.max) { values.append(.unsigned(number)) }
    let isInteger = !values.isEmpty
    values.append(.string(text))
    if !isInteger, let number = Double(text), number.isFinite { values.append(.double(number)) }
    if let flag = Bool(text) { values.append(.bool(flag)) }
    if let date = ISODate.parse(Array(text.utf8)) { values.append(.date(date)) }
    var keys = values.compactMap { value in try? key(type, encoded: encoded(value)) }
    if let uuid = UUID(uuidString: text), let key = try? key(type, encoded: encoded(uuid)) { keys.append(key) }
    return keys
  }

  /// The first fields of a record in a line: those that are indexed, then the others, nothing long.
  static func summary(_ record: Record, _ schema: SchemaDescription) -> String {
    let indexed = schema.fields.unique + schema.fields.ranges + schema.fields.tags
    var names = indexed + record.fields.map(\.name)
    var seen: Set<String> = []
    names.removeAll { !seen.insert($0).inserted }
    var text = ""
    for name in names where text.count < 120 {
      guard let value = record.value(at: name), let part = short(value) else { continue }
      text += (text.isEmpty ? "" : " ") + name + "=" + part
    }
    return text
  }

  private static func short(_ value: Value) -> String? {
    switch value {
    case .null, .map, .bytes: return nil
    case .array(let elements):
      let parts = elements.prefix(4).compactMap(short)
      return parts.isEmpty ? nil : parts.joined(separator: ",")
    case .date: return String(value.description.prefix(10))
    case .string(let text): return text.count <= 40 ? text : nil
    case .bool, .int, .unsigned, .double: return value.description
    }
  }
}
