/// Takes a `Codable` type to a CBOR map and back, and turns the errors of `Codable` into one line that names the field.
package enum CodableBridge {
  package static func encode<T: Encodable>(_ value: T, to writer: inout CBORWriter) throws(CBORError) {
    let start = writer.bytes.count
    let node = CodableNode()
    do {
      try value.encode(to: CodableEncoder(node: node, codingPath: []))
    } catch {
      throw CBORError(offset: start, reason: reason(error))
    }
    guard node.isMap else {
      throw CBORError(offset: start, reason: "\(T.self) does not encode as a map of fields")
    }
    try node.write(to: &writer, depth: 0)
  }

  package static func decode<T: Decodable>(_ type: T.Type, from reader: inout CBORReader) throws(CBORError) -> T {
    let start = reader.offset
    let record = try reader.readRecord()
    do {
      return try T(from: CodableDecoder(value: .map(record)))
    } catch {
      throw CBORError(offset: start, reason: reason(error))
    }
  }

  /// One line: the field's path, and what is wrong there.
  private static func reason(_ error: any Error) -> String {
    switch error {
    case EncodingError.invalidValue(_, let context): return described(context.codingPath, context.debugDescription)
    case DecodingError.keyNotFound(let key, let context):
      return "field '\(path(context.codingPath + [key]))' is missing"
    case DecodingError.valueNotFound(_, let context):
      return described(context.codingPath, context.debugDescription)
    case DecodingError.typeMismatch(_, let context): return described(context.codingPath, context.debugDescription)
    case DecodingError.dataCorrupted(let context): return described(context.codingPath, context.debugDescription)
    case let error as CBORError: return error.reason
    default: return String(describing: error)
    }
  }

  private static func described(_ codingPath: [any CodingKey], _ reason: String) -> String {
    codingPath.isEmpty ? reason : "field '\(path(codingPath))': \(reason)"
  }

  /// `address.lines[2]`.
  private static func path(_ keys: [any CodingKey]) -> String {
    var text = ""
    for key in keys {
      if let index = (key as? CodableKey)?.index {
        text += "[\(index)]"
      } else {
        text += text.isEmpty ? key.stringValue : "." + key.stringValue
      }
    }
    return text
  }
}

/// A place in an array, or the name under which `superEncoder` puts things.
struct CodableKey: CodingKey {
  var stringValue: String
  var index: Int?

  var intValue: Int? { index }

  static var `super`: CodableKey { CodableKey(stringValue: "super") }

  init(index: Int) {
    stringValue = "[\(index)]"
    self.index = index
  }

  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { self.init(index: intValue) }
}
