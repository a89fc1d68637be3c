import DarkBird
import Foundation

/// Rows in the text form of COPY: cells with tabs between them, a line's end after each row, `\N` for NULL.
struct CopyText {
  private(set) var bytes: [UInt8] = []
  private var isRowEmpty = true
  /// The fields of the last document that has none within others, and its order as a cell.
  private var lastNames: [String] = []
  private var lastOrder: [UInt8] = []

  /// Keeps the memory.
  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  mutating func endRow() {
    bytes.append(0x0a)
    isRowEmpty = true
  }

  private mutating func beginCell() {
    if !isRowEmpty { bytes.append(0x09) }
    isRowEmpty = false
  }

  mutating func null() {
    beginCell()
    bytes += [UInt8(ascii: "\\"), UInt8(ascii: "N")]
  }

  /// Text of letters, digits and the like, which needs no escape.
  mutating func plain(_ text: String) {
    beginCell()
    bytes += text.utf8
  }

  /// Any text without NUL.
  mutating func text(_ text: String) {
    beginCell()
    append(text)
  }

  private mutating func append(_ text: String) {
    var text = text
    // Almost every text goes over as it is. The bytes are used within the call only.
    let isPlain = text.withUTF8 { utf8 in
      for byte in utf8 where byte < 0x20 || byte == UInt8(ascii: "\\") { return false }
      bytes.append(contentsOf: utf8)
      return true
    }
    if isPlain { return }
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes += [byte, byte]
      case 0x09: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
      case 0x0a: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
      case 0x0d: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
      default: bytes.append(byte)
      }
    }
  }

  /// `{"a","b"}`, without the elements that have a NUL.
  mutating func array(_ elements: [String]) {
    beginCell()
    bytes.append(UInt8(ascii: "{"))
    var isFirst = true
    for element in elements where !element.utf8.contains(0) {
      if !isFirst { bytes.append(UInt8(ascii: ",")) }
      isFirst = false
      bytes.append(UInt8(ascii: "\""))
      if element.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") }) {
        append(element.escaping("\\", "\"", with: "\\"))
      } else {
        append(element)
      }
      bytes.append(UInt8(ascii: "\""))
    }
    bytes.append(UInt8(ascii: "}"))
  }

  /// A document as JSON that jsonb gives back with every type; see `JSONText`.
  mutating func json(_ document: Record) {
    beginCell()
    JSONText.append(document, to: &bytes)
  }

  mutating func json(_ value: Value) {
    beginCell()
    JSONText.append(value, to: &bytes)
  }

  /// The order of a document's fields, NULL if jsonb has the same; see `FieldOrder`.
  mutating func order(_ document: Record) {
    // Most documents have the fields of the one before them.
    let isFlat = document.fields.allSatisfy { $0.value.isFlat }
    if isFlat, !lastOrder.isEmpty, document.fields.count == lastNames.count,
      zip(document.fields, lastNames).allSatisfy({ $0.name.utf8.elementsEqual($1.utf8) })
    {
      beginCell()
      bytes += lastOrder
      return
    }
    let order = FieldOrder.order(of: document)
    if let order { json(order) } else { null() }
    guard isFlat else { return }
    lastNames = document.fields.map(\.name)
    var cell = CopyText()
    if let order { cell.json(order) } else { cell.null() }
    lastOrder = cell.bytes
  }
}

extension Value {
  /// Whether there are no fields in it.
  fileprivate var isFlat: Bool {
    switch self {
    case .map: false
    case .array(let values): values.allSatisfy(\.isFlat)
    default: true
    }
  }
}

/// A row that COPY sends, cell by cell.
struct CopyRow {
  private let bytes: [UInt8]
  private var index = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Whether all cells were taken.
  var isAtEnd: Bool { index > bytes.count }

  /// The next cell, of which there must be one; nil for NULL.
  mutating func next() -> [UInt8]? {
    let start = index
    var hasEscapes = false
    while index < bytes.count, bytes[index] != 0x09 {
      if bytes[index] == UInt8(ascii: "\\") { hasEscapes = true }
      index += 1
    }
    let cell = bytes[start..<index]
    index += 1
    if !hasEscapes { return Array(cell) }
    if cell.count == 2, cell.last == UInt8(ascii: "N") { return nil }
    var plain: [UInt8] = []
    plain.reserveCapacity(cell.count)
    var isEscaped = false
    for byte in cell {
      if isEscaped {
        isEscaped = false
        switch byte {
        case UInt8(ascii: "b"): plain.append(0x08)
        case UInt8(ascii: "f"): plain.append(0x0c)
        case UInt8(ascii: "n"): plain.append(0x0a)
        case UInt8(ascii: "r"): plain.append(0x0d)
        case UInt8(ascii: "t"): plain.append(0x09)
        case UInt8(ascii: "v"): plain.append(0x0b)
        default: plain.append(byte)
        }
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else {
        plain.append(byte)
      }
    }
    return plain
  }
}
