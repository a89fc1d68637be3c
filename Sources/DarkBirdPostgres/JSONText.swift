import DarkBird
import Foundation

/// Documents as JSON within COPY's text form, in such a way that jsonb, which reads numbers and text its own way and writes
/// them anew, gives back what `TypedJSON` reads as the same document:
///
/// - jsonb writes 1e18 as an integer: floating-point numbers always have a point. It has no -0.0: `{"$double":"-0.0"}`.
/// - It refuses U+0000: such text is `{"$string":"YQBi"}`, in base64, and a map with such a name `{"$map":[[name,value],…]}`.
/// - It sorts fields: see `FieldOrder`.
///
/// Written as bytes, and with the backslashes of COPY, in one go: all documents of a store go through here.
enum JSONText {
  static func append(_ value: Value, to bytes: inout [UInt8]) {
    switch value {
    case .null: bytes += "null".utf8
    case .bool(let flag): bytes += (flag ? "true" : "false").utf8
    case .int(let number): bytes += String(number).utf8
    case .unsigned(let number): bytes += String(number).utf8
    case .double(let number): append(number, to: &bytes)
    case .string(let text): append(text, to: &bytes)
    case .bytes(let data): bytes += "{\"\(TypedJSON.bytesName)\":\"\(Data(data).base64EncodedString())\"}".utf8
    case .date(let date): bytes += "{\"\(TypedJSON.dateName)\":\(TypedJSON.date(date))}".utf8
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        append(value, to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .map(let record): append(record, to: &bytes)
    }
  }

  static func append(_ record: Record, to bytes: inout [UInt8]) {
    if record.fields.contains(where: { $0.name.utf8.contains(0) }) { return appendPairs(record, to: &bytes) }
    bytes.append(UInt8(ascii: "{"))
    for (index, field) in record.fields.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      appendQuoted(written(field.name), to: &bytes)
      bytes.append(UInt8(ascii: ":"))
      append(field.value, to: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  /// A field's name as `TypedJSON` writes it.
  static func written(_ name: String) -> String { name.utf8.first == UInt8(ascii: "$") ? "$" + name : name }

  private static func appendPairs(_ record: Record, to bytes: inout [UInt8]) {
    bytes += "{\"\(TypedJSON.mapName)\":[".utf8
    for (index, field) in record.fields.enumerated() {
      bytes += (index > 0 ? ",[" : "[").utf8
      append(field.name, to: &bytes)
      bytes.append(UInt8(ascii: ","))
      append(field.value, to: &bytes)
      bytes.append(UInt8(ascii: "]"))
    }
    bytes += "]}".utf8
  }

  private static func append(_ number: Double, to bytes: inout [UInt8]) {
    if !number.isFinite || number == 0 && number.sign == .minus {
      bytes += "{\"\(TypedJSON.doubleName)\":\"\(number)\"}".utf8
    } else if number.magnitude >= 0x1p53 && number.magnitude < 0x1p65 {
      // What jsonb might write as an integer that fits into 64 bits. All of these are whole.
      bytes += String(format: "%.1f", number).utf8
    } else {
      bytes += String(number).utf8
    }
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) {
    if appendPlain(text, to: &bytes) { return }
    if text.utf8.contains(0) {
      bytes += "{\"\(TypedJSON.stringName)\":\"\(Data(text.utf8).base64EncodedString())\"}".utf8
    } else {
      appendQuoted(text, to: &bytes)
    }
  }

  private static let digits = Array("0123456789abcdef".utf8)

  private static let quote = UInt8(ascii: "\"")
  private static let backslash = UInt8(ascii: "\\")

  /// Almost every text: false, with nothing done, if it needs an escape.
  private static func appendPlain(_ text: String, to bytes: inout [UInt8]) -> Bool {
    var text = text
    // The bytes are used within the call only.
    return text.withUTF8 { utf8 in
      for byte in utf8 where byte < 0x20 || byte == quote || byte == backslash { return false }
      bytes.append(quote)
      bytes.append(contentsOf: utf8)
      bytes.append(quote)
      return true
    }
  }

  private static func appendQuoted(_ text: String, to bytes: inout [UInt8]) {
    if appendPlain(text, to: &bytes) { return }
    bytes.append(quote)
    for byte in text.utf8 {
      switch byte {
      case quote: bytes += [backslash, backslash, byte]
      case backslash: bytes += [backslash, backslash, backslash, backslash]
      case 0..<0x20:
        bytes += [backslash, backslash]
        bytes += "u00".utf8
        bytes += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: bytes.append(byte)
      }
    }
    bytes.append(quote)
  }
}

/// The order of the fields of a document, where it is not that of jsonb: shorter names first, then by bytes.
///
/// It is kept beside the document, as an array of names: after the name of a field that itself needs one comes its order, as an
/// array for a map, as an object of orders by index for an array. So `["b","a",["y","x"]]` is that of `{"b":1,"a":{"y":2,"x":3}}`.
enum FieldOrder {
  /// Nil if jsonb has the same.
  static func order(of record: Record) -> Value? {
    var isNeeded = false
    var nested: [Value?] = []
    for (index, field) in record.fields.enumerated() {
      if index > 0, !isNeeded, !comesBefore(record.fields[index - 1].name, field.name) { isNeeded = true }
      switch field.value {
      case .map, .array:
        let order = order(of: field.value)
        if order != nil {
          isNeeded = true
          if nested.isEmpty { nested = Array(repeating: nil, count: record.count) }
          nested[index] = order
        }
      default: break
      }
    }
    guard isNeeded else { return nil }
    var order: [Value] = []
    for (index, field) in record.fields.enumerated() {
      order.append(.string(field.name))
      if !nested.isEmpty, let inner = nested[index] { order.append(inner) }
    }
    return .array(order)
  }

  private static func order(of value: Value) -> Value? {
    switch value {
    case .map(let record): return order(of: record)
    case .array(let values):
      var orders: [(String, Value)] = []
      for (index, value) in values.enumerated() {
        if let order = order(of: value) { orders.append((String(index), order)) }
      }
      return orders.isEmpty ? nil : .map(Record(orders))
    default: return nil
    }
  }

  private static func comesBefore(_ left: String, _ right: String) -> Bool {
    let (left, right) = (JSONText.written(left).utf8, JSONText.written(right).utf8)
    return left.count != right.count ? left.count < right.count : left.lexicographicallyPrecedes(right)
  }

  /// A document in its order. Fields that the order does not name come last; those that it names and are not there are skipped.
  static func applied(_ order: Value, to value: Value) -> Value {
    switch (order, value) {
    case (.array(let names), .map(let record)):
      var rest = record
      var fields: [(String, Value)] = []
      for (index, name) in names.enumerated() {
        guard case .string(let name) = name, let field = rest[name] else { continue }
        rest[name] = nil
        let next = index + 1 < names.count ? names[index + 1] : .null
        fields.append((name, applied(next, to: field)))
      }
      return .map(Record(fields + rest.fields.map { ($0.name, $0.value) }))
    case (.map(let orders), .array(var values)):
      for order in orders.fields {
        if let index = Int(order.name), values.indices.contains(index) {
          values[index] = applied(order.value, to: values[index])
        }
      }
      return .array(values)
    default: return value
    }
  }
}
