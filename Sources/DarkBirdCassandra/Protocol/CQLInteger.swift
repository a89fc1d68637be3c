/// A whole number of any size, as `varint` and `decimal` have it: in two's complement, highest byte first, as few as possible.
struct CQLInteger: Sendable, Hashable, CustomStringConvertible {
  let bytes: [UInt8]

  init(_ number: Int64) { self.init(bytes: (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * Int64($0))) }) }

  /// - Parameter bytes: none for zero.
  init(bytes: some Sequence<UInt8>) {
    var bytes = Array(bytes)
    var skip = 0
    while skip + 1 < bytes.count,
      bytes[skip] == 0 && bytes[skip + 1] < 0x80 || bytes[skip] == 0xff && bytes[skip + 1] >= 0x80
    {
      skip += 1
    }
    bytes.removeFirst(skip)
    self.bytes = bytes.isEmpty ? [0] : bytes
  }

  /// - Parameter text: digits, with or without a sign before them; nil for anything else.
  init?(_ text: some StringProtocol) {
    var digits = Array(text.utf8)
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
    guard !digits.isEmpty, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    var magnitude: [UInt32] = []
    // Nine digits at a time, least significant words first.
    var index = 0
    while index < digits.count {
      let end = min(index + 9, digits.count)
      var carry: UInt64 = 0
      var factor: UInt64 = 1
      for digit in digits[index..<end] {
        carry = carry * 10 + UInt64(digit - 0x30)
        factor *= 10
      }
      for word in magnitude.indices {
        let product = UInt64(magnitude[word]) * factor + carry
        magnitude[word] = UInt32(truncatingIfNeeded: product)
        carry = product >> 32
      }
      if carry > 0 { magnitude.append(UInt32(carry)) }
      index = end
    }
    var bytes = magnitude.reversed().flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
    }
    bytes.insert(0, at: 0)
    if isNegative { Self.negate(&bytes) }
    self.init(bytes: bytes)
  }

  var isNegative: Bool { bytes[0] >= 0x80 }

  /// Nil where 64 bits do not hold it.
  var int64: Int64? {
    guard bytes.count <= 8 else { return nil }
    return bytes.reduce(isNegative ? -1 : 0) { $0 << 8 | Int64($1) }
  }

  private static func negate(_ bytes: inout [UInt8]) {
    var carry = true
    for index in bytes.indices.reversed() {
      bytes[index] = ~bytes[index]
      if carry { (bytes[index], carry) = bytes[index].addingReportingOverflow(1) }
    }
  }

  /// Digits without a sign.
  var digits: String {
    var magnitude = bytes
    if isNegative {
      magnitude.insert(0xff, at: 0)
      Self.negate(&magnitude)
    }
    while magnitude.count % 4 != 0 { magnitude.insert(0, at: 0) }
    var words = stride(from: 0, to: magnitude.count, by: 4).map { start in
      magnitude[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }
    // Nine digits at a time, the last ones first.
    var parts: [UInt32] = []
    while words.contains(where: { $0 != 0 }) {
      var rest: UInt64 = 0
      for index in words.indices {
        let dividend = rest << 32 | UInt64(words[index])
        words[index] = UInt32(dividend / 1_000_000_000)
        rest = dividend % 1_000_000_000
      }
      parts.append(UInt32(rest))
      if words.first == 0 { words.removeFirst() }
    }
    guard let first = parts.last else { return "0" }
    return parts.dropLast().reversed().reduce(String(first)) { text, part in
      let digits = String(part)
      return text + String(repeating: "0", count: 9 - digits.count) + digits
    }
  }

  var description: String { (isNegative ? "-" : "") + digits }
}
