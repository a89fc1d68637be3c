import DarkBird
import Foundation

extension SeededGenerator {
  mutating func string() -> String {
    let alphabet: [Character] = ["a", "b", "\"", "\\", "\n", "\u{1}", "é", "水", "👩🏽‍🚀", "𐅑", " ", "\u{0}"]
    return String((0..<Int.random(in: 0...20, using: &self)).map { _ in alphabet.randomElement(using: &self) ?? "a" })
  }

  mutating func integer() -> Int64 {
    Int64(bitPattern: next()) >> Int64.random(in: 0...63, using: &self)
  }

  /// A value with arrays and maps at most `depth` deep.
  mutating func value(depth: Int) -> Value {
    switch Int.random(in: 0..<(depth > 0 ? 10 : 8), using: &self) {
    case 0: .null
    case 1: .bool(Bool.random(using: &self))
    case 2: .int(integer())
    case 3: .unsigned(next() | 1 << 63)
    case 4: .double(Double(integer()) / 1_000)
    case 5: .string(string())
    case 6: .bytes((0..<Int.random(in: 0...30, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self) })
    case 7: .date(Date(timeIntervalSince1970: Double(integer() >> 20) / 8))
    case 8: .array((0..<Int.random(in: 0...30, using: &self)).map { _ in value(depth: depth - 1) })
    default: .map(record(depth: depth - 1))
    }
  }

  mutating func record(depth: Int) -> Record {
    Record((0..<Int.random(in: 0...30, using: &self)).map { ("\($0)" + string(), value(depth: depth)) })
  }
}

func hex(_ text: String) -> [UInt8] {
  let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
  return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func decodeValue(_ bytes: [UInt8]) throws -> Value {
  try CBORReader.read(bytes) { try $0.readValue() }
}

func encoded(_ value: Value) throws -> [UInt8] {
  var writer = CBORWriter()
  try writer.write(value)
  return writer.bytes
}

func encoded(_ document: some Document) throws -> [UInt8] {
  var writer = CBORWriter()
  try document.encode(cbor: &writer)
  return writer.bytes
}

func decoded<T: Document>(_ type: T.Type = T.self, _ bytes: [UInt8]) throws -> T {
  try CBORReader.read(bytes) { try T(cbor: &$0) }
}

/// What `body` says is wrong; nil if it says nothing.
func reason(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch let error as CBORError {
    return error.reason
  } catch {
    return "not a CBORError: \(error)"
  }
}
