/// Reads one JSON text (RFC 8259) into a `Value`.
///
/// Not `JSONSerialization`: that gives dictionaries and numbers, so the order of the fields, the difference between `1`
/// and `1.0`, and all but one of two fields of the same name are gone before a `Record` could keep or refuse them.
/// What this keeps apart:
///
/// | JSON | Value |
/// |---|---|
/// | `1`, `-7` | `.int`; above `Int64.max` `.unsigned`; beyond 64 bits `.double` |
/// | `1.0`, `1e3` | `.double`; out of a Double's range is an error |
/// | `{"a":1,"a":2}` | an error: which of the two is meant is not known |
///
/// Time and memory are proportional to the text; nesting is limited, so that no text can exhaust the stack.
package struct JSONParser {
  /// Levels of arrays and objects, as many as the documents of a store may have.
  package static let depthMax = 64
  /// The same of `TypedJSON`, whose forms add levels, around a whole document too, and in the deepest value.
  package static let typedDepthMax = 3 * depthMax + 1

  private let bytes: [UInt8]
  private let depthMax: Int
  private var index = 0
  private var depth = 0

  /// - Throws: `BadInput` with the column (bytes from 1) of what is wrong.
  package static func parse(_ bytes: [UInt8], depthMax: Int = depthMax) throws(BadInput) -> Value {
    var parser = JSONParser(bytes: bytes, depthMax: depthMax)
    parser.skipBlanks()
    let value = try parser.value()
    parser.skipBlanks()
    if parser.index < bytes.count { throw parser.bad("text after the end of the JSON value") }
    return value
  }

  private init(bytes: [UInt8], depthMax: Int) {
    self.bytes = bytes
    self.depthMax = depthMax
  }

  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private func bad(_ reason: String) -> BadInput { BadInput(column: index + 1, reason: reason) }

  private func unexpected(_ wanted: String) -> BadInput {
    guard let next else { return bad("the text ends where \(wanted) should be") }
    let found = (0x21...0x7e).contains(next) ? "'\(Character(Unicode.Scalar(next)))'" : "byte \(next)"
    return bad("\(found) where \(wanted) should be")
  }

  private mutating func skipBlanks() {
    while let next, next == UInt8(ascii: " ") || next == 0x09 || next == 0x0a || next == 0x0d { index += 1 }
  }

  private mutating func value() throws(BadInput) -> Value {
    switch next {
    case UInt8(ascii: "{"): return .map(try object())
    case UInt8(ascii: "["): return .array(try array())
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"):
      try literal("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try literal("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try literal("null")
      return .null
    case .some(let byte) where byte == UInt8(ascii: "-") || isDigit(byte): return try number()
    default: throw unexpected("a value")
    }
  }

  private mutating func literal(_ word: StaticString) throws(BadInput) {
    let end = index + word.utf8CodeUnitCount
    guard end <= bytes.count, word.withUTF8Buffer({ $0.elementsEqual(bytes[index..<end]) }) else {
      throw unexpected("a value")
    }
    index = end
  }

  // MARK: Objects and arrays

  private mutating func enter() throws(BadInput) {
    if depth == depthMax { throw bad("nested more than \(depthMax) levels deep") }
    depth += 1
    index += 1
    skipBlanks()
  }

  /// Steps over a comma (true) or the closing bracket (false).
  private mutating func continues(until close: UInt8, _ wanted: String) throws(BadInput) -> Bool {
    skipBlanks()
    if next == close {
      index += 1
      depth -= 1
      return false
    }
    guard next == UInt8(ascii: ",") else { throw unexpected(wanted) }
    index += 1
    skipBlanks()
    return true
  }

  private mutating func array() throws(BadInput) -> [Value] {
    try enter()
    var elements: [Value] = []
    if next == UInt8(ascii: "]") {
      index += 1
      depth -= 1
      return elements
    }
    repeat { elements.append(try value()) } while try continues(until: UInt8(ascii: "]"), "',' or ']'")
    return elements
  }

  private mutating func object() throws(BadInput) -> Record {
    try enter()
    var fields = Fields()
    if next == UInt8(ascii: "}") {
      index += 1
      depth -= 1
      return fields.record
    }
    repeat {
      guard next == UInt8(ascii: "\"") else { throw unexpected("a field's name in quotes") }
      let start = index
      let name = try string()
      skipBlanks()
      guard next == UInt8(ascii: ":") else { throw unexpected("':'") }
      index += 1
      skipBlanks()
      let value = try value()
      if !fields.append(name, value) {
        throw BadInput(column: start + 1, reason: "field '\(name)' appears twice")
      }
    } while try continues(until: UInt8(ascii: "}"), "',' or '}'")
    return fields.record
  }

  // MARK: Strings

  private mutating func string() throws(BadInput) -> String {
    index += 1
    let start = index
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
    if next == UInt8(ascii: "\"") {
      let text = try utf8(bytes[start..<index], at: start)
      index += 1
      return text
    }
    return try escapedString(from: start)
  }

  /// The slow path, for strings with escapes. `index` is at the first of them.
  private mutating func escapedString(from start: Int) throws(BadInput) -> String {
    var text = Array(bytes[start..<index])
    while true {
      switch next {
      case nil: throw bad("the text ends inside a string")
      case UInt8(ascii: "\""):
        index += 1
        return try utf8(text[...], at: start)
      case UInt8(ascii: "\\"):
        index += 1
        try escape(into: &text)
      case .some(let byte):
        if byte < 0x20 { throw bad("control character \(byte) in a string; it must be escaped") }
        text.append(byte)
        index += 1
      }
    }
  }

  private mutating func escape(into text: inout [UInt8]) throws(BadInput) {
    let byte: UInt8
    switch next {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte = bytes[index]
    case UInt8(ascii: "b"): byte = 0x08
    case UInt8(ascii: "f"): byte = 0x0c
    case UInt8(ascii: "n"): byte = 0x0a
    case UInt8(ascii: "r"): byte = 0x0d
    case UInt8(ascii: "t"): byte = 0x09
    case UInt8(ascii: "u"):
      text.append(contentsOf: String(Character(try unicodeEscape())).utf8)
      return
    default: throw unexpected("an escape (one of \" \\ / b f n r t u)")
    }
    text.append(byte)
    index += 1
  }

  /// After `\`: `uXXXX`, or two of them that make a surrogate pair.
  private mutating func unicodeEscape() throws(BadInput) -> Unicode.Scalar {
    let start = index
    let first = try hexUnit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard (0xd800..<0xdc00).contains(first), next == UInt8(ascii: "\\"), index + 1 < bytes.count,
      bytes[index + 1] == UInt8(ascii: "u")
    else { throw BadInput(column: start, reason: "half of a surrogate pair") }
    index += 1
    let second = try hexUnit()
    guard (0xdc00..<0xe000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    else { throw BadInput(column: start, reason: "half of a surrogate pair") }
    return scalar
  }

  /// `uXXXX`
  private mutating func hexUnit() throws(BadInput) -> UInt32 {
    index += 1
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let next, let digit = Character(Unicode.Scalar(next)).hexDigitValue else {
        throw unexpected("a hexadecimal digit")
      }
      unit = unit << 4 | UInt32(digit)
      index += 1
    }
    return unit
  }

  private func utf8(_ text: ArraySlice<UInt8>, at start: Int) throws(BadInput) -> String {
    guard let text = String(validating: text, as: UTF8.self) else {
      throw BadInput(column: start + 1, reason: "not UTF-8")
    }
    return text
  }

  // MARK: Numbers

  private mutating func number() throws(BadInput) -> Value {
    guard let (end, isInteger) = JSONNumber.scan(bytes[index...]) else {
      throw bad("not a number as JSON writes it")
    }
    let digits = bytes[index..<end]
    if isInteger, let value = JSONNumber.integer(digits) {
      index = end
      return value
    }
    guard let number = Double(String(decoding: digits, as: UTF8.self)), number.isFinite else {
      throw bad("a number out of range")
    }
    index = end
    return .double(number)
  }
}

/// The grammar of JSON numbers, which the values of a CSV file share.
package enum JSONNumber {
  /// Where the number at the start of `bytes` ends; nil if there is none.
  package static func scan(_ bytes: ArraySlice<UInt8>) -> (end: Int, isInteger: Bool)? {
    var index = bytes.startIndex
    func isDigitThere(_ index: Int) -> Bool { index < bytes.endIndex && isDigit(bytes[index]) }
    if index < bytes.endIndex, bytes[index] == UInt8(ascii: "-") { index += 1 }
    guard isDigitThere(index) else { return nil }
    let startsWithZero = bytes[index] == UInt8(ascii: "0")
    index += 1
    if startsWithZero && isDigitThere(index) { return nil }
    while isDigitThere(index) { index += 1 }
    var isInteger = true
    if index < bytes.endIndex, bytes[index] == UInt8(ascii: ".") {
      guard isDigitThere(index + 1) else { return nil }
      isInteger = false
      index += 2
      while isDigitThere(index) { index += 1 }
    }
    if index < bytes.endIndex, bytes[index] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      index += 1
      if index < bytes.endIndex, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") { index += 1 }
      guard isDigitThere(index) else { return nil }
      while isDigitThere(index) { index += 1 }
    }
    return (index, isInteger)
  }

  /// The value of an optional minus and digits; nil if it is none, or 64 bits cannot hold it.
  package static func integer(_ digits: ArraySlice<UInt8>) -> Value? {
    let isNegative = digits.first == UInt8(ascii: "-")
    if digits.count == (isNegative ? 1 : 0) { return nil }
    var magnitude: UInt64 = 0
    for digit in isNegative ? digits.dropFirst() : digits {
      if !isDigit(digit) { return nil }
      let (scaled, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
      if overflow || carry { return nil }
      magnitude = sum
    }
    if isNegative {
      return magnitude <= UInt64(Int64.max) + 1 ? .int(Int64(truncatingIfNeeded: 0 &- magnitude)) : nil
    }
    return magnitude <= UInt64(Int64.max) ? .int(Int64(magnitude)) : .unsigned(magnitude)
  }
}

package func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

/// Why a text cannot be read.
package struct BadInput: Error, Hashable {
  /// In bytes, from 1; nil if the whole text is meant.
  package var column: Int?
  package var reason: String

  package init(column: Int? = nil, reason: String) {
    self.column = column
    self.reason = reason
  }

  package var description: String { column.map { "column \($0): \(reason)" } ?? reason }
}

/// Fields of a record in the making, in their order and each once.
private struct Fields {
  private var fields: [(String, Value)] = []
  /// Only used once there are so many fields that searching all of them would be slow.
  private var names: Set<String> = []
  private static let searchMax = 16

  /// False if there is a field of this name already.
  mutating func append(_ name: String, _ value: Value) -> Bool {
    if fields.count < Self.searchMax {
      if fields.contains(where: { $0.0 == name }) { return false }
    } else {
      if fields.count == Self.searchMax { names = Set(fields.map(\.0)) }
      if !names.insert(name).inserted { return false }
    }
    fields.append((name, value))
    return true
  }

  var record: Record { Record(fields) }
}
