import DarkBird
import Foundation

/// Keys and documents with everything in them that is difficult for some format.
struct RandomDocuments {
  private var generator: SplitMix

  init(seed: UInt64) { generator = SplitMix(state: seed &* 0x9E37_79B9_7F4A_7C15 &+ 0xD1B5_4A32_D192_ED03) }

  mutating func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(bound)) }

  mutating func text() -> String {
    let parts = [
      "a", "é", "e\u{301}", "東京", "\"", ",", "\n", "\r", "\r\n", "\t", "\u{1b}[2J", "\u{9b}", "\u{202e}", "\u{2028}",
      // Marks make one character of themselves and what is before them; a sign of Arabic numbers what is behind it.
      "\0", "$", "\u{301}", "\u{600}",
      "$date", "true", "42", "042", "1.5", "2024-01-31", " ", "\\", "{", "}]", "key", ":int", "\u{feff}", "👩‍👩‍👧",
    ]
    return (0..<below(4)).map { _ in parts[below(parts.count)] }.joined()
  }

  mutating func number() -> Double {
    let numbers: [Double] = [
      0, -0.0, 1, 1.5, 1e300, -1e-300, .infinity, -.infinity, .nan, .pi, .leastNonzeroMagnitude,
      9_007_199_254_740_992, 1e16,
    ]
    return below(3) == 0
      ? Double(bitPattern: generator.next() & 0xbfff_ffff_ffff_ffff) : numbers[below(numbers.count)]
  }

  mutating func value(depth: Int = 0) -> Value {
    switch below(depth < 3 ? 11 : 9) {
    case 0: .null
    case 1: .bool(below(2) == 0)
    case 2: .int(Int64(below(2_000)) - 1_000)
    case 3: .int(below(2) == 0 ? .min : .max)
    case 4: Value(UInt64.max - UInt64(below(9)))
    case 5: .double(number())
    case 6: .string(text())
    case 7: .bytes((0..<below(6)).map { _ in UInt8(below(256)) })
    case 8:
      .date(
        Date(
          timeIntervalSince1970: below(2) == 0
            ? Double(below(4_000_000_000)) / [1, 8, 1_000][below(3)] : Double(below(1 << 53)) * 1_003.7))
    case 9: .array((0..<below(4)).map { _ in value(depth: depth + 1) })
    default: .map(record(depth: depth + 1))
    }
  }

  mutating func record(depth: Int = 0) -> Record {
    Record((0..<below(5)).map { _ in ((below(2) == 0 ? "f" : "") + text(), value(depth: depth + 1)) })
  }

  /// Columns of one kind each, some of them missing here and there.
  mutating func row() -> Record {
    var fields: [(String, Value)] = []
    for kind in 0..<9 where below(4) > 0 {
      var value = value()
      while Self.kind(value) != kind { value = self.value() }
      fields.append(("column \(kind)", value))
    }
    return Record(fields)
  }

  private static func kind(_ value: Value) -> Int {
    switch value {
    case .null: 0
    case .bool: 1
    case .int: 2
    case .unsigned: 3
    case .double: 4
    case .string: 5
    case .bytes: 6
    case .date: 7
    case .array, .map: 8
    }
  }
}

/// A value as bytes, in which every NaN and every sign of zero shows.
func bytes(_ value: Value) throws -> [UInt8] {
  var writer = CBORWriter()
  try writer.write(value)
  return writer.bytes
}
