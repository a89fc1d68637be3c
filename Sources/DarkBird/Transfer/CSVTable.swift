import Foundation

/// CSV (RFC 4180) that keeps types: the header says what the cells of a column are, `age:int`. The first column is the key.
///
/// A column whose values are all of one kind has that kind; any other is JSON, as `TypedJSON` writes it. An empty cell is a
/// field that the document has not; text or bytes of length 0 are a cell with quotes around nothing.
package struct CSVColumn: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Sendable {
    case string, int, double, bool, date, bytes, json
  }

  package var name: String
  package var kind: Kind

  package init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
  }

  /// `name:kind`; nil if the last part is no kind.
  package init?(header: String) {
    guard let colon = header.utf8.lastIndex(of: UInt8(ascii: ":")),
      let kind = Kind(rawValue: String(header[header.utf8.index(after: colon)...]))
    else { return nil }
    var name = String(header[..<colon])
    if name.utf8.first == UInt8(ascii: "\"") {
      guard let plain = try? JSONDecoder().decode(String.self, from: Data(name.utf8)) else { return nil }
      name = plain
    }
    self.init(name: name, kind: kind)
  }

  /// A name that would drive a terminal is JSON, which has escapes.
  package var header: String { header(isPlain: false) }

  /// - Parameter isPlain: for programs that know no types, the name alone.
  package func header(isPlain: Bool) -> String {
    let suffix = isPlain ? "" : ":\(kind.rawValue)"
    guard name.utf8.first == UInt8(ascii: "\"") || name.unicodeScalars.contains(where: TypedJSON.drivesTerminal) else {
      return Self.quoted(name + suffix)
    }
    var json = ""
    TypedJSON.append(.string(name), to: &json)
    return Self.quoted(json + suffix)
  }

  // MARK: Writing

  package func cell(_ value: Value?) -> String {
    guard let value else { return "" }
    switch (kind, value) {
    case (.string, .string(let text)): return Self.quoted(text)
    case (.int, .int(let number)): return String(number)
    case (.int, .unsigned(let number)): return String(number)
    case (.double, .double(let number)): return String(number)
    case (.bool, .bool(let flag)): return String(flag)
    case (.date, .date(let date)):
      let text = TypedJSON.date(date)
      return text.hasPrefix("\"") ? String(text.dropFirst().dropLast()) : text
    case (.bytes, .bytes(let bytes)): return bytes.isEmpty ? "\"\"" : Data(bytes).base64EncodedString()
    default:
      var json = ""
      TypedJSON.append(value, to: &json)
      return Self.quoted(json)
    }
  }

  /// With quotes where RFC 4180 asks for them, and around nothing.
  static func quoted(_ text: String) -> String {
    let needsQuotes = text.utf8.contains {
      $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 0x0a || $0 == 0x0d
    }
    if text.isEmpty { return "\"\"" }
    return needsQuotes ? "\"" + text.escaping("\"", with: "\"") + "\"" : text
  }

  // MARK: Reading

  /// What a cell stands for; nil if it is no value of this kind. Not for JSON, which needs a parser.
  package func value(_ text: String) -> Value? {
    switch kind {
    case .string: .string(text)
    case .int: Int64(text).map { .int($0) } ?? UInt64(text).map { Value($0) }
    // Infinite only if the text says so, not where its digits say more than fits.
    case .double: Double(text).flatMap { $0.isInfinite && text.contains(where: \.isNumber) ? nil : .double($0) }
    case .bool: Bool(text).map { .bool($0) }
    case .date: TypedJSON.date(.string(text)).map { .date($0) }
    case .bytes: Data(base64Encoded: text).map { .bytes(Array($0)) }
    case .json: nil
    }
  }
}

/// Finds the columns of a table: look at all documents first, then write them.
package struct CSVColumns: Sendable {
  private var kinds: [String: CSVColumn.Kind] = [:]
  private var names: [String] = []
  private var keyKind: CSVColumn.Kind?

  package init() {}

  /// - Complexity: O(fields).
  package mutating func look(at key: Value, _ document: Record) {
    let kind = Self.kind(key)
    keyKind = keyKind == nil || keyKind == kind ? kind : .json
    for field in document.fields {
      let kind = Self.kind(field.value)
      guard let known = kinds[field.name] else {
        names.append(field.name)
        kinds[field.name] = kind
        continue
      }
      if known != kind { kinds[field.name] = .json }
    }
  }

  /// The key, then some fields in this order; none stands for all in the order in which they came up.
  package func columns(_ fields: [String] = []) -> [CSVColumn] {
    [CSVColumn(name: "key", kind: keyKind ?? .json)]
      + (fields.isEmpty ? names : fields).map { CSVColumn(name: $0, kind: kinds[$0] ?? .json) }
  }

  private static func kind(_ value: Value) -> CSVColumn.Kind {
    switch value {
    case .bool: .bool
    case .int, .unsigned: .int
    case .double: .double
    // JSON has escapes for what must not reach a terminal; CSV has none.
    case .string(let text):
      text.unicodeScalars.contains { TypedJSON.drivesTerminal($0) && $0 != "\n" && $0 != "\t" } ? .json : .string
    case .date: .date
    case .bytes: .bytes
    case .null, .array, .map: .json
    }
  }
}
