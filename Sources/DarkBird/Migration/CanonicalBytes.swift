import Foundation

// Bytes that are equal where the store takes what they stand for as equal: Swift compares text by what it means, not by its
// code points, and numbers by their value.

/// Of an encoded key.
func canonicalKey(_ key: UnsafeRawBufferPointer) -> [UInt8] {
  // Integers, and text of ASCII characters: almost all keys there are.
  let majorType = (key.first ?? 0xff) >> 5
  if majorType <= 1 || majorType == 3 && key.allSatisfy({ $0 < 0x80 }) { return Array(key) }
  guard let value = try? CBORReader.read(key, { try $0.readValue() }) else { return Array(key) }
  var writer = CBORWriter()
  guard (try? writer.write(canonical(value))) != nil else { return Array(key) }
  return writer.bytes
}

private func canonical(_ value: Value) -> Value {
  switch value {
  case .string(let text): .string(text.precomposedStringWithCanonicalMapping)
  case .double(let number): .double(number == 0 ? 0 : number)
  case .array(let values): .array(values.map(canonical))
  case .map(let record): .map(Record(record.fields.map { ($0.name, canonical($0.value)) }))
  case .null, .bool, .int, .unsigned, .bytes, .date: value
  }
}

/// Of a value of a unique index, with the index's number.
func canonicalValue(_ value: IndexValue, index: Int) -> [UInt8] {
  func bytes(_ kind: UInt8, _ number: UInt64) -> [UInt8] {
    [kind] + withUnsafeBytes(of: number.littleEndian, Array.init)
  }
  let content: [UInt8] =
    switch value {
    case .bool(let value): [0, value ? 1 : 0]
    case .int(let value): bytes(1, UInt64(bitPattern: value))
    case .double(let value):
      if let whole = Int64(exactly: value) { bytes(1, UInt64(bitPattern: whole)) } else { bytes(2, value.bitPattern) }
    case .date(let value):
      bytes(3, (value.keptSeconds == 0 ? 0 : value.keptSeconds).bitPattern)
    case .string(let value): [4] + value.precomposedStringWithCanonicalMapping.utf8
    }
  return withUnsafeBytes(of: UInt32(index).littleEndian, Array.init) + content
}
